"""Alpha tracks through a nucleus and its cell: tracks a second, and the ratio to the same physics in plain numpy.

Run: ``python benchmarks/alpha_tracks.py``. Prints one JSON object.
"""

from __future__ import annotations

import json
import time

import numba
import numpy as np

from lutetia.core import stream
from lutetia.dosimetry.cells import CellGeometry, cell_s_Gy_per_Bq_s, cross_s_Gy_per_Bq_s
from lutetia.dosimetry.microdosimetry import alpha_lines
from lutetia.transport.alpha_tracks import alpha_tracks, residual_energies_MeV
from lutetia.transport.alphas import alpha_range_um
from lutetia.transport.spheres import GY_G_PER_MEV

CELL, TRACKS = CellGeometry(5.0, 4.0), 6_000_000


def plain(energy: np.ndarray, number: np.ndarray, tracks: int) -> np.ndarray:
    """Energy in the nucleus by alphas from the whole cell: arrays over tracks, the same table of residual energies."""
    rng = stream(1, "benchmark", "alphas")
    ranges = alpha_range_um(energy)
    table = residual_energies_MeV(float(ranges.max()))
    grid = 0.02 * np.arange(len(table))
    R = ranges[rng.choice(len(energy), tracks, p=number / number.sum())]
    s = CELL.cell_radius_um * np.cbrt(rng.random(tracks))
    c = 2 * rng.random(tracks) - 1
    square = CELL.nucleus_radius_um**2 - s**2 * (1 - c**2)
    half = np.sqrt(np.maximum(square, 0.0))
    start, end = np.maximum(-s * c - half, 0.0), -s * c + half
    crosses = (square > 0) & (end > 0) & (start < R)
    given = np.interp(np.maximum(R - start, 0.0), grid, table) - np.interp(np.maximum(R - end, 0.0), grid, table)
    return np.where(crosses, given, 0.0)


def run() -> dict[str, float]:
    """Speeds of both, and how far each lies from the deterministic integral."""
    E, number, _ = alpha_lines("Ac-225", progeny=True)
    arguments = (E, number, (CELL.nucleus_radius_um, CELL.cell_radius_um), (0.0, CELL.cell_radius_um))
    alpha_tracks(*arguments, tracks=1000)  # compile
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        ours = alpha_tracks(*arguments, tracks=TRACKS).inner_MeV
        seconds.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    other = plain(E, number, TRACKS)
    plain_s = time.perf_counter() - begin
    mean = cell_s_Gy_per_Bq_s("Ac-225", CELL, progeny=True)["N<-C"]["alpha"] * CELL.mass_g("N") / GY_G_PER_MEV / number.sum()
    distances = np.geomspace(10.0, 3000.0, 300)
    begin = time.perf_counter()
    for target in ("N", "C"):
        for source in ("N", "Cy", "CS", "C"):
            cross_s_Gy_per_Bq_s("Ac-225", CELL, target, source, distances, progeny=True)
    return {
        "million_tracks_per_second": TRACKS / min(seconds) / 1e6, "threads": numba.get_num_threads(),
        "plain_million_tracks_per_second": TRACKS / plain_s / 1e6, "times_faster": plain_s / min(seconds),
        "difference_from_integral": float(ours.mean() / mean - 1), "plain_difference_from_integral": float(other.mean() / mean - 1),
        "cross_s_of_8_pairs_at_300_distances_seconds": time.perf_counter() - begin,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
