"""`lutetia nation` as a user types it."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from lutetia.chain.nation_file import (
    AirPart,
    CandidatesPart,
    CityPart,
    DemandPart,
    FactorPart,
    LabPart,
    LocationPart,
    NationFile,
    OutputPart,
    PlacesPart,
    ProductPart,
    RoadPart,
    SourcePart,
    VariantPart,
    load_nation,
)
from lutetia.core import BadInput

from .test_commands import as_json, lutetia, refused

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "nation.md"
CHINA = ROOT / "examples" / "nation-china.toml"
SMALL = """schema = "lutetia-nation/1"
[[city]]
name = "Lyon"
population = 500000
beds = 2
[[city]]
name = "the lake"
latitude = 46.2
longitude = 6.1
patients = { DOTA = 40 }
[[product]]
name = "DOTA"
nuclide = "177Lu"
activity = "7.4 GBq"
cycles = 4
left = "80 %"
make = "1 d"
wait = "12 h"
shelf_life = "72 h"
doses_per_batch = 10
bed_stay = "2 d"
per_100000 = 2
[[source]]
name = "Grenoble"
latitude = 45.2
longitude = 5.7
nuclide = "Lu-177"
batch = "1 TBq"
batches_per_week = 2
[[lab]]
name = "the lab"
city = "Lyon"
batches_per_week = 1
[beds]
total = 3
occupancy = "50 %"
"""


def _refusal(tmp_path: Path, text: str) -> str:
    (tmp_path / "nation.toml").write_text(text)
    with pytest.raises(BadInput) as error:
        load_nation(tmp_path)
    return str(error.value)


@pytest.fixture(scope="module")
def china(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    out = tmp_path_factory.mktemp("nation") / "china"
    return as_json("nation", CHINA, "--out", out), out


def test_china_is_capped_by_the_isotope_until_an_eighth_of_the_beds(china: tuple[dict[str, Any], Path]) -> None:
    r, _ = china
    net = r["network"]
    binding = {b["resource"]: b for b in net["binding"]}
    # Beds alone: 1832 beds x 25 % x 365 d x 85 % in use, 3 days for each of 6 cycles.
    assert binding["beds"]["alone"] == pytest.approx(1832 * 0.25 * 365 * 0.85 / 18, rel=1e-6)
    assert binding["cells"]["alone"] == pytest.approx(4 * 5 * 50 * 30 / 6, rel=1e-6)
    # The isotope alone: at least four days of decay, so fewer than those of 370 TBq at 4 days and 75 %.
    assert 0.9 * 370e12 / 7.4e9 * 0.75 * 2 ** (-4 / 6.647) / 6 < binding["isotope"]["alone"] < 370e12 / 7.4e9 * 0.75 * 2 ** (-4 / 6.647) / 6
    assert net["limited_by"] == "isotope" and net["patients"] <= binding["isotope"]["alone"] < binding["beds"]["alone"]
    by_beds = {v["name"]: v["limited_by"] for v in net["variants"]}
    assert by_beds == {"5 % of the beds": "beds", "10 % of the beds": "beds", "half of the beds": "isotope", "three such reactors": "cells", "three such reactors and twice the cells": "beds"}
    assert 0.1 < 0.25 * binding["beds"]["turns_at"] < 0.15
    assert net["share_alike"]["least_share"] > 0.08 > net["share_alike"]["least_share_of_most"]
    assert [o["published_doses"] for o in r["outputs"]] == [None, 2000] and 0.5 < r["outputs"][1]["ratio_to_published"] < 2


def test_the_files_say_what_the_result_says(china: tuple[dict[str, Any], Path]) -> None:
    r, out = china
    assert {p.name for p in out.iterdir()} == {"result.json", *r["files"].values()} and json.loads((out / "result.json").read_text()) == r
    rows = list(csv.DictReader((out / "cities.csv").open()))
    assert sum(float(x["treated"]) for x in rows) == pytest.approx(r["network"]["patients"], rel=1e-6) and len(rows) == 120
    features = json.loads((out / "map.geojson").read_text())["features"]
    kinds = {f["properties"]["kind"] for f in features}
    assert kinds == {"city", "source", "lab", "way", "site", "place"}
    assert all(73 < x < 136 and 17 < y < 54 for f in features if f["geometry"]["type"] == "Point" for x, y in [f["geometry"]["coordinates"]])
    assert sum(f["properties"]["doses"] for f in features if f["properties"]["kind"] == "way") == pytest.approx(r["network"]["doses"], rel=1e-6)
    page = (out / "report.html").read_text()
    assert page.count("data:image/svg+xml") == 2 and "http" not in page.split("<body>")[1].replace("http-equiv", "") and "Hangzhou" in page


def test_three_more_cyclotrons_bring_people_nearer(china: tuple[dict[str, Any], Path]) -> None:
    x = china[0]["locations"][0]
    assert len(x["sites"]) == 3 and not set(x["sites"]) & {"Beijing", "Shanghai", "Guangzhou"}
    assert x["no_choice_above"] == pytest.approx(x["served"], rel=1e-6)
    served = [x["served"], *(c["served"] for c in x["runners_up"])]
    assert served == sorted(served, reverse=True) and len(served) == 4 and served[-1] > x["served_before"]
    assert all(a["share"] >= b["share"] for a, b in zip(x["access"]["within"], x["access_before"]["within"]))
    # An hour of handling alone leaves 2^(-60/109.77) of fluorine-18.
    assert x["served"] < 2 ** (-60 / 109.77)


def test_a_small_country_by_hand(tmp_path: Path) -> None:
    (tmp_path / "nation.toml").write_text(SMALL)
    r = as_json("nation", tmp_path, "--out", tmp_path / "out")
    net = r["network"]
    assert net["needing"] == pytest.approx(10 + 40)
    # One bed is left for the lake, and it has no inhabitants in the file: Lyon's own beds hold 2 x 365 x 50 % / (4 x 2 d) patients.
    assert [c["bed_days"] for c in net["cities"]] == pytest.approx([365.0, 0.0])
    assert net["patients"] == pytest.approx(10) and net["limited_by"] == "beds"
    assert net["sources"][0]["annual_Bq"] == pytest.approx(104e12) and "1 of the beds are in no city" in r["warnings"][0]
    # Without beds: 50 batches of 10 doses are 125 courses, all are treated.
    free = SMALL.replace('[beds]\ntotal = 3\noccupancy = "50 %"\n', "").replace("beds = 2\n", "")
    (tmp_path / "nation.toml").write_text(free)
    r = as_json("nation", tmp_path, "--out", tmp_path / "out")
    assert r["network"]["patients"] == pytest.approx(50) and r["network"]["limited_by"] == "demand"
    assert {b["resource"] for b in r["network"]["binding"]} == {"isotope", "cells", "demand"}
    # Nobody is reached within 13 hours when the dose waits for 12 and the lake is more than an hour away.
    (tmp_path / "nation.toml").write_text(free.replace('"72 h"', '"13.5 h"'))
    done = lutetia("nation", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 0 and "limited by reach" in done.stdout and "40 of 50 patients live where no lab reaches" in done.stderr


def test_flights_hold_the_doses_that_their_index_allows(tmp_path: Path) -> None:
    """3 a package and 50 in a passenger aircraft: 16 doses of 3; a package of 3.5 may not go."""
    air = SMALL.replace("per_100000 = 2\n", "per_100000 = 2\ntransport_index = 3\n") + "[air]\nflights_per_week = 1\n"
    (tmp_path / "nation.toml").write_text(air)
    assert as_json("nation", tmp_path, "--out", tmp_path / "out")["network"]["products"][0]["doses_per_flight"] == 16
    (tmp_path / "nation.toml").write_text(air.replace("transport_index = 3", "transport_index = 3.5"))
    assert "may not go by passenger-aircraft" in refused("nation", tmp_path, "--out", tmp_path / "other") and not (tmp_path / "other").exists()
    (tmp_path / "nation.toml").write_text(air.replace("transport_index = 3", "transport_index = 3.5") + 'aircraft = "cargo-aircraft"\n')
    assert as_json("nation", tmp_path, "--out", tmp_path / "out")["network"]["products"][0]["doses_per_flight"] == 57


def test_what_a_person_reads(tmp_path: Path) -> None:
    done = lutetia("nation", CHINA, "--out", tmp_path / "out")
    assert done.returncode == 0
    for said in ("one reactor", "limited by isotope", "chosen: new lab, Hangzhou", "turns at", "alike for all", "three cyclotrons for fluorine-18", "runner-up 3", "assumed: 25 % of the beds"):
        assert said in done.stdout, said
    assert "e+0" not in done.stdout and "\\n" not in done.stdout


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('left = "80 %"', "left = 0.8", "percentage"), ('name = "Lyon"\npopulation', 'name = "Lyonn"\npopulation', "Lyon"), ('nuclide = "177Lu"', 'nuclide = "Ac-225"', "no [[source]] makes Ac-225"),
        ("patients = { DOTA = 40 }", "patients = { PSMA = 40 }", "'PSMA'"), ('batch = "1 TBq"\n', "", "batches_per_week"), ("longitude = 6.1\n", "", "go together"),
        ('bed_stay = "2 d"\n', "", "bed_stay"), ("total = 3\n", "total = 1\n", "more than the total"), ('name = "the lab"\ncity = "Lyon"', 'name = "the lab"\ncity = "Lyon"\nmakes = ["gold"]', "'gold'"),
        ("cycles = 4", "cycles = 0", "cycles"), ("[beds]", "[demand]\ncountries = ['FR']\n[beds]", "give either demand.countries"), ("[beds]", "[chairs]\ntotal = 2\n[beds]", "hours_per_year"),
        ("[beds]", "[air]\nflights_per_week = 3\n[beds]", "transport_index"), ('schema = "lutetia-nation/1"', 'schema = "lutetia-nation/2"', "lutetia-nation/1"), ("[beds]", "[unknown]\na = 1\n[beds]", "unknown"),
        ("[beds]", '[[location]]\nname = "x"\nserve = "activity"\nwithin = "3 h"\nchoose = 1\n[beds]', "nuclide"),
        ("[beds]", '[[location]]\nname = "x"\nserve = "reach"\nwithin = "3 h"\nchoose = 1\nby = "air"\n[beds]', "no [air]"),
        ("[beds]", '[[location]]\nname = "x"\nserve = "reach"\nwithin = "3 h"\nchoose = 5\n[beds]', "5 sites"),
    ],
)  # fmt: skip
def test_bad_files_are_one_sentence(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in SMALL
    (tmp_path / "nation.toml").write_text(SMALL.replace(old, new, 1))
    sentence = refused("nation", tmp_path, "--out", tmp_path / "out")
    assert said in sentence and not (tmp_path / "out").exists()


def test_what_is_empty_or_half_is_refused(tmp_path: Path) -> None:
    assert "nothing to compute" in _refusal(tmp_path, 'schema = "lutetia-nation/1"\n')
    assert "needs at least one" in _refusal(tmp_path, 'schema = "lutetia-nation/1"\n[[source]]\nname="a"\nnuclide="I-131"\nannual="1 TBq"\n')
    output = 'schema = "lutetia-nation/1"\n[[output]]\nname="a"\nnuclide="I-131"\nannual="1 TBq"\ntime="1 d"\nactivity="1 GBq"\ncycles=1\n'
    assert "two ends" in _refusal(tmp_path, output.replace('"1 d"', '["1 d", "2 d", "3 d"]'))
    assert "[beds] belongs to a network" in _refusal(tmp_path, output + "[beds]\ntotal = 3\n")
    (tmp_path / "nation.toml").write_text(output.replace('"1 d"', '["3 d", "2 d"]'))
    assert "lower end first" in refused("nation", tmp_path, "--out", tmp_path / "out")


def test_a_site_across_the_date_line_and_one_that_reaches_nobody(tmp_path: Path) -> None:
    places = """schema = "lutetia-nation/1"
[air]
[[city]]
name = "Sydney"
[[city]]
name = "Los Angeles"
[[city]]
name = "Honolulu"
latitude = 21.3
longitude = -157.9
population = 0
[[location]]
name = "<b>one</b>"
serve = "hours"
within = "30 h"
choose = 1
by = "air"
[[location]]
name = "two"
serve = "reach"
within = "30 min"
choose = 1
by = "road"
runners_up = 0
"""
    (tmp_path / "nation.toml").write_text(places)
    r = as_json("nation", tmp_path, "--out", tmp_path / "out")
    first, second = r["locations"]
    assert 15 < first["access"]["worst"]["hours"] < 24 and len(first["runners_up"]) == 2
    assert any("no airport of the table lies within 200 km of Honolulu" in w for w in r["warnings"])
    at_home = next(c for c in first["cities"] if c["name"] == first["sites"][0])
    assert at_home["hours"] == pytest.approx(1.0)  # by road, for a city has no flight to itself: handling alone
    assert second["served"] == 0 and "two: no candidate reaches anybody within 0.5 h" in r["warnings"] and second["runners_up"] == []
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<b>one</b>" not in page and "&lt;b&gt;one" in page and r["network"] is None


def test_an_output_alone_needs_no_map(tmp_path: Path) -> None:
    (tmp_path / "nation.toml").write_text('schema = "lutetia-nation/1"\n[[output]]\nname="a"\nnuclide="I-131"\nannual="1 TBq"\ntime="0 h"\nactivity="1 GBq"\ncycles=2\n')
    r = as_json("nation", tmp_path, "--out", tmp_path / "out")
    assert r["outputs"][0]["doses"] == pytest.approx(1000) and r["outputs"][0]["patients"] == pytest.approx(500)
    assert r["network"] is None and r["files"] == {"report": "report.html"} and not r["provenance"]["tables"]


def _keys(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {k for v in value.values() for k in _keys(v)}
    return {k for v in value for k in _keys(v)} if isinstance(value, list) else set()


def test_the_page_names_every_key_of_file_and_result_and_its_figures(china: tuple[dict[str, Any], Path]) -> None:
    text = PAGE.read_text("utf-8")
    models = (NationFile, OutputPart, FactorPart, DemandPart, CityPart, PlacesPart, ProductPart, SourcePart, LabPart, CandidatesPart, RoadPart, AirPart, LocationPart, VariantPart)
    keys = {k for m in models for k in m.model_fields} - {"sha256"}
    assert len(keys) > 60 and not sorted(k for k in keys if f"`{k}`" not in text and f"`[{k}]`" not in text and f"`[[{k}]]`" not in text)
    r = china[0]
    results = _keys(r) - {"isotope", "cells", "flights", "beds", "chairs", "demand"}
    missing = sorted(k for k in results if f"`{k}`" not in text and not re.search(rf"`network\.{k}`", text))
    assert not missing
    rows = {cells[0]: cells[1:] for line in text.splitlines() if line.startswith("| ") for cells in [[c.strip() for c in line.strip("|").split("|")]] if len(cells) == 4}
    for b in r["network"]["binding"]:
        if b["resource"] in rows:
            assert [float(x) for x in rows[b["resource"]]] == pytest.approx([b["alone"], b["ten_percent"], b["turns_at"]], rel=0.02)
    assert {"isotope", "cells", "beds"} <= set(rows)
    assert "3940 patients of 42 300" in text and round(r["network"]["patients"], -1) == 3940
    assert "2980 (5 to 95 %: 1840 to 4750)" in text and r["outputs"][1]["doses"] == pytest.approx(2980, rel=0.005) and r["outputs"][1]["doses_5_95"] == pytest.approx([1840, 4750], rel=0.01)
    assert "costs 1.4 % of the patients" in text and 1 - r["network"]["share_alike"]["patients"] / r["network"]["patients"] == pytest.approx(0.014, abs=0.0005)
