"""Seconds to fit every voxel of four 128^3 volumes, and how many times faster that is than SciPy per voxel.

Run: ``python benchmarks/voxel_fits.py``. Prints one JSON object. ``scipy.optimize.curve_fit`` with a
mono-exponential is timed on a sample of the same voxels and scaled to all of them; both see the same values
and the same uncertainties, and the compiled fit runs on as many threads as numba was given. On a busy machine the ratio of processor
seconds, on one core each, is the steadier figure.
"""

from __future__ import annotations

import json
import os
import time

import numba
import numpy as np
from scipy.optimize import curve_fit

from lutetia.core import stream
from lutetia.kinetics import fit_voxels

SHAPE = (128, 128, 128)
TIME_S = 3600.0 * np.array([4.0, 24.0, 96.0, 168.0])
DECAY_PER_S = np.log(2) / (6.6443 * 86400)


def volumes(seed: int = 1, noise: float = 0.10) -> tuple[np.ndarray, np.ndarray]:
    """Noisy mono-exponential volumes, shape (4, 128, 128, 128), float32; and the true integrals."""
    rng = stream(seed, "benchmark", "voxels")
    half_life = 3600 * np.exp(rng.uniform(np.log(20), np.log(140), SHAPE))
    rate = np.log(2) / half_life
    start = rng.uniform(1e3, 1e5, SHAPE)
    clean = start * np.exp(-np.multiply.outer(TIME_S, rate))
    return (clean * (1 + noise * rng.standard_normal(clean.shape))).astype(np.float32), start / rate


def run(sample: int = 1000, repeats: int = 7) -> dict[str, float]:
    """Seconds, ratio and agreement; the best of `repeats` for the compiled fit."""
    activity, truth = volumes()
    fit_voxels(TIME_S, activity[:, :2], decay_constant_per_s=DECAY_PER_S)  # compile
    seconds, cpu = [], []
    for _ in range(repeats):
        began, busy = time.perf_counter(), time.process_time()
        fits = fit_voxels(TIME_S, activity, decay_constant_per_s=DECAY_PER_S)
        seconds.append(time.perf_counter() - began)
        cpu.append(time.process_time() - busy)

    flat = activity.reshape(len(TIME_S), -1).astype(float)
    chosen = stream(1, "benchmark", "sample").choice(flat.shape[1], sample, replace=False)
    model, tia = fits.model.ravel()[chosen], fits.tia_Bq_s.ravel()[chosen]
    reference = np.empty(sample)
    began, busy = time.perf_counter(), time.process_time()
    for i, v in enumerate(chosen):
        y = flat[:, v]
        sigma = np.hypot(0.10 * y, 0.02 * y.max())
        (a, k), _ = curve_fit(lambda t, a, k: a * np.exp(-k * t), TIME_S, y, p0=(y[0], 3e-6), sigma=sigma, absolute_sigma=True)
        reference[i] = a / k
    per_voxel = (time.perf_counter() - began) / sample
    cpu_per_voxel = (time.process_time() - busy) / sample
    mono = model == 1  # not averaged with another model
    return {
        "voxels": int(flat.shape[1]),
        "seconds": min(seconds),
        "cpu_seconds": min(cpu),
        "threads": numba.get_num_threads(),
        "cores": os.cpu_count() or 0,
        "load_average_1_min": os.getloadavg()[0],
        "curve_fit_seconds_per_voxel": per_voxel,
        "curve_fit_sample": sample,
        "times_faster_than_curve_fit": per_voxel * flat.shape[1] / min(seconds),
        "times_less_cpu_than_curve_fit": cpu_per_voxel * flat.shape[1] / min(cpu),
        "largest_difference_from_curve_fit": float(np.abs(tia[mono] / reference[mono] - 1).max()),
        "averaged_fraction": float(np.mean(fits.model == 8)),
        "median_error_of_tia": float(np.median(np.abs(fits.tia_Bq_s / truth - 1))),
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
