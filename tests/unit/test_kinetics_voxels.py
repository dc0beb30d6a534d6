"""Voxel fits: the same integrals as the region fits and as SciPy, one result for any number of threads."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy.optimize import curve_fit

from lutetia.core import BadInput
from lutetia.kinetics import TimeActivityCurve, fit_curve, fit_voxels

H = 3600.0
T = H * np.array([4.0, 24, 96, 168])
DECAY = np.log(2) / (6.6443 * 86400)


def noisy(n=400, seed=1, noise=0.10):
    rng = np.random.default_rng(seed)
    k = np.log(2) / (H * rng.uniform(20, 140, n))
    a0 = 10 ** rng.uniform(1, 6, n)
    return a0 * np.exp(-np.multiply.outer(T, k)) * (1 + noise * rng.standard_normal((4, n))), a0 / k


def test_mono_exponential_voxels_are_those_of_curve_fit():
    a, _ = noisy()
    fits = fit_voxels(T, a, decay_constant_per_s=DECAY)
    mono = np.flatnonzero(fits.model == 1)[:60]
    for v in mono:
        y = a[:, v]
        sigma = np.hypot(0.1 * y, 0.02 * y.max())
        (s, k), cov = curve_fit(lambda t, s, k: s * np.exp(-k * t / H), T, y / y.max(), p0=(1, 0.01), sigma=sigma / y.max(), absolute_sigma=True)
        assert fits.tia_Bq_s[v] == pytest.approx(y.max() * s / k * H, rel=2e-4)
        g = np.array([1 / k, -s / k**2]) * y.max() * H
        r = (s * np.exp(-k * T / H) * y.max() - y) / sigma
        assert fits.u_tia_Bq_s[v] == pytest.approx(np.sqrt(g @ cov @ g * max(1, r @ r / 2)), rel=2e-3)


def test_noise_free_curves_come_back():
    k = np.log(2) / (H * np.array([15.0, 50, 150, 60, 100]))
    q = np.array([np.inf, np.inf, np.inf, np.log(2) / (3 * H), np.log(2) / (8 * H)])
    a = 1e4 * (np.exp(-np.multiply.outer(T, k)) - np.exp(-np.multiply.outer(T, q)))
    fits = fit_voxels(T, a, decay_constant_per_s=DECAY, relative_u=0.02, relative_floor=0.005)
    np.testing.assert_allclose(fits.tia_Bq_s, 1e4 * (1 / k - 1 / q), rtol=1e-4)
    assert fits.model.tolist() == [1, 1, 1, 3, 3]


T5, T6 = H * np.array([1.0, 4, 24, 72, 168]), H * np.array([1.0, 4, 12, 24, 72, 168])


def two_phases(t, n=200, seed=3, rise_h=0.0):
    """Curves of two washout phases, with an uptake half-life or without; and their integrals."""
    rng = np.random.default_rng(seed)
    slow, quick = np.log(2) / (H * rng.uniform(50, 140, n)), np.log(2) / (H * rng.uniform(2, 12, n))
    part = rng.uniform(0.2, 0.8, n)
    a = part * np.exp(-np.multiply.outer(t, slow)) + (1 - part) * np.exp(-np.multiply.outer(t, quick))
    tia = part / slow + (1 - part) / quick
    if rise_h:
        q = np.log(2) / (H * rise_h)
        a, tia = a - np.exp(-q * t)[:, None], tia - 1 / q
    return 1e5 * a, 1e5 * tia


@pytest.mark.parametrize("t", [T5, T6])
def test_noise_free_voxels_of_two_phases_come_back(t):
    a, truth = two_phases(t)
    fits = fit_voxels(t, a, decay_constant_per_s=DECAY, relative_u=0.02, relative_floor=0.005)
    assert np.all(fits.model == 6)
    np.testing.assert_allclose(fits.tia_Bq_s, truth, rtol=1e-4)


def test_a_second_phase_that_falls_with_physical_decay_comes_back():
    a = 100 * np.exp(-DECAY * T5) + 300 * np.exp(-np.log(2) / (6 * H) * T5)
    fits = fit_voxels(T5, a[:, None], decay_constant_per_s=DECAY, relative_u=0.02, relative_floor=0.005)
    assert fits.model[0] == 6
    assert fits.tia_Bq_s[0] == pytest.approx(100 / DECAY + 300 * 6 * H / np.log(2), rel=1e-4)


def test_two_phases_after_an_uptake_come_back():
    a, truth = two_phases(T6, rise_h=0.7)
    fits = fit_voxels(T6, a, decay_constant_per_s=DECAY, relative_u=0.01, relative_floor=0.002)
    three = fits.model == 7
    assert three.mean() > 0.9
    np.testing.assert_allclose(fits.tia_Bq_s[three], truth[three], rtol=5e-3)


def test_models_that_tie_are_averaged():
    """The mean lies between the candidates, and its uncertainty holds their weighted distance."""
    a, _ = two_phases(T5, n=60, seed=5)
    a = a * (1 + 0.1 * np.random.default_rng(6).standard_normal(a.shape))
    fits = fit_voxels(T5, a, decay_constant_per_s=DECAY)
    tied = np.flatnonzero(fits.model == 8)
    assert len(tied) > 5
    for v in tied[:8]:
        region = fit_curve(TimeActivityCurve(T5, a[:, v], np.hypot(0.1 * a[:, v], 0.02 * a[:, v].max())), decay_constant_per_s=DECAY)
        near = [c for c in region.candidates if c["AICc"] - min(x["AICc"] for x in region.candidates) < 4]
        values = [c["tia_Bq_s"] for c in near]
        assert min(values) * (1 - 1e-3) <= fits.tia_Bq_s[v] <= max(values) * (1 + 1e-3)
        weights = np.exp(-0.5 * np.array([c["AICc"] for c in near]))
        weights /= weights.sum()
        if len(near) == 2:
            assert fits.u_tia_Bq_s[v] > 0.99 * np.sqrt(weights[0] * weights[1]) * abs(values[0] - values[1])


@pytest.mark.parametrize(("noise", "middle", "most"), [(0.10, 0.01, 0.05), (0.03, 0.01, 0.03)])
def test_noisy_voxels_agree_with_the_region_fit(noise, middle, most):
    a, _ = two_phases(T5, n=30, seed=7)
    a = a * (1 + noise * np.random.default_rng(8).standard_normal(a.shape))
    fits = fit_voxels(T5, a, decay_constant_per_s=DECAY, relative_u=noise, relative_floor=noise / 5)
    regions = [
        fit_curve(TimeActivityCurve(T5, y, noise * np.hypot(y, y.max() / 5)), decay_constant_per_s=DECAY) for y in a.T
    ]
    difference = np.abs(fits.tia_Bq_s / [r.tia_Bq_s for r in regions] - 1)
    assert np.median(difference) < middle and np.quantile(difference, 0.9) < most
    assert 0.9 < np.median(fits.u_tia_Bq_s / [r.u_tia_Bq_s for r in regions]) < 1.1


@pytest.mark.parametrize("t", [T5, T6])
def test_uncertainties_describe_the_errors_of_two_phases(t):
    a, truth = two_phases(t, n=4000, seed=9)
    a = a * (1 + 0.05 * np.random.default_rng(10).standard_normal(a.shape))
    fits = fit_voxels(t, a, decay_constant_per_s=DECAY, relative_u=0.05, relative_floor=0.01)
    z = np.abs(fits.tia_Bq_s - truth) / fits.u_tia_Bq_s
    assert 0.6 < np.mean(z < 1) < 0.95 and np.mean(z < 2) > 0.9


def test_shape_dtype_and_empty_voxels():
    a = np.zeros((4, 3, 2, 5), np.float32)
    a[:, 1, 1, 2] = 100 * np.exp(-1e-5 * T)
    fits = fit_voxels(T, a, decay_constant_per_s=DECAY)
    assert fits.tia_Bq_s.shape == (3, 2, 5) and fits.tia_Bq_s.dtype == np.float32 and fits.model.dtype == np.uint8
    assert np.count_nonzero(fits.tia_Bq_s) == 1 and fits.tia_Bq_s[1, 1, 2] == pytest.approx(1e7, rel=1e-4)


def test_negative_voxels_count_as_zero_and_non_finite_ones_are_refused():
    a, _ = noisy(4)
    a[3, 0], a[:, 1] = -5.0, -1.0
    fits = fit_voxels(T, a, decay_constant_per_s=DECAY)
    assert fits.tia_Bq_s[1] == 0 and fits.model[1] == 0 and fits.tia_Bq_s[0] > 0
    a[2, 2] = np.nan
    with pytest.raises(BadInput, match="not finite"):
        fit_voxels(T, a, decay_constant_per_s=DECAY)


def test_the_rate_is_never_below_physical_decay():
    rising = np.array([[1.0, 5], [2, 5], [3, 5], [4, 5]])
    fits = fit_voxels(T, rising, decay_constant_per_s=DECAY)
    assert fits.model[1] in (2, 4)
    tail = rising[3] / DECAY
    assert np.all(fits.tia_Bq_s > 0.8 * tail) and np.all(fits.tia_Bq_s < 2.5 * tail)


def test_two_volumes_and_one():
    k = np.log(2) / (50 * H)
    two = 100 * np.exp(-k * T[1:3])[:, None] * np.ones((1, 3))
    fits = fit_voxels(T[1:3], two, decay_constant_per_s=DECAY)
    np.testing.assert_allclose(fits.tia_Bq_s, 100 / k, rtol=1e-6)
    region = fit_curve(TimeActivityCurve(T[1:3], two[:, 0], np.hypot(0.1 * two[:, 0], 0.02 * two[0, 0])), decay_constant_per_s=DECAY)
    assert fits.u_tia_Bq_s[0] == pytest.approx(region.u_tia_Bq_s, rel=1e-4)
    slow = fit_voxels(T[1:3], np.array([[5.0], [6.0]]), decay_constant_per_s=DECAY)
    assert slow.model[0] == 4
    flat = fit_voxels(T[1:3], np.array([[5.0], [3.7]]), decay_constant_per_s=DECAY)
    assert flat.model[0] == 2
    one = fit_voxels(T[2:3], two[1:], decay_constant_per_s=DECAY, single_time_point_s=1000.0, relative_u=0.2)
    np.testing.assert_allclose(one.tia_Bq_s, two[1] * 1000, rtol=1e-6)
    np.testing.assert_allclose(one.u_tia_Bq_s, 0.2 * one.tia_Bq_s, rtol=1e-6)
    with pytest.raises(BadInput, match="single_time_point_s"):
        fit_voxels(T[2:3], two[1:], decay_constant_per_s=DECAY)


def test_a_curve_no_model_fits_is_integrated_by_trapezoids():
    a = np.array([100.0, 5, 90, 3])
    fits = fit_voxels(T, a[:, None], decay_constant_per_s=DECAY)
    region = fit_curve(TimeActivityCurve(T, a, 0 * a), decay_constant_per_s=DECAY, method="trapezoid")
    assert fits.model[0] == 4 and fits.tia_Bq_s[0] == pytest.approx(region.tia_Bq_s, rel=1e-6)


@pytest.mark.parametrize(("times_h", "a"), [
    ([24, 48, 96], [1, 0, 0]), ([24, 26, 96], [1, 0, 0]), ([24, 48], [1, 0]), ([24, 48, 96, 168], [1, 0, 0, 0]), ([24, 48], [100, 10]), ([4, 24], [10, 100]),
    ([4, 24, 96], [100, 70, 300]), ([4, 24, 96], [100, 20, 10]), ([4, 24, 96], [1, 2, 4]), ([24, 96], [1, 0]), ([4, 24], [10, 9.9]),
    ([4, 24, 72], [100, 20, 12]), ([4, 24, 96, 168], [100, 60, 10, 8]),
])  # fmt: skip
def test_voxels_that_no_model_describes_are_those_of_the_region_fit(times_h, a):
    t, a = H * np.array(times_h, float), np.array(a, float)
    voxel = fit_voxels(t, a[:, None], decay_constant_per_s=DECAY)
    region = fit_curve(TimeActivityCurve(t, a, np.hypot(0.1 * a, 0.02 * a.max())), decay_constant_per_s=DECAY)
    assert voxel.tia_Bq_s[0] == pytest.approx(region.tia_Bq_s, rel=1e-3)
    assert voxel.u_tia_Bq_s[0] == pytest.approx(region.u_tia_Bq_s, rel=5e-3)
    assert (voxel.model[0] == 4) == region.model.startswith("trapezoid")


def test_a_voxel_of_the_first_scan_alone_holds_no_more_than_that_scan_can_tell():
    """Noise at the edge, or a place that later scans do not reach: at 24, 26 and 96 h the integral once was infinite."""
    for times_h in ([24, 48, 96], [24, 26, 96], [24, 72, 120, 168], [4, 24, 96]):
        t = H * np.array(times_h, float)
        fits = fit_voxels(t, np.eye(len(t))[:, :1], decay_constant_per_s=DECAY)
        assert t[0] / 2 < fits.tia_Bq_s[0] < 2**2.5 * t[0] / (2.5 * np.log(2)) * 1.1


def test_what_a_scan_did_not_see_is_missing_and_not_zero():
    a, _ = two_phases(T, 300, seed=12)
    a = a * (1 + 0.05 * np.random.default_rng(13).standard_normal(a.shape))
    seen = np.ones(a.shape, bool)
    seen[3, :100], seen[1:, 100:150], seen[0, 150:160] = False, False, False
    fits = fit_voxels(T, np.where(seen, a, 0), decay_constant_per_s=DECAY, seen=seen)
    for scans, voxels in (([0, 1, 2, 3], slice(160, 300)), ([0, 1, 2], slice(0, 100)), ([1, 2, 3], slice(150, 160))):
        part = fit_voxels(T[scans], a[scans, voxels], decay_constant_per_s=DECAY)
        np.testing.assert_array_equal(fits.tia_Bq_s[voxels], part.tia_Bq_s)
        np.testing.assert_array_equal(fits.u_tia_Bq_s[voxels], part.u_tia_Bq_s)
    ratio = fits.tia_Bq_s[160:].sum(dtype=float) / a[0, 160:].sum()
    np.testing.assert_allclose(fits.tia_Bq_s[100:150], ratio * a[0, 100:150], rtol=1e-5)
    assert np.all(fits.model[100:150] == 9)
    np.testing.assert_allclose(fits.u_tia_Bq_s[100:150] / fits.tia_Bq_s[100:150], np.log(2), rtol=1e-5)
    whole = fit_voxels(T, a, decay_constant_per_s=DECAY)
    np.testing.assert_array_equal(fit_voxels(T, a, decay_constant_per_s=DECAY, seen=np.ones(a.shape, bool)).tia_Bq_s, whole.tia_Bq_s)
    with pytest.raises(BadInput, match="No voxel was seen by two scans"):
        fit_voxels(T, a, decay_constant_per_s=DECAY, seen=np.arange(4)[:, None] == np.zeros(300, int))
    with pytest.raises(BadInput, match="must be alike"):
        fit_voxels(T, a, decay_constant_per_s=DECAY, seen=seen[:3])


def test_a_voxel_of_one_scan_holds_no_more_than_decay_alone_leaves():
    """Where the shared field still fills after scan 1, its ratio of integral to activity has no bound of its own."""
    t = H * np.array([4.0, 24, 96])
    a = np.array([[0.01, 1.0, 0.9], [5.0, 0.0, 0.0]]).T
    seen = np.array([[True, True], [True, False], [True, False]])
    fits = fit_voxels(t, a, decay_constant_per_s=DECAY, seen=seen)
    assert fits.tia_Bq_s[0] / a[0, 0] > 10 * (t[0] + 1 / DECAY)
    assert fits.tia_Bq_s[1] == pytest.approx(5.0 * (t[0] + 1 / DECAY), rel=1e-6)


@pytest.mark.parametrize("phases", [1, 2])
def test_any_number_of_threads_gives_the_same_bits(phases):
    a = noisy(9000)[0] if phases == 1 else two_phases(T, 9000)[0] * (1 + 0.1 * np.random.default_rng(4).standard_normal((4, 9000)))
    before = numba.get_num_threads()
    try:
        results = []
        for n in sorted({1, min(2, numba.config.NUMBA_NUM_THREADS), numba.config.NUMBA_NUM_THREADS}):
            numba.set_num_threads(n)
            results.append(fit_voxels(T, a, decay_constant_per_s=DECAY))
    finally:
        numba.set_num_threads(before)
    for r in results[1:]:
        assert np.array_equal(r.tia_Bq_s, results[0].tia_Bq_s) and np.array_equal(r.u_tia_Bq_s, results[0].u_tia_Bq_s) and np.array_equal(r.model, results[0].model)


def test_uncertainties_describe_the_errors():
    a, truth = noisy(4000, seed=2)
    fits = fit_voxels(T, a, decay_constant_per_s=DECAY)
    z = (fits.tia_Bq_s - truth) / fits.u_tia_Bq_s
    assert 0.6 < z.std() < 1.2 and abs(np.median(z)) < 0.2


@pytest.mark.parametrize(
    ("t", "shape", "kw"),
    [(T[:3], (4, 2), {}), (T[::-1], (4, 2), {}), (T - T[0], (4, 2), {}), (T, (4, 2), {"relative_u": 0.0}), (T, (4, 2), {"decay_constant_per_s": -1.0})],
)
def test_inputs_that_do_not_fit_together_are_refused(t, shape, kw):
    with pytest.raises(BadInput):
        fit_voxels(t, np.ones(shape), **{"decay_constant_per_s": DECAY, **kw})
