"""Yields of charged-particle reactions against published numbers, and stopping against other tables."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from lutetia.nuclides import nuclide
from lutetia.supply.production import Layer, irradiate, irradiate_stack, saturation_yields
from lutetia.supply.production.reactions import excitations, reaction
from lutetia.supply.production.stopping import (
    atomic_stopping_MeV_cm2,
    proton_stopping_MeV_cm2_g,
    range_units_per_cm2,
)
from lutetia.transport.stopping import alpha_csda_range_g_cm2, alpha_stopping_power

MCI, HOUR = 3.7e7, 3600.0


def test_ga68_in_zinc() -> None:
    # Szelecsenyi et al. 2012, Radiochim. Acta 100, 5: 13.04 GBq/uA after 2.25 h at 20 MeV, from their measured cross sections.
    r = irradiate("68Zn(p,n)68Ga", 20.0, 3.4, 1e-6, 2.25 * HOUR, enrichment=1.0)
    assert r.eob.activity_Bq["Ga-68"] == pytest.approx(13.04e9, rel=0.03)


def test_zr89_in_a_foil_is_foreseen_above_what_was_measured() -> None:
    # Holland, Sheh, Lewis 2009, Nucl. Med. Biol. 36, 729: 0.1 mm Y at 10 degrees, 15 MeV: 1.52 +- 0.11 mCi/uAh measured; 1.81 by the same integral.
    (foil,) = irradiate_stack([Layer("yttrium", thickness_mm=0.1, angle_deg=10.0, reaction="89Y(p,n)89Zr")], 15.0, 1e-6, HOUR)
    assert foil.areal_g_cm2 == pytest.approx(0.2575, rel=0.002) and foil.made is not None
    foreseen = foil.made.eob.activity_Bq["Zr-89"] / MCI
    assert foreseen == pytest.approx(1.81, rel=0.01) and 1.52 / foreseen == pytest.approx(0.84, abs=0.01)
    assert foil.made.u_relative < 1 - 0.84  # cross sections alone do not explain it


def test_ac225_by_another_program() -> None:
    # ISOTOPIA 2.2 (constant 0.1535): 100 uA, 24 h, 16.8 to 4 MeV: 18.79 GBq. Later releases halve every charged-particle yield.
    r = irradiate("226Ra(p,2n)225Ac", 16.8, 4.0, 100e-6, 24 * HOUR)
    assert r.eob.activity_Bq["Ac-225"] == pytest.approx(18.79e9, rel=0.04)


def test_ac225_cross_section_is_that_of_apostolidis_but_for_its_tail() -> None:
    # EXFOR O1236002: 8.5, 250, 710, 38 mb at 8.8, 12.8, 16.8, 24.8 MeV.
    x = excitations(reaction("Ra-226(p,2n)Ac-225"))[0]
    at = dict(zip((8.8, 12.8, 16.8, 24.8), np.interp((8.8, 12.8, 16.8, 24.8), x.energy_MeV, x.xs_mb)))
    assert [at[8.8], at[12.8], at[16.8]] == pytest.approx([8.5, 250, 710], rel=0.01) and at[24.8] > 2 * 38
    assert any("Apostolidis" in w for w in irradiate("Ra-226(p,2n)Ac-225", 24.8, 4.0, 1e-6, HOUR).warnings)
    assert not any("Apostolidis" in w for w in irradiate("Ra-226(p,2n)Ac-225", 16.8, 4.0, 1e-6, HOUR).warnings)


def test_ac225_of_a_thin_layer_agrees_with_nagatsu_for_a_plausible_spot() -> None:
    # Nagatsu et al. 2021, EJNMMI 49, 279: 37 MBq 226Ra (1.01 mg), 15.6 MeV, 20 uA, 5 h: 2.4 MBq. The area is not stated: consistency alone.
    for area, low, high in ((0.8, 1.2, 2.0), (1.6, 0.5, 1.0)):
        (layer,) = irradiate_stack([Layer("Ra", areal_g_cm2=1.01e-3 / area, reaction="226Ra(p,2n)225Ac")], 15.6, 20e-6, 5 * HOUR)
        assert layer.made is not None and low < layer.made.eob.activity_Bq["Ac-225"] / 2.4e6 < high


def test_f18_by_measured_cross_sections_beside_a_published_yield() -> None:
    # Kambali 2021, J. Phys. Conf. Ser. 1825, 012080: 60.07 mCi/uAh at 13 MeV; Hess's points with PSTAR give 66.3.
    r = irradiate("18O(p,n)18F", 13.0, 2.43, 1e-6, HOUR, enrichment=0.995)
    ours = r.eob.activity_Bq["F-18"] / MCI
    assert ours == pytest.approx(66.3, rel=0.01) and ours / 60.07 == pytest.approx(1.10, abs=0.02)
    assert r.target == "H2O" and r.u_relative > 0.1 and any("60.07" in w for w in r.warnings)


def test_ge68_is_near_another_program_and_says_that_nothing_was_published() -> None:
    # ISOTOPIA: 69Ga, 25 to 15 MeV, 1 mA, 7 d: 7.064 Ci. Foreseen for natural gallium, 30 to 11 MeV: 1.38 MBq/uAh.
    pure = irradiate("69Ga(p,2n)68Ge", 25.0, 15.0, 1e-3, 168 * HOUR)
    assert pure.eob.activity_Bq["Ge-68"] / 3.7e10 == pytest.approx(7.064, rel=0.04)
    natural = irradiate("natGa(p,x)68Ge", 30.0, 11.0, 1e-6, HOUR)
    assert natural.eob.activity_Bq["Ge-68"] == pytest.approx(1.38e6, rel=0.02)
    assert natural.u_relative >= 0.15 and any("No published integral yield" in w for w in natural.warnings)
    assert natural.enrichment == pytest.approx(0.60108)


def test_an_hour_of_iodine_in_tellurium_lies_below_the_later_evaluation() -> None:
    # 124Te(p,n)124I, 12 to 8 MeV: the set held here is about 12 % below the later one, which is said.
    r = irradiate("124Te(p,n)124I", 12.0, 8.0, 1e-6, HOUR)
    assert any("12 %" in w for w in r.warnings) and r.uncertainty["cross_section"] == pytest.approx(0.15)


def test_i123_comes_by_way_of_its_parents() -> None:
    # 30 to 23 MeV, 100 uA, 6 h and 6.6 h of waiting: 268 GBq by an earlier calculation of the same integral.
    r = irradiate("124Xe(p,x)123I", 30.0, 23.0, 100e-6, 6 * HOUR, cool_s=6.6 * HOUR)
    assert r.product == "I-123" and r.rate_per_s.keys() == {"Cs-123", "Xe-123"}
    assert r.after.activity_Bq["I-123"] == pytest.approx(268e9, rel=0.01) and r.after.activity_Bq["I-123"] > r.eob.activity_Bq["I-123"]
    # Every nucleus made is caesium, xenon or iodine until the iodine decays.
    atoms = sum(r.eob.activity_Bq[n] / nuclide(n).decay_constant_per_s for n in ("Cs-123", "Xe-123", "I-123"))
    assert np.exp(-np.log(2) * 6 / 13.27) < atoms / (sum(r.rate_per_s.values()) * 6 * HOUR) < 1


@pytest.mark.parametrize("z", [13, 14, 18, 22, 26, 29, 32, 36, 42, 47, 50, 54])
def test_an_element_is_found_again_from_its_neighbours(z: int) -> None:
    symbol = {13: "Al", 14: "Si", 18: "Ar", 22: "Ti", 26: "Fe", 29: "Cu", 32: "Ge", 36: "Kr", 42: "Mo", 47: "Ag", 50: "Sn", 54: "Xe"}[z]
    E = np.linspace(3.0, 30.0, 28)
    assert proton_stopping_MeV_cm2_g(E, symbol, without=(z,)) == pytest.approx(proton_stopping_MeV_cm2_g(E, symbol), rel=0.005)


def test_heavy_elements_are_found_again_less_well() -> None:
    E = np.linspace(3.0, 30.0, 28)
    worst = max(np.abs(proton_stopping_MeV_cm2_g(E, s, without=(z,)) / proton_stopping_MeV_cm2_g(E, s) - 1).max() for s, z in (("Gd", 64), ("W", 74), ("Pb", 82)))
    assert 0.01 < worst < 0.042


@pytest.mark.parametrize("energy_MeV", [8.0, 12.0, 20.0])
def test_alphas_scaled_from_protons_agree_with_astar_in_water(energy_MeV: float) -> None:
    # ASTAR for the liquid; atoms of the gases stop some 2 % more (ICRU Report 49).
    water = sum(n * atomic_stopping_MeV_cm2(energy_MeV, s, "a") for s, n in (("H", 2), ("O", 1))) * 6.02214076e23 / 18.015
    assert water == pytest.approx(float(alpha_stopping_power(energy_MeV)), rel=0.025)


def test_ranges_of_alphas_agree_with_astar() -> None:
    E = np.array([10.0, 20.0])
    ours, astar = range_units_per_cm2(E, (("H", 2.0), ("O", 1.0)), "a") * 18.015 / 6.02214076e23, alpha_csda_range_g_cm2(E)
    assert ours[1] - ours[0] == pytest.approx(astar[1] - astar[0], rel=0.025)
    assert np.all(ours < astar) and ours == pytest.approx(astar, rel=0.06)  # slow alphas carry electrons, which is left out


def test_the_integral_is_the_textbook_one() -> None:
    """Y = I/(z e) N_A/A w integral sigma/S dE with the mass stopping power of an enriched target, by an independent quadrature."""
    x = excitations(reaction("Mo-100(p,2n)Tc-99m"))[0]
    A_natural, A_100, w = 95.94, 99.907468, 1.0
    stopping = lambda E: float(proton_stopping_MeV_cm2_g(E, "Mo")) * A_natural / A_100  # noqa: E731
    integral = quad(lambda E: np.interp(E, x.energy_MeV, x.xs_mb) * 1e-27 / stopping(E), 10.0, 22.0, limit=500, points=x.energy_MeV[(x.energy_MeV > 10) & (x.energy_MeV < 22)])[0]
    textbook = 1 / 1.602176634e-19 * 6.02214076e23 / A_100 * w * integral
    assert float(saturation_yields("Mo-100(p,2n)Tc-99m", 22.0, 10.0)) == pytest.approx(textbook, rel=1e-4)


def test_natural_molybdenum_gives_its_share_of_the_isotope() -> None:
    # 9.744 % of the atoms; the stopping of the atoms is the same.
    pure, natural = (float(saturation_yields(r, 22.0, 10.0)) for r in ("Mo-100(p,2n)Tc-99m", "natMo(p,x)Tc-99m"))
    assert natural / pure == pytest.approx(0.09744, rel=1e-6)
