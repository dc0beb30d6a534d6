"""From decisions to a plan: activities backwards from each injection to the lots, exactly and to the last becquerel."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .candidates import Candidates, PossibleBatch, needed_release_Bq
from .master import DAY_S, Master
from .model import Batch, Delivery, Dose, Draw, Lot, Product, Scenario, Tour
from .tours import Stop

Router = Callable[[str, list[Stop]], tuple[list[Tour], list[Stop]]]
_MUST = 10.0  # what a patient who must be served weighs in the choice of stops


@dataclass(frozen=True, slots=True)
class Chosen:
    """One patient's injection from a batch, as the programme chose it."""

    patient: str
    batch: int
    hospital: str
    time_s: float
    weight: float


@dataclass(frozen=True, slots=True)
class Settled:
    """A plan that can be carried out, and the stops that could not be made."""

    lots: Mapping[str, tuple[Lot, float]]
    batches: tuple[Batch, ...]
    deliveries: tuple[Delivery, ...]
    tours: tuple[Tour, ...]
    doses: tuple[Dose, ...]
    served_weight: float
    costs: Mapping[str, float]
    missed: tuple[Stop, ...]

    @property
    def cost(self) -> float:
        return sum(self.costs.values())


@dataclass(frozen=True, slots=True)
class Begun:
    """What of an earlier plan can no longer be changed: batches with what they hold, lots as made, tours on the road.

    `sent` has the deliveries that have left, by batch and hospital; `free_s` when the vehicles of a lab are back; `doses`
    the earlier plan's, so that alike patients keep theirs.
    """

    batches: frozenset[int] = frozenset()
    lots_Bq: Mapping[str, float] = field(default_factory=dict)
    tours: tuple[Tour, ...] = ()
    free_s: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    sent: Mapping[tuple[int, str], Delivery] = field(default_factory=dict)
    doses: Mapping[str, Dose] = field(default_factory=dict)


def chosen(m: Master, values: np.ndarray, before: Mapping[str, Dose] | None = None) -> list[Chosen]:
    """Who is injected when, from which batch; alike patients keep what they had `before`, else are taken in their order."""
    left = {n: list(g.patients) for n, g in enumerate(m.c.groups)}
    out = []
    order = [n for _, n in sorted((s.time_s, n) for n, s in enumerate(m.c.slots))]
    number = {n: round(values[m.slot[n]]) for n in order}
    had = {p: (d.batch, round(d.injection_s)) for p, d in (before or {}).items()}
    # First who had this very injection, then those who had one before, so that nobody is moved for nothing.
    for again in (True, False):
        for n in order:
            s = m.c.slots[n]
            g = m.c.groups[s.group]
            this = (m.c.batches[s.batch].id, round(s.time_s))
            who = [p for p in left[s.group] if had.get(p) == this] if again else sorted(left[s.group], key=lambda p: p not in had)
            for p in who[: number[n]]:
                left[s.group].remove(p)
                number[n] -= 1
                out.append(Chosen(p, s.batch, g.hospital, s.time_s, g.priority))
    return sorted(out, key=lambda x: x.time_s)


def settle(m: Master, values: np.ndarray, route: Router, begun: Begun = Begun()) -> Settled:
    """The plan of a solution of the programme; tours by `route`; patients whose stop cannot be made are left out."""
    on_road = {key for t in begun.tours for key, _ in t.stops}
    c, s = m.c, m.c.scenario
    who = chosen(m, values, begun.doses)
    must = {p.id for p in s.patients if p.must}
    by_stop = defaultdict(list)
    for x in who:
        by_stop[x.batch, x.hospital].append(x)
    way_of, stops = {}, defaultdict(list)
    for n, w in enumerate(c.ways):
        if values[m.way[n]] > 0.5 and (w.batch, w.hospital) in by_stop:
            way_of[w.batch, w.hospital] = w
            if w.kind == "tour" and f"{w.batch}|{w.hospital}" not in on_road:
                b = c.batches[w.batch]
                product = s.products[b.product]
                members = by_stop[w.batch, w.hospital]
                index = product.transport_index_per_Bq * sum(_release_Bq(s, b, x) for x in members)
                stops[b.lab].append(Stop((w.batch, w.hospital), w.hospital, b.release_s, min(x.time_s for x in members) - product.handling_s, index, sum(x.weight * (_MUST if x.patient in must else 1.0) for x in members)))
    driven: list[Tour] = []
    missed: list[Stop] = []
    for lab, these in sorted(stops.items()):
        here, late = route(lab, these)
        driven += here
        missed += late
    lost = {x.key for x in missed}
    kept = [x for x in who if (x.batch, x.hospital) not in lost]
    return assemble(c, kept, way_of, [*begun.tours, *driven], {n: m.drawn_Bq(values, n) for n in range(len(c.draws))}, missed, begun)


def _release_Bq(s: Scenario, b: PossibleBatch, x: Chosen) -> float:
    p = next(p for p in s.patients if p.id == x.patient)
    return needed_release_Bq(s.products[b.product], p.prescribed_Bq, x.time_s - b.release_s)


def assemble(
    c: Candidates, who: list[Chosen], way_of: Mapping, driven: list[Tour], drawn_Bq: Mapping[int, float], missed: Sequence[Stop] = (), begun: Begun = Begun()
) -> Settled:
    """A plan of given injections, ways and tours; what the draws hold beyond need is not drawn."""
    s = c.scenario
    prescribed = {p.id: p.prescribed_Bq for p in s.patients}
    used = sorted({x.batch for x in who} | begun.batches)
    doses: list[Dose] = []
    batches: list[Batch] = []
    made: dict[str, float] = defaultdict(float)
    deliveries: dict[tuple[int, str], Delivery] = dict(begun.sent)
    reached = {tuple(key.split("|", 1)): (t, arrive) for t in driven for key, arrive in t.stops}
    for n in used:
        b = c.batches[n]
        product = s.products[b.product]
        here = sorted((x for x in who if x.batch == n), key=lambda x: (x.time_s, x.patient))
        total = 0.0
        for x in here:
            release = needed_release_Bq(product, prescribed[x.patient], x.time_s - b.release_s)
            total += release
            doses.append(Dose(x.patient, b.id, f"{b.id}>{x.hospital}", x.time_s, release, prescribed[x.patient]))
        for hospital in sorted({x.hospital for x in here}):
            activity = sum(d.release_Bq for d, x in zip(doses[len(doses) - len(here) :], here) if x.hospital == hospital)
            if (n, hospital) not in begun.sent:
                deliveries[n, hospital] = _delivery(n, b, hospital, activity, product, way_of, reached)
        batch = _batch(c, n, b, product, total, drawn_Bq, n in begun.batches)
        batches.append(batch)
        for d in batch.draws:
            made[d.lot] += d.activity_Bq
    lots = {x.id: (x, max(made[x.id], begun.lots_Bq.get(x.id, 0.0)) if x.adjustable else x.activity_Bq) for x in c.lots if x.id in made or x.id in begun.lots_Bq}
    names = {f"{n}|{h}": d.id for (n, h), d in deliveries.items()}
    whole = tuple(replace(t, stops=tuple((names.get(k, k), a) for k, a in t.stops)) for t in driven)
    weights = {p.id: p.priority for p in s.patients}
    costs = _costs(c, lots, batches, deliveries, whole)
    return Settled(lots, tuple(batches), tuple(deliveries.values()), whole, tuple(doses), sum(weights[d.patient] for d in doses), costs, tuple(missed))


def _delivery(n: int, b: PossibleBatch, hospital: str, activity_Bq: float, product: Product, way_of: Mapping, reached: Mapping) -> Delivery:
    name, index = f"{b.id}>{hospital}", activity_Bq * product.transport_index_per_Bq
    if (str(n), hospital) in reached:
        tour, arrive = reached[str(n), hospital]
        return Delivery(name, b.id, hospital, None, tour.id, tour.depart_s, arrive, activity_Bq, index)
    w = way_of[n, hospital]
    return Delivery(name, b.id, hospital, w.lane, None, w.depart_s, w.arrive_s, activity_Bq, index)


def _batch(c: Candidates, n: int, b: PossibleBatch, product: Product, needed_Bq: float, drawn_Bq: Mapping[int, float], made: bool) -> Batch:
    own = [(k, d) for k, d in enumerate(c.draws) if d.batch == n and drawn_Bq.get(k, 0.0) > 0]
    held = sum(drawn_Bq[k] * d.start_per_draw for k, d in own)
    start = held if made else max(needed_Bq / b.release_per_start, product.min_start_Bq)
    share = start / held if held > 0 else 0.0
    # The programme is solved to a tolerance; what it left short of need by that is drawn all the same.
    draws = tuple(Draw(c.lots[d.lot].id, drawn_Bq[k] * share, d.lane, d.depart_s if d.lane else None, d.arrive_s if d.lane else None) for k, d in own)
    start = sum(x.activity_Bq * d.start_per_draw for x, (_, d) in zip(draws, own))
    return Batch(
        b.id, b.lab, b.product, b.start_s, b.synthesis_end_s, b.release_s, b.expiry_s, draws, start, start * product.product_per_start, start * product.release_per_start
    )


def _costs(c: Candidates, lots: Mapping[str, tuple[Lot, float]], batches: list[Batch], deliveries: Mapping, driven: tuple[Tour, ...]) -> dict[str, float]:
    s = c.scenario
    lane_cost = {x.id: x.cost for x in s.lanes}
    upstream = {(d.lot, b.lab, d.lane, d.depart_s) for b in batches for d in b.draws if d.lane is not None}
    vehicles = {(t.depot, math.floor(t.depart_s / DAY_S), t.vehicle) for t in driven}
    fleets = {lab: f for lab in {t.depot for t in driven} if (f := s.sites[lab].fleet) is not None}
    return {
        "lots": sum(x.fixed_cost + x.cost_per_Bq * a for x, a in lots.values()),
        "batches": sum(s.products[b.product].batch_cost for b in batches),
        "shipments": sum(lane_cost[lane] for _, _, lane, _ in upstream if lane) + sum(lane_cost[d.lane] for d in deliveries.values() if d.lane),
        "tours": sum(fleets[t.depot].cost_per_km * t.km for t in driven) + sum(fleets[lab].cost_per_vehicle for lab, _, _ in vehicles),
    }
