"""Photon kernels in water against published factors and against the voxel Monte Carlo."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.core import BadInput
from lutetia.nuclides import nuclide
from lutetia.nuclides.model import Lines
from lutetia.transport.materials import unit_density_medium
from lutetia.transport.photon_data import photon_coefficients
from lutetia.transport.photon_kernels import absorbed_fraction, lines_kernel, photon_kernel
from lutetia.transport.photon_mc import simulate_photons


@pytest.mark.parametrize(("energy_MeV", "mu_en"), [(0.015, 1.374), (0.03, 0.1557), (0.1, 0.02546), (0.2, 0.02967), (0.5, 0.03299), (1.0, 0.03103)])
def test_near_the_source_the_energy_is_mu_en_times_the_radius(energy_MeV: float, mu_en: float) -> None:
    """NIST SRD 126, doi 10.18434/T4D01F, cm2/g: at 20 micrometres nothing else counts."""
    assert absorbed_fraction(np.array([energy_MeV]), np.array([0.02]))[0, 0] == pytest.approx(mu_en * 0.002, rel=0.005)


@pytest.mark.parametrize(("energy_MeV", "buildup", "tolerance"), [(0.1, 4.663, 0.07), (0.2, 3.478, 0.08), (0.5, 2.500, 0.035), (1.0, 2.103, 0.02), (2.0, 1.839, 0.02), (3.0, 1.710, 0.02)])
def test_buildup_at_one_mean_free_path(energy_MeV: float, buildup: float, tolerance: float) -> None:
    """ANSI/ANS-6.4.3-1991, point source in water. Its factors are of exposure in air, which below 0.5 MeV weighs
    the soft scattered photons a few per cent more than absorption in water does."""
    mean_free_path_mm = 10 / float(photon_coefficients("water", energy_MeV).total)
    at = mean_free_path_mm * np.array([1e-3, 0.97, 1.03])
    first, low, high = absorbed_fraction(np.array([energy_MeV]), at)[0] / mean_free_path_mm
    unscattered = first / 1e-3 * np.exp(-1)
    assert (high - low) / 0.06 / unscattered == pytest.approx(buildup, rel=tolerance)


@pytest.mark.parametrize("energy_MeV", [0.03, 0.2, 1.0])
def test_kernel_is_what_the_voxel_monte_carlo_finds(energy_MeV: float) -> None:
    """Energy within a sphere of 60 mm; the cube around it is wide enough that nothing is missed that comes back."""
    n, voxel_mm, radius_mm = 91, 6.0, 60.0
    axis = (np.arange(n) - n // 2) * voxel_mm
    inside = axis[:, None, None] ** 2 + axis[:, None] ** 2 + axis**2 < radius_mm**2
    source = np.zeros(inside.shape)
    source[n // 2, n // 2, n // 2] = 1
    r = simulate_photons(source, unit_density_medium(inside.shape), (voxel_mm,) * 3, Lines(np.array([energy_MeV]), np.array([1.0])), histories=100_000, seed=1, labels=inside.astype(int))
    equivalent_mm = voxel_mm * (inside.sum() * 3 / (4 * np.pi)) ** (1 / 3)
    expected = absorbed_fraction(np.array([energy_MeV]), np.array([equivalent_mm]))[0, 0] * energy_MeV
    assert r.region_energy_MeV[0] == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize(
    ("name", "offset", "published"),
    [("Y-90", (0, 0, 5), 4.70e-7), ("Y-90", (3, 4, 4), 2.67e-7), ("Y-90", (5, 5, 5), 1.38e-7), ("Lu-177", (0, 0, 5), 3.14e-6), ("Lu-177", (5, 5, 5), 1.12e-6), ("I-131", (0, 0, 5), 3.36e-5), ("I-131", (5, 5, 5), 1.10e-5)],
)
def test_far_voxels_of_lanconelli(name: str, offset: tuple[int, int, int], published: float) -> None:
    """S of 4.42 mm voxels of soft tissue, mGy/(MBq s), beyond the reach of the electrons (Lanconelli 2012, doi
    10.1088/0031-9155/57/2/517, another Monte Carlo); for Y-90 all of it is bremsstrahlung."""
    distance_mm = 4.42 * float(np.linalg.norm(offset))
    within = photon_kernel(nuclide(name)).within(distance_mm + np.array([-1.0, 1.0]))
    MeV_per_g = float(np.diff(within)[0]) / 2 / (4 * np.pi * distance_mm**2) * 1000
    assert MeV_per_g * 1.602177e-10 * 1e9 == pytest.approx(published, rel=0.05)


def test_lu177_sphere_of_310_g() -> None:
    """OLINDA's sphere of 310 g: 0.281 mGy/(MBq h) for Lu-177; electrons, which stay inside, give 147.9 keV of it less 0.3 %."""
    radius_mm = 10 * (3 * 310 / (4 * np.pi)) ** (1 / 3)
    r = np.linspace(0, 2 * radius_mm, 4000)
    energy = photon_kernel(nuclide("Lu-177")).within(r)
    middle = (r[1:] + r[:-1]) / 2
    photons = energy[0] + np.diff(energy) @ (1 - 0.75 * middle / radius_mm + middle**3 / (16 * radius_mm**3))
    published_MeV = 0.281e-3 / 3.6e9 * 0.310 / 1.602177e-13
    assert photons + 0.997 * 0.1479 == pytest.approx(published_MeV, rel=0.01)


@given(st.floats(0.0011, 9.9))
@settings(max_examples=50)
def test_fraction_rises_to_one(energy_MeV: float) -> None:
    r = np.geomspace(0.001, 1e5, 300)
    f = absorbed_fraction(np.array([energy_MeV]), r)[0]
    assert (np.diff(f) > -2e-5).all() and (f >= 0).all() and f[-1] == pytest.approx(1, abs=2e-3)


def test_kernel_is_linear_in_the_lines_and_local_below_1_keV() -> None:
    a, b = Lines(np.array([0.1, 0.0005]), np.array([1.0, 2.0])), Lines(np.array([0.4]), np.array([0.5]))
    both = lines_kernel(Lines(np.concatenate([a.energy_MeV, b.energy_MeV]), np.concatenate([a.per_decay, b.per_decay])))
    np.testing.assert_allclose(both.energy_MeV, lines_kernel(a).energy_MeV + lines_kernel(b).energy_MeV, rtol=1e-12)
    assert both.energy_MeV[0] == pytest.approx(0.001)
    assert both.emitted_MeV == pytest.approx(0.301)
    empty = lines_kernel(Lines(np.empty(0), np.empty(0)))
    assert empty.emitted_MeV == 0 and empty.energy_MeV[-1] == 0
    with pytest.raises(BadInput):
        lines_kernel(Lines(np.array([20.0]), np.array([1.0])))


def test_a_chain_of_lines_is_quick() -> None:
    photon_kernel(nuclide("Lu-177"))
    start = time.perf_counter()
    photon_kernel(nuclide("Ra-223"))
    assert time.perf_counter() - start < 2.0  # about 0.05 s when the machine is free
