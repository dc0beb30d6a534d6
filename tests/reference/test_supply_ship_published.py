"""Dose rates, attenuation and distances beside published numbers."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.supply.geography import city, great_circle_km, nearest_airport
from lutetia.supply.packages import package
from lutetia.supply.shielding import (
    ambient_pSv_cm2,
    attenuation_parts,
    buildup,
    dose_rate_constant_uSv_m2_per_MBq_h,
    source_photons,
)

GY_PER_R = 8.76e-3


@pytest.mark.parametrize(
    ("nuclide", "exposure", "tolerance"),
    [("F-18", 5.7, 0.01), ("I-131", 2.20, 0.01), ("Lu-177", 0.181, 0.01), ("Tc-99m", 0.795, 0.03)],
)
def test_air_kerma_constants_are_those_of_smith_and_stabin(nuclide: str, exposure: float, tolerance: float) -> None:
    """Smith and Stabin, Health Phys. 102 (2012) 271, doi 10.1097/HP.0b013e318235153a, R cm2/(mCi h), photons from 15 keV."""
    ours = dose_rate_constant_uSv_m2_per_MBq_h(nuclide, progeny=False, bremsstrahlung=False, quantity="air kerma", cut_MeV=0.015)
    published = exposure * GY_PER_R * 1e6 * 1e-4 / 37.0  # uGy m2 / (MBq h)
    assert ours == pytest.approx(published, rel=tolerance)


def test_generators_count_the_daughter() -> None:
    """68Ge has no photon above 20 keV: its constant is that of 68Ga. 99Mo at transient equilibrium has 0.96 of 99mTc for each 99Mo."""
    alone = dose_rate_constant_uSv_m2_per_MBq_h("Ge-68", progeny=False, bremsstrahlung=False)
    gallium = dose_rate_constant_uSv_m2_per_MBq_h("Ga-68", bremsstrahlung=False)
    assert alone == 0 and dose_rate_constant_uSv_m2_per_MBq_h("Ge-68", bremsstrahlung=False) == pytest.approx(gallium, rel=1e-3)
    mo, tc = (dose_rate_constant_uSv_m2_per_MBq_h(n, progeny=False, bremsstrahlung=False) for n in ("Mo-99", "Tc-99m"))
    grown = (dose_rate_constant_uSv_m2_per_MBq_h("Mo-99", bremsstrahlung=False) - mo) / tc
    assert grown == pytest.approx(0.963, abs=0.015)  # 0.875 (branching) times 65.94 / (65.94 - 6.01) h


def test_actinium_shines_by_its_daughters() -> None:
    """440 keV of 213Bi and 218 keV of 221Fr: 26.1 % and 11.4 % of decays (DDEP); the 2.09 % of 209Tl add 1567 keV."""
    energies, numbers = source_photons("Ac-225", bremsstrahlung=False)

    def near(keV: float) -> float:
        return float(numbers[np.abs(energies - keV / 1000) < 0.0015].sum())

    assert near(440.45) == pytest.approx(0.261, rel=0.03)
    assert near(218.1) == pytest.approx(0.114, rel=0.06)
    assert near(1567.1) == pytest.approx(0.0209, rel=0.06)
    parent = dose_rate_constant_uSv_m2_per_MBq_h("Ac-225", progeny=False, bremsstrahlung=False)
    assert parent < 0.1 * dose_rate_constant_uSv_m2_per_MBq_h("Ac-225", bremsstrahlung=False)


def test_a_pure_beta_emitter_has_its_bremsstrahlung() -> None:
    ratio = dose_rate_constant_uSv_m2_per_MBq_h("Y-90") / dose_rate_constant_uSv_m2_per_MBq_h("Y-90", bremsstrahlung=False)
    assert ratio > 1000
    assert 1 < dose_rate_constant_uSv_m2_per_MBq_h("Lu-177") / dose_rate_constant_uSv_m2_per_MBq_h("Lu-177", bremsstrahlung=False) < 1.05


@pytest.mark.parametrize(("energy_MeV", "value"), [(0.02, 1.05), (0.06, 0.51), (0.15, 0.89), (0.5, 2.93), (1.0, 5.20), (2.0, 8.60)])
def test_ambient_dose_equivalent_is_that_of_icrp_74(energy_MeV: float, value: float) -> None:
    assert float(ambient_pSv_cm2(np.array(energy_MeV))) == pytest.approx(value, rel=1e-9)


@pytest.mark.parametrize(
    ("material", "density", "energy_MeV", "mu_rho", "coherent_at_most"),
    [("lead", 11.35, 0.15, 2.014, 0.10), ("lead", 11.35, 0.5, 0.1614, 0.09), ("lead", 11.35, 1.0, 0.07102, 0.06), ("iron", 7.874, 0.5, 0.08414, 0.03), ("tungsten", 19.3, 1.0, 0.06618, 0.06), ("water", 1.0, 0.5, 0.09687, 0.01)],
)
def test_attenuation_is_that_of_nist(material: str, density: float, energy_MeV: float, mu_rho: float, coherent_at_most: float) -> None:
    """NIST SRD 126 (doi 10.18434/T4D01F) counts coherent scattering, which is left out here: a little less, never more."""
    ours = float(np.sum(attenuation_parts(material, np.array(energy_MeV)))) / density
    assert (1 - coherent_at_most) * mu_rho <= ours <= mu_rho * 1.003


@pytest.mark.parametrize(
    ("material", "fit", "thickness_cm", "low", "high"),
    [
        *(("lead", (1.5430, -0.4408, 2.1360), t, 0.90, 1.12) for t in (0.3, 0.5, 1.0, 2.0, 3.0, 5.0)),
        *(("iron", (0.5704, -0.3063, 0.6326), t, 0.95, 1.50) for t in (0.5, 1.0, 2.0, 5.0)),
    ],
)
def test_broad_beam_transmission_of_511_keV(material: str, fit: tuple[float, float, float], thickness_cm: float, low: float, high: float) -> None:
    """AAPM Task Group 108 (Madsen et al. 2006, doi 10.1118/1.2135911): Archer's form with its table of coefficients.

    Its slab ends behind the shield, lutetia's medium does not: what iron scatters back is counted, and more is let through.
    """
    alpha, beta, gamma = fit
    published = ((1 + beta / alpha) * np.exp(alpha * gamma * thickness_cm) - beta / alpha) ** (-1 / gamma)
    e = np.array([0.511])
    depth = np.sum(attenuation_parts(material, e), axis=0) * thickness_cm
    ours = float((buildup(material, e, depth) * np.exp(-depth))[0])
    assert low < ours / published < high


def test_a_type_a_package_holds_700_gbq_of_lutetium_and_6_gbq_of_actinium() -> None:
    """A2: 0.7 TBq of 177Lu (SSR-6 Rev. 1, Table 2), 6e-3 TBq of 225Ac (49 CFR 173.435)."""
    assert package({"Lu-177": 7.4e9}).largest_type_A_Bq == pytest.approx(700e9)
    assert package({"Ac-225": 0.1e9}).largest_type_A_Bq == pytest.approx(6e9)


def test_distance_from_los_angeles_to_new_york() -> None:
    """The example of the Aviation Formulary (E. Williams): LAX to JFK is 0.623585 radian, 2144 nautical miles."""
    km = float(great_circle_km(33 + 57 / 60, -(118 + 24 / 60), 40 + 38 / 60, -(73 + 47 / 60)))
    assert km / 6371.0088 == pytest.approx(0.623585, abs=2e-5)
    assert km / 1.852 == pytest.approx(2144, rel=0.002)


@pytest.mark.parametrize(("name", "iata"), [("Beijing", ("PEK", "PKX", "NAY")), ("Shanghai", ("SHA", "PVG")), ("Guangzhou", ("CAN", "FUO")), ("London", ("LHR", "LCY"))])
def test_cities_have_their_airports(name: str, iata: tuple[str, ...]) -> None:
    here = city(name)
    assert nearest_airport(here.lat_deg, here.lon_deg).iata in iata
