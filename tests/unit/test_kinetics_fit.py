"""Fits of region curves: known curves come back, floors hold, few points are handled openly."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from lutetia.core import BadInput, CouldNot
from lutetia.kinetics import TimeActivityCurve, aicc, akaike_weights, fit_curve, interval_95

H = 3600.0
DECAY = np.log(2) / (6.6443 * 86400)


def curve(times_h, coefficients, half_lives_h, relative_u=0.05, factor=None):
    t = H * np.array(times_h, float)
    a = np.exp(-np.multiply.outer(t, np.log(2) / (H * np.array(half_lives_h, float)))) @ np.array(coefficients, float)
    a = a if factor is None else a * np.array(factor)
    return TimeActivityCurve(t, a, relative_u * a)


def integral(coefficients, half_lives_h):
    return float(np.sum(np.array(coefficients) * np.array(half_lives_h)) * H / np.log(2))


EXACT = {
    "mono-exponential": ([4, 24, 96, 168], [1e8], [50]),
    "uptake": ([1, 4, 24, 96, 168], [1e8, -1e8], [60, 2.5]),
    "bi-exponential": ([1, 4, 24, 72, 168], [7e7, 3e7], [60, 5]),
    "tri-exponential": ([0.5, 2, 5, 12, 24, 72, 168], [7e7, 3e7, -1e8], [80, 8, 0.7]),
}


@pytest.mark.parametrize("name", EXACT)
def test_each_model_gives_back_its_own_noise_free_curve(name):
    times, c, half_lives = EXACT[name]
    result = fit_curve(curve(times, c, half_lives), decay_constant_per_s=DECAY, models=[name])
    assert result.tia_Bq_s == pytest.approx(integral(c, half_lives), rel=1e-5)
    assert result.model == name
    assert result.effective_half_life_s == pytest.approx(half_lives[0] * H, rel=1e-4)


@pytest.mark.parametrize("name", EXACT)
def test_selection_finds_the_generating_model_when_the_points_are_precise(name):
    times, c, half_lives = EXACT[name]
    result = fit_curve(curve(times, c, half_lives, relative_u=1e-3), decay_constant_per_s=DECAY)
    assert result.tia_Bq_s == pytest.approx(integral(c, half_lives), rel=1e-3)
    assert max(result.candidates, key=lambda m: m["weight"])["name"] == name


def test_a_phase_that_vanishes_in_the_fit_is_not_counted_as_another_model():
    result = fit_curve(curve([4, 24, 72, 168], [1e8], [50]), decay_constant_per_s=DECAY)
    assert "uptake" not in result.model
    assert result.tia_Bq_s == pytest.approx(integral([1e8], [50]), rel=1e-4)


def test_covariance_and_uncertainty_are_those_of_curve_fit():
    noisy = curve([4, 24, 72, 168], [1e8], [50], factor=[1.02, 0.97, 1.03, 0.98])
    ours = fit_curve(noisy, decay_constant_per_s=DECAY, models=["mono-exponential"])
    (a, k), cov = curve_fit(lambda t, a, k: a * np.exp(-k * t), noisy.time_s, noisy.activity_Bq, p0=(1e8, 4e-6), sigma=noisy.u_activity_Bq, absolute_sigma=True, xtol=1e-14, ftol=1e-14, gtol=1e-14)
    # curve_fit minimises unscaled parameters 14 decades apart, hence its own 1e-4.
    assert ours.tia_Bq_s == pytest.approx(a / k, rel=1e-5)
    scale = np.sqrt(np.diag(cov))
    np.testing.assert_allclose(ours.candidates[0]["covariance"] / np.outer(scale, scale), cov / np.outer(scale, scale), rtol=2e-3)
    gradient = np.array([1 / k, -a / k**2])
    assert ours.u_tia_Bq_s == pytest.approx(np.sqrt(gradient @ cov @ gradient), rel=2e-3)


def test_the_average_curve_integrates_to_the_stated_integral():
    result = fit_curve(curve([4, 24, 72, 168], [7e7, 3e7], [60, 5], relative_u=0.1, factor=[1.05, 0.96, 1.03, 0.99]), decay_constant_per_s=DECAY)
    assert result.model.startswith("average: ")
    assert result.tia_Bq_s == pytest.approx(np.sum(result.coefficients_Bq / result.rates_per_s), rel=1e-12)
    assert sum(m["weight"] for m in result.candidates) == pytest.approx(1)
    u = [m["u_tia_Bq_s"] for m in result.candidates]
    tia, w = [m["tia_Bq_s"] for m in result.candidates], [m["weight"] for m in result.candidates]
    expected = sum(wi * (ui**2 + (ti - result.tia_Bq_s) ** 2) for wi, ui, ti in zip(w, u, tia))
    assert result.u_tia_Bq_s**2 == pytest.approx(expected, rel=1e-9)


def test_scatter_beyond_the_uncertainties_widens_the_result():
    factor = [1.2, 0.8, 1.2, 0.8]
    honest = fit_curve(curve([4, 24, 72, 168], [1e8], [50], 0.20, factor), decay_constant_per_s=DECAY, models=["mono-exponential"])
    bold = fit_curve(curve([4, 24, 72, 168], [1e8], [50], 0.02, factor), decay_constant_per_s=DECAY, models=["mono-exponential"])
    # Birge's ratio makes the bold claim as wide as its scatter: far above a tenth of the honest one.
    assert bold.u_tia_Bq_s > 0.5 * honest.u_tia_Bq_s
    assert any("scatter" in w for w in bold.warnings)


def test_two_points_give_the_curve_through_both():
    t1, t2, a1, a2 = 24 * H, 96 * H, 8e7, 3e7
    k = np.log(a1 / a2) / (t2 - t1)
    result = fit_curve(TimeActivityCurve([t1, t2], [a1, a2], [4e6, 1.5e6]), decay_constant_per_s=DECAY)
    assert result.model == "mono-exponential"
    assert result.tia_Bq_s == pytest.approx(a1 * np.exp(k * t1) / k, rel=1e-7)
    assert any("Two points" in w for w in result.warnings)


@pytest.mark.parametrize("factor", [1.0, 1.05])
def test_a_pair_that_falls_with_physical_decay_within_its_noise_falls_with_it(factor):
    late = 8e7 * np.exp(-DECAY * 72 * H) * factor
    result = fit_curve(TimeActivityCurve([24 * H, 96 * H], [8e7, late], [4e6, 4e6]), decay_constant_per_s=DECAY)
    assert result.model == "mono-exponential" and result.rates_per_s[0] == pytest.approx(DECAY, rel=1e-5)
    assert any("physical decay" in w for w in result.warnings)
    assert result.candidates[0]["degrees_of_freedom"] == 1  # the rate is held, so one point is left to check the fit
    assert not any("nothing is left" in w for w in result.warnings)
    # Points an hour apart say nothing of the rate: a factor of two in it remains, ln 2, and 5 % in each point.
    close = fit_curve(TimeActivityCurve([24 * H, 25 * H], [8e7, 8e7 * factor], [4e6, 4e6]), decay_constant_per_s=DECAY)
    assert close.u_tia_Bq_s / close.tia_Bq_s == pytest.approx(np.log(2), rel=0.15)


def by_hand(times_h, a, tail_rate):
    t = H * np.array(times_h, float)
    return a[0] * t[0] / 2 + float(np.sum(np.diff(t) * (np.array(a[1:]) + a[:-1]) / 2)) + a[-1] / tail_rate


@pytest.mark.parametrize(("times_h", "a"), [
    ([24, 96], [8e7, 8e7]), ([24, 96], [8e7, 1.2e8]), ([4, 24], [1e7, 1e8]), ([4, 24, 96], [1e8, 7e7, 1.5e8]), ([4, 24, 96], [1e8, 7e7, 3e8]),
    ([3.741, 27.726], [120.2e6, 138.6e6]), ([3.741, 27.726], [4.157e6, 5.405e6]),  # two liver lesions, doi 10.7302/0n8e-rz46
])  # fmt: skip
def test_what_rises_where_no_model_does_is_integrated_through_its_points(times_h, a):
    """Weights of a relative uncertainty would let a curve pass far below the points; nothing falls between them here."""
    result = fit_curve(TimeActivityCurve(H * np.array(times_h, float), a, 0.05 * np.array(a)), decay_constant_per_s=DECAY)
    assert result.model == "trapezoid with a tail of physical decay"
    assert result.tia_Bq_s == pytest.approx(by_hand(times_h, a, DECAY), rel=1e-9)
    spread = np.log(2) if a[-1] > a[-2] else 0.28  # what goes on to arrive; or only that the tail may be shorter
    assert result.u_tia_Bq_s > spread * a[-1] / DECAY
    assert result.effective_half_life_s == pytest.approx(np.log(2) / DECAY) and len(result.rates_per_s) == 0
    assert any("by trapezoids" in w for w in result.warnings) and any("tail assumes physical decay" in w for w in result.warnings)
    assert any("rises" in w for w in result.warnings) == (a[-1] > a[-2])
    assert result.candidates and all(c["weight"] == 0 for c in result.candidates)
    assert not any("goes through" in w for w in result.warnings)


def test_three_points_of_two_phases_are_followed_and_the_doubt_is_stated():
    """A mono-exponential misses [100, 20, 10] by far and lies low; straight lines lie high, and u says by how much."""
    a = np.array([100.0, 20, 10])
    result = fit_curve(TimeActivityCurve(H * np.array([4.0, 24, 96]), a, 0.05 * a), decay_constant_per_s=DECAY)
    assert result.tia_Bq_s == pytest.approx(by_hand([4, 24, 96], a, np.log(2) / (72 * H)), rel=1e-9)
    straight = 60 * 20 - 80 / np.log(5) * 20 + 15 * 72 - 10 / np.log(2) * 72
    assert result.u_tia_Bq_s > straight * H
    assert any("misses the points" in w for w in result.warnings)


@pytest.mark.parametrize(("slow_h", "fast_h", "part"), [(60, 5, 0.3), (60, 3, 0.2), (80, 8, 0.15)])
def test_where_one_phase_is_rejected_the_integral_is_near_the_truth(slow_h, fast_h, part):
    rng, ratio, inside = np.random.default_rng(11), [], []
    for _ in range(20):
        result = fit_curve(curve([4, 24, 96], [part, 1 - part], [slow_h, fast_h], 0.05, 1 + 0.05 * rng.standard_normal(3)), decay_constant_per_s=DECAY)
        truth, (low, high) = integral([part, 1 - part], [slow_h, fast_h]), interval_95(result)
        assert result.model.startswith("trapezoid")
        ratio.append(result.tia_Bq_s / truth)
        inside.append(low < truth < high)
    assert abs(np.median(ratio) - 1) < 0.1 and np.mean(inside) > 0.8


@pytest.mark.parametrize(("slow_h", "fast_h", "part", "times_h"), [
    (80, 8, 0.5, (4, 24, 72)), (80, 8, 0.3, (4, 24, 72)), (75, 10, 0.5, (4, 24, 72)), (75, 10, 0.6, (4, 24, 96)), (50, 2, 0.1, (4, 24, 72)),
])  # fmt: skip
@pytest.mark.parametrize("noise", [0.02, 0.03])
def test_a_curve_that_still_slows_down_has_that_in_its_uncertainty(slow_h, fast_h, part, times_h, noise):
    """Liver, spleen and marrow of two phases: the tail at the last two points' rate is too short, by up to 17 %."""
    rng, inside, u = np.random.default_rng(3), [], []
    for _ in range(12):
        measured = curve(times_h, [part, 1 - part], [slow_h, fast_h], noise, 1 + noise * rng.standard_normal(3))
        result = fit_curve(measured, decay_constant_per_s=DECAY)
        if result.model.startswith("trapezoid"):
            low, high = interval_95(result)
            inside.append(low < integral([part, 1 - part], [slow_h, fast_h]) < high)
            u.append(result.u_tia_Bq_s / result.tia_Bq_s)
    assert len(inside) > 5 and np.mean(inside) >= 0.8
    assert np.median(u) < 0.25


def test_the_uncertainty_does_not_jump_where_physical_decay_is_reached():
    """A pair that is a little too slow for a fit is a trapezoid, with about the same doubt: nothing is slower than decay."""
    u = []
    for late in (79.0, 80.0):
        a = np.array([100.0, late])
        result = fit_curve(TimeActivityCurve([24 * H, 96 * H], a, 0.03 * a), decay_constant_per_s=DECAY)
        u.append((result.model, result.u_tia_Bq_s / result.tia_Bq_s))
    assert u[0][0] == "mono-exponential" and u[1][0].startswith("trapezoid")
    assert u[1][1] == pytest.approx(u[0][1], rel=0.3)


@pytest.mark.parametrize("a", [[1e8, 1e3, 0.0], [1e8, 0.0, 0.0], [1e8, 1e7, 1e6]])
def test_what_fell_before_a_late_first_point_is_not_carried_back_without_bound(a):
    result = fit_curve(TimeActivityCurve(H * np.array([24.0, 48, 96]), a, np.maximum(0.05 * np.array(a), 1e6)), decay_constant_per_s=DECAY)
    # At most 2.5 half-lives before the first point: 2^2.5 x 9.6 h / ln 2 = 78.3 h of the first activity.
    assert result.tia_Bq_s < 78.4 * H * a[0] * 1.1
    assert result.tia_Bq_s + 2.5 * result.u_tia_Bq_s > 78.3 * H * a[0]
    assert any("too fast for a first point at 24 h" in w for w in result.warnings)


def test_a_first_point_at_the_administration_bounds_no_washout():
    points = TimeActivityCurve(H * np.array([0.0, 1, 4, 24]), [1e8, 2e7, 1e5, 0.0], [5e6, 1e6, 1e5, 1e5])
    result = fit_curve(points, decay_constant_per_s=DECAY)
    assert result.tia_Bq_s == pytest.approx(1e8 * H / np.log(5), rel=0.1)


def test_models_that_were_named_are_kept_and_the_misfit_is_told():
    a = np.array([1e8, 7e7, 3e8])
    result = fit_curve(TimeActivityCurve(H * np.array([4.0, 24, 96]), a, 0.05 * a), decay_constant_per_s=DECAY, models=["mono-exponential"])
    assert result.model == "mono-exponential" and any("do not describe the points" in w for w in result.warnings)


def test_two_phases_of_one_rate_are_one_phase():
    """Left kidney of a patient (doi 10.7302/0n8e-rz46), for which a bi-exponential ends in the mono-exponential with both rates alike."""
    a = 1e6 * np.array([98.561432, 73.599408, 25.395680, 19.046610])
    points = TimeActivityCurve([13468.0, 99811.0, 371139.0, 446341.0], a, 0.05 * a)
    result = fit_curve(points, decay_constant_per_s=DECAY)
    assert {c["name"] for c in result.candidates} == {"mono-exponential", "uptake"}
    for k in (c["parameters"] for c in fit_curve(points, decay_constant_per_s=DECAY, models=["mono-exponential", "bi-exponential"]).candidates):
        assert k.get("k2_per_s", k["k1_per_s"]) < 1.05 * k["k1_per_s"]


def test_a_late_rise_is_said_with_what_the_tail_assumes():
    rising = TimeActivityCurve(H * np.array([4, 24, 72, 120.0]), [1e7, 4e7, 6e7, 7e7], 0.05 * np.array([1e7, 4e7, 6e7, 7e7]))
    result = fit_curve(rising, decay_constant_per_s=DECAY)
    assert any("rises" in w and "assumes" in w for w in result.warnings)
    assert np.all(result.rates_per_s >= DECAY * (1 - 1e-9))


def test_zero_late_points_are_used():
    a = np.array([1e8, 4e7, 1e5, 0.0])
    result = fit_curve(TimeActivityCurve(H * np.array([2, 6, 48, 120.0]), a, np.maximum(0.05 * a, 1e6)), decay_constant_per_s=DECAY)
    assert result.tia_Bq_s == pytest.approx(1e8 * np.exp(np.log(2.5) / 2) / (np.log(2.5) / (4 * H)), rel=0.2)


def test_a_point_at_the_administration_decides_whether_the_curve_rises():
    start = curve([0, 4, 24, 96], [6e7, 4e7], [50, 5])
    assert {m["name"] for m in fit_curve(start, decay_constant_per_s=DECAY).candidates} == {"mono-exponential", "bi-exponential"}
    rise = curve([0, 4, 24, 96], [1e8, -1e8], [50, 3])
    rise = TimeActivityCurve(rise.time_s, rise.activity_Bq, np.maximum(rise.u_activity_Bq, 1e6))
    result = fit_curve(rise, decay_constant_per_s=DECAY)
    assert {m["name"] for m in result.candidates} == {"uptake"}
    assert result.tia_Bq_s == pytest.approx(integral([1e8, -1e8], [50, 3]), rel=1e-4)


def test_missing_uncertainties_are_assumed_and_said():
    points = curve([4, 24, 96, 168], [1e8], [50])
    result = fit_curve(TimeActivityCurve(points.time_s, points.activity_Bq, np.zeros(4)), decay_constant_per_s=DECAY)
    assert any("No uncertainties" in w for w in result.warnings)
    assert 0.02 < result.u_tia_Bq_s / result.tia_Bq_s < 0.5


def test_what_cannot_be_fitted_is_refused_with_a_sentence():
    one, three = curve([24], [1e8], [50]), curve([4, 24, 96], [1e8], [50])
    for bad in (
        lambda: fit_curve(one, decay_constant_per_s=DECAY),
        lambda: fit_curve(three, decay_constant_per_s=0.0),
        lambda: fit_curve(three, decay_constant_per_s=DECAY, method="best"),
        lambda: fit_curve(three, decay_constant_per_s=DECAY, models=["bi-exponential"]),
        lambda: fit_curve(three, decay_constant_per_s=DECAY, models=["biexp"]),
        lambda: fit_curve(three, decay_constant_per_s=DECAY, models=[]),
        lambda: fit_curve(three, decay_constant_per_s=DECAY, variance="guessed"),
        lambda: fit_curve(one, decay_constant_per_s=DECAY, method="trapezoid"),
    ):
        with pytest.raises(BadInput):
            bad()
    with pytest.raises(CouldNot, match="variance"):
        fit_curve(three, decay_constant_per_s=DECAY, variance="estimated")


def test_aicc_by_hand():
    # n = 6, chi2 = 3, one variance and two parameters: 6 ln(1/2) + 6 + 2*3*4/2.
    assert aicc(3.0, 6, 2, "estimated") == pytest.approx(6 * np.log(0.5) + 6 + 12)
    assert aicc(3.0, 5, 3, "estimated") == np.inf
    assert akaike_weights([0.0, 10.1])[1] == 0


def test_trapezoid_by_hand():
    points = TimeActivityCurve([10.0, 20.0, 40.0], [4.0, 8.0, 2.0], [0.0, 0.0, 0.0])
    result = fit_curve(points, decay_constant_per_s=1e-3, method="trapezoid")
    rate = np.log(4) / 20
    assert result.tia_Bq_s == pytest.approx(20 + 60 + 100 + 2 / rate)
    assert result.u_tia_Bq_s == pytest.approx(20 / np.sqrt(3))
    flat = fit_curve(TimeActivityCurve([10.0, 20.0], [4.0, 4.0], [0.0, 0.0]), decay_constant_per_s=0.01, method="trapezoid")
    assert flat.tia_Bq_s == pytest.approx(20 + 40 + 400)
    assert "physical" in flat.model and flat.warnings


def test_trapezoid_uncertainty_is_the_spread_of_noisy_repeats():
    t, a, u = H * np.array([4, 24, 96, 168.0]), np.array([9e7, 7e7, 2.5e7, 9e6]), np.array([4e6, 3e6, 1e6, 5e5])
    rng = np.random.default_rng(5)
    repeats = [fit_curve(TimeActivityCurve(t, a + u * rng.standard_normal(4), u), decay_constant_per_s=DECAY, method="trapezoid").tia_Bq_s for _ in range(600)]
    stated = fit_curve(TimeActivityCurve(t, a, u), decay_constant_per_s=DECAY, method="trapezoid").u_tia_Bq_s
    start = 9e7 * 4 * H / 2 / np.sqrt(3)
    assert np.hypot(np.std(repeats), start) == pytest.approx(stated, rel=0.1)


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    # 80 curves; the full table is in validation/tia_coverage.py. The bound is four binomial deviations below 95 %.
    rng, inside = np.random.default_rng(20), []
    for i in range(80):
        c, half_lives = ([7e7, 3e7], [60, 5]) if i % 2 else ([1e8, -1e8], [60, 2])
        factor = 1 + 0.07 * rng.standard_normal(4)
        result = fit_curve(curve([4, 24, 96, 168], c, half_lives, 0.07, factor), decay_constant_per_s=DECAY)
        low, high = interval_95(result)
        inside.append(low < integral(c, half_lives) < high)
    assert np.mean(inside) >= 0.86
