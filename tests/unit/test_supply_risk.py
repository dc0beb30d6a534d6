"""A plan carried out many times: losses that can be written down, what a spare gives back, and sentences for bad input."""

from __future__ import annotations

import math
from dataclasses import replace

import numba
import numpy as np
import pytest
from scipy.stats import binom, chisquare, norm
from tests.risk_samples import HOUR, small_plan
from tests.supply_samples import small_scenario

from lutetia.core import BadInput
from lutetia.supply.network import risk
from lutetia.supply.network.model import Departure, Lane
from lutetia.supply.network.risk import simulate_risk, wilson
from lutetia.supply.network.risk_model import Estimate, Hazards, Outage, Risk, Spare
from lutetia.supply.network.solve import solve

RUNS = 20_000


def near(found: Estimate, expected: float, sigmas: float = 4.0) -> bool:
    return abs(found.mean - expected) <= sigmas * found.standard_error + 1e-12


def simulated(s_and_plan: tuple, **options: object) -> Risk:
    return simulate_risk(*s_and_plan, **{"runs": RUNS, "spares": (), **options})  # type: ignore[arg-type]


def gained(s_and_plan: tuple, spare: Spare, **options: object) -> Estimate:
    """Patients gained in a run, not for each 1000."""
    value = simulated(s_and_plan, spares=(spare,), **options).spares[0].gained_per_1000
    n = len(s_and_plan[0].patients) / 1000
    return Estimate(value.mean * n, value.standard_error * n, value.low * n, value.high * n)


@pytest.mark.parametrize("cause", ["lot", "batch"])
def test_a_lot_or_batch_that_fails_takes_all_its_patients(cause: str) -> None:
    r = simulated(small_plan(per=7, **{f"{cause}_success": 0.83}))
    assert near(r.lost, 7 * 0.17)
    assert r.counts[[0, 7]].sum() == RUNS and r.causes[cause].mean == r.lost.mean
    assert r.none_lost.low < 0.83 < r.none_lost.high and r.lost.standard_error == pytest.approx(7 * math.sqrt(0.83 * 0.17 / RUNS), rel=0.02)
    assert r.quantiles == {"5": 0, "50": 0, "95": 7}


def test_independent_batches_fail_as_a_binomial() -> None:
    r = simulated(small_plan(6, 2, batch_success=0.7, hospitals=6))
    expected = RUNS * binom.pmf(np.arange(7), 6, 0.3)
    assert r.counts[1::2].sum() == 0
    assert chisquare(r.counts[::2], expected).pvalue > 1e-3
    assert all(near(b.lost, 0.6) and b.failed is not None and abs(b.failed.value - 0.3) < 0.02 for b in r.batches)


@pytest.mark.parametrize(("u", "over"), [(0.1, 1.15), (0.2, 1.05), (0.05, 1.0)])
def test_a_yield_falls_short_of_need_as_its_distribution_says(u: float, over: float) -> None:
    r = simulated(small_plan(per=4, u_yield=u, extra=over))
    # So many patients are lost if the batch holds less than what four, three, two or one of them need.
    short = [norm.cdf((k / 4 / over - 1) / u) for k in (4, 3, 2, 1)]
    assert near(r.lost, sum(short))
    assert near(r.causes["yield"], sum(short)) and abs(r.none_lost.value - (1 - short[0])) < 4 * math.sqrt(0.25 / RUNS)


def test_a_yield_is_never_above_all_of_the_activity() -> None:
    s, plan = small_plan(per=1, u_yield=0.2, yield_fraction=0.95, extra=0.94)
    # Without a bound a sixth of the batches would give over 1.2 times the mean; one at 1 / 0.95 is short of 1 / 0.94.
    assert simulated((s, plan)).lost.mean == 1.0


@pytest.mark.parametrize("seed", range(4))
def test_without_failures_nobody_is_lost(seed: int) -> None:
    for name in ("highspy", "ortools", "pyvrp"):
        pytest.importorskip(name, reason="needs the extra 'supply'")
    s = small_scenario(seed)
    r = simulated((s, solve(s, time_limit_s=5)), runs=50)
    assert r.planned > 0 and r.lost.mean == 0.0 and r.none_lost.value == 1.0
    assert r.not_treated.mean == r.demanded - r.planned and r.counts[r.demanded - r.planned] == 50


def test_a_shipment_that_fails_is_lost_or_takes_the_next_departure() -> None:
    assert near(simulated(small_plan(per=2, lane={"success": 0.8})).lost, 2 * 0.2)
    two = (Departure(3 * HOUR, 5 * HOUR), Departure(4 * HOUR, 8 * HOUR))
    late = simulated(small_plan(per=2, lane={"success": 0.8}, departures=two))
    assert near(late.lost, 2 * 0.2) and near(late.causes["shipment"], 2 * 0.2)  # the second comes after the window
    in_time = simulated(small_plan(per=2, lane={"success": 0.8}, departures=two, window_h=4, extra=1.1))
    assert near(in_time.lost, 2 * 0.2**2)


def test_shipments_on_one_departure_fail_together() -> None:
    r = simulated(small_plan(3, 2, lane={"success": 0.8}, departures=(Departure(3 * HOUR, 5 * HOUR),)))
    assert r.counts[[0, 6]].sum() == RUNS and near(r.lost, 6 * 0.2)


def test_a_delay_is_lost_when_it_leaves_the_window() -> None:
    plan = small_plan(per=2, lane={"late": 0.4, "delay_s": 2 * HOUR}, window_h=3, extra=1.2)
    r = simulated(plan)
    assert near(r.lost, 2 * 0.4 * math.exp(-3 / 2)) and near(r.causes["delay"], r.lost.mean)
    # Without activity in reserve every delay costs one of two patients at least: what is left is not enough for both.
    none = simulated(small_plan(per=2, lane={"late": 0.4, "delay_s": 2 * HOUR}, window_h=3))
    assert near(none.lost, 0.4 + 0.4 * math.exp(-3 / 2))


def test_a_late_release_takes_time_but_no_activity_needed() -> None:
    r = simulated(small_plan(per=3), hazards=Hazards(qc_late={"x": (0.3, HOUR)}))
    assert near(r.lost, 3 * 0.3)  # vials are there just in time
    s, plan = small_plan(per=3, window_h=2, extra=1.1)
    assert near(simulated((s, plan), hazards=Hazards(qc_late={"x": (0.3, HOUR)})).lost, 3 * 0.3 * math.exp(-2))


def test_outages_meet_a_lot_as_a_poisson_process() -> None:
    # Outages that touch a span are Poisson with mean (length + mean outage) / interval (M/G/infinity in its steady state).
    r = simulated(small_plan(per=2), hazards=Hazards({"machine0": Outage(10 * HOUR, 3 * HOUR)}))
    assert near(r.lost, 2 * (1 - math.exp(-(1 + 3) / 10))) and near(r.causes["outage"], r.lost.mean)
    lab = simulated(small_plan(2, 1), hazards=Hazards({"lab": Outage(20 * HOUR, 2 * HOUR)}))
    assert near(lab.lost, 2 * (1 - math.exp(-(1 + 2) / 20))) and lab.counts[1] == 0  # both are in synthesis at once


def test_traffic_delays_a_tour() -> None:
    spread = math.sqrt(math.log1p(0.3**2))
    r = simulated(small_plan(per=1, tour=True, window_h=1, extra=1.1), hazards=Hazards(traffic=0.3))
    # Two hours on the road and one in reserve.
    assert near(r.lost, float(norm.sf((math.log(1.5) + spread**2 / 2) / spread)))


def test_a_tolerance_lets_less_be_injected() -> None:
    plan = small_plan(per=1, u_yield=0.1)
    assert near(simulated(plan).lost, 0.5)
    assert near(simulated(plan, hazards=Hazards(tolerance=0.1)).lost, float(norm.cdf(-1)))


def test_another_batch_helps_out_with_what_it_has_left() -> None:
    r = simulated(small_plan(2, 3, batch_success=0.8, extra=2.0))
    assert near(r.lost_without_recourse, 6 * 0.2) and near(r.lost, 6 * 0.2**2)
    assert near(simulated(small_plan(2, 3, batch_success=0.8, extra=2.0, hospitals=2)).lost, 6 * 0.2)
    assert near(simulated(small_plan(2, 3, batch_success=0.8, extra=4 / 3)).lost, 2 * 0.8 * 0.2 * 2 + 6 * 0.2**2)  # room for one


def test_help_goes_to_the_first_in_priority() -> None:
    s, plan = small_plan(2, 2, batch_success=0.8, extra=1.5)
    s = replace(s, patients=tuple(replace(p, priority=5.0) if p.id in ("p0.1", "p1.1") else p for p in s.patients))
    r = simulated((s, plan))
    assert r.treated["p0.1"].value > 0.94 and r.treated["p0.0"].value < 0.82


def test_who_comes_late_waits_for_a_chair() -> None:
    # Two chairs for half an hour each; b0 is for six o'clock and always a second late, b1 has the chairs from half past six.
    s, p = small_plan(2, 2, chairs=2, occupancy_h=0.5, window_h=6, extra=1.1, lane={"late": 1.0, "delay_s": 1.0})
    p = replace(p, doses=tuple(replace(d, injection_s=6.5 * HOUR) if d.batch == "b1" else d for d in p.doses))

    def lost(latest_h: float, occupancy_h: float) -> Risk:
        who = tuple(replace(x, latest_s=latest_h * HOUR) if x.id.startswith("p0") else x for x in s.patients)
        return simulated((replace(s, patients=who, products={"x": replace(s.products["x"], occupancy_s=occupancy_h * HOUR)}), p), runs=100)

    assert lost(7.0, 0.4).lost.mean == 0.0  # done before the next come
    assert lost(7.0, 0.5).lost.mean == 0.0  # after the next have gone, at seven
    late = lost(6.9, 0.5)
    assert late.lost.mean == 2.0 == late.causes["chairs"].mean


def test_a_tour_waits_only_as_long_as_nobody_else_suffers() -> None:
    # One cell: the second batch is released at four, an hour late. Both are to leave at three on one tour of two hours.
    s, p = small_plan(2, 1, cells=1, tour=True, window_h=1, extra=1.1)
    p = replace(p, tours=(replace(p.tours[0], stops=(("way0", 5 * HOUR), ("way1", 5 * HOUR))),), deliveries=tuple(replace(x, tour="tour0") for x in p.deliveries))
    strict = simulated((s, p), runs=10)
    assert strict.treated["p0.0"].value == 1.0 and strict.treated["p1.0"].value == 0.0 and strict.causes["delay"].mean == 1.0
    easy = replace(p, doses=tuple(replace(d, injection_s=7 * HOUR) if d.batch == "b0" else d for d in p.doses))
    assert simulated((s, easy), runs=10).lost.mean == 0.0
    # The same vehicle on two tours: the late first one is given up where the second would suffer, and driven where not.
    first = replace(p.tours[0], id="tour1", stops=(("way1", 5 * HOUR),), return_s=7 * HOUR)
    second = replace(p.tours[0], stops=(("way0", 9 * HOUR),), depart_s=7 * HOUR, return_s=11 * HOUR)
    two = replace(p, tours=(first, second), deliveries=tuple(replace(x, tour="tour0" if x.id == "way0" else "tour1") for x in p.deliveries))
    s = replace(s, patients=tuple(replace(x, latest_s=12 * HOUR) for x in s.patients))
    tight = replace(two, doses=tuple(replace(d, injection_s=10 * HOUR) if d.batch == "b0" else d for d in p.doses))
    loose = replace(two, doses=tuple(replace(d, injection_s=11 * HOUR) if d.batch == "b0" else d for d in p.doses))
    assert simulated((s, tight), runs=10).treated["p1.0"].value == 0.0 and simulated((s, tight), runs=10).treated["p0.0"].value == 1.0
    assert simulated((s, loose), runs=10).lost.mean == 0.0


def test_a_spare_batch_is_a_second_try() -> None:
    assert near(gained(small_plan(per=5, batch_success=0.8), Spare("batch", "lab")), 5 * 0.8 * 0.2)
    # One a day for two batches: of both failing, one is helped.
    two = gained(small_plan(2, 5, batch_success=0.8, hospitals=2), Spare("batch", "lab"))
    assert near(two, 5 * 0.8 * (1 - 0.8**2))


def test_a_spare_cell_needs_activity_and_time() -> None:
    late = {"window_h": 5, "extra": 1.2}
    assert near(gained(small_plan(per=5, batch_success=0.8, spare=3.0, **late), Spare("cell", "lab")), 5 * 0.8 * 0.2)
    assert gained(small_plan(per=5, batch_success=0.8, spare=1.0, **late), Spare("cell", "lab")).mean == 0.0
    assert gained(small_plan(per=5, batch_success=0.8, spare=3.0), Spare("cell", "lab")).mean == 0.0  # the window has closed


def test_a_second_source_and_a_spare_machine() -> None:
    assert near(gained(small_plan(per=4, lot_success=0.7), Spare("source", "machine0")), 4 * 0.7 * 0.3)
    assert gained(small_plan(per=4, lot_success=0.7), Spare("machine", "machine0")).mean == 0.0  # an hour too late
    again = small_plan(per=4, lot_success=0.7, window_h=2)  # the lot is as fresh an hour later, and so are the doses
    assert near(gained(again, Spare("machine", "machine0")), 4 * 0.7 * 0.3)
    s, plan = again
    lot = replace(plan.lots["lot0"][0], start_s=HOUR)  # a discharge has no length: when to begin again is not known
    assert gained((s, replace(plan, lots={"lot0": (lot, plan.lots["lot0"][1])})), Spare("machine", "machine0")).mean == 0.0


def test_a_courier_takes_what_fails_or_is_late() -> None:
    assert near(gained(small_plan(per=4, lane={"success": 0.7}), Spare("courier", "lab")), 4 * 0.3)
    assert near(gained(small_plan(per=4, lane={"late": 0.4, "delay_s": HOUR}), Spare("courier", "lab")), 4 * 0.4)
    # One drive at a time: two shipments that fail at once, of which it can take one.
    r = simulated(small_plan(2, 4, lane={"success": 0.7}, hospitals=2), spares=(Spare("courier", "lab"),))
    assert abs(8 * r.spares[0].gained_per_1000.mean / 1000 - 4 * (1 - 0.7**2)) < 0.06
    assert gained(small_plan(per=4, lane={"success": 0.7}), Spare("courier", "h0")).mean == 0.0


def test_a_margin_gives_what_the_lots_can() -> None:
    u, k = 0.1, norm.cdf
    whole = small_plan(per=1, u_yield=u, spare=2.0)
    assert near(gained(whole, Spare("margin", "x", 0.1)), k(0) - k((1 / 1.1 - 1) / u))
    assert near(gained(small_plan(per=1, u_yield=u, spare=1.05), Spare("margin", "x", 0.1)), k(0) - k((1 / 1.05 - 1) / u))
    assert gained(small_plan(per=1, u_yield=u), Spare("margin", "x", 0.1)).mean == 0.0


def test_spares_are_ranked_and_one_of_each_kind_is_tried() -> None:
    r = simulated(small_plan(2, 3, lot_success=0.9, batch_success=0.8, u_yield=0.05, lane={"success": 0.95}), runs=500, spares=None)
    values = [x.gained_per_1000.mean for x in r.spares]
    assert {x.spare.kind for x in r.spares} == {"cell", "batch", "courier", "machine", "source", "margin"}
    assert values == sorted(values, reverse=True) and values[0] > 0 and len({x.spare.name for x in r.spares}) == len(r.spares)


def test_a_shipment_to_the_lab_that_is_late_delays_the_batch() -> None:
    s, plan = small_plan(per=2, window_h=3, extra=1.1)
    s = replace(s, sites={**s.sites, "mine": replace(s.sites["lab"], id="mine", cells=0)}, lanes=(*s.lanes, Lane("up", "mine", "lab", "road", 0.0, success=0.9, late=0.5, delay_s=2 * HOUR)))
    lot, made = plan.lots["lot0"]
    b = plan.batches[0]
    plan = replace(plan, lots={"lot0": (replace(lot, site="mine"), made)}, batches=(replace(b, draws=(replace(b.draws[0], lane="up", depart_s=HOUR, arrive_s=HOUR),)),))
    r = simulated((s, plan))
    assert near(r.causes["shipment"], 2 * 0.1) and near(r.causes["delay"], 2 * 0.9 * 0.5 * math.exp(-3 / 2))


def test_one_cell_keeps_a_late_batch_waiting() -> None:
    both = small_plan(2, 1, cells=1, hospitals=2)  # both are to start at once in one cell: the second starts when the first is done
    assert simulated(both, runs=10).lost.mean == 1.0
    assert simulated(small_plan(2, 1, cells=1, hospitals=2, window_h=1, extra=1.1), runs=10).lost.mean == 0.0


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one processor")
def test_threads_blocks_and_seed() -> None:
    plan = small_plan(3, 3, lot_success=0.9, batch_success=0.9, u_yield=0.1, lane={"success": 0.9, "late": 0.3, "delay_s": 600.0}, window_h=1, extra=1.1)
    h = Hazards({"lab": Outage(100 * HOUR, HOUR)}, {"x": (0.2, 600.0)})

    def told(seed: int = 5) -> str:
        r = simulated(plan, runs=1500, seed=seed, hazards=h, spares=None)
        return repr(replace(r, counts=None)) + repr(r.counts.tolist())  # type: ignore[arg-type]

    threads = numba.get_num_threads()
    first = told()
    try:
        numba.set_num_threads(1)
        assert told() == first
    finally:
        numba.set_num_threads(threads)
    assert told(6) != first
    # Blocks are of the memory, not of the numbers.
    whole = risk._BLOCK
    try:
        risk._BLOCK = 2000
        assert told() == first
    finally:
        risk._BLOCK = whole


def test_what_is_not_given_is_said() -> None:
    r = simulated(small_plan(), runs=10)
    said = " ".join(r.notes)
    assert all(x in said for x in ("machine machine0", "product x", "lane h0", "late release of x", "outages of lab, machine0"))
    assert "failure" not in " ".join(simulated(small_plan(lot_success=0.9, batch_success=0.9, lane={"success": 0.9}), runs=10).notes)


# Newcombe 1998 (doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E), table I, score method without correction.
@pytest.mark.parametrize(("count", "number", "low", "high"), [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)])
def test_wilson_intervals_as_published(count: int, number: int, low: float, high: float) -> None:
    found = wilson(count, number)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"runs": 0}, "runs"), ({"hazards": Hazards({"machine9": Outage(1.0, 1.0)})}, "machine9"), ({"hazards": Hazards({"lab": Outage(0.0, 1.0)})}, "lab"),
        ({"hazards": Hazards(qc_late={"y": (0.1, 1.0)})}, "'y'"), ({"hazards": Hazards(qc_late={"x": (1.1, 1.0)})}, "1.1"), ({"hazards": Hazards(traffic=-0.1)}, "traffic"),
        ({"hazards": Hazards(tolerance=1.0)}, "tolerance"), ({"spares": (Spare("cel", "lab"),)}, "cell"), ({"spares": (Spare("cell", "h0"),)}, "'h0'"),
        ({"spares": (Spare("margin", "x"),)}, "margin"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(options: dict, words: str) -> None:
    with pytest.raises(BadInput, match=words) as e:
        simulated(small_plan(), **{"runs": 10, **options})
    assert str(e.value).endswith((".", "?"))
