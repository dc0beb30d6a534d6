"""When a hot cell, an operator or a dispenser is there: open intervals, from weekly hours in a zone without its holidays."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ...core import BadInput

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_HOURS = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)\s*-\s*([01]?\d|2[0-4]):([0-5]\d)")


@dataclass(frozen=True, slots=True)
class Calendar:
    """Open intervals in seconds from any common origin, sorted, none touching another."""

    open_s: tuple[tuple[float, float], ...]

    def covers(self, start_s: float, end_s: float) -> bool:
        """Whether one interval holds all of a stretch."""
        return any(a <= start_s and end_s <= b for a, b in self.open_s)

    def earliest(self, from_s: float, duration_s: float) -> float | None:
        """The first time at or after `from_s` from which a duration fits; None if there is none.

        >>> Calendar(((0.0, 10.0), (20.0, 40.0))).earliest(5.0, 8.0)
        20.0
        """
        return next((max(a, from_s) for a, b in self.open_s if max(a, from_s) + duration_s <= b), None)


def calendar(intervals: Iterable[tuple[float, float]]) -> Calendar:
    """A calendar of intervals in any order; those that overlap or touch are joined.

    Raises
    ------
    BadInput
        An interval that ends before it starts.

    >>> calendar([(20.0, 40.0), (0.0, 10.0), (10.0, 15.0)]).open_s
    ((0.0, 15.0), (20.0, 40.0))
    """
    joined: list[tuple[float, float]] = []
    for a, b in sorted(intervals):
        if not a < b:
            raise BadInput(f"calendar: an interval from {a:g} s to {b:g} s; let each end after its start.")
        if joined and a <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(b, joined[-1][1]))
        else:
            joined.append((a, b))
    return Calendar(tuple(joined))


def weekly_calendar(week: Mapping[str, str], zone: str, first: dt.date, last: dt.date, *, holidays: Collection[dt.date] = (), origin: dt.datetime) -> Calendar:
    """Weekly hours from one day to another, both included, in the clock of a zone (summer time counted).

    Parameters
    ----------
    week : mapping
        ``"mon"`` ... ``"sun"`` to hours such as ``"06:00-18:00"``; several separated by commas. A day that is not
        named is closed; hours that end at or before their start end on the next day.
    zone : str
        Name of the IANA data base, such as ``"Europe/Berlin"``.
    holidays : dates
        Days on which nothing opens.
    origin : datetime
        With a zone: where the seconds start.

    Raises
    ------
    BadInput
        An unknown zone or day, hours that cannot be read, an origin without a zone, more than ten years.

    On the day on which summer time begins, 29 March 2026, a night from 22:00 to 06:00 has seven hours:

    >>> start = dt.datetime(2026, 3, 28, 21, tzinfo=dt.timezone.utc)
    >>> c = weekly_calendar({"sat": "22:00-06:00"}, "Europe/Berlin", dt.date(2026, 3, 28), dt.date(2026, 3, 28), origin=start)
    >>> [(b - a) / 3600 for a, b in c.open_s]
    [7.0]
    """
    from zoneinfo import ZoneInfo

    try:
        clock = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise BadInput(f"calendar: there is no time zone {zone!r} here; give a name such as 'Europe/Berlin'.") from None
    if origin.tzinfo is None:
        raise BadInput("calendar: the origin has no zone; give a time with one.")
    strange = sorted(set(week) - set(WEEKDAYS))
    if strange:
        raise BadInput(f"calendar: {strange[0]!r} is no day; use {', '.join(WEEKDAYS)}.")
    hours = {day: [_hours(part) for part in text.split(",")] for day, text in week.items()}
    days = (last - first).days + 1
    if not 0 < days <= 3660:
        raise BadInput(f"calendar: from {first} to {last} are {days} days; give 1 to 3660.")

    def since(day: dt.date, minutes: int) -> float:
        wall = dt.datetime.combine(day + dt.timedelta(days=minutes // 1440), dt.time(minutes % 1440 // 60, minutes % 60), clock)
        return (wall.astimezone(dt.UTC) - origin).total_seconds()

    dates = (first + dt.timedelta(days=n) for n in range(days))
    return calendar((since(d, a), since(d, b)) for d in dates if d not in holidays for a, b in hours.get(WEEKDAYS[d.weekday()], ()))


def earliest_shift_s(needs: Sequence[tuple[float, float, Sequence[Calendar]]]) -> float | None:
    """By how much all of a plan must be put off, as one, until each of its stretches lies in one of its calendars.

    Parameters
    ----------
    needs : sequence of (begin, end, calendars)
        A stretch, and the calendars of which one must hold it.

    Returns
    -------
    float or None
        0 if it fits as it is; None if it fits at no time.

    >>> morning, day = Calendar(((0.0, 4.0), (24.0, 28.0))), Calendar(((2.0, 10.0), (26.0, 34.0)))
    >>> earliest_shift_s([(0.0, 2.0, [morning]), (2.0, 4.0, [day])]), earliest_shift_s([(0.0, 5.0, [morning])])
    (0.0, None)
    >>> earliest_shift_s([(0.0, 2.0, [morning]), (0.0, 2.0, [day])])
    2.0
    """
    shift, settled = 0.0, False
    while not settled:  # only upwards, from one opening to the next: it ends
        settled = True
        for begin, end, calendars in needs:
            found = [t for c in calendars if (t := c.earliest(begin + shift, end - begin)) is not None]
            if not found:
                return None
            if min(found) - begin > shift + 1e-9 * max(1.0, abs(begin)):
                shift, settled = min(found) - begin, False
    return shift


def _hours(text: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"calendar: cannot read the hours {text!r}; write them like '06:00-18:00'.")
    a, b = int(found[1]) * 60 + int(found[2]), int(found[3]) * 60 + int(found[4])
    return a, b if b > a else b + 1440
