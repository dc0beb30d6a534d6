"""Rules of production: names, isotopes, files of cross sections, stacks, machines, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.supply.production import (
    Excitation,
    Layer,
    irradiate,
    irradiate_stack,
    machine,
    mixed_target,
    purity,
    reaction,
    read_excitations,
    read_stack,
    saturation_yields,
    target,
)
from lutetia.supply.production.reactions import excitations

YANDF = """# header:
#   title: O18(p,x)F18 cross section
#   source: EXFOR
##       E             dE             xs             dxs       Normalization
##     [MeV]          [MeV]          [mb]           [mb]            []
   1.093000E+01   1.000000E-01   9.800000E+01   1.000000E+01   1.000000E+00
   1.552000E+01   1.000000E-01   4.500000E+01   1.000000E+01   1.000000E+00
   1.998000E+01   1.000000E-01   2.900000E+01   8.000000E+00   1.000000E+00
"""


@pytest.mark.parametrize(
    ("text", "name"),
    [("Ra-226(p,2n)Ac-225", "Ra-226(p,2n)Ac-225"), ("226Ra(p,2n)225Ac", "Ra-226(p,2n)Ac-225"), (" 100Mo( p , 2n )99mTc ", "Mo-100(p,2n)Tc-99m"), ("natGa(p,x)68Ge", "Ga(p,x)Ge-68"),
     ("Ga-nat(p,X)Ge68", "Ga(p,x)Ge-68"), ("ra226(P,2N)ac225", "Ra-226(p,2n)Ac-225"), ("Bi-209(alpha,2n)At-211", "Bi-209(a,2n)At-211"), ("Yb-176(d,p)Yb-177", "Yb-176(d,p)Yb-177")],
)  # fmt: skip
def test_reactions_are_read_in_common_spellings(text: str, name: str) -> None:
    assert str(reaction(text)) == name


@pytest.mark.parametrize(("text", "says"), [("", "cannot read"), ("Ra-226", "cannot read"), ("Qq-226(p,n)F-18", "no target nuclide"), ("O-18(n,p)N-18", "projectile"), ("O-18(p,n)F-99", "F-99"), (None, "cannot read")])
def test_what_is_no_reaction_is_refused(text: object, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        reaction(text)  # type: ignore[arg-type]


def test_an_unknown_reaction_names_near_ones() -> None:
    with pytest.raises(BadInput, match=r"Did you mean .*Zn-68\(p,n\)Ga-68"):
        saturation_yields("Zn-67(p,n)Ga-67", 14.0, 4.0)
    with pytest.raises(BadInput, match="no cross section"):
        saturation_yields("Ra-226(p,n)Ac-225", 14.0, 4.0)  # held is (p,2n)


def test_the_rest_of_an_enriched_target_is_the_other_isotopes() -> None:
    t = target("zinc", "Zn", 68, 0.9)
    assert sum(t.isotopes.values()) == pytest.approx(1) and t.isotopes[68] == 0.9
    assert t.isotopes[64] / t.isotopes[66] == pytest.approx(0.4917 / 0.2773)
    assert t.density_g_cm3 == pytest.approx(7.133 * t.unit_g * 6.02214076e23 / 65.39) and t.density_g_cm3 > 7.133
    assert target("zinc", "Zn").isotopes[68] == 0.1845
    assert target("Ra", "Ra", 226, 0.99).isotopes == {226: 0.99, 0: pytest.approx(0.01)}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("zinc", "Zn", 68, 1.01), "above 0 and up to 1"), (("zinc", "Zn", 68, 0.0), "above 0"), (("zinc", "Zn", 68, float("nan")), "above 0"), (("zinc", "Zn", None, 0.5), "name the isotope"),
     (("yttrium", "Y", 89, 0.9), "no other natural isotope"), (("zinc", "Ga"), "holds no Ga"), (("zink", "Zn", 68), "Did you mean zinc"), (("Ra", "Ra"), "no natural composition")],
)  # fmt: skip
def test_impossible_targets_are_refused(arguments: tuple, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        target(*arguments)


@pytest.mark.parametrize("isotopes", [{68: 0.9, 67: 0.2}, {68: 0.5}, {68: 1.1, 67: -0.1}, {}])
def test_fractions_that_do_not_add_to_one_are_refused(isotopes: dict[int, float]) -> None:
    with pytest.raises(BadInput, match="add to"):
        mixed_target("zinc", "Zn", isotopes)


def test_other_isotopes_in_the_target_make_by_products() -> None:
    other = Excitation(reaction("Zn-67(p,n)Ga-67"), np.array([3.0, 10.0, 40.0]), np.array([0.0, 500.0, 50.0]), np.full(3, np.nan), "a test")
    sample = mixed_target("zinc", "Zn", {68: 0.98, 67: 0.02})
    with_it, without = (irradiate("Zn-68(p,n)Ga-68", 11.0, 4.0, 1e-6, 3600.0, irradiated=sample, given=given) for given in ((other,), ()))
    assert without.eob.activity_Bq.get("Ga-67", 0.0) == 0.0 and with_it.eob.activity_Bq["Ga-67"] > 0
    assert purity(without.eob, "Ga-68", [0.0])[0] == 1.0 > purity(with_it.eob, "Ga-68", [0.0])[0]
    assert any("Zn-67" in w for w in without.warnings) and not any("Zn-67" in w and "Purity" in w for w in with_it.warnings)
    assert with_it.eob.activity_Bq["Ga-68"] == pytest.approx(without.eob.activity_Bq["Ga-68"])


def test_purity_of_gallium_falls_with_time_and_with_energy() -> None:
    low, high = (irradiate("Zn-68(p,n)Ga-68", e, 4.0, 1e-6, 3600.0) for e in (13.0, 20.0))
    p = purity(high.eob, "Ga-68", [0.0, 3600.0, 7200.0])
    assert np.all(np.diff(p) < 0) and p[0] < purity(low.eob, "Ga-68", [0.0])[0]


def test_progeny_of_the_product_is_no_impurity() -> None:
    r = irradiate("Ra-226(p,2n)Ac-225", 16.8, 10.0, 1e-4, 432000.0)
    assert r.eob.activity_Bq["Fr-221"] > 0 and purity(r.eob, "Ac-225", [0.0, 1e6]).tolist() == [1.0, 1.0]
    assert any("Ra-226" in w and "activity of the target" in w for w in r.warnings)


@pytest.mark.parametrize(
    ("change", "says"),
    [({"energy_MeV": 60.0}, "--extrapolate"), ({"energy_MeV": 500.0}, "stopping powers"), ({"exit_MeV": 17.0}, "below the entry"), ({"exit_MeV": -1.0}, "zero or more"), ({"energy_MeV": 5.0, "exit_MeV": 1.0}, "begin at"),
     ({"current_A": -1e-6}, "current"), ({"current_A": float("nan")}, "current"), ({"time_s": 0.0}, "time"), ({"time_s": -5.0}, "time"), ({"cool_s": -1.0}, "cooling"), ({"duty": 1.5}, "duty"), ({"duty": 0.0}, "duty"),
     ({"enrichment": 1.2}, "enrichment"), ({"beam_area_cm2": 0.0}, "beam area"), ({"cyclotron": "Cyclone"}, "machine"), ({"cyclotron": "Cyclone IKON", "current_A": 2e-3}, "1500 uA"),
     ({"cyclotron": "IBA self-extracting"}, "14 MeV"), ({"cyclotron": "cyclone 18/18", "energy_MeV": 19.0}, "18 MeV"), ({"material": "water"}, "holds no Ra")],
)  # fmt: skip
def test_what_cannot_be_irradiated_is_refused(change: dict, says: str) -> None:
    values = {"energy_MeV": 16.8, "exit_MeV": 10.0, "current_A": 1e-4, "time_s": 3600.0} | change
    with pytest.raises(BadInput, match=says):
        irradiate("Ra-226(p,2n)Ac-225", **values)


def test_extrapolation_is_said_and_holds_the_last_value() -> None:
    r = irradiate("Ra-226(p,2n)Ac-225", 40.0, 36.0, 1e-6, 3600.0, extrapolate=True)
    assert any("extrapolated above 36 MeV" in w for w in r.warnings)
    thin = float(saturation_yields("Ra-226(p,2n)Ac-225", 36.0, 35.9))
    assert r.saturation_yield_Bq_per_A == pytest.approx(40 * thin, rel=0.08)  # slices of 0.1 MeV, while stopping falls by 8 %


def test_a_machine_says_what_was_verified() -> None:
    assert machine("PETtrace", "d").energy_max_MeV == 8.4 and machine("PETtrace").current_max_A is None
    with pytest.raises(BadInput, match="alphas"):
        machine("PETtrace", "a")
    r = irradiate("Y-89(p,n)Zr-89", 12.0, 4.0, 1e-4, 3600.0, cyclotron="Cyclone IKON")
    assert any("not verified" in w for w in r.warnings) and any("degrader" in w for w in r.warnings)


def test_cross_sections_of_ones_own_replace_the_tables(tmp_path: Path) -> None:
    held = excitations(reaction("Y-89(p,n)Zr-89"))[0]
    rows = "\n".join(f"{e},{2 * s},{0.5 * s}" for e, s in zip(held.energy_MeV, held.xs_mb))
    (tmp_path / "y.csv").write_text(f"# mine\nenergy_MeV,xs_mb,u_xs_mb\n{rows}\n")
    given = read_excitations(tmp_path / "y.csv", "89Y(p,n)89Zr")
    mine, theirs = (irradiate("Y-89(p,n)Zr-89", 14.0, 4.0, 1e-6, 3600.0, given=g) for g in (given, ()))
    assert mine.eob.activity_Bq["Zr-89"] == pytest.approx(2 * theirs.eob.activity_Bq["Zr-89"], rel=1e-6)
    assert mine.uncertainty["cross_section"] == pytest.approx(0.25, rel=1e-6)
    assert "y.csv sha256" in str(mine.provenance["cross_sections"]["Y-89(p,n)Zr-89"])  # type: ignore[index]


def test_a_new_reaction_comes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "cu.csv").write_text('reaction,energy_MeV,xs_mb\n"64Ni(p,n)64Cu",3,10\n"64Ni(p,n)64Cu",11,700\n"64Ni(p,n)64Cu",20,100\n"Ni-60(p,n)Cu-60",8,5\n"Ni-60(p,n)Cu-60",20,200\n')
    r = irradiate("Ni-64(p,n)Cu-64", 12.0, 3.0, 1e-6, 3600.0, enrichment=0.95, given=read_excitations(tmp_path / "cu.csv"))
    assert r.target == "Ni" and r.eob.activity_Bq["Cu-60"] > 0 and r.uncertainty["cross_section"] == pytest.approx(0.15)


def test_deuterons_and_alphas_come_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "bi.csv").write_text("energy_MeV,xs_mb\n21,0\n28,800\n30,900\n")
    r = irradiate("209Bi(a,2n)211At", 28.0, 20.0, 1e-5, 3600.0, given=read_excitations(tmp_path / "bi.csv", "209Bi(a,2n)211At"))
    assert r.heat_W == pytest.approx(1e-5 * 8e6 / 2) and r.uncertainty["stopping"] == pytest.approx(np.hypot(0.03, 0.03))
    # An alpha has twice the charge and stops like a proton of a quarter of its energy, four times as fast: an eighth of the yield a microampere.
    (tmp_path / "p.csv").write_text("energy_MeV,xs_mb\n5.285,0\n7.047,800\n7.551,900\n")
    proton = irradiate("209Bi(p,x)211At", 7.047, 5.034, 1e-5, 3600.0, given=read_excitations(tmp_path / "p.csv", "209Bi(p,x)211At"))
    assert r.saturation_yield_Bq_per_A == pytest.approx(proton.saturation_yield_Bq_per_A * 3.9726 / 8, rel=0.002)


def test_texts_of_the_databases_are_read(tmp_path: Path) -> None:
    (tmp_path / "kitwanga").write_text(YANDF)
    (x,) = read_excitations(tmp_path / "kitwanga", "O-18(p,n)F-18")
    assert x.energy_MeV.tolist() == [10.93, 15.52, 19.98] and x.xs_mb.tolist() == [98.0, 45.0, 29.0] and x.u_xs_mb.tolist() == [10.0, 10.0, 8.0]
    (tmp_path / "tendl").write_text(YANDF.replace("[mb]           [mb]", "[b]           [b]").replace("[MeV]", "[keV]"))
    (y,) = read_excitations(tmp_path / "tendl", "O-18(p,n)F-18")
    assert y.energy_MeV == pytest.approx(x.energy_MeV / 1000) and y.xs_mb == pytest.approx(1000 * x.xs_mb)


@pytest.mark.parametrize(
    ("text", "says"),
    [("10 5\n20 6\n", "no columns with units"), ("energy_MeV,xs_b\n10,5\n20,6\n", "xs_mb are wanted"), ("energy_MeV,xs_mb\n10,5\n", "two or more"), ("energy_MeV,xs_mb\n10,5\n10,6\n", "different"),
     ("energy_MeV,xs_mb\n10,-5\n20,6\n", "not negative"), ("energy_MeV,xs_mb\n10,five\n20,6\n", "no number"), ("energy_MeV,xs_mb\n10,\n20,6\n", "all finite"), (YANDF.replace("[mb]", "[mb/sr]"), "mb/sr"),
     (YANDF.replace(" xs ", " ds "), "no column 'xs'"), ("", "no columns"), ("energy_MeV,xs_mb,reaction\n10,5,O-18(p,n)F-18\n20,6,O-18(p,n)F-18\n", "double quotes")],
)  # fmt: skip
def test_files_that_cannot_be_trusted_are_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(text)
    with pytest.raises(BadInput, match=says):
        read_excitations(tmp_path / "x", "O-18(p,n)F-18")


def test_a_missing_file_or_an_unnamed_reaction_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        read_excitations(tmp_path / "nowhere", "O-18(p,n)F-18")
    (tmp_path / "x").write_text(YANDF)
    with pytest.raises(BadInput, match="names no reaction"):
        read_excitations(tmp_path / "x")


def test_data_of_a_whole_element_stand_alone(tmp_path: Path) -> None:
    (tmp_path / "ga.csv").write_text("energy_MeV,xs_mb\n11,0\n20,300\n35,60\n")
    given = read_excitations(tmp_path / "ga.csv", "natGa(p,x)68Ge")
    found = excitations(reaction("natGa(p,x)68Ge"), given)
    assert [str(x.reaction) for x in found] == ["Ga(p,x)Ge-68"]
    assert [str(x.reaction) for x in excitations(reaction("69Ga(p,2n)68Ge"), given)] == ["Ga-69(p,2n)Ge-68"]


def test_a_stack_of_windows_and_foils(tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(
        'schema = "lutetia-stack/1"\n[[layer]]\nmaterial = "titanium"\nthickness = "25 um"\n[[layer]]\nname = "foil"\nmaterial = "Y"\nareal = "45 mg/cm^2"\n'
        'reaction = "Y-89(p,n)Zr-89"\n[[layer]]\nmaterial = "Al"\nthickness = "3 mm"\n[[layer]]\nmaterial = "Y"\nthickness = "1 mm"\nreaction = "Y-89(p,n)Zr-89"\n'
    )  # fmt: skip
    window, foil, stopper, behind = irradiate_stack(read_stack(tmp_path / "s.toml"), 15.0, 1e-5, 3600.0)
    assert window.made is None and foil.name == "foil" and foil.made is not None and foil.made.energy_MeV == window.exit_MeV
    assert foil.made.areal_density_g_cm2 == pytest.approx(0.045, rel=1e-3) and stopper.exit_MeV == 0
    assert behind.made is None and behind.heat_W == 0 and behind.exit_MeV == 0
    alone = irradiate("Y-89(p,n)Zr-89", window.exit_MeV, foil.exit_MeV, 1e-5, 3600.0)
    assert foil.made.eob.activity_Bq["Zr-89"] == pytest.approx(alone.eob.activity_Bq["Zr-89"])


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "no layers"), ("[[layer]\n", "TOML"), ('[[layer]]\nthickness = "1 mm"\n', "no material"), ('[[layer]]\nmaterial = "Al"\n', "either"), ('[[layer]]\nmaterial = "Al"\nthickness = "1 mm"\nareal = "1 g/cm^2"\n', "either"),
     ('[[layer]]\nmaterial = "Al"\nthickness = 1\n', "without a unit"), ('[[layer]]\nmaterial = "Al"\nthicknes = "1 mm"\n', "Did you mean thickness"), ('[[layer]]\nmaterial = "Ga2O3"\nthickness = "1 mm"\n', "areal density"),
     ('[[layer]]\nmaterial = "Al"\nthickness = "1 mm"\nangle = 0\n', "angle"), ('[[layer]]\nmaterial = "Al"\nthickness = "1 mm"\nangle = "10"\n', "degrees"), ('depth = 1\n[[layer]]\nmaterial = "Al"\n', "depth"),
     ('[[layer]]\nmaterial = "Al"\nthickness = "1 mm"\nreaction = 5\n', "text")],
)  # fmt: skip
def test_stack_files_are_checked_key_by_key(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(text)
    with pytest.raises(BadInput, match=says):
        irradiate_stack(read_stack(tmp_path / "s.toml"), 15.0, 1e-5, 3600.0)


def test_a_beam_has_one_projectile_and_a_stack_a_layer() -> None:
    foil = Layer("Y", areal_g_cm2=0.05, reaction="Y-89(p,n)Zr-89")
    with pytest.raises(BadInput, match="one projectile"):
        irradiate_stack([foil], 15.0, 1e-5, 60.0, projectile="d")
    for change, says in (({"energy_MeV": 500.0}, "stopping powers"), ({"current_A": -1.0}, "current"), ({"cyclotron": "PETtrace", "energy_MeV": 17.0}, "16.5 MeV")):
        with pytest.raises(BadInput, match=says):
            irradiate_stack([Layer("Al", areal_g_cm2=0.01)], **{"energy_MeV": 15.0, "current_A": 1e-5, "time_s": 60.0} | change)  # type: ignore[arg-type]
    (said,) = irradiate_stack([foil], 15.0, 1e-5, 60.0, cyclotron="Cyclone IKON")
    assert said.made is not None and any("not verified" in w for w in said.made.warnings)
    with pytest.raises(BadInput, match="no layer"):
        irradiate_stack([], 15.0, 1e-5, 60.0)
