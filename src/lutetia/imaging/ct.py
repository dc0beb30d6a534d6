"""CT images as Hounsfield units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core import BadInput, sha256_file
from .dicom_files import Header
from .dicom_series import load_series, values_of
from .nifti import is_nifti, read_nifti
from .volume import Volume

#: Scanners fill what lies outside the reconstructed circle with values below this.
LOWEST_HU = -1024.0
#: No 16-bit scale, also an extended one for metal, goes beyond it.
_HIGHEST = 65535.0


@dataclass(frozen=True, slots=True, eq=False)
class CtScan:
    """A CT: `volume` in "HU" (float32, not below -1024), and where it comes from."""

    volume: Volume
    patient_key: str
    series_uid: str | None
    files: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    patient_words: frozenset[str] = frozenset()


def read_ct(path: Path, *, series_uid: str | None = None) -> CtScan:
    """Read a CT from a DICOM file or folder, or a NIfTI file in HU.

    HU = stored * Rescale Slope + Rescale Intercept (PS3.3 C.8.2.1), slice by slice.

    Raises
    ------
    BadInput
        The slices are no regular stack, or the values are not in HU.
    """
    path = Path(path)
    if is_nifti(path):
        volume = read_nifti(path, "HU")
        scan = CtScan(volume, "", None, ((path.name, sha256_file(path)),), ())
    else:
        series = load_series(path, ("CT",), series_uid)
        slope, intercept = _hounsfield(series.headers)
        values, files = values_of(series, slope, intercept)
        scan = CtScan(Volume(values, series.geometry, "HU"), series.patient_key, series.series_uid or None, files, series.warnings, series.patient_words)
    values, notes = _checked(scan.volume.values, path.name)
    return replace(scan, volume=scan.volume.with_values(values), warnings=(*scan.warnings, *notes))


def _hounsfield(headers: Sequence[Header]) -> tuple[np.ndarray, np.ndarray]:
    slopes, intercepts = [], []
    for h in headers:
        kind = h.text("RescaleType").upper() or "HU"
        if kind not in ("HU", "HU_MOD"):
            raise BadInput(f"{h.name}: its Rescale Type (0028,1054) is {kind}, not HU; give a CT in Hounsfield units.")
        slope, intercept = h.number("RescaleSlope"), h.number("RescaleIntercept")
        if slope is None or intercept is None or slope <= 0:
            raise BadInput(f"{h.name}: has no usable Rescale Slope and Intercept (0028,1053 and 1052), so HU are unknown; export the CT again.")
        slopes.append(slope)
        intercepts.append(intercept)
    return np.array(slopes), np.array(intercepts)


def _checked(values: np.ndarray, name: str) -> tuple[np.ndarray, list[str]]:
    if not np.all(np.isfinite(values)):
        raise BadInput(f"{name}: holds values that are not finite numbers; export the CT again.")
    lowest, highest = float(values.min()), float(values.max())
    notes = []
    if lowest < LOWEST_HU:
        values = np.maximum(values, np.float32(LOWEST_HU))
    if lowest >= 0 and highest > 900:
        notes.append(f"no value is below 0 HU (they go from {lowest:.0f} to {highest:.0f}): the CT may be shifted by 1000")
    if highest > _HIGHEST:
        raise BadInput(f"{name}: holds values up to {highest:.6g}, which are no Hounsfield units; give the CT in HU.")
    if highest < -900:
        raise BadInput(f"{name}: holds nothing but air (at most {highest:.0f} HU); give the CT of the patient.")
    return values, notes
