"""Rules of batches, readings, calendars and schedules; what is refused."""

from __future__ import annotations

import builtins
import datetime as dt
import math

import pytest

from lutetia.core import BadInput, CouldNot
from lutetia.data import table
from lutetia.supply.manufacture import (
    Dose,
    Item,
    Limits,
    Lot,
    Process,
    Product,
    Resource,
    Step,
    Task,
    batch_steps,
    calendar,
    dose_factor_Gy_mL_per_Bq_s,
    earliest_reading_s,
    elapsed_at_volume_s,
    fill,
    first_violation,
    line_per_decay,
    process,
    process_names,
    product_label,
    purity_after,
    reading,
    release_activity_Bq,
    schedule_batches,
    shown_fraction,
    start_for_doses_Bq,
    strip_purity,
    success_interval,
    weekly_calendar,
)

LU = Process("own", "Lu-177", 0.9, 0.05, 1800.0, 600.0, 3600.0, 0.01, 0.02, 1.0, 4 * 86400.0, "test")
UTC = dt.UTC


@pytest.mark.parametrize("name", process_names())
def test_every_process_of_the_table_says_what_is_not_published(name: str) -> None:
    p = process(name)
    assert p.source and p.shelf_life_s > 0 and set(p.assumed) <= set(Process.__dataclass_fields__)
    assert ("success" in p.assumed) == (p.batches is None)


def test_every_label_has_its_source() -> None:
    for name in table("product_labels")["product"]:
        assert product_label(str(name)).source
    assert product_label("FDG").recalled == ("shelf_life_h",) and product_label("225Ac-DOTA-J591").shelf_life_s is None


def test_tests_follow_one_another_on_an_instrument_and_wait_for_a_valid_reading() -> None:
    items = [Item("a", 600.0, instrument="HPLC"), Item("b", 600.0, instrument="HPLC"), Item("c", 300.0, wait_s=7200.0), Item("d", 9e5, before_release=False)]
    batch = fill(LU, 1e9, Product(5.0), items=items)
    at = {n: (a, b) for n, a, b in batch.phases}
    assert at["a"] == (2400.0, 3000.0) and at["b"] == (3000.0, 3600.0) and at["c"] == (9000.0, 9300.0)
    assert batch.release_s == 9300.0


def test_expiries_and_the_one_that_binds() -> None:
    """Each by a hand formula; 177mLu (160.44 d) doubles its share in little more than a half-life of 177Lu."""
    limits = Limits(purity_min=0.95, impurity_max=2e-4, concentration_min_Bq_mL=1e8, volume_max_mL=12.5)
    product = Product(9.0, 0.99, loss_per_Gy=5e-6, impurity="Lu-177m", impurity_fraction=1e-4)
    batch = fill(LU, 10e9, product, [Dose("p", 7.4e9, 7200.0)], limits=limits)
    e = batch.expiries_s
    assert e["shelf life"] == 1800 + 4 * 86400
    assert e["impurity"] == pytest.approx(1800 + 86400 / (1 / 6.647 - 1 / 160.4), rel=1e-3)
    filled = 10e9 * 0.9 * 0.5 ** (2400 / 86400 / 6.647) / 9.0
    assert e["dose volume"] == pytest.approx(2400 + 86400 * 6.647 * math.log2(filled * 12.5 / 7.4e9), rel=1e-3)
    assert e["concentration"] == pytest.approx(2400 + 86400 * 6.647 * math.log2(filled / 1e8), rel=1e-3)
    assert batch.expiry is not None and batch.expiry[1] == min(v for v in e.values() if v is not None) and batch.expiry[0] == "shelf life"
    nothing = fill(LU, 10e9, Product(9.0))
    assert {k for k, v in nothing.expiries_s.items() if v is not None} == {"shelf life"} and nothing.purity_release is None


def test_an_impurity_that_is_too_much_or_falls_away() -> None:
    over = fill(LU, 1e9, Product(9.0, impurity="Lu-177m", impurity_fraction=1e-3), limits=Limits(impurity_max=2e-4))
    away = fill(LU, 1e9, Product(9.0, impurity="F-18", impurity_fraction=1e-4), limits=Limits(impurity_max=2e-4))
    assert over.expiries_s["impurity"] == LU.synthesis_s and away.expiries_s["impurity"] == math.inf
    assert away.impurity_release is not None and away.impurity_release < 1e-4


def test_probability_of_enough_is_half_at_the_mean_without_tolerance() -> None:
    doses = [Dose("p", 1e9, 7200.0, 0.0)]
    need = start_for_doses_Bq(LU, doses)
    assert fill(LU, need, Product(5.0), doses).enough == pytest.approx(0.5)
    # 1.6449 standard deviations make 95 %.
    assert fill(LU, need / (1 - 1.6449 * 0.05 / 0.9), Product(5.0), doses).enough == pytest.approx(0.95, abs=1e-4)


def test_a_reading_with_daughters_present_is_valid_at_once_and_counts_cost_time() -> None:
    full = dict.fromkeys(("Fr-221", "At-217", "Bi-213"), 1.0)
    assert shown_fraction("Ac-225", "Bi-213", [0.0, 5000.0], full) == pytest.approx(1.0, abs=1e-4)
    assert earliest_reading_s("Ac-225", "Bi-213", present=full) == 0.0
    lone = earliest_reading_s("Ac-225", "Bi-213")
    assert earliest_reading_s("Ac-225", "Bi-213", counts_per_s=100.0, counting_s=100.0) > lone
    # Twice the daughters: the reading falls towards the truth, and is within 5 % after log2(20) half-lives of 213Bi.
    twice = earliest_reading_s("Ac-225", "Bi-213", present=dict.fromkeys(full, 2.0))
    assert twice / (45.59 * 60) == pytest.approx(math.log2(20), rel=0.05)
    assert reading("Ac-225", "Bi-213", 1e6, counts_per_s=10.0, counting_s=1000.0).u_counting == pytest.approx(0.01, rel=1e-3)


def test_lead_212_is_read_through_its_daughters_too() -> None:
    """212Bi (60.55 min) under 212Pb (10.64 h): transient, the daughter is 1.105 of the parent."""
    from lutetia.supply.manufacture import equilibrium_ratios

    assert equilibrium_ratios("Pb-212")["Bi-212"] == pytest.approx(10.64 / (10.64 - 60.55 / 60), rel=1e-3)


def test_dose_to_a_solution_of_yttrium() -> None:
    """933 keV of electrons per decay of 90Y."""
    assert dose_factor_Gy_mL_per_Bq_s("Y-90") == pytest.approx(0.933 * 1.602e-13 / 1e-3, rel=5e-3)


def test_weekly_hours_know_holidays_and_summer_time() -> None:
    origin = dt.datetime(2026, 3, 27, 0, tzinfo=UTC)
    c = weekly_calendar({"fri": "06:00-12:00, 13:00-18:00", "mon": "06:00-18:00"}, "Europe/Berlin", dt.date(2026, 3, 27), dt.date(2026, 4, 6), holidays=[dt.date(2026, 4, 3), dt.date(2026, 4, 6)], origin=origin)
    # Friday in winter time (+1), Monday 30 March in summer time (+2); Good Friday and Easter Monday are closed.
    assert [(a / 3600, b / 3600) for a, b in c.open_s] == [(5.0, 11.0), (12.0, 17.0), (76.0, 88.0)]


def test_a_deadline_that_cannot_be_held_is_proved() -> None:
    pytest.importorskip("ortools")
    cell = [Resource("cell", "cell")]
    two = [Task(n, (Step("s", ("cell",), 3600.0, 1800.0),), deadline_s=9000.0) for n in ("a", "b")]
    assert schedule_batches(two, cell).status == "optimal"
    late = [Task(n, (Step("s", ("cell",), 3600.0, 1800.0),), deadline_s=8940.0) for n in ("a", "b")]
    assert schedule_batches(late, cell).status == "infeasible"
    assert schedule_batches([Task("a", (Step("s", ("cell",), 3600.0),), deadline_s=60.0)], cell).status == "infeasible"
    assert schedule_batches([Task("a", (Step("s", ("cell",), 3600.0),))], [Resource("c", "cell", calendar([(0.0, 1800.0)]))]).status == "infeasible"
    assert schedule_batches([], []).status == "optimal"


def test_a_closed_resource_takes_nothing_until_it_opens() -> None:
    pytest.importorskip("ortools")
    c = calendar([(0.0, 3000.0), (7200.0, 20000.0)])
    s = schedule_batches([Task("a", batch_steps(LU, cleaning_s=600.0))], [Resource("hc", "hot cell", c), Resource("d", "dispenser"), Resource("o", "operator"), Resource("i", "instrument")])
    assert [a.start_s for a in s.assignments] == [0.0, 1800.0, 2400.0] and s.cost == 6000.0
    late = schedule_batches([Task("a", (Step("s", ("hc",), 3600.0),))], [Resource("hc", "hc", c)])
    assert late.assignments[0].start_s == 7200.0


def test_batches_that_are_alike_and_ten_of_a_day() -> None:
    """Four of an hour in two cells that are cleaned for half an hour end after 1, 1, 2.5 and 2.5 h."""
    pytest.importorskip("ortools")
    four = [Task(n, (Step("s", ("cell",), 3600.0, 1800.0), Step("s", ("cell",), 1.0)), weight=1.0) for n in "ab"] + [Task(n, (Step("s", ("cell",), 3600.0, 1800.0),)) for n in "abcd"]
    cells = [Resource("1", "cell"), Resource("2", "cell")]
    assert schedule_batches(four[2:], cells).cost == 7 * 3600.0
    assert schedule_batches(four[:2], cells).status == "optimal"
    rooms = [Resource(n, k) for n, k in (("1", "hot cell"), ("2", "hot cell"), ("a", "operator"), ("b", "operator"), ("d", "dispenser"), ("i", "instrument"))]
    day = schedule_batches([Task(str(k), batch_steps(process("18F-rhPSMA-7"), cleaning_s=1800.0), weight=1 + k % 3) for k in range(10)], rooms, 60.0)
    # Quality control takes 30 min of one instrument: the last cannot end before 16 + 10 + 10 * 30 min.
    assert day.status == "optimal" and max(a.end_s for a in day.assignments) >= 326 * 60


def test_without_ortools_a_sentence_says_what_to_install(monkeypatch) -> None:
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.startswith("ortools"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(CouldNot, match=r"lutetia\[supply\]"):
        schedule_batches([], [])


@pytest.mark.parametrize(("make", "says"), [
    (lambda: process("18F-rhPSMA"), "Did you mean 18F-rhPSMA-7"),
    (lambda: product_label("Pluvict"), "Did you mean Pluvicto"),
    (lambda: Process("p", "Lu-177", 0.0, 0, 0, 0, 0, 0, 0, 1, 1, ""), "nothing would be left"),
    (lambda: Process("p", "Lu-177", 1.1, 0, 0, 0, 0, 0, 0, 1, 1, ""), "yield_fraction is 1.1"),
    (lambda: Process("p", "Lu-177", 0.9, 0, -1, 0, 0, 0, 0, 1, 1, ""), "synthesis_s is -1"),
    (lambda: Process("p", "Lu-177", 0.9, 0, 1, 0, 0, 0, 0, 1, 1, "", 3, 4), "4 failures of 3"),
    (lambda: release_activity_Bq(LU, -1.0), "activity"),
    (lambda: success_interval(0, 0), "at least one batch"),
    (lambda: fill(LU, 0.0, Product(1.0)), "positive activity"),
    (lambda: fill(LU, 1e9, Product(0.0)), "positive volume"),
    (lambda: fill(LU, 1e9, Product(1.0, impurity="Lu-177m")), "both or neither"),
    (lambda: fill(LU, 1e9, Product(1.0, ligand_nmol=0.1)), "nmol"),
    (lambda: fill(LU, 1e9, Product(1.0), [Dose("d", 1e9, 1.0, 1.0)]), "tolerance below 1"),
    (lambda: fill(LU, 1e9, Product(1.0), items=[Item("a", 1.0, loss_fraction=0.6), Item("b", 1.0, loss_fraction=0.4)]), "leave something"),
    (lambda: fill(LU, 1e9, Product(1.0), items=[Item("a", -1.0)]), "no negative time"),
    (lambda: start_for_doses_Bq(LU, []), "no doses"),
    (lambda: start_for_doses_Bq(LU, [Dose("d", 1e9, 1.0)], confidence=1.0), "ask for less"),
    (lambda: earliest_reading_s("Ac-225", "Bi-213", 0.0), "tolerance"),
    (lambda: earliest_reading_s("Ac-225", "Bi-213", 0.01, counts_per_s=1.0, counting_s=100.0), "count longer"),
    (lambda: shown_fraction("Lu-177", "Bi-213", 1.0), "no such progeny"),
    (lambda: earliest_reading_s("Lu-177", "Bi-213"), "no such progeny"),
    (lambda: earliest_reading_s("At-211", "Bi-207"), "does not come into equilibrium"),
    (lambda: fill(LU, 1e9, Product(1.0), [Dose("d", 1e9, 1e10)]), "half-lives of Lu-177"),
    (lambda: start_for_doses_Bq(LU, [Dose("d", 1e9, 1e10)]), "half-lives of Lu-177"),
    (lambda: shown_fraction("Ac-225", "Bi-213", 1.0, {"Lu-177": 1.0}), "not a daughter"),
    (lambda: reading("Ac-225", "Bi-213", 1.0, counts_per_s=1.0), "both above zero"),
    (lambda: line_per_decay("Fr-221", 500), "within 2 keV"),
    (lambda: strip_purity(1.2, "Ac-225", "Bi-213", 1.0), "purity"),
    (lambda: purity_after(0.9, -1.0, 1.0), "radiolysis"),
    (lambda: elapsed_at_volume_s("Lu-177", 0.0, 1.0, 1.0), "above zero"),
    (lambda: Lot(-1.0, 0.0), "lot"),
    (lambda: Lot(1.0, 1.0, 0.0), "leaves after"),
    (lambda: first_violation("Lu-177", [], 0.0), "limit"),
    (lambda: calendar([(2.0, 1.0)]), "after its start"),
    (lambda: weekly_calendar({"mon": "6-18"}, "Europe/Berlin", dt.date(2026, 1, 1), dt.date(2026, 1, 2), origin=dt.datetime(2026, 1, 1, tzinfo=UTC)), "hours"),
    (lambda: weekly_calendar({"monday": "06:00-18:00"}, "Europe/Berlin", dt.date(2026, 1, 1), dt.date(2026, 1, 2), origin=dt.datetime(2026, 1, 1, tzinfo=UTC)), "no day"),
    (lambda: weekly_calendar({}, "Europe/Bonn", dt.date(2026, 1, 1), dt.date(2026, 1, 2), origin=dt.datetime(2026, 1, 1, tzinfo=UTC)), "time zone"),
    (lambda: weekly_calendar({}, "Europe/Berlin", dt.date(2026, 1, 2), dt.date(2026, 1, 1), origin=dt.datetime(2026, 1, 1, tzinfo=UTC)), "days"),
    (lambda: weekly_calendar({}, "Europe/Berlin", dt.date(2026, 1, 1), dt.date(2026, 1, 1), origin=dt.datetime(2026, 1, 1)), "zone"),
])  # fmt: skip
def test_what_cannot_be_is_refused(make, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        make()


@pytest.mark.parametrize(("tasks", "resources", "says"), [
    ([Task("a", (Step("s", ("x",), 1.0),))], [Resource("c", "cell")], "kind 'x'"),
    ([Task("a", (Step("s", ("cell",), 0.0),))], [Resource("c", "cell")], "positive duration"),
    ([Task("a", ())], [Resource("c", "cell")], "no step"),
    ([Task("a", (Step("s", ("cell",), 1.0),))] * 2, [Resource("c", "cell")], "twice"),
    ([], [Resource("c", "cell")] * 2, "twice"),
])  # fmt: skip
def test_what_cannot_be_scheduled_is_refused(tasks, resources, says: str) -> None:
    pytest.importorskip("ortools")
    with pytest.raises(BadInput, match=says):
        schedule_batches(tasks, resources)
