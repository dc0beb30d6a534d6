"""Tours of a lab's vehicles: which stops in which order, with release times, deadlines and a limit of the transport index (PyVRP)."""

from __future__ import annotations

import itertools
import math
import warnings
from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from ..highs import need
from .candidates import road_km, road_s
from .master import DAY_S
from .model import Fleet, Interval, Scenario, Tour


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
    s: Scenario, lab: str, stops: list[Stop], *, time_limit_s: float, seed: int = 1, not_before_s: float = -math.inf, free_s: Mapping[int, float] | None = None,
    taken: Collection[str] = (),
) -> tuple[list[Tour], list[Stop]]:
    """Tours of least cost that make as many stops as can be made in time, and the stops that cannot.

    Vehicles return to the lab and may go out again. A shift of the fleet is planned by itself (a day where it has none, or
    where a shift goes on for more), and a stop is made in the shift that leaves it most time. No vehicle leaves before
    `not_before_s`; `free_s` says when vehicles are back from tours that have begun; names in `taken` are not used again.
    """  # fmt: skip
    fleet = s.sites[lab].fleet
    assert fleet is not None
    shifts: dict[Interval, list[Stop]] = defaultdict(list)
    found: list[Tour] = []
    missed: list[Stop] = []
    for x in stops:
        open_s, hours = max((min(b, x.deadline_s) - max(a, x.release_s, not_before_s), (a, b)) for a, b in _shifts(fleet, x))
        (shifts[hours] if open_s > 0 else missed).append(x)
    for hours, members in sorted(shifts.items()):
        begin = (max(hours[0], not_before_s), hours[1])
        here, late = _shift(s, lab, fleet, members, begin, time_limit_s / len(shifts), seed, free_s or {}, {*taken, *(t.id for t in found)})
        found += here
        missed += late
    return found, missed


def _shifts(fleet: Fleet, x: Stop) -> list[Interval]:
    """Shifts in which a stop could be made; what is longer than a day is cut into days."""
    out = []
    for a, b in fleet.hours or ((-math.inf, math.inf),):
        if b - a <= DAY_S:
            out.append((a, b))
        else:
            first, last = (math.floor(t / DAY_S) for t in (max(a, min(x.release_s, x.deadline_s)), min(b, x.deadline_s)))
            out += [(max(a, d * DAY_S), min(b, (d + 1) * DAY_S)) for d in range(first, last + 1)]
    return out or [(x.deadline_s, x.deadline_s)]


def _shift(s: Scenario, lab: str, fleet: Fleet, stops: list[Stop], hours: Interval, limit_s: float, seed: int, free_s: Mapping[int, float], taken: set[str]) -> tuple[list[Tour], list[Stop]]:
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
    free = [max(free_s.get(n, first), first) for n in range(fleet.vehicles)]
    closes = math.floor(min(hours[1] - first, 10 * DAY_S))
    vehicles = [n for n, x in enumerate(free) if x - first < closes]
    for n in vehicles:
        model.add_vehicle_type(
            1, capacity=[capacity], start_depot=depot, end_depot=depot, fixed_cost=0 if n in free_s else round(100 * fleet.cost_per_vehicle),
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


def along(s: Scenario, lab: str, known: list[tuple[Tour, list[tuple[int, str]]]], stops: list[Stop]) -> tuple[list[Tour], list[Stop]]:
    """The stops that are needed along tours that are known, each with its stops by key; and those that no longer fit."""
    fleet = s.sites[lab].fleet
    assert fleet is not None
    asked = {x.key: x for x in stops}
    out: list[Tour] = []
    made: set[tuple[int, str]] = set()
    back: dict[int, float] = {}
    for t, keys in sorted(known, key=lambda x: x[0].depart_s):
        mine = [asked[k] for k in keys if k in asked and k not in made]
        if mine and sum(x.transport_index for x in mine) <= fleet.max_transport_index:
            tour = drive(s, lab, fleet, mine, max(back.get(t.vehicle, -math.inf), t.depart_s - fleet.load_s), t.id, t.vehicle)
            if all(arrive <= asked[x.key].deadline_s + 1e-6 for x, (_, arrive) in zip(mine, tour.stops)):
                out.append(tour)
                back[t.vehicle] = tour.return_s
                made |= {x.key for x in mine}
    return out, [x for x in stops if x.key not in made]


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
