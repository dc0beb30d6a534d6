"""The best plan among all: activity goes to its first limit, and every choice of nuclide, ligand and cycles is tried.

At a fixed nuclide, amount of ligand and number of cycles, everything rises with the activity: tumour effect, organ dose, risk. So the best activity is the
largest that is allowed, each limit gives one such activity in closed form, and the least of them is the plan. What remains is a list short enough to try in full.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from ..agents import molar_activity_Bq_per_nmol
from ..core import BadInput, CouldNot
from .goals import TUMOUR_ALPHA_PER_GY, overall_bed_Gy
from .limits import Limit
from .response import Response
from .risk import activity_at_Gy, exceedance, largest_activity_Bq, weighted_quantile

#: What bounds an activity beside limits of organs.
DELIVERED, HOT = "largest activity that can be given", "hot ligand in the amount of ligand"


@dataclass(frozen=True, slots=True)
class Supply:
    """What can be delivered for a cycle, and what must be; infinite or zero where nothing is said.

    `molar_activity_Bq_per_nmol` is that of the product; without it the nuclide without carrier, one atom to a molecule, which no product reaches.
    """

    largest_Bq: float = math.inf
    least_Bq: float = 0.0
    largest_nmol: float = math.inf
    molar_activity_Bq_per_nmol: float = math.inf


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """A nuclide, an amount of ligand, a number of cycles, and the activity of each.

    Attributes
    ----------
    overall_bed_Gy : float
        Median over the draws, with what earlier cycles gave.
    overall_bed_5_95_Gy : tuple of float
    active : str
        What holds the activity where it is.
    caps_Bq : mapping of str to float
        The largest activity that each constraint allows.
    risk : mapping of organ to float
        Share of the draws above the limit.
    organ_Gy : mapping of organ to (float, float, float)
        In the limit's quantity over all cycles: median, 5 %, 95 %.
    """

    nuclide: str
    ligand_nmol: float
    cycles: int
    activity_Bq: float
    overall_bed_Gy: float
    overall_bed_5_95_Gy: tuple[float, float]
    active: str
    caps_Bq: Mapping[str, float]
    risk: Mapping[str, float]
    organ_Gy: Mapping[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Everything but the choice.

    Attributes
    ----------
    limits : tuple of Limit
    risk : float
        Largest probability with which each may be exceeded.
    organ_rbe, tumour_rbe : float or None
        By which alphas count; None refuses nuclides that emit them.
    used_Gy : mapping of region to float or ndarray of draws
        What earlier cycles gave, organs in their limit's quantity, tumours in BED; nothing where not named.
    weights : ndarray, shape (draws,), optional
        Of the draws.
    growth_Gy_per_day, interval_days : float
        BED that regrowth of tumours takes back, counted from the first of these cycles to the last, which lie `interval_days` apart: with a doubling time T,
        ``ln 2 / (alpha T)``. Without growth the interval has no effect; with it the shortest is the best.
    """

    limits: tuple[Limit, ...]
    risk: float
    supply: Supply = Supply()
    organ_rbe: float | None = None
    tumour_rbe: float | None = None
    used_Gy: Mapping[str, float | np.ndarray] = field(default_factory=lambda: MappingProxyType({}))
    weights: np.ndarray | None = None
    growth_Gy_per_day: float = 0.0
    interval_days: float = 42.0

    def rbe_of(self, r: Response, tumour: bool) -> float:
        """Weight of alphas; refused where alphas are there and none was named."""
        value = self.tumour_rbe if tumour else self.organ_rbe
        if value is None:
            if r.has_alphas:
                raise BadInput(
                    f"{r.nuclide} emits alphas; limits of organs and the effect on tumours are those of low-LET radiation. Name the RBE by which alphas count in both "
                    "(organ and tumour), such as deterministic-5 and PC3-PIP-Ruigrok-2022, or leave the nuclide out."
                )
            return 1.0
        return value


def terms(problem: Problem, r: Response, limit: Limit, cycles: int) -> tuple[np.ndarray, np.ndarray]:
    """Linear and quadratic coefficient of what `limit` counts, over the first `cycles`: shapes (draws,)."""
    organ = r.regions[limit.organ]
    quadratic = organ.quadratic()[:, :cycles].sum(axis=1) if limit.quantity == "BED" else np.zeros(r.draws)
    return organ.linear(problem.rbe_of(r, tumour=False))[:, :cycles].sum(axis=1), quadratic


def bearable_Bq(problem: Problem, r: Response, limit: Limit, cycles: int) -> np.ndarray:
    """Activity of each cycle with which each draw just reaches the limit, shape (draws,)."""
    return activity_at_Gy(*terms(problem, r, limit, cycles), limit.value_Gy - np.asarray(problem.used_Gy.get(limit.organ, 0.0), float))


def caps_Bq(problem: Problem, r: Response, cycles: int) -> dict[str, float]:
    """Largest activity of a cycle by each constraint."""
    carried = min(problem.supply.molar_activity_Bq_per_nmol, molar_activity_Bq_per_nmol(r.nuclide)) * r.ligand_nmol
    caps = {label(x): largest_activity_Bq(bearable_Bq(problem, r, x, cycles), problem.risk, problem.weights) for x in problem.limits}
    return caps | {HOT: carried, DELIVERED: problem.supply.largest_Bq}


def label(limit: Limit) -> str:
    """``kidney 40 Gy BED``."""
    return f"{limit.organ} {limit.value_Gy:g} Gy" + (" BED" if limit.quantity == "BED" else "")


def tumour_bed_Gy(problem: Problem, r: Response, cycles: int, activity_Bq: float | np.ndarray) -> np.ndarray:
    """Overall BED of each draw, shape (draws,); an array of activities must fit that shape: (draws,), or (k, 1) for k activities."""
    a = np.asarray(activity_Bq, float)[..., None]
    regions = [r.regions[k] for k in r.tumours]
    linear = np.stack([x.linear(problem.rbe_of(r, tumour=True))[:, :cycles].sum(axis=1) for x in regions], axis=-1)
    quadratic = np.stack([x.quadratic()[:, :cycles].sum(axis=1) for x in regions], axis=-1)
    used = np.stack([np.broadcast_to(problem.used_Gy.get(k, 0.0), (r.draws,)) for k in r.tumours], axis=-1)
    regrown = problem.growth_Gy_per_day * (cycles - 1) * problem.interval_days  # of all lesions alike, so that it may be taken off the sum
    return overall_bed_Gy(used + a * linear + a * a * quadratic, np.array([x.number * x.mass_g for x in regions]), TUMOUR_ALPHA_PER_GY) - regrown


def assess(problem: Problem, r: Response, cycles: int, activity_Bq: float, active: str, caps: Mapping[str, float]) -> Plan:
    """What an activity does, whether it keeps the limits or not."""
    effect, w = tumour_bed_Gy(problem, r, cycles, activity_Bq), problem.weights
    risk, got = {}, {}
    for x in problem.limits:
        l, q = terms(problem, r, x, cycles)
        total = np.asarray(problem.used_Gy.get(x.organ, 0.0), float) + activity_Bq * l + activity_Bq**2 * q
        risk[label(x)] = exceedance(bearable_Bq(problem, r, x, cycles), activity_Bq, w)
        got[label(x)] = (weighted_quantile(total, 0.5, w), weighted_quantile(total, 0.05, w), weighted_quantile(total, 0.95, w))
    return Plan(
        r.nuclide, r.ligand_nmol, cycles, activity_Bq, weighted_quantile(effect, 0.5, w), (weighted_quantile(effect, 0.05, w), weighted_quantile(effect, 0.95, w)),
        active, MappingProxyType(dict(caps)), MappingProxyType(risk), MappingProxyType(got),
    )  # fmt: skip


def options(problem: Problem, table: Sequence[Response], cycles: Sequence[int] | None = None) -> list[Plan]:
    """Every allowed plan, the best first: one for each response and number of cycles.

    Parameters
    ----------
    problem : Problem
    table : sequence of Response
    cycles : sequence of int, optional
        Numbers of further cycles to try; 1 to as many as the responses hold.

    Raises
    ------
    BadInput
        No limit at all, alphas without an RBE, or a least activity above the largest.
    CouldNot
        Nothing is allowed; the sentence names what stands against what.
    """
    s = problem.supply
    if not problem.limits and math.isinf(s.largest_Bq):
        raise BadInput("No limit of an organ and no largest activity was given, so that nothing bounds the plan; give limits, such as kidneys='40 Gy BED', or a largest activity.")
    if s.least_Bq > s.largest_Bq:
        raise BadInput(f"The least activity of a cycle, {s.least_Bq / 1e6:.4g} MBq, is above the largest, {s.largest_Bq / 1e6:.4g} MBq; one of them must give way.")
    if all(r.ligand_nmol > s.largest_nmol for r in table):
        raise BadInput(f"The most ligand that can be given, {s.largest_nmol:g} nmol, is below every amount to be tried, {min(r.ligand_nmol for r in table):g} nmol and up; one of them must give way.")
    tried = []
    for r in table:
        if r.ligand_nmol <= s.largest_nmol:
            for n in cycles or range(1, r.cycles + 1):
                caps = caps_Bq(problem, r, n)
                active = min(caps, key=lambda k: caps[k])
                tried.append((r, n, caps, active))
    allowed = [(r, n, caps, active) for r, n, caps, active in tried if caps[active] > 0 and caps[active] >= s.least_Bq * (1 - 1e-12)]
    if not allowed:
        raise CouldNot(_contradiction(problem, [(r, n, caps) for r, n, caps, _ in tried]))
    plans = [assess(problem, r, n, caps[active], active, caps) for r, n, caps, active in allowed]
    return sorted(plans, key=lambda p: (-round(p.overall_bed_Gy, 9), p.cycles, p.ligand_nmol))


def best_plan(problem: Problem, table: Sequence[Response], cycles: Sequence[int] | None = None) -> Plan:
    """The first of `options`: the largest median overall BED; of equals the one of fewer cycles, then of less ligand."""
    return options(problem, table, cycles)[0]


def _contradiction(problem: Problem, tried: list[tuple[Response, int, dict[str, float]]]) -> str:
    """Which constraints cannot hold together, in a sentence."""
    least, best = problem.supply.least_Bq, {k: max(caps[k] for *_, caps in tried) for k in tried[0][2]}
    if gone := [k for k, v in best.items() if v <= 0]:
        return (
            f"No activity is left: what earlier cycles gave already exceeds {' and '.join(gone)} with a probability above {problem.risk:g}. Stop here, raise that limit or "
            "accept a larger risk."
        )
    against = [k for k, v in best.items() if v < least] or sorted({min(caps, key=lambda k: caps[k]) for *_, caps in tried})  # each alone would do
    said = " and ".join(f"{k} (at most {best[k] / 1e6:.4g} MBq)" for k in against)
    return f"The least activity of a cycle, {least / 1e6:.4g} MBq, contradicts {said} at a risk of {problem.risk:g}, whatever the cycles, ligand and nuclide; one of them must give way."
