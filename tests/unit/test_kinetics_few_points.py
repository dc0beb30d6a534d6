"""One scan: the published formulas, their range, their uncertainty."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.kinetics import TimeActivityCurve, fit_curve, single_time_point

H = 3600.0
DECAY = np.log(2) / (6.6443 * 86400)


def scan(t_h: float, half_life_h: float = 50.0, u: float = 0.0) -> TimeActivityCurve:
    a = 1e8 * 2 ** (-t_h / half_life_h)
    return TimeActivityCurve([t_h * H], [a], [u * a])


TRUE = 1e8 * 50 * H / np.log(2)


@pytest.mark.parametrize(("x", "ratio"), [(0.75, 0.892), (1.0, 1.0), (1.0 / np.log(2), 1.061), (2.0, 1.0), (2.5, 0.884)])
def test_hanscheid_deviates_from_a_mono_exponential_as_its_formula_says(x, ratio):
    result = single_time_point(scan(50 * x), "hanscheid", DECAY, half_life_s=50 * H)
    assert result.tia_Bq_s / TRUE == pytest.approx(ratio, abs=0.001)
    assert not any("outside" in w for w in result.warnings)


def test_hanscheid_outside_its_range_says_so():
    result = single_time_point(scan(20), "hanscheid", DECAY, half_life_s=50 * H)
    assert any("outside 0.75 to 2.5" in w and "-39 %" in w for w in result.warnings)
    assert result.u_tia_Bq_s / result.tia_Bq_s == pytest.approx(0.394, abs=0.001)
    assert any("2.5 physical" in w for w in single_time_point(scan(500), "hanscheid", DECAY).warnings)
    assert any("none was given" in w for w in single_time_point(scan(96), "hanscheid", DECAY).warnings)


def test_madsen_and_physical_are_exact_when_their_half_life_is_the_truth():
    assert single_time_point(scan(72), "madsen", DECAY, half_life_s=50 * H).tia_Bq_s == pytest.approx(TRUE)
    t_phys = 6.6443 * 24
    exact = single_time_point(scan(72, t_phys), "physical", DECAY, relative_u=0.3)
    assert exact.tia_Bq_s == pytest.approx(1e8 / DECAY)
    assert exact.u_tia_Bq_s == pytest.approx(0.3 * exact.tia_Bq_s)


def test_population_is_mean_and_spread_of_drawn_half_lives():
    rng = np.random.default_rng(3)
    s = np.sqrt(np.log(1 + 0.25**2))
    k = np.log(2) / np.minimum(50 * H * np.exp(s * rng.standard_normal(200_000)), np.log(2) / DECAY)
    a = scan(24).activity_Bq[0]
    drawn = a * np.exp(k * 24 * H) / k
    result = single_time_point(scan(24), "population", DECAY, half_life_s=50 * H, half_life_relative_u=0.25)
    assert result.tia_Bq_s == pytest.approx(drawn.mean(), rel=2e-3)
    assert result.u_tia_Bq_s == pytest.approx(drawn.std(), rel=2e-2)


@pytest.mark.parametrize("t_h", [24, 96, 168])
def test_a_wide_population_does_not_rest_on_half_lives_that_no_patient_has(t_h):
    """Drawn half-lives of 95 of 100 patients (50 h, 40 %) give integrals within a factor of about six: so must the spread."""
    s = np.sqrt(np.log(1 + 0.4**2))
    k = np.log(2) / np.minimum(50 * H * np.exp(s * np.array([-1.96, 0.0, 1.96])), np.log(2) / DECAY)
    low, middle, high = np.sort(scan(t_h).activity_Bq[0] * np.exp(k * t_h * H) / k)
    result = single_time_point(scan(t_h), "population", DECAY, half_life_s=50 * H, half_life_relative_u=0.4)
    assert low < result.tia_Bq_s < high
    assert result.u_tia_Bq_s < high


def test_a_scan_near_the_mean_life_hardly_depends_on_the_half_life():
    def u(t):
        r = single_time_point(scan(t), "population", DECAY, half_life_s=50 * H, half_life_relative_u=0.25)
        return r.u_tia_Bq_s / r.tia_Bq_s

    assert u(72) < 0.3 * u(4)


def test_the_point_s_own_uncertainty_is_added_in_quadrature():
    result = single_time_point(scan(72, u=0.08), "hanscheid", DECAY, relative_u=0.06)
    assert result.u_tia_Bq_s / result.tia_Bq_s == pytest.approx(0.10)


def test_the_curve_belongs_to_the_integral_and_the_point():
    for method, kw in (("hanscheid", {}), ("madsen", {"half_life_s": 40 * H}), ("physical", {"relative_u": 0.2})):
        point = scan(72)
        r = fit_curve(point, decay_constant_per_s=DECAY, method=method, **kw)
        assert np.sum(r.coefficients_Bq / r.rates_per_s) == pytest.approx(r.tia_Bq_s)
        assert r.activity_Bq(point.time_s)[0] == pytest.approx(point.activity_Bq[0])


@pytest.mark.parametrize(
    ("method", "kw"),
    [("madsen", {}), ("population", {"half_life_s": 50 * H}), ("physical", {}), ("guess", {}), ("hanscheid", {"relative_u": -1.0}), ("madsen", {"half_life_s": 0.0})],
)
def test_missing_knowledge_is_asked_for(method, kw):
    with pytest.raises(BadInput):
        single_time_point(scan(72), method, DECAY, **kw)


def test_more_than_one_point_is_not_a_single_time_point():
    two = TimeActivityCurve([H, 2 * H], [2.0, 1.0], [0.1, 0.1])
    with pytest.raises(BadInput, match="one point"):
        fit_curve(two, decay_constant_per_s=DECAY, method="hanscheid")
