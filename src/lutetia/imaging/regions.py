"""Regions as sets of voxels on one grid, with set algebra; read from RTSTRUCT, DICOM SEG or a NIfTI label map."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np

from ..core import BadInput, near_matches, sha256_file
from .volume import Geometry

_VOLUME_TOLERANCE = 0.10
#: How a case leaves a region out.
_HOW = " (in a case file, regions.include names those wanted)"

#: Names of the regions wanted, or what chooses them from the names that a file holds; None for all.
Only = Collection[str] | Callable[[list[str]], Collection[str]] | None


@dataclass(frozen=True, slots=True, eq=False)
class RegionSet:
    """Named masks on one grid; masks may overlap.

    Attributes
    ----------
    masks : mapping of str to ndarray of bool, shape geometry.shape
        Read-only, in the order of the source.
    geometry : Geometry
    source : str
        ``"RTSTRUCT"``, ``"SEG"``, ``"NIfTI labels"`` or what made them.
    files : tuple of (str, str)
        Name and SHA-256 of each file read.
    warnings : tuple of str
        Whole sentences.
    patient_key : str
        As `ActivityScan.patient_key`; "" where the file names no patient.
    patient_words : frozenset of str
        As `ActivityScan.patient_words`.
    """

    masks: Mapping[str, np.ndarray]
    geometry: Geometry
    source: str
    files: tuple[tuple[str, str], ...] = ()
    warnings: tuple[str, ...] = ()
    patient_key: str = ""
    patient_words: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        masks = {}
        for name, mask in self.masks.items():
            if np.shape(mask) != self.geometry.shape:
                raise BadInput(f"region {name!r}: its mask of shape {np.shape(mask)} does not fit the grid of shape {self.geometry.shape}; resample it first.")
            view = np.asarray(mask, bool).view()
            view.flags.writeable = False
            masks[name] = view
        object.__setattr__(self, "masks", MappingProxyType(masks))

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the regions."""
        return tuple(self.masks)

    def mask(self, name: str) -> np.ndarray:
        """Mask of one region; a name that is not there is refused with the near ones."""
        if name not in self.masks:
            known = ", ".join(self.masks) or "none"
            raise BadInput(f"there is no region {name!r} in the {self.source}; it holds {known}.{near_matches(name, self.masks)}")
        return self.masks[name]

    def volume_mL(self, name: str) -> float:
        """Volume of a region, or of a set expression, in mL."""
        return float(np.count_nonzero(self.evaluate(name))) * self.geometry.voxel_mL

    def on_grid(self, onto: Geometry, transform: np.ndarray | None = None) -> RegionSet:
        """The regions on another grid, e.g. those drawn on one scan on the grid of the next.

        Parameters
        ----------
        onto : Geometry
        transform : ndarray, shape (4, 4), optional
            Maps LPS mm of `onto`'s space to LPS mm of the regions' own, as in `resample`.

        Raises
        ------
        BadInput
            Another frame of reference and no transform, or a region wholly outside the grid.
        """
        masks, notes = {}, list(self.warnings)
        for name, mask in self.masks.items():
            masks[name], said = put_on_grid(mask, self.geometry, onto, name, self.source, transform)
            notes += said
        return RegionSet(masks, onto, self.source, self.files, tuple(notes), self.patient_key, self.patient_words)

    def evaluate(self, expression: str) -> np.ndarray:
        """Mask of a set expression of region names.

        Operators stand between spaces, bind alike and are taken from left to right: `` - `` (without), `` + ``
        (or), `` & `` (and). A name may hold spaces and hyphens, and may hold an operator if no other reading
        of the expression exists; otherwise put it in double quotes.

        Raises
        ------
        BadInput
            An unknown name, an expression with two readings, or a result without voxels.

        >>> g = Geometry((1, 1, 3), np.eye(4))
        >>> r = RegionSet({"liver": np.array([[[1, 1, 0]]], bool), "lesion 1": np.array([[[0, 1, 0]]], bool)}, g, "example")
        >>> r.evaluate("liver - lesion 1").astype(int).tolist()
        [[[1, 0, 0]]]
        """
        parts = _parse(expression, self)
        out = np.array(self.mask(parts[0]))
        for operator, name in zip(parts[1::2], parts[2::2]):
            other = self.mask(name)
            if operator == "-":
                out &= ~other
            elif operator == "+":
                out |= other
            else:
                out &= other
        if len(parts) > 1 and not out.any():
            raise BadInput(f"region {expression!r} holds no voxels; check which regions lie in which.")
        return out


def read_regions(
    path: Path | str, geometry: Geometry, *, labels: Mapping[int, str] | None = None, only: Only = None
) -> RegionSet:
    """Regions of a file on the grid of an image.

    Parameters
    ----------
    path : path
        An RTSTRUCT, a DICOM SEG or a NIfTI label map, or a folder that holds exactly one of them.
    geometry : Geometry
        Grid wanted. SEG and NIfTI masks on another grid are resampled (`resample_mask`), contours are filled
        directly (`rasterise`).
    labels : mapping of int to str, optional
        Names of a label map's values; only these are read. Without it every value above 0 is read as ``label 5``.
    only : collection of str, or callable, optional
        Names of the regions wanted, or a function from the names that the file holds to those wanted; the others are
        neither read nor checked.

    Raises
    ------
    BadInput
        A file of another kind, another frame of reference than the image's, two regions of one name, a region
        without voxels on the grid or wholly outside the image, a name or label that the file does not hold.
    """
    from .dicom_files import looks_like_dicom

    file = _find(Path(path))
    if _is_nifti(file):
        source, found, notes, patient = "NIfTI labels", *_from_nifti(file, geometry, labels, only), ("", frozenset())
    else:
        if labels is not None and looks_like_dicom(file):
            raise BadInput(f"{file.name}: labels name the values of a NIfTI label map; a DICOM file has names of its own.")
        source, found, notes, patient = _from_dicom(file, geometry, only)
    if not found:
        raise BadInput(f"{file.name}: holds no region; give a file with contours or labels.")
    return RegionSet(found, geometry, source, ((file.name, sha256_file(file)),), tuple(notes), *patient)


def wanted_names(present: Iterable[str], only: Only, file: str) -> set[str]:
    """Names to read, after refusing duplicates, names that are not there and names that no table or DICOM object holds."""
    present = list(present)
    names = set(present) if only is None else set(only(present) if callable(only) else only)
    for name in sorted(names):
        if name not in present:
            raise BadInput(f"{file}: there is no region {name!r}; it holds {', '.join(present) or 'none'}.{near_matches(name, present)}")
        if present.count(name) > 1:
            raise BadInput(f"{file}: {present.count(name)} regions are named {name!r}; rename them so that each name stands once.")
        if len(name) > 64 or not name.isprintable():
            raise BadInput(f"{file}: the name of region {name[:64]!r} is longer than 64 characters or holds control characters; rename it, or leave it out{_HOW}.")
    return names



def require_frame(found: str, geometry: Geometry, file: str) -> None:
    """Refuse regions drawn in another frame of reference than the image's."""
    if found and geometry.frame_of_reference and found != geometry.frame_of_reference:
        raise BadInput(
            f"{file}: its regions are in frame of reference …{found[-12:]} and the image is in …{geometry.frame_of_reference[-12:]}, "
            "so they do not name the same place; give the regions drawn on this image, or register the images first."
        )


def check_on_grid(name: str, file: str, n_voxels: int, outside: float) -> list[str]:
    """Refuse a region without voxels or wholly outside the image; a warning if part of it is."""
    if outside >= 1.0:
        raise BadInput(f"{file}: region {name!r} lies wholly outside the image; check that it was drawn on this image, or leave it out{_HOW}.")
    if n_voxels == 0:
        raise BadInput(f"{file}: region {name!r} holds no voxel of the image; it is empty or smaller than a voxel, so draw it again or leave it out{_HOW}.")
    if outside > 1e-9:
        return [f"{outside:.1%} of region {name!r} lies outside the image and is lost."]
    return []


def check_volume(name: str, before_mL: float, after_mL: float, what: str) -> list[str]:
    """A warning if putting a region on the grid changed its volume by more than 10 %."""
    if before_mL > 0 and abs(after_mL / before_mL - 1) > _VOLUME_TOLERANCE:
        return [f"region {name!r} has {before_mL:.3g} mL as {what} and {after_mL:.3g} mL in voxels of the image, {after_mL / before_mL - 1:+.0%}."]
    return []


def fraction_outside(places: np.ndarray, grid: Geometry) -> float:
    """Fraction of places (n, 3), LPS mm, that lie in no voxel of a grid."""
    index = grid.to_index(places)
    return 1.0 - float(np.mean(np.all((index >= -0.5 - 1e-6) & (index <= np.array(grid.shape) - 0.5 + 1e-6), axis=1)))


def put_on_grid(
    mask: np.ndarray, own: Geometry, onto: Geometry, name: str, file: str, transform: np.ndarray | None = None
) -> tuple[np.ndarray, list[str]]:
    """A mask of another grid on this one, checked; `transform` as in `resample`."""
    from .resample import resample_mask

    n = int(np.count_nonzero(mask))
    if n == 0:
        raise BadInput(f"{file}: region {name!r} is empty; draw it again or leave it out{_HOW}.")
    out = resample_mask(mask, own, onto, transform)
    outside = 0.0
    if transform is not None or not own.same_grid(onto):
        there = np.eye(4) if transform is None else np.linalg.inv(transform)
        outside = fraction_outside(own.to_patient(np.argwhere(mask)) @ there[:3, :3].T + there[:3, 3], onto)
    notes = check_on_grid(name, file, int(np.count_nonzero(out)), outside)
    before = n * own.voxel_mL * (1.0 - outside)
    return out, notes + check_volume(name, before, np.count_nonzero(out) * onto.voxel_mL, "drawn")


def require_writable(regions: RegionSet, who: str) -> None:
    """Refuse what a DICOM object cannot hold: no region, an empty one, a name it would cut or split."""
    if not regions.masks:
        raise BadInput(f"{who}: there are no regions to write; give at least one.")
    for name, mask in regions.masks.items():
        if not mask.any():
            raise BadInput(f"{who}: region {name!r} is empty; leave it out.")
        if not name.strip() or len(name) > 64 or "\\" in name:
            raise BadInput(f"{who}: region {name!r} cannot be a DICOM name; give it 1 to 64 characters without a backslash.")


def _parse(expression: str, regions: RegionSet) -> list[str]:
    """Names and operators in turn."""
    if expression in regions.masks and not re.search(r"\s[-+&]\s", expression):
        return [expression]
    tokens = re.findall(r'"[^"]*"|(?<=\s)[-+&](?=\s)|(?:(?!\s[-+&]\s)[^"])+', expression)
    tokens = [t.strip() for t in tokens if t.strip()]
    if len(tokens) > 99:
        raise BadInput(f"region expression {expression[:40] + '...'!r} has more than 50 parts; make it of smaller ones.")
    readings = list(itertools.islice(_readings(tokens, regions), 2))
    if len(readings) > 1:
        raise BadInput(f"region expression {expression!r} has two readings, since a region's name holds an operator; put names in double quotes.")
    if readings:
        return readings[0]
    for token in tokens[::2]:
        regions.mask(token.strip('"'))
    raise BadInput(f"region expression {expression!r} cannot be read; write names with ' - ', ' + ' or ' & ' between them.")


def _readings(tokens: list[str], regions: RegionSet) -> Iterable[list[str]]:
    """Every way to read the tokens as name (operator name)*, where adjacent tokens may join into one name."""
    for n in range(1, len(tokens) + 1, 2):
        name = tokens[0][1:-1] if n == 1 and tokens[0].startswith('"') else " ".join(tokens[:n])
        if name not in regions.masks:
            continue
        if n == len(tokens):
            yield [name]
        elif tokens[n] in "-+&" and n + 1 < len(tokens):
            for rest in _readings(tokens[n + 1 :], regions):
                yield [name, tokens[n], *rest]


def _is_nifti(path: Path) -> bool:
    return path.name.lower().endswith((".nii", ".nii.gz"))


def _find(path: Path) -> Path:
    """The file itself, or the one file with regions in a folder."""
    if path.is_file():
        return path
    if not path.is_dir():
        raise BadInput(f"{path.name}: there is no such file or folder with regions; check the path.")
    from .dicom_files import looks_like_dicom, read_header

    found, unread = [], None
    for file in sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")):
        if _is_nifti(file):
            found.append(file)
            continue
        try:
            if read_header(file).text("Modality") in ("RTSTRUCT", "SEG"):
                found.append(file)
        except BadInput as error:  # a note or an index beside the regions, or the regions themselves
            unread = error if unread is None and looks_like_dicom(file) else unread
    if not found and unread is not None:
        raise unread
    if len(found) != 1:
        what = "no file with regions" if not found else f"{len(found)} files with regions ({', '.join(f.name for f in found[:4])})"
        raise BadInput(f"{path.name}: the folder holds {what}; give the path of one RTSTRUCT, SEG or NIfTI label map.")
    return found[0]


def _from_dicom(file: Path, geometry: Geometry, only: Only) -> tuple[str, dict[str, np.ndarray], list[str], tuple[str, frozenset[str]]]:
    from . import rtstruct, seg
    from .dicom_common import read_dataset
    from .dicom_files import Header, patient_key, patient_words, reading

    readers = {"RTSTRUCT": rtstruct.masks_of, "SEG": seg.masks_of}
    ds = read_dataset(file)
    with reading(file.name):
        modality = str(ds.get("Modality", ""))
        if modality not in readers:
            raise BadInput(f"{file.name}: is a DICOM file of modality {modality or 'none'}; regions are read from an RTSTRUCT, a SEG or a NIfTI label map.")
        header = Header(file.name, (ds,))
        return modality, *readers[modality](ds, geometry, file.name, only), (patient_key(header), patient_words(header))


def _from_nifti(
    file: Path, geometry: Geometry, labels: Mapping[int, str] | None, only: Only
) -> tuple[dict[str, np.ndarray], list[str]]:
    from .nifti import read_nifti

    volume = read_nifti(file, "label")
    values = np.asarray(volume.values)
    whole = np.rint(values)
    if not np.all(np.abs(values - whole) < 1e-3):
        raise BadInput(f"{file.name}: holds values that are not whole numbers, so it is not a label map; give one label per voxel.")
    present = [int(v) for v in np.unique(whole) if v > 0]
    names = {v: f"label {v}" for v in present} if labels is None else {int(v): n for v, n in labels.items()}
    chosen = wanted_names(names.values(), only, file.name)
    for value, name in names.items():
        if value not in present and name in chosen:
            raise BadInput(f"{file.name}: label {value} ({name!r}) occurs in no voxel; the map holds {', '.join(map(str, present)) or 'none'}, so correct the labels.")
    out, notes = {}, []
    for value, name in names.items():
        if name in chosen:
            out[name], said = put_on_grid(whole == value, volume.geometry, geometry, name, file.name)
            notes += said
    return out, notes
