"""`lutetia reactor` as a user types it, and the page beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lutetia.core import parse

from .test_commands import as_json, lutetia, refused
from .test_docs import _keys

PAGE = Path(__file__).resolve().parents[2] / "docs" / "reactor.md"
YB = ("reactor", "--target", "176Yb", "--flux", "2e14 /cm2/s", "--time", "14 d", "--enrichment", "0.99")


def test_ytterbium_in_json() -> None:
    c = as_json(*YB, "--cool", "24 h")
    assert c["target"] == "Yb-176" and c["product"] == "Lu-177" and c["given"]["flux_per_cm2_s"] == pytest.approx(2e14)
    lu = c["eoi_activity_Bq"]["Lu-177"]
    assert 1.3e12 < lu < 1.5e12 and c["activity_Bq"]["Lu-177"] < lu and c["activity_per_gram_Bq"] == c["activity_Bq"]["Lu-177"]
    assert 3000 < c["specific_activity_Bq_per_kg"] / 1e15 < 4110
    assert c["uncertainty"]["comprises"] and "self-shielding" in c["uncertainty"]["not_comprised"]
    assert any("recalled" in w for w in c["warnings"]) and {t["name"] for t in c["provenance"]["tables"]} >= {"neutron_capture"}
    text = PAGE.read_text("utf-8")
    assert not sorted(k for k in _keys(c) if f"`{k}`" not in text)


def test_mass_temperature_and_own_cross_sections_matter(tmp_path: Path) -> None:
    lu = ("reactor", "--target", "Lu-176", "--flux", "1.2e14 /cm2/s", "--time", "7 d", "--enrichment", "0.82", "--mass", "1 mg")
    cool, hot = (as_json(*lu, "--neutron-temperature", t) for t in ("293 K", "353 K"))
    assert hot["westcott_g"] / cool["westcott_g"] == pytest.approx(2.127 / 1.71, rel=0.01) and hot["activity_per_gram_Bq"] > cool["activity_per_gram_Bq"]
    (tmp_path / "own.csv").write_text("target,product,sigma0_b\nLu-177,Lu-178,0\n")
    own = as_json(*lu, "--cross-sections", tmp_path / "own.csv")
    assert own["burn_up"]["product"] == 0 and own["provenance"]["cross_sections_sha256"]
    assert as_json(*lu, "--product", "Lu-177m", "--epithermal", "0.02")["product"] == "Lu-177m"


def test_text_shows_the_product_and_warnings_go_to_stderr() -> None:
    done = lutetia(*YB)
    assert done.returncode == 0 and "Lu-177" in done.stdout and "GBq" in done.stdout and "95 %" in done.stdout
    assert "self-shielding is not counted" in done.stderr and "self-shielding is not counted" not in done.stdout


def test_refused() -> None:
    assert "Ra-226" in refused("reactor", "--target", "Ra-225", "--flux", "2e14 /cm2/s", "--time", "14 d")
    assert "--flux" in refused("reactor", "--target", "Yb-176", "--flux", "2e14", "--time", "14 d")
    assert "enrichment" in refused(*YB[:-1], "99")
    assert "K" in refused(*YB, "--neutron-temperature", "40 degC")
    assert "columns" in refused(*YB, "--cross-sections", "nowhere.csv")


def test_the_examples_of_the_page_are_what_is_computed() -> None:
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    shown = [r for r in rows if len(r) == 10 and "-" in r[0] and r[0][0].isupper()]
    assert len(shown) == 5
    for target, product, flux, time, enrichment, cool, per_gram, specific, most, near in shown:
        how = () if enrichment == "natural" else ("--enrichment", enrichment)
        c = as_json("reactor", "--target", target, "--flux", f"{flux} /cm2/s", "--time", time, "--cool", cool, *how)
        assert c["product"] == product and c["activity_per_gram_Bq"] * 1e-9 == pytest.approx(float(per_gram), rel=1e-3)
        assert (c["specific_activity_Bq_per_kg"] is None) if specific == "unknown" else c["specific_activity_Bq_per_kg"] / 1e15 == pytest.approx(float(specific), rel=1e-3)
        assert c["optimum"]["time_s"] == pytest.approx(parse(most, "s"), rel=5e-3) and c["optimum"]["time_to_95_percent_s"] == pytest.approx(parse(near, "s"), rel=5e-3)


def test_the_page_shows_the_factor_of_westcott() -> None:
    from lutetia.supply.production.capture import westcott_g

    rows = [[c.strip() for c in line.strip("|").split("|")] for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    shown = [r for r in rows if len(r) == 2 and r[0].replace(".", "").isdigit()]
    assert len(shown) == 4 and all(f"{westcott_g('capture_lu176_resonance', float(k)):.3f}" == g for k, g in shown)
