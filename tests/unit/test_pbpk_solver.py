"""The compiled solver: order of the method, the sparse LU, other solvers, threads, refusals."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numba
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from lutetia.core import BadInput, CouldNot
from lutetia.kinetics.pbpk import Patient, parameter_set, virtual_patients
from lutetia.kinetics.pbpk import rodas as r
from lutetia.kinetics.pbpk.solver import _compiled, _Equations, solve, tracer_integral_min
from lutetia.kinetics.pbpk.sparse import plan_lu
from lutetia.kinetics.pbpk.structure import INJECTION, build_body
from lutetia.kinetics.pbpk.system import Builder, System

PER_MIN = float(np.log(2) / (6.6443 * 1440))


def _body() -> System:
    return build_body(Patient(), parameter_set("PSMA-617-KD1")).system


def _growth(z: complex) -> tuple[complex, complex]:
    """One step of the method on y' = z y with h = 1, and its continuous output at the middle, from the tableau alone."""
    ks: list[complex] = []
    for s in range(6):
        stage = 1 + (sum(r.A[min(s, 4), j] * ks[j] for j in range(min(s, 4))) + (ks[4] if s == 5 else 0))
        ks.append((z * stage + sum(r.C[s, j] * ks[j] for j in range(s))) / (1 / r.GAMMA - z))
    new = 1 + sum(r.A[4, j] * ks[j] for j in range(4)) + ks[4] + ks[5]
    c3, c4 = (sum(r.D[q, j] * ks[j] for j in range(5)) for q in (0, 1))
    return new, 0.5 * (1 + new) + 0.25 * (c3 + 0.5 * c4)


def test_the_tableau_is_of_order_four_with_output_of_order_three_and_l_stable() -> None:
    errors = [abs(_growth(z)[0] - np.exp(z)) for z in (-0.2, -0.1)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(5, abs=0.3)
    middle = [abs(_growth(z)[1] - np.exp(z / 2)) for z in (0.2j, 0.1j)]
    assert np.log2(middle[0] / middle[1]) > 3.7
    assert abs(_growth(-1e9)[0]) < 1e-6
    assert all(abs(_growth(1j * w)[0]) <= 1 + 1e-12 for w in np.geomspace(1e-2, 1e4, 60))


def test_halving_the_tolerance_of_a_quadratic_system_gains_what_an_order_of_four_gains() -> None:
    """On y' = -y^2 (y = 1/(1 + t)), where the terms matter: the error falls as fast as the tolerance or faster."""
    b = Builder()
    b.state("a"), b.state("out")
    b.bind("a", "out", 1.0, 0.0, [])
    s = b.build()
    s = System(s.states, s.ligand, s.row, s.col, s.value_per_min, np.array([0]), np.array([0]), np.array([0]), np.array([1]), np.array([[1.0]]))
    errors = []
    for rtol in (1e-4, 1e-6, 1e-8):
        end = solve(s, {"a": 1.0}, end_min=9.0, rtol=rtol, atol_relative=1e-12).end_nmol[0, 0]
        errors.append(abs(end - 0.1))
    assert errors[0] < 1e-4 and errors[1] < 0.05 * errors[0] and errors[2] < 0.05 * errors[1]


def test_sparse_lu_solves_as_a_dense_one_and_fills_little() -> None:
    s, rng = _body(), np.random.default_rng(1)
    plan = plan_lu(s)
    n = len(s.states)
    place = np.empty(n, np.int64)
    place[plan.order] = np.arange(n)
    eq = _Equations(*(place[x].astype(np.uint64) for x in (s.row, s.col, s.a, s.b, s.source, s.to)))
    y, lu, inverse = rng.uniform(0, 1, n), np.empty(plan.size), np.empty(n)
    lower, upper, x = np.empty(len(plan.lower)), np.empty(len(plan.upper)), rng.standard_normal(n)
    right = x.copy()
    r._shifted(lu, _compiled(plan), 0.3, y[plan.order], s.value_per_min[0], s.k_per_nmol_min[0], eq, False)
    r._factorise(lu, _compiled(plan), inverse, lower, upper)
    r._solve(_compiled(plan), inverse, lower, upper, x)
    found = np.empty(n)
    found[plan.order] = x
    wanted = np.empty(n)
    wanted[plan.order] = right
    assert found == pytest.approx(np.linalg.solve(0.3 * np.eye(n) - s.jacobian(y), wanted), rel=1e-10)
    assert plan.size < 1.1 * len(s.row)


def test_the_plain_jacobian_is_the_derivative_of_the_rate() -> None:
    s, rng = _body(), np.random.default_rng(2)
    y, d = rng.uniform(0, 1, 66), rng.standard_normal(66)
    assert (s.rate(y + 1e-4 * d) - s.rate(y - 1e-4 * d)) / 2e-4 == pytest.approx(s.jacobian(y) @ d, rel=1e-6, abs=1e-8)


@pytest.mark.parametrize("method", ["LSODA", "Radau"])
def test_scipy_agrees(method: str) -> None:
    s = _body()
    start = np.zeros(66)
    start[s.index(INJECTION)] = 57.0
    times = [5.0, 60.0, 1440.0, 7200.0]
    theirs = solve_ivp(lambda t, y: s.rate(y), (0, 7200), start, method=method, jac=lambda t, y: s.jacobian(y), t_eval=times, rtol=1e-7, atol=1e-10).y
    ours = solve(s, {INJECTION: 57.0}, watch={n: (n,) for n in s.states}, time_min=times, end_min=7200.0, rtol=1e-6, atol_relative=1e-12).series_nmol[0]
    large = theirs > 1e-6
    assert np.max(np.abs(ours / np.where(large, theirs, 1) - 1)[large]) < 5e-4


def _benchmark() -> ModuleType:
    spec = importlib.util.spec_from_file_location("pbpk_benchmark", Path(__file__).parents[2] / "benchmarks" / "pbpk.py")
    module = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    return module


def test_libroadrunner_agrees() -> None:
    pytest.importorskip("roadrunner")
    s = _body()
    ours = solve(s, {INJECTION: 57.0}, decay_per_min=[PER_MIN], end_min=66 * 1440.0, tail=False)
    theirs = _benchmark().roadrunner_tia(s, 0, 1e-7, 1e-12)[0]
    assert float(ours.integral_min[0, 0, s.index("kidney.bound")]) == pytest.approx(theirs, rel=5e-4)


def test_little_ligand_is_the_linear_solve() -> None:
    s = _body()
    start = np.zeros(66)
    start[s.index(INJECTION)] = 1e-7
    tracer = tracer_integral_min(s, start, PER_MIN)[0]
    assert solve(s, start[None], decay_per_min=[PER_MIN], rtol=1e-7, atol_relative=1e-13).integral_min[0, 0] == pytest.approx(tracer, rel=1e-6)
    assert solve(s, start[None] * 5e8, decay_per_min=[PER_MIN]).integral_min[0, 0] != pytest.approx(5e8 * tracer, rel=0.1)


def test_the_tail_carries_integrals_to_infinity() -> None:
    """Ended early or late, and all of it is the whole: decays of the injected ligand sum to its mean life."""
    s = _body()
    short, long = (solve(s, {INJECTION: 57.0}, decay_per_min=[PER_MIN], end_min=d * 1440.0, rtol=1e-7, atol_relative=1e-13).integral_min[0, 0] for d in (40, 100))
    assert short == pytest.approx(long, rel=1e-5)
    assert long.sum() == pytest.approx(57 / PER_MIN, rel=1e-7)


def test_the_result_does_not_depend_on_threads_or_company() -> None:
    patients = virtual_patients(Patient(), parameter_set("PSMA-617-KD1"), 9, 5)
    s = build_body(*patients).system
    before = numba.get_num_threads()
    try:
        found = []
        for threads in {1, min(2, numba.config.NUMBA_NUM_THREADS)}:
            numba.set_num_threads(threads)
            found.append(solve(s, {INJECTION: 57.0}, decay_per_min=[PER_MIN]).integral_min)
    finally:
        numba.set_num_threads(before)
    assert all(np.array_equal(found[0], f) for f in found)
    few = build_body(*virtual_patients(Patient(), parameter_set("PSMA-617-KD1"), 3, 5)).system
    assert np.array_equal(solve(few, {INJECTION: 57.0}, decay_per_min=[PER_MIN]).integral_min, found[0][:3])


def test_peaks_are_the_largest_of_the_curve() -> None:
    s = _body()
    times = np.linspace(0, 2000, 4001)
    found = solve(s, {INJECTION: 57.0}, watch={"kidney": ("kidney.bound",), "blood": (INJECTION,)}, time_min=times)
    assert float(found.peak_nmol[0, 0]) == pytest.approx(found.series_nmol[0, 0].max(), rel=1e-3)
    assert float(found.peak_min[0, 0]) == pytest.approx(times[found.series_nmol[0, 0].argmax()], abs=10)
    assert float(found.peak_nmol[0, 1]) == 57.0 and float(found.peak_min[0, 1]) == 0.0


def test_what_cannot_be_solved_is_refused_in_words(monkeypatch: pytest.MonkeyPatch) -> None:
    s = _body()
    for start, more in (({INJECTION: 0.0}, {}), ({INJECTION: np.nan}, {}), ({INJECTION: 1.0}, {"rtol": 1.0}), ({INJECTION: 1.0}, {"time_min": [5.0, 1.0]}), ({INJECTION: 1.0}, {"decay_per_min": [0.0]})):
        with pytest.raises(BadInput):
            solve(s, start, **more)
    b = Builder()
    b.state("a"), b.state("out")
    b.bind("a", "out", 1.0, 0.0, [])
    grown = b.build()
    explodes = System(grown.states, grown.ligand, grown.row, grown.col, grown.value_per_min, *(np.array([i]) for i in (0, 0, 1, 0)), np.array([[1.0]]))
    with pytest.raises(CouldNot, match="did not converge"):  # y' = y^2 reaches infinity at t = 1
        solve(explodes, {"a": 1.0}, end_min=2.0)
