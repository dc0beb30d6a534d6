"""What must hold for every curve."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.kinetics import TimeActivityCurve, fit_curve, interval_95

H = 3600.0
DECAY = np.log(2) / (6.6443 * 86400)
values = st.lists(st.floats(0.01, 10), min_size=2, max_size=5)


def points(a, scale=1e7, stretch=1.0):
    t = stretch * H * np.array([3.0, 20, 50, 110, 170])[: len(a)]
    return TimeActivityCurve(t, scale * np.array(a), scale * np.hypot(0.07 * np.array(a), 0.01 * max(a)))


@given(values)
def test_any_positive_points_give_a_finite_integral_with_no_rate_below_physical_decay(a):
    r = fit_curve(points(a), decay_constant_per_s=DECAY)
    low, high = interval_95(r)
    assert 0 < low < r.tia_Bq_s < high < np.inf
    assert np.all(r.rates_per_s >= DECAY * (1 - 1e-9))
    assert r.effective_half_life_s <= np.log(2) / DECAY * (1 + 1e-9)
    assert np.all(r.activity_Bq(H * np.linspace(0, 2000, 200)) >= -1e-6 * 1e8)


@given(values, st.floats(1e-3, 1e6))
def test_twice_the_activity_is_twice_the_integral(a, factor):
    one, other = fit_curve(points(a), decay_constant_per_s=DECAY), fit_curve(points(a, 1e7 * factor), decay_constant_per_s=DECAY)
    assert other.tia_Bq_s == pytest.approx(factor * one.tia_Bq_s, rel=1e-6)
    assert other.u_tia_Bq_s == pytest.approx(factor * one.u_tia_Bq_s, rel=1e-4)


@given(values)
def test_the_unit_of_time_does_not_matter(a):
    one = fit_curve(points(a), decay_constant_per_s=DECAY)
    other = fit_curve(points(a, stretch=10.0), decay_constant_per_s=DECAY / 10)
    assert other.tia_Bq_s == pytest.approx(10 * one.tia_Bq_s, rel=1e-6)


@given(values)
def test_a_trapezoid_is_never_below_the_points_and_physical_decay_is_its_longest_tail(a):
    c = points(a)
    r = fit_curve(c, decay_constant_per_s=DECAY, method="trapezoid")
    inside = np.trapezoid(np.append(0, c.activity_Bq), np.append(0, c.time_s)) if hasattr(np, "trapezoid") else np.trapz(np.append(0, c.activity_Bq), np.append(0, c.time_s))
    assert inside <= r.tia_Bq_s <= inside + c.activity_Bq[-1] / DECAY * (1 + 1e-12)
