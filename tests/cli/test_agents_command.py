"""`lutetia agents` as a user types it."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lutetia.kinetics.population_models import dotatate_dose_Gy, time_integrated_h, typical

from .test_commands import as_json, lutetia, refused

KEYS = {
    "id", "name", "aliases", "ligand", "nuclide", "targets", "modality", "role", "binding", "molar_mass_g_per_mol", "kinetics", "kinetics_nuclide",
    "dose_models", "public_kinetics", "class_prior", "kinetics_statement", "developer", "stage", "as_of", "sources", "notes",
}  # fmt: skip


def test_the_list_says_of_each_whether_kinetics_are_public() -> None:
    listed = as_json("agents")
    assert listed["target"] is None and len(listed["agents"]) > 35 and all(set(a) == KEYS for a in listed["agents"])
    rows = lutetia("agents").stdout.splitlines()
    assert len(rows) == len(listed["agents"]) + 1 and "public kinetics" in rows[0]
    of = {row.split()[0]: row for row in rows[1:]}
    assert " yes " in of["177Lu-PSMA-617"] and " with Lu-177 " in of["225Ac-PSMA-617"] and " no " in of["177Lu-HX02"] and "not disclosed" in of["177Lu-BL-ARC001"]


@pytest.mark.parametrize(("target", "has", "lacks"), [("PSMA", "177Lu-JH02", "177Lu-NY104"), ("folh1", "18F-DCFPyL", "68Ga-HX01"), ("CAIX", "89Zr-girentuximab", "177Lu-NeoB"), ("integrin avb3", "177Lu-HX02", "177Lu-XT117"), ("CD13", "68Ga-HX01", "Pluvicto")])
def test_a_target_in_common_names(target: str, has: str, lacks: str) -> None:
    found = [a["id"] for a in as_json("agents", "--target", target)["agents"]]
    assert has in found and lacks not in found
    assert as_json("agents", "--target", target)["target"]["asked"] == target


def test_one_record_in_full() -> None:
    a = as_json("agents", "Pluvicto")
    assert set(a) == KEYS and a["id"] == "177Lu-PSMA-617" and a["kinetics"] == ["PSMA-617-Siebinga-2023", "PSMA-617-Amsterdam"] and a["public_kinetics"] is True and a["class_prior"] is None
    text = lutetia("agents", "225Ac-FL-020").stdout
    assert "No public kinetics; class prior, if asked for: 225Ac-PSMA-617" in text and "NCT" not in a["name"]
    shown = lutetia("agents", "pluvicto").stdout
    assert all(s in shown for s in (*a["sources"], *a["notes"], "1042.1 g/mol", "as of"))
    assert "binding     not known" in lutetia("agents", "177Lu-JH02").stdout


def test_refused() -> None:
    assert "Did you mean Pluvicto" in refused("agents", "Pluvicta")
    assert "say which of" in refused("agents", "DOTATATE")
    assert "Did you mean PSMA" in refused("agents", "--target", "PSNA")
    assert "--target" in refused("agents", "Pluvicto", "--target", "PSMA")


PAGE = Path(__file__).resolve().parents[2] / "docs" / "agents.md"


def test_the_page_names_every_key_and_shows_what_is_printed() -> None:
    text = PAGE.read_text("utf-8")
    assert not sorted(k for k in KEYS if f"`{k}`" not in text)
    command, shown = re.search(r"^```text\n\$ lutetia (.+?)\n(.*?)^```", text, re.DOTALL | re.MULTILINE).groups()
    assert lutetia(*shlex.split(command)).stdout.split() == shown.split()


def test_the_numbers_of_the_page_are_those_of_the_models() -> None:
    names = {"PSMA-617": "PSMA-617-Siebinga-2023", "PSMA-I&T": "PSMA-I&T-Siebinga-2024", "HA-DOTATATE, <sup>177</sup>Lu": "HA-DOTATATE-177Lu-Siebinga-2023"}
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    seen = 0
    for model, given, region, hours in (r for r in rows if len(r) == 4 and r[0] in names):
        tissue = next(t for t in ("kidneys", "tumours", "salivary_glands") if region.startswith(t.replace("_", " ")))
        amounts = [float(x) for x in re.findall(r"[\d.]+", given.split("cycles")[0])]
        cycles = [int(x) for x in re.findall(r"\d+", given.split("cycles")[1])] if "cycles" in given else [1] * len(amounts)
        for amount, cycle, value in zip(amounts * (len(cycles) // len(amounts)), cycles, hours.split(", "), strict=True):
            how = {"ligand_nmol": amount} if "nmol" in given else {"activity_Bq": amount * 1e9}
            x = time_integrated_h(typical(names[model], cycles=4), cycle=cycle, **how)[tissue][0]
            assert f"{x:.{len(value.split('.')[1])}f}" == value, (model, given, region)
            seen += 1
    assert seen == 12
    assert f"{dotatate_dose_Gy(7.4e9, 122.1, adolescent=True)['kidneys']:.2f} Gy" in PAGE.read_text("utf-8")
