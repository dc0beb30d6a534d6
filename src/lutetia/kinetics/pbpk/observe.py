"""What a scan saw of a patient, what is unknown of the patient, and what the whole-body model says the scan should have seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ...core import BadInput, near_matches
from ...data import table
from .parameters import ParameterSet
from .patient import Patient
from .population import published_cv
from .solver import solve
from .structure import INJECTION, build_body

#: Tighter than in a simulation: differences of predictions are taken.
_RTOL = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Observation:
    """The activities of regions after one injection.

    Attributes
    ----------
    patient : Patient
        As known: body, filtration, tumours with the volumes that they had at this scan.
    parameters : ParameterSet
        Typical values of the ligand that was given, with this patient's volumes.
    ligand_nmol, injected_Bq, decay_per_s : float
    region : tuple of str, length m
        A region of the model for each value seen.
    time_s : ndarray, shape (m,)
        Since the injection.
    activity_Bq : ndarray, shape (m,)
        Above zero, not corrected for decay since the injection.
    relative_u : ndarray, shape (m,)
        Standard uncertainty of each, apart from the others.
    common_u : float
        Relative standard uncertainty that all values of this scan have in common, such as that of a calibration.
    """

    patient: Patient
    parameters: ParameterSet
    ligand_nmol: float
    injected_Bq: float
    decay_per_s: float
    region: tuple[str, ...]
    time_s: np.ndarray
    activity_Bq: np.ndarray
    relative_u: np.ndarray
    common_u: float = 0.0

    def __post_init__(self) -> None:
        m = len(self.region)
        if not m or any(np.shape(x) != (m,) for x in (self.time_s, self.activity_Bq, self.relative_u)):
            raise BadInput(f"An observation of {m} regions has times, activities and uncertainties of other lengths, or none; give one of each for every value.")
        for what, x in (("time after the injection", self.time_s), ("activity", self.activity_Bq), ("relative uncertainty", self.relative_u)):
            if not np.all(np.isfinite(x)) or np.any(x <= 0):
                i = int(np.argmin(np.where(np.isfinite(x), x, -np.inf)))
                raise BadInput(f"region {self.region[i]!r}: a {what} of {x[i]:.4g}; a forecast needs values above zero; leave the point out.")


@dataclass(frozen=True, slots=True, eq=False)
class Unknowns:
    """What is inferred: factors on typical values, log-normal of median 1 before any scan.

    Attributes
    ----------
    names : tuple of str, length p
        A kinetic parameter; ``"gfr"``; ``"receptors NAME"`` and ``"flow NAME"`` of a tumour; ``"uptake NAME, scan K"``, by which its receptors differ at one
        occasion; ``"scale, scan K"``, by which all activities of one scan are too high.
    log_sd : ndarray, shape (p,)
        Standard deviations of the logarithms.
    """

    names: tuple[str, ...]
    log_sd: np.ndarray


def published_occasion_cv() -> float:
    """Spread of a patient's own tumour uptake from one cycle to the next, coefficient of variation of its rate.

    177Lu-PSMA-617, Siebinga et al. 2023 (doi:10.1002/psp4.12914):

    >>> published_occasion_cv()
    0.435
    """
    rows = table("popk_models").where("model", "PSMA-617-Siebinga-2023")
    return next(float(v) for k, n, v in zip(rows["kind"], rows["name"], rows["value"]) if k == "iov_cv" and n == "k_tumours")


def unknowns(tumours: Sequence[str], scans: Sequence[Observation], occasion_cv: float, flow_cv: float = 0.0) -> Unknowns:
    """What is unknown of a patient with these tumours after `scans`.

    Parameters
    ----------
    tumours : sequence of str
        Names. Each has a density of its own with the published spread between patients; what the tumours of one patient have in
        common is not published, and they are taken as independent.
    scans : sequence of Observation
    occasion_cv : float
        Spread of a tumour's uptake between occasions; 0 for none.
    flow_cv : float
        Spread of the plasma flow of tumours; 0 where it is taken as known.
    """
    cv = published_cv()
    of_tumour = cv.pop("receptor_tumour")
    found = {f"receptors {t}": of_tumour for t in tumours} | cv
    if flow_cv > 0:
        found |= {f"flow {t}": flow_cv for t in tumours}
    for k, scan in enumerate(scans):
        if occasion_cv > 0:
            found |= {f"uptake {t}, scan {k}": occasion_cv for t in tumours if t in scan.region}
        if scan.common_u > 0:
            found[f"scale, scan {k}"] = scan.common_u
    return Unknowns(tuple(found), np.sqrt(np.log1p(np.array(list(found.values())) ** 2)))


def with_factors(patient: Patient, parameters: ParameterSet, factor: Mapping[str, np.ndarray], scan: int | None = None) -> tuple[Patient, ParameterSet]:
    """Patients whose parameters are the typical ones times `factor`, each of shape (n,).

    Parameters
    ----------
    factor : mapping
        Names as in `Unknowns`; those that are not there are 1.
    scan : int, optional
        The occasion whose uptake is laid on the tumours.

    Raises
    ------
    BadInput
        A name that is no parameter.
    """
    left = {k: np.asarray(v, float) for k, v in factor.items() if not k.startswith(("receptors ", "flow ", "uptake ", "scale, "))}
    gfr = left.pop("gfr", np.ones(()))
    tumours = []
    for t in patient.tumours:
        density = np.asarray(parameters["receptor_tumour"] if t.receptor_nmol_L is None else t.receptor_nmol_L, float)
        density = density * factor.get(f"receptors {t.name}", 1.0) * (1.0 if scan is None else factor.get(f"uptake {t.name}, scan {scan}", 1.0))
        flow = np.asarray(parameters["tumour_flow"] if t.flow_mL_min_g is None else t.flow_mL_min_g, float) * factor.get(f"flow {t.name}", 1.0)
        tumours.append(replace(t, receptor_nmol_L=np.clip(density, 1e-6, 1e5), flow_mL_min_g=np.clip(flow, 1e-4, 10.0)))
    unknown = [k for k in left if k not in parameters.values]
    if unknown:
        raise BadInput(f"There is no kinetic parameter {unknown[0]!r} to vary; choose from {', '.join(parameters.values)}.{near_matches(unknown[0], parameters.values)}")
    varied = parameters.with_values(**{k: np.asarray(parameters[k]) * v for k, v in left.items()})
    return replace(patient, gfr_mL_min=np.clip(np.asarray(patient.gfr_mL_min) * gfr, 1.0, 300.0), tumours=tuple(tumours)), varied


def predicted_log_Bq(scan: Observation, number: int, unknown: Unknowns, log_factor: np.ndarray) -> np.ndarray:
    """Logarithm of the activity that each region should show, shape (n, m), for factors ``exp(log_factor)`` of shape (n, p).

    One call of the solver follows all n patients up to the last time seen; the injections of other occasions are not in the body any
    more. `number` is that of the scan, by which its own unknowns are named.

    Raises
    ------
    BadInput, CouldNot
    """
    factor = dict(zip(unknown.names, np.exp(log_factor).T))
    body = build_body(*with_factors(scan.patient, scan.parameters, factor, number))
    strange = [r for r in scan.region if r not in body.regions]
    if strange:
        raise BadInput(f"The model has no region {strange[0]!r}; it has {', '.join(body.regions)}.{near_matches(strange[0], body.regions)}")
    system = body.system
    start = np.zeros((system.patients, len(system.states)))
    start[:, system.index(INJECTION)] = scan.ligand_nmol
    times = np.unique(scan.time_s) / 60
    wanted = {r: body.regions[r] for r in dict.fromkeys(scan.region)}
    s = solve(system, start, watch=wanted, time_min=times, end_min=float(times[-1]), tail=False, rtol=_RTOL)
    row = [s.watched.index(r) for r in scan.region]
    amount = s.series_nmol[:, row, np.searchsorted(times, scan.time_s / 60)]
    log = np.log(np.maximum(amount, 1e-300) / scan.ligand_nmol * scan.injected_Bq) - scan.decay_per_s * scan.time_s
    if (scale := f"scale, scan {number}") in factor:
        log = log + np.log(factor[scale])[:, None]
    return np.broadcast_to(log, (len(log_factor), len(scan.region)))
