"""What holds for every population model, patient and amount; and scipy as a readable reference."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lutetia.kinetics import population_models as pm
from lutetia.kinetics.population_models import (
    Patients,
    draw,
    fractions,
    population_models,
    time_integrated_h,
    typical,
)
from lutetia.nuclides import nuclide

SATURABLE = [n for n in population_models() if n != "DOTATATE-blood-Sood-2026"]
seeds = st.integers(0, 2**31)


def _given(name: str, amount: float) -> dict[str, float]:
    """`amount` is 1 for about what patients get."""
    if name.startswith("HA-"):
        return {"ligand_nmol": 93 * amount}
    return {"activity_Bq": 7.4e9 * amount} if name.startswith("PSMA") else {}


@given(st.sampled_from(population_models()), seeds, st.floats(0.01, 10))
def test_nothing_is_lost_or_negative(name, seed, amount) -> None:
    f = fractions(draw(name, 3, seed), np.array([0.0, 60.0, 3600.0, 86400.0, 1e6]), **_given(name, amount))
    total = sum(f.values())
    assert total == pytest.approx(np.ones_like(total), abs=1e-10)
    assert all(np.all(v >= -1e-9) for v in f.values()) and f["blood"][:, 0] == pytest.approx(1, abs=1e-12)
    assert np.all(np.diff(f["excreted"]) >= -1e-12)


@given(st.sampled_from(SATURABLE), seeds, st.floats(0.02, 3), st.floats(1.1, 5))
def test_more_ligand_saturates(name, seed, amount, more) -> None:
    """A tissue with a capacity takes a smaller share of more, and never holds more than its capacity."""
    patients = draw(name, 2, seed)
    less, greater = (time_integrated_h(patients, **_given(name, a)) for a in (amount, amount * more))
    tissue = "salivary_glands" if name.startswith("PSMA") else "receptor_organs"
    assert np.all(greater[tissue] < less[tissue])
    p = patients.parameters
    capacity = p["capacity_salivary_glands"] if name.startswith("PSMA") else p["density_receptor_organs"] * p["volume_receptor_organs"]
    given_ = _given(name, amount * more)
    held = fractions(patients, np.geomspace(60, 1e6, 40), **given_)[tissue] * (given_.get("ligand_nmol") or given_["activity_Bq"] / 1e6)
    assert np.all(held.max(axis=1) <= capacity * (1 + 1e-6))


@pytest.mark.parametrize("name", SATURABLE)
def test_a_trace_is_the_linear_system(name: str, monkeypatch) -> None:
    """The compiled solver at a vanishing amount against the direct solve without capacities."""
    patients = draw(name, 20, seed=4)
    times = np.array([600.0, 3600.0, 86400.0])
    traced, curve = time_integrated_h(patients, **_given(name, 1e-9)), fractions(patients, times, **_given(name, 1e-9))
    start = pm._start
    monkeypatch.setattr(pm, "_start", lambda *a: (start(*a)[0], np.full_like(start(*a)[1], np.inf)))
    exact = time_integrated_h(patients, **_given(name, 1e-9))
    for region, values in exact.items():
        assert traced[region] == pytest.approx(values, rel=1e-6), region
    for region, values in fractions(patients, times, **_given(name, 1e-9)).items():
        assert curve[region] == pytest.approx(values, rel=1e-6, abs=1e-9), region


@pytest.mark.parametrize("name", SATURABLE)
def test_against_scipy(name: str) -> None:
    """The equations written out by region, solved by LSODA to 1e-10, and the integral by its own state."""
    patients = draw(name, 1, seed=8)
    m, p = patients.model, {k: float(v[0]) for k, v in patients.parameters.items()}
    given_ = _given(name, 1.0)
    amount = given_["activity_Bq"] / 1e6 if "activity_Bq" in given_ else given_["ligand_nmol"]
    d = nuclide(m.nuclide).decay_constant_per_s * 3600

    def right(t, y):
        blood, tissue, out = y[0], dict(zip(m.tissues, y[1:])), np.zeros(len(y))
        out[0] = -p["k_out"] * blood
        for i, (name_, a) in enumerate(tissue.items(), 1):
            uptake = p[f"k_{name_}"] * p.get("unbound_fraction", 1.0) * blood
            if name_ == "tumours":
                uptake *= float(patients.by_cycle["k_tumours"][0, 0])
            if f"capacity_{name_}" in p:
                uptake *= 1 - a / p[f"capacity_{name_}"]
            if f"density_{name_}" in p:
                uptake *= 1 - a / (p[f"density_{name_}"] * p[f"volume_{name_}"])
            out[0] += p.get(f"back_{name_}", 0.0) * a - uptake
            out[i] = uptake - (p.get(f"back_{name_}", 0.0) + p.get(f"loss_{name_}", 0.0)) * a
        n = len(m.tissues) + 1
        out[n:] = np.exp(-d * t) * y[:n]
        return out

    n = len(m.tissues) + 1
    hours = [0.5, 4.0, 24.0, 168.0]
    last = max(40 / d, 200.0)  # at most e^-40 is left
    solution = solve_ivp(right, (0, last), [amount] + [0.0] * (2 * n - 1), method="LSODA", rtol=1e-10, atol=1e-12 * amount, t_eval=[*hours, last])
    f = fractions(patients, np.array(hours) * 3600, **given_)
    tiac = time_integrated_h(patients, **given_)
    for i, region in enumerate(("blood", *m.tissues)):
        assert f[region][0] == pytest.approx(solution.y[i, :-1] / amount, rel=1e-5, abs=1e-9), region
        assert tiac[region][0] == pytest.approx(solution.y[n + i, -1] / amount, rel=1e-5), region


@settings(max_examples=10)
@given(st.sampled_from(population_models()), seeds, st.integers(1, 5), st.integers(1, 3))
def test_the_first_of_many_are_the_few(name, seed, n, cycles) -> None:
    few, many = draw(name, n, seed, cycles=cycles), draw(name, n + 7, seed, cycles=cycles + 1)
    assert len(few) == n and len(many) == n + 7
    for p, v in few.parameters.items():
        assert np.array_equal(v, many.parameters[p][:n])
    for p, v in few.by_cycle.items():
        assert np.array_equal(v, many.by_cycle[p][:n, :cycles])


def test_each_patient_is_solved_as_if_alone() -> None:
    together = draw("PSMA-I&T-Siebinga-2024", 12, seed=1)
    x = time_integrated_h(together, activity_Bq=7.4e9)
    for i in (0, 5, 11):
        alone = Patients(together.model, {k: v[i : i + 1] for k, v in together.parameters.items()}, {k: v[i : i + 1] for k, v in together.by_cycle.items()}, 1)
        assert all(time_integrated_h(alone, activity_Bq=7.4e9)[r][0] == v[i] for r, v in x.items())


def test_fractions_and_integrals_tell_the_same() -> None:
    """The integral over time of the decaying fraction, by trapezoids, is the time-integrated activity."""
    hours = np.concatenate([[0.0], np.geomspace(1e-3, 3000, 6000)])
    patients = typical("PSMA-617-Siebinga-2023")
    f = fractions(patients, hours * 3600, activity_Bq=7.4e9)
    tiac = time_integrated_h(patients, activity_Bq=7.4e9)
    decay = np.exp(-nuclide("Lu-177").decay_constant_per_s * 3600 * hours)
    for region, value in tiac.items():
        assert np.trapezoid(f[region][0] * decay, hours) == pytest.approx(float(value[0]), rel=1e-4)
