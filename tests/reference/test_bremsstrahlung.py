"""Bremsstrahlung of electrons stopped in water."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from lutetia.nuclides import nuclide
from lutetia.nuclides.model import Lines, Nuclide
from lutetia.transport.bremsstrahlung import bremsstrahlung_lines, bremsstrahlung_shape, electrons_above


def electrons(*energies_MeV: float) -> Nuclide:
    e = np.array(energies_MeV)
    return Nuclide("electrons", 1.0, (), MappingProxyType({"electron": Lines(e, np.ones(len(e)))}), None, MappingProxyType({}))


@pytest.mark.parametrize(("energy_MeV", "radiation_yield"), [(0.1, 5.842e-4), (0.5, 1.976e-3), (1.0, 3.579e-3), (2.0, 7.085e-3)])
def test_energy_is_the_radiation_yield_of_estar(energy_MeV: float, radiation_yield: float) -> None:
    """ESTAR, water, doi 10.18434/T4NC7P."""
    lines = bremsstrahlung_lines(electrons(energy_MeV))
    assert lines.energy_MeV @ lines.per_decay == pytest.approx(radiation_yield * energy_MeV, rel=0.003)
    assert lines.energy_MeV.max() < energy_MeV and (np.diff(lines.energy_MeV) > 0).all()


def test_y90_radiates_four_keV_of_its_933() -> None:
    """Yields of ESTAR folded with the beta spectrum; Y = 0.0033 at the mean energy alone, and Y grows faster than linearly."""
    lines = bremsstrahlung_lines(nuclide("Y-90"))
    radiated = lines.energy_MeV @ lines.per_decay
    assert 0.0033 * 0.933 < radiated < 0.0072 * 0.933
    assert radiated == pytest.approx(0.0041, rel=0.03)


def test_integral_of_the_cross_section_is_near_the_radiative_stopping_power() -> None:
    """3BN with Elwert's factor, unscaled, with Z(Z+1) for the atom's electrons: ESTAR within 25 % from 50 keV to 2 MeV."""
    per_gram = 6.02214e23 / 18.015 * (2 * 2 + 8 * 9) * 7.9407877e-26 / 137.036
    for kinetic_MeV, estar in ((0.05, 4.031e-3), (0.1, 4.228e-3), (0.5, 7.257e-3), (1.0, 1.280e-2), (2.0, 2.678e-2)):
        k = np.linspace(0, kinetic_MeV, 2001)[1:-1]
        radiative = per_gram * np.sum(bremsstrahlung_shape(k, np.array(kinetic_MeV))) * (k[1] - k[0])
        assert radiative == pytest.approx(estar, rel=0.25)


def test_soft_photons_are_the_many_and_hard_ones_carry_the_energy() -> None:
    lines = bremsstrahlung_lines(nuclide("Y-90"))
    assert (np.diff(lines.per_decay) < 0).all()  # groups are equally wide in ln k
    assert np.average(lines.energy_MeV, weights=lines.per_decay) < 0.06
    assert np.average(lines.energy_MeV, weights=lines.per_decay * lines.energy_MeV) > 0.15


def test_electrons_above_counts_lines_and_betas() -> None:
    y90 = nuclide("Y-90")
    assert electrons_above(y90, np.array([0.0]))[0] == pytest.approx(1.0, abs=0.01)
    assert electrons_above(y90, np.array([2.3]))[0] == pytest.approx(0, abs=1e-9)
    assert electrons_above(electrons(0.1, 0.3), np.array([0.05, 0.1, 0.2, 0.3, 0.31])).tolist() == [2, 2, 1, 1, 0]


def test_nothing_above_1_keV_radiates_nothing() -> None:
    assert bremsstrahlung_lines(electrons(0.0005)).energy_MeV.size == 0
    assert bremsstrahlung_lines(nuclide("Po-210")).per_decay.sum() < 1e-6


def test_finer_groups_hold_the_same_energy() -> None:
    coarse, fine = bremsstrahlung_lines(nuclide("P-32"), 12), bremsstrahlung_lines(nuclide("P-32"), 60)
    assert coarse.energy_MeV @ coarse.per_decay == pytest.approx(fine.energy_MeV @ fine.per_decay, rel=1e-3)
