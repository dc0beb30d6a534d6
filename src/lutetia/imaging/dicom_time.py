"""When an image was taken, when the activity was given, and to what time its values are decay-corrected.

Times without a zone in the header (Timezone Offset From UTC (0008,0201)) are local to the site, as are
times without a zone in a case; the two are compared as they stand.
"""

from __future__ import annotations

import datetime as dt
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ..core import BadInput
from .dicom_files import Header

_DAY_s = 86400.0


def acquisition_start(header: Header) -> dt.datetime | None:
    """Acquisition DateTime (0008,002A), or Acquisition Date and Time; of an enhanced frame, Frame Acquisition DateTime."""
    for keyword in ("FrameAcquisitionDateTime", "AcquisitionDateTime"):
        if text := header.text(keyword):
            return _datetime(text, header, keyword)
    date, time = header.text("AcquisitionDate"), header.text("AcquisitionTime")
    return _datetime(date + time, header, "AcquisitionTime") if date and time else None


def series_start(header: Header) -> dt.datetime | None:
    """Series Date and Time: the time to which a PET series with decay correction START refers (PS3.3 C.8.9.1)."""
    date, time = header.text("SeriesDate"), header.text("SeriesTime")
    return _datetime(date + time, header, "SeriesTime") if date and time else None


def frame_duration_s(header: Header) -> float | None:
    """Duration of the acquisition of one image, s.

    For NM it is that of the rotations: views per rotation times the duration of a view (PS3.3 C.8.4.12),
    the detectors working at the same time.
    """
    rotations = header.items("RotationInformationSequence")
    if rotations:
        parts = [(r.number("NumberOfFramesInRotation"), r.number("ActualFrameDuration")) for r in rotations]
        if all(n and ms for n, ms in parts):
            return sum(float(n or 0) * float(ms or 0) for n, ms in parts) / 1000.0
        return None
    milliseconds = header.number("FrameAcquisitionDuration") or header.number("ActualFrameDuration")
    return milliseconds / 1000.0 if milliseconds and milliseconds > 0 else None


@dataclass(frozen=True, slots=True)
class Administration:
    """What the header says of the administration: when, and whether its date had to be inferred."""

    at: dt.datetime
    date_inferred: bool


def administration(
    header: Header, acquired_at: dt.datetime, declared: dt.datetime | None, half_life_s: float
) -> Administration | None:
    """The administration that the header names (Radiopharmaceutical Start DateTime, else Start Time).

    A time without a date is placed on the day that brings it closest to the declared administration; with none
    declared, on the last such time before the acquisition, for nuclides whose half-life is below a day.
    """
    for item in header.items("RadiopharmaceuticalInformationSequence"):
        if text := item.text("RadiopharmaceuticalStartDateTime"):
            return Administration(matching_zone(_datetime(text, header, "RadiopharmaceuticalStartDateTime"), acquired_at), False)
        if text := item.text("RadiopharmaceuticalStartTime"):
            at = _datetime(acquired_at.strftime("%Y%m%d") + text, header, "RadiopharmaceuticalStartTime").replace(tzinfo=acquired_at.tzinfo)
            if declared is not None:
                days = round(seconds_between(at, matching_zone(declared, at)) / _DAY_s)
                return Administration(at + dt.timedelta(days=days), True)
            if half_life_s < _DAY_s:
                return Administration(at if at <= acquired_at else at - dt.timedelta(days=1), True)
    return None


def decay_correction(headers: Sequence[Header], declared: str | None) -> tuple[str, str]:
    """``"NONE"``, ``"START"``, ``"ADMIN"`` or ``"DATETIME"``, and a note on where it comes from ("" if the header says it).

    An enhanced object that is decay-corrected says to which date and time (0018,9701), see `corrected_to`.

    Raises
    ------
    BadInput
        The images differ in it, or they are decay-corrected to a time that is not said.
    """
    if declared is not None:
        words = {"acquisition": "START", "administration": "ADMIN", "none": "NONE"}
        if declared not in words:
            raise BadInput(f"decay_corrected_to: got {declared!r}; give 'acquisition', 'administration' or 'none'.")
        said = {h.text("DecayCorrection").upper() for h in headers} - {""}
        changed = f"; the header says {', '.join(sorted(said))}" if said - {words[declared]} else ""
        return words[declared], f"decay correction to {declared} as declared{changed}"
    first = headers[0]
    said = {h.text("DecayCorrection").upper() for h in headers}
    if len(said) > 1:
        raise BadInput(f"{first.name}: the series mixes the decay corrections {', '.join(sorted(said))}; export it again.")
    word = said.pop()
    if word in ("NONE", "START", "ADMIN"):
        return word, ""
    if word:
        raise BadInput(f"{first.name}: its Decay Correction (0054,1102) is {word}, not NONE, START or ADMIN; declare what the values are corrected to.")
    if first.text("DecayCorrected").upper() == "YES" and first.text("DecayCorrectionDateTime"):
        return "DATETIME", ""
    corrected = [t.upper() for t in first.texts("CorrectedImage")]
    if "DECY" in corrected or first.text("DecayCorrected").upper() == "YES":
        raise BadInput(
            f"{first.name}: is decay-corrected, and no Decay Correction (0054,1102) says to what time; declare decay_corrected_to as acquisition or administration."
        )
    if first.text("Modality") == "PT" and first.text("DecayCorrected").upper() != "NO":
        raise BadInput(f"{first.name}: has no Decay Correction (0054,1102); declare decay_corrected_to as acquisition, administration or none.")
    return "NONE", "the header names no decay correction: values taken as the mean over the acquisition"


def corrected_to(header: Header) -> dt.datetime:
    """Decay Correction DateTime (0018,9701) of an enhanced object."""
    return _datetime(header.text("DecayCorrectionDateTime"), header, "DecayCorrectionDateTime")


def mean_to_start(decay_constant_per_s: float, duration_s: float) -> float:
    """Activity at the start of a frame over its mean during the frame, by physical decay alone.

    lambda T / (1 - exp(-lambda T)): the frame-averaged decay factor of PS3.3 C.8.9.4 (Decay Factor).

    A GE scanner wrote 1.01268 for 240 s of F-18, with its own half-life of 6588 s
    (IBSI's public soft-tissue sarcoma case, doi 10.7937/K9/TCIA.2015.7GO2GSKS).

    >>> round(mean_to_start(math.log(2) / 6588.0, 240.0), 5)
    1.01268
    """
    x = decay_constant_per_s * duration_s
    return x / -math.expm1(-x) if x > 1e-12 else 1.0


def seconds_between(earlier: dt.datetime, later: dt.datetime) -> float:
    """later - earlier in s; a time without a zone is taken to be in the other's zone."""
    return (matching_zone(later, earlier) - earlier).total_seconds()


def matching_zone(moment: dt.datetime, like: dt.datetime) -> dt.datetime:
    """`moment` with a zone if `like` has one and without if it has none, so that the two can be subtracted."""
    if (moment.tzinfo is None) == (like.tzinfo is None):
        return moment
    return moment.replace(tzinfo=like.tzinfo)


_DT = re.compile(r"^(\d{4})[.\-]?(\d{2})[.\-]?(\d{2})(\d{2})(?::?(\d{2}))?(?::?(\d{2})(?:\.(\d{1,6}))?)?\s*([+-]\d{4})?$")


def _datetime(text: str, header: Header, keyword: str) -> dt.datetime:
    found = _DT.match(text)
    try:
        if found is None:
            raise ValueError(text)
        year, month, day, hour, minute, second, fraction, offset = found.groups()
        zone = _zone(offset or header.text("TimezoneOffsetFromUTC"))
        return dt.datetime(
            int(year), int(month), int(day), int(hour), int(minute or 0), min(int(second or 0), 59), int((fraction or "0").ljust(6, "0")), zone
        )
    except (ValueError, OverflowError):
        raise BadInput(f"{header.name}: its {keyword} is not a date and time; correct the header, or give the time of the scan.") from None


def _zone(offset: str) -> dt.tzinfo | None:
    if not offset:
        return None
    minutes = int(offset[-4:-2]) * 60 + int(offset[-2:])
    return dt.timezone(dt.timedelta(minutes=-minutes if offset[0] == "-" else minutes))
