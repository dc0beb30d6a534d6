"""A plan made anew after a disturbance: what has begun stays, as many patients as can be are served, as few as need be are moved."""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...core import BadInput, CouldNot, near_matches
from .candidates import Candidates, candidates
from .master import Master, master
from .model import Batch, Delivery, Dose, Draw, Interval, Patient, Scenario, SupplyPlan, Tour
from .program import solve_program
from .settle import Begun, Settled, settle
from .solve import Clock, all_who_must, bound_of_weight, cheapest, made_drivable, routed
from .tours import Stop

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
    on_lanes = [(x.lane, x.depart_s) for x in previous.deliveries] + [(d.lane, d.depart_s) for b in previous.batches for d in b.draws if d.depart_s is not None]
    lanes = []
    for lane in s.lanes:
        gone = [d for d in of["lane-cancelled"] if d.id == lane.id]
        shut_s = min((d.start_s for d in gone if d.end_s >= s.end_s), default=math.inf)
        if lane.duration_s is not None and math.isfinite(shut_s) and not any(name == lane.id and t < shut_s for name, t in on_lanes):
            continue  # shut until the end, and nothing is on it; when others are shut is looked at way by way
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
    failed = _failed(s, previous, disturbances, now_s)
    kept = _standing(s, previous, failed, now_s)
    lab_of = {b.id: b.lab for b in previous.batches}
    sent = {(x.batch, x.hospital): x for x in previous.deliveries if x.depart_s <= now_s and x.batch in kept and x.hospital != lab_of[x.batch]}
    c = candidates(s, not_before_s=now_s, keep=kept, sent=sent, shut=_shut(disturbances))
    _close(c, disturbances, failed)

    def programme() -> tuple[Master, Begun]:
        m = master(c, made_Bq={k: a for k, (_, a) in previous.lots.items()})
        _fewer_cells(m, disturbances)
        return m, _hold(m, previous, kept, failed, sent, nothing, now_s)

    m, begun = programme()
    dose_of = {d.patient: d for d in previous.doses}
    first = solve_program(m.program, m.serve, time_limit_s=0.3 * time_limit_s, seed=seed)
    weight = -first.objective if first.values is not None else 0.0
    values = first.values if m.program.lower else np.zeros(0)  # nothing is left to choose
    if values is None and not first.infeasible:
        raise CouldNot(f"No new plan was found within {time_limit_s:g} s; give more time.")
    if values is None:
        raise BadInput("After this disturbance what has begun cannot be carried on with the patients who must be served; let them be optional (must = false).")
    # A moved appointment weighs more than any cost that could be saved by it.
    unit = scenario.change_cost if scenario.change_cost > 0 else max(previous.cost, 1.0)
    changes = _changes(m, dose_of, unit)
    values, _ = cheapest(m, values, weight, changes, 0.4 * time_limit_s, seed)

    def try_tours(m: Master, values: np.ndarray) -> Settled:
        limit_s = min(8.0, max(0.5, 0.15 * clock.left_s))
        return settle(m, values, lambda lab, stops: routed(c, lab, stops, limit_s, seed, now_s, begun.free_s.get(lab, {}), {t.id for t in previous.tours}), begun)

    done = try_tours(m, values)
    if done.missed:
        done, _ = made_drivable(m, values, done, weight, changes, clock, seed, try_tours, lambda share: None)
    weights = {p.id: p.priority for p in s.patients}
    if done.served_weight < sum(weights[p] for p in nothing) - 1e-9:
        # Tours that could not be driven have cost more than the disturbance: what was planned goes on.
        done = _as_planned(*programme(), previous, nothing, seed) or done
    all_who_must(c, done, time_limit_s)
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
    lots = {x.id: (x, m) for m in s.machines for x in m.lots}
    gone = _given_up(s, plan, disturbances)
    there = {p.id: p for p in s.patients}
    closed = [d for d in disturbances if d.kind == "hospital-closed"]
    by_delivery = {x.id: x for x in plan.deliveries}
    departures = {(x.id, y.cutoff_s) for x in s.lanes for y in x.departures}
    lanes = {x.id for x in s.lanes if x.duration_s is not None}
    served: set[str] = set()

    def comes(x: Draw) -> bool:
        return x.lot in lots and (x.lane is None or (x.lane, x.depart_s) in departures or (x.lane in lanes and _open(x.lane, x.depart_s, disturbances)))

    def at_start_Bq(x: Draw, b: Batch) -> float:
        lot, machine = lots[x.lot]
        return x.activity_Bq * machine.recovery * math.exp(-s.products[b.product].decay_per_s * (b.start_s - lot.end_s))

    for b in plan.batches:
        start_Bq = 0.0 if b.id in gone else sum(at_start_Bq(x, b) for x in b.draws if comes(x))
        left = b.release_Bq * min(1.0, start_Bq / b.start_Bq) if b.start_Bq > 0 else 0.0
        doses = [d for d in plan.doses if d.batch == b.id and d.patient in there]
        for dose in sorted(doses, key=lambda d: (-there[d.patient].priority, d.injection_s, d.patient)):
            way = by_delivery[dose.delivery]
            runs = way.lane is None or (way.lane, way.depart_s) in departures or (way.lane in lanes and _open(way.lane, way.depart_s, disturbances))
            shut = any(x.id == there[dose.patient].hospital and x.start_s <= dose.injection_s <= x.end_s for x in closed)
            if runs and not shut and dose.release_Bq <= left * (1 + 1e-9):
                left -= dose.release_Bq
                served.add(dose.patient)
    return frozenset(served)


def _as_planned(m: Master, begun: Begun, previous: SupplyPlan, nothing: frozenset[str], seed: int) -> Settled | None:
    """The earlier plan for those whom it still serves, on its own tours; None where what has begun stands against it."""
    c, p = m.c, m.program
    doses = [d for d in previous.doses if d.patient in nothing]
    for n, x in enumerate(c.slots):
        same = [d for d in doses if d.batch == c.batches[x.batch].id and abs(d.injection_s - x.time_s) < 1 and d.patient in c.groups[x.group].patients]
        p.lower[m.slot[n]] = p.upper[m.slot[n]] = float(len(same))
    by_id = {x.id: x for x in previous.deliveries}
    for n, w in enumerate(c.ways):
        went = by_id.get(f"{c.batches[w.batch].id}>{w.hospital}")
        if went is None or (w.kind == "tour") != (went.tour is not None) or (w.lane is not None and (w.lane != went.lane or abs(w.depart_s - went.depart_s) > 1)):
            p.upper[m.way[n]] = p.lower[m.way[n]]
    found = solve_program(p, m.cost, time_limit_s=5.0, seed=seed)
    if found.values is None:
        return None

    def same_tours(lab: str, stops: list[Stop]) -> tuple[list[Tour], list[Stop]]:
        names = {f"{c.batches[x.key[0]].id}>{x.hospital}": f"{x.key[0]}|{x.hospital}" for x in stops}
        kept = [replace(t, stops=tuple((names[k], a) for k, a in t.stops if k in names)) for t in previous.tours if t.depot == lab]
        kept = [t for t in kept if t.stops]
        there = {k for t in kept for k, _ in t.stops}
        return kept, [x for x in stops if names[f"{c.batches[x.key[0]].id}>{x.hospital}"] not in there]

    return settle(m, found.values, same_tours, begun)


def _given_up(s: Scenario, plan: SupplyPlan, disturbances: Sequence[Disturbance]) -> set[str]:
    """Batches that fail, or for which there is a cell too few."""
    gone = {d.id for d in disturbances if d.kind == "batch-failed"}
    for d in disturbances:
        if d.kind == "cell-down":
            busy = [b for b in plan.batches if b.lab == d.id and b.start_s < d.end_s and b.synthesis_end_s > d.start_s and b.id not in gone]
            # One cell less: of the batches that stand in one another's way, those that begin last are given up.
            for b in sorted(busy, key=lambda b: -b.start_s):
                at_once = [x for x in busy if x.id not in gone and x.start_s < b.synthesis_end_s and x.synthesis_end_s > b.start_s]
                if len(at_once) > s.sites[d.id].cells - 1:
                    gone.add(b.id)
    return gone


def _failed(s: Scenario, plan: SupplyPlan, disturbances: Sequence[Disturbance], now_s: float) -> frozenset[str]:
    """Batches that are lost: said to have failed, or begun in a cell that went down. One not yet begun can be made elsewhere or later."""
    said = {d.id for d in disturbances if d.kind == "batch-failed"}
    return frozenset(b.id for b in plan.batches if b.id in said or (b.start_s < now_s and b.id in _given_up(s, plan, disturbances)))


def _shut(disturbances: Sequence[Disturbance]) -> dict[str, list[Interval]]:
    """When each lane does not run."""
    shut: dict[str, list[Interval]] = defaultdict(list)
    for d in disturbances:
        if d.kind == "lane-cancelled":
            shut[d.id].append((d.start_s, d.end_s))
    return shut


def _open(lane: str, depart_s: float | None, disturbances: Sequence[Disturbance]) -> bool:
    return not any(d.kind == "lane-cancelled" and d.id == lane and d.start_s <= (depart_s or 0.0) <= d.end_s for d in disturbances)


def _standing(s: Scenario, previous: SupplyPlan, failed: Collection[str], now_s: float) -> frozenset[str]:
    """Lots and batches that have begun and have not failed."""
    lots = {x.id for m in s.machines for x in m.lots}
    begun = {x.id for x, _ in previous.lots.values() if x.start_s < now_s and x.id in lots}
    batches = {b.id for b in previous.batches if b.start_s < now_s and b.id not in failed and all(x.lot in begun for x in b.draws)}
    return frozenset(begun | batches)


def _close(c: Candidates, disturbances: Sequence[Disturbance], failed: Collection[str]) -> None:
    """Take out injections in closed hospitals and of failed batches, and the ways that then serve nobody."""
    shut = [d for d in disturbances if d.kind == "hospital-closed"]
    c.slots = [x for x in c.slots if not any(d.id == c.groups[x.group].hospital and d.start_s <= x.time_s <= d.end_s for d in shut) and c.batches[x.batch].id not in failed]
    serves = {(x.batch, c.groups[x.group].hospital) for x in c.slots}
    c.ways = [w for w in c.ways if (w.batch, w.hospital) in serves]


def _fewer_cells(m: Master, disturbances: Sequence[Disturbance]) -> None:
    cleaning = {k: x.cleaning_s for k, x in m.c.scenario.products.items()}
    for d in disturbances:
        if d.kind == "cell-down":
            own = [n for n, b in enumerate(m.c.batches) if b.lab == d.id and b.start_s < d.end_s and b.synthesis_end_s > d.start_s]
            for n in own:
                at_once = [k for k in own if m.c.batches[k].start_s <= m.c.batches[n].start_s < m.c.batches[k].synthesis_end_s + cleaning[m.c.batches[k].product]]
                m.program.row([(m.batch[k], 1.0) for k in at_once], high=float(m.c.scenario.sites[d.id].cells - 1))


def _hold(
    m: Master, previous: SupplyPlan, kept: frozenset[str], failed: Collection[str], sent: Mapping[tuple[str, str], Delivery], standing: frozenset[str], now_s: float
) -> Begun:
    """Hold in the programme what has begun."""
    c, p = m.c, m.program
    place = {b.id: n for n, b in enumerate(c.batches)}
    batches = frozenset(place[b.id] for b in previous.batches if b.id in kept and b.id in place)
    lots = {x.id: a for x, a in previous.lots.values() if x.id in kept}
    for n, lot in enumerate(c.lots):
        if lot.id in lots:
            p.lower[m.lot[n]] = 1.0
            p.upper[m.amount[n]] = lots[lot.id] / m.unit_Bq[lot.nuclide] * (1 + 1e-9)
    for n in batches:
        p.lower[m.batch[n]] = 1.0
    _hold_draws(m, previous, batches, failed, now_s)
    gone = {x.id: x for x in sent.values() if x.batch in place}
    for n, w in enumerate(c.ways):
        if (c.batches[w.batch].id, w.hospital) in sent:
            p.lower[m.way[n]] = 1.0
    _hold_doses(m, previous, gone, standing, now_s)
    away = [t for t in previous.tours if t.depart_s <= now_s]
    on_road = tuple(replace(t, stops=tuple((f"{place[gone[k].batch]}|{gone[k].hospital}", a) for k, a in t.stops if k in gone)) for t in away if any(k in gone for k, _ in t.stops))
    free: dict[str, dict[int, float]] = defaultdict(dict)
    for t in away:
        free[t.depot][t.vehicle] = max(free[t.depot].get(t.vehicle, 0.0), t.return_s)
    return Begun(batches, lots, on_road, free, {(place[x.batch], x.hospital): x for x in gone.values()}, {d.patient: d for d in previous.doses})


def _hold_draws(m: Master, previous: SupplyPlan, batches: frozenset[int], failed: Collection[str], now_s: float) -> None:
    """What begun batches hold; what failed ones have used up; of what has been sent to a lab no more than was sent, and nowhere else."""
    c, p = m.c, m.program

    def sent(lab: str, lot: str, lane: str | None, depart_s: float | None) -> tuple | None:
        return (lab, lot, lane, round(depart_s)) if lane is not None and depart_s is not None and depart_s < now_s else None

    held: dict[tuple, float] = defaultdict(float)
    shipped: dict[tuple, float] = defaultdict(float)
    used: dict[str, float] = defaultdict(float)
    for b in previous.batches:
        for d in b.draws:
            key = sent(b.lab, d.lot, d.lane, d.depart_s)
            lost = b.id in failed and b.start_s < now_s
            held[b.id, d.lot, key] += d.activity_Bq
            used[d.lot] += d.activity_Bq if lost else 0.0
            if key is not None:
                shipped[key] += 0.0 if lost else d.activity_Bq
    of_lot, of_shipment = defaultdict(list), defaultdict(list)
    for n, x in enumerate(c.draws):
        into, lot = c.batches[x.batch], c.lots[x.lot]
        key = sent(into.lab, lot.id, x.lane, x.depart_s)
        of_shipment[key].append((m.draw[n], 1.0))
        if key is None:
            of_lot[lot.id].append((m.draw[n], 1.0))
        if x.batch in batches:
            p.lower[m.draw[n]] = p.upper[m.draw[n]] = held.get((into.id, lot.id, key), 0.0) / m.unit_Bq[lot.nuclide]
    for key, terms in of_shipment.items():
        if key is not None:
            unit = m.unit_Bq[next(y.nuclide for y in c.lots if y.id == key[1])]
            p.row(terms, high=shipped.get(key, 0.0) / unit * (1 + 1e-9))
    for n, lot in enumerate(c.lots):
        away = used[lot.id] + sum(a for key, a in shipped.items() if key[1] == lot.id)
        if away > 0 and of_lot[lot.id]:
            p.row([*of_lot[lot.id], (m.amount[n], -1.0)], high=-away / m.unit_Bq[lot.nuclide] * (1 - 1e-9))


def _hold_doses(m: Master, previous: SupplyPlan, gone: dict[str, Delivery], standing: frozenset[str], now_s: float) -> None:
    """Vials on the way hold what was dispensed: another time, or another patient of the house, only as far as that goes."""
    c, p = m.c, m.program
    vials = defaultdict(list)
    for d in previous.doses:
        if d.delivery in gone:
            vials[gone[d.delivery].batch, gone[d.delivery].hospital].append(d.release_Bq)
    injected = {d.patient: d for d in previous.doses if d.injection_s <= now_s and d.patient in standing}
    asked = defaultdict(list)
    for n, x in enumerate(c.slots):
        g = c.groups[x.group]
        key = (c.batches[x.batch].id, g.hospital)
        if key in vials:
            asked[key].append((n, x.release_Bq))
        if x.time_s <= now_s:
            done = [q for q in g.patients if q in injected and abs(injected[q].injection_s - x.time_s) < 1 and injected[q].batch == c.batches[x.batch].id]
            p.lower[m.slot[n]] = p.upper[m.slot[n]] = float(len(done))
    for key, slots in asked.items():
        # Each vial serves one; those that need more than an activity are no more than the vials that hold more.
        for least in {0.0, *vials[key]}:
            above = [(m.slot[n], 1.0) for n, a in slots if a > least * (1 + 1e-9)]
            if above:
                p.row(above, high=float(sum(v > least * (1 + 1e-9) for v in vials[key])))


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
