"""The pages say what the program does: cases that load, links that lead somewhere, names and numbers of the code."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lutetia.chain.case import (
    Administration,
    Calibration,
    Case,
    Dosimetry,
    Kinetics,
    Measurement,
    Recovery,
    Regions,
    Scan,
    TableRegion,
    Uncertainty,
    load_case,
)
from lutetia.core import show
from lutetia.nuclides import RADIATIONS, chain_energy_per_decay_MeV, equilibrium_chain, nuclide

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))


def _toml_blocks(page: str) -> list[str]:
    """Fenced TOML of a page; a block inside a list loses its indent."""
    found = re.findall(r"^( *)```toml\n(.*?)^ *```", (DOCS / page).read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", body, flags=re.MULTILINE) for indent, body in found]


def _rows(page: str) -> list[list[str]]:
    """Cells of every table row of a page."""
    lines = (DOCS / page).read_text("utf-8").splitlines()
    return [[c.strip() for c in line.strip("|").split("|")] for line in lines if line.startswith("|")]


@pytest.mark.parametrize(("page", "number"), [("case-file.md", 3), ("quickstart.md", 1)])
def test_every_whole_case_on_a_page_loads(page: str, number: int, tmp_path: Path) -> None:
    whole = [b for b in _toml_blocks(page) if b.startswith("schema")]
    assert len(whole) == number
    for n, block in enumerate(whole):
        (tmp_path / f"{n}.toml").write_text(block)
        assert load_case(tmp_path / f"{n}.toml").nuclide == "Lu-177"


def test_the_case_page_names_every_key() -> None:
    text = (DOCS / "case-file.md").read_text("utf-8")
    models = (Case, Administration, Scan, Calibration, Regions, Uncertainty, Recovery, Dosimetry, Kinetics, Measurement, TableRegion)
    keys = {k for m in models for k in m.model_fields} - {"folder", "sha256"}
    missing = sorted(k for k in keys if f"`{k}`" not in text and f"[{k}]" not in text and f".{k}]" not in text)
    assert not missing


def test_the_results_page_names_every_key_of_a_result(tmp_path: Path) -> None:
    from lutetia.chain.dose import run_case

    run_case(ROOT / "examples" / "region-table", tmp_path / "out")
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    text = (DOCS / "results.md").read_text("utf-8")
    region = result["regions"][0]
    keys = {*result, *result["case"], *result["timing_s"], *result["provenance"], *region, *region["uncertainty_budget"], *region["tac"], *region["fit"]}
    keys |= {*region["fit"]["candidates"][0], *region["uncertainty_budget"]["components"], *result["provenance"]["tables"][0]}
    assert not sorted(k for k in keys if f"`{k}`" not in text)
    header = (tmp_path / "out" / "regions.csv").read_text().splitlines()[0].split(",")
    assert not [k for k in header if f"`{k}`" not in text]


def test_internal_links_lead_to_a_page() -> None:
    gone = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            name = target.split("#")[0]
            if "://" not in target and name and not (page.parent / name).exists():
                gone.append(f"{page.name}: {target}")
    listed = {n for block in re.findall(r"```\{toctree\}(.*?)```", (DOCS / "index.md").read_text("utf-8"), re.DOTALL) for n in block.split() if re.fullmatch(r"[a-z-]+", n)}
    assert not gone
    assert {p.stem for p in PAGES} - {"index"} <= listed


def test_the_nomenclature_lists_only_names_of_the_code() -> None:
    code = "\n".join(p.read_text("utf-8") for p in (ROOT / "src" / "lutetia").rglob("*.py"))
    names = [n for row in _rows("nomenclature.md") for n in re.findall(r"`(\w+)`", row[0])]
    assert len(names) > 30
    assert not [n for n in names if not re.search(rf"\b{n}\b", code)]


def test_the_nuclide_tables_are_those_of_the_library() -> None:
    alone = chains = 0
    for row in _rows("nuclides.md"):
        if len(row) == 8 and re.match(r"[A-Z][a-z]?-\d", row[0]):
            n = nuclide(row[0])
            assert row[1:7] == [show(n.half_life_s, "s"), *(f"{n.energy_per_decay_MeV[r]:.4g}" for r in RADIATIONS)], row[0]
            alone += 1
        elif len(row) == 7 and "," not in row[0] and re.match(r"[A-Z][a-z]?-\d", row[0]) and row[2][:1].isdigit() and "%" not in row[5]:
            members = [m.nuclide.name for m in equilibrium_chain(row[0])][1:]
            energy = chain_energy_per_decay_MeV(row[0])
            assert row[1:] == [", ".join(members), *(f"{energy[r]:.4g}" for r in RADIATIONS)], row[0]
            chains += 1
    assert (alone, chains) == (23, 7)
