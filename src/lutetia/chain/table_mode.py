"""A dose from a table of activities and masses, without images."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from ..core import BadInput, LutetiaError, parse
from ..dosimetry.regions import s_mass_slope, self_s
from ..dosimetry.uncertainty import dose_budget
from ..kinetics import TimeActivityCurve, TimeIntegratedActivity, fit_curve
from ..nuclides import equilibrium_chain, nuclide
from .case import Case, Kinetics, TableRegion
from .records import bed_record, provenance, region_record, result_record


def run_table(case: Case, *, seed: int) -> dict[str, Any]:
    """The result of a region-table case.

    Self-dose comes from the absorbed fractions of a sphere or ellipsoid of the region's mass; dose from other
    regions is what the case supplies, or is neglected, which the result says.
    """
    start = time.perf_counter()
    n = nuclide(case.nuclide)
    regions = [_region(case, r, n.name, n.decay_constant_per_s) for r in case.region]
    warnings = []
    without = [r.name for r in case.region if r.cross_dose is None]
    assumptions = ["no images: self-dose from the absorbed fractions of a sphere or ellipsoid of each region's mass"]
    if without:
        assumptions.append(f"dose from other regions neglected for: {', '.join(without)}")
    if case.dosimetry.progeny and len(equilibrium_chain(n)) > 1:
        assumptions.append("progeny in equilibrium decays where its parent does")
    if case.dosimetry.engine is not None:
        warnings.append(f"the engine {case.dosimetry.engine!r} needs images and was not used")
    return result_record(
        case, "region-table", n.name, regions, seed=seed, scans=[], warnings=warnings, assumptions=assumptions, monte_carlo=None,
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


def _region(case: Case, r: TableRegion, name: str, decay_constant: float) -> dict[str, Any]:
    times = np.array(r.times)
    activity = np.array(r.activities)
    if np.any(times < 0):
        raise BadInput(f"region {r.name!r}: a time lies before the administration; give times after it.")
    if case.measurement.decay_corrected_to == "administration":
        activity = activity * np.exp(-decay_constant * times)
    if r.recovery_coefficient is not None:
        activity = activity / r.recovery_coefficient
    relative = r.relative_u if r.relative_u is not None else case.uncertainty.point
    curve = region_curve(r.name, times, activity, relative)
    fitted = fit(r.kinetics or case.kinetics, curve, decay_constant, f"region {r.name!r}")
    mass_kg = r.mass if r.mass is not None else float(r.volume or 0) * float(r.density or 0) * 1e-3
    density = r.density if r.density is not None else (mass_kg * 1000 / r.volume if r.volume is not None else 1.0)
    volume_mL = r.volume if r.volume is not None else mass_kg * 1000 / density
    axes = None
    if r.shape == "ellipsoid":
        lengths = [parse(x, "mm", f"region {r.name!r}: axes", positive=True) for x in str(r.axes).split(",")]
        if len(lengths) != 3:
            raise BadInput(f"region {r.name!r}: axes has {len(lengths)} lengths; give three, such as '11 cm, 6 cm, 5 cm'.")
        axes = (lengths[0], lengths[1], lengths[2])
    s = self_s(name, mass_kg, density, axes_mm=axes, progeny=case.dosimetry.progeny)
    by_radiation = {k: v * fitted.tia_Bq_s for k, v in s.items()}
    self_Gy = float(sum(by_radiation.values()))
    budget = dose_budget(
        volume_mL=volume_mL, voxel_mm=None, fwhm_mm=None, volume_u=r.volume_u if r.volume_u is not None else case.uncertainty.volume,
        recovery=None, calibration_u=case.uncertainty.calibration, fit_u=fitted.u_tia_Bq_s / fitted.tia_Bq_s,
        s_u=case.uncertainty.s_value, s_slope=s_mass_slope(name, mass_kg, density, progeny=case.dosimetry.progeny),
    )  # fmt: skip
    if r.recovery_coefficient is not None:
        budget["note"] = "; ".join(filter(None, [str(budget["note"]), "uncertainty of the recovery coefficient not stated: counted as zero"]))
    organ = r.bed or case.regions.bed.get(r.name)
    dose = self_Gy + (r.cross_dose or 0.0)
    return region_record(
        name=r.name, curve=curve, fit=fitted, mass_kg=mass_kg, volume_mL=volume_mL, by_radiation_Gy=by_radiation, budget=budget,
        administered_Bq=case.administration.activity, self_Gy=self_Gy, cross_Gy=r.cross_dose,
        recovery=None if r.recovery_coefficient is None else [r.recovery_coefficient] * len(times),
        bed=bed_record(organ, by_radiation, dose, fitted),
        warnings=[] if r.density is not None or r.volume is not None else ["density not given: 1 g/mL for the absorbed fractions"],
    )  # fmt: skip
