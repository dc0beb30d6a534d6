"""DICOM images written from volumes: a CT series, a PET-style series in Bq/mL, a reconstructed NM object.

These serve the synthetic patient and the tests of the reader: the same input gives the same bytes, every UID
is derived from names, and each object passes ``dciodvfy`` without an error.
The NM object is written the way many workstations write it: see `write_nm_spect`.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core import BadInput
from .dicom_common import content_uid, ds_text, new_object, save
from .dicom_time import mean_to_start
from .volume import Geometry, Volume

_CT, _PT, _NM = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.20"


@dataclass(frozen=True, slots=True)
class Study:
    """What all files of one visit share.

    Attributes
    ----------
    key : str
        Distinguishes this study's UIDs from another's.
    started_at : datetime
    description, patient_name, patient_id, birth_date, sex : str
        In DICOM's own forms (``"DEMO^LUTETIA"``, ``"19600101"``, ``"F"``).
    weight_kg, height_m : float
    """

    key: str
    started_at: dt.datetime
    description: str
    patient_name: str
    patient_id: str
    birth_date: str
    sex: str
    weight_kg: float
    height_m: float


@dataclass(frozen=True, slots=True)
class Administered:
    """The radiopharmaceutical as an image's header states it: activity [Bq] at a time, half-life [s]."""

    agent: str
    nuclide: str
    activity_Bq: float
    at: dt.datetime
    half_life_s: float


def write_ct_series(folder: Path, volume: Volume, study: Study, *, series: str = "CT", number: int = 2) -> list[Path]:
    """One CT image file per slice, with HU stored as signed 16-bit integers (slope 1, intercept 0).

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    volume : Volume
        ``"HU"``; rounded to whole HU.
    study : Study
    series : str
        The series description; also tells this series' UIDs from another's.
    number : int
        Series number.

    Returns
    -------
    list of Path
        In slice order.

    Raises
    ------
    BadInput
        The volume is not in HU, or its axes are not perpendicular.
    """
    _require(volume, "HU")
    stored = np.clip(np.rint(volume.values), -32768, 32767).astype("<i2")
    paths = []
    for k in range(volume.geometry.shape[0]):
        ds = _object(_CT, "CT", study, series, number, k, study.started_at, volume.geometry.frame_of_reference)
        ds.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.KVP = 120
        ds.PatientPosition = "HFS"
        _slice_place(ds, volume.geometry, k)
        _pixels(ds, stored[k], signed=True)
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = 1, 0, "HU"
        ds.WindowCenter, ds.WindowWidth = 40, 400
        paths.append(_save(ds, folder, f"ct{k + 1:04d}.dcm"))
    return paths


def write_pt_series(
    folder: Path, volume: Volume, study: Study, dose: Administered, *, duration_s: float, series: str = "Quantitative SPECT",
    number: int = 1, decay_correction: str = "NONE",
) -> list[Path]:
    """One PT image file per slice in BQML, as some workstations export quantitative SPECT.

    Parameters
    ----------
    folder, study, series, number
        As in `write_ct_series`.
    volume : Volume
        ``"activity concentration [Bq/mL]"`` at ``volume.time``, the start of the acquisition.
    dose : Administered
    duration_s : float
        Acquisition time T.
    decay_correction : str
        DICOM Decay Correction (0054,1102). ``"START"`` stores the values as they are, ``"NONE"`` their mean during the
        acquisition (by physical decay: times ``(1 - exp(-lambda T)) / (lambda T)``), ``"ADMIN"`` the values at
        the administration (times ``exp(lambda (volume.time - dose.at))``).

    Raises
    ------
    BadInput
        Another quantity, no time, or another word for the decay correction.
    """
    at = _require(volume, "activity concentration [Bq/mL]")
    if decay_correction not in ("NONE", "START", "ADMIN"):
        raise BadInput(f"The decay correction {decay_correction!r} is not one of NONE, START and ADMIN; give one of these.")
    since_administration = 2.0 ** ((at - dose.at).total_seconds() / dose.half_life_s)
    averaged = _mean_during(dose, duration_s)
    factor = {"NONE": averaged, "START": 1.0, "ADMIN": since_administration}[decay_correction]
    n = volume.geometry.shape[0]
    paths = []
    for k in range(n):
        ds = _object(_PT, "PT", study, series, number, k, at, volume.geometry.frame_of_reference)
        ds.ImageType = ["ORIGINAL", "PRIMARY"]
        ds.Units, ds.CountsSource, ds.SeriesType = "BQML", "EMISSION", ["WHOLE BODY", "IMAGE"]
        ds.NumberOfSlices = n
        ds.CollimatorType = "NONE"
        ds.DecayCorrection = decay_correction
        ds.DecayFactor = ds_text(factor / averaged)
        ds.CorrectedImage = ["ATTN", "SCAT"] + (["DECY"] if decay_correction != "NONE" else [])
        ds.AttenuationCorrectionMethod, ds.ScatterCorrectionMethod = "CT", "Dual energy window"
        ds.ReconstructionMethod, ds.RandomsCorrectionMethod = "OSEM", "NONE"
        ds.FrameReferenceTime = 0
        ds.ActualFrameDuration = round(1000 * duration_s)
        ds.ImageIndex = k + 1
        ds.PatientOrientationCodeSequence, ds.PatientGantryRelationshipCodeSequence = _lying()
        ds.RadiopharmaceuticalInformationSequence = [_radiopharmaceutical(dose, pet=True)]
        _slice_place(ds, volume.geometry, k)
        stored, slope = _to_16_bit(volume.values[k] * factor, 32767)
        _pixels(ds, stored.astype("<i2"), signed=True)
        ds.RescaleSlope, ds.RescaleIntercept = slope, 0
        paths.append(_save(ds, folder, f"pt{k + 1:04d}.dcm"))
    return paths


def write_nm_spect(
    path: Path, volume: Volume, study: Study, dose: Administered, *, duration_s: float, series: str = "SPECT AC SC RR",
    number: int = 1, projections: int = 60, window_keV: tuple[float, float] = (187.2, 228.8),
) -> Path:
    """A multi-frame NM object (RECON TOMO) of an activity concentration, with the habits readers stumble over.

    - Unsigned 16-bit values with no rescale slope; the scale is in the Real World Value Mapping Sequence
      (0040,9096), in UCUM ``Bq/ml``.
    - Position and orientation only in the Detector Information Sequence (0054,0022).
    - Slices run from the head to the feet: Spacing Between Slices (0018,0088) is negative (PS3.3 C.8.4.15).

    Parameters
    ----------
    path : Path
        The file; its folder is made if it is not there.
    volume : Volume
        ``"activity concentration [Bq/mL]"`` at ``volume.time``, the start of the acquisition. Stored is the mean during
        the acquisition, as a camera measures it (no decay correction). Values below zero become zero.
    study, dose, series, number
        As in `write_pt_series`.
    duration_s : float
        Of the whole acquisition; shared equally among `projections`.
    window_keV : tuple of float
        Energy window; the default is 20 % about the 208 keV line of Lu-177.

    Raises
    ------
    BadInput
        Another quantity, no time, or axes that are not perpendicular.
    """
    at = _require(volume, "activity concentration [Bq/mL]")
    row, column, step = _axes(volume.geometry)
    spacing = float(np.cross(row, column) @ step)
    values, first = volume.values * _mean_during(dose, duration_s), volume.geometry.affine[:3, 3]
    if spacing > 0:
        values, first, spacing = values[::-1], first + (len(values) - 1) * step, -spacing
    stored, slope = _to_16_bit(values, 65535)
    n, rows, columns = values.shape

    ds = _object(_NM, "NM", study, series, number, 0, at, volume.geometry.frame_of_reference)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    ds.CountsAccumulated = ""
    ds.PatientOrientationCodeSequence, ds.PatientGantryRelationshipCodeSequence = _lying()
    _pixels(ds, stored.astype("<u2"), signed=False)
    ds.NumberOfFrames = n
    ds.FrameIncrementPointer = 0x00540080  # Slice Vector
    ds.SliceVector = list(range(1, n + 1))
    ds.NumberOfSlices = n
    ds.PixelSpacing = [ds_text(v) for v in volume.geometry.spacing_mm[1:]]
    ds.SliceThickness, ds.SpacingBetweenSlices = ds_text(abs(spacing)), ds_text(spacing)
    ds.CorrectedImage = ["ATTN", "SCAT", "UNIF"]
    ds.RealWorldValueMappingSequence = [_item(
        RealWorldValueFirstValueMapped=0, RealWorldValueLastValueMapped=65535, RealWorldValueIntercept=0.0,
        RealWorldValueSlope=slope, LUTExplanation="Activity concentration", LUTLabel="BQML",
        MeasurementUnitsCodeSequence=[_code("Bq/ml", "UCUM", "Becquerels/milliliter")],
    )]
    ds.NumberOfEnergyWindows = 1
    ds.EnergyWindowInformationSequence = [_item(
        EnergyWindowName="Photopeak",
        EnergyWindowRangeSequence=[_item(EnergyWindowLowerLimit=ds_text(window_keV[0]), EnergyWindowUpperLimit=ds_text(window_keV[1]))],
    )]
    ds.RadiopharmaceuticalInformationSequence = [_radiopharmaceutical(dose, pet=False)]
    ds.NumberOfDetectors = 1
    ds.DetectorInformationSequence = [_item(
        CollimatorGridName="MEGP", CollimatorType="PARA", FocalDistance=0.0, XFocusCenter=0.0, YFocusCenter=0.0,
        ImagePositionPatient=[ds_text(v) for v in first], ImageOrientationPatient=[ds_text(v) for v in (*row, *column)],
    )]
    ds.NumberOfRotations = 1
    ds.RotationInformationSequence = [_item(
        StartAngle=0.0, AngularStep=ds_text(360 / projections), RotationDirection="CW", ScanArc=360.0,
        ActualFrameDuration=round(1000 * duration_s / projections), NumberOfFramesInRotation=projections,
        RadialPosition=[250.0] * projections,
    )]
    return _save(ds, path.parent, path.name)


def _require(volume: Volume, quantity: str) -> dt.datetime:
    if volume.quantity != quantity:
        raise BadInput(f"The image holds {volume.quantity!r}; to be written here it must hold {quantity!r}.")
    if quantity != "HU" and volume.time is None:
        raise BadInput("The activity image carries no time; give the time its values hold for.")
    return volume.time or dt.datetime(1900, 1, 1)


def _mean_during(dose: Administered, duration_s: float) -> float:
    return 1.0 / mean_to_start(float(np.log(2.0)) / dose.half_life_s, duration_s)


def _axes(geometry: Geometry) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit vectors along a row and a column, and the step from slice to slice in mm."""
    a = geometry.affine[:3, :3]
    row, column = (a[:, n] / np.linalg.norm(a[:, n]) for n in (0, 1))
    step = a[:, 2]
    if max(abs(row @ column), abs(row @ step) / np.linalg.norm(step), abs(column @ step) / np.linalg.norm(step)) > 1e-6:
        raise BadInput("The image's axes are not perpendicular, which these DICOM images cannot state; resample it first.")
    return row, column, step


def _slice_place(ds: Any, geometry: Geometry, k: int) -> None:
    row, column, step = _axes(geometry)
    position = geometry.affine[:3, 3] + k * step
    ds.ImagePositionPatient = [ds_text(v) for v in position]
    ds.ImageOrientationPatient = [ds_text(v) for v in (*row, *column)]
    ds.PixelSpacing = [ds_text(v) for v in geometry.spacing_mm[1:]]
    ds.SliceThickness = ds_text(geometry.spacing_mm[0])
    ds.SliceLocation = ds_text(float(np.cross(row, column) @ position))


def _object(sop_class: str, modality: str, study: Study, series: str, number: int, k: int, at: dt.datetime, frame: str) -> Any:
    """Patient, study, series, equipment and the file's own header."""
    patient = {
        "PatientName": study.patient_name, "PatientID": study.patient_id, "PatientBirthDate": study.birth_date,
        "PatientSex": study.sex, "PatientWeight": ds_text(study.weight_kg), "PatientSize": ds_text(study.height_m),
        "StudyInstanceUID": content_uid(study.key, "study"), "StudyID": "1", "StudyDescription": study.description,
        "StudyDate": _date(study.started_at), "StudyTime": _time(study.started_at), "AccessionNumber": "",
        "ReferringPhysicianName": "", "FrameOfReferenceUID": frame or content_uid(study.key, "frame"),
    }
    ds = new_object(
        sop_class, modality, patient, sop_uid=content_uid(study.key, series, str(number), str(k)),
        series_uid=content_uid(study.key, series, str(number), "series"), description=series,
    )
    ds.SeriesNumber, ds.InstanceNumber, ds.AcquisitionNumber = number, k + 1, 1
    for kind in ("Series", "Acquisition", "Content"):
        setattr(ds, f"{kind}Date", _date(at))
        setattr(ds, f"{kind}Time", _time(at))
    ds.BodyPartExamined = "CHESTABDPELVIS"
    ds.BurnedInAnnotation = "NO"
    return ds


def _pixels(ds: Any, stored: np.ndarray, *, signed: bool) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = stored.shape[-2:]
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 16, 16, 15, int(signed)
    ds.PixelData = stored.tobytes()


def _to_16_bit(values: np.ndarray, top: int) -> tuple[np.ndarray, float]:
    """Whole numbers up to `top` and the value of one step, as text in a DS would give it back."""
    largest = float(values.max(initial=0.0))
    slope = float(ds_text(largest / top)) if largest > 0 else 1.0
    return np.clip(np.rint(values / slope), 0, top), slope


def _radiopharmaceutical(dose: Administered, *, pet: bool) -> Any:
    """Total dose in Bq and with a date for PET (C.8.9.2), in MBq and with a time alone for NM (C.8.4.10)."""
    item = _item(
        Radiopharmaceutical=dose.agent, RadionuclideTotalDose=ds_text(dose.activity_Bq / (1 if pet else 1e6)),
        RadiopharmaceuticalStartTime=_time(dose.at), RadiopharmaceuticalRoute="Intravenous",
        RadionuclideCodeSequence=[_nuclide_code(dose.nuclide)],
    )
    if pet:
        item.RadionuclideHalfLife = ds_text(dose.half_life_s)
        item.RadiopharmaceuticalStartDateTime = _date(dose.at) + _time(dose.at)
    return item


def _nuclide_code(nuclide: str) -> Any:
    """The SNOMED CT code of context group 18 (PS3.16), or a local code with the plain name."""
    known = {"Lu-177": ("447553000", "SCT", "^177^Lutetium"), "I-131": ("1368003", "SCT", "^131^Iodine")}
    return _code(*known.get(nuclide, (nuclide, "99LUTETIA", nuclide)))


def _lying() -> tuple[list[Any], list[Any]]:
    """Supine, head first (CID 19, 20 and 21 of PS3.16)."""
    recumbent = _code("102538003", "SCT", "recumbent")
    recumbent.PatientOrientationModifierCodeSequence = [_code("40199007", "SCT", "supine")]
    return [recumbent], [_code("102540001", "SCT", "headfirst")]


def _code(value: str, scheme: str, meaning: str) -> Any:
    return _item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def _item(**attributes: Any) -> Any:
    from pydicom.dataset import Dataset

    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _date(at: dt.datetime) -> str:
    return at.strftime("%Y%m%d")


def _time(at: dt.datetime) -> str:
    return at.strftime("%H%M%S.%f")


def _save(ds: Any, folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / name, ds)
    return folder / name
