"""`lutetia ship` as a user types it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lutetia.cli.app import app
from lutetia.core import BadInput
from lutetia.data import table

DOCS = Path(__file__).resolve().parents[2] / "docs"


def _ship(*arguments: str) -> dict:
    done = CliRunner().invoke(app, ["ship", *arguments, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_dose_of_actinium() -> None:
    out = _ship("--nuclide", "Ac-225", "--activity", "400 MBq")
    assert (out["type"], out["un_number"], out["largest_type_A_Bq"]) == ("A", "UN2915", 6e9)
    assert out["a2_sum"] == pytest.approx(400e6 / 6e9)
    assert out["category"] == "II-YELLOW" and 0 < out["transport_index"] <= 1
    assert "SSR-6 (Rev. 1), 2018" in out["edition"] and any("173.435" in s for s in out["sources"])
    assert {c["mode"]: c["in_sum"] for c in out["limits"]} == {"road": 50, "passenger-aircraft": 50, "cargo-aircraft": 200}
    assert out["shield"] == [{"material": "lead", "thickness_cm": 1.0}]


def test_a_mixture_with_other_shields() -> None:
    out = _ship("--nuclide", "177Lu", "--activity", "10 GBq", "--also", "Ac-225=50 MBq", "--shield", "tungsten 5 mm", "--shield", "steel 2 mm", "--package-radius", "20 cm")
    assert out["activity_Bq"] == {"Lu-177": 10e9, "Ac-225": 50e6}
    assert [s["material"] for s in out["shield"]] == ["tungsten", "iron"]
    assert out["a2_sum"] == pytest.approx(10 / 700 + 0.05 / 6)
    bare = _ship("--nuclide", "177Lu", "--activity", "10 GBq", "--also", "Ac-225=50 MBq", "--shield", "none", "--package-radius", "20 cm")
    assert bare["shield"] == [] and bare["surface_mSv_per_h"] > out["surface_mSv_per_h"]
    assert bare["surface_mSv_per_h"] == pytest.approx(bare["surface_unscattered_mSv_per_h"])


def test_packages_together_and_a_liquid() -> None:
    out = _ship("--nuclide", "Lu-177", "--activity", "7.4 GBq", "--volume", "12.5 mL", "--by", "passenger-aircraft", "--count", "20")
    assert out["absorbent_mL"] == 25.0 and out["sum_of_transport_index"] == pytest.approx(20 * out["transport_index"])
    constant = out["dose_rate_constants"][0]
    assert constant["air_kerma_uGy_m2_per_MBq_h"] == pytest.approx(constant["published_air_kerma_uGy_m2_per_MBq_h"], rel=0.01)


def test_a_person_reads_edition_sources_and_what_was_not_verified() -> None:
    done = CliRunner().invoke(app, ["ship", "--nuclide", "Lu-177", "--activity", "7.4 GBq", "--count", "2"])
    assert done.exit_code == 0
    for said in ("Type A package of Lu-177 7.4 GBq", "UN2915", "a Type A package holds 700 GBq", "category", "cargo-aircraft", "Edition: IAEA SSR-6", "Sources: ", "not verified: A2 of Lu-177"):
        assert said in done.stdout, said
    assert "2 by road" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--nuclide", "Lu-177", "--activity", "0 MBq"), "--activity"),
        (("--nuclide", "Lu-177", "--activity", "7.4"), "--activity"),
        (("--nuclide", "Lu-177", "--activity", "7.4 GBq", "--shield", "cheese 1 cm"), "no shield of 'cheese'"),
        (("--nuclide", "Lu-177", "--activity", "7.4 GBq", "--shield", "lead"), "--shield lead"),
        (("--nuclide", "Lu-177", "--activity", "7.4 GBq", "--also", "Ac-225 50 MBq"), "NUCLIDE=ACTIVITY"),
        (("--nuclide", "Lu-177", "--activity", "7.4 GBq", "--also", "177Lu=1 GBq"), "given twice"),
        (("--nuclide", "Lu-177", "--activity", "7.4 GBq", "--shield", "none", "--by", "passenger-aircraft"), "transport index is 3.6, above the 3"),
        (("--nuclide", "Lu-177", "--activity", "7.4 GBq", "--shield", "none", "--package-radius", "20 cm", "--count", "40"), "above the 50 of road; at most 15"),
        (("--nuclide", "Lu-177", "--activity", "7.4 GBq", "--by", "plane"), "no mode 'plane'"),
        (("--nuclide", "I-131", "--activity", "600 GBq"), "no package may exceed 10 mSv/h"),
        (("--nuclide", "Lu-777", "--activity", "600 GBq"), "Lu-777"),
    ],
)
def test_bad_input_is_one_sentence(arguments: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["ship", *arguments])
    assert isinstance(done.exception, BadInput) and said in str(done.exception), done.exception
    assert done.exception.exit_code == 2


def test_the_pages_name_every_key_and_the_example() -> None:
    text = (DOCS / "commands.md").read_text("utf-8").split("## ship")[1].split("\n## ")[0]
    out = _ship("--nuclide", "Ac-225", "--activity", "400 MBq")
    keys = {*out, *out["limits"][0], *out["activity_limits"][0], *out["shield"][0], *out["dose_rate_constants"][0]}
    assert len(keys) > 30 and not sorted(k for k in keys if f"`{k}`" not in text)
    page = (DOCS / "shipping.md").read_text("utf-8")
    assert f"{(table('transport_limits')['verified'] == 'yes').sum()} values are read" in page and f"{len(table('cities')['name'])} in all" in page
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in page.splitlines() if re.match(r"\| [A-Z][a-z]?-\d+m? \|", line)]
    shown = [r for r in rows if len(r) == 4]
    assert len(shown) >= 4
    for nuclide, _, ours, _ in shown:
        constant = _ship("--nuclide", nuclide, "--activity", "1 MBq", "--shield", "lead 50 mm")["dose_rate_constants"][0]
        assert constant["air_kerma_uGy_m2_per_MBq_h"] == pytest.approx(float(ours), rel=0.01)
