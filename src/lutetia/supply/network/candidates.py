"""All that a plan could consist of: which lot can feed which batch, which batch can reach which hospital, and when.

Decay makes this list short: what arrives too late is not on it.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from .. import geography
from ..geography import great_circle_km
from .model import Delivery, Interval, Lot, Machine, Patient, Product, Scenario, Site

_SAME = 1e-12  # share by which two activities may differ and be one
_DEPARTURES = 3  # how many departures of a lane are worth waiting for
_SECOND = 1.0

Shut = Mapping[str, Sequence[Interval]]  # when a lane does not run


@dataclass(frozen=True, slots=True)
class PossibleBatch:
    """A batch that could be made; `release_per_start` is what an activity at its start is at release, less the margin."""

    lab: str
    product: str
    start_s: float
    synthesis_end_s: float
    release_s: float
    expiry_s: float
    release_per_start: float

    @property
    def id(self) -> str:
        return f"{self.product}@{self.lab}+{round(self.start_s / 60, 2):.15g}"


@dataclass(frozen=True, slots=True)
class PossibleDraw:
    """Lot `lot` into batch `batch` (places in their lists): `start_per_draw` at the batch's start for one at the lot's end."""

    lot: int
    batch: int
    start_per_draw: float
    lane: str | None
    depart_s: float
    arrive_s: float
    cost: float


@dataclass(frozen=True, slots=True)
class Way:
    """A batch's way to a hospital: a lane's departure, a tour of the lab's fleet (arrival at the earliest), or none within the house."""

    batch: int
    hospital: str
    kind: str
    lane: str | None
    depart_s: float
    arrive_s: float
    cost: float
    max_transport_index: float


@dataclass(frozen=True, slots=True)
class Group:
    """Patients that are alike in all that a plan looks at."""

    patients: tuple[str, ...]
    hospital: str
    product: str
    prescribed_Bq: float
    earliest_s: float
    latest_s: float
    priority: float
    must: bool


@dataclass(frozen=True, slots=True)
class Slot:
    """Injection of one of group `group` from batch `batch` at `time_s`, which needs `release_Bq` of the batch at its release."""

    group: int
    batch: int
    time_s: float
    release_Bq: float


@dataclass(slots=True)
class Candidates:
    """Everything that could be part of a plan of `scenario`."""

    scenario: Scenario
    machines: dict[str, Machine] = field(default_factory=dict)
    lots: list[Lot] = field(default_factory=list)
    batches: list[PossibleBatch] = field(default_factory=list)
    draws: list[PossibleDraw] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    slots: list[Slot] = field(default_factory=list)


def candidates(
    scenario: Scenario, *, not_before_s: float = -math.inf, keep: Collection[str] = (), sent: Mapping[tuple[str, str], Delivery] | None = None, shut: Shut | None = None
) -> Candidates:
    """What could be part of a plan; nothing that would begin before `not_before_s`, but for the lots and batches in `keep`.

    What has been `sent`, by batch and hospital, goes the way it went; lanes do not leave while they are `shut`.
    """
    c = Candidates(scenario, {m.id: m for m in scenario.machines})
    c.groups = _groups(scenario)
    last_s = max((g.latest_s for g in c.groups), default=0.0)
    c.lots = [x for m in scenario.machines for x in m.lots if x.end_s <= last_s and (x.start_s >= not_before_s or x.id in keep)]
    for product in scenario.products.values():
        if any(g.product == product.name for g in c.groups):
            for lab in scenario.sites.values():
                if product.name in lab.products and lab.cells > 0:
                    _batches(c, product, lab, not_before_s, keep, shut or {})
    _ways_and_slots(c, not_before_s, sent or {}, shut or {})
    return _useful(c, keep)


def _groups(scenario: Scenario) -> list[Group]:
    alike: dict[tuple, list[Patient]] = {}
    for p in scenario.patients:
        alike.setdefault((p.hospital, p.product, p.prescribed_Bq, p.earliest_s, p.latest_s, p.priority, p.must), []).append(p)
    return [Group(tuple(p.id for p in members), *key) for key, members in alike.items()]


def within(hours: tuple[Interval, ...], time_s: float) -> bool:
    """Whether a time lies in opening hours; without any the house is always open."""
    return not hours or any(a <= time_s <= b for a, b in hours)


def _next_open(hours: tuple[Interval, ...], time_s: float) -> float:
    return time_s if within(hours, time_s) else min((a for a, _ in hours if a >= time_s), default=math.inf)


def arrivals(scenario: Scenario, origin: str, destination: str, ready_s: float, shut: Shut | None = None) -> list[tuple[float, float, str | None, float, float]]:
    """Ways from one site to another for what is ready at a time: (depart, arrive, lane, cost, largest TI), earliest arrival first."""
    if origin == destination:
        return [(ready_s, ready_s, None, 0.0, math.inf)]
    found: list[tuple[float, float, str | None, float, float]] = []
    for lane in scenario.lanes:
        if (lane.origin, lane.destination) != (origin, destination):
            continue
        closed = (shut or {}).get(lane.id, ())
        if lane.duration_s is not None and math.isfinite(leave := _reopens(closed, ready_s)):
            found.append((leave, leave + lane.duration_s, lane.id, lane.cost, lane.max_transport_index))
        later = sorted((d for d in lane.departures if d.cutoff_s >= ready_s and not (closed and within(tuple(closed), d.cutoff_s))), key=lambda d: d.arrive_s)[:_DEPARTURES]
        found += [(d.cutoff_s, d.arrive_s, lane.id, lane.cost, lane.max_transport_index) for d in later]
    return sorted(found, key=lambda x: (x[1], x[3]))


def _reopens(closed: Sequence[Interval], time_s: float) -> float:
    """The first time from `time_s` on that lies in none of the intervals."""
    for a, b in sorted(closed):
        if a <= time_s <= b:
            time_s = b + _SECOND
    return time_s


def _batches(c: Candidates, product: Product, lab: Site, not_before_s: float, keep: Collection[str], shut: Shut) -> None:
    """Batches of a product at a lab, and what can be drawn for each."""
    s, decay = c.scenario, product.decay_per_s
    full = {x.id for x in s.lanes if x.capacity is not None}
    ready: list[tuple[int, float, float, list]] = []
    for n, lot in enumerate(c.lots):
        m = c.machines[lot.machine]
        if lot.nuclide == product.nuclide:
            there = lot.end_s + m.cool_s
            ways = arrivals(s, lot.site, lab.id, there, shut)
            if there < not_before_s and lot.site != lab.id:  # what was not sent when it was ready can be sent now
                ways += arrivals(s, lot.site, lab.id, not_before_s, shut)
            ready += [(n, lot.end_s, m.recovery, ways)] if ways else []
    # Whole seconds, so that two batches of one id are one batch.
    starts = list(lab.start_times_s) or sorted({x if math.isinf(x) else float(math.ceil(x - 1e-6)) for *_, ways in ready for w in ways for x in (_next_open(lab.hours, w[1]),)})
    for start in starts:
        end = start + product.synthesis_s
        release = end + product.qc_s
        b = PossibleBatch(lab.id, product.name, start, end, release, end + product.shelf_life_s, product.release_per_start / (1 + product.margin))
        if not (math.isfinite(start) and within(lab.hours, start) and within(lab.hours, release)) or (start < not_before_s and b.id not in keep):
            continue
        feeds = []
        for n, end_s, recovery, ways in ready:
            fresh = [w for w in ways if start - product.max_wait_s - _SECOND < w[1] <= start + 1e-6]
            for left in ([w for w in fresh if w[0] < not_before_s], [w for w in fresh if w[0] >= not_before_s]):
                for depart, arrive, lane, cost, _ in [min(left, key=lambda w: (w[3], w[1]))] if left and not full & {w[2] for w in left} else left:
                    feeds.append(PossibleDraw(n, len(c.batches), recovery * math.exp(-decay * (start - end_s)), lane, depart, arrive, cost))
        if feeds:
            c.batches.append(b)
            c.draws += feeds


def _ways_and_slots(c: Candidates, not_before_s: float, sent: Mapping[tuple[str, str], Delivery], shut: Shut) -> None:
    s = c.scenario
    by_place: dict[tuple[str, str], list[int]] = {}
    for n, g in enumerate(c.groups):
        by_place.setdefault((g.hospital, g.product), []).append(n)
    times = {n: _times(s, g) for n, g in enumerate(c.groups)}
    for n, b in enumerate(c.batches):
        product = s.products[b.product]
        for (hospital, name), members in by_place.items():
            if name != b.product:
                continue
            latest = min(max(c.groups[g].latest_s for g in members), b.expiry_s)
            went = sent.get((b.id, hospital))
            ways = [_gone(s, n, b, went)] if went is not None else _ways(s, n, b, hospital, max(b.release_s, not_before_s), shut)
            ways = [w for w in ways if w.arrive_s + product.handling_s <= latest]
            first = min((w.arrive_s for w in ways), default=math.inf) + product.handling_s
            new = [
                Slot(g, n, t, needed_release_Bq(product, c.groups[g].prescribed_Bq, t - b.release_s))
                for g in members for t in times[g] if first - 1e-6 <= t <= b.expiry_s + 1e-6
            ]  # fmt: skip
            if new:
                c.ways += ways
                c.slots += new


def _times(s: Scenario, g: Group) -> list[float]:
    """Injection times that are planned with: the window's ends and a grid between them, within the hospital's hours, and when it opens."""
    hours = s.sites[g.hospital].hours
    opens = [a for a, _ in hours if g.earliest_s < a < g.latest_s]
    grid = np.unique(np.concatenate([np.arange(g.earliest_s, g.latest_s, s.slot_s), [g.latest_s], opens]))
    return [float(t) for t in grid if within(hours, t)]


def latest(c: Candidates) -> list[Slot]:
    """Injection times less those that a later one replaces: where a patient takes no chair and nothing has decayed in between."""
    kept: dict[tuple[int, int], list[Slot]] = {}
    for x in sorted(c.slots, key=lambda x: -x.time_s):
        later = kept.setdefault((x.group, x.batch), [])
        free = c.scenario.products[c.groups[x.group].product].occupancy_s == 0
        if not (free and any(y.release_Bq <= x.release_Bq * (1 + _SAME) for y in later)):
            later.append(x)
    chosen = {id(x) for own in kept.values() for x in own}
    return [x for x in c.slots if id(x) in chosen]


def needed_release_Bq(product: Product, prescribed_Bq: float, elapsed_s: float) -> float:
    """Activity at release so that the prescribed activity is injected `elapsed_s` later, after what stays in vial and syringe.

    A = A_injected / (1 - residue) * exp(lambda t): it depends on the injection time, not on the route.

    >>> p = Product("x", "Lu-177", 0.98, 3600.0, 3600.0, 432000.0)
    >>> round(needed_release_Bq(p, 7.4e9, 120 * 3600.0) / 1e9, 2)  # Pluvicto 120 h after calibration, 12.46 GBq (its label)
    12.46
    """
    return prescribed_Bq / (1 - product.vial_residue_fraction) * math.exp(product.decay_per_s * elapsed_s)


def _gone(s: Scenario, n: int, b: PossibleBatch, x: Delivery) -> Way:
    """The way that a delivery has gone."""
    kind = "tour" if x.tour is not None else "in-house" if x.hospital == b.lab else "lane"
    return Way(n, x.hospital, kind, x.lane, x.depart_s, x.arrive_s, next((y.cost for y in s.lanes if y.id == x.lane), 0.0), math.inf)


def _ways(s: Scenario, n: int, b: PossibleBatch, hospital: str, ready_s: float, shut: Shut) -> list[Way]:
    if b.lab == hospital:
        return [Way(n, hospital, "in-house", None, b.release_s, b.release_s, 0.0, math.inf)]
    found = [Way(n, hospital, "lane", lane, depart, arrive, cost, most) for depart, arrive, lane, cost, most in arrivals(s, b.lab, hospital, ready_s, shut)]
    fleet = s.sites[b.lab].fleet
    if fleet is not None and fleet.vehicles > 0:
        way_s = fleet.load_s + road_s(s, b.lab, hospital)
        begins = [max(a, ready_s) for a, z in fleet.hours if max(a, ready_s) + way_s <= z] if fleet.hours else [ready_s]
        if begins:  # loading and the way fit into one shift
            found.append(Way(n, hospital, "tour", None, min(begins) + fleet.load_s, min(begins) + way_s, 0.0, fleet.max_transport_index))
    # A way that arrives no earlier and costs no less than another is not worth a choice, unless the other may be full;
    # a tour's cost is known only later.
    full = {x.id for x in s.lanes if x.capacity is not None}
    lanes = sorted((w for w in found if w.kind != "tour"), key=lambda w: (w.arrive_s, w.cost))
    kept: list[Way] = []
    for w in lanes:
        if not any(k.cost <= w.cost and k.max_transport_index >= w.max_transport_index and k.lane not in full for k in kept):
            kept.append(w)
    return kept + [w for w in found if w.kind == "tour"]


def road_km(s: Scenario, origin: str, destination: str) -> float:
    """Road between two sites by the scenario's model: great circle times detour."""
    a, b = s.sites[origin], s.sites[destination]
    return 0.0 if origin == destination else float(geography.road_km(great_circle_km(a.latitude, a.longitude, b.latitude, b.longitude), detour=s.road_detour))


def road_s(s: Scenario, origin: str, destination: str) -> float:
    """Travel time of an own vehicle between two sites: what the scenario states, else its model. Whole seconds, rounded up."""
    if origin == destination:
        return 0.0
    stated = s.road_times_s.get((origin, destination))
    return float(math.ceil(stated if stated is not None else s.road_fixed_s + 3600.0 * road_km(s, origin, destination) / s.road_speed_km_h))


def _useful(c: Candidates, keep: Collection[str]) -> Candidates:
    """Without the batches that reach nobody and the lots that feed none, but for those in `keep`."""
    reach = {x.batch for x in c.slots} | {n for n, b in enumerate(c.batches) if b.id in keep}
    keep_b = [n for n in range(len(c.batches)) if n in reach]
    new_b = {old: new for new, old in enumerate(keep_b)}
    draws = [d for d in c.draws if d.batch in new_b]
    keep_l = sorted({d.lot for d in draws} | {n for n, x in enumerate(c.lots) if x.id in keep})
    new_l = {old: new for new, old in enumerate(keep_l)}
    out = Candidates(c.scenario, c.machines, [c.lots[n] for n in keep_l], [c.batches[n] for n in keep_b])
    out.draws = [PossibleDraw(new_l[d.lot], new_b[d.batch], d.start_per_draw, d.lane, d.depart_s, d.arrive_s, d.cost) for d in draws]
    out.ways = [Way(new_b[w.batch], w.hospital, w.kind, w.lane, w.depart_s, w.arrive_s, w.cost, w.max_transport_index) for w in c.ways if w.batch in new_b]
    out.groups = c.groups
    out.slots = [Slot(x.group, new_b[x.batch], x.time_s, x.release_Bq) for x in c.slots]
    return out
