"""The demo: a synthetic patient scanned four times after 7.4 GBq of [177Lu]Lu-DOTATATE, as DICOM folders and a case file.

Because the patient is drawn from formulas, the true activities, masses and time-integrated activities are
known; they are written beside the images as ``truth.json``.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import numpy as np

from ..core import staged_folder, stream, to_json, write_atomic
from ..imaging.volume import Geometry, Volume
from . import phantom
from .shapes import rotation

ADMINISTERED_BQ, ADMINISTERED_AT = 7.4e9, dt.datetime(2024, 3, 4, 9, 0)
#: Start of each scan, hours after the administration.
SCAN_TIMES_H = (4.0, 24.0, 96.0, 168.0)
SCAN_DURATION_S = 1800.0
#: The scan for which the patient lay down anew, and how: turned about x and z, then shifted.
SHIFTED_SCAN, SHIFT_MM, TURN_DEG = 3, (4.0, -4.0, 2.0), (0.6, 0.0, 1.5)

_RESOLUTION_MM = 10.0
_FILTER_MM = 6.0  # of the resolution, what is due to the filter after reconstruction
_COUNTS_PER_BQ_S = 2e-6
_CT_NOISE_HU = 12.0
_ACTIVITY = "activity concentration [Bq/mL]"

_CASE = '''schema = "lutetia-case/1"
id = "demo"
title = "Synthetic patient, 177Lu-DOTATATE, cycle 1"
nuclide = "Lu-177"
agent = "177Lu-DOTATATE"

[administration]
activity = "7.4 GBq"
time = "2024-03-04T09:00:00"

[[scan]]
activity = "scan1/spect"
ct = "scan1/ct"
regions = "scan1/regions"

[[scan]]
activity = "scan2/spect"

[[scan]]
activity = "scan3/spect"

[[scan]]
activity = "scan4/spect"

[regions]
use = "first"
define = {"healthy liver" = "liver - tumour 1"}
bed = {"kidney left" = "kidney", "kidney right" = "kidney"}

[uncertainty]
calibration = "5 %"
resolution = "10 mm"

[uncertainty.recovery]          # spheres seen with this resolution
volume_mL = [2, 4, 8, 16, 32, 64, 128, 256]
rc = [0.414, 0.516, 0.606, 0.683, 0.746, 0.797, 0.838, 0.871]
u_rc = [0.04, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03, 0.03]
apply_to = ["tumour 1", "tumour 2", "tumour 3", "kidney left", "kidney right", "spleen"]

[dosimetry]
engine = "monte-carlo"
histories = 2000000

[kinetics]
method = "auto"
'''


def make_demo(folder: Path | str, seed: int = 1) -> Path:
    """Write the synthetic patient's folder.

    ``scan1`` to ``scan4`` hold ``spect`` (NM, reconstructed); ``scan1`` also ``ct`` and ``regions`` (RTSTRUCT).
    For scan 3 the patient lay otherwise, and its frame of reference is another. ``truth.json`` holds what is
    true of each region, ``case.toml`` asks for the doses. About 30 MB.

    Parameters
    ----------
    folder : path
        New, empty, or of an earlier demo, which is replaced.
    seed : int
        Of the images' noise; the same seed gives the same bytes.

    Returns
    -------
    Path
        The case file.

    Raises
    ------
    BadInput
        The folder holds other files, or cannot be written to.
    """
    from ..imaging.dicom_write import Administered, Study, write_ct_series, write_nm_spect
    from ..imaging.regions import RegionSet
    from ..imaging.rtstruct import write_rtstruct
    from ..nuclides import nuclide

    folder = Path(folder)
    half_life_s = nuclide("Lu-177").half_life_s
    dose = Administered("177Lu-DOTATATE", "Lu-177", ADMINISTERED_BQ, ADMINISTERED_AT, half_life_s)
    drawn: dict[bool, phantom.Drawing] = {}
    with staged_folder(folder, marker="truth.json") as out:
        for number, time_h in enumerate(SCAN_TIMES_H, 1):
            shifted = number == SHIFTED_SCAN
            at = ADMINISTERED_AT + dt.timedelta(hours=time_h)
            study = Study(
                key=f"lutetia demo {seed} scan {number}", started_at=at, description=f"Synthetic patient, {time_h:g} h after injection",
                patient_name="DEMO^LUTETIA", patient_id="LUTETIA-DEMO", birth_date="19600101", sex="F", weight_kg=70.0, height_m=1.68,
            )
            if shifted not in drawn:
                drawn[shifted] = phantom.draw(spect_grid(seed, shifted), pose(shifted))
            spect = noisy_spect(drawn[shifted], time_h, seed, number)
            write_nm_spect(out / f"scan{number}/spect/spect.dcm", Volume(spect, drawn[shifted].geometry, _ACTIVITY, at), study, dose, duration_s=SCAN_DURATION_S)
            if number == 1:
                fine = phantom.draw(ct_grid(seed))
                noise = stream(seed, "demo", "ct noise").standard_normal(fine.hu.shape, dtype=np.float32)
                write_ct_series(out / "scan1/ct", Volume(np.maximum(fine.hu + np.float32(_CT_NOISE_HU) * noise, -1024), fine.geometry, "HU"), study)
                masks = {o.name: fine.mask(o.name) for o in phantom.ORGANS if o.contoured} | {"body": fine.mask("body")}
                (out / "scan1/regions").mkdir()
                write_rtstruct(
                    out / "scan1/regions/regions.dcm", RegionSet(masks, fine.geometry, "synthetic patient"), series=out / "scan1/ct",
                    label="DEMO", description="Contours of a synthetic patient.",
                )
                write_atomic(out / "truth.json", to_json(truth(fine)))
        write_atomic(out / "case.toml", _CASE)
    return folder / "case.toml"


def pose(shifted: bool) -> np.ndarray:
    """How the patient lies, as a rigid 4x4 from the reference position (LPS mm, about the origin)."""
    out = np.eye(4)
    if shifted:
        out[:3, :3], out[:3, 3] = rotation(TURN_DEG), SHIFT_MM
    return out


def spect_grid(seed: int, shifted: bool) -> Geometry:
    """128 x 128 x 128 voxels of 4 mm."""
    return _grid(128, 4.0, seed, shifted)


def ct_grid(seed: int) -> Geometry:
    """128 slices of 4 mm at the places of the SPECT's, with 208 x 208 pixels of 2.5 mm."""
    return _grid(208, 2.5, seed, False)


def _grid(n: int, pixel_mm: float, seed: int, shifted: bool) -> Geometry:
    from ..imaging.dicom_common import content_uid

    affine = np.diag([pixel_mm, pixel_mm, 4.0, 1.0])
    affine[:3, 3] = -(n - 1) / 2 * pixel_mm, -(n - 1) / 2 * pixel_mm, -254.0
    return Geometry((128, n, n), affine, content_uid("lutetia demo", str(seed), "frame", "shifted" if shifted else "reference"))


def noisy_spect(drawing: phantom.Drawing, time_h: float, seed: int, number: int) -> np.ndarray:
    """What the camera shows: the activity blurred to 10 mm (FWHM) with the noise of its counts, Bq/mL, float32.

    The blur is Gaussian, in two parts: before the counts are drawn (Poisson), and a filter after that makes the
    noise of neighbouring voxels alike. At the grid's edges the patient goes on as a mirror image, so that
    the sum is kept.
    """
    from scipy.ndimage import gaussian_filter

    def blurred(image: np.ndarray, fwhm_mm: float) -> np.ndarray:
        sigma_mm = fwhm_mm / np.sqrt(8 * np.log(2))
        return gaussian_filter(image, sigma_mm / drawing.geometry.spacing_mm, mode="reflect")

    before_mm = np.sqrt(_RESOLUTION_MM**2 - _FILTER_MM**2)
    counts_per_Bq_mL = _COUNTS_PER_BQ_S * SCAN_DURATION_S * drawing.geometry.voxel_mL
    expected = blurred(drawing.concentration_Bq_per_mL(time_h), before_mm) * np.float32(counts_per_Bq_mL)
    counts = stream(seed, "demo", "spect noise", str(number)).poisson(np.maximum(expected, 0))
    return blurred(counts.astype(np.float32), _FILTER_MM) / np.float32(counts_per_Bq_mL)


def truth(drawing: phantom.Drawing) -> dict[str, Any]:
    """What is true of each region: volume, mass, activity at the scans, time-integrated activity.

    ``liver`` is the whole organ with tumour 1, ``healthy liver`` without it, ``body`` everything in the field of
    view. Volumes and masses of organs come from their formulas, those of the body from `drawing`.
    """
    regions = {}
    for organ in phantom.ORGANS:
        own = _region([organ.phases], phantom.own_volume_mL(organ), phantom.own_volume_mL(organ) * organ.density_g_per_mL)
        guests = [o for o in phantom.ORGANS if o.inside == organ.name]
        regions[f"healthy {organ.name}" if guests else organ.name] = own
        if guests:
            mass_g = own["mass_g"] + sum(phantom.own_volume_mL(o) * o.density_g_per_mL for o in guests)
            regions[organ.name] = _region([organ.phases, *(o.phases for o in guests)], organ.shape.volume_mL, mass_g)
    voxel_mL = drawing.geometry.voxel_mL
    regions["body"] = _region(
        [*(o.phases for o in phantom.ORGANS), phantom.REMAINDER_PHASES],
        voxel_mL * float(drawing.body.sum(dtype=float)),
        voxel_mL * float((drawing.body * drawing.density_g_per_mL).sum(dtype=float)),
    )
    return {
        "schema": "lutetia-truth/1",
        "files": {"case": "case.toml", **{f"scan {n}": f"scan{n}" for n in range(1, len(SCAN_TIMES_H) + 1)}},
        "note": "A synthetic patient. Activities are those at the start of each scan, within the field of view.",
        "administered_Bq": ADMINISTERED_BQ,
        "scan_times_s": [3600.0 * t for t in SCAN_TIMES_H],
        "resolution_fwhm_mm": _RESOLUTION_MM,
        "total_activity_Bq": regions["body"]["activity_Bq"],
        "shifted_scan": SHIFTED_SCAN,
        "scan_1_to_shifted_scan": pose(True).tolist(),
        "regions": regions,
    }


def _region(parts: list[tuple[tuple[float, float], ...]], volume_mL: float, mass_g: float) -> dict[str, Any]:
    phases = [p for part in parts for p in part]
    return {
        "volume_mL": volume_mL,
        "mass_g": mass_g,
        "activity_Bq": [sum(phantom.activity_Bq(part, t) for part in parts) for t in SCAN_TIMES_H],
        "tia_Bq_s": sum(phantom.time_integrated_activity_Bq_s(part) for part in parts),
        "coefficients_Bq": [1e6 * c for c, _ in phases],
        "effective_half_lives_s": [3600.0 * half for _, half in phases],
    }
