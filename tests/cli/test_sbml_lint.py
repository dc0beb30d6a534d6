"""`lutetia lint-sbml` as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lutetia.cli.app import app
from lutetia.core import LutetiaError
from tests.sbml_models import model

pytest.importorskip("roadrunner", reason="the extra 'sbml' (libroadrunner) is not installed")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "sbml-lint.md"


def run(tmp_path: Path, fault: str | None, *args: str):  # type: ignore[no-untyped-def]
    path = tmp_path / "model.xml"
    path.write_text(model(fault))
    return CliRunner().invoke(app, ["lint-sbml", str(path), *args])


def test_a_sound_model_exits_with_0_and_names_every_key_of_the_page(tmp_path: Path) -> None:
    done = run(tmp_path, None, "--json")
    r = json.loads(done.stdout)
    assert done.exit_code == 0 and r["sound"] and not r["findings"] and all(c["holds"] for c in r["checks"])
    text = PAGE.read_text("utf-8")
    assert not [k for k in {*r, *r["checks"][0], *r["pools"][0]} if f"`{k}`" not in text]
    assert [c["check"] for c in r["checks"]] == list(re.findall(r"^\| `([a-z ]+)` \|", text.split("## On a public model")[0], re.MULTILINE))


def test_a_fault_exits_with_1_and_is_printed(tmp_path: Path) -> None:
    done = run(tmp_path, "decay")
    assert done.exit_code == 1 and "TumourIntern.Hot does not decay" in done.stdout and "broken" in done.stdout
    as_json = run(tmp_path, "decay", "--json")
    found = json.loads(as_json.stdout)["findings"]
    assert as_json.exit_code == 1 and {f["check"] for f in found} == {"decay", "hot fraction"}
    assert not [k for k in found[0] if f"`{k}`" not in PAGE.read_text("utf-8")]


def test_many_findings_of_one_check_are_counted_not_listed(tmp_path: Path) -> None:
    done = run(tmp_path, "asymmetry")
    assert "hot fraction: 5 more" in done.stdout and done.stdout.count("\nhot fraction: ") == 6


def test_bad_input_is_a_sentence(tmp_path: Path) -> None:
    error = CliRunner().invoke(app, ["lint-sbml", str(tmp_path / "none.xml")]).exception
    assert isinstance(error, LutetiaError) and error.exit_code == 2 and "cannot be read" in str(error)
    error = run(tmp_path, None, "--hot", "warm").exception
    assert isinstance(error, LutetiaError) and error.exit_code == 2 and "'warm'" in str(error)
