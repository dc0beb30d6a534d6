"""Why a patient is not served, by how much it was missed, and which resource binds."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .candidates import PossibleBatch, arrivals, candidates, within
from .master import FAMILIES, master
from .model import Patient, Scenario, SupplyPlan
from .program import solve_program
from .settle import chosen


@dataclass(frozen=True, slots=True)
class Unserved:
    """A patient without a dose; `nearest_miss_s` is by how much the nearest way misses the window, where none reaches it."""

    patient: str
    hospital: str
    reason: str
    nearest_miss_s: float | None


@dataclass(frozen=True, slots=True)
class Binding:
    """A family of resources: the weight that could be served besides if it were without limit, and who."""

    resource: str
    gained_weight: float
    patients: tuple[str, ...]


def binding(scenario: Scenario, plan: SupplyPlan, *, time_limit_s: float = 20.0, seed: int = 1) -> list[Binding]:
    """What each family of resources holds back, each lifted by itself, the largest first; empty where all are served.

    The gain is that of the programme without tours that turn out too long, so it is what lifting could give at most.
    When no family alone gives anything although several together would, the list ends with ``several together``.
    """
    demanded = sum(p.priority for p in scenario.patients)
    if plan.served_weight >= demanded - 1e-9:
        return []
    c = candidates(scenario)
    served = {d.patient for d in plan.doses}
    found = []
    for names in [*((f,) for f in FAMILIES), FAMILIES]:
        m = master(c, lifted=frozenset(names), more=1e3)
        solved = solve_program(m.program, m.serve, time_limit_s=time_limit_s / (len(FAMILIES) + 1), seed=seed)
        if solved.values is not None:
            more = tuple(sorted({x.patient for x in chosen(m, solved.values)} - served))
            found.append(Binding("several together" if len(names) > 1 else names[0], max(0.0, -solved.objective - plan.served_bound), more))
    if plan.served_bound > plan.served_weight + 1e-9:
        found.insert(0, Binding("tours of vehicles", plan.served_bound - plan.served_weight, ()))
    alone = sorted((b for b in found[:-1] if b.gained_weight > 1e-9), key=lambda b: -b.gained_weight)
    together = found[-1] if found else None
    most = alone[0].gained_weight if alone else 0.0
    return [*alone, *([together] if together is not None and together.gained_weight > most + 1e-9 else [])]


def unserved(scenario: Scenario, plan: SupplyPlan, bound: list[Binding] | None = None) -> list[Unserved]:
    """Every patient without a dose, with the reason: what no way reaches, with the nearest miss, or what the patient competes for."""
    served = {d.patient for d in plan.doses}
    left = [p for p in scenario.patients if p.id not in served]
    if not left:
        return []
    c = candidates(scenario)
    reachable = {p for x in c.slots for p in c.groups[x.group].patients}
    out = []
    for p in left:
        if p.id in reachable:
            families = [b.resource for b in bound or [] if p.id in b.patients and b.resource != "several together"]
            held = f"with more of {' or '.join(families)} this patient could be" if families else "more than one resource, or the tours of vehicles, hold it back"
            out.append(Unserved(p.id, p.hospital, f"competes with others of the same or greater priority: {held}", None))
        else:
            out.append(_miss(scenario, p))
    return out


def _miss(s: Scenario, p: Patient) -> Unserved:
    """The nearest way to a patient whom none reaches."""
    product = s.products[p.product]
    site = s.sites[p.hospital]
    labs = [x for x in s.sites.values() if p.product in x.products and x.cells > 0]
    if not labs:
        return Unserved(p.id, p.hospital, f"no lab with a cell makes {p.product}", None)
    if not any(within(site.hours, t) for t in (p.earliest_s, p.latest_s)) and not any(p.earliest_s <= a <= p.latest_s for a, _ in site.hours):
        away = min((min(abs(p.earliest_s - b), abs(a - p.latest_s)) for a, b in site.hours), default=None)
        return Unserved(p.id, p.hospital, f"the window lies outside the hours of {p.hospital}", away)
    # The same search with the window open to the end, so that what comes too late is seen.
    later = replace(s, patients=(replace(p, earliest_s=p.earliest_s, latest_s=max(s.end_s, p.latest_s)),), slot_s=max(s.slot_s, (max(s.end_s, p.latest_s) - p.earliest_s) / 400))
    c = candidates(later)
    best: tuple[float, str] | None = None
    for w in c.ways:
        b = c.batches[w.batch]
        by = {"tour": f"a tour from {b.lab}", "in-house": "the house's own lab"}.get(w.kind, f"lane {w.lane}")
        late = w.arrive_s + product.handling_s - p.latest_s
        old = p.earliest_s - b.expiry_s
        miss, why = max((late, f"the nearest batch, {b.id} by {by}, can be injected {_minutes(late)} after the window closes"), (old, f"batch {b.id} expires {_minutes(old)} before the window opens"))
        if miss > 0 and (best is None or miss < best[0]):
            best = (miss, why)
    if best is None:
        best = _expired(s, p)
    if best is not None:
        return Unserved(p.id, p.hospital, best[1], best[0])
    if not any(arrivals(s, x.id, p.hospital, 0.0) or x.fleet is not None for x in labs):
        return Unserved(p.id, p.hospital, f"no lane and no fleet leads from a lab that makes {p.product} to {p.hospital}", None)
    return Unserved(p.id, p.hospital, f"no lot of {product.nuclide} reaches a lab in time for a batch of {p.product}", None)


def _expired(s: Scenario, p: Patient) -> tuple[float, str] | None:
    """The batch that expires latest, when all expire before they can be injected."""
    product = s.products[p.product]
    long = replace(s, products={**s.products, product.name: replace(product, shelf_life_s=s.end_s + p.latest_s)}, patients=(p,))
    c = candidates(long)
    found: list[tuple[float, PossibleBatch]] = []
    for x in c.slots:
        b = c.batches[x.batch]
        found.append((x.time_s - (b.synthesis_end_s + product.shelf_life_s), b))
    if not found:
        return None
    miss, b = min(found, key=lambda x: x[0])
    if not (math.isfinite(miss) and miss > 0):
        return None
    return miss, f"batch {b.id} would be injected {_minutes(miss)} after it expires"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
