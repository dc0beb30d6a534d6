"""Albumin by rates and molecules of the size of antibodies: their limits, what they keep, and plasma half-lives of published antibodies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from validation.kinetics import antibodies

from lutetia.core import BadInput
from lutetia.kinetics.pbpk import (
    Albumin,
    LargeMolecule,
    Patient,
    Tumour,
    antibody,
    build_body,
    parameter_set,
    simulate_cycles,
    simulate_pbpk,
)
from lutetia.kinetics.pbpk.solver import solve
from lutetia.kinetics.pbpk.structure import INJECTION

SET = parameter_set("PSMA-617-three-anchors")


def tiac(**how) -> dict[str, float]:  # type: ignore[no-untyped-def]
    return {k: float(v[0]) for k, v in simulate_pbpk(Patient(), SET, 57.0, **how).tiac_h["Lu-177"].items()}


def test_quick_albumin_is_the_unbound_fraction_and_none_is_none() -> None:
    for share in (0.2, 0.7):
        assert tiac(albumin=Albumin(1e5 * (1 / share - 1), 1e5)) == pytest.approx(tiac(unbound_fraction=share), rel=1e-5)
    assert tiac(albumin=Albumin(0.0, 1.0)) == pytest.approx(tiac(), rel=1e-5)


def test_a_firmer_hold_keeps_ligand_in_the_blood_and_from_the_urine() -> None:
    loose, firm = (simulate_pbpk(Patient(), SET, 57.0, albumin=Albumin(4.0, off)) for off in (1.0, 0.02))
    assert float(firm.urine_fraction_24h[0]) < 0.5 * float(loose.urine_fraction_24h[0])
    assert float(firm.tiac_h["Lu-177"]["blood"][0]) > 5 * float(loose.tiac_h["Lu-177"]["blood"][0])


@given(st.floats(1e-3, 50.0), st.floats(1e-3, 50.0))
def test_albumin_keeps_the_ligand(on: float, off: float) -> None:
    """Ligand is all there at any time, and no rate makes or loses any."""
    s = build_body(Patient(), SET, albumin=Albumin(on, off)).system
    start = np.zeros((1, len(s.states)))
    start[0, s.index(INJECTION)] = 57.0
    end = solve(s, start, end_min=3000.0).end_nmol[0]
    assert end[s.ligand].sum() == pytest.approx(57.0, rel=1e-10)
    assert np.abs(s.rate(np.where(s.ligand, 1.0, 0.0))[s.ligand].sum()) < 1e-9


def test_antibodies_have_the_half_life_of_the_published_model() -> None:
    """The comparison of the validation: eigenvalues of the published four-compartment model, with 20 % for the other volumes of the body here."""
    rows = antibodies().rows
    assert len(rows) == 3 and all(r.within and 9 < r.ours < 28 for r in rows)


def test_an_antibody_is_neither_filtered_nor_in_the_tubule_and_is_all_there() -> None:
    r = simulate_pbpk(Patient(), SET, 57.0, large=antibody("gevokizumab"))
    assert float(r.urine_fraction_24h[0]) == 0 and float(r.peak_occupancy["kidney"][0]) == 0
    assert float(r.tiac_h["Lu-177"]["blood"][0]) > 20 * tiac()["blood"]
    whole = sum(float(v[0, -1]) for v in r.amount_nmol.values())
    assert whole == pytest.approx(57.0, rel=1e-6)


def test_leaky_tumour_vessels_let_more_in() -> None:
    of = [float(simulate_pbpk(Patient(tumours=(Tumour("node", 20.0),)), SET, 57.0, large=LargeMolecule(0.0067, 0.93, 0.84, ps)).tiac_h["Lu-177"]["node"][0]) for ps in (0.0, 0.001, 0.004)]
    assert of[0] < of[1] < of[2] and of[2] > 10 * of[0]


def test_an_antibody_that_stays_for_weeks_is_carried_into_the_next_cycle() -> None:
    first, second = simulate_cycles(Patient(), SET, [57.0, 57.0], [14.0], large=antibody("gevokizumab"))
    assert first.left_nmol[0] == 0 and 20 < second.left_nmol[0] < 50


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: Albumin(1.0, 0.0), "above zero off"),
        (lambda: Albumin(-1.0, 1.0), "zero or more on"),
        (lambda: LargeMolecule(-0.1, 0.9, 0.8), "clearance"),
        (lambda: LargeMolecule(0.1, 1.0, 0.8), "below 1"),
        (lambda: LargeMolecule(0.1, 0.9, 0.8, -1.0), "permeability"),
        (lambda: antibody("gevokizumap"), "Did you mean gevokizumab"),
        (lambda: build_body(Patient(), SET, albumin=Albumin(1.0, 1.0), unbound_fraction=0.5), "exclude one another"),
    ],
)
def test_what_no_molecule_does_is_refused(make, says: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput, match=says):
        make()
