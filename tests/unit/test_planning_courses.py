"""Courses: sequences of nuclides and activities that differ from cycle to cycle, against sums on paper and against a scan of every proportion."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.planning_samples import sample

from lutetia.agents import largest_studied
from lutetia.core import BadInput, CouldNot
from lutetia.planning import (
    Limit,
    Problem,
    Response,
    Supply,
    best_plan,
    caps_Bq,
    equal,
    judge,
    options,
    woven,
)
from lutetia.planning.optimise import STUDIED, tumour_bed_Gy
from lutetia.radiobiology import bed_Gy

KIDNEY = Limit("kidney", "BED", 40.0)


def falling(r: Response, by: float = 0.6) -> Response:
    """Tumours take up less in each cycle."""
    factor = by ** np.arange(r.cycles)
    regions = {k: dataclasses.replace(x, low_Gy_per_Bq=x.low_Gy_per_Bq * factor, alpha_Gy_per_Bq=x.alpha_Gy_per_Bq * factor) if k in r.tumours else x for k, x in r.regions.items()}
    return dataclasses.replace(r, regions=regions)


def alpha_like(seed: int = 1) -> Response:
    """Doses of an alpha emitter per becquerel, of the same draws as `sample` of this seed."""
    r = sample(seed, nuclide="Ac-225")
    scale = {"kidney": 1.4, "parotid": 3.0, "large": 1.0, "small": 1.6}
    return dataclasses.replace(r, regions={k: dataclasses.replace(x, low_Gy_per_Bq=20 * x.low_Gy_per_Bq, alpha_Gy_per_Bq=600 * scale[k] * x.low_Gy_per_Bq) for k, x in r.regions.items()})


BOTH = {"Lu-177": sample(), "Ac-225": alpha_like()}


def test_the_bed_of_a_course_is_the_sum_over_its_cycles() -> None:
    c = woven(BOTH, ("Lu-177", "Lu-177", "Ac-225"), (2.0, 1.0, 0.002))
    assert c.shape == (1.0, 0.5, 0.001) and not c.alike and c.cycles == 3
    problem = Problem((KIDNEY,), 0.05, organ_rbe=5.0, tumour_rbe=3.0)
    got = judge(problem, c.response, 7e9, 3)
    lu, ac = (r.regions["kidney"] for r in BOTH.values())
    by_hand = sum(np.asarray(bed_Gy(a * lu.low_Gy_per_Bq[:, i], 0.05, 2.6)) for i, a in enumerate((7e9, 3.5e9)))
    by_hand = by_hand + np.asarray(bed_Gy(7e6 * ac.low_Gy_per_Bq[:, 2], 0.05, 2.6)) + 5 * 7e6 * ac.alpha_Gy_per_Bq[:, 2]
    assert got.organ_Gy["kidney"] == pytest.approx(by_hand, rel=1e-12)
    assert judge(problem, c.response, np.full((200, 3), 7e9)).overall_bed_Gy == pytest.approx(tumour_bed_Gy(problem, c.response, 3, 7e9), rel=1e-12)


def test_what_can_be_given_holds_for_each_nuclide_of_a_course() -> None:
    c = woven(BOTH, ("Lu-177", "Ac-225"), (1.0, 0.002))
    caps = caps_Bq(Problem((KIDNEY,), 0.05, Supply(largest_Bq={"Ac-225": 4e6}), {"Lu-177": 9.3e9, "Ac-225": 10e6}, 5.0, 3.0), c)
    assert caps["largest activity that can be given"] == pytest.approx(2e9) and caps[STUDIED] == pytest.approx(5e9)


@pytest.mark.parametrize("order", [("Lu-177", "Ac-225"), ("Ac-225", "Lu-177")])
def test_the_proportion_of_two_nuclides_is_the_best_of_a_fine_scan(order: tuple[str, str]) -> None:
    """Another way to the optimum: every proportion in turn, each at its largest allowed activity."""
    limits = (KIDNEY, Limit("parotid", "absorbed", 20.0))
    problem = Problem(limits, 0.05, organ_rbe=1.5, tumour_rbe=3.0)
    plans = [p for p in options(problem, list(BOTH.values()), [2]) if p.course.nuclides == order]
    own = [best_plan(problem, [BOTH[n]], [2]).activity_Bq for n in order]
    best = 0.0
    for x in np.geomspace(0.25, 4, 400):
        c = woven(BOTH, order, (1.0, x * own[1] / own[0]))
        best = max(best, float(np.quantile(tumour_bed_Gy(problem, c.response, 2, min(caps_Bq(problem, c).values())), 0.5, method="hazen")))
    assert plans[0].overall_bed_Gy == pytest.approx(best, rel=2e-3)


def test_activities_that_may_differ_go_to_the_cycles_that_take_up_most() -> None:
    r, problem = falling(sample(cycles=3, G=0.0)), Problem((Limit("kidney", "absorbed", 23.0),), 0.05, studied_Bq={"Lu-177": 12e9})
    alike, free = (best_plan(problem, [r], [3], unequal=u) for u in (False, True))
    a = free.activities_Bq
    assert alike.course.alike and not free.course.alike and free.overall_bed_Gy > 1.05 * alike.overall_bed_Gy
    assert a[0] == pytest.approx(12e9, rel=0.02) and a[0] > a[1] > a[2]
    assert all(x <= 12e9 * (1 + 1e-9) for x in a) and sum(a) == pytest.approx(sum(alike.activities_Bq), rel=1e-6)  # the kidney, which does not change, counts the sum


def test_without_a_reason_cycles_stay_alike() -> None:
    r = sample(cycles=3, G=0.0)  # no uptake that falls, and no quadratic term in which a large injection weighs more
    assert best_plan(Problem((KIDNEY,), 0.05), [r], [3], unequal=True).course.alike


def test_no_injection_is_larger_than_any_that_was_studied() -> None:
    largest = largest_studied("PSMA-617", "Lu-177")
    assert largest is not None
    p = best_plan(Problem((Limit("kidney", "BED", 80.0),), 0.05, studied_Bq={"Lu-177": largest.activity_Bq}), [sample()], [1])
    assert p.active == STUDIED and p.activity_Bq == 9.3e9


def test_a_least_activity_of_one_nuclide_contradicts_its_limit_by_name() -> None:
    with pytest.raises(CouldNot, match="least activity of a cycle, 20 MBq, contradicts kidney 40 Gy BED"):
        best_plan(Problem((KIDNEY,), 0.05, Supply(least_Bq={"Ac-225": 20e6}), organ_rbe=5.0, tumour_rbe=3.0), [BOTH["Ac-225"]], [4])


def test_courses_that_make_no_sense_are_refused() -> None:
    with pytest.raises(BadInput, match="above zero for each"):
        woven(BOTH, ("Lu-177", "Ac-225"), (1.0, 0.0))
    with pytest.raises(BadInput, match="solve for more cycles"):
        woven(BOTH, ("Lu-177",) * 5, (1.0,) * 5)
    with pytest.raises(BadInput, match="other amounts of ligand"):
        woven({"Lu-177": sample(), "Ac-225": sample(ligand_nmol=20.0)}, ("Lu-177", "Ac-225"), (1.0, 1.0))
    with pytest.raises(BadInput, match="give 1 to 4"):
        equal(sample(), 5)


@given(st.integers(0, 10_000), st.floats(10.0, 60.0), st.sampled_from([0.02, 0.05, 0.2]))
def test_a_sequence_keeps_every_limit_and_a_further_nuclide_never_harms(seed: int, bed: float, risk: float) -> None:
    problem = Problem((Limit("kidney", "BED", bed), Limit("parotid", "absorbed", 25.0)), risk, organ_rbe=5.0, tumour_rbe=3.0)
    table = [sample(seed), alpha_like(seed)]
    plans = options(problem, table, [3], unequal=True)
    assert all(v <= risk for p in plans for v in p.risk.values())
    assert all(p.activities_Bq[0] == pytest.approx(min(p.caps_Bq.values())) for p in plans)
    assert {p.course.nuclides for p in plans} >= {("Lu-177", "Ac-225", "Ac-225"), ("Ac-225", "Lu-177", "Lu-177"), ("Lu-177",) * 3}
    assert plans[0].overall_bed_Gy >= (1 - 1e-9) * max(best_plan(problem, [r], [3]).overall_bed_Gy for r in table)
