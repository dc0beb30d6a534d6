"""A bound on the makespan of one vehicle: its trips follow one another, and none leaves before what it carries can have been made."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .candidates import Candidates
from .master import DAY_S
from .model import Fleet, Interval
from .tours import leg_s

_LESS = 1 - 1e-9  # needs and loads, so that no rounding raises a bound


@dataclass(frozen=True, slots=True)
class LeastMakespan:
    """No plan that serves all has the vehicle of `lab` back before `back_s`; `trips` are patients in the order that gave it."""

    lab: str
    back_s: int
    trips: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Asked:
    """What one patient asks for at the least: activity of lots, room in the vehicle; and the longest way from the lab."""

    name: str
    hospital: str
    lot_Bq: float
    index: float
    longest_s: float


def least_makespan(c: Candidates) -> LeastMakespan | None:
    """Bound on when the last vehicle is back, for one lab, one vehicle and one product whose patients can only be reached by it.

    With the set S of patients served so far, the trip of a further set T is back at the earliest at

        f(S + T) = max(f(S), P(S + T)) + way(T),

    where P is when the machines can have made what both need, and way(T) the shortest round trip that carries T within
    the shelf life. Batches, cells and the order of production are left out, so that no plan is below it. For the problem
    of Geismar et al. (2008, doi:10.1287/ijoc.1060.0208) it is often the optimum.

    Returns
    -------
    LeastMakespan or None
        None where the scenario is another one, or somebody cannot be served.
    """
    labs = {b.lab for b in c.batches}
    if len(labs) != 1 or len({b.product for b in c.batches}) != 1 or any(w.kind != "tour" for w in c.ways):
        return None
    lab = labs.pop()
    fleet = c.scenario.sites[lab].fleet
    asked = _asked(c)
    if fleet is None or fleet.vehicles != 1 or asked is None:
        return None
    names = [lab, *(x.hospital for x in asked)]
    time = [[math.ceil(leg_s(c.scenario, lab, fleet, a, b)) for b in names] for a in names]
    ways = _ways(asked, time, fleet.max_transport_index)
    made_s = _made(c)
    need = _sums([x.lot_Bq for x in asked])
    whole = len(need) - 1
    # When all that a set needs can be made, or never.
    ready = [made_s(a) for a in need]
    back: list[float] = [math.inf] * (whole + 1)
    before: list[tuple[int, tuple[int, ...]]] = [(0, ())] * (whole + 1)
    back[0] = math.ceil(shift(c, fleet)[0])
    for done in range(whole):
        left = group = whole & ~done
        while group and back[done] < math.inf:
            if group in ways:
                way, order = ways[group]
                then = max(back[done], ready[done | group]) + way
                if then < back[done | group]:
                    back[done | group], before[done | group] = then, (done, order)
            group = (group - 1) & left
    if not math.isfinite(back[whole]):
        return None
    trips: list[tuple[str, ...]] = []
    at = whole
    while at:
        at, order = before[at]
        trips.append(tuple(asked[k].name for k in order))
    return LeastMakespan(lab, int(back[whole]), tuple(reversed(trips)))


def shift(c: Candidates, fleet: Fleet) -> Interval:
    """When the vehicles of a lab may run, on the day of the plan."""
    day = math.floor(max((s.time_s for s in c.slots), default=0.0) / DAY_S) * DAY_S
    if c.scenario.objective == "makespan":
        return (fleet.hours[0] if fleet.hours else (0.0, 20 * DAY_S))
    a, b = fleet.hours[0] if fleet.hours else (-math.inf, math.inf)
    return (a, b) if b - a <= DAY_S else (max(a, day), min(b, day + DAY_S))


def last_back(model: Any, returns: Sequence[Any]) -> Any:
    """When the last vehicle is back, as a variable of a model of CP-SAT."""
    last = model.new_int_var(0, round(20 * DAY_S), "last")
    model.add_max_equality(last, returns or [0])
    return last


def plan_by_trips(model: Any, least: LeastMakespan, arcs: Sequence[tuple[str, str, bool, Any]], returns: Sequence[Any], wanted: Sequence[Any], solver: Any) -> list[int]:
    """Values of the wanted variables in a plan that serves all by the trips of the bound, as early as it can; empty if none is found."""
    driven = {(least.trips[-1][-1], least.lab, False)}
    for n, trip in enumerate(least.trips):
        driven.add((least.trips[n - 1][-1] if n else least.lab, trip[0], n > 0))
        driven |= {(a, b, False) for a, b in pairwise(trip)}
    tried = model.clone()
    for a, b, again, x in arcs:
        tried.add(tried.get_bool_var_from_proto_index(x.index) == ((a, b, again) in driven))
    tried.minimize(last_back(tried, [tried.get_int_var_from_proto_index(x.index) for x in returns]))
    if solver.status_name(solver.solve(tried)) not in ("OPTIMAL", "FEASIBLE"):
        return []
    return [solver.value(tried.get_int_var_from_proto_index(x.index)) for x in wanted]


def _asked(c: Candidates) -> list[_Asked] | None:
    best: dict[int, float] = defaultdict(float)
    for d in c.draws:
        best[d.batch] = max(best[d.batch], d.start_per_draw * c.batches[d.batch].release_per_start)
    out = []
    for n, g in enumerate(c.groups):
        slots = [x for x in c.slots if x.group == n and best[x.batch] > 0]
        if not slots:
            return None
        product = c.scenario.products[g.product]
        need = min(x.release_Bq / best[x.batch] for x in slots) * _LESS
        index = min(x.release_Bq for x in slots) * product.transport_index_per_Bq * _LESS
        longest = max(x.time_s - product.handling_s - c.batches[x.batch].release_s for x in slots)
        out += [_Asked(p, g.hospital, need, index, longest) for p in g.patients]
    return out


def _sums(values: list[float]) -> list[float]:
    """Sum of the values in each set, sets as bits."""
    total = np.zeros(1)
    for v in values:
        total = np.concatenate([total, total + v])
    return [float(x) for x in total]


def _ways(asked: list[_Asked], time: list[list[int]], most: float) -> dict[int, tuple[int, tuple[int, ...]]]:
    """Shortest round trip of each set that fits into the vehicle and is delivered within the shelf life, and its order (Held and Karp)."""
    n = len(asked)
    load = _sums([x.index for x in asked])
    at: dict[tuple[int, int], tuple[int, tuple[int, ...]]] = {}
    out: dict[int, tuple[int, tuple[int, ...]]] = {}
    for group in range(1, 1 << n):
        if load[group] > most:
            continue
        members = [k for k in range(n) if group >> k & 1]
        for k in members:
            rest = group & ~(1 << k)
            steps = [(at[rest, j][0] + time[j + 1][k + 1], (*at[rest, j][1], k)) for j in members if (rest, j) in at] if rest else [(time[0][k + 1], (k,))]
            if steps and min(steps)[0] <= asked[k].longest_s:
                at[group, k] = min(steps)
        round_trips = [(at[group, k][0] + time[k + 1][0], at[group, k][1]) for k in members if (group, k) in at]
        if round_trips:
            out[group] = min(round_trips)
    return out


def _made(c: Candidates) -> Callable[[float], float]:
    """The function from an activity of lots to the earliest second at which it can have been made and released."""
    lag = min(c.batches[d.batch].release_s - c.lots[d.lot].end_s for d in c.draws)
    gains: list[tuple[float, float]] = []
    for m in c.machines.values():
        lots = sorted((x for x in c.lots if x.machine == m.id), key=lambda x: x.end_s)
        free = [x.end_s + m.changeover_s for x in lots]
        # Most that lots can give that do not overlap, among the first k of them by their end.
        best = [0.0]
        for k, x in enumerate(lots):
            most = max(best[-1], best[min(bisect_right(free, x.start_s), k)] + x.activity_Bq)
            gains.append((x.end_s, m.parallel * (most - best[-1])))
            best.append(most)
    gains.sort()
    ends = [t for t, _ in gains]
    total = np.cumsum([a for _, a in gains]).tolist()

    def when(activity_Bq: float) -> float:
        if activity_Bq <= 0:
            return 0.0
        k = bisect_left(total, activity_Bq)
        return math.ceil(ends[k] + lag - 1e-6) if k < len(ends) else math.inf

    return when
