"""A made-up result with a phantom, for the tests of the report and of `explain`; and that it is a valid result."""

from __future__ import annotations

import copy
import json

import numpy as np
from scipy.ndimage import gaussian_filter

from lutetia.report import ReportImages, load_result

HOUR = 3600.0
#            name              dose   u     mass g  half-life h  centre L, P, S mm     radii mm        color
ORGANS = [
    ("kidney left", 14.62, 1.31, 158.0, 51.0, (65, 45, 10), (28, 30, 56), None),
    ("kidney right", 13.10, 1.22, 149.0, 52.5, (-65, 45, -2), (28, 30, 55), None),
    ("liver", 3.47, 0.33, 1712.0, 68.0, (-75, -15, 70), (80, 70, 75), None),
    ("spleen", 5.90, 0.71, 201.0, 62.0, (95, 40, 85), (30, 35, 50), None),
    ("lesion L4 vertebra", 61.3, 9.4, 21.4, 88.0, (4, 70, -110), (17, 15, 16), None),
    ("lesion iliac node right", 34.8, 7.9, 4.6, 74.0, (-52, 25, -160), (10, 10, 12), None),
]  # fmt: skip


def fake_result() -> dict:
    """Six regions, four scans, every part of the schema present."""
    times = np.array([4.1, 23.7, 95.2, 167.8]) * HOUR
    regions = []
    for name, dose, u, mass, half_life, _, _, color in ORGANS:
        k = np.array([np.log(2) / (half_life * HOUR), np.log(2) / (1.4 * HOUR)])
        c = np.array([1.0, -0.8]) * dose * mass * 2.2e3
        activity = np.exp(-np.outer(times, k)) @ c
        recovery = min(0.98, 0.45 + 0.11 * np.log10(mass) * 2)
        noisy = activity * np.array([1.02, 0.97, 1.03, 0.985])
        parts = {"volume": 0.035, "recovery": 0.09 * (1 - recovery) / 0.3, "calibration": 0.03, "fit": 0.045, "S": 0.015}
        total = sum(v * v for v in parts.values())
        grid = np.linspace(0, 1.7 * dose, 120)
        regions.append({
            "region": name, "mass_kg": mass / 1e3, "volume_mL": mass / 1.05, "tia_Bq_s": float(np.sum(c / k)), "tia_u_Bq_s": float(np.sum(c / k) * u / dose * 0.8),
            "model": "bi-exponential with uptake", "effective_half_life_s": half_life * HOUR, "dose_Gy": dose, "dose_u_Gy": u,
            "dose_by_radiation_Gy": {"alpha": 0.0, "electron": dose * 0.962, "photon": dose * 0.038}, "dose_self_Gy": dose * 0.97, "dose_cross_Gy": dose * 0.03,
            "dose_per_activity_Gy_per_GBq": dose / 7.24, "dose_map_mean_Gy": dose * 0.993,
            "dvh": {"mean_Gy": dose * 0.993, "min_Gy": dose * 0.21, "max_Gy": dose * 1.64, "D98_Gy": dose * 0.41, "D50_Gy": dose * 1.01, "D2_Gy": dose * 1.45,
                    "V": {"10 Gy": float(1 / (1 + (10 / dose) ** 6)), "20 Gy": float(1 / (1 + (20 / dose) ** 6))},
                    "curve": {"dose_Gy": grid.tolist(), "volume_fraction": (1 / (1 + (grid / dose) ** 6)).tolist()}},
            "bed": {"bed_Gy": dose * 1.21, "alpha_beta_Gy": 2.6, "repair_half_life_s": 2.8 * HOUR, "parameters": "kidney (made up for this test)", "note": "mean dose, not voxel by voxel"} if "kidney" in name else None,
            "uncertainty_budget": {"components": {n: {"relative": v, "share": v * v / total} for n, v in parts.items()}, "relative": u / dose, "note": "volume and recovery are correlated"},
            "tac": {"time_s": times.tolist(), "activity_Bq": noisy.tolist(), "u_activity_Bq": (0.05 * noisy).tolist(), "recovery_coefficient": [float(recovery)] * 4},
            "fit": {"coefficients_Bq": c.tolist(), "rates_per_s": k.tolist(),
                    "candidates": [{"model": "bi-exponential with uptake", "aicc": -4.2, "weight": 0.83}, {"model": "mono-exponential", "aicc": -1.0, "weight": 0.17}, {"model": "tri-exponential", "aicc": None, "weight": 0.0}]},
            "warnings": ["the recovery coefficient is below 0.6: the dose rests on the partial-volume correction"] if mass < 10 else [],
        } | ({"color": color} if color else {}))  # fmt: skip
    scans = [
        {"index": n + 1, "time_s": float(t), "acquired_at": f"2024-03-{d:02d}T{h}+01:00", "modality": "NM", "total_activity_Bq": 6.9e9 * 2 ** (-t / (55 * HOUR)), "series_uid": f"1.2.3.{n + 1}",
         "scale": {"tag": "RealWorldValueMappingSequence (0040,9096)", "unit": "Bq/mL", "explanation": "slope 0.7312 Bq/mL per stored value, intercept 0"},
         "decay_correction": "START: values hold at the start of the acquisition",
         "registration": None if n == 0 else {"translation_mm": [1.2, -3.4, 0.6], "rotation_deg": [0.2, -0.1, 0.4], "correlation_before": 0.871, "correlation_after": 0.962, "text": "rigid, onto the CT of scan 1; correlation 0.871 to 0.962"},
         "patient": "9f2c51d0a7be"}
        for n, (t, d, h) in enumerate(zip(times, (5, 6, 9, 12), ("14:20:00", "09:55:30", "09:30:00", "10:05:00")))
    ]  # fmt: skip
    return {
        "schema": "lutetia-result/1", "version": "0.1.0", "engine": "monte-carlo",
        "case": {"id": "phantom-07", "title": "Phantom 07, cycle 2", "agent": "PSMA-617", "mode": "images"}, "nuclide": "Lu-177",
        "administered_Bq": 7.24e9, "administered_at": "2024-03-05T10:14:00+01:00", "seed": 20240305, "scans": scans, "regions": regions,
        "warnings": ["scan 3: registration moved the image by 3.7 mm; look at the overlay before you rely on small lesions"],
        "assumptions": ["progeny decay where their parent decayed", "outlines drawn on the CT of scan 1 are used for every scan"],
        "timing_s": {"read": 4.1, "kinetics": 0.6, "transport": 38.2, "write": 3.3},
        "monte_carlo": {"histories": 20_000_000, "relative_uncertainty_by_region": {o[0]: 0.002 + 0.02 / o[3] for o in ORGANS}},
        "provenance": {
            "version": "0.1.0", "case_file_sha256": "ab" * 32,
            "inputs": [{"name": f"spect{s}/{f:04d}.dcm", "sha256": f"{s}{f:03d}" * 16, "uid": f"1.2.3.{s}"} for s in range(1, 5) for f in range(1)]
            + [{"name": f"ct/{f:04d}.dcm", "sha256": f"c{f:03d}" * 16, "uid": "1.2.9.1"} for f in range(60)] + [{"name": "regions.dcm", "sha256": "e1" * 32, "uid": "1.2.8.1"}],
            "tables": [{"name": "electron-kernels", "sha256": "5d" * 32, "title": "Electron point kernels in water", "source": "computed by scripts/electron_kernels.py"},
                       {"name": "materials", "sha256": "7e" * 32, "title": "Tissue compositions", "source": "ICRU Report 46 (1992)"}],
            "parameters": {"kinetics": {"models": ["mono", "bi", "uptake"], "criterion": "AICc"}, "calibration": {"relative_u": 0.03}, "masses": {"kidney left": "from density"}},
            "seed": 20240305, "python": "3.11.7", "packages": {"numpy": "1.26.4", "scipy": "1.15.0"},
        },
        "files": {"dose": "dose.nii.gz", "tia": "tia.nii.gz", "csv": "regions.csv", "report": "report.html"},
    }  # fmt: skip


def fake_images(spacing_mm: float = 5.0, kind: str = "CT") -> ReportImages:
    """A body with the organs of `ORGANS`, axes i, j, k along L, P, S."""
    half = np.array([205.0, 130.0, 245.0])
    n = (2 * half / spacing_mm).astype(int)
    affine = np.diag([spacing_mm] * 3 + [1.0])
    affine[:3, 3] = -half + spacing_mm / 2
    S, P, L = np.meshgrid(*(affine[d, 3] + spacing_mm * np.arange(n[d]) for d in (2, 1, 0)), indexing="ij")

    def ellipsoid(centre, radii) -> np.ndarray:
        return ((L - centre[0]) / radii[0]) ** 2 + ((P - centre[1]) / radii[1]) ** 2 + ((S - centre[2]) / radii[2]) ** 2 <= 1

    body = (L / 175) ** 2 + (P / 108) ** 2 <= 1
    rng = np.random.default_rng(1)
    hu = np.where(body, -80.0, -1000.0)
    hu[(L / 158) ** 2 + (P / 92) ** 2 <= 1] = 40.0
    spine = ((L - 2) / 19) ** 2 + ((P - 68) / 19) ** 2 <= 1
    hu[spine] = 190.0 + 90.0 * np.sin(S[spine] / 5.5)
    hu[ellipsoid((-70, -5, 190), (62, 70, 90)) | ellipsoid((70, -5, 190), (62, 70, 90))] = -820.0
    masks, dose = {}, np.zeros(hu.shape)
    for name, gy, _, _, _, centre, radii, _ in ORGANS:
        masks[name] = ellipsoid(centre, radii) & ~np.logical_or.reduce(list(masks.values()) or [np.zeros(hu.shape, bool)])
        dose[masks[name]] = gy * 1.25
        hu[masks[name] & ~spine] = 75.0
    dose = gaussian_filter(dose + 0.25 * body, 6.0 / spacing_mm)
    anatomy = gaussian_filter(hu, 0.5) + rng.normal(0.0, 12.0, hu.shape) if kind == "CT" else gaussian_filter(dose, 1.0) * 1e5
    return ReportImages(dose, anatomy, kind, masks, (spacing_mm,) * 3, affine)


def region_table_result() -> dict:
    """What a case without images gives: no scans, no maps, no histograms, no Monte Carlo; None where the schema allows it."""
    result = copy.deepcopy(fake_result())
    result |= {"engine": "region-table", "scans": [], "monte_carlo": None, "administered_Bq": None, "administered_at": None, "warnings": [], "files": {}, "timing_s": {}}
    result["case"] = {"id": "table", "title": None, "agent": None, "mode": "region-table"}
    for r in result["regions"]:
        r |= dict.fromkeys(("dvh", "bed", "dose_self_Gy", "dose_cross_Gy", "dose_per_activity_Gy_per_GBq", "dose_map_mean_Gy"))
        r["tac"]["recovery_coefficient"] = None
        r["fit"] = {"coefficients_Bq": [], "rates_per_s": [], "candidates": [{"model": "trapezoid", "aicc": None, "weight": 1.0}]}
        r["uncertainty_budget"] = {"components": {"fit": {"relative": None, "share": None}, "volume": None}, "relative": None, "note": ""}
        r["warnings"] = []
    result["provenance"]["inputs"] = [{"name": "activities.csv", "sha256": "aa" * 32, "uid": None}]
    return result


def test_the_made_up_results_are_results(tmp_path) -> None:
    """Both are accepted by `load_result`, unchanged."""
    for result in (fake_result(), region_table_result()):
        path = tmp_path / "result.json"
        path.write_text(json.dumps(result, allow_nan=False), "utf-8")
        assert load_result(path) == result == load_result(tmp_path)
