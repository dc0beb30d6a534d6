"""Random scenarios: no crash, nobody outside the window, nobody with less than prescribed, and the ledger closes."""

from __future__ import annotations

import math

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

pytest.importorskip("highspy", reason="needs the extra 'supply'")
pytest.importorskip("ortools", reason="needs the extra 'supply'")
pytest.importorskip("pyvrp", reason="needs the extra 'supply'")

from tests.supply_samples import small_scenario
from tests.supply_validity import faults

from lutetia.supply.network.ledger import ENDS, ledger
from lutetia.supply.network.model import plan_as_dict, plan_from_dict
from lutetia.supply.network.reasons import unserved
from lutetia.supply.network.solve import solve


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 10**6), patients=st.integers(1, 9), fleet=st.booleans(), lanes=st.booleans(), exact=st.booleans())
def test_random_scenarios_give_plans_that_can_be_carried_out(seed: int, patients: int, fleet: bool, lanes: bool, exact: bool) -> None:
    s = small_scenario(seed, patients, fleet=fleet, lanes=lanes)
    p = solve(s, time_limit_s=20, method="auto" if exact else "decomposed")
    assert not faults(s, p)
    assert p.served_weight <= p.served_bound + 1e-9 and p.cost_bound <= p.cost + 1e-9 and 0 <= p.gap <= 1
    left = unserved(s, p)
    assert {d.patient for d in p.doses} | {u.patient for u in left} == {x.id for x in s.patients}
    assert len(p.doses) + len(left) == len(s.patients) and all(u.reason for u in left)
    book = ledger(s, p)
    assert book.closure() < 1e-9
    assert all(e.activity_Bq >= -1e-6 for e in book.entries)
    injected = sum(t["injected"] for t in book.totals_Bq.values())
    assert injected == pytest.approx(sum(x.prescribed_Bq for x in s.patients if x.id in {d.patient for d in p.doses}), rel=1e-9)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_a_plan_goes_through_a_file_unchanged(seed: int) -> None:
    p = solve(small_scenario(seed, 4), time_limit_s=20)
    assert plan_from_dict(plan_as_dict(p)) == p


def test_the_ledger_follows_each_becquerel() -> None:
    """One lot, one dose: the same sums by hand, from decay over the whole way and not stretch by stretch."""
    s = small_scenario(0, 1)
    for seed in range(40):
        s = small_scenario(seed, 1)
        p = solve(s)
        if len(p.doses) == 1 and len(p.lots) == 1:
            break
    book = ledger(s, p)
    (lot, made), = p.lots.values()
    dose, product = p.doses[0], s.products["tracer"]
    chain = 0.95 * product.yield_fraction * 0.95 * 0.98  # recovery, yield, residues and samples, what stays in the vial
    assert dose.injected_Bq == pytest.approx(made * chain * math.exp(-math.log(2) * (dose.injection_s - lot.end_s) / (109.77 * 60)), rel=1e-4)
    assert book.totals_Bq["F-18"]["waste"] == pytest.approx(0.0, abs=1e-6 * made)
    assert sum(book.totals_Bq["F-18"][k] for k in ENDS) == pytest.approx(made, rel=1e-12)
