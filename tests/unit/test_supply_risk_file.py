"""`supply-risk` from a scenario's folder to its files, with a risk file beside it and without."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

for name in ("highspy", "ortools", "pyvrp"):
    pytest.importorskip(name, reason="needs the extra 'supply'")

from lutetia.chain.supply_risk import run_supply_risk  # noqa: E402
from lutetia.cli.app import app  # noqa: E402
from lutetia.core import BadInput  # noqa: E402
from lutetia.report.supply_risk import as_text, write_supply_risk_report  # noqa: E402

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "supply-actinium"
RISKS = """
schema = "lutetia-risk/1"
traffic = 0.2
tolerance = 0.05

[[outage]]
of = "226Ra-target"
every = "60 d"
mean = "2 d"

[[late_release]]
product = "225Ac-PSMA"
probability = 0.2
mean = "2 h"

[[spare]]
kind = "margin"
at = "225Ac-PSMA"
amount = 0.2

[[spare]]
kind = "source"
at = "226Ra-target"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(EXAMPLE, tmp_path / "scenario"))


def test_a_folder_gives_its_files(folder: Path, tmp_path: Path) -> None:
    said: list[float] = []
    r = run_supply_risk(folder, tmp_path / "out", runs=300, time_limit_s=20, progress=said.append, report=write_supply_risk_report)
    assert json.loads((tmp_path / "out" / "result.json").read_text()) == json.loads(json.dumps(r))
    assert {p.name for p in (tmp_path / "out").iterdir()} == {"result.json", "report.html", "patients.csv", "spares.csv"}
    assert said == sorted(said) and said[-1] == 1.0
    rows = list(csv.DictReader((tmp_path / "out" / "patients.csv").open()))
    assert len(rows) == r["planned"] and sum(1 - float(x["treated"]) for x in rows) == pytest.approx(r["lost"]["mean"])
    assert sum(r["counts"]) == 300 and r["not_treated"]["mean"] == pytest.approx(r["demanded"] - r["planned"] + r["lost"]["mean"])
    # The file gives one lot in ten as failing, on which all depend; nothing can lose less than the share of its lots.
    assert r["causes"][0]["cause"] == "lot" and abs(r["causes"][0]["mean"] - 0.1 * r["planned"]) < 4 * r["causes"][0]["standard_error"]
    sources = {x["what"]: x["source"] for x in r["probabilities"]}
    assert sources["lots of 226Ra-target"] == "scenario" and sources["batches of 225Ac-PSMA"].startswith("process 225Ac-PSMA-I&T")
    assert any("outages" in n for n in r["notes"]) and r["provenance"]["risk_sha256"] is None
    page = (tmp_path / "out" / "report.html").read_text()
    assert "http" not in page.replace("http://www.w3.org", "").split("<body>")[1].split("Probabilities")[0] and r["title"] in page
    spare = list(csv.DictReader((tmp_path / "out" / "spares.csv").open()))
    assert [float(x["gained_per_1000"]) for x in spare] == sorted((x["gained_per_1000"] for x in r["spares"]), reverse=True)
    assert f"{r['planned']} of {r['demanded']}" in as_text(r)


def test_a_risk_file_beside_the_scenario_counts(folder: Path, tmp_path: Path) -> None:
    (folder / "risk.toml").write_text(RISKS)
    r = run_supply_risk(folder / "scenario.toml", tmp_path / "out", runs=300, time_limit_s=20)
    assert {(x["kind"], x["amount"]) for x in r["spares"]} == {("margin", 0.2), ("source", 0.0)}
    assert next(x["mean"] for x in r["causes"] if x["cause"] == "outage") > 0
    assert not any("outages of 226Ra-target" in n or "late release" in n for n in r["notes"])
    assert r["provenance"]["risk_sha256"] and {x["source"] for x in r["probabilities"]} >= {"risk.toml", "scenario"}


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('of = "226Ra-target"', 'of = "226Ra-targt"', "226Ra-target"), ('every = "60 d"', 'every = "60"', "every"), ("probability = 0.2", "probability = 2", "probability"),
        ("traffic = 0.2", "trafic = 0.2", "trafic"), ('kind = "source"', 'kind = "sauce"', "source"), ("amount = 0.2", "amount = 0", "margin"), ("lutetia-risk/1", "lutetia-risk/9", "lutetia-risk/1"),
    ],
)  # fmt: skip
def test_a_risk_file_that_cannot_be_used(folder: Path, tmp_path: Path, old: str, new: str, words: str) -> None:
    assert old in RISKS
    (folder / "risk.toml").write_text(RISKS.replace(old, new, 1))
    with pytest.raises(BadInput, match=words):
        run_supply_risk(folder, tmp_path / "out", runs=20, time_limit_s=5)
    assert not (tmp_path / "out").exists()


def test_the_command_as_typed(folder: Path, tmp_path: Path) -> None:
    arguments = ["supply-risk", str(folder), "--out", str(tmp_path / "out"), "--runs", "200", "--seed", "3", "--time-limit", "20 s"]
    first = CliRunner().invoke(app, [*arguments, "--json"])
    assert first.exit_code == 0
    r = json.loads(first.stdout)
    assert r["runs"] == 200 and r["seed"] == 3
    again = CliRunner().invoke(app, [*arguments[:3], str(tmp_path / "again"), *arguments[4:], "--json"])
    other = json.loads(again.stdout)
    assert other["counts"] == r["counts"] and other["spares"] == r["spares"]
    shown = CliRunner().invoke(app, [*arguments[:3], str(tmp_path / "shown"), *arguments[4:]])
    assert shown.exit_code == 0 and "not treated" in shown.stdout and "\\u" not in shown.stdout
