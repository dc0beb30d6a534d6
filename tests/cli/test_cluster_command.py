"""`lutetia cluster` as a user types it."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lutetia.cli.app import app

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "crossfire"
SPEC = """schema = "lutetia-cluster/1"
nuclide = "225Ac"
[cluster]
cells = 2000
[cell]
radius = "5 um"
nucleus_radius = "4 um"
[uptake]
positive_fraction = 0.8
decays_per_cell = 2.0
"""


def run(*args: str):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(app, list(args))


def test_json_is_one_object_and_repeats(tmp_path: Path) -> None:
    path = tmp_path / "cluster.toml"
    path.write_text(SPEC)
    first, second, other = (run("cluster", str(path), "--json", "--seed", s).stdout for s in ("1", "1", "2"))
    assert first == second != other
    c = json.loads(first)["cluster"]
    assert c["cells"] == 2000 and c["positive"] == 1600
    dose = c["dose_Gy"]["positive"]
    assert dose["mean"] == pytest.approx(sum(dose[k] for k in ("self_electron", "cross_electron", "self_alpha", "cross_alpha")))
    assert c["dose_Gy"]["negative"]["self_alpha"] == 0 and c["dose_Gy"]["negative"]["cross_alpha"] > 0
    assert 0 < c["fraction_not_hit"]["all"] < 1


def test_the_example_writes_its_table_and_figure(tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run("cluster", str(EXAMPLE), "--out", str(out))
    assert done.exit_code == 0
    assert sorted(p.name for p in out.iterdir()) == ["crossfire.png", "result.json", "sweep.csv"]
    assert (out / "crossfire.png").read_bytes().startswith(b"\x89PNG")
    rows = list(csv.DictReader((out / "sweep.csv").open()))
    assert len(rows) == 4 * 6 * 12
    sweep = json.loads((out / "result.json").read_text())["sweep"]
    organ = {n: a["organ_dose_Gy"] for n, a in sweep["amounts"].items()}
    weighted = {n: 5 * d["alpha"] + d["electron"] + d["photon"] for n, d in organ.items()}
    assert all(w == pytest.approx(weighted["Lu-177"]) for w in weighted.values())  # the rule: equal in the limiting organ
    at = {(r["nuclide"], float(r["positive_fraction"]), float(r["diameter_um"])): float(r["expected_survivors"]) for r in rows}
    assert at["Ac-225", 1.0, 100.0] < at["Lu-177", 1.0, 100.0] and at["Ac-225", 0.1, 5000.0] > at["Lu-177", 0.1, 5000.0]
    turn = next(c for c in sweep["crossover_ranges"] if c["positive_fraction"] == 0.1 and c["pair"] == ["Ac-225", "Lu-177"])
    said = {v["variant"]: v for v in turn["variants"]}
    assert list(said) == ["nominal", "alpha slope - u", "alpha slope + u", "alpha weight 2.7", "alpha weight 15.2"]
    assert all(said[v]["turns"][0]["better_above"] == "Lu-177" for v in ("nominal", "alpha slope - u"))
    assert 1000 < said["alpha slope - u"]["turns"][0]["diameter_um"] < said["nominal"]["turns"][0]["diameter_um"] < 5000
    assert said["alpha weight 2.7"]["ahead_below"] == "Ac-225" and not said["alpha weight 2.7"]["turns"]
    # The convention of alphas in the organ is named wherever it is used.
    assert "RBE 5, deterministic-5" in done.stdout and all(a["convention"] == "deterministic-5" for a in sweep["amounts"].values())
    assert any("alphas count 5 times (the convention deterministic-5" in a for a in json.loads((out / "result.json").read_text())["assumptions"])
    assert run("cluster", str(EXAMPLE), "--out", str(out)).exit_code == 0  # its own folder is replaced
    shutil.copy(EXAMPLE / "cluster.toml", out / "mine.toml")
    assert run("cluster", str(EXAMPLE), "--out", str(out)).exit_code != 0


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('nucleus_radius = "4 um"', 'nucleus_radius = "6 um"', "nucleus"),
        ("positive_fraction = 0.8", "positive_fraction = 1.2", "positive_fraction"),
        ("decays_per_cell = 2.0", "", "exactly one"),
        ("decays_per_cell = 2.0", 'decays_per_cell = 2.0\nlocation = {surface = 0.5}', "1 together"),
        ("decays_per_cell = 2.0", 'activity_per_cell = "2 mGy"', "another kind"),
        ("cells = 2000", "cells = 90000000", "3000000"),
        ("cells = 2000", 'cells = 2000\npitch = "8 um"', "diameter of a cell"),
        ("cells = 2000", 'cells = 2000\nnecrotic_core = "3 mm"', "no living cell"),
        ("cells = 2000", "cels = 2000", "Did you mean cells"),
        ('"225Ac"', '"225Az"', "not one of the 1252"),
        ("[uptake]", '[biology]\nelectrons = "NCI-H69-PRRT-Tamborino-2025"\nrepair_half_life = "1 h"\n[uptake]', "protracted"),
        ("[uptake]", '[biology]\nelectrons = "PC3-PIP-Ac225-Ruigrok-2022"\n[uptake]', "not a source of electrons"),
        ("cells = 2000", 'diameter = "1 um"', "less than one cell"),
        ("[uptake]", '[biology]\nalpha_electron = "0.2 Gy^-1"\nbeta_electron = "0.02 Gy^-2"\n[uptake]', "repair_half_life"),
        ("[uptake]", '[sweep]\ndiameters = ["1 mm"]\npositive_fractions = [0.5]\nnuclides = ["Lu-177"]\nmatch = "organ-limit"\n[uptake]', "sweep.organ"),
    ],
)
def test_bad_input_is_one_sentence(old: str, new: str, said: str, tmp_path: Path) -> None:
    import subprocess
    import sys

    assert old in SPEC
    path = tmp_path / "cluster.toml"
    path.write_text(SPEC.replace(old, new))
    done = subprocess.run([sys.executable, "-m", "lutetia", "cluster", str(path)], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and not done.stdout
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1
