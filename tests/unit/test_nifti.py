"""NIfTI in and out."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import nibabel
import numpy as np
import pytest
from tests.reading_samples import ACQUIRED, ADMINISTERED, HALF_LIFE_LU177_s, nuclide

from lutetia.core import BadInput
from lutetia.imaging.activity import Calibration, read_activity
from lutetia.imaging.ct import read_ct
from lutetia.imaging.nifti import read_nifti, write_nifti
from lutetia.imaging.volume import Geometry, Volume

AFFINE = np.diag([2.0, 3.0, 4.0, 1.0])


def save(path: Path, values: np.ndarray, affine: np.ndarray = AFFINE) -> Path:
    nibabel.save(nibabel.Nifti1Image(values, affine), path)
    return path


def read(path: Path, **more: object):
    return read_activity(path, **{"nuclide": nuclide(), "administered_at": ADMINISTERED, "time": ACQUIRED, "decay_corrected_to": "acquisition", **more})


def test_nibabel_sees_what_was_written_in_its_own_axes(tmp_path: Path) -> None:
    """+x is left in lutetia (LPS) and right in NIfTI (RAS)."""
    values = np.zeros((2, 3, 4), np.float32)
    values[1, 2, 3] = 7
    write_nifti(tmp_path / "a.nii.gz", Volume(values, Geometry((2, 3, 4), np.diag([2.0, 3.0, 4.0, 1.0])), "HU"))
    image = nibabel.load(tmp_path / "a.nii.gz")
    data = image.get_fdata()
    assert data.shape == (4, 3, 2) and data[3, 2, 1] == 7
    assert nibabel.affines.apply_affine(image.affine, [3, 2, 1]) == pytest.approx([-6, -6, 4])
    assert image.get_data_dtype() == np.float32 and image.header.get_xyzt_units()[0] == "mm"
    assert image.header["qform_code"] == 1 and image.header["sform_code"] == 1
    assert image.get_qform() == pytest.approx(image.affine, abs=1e-5)


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path) -> None:
    volume = Volume(np.arange(24, dtype=np.float32).reshape(2, 3, 4), Geometry((2, 3, 4), AFFINE), "absorbed dose [Gy]")
    write_nifti(tmp_path / "a.nii.gz", volume)
    write_nifti(tmp_path / "b.nii.gz", volume)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.nii.gz", "b.nii.gz"]


def test_labels_are_whole_numbers(tmp_path: Path) -> None:
    path = save(tmp_path / "labels.nii", np.array([[[0.0, 1.0], [2.0, 19000.0]]], np.float32))
    labels = read_nifti(path, "label")
    assert labels.values.dtype == np.int32 and labels.values.max() == 19000
    write_nifti(tmp_path / "again.nii.gz", labels)
    assert np.array_equal(read_nifti(tmp_path / "again.nii.gz", "label").values, labels.values)
    with pytest.raises(BadInput, match="no label map"):
        read_nifti(save(tmp_path / "x.nii", np.full((2, 2, 2), 0.5, np.float32)), "label")


def test_the_files_own_slope_is_applied(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.full((2, 2, 2), 10, np.int16), AFFINE)
    image.header.set_slope_inter(2.5, -1.0)
    raw = bytearray(image.to_bytes())
    raw[112:120] = np.array([2.5, -1.0], "<f4").tobytes()  # nibabel leaves scl_slope and scl_inter to its own writer
    (tmp_path / "s.nii").write_bytes(raw)
    assert read_nifti(tmp_path / "s.nii", "HU").values == pytest.approx(24.0)


@pytest.mark.parametrize(
    "words, make",
    [
        ("shape", lambda p: save(p, np.zeros((2, 2, 2, 3), np.float32))),
        ("not orthogonal", lambda p: save(p, np.zeros((2, 2, 2), np.float32), AFFINE + np.array([[0, 0, 1.0, 0]] + [[0] * 4] * 3))),
        ("cannot be read as NIfTI", lambda p: p.write_bytes(b"nonsense" * 100)),
        ("cannot be read as NIfTI", lambda p: p.write_bytes(save(p, np.ones((9, 9, 9), np.float32)).read_bytes()[:900])),
        ("no such file", lambda p: None),
    ],
)
def test_files_that_are_no_image_are_refused(tmp_path: Path, words: str, make) -> None:
    make(tmp_path / "x.nii")
    with pytest.raises(BadInput, match=words):
        read_nifti(tmp_path / "x.nii", "HU")


def test_a_file_without_a_place_and_one_with_two_are_refused(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.ones((2, 2, 2), np.float32), None)
    nibabel.save(image, tmp_path / "none.nii")
    with pytest.raises(BadInput, match="neither in its qform nor its sform"):
        read_nifti(tmp_path / "none.nii", "HU")
    image = nibabel.Nifti1Image(np.ones((2, 2, 2), np.float32), AFFINE)
    image.set_sform(AFFINE, 1)
    image.set_qform(np.diag([-2.0, 3.0, 4.0, 1.0]), 1)
    nibabel.save(image, tmp_path / "two.nii")
    with pytest.raises(BadInput, match="place it differently"):
        read_nifti(tmp_path / "two.nii", "HU")


@pytest.mark.parametrize(
    "words, given",
    [
        ("the activity scale is unknown, as NIfTI carries no unit", {}),
        ("time of the scan is unknown", {"unit": "Bq/mL", "time": None}),
        ("decay-corrected to is not said", {"unit": "Bq/mL", "decay_corrected_to": None}),
        ("got 'injection'", {"unit": "Bq/mL", "decay_corrected_to": "injection"}),
        ("declared to hold counts; give a calibration", {"unit": "counts"}),
        ("one of the two", {"unit": "Bq/mL", "calibration": Calibration(Bq_per_count=1.0)}),
        ("unit: got 'MBq'", {"unit": "MBq"}),
        ("before the administration", {"unit": "Bq/mL", "decay_corrected_to": "administration", "time": ADMINISTERED - dt.timedelta(hours=2)}),
        ("give a duration above zero", {"unit": "Bq/mL", "duration_s": -1.0}),
    ],
)
def test_what_nifti_does_not_say_must_be_declared(tmp_path: Path, words: str, given: dict) -> None:
    path = save(tmp_path / "a.nii.gz", np.ones((2, 2, 2), np.float32))
    with pytest.raises(BadInput, match=words):
        read(path, **given)


@pytest.mark.parametrize(
    "given, expected",
    [
        ({"unit": "Bq/mL"}, 5.0),
        ({"unit": "MBq/mL"}, 5e6),
        ({"unit": "Bq"}, 5.0 / 0.024),
        ({"calibration": Calibration(Bq_per_count=2.0)}, 10.0 / 0.024),
        ({"calibration": Calibration(sensitivity_cps_per_Bq=1e-5), "duration_s": 1000.0}, 5.0 / (1e-5 * 1000 * 0.024)),
        ({"unit": "Bq/mL", "decay_corrected_to": "administration"}, 5.0 * 0.5 ** (25.5 * 3600 / HALF_LIFE_LU177_s)),
    ],
)
def test_declared_nifti(tmp_path: Path, given: dict, expected: float) -> None:
    scan = read(save(tmp_path / "a.nii.gz", np.full((2, 3, 4), 5.0, np.float32)), **given)
    assert scan.volume.values == pytest.approx(expected, rel=1e-6)
    assert scan.volume.values.shape == (4, 3, 2) and scan.modality == "NIfTI" and scan.volume.time == ACQUIRED


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    values = np.ones((2, 2, 2), np.float32)
    values[0, 0, 0] = np.nan
    with pytest.raises(BadInput, match="not finite"):
        read(save(tmp_path / "a.nii", values), unit="Bq/mL")
    with pytest.raises(BadInput, match="not finite"):
        read_ct(save(tmp_path / "b.nii", values))


def test_a_ct_in_nifti(tmp_path: Path) -> None:
    values = np.full((3, 3, 3), 40.0, np.float32)
    values[0, 0, 0] = -2048.0
    ct = read_ct(save(tmp_path / "ct.nii.gz", values))
    assert ct.volume.values.min() == -1024.0 and ct.volume.quantity == "HU" and ct.warnings == ()
    shifted = read_ct(save(tmp_path / "shifted.nii.gz", np.linspace(0, 1100, 27, dtype=np.float32).reshape(3, 3, 3)))
    assert any("shifted by 1000" in w for w in shifted.warnings)
    with pytest.raises(BadInput, match="nothing but air"):
        read_ct(save(tmp_path / "air.nii", np.full((2, 2, 2), -1000.0, np.float32)))
