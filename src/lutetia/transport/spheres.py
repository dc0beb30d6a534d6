"""Absorbed fractions and S-values of spheres and ellipsoids with a uniform source.

For a sphere of radius a the probability that a point at distance r from a random inner point, in a random
direction, is inside as well is ``1 - 3r/4a + r^3/16a^3`` (a
standard result of geometrical probability; checked against random sampling in the tests). With the energy dE(r) that a kernel deposits at r, the absorbed fraction is
``phi = (1/E) * integral dE(r) (1 - 3r/4a + r^3/16a^3)``, r up to 2a.

An ellipsoid is a sphere stretched along its axes: along the direction u it is, for uniform points, the sphere of
radius ``a(u) = 1 / sqrt(sum u_x^2/a_x^2)``, so that its absorbed fraction is the mean of theirs over directions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np

from ..core import BadInput
from .kernels import nuclide_kernels
from .radial import RadialKernel

#: 1 MeV/g in gray.
GY_G_PER_MEV = 1.602176634e-10


def sphere_absorbed_MeV(kernel: RadialKernel, radius_mm: float, density_g_mL: float = 1.0) -> float:
    """Energy per decay absorbed in a sphere of `radius_mm` by itself; radii scale with the density."""
    return _absorbed_MeV(kernel, np.array([radius_mm * density_g_mL]))


def _absorbed_MeV(kernel: RadialKernel, radii_mm: np.ndarray) -> float:
    """Mean over spheres of water with these radii."""
    far = 2 * float(radii_mm.max())
    r = np.unique(np.concatenate([np.linspace(0.0, far, 2000), kernel.radius_mm[kernel.radius_mm < far]]))
    e = kernel.within(r)
    middle = 0.5 * (r[1:] + r[:-1])
    inside = np.zeros_like(middle)
    for a in radii_mm:
        x = np.minimum(middle / a, 2.0)  # at 2 nothing is left inside
        inside += 1 - 0.75 * x + x**3 / 16
    return float(e[0] + np.diff(e) @ (inside / len(radii_mm)))


def sphere_s_Gy_per_Bq_s(name: str, mass_kg: float, *, progeny: bool = False, density_g_mL: float = 1.0) -> Mapping[str, float]:
    """Self-dose S of a sphere by radiation, mean over the sphere, uniform source.

    Parameters
    ----------
    name : str
        Nuclide.
    mass_kg : float
    progeny : bool
        Count the chain in equilibrium, decaying with the parent.
    density_g_mL : float

    Returns
    -------
    mapping
        Radiation to Gy per Bq s (per decay of the parent).

    Raises
    ------
    BadInput
        The mass or density is not above zero.
    """
    _check_mass(mass_kg, density_g_mL)
    radius_mm = 10.0 * (3 * mass_kg * 1000 / density_g_mL / (4 * math.pi)) ** (1 / 3)
    kernels = nuclide_kernels(name, progeny=progeny)
    return {r: sphere_absorbed_MeV(k, radius_mm, density_g_mL) * GY_G_PER_MEV / (mass_kg * 1000) for r, k in kernels.items()}


def ellipsoid_s_Gy_per_Bq_s(
    name: str, mass_kg: float, axes_mm: tuple[float, float, float], *, progeny: bool = False, density_g_mL: float = 1.0
) -> Mapping[str, float]:
    """Self-dose S of an ellipsoid by radiation.

    Parameters
    ----------
    axes_mm : tuple of float
        Full axes; only their ratios count, the size follows from mass and density.

    Raises
    ------
    BadInput
        The mass, the density or an axis is not above zero.

    A ball of three equal axes is a sphere:

    >>> ball, sphere = ellipsoid_s_Gy_per_Bq_s("Y-90", 0.02, (5, 5, 5)), sphere_s_Gy_per_Bq_s("Y-90", 0.02)
    >>> round(ball["electron"] / sphere["electron"], 9)
    1.0
    """
    _check_mass(mass_kg, density_g_mL)
    if min(axes_mm) <= 0 or not all(map(math.isfinite, axes_mm)):
        raise BadInput(f"ellipsoid: axes of {axes_mm} mm are not possible; give three lengths above zero.")
    volume_mm3 = mass_kg * 1e6 / density_g_mL
    scale = (volume_mm3 / (math.pi / 6 * math.prod(axes_mm))) ** (1 / 3)
    half = 0.5 * scale * np.array(axes_mm)
    radii_mm = density_g_mL / np.sqrt(np.sum((_octant() / half) ** 2, axis=1))
    kernels = nuclide_kernels(name, progeny=progeny)
    return {r: _absorbed_MeV(k, radii_mm) * GY_G_PER_MEV / (mass_kg * 1000) for r, k in kernels.items()}


def _octant() -> np.ndarray:
    """Directions (n, 3) spread evenly over an octant: the midpoints of equal areas."""
    n = 24
    cosine, angle = np.meshgrid((np.arange(n) + 0.5) / n, (np.arange(n) + 0.5) / n * math.pi / 2, indexing="ij")
    sine = np.sqrt(1 - cosine**2)
    return np.stack([sine * np.cos(angle), sine * np.sin(angle), cosine], axis=-1).reshape(-1, 3)


def _check_mass(mass_kg: float, density_g_mL: float) -> None:
    if not (mass_kg > 0 and math.isfinite(mass_kg) and density_g_mL > 0 and math.isfinite(density_g_mL)):
        raise BadInput(f"sphere: a mass of {mass_kg} kg at {density_g_mL} g/mL is not possible; give both above zero.")
