"""Left stays left: a marker in the left kidney keeps its place in the patient through every way in and out.

The patient's left is +x in LPS coordinates (DICOM PS3.3 C.7.6.2.1.1). The marker is one voxel; beside it stand fainter
blobs without symmetry, so that a mirrored image could not pass.
"""

from __future__ import annotations

import datetime as dt
import itertools
import shutil
import subprocess

import numpy as np
import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.imaging.ct import read_ct
from lutetia.imaging.nifti import read_nifti, write_nifti
from lutetia.imaging.regions import RegionSet, read_regions
from lutetia.imaging.registration import register_rigid
from lutetia.imaging.resample import resample, resample_mask, to_axial
from lutetia.imaging.rtdose import read_rtdose, write_rtdose
from lutetia.imaging.rtstruct import write_rtstruct
from lutetia.imaging.seg import write_seg
from lutetia.imaging.volume import Geometry, Volume

LEFT_KIDNEY = np.array([62.0, 38.0, 1117.0])  # LPS mm: left, behind the middle
FRAME = "1.2.826.0.1.3680043.8.498.9"
SPACING = np.array([4.0, 4.0, 5.0])  # along x, y, z
ORIENTATIONS = [(p, s) for p in itertools.permutations(range(3)) for s in itertools.product((1, -1), repeat=3)]
orientation = st.sampled_from(ORIENTATIONS)


def geometry(axes, signs, tilt_deg=0.0, counts=(44, 36, 20)):
    """A grid over the trunk whose array axes (k, j, i) run along patient axes `axes`, upwards or downwards; tilted about x."""
    a = np.radians(tilt_deg)
    turn = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    steps = (turn * SPACING)[:, list(axes)] * signs  # column: step along array axis k, j, i
    shape = tuple(counts[a] for a in axes)
    affine = np.eye(4)
    affine[:3, :3] = steps[:, ::-1]
    # The marker sits on a voxel centre, away from every edge.
    where = np.array([{0: 37, 1: 27, 2: 7}[a] if s > 0 else counts[a] - 1 - {0: 37, 1: 27, 2: 7}[a] for a, s in zip(axes, signs)])
    affine[:3, 3] = LEFT_KIDNEY - steps @ where
    return Geometry(shape, affine, FRAME)


def patient(g, quantity="absorbed dose [Gy]"):
    """Blobs without symmetry, and the marker above all."""
    place = g.to_patient(np.stack(np.indices(g.shape), axis=-1))
    values = np.zeros(g.shape)
    for centre, width, height in ((LEFT_KIDNEY + [0, -3, 4], 14, 6.0), ((-30, 0, 1130), 24, 3.0), ((20, -30, 1140), 10, 2.0), ((-40, 30, 1105), 11, 5.0)):
        values += height * np.exp(-np.sum((place - centre) ** 2, axis=-1) / (2 * width**2))
    index = tuple(np.round(g.to_index(LEFT_KIDNEY)).astype(int))
    values[index] = 20.0
    return Volume(values, g, quantity)


def marker(volume):
    return volume.geometry.to_patient(np.array(np.unravel_index(int(np.argmax(volume.values)), volume.values.shape)))


def assert_left(volume):
    assert marker(volume) == pytest.approx(LEFT_KIDNEY, abs=1e-3)
    assert marker(volume)[0] > 0


@pytest.mark.parametrize(("axes", "signs"), ORIENTATIONS)
def test_dose_out_and_back(tmp_path, axes, signs):
    """All 48 orientations, half of them left-handed: RT Dose by our reader and by SimpleITK's."""
    import SimpleITK as sitk

    v = patient(geometry(axes, signs))
    assert_left(v)
    write_rtdose(tmp_path / "d.dcm", v)
    back = read_rtdose(tmp_path / "d.dcm")
    assert_left(back)
    assert np.linalg.det(back.geometry.affine) > 0
    image = sitk.ReadImage(str(tmp_path / "d.dcm"))
    k, j, i = np.unravel_index(int(np.argmax(sitk.GetArrayViewFromImage(image))), back.values.shape)
    assert image.TransformIndexToPhysicalPoint([int(i), int(j), int(k)]) == pytest.approx(LEFT_KIDNEY, abs=1e-3)
    # Every value, not the marker alone, is where it was.
    again = resample(back, v.geometry, method="nearest")
    assert np.asarray(again.values) == pytest.approx(np.asarray(v.values), abs=1e-8)


@given(orientation, orientation, st.floats(-35, 35))
def test_resampling_between_any_two_orientations(a, b, tilt):
    v = patient(geometry(*a))
    assert_left(to_axial(v))
    for method in ("nearest", "linear", "conserving"):
        assert_left(resample(v, geometry(*b), method=method))
    onto = geometry(*b, tilt_deg=tilt)
    assert_left(resample(v, onto, method="nearest"))
    mask = np.zeros(v.geometry.shape, bool)
    mask[tuple(np.round(v.geometry.to_index(LEFT_KIDNEY)).astype(int))] = True
    moved = resample_mask(mask, v.geometry, geometry(*b))
    assert np.count_nonzero(moved) == 1
    assert geometry(*b).to_patient(np.argwhere(moved))[0] == pytest.approx(LEFT_KIDNEY, abs=1e-3)


@given(orientation, st.floats(-35, 35))
@settings(max_examples=15)
def test_nifti_there_and_back(tmp_path_factory, a, tilt):
    path = tmp_path_factory.mktemp("n") / "v.nii.gz"
    v = patient(geometry(*a, tilt_deg=tilt))
    write_nifti(path, v)
    assert_left(read_nifti(path, v.quantity))


def write_series(folder, volume, shuffle):
    """CT slices in the plane of the volume's own rows and columns, named in an order that has nothing to do with place."""
    g = volume.geometry
    cosines = g.affine[:3, :3] / np.linalg.norm(g.affine[:3, :3], axis=0)
    size = np.linalg.norm(g.affine[:3, :3], axis=0)
    for k in range(g.shape[0]):
        ds = pydicom.Dataset()
        ds.Modality, ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "CT", "A^B", "1", "", "F"
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = "1.2.3", "1.2.3.4", FRAME
        ds.StudyDate, ds.StudyTime, ds.StudyID, ds.AccessionNumber, ds.ReferringPhysicianName = "20240101", "120000", "1", "", ""
        ds.ImagePositionPatient = [f"{v:.6f}" for v in g.to_patient(np.array([k, 0, 0]))]
        ds.ImageOrientationPatient = [f"{v:.10f}" for v in (*cosines[:, 0], *cosines[:, 1])]
        ds.PixelSpacing, ds.SliceThickness = [f"{size[1]:g}", f"{size[0]:g}"], f"{size[2]:g}"
        ds.Rows, ds.Columns, ds.BitsAllocated, ds.BitsStored, ds.HighBit, ds.PixelRepresentation = *g.shape[1:], 16, 16, 15, 1
        ds.SamplesPerPixel, ds.PhotometricInterpretation, ds.RescaleSlope, ds.RescaleIntercept = 1, "MONOCHROME2", "0.125", "-1000"
        ds.RescaleType, ds.ImageType, ds.InstanceNumber = "HU", ["ORIGINAL", "PRIMARY", "AXIAL"], int(shuffle[k]) + 1
        ds.PixelData = np.rint((volume.values[k] * 100) / 0.125).astype("<i2").tobytes()
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
        ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = f"1.2.3.4.{k + 1}"
        ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.1"
        ds.save_as(folder / f"{int(shuffle[k]):03d}.dcm", enforce_file_format=True)


@given(orientation, st.floats(-30, 30), st.integers(0, 2**32 - 1))
@settings(max_examples=6)
def test_a_dicom_series_in_any_plane_comes_in_and_its_dose_and_regions_go_out(tmp_path_factory, a, tilt, seed):
    """Axial, coronal or sagittal slices, up or down, files in random order -> Volume -> SEG, RTSTRUCT, RT Dose -> back."""
    folder = tmp_path_factory.mktemp("series")
    g = geometry(*a, tilt_deg=tilt)
    images = folder / "ct"
    images.mkdir()
    write_series(images, patient(g), np.random.default_rng(seed).permutation(g.shape[0]))
    ct = read_ct(images).volume
    assert_left(ct)
    dose = Volume(np.asarray(ct.values, float) + 1000.0, ct.geometry, "absorbed dose [Gy]")
    write_rtdose(folder / "d.dcm", dose, like=images)
    assert_left(read_rtdose(folder / "d.dcm"))
    kidney = np.linalg.norm(ct.geometry.to_patient(np.stack(np.indices(ct.geometry.shape), axis=-1)) - LEFT_KIDNEY, axis=-1) < 13
    regions = RegionSet({"Kidney_Left": kidney}, ct.geometry, "test")
    write_seg(folder / "s.dcm", regions, source_series=images)
    write_rtstruct(folder / "r.dcm", regions, series=images)
    for name in ("s.dcm", "r.dcm"):
        back = read_regions(folder / name, ct.geometry)
        assert np.array_equal(back.mask("Kidney_Left"), kidney), name
        # And on an upright grid that has nothing to do with the images.
        other = geometry((2, 1, 0), (1, 1, 1))
        upright = read_regions(folder / name, other)
        assert other.to_patient(np.argwhere(upright.mask("Kidney_Left"))).mean(0) == pytest.approx(LEFT_KIDNEY, abs=2.0)


@pytest.mark.parametrize("kind", ["PT", "NM"])
@pytest.mark.parametrize("axes", [(2, 1, 0), (1, 2, 0), (0, 2, 1)])
def test_activity_comes_in_and_its_dose_and_regions_go_out(tmp_path, kind, axes):
    """Quantitative SPECT as single slices and as one multi-frame object with falling slices."""
    from lutetia.imaging.activity import read_activity
    from lutetia.imaging.dicom_write import Administered, Study, write_nm_spect, write_pt_series
    from lutetia.nuclides import nuclide

    at = dt.datetime(2024, 1, 2, 9, tzinfo=dt.UTC)
    v = patient(geometry(axes, (1, 1, 1)), "activity concentration [Bq/mL]")
    v = Volume(np.asarray(v.values) * 1e4, v.geometry, v.quantity, at + dt.timedelta(hours=4))
    study = Study("k", v.time, "x", "A^B", "1", "19600101", "F", 60.0, 1.6)
    given_ = Administered("x", "Lu-177", 7.4e9, at, nuclide("Lu-177").half_life_s)
    if kind == "PT":
        write_pt_series(tmp_path / "pt", v, study, given_, duration_s=600.0)
        path = tmp_path / "pt"
    else:
        path = write_nm_spect(tmp_path / "nm" / "nm.dcm", v, study, given_, duration_s=600.0)
    scan = read_activity(path, nuclide=nuclide("Lu-177"), administered_at=at).volume
    assert_left(scan)
    write_rtdose(tmp_path / "d.dcm", Volume(np.asarray(scan.values, float), scan.geometry, "absorbed dose [Gy]"), like=path)
    assert_left(read_rtdose(tmp_path / "d.dcm"))
    kidney = np.linalg.norm(scan.geometry.to_patient(np.stack(np.indices(scan.geometry.shape), axis=-1)) - LEFT_KIDNEY, axis=-1) < 13
    regions = RegionSet({"Kidney_Left": kidney}, scan.geometry, "test")
    write_seg(tmp_path / "s.dcm", regions, source_series=path)
    write_rtstruct(tmp_path / "r.dcm", regions, series=path)
    for name in ("s.dcm", "r.dcm"):
        assert np.array_equal(read_regions(tmp_path / name, scan.geometry).mask("Kidney_Left"), kidney), name
    if shutil.which("dciodvfy"):
        for name in ("s.dcm", "r.dcm"):
            out = subprocess.run(["dciodvfy", "-new", str(tmp_path / name)], capture_output=True, text=True)
            assert out.returncode == 0 and "Error" not in out.stderr, out.stderr


@pytest.mark.parametrize("number", [0, 5, 23, 30, 41])
def test_registration_does_not_swap_sides(number):
    """Fixed upright, moving stored otherwise and displaced: after registration the marker is in the left kidney again."""
    fixed = patient(geometry((2, 1, 0), (1, 1, 1)), "activity concentration [Bq/mL]")
    g = geometry(*ORIENTATIONS[number])
    moving = patient(g, fixed.quantity)
    shifted = g.affine.copy()
    shifted[:3, 3] += [9.0, -6.0, 11.0]
    moving = Volume(moving.values, Geometry(g.shape, shifted, "1.2.3.4.5"), fixed.quantity)
    r = register_rigid(fixed, moving)
    back = resample(moving, fixed.geometry, r.transform, method="linear")
    assert marker(back) == pytest.approx(LEFT_KIDNEY, abs=5.1)
    assert (r.transform @ [*LEFT_KIDNEY, 1])[:3] - LEFT_KIDNEY == pytest.approx([9.0, -6.0, 11.0], abs=2.0) and r.rotation_deg < 2


def test_a_scan_has_a_time_that_resampling_keeps():
    at = dt.datetime(2024, 1, 2, 3, 4, tzinfo=dt.UTC)
    v = patient(geometry((2, 1, 0), (1, 1, 1)))
    v = Volume(v.values, v.geometry, "counts", at)
    assert resample(v, geometry((0, 1, 2), (1, -1, 1))).time == at and to_axial(v).time == at
