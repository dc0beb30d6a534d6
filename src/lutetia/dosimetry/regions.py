"""Dose of a region: from the map and the region's own fit, or from a mass alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..transport.kernels import nuclide_kernels
from ..transport.spheres import GY_G_PER_MEV, ellipsoid_s_Gy_per_Bq_s, sphere_s_Gy_per_Bq_s
from .maps import AIR_FLOOR_G_ML, DoseMap


@dataclass(frozen=True, slots=True)
class RegionDose:
    """Mean absorbed dose of a region, by radiation, with what it was made from.

    `map_mean_Gy` is the mean of the map before the region's own time-integrated activity replaced that of its voxels;
    `s_slope` is ``-d ln S / d ln m``; `u_statistical_Gy` the Monte Carlo part.
    """

    mass_kg: float
    volume_mL: float
    by_radiation_Gy: Mapping[str, float]
    map_mean_Gy: float | None
    s_slope: float
    u_statistical_Gy: float

    @property
    def dose_Gy(self) -> float:
        """Sum over radiations."""
        return float(sum(self.by_radiation_Gy.values()))


def self_s(
    name: str, mass_kg: float, density_g_mL: float, *, axes_mm: tuple[float, float, float] | None = None, progeny: bool = True, local: bool = False
) -> dict[str, float]:
    """Self-dose S by radiation in Gy per Bq s: a sphere, an ellipsoid, or (`local`) all charged energy inside."""
    if local:
        kernels = nuclide_kernels(name, progeny=progeny)
        return {r: float(k.energy_MeV[-1]) * GY_G_PER_MEV / (mass_kg * 1000) for r, k in kernels.items() if r != "photon"}
    if axes_mm is not None:
        return dict(ellipsoid_s_Gy_per_Bq_s(name, mass_kg, axes_mm, progeny=progeny, density_g_mL=density_g_mL))
    return dict(sphere_s_Gy_per_Bq_s(name, mass_kg, progeny=progeny, density_g_mL=density_g_mL))


def s_mass_slope(name: str, mass_kg: float, density_g_mL: float, *, progeny: bool = True) -> float:
    """``-d ln S / d ln m`` of the sphere's self-dose, by a 4 % step."""
    low, high = (sum(self_s(name, mass_kg * f, density_g_mL, progeny=progeny).values()) for f in (0.98, 1.02))
    return float(np.log(low / high) / np.log(1.02 / 0.98))


def region_dose(
    dose: DoseMap, decays: np.ndarray, region: str, mask: np.ndarray, voxel_mL: float, name: str, *, tia_Bq_s: float, progeny: bool = True
) -> RegionDose:
    """Energy over mass of the voxels in `mask`, with the region's fitted activity in place of its voxels'.

    The map is made from fits of single voxels; the region's own fit, with its recovery correction, is the better
    estimate of its activity. The difference of the two, times the self-dose S of a sphere of that mass, is added;
    dose from outside the region is that of the map.

    Parameters
    ----------
    dose : DoseMap
    decays : ndarray
        The map's time-integrated activity per voxel, Bq s.
    region : str
    mask : ndarray of bool
    voxel_mL : float
    name : str
        Nuclide.
    tia_Bq_s : float
        Of the region, from its fit.
    """
    density = np.maximum(dose.density_g_mL[mask].astype(float), AIR_FLOOR_G_ML)
    mass_kg = float(density.sum()) * voxel_mL * 1e-3
    volume_mL = float(mask.sum()) * voxel_mL
    of_map = {r: float(d[mask].astype(float) @ density / density.sum()) for r, d in dose.by_radiation_Gy.items()}
    s = self_s(name, mass_kg, mass_kg * 1000 / volume_mL, progeny=progeny, local=dose.engine == "local")
    difference = tia_Bq_s - float(decays[mask].sum(dtype=float))
    by_radiation = {r: d + difference * s.get(r, 0.0) for r, d in of_map.items()}
    if min(by_radiation.values(), default=0.0) < 0:  # far fewer decays than the map holds: scale instead
        ratio = tia_Bq_s / (tia_Bq_s - difference)
        by_radiation = {r: d * ratio for r, d in of_map.items()}
    u = by_radiation.get("photon", 0.0) * dose.photon_relative_u.get(region, 0.0)
    slope = 1.0 if dose.engine == "local" else s_mass_slope(name, mass_kg, mass_kg * 1000 / volume_mL, progeny=progeny)
    return RegionDose(mass_kg, volume_mL, by_radiation, float(sum(of_map.values())), slope, u)
