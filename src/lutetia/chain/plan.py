"""`lutetia plan`: the next cycles of one patient under limits of organs."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..agents import Agent, StudiedActivity, agent, kinetics_statement, largest_studied
from ..core import BadInput, finite_or_none, staged_folder, to_json, write_atomic
from ..data import table
from ..kinetics.pbpk import parameter_sets, uptake_factors
from ..nuclides import nuclide
from ..planning import (
    Given,
    Limit,
    Plan,
    Problem,
    Response,
    SizeLaw,
    Supply,
    bed_limited_cycles,
    convention,
    fixed,
    judge,
    options,
    per_weight_Bq,
    responses,
    value_of_scan,
)
from ..planning.baselines import FIXED_ACTIVITY_BQ, FIXED_CYCLES, FIXED_LIGAND_NMOL
from ..planning.goals import TUMOUR_ALPHA_PER_GY
from ..planning.optimise import label
from ..planning.response import TUMOUR_PARAMETERS
from ..planning.risk import effective_draws
from ..planning.update import given_bed_Gy, likelihood_weights, resampled
from ..radiobiology import rbe
from .plan_inputs import Who, load_given, read_who, shown
from .records import band
from .simulate import _kinetics

PLAN_SCHEMA = "lutetia-plan/1"
LIGANDS_NMOL = (20.0, 40.0, 57.0, 100.0, 200.0)
NO_BOUNDS = Supply()
#: Draws of a plan, and of the population from which those that agree with given cycles are taken.
DRAWS, _POOL = 400, 3000
_TABLES = ("organ_limits", "radiobiology_bed", "pbpk_psma_sets", "pbpk_variability", "pbpk_cycle_uptake", "radiobiology_rbe", "studied_activities")
_ALPHA_BASELINES = (("10 MBq for 6 cycles", 10e6, "activity taken forward by the trial AcTION of 225Ac-PSMA-617 (ASCO 2026, abstract 5010)"), ("100 kBq/kg for 6 cycles", None, "kBq/kg as in trials of alpha emitters (25 to 125 kBq/kg up to six times)"))


def run_plan(
    path: Path | str, agent_name: str, out: Path | str, *, limits: Sequence[Limit] = (), risk: float = 0.05, nuclides: Sequence[str] = (), ligands_nmol: Sequence[float] = LIGANDS_NMOL,
    cycles_max: int | None = None, interval_days: float = 42.0, supply: Supply = NO_BOUNDS, organ_rbe: str | None = None, tumour_rbe: str | None = None, uptake_change: str = "published",
    doubling_days: float | None = None, invisible: SizeLaw | None = None, unequal: bool = False, beyond_studied: bool = False, given: Path | str | None = None, kinetics: str | None = None, use_class_prior: bool = False,
    draws: int = DRAWS, seed: int = 1, report: Callable[[Path, dict[str, Any]], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Plan the next cycles and write ``result.json``, ``options.csv`` and, with `report`, ``report.html`` to the folder `out`.

    Parameters
    ----------
    path : path
        A patient file, the case of a diagnostic scan, or what a forecast wrote.
    agent_name : str
    limits : sequence of Limit
    risk : float
        Probability with which each limit may be exceeded.
    nuclides : sequence of str
        To choose from; the agent's own where none is named.
    ligands_nmol : sequence of float
        Amounts to choose from, hot and cold together.
    cycles_max : int, optional
        Further cycles at most; six with those that were given where not named, and at least one.
    interval_days : float
    supply : Supply
    organ_rbe, tumour_rbe : str or None
        Names of RBE by which alphas count; needed for nuclides that emit them.
    uptake_change : {"published", "none"}
        How the receptors of tumours change from cycle to cycle.
    doubling_days : float or None
        Of tumour cells between cycles; no growth where not given.
    invisible : SizeLaw or None
    unequal : bool
        Also try activities that differ from cycle to cycle.
    beyond_studied : bool
        Allow an injection of more activity than any that was studied.
    given : path or None
        Cycles that were given; those that a forecast was made with are known from it.
    kinetics, use_class_prior, draws, seed
        As for `run_simulate`.

    Raises
    ------
    BadInput
        What is asked for cannot be read or does not exist.
    CouldNot
        Constraints that contradict one another.
    """
    start = time.perf_counter()
    a = agent(agent_name)
    chosen, prior = _kinetics(a, kinetics, use_class_prior)
    if chosen not in parameter_sets():
        raise BadInput(f"{a.id} has a population model alone ({chosen}), which has no masses and no receptors, so that no dose follows from it and nothing can be planned. {kinetics_statement(a)}")
    _check(risk, 1 if cycles_max is None else cycles_max, interval_days, draws, doubling_days, ligands_nmol)
    names = list(dict.fromkeys(nuclide(n).name for n in nuclides)) or [a.nuclide]
    who = read_who(Path(path), a, chosen, draws, seed, use_class_prior)
    past, given_sha256 = (list(who.given), None) if given is None else load_given(Path(given), a.nuclide)
    if given is not None and who.given and [(g.nuclide, g.activity_Bq, g.ligand_nmol) for g in past] != [(g.nuclide, g.activity_Bq, g.ligand_nmol) for g in who.given]:
        raise BadInput(f"--given: {len(past)} cycles that are not the {len(who.given)} that the forecast was made with (nuclide, activity, ligand); give the same, or leave --given out.")
    cycles_max = max(1, FIXED_CYCLES - len(past)) if cycles_max is None else cycles_max
    _check_supply(supply, names)
    said = [f"kinetics of {prior.id}, of the same target and kind of molecule, stand in for those of {a.id}, which are not public"] if prior is not None else []
    said += who.said
    organs = list(dict.fromkeys(["kidney", *(x.organ for x in limits)]))
    further = max(cycles_max, FIXED_CYCLES - len(past))
    factors = uptake_factors(len(past) + further, uptake_change)
    known = [a.ligand] if prior is None else [prior.ligand, a.ligand]  # its own study, where there is one, over that of the ligand that stands in
    studied = {n: x for n in names for ligand in known if (x := largest_studied(ligand, n)) is not None}
    problem = Problem(
        tuple(limits), risk, supply, {} if beyond_studied else {n: x.activity_Bq for n, x in studied.items()}, None if organ_rbe is None else rbe(organ_rbe).value, None if tumour_rbe is None else rbe(tumour_rbe).value,
        growth_Gy_per_day=0.0 if doubling_days is None else math.log(2) / (TUMOUR_ALPHA_PER_GY * doubling_days), interval_days=interval_days,
    )  # fmt: skip
    record_given = None
    if past:
        who, problem, record_given = _after(past, who, a, chosen, problem, organs, factors, draws, seed, invisible, said, path, use_class_prior)
    table_of = responses(who.patient, who.parameters, organs, sorted(set(ligands_nmol)), names, factors[len(past):], invisible=invisible)
    solved_s = time.perf_counter() - start
    plans = options(problem, table_of, range(1, cycles_max + 1), unequal=unequal)
    best = plans[0]
    said += _said(problem, best, uptake_change, doubling_days, interval_days, invisible)
    result: dict[str, Any] = {
        "schema": PLAN_SCHEMA, "version": __version__, "agent": a.id, "kinetics": who.parameters.name, "who": {"kind": who.kind, "sha256": who.sha256, "draws": who.draws, "seed": seed},
        "risk": risk, "limits": [shown(x) for x in limits], "no_limit": _without_limit(limits),
        "supply": {**{k: {n: finite_or_none(f(n)) for n in names} for k, f in (("largest_Bq", supply.largest), ("least_Bq", supply.least))},
                   **{k: finite_or_none(getattr(supply, k)) for k in ("largest_nmol", "molar_activity_Bq_per_nmol")}},
        "studied": {n: {"activity_Bq": x.activity_Bq, "source": x.source, "note": x.note, "kept": not beyond_studied} for n, x in studied.items()},
        "rbe": {"organ": organ_rbe, "tumour": tumour_rbe}, "given": None if record_given is None else record_given | {"sha256": given_sha256},
        "plan": _plan(best, problem) | {"interval_days": interval_days, "regions": _regions(problem, best)},
        "options": [_plan(p, problem) for p in plans], "baselines": _baselines(problem, table_of, len(past), who),
        "value_of_scan": _scan_values(problem, best, seed), "warnings": _of_studies(best, studied), "assumptions": said, "files": {"options": "options.csv"},
        "provenance": {"tables": [{"name": t.name, "sha256": t.sha256, "title": t.source["title"], "source": t.source["source"]} for t in map(table, _TABLES)]},
        "timing_s": {"solve": solved_s, "whole": time.perf_counter() - start},
    }  # fmt: skip
    with staged_folder(out) as stage:
        write_atomic(stage / "options.csv", _csv(plans))
        if report is not None:
            result["files"]["report"] = "report.html"
            report(stage / "report.html", result)
        write_atomic(stage / "result.json", to_json(result))
    return result


def _check(risk: float, cycles: int, interval_days: float, draws: int, doubling_days: float | None, ligands: Sequence[float]) -> None:
    if not 0 < risk < 1:
        raise BadInput(f"--risk {risk:g}; give a probability between 0 and 1, such as 0.05.")
    if not 1 <= cycles <= 12:
        raise BadInput(f"--cycles-max {cycles}; give 1 to 12 cycles.")
    if not 21 <= interval_days <= 365:
        raise BadInput(f"--interval {interval_days:g} days; give 21 to 365 days: below, ligand of the last injection is still there, and each cycle is solved by itself.")
    if not 1 <= draws <= 20000:
        raise BadInput(f"--draws {draws}; give 1 to 20000.")
    if draws < 2 / risk:
        raise BadInput(f"{draws} draws cannot show a risk of {risk:g}; give at least {math.ceil(2 / risk)} with --draws, or a larger risk.")
    if doubling_days is not None and not 1 <= doubling_days <= 3650:
        raise BadInput(f"--doubling-time of {doubling_days:g} days; give 1 to 3650 days.")
    if not ligands or not all(0 < x <= 1e6 for x in ligands):
        raise BadInput("The amounts of ligand must lie above zero, up to 1e6 nmol; give at least one.")


def _check_supply(supply: Supply, names: Sequence[str]) -> None:
    for option, x in (("--max-activity", supply.largest_Bq), ("--min-activity", supply.least_Bq)):
        if isinstance(x, Mapping) and (strange := [n for n in x if n not in names]):
            raise BadInput(f"{option}: {strange[0]} is not among the nuclides to choose from ({', '.join(names)}); name it in --nuclides, or leave it out.")


def _after(
    past: list[Given], who: Who, a: Agent, chosen: str, problem: Problem, organs: list[str], factors: list[float], draws: int, seed: int, law: SizeLaw | None, said: list[str],
    path: Path | str, use_class_prior: bool,
) -> tuple[Who, Problem, dict[str, Any]]:  # fmt: skip
    """Draws and limits after the cycles that were given."""
    n, kept = len(past), None
    regions = list(dict.fromkeys([*organs, *(k for g in past for k in g.dose_Gy if k not in [t.name for t in who.patient.tumours])]))
    if who.kind == "patient file" and any(g.dose_Gy for g in past):
        pool = read_who(Path(path), a, chosen, _POOL, seed, use_class_prior)
        at = [responses(pool.patient, pool.parameters, regions, [g.ligand_nmol], [g.nuclide], factors[:n])[0] for g in past]
        w = likelihood_weights(past, at)
        kept = effective_draws(w)
        patient, parameters = resampled(pool.patient, pool.parameters, w, draws, seed)
        who = replace(who, patient=patient, parameters=parameters)
        said[:] = [x for x in said if not x.startswith("nothing was measured")]
        said.append(f"{draws} draws were taken from {_POOL} of the population by how well they foretold the doses of the given cycles; they are worth {kept:.0f} independent ones")
    if who.then:  # the uptake of each cycle is known from its scans
        at = [responses(*then, regions, [g.ligand_nmol], [g.nuclide], [1.0] * n, invisible=law)[0] for g, then in zip(past, who.then)]
    else:
        at = [responses(who.patient, who.parameters, regions, [g.ligand_nmol], [g.nuclide], factors[:n], invisible=law)[0] for g in past]
    organ_rbe, tumour_rbe = (max(problem.rbe_of(x, tumour) for x in at) for tumour in (False, True))  # refuses any cycle with alphas if none is named
    used = given_bed_Gy(past, at, problem.limits, organ_rbe, tumour_rbe, seed)
    if who.kind != "patient file" and not who.then:
        said.append("the doses of the given cycles count against the limits alone; the draws know of them only if the forecast was made with these cycles")
    if not who.then and not any(g.dose_Gy for g in past):
        said.append("no dose of the given cycles was stated: what they took of the limits is the draws' own forecast")
    cycles = [{"nuclide": g.nuclide, "activity_Bq": g.activity_Bq, "ligand_nmol": g.ligand_nmol, "dose_Gy": dict(g.dose_Gy), "u_Gy": dict(g.u_Gy)} for g in past]
    took = [{"region": k, **band("used_Gy", v)} for k, v in used.items()]
    return who, replace(problem, used_Gy=used), {"cycles": cycles, "effective_draws": kept, "used": took}


def _plan(p: Plan, problem: Problem) -> dict[str, Any]:
    """A plan as plain values; a cap that is infinite is no cap."""
    return {
        "nuclide": p.nuclide, "ligand_nmol": p.ligand_nmol, "cycles": p.cycles, "activity_Bq": p.activity_Bq if p.course.alike else None,
        "schedule": [{"day": c * problem.interval_days, "nuclide": n, "activity_Bq": x} for c, (n, x) in enumerate(zip(p.course.nuclides, p.activities_Bq))], "overall_bed_Gy": p.overall_bed_Gy, "overall_bed_Gy_5_95": list(p.overall_bed_5_95_Gy),
        "active": p.active, "constraints": [
            {"constraint": k, "cap_Bq": finite_or_none(v), "margin": finite_or_none(v / p.activity_Bq - 1), "probability_above": p.risk.get(k), **({"reached_Gy": p.organ_Gy[k][0], "reached_Gy_5_95": list(p.organ_Gy[k][1:])} if k in p.organ_Gy else {"reached_Gy": None, "reached_Gy_5_95": None})}
            for k, v in p.caps_Bq.items()
        ],
    }  # fmt: skip


def _regions(problem: Problem, p: Plan) -> list[dict[str, Any]]:
    """Absorbed dose of all planned cycles, by radiation and unweighted; BED apart, with the name of what made it."""
    out, r = [], p.course.response
    for k, x in r.regions.items():
        low, alpha = (p.activity_Bq * d[:, : p.cycles].sum(axis=1) for d in (x.low_Gy_per_Bq, x.alpha_Gy_per_Bq))
        tumour, weighted = k in r.tumours, None
        if r.has_alphas:
            weighted = low + problem.rbe_of(r, tumour) * alpha
        bed = (low if weighted is None else weighted) + p.activity_Bq**2 * x.quadratic()[:, : p.cycles].sum(axis=1) if math.isfinite(x.alpha_beta_Gy) else None
        none = {f"{n}{e}": None for n in ("weighted_Sv_RBE", "bed_Gy") for e in ("", "_5_95")}
        out.append({
            "region": k, "number": x.number, "mass_g": x.mass_g, **band("absorbed_Gy", low + alpha), **band("alpha_Gy", alpha), **band("low_LET_Gy", low), **none,
            **({} if weighted is None else band("weighted_Sv_RBE", weighted)), **({} if bed is None else band("bed_Gy", bed)),
        })  # fmt: skip
    return out


def _baselines(problem: Problem, table_of: Sequence[Response], past: int, who: Who) -> list[dict[str, Any]]:
    """What is usual, on the same draws: with the ligand nearest to that of the approved product."""
    out: list[dict[str, Any]] = []
    left = FIXED_CYCLES - past
    nearest = min({r.ligand_nmol for r in table_of}, key=lambda x: abs(math.log(x / FIXED_LIGAND_NMOL)))
    for r in table_of:
        if r.ligand_nmol != nearest or left < 1:
            continue
        if r.nuclide == "Lu-177":
            usual = fixed(problem, r, FIXED_ACTIVITY_BQ, left, f"7.4 GBq for {left} cycles")
            out.append(_baseline(usual, "approved 177Lu-PSMA-617, six cycles in all"))
            for name in ("kidney-BED-27-ILUMINET-2022", "kidney-BED-40-ILUMINET-2022") if past == 0 else ():
                c = convention(name)
                n = bed_limited_cycles(problem, r, c, FIXED_ACTIVITY_BQ)
                got = judge(problem, r, FIXED_ACTIVITY_BQ, n)
                above = {label(x): float(np.mean(got.organ_Gy[x.organ] > x.value_Gy)) for x in problem.limits}
                out.append({
                    "name": f"7.4 GBq until {label(c)}", "nuclide": r.nuclide, "ligand_nmol": r.ligand_nmol, "activity_Bq": FIXED_ACTIVITY_BQ, "cycles": float(np.median(n)),
                    "cycles_5_95": [float(q) for q in np.quantile(n, (0.05, 0.95))], **band("overall_bed_Gy", got.overall_bed_Gy),
                    "probability_above": above, "note": f"each draw as if its dosimetry were exact, up to {r.cycles} cycles; {c.verification}",
                })  # fmt: skip
        elif r.nuclide == "Ac-225":
            for name, activity, note in _ALPHA_BASELINES:
                weight = float(np.mean(who.patient.weight_kg))
                p = fixed(problem, r, per_weight_Bq(100, weight) if activity is None else activity, left, name.replace("6", str(left)))
                out.append(_baseline(p, note))
    return out


def _baseline(p: Plan, note: str) -> dict[str, Any]:
    return {
        "name": p.active, "nuclide": p.nuclide, "ligand_nmol": p.ligand_nmol, "activity_Bq": p.activity_Bq, "cycles": p.cycles, "cycles_5_95": None,
        "overall_bed_Gy": p.overall_bed_Gy, "overall_bed_Gy_5_95": list(p.overall_bed_5_95_Gy), "probability_above": dict(p.risk), "note": note,
    }  # fmt: skip


def _scan_values(problem: Problem, p: Plan, seed: int) -> list[dict[str, Any]]:
    """For the organ that holds the plan, and for the kidney."""
    out, others = [], min(v for k, v in p.caps_Bq.items() if k not in p.risk)
    for x in problem.limits:
        if label(x) == p.active or x.organ == "kidney":
            v = value_of_scan(problem, p.course.response, p.cycles, x, others, seed=seed)
            out.append({"constraint": v.organ, "gain_Gy": v.gain_Gy, "u_gain_Gy": v.u_gain_Gy, "activity_without_Bq": v.activity_without_Bq, "activity_with_Bq": v.activity_with_Bq, "scans": v.scans})
    return out


def _without_limit(limits: Sequence[Limit]) -> list[str]:
    """Organs that are usually looked at and for which nothing was asked."""
    has = {x.organ for x in limits}
    return [o for o in ("kidney", "parotid", "submandibular", "lacrimal", "red marrow") if o not in has]


def _said(problem: Problem, p: Plan, uptake: str, doubling: float | None, interval_days: float, law: SizeLaw | None) -> list[str]:
    said = [
        "every cycle gets the same amount of ligand; plan again after each",
        f"tumour effect: overall BED with {TUMOUR_PARAMETERS}, alpha {TUMOUR_ALPHA_PER_GY:g} per Gy, alike for every lesion; cells as many as mass",
        "dose is self-dose of a sphere of the region's mass, both sides of a pair as one; that of red marrow is of its own plasma and interstitium alone, a lower bound",
        f"an overall BED above some {math.log(1e9) / TUMOUR_ALPHA_PER_GY:.0f} Gy (one cell in 10^9 left) means control in this model, not a ranking",
    ]
    said.append(
        "receptors of tumours fall from cycle to cycle as published for 177Lu-PSMA-I&T at about 7.4 GBq a cycle, whatever activity is planned; this favours few and large cycles"
        if uptake == "published" else "receptors of tumours stay as they are from cycle to cycle"
    )  # fmt: skip
    said.append(f"tumours do not regrow: the interval ({interval_days:g} days) changes nothing" if doubling is None else f"tumours double in {doubling:g} days between first and last injection: the shortest interval is best, and {interval_days:g} days are taken as given")
    if law is None:
        said.append("lesions that no image shows are not counted")
    else:
        said.append(f"{law.number:g} lesions from {law.smallest_mL:g} to {law.largest_mL:g} mL with exponent {law.exponent:g} are assumed; their uptake per volume is that of the visible ones")
    if math.isinf(problem.supply.molar_activity_Bq_per_nmol):
        said.append("the ligand can carry as much activity as there are atoms without carrier; a product carries less: give its molar activity with --molar-activity")
    recalled = [x.name for x in problem.limits if "recalled" in x.verification]
    if recalled:
        said.append(f"recalled from the field's conventions, not re-read in the source: {', '.join(recalled)}")
    return said


def _of_studies(p: Plan, studied: Mapping[str, StudiedActivity]) -> list[str]:
    """Injections of the plan that nobody is known to have given."""
    said, most = [], {n: max(x for m, x in zip(p.course.nuclides, p.activities_Bq) if m == n) for n in dict.fromkeys(p.course.nuclides)}
    for n, x in most.items():
        if n not in studied:
            said.append(f"no study of an injection of {n} on this ligand could be read, so that no bound but yours holds for {x / 1e6:.4g} MBq in one; what it does acutely is in none of these limits: give --max-activity")
        elif x > studied[n].activity_Bq * (1 + 1e-9):
            said.append(f"{x / 1e6:.4g} MBq of {n} in one injection is more than the largest studied ({studied[n].activity_Bq / 1e6:.4g} MBq, {studied[n].source}); what it does acutely is in none of these limits")
    return said


def _csv(plans: Sequence[Plan]) -> str:
    text = io.StringIO()
    w = csv.writer(text, lineterminator="\n")
    limits = list(plans[0].risk)
    w.writerow(["nuclide", "ligand_nmol", "cycles", "activities_Bq", "overall_bed_Gy", "overall_bed_Gy_5", "overall_bed_Gy_95", "active", *(f"probability_above {k}" for k in limits)])
    for p in plans:
        w.writerow([p.nuclide, f"{p.ligand_nmol:g}", p.cycles, " ".join(f"{x:.6g}" for x in p.activities_Bq), f"{p.overall_bed_Gy:.6g}", *(f"{x:.6g}" for x in p.overall_bed_5_95_Gy), p.active, *(f"{p.risk[k]:.6g}" for k in limits)])
    return text.getvalue()
