"""Plans for virtual patients of known truth, one PET each and then SPECT of the first cycle, against the same activity for everyone.

Run: ``python -m validation.planning [patients] [seed] [parameter set of the truth]``. Prints one JSON object.

Truth and PET are those of ``validation.forecast``: patients around the assumed one with tumours of 20 and 50 mL, drawn by `virtual_patients`; a PET with
68Ga on 3 nmol of ligand at 1 h that shows kidneys, parotid and submandibular glands and both tumours, each with normal noise of 10 %. From the posterior of
each patient the activity of six cycles is planned under one limit, 40 Gy BED of the kidneys (a convention), with 57 nmol of ligand and no injection above the largest studied, and
then given to the true patient. In the receding plan the first of them is given, SPECT shows the same regions at 24, 72 and 168 h with 10 % noise, and
the other five are planned anew from PET and SPECT together.
"""

from __future__ import annotations

import itertools
import json
import sys
import time
from dataclasses import replace
from typing import Any

import numpy as np

from lutetia.agents import largest_studied
from lutetia.core import CouldNot, stream
from lutetia.kinetics.pbpk import parameter_set, published_uptake_factors, simulate_pbpk, virtual_patients
from lutetia.kinetics.pbpk.observe import Observation, with_factors
from lutetia.kinetics.pbpk.posterior import Posterior, infer
from lutetia.nuclides import nuclide
from lutetia.planning import Problem, Response, best_plan, convention, judge, responses
from lutetia.planning.baselines import FIXED_ACTIVITY_BQ, FIXED_CYCLES, FIXED_LIGAND_NMOL

from .compare import Section
from .forecast import BODY, NOISE, PET_NMOL, SEEN

LIMIT = convention("kidney-BED-40-Bodei-2008")
STUDIED = {"Lu-177": largest_studied("PSMA-617", "Lu-177").activity_Bq}  # type: ignore[union-attr]
#: Draws of each patient, drawn apart, so that the error of a tail estimated from few of them is not the same for all. The last risk is that of the fixed activity.
RISKS, DRAWS, SPECT_H = (0.05, 0.2, 0.345), 200, (24.0, 72.0, 168.0)
WAYS = {"six cycles": (6,), "one to six cycles": (1, 2, 3, 4, 5, 6)}


def study(patients: int = 200, seed: int = 23, truth_set: str = "PSMA-617-three-anchors") -> dict[str, Any]:
    """Kidneys above the limit and overall tumour BED on the true patients: fixed, planned from the population, from a PET, and anew after the first cycle."""
    rng, ga, lu = stream(seed, "planning", "noise"), nuclide("Ga-68").decay_constant_per_s, nuclide("Lu-177").decay_constant_per_s
    typical, factors = parameter_set("PSMA-617-three-anchors"), published_uptake_factors(FIXED_CYCLES)
    real, real_set = virtual_patients(BODY, parameter_set(truth_set), patients, seed)
    truth = responses(real, real_set, ["kidney"], [FIXED_LIGAND_NMOL], ["Lu-177"], factors)[0]
    pet = simulate_pbpk(real, real_set, PET_NMOL, ("Ga-68",), time_h=(1.0,))
    spect = simulate_pbpk(real, real_set, FIXED_LIGAND_NMOL, ("Lu-177",), time_h=SPECT_H)
    crowd = responses(*virtual_patients(BODY, typical, 2000, seed + 1), ["kidney"], [FIXED_LIGAND_NMOL], ["Lu-177"], factors)
    given: dict[tuple[str, float], np.ndarray] = {}
    when, seconds = np.full(len(SEEN), 3600.0), []
    later, tall = np.tile(3600 * np.array(SPECT_H), len(SEEN)), tuple(r for r in SEEN for _ in SPECT_H)

    def keep(way: str, risk: float, i: int, activities: np.ndarray) -> None:
        given.setdefault((way, risk), np.zeros((patients, FIXED_CYCLES)))[i, : len(activities)] = activities

    def noisy(a: np.ndarray) -> np.ndarray:
        return a * np.maximum(1 + NOISE * rng.standard_normal(len(a)), 0.05)

    def drawn(posterior: Posterior, number: int, columns: slice) -> list[Response]:
        return responses(*with_factors(BODY, typical, posterior.draws(DRAWS, 1000 * seed + number)), ["kidney"], [FIXED_LIGAND_NMOL], ["Lu-177"], factors[columns])

    for i in range(patients):
        a = noisy(np.array([pet.amount_nmol[r][i, 0] for r in SEEN]) / PET_NMOL * 1.5e8 * np.exp(-ga * when))
        start = time.perf_counter()
        scan = Observation(BODY, typical, PET_NMOL, 1.5e8, ga, SEEN, when, a, np.full(len(a), NOISE))
        own = drawn(infer([scan]), i, slice(None))
        for (way, cycles), risk in itertools.product(WAYS.items(), RISKS):
            keep(f"from the patient's PET, {way}", risk, i, np.array(best_plan(Problem((LIMIT,), risk, studied_Bq=STUDIED), own, cycles).activities_Bq))
        seconds.append(time.perf_counter() - start)
        per_Bq = noisy(np.concatenate([spect.amount_nmol[r][i] for r in SEEN]) / FIXED_LIGAND_NMOL * np.exp(-lu * later))
        both = infer([scan, Observation(BODY, typical, FIXED_LIGAND_NMOL, 1.0, lu, tall, later, per_Bq, np.full(len(per_Bq), NOISE))])
        now = drawn(both, patients + i, slice(None))[0]
        for risk in RISKS:
            first = given["from the patient's PET, six cycles", risk][i, 0]
            used = {k: first * x.linear(1.0)[:, 0] + first**2 * x.quadratic()[:, 0] for k, x in now.regions.items()}
            rest = replace(now, regions={k: replace(x, low_Gy_per_Bq=x.low_Gy_per_Bq[:, 1:], alpha_Gy_per_Bq=x.alpha_Gy_per_Bq[:, 1:], G=x.G[:, 1:]) for k, x in now.regions.items()})
            try:
                more = best_plan(Problem((LIMIT,), risk, studied_Bq=STUDIED, used_Gy=used), [rest], [FIXED_CYCLES - 1]).activities_Bq
            except CouldNot:
                more = ()
            keep("six cycles, anew after SPECT of the first", risk, i, np.array([first, *more]))
    problem = Problem((LIMIT,), RISKS[0])
    out: dict[str, Any] = {"patients": patients, "seed": seed, "seconds_each": float(np.median(seconds)), "rows": []}
    fixed = judge(problem, truth, FIXED_ACTIVITY_BQ, FIXED_CYCLES)

    def row(name: str, risk: float | None, activities: np.ndarray) -> None:
        got = judge(problem, truth, activities)
        gain, total = got.overall_bed_Gy / fixed.overall_bed_Gy, activities.sum(axis=1) / 1e9
        out["rows"].append({
            "plan": name, "risk": risk, "above": int(np.sum(got.organ_Gy["kidney"] > LIMIT.value_Gy)), "kidney_Gy": [float(q) for q in np.quantile(got.organ_Gy["kidney"], (0.5, 0.95))],
            "overall_bed_Gy": float(np.median(got.overall_bed_Gy)), "poorest_tenth_Gy": float(np.quantile(got.overall_bed_Gy, 0.1)), "ratio": [float(q) for q in np.quantile(gain, (0.1, 0.5, 0.9))],
            "better": float(np.mean(gain > 1)), "total_GBq": [float(q) for q in np.quantile(total, (0.05, 0.5, 0.95))], "cycles": float(np.median((activities > 0).sum(axis=1))),
        })  # fmt: skip

    row("7.4 GBq for everyone, six cycles", None, np.full((patients, FIXED_CYCLES), FIXED_ACTIVITY_BQ))
    for risk in RISKS:
        of_all = {way: best_plan(Problem((LIMIT,), risk, studied_Bq=STUDIED), crowd, cycles).activities_Bq for way, cycles in WAYS.items()}
        for way, activities in of_all.items():
            row(f"one plan for the population, {way}", risk, np.tile([*activities, *[0.0] * (FIXED_CYCLES - len(activities))], (patients, 1)))
        for (name, e), activities in given.items():
            if e == risk:
                row(name, risk, activities)
    return out


def calibration(seed: int = 23, draws: int = 400, populations: int = 10) -> dict[str, float]:
    """Share of new virtual patients above the limit with the plan for a population of `draws`, mean of several such plans: what the risk promises."""
    typical, factors = parameter_set("PSMA-617-three-anchors"), published_uptake_factors(FIXED_CYCLES)
    new = responses(*virtual_patients(BODY, typical, 3000, seed), ["kidney"], [FIXED_LIGAND_NMOL], ["Lu-177"], factors)[0]
    found: dict[str, list[float]] = {f"{e:g}": [] for e in RISKS}
    for i in range(populations):
        crowd = responses(*virtual_patients(BODY, typical, draws, seed + 100 + i), ["kidney"], [FIXED_LIGAND_NMOL], ["Lu-177"], factors)
        for e in RISKS:
            best = best_plan(Problem((LIMIT,), e), crowd, [FIXED_CYCLES])
            found[f"{e:g}"].append(float(np.mean(judge(Problem((LIMIT,), e), new, best.activity_Bq, FIXED_CYCLES).organ_Gy["kidney"] > LIMIT.value_Gy)))
    return {e: float(np.mean(x)) for e, x in found.items()}


def sections(patients: int = 200, seed: int = 23) -> list[Section]:
    """One table."""
    s, c = study(patients, seed), calibration(seed)
    text = [
        "| plan | risk allowed | kidneys above 40 Gy BED | kidney BED, median and 95 % point | total activity GBq, median (5 to 95 %) | overall tumour BED, median | of the fixed one, median (10 to 90 %) |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for r in s["rows"]:
        n, allowed = r["above"], r["risk"]
        beyond = allowed is not None and n > patients * allowed + 2 * np.sqrt(patients * allowed * (1 - allowed))
        low, mid, high = r["total_GBq"]
        text.append(
            f"| {r['plan']} | {'' if allowed is None else f'{allowed:.0%}'} | {n} of {patients} ({n / patients:.1%}){' **missed**' if beyond else ''} | {r['kidney_Gy'][0]:.1f}, {r['kidney_Gy'][1]:.1f} Gy | "
            f"{mid:.1f} ({low:.1f} to {high:.1f}) | {r['overall_bed_Gy']:.0f} Gy | {r['ratio'][1]:.2f} ({r['ratio'][0]:.2f} to {r['ratio'][2]:.2f}) |"
        )
    head = (
        f"{patients} virtual patients, one PET each with 10 % noise, 57 nmol of 177Lu-PSMA-617, tumours' receptors falling as published, no injection above 9.3 GBq (`validation/planning.py`). Wanted: no more kidneys above the limit than "
        f"the risk allows and twice its binomial standard deviation. The true patients follow the model that plans. The last risk is that of the fixed activity, so that gains can be compared at equal risk. Plans for ten populations of 400, given to 3000 new virtual patients, brought "
        f"{c['0.05']:.1%} of them above the limit where 5 % were allowed, {c['0.2']:.1%} where 20 % were. {s['seconds_each']:.2g} s for inference from the PET and all its plans of a patient (median)."
    )
    return [Section("Plans from one PET against the same activity for everyone", "virtual patients of known truth, made here", "", [], head, text)]


if __name__ == "__main__":
    given = sys.argv[1:]
    print(json.dumps(study(*(int(x) for x in given[:2]), **({"truth_set": given[2]} if len(given) > 2 else {})), indent=1))
