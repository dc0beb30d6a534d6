"""What batches, possessions, strips, calendars and schedules keep, over random inputs."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lutetia.nuclides import nuclide
from lutetia.supply.manufacture import (
    Dose,
    Item,
    Lot,
    Process,
    Product,
    Resource,
    Step,
    Task,
    calendar,
    earliest_shift_s,
    fill,
    first_violation,
    possession_Bq,
    purity_after,
    purity_expiry_s,
    release_activity_Bq,
    schedule_batches,
    shown_fraction,
    solution_dose_Gy,
    start_activity_Bq,
    start_for_doses_Bq,
    strip_purity,
)

shares = st.floats(0, 0.4)
spans = st.floats(0, 7200)
processes = st.builds(
    lambda n, y, u, s, f, q, loss, residue: Process("p", n, y, u * y, s, f, q, loss, residue, 0.95, 86400.0, "drawn"),
    st.sampled_from(["Lu-177", "F-18", "Ac-225", "Ga-68"]), st.floats(0.05, 1), st.floats(0, 0.3), spans, spans, spans, shares, shares,
)  # fmt: skip
wanted = st.lists(st.tuples(st.floats(1e6, 1e10), st.floats(0, 86400.0)), max_size=5)


@given(processes, st.floats(1e6, 1e12))
def test_release_and_start_undo_each_other(p: Process, start: float) -> None:
    assert start_activity_Bq(p, release_activity_Bq(p, start)) == pytest.approx(start, rel=1e-12)
    assert release_activity_Bq(p, start) <= start


@given(processes, st.floats(1e6, 1e12), wanted, st.floats(1, 100))
def test_the_ledger_closes_and_the_batch_agrees_with_the_process(p: Process, start: float, asked: list[tuple[float, float]], volume: float) -> None:
    batch = fill(p, start, Product(volume), [Dose(str(i), a, t) for i, (a, t) in enumerate(asked)])
    assert sum(batch.ledger_Bq.values()) == pytest.approx(start, rel=1e-9) and min(batch.ledger_Bq.values()) >= 0
    assert batch.release_Bq == pytest.approx(release_activity_Bq(p, start), rel=1e-12)
    assert batch.ledger_Bq["doses"] + batch.ledger_Bq["stock"] == pytest.approx(batch.release_Bq, rel=1e-9)
    # Volumes are conserved as activities are.
    out = sum(d.volume_mL for d in batch.doses) + batch.stock_mL
    assert out == pytest.approx(volume * (1 - p.residue_fraction) * (1 - p.qc_loss_fraction), rel=1e-9)
    # A volume of the solution, left to decay from release, holds what the dose is said to hold.
    rate = nuclide(p.nuclide).decay_constant_per_s
    for d in batch.doses:
        assert d.volume_mL * batch.concentration_Bq_mL * math.exp(-rate * (d.dose.at_s - batch.release_s)) == pytest.approx(d.activity_Bq, rel=1e-9)


@given(processes, st.lists(st.tuples(st.floats(1e6, 1e10), st.floats(0, 86400.0)), min_size=1, max_size=5), st.lists(st.floats(0, 0.1), max_size=3))
def test_the_start_found_for_doses_is_just_enough(p: Process, asked: list[tuple[float, float]], samples: list[float]) -> None:
    doses = [Dose(str(i), a, t, 0.05) for i, (a, t) in enumerate(asked)]
    items = [Item(str(i), 60.0, loss_fraction=x) for i, x in enumerate(samples)] or None
    need = start_for_doses_Bq(p, doses, items)
    exact, less = fill(p, need, Product(10.0), doses, items), fill(p, 0.9 * need, Product(10.0), doses, items)
    assert all(d.share == pytest.approx(1, rel=1e-9) for d in exact.doses) and exact.ledger_Bq["stock"] <= 1e-9 * need
    assert all(d.share == pytest.approx(0.9, rel=1e-9) for d in less.doses)
    if p.u_yield > 1e-3 * p.yield_fraction:
        sure = start_for_doses_Bq(p, doses, items, confidence=0.9)
        assert fill(p, sure, Product(10.0), doses, items).enough == pytest.approx(0.9, abs=1e-6)


@given(processes, st.floats(0.5, 1), st.floats(0, 1e-4), st.floats(1, 100))
def test_the_vial_is_what_is_released(p: Process, purity: float, loss_per_Gy: float, extra: float) -> None:
    hot = 1e9 / (nuclide(p.nuclide).decay_constant_per_s * 6.02214076e14)
    batch = fill(p, 1e9, Product(50.0, purity, hot + extra, loss_per_Gy))
    v = batch.vial
    assert v is not None and v.activity_Bq == pytest.approx(batch.release_Bq, rel=1e-9)
    kept = (1 - p.residue_fraction) * (1 - p.qc_loss_fraction)
    assert v.ligand_nmol == pytest.approx((hot + extra) * kept, rel=1e-9) and v.volume_mL == pytest.approx(50 * kept)
    assert v.radiochemical_purity == pytest.approx(batch.purity_release, rel=1e-6)
    since = batch.release_s - p.synthesis_s
    assert v.decayed_nmol == pytest.approx(v.hot_nmol * math.expm1(nuclide(p.nuclide).decay_constant_per_s * since), rel=1e-6, abs=1e-12)


lots = st.lists(st.builds(lambda a, t, d: Lot(a, t, None if d is None else t + d), st.floats(0, 1e12), st.floats(0, 3e6), st.none() | st.floats(0, 3e6)), min_size=1, max_size=8)


@given(lots, st.floats(1e9, 2e12))
def test_a_violation_is_found_as_by_looking_everywhere(held: list[Lot], limit: float) -> None:
    found = first_violation("Lu-177", held, limit)
    times = np.linspace(0, 8e6, 4001)
    above = times[possession_Bq("Lu-177", held, times) > limit * (1 + 1e-9)]
    if found is None:
        assert above.size == 0
        return
    assert possession_Bq("Lu-177", held, found.begins_s) > limit
    assert above.size == 0 or found.begins_s <= above[0]
    inside = np.linspace(found.begins_s, found.ends_s, 50)[:-1]
    assert np.all(possession_Bq("Lu-177", held, inside) > limit * (1 - 1e-9))
    assert possession_Bq("Lu-177", held, found.ends_s + 1e-3) <= limit * (1 + 1e-9) or found.ends_s in {x.arrives_s for x in held}


@given(st.floats(0.3, 1), st.floats(0, 1.5e5), st.sampled_from(["Fr-221", "Bi-213"]))
def test_a_strip_in_equilibrium_shows_what_the_reading_shows(purity: float, t: float, read: str) -> None:
    """Both spots together stay in equilibrium, so that the strip lacks what a purified sample lacks."""
    assert strip_purity(purity, "Ac-225", read, t) == pytest.approx(purity * float(shown_fraction("Ac-225", read, t)), abs=1e-6)
    other = strip_purity(purity, "Ac-225", read, t, free_run_with="labelled")
    assert other >= purity - 1e-9
    assert strip_purity(purity, "Ac-225", read, 3e5) == pytest.approx(purity, abs=1e-4)


@given(st.floats(1e6, 1e10), st.floats(0.9, 1), st.floats(1e-8, 1e-4))
def test_the_purity_is_at_its_least_when_it_expires(concentration: float, purity: float, loss: float) -> None:
    at = purity_expiry_s("Lu-177", concentration, purity, 0.85, loss)
    if math.isinf(at):
        assert purity_after(purity, loss, solution_dose_Gy("Lu-177", concentration, 1e9)) >= 0.85 - 1e-9
    else:
        assert purity_after(purity, loss, solution_dose_Gy("Lu-177", concentration, at)) == pytest.approx(0.85, rel=1e-6)


openings = st.lists(st.tuples(st.integers(0, 40), st.integers(1, 12)), min_size=1, max_size=4).map(lambda x: calendar((float(a), float(a + b)) for a, b in x))


@given(st.lists(st.tuples(st.integers(0, 10), st.integers(1, 6), st.lists(openings, min_size=1, max_size=2)), min_size=1, max_size=3))
def test_the_earliest_shift_is_that_of_trying_each_hour(asked: list) -> None:
    needs = [(float(a), float(a + d), c) for a, d, c in asked]
    by_hand = next((s for s in range(80) if all(any(c.covers(a + s, b + s) for c in cs) for a, b, cs in needs)), None)
    assert earliest_shift_s(needs) == by_hand


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 3), st.integers(0, 6), st.integers(1, 3)), min_size=1, max_size=4), st.integers(1, 2), st.booleans())
def test_a_schedule_keeps_what_it_must(drawn: list[tuple[int, int, int, int]], cells: int, night: bool) -> None:
    pytest.importorskip("ortools")
    hour = 3600.0
    hours = calendar([(0.0, 8 * hour), (10 * hour, 60 * hour)]) if night else None
    tasks = [
        Task(str(i), (Step("make", ("cell", "operator"), d * hour, c * hour, 0.0), Step("test", ("hplc",), 0.5 * hour)), earliest_s=e * hour, weight=w)
        for i, (d, c, e, w) in enumerate(drawn)
    ]
    resources = [Resource(f"cell {i}", "cell", hours) for i in range(cells)] + [Resource("anna", "operator"), Resource("ben", "operator"), Resource("hplc", "hplc")]
    s = schedule_batches(tasks, resources, 20.0)
    assert s.status == "optimal" and s.cost == pytest.approx(s.bound)
    at = {(a.task, a.step): a for a in s.assignments}
    assert len(at) == 2 * len(tasks)
    cost = 0.0
    for t in tasks:
        make, test = at[t.name, "make"], at[t.name, "test"]
        assert make.start_s >= t.earliest_s and test.start_s == make.end_s and make.end_s - make.start_s == t.steps[0].duration_s
        assert hours is None or hours.covers(make.start_s, make.end_s)
        assert [r.rstrip("0123456789 ") for r in make.resources][0] == "cell" and len(make.resources) == 2 and test.resources == ("hplc",)
        cost += t.weight * (test.end_s - t.earliest_s)
    assert cost == pytest.approx(s.cost, rel=2e-3, abs=1)  # weights are rounded to a thousandth of the largest
    for r in resources:
        work = sorted((a.start_s, a.end_s + (tasks[int(a.task)].steps[0].cleaning_s if r.kind == "cell" else 0.0)) for a in s.assignments if r.name in a.resources)
        assert all(end <= start for (_, end), (start, _) in zip(work, work[1:]))


@given(st.permutations([1, 2, 3, 4]))
def test_one_cell_takes_the_shortest_first(lengths: list[int]) -> None:
    """With equal weights the sum of ends on one machine is least in the order of their lengths (Smith 1956): 1, 3, 6, 10 h."""
    pytest.importorskip("ortools")
    tasks = [Task(str(i), (Step("s", ("cell",), d * 3600.0),)) for i, d in enumerate(lengths)]
    s = schedule_batches(tasks, [Resource("cell", "cell")], 20.0)
    assume(s.status == "optimal")
    assert s.cost == pytest.approx(20 * 3600.0)
