"""Charged-particle production: seconds of one route and of a sweep of 1000 energies, and the ratio to a plain quadrature of each.

Run: ``python benchmarks/production.py``. Prints one JSON object.
"""

from __future__ import annotations

import json
import time
import warnings

import numpy as np
from scipy.integrate import quad
from scipy.interpolate import CubicSpline

from lutetia.data import table
from lutetia.supply.production import irradiate, saturation_yields
from lutetia.supply.production.reactions import excitations, reaction
from lutetia.supply.production.stopping import depth_table
from lutetia.supply.production.yields import _cumulative

ROUTE = "Mo-100(p,2n)Tc-99m"
ENERGIES, EXIT_MeV = np.linspace(12.0, 30.0, 1000), 8.0


def plain(energies_MeV: np.ndarray) -> np.ndarray:
    """The same integral by scipy.integrate.quad, energy by energy, with PSTAR's stopping power of molybdenum."""
    warnings.simplefilter("ignore")  # of quad, at the corners of the tabulated cross section
    x = excitations(reaction(ROUTE))[0]
    rows = table("pstar_protons").where("z", 42)
    spline = CubicSpline(np.log(rows["energy_MeV"]), np.log(rows["S_total_MeV_cm2_g"]))
    scale = 6.02214076e23 / 95.94 * 1e-27 / 1.602176634e-19

    def integrand(E: float) -> float:
        return float(np.interp(E, x.energy_MeV, x.xs_mb) / np.exp(spline(np.log(E))))

    return np.array([scale * quad(integrand, EXIT_MeV, e, limit=100, epsrel=1e-5)[0] for e in energies_MeV])


def run() -> dict[str, float]:
    """Speeds of both, and how far they differ."""
    irradiate(ROUTE, 20.0, EXIT_MeV, 1e-4, 3600.0, cool_s=3600.0)  # tables
    route = []
    for n in range(20):
        begin = time.perf_counter()
        irradiate(ROUTE, 20.0 + 0.1 * n, EXIT_MeV, 1e-4, 3600.0 + n, cool_s=3600.0)
        route.append(time.perf_counter() - begin)
    for cache in (_cumulative, depth_table):
        cache.cache_clear()  # the sweep pays for its integrals
    begin = time.perf_counter()
    ours = saturation_yields(ROUTE, ENERGIES, EXIT_MeV)
    sweep = time.perf_counter() - begin
    begin = time.perf_counter()
    other = plain(ENERGIES[::20])
    plain_s = 20 * (time.perf_counter() - begin)
    return {
        "one_route_milliseconds": 1e3 * float(np.median(route)), "sweep_of_1000_energies_milliseconds": 1e3 * sweep, "plain_sweep_seconds_from_50_energies": plain_s,
        "times_faster": plain_s / sweep, "largest_difference": float(np.abs(ours[::20] / other - 1).max()),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
