"""A plan as arrays: lots, shipments, batches, tours, deliveries and doses, each by its place in a list."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from .candidates import needed_release_Bq, road_s
from .model import Delivery, Lane, Scenario, SupplyPlan
from .risk_model import Hazards, Spare

DAY_S = 86_400.0
HOUSE, LANE, TOUR = 0, 1, 2


class Net(NamedTuple):
    """Arrays of a plan; ``x_first`` gives where the members of each begin in the list named after it (its last entry is the end)."""

    lot_end_s: np.ndarray
    lot_ready_s: np.ndarray
    lot_again_s: np.ndarray
    lot_success: np.ndarray
    lot_spare_Bq: np.ndarray
    up_lot: np.ndarray
    ship_depart_s: np.ndarray
    ship_needed_s: np.ndarray
    ship_origin: np.ndarray
    ship_drive_s: np.ndarray
    ship_first: np.ndarray
    option_cutoff_s: np.ndarray
    option_arrive_s: np.ndarray
    option_duration_s: np.ndarray
    option_event: np.ndarray
    event_success: np.ndarray
    event_late: np.ndarray
    event_delay_s: np.ndarray
    draw_first: np.ndarray
    draw_lot: np.ndarray
    draw_ship: np.ndarray
    draw_Bq: np.ndarray
    draw_recovery: np.ndarray
    batch_lab: np.ndarray
    batch_slot: np.ndarray
    batch_start_s: np.ndarray
    batch_synthesis_s: np.ndarray
    batch_qc_s: np.ndarray
    batch_cleaning_s: np.ndarray
    batch_shelf_s: np.ndarray
    batch_decay_per_s: np.ndarray
    batch_pass: np.ndarray
    batch_success: np.ndarray
    batch_given_Bq: np.ndarray
    batch_min_Bq: np.ndarray
    batch_max_Bq: np.ndarray
    batch_last_s: np.ndarray
    lab_cells: np.ndarray
    tour_begin_s: np.ndarray
    tour_load_s: np.ndarray
    tour_away_s: np.ndarray
    tour_before: np.ndarray
    tour_first: np.ndarray
    tour_way: np.ndarray
    way_batch: np.ndarray
    way_kind: np.ndarray
    way_ship: np.ndarray
    way_depart_s: np.ndarray
    way_drive_s: np.ndarray
    way_last_s: np.ndarray
    way_needed_s: np.ndarray
    way_origin: np.ndarray
    way_direct_s: np.ndarray
    dose_batch: np.ndarray
    dose_way: np.ndarray
    dose_time_s: np.ndarray
    dose_latest_s: np.ndarray
    dose_need_Bq: np.ndarray
    dose_handling_s: np.ndarray
    dose_occupancy_s: np.ndarray
    dose_hospital: np.ndarray
    dose_order: np.ndarray
    source_first: np.ndarray
    source_way: np.ndarray
    guest_first: np.ndarray
    guest_dose: np.ndarray
    hospital_chairs: np.ndarray
    hour_first: np.ndarray
    hour_open_s: np.ndarray
    hour_close_s: np.ndarray


class Extra(NamedTuple):
    """What a spare changes; `nothing` changes nothing."""

    cell: np.ndarray
    standby: np.ndarray
    courier: np.ndarray
    second: np.ndarray
    scale: np.ndarray


@dataclass(frozen=True, slots=True)
class Prepared:
    """Arrays with the names behind their places."""

    net: Net
    lots: tuple[str, ...]
    batches: tuple[str, ...]
    events: tuple[str, ...]
    tours: tuple[str, ...]
    patients: tuple[str, ...]
    hospitals: tuple[str, ...]
    labs: tuple[str, ...]
    sites: tuple[str, ...]


class _Ships:
    """Shipments by lane, each with the departures it can take: as planned first, then by arrival."""

    def __init__(self, s: Scenario) -> None:
        self.s = s
        self.lanes = {x.id: x for x in s.lanes}
        self.site = {x: n for n, x in enumerate(s.sites)}
        self.rows: list[tuple[float, float, int, float]] = []
        self.options: list[list[tuple[float, float, float, int]]] = []
        self.events: dict[str, int] = {}
        self.chances: list[tuple[float, float, float]] = []

    def add(self, name: str, lane_id: str, depart_s: float, needed_s: float) -> int:
        lane = self.lanes[lane_id]
        later = [d for d in lane.departures if d.cutoff_s > depart_s + 1.0]
        planned = [d for d in lane.departures if abs(d.cutoff_s - depart_s) <= 1.0]
        if planned:
            # A departure is one event for all that travel with it.
            options = [(d.cutoff_s, d.arrive_s, math.nan, self._event(f"{lane.id} {d.cutoff_s:.0f}", lane)) for d in [*planned, *sorted(later, key=lambda d: d.arrive_s)]]
        else:
            options = [(math.inf, math.nan, lane.duration_s or 0.0, self._event(f"{lane.id} {name}", lane))]
        drive = (lane.duration_s or 0.0) if not planned else road_s(self.s, lane.origin, lane.destination)
        self.rows.append((depart_s, needed_s, self.site[lane.origin], drive))
        self.options.append(options)
        return len(self.rows) - 1

    def _event(self, name: str, lane: Lane) -> int:
        if name not in self.events:
            self.events[name] = len(self.events)
            self.chances.append((lane.success, lane.late, lane.delay_s))
        return self.events[name]


def prepare(s: Scenario, plan: SupplyPlan, hazards: Hazards) -> Prepared:
    """The arrays of a plan."""
    machines = {m.id: m for m in s.machines}
    patients = {p.id: p for p in s.patients}
    sites = tuple(s.sites)
    site = {x: n for n, x in enumerate(sites)}
    lots = tuple(plan.lots)
    lot_at = {x: n for n, x in enumerate(lots)}
    batches = tuple(b.id for b in plan.batches)
    batch_at = {x: n for n, x in enumerate(batches)}
    labs = tuple(dict.fromkeys(b.lab for b in plan.batches))
    hospitals = tuple(dict.fromkeys(patients[d.patient].hospital for d in plan.doses))
    ways = [x for x in plan.deliveries if x.batch in batch_at]
    way_at = {x.id: n for n, x in enumerate(ways)}
    ships = _Ships(s)

    drawn: dict[str, float] = defaultdict(float)
    up: dict[tuple, int] = {}
    up_lot: list[int] = []
    draw_rows: list[tuple[int, int, float, float]] = []
    draw_first = [0]
    for b in plan.batches:
        for d in b.draws:
            lot = plan.lots[d.lot][0]
            drawn[d.lot] += d.activity_Bq
            key = (d.lot, b.lab, d.lane, d.depart_s)
            if d.lane is not None and key not in up:
                needed = min(y.start_s for y in plan.batches for z in y.draws if (z.lot, y.lab, z.lane, z.depart_s) == key)
                up[key] = ships.add(f"{d.lot} to {b.lab}", d.lane, d.depart_s or 0.0, needed)
                up_lot.append(lot_at[d.lot])
            draw_rows.append((lot_at[d.lot], up.get(key, -1), d.activity_Bq, machines[lot.machine].recovery))
        draw_first.append(len(draw_rows))

    doses_of = defaultdict(list)
    for dose in plan.doses:
        doses_of[dose.delivery].append(dose)
    latest = {x.id: max((patients[d.patient].latest_s for d in doses_of[x.id]), default=-math.inf) for x in ways}
    needed_by = {x.id: min((d.injection_s for d in doses_of[x.id]), default=math.inf) for x in ways}
    handling = {x.id: s.products[plan.batches[batch_at[x.batch]].product].handling_s for x in ways}
    way_ship = [ships.add(x.id, x.lane, x.depart_s, needed_by[x.id] - handling[x.id]) if x.lane is not None else -1 for x in ways]
    kinds = [LANE if x.lane is not None else TOUR if x.tour is not None else HOUSE for x in ways]
    last_release = [latest[x.id] - handling[x.id] - _quickest_s(x, ships, k) for x, k in zip(ways, way_ship)]

    def last_start(n: int) -> float:
        b = plan.batches[n]
        return max((last_release[k] for k, x in enumerate(ways) if x.batch == b.id), default=-math.inf) - (b.release_s - b.start_s)

    lots_here = [plan.lots[x][0] for x in lots]
    products = [s.products[b.product] for b in plan.batches]
    tours = sorted((t for t in plan.tours if any(k in way_at for k, _ in t.stops)), key=lambda t: (t.depart_s, t.id))
    before: dict[tuple[str, int], int] = {}
    tour_before = []
    for n, t in enumerate(tours):
        tour_before.append(before.get((t.depot, t.vehicle), -1))
        before[t.depot, t.vehicle] = n
    loads = [f.load_s if (f := s.sites[t.depot].fleet) is not None else 0.0 for t in tours]
    on_tour = {k: (n, arrive) for n, t in enumerate(tours) for k, arrive in t.stops}
    tour_way = [[way_at[k] for k, _ in t.stops if k in way_at] for t in tours]

    who = [patients[d.patient] for d in plan.doses]
    own = [s.products[p.product] for p in who]
    sources = [_sources(p.hospital, p.product, ways, plan, batch_at) for p in who]
    guests = [[n for n, p in enumerate(who) if p.hospital == h] for h in hospitals]
    slots: dict[tuple[str, int], int] = {}
    for b in plan.batches:
        slots.setdefault((b.lab, math.floor(b.start_s / DAY_S)), len(slots))
    net = Net(
        lot_end_s=_f(x.end_s for x in lots_here), lot_ready_s=_f(x.end_s + machines[x.machine].cool_s for x in lots_here), lot_again_s=_f(x.end_s - x.start_s for x in lots_here),
        lot_success=_f(machines[x.machine].success for x in lots_here), lot_spare_Bq=_f(max(0.0, x.activity_Bq - drawn[x.id]) for x in lots_here), up_lot=_i(up_lot),
        ship_depart_s=_f(r[0] for r in ships.rows), ship_needed_s=_f(r[1] for r in ships.rows), ship_origin=_i(r[2] for r in ships.rows), ship_drive_s=_f(r[3] for r in ships.rows),
        ship_first=_first(ships.options), option_cutoff_s=_f(o[0] for x in ships.options for o in x), option_arrive_s=_f(o[1] for x in ships.options for o in x),
        option_duration_s=_f(o[2] for x in ships.options for o in x), option_event=_i(o[3] for x in ships.options for o in x),
        event_success=_f(c[0] for c in ships.chances), event_late=_f(c[1] for c in ships.chances), event_delay_s=_f(c[2] for c in ships.chances),
        draw_first=_i(draw_first), draw_lot=_i(r[0] for r in draw_rows), draw_ship=_i(r[1] for r in draw_rows), draw_Bq=_f(r[2] for r in draw_rows), draw_recovery=_f(r[3] for r in draw_rows),
        batch_lab=_i(labs.index(b.lab) for b in plan.batches), batch_slot=_i(slots[b.lab, math.floor(b.start_s / DAY_S)] for b in plan.batches),
        batch_start_s=_f(b.start_s for b in plan.batches), batch_synthesis_s=_f(p.synthesis_s for p in products), batch_qc_s=_f(p.qc_s for p in products),
        batch_cleaning_s=_f(p.cleaning_s for p in products), batch_shelf_s=_f(p.shelf_life_s for p in products), batch_decay_per_s=_f(p.decay_per_s for p in products),
        batch_pass=_f(p.yield_fraction * (1 - p.residue_fraction - p.qc_fraction) for p in products), batch_success=_f(p.success for p in products),
        batch_given_Bq=_f(0.0 if b.draws else b.start_Bq for b in plan.batches), batch_min_Bq=_f(p.min_start_Bq for p in products), batch_max_Bq=_f(p.max_start_Bq for p in products),
        batch_last_s=_f(last_start(n) for n in range(len(batches))), lab_cells=_i(s.sites[x].cells for x in labs),
        tour_begin_s=_f(t.depart_s - load for t, load in zip(tours, loads)), tour_load_s=_f(loads), tour_away_s=_f(t.return_s - t.depart_s for t in tours), tour_before=_i(tour_before),
        tour_first=_first(tour_way), tour_way=_i(k for x in tour_way for k in x),
        way_batch=_i(batch_at[x.batch] for x in ways), way_kind=_i(kinds), way_ship=_i(way_ship), way_depart_s=_f(x.depart_s for x in ways),
        way_drive_s=_f(on_tour[x.id][1] - tours[on_tour[x.id][0]].depart_s if x.id in on_tour else x.arrive_s - x.depart_s for x in ways), way_last_s=_f(last_release),
        way_needed_s=_f(needed_by[x.id] - handling[x.id] for x in ways), way_origin=_i(site[plan.batches[batch_at[x.batch]].lab] for x in ways),
        way_direct_s=_f(ships.rows[k][3] if k >= 0 else road_s(s, plan.batches[batch_at[x.batch]].lab, x.hospital) for x, k in zip(ways, way_ship)),
        dose_batch=_i(batch_at[d.batch] for d in plan.doses), dose_way=_i(way_at[d.delivery] for d in plan.doses), dose_time_s=_f(d.injection_s for d in plan.doses),
        dose_latest_s=_f(p.latest_s for p in who), dose_need_Bq=_f((1 - hazards.tolerance) * needed_release_Bq(x, p.prescribed_Bq, 0.0) for x, p in zip(own, who)),
        dose_handling_s=_f(x.handling_s for x in own), dose_occupancy_s=_f(x.occupancy_s for x in own), dose_hospital=_i(hospitals.index(p.hospital) for p in who),
        dose_order=_i(sorted(range(len(who)), key=lambda n: (-who[n].priority, plan.doses[n].injection_s, who[n].id))),
        source_first=_first(sources), source_way=_i(k for x in sources for k in x), guest_first=_first(guests), guest_dose=_i(k for x in guests for k in x),
        hospital_chairs=_i(s.sites[h].chairs for h in hospitals), hour_first=_first([s.sites[h].hours for h in hospitals]),
        hour_open_s=_f(a for h in hospitals for a, _ in s.sites[h].hours), hour_close_s=_f(b for h in hospitals for _, b in s.sites[h].hours),
    )  # fmt: skip
    return Prepared(net, lots, batches, tuple(ships.events), tuple(t.id for t in tours), tuple(d.patient for d in plan.doses), hospitals, labs, sites)


def _quickest_s(x: Delivery, ships: _Ships, ship: int) -> float:
    """Shortest time from release to the hospital's door by any departure that could be taken."""
    if ship < 0:
        return x.arrive_s - x.depart_s
    return min(duration if math.isnan(arrive) else arrive - cutoff for cutoff, arrive, duration, _ in ships.options[ship])


def _sources(hospital: str, product: str, ways: Sequence[Delivery], plan: SupplyPlan, batch_at: dict[str, int]) -> list[int]:
    """Deliveries of a product to a hospital, the earliest first."""
    return sorted((n for n, x in enumerate(ways) if x.hospital == hospital and plan.batches[batch_at[x.batch]].product == product), key=lambda n: ways[n].arrive_s)


def extra(p: Prepared, s: Scenario, plan: SupplyPlan, spare: Spare | None = None) -> Extra:
    """What a spare changes; none: nothing."""
    x = Extra(
        np.zeros(len(p.labs), np.int64), np.zeros(len(p.labs), np.int64), np.zeros(len(p.sites), np.int64), np.zeros(len(p.lots), np.int64), np.ones(len(p.batches))
    )
    if spare is None:
        return x
    if spare.kind in ("cell", "batch") and spare.at in p.labs:
        (x.cell if spare.kind == "cell" else x.standby)[p.labs.index(spare.at)] = 1
    elif spare.kind == "courier":
        x.courier[p.sites.index(spare.at)] = 1
    elif spare.kind in ("machine", "source"):
        own = [n for n, k in enumerate(p.lots) if plan.lots[k][0].machine == spare.at and (spare.kind == "source" or plan.lots[k][0].end_s > plan.lots[k][0].start_s)]
        x.second[own] = 1 if spare.kind == "machine" else 2
    elif spare.kind == "margin":
        drawn: dict[str, float] = defaultdict(float)
        for b in plan.batches:
            for d in b.draws:
                drawn[d.lot] += d.activity_Bq
        for n, b in enumerate(plan.batches):
            if b.product == spare.at:
                most = [plan.lots[d.lot][0].activity_Bq / drawn[d.lot] for d in b.draws if drawn[d.lot] > 0]
                x.scale[n] = max(1.0, min(1 + spare.amount, *most, s.products[b.product].max_start_Bq / b.start_Bq)) if most and b.start_Bq > 0 else 1.0
    return x


def _f(values: Iterable[float]) -> np.ndarray:
    return np.array(list(values), np.float64)


def _i(values: Iterable[int]) -> np.ndarray:
    return np.array(list(values), np.int64)


def _first(members: Sequence[Sequence]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum([len(m) for m in members], dtype=np.int64)]).astype(np.int64)
