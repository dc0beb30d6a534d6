"""Every becquerel of a plan, from the end of bombardment to injection, decay, residue or waste."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from ...nuclides import nuclide
from .model import Batch, Product, Scenario, SupplyPlan

#: Where activity ends; together they are what was made.
ENDS = ("injected", "decayed", "residues", "waste")


@dataclass(frozen=True, slots=True)
class Entry:
    """One line: what happened to an activity at a time and place.

    Attributes
    ----------
    time_s : float
        Of the event; of what decayed, the end of the stretch in which it did.
    place, nuclide, item : str
        Site; nuclide; the lot, batch or patient.
    category : str
        ``made`` or one of `ENDS`.
    event : str
    activity_Bq : float
        At that time; of what decayed, the activity that was lost.
    """

    time_s: float
    place: str
    nuclide: str
    item: str
    category: str
    event: str
    activity_Bq: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """All entries in order of time, and the sums by nuclide and category."""

    entries: tuple[Entry, ...]
    totals_Bq: Mapping[str, Mapping[str, float]]

    def closure(self) -> float:
        """Largest relative difference between what was made and what it came to; zero but for rounding."""
        worst = 0.0
        for t in self.totals_Bq.values():
            worst = max(worst, abs(t["made"] - sum(t[k] for k in ENDS)) / t["made"] if t["made"] > 0 else 0.0)
        return worst

    @property
    def wasted_Bq(self) -> float:
        return sum(t["waste"] for t in self.totals_Bq.values())


def ledger(s: Scenario, p: SupplyPlan) -> Ledger:
    """The ledger of a plan.

    Activities are in becquerel at the time of each event, so that what was made at the end of bombardment is the sum of
    what was injected, lost as residue, wasted, and what decayed on each stretch between, A (1 - exp(-lambda t)), each
    computed by itself.
    """
    out: list[Entry] = []
    machines = {m.id: m for m in s.machines}
    for name, (lot, made) in p.lots.items():
        out.append(Entry(lot.end_s, lot.site, lot.nuclide, name, "made", "end of bombardment", made))
        drawn = math.fsum(d.activity_Bq for b in p.batches for d in b.draws if d.lot == name)
        if made - drawn > 1e-12 * made:
            out.append(Entry(lot.end_s, lot.site, lot.nuclide, name, "waste", "not used by any batch", made - drawn))
        m, rate = machines[lot.machine], nuclide(lot.nuclide).decay_constant_per_s
        for b in p.batches:
            for d in b.draws:
                if d.lot == name:
                    ready = lot.end_s + m.cool_s
                    left = d.activity_Bq * math.exp(-rate * m.cool_s)
                    out.append(_decayed(d.activity_Bq, rate, m.cool_s, ready, lot.site, lot.nuclide, name, "cooling"))
                    out.append(Entry(ready, lot.site, lot.nuclide, name, "residues", "not recovered", left * (1 - m.recovery)))
                    out.append(_decayed(left * m.recovery, rate, b.start_s - ready, b.start_s, b.lab, lot.nuclide, b.id, "on the way to the synthesis"))
    for b in p.batches:
        out += _batch(s, p, b)
    totals: dict[str, dict[str, float]] = {}
    for name in sorted({e.nuclide for e in out}):
        totals[name] = {k: math.fsum(e.activity_Bq for e in out if e.nuclide == name and e.category == k) for k in ("made", *ENDS)}
    return Ledger(tuple(sorted(out, key=lambda e: (e.time_s, e.item, e.event))), totals)


def _batch(s: Scenario, p: SupplyPlan, b: Batch) -> list[Entry]:
    product: Product = s.products[b.product]
    name, rate = product.nuclide, product.decay_per_s
    end = b.start_Bq * math.exp(-rate * product.synthesis_s)
    made = end * product.yield_fraction
    out = [
        _decayed(b.start_Bq, rate, product.synthesis_s, b.synthesis_end_s, b.lab, name, b.id, "during the synthesis"),
        Entry(b.synthesis_end_s, b.lab, name, b.id, "residues", "not bound in the synthesis", end * (1 - product.yield_fraction)),
        Entry(b.synthesis_end_s, b.lab, name, b.id, "residues", "left in the equipment", made * product.residue_fraction),
        Entry(b.synthesis_end_s, b.lab, name, b.id, "residues", "samples of quality control", made * product.qc_fraction),
    ]
    kept = made * (1 - product.residue_fraction - product.qc_fraction)
    out.append(_decayed(kept, rate, b.release_s - b.synthesis_end_s, b.release_s, b.lab, name, b.id, "until release"))
    at_release = kept * math.exp(-rate * (b.release_s - b.synthesis_end_s))
    doses = [d for d in p.doses if d.batch == b.id]
    out.append(Entry(b.release_s, b.lab, name, b.id, "waste", "released and not dispensed", at_release - math.fsum(d.release_Bq for d in doses)))
    hospital = {x.id: x.hospital for x in s.patients}
    for d in doses:
        place = hospital[d.patient]
        left = d.release_Bq * math.exp(-rate * (d.injection_s - b.release_s))
        out += [
            _decayed(d.release_Bq, rate, d.injection_s - b.release_s, d.injection_s, place, name, d.patient, "from release to injection"),
            Entry(d.injection_s, place, name, d.patient, "residues", "left in vial and syringe", left * product.vial_residue_fraction),
            Entry(d.injection_s, place, name, d.patient, "injected", "injection", left * (1 - product.vial_residue_fraction)),
        ]
    return out


def _decayed(activity_Bq: float, rate: float, elapsed_s: float, time_s: float, place: str, name: str, item: str, event: str) -> Entry:
    return Entry(time_s, place, name, item, "decayed", event, -activity_Bq * math.expm1(-rate * elapsed_s))
