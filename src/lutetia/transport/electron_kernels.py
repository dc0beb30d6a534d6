"""Energy that electrons deposit around a point in water: one energy, or all electrons of a nuclide.

A library of monoenergetic kernels (table ``electron_kernels``, computed by `electron_mc`) gives the fraction
of the deposited energy within a radius in units of the CSDA range. That fraction changes slowly with energy
and is interpolated linearly in ln E; the range and the radiated fraction come from ESTAR. Outside the library
(below 1 keV, above 5 MeV) the shape of its first or last energy is used with the range of the energy asked
for.

Positrons are treated as electrons: their ranges differ by a few per cent, their annihilation photons belong
to the photons. Shell averages hide what happens within 1 % of the range: there energy density follows the
stopping power, and delta rays are deposited on the track.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..core import BadInput, CouldNot
from ..data import table
from ..nuclides.model import Nuclide
from .radial import RadialKernel
from .stopping import electron_csda_range_g_cm2, electron_radiation_yield

_HIGHEST_MeV = 10.0
_LOWEST_MeV = 1e-6
_RADII_PER_DECADE = 80
_SMALLEST_RADIUS_mm = 1e-5


def mono_electron_kernel(energy_MeV: float) -> RadialKernel:
    """Kernel of one electron of kinetic energy `energy_MeV`.

    Parameters
    ----------
    energy_MeV : float
        Above 0 and up to 10 MeV.

    Returns
    -------
    RadialKernel
        ``energy_MeV[-1] = E (1 - Y(E))`` with ESTAR's radiation yield Y; the rest is bremsstrahlung.

    Raises
    ------
    BadInput
        An energy outside that range.

    Examples
    --------
    >>> k = mono_electron_kernel(1.0)
    >>> print(f"{k.energy_MeV[-1]:.4f} MeV deposited within {k.radius_mm[-1]:.1f} mm, the rest radiated")
    0.9964 MeV deposited within 7.0 mm, the rest radiated
    """
    if not 0 < energy_MeV <= _HIGHEST_MeV:
        raise BadInput(f"energy_MeV: got {energy_MeV!r}; give an electron energy above 0 and up to {_HIGHEST_MeV:g} MeV.")
    x, shape = _shapes(np.array([energy_MeV]))
    radius_mm = x * 10.0 * float(electron_csda_range_g_cm2(energy_MeV))
    return RadialKernel(radius_mm, shape[0] * energy_MeV * (1 - float(electron_radiation_yield(energy_MeV))), float(energy_MeV))


def electron_kernel(nuclide: Nuclide) -> RadialKernel:
    """Kernel of all electrons of a nuclide per decay: betas of both signs, conversion and Auger electrons.

    K(r) = sum_i n_i E_i (1 - Y(E_i)) c(r / R(E_i), E_i) over the lines and over slices of the beta spectrum.
    `emitted_MeV` is the energy emitted; what is missing from the last `energy_MeV` is bremsstrahlung.

    Parameters
    ----------
    nuclide : Nuclide

    Returns
    -------
    RadialKernel
        Per decay; radii from 10 nm to beyond the longest range in 80 steps a decade.

    Raises
    ------
    CouldNot
        The nuclide emits no electrons, has beta energy without a spectrum, or electrons above 10 MeV.

    Examples
    --------
    Half of what the betas of 90Y deposit lies within 2.36 mm (Graves 2019, doi 10.1002/mp.13789):

    >>> from lutetia.nuclides import nuclide
    >>> k = electron_kernel(nuclide("Y-90"))
    >>> print(f"{k.within(2.36) / k.energy_MeV[-1]:.2f}")
    0.50
    """
    energy, number = electron_slices(nuclide)
    range_mm = 10.0 * electron_csda_range_g_cm2(energy)
    deposited = number * energy * (1 - electron_radiation_yield(energy))
    x, shapes = _shapes(energy)
    last = 1.001 * x[-1] * range_mm.max()
    steps = int(np.ceil(_RADII_PER_DECADE * np.log10(max(last / _SMALLEST_RADIUS_mm, 10.0))))
    radius_mm = np.concatenate([[0.0], np.geomspace(min(_SMALLEST_RADIUS_mm, 0.1 * last), last, steps)])
    within = np.zeros_like(radius_mm)
    for part, R, shape in zip(deposited, range_mm, shapes):
        within += part * np.interp(radius_mm / R, x, shape)
    return RadialKernel(radius_mm, within, float(number @ energy))


def electron_slices(nuclide: Nuclide) -> tuple[np.ndarray, np.ndarray]:
    """Energies (MeV) and numbers per decay that stand for all electrons of a nuclide, shapes (n,).

    Each interval of the tabulated beta spectrum is cut in four slices, filled by monotone cubic interpolation
    of the root of the spectrum (it falls in a straight line to the end point, where the table is coarse); the
    numbers are scaled so that their energy is the mean beta energy of the nuclide. Lines below 1 eV are left out.

    Raises
    ------
    CouldNot
        As `electron_kernel`.
    """
    energies, numbers = [], []
    beta = nuclide.energy_per_decay_MeV.get("beta", 0.0)
    if beta > 0:
        if nuclide.beta is None:
            raise CouldNot(f"{nuclide.name}: there is beta energy but no beta spectrum; its electron kernel cannot be made.")
        E, density = nuclide.beta.energy_MeV, nuclide.beta.per_MeV
        edges = np.interp(np.arange(4 * (len(E) - 1) + 1) / 4, np.arange(len(E)), E)
        middle = 0.5 * (edges[1:] + edges[:-1])
        n = PchipInterpolator(E, np.sqrt(density))(middle) ** 2 * np.diff(edges)
        energies.append(middle)
        numbers.append(n * beta / (n @ middle))
    if "electron" in nuclide.lines:
        energies.append(nuclide.lines["electron"].energy_MeV)
        numbers.append(nuclide.lines["electron"].per_decay)
    energy = np.concatenate(energies) if energies else np.empty(0)
    number = np.concatenate(numbers) if numbers else np.empty(0)
    keep = (number > 0) & (energy > _LOWEST_MeV)
    if not keep.any():
        raise CouldNot(f"{nuclide.name} emits no electrons; ask for the kernel of another radiation.")
    if energy[keep].max() > _HIGHEST_MeV:
        raise CouldNot(
            f"{nuclide.name} emits electrons of up to {energy[keep].max():.1f} MeV; stopping powers end at {_HIGHEST_MeV:g} MeV."
        )
    return energy[keep], number[keep]


def _shapes(energy_MeV: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Scaled radii (m,) and cumulative fractions (n, m) of the deposited energy."""
    library, x, fractions = _library()
    t = np.clip(np.interp(np.log(energy_MeV), np.log(library), np.arange(len(library))), 0, len(library) - 1)
    i = np.minimum(t.astype(int), len(library) - 2)
    t = (t - i)[:, None]
    return x, (1 - t) * fractions[i] + t * fractions[i + 1]


@functools.cache
def _library() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies (n,), scaled radii (m,), fractions (n, m), on four times the table's radii (monotone cubic)."""
    rows = table("electron_kernels")
    energies = np.unique(rows["energy_MeV"])
    x = np.unique(rows["scaled_radius"])
    fractions = rows["fraction_within"].reshape(len(energies), len(x))
    fine = np.interp(np.arange(4 * (len(x) - 1) + 1) / 4, np.arange(len(x)), x)
    return energies, fine, np.clip(PchipInterpolator(x, fractions, axis=1)(fine), 0.0, 1.0)
