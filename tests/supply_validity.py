"""Whether a plan could be carried out: every rule looked at by itself, from the scenario's own words."""

from __future__ import annotations

import math

from lutetia.nuclides import nuclide
from lutetia.supply.network.model import Scenario, SupplyPlan

_NEAR = 1e-6


def faults(s: Scenario, p: SupplyPlan) -> list[str]:
    """What is wrong with a plan; empty when nothing is."""
    out: list[str] = []
    patients = {x.id: x for x in s.patients}
    batches = {x.id: x for x in p.batches}
    deliveries = {x.id: x for x in p.deliveries}
    tours = {x.id: x for x in p.tours}
    if len({d.patient for d in p.doses}) < len(p.doses):
        out.append("a patient has two doses")
    for d in p.doses:
        who, b, way = patients[d.patient], batches[d.batch], deliveries[d.delivery]
        product = s.products[who.product]
        rate = nuclide(product.nuclide).decay_constant_per_s
        left = d.release_Bq * math.exp(-rate * (d.injection_s - b.release_s)) * (1 - product.vial_residue_fraction)
        if not who.earliest_s - _NEAR <= d.injection_s <= who.latest_s + _NEAR:
            out.append(f"{d.patient} outside the window")
        if left < who.prescribed_Bq * (1 - 1e-9):
            out.append(f"{d.patient} gets less than prescribed")
        if d.injection_s > b.expiry_s + _NEAR or way.arrive_s + product.handling_s > d.injection_s + _NEAR:
            out.append(f"{d.patient} injected after expiry or before arrival")
        if way.hospital != who.hospital or way.batch != d.batch or b.product != who.product:
            out.append(f"{d.patient} gets what was meant for another place")
    for b in p.batches:
        product, lab = s.products[b.product], s.sites[b.lab]
        rate = nuclide(product.nuclide).decay_constant_per_s
        made = b.start_Bq * product.yield_fraction * math.exp(-rate * (b.release_s - b.start_s)) * (1 - product.residue_fraction - product.qc_fraction) / (1 + product.margin)
        if sum(d.release_Bq for d in p.doses if d.batch == b.id) > made * (1 + _NEAR):
            out.append(f"{b.id} gives more than it has")
        if b.start_Bq > product.max_start_Bq * (1 + _NEAR) or b.start_Bq < product.min_start_Bq * (1 - _NEAR):
            out.append(f"{b.id} starts with too much or too little")
        start = 0.0
        for draw in b.draws:
            lot = p.lots[draw.lot][0]
            machine = next(m for m in s.machines if m.id == lot.machine)
            ready = lot.end_s + machine.cool_s
            if lot.site != b.lab and not _travels(s, lot.site, b.lab, draw.lane, ready, draw.depart_s, draw.arrive_s):
                out.append(f"{draw.lot} cannot reach {b.lab}")
            there = ready if lot.site == b.lab else draw.arrive_s
            if there is None or not b.start_s - product.max_wait_s - 1 <= there <= b.start_s + 1:
                out.append(f"{draw.lot} is not there when {b.id} starts")
            start += draw.activity_Bq * machine.recovery * math.exp(-rate * (b.start_s - lot.end_s))
        if abs(start - b.start_Bq) > _NEAR * b.start_Bq:
            out.append(f"{b.id} starts with other than what is drawn")
        busy = [x for x in p.batches if x.lab == b.lab and x.start_s <= b.start_s < x.synthesis_end_s + s.products[x.product].cleaning_s]
        if len(busy) > lab.cells:
            out.append(f"{b.lab} has too few cells for {b.id}")
    for name, (lot, activity) in p.lots.items():
        if activity > lot.activity_Bq * (1 + _NEAR) or sum(d.activity_Bq for b in p.batches for d in b.draws if d.lot == name) > activity * (1 + _NEAR):
            out.append(f"{name} makes or gives too much")
        of = {m.id: m for m in s.machines}
        beam = [x for x, _ in p.lots.values() if of[x.machine].shared == of[lot.machine].shared]
        if sum(x.start_s <= lot.start_s < x.end_s + of[x.machine].changeover_s for x in beam) > of[lot.machine].parallel and lot.end_s > lot.start_s:
            out.append(f"{lot.machine} runs two lots at once")
    for x in p.deliveries:
        b = batches[x.batch]
        if x.tour is not None:
            if dict(tours[x.tour].stops)[x.id] != x.arrive_s or tours[x.tour].depart_s < b.release_s - _NEAR:
                out.append(f"{x.id} is not on its tour")
        elif x.lane is not None and not _travels(s, b.lab, x.hospital, x.lane, b.release_s, x.depart_s, x.arrive_s):
            out.append(f"{x.id} cannot travel so")
        elif x.lane is None and x.hospital != b.lab:
            out.append(f"{x.id} has no way")
    for h, site in s.sites.items():
        spans = [(d.injection_s, d.injection_s + s.products[patients[d.patient].product].occupancy_s) for d in p.doses if patients[d.patient].hospital == h]
        if any(sum(a <= t < b for a, b in spans) > site.chairs for t, _ in spans):
            out.append(f"{h} has too few chairs")
    for lane in s.lanes:
        if lane.capacity is not None:
            times = [x.depart_s for x in p.deliveries if x.lane == lane.id]
            out += [f"{lane.id} carries too much" for t in set(times) if times.count(t) > lane.capacity]
    return out + _tour_faults(s, p)


def _travels(s: Scenario, origin: str, destination: str, lane: str | None, ready_s: float, depart_s: float | None, arrive_s: float | None) -> bool:
    found = next((x for x in s.lanes if x.id == lane), None)
    if found is None or depart_s is None or arrive_s is None or (found.origin, found.destination) != (origin, destination) or depart_s < ready_s - 1:
        return False
    if any(abs(x.cutoff_s - depart_s) < 1 and abs(x.arrive_s - arrive_s) < 1 for x in found.departures):
        return True
    return found.duration_s is not None and abs(arrive_s - depart_s - found.duration_s) < 1


def _tour_faults(s: Scenario, p: SupplyPlan) -> list[str]:
    out = []
    for t in p.tours:
        fleet = s.sites[t.depot].fleet
        assert fleet is not None
        if t.transport_index > fleet.max_transport_index * (1 + _NEAR):
            out.append(f"{t.id} carries too much")
        if list(t.stops) != sorted(t.stops, key=lambda x: x[1]) or t.return_s < max(a for _, a in t.stops):
            out.append(f"{t.id} goes back in time")
        others = [x for x in p.tours if x.depot == t.depot and x.vehicle == t.vehicle and x.id != t.id]
        if any(x.depart_s - fleet.load_s < t.return_s - 1 and t.depart_s - fleet.load_s < x.return_s - 1 for x in others):
            out.append(f"{t.id} and another drive one vehicle")
        if t.vehicle >= fleet.vehicles:
            out.append(f"{t.id} has no vehicle")
    return out
