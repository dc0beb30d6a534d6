"""Electron kernels of nuclides: energy conservation, limits, errors."""

import time
from types import MappingProxyType

import numpy as np
import pytest

from lutetia.core import BadInput, CouldNot
from lutetia.data import table
from lutetia.nuclides import Lines, Nuclide, nuclide
from lutetia.transport.electron_kernels import electron_kernel, electron_slices, mono_electron_kernel
from lutetia.transport.electron_mc import simulate_electrons
from lutetia.transport.stopping import (
    electron_csda_range_g_cm2,
    electron_radiation_yield,
    electron_stopping_power,
)

NAMES = ["Lu-177", "Y-90", "I-131", "Tb-161", "Ga-68", "F-18", "Cu-64", "Bi-213", "Pb-212", "I-123", "Tc-99m", "Ge-68"]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_emitted_is_deposited_or_radiated(name):
    """The deficit is the radiation yield, integrated here from the stopping powers and not taken from its table."""
    n = nuclide(name)
    k = electron_kernel(n)
    assert k.emitted_MeV == pytest.approx(n.energy_per_decay_MeV["beta"] + n.energy_per_decay_MeV["electron"], rel=1e-6)
    E, number = electron_slices(n)
    grid = np.geomspace(1e-6, E.max(), 6000)
    S_col, S_rad = electron_stopping_power(grid)
    share = grid * S_rad / (S_col + S_rad)
    radiated = np.concatenate([[0.0], np.cumsum(0.5 * (share[1:] + share[:-1]) * np.diff(np.log(grid)))])
    assert (k.energy_MeV[-1] + number @ np.interp(E, grid, radiated)) / k.emitted_MeV == pytest.approx(1.0, abs=2e-6)
    assert (k.energy_MeV[-1] + number @ (E * electron_radiation_yield(E))) / k.emitted_MeV == pytest.approx(1.0, abs=1e-9)


def test_a_line_gives_the_kernel_of_its_energy():
    line = Nuclide("X-1", 1.0, (), MappingProxyType({"electron": Lines(np.array([0.2]), np.array([0.5]))}), None, MappingProxyType({"beta": 0.0, "electron": 0.1}))
    k, mono = electron_kernel(line), mono_electron_kernel(0.2)
    r = np.linspace(0, 0.6, 50)
    assert k.within(r) == pytest.approx(0.5 * mono.within(r), abs=2e-5)


def test_kernels_between_library_energies_lie_between():
    x = np.linspace(0.05, 1.0, 20)
    below, between, above = (mono_electron_kernel(E) for E in (0.9, 1.04, 1.2))
    f = [k.within(x * k.radius_mm[-1] / 1.6) / k.energy_MeV[-1] for k in (below, between, above)]
    assert np.all((f[1] - f[0]) * (f[1] - f[2]) <= 1e-12)


def test_a_low_energy_electron_stays_within_its_range():
    k = mono_electron_kernel(3e-4)
    assert float(k.within(15.0 * float(electron_csda_range_g_cm2(3e-4)))) == pytest.approx(k.energy_MeV[-1], rel=0.01)


def test_fine_enough_for_micrometres_and_millimetres():
    k = electron_kernel(nuclide("Lu-177"))
    assert k.radius_mm[1] <= 1e-4 and k.radius_mm[-1] > 2
    assert np.diff(np.log10(k.radius_mm[1:])).max() < 0.02


def test_177lu_takes_less_than_a_third_of_a_second():
    n = nuclide("Lu-177")
    electron_kernel(n)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        electron_kernel(n)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.3


def test_errors():
    alpha_only = nuclide("Po-213")
    if alpha_only.energy_per_decay_MeV["beta"] + alpha_only.energy_per_decay_MeV["electron"] == 0:
        with pytest.raises(CouldNot, match="emits no electrons"):
            electron_kernel(alpha_only)
    with pytest.raises(BadInput):
        mono_electron_kernel(11.0)
    with pytest.raises(BadInput):
        mono_electron_kernel(float("nan"))
    broken = Nuclide("X-2", 1.0, (), MappingProxyType({}), None, MappingProxyType({"beta": 0.5, "electron": 0.0}))
    with pytest.raises(CouldNot, match="no beta spectrum"):
        electron_kernel(broken)


@pytest.mark.parametrize("energy", [0.005, 0.3])
def test_the_shipped_library_is_what_the_program_computes(energy):
    """A fresh, shorter run with another seed agrees with the table within its statistics."""
    rows = table("electron_kernels").where("energy_MeV", energy)
    fresh = simulate_electrons(energy, 6400, seed=77, **table("electron_kernels").source["settings"]["transport"])
    within, error = fresh.within_MeV
    total = within[-1] + fresh.beyond_MeV
    inner = slice(5, 100, 5)
    difference = np.abs(within[inner] / total - rows["fraction_within"][inner])
    assert np.all(difference < 5 * np.hypot(error[inner] / total, rows["standard_error"][inner]))
