"""`lutetia plan` as a user types it."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lutetia.cli.app import app
from lutetia.core import LutetiaError, show

PAGE = Path(__file__).resolve().parents[2] / "docs" / "planning.md"
PATIENT = """schema = "lutetia-patient/1"
weight = "82 kg"
height = "176 cm"
gfr = "90 mL/min"
[[tumour]]
name = "node"
volume = "12 mL"
"""
PET = """schema = "lutetia-case/1"
id = "pet"
nuclide = "Ga-68"
agent = "68Ga-PSMA-617"
[administration]
activity = "150 MBq"
time = "2024-03-04T09:00:00"
[prediction]
ligand = "3 nmol"
weight = "82 kg"
height = "176 cm"
gfr = "90 mL/min"
regions = { kidneys = "kidney" }
[[region]]
name = "kidneys"
volume = "311 mL"
density = "1.05 g/mL"
times = ["1 h"]
activities = ["{kidney} MBq"]
relative_u = "10 %"
[[region]]
name = "tumour a"
volume = "20 mL"
density = "1.0 g/mL"
times = ["1 h"]
activities = ["1.2 MBq"]
relative_u = "10 %"
"""
KIDNEY = ("--limits", 'kidneys="40 Gy BED"')
SMALL = ("--draws", "60", "--ligands", "57 nmol", "--cycles-max", "2")


@pytest.fixture
def patient(tmp_path: Path) -> Path:
    path = tmp_path / "patient.toml"
    path.write_text(PATIENT)
    return path


def run(who: Path, *args: str, agent: str = "177Lu-PSMA-617"):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(app, ["plan", str(who), "--agent", agent, "--out", str(who.parent / "out"), *args])


def planned(who: Path, *args: str) -> dict:
    done = run(who, *args, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def refused(who: Path, *args: str, code: int = 2, agent: str = "177Lu-PSMA-617") -> str:
    error = run(who, *args, agent=agent).exception
    assert isinstance(error, LutetiaError) and error.exit_code == code
    assert not (who.parent / "out").exists()
    return str(error)


def _keys(value: object) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {k for v in value.values() for k in _keys(v)}
    return {k for v in value for k in _keys(v)} if isinstance(value, list) else set()


def test_every_key_of_a_result_is_on_the_page_and_every_option_in_the_table(patient: Path) -> None:
    r = planned(patient, "--limits", "kidneys=kidney-BED-40-Bodei-2008,salivary=25 Gy", "--beyond-studied", *SMALL)
    assert set(r["studied"]) == set(r["supply"].pop("largest_Bq")) == set(r["supply"].pop("least_Bq")) == {"Lu-177"}
    r["studied"] = r["studied"].pop("Lu-177")
    for b in r["baselines"]:
        assert set(b.pop("probability_above")) == {"kidney 40 Gy BED", "parotid 25 Gy", "submandibular 25 Gy"}
    text = PAGE.read_text("utf-8")
    missing = sorted(k for k in _keys(r) - {"title"} if f"`{k}`" not in text and not (k.endswith("_5_95") and f"`{k[:-5]}`" in text))
    assert not missing
    rows = list(csv.DictReader((patient.parent / "out" / "options.csv").open()))
    assert len(rows) == len(r["options"]) == 2 and float(rows[0]["activities_Bq"].split()[0]) == pytest.approx(r["plan"]["activity_Bq"], rel=1e-5)
    assert json.loads((patient.parent / "out" / "result.json").read_text())["plan"] == r["plan"]
    assert [x["verification"] for x in r["limits"]] == ["recalled, not re-read", "given by the user", "given by the user"]
    assert any("recalled" in a and "kidney-BED-40-Bodei-2008" in a for a in r["assumptions"]) and "lacrimal" in r["no_limit"]
    assert len(r["value_of_scan"]) == 2 and [b["name"] for b in r["baselines"]][0] == "7.4 GBq for 6 cycles"


def test_a_plan_is_printed_with_what_holds_it(patient: Path) -> None:
    done = run(patient, *KIDNEY, "--max-activity", "3 GBq", *SMALL)
    assert done.exit_code == 0, done.exception
    assert "2 x 3000 MBq of Lu-177 on 57 nmol, 42 d apart" in done.stdout and "held by: largest activity that can be given" in done.stdout
    assert "limit of kidney: 40 Gy (BED), given by the user" in done.stdout and "half the uncertainty of kidney 40 Gy BED" in done.stdout


def test_doubling_a_limit_of_absorbed_dose_doubles_the_activity(patient: Path) -> None:
    one, two = (planned(patient, "--limits", f"kidneys={x} Gy", *SMALL, "--cycles-max", "1")["plan"]["activity_Bq"] for x in (5, 10))
    assert two == pytest.approx(2 * one, rel=1e-9)


def test_alphas_need_named_rbe_and_stand_apart(patient: Path) -> None:
    assert "Name the RBE" in refused(patient, *KIDNEY, *SMALL, "--nuclides", "Lu-177,Ac-225")
    r = planned(patient, *KIDNEY, *SMALL, "--nuclides", "Ac-225", "--organ-rbe", "deterministic-5", "--tumour-rbe", "PC3-PIP-Ruigrok-2022")
    kidney = next(x for x in r["plan"]["regions"] if x["region"] == "kidney")
    assert kidney["absorbed_Gy"] == pytest.approx(kidney["alpha_Gy"] + kidney["low_LET_Gy"], rel=0.01) and kidney["alpha_Gy"] > 20 * kidney["low_LET_Gy"]
    assert kidney["weighted_Sv_RBE"] == pytest.approx(5 * kidney["alpha_Gy"] + kidney["low_LET_Gy"], rel=0.01)
    assert r["rbe"] == {"organ": "deterministic-5", "tumour": "PC3-PIP-Ruigrok-2022"}
    assert [b["name"] for b in r["baselines"]] == ["10 MBq for 6 cycles", "100 kBq/kg for 6 cycles"] and r["baselines"][1]["activity_Bq"] == pytest.approx(8.2e6)


def test_a_given_cycle_leaves_less_and_narrows_the_draws(patient: Path) -> None:
    given = patient.parent / "given.toml"
    given.write_text(re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0])
    before, after = planned(patient, *KIDNEY, *SMALL, "--cycles-max", "1"), planned(patient, *KIDNEY, *SMALL, "--cycles-max", "1", "--given", str(given))
    width = [(lambda x: x["low_LET_Gy_5_95"][1] / x["low_LET_Gy_5_95"][0])(next(x for x in r["plan"]["regions"] if x["region"] == "kidney")) for r in (before, after)]
    assert width[1] < 0.7 * width[0]
    used = next(x for x in after["given"]["used"] if x["region"] == "kidney")
    assert used["used_Gy"] == pytest.approx(5.5 * (1 + 0.08 * 5.5 / 2.6), rel=0.08) and after["given"]["effective_draws"] > 100
    assert after["baselines"][0]["name"] == "7.4 GBq for 5 cycles"
    given.write_text(given.read_text().replace('"5.5 Gy"', '"0.1 GBq"'))
    assert "given.toml" in refused_after(patient, given)


def test_six_cycles_in_all_are_planned_unless_more_are_asked_for(patient: Path) -> None:
    given = patient.parent / "given.toml"
    given.write_text('schema = "lutetia-given/1"\n' + '[[cycle]]\nactivity = "3 GBq"\nligand = "57 nmol"\n' * 5)
    r = planned(patient, *KIDNEY, "--draws", "60", "--ligands", "57 nmol", "--given", str(given))
    assert {o["cycles"] for o in r["options"]} == {1} and len(r["given"]["cycles"]) == 5


def test_an_alpha_cycle_that_was_given_needs_its_rbe_too(patient: Path) -> None:
    given = patient.parent / "given.toml"
    given.write_text('schema = "lutetia-given/1"\n[[cycle]]\nactivity = "7.4 GBq"\nligand = "57 nmol"\n[[cycle]]\nactivity = "8 MBq"\nligand = "57 nmol"\nnuclide = "Ac-225"\n')
    assert "Ac-225 emits alphas" in refused_after(patient, given)
    r = planned(patient, *KIDNEY, *SMALL, "--given", str(given), "--organ-rbe", "deterministic-5", "--tumour-rbe", "PC3-PIP-Ruigrok-2022")
    assert r["plan"]["nuclide"] == "Lu-177" and r["given"]["effective_draws"] is None and any("no dose of the given cycles" in a for a in r["assumptions"])


def refused_after(patient: Path, given: Path) -> str:
    error = run(patient, *KIDNEY, *SMALL, "--given", str(given)).exception
    assert isinstance(error, LutetiaError)
    return str(error)


def test_a_scan_decides_the_activity(tmp_path: Path) -> None:
    """Twice the kidney uptake in the PET, much less activity in the plan; the folder of a forecast gives the same as its case."""
    found = []
    for kidney in (4, 8):
        (tmp_path / "pet.toml").write_text(PET.replace("{kidney}", str(kidney)))
        found.append(planned(tmp_path / "pet.toml", *KIDNEY, *SMALL, "--cycles-max", "1", "--beyond-studied"))
    assert found[0]["who"]["kind"] == "diagnostic case" and found[1]["plan"]["activity_Bq"] < 0.75 * found[0]["plan"]["activity_Bq"]
    done = CliRunner().invoke(app, ["predict", str(tmp_path / "pet.toml"), "--agent", "177Lu-PSMA-617", "--out", str(tmp_path / "forecast")])
    assert done.exit_code == 0, done.exception
    r = planned(tmp_path / "forecast", *KIDNEY, *SMALL, "--cycles-max", "1", "--beyond-studied")
    assert r["who"]["kind"] == "forecast" and r["plan"]["activity_Bq"] == pytest.approx(found[1]["plan"]["activity_Bq"], rel=1e-12)
    assert "another ligand" in str(run(tmp_path / "forecast", *KIDNEY, *SMALL, agent="177Lu-PSMA-I&T").exception)


SPECT = PET.replace('"pet"', '"cycle 1"').replace("Ga-68", "Lu-177").replace("68Ga", "177Lu").replace("150 MBq", "7.4 GBq").replace("3 nmol", "57 nmol").replace("03-04", "03-18")
SPECT = re.sub(r"(weight|height|gfr) = .*\n", "", SPECT).replace('"1 h"', '"24 h", "72 h", "168 h"')


def test_after_a_measured_cycle_the_rest_is_planned_from_the_forecast(tmp_path: Path) -> None:
    """The cycle that the forecast was made with counts as given without being told again, and kidneys known better allow more at the same risk."""
    (tmp_path / "pet.toml").write_text(PET.replace("{kidney}", "5"))
    (tmp_path / "cycle1.toml").write_text(SPECT.replace('"{kidney} MBq"', '"136 MBq", "53 MBq", "8 MBq"').replace('"1.2 MBq"', '"60 MBq", "32 MBq", "9 MBq"'))
    command = ["predict", str(tmp_path / "pet.toml"), "--agent", "177Lu-PSMA-617", "--therapy", str(tmp_path / "cycle1.toml"), "--nuclide", "Tb-161", "--ligand", "57 nmol", "--out", str(tmp_path / "forecast")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.exception
    r = planned(tmp_path / "forecast", *KIDNEY, *SMALL)
    assert [(c["nuclide"], c["activity_Bq"], c["ligand_nmol"]) for c in r["given"]["cycles"]] == [("Lu-177", 7.4e9, 57.0)] and r["given"]["effective_draws"] is None
    used = next(x for x in r["given"]["used"] if x["region"] == "kidney")
    seen = json.loads((tmp_path / "forecast" / "result.json").read_text())["cycles"][0]["doses"]
    dose = 7.4 * next(x for x in seen if x["region"] == "kidney")["dose_Gy_per_GBq"]
    assert used["used_Gy"] == pytest.approx(dose * (1 + 0.07 * dose / 2.6), rel=0.06)
    assert any("count as given" in x or "counts as given" in x for x in r["assumptions"])
    width = r["plan"]["constraints"][0]["reached_Gy_5_95"]
    assert width[1] / width[0] < 1.6
    other = tmp_path / "given.toml"
    other.write_text('schema = "lutetia-given/1"\n[[cycle]]\nactivity = "6 GBq"\nligand = "57 nmol"\n')
    error = run(tmp_path / "forecast", *KIDNEY, *SMALL, "--given", str(other)).exception
    assert isinstance(error, LutetiaError) and "not the 1 that the forecast was made with" in str(error)


def test_a_sequence_of_two_nuclides_is_planned_and_printed_cycle_by_cycle(patient: Path) -> None:
    rbe = ("--organ-rbe", "deterministic-5", "--tumour-rbe", "PC3-PIP-Ruigrok-2022")
    r = planned(patient, *KIDNEY, *SMALL, "--nuclides", "Lu-177,Ac-225", "--max-activity", "Lu-177=3 GBq,Ac-225=8 MBq", *rbe)
    courses = {tuple(c["nuclide"] for c in o["schedule"]) for o in r["options"]}
    assert courses >= {("Lu-177", "Ac-225"), ("Ac-225", "Lu-177"), ("Lu-177", "Lu-177"), ("Ac-225", "Ac-225")}
    for o in r["options"]:
        assert all(c["activity_Bq"] <= {"Lu-177": 3e9, "Ac-225": 8e6}[c["nuclide"]] * (1 + 1e-9) for c in o["schedule"])
        assert o["activity_Bq"] is None if len({(c["nuclide"], c["activity_Bq"]) for c in o["schedule"]}) > 1 else o["activity_Bq"] == o["schedule"][0]["activity_Bq"]
    assert [c["day"] for c in r["plan"]["schedule"]] == [0, 42][: r["plan"]["cycles"]]
    assert r["supply"]["largest_Bq"] == {"Lu-177": 3e9, "Ac-225": 8e6}
    page = (patient.parent / "out" / "report.html").read_text("utf-8")
    assert page.count("<svg") + page.count("data:image/svg+xml") == 1 and "http" not in page.replace("http-equiv", "").split("<section>")[0]
    for c in r["plan"]["schedule"]:
        assert f">{c['nuclide']}</td>" in page and show(c["activity_Bq"], "Bq") in page
    assert "PC3-PIP-Ruigrok-2022" in page and "Weighted" in page and "Not a medical device" in page
    text = run(patient, *KIDNEY, *SMALL, "--nuclides", "Lu-177,Ac-225", "--max-activity", "Lu-177=3 GBq,Ac-225=8 MBq", *rbe).stdout
    assert "MBq of Lu-177, then 1 x" in text or "MBq of Ac-225, then 1 x" in text


def test_an_injection_beyond_those_studied_must_be_asked_for(patient: Path) -> None:
    kept, beyond = (planned(patient, "--limits", "kidneys=80 Gy BED", *SMALL, "--cycles-max", "1", *more) for more in ((), ("--beyond-studied",)))
    assert kept["plan"]["activity_Bq"] == 9.3e9 and kept["plan"]["active"] == "largest injection that was studied" and "Rathke" in kept["studied"]["Lu-177"]["source"]
    assert beyond["plan"]["activity_Bq"] > 9.3e9 and any("more than the largest studied (9300 MBq" in x for x in beyond["warnings"]) and not kept["warnings"]
    tb = planned(patient, *KIDNEY, *SMALL, "--nuclides", "Tb-161")
    assert tb["studied"] == {} and any("no study of an injection of Tb-161" in x for x in tb["warnings"])
    done = run(patient, *KIDNEY, *SMALL, "--nuclides", "Tb-161")
    assert "warning: no study of an injection of Tb-161" in done.stderr and "no study of an injection of Tb-161" in (patient.parent / "out" / "report.html").read_text("utf-8")
    lent = CliRunner().invoke(app, ["plan", str(patient), "--agent", "177Lu-JH02", "--class-prior", "--out", str(patient.parent / "out"), *KIDNEY, *SMALL, "--json"])
    assert json.loads(lent.stdout)["studied"]["Lu-177"]["activity_Bq"] == 9.3e9  # of the ligand whose kinetics stand in


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((), 2, "nothing bounds the plan"),
        (("--limits", "kidneys=40"), 2, "without a unit"),
        (("--limits", "kidneys"), 2, "NAME=VALUE"),
        (("--limits", "lens=10 Gy"), 2, "gives no dose"),
        (("--limits", "parotid=20 Gy BED"), 2, "no alpha/beta"),
        (("--limits", "lacrimal=parotid-25-QUANTEC"), 2, "no published limit could be found"),
        (("--limits", "kidney=23 Gy,kidneys=40 Gy BED"), 2, "limited twice"),
        (("--limits", "kidneys=2 Gy BED", "--min-activity", "7 GBq"), 1, "contradicts kidney 2 Gy BED"),
        ((*KIDNEY, "--min-activity", "7 GBq", "--max-activity", "3 GBq"), 2, "above the largest"),
        ((*KIDNEY, "--max-ligand", "1 nmol"), 2, "below every amount"),
        ((*KIDNEY, "--risk", "0.001"), 2, "--draws"),
        ((*KIDNEY, "--risk", "0"), 2, "between 0 and 1"),
        ((*KIDNEY, "--interval", "3 d"), 2, "21 to 365 days"),
        ((*KIDNEY, "--cycles-max", "9"), 2, "published for 1 to 7; give fewer, or 'none' for the change of uptake"),
        ((*KIDNEY, "--max-activity", "Ac-225=8 MBq"), 2, "Ac-225 is not among the nuclides to choose from (Lu-177)"),
        ((*KIDNEY, "--uptake-change", "some"), 2, "'published' or 'none'"),
        ((*KIDNEY, "--invisible", "number=5"), 2, "none of which has a default"),
        ((*KIDNEY, "--nuclides", "Xx-1"), 2, "Xx-1"),
        ((*KIDNEY, "--max-activity", "Lu-177=9 GBq,177Lu=8 GBq"), 2, "stands there twice"),
        ((*KIDNEY, "--max-activity", "Lu-177=9"), 2, "without a unit"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_a_sentence(patient: Path, args: tuple[str, ...], code: int, says: str) -> None:
    assert says in refused(patient, *SMALL, *args, code=code)


def test_agents_and_patients_that_cannot_be_planned_for(patient: Path) -> None:
    assert "population model alone" in refused(patient, *KIDNEY, *SMALL, agent="177Lu-DOTATATE")
    patient.write_text(PATIENT.split("[[tumour]]")[0])
    assert "no tumour" in refused(patient, *KIDNEY, *SMALL)
