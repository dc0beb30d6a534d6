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
    assert slow.model[0] == 2
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


def test_any_number_of_threads_gives_the_same_bits():
    a, _ = noisy(9000)
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
