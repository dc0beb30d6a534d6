"""What every DICOM object written here shares: identifiers, number text, inherited patient and study, saving."""

from __future__ import annotations

import contextlib
import hashlib
import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import BadInput, near_matches, write_atomic

if TYPE_CHECKING:
    from pydicom import Dataset

RESEARCH_USE = "Research use only. Not for diagnosis or treatment decisions."
MANUFACTURER = "lutetia"

_PATIENT_AND_STUDY = (
    "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex", "PatientAge",
    "PatientSize", "PatientWeight", "PatientIdentityRemoved", "DeidentificationMethod", "StudyInstanceUID", "StudyDate",
    "StudyTime", "ReferringPhysicianName", "StudyID", "AccessionNumber", "StudyDescription", "FrameOfReferenceUID",
    "PositionReferenceIndicator",
)
_MUST_BE_THERE = (
    "PatientName", "PatientID", "PatientBirthDate", "PatientSex", "StudyDate", "StudyTime", "ReferringPhysicianName",
    "StudyID", "AccessionNumber",
)


def content_uid(*parts: bytes | str) -> str:
    """A UID under 2.25 made from the SHA-256 of `parts`: the same content gives the same UID, in every run.

    DICOM PS3.5 B.2 takes any 128-bit UUID after ``2.25.``; this is one of version 8 (RFC 9562, vendor-specific).

    >>> content_uid("dose", "1.2.3") == content_uid("dose", "1.2.3")
    True
    >>> content_uid("a", "bc") == content_uid("ab", "c")
    False
    """
    digest = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        digest.update(len(data).to_bytes(8, "big"))
        digest.update(data)
    value = int.from_bytes(digest.digest()[:16], "big")
    value = (value & ~(0xF << 76)) | (8 << 76)
    return f"2.25.{(value & ~(0x3 << 62)) | (0x2 << 62)}"


def ds_text(value: float) -> str:
    """A number as a DICOM decimal string: at most 16 characters, as exact as they allow.

    >>> ds_text(-249.0234375), ds_text(2.3283064370807974e-10)
    ('-249.0234375', '2.3283064371e-10')
    """
    from pydicom.valuerep import format_number_as_ds

    return format_number_as_ds(float(value) + 0.0)  # + 0.0 turns -0.0 into 0.0


def read_dataset(path: Path | str, *, pixels: bool = True) -> Dataset:
    """One DICOM file whole; anything that is not one, or is damaged, is a `BadInput` that names the file."""
    import pydicom

    from .dicom_files import looks_like_dicom, reading

    path = Path(path)
    if not path.is_file():
        raise BadInput(f"{path.name}: there is no such file; check the path.")
    if not looks_like_dicom(path):
        raise BadInput(f"{path.name}: is not a DICOM file (the mark DICM is missing); give a DICOM Part 10 file.")
    with reading(path.name):
        return pydicom.dcmread(path, stop_before_pixels=not pixels)


def patient_and_study(like: Path | str | Mapping[str, str] | Dataset | None, *seed: bytes | str) -> dict[str, Any]:
    """Patient, study and frame-of-reference attributes for a new object.

    Parameters
    ----------
    like : path, dataset, mapping or None
        A DICOM file (or a folder: its first one) or its header to inherit from; or attributes by DICOM keyword; or None for an
        unnamed patient in a study of its own.
    seed : bytes or str
        Content from which missing UIDs are made.

    Raises
    ------
    BadInput
        A keyword that is not one of patient, study or frame of reference.
    """
    if like is None:
        given: dict[str, Any] = {}
    elif isinstance(like, Mapping):
        for key in like:
            if key not in _PATIENT_AND_STUDY:
                raise BadInput(f"{key!r} is not a patient or study attribute to inherit; use DICOM keywords such as PatientID.{near_matches(key, _PATIENT_AND_STUDY)}")
        given = dict(like)
    else:
        source = read_dataset(first_file(Path(like)), pixels=False) if isinstance(like, (str, Path)) else like
        given = {key: _fitting(source[key]) for key in _PATIENT_AND_STUDY if key in source and source[key].value not in (None, "")}
    out = dict.fromkeys(_MUST_BE_THERE, "") | given
    if not out["PatientID"] and not out["PatientName"]:
        out["PatientID"] = "UNKNOWN"
    for uid in ("StudyInstanceUID", "FrameOfReferenceUID"):
        if not out.get(uid):
            out[uid] = content_uid(uid, *seed)
    return out


def _fitting(element: Any) -> Any:
    """The element's value; a study's name that breaks DICOM's length limit (some archives' do) is cut to it."""
    limit = {"StudyID": 16, "StudyDescription": 64}.get(element.keyword)
    return element.value[:limit].rstrip() if limit and isinstance(element.value, str) else element.value


def new_object(sop_class: str, modality: str, attributes: Mapping[str, Any], *, sop_uid: str, series_uid: str, description: str) -> Dataset:
    """A dataset with file meta, patient, study, series and equipment filled in."""
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    from .. import __version__

    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = sop_uid
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.ImplementationClassUID = content_uid("lutetia", "implementation")
    for key, value in attributes.items():
        setattr(ds, key, value)
    ds.SpecificCharacterSet = "ISO_IR 192"  # inherited texts are decoded, so they are written anew
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, sop_uid
    ds.Modality, ds.SeriesInstanceUID, ds.SeriesNumber = modality, series_uid, 1
    ds.SeriesDescription = description[:64]
    ds.PositionReferenceIndicator = attributes.get("PositionReferenceIndicator", "")
    ds.Manufacturer, ds.ManufacturerModelName, ds.SoftwareVersions = MANUFACTURER, MANUFACTURER, __version__
    ds.DeviceSerialNumber = "0"
    return ds


def save(path: Path | str, ds: Dataset) -> None:
    """Write a Part 10 file whole or not at all."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    write_atomic(path, buffer.getvalue())


def reference(image: Dataset) -> Dataset:
    """A sequence item that names one image."""
    from pydicom import Dataset

    out = Dataset()
    out.ReferencedSOPClassUID, out.ReferencedSOPInstanceUID = image.SOPClassUID, image.SOPInstanceUID
    return out


def referenced_series(images: list[Dataset]) -> Dataset:
    """A Referenced Series Sequence item that names all images of a series."""
    from pydicom import Dataset

    out = Dataset()
    out.SeriesInstanceUID = images[0].SeriesInstanceUID
    out.ReferencedInstanceSequence = [reference(image) for image in images]
    return out


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keeps what toolkits say about odd values off the screen: their lines may quote a patient's data."""
    logs = [logging.getLogger(name) for name in ("pydicom", "highdicom")]
    levels = [log.level for log in logs]
    try:
        for log in logs:
            log.setLevel(logging.CRITICAL)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for log, level in zip(logs, levels):
            log.setLevel(level)


def first_file(path: Path) -> Path:
    """The path itself, or the first DICOM file in a folder and its sub-folders."""
    if not path.is_dir():
        return path
    return _dicom_in(path)[0]


def series_headers(source: Path | str | Sequence[Path | str]) -> list[tuple[Path, Dataset]]:
    """Files and headers of one image series.

    Parameters
    ----------
    source : path or sequence of paths
        The files of the series; or one of them, whose folder is searched for the others; or a folder with one series.

    Raises
    ------
    BadInput
        A file that is not DICOM, a folder without any or with several series.
    """
    if not isinstance(source, (str, Path)):
        return [(Path(p), read_dataset(p, pixels=False)) for p in source]
    path = Path(source)
    if not path.is_dir():
        wanted = read_dataset(path, pixels=False).get("SeriesInstanceUID")
        beside = [p for p in sorted(path.parent.iterdir()) if p.is_file() and not p.name.startswith(".")]
        return [(p, h) for p, h in _readable(beside) if h.get("SeriesInstanceUID") == wanted]
    series: dict[str, list[tuple[Path, Dataset]]] = {}
    for p, header in _readable(_dicom_in(path)):
        if "Rows" in header and header.get("Modality") not in ("RTDOSE", "SEG"):
            series.setdefault(str(header.get("SeriesInstanceUID")), []).append((p, header))
    if len(series) != 1:
        raise BadInput(f"{path.name}: the folder holds {len(series) or 'no'} image series; give the files of the one that is meant.")
    return next(iter(series.values()))


def _dicom_in(folder: Path) -> list[Path]:
    """The DICOM files in a folder and its sub-folders, found as the reader finds them."""
    from .dicom_files import dicom_paths, looks_like_dicom

    files = [p for p in dicom_paths(folder)[0] if looks_like_dicom(p)]
    if not files:
        raise BadInput(f"{folder.name}: the folder holds no DICOM file; give a folder with DICOM files.")
    return files


def _readable(files: list[Path]) -> Iterator[tuple[Path, Dataset]]:
    for p in files:
        try:
            yield p, read_dataset(p, pixels=False)
        except BadInput:
            continue  # a note or an index beside the images


def image_plane(geometry_affine: np.ndarray) -> tuple[list[str], list[str], list[str]]:
    """ImagePositionPatient, ImageOrientationPatient and PixelSpacing of a grid's first slice.

    Raises
    ------
    BadInput
        Axes that are not at right angles, which DICOM cannot say.
    """
    steps = geometry_affine[:3, :3]
    size = np.linalg.norm(steps, axis=0)
    cosines = steps / size
    if np.max(np.abs(cosines.T @ cosines - np.eye(3))) > 1e-4:
        raise BadInput("The image's axes are not at right angles to one another, which DICOM images cannot hold; resample it onto a regular grid first.")
    position = [ds_text(v) for v in geometry_affine[:3, 3]]
    orientation = [ds_text(v) for v in np.concatenate([cosines[:, 0], cosines[:, 1]])]
    return position, orientation, [ds_text(size[1]), ds_text(size[0])]
