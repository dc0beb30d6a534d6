"""The page of covalent and dual binding says what the program gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lutetia.chain.simulate import run_simulate
from lutetia.kinetics.pbpk import Covalent, DualTarget, Patient, parameter_set, simulate_pbpk

DOCS = Path(__file__).resolve().parents[2] / "docs"
TEXT = (DOCS / "binding.md").read_text("utf-8")


def _rows(heading: str) -> dict[float, list[float]]:
    part = TEXT.split(f"## {heading}")[1].split("\n## ")[0]
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("|")]
    return {float(r[0]): [float(x) for x in r[1:]] for r in rows[2:]}


def test_without_a_reaction_the_doses_are_those_of_simulate() -> None:
    row = _rows("Covalent binding")[0.0]
    for n, (agent, activity) in enumerate((("177Lu-PSMA-617", 7.4e9), ("225Ac-PSMA-617", 1e7))):
        r = {x["region"]: x["dose_Gy_per_GBq"] for x in run_simulate(agent, activity_Bq=activity, ligand_nmol=57.0)["regions"]}
        assert row[3 * n : 3 * n + 3] == pytest.approx([r["tumour 1"], r["kidney"], r["tumour 1"] / r["kidney"]], rel=0.006)


def test_the_gain_of_each_row_is_that_of_its_time_integrated_activity() -> None:
    """Dose is in proportion to the integral; the ends of both tables against one solve each."""
    p, kon = parameter_set("PSMA-617-three-anchors"), parameter_set("PSMA-617-three-anchors")["kon"]
    ends = {
        "Covalent binding": (1.0, Covalent(np.array([0.0, 1.0]), 1e-3)),
        "A second target": (1e5, DualTarget(kon, 10 * kon, np.array([0.0, 1e5]), {"tumour": 1.0})),
    }
    for heading, (end, binding) in ends.items():
        rows = _rows(heading)
        tiac = simulate_pbpk(Patient(), p, 57.0, ("Lu-177", "Ac-225"), binding=binding).tiac_h
        for n, name in enumerate(("Lu-177", "Ac-225")):
            for k, region in enumerate(("tumour 1", "kidney")):
                assert rows[end][3 * n + k] / rows[0.0][3 * n + k] == pytest.approx(float(tiac[name][region][1] / tiac[name][region][0]), rel=0.012)


def test_the_page_says_what_is_not_known_and_its_figures_are_there() -> None:
    assert "no published value could be found" in TEXT and "`k_inact`" in TEXT.split("## What is not known")[1]
    for name in ("binding-covalent.png", "binding-dual.png"):
        assert name in TEXT and (DOCS / name).read_bytes().startswith(b"\x89PNG")
