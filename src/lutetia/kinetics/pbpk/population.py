"""Virtual patients: a patient and a parameter set with the published spread between patients."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...core import BadInput, stream
from ...data import table
from .parameters import ParameterSet
from .patient import Patient


def published_cv() -> dict[str, float]:
    """Coefficients of variation by what they are laid on, from the table ``pbpk_variability``.

    Siebinga et al. 2023 (doi:10.1002/psp4.12914) give 58.8 % for the rate of 177Lu-PSMA-617 into tumours:

    >>> published_cv()["receptor_tumour"]
    0.588
    """
    t = table("pbpk_variability")
    return {str(p): float(c) for p, c in zip(t["parameter"], t["cv"])}


def virtual_patients(patient: Patient, parameters: ParameterSet, n: int, seed: int) -> tuple[Patient, ParameterSet]:
    """`n` patients around one: log-normal factors of median 1, ``sigma^2 = ln(1 + cv^2)``, drawn apart for each parameter.

    Parameters
    ----------
    patient : Patient
        One patient.
    parameters : ParameterSet
        One set; density of receptors, release, and the patient's filtration vary. All tumours of a patient vary together.
        Weight, volumes, flows and affinity do not: no spread that could be read is laid on them here, so that the spread of
        doses is too small where those matter.
    n : int
        1 to 1 000 000.
    seed : int
        Of named streams: the first n of a larger population are the same patients.

    Raises
    ------
    BadInput
    """
    if not 1 <= n <= 1_000_000:
        raise BadInput(f"A population of {n}; give 1 to 1000000 patients.")
    factor = {p: _factors(cv, n, seed, p) for p, cv in published_cv().items()}
    gfr = np.asarray(patient.gfr_mL_min * factor.pop("gfr"))
    tumours = tuple(
        t if t.receptor_nmol_L is None else replace(t, receptor_nmol_L=np.asarray(t.receptor_nmol_L * factor["receptor_tumour"])) for t in patient.tumours
    )
    varied = parameters.with_values(**{p: np.asarray(parameters[p]) * f for p, f in factor.items()})
    return replace(patient, gfr_mL_min=np.clip(gfr, 1.0, 300.0), tumours=tumours), varied


def _factors(cv: float, n: int, seed: int, parameter: str) -> np.ndarray:
    return np.exp(np.sqrt(np.log1p(cv**2)) * stream(seed, "pbpk", "patient", parameter).standard_normal(n))


def some_of(patient: Patient, parameters: ParameterSet, first: int, last: int) -> tuple[Patient, ParameterSet]:
    """Patients `first` to `last` (not counted in) of many."""

    def cut(x: object) -> object:
        return x[first:last] if isinstance(x, np.ndarray) and x.ndim else x

    of_patient = {f: cut(getattr(patient, f)) for f in ("weight_kg", "bsa_m2", "haematocrit", "gfr_mL_min")}
    fields = ("volume_mL", "receptor_nmol_L", "flow_mL_min_g", "density_g_mL")
    tumours = tuple(replace(t, **{f: cut(getattr(t, f)) for f in fields}) for t in patient.tumours)  # type: ignore[arg-type]
    values = {k: cut(v) for k, v in parameters.values.items()}
    return replace(patient, tumours=tumours, **of_patient), replace(parameters, values=values)  # type: ignore[arg-type]
