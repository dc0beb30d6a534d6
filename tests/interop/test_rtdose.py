"""Absorbed dose out as RT Dose and back, judged by another implementation of the standard where there is one."""

from __future__ import annotations

import shutil
import subprocess

import numpy as np
import pydicom
import pytest

from lutetia.core import BadInput
from lutetia.imaging.rtdose import read_rtdose, write_rtdose
from lutetia.imaging.volume import Geometry, Volume

DOSE = "absorbed dose [Gy]"
PATIENT = {"PatientName": "Secret^Name", "PatientID": "SECRETID", "PatientSex": "F", "PatientBirthDate": "19600102",
           "StudyInstanceUID": "1.2.3.4", "StudyDate": "20240506", "StudyTime": "070809", "StudyID": "7"}


def dose(shape=(7, 9, 8), spacing=(4.1, 2.4, 2.3), first=(-12.25, 33.5, -881.32), frame="1.2.826.0.1.3680043.8.498.1", top=3.7):
    affine = np.diag([spacing[2], spacing[1], spacing[0], 1.0])
    affine[:3, 3] = first
    values = np.random.default_rng(1).gamma(0.5, size=shape)
    return Volume(top * values / values.max(), Geometry(shape, affine, frame), DOSE)


@pytest.mark.parametrize("top", [1e-9, 0.0123, 3.7, 512.0, 9e5])
def test_values_come_back_to_one_billionth_of_the_maximum(tmp_path, top):
    v = dose(top=top)
    write_rtdose(tmp_path / "d.dcm", v)
    back = read_rtdose(tmp_path / "d.dcm")
    assert np.max(np.abs(back.values - v.values)) <= 1e-9 * top
    assert back.quantity == DOSE and back.geometry.same_grid(v.geometry, 1e-6)
    assert back.geometry.frame_of_reference == v.geometry.frame_of_reference


def test_a_dose_of_zero_can_be_written(tmp_path):
    v = dose().with_values(np.zeros((7, 9, 8)))
    write_rtdose(tmp_path / "d.dcm", v)
    assert not read_rtdose(tmp_path / "d.dcm").values.any()


def test_the_file_is_a_whole_part_10_file_that_says_what_it_is(tmp_path):
    write_rtdose(tmp_path / "d.dcm", dose(), like=PATIENT, description="total absorbed dose")
    assert (tmp_path / "d.dcm").read_bytes()[128:132] == b"DICM"
    ds = pydicom.dcmread(tmp_path / "d.dcm")
    assert (ds.Modality, ds.DoseUnits, ds.DoseType, ds.BitsAllocated, ds.PixelRepresentation) == ("RTDOSE", "GY", "PHYSICAL", 32, 0)
    assert ds.SeriesDescription == "total absorbed dose" and "Research use only" in ds.DoseComment
    # PS3.3 C.8.8.3.4: 16 or 32 bits, all of them used, unsigned.
    assert (ds.BitsStored, ds.HighBit, ds.SamplesPerPixel, ds.PhotometricInterpretation) == (32, 31, 1, "MONOCHROME2")
    offsets = np.array(ds.GridFrameOffsetVector, float)
    assert offsets[0] == 0 and offsets == pytest.approx(4.1 * np.arange(7)) and ds.FrameIncrementPointer == 0x3004000C
    assert (ds.PatientID, ds.StudyInstanceUID, ds.StudyDate) == ("SECRETID", "1.2.3.4", "20240506")
    assert ds.SOPInstanceUID.startswith("2.25.") and ds.SOPInstanceUID.is_valid
    assert [p.name for p in tmp_path.iterdir()] == ["d.dcm"]  # nothing left beside it


def test_the_same_dose_gives_the_same_file_and_another_dose_other_identifiers(tmp_path):
    for name, v in (("a", dose()), ("b", dose()), ("c", dose(top=3.8))):
        write_rtdose(tmp_path / name, v, like=PATIENT)
    a, b, c = ((tmp_path / n).read_bytes() for n in "abc")
    assert a == b and a != c
    assert pydicom.dcmread(tmp_path / "a").SOPInstanceUID != pydicom.dcmread(tmp_path / "c").SOPInstanceUID


def test_patient_study_and_frame_come_from_a_dicom_file(tmp_path):
    write_rtdose(tmp_path / "first.dcm", dose(frame="1.2.3.77"), like=PATIENT)
    write_rtdose(tmp_path / "second.dcm", dose(frame="", top=1.0), like=tmp_path / "first.dcm")
    ds = pydicom.dcmread(tmp_path / "second.dcm")
    assert (ds.PatientName, ds.PatientID, ds.StudyID, ds.FrameOfReferenceUID) == ("Secret^Name", "SECRETID", "7", "1.2.3.77")
    assert ds.SOPInstanceUID != pydicom.dcmread(tmp_path / "first.dcm").SOPInstanceUID
    # The dose's own frame of reference comes first.
    write_rtdose(tmp_path / "third.dcm", dose(frame="1.2.3.88"), like=tmp_path / "first.dcm")
    assert pydicom.dcmread(tmp_path / "third.dcm").FrameOfReferenceUID == "1.2.3.88"


def test_what_is_no_dose_is_refused(tmp_path):
    v = dose()
    bad = np.array(v.values)
    bad[0, 0, 0] = np.nan
    sheared = v.geometry.affine.copy()
    sheared[0, 2] = 1.0
    for volume, words in ((v.with_values(v.values, "HU"), "not 'absorbed dose"), (v.with_values(bad), "not finite"), (v.with_values(v.values - 1.0), "negative"),
                          (Volume(v.values, Geometry(v.geometry.shape, sheared), DOSE), "right angles")):
        with pytest.raises(BadInput, match=words):
            write_rtdose(tmp_path / "d.dcm", volume)
    with pytest.raises(BadInput, match="Did you mean PatientID"):
        write_rtdose(tmp_path / "d.dcm", v, like={"PatientId": "x"})
    assert not (tmp_path / "d.dcm").exists()


def test_rounding_below_zero_becomes_zero(tmp_path):
    """A Fourier transform leaves -1e-12 of the maximum where nothing is."""
    v = dose()
    values = np.array(v.values)
    values[0] = -1e-12
    write_rtdose(tmp_path / "d.dcm", v.with_values(values))
    assert read_rtdose(tmp_path / "d.dcm").values.min() == 0


def _changed(path, **values):
    ds = pydicom.dcmread(path)
    for key, value in values.items():
        setattr(ds, key, value)
    ds.save_as(path)
    return path


@pytest.mark.parametrize(("values", "words"), [
    ({"DoseUnits": "RELATIVE"}, "not GY"),
    ({"GridFrameOffsetVector": [0, 1, 2, 3, 4, 5, 9]}, "unevenly"),
    ({"GridFrameOffsetVector": [0, 1, 2]}, "one position for each"),
    ({"GridFrameOffsetVector": [5, 6, 7, 8, 9, 10, 11]}, "neither 0 nor"),
    ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.2"}, "not an RT Dose"),
    ({"PixelData": b"\0" * 10}, "cannot be read"),
])
def test_files_that_cannot_be_placed_are_refused(tmp_path, values, words):
    write_rtdose(tmp_path / "d.dcm", dose())
    with pytest.raises(BadInput, match=words):
        read_rtdose(_changed(tmp_path / "d.dcm", **values))


def test_slices_stored_downwards_or_by_place_are_read_where_they_are(tmp_path):
    """Other systems write falling offsets, or the slices' z themselves."""
    v = dose()
    write_rtdose(tmp_path / "d.dcm", v)
    ds = pydicom.dcmread(tmp_path / "d.dcm")
    down = ds.pixel_array[::-1]
    place = [float(x) for x in ds.ImagePositionPatient]
    top = place[2] + 4.1 * 6
    for offsets in ([-4.1 * k for k in range(7)], [top - 4.1 * k for k in range(7)]):
        _changed(tmp_path / "d.dcm", PixelData=down.tobytes(), ImagePositionPatient=[place[0], place[1], top], GridFrameOffsetVector=offsets)
        back = read_rtdose(tmp_path / "d.dcm")
        a, b = np.unravel_index(np.argmax(v.values), v.values.shape), np.unravel_index(np.argmax(back.values), v.values.shape)
        assert back.geometry.to_patient(np.array(b)) == pytest.approx(v.geometry.to_patient(np.array(a)), abs=1e-6)


def test_dciodvfy_finds_no_error(tmp_path):
    """The validator of 2022 stops at 32-bit pixels in 16-bit words (its own assertion), so the judged file has the
    same attributes with the upper half of each pixel; it must end well and name the object, or nothing was judged."""
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed, so the file was not validated")
    for name, like in (("anonymous", None), ("named", PATIENT)):
        path = tmp_path / f"{name}.dcm"
        write_rtdose(path, dose(), like=like)
        ds = pydicom.dcmread(path)
        _changed(path, PixelData=(ds.pixel_array >> 16).astype("<u2").tobytes(), BitsAllocated=16, BitsStored=16, HighBit=15)
        out = subprocess.run(["dciodvfy", "-new", str(path)], capture_output=True, text=True)
        assert out.returncode == 0 and "RTDose" in out.stderr and "Error" not in out.stderr, out.stderr


def test_dcmtk_reads_the_file_whole(tmp_path):
    if shutil.which("dcmftest") is None or shutil.which("dcmdump") is None:
        pytest.skip("dcmtk is not installed, so the file was not read by it")
    write_rtdose(tmp_path / "d.dcm", dose(), like=PATIENT)
    assert subprocess.run(["dcmftest", str(tmp_path / "d.dcm")], capture_output=True, text=True).stdout.startswith("yes")
    out = subprocess.run(["dcmdump", "-q", "+P", "DoseGridScaling", str(tmp_path / "d.dcm")], capture_output=True, text=True)
    assert out.returncode == 0 and "3004,000e" in out.stdout


def _dcmtk_complaints(path):
    """What DCMTK's RT module reader says of an RT Dose file: attributes that are missing, empty or of the wrong multiplicity."""
    out = subprocess.run(["drtdump", "-ll", "warn", str(path)], capture_output=True, text=True)
    assert out.returncode == 0 and "RT Dose object" in out.stdout, out.stderr
    return [line for line in out.stderr.splitlines() if line.strip()]


@pytest.mark.parametrize("like", [None, PATIENT], ids=["anonymous", "named"])
def test_dcmtk_judges_the_32_bit_file_as_it_is_written(tmp_path, like):
    """The file itself, where dciodvfy can only be shown a 16-bit one."""
    if shutil.which("drtdump") is None:
        pytest.skip("drtdump (dcmtk) is not installed, so the file was not judged by it")
    write_rtdose(tmp_path / "d.dcm", dose(), like=like)
    assert pydicom.dcmread(tmp_path / "d.dcm").BitsAllocated == 32
    assert _dcmtk_complaints(tmp_path / "d.dcm") == []
    # And it does judge: what the RT Dose module needs is missed.
    for keyword in ("DoseUnits", "DoseType", "DoseSummationType", "FrameIncrementPointer", "PixelSpacing", "StudyID"):
        ds = pydicom.dcmread(tmp_path / "d.dcm")
        delattr(ds, keyword)
        ds.save_as(tmp_path / "cut.dcm")
        assert any(keyword in line for line in _dcmtk_complaints(tmp_path / "cut.dcm")), keyword


def test_dcmtk_reads_the_32_bit_pixels(tmp_path):
    """A second decoder of the pixels: the maximum lies where it was put."""
    if shutil.which("dcmdump") is None:
        pytest.skip("dcmtk is not installed, so the pixels were not read by it")
    v = dose()
    write_rtdose(tmp_path / "d.dcm", v)
    (tmp_path / "raw").mkdir()
    assert subprocess.run(["dcmdump", "-q", "+W", str(tmp_path / "raw"), str(tmp_path / "d.dcm")], capture_output=True).returncode == 0
    (raw,) = (tmp_path / "raw").iterdir()
    stored = np.frombuffer(raw.read_bytes(), "<u4").reshape(v.values.shape)
    assert stored * float(pydicom.dcmread(tmp_path / "d.dcm").DoseGridScaling) == pytest.approx(np.asarray(v.values), abs=1e-8)


def test_simpleitk_sees_the_same_places_and_integers(tmp_path):
    """An independent reader: origin, spacing, direction and the scaled maximum."""
    import SimpleITK as sitk

    v = dose()
    write_rtdose(tmp_path / "d.dcm", v)
    image = sitk.ReadImage(str(tmp_path / "d.dcm"))
    scaling = float(image.GetMetaData("3004|000e"))
    values = sitk.GetArrayFromImage(image).astype(float)
    values *= scaling if values.max() > 1e6 else 1.0  # some builds of GDCM apply DoseGridScaling themselves
    assert values == pytest.approx(np.asarray(v.values), abs=1e-6)
    index = np.unravel_index(np.argmax(v.values), v.values.shape)
    there = image.TransformIndexToPhysicalPoint([int(n) for n in index[::-1]])
    assert there == pytest.approx(v.geometry.to_patient(np.array(index)), abs=1e-3)
