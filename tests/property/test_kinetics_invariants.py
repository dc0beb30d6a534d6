"""What must hold for every curve."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.kinetics import TimeActivityCurve, fit_curve, fit_voxels, interval_95

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


def most_hours(t_h, decay_per_h):
    """The largest integral per unit of the largest activity, h, that the limits of the rates allow a curve.

    Washouts from physical decay to 2.5 half-lives before the first point (or three times physical decay), uptakes down to a
    half-life of the last point above them: the worst of each one-phase curve, and a straight course with a tail.
    """
    fastest, lag = max(2.5 * np.log(2) / t_h[0], 3 * decay_per_h), max(np.log(2) / t_h[-1] - decay_per_h, 0.0)
    k = np.geomspace(decay_per_h, fastest, 60)[:, None]
    q = np.maximum(np.append(np.geomspace(1.05 * decay_per_h, 1e3 * fastest, 300), np.inf), np.maximum(1.05 * k, k + lag))
    shape = np.exp(-np.multiply.outer(k, t_h)) - np.exp(-np.multiply.outer(q, t_h))
    return max(float(((1 / k - 1 / q) / shape.max(-1)).max()), t_h[-1] + 1 / decay_per_h)


#: What noise of up to four standard deviations of 10 % may add: a curve that passes so far above the largest point.
_NOISE = 1.4


@given(
    st.lists(st.floats(0.3, 200), min_size=2, max_size=5, unique_by=lambda h: round(h, 1)),
    st.floats(10, 500),
    st.lists(st.lists(st.sampled_from([0.0, 1e-6, 1e-3, 0.03, 0.3, 0.9, 1.0]), min_size=5, max_size=5), min_size=1, max_size=20),
)
def test_no_voxel_holds_more_than_its_largest_activity_times_a_bound(times_h, half_life_h, voxels):
    t = np.sort(np.array(times_h))
    decay = np.log(2) / half_life_h
    a = np.array(voxels)[:, : len(t)].T
    fits = fit_voxels(H * t, a, decay_constant_per_s=decay / H)
    assert np.all(np.isfinite(fits.tia_Bq_s)) and np.all(np.isfinite(fits.u_tia_Bq_s))
    assert np.all(fits.tia_Bq_s <= _NOISE * most_hours(t, decay) * H * a.max(0))


@given(st.lists(st.sampled_from([0.0, 1e-6, 1e-3, 0.03, 0.3, 0.9, 1.0]), min_size=2, max_size=4).filter(any), st.floats(0.5, 30))
def test_no_region_does_either(a, first_h):
    t = first_h * np.array([1.0, 2.0, 4.0, 7.0])[: len(a)]
    decay = np.log(2) / 160
    a = np.array(a)
    r = fit_curve(TimeActivityCurve(H * t, a, np.hypot(0.1 * a, 0.02 * a.max())), decay_constant_per_s=decay / H)
    assert r.tia_Bq_s <= _NOISE * most_hours(t, decay) * H * a.max()
