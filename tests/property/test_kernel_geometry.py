"""Spheres and voxels made from a radial kernel: energy is kept, and brute force agrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.core import CouldNot
from lutetia.transport.kernels import nuclide_kernels
from lutetia.transport.radial import RadialKernel, add
from lutetia.transport.spheres import GY_G_PER_MEV, ellipsoid_s_Gy_per_Bq_s, sphere_absorbed_MeV
from lutetia.transport.voxels import voxel_kernel_MeV


def exponential(mean_mm: float, reach_mm: float = 0.0, at_once: float = 0.0) -> RadialKernel:
    """A kernel whose energy falls off exponentially with the distance."""
    r = np.linspace(0, reach_mm or 12 * mean_mm, 400)
    e = at_once + (1 - at_once) * (1 - np.exp(-r / mean_mm))
    return RadialKernel(r, e / e[-1], 1.0)


def sample_radii(kernel: RadialKernel, n: int, rng: np.random.Generator) -> np.ndarray:
    return np.interp(rng.random(n) * kernel.energy_MeV[-1], kernel.energy_MeV, kernel.radius_mm)


def directions(n: int, rng: np.random.Generator) -> np.ndarray:
    v = rng.normal(size=(n, 3))
    return v / np.linalg.norm(v, axis=1, keepdims=True)


@given(st.floats(0.05, 3.0), st.floats(0.5, 6.0), st.floats(0.6, 1.6), st.floats(0.0, 0.9))
def test_a_voxel_kernel_keeps_the_energy(mean_mm: float, size_mm: float, ratio: float, at_once: float) -> None:
    kernel = exponential(mean_mm, at_once=at_once)
    spacing = (size_mm, size_mm * ratio, size_mm)
    extent = tuple(int(kernel.radius_mm[-1] / s) + 2 for s in spacing)
    if max(extent) > 40:
        return
    voxel = voxel_kernel_MeV(kernel, spacing, extent)
    assert voxel.sum() == pytest.approx(1.0, rel=1e-6)
    assert voxel.min() >= 0
    for axis in range(3):
        assert np.allclose(voxel, np.flip(voxel, axis), rtol=1e-12)


def test_voxel_kernel_against_brute_force() -> None:
    kernel, spacing, rng = exponential(1.5), np.array([3.0, 4.0, 2.0]), np.random.default_rng(1)
    n = 2_000_000
    start = rng.random((n, 3)) - 0.5
    offset = np.rint(start + directions(n, rng) * sample_radii(kernel, n, rng)[:, None] / spacing).astype(int)
    voxel = voxel_kernel_MeV(kernel, tuple(spacing), 6)
    for want in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (0, 1, 1), (0, 0, 2)):
        found = np.mean(np.all(offset == want, axis=1))
        assert voxel[6 + want[0], 6 + want[1], 6 + want[2]] == pytest.approx(found, abs=5 * np.sqrt(found / n))


@given(st.floats(0.2, 5.0), st.floats(0.5, 2.0))
def test_density_scales_lengths(mean_mm: float, density: float) -> None:
    kernel = exponential(mean_mm)
    dense = voxel_kernel_MeV(kernel, (3.0,) * 3, 2, density)
    stretched = voxel_kernel_MeV(kernel, (3.0 * density,) * 3, 2)
    assert np.allclose(dense, stretched, rtol=1e-12)
    assert sphere_absorbed_MeV(kernel, 5.0, density) == pytest.approx(sphere_absorbed_MeV(kernel, 5.0 * density), rel=1e-12)


@pytest.mark.parametrize(("mean_mm", "radius_mm"), [(0.5, 1.0), (2.0, 3.0), (2.0, 30.0)])
def test_sphere_against_brute_force(mean_mm: float, radius_mm: float) -> None:
    kernel, rng, n = exponential(mean_mm), np.random.default_rng(2), 1_000_000
    start = directions(n, rng) * radius_mm * np.cbrt(rng.random(n))[:, None]
    end = start + directions(n, rng) * sample_radii(kernel, n, rng)[:, None]
    found = np.mean(np.linalg.norm(end, axis=1) < radius_mm)
    assert sphere_absorbed_MeV(kernel, radius_mm) == pytest.approx(found, abs=5 * np.sqrt(found * (1 - found) / n) + 1e-4)


@given(st.floats(0.01, 100.0), st.floats(1.001, 3.0))
def test_a_bigger_sphere_absorbs_more(radius_mm: float, times: float) -> None:
    kernel = exponential(1.0)
    small, big = sphere_absorbed_MeV(kernel, radius_mm), sphere_absorbed_MeV(kernel, radius_mm * times)
    assert 0 < small <= big * (1 + 1e-6) <= 1 + 2e-6


def test_kernels_add() -> None:
    total = add([exponential(1.0), exponential(3.0).scaled(2.0)])
    assert total.energy_MeV[-1] == pytest.approx(3.0) and total.emitted_MeV == pytest.approx(3.0)
    assert total.within(2.0) == pytest.approx(exponential(1.0).within(2.0) + 2 * exponential(3.0).within(2.0), rel=1e-4)


def test_a_kernel_that_loses_energy_outward_is_refused() -> None:
    with pytest.raises(CouldNot):
        RadialKernel(np.array([0.0, 1.0, 2.0]), np.array([0.0, 1.0, 0.5]), 1.0)


@pytest.mark.parametrize(("name", "axes"), [("Y-90", (3.0, 1.0, 1.0)), ("F-18", (1.0, 3.0, 3.0)), ("Lu-177", (2.2, 1.1, 1.0))])
def test_ellipsoids_against_drawn_points_and_directions(name: str, axes: tuple[float, float, float]) -> None:
    """20 g: what a kernel deposits before the surface, from points and directions drawn at random."""
    rng, n = np.random.default_rng(1), 100_000
    half = 0.5 * np.array(axes) * (20e3 / (np.pi / 6 * np.prod(axes))) ** (1 / 3)
    q, d = (v / np.linalg.norm(v, axis=1)[:, None] for v in (rng.normal(size=(n, 3)), rng.normal(size=(n, 3))))
    q *= rng.random((n, 1)) ** (1 / 3)  # points of the unit ball, and below the direction as the ball sees it
    u = d / half
    a, b, c = np.sum(u * u, 1), np.sum(q * u, 1), np.sum(q * q, 1) - 1
    way = (-b + np.sqrt(b * b - a * c)) / a
    s = ellipsoid_s_Gy_per_Bq_s(name, 0.02, axes)
    for radiation, kernel in nuclide_kernels(name).items():
        assert s[radiation] * 20 / GY_G_PER_MEV == pytest.approx(kernel.within(way).mean(), rel=0.006)
