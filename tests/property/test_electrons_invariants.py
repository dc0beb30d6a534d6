"""Invariants of electron kernels over all energies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from lutetia.transport.electron_kernels import mono_electron_kernel
from lutetia.transport.stopping import electron_csda_range_g_cm2, electron_radiation_yield


@given(some.floats(1e-5, 9.9))
def test_energy_is_conserved_and_never_falls(energy):
    k = mono_electron_kernel(energy)
    assert k.energy_MeV[0] == 0
    assert np.all(np.diff(k.energy_MeV) >= 0)
    assert k.energy_MeV[-1] == pytest.approx(energy * (1 - float(electron_radiation_yield(energy))), rel=1e-9)


@given(some.floats(1e-3, 5.0))
def test_half_the_energy_lies_between_a_third_and_two_thirds_of_the_range(energy):
    k = mono_electron_kernel(energy)
    R = 10 * float(electron_csda_range_g_cm2(energy))
    half = 0.5 * k.energy_MeV[-1]
    assert float(k.within(R / 3)) < half < float(k.within(2 * R / 3))
