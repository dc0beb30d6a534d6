"""Plans for virtual patients of known truth, one PET each, against the same activity for everyone.

Run: ``python -m validation.planning [patients] [seed]``. Prints one JSON object.

Truth and PET are those of ``validation.forecast``: patients around the assumed one with tumours of 20 and 50 mL, drawn by `virtual_patients`; a PET with
68Ga on 3 nmol of ligand at 1 h that shows kidneys, parotid and submandibular glands and both tumours, each with normal noise of 10 %. From the posterior of
each patient the activity is planned under one limit, 40 Gy BED of the kidneys (a convention), with 57 nmol of ligand, and then given to the true patient.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import numpy as np

from lutetia.core import stream
from lutetia.kinetics.pbpk import parameter_set, published_uptake_factors, simulate_pbpk, virtual_patients
from lutetia.kinetics.pbpk.observe import Observation, with_factors
from lutetia.kinetics.pbpk.posterior import infer
from lutetia.nuclides import nuclide
from lutetia.planning import Problem, best_plan, convention, judge, responses
from lutetia.planning.baselines import FIXED_ACTIVITY_BQ, FIXED_CYCLES, FIXED_LIGAND_NMOL

from .compare import Section
from .forecast import BODY, NOISE, PET_NMOL, SEEN

LIMIT = convention("kidney-BED-40-Bodei-2008")
#: Draws of each patient, drawn apart, so that the error of a tail estimated from few of them is not the same for all.
RISKS, DRAWS = (0.05, 0.2), 200
WAYS = {"six cycles": (6,), "one to six cycles": (1, 2, 3, 4, 5, 6)}


def study(patients: int = 200, seed: int = 23) -> dict[str, Any]:
    """Kidneys above the limit and overall tumour BED on the true patients: fixed, planned from a PET, planned from the population."""
    rng, ga, typical = stream(seed, "planning", "noise"), nuclide("Ga-68").decay_constant_per_s, parameter_set("PSMA-617-three-anchors")
    factors = published_uptake_factors(FIXED_CYCLES)
    real, real_set = virtual_patients(BODY, typical, patients, seed)
    truth = responses(real, real_set, ["kidney"], [FIXED_LIGAND_NMOL], ["Lu-177"], factors)[0]
    pet = simulate_pbpk(real, real_set, PET_NMOL, ("Ga-68",), time_h=(1.0,))
    crowd = responses(*virtual_patients(BODY, typical, 2000, seed + 1), ["kidney"], [FIXED_LIGAND_NMOL], ["Lu-177"], factors)
    plans: dict[tuple[str, float], list[tuple[float, int]]] = {(w, e): [] for w in WAYS for e in RISKS}
    when, seconds = np.full(len(SEEN), 3600.0), []
    for i in range(patients):
        a = np.array([pet.amount_nmol[r][i, 0] for r in SEEN]) / PET_NMOL * 1.5e8 * np.exp(-ga * when)
        a = a * np.maximum(1 + NOISE * rng.standard_normal(len(a)), 0.05)
        start = time.perf_counter()
        posterior = infer([Observation(BODY, typical, PET_NMOL, 1.5e8, ga, SEEN, when, a, np.full(len(a), NOISE))])
        own = responses(*with_factors(BODY, typical, posterior.draws(DRAWS, 1000 * seed + i)), ["kidney"], [FIXED_LIGAND_NMOL], ["Lu-177"], factors)
        for (way, risk), found in plans.items():
            best = best_plan(Problem((LIMIT,), risk), own, WAYS[way])
            found.append((best.activity_Bq, best.cycles))
        seconds.append(time.perf_counter() - start)
    problem = Problem((LIMIT,), RISKS[0])
    out: dict[str, Any] = {"patients": patients, "seed": seed, "seconds_each": float(np.median(seconds)), "rows": []}
    fixed = judge(problem, truth, FIXED_ACTIVITY_BQ, FIXED_CYCLES)

    def row(name: str, risk: float | None, activity: np.ndarray | float, cycles: np.ndarray | int) -> None:
        got = judge(problem, truth, activity, cycles)
        gain = got.overall_bed_Gy / fixed.overall_bed_Gy
        total = np.broadcast_to(np.asarray(activity) * np.asarray(cycles), (patients,)) / 1e9
        out["rows"].append({
            "plan": name, "risk": risk, "above": int(np.sum(got.organ_Gy["kidney"] > LIMIT.value_Gy)), "kidney_Gy": [float(q) for q in np.quantile(got.organ_Gy["kidney"], (0.5, 0.95))],
            "overall_bed_Gy": float(np.median(got.overall_bed_Gy)), "poorest_tenth_Gy": float(np.quantile(got.overall_bed_Gy, 0.1)), "ratio": [float(q) for q in np.quantile(gain, (0.1, 0.5, 0.9))],
            "better": float(np.mean(gain > 1)), "total_GBq": [float(q) for q in np.quantile(total, (0.05, 0.5, 0.95))], "cycles": float(np.median(cycles)),
        })  # fmt: skip

    row("7.4 GBq for everyone, six cycles", None, FIXED_ACTIVITY_BQ, FIXED_CYCLES)
    for way, cycles in WAYS.items():
        for risk in RISKS:
            of_all = best_plan(Problem((LIMIT,), risk), crowd, cycles)
            row(f"planned for the population, {way}", risk, of_all.activity_Bq, of_all.cycles)
            found = np.array(plans[way, risk])
            row(f"planned from the patient's PET, {way}", risk, found[:, 0], found[:, 1].astype(int))
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
        f"{patients} virtual patients, one PET each with 10 % noise, 57 nmol of 177Lu-PSMA-617, tumours' receptors falling as published (`validation/planning.py`). Wanted: no more kidneys above the limit than "
        f"the risk allows and twice its binomial standard deviation. The true patients follow the model that plans. Plans for ten populations of 400, given to 3000 new virtual patients, brought {c['0.05']:.1%} of them above the limit where 5 % were allowed, {c['0.2']:.1%} where 20 % were. {s['seconds_each']:.2g} s for inference and all plans of a patient (median)."
    )
    return [Section("Plans from one PET against the same activity for everyone", "virtual patients of known truth, made here", "", [], head, text)]


if __name__ == "__main__":
    n, first = (int(x) for x in (sys.argv[1:3] + ["200", "23"][len(sys.argv) - 1 :]))
    print(json.dumps(study(n, first), indent=1))
