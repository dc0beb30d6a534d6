"""Worked examples and measured curves from outside."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lutetia.core import BadInput, CouldNot
from lutetia.kinetics import TimeActivityCurve, fit_curve

H = 3600.0

# Worksheet beside jacksonmedphysics/TriExponential-Solver (method: Jackson 2013, doi:10.1118/1.4824318):
# 1200, 600, 400 kBq/mL at 4, 24, 72 h, half-life 161.04 h.
WORKSHEET = {
    "rates_per_h": [1.3, 0.2157839868, 0.0041429971],
    "amplitudes": [-1915.5622887, 1180.7153659, 734.8469228],
    "integral_kBq_h_per_mL": 90889.155,
    "dose_Gy": 7.88009,
    "Gy_per_kBq_h_per_mL": 8.67e-5,
}


def test_tri_exponential_worked_example():
    a = np.array([1200.0, 600.0, 400.0])
    decay = np.log(2) / (161.04 * H)
    r = fit_curve(TimeActivityCurve(H * np.array([4.0, 24, 72]), a, 0.05 * a), decay_constant_per_s=decay, method="tri-exponential-jackson2013")
    np.testing.assert_allclose((r.rates_per_s - decay) * H, WORKSHEET["rates_per_h"], rtol=1e-6)
    np.testing.assert_allclose(r.coefficients_Bq, WORKSHEET["amplitudes"], rtol=1e-6)
    assert r.tia_Bq_s / H == pytest.approx(WORKSHEET["integral_kBq_h_per_mL"], rel=1e-6)
    assert r.tia_Bq_s / H * WORKSHEET["Gy_per_kBq_h_per_mL"] == pytest.approx(WORKSHEET["dose_Gy"], rel=1e-5)
    assert r.activity_Bq(np.array([0.0]))[0] == pytest.approx(0, abs=1e-9)
    assert 0.03 < r.u_tia_Bq_s / r.tia_Bq_s < 0.2


@pytest.mark.parametrize("a", [[1200.0, 400.0, 450.0], [605.0, 560.0, 400.0], [1.0, 600.0, 400.0]])
def test_jackson_constraints_are_refused_where_they_do_not_describe_the_curve(a):
    decay = np.log(2) / (161.04 * H)
    if a[0] == 605.0:  # put the first point on the last phase
        k = np.log(560.0 / 400.0) / 48
        a = [560.0 * np.exp(20 * k), 560.0, 400.0]
    points = TimeActivityCurve(H * np.array([4.0, 24, 72]), a, 0.05 * np.array(a))
    with pytest.raises(CouldNot, match="Jackson"):
        fit_curve(points, decay_constant_per_s=decay, method="tri-exponential-jackson2013")


def test_jackson_takes_three_points():
    with pytest.raises(BadInput, match="three points"):
        fit_curve(TimeActivityCurve([1.0, 2.0], [2.0, 1.0], [0.1, 0.1]), decay_constant_per_s=1e-6, method="tri-exponential-jackson2013")


@pytest.fixture(scope="module")
def patient(shared):
    """177Lu-DOTATATE patient with four scans, doi:10.7302/0n8e-rz46 (measured activities, MBq)."""
    return json.loads((shared / "cases" / "snmmi-patient4" / "regions.json").read_text())


def _curve(patient, organ, which=slice(None)):
    a = 1e6 * np.array(patient["roi_activity_MBq_at_scan_time"][organ])[which]
    return TimeActivityCurve(H * np.array(patient["scan_times_h"])[which], a, 0.07 * a)


@pytest.mark.parametrize("organ", ["Kidney_Left", "Kidney_Right", "Liver", "Spleen"])
def test_patient_curves_agree_with_the_trapezoid(patient, organ):
    decay = np.log(2) / (patient["half_life_h"] * H)
    fitted = fit_curve(_curve(patient, organ), decay_constant_per_s=decay)
    plain = fit_curve(_curve(patient, organ), decay_constant_per_s=decay, method="trapezoid")
    assert abs(plain.tia_Bq_s - fitted.tia_Bq_s) < 2 * np.hypot(plain.u_tia_Bq_s, fitted.u_tia_Bq_s)
    assert fitted.u_tia_Bq_s < plain.u_tia_Bq_s  # the last two scans are a day apart: a poor tail by themselves
    assert 30 * H < fitted.effective_half_life_s < 110 * H


@pytest.mark.parametrize("organ", ["Kidney_Left", "Kidney_Right", "Liver", "Spleen"])
def test_one_scan_at_103_h_serves_and_one_at_28_h_does_not(patient, organ):
    decay = np.log(2) / (patient["half_life_h"] * H)
    full = fit_curve(_curve(patient, organ), decay_constant_per_s=decay)
    late = fit_curve(_curve(patient, organ, slice(2, 3)), decay_constant_per_s=decay, method="hanscheid", half_life_s=full.effective_half_life_s)
    early = fit_curve(_curve(patient, organ, slice(1, 2)), decay_constant_per_s=decay, method="hanscheid", half_life_s=full.effective_half_life_s)
    assert late.tia_Bq_s == pytest.approx(full.tia_Bq_s, rel=0.15)
    assert early.tia_Bq_s < 0.85 * full.tia_Bq_s
    assert any("outside" in w for w in early.warnings)
