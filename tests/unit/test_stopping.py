"""Stopping powers: ranges and energies are inverse, the tables' ends are handled as stated."""

import numpy as np
import pytest
from scipy.integrate import trapezoid

from lutetia.core import BadInput
from lutetia.transport import stopping as st


@pytest.mark.parametrize("material", st.electron_materials())
def test_range_is_the_integral_of_inverse_stopping_power(material):
    E = np.geomspace(0.05, 9.0, 4001)
    S_col, S_rad = st.electron_stopping_power(E, material)
    between = trapezoid(E / (S_col + S_rad), np.log(E))
    assert st.electron_csda_range_g_cm2(9.0, material) - st.electron_csda_range_g_cm2(0.05, material) == pytest.approx(between, rel=5e-4)


def test_radiation_yield_is_the_integral_of_the_radiative_share():
    E = np.geomspace(0.01, 2.0, 4001)
    S_col, S_rad = st.electron_stopping_power(E)
    gained = trapezoid(E * S_rad / (S_col + S_rad), np.log(E))
    assert 2.0 * st.electron_radiation_yield(2.0) - 0.01 * st.electron_radiation_yield(0.01) == pytest.approx(gained, rel=2e-3)


def test_alpha_range_is_the_integral_of_inverse_stopping_power():
    E = np.geomspace(1.0, 9.0, 2001)
    between = trapezoid(E / st.alpha_stopping_power(E), np.log(E))
    assert st.alpha_csda_range_g_cm2(9.0) - st.alpha_csda_range_g_cm2(1.0) == pytest.approx(between, rel=1e-3)


def test_below_the_tables_the_range_is_continuous_and_the_power_is_its_slope():
    assert st.electron_csda_range_g_cm2(0.999999e-3) == pytest.approx(float(st.electron_csda_range_g_cm2(1e-3)), rel=1e-5)
    a, b = st.electron_csda_range_g_cm2(np.array([0.499e-3, 0.501e-3]))
    S_col, S_rad = st.electron_stopping_power(0.5e-3)
    assert (b - a) / 2e-6 == pytest.approx(1 / (S_col + S_rad), rel=1e-3)
    assert float(st.alpha_energy_at_range_MeV(0.0)) == 0.0


def test_arrays_keep_their_shape():
    E = np.array([[0.1, 1.0], [0.0005, 9.0]])
    assert st.electron_csda_range_g_cm2(E).shape == (2, 2)
    assert st.electron_range_energy_MeV(st.electron_csda_range_g_cm2(E)) == pytest.approx(E, rel=1e-9)


@pytest.mark.parametrize("call", [
    lambda: st.electron_stopping_power(0.0), lambda: st.electron_stopping_power(11.0), lambda: st.electron_csda_range_g_cm2(np.nan),
    lambda: st.electron_range_energy_MeV(-1.0), lambda: st.electron_range_energy_MeV(99.0), lambda: st.alpha_csda_range_g_cm2(25.0),
    lambda: st.alpha_energy_at_range_MeV(-1e-9), lambda: st.alpha_stopping_power(-5.0),
])
def test_energies_and_ranges_outside_the_tables_are_refused(call):
    with pytest.raises(BadInput, match="give"):
        call()


def test_an_unknown_material_names_its_neighbours():
    with pytest.raises(BadInput, match="Did you mean water"):
        st.electron_stopping_power(1.0, "watr")
