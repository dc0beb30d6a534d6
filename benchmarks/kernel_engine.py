"""Kernel engine on a 256 x 256 x 199 map: seconds, peak memory, and the ratio to a plain full-size FFT of the same kernels.

Run: ``python benchmarks/kernel_engine.py``. Prints one JSON object.
"""

from __future__ import annotations

import json
import resource
import time

import numpy as np
from scipy import fft

from lutetia.core import stream
from lutetia.dosimetry.engines import kernel_energy_MeV
from lutetia.transport.kernels import nuclide_kernels
from lutetia.transport.voxels import voxel_kernel_MeV

SHAPE, SPACING = (199, 256, 256), np.array([1.953] * 3)


def plain(decays: np.ndarray, name: str, reach: int) -> dict[str, np.ndarray]:
    """The same convolution without the split into near and far: each kernel out to `reach` voxels, double precision."""
    size = [fft.next_fast_len(n + reach, real=True) for n in decays.shape]
    forward = fft.rfftn(decays.astype(float), size, workers=2)
    out = {}
    for radiation, kernel in nuclide_kernels(name, progeny=True).items():
        voxel = voxel_kernel_MeV(kernel, tuple(SPACING), reach)
        placed = np.zeros(size)
        placed[np.ix_(*[(np.arange(2 * reach + 1) - reach) % s for s in size])] = voxel
        out[radiation] = fft.irfftn(fft.rfftn(placed, workers=2) * forward, size, workers=2)[tuple(slice(0, n) for n in decays.shape)]
    return out


def run() -> dict[str, float]:
    """Seconds of both, memory of ours, and how far apart their photon doses are inside the source."""
    decays = np.zeros(SHAPE, np.float32)
    decays[60:140, 80:180, 70:190] = stream(1, "benchmark", "kernel").random((80, 100, 120), np.float32)
    kernel_energy_MeV(decays[:80, :80, :80], SPACING, "Lu-177")  # compile, and fold the kernels
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        ours = kernel_energy_MeV(decays, SPACING, "Lu-177")
        seconds.append(time.perf_counter() - start)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    start = time.perf_counter()
    reference = plain(decays, "Lu-177", 90)
    plain_s = time.perf_counter() - start
    inside = decays > 0
    return {
        "seconds": min(seconds), "peak_memory_GB": memory, "plain_seconds": plain_s, "times_faster": plain_s / min(seconds),
        "photon_difference_in_source": float(ours["photon"][inside].mean() / reference["photon"][inside].mean() - 1),
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
