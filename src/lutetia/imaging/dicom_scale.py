"""What stored values mean: the one place that knows Bq/mL, counts and SUV, and which tag said so.

Order of trust: PET Units (0054,1001) with the rescale slope; a Real World Value Mapping with a UCUM unit
(it maps stored values, so the rescale slope is not applied too: PS3.3 C.7.6.16.2.11); SUV by body weight,
undone with the header's own weight and activity; Philips' private factor; counts, with a calibration.
A unit is never guessed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import BadInput, near_matches
from .dicom_files import Header

#: Units that a user may declare, in Bq/mL (None: depends on the voxel or on a calibration).
DECLARED_UNITS: dict[str, float | None] = {"Bq/mL": 1.0, "kBq/mL": 1e3, "MBq/mL": 1e6, "Bq": None, "counts": None}
_UCUM_PER_ML = {"bq/ml": 1.0, "kbq/ml": 1e3, "mbq/ml": 1e6, "bq/cm3": 1.0, "kbq/cm3": 1e3, "mbq/cm3": 1e6}
_UCUM_COUNTS = ("{counts}", "{propcounts}", "{counts}/s", "{propcounts}/s")
_SUV_BODY_WEIGHT = "g/ml{suvbw}"
_WANTED = "give a calibration (a sensitivity in cps/Bq, Bq per count, or Bq/mL per count)"


@dataclass(frozen=True, slots=True)
class Scale:
    """Which tag or declaration gave the scale, the unit it was in, and one sentence for the reader of a report."""

    tag: str
    unit: str
    explanation: str


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns counts into activity; exactly one of the first three is given.

    Attributes
    ----------
    sensitivity_cps_per_Bq : float or None
        Total counts in the image per second of acquisition and becquerel, so that
        A [Bq] = N / (S T) with N the counts and T the acquisition's duration
        (MIRD Pamphlet 23, doi 10.2967/jnumed.111.100123).
    Bq_per_count : float or None
        Activity of a voxel per count in it, for one fixed acquisition time.
    Bq_per_mL_per_count : float or None
        Activity concentration of a voxel per count in it, for one fixed acquisition time and voxel size.
    relative_u : float
        Relative standard uncertainty, common to all scans.

    Raises
    ------
    BadInput
        None or several of the three are given, or one is not above zero.

    >>> Calibration(sensitivity_cps_per_Bq=1e-5).Bq_per_mL_for_one_count(voxel_mL=0.5, duration_s=1000.0)
    200.0
    """

    sensitivity_cps_per_Bq: float | None = None
    Bq_per_count: float | None = None
    Bq_per_mL_per_count: float | None = None
    relative_u: float = 0.0

    def __post_init__(self) -> None:
        given = [v for v in (self.sensitivity_cps_per_Bq, self.Bq_per_count, self.Bq_per_mL_per_count) if v is not None]
        if len(given) != 1:
            raise BadInput(
                f"calibration: {len(given)} factors are given; give exactly one of a sensitivity in cps/Bq, Bq per count, or Bq/mL per count."
            )
        if not (math.isfinite(given[0]) and given[0] > 0):
            raise BadInput(f"calibration: the factor is {given[0]:g}; give a finite value above zero.")
        if not 0 <= self.relative_u < 1:
            raise BadInput(f"calibration: the relative uncertainty is {self.relative_u:g}; give a fraction from 0 to below 1.")

    def Bq_per_mL_for_one_count(self, *, voxel_mL: float, duration_s: float | None, per_second: bool = False) -> float:
        """Activity concentration [Bq/mL] of a voxel with one count (or one count per second).

        Raises
        ------
        BadInput
            A sensitivity without a duration, or a per-count factor for an image in counts per second.
        """
        if self.sensitivity_cps_per_Bq is not None:
            if per_second:
                return 1.0 / (self.sensitivity_cps_per_Bq * voxel_mL)
            if not duration_s or duration_s <= 0:
                raise BadInput("calibration: a sensitivity in cps/Bq needs the duration of the acquisition, which is not known; give it.")
            return 1.0 / (self.sensitivity_cps_per_Bq * duration_s * voxel_mL)
        if per_second:
            raise BadInput("calibration: the image is in counts per second; give a sensitivity in cps/Bq.")
        if self.Bq_per_count is not None:
            return self.Bq_per_count / voxel_mL
        return float(self.Bq_per_mL_per_count or 0.0)

    def sentence(self) -> str:
        """The calibration in words."""
        if self.sensitivity_cps_per_Bq is not None:
            return f"counts divided by a sensitivity of {self.sensitivity_cps_per_Bq * 1e6:.5g} cps/MBq and the acquisition's duration"
        if self.Bq_per_count is not None:
            return f"counts multiplied by {self.Bq_per_count:.5g} Bq per count"
        return f"counts multiplied by {self.Bq_per_mL_per_count:.5g} Bq/mL per count"


@dataclass(frozen=True, slots=True, eq=False)
class Rescale:
    """Activity concentration [Bq/mL] = stored * slope + intercept, for each image; shapes (n,).

    `at_administration` says that the slope gives the concentration decay-corrected to the administration,
    whatever the header's decay correction (it does for SUV, which is free of the reference time).
    """

    scale: Scale
    slope: np.ndarray
    intercept: np.ndarray
    at_administration: bool = False


def declared_factor(unit: str, voxel_mL: float) -> float:
    """Bq/mL for one of a unit that a user declares for an image ("counts" is not one of them)."""
    if unit == "Bq":
        return 1.0 / voxel_mL
    factor = DECLARED_UNITS.get(unit)
    if factor is None:
        raise BadInput(f"unit: got {unit!r}; give one of {', '.join(DECLARED_UNITS)}.{near_matches(unit, DECLARED_UNITS)}")
    return factor


def rescale_of(
    headers: Sequence[Header],
    *,
    voxel_mL: float,
    duration_s: float | None,
    calibration: Calibration | None,
    unit: str | None,
) -> Rescale:
    """How the stored values of the images become Bq/mL.

    Raises
    ------
    BadInput
        Nothing gives an activity scale, two things do and differ, or what is needed to use it is missing.
    """
    first = headers[0]
    if unit is not None and unit not in DECLARED_UNITS:
        declared_factor(unit, voxel_mL)
    slope, intercept = _rescale_tags(headers)
    units = {h.text("Units").upper() for h in headers}
    if len(units) > 1:
        raise BadInput(f"{first.name}: the series mixes the units {', '.join(sorted(units))}; export it again.")
    found = None
    if unit != "counts":
        found = _from_header(headers, units.pop(), slope, intercept)
    if found is not None:
        if calibration is not None:
            raise BadInput(
                f"{first.name}: is already in {found.scale.unit} by {found.scale.tag}; take the calibration away, or declare the unit 'counts' to use it."
            )
        if unit is not None and unit != found.scale.unit:
            raise BadInput(f"{first.name}: is in {found.scale.unit} by {found.scale.tag}, not in {unit} as declared; correct the declaration.")
        return found
    if unit is not None and unit != "counts":
        if calibration is not None:
            raise BadInput(f"{first.name}: the unit {unit} is declared and a calibration given; give one of the two.")
        factor = declared_factor(unit, voxel_mL)
        scale = Scale("declared unit", unit, f"The header gives no activity unit; {unit} was declared for the rescaled values.")
        return Rescale(scale, slope * factor, intercept * factor)
    return _from_counts(headers, slope, intercept, voxel_mL, duration_s, calibration)


def _rescale_tags(headers: Sequence[Header]) -> tuple[np.ndarray, np.ndarray]:
    slope = np.array([1.0 if (s := h.number("RescaleSlope")) is None else s for h in headers])
    intercept = np.array([h.number("RescaleIntercept") or 0.0 for h in headers])
    if np.any(slope <= 0):
        raise BadInput(f"{headers[0].name}: a Rescale Slope of the series is {slope.min():g}; it must be above zero, export the series again.")
    return slope, intercept


def _from_header(headers: Sequence[Header], units: str, slope: np.ndarray, intercept: np.ndarray) -> Rescale | None:
    first = headers[0]
    if units == "BQML":
        spread = f"{slope.min():.6g}" if np.ptp(slope) == 0 else f"{slope.min():.6g} to {slope.max():.6g} by slice"
        scale = Scale("Units (0054,1001) BQML with Rescale Slope (0028,1053)", "Bq/mL", f"Stored values times the rescale slope ({spread}) are Bq/mL.")
        return Rescale(scale, slope, intercept)
    mapped = _real_world(headers)
    if mapped is not None:
        return mapped
    if units == "GML":
        kind = first.text("SUVType").upper() or "BW"
        if kind != "BW":
            raise BadInput(f"{first.name}: holds SUV of type {kind}, which needs more than the body weight; give the image in Bq/mL.")
        return _from_suv(first, slope, intercept, "Units (0054,1001) GML with Rescale Slope (0028,1053)")
    if units in ("CNTS", "PROPCNTS", ""):
        creator = "Philips PET Private Group"
        factor = first.private(0x7053, creator, 0x09)
        if factor is not None and factor > 0:
            scale = Scale("Philips (7053,1009)", "Bq/mL", f"Rescaled values times Philips' activity concentration factor {factor:.6g} are Bq/mL.")
            return Rescale(scale, slope * factor, intercept * factor)
        factor = first.private(0x7053, creator, 0x00)
        if factor is not None and factor > 0:
            return _from_suv(first, slope * factor, intercept * factor, "Philips (7053,1000) SUV factor")
    return None


def _real_world(headers: Sequence[Header]) -> Rescale | None:
    """The Real World Value Mapping in Bq/mL (or SUV) of each image, where there is one."""
    slopes, intercepts, codes = [], [], []
    for h in headers:
        usable = []
        for item in h.items("RealWorldValueMappingSequence"):
            coded = item.items("MeasurementUnitsCodeSequence")
            code = coded[0].text("CodeValue") if coded else ""
            key = code.lower()
            if key not in _UCUM_PER_ML and key != _SUV_BODY_WEIGHT:
                continue
            one = item.number("RealWorldValueSlope")
            if one is None:
                raise BadInput(f"{h.name}: its Real World Value Mapping in {code} is a table, not a slope; give an image with a slope.")
            usable.append((key != _SUV_BODY_WEIGHT, code, one, item.number("RealWorldValueIntercept") or 0.0))
        in_activity = [u for u in usable if u[0]] or usable
        if len({(c.lower(), s, i) for _, c, s, i in in_activity}) > 1:
            raise BadInput(f"{h.name}: has several Real World Value Mappings that differ; give the image in Bq/mL with one.")
        if in_activity:
            _, code, one, zero = in_activity[0]
            slopes.append(one)
            intercepts.append(zero)
            codes.append(code)
    if not slopes:
        return None
    first = headers[0]
    if len(slopes) != len(headers) or len(set(codes)) > 1:
        raise BadInput(f"{first.name}: only some images of the series have a Real World Value Mapping in one unit; export the series again.")
    slope, intercept = np.array(slopes), np.array(intercepts)
    if np.any(slope <= 0):
        raise BadInput(f"{first.name}: its Real World Value Slope is {slope.min():g}; it must be above zero, export the series again.")
    tag = "Real World Value Mapping (0040,9096)"
    if codes[0].lower() == _SUV_BODY_WEIGHT:
        return _from_suv(first, slope, intercept, tag)
    factor = _UCUM_PER_ML[codes[0].lower()]
    scale = Scale(tag, "Bq/mL", f"Stored values times the real world value slope ({slope.min():.6g}) are {codes[0]}.")
    return Rescale(scale, slope * factor, intercept * factor)


def _from_suv(first: Header, slope: np.ndarray, intercept: np.ndarray, tag: str) -> Rescale:
    """SUV = C w / A0, with C corrected for decay to the administration of A0: C = SUV A0 / w.

    Boellaard et al, doi 10.1007/s00259-014-2961-x (EANM guideline for FDG PET).
    """
    weight_kg = first.number("PatientWeight")
    doses = first.items("RadiopharmaceuticalInformationSequence")
    dose_Bq = doses[0].number("RadionuclideTotalDose") if doses else None
    if not weight_kg or weight_kg <= 0:
        raise BadInput(f"{first.name}: holds SUV, and its header has no patient weight to undo it with; give the image in Bq/mL.")
    if not dose_Bq or dose_Bq <= 0:
        raise BadInput(f"{first.name}: holds SUV, and its header has no administered activity (0018,1074) to undo it with; give the image in Bq/mL.")
    if dose_Bq < 1e5:
        raise BadInput(f"{first.name}: holds SUV, and its administered activity {dose_Bq:g} is too small to be in Bq; correct the header or give the image in Bq/mL.")
    factor = dose_Bq / (weight_kg * 1000.0)
    scale = Scale(
        tag,
        "SUV (body weight)",
        f"SUV times the header's administered activity ({dose_Bq / 1e6:.5g} MBq) over the body weight ({weight_kg:g} kg) is Bq/mL at the administration.",
    )
    return Rescale(scale, slope * factor, intercept * factor, at_administration=True)


def _from_counts(
    headers: Sequence[Header],
    slope: np.ndarray,
    intercept: np.ndarray,
    voxel_mL: float,
    duration_s: float | None,
    calibration: Calibration | None,
) -> Rescale:
    first = headers[0]
    units = first.text("Units").upper()
    mapped = [c.text("CodeValue") for m in first.items("RealWorldValueMappingSequence") for c in m.items("MeasurementUnitsCodeSequence")]
    strange = [c for c in mapped if c.lower() not in (*_UCUM_COUNTS, *_UCUM_PER_ML, _SUV_BODY_WEIGHT, "1")]
    if units not in ("", "CNTS", "PROPCNTS", "CPS", "PROPCPS", "BQML", "GML") or strange:
        raise BadInput(f"{first.name}: holds values in {units or strange[0]}, which is no activity; give the image in Bq/mL or in counts.")
    what = f"its Units (0054,1001) are {units}" if units else "it has neither Units (0054,1001) BQML nor a Real World Value Mapping in Bq/ml"
    if calibration is None:
        raise BadInput(f"{first.name}: the activity scale is unknown, as {what}; {_WANTED}.")
    factor = calibration.Bq_per_mL_for_one_count(voxel_mL=voxel_mL, duration_s=duration_s, per_second=units in ("CPS", "PROPCPS"))
    scale = Scale("calibration given", "counts per second" if "CPS" in units else "counts", f"Rescaled values taken as counts ({what}); {calibration.sentence()}.")
    return Rescale(scale, slope * factor, intercept * factor)
