"""Bremsstrahlung photons of a nuclide's electrons as they slow down to rest in water.

In the continuous-slowing-down approximation N(>T) electrons per decay emitted above T give, per energy T,
the track length N(>T)/S(T), so that the photons per decay and MeV are

    dN/dk = integral from k of N(>T) S_rad(T) / (S_col(T) + S_rad(T)) w(k, T) dT,

with S of ESTAR and w the shape of the cross section of Koch and Motz 1959 (formula 3BN with Elwert's factor,
oxygen), scaled so that the integral of k w over k is 1: the energy radiated is that of ESTAR.

Not in it: internal bremsstrahlung of the decay itself, the difference between positrons and electrons
(positrons below 1 MeV radiate up to a third less), the direction of the electron.
"""

from __future__ import annotations

import functools

import numpy as np

from ..nuclides.model import Lines, Nuclide
from .photon_data import ELECTRON_REST_MEV
from .stopping import electron_stopping_power

_FINE_STRUCTURE = 7.2973525693e-3
_OXYGEN = 8
_LOWEST_MEV = 1e-3


def bremsstrahlung_shape(k_MeV: np.ndarray, kinetic_MeV: np.ndarray) -> np.ndarray:
    """Energy-weighted bremsstrahlung cross section k dsigma/dk in units of Z^2 r_e^2 alpha; 0 where k >= T.

    Formula 3BN of Koch and Motz, Rev. Mod. Phys. 31 (1959) 920, doi 10.1103/RevModPhys.31.920 (Born
    approximation, no screening), times the Coulomb factor of Elwert 1939 for oxygen. The arguments are
    broadcast together. Screening, which is not in it, matters below a hundredth of T.

    >>> a, b, c = bremsstrahlung_shape(np.array([0.01, 0.1, 0.9]), np.array(1.0))
    >>> bool(a > b > c > 0)
    True
    """
    k, kinetic = np.broadcast_arrays(np.asarray(k_MeV, float) / ELECTRON_REST_MEV, np.asarray(kinetic_MeV, float) / ELECTRON_REST_MEV)
    possible = (k > 0) & (k < kinetic)
    kinetic = np.where(possible, kinetic, 1.0)
    k = np.where(possible, k, 0.5)
    e0, e = 1 + kinetic, 1 + kinetic - k
    p0, p = np.sqrt(e0**2 - 1), np.sqrt(e**2 - 1)
    log0, log1 = 2 * np.log(e0 + p0), 2 * np.log(e + p)
    both = 2 * np.log((e0 * e + p0 * p - 1) / k)
    bracket = 4 / 3 - 2 * e0 * e * (p**2 + p0**2) / (p0**2 * p**2) + log0 * e / p0**3 + log1 * e0 / p**3 - log1 * log0 / (p * p0)
    bracket += both * (
        8 * e0 * e / (3 * p0 * p) + k**2 * (e0**2 * e**2 + p0**2 * p**2) / (p0**3 * p**3)
        + k / (2 * p0 * p) * ((e0 * e + p0**2) / p0**3 * log0 - (e0 * e + p**2) / p**3 * log1 + 2 * k * e0 * e / (p**2 * p0**2))
    )
    coulomb = 2 * np.pi * _OXYGEN * _FINE_STRUCTURE
    beta0, beta = p0 / e0, p / e
    elwert = beta0 * -np.expm1(-coulomb / beta0) / (beta * -np.expm1(-coulomb / beta))
    return np.where(possible, np.maximum(p / p0 * bracket * elwert, 0.0), 0.0)


def electrons_above(nuclide: Nuclide, kinetic_MeV: np.ndarray) -> np.ndarray:
    """Electrons and positrons per decay emitted with at least each kinetic energy; shape of `kinetic_MeV`."""
    t = np.asarray(kinetic_MeV, float)
    lines = nuclide.lines["electron"]
    order = np.argsort(lines.energy_MeV)
    beyond = np.concatenate([np.cumsum(lines.per_decay[order][::-1])[::-1], [0.0]])
    above = beyond[np.searchsorted(lines.energy_MeV[order], t, side="left")]
    if nuclide.beta is not None:
        e, n = nuclide.beta.energy_MeV, nuclide.beta.per_MeV
        below = np.concatenate([[0.0], np.cumsum((n[1:] + n[:-1]) / 2 * np.diff(e))])
        above = above + below[-1] - np.interp(t, e, below)
    return above


def bremsstrahlung_lines(nuclide: Nuclide, groups: int = 24) -> Lines:
    """Photons that the electrons of one decay radiate in water, gathered into lines.

    Parameters
    ----------
    nuclide : Nuclide
    groups : int
        Lines, evenly spaced in the logarithm from 1 keV to the highest electron energy; each has the mean energy
        and the number of its group. The percent or so that is radiated below 1 keV is counted with the rest.

    Returns
    -------
    Lines
        Empty if no electron is emitted above 1 keV. Their energy is the radiation yield of ESTAR for the
        nuclide's electrons (doi 10.18434/T4NC7P): about 0.4 % of a beta of 2 MeV endpoint.

    >>> from lutetia.nuclides import nuclide
    >>> y = bremsstrahlung_lines(nuclide("Y-90"))
    >>> bool(0.003 < y.energy_MeV @ y.per_decay < 0.006)
    True
    """
    return _lines(nuclide, groups) if _highest(nuclide) > 1.05 * _LOWEST_MEV else Lines(np.empty(0), np.empty(0))


def photon_lines(nuclide: Nuclide, bremsstrahlung: bool = True) -> Lines:
    """All photons of one decay: gamma, X and annihilation lines, and the bremsstrahlung of its electrons in water.

    >>> from lutetia.nuclides import nuclide
    >>> y90 = nuclide("Y-90")
    >>> len(photon_lines(y90).energy_MeV) - len(photon_lines(y90, bremsstrahlung=False).energy_MeV)
    24
    """
    emitted = nuclide.lines["photon"]
    if not bremsstrahlung:
        return emitted
    radiated = bremsstrahlung_lines(nuclide)
    return Lines(np.concatenate([emitted.energy_MeV, radiated.energy_MeV]), np.concatenate([emitted.per_decay, radiated.per_decay]))


def _highest(nuclide: Nuclide) -> float:
    beta = 0.0 if nuclide.beta is None else float(nuclide.beta.energy_MeV[-1])
    return max(beta, float(nuclide.lines["electron"].energy_MeV.max(initial=0.0)))


@functools.lru_cache(maxsize=64)
def _lines(nuclide: Nuclide, groups: int) -> Lines:
    top = _highest(nuclide)
    t = np.geomspace(_LOWEST_MEV, top, 500)
    edges = np.geomspace(_LOWEST_MEV, top, groups + 1)
    k = np.geomspace(_LOWEST_MEV, top, 8 * groups + 1)  # the edges are among them
    collision, radiative = electron_stopping_power(t)
    radiated = electrons_above(nuclide, t) * radiative / (collision + radiative)  # energy per MeV of slowing down
    shares = np.linspace(0.0, 1.0, 401)[1:-1] ** 2
    whole = t * _integral(bremsstrahlung_shape(shares * t[:, None], t[:, None]), shares)
    spectrum = _integral(bremsstrahlung_shape(k[:, None], t) * (radiated / whole), t)  # energy per MeV of k
    spectrum *= _integral(radiated, t) / _integral(spectrum, k)
    lines = []
    for low, high in zip(edges[:-1], edges[1:]):
        inside = (k >= low * (1 - 1e-9)) & (k <= high * (1 + 1e-9))
        energy = float(_integral(spectrum[inside], k[inside]))
        number = float(_integral(spectrum[inside] / k[inside], k[inside]))
        if number > 0:
            lines.append((energy / number, number))
    e, n = np.array(lines).reshape(-1, 2).T.copy()
    e.flags.writeable = n.flags.writeable = False
    return Lines(e, n)


def _integral(values: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Trapezoids along the last axis."""
    return ((values[..., 1:] + values[..., :-1]) / 2) @ np.diff(x)
