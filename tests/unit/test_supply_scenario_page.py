"""The page of the scenario file names every key with its default, and what it shows loads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from lutetia.chain.scenario_file import load_disturbances, load_scenario
from lutetia.chain.scenario_parts import (
    DisturbanceFile,
    DisturbancePart,
    FleetPart,
    LanePart,
    LanesPart,
    LotPart,
    MachinePart,
    PatientPart,
    ProductPart,
    Road,
    RoadTime,
    ScenarioFile,
    SitePart,
)
from lutetia.core import parse
from lutetia.supply.network.replan import KINDS

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "scenario-file.md").read_text("utf-8")
SECTIONS: dict[str, type[BaseModel]] = {
    "The file": ScenarioFile, "`[road]`": Road, "`[[road.time]]`": RoadTime, "`[[product]]`": ProductPart, "`[[site]]`": SitePart, "`[site.fleet]`": FleetPart, "`[[machine]]`": MachinePart,
    "`discharge`": LotPart, "`[[lane]]`": LanePart, "`[[lanes]]`": LanesPart, "`[[patient]]`": PatientPart, "Disturbance file": DisturbanceFile, "`[[disturbance]]`": DisturbancePart,
}  # fmt: skip


def _section(heading: str) -> str:
    """What stands under a heading, up to the next of any level."""
    return re.split(r"^#{2,3} ", TEXT.split(f"# {heading}\n", 1)[1], flags=re.MULTILINE)[0]


def _shown(heading: str) -> dict[str, str]:
    """Key to default, from the rows of four cells under a heading."""
    rows = [[c.strip() for c in line.strip().strip("|").split("|")] for line in _section(heading).splitlines() if line.startswith("|")]
    return {key: cells[2] for cells in rows if len(cells) == 4 for key in re.findall(r"`(\w+)`", cells[0])}


def _says(cell: str, default: Any) -> bool:
    if cell == "needed":
        return default is PydanticUndefined
    if cell == "none":
        return default in (None, "", [], {}) or isinstance(default, Road)
    if cell == "no":
        return default is False
    if isinstance(default, str):
        return cell == default
    if cell.endswith("%"):
        return float(cell[:-1]) / 100 == default
    number = re.fullmatch(r"[\d.]+", cell)
    if number:
        return float(cell) == default
    unit = {"h": "s", "min": "s", "km/h": "km/h", "km": "km", "cm": "cm"}[cell.split()[1]]
    return parse(cell, unit) == pytest.approx(default)


@pytest.mark.parametrize("heading", SECTIONS)
def test_the_page_names_every_key_with_its_default(heading: str) -> None:
    shown = _shown(heading)
    fields = {f.alias or k: f for k, f in SECTIONS[heading].model_fields.items() if k not in ("folder", "sha256")}
    assert set(shown) - {"schema"} == set(fields)
    wrong = {k: (shown[k], f.default) for k, f in fields.items() if not _says(shown[k], f.default)}
    assert not wrong


def test_the_page_names_every_kind_of_disturbance_and_machine() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", _section("`[[disturbance]]`").split("| `kind` |", 1)[1].split("what is lost")[1], re.MULTILINE)
    assert sorted(rows) == sorted(KINDS)
    kinds = re.findall(r'^\| `"([a-z]+)"` \|', _section("`[[machine]]`"), re.MULTILINE)
    assert sorted(kinds) == sorted(MachinePart.model_fields["kind"].annotation.__args__)  # type: ignore[union-attr]


def test_the_scenario_and_the_disturbance_of_the_page_load(tmp_path: Path) -> None:
    scenario, disturbance = re.findall(r"^```toml\n(schema.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
    (tmp_path / "scenario.toml").write_text(scenario, "utf-8")
    (tmp_path / "d.toml").write_text(disturbance, "utf-8")
    loaded = load_scenario(tmp_path)
    # From 04:30 to 12:00 on the hour: seven runs of one hour and six of two.
    assert len(loaded.scenario.machines[0].lots) == 13 and not [w for w in loaded.warnings if "lab" in w]
    now, events = load_disturbances(tmp_path / "d.toml", loaded)
    assert now == 5 * 3600 and [e.kind for e in events] == ["machine-down", "patient-added"]


def test_the_worked_scenarios_are_as_the_page_says() -> None:
    rows = {line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:5]] for line in _section("Worked scenarios").splitlines() if line.startswith("|")}
    for n, name in enumerate(("city", "country", "actinium")):
        s = load_scenario(ROOT / "examples" / f"supply-{name}").scenario
        assert f"`supply-{name}`" in TEXT
        assert [int(x) for x in re.findall(r"\d+", rows["possible runs"][n])] == [len(m.lots) for m in s.machines]
        assert int(rows["patients, drawn"][n].split()[0].strip(":")) == len(s.patients)
        hospitals = sum(x.chairs > 0 for x in s.sites.values())
        assert re.search(rf"\b{hospitals}\b", rows["hospitals, drawn"][n])
