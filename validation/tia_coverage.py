"""How often the stated 95 % interval of a time-integrated activity holds the truth, on synthetic curves.

Run: ``python validation/tia_coverage.py [curves] [seeds]``. Prints one JSON object.

Truth. Kidney, liver, spleen and tumour, in equal parts, of a 177Lu ligand. The last phase has a log-normal
effective half-life (median 50, 70, 70, 90 h; spread 20, 25, 20, 25 %), cut at 95 % of the physical one. Half
of the curves have a fast washout phase too: 10 to 50 % of the amplitude, half-life 2 to 10 h
(log-uniform). The other half rise from zero with a half-life of 0.5 to 5 h (tumour: to 10 h). These
are round values in the range published for DOTATATE and PSMA ligands, not a fit to any patient group.

Measurement. The scan times are scattered by 5 %. Every curve has its own relative noise, uniform between 5
and 10 %, normal and independent from point to point. The fit is told that percentage of each *measured*
activity, as a user would give it.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np

from lutetia.core import stream
from lutetia.kinetics import TimeActivityCurve, fit_curve, interval_95

DECAY_PER_H = np.log(2) / (6.6443 * 24)
_LAST_H = {"kidney": (50.0, 0.20), "liver": (70.0, 0.25), "spleen": (70.0, 0.20), "tumour": (90.0, 0.25)}
DESIGNS_H = {
    "3 points: 4, 24, 96 h": (4, 24, 96),
    "3 points: 24, 72, 168 h": (24, 72, 168),
    "4 points: 4, 24, 72, 168 h": (4, 24, 72, 168),
    "4 points: 4, 24, 100, 168 h": (4, 24, 100, 168),
    "4 points: 4, 24, 72, 120 h": (4, 24, 72, 120),
    "5 points: 1, 4, 24, 96, 168 h": (1, 4, 24, 96, 168),
}


def truth(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients and rates (per h) of one curve of unit scale."""
    organ = rng.choice(list(_LAST_H))
    median, spread = _LAST_H[organ]
    last = min(median * np.exp(spread * rng.standard_normal()), 0.95 * np.log(2) / DECAY_PER_H)
    if rng.random() < 0.5:
        fast, half_life = rng.uniform(0.1, 0.5), np.exp(rng.uniform(np.log(2), np.log(10)))
        return np.array([1 - fast, fast]), np.log(2) / np.array([last, half_life])
    rise = np.exp(rng.uniform(np.log(0.5), np.log(10 if organ == "tumour" else 5)))
    return np.array([1.0, -1.0]), np.log(2) / np.array([last, rise])


def measured(rng: np.random.Generator, times_h: tuple[float, ...], c: np.ndarray, k: np.ndarray) -> TimeActivityCurve:
    """A noisy curve; a draw with a negative activity is set to zero."""
    t = np.array(times_h) * np.exp(0.05 * rng.standard_normal(len(times_h)))
    noise = rng.uniform(0.05, 0.10)
    a = 1e8 * np.maximum(np.exp(-np.multiply.outer(t, k)) @ c * (1 + noise * rng.standard_normal(len(t))), 0)
    return TimeActivityCurve(3600 * t, a, noise * a)


def coverage(times_h: tuple[float, ...], curves: int = 200, seed: int = 1) -> dict[str, float]:
    """Share of `curves` whose 95 % interval holds the truth, and what the intervals look like."""
    rng = stream(seed, "coverage", str(times_h))
    inside, within_2u, ratio, relative_u = [], [], [], []
    for _ in range(curves):
        c, k = truth(rng)
        expected = 1e8 * 3600 * float(np.sum(c / k))
        tia = fit_curve(measured(rng, times_h, c, k), decay_constant_per_s=DECAY_PER_H / 3600)
        low, high = interval_95(tia)
        inside.append(low <= expected <= high)
        within_2u.append(abs(tia.tia_Bq_s - expected) <= 2 * tia.u_tia_Bq_s)
        ratio.append(tia.tia_Bq_s / expected)
        relative_u.append(tia.u_tia_Bq_s / tia.tia_Bq_s)
    return {
        "curves": curves,
        "coverage_95": float(np.mean(inside)),
        "within_2_u": float(np.mean(within_2u)),
        "median_ratio": float(np.median(ratio)),
        "rms_relative_error": float(np.sqrt(np.mean((np.array(ratio) - 1) ** 2))),
        "median_relative_u": float(np.median(relative_u)),
        "p95_relative_u": float(np.quantile(relative_u, 0.95)),
    }


def coverage_table(curves: int = 200, seeds: tuple[int, ...] = (1, 2, 3)) -> list[dict[str, Any]]:
    """One row for each design and seed; every number is computed in this call."""
    return [{"design": name, "seed": s, **coverage(t, curves, s)} for name, t in DESIGNS_H.items() for s in seeds]


if __name__ == "__main__":
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    print(json.dumps(coverage_table(number, tuple(range(1, 1 + int(sys.argv[2])) if len(sys.argv) > 2 else (1, 2, 3))), indent=1))
