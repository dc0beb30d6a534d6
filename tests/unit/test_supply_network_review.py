"""Cases in which a plan could be cut off, promised twice or sent in the past: each small enough to be checked by hand."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("icalendar", reason="needs the extra 'supply'")
pytest.importorskip("highspy", reason="needs the extra 'supply'")
pytest.importorskip("ortools", reason="needs the extra 'supply'")
pytest.importorskip("pyvrp", reason="needs the extra 'supply'")

from tests.supply_samples import small_scenario
from tests.supply_validity import faults

from lutetia.chain.supply import _rooms, calendar
from lutetia.core import CouldNot
from lutetia.supply.network.candidates import candidates
from lutetia.supply.network.ledger import ledger
from lutetia.supply.network.model import (
    Batch,
    Departure,
    Draw,
    Fleet,
    Lane,
    Lot,
    Machine,
    Patient,
    Product,
    Scenario,
    Site,
    SupplyPlan,
)
from lutetia.supply.network.reasons import binding
from lutetia.supply.network.replan import Disturbance, replan
from lutetia.supply.network.solve import solve
from lutetia.supply.packages import package

HOUR = 3600.0
DAY = 24 * HOUR


def lots(*ends_h: float, machine: str = "reactor", site: str = "lab", activity_Bq: float = 20e9, length_h: float = 0.0) -> tuple[Lot, ...]:
    return tuple(Lot(f"{machine}{n}", machine, site, "Lu-177", (t - length_h) * HOUR, t * HOUR, activity_Bq, True, 100.0) for n, t in enumerate(ends_h))


def product(**other: Any) -> Product:
    """No losses: what goes in comes out, an hour later."""
    return replace(Product("lu", "Lu-177", 1.0, 0.5 * HOUR, 0.5 * HOUR, 5 * DAY, batch_cost=10.0), **other)


def scenario(made: tuple[Lot, ...], who: tuple[Patient, ...], *, lab: dict[str, Any] | None = None, hospitals: dict[str, dict[str, Any]] | None = None, lanes: tuple[Lane, ...] = (), p: Product | None = None, **other: Any) -> Scenario:
    machines = tuple(Machine(m, next(x.site for x in made if x.machine == m), "Lu-177", "reactor", tuple(x for x in made if x.machine == m), parallel=9) for m in dict.fromkeys(x.machine for x in made))
    sites = {"lab": Site("lab", "lab", 0.0, 0.0, "UTC", cells=2, products=("lu",), **(lab or {}))}
    for x in {x.site for x in made} - {"lab"}:
        sites[x] = Site(x, x, 1.0, 0.0, "UTC")
    for x in dict.fromkeys(q.hospital for q in who):
        sites[x] = Site(x, x, 0.1, 0.1, "UTC", **{"chairs": 9, **(hospitals or {}).get(x, {})})
    return Scenario("by hand", "2026-11-02T00:00:00+00:00", 6 * DAY, machines, {"lu": p or product()}, sites, lanes, who, **other)


def patient(name: str, earliest_h: float, latest_h: float | None = None, *, at: str = "h1", activity_Bq: float = 7.4e9, **other: Any) -> Patient:
    return Patient(name, at, "lu", activity_Bq, earliest_h * HOUR, (earliest_h if latest_h is None else latest_h) * HOUR, **other)


def road(name: str = "road", to: str = "h1", hours: float = 1.0, **other: Any) -> Lane:
    return Lane(name, "lab", to, "road", hours * HOUR, **other)


def flights(name: str, origin: str, to: str, *times_h: float, capacity: int | None = None) -> Lane:
    return Lane(name, origin, to, "air", None, tuple(Departure(t * HOUR, (t + 1) * HOUR) for t in times_h), capacity=capacity)


def served(p: SupplyPlan) -> set[str]:
    return {d.patient for d in p.doses}


def test_batches_that_start_in_one_minute_are_told_apart() -> None:
    made = lots(5.0, machine="a", site="a", activity_Bq=8e9) + lots(5.0, machine="b", site="b", activity_Bq=8e9)
    lanes = (Lane("a-lab", "a", "lab", "road", 3610.0), Lane("b-lab", "b", "lab", "road", 3625.0), road())
    s = scenario(made, (patient("p1", 10), patient("p2", 10)), lanes=lanes)
    c = candidates(s)
    assert len(c.batches) == len({b.id for b in c.batches}) == 2
    p = solve(s)
    assert served(p) == {"p1", "p2"} and not faults(s, p)


def test_a_full_departure_leaves_the_next_one() -> None:
    s = scenario(lots(5.0, 5.5, activity_Bq=8e9), (patient("p1", 12), patient("p2", 12)), lanes=(flights("air", "lab", "h1", 8, 9, capacity=1),))
    p = solve(s)
    assert served(p) == {"p1", "p2"} and not faults(s, p)
    assert sorted(x.depart_s for x in p.deliveries) == [8 * HOUR, 9 * HOUR]


def test_what_goes_to_a_lab_fills_a_departure_too() -> None:
    made = lots(5.0, 5.0, site="far", activity_Bq=8e9)
    s = scenario(made, (patient("p1", 12), patient("p2", 12)), lanes=(flights("up", "far", "lab", 6, capacity=1), road()))
    p = solve(s)
    assert len(p.doses) == 1 and p.served_bound == 1
    s = replace(s, lanes=(flights("up", "far", "lab", 6, 7, capacity=1), road()))
    p = solve(s)
    assert served(p) == {"p1", "p2"} and not faults(s, p)
    assert sorted(d.depart_s for b in p.batches for d in b.draws if d.depart_s is not None) == [6 * HOUR, 7 * HOUR]


def van(*hours: tuple[float, float], vehicles: int = 1, load_s: float = 0.0) -> dict[str, Any]:
    return {"fleet": Fleet(vehicles, 40.0, 1.0, hours=tuple((a * HOUR, b * HOUR) for a, b in hours), load_s=load_s)}


def by_road(s: Scenario, hours: dict[tuple[str, str], float]) -> Scenario:
    return replace(s, road_times_s={k: v * HOUR for (a, b), v in hours.items() for k in ((a, b), (b, a))})


def test_what_is_released_at_the_end_of_a_shift_goes_in_the_next() -> None:
    # Released at 17:30; an hour of way; the shift ends at 18:00 and begins again at 08:00.
    s = by_road(scenario(lots(16.5), (patient("p1", 36),), lab=van((8, 18), (32, 42))), {("lab", "h1"): 1.0})
    p = solve(s, method="decomposed")
    assert served(p) == {"p1"} and not faults(s, p)
    assert p.tours[0].depart_s >= 32 * HOUR and p.tours[0].return_s <= 42 * HOUR


def test_both_shifts_of_a_day_are_driven() -> None:
    s = by_road(scenario(lots(6.0, 14.0, activity_Bq=8e9), (patient("p1", 10), patient("p2", 18)), lab=van((8, 12), (14, 19)), p=product(shelf_life_s=5 * HOUR)), {("lab", "h1"): 1.0})
    p = solve(s, method="decomposed")
    assert served(p) == {"p1", "p2"} and len(p.tours) == 2 and not faults(s, p)


def test_a_shift_goes_on_past_midnight() -> None:
    s = by_road(scenario(lots(22.0), (patient("p1", 25.5),), lab=van((20, 28))), {("lab", "h1"): 2.0})
    p = solve(s, method="decomposed")
    assert served(p) == {"p1"} and not faults(s, p)
    assert p.tours[0].stops[0][1] == 25 * HOUR


def test_loading_for_long_does_not_keep_vehicles_in() -> None:
    # h2 has a lane of its own, by which it is served before a vehicle has been loaded.
    who = (patient("p1", 12), patient("p2", 6.75, at="h2"))
    s = by_road(scenario(lots(5.0, activity_Bq=40e9), who, lab=van(load_s=1.5 * HOUR), lanes=(road(to="h2", hours=0.5), road("slow", "h2", 2.0))), {("lab", "h1"): 0.5, ("lab", "h2"): 0.1})
    s = replace(s, patients=(*s.patients, patient("p3", 9, at="h2")))
    p = solve(s, method="decomposed")
    assert served(p) == {"p1", "p2", "p3"} and p.served_bound == 3


def test_no_plan_without_those_who_must_be_served() -> None:
    # One vehicle, both ways 50 min and 100 min between them, both due an hour after release.
    who = (patient("p1", 9.5, must=True), patient("p2", 9.5, at="h2", must=True))
    s = by_road(scenario(lots(7.5), who, lab=van()), {("lab", "h1"): 5 / 6, ("lab", "h2"): 5 / 6, ("h1", "h2"): 5 / 3})
    with pytest.raises(CouldNot, match=r"must be served.*p[12]"):
        solve(s, method="decomposed", time_limit_s=10)
    two = replace(s, sites={**s.sites, "lab": replace(s.sites["lab"], fleet=van(vehicles=2)["fleet"])})
    p = solve(two, method="decomposed", time_limit_s=10)
    assert served(p) == {"p1", "p2"} and not faults(two, p)


def test_a_licence_counts_vials_from_their_arrival() -> None:
    # Both vials come at 08:00; the second lies there until 16:00. 10 GBq are allowed, each holds 7.4 GBq and more.
    who = (patient("p1", 8.5), patient("p2", 16))
    one = {"h1": {"possession_Bq": {"Lu-177": 10e9}}}
    s = scenario(lots(3.0), who, hospitals=one, lanes=(flights("air", "lab", "h1", 7),))
    p = solve(s)
    assert len(p.doses) == 1 and p.served_bound == 1
    assert binding(s, p)[0].resource == "possession"
    # A second batch by a later flight keeps within it.
    s = scenario(lots(3.0, 8.0), who, hospitals=one, lanes=(flights("air", "lab", "h1", 7, 10),))
    p = solve(s)
    assert served(p) == {"p1", "p2"} and not faults(s, p)
    assert len(p.batches) == 2


def test_a_licence_counts_lab_and_hospital_of_one_house_together() -> None:
    who = (patient("p1", 12, at="lab"), patient("p2", 30))
    house = {"chairs": 2, "possession_Bq": {"Lu-177": 10e9}}
    s = scenario(lots(5.0, 11.0), who, lanes=(road(),), lab=house)
    s = replace(s, sites={**s.sites, "lab": Site("lab", "lab", 0.0, 0.0, "UTC", cells=2, products=("lu",), **house)})
    p = solve(s)
    # From 11:00 to 12:00 the vial for the house and the activity of the second batch would lie side by side.
    spans = [(b.start_s, b.release_s) for b in p.batches]
    assert served(p) == {"p1", "p2"}
    assert not (len(spans) == 2 and spans[1][0] == 11 * HOUR and any(d.batch == p.batches[0].id and d.patient == "p1" for d in p.doses))


def test_a_small_dose_of_a_reactor_s_whole_discharge() -> None:
    s = scenario(lots(5.0, activity_Bq=370e12), (patient("p1", 10, activity_Bq=1e8),), lanes=(road(),))
    p = solve(s)
    assert not faults(s, p) and served(p) == {"p1"}
    # Five hours later, of nothing lost on the way: 0.1 GBq x 2^(5 h / 6.647 d).
    assert p.batches[0].draws[0].activity_Bq == pytest.approx(1e8 * 2 ** (5 / 24 / 6.647), rel=1e-4)
    assert ledger(s, p).closure() < 1e-9


def in_the_past(before: SupplyPlan, after: SupplyPlan, now_s: float) -> list[str]:
    """What a new plan would begin before it is made."""
    gone = {(x.id, x.depart_s, x.arrive_s) for x in before.deliveries}
    ships = {(b.lab, d.lot, d.depart_s) for b in before.batches for d in b.draws if d.depart_s is not None}
    known = {t.id for t in before.tours}
    return [
        *(x.id for x in after.deliveries if x.depart_s < now_s and x.hospital != next(b.lab for b in after.batches if b.id == x.batch) and (x.id, x.depart_s, x.arrive_s) not in gone),
        *(d.lot for b in after.batches for d in b.draws if d.depart_s is not None and d.depart_s < now_s and (b.lab, d.lot, d.depart_s) not in ships),
        *(t.id for t in after.tours if t.depart_s < now_s and t.id not in known),
    ]


def test_nothing_leaves_before_the_new_plan_is_made() -> None:
    p1, added = patient("p1", 10), patient("p2", 12, at="h2")
    for lab, lanes in (({}, (road(), road("other", "h2"))), (van(vehicles=2), ())):
        s = scenario(lots(5.0), (p1, patient("gone", 11, at="h2")), lab=lab, lanes=lanes, p=product(min_start_Bq=19e9))
        s = by_road(s, {("lab", "h1"): 1.0, ("lab", "h2"): 1.0, ("h1", "h2"): 1.0})
        before = solve(replace(s, patients=(p1,)))
        now = 8 * HOUR
        r = replan(s, before, [Disturbance("patient-cancelled", "gone"), Disturbance("patient-added", "p2", patient=added)], now)
        assert served(r.plan) == {"p1", "p2"} and not faults(r.scenario, r.plan) and not in_the_past(before, r.plan, now)


def test_no_more_is_drawn_than_was_sent_to_the_lab() -> None:
    # 20 GBq are made, 7.4 GBq and what decays are sent at 06:00; at 08:00 the batch of 12:00 cannot have more.
    made = tuple(replace(x, adjustable=False) for x in lots(5.0, site="far"))
    s = scenario(made, (patient("p1", 20),), lanes=(flights("up", "far", "lab", 6), road()), lab={"start_times_s": (12 * HOUR,)}, p=product(max_wait_s=8 * HOUR))
    before = solve(s)
    r = replan(s, before, [Disturbance("patient-added", "p2", patient=patient("p2", 20))], 8 * HOUR)
    assert len(r.plan.doses) == 1 and not faults(r.scenario, r.plan)


def test_a_failed_batch_has_used_up_what_it_took() -> None:
    # One lot, enough for one dose; a batch may start when it is there, or four hours later.
    s = scenario(lots(5.0, activity_Bq=8e9), (patient("p1", 20),), lanes=(road(),), lab={"start_times_s": (5 * HOUR, 9 * HOUR)}, p=product(max_wait_s=5 * HOUR))
    before = solve(replace(s, sites={**s.sites, "lab": replace(s.sites["lab"], start_times_s=(5 * HOUR,))}))
    r = replan(s, before, [Disturbance("batch-failed", before.batches[0].id)], 6 * HOUR)
    assert not r.plan.doses and r.lost == ("p1",)
    # Not so when it is given up before it begins: the activity is still there for the later one.
    r = replan(s, before, [Disturbance("batch-failed", before.batches[0].id)], 4.9 * HOUR)
    assert served(r.plan) == {"p1"} and r.plan.batches[0].start_s == 9 * HOUR and not faults(r.scenario, r.plan)


def test_a_dearer_lane_serves_while_the_cheap_one_is_shut() -> None:
    s = scenario(lots(5.0), (patient("p1", 12),), lanes=(road("cheap", cost=10.0), road("dear", hours=2.0, cost=90.0)))
    before = solve(s)
    for end in (math.inf, 11 * HOUR):
        r = replan(s, before, [Disturbance("lane-cancelled", "cheap", 5 * HOUR, end)], 5 * HOUR)
        assert not r.nothing and r.rescued == ("p1",) and [x.lane for x in r.plan.deliveries] == ["dear"]
    # One that reopens in time is waited for.
    s = replace(s, lanes=s.lanes[:1])
    r = replan(s, before, [Disturbance("lane-cancelled", "cheap", 5 * HOUR, 9 * HOUR)], 5 * HOUR)
    assert r.rescued == ("p1",) and r.plan.deliveries[0].depart_s > 9 * HOUR


def test_what_is_on_the_road_arrives_though_its_lane_is_shut_behind_it() -> None:
    s = scenario(lots(5.0), (patient("p1", 12),), lanes=(road(),))
    before = solve(s)
    r = replan(s, before, [Disturbance("lane-cancelled", "road", 6.5 * HOUR)], 6.5 * HOUR)
    assert r.nothing == {"p1"} and served(r.plan) == {"p1"} and not r.moved


def test_a_closed_hospital_on_a_tour() -> None:
    s = by_road(scenario(lots(5.0), (patient("p1", 10), patient("p2", 10, at="h2")), lab=van()), {("lab", "h1"): 0.5, ("lab", "h2"): 0.5, ("h1", "h2"): 0.5})
    before = solve(s)
    r = replan(s, before, [Disturbance("hospital-closed", "h2", 0.0)], 4 * HOUR)
    assert served(r.plan) == {"p1"} and r.lost == ("p2",) and not faults(r.scenario, r.plan)


def test_a_vehicle_that_is_out_is_not_sent_again() -> None:
    s = by_road(scenario(lots(5.0, 7.0), (patient("p1", 12), patient("p2", 12, at="h2")), lab=van(vehicles=2)), {("lab", "h1"): 5.0, ("lab", "h2"): 1.0, ("h1", "h2"): 6.0})
    before = solve(s)
    tour = next(t for t in before.tours if t.stops[0][0].endswith(">h1"))
    first = replace(before, tours=tuple(replace(t, vehicle=1 - t.vehicle) if tour.vehicle == 0 else t for t in before.tours))
    now = tour.depart_s + 1
    r = replan(s, first, [Disturbance("patient-added", "p3", patient=patient("p3", 13, at="h2"))], now)
    assert {"p1", "p2"} <= served(r.plan) and not faults(r.scenario, r.plan) and not in_the_past(first, r.plan, now)


def test_a_batch_in_a_cell_that_goes_down_is_lost() -> None:
    s = scenario(lots(5.0), (patient("p1", 12),), lanes=(road(),), lab={})
    s = replace(s, sites={**s.sites, "lab": replace(s.sites["lab"], cells=1)})
    before = solve(s)
    r = replan(s, before, [Disturbance("cell-down", "lab", 5.2 * HOUR)], 5.2 * HOUR)
    assert not r.nothing and not r.plan.doses and r.lost == ("p1",)


def test_a_begun_batch_that_serves_nobody_stays_in_its_cell() -> None:
    # The first batch expires at 11:30; the second, which would not, would start while the first is still in the only cell.
    s = scenario(lots(5.0, 5.25, activity_Bq=9e9), (patient("p1", 11), patient("p2", 11.6)), lanes=(road(),), p=product(shelf_life_s=6 * HOUR))
    s = replace(s, sites={**s.sites, "lab": replace(s.sites["lab"], cells=1)})
    before = solve(replace(s, patients=s.patients[:1], machines=(replace(s.machines[0], lots=s.machines[0].lots[:1]),)))
    gone = Disturbance("patient-cancelled", "p1")
    now = replace(s, patients=s.patients[:1])
    r = replan(now, before, [gone, Disturbance("patient-added", "p2", patient=s.patients[1])], 5.1 * HOUR)
    assert [b.id for b in before.batches] == [b.id for b in r.plan.batches]
    assert not r.plan.doses and not faults(r.scenario, r.plan)


def test_alike_patients_keep_what_they_had() -> None:
    s = scenario(lots(5.0), (patient("a", 10, 12), patient("b", 10, 12)), lanes=(road(),), slot_s=HOUR, p=product(occupancy_s=HOUR), hospitals={"h1": {"chairs": 1}})
    before = solve(s)
    # As a solver without an order among them may have it: the second comes first.
    other = {"a": "b", "b": "a"}
    swapped = replace(before, doses=tuple(replace(d, patient=other[d.patient]) for d in before.doses))
    first = min(swapped.doses, key=lambda d: d.injection_s)
    r = replan(s, swapped, [Disturbance("patient-added", "c", patient=patient("c", 60))], first.injection_s + 60)
    assert {d.patient: d.injection_s for d in r.plan.doses if d.patient != "c"} == {d.patient: d.injection_s for d in swapped.doses}
    assert not r.moved


def test_a_small_vial_does_not_serve_a_large_dose() -> None:
    who = (patient("large", 10, activity_Bq=8e9), patient("small", 10, activity_Bq=2e9))
    s = scenario(lots(5.0, activity_Bq=30e9), who, lanes=(road(),))
    before = solve(s)
    late = patient("late", 12, activity_Bq=7e9)
    r = replan(s, before, [Disturbance("patient-cancelled", "small"), Disturbance("patient-added", "late", patient=late)], 8 * HOUR)
    assert len(r.plan.doses) == 1 and r.plan.doses[0].patient in ("large", "late")
    sent = {x.id: x.activity_Bq for x in before.deliveries}
    assert all(x.activity_Bq == pytest.approx(sent[x.id]) for x in r.plan.deliveries)


def test_cells_are_named_for_batches_that_follow_one_another_to_the_second() -> None:
    batches = tuple(Batch(f"b{n}", "lab", "lu", n * 1830.0, (n + 1) * 1830.0, (n + 1) * 1830.0, DAY, (Draw("reactor0", 1.0),), 1.0, 1.0, 1.0) for n in range(20))
    s = scenario(lots(5.0), (patient("p1", 10),))
    s = replace(s, sites={"lab": replace(s.sites["lab"], cells=1)})
    result: dict[str, Any] = {"batches": [{"batch": b.id, "cell": None} for b in batches]}
    _rooms(s, SupplyPlan({}, batches, (), (), (), 0, 0, 0, 0, {}, ""), result)
    assert {b["cell"] for b in result["batches"]} == {"cell 1"}


def test_a_measured_index_sets_category_and_label() -> None:
    """SSR-6, para. 523 and Table 8: up to 0.05 is 0; above 1 and up to 10 is III-YELLOW."""
    assert package({"Lu-177": 1e9}, one_metre_mSv_per_h=0.0004).transport_index == 0.0
    high = package({"Lu-177": 1e9}, one_metre_mSv_per_h=0.0213)
    assert (high.transport_index, high.category) == (2.2, "III-YELLOW")


def test_an_event_of_the_calendar_keeps_its_name_in_a_new_plan() -> None:
    """RFC 5545, 3.8.2.2: an end lies after its start; 3.8.4.7: an identifier stays with its event."""

    import icalendar

    def events(injection: str, *others: dict[str, Any]) -> dict[str, Any]:
        one = {"patient": "p1", "injection": injection, "product": "lu", "batch": "b", "hospital": "h1"}
        empty: dict[str, Any] = {k: [] for k in ("lots", "batches", "shipments", "deliveries", "tours")}
        raw = calendar({**empty, "plan": [*others, one], "start": "2026-11-02T00:00:00+00:00", "provenance": {"scenario_sha256": "0" * 64}})
        return {str(x["summary"]): x for x in icalendar.Calendar.from_ical(raw).walk("VEVENT")}

    other = {"patient": "p0", "injection": "2026-11-03T08:00:00+00:00", "product": "lu", "batch": "b", "hospital": "h1"}
    before, after = events("2026-11-03T09:00:00+00:00"), events("2026-11-03T10:00:00+00:00", other)
    assert before["Injection p1"]["uid"] == after["Injection p1"]["uid"] != after["Injection p0"]["uid"]
    assert before["Injection p1"].start.hour == 9 and "DTEND" not in before["Injection p1"]


def test_priorities_that_are_not_whole_are_served_whole() -> None:
    who = (patient("p1", 12, priority=1 / 3), patient("p2", 12, at="h2", priority=0.0004))
    s = by_road(scenario(lots(5.0), who, lab=van()), {("lab", "h1"): 0.5, ("lab", "h2"): 0.5, ("h1", "h2"): 0.5})
    p = solve(s, method="exact", time_limit_s=10)
    assert served(p) == {"p1", "p2"} and p.served_weight == pytest.approx(1 / 3 + 0.0004, abs=1e-12)
    assert p.gap_served == pytest.approx(0.0, abs=1e-12) and not binding(s, p)


def test_a_small_scenario_with_tours_keeps_to_its_licences() -> None:
    one = {"h1": {"possession_Bq": {"Lu-177": 10e9}}}
    s = by_road(scenario(lots(5.0), (patient("p1", 12), patient("p2", 12)), hospitals=one, lab=van()), {("lab", "h1"): 0.5})
    p = solve(s)
    assert len(p.doses) == 1 and p.served_bound == 1


def test_a_hospital_that_opens_between_two_times_of_the_grid() -> None:
    s = scenario(lots(5.0), (patient("p1", 8.1, 12),), lanes=(road(),), hospitals={"h1": {"hours": ((8.5 * HOUR, 8.55 * HOUR),)}})
    p = solve(s)
    assert [d.injection_s for d in p.doses] == [8.5 * HOUR]


def test_the_makespan_keeps_to_the_hours_of_the_fleet() -> None:
    s = by_road(scenario(lots(3.0), (patient("p1", 12),), lab=van((8, 18)), objective="makespan"), {("lab", "h1"): 1.0})
    p = solve(s, time_limit_s=5)
    assert p.tours[0].depart_s == 8 * HOUR and p.cost == p.cost_bound == 10 * HOUR


@pytest.mark.parametrize("seed", range(16))
def test_any_disturbance_at_any_time(seed: int) -> None:
    """What has begun stays, nothing begins in the past, and nobody is worse off than if nothing were done."""
    r = np.random.default_rng(seed)
    s = small_scenario(seed, 5, fleet=seed % 3 != 0)
    p = solve(s, time_limit_s=10)
    if not p.batches:
        pytest.skip("nobody can be served in this one")
    now = float(r.uniform(4, 11)) * HOUR
    added = Patient("new", "h1", "tracer", 3e8, now + HOUR, now + 3 * HOUR, 2.0)
    all_kinds = [
        Disturbance("machine-down", "cyc", now), Disturbance("cell-down", "lab", now, now + 2 * HOUR), Disturbance("hospital-closed", "h2", now), Disturbance("patient-cancelled", "p0"),
        Disturbance("patient-added", "new", patient=added), Disturbance("batch-failed", p.batches[-1].id), Disturbance("lane-cancelled", s.lanes[-1].id, now, now + HOUR),
    ]  # fmt: skip
    events = [all_kinds[n] for n in r.choice(len(all_kinds), 2, replace=False)]
    x = replan(s, p, events, now, time_limit_s=10)
    assert not faults(x.scenario, x.plan) and not in_the_past(p, x.plan, now)
    weights = {q.id: q.priority for q in x.scenario.patients}
    assert x.plan.served_weight >= sum(weights[q] for q in x.nothing) - 1e-9
    before, after = ({d.patient: d.injection_s for d in y.doses} for y in (p, x.plan))
    assert {q for q, t in after.items() if t <= now} == {q for q, t in before.items() if t <= now and q in x.nothing}
    assert ledger(x.scenario, x.plan).closure() < 1e-9
