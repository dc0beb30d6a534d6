"""Compute the table of monoenergetic photon kernels in water that ships with lutetia (about 2 minutes on 2 cores).

    python scripts/make_photon_kernels.py [--histories 1000000]

For each energy, photons start at a point in infinite water. What the first interaction transfers to electrons is
known exactly and is not in the table; what scattered and annihilation photons transfer is scored by track length in
spherical shells. Radii are in mean free paths of the primary photon.
"""

from __future__ import annotations

import argparse
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from make_photon_tables import write
from numba import njit

from lutetia.core import stream_seed
from lutetia.transport.photon_data import photon_tables
from lutetia.transport.photon_physics import REST_MEV, compton, history_key, rayleigh, turned, uniform

ENERGIES_MEV = np.array([float(f"{e:.4g}") for e in np.geomspace(0.001, 10.0, 41)])
RADII = np.array([float(f"{x:.4g}") for x in np.geomspace(0.01, 40.0, 73)])
CUT_MEV = 0.001


@njit(cache=True)
def coefficient(values, log_first, per_log, energy):
    place = (math.log(max(energy, CUT_MEV)) - log_first) * per_log
    row = min(max(int(place), 0), values.shape[0] - 2)
    return values[row] + (place - row) * (values[row + 1] - values[row])


@njit(cache=True)
def score_track(inside, radii, x, y, z, u, v, w, length, per_length):
    """Add `per_length` times the part of the track within each radius to `inside`."""
    along = -(x * u + y * v + z * w)  # where the line is nearest to the centre
    miss2 = max(x * x + y * y + z * z - along * along, 0.0)
    for b in range(radii.size):
        h2 = radii[b] * radii[b] - miss2
        if h2 <= 0.0:
            continue
        h = math.sqrt(h2)
        part = min(along + h, length) - max(along - h, 0.0)
        if part > 0.0:
            inside[b] += per_length * part
            if part >= length:
                for c in range(b + 1, radii.size):
                    inside[c] += per_length * length
                return


@njit(cache=True, nogil=True)
def scattered(start, histories, key, radii, log_first, per_log, mu, transfer, branch, x2, s, f2):
    """Fraction of the energy that photons after the first interaction transfer within each radius (cm)."""
    inside = np.zeros(radii.size)
    rng = np.empty(1, np.uint64)
    for h in range(histories):
        rng[0] = history_key(key, h)
        energy = start
        waiting = False
        x, y, u, v, w = 0.0, 0.0, 0.0, 0.0, 1.0
        z = -math.log(uniform(rng)) / coefficient(mu, log_first, per_log, energy)
        ax = ay = az = au = av = aw = 0.0
        while True:
            alive = True
            chance = uniform(rng)
            if chance < coefficient(branch[:, 0], log_first, per_log, energy):
                energy, cosine = compton(energy, s, rng)
                u, v, w = turned(u, v, w, cosine, 2.0 * math.pi * uniform(rng))
            elif chance < coefficient(branch[:, 1], log_first, per_log, energy):
                u, v, w = turned(u, v, w, rayleigh(energy, x2, f2, rng), 2.0 * math.pi * uniform(rng))
            elif energy <= 2.0 * REST_MEV or chance < coefficient(branch[:, 2], log_first, per_log, energy):
                alive = False
            else:
                energy = REST_MEV
                u, v, w = turned(u, v, w, 2.0 * uniform(rng) - 1.0, 2.0 * math.pi * uniform(rng))
                waiting = True
                ax, ay, az, au, av, aw = x, y, z, -u, -v, -w
            if alive and energy < CUT_MEV:
                r = math.sqrt(x * x + y * y + z * z)
                for b in range(np.searchsorted(radii, r), radii.size):
                    inside[b] += energy
                alive = False
            if not alive:
                if not waiting:
                    break
                waiting = False
                energy, x, y, z, u, v, w = REST_MEV, ax, ay, az, au, av, aw
            per_cm = coefficient(mu, log_first, per_log, energy)
            length = -math.log(uniform(rng)) / per_cm
            score_track(inside, radii, x, y, z, u, v, w, length, energy * coefficient(transfer, log_first, per_log, energy))
            x, y, z = x + u * length, y + v * length, z + w * length
    return inside / (start * histories)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=1_000_000)
    n = parser.parse_args().histories
    t = photon_tables(("water",))
    tables = (t.log_first, t.per_log, t.mu[:, 0].copy(), t.transfer[:, 0].copy(), t.branch[:, 0].copy(), t.x2, t.s[0], t.f2[0])

    def work(energy: float) -> list[tuple[float, ...]]:
        mu = coefficient(tables[2], t.log_first, t.per_log, energy)
        part = scattered(energy, n, np.uint64(stream_seed(1, "photon kernels", str(energy))), RADII / mu, *tables)
        whole = 1 - coefficient(tables[3], t.log_first, t.per_log, energy) / mu  # all that the first interaction left
        missing = whole - part[-1]
        part *= whole / part[-1]  # takes the noise out of the sum: nothing is left at 40 mean free paths
        print(f"{energy * 1e3:9.4g} keV: scattered {part[-1]:.5f}, missing {missing:+.5f}", flush=True)
        return [(energy, x, float(f"{f:.5g}")) for x, f in zip(RADII, part)]

    with ThreadPoolExecutor(2) as pool:
        rows = [row for rows in pool.map(work, ENERGIES_MEV.tolist()) for row in rows]
    write("photon_kernels", ["energy_MeV", "mean_free_paths", "scattered_fraction"], rows, {
        "title": "Energy transferred by scattered photons around a point source in infinite water, 1 keV to 10 MeV",
        "source": "Computed by lutetia, scripts/make_photon_kernels.py: Monte Carlo with the cross sections of the table photon_cross_sections (XCOM, doi 10.18434/T48G6X).",
        "licence": "Apache-2.0",
        "note": f"{n} photons an energy. Fraction of the emitted energy that is transferred to electrons after the first interaction, within a radius in mean free paths of the primary photon; the first interaction adds (mu_tr/mu)(1 - exp(-x)).",
    }, {"energy_MeV": "MeV", "mean_free_paths": "1", "scattered_fraction": "1"})


if __name__ == "__main__":
    main()
