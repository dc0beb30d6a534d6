"""RT Structure Sets: contours read onto a grid, and masks written as contours along the voxels' faces."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..core import BadInput
from .dicom_common import (
    RESEARCH_USE,
    content_uid,
    ds_text,
    new_object,
    patient_and_study,
    quietly,
    reference,
    save,
    series_headers,
)
from .outline import keyholed, outlines
from .rasterise import plane_spacing, rasterise
from .regions import (
    _HOW,
    Only,
    RegionSet,
    check_on_grid,
    check_volume,
    require_frame,
    require_writable,
    wanted_names,
)
from .resample import axial_order
from .volume import Geometry

if TYPE_CHECKING:
    from pydicom import Dataset

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_COLOURS = ((230, 25, 75), (60, 180, 75), (0, 130, 200), (245, 130, 48), (145, 30, 180), (70, 240, 240), (240, 50, 230), (210, 245, 60))


def masks_of(ds: Dataset, geometry: Geometry, file: str, only: Only = None) -> tuple[dict[str, np.ndarray], list[str]]:
    """Masks by name, and warnings, of an RTSTRUCT dataset on a grid.

    Structures without contours, which planning systems export as a matter of course, and those that are points or lines are
    no regions: they are left out with a warning, unless `only` names them.

    Raises
    ------
    BadInput
        Not an RTSTRUCT, another frame of reference, two regions of one name, contours that are not numbers or
        not planar, a region that is empty on the grid or lies outside it, or one that `only` names and that has no contours.
    """
    if ds.get("SOPClassUID") != "1.2.840.10008.5.1.4.1.1.481.3" or "StructureSetROISequence" not in ds:
        raise BadInput(f"{file}: is not an RT Structure Set; give an RTSTRUCT file.")
    drawn = {int(c.ReferencedROINumber): c.get("ContourSequence") or [] for c in ds.get("ROIContourSequence") or []}
    rois = [(str(r.get("ROIName", "")).strip() or f"ROI {r.ROINumber}", int(r.ROINumber), str(r.get("ReferencedFrameOfReferenceUID", "")))
            for r in ds.StructureSetROISequence]
    chosen = wanted_names([name for name, _, _ in rois], only, file)
    contours, notes = {}, []
    for name, number, frame in rois:
        if name not in chosen:
            continue
        closed = [c for c in drawn.get(number, []) if c.get("ContourGeometricType") in _CLOSED]
        points = [p for p in (_points(c, name, file) for c in closed) if len(p) >= 3]
        if not points:
            if only is None:
                why = "is drawn as points or lines, which is no region," if drawn.get(number) else "has no contours"
                notes.append(f"{name!r} {why} and is left out.")
                continue
            raise BadInput(f"{file}: region {name!r} has no contours that close; draw it, or leave it out{_HOW}.")
        require_frame(frame, geometry, file)
        contours[name] = points
    usual = _usual_spacing(contours)
    masks = {}
    for name, points in contours.items():
        try:
            raster = rasterise(points, geometry, usual)
        except BadInput as error:
            raise BadInput(f"{file}: region {name!r}: {error}") from None
        notes += [f"region {name!r}: {note}." for note in raster.notes]
        notes += check_on_grid(name, file, int(np.count_nonzero(raster.mask)), raster.outside)
        notes += check_volume(name, raster.drawn_mL, raster.filled_mL, "contours")
        masks[name] = raster.mask
    return masks, notes


@quietly()
def write_rtstruct(
    path: Path | str, regions: RegionSet, *, series: Path | str, label: str = "lutetia", description: str = ""
) -> None:
    """Write regions as an RT Structure Set that refers to an image series.

    Contours run along the faces of the voxels, so that reading them back on the same grid gives the same mask. They
    lie in the grid planes nearest to axial, and are CLOSED_PLANAR: a hole is joined to its outline by a keyhole
    (PS3.3 C.8.8.6.3).

    Parameters
    ----------
    path : path
        File to write.
    regions : RegionSet
    series : path
        A DICOM file of the image series the contours refer to (its folder is searched for the rest of the series),
        or that folder. Patient, study and frame of reference come from it.
    label : str
        Structure set label, at most 16 characters are kept.
    description : str
        Added to the structure set's description.

    Raises
    ------
    BadInput
        No region, an empty one or one whose name DICOM cannot hold, or a series in another frame of reference than the regions.
    """
    from pydicom import Dataset

    images = [header for _, header in series_headers(series)]
    first = images[0]
    inherited = patient_and_study(first, str(first.SeriesInstanceUID))
    frame = str(first.get("FrameOfReferenceUID", "") or regions.geometry.frame_of_reference or inherited["FrameOfReferenceUID"])
    require_frame(frame, regions.geometry, "the image series")
    require_writable(regions, "write_rtstruct")
    inherited["FrameOfReferenceUID"] = frame
    content = [f"{name}\x1f".encode() + np.packbits(mask).tobytes() for name, mask in regions.masks.items()]
    sop_uid = content_uid("RTSTRUCT", frame, label, description, str(first.SeriesInstanceUID), regions.geometry.affine.tobytes(), *content)
    ds = new_object("1.2.840.10008.5.1.4.1.1.481.3", "RTSTRUCT", inherited, sop_uid=sop_uid,
                    series_uid=content_uid("RTSTRUCT series", sop_uid), description=label)
    ds.StructureSetLabel = label[:16]
    ds.StructureSetDescription = f"{description} {RESEARCH_USE}".strip()[:1024]
    ds.StructureSetDate, ds.StructureSetTime = inherited["StudyDate"], inherited["StudyTime"]
    ds.OperatorsName = ""
    ds.ApprovalStatus = "UNAPPROVED"
    ds.InstanceNumber = 1
    ds.ReferencedFrameOfReferenceSequence = [_referenced_frame(frame, images)]
    ds.StructureSetROISequence, ds.ROIContourSequence, ds.RTROIObservationsSequence = [], [], []
    axes, flips, geometry = axial_order(regions.geometry)
    planes = _image_planes(images)
    for number, (name, mask) in enumerate(regions.masks.items(), 1):
        roi = Dataset()
        roi.ROINumber, roi.ROIName, roi.ROIGenerationAlgorithm = number, name, ""
        roi.ReferencedFrameOfReferenceUID = frame
        ds.StructureSetROISequence.append(roi)
        contour = Dataset()
        contour.ROIDisplayColor = list(_COLOURS[(number - 1) % len(_COLOURS)])
        contour.ContourSequence = _contour_items(np.flip(mask.transpose(axes), flips), geometry, planes)
        contour.ReferencedROINumber = number
        ds.ROIContourSequence.append(contour)
        seen = Dataset()
        seen.ObservationNumber, seen.ReferencedROINumber, seen.RTROIInterpretedType, seen.ROIInterpreter = number, number, "", ""
        ds.RTROIObservationsSequence.append(seen)
    save(path, ds)


def _points(contour: Dataset, name: str, file: str) -> np.ndarray:
    try:
        points = np.array([float(v) for v in contour.ContourData], float)
        points = points.reshape(-1, 3)
    except (TypeError, ValueError, AttributeError):
        raise BadInput(f"{file}: region {name!r} has a contour whose points are not triples of numbers; export the structure set again.") from None
    if not np.all(np.isfinite(points)) or np.any(np.abs(points) > 1e5):
        raise BadInput(f"{file}: region {name!r} has contour points that are not places in a patient in mm; export the structure set again.")
    if len(points) > 1 and np.array_equal(points[0], points[-1]):
        points = points[:-1]
    return points


def _usual_spacing(contours: dict[str, list[np.ndarray]]) -> float | None:
    """Plane spacing of the regions drawn on three planes or more, mm, for those drawn on fewer."""
    found = []
    for points in contours.values():
        spread = np.max([np.ptp(c, axis=0) for c in points], axis=0)
        axis = int(np.argmin(spread))
        position = np.unique(np.round([c[:, axis].mean() for c in points], 1))
        if spread[axis] < 0.1 and len(position) > 2:
            found.append(plane_spacing(position))
    return float(np.median(found)) if found else None


def _referenced_frame(frame: str, images: list[Dataset]) -> Dataset:
    from pydicom import Dataset

    study, series, out = Dataset(), Dataset(), Dataset()
    series.SeriesInstanceUID = images[0].SeriesInstanceUID
    series.ContourImageSequence = [reference(image) for image in images]
    study.ReferencedSOPClassUID = "1.2.840.10008.3.1.2.3.1"
    study.ReferencedSOPInstanceUID = images[0].StudyInstanceUID
    study.RTReferencedSeriesSequence = [series]
    out.FrameOfReferenceUID = frame
    out.RTReferencedStudySequence = [study]
    return out


def _image_planes(images: list[Dataset]) -> list[tuple[np.ndarray, np.ndarray, Dataset]]:
    """Position, normal and header of every single-frame image."""
    out = []
    for image in images:
        if "ImagePositionPatient" in image and "ImageOrientationPatient" in image and int(image.get("NumberOfFrames") or 1) == 1:
            o = np.array(image.ImageOrientationPatient, float)
            out.append((np.array(image.ImagePositionPatient, float), np.cross(o[:3], o[3:]), image))
    return out


def _contour_items(mask: np.ndarray, geometry: Geometry, planes: list) -> list[Dataset]:
    from pydicom import Dataset

    out = []
    for k in np.flatnonzero(mask.any(axis=(1, 2))):
        for points in keyholed(outlines(mask[k])):
            kji = np.column_stack([np.full(len(points), float(k)), points])
            place = geometry.to_patient(kji)
            item = Dataset()
            near = [image for position, normal, image in planes if np.max(np.abs((place - position) @ normal)) < 0.01]
            if near:
                item.ContourImageSequence = [reference(near[0])]
            item.ContourGeometricType = _CLOSED[0]
            item.NumberOfContourPoints = len(points)
            item.ContourData = [ds_text(round(v, 6)) for v in place.ravel()]
            out.append(item)
    return out
