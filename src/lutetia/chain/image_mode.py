"""A dose from images: region curves and voxel curves, then energy, then mass."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.ndimage import binary_dilation
from scipy.spatial.transform import Rotation

from ..core import BadInput, finite_or_none, near_matches
from ..dosimetry.decay_maps import DecayMaps
from ..dosimetry.dvh import dvh
from ..dosimetry.maps import AIR_FLOOR_G_ML, DoseMap, dose_map
from ..dosimetry.regions import region_dose
from ..dosimetry.uncertainty import Recovery, dose_budget
from ..imaging import Geometry, RegionSet, Volume
from ..kinetics import TimeActivityCurve, TimeIntegratedActivity, fit_voxels
from ..kinetics.progeny import Fates
from ..nuclides import nuclide
from ..transport.kernels import nuclide_kernels
from ..transport.materials import medium_from_hu
from .case import Case
from .fates import (
    case_fates,
    counted_chain,
    fate_assumptions,
    lasting_progeny,
    progeny_record,
    require_preset,
)
from .records import bed_record, provenance, region_record, result_record
from .scans import PatientImages, beyond, fields_of_view, read_patient
from .table_mode import fit, region_curve

#: Relative standard uncertainty of the activity of one voxel at one scan.
_VOXEL_U = 0.10


@dataclass(frozen=True, slots=True, eq=False)
class ImageRun:
    """The result with the maps that go beside it; all maps are on the first scan's grid."""

    result: dict[str, Any]
    dose: Volume
    tia: Volume
    dose_u: Volume
    anatomy: Volume
    anatomy_kind: str
    regions: RegionSet
    dose_by_nuclide: Mapping[str, Volume] = field(default_factory=dict)
    #: DICOM files of the first scan, from which what is written inherits patient and study; none where it is NIfTI.
    source: tuple[Path, ...] = ()


def run_images(case: Case, *, engine: str | None, seed: int) -> ImageRun:
    """The result of an image case.

    The engine is `monte-carlo` where there is a CT or a body outline and `kernel` where there is neither, unless one is
    asked for.
    """
    start = time.perf_counter()
    require_preset(case)
    patient = read_patient(case, nuclide(case.nuclide))
    return run_patient(case, patient, engine=engine, seed=seed, reading_s=time.perf_counter() - start)


def region_fits(case: Case, patient: PatientImages) -> dict[str, tuple[TimeActivityCurve, TimeIntegratedActivity]]:
    """The curve and the fit of each region."""
    names, masks = _select(case, patient.regions)
    decay = nuclide(case.nuclide).decay_constant_per_s
    curves = {name: _curve(case, patient, masks, name)[0] for name in names}
    return {name: (c, fit(case.kinetics, c, decay, f"region {name!r}")) for name, c in curves.items()}


def region_curves(case: Case, patient: PatientImages) -> dict[str, tuple[TimeActivityCurve, float, float]]:
    """The curve of each region, its volume in mL on the first scan's grid, and 1 g/mL; one scan is enough."""
    names, masks = _select(case, patient.regions)
    voxel_mL = patient.scans[0].volume.geometry.voxel_mL
    return {name: (_curve(case, patient, masks, name)[0], float(masks[0][name].sum()) * voxel_mL, 1.0) for name in names}


def run_patient(
    case: Case, patient: PatientImages, *, engine: str | None, seed: int, fits: Mapping[str, TimeIntegratedActivity] | None = None, reading_s: float = 0.0
) -> ImageRun:
    """The result of an image case whose images have been read; `fits`, by region, take the place of fits of its activities."""
    n = nuclide(case.nuclide)
    now = time.perf_counter()
    clock = [now - reading_s, now]
    geometry = patient.scans[0].volume.geometry
    names, masks = _select(case, patient.regions)
    fates = case_fates(case, names)
    stack = np.stack([np.maximum(v.values, 0).astype(np.float32, copy=False) for v in patient.aligned])
    stack *= np.float32(geometry.voxel_mL)
    hu, partly = _covered(patient, names, masks)
    curves = [_curve(case, patient, masks, name) for name in names]
    if fits is None:
        regional = [fit(case.kinetics, c, n.decay_constant_per_s, f"region {name!r}") for name, (c, _) in zip(names, curves)]
        seconds, method_u = _seconds_of_one(case, patient, n.decay_constant_per_s)
    else:
        regional = [fits[name] for name in names]
        seconds, method_u = _seconds_of_given(regional, [c for c, _ in curves])
    seen, unseen = fields_of_view(patient)
    voxels = fit_voxels(
        patient.time_s, stack, decay_constant_per_s=n.decay_constant_per_s, relative_u=float(np.hypot(_VOXEL_U, method_u)), single_time_point_s=seconds, seen=seen
    )
    clock.append(time.perf_counter())
    chosen = engine or case.dosimetry.engine or ("monte-carlo" if patient.hu is not None or patient.body is not None else "kernel")
    inside = {k: masks[0][k] for k in names}
    decays = _decays(case, n.name, voxels.tia_Bq_s, inside, fates, hu, patient.body)
    several = len(counted_chain(case)) > 1
    doses = dose_map(
        decays if several else voxels.tia_Bq_s, geometry, n.name, chosen, hu=hu, body=patient.body,
        masks=inside, histories=case.dosimetry.histories, seed=seed, progeny=False,
    )  # fmt: skip
    total = doses.total_Gy
    records = [_record(case, patient, doses, total, decays, masks[0][name], name, *c, f, partly[name]) for name, c, f in zip(names, curves, regional)]
    clock.append(time.perf_counter())
    warnings = list(patient.warnings) + unseen + lasting_progeny(case, fates, records) + _light_tissue(n.name, doses, masks[0], patient.hu is not None)
    result = result_record(
        case, chosen, n.name, records, seed=seed, scans=_scan_records(patient), warnings=warnings, assumptions=_assumptions(case, doses, fates, several),
        monte_carlo=_monte_carlo(doses), progeny=progeny_record(case, fates, decays.decays, deposited_MeV=doses.deposited_MeV, images=True), timing_s=dict(zip(("read", "kinetics", "transport"), np.diff(clock).tolist())),
        provenance=provenance(case, chosen, patient.inputs, seed),
    )  # fmt: skip
    anatomy, kind = (patient.hu, "CT") if patient.hu is not None else (patient.aligned[0], "activity")
    u = _voxel_u(case, doses, total, voxels.u_tia_Bq_s, voxels.tia_Bq_s)
    at = patient.scans[0].acquired_at
    return ImageRun(
        result,
        Volume(total, geometry, "absorbed dose [Gy]", at),
        Volume(voxels.tia_Bq_s, geometry, "time-integrated activity [Bq s]", at),
        Volume(u, geometry, "absorbed dose, standard uncertainty [Gy]", at),
        anatomy,
        kind,
        RegionSet(inside, geometry, patient.regions[0].source, patient.regions[0].files, ()),
        {k: Volume(d, geometry, f"absorbed dose of {k} [Gy]", at) for k, d in doses.by_nuclide_Gy.items()},
        patient.scans[0].paths,
    )


def _decays(
    case: Case, name: str, tia: np.ndarray, masks: Mapping[str, np.ndarray], fates: Fates, hu: np.ndarray | None, body: np.ndarray | None
) -> DecayMaps:
    """Where every nuclide decays. Free atoms in the body are in voxels that hold tissue, where a CT or an outline shows which."""
    if hu is not None and not fates.all_stay:
        body = np.asarray(medium_from_hu(hu).density_g_mL) >= AIR_FLOOR_G_ML
    return DecayMaps(name, tia, masks, fates, body=body)


def _seconds_of_one(case: Case, patient: PatientImages, decay_constant_per_s: float) -> tuple[float | None, float]:
    """With a single scan: the seconds by which the method multiplies an activity, and its own relative uncertainty."""
    if len(patient.time_s) > 1:
        return None, 0.0
    one = fit(case.kinetics, TimeActivityCurve(patient.time_s, np.ones(1), np.zeros(1)), decay_constant_per_s, "kinetics")
    return one.tia_Bq_s, one.u_tia_Bq_s / one.tia_Bq_s


def _seconds_of_given(fits: list[TimeIntegratedActivity], curves: list[TimeActivityCurve]) -> tuple[float | None, float]:
    """The same from fits that were given: their mean over the regions."""
    if len(curves[0].time_s) > 1:
        return None, 0.0
    return sum(f.tia_Bq_s for f in fits) / sum(float(c.activity_Bq[0]) for c in curves), max(f.u_tia_Bq_s / f.tia_Bq_s for f in fits)


def _select(case: Case, sets: tuple[RegionSet, ...]) -> tuple[list[str], list[dict[str, np.ndarray]]]:
    """Names of the regions wanted, in order, and the masks of each set by name."""
    out = []
    for s in sets:
        masks = dict(s.masks)
        for name, expression in case.regions.define.items():
            masks[name] = s.evaluate(expression)
        out.append(masks)
    wanted = case.regions.include or list(out[0])
    for name in [*wanted, *case.regions.bed, *((case.uncertainty.recovery.apply_to or []) if case.uncertainty.recovery else [])]:
        for n, masks in enumerate(out, 1):
            if name not in masks:
                where = f" of scan {n}" if len(out) > 1 else ""
                why = "".join(f" {w}" for w in sets[n - 1].warnings if w.startswith(f"{name!r} "))  # left out by the reader
                raise BadInput(f"There is no region {name!r} among the regions{where}: {', '.join(masks)}.{why or near_matches(name, masks)}")
    return wanted, out


def _covered(patient: PatientImages, names: list[str], masks: list[dict[str, np.ndarray]]) -> tuple[np.ndarray | None, dict[str, list[str]]]:
    """The CT's values with tissue where a region goes beyond the CT, and what each region's images do not cover.

    Raises
    ------
    BadInput
        A region wholly outside a later scan, or no region within the CT.
    """
    grid, warnings = patient.scans[0].volume.geometry, {name: list[str]() for name in names}
    parts = {name: _lost(patient, masks[0][name]) for name in names} if len(masks) == 1 else {}
    if len(masks) == 1:  # own outlines were checked on their own scan
        for n, (scan, how) in enumerate(zip(patient.scans[1:], patient.registrations[1:]), 2):
            for name in names:
                lost = len(beyond(masks[0][name], grid, scan.volume.geometry, None if how is None else how.transform)) / max(int(masks[0][name].sum()), 1)
                if lost == 1:
                    raise BadInput(f"region {name!r} lies wholly outside scan {n}; leave out the region or that scan, or check how the scan is placed.")
                if lost > 0.002:
                    warnings[name].append(f"{lost:.1%} of it lies outside scan {n}, whose activity was divided by {1 - parts[name][n - 1]:.3f}, the part within its field by the scans that see all of it")
    if patient.hu is None or patient.ct_grid is None:
        return None, warnings
    hu = np.array(patient.hu.values)
    without = {name: beyond(masks[0][name], grid, patient.ct_grid) for name in names}
    if all(len(v) == int(masks[0][name].sum()) for name, v in without.items()):
        raise BadInput("The CT covers none of the regions; check that it belongs to the first scan, or leave it out.")
    for name, voxels in without.items():
        if len(voxels):
            hu[tuple(voxels.T)] = 0.0
            warnings[name].append(f"{len(voxels) / masks[0][name].sum():.1%} of it lies outside the CT and was taken for soft tissue of 0 HU")
    return hu, warnings


def _beyond_recovery(case: Case, name: str, volume_mL: float) -> list[str]:
    """Say where a region's volume lies outside the recovery table, whose end value it then took."""
    table = _recovery(case, name)
    if table is None or table.volume_mL[0] <= volume_mL <= table.volume_mL[-1]:
        return []
    end = 0 if volume_mL < table.volume_mL[0] else -1
    return [f"its {volume_mL:.3g} mL lie outside the recovery table: the coefficient at {table.volume_mL[end]:g} mL was used"]


def _recovery(case: Case, name: str) -> Recovery | None:
    r = case.uncertainty.recovery
    if r is None or (r.apply_to is not None and name not in r.apply_to):
        return None
    return Recovery(tuple(r.volume_mL), tuple(r.rc), tuple(r.u_rc))


def _curve(case: Case, patient: PatientImages, masks: list[dict[str, np.ndarray]], name: str) -> tuple[TimeActivityCurve, list[float] | None]:
    """A region's activity at each scan, recovery-corrected; own outlines are read on the scan's own grid.

    The first scan's outlines may reach beyond a later scan. Its activity then is that seen over the part of the region's activity
    that lies within its field, as the scans that see all of the region have it. The lost part over the
    root of twelve, a rectangular distribution of its own width, is in the point's uncertainty.
    """
    own = len(masks) > 1
    volumes = [s.volume for s in patient.scans] if own else list(patient.aligned)
    sets = masks if own else masks * len(volumes)
    activity = np.array([float(v.values[m[name]].sum(dtype=float)) * v.geometry.voxel_mL for v, m in zip(volumes, sets)])
    table, used = _recovery(case, name), None
    if table is not None:
        used = [table.at(float(m[name].sum()) * v.geometry.voxel_mL)[0] for v, m in zip(volumes, sets)]
        activity = activity / np.array(used)
    if own:
        return region_curve(name, patient.time_s, activity, case.uncertainty.point), used
    lost = _lost(patient, masks[0][name])
    curve = region_curve(name, patient.time_s, activity / (1 - lost), case.uncertainty.point)
    return replace(curve, u_activity_Bq=np.hypot(curve.u_activity_Bq, lost / np.sqrt(12) * curve.activity_Bq)) if lost.any() else curve, used


def _lost(patient: PatientImages, mask: np.ndarray) -> np.ndarray:
    """The part of a region's activity that lies outside the field of each scan, by the mean of the scans that see all of it; 0 for all of it."""
    grid, lost = patient.scans[0].volume.geometry, np.zeros(len(patient.scans))
    unseen = [beyond(mask, grid, s.volume.geometry, None if how is None else how.transform) for s, how in zip(patient.scans, patient.registrations)]
    for n, voxels in enumerate(unseen):
        if len(voxels):
            whole = [np.maximum(v.values, 0) for v, none in zip(patient.aligned, unseen) if not len(none)]
            totals = [float(v.sum(where=mask, dtype=float)) for v in whole]
            parts = [float(v[tuple(voxels.T)].sum(dtype=float)) / total for v, total in zip(whole, totals) if total > 0]
            lost[n] = float(np.mean(parts)) if parts else 0.0
    return np.where(lost < 0.999, lost, 0.0)


def _record(
    case: Case, patient: PatientImages, doses: DoseMap, total: np.ndarray, decays: DecayMaps, mask: np.ndarray, name: str,
    curve: TimeActivityCurve, recovery: list[float] | None, fitted: Any, warnings: list[str],
) -> dict[str, Any]:  # fmt: skip
    geometry = patient.scans[0].volume.geometry
    counted = counted_chain(case)
    of_map, of_fit = ({n: v for n, v in decays.of_region(mask, tia).items() if n in counted} for tia in (None, fitted.tia_Bq_s))
    d = region_dose(doses, name, mask, geometry.voxel_mL, map_Bq_s=of_map, fitted_Bq_s=of_fit)
    s_u = float(np.hypot(case.uncertainty.s_value, d.u_statistical_Gy / d.dose_Gy if d.dose_Gy else 0.0))
    budget = dose_budget(
        volume_mL=d.volume_mL, voxel_mm=geometry.voxel_mL ** (1 / 3) * 10, fwhm_mm=case.uncertainty.resolution, volume_u=case.uncertainty.volume,
        recovery=_recovery(case, name), calibration_u=case.uncertainty.calibration, fit_u=fitted.u_tia_Bq_s / fitted.tia_Bq_s, s_u=s_u, s_slope=d.s_slope,
    )  # fmt: skip
    warnings = [*warnings, *_beyond_recovery(case, name, d.volume_mL)]
    of_map = d.map_mean_Gy or 0.0
    if of_map and abs(d.dose_Gy / of_map - 1) > 0.2:
        warnings.append(f"the region's own fit gives {d.dose_Gy / of_map:.2f} times the mean of the voxel map; see the fit and the recovery correction")
    # The histogram keeps the shape of the map and takes the region's mean.
    histogram = dvh(total[mask] * (d.dose_Gy / of_map if of_map else 1.0), levels_Gy=tuple(case.dosimetry.dvh_levels))
    return region_record(
        name=name, curve=curve, fit=fitted, mass_kg=d.mass_kg, volume_mL=d.volume_mL, by_nuclide_Gy=d.by_nuclide_Gy, decays_Bq_s=of_fit, budget=budget,
        administered_Bq=case.administration.activity, histogram=histogram, map_mean_Gy=d.map_mean_Gy, recovery=recovery,
        bed=bed_record(case.regions.bed.get(name), d.by_radiation_Gy, d.dose_Gy, fitted), warnings=warnings,
    )  # fmt: skip


def _scan_records(patient: PatientImages) -> list[dict[str, Any]]:
    out = []
    for n, (s, t, how) in enumerate(zip(patient.scans, patient.time_s, patient.registrations), 1):
        moved = None
        if how is not None:
            moved = {
                **_motion(how.transform, patient.scans[0].volume.geometry), "text": how.text,
                "correlation_before": finite_or_none(how.correlation_before), "correlation_after": finite_or_none(how.correlation_after),
            }  # fmt: skip
        out.append({
            "index": n, "time_s": float(t), "acquired_at": s.acquired_at.isoformat(), "modality": s.modality,
            "total_activity_Bq": float(s.volume.values.sum(dtype=float)) * s.volume.geometry.voxel_mL,
            "scale": {"tag": s.scale.tag, "unit": s.scale.unit, "explanation": s.scale.explanation},
            "decay_correction": s.decay_correction, "registration": moved, "patient": s.patient_key, "series_uid": s.series_uid,
        })  # fmt: skip
    return out


def _motion(transform: np.ndarray, geometry: Geometry) -> dict[str, list[float]]:
    """Shift of the grid's centre along x, y, z (LPS mm) and rotation about them (degrees)."""
    centre = geometry.to_patient((np.array(geometry.shape) - 1) / 2)
    shift = transform[:3, :3] @ centre + transform[:3, 3] - centre
    return {"translation_mm": shift.tolist(), "rotation_deg": Rotation.from_matrix(transform[:3, :3]).as_euler("xyz", degrees=True).tolist()}


def _assumptions(case: Case, doses: DoseMap, fates: Fates, several: bool) -> list[str]:
    out = list(doses.notes) + fate_assumptions(case, fates)
    if several and not fates.all_stay:
        out.append("progeny that goes to a region, or to the body outside all regions, is uniform in it; the field of view is taken for the whole body")
    out.append(f"independent uncertainty of each point of a curve: {case.uncertainty.point:.0%}; of S at fixed mass: {case.uncertainty.s_value:.0%}")
    if case.regions.use == "first":
        out.append("the first scan's regions hold for all scans")
    if case.uncertainty.recovery is None:
        out.append("no recovery correction: partial-volume losses are in the doses of small regions")
    return out


def _light_tissue(name: str, doses: DoseMap, masks: dict[str, np.ndarray], has_ct: bool) -> list[str]:
    """Say where a water kernel of a long-range emitter meets lung."""
    kernel = nuclide_kernels(name, progeny=True).get("electron")
    if not has_ct or kernel is None or doses.engine == "local":
        return []
    r90 = float(np.interp(0.9 * kernel.energy_MeV[-1], kernel.energy_MeV, kernel.radius_mm))
    if r90 < 2.0:
        return []
    lung = (doses.density_g_mL > 0.05) & (doses.density_g_mL < 0.6)
    near = binary_dilation(lung, iterations=2)
    return [
        f"{region}: {np.mean(near[mask]):.0%} of it lies in or next to lung, where the water kernel of {name} (90 % of the energy within {r90:.1f} mm) misplaces electron dose"
        for region, mask in masks.items()
        if np.mean(near[mask]) > 0.05
    ]


def _monte_carlo(doses: DoseMap) -> dict[str, Any] | None:
    return None if doses.u_statistical_Gy is None else {"histories": doses.histories, "relative_uncertainty_by_region": doses.photon_relative_u}


def _voxel_u(case: Case, doses: DoseMap, total: np.ndarray, u_tia: np.ndarray, tia: np.ndarray) -> np.ndarray:
    """Standard uncertainty of each voxel's dose: fit, calibration, S and Monte Carlo statistics; not partial volume."""
    relative = np.divide(u_tia, tia, out=np.zeros_like(tia), where=tia > 0)
    common = (case.uncertainty.calibration or 0.0) ** 2 + case.uncertainty.s_value**2
    u2 = total**2 * (relative**2 + np.float32(common))
    if doses.u_statistical_Gy is not None:
        u2 = u2 + doses.u_statistical_Gy**2
    return np.sqrt(u2).astype(np.float32)
