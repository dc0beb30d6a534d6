"""What a folder holds: every series and file, what its values mean, and what is missing to compute a dose."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from pathlib import Path

from ..core import BadInput
from . import dicom_time
from .dicom_files import Header, looks_like_dicom, patient_key, read_header
from .dicom_nuclide import header_nuclides
from .dicom_scale import rescale_of
from .dicom_series import Series, assemble
from .nifti import is_nifti, read_nifti

_KINDS = {"PT": "activity", "NM": "activity", "CT": "CT", "RTSTRUCT": "regions", "SEG": "regions", "RTDOSE": "dose"}


@dataclass(slots=True, eq=False)
class SeriesSummary:
    """One series, or one file that is no DICOM.

    Attributes
    ----------
    kind : str
        "activity", "CT", "regions", "dose", "NIfTI", "other" or "unreadable".
    modality, series_uid, description : str
        As in the header; for a file that is no DICOM the description is its name.
    n_files : int
    shape : tuple of int or None
        (slices, rows, columns).
    spacing_mm : tuple of float or None
        Along k, j, i.
    units : str
        Of the stored values, "" if unknown.
    scale : str
        The tag that gives the scale, or why there is none.
    scale_explanation : str
        What was done with that tag, in a sentence: for SUV the activity and the weight behind it.
    acquired_at : datetime or None
    decay_correction : str
        As in the header.
    nuclide : str
        As named in the header, "" if it is not.
    frame_of_reference, patient_key : str
    regions : list of str
        Names of the regions of an RTSTRUCT or SEG.
    problems : list of str
        Why the series cannot be used as it is.
    missing_for_dose : list of str
        What has to be given for an activity image.
    """

    kind: str
    modality: str = ""
    series_uid: str = ""
    description: str = ""
    n_files: int = 1
    shape: tuple[int, ...] | None = None
    spacing_mm: tuple[float, ...] | None = None
    units: str = ""
    scale: str = ""
    scale_explanation: str = ""
    acquired_at: dt.datetime | None = None
    decay_correction: str = ""
    nuclide: str = ""
    frame_of_reference: str = ""
    patient_key: str = ""
    regions: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    missing_for_dose: list[str] = field(default_factory=list)


def inspect_folder(path: Path) -> list[SeriesSummary]:
    """Summarise every series in a folder with its sub-folders, or one file.

    No file makes it fail: what cannot be read is listed as "unreadable" with the reason.

    Raises
    ------
    BadInput
        There is no such file or folder.
    """
    path = Path(path)
    if not path.exists():
        raise BadInput(f"{path.name}: there is no such file or folder; check the path.")
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith("."))
    base = path if path.is_dir() else path.parent
    groups: dict[tuple[str, str], list[tuple[Path, Header]]] = {}
    out = []
    for p in files:
        name = p.relative_to(base).as_posix()
        try:
            if is_nifti(p):
                out.append(_nifti(p, name))
            elif looks_like_dicom(p):
                header = read_header(p)
                key = (header.text("Modality"), header.text("SeriesInstanceUID"))
                groups.setdefault(key, []).append((p, header))
            elif p.suffix.lower() in (".dcm", ".ima"):
                out.append(SeriesSummary("unreadable", description=name, problems=["is not a DICOM file (the mark DICM is missing)"]))
            else:
                out.append(SeriesSummary("other", description=name))
        except BadInput as error:
            out.append(SeriesSummary("unreadable", description=name, problems=[str(error)]))
        except OSError as error:
            out.append(SeriesSummary("unreadable", description=name, problems=[f"cannot be opened ({error.strerror})"]))
    return [_dicom(modality, uid, members) for (modality, uid), members in sorted(groups.items())] + out


def _nifti(path: Path, name: str) -> SeriesSummary:
    volume = read_nifti(path, "")
    lowest, highest = float(volume.values.min()), float(volume.values.max())
    spacing = tuple(round(float(s), 4) for s in volume.geometry.spacing_mm)
    return SeriesSummary(
        "NIfTI", description=name, shape=volume.geometry.shape, spacing_mm=spacing,
        scale=f"values from {lowest:.6g} to {highest:.6g}; NIfTI carries no unit",
        missing_for_dose=["the unit of the values, or a calibration", "the time of the scan", "what the values are decay-corrected to"],
    )  # fmt: skip


def _dicom(modality: str, uid: str, members: list[tuple[Path, Header]]) -> SeriesSummary:
    first = members[0][1]
    summary = SeriesSummary(_KINDS.get(modality, "other"), modality, uid, n_files=len(members))
    steps = [_identity]
    if summary.kind == "regions":
        steps.append(_regions)
    elif summary.kind in ("activity", "CT"):
        steps.append(_image)
    for step in steps:
        try:
            step(summary, first, members)
        except BadInput as error:
            summary.problems.append(str(error))
    return summary


def _identity(summary: SeriesSummary, first: Header, members: list[tuple[Path, Header]]) -> None:
    summary.description = first.text("SeriesDescription")
    summary.frame_of_reference = first.text("FrameOfReferenceUID")
    summary.patient_key = patient_key(first)
    if len({patient_key(h) for _, h in members}) > 1:
        summary.problems.append("the series carries the identities of several patients")


def _regions(summary: SeriesSummary, first: Header, members: list[tuple[Path, Header]]) -> None:
    for _, header in members:
        summary.regions += [item.text("ROIName") for item in header.items("StructureSetROISequence")]
        summary.regions += [item.text("SegmentLabel") for item in header.items("SegmentSequence")]
    for item in first.items("ReferencedFrameOfReferenceSequence"):
        summary.frame_of_reference = summary.frame_of_reference or item.text("FrameOfReferenceUID")


def _image(summary: SeriesSummary, first: Header, members: list[tuple[Path, Header]]) -> None:
    moments = [t for _, h in members if (t := dicom_time.acquisition_start(h)) is not None]
    if len({t.tzinfo is None for t in moments}) == 1:
        summary.acquired_at = min(moments)
    if summary.kind == "activity":
        summary.units = first.text("Units")
        summary.decay_correction = first.text("DecayCorrection")
        summary.nuclide = next((n for n, _ in header_nuclides(first) if n), "")
    series = assemble(members, summary.description or "the series")
    summary.shape = series.geometry.shape
    summary.spacing_mm = tuple(round(float(s), 4) for s in series.geometry.spacing_mm)
    summary.problems += series.warnings
    if summary.kind == "activity":
        _activity(summary, series)
    else:
        summary.units = first.text("RescaleType") or "HU"
        summary.scale = "Rescale Slope and Intercept (0028,1053 and 1052)"


def _activity(summary: SeriesSummary, series: Series) -> None:
    try:
        found = rescale_of(series.headers, voxel_mL=series.geometry.voxel_mL, duration_s=None, calibration=None, unit=None)
        summary.scale, summary.units, summary.scale_explanation = found.scale.tag, found.scale.unit, found.scale.explanation
    except BadInput as error:
        summary.scale = f"none: {error}"
        summary.missing_for_dose.append("a calibration, or an image in Bq/mL")
    if summary.acquired_at is None:
        summary.missing_for_dose.append("the time of the scan")
    try:
        kind, _ = dicom_time.decay_correction(series.headers, None)
        summary.decay_correction = summary.decay_correction or kind
    except BadInput:
        summary.missing_for_dose.append("what the values are decay-corrected to")
    if not summary.nuclide:
        summary.missing_for_dose.append("the nuclide (the header names none)")
    start = summary.acquired_at
    if start is None or dicom_time.administration(series.headers[0], start, None, 0.0) is None:
        summary.missing_for_dose.append("the time of the administration")
