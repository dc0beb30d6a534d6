"""`lutetia generator` as a user types it, and the page beside it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lutetia.chain.schedule_file import Rule, ScheduleFile, load_schedule
from lutetia.supply.production.generators import (
    generator,
    generators,
    milking_Bq_per_year,
)

from .test_commands import as_json, lutetia, refused
from .test_docs import _keys

PAGE = Path(__file__).resolve().parents[2] / "docs" / "generators.md"
HEAD = 'schema = "lutetia-schedule/1"\ncalibration = 2025-03-03T08:00:00+01:00\nlast_elution = 2025-03-02T07:00:00+01:00\n'


def _file(folder: Path, text: str) -> Path:
    (folder / "s.toml").write_text(HEAD + text)
    return folder / "s.toml"


def test_technetium_and_its_hour(tmp_path: Path) -> None:
    plan = _file(tmp_path, 'elutions = [2025-03-03T07:00:00+01:00, 2025-03-04T07:00:00+01:00]\nbreakthrough = "0.03 uCi/mCi"\n')
    g = as_json("generator", "99Mo/99mTc", "--activity", "40 GBq", "--schedule", plan)
    first, second = g["elutions"]
    # The ratio doubles every 6.61 h; a factor of five is 2.32 doublings.
    assert first["expiry_h"] == pytest.approx(2.3219 * 6.61, rel=0.005) == second["expiry_h"]
    assert second["parent_Bq"] == pytest.approx(40e9 * 2 ** (-23 / 65.94), rel=1e-4)
    assert first["time"] == "2025-03-03T07:00:00+01:00" and first["since_last_h"] == 24 and first["parent_in_eluate_Bq"] == pytest.approx(3e-5 * first["eluted_Bq"])
    assert g["sum_eluted_Bq"] == pytest.approx(first["eluted_Bq"] + second["eluted_Bq"]) and g["warnings"] == []
    text = PAGE.read_text("utf-8")
    assert not sorted(k for k in _keys(g) if f"`{k}`" not in text)


def test_without_a_measured_breakthrough_the_hour_is_unknown(tmp_path: Path) -> None:
    g = as_json("generator", "Mo-99/Tc-99m", "--activity", "40 GBq", "--schedule", _file(tmp_path, "elutions = [2025-03-03T09:00:00+01:00]\n"))
    assert g["elutions"][0]["expiry_h"] is None and any("expiry" in w for w in g["warnings"])


def test_use_beyond_the_shelf_life_is_warned_of(tmp_path: Path) -> None:
    plan = _file(tmp_path, 'until = 2026-04-03T18:00:00+01:00\n[rule]\nfirst = 2025-03-03T14:00:00+01:00\nevery = "24 h"\ndays = ["Mon", "Tue", "Wed", "Thu", "Fri"]\n')
    done = lutetia("generator", "Ge-68/Ga-68", "--activity", "1.85 GBq", "--schedule", plan)
    assert done.returncode == 0 and "shelf life exceeded" in done.stderr and "number of elutions exceeded from elution 251" in done.stderr
    assert "sum of" in done.stdout


def test_radium_is_kept_if_asked(tmp_path: Path) -> None:
    times = 'until = 2026-03-01T00:00:00Z\n[rule]\nfirst = 2025-03-31T08:00:00+01:00\nevery = "28 d"\n'
    taken, kept = (as_json("generator", "229Th/225Ac", "--activity", "5.55 GBq", "--schedule", _file(tmp_path, keep + times)) for keep in ("", 'keep = ["225Ra"]\n'))
    assert taken["elutions"][0]["others_Bq"]["Ra-225"] > 0 and kept["elutions"][0]["others_Bq"] == {}
    assert kept["sum_eluted_Bq"] > 1.7 * taken["sum_eluted_Bq"] and any("derived" in w for w in taken["warnings"])


def test_refused(tmp_path: Path) -> None:
    plan = _file(tmp_path, "elutions = [2025-03-03T09:00:00+01:00]\n")
    assert "Ge-68/Ga-68" in refused("generator", "Ge-68/Ga-67", "--activity", "1 GBq", "--schedule", plan)
    assert "measured" in refused("generator", "Ra-224/Pb-212", "--activity", "1 GBq", "--schedule", plan)
    assert "--activity" in refused("generator", "Ge-68/Ga-68", "--activity", "1.85", "--schedule", plan)
    assert "schedule.toml" in refused("generator", "Ge-68/Ga-68", "--activity", "1 GBq", "--schedule", tmp_path / "no.toml")
    assert "zone" in refused("generator", "Ge-68/Ga-68", "--activity", "1 GBq", "--schedule", _file(tmp_path, "elutions = [2025-03-03T09:00:00]\n"))


def test_the_page_names_every_generator_and_key_and_its_schedule_loads(tmp_path: Path) -> None:
    text = PAGE.read_text("utf-8")
    keys = {k for m in (ScheduleFile, Rule) for k in m.model_fields} - {"sha256"}
    assert not sorted(k for k in keys if f"`{k}`" not in text and f"[{k}]" not in text)
    block = re.search(r"^```toml\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert block
    (tmp_path / "page.toml").write_text(block[1])
    assert len(load_schedule(tmp_path / "page.toml").at) == 10
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    held = {r[0].strip("`"): r for r in rows if len(r) == 5 and "/" in r[0]}
    assert set(held) == set(generators())
    for name, (_, share, _, _, verified) in held.items():
        g = generator(name)
        assert verified == g.verified and (share.startswith("unknown") if g.efficiency is None else float(re.match(r"[\d.]+", share)[0]) == g.efficiency)
    milked = [r for r in rows if len(r) == 4 and r[0].isdigit()]
    assert len(milked) == 6
    for days, taken, elsewhere, kept in milked:
        both = (milking_Bq_per_year(5.55e9, float(days) * 86400, keep_radium=x) / 3.7e7 for x in (False, True))
        assert [f"{x:.0f}" for x in both] == [taken, kept] and float(taken) == pytest.approx(float(elsewhere), rel=0.01)
