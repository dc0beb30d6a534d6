"""Alpha kernels: what is emitted is deposited, within the range, the recoil at the point."""

import numpy as np
import pytest

from lutetia.core import BadInput, CouldNot
from lutetia.nuclides import nuclide
from lutetia.transport.alphas import alpha_kernel, alpha_range_um, mono_alpha_kernel
from lutetia.transport.stopping import alpha_stopping_power


@pytest.mark.parametrize("name", ["Ac-225", "Fr-221", "At-211", "Bi-213", "Po-213", "Ra-223", "Bi-212", "Tb-149"])
def test_energy_is_conserved_and_the_recoil_stays(name):
    n = nuclide(name)
    k = alpha_kernel(n)
    alpha, recoil = n.energy_per_decay_MeV["alpha"], n.energy_per_decay_MeV["recoil"]
    assert k.energy_MeV[0] == pytest.approx(recoil, rel=1e-9)
    assert k.energy_MeV[-1] == pytest.approx(alpha + recoil, rel=1e-9)
    assert k.emitted_MeV == pytest.approx(alpha + recoil, rel=1e-12)
    assert 1000 * k.radius_mm[-1] == pytest.approx(float(alpha_range_um(n.lines["alpha"].energy_MeV.max())))


def test_energy_falls_off_as_the_stopping_power_says():
    """In the first micrometre an alpha loses S(E) times the path, to the change of S along it."""
    k = mono_alpha_kernel(8.0)
    assert float(k.within(1e-3)) == pytest.approx(float(alpha_stopping_power(8.0)) * 1e-4, rel=0.01)


def test_a_bragg_peak_lies_near_the_end():
    k = mono_alpha_kernel(6.0)
    r = np.linspace(0, k.radius_mm[-1], 200)
    loss = np.diff(k.within(r))
    assert loss.argmax() > 170
    assert loss.max() / loss[0] == pytest.approx(float(alpha_stopping_power(0.75) / alpha_stopping_power(6.0)), rel=0.05)


def test_bad_input():
    with pytest.raises(CouldNot, match="Lu-177 emits no alpha"):
        alpha_kernel(nuclide("Lu-177"))
    with pytest.raises(BadInput):
        mono_alpha_kernel(0.0)
    with pytest.raises(BadInput):
        alpha_range_um(21.0)
