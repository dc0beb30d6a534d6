"""Opening hours and clock times against the clocks of the zone, and scenarios that say the same in two ways."""

from __future__ import annotations

import csv
import datetime as dt
import json
import tempfile
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from hypothesis import assume, given
from hypothesis import strategies as st

from lutetia.chain.scenario_calendar import DAYS, clock_times, opening_hours
from lutetia.chain.scenario_file import load_scenario
from lutetia.core import BadInput, CouldNot

# Northern and southern summers, half an hour of change (Lord Howe), offsets of a quarter of an hour, no change.
ZONES = st.sampled_from(["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Asia/Shanghai", "America/Santiago", "UTC"]).map(ZoneInfo)
STARTS = st.datetimes(dt.datetime(2025, 1, 1), dt.datetime(2027, 12, 1)).map(lambda t: t.replace(second=0, microsecond=0))
CLOCKS = st.integers(0, 24 * 60).map(lambda m: f"{m // 60:02d}:{m % 60:02d}")
RULES = st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS), CLOCKS.filter(lambda c: c != "24:00"), CLOCKS)


def _steady(moment: dt.datetime, tz: ZoneInfo) -> bool:
    """No clock change within three hours."""
    return len({(moment + dt.timedelta(hours=h)).astimezone(tz).utcoffset() for h in (-3, 0, 3)}) == 1


def _minute(clock: str) -> int:
    return 60 * int(clock[:2]) + int(clock[3:])


def _stands_open(local: dt.datetime, rules: list[tuple[str, str, str, str]], closed: set[dt.date]) -> bool:
    """Whether the clock on the wall lies in a rule of today, or of yesterday past midnight."""
    now = 60 * local.hour + local.minute + local.second / 60
    for first, last, opens, closes in rules:
        a, b = DAYS.index(first), DAYS.index(last)
        days = {(a + n) % 7 for n in range((b - a) % 7 + 1)}
        begin, end = _minute(opens), _minute(closes)
        for back in (0, 1):
            day = local.date() - dt.timedelta(days=back)
            to = end if end > begin else end + 1440
            if day.weekday() in days and day not in closed and begin < now + 1440 * back < to:
                return True
    return False


@given(ZONES, STARTS, st.integers(1, 12 * 24), st.lists(RULES, min_size=1, max_size=3), st.sets(st.integers(0, 11), max_size=2), st.lists(st.floats(0, 1), min_size=10, max_size=10))
def test_a_house_is_open_when_its_clock_says_so(tz: ZoneInfo, naive: dt.datetime, hours: int, rules: list[tuple[str, str, str, str]], shut: set[int], where: list[float]) -> None:
    start = naive.replace(tzinfo=tz)
    end = (start.astimezone(dt.UTC) + dt.timedelta(hours=hours)).astimezone(tz)
    closed = {start.date() + dt.timedelta(days=n) for n in shut}
    found = opening_hours("; ".join(f"{a}-{b} {c}-{d}" for a, b, c, d in rules), start, end, tz, closed, "x")
    edges = [t for interval in found for t in interval]
    assert all(a < b for a, b in pairwise(edges)) and all(0 <= t <= hours * 3600 for t in edges)
    for share in where:
        seconds = share * hours * 3600
        moment = start.astimezone(dt.UTC) + dt.timedelta(seconds=seconds)
        local = moment.astimezone(tz)
        # Where two rules meet, the minute itself is neither's by the strict comparison: no whole minute is asked for.
        if local.second and _steady(moment, tz) and _steady(moment - dt.timedelta(days=1), tz):
            assert any(a < seconds < b for a, b in found) == _stands_open(local, rules, closed)


@given(ZONES, STARTS, st.integers(1, 12), st.lists(CLOCKS, min_size=1, max_size=4), st.sets(st.sampled_from(DAYS), min_size=1))
def test_clock_times_read_on_the_clock_as_they_are_written(tz: ZoneInfo, naive: dt.datetime, days: int, clocks: list[str], weekdays: set[str]) -> None:
    start = naive.replace(tzinfo=tz)
    end = (naive + dt.timedelta(days=days)).replace(tzinfo=tz)
    assume(all(_steady(t, tz) for t in (start, end)))
    found = clock_times(clocks, ",".join(sorted(weekdays)), start, end, tz, (), "x")
    assert list(found) == sorted(set(found))
    shown = {(start.astimezone(dt.UTC) + dt.timedelta(seconds=t)).astimezone(tz).replace(tzinfo=None, fold=0) for t in found}
    first = naive.date()
    written = {
        dt.datetime.combine(day, dt.time()) + dt.timedelta(minutes=_minute(c))
        for day in (first + dt.timedelta(days=n) for n in range(days + 1)) for c in clocks if DAYS[day.weekday()] in weekdays
    }  # fmt: skip
    # A time that a change leaves out is shown an hour, or half an hour, on.
    wanted = {t for t in written if naive <= t <= naive + dt.timedelta(days=days)}
    plain = {t for t in wanted if t.replace(tzinfo=tz).astimezone(dt.UTC).astimezone(tz).replace(tzinfo=None, fold=0) == t}
    assert plain <= shown and len(shown - plain) <= len(wanted - plain)


HEAD = """
schema = "lutetia-scenario/1"
title = "x"
zone = "Europe/Paris"
start = 2026-10-24T00:00:00
end = 2026-10-27T00:00:00
slot = "15 min"
{tables}
[[product]]
name = "tracer"
nuclide = "F-18"
yield = "50 %"
synthesis = "30 min"
qc = "30 min"
shelf_life = "8 h"
transport_index_per_GBq = 0.1
[[site]]
id = "the lab"
city = "Lyon"
cells = 1
products = ["tracer"]
[[machine]]
id = "m"
site = "the lab"
kind = "line"
nuclide = "F-18"
rate = "1 GBq/h"
lengths = ["1 h"]
"""
IDS = st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs"), exclude_characters=">|\\"), min_size=1, max_size=12).map(str.strip).filter(lambda s: s and s.isprintable()), min_size=1, max_size=4, unique=True)
PLACES = st.tuples(st.floats(-90, 90).map(lambda x: round(x, 4)), st.floats(-180, 180).map(lambda x: round(x, 4)), st.integers(1, 2000))


def _write(folder: Path, sites: list[dict], patients: list[dict], *, tables: bool) -> None:
    text = HEAD.format(tables='hospitals = "h.csv"\npatients = "p.csv"' if tables else "")
    for kind, name, rows in (("site", "h.csv", sites), ("patient", "p.csv", patients)):
        if tables:
            with (folder / name).open("w", newline="", encoding="utf-8") as f:
                out = csv.DictWriter(f, fieldnames=list(rows[0]))
                out.writeheader()
                out.writerows(rows)
        else:
            # JSON writes a character above U+FFFF as two halves, which TOML does not know.
            text += "".join(f"[[{kind}]]\n" + "".join(f"{k} = {json.dumps(v, ensure_ascii=False)}\n" for k, v in row.items()) for row in rows)
    (folder / "scenario.toml").write_text(text, "utf-8")


@given(st.data(), IDS)
def test_a_table_and_the_file_itself_make_one_scenario(data: st.DataObject, ids: list[str]) -> None:
    assume("the lab" not in ids)
    sites = [{"id": i, "latitude": a, "longitude": b, "chairs": n} for i, (a, b, n) in ((i, data.draw(PLACES)) for i in ids)]
    minutes = [sorted(data.draw(st.tuples(st.integers(0, 71 * 60), st.integers(0, 71 * 60)))) for _ in ids]
    day = dt.datetime(2026, 10, 24)
    patients = [
        {
            "id": i, "hospital": data.draw(st.sampled_from(ids)), "product": "tracer", "prescribed": f"{data.draw(st.integers(1, 10**6))} kBq", "earliest": (day + dt.timedelta(minutes=a)).isoformat(),
            "latest": (day + dt.timedelta(minutes=b)).isoformat(), "priority": data.draw(st.integers(1, 1000)),
        }
        for i, (a, b) in zip(ids, minutes)
    ]  # fmt: skip
    both = []
    for tables in (False, True):
        with tempfile.TemporaryDirectory() as folder:
            _write(Path(folder), sites, patients, tables=tables)
            both.append(load_scenario(folder))
    one, other = both
    assert one.scenario == other.scenario
    paris = ZoneInfo("Europe/Paris")
    for p, written in zip(one.scenario.patients, patients):
        back = (one.start + dt.timedelta(seconds=p.earliest_s)).astimezone(paris)
        assert back.replace(tzinfo=None).isoformat() == written["earliest"] and p.earliest_s == one.seconds(back, "x")


SCALARS = st.one_of(st.text(max_size=8), st.integers(-(10**6), 10**6), st.floats(), st.booleans(), st.lists(st.text(max_size=4), max_size=2), st.sampled_from(["1 h", "1e400 h", "-1 d", "5 %", "2026-11-02T00:00:00", "Mon-Fri", "00:00-24:00"]))
KEYS = ["title", "zone", "start", "end", "slot", "nuclide", "yield", "synthesis", "qc", "shelf_life", "transport_index_per_GBq", "id", "city", "cells", "products", "site", "kind", "rate", "lengths", "hospital", "product", "prescribed", "earliest", "latest", "chairs", "latitude"]


def _toml(value: object) -> str:
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value, ensure_ascii=False)


@given(st.sampled_from(KEYS), SCALARS)
def test_any_value_of_any_key_loads_or_is_refused_in_a_sentence(key: str, value: object) -> None:
    sites = [{"id": "h", "latitude": 1.0, "longitude": 2.0, "chairs": 1}]
    patients = [{"id": "p", "hospital": "h", "product": "tracer", "prescribed": "1 MBq", "earliest": "2026-10-25T00:00:00", "latest": "2026-10-26T00:00:00"}]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "scenario.toml"
        _write(Path(folder), sites, patients, tables=False)
        lines = path.read_text("utf-8").splitlines()
        hit = [n for n, line in enumerate(lines) if line.startswith(f"{key} = ")]
        lines[hit[-1]] = f"{key} = {_toml(value)}"
        path.write_text("\n".join(lines), "utf-8", newline="")
        try:
            assert load_scenario(path).scenario.patients
        except (BadInput, CouldNot) as error:
            said = str(error)
            assert said.endswith((".", "?")) and "\n" not in said
