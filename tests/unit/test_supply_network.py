"""Plans of small scenarios against everything that could be done, and what happens to them."""

from __future__ import annotations

from dataclasses import replace

import pytest

pytest.importorskip("highspy", reason="needs the extra 'supply'")
pytest.importorskip("ortools", reason="needs the extra 'supply'")
pytest.importorskip("pyvrp", reason="needs the extra 'supply'")

from tests.supply_samples import HOUR, best_by_trying, small_scenario
from tests.supply_validity import faults

from lutetia.core import BadInput
from lutetia.supply.network.candidates import candidates
from lutetia.supply.network.conflicts import smallest_conflict
from lutetia.supply.network.reasons import binding, unserved
from lutetia.supply.network.replan import Disturbance, replan
from lutetia.supply.network.solve import solve


# 120: HiGHS 1.16 hands out values that are not those of its objective, unless it is asked again.
@pytest.mark.parametrize("seed", [*range(24), 120])
def test_small_scenarios_equal_exhaustive_search(seed: int) -> None:
    s = small_scenario(seed, 2 + seed % 5, fleet=seed % 5 != 0)
    weight, cost = best_by_trying(s)
    p = solve(s, time_limit_s=30)
    assert not faults(s, p)
    assert (p.served_weight, p.cost) == pytest.approx((weight, cost), rel=1e-6)
    assert p.gap == pytest.approx(0.0, abs=1e-6)


# 83: HiGHS 1.16 stops on it with an error unless it is solved without presolve.
@pytest.mark.parametrize("seed", [*range(24), 83])
def test_bounds_of_the_decomposition_hold_against_exhaustive_search(seed: int) -> None:
    s = small_scenario(seed, 2 + seed % 5, fleet=seed % 5 != 0)
    weight, cost = best_by_trying(s)
    p = solve(s, time_limit_s=30, method="decomposed")
    assert not faults(s, p)
    assert p.served_weight <= weight + 1e-9 <= p.served_bound + 2e-9
    if p.served_weight == pytest.approx(weight):
        assert p.cost_bound <= cost * (1 + 1e-6) <= p.cost * (1 + 2e-6)


def test_the_smallest_conflict_is_named() -> None:
    s = small_scenario(3, 4)
    two = tuple(replace(p, hospital="h1", earliest_s=32400.0, latest_s=32400.0, must=True) for p in s.patients[:2])
    sites = {**s.sites, "h1": replace(s.sites["h1"], chairs=1)}
    products = {"tracer": replace(s.products["tracer"], occupancy_s=2700.0)}
    s = replace(s, patients=two + tuple(replace(p, must=True) for p in s.patients[2:]), sites=sites, products=products)
    assert smallest_conflict(candidates(s)) in (["p0", "p1"], ["p2"], ["p3"])
    with pytest.raises(BadInput, match="smallest set"):
        solve(s)


def test_a_patient_whom_nothing_reaches_is_named_with_the_nearest_miss() -> None:
    s = small_scenario(8, 3)
    first = replace(s.patients[0], earliest_s=3 * HOUR, latest_s=3.5 * HOUR)
    s = replace(s, patients=(first, *s.patients[1:]))
    p = solve(s)
    missed = next(x for x in unserved(s, p) if x.patient == first.id)
    # The first batch is released at 6.08 h at the earliest (5 h + 5 min + 1 h), and there is the way and 10 min besides.
    assert missed.nearest_miss_s is not None and missed.nearest_miss_s > (6.08 + 1 / 6 - 3.5) * HOUR
    assert "after the window closes" in missed.reason


def test_what_binds_is_found() -> None:
    s = small_scenario(1, 5)
    s = replace(s, sites={k: replace(v, chairs=1 if v.chairs else 0) for k, v in s.sites.items()}, products={"tracer": replace(s.products["tracer"], occupancy_s=3 * HOUR)})
    s = replace(s, patients=tuple(replace(p, hospital="h1", earliest_s=10 * HOUR, latest_s=10.5 * HOUR, prescribed_Bq=1e7) for p in s.patients))
    p = solve(s)
    found = binding(s, p)
    assert len(p.doses) == 1 and found[0].resource == "chairs" and found[0].gained_weight > 0
    assert all("chairs" in x.reason for x in unserved(s, p, found))


@pytest.mark.parametrize("seed", range(12))
def test_a_new_plan_is_never_worse_than_doing_nothing(seed: int) -> None:
    s = small_scenario(seed, 5)
    p = solve(s)
    if not p.lots:
        pytest.skip("nobody can be served in this one")
    lot = next(iter(p.lots.values()))[0]
    r = replan(s, p, [Disturbance("lot-failed", lot.id)], lot.start_s)
    assert not faults(r.scenario, r.plan)
    assert r.nothing <= {x.id for x in s.patients}
    assert len(r.nothing) < len(p.doses) or not any(lot.id == d.lot for b in p.batches for d in b.draws)
    weights = {x.id: x.priority for x in s.patients}
    assert r.plan.served_weight >= sum(weights[x] for x in r.nothing) - 1e-9
    assert lot.id not in r.plan.lots


@pytest.mark.parametrize("seed", range(12))
def test_what_has_begun_stays(seed: int) -> None:
    s = small_scenario(seed, 5)
    p = solve(s)
    if len(p.batches) == 0:
        pytest.skip("nobody can be served in this one")
    now = sorted(b.release_s for b in p.batches)[0] + 1
    r = replan(s, p, [Disturbance("patient-cancelled", p.doses[-1].patient)], now)
    assert not faults(r.scenario, r.plan)
    after = {b.id: b for b in r.plan.batches}
    for b in p.batches:
        if b.start_s < now:
            assert after[b.id].start_Bq == pytest.approx(b.start_Bq, rel=1e-6)
    # Nobody else is moved when one is taken out.
    assert not r.moved and not r.lost


def test_unknown_disturbances_are_refused() -> None:
    s = small_scenario(2, 3)
    p = solve(s)
    with pytest.raises(BadInput, match="not a kind"):
        replan(s, p, [Disturbance("strike", "lab")], 0.0)
    with pytest.raises(BadInput, match="no 'lane9'"):
        replan(s, p, [Disturbance("lane-cancelled", "lane9")], 0.0)
