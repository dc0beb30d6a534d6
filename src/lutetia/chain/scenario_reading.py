"""What the readers of a scenario's parts share: the file with its clock, names that must be known, times."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from ..core import BadInput, near_matches
from ..nuclides import nuclide
from .scenario_calendar import fixed, opening_hours
from .scenario_parts import ScenarioFile


@dataclass(slots=True)
class Reading:
    """What is known while a file is read."""

    file: ScenarioFile
    start: dt.datetime
    end: dt.datetime
    tz: ZoneInfo
    files: dict[str, str]
    assumptions: list[str]
    warnings: list[str]


def seconds_from(moment: dt.datetime, start: dt.datetime, tz: ZoneInfo) -> float:
    return (fixed(moment if moment.tzinfo else moment.replace(tzinfo=tz)) - start).total_seconds()


def known(name: str, among: Iterable[str], what: str, kind: str) -> None:
    names = list(among)
    if name not in names:
        raise BadInput(f"{what}: there is no {kind} {name!r} in the scenario; name one that it has.{near_matches(name, names)}")


def once(names: Iterable[str], kind: str) -> None:
    seen: set[str] = set()
    for n in names:
        if n in seen:
            raise BadInput(f"{kind}: the id {n!r} stands there twice; give each {kind} its own.")
        seen.add(n)


def lives(name: str, seconds: float, what: str) -> None:
    """A time in which all has decayed is a wrong unit."""
    if seconds > 100 * nuclide(name).half_life_s:
        raise BadInput(f"{what}: {seconds:g} s is more than 100 half-lives of {name}; check the unit.")


def open_hours(r: Reading, text: str | None, tz: ZoneInfo, closed: Iterable[dt.date], what: str) -> tuple[tuple[float, float], ...]:
    """Opening hours; none where none are stated, which means always."""
    if text is None:
        return ()
    hours = opening_hours(text, r.start, r.end, tz, closed, what)
    if not hours:
        raise BadInput(f"{what}: it is never open between start and end; correct its hours or the days on which it is closed.")
    return hours
