"""Image cases from DICOM to report, and what is refused on the way."""

from __future__ import annotations

import csv
import json
import shutil
import struct
import subprocess
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from lutetia.chain.dose import run_case
from lutetia.core import BadInput
from lutetia.imaging import read_rtdose
from lutetia.report import write_run_report
from tests.cli.small_patient import HALF_LIFE_S, concentration, organs, write_patient


@pytest.fixture(scope="module")
def patient(tmp_path_factory) -> Path:
    return write_patient(tmp_path_factory.mktemp("patient"))


@pytest.fixture(scope="module")
def run(patient: Path, tmp_path_factory) -> tuple[Path, dict]:
    out = tmp_path_factory.mktemp("runs") / "out"
    return out, run_case(patient, out, report=write_run_report)


def regions(result: dict) -> dict[str, dict]:
    return {r["region"]: r for r in result["regions"]}


def test_time_integrated_activity_is_the_one_that_was_put_in(run) -> None:
    for name, start in (("kidney left", 8e5), ("kidney right", 4e5)):
        r = regions(run[1])[name]
        expected = start * 100 * 0.08 * 50 * 3600 / np.log(2)  # Bq/mL x 100 voxels x 0.08 mL, 50 h
        assert r["tia_Bq_s"] == pytest.approx(expected, rel=0.02)
        assert r["volume_mL"] == pytest.approx(8.0)
        assert r["effective_half_life_s"] == pytest.approx(50 * 3600, rel=0.05)


def test_dose_is_that_of_the_energy_released(run) -> None:
    """8 mL of soft tissue keep most of the 147.9 keV of electrons (ICRP 107), lose a few per cent through the rim."""
    r = regions(run[1])["kidney left"]
    full = r["tia_Bq_s"] * 0.1479 * 1.602177e-13 / r["mass_kg"]
    assert 0.93 * full < r["dose_by_radiation_Gy"]["electron"] < 1.0 * full
    assert 0.005 < r["dose_by_radiation_Gy"]["photon"] / r["dose_Gy"] < 0.04
    assert r["mass_kg"] == pytest.approx(8e-3 * 1.04, rel=0.03)


def test_the_left_kidney_is_left_in_every_file(run) -> None:
    out, result = run
    assert regions(result)["kidney left"]["dose_Gy"] > 1.8 * regions(result)["kidney right"]["dose_Gy"]
    rt = read_rtdose(out / "rtdose.dcm")
    nifti = nibabel.load(out / "dose.nii.gz")
    k, j, i = np.unravel_index(np.argmax(rt.values), rt.values.shape)
    assert rt.geometry.to_patient(np.array([k, j, i]))[0] > 10  # LPS: +x is left
    hottest = np.unravel_index(np.argmax(nifti.get_fdata()), nifti.shape)
    assert (nifti.affine @ [*hottest, 1])[0] < -10  # RAS: -x is left
    assert rt.values.max() == pytest.approx(nifti.get_fdata().max(), rel=1e-6)


def test_maps_and_table_agree(run) -> None:
    out, result = run
    dose = nibabel.load(out / "dose.nii.gz").get_fdata().transpose(2, 1, 0)
    r = regions(result)["kidney left"]
    assert dose[organs()["kidney left"]].mean() == pytest.approx(r["dose_map_mean_Gy"], rel=0.01)
    rows = list(csv.DictReader((out / "regions.csv").open()))
    assert float(rows[0]["dose_Gy"]) == pytest.approx(result["regions"][0]["dose_Gy"])
    u = nibabel.load(out / "dose_u.nii.gz").get_fdata()
    assert u.min() >= 0 and u.max() > 0
    tia = nibabel.load(out / "tia.nii.gz").get_fdata().sum()
    assert tia == pytest.approx(regions(result)["body"]["tia_Bq_s"], rel=0.05)


def test_scans_say_what_gave_their_scale(run) -> None:
    scans = run[1]["scans"]
    assert [s["time_s"] for s in scans] == [14400.0, 86400.0, 345600.0]
    for s, h in zip(scans, (4.0, 24.0, 96.0)):
        assert s["total_activity_Bq"] == pytest.approx(concentration(h).sum() * 0.08, rel=1e-3)
        assert "ADMIN" in s["decay_correction"] and "Units" in s["scale"]["tag"]


def test_written_dicom_passes_an_independent_validator(run, tmp_path: Path) -> None:
    if shutil.which("dciodvfy") is None:
        pytest.skip("dciodvfy (Debian package dicom3tools) is not installed")
    for name in ("rtdose.dcm", "regions_seg.dcm"):
        ds = pydicom.dcmread(run[0] / name)
        assert ds.PatientID == "SMALL" and ds.FrameOfReferenceUID == "1.2.3"
        if name == "rtdose.dcm":  # this validator stops at an assertion of its own on any 32-bit pixel data: judge a 16-bit twin
            assert ds.BitsAllocated == 32
            ds.PixelData = (ds.pixel_array >> 16).astype("<u2").tobytes()
            ds.BitsAllocated = ds.BitsStored = 16
            ds.HighBit = 15
        ds.save_as(tmp_path / name, enforce_file_format=True)
        done = subprocess.run(["dciodvfy", tmp_path / name], capture_output=True, text=True, check=False)
        assert done.returncode == 0 and not [line for line in done.stderr.splitlines() if line.startswith("Error")], done.stderr


def test_the_report_is_one_file_and_names_no_patient(run) -> None:
    text = (run[0] / "report.html").read_text()
    assert "kidney left" in text and "src=\"http" not in text and "SMALL" not in text
    assert "SMALL" not in (run[0] / "result.json").read_text()


def test_the_same_case_gives_the_same_numbers(patient: Path, run, tmp_path: Path) -> None:
    again = run_case(patient, tmp_path / "again")
    assert [r["dose_Gy"] for r in again["regions"]] == [r["dose_Gy"] for r in run[1]["regions"]]
    assert (tmp_path / "again" / "rtdose.dcm").read_bytes() == (run[0] / "rtdose.dcm").read_bytes()


@pytest.mark.parametrize("engine", ["local", "kernel"])
def test_other_engines_stay_close(patient: Path, run, tmp_path: Path, engine: str) -> None:
    other = regions(run_case(patient, tmp_path / "out", engine=engine))
    for name in ("kidney left", "kidney right"):
        assert other[name]["dose_Gy"] == pytest.approx(regions(run[1])[name]["dose_Gy"], rel=0.06)
    assert (other["kidney left"]["dose_by_radiation_Gy"]["photon"] == 0) is (engine == "local")


def test_without_a_ct_the_result_says_so(patient: Path, tmp_path: Path) -> None:
    case = patient.with_name("no-ct.toml")
    case.write_text(patient.read_text().replace('ct = "scan1/ct"\n', ""))
    result = run_case(case, tmp_path / "out")
    assert result["engine"] == "kernel" and any("no CT" in a for a in result["assumptions"])
    assert regions(result)["kidney left"]["mass_kg"] == pytest.approx(8e-3)


def test_dose_is_linear_in_the_measured_activity(patient: Path, run, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(patient.parent, folder)
    for file in folder.glob("scan*/pet/*"):
        ds = pydicom.dcmread(file)
        ds.RescaleSlope = float(ds.RescaleSlope) * 3
        ds.save_as(file)
    triple = regions(run_case(folder / "case.toml", tmp_path / "out"))
    for name, r in regions(run[1]).items():
        assert triple[name]["dose_Gy"] == pytest.approx(3 * r["dose_Gy"], rel=2e-3)


def broken(case: Path, tmp_path: Path, says: str) -> None:
    out = tmp_path / "never"
    with pytest.raises(BadInput, match=says) as error:
        run_case(case, out)
    assert "\n" not in str(error.value)
    assert not out.exists() and not list(tmp_path.glob(".never*"))


def edited(patient: Path, tmp_path: Path, *changes: tuple[str, str]) -> Path:
    folder = tmp_path / "edited"
    shutil.copytree(patient.parent, folder)
    text = patient.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    (folder / "case.toml").write_text(text)
    return folder / "case.toml"


def test_two_patients_are_refused(tmp_path: Path) -> None:
    broken(write_patient(tmp_path / "two", (4.0, 24.0), patients=("ONE", "OTHER")), tmp_path, "2 patients")


def test_scans_out_of_order_are_refused(patient: Path, tmp_path: Path) -> None:
    case = edited(patient, tmp_path, ('"scan2/pet"', '"scan2-moved"'), ('"scan3/pet"', '"scan2/pet"'), ('"scan2-moved"', '"scan3/pet"'))
    broken(case, tmp_path, "scan 3.*not later than scan 2")


def test_the_same_scan_twice_is_refused(patient: Path, tmp_path: Path) -> None:
    broken(edited(patient, tmp_path, ('"scan3/pet"', '"scan2/pet"')), tmp_path, "each once")


def test_a_scan_before_the_injection_is_refused(patient: Path, tmp_path: Path) -> None:
    broken(edited(patient, tmp_path, ("2024-03-04T09:00:00", "2024-03-05T00:00:00")), tmp_path, "before the administration")


def test_a_path_out_of_the_folder_is_refused(patient: Path, tmp_path: Path) -> None:
    broken(edited(patient, tmp_path, ('"scan2/pet"', '"../../scan2/pet"')), tmp_path, "leaves the case folder")


def test_a_missing_slice_is_refused(patient: Path, tmp_path: Path) -> None:
    case = edited(patient, tmp_path)
    sorted(case.parent.glob("scan2/pet/*"))[7].unlink()
    broken(case, tmp_path, "scan 2")


def test_a_truncated_file_is_refused(patient: Path, tmp_path: Path) -> None:
    case = edited(patient, tmp_path)
    file = sorted(case.parent.glob("scan1/pet/*"))[3]
    file.write_bytes(file.read_bytes()[:-200])
    broken(case, tmp_path, "scan 1")


def test_another_nuclide_in_the_header_is_refused(patient: Path, tmp_path: Path) -> None:
    broken(edited(patient, tmp_path, ('"Lu-177"', '"Y-90"')), tmp_path, "scan 1")


def test_a_region_outside_the_image_is_refused(patient: Path, tmp_path: Path) -> None:
    case = edited(patient, tmp_path)
    file = next(case.parent.glob("scan1/regions/*"))
    ds = pydicom.dcmread(file)
    for contour in ds.ROIContourSequence[0].ContourSequence:
        xyz = np.array(contour.ContourData, float).reshape(-1, 3) + [500.0, 0.0, 0.0]
        contour.ContourData = [f"{v:.3f}" for v in xyz.ravel()]
    ds.save_as(file)
    broken(case, tmp_path, "kidney left")


def test_an_unknown_region_gets_near_matches(patient: Path, tmp_path: Path) -> None:
    case = edited(patient, tmp_path, ("[uncertainty]", '[regions]\ninclude = ["kidny left"]\n[uncertainty]'))
    broken(case, tmp_path, "Did you mean kidney left")


def test_a_region_without_activity_is_refused(patient: Path, tmp_path: Path) -> None:
    case = edited(patient, tmp_path, ("[uncertainty]", '[regions.define]\nnothing = "kidney left & kidney right"\n[uncertainty]'))
    broken(case, tmp_path, "holds no voxels")


def test_a_nested_bomb_is_refused(patient: Path, tmp_path: Path) -> None:
    case = edited(patient, tmp_path)
    file = sorted(case.parent.glob("scan1/pet/*"))[0]
    raw = file.read_bytes()
    start = raw.index(struct.pack("<HH", 0x0008, 0x0016), 132)
    sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    file.write_bytes(raw[:start] + sequence * 240)
    broken(case, tmp_path, "scan 1.*nested too deeply")


def test_half_lives_come_from_the_library(run) -> None:
    assert run[1]["nuclide"] == "Lu-177" and pytest.approx(574301, rel=1e-6) == HALF_LIFE_S
    assert json.loads((run[0] / "result.json").read_text())["schema"] == "lutetia-result/1"
