"""One series of DICOM images as a stack: its headers in order, its grid, and its values when asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..core import BadInput
from .dicom_files import (
    Header,
    choose_series,
    dicom_paths,
    patient_key,
    patient_words,
    read_header,
    read_pixels,
    reading,
)
from .dicom_geometry import Plane, nm_planes, plane_of, stack
from .volume import Geometry


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Images of one series, slice by slice along the grid's k.

    Attributes
    ----------
    headers : tuple of Header
        What holds for each slice.
    source : tuple of (Path, int)
        The file and the frame in it that hold each slice.
    geometry : Geometry
    modality, series_uid, patient_key : str
    warnings : tuple of str
    patient_words : frozenset of str
    """

    headers: tuple[Header, ...]
    source: tuple[tuple[Path, int], ...]
    geometry: Geometry
    modality: str
    series_uid: str
    patient_key: str
    warnings: tuple[str, ...]
    patient_words: frozenset[str]


def load_series(path: Path, modalities: Sequence[str], series_uid: str | None = None) -> Series:
    """Find the series at `path` (a file or a folder), order its slices and check that they make a regular grid.

    Raises
    ------
    BadInput
        See `choose_series` and `dicom_geometry.stack`.
    """
    paths, beside = dicom_paths(path)
    found = [(p, read_header(p)) for p in paths]
    chosen = choose_series(found, modalities, series_uid, path.name)
    notes = [f"left out {len(beside)} file{'s' if len(beside) > 1 else ''} that are no DICOM images: {', '.join(beside[:3])}"] if beside else []
    return assemble(chosen, path.name, notes)


def assemble(chosen: Sequence[tuple[Path, Header]], where: str, notes: Sequence[str] = ()) -> Series:
    """The series that files already chosen make."""
    notes = list(notes)
    headers: list[Header] = []
    planes: list[Plane] = []
    source: list[tuple[Path, int]] = []
    for path, whole in chosen:
        n = int(whole.number("NumberOfFrames") or 1)
        frames, frame_planes, more = _frames(whole, n)
        headers += frames
        planes += frame_planes
        source += [(path, f) for f in range(n)]
        notes += more
        if n > 1 and len(chosen) > 1:
            raise BadInput(f"{where}: the series has {len(chosen)} files and {path.name} alone holds {n} frames; give one multi-frame file.")
    first = chosen[0][1]
    _require_complete(first, len(planes), where)
    frames_of_reference = {h.text("FrameOfReferenceUID") for _, h in chosen}
    if len(frames_of_reference) > 1:
        raise BadInput(f"{where}: the slices of the series have {len(frames_of_reference)} frames of reference; export it again.")
    geometry, order = stack(planes, frames_of_reference.pop(), where)
    return Series(
        tuple(headers[i] for i in order),
        tuple(source[i] for i in order),
        geometry,
        first.text("Modality"),
        first.text("SeriesInstanceUID"),
        patient_key(first),
        tuple(notes),
        patient_words(first),
    )


def _frames(whole: Header, n: int) -> tuple[list[Header], list[Plane], list[str]]:
    if n < 1:
        raise BadInput(f"{whole.name}: claims {n} frames; the file is damaged, export it again.")
    if whole.text("Modality") == "NM":
        detectors = whole.items("DetectorInformationSequence")
        header = Header(whole.name, (*(detectors[0].places if detectors else ()), *whole.places))
        if n == 1:
            return [header], [plane_of(header)], []
        planes, notes = nm_planes(header, n)
        return [header] * n, planes, notes
    own = whole.items("PerFrameFunctionalGroupsSequence")
    if not own:
        if n > 1:
            raise BadInput(f"{whole.name}: holds {n} frames and does not say where each lies; give single slices or an enhanced object.")
        return [whole], [plane_of(whole)], []
    if len(own) != n:
        raise BadInput(f"{whole.name}: describes {len(own)} frames and claims {n}; export the file again.")
    shared = [place for group in whole.items("SharedFunctionalGroupsSequence") for place in _macros(group)]
    headers = [Header(whole.name, (*_macros(group), *shared, *whole.places)) for group in own]
    return headers, [plane_of(h) for h in headers], []


def _macros(group: Header) -> list[object]:
    """The first item of each functional group of a frame; the group itself too, as some groups are sequences."""
    with reading(group.name):
        inside = [e.value[0] for e in group.places[0] if e.VR == "SQ" and len(e.value)]
    return [*inside, *group.places]


def _require_complete(header: Header, n: int, where: str) -> None:
    """A PET header says how many slices there are, so that a cut at the end of the stack is seen."""
    expected = header.number("NumberOfSlices")
    if header.text("Modality") == "PT" and expected and n < expected:
        raise BadInput(f"{where}: {int(expected) - n} of the {int(expected)} slices that Number of Slices (0054,0081) promises are missing; copy the whole series.")


def values_of(series: Series, slope: np.ndarray, intercept: np.ndarray) -> tuple[np.ndarray, tuple[tuple[str, str], ...]]:
    """stored * slope + intercept, slice by slice.

    Parameters
    ----------
    slope, intercept : ndarray, shape (n slices,)

    Returns
    -------
    values : ndarray of float32, shape series.geometry.shape
    files : tuple of (name, SHA-256)
        In the order of their names.

    Raises
    ------
    BadInput
        A file's pixels cannot be read, or do not have the shape its header says.
    """
    values = np.empty(series.geometry.shape, np.float32)
    slices: dict[Path, list[tuple[int, int]]] = {}
    for k, (path, frame) in enumerate(series.source):
        slices.setdefault(path, []).append((k, frame))
    hashes = []
    for path, wanted in slices.items():
        pixels, digest = read_pixels(path)
        hashes.append((path.name, digest))
        if pixels.shape[1:] != values.shape[1:] or len(pixels) != len(wanted):
            raise BadInput(f"{path.name}: its pixels have the shape {pixels.shape}, not what its header says; export the file again.")
        for k, frame in wanted:
            with np.errstate(over="ignore", invalid="ignore"):
                values[k] = pixels[frame] * float(slope[k]) + float(intercept[k])
    return values, tuple(sorted(hashes))
