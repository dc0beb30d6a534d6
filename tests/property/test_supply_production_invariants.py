"""What holds for every irradiation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.supply.production import (
    Layer,
    grown,
    irradiate,
    irradiate_stack,
    reaction,
    reactions,
    saturation_yields,
)
from lutetia.supply.production.stopping import energy_behind_MeV, range_units_per_cm2

ROUTES = st.sampled_from(reactions())
SETS = st.dictionaries(st.sampled_from(["Cs-123", "Xe-123", "Ac-225", "Ge-68", "Mo-99", "Ra-223", "F-18", "At-211", "Te-123m"]), st.floats(1e3, 1e15), min_size=1, max_size=4)


@given(ROUTES, st.floats(18.0, 30.0), st.floats(0.1, 0.9), st.floats(0.0, 10.0))
def test_a_target_is_the_sum_of_its_slices(name: str, high: float, cut: float, low: float) -> None:
    middle = low + cut * (high - low)
    whole, front = float(saturation_yields(name, high, low)), float(saturation_yields(name, high, middle))
    try:
        back = float(saturation_yields(name, middle, low))
    except Exception as error:  # the slice lies below the threshold
        assert "nothing is made" in str(error)
        back = 0.0
    assert front + back == pytest.approx(whole, rel=1e-9)


@given(ROUTES, st.lists(st.floats(18.0, 30.0), min_size=2, max_size=8))
def test_more_energy_makes_more(name: str, energies: list[float]) -> None:
    assert np.all(np.diff(saturation_yields(name, np.sort(energies), 5.0)) >= 0)


@given(SETS, st.floats(1.0, 1e7), st.floats(1.0, 1e7))
def test_growth_in_two_steps_is_growth_in_one(rates: dict[str, float], first: float, second: float) -> None:
    """What was made in the first step decays through the second (an independent solution), and the second adds its own."""
    whole, before, after = grown(rates, first + second).activity_Bq, grown(rates, first).at(second).activity_Bq, grown(rates, second).activity_Bq
    most = max(whole.values())
    for n, a in whole.items():
        assert before.get(n, 0.0) + after.get(n, 0.0) == pytest.approx(a, rel=1e-6, abs=1e-9 * most)


@given(st.sampled_from(["F-18", "Zr-89", "Ac-225"]), st.floats(1e6, 1e15))
def test_growth_has_its_limits(name: str, rate: float) -> None:
    from lutetia.nuclides import nuclide

    n = nuclide(name)
    assert grown({name: rate}, 60 * n.half_life_s).activity_Bq[name] == pytest.approx(rate, rel=1e-9)
    short = 1e-6 * n.half_life_s
    assert grown({name: rate}, short).activity_Bq[name] == pytest.approx(rate * n.decay_constant_per_s * short, rel=1e-5)


@given(st.floats(1e-9, 1e-3), st.floats(0.05, 1.0), st.floats(60.0, 1e6))
def test_activity_and_heat_go_with_the_mean_current(current_A: float, duty: float, time_s: float) -> None:
    a = irradiate("Y-89(p,n)Zr-89", 14.0, 4.0, current_A, time_s, duty=duty)
    b = irradiate("Y-89(p,n)Zr-89", 14.0, 4.0, current_A * duty, time_s)
    assert a.eob.activity_Bq["Zr-89"] == pytest.approx(b.eob.activity_Bq["Zr-89"]) and a.heat_W == pytest.approx(b.heat_W)
    assert a.heat_W == pytest.approx(1e7 * current_A * duty) and a.saturation_yield_Bq_per_A == pytest.approx(b.saturation_yield_Bq_per_A)


@given(st.sampled_from(["p", "d", "a"]), st.floats(3.0, 60.0), st.floats(0.0, 0.99))
def test_energy_behind_a_layer_takes_up_the_range(projectile: str, energy_MeV: float, share: float) -> None:
    atoms = (("Al", 1.0),)
    whole = float(range_units_per_cm2(energy_MeV, atoms, projectile))
    left = energy_behind_MeV(energy_MeV, share * whole, atoms, projectile)
    assert float(range_units_per_cm2(left, atoms, projectile)) == pytest.approx((1 - share) * whole, rel=1e-6)
    assert energy_behind_MeV(energy_MeV, 1.001 * whole, atoms, projectile) == 0.0


@given(st.floats(8.0, 30.0), st.lists(st.tuples(st.sampled_from(["Al", "Ti", "Nb", "water"]), st.floats(0.001, 0.3)), min_size=1, max_size=6))
def test_a_stack_keeps_the_energy(energy_MeV: float, layers: list[tuple[str, float]]) -> None:
    out = irradiate_stack([Layer(m, areal_g_cm2=x) for m, x in layers], energy_MeV, 1e-5, 60.0)
    assert out[0].energy_MeV == energy_MeV and all(a.exit_MeV == b.energy_MeV for a, b in zip(out, out[1:]))
    assert all(x.exit_MeV <= x.energy_MeV for x in out)
    assert sum(x.heat_W for x in out) == pytest.approx(10.0 * (energy_MeV - out[-1].exit_MeV), abs=1e-9)


@given(ROUTES, st.floats(20.0, 30.0), st.floats(0.01, 10.0))
def test_a_small_beam_burns_its_target_up_and_makes_less(name: str, energy_MeV: float, area_cm2: float) -> None:
    free = irradiate(name, energy_MeV, 5.0, 1e-3, 1e6)
    r = irradiate(name, energy_MeV, 5.0, 1e-3, 1e6, beam_area_cm2=area_cm2)
    product = reaction(name).product
    assert free.burn_up is None and r.burn_up is not None and 0 < r.burn_up < 1
    assert r.eob.activity_Bq[product] < free.eob.activity_Bq[product] and r.atoms_reacted < free.atoms_reacted
    assert r.atoms_reacted == pytest.approx(r.burn_up * r.target_atoms_per_cm2 * area_cm2)
