"""A plan made anew after a disturbance: what has begun stays, as many patients as can be are served, as few as need be are moved."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...core import BadInput, near_matches
from .candidates import Candidates, candidates
from .master import Master, master
from .model import Dose, Patient, Scenario, SupplyPlan
from .program import solve_program
from .settle import Begun, Settled, settle
from .solve import Clock, bound_of_weight, cheapest, made_drivable, routed

KINDS = ("machine-down", "lot-failed", "batch-failed", "lane-cancelled", "cell-down", "hospital-closed", "patient-added", "patient-cancelled")


@dataclass(frozen=True, slots=True)
class Disturbance:
    """Something that went wrong or changed.

    Attributes
    ----------
    kind : str
        One of `KINDS`.
    id : str
        The machine, lot, batch, lane, site or patient.
    start_s, end_s : float
        From when to when; failures of a lot, a batch or a patient have no length.
    patient : Patient or None
        Who is added.
    """

    kind: str
    id: str
    start_s: float = 0.0
    end_s: float = math.inf
    patient: Patient | None = None


@dataclass(frozen=True, slots=True)
class Replanned:
    """The new plan beside the old one.

    Attributes
    ----------
    plan : SupplyPlan
    nothing : frozenset of str
        Patients who would still be served if nothing were done.
    rescued, lost, moved, rebatched : tuple of str
        Patients served only because of the new plan; served before and not now; injected at another time; at the same
        time from another batch.
    """

    plan: SupplyPlan
    scenario: Scenario
    nothing: frozenset[str]
    rescued: tuple[str, ...]
    lost: tuple[str, ...]
    moved: tuple[str, ...]
    rebatched: tuple[str, ...]


def disturbed(s: Scenario, previous: SupplyPlan, disturbances: Sequence[Disturbance]) -> Scenario:
    """The scenario with what is lost taken out of it.

    Raises
    ------
    BadInput
        An unknown kind, or something the scenario or the plan does not have.
    """
    batches = {b.id for b in previous.batches}
    for d in disturbances:
        known = {
            "machine-down": {m.id for m in s.machines}, "lot-failed": {x.id for m in s.machines for x in m.lots}, "batch-failed": batches, "lane-cancelled": {x.id for x in s.lanes},
            "cell-down": {x.id for x in s.sites.values() if x.cells > 0}, "hospital-closed": {x.id for x in s.sites.values() if x.chairs > 0}, "patient-cancelled": {p.id for p in s.patients},
        }.get(d.kind)  # fmt: skip
        if d.kind not in KINDS:
            raise BadInput(f"disturbance: {d.kind!r} is not a kind; give one of {', '.join(KINDS)}.{near_matches(d.kind, KINDS)}")
        if known is not None and d.id not in known:
            raise BadInput(f"disturbance {d.kind}: there is no {d.id!r} in the {'plan' if d.kind == 'batch-failed' else 'scenario'}; give the id of one that is.{near_matches(d.id, known)}")
        if d.kind == "patient-added" and (d.patient is None or d.patient.id in {p.id for p in s.patients}):
            raise BadInput(f"disturbance patient-added: {d.id!r} needs a patient whose id is new.")
    of = defaultdict(list)
    for d in disturbances:
        of[d.kind].append(d)
    failed = {d.id for d in of["lot-failed"]}
    machines = tuple(
        replace(m, lots=tuple(x for x in m.lots if x.id not in failed and not any(d.id == m.id and x.start_s < d.end_s and x.end_s > d.start_s for d in of["machine-down"]))) for m in s.machines
    )
    lanes = []
    for lane in s.lanes:
        gone = [d for d in of["lane-cancelled"] if d.id == lane.id]
        if gone and lane.duration_s is not None and any(d.end_s >= s.end_s for d in gone):
            continue  # a lane that leaves at any time is closed until the end; one that reopens is looked at way by way
        lanes.append(replace(lane, departures=tuple(x for x in lane.departures if not any(d.start_s <= x.cutoff_s <= d.end_s for d in gone))))
    cancelled = {d.id for d in of["patient-cancelled"]}
    added = tuple(d.patient for d in of["patient-added"] if d.patient is not None)
    return replace(s, machines=machines, lanes=tuple(lanes), patients=tuple(p for p in s.patients if p.id not in cancelled) + added)


def replan(
    scenario: Scenario, previous: SupplyPlan, disturbances: Sequence[Disturbance], now_s: float, *, time_limit_s: float = 60.0, seed: int = 1
) -> Replanned:
    """The best that can still be done at `now_s`: first patients by priority, then as few changes as need be, then cost.

    Lots, batches, shipments, tours and injections that have begun stay as they are, but for what has failed.

    Raises
    ------
    BadInput
        A disturbance that does not fit the scenario.
    CouldNot
        No solver, or no plan within the time.
    """
    clock = Clock(time_limit_s, time.monotonic())
    s = disturbed(scenario, previous, disturbances)
    nothing = if_nothing_is_done(scenario, s, previous, disturbances)
    kept = _standing(s, previous, disturbances, now_s)
    c = candidates(s, not_before_s=now_s, keep=kept)
    _close(c, disturbances)
    m = master(c)
    _fewer_cells(m, disturbances)
    begun = _hold(m, previous, kept, nothing, now_s)
    dose_of = {d.patient: d for d in previous.doses}
    first = solve_program(m.program, m.serve, time_limit_s=0.3 * time_limit_s, seed=seed)
    weight = -first.objective if first.values is not None else 0.0
    values = first.values
    if values is None:
        raise BadInput("After this disturbance what has begun cannot be carried on with the patients who must be served; let them be optional (must = false).")
    # A moved appointment weighs more than any cost that could be saved by it.
    unit = scenario.change_cost if scenario.change_cost > 0 else max(previous.cost, 1.0)
    changes = _changes(m, dose_of, unit)
    values, _ = cheapest(m, values, weight, changes, 0.4 * time_limit_s, seed)

    def try_tours(m: Master, values: np.ndarray) -> Settled:
        limit_s = min(8.0, max(0.5, 0.15 * clock.left_s))
        return settle(m, values, lambda lab, stops: routed(c, lab, stops, limit_s, seed, begun.free_s.get(lab, ()), {t.id for t in previous.tours}), begun)

    done = try_tours(m, values)
    if done.missed:
        done, _ = made_drivable(m, values, done, weight, changes, clock, seed, try_tours, lambda share: None)
    plan = SupplyPlan(
        done.lots, done.batches, done.deliveries, done.tours, done.doses, done.served_weight, max(bound_of_weight(c, first), done.served_weight), done.cost, 0.0, done.costs, "made anew"
    )
    after = {d.patient: d for d in plan.doses}
    served_before = set(dose_of) & {p.id for p in s.patients}
    return Replanned(
        plan, s, nothing, tuple(sorted(set(after) - nothing)), tuple(sorted(served_before - set(after))),
        tuple(sorted(p for p in served_before & set(after) if abs(after[p].injection_s - dose_of[p].injection_s) > 1)),
        tuple(sorted(p for p in served_before & set(after) if abs(after[p].injection_s - dose_of[p].injection_s) <= 1 and after[p].batch != dose_of[p].batch)),
    )  # fmt: skip


def if_nothing_is_done(scenario: Scenario, s: Scenario, plan: SupplyPlan, disturbances: Sequence[Disturbance]) -> frozenset[str]:
    """Patients of a plan who are still served after a disturbance when all else goes on as planned."""
    lots = {x.id for m in s.machines for x in m.lots}
    gone = {d.id for d in disturbances if d.kind == "batch-failed"}
    for d in disturbances:
        if d.kind == "cell-down":
            busy = [b for b in plan.batches if b.lab == d.id and b.start_s < d.end_s and b.synthesis_end_s > d.start_s and b.id not in gone]
            # One cell less: of the batches that stand in one another's way, those that begin last are given up.
            for b in sorted(busy, key=lambda b: -b.start_s):
                at_once = [x for x in busy if x.id not in gone and x.start_s < b.synthesis_end_s and x.synthesis_end_s > b.start_s]
                if len(at_once) > s.sites[d.id].cells - 1:
                    gone.add(b.id)
    share = {b.id: (0.0 if b.id in gone else sum(x.activity_Bq for x in b.draws if x.lot in lots) / max(sum(x.activity_Bq for x in b.draws), 1e-300)) for b in plan.batches}
    there = {p.id: p for p in s.patients}
    closed = [d for d in disturbances if d.kind == "hospital-closed"]
    by_delivery = {x.id: x for x in plan.deliveries}
    departures = {(x.id, y.cutoff_s) for x in s.lanes for y in x.departures}
    lanes = {x.id for x in s.lanes if x.duration_s is not None}
    served: set[str] = set()
    for b in plan.batches:
        shipped = all(x.lane is None or (x.lane, x.depart_s) in departures or (x.lane in lanes and _open(x.lane, x.depart_s, disturbances)) for x in b.draws)
        left = share[b.id] * b.release_Bq if shipped else 0.0
        doses = [d for d in plan.doses if d.batch == b.id and d.patient in there]
        for dose in sorted(doses, key=lambda d: (-there[d.patient].priority, d.injection_s, d.patient)):
            way = by_delivery[dose.delivery]
            runs = way.lane is None or (way.lane, way.depart_s) in departures or (way.lane in lanes and _open(way.lane, way.depart_s, disturbances))
            shut = any(x.id == there[dose.patient].hospital and x.start_s <= dose.injection_s <= x.end_s for x in closed)
            if runs and not shut and dose.release_Bq <= left * (1 + 1e-9):
                left -= dose.release_Bq
                served.add(dose.patient)
    return frozenset(served)


def _open(lane: str, depart_s: float | None, disturbances: Sequence[Disturbance]) -> bool:
    return not any(d.kind == "lane-cancelled" and d.id == lane and d.start_s <= (depart_s or 0.0) <= d.end_s for d in disturbances)


def _standing(s: Scenario, previous: SupplyPlan, disturbances: Sequence[Disturbance], now_s: float) -> frozenset[str]:
    """Lots and batches that have begun and have not failed."""
    lots = {x.id for m in s.machines for x in m.lots}
    failed = {d.id for d in disturbances if d.kind == "batch-failed"}
    begun = {x.id for x, _ in previous.lots.values() if x.start_s < now_s and x.id in lots}
    batches = {b.id for b in previous.batches if b.start_s < now_s and b.id not in failed and all(x.lot in begun for x in b.draws)}
    return frozenset(begun | batches)


def _close(c: Candidates, disturbances: Sequence[Disturbance]) -> None:
    """Take out what is closed for a while: injections in closed hospitals, ways on cancelled lanes, failed batches."""
    failed = {d.id for d in disturbances if d.kind == "batch-failed"}
    shut = [d for d in disturbances if d.kind == "hospital-closed"]
    c.slots = [x for x in c.slots if not any(d.id == c.groups[x.group].hospital and d.start_s <= x.time_s <= d.end_s for d in shut) and c.batches[x.batch].id not in failed]
    c.ways = [w for w in c.ways if w.lane is None or _open(w.lane, w.depart_s, disturbances)]
    c.draws = [d for d in c.draws if d.lane is None or _open(d.lane, d.depart_s, disturbances)]


def _fewer_cells(m: Master, disturbances: Sequence[Disturbance]) -> None:
    for d in disturbances:
        if d.kind == "cell-down":
            own = [n for n, b in enumerate(m.c.batches) if b.lab == d.id and b.start_s < d.end_s and b.synthesis_end_s > d.start_s]
            for n in own:
                at_once = [k for k in own if m.c.batches[k].start_s <= m.c.batches[n].start_s < m.c.batches[k].synthesis_end_s]
                m.program.row([(m.batch[k], 1.0) for k in at_once], high=float(m.c.scenario.sites[d.id].cells - 1))


def _hold(m: Master, previous: SupplyPlan, kept: frozenset[str], standing: frozenset[str], now_s: float) -> Begun:
    """Hold in the programme what has begun."""
    c, p = m.c, m.program
    place = {b.id: n for n, b in enumerate(c.batches)}
    batches = frozenset(place[b.id] for b in previous.batches if b.id in kept and b.id in place)
    lots = {x.id: a for x, a in previous.lots.values() if x.id in kept}
    for n, lot in enumerate(c.lots):
        if lot.id in lots:
            p.lower[m.lot[n]] = 1.0
            p.upper[m.amount[n]] = lots[lot.id] / m.unit_Bq[lot.nuclide] * (1 + 1e-9)
    drawn = {(b.id, d.lot): d.activity_Bq for b in previous.batches for d in b.draws}
    for n, d in enumerate(c.draws):
        if d.batch in batches:
            amount = drawn.get((c.batches[d.batch].id, c.lots[d.lot].id), 0.0) / m.unit_Bq[c.lots[d.lot].nuclide]
            p.lower[m.draw[n]], p.upper[m.draw[n]] = amount, amount
    for n in batches:
        p.lower[m.batch[n]] = 1.0
    tours = {t.id: t for t in previous.tours if t.depart_s <= now_s}
    gone = {d.id: d for d in previous.deliveries if d.depart_s <= now_s and d.batch in place and place[d.batch] in batches}
    for n, w in enumerate(c.ways):
        sent = gone.get(f"{c.batches[w.batch].id}>{w.hospital}")
        if sent is not None:
            same = (sent.tour is not None and w.kind == "tour") or (sent.tour is None and w.lane == sent.lane and abs(w.depart_s - sent.depart_s) < 1)
            p.lower[m.way[n]], p.upper[m.way[n]] = (1.0, 1.0) if same else (0.0, 0.0)
    _hold_doses(m, previous, gone, standing, now_s)
    on_road = tuple(
        replace(t, stops=tuple((f"{place[gone[k].batch]}|{gone[k].hospital}", a) for k, a in t.stops if k in gone)) for t in tours.values() if any(k in gone for k, _ in t.stops)
    )
    free = defaultdict(dict)  # type: ignore[var-annotated]
    for t in on_road:
        free[t.depot][t.vehicle] = max(free[t.depot].get(t.vehicle, 0.0), t.return_s)
    return Begun(batches, lots, on_road, {lab: tuple(x.values()) for lab, x in free.items()})


def _hold_doses(m: Master, previous: SupplyPlan, gone: dict, standing: frozenset[str], now_s: float) -> None:
    """Vials on the way hold what was dispensed: another time, or another patient of the house, only as far as that goes."""
    c, p = m.c, m.program
    on_way = defaultdict(list)
    for d in previous.doses:
        if d.delivery in gone:
            on_way[gone[d.delivery].batch, gone[d.delivery].hospital].append(d)
    arrive = {(x.batch, x.hospital): x.arrive_s for x in gone.values()}
    shipped = {k: max(x.release_Bq for x in v) for k, v in on_way.items()}
    number = {k: len(v) for k, v in on_way.items()}
    in_stop = defaultdict(list)
    injected = {d.patient: d for d in previous.doses if d.injection_s <= now_s and d.patient in standing}
    for n, x in enumerate(c.slots):
        g = c.groups[x.group]
        key = (c.batches[x.batch].id, g.hospital)
        if key in arrive:
            in_stop[key].append((m.slot[n], 1.0))
            handling = c.scenario.products[g.product].handling_s
            if x.release_Bq > shipped.get(key, 0.0) * (1 + 1e-9) or x.time_s < arrive[key] + handling - 1:
                p.upper[m.slot[n]] = 0.0
        if x.time_s <= now_s:
            done = [q for q in g.patients if q in injected and abs(injected[q].injection_s - x.time_s) < 1 and injected[q].batch == c.batches[x.batch].id]
            p.lower[m.slot[n]] = p.upper[m.slot[n]] = float(len(done))
    for key, terms in in_stop.items():
        p.row(terms, high=float(number.get(key, 0)))


def _changes(m: Master, dose_of: dict[str, Dose], unit: float) -> dict[int, float]:
    """What each injection weighs as a change: one for another time, a quarter for another batch, nothing for whom was not served before."""
    cost: dict[int, float] = {}
    for n, x in enumerate(m.c.slots):
        before = [dose_of[q] for q in m.c.groups[x.group].patients if q in dose_of]
        if before:
            moved = min(0.0 if abs(d.injection_s - x.time_s) <= 1 else 1.0 for d in before)
            other = min(0.0 if d.batch == m.c.batches[x.batch].id else 0.25 for d in before)
            cost[m.slot[n]] = unit * (moved + other)
    return cost
