"""Stopping powers and ranges as NIST prints them (SRD 124, doi 10.18434/T4NC7P)."""

import pytest

from lutetia.transport.stopping import (
    alpha_csda_range_g_cm2,
    electron_csda_range_g_cm2,
    electron_stopping_power,
)


@pytest.mark.parametrize("energy, printed", [
    (0.01, 2.515e-4), (0.1, 1.431e-2), (0.5, 1.766e-1), (1.0, 4.367e-1), (2.0, 9.785e-1), (5.0, 2.550), (10.0, 4.975),
])
def test_electron_csda_range_in_water(energy, printed):
    assert float(electron_csda_range_g_cm2(energy)) == pytest.approx(printed, rel=1e-3)


@pytest.mark.parametrize("energy, printed", [(0.01, 22.56), (1.0, 1.849), (10.0, 1.968)])
def test_electron_collision_stopping_power_in_water(energy, printed):
    assert float(electron_stopping_power(energy)[0]) == pytest.approx(printed, rel=1e-3)


def test_alpha_range_between_grid_points():
    """5.83 MeV (225Ac) and 8.38 MeV (213Po): 47.5 um and 84.5 um by ASTAR."""
    assert 1e4 * float(alpha_csda_range_g_cm2(5.83)) == pytest.approx(47.5, abs=0.1)
    assert 1e4 * float(alpha_csda_range_g_cm2(8.376)) == pytest.approx(84.5, abs=0.1)
