"""`lutetia predict` as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from lutetia.chain.case import Prediction
from lutetia.chain.predict import Forecast, forecast_draws
from lutetia.cli.app import app
from lutetia.core import LutetiaError
from lutetia.kinetics.pbpk import Patient, Tumour, parameter_set, simulate_pbpk
from lutetia.nuclides import nuclide

PAGE = Path(__file__).resolve().parents[2] / "docs" / "predict.md"
EXAMPLE = re.findall(r"```toml\n(schema.*?)```", PAGE.read_text("utf-8"), re.DOTALL)[0]
CASE = EXAMPLE


def cycle_toml(times_h: tuple[float, ...], mean: float = 1.0) -> str:
    """A cycle of 177Lu-PSMA-617 in the typical patient, by the simulation."""
    r = simulate_pbpk(Patient(tumours=(Tumour("lesion 1", 12.0),)), parameter_set("PSMA-617-three-anchors"), 57.09, time_h=times_h)
    left = 7.4e9 / 57.09 * np.exp(-nuclide("Lu-177").decay_constant_per_s * 3600 * np.array(times_h))
    text = 'schema = "lutetia-case/1"\nid = "cycle 1"\nnuclide = "Lu-177"\nagent = "177Lu-PSMA-617"\n[administration]\nactivity = "7.4 GBq"\n[uncertainty]\npoint = "5 %"\n'
    for region, volume in (("kidney", 311), ("lesion 1", 12)):
        a = ", ".join(f'"{mean * x:.0f} Bq"' for x in r.amount_nmol[region][0] * left)
        text += f'[[region]]\nname = "{region}"\nvolume = "{volume} mL"\ndensity = "1 g/mL"\ntimes = [{", ".join(f"{chr(34)}{t:g} h{chr(34)}" for t in times_h)}]\nactivities = [{a}]\n'
    return text


@pytest.fixture
def case(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "case.toml"
    path.write_text(CASE)
    return path


def run(case: Path, *args: str, agent: str = "177Lu-PSMA-617"):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(app, ["predict", str(case), "--agent", agent, "--out", str(case.parents[1] / "out"), *args])


def asked(case: Path, *args: str, agent: str = "177Lu-PSMA-617") -> dict:
    done = run(case, *args, "--json", agent=agent)
    assert done.exit_code == 0, done.exception
    return json.loads(done.stdout)


def refused(case: Path, *args: str, agent: str = "177Lu-PSMA-617") -> str:
    error = run(case, *args, agent=agent).exception
    assert isinstance(error, LutetiaError) and error.exit_code == 2, error
    assert not (case.parents[1] / "out").exists()
    return str(error)


def regions(r: dict) -> dict[str, dict]:
    return {x["region"]: x for x in r["regions"]}


def test_the_example_of_the_page(case: Path) -> None:
    r = asked(case)
    text = PAGE.read_text("utf-8")
    keys = {*r, *r["fit"], *r["parameters"][0], *r["regions"][0], *r["regions"][0]["activity_per_injected"], *r["kinetics"]}
    assert not sorted(k for k in keys if f"`{k}`" not in text)
    shown = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if re.match(r"\| (lesion|kidney|parotid|submand|lacri)", line)]
    shown = [cells for cells in shown if len(cells) == 4]
    assert len(shown) == 5
    for region, seen, dose, population in shown:
        x = regions(r)[region]
        assert seen == (", ".join(x["seen_as"]) or "not seen")
        for key, cell in (("dose_Gy_per_GBq", dose), ("population_dose_Gy_per_GBq", population)):
            assert [x[key], *x[f"{key}_5_95"]] == pytest.approx([float(n) for n in re.findall(r"[\d.]+", cell)], rel=0.02)
    assert (r["activity_Bq"], r["ligand_nmol"]) == (7.4e9, 57.09) and r["fit"]["values"] == 3
    out = case.parents[1] / "out"
    assert json.loads((out / "result.json").read_text()) == r
    assert "Research use" in (out / "report.html").read_text()


def test_bands_are_in_order_and_a_scan_narrows_them(case: Path) -> None:
    for x in asked(case)["regions"]:
        low, high = x["dose_Gy_per_GBq_5_95"]
        assert 0 < low < x["dose_Gy_per_GBq"] < high
        assert x["dose_Gy"] == pytest.approx(7.4 * x["dose_Gy_per_GBq"])
        assert sum(x["dose_by_radiation_Gy_per_GBq"].values()) == pytest.approx(x["dose_Gy_per_GBq"], rel=0.02)
        if x["region"] != "kidney":
            assert np.log(high / low) < np.log(np.divide(*x["population_dose_Gy_per_GBq_5_95"][::-1]))


def test_without_json_a_table_and_the_assumptions(case: Path) -> None:
    done = run(case)
    assert done.exit_code == 0 and "kidney left, kidney right" in done.stdout and "assumed:" in done.stdout and "report.html" in done.stdout


def test_the_draws_make_the_same_patients_again(case: Path) -> None:
    r = asked(case)
    d = json.loads((case.parents[1] / "out" / "draws.json").read_text())
    from lutetia.agents import agent

    p = d["patient"]
    tumours = tuple(Tumour(t["name"], t["volume_mL"], density_g_mL=t["density_g_mL"]) for t in p["tumours"])
    parameters = parameter_set(d["parameters"])
    parameters = parameters.with_values(**{k: v for k, v in d["values"].items() if v is not None})
    f = Forecast(agent(d["agent"]), Patient(p["weight_kg"], p["bsa_m2"], p["haematocrit"], p["gfr_mL_min"], tumours), parameters, tuple(d["factors"]), {k: np.array(v) for k, v in d["factors"].items()}, d["next_scan"])
    dose = forecast_draws(f, 57.09)
    assert {k: float(np.median(v)) for k, v in dose.items()} == pytest.approx({k: x["dose_Gy_per_GBq"] for k, x in regions(r).items()}, rel=1e-6)
    more = forecast_draws(f, 500.0)
    assert np.all(more["kidney"] < dose["kidney"])


def test_another_nuclide_and_more_ligand(case: Path) -> None:
    lu, ac = asked(case), asked(case, "--nuclide", "Ac-225", "--ligand", "57.09 nmol", "--activity", "8 MBq")
    assert ac["agent"] == "225Ac-PSMA-617" and regions(ac)["kidney"]["dose_by_radiation_Gy_per_GBq"]["alpha"] > 0
    assert regions(ac)["kidney"]["dose_Gy_per_GBq"] > 50 * regions(lu)["kidney"]["dose_Gy_per_GBq"]
    much = asked(case, "--ligand", "500 nmol")
    assert all(regions(much)[x]["dose_Gy_per_GBq"] < regions(lu)[x]["dose_Gy_per_GBq"] for x in regions(lu))


def test_a_measured_cycle_updates_and_is_tracked(case: Path) -> None:
    second = case.parent / "cycle.toml"
    second.write_text(cycle_toml((4.0, 24.0, 96.0), mean=1.0))
    alone, both = asked(case), asked(case, "--therapy", str(second))
    (c,) = both["cycles"]
    text = PAGE.read_text("utf-8")
    assert not sorted(k for k in {*c, *c["activities"][0], *c["doses"][0]} if f"`{k}`" not in text)
    assert [a["region"] for a in c["activities"]] == ["kidney"] * 3 + ["lesion 1"] * 3 and all(a["forecast_Bq"] > 0 for a in c["activities"])
    assert both["fit"]["values"] == 9
    # three scans of the typical patient bring the kidney to what was simulated and narrow the band
    width = [np.log(np.divide(*regions(r)["kidney"]["dose_Gy_per_GBq_5_95"][::-1])) for r in (alone, both)]
    assert width[1] < 0.5 * width[0]
    true = simulate_pbpk(Patient(tumours=(Tumour("lesion 1", 12.0),)), parameter_set("PSMA-617-three-anchors"), 57.09).tiac_h["Lu-177"]["kidney"][0]
    assert regions(both)["kidney"]["tiac_h"] == pytest.approx(true, rel=0.06)


def test_the_same_seed_gives_the_same_numbers(case: Path) -> None:
    a, b, c = asked(case), asked(case), asked(case, "--seed", "2")
    assert a["regions"] == b["regions"] and a["regions"] != c["regions"]


def test_the_page_names_every_key_of_the_section() -> None:
    text = PAGE.read_text("utf-8")
    assert not [k for k in Prediction.model_fields if f"`{k}`" not in text]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('ligand = "3 nmol"', "", "amount of ligand of 68Ga-PSMA-617 is not known"),
        ('agent = "68Ga-PSMA-617"', "", "names no agent"),
        ('nuclide = "Ga-68"', 'nuclide = "F-18"', "carries Ga-68"),
        ('agent = "68Ga-PSMA-617"', 'agent = "68Ga-DOTATATE"', "needs a scan with an agent of the therapy's target"),
        ('agent = "68Ga-PSMA-617"', 'agent = "68Ga-PSMA-11"', "Give --class-prior"),
        ('name = "parotids"', 'name = "thyroid"', "knows no region 'thyroid'"),
        ('name = "parotids"', 'name = "parotid left"', "Only one side of the parotid"),
        ('ligand = "3 nmol"', 'ligand = "3 ng"', "prediction.ligand"),
        ('ligand = "3 nmol"', 'lignd = "3 nmol"', "Did you mean"),
        ('ligand = "3 nmol"', 'ligand = "1 pmol"', "give more ligand or less activity"),
        ('weight = "82 kg"', "", "weight needs height"),
        ('times = ["1 h"]', 'times = ["0 h"]', "at the time of the administration"),
        ('[prediction]\n', '[prediction]\nregions = { parotid = "parotid" }\n', "no region of the case"),
    ],
)  # fmt: skip
def test_what_is_refused(case: Path, old: str, new: str, sentence: str) -> None:
    assert old in CASE
    case.write_text(CASE.replace(old, new))
    assert sentence in refused(case)


def test_what_else_is_refused(case: Path) -> None:
    assert "usual amount of ligand of 225Ac-PSMA-617" in refused(case, agent="225Ac-PSMA-617")
    assert "more than the" in refused(case, "--activity", "70 GBq", "--ligand", "50 nmol")
    assert "No whole-body parameter set of PSMA-R2" in refused(case, agent="225Ac-PSMA-R2")
    assert "would hold a case itself" in str(CliRunner().invoke(app, ["predict", str(case), "--agent", "Pluvicto", "--out", str(case.parent)]).exception)
    second = case.parent / "cycle.toml"
    second.write_text(cycle_toml((24.0,)).replace("lesion 1", "lesion 2"))
    assert "'lesion 2' is not in the first case" in refused(case, "--therapy", str(second))
    second.write_text(cycle_toml((24.0,)).replace("177Lu-PSMA-617", "177Lu-PSMA-I&T"))
    assert "cycles of the same ligand" in refused(case, "--therapy", str(second))


def test_a_class_prior_is_said_and_ignored_regions_are_left_out(case: Path) -> None:
    case.write_text(CASE.replace('"68Ga-PSMA-617"', '"68Ga-PSMA-11"').replace("[prediction]\n", '[prediction]\nregions = { parotids = "ignore" }\n'))
    r = asked(case, "--class-prior")
    assert any("stand in for those of PSMA-11" in a for a in r["assumptions"]) and r["fit"]["values"] == 2 and regions(r)["parotid"]["seen_as"] == []


def test_regions_that_tell_nothing_are_named(case: Path) -> None:
    case.write_text(CASE + '[[region]]\nname = "liver"\nvolume = "1800 mL"\ndensity = "1 g/mL"\ntimes = ["1 h"]\nactivities = ["5 MBq"]\n')
    assert any("nothing is inferred from liver" in w for w in asked(case)["warnings"])


def test_an_activity_beyond_the_model_is_warned_of(case: Path) -> None:
    case.write_text(CASE.replace('"0.9 MBq"', '"9 MBq"'))
    r = asked(case)
    assert any("lesion 1" in w and "relative error of the model" in w for w in r["warnings"])
    assert r["fit"]["misfit"]["kidney"] == 0.0


def test_an_organ_that_is_there_twice_is_refused(case: Path) -> None:
    case.write_text(CASE.replace('name = "parotids"', 'name = "kidneys"'))
    assert "count it more than once" in refused(case)


def test_images_are_read_and_the_measured_volumes_taken(tmp_path: Path) -> None:
    """The synthetic images with the therapy's agent: kidneys of the label map become the model's."""
    folder = Path(__file__).resolve().parents[2] / "examples" / "images"
    (tmp_path / "in").mkdir()
    for name in ("spect1", "spect2", "labels"):
        (tmp_path / "in" / f"{name}.nii.gz").write_bytes((folder / f"{name}.nii.gz").read_bytes())
    text = """schema = "lutetia-case/1"
id = "images"
nuclide = "Lu-177"
agent = "177Lu-PSMA-617"
[administration]
activity = "7.4 GBq"
time = "2024-03-04T09:00:00"
[regions]
include = ["tumour 1", "kidney left", "kidney right"]
"""
    labels = 'regions = "labels.nii.gz"\nlabels = {1 = "tumour 1", 2 = "tumour 2", 3 = "tumour 3", 4 = "kidney left", 5 = "kidney right", 6 = "spleen", 7 = "liver"}\n'
    for n, t in ((1, 4), (2, 24)):
        text += f'[[scan]]\nactivity = "spect{n}.nii.gz"\nunit = "Bq/mL"\ntime = "{t} h"\ndecay_corrected_to = "acquisition"\n' + (labels if n == 1 else "")
    path = tmp_path / "in" / "case.toml"
    path.write_text(text)
    r = asked(path)
    import nibabel

    image = nibabel.load(folder / "labels.nii.gz")
    kidneys_kg = np.isin(np.asarray(image.dataobj), (4, 5)).sum() * abs(np.linalg.det(image.affine[:3, :3])) * 1e-6
    assert regions(r)["kidney"]["mass_kg"] == pytest.approx(kidneys_kg, rel=1e-4) and regions(r)["kidney"]["seen_as"] == ["kidney left", "kidney right"]
    assert r["fit"]["values"] == 4 and len(r["provenance"]["inputs"][0]["files"]) == 3


def test_more_activity_than_was_injected_is_refused(case: Path) -> None:
    case.write_text(CASE.replace('"2.6 MBq"', '"160 MBq"'))
    assert "164.1 MBq, more than the 81.16 MBq that are left of the 150 MBq injected" in refused(case)


def test_values_stated_more_exactly_than_the_model_can_follow_count_as_a_misfit(case: Path) -> None:
    """With 0.1 % the steps lead nowhere; the regions that the model reaches keep their weight, the one that it does not is said."""
    case.write_text(CASE.replace('point = "10 %"', 'point = "0.1 %"'))
    r, plain = asked(case), asked_example(case)
    assert any(w.startswith("lesion 1: further from the model") for w in r["warnings"]) and r["fit"]["misfit"]["lesion 1"] > 0.1 and r["fit"]["misfit"]["kidney"] < 0.05
    width, before = ((lambda b: b[1] / b[0])(regions(x)["parotid"]["dose_Gy_per_GBq_5_95"]) for x in (r, plain))
    assert width < before and r["fit"]["chi2"] > 100


def asked_example(case: Path) -> dict:
    case.write_text(CASE)
    return asked(case)


def test_a_scan_that_the_model_cannot_have_is_said_to_say_nothing(case: Path) -> None:
    case.write_text(CASE.replace('"1 h"', '"10 s"'))
    assert any("says next to nothing" in w for w in asked(case)["warnings"])
