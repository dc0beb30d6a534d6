"""The choice of lots, batches, ways and injection times as a linear programme.

Activity needed at release depends on the batch and the injection time, not on the route: A exp(lambda (t_injection - t_release)).
So everything but the tours of own vehicles is linear. Of tours the programme knows what no tour can beat (the direct way, the
shortest leg into each stop, the number of vehicles); `tours` finds the tours themselves, and what cannot be driven comes back as a row.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .candidates import Candidates, road_km, road_s
from .program import Program

DAY_S = 86400.0
_HOUR_S = 3600.0


@dataclass(slots=True)
class Master:
    """The programme, the places of its columns, and the two costs: priorities served (negative) and money."""

    c: Candidates
    program: Program = field(default_factory=Program)
    lot: list[int] = field(default_factory=list)
    amount: list[int] = field(default_factory=list)
    batch: list[int] = field(default_factory=list)
    draw: list[int] = field(default_factory=list)
    shipment: dict[tuple, int] = field(default_factory=dict)
    way: list[int] = field(default_factory=list)
    slot: list[int] = field(default_factory=list)
    serve: dict[int, float] = field(default_factory=dict)
    cost: dict[int, float] = field(default_factory=dict)
    unit_Bq: dict[str, float] = field(default_factory=dict)
    most_Bq: list[float] = field(default_factory=list)
    most_doses: dict[int, float] = field(default_factory=dict)
    by_time: dict[tuple[int, str, float], int] = field(default_factory=dict)

    def drawn_Bq(self, values: np.ndarray, n: int) -> float:
        """Activity of draw `n` at the end of its lot; what the solver's tolerance lets through from lots that are not made is none."""
        d = self.c.draws[n]
        way = (d.lot, self.c.batches[d.batch].lab, d.lane, d.depart_s)
        if values[self.lot[d.lot]] < 0.5 or (d.lane is not None and values[self.shipment[way]] < 0.5) or values[self.draw[n]] < 1e-6:
            return 0.0
        return max(0.0, float(values[self.draw[n]])) * self.unit_Bq[self.c.lots[self.c.draws[n].lot].nuclide]


#: Families of resources that can be lifted, to see what binds.
FAMILIES = ("activity", "machines", "cells", "operators", "possession", "vehicles", "flights and lanes", "chairs")


def master(c: Candidates, *, lifted: frozenset[str] = frozenset(), more: float = math.inf, made_Bq: Mapping[str, float] | None = None) -> Master:
    """The programme of all candidates; the resources of `lifted` families are multiplied by `more`.

    `made_Bq` has the activities of lots that have begun.
    """
    m = Master(c)
    wanted = _wanted_Bq(c)
    for lot in c.lots:
        # Of a lot that could serve thousands no more is looked at than all could take: a solver's tolerance of it may be a dose.
        useful = max(wanted.get(lot.nuclide, 0.0), (made_Bq or {}).get(lot.id, 0.0))
        m.most_Bq.append(min(lot.activity_Bq, useful) if lot.adjustable and useful > 0 else lot.activity_Bq)
        m.unit_Bq[lot.nuclide] = max(m.unit_Bq.get(lot.nuclide, 0.0), m.most_Bq[-1])
    times = {f: (more if f in lifted else 1.0) for f in FAMILIES}
    _lots(m, times)
    _batches(m, times)
    _ways(m, times)
    _patients(m, times)
    _possession(m, times)
    _fleets(m, times)
    return m


def _wanted_Bq(c: Candidates) -> dict[str, float]:
    """Of each nuclide, what all patients and the least starts of all batches could take from lots, at their end."""
    weakest: dict[int, float] = {}
    for d in c.draws:
        weakest[d.batch] = min(weakest.get(d.batch, math.inf), d.start_per_draw)
    of_group: dict[int, float] = {}
    for x in c.slots:
        of_group[x.group] = max(of_group.get(x.group, 0.0), x.release_Bq / (c.batches[x.batch].release_per_start * weakest[x.batch]))
    wanted: dict[str, float] = defaultdict(float)
    for n, a in of_group.items():
        wanted[c.scenario.products[c.groups[n].product].nuclide] += a * len(c.groups[n].patients)
    for n, f in weakest.items():
        product = c.scenario.products[c.batches[n].product]
        wanted[product.nuclide] += product.min_start_Bq / f
    return {k: a * (1 + 1e-6) for k, a in wanted.items()}


def _lots(m: Master, times: dict[str, float]) -> None:
    c, p = m.c, m.program
    for n, lot in enumerate(c.lots):
        made, amount = p.column(), p.column(math.inf, whole=False)
        most = m.most_Bq[n] / m.unit_Bq[lot.nuclide] * min(times["activity"], 1e3)
        p.row([(amount, 1.0), (made, -most)], high=0.0)
        if not lot.adjustable:
            p.row([(amount, 1.0), (made, -most)], low=0.0)
        m.lot.append(made)
        m.amount.append(amount)
        m.cost[made] = lot.fixed_cost
        m.cost[amount] = lot.cost_per_Bq * m.unit_Bq[lot.nuclide]
    by_machine = defaultdict(list)
    for n, lot in enumerate(c.lots):
        by_machine[c.machines[lot.machine].shared].append(n)
    for lots in by_machine.values():
        spans = [(c.lots[n].start_s, c.lots[n].end_s + c.machines[c.lots[n].machine].changeover_s, [(m.lot[n], 1.0)]) for n in lots]
        _at_one_time(p, spans, min(c.machines[c.lots[n].machine].parallel for n in lots) * times["machines"])


def _at_one_time(p: Program, spans: list[tuple[float, float, list[tuple[int, float]]]], most: float) -> None:
    """At no time more than `most` of what lasts from the first to the second time of each span; looked at where one begins."""
    if not math.isfinite(most):
        return
    seen = set()
    for t in sorted({a for a, _, _ in spans}):
        active = [terms for a, b, terms in spans if a <= t < b]
        key = frozenset(id(x) for x in active)
        if key not in seen and len(active) > 0:
            seen.add(key)
            p.row([x for terms in active for x in terms], high=most)


def _batches(m: Master, times: dict[str, float]) -> None:
    c, p = m.c, m.program
    m.batch = [p.column() for _ in c.batches]
    into, out_of, fed = defaultdict(list), defaultdict(list), defaultdict(list)
    for d in c.draws:
        lot = c.lots[d.lot]
        place = p.column(math.inf, whole=False)
        m.draw.append(place)
        into[d.batch].append((place, d.start_per_draw))
        out_of[d.lot].append((place, 1.0))
        if d.lane is not None:
            key = (d.lot, c.batches[d.batch].lab, d.lane, d.depart_s)
            if key not in m.shipment:
                m.shipment[key] = p.column()
                m.cost[m.shipment[key]] = d.cost
            p.row([(place, 1.0), (m.shipment[key], -m.most_Bq[d.lot] / m.unit_Bq[lot.nuclide] * min(times["activity"], 1e3))], high=0.0)
        fed[d.batch].append(m.lot[d.lot] if d.lane is None else m.shipment[key])
    for n, terms in out_of.items():
        p.row([*terms, (m.amount[n], -1.0)], high=0.0)
    for n, places in fed.items():
        p.row([(m.batch[n], 1.0), *((x, -1.0) for x in set(places))], high=0.0)
    needs = defaultdict(list)
    for n, s in enumerate(c.slots):
        m.slot.append(p.column(len(c.groups[s.group].patients)))
        needs[s.batch].append((m.slot[n], s.release_Bq))
    for n, b in enumerate(c.batches):
        product = c.scenario.products[b.product]
        unit = m.unit_Bq[product.nuclide]
        most = product.max_start_Bq / unit
        if math.isfinite(most):
            p.row([*into[n], (m.batch[n], -most)], high=0.0)
        if product.min_start_Bq > 0:
            p.row([*into[n], (m.batch[n], -product.min_start_Bq / unit)], low=0.0)
        p.row([*((x, a / unit) for x, a in needs[n]), *((d, -f * b.release_per_start) for d, f in into[n])], high=0.0)
        m.cost[m.batch[n]] = product.batch_cost
        if math.isfinite(most) and math.isfinite(times["activity"]) and needs[n]:
            # No batch serves more than its largest start gives of the smallest doses: a whole number, which sharpens the bound.
            doses = math.floor(product.max_start_Bq * b.release_per_start / min(a for _, a in needs[n]) * (1 + 1e-9))
            p.row([*((x, 1.0) for x, _ in needs[n]), (m.batch[n], -float(doses))], high=0.0)
            m.most_doses[m.batch[n]] = float(doses)
    for lab in sorted({b.lab for b in c.batches}):
        own = [n for n, b in enumerate(c.batches) if b.lab == lab]
        site, products = c.scenario.sites[lab], c.scenario.products
        cells = [(c.batches[n].start_s, c.batches[n].synthesis_end_s + products[c.batches[n].product].cleaning_s, [(m.batch[n], 1.0)]) for n in own]
        _at_one_time(p, cells, site.cells * times["cells"])
        if site.operators > 0:
            _at_one_time(p, [(c.batches[n].start_s, c.batches[n].release_s, [(m.batch[n], 1.0)]) for n in own], site.operators * times["operators"])


def _ways(m: Master, times: dict[str, float]) -> None:
    c, p = m.c, m.program
    departures = defaultdict(list)
    by_stop = defaultdict(list)
    for n, w in enumerate(c.ways):
        place = p.column()
        m.way.append(place)
        m.cost[place] = w.cost
        by_stop[w.batch, w.hospital].append(n)
        if w.lane is not None:
            departures[w.lane, w.depart_s].append((place, 1.0))
    for (batch, _), ways in by_stop.items():
        p.row([*((m.way[n], 1.0) for n in ways), (m.batch[batch], -1.0)], high=0.0)
    load = defaultdict(list)
    by_group = defaultdict(list)
    for n, s in enumerate(c.slots):
        g = c.groups[s.group]
        per_Bq = c.scenario.products[g.product].transport_index_per_Bq
        load[s.batch, g.hospital].append((m.slot[n], s.release_Bq * per_Bq))
        by_group[s.batch, s.group].append(n)
    for (batch, group), slots in by_group.items():
        g = c.groups[group]
        handling = c.scenario.products[g.product].handling_s
        ways = by_stop[batch, g.hospital]
        slots.sort(key=lambda n: c.slots[n].time_s)
        # Up to each time no one is injected with what has not come by then; a row only where one more way comes in.
        known = -1
        for k in range(len(slots) - 1, -1, -1):
            in_time = [n for n in ways if c.ways[n].arrive_s + handling <= c.slots[slots[k]].time_s + 1e-6]
            if len(in_time) != known:
                known = len(in_time)
                p.row([*((m.slot[n], 1.0) for n in slots[: k + 1]), *((m.way[n], -float(len(g.patients))) for n in in_time)], high=0.0)
    for key, terms in load.items():
        limits = [(m.way[n], -c.ways[n].max_transport_index) for n in by_stop[key]]
        if any(a > 0 for _, a in terms) and any(math.isfinite(x) for _, x in limits):
            beyond = sum(a * p.upper[x] for x, a in terms)
            p.row([*terms, *((x, max(limit, -beyond)) for x, limit in limits)], high=0.0)
    for (*_, lane, depart_s), place in m.shipment.items():
        departures[lane, depart_s].append((place, 1.0))
    for (lane, _), terms in departures.items():
        most = next(x.capacity for x in c.scenario.lanes if x.id == lane)
        if most is not None and math.isfinite(times["flights and lanes"]):
            p.row(terms, high=most * times["flights and lanes"])


def _patients(m: Master, times: dict[str, float]) -> None:
    c, p = m.c, m.program
    of_group, of_hospital = defaultdict(list), defaultdict(list)
    for n, s in enumerate(c.slots):
        of_group[s.group].append((m.slot[n], 1.0))
        g = c.groups[s.group]
        of_hospital[g.hospital].append((s.time_s, s.time_s + c.scenario.products[g.product].occupancy_s, [(m.slot[n], 1.0)]))
    for n, g in enumerate(c.groups):
        if of_group[n] or g.must:
            # How many of a group are served is a column of its own: a row of all injections together is one on which HiGHS 1.16 can loop for ever.
            size = float(len(g.patients))
            number = p.column(size, lower=size if g.must else 0.0)
            p.row([*of_group[n], (number, -1.0)], low=0.0, high=0.0)
            m.serve[number] = -g.priority
    for hospital, spans in of_hospital.items():
        site = c.scenario.sites[hospital]
        merged: dict[tuple[float, float], list] = {}
        for a, b, terms in spans:
            merged.setdefault((a, b), []).extend(terms)
        _at_one_time(p, [(a, b, terms) for (a, b), terms in merged.items()], site.chairs * times["chairs"])


def _possession(m: Master, times: dict[str, float]) -> None:
    """Licences: what lies in a lab from its arrival to the batch's release, and in a hospital from arrival to injection.

    Of a tour the arrival is not known here: its vials count from when they must have come.
    """
    c, p = m.c, m.program
    if not math.isfinite(times["possession"]):
        return
    for site in c.scenario.sites.values():
        for name, limit_Bq in site.possession_Bq.items():
            decay = next((x.decay_per_s for x in c.scenario.products.values() if x.nuclide == name), 0.0)
            unit = m.unit_Bq.get(name, 1.0)
            held = []
            for n, d in enumerate(c.draws):
                b = c.batches[d.batch]
                if b.lab == site.id and c.lots[d.lot].nuclide == name:
                    # Until release a batch counts with what went into it: losses stay in the house.
                    held.append((d.arrive_s, b.release_s, [(m.draw[n], d.start_per_draw * unit)], b.start_s))
            ways = defaultdict(list)
            for n, w in enumerate(c.ways):
                if w.hospital == site.id and w.kind != "tour":
                    ways[w.batch].append((w.arrive_s, m.way[n]))
            for n, x in enumerate(c.slots):
                g = c.groups[x.group]
                product = c.scenario.products[g.product]
                if g.hospital == site.id and product.nuclide == name:
                    vial_Bq, due = g.prescribed_Bq / (1 - product.vial_residue_fraction), x.time_s - product.handling_s
                    size, came = float(len(g.patients)), sorted(ways[x.batch])
                    held.append((due, math.nextafter(x.time_s, math.inf), [(m.slot[n], vial_Bq)], x.time_s))
                    for k, (arrive, _) in enumerate(came):
                        if arrive < due:  # in the house if it came by one of the ways so far
                            early = p.column(size, whole=False)
                            p.row([(m.slot[n], 1.0), *((z, size) for _, z in came[: k + 1]), (early, -1.0)], high=size)
                            held.append((arrive, min([due, *(y for y, _ in came[k + 1 :])]), [(early, vial_Bq)], x.time_s))
            for t in sorted({x[0] for x in held}):
                p.row([(x, a * math.exp(-decay * (t - at)) / limit_Bq) for begin, end, terms, at in held if begin <= t < end for x, a in terms], high=times["possession"])


def _fleets(m: Master, times: dict[str, float]) -> None:
    """What no tour can beat: the shortest leg into and out of each stop, vehicles enough for the legs that must be driven by each time."""
    c, p, s = m.c, m.program, m.c.scenario
    slots_of = defaultdict(list)
    for n, x in enumerate(c.slots):
        slots_of[x.batch, c.groups[x.group].hospital].append(n)
    labs = {c.batches[w.batch].lab for w in c.ways if w.kind == "tour"}
    for lab in labs:
        fleet = s.sites[lab].fleet
        assert fleet is not None
        tours = [n for n, w in enumerate(c.ways) if w.kind == "tour" and c.batches[w.batch].lab == lab]
        hospitals = sorted({c.ways[n].hospital for n in tours})
        places = [lab, *hospitals]
        leg_s = {h: min(road_s(s, a, h) for a in places if a != h) for h in hospitals}
        for h in hospitals:
            into = min(road_km(s, a, h) for a in places if a != h)
            visited = p.column(whole=False)
            for n in tours:
                if c.ways[n].hospital == h:
                    p.row([(m.way[n], 1.0), (visited, -1.0)], high=0.0)
            m.cost[visited] = into * fleet.cost_per_km
        days = defaultdict(list)
        for n in tours:
            b = c.batches[c.ways[n].batch]
            last = max(c.slots[k].time_s for k in slots_of[c.ways[n].batch, c.ways[n].hospital])
            days[math.floor(b.release_s / DAY_S) if math.floor(b.release_s / DAY_S) == math.floor(last / DAY_S) else None].append(n)
        for day, ways in days.items():
            most = min(fleet.vehicles * times["vehicles"], 1e4)
            vehicles = p.column(float(most))
            if day is not None:
                m.cost[vehicles] = fleet.cost_per_vehicle
            for n in ways:
                p.row([(m.way[n], 1.0), (vehicles, -1.0)], high=0.0)
            _legs_in_time(m, ways, slots_of, leg_s, fleet.load_s, vehicles)


def _legs_in_time(m: Master, ways: list[int], slots_of: dict, leg_s: dict[str, float], load_s: float, vehicles: int) -> None:
    """Legs into the stops reached by a time, of batches released after another, take no longer than all vehicles have between both."""
    c, p = m.c, m.program
    released = [c.batches[c.ways[n].batch].release_s for n in ways]
    for first in np.arange(math.floor(min(released) / _HOUR_S), math.floor(max(released) / _HOUR_S) + 1) * _HOUR_S:
        here = [n for n, t in zip(ways, released) if t >= first]
        for until in first + np.arange(1, 4) * _HOUR_S:
            at = defaultdict(list)
            for n in here:
                w = c.ways[n]
                place = by_time(m, w.batch, w.hospital, until, slots_of[w.batch, w.hospital])
                if place is not None:
                    at[w.hospital].append(place)
            terms = []
            for hospital, due in at.items():
                place = due[0]
                if len(due) > 1:  # one leg may bring vials of several batches
                    place = p.column(whole=False)
                    for x in due:
                        p.row([(x, 1.0), (place, -1.0)], high=0.0)
                terms.append((place, leg_s[hospital]))
            if terms:
                p.row([*terms, (vehicles, -max(0.0, until - first - load_s))], high=0.0)


def by_time(m: Master, batch: int, hospital: str, until_s: float, slots: list[int]) -> int | None:
    """Column that is 1 when a batch must have come to a hospital by a tour until a time; None when it never must."""
    c, p = m.c, m.program
    if (batch, hospital, until_s) not in m.by_time:
        handling = c.scenario.products[c.batches[batch].product].handling_s
        early = [n for n in slots if c.slots[n].time_s - handling <= until_s + 1e-6]
        if not early:
            return None
        place = p.column(whole=False)
        m.by_time[batch, hospital, until_s] = place
        others = [(m.way[n], 1.0) for n, w in enumerate(c.ways) if w.batch == batch and w.hospital == hospital and w.kind != "tour"]
        for n in early:
            size = float(p.upper[m.slot[n]])
            p.row([(m.slot[n], 1.0), (place, -size), *((z, -size) for z, _ in others)], high=0.0)
    return m.by_time[batch, hospital, until_s]
