"""Planning: protraction, risk, goals, limits, what was given, and what a scan is worth; each against another way to the same number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm
from tests.planning_samples import region, sample, spread

from lutetia.core import BadInput, CouldNot
from lutetia.kinetics.pbpk import (
    Patient,
    parameter_set,
    published_uptake_factors,
    simulate_cycles,
    virtual_patients,
)
from lutetia.planning import (
    Given,
    Limit,
    Problem,
    SizeLaw,
    Supply,
    activity_at_Gy,
    bed_limited_cycles,
    best_plan,
    convention,
    given_bed_Gy,
    judge,
    largest_activity_Bq,
    likelihood_weights,
    limit_conventions,
    options,
    organs_of,
    overall_bed_Gy,
    protraction,
    resampled,
    responses,
    surviving_weights,
    value_of_scan,
    weighted_quantile,
)
from lutetia.planning.optimise import DELIVERED, HOT
from lutetia.radiobiology import bed_Gy, lea_catcheside

KIDNEY_40 = Limit("kidney", "BED", 40.0)


# protraction


@pytest.mark.parametrize(("coefficients", "half_lives_h"), [((1.0, 0.3), (50.0, 8.0)), ((1.0, -1.0), (60.0, 1.5)), ((1.0, -0.7, 0.2), (80.0, 4.0, 0.5))])
def test_protraction_of_points_is_that_of_the_exponentials_they_lie_on(coefficients: tuple[float, ...], half_lives_h: tuple[float, ...]) -> None:
    t = np.array([0.0, *np.geomspace(0.01, 900, 300)])
    rates = np.log(2) / np.array(half_lives_h)
    curve = np.exp(-np.outer(t, rates)) @ np.array(coefficients)
    found = protraction(t, curve[None], 2.8)[0]
    assert found == pytest.approx(lea_catcheside(coefficients, rates / 3600, 2.8 * 3600), rel=2e-3)


def test_protraction_refuses_a_curve_that_still_rises() -> None:
    with pytest.raises(BadInput, match="still rises"):
        protraction(np.array([0.0, 1.0, 2.0]), np.array([[1.0, 1.5, 2.0]]), 2.8)


# risk


def test_the_activity_at_a_limit_is_the_root_that_a_search_finds() -> None:
    rng = np.random.default_rng(2)
    l, q = 10 ** rng.uniform(-11, -8, 20), 10 ** rng.uniform(-24, -18, 20)
    found = activity_at_Gy(l, q, 40.0)
    for a, b, c in zip(l, q, found):
        assert c == pytest.approx(brentq(lambda x, a=a, b=b: a * x + b * x * x - 40.0, 0, 40 / a, xtol=1e-6, rtol=1e-13), rel=1e-9)
    assert np.array_equal(activity_at_Gy(l, q, -1.0), np.zeros(20))


@pytest.mark.parametrize("draws", [40, 60, 200])
def test_a_further_draw_exceeds_its_limit_no_more_often_than_the_risk(draws: int) -> None:
    """Mean over many samples of the exact probability of a further draw, from the distribution function."""
    rng = np.random.default_rng(3)
    beyond = [norm.cdf(math.log(largest_activity_Bq(np.exp(rng.standard_normal(draws)), 0.05))) for _ in range(4000)]
    k = math.floor(0.05 * (draws + 1))
    assert np.mean(beyond) == pytest.approx(k / (draws + 1), abs=0.002) and k / (draws + 1) <= 0.05


def test_weights_that_are_alike_change_nothing_and_a_draw_counted_twice_is_two() -> None:
    x = np.random.default_rng(4).exponential(size=99)
    assert largest_activity_Bq(x, 0.1, np.full(99, 7.0)) == largest_activity_Bq(x, 0.1)
    assert weighted_quantile(x, 0.3, np.ones(99)) == pytest.approx(weighted_quantile(x, 0.3), rel=1e-12)
    assert weighted_quantile(np.array([1.0, 2.0]), 0.5, np.array([9.0, 1.0])) < 1.5


def test_too_few_draws_for_a_risk_are_refused() -> None:
    with pytest.raises(BadInput, match="cannot show a risk of 0.001"):
        largest_activity_Bq(np.arange(1.0, 100.0), 0.001)


# goals


def test_the_overall_bed_is_that_of_the_cells_that_are_left() -> None:
    bed, mass = np.array([20.0, 35.0, 60.0]), np.array([5.0, 100.0, 1.0])
    left = sum(m * math.exp(-0.147 * b) for m, b in zip(mass, bed)) / sum(mass)
    assert math.exp(-0.147 * float(overall_bed_Gy(bed, mass, 0.147))) == pytest.approx(left, rel=1e-12)
    assert float(overall_bed_Gy(np.full(3, 5000.0), mass, 0.147)) == pytest.approx(5000.0)
    assert surviving_weights(bed, mass, 0.147)[1] == pytest.approx(100 * math.exp(-0.147 * 35) / (left * 106), rel=1e-12)


@pytest.mark.parametrize("exponent", [0.0, 1.0, 1.7, 2.0, 3.0])
def test_a_size_law_keeps_its_number_and_its_volume(exponent: float) -> None:
    v, n = SizeLaw(200, 0.001, 0.5, exponent).bins()
    whole = quad(lambda x: x**-exponent, 0.001, 0.5, points=(0.002, 0.01, 0.05))[0]
    assert n.sum() == pytest.approx(200) and (v * n).sum() == pytest.approx(200 * quad(lambda x: x ** (1 - exponent), 0.001, 0.5, points=(0.002, 0.01, 0.05))[0] / whole, rel=1e-6)
    assert np.all(np.diff(v) > 0) and v[0] > 0.001 and v[-1] < 0.5


# limits


def test_conventions_say_who_says_so_and_no_limit_is_invented() -> None:
    known = limit_conventions()
    assert {x.verification for x in known.values()} == {"read in the source", "recalled, not re-read"}
    assert all(x.source and x.source != "given by the user" for x in known.values())
    assert not limit_conventions("lacrimal") and organs_of("Kidneys") == ("kidney",)
    assert convention("parotid-26.5-Mohan-2022").value_Gy == 26.5 and convention("kidney-BED-28-Bodei-2008").verification.startswith("recalled")
    with pytest.raises(BadInput, match="Did you mean kidney-BED-40-Bodei-2008"):
        convention("kidney-BED-40-Bodei")
    with pytest.raises(BadInput, match="gives no dose"):
        organs_of("lens")
    with pytest.raises(BadInput, match="nothing bounds the plan"):
        options(Problem((), 0.05), [sample()])


# the whole body


def test_a_response_is_the_dose_of_the_models_page_and_of_cycles_solved_together() -> None:
    p = parameter_set("PSMA-617-three-anchors")
    r, ac = responses(Patient(), p, ["kidney", "parotid", "red marrow"], [57.0], ["Lu-177", "Ac-225"], published_uptake_factors(3))
    per_GBq = {k: float(x.low_Gy_per_Bq[0, 0]) * 1e9 for k, x in r.regions.items()}
    assert per_GBq["kidney"] == pytest.approx(0.546, abs=0.001) and per_GBq["parotid"] == pytest.approx(0.790, abs=0.001) and per_GBq["tumour 1"] == pytest.approx(5.87, abs=0.01)
    assert 0.5 < per_GBq["red marrow"] / 0.03 < 1  # 0.03 Gy/GBq as reported for 177Lu-PSMA-617; plasma and interstitium alone are a lower bound
    together = simulate_cycles(Patient(), p, [57.0] * 3, [42.0] * 2, uptake_factors=published_uptake_factors(3))
    for k in ("kidney", "tumour 1"):
        tiac = np.array([float(c.tiac_h["Lu-177"][k][0]) for c in together])
        assert r.regions[k].low_Gy_per_Bq[0] / r.regions[k].low_Gy_per_Bq[0, 0] == pytest.approx(tiac / tiac[0], rel=1e-4)
    assert not r.has_alphas and ac.has_alphas
    chain = float(ac.regions["kidney"].alpha_Gy_per_Bq[0, 0] / ac.regions["kidney"].low_Gy_per_Bq[0, 0])
    assert 20 < chain < 60  # 27.6 MeV of alphas against some 0.9 MeV of electrons and photons in a decay of the chain


def test_the_activity_of_a_plan_brings_the_kidney_to_its_limit_cycle_by_cycle() -> None:
    r = responses(*virtual_patients(Patient(), parameter_set("PSMA-617-three-anchors"), 60, 5), ["kidney"], [57.0], ["Lu-177"], [1.0] * 4)[0]
    p = best_plan(Problem((KIDNEY_40,), 0.05), [r], [4])
    k = r.regions["kidney"]
    total = sum(np.asarray(bed_Gy(p.activity_Bq * k.low_Gy_per_Bq[:, c], k.G[:, c], 2.6)) for c in range(4))
    assert np.sort(total)[-3] == pytest.approx(40.0, rel=1e-9)  # the third worst of 60: 3 <= 0.05 * 61
    assert p.risk["kidney 40 Gy BED"] == pytest.approx(2 / 60)
    assert np.all((k.G > 0.02) & (k.G < 0.2))  # repair of 2.8 h against effective half-lives of one to three days


def test_lesions_below_resolution_lose_dose_of_177lu_by_their_size_and_not_of_225ac() -> None:
    law = SizeLaw(100, 1e-5, 0.1, 1.5)
    lu, ac = responses(Patient(), parameter_set("PSMA-617-KD1"), ["kidney"], [57.0], ["Lu-177", "Ac-225"], [1.0], invisible=law)
    small = lu.tumours[3]
    assert len(lu.tumours) == 3 + 8 and small.startswith("invisible") and sum(lu.regions[k].number for k in lu.tumours[3:]) == pytest.approx(100)
    of = [float((r.regions[small].low_Gy_per_Bq + r.regions[small].alpha_Gy_per_Bq)[0, 0] / (r.regions["tumour 1"].low_Gy_per_Bq + r.regions["tumour 1"].alpha_Gy_per_Bq)[0, 0]) for r in (lu, ac)]
    diameter_um = 1e4 * (6 / math.pi * lu.regions[small].mass_g) ** (1 / 3)
    assert 200 < diameter_um < 500 and 0.262 < of[0] < 0.467  # absorbed fractions published for 177Lu in spheres of 200 and 500 um (Hindie et al.)
    assert 0.75 < of[1] < 1.0


# constraints against one another


@pytest.mark.parametrize(
    ("problem", "says"),
    [
        (Problem((KIDNEY_40, Limit("parotid", "absorbed", 2.0)), 0.05, Supply(least_Bq=5e9)), "contradicts parotid 2 Gy"),
        (Problem((KIDNEY_40,), 0.05, Supply(least_Bq=1e12)), f"kidney 40 Gy BED .* and {HOT}"),
        (Problem((KIDNEY_40,), 0.05, used_Gy={"kidney": 41.0}), "already exceeds kidney 40 Gy BED"),
        (Problem((KIDNEY_40, Limit("parotid", "absorbed", 20.0)), 0.05, used_Gy={"kidney": 10.0, "parotid": 21.0}), "already exceeds parotid 20 Gy with"),
    ],
)
def test_constraints_that_contradict_one_another_are_named(problem: Problem, says: str) -> None:
    with pytest.raises(CouldNot, match=says):
        best_plan(problem, [sample()])


def test_supply_that_contradicts_itself_or_the_grid_is_named() -> None:
    with pytest.raises(BadInput, match="least activity .* is above the largest"):
        best_plan(Problem((KIDNEY_40,), 0.05, Supply(largest_Bq=1e9, least_Bq=2e9)), [sample()])
    with pytest.raises(BadInput, match="below every amount"):
        best_plan(Problem((KIDNEY_40,), 0.05, Supply(largest_nmol=10.0)), [sample()])


def test_hot_ligand_must_fit_into_the_ligand() -> None:
    p = best_plan(Problem((KIDNEY_40,), 0.05), [sample(ligand_nmol=3.0)], [1])
    assert p.active == HOT and p.activity_Bq == pytest.approx(3 * 727e6, rel=1e-3)
    q = best_plan(Problem((KIDNEY_40,), 0.05, Supply(molar_activity_Bq_per_nmol=130e6)), [sample()], [1])
    assert q.active == HOT and q.activity_Bq == pytest.approx(57 * 130e6)
    assert best_plan(Problem((KIDNEY_40,), 0.05, Supply(largest_Bq=2e9)), [sample()], [1]).active == DELIVERED


# alphas


def test_alphas_are_refused_without_a_named_rbe_and_counted_with_it() -> None:
    r = sample(nuclide="Ac-225", alpha=40.0)
    limit = (Limit("parotid", "absorbed", 25.0),)
    with pytest.raises(BadInput, match="Name the RBE"):
        best_plan(Problem(limit, 0.05), [r])
    plain = best_plan(Problem(limit, 0.05, organ_rbe=1.0, tumour_rbe=1.0), [r], [1])
    five = best_plan(Problem(limit, 0.05, organ_rbe=5.0, tumour_rbe=1.0), [r], [1])
    assert plain.activity_Bq / five.activity_Bq == pytest.approx((1 + 5 * 40) / (1 + 40), rel=1e-12)


def test_regrowth_between_cycles_takes_the_published_slope_times_the_days() -> None:
    r, limit = sample(), (KIDNEY_40,)
    still, growing = (best_plan(Problem(limit, 0.05, growth_Gy_per_day=g, interval_days=42.0), [r], [3]) for g in (0.0, math.log(2) / (0.147 * 60)))
    assert still.overall_bed_Gy - growing.overall_bed_Gy == pytest.approx(2 * 42 * math.log(2) / 0.147 / 60, rel=1e-9)
    assert growing.activity_Bq == still.activity_Bq


# what was given


def test_measured_doses_move_the_draws_as_bayes_says() -> None:
    """Log-normal prior and measurement: mean and variance of the posterior in closed form."""
    rng, s = np.random.default_rng(6), 0.4
    r = sample(draws=20_000, cycles=1)
    r = type(r)(r.nuclide, r.ligand_nmol, {**r.regions, "kidney": region(spread(rng, 20_000, 1, 0.5e-9, s), G=0.05, alpha_beta_Gy=2.6)}, r.tumours)
    w = likelihood_weights([Given("Lu-177", 7.4e9, 57.0, {"kidney": 5.0}, {"kidney": 1.0})], [r])
    x, m2 = np.log(r.regions["kidney"].low_Gy_per_Bq[:, 0]), math.log1p(0.04)
    mean = (math.log(0.5e-9) / s**2 + math.log(5.0 / 7.4e9) / m2) / (1 / s**2 + 1 / m2)
    assert np.average(x, weights=w) == pytest.approx(mean, abs=0.01)
    assert np.average((x - mean) ** 2, weights=w) == pytest.approx(1 / (1 / s**2 + 1 / m2), rel=0.05)


def test_what_earlier_cycles_took_is_the_bed_of_the_measured_dose() -> None:
    r = sample(cycles=2)
    g = Given("Lu-177", 7.4e9, 57.0, {"kidney": 5.0, "parotid": 6.0}, {"kidney": 1e-4, "parotid": 1e-4})
    used = given_bed_Gy([g, g], [r, r], [KIDNEY_40, Limit("parotid", "absorbed", 25.0)], 1.0, 1.0, 1)
    assert np.median(used["kidney"]) == pytest.approx(2 * float(bed_Gy(5.0, 0.05, 2.6)), rel=1e-3)
    assert np.median(used["parotid"]) == pytest.approx(12.0, rel=1e-3)
    before, after = (best_plan(Problem((KIDNEY_40,), 0.05, used_Gy=u), [r], [1]).activity_Bq for u in ({}, used))
    assert after < before


def test_doses_that_no_draw_foretold_are_refused() -> None:
    with pytest.raises(CouldNot, match="leave only"):
        likelihood_weights([Given("Lu-177", 7.4e9, 57.0, {"kidney": 50.0}, {"kidney": 0.5})], [sample()])
    with pytest.raises(BadInput, match="neither an organ"):
        likelihood_weights([Given("Lu-177", 7.4e9, 57.0, {"lens": 5.0}, {"lens": 0.5})], [sample()])
    with pytest.raises(BadInput, match="uncertainty"):
        Given("Lu-177", 7.4e9, 57.0, {"kidney": 5.0}, {})


def test_resampled_draws_are_as_many_of_each_as_its_weight_says() -> None:
    gfr = np.linspace(50, 120, 8)
    w = np.array([0, 0, 0.5, 0, 0.25, 0.25, 0, 0])
    patient, _ = resampled(Patient(gfr_mL_min=gfr), parameter_set("PSMA-617-KD1"), w, 400, 1)
    assert dict(zip(*np.unique(patient.gfr_mL_min, return_counts=True))) == {gfr[2]: 200, gfr[4]: 100, gfr[5]: 100}


# what is usual, and what a scan is worth


def test_bed_limited_cycles_stop_before_the_limit() -> None:
    r, problem = sample(cycles=6), Problem((KIDNEY_40,), 0.05)
    n = bed_limited_cycles(problem, r, Limit("kidney", "BED", 27.0), 7.4e9)
    got, more = (judge(problem, r, 7.4e9, k).organ_Gy["kidney"] for k in (n, np.minimum(n + 1, 6)))
    assert np.all(got <= 27.0) and np.all(more[n < 6] > 27.0) and 0 < np.mean(n < 6) < 1


def test_half_the_uncertainty_allows_the_activity_that_normal_theory_says() -> None:
    """Log-normal dose: without a scan exp(-z s), with it exp(-z s / 2) on the mean of what the scan may show."""
    s, z = 0.4, 1.6449
    r = sample(draws=8000, cycles=1)
    r = type(r)(r.nuclide, r.ligand_nmol, {**r.regions, "parotid": region(spread(np.random.default_rng(8), 8000, 1, 1e-9, s))}, r.tumours)
    limit = Limit("parotid", "absorbed", 25.0)
    v = value_of_scan(Problem((limit,), 0.05), r, 1, limit, math.inf, scans=400)
    assert v.activity_without_Bq == pytest.approx(25e9 * math.exp(-z * s), rel=0.03)
    assert v.activity_with_Bq == pytest.approx(25e9 * math.exp(-z * s / 2 + 0.375 * s**2), rel=0.06)
    assert v.gain_Gy > 5 * v.u_gain_Gy
    bounded = value_of_scan(Problem((limit,), 0.05), r, 1, limit, 1e9, scans=50)
    assert bounded.gain_Gy == pytest.approx(0.0, abs=1e-6) and bounded.activity_with_Bq == pytest.approx(1e9, rel=1e-6)
