"""A dose from a table of activities and masses, without images."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import BadInput, LutetiaError, parse
from ..dosimetry.regions import by_radiation, s_mass_slope, self_doses_Gy
from ..dosimetry.uncertainty import dose_budget
from ..kinetics import TimeActivityCurve, TimeIntegratedActivity, fit_curve
from ..kinetics.progeny import progeny_decays
from ..nuclides import nuclide
from ..transport.spheres import GY_G_PER_MEV
from .case import Case, Kinetics, TableRegion
from .fates import case_fates, counted_chain, fate_assumptions, lasting_progeny, progeny_record
from .records import bed_record, provenance, region_record, result_record


def table_fits(case: Case) -> dict[str, tuple[TimeActivityCurve, TimeIntegratedActivity]]:
    """The curve and the fit of each region of a table."""
    return {r.name: (f.curve, f.fit) for r in case.region for f in [_fitted(case, r, nuclide(case.nuclide).decay_constant_per_s, None)]}


def table_curves(case: Case) -> dict[str, tuple[TimeActivityCurve, float, float]]:
    """The curve of each region of a table, its volume in mL and its density in g/mL; one time point is enough."""
    decay = nuclide(case.nuclide).decay_constant_per_s
    return {r.name: (_curve(case, r, decay), _size(r)[2], _size(r)[1]) for r in case.region}


def run_table(case: Case, *, seed: int, fits: Mapping[str, TimeIntegratedActivity] | None = None) -> dict[str, Any]:
    """The result of a region-table case; `fits`, by region, take the place of fits of its activities.

    Self-dose comes from the absorbed fractions of a sphere or ellipsoid of the region's mass; dose from other
    regions is what the case supplies, or is neglected, which the result says.
    """
    start = time.perf_counter()
    n = nuclide(case.nuclide)
    fates = case_fates(case, [r.name for r in case.region])
    fitted = [_fitted(case, r, n.decay_constant_per_s, fits) for r in case.region]
    decays = progeny_decays(n.name, {f.given.name: f.fit.tia_Bq_s for f in fitted}, fates)
    counted = counted_chain(case)
    regions = [_record(case, f, {k: v for k, v in decays.at(f.given.name).items() if k in counted}) for f in fitted]
    warnings = lasting_progeny(case, fates, regions)
    without = [r.name for r in case.region if r.cross_dose is None]
    assumptions = ["no images: self-dose from the absorbed fractions of a sphere or ellipsoid of each region's mass"]
    if without:
        assumptions.append(f"dose from other regions neglected for: {', '.join(without)}")
    assumptions += fate_assumptions(case, fates)
    deposited = sum(r["dose_self_Gy"] * r["mass_kg"] * 1000 / GY_G_PER_MEV for r in regions)
    if case.dosimetry.engine is not None:
        warnings.append(f"the engine {case.dosimetry.engine!r} needs images and was not used")
    return result_record(
        case, "region-table", n.name, regions, seed=seed, scans=[], warnings=warnings, assumptions=assumptions, monte_carlo=None,
        progeny=progeny_record(case, fates, decays, deposited_MeV=deposited, images=False),
        timing_s={"read": 0.0, "kinetics": time.perf_counter() - start, "transport": 0.0, "write": 0.0},
        provenance=provenance(case, "region-table", [], seed),
    )  # fmt: skip


def fit(settings: Kinetics, curve: TimeActivityCurve, decay_constant_per_s: float, what: str) -> TimeIntegratedActivity:
    """Fit a curve as the case asks; `what` is named if it cannot be done."""
    try:
        return fit_curve(
            curve,
            decay_constant_per_s=decay_constant_per_s,
            method=settings.method,
            models=settings.models,
            half_life_s=settings.effective_half_life,
            half_life_relative_u=settings.effective_half_life_u,
            relative_u=settings.relative_u,
        )
    except LutetiaError as error:
        raise type(error)(f"{what}: {error}") from None


def region_curve(name: str, time_s: np.ndarray, activity_Bq: np.ndarray, relative_u: float) -> TimeActivityCurve:
    """A region's curve with the standard uncertainty of each point.

    A point of zero activity has no relative uncertainty; all it says is that there was less than could be seen. So it
    gets the distance from zero of anything up to the smallest activity that was seen (rectangular: over root three).

    Raises
    ------
    BadInput
        Values that are no curve, or several points of which one alone is above zero.
    """
    try:
        u = relative_u * np.abs(activity_Bq)
        seen = activity_Bq[activity_Bq > 0]
        if len(seen):
            u = np.maximum(np.where(activity_Bq == 0, seen.min() / np.sqrt(3.0), u), 1e-6 * seen.max())
        curve = TimeActivityCurve(time_s, activity_Bq, u)
    except BadInput as error:
        raise BadInput(f"region {name!r}: {error}") from None
    if len(seen) == 1 < len(activity_Bq):
        raise BadInput(f"region {name!r}: only one of its {len(activity_Bq)} activities is above zero, which shows no rate; leave the others out and choose a single-time-point method.")
    return curve


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    """A region of the table with its curve, its fit and its size."""

    given: TableRegion
    curve: TimeActivityCurve
    fit: TimeIntegratedActivity
    mass_kg: float
    volume_mL: float
    density_g_mL: float
    axes_mm: tuple[float, float, float] | None


def _fitted(case: Case, r: TableRegion, decay_constant: float, fits: Mapping[str, TimeIntegratedActivity] | None) -> _Fitted:
    curve = _curve(case, r, decay_constant)
    found = fits[r.name] if fits is not None else fit(r.kinetics or case.kinetics, curve, decay_constant, f"region {r.name!r}")
    mass_kg, density, volume_mL = _size(r)
    axes = None
    if r.shape == "ellipsoid":
        lengths = [parse(x, "mm", f"region {r.name!r}: axes", positive=True) for x in str(r.axes).split(",")]
        if len(lengths) != 3:
            raise BadInput(f"region {r.name!r}: axes has {len(lengths)} lengths; give three, such as '11 cm, 6 cm, 5 cm'.")
        axes = (lengths[0], lengths[1], lengths[2])
    return _Fitted(r, curve, found, mass_kg, volume_mL, density, axes)


def _curve(case: Case, r: TableRegion, decay_constant: float) -> TimeActivityCurve:
    times = np.array(r.times)
    activity = np.array(r.activities)
    if np.any(times < 0):
        raise BadInput(f"region {r.name!r}: a time lies before the administration; give times after it.")
    if case.measurement.decay_corrected_to == "administration":
        activity = activity * np.exp(-decay_constant * times)
    if r.recovery_coefficient is not None:
        activity = activity / r.recovery_coefficient
    return region_curve(r.name, times, activity, r.relative_u if r.relative_u is not None else case.uncertainty.point)


def _size(r: TableRegion) -> tuple[float, float, float]:
    """Mass in kg, density in g/mL, volume in mL."""
    mass_kg = r.mass if r.mass is not None else float(r.volume or 0) * float(r.density or 0) * 1e-3
    density = r.density if r.density is not None else (mass_kg * 1000 / r.volume if r.volume is not None else 1.0)
    return mass_kg, density, r.volume if r.volume is not None else mass_kg * 1000 / density


def _record(case: Case, f: _Fitted, decays: Mapping[str, float]) -> dict[str, Any]:
    """The record of a region in which `decays` of each nuclide take place (Bq s)."""
    r, fitted = f.given, f.fit
    by_nuclide = self_doses_Gy(decays, f.mass_kg, f.density_g_mL, axes_mm=f.axes_mm)
    of_radiation = by_radiation(by_nuclide)
    self_Gy = float(sum(of_radiation.values()))
    budget = dose_budget(
        volume_mL=f.volume_mL, voxel_mm=None, fwhm_mm=None, volume_u=r.volume_u if r.volume_u is not None else case.uncertainty.volume,
        recovery=None, calibration_u=case.uncertainty.calibration, fit_u=fitted.u_tia_Bq_s / fitted.tia_Bq_s,
        s_u=case.uncertainty.s_value, s_slope=s_mass_slope(decays, f.mass_kg, f.density_g_mL),
    )  # fmt: skip
    if r.recovery_coefficient is not None:
        budget["note"] = "; ".join(filter(None, [str(budget["note"]), "uncertainty of the recovery coefficient not stated: counted as zero"]))
    organ = r.bed or case.regions.bed.get(r.name)
    dose = self_Gy + (r.cross_dose or 0.0)
    return region_record(
        name=r.name, curve=f.curve, fit=fitted, mass_kg=f.mass_kg, volume_mL=f.volume_mL, by_nuclide_Gy=by_nuclide, decays_Bq_s=decays, budget=budget,
        administered_Bq=case.administration.activity, self_Gy=self_Gy, cross_Gy=r.cross_dose,
        recovery=None if r.recovery_coefficient is None else [r.recovery_coefficient] * len(r.times),
        bed=bed_record(organ, of_radiation, dose, fitted),
        warnings=[] if r.density is not None or r.volume is not None else ["density not given: 1 g/mL for the absorbed fractions"],
    )  # fmt: skip
