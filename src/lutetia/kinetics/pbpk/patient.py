"""The patient of a whole-body model: weight, body surface, haematocrit, filtration, tumours; one or many at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core import BadInput

Value = float | np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Tumour:
    """A tumour, or a group of them taken as one.

    Attributes
    ----------
    name : str
        Region it makes.
    volume_mL : float or ndarray
    receptor_nmol_L : float or ndarray, optional
        Density of receptors per volume; that of the parameter set where not given.
    flow_mL_min_g : float or ndarray, optional
        Plasma flow; that of the parameter set where not given.
    density_g_mL : float or ndarray
    """

    name: str
    volume_mL: Value
    receptor_nmol_L: Value | None = None
    flow_mL_min_g: Value | None = None
    density_g_mL: Value = 1.0


#: The tumours of the 66-state system with which solvers were compared: 20 and 50 mL, and the rest of the disease taken as one.
DEFAULT_TUMOURS = (Tumour("tumour 1", 20.0), Tumour("tumour 2", 50.0), Tumour("tumour rest", 250.0))


@dataclass(frozen=True, slots=True, eq=False)
class Patient:
    """A patient, or many (arrays of one length in place of numbers, the same structure).

    The defaults are those of the 66-state system with which solvers were compared: an assumption, not a mean of any cohort.

    Attributes
    ----------
    weight_kg, bsa_m2, haematocrit, gfr_mL_min : float or ndarray
        `bsa_m2` from weight and height: `body_surface_m2`. `gfr_mL_min` is not normalised to body surface.
    tumours : tuple of Tumour
    """

    weight_kg: Value = 82.0
    bsa_m2: Value = 1.98
    haematocrit: Value = 0.4
    gfr_mL_min: Value = 90.0
    tumours: tuple[Tumour, ...] = DEFAULT_TUMOURS


def body_surface_m2(weight_kg: float, height_cm: float) -> float:
    """``0.007184 W^0.425 H^0.725`` of Du Bois and Du Bois 1916 (Arch. Intern. Med. 17, 863), as secondary sources give it.

    >>> round(body_surface_m2(82, 176), 2)
    1.98
    """
    return float(0.007184 * weight_kg**0.425 * height_cm**0.725)


_RANGES = {"weight_kg": (20, 300), "bsa_m2": (0.5, 4), "haematocrit": (0.1, 0.7), "gfr_mL_min": (1, 300)}
_OF_TUMOUR = {"volume_mL": (1e-4, 10_000), "receptor_nmol_L": (1e-6, 1e5), "flow_mL_min_g": (1e-4, 10), "density_g_mL": (0.2, 3)}


def check_patient(patient: Patient) -> None:
    """Refuse what no patient can have.

    Raises
    ------
    BadInput
        A value that is not finite or out of its range, negative or zero densities among them; two tumours of one name.
    """
    for name, (low, high) in _RANGES.items():
        _within(f"patient: {name}", getattr(patient, name), low, high)
    for t in patient.tumours:
        for name, (low, high) in _OF_TUMOUR.items():
            if getattr(t, name) is not None:
                _within(f"tumour {t.name!r}: {name}", getattr(t, name), low, high)
    names = [t.name for t in patient.tumours]
    if len(set(names)) < len(names):
        raise BadInput(f"Two tumours are named {next(n for n in names if names.count(n) > 1)!r}; give each a name of its own.")


def _within(what: str, value: Value, low: float, high: float) -> None:
    v = np.asarray(value, float)
    bad = v[~(np.isfinite(v) & (v >= low) & (v <= high))]
    if bad.size:
        raise BadInput(f"{what} is {float(bad.flat[0]):.4g}; give a value from {low:g} to {high:g}.")
