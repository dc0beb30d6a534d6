"""`lutetia irradiate` as a user types it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .test_commands import as_json, lutetia, refused
from .test_docs import DOCS, _keys

RADIUM = ("irradiate", "--reaction", "Ra-226(p,2n)Ac-225", "--energy", "16.8 MeV", "--exit", "10 MeV", "--current", "100 uA", "--time", "120 h")


def test_actinium_with_an_enrichment() -> None:
    r = as_json(*RADIUM, "--cool", "24 h", "--enrichment", "0.99")
    # 85 GBq in 120 h at 100 uA into 0.47 g/cm2, by an earlier calculation of the same integral for pure 226Ra.
    assert r["eob_activity_Bq"]["Ac-225"] == pytest.approx(0.99 * 85e9, rel=0.03)
    assert r["activity_Bq"]["Ac-225"] == pytest.approx(r["eob_activity_Bq"]["Ac-225"] * 2 ** (-1 / 10.0), rel=1e-3)
    assert r["heat_W"] == pytest.approx(680) and r["areal_density_g_cm2"] == pytest.approx(0.47, rel=0.01) and r["range_g_cm2"] > r["areal_density_g_cm2"]
    assert r["uncertainty"]["relative"] == pytest.approx((r["uncertainty"]["cross_section"] ** 2 + r["uncertainty"]["stopping"] ** 2) ** 0.5)
    assert r["saturation_yield_Bq_per_A"] > 0 and r["burn_up"] is None and len(r["provenance"]["tables"]["pstar_protons"]) == 64
    assert [p["after_eob_s"] for p in r["radionuclidic_purity"]][:2] == [0.0, 86400.0]


def test_gallium_with_its_by_product_in_words() -> None:
    done = lutetia("irradiate", "--reaction", "68Zn(p,n)68Ga", "--energy", "20 MeV", "--exit", "3.4 MeV", "--current", "1 uA", "--time", "2.25 h", "--cool", "1 h", "--enrichment", "0.99")
    assert "13.1 GBq" in done.stdout and "Ga-67" in done.stdout and "purity: 9" in done.stdout
    assert "upper limit" in done.stderr and "upper limit" not in done.stdout


def test_a_machine_and_the_area_of_its_beam() -> None:
    r = as_json("irradiate", "--reaction", "natGa(p,x)68Ge", "--energy", "30 MeV", "--exit", "11 MeV", "--current", "1.5 mA", "--time", "120 h", "--machine", "cyclone ikon", "--area", "10 cm^2")
    assert r["eob_activity_Bq"]["Ge-68"] == pytest.approx(247e9, rel=0.03) and r["heat_W"] == pytest.approx(28500)
    assert 0 < r["burn_up"] < 1e-3 and any("not verified" in w for w in r["warnings"])


def test_a_stack_from_a_file(tmp_path: Path) -> None:
    text = (DOCS / "production.md").read_text("utf-8")
    block = text.split("```toml\n")[1].split("```")[0]
    (tmp_path / "stack.toml").write_text(block)
    r = as_json("irradiate", "--stack", tmp_path / "stack.toml", "--energy", "15 MeV", "--current", "15 uA", "--time", "1 h")
    foil = next(x for x in r["layers"] if x["irradiation"])
    assert foil["irradiation"]["product"] == "Zr-89" and foil["irradiation"]["energy_MeV"] == foil["energy_MeV"] < 15
    assert foil["name"] in lutetia("irradiate", "--stack", tmp_path / "stack.toml", "--energy", "15 MeV", "--current", "15 uA", "--time", "1 h").stdout
    assert "--stack takes" in refused("irradiate", "--stack", tmp_path / "stack.toml", "--exit", "1 MeV", "--energy", "15 MeV", "--current", "15 uA", "--time", "1 h")


def test_data_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "ni.csv").write_text("energy_MeV,xs_mb,u_xs_mb\n3,10,1\n11,700,70\n20,100,10\n")
    nickel = ("irradiate", "--reaction", "64Ni(p,n)64Cu", "--energy", "12 MeV", "--exit", "3 MeV", "--current", "50 uA", "--time", "4 h")
    r = as_json(*nickel, "--data", tmp_path / "ni.csv", "--enrichment", "0.95")
    assert r["uncertainty"]["cross_section"] == pytest.approx(0.1) and "ni.csv" in r["provenance"]["cross_sections"]["Ni-64(p,n)Cu-64"]
    assert "no cross section" in refused(*nickel)


@pytest.mark.parametrize(
    ("change", "says"),
    [(("--energy", "16.8"), "without a unit"), (("--energy", "40 MeV"), "--extrapolate"), (("--exit", "20 MeV"), "below the entry"), (("--current", "100 MBq"), "another kind"), (("--current", "-1 uA"), "above zero"),
     (("--time", "-1 h"), "above zero"), (("--cool", "-1 h"), "zero or a positive"), (("--enrichment", "1.5"), "up to 1"), (("--target", "radum"), "Did you mean radium"), (("--duty", "2"), "duty"),
     (("--machine", "PETtrace", "--energy", "17 MeV"), "16.5 MeV"), (("--machine", "Cyclone IKON", "--current", "2 mA"), "1500 uA"), (("--reaction", "Ra-226(p,3n)Ac-224"), "Did you mean Ra-226"), (("--data", "nowhere.csv"), "cannot be read")],
)  # fmt: skip
def test_mistakes_get_one_sentence(change: tuple[str, ...], says: str) -> None:
    assert says in refused(*RADIUM, *change)


def test_extrapolation_has_to_be_asked_for() -> None:
    r = as_json(*RADIUM, "--energy", "40 MeV", "--extrapolate")
    assert any("extrapolated above 36 MeV" in w for w in r["warnings"])


def test_the_reaction_or_a_stack_is_wanted() -> None:
    assert "--reaction and --exit" in refused("irradiate", "--energy", "15 MeV", "--current", "1 uA", "--time", "1 h")


def test_the_page_names_every_key(tmp_path: Path) -> None:
    text = (DOCS / "commands.md").read_text("utf-8").split("## irradiate")[1].split("\n## ")[0]
    (tmp_path / "s.toml").write_text('[[layer]]\nmaterial = "Y"\nthickness = "1 mm"\nreaction = "Y-89(p,n)Zr-89"\n')
    r = json.loads(lutetia("irradiate", "--stack", tmp_path / "s.toml", "--energy", "15 MeV", "--current", "15 uA", "--time", "1 h", "--json").stdout)
    r["layers"][0]["irradiation"]["provenance"] = {}
    keys = {k for k in _keys(r) if "(" not in k}
    assert len(keys) > 25 and not sorted(k for k in keys if f"`{k}`" not in text)
