"""What must hold of any simulated plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.risk_samples import HOUR, small_plan

from lutetia.supply.network.model import Scenario
from lutetia.supply.network.risk import Hazards, simulate_risk
from lutetia.supply.network.risk_model import Outage, Risk, Spare

shares = st.floats(0.0, 1.0)
sizes = {"batches": st.integers(1, 4), "per": st.integers(1, 4), "hospitals": st.integers(1, 3), "extra": st.floats(1.0, 2.0)}


def simulated(plan: tuple, seed: int = 1, **options: Any) -> Risk:
    return simulate_risk(*plan, runs=60, seed=seed, **{"spares": (), **options})


def with_success(s: Scenario, lot: float, batch: float, lane: float) -> Scenario:
    return replace(
        s, machines=tuple(replace(m, success=lot) for m in s.machines), products={k: replace(p, success=batch) for k, p in s.products.items()}, lanes=tuple(replace(x, success=lane) for x in s.lanes)
    )


@settings(max_examples=40, deadline=None)
@given(st.fixed_dictionaries(sizes), shares, shares, shares, st.integers(0, 2), st.floats(0.0, 1.0), st.integers(1, 10**6))
def test_what_fails_less_never_loses_more(size: dict, lot: float, batch: float, lane: float, which: int, better: float, seed: int) -> None:
    s, plan = small_plan(**size)
    base = [lot, batch, lane]
    more = list(base)
    more[which] = base[which] + better * (1 - base[which])
    a, b = (simulated((with_success(s, *p), plan), seed) for p in (base, more))
    assert b.lost.mean <= a.lost.mean and b.lost_without_recourse.mean <= a.lost_without_recourse.mean
    # Run by run: no number of patients is exceeded in more runs.
    assert (np.cumsum(b.counts) >= np.cumsum(a.counts)).all()


@settings(max_examples=30, deadline=None)
@given(st.fixed_dictionaries(sizes), shares, shares, shares, st.floats(0.0, 0.3), st.integers(1, 10**6))
def test_sums_over_causes_places_and_patients_agree(size: dict, lot: float, batch: float, lane: float, u: float, seed: int) -> None:
    s, plan = small_plan(**size, lot_success=lot, batch_success=batch, u_yield=u, lane={"success": lane, "late": 0.5, "delay_s": HOUR}, window_h=1)
    r = simulated((s, plan), seed, hazards=Hazards({"lab": Outage(50 * HOUR, HOUR)}, {"x": (0.3, HOUR)}, tolerance=0.01))
    for parts in (r.causes.values(), [x.lost for x in r.hospitals], [x.lost for x in r.batches]):
        assert sum(x.mean for x in parts) == pytest.approx(r.lost.mean, abs=1e-9)
    assert sum(1 - x.value for x in r.treated.values()) == pytest.approx(r.lost.mean, abs=1e-9)
    assert r.counts.sum() == r.runs and r.counts @ np.arange(len(r.counts)) == pytest.approx(r.not_treated.mean * r.runs)
    assert 0 <= r.lost.mean <= r.lost_without_recourse.mean <= r.planned
    assert all(0 <= x.low <= x.value <= x.high <= 1 for x in r.treated.values())


@settings(max_examples=30, deadline=None)
@given(st.fixed_dictionaries(sizes), shares, shares, shares, st.floats(1.0, 3.0), st.integers(1, 10**6))
def test_a_spare_never_takes_more_than_is_lost_nor_takes_away(size: dict, lot: float, batch: float, lane: float, spare: float, seed: int) -> None:
    plan = small_plan(**size, lot_success=lot, batch_success=batch, lane={"success": lane}, spare=spare)
    r = simulated(plan, seed, spares=None)
    lost = 1000 * r.lost.mean / r.demanded
    assert all(-1e-9 <= x.gained_per_1000.mean <= lost + 1e-9 for x in r.spares)


@settings(max_examples=20, deadline=None)
@given(st.fixed_dictionaries(sizes), st.floats(0.01, 0.3), st.floats(0.0, 0.3), st.floats(0.0, 0.3), st.integers(1, 10**6))
def test_more_margin_loses_no_more(size: dict, u: float, little: float, more: float, seed: int) -> None:
    plan = small_plan(**size, u_yield=u, spare=2.0)
    spares = [Spare("margin", "x", 0.01 + little), Spare("margin", "x", 0.01 + little + more)]
    gained = {x.spare.amount: x.gained_per_1000.mean for x in simulated(plan, seed, spares=spares).spares}
    assert 0 <= gained[spares[0].amount] <= gained[spares[1].amount] + 1e-9
