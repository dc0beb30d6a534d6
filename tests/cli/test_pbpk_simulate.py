"""`lutetia simulate` as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lutetia.chain.binding_file import (
    AlbuminPart,
    BindingFile,
    CovalentPart,
    DualPart,
    LargePart,
)
from lutetia.chain.patient_file import PatientFile, TumourPart, load_patient
from lutetia.cli.app import app
from lutetia.core import LutetiaError
from lutetia.kinetics.pbpk import Covalent, Patient, parameter_set, simulate_pbpk

PAGE = Path(__file__).resolve().parents[2] / "docs" / "pbpk.md"
ASK = ("--activity", "7.4 GBq", "--ligand", "57 nmol")
BLOCKS = {schema: block for block in re.findall(r"```toml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) for schema in re.findall(r'schema = "(.*?)"', block)}
PATIENT = BLOCKS["lutetia-patient/1"]


def run(*args: str):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(app, ["simulate", *args])


def asked(*args: str) -> dict:
    done = run(*args, "--json")
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def refused(*args: str) -> str:
    error = run(*args).exception
    assert isinstance(error, LutetiaError) and error.exit_code == 2
    return str(error)


def regions(r: dict) -> dict[str, dict]:
    return {x["region"]: x for x in r["regions"]}


def test_one_patient_has_every_key_and_the_dose_of_the_page() -> None:
    r = asked("177Lu-PSMA-617", *ASK)
    text = PAGE.read_text("utf-8")
    keys = {*r, *r["regions"][0], *r["kinetics"], *r["receptor_occupancy"]}
    assert not [k for k in keys if f"`{k}`" not in text]
    assert r["hot_nmol"] == pytest.approx(10.18, rel=1e-3) and r["kinetics"]["name"] == "PSMA-617-three-anchors"
    assert r["urine_fraction_24h"] == pytest.approx(0.565, abs=0.002)
    curve = r["receptor_occupancy"]["regions"]["kidney"]["median"]
    assert len(curve) == len(r["receptor_occupancy"]["time_h"]) and max(curve) <= regions(r)["kidney"]["peak_occupancy"] * 1.0001
    assert regions(r)["blood"]["dose_Gy_per_GBq"] is None and regions(r)["muscle"]["peak_occupancy"] is None


def test_the_table_of_sets_on_the_page_is_what_comes_out() -> None:
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in PAGE.read_text("utf-8").splitlines() if line.startswith(("| `PSMA-", "| `DCFPyL-"))]
    assert len(rows) == 5
    for name, ligand, _, *numbers, urine in rows:
        agent = {"PSMA-I&T": "177Lu-PSMA-I&T", "PSMA-617": "177Lu-PSMA-617"}.get(ligand.split(" ")[0])
        if agent is None:
            continue  # 177Lu on an imaging agent is in no library
        r = asked(agent, *ASK, "--kinetics", name.strip("`"))
        found = [regions(r)[x]["dose_Gy_per_GBq"] for x in ("kidney", "parotid", "tumour 1")] + [100 * r["urine_fraction_24h"]]
        assert found == pytest.approx([float(x) for x in [*numbers, urine.removesuffix(" %")]], rel=0.006), name


def test_another_nuclide_keeps_the_kinetics_and_alphas_stand_apart() -> None:
    lu, ac = asked("177Lu-PSMA-617", *ASK), asked("225Ac-PSMA-617", "--activity", "10 MBq", "--ligand", "57 nmol")
    assert ac["urine_fraction_24h"] == lu["urine_fraction_24h"]
    assert regions(ac)["kidney"]["tiac_h"] > regions(lu)["kidney"]["tiac_h"]  # 10 d against 6.6 d
    parts = regions(ac)["kidney"]["dose_by_radiation_Gy_per_GBq"]
    assert parts["alpha"] > 20 * parts["electron"]
    assert sum(parts.values()) == pytest.approx(regions(ac)["kidney"]["dose_Gy_per_GBq"])


def test_a_population_gives_medians_and_ranges_and_repeats() -> None:
    first, again, other = (asked("177Lu-PSMA-617", *ASK, "--population", "60", "--seed", s) for s in ("1", "1", "2"))
    assert first == again != other
    for x in first["regions"]:
        low, high = x["tiac_h_5_95"]
        assert low < x["tiac_h"] < high
    assert set(first["receptor_occupancy"]["regions"]["kidney"]) == {"median", "p5", "p95"}
    text = PAGE.read_text("utf-8")
    assert not [k for k in {*first, *regions(first)["kidney"]} if f"`{k}`" not in text]


def test_the_patient_file_of_the_page_is_read_key_by_key(tmp_path: Path) -> None:
    path = tmp_path / "patient.toml"
    path.write_text(PATIENT)
    r = asked("177Lu-PSMA-617", *ASK, "--patient", str(path))
    found = regions(r)
    assert found["kidney"]["mass_kg"] == pytest.approx(0.32) and found["bone metastases"]["mass_kg"] == pytest.approx(0.216)
    assert "tumour 1" not in found and found["parotid"]["tiac_h"] > regions(asked("177Lu-PSMA-617", *ASK))["parotid"]["tiac_h"]
    text = PAGE.read_text("utf-8")
    keys = {k for m in (PatientFile, TumourPart) for k in m.model_fields} - {"sha256"}
    assert not [k for k in keys if f"`{k}`" not in text]
    assert load_patient(path).haematocrit == 0.4


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [
        ('weight = "82 kg"', "weight = 82", "weight"),
        ('weight = "82 kg"', 'weight = "82 g"', "weight"),
        ('height = "176 cm"', 'height = "176 cm"\nbody_surface = "1.9 m^2"', "exactly one"),
        ('gfr = "90 mL/min"', 'gfr = "90 mL"', "gfr"),
        ('gfr = "90 mL/min"', 'gfr_ = "90 mL/min"', "gfr"),
        ('receptors = "80 nmol/L"', 'receptors = "-80 nmol/L"', "receptors"),
        ('receptors = "80 nmol/L"', 'receptors = "0 nmol/L"', "receptors"),
        ('name = "bone metastases"', 'name = "node"', "name of its own"),
        ('name = "bone metastases"', 'name = "liver"', "organ"),
        ('kidney = "320 mL"', 'kidny = "320 mL"', "volumes"),
        ("lutetia-patient/1", "lutetia-case/1", "schema"),
    ],
)
def test_faults_of_a_patient_file_are_named(was: str, becomes: str, words: str, tmp_path: Path) -> None:
    assert was in PATIENT
    (tmp_path / "p.toml").write_text(PATIENT.replace(was, becomes))
    assert words in refused("177Lu-PSMA-617", *ASK, "--patient", str(tmp_path / "p.toml"))


def test_an_activity_that_the_ligand_cannot_carry_is_refused() -> None:
    said = refused("177Lu-PSMA-617", "--activity", "7.4 GBq", "--ligand", "9 nmol")
    assert "10.18 nmol" in said and "727 MBq/nmol" in said


def test_an_agent_without_kinetics_is_refused_with_its_class_prior() -> None:
    said = refused("177Lu-JH02", *ASK)
    assert "No public kinetics" in said and "177Lu-PSMA-617" in said and "--class-prior" in said
    r = asked("177Lu-JH02", *ASK, "--class-prior")
    assert "stand in" in r["assumptions"][0]
    assert "--class-prior" not in refused("177Lu-BRP-010", *ASK, "--class-prior")


def test_what_is_missing_or_of_another_ligand_is_said() -> None:
    assert "--ligand" in refused("177Lu-PSMA-617", "--activity", "7.4 GBq")
    assert "another ligand" in refused("177Lu-PSMA-617", *ASK, "--kinetics", "DCFPyL-Amsterdam")
    assert "choose from" in refused("177Lu-PSMA-617", *ASK, "--kinetics", "PSMA-618-KD1")
    assert "--activity" in refused("177Lu-PSMA-617", "--activity", "7.4", "--ligand", "57 nmol")


def test_a_population_model_gives_its_published_integrals() -> None:
    """Siebinga 2023 (doi:10.1002/psp4.12914): kidney 1.545 h, tumour 0.0610 h; no masses, no receptors."""
    r = asked("177Lu-PSMA-617", "--activity", "7.4 GBq", "--kinetics", "PSMA-617-Siebinga-2023")
    found = regions(r)
    assert found["kidneys"]["tiac_h"] == pytest.approx(1.545, rel=1e-3) and found["tumours"]["tiac_h"] == pytest.approx(0.0610, rel=1e-3)
    assert r["receptor_occupancy"] is None and found["kidneys"]["dose_Gy_per_GBq"] is None
    sstr = asked("177Lu-HA-DOTATATE", "--activity", "7.3 GBq", "--ligand", "93 nmol", "--population", "20")
    assert sstr["kinetics"]["kind"] == "population model" and "tiac_h_5_95" in sstr["regions"][0]


def test_text_names_the_set_and_its_assumptions() -> None:
    done = run("177Lu-PSMA-617", *ASK)
    assert done.exit_code == 0 and "kidney" in done.stdout and "three values fitted" in done.stdout and "assumed:" in done.stdout
    assert "no mean of a cohort" in done.stdout


# several injections


def test_several_injections_of_little_ligand_are_one_injection_again() -> None:
    """With next to no ligand nothing saturates: each injection is the first one again, whatever lies before it."""
    r = asked("177Lu-PSMA-617", "--activity", "1 MBq", "--ligand", "0.002 nmol", "--cycles", "3", "--interval", "60 d", "--uptake-change", "none")
    c = r["course"]
    assert c["uptake_factors"] == [1.0, 1.0, 1.0] and c["activity_Bq"] == 3e6 and [x["day"] for x in c["by_cycle"]] == [0, 60, 120]
    for x in c["regions"]:
        one = regions(r)[x["region"]]["dose_Gy_per_GBq"]
        assert x["dose_Gy"] == pytest.approx(3 * 1e-3 * one, rel=2e-4)
        assert regions(c["by_cycle"][2])[x["region"]]["dose_Gy_per_GBq"] == pytest.approx(one, rel=2e-4)


def test_ligand_that_is_left_takes_receptors_and_lower_uptake_leaves_more_to_organs() -> None:
    near, far = (asked("177Lu-PSMA-617", *ASK, "--cycles", "2", "--interval", d, "--uptake-change", "none")["course"]["by_cycle"] for d in ("1 d", "60 d"))
    assert near[0]["left_nmol"] == 0 and near[1]["left_nmol"] > 5 > 0.1 > far[1]["left_nmol"]
    assert regions(near[1])["kidney"]["dose_Gy_per_GBq"] < 0.99 * regions(far[1])["kidney"]["dose_Gy_per_GBq"]  # fewer receptors are free
    r = asked("177Lu-PSMA-617", *ASK, "--cycles", "4")
    first, last = (regions(r["course"]["by_cycle"][i]) for i in (0, 3))
    assert last["kidney"]["dose_Gy_per_GBq"] > 1.05 * first["kidney"]["dose_Gy_per_GBq"] and last["tumour 1"]["dose_Gy_per_GBq"] < 0.6 * first["tumour 1"]["dose_Gy_per_GBq"]
    assert r["course"]["uptake_factors"] == [1.0, 0.731, 0.498, 0.436] and any("PSMA-I&T" in a for a in r["assumptions"])
    total = {x["region"]: x["dose_Gy"] for x in r["course"]["regions"]}
    assert total["kidney"] == pytest.approx(7.4 * sum(regions(c)["kidney"]["dose_Gy_per_GBq"] for c in r["course"]["by_cycle"]), rel=1e-9)
    rows = re.findall(r"\| (kidney|parotid|tumour of 20 mL) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|", PAGE.read_text("utf-8"))
    assert len(rows) == 3
    for name, *shown in rows:
        region = "tumour 1" if name.startswith("tumour") else name
        found = [*(regions(c)[region]["dose_Gy_per_GBq"] for c in r["course"]["by_cycle"]), total[region]]
        assert [float(x) for x in shown] == pytest.approx(found, rel=0.006)


def test_a_population_has_its_course_and_every_key_is_on_the_page() -> None:
    r = asked("225Ac-PSMA-617", "--activity", "8 MBq", "--ligand", "57 nmol", "--cycles", "2", "--population", "30")
    c, text = r["course"], PAGE.read_text("utf-8")
    low, high = next(x for x in c["regions"] if x["region"] == "kidney")["dose_Gy_5_95"]
    assert low < next(x for x in c["regions"] if x["region"] == "kidney")["dose_Gy"] < high
    keys = {*c, *c["by_cycle"][0], *c["by_cycle"][0]["regions"][0], *c["regions"][0], *r["progeny"]}
    assert not [k for k in keys if f"`{k}`" not in text and f"`{k.removesuffix('_5_95')}`" not in text]
    done = run("225Ac-PSMA-617", "--activity", "8 MBq", "--ligand", "57 nmol", "--cycles", "2")
    assert "2 injections, 42 d apart" in done.stdout and "day 42" in done.stdout and "progeny: with-parent" in done.stdout


# daughters

AC = ("225Ac-PSMA-617", "--activity", "8 MBq", "--ligand", "57 nmol")


def test_daughters_that_leave_a_tumour_dose_the_kidney_and_no_atom_is_lost(tmp_path: Path) -> None:
    (tmp_path / "fates.toml").write_text(BLOCKS["lutetia-fates/1"])
    stay, go = asked(*AC), asked(*AC, "--fates", str(tmp_path / "fates.toml"))
    assert go["progeny"]["fates"] == "own" and stay["progeny"]["fates"] == "with-parent"
    assert sum(go["progeny"]["energy_share"].values()) == pytest.approx(1.0, rel=1e-12)
    a, b = regions(stay), regions(go)
    tumour, was = b["tumour 1"]["dose_by_nuclide_Gy_per_GBq"], a["tumour 1"]["dose_by_nuclide_Gy_per_GBq"]
    assert tumour["Po-213"] == pytest.approx(0.5 * was["Po-213"], rel=1e-9) and tumour["Fr-221"] == pytest.approx(was["Fr-221"], rel=1e-12)
    # of the tumour's decays half of 213Bi leaves, 0.6 of it to the kidney, whose own stay: decays add as TIAC do
    more = 0.3 * a["tumour 1"]["tiac_h"] / a["kidney"]["tiac_h"]
    assert b["kidney"]["dose_by_nuclide_Gy_per_GBq"]["Po-213"] == pytest.approx((1 + more) * a["kidney"]["dose_by_nuclide_Gy_per_GBq"]["Po-213"], rel=1e-9)
    assert b["parotid"]["dose_Gy_per_GBq"] == pytest.approx(a["parotid"]["dose_Gy_per_GBq"], rel=1e-12)
    assert sum(was.values()) == pytest.approx(a["tumour 1"]["dose_Gy_per_GBq"], rel=1e-12)
    assert regions(asked("177Lu-PSMA-617", *ASK))["kidney"]["dose_by_nuclide_Gy_per_GBq"] is None


def test_a_preset_is_kept_to_what_its_source_speaks_of(tmp_path: Path) -> None:
    r = asked(*AC, "--fates", "internalised-small-molecule")
    assert "five patients with 225Ac-PSMA-I&T" in r["progeny"]["note"] and regions(r)["kidney"]["dose_Gy_per_GBq"] == pytest.approx(regions(asked(*AC))["kidney"]["dose_Gy_per_GBq"], rel=1e-12)
    assert "no published fate for region" in refused(*AC, "--fates", "antibody-in-circulation")
    assert "only for Ac-225" in refused("177Lu-PSMA-617", *ASK, "--fates", "internalised-small-molecule")
    assert "Did you mean internalised-small-molecule" in refused(*AC, "--fates", "internalised-small-molecul")
    assert "no.toml" in refused(*AC, "--fates", str(tmp_path / "no.toml"))
    (tmp_path / "f.toml").write_text('schema = "lutetia-fates/1"\n[retained."tumour 9"]\nBi-213 = 0.5\n')
    assert "there is no region 'tumour 9' here" in refused(*AC, "--fates", str(tmp_path / "f.toml"))


def test_a_tumour_is_not_called_what_a_place_of_progeny_is_called(tmp_path: Path) -> None:
    for name in ("body", "excreted"):
        (tmp_path / "p.toml").write_text(PATIENT.replace('"node"', f'"{name}"'))
        assert f"A tumour is named '{name}'" in refused(*AC, "--patient", str(tmp_path / "p.toml"))


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--cycles", "0"), "give 1 to 20"),
        (("--cycles", "9"), "published for 1 to 7; give fewer, or 'none' for the change of uptake"),
        (("--cycles", "2", "--interval", "6"), "without a unit"),
        (("--cycles", "2", "--interval", "1 h"), "0.1 to 3650 days"),
        (("--cycles", "2", "--uptake-change", "some"), "'published' or 'none'"),
        (("--cycles", "2", "--kinetics", "PSMA-617-Siebinga-2023"), "leave --cycles out"),
        (("--fates", "with-parent", "--kinetics", "PSMA-617-Siebinga-2023"), "leave --fates out"),
    ],
)
def test_a_course_that_cannot_be_is_refused(args: tuple[str, ...], says: str) -> None:
    assert says in refused("177Lu-PSMA-617", *ASK, *args)


# molecules of other kinds


def bound(tmp_path: Path, text: str, *args: str) -> dict:
    (tmp_path / "b.toml").write_text('schema = "lutetia-binding/1"\n' + text)
    return asked("177Lu-PSMA-617", *ASK, "--binding", str(tmp_path / "b.toml"), *args)


def test_the_binding_file_of_the_page_is_read_key_by_key(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(BLOCKS["lutetia-binding/1"])
    r = asked("177Lu-PSMA-617", *ASK, "--binding", str(tmp_path / "b.toml"))
    assert any("given by the user in the binding file, not by the parameter set: kd, albumin, covalent" in a for a in r["assumptions"]) and len(r["binding_file_sha256"]) == 64
    text = PAGE.read_text("utf-8")
    keys = {k for m in (BindingFile, AlbuminPart, CovalentPart, DualPart, LargePart) for k in m.model_fields} - {"sha256"}
    assert not [k for k in keys if f"`{k}`" not in text]


def test_what_a_file_changes_is_what_python_changes(tmp_path: Path) -> None:
    plain = regions(asked("177Lu-PSMA-617", *ASK))
    p = parameter_set("PSMA-617-three-anchors")
    same = regions(bound(tmp_path, f'kon = "{p["kon"]} L/nmol/min"\nkd = "{p["koff"] / p["kon"]} nmol/L"\n'))
    assert same["kidney"]["tiac_h"] == pytest.approx(plain["kidney"]["tiac_h"], rel=1e-9)
    found = regions(bound(tmp_path, '[covalent]\nk_inact = "0.6 /h"\nturnover = "0.001 /min"\n'))
    wanted = simulate_pbpk(Patient(), p, 57.0, binding=Covalent(0.01, 0.001)).tiac_h["Lu-177"]
    assert found["tumour 1"]["tiac_h"] == pytest.approx(float(wanted["tumour 1"][0]), rel=1e-12)
    none = regions(bound(tmp_path, '[covalent]\nk_inact = "0 /min"\nturnover = "0.001 /min"\n'))
    assert none["kidney"]["tiac_h"] == pytest.approx(plain["kidney"]["tiac_h"], rel=1e-5)
    (tmp_path / "p.toml").write_text(PATIENT)  # its tumours are called otherwise, and are tumours
    dual = '[dual]\nkon = "0.046 L/nmol/min"\nkd = "10 nmol/L"\neffective_molarity = "100 nmol/L"\nsecond_per_first = { tumour = 1.0 }\n'
    one, two = (regions(x) for x in (asked("177Lu-PSMA-617", *ASK, "--patient", str(tmp_path / "p.toml")), bound(tmp_path, dual, "--patient", str(tmp_path / "p.toml"))))
    assert two["node"]["tiac_h"] > 1.2 * one["node"]["tiac_h"] and two["kidney"]["tiac_h"] < one["kidney"]["tiac_h"]
    looser = [regions(bound(tmp_path, f'kd = "{k} nmol/L"\n'))["tumour 1"]["tiac_h"] for k in (0.1, 10, 1000)]
    assert looser[0] > looser[1] > looser[2]


def test_an_antibody_and_albumin_hold_in_populations_and_courses_too(tmp_path: Path) -> None:
    r = bound(tmp_path, '[large_molecule]\nlike = "gevokizumab"\ntumour_permeability = "0.001 mL/min/g"\n', "--population", "20", "--cycles", "2", "--interval", "14 d")
    assert r["urine_fraction_24h"] == 0 and r["course"]["by_cycle"][1]["left_nmol"] > 5 and any("Cao" in a for a in r["assumptions"])
    assert regions(r)["kidney"]["peak_occupancy"] == 0
    free, held = (regions(bound(tmp_path, f'[albumin]\non = "{on} /min"\noff = "1 /min"\n')) for on in (0, 9))
    assert held["blood"]["tiac_h"] > 3 * free["blood"]["tiac_h"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('kd = "0.5"\n', "without a unit"),
        ('kd = "-1 nmol/L"\n', "not between"),
        ('kon = "0 L/nmol/min"\n', "above zero"),
        ('koff = "1 /min"\n', "koff"),
        ('unbound_fraction = 0\n', "unbound_fraction"),
        ('unbound_fraction = 0.5\n[albumin]\non = "1 /min"\noff = "1 /min"\n', "exclude one another"),
        ('[albumin]\non = "1 /min"\noff = "0 /min"\n', "above zero off"),
        ('[large_molecule]\nclearance = "0.01 L/h"\n', "sigma_tight"),
        ('[large_molecule]\nlike = "gevokizumap"\n', "Did you mean gevokizumab"),
        ('[dual]\nkon = "1 L/nmol/min"\nkd = "1 nmol/L"\neffective_molarity = "1 nmol/L"\nsecond_per_first = { tumor = 1.0 }\n', "no region 'tumor'"),
        ('[covalent]\nk_inact = "1 /min"\nturnover = "1 /min"\n[dual]\nkon = "1 L/nmol/min"\nkd = "1 nmol/L"\neffective_molarity = "1 nmol/L"\nsecond_per_first = { tumour = 1.0 }\n', "cannot be given together"),
    ],
)  # fmt: skip
def test_faults_of_a_binding_file_are_named(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "b.toml").write_text('schema = "lutetia-binding/1"\n' + text)
    assert says in refused("177Lu-PSMA-617", *ASK, "--binding", str(tmp_path / "b.toml"))


def test_a_population_model_has_no_binding(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text('schema = "lutetia-binding/1"\nkd = "1 nmol/L"\n')
    assert "leave --binding out" in refused("177Lu-PSMA-617", *ASK, "--kinetics", "PSMA-617-Siebinga-2023", "--binding", str(tmp_path / "b.toml"))
