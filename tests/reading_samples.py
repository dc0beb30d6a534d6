"""Small DICOM files made with pydicom for the tests of the reader, independent of lutetia's own writer."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian

from lutetia.nuclides.model import Nuclide

ADMINISTERED = dt.datetime(2024, 3, 1, 9, 0)
ACQUIRED = dt.datetime(2024, 3, 2, 10, 30)
HALF_LIFE_LU177_s = 6.647 * 86400.0
PT, NM, CT = "1.2.840.10008.5.1.4.1.1.128", "1.2.840.10008.5.1.4.1.1.20", "1.2.840.10008.5.1.4.1.1.2"
NAME, PATIENT = "ZZNAME^CANARY", "ZZID-4711"


def nuclide(name: str = "Lu-177", half_life_s: float = HALF_LIFE_LU177_s) -> Nuclide:
    """A nuclide with a half-life and nothing else."""
    return Nuclide(name, half_life_s, (), MappingProxyType({}), None, MappingProxyType({}))


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """A coded concept."""
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def tracer(meaning: str = "177 Lutetium", half_life_s: float | None = HALF_LIFE_LU177_s) -> Dataset:
    """An item of the Radiopharmaceutical Information Sequence: 7.4 GBq at ADMINISTERED."""
    item = Dataset()
    item.RadionuclideTotalDose = "7.4e9"
    if half_life_s is not None:
        item.RadionuclideHalfLife = f"{half_life_s:.1f}"
    item.RadiopharmaceuticalStartDateTime = ADMINISTERED.strftime("%Y%m%d%H%M%S")
    item.RadionuclideCodeSequence = [code("X-1", "99TEST", meaning)]
    return item


def base(modality: str, sop_class: str, number: int, series: str = "1.2.3.4", patient: str = PATIENT) -> FileDataset:
    """What every image has."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = f"{series}.{number}"
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    ds.Modality, ds.PatientName, ds.PatientID, ds.PatientBirthDate = modality, NAME, patient, "19500101"
    ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2.3", series, "1.2.3.9"
    ds.SeriesDescription = f"made {modality}"
    ds.PatientWeight = "80"
    ds.AcquisitionDate, ds.AcquisitionTime = ACQUIRED.strftime("%Y%m%d"), ACQUIRED.strftime("%H%M%S.%f")
    ds.SeriesDate, ds.SeriesTime = ds.AcquisitionDate, ds.AcquisitionTime
    return ds


def put_pixels(ds: Dataset, stored: np.ndarray) -> None:
    """Stored values as 16-bit pixels; the shape is (rows, columns) or (frames, rows, columns)."""
    ds.Rows, ds.Columns = stored.shape[-2:]
    if stored.ndim == 3:
        ds.NumberOfFrames = len(stored)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, int(stored.dtype.kind == "i")
    ds.PixelData = np.ascontiguousarray(stored).astype(stored.dtype.newbyteorder("<")).tobytes()


def slices(
    folder: Path,
    stored: np.ndarray,
    *,
    modality: str = "PT",
    origin: Any = (-10.0, -20.0, 30.0),
    row: Any = (1.0, 0.0, 0.0),
    column: Any = (0.0, 1.0, 0.0),
    step: Any = (0.0, 0.0, 4.0),
    spacing: tuple[float, float] = (3.0, 2.0),
    change: Callable[[Dataset, int], None] | None = None,
    series: str = "1.2.3.4",
    patient: str = PATIENT,
    order: Any = None,
) -> list[Path]:
    """A PT or CT series of shape (slices, rows, columns); slice k lies at origin + k step. `change` edits each file."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for f, k in enumerate(range(len(stored)) if order is None else order):
        ds = base(modality, {"PT": PT, "CT": CT}[modality], k + 1, series, patient)
        put_pixels(ds, stored[k])
        ds.ImagePositionPatient = [f"{v:.9g}" for v in np.array(origin) + k * np.array(step)]
        ds.ImageOrientationPatient = [f"{v:.9g}" for v in (*row, *column)]
        ds.PixelSpacing = list(spacing)
        ds.RescaleSlope, ds.RescaleIntercept = "1", "0"
        if modality == "PT":
            ds.Units, ds.DecayCorrection, ds.NumberOfSlices = "BQML", "ADMIN", len(stored)
            ds.ActualFrameDuration = "1200000"
            ds.RadiopharmaceuticalInformationSequence = [tracer()]
        if change is not None:
            change(ds, k)
        path = folder / f"{modality.lower()}{series.replace('.', '')}_{f:03d}.dcm"
        ds.save_as(path, enforce_file_format=True)
        paths.append(path)
    return paths


def nm_file(
    path: Path, stored: np.ndarray, *, spacing_between: float | None = -4.0, vector: Any = None,
    slope_Bq_mL: float | None = 2.5, change: Callable[[Dataset], None] | None = None,
) -> Path:
    """A reconstructed NM object whose position and orientation stand in the detector's item only."""
    ds = base("NM", NM, 1)
    put_pixels(ds, stored)
    ds.ImageType = ["ORIGINAL", "PRIMARY", "RECON TOMO", "EMISSION"]
    ds.PixelSpacing, ds.SliceThickness = [3.0, 2.0], 4.0
    if spacing_between is not None:
        ds.SpacingBetweenSlices = spacing_between
    ds.SliceVector = list(range(1, len(stored) + 1)) if vector is None else list(vector)
    ds.FrameIncrementPointer = 0x00540080
    detector = Dataset()
    detector.ImagePositionPatient, detector.ImageOrientationPatient = [-10.0, -20.0, 100.0], [1, 0, 0, 0, 1, 0]
    ds.DetectorInformationSequence = [detector]
    rotation = Dataset()
    rotation.NumberOfFramesInRotation, rotation.ActualFrameDuration = 60, 20000
    ds.RotationInformationSequence = [rotation]
    ds.RadiopharmaceuticalInformationSequence = [tracer()]
    if slope_Bq_mL is not None:
        mapping = Dataset()
        mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = slope_Bq_mL, 0.0
        mapping.MeasurementUnitsCodeSequence = [code("Bq/ml", "UCUM", "Becquerels/milliliter")]
        ds.RealWorldValueMappingSequence = [mapping]
    if change is not None:
        change(ds)
    ds.save_as(path, enforce_file_format=True)
    return path


def ramp(n: int = 4, rows: int = 3, columns: int = 5) -> np.ndarray:
    """Distinct stored values, shape (n, rows, columns)."""
    return (1 + np.arange(n * rows * columns)).reshape(n, rows, columns).astype(np.uint16)
