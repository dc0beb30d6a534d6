"""The uncertainty budget after EANM guidance, and DVH."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.core import BadInput
from lutetia.dosimetry.dvh import dvh
from lutetia.dosimetry.uncertainty import Recovery, blurred_sphere, dose_budget, volume_relative_u

RC = Recovery((1.0, 10.0, 100.0), (0.3, 0.6, 0.9), (0.03, 0.03, 0.02))


def budget(**change: object) -> dict:
    given_ = {"volume_mL": 20.0, "voxel_mm": 4.4, "fwhm_mm": 12.0, "volume_u": None, "recovery": None, "calibration_u": 0.05, "fit_u": 0.08, "s_u": 0.02}
    return dose_budget(**{**given_, **change})  # type: ignore[arg-type]


def test_blurred_sphere_against_a_numerical_convolution() -> None:
    n, step, radius, fwhm = 96, 1.0, 14.0, 12.0
    axes = np.meshgrid(*[np.arange(n) - n // 2] * 3, indexing="ij")
    r = step * np.sqrt(sum(a * a for a in axes))
    inside = np.clip((radius - r) / step + 0.5, 0, 1)
    sigma = fwhm / (2 * math.sqrt(2 * math.log(2)))
    f = np.fft.fftfreq(n, step)
    filter_ = np.exp(-2 * (math.pi * sigma) ** 2 * sum(np.square(x) for x in np.meshgrid(f, f, f, indexing="ij")))
    blurred = np.fft.ifftn(np.fft.fftn(inside) * filter_).real
    edge, recovery = blurred_sphere(radius, fwhm)
    assert recovery == pytest.approx((blurred * inside).sum() / inside.sum(), rel=0.01)
    assert edge == pytest.approx(np.interp(radius, np.arange(n // 2), blurred[n // 2, n // 2, n // 2 :]), rel=0.01)


def test_volume_uncertainty_of_a_small_sphere() -> None:
    # u(d)^2 = 4.4^2/6 + 12^2/(4 ln 2) = 3.23 + 51.94; d = 33.68 mm for 20 mL; u(v)/v = 3 u(d)/d.
    assert volume_relative_u(20.0, 4.4, 12.0) == pytest.approx(3 * math.sqrt(3.2267 + 51.937) / 33.68, rel=1e-3)


@given(st.floats(0.5, 2000.0), st.floats(1.0, 10.0), st.floats(2.0, 20.0), st.floats(0, 0.3), st.floats(0, 0.5))
def test_shares_sum_to_one(volume: float, voxel: float, fwhm: float, calibration: float, fit: float) -> None:
    b = budget(volume_mL=volume, voxel_mm=voxel, fwhm_mm=fwhm, calibration_u=calibration, fit_u=fit, recovery=RC)
    parts = b["components"].values()
    assert sum(p["share"] for p in parts) == pytest.approx(1.0)
    assert b["relative"] == pytest.approx(math.sqrt(sum(p["relative"] ** 2 for p in parts)))


def test_a_bigger_region_is_known_better() -> None:
    assert budget(volume_mL=1000.0)["relative"] < budget(volume_mL=2.0)["relative"]


def test_the_outline_moves_counts_recovery_and_mass_together() -> None:
    """Counts rise with the outline, the recovery coefficient too, and S falls: the net effect, not the sum."""
    u_v = volume_relative_u(20.0, 4.4, 12.0)
    edge, recovered = blurred_sphere((3 * 20e3 / (4 * math.pi)) ** (1 / 3), 12.0)
    assert budget()["components"]["volume"]["relative"] == pytest.approx(abs(edge / recovered - 1.0) * u_v)
    assert budget(recovery=RC)["components"]["volume"]["relative"] == pytest.approx(abs(edge / recovered - 1.0 - RC.at(20.0)[2]) * u_v)


def test_what_is_not_stated_is_said() -> None:
    note = budget(voxel_mm=None, fwhm_mm=None, calibration_u=None)["note"]
    assert "calibration not stated" in note and "volume not stated" in note
    assert "resolution not stated" in budget(fwhm_mm=None)["note"]


def test_recovery_between_and_beyond_its_table() -> None:
    assert RC.at(10.0)[0] == pytest.approx(0.6) and RC.at(1e-3)[0] == 0.3 and RC.at(1e6)[:2] == (0.9, 0.02)
    assert RC.at(math.sqrt(1000.0))[0] == pytest.approx(0.75)
    assert RC.at(50.0)[2] == pytest.approx(0.3 / math.log(10) / RC.at(50.0)[0])


@pytest.mark.parametrize("bad", [((1.0,), (0.5,), (0.1,)), ((2.0, 1.0), (0.5, 0.6), (0.1, 0.1)), ((1.0, 2.0), (0.0, 0.6), (0.1, 0.1)), ((1.0, 2.0), (0.5, 0.6), (0.1,))])
def test_an_impossible_recovery_table_is_refused(bad: tuple) -> None:
    with pytest.raises(BadInput):
        Recovery(*bad)


@given(st.lists(st.floats(0, 1e3), min_size=1, max_size=300))
def test_dvh_falls_and_brackets_its_mean(doses: list[float]) -> None:
    h = dvh(np.array(doses))
    assert np.all(np.diff(h.volume_fraction) <= 1e-12) and h.volume_fraction[0] == 1.0
    assert h.min_Gy <= h.D98_Gy <= h.D50_Gy <= h.D2_Gy <= h.max_Gy
    tolerance = 1e-9 * max(doses)
    assert h.min_Gy - tolerance <= h.mean_Gy <= h.max_Gy + tolerance


def test_dvh_of_a_known_distribution() -> None:
    h = dvh(np.linspace(0, 100, 10001), levels_Gy=(25.0,))
    assert h.D98_Gy == pytest.approx(2.0) and h.D2_Gy == pytest.approx(98.0) and h.V[25.0] == pytest.approx(0.75, abs=1e-3)
    # The area under a cumulative histogram is the mean dose.
    area = np.sum(np.diff(h.dose_Gy) * 0.5 * (h.volume_fraction[1:] + h.volume_fraction[:-1]))
    assert area == pytest.approx(h.mean_Gy, rel=0.01)
