"""Small scenarios as one whole: lots, batches, injection times and tours together, solved with proof (CP-SAT)."""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import Any

from ...core import BadInput, CouldNot
from ..highs import need
from .candidates import Candidates, Slot, latest, road_km
from .makespan import last_back, least_makespan, plan_by_trips, shift
from .master import DAY_S
from .model import Fleet, SupplyPlan, Tour
from .settle import Chosen, assemble
from .tours import Stop, drive, leg_s

_MOST_PATIENTS = 12
_MOST_SLOTS = 4000
_SAME = 1e-9  # what fits exactly must not be lost to rounding
_ONE = 1_000_000  # activities and shares in whole millionths; needs are rounded up, what is there down


def small_enough(c: Candidates) -> bool:
    """Whether a scenario is solved as a whole: tours of one day, few patients, no licences."""
    patients = sum(len(g.patients) for g in c.groups)
    return not any(s.possession_Bq for s in c.scenario.sites.values()) and any(w.kind == "tour" for w in c.ways) and patients <= _MOST_PATIENTS and len(c.slots) <= _MOST_SLOTS and _one_day(c)


def _one_day(c: Candidates) -> bool:
    times = [s.time_s for s in c.slots] + [c.batches[w.batch].release_s for w in c.ways if w.kind == "tour"]
    fleets = [s.fleet for s in c.scenario.sites.values() if s.fleet is not None]
    return len({math.floor(t / DAY_S) for t in times}) <= 1 and all(len(f.hours) <= 1 for f in fleets)


@dataclass(slots=True)
class _Whole:
    """The model's variables."""

    model: Any
    lot: list[Any] = field(default_factory=list)
    amount: list[Any] = field(default_factory=list)
    batch: list[Any] = field(default_factory=list)
    draw: list[Any] = field(default_factory=list)
    way: list[Any] = field(default_factory=list)
    slot: dict[tuple[str, int], Any] = field(default_factory=dict)
    shipment: dict[tuple, Any] = field(default_factory=dict)
    by_tour: dict[tuple[str, int], Any] = field(default_factory=dict)
    arrive: dict[tuple[str, str], Any] = field(default_factory=dict)
    arcs: dict[str, list[tuple[str, str, bool, Any]]] = field(default_factory=dict)
    money: list[Any] = field(default_factory=list)
    returns: list[Any] = field(default_factory=list)


def exact_plan(c: Candidates, *, time_limit_s: float, seed: int = 1) -> SupplyPlan:
    """The best plan of a small scenario, with proof where the time is enough.

    Raises
    ------
    BadInput
        The scenario is too large for it, or patients who must be served cannot be.
    CouldNot
        OR-Tools is not installed, or no plan was found in time.
    """
    need("ortools")
    from ortools.sat.python import cp_model

    patients = sum(len(g.patients) for g in c.groups)
    if patients > _MOST_PATIENTS or not _one_day(c):
        raise BadInput(
            f"This scenario has {patients} patients{'' if _one_day(c) else ' and tours on more than one day'}; solved as a whole (as the makespan asks for) it may have {_MOST_PATIENTS} on one day. "
            "Make it smaller, or use the objective 'patients'."
        )
    for site in c.scenario.sites.values():
        if site.possession_Bq:
            raise BadInput(f"site {site.id}: a small scenario with tours is solved without possession limits; leave them out or add a lane in place of the fleet.")
    c = replace(c, slots=latest(c))
    w = _Whole(cp_model.CpModel())
    _supply(c, w)
    _injections(c, w)
    for lab in sorted({c.batches[x.batch].lab for x in c.ways if x.kind == "tour"}):
        _circuits(c, w, lab)
    members = {p: g for g in c.groups for p in g.patients}
    scale = 1 if all(float(g.priority).is_integer() for g in c.groups) else _ONE
    served = sum(round(scale * members[p].priority) * x for (p, _), x in w.slot.items())
    most = sum(g.priority * len(g.patients) for g in c.groups)
    rounded = sum(abs(round(scale * g.priority) / scale - g.priority) * len(g.patients) for g in c.groups)
    least = least_makespan(c) if c.scenario.objective == "makespan" else None
    if least is not None:
        _hint(w, plan_by_trips(w.model, least, w.arcs[least.lab], w.returns, _all(w), _solver(cp_model, 0.2 * time_limit_s, seed)))
    w.model.maximize(served)
    solver = _solver(cp_model, (0.5 if least is None else 0.3) * time_limit_s, seed)
    status = solver.solve(w.model)
    if status == cp_model.INFEASIBLE:
        from .solve import raise_conflict

        raise_conflict(c)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise CouldNot(f"No plan was found within {time_limit_s:g} s; give more time.")
    bound = solver.best_objective_bound / scale + rounded
    everybody = sum(solver.value(x) for x in w.slot.values()) == patients
    w.model.clear_objective()
    w.model.add(served >= round(solver.objective_value))
    _hint(w, [solver.value(v) for v in _all(w)])
    if c.scenario.objective == "makespan":
        last = last_back(w.model, w.returns)
        if least is not None and everybody:
            w.model.add(sum(w.slot.values()) == patients)
            w.model.add(last >= least.back_s)
        w.model.minimize(last)
    else:
        # No least activity here: the search would end in small steps of it. What is drawn beyond need is cut when the plan is read.
        w.model.minimize(sum(w.money))
    solver = _solver(cp_model, (0.3 if least is not None else 0.5) * time_limit_s, seed)
    status = solver.solve(w.model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        raise CouldNot(f"No plan was found within {time_limit_s:g} s; give more time.")
    goal = solver.best_objective_bound
    settled = _read(c, w, solver)
    cost_bound = settled.cost if status == cp_model.OPTIMAL else max(0.0, min(goal, settled.cost))
    if c.scenario.objective == "makespan":
        # Money decides between plans of one makespan, as far as the time goes.
        w.model.add(last <= solver.value(last))
        _hint(w, [solver.value(v) for v in _all(w)])
        w.model.minimize(sum(w.money))
        solver = _solver(cp_model, 0.2 * time_limit_s, seed)
        if solver.solve(w.model) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            settled = _read(c, w, solver)
        cost = max((t.return_s for t in settled.tours), default=0.0)
        cost_bound, costs, method = min(goal, cost), {"makespan_s": cost}, "exact (CP-SAT), makespan in s as cost"
    else:
        cost, costs, method = settled.cost, settled.costs, "exact (CP-SAT)"
    weight = settled.served_weight
    return SupplyPlan(settled.lots, settled.batches, settled.deliveries, settled.tours, settled.doses, weight, max(weight, min(bound, most)), cost, cost_bound, costs, method)


def _solver(cp_model: Any, limit_s: float, seed: int) -> Any:
    solver = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = max(limit_s, 1.0)
    solver.parameters.random_seed = seed % 2**31
    # Presolve of OR-Tools 9.15 cuts off feasible plans of some of these models, also with single passes of it turned off. Workers
    # that search neighbourhoods presolve those on their own, and now and then end the search with a bound that is wrong. One
    # worker does without them, and gives the same plan each time.
    solver.parameters.num_workers = 1
    solver.parameters.cp_model_presolve = False
    return solver


def _hint(w: _Whole, values: list[int]) -> None:
    w.model.clear_hints()
    for x, value in zip(_all(w), values, strict=False):
        w.model.add_hint(x, value)


def _all(w: _Whole) -> list[Any]:
    arcs = [x for own in w.arcs.values() for *_, x in own]
    return [*w.lot, *w.amount, *w.batch, *w.draw, *w.way, *w.slot.values(), *w.shipment.values(), *w.by_tour.values(), *w.arrive.values(), *arcs]


def _up(x: float) -> int:
    return math.ceil(x * (1 - _SAME))


def _down(x: float) -> int:
    return math.floor(x * (1 + _SAME))


def _room(c: Candidates, slot: int) -> int:
    """Transport index of the vial for an injection."""
    x = c.slots[slot]
    return _up(_ONE * x.release_Bq * c.scenario.products[c.batches[x.batch].product].transport_index_per_Bq)


def _supply(c: Candidates, w: _Whole) -> None:
    """Lots, draws and batches, in millionths of a nuclide's largest lot."""
    m, s = w.model, c.scenario
    unit: dict[str, float] = {}
    for lot in c.lots:
        unit[lot.nuclide] = max(unit.get(lot.nuclide, 0.0), lot.activity_Bq)
    for n, lot in enumerate(c.lots):
        w.lot.append(m.new_bool_var(f"lot{n}"))
        most = _down(_ONE * lot.activity_Bq / unit[lot.nuclide])
        w.amount.append(m.new_int_var(0, most, f"amount{n}"))
        m.add(w.amount[n] <= most * w.lot[n]) if lot.adjustable else m.add(w.amount[n] == most * w.lot[n])
        w.money += [lot.fixed_cost * w.lot[n], lot.cost_per_Bq * unit[lot.nuclide] / _ONE * w.amount[n]]
    for shared in {x.shared for x in c.machines.values()}:
        own = {x.id: x for x in c.machines.values() if x.shared == shared}
        spans = [(lot.start_s, lot.end_s + own[lot.machine].changeover_s, w.lot[n]) for n, lot in enumerate(c.lots) if lot.machine in own]
        _at_one_time(m, spans, min(x.parallel for x in own.values()))
    w.batch = [m.new_bool_var(f"batch{n}") for n in range(len(c.batches))]
    into, out_of = defaultdict(list), defaultdict(list)
    for n, d in enumerate(c.draws):
        lot = c.lots[d.lot]
        most = _down(_ONE * lot.activity_Bq / unit[lot.nuclide])
        w.draw.append(m.new_int_var(0, most, f"draw{n}"))
        into[d.batch].append((w.draw[n], d.start_per_draw))
        out_of[d.lot].append(w.draw[n])
        if d.lane is not None:
            key = (d.lot, c.batches[d.batch].lab, d.lane, d.depart_s)
            if key not in w.shipment:
                w.shipment[key] = m.new_bool_var(f"ship{len(w.shipment)}")
                w.money.append(d.cost * w.shipment[key])
            m.add(w.draw[n] <= most * w.shipment[key])
    for n, drawn in out_of.items():
        m.add(sum(drawn) <= w.amount[n])
    needs = defaultdict(list)
    for g in c.groups:
        for p in g.patients:
            for n, x in enumerate(c.slots):
                if c.groups[x.group] is g:
                    w.slot[p, n] = m.new_bool_var(f"x{p}{n}")
                    needs[x.batch].append((w.slot[p, n], x.release_Bq))
    for n, b in enumerate(c.batches):
        product = s.products[b.product]
        per = unit[product.nuclide]
        start = sum(_down(_ONE * f) * d for d, f in into[n])
        if math.isfinite(product.max_start_Bq):
            m.add(start <= math.floor(_ONE * _ONE * product.max_start_Bq / per) * w.batch[n])
        if product.min_start_Bq > 0:
            m.add(start >= math.ceil(_ONE * _ONE * product.min_start_Bq / per) * w.batch[n])
        for x, _ in needs[n]:
            m.add_implication(x, w.batch[n])
        m.add(sum(_up(_ONE * a / per * 1e3 / b.release_per_start) * x for x, a in needs[n]) * (_ONE // 1000) <= start)
        w.money.append(product.batch_cost * w.batch[n])
    for site in s.sites.values():
        here = [n for n, b in enumerate(c.batches) if b.lab == site.id]
        if here:
            _at_one_time(m, [(c.batches[n].start_s, c.batches[n].synthesis_end_s + s.products[c.batches[n].product].cleaning_s, w.batch[n]) for n in here], site.cells)
            if site.operators > 0:
                _at_one_time(m, [(c.batches[n].start_s, c.batches[n].release_s, w.batch[n]) for n in here], site.operators)


def _at_one_time(m: Any, spans: list[tuple[float, float, Any]], most: int) -> None:
    for t in sorted({a for a, _, _ in spans}):
        m.add(sum(x for a, b, x in spans if a <= t < b) <= most)


def _injections(c: Candidates, w: _Whole) -> None:
    """Ways, and who is injected when."""
    m, s = w.model, c.scenario
    ways = defaultdict(list)
    for n, x in enumerate(c.ways):
        w.way.append(m.new_bool_var(f"way{n}"))
        w.money.append(x.cost * w.way[n])
        ways[x.batch, x.hospital].append(n)
    for (batch, _), own in ways.items():
        m.add(sum(w.way[n] for n in own) <= w.batch[batch])
    of_patient, of_hospital, load = defaultdict(list), defaultdict(list), defaultdict(list)
    for (p, n), x in w.slot.items():
        slot: Slot = c.slots[n]
        g = c.groups[slot.group]
        product = s.products[g.product]
        of_patient[p].append(x)
        of_hospital[g.hospital].append((slot.time_s, slot.time_s + product.occupancy_s, x))
        m.add(x <= sum(w.way[k] for k in ways[slot.batch, g.hospital] if c.ways[k].arrive_s + product.handling_s <= slot.time_s + 1e-6))
        load[slot.batch, g.hospital].append((x, _room(c, n)))
    for g in c.groups:
        for p in g.patients:
            m.add(sum(of_patient[p]) == 1) if g.must else m.add(sum(of_patient[p]) <= 1)
    for hospital, spans in of_hospital.items():
        _at_one_time(m, spans, s.sites[hospital].chairs)
    for key, terms in load.items():
        for n in ways[key]:
            if math.isfinite(c.ways[n].max_transport_index):
                m.add(sum(a * x for x, a in terms) <= _down(_ONE * c.ways[n].max_transport_index)).only_enforce_if(w.way[n])
    departures = defaultdict(list)
    for n, x in enumerate(c.ways):
        departures[x.lane, x.depart_s].append(w.way[n])
    for (*_, lane, depart_s), x in w.shipment.items():
        departures[lane, depart_s].append(x)
    most = {x.id: x.capacity for x in s.lanes if x.capacity is not None}
    for (lane, _), taken in departures.items():
        if lane in most:
            m.add(sum(taken) <= most[lane])


def _circuits(c: Candidates, w: _Whole, lab: str) -> None:
    """Tours of one lab: each patient who is served by one is a node; vehicles may return, load and go out again."""
    m, s = w.model, c.scenario
    fleet: Fleet = s.sites[lab].fleet  # type: ignore[assignment]
    open_s, close_s = shift(c, fleet)
    tour_way = {(x.batch, x.hospital): w.way[n] for n, x in enumerate(c.ways) if x.kind == "tour" and c.batches[x.batch].lab == lab}
    hospital = {p: g.hospital for g in c.groups for p in g.patients}
    from_batch = defaultdict(lambda: defaultdict(list))  # type: ignore[var-annotated]
    for (p, n), x in w.slot.items():
        if (c.slots[n].batch, hospital[p]) in tour_way:
            from_batch[p][c.slots[n].batch].append((n, x))
    nodes = sorted(from_batch)
    far = math.ceil(min(close_s, max(x.time_s for x in c.slots)))
    begin = {p: m.new_int_var(math.ceil(open_s), far, f"begin{lab}{p}") for p in nodes}
    arrive = {p: m.new_int_var(0, far, f"arrive{lab}{p}") for p in nodes}
    most_load = _down(_ONE * fleet.max_transport_index) if math.isfinite(fleet.max_transport_index) else None
    load = {p: m.new_int_var(0, most_load if most_load is not None else 0, f"load{lab}{p}") for p in nodes}
    own = {}
    arcs: list[tuple[int, int, Any]] = []
    listed: list[tuple[str, str, bool, Any]] = []
    for i, p in enumerate(nodes, 1):
        used = []
        for b, slots in from_batch[p].items():
            q = m.new_bool_var(f"by{lab}{p}{b}")
            x, z = sum(v for _, v in slots), tour_way[b, hospital[p]]
            m.add(q <= x)
            m.add(q <= z)
            m.add(q >= x + z - 1)
            m.add(begin[p] >= math.ceil(c.batches[b].release_s)).only_enforce_if(q)
            handling = s.products[c.batches[b].product].handling_s
            for n, v in slots:
                m.add(arrive[p] <= math.floor(c.slots[n].time_s - handling)).only_enforce_if([q, v])
                if most_load is not None:
                    m.add(load[p] >= _room(c, n)).only_enforce_if([q, v])
            w.by_tour[p, b] = q
            used.append(q)
        own[p] = used
        idle = m.new_bool_var(f"idle{lab}{p}")
        m.add(sum(used) + idle == 1)
        arcs.append((i, i, idle))
        out, back = m.new_bool_var(f"out{lab}{p}"), m.new_bool_var(f"back{lab}{p}")
        arcs += [(0, i, out), (i, 0, back)]
        listed += [(lab, p, False, out), (p, lab, False, back)]
        home = math.ceil(leg_s(s, lab, fleet, hospital[p], lab))
        first = math.ceil(leg_s(s, lab, fleet, lab, hospital[p]))
        m.add(arrive[p] >= begin[p] + first)
        m.add(arrive[p] + home <= math.floor(close_s)).only_enforce_if(back)
        done = m.new_int_var(0, far + home, f"done{lab}{p}")
        m.add(done >= arrive[p] + home).only_enforce_if(back)
        w.returns.append(done)
        w.money += [(fleet.cost_per_vehicle + fleet.cost_per_km * road_km(s, lab, hospital[p])) * out, fleet.cost_per_km * road_km(s, hospital[p], lab) * back]
    for i, p in enumerate(nodes, 1):
        for j, q in enumerate(nodes, 1):
            if i == j:
                continue
            on, again = m.new_bool_var(f"on{lab}{p}{q}"), m.new_bool_var(f"again{lab}{p}{q}")
            either = m.new_bool_var(f"arc{lab}{p}{q}")
            m.add(on + again == either)
            arcs.append((i, j, either))
            listed += [(p, q, False, on), (p, q, True, again)]
            m.add(begin[q] == begin[p]).only_enforce_if(on)
            m.add(arrive[q] >= arrive[p] + math.ceil(leg_s(s, lab, fleet, hospital[p], hospital[q]))).only_enforce_if(on)
            home = math.ceil(leg_s(s, lab, fleet, hospital[p], lab))
            m.add(begin[q] >= arrive[p] + home).only_enforce_if(again)
            m.add(arrive[p] + home <= math.floor(close_s)).only_enforce_if(again)
            w.money += [
                fleet.cost_per_km * road_km(s, hospital[p], hospital[q]) * on,
                fleet.cost_per_km * (road_km(s, hospital[p], lab) + road_km(s, lab, hospital[q])) * again,
            ]
    for a, b, again, x in listed:
        if most_load is not None and a in own and b in own and not again:
            # Transport index gathered along a tour.
            m.add(load[b] >= load[a] + sum(_room(c, n) * v for slots in from_batch[b].values() for n, v in slots)).only_enforce_if(x)
    m.add_multiple_circuit([*arcs])
    starts = [x for a, _, _, x in listed if a == lab]
    m.add(sum(starts) <= fleet.vehicles)
    for p in nodes:
        for q in nodes:
            if p < q and hospital[p] == hospital[q]:
                for b in set(from_batch[p]) & set(from_batch[q]):
                    # Vials of one batch for one hospital travel together.
                    both = [w.by_tour[p, b], w.by_tour[q, b]]
                    m.add(arrive[p] == arrive[q]).only_enforce_if(both)
                    m.add(begin[p] == begin[q]).only_enforce_if(both)
    for p in nodes:
        w.arrive[lab, p] = arrive[p]
    w.arcs[lab] = listed


def _read(c: Candidates, w: _Whole, solver: Any) -> Any:
    s = c.scenario
    members = {p: g for g in c.groups for p in g.patients}
    who = [Chosen(p, c.slots[n].batch, members[p].hospital, c.slots[n].time_s, members[p].priority) for (p, n), x in w.slot.items() if solver.value(x)]
    batch_of = {x.patient: x.batch for x in who}
    way_of = {(x.batch, x.hospital): x for n, x in enumerate(c.ways) if solver.value(w.way[n])}
    index: dict[tuple[int, str], float] = defaultdict(float)
    for (p, n), x in w.slot.items():
        if solver.value(x):
            index[c.slots[n].batch, members[p].hospital] += c.slots[n].release_Bq * s.products[members[p].product].transport_index_per_Bq
    driven: list[Tour] = []
    for lab, listed in w.arcs.items():
        fleet = s.sites[lab].fleet
        assert fleet is not None
        after = {a: (b, again) for a, b, again, x in listed if a != lab and solver.value(x)}
        for vehicle, p in enumerate(b for a, b, _, x in listed if a == lab and solver.value(x)):
            free, trip = shift(c, fleet)[0], [p]
            while True:
                following, again = after[trip[-1]]
                if following != lab and not again:
                    trip.append(following)
                    continue
                stops = list(dict.fromkeys((batch_of[x], members[x].hospital) for x in trip))
                tour = drive(s, lab, fleet, [Stop(k, k[1], c.batches[k[0]].release_s, math.inf, index[k], 1.0) for k in stops], free, f"tour {lab} {len(driven) + 1}", vehicle)
                driven.append(tour)
                if following == lab:
                    break
                free, trip = tour.return_s, [following]
    unit: dict[str, float] = {}
    for lot in c.lots:
        unit[lot.nuclide] = max(unit.get(lot.nuclide, 0.0), lot.activity_Bq)
    drawn = {n: solver.value(x) / _ONE * unit[c.lots[c.draws[n].lot].nuclide] for n, x in enumerate(w.draw)}
    return assemble(c, who, way_of, driven, drawn)
