"""The pages say what the program does: cases that load, links that lead somewhere, names and numbers of the code."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command
from typer.testing import CliRunner

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
from lutetia.chain.cluster import run_cluster
from lutetia.chain.cluster_spec import (
    Biology,
    CellShape,
    CellUptake,
    ClusterShape,
    ClusterSpec,
    LimitingOrgan,
    Sweep,
    load_cluster,
)
from lutetia.cli.app import app
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


def test_every_whole_cluster_on_a_page_loads(tmp_path: Path) -> None:
    whole = [b for b in _toml_blocks("clusters.md") if b.startswith("schema")]
    assert len(whole) == 2
    for n, block in enumerate(whole):
        (tmp_path / f"{n}.toml").write_text(block)
        assert load_cluster(tmp_path / f"{n}.toml").cell.radius == 5.0


def test_the_cluster_page_names_every_key() -> None:
    text = (DOCS / "clusters.md").read_text("utf-8")
    models = (ClusterSpec, ClusterShape, CellShape, CellUptake, Biology, Sweep, LimitingOrgan)
    keys = {k for m in models for k in m.model_fields} - {"sha256"}
    assert len(keys) > 35
    missing = sorted(k for k in keys if f"`{k}`" not in text and f"[{k}]" not in text and f".{k}]" not in text)
    assert not missing


def _synopses() -> dict[str, str]:
    """Command to its synopsis, from the first block of the page of commands."""
    block = (DOCS / "commands.md").read_text("utf-8").split("```")[1]
    parts = re.split(r"^lutetia +", block, flags=re.MULTILINE)[1:]
    return {part.split()[0]: part for part in parts if not part.startswith("--")}


def test_the_commands_page_names_every_command_and_option() -> None:
    commands = get_command(app).commands  # type: ignore[attr-defined]
    synopses = _synopses()
    assert set(synopses) == set(commands)
    sections = re.findall(r"^## (.+)$", (DOCS / "commands.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(sections) == sorted(commands)
    for name, command in commands.items():
        options = {o for p in command.params for o in p.opts if o.startswith("--")} - {"--help"}
        assert options == set(re.findall(r"--[a-z][a-z-]*", synopses[name])), name


def test_the_help_test_and_the_read_me_know_every_command() -> None:
    tested = (Path(__file__).parent / "test_commands.py").read_text("utf-8").split("def test_help_names_every_command")[1].split("\ndef ")[0]
    read_me = (ROOT / "README.md").read_text("utf-8")
    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert f'"{name}"' in tested and f"\nlutetia {name} " in read_me, name


def _lutetia(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exit_code == 0, done.output
    return done.stdout


def _same(shown: str, printed: str) -> bool:
    """The same words, and numbers that agree to 1 %: the last digit may differ between machines."""
    pairs = list(zip(shown.split(), printed.split()))
    return len(shown.split()) == len(printed.split()) and all(a == b or _near(a, b) for a, b in pairs)


def _near(a: str, b: str) -> bool:
    try:
        return float(a.strip(",;")) == pytest.approx(float(b.strip(",;")), rel=0.01)
    except ValueError:
        return False


def test_output_on_the_pages_is_what_the_program_prints(tmp_path: Path) -> None:
    """Every line that a page shows as output."""
    blocks = re.findall(r"^```text\n\$ lutetia (.+?)\n(.*?)^```", (DOCS / "commands.md").read_text("utf-8"), re.DOTALL | re.MULTILINE)
    runs = [(shlex.split(command), shown) for command, shown in blocks]
    assert len(runs) == 3
    text = (DOCS / "clusters.md").read_text("utf-8")
    files = [b for b in _toml_blocks("clusters.md") if b.startswith("schema")]
    for n, shown in enumerate(re.findall(r"^```text\n(.*?)^```", text, re.DOTALL | re.MULTILINE)):
        (tmp_path / f"{n}.toml").write_text(files[n])
        runs.append((["cluster", str(tmp_path / f"{n}.toml")], shown))
    assert len(runs) == 5
    for arguments, shown in runs:
        printed = _lutetia(*arguments).splitlines()
        assert not [line for line in shown.splitlines() if not any(_same(line, p) for p in printed)]


def _keys(value: Any) -> set[str]:
    """Keys of a result on every level; names of nuclides, percentiles and sentences are none."""
    if isinstance(value, dict):
        return {k for k in value if not re.fullmatch(r"[A-Z][a-z]?-\d+m?|\d+", k)} | {k for v in value.values() for k in _keys(v)}
    return {k for v in value for k in _keys(v)} if isinstance(value, list) else set()


def test_the_commands_page_names_every_key_of_a_range() -> None:
    text = (DOCS / "commands.md").read_text("utf-8")
    keys = _keys(json.loads(_lutetia("range", "Ac-225", "--json"))) | _keys(json.loads(_lutetia("range", "--electron", "0.5 MeV", "--json")))
    assert len(keys) > 20 and not sorted(k for k in keys if f"`{k}`" not in text)


def test_the_cluster_page_names_every_key_of_a_result(tmp_path: Path) -> None:
    whole = [b for b in _toml_blocks("clusters.md") if b.startswith("schema")]
    (tmp_path / "cluster.toml").write_text(whole[1])
    keys = _keys(run_cluster(tmp_path))
    text = (DOCS / "clusters.md").read_text("utf-8")
    assert len(keys) > 60 and not sorted(k for k in keys if f"`{k}`" not in text)


def test_the_comparison_page_shows_what_the_program_gives(tmp_path: Path) -> None:
    """Every key of the result, and the doses and survivors of the example to the width of their last digits."""
    from lutetia.chain.compare import run_compare

    result = run_compare(ROOT / "examples" / "region-table", ["Tb-161", "Y-90", "Ac-225"], tmp_path / "out")
    text = (DOCS / "compare.md").read_text("utf-8")
    micro = result["micrometastases"]
    of_a_sweep = {k: micro[k] for k in ("rows", "rankings", "crossovers", "crossover_ranges", "variants")}  # described with the sweep of a cluster
    assert not [k for k in _keys(of_a_sweep) if f"`{k}`" not in (DOCS / "clusters.md").read_text("utf-8")]
    rest = {k: v for k, v in result.items() if k != "provenance"} | {"micrometastases": {k: v for k, v in micro.items() if k not in of_a_sweep}}
    assert len(_keys(rest)) > 60 and not sorted(k for k in {*_keys(rest), *of_a_sweep} if f"`{k}`" not in text)
    found = {(r["region"], n["nuclide"]): (n["administered_Bq"], r) for n in result["nuclides"] for r in n["regions"]}
    shown = [row for row in _rows("compare.md") if len(row) == 10 and (row[0], row[1]) in found]
    assert len(shown) == 8
    for region, name, activity, dose, *parts, weighted, bed, span in shown:
        administered, r = found[region, name]
        number, unit = activity.split()
        assert administered == pytest.approx(float(number) * {"MBq": 1e6, "GBq": 1e9}[unit], rel=0.01)
        assert r["dose_Gy"] == pytest.approx(float(dose), rel=0.01)
        assert [r["dose_by_radiation_Gy"][x] for x in ("alpha", "electron", "photon")] == pytest.approx([float(x or 0) for x in parts], rel=0.01)
        assert (r["weighted"] or {"Sv_RBE": 0})["Sv_RBE"] == pytest.approx(float(weighted or 0), rel=0.01)
        assert r["bed"]["low_LET_Gy"] == (None if bed == "none published" else pytest.approx(float(bed), rel=0.01))
        if span:
            assert [r["bed"]["with_alpha_Gy"][x]["bed_Gy"] for x in ("low", "high")] == pytest.approx([float(x) for x in span.split(" to ")], rel=0.01)
    survivors = {(r["nuclide"], round(r["diameter_um"])): r["expected_survivors"] for r in micro["rows"] if r["positive_fraction"] == 1.0}
    sizes = [row for row in _rows("compare.md") if len(row) == 6 and row[0] in ("0.1 mm", "1 mm", "10 mm")]
    assert len(sizes) == 3
    for size, _, *numbers in sizes:
        here = [survivors[n, round(1000 * float(size.split()[0]))] for n in ("Lu-177", "Tb-161", "Y-90", "Ac-225")]
        assert here == pytest.approx([float(x) for x in numbers], rel=0.01)


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
