"""An injection followed through the body: time-integrated activity, occupancy and urine, for any nuclide from one solve.

Hot, decayed and cold ligand move alike, so that after one injection ``hot(t) = f0 exp(-lambda t) total(t)`` in every
compartment. Ligand as a whole is solved once; for each nuclide the time-integrated activity coefficient of a region is
``integral of exp(-lambda t) y(t) dt / injected ligand``, whatever the molar activity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...agents import molar_activity_Bq_per_nmol
from ...core import BadInput
from ...nuclides import nuclide
from .binding import Binding
from .carriers import Albumin, LargeMolecule
from .parameters import ParameterSet
from .patient import Patient, Value
from .solver import DEFAULT_END_MIN, solve
from .structure import DEGRADED, INJECTION, URINE, Body, build_body

#: Times of the curves, h: dense while receptors fill, then to three weeks.
CURVE_H = (0.0, 0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 18.0, 24.0, 36.0, 48.0, 72.0, 96.0, 120.0, 168.0, 240.0, 336.0, 504.0)


@dataclass(frozen=True, slots=True, eq=False)
class PbpkResult:
    """What became of an injection; the first axis of arrays is the patient.

    Attributes
    ----------
    parameters : str
        Name of the set.
    ligand_nmol : ndarray, shape (patients,)
    tiac_h : mapping of nuclide to region to ndarray, shape (patients,)
        Decays in the region per becquerel injected, in hours.
    time_h : ndarray, shape (times,)
    amount_nmol : mapping of region to ndarray, shape (patients, times)
        All ligand, hot or not; times ``A0 exp(-lambda t) / ligand_nmol`` it is the activity. ``"urine"`` and ``"degraded"`` among them.
    occupancy : mapping of region to ndarray, shape (patients, times)
        Share of the receptors that hold ligand.
    peak_occupancy, peak_time_h : mapping of region to ndarray, shape (patients,)
    urine_fraction_24h, degraded_fraction_24h : ndarray, shape (patients,)
        Share of the ligand in the urine, and released after degradation, in a day.
    mass_kg : mapping of region to float or ndarray
    compact : tuple of str
        Regions for which the self-dose of a sphere stands.
    steps : ndarray of int, shape (patients,)
    """

    parameters: str
    ligand_nmol: np.ndarray
    tiac_h: Mapping[str, Mapping[str, np.ndarray]]
    time_h: np.ndarray
    amount_nmol: Mapping[str, np.ndarray]
    occupancy: Mapping[str, np.ndarray]
    peak_occupancy: Mapping[str, np.ndarray]
    peak_time_h: Mapping[str, np.ndarray]
    urine_fraction_24h: np.ndarray
    degraded_fraction_24h: np.ndarray
    mass_kg: Mapping[str, Value]
    compact: tuple[str, ...]
    steps: np.ndarray


def hot_fraction(activity_Bq: float, ligand_nmol: float, name: str) -> float:
    """Share of the ligand that is hot, one atom to a molecule.

    Raises
    ------
    BadInput
        The activity needs more labelled ligand than there is ligand, or one of them is not above zero.

    >>> round(hot_fraction(7.4e9, 57.09, "Lu-177"), 3)
    0.178
    """
    if not (np.isfinite(activity_Bq) and activity_Bq > 0 and np.isfinite(ligand_nmol) and ligand_nmol > 0):
        raise BadInput(f"An activity of {activity_Bq:g} Bq on {ligand_nmol:g} nmol of ligand; give both above zero.")
    hot_nmol = activity_Bq / molar_activity_Bq_per_nmol(name)
    if hot_nmol > ligand_nmol:
        raise BadInput(
            f"{activity_Bq / 1e6:.4g} MBq of {name} is {hot_nmol:.4g} nmol of atoms even without carrier ({molar_activity_Bq_per_nmol(name) / 1e6:.3g} MBq/nmol), "
            f"more than the {ligand_nmol:.4g} nmol of ligand can carry; give more ligand or less activity."
        )
    return hot_nmol / ligand_nmol


def simulate_pbpk(
    patient: Patient,
    parameters: ParameterSet,
    ligand_nmol: Value,
    nuclides: Sequence[str] = ("Lu-177",),
    *,
    binding: Binding = None,
    unbound_fraction: Value = 1.0,
    release: Literal["degraded", "intact"] = "degraded",
    albumin: Albumin | None = None,
    large: LargeMolecule | None = None,
    time_h: Sequence[float] = CURVE_H,
    rtol: float = 1e-5,
) -> PbpkResult:
    """Follow one injection into the veins.

    Parameters
    ----------
    patient : Patient
        One, or many as arrays.
    parameters : ParameterSet
    ligand_nmol : float or ndarray
        All ligand injected: hot, decayed and cold.
    nuclides : sequence of str
        For which the time-integrated activity is wanted.
    binding, unbound_fraction, release, albumin, large
        As in `build_body`.
    time_h : sequence of float
        Times of the curves, rising, up to 1594 h.
    rtol : float
        Relative tolerance of the solver.

    Raises
    ------
    BadInput, CouldNot

    Kidney and peak occupancy of the 66-state system, for which an integration by Radau at a tolerance of 1e-10 gave 2.077 h and
    0.686:

    >>> from lutetia.kinetics.pbpk import Patient, parameter_set
    >>> r = simulate_pbpk(Patient(), parameter_set("PSMA-617-KD1"), 57.0)
    >>> round(float(r.tiac_h["Lu-177"]["kidney"][0]), 3), round(float(r.peak_occupancy["kidney"][0]), 3)
    (2.077, 0.686)
    """
    ligand = np.asarray(ligand_nmol, float)
    if ligand.ndim > 1 or not np.all(np.isfinite(ligand)) or np.any(ligand <= 0) or np.any(ligand > 1e6):
        raise BadInput(f"The ligand is {float(ligand.min()):.4g} nmol; give an amount above zero, up to 1e6 nmol.")
    body = build_body(patient, parameters, binding=binding, unbound_fraction=unbound_fraction, release=release, albumin=albumin, large=large)
    body = _for(body, ligand)
    system = body.system
    start = np.zeros((system.patients, len(system.states)))
    start[:, system.index(INJECTION)] = ligand
    watch = {**body.regions, URINE: (URINE,), DEGRADED: (DEGRADED,), **{f"{r} taken": t for r, t in body.taken.items()}}
    time = np.asarray(time_h, float)
    with_day = np.union1d(time, [24.0])
    s = solve(
        system, start, decay_per_min=[60 * nuclide(n).decay_constant_per_s for n in nuclides], watch=watch, time_min=60 * with_day,
        end_min=DEFAULT_END_MIN, rtol=rtol,
    )  # fmt: skip
    at = {name: i for i, name in enumerate(s.watched)}
    keep, day = np.searchsorted(with_day, time), int(np.searchsorted(with_day, 24.0))
    whole = np.broadcast_to(ligand, (system.patients,))
    per_region = {r: [system.index(x) for x in states] for r, states in (*body.regions.items(), (URINE, (URINE,)), (DEGRADED, (DEGRADED,)))}
    sites = {r: np.broadcast_to(np.asarray(n, float), (system.patients,)) for r, n in body.sites_nmol.items()}
    return PbpkResult(
        parameters.name, whole,
        {n: {r: s.integral_min[:, d, i].sum(axis=-1) / whole / 60 for r, i in per_region.items()} for d, n in enumerate(nuclides)},
        time, {r: s.series_nmol[:, at[r]][:, keep] for r in per_region},
        {r: s.series_nmol[:, at[f"{r} taken"]][:, keep] / n[:, None] for r, n in sites.items()},
        {r: s.peak_nmol[:, at[f"{r} taken"]] / n for r, n in sites.items()}, {r: s.peak_min[:, at[f"{r} taken"]] / 60 for r in sites},
        s.series_nmol[:, at[URINE], day] / whole, s.series_nmol[:, at[DEGRADED], day] / whole, body.mass_kg, body.compact, s.steps,
    )  # fmt: skip


def _for(body: Body, ligand: np.ndarray) -> Body:
    """The body once for each amount of ligand, where one patient gets several amounts.

    Raises
    ------
    BadInput
        Neither one patient nor one amount, nor as many of the one as of the other.
    """
    from dataclasses import replace

    n, patients = ligand.size, body.system.patients
    if n in (1, patients):
        return body
    if patients > 1:
        raise BadInput(f"There are {patients} patients and {n} amounts of ligand; give one amount, or one for each patient.")
    s = body.system
    return replace(body, system=replace(s, value_per_min=np.repeat(s.value_per_min, n, axis=0), k_per_nmol_min=np.repeat(s.k_per_nmol_min, n, axis=0)))
