"""A plan for a scenario: as many patients as can be served, by priority, at least cost, with bounds on both."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

import numpy as np

from ...core import BadInput, CouldNot
from ..highs import Solved
from .candidates import Candidates, candidates, road_s
from .exact import exact_plan, small_enough
from .master import Master, by_time, master
from .model import Scenario, SupplyPlan, Tour
from .program import solve_program
from .settle import Settled, settle
from .tours import Stop, along, tours

_ROUNDS = 12
_PRICED = 2
_BOUND_SHARE = 0.2


@dataclass(slots=True)
class Clock:
    """Time that is left of a limit."""

    limit_s: float
    begun: float

    @property
    def left_s(self) -> float:
        return self.limit_s - (time.monotonic() - self.begun)


def solve(
    scenario: Scenario, *, time_limit_s: float = 60.0, seed: int = 1, progress: Callable[[float], None] | None = None, method: str = "auto"
) -> SupplyPlan:
    """The plan that serves the most patients by priority, at least cost, with bounds that no plan can beat.

    First the choice of lots, batches, ways and injection times as a linear programme in whole numbers (HiGHS), whose optimum
    no plan exceeds; then the tours of own vehicles (PyVRP); what cannot be driven in time goes back to the first as a
    further row, until both agree or time is over. Small scenarios are solved as a whole (CP-SAT), with proof.

    Parameters
    ----------
    method : str
        ``auto``, ``exact`` (whole, small scenarios) or ``decomposed``.

    Returns
    -------
    SupplyPlan
        Bounds hold for all plans on the scenario's grid of lots, batches and injection times.

    Raises
    ------
    BadInput
        Patients that must be served cannot be, together: `conflicts` names the smallest such set. An unknown method.
    CouldNot
        A solver is not installed, or found no plan within the time.
    """
    if method not in ("auto", "exact", "decomposed"):
        raise BadInput(f"method: got {method!r}; give auto, exact or decomposed.")
    if not (math.isfinite(time_limit_s) and time_limit_s > 0):
        raise BadInput(f"time limit: got {time_limit_s!r} s; give a positive time.")
    c = candidates(scenario)
    if method == "exact" or scenario.objective == "makespan" or (method == "auto" and small_enough(c)):
        return exact_plan(c, time_limit_s=time_limit_s, seed=seed)
    return plan_from(c, master(c), time_limit_s=time_limit_s, seed=seed, progress=progress)


def plan_from(
    c: Candidates, m: Master, *, time_limit_s: float, seed: int, progress: Callable[[float], None] | None = None, extra_cost: dict[int, float] | None = None
) -> SupplyPlan:
    """The decomposed plan of a programme that stands; `extra_cost` weighs in the choice and is no cost of the plan."""
    clock = Clock(time_limit_s, time.monotonic())

    def said(share: float) -> None:
        if progress is not None:
            progress(min(share, 1.0))

    def try_tours(m: Master, values: np.ndarray) -> Settled:
        return settle(m, values, lambda lab, stops: routed(c, lab, stops, min(8.0, max(0.5, 0.15 * clock.left_s)), seed))

    first = solve_program(m.program, m.serve, time_limit_s=0.25 * clock.left_s, seed=seed)
    if first.infeasible:
        raise_conflict(c)
    said(0.25)
    most = bound_of_weight(c, first)
    weight = -first.objective if first.values is not None else 0.0
    toured = any(w.kind == "tour" for w in c.ways)
    values, cost_bound = cheapest(m, _values(first, m), weight, extra_cost, (0.35 if toured else 0.95) * clock.left_s, seed)
    said(0.55)
    best = try_tours(m, values)
    rounds = 1
    if best.missed:
        best, rounds = made_drivable(m, values, best, weight, extra_cost, clock, seed, try_tours, said)
    all_who_must(c, best, time_limit_s)
    if best.served_weight < weight - 1e-9 and best.served_weight > 0:
        # The bound on cost must be that of serving as much as this plan does.
        cost_bound = _cost_bound(master(c), best.served_weight, max(_BOUND_SHARE * time_limit_s, clock.left_s), seed)
    said(1.0)
    return SupplyPlan(
        best.lots, best.batches, best.deliveries, best.tours, best.doses, best.served_weight, max(most, best.served_weight), best.cost,
        max(0.0, min(cost_bound, best.cost)), best.costs, "decomposed", rounds,
    )  # fmt: skip


def made_drivable(
    m: Master, values: np.ndarray, best: Settled, weight: float, extra_cost: dict[int, float] | None, clock: Clock, seed: int, try_tours: Callable, said: Callable
) -> tuple[Settled, int]:
    """Search on when not all stops can be made: first with a price on each stop, then with lots and batches as they are.

    The programme takes a second stop at a hospital for free. A price by its way makes it bring vials for more patients at
    once. Then only ways and times are chosen again, without the stops that were missed; that is quick and is done as long
    as there is time.
    """
    c, rounds = m.c, 1
    price = 2.0 * best.costs["tours"] / max(1.0, sum(_way_s(c, n) for n, w in enumerate(c.ways) if w.kind == "tour" and values[m.way[n]] > 0.5))
    best_values = values
    for _ in range(_PRICED):
        rounds += 1
        extra = dict(extra_cost or {})
        for n, w in enumerate(c.ways):
            if w.kind == "tour":
                extra[m.way[n]] = extra.get(m.way[n], 0.0) + price * _way_s(c, n)
        values, _ = cheapest(m, values, weight, extra, 0.3 * clock.left_s, seed)
        tried = try_tours(m, values)
        said(0.5 + 0.1 * rounds)
        if _worth(c, tried) > _worth(c, best):
            best, best_values = tried, values
        if not tried.missed:
            return best, rounds
        price *= 4.0
    tried, values = best, best_values
    for place in (*m.lot, *m.batch):
        m.program.lower[place] = m.program.upper[place] = float(round(values[place]))
    while tried.missed and rounds < _ROUNDS and clock.left_s > 1.2 * _BOUND_SHARE * clock.limit_s:
        rounds += 1
        for stop in tried.missed:
            _forbid(m, stop)
        again = solve_program(m.program, m.serve, time_limit_s=0.1 * clock.left_s, seed=seed)
        if again.values is None or -again.objective < best.served_weight - 1e-9:
            break
        values, _ = cheapest(m, again.values, -again.objective, extra, 0.1 * clock.left_s, seed)
        tried = try_tours(m, values)
        if _worth(c, tried) > _worth(c, best):
            best = tried
    return _filled(m, best, 0.1 * clock.limit_s, seed), rounds


def _filled(m: Master, best: Settled, limit_s: float, seed: int) -> Settled:
    """The tours as they are, and everybody whom their stops can serve: no new stop, no new batch, other patients and times."""
    c, p = m.c, m.program
    place = {b.id: n for n, b in enumerate(c.batches)}
    stop_of = {d.id: (place[d.batch], d.hospital) for d in best.deliveries}
    arrive = {stop_of[d.id]: d.arrive_s for d in best.deliveries if d.tour is not None}
    made = {x.id for x in best.batches} | set(best.lots)
    otherwise = {(w.batch, w.hospital) for w in c.ways if w.kind != "tour"}
    kept = list(p.lower), list(p.upper)
    for column, name in [*zip(m.lot, (x.id for x in c.lots)), *zip(m.batch, (x.id for x in c.batches))]:
        p.lower[column], p.upper[column] = 0.0, float(name in made)
    for column, w in zip(m.way, c.ways):
        if w.kind == "tour" and (w.batch, w.hospital) not in arrive:
            p.upper[column] = 0.0
    for column, x in zip(m.slot, c.slots):
        stop = (x.batch, c.groups[x.group].hospital)
        if stop in arrive and stop not in otherwise and x.time_s < arrive[stop] + c.scenario.products[c.groups[x.group].product].handling_s - 1e-6:
            p.upper[column] = 0.0
    first = solve_program(p, m.serve, time_limit_s=0.5 * limit_s, seed=seed)
    if first.values is None or -first.objective <= best.served_weight + 1e-9:
        p.lower[:], p.upper[:] = kept
        return best
    values, _ = cheapest(m, first.values, -first.objective, None, 0.5 * limit_s, seed)
    p.lower[:], p.upper[:] = kept
    named = {lab: [(t, [stop_of[k] for k, _ in t.stops]) for t in best.tours if t.depot == lab] for lab in {t.depot for t in best.tours}}
    more = settle(m, values, lambda lab, stops: along(c.scenario, lab, named.get(lab, []), stops))
    return max(best, more, key=lambda x: _worth(c, x))


def _worth(c: Candidates, x: Settled) -> tuple[int, float, float]:
    """Who must be served, then the weight of who is, then the cost: more is better."""
    return -len(_left_out(c, x)), x.served_weight, -x.cost


def _left_out(c: Candidates, x: Settled) -> set[str]:
    """Patients who must be served and are not."""
    return {p for g in c.groups if g.must for p in g.patients} - {d.patient for d in x.doses}


def all_who_must(c: Candidates, x: Settled, time_limit_s: float) -> None:
    """Refuse a plan without a patient who must be served."""
    if missing := sorted(_left_out(c, x)):
        raise CouldNot(
            f"No plan that serves all who must be served was found within {time_limit_s:g} s; without a dose would be {', '.join(missing[:5])}{' and others' if len(missing) > 5 else ''}. "
            "Give more time, a vehicle more or a wider window, or let them be optional (must = false)."
        )


def _forbid(m: Master, stop: Stop) -> None:
    """This batch no longer reaches this hospital by a tour until the missed deadline."""
    batch, hospital = stop.key
    slots = [n for n, s in enumerate(m.c.slots) if s.batch == batch and m.c.groups[s.group].hospital == hospital]
    place = by_time(m, batch, hospital, stop.deadline_s, slots)
    if place is not None:
        m.program.row([(place, 1.0)], high=0.0)


def _way_s(c: Candidates, way: int) -> float:
    """Time of a vehicle to a hospital and back."""
    w = c.ways[way]
    return 2 * road_s(c.scenario, c.batches[w.batch].lab, w.hospital)


def _values(found: Solved, m: Master) -> np.ndarray:
    return found.values if found.values is not None else np.array(m.program.lower)


def bound_of_weight(c: Candidates, found: Solved) -> float:
    """Most weight of served patients; rounded down where all priorities are whole numbers."""
    most = sum(g.priority * len(g.patients) for g in c.groups)
    bound = min(most, -found.bound)
    whole = all(float(g.priority).is_integer() for g in c.groups)
    return float(math.floor(bound + 1e-6)) if whole else bound


def cheapest(m: Master, start: np.ndarray, weight: float, extra: dict[int, float] | None, limit_s: float, seed: int) -> tuple[np.ndarray, float]:
    """The cheapest way to serve at least a weight, from a start; and a bound on its cost."""
    p = m.program
    rows = _serve_at_least(m, weight)
    cost = dict(m.cost)
    for place, value in (extra or {}).items():
        cost[place] = cost.get(place, 0.0) + value
    # Of plans that cost the same, the one with less activity.
    for place in m.amount:
        cost[place] = cost.get(place, 0.0) + 1e-3
    found = solve_program(p, cost, time_limit_s=limit_s, start=start, seed=seed, gap=1e-4)
    for _ in range(rows):
        _drop_last_row(m)
    return (found.values if found.values is not None else start), (found.bound if extra is None else 0.0)


def _serve_at_least(m: Master, weight: float) -> int:
    """Add the rows of serving at least a weight; how many they are."""
    m.program.row(m.serve.items(), high=-weight + 1e-6)
    if weight <= 0 or set(m.most_doses) != set(m.batch):
        return 1
    # So many patients need so many batches: said of the batches alone, the solver can round it up.
    patients = math.ceil(weight / max(g.priority for g in m.c.groups) - 1e-6)
    m.program.row(m.most_doses.items(), low=float(patients))
    return 2


def _cost_bound(m: Master, weight: float, limit_s: float, seed: int) -> float:
    _serve_at_least(m, weight)
    return solve_program(m.program, m.cost, time_limit_s=limit_s, seed=seed, gap=1e-4).bound


def _drop_last_row(m: Master) -> None:
    p = m.program
    p.starts.pop()
    del p.places[p.starts[-1] :], p.values[p.starts[-1] :]
    p.low.pop()
    p.high.pop()


def routed(
    c: Candidates, lab: str, stops: list[Stop], limit_s: float, seed: int, not_before_s: float = -math.inf, free_s: Mapping[int, float] | None = None, taken: Collection[str] = ()
) -> tuple[list[Tour], list[Stop]]:
    """Tours for the stops of a plan."""
    return tours(c.scenario, lab, stops, time_limit_s=limit_s, seed=seed, not_before_s=not_before_s, free_s=free_s, taken=taken)


def raise_conflict(c: Candidates) -> None:
    """Say which demands cannot stand together."""
    from .conflicts import smallest_conflict

    names = smallest_conflict(c)
    raise BadInput(
        f"The patients who must be served cannot be, together; the smallest set that cannot: {', '.join(names)}. "
        "Widen a window, add a resource, or let one of them be optional (must = false)."
    )
