"""Regions out as DICOM Segmentation and back, judged by dciodvfy where there is one."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from lutetia.core import BadInput
from lutetia.imaging.regions import RegionSet, read_regions
from lutetia.imaging.rtdose import write_rtdose
from lutetia.imaging.seg import property_codes, write_seg
from lutetia.imaging.volume import Geometry, Volume

FRAME = "1.2.826.0.1.3680043.8.498.1"


def regions(frame=FRAME, shape=(9, 20, 24)):
    affine = np.diag([3.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = [-34.5, -28.5, 100.0]
    g = Geometry(shape, affine, frame)
    k, j, i = np.indices(shape)
    kidney = (i - 17) ** 2 + (j - 12) ** 2 + (k - 4) ** 2 < 10
    liver = (i - 7) ** 2 + (j - 9) ** 2 < 30
    return RegionSet({"Kidney_Left": kidney, "Liver": liver, "liver lesion 1": liver & (i > 7) & (k == 3), "rest": ~liver & ~kidney}, g, "test")


def ct_series(folder, g):
    """CT headers enough for a reference: one file a slice."""
    folder.mkdir()
    for k in range(g.shape[0]):
        ds = pydicom.Dataset()
        ds.Modality, ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "CT", "Secret^Name", "SECRETID", "19500101", "M"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.StudyDate, ds.StudyTime = "1.2.3.4", "1.2.3.4.5", "20240102", "101500"
        ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName, ds.FrameOfReferenceUID = "1", "", "", g.frame_of_reference
        ds.PositionReferenceIndicator, ds.ImageOrientationPatient, ds.PixelSpacing, ds.SliceThickness = "", [1, 0, 0, 0, 1, 0], [3, 3], 4
        ds.ImagePositionPatient = [f"{v:g}" for v in g.to_patient(np.array([k, 0, 0]))]
        ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = *g.shape[1:], 16, 16, 15, 1
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.PixelData = 1, "MONOCHROME2", np.zeros(g.shape[1:], "<i2").tobytes()
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = f"1.2.3.4.5.{k + 1}"
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        ds.save_as(folder / f"{k:03d}.dcm", enforce_file_format=True)
    return folder


def assert_valid(path):
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed, so the file was not validated")
    out = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True)
    assert out.returncode == 0 and "Segmentation" in out.stderr and "Error" not in out.stderr, out.stderr


@pytest.mark.parametrize("source", [False, True])
def test_overlapping_regions_come_back_as_they_were(tmp_path, source):
    r = regions()
    series = ct_series(tmp_path / "ct", r.geometry) if source else None
    write_seg(tmp_path / "s.dcm", r, source_series=series)
    back = read_regions(tmp_path / "s.dcm", r.geometry)
    assert back.names == r.names and back.source == "SEG" and back.warnings == ()
    for name in r.names:
        assert np.array_equal(back.mask(name), r.mask(name)), name
    assert_valid(tmp_path / "s.dcm")


def test_the_source_is_referred_to_and_its_absence_is_said(tmp_path):
    r = regions()
    write_seg(tmp_path / "with.dcm", r, source_series=ct_series(tmp_path / "ct", r.geometry) / "004.dcm")
    ds = pydicom.dcmread(tmp_path / "with.dcm")
    assert (ds.PatientID, ds.StudyInstanceUID, ds.FrameOfReferenceUID) == ("SECRETID", "1.2.3.4", FRAME)
    assert {i.ReferencedSOPInstanceUID for i in ds.ReferencedSeriesSequence[0].ReferencedInstanceSequence} == {f"1.2.3.4.5.{k + 1}" for k in range(9)}
    write_seg(tmp_path / "without.dcm", regions(frame=""))
    ds = pydicom.dcmread(tmp_path / "without.dcm")
    assert "No DICOM source" in ds.ContentDescription and "ReferencedSeriesSequence" not in ds and ds.PatientID == "UNKNOWN"
    assert "DerivationImageSequence" not in str(ds)


def test_the_same_regions_give_the_same_file(tmp_path):
    series = ct_series(tmp_path / "ct", regions().geometry)
    for name, source in (("a", None), ("b", None), ("c", series), ("d", series)):
        write_seg(tmp_path / name, regions(), source_series=source, algorithm="a tool")
    a, b, c, d = ((tmp_path / n).read_bytes() for n in "abcd")
    assert a == b and c == d and a != c
    assert_valid(tmp_path / "d")


@pytest.mark.parametrize(("name", "kind", "side"), [
    # SNOMED CT codes as listed in DICOM PS3.16 (CID 7151, 7159)
    ("Kidney_Left", "64033007", "7771000"), ("right kidney", "64033007", "24028007"), ("Liver", "10200004", None), ("SPLEEN", "78961009", None),
    ("Parotid gland left", "45289007", "7771000"), ("lesion1 liver R lobe", "52988006", "24028007"), ("GTV_Mass_CT", "108369006", None), ("remainder", "85756007", None),
])
def test_names_point_to_codes(tmp_path, name, kind, side):
    _, (code, _), found = property_codes(name)
    assert code == kind and (found[0] if found else None) == side


def test_another_grid_gets_the_regions_in_place(tmp_path):
    r = regions()
    write_seg(tmp_path / "s.dcm", r)
    affine = np.diag([2.0, 2.0, 2.0, 1.0])
    affine[:3, 3] = [-40.3, -34.2, 96.4]
    fine = Geometry((24, 34, 40), affine, FRAME)
    back = read_regions(tmp_path / "s.dcm", fine, only=["Kidney_Left", "Liver"])
    for name in back.names:
        assert back.volume_mL(name) == pytest.approx(r.volume_mL(name), rel=0.05)
        # Flat ends fall on a slice or beside it: half a new voxel.
        assert fine.to_patient(np.argwhere(back.mask(name))).mean(0) == pytest.approx(r.geometry.to_patient(np.argwhere(r.mask(name))).mean(0), abs=1.0)


def test_label_maps_and_fractions_are_read(tmp_path):
    """Files as highdicom writes them, of the two other kinds of segmentation."""
    import highdicom

    r = regions()
    images = [pydicom.dcmread(f) for f in sorted(ct_series(tmp_path / "ct", r.geometry).iterdir())]
    write_seg(tmp_path / "s.dcm", r, source_series=tmp_path / "ct")
    described = highdicom.seg.segread(tmp_path / "s.dcm")
    common = {"series_instance_uid": "1.2.9", "series_number": 1, "instance_number": 1, "manufacturer": "x", "manufacturer_model_name": "x",
              "software_versions": "1", "device_serial_number": "1"}
    labels = np.where(r.mask("Kidney_Left"), 1, np.where(r.mask("Liver"), 2, 0)).astype(np.uint8)
    pair = [described.get_segment_description(n) for n in (1, 2)]
    highdicom.seg.Segmentation(images, labels, "LABELMAP", pair, sop_instance_uid="1.2.9.1", **common).save_as(tmp_path / "l.dcm")
    back = read_regions(tmp_path / "l.dcm", r.geometry)
    assert np.array_equal(back.mask("Kidney_Left"), labels == 1) and np.array_equal(back.mask("Liver"), labels == 2)
    part = np.where(r.mask("Liver"), 0.8, np.where(r.mask("Kidney_Left"), 0.3, 0.0)).astype(np.float32)
    highdicom.seg.Segmentation(images, part, "FRACTIONAL", [described.get_segment_description(1)], sop_instance_uid="1.2.9.2", **common).save_as(tmp_path / "f.dcm")
    back = read_regions(tmp_path / "f.dcm", r.geometry)
    assert np.array_equal(back.mask("Kidney_Left"), r.mask("Liver")) and "fractional" in back.warnings[-1]


def test_what_cannot_be_used_is_refused(tmp_path):
    r = regions()
    write_seg(tmp_path / "s.dcm", r)
    with pytest.raises(BadInput, match="frame of reference"):
        read_regions(tmp_path / "s.dcm", Geometry(r.geometry.shape, r.geometry.affine, "1.2.3.9"))
    far = r.geometry.affine.copy()
    far[0, 3] += 1000
    with pytest.raises(BadInput, match="wholly outside"):
        read_regions(tmp_path / "s.dcm", Geometry(r.geometry.shape, far, FRAME))
    with pytest.raises(BadInput, match="Did you mean Liver"):
        read_regions(tmp_path / "s.dcm", r.geometry, only=["liver"])
    ds = pydicom.dcmread(tmp_path / "s.dcm")
    ds.SegmentSequence[1].SegmentLabel = "Kidney_Left"
    ds.save_as(tmp_path / "twice.dcm")
    with pytest.raises(BadInput, match="2 regions are named"):
        read_regions(tmp_path / "twice.dcm", r.geometry)
    for bad, words in ((RegionSet({}, r.geometry, "x"), "no regions"), (RegionSet({"void": np.zeros(r.geometry.shape, bool)}, r.geometry, "x"), "empty")):
        with pytest.raises(BadInput, match=words):
            write_seg(tmp_path / "n.dcm", bad)
    with pytest.raises(BadInput, match="frame of reference"):
        write_seg(tmp_path / "n.dcm", regions(frame="1.2.3.9"), source_series=ct_series(tmp_path / "ct", r.geometry))
    ds.Modality = "RTDOSE"
    write_rtdose(tmp_path / "dose.dcm", Volume(np.ones(r.geometry.shape), r.geometry, "absorbed dose [Gy]"))
    with pytest.raises(BadInput, match="modality RTDOSE"):
        read_regions(tmp_path / "dose.dcm", r.geometry)
