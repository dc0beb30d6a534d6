"""Activity images, from DICOM or NIfTI, as activity concentration at the start of their acquisition."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core import BadInput, sha256_file
from ..nuclides.model import Nuclide
from . import dicom_time
from .dicom_files import Header
from .dicom_nuclide import check_nuclide
from .dicom_scale import Calibration, Rescale, Scale, declared_factor, rescale_of
from .dicom_series import Series, load_series, values_of
from .nifti import is_nifti, read_nifti
from .volume import Volume

__all__ = ["ActivityScan", "Calibration", "Scale", "read_activity"]

_QUANTITY = "activity concentration [Bq/mL]"
_ADMINISTRATION_TOLERANCE_s = 60.0
#: Bq/mL; above it a millilitre would hold more than the largest sources there are.
_MOST = 1e13


@dataclass(frozen=True, slots=True, eq=False)
class ActivityScan:
    """An activity image and all that says what it is.

    Attributes
    ----------
    volume : Volume
        "activity concentration [Bq/mL]" as it was at `acquired_at`, float32.
    acquired_at : datetime
        Start of the acquisition (of the earliest bed position); has a zone where the header or the
        administration has one.
    duration_s : float or None
        From the start of the first to the end of the last frame.
    scale : Scale
        What gave the activity scale.
    decay_correction : str
        What the values were corrected to, and how that was undone.
    modality : str
        "PT", "NM" or "NIfTI".
    patient_key : str
        Twelve hexadecimal digits; never the name.
    series_uid : str or None
    files : tuple of (name, SHA-256)
    warnings : tuple of str
    paths : tuple of Path
        The DICOM files of the series, in the order of its slices; none for NIfTI.
    patient_words : frozenset of str
        Hashes of the words of the patient's name, to be compared and not kept.
    """

    volume: Volume
    acquired_at: dt.datetime
    duration_s: float | None
    scale: Scale
    decay_correction: str
    modality: str
    patient_key: str
    series_uid: str | None
    files: tuple[tuple[str, str], ...]
    warnings: tuple[str, ...]
    paths: tuple[Path, ...] = ()
    patient_words: frozenset[str] = frozenset()


def read_activity(
    path: Path,
    *,
    nuclide: Nuclide,
    administered_at: dt.datetime | None,
    calibration: Calibration | None = None,
    unit: str | None = None,
    time: dt.datetime | None = None,
    duration_s: float | None = None,
    decay_corrected_to: str | None = None,
    series_uid: str | None = None,
) -> ActivityScan:
    """Read a PET or SPECT image, or a NIfTI file, as Bq/mL at the start of its acquisition.

    Parameters
    ----------
    path : Path
        A DICOM file, a folder with one series, or a NIfTI file.
    nuclide : Nuclide
        The nuclide that was imaged.
    administered_at : datetime or None
        When the activity was given.
    calibration : Calibration, optional
        For images in counts.
    unit : {"Bq/mL", "kBq/mL", "MBq/mL", "Bq", "counts"}, optional
        What the values are, where the file does not say ("Bq" is per voxel). A NIfTI file never says.
    time : datetime, optional
        Start of the acquisition; needed for NIfTI, and goes before the header's for DICOM.
    duration_s : float, optional
        Duration of the acquisition; goes before the header's.
    decay_corrected_to : {"acquisition", "administration", "none"}, optional
        Needed for NIfTI; goes before the header's for DICOM. "none": the mean over the acquisition.
    series_uid : str, optional
        Which series of a folder with several.

    Returns
    -------
    ActivityScan

    Notes
    -----
    With lambda = ln 2 / half-life, values v and t the time from the administration to the start of the
    acquisition of duration T, the concentration at that start is v exp(-lambda t) (corrected to the
    administration), v (to the acquisition), or v lambda T / (1 - exp(-lambda T)) (not corrected). The
    half-life is the header's own where it has one, as the correction was made with it; and so is t, from the header's
    administration to the header's acquisition, whatever `time` and `administered_at` say: those may be of another clock,
    or the header's dates may have been shifted. Where the header lacks one of the two, `time` and `administered_at` serve, both.

    Raises
    ------
    BadInput
        The image is not a regular stack of one patient; its unit, time or decay correction is unknown; it
        names another nuclide; it holds values that are not finite, or no activity.
    """
    path = Path(path)
    if duration_s is not None and not (math.isfinite(duration_s) and duration_s > 0):
        raise BadInput(f"duration: got {duration_s:g} s; give a duration above zero.")
    if is_nifti(path):
        scan = _from_nifti(path, nuclide, administered_at, calibration, unit, time, duration_s, decay_corrected_to)
    else:
        series = load_series(path, ("PT", "NM"), series_uid)
        scan = _from_dicom(series, path, nuclide, administered_at, calibration, unit, time, duration_s, decay_corrected_to)
    return replace(scan, warnings=(*scan.warnings, *_check_values(scan.volume.values, path.name)))


def _from_dicom(
    series: Series,
    path: Path,
    nuclide: Nuclide,
    administered_at: dt.datetime | None,
    calibration: Calibration | None,
    unit: str | None,
    time: dt.datetime | None,
    duration_s: float | None,
    decay_corrected_to: str | None,
) -> ActivityScan:
    headers, notes = series.headers, list(series.warnings)
    half_life_s, more = check_nuclide(headers[0], nuclide)
    notes += more
    starts, acquired_at, more = _starts(headers, time, administered_at)
    notes += more
    frames_s = [duration_s if duration_s is not None else dicom_time.frame_duration_s(h) for h in headers]
    total_s = duration_s
    if total_s is None and all(frames_s):
        total_s = max(s + (f or 0.0) for s, f in zip(starts, frames_s))
    rescale = rescale_of(
        headers,
        voxel_mL=series.geometry.voxel_mL,
        duration_s=frames_s[0] if len(set(frames_s)) == 1 else None,
        calibration=calibration,
        unit=unit,
    )
    factor, words, more = _to_start(
        headers, rescale, starts, frames_s, acquired_at, administered_at, half_life_s, decay_corrected_to
    )
    notes += more
    values, files = values_of(series, rescale.slope * factor, rescale.intercept * factor)
    return ActivityScan(
        Volume(values, series.geometry, _QUANTITY, acquired_at),
        acquired_at,
        total_s,
        rescale.scale,
        words,
        series.modality,
        series.patient_key,
        series.series_uid or None,
        files,
        tuple(notes),
        tuple(dict.fromkeys(path for path, _ in series.source)),
        series.patient_words,
    )


def _starts(
    headers: Sequence[Header], time: dt.datetime | None, administered_at: dt.datetime | None
) -> tuple[np.ndarray, dt.datetime, list[str]]:
    """Start of each slice in s after the earliest (n,), the earliest, and warnings."""
    notes: list[str] = []
    found = [dicom_time.acquisition_start(h) for h in headers]
    known = [t for t in found if t is not None]
    if len(known) < len(headers):
        if time is None:
            raise BadInput(f"{headers[0].name}: has no acquisition date and time (0008,0022 and 0008,0032); give the time of the scan.")
        return np.zeros(len(headers)), _zoned(time, administered_at, notes), notes
    if len({t.tzinfo is None for t in known}) > 1:
        raise BadInput(f"{headers[0].name}: some images of the series have a time zone and some none; export it again.")
    first = min(known)
    starts = np.array([(t - first).total_seconds() for t in known])
    if time is not None and abs(dicom_time.seconds_between(first, time)) > _ADMINISTRATION_TOLERANCE_s:
        notes.append(f"the scan time given is {dicom_time.seconds_between(first, time) / 60:+.1f} min from the header's acquisition time; the one given was used")
    return starts, _zoned(first if time is None else time, administered_at, notes), notes


def _zoned(moment: dt.datetime, administered_at: dt.datetime | None, notes: list[str]) -> dt.datetime:
    """The scan's time in the form (with a zone or without) of the administration's, so that they subtract."""
    if administered_at is None or (moment.tzinfo is None) == (administered_at.tzinfo is None):
        return moment
    if moment.tzinfo is None:
        notes.append("the scan time has no time zone; taken in that of the administration")
    else:
        notes.append("the administration time has no time zone; taken in that of the scan")
    return dicom_time.matching_zone(moment, administered_at)


def _to_start(
    headers: Sequence[Header],
    rescale: Rescale,
    starts: np.ndarray,
    frames_s: Sequence[float | None],
    acquired_at: dt.datetime,
    administered_at: dt.datetime | None,
    half_life_s: float,
    declared: str | None,
) -> tuple[np.ndarray, str, list[str]]:
    """The factor (n,) that brings each slice to the start of the acquisition, what was done, and warnings."""
    kind, note = dicom_time.decay_correction(headers, declared)
    notes = [note] if note else []
    decay_per_s = math.log(2.0) / half_life_s
    with_half_life = f"with the half-life {half_life_s / 3600:.5g} h"
    one = np.ones(len(headers))
    found = [dicom_time.acquisition_start(h) for h in headers]
    known = [t for t in found if t is not None]
    first = min(known) if len(known) == len(found) else None
    if rescale.at_administration:
        if kind == "NONE":
            raise BadInput(f"{headers[0].name}: holds SUV of values that are not decay-corrected, which has no one meaning; give the image in Bq/mL.")
        kind = "ADMIN"
    if kind == "NONE":
        if not all(frames_s):
            notes.append("the duration of the acquisition is unknown: decay during it was not corrected")
            frames_s = [0.0] * len(headers)
        during = np.array([dicom_time.mean_to_start(decay_per_s, f or 0.0) for f in frames_s])
        return np.exp(decay_per_s * starts) * during, f"NONE: frame means, brought to the start of the acquisition {with_half_life}", notes
    if kind == "START":
        seconds = 0.0
        reference = dicom_time.series_start(headers[0])
        if declared is None and reference is not None and first is not None:
            seconds = dicom_time.seconds_between(reference, first)
            if not 0 <= seconds <= 12 * 3600:
                notes.append("the series time is not the start of the acquisition (a later reconstruction): values taken as corrected to the acquisition time")
                seconds = 0.0
        return one * math.exp(-decay_per_s * seconds), f"START: values are those at the start of the acquisition ({seconds:.0f} s after the series time)", notes
    if kind == "DATETIME":
        if first is None:
            raise BadInput(
                f"{headers[0].name}: is decay-corrected to a date and time (0018,9701) and has no acquisition date and time of the same clock "
                "(0008,002A); declare decay_corrected_to as acquisition or administration."
            )
        seconds = dicom_time.seconds_between(dicom_time.corrected_to(headers[0]), first)
        return one * math.exp(-decay_per_s * seconds), f"DATETIME: decay over {seconds / 3600:.5g} h since the header's reference put back {with_half_life}", notes
    seconds, more = _since_administration(headers[0], first, acquired_at, administered_at, half_life_s)
    notes += more
    if seconds < 0:
        raise BadInput(f"{headers[0].name}: was acquired {-seconds / 3600:.3g} h before the administration; check both times.")
    notes += [] if rescale.at_administration else _check_decay_factor(headers[0], math.exp(decay_per_s * seconds))
    words = f"ADMIN: decay over {seconds / 3600:.5g} h since the administration put back {with_half_life}"
    return one * math.exp(-decay_per_s * seconds), words, notes


def _since_administration(
    header: Header, first: dt.datetime | None, acquired_at: dt.datetime, declared: dt.datetime | None, half_life_s: float
) -> tuple[float, list[str]]:
    """Seconds over which the header's own correction to the administration ran, and warnings.

    Both ends are the header's, or both the case's: the two may be told by different clocks. `first` is the header's
    acquisition, `acquired_at` the case's; `declared` is the case's administration.
    """
    if first is None:
        if declared is None:
            raise BadInput(f"{header.name}: is decay-corrected to the administration and has no acquisition time to go with its time; give the time of the administration.")
        return dicom_time.seconds_between(declared, acquired_at), ["the header gives no acquisition time: the case's times were used to undo its decay correction"]
    own = first
    # The case's administration on the header's clock, to place a time of administration that has no date.
    there = None if declared is None else own - dt.timedelta(seconds=dicom_time.seconds_between(declared, acquired_at))
    found = dicom_time.administration(header, own, there, half_life_s)
    if found is None:
        if declared is None:
            raise BadInput(f"{header.name}: is decay-corrected to the administration, whose date and time the header does not give; give the time of the administration.")
        return dicom_time.seconds_between(declared, acquired_at), ["the header gives no time of administration: the case's was used to undo its decay correction"]
    notes = []
    seconds = dicom_time.seconds_between(found.at, own)
    if found.date_inferred and declared is None:
        notes.append("the header gives the time of administration without a date: taken as the last before the scan")
    if there is not None:
        apart = dicom_time.seconds_between(there, found.at)
        if abs(apart) > _ADMINISTRATION_TOLERANCE_s:
            notes.append(f"the header's administration is {apart / 60:+.1f} min from the case's; the header's was used to undo the header's decay correction")
    return seconds, notes


def _check_decay_factor(header: Header, expected: float) -> list[str]:
    """A factor of exactly 1 is what some systems write whatever they did, so it says nothing."""
    said = header.number("DecayFactor")
    if said is None or said == 1.0 or abs(said / expected - 1) < 0.05:
        return []
    return [f"the header's Decay Factor (0054,1321) is {said:.5g}, and a correction to the administration would be {expected:.5g}; check what the values are corrected to"]


def _from_nifti(
    path: Path,
    nuclide: Nuclide,
    administered_at: dt.datetime | None,
    calibration: Calibration | None,
    unit: str | None,
    time: dt.datetime | None,
    duration_s: float | None,
    decay_corrected_to: str | None,
) -> ActivityScan:
    name = path.name
    if unit is None and calibration is None:
        raise BadInput(
            f"{name}: the activity scale is unknown, as NIfTI carries no unit; declare the unit (Bq/mL, kBq/mL, MBq/mL or Bq), or give a calibration for counts."
        )
    if time is None:
        raise BadInput(f"{name}: the time of the scan is unknown, as NIfTI carries none; give the start of the acquisition.")
    words = ("acquisition", "administration", "none")
    if decay_corrected_to not in words:
        got = "is not said" if decay_corrected_to is None else f"got {decay_corrected_to!r}"
        raise BadInput(f"{name}: what its values are decay-corrected to {got}; declare decay_corrected_to as acquisition, administration or none.")
    volume = read_nifti(path, _QUANTITY)
    voxel_mL = volume.geometry.voxel_mL
    if calibration is not None:
        if unit not in (None, "counts"):
            raise BadInput(f"{name}: the unit {unit} is declared and a calibration given; give one of the two.")
        factor = calibration.Bq_per_mL_for_one_count(voxel_mL=voxel_mL, duration_s=duration_s)
        scale = Scale("calibration given", "counts", f"Values taken as counts; {calibration.sentence()}.")
    else:
        if unit == "counts":
            raise BadInput(f"{name}: is declared to hold counts; give a calibration (a sensitivity in cps/Bq, Bq per count, or Bq/mL per count).")
        factor = declared_factor(str(unit), voxel_mL)
        scale = Scale("declared unit", str(unit), f"NIfTI carries no unit; {unit} was declared.")
    notes: list[str] = []
    acquired_at = _zoned(time, administered_at, notes)
    decay_per_s = nuclide.decay_constant_per_s
    done = "values are those at the start of the acquisition, as declared"
    if decay_corrected_to == "none":
        if duration_s is None:
            notes.append("the duration of the acquisition is unknown: decay during it was not corrected")
        factor *= dicom_time.mean_to_start(decay_per_s, duration_s or 0.0)
        done = "frame means, as declared, brought to the start of the acquisition"
    elif decay_corrected_to == "administration":
        if administered_at is None:
            raise BadInput(f"{name}: is declared decay-corrected to the administration; give the time of the administration.")
        seconds = dicom_time.seconds_between(administered_at, acquired_at)
        if seconds < 0:
            raise BadInput(f"{name}: was acquired {-seconds / 3600:.3g} h before the administration; check both times.")
        factor *= math.exp(-decay_per_s * seconds)
        done = f"decay over {seconds / 3600:.5g} h since the administration put back, as declared"
    kind = {"acquisition": "START", "administration": "ADMIN", "none": "NONE"}[decay_corrected_to]
    return ActivityScan(
        replace(volume, values=(volume.values * factor).astype(np.float32, copy=False), time=acquired_at),
        acquired_at,
        duration_s,
        scale,
        f"{kind}: {done}",
        "NIfTI",
        "",
        None,
        ((name, sha256_file(path)),),
        tuple(notes),
    )


def _check_values(values: np.ndarray, name: str) -> list[str]:
    if not np.all(np.isfinite(values)):
        raise BadInput(f"{name}: holds values that are not finite numbers; export the image again.")
    if values.max() > _MOST:
        raise BadInput(f"{name}: holds up to {values.max():.3g} Bq/mL, more than any patient can; check its scale or the calibration.")
    total = float(values.sum(dtype=float))
    if total <= 0:
        raise BadInput(f"{name}: holds no activity (its total is {total:.3g}); check that it is the right image.")
    negative = -float(values.sum(where=values < 0, dtype=float))
    if negative > 0.01 * total:
        return [f"negative voxels amount to {100 * negative / total:.1f} % of the total activity"]
    return []
