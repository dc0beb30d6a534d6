"""The photon Monte Carlo against an independent program and against exact results."""

from __future__ import annotations

import numpy as np
import pytest
from numba import njit
from scipy.special import expn
from scipy.stats import ks_2samp

from lutetia.nuclides.model import Lines
from lutetia.transport.materials import Medium, unit_density_medium
from lutetia.transport.photon_data import compton_energy_fraction, photon_coefficients, photon_tables
from lutetia.transport.photon_mc import simulate_photons
from lutetia.transport.photon_physics import EVERY, compton, compton_quantiles, scattered


def line(energy_MeV: float, per_decay: float = 1.0) -> Lines:
    return Lines(np.array([energy_MeV]), np.array([per_decay]))


def point_in_cube(n: int) -> np.ndarray:
    source = np.zeros((n, n, n))
    source[n // 2, n // 2, n // 2] = 1
    return source


@pytest.mark.parametrize("estimator", ["track-length", "analog"])
@pytest.mark.parametrize(("energy_MeV", "absorbed"), [(0.2084, 0.5814), (0.113, 0.6392)])
def test_absorbed_fraction_of_a_32_cm_water_cube(energy_MeV: float, absorbed: float, estimator: str) -> None:
    """A point source in the middle; EGSnrc physics (ompMC 0.4) gives 0.5814 at 208 keV and 0.6392 at 113 keV."""
    n = 81
    r = simulate_photons(point_in_cube(n), unit_density_medium((n, n, n)), (320 / n,) * 3, line(energy_MeV), histories=200_000, seed=3, estimator=estimator)
    assert r.energy_MeV.sum() / energy_MeV == pytest.approx(absorbed, rel=0.007)


@pytest.mark.parametrize("estimator", ["track-length", "analog"])
@pytest.mark.parametrize("energy_MeV", [0.006, 0.01])
def test_absorption_between_two_slabs_is_the_exponential_integral(energy_MeV: float, estimator: str) -> None:
    """Where nearly every interaction absorbs, two wide slabs of thickness t take 1 - E2(mu t) of an isotropic source between them."""
    mu = float(photon_coefficients("cortical_bone", energy_MeV).total) / 10  # per mm at 1 g/mL
    layers, n = 9, 21
    density = np.ones((2 * layers + 1, n, n), np.float32)
    density[layers] = 1e-9
    source = np.zeros(density.shape)
    source[layers, n // 2, n // 2] = 1
    medium = Medium(density, np.zeros(density.shape, np.uint8), ("cortical_bone",))
    r = simulate_photons(source, medium, (0.7 / mu / layers, 50.0, 50.0), line(energy_MeV), histories=100_000, seed=5, estimator=estimator)
    assert r.energy_MeV.sum() / energy_MeV == pytest.approx(1 - expn(2, 0.7), rel=0.012)


def test_annihilation_photons_of_thallium_208_are_followed() -> None:
    """At 2.6 MeV pair production gives two 511 keV photons: every history balances."""
    n = 41
    r = simulate_photons(point_in_cube(n), unit_density_medium((n, n, n)), (8.0,) * 3, line(2.614), histories=50_000, seed=4, estimator="analog")
    assert r.imbalance is not None and r.imbalance < 1e-9
    assert r.energy_MeV.sum() + r.escaped_MeV == pytest.approx(2.614, rel=1e-9)


def test_small_medium_takes_mu_en_times_the_mean_path() -> None:
    """In a cube much smaller than a mean free path photons leave E mu_en per length (662 keV: 0.0326 cm2/g, NIST SRD 126)."""
    n, edge_mm = 5, 5.0
    r = simulate_photons(np.ones((n, n, n)), unit_density_medium((n, n, n)), (edge_mm / n,) * 3, line(0.662, 1 / n**3), histories=100_000, seed=9)
    rng = np.random.default_rng(1)
    start, way = rng.random((200_000, 3)), rng.normal(size=(200_000, 3))
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    mean_path_mm = edge_mm * np.where(way > 0, (1 - start) / way, -start / way).min(axis=1).mean()
    assert r.energy_MeV.sum() / 0.662 == pytest.approx(0.00326 * mean_path_mm, rel=0.015)


def test_air_scatters_next_to_nothing_and_bone_takes_more_than_water() -> None:
    n = 33
    shape = (n, n, n)
    source = point_in_cube(n)
    water = simulate_photons(source, unit_density_medium(shape), (5.0,) * 3, line(0.056), histories=50_000, seed=1)
    bone = simulate_photons(source, Medium(np.ones(shape, np.float32), np.zeros(shape, np.uint8), ("cortical_bone",)), (5.0,) * 3, line(0.056), histories=50_000, seed=1)
    air = simulate_photons(source, Medium(np.full(shape, 1.205e-3, np.float32), np.zeros(shape, np.uint8), ("air",)), (5.0,) * 3, line(0.056), histories=50_000, seed=1)
    assert air.energy_MeV.sum() < 0.01 * water.energy_MeV.sum() < 0.01 * bone.energy_MeV.sum()


@njit
def _both_samplers(energy, place, q, quantiles, s, n):
    rng = np.full(1, 5, np.uint64)
    out = np.empty((4, n))
    for h in range(n):
        out[0, h], out[1, h] = scattered(energy, quantiles, place, q, (h + 0.5) / n)
        out[2, h], out[3, h] = compton(energy, s, rng)
    return out


@pytest.mark.parametrize("energy_MeV", [0.0061, 0.0203, 0.0558, 0.2084, 1.3, 7.7])
@pytest.mark.parametrize("q", [0, 1])
def test_compton_quantiles_have_the_distribution_of_the_rejection(energy_MeV: float, q: int) -> None:
    """Two samplers of Klein-Nishina times S(x), between the energies of the table too; and the mean by quadrature."""
    materials = ("water", "cortical_bone")
    t = photon_tables(materials)
    place = (np.log(energy_MeV) - t.log_first) * t.per_log / EVERY
    quick, cosine, energy, exact_cosine = _both_samplers(energy_MeV, place, q, compton_quantiles(materials), t.s[q], 40_000)
    assert ks_2samp(cosine, exact_cosine).pvalue > 1e-3 and ks_2samp(quick, energy).pvalue > 1e-3
    # one energy and one angle belong together (Compton's formula)
    np.testing.assert_allclose(energy_MeV / quick, 1 + energy_MeV / 0.51099895 * (1 - cosine), rtol=1e-9)
    assert 1 - quick.mean() / energy_MeV == pytest.approx(compton_energy_fraction(materials[q], np.array([energy_MeV]))[0], rel=5e-4)


@pytest.mark.parametrize("name", ["Lu-177 like", "one line"])
def test_the_standard_error_is_that_between_independent_runs(name: str) -> None:
    """The even points of a batch share a random shift; batches are independent, and so their spread is honest."""
    n = 15
    shape = (n, n, n)
    rng = np.random.default_rng(2)
    labels = np.ones(shape, int)
    labels[5:10, 4:9, 6:12] = 2
    lines = Lines(np.array([0.0558, 0.113, 0.2084]), np.array([0.05, 0.06, 0.11])) if name != "one line" else line(0.2084)
    source = rng.random(shape) + 5 * (labels == 2)
    runs = [simulate_photons(source, unit_density_medium(shape), (10.0,) * 3, lines, histories=20_000, seed=s, batches=20, labels=labels) for s in range(60)]
    value = np.array([r.region_energy_MeV for r in runs])
    u = np.sqrt(np.mean([r.u_region_energy_MeV**2 for r in runs], axis=0))
    assert (value.std(axis=0, ddof=1) / u > 0.7).all() and (value.std(axis=0, ddof=1) / u < 1.35).all()  # 60 runs: +- 9 %
