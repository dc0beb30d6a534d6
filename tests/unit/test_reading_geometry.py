"""Where voxels lie in the patient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.reading_samples import ADMINISTERED, nm_file, nuclide, ramp, slices

from lutetia.core import BadInput
from lutetia.imaging.activity import read_activity
from lutetia.imaging.ct import read_ct


def read(path: Path, **more: object):
    return read_activity(path, nuclide=nuclide(), administered_at=ADMINISTERED, **more)


def test_spacing_is_rows_then_columns(tmp_path: Path) -> None:
    """Pixel Spacing 3\\2 is 3 mm between rows (j) and 2 mm between columns (i): PS3.3 10.7.1.3."""
    slices(tmp_path, ramp())
    geometry = read(tmp_path).volume.geometry
    assert geometry.spacing_mm == pytest.approx([4.0, 3.0, 2.0])
    assert geometry.voxel_mL == pytest.approx(0.024)
    assert geometry.to_patient([1, 1, 1]) == pytest.approx([-8.0, -17.0, 34.0])


@pytest.mark.parametrize("spacing_between", [-4.0, 4.0])
def test_nm_stacks_by_the_sign_of_its_spacing(tmp_path: Path, spacing_between: float) -> None:
    """PS3.3 C.8.4.15; the frames of a negative spacing run towards the feet when rows x columns points to the head."""
    scan = read(nm_file(tmp_path / "nm.dcm", ramp(), spacing_between=spacing_between), decay_corrected_to="acquisition")
    for frame in range(4):
        where = [-10.0, -20.0, 100.0 + frame * spacing_between]
        k, j, i = np.rint(scan.volume.geometry.to_index(where)).astype(int)
        assert scan.volume.values[k, j, i] == pytest.approx(2.5 * ramp()[frame, 0, 0])
    assert np.linalg.det(scan.volume.geometry.affine[:3, :3]) > 0


def test_nm_frames_lie_where_the_slice_vector_says(tmp_path: Path) -> None:
    scan = read(nm_file(tmp_path / "nm.dcm", ramp(), vector=[1, 3, 2, 4], spacing_between=4.0), decay_corrected_to="acquisition")
    assert scan.volume.values[:, 0, 0] == pytest.approx(2.5 * ramp()[[0, 2, 1, 3], 0, 0])


def test_nm_position_is_that_of_the_first_frame_when_the_vector_runs_down(tmp_path: Path) -> None:
    scan = read(nm_file(tmp_path / "nm.dcm", ramp(), vector=[4, 3, 2, 1], spacing_between=4.0), decay_corrected_to="acquisition")
    assert scan.volume.values[-1, 0, 0] == pytest.approx(2.5 * ramp()[0, 0, 0])
    assert scan.volume.geometry.to_patient([3, 0, 0]) == pytest.approx([-10, -20, 100])
    assert any("first frame holds slice 4" in w for w in scan.warnings)


def test_nm_without_spacing_takes_the_thickness_and_says_so(tmp_path: Path) -> None:
    scan = read(nm_file(tmp_path / "nm.dcm", ramp(), spacing_between=None), decay_corrected_to="acquisition")
    assert scan.volume.geometry.spacing_mm[0] == pytest.approx(4.0)
    assert any("Spacing Between Slices" in w for w in scan.warnings)


def test_nm_without_a_position_is_refused(tmp_path: Path) -> None:
    def strip(ds: pydicom.Dataset) -> None:
        del ds.DetectorInformationSequence

    with pytest.raises(BadInput, match=r"no Image Position \(Patient\).*no Image Orientation"):
        read(nm_file(tmp_path / "nm.dcm", ramp(), change=strip))


@pytest.mark.parametrize(
    "words, arguments",
    [
        ("sideways .*tilt of about 20", {"step": (0.0, 4 * np.tan(np.radians(20)), 4.0)}),
        ("where another slice lies", {"order": [0, 1, 2, 2, 3]}),
        ("1 slice is missing", {"order": [0, 1, 3]}),
    ],
)
def test_stacks_that_are_not_regular_are_refused(tmp_path: Path, words: str, arguments: dict) -> None:
    slices(tmp_path, ramp(), change=_forget_count, **arguments)
    with pytest.raises(BadInput, match=words):
        read(tmp_path)


def _forget_count(ds: pydicom.Dataset, k: int) -> None:
    del ds.NumberOfSlices


@pytest.mark.parametrize("missing, words", [([20, 21, 30], "3 slices are missing, the first gap"), ([1], "1 slice is missing")])
def test_the_number_of_missing_slices_is_told(tmp_path: Path, missing: list[int], words: str) -> None:
    paths = slices(tmp_path, ramp(40).astype(np.int16), modality="CT")
    for k in missing:
        paths[k].unlink()
    with pytest.raises(BadInput, match=words):
        read_ct(tmp_path)


def test_uneven_slices_are_refused_and_rounded_positions_are_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)

    def shift(size: float):
        def change(ds: pydicom.Dataset, k: int) -> None:
            p = [float(v) for v in ds.ImagePositionPatient]
            ds.ImagePositionPatient = [p[0], p[1], f"{p[2] + size * rng.uniform(0.5, 1) * (-1) ** k:.4f}"]

        return change

    slices(tmp_path / "uneven", ramp(8), change=shift(0.4))
    with pytest.raises(BadInput, match="unevenly spaced"):
        read(tmp_path / "uneven")
    slices(tmp_path / "rounded", ramp(8), change=shift(0.01))
    assert read(tmp_path / "rounded").volume.geometry.spacing_mm[0] == pytest.approx(4.0, abs=0.01)


def _second(keyword: str, value: object):
    def change(ds: pydicom.Dataset, k: int) -> None:
        if k == 2:
            setattr(ds, keyword, value)

    return change


@pytest.mark.parametrize(
    "words, keyword, value",
    [
        ("different pixel spacings", "PixelSpacing", [3.0, 2.2]),
        ("point in different directions", "ImageOrientationPatient", [1, 0, 0, 0, 0, -1]),
        ("2 frames of reference", "FrameOfReferenceUID", "1.2.3.10"),
        ("not a pair of orthogonal unit vectors", "ImageOrientationPatient", [1, 0, 0, 0.6, 0.8, 0]),
        ("Pixel Spacing .* is not one in mm", "PixelSpacing", [0.0, 2.0]),
        ("no Image Position", "ImagePositionPatient", None),
        ("ImagePositionPatient does not hold", "ImagePositionPatient", [1.0, 2.0]),
    ],
)
def test_slices_that_do_not_belong_together_are_refused(tmp_path: Path, words: str, keyword: str, value: object) -> None:
    slices(tmp_path, ramp(), change=_second(keyword, value))
    with pytest.raises(BadInput, match=words):
        read(tmp_path)


def test_slices_of_different_size_are_refused(tmp_path: Path) -> None:
    paths = slices(tmp_path, ramp())
    slices(tmp_path / "x", ramp(4, 3, 6))[2].rename(paths[2])
    with pytest.raises(BadInput, match="different numbers of rows or columns"):
        read(tmp_path)


def test_one_slice_is_no_image(tmp_path: Path) -> None:
    slices(tmp_path, ramp(1))
    with pytest.raises(BadInput, match="holds one slice"):
        read(tmp_path)


def test_an_enhanced_object_is_placed_and_scaled_by_its_functional_groups(tmp_path: Path) -> None:
    """Enhanced PET (PS3.3 A.56): everything of a frame is in functional groups."""
    from tests.reading_samples import base, code, put_pixels, tracer

    ds = base("PT", "1.2.840.10008.5.1.4.1.1.130", 1)
    put_pixels(ds, ramp())
    ds.DecayCorrected, ds.DecayCorrectionDateTime = "YES", "20240302103000"
    ds.RadiopharmaceuticalInformationSequence = [tracer()]
    ds.AcquisitionDateTime = "20240302103000"
    shared = pydicom.Dataset()
    measures, orientation = pydicom.Dataset(), pydicom.Dataset()
    measures.PixelSpacing, measures.SliceThickness = [3.0, 2.0], 4.0
    orientation.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    shared.PixelMeasuresSequence, shared.PlaneOrientationSequence = [measures], [orientation]
    ds.SharedFunctionalGroupsSequence = [shared]
    groups = []
    for frame, slope in enumerate((1.0, 2.0, 3.0, 4.0)):
        group, place, mapping = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        place.ImagePositionPatient = [0, 0, 40 - 4 * frame]
        mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept = slope, 0.0
        mapping.MeasurementUnitsCodeSequence = [code("Bq/ml", "UCUM", "Becquerels/milliliter")]
        group.PlanePositionSequence, group.RealWorldValueMappingSequence = [place], [mapping]
        groups.append(group)
    ds.PerFrameFunctionalGroupsSequence = groups
    ds.save_as(tmp_path / "enhanced.dcm", enforce_file_format=True)
    scan = read(tmp_path / "enhanced.dcm")
    assert scan.volume.geometry.affine[2, 3] == pytest.approx(28.0)
    assert scan.volume.values[::-1] == pytest.approx(ramp() * np.array([1, 2, 3, 4])[:, None, None])
