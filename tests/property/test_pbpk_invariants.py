"""What must hold for any patient: nothing is lost, hot is a share of all, flows balance, hosts of refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lutetia.core import BadInput
from lutetia.kinetics.pbpk import (
    Covalent,
    DualTarget,
    Patient,
    Tumour,
    build_body,
    parameter_set,
    parameter_sets,
    simulate_cycles,
    simulate_pbpk,
    virtual_patients,
)
from lutetia.kinetics.pbpk.population import published_cv
from lutetia.kinetics.pbpk.solver import solve
from lutetia.kinetics.pbpk.structure import INJECTION
from lutetia.kinetics.pbpk.system import System, follow

PER_MIN = float(np.log(2) / (6.6443 * 1440))
SETS = st.sampled_from(parameter_sets()).map(parameter_set)
BINDINGS = st.sampled_from([None, Covalent(0.05, 1e-3), DualTarget(0.05, 0.1, 100.0, {"tumour": 0.7})])


@st.composite
def patients(draw: st.DrawFn) -> Patient:
    tumours = tuple(
        Tumour(f"tumour {i}", draw(st.floats(0.1, 300)), draw(st.floats(1, 300)), draw(st.floats(0.05, 1.0)), draw(st.floats(0.9, 1.3)))
        for i in range(draw(st.integers(0, 3)))
    )
    return Patient(draw(st.floats(60, 130)), draw(st.floats(1.6, 2.4)), draw(st.floats(0.3, 0.5)), draw(st.floats(20, 150)), tumours)


@given(patients(), SETS, BINDINGS, st.floats(0.1, 1000))
@settings(max_examples=15)
def test_nothing_is_lost_or_made(patient: Patient, parameters, binding, ligand: float) -> None:  # type: ignore[no-untyped-def]
    s = build_body(patient, parameters, binding=binding).system
    found = solve(s, {INJECTION: ligand}, decay_per_min=[PER_MIN], watch={"all": [n for n, x in zip(s.states, s.ligand) if x]}, time_min=[1.0, 60.0, 5000.0], rtol=1e-6)
    assert found.series_nmol[0, 0] == pytest.approx(ligand, rel=1e-10)
    assert found.end_nmol[0, s.ligand].sum() == pytest.approx(ligand, rel=1e-10)
    assert found.integral_min[0, 0, s.ligand].sum() == pytest.approx(ligand / PER_MIN, rel=1e-9)
    assert found.end_nmol[0].min() > -1e-6 * ligand


@given(patients(), SETS)
@settings(max_examples=15)
def test_every_flow_that_enters_leaves(patient: Patient, parameters) -> None:  # type: ignore[no-untyped-def]
    """A concentration that is the same in all plasma and interstitium stays so, but for what receptors and kidney take."""
    body = build_body(patient, parameters.with_values(kon=1e-300, filtered_fraction=0.0))
    s, plasma_L = body.system, 2.8 * (1 - patient.haematocrit) * patient.bsa_m2
    volumes = {INJECTION: 0.225 * plasma_L}
    kernel = np.linalg.svd(s.matrix()[np.ix_(*[_exchanging(s)] * 2)])
    assert kernel[1][-1] < 1e-10 * kernel[1][0] < kernel[1][-2] * 1e9  # one mode at rest
    at_rest = kernel[2][-1] / kernel[2][-1][_exchanging(s).index(s.index(INJECTION))] * volumes[INJECTION]
    by_state = dict(zip([s.states[i] for i in _exchanging(s)], at_rest))  # volumes, as the model must have them
    assert by_state["blood.arterial"] == pytest.approx(0.105 * plasma_L, rel=1e-7)
    assert by_state["lungs.vascular"] == pytest.approx(0.105 * plasma_L, rel=1e-7)
    assert by_state["muscle.vascular"] == pytest.approx(0.14 * plasma_L, rel=1e-7)
    assert by_state["skin.vascular"] == pytest.approx(0.03 * plasma_L, rel=1e-7)
    assert by_state["skin.interstitial"] == pytest.approx(8.9 * 0.03 * plasma_L, rel=1e-6)
    assert by_state["liver.vascular"] == pytest.approx(0.085 * float(np.asarray(body.mass_kg["liver"])), rel=1e-6)
    for t in patient.tumours:
        assert by_state[f"{t.name}.interstitial"] == pytest.approx(0.38 * t.volume_mL / 1000, rel=1e-6)


def _exchanging(s: System) -> list[int]:
    return [i for i, n in enumerate(s.states) if n.endswith((".vascular", ".interstitial")) or n.startswith("blood")]


def test_hot_and_cold_solved_apart_keep_their_ratio_in_every_compartment() -> None:
    """Hot ligand decays and competes with cold for the receptors; the identity says hot/total = f0 exp(-lambda t). 132 states by Radau."""
    s = build_body(Patient(), parameter_set("PSMA-617-KD1")).system
    n, f0 = len(s.states), 0.178
    A = s.matrix()

    def f(t: float, y: np.ndarray) -> np.ndarray:
        hot, cold = y[:n], y[n:]
        total = hot[s.b] + cold[s.b]
        d = [A @ hot - PER_MIN * hot, A @ cold + PER_MIN * hot]
        for part, out in zip((hot, cold), d):
            q = s.k_per_nmol_min[0] * part[s.a] * total
            np.add.at(out, s.to, q)
            np.add.at(out, s.source, -q)
        return np.concatenate(d)

    start = np.zeros(2 * n)
    start[s.index(INJECTION)], start[n + s.index(INJECTION)] = 57 * f0, 57 * (1 - f0)
    y = solve_ivp(f, (0, 3000.0), start, method="Radau", t_eval=[60.0, 600.0, 3000.0], rtol=1e-9, atol=1e-14).y
    ours = solve(s, {INJECTION: 57.0}, watch={x: (x,) for x in s.states}, time_min=[60.0, 600.0, 3000.0], end_min=3000.0, rtol=1e-7, atol_relative=1e-13)
    for i, t in enumerate((60.0, 600.0, 3000.0)):
        total = y[:n, i] + y[n:, i]
        ratio = y[:n, i] / total / (f0 * np.exp(-PER_MIN * t))
        assert np.max(np.abs(ratio - 1)) < 1e-8
        large = total > 1e-5
        assert ours.series_nmol[0][large, i] == pytest.approx(total[large], rel=1e-4)


@given(st.floats(1.05, 4.0), SETS, st.sampled_from(["kidney", "salivary", "tumour"]))
@settings(max_examples=10)
def test_more_receptors_take_more(factor: float, parameters, where: str) -> None:  # type: ignore[no-untyped-def]
    region = {"kidney": "kidney", "salivary": "parotid", "tumour": "tumour 1"}[where]
    more = parameters.with_values(**{f"receptor_{where}": parameters[f"receptor_{where}"] * factor})
    few, many = (float(simulate_pbpk(Patient(), p, 57.0).tiac_h["Lu-177"][region][0]) for p in (parameters, more))
    assert few < many < factor * few * 1.001


@given(st.integers(0, 2**32), st.integers(1, 40), st.integers(1, 40))
@settings(max_examples=10)
def test_the_first_of_many_virtual_patients_are_those_of_few(seed: int, few: int, more: int) -> None:
    (a, p), (b, q) = (virtual_patients(Patient(), parameter_set("PSMA-617-KD1"), n, seed) for n in (few, few + more))
    assert np.array_equal(a.gfr_mL_min, np.asarray(b.gfr_mL_min)[:few])
    assert all(np.array_equal(np.broadcast_to(p[k], few), np.broadcast_to(q[k], few + more)[:few]) for k in published_cv() if k != "gfr")


def test_virtual_patients_have_the_published_spread() -> None:
    """58.8 % for tumours (doi:10.1002/psp4.12914), median that of the set."""
    patient, p = virtual_patients(replace(Patient(), tumours=(Tumour("t", 10.0, 50.0),)), parameter_set("PSMA-617-KD1"), 200_000, 3)
    tumour = np.asarray(patient.tumours[0].receptor_nmol_L)
    assert np.std(tumour) / np.mean(tumour) == pytest.approx(0.588, rel=0.02) and np.median(tumour) == pytest.approx(50, rel=0.01)
    assert np.array_equal(np.asarray(p["receptor_tumour"]) / 50, tumour / 50)  # tumours with and without a density of their own alike


def test_a_single_cycle_is_a_single_injection_and_a_cohort_is_its_own() -> None:
    p = parameter_set("PSMA-617-KD1")
    one = simulate_pbpk(Patient(), p, 57.0, rtol=1e-7).tiac_h["Lu-177"]
    cycles = simulate_cycles(Patient(), p, [57.0, 57.0], [0.5], rtol=1e-7)
    assert {k: float(v[0]) for k, v in simulate_cycles(Patient(), p, [57.0], [], rtol=1e-7)[0].tiac_h["Lu-177"].items()} == pytest.approx(
        {k: float(v[0]) for k, v in one.items()}, rel=1e-6
    )
    # Half a day apart the second meets receptors that the first still holds.
    assert float(cycles[1].tiac_h["Lu-177"]["kidney"][0]) < 0.95 * float(one["kidney"][0])
    s = build_body(Patient(), p).system
    double = follow(s)
    start = np.zeros((1, len(double.states)))
    start[0, [double.index(INJECTION), double.index(f"{INJECTION} cohort")]] = 57.0
    end = solve(double, start, end_min=500.0).end_nmol[0]
    assert end[66:] == pytest.approx(end[:66], rel=1e-12, abs=1e-14)


@pytest.mark.parametrize(
    ("patient", "words"),
    [
        (replace(Patient(), weight_kg=-1.0), "weight"),
        (replace(Patient(), gfr_mL_min=float("nan")), "gfr"),
        (replace(Patient(), tumours=(Tumour("a", 10.0, -5.0),)), "receptor"),
        (replace(Patient(), tumours=(Tumour("a", 10.0, 0.0),)), "receptor"),
        (replace(Patient(), tumours=(Tumour("a", 10.0), Tumour("a", 12.0))), "name"),
        (replace(Patient(), tumours=(Tumour("kidney", 10.0),)), "organ"),
        (replace(Patient(), tumours=(Tumour("a", 9000.0), Tumour("b", 9000.0))), "whole"),
    ],
)
def test_patients_that_cannot_be_are_refused(patient: Patient, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        build_body(patient, parameter_set("PSMA-617-KD1"))


def test_parameters_that_cannot_be_are_refused() -> None:
    p = parameter_set("PSMA-617-KD1")
    for changes in ({"receptor_kidney": 0.0}, {"kon": -1.0}, {"filtered_fraction": 1.5}, {"receptor_kidny": 3.0}):
        with pytest.raises(BadInput):
            p.with_values(**changes)
    with pytest.raises(BadInput, match="population model"):
        parameter_set("DOTATATE")
