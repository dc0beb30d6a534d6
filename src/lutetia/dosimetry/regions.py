"""Dose of a region: from the map and the region's own fit, or from a mass alone; by nuclide and radiation."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from ..transport.kernels import nuclide_kernels
from ..transport.spheres import GY_G_PER_MEV, ellipsoid_s_Gy_per_Bq_s, sphere_s_Gy_per_Bq_s
from .maps import AIR_FLOOR_G_ML, DoseMap

Decays = TypeVar("Decays", float, np.ndarray)


@dataclass(frozen=True, slots=True)
class RegionDose:
    """Mean absorbed dose of a region, by nuclide and radiation, with what it was made from.

    `map_mean_Gy` is the mean of the map before the region's own time-integrated activity replaced that of its voxels;
    `s_slope` is ``-d ln S / d ln m``; `u_statistical_Gy` the Monte Carlo part.
    """

    mass_kg: float
    volume_mL: float
    by_nuclide_Gy: Mapping[str, Mapping[str, float]]
    map_mean_Gy: float | None
    s_slope: float
    u_statistical_Gy: float

    @property
    def by_radiation_Gy(self) -> dict[str, float]:
        """Sum over nuclides."""
        return by_radiation(self.by_nuclide_Gy)

    @property
    def dose_Gy(self) -> float:
        """Sum over nuclides and radiations."""
        return float(sum(self.by_radiation_Gy.values()))


def by_radiation(by_nuclide_Gy: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Sum over nuclides.

    >>> by_radiation({"Bi-213": {"alpha": 1.0, "electron": 2.0}, "Po-213": {"alpha": 40.0}})
    {'alpha': 41.0, 'electron': 2.0}
    """
    total: dict[str, float] = {}
    for parts in by_nuclide_Gy.values():
        for r, d in parts.items():
            total[r] = total.get(r, 0.0) + d
    return total


@functools.lru_cache(maxsize=4096)
def self_s(
    name: str, mass_kg: float, density_g_mL: float, *, axes_mm: tuple[float, float, float] | None = None, progeny: bool = True, local: bool = False
) -> Mapping[str, float]:
    """Self-dose S by radiation in Gy per Bq s: a sphere, an ellipsoid, or (`local`) all charged energy inside."""
    if local:
        kernels = nuclide_kernels(name, progeny=progeny)
        return MappingProxyType({r: float(k.energy_MeV[-1]) * GY_G_PER_MEV / (mass_kg * 1000) for r, k in kernels.items() if r != "photon"})
    if axes_mm is not None:
        return MappingProxyType(dict(ellipsoid_s_Gy_per_Bq_s(name, mass_kg, axes_mm, progeny=progeny, density_g_mL=density_g_mL)))
    return MappingProxyType(dict(sphere_s_Gy_per_Bq_s(name, mass_kg, progeny=progeny, density_g_mL=density_g_mL)))


def self_doses_Gy(
    decays: Mapping[str, Decays], mass_kg: float, density_g_mL: float, *, axes_mm: tuple[float, float, float] | None = None, local: bool = False
) -> dict[str, dict[str, Decays]]:
    """Self-dose of the decays of each nuclide (Bq s, a number or an array of patients) in a region: nuclide to radiation to Gy."""
    return {n: {r: s * tia for r, s in self_s(n, mass_kg, density_g_mL, axes_mm=axes_mm, progeny=False, local=local).items()} for n, tia in decays.items()}


def s_mass_slope(decays: Mapping[str, float], mass_kg: float, density_g_mL: float) -> float:
    """``-d ln S / d ln m`` of the sphere's self-dose for these decays, by a 4 % step."""
    low, high = (sum(by_radiation(self_doses_Gy(decays, mass_kg * f, density_g_mL)).values()) for f in (0.98, 1.02))
    return float(np.log(low / high) / np.log(1.02 / 0.98))


def region_dose(
    dose: DoseMap, region: str, mask: np.ndarray, voxel_mL: float, *, map_Bq_s: Mapping[str, float], fitted_Bq_s: Mapping[str, float]
) -> RegionDose:
    """Energy over mass of the voxels in `mask`, with the region's fitted activity in place of its voxels'.

    The map is made from fits of single voxels; the region's own fit, with its recovery correction, is the better
    estimate of its activity. The difference of the two, times the self-dose S of a sphere of that mass, is added;
    dose from outside the region is that of the map.

    Parameters
    ----------
    dose : DoseMap
        Of a run that had `mask` among its masks.
    region : str
    mask : ndarray of bool
    voxel_mL : float
    map_Bq_s, fitted_Bq_s : mapping of str to float
        Decays of each nuclide in the region: of the map, and of the region's fit.
    """
    density = np.maximum(dose.density_g_mL[mask].astype(float), AIR_FLOOR_G_ML)
    mass_kg = float(density.sum()) * voxel_mL * 1e-3
    volume_mL = float(mask.sum()) * voxel_mL
    density_g_mL = mass_kg * 1000 / volume_mL
    of_map = dose.region_Gy[region]
    local = dose.engine == "local"
    more = self_doses_Gy({n: fitted_Bq_s[n] - map_Bq_s[n] for n in of_map}, mass_kg, density_g_mL, local=local)
    found = {}
    for n, parts in of_map.items():
        found[n] = {r: d + more[n].get(r, 0.0) for r, d in parts.items()}
        if min(found[n].values(), default=0.0) < 0:  # far fewer decays than the map holds: scale instead
            found[n] = {r: d * fitted_Bq_s[n] / map_Bq_s[n] for r, d in parts.items()}
    u = by_radiation(found).get("photon", 0.0) * dose.photon_relative_u.get(region, 0.0)
    slope = 1.0 if local else s_mass_slope(fitted_Bq_s, mass_kg, density_g_mL)
    return RegionDose(mass_kg, volume_mL, found, float(sum(by_radiation(of_map).values())), slope, u)
