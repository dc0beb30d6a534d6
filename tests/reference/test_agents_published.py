"""Molar activities and amounts against published values."""

from __future__ import annotations

import pytest

from lutetia.agents import agent, molar_activity_Bq_per_nmol, vial
from lutetia.nuclides import evaluation_differences, nuclide


def test_molar_activity_of_carrier_free_lutetium() -> None:
    assert molar_activity_Bq_per_nmol("Lu-177") == pytest.approx(727e6, rel=1e-3)
    # EndolucinBeta states more than 3000 GBq/mg; carrier-free is the most there can be.
    assert molar_activity_Bq_per_nmol("Lu-177") / 177e-9 * 1e-3 / 1e9 > 3000


def test_molar_activity_of_actinium_differs_as_its_half_life_does() -> None:
    """487 MBq/nmol goes with 9.92 d; ICRP 107 has 10.0 d."""
    ours = molar_activity_Bq_per_nmol("Ac-225")
    newer = next(d for d in evaluation_differences("Ac-225") if d["quantity"] == "half-life")
    assert ours == pytest.approx(487e6, rel=0.01)
    assert ours * nuclide("Ac-225").half_life_s / newer["ddep"] == pytest.approx(487e6, rel=1e-3)


def test_pluvicto() -> None:
    """10.18 nmol hot and 46.91 nmol cold in 7.4 GBq (example files of qurit/PyCNO), together 59.5 ug of the ligand."""
    v = vial("Lu-177", 7.4e9, 57.09)
    assert (v.hot_nmol, v.cold_nmol) == (pytest.approx(10.18, abs=0.01), pytest.approx(46.91, abs=0.01))
    assert v.ligand_nmol * agent("Pluvicto").molar_mass_g_per_mol / 1000 == pytest.approx(59.5, rel=2e-3)


def test_an_alpha_emitter_comes_with_almost_only_cold_ligand() -> None:
    """10 MBq of 225Ac are 0.021 nmol."""
    assert vial("Ac-225", 1e7, 57.09).hot_nmol == pytest.approx(0.021, rel=0.03)


def test_ligand_of_ha_dotatate() -> None:
    """151 ug and 5.23 ug (Siebinga et al. 2023, doi:10.1186/s40658-023-00565-4) are 92.7 and 3.2 nmol."""
    assert 151 / agent("177Lu-HA-DOTATATE").molar_mass_g_per_mol * 1000 == pytest.approx(92.7, abs=0.05)
    assert 5.23 / agent("68Ga-HA-DOTATATE").molar_mass_g_per_mol * 1000 == pytest.approx(3.2, abs=0.05)
