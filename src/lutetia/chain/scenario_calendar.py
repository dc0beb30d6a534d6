"""Clock times of a place, in its own zone, as seconds from the start of a scenario."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

from ..core import BadInput

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_RULE = re.compile(r"(?:([A-Z][a-z]{2})(?:\s*-\s*([A-Z][a-z]{2}))?\s+)?(\d{1,2}:\d{2})\s*-\s*(\d{1,2}:\d{2})")


def zone(name: str, what: str) -> ZoneInfo:
    """A time zone by its name.

    Raises
    ------
    BadInput
        There is none of this name.
    """
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise BadInput(f"{what}: {name!r} is no time zone; give one like 'Europe/Paris' or 'Asia/Shanghai'.") from None


def fixed(moment: dt.datetime) -> dt.datetime:
    """The same moment with its offset alone.

    Python takes the difference of two times of one zone by their clocks, an hour off across a clock change.

    >>> day = dt.timedelta(days=1)
    >>> sunday = dt.datetime(2026, 10, 25, tzinfo=ZoneInfo("Europe/Paris"))
    >>> fixed(sunday + day) - fixed(sunday)
    datetime.timedelta(days=1, seconds=3600)
    """
    return moment.replace(tzinfo=dt.timezone(moment.utcoffset() or dt.timedelta(0)))


def opening_hours(text: str, start: dt.datetime, end: dt.datetime, tz: ZoneInfo, closed: Iterable[dt.date], what: str) -> tuple[tuple[float, float], ...]:
    """``"Mon-Fri 08:00-17:00; Sat 08:00-12:00"`` as intervals in seconds from the start; without days, every day.

    Hours that end before they begin go on past midnight. Clock changes are followed: the zone decides what 08:00 is. What
    lies before the start or after the end is cut off.

    Raises
    ------
    BadInput
        The text cannot be read.

    >>> tz = ZoneInfo("Europe/Paris")
    >>> monday = dt.datetime(2026, 11, 2, tzinfo=tz)
    >>> opening_hours("Mon-Fri 08:00-17:00", monday, monday + dt.timedelta(days=2), tz, (), "lab")
    ((28800.0, 61200.0), (115200.0, 147600.0))
    """
    found = []
    shut = set(closed)
    length_s = (fixed(end) - fixed(start)).total_seconds()
    for rule in filter(None, (r.strip() for r in text.split(";"))):
        match = _RULE.fullmatch(rule)
        if match is None or not {match[1] or "Mon", match[2] or "Mon"} <= set(DAYS):
            raise BadInput(f"{what}: cannot read the hours {rule!r}; write them like 'Mon-Fri 08:00-17:00; Sat 08:00-12:00'.")
        first = DAYS.index(match[1]) if match[1] else 0
        last = DAYS.index(match[2]) if match[2] else (first if match[1] else 6)
        days = {(first + n) % 7 for n in range((last - first) % 7 + 1)}
        opens, closes = clock(match[3], what), clock(match[4], what)
        for day in _days(start - dt.timedelta(days=1), end, tz):
            if day.weekday() in days and day not in shut:
                a = at_clock(day, opens, tz)
                b = at_clock(day, closes, tz) if closes > opens else at_clock(day + dt.timedelta(days=1), closes, tz)
                opened, closed_s = (min(max((t - fixed(start)).total_seconds(), 0.0), length_s) for t in (a, b))
                if opened < closed_s:  # not so outside the scenario, nor within an hour that a clock change leaves out
                    found.append((opened, closed_s))
    return _joined(found)


def _joined(found: list[tuple[float, float]]) -> tuple[tuple[float, float], ...]:
    out: list[tuple[float, float]] = []
    for a, b in sorted(found):
        if out and a <= out[-1][1]:
            out[-1] = (out[-1][0], max(b, out[-1][1]))
        else:
            out.append((a, b))
    return tuple(out)


def clock(text: str, what: str) -> dt.timedelta:
    """``"08:30"`` as time after midnight, up to 24:00."""
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    if match is None or int(match[2]) > 59 or int(match[1]) * 60 + int(match[2]) > 1440:
        raise BadInput(f"{what}: {text!r} is no clock time; write it like '08:30'.")
    return dt.timedelta(hours=int(match[1]), minutes=int(match[2]))


def at_clock(day: dt.date, after_midnight: dt.timedelta, tz: ZoneInfo) -> dt.datetime:
    """A clock time of a day in a zone; the first of two where clocks are put back."""
    return fixed((dt.datetime.combine(day, dt.time()) + after_midnight).replace(tzinfo=tz))


def _days(start: dt.datetime, end: dt.datetime, tz: ZoneInfo) -> Iterator[dt.date]:
    day, last = start.astimezone(tz).date(), end.astimezone(tz).date()
    while day <= last:
        yield day
        day += dt.timedelta(days=1)


def clock_times(times: Iterable[str], days: str | None, start: dt.datetime, end: dt.datetime, tz: ZoneInfo, closed: Iterable[dt.date], what: str) -> tuple[float, ...]:
    """Clock times on the days of a week (``"Mon-Fri"``; all without it) as seconds from the start, within the scenario."""
    shut, found = set(closed), []
    wanted = {d for d, _ in _weekdays(days, what)}
    for text in times:
        after = clock(text, what)
        for day in _days(start, end, tz):
            if day.weekday() in wanted and day not in shut:
                t = (at_clock(day, after, tz) - fixed(start)).total_seconds()
                if 0 <= t <= (fixed(end) - fixed(start)).total_seconds():
                    found.append(t)
    return tuple(sorted(set(found)))


def _weekdays(text: str | None, what: str) -> Iterator[tuple[int, str]]:
    for part in ("Mon-Sun" if text is None else text).split(","):
        first, _, last = (x.strip() for x in part.partition("-"))
        if not {first, last or first} <= set(DAYS):
            raise BadInput(f"{what}: cannot read the days {text!r}; write them like 'Mon-Fri' or 'Mon,Thu'.")
        a, b = DAYS.index(first), DAYS.index(last or first)
        yield from (((a + n) % 7, DAYS[(a + n) % 7]) for n in range((b - a) % 7 + 1))
