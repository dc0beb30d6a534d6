"""What must hold for every curve."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
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


@settings(max_examples=12)
@given(values, st.floats(1e-3, 1e6))
def test_twice_the_activity_is_twice_the_integral(a, factor):
    one, other = fit_curve(points(a), decay_constant_per_s=DECAY), fit_curve(points(a, 1e7 * factor), decay_constant_per_s=DECAY)
    # Flat minima are left at places that differ by far less than their uncertainty.
    assert abs(other.tia_Bq_s / factor - one.tia_Bq_s) < 0.02 * one.u_tia_Bq_s


@settings(max_examples=12)
@given(values)
def test_the_unit_of_time_does_not_matter(a):
    one = fit_curve(points(a), decay_constant_per_s=DECAY)
    other = fit_curve(points(a, stretch=10.0), decay_constant_per_s=DECAY / 10)
    assert abs(other.tia_Bq_s / 10 - one.tia_Bq_s) < 0.02 * one.u_tia_Bq_s


@given(values)
def test_a_trapezoid_is_never_below_the_points_and_physical_decay_is_its_longest_tail(a):
    c = points(a)
    r = fit_curve(c, decay_constant_per_s=DECAY, method="trapezoid")
    t, a = np.append(0, c.time_s), np.append(0, c.activity_Bq)
    inside = float(np.sum(np.diff(t) * (a[1:] + a[:-1]) / 2))
    assert inside <= r.tia_Bq_s * (1 + 1e-12) and r.tia_Bq_s <= (inside + a[-1] / DECAY) * (1 + 1e-12)
