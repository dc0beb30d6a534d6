"""What one more scan would be worth: the plan with less uncertainty of one organ, averaged over what the scan may show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..core import BadInput, stream
from .limits import Limit
from .optimise import Problem, bearable_Bq, label, terms, tumour_bed_Gy
from .response import Response
from .risk import weighted_quantile


@dataclass(frozen=True, slots=True)
class ScanValue:
    """Expected gain in median overall BED, its standard error, and the mean activity with and without the scan (Bq)."""

    organ: str
    gain_Gy: float
    u_gain_Gy: float
    activity_without_Bq: float
    activity_with_Bq: float
    scans: int


def value_of_scan(problem: Problem, r: Response, cycles: int, limit: Limit, supply_Bq: float, *, scans: int = 200, seed: int = 1) -> ScanValue:
    """Expected gain if the logarithm of the organ's dose per becquerel were known with half the standard deviation.

    Each hypothetical scan takes a draw as the truth, measures the logarithm with the error that halves the standard deviation (``s / sqrt 3`` for a normal
    distribution), and weights all draws by how well they agree with it. With these weights every limit is looked at anew, the activity set to the least of
    what they allow, and the gain in the median overall BED taken (both with the same weights). Nuclide, ligand and cycles stay as they are. Since a
    probability is limited and not a cost, the value need not be positive. Both sides use plain weighted quantiles.

    Parameters
    ----------
    problem, r, cycles
        Of the plan.
    limit : Limit
        Of the organ that would be measured better.
    supply_Bq : float
        What can be given, whatever the limits say.
    scans, seed : int

    Raises
    ------
    BadInput
        Fewer than two scans.
    """
    if scans < 2:
        raise BadInput(f"{scans} hypothetical scans; give at least 2.")
    w = np.full(r.draws, 1.0) if problem.weights is None else problem.weights
    w, x = w / w.sum(), np.log(terms(problem, r, limit, cycles)[0])
    s = float(np.sqrt(np.average((x - np.average(x, weights=w)) ** 2, weights=w)))
    bears = [(b[order], order) for b in (bearable_Bq(problem, r, each, cycles) for each in problem.limits) for order in (np.argsort(b),)]

    def allowed(weights: np.ndarray) -> float:
        below = [int(np.searchsorted(np.cumsum(weights[order]), problem.risk * weights.sum(), side="right")) for _, order in bears]
        return min(supply_Bq, *(float(b[min(k, r.draws - 1)]) for k, (b, _) in zip(below, bears)))

    now = allowed(w)
    if s < 1e-9:  # nothing left to learn
        return ScanValue(label(limit), 0.0, 0.0, now, now, scans)
    rng = stream(seed, "planning", "scan")
    truth, noise = rng.choice(r.draws, scans, p=w), rng.standard_normal(scans)
    gain, then = np.zeros(scans), np.zeros(scans)
    for i in range(scans):
        z = x[truth[i]] + noise[i] * s / np.sqrt(3)
        after = w * np.exp(-1.5 * ((x - z) / s) ** 2)
        then[i] = allowed(after)
        with_, without = tumour_bed_Gy(replace(problem, weights=None), r, cycles, np.array([[then[i]], [now]]))
        gain[i] = weighted_quantile(with_, 0.5, after) - weighted_quantile(without, 0.5, after)
    return ScanValue(label(limit), float(gain.mean()), float(gain.std(ddof=1) / np.sqrt(scans)), now, float(then.mean()), scans)

