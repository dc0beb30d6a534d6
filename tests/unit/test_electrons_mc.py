"""The electron Monte Carlo: exact accounting, reproducible streams, limits that can be worked out."""

import numba
import numpy as np
import pytest
from scipy.integrate import trapezoid

from lutetia.core import BadInput
from lutetia.transport import electron_mc as mc
from lutetia.transport.electron_interactions import ELECTRON_MASS_MeV, water_interactions
from lutetia.transport.stopping import electron_radiation_yield, electron_stopping_power


@pytest.mark.parametrize("energy", [0.002, 0.05, 1.0, 5.0])
def test_energy_in_is_energy_deposited_or_escaped(energy):
    t = mc.simulate_electrons(energy, 320, seed=3)
    assert t.deposited_MeV.sum() + t.beyond_MeV + t.escaped_MeV == pytest.approx(energy, rel=1e-10)


def test_a_result_depends_on_the_seed_and_not_on_threads():
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        a = mc.simulate_electrons(0.3, 320, seed=7)
    finally:
        numba.set_num_threads(before)
    b = mc.simulate_electrons(0.3, 320, seed=7)
    c = mc.simulate_electrons(0.3, 320, seed=8)
    assert np.array_equal(a.batches_MeV, b.batches_MeV) and a.escaped_MeV == b.escaped_MeV
    assert not np.array_equal(a.batches_MeV, c.batches_MeV)


def test_no_electron_goes_farther_than_its_range():
    """Straggling lets a few pass the mean range; beyond 1.3 ranges there is nothing at 1 MeV."""
    t = mc.simulate_electrons(1.0, 3200, seed=1)
    assert t.deposited_MeV[130:].sum() + t.beyond_MeV == 0
    assert t.deposited_MeV[:100].sum() / t.deposited_MeV.sum() > 0.99


def test_near_the_source_the_shells_hold_the_stopping_power():
    """Energy in the first 2 % of the range: S_col times the way, less what delta rays above 10 keV carry farther."""
    t = mc.simulate_electrons(0.5, 6400, seed=2)
    way = 0.02 * t.csda_range_g_cm2
    restricted = np.exp(water_interactions(0.5, 0.01, 0.02, 0.05).values[-1, 0]) * way
    assert restricted < t.deposited_MeV[:2].sum() < float(electron_stopping_power(0.5)[0]) * way


def test_what_escapes_is_the_radiation_yield():
    t = mc.simulate_electrons(5.0, 6400, seed=4)
    assert t.escaped_MeV / 5.0 == pytest.approx(float(electron_radiation_yield(5.0)), rel=0.05)


def test_results_do_not_rest_on_the_step_size():
    """Half the hard mean free path and a third of the loss per step: energy within half the range agrees to 1 %."""
    one = mc.simulate_electrons(0.3, 6400, seed=5).within_MeV[0][50]
    two = mc.simulate_electrons(0.3, 6400, seed=6, c1=0.025, loss_fraction=0.01).within_MeV[0][50]
    assert one == pytest.approx(two, rel=0.015)


def test_the_tables_split_the_stopping_power():
    """Soft loss and the mean Moller loss add up to ESTAR; integrated here over the Moller cross section itself."""
    t = water_interactions(2.0, 0.01, 0.02, 0.05)
    i = len(t.values) - 1
    E = np.exp(t.ln_energy0 + i * t.ln_step)
    gamma, beta2 = 1 + E / ELECTRON_MASS_MeV, 1 - 1 / (1 + E / ELECTRON_MASS_MeV) ** 2
    w = np.geomspace(0.01, E / 2, 20001)
    e = w / E
    shape = 1 / e**2 + 1 / (1 - e) ** 2 + ((gamma - 1) / gamma) ** 2 - (2 * gamma - 1) / gamma**2 / (e * (1 - e))
    moller = 0.1535375 * 10 / 18.01528 / beta2 / E**2 * shape  # 2 pi r_e^2 m N_A = 0.1535 MeV cm2/mol
    assert t.values[i, 4] == pytest.approx(trapezoid(moller, w), rel=1e-3)
    assert np.exp(t.values[i, 0]) + trapezoid(w * moller, w) == pytest.approx(float(electron_stopping_power(E)[0]), rel=1e-3)


def test_soft_deflections_keep_the_first_two_moments():
    state = np.array([12345], np.uint64)
    cosines = np.array([mc._soft_cosine(0.08, 0.22, state) for _ in range(40000)])
    assert cosines.mean() == pytest.approx(np.exp(-0.08), abs=0.003)
    assert (1.5 * cosines**2 - 0.5).mean() == pytest.approx(np.exp(-0.22), abs=0.006)


@pytest.mark.parametrize("mean, variance", [(10.0, 0.5), (10.0, 25.0), (1.0, 4.0)])
def test_soft_losses_keep_mean_and_variance(mean, variance):
    state = np.array([99], np.uint64)
    losses = np.array([mc._soft_loss(mean, variance, state) for _ in range(40000)])
    assert losses.mean() == pytest.approx(mean, rel=0.03)
    assert losses.var() == pytest.approx(variance, rel=0.04)
    assert losses.min() >= 0


@pytest.mark.parametrize("change", [{"energy_MeV": 0.0001}, {"energy_MeV": 20.0}, {"histories": 0}, {"shell_edges": np.array([0.0, 0.1, 0.3])}])
def test_bad_input(change):
    with pytest.raises(BadInput, match="give"):
        mc.simulate_electrons(**({"energy_MeV": 1.0, "histories": 32, "seed": 1} | change))
