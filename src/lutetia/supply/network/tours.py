"""Tours of a lab's vehicles: which stops in which order, with release times, deadlines and a limit of the transport index (PyVRP)."""

from __future__ import annotations

import itertools
import math
import warnings
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from .candidates import road_km, road_s, within
from .master import DAY_S
from .model import Fleet, Scenario, Tour
from .program import need


@dataclass(frozen=True, slots=True)
class Stop:
    """Vials of one batch for one hospital: not before `release_s` from the lab, there by `deadline_s`."""

    key: tuple[int, str]
    hospital: str
    release_s: float
    deadline_s: float
    transport_index: float
    weight: float


def leg_s(s: Scenario, lab: str, fleet: Fleet, origin: str, destination: str) -> float:
    """Time from arrival at one place to arrival at the next: loading at the lab, unloading at a hospital, and the way."""
    if origin == destination:
        return 0.0
    return road_s(s, origin, destination) + (fleet.load_s if origin == lab else fleet.stop_s)


def tours(
    s: Scenario, lab: str, stops: list[Stop], *, time_limit_s: float, seed: int = 1, free_s: Sequence[float] = (), taken: Collection[str] = ()
) -> tuple[list[Tour], list[Stop]]:
    """Tours of least cost that make as many stops as can be made in time, and the stops that cannot.

    Vehicles return to the lab and may go out again. A day is planned by itself: a tour is driven on the day of its deadline.
    `free_s` says when each of the first vehicles is back from a tour that has begun; names in `taken` are not used again.
    """
    fleet = s.sites[lab].fleet
    assert fleet is not None
    days = defaultdict(list)
    for x in stops:
        days[math.floor(x.deadline_s / DAY_S)].append(x)
    found: list[Tour] = []
    missed: list[Stop] = []
    for day, members in sorted(days.items()):
        opening = [(max(a, day * DAY_S), min(b, (day + 1) * DAY_S)) for a, b in fleet.hours or ((-math.inf, math.inf),)]
        opening = [(a, b) for a, b in opening if a < b and any(within(((a, b),), x.deadline_s) or x.deadline_s > b > x.release_s for x in members)]
        if not opening:
            missed += members
            continue
        hours = max(opening, key=lambda ab: sum(1 for x in members if x.release_s < ab[1] and x.deadline_s > ab[0]))
        here, late = _day(s, lab, fleet, members, hours, time_limit_s / len(days), seed, free_s, {*taken, *(t.id for t in found)})
        found += here
        missed += late
    return found, missed


def _day(s: Scenario, lab: str, fleet: Fleet, stops: list[Stop], hours: tuple[float, float], limit_s: float, seed: int, free_s: Sequence[float], taken: set[str]) -> tuple[list[Tour], list[Stop]]:
    need("pyvrp")
    import pyvrp
    from pyvrp.stop import MaxRuntime, MultipleCriteria, NoImprovement

    first = hours[0]
    model = pyvrp.Model()
    names = [lab, *sorted({x.hospital for x in stops} - {lab})]
    at = {n: model.add_location(float(i), 0.0) for i, n in enumerate(names)}
    depot = model.add_depot(at[lab])
    scale = 1e6 / max([x.transport_index for x in stops] + [fleet.max_transport_index if math.isfinite(fleet.max_transport_index) else 0.0, 1e-12])
    per_km = 100.0 * max(fleet.cost_per_km, 1e-3)
    for a in names:
        for b in names:
            model.add_edge(at[a], at[b], distance=round(road_km(s, a, b) * per_km), duration=math.ceil(leg_s(s, lab, fleet, a, b)))
    # No stop costs more than a vehicle of its own; far larger prizes would outweigh the router's penalties for being late.
    missing = 20.0 * (100 * fleet.cost_per_vehicle + 2 * per_km * max(road_km(s, lab, n) for n in names) + 1)
    least = min(x.weight for x in stops)
    # Whole seconds: releases and loads are rounded up, deadlines down, so that what is planned can be driven.
    for x in stops:
        model.add_client(
            at[x.hospital], delivery=math.ceil(x.transport_index * scale), tw_late=max(0, math.floor(x.deadline_s - first)), release_time=max(0, math.ceil(x.release_s - first)),
            prize=round(missing * x.weight / least), required=False,
        )  # fmt: skip
    capacity = math.floor(fleet.max_transport_index * scale) if math.isfinite(fleet.max_transport_index) else 10**12
    # A vehicle that is out on a tour can go again when it is back, and is paid for already.
    free = [max(x, first) for x in free_s] + [first] * (fleet.vehicles - len(free_s))
    closes = math.floor(min(hours[1] - first, 10 * DAY_S))
    vehicles = [n for n, x in enumerate(free) if x - first < closes]
    for n in vehicles:
        model.add_vehicle_type(
            1, capacity=[capacity], start_depot=depot, end_depot=depot, fixed_cost=0 if n < len(free_s) else round(100 * fleet.cost_per_vehicle),
            tw_early=math.ceil(free[n] - first), tw_late=closes, reload_depots=[depot],
        )  # fmt: skip
    if not vehicles:
        return [], list(stops)
    stop = MultipleCriteria([MaxRuntime(max(limit_s, 0.2)), NoImprovement(2000 + 100 * len(stops))])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a stop may be impossible is expected: it is then reported as missed
        best = model.solve(stop, seed=seed % 2**31, display=False, collect_stats=False).best
    if not best.is_feasible():
        return [], list(stops)
    out: list[Tour] = []
    made: set[int] = set()
    for route in best.routes():
        vehicle = vehicles[route.vehicle_type()]
        trips = defaultdict(list)
        for visit in route.schedule():
            if visit.is_client():
                trips[visit.trip].append(visit.idx)
        back = free[vehicle]
        for _, members in sorted(trips.items()):
            name = next(t for n in itertools.count(1) if (t := f"tour {lab} {n}") not in taken)
            taken.add(name)
            out.append(drive(s, lab, fleet, [stops[i] for i in members], back, name, vehicle))
            made |= set(members)
            back = out[-1].return_s
    return out, [x for i, x in enumerate(stops) if i not in made]


def drive(s: Scenario, lab: str, fleet: Fleet, stops: list[Stop], free_s: float, name: str, vehicle: int) -> Tour:
    """A tour in this order, as early as it can be driven by a vehicle that is free at the lab from a time."""
    begin = max(free_s, *(x.release_s for x in stops))
    time, place, km = begin, lab, 0.0
    arrivals: list[tuple[str, float]] = []
    for x in stops:
        time += math.ceil(leg_s(s, lab, fleet, place, x.hospital))
        km += road_km(s, place, x.hospital)
        place = x.hospital
        arrivals.append((f"{x.key[0]}|{x.hospital}", time))
    back = time + math.ceil(leg_s(s, lab, fleet, place, lab))
    return Tour(name, lab, vehicle, begin + (fleet.load_s if stops[0].hospital != lab else 0.0), back, tuple(arrivals), km + road_km(s, place, lab), sum(x.transport_index for x in stops))
