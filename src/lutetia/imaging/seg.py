"""Regions as a DICOM Segmentation (PS3.3 A.51), and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import BadInput
from .dicom_common import (
    MANUFACTURER,
    content_uid,
    ds_text,
    image_plane,
    patient_and_study,
    quietly,
    reference,
    referenced_series,
    save,
    series_headers,
)
from .regions import Only, RegionSet, put_on_grid, require_frame, require_writable, wanted_names
from .resample import axial_order
from .volume import Geometry

if TYPE_CHECKING:
    from pydicom import Dataset

# SNOMED CT codes of what a name says the region is (DICOM PS3.16 CID 7150 to 7192), first match wins.
_ORGAN, _LESION = ("123037004", "Anatomical Structure"), ("49755003", "Morphologically Abnormal Structure")
_CODES = (
    (r"lesion|metasta|\bmets?\b", _LESION, ("52988006", "Lesion")),
    (r"tumou?r|gtv|neoplas", _LESION, ("108369006", "Neoplasm")),
    (r"kidney|renal", _ORGAN, ("64033007", "Kidney")),
    (r"liver", _ORGAN, ("10200004", "Liver")),
    (r"spleen", _ORGAN, ("78961009", "Spleen")),
    (r"parotid", _ORGAN, ("45289007", "Parotid gland")),
    (r"submandibular", _ORGAN, ("54019009", "Submandibular gland")),
    (r"lacrimal", _ORGAN, ("13561001", "Lacrimal gland")),
    (r"salivary", _ORGAN, ("385294005", "Salivary gland")),
    (r"thyroid", _ORGAN, ("69748006", "Thyroid")),
    (r"lung", _ORGAN, ("39607008", "Lung")),
    (r"heart", _ORGAN, ("80891009", "Heart")),
    (r"gall ?_?bladder", _ORGAN, ("28231008", "Gallbladder")),
    (r"bladder", _ORGAN, ("89837001", "Urinary bladder")),
    (r"pancreas", _ORGAN, ("15776009", "Pancreas")),
    (r"stomach", _ORGAN, ("69695003", "Stomach")),
    (r"colon", _ORGAN, ("71854001", "Colon")),
    (r"bowel|intestine|duodenum", _ORGAN, ("113276009", "Intestine")),
    (r"prostate", _ORGAN, ("41216001", "Prostate")),
    (r"adrenal", _ORGAN, ("23451007", "Adrenal gland")),
    (r"pituitary", _ORGAN, ("56329008", "Pituitary")),
    (r"marrow", _ORGAN, ("14016003", "Bone marrow")),
    (r"verteb|spine", _ORGAN, ("51282000", "Vertebra")),
    (r"\bbones?\b|skelet", _ORGAN, ("272673000", "Bone")),
    (r"aorta", _ORGAN, ("15825003", "Aorta")),
)
_TISSUE = ("85756007", "Tissue")
_BODY_SIDE = (("24028007", "Right", r"right|\br\b|_r\b"), ("7771000", "Left", r"left|\bl\b|_l\b"))


@quietly()
def write_seg(
    path: Path | str, regions: RegionSet, *, source_series: Path | str | Sequence[Path] | None = None, description: str = "regions", algorithm: str | None = None
) -> None:
    """Write regions as a binary DICOM Segmentation, one segment each.

    Parameters
    ----------
    path : path
    regions : RegionSet
        Masks may overlap. They are reordered as `write_rtdose` does, not resampled.
    source_series : path or sequence of paths, optional
        The files of the DICOM images the regions belong to, or one of them, or their folder: patient, study, frame of
        reference and image references come from them. Without it the patient is UNKNOWN, no image is referred to, and the content
        description says that there was no DICOM source.
    description : str
        Series description, and after the statement of research use the content description; 64 characters are kept.
    algorithm : str, optional
        Name of the algorithm that made the regions (written as SEMIAUTOMATIC); without it they are written as MANUAL.

    Raises
    ------
    BadInput
        No region, an empty one or one whose name DICOM cannot hold, or a source in another frame of reference.
    """
    import highdicom

    require_writable(regions, "write_seg")
    axes, flips, geometry = axial_order(regions.geometry)
    stack = np.stack([np.flip(m.transpose(axes), flips) for m in regions.masks.values()], axis=-1).astype(np.uint8)
    image_plane(geometry.affine)  # refuses axes that DICOM cannot say
    seed = (np.round(geometry.affine, 6).tobytes(), str(stack.shape), *regions.masks, np.packbits(stack).tobytes())
    source = [] if source_series is None else [_image_header(header) for _, header in series_headers(source_series)]
    # highdicom places single slices and enhanced objects; a multi-frame NM object it can only be told of afterwards.
    placed = bool(source) and all("ImagePositionPatient" in h or "PerFrameFunctionalGroupsSequence" in h for h in source)
    images = source if placed else [_stand_in(geometry, seed, source[0] if source else None)]
    said = f"Research use only. {'' if source else 'No DICOM source images. '}{description}"
    frame = str(images[0].FrameOfReferenceUID)
    require_frame(frame, geometry, "the source series")
    sop_uid = content_uid("SEG", description, str(images[0].SOPInstanceUID), *seed)
    from .. import __version__

    volume = highdicom.Volume(
        stack, geometry.affine[:, [2, 1, 0, 3]], "PATIENT", frame_of_reference_uid=frame,
        channels={"SegmentNumber": list(range(1, stack.shape[-1] + 1))},
    )
    ds = highdicom.seg.Segmentation(
        images, volume, "BINARY", [_describe(n, name, algorithm) for n, name in enumerate(regions.masks, 1)],
        series_instance_uid=content_uid("series", sop_uid), series_number=1, sop_instance_uid=sop_uid, instance_number=1,
        manufacturer=MANUFACTURER, manufacturer_model_name=MANUFACTURER, software_versions=__version__,
        device_serial_number="0", content_description=said[:64], content_label="REGIONS", series_description=description[:64],
    )
    ds.SpecificCharacterSet = "ISO_IR 192"
    _make_reproducible(ds, sop_uid)
    if not placed:
        _forget_stand_in(ds, source)
    save(path, ds)


def masks_of(ds: Dataset, geometry: Geometry, file: str, only: Only = None) -> tuple[dict[str, np.ndarray], list[str]]:
    """Masks by segment label, and warnings, of a SEG dataset (binary, label map or fractional) on a grid.

    Raises
    ------
    BadInput
        Not a SEG, another frame of reference, two segments of one name, frames that are no regular volume, or a
        segment that is empty on the grid or outside it.
    """
    import highdicom

    try:
        with quietly():
            seg = highdicom.seg.Segmentation.from_dataset(ds, copy=False)
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise BadInput(f"{file}: is not a DICOM Segmentation that can be read ({type(error).__name__}); export it again.") from None
    require_frame(str(ds.get("FrameOfReferenceUID", "")), geometry, file)
    labels = {n: str(seg.get_segment_description(n).segment_label).strip() for n in seg.segment_numbers}
    labels = {n: label or f"segment {n}" for n, label in labels.items()}
    chosen = wanted_names(labels.values(), only, file)
    fractional = str(ds.SegmentationType) == "FRACTIONAL"
    masks, notes = {}, []
    for number, name in labels.items():
        if name not in chosen:
            continue
        values, own = _segment(seg, number, name, file)
        masks[name], said = put_on_grid(values >= 0.5 if fractional else values > 0, own, geometry, name, file)
        notes += said
    if fractional:
        notes.append(f"{file}: its segments are fractional; voxels of one half and above were taken.")
    return masks, notes


def property_codes(name: str) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str] | None]:
    """SNOMED CT category, type and side that a region's name points to.

    >>> property_codes("Kidney_Left")[1:]
    (('64033007', 'Kidney'), ('7771000', 'Left'))
    >>> property_codes("remainder")
    (('85756007', 'Tissue'), ('85756007', 'Tissue'), None)
    """
    text = name.lower()
    for pattern, category, kind in _CODES:
        if re.search(pattern, text):
            side = next(((code, word) for code, word, p in _BODY_SIDE if re.search(p, text)), None)
            return category, kind, side
    return _TISSUE, _TISSUE, None


def _describe(number: int, name: str, algorithm: str | None) -> Any:
    import highdicom
    from pydicom.sr.coding import Code

    category, kind, side = property_codes(name)
    identification = None
    if algorithm:
        identification = highdicom.AlgorithmIdentificationSequence(
            algorithm, Code("123110", "DCM", "Artificial Intelligence") if "segmentator" in algorithm.lower() else Code("123105", "DCM", "Segmentation"), "unknown")
    out = highdicom.seg.SegmentDescription(
        number, name, Code(category[0], "SCT", category[1]), Code(kind[0], "SCT", kind[1]),
        "SEMIAUTOMATIC" if algorithm else "MANUAL", identification,
    )
    if side:
        out.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = [highdicom.sr.CodedConcept(side[0], "SCT", side[1])]
    return out


def _segment(seg: Any, number: int, name: str, file: str) -> tuple[np.ndarray, Geometry]:
    try:
        with quietly():
            volume = seg.get_volume(segment_numbers=[number], combine_segments=False)
    except (ValueError, RuntimeError, AttributeError, KeyError, TypeError) as error:
        raise BadInput(f"{file}: the frames of segment {name!r} make no regular volume ({type(error).__name__}); export the segmentation of a volume.") from None
    values = np.asarray(volume.array)
    values = values[..., 0] if values.ndim == 4 else values
    return values, Geometry(values.shape, volume.affine[:, [2, 1, 0, 3]], str(volume.frame_of_reference_uid or ""))


def _stand_in(geometry: Geometry, seed: tuple, like: Dataset | None) -> Dataset:
    """The one-slice CT header that tells highdicom patient, study and frame of reference (those of `like`, if any)."""
    from pydicom import Dataset
    from pydicom.dataset import FileMetaDataset

    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    for key, value in patient_and_study(like, *seed).items():
        setattr(ds, key, value)
    if geometry.frame_of_reference and like is None:
        ds.FrameOfReferenceUID = geometry.frame_of_reference
    ds.SOPClassUID, ds.Modality = "1.2.840.10008.5.1.4.1.1.2", "CT"
    ds.SOPInstanceUID, ds.SeriesInstanceUID = content_uid("no source image", *seed), content_uid("no source series", *seed)
    ds.ImagePositionPatient, ds.ImageOrientationPatient, ds.PixelSpacing = image_plane(geometry.affine)
    ds.SliceThickness = ds_text(float(np.linalg.norm(geometry.affine[:3, 2])))
    ds.Rows, ds.Columns = geometry.shape[1:]
    return ds


def _image_header(header: Dataset) -> Dataset:
    """A source header with the attributes that highdicom reads, also those that some scanners leave out."""
    for key, value in patient_and_study(header, str(header.SeriesInstanceUID)).items():
        setattr(header, key, value)
    return header


def _forget_stand_in(ds: Dataset, source: list[Dataset]) -> None:
    """References to the stand-in are removed, or replaced by one to the true source."""
    for key in ("ReferencedSeriesSequence", "SourceImageSequence"):
        if key in ds:
            delattr(ds, key)
    for frame in [*ds.PerFrameFunctionalGroupsSequence, *ds.SharedFunctionalGroupsSequence]:
        if "DerivationImageSequence" in frame:
            del frame.DerivationImageSequence
    if source:
        from highdicom.sr import CodedConcept
        from pydicom import Dataset

        images = [reference(image) for image in source]
        for image in images:
            image.PurposeOfReferenceCodeSequence = [CodedConcept("121322", "DCM", "Source image for image processing operation")]
        derived = Dataset()
        derived.SourceImageSequence = images
        derived.DerivationCodeSequence = [CodedConcept("113076", "DCM", "Segmentation")]
        ds.SharedFunctionalGroupsSequence[0].DerivationImageSequence = [derived]
        ds.ReferencedSeriesSequence = [referenced_series(source)]


def _make_reproducible(ds: Dataset, sop_uid: str) -> None:
    """Times and UIDs that differ from run to run become the study's time and UIDs made from the content."""
    for kind in ("Content", "InstanceCreation", "Series"):
        for part, value in (("Date", ds.get("StudyDate") or "19000101"), ("Time", ds.get("StudyTime") or "000000")):
            if f"{kind}{part}" in ds:
                setattr(ds, f"{kind}{part}", value)
    for item in ds.get("ContributingEquipmentSequence") or []:
        if "ContributionDateTime" in item:
            del item.ContributionDateTime
    dimension = content_uid("dimension organization", sop_uid)
    for item in [*ds.DimensionOrganizationSequence, *ds.DimensionIndexSequence]:
        item.DimensionOrganizationUID = dimension
    for item in ds.SegmentSequence:
        if "TrackingUID" in item:
            item.TrackingUID = content_uid("tracking", sop_uid, str(item.SegmentNumber))

