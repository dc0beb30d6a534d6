"""Interaction coefficients against tables printed by NIST."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import trapezoid

from lutetia.core import BadInput
from lutetia.transport.materials import CT_MATERIALS
from lutetia.transport.photon_data import (
    HC_MEV_ANGSTROM,
    compton_energy_fraction,
    photon_coefficients,
    photon_tables,
    scattering_functions,
)

_SRD126 = {
    "water_liquid": "water", "air_dry": "air", "adipose_icru44": "adipose", "lung_icru44": "lung",
    "tissue_soft_icru44": "soft_tissue", "muscle_skeletal_icru44": "muscle", "bone_cortical_icru44": "cortical_bone",
}


@pytest.mark.parametrize(
    ("material", "energy_MeV", "mu"),
    # Hubbell and Seltzer, NIST SRD 126, doi 10.18434/T4D01F, table 4, cm2/g
    [("water", 0.01, 5.329), ("water", 0.05, 0.2269), ("water", 0.2, 0.1370), ("water", 3.0, 0.03969), ("cortical_bone", 0.05, 0.4242), ("cortical_bone", 1.0, 0.06566), ("air", 0.1, 0.1541), ("soft_tissue", 0.15, 0.1492)],
)
def test_total_attenuation(material: str, energy_MeV: float, mu: float) -> None:
    assert photon_coefficients(material, energy_MeV).total == pytest.approx(mu, rel=1e-3)


def test_total_attenuation_of_seven_materials(shared: Path) -> None:
    with (shared / "reference/transport/nist_srd126_mu_muen.csv").open() as f:
        rows = list(csv.DictReader(line for line in f if not line.startswith("#")))
    checked = 0
    for theirs, ours in _SRD126.items():
        mine = [r for r in rows if r["material"] == theirs and 0.005 <= float(r["energy_MeV"]) <= 10]
        energy = np.array([float(r["energy_MeV"]) for r in mine])
        np.testing.assert_allclose(photon_coefficients(ours, energy).total, [float(r["mu_rho_cm2_g"]) for r in mine], rtol=1e-3, err_msg=ours)
        checked += len(mine)
    assert checked > 150


@pytest.mark.parametrize(("energy_MeV", "mu_en"), [(0.01, 4.944), (0.03, 0.1557), (0.1, 0.02546), (0.2, 0.02967), (0.5, 0.03299), (1.0, 0.03103)])
def test_energy_transfer_in_water_is_mu_en(energy_MeV: float, mu_en: float) -> None:
    # NIST SRD 126; transfer exceeds absorption by the bremsstrahlung of the electrons, 0.25 % at 1 MeV
    t = photon_tables(("water",))
    transfer = np.exp(np.interp(np.log(energy_MeV), t.log_first + np.arange(len(t.mu)) / t.per_log, np.log(t.transfer[:, 0])))
    assert 0.9985 * mu_en < transfer < 1.004 * mu_en


@pytest.mark.parametrize("material", ["water", "cortical_bone"])
def test_incoherent_cross_section_is_klein_nishina_times_s(material: str) -> None:
    """The tables of cross sections and of S(x) come from different authors; integrated, one gives the other."""
    energy = np.array([0.02, 0.06, 0.2, 1.0])[:, None]
    theta = np.linspace(0, np.pi, 2001)
    versine = 1 - np.cos(theta)
    ratio = 1 / (1 + energy / 0.51099895 * versine)
    _, s = scattering_functions(material, energy / HC_MEV_ANGSTROM * np.sin(theta / 2))
    per_angle = 0.5 * 0.07940788 * ratio**2 * (ratio + 1 / ratio - np.sin(theta) ** 2) * s * 2 * np.pi * np.sin(theta)
    np.testing.assert_allclose(trapezoid(per_angle, theta, axis=1) * 0.602214, photon_coefficients(material, energy[:, 0]).incoherent, rtol=0.01)


def test_pair_production_is_smooth_between_the_points_of_xcom() -> None:
    """The slope in log-log falls steadily from the threshold on; a spline that swings would show."""
    energy = np.geomspace(1.03, 9.5, 200)
    pair = photon_coefficients("water", energy).pair
    slope = np.diff(np.log(pair)) / np.diff(np.log(energy))
    assert (pair > 0).all() and (np.diff(slope) < 0.02).all()
    assert photon_coefficients("water", np.array([1.0, 1.021])).pair == pytest.approx(0, abs=1e-12)


def test_compton_energy_of_free_electrons_at_high_energy() -> None:
    # Klein-Nishina mean fractions (Attix 1986, doi 10.1002/9783527617135, fig. 7.6 and appendix D): 0.138 at 0.1 MeV, 0.44 at 1 MeV, 0.5308 at 2 MeV
    assert compton_energy_fraction("water", np.array([0.1, 1.0, 2.0])) == pytest.approx([0.138, 0.44, 0.531], abs=0.003)


def test_lookup_tables_are_probabilities() -> None:
    t = photon_tables(CT_MATERIALS)
    assert (np.diff(t.branch, axis=2) >= 0).all() and (t.branch >= 0).all() and (t.branch <= 1 + 1e-12).all()
    assert (t.transfer < t.mu).all() and (np.diff(t.s, axis=1) >= -1e-9).all() and (np.diff(t.f2, axis=1) >= 0).all()


def test_energies_outside_the_tables_are_refused() -> None:
    with pytest.raises(BadInput, match="10"):
        photon_coefficients("water", 12.0)
    with pytest.raises(BadInput):
        photon_coefficients("water", 0.0005)
