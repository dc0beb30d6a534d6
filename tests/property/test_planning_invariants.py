"""What holds of every plan: it sits on a constraint, follows its limit, and never gains by a tighter one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planning_samples import sample

from lutetia.planning import Limit, Problem, Supply, best_plan, options
from lutetia.planning.optimise import bearable_Bq, label

seeds = st.integers(0, 10_000)
beds = st.floats(5.0, 80.0)
risks = st.floats(0.02, 0.4)


@given(seeds, beds, st.floats(2.0, 60.0), risks, st.sampled_from([float("inf"), 3e9, 20e9]))
def test_a_plan_sits_on_what_holds_it(seed: int, bed: float, dose: float, risk: float, largest: float) -> None:
    limits = (Limit("kidney", "BED", bed), Limit("parotid", "absorbed", dose))
    problem, r = Problem(limits, risk, Supply(largest_Bq=largest)), sample(seed)
    for p in options(problem, [r]):
        assert p.activity_Bq == pytest.approx(min(p.caps_Bq.values())) and p.activity_Bq == p.caps_Bq[p.active]
        assert all(v <= risk for v in p.risk.values())
        for x in limits:
            if label(x) == p.active:  # a hair more activity, and one draw more is beyond its limit
                bear = bearable_Bq(problem, r, x, p.cycles)
                assert (bear < p.activity_Bq * (1 + 1e-9)).sum() == (bear < p.activity_Bq * (1 - 1e-9)).sum() + 1
                assert p.risk[label(x)] + 2 / r.draws > risk


@given(seeds, st.floats(1.0, 15.0), st.floats(1.1, 4.0), st.integers(1, 4))
def test_activity_follows_an_absorbed_dose_in_proportion(seed: int, dose: float, times: float, cycles: int) -> None:
    r, limit = sample(seed), Limit("parotid", "absorbed", dose)
    one, more = (best_plan(Problem((x,), 0.05), [r], [cycles]).activity_Bq for x in (limit, limit.times(times)))
    assert more == pytest.approx(times * one, rel=1e-12)


@given(seeds, st.floats(1.0, 10.0), st.floats(1.1, 3.0))
def test_without_a_quadratic_term_a_bed_is_followed_in_proportion_and_with_one_less(seed: int, bed: float, times: float) -> None:
    limit = Limit("kidney", "BED", bed)
    straight, curved = ([best_plan(Problem((x,), 0.05), [sample(seed, G=g)], [2]).activity_Bq for x in (limit, limit.times(times))] for g in (0.0, 0.1))
    assert straight[1] == pytest.approx(times * straight[0], rel=1e-12)
    assert curved[0] < curved[1] < times * curved[0]


@given(seeds, beds, risks, risks)
def test_a_smaller_risk_never_gives_more(seed: int, bed: float, a: float, b: float) -> None:
    r = sample(seed)
    low, high = (best_plan(Problem((Limit("kidney", "BED", bed),), e), [r]) for e in sorted((a, b)))
    assert low.overall_bed_Gy <= high.overall_bed_Gy
    for n in range(1, 5):
        low, high = (best_plan(Problem((Limit("kidney", "BED", bed),), e), [r], [n]) for e in sorted((a, b)))
        assert low.activity_Bq <= high.activity_Bq


@given(seeds, beds, st.floats(2.0, 60.0))
def test_a_further_limit_never_helps_and_a_further_choice_never_harms(seed: int, bed: float, dose: float) -> None:
    r, other = sample(seed), sample(seed + 1, ligand_nmol=100.0)
    kidney, parotid = Limit("kidney", "BED", bed), Limit("parotid", "absorbed", dose)
    one, both = (best_plan(Problem(x, 0.05), [r]) for x in ((kidney,), (kidney, parotid)))
    assert both.overall_bed_Gy <= one.overall_bed_Gy * (1 + 1e-12)
    assert best_plan(Problem((kidney,), 0.05), [r, other]).overall_bed_Gy >= one.overall_bed_Gy
    assert best_plan(Problem((kidney,), 0.05), [r], [1, 2, 3, 4]).overall_bed_Gy >= best_plan(Problem((kidney,), 0.05), [r], [2, 3]).overall_bed_Gy


@given(seeds, beds, st.floats(0.0, 30.0), st.floats(0.0, 30.0))
def test_what_was_given_leaves_less(seed: int, bed: float, a: float, b: float) -> None:
    r = sample(seed)
    few, many = sorted((a, b))
    if many < bed:
        less, more = (best_plan(Problem((Limit("kidney", "BED", bed),), 0.05, used_Gy={"kidney": u}), [r], [2]).activity_Bq for u in (many, few))
        assert less <= more
