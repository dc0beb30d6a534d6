"""From an agent, an activity and an amount of ligand to what each region gets: kinetics, then self-dose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..agents import Agent, agent, class_prior, kinetics_statement, molar_activity_Bq_per_nmol
from ..core import BadInput, near_matches, run_chunks
from ..dosimetry.regions import self_s
from ..kinetics.pbpk import ParameterSet, Patient, parameter_set, parameter_sets
from ..kinetics.pbpk.parameters import SET_OF_LIGAND
from ..kinetics.pbpk.population import some_of, virtual_patients
from ..kinetics.pbpk.simulate import CURVE_H, PbpkResult, hot_fraction, simulate_pbpk
from ..kinetics.population_models import (
    draw,
    fractions,
    population_model,
    population_models,
    time_integrated_h,
    typical,
)
from .patient_file import PatientFile, load_patient

_CHUNK = 2000


def run_simulate(
    name: str,
    *,
    activity_Bq: float,
    ligand_nmol: float | None = None,
    patient: Path | str | None = None,
    kinetics: str | None = None,
    use_class_prior: bool = False,
    population: int | None = None,
    seed: int = 1,
    scheduler: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Simulate one injection of an agent.

    Parameters
    ----------
    name : str
        Of an agent of the library.
    activity_Bq : float
    ligand_nmol : float, optional
        All ligand, hot and cold; a whole-body model needs it.
    patient : path, optional
        A patient file; an assumed patient where none is given.
    kinetics : str, optional
        A whole-body parameter set or a population model. Default: the ligand's whole-body set, else its population model.
    use_class_prior : bool
        For an agent without public kinetics: take those of its class.
    population : int, optional
        Number of virtual patients; without it one typical patient.
    seed : int
        Of the population.
    scheduler : str, optional
        Address of a Dask scheduler for a population, or ``"local"``: `lutetia.core.run_chunks`. The result is the same without it.
    progress : callable, optional
        Gets the part done.

    Returns
    -------
    dict
        See the page on whole-body models.

    Raises
    ------
    BadInput
        No such agent, no public kinetics, an activity that the ligand cannot carry, a patient file with a fault, a scheduler
        where nothing is shared out.
    CouldNot
        The solver did not converge; the scheduler does not answer.
    """
    a = agent(name)
    hot_nmol = activity_Bq / molar_activity_Bq_per_nmol(a.nuclide)
    if ligand_nmol is not None:
        hot_fraction(activity_Bq, ligand_nmol, a.nuclide)
    if population is not None and not 1 <= population <= 1_000_000:
        raise BadInput(f"A population of {population}; give 1 to 1000000 patients.")
    if scheduler is not None and population is None:
        raise BadInput("A scheduler shares out a population; give --population as well, or leave --scheduler out.")
    file = None if patient is None else load_patient(patient)
    chosen, prior = _kinetics(a, kinetics, use_class_prior)
    result: dict[str, Any] = {
        "schema": "lutetia-simulation/1", "agent": a.id, "nuclide": a.nuclide, "activity_Bq": activity_Bq, "ligand_nmol": ligand_nmol, "hot_nmol": hot_nmol,
        "population": None if population is None else {"patients": population, "seed": seed}, "patient_file_sha256": None if file is None else file.sha256,
    }  # fmt: skip
    said = [] if prior is None else [f"kinetics of {prior.id}, of the same target and kind of molecule, stand in for those of {a.id}, which are not public"]
    if chosen in parameter_sets():
        if ligand_nmol is None:
            raise BadInput("A whole-body model needs the amount of ligand, hot and cold together; give --ligand, such as '57 nmol'.")
        return result | _whole_body(a, chosen, ligand_nmol, file, population, seed, said, scheduler, progress)
    if scheduler is not None:
        raise BadInput(f"{chosen} is a population model, computed at once; leave --scheduler out.")
    return result | _population_model(a, chosen, activity_Bq, ligand_nmol, file, population, seed, said)


def _kinetics(a: Agent, wanted: str | None, use_class_prior: bool) -> tuple[str, Agent | None]:
    """Name of the parameters, and the agent they were borrowed from."""
    if wanted is not None:
        known = [*parameter_sets(), *population_models()]
        if wanted not in known:
            raise BadInput(f"--kinetics: there is no {wanted!r}; choose from {', '.join(known)}.{near_matches(wanted, known)}")
        own = {*a.kinetics, SET_OF_LIGAND.get(a.ligand), *(s for s in parameter_sets() if s.startswith(a.ligand.replace("&", "")))}
        lender = None
        if wanted not in own:
            prior = class_prior(a)
            if not use_class_prior or prior is None or wanted not in {*prior.kinetics, SET_OF_LIGAND.get(prior.ligand)}:
                raise BadInput(f"--kinetics: {wanted!r} is of another ligand than {a.id}. {_said(a)}")
            lender = prior
        return wanted, lender
    if a.ligand in SET_OF_LIGAND:
        return SET_OF_LIGAND[a.ligand], None
    if a.kinetics:
        return a.kinetics[0], None
    prior = class_prior(a)
    if prior is None or not use_class_prior:
        raise BadInput(f"{a.id} cannot be simulated. {_said(a)}")
    return SET_OF_LIGAND.get(prior.ligand, prior.kinetics[0]), prior


def _said(a: Agent) -> str:
    statement = kinetics_statement(a)
    return statement + (" Give --class-prior to ask for it." if class_prior(a) is not None else "")


def _whole_body(
    a: Agent, name: str, ligand_nmol: float, file: PatientFile | None, population: int | None, seed: int, said: list[str], scheduler: str | None,
    progress: Callable[[float], None] | None,
) -> dict[str, Any]:
    one, parameters = Patient(), parameter_set(name)
    if file is not None:
        one, parameters = file.of_model(parameters)
        said.append("what the patient file does not give is the parameter set's")
    else:
        said.append("no patient file: 82 kg, 1.98 m2, haematocrit 0.40, GFR 90 mL/min, tumours of 20, 50 and 250 mL; an assumption, no mean of a cohort")
    n = population or 1
    patients, sets = virtual_patients(one, parameters, n, seed) if population else (one, parameters)
    firsts = range(0, n, _CHUNK)
    cut = _Chunks(lambda first: (*(some_of(patients, sets, first, min(first + _CHUNK, n)) if population else (patients, sets)), ligand_nmol, a.nuclide), firsts)
    parts = run_chunks(_of_chunk, cut, scheduler=scheduler, progress=progress)
    whole: dict[str, Any] = {
        k: {r: np.concatenate([part[k][r] for part in parts]) for r in parts[0][k]} for k in ("tiac_h", "peak", "peak_time_h", "occupancy")
    }  # fmt: skip
    shares = {k: np.concatenate([part[k] for part in parts]) for k in ("urine", "degraded")}
    mass, compact, regions = parts[0]["mass_kg"], parts[0]["compact"], []
    for r, tiac in whole["tiac_h"].items():
        regions.append(
            {"region": r, "mass_kg": mass.get(r), **_spread("tiac_h", tiac, population), **_dose(a.nuclide, tiac, mass.get(r) if r in compact else None, population),
             **_spread("peak_occupancy", whole["peak"].get(r), population), **_spread("peak_time_h", whole["peak_time_h"].get(r), population)}
        )  # fmt: skip
    occupancy = {r: {k: np.quantile(c, q, axis=0).tolist() for k, q in _QUANTILES.items() if population or k == "median"} for r, c in whole["occupancy"].items()}
    said += [
        "ligand that a cell has released is degraded and out of the body; its decays are in no region",
        "dose is self-dose of a sphere of the region's mass, progeny decaying with the parent; none is given for regions that are no sphere, and none from one region to another",
    ]
    if population:
        said.append("the spread is of receptors, release and filtration alone; weight, volumes, flows and affinity do not vary")
    return {
        "kinetics": {"name": name, "kind": "whole body", "note": parameters.note}, "regions": regions,
        **_spread("urine_fraction_24h", shares["urine"], population), **_spread("degraded_fraction_24h", shares["degraded"], population),
        "receptor_occupancy": {"time_h": list(CURVE_H), "regions": occupancy}, "assumptions": said,
    }  # fmt: skip


class _Chunks:
    """Parts of a population, each cut when it is wanted, with their number known beforehand."""

    def __init__(self, cut: Callable[[int], tuple[Patient, ParameterSet, float, str]], firsts: range) -> None:
        self.cut, self.firsts = cut, firsts

    def __len__(self) -> int:
        return len(self.firsts)

    def __iter__(self) -> Iterator[tuple[Patient, ParameterSet, float, str]]:
        return map(self.cut, self.firsts)


def _of_chunk(chunk: tuple[Patient, ParameterSet, float, str]) -> dict[str, Any]:
    """What one part of a population gives; it may run in another process."""
    patients, sets, ligand_nmol, name = chunk
    return _kept(simulate_pbpk(patients, sets, ligand_nmol, (name,)), name)


def _kept(r: PbpkResult, name: str) -> dict[str, Any]:
    """What is wanted of a part of a population."""
    return {
        "tiac_h": {k: v for k, v in r.tiac_h[name].items() if k in r.mass_kg}, "peak": r.peak_occupancy, "peak_time_h": r.peak_time_h, "occupancy": r.occupancy,
        "urine": r.urine_fraction_24h, "degraded": r.degraded_fraction_24h, "mass_kg": {k: float(np.asarray(m)) for k, m in r.mass_kg.items()}, "compact": r.compact,
    }  # fmt: skip


_QUANTILES = {"median": 0.5, "p5": 0.05, "p95": 0.95}


def _spread(key: str, values: np.ndarray | None, population: int | None) -> dict[str, Any]:
    """A value, or a population's median and 5 to 95 % range."""
    if values is None:
        return {key: None}
    found = {key: float(np.median(values))}
    return found | {f"{key}_5_95": [float(q) for q in np.quantile(values, (0.05, 0.95))]} if population else found


def _dose(name: str, tiac_h: np.ndarray, mass_kg: float | None, population: int | None) -> dict[str, Any]:
    if mass_kg is None:
        return {"dose_Gy_per_GBq": None, "dose_by_radiation_Gy_per_GBq": None}
    decays = tiac_h * 3600 * 1e9
    s = self_s(name, mass_kg, 1.0)
    return _spread("dose_Gy_per_GBq", decays * sum(s.values()), population) | {"dose_by_radiation_Gy_per_GBq": {k: float(np.median(decays * v)) for k, v in s.items()}}


def _population_model(
    a: Agent, name: str, activity_Bq: float, ligand_nmol: float | None, file: PatientFile | None, population: int | None, seed: int, said: list[str]
) -> dict[str, Any]:
    m = population_model(name)
    given: Mapping[str, float] = {} if file is None else {k: v for k, v in file.covariates().items() if k in m.covariates}
    patients = draw(m, population, seed, covariates=given) if population else typical(m, covariates=given)
    amounts: dict[str, Any] = {"activity_Bq": activity_Bq, "nuclide_name": a.nuclide}
    if m.capacity_in_activity:
        said.append("capacities of this model are activities at the molar activity of its study; the amount of ligand is not heeded")
    else:
        amounts["ligand_nmol"] = ligand_nmol
    tiac = time_integrated_h(patients, **amounts)
    out = fractions(patients, [86400.0], **amounts)["excreted"][:, 0]
    said += ["a population model has no masses and no receptors: no dose and no occupancy follow from it", "urine: excreted, and what tissues have broken down"]
    regions = [
        {"region": r, "mass_kg": None, **_spread("tiac_h", x, population), "dose_Gy_per_GBq": None, "dose_by_radiation_Gy_per_GBq": None, "peak_occupancy": None, "peak_time_h": None}
        for r, x in tiac.items()
    ]
    note = f"{m.source}, {m.patients} patients; " + (f"covariates {dict(given)}" if given else "covariates at their reference")
    return {
        "kinetics": {"name": name, "kind": "population model", "note": note}, "regions": regions, **_spread("urine_fraction_24h", out, population),
        "degraded_fraction_24h": None, "receptor_occupancy": None, "assumptions": said,
    }  # fmt: skip

