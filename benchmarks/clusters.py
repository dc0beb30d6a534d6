"""Crossfire in clusters of 10^3 to 10^6 cells: seconds, memory, growth with N, and the ratio to sums over pairs in plain numpy.

Run: ``python benchmarks/clusters.py``. Prints one JSON object.
"""

from __future__ import annotations

import json
import math
import resource
import time

import numpy as np

from lutetia.dosimetry.cells import CellGeometry
from lutetia.dosimetry.cluster_kernels import ClusterKernels, cluster_kernels
from lutetia.dosimetry.clusters import Survival, Uptake, simulate_cluster
from lutetia.dosimetry.lattice import ball_of_cells

UPTAKE, SURVIVAL = Uptake(3000.0, 0.7, 0.5), Survival(0.16)
PAIRS_AT = 10_000


def plain(kernels: ClusterKernels, x_um: np.ndarray, decays: np.ndarray) -> np.ndarray:
    """Electron cross-dose by all pairs, in blocks that fit in memory."""
    out = np.zeros(len(x_um))
    for start in range(0, len(x_um), 500):
        d = np.sqrt(((x_um[start : start + 500, None] - x_um[None]) ** 2).sum(axis=2))
        here = d > 0
        out[start : start + 500] = np.where(here, kernels.cross("electron_Gy", np.where(here, d, 1.0)), 0.0) @ decays
    return out


def run() -> dict[str, object]:
    """Times of 177Lu from 10^3 to 10^6 cells, kernels apart, and the ratio at 10^4."""
    begin = time.perf_counter()
    kernels = cluster_kernels("Lu-177", CellGeometry(5.0, 4.0), {"CS": 0.3, "Cy": 0.7}, alpha_track_per_Gy=0.67)
    kernels_s = time.perf_counter() - begin
    found: dict[str, object] = {"kernels_seconds": kernels_s}
    seconds = {}
    for n in (1_000, 10_000, 100_000, 1_000_000):
        times = []
        for _ in range(3 if n < 10**6 else 1):
            begin = time.perf_counter()
            c = simulate_cluster(ball_of_cells(10.0, cells=n), kernels, UPTAKE, SURVIVAL)
            times.append(time.perf_counter() - begin)
        seconds[n] = min(times)
        found[f"{n}_cells_seconds"] = seconds[n]
        found[f"{n}_cells_microseconds_per_N_log_N"] = 1e6 * seconds[n] / (n * math.log2(n))
        found[f"{n}_cells_peak_memory_GB_so_far"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        if n == PAIRS_AT:
            begin = time.perf_counter()
            by_pairs = plain(kernels, c.lattice.site * c.lattice.step_um, c.decays)
            pairs_s = time.perf_counter() - begin
            found["pairs_in_numpy_at_10000_cells_seconds"] = pairs_s
            found["times_faster_at_10000_cells"] = pairs_s / seconds[n]
            found["largest_difference_from_pairs"] = float(np.max(np.abs(c.cross_Gy["electron"] / by_pairs - 1)))
    return found


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
