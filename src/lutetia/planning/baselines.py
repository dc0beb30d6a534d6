"""What is given today: the same activity for everyone, as many cycles as a kidney limit allows, activity per body weight."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core import BadInput
from .course import equal
from .goals import TUMOUR_ALPHA_PER_GY, overall_bed_Gy
from .limits import Limit
from .optimise import Plan, Problem, assess, terms
from .response import Response

#: Activity and cycles of the approved 177Lu-PSMA-617, with the ligand of 7.4 GBq.
FIXED_ACTIVITY_BQ, FIXED_CYCLES, FIXED_LIGAND_NMOL = 7.4e9, 6, 57.0


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A plan on draws one by one: overall tumour BED and what each limit counts, with what earlier cycles gave, shape (draws,)."""

    overall_bed_Gy: np.ndarray
    organ_Gy: dict[str, np.ndarray]


def fixed(problem: Problem, r: Response, activity_Bq: float, cycles: int, name: str) -> Plan:
    """The same activity for everyone, whatever the limits say; `Plan.risk` says what they do say."""
    return assess(problem, equal(r, cycles), activity_Bq, name, {})


def judge(problem: Problem, r: Response, activity_Bq: float | np.ndarray, cycles: int | np.ndarray | None = None) -> Judged:
    """Give each draw activities of its own and see what comes of it.

    Parameters
    ----------
    problem, r
    activity_Bq : float or ndarray
        Of each cycle, shape (draws,) or one for all; without `cycles` shape (draws, cycles), zero where nothing is given.
    cycles : int or ndarray, shape (draws,), optional
    """
    a = np.asarray(activity_Bq, float)
    if cycles is not None:
        a = np.where(np.arange(r.cycles) < np.broadcast_to(cycles, (r.draws,))[:, None], np.broadcast_to(a, (r.draws,))[:, None], 0.0)
    n = a.shape[1]
    last = np.where(a > 0, np.arange(n), 0).max(axis=1)

    def used(k: str) -> np.ndarray:
        return np.broadcast_to(np.asarray(problem.used_Gy.get(k, 0.0), float), (r.draws,))

    def total(k: str, tumour: bool, quadratic: bool) -> np.ndarray:
        x = r.regions[k]
        linear = x.linear(problem.rbe_of(r, tumour))[:, :n]
        summed: np.ndarray = used(k) + (a * linear).sum(axis=1) + ((a**2 * x.quadratic()[:, :n]).sum(axis=1) if quadratic else 0.0)
        return summed

    bed = np.stack([total(k, True, True) for k in r.tumours], axis=-1)
    mass = np.array([r.regions[k].number * r.regions[k].mass_g for k in r.tumours])
    effect = overall_bed_Gy(bed, mass, TUMOUR_ALPHA_PER_GY) - problem.growth_Gy_per_day * problem.interval_days * last
    return Judged(effect, {x.organ: total(x.organ, False, x.quantity == "BED") for x in problem.limits})


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
