"""Inference from scans: against a linear problem solved by hand, against draws weighted by the posterior itself, and its refusals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.kinetics.pbpk import Patient, Tumour, parameter_set, simulate_pbpk, virtual_patients
from lutetia.kinetics.pbpk.observe import (
    Observation,
    Unknowns,
    predicted_log_Bq,
    published_occasion_cv,
    unknowns,
    with_factors,
)
from lutetia.kinetics.pbpk.posterior import ahead, infer, prior_draws
from lutetia.nuclides import nuclide

BODY = Patient(tumours=(Tumour("tumour 1", 20.0), Tumour("node", 5.0)))
SET = parameter_set("PSMA-617-three-anchors")
GA = nuclide("Ga-68").decay_constant_per_s
REGIONS = ("kidney", "parotid", "tumour 1", "node")


def scan(factors: dict[str, float], *, hours: tuple[float, ...] = (1.0,), u: float = 0.1, regions: tuple[str, ...] = REGIONS, common_u: float = 0.0, ligand: float = 3.0) -> Observation:
    """A scan without noise of a patient with these factors, by the simulation and not by the code under test."""
    one = Patient(
        gfr_mL_min=90.0 * factors.get("gfr", 1.0),
        tumours=tuple(replace(t, receptor_nmol_L=50.0 * factors.get(f"receptors {t.name}", 1.0)) for t in BODY.tumours),
    )
    real = SET.with_values(**{k: SET[k] * v for k, v in factors.items() if k in SET.values})
    r = simulate_pbpk(one, real, ligand, ("Ga-68",), time_h=hours, rtol=1e-7)
    when = np.tile(3600 * np.array(hours), len(regions))
    a = np.concatenate([r.amount_nmol[x][0] for x in regions]) / ligand * 1.5e8 * np.exp(-GA * when)
    return Observation(BODY, SET, ligand, 1.5e8, GA, tuple(x for x in regions for _ in hours), when, a, np.full(len(a), u), common_u)


def factor(p, name: str) -> float:  # type: ignore[no-untyped-def]
    return float(np.exp(p.mean[p.unknown.names.index(name)]))


def test_a_typical_patient_is_found_typical() -> None:
    p = infer([scan({})])
    assert np.abs(p.mean).max() < 1e-3 and p.unexplained < 1e-3 and set(p.misfit.values()) == {0.0}


def test_precise_scans_find_what_they_can_see() -> None:
    truth = {"receptors tumour 1": 1.8, "receptors node": 0.6, "receptor_kidney": 1.3, "receptor_salivary": 0.7, "gfr": 0.9}
    p = infer([scan(truth, hours=(0.5, 1.0, 3.0), u=0.005, regions=(*REGIONS, "muscle"))])
    for name, value in truth.items():
        assert factor(p, name) == pytest.approx(value, rel=0.03), name


def test_a_direction_that_no_scan_shows_keeps_its_prior() -> None:
    p = infer([scan({}, regions=("tumour 1",))])
    sd = np.sqrt(np.diag(p.covariance))
    at = {n: i for i, n in enumerate(p.unknown.names)}
    assert sd[at["receptors node"]] == pytest.approx(p.unknown.log_sd[at["receptors node"]], rel=1e-3)
    assert sd[at["release_salivary"]] == pytest.approx(p.unknown.log_sd[at["release_salivary"]], rel=1e-3)
    assert sd[at["receptors tumour 1"]] < 0.8 * p.unknown.log_sd[at["receptors tumour 1"]]


def test_the_most_probable_weighs_scan_and_prior_as_two_normal_values_of_one_thing() -> None:
    """A scale that all activities have in common and nothing else unusual: x = d n s^2 / (n s^2 + u^2) if it were alone; the prior of the rest takes its part."""
    s = scan({}, common_u=0.2, u=0.02)
    p = infer([replace(s, activity_Bq=s.activity_Bq * 1.2)])
    alone = infer([replace(s, activity_Bq=s.activity_Bq * 1.2, common_u=0.0)])
    assert 1.0 < factor(p, "scale, scan 0") < 1.2
    assert abs(np.log(factor(p, "receptor_salivary"))) < abs(np.log(factor(alone, "receptor_salivary")))


def test_importance_weights_agree_with_the_normal_distribution() -> None:
    p = infer([scan({"receptors tumour 1": 2.0, "receptor_kidney": 0.8})])
    x = p.log_draws(2000, 1)
    w = p.importance(x)
    assert w.sum() == pytest.approx(1.0) and 1 / np.sum(w**2) > 0.5 * len(w)
    sd = np.sqrt(np.diag(p.covariance))
    assert np.abs((w @ x - p.mean) / sd).max() < 0.3
    assert np.sqrt(w @ (x - w @ x) ** 2) == pytest.approx(sd, rel=0.15)


def test_scans_that_contradict_the_model_count_a_misfit() -> None:
    s = scan({}, hours=(1.0, 1.5), u=0.02)
    bent = replace(s, activity_Bq=s.activity_Bq * np.tile([1.5, 0.7], len(REGIONS)))
    p = infer([bent])
    assert all(0.2 < m < 0.8 for m in p.misfit.values()) and p.unexplained > 100
    sure = infer([s])
    assert np.all(np.diag(p.covariance) >= np.diag(sure.covariance) - 1e-9)


def test_a_second_scan_narrows_and_does_not_depend_on_how_the_first_was_kept() -> None:
    truth = {"receptors tumour 1": 1.6}
    one, two = infer([scan(truth)]), infer([scan(truth), scan(truth, hours=(2.0,))])
    assert np.all(np.diag(two.covariance) <= np.diag(one.covariance) + 1e-9)
    assert abs(np.log(factor(two, "receptors tumour 1") / 1.6)) < abs(np.log(factor(one, "receptors tumour 1") / 1.6)) + 0.01


def test_bands_hold_the_truth_of_patients_drawn_from_the_population() -> None:
    """Sixteen patients, noise of 10 %: of 32 doses 28.8 should lie in 90 % bands, those of the tumour narrower than the population (the kidney shows little at 1 h)."""
    n, rng = 16, np.random.default_rng(5)
    real, real_set = virtual_patients(BODY, SET, n, 7)
    amount = simulate_pbpk(real, real_set, 3.0, ("Ga-68",), time_h=(1.0,)).amount_nmol
    true = simulate_pbpk(real, real_set, 57.0).tiac_h["Lu-177"]
    inside, narrower = 0, []
    for i in range(n):
        a = np.array([amount[r][i, 0] for r in REGIONS]) / 3.0 * 1.5e8 * np.exp(-GA * 3600) * (1 + 0.1 * rng.standard_normal(4))
        p = infer([Observation(BODY, SET, 3.0, 1.5e8, GA, REGIONS, np.full(4, 3600.0), a, np.full(4, 0.1))])
        found = simulate_pbpk(*with_factors(BODY, SET, p.draws(120, 1)), 57.0).tiac_h["Lu-177"]
        for r in ("kidney", "node"):
            low, high = np.quantile(found[r], (0.05, 0.95))
            inside += low <= true[r][i] <= high
            narrower.append(np.log(high / low) < np.log(np.divide(*np.quantile(true[r], (0.95, 0.05)))))
    assert inside >= 24 and np.mean(narrower[1::2]) > 0.8


def test_a_forecast_of_the_next_scan_holds_what_comes() -> None:
    cv = published_occasion_cv()
    p = infer([scan({"receptors node": 1.5})], occasion_cv=cv)
    coming = scan({"receptors node": 1.5}, hours=(24.0, 96.0), ligand=57.0)
    log, drawn = ahead(p, coming, cv, 0.0, 300, 1)
    low, high = np.quantile(np.exp(log), (0.05, 0.95), axis=0)
    assert log.shape == (300, 8) and np.all((low < coming.activity_Bq) & (coming.activity_Bq < high))
    assert np.std(np.log(drawn["uptake node, scan 1"])) == pytest.approx(np.sqrt(np.log1p(cv**2)), rel=0.15)


def test_draws_have_the_stated_mean_and_covariance_and_begin_alike() -> None:
    p = infer([scan({})])
    x = p.log_draws(20_000, 3)
    assert np.cov(x.T) == pytest.approx(p.covariance, abs=0.01) and x.mean(axis=0) == pytest.approx(p.mean, abs=0.02)
    assert np.array_equal(p.log_draws(10, 3), x[:10])
    before = prior_draws(p.unknown, 4000, 1)
    assert np.log(before["receptor_kidney"]).std() == pytest.approx(np.sqrt(np.log1p(0.333**2)), rel=0.05)


def test_the_prediction_is_the_simulation() -> None:
    s = scan({}, hours=(0.5, 2.0))
    nothing = Unknowns((), np.zeros(0))
    assert np.exp(predicted_log_Bq(s, 0, nothing, np.zeros((1, 0))))[0] == pytest.approx(s.activity_Bq, rel=1e-4)


def test_spreads_are_those_published() -> None:
    """Siebinga et al. 2023: 58.8 % for tumours, 59.3 % for salivary glands, 43.5 % of tumours between cycles."""
    u = unknowns(["node"], [scan({})], 0.435)
    sd = dict(zip(u.names, u.log_sd))
    assert [sd[n] for n in ("receptors node", "receptor_salivary", "uptake node, scan 0")] == pytest.approx([0.5449, 0.5489, 0.4163], abs=2e-4)


def test_refusals() -> None:
    good = scan({})
    with pytest.raises(BadInput, match="above zero"):
        replace(good, activity_Bq=good.activity_Bq * np.array([1, 1, 0, 1]))
    with pytest.raises(BadInput, match="other lengths"):
        replace(good, time_s=np.ones(3))
    with pytest.raises(BadInput, match="No scan"):
        infer([])
    with pytest.raises(BadInput, match="0 to 5"):
        infer([good], misfit=-0.1)
    with pytest.raises(BadInput, match="no region 'thyroid'"):
        infer([replace(good, region=("kidney", "parotid", "tumour 1", "thyroid"))])
    with pytest.raises(BadInput, match="name the same ones"):
        infer([good, replace(good, patient=Patient(tumours=(Tumour("tumour 1", 20.0),)))])
    with pytest.raises(BadInput, match="no kinetic parameter 'receptor_kidny'"):
        with_factors(BODY, SET, {"receptor_kidny": np.ones(2)})
    with pytest.raises(BadInput, match="draws"):
        infer([good]).draws(0, 1)
