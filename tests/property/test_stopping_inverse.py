"""Invariants of ranges over all energies."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from lutetia.transport import stopping as st


@given(some.floats(1e-5, 9.9), some.sampled_from(st.electron_materials()))
def test_electron_range_and_energy_are_inverse(energy, material):
    R = float(st.electron_csda_range_g_cm2(energy, material))
    assert float(st.electron_range_energy_MeV(R, material)) == pytest.approx(energy, rel=1e-8)


@given(some.floats(1e-5, 19.9))
def test_alpha_range_and_energy_are_inverse(energy):
    assert float(st.alpha_energy_at_range_MeV(float(st.alpha_csda_range_g_cm2(energy)))) == pytest.approx(energy, rel=1e-8)


@given(some.floats(1e-5, 9.0), some.floats(1.001, 1.1))
def test_more_energy_goes_farther(energy, factor):
    assert st.electron_csda_range_g_cm2(energy * factor) > st.electron_csda_range_g_cm2(energy)
    assert st.alpha_csda_range_g_cm2(energy * factor) > st.alpha_csda_range_g_cm2(energy)
