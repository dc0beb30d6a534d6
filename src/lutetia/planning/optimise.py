"""The best plan among all: activity goes to its first limit, and every choice of nuclides, ligand and cycles is tried.

At fixed nuclides, amount of ligand, number of cycles and proportion of their activities, everything rises with the activity: tumour effect, organ dose, risk. So
the best activity is the largest that is allowed, each limit gives one such activity in closed form, and the least of them is the plan. What remains is a list
short enough to try in full, and the proportions, which are searched.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from ..agents import molar_activity_Bq_per_nmol
from ..core import BadInput, CouldNot
from .course import Course, equal, woven
from .goals import TUMOUR_ALPHA_PER_GY, overall_bed_Gy
from .limits import Limit
from .response import Response
from .risk import activity_at_Gy, exceedance, largest_activity_Bq, weighted_quantile

#: What bounds an activity beside limits of organs.
DELIVERED, HOT, STUDIED = "largest activity that can be given", "hot ligand in the amount of ligand", "largest injection that was studied"


#: Of the search for proportions: factors tried, gain in BED that is worth a step, and the logarithm of how far from its start a proportion may go, so that
#: no cycle is planned that hardly counts.
_FACTORS, _GAIN_GY, _FARTHEST = (2.0, 1.4, 1.2, 1.1, 1.05), 1e-3, math.log(4) * (1 + 1e-9)
#: A course whose cycles differ is preferred to one whose cycles are alike only if it gains more than this part.
_WORTH = 0.01


@dataclass(frozen=True, slots=True)
class Supply:
    """What can be delivered for a cycle, and what must be; infinite or zero where nothing is said.

    Activities hold for each nuclide alike, or by nuclide. `molar_activity_Bq_per_nmol` is that of the product; without it the nuclide without carrier, one atom to a
    molecule, which no product reaches.
    """

    largest_Bq: float | Mapping[str, float] = math.inf
    least_Bq: float | Mapping[str, float] = 0.0
    largest_nmol: float = math.inf
    molar_activity_Bq_per_nmol: float = math.inf

    def largest(self, nuclide: str) -> float:
        """Of a cycle with `nuclide`."""
        return self.largest_Bq.get(nuclide, math.inf) if isinstance(self.largest_Bq, Mapping) else self.largest_Bq

    def least(self, nuclide: str) -> float:
        """Of a cycle with `nuclide`."""
        return self.least_Bq.get(nuclide, 0.0) if isinstance(self.least_Bq, Mapping) else self.least_Bq


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What each cycle gets, and what comes of it.

    Attributes
    ----------
    course : Course
        Nuclide of each cycle, and in what proportion their activities stand.
    activity_Bq : float
        Of the first cycle, and of each where they are alike.
    ligand_nmol : float
    overall_bed_Gy : float
        Median over the draws, with what earlier cycles gave.
    overall_bed_5_95_Gy : tuple of float
    active : str
        What holds the activity where it is.
    caps_Bq : mapping of str to float
        The largest activity of the first cycle that each constraint allows, the others in proportion.
    risk : mapping of organ to float
        Share of the draws above the limit.
    organ_Gy : mapping of organ to (float, float, float)
        In the limit's quantity over all cycles: median, 5 %, 95 %.
    """

    course: Course
    activity_Bq: float
    ligand_nmol: float
    overall_bed_Gy: float
    overall_bed_5_95_Gy: tuple[float, float]
    active: str
    caps_Bq: Mapping[str, float]
    risk: Mapping[str, float]
    organ_Gy: Mapping[str, tuple[float, float, float]]

    @property
    def cycles(self) -> int:
        """How many."""
        return self.course.cycles

    @property
    def nuclide(self) -> str:
        """Of all cycles, such as ``"Lu-177"`` or ``"Lu-177 and Ac-225"``."""
        return " and ".join(dict.fromkeys(self.course.nuclides))

    @property
    def activities_Bq(self) -> tuple[float, ...]:
        """Of each cycle."""
        return tuple(self.activity_Bq * x for x in self.course.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Everything but the choice.

    Attributes
    ----------
    limits : tuple of Limit
    risk : float
        Largest probability with which each may be exceeded.
    supply : Supply
    studied_Bq : mapping of nuclide to float
        Largest activity of one injection that was studied; nuclides that are not there are not bounded by it.
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
    studied_Bq: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
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


def caps_Bq(problem: Problem, course: Course) -> dict[str, float]:
    """Largest activity of the first cycle by each constraint."""
    r, s = course.response, problem.supply
    caps = {label(x): largest_activity_Bq(bearable_Bq(problem, r, x, course.cycles), problem.risk, problem.weights) for x in problem.limits}
    each = list(zip(course.nuclides, course.shape))
    return caps | {
        HOT: min(min(s.molar_activity_Bq_per_nmol, molar_activity_Bq_per_nmol(n)) * r.ligand_nmol / w for n, w in each),
        DELIVERED: min(s.largest(n) / w for n, w in each), STUDIED: min(problem.studied_Bq.get(n, math.inf) / w for n, w in each),
    }  # fmt: skip


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


def assess(problem: Problem, course: Course, activity_Bq: float, active: str, caps: Mapping[str, float]) -> Plan:
    """What an activity does, whether it keeps the limits or not."""
    r, cycles, w = course.response, course.cycles, problem.weights
    effect = tumour_bed_Gy(problem, r, cycles, activity_Bq)
    risk, got = {}, {}
    for x in problem.limits:
        l, q = terms(problem, r, x, cycles)
        total = np.asarray(problem.used_Gy.get(x.organ, 0.0), float) + activity_Bq * l + activity_Bq**2 * q
        risk[label(x)] = exceedance(bearable_Bq(problem, r, x, cycles), activity_Bq, w)
        got[label(x)] = (weighted_quantile(total, 0.5, w), weighted_quantile(total, 0.05, w), weighted_quantile(total, 0.95, w))
    return Plan(
        course, activity_Bq, r.ligand_nmol, weighted_quantile(effect, 0.5, w), (weighted_quantile(effect, 0.05, w), weighted_quantile(effect, 0.95, w)),
        active, MappingProxyType(dict(caps)), MappingProxyType(risk), MappingProxyType(got),
    )  # fmt: skip


def options(problem: Problem, table: Sequence[Response], cycles: Sequence[int] | None = None, *, unequal: bool = False) -> list[Plan]:
    """Every allowed plan, the best first: one for each nuclide, amount of ligand and number of cycles, and for each sequence of two nuclides.

    Parameters
    ----------
    problem : Problem
    table : sequence of Response
        Of the same draws; of more than one nuclide, sequences of any two of them are tried as well: some cycles with one, then the rest with the other.
    cycles : sequence of int, optional
        Numbers of further cycles to try; 1 to as many as the responses hold.
    unequal : bool
        Also search activities that differ from cycle to cycle, from the best plan of each number of cycles.

    Raises
    ------
    BadInput
        No limit at all, alphas without an RBE, or a least activity above the largest.
    CouldNot
        Nothing is allowed; the sentence names what stands against what.
    """
    s = problem.supply
    names = list(dict.fromkeys(r.nuclide for r in table))
    if not problem.limits and any(math.isinf(s.largest(x)) for x in names):
        raise BadInput("No limit of an organ and no largest activity was given, so that nothing bounds the plan; give limits, such as kidneys='40 Gy BED', or a largest activity.")
    for x in names:
        if s.least(x) > s.largest(x):
            raise BadInput(f"The least activity of a cycle, {s.least(x) / 1e6:.4g} MBq, is above the largest, {s.largest(x) / 1e6:.4g} MBq; one of them must give way.")
    if all(r.ligand_nmol > s.largest_nmol for r in table):
        raise BadInput(f"The most ligand that can be given, {s.largest_nmol:g} nmol, is below every amount to be tried, {min(r.ligand_nmol for r in table):g} nmol and up; one of them must give way.")
    tried, plans = [], []
    for r in (r for r in table if r.ligand_nmol <= s.largest_nmol):
        for n in cycles or range(1, r.cycles + 1):
            course = equal(r, n)
            tried.append((course, caps_Bq(problem, course)))
            plans += _planned(problem, *tried[-1])
    alone = {(p.nuclide, p.ligand_nmol, p.cycles): p for p in plans}
    by_ligand = {x: {r.nuclide: r for r in table if r.ligand_nmol == x} for x in sorted({r.ligand_nmol for r in table if r.ligand_nmol <= s.largest_nmol})}
    for ligand, of in by_ligand.items():
        for a, b in itertools.permutations(of, 2):
            for n in cycles or range(2, min(of[a].cycles, of[b].cycles) + 1):
                one, other = alone.get((a, ligand, n)), alone.get((b, ligand, n))
                if one and other:
                    for k in range(1, n):  # in the proportion of what each alone may give, then better
                        start = woven(of, (a,) * k + (b,) * (n - k), (1.0,) * k + (other.activity_Bq / one.activity_Bq,) * (n - k))
                        plans += _searched(problem, of, start, [range(k, n)])
    if unequal:
        for n in sorted({p.cycles for p in plans} - {1}):
            best = max((p for p in plans if p.cycles == n), key=lambda p: p.overall_bed_Gy)
            plans += [p for p in _searched(problem, by_ligand[best.ligand_nmol], best.course, [range(c, c + 1) for c in range(n)]) if p.course is not best.course]
    if not plans:
        raise CouldNot(_contradiction(problem, tried))
    return sorted(plans, key=lambda p: (-round(p.overall_bed_Gy * (1 if p.course.alike else 1 - _WORTH), 9), p.cycles, p.ligand_nmol))


def best_plan(problem: Problem, table: Sequence[Response], cycles: Sequence[int] | None = None, *, unequal: bool = False) -> Plan:
    """The first of `options`: the largest median overall BED (less a hundredth where cycles differ); of equals the one of fewer cycles, then of less ligand."""
    return options(problem, table, cycles, unequal=unequal)[0]


def _planned(problem: Problem, course: Course, caps: Mapping[str, float]) -> list[Plan]:
    """The course at the largest activity that is allowed; nothing where that is too little."""
    active = min(caps, key=lambda k: caps[k])
    least = max(problem.supply.least(n) / w for n, w in zip(course.nuclides, course.shape))
    return [assess(problem, course, caps[active], active, caps)] if caps[active] > 0 and caps[active] >= least * (1 - 1e-12) else []


def _searched(problem: Problem, of: Mapping[str, Response], start: Course, blocks: Sequence[range]) -> list[Plan]:
    """The best proportions of a course, cycles of a block alike: from `start` each block is made larger or smaller as long as the plan gains, by ever smaller factors."""
    found, shape = _planned(problem, start, caps_Bq(problem, start)), np.array(start.shape)
    for factor in _FACTORS:
        gaining = True
        while gaining:
            gaining = False
            for block, f in itertools.product(blocks, (factor, 1 / factor)):
                other = shape.copy()
                other[list(block)] *= f
                if not np.all(abs(np.log(other / other[0] / start.shape)) < _FARTHEST):
                    continue
                course = woven(of, start.nuclides, other.tolist())
                better = _planned(problem, course, caps_Bq(problem, course))
                if better and (not found or better[0].overall_bed_Gy > found[0].overall_bed_Gy + _GAIN_GY):
                    found, shape, gaining = better, other, True
    return found


def _contradiction(problem: Problem, tried: list[tuple[Course, dict[str, float]]]) -> str:
    """Which constraints cannot hold together, in a sentence."""
    best = {k: max(caps[k] for _, caps in tried) for k in tried[0][1]}
    if gone := [k for k, v in best.items() if v <= 0]:
        return (
            f"No activity is left: what earlier cycles gave already exceeds {' and '.join(gone)} with a probability above {problem.risk:g}. Stop here, raise that limit or "
            "accept a larger risk."
        )
    least = {c.nuclides[0]: problem.supply.least(c.nuclides[0]) for c, _ in tried}
    against = [k for k in best if all(caps[k] < least[c.nuclides[0]] for c, caps in tried)] or sorted({min(caps, key=lambda k: caps[k]) for _, caps in tried})  # each alone would do
    said = " and ".join(f"{k} (at most {best[k] / 1e6:.4g} MBq)" for k in against)
    wanted = " or ".join(f"{x / 1e6:.4g} MBq" for x in dict.fromkeys(least.values()))
    return f"The least activity of a cycle, {wanted}, contradicts {said} at a risk of {problem.risk:g}, whatever the cycles, ligand and nuclide; one of them must give way."
