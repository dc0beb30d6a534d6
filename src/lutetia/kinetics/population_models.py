"""Published population models of radioligands: what typical and virtual patients do after an injection.

Each model is one blood, with excretion, and tissues that take up from it. Amounts are corrected for decay, as in the
papers. Where uptake saturates, the capacity of a tissue is what the paper made of it: an activity of 177Lu, or an
amount of ligand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import numpy as np

from ..core import BadInput, CouldNot
from ..data import table
from ..nuclides import nuclide
from .population_patients import (
    Patients,
    PopulationModel,
    draw,
    frozen,
    population_model,
    population_models,
    typical,
)

__all__ = [
    "Patients", "PopulationModel", "dotatate_dose_Gy", "draw", "fractions", "population_model", "population_models", "time_integrated_h", "typical",
]
_RTOL = 1e-8


def time_integrated_h(
    patients: Patients, *, activity_Bq: float | None = None, ligand_nmol: float | None = None, nuclide_name: str | None = None,
    cycle: int = 1, study_molar_activity_Bq_per_nmol: float | None = None,
) -> Mapping[str, np.ndarray]:  # fmt: skip
    """Time-integrated activity per administered activity, in h, of the blood and each tissue, after one injection as a bolus.

    Without saturation it is the solution of (lambda I - K) x = e_blood, K being the matrix of rates; with it, an
    integral of the solved equations.

    Parameters
    ----------
    activity_Bq : float
        Needed by models whose capacity is an activity.
    ligand_nmol : float
        All ligand, hot and cold; needed by models whose capacity is an amount of ligand.
    nuclide_name : str, optional
        Default: that of the model. The ligand is supposed to behave alike.
    cycle : int
        Which of the patients' cycles.
    study_molar_activity_Bq_per_nmol : float, optional
        Activity over all ligand in the study, if you know it: turns a capacity that was published as an activity into
        nmol, and so allows another amount of ligand or another nuclide. Neither paper's is known here.

    Returns
    -------
    mapping of str to ndarray, shape (n,)

    Raises
    ------
    BadInput
        The activity or the ligand that the model needs is missing; another molar activity is asked of a capacity that
        holds at one alone; a cycle the patients do not have.
    CouldNot
        The equations of a patient could not be solved.

    Kidneys and tumour of 1.73 mL of the typical patient, from the values of doi:10.1002/psp4.12914, table 2:

    >>> x = time_integrated_h(typical("PSMA-617-Siebinga-2023"), activity_Bq=7.4e9)
    >>> round(float(x["kidneys"][0]), 3), round(float(x["tumours"][0]), 4)
    (1.545, 0.061)
    """
    m = patients.model
    decay_per_h = nuclide(nuclide_name or m.nuclide).decay_constant_per_s * 3600
    start, capacity = _start(patients, activity_Bq, ligand_nmol, nuclide_name, study_molar_activity_Bq_per_nmol)
    k_out, k, back, loss = _rates(patients, cycle)
    names = ("blood", *m.tissues)
    if np.all(np.isinf(capacity)):
        matrix = _matrix(k_out, k, back, loss)
        unit = np.zeros((len(patients), len(names), 1))
        unit[:, 0] = 1.0
        x = np.linalg.solve(decay_per_h * np.eye(len(names)) - matrix, unit)[..., 0]
    else:
        from .population_kernel import solve

        _, integrals, good = solve(np.full(len(patients), start), np.zeros(0), decay_per_h, _RTOL, k_out, k, back, loss, capacity)
        _all_solved(good)
        x = integrals[:, : len(names)] / start
    return frozen({name: x[:, i] for i, name in enumerate(names)})


def fractions(
    patients: Patients, times_s: Sequence[float] | np.ndarray, *, activity_Bq: float | None = None, ligand_nmol: float | None = None,
    nuclide_name: str | None = None, cycle: int = 1, study_molar_activity_Bq_per_nmol: float | None = None,
) -> Mapping[str, np.ndarray]:  # fmt: skip
    """Fraction of the administered amount, corrected for decay, at times after the injection.

    Parameters
    ----------
    times_s : array, shape (m,)
        Ascending, zero or later. The other parameters are those of `time_integrated_h`.

    Returns
    -------
    mapping of str to ndarray, shape (n, m)
        Blood, tissues and ``"excreted"`` (urine, and what tissues have broken down); their sum is one.
    """
    times = np.asarray(times_s, float) / 3600
    if times.ndim != 1 or not len(times) or not np.all(np.isfinite(times)) or times[0] < 0 or np.any(np.diff(times) < 0):
        raise BadInput("times: give at least one time in seconds after the injection, in ascending order, zero or later.")
    m = patients.model
    start, capacity = _start(patients, activity_Bq, ligand_nmol, nuclide_name, study_molar_activity_Bq_per_nmol)
    k_out, k, back, loss = _rates(patients, cycle)
    names = ("blood", *m.tissues, "excreted")
    if np.all(np.isinf(capacity)):
        # Uptake and return make the matrix similar to a symmetric one: its eigenvalues are real.
        rates, vectors = np.linalg.eig(_matrix(k_out, k, back, loss))
        unit = np.zeros((len(patients), len(names) - 1, 1))
        unit[:, 0] = 1.0
        share = np.linalg.solve(vectors, unit)[..., 0]
        inside = np.einsum("pij,pj,pmj->pmi", vectors, share, np.exp(rates[:, None] * times[None, :, None])).real
        y = np.concatenate([inside, 1 - inside.sum(-1, keepdims=True)], -1)
    else:
        from .population_kernel import solve

        amounts, _, good = solve(np.full(len(patients), start), times, 1.0, _RTOL, k_out, k, back, loss, capacity)
        _all_solved(good)
        y = amounts / start
    return frozen({name: y[..., i] for i, name in enumerate(names)})


def _all_solved(good: np.ndarray) -> None:
    if not good.all():
        raise CouldNot(f"population model: the equations of {int((~good).sum())} of {len(good)} patients could not be solved within the allowed steps; check their parameters.")


def _start(patients: Patients, activity_Bq: float | None, ligand_nmol: float | None, nuclide_name: str | None, molar: float | None) -> tuple[float, np.ndarray]:
    """The amount given and the capacities (n, s), in MBq or in nmol, whichever the model can say."""
    m, p = patients.model, patients.parameters
    for what, value in (("activity_Bq", activity_Bq), ("ligand_nmol", ligand_nmol), ("study_molar_activity_Bq_per_nmol", molar)):
        if value is not None and not (math.isfinite(value) and value > 0):
            raise BadInput(f"{what}: got {value!r}; give a positive number.")
    capacity = np.full((len(patients), len(m.tissues)), np.inf)
    for i, tissue in enumerate(m.tissues):
        if f"capacity_{tissue}" in p:
            capacity[:, i] = p[f"capacity_{tissue}"]
        elif f"density_{tissue}" in p:
            capacity[:, i] = p[f"density_{tissue}"] * p[f"volume_{tissue}"]
    if not m.saturates:
        return 1.0, capacity
    if m.capacity_in_activity and molar is None:
        other = nuclide_name is not None and nuclide(nuclide_name).name != m.nuclide
        if other or ligand_nmol is not None:
            asked = f"the nuclide {nuclide_name}" if other else f"{ligand_nmol:g} nmol of ligand"
            raise BadInput(
                f"{m.name}: its capacity of the salivary glands is an activity of {m.nuclide}, which holds at the molar activity of its study; that is not known here, "
                f"so that {asked} cannot be answered; leave it out, or state study_molar_activity_Bq_per_nmol."
            )
        if activity_Bq is None:
            raise BadInput(f"{m.name}: uptake saturates with the activity; give activity_Bq.")
        return activity_Bq / 1e6, capacity
    if ligand_nmol is None:
        hint = f" (its patients had {m.study_ligand_nmol:g} nmol)" if m.study_ligand_nmol else ""
        raise BadInput(f"{m.name}: uptake saturates with the ligand; give ligand_nmol{hint}.")
    if molar is not None and m.capacity_in_activity:
        capacity = capacity * (1e6 / molar)
    return ligand_nmol, capacity


def _rates(patients: Patients, cycle: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Excretion (n,), uptake, return and loss (n, s), in 1/h, of a cycle."""
    m, p = patients.model, patients.parameters
    if isinstance(cycle, bool) or not isinstance(cycle, int) or not 1 <= cycle <= patients.cycles:
        raise BadInput(f"cycle: got {cycle!r}, but the patients have cycles 1 to {patients.cycles}; draw them with more cycles.")
    none = np.zeros(len(patients))
    if "clearance" in p:  # clearances over volumes
        k_out = p["clearance"] / p["volume_blood"]
        k, back, loss = p["exchange_rest"] / p["volume_blood"], p["exchange_rest"] / p["volume_rest"], none
        return k_out, k[:, None], back[:, None], loss[:, None]
    free = p.get("unbound_fraction", none + 1)
    taken = [p[f"k_{t}"] * free * (patients.by_cycle[f"k_{t}"][:, cycle - 1] if f"k_{t}" in patients.by_cycle else 1.0) for t in m.tissues]
    columns = [[p.get(f"{kind}_{t}", none) for t in m.tissues] for kind in ("back", "loss")]
    return np.array(p["k_out"]), np.column_stack(taken), np.column_stack(columns[0]), np.column_stack(columns[1])


def _matrix(k_out: np.ndarray, k: np.ndarray, back: np.ndarray, loss: np.ndarray) -> np.ndarray:
    """Rates of blood and tissues, (n, s + 1, s + 1), where nothing saturates."""
    n, s = k.shape
    matrix = np.zeros((n, s + 1, s + 1))
    matrix[:, 0, 0] = -k_out - k.sum(1)
    matrix[:, 1:, 0], matrix[:, 0, 1:] = k, back
    matrix[:, np.arange(1, s + 1), np.arange(1, s + 1)] = -back - loss
    return matrix


def dotatate_dose_Gy(activity_Bq: float, creatinine_clearance_mL_per_min: float, *, adolescent: bool = False) -> Mapping[str, float]:
    """Absorbed dose of kidneys and red marrow in one cycle of 177Lu-DOTATATE, a regression on 57 patients.

    D = D0 (A / 7.4 GBq)^a (CrCL / 99 mL/min)^b, Sood et al. 2026, doi:10.2967/jnumed.125.270202, equations 5 and 6 (taken
    from a transcription). The scatter of patients about it, 48 % for the kidneys and 63 % for the marrow, is not resolved
    into causes. It rests on activities of about 7.4 GBq; for adolescents (10 of the 57) b of the kidneys changes sign.

    Raises
    ------
    BadInput
        A value that is not positive.

    >>> {organ: round(d, 2) for organ, d in dotatate_dose_Gy(7.4e9, 50.0).items()}
    {'kidneys': 6.36, 'marrow': 0.54}
    """
    for what, value in (("activity_Bq", activity_Bq), ("creatinine clearance", creatinine_clearance_mL_per_min)):
        if not (math.isfinite(value) and value > 0):
            raise BadInput(f"{what}: got {value!r}; give a positive number.")
    rows = table("popk_models").where("model", "DOTATATE-dose-Sood-2026")
    v = {(str(k), str(n)): float(x) for k, n, x in zip(rows["kind"], rows["name"], rows["value"])}
    activity = activity_Bq / 1e9 / v["covariate", "activity_GBq"]
    clearance = creatinine_clearance_mL_per_min / v["covariate", "creatinine_clearance_mL_per_min"]
    out = {}
    for organ in ("kidneys", "marrow"):
        power = v["effect", f"creatinine_clearance_mL_per_min on {organ}"]
        if adolescent:
            power += v.get(("effect", f"adolescent: creatinine_clearance_mL_per_min on {organ}"), 0.0)
        out[organ] = v["typical", organ] * activity ** v["effect", f"activity_GBq on {organ}"] * clearance**power
    return MappingProxyType(out)
