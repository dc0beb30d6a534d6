"""The schedule of a generator: when it is eluted (TOML, checked key by key)."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from ..core import BadInput, parse
from .case import Moment, _Part, _quantity, read_checked

SCHEDULE_SCHEMA = "lutetia-schedule/1"
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MOST = 10_000


def _ratio(value: object) -> float:
    """Text such as ``"0.05 uCi/mCi"`` or ``"0.001 %"``: a bare number is refused, for it could be a percentage."""
    if isinstance(value, str) and value.strip()[-1:].isalpha() | value.strip().endswith("%"):
        try:
            return parse(value, "Bq/Bq", "value")
        except BadInput as error:
            raise ValueError(str(error).removeprefix("value: ")) from None
    raise ValueError(f"got {value!r}; write an activity over an activity such as '0.05 uCi/mCi' or '0.05 kBq/MBq', or a percentage")


Ratio = Annotated[float, BeforeValidator(_ratio)]


class Rule(_Part):
    first: Moment
    every: _quantity("s", within=("1 s", "3650 d"))  # type: ignore[valid-type]
    days: list[Literal["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]] = Field(default=list(_DAYS), min_length=1)


class ScheduleFile(_Part):
    """A checked schedule; `sha256` is that of the file."""

    title: str | None = None
    calibration: Moment
    last_elution: Moment | None = None
    elutions: list[Moment] | None = Field(default=None, min_length=1, max_length=_MOST)
    rule: Rule | None = None
    until: Moment | None = None
    efficiency: float | None = Field(default=None, gt=0, le=1)
    u_efficiency: float | None = Field(default=None, ge=0, lt=1)
    breakthrough: Ratio | None = None
    keep: list[str] = Field(default=[])
    sha256: str

    @model_validator(mode="after")
    def _whole(self) -> ScheduleFile:
        if (self.elutions is None) == (self.rule is None):
            raise ValueError("give either elutions, a list of times, or a [rule]")
        if self.rule is not None and self.until is None:
            raise ValueError("a [rule] needs until, the time of the last elution at the latest")
        if self.u_efficiency is not None and self.efficiency is None:
            raise ValueError("u_efficiency belongs to a measured efficiency; give that too")
        given: dict[str, Any] = {"calibration": self.calibration, "last_elution": self.last_elution, "until": self.until, "rule.first": self.rule.first if self.rule else None}
        given |= {f"elutions.{n}": t for n, t in enumerate(self.elutions or [], 1)}
        local = [k for k, t in given.items() if t is not None and t.tzinfo is None]
        if local:
            raise ValueError(f"{local[0]} has no zone; write the time like '2025-03-03T08:00:00+01:00'")
        return self


@dataclass(frozen=True, slots=True)
class Schedule:
    """Times in seconds after `calibration`; `said` is what has to be told with the result."""

    sha256: str
    calibration: dt.datetime
    times_s: tuple[float, ...]
    at: tuple[dt.datetime, ...]
    bare_s: float | None
    efficiency: float | None
    u_efficiency: float | None
    breakthrough: float | None
    keep: tuple[str, ...]
    said: tuple[str, ...]


def load_schedule(path: Path | str) -> Schedule:
    """Read and check a schedule file.

    Raises
    ------
    BadInput
        Not such a file; times without a zone, out of order or none at all; both a list and a rule.
    """
    f = read_checked(path, ScheduleFile, SCHEDULE_SCHEMA, "schedule.toml")
    at = sorted(f.elutions) if f.elutions is not None else _by_rule(f, Path(path).name)
    if f.until is not None:
        at = [t for t in at if t <= f.until]
    if not at:
        raise BadInput(f"{Path(path).name}: no elution lies before until; correct the times.")
    said = []
    if f.last_elution is None:
        said.append("no last_elution was given: the daughter is taken to grow in from the calibration, so the first elution may give more")
    bare = None if f.last_elution is None else (f.last_elution - f.calibration).total_seconds()
    return Schedule(
        f.sha256, f.calibration, tuple((t - f.calibration).total_seconds() for t in at), tuple(at), bare, f.efficiency, f.u_efficiency, f.breakthrough, tuple(f.keep), tuple(said),
    )  # fmt: skip


def _by_rule(f: ScheduleFile, name: str) -> list[dt.datetime]:
    assert f.rule is not None and f.until is not None
    step = dt.timedelta(seconds=f.rule.every)
    number = int((f.until - f.rule.first) / step) + 1
    if number > _MOST:
        raise BadInput(f"{name}: the rule makes {number} elutions; give one with at most {_MOST}.")
    times = [f.rule.first + n * step for n in range(max(number, 0))]
    return [t for t in times if _DAYS[t.weekday()] in f.rule.days]
