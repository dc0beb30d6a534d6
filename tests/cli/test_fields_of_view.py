"""What a scan did not see, and what one scan alone saw, makes no dose out of nothing."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from lutetia.chain.dose import run_case
from tests.cli import small_patient


def run(case: Path, out: Path) -> dict:
    return run_case(case, out, engine="kernel")


def kidneys(result: dict) -> dict[str, float]:
    return {r["region"]: r["dose_Gy"] for r in result["regions"] if r["region"] != "body"}


def shorten(folder: Path, slices: int) -> None:
    """Leave out the last slices of a PET series, as a shorter field of view would."""
    files = sorted(folder.iterdir())
    for path in files[-slices:]:
        path.unlink()
    for path in files[:-slices]:
        ds = pydicom.dcmread(path)
        ds.NumberOfSlices = len(files) - slices
        ds.save_as(path)


@pytest.fixture(scope="module")
def late(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("late")
    return folder, run(small_patient.write_patient(folder / "case", (24.0, 48.0, 96.0)), folder / "out")


@pytest.mark.parametrize("scans", [(2, 3), (3,), (2,)])
def test_later_scans_of_a_shorter_field_leave_the_kidneys_as_they_are(late: tuple[Path, dict], tmp_path: Path, scans: tuple[int, ...]) -> None:
    case = small_patient.write_patient(tmp_path / "case", (24.0, 48.0, 96.0))
    for n in scans:
        shorten(tmp_path / "case" / f"scan{n}" / "pet", 3)
    result = run(case, tmp_path / "out")
    # Photons from three slices of the body at the edge, whose course is now that of the rest: below 1 %.
    for name, dose in kidneys(late[1]).items():
        assert kidneys(result)[name] == pytest.approx(dose, rel=0.01), name
    said = [w for w in result["warnings"] if "outside the field of scan" in w]
    assert len(said) == 1 and all((f"field of scan {n}" in said[0]) == (n in scans) for n in (2, 3))
    assert ("scan 1 alone" in said[0]) == (scans == (2, 3))
    tia = {key: voxels(out, "tia.nii.gz") for key, out in (("whole", late[0] / "out"), ("short", tmp_path / "out"))}
    # Nowhere more than if nothing but decay took place after the first scan.
    assert tia["short"].max() == pytest.approx(tia["whole"].max(), rel=0.01)
    assert tia["short"].sum() == pytest.approx(tia["whole"].sum(), rel=0.15)


def voxels(out: Path, name: str) -> np.ndarray:
    return np.asarray(nibabel.load(out / name).dataobj)


def test_a_voxel_of_the_first_scan_alone_gives_no_more_than_it_held(late: tuple[Path, dict], tmp_path: Path) -> None:
    case = small_patient.write_patient(tmp_path / "case", (24.0, 48.0, 96.0))
    for n in (2, 3):  # one voxel of the body is empty in the later scans
        path = sorted((tmp_path / "case" / f"scan{n}" / "pet").iterdir())[7]
        ds = pydicom.dcmread(path)
        pixels = ds.pixel_array.copy()
        pixels[5, 12] = 0
        ds.PixelData = pixels.tobytes()
        ds.save_as(path)
    result = run(case, tmp_path / "out")
    for name, dose in kidneys(late[1]).items():
        assert kidneys(result)[name] == pytest.approx(dose, rel=0.005), name
    whole, changed = voxels(late[0] / "out", "tia.nii.gz"), voxels(tmp_path / "out", "tia.nii.gz")
    there = np.abs(changed - whole) > 0.01 * whole.max()
    assert there.sum() <= 1 and changed.max() == pytest.approx(whole.max(), rel=1e-5)


def test_a_region_that_a_later_scan_sees_in_part_keeps_its_dose(late: tuple[Path, dict], tmp_path: Path) -> None:
    """The last scan ends within the kidneys, which lie in slices 5 to 9, all alike: three of five remain."""
    case = small_patient.write_patient(tmp_path / "case", (24.0, 48.0, 96.0))
    shorten(tmp_path / "case/scan3/pet", 8)
    result = run(case, tmp_path / "out")
    for r, whole in zip(result["regions"], late[1]["regions"]):
        if r["region"] == "body":
            continue
        assert r["dose_Gy"] == pytest.approx(whole["dose_Gy"], rel=0.02)
        assert r["tac"]["activity_Bq"] == pytest.approx(whole["tac"]["activity_Bq"], rel=1e-3)
        u = r["tac"]["u_activity_Bq"][2] / r["tac"]["activity_Bq"][2]
        assert u == pytest.approx(np.hypot(whole["tac"]["u_activity_Bq"][2] / whole["tac"]["activity_Bq"][2], 0.4 / np.sqrt(12)), rel=1e-3)
        assert any("40.0% of it lies outside scan 3, whose activity was divided by 0.600" in w for w in r["warnings"])
