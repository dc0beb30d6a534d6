"""`lutetia batch` as a user types it."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from lutetia.chain.batch import run_batch
from lutetia.chain.batch_file import (
    BatchFile,
    DosePart,
    LicencePart,
    LimitsPart,
    LotPart,
    ProcessPart,
    ProductPart,
    ResourcePart,
    StartPart,
    TestPart,
    load_batch,
)
from lutetia.core import BadInput, to_json

from .test_commands import as_json, lutetia, refused

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "manufacture.md"
LUTETIUM = (ROOT / "examples" / "batch-177lu.toml").read_text("utf-8")
IDEAL = """schema = "lutetia-batch/1"
nuclide = "Lu-177"
[start]
activity = "ACTIVITY"
time = "2026-03-02T12:00:00+00:00"
[process]
chemical_yield = "100 %"
synthesis = "0 s"
quality_control = "1 h"
shelf_life = "120 h"
[product]
concentration = "1000 MBq/mL"
calibration = "2026-03-02T12:00:00Z"
[limits]
dose_volume_min = "7.5 mL"
dose_volume_max = "12.6 mL"
[[dose]]
name = "late"
activity = "7.4 GBq"
time = "2026-03-07T12:00:00Z"
tolerance = "1 %"
"""


def _run(tmp_path: Path, text: str) -> dict[str, Any]:
    (tmp_path / "b.toml").write_text(text)
    return json.loads(to_json(run_batch(tmp_path / "b.toml")))


def _by(result: dict[str, Any]) -> dict[str, Any]:
    return {c["name"]: c["passed"] for c in result["checks"]}


def test_pluvicto_from_the_command_line(tmp_path: Path) -> None:
    """12.5 mL of 1000 MBq/mL at calibration are 7.4 GBq at 120 h, and no later."""
    (tmp_path / "batch.toml").write_text(IDEAL.replace("ACTIVITY", "12.5 GBq"))
    r = as_json("batch", tmp_path)
    dose = r["doses"][0]
    assert dose["activity_Bq"] == pytest.approx(7.4e9, rel=0.01) and dose["volume_mL"] == pytest.approx(12.5, rel=0.01)
    assert r["first_failing"] is None and r["expiry"]["binding"] == "shelf life" and r["expiry"]["time"] == "2026-03-07T12:00:00+00:00"
    short = _run(tmp_path, IDEAL.replace("ACTIVITY", "12 GBq"))
    assert short["first_failing"] == "activity, late" and short["doses"][0]["share"] < 0.98


def test_the_start_that_doses_need_fills_them(tmp_path: Path) -> None:
    asked = _run(tmp_path, LUTETIUM)
    assert asked["start"]["given"] is False and asked["first_failing"] is None
    given = _run(tmp_path, LUTETIUM.replace("[start]", f'[start]\nactivity = "{asked["start"]["activity_Bq"] * (1 + 1e-9)} Bq"'))
    assert given["start"]["given"] is True
    for a, b in zip(asked["doses"], given["doses"]):
        assert a["volume_mL"] == pytest.approx(b["volume_mL"], rel=1e-6) and b["share"] == pytest.approx(1)
    # By hand: 7.4 GBq at 27, 51 and 75 h after the start, a yield of 98 %, 2 % of residue and 1 % of samples.
    need = sum(7.4e9 * 2 ** (h / (6.647 * 24)) for h in (27, 51, 75)) / (0.98 * 0.98 * 0.99)
    assert asked["start"]["activity_Bq"] == pytest.approx(need, rel=1e-4)


def test_the_ledger_closes_and_the_vial_matches(tmp_path: Path) -> None:
    r = _run(tmp_path, LUTETIUM)
    assert sum(r["ledger_Bq"].values()) == pytest.approx(r["start"]["activity_Bq"], rel=1e-9)
    v = r["vial"]
    assert v["hot_nmol"] + v["decayed_nmol"] + v["cold_nmol"] == pytest.approx(250 * 0.98 * 0.99, rel=1e-9)
    assert v["activity_Bq"]["Lu-177"] == pytest.approx(r["release"]["activity_Bq"], rel=1e-9) and v["purity"] == pytest.approx(0.99)
    assert v["volume_mL"] == pytest.approx(sum(d["volume_mL"] for d in r["doses"]), rel=1e-6)


def test_times_keep_their_zone_and_tests_their_place(tmp_path: Path) -> None:
    r = _run(tmp_path, LUTETIUM)
    assert all(t["begin"].endswith("+01:00") for t in r["timeline"])
    assert [t["name"] for t in r["timeline"] if not t["before_release"]] == ["sterility"]
    assert r["release"]["time"] == "2026-03-02T08:45:00+01:00"
    other_zone = _run(tmp_path, LUTETIUM.replace("2026-03-03T10:00:00+01:00", "2026-03-03T17:00:00+08:00"))
    assert other_zone["doses"][0]["volume_mL"] == pytest.approx(r["doses"][0]["volume_mL"])


def test_actinium_waits_for_its_daughters(tmp_path: Path) -> None:
    r = as_json("batch", ROOT / "examples" / "batch-225ac.toml")
    fr, bi = r["readings"]
    assert fr["valid_after_s"] / 60 == pytest.approx(21, abs=1) and bi["valid_after_s"] / 3600 == pytest.approx(3.4, abs=0.05)
    assert bi["bias"] == pytest.approx(-0.05, abs=1e-4)
    at = {t["name"]: t for t in r["timeline"]}
    assert at["purity, 440 keV"]["begin_s"] == pytest.approx(40 * 60 + bi["valid_after_s"])
    strip = {x["after_s"] / 3600: x["error"] for x in bi["strip"]}
    assert strip[0.5] < -0.6 and -0.03 < strip[4.0] < -0.02 and abs(strip[6.0]) < 0.01
    before = _run(tmp_path, (ROOT / "examples" / "batch-225ac.toml").read_text().replace("before_release = false", 'before_release = true\nsince = "strip"'))
    assert datetime.fromisoformat(before["release"]["time"]) > datetime.fromisoformat("2026-03-02T11:00:00+01:00")
    assert before["first_failing"] == "after release, patient"


def test_calendars_licence_and_limits_stop_a_batch(tmp_path: Path) -> None:
    closed = _run(tmp_path, LUTETIUM.replace('mon = "06:00-18:00"', 'mon = "07:30-18:00"'))
    assert closed["first_failing"] == "calendar, synthesis: hot cell" and closed["start"]["earliest_time"] == "2026-03-02T07:30:00+01:00"
    holiday = _run(tmp_path, LUTETIUM.replace('zone = "Europe/Berlin"', 'zone = "Europe/Berlin"\nholidays = [2026-03-02]'))
    assert holiday["start"]["earliest_time"] == "2026-03-03T06:00:00+01:00"
    pairs = LUTETIUM.replace('week = { mon = "06:00-18:00", tue = "06:00-18:00", wed = "06:00-18:00" }\nzone = "Europe/Berlin"', 'open = [["2026-03-02T06:00:00Z", "2026-03-02T08:00:00Z"]]')
    assert pairs != LUTETIUM and _run(tmp_path, pairs)["start"]["earliest_time"] == "2026-03-02T07:00:00+01:00"
    licence = _run(tmp_path, LUTETIUM.replace('limit = "200 GBq"', 'limit = "60 GBq"'))
    assert licence["first_failing"] == "licence" and licence["licence"]["violation"]["begins"] == "2026-02-23T08:00:00+01:00"
    # 100 GBq of a week ago are 48 GBq, and with the batch above 60 GBq all the way until doses leave.
    assert licence["licence"]["at_start_Bq"] == pytest.approx(100e9 * 2 ** (-(7 * 24 - 1) / (6.647 * 24)) + licence["start"]["activity_Bq"], rel=1e-3)
    narrow = _run(tmp_path, LUTETIUM.replace('dose_volume_max = "12.5 mL"', 'dose_volume_max = "9 mL"'))
    assert narrow["first_failing"] == "volume, patient 2" and _by(narrow)["volume, patient 1"] is True
    dirty = _run(tmp_path, LUTETIUM.replace('impurity_max = "0.07 %"', 'impurity_max = "0.012 %"'))
    assert dirty["first_failing"] == "impurity, patient 2"


def test_radiolysis_ends_the_shelf_life_if_its_constant_is_known(tmp_path: Path) -> None:
    assert _by(_run(tmp_path, LUTETIUM))["purity at release"] is None
    known = _run(tmp_path, LUTETIUM.replace('purity = "99 %"', 'purity = "99 %"\nloss_per_dose = "6e-6 /Gy"'))
    assert known["expiry"]["binding"] == "purity" and known["release"]["purity"] < 0.99 and known["first_failing"] is None
    assert [d["purity"] for d in known["doses"]] == sorted((d["purity"] for d in known["doses"]), reverse=True)


def test_success_is_reported_only_with_its_source(tmp_path: Path) -> None:
    assert _run(tmp_path, LUTETIUM)["probability"]["success"] is None
    own = _run(tmp_path, LUTETIUM.replace('name = "177Lu-PSMA-617"', 'name = "177Lu-PSMA-617"\nbatches = 50\nfailures = 1'))
    assert own["probability"]["success"] == 0.98 and own["probability"]["success_95"] == [pytest.approx(0.8935, abs=2e-3), pytest.approx(0.9995, abs=2e-4)]


def test_what_a_person_reads(tmp_path: Path) -> None:
    text = lutetia("batch", ROOT / "examples" / "batch-177lu.toml").stdout
    assert all(s in text for s in ("needs 29.25 GBq", "patient 3", "not known: purity at release", "expires 2026-03-07T07:40:00+01:00 by shelf life", "probability of success: not known"))
    assert "is valid within 5.0% from 3.419 h" in lutetia("batch", ROOT / "examples" / "batch-225ac.toml").stdout


@pytest.mark.parametrize(("old", "new", "says"), [
    ('time = "2026-03-02T07:00:00+01:00"', 'time = "2026-03-02T07:00:00"', "has no zone"),
    ('name = "177Lu-PSMA-617"', 'name = "177Lu-PSMA"', "there is no process"),
    ('name = "177Lu-PSMA-617"', 'name = "18F-rhPSMA-7"', "of F-18"),
    ('name = "177Lu-PSMA-617"', 'chemical_yield = "90 %"', "at least chemical_yield, synthesis and shelf_life"),
    ('ligand = "250 nmol"', 'ligand = "10 nmol"', "give more ligand or less activity"),
    ('ligand = "250 nmol"', 'ligand = "250 MBq"', "product.ligand"),
    ('purity = "99 %"', 'purity = "101 %"', "at most 100 %"),
    ('purity = "99 %"', 'purety = "99 %"', "Did you mean purity"),
    ('concentration = "1000 MBq/mL"', 'volume = "20 mL"', "calibration"),
    ('duration = "14 d"', 'duration = "14"', "without a unit"),
    ('zone = "Europe/Berlin"', 'zone = "Europe/Berlin"\nopen = [["2026-03-02T07:00:00Z", "2026-03-02T09:00:00Z"]]', "either open"),
    ('zone = "Europe/Berlin"', 'zone = "Europe/Bonn"', "time zone"),
    ('name = "patient 2"', 'name = "patient 1"', "given twice"),
    ('sample = "0.5 %"\ninstrument', 'sample = "0.5 %"\nreads = "Bi-213"\ninstrument', "no such progeny"),
    ('calibration = "2026-03-02T12:00:00+01:00"', 'calibration = "2126-03-02T12:00:00+01:00"', "half-lives of Lu-177"),
    ('arrives = "2026-02-23T08:00:00+01:00"', 'arrives = "0026-02-23T08:00:00+01:00"', "far off"),
    ('week = { mon', 'week = { monday', "resource.1.week"),
    ('activity = "7.4 GBq"\ntime = "2026-03-03T10:00:00+01:00"', 'activity = "7.4 GBq"', "dose.1.time is missing"),
])  # fmt: skip
def test_one_sentence_for_each_mistake(tmp_path: Path, old: str, new: str, says: str) -> None:
    assert old in LUTETIUM
    (tmp_path / "b.toml").write_text(LUTETIUM.replace(old, new, 1))
    with pytest.raises(BadInput) as error:
        run_batch(tmp_path / "b.toml")
    assert says in str(error.value) and str(error.value).endswith((".", "?"))


def test_nothing_to_make_is_refused(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(re.sub(r"\[\[dose\]\].*?(?=\[\[resource)", "", LUTETIUM, flags=re.DOTALL))
    assert "start.activity, or [[dose]]" in refused("batch", tmp_path / "b.toml")


def _keys(value: Any, inside: str = "") -> set[str]:
    """Keys on every level; names of nuclides, and of the entries of ledger and expiry, are none of the result's own."""
    if isinstance(value, dict):
        own = {k for k in value if not re.fullmatch(r"[A-Z][a-z]?-\d+m?", k)}
        return own | {k for key, v in value.items() for k in _keys(v, key)}
    return {k for v in value for k in _keys(v)} if isinstance(value, list) else set()


def test_the_page_names_every_key_of_file_and_result(tmp_path: Path) -> None:
    text = PAGE.read_text("utf-8")
    models = (BatchFile, StartPart, ProcessPart, ProductPart, LimitsPart, TestPart, DosePart, ResourcePart, LicencePart, LotPart)
    keys = {k for m in models for k in m.model_fields} - {"sha256"}
    assert len(keys) > 45
    assert not sorted(k for k in keys if f"`{k}`" not in text and f"[{k}]" not in text and f".{k}]" not in text)
    results = [_run(tmp_path, LUTETIUM.replace('limit = "200 GBq"', 'limit = "60 GBq"')), as_json("batch", ROOT / "examples" / "batch-225ac.toml")]
    found = {k for r in results for k in _keys(r)}
    assert len(found) > 70 and not sorted(k for k in found if f"`{k}`" not in text)


def test_the_numbers_of_the_page_are_those_of_the_program(tmp_path: Path) -> None:
    pytest.importorskip("ortools")
    import numpy as np

    from lutetia.supply.manufacture import earliest_reading_s, shown_fraction

    text = PAGE.read_text("utf-8")
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in text.splitlines() if re.match(r"\| \d+(\.\d)? % \|", line)]
    assert len(rows) == 4
    for tolerance, fr, bi in rows:
        share = float(tolerance.split()[0]) / 100
        assert earliest_reading_s("Ac-225", "Fr-221", share) / 60 == pytest.approx(float(fr), abs=0.6)
        assert earliest_reading_s("Ac-225", "Bi-213", share) / 3600 == pytest.approx(float(bi), abs=0.06)
    assert "3.5 % short" in text and np.isclose(1 - shown_fraction("Ac-225", "Bi-213", 5 * 45.6 * 60), 0.035, atol=5e-4)
    code = re.search(r"^```python\n(from lutetia.supply.*?)^```", text, re.DOTALL | re.MULTILINE)
    assert code is not None and "# 6120.0" in code[1]
    names: dict[str, Any] = {}
    exec(code[1], names)
    assert names["plan"].status == "optimal" and max(a.end_s for a in names["plan"].assignments) == 6120.0
    for n, block in enumerate(re.findall(r"^```toml\n(schema.*?)^```", text, re.DOTALL | re.MULTILINE)):
        (tmp_path / f"{n}.toml").write_text(block)
        assert load_batch(tmp_path / f"{n}.toml").nuclide == "F-18"
        assert as_json("batch", tmp_path / f"{n}.toml")["first_failing"] is None
