"""Absorbed dose as a DICOM RT Dose object (PS3.3 A.18), and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ..core import BadInput
from .dicom_common import (
    RESEARCH_USE,
    content_uid,
    ds_text,
    image_plane,
    new_object,
    patient_and_study,
    quietly,
    read_dataset,
    save,
)
from .dicom_files import reading
from .resample import to_axial
from .volume import Geometry, Volume

_RT_DOSE = "1.2.840.10008.5.1.4.1.1.481.2"
_RT_PLAN = "1.2.840.10008.5.1.4.1.1.481.5"
_QUANTITY = "absorbed dose [Gy]"


@quietly()
def write_rtdose(
    path: Path | str, dose: Volume, *, like: Path | str | Mapping[str, str] | None = None, description: str = "absorbed dose"
) -> None:
    """Write absorbed dose as an RT Dose file.

    Values are stored as 32-bit unsigned integers times DoseGridScaling, so that reading them back errs by at most
    1.2e-10 of the maximum. The voxels are not resampled: they are reordered so that slices are those nearest to
    axial, rows run to the patient's left and columns to the back, and GridFrameOffsetVector rises. DoseType is
    PHYSICAL and DoseUnits GY. DoseSummationType is PLAN, the one term every planning system reads; it calls for a
    plan, and since a radionuclide therapy has none, the plan named is a UID without a file. Made from content, the
    UIDs and so the whole file are the same in every run.

    Parameters
    ----------
    path : path
    dose : Volume
        ``"absorbed dose [Gy]"``, not negative (values above -1e-6 of the maximum, which transforms leave, become 0).
    like : path or mapping, optional
        A DICOM file of the same patient to inherit patient, study and frame of reference from, or those attributes by
        DICOM keyword. The frame of reference of `dose` itself comes first. Without it the patient is UNKNOWN.
    description : str
        Series description, 64 characters are kept.

    Raises
    ------
    BadInput
        Another quantity, values that are negative or not finite, axes that are not at right angles.
    """
    from pydicom import Dataset

    if dose.quantity != _QUANTITY:
        raise BadInput(f"write_rtdose: the image holds {dose.quantity!r}, not {_QUANTITY!r}; RT Dose takes physical absorbed dose only.")
    volume = to_axial(dose)
    geometry = volume.geometry
    stored, scaling = _as_integers(np.asarray(volume.values, float))
    pixels = stored.tobytes()
    seed = (np.round(geometry.affine, 6).tobytes(), str(geometry.shape), geometry.frame_of_reference, scaling, pixels)
    attributes = patient_and_study(like, *seed)
    if geometry.frame_of_reference:
        attributes["FrameOfReferenceUID"] = geometry.frame_of_reference
    sop_uid = content_uid("RTDOSE", description, *(f"{k}={v}" for k, v in sorted(attributes.items())), *seed)
    ds = new_object(_RT_DOSE, "RTDOSE", attributes, sop_uid=sop_uid, series_uid=content_uid("series", sop_uid), description=description)
    ds.OperatorsName = ""
    ds.InstanceNumber = 1
    ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing = image_plane(geometry.affine)
    step = float(np.linalg.norm(geometry.affine[:3, 2]))
    ds.SliceThickness = ds_text(step)
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.NumberOfFrames, ds.Rows, ds.Columns = geometry.shape
    ds.FrameIncrementPointer = 0x3004000C
    ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = 32, 32, 31, 0
    ds.DoseUnits, ds.DoseType, ds.DoseSummationType = "GY", "PHYSICAL", "PLAN"
    ds.DoseComment = RESEARCH_USE
    ds.GridFrameOffsetVector = [ds_text(round(step * k, 9)) for k in range(geometry.shape[0])]
    ds.DoseGridScaling = scaling
    plan = Dataset()
    plan.ReferencedSOPClassUID, plan.ReferencedSOPInstanceUID = _RT_PLAN, content_uid("plan", sop_uid)
    ds.ReferencedRTPlanSequence = [plan]
    ds.PixelData = pixels
    save(path, ds)


def read_rtdose(path: Path | str) -> Volume:
    """Absorbed dose of an RT Dose file, in gray.

    Raises
    ------
    BadInput
        Not an RT Dose file, relative dose, no slice positions, uneven slices, or damaged pixels.
    """
    path = Path(path)
    ds = read_dataset(path)
    with reading(path.name):
        if ds.get("SOPClassUID") != _RT_DOSE:
            raise BadInput(f"{path.name}: is not an RT Dose file; give a file of modality RTDOSE.")
        if ds.get("DoseUnits") != "GY":
            raise BadInput(f"{path.name}: its dose units are {ds.get('DoseUnits', 'missing')}, not GY; export the dose in gray.")
        offsets = np.atleast_1d(np.array(ds.get("GridFrameOffsetVector"), float))
        frames = int(ds.get("NumberOfFrames") or 1)
        if offsets.shape != (frames,) or not np.all(np.isfinite(offsets)):
            raise BadInput(f"{path.name}: GridFrameOffsetVector does not give one position for each of its {frames} frames; export the dose again.")
        step = float(np.mean(np.diff(offsets))) if frames > 1 else float(ds.get("SliceThickness") or 1.0)
        if frames > 1 and (step == 0 or np.max(np.abs(np.diff(offsets) - step)) > 0.01 * abs(step)):
            raise BadInput(f"{path.name}: its slices are unevenly spaced; export the dose on even slices.")
        values = ds.pixel_array.reshape(frames, int(ds.Rows), int(ds.Columns)) * float(ds.DoseGridScaling)
        orientation = np.array(ds.ImageOrientationPatient, float)
        normal = np.cross(orientation[:3], orientation[3:])
        affine = np.eye(4)
        affine[:3, 0] = orientation[:3] * float(ds.PixelSpacing[1])
        affine[:3, 1] = orientation[3:] * float(ds.PixelSpacing[0])
        affine[:3, 2] = normal * step
        affine[:3, 3] = np.array(ds.ImagePositionPatient, float)
        # Offsets count from the first frame, or (when the first is not zero) are places along the normal themselves.
        if offsets[0] != 0 and abs(offsets[0] - affine[:3, 3] @ normal) > 0.01 * abs(step):
            raise BadInput(f"{path.name}: GridFrameOffsetVector starts at {offsets[0]:g}, which is neither 0 nor the first slice's position; export the dose again.")
        return Volume(values, Geometry(values.shape, affine, str(ds.get("FrameOfReferenceUID", ""))), _QUANTITY)


def _as_integers(values: np.ndarray) -> tuple[np.ndarray, str]:
    """Little-endian 32-bit integers and the scaling text that turns them into gray."""
    if not np.all(np.isfinite(values)):
        raise BadInput("write_rtdose: the dose holds values that are not finite; check the step that made it.")
    top = float(values.max(initial=0.0))
    if float(values.min(initial=0.0)) < -1e-6 * top or (top == 0 and values.min(initial=0.0) < 0):
        raise BadInput(f"write_rtdose: the dose is negative in places (down to {values.min():.3g} Gy), which a physical dose is not; check the step that made it.")
    # A little above max / (2^32 - 1), so that rounding the text down cannot overflow the integers.
    scaling = ds_text(top / (2**32 - 1) * (1 + 1e-9)) if top > 0 else "1"
    stored = np.rint(np.clip(values, 0.0, None) / float(scaling))
    return stored.astype("<u4"), scaling
