"""DICOM files as plain values: which files are one series, what a tag says, what the pixels hold.

Everything that pydicom can raise on a damaged file ends here as `BadInput`; no other file of the reader
touches a pydicom data set but through `Header`. Sentences name files and tags, never a patient.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import re
import unicodedata
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core import BadInput, LutetiaError

#: Largest image that is read, in voxels: a header that asks for more is damaged or hostile.
MAX_VOXELS = 2**30
#: Endings of files that lie beside images and are no images.
_BESIDE = {".txt", ".md", ".json", ".toml", ".csv", ".tsv", ".xml", ".html", ".pdf", ".png", ".jpg", ".jpeg", ".gz",
           ".nii", ".zip", ".yaml", ".yml", ".log", ".py", ".h5", ".hdf", ".bak"}
#: Last parts of the SOP class UIDs of CT, NM and PET images, plain and enhanced.
_IMAGE_CLASSES = {"2", "2.1", "2.2", "20", "128", "128.1", "130"}


@contextlib.contextmanager
def reading(name: str) -> Iterator[None]:
    """A block in which every fault of the file `name` becomes a `BadInput` that names it."""
    from pydicom.config import disable_value_validation

    try:
        with warnings.catch_warnings(), disable_value_validation():
            warnings.simplefilter("ignore")
            yield
    except LutetiaError:
        raise
    except RecursionError:
        raise BadInput(f"{name}: its sequences are nested too deeply to be an image; export the file again.") from None
    except MemoryError:
        raise BadInput(f"{name}: asks for more memory than this machine has; check that the file is an image.") from None
    except Exception as error:  # pydicom raises many kinds on damaged bytes; messages may quote a patient's data
        raise BadInput(f"{name}: cannot be read as DICOM ({type(error).__name__}); the file is damaged or cut short, export it again.") from None


@dataclass(frozen=True, slots=True, eq=False)
class Header:
    """The attributes that hold for one image or one frame of it.

    `places` are data sets, searched in order: for a frame of an enhanced object its own functional groups, then
    the shared ones, then the whole; for NM the detector's item, then the whole.
    """

    name: str
    places: tuple[Any, ...]

    def get(self, keyword: str) -> Any:
        """The raw value in the first place that has one that is not empty, else None."""
        with reading(self.name):
            for place in self.places:
                value = place.get(keyword)
                if value is not None and not (hasattr(value, "__len__") and len(value) == 0):
                    return value
        return None

    def text(self, keyword: str) -> str:
        """A value as text without surrounding blanks; "" where there is none."""
        value = self.get(keyword)
        with reading(self.name):
            return "" if value is None else str(value).strip()

    def texts(self, keyword: str) -> list[str]:
        """A value of one or more parts as a list of texts."""
        value = self.get(keyword)
        with reading(self.name):
            if value is None:
                return []
            parts = [value] if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__") else list(value)
            return [str(v).strip() for v in parts]

    def numbers(self, keyword: str, n: int | None = None) -> list[float] | None:
        """A value as finite floats, `n` of them; None where there is none."""
        value = self.get(keyword)
        if value is None:
            return None
        try:
            with reading(self.name):
                if isinstance(value, bytes):
                    value = value.decode("ascii").strip("\0 ").split("\\")
                parts = [value] if isinstance(value, str) or not hasattr(value, "__iter__") else list(value)
                out = [float(v) for v in parts]
        except BadInput:
            raise BadInput(f"{self.name}: its {keyword} does not hold numbers; the file is damaged, export it again.") from None
        if not all(map(math.isfinite, out)) or (n is not None and len(out) != n):
            raise BadInput(f"{self.name}: its {keyword} does not hold {n or 'finite'} usable numbers; the file is damaged, export it again.")
        return out

    def number(self, keyword: str) -> float | None:
        """A value as one finite float; None where there is none."""
        found = self.numbers(keyword, 1)
        return None if found is None else found[0]

    def items(self, keyword: str) -> list[Header]:
        """The items of a sequence, each with its own attributes only."""
        value = self.get(keyword)
        with reading(self.name):
            if value is None:
                return []
            return [Header(self.name, (item,)) for item in value if hasattr(item, "walk")]

    def private(self, group: int, creator: str, element: int) -> float | None:
        """A number that a vendor keeps under its own creator name; None where there is none."""
        with reading(self.name):
            for place in self.places:
                try:
                    value = place.private_block(group, creator)[element].value
                except KeyError:
                    continue
                if isinstance(value, bytes):
                    value = value.decode("ascii").strip("\0 ")
                return float(value) if value not in ("", None) and math.isfinite(float(value)) else None
        return None


def looks_like_dicom(path: Path) -> bool:
    """Whether the file carries the DICOM mark after its preamble (PS3.10 section 7.1)."""
    with open(path, "rb") as f:
        return f.read(132)[128:] == b"DICM"


def read_header(path: Path) -> Header:
    """The attributes of a file, without its pixels.

    Raises
    ------
    BadInput
        The file is not DICOM, is cut short, or is damaged.
    """
    import pydicom

    try:
        marked = looks_like_dicom(path)
    except OSError as error:
        raise BadInput(f"{path.name}: cannot be opened ({error.strerror}); check the path and its permissions.") from None
    if not marked:
        raise BadInput(f"{path.name}: is not a DICOM file (the mark DICM is missing); leave it out of the folder, or export it again.")
    with reading(path.name):
        _require_bounded(path)
        data = pydicom.dcmread(path, stop_before_pixels=True)
    header = Header(path.name, (data,))
    if not header.text("SOPClassUID") or (is_image(header) and not header.number("Rows")):
        raise BadInput(f"{path.name}: its header is cut short; copy or export the file again.")
    return header


def _require_bounded(path: Path) -> None:
    """Refuse a deflated file that would inflate to more than an image's size; few bytes can hide gigabytes."""
    from pydicom.filereader import read_file_meta_info

    with open(path, "rb") as f:
        meta = f.read(4096)
        if b"1.2.840.10008.1.2.1.99" not in meta:
            return
        f.seek(144 + int(read_file_meta_info(path).FileMetaInformationGroupLength))
        inflate, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
        while block := inflate.unconsumed_tail or f.read(65536):
            size += len(inflate.decompress(block, 1 << 20))
            if size > 4 * MAX_VOXELS or (size > 1 << 26 and size > 500 * path.stat().st_size):
                raise BadInput(f"{path.name}: is deflated and would inflate beyond what an image holds; export it uncompressed.")


def is_image(header: Header) -> bool:
    """Whether it is a CT, NM or PET image (and no screen capture, report or raw data)."""
    return header.text("SOPClassUID").removeprefix("1.2.840.10008.5.1.4.1.1.") in _IMAGE_CLASSES


def dicom_paths(path: Path) -> tuple[list[Path], list[str]]:
    """The files to read at `path` (a file, or a folder with its sub-folders) and the names of those left out."""
    if path.is_file():
        return [path], []
    if not path.is_dir():
        raise BadInput(f"{path.name}: there is no such file or folder; check the path.")
    keep, beside = [], []
    for p in sorted(path.rglob("*")):
        if not p.is_file() or p.name.startswith(".") or p.name == "DICOMDIR":
            continue
        if p.suffix.lower() in _BESIDE and not looks_like_dicom(p):
            beside.append(p.name)
        else:
            keep.append(p)
    if not keep:
        raise BadInput(f"{path.name}: the folder holds no DICOM file; give the folder of one series.")
    return keep, beside


def patient_key(header: Header) -> str:
    """Twelve hexadecimal digits that tell patients apart and do not name them; "" where there is no patient ID."""
    identity = header.text("PatientID")
    return hashlib.sha256(f"{identity}|{header.text('PatientBirthDate')}".encode()).hexdigest()[:12] if identity else ""


def patient_words(header: Header) -> frozenset[str]:
    """Hashes of the words of the patient's name, see `name_words`; empty where there is no name."""
    return name_words(header.text("PatientName"))


def name_words(name: str) -> frozenset[str]:
    """Hashes of the words of a name, whatever their case, accents, order and separators.

    Behind a "+" stand those of neighbours joined, two or three, as O'Brien is written OBRIEN too, and Van der Berg VanDerBerg.

    >>> len(name_words("DOE^JANE")), same_name(name_words("O'Brien^Mary"), name_words("MARY OBRIEN")), same_name(name_words("Roe"), name_words("Doe"))
    (3, True, False)
    """
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.casefold()) if not unicodedata.combining(c))
    words = [w for w in re.split(r"[\W_]+", plain) if w]
    joined = {"".join(words[i : i + n]) for n in (2, 3) for i in range(len(words) - n + 1)}
    return frozenset([_hash(w) for w in words] + [f"+{_hash(w)}" for w in joined])


def _hash(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()[:12]


def same_name(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two names may be one person's: one of them is not there, or holds no word that the other has not, alone or joined.

    >>> same_name(frozenset({"doe", "jane"}), frozenset({"doe", "jane", "mary"})), same_name(frozenset({"doe"}), frozenset({"roe"}))
    (True, False)
    """
    return not one or not other or _words(one) <= _with_joined(other) or _words(other) <= _with_joined(one)


def share_a_word(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two names have a word in common, alone or joined.

    >>> share_a_word(name_words("Doe^Jane"), name_words("Roe^Jane")), share_a_word(name_words("Doe^Jane"), name_words("Roe^Mary"))
    (True, False)
    """
    return bool(_words(one) & _with_joined(other) or _words(other) & _with_joined(one))


def _words(name: frozenset[str]) -> frozenset[str]:
    return frozenset(w for w in name if not w.startswith("+"))


def _with_joined(name: frozenset[str]) -> frozenset[str]:
    return frozenset(w.removeprefix("+") for w in name)


def choose_series(
    found: Sequence[tuple[Path, Header]], modalities: Sequence[str], series_uid: str | None, where: str
) -> list[tuple[Path, Header]]:
    """The images of the one series of `modalities` that is wanted; scouts and screen captures are no images of it.

    Raises
    ------
    BadInput
        There is none, there are several and none was named, or two patients' images are mixed.
    """
    groups: dict[str, list[tuple[Path, Header]]] = {}
    for path, header in found:
        if header.text("Modality") in modalities and is_image(header) and "LOCALIZER" not in header.texts("ImageType"):
            groups.setdefault(header.text("SeriesInstanceUID"), []).append((path, header))
    kinds = " or ".join(modalities)
    if not groups:
        there = ", ".join(sorted({h.text("Modality") or "no modality" for _, h in found}))
        raise BadInput(f"{where}: holds no images of modality {kinds} (it holds {there}); give the folder of that series.")
    if series_uid is not None:
        if series_uid not in groups:
            raise BadInput(f"{where}: has no {kinds} series with UID {series_uid}; the series are {_list_series(groups)}.")
        chosen = groups[series_uid]
    else:
        patients = {patient_key(h) for _, h in found} - {""}
        if len(patients) > 1:
            raise BadInput(f"{where}: holds files of {len(patients)} patients; keep one patient's files in a folder.")
        if len(groups) > 1:
            raise BadInput(f"{where}: holds {len(groups)} {kinds} series ({_list_series(groups)}); name one by its series UID.")
        chosen = next(iter(groups.values()))
    if len({patient_key(h) for _, h in chosen}) > 1:
        raise BadInput(f"{where}: one series carries the identities of several patients; export it again.")
    return chosen


def _list_series(groups: dict[str, list[tuple[Path, Header]]]) -> str:
    return "; ".join(
        f"{uid} '{files[0][1].text('SeriesDescription')}' of {len(files)} file{'s' if len(files) > 1 else ''}" for uid, files in sorted(groups.items())
    )


def read_pixels(path: Path) -> tuple[np.ndarray, str]:
    """Stored values, shape (frames, rows, columns), and the SHA-256 of the file.

    Raises
    ------
    BadInput
        The pixels are cut short, in colour, or in a compression that cannot be decoded here.
    """
    import pydicom

    raw = path.read_bytes()
    with reading(path.name):
        data = pydicom.dcmread(io.BytesIO(raw))
        header = Header(path.name, (data,))
        if not any(k in data for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData")):
            raise BadInput(f"{path.name}: holds no pixels; the file is cut short, export it again.")
        voxels = math.prod(header.number(k) or 1.0 for k in ("Rows", "Columns", "NumberOfFrames"))
        if not 0 < voxels <= MAX_VOXELS:
            raise BadInput(f"{path.name}: claims {voxels:.3g} voxels, more than an image has; the file is damaged, export it again.")
        if (header.number("SamplesPerPixel") or 1) != 1:
            raise BadInput(f"{path.name}: is a colour image; give the original images, not screen captures.")
        _require_decoder(data, path.name)
        pixels = data.pixel_array
    if pixels.ndim == 2:
        pixels = pixels[None]
    if pixels.ndim != 3:
        raise BadInput(f"{path.name}: has pixels of {pixels.ndim} dimensions; give single-channel images.")
    return pixels, hashlib.sha256(raw).hexdigest()


def _require_decoder(data: Any, name: str) -> None:
    from pydicom.pixels import get_decoder

    syntax = data.file_meta.TransferSyntaxUID
    if not syntax.is_compressed or syntax.is_deflated:
        return
    try:
        available = get_decoder(syntax).is_available
    except NotImplementedError:
        available = False
    if not available:
        raise BadInput(
            f"{name}: is compressed as {syntax.name} ({syntax}), which cannot be decoded here; "
            "convert it to an uncompressed transfer syntax, or install pylibjpeg with its plugins."
        )
