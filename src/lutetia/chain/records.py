"""Results as plain values: one record a region, one record of where everything came from."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from importlib import metadata
from typing import Any

import numpy as np

from .. import __version__
from ..core import finite_or_none
from ..data import table
from ..dosimetry.dvh import DVH
from ..kinetics import TimeActivityCurve, TimeIntegratedActivity
from ..radiobiology import bed_Gy, bed_parameters, lea_catcheside
from .case import Case, as_parameters

SCHEMA = "lutetia-result/1"
_PACKAGES = ("numpy", "scipy", "numba", "pydicom", "highdicom", "SimpleITK", "nibabel", "radioactivedecay", "icrp107-database")

_TABLES = ("electron_kernels", "estar_electrons", "photon_kernels", "photon_cross_sections", "astar_alphas", "radiobiology_bed")
_FATE_TABLE = "progeny_fates"
_IMAGE_TABLES = ("hu_to_density", "materials")


def region_record(
    *,
    name: str,
    curve: TimeActivityCurve,
    fit: TimeIntegratedActivity,
    mass_kg: float,
    volume_mL: float,
    by_nuclide_Gy: Mapping[str, Mapping[str, float]],
    decays_Bq_s: Mapping[str, float],
    budget: dict[str, Any],
    administered_Bq: float,
    histogram: DVH | None = None,
    map_mean_Gy: float | None = None,
    self_Gy: float | None = None,
    cross_Gy: float | None = None,
    recovery: list[float] | None = None,
    bed: dict[str, Any] | None = None,
    warnings: list[str] | None = None,
) -> dict[str, Any]:
    """The record of one region as ``result.json`` holds it; ``_u_`` are standard uncertainties (k = 1)."""
    by_nuclide = {n: {r: float(d.get(r, 0.0)) for r in ("alpha", "electron", "photon")} for n, d in by_nuclide_Gy.items()}
    parts = {r: sum(d[r] for d in by_nuclide.values()) for r in ("alpha", "electron", "photon")}
    dose = sum(parts.values()) + (cross_Gy or 0.0)  # a supplied cross-dose has no split
    return {
        "region": name,
        "mass_kg": mass_kg,
        "volume_mL": volume_mL,
        "tia_Bq_s": fit.tia_Bq_s,
        "tia_u_Bq_s": fit.u_tia_Bq_s,
        "model": fit.model,
        "effective_half_life_s": finite_or_none(fit.effective_half_life_s),
        "dose_Gy": dose,
        "dose_u_Gy": dose * budget["relative"],
        "dose_by_radiation_Gy": parts,
        "dose_by_nuclide_Gy": by_nuclide,
        "tia_by_nuclide_Bq_s": {n: float(v) for n, v in decays_Bq_s.items()},
        "dose_self_Gy": self_Gy,
        "dose_cross_Gy": cross_Gy,
        "dose_map_mean_Gy": map_mean_Gy,
        "dose_per_activity_Gy_per_GBq": dose / (administered_Bq * 1e-9),
        "dvh": None if histogram is None else _dvh_record(histogram),
        "bed": bed,
        "uncertainty_budget": budget,
        "tac": {
            "time_s": curve.time_s.tolist(),
            "activity_Bq": curve.activity_Bq.tolist(),
            "u_activity_Bq": curve.u_activity_Bq.tolist(),
            "recovery_coefficient": recovery,
        },
        "fit": {
            "coefficients_Bq": np.asarray(fit.coefficients_Bq).tolist(),
            "rates_per_s": np.asarray(fit.rates_per_s).tolist(),
            "candidates": [_candidate(c) for c in fit.candidates],
        },
        "warnings": list(fit.warnings) + (warnings or []),
    }


def _candidate(c: Mapping[str, Any]) -> dict[str, Any]:
    names = {"name": "model", "AICc": "aicc"}
    return {names.get(k, k): _json_value(v) for k, v in c.items()}


def _json_value(v: Any) -> Any:
    if isinstance(v, Mapping):
        return {str(k): _json_value(x) for k, x in v.items()}
    if isinstance(v, np.ndarray):
        return _json_value(v.tolist())
    if isinstance(v, (list, tuple)):
        return [_json_value(x) for x in v]
    if isinstance(v, (float, np.floating)):
        return finite_or_none(float(v))
    return v.item() if isinstance(v, np.generic) else v


def _dvh_record(h: DVH) -> dict[str, Any]:
    return {
        "mean_Gy": h.mean_Gy, "min_Gy": h.min_Gy, "max_Gy": h.max_Gy, "D98_Gy": h.D98_Gy, "D50_Gy": h.D50_Gy, "D2_Gy": h.D2_Gy,
        "V": {f"{x:g} Gy": v for x, v in h.V.items()},
        "curve": {"dose_Gy": h.dose_Gy.tolist(), "volume_fraction": h.volume_fraction.tolist()},
    }  # fmt: skip


def bed_record(organ: str | None, dose_by_radiation_Gy: Mapping[str, float], dose_Gy: float, fit: TimeIntegratedActivity) -> dict[str, Any] | None:
    """BED with the named organ's published parameters; with alphas, or without parameters, it says why there is none."""
    if organ is None:
        return None
    parameters = bed_parameters(organ)
    empty = {"bed_Gy": None, "alpha_beta_Gy": None, "repair_half_life_s": None, "parameters": organ}
    if parameters is None:
        return {**empty, "note": f"no published parameters for {organ!r}"}
    if dose_by_radiation_Gy.get("alpha", 0.0) > 0:
        return {**empty, "note": "not given: low-LET parameters do not hold for alphas"}
    if not len(fit.rates_per_s):
        return {**empty, "note": "not given: a trapezoid has no dose-rate curve"}
    g = lea_catcheside(fit.coefficients_Bq, fit.rates_per_s, parameters.repair_half_life_s)
    return {
        "bed_Gy": float(bed_Gy(dose_Gy, g, parameters.alpha_beta_Gy)),
        "alpha_beta_Gy": parameters.alpha_beta_Gy,
        "repair_half_life_s": parameters.repair_half_life_s,
        "lea_catcheside_g": float(g),
        "parameters": f"{parameters.name} ({parameters.source})",
        "note": parameters.note,
    }


def provenance(case: Case, engine: str, inputs: list[dict[str, Any]], seed: int) -> dict[str, Any]:
    """What a result rests on: files, tables, settings, versions."""
    names = list(_TABLES) + (list(_IMAGE_TABLES) if case.scan else []) + (["photon_form_factors"] if engine == "monte-carlo" else [])
    if case.progeny is not None and case.progeny.preset in set(table(_FATE_TABLE)["preset"]):
        names.append(_FATE_TABLE)
    tables = [table(n) for n in names]
    return {
        "version": __version__,
        "case_file_sha256": case.sha256,
        "inputs": inputs,
        "tables": [{"name": t.name, "sha256": t.sha256, "title": t.source["title"], "source": t.source["source"]} for t in tables],
        "decay_data": "ICRP Publication 107 (doi 10.1016/j.icrp.2008.10.004) by the packages radioactivedecay and icrp107-database",
        "parameters": dict(as_parameters(case)),
        "seed": seed,
        "python": platform.python_version(),
        "packages": {p: metadata.version(p) for p in _PACKAGES},
    }


def result_record(case: Case, engine: str, nuclide: str, regions: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """The whole result."""
    at = case.administration.time
    return {
        "schema": SCHEMA,
        "version": __version__,
        "engine": engine,
        "case": {"id": case.id, "title": case.title, "agent": case.agent, "mode": "images" if case.scan else "region-table"},
        "nuclide": nuclide,
        "administered_Bq": case.administration.activity,
        "administered_at": None if at is None else at.isoformat(),
        "regions": regions,
        **more,
    }


def band(key: str, draws: np.ndarray | None) -> dict[str, Any]:
    """Median and 5 to 95 % points of draws under `key` and ``key_5_95``; null where there are none.

    >>> band("dose_Gy", np.arange(101.0))
    {'dose_Gy': 50.0, 'dose_Gy_5_95': [5.0, 95.0]}
    """
    if draws is None:
        return {key: None, f"{key}_5_95": None}
    return {key: float(np.median(draws)), f"{key}_5_95": [float(q) for q in np.quantile(draws, (0.05, 0.95))]}
