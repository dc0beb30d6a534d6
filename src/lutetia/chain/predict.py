"""From a diagnostic scan to a forecast of therapy: the patient's parameters with their uncertainty, then dose per activity with a band."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..agents import Agent, agent, class_prior, kinetics_statement, usual_amounts
from ..core import BadInput, near_matches, sha256_file, show, staged_folder, to_json, write_atomic
from ..data import table
from ..dosimetry.regions import self_s
from ..kinetics.pbpk import (
    ParameterSet,
    Patient,
    Tumour,
    body_surface_m2,
    hot_fraction,
    parameter_set,
    simulate_pbpk,
)
from ..kinetics.pbpk.observe import Observation, published_occasion_cv, with_factors
from ..kinetics.pbpk.parameters import SET_OF_LIGAND
from ..kinetics.pbpk.posterior import Posterior, ahead, infer, prior_draws
from ..nuclides import nuclide
from .case import Case, Prediction, load_case
from .prediction_regions import ORGANS, Seen, seen_regions
from .records import band

SCHEMA = "lutetia-forecast/1"
#: Draws of the posterior and of the population.
DRAWS = 1000
_TABLES = ("pbpk_psma_sets", "pbpk_organs", "pbpk_body", "pbpk_variability", "popk_models", "agent_amounts", "agents")


@dataclass(frozen=True, slots=True, eq=False)
class Forecast:
    """A patient of whom scans have told something.

    Attributes
    ----------
    agent : Agent
        Of the therapy.
    patient : Patient
        As known: body, tumours with the volumes seen last.
    parameters : ParameterSet
        Typical values of the therapy's ligand, with this patient's volumes.
    names : tuple of str
    draws : mapping of str to ndarray, shape (n,)
        Factors on them, drawn from the posterior; the names are those of `kinetics.pbpk.observe.Unknowns`. ``"uptake NAME, scan K"`` with
        the highest K is that of the injection to come.
    next_scan : int
        That K.
    given : tuple of mapping
        Cycles of the therapy that are in it: ``scan`` (its K), ``nuclide``, ``activity_Bq``, ``ligand_nmol``.
    """

    agent: Agent
    patient: Patient
    parameters: ParameterSet
    names: tuple[str, ...]
    draws: Mapping[str, np.ndarray]
    next_scan: int
    given: tuple[Mapping[str, Any], ...] = ()

    def patients(self) -> tuple[Patient, ParameterSet]:
        """The n patients that the posterior holds possible, as arrays, for `simulate_pbpk` or `simulate_cycles`."""
        return with_factors(self.patient, self.parameters, self.draws, self.next_scan)


def forecast_draws(forecast: Forecast, ligand_nmol: float, nuclide_name: str | None = None) -> dict[str, np.ndarray]:
    """Self-dose per administered activity of each region of a forecast, Gy/GBq, shape (n,).

    ``dose = S(mass) integral of exp(-lambda t) y(t) dt / ligand`` with the ligand y of all n patients from one solve.

    Parameters
    ----------
    forecast : Forecast
    ligand_nmol : float
        All ligand, hot and cold.
    nuclide_name : str, optional
        Another nuclide than the agent's, as if the ligand behaved alike with it.

    Raises
    ------
    BadInput, CouldNot
    """
    return _doses(*forecast.patients(), ligand_nmol, nuclide(nuclide_name or forecast.agent.nuclide).name)[0]


def run_predict(
    path: Path | str,
    agent_name: str,
    out: Path | str,
    *,
    therapy: Sequence[Path | str] = (),
    activity_Bq: float | None = None,
    ligand_nmol: float | None = None,
    nuclide_name: str | None = None,
    use_class_prior: bool = False,
    seed: int = 1,
    report: Callable[[Path, dict[str, Any]], None] | None = None,
) -> dict[str, Any]:
    """Forecast a therapy from the scans of a case and write it to the folder `out`.

    Parameters
    ----------
    path : path
        A case file of a diagnostic injection.
    agent_name : str
        The agent of the therapy.
    out : path
        Folder for ``result.json``, ``draws.json`` and, with `report`, ``report.html``.
    therapy : sequence of path
        Case files of cycles of this therapy that were measured, in their order.
    activity_Bq, ligand_nmol : float, optional
        Of the injection to come; by default what is usual for the agent, where that is known.
    nuclide_name : str, optional
        Another nuclide on the same ligand.
    use_class_prior : bool
        For a ligand without a parameter set: take that of its class.
    seed : int
        Of the draws.

    Returns
    -------
    dict
        The content of ``result.json``; see the page on forecasts.

    Raises
    ------
    BadInput
        A case that cannot be used, agents of different targets, a ligand without kinetics or without a stated amount.
    CouldNot
        The parameters were not found.
    """
    start = time.perf_counter()
    case, out = load_case(path), Path(out)
    later = [load_case(p) for p in therapy]
    for c in (case, *later):
        if c.folder == out.resolve() or out.resolve() in c.folder.parents:
            raise BadInput(f"--out {out}: would hold a case itself; give another folder.")
    a = agent(agent_name)
    a = a if nuclide_name is None else a.with_nuclide(nuclide_name)
    first = _agent_of(case)
    if not first.targets or set(first.targets) != set(a.targets):
        raise BadInput(f"{first.id} of the case goes to {_targets(first)}, {a.id} to {_targets(a)}; a forecast needs a scan with an agent of the therapy's target.")
    said: list[str] = []
    set_of = {x.ligand: _set(x, use_class_prior, said) for x in (first, a)}
    ligand_nmol, activity_Bq = _amounts(a, ligand_nmol, activity_Bq)
    patient = _patient(case.prediction or Prediction(), said)
    warnings: list[str] = []
    scans, seen = [], []
    for k, c in enumerate([case, *later]):
        who = first if k == 0 else _agent_of(c)
        if k:
            _check_cycle(c, k, who, a, case)
        found = _regions(c, k, warnings)
        scan, patient = _observation(c, who, set_of[who.ligand], patient, found, seen, k)
        scans.append(scan)
        seen.append(found)
    asked = case.prediction or Prediction()
    misfit, spread = asked.misfit or 0.0, {"occasion_cv": published_occasion_cv(), "flow_cv": asked.flow_spread or 0.0}
    said.append("perfusion of tumours is the parameter set's" if not asked.flow_spread else f"perfusion of tumours has the stated spread of {asked.flow_spread:.0%}, for which no source is known")
    cycles, posterior = [], infer(scans[:1], misfit=misfit, **spread)
    for k, c in enumerate(later, 1):
        before = posterior
        posterior = infer(scans[: k + 1], misfit=misfit, **spread)
        cycles.append(_cycle(c, k, scans[k], before, posterior, spread, seed))
    fit_s = time.perf_counter() - start
    parameters = _with_volumes(set_of[a.ligand], seen)
    draws = posterior.draws(DRAWS, seed)
    tumours = [t.name for t in patient.tumours]
    given = tuple({"scan": k, "nuclide": _agent_of(c).nuclide, "activity_Bq": c.administration.activity, "ligand_nmol": scans[k].ligand_nmol} for k, c in enumerate(later, 1))
    forecast = Forecast(a, patient, parameters, tuple(draws) + tuple(f"uptake {t}, scan {len(scans)}" for t in tumours), {**draws, **_next_uptake(tumours, len(scans), spread["occasion_cv"], seed)}, len(scans), given)
    result = {
        "schema": SCHEMA, "version": __version__, "case": {"id": case.id, "title": case.title, "agent": first.id, "sha256": case.sha256},
        "agent": a.id, "nuclide": a.nuclide, "activity_Bq": activity_Bq, "ligand_nmol": ligand_nmol, "draws": DRAWS, "seed": seed,
        "kinetics": {"scan": set_of[first.ligand].name, "therapy": set_of[a.ligand].name, "note": set_of[a.ligand].note},
        "fit": {"values": posterior.values, "chi2": posterior.unexplained, "misfit": dict(posterior.misfit), "iterations": posterior.iterations},
        "parameters": _parameters(posterior), "regions": _regions_of(forecast, prior_draws(posterior.unknown, DRAWS, seed), seen, ligand_nmol, activity_Bq),
        "cycles": cycles, "warnings": warnings + _misfit_said(posterior, misfit), "assumptions": said + _ASSUMED, "files": {"draws": "draws.json"},
        "timing_s": {"read_and_fit": fit_s, "whole": 0.0},
        "provenance": {
            "version": __version__, "inputs": [{"case": c.id, "sha256": c.sha256, "files": _files(c)} for c in (case, *later)], "seed": seed,
            "tables": [{"name": t.name, "sha256": t.sha256, "title": t.source["title"], "source": t.source["source"]} for t in map(table, _TABLES)],
        },
    }  # fmt: skip
    result["timing_s"]["whole"] = time.perf_counter() - start
    with staged_folder(out) as stage:
        write_atomic(stage / "draws.json", to_json(_draws_record(forecast)))
        if report is not None:
            result["files"]["report"] = "report.html"
            report(stage / "report.html", result)
        write_atomic(stage / "result.json", to_json(result))
    return result


_ASSUMED = [
    "factors on typical values carry over from the ligand of the scan to that of the therapy: a patient with twice the typical receptors for one has twice for the other",
    "the receptors of each tumour, of the kidney and of the salivary glands, release from kidney and glands, and filtration are inferred; affinity, release from tumours and all else are the parameter set's, since no spread that could be read is laid on them",
    "the uptake of a tumour differs from one injection to the next by the published spread between cycles, around the same median; a fall from cycle to cycle is not foretold",
    "each injection finds its receptors free: what earlier ones have left is not counted",
    "no tumour but those named takes ligand",
    "dose is self-dose of a sphere of the region's mass, both sides of a pair as one, progeny decaying with the parent; none from one region to another",
]  # fmt: skip


def _agent_of(case: Case) -> Agent:
    if case.agent is None:
        raise BadInput(f"case {case.id!r} names no agent; write agent = '68Ga-PSMA-617' or what was given.")
    a = agent(case.agent)
    if a.nuclide != nuclide(case.nuclide).name:
        raise BadInput(f"case {case.id!r}: the agent {a.id} carries {a.nuclide}, the case's nuclide is {case.nuclide}; correct one of them.")
    return a


def _targets(a: Agent) -> str:
    return "+".join(a.targets) or "a target that is not disclosed"


def _set(a: Agent, use_class_prior: bool, said: list[str]) -> ParameterSet:
    """The whole-body parameter set of an agent."""
    if a.ligand in SET_OF_LIGAND:
        return parameter_set(SET_OF_LIGAND[a.ligand])
    prior = class_prior(a)
    has = prior is not None and prior.ligand in SET_OF_LIGAND
    if prior is None or not has or not use_class_prior:
        ask = " Give --class-prior to ask for it." if has else ""
        raise BadInput(f"No whole-body parameter set of {a.ligand} is there (there are those of {', '.join(SET_OF_LIGAND)}). {kinetics_statement(a)}{ask}")
    said.append(f"kinetics of {prior.ligand}, of the same target and kind of molecule, stand in for those of {a.ligand}, which are not public")
    return parameter_set(SET_OF_LIGAND[prior.ligand])


def _amounts(a: Agent, ligand_nmol: float | None, activity_Bq: float | None) -> tuple[float, float | None]:
    usual = usual_amounts(a.id)
    if ligand_nmol is None:
        if usual is None:
            raise BadInput(f"The usual amount of ligand of {a.id} is not known; give --ligand, hot and cold together, such as '57 nmol'.")
        ligand_nmol = usual.ligand_nmol
    if activity_Bq is None and usual is not None:
        activity_Bq = usual.activity_Bq
    if activity_Bq is not None:
        hot_fraction(activity_Bq, ligand_nmol, a.nuclide)
    return ligand_nmol, activity_Bq


def _patient(p: Prediction, said: list[str]) -> Patient:
    known = Patient(tumours=())
    if p.weight is None:
        said.append("weight and height not given: 82 kg and 1.98 m2 are assumed")
    else:
        known = replace(known, weight_kg=p.weight, bsa_m2=p.body_surface if p.body_surface is not None else body_surface_m2(p.weight, float(p.height or 0)))
    if p.gfr is None:
        said.append("filtration not given: 90 mL/min is assumed, with a spread that was published for patients whose creatinine clearance is known")
    return replace(known, gfr_mL_min=p.gfr or known.gfr_mL_min, haematocrit=p.haematocrit or known.haematocrit)


def _check_cycle(c: Case, k: int, who: Agent, a: Agent, case: Case) -> None:
    if who.ligand != a.ligand:
        raise BadInput(f"--therapy {k}: case {c.id!r} is of {who.id}, the therapy asked for of {a.id}; give cycles of the same ligand.")
    p = c.prediction or Prediction()
    only = ("weight", "height", "body_surface", "haematocrit", "gfr", "misfit", "flow_spread")
    if given := [x for x in only if getattr(p, x) is not None]:
        raise BadInput(f"--therapy {k}: prediction.{given[0]} of case {c.id!r} has no effect; give it in the first case.")
    before, now = case.administration.time, c.administration.time
    if before is not None and now is not None and (before.tzinfo is None) == (now.tzinfo is None) and now <= before:
        raise BadInput(f"--therapy {k}: case {c.id!r} was administered at {now}, not after the first case ({before}); check the order.")


def _regions(c: Case, k: int, warnings: list[str]) -> list[Seen]:
    if c.scan:
        from .image_mode import region_curves
        from .scans import read_patient

        images = read_patient(c, nuclide(c.nuclide))
        curves = region_curves(c, images)
        warnings += [f"case {c.id!r}: {w}" for w in images.warnings]
    else:
        from .table_mode import table_curves

        curves = table_curves(c)
    found, unused = seen_regions(curves, (c.prediction or Prediction()).regions)
    if not found:
        raise BadInput(f"case {c.id!r} shows neither a tumour nor one of {', '.join(ORGANS)}; nothing can be inferred from {', '.join(curves)}.")
    if unused:
        warnings.append(f"case {c.id!r}: nothing is inferred from {', '.join(unused)}, whose receptors have no published spread between patients")
    if any(np.any(s.time_s <= 0) for s in found):
        raise BadInput(f"case {c.id!r}: a scan at the time of the administration; give times after it.")
    return found


def _observation(c: Case, who: Agent, typical: ParameterSet, known: Patient, found: list[Seen], earlier: list[list[Seen]], k: int) -> tuple[Observation, Patient]:
    """What a case saw, and the patient with the tumours as they were then."""
    usual, ligand = usual_amounts(who.id), (c.prediction or Prediction()).ligand
    if ligand is None and usual is None:
        raise BadInput(f"case {c.id!r}: the amount of ligand of {who.id} is not known; write [prediction] with ligand = '3 nmol', hot and cold together, or what was given.")
    amount = ligand if ligand is not None else usual.ligand_nmol  # type: ignore[union-attr]
    hot_fraction(c.administration.activity, amount, who.nuclide)
    here = {s.region: s for s in found if s.tumour}
    if k:
        strange = [t for t in here if t not in [x.name for x in known.tumours]]
        if strange:
            names = [x.name for x in known.tumours]
            raise BadInput(f"case {c.id!r}: the tumour {strange[0]!r} is not in the first case, which has {', '.join(names) or 'none'}; name the same ones, or ignore it under [prediction.regions].{near_matches(strange[0], names)}")
        tumours = tuple(replace(t, volume_mL=here[t.name].volume_mL, density_g_mL=here[t.name].density_g_mL) if t.name in here else t for t in known.tumours)
    else:
        tumours = tuple(Tumour(s.region, s.volume_mL, density_g_mL=s.density_g_mL) for s in here.values())
    patient = replace(known, tumours=tumours)
    joined = [np.concatenate([getattr(s, f) for s in found]) for f in ("time_s", "activity_Bq", "u_Bq")]
    region = tuple(s.region for s in found for _ in s.time_s)
    _check_injected(c, joined[0], joined[1], joined[2], nuclide(who.nuclide).decay_constant_per_s)
    scan = Observation(
        patient, _with_volumes(typical, [*earlier, found]), amount, c.administration.activity, nuclide(who.nuclide).decay_constant_per_s, region,
        joined[0], joined[1], joined[2] / joined[1], c.uncertainty.calibration or 0.0,
    )  # fmt: skip
    return scan, patient


def _check_injected(c: Case, time_s: np.ndarray, activity_Bq: np.ndarray, u_Bq: np.ndarray, decay_per_s: float) -> None:
    """Refuse regions that together hold more than is left of the injection."""
    for t in np.unique(time_s):
        here = time_s == t
        seen, u, left = float(activity_Bq[here].sum()), float(np.sqrt(np.sum(u_Bq[here] ** 2))), c.administration.activity * math.exp(-decay_per_s * t)
        if seen - 3 * u > left:
            raise BadInput(
                f"case {c.id!r}: at {show(float(t), 's')} its regions hold {show(seen, 'Bq')}, more than the {show(left, 'Bq')} that are left of the {show(c.administration.activity, 'Bq')} "
                "injected; check the activities, the time of the injection and the decay correction."
            )


def _with_volumes(typical: ParameterSet, seen: Sequence[Sequence[Seen]]) -> ParameterSet:
    """The volumes of organs that were seen, the latest of each."""
    return typical.with_values(**{f"{s.region}_volume": s.volume_mL / 1000 for found in seen for s in found if not s.tumour})


def _next_uptake(tumours: Sequence[str], scan: int, cv: float, seed: int) -> dict[str, np.ndarray]:
    from ..core import stream

    sd = np.sqrt(np.log1p(cv**2))
    return {f"uptake {t}, scan {scan}": np.exp(sd * stream(seed, "pbpk", "next", t).standard_normal(DRAWS)) for t in tumours}


def _doses(patient: Patient, parameters: ParameterSet, ligand_nmol: float, name: str) -> tuple[dict[str, np.ndarray], Any]:
    """Gy/GBq of organs with inferred uptake and of tumours, and the simulation."""
    r = simulate_pbpk(patient, parameters, ligand_nmol, (name,))
    wanted = [*(t.name for t in patient.tumours), *ORGANS]
    return {x: r.tiac_h[name][x] * 3600e9 * sum(self_s(name, float(np.asarray(r.mass_kg[x])), 1.0).values()) for x in wanted}, r


def _regions_of(f: Forecast, prior: Mapping[str, np.ndarray], seen: list[list[Seen]], ligand_nmol: float, activity_Bq: float | None) -> list[dict[str, Any]]:
    name = f.agent.nuclide
    dose, r = _doses(*f.patients(), ligand_nmol, name)
    own = {k: v for k, v in f.draws.items() if k.endswith(f", scan {f.next_scan}")}
    of_all, _ = _doses(*with_factors(f.patient, f.parameters, {**prior, **own}, f.next_scan), ligand_nmol, name)
    parts = {s.region: [*dict.fromkeys(x for found in seen for q in found if q.region == s.region for x in q.of)] for found in seen for s in found}
    decayed = np.exp(-nuclide(name).decay_constant_per_s * 3600 * r.time_h)
    out = []
    for x, d in dose.items():
        tiac, mass = r.tiac_h[name][x], float(np.asarray(r.mass_kg[x]))
        by = {k: float(np.median(tiac)) * 3600e9 * v for k, v in self_s(name, mass, 1.0).items()}
        share = r.amount_nmol[x] / ligand_nmol * decayed
        curve = {k: np.quantile(share, q, axis=0).tolist() for k, q in (("median", 0.5), ("p5", 0.05), ("p95", 0.95))}
        out.append({
            "region": x, "seen_as": parts.get(x, []), "mass_kg": mass, **band("tiac_h", tiac), **band("dose_Gy_per_GBq", d), "dose_by_radiation_Gy_per_GBq": by,
            **band("dose_Gy", None if activity_Bq is None else d * activity_Bq * 1e-9), **band("population_dose_Gy_per_GBq", of_all[x]),
            "activity_per_injected": {"time_h": r.time_h.tolist(), **curve}, **band("peak_occupancy", r.peak_occupancy[x]),
        })  # fmt: skip
    return out


def _parameters(p: Posterior) -> list[dict[str, Any]]:
    sd = np.sqrt(np.diag(p.covariance))
    return [
        {"name": n, "factor": float(np.exp(m)), "factor_5_95": [float(np.exp(m + z * s)) for z in (-1.645, 1.645)], "prior_5_95": [float(np.exp(z * s0)) for z in (-1.645, 1.645)],
         "variance_explained": float(1 - (s / s0) ** 2)}
        for n, m, s, s0 in zip(p.unknown.names, p.mean, sd, p.unknown.log_sd)
    ]  # fmt: skip


def _cycle(c: Case, k: int, scan: Observation, before: Posterior, after: Posterior, spread: Mapping[str, float], seed: int) -> dict[str, Any]:
    """What was forecast for a cycle before it was measured, against what was measured."""
    log, draws = ahead(before, scan, n=DRAWS, seed=seed, **spread)
    rows = []
    for i, region in enumerate(scan.region):
        x = np.exp(log[:, i])
        rows.append({
            "region": region, "time_h": float(scan.time_s[i] / 3600), "measured_Bq": float(scan.activity_Bq[i]), **band("forecast_Bq", x),
            "error": float(np.median(x) / scan.activity_Bq[i] - 1), "within": bool(np.quantile(x, 0.05) <= scan.activity_Bq[i] <= np.quantile(x, 0.95)),
        })  # fmt: skip
    name = _agent_of(c).nuclide
    foretold, _ = _doses(*with_factors(scan.patient, scan.parameters, draws, k), scan.ligand_nmol, name)
    fitted, _ = _doses(*with_factors(scan.patient, scan.parameters, after.draws(DRAWS, seed), k), scan.ligand_nmol, name)
    doses = [{"region": x, **band("forecast_dose_Gy_per_GBq", foretold[x]), **band("dose_Gy_per_GBq", fitted[x])} for x in dict.fromkeys(scan.region)]
    for d in doses:
        d["error"] = d["forecast_dose_Gy_per_GBq"] / d["dose_Gy_per_GBq"] - 1
    return {"cycle": k, "case": c.id, "agent": _agent_of(c).id, "activity_Bq": c.administration.activity, "ligand_nmol": scan.ligand_nmol, "activities": rows, "doses": doses}


def _misfit_said(p: Posterior, given: float) -> list[str]:
    out = []
    for r, m in p.misfit.items():
        if m > given:
            out.append(f"{r}: further from the model than its uncertainties allow; a relative error of the model of {100 * m:.0f} % was counted for its values" + (", so that the scan says next to nothing of it" if m > 1 else ""))
    for n, x, s in zip(p.unknown.names, p.mean, p.unknown.log_sd):
        if abs(x) > 2.576 * s:
            out.append(f"{n}: a factor of {np.exp(x):.2g} is outside 99 % of the population; check activity, volume and amount of ligand, and do not rely on the band")
    return out


def _files(c: Case) -> list[dict[str, str]]:
    named = [p for s in c.scan for p in (s.activity, s.ct, s.regions) if p is not None and (c.folder / p).is_file()]
    return [{"file": p, "sha256": sha256_file(c.folder / p)} for p in dict.fromkeys(named)]


def _draws_record(f: Forecast) -> dict[str, Any]:
    """The draws with what they are factors on: enough to make the patients again."""
    p = f.patient
    return {
        "schema": "lutetia-draws/1", "agent": f.agent.id, "ligand": f.agent.ligand, "given": [dict(x) for x in f.given], "next_scan": f.next_scan, "parameters": f.parameters.name,
        "values": {k: float(v) if np.isfinite(v) else None for k, v in f.parameters.values.items()}, "factors": {n: f.draws[n].tolist() for n in f.names},
        "patient": {
            "weight_kg": float(p.weight_kg), "bsa_m2": float(p.bsa_m2), "haematocrit": float(p.haematocrit), "gfr_mL_min": float(p.gfr_mL_min),
            "tumours": [{"name": t.name, "volume_mL": float(t.volume_mL), "density_g_mL": float(t.density_g_mL)} for t in p.tumours],
        },
    }  # fmt: skip
