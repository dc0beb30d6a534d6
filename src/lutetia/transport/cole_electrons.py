"""Electrons as the MIRD cellular S-values take them: straight tracks with Cole's range-energy relation.

An electron of range R in water has, after a path r, the energy that Cole's relation gives for R - r,
``E = 5.9 (R + 0.007)^0.565 + 0.00413 R^1.33 - 0.367`` (keV, um; Cole 1969, Radiat. Res. 38:7), so that
``E - E(R - r)`` lies within r of its origin. That is the convention of the MIRD tables of cellular S-values
and of the programs that follow them. Scattering is left out: a real electron ends nearer to its origin than
its path is long, and real kernels (`electron_kernels`) put more energy within a few tens of micrometres.

Below 0.1 keV (a range of some nanometres) the relation is an extrapolation and its shape does not
matter: what it says is that the electron stops where it is. Bremsstrahlung is not taken off.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..core import BadInput
from ..nuclides.model import Nuclide
from .electron_kernels import electron_slices
from .radial import RadialKernel

_HIGHEST_keV = 1e4
_RADII_PER_DECADE = 160
_SMALLEST_RADIUS_um = 1e-4
_SHORTEST_TRACK_um = 0.05  # betas that go less (0.8 keV) are one slice


def cole_energy_keV(range_um: np.ndarray | float) -> np.ndarray:
    """Energy of the electron whose range in water is `range_um`, keV; 0 for a range of 0.

    Raises
    ------
    BadInput
        A negative range.

    100 keV go 143 um in ESTAR's CSDA, and here:

    >>> print(f"{cole_energy_keV(143.0):.1f}")
    100.1
    """
    R = np.asarray(range_um, float)
    if not np.all(R >= 0):
        raise BadInput("range_um: got a range below zero; give ranges of zero and more.")
    return np.maximum(_relation(R), 0.0)  # the relation is 9 eV below zero at R = 0


def cole_range_um(energy_keV: np.ndarray | float) -> np.ndarray:
    """Range in water, um (inverse of `cole_energy_keV`).

    Raises
    ------
    BadInput
        An energy not above 0 or beyond 10 MeV.

    >>> print(f"{cole_range_um(100.0):.0f}")
    143
    """
    keV = np.asarray(energy_keV, float)
    if not np.all((keV > 0) & (keV <= _HIGHEST_keV)):
        raise BadInput(f"energy_keV: got {energy_keV!r}; give electron energies above 0 and up to {_HIGHEST_keV:g} keV.")
    R, known = _table()
    x = np.interp(keV, known, R)
    for _ in range(3):  # Newton; the relation rises everywhere and bends little between the knots
        slope = 5.9 * 0.565 * (x + 0.007) ** -0.435 + 0.00413 * 1.33 * x**0.33
        x = np.maximum(x - (_relation(x) - keV) / slope, 0.0)
    return x


def mono_cole_kernel(energy_MeV: float) -> RadialKernel:
    """Kernel of one electron of `energy_MeV`: what a straight track leaves within a radius.

    Raises
    ------
    BadInput
        An energy not above 0 or beyond 10 MeV.

    >>> k = mono_cole_kernel(0.1)
    >>> print(f"{1000 * k.within(0.010):.2f} keV within 10 um")
    4.19 keV within 10 um
    """
    if not 0 < energy_MeV <= _HIGHEST_keV / 1000:
        raise BadInput(f"energy_MeV: got {energy_MeV!r}; give an electron energy above 0 and up to {_HIGHEST_keV / 1000:g} MeV.")
    return _kernel(np.array([energy_MeV]), np.array([1.0]))


def cole_kernel(nuclide: Nuclide) -> RadialKernel:
    """Kernel of all electrons of a nuclide per decay: betas of both signs, conversion and Auger electrons.

    ``K(r) = sum_i n_i (E_i - E(R(E_i) - r))`` over the lines and over slices of the beta spectrum.

    Parameters
    ----------
    nuclide : Nuclide

    Returns
    -------
    RadialKernel
        Per decay; all that is emitted is deposited within the longest range.

    Raises
    ------
    CouldNot
        As `lutetia.transport.electron_kernels.electron_kernel`.

    Examples
    --------
    >>> from lutetia.nuclides import nuclide
    >>> k = cole_kernel(nuclide("Lu-177"))
    >>> print(f"{1000 * k.within(0.01):.2f} of {1000 * k.emitted_MeV:.1f} keV within 10 um")
    7.17 of 147.9 keV within 10 um
    """
    energy, number = electron_slices(nuclide)  # refuses what cannot be made
    if nuclide.beta is not None:
        lines = nuclide.lines["electron"]
        e, n = _beta_slices(nuclide)
        energy, number = np.concatenate([e, lines.energy_MeV]), np.concatenate([n, lines.per_decay])
    return _kernel(energy, number)


def _beta_slices(nuclide: Nuclide) -> tuple[np.ndarray, np.ndarray]:
    """Energies (MeV) and numbers that stand for the betas, two for every step of the kernel's radii.

    A straight track leaves most at its end: with slices as coarse as those of `electron_slices` the ends would show as
    ripples of some per cent at the size of a cell. The spectrum is interpolated as there, and its energy kept.
    """
    assert nuclide.beta is not None
    E, density = nuclide.beta.energy_MeV, nuclide.beta.per_MeV
    last = float(cole_range_um(1000.0 * E[-1]))
    paths = _radii_um(last, 2)
    edges = np.concatenate([[0.0], cole_energy_keV(paths[(paths > _SHORTEST_TRACK_um) & (paths < last)]) / 1000.0, [E[-1]]])
    middle = 0.5 * (edges[1:] + edges[:-1])
    n = PchipInterpolator(E, np.sqrt(density))(np.clip(middle, E[0], E[-1])) ** 2 * np.diff(edges)
    return middle, n * nuclide.energy_per_decay_MeV["beta"] / (n @ middle)


def _radii_um(last: float, times: int = 1) -> np.ndarray:
    """Geometric radii from the smallest on, in the same steps whatever the last is; `times` as many a step."""
    steps = int(np.ceil(_RADII_PER_DECADE * times * np.log10(max(last / _SMALLEST_RADIUS_um, 10.0))))
    return _SMALLEST_RADIUS_um * 10.0 ** (np.arange(steps + 1) / (_RADII_PER_DECADE * times))


def _kernel(energy_MeV: np.ndarray, number: np.ndarray) -> RadialKernel:
    keep = (energy_MeV > 0) & (number > 0)
    keV, number = 1000.0 * energy_MeV[keep], number[keep]
    R = cole_range_um(keV)
    radius_um = np.concatenate([[0.0], _radii_um(float(R.max()))])
    within = np.zeros_like(radius_um)
    for part in np.array_split(np.arange(len(keV)), -(-len(keV) // 500)):  # chains have thousands of Auger lines
        left = np.maximum(R[part, None] - radius_um, 0.0)
        within += number[part] @ (keV[part, None] - np.maximum(_relation(left), 0.0))
    within[0] = 0.0
    within[-1] = number @ keV
    return RadialKernel(radius_um / 1000.0, np.maximum.accumulate(within) / 1000.0, float(number @ keV) / 1000.0)


def _relation(R: np.ndarray) -> np.ndarray:
    return 5.9 * (R + 0.007) ** 0.565 + 0.00413 * R**1.33 - 0.367


@functools.cache
def _table() -> tuple[np.ndarray, np.ndarray]:
    R = np.concatenate([[0.0], np.geomspace(1e-5, 1e5, 4000)])
    return R, _relation(R)
