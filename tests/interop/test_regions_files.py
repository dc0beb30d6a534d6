"""Regions read from RTSTRUCT, SEG and NIfTI files, and RTSTRUCT written; a measured structure set where there is one."""

from __future__ import annotations

import math
import shutil
import subprocess

import numpy as np
import pytest
from pydicom import Dataset
from pydicom.dataset import FileMetaDataset

from lutetia.core import BadInput
from lutetia.imaging.nifti import write_nifti
from lutetia.imaging.regions import RegionSet, read_regions
from lutetia.imaging.rtstruct import write_rtstruct
from lutetia.imaging.volume import Geometry, Volume

FRAME = "1.2.826.0.1.3680043.8.498.1"


def grid(frame=FRAME, shape=(16, 40, 44), spacing=(4.0, 3.0, 3.0), first=(-64.0, -58.0, 100.0)):
    affine = np.diag([spacing[2], spacing[1], spacing[0], 1.0])
    affine[:3, 3] = first
    return Geometry(shape, affine, frame)


def circle(radius, x, y, z, n=120):
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack([x + radius * np.cos(t), y + radius * np.sin(t), np.full(n, z)])


def item(**values):
    ds = Dataset()
    for key, value in values.items():
        setattr(ds, key, value)
    return ds


def save(path, ds, sop_class):
    ds.file_meta = FileMetaDataset()
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = f"1.2.826.0.1.3680043.8.498.{sum(map(ord, path.name))}"
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
    ds.save_as(path, enforce_file_format=True)
    return path


def rtstruct(path, rois, frame=FRAME, kind="CLOSED_PLANAR"):
    """A structure set by hand: {name: list of (n, 3) contours}, names may repeat in a list of pairs."""
    pairs = list(rois.items()) if isinstance(rois, dict) else rois
    ds = item(Modality="RTSTRUCT", PatientName="Secret^Name", PatientID="SECRETID", StructureSetLabel="x")
    ds.StructureSetROISequence = [item(ROINumber=n, ROIName=name, ReferencedFrameOfReferenceUID=frame) for n, (name, _) in enumerate(pairs, 5)]
    ds.ROIContourSequence = [
        item(ReferencedROINumber=n, ContourSequence=[
            item(ContourGeometricType=kind, NumberOfContourPoints=len(c), ContourData=[f"{v:.4f}" for v in np.ravel(c)]) for c in contours])
        for n, (_, contours) in enumerate(pairs, 5)]
    return save(path, ds, "1.2.840.10008.5.1.4.1.1.481.3")


def cylinder(radius=20.0, x=0.0, y=0.0, z=(108, 112, 116, 120, 124)):
    return [circle(radius, x, y, float(v)) for v in z]


def ct_series(folder, g):
    """A plain CT series on an axial grid."""
    folder.mkdir()
    for k in range(g.shape[0]):
        ds = item(Modality="CT", PatientName="Secret^Name", PatientID="SECRETID", PatientBirthDate="19500101", PatientSex="M",
                  StudyInstanceUID="1.2.3.4", SeriesInstanceUID="1.2.3.4.5", StudyDate="20240102", StudyTime="101500", StudyID="1",
                  AccessionNumber="", ReferringPhysicianName="", FrameOfReferenceUID=g.frame_of_reference, PositionReferenceIndicator="",
                  ImagePositionPatient=[f"{v:g}" for v in g.to_patient(np.array([k, 0, 0]))], ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
                  PixelSpacing=[3, 3], SliceThickness=4, Rows=g.shape[1], Columns=g.shape[2], BitsAllocated=16, BitsStored=16, HighBit=15,
                  PixelRepresentation=1, SamplesPerPixel=1, PhotometricInterpretation="MONOCHROME2", RescaleSlope=1, RescaleIntercept=0)
        ds.PixelData = np.zeros(g.shape[1:], "<i2").tobytes()
        save(folder / f"slice{k:03d}.dcm", ds, "1.2.840.10008.5.1.4.1.1.2")
    return folder


def test_a_structure_set_gives_its_regions(tmp_path):
    path = rtstruct(tmp_path / "rs.dcm", {"Liver": cylinder(40.0), "Lesion 1 ": cylinder(10.0, 15.0, 5.0, (112, 116, 120))})
    r = read_regions(path, grid())
    assert r.names == ("Liver", "Lesion 1") and r.source == "RTSTRUCT" and r.warnings == ()
    assert r.volume_mL("Liver") == pytest.approx(math.pi * 1600 * 20 / 1000, rel=0.01)
    assert r.volume_mL("Lesion 1") == pytest.approx(math.pi * 100 * 12 / 1000, rel=0.05)
    assert r.files[0][0] == "rs.dcm" and len(r.files[0][1]) == 64
    # Left of the patient is +x: the lesion's voxels lie where it was drawn.
    assert r.geometry.to_patient(np.argwhere(r.mask("Lesion 1"))).mean(0) == pytest.approx([15, 5, 116], abs=0.5)
    assert read_regions(tmp_path, grid()).names == r.names  # its folder does as well


def test_holes_of_both_kinds_of_contour(tmp_path):
    rings = [*cylinder(30.0), *cylinder(12.0)]
    for kind in ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR"):
        r = read_regions(rtstruct(tmp_path / f"{kind}.dcm", {"ring": rings}, kind=kind), grid())
        assert r.volume_mL("ring") == pytest.approx(math.pi * (900 - 144) * 20 / 1000, rel=0.02)


def test_what_is_odd_is_told(tmp_path):
    path = rtstruct(tmp_path / "rs.dcm", {
        "part": cylinder(20.0, -65.5, 0.0), "small": [circle(4.0, 0.4, 0.8, 112.0)], "points": [circle(3, 0, 0, 112.0)[:1]]})
    r = read_regions(path, grid())
    assert r.names == ("part", "small")
    said = " ".join(r.warnings)
    assert "of region 'part' lies outside" in said and "'points' is drawn as points or lines" in said
    fraction = float(next(w for w in r.warnings if "outside" in w).split("%")[0])
    assert fraction == pytest.approx(50.0, abs=3.0)


@pytest.mark.parametrize(("rois", "words"), [
    ({"liver": cylinder(20.0, 500.0)}, "wholly outside"),
    ({"liver": cylinder(20.0, z=(-500, -496, -492))}, "wholly outside"),
    ({"speck": [circle(0.5, 1.4, 1.1, 112.0)]}, "no voxel"),
    ([("liver", cylinder()), ("liver", cylinder(10.0))], "2 regions are named 'liver'"),
    ({"none": []}, "holds no region"),
    ({"points": [circle(3, 0, 0, 112.0)[:1]]}, "holds no region"),
    ({"tilted": [circle(20.0, 0, 0, 112.0), circle(20.0, 0, 0, 112.0)[:, [2, 1, 0]]]}, "not planar"),
])
def test_what_cannot_be_used_is_refused(tmp_path, rois, words):
    with pytest.raises(BadInput, match=words) as error:
        read_regions(rtstruct(tmp_path / "rs.dcm", rois), grid())
    assert "Secret" not in str(error.value) and "SECRETID" not in str(error.value)


def test_a_region_without_contours_matters_only_if_it_is_wanted(tmp_path):
    path = rtstruct(tmp_path / "rs.dcm", {"liver": cylinder(), "none": []})
    assert read_regions(path, grid(), only=["liver"]).names == ("liver",)
    every = read_regions(path, grid())
    assert every.names == ("liver",) and "'none' has no contours and is left out." in every.warnings
    with pytest.raises(BadInput, match="'none' has no contours that close"):
        read_regions(path, grid(), only=["liver", "none"])
    markers = rtstruct(tmp_path / "m.dcm", {"isocentre": [circle(3, 0, 0, 112.0)[:1]]}, kind="POINT")
    with pytest.raises(BadInput, match="'isocentre' has no contours that close"):
        read_regions(markers, grid(), only=["isocentre"])


def test_another_frame_of_reference_is_refused_unless_unknown(tmp_path):
    path = rtstruct(tmp_path / "rs.dcm", {"liver": cylinder()}, frame="1.2.826.0.1.3680043.8.498.2")
    with pytest.raises(BadInput, match="frame of reference"):
        read_regions(path, grid())
    assert read_regions(path, grid(frame="")).names == ("liver",)
    assert read_regions(rtstruct(tmp_path / "b.dcm", {"liver": cylinder()}, frame=""), grid()).names == ("liver",)


def test_only_the_regions_wanted_are_read_and_checked(tmp_path):
    path = rtstruct(tmp_path / "rs.dcm", {"Liver": cylinder(), "Brain": cylinder(z=(-500, -496))})
    assert read_regions(path, grid(), only=["Liver"]).names == ("Liver",)
    with pytest.raises(BadInput, match="Did you mean Liver"):
        read_regions(path, grid(), only=["Livr"])


def test_files_of_another_kind_are_refused(tmp_path):
    ct = ct_series(tmp_path / "ct", grid())
    with pytest.raises(BadInput, match="modality CT"):
        read_regions(next(iter(ct.iterdir())), grid())
    with pytest.raises(BadInput, match="no file with regions"):
        read_regions(ct, grid())
    (tmp_path / "note.txt").write_text("hello")
    with pytest.raises(BadInput, match="not a DICOM file"):
        read_regions(tmp_path / "note.txt", grid())
    with pytest.raises(BadInput, match="no such file"):
        read_regions(tmp_path / "absent", grid())
    path = rtstruct(tmp_path / "rs.dcm", {"Liver": cylinder()})
    shutil.copy(path, tmp_path / "rs2.dcm")
    with pytest.raises(BadInput, match="2 files with regions"):
        read_regions(tmp_path, grid())
    with pytest.raises(BadInput, match="names of its own"):
        read_regions(path, grid(), labels={1: "liver"})
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadInput):
        read_regions(cut, grid())


def test_a_label_map_with_and_without_names(tmp_path):
    g = grid(frame="")
    labels = np.zeros(g.shape, np.int32)
    labels[4:8, 10:20, 5:15], labels[4:8, 10:20, 25:35] = 2, 3
    write_nifti(tmp_path / "seg.nii.gz", Volume(labels, g, "label"))
    r = read_regions(tmp_path / "seg.nii.gz", grid())
    assert r.names == ("label 2", "label 3") and r.source == "NIfTI labels"
    r = read_regions(tmp_path / "seg.nii.gz", grid(), labels={3: "left kidney"})
    assert r.names == ("left kidney",)
    assert np.array_equal(r.mask("left kidney"), labels == 3)
    with pytest.raises(BadInput, match="label 7"):
        read_regions(tmp_path / "seg.nii.gz", grid(), labels={7: "spleen"})
    with pytest.raises(BadInput, match="2 regions are named"):
        read_regions(tmp_path / "seg.nii.gz", grid(), labels={2: "kidney", 3: "kidney"})


def test_a_label_map_on_another_grid_keeps_volume_and_place(tmp_path):
    fine = grid(frame="", shape=(48, 90, 100), spacing=(1.3, 1.2, 1.2), first=(-60, -54, 101))
    place = fine.to_patient(np.stack(np.indices(fine.shape), axis=-1))
    ball = np.linalg.norm(place - [8, -4, 130], axis=-1) < 22
    write_nifti(tmp_path / "seg.nii.gz", Volume(ball.astype(np.int32), fine, "label"))
    r = read_regions(tmp_path / "seg.nii.gz", grid())
    assert r.volume_mL("label 1") == pytest.approx(4 / 3 * math.pi * 22**3 / 1000, rel=0.03)
    assert r.geometry.to_patient(np.argwhere(r.mask("label 1"))).mean(0) == pytest.approx([8, -4, 130], abs=0.4)


def _regions(g, seed=3):
    place = g.to_patient(np.stack(np.indices(g.shape), axis=-1))
    distance = np.linalg.norm((place - [5, 2, 130]) / [1, 1, 1.3], axis=-1)
    noise = np.random.default_rng(seed).random(g.shape) < 0.15
    return RegionSet({"Liver": distance < 24, "shell lesion": (distance < 24) & (distance > 12), "speckle": noise & (distance < 20)}, g, "test")


@pytest.mark.parametrize("turn", ["as the images", "sagittal slices, left-handed"])
def test_contours_written_come_back_as_the_same_masks(tmp_path, turn):
    """Holes, islands and single voxels included, to the voxel."""
    series = ct_series(tmp_path / "ct", grid())
    g = grid()
    if turn != "as the images":
        g = Geometry((g.shape[2], g.shape[1], g.shape[0]), g.affine[:, [2, 1, 0, 3]], FRAME)
        assert np.linalg.det(g.affine) < 0
    r = _regions(g)
    write_rtstruct(tmp_path / "rs.dcm", r, series=series / "slice003.dcm", label="phantom")
    back = read_regions(tmp_path / "rs.dcm", g)
    assert back.names == r.names
    for name in r.names:
        assert np.array_equal(back.mask(name), r.mask(name)), name
    write_rtstruct(tmp_path / "again.dcm", r, series=series, label="phantom")
    assert (tmp_path / "again.dcm").read_bytes() == (tmp_path / "rs.dcm").read_bytes()


def test_contours_written_refer_to_the_images_and_pass_dciodvfy(tmp_path):
    import pydicom

    series = ct_series(tmp_path / "ct", grid())
    write_rtstruct(tmp_path / "rs.dcm", _regions(grid()), series=series, label="phantom")
    ds = pydicom.dcmread(tmp_path / "rs.dcm")
    assert ds.PatientID == "SECRETID" and ds.StudyInstanceUID == "1.2.3.4" and ds.StructureSetLabel == "phantom"
    assert len(ds.ReferencedFrameOfReferenceSequence[0].RTReferencedStudySequence[0].RTReferencedSeriesSequence[0].ContourImageSequence) == 16
    uid_at = {float(pydicom.dcmread(f).ImagePositionPatient[2]): pydicom.dcmread(f).SOPInstanceUID for f in series.iterdir()}
    for contour in ds.ROIContourSequence[0].ContourSequence:
        assert contour.ContourImageSequence[0].ReferencedSOPInstanceUID == uid_at[float(contour.ContourData[2])]
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed, so the file was not validated")
    out = subprocess.run(["dciodvfy", "-new", str(tmp_path / "rs.dcm")], capture_output=True, text=True)
    assert out.returncode == 0 and "RTStructureSet" in out.stderr and "Error" not in out.stderr, out.stderr


def test_contours_are_not_written_for_another_patient_space_or_nothing(tmp_path):
    series = ct_series(tmp_path / "ct", grid())
    with pytest.raises(BadInput, match="frame of reference"):
        write_rtstruct(tmp_path / "rs.dcm", _regions(grid(frame="1.2.3.99")), series=series)
    with pytest.raises(BadInput, match="no regions"):
        write_rtstruct(tmp_path / "rs.dcm", RegionSet({}, grid(), "test"), series=series)
    with pytest.raises(BadInput, match="'void' is empty"):
        write_rtstruct(tmp_path / "rs.dcm", RegionSet({"void": np.zeros(grid().shape, bool)}, grid(), "test"), series=series)
    assert not (tmp_path / "rs.dcm").exists()


def test_names_in_other_scripts_come_through_and_none_reaches_a_log(tmp_path, caplog, recwarn, capfd):
    """A Latin-1 patient name, odd study texts and Greek region names: kept in the files, absent from logs and warnings."""
    import warnings

    import pydicom

    from lutetia.imaging.rtdose import read_rtdose, write_rtdose
    from lutetia.imaging.seg import write_seg

    g = grid()
    series = ct_series(tmp_path / "ct", g)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for file in series.iterdir():
            ds = pydicom.dcmread(file)
            ds.SpecificCharacterSet, ds.PatientName, ds.StudyID = "ISO_IR 100", "Müller^Jürgen", "SECRETID and more than sixteen"
            ds.save_as(file)
    caplog.clear()
    recwarn.clear()
    capfd.readouterr()
    r = RegionSet({"Läsion α": _regions(g).mask("Liver")}, g, "test")
    write_rtstruct(tmp_path / "r", r, series=series)
    write_seg(tmp_path / "s", r, source_series=series)
    write_rtdose(tmp_path / "d", Volume(np.ones(g.shape), g, "absorbed dose [Gy]"), like=series)
    assert read_regions(tmp_path / "r", g).names == read_regions(tmp_path / "s", g).names == ("Läsion α",)
    read_rtdose(tmp_path / "d")
    assert not caplog.records and not list(recwarn) and capfd.readouterr() == ("", "")
    for name in "rsd":
        assert str(pydicom.dcmread(tmp_path / name).PatientName) == "Müller^Jürgen"


@pytest.mark.parametrize("name", ["", "x" * 65, "a\\b"])
def test_names_that_dicom_would_cut_or_split_are_refused(tmp_path, name):
    from lutetia.imaging.seg import write_seg

    g = grid()
    series = ct_series(tmp_path / "ct", g)
    r = RegionSet({name: np.ones(g.shape, bool)}, g, "test")
    for write in (lambda: write_rtstruct(tmp_path / "r", r, series=series), lambda: write_seg(tmp_path / "s", r)):
        with pytest.raises(BadInput, match="cannot be a DICOM name"):
            write()


def test_damaged_files_end_in_a_sentence(tmp_path):
    """Bytes changed at random anywhere in a structure set: the regions, or `BadInput`, and nothing else."""
    whole = rtstruct(tmp_path / "rs.dcm", {"Liver": cylinder(40.0)[:2], "Lesion": cylinder(10.0)[:2]}).read_bytes()
    rng = np.random.default_rng(11)
    (tmp_path / "damaged").mkdir()
    damaged = tmp_path / "damaged" / "rs.dcm"
    for _ in range(60):
        data = np.frombuffer(whole, np.uint8).copy()
        where = rng.integers(132, 1500 if rng.random() < 0.7 else len(data), 6)
        data[where] = rng.integers(0, 256, 6)
        damaged.write_bytes(data.tobytes())
        try:
            read_regions(damaged, grid())
        except BadInput as error:
            assert "Secret" not in str(error)


def test_measured_lesions_of_a_patient(shared):
    """Contours drawn on a 1.953 mm SPECT: volumes as the polygons have them, and uptake well above the liver's."""
    import pydicom

    case = shared / "cases" / "snmmi-patient4" / "scan1"
    if not case.is_dir():
        pytest.skip("the measured case snmmi-patient4 is not there")
    headers = sorted((pydicom.dcmread(f) for f in (case / "spect").iterdir()), key=lambda d: float(d.ImagePositionPatient[2]))
    first = headers[0]
    affine = np.diag([float(first.PixelSpacing[1]), float(first.PixelSpacing[0]), 1.95313, 1.0])
    affine[:3, 3] = [float(v) for v in first.ImagePositionPatient]
    g = Geometry((len(headers), first.Rows, first.Columns), affine, first.FrameOfReferenceUID)
    r = read_regions(case / "rtstruct", g)
    assert r.names == ("lesion1 liver R lobe", "lesion2 liver L lateral") and r.warnings == ()
    polygon_mL = []
    for roi in pydicom.dcmread(next((case / "rtstruct").iterdir())).ROIContourSequence:
        area = 0.0
        for c in roi.ContourSequence:
            x, y = np.array(c.ContourData, float).reshape(-1, 3)[:, :2].T
            area += abs(np.dot(x - x[0], np.roll(y, -1) - y[0]) - np.dot(y - y[0], np.roll(x, -1) - x[0])) / 2
        polygon_mL.append(area * 1.95313 / 1000)
    for name, want in zip(r.names, polygon_mL):
        assert r.volume_mL(name) == pytest.approx(want, rel=0.03)
    values = np.stack([d.pixel_array * float(d.RescaleSlope) for d in headers])
    assert min(float(values[r.mask(n)].mean()) for n in r.names) > 5 * float(values[values > 1000].mean())
