"""What holds for every generator and every schedule."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lutetia.nuclides import nuclide
from lutetia.supply.production.generators import (
    elute,
    elution_Bq,
    expiry_s,
    generator,
    generators,
    ingrown_Bq,
    milking_Bq_per_year,
    total_Bq,
)

kinds = st.sampled_from(generators())
gaps = st.lists(st.floats(0.02, 20.0), min_size=1, max_size=8)  # in half-lives of the daughter


def _times(name: str, steps: list[float]) -> list[float]:
    return list(np.cumsum(steps) * nuclide(generator(name).daughter).half_life_s)


@settings(max_examples=60, deadline=None)
@given(name=kinds, steps=gaps, share=st.floats(0.1, 1.0), activity=st.floats(1e6, 1e12))
def test_no_elution_gives_more_than_arose(name: str, steps: list[float], share: float, activity: float) -> None:
    """Atoms eluted are fewer than those of the parent that decayed; each elution is a share of what is there, and goes with the activity."""
    g = generator(name)
    times = _times(name, steps)
    done = elute(g, activity, times, efficiency=share)
    atoms = total_Bq(done) / nuclide(g.daughter).decay_constant_per_s
    parent = nuclide(g.parent).decay_constant_per_s
    decayed = activity / parent * -math.expm1(-parent * times[-1])
    # What stands between parent and daughter is in equilibrium at the start and adds a little.
    others = sum(activity / nuclide(n).decay_constant_per_s for n in ("Fr-221", "At-217", "Rn-220", "Po-216") if g.parent in ("Ac-225", "Ra-224"))
    assert 0 < atoms < decayed * (1 + 1e-9) + others
    for e in done:
        assert e.eluted_Bq == pytest.approx(share * e.on_column_Bq, rel=1e-12) and 0 < e.ingrowth <= 1 + 1e-9
    twice = elute(g, 2 * activity, times, efficiency=share)
    assert total_Bq(twice) == pytest.approx(2 * total_Bq(done), rel=1e-9)


@settings(max_examples=40, deadline=None)
@given(name=kinds.filter(lambda n: n != "Th-229/Ac-225"), steps=gaps)
def test_a_full_elution_is_that_of_the_short_formula(name: str, steps: list[float]) -> None:
    done = elute(generator(name), 1e9, _times(name, steps), efficiency=1.0)
    for e in done:
        assert e.on_column_Bq == pytest.approx(ingrown_Bq(e.parent_Bq, name, e.since_last_s), rel=2e-3)
        if generator(name).efficiency is not None:
            assert elution_Bq(e.parent_Bq, name, e.since_last_s) <= e.on_column_Bq * (1 + 2e-3)


@settings(max_examples=20, deadline=None)
@given(days=st.floats(1.0, 80.0), share=st.floats(0.2, 1.0), count=st.integers(1, 4))
def test_thorium_against_a_step_by_step_integration(days: float, share: float, count: int) -> None:
    """Three equations written out here; what is not recovered is lost, so every campaign begins bare."""
    rates = [nuclide(n).decay_constant_per_s for n in ("Th-229", "Ra-225", "Ac-225")]
    n = np.array([5.55e9 / rates[0], 0.0, 0.0])
    done = elute(generator("Th-229/Ac-225"), 5.55e9, [days * 86400.0 * i for i in range(1, count + 1)], efficiency=share)
    for e in done:
        n = solve_ivp(lambda _, y: [-rates[0] * y[0], rates[0] * y[0] - rates[1] * y[1], rates[1] * y[1] - rates[2] * y[2]], (0, days * 86400.0), n, rtol=1e-10, atol=1.0, method="DOP853").y[:, -1]
        assert e.on_column_Bq == pytest.approx(rates[2] * n[2], rel=1e-5)
        assert e.others_Bq["Ra-225"] == pytest.approx(share * rates[1] * n[1], rel=1e-5)
        n = np.array([n[0], 0.0, 0.0])


@given(days=st.floats(1.0, 120.0), recovery=st.floats(0.1, 1.0))
def test_radium_that_stays_never_gives_less(days: float, recovery: float) -> None:
    taken, kept = (milking_Bq_per_year(5.55e9, days * 86400.0, keep_radium=x, recovery=recovery) for x in (False, True))
    assert 0 < taken <= kept * (1 + 1e-9)
    # No more arises than 229Th's decays of a year, as atoms of 225Ac.
    assert kept <= 5.55e9 * 365.25 * 86400 * nuclide("Ac-225").decay_constant_per_s * (1 + 1e-3)


@given(ratio=st.floats(1e-9, 1.4e-4))
def test_at_its_expiry_an_eluate_is_at_the_limit(ratio: float) -> None:
    g = generator("Mo-99/Tc-99m")
    hours = expiry_s(g, ratio) / 3600
    parent, daughter = (0.5 ** (hours * 3600 / nuclide(n).half_life_s) for n in ("Mo-99", "Tc-99m"))
    assert ratio * parent / daughter == pytest.approx(0.15e-3, rel=1e-9)
