"""What is given today: the same activity for everyone, as many cycles as a kidney limit allows, activity per body weight."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core import BadInput
from .limits import Limit
from .optimise import Plan, Problem, assess, terms, tumour_bed_Gy
from .response import Response

#: Activity and cycles of the approved 177Lu-PSMA-617, with the ligand of 7.4 GBq.
FIXED_ACTIVITY_BQ, FIXED_CYCLES, FIXED_LIGAND_NMOL = 7.4e9, 6, 57.0


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A plan on draws one by one: overall tumour BED and what each limit counts, shape (draws,)."""

    overall_bed_Gy: np.ndarray
    organ_Gy: dict[str, np.ndarray]


def fixed(problem: Problem, r: Response, activity_Bq: float, cycles: int, name: str) -> Plan:
    """The same activity for everyone, whatever the limits say; `Plan.risk` says what they do say."""
    return assess(problem, r, cycles, activity_Bq, name, {})


def judge(problem: Problem, r: Response, activity_Bq: float | np.ndarray, cycles: int | np.ndarray) -> Judged:
    """Give each draw its own activity and number of cycles (or all the same) and see what comes of it."""
    a, n = np.broadcast_to(np.asarray(activity_Bq, float), (r.draws,)), np.broadcast_to(np.asarray(cycles, int), (r.draws,))
    effect, organs = np.zeros(r.draws), {x.organ: np.zeros(r.draws) for x in problem.limits}
    for k in np.unique(n):
        here = n == k
        if k == 0:
            continue
        effect[here] = tumour_bed_Gy(problem, r, int(k), a)[here]
        for x in problem.limits:
            l, q = terms(problem, r, x, int(k))
            organs[x.organ][here] = (a * l + a**2 * q)[here]
    return Judged(effect, organs)


def bed_limited_cycles(problem: Problem, r: Response, limit: Limit, activity_Bq: float, *, tolerance_Gy: float = 0.0) -> np.ndarray:
    """Cycles of one activity until the next would exceed the limit, shape (draws,), up to as many as the response holds.

    The pattern of the trial ILUMINET (7.4 GBq of 177Lu-DOTATATE a cycle to a renal BED of 27 +- 2 Gy, then 40 +- 2 Gy; Sundlov et al. 2022;
    the limits are recalled, not re-read): dosimetry after each cycle is taken to be exact.
    """
    total = [activity_Bq * l + activity_Bq**2 * q for l, q in (terms(problem, r, limit, n) for n in range(1, r.cycles + 1))]
    return (np.stack(total, axis=-1) <= limit.value_Gy + tolerance_Gy).sum(axis=1)


def per_weight_Bq(kBq_per_kg: float, weight_kg: float) -> float:
    """Activity by body weight, as trials of alpha emitters give it.

    Raises
    ------
    BadInput

    100 kBq/kg of 225Ac for 80 kg are 8 MBq.

    >>> per_weight_Bq(100, 80)
    8000000.0
    """
    if not (kBq_per_kg > 0 and weight_kg > 0 and math.isfinite(kBq_per_kg * weight_kg)):
        raise BadInput(f"{kBq_per_kg:g} kBq/kg for {weight_kg:g} kg; give both above zero.")
    return 1000.0 * kBq_per_kg * weight_kg
