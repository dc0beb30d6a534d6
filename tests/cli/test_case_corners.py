"""Corners of a case that have given a wrong dose without a word: zeros, images that do not reach, keys that do nothing."""

from __future__ import annotations

from pathlib import Path

import nibabel
import numpy as np
import pytest

from lutetia.chain.dose import run_case
from lutetia.core import BadInput
from lutetia.imaging import Volume, read_ct
from lutetia.imaging.dicom_write import Study, write_ct_series
from tests.cli.small_patient import START, geometry, organs, write_patient

HEAD = 'schema = "lutetia-case/1"\nid = "corner"\nnuclide = "Lu-177"\n[administration]\nactivity = "7.4 GBq"\ntime = "2024-03-04T09:00:00"\n'
SHAPE, HALF_H = (12, 12, 12), 50.0


def table(folder: Path, times: list[float], activities: list[float], more: str = "") -> dict:
    points = f'times = {[f"{t} h" for t in times]}\nactivities = {[f"{a} MBq" for a in activities]}\n'
    (folder / "case.toml").write_text(HEAD + '[[region]]\nname = "lesion"\nmass = "100 g"\n' + points + more)
    return run_case(folder / "case.toml", folder.parent / f"{folder.name}-out")


def write_nifti(path: Path, values: np.ndarray, shift_mm: float = 0.0) -> None:
    affine = np.diag([-4.0, -4.0, 4.0, 1.0])
    affine[2, 3] = shift_mm
    nibabel.save(nibabel.Nifti1Image(np.ascontiguousarray(values.T, np.float32), affine), path)


def images(folder: Path, hours: tuple[float, ...] = (4.0, 24.0, 96.0), *, last=lambda a: (a, 0.0), ct=None, more: str = "") -> dict:
    """A hot cube of 64 voxels at 1 MBq/mL, 50 h; `last` gives the last scan's values and shift along the patient."""
    labels = np.zeros(SHAPE)
    labels[4:8, 4:8, 4:8] = 1
    text = HEAD
    for n, h in enumerate(hours, 1):
        values = np.where(labels > 0, 1e6, 1e4) * 2 ** (-h / HALF_H)
        write_nifti(folder / f"s{n}.nii.gz", *(last(values) if n == len(hours) else (values, 0.0)))
        text += f'[[scan]]\nactivity = "s{n}.nii.gz"\nunit = "Bq/mL"\ntime = "{h} h"\ndecay_corrected_to = "acquisition"\n'
        if n == 1:
            write_nifti(folder / "labels.nii.gz", labels)
            text += 'regions = "labels.nii.gz"\nlabels = {1 = "lesion"}\n'
            if ct is not None:
                write_nifti(folder / "ct.nii.gz", *ct)
                text += 'ct = "ct.nii.gz"\n'
    (folder / "case.toml").write_text(text + '[dosimetry]\nengine = "kernel"\n' + more)
    return run_case(folder / "case.toml", folder.parent / f"{folder.name}-out")


def lesion(result: dict) -> dict:
    return result["regions"][0]


def test_a_late_zero_does_not_rule_the_curve(tmp_path: Path) -> None:
    """Nothing seen at 240 h, where 5 % of the last activity would be left, changes the integral by little."""
    folders = [tmp_path / x for x in "ab"]
    for f in folders:
        f.mkdir()
    seen = lesion(table(folders[0], [4, 24, 96, 168], [100, 80, 30, 10]))
    zero = lesion(table(folders[1], [4, 24, 96, 168, 240], [100, 80, 30, 10, 0]))
    assert zero["tia_Bq_s"] == pytest.approx(seen["tia_Bq_s"], rel=0.02)
    assert zero["tia_u_Bq_s"] < 0.05 * zero["tia_Bq_s"]


def test_one_activity_above_zero_shows_no_rate(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="lesion.*only one of its 2"):
        table(tmp_path, [24, 96], [80, 0])


@pytest.mark.parametrize(
    ("more", "says"),
    [('cross_dose = "-5 Gy"\n', "negative"), ('axes = "11 cm, 6 cm, 5 cm"\n', "go together"), ('[calibration]\nfactor = "12 Bq/count"\n', "no effect"),
     ("[uncertainty.recovery]\nvolume_mL = [1, 100]\nrc = [0.3, 0.9]\nu_rc = [0.1, 0.1]\n", "no effect"), ('[regions.bed]\nlesoin = "kidney"\n', "no effect")],
)  # fmt: skip
def test_what_a_table_does_not_read_is_refused(tmp_path: Path, more: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        table(tmp_path, [4, 24, 96], [100, 80, 30], more)


def test_a_coefficient_without_uncertainty_and_progeny_are_said(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    r = lesion(table(tmp_path / "a", [4, 24, 96], [100, 80, 30], "recovery_coefficient = 0.5\n"))
    assert "recovery coefficient not stated" in r["uncertainty_budget"]["note"]
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "case.toml").write_text((tmp_path / "a" / "case.toml").read_text().replace("Lu-177", "Ac-225"))
    assert any("progeny" in a for a in run_case(tmp_path / "b", tmp_path / "out")["assumptions"])


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [('"2024-03-04T09:00:00"', '"2024-03-04"', "date and time"), ('time = "4.0 h"', "time = 4", "date and time"), ('time = "4.0 h"', 'time = "2024-03-04"', "date and time"),
     ("{1 =", "{lesion =", "labels"), ('"7.4 GBq"', '"7,4 GBq"', "decimal point"), ("[dosimetry]", '[measurement]\ndecay_corrected_to = "administration"\n[dosimetry]', "no effect"),
     ('"s1.nii.gz"', '"s1\\u0000.nii.gz"', "cannot be a path"), ("[dosimetry]", '[regions]\ninclude = ["lesion", "lesion"]\n[dosimetry]', "twice"),
     ("[dosimetry]", "[uncertainty.recovery]\nvolume_mL = [1, 100]\nrc = [0.3, 0.9]\nu_rc = [nan, 0.1]\n[dosimetry]", "finite")],
)  # fmt: skip
def test_what_could_be_misread_is_refused(tmp_path: Path, old: str, new: str, says: str) -> None:
    (tmp_path / "a").mkdir()
    images(tmp_path / "a")
    case = tmp_path / "a" / "case.toml"
    assert old in case.read_text()
    case.write_text(case.read_text().replace(old, new, 1))
    with pytest.raises(BadInput, match=says):
        run_case(case, tmp_path / "out")


def test_a_region_beyond_the_ct_is_tissue_and_not_air(tmp_path: Path) -> None:
    """A CT of the lower half alone: the upper half of the lesion once weighed 0.15 g/mL and got 40 Gy for 6."""
    for name in "ab":
        (tmp_path / name).mkdir()
    whole = lesion(images(tmp_path / "a", ct=(np.full(SHAPE, 20.0), 0.0)))
    half = lesion(images(tmp_path / "b", ct=(np.full((6, 12, 12), 20.0), 0.0)))
    assert half["mass_kg"] == pytest.approx(whole["mass_kg"], rel=0.02)
    assert half["dose_Gy"] == pytest.approx(whole["dose_Gy"], rel=0.02)
    assert any("50.0% of it lies outside the CT" in w for w in half["warnings"]) and not any("CT" in w for w in whole["warnings"])


def test_a_ct_of_another_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="CT covers none"):
        images(tmp_path, ct=(np.full(SHAPE, 20.0), 500.0))


def test_a_ct_in_its_own_frame_of_reference_is_taken_as_aligned(tmp_path: Path) -> None:
    case = write_patient(tmp_path / "p")
    first = read_ct(tmp_path / "p" / "scan1" / "ct")
    for file in (tmp_path / "p" / "scan1" / "ct").iterdir():
        file.unlink()
    hu = Volume(np.where(organs()["body"], 40.0, -1000.0), geometry("1.2.9"), "HU", START)
    write_ct_series(tmp_path / "p" / "scan1" / "ct", hu, Study("visit-1", START, "test", "SMALL^TEST", "SMALL", "19600101", "F", 70.0, 1.7))
    assert read_ct(tmp_path / "p" / "scan1" / "ct").patient_key == first.patient_key
    result = run_case(case, tmp_path / "out", engine="kernel")
    assert any("taken as aligned" in w for w in result["warnings"])
    assert result["regions"][0]["mass_kg"] == pytest.approx(8e-3 * 1.04, rel=0.03)


def test_a_scan_that_does_not_reach_a_region_says_so(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    r = lesion(images(tmp_path / "a", last=lambda a: (a[:6], 0.0)))
    assert any("50.0% of it lies outside scan 3" in w for w in r["warnings"])
    (tmp_path / "b").mkdir()
    with pytest.raises(BadInput, match="lesion.*outside scan 3"):
        images(tmp_path / "b", last=lambda a: (a, 500.0))


def test_the_map_of_one_scan_knows_the_uncertainty_of_its_method(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    images(tmp_path / "a", (96.0,), more='[kinetics]\nmethod = "physical"\nrelative_u = "30 %"\n')
    dose, u = (nibabel.load(tmp_path / "a-out" / f"{n}.nii.gz").get_fdata() for n in ("dose", "dose_u"))
    assert np.median(u / dose) == pytest.approx(np.hypot(0.30, 0.10), rel=0.03)


def test_a_volume_beyond_the_recovery_table_is_said(tmp_path: Path) -> None:
    r = lesion(images(tmp_path, more="[uncertainty.recovery]\nvolume_mL = [10, 100]\nrc = [0.5, 0.9]\nu_rc = [0.03, 0.03]\n"))
    assert any("outside the recovery table" in w for w in r["warnings"])
    # 4.096 mL at 1 MBq/mL and 50 h, over the coefficient at 10 mL: in the activity and in the dose, once.
    assert r["tia_Bq_s"] == pytest.approx(4.096e6 * 50 * 3600 / np.log(2) / 0.5, rel=0.01)
    assert r["dose_Gy"] == pytest.approx(2 * r["dose_map_mean_Gy"], rel=0.02)
