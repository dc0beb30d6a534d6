"""`lutetia compare`: one case, several nuclides on the same ligand, side by side from organ to cell."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..core import BadInput, near_matches, staged_folder, to_json, write_atomic
from ..dosimetry.cluster_kernels import activity_concentration_decays_per_cell
from ..dosimetry.clusters import Survival
from ..dosimetry.lattice import volume_per_cell_um3
from ..kinetics.exchange import exchange_nuclide
from ..nuclides import nuclide
from ..radiobiology import bed_Gy, bed_parameters, lea_catcheside
from ..radiobiology.cells import lq_parameters
from ..radiobiology.effectiveness import EffectiveDoses, rbe
from ..radiobiology.parameters import plain_organ
from .case import Case, load_case
from .cluster import RBE_CONVENTION, RBE_RANGE
from .cluster_spec import DEFAULT_ALPHAS, DEFAULT_ELECTRONS, REFERENCE_CELL, single_track
from .exchange import exchanged_case, exchanged_patient
from .image_mode import region_fits, run_patient
from .scans import read_patient
from .sweeps import Tissue, crossover_ranges, crossovers, emits_alphas, photon_note, rankings, sweep_rows
from .table_mode import run_table, table_fits

COMPARE_SCHEMA = "lutetia-compare/1"
MATCHES = ("activity", "decays", "organ-limit")
#: Organs that limit radioligand therapy, the usual first.
_LIMITING = ("kidney", "parotid", "submandibular", "salivary gland", "bone marrow", "red marrow", "liver")
_TUMOUR = re.compile(r"tumou?r|lesion|met(astasis|s)?\b|gtv|node", re.IGNORECASE)
_RBE_RANGE_SOURCE = "in vitro, 2.7 (213Bi, CA20948) to 15.2 (241Am, DU145), PMC9608466, table 2"
#: Cells of micrometastases: those of the reference, touching.
(_CELL, _WHERE), _PITCH_UM, _PACKING = REFERENCE_CELL, 10.0, "fcc"
_FRACTIONS = (1.0, 0.9, 0.7, 0.5, 0.3, 0.1)
_DIAMETERS_UM = np.geomspace(10.0, 10_000.0, 19)

ReportWriter = Callable[[Path, dict[str, Any]], None]


def run_compare(
    path: Path | str, nuclides: Sequence[str], out: Path | str, *, match: str | None = None, target: str | None = None, organ: str | None = None,
    limit_Gy: float | None = None, cycles: int = 1, engine: str | None = None, seed: int = 1, report: ReportWriter | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Compare nuclides on the ligand of a case and write ``result.json`` and ``report.html``.

    Parameters
    ----------
    path : path
        A case file, as for `run_case`.
    nuclides : sequence of str
        In any spelling; the case's own comes first if it is not among them.
    match : str or None
        ``"activity"`` (equal administered activity), ``"decays"`` (equal decays in the target region) or ``"organ-limit"``
        (equal weighted dose to the limiting organ: alphas count five times, by convention). None: ``"organ-limit"`` where a
        limiting organ is among the regions, else ``"decays"``; the result says which.
    target : str or None
        The region whose uptake micrometastases are given; None: the tumour (by its name) of the highest dose.
    organ : str or None
        The limiting organ; None: the kidney of the highest weighted dose, or the next of the usual ones.
    limit_Gy : float or None
        Weighted dose that the organ is to get; None: what the case's own nuclide and activity give it.
    cycles : int
        Equal cycles that micrometastases get; doses of regions are of one.
    engine, seed
        As for `run_case`.
    report : callable or None
        What writes the report.

    Raises
    ------
    BadInput
        Fewer than two nuclides, an unknown region or rule, or a case that cannot be used; nothing is written.
    """
    case = load_case(path)
    out = Path(out)
    if case.folder == out.resolve() or out.resolve() in case.folder.parents:
        raise BadInput(f"--out {out}: would hold the case itself; give another folder.")
    names = _names(case, nuclides)
    if match is not None and match not in MATCHES:
        raise BadInput(f"match: got {match!r}; choose one of {', '.join(MATCHES)}.{near_matches(match, MATCHES)}")
    if not 1 <= cycles <= 100:
        raise BadInput(f"cycles: got {cycles}; give a number from 1 to 100.")
    if not case.scan and engine is not None:
        raise BadInput("--engine: a region-table case has no images to run an engine on; leave it out.")
    with staged_folder(out) as stage:
        runs = _runs(case, names, engine, seed)
        result = _compare(case, runs, match, target, organ, limit_Gy, cycles)
        result["files"] = {"report": "report.html"} if report is not None else {}
        if report is not None:
            report(stage / "report.html", result)
        write_atomic(stage / "result.json", to_json(result))
    return result


def _names(case: Case, nuclides: Sequence[str]) -> list[str]:
    own = nuclide(case.nuclide).name
    names = list(dict.fromkeys([own, *(nuclide(n.strip()).name for n in nuclides if n.strip())]))
    if len(names) < 2:
        raise BadInput(f"--nuclides: nothing to compare {own} with; give at least one other nuclide, such as 'Ac-225'.")
    return names


def _runs(case: Case, names: Sequence[str], engine: str | None, seed: int) -> dict[str, dict[str, Any]]:
    """The result of the case with each nuclide at the case's own activity; images are read once."""
    decay = {n: nuclide(n).decay_constant_per_s for n in names}
    patient = read_patient(case, nuclide(case.nuclide)) if case.scan else None
    own = region_fits(case, patient) if patient is not None else table_fits(case)
    runs = {}
    for n in names:
        fits = {r: exchange_nuclide(f, curve, decay[names[0]], decay[n]) for r, (curve, f) in own.items()}
        if patient is not None:
            runs[n] = run_patient(exchanged_case(case, n), exchanged_patient(patient, case.nuclide, n), engine=engine, seed=seed, fits=fits).result
        else:
            runs[n] = run_table(exchanged_case(case, n), seed=seed, fits=fits)
    return runs


def _compare(
    case: Case, runs: Mapping[str, dict[str, Any]], match: str | None, target: str | None, organ: str | None, limit_Gy: float | None, cycles: int
) -> dict[str, Any]:
    names = list(runs)
    regions = {n: {r["region"]: r for r in run["regions"]} for n, run in runs.items()}
    own = regions[names[0]]
    weight = rbe(RBE_CONVENTION).value
    goal = _target(own, target)
    limiting = _organ(own, organ, weight)
    said: list[str] = []
    warnings: list[str] = []
    if match is None and limiting is not None:
        match = "organ-limit"
        said.append("no rule was asked for: organ-limit")
    elif match is None:
        match = "decays"
        warnings.append("none of the regions is a usual limiting organ, so that activities are those of equal decays in the target: what follows says nothing of what a patient can be given")
    if target is None and not _TUMOUR.search(goal):
        warnings.append(f"no region is named as a tumour: micrometastases are given the uptake of {goal!r}; name another with --target")
    if match == "organ-limit" and limiting is None:
        raise BadInput(f"match 'organ-limit': none of the regions ({', '.join(own)}) is a usual limiting organ; name one with --organ, or choose another match.")
    if limit_Gy is not None and match != "organ-limit":
        raise BadInput(f"--limit goes with match 'organ-limit', not with {match!r}; leave it out.")
    supplied = [r["region"] for r in own.values() if r["dose_cross_Gy"]]
    if supplied:
        warnings.append(f"{', '.join(supplied)}: the supplied cross-dose is of {names[0]} and is left out for the others")
    factors = _factors(regions, match, goal, limiting, limit_Gy, weight)
    records = []
    for n in names:
        activity = case.administration.activity * factors[n]
        records.append({
            "nuclide": n, "administered_Bq": activity, "factor": factors[n],
            "regions": [_region(case, r, factors[n]) for r in regions[n].values()],
            "warnings": runs[n]["warnings"],
        })  # fmt: skip

    def per_gram(factor: Mapping[str, float]) -> dict[str, float]:
        return {n: regions[n][goal]["tia_Bq_s"] * factor[n] * cycles / (regions[n][goal]["mass_kg"] * 1000) for n in names}

    weights = RBE_RANGE if match == "organ-limit" else ()
    other = {f"alpha weight {w:g}": per_gram(_factors(regions, match, goal, limiting, limit_Gy, w)) for w in weights}
    said += [
        "the ligand goes where it went: biological kinetics are those of the case, physical decay is each nuclide's",
        "the amount of ligand and its labelling chemistry are taken as equal; receptors that saturate would change uptake",
        _progeny(case, names),
        _rule(match, goal, limiting, limit_Gy, weight),
    ]
    return {
        "schema": COMPARE_SCHEMA,
        "version": __version__,
        "case": {"id": case.id, "title": case.title, "agent": case.agent, "nuclide": names[0]},
        "engine": runs[names[0]]["engine"],
        "match": match,
        "target": goal,
        "organ": limiting,
        "cycles": cycles,
        "nuclides": records,
        "rbe": {"convention": dataclasses.asdict(rbe(RBE_CONVENTION)), "range": list(RBE_RANGE), "range_source": _RBE_RANGE_SOURCE},
        "micrometastases": _micrometastases(per_gram(factors), other, case.dosimetry.progeny),
        "assumptions": said + _of_the_runs(runs),
        "warnings": warnings + _warnings(regions),
        "provenance": runs[names[0]]["provenance"],
    }


def _warnings(regions: Mapping[str, Mapping[str, dict[str, Any]]]) -> list[str]:
    """Those of the case's own nuclide, and what others add, each once."""
    names = list(regions)
    own = [f"{r['region']}: {w}" for r in regions[names[0]].values() for w in r["warnings"]]
    more = [f"{n}, {r['region']}: {w}" for n in names[1:] for r in regions[n].values() for w in r["warnings"] if "half-lives of the new nuclide" in w]
    return own + more


def _of_the_runs(runs: Mapping[str, dict[str, Any]]) -> list[str]:
    """What the runs assume, each once; what they say of progeny that decays in place is said above."""
    own, *others = runs.values()
    more = [f"{run['nuclide']}: {a}" for run in others for a in run["assumptions"] if a not in own["assumptions"] and not a.startswith("dose from other regions")]
    return [a for a in [*own["assumptions"], *more] if "where its parent does" not in a]


def _progeny(case: Case, names: Sequence[str]) -> str:
    if not case.dosimetry.progeny:
        return "parents alone, as the case asks (dosimetry.progeny = false)"
    everywhere = "progeny decays where its parent does: for alpha emitters the upper end of what stays in a target, see the progeny models of a case"
    return everywhere if case.progeny is None else f"the case's fates of progeny hold for {names[0]} and its regions; elsewhere {everywhere}"


def _rule(match: str, goal: str, limiting: str | None, limit_Gy: float | None, weight: float) -> str:
    if match == "activity":
        return "every nuclide with the activity of the case"
    if match == "decays":
        return f"every nuclide with the activity that gives region {goal!r} as many decays as the case's own"
    dose = "the dose that the case's own nuclide and activity give it" if limit_Gy is None else f"{limit_Gy:g} Gy"
    return f"every nuclide with the activity that gives region {limiting!r} {dose}, alphas counted {weight:g} times (the convention {RBE_CONVENTION})"


def _target(own: Mapping[str, dict[str, Any]], target: str | None) -> str:
    if target is not None:
        return _named(own, target, "--target")
    tumours = [r for r in own.values() if _TUMOUR.search(r["region"])]
    return max(tumours or own.values(), key=lambda r: r["dose_Gy"])["region"]


def _organ(own: Mapping[str, dict[str, Any]], organ: str | None, weight: float) -> str | None:
    if organ is not None:
        return _named(own, organ, "--organ")
    for tissue in _LIMITING:
        found = [r for r in own.values() if plain_organ(r["region"]) == tissue]
        if found:
            return max(found, key=lambda r: _weighted(r, weight))["region"]
    return None


def _named(own: Mapping[str, Any], name: str, what: str) -> str:
    if name not in own:
        raise BadInput(f"{what}: there is no region {name!r} among {', '.join(own)}.{near_matches(name, own)}")
    return name


def _weighted(region: Mapping[str, Any], weight: float) -> float:
    d = region["dose_by_radiation_Gy"]
    return weight * d["alpha"] + d["electron"] + d["photon"] + (region["dose_cross_Gy"] or 0.0)


def _factors(
    regions: Mapping[str, Mapping[str, dict[str, Any]]], match: str, goal: str, limiting: str | None, limit_Gy: float | None, weight: float
) -> dict[str, float]:
    """By what the case's activity is multiplied, for each nuclide."""
    names = list(regions)
    if match == "activity":
        return dict.fromkeys(names, 1.0)
    if match == "decays":
        return {n: regions[names[0]][goal]["tia_Bq_s"] / regions[n][goal]["tia_Bq_s"] for n in names}
    assert limiting is not None
    wanted = limit_Gy if limit_Gy is not None else _weighted(regions[names[0]][limiting], weight)
    doses = {n: _weighted(regions[n][limiting], weight) for n in names}
    if min(doses.values()) <= 0 or wanted <= 0:
        raise BadInput(f"match 'organ-limit': region {limiting!r} gets no dose with one of the nuclides, so that no activity is limited by it; choose another.")
    return {n: wanted / d for n, d in doses.items()}


def _region(case: Case, r: dict[str, Any], k: float) -> dict[str, Any]:
    """A region's record at k times the activity; what is derived from dose is made anew and stands apart."""
    parts = {x: v * k for x, v in r["dose_by_radiation_Gy"].items()}
    cross = None if r["dose_cross_Gy"] is None else r["dose_cross_Gy"] * k
    effective = EffectiveDoses(parts["alpha"], parts["electron"], parts["photon"], rbe=rbe(RBE_CONVENTION) if parts["alpha"] > 0 else None)
    return {
        "region": r["region"], "mass_kg": r["mass_kg"], "volume_mL": r["volume_mL"], "tia_Bq_s": r["tia_Bq_s"] * k,
        "effective_half_life_s": r["effective_half_life_s"],
        "dose_Gy": r["dose_Gy"] * k, "dose_u_Gy": r["dose_u_Gy"] * k, "dose_by_radiation_Gy": parts, "dose_cross_Gy": cross,
        "dose_by_nuclide_Gy": {n: {x: v * k for x, v in by.items()} for n, by in r["dose_by_nuclide_Gy"].items()},
        "weighted": {"Sv_RBE": effective.weighted_Sv_RBE, "convention": RBE_CONVENTION} if parts["alpha"] > 0 else None,
        "bed": _bed(case, r, parts, k),
        "dvh": None if r["dvh"] is None else _dvh(r["dvh"], k),
    }  # fmt: skip


def _dvh(d: dict[str, Any], k: float) -> dict[str, Any]:
    return {
        **{x: d[x] * k for x in ("mean_Gy", "min_Gy", "max_Gy", "D98_Gy", "D50_Gy", "D2_Gy")},
        "curve": {"dose_Gy": [v * k for v in d["curve"]["dose_Gy"]], "volume_fraction": d["curve"]["volume_fraction"]},
    }  # fmt: skip


def _bed(case: Case, r: dict[str, Any], parts: Mapping[str, float], k: float) -> dict[str, Any]:
    """BED of the low-LET part with the organ's own parameters, and with alphas over a range of RBE; or why there is none."""
    organ = case.regions.bed.get(r["region"]) or next((t.bed for t in case.region if t.name == r["region"] and t.bed), None) or r["region"]
    parameters = bed_parameters(organ)
    none = {"low_LET_Gy": None, "with_alpha_Gy": None, "parameters": None}
    if parameters is None:
        return {**none, "note": f"no published parameters for {plain_organ(organ)!r}"}
    if not r["fit"]["rates_per_s"]:
        return {**none, "note": "not given: a trapezoid has no dose-rate curve"}
    G = lea_catcheside(r["fit"]["coefficients_Bq"], r["fit"]["rates_per_s"], parameters.repair_half_life_s)
    # A supplied cross-dose has no split; it is counted as low-LET.
    low = parts["electron"] + parts["photon"] + (r["dose_cross_Gy"] or 0.0) * k
    bed = float(bed_Gy(low, G, parameters.alpha_beta_Gy))
    values = {"low": RBE_RANGE[0], "convention": rbe(RBE_CONVENTION).value, "high": RBE_RANGE[1]}
    return {
        "low_LET_Gy": bed, "lea_catcheside_g": G, "alpha_beta_Gy": parameters.alpha_beta_Gy, "repair_half_life_s": parameters.repair_half_life_s,
        "with_alpha_Gy": {k: {"rbe": v, "bed_Gy": bed + v * parts["alpha"]} for k, v in values.items()} if parts["alpha"] > 0 else None,
        "parameters": f"{parameters.name} ({parameters.source})",
        "note": "alphas add RBE times their dose, without repair or a quadratic term" if parts["alpha"] > 0 else parameters.note,
    }  # fmt: skip


def _micrometastases(decays_per_g: Mapping[str, float], variants_per_g: Mapping[str, Mapping[str, float]], progeny: bool) -> dict[str, Any]:
    """Survivors of clusters that take up what the target did per gram, over diameter and positive fraction."""
    electrons, alphas = lq_parameters(DEFAULT_ELECTRONS), lq_parameters(DEFAULT_ALPHAS)
    tissue = Tissue(_CELL, _WHERE, _PITCH_UM, _PACKING, progeny)
    volume = volume_per_cell_um3(_PACKING, _PITCH_UM)

    def per_cell(per_g: Mapping[str, float]) -> dict[str, float]:
        return {n: activity_concentration_decays_per_cell(c, volume) for n, c in per_g.items()}

    def rows(decays: Mapping[str, float], alpha_per_Gy: float, control: bool = False) -> list[dict[str, Any]]:
        track = {n: single_track(alpha_per_Gy) if emits_alphas(n, progeny=progeny) else 0.0 for n in decays}
        answer = {n: Survival(electrons.alpha_per_Gy, electrons.beta_per_Gy2, 1.0, t) for n, t in track.items()}
        return sweep_rows(decays, _FRACTIONS, _DIAMETERS_UM.tolist(), lambda n, each, f, d: tissue.expected(n, answer[n], each, f, d, control=control))

    own = per_cell(decays_per_g)
    variants = {"nominal": rows(own, alphas.alpha_per_Gy, control=True)}
    if any(emits_alphas(n, progeny=progeny) for n in own):
        u = alphas.u_alpha_per_Gy or 0.0
        variants |= {"alpha slope - u": rows(own, alphas.alpha_per_Gy - u), "alpha slope + u": rows(own, alphas.alpha_per_Gy + u)}
        variants |= {name: rows(per_cell(per_g), alphas.alpha_per_Gy) for name, per_g in variants_per_g.items()}
    nominal = variants["nominal"]
    return {
        "decays_per_cell": own, "rows": nominal, "rankings": rankings(nominal), "crossovers": crossovers(nominal),
        "crossover_ranges": crossover_ranges(variants), "variants": list(variants),
        "cell": {"radius_um": _CELL.cell_radius_um, "nucleus_radius_um": _CELL.nucleus_radius_um, "packing": _PACKING, "pitch_um": _PITCH_UM, "location": dict(_WHERE)},
        "biology": {
            "electrons": f"{electrons.name} ({electrons.source}; {electrons.note})", "alphas": f"{alphas.name} ({alphas.source}; {alphas.note})",
            "alpha_electron_per_Gy": electrons.alpha_per_Gy, "alpha_alpha_per_Gy": alphas.alpha_per_Gy, "u_alpha_alpha_per_Gy": alphas.u_alpha_per_Gy,
            "alpha_track_per_Gy": single_track(alphas.alpha_per_Gy),
        },
        "assumptions": [
            "cells with the target take up per gram what the target region did; those without take up nothing and stand at random among them",
            "a quarter of the decays at the surface, the rest in the cytoplasm (PC3-PIP, Ruigrok 2022); one cell line for both radiations, so for ranking and not for prognosis",
            f"the variants of crossovers: the slope for alphas {alphas.alpha_per_Gy:g} ± {alphas.u_alpha_per_Gy:g} per Gy" + (f", and alphas counted {RBE_RANGE[0]:g} or {RBE_RANGE[1]:g} times in the organ" if variants_per_g else ""),
            photon_note(list(own), float(_DIAMETERS_UM[-1]), progeny=progeny),
            "no growth between or during cycles",
        ],
    }  # fmt: skip
