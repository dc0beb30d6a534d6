"""Small random scenarios, and the best plan of each by trying everything."""

from __future__ import annotations

import itertools
import math
from functools import cache
from typing import Any

import numpy as np

from lutetia.supply.network.candidates import candidates, road_km
from lutetia.supply.network.model import (
    Departure,
    Fleet,
    Lane,
    Lot,
    Machine,
    Patient,
    Product,
    Scenario,
    Site,
)
from lutetia.supply.network.tours import leg_s

HOUR = 3600.0

#: A scenario file of one lab, two hospitals and two patients.
SMALL_DAY = """
schema = "lutetia-scenario/1"
title = "A small day"
zone = "Europe/Paris"
start = 2026-11-02T00:00:00
end = 2026-11-03T00:00:00

[[product]]
name = "tracer"
nuclide = "F-18"
yield = "50 %"
synthesis = "30 min"
qc = "30 min"
shelf_life = "8 h"
residue = "3 %"
shield = "lead 30 mm"

[[site]]
id = "lab"
city = "Lyon"
cells = 1
products = ["tracer"]
fleet = { vehicles = 1, cost_per_km = 1 }

[[site]]
id = "near"
latitude = 45.80
longitude = 4.90
hours = "Mon-Fri 08:00-17:00"
chairs = 2

[[site]]
id = "far"
latitude = 45.19
longitude = 5.72
chairs = 1

[[machine]]
id = "target"
site = "lab"
kind = "cyclotron"
reaction = "O-18(p,n)F-18"
energy = "16 MeV"
exit = "3 MeV"
current = "40 uA"
lengths = ["1 h", "2 h"]
hours = "04:30-12:00"

[[lane]]
id = "to-far"
origin = "lab"
destination = "far"
duration = "2 h"
cost = 200

[[patient]]
id = "one"
hospital = "near"
product = "tracer"
prescribed = "250 MBq"
earliest = 2026-11-02T09:00:00
latest = 2026-11-02T09:30:00

[[patient]]
id = "two"
hospital = "far"
product = "tracer"
prescribed = "4 MBq/kg"
weight = "70 kg"
earliest = 2026-11-02T10:00:00
latest = 2026-11-02T11:00:00
"""


def small_scenario(seed: int, patients: int = 5, *, fleet: bool = True, lanes: bool = True, possession: bool = False) -> Scenario:
    """One cyclotron, one or two labs, three hospitals, a few patients who want more than there is."""
    r = np.random.default_rng(seed)
    lots = []
    for n, end in enumerate((5.0, 6.5, 8.0)):
        for level, hours in enumerate((1.0, 2.0)):
            activity = float(r.uniform(0.6, 2.2)) * 1e9 * (1 + level)
            lots.append(Lot(f"lot{n}{level}", "cyc", "lab", "F-18", (end - hours) * HOUR, end * HOUR, activity, True, 100.0 + 60 * level, float(r.choice([0.0, 2e-8]))))
    product = Product(
        "tracer", "F-18", 0.6, 0.5 * HOUR, 0.5 * HOUR, 8 * HOUR, cleaning_s=float(r.choice([0.0, 1.0])) * HOUR, residue_fraction=0.03, qc_fraction=0.02, vial_residue_fraction=0.02,
        max_start_Bq=float(r.choice([2.5e9, np.inf])), batch_cost=150.0, occupancy_s=float(r.choice([0.0, 0.75])) * HOUR, handling_s=600.0, transport_index_per_Bq=1e-9,
    )  # fmt: skip
    labs = ("lab",) if r.random() < 0.7 else ("lab", "lab2")
    sites = {}
    van = Fleet(int(r.integers(1, 3)), 40.0, 1.0, float(r.choice([1.2, 4.0, np.inf])), (), 600.0, 300.0) if fleet else None
    for lab in labs:
        sites[lab] = Site(lab, lab, 31.2 + 0.05 * (lab == "lab2"), 121.4, "Asia/Shanghai", cells=int(r.integers(1, 3)), products=("tracer",), fleet=van)
    for h in ("h1", "h2", "h3"):
        sites[h] = Site(h, h, 31.2 + float(r.uniform(-0.15, 0.15)), 121.4 + float(r.uniform(-0.2, 0.2)), "Asia/Shanghai", chairs=int(r.integers(1, 3)))
    ways = [Lane("l-l2", "lab", "lab2", "road", 1200.0, cost=30.0)]
    if lanes or not fleet:
        ways += [Lane(f"{lab}-{h}", lab, h, "road", float(r.uniform(1200, 5400)), cost=float(r.uniform(30, 120))) for lab in labs for h in ("h1", "h2")]
        ways += [Lane(f"{lab}-h3", lab, "h3", "air", departures=(Departure(7 * HOUR, 8 * HOUR), Departure(8.2 * HOUR, 9.5 * HOUR)), cost=90.0, capacity=1) for lab in labs]
    who = []
    for n in range(patients):
        first = float(r.integers(14, 21)) * 0.5 * HOUR
        who.append(Patient(f"p{n}", str(r.choice(["h1", "h2", "h3"])), "tracer", float(r.uniform(150, 400)) * 1e6, first, first + 0.5 * HOUR, float(r.integers(1, 4))))
    return Scenario(
        f"random {seed}", "2026-11-02T00:00:00+08:00", 24 * HOUR, (Machine("cyc", "lab", "F-18", "cyclotron", tuple(lots), changeover_s=0.5 * HOUR, cool_s=300.0, recovery=0.95),),
        {"tracer": product}, sites, tuple(x for x in ways if x.origin in sites and x.destination in sites), tuple(who), slot_s=1800.0,
    )  # fmt: skip


def best_by_trying(s: Scenario) -> tuple[float, float]:
    """Most weight that can be served, and the least cost of serving it, by enumeration of all that the scenario allows."""
    c = candidates(s)
    members = [(p, n) for n, g in enumerate(c.groups) for p in g.patients]
    choices = [[None, *(k for k, x in enumerate(c.slots) if x.group == n)] for _, n in members]
    best = (0.0, 0.0)

    @cache
    def delivered(batches_and_stops: frozenset) -> float:
        return _cheapest_ways(c, batches_and_stops)

    @cache
    def made(needs: tuple) -> float:
        return _cheapest_lots(c, dict(needs))

    # Greater weights first would prune better; with six patients plain enumeration is quick enough.
    for pick in itertools.product(*choices):
        weight = sum(c.groups[n].priority for (_, n), k in zip(members, pick) if k is not None)
        if weight < best[0] - 1e-9 or not _chairs_hold(c, pick):
            continue
        needs: dict[int, float] = {}
        stops: dict[tuple[int, str], list[float]] = {}
        for k in pick:
            if k is not None:
                x = c.slots[k]
                hospital = c.groups[x.group].hospital
                product = s.products[c.groups[x.group].product]
                needs[x.batch] = needs.get(x.batch, 0.0) + x.release_Bq
                first, load = stops.get((x.batch, hospital), (math.inf, 0.0))
                stops[x.batch, hospital] = (min(first, x.time_s - product.handling_s), load + x.release_Bq * product.transport_index_per_Bq)  # type: ignore[assignment]
        cost = made(tuple(sorted(needs.items())))
        if math.isfinite(cost) and (weight > best[0] + 1e-9 or cost < best[1]):
            cost += delivered(frozenset((k, *v) for k, v in stops.items()))
            if math.isfinite(cost) and (weight > best[0] + 1e-9 or cost < best[1] - 1e-9):
                best = (weight, cost)
    return best


def _chairs_hold(c: Any, pick: tuple) -> bool:
    taken: dict[str, list[tuple[float, float]]] = {}
    for k in pick:
        if k is not None:
            g = c.groups[c.slots[k].group]
            t = c.slots[k].time_s
            taken.setdefault(g.hospital, []).append((t, t + c.scenario.products[g.product].occupancy_s))
    return all(sum(a <= t < b for a, b in spans) <= c.scenario.sites[h].chairs for h, spans in taken.items() for t, _ in spans)


def _one_at_a_time(spans: list[tuple[float, float]], most: int) -> bool:
    return all(sum(a <= t < b for a, b in spans) <= most for t, _ in spans)


def _cheapest_lots(c: Any, needs: dict[int, float]) -> float:
    """Least cost of lots, ways to the labs and batches for the activity needed of each batch at release."""
    s, best = c.scenario, math.inf
    for lab in {c.batches[b].lab for b in needs}:
        own = [b for b in needs if c.batches[b].lab == lab]
        cells = [(c.batches[b].start_s, c.batches[b].synthesis_end_s + s.products[c.batches[b].product].cleaning_s) for b in own]
        if not _one_at_a_time(cells, s.sites[lab].cells):
            return math.inf
    start = {b: a / c.batches[b].release_per_start for b, a in needs.items()}
    if any(a > s.products[c.batches[b].product].max_start_Bq for b, a in start.items()):
        return math.inf
    feeds = [[d for d in c.draws if d.batch == b] for b in needs]
    for pick in itertools.product(*feeds):
        taken: dict[int, float] = {}
        shipped = {(d.lot, c.batches[d.batch].lab, d.lane, d.depart_s): d.cost for d in pick if d.lane is not None}
        for d in pick:
            taken[d.lot] = taken.get(d.lot, 0.0) + start[d.batch] / d.start_per_draw
        machine = s.machines[0]
        spans = [(c.lots[n].start_s, c.lots[n].end_s + machine.changeover_s) for n in taken]
        if any(a > c.lots[n].activity_Bq for n, a in taken.items()) or not _one_at_a_time(spans, machine.parallel):
            continue
        cost = sum(c.lots[n].fixed_cost + c.lots[n].cost_per_Bq * a for n, a in taken.items()) + sum(shipped.values())
        best = min(best, cost + sum(s.products[c.batches[b].product].batch_cost for b in needs))
    return best


def _cheapest_ways(c: Any, stops: frozenset) -> float:
    """Least cost of bringing each (batch, hospital) by its deadline, by lanes and tours."""
    s, best = c.scenario, math.inf
    items = sorted(stops)
    options = []
    for (batch, hospital), deadline, load in items:
        fit = [w for w in c.ways if (w.batch, w.hospital) == (batch, hospital) and w.arrive_s <= deadline + 1e-6 and load <= w.max_transport_index + 1e-12]
        options.append(fit)
    for pick in itertools.product(*options):
        lanes = [w for w in pick if w.kind == "lane"]
        most = {x.id: x.capacity for x in s.lanes}
        if any(most[w.lane] is not None and sum((v.lane, v.depart_s) == (w.lane, w.depart_s) for v in lanes) > most[w.lane] for w in lanes):
            continue
        cost = sum(w.cost for w in pick)
        for lab in {c.batches[w.batch].lab for w in pick if w.kind == "tour"}:
            here = [(x, w) for x, w in zip(items, pick) if w.kind == "tour" and c.batches[w.batch].lab == lab]
            cost += _cheapest_tours(c, lab, here)
        best = min(best, cost)
    return best


def _cheapest_tours(c: Any, lab: str, here: list) -> float:
    s = c.scenario
    fleet = s.sites[lab].fleet
    best = math.inf
    for order in itertools.permutations(here):
        for joints in itertools.product((0, 1, 2), repeat=len(order) - 1):  # 0: next stop, 1: back, load and out again, 2: another vehicle
            if 1 + joints.count(2) > fleet.vehicles:
                continue
            best = min(best, _driven(c, lab, order, joints))
    return best


def _driven(c: Any, lab: str, order: tuple, joints: tuple) -> float:
    s = c.scenario
    fleet = s.sites[lab].fleet
    trips: list[list] = [[order[0]]]
    news = [True]
    for joint, x in zip(joints, order[1:]):
        if joint == 0:
            trips[-1].append(x)
        else:
            trips.append([x])
            news.append(joint == 2)
    km, free = 0.0, 0.0
    for new, trip in zip(news, trips):
        free = 0.0 if new else free
        time = max(free, *(c.batches[w.batch].release_s for _, w in trip))
        if sum(load for ((_, _, load), _) in trip) > fleet.max_transport_index + 1e-9:
            return math.inf
        place = lab
        for (_, deadline, _), w in trip:
            time += math.ceil(leg_s(s, lab, fleet, place, w.hospital))
            km += road_km(s, place, w.hospital)
            place = w.hospital
            if time > math.floor(deadline):
                return math.inf
        free = time + math.ceil(leg_s(s, lab, fleet, place, lab))
        km += road_km(s, place, lab)
        if free > 24 * HOUR:
            return math.inf
    return fleet.cost_per_vehicle * sum(news) + fleet.cost_per_km * km
