"""From an agent, an activity and an amount of ligand to what each region gets: kinetics, then self-dose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..agents import Agent, agent, class_prior, kinetics_statement, molar_activity_Bq_per_nmol
from ..core import BadInput, near_matches
from ..kinetics.pbpk import Patient, parameter_set, parameter_sets, uptake_factors
from ..kinetics.pbpk.parameters import SET_OF_LIGAND
from ..kinetics.pbpk.simulate import hot_fraction
from ..kinetics.population_models import (
    draw,
    fractions,
    population_model,
    population_models,
    time_integrated_h,
    typical,
)
from .binding_file import Molecule, load_binding
from .case import Progeny
from .fates import load_fates
from .patient_file import PatientFile, load_patient
from .simulate_body import Injections, spread, whole_body


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
    cycles: int = 1,
    interval_days: float = 42.0,
    uptake_change: str = "published",
    fates: str | None = None,
    binding: Path | str | None = None,
    scheduler: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:
    """Simulate one injection of an agent, or several.

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
    cycles : int
        Injections alike.
    interval_days : float
        From one to the next.
    uptake_change : {"published", "none"}
        How receptors of tumours change from one to the next.
    fates : str, optional
        Of the nuclide's progeny: a preset, or a file.
    binding : path, optional
        A binding file: how the molecule binds and travels, in place of what the parameter set says.
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
    if not 1 <= cycles <= 20:
        raise BadInput(f"--cycles {cycles}; give 1 to 20 injections.")
    factors = tuple(uptake_factors(cycles, uptake_change))
    progeny = None if fates is None else load_fates(fates)
    file = None if patient is None else load_patient(patient)
    molecule = None if binding is None else load_binding(binding)
    chosen, prior = _kinetics(a, kinetics, use_class_prior)
    result: dict[str, Any] = {
        "schema": "lutetia-simulation/1", "agent": a.id, "nuclide": a.nuclide, "activity_Bq": activity_Bq, "ligand_nmol": ligand_nmol, "hot_nmol": hot_nmol,
        "population": None if population is None else {"patients": population, "seed": seed}, "patient_file_sha256": None if file is None else file.sha256,
        "binding_file_sha256": None if molecule is None else molecule.sha256,
    }  # fmt: skip
    said = [] if prior is None else [f"kinetics of {prior.id}, of the same target and kind of molecule, stand in for those of {a.id}, which are not public"]
    if chosen in parameter_sets():
        if ligand_nmol is None:
            raise BadInput("A whole-body model needs the amount of ligand, hot and cold together; give --ligand, such as '57 nmol'.")
        if cycles > 1 and uptake_change == "published":
            said.append("receptors of tumours fall from injection to injection as published for 177Lu-PSMA-I&T at about 7.4 GBq a cycle")
        if molecule is not None:
            said += molecule.said
        asked = Injections(a.nuclide, activity_Bq, ligand_nmol, interval_days, factors, {} if molecule is None else molecule.how)
        return result | _whole_body(asked, chosen, molecule, file, population, seed, said, progeny, scheduler, progress)
    if cycles > 1 or fates is not None or molecule is not None:
        option = "--cycles" if cycles > 1 else "--fates" if fates is not None else "--binding"
        raise BadInput(f"{chosen} is a population model: it has no receptors and no masses; leave {option} out, or name a whole-body set with --kinetics.")
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
    asked: Injections, name: str, molecule: Molecule | None, file: PatientFile | None, population: int | None, seed: int, said: list[str], progeny: Progeny | None, scheduler: str | None,
    progress: Callable[[float], None] | None,
) -> dict[str, Any]:  # fmt: skip
    one, parameters = Patient(), parameter_set(name)
    if file is not None:
        one, parameters = file.of_model(parameters)
        said.append("what the patient file does not give is the parameter set's")
    else:
        said.append("no patient file: 82 kg, 1.98 m2, haematocrit 0.40, GFR 90 mL/min, tumours of 20, 50 and 250 mL; an assumption, no mean of a cohort")
    if molecule is not None:
        parameters = molecule.of(parameters)
    result, more = whole_body(asked, one, parameters, population, seed, progeny, scheduler=scheduler, progress=progress)
    said += more
    if population:
        said.append("the spread is of receptors, release and filtration alone; weight, volumes, flows and affinity do not vary")
    return result | {"assumptions": said}


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
        {"region": r, "mass_kg": None, **spread("tiac_h", x, population), "dose_Gy_per_GBq": None, "dose_by_radiation_Gy_per_GBq": None, "dose_by_nuclide_Gy_per_GBq": None, "peak_occupancy": None, "peak_time_h": None}
        for r, x in tiac.items()
    ]
    note = f"{m.source}, {m.patients} patients; " + (f"covariates {dict(given)}" if given else "covariates at their reference")
    return {
        "kinetics": {"name": name, "kind": "population model", "note": note}, "regions": regions, **spread("urine_fraction_24h", out, population),
        "degraded_fraction_24h": None, "receptor_occupancy": None, "course": None, "progeny": None, "assumptions": said,
    }  # fmt: skip

