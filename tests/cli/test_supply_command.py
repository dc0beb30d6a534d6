"""`supply` as a user types it: a small day from file to papers, and what is said when it cannot be."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("highspy", reason="needs the extra 'supply'")
pytest.importorskip("ortools", reason="needs the extra 'supply'")
pytest.importorskip("pyvrp", reason="needs the extra 'supply'")

from tests.supply_samples import SMALL_DAY

#: Money, chairs that are taken for an hour, and a third patient whom nothing reaches.
SMALL = SMALL_DAY.replace('shield =', 'batch_cost = 500\noccupancy = "1 h"\nhandling = "10 min"\nshield =') + """
[[patient]]
id = "three"
hospital = "far"
product = "tracer"
prescribed = "250 MBq"
earliest = 2026-11-02T08:00:00
latest = 2026-11-02T08:00:00
"""


def _lutetia(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "lutetia", *arguments], capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("small")
    (folder / "scenario.toml").write_text(SMALL)
    done = _lutetia("supply", str(folder), "--out", str(folder / "out"), "--time-limit", "20 s", "--json")
    assert done.returncode == 0, done.stderr
    return folder, json.loads(done.stdout)


def test_the_plan_serves_whom_it_can_and_names_the_other(planned: tuple[Path, dict]) -> None:
    folder, r = planned
    assert r["served"] == 2 and {d["patient"] for d in r["plan"]} == {"one", "two"}
    (missed,) = r["unserved"]
    # The first lot ends at 05:30; an hour to release, two on the way and ten minutes make 08:40, 40 min after the window.
    assert missed["patient"] == "three" and missed["nearest_miss_s"] == pytest.approx(40 * 60, abs=1)
    assert "40 min after the window closes" in missed["reason"]
    assert r["gap"] == pytest.approx(0, abs=1e-9) and r["ledger"]["closure"] < 1e-9
    two = next(d for d in r["plan"] if d["patient"] == "two")
    assert two["prescribed_Bq"] == pytest.approx(280e6) and two["injection"].endswith("+01:00")
    assert json.loads((folder / "out" / "result.json").read_text()) == r


def test_every_file_is_there_and_agrees(planned: tuple[Path, dict]) -> None:
    folder, r = planned
    out = folder / "out"
    assert {p.name for p in out.iterdir()} == {"result.json", *r["files"].values()}
    rows = list(csv.DictReader((out / "plan.csv").open()))
    assert [x["patient"] for x in rows] == [d["patient"] for d in r["plan"]]
    waybills = list(csv.DictReader((out / "waybills.csv").open()))
    assert len(waybills) == 2 and {w["un_number"] for w in waybills} <= {"UN2915", "UN2910"} and all(float(w["transport_index"]) <= 10 for w in waybills)
    book = list(csv.DictReader((out / "ledger.csv").open()))
    made = sum(float(x["activity_Bq"]) for x in book if x["category"] == "made")
    assert made == pytest.approx(sum(float(x["activity_Bq"]) for x in book if x["category"] != "made"), rel=1e-9)
    page = (out / "report.html").read_text()
    assert "A small day" in page and "http://" not in re.sub(r"http://www\.w3\.org", "", page) and "<script" not in page


def test_the_calendar_is_read_by_a_calendar(planned: tuple[Path, dict]) -> None:
    folder, r = planned
    raw = (folder / "out" / "schedule.ics").read_bytes()
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    text = raw.decode().replace("\r\n ", "")
    events = text.split("BEGIN:VEVENT")[1:]
    assert len(events) == len(r["lots"]) + len(r["batches"]) + len(r["deliveries"]) + len(r["tours"]) + len(r["shipments"]) + r["served"]
    one = next(e for e in events if "SUMMARY:Injection one" in e)
    start = next(d["injection"] for d in r["plan"] if d["patient"] == "one")
    hour = int(start[11:13]) - 1  # winter time in Paris is one hour ahead of UTC
    assert f"DTSTART:20261102T{hour:02d}" in one


def test_a_disturbance_makes_the_plan_anew(planned: tuple[Path, dict], tmp_path: Path) -> None:
    folder, r = planned
    lot = r["lots"][0]["lot"]
    (tmp_path / "d.toml").write_text(
        f'schema = "lutetia-disturbance/1"\nnow = 2026-11-02T04:30:00\n[[disturbance]]\nkind = "lot-failed"\nid = "{lot}"\n'
    )
    done = _lutetia("supply", str(folder), "--out", str(tmp_path / "new"), "--previous", str(folder / "out"), "--disturbance", str(tmp_path / "d.toml"), "--time-limit", "20 s", "--json")
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)["replan"]
    assert again["served_before"] == 2 and again["served_if_nothing_is_done"] < 2
    assert again["served"] >= again["served_if_nothing_is_done"] and set(again["rescued"]) <= {"one", "two", "three"}
    wrong = _lutetia("supply", str(folder), "--out", str(tmp_path / "x"), "--previous", str(folder / "out"))
    assert wrong.returncode == 2 and "--disturbance" in wrong.stderr


def test_a_person_is_told_in_words(planned: tuple[Path, dict], tmp_path: Path) -> None:
    folder, _ = planned
    done = _lutetia("supply", str(folder), "--out", str(tmp_path / "out"), "--time-limit", "20 s")
    assert done.returncode == 0 and "patients served" in done.stdout and "Report:" in done.stdout
    assert "HiGHS" not in done.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('zone = "Europe/Paris"\n', ""), "zone"),
        (('hospital = "near"', 'hospital = "neer"'), "near"),
        (("earliest = 2026-11-02T09:00:00", "earliest = 2026-11-01T09:00:00"), "past"),
        (('exit = "3 MeV"', 'exit = "20 MeV"'), "exit"),
        (('prescribed = "250 MBq"', 'prescribed = "250"'), "unit"),
        (('duration = "2 h"', "duration = 2"), "unit"),
    ],
)
def test_bad_input_is_one_sentence(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    (tmp_path / "scenario.toml").write_text(SMALL.replace(*change, 1))
    done = _lutetia("supply", str(tmp_path), "--out", str(tmp_path / "out"))
    assert done.returncode == 2 and len(done.stderr.strip().splitlines()) == 1 and said in done.stderr.lower()
    assert not (tmp_path / "out").exists()


def test_demands_that_cannot_stand_together_are_named(tmp_path: Path) -> None:
    text = SMALL.replace('id = "two"\n', 'id = "two"\nmust = true\n').replace('id = "three"\n', 'id = "three"\nmust = true\n')
    text = text.replace("earliest = 2026-11-02T08:00:00\nlatest = 2026-11-02T08:00:00", "earliest = 2026-11-02T10:30:00\nlatest = 2026-11-02T10:30:00").replace("latest = 2026-11-02T11:00:00", "latest = 2026-11-02T10:00:00")
    (tmp_path / "scenario.toml").write_text(text)
    done = _lutetia("supply", str(tmp_path), "--out", str(tmp_path / "out"))
    assert done.returncode == 2 and "two" in done.stderr and "three" in done.stderr and "smallest" in done.stderr


def test_the_supply_page_names_every_key_of_a_result(planned: tuple[Path, dict]) -> None:
    _, r = planned
    page = (Path(__file__).parents[2] / "docs" / "supply.md").read_text("utf-8")

    def keys(value: object) -> set[str]:
        if isinstance(value, dict):
            return set(value) | {k for v in value.values() for k in keys(v)}
        return {k for v in value for k in keys(v)} if isinstance(value, list) else set()

    own = {k for k in keys({k: v for k, v in r.items() if k not in ("files", "provenance")}) if k != "F-18"} | set(r["provenance"])
    assert len(own) > 60 and not sorted(k for k in own if f"`{k}`" not in page)


def test_a_second_is_enough_for_a_plan_with_an_honest_bound(tmp_path: Path) -> None:
    done = _lutetia("supply", str(Path(__file__).parents[2] / "examples" / "supply-city"), "--out", str(tmp_path / "out"), "--time-limit", "1 s", "--json")
    assert done.returncode == 0, done.stderr
    r = json.loads(done.stdout)
    assert 0 <= r["gap_served"] <= 1 and 0 <= r["gap_cost"] <= 1 and 0 <= r["bounds"]["cost"] <= r["cost"]["total"]
