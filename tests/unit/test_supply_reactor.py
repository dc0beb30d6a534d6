"""Rules of the reactor: what is refused, what is said, and own cross sections."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from lutetia.core import BadInput, parse
from lutetia.supply.production.capture import (
    Reaction,
    isotope,
    natural_composition,
    reactions,
    read_cross_sections,
    westcott_g,
    with_own,
)
from lutetia.supply.production.reactor import irradiate_neutrons

DAY = 86400.0


def test_a_flux_and_a_temperature_are_read_as_they_are_written() -> None:
    assert parse("2e14 /cm2/s", "1/cm**2/s") == pytest.approx(2e14) == parse("2e18 1/m**2/s", "1/cm**2/s")
    assert parse("313 K", "K") == 313.0
    for wrong in ("2e14", "2e14 /cm3/s", "2e14 Bq"):
        with pytest.raises(BadInput):
            parse(wrong, "1/cm**2/s")


def test_the_direct_route_is_half_as_large_again_with_the_resonance() -> None:
    with_g, without = (irradiate_neutrons("Lu-176", 1e13, DAY, mass_kg=1e-6, enrichment=0.8, own=own).activity_per_gram_Bq for own in ((), _plain()))
    assert with_g / without == pytest.approx(1.711, rel=0.01)


def _plain() -> list[Reaction]:
    return [replace(r, westcott=1.0) for r in reactions() if r.target == "Lu-176"]


def test_natural_composition_is_whole_and_its_default() -> None:
    for element in ("Lu", "Yb", "Te", "Mo", "Sm", "W", "Gd", "U", "Ho"):
        assert sum(natural_composition(element).values()) == pytest.approx(1.0, abs=1e-4)
    as_found, said = (irradiate_neutrons("Yb-176", 1e14, DAY, mass_kg=1e-3, enrichment=x) for x in (None, 0.12995))
    assert as_found.activity_per_gram_Bq == pytest.approx(said.activity_per_gram_Bq, rel=1e-9)
    assert as_found.eoi.activity_Bq["Yb-175"] > as_found.eoi.activity_Bq["Lu-177"]  # 174Yb: more of it, and 22 times the cross section


def test_what_comprises_the_uncertainty_is_said_and_adds_up() -> None:
    c = irradiate_neutrons("Yb-176", 2e14, 14 * DAY, mass_kg=1e-3, enrichment=1.0)
    parts = [float(x.rsplit(" ", 1)[1].rstrip("%")) / 100 for x in c.comprises]
    assert c.u_relative == pytest.approx(sum(p**2 for p in parts) ** 0.5, rel=0.01)
    assert any("Yb-176 to Yb-177: 1.75%" in x for x in c.comprises)  # 0.05 b of 2.849 b
    assert "flux" in c.not_comprised and "self-shielding" in c.not_comprised
    unknown = irradiate_neutrons("Sm-152", 1e14, 2 * DAY, mass_kg=1e-3, enrichment=0.99)
    assert unknown.u_relative == 0 and any("Sm-152" in x and "not known" in x for x in unknown.not_comprised)


def test_warnings_name_what_was_not_read_and_what_is_not_counted() -> None:
    said = " | ".join(irradiate_neutrons("Te-130", 1e14, 10 * DAY, mass_kg=1e-2, epithermal_ratio=0.02).warnings)
    assert "recalled" in said and "Te-130 to Te-131" in said and "self-shielding" in said and "Te-128" in said
    assert "Lu-177 to Lu-178" in " ".join(w for w in irradiate_neutrons("Yb-176", 1e14, DAY, mass_kg=1e-3, epithermal_ratio=0.02).warnings if "resonance integral" in w)


def test_epithermal_neutrons_add_the_resonance_integral() -> None:
    thermal, both = (irradiate_neutrons("Mo-98", 1e14, DAY, mass_kg=1e-3, enrichment=0.98, epithermal_ratio=x).activity_per_gram_Bq for x in (0.0, 0.05))
    assert both / thermal == pytest.approx(1 + 0.05 * 6.7 / 0.13, rel=1e-3)


def test_own_cross_sections_take_the_place_of_those_held(tmp_path: Path) -> None:
    file = tmp_path / "own.csv"
    file.write_text("target,product,sigma0_b,u_sigma0_b,resonance_integral_b\n176Yb,177Yb,5.698,0.1,7\n197Au,198Au,98.7,,\n")
    own = read_cross_sections(file)
    held, mine = (irradiate_neutrons("Yb-176", 1e12, DAY, mass_kg=1e-3, enrichment=1.0, own=x) for x in ((), own))
    assert mine.product == "Lu-177" and mine.activity_per_gram_Bq / held.activity_per_gram_Bq == pytest.approx(2.0, rel=1e-4)
    assert len(with_own(own)) == len(reactions()) + 1
    gold = irradiate_neutrons("Au-197", 1e13, DAY, mass_kg=1e-6, enrichment=1.0, own=own)
    assert gold.product == "Au-198" and any("not known" in x for x in gold.not_comprised)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("target,product\nYb-176,Yb-177\n", "sigma0_b"), ("target,product,sigma0_b,flux\nYb-176,Yb-177,3,1\n", "flux"), ("target,product,sigma0_b\nYb-176,Yb-177,-3\n", "line 2"),
        ("target,product,sigma0_b\nYb-176,Yb-177,three\n", "three"), ("target,product,sigma0_b\nXx-176,Yb-177,3\n", "Xx-176"), ("target,product,sigma0_b,kind\nYb-176,Yb-177,3,fusion\n", "fusion"), ("", "missing"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_of_cross_sections_is_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(BadInput, match=says):
        read_cross_sections(tmp_path / "own.csv")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target": "Fe-58"}, "no cross section of Fe-58"), ({"flux_per_cm2_s": -1.0}, "flux"), ({"flux_per_cm2_s": float("nan")}, "flux"), ({"time_s": 0.0}, "irradiation time"), ({"mass_kg": 0.0}, "mass"),
        ({"enrichment": 99.0}, "enrichment"), ({"neutron_temperature_K": 20.0}, "250 to 400 K"), ({"epithermal_ratio": 2.0}, "epithermal"), ({"cool_s": -1.0}, "cooling"), ({"product": "I-131"}, "does not arise"),
        ({"target": "Ra-226", "enrichment": 0.5}, "unknown"),
    ],
)  # fmt: skip
def test_refused(change: dict, says: str) -> None:
    given = {"target": "Yb-176", "flux_per_cm2_s": 1e14, "time_s": DAY, "mass_kg": 1e-3, "enrichment": 0.9} | change
    with pytest.raises(BadInput, match=says):
        irradiate_neutrons(given.pop("target"), given.pop("flux_per_cm2_s"), given.pop("time_s"), **given)


def test_names_of_stable_isotopes() -> None:
    assert isotope("130Te") == "Te-130" and isotope("[176Lu]") == "Lu-176" and isotope("99mTc") == "Tc-99m"
    with pytest.raises(BadInput):
        isotope("Yb")


def test_a_factor_that_is_given_holds_at_every_temperature() -> None:
    assert westcott_g(1.0, 260.0) == westcott_g(1.0, 390.0) == 1.0
