"""Compiled sampling of photon interactions: random numbers, Compton and Rayleigh angles, directions.

Random numbers are counter-based: the stream of a history is a function of seed, batch and history index
only (splitmix64; Steele, Lea, Flood 2014, doi 10.1145/2660193.2660195), so that results do not depend on
which thread runs it.
"""

from __future__ import annotations

import functools
import math

import numpy as np
from numba import njit

from .photon_data import HC_MEV_ANGSTROM, photon_tables

REST_MEV = 0.51099895
#: Rows of the photon tables from one energy of the Compton quantiles to the next (9 % in energy).
EVERY = 16
PER_HC = 1.0 / 0.0123984198  # 1/(MeV angstrom)
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S11, _S27, _S30, _S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)


@njit(cache=True, inline="always")
def mix(z):
    """splitmix64's finaliser: a bijection of 64 bits that leaves no visible order."""
    z = (z ^ (z >> _S30)) * _M1
    z = (z ^ (z >> _S27)) * _M2
    return z ^ (z >> _S31)


@njit(cache=True, inline="always")
def history_key(batch_key, history):
    """Start of the stream of one history."""
    return mix(batch_key + mix(np.uint64(history) * _GOLDEN + _GOLDEN))


@njit(cache=True, inline="always")
def uniform(rng):
    """Next number in (0, 1); `rng` is an array of one uint64 that is advanced."""
    rng[0] += _GOLDEN
    return (np.float64(mix(rng[0]) >> _S11) + 0.5) * 1.1102230246251565e-16


@njit(cache=True, inline="always")
def _position(x):
    """x/(1 + x): the coordinate in which momentum transfers are evenly spaced."""
    return x / (1.0 + x)


@njit(cache=True)
def _lookup(values, x):
    """Linear interpolation of a row of `PhotonTables.s` or `.f2` at momentum transfer x."""
    n = values.shape[0]
    t = _position(x) * ((n - 1) / 0.999)
    i = min(int(t), n - 2)
    return values[i] + min(t - i, 1.0) * (values[i + 1] - values[i])


@njit(cache=True)
def compton(energy, s, rng):
    """Energy (MeV) and cosine after incoherent scattering: Klein-Nishina times S(x), by rejection.

    Exact for the tables of S; :func:`scattered` is quicker.
    """
    k = energy / REST_MEV
    least = 1.0 / (1.0 + 2.0 * k)
    a1 = -math.log(least)
    a2 = 0.5 * (1.0 - least * least)
    x_max = energy * PER_HC
    s_max = _lookup(s, x_max)
    while True:
        if uniform(rng) * (a1 + a2) < a1:
            ratio = math.exp(-a1 * uniform(rng))
        else:
            ratio = math.sqrt(least * least + (1.0 - least * least) * uniform(rng))
        versine = min((1.0 - ratio) / (k * ratio), 2.0)
        g = 1.0 - ratio * versine * (2.0 - versine) / (1.0 + ratio * ratio)
        u = uniform(rng)
        if u < g and u * s_max < g * _lookup(s, x_max * math.sqrt(0.5 * versine)):
            return energy * ratio, 1.0 - versine


@njit(cache=True)
def rayleigh(energy, x2, f2, rng):
    """Cosine after coherent scattering: F squared times Thomson's (1 + cos^2)/2."""
    x_max = energy * PER_HC
    top = x_max * x_max
    n = f2.shape[0]
    if top >= x2[n - 1]:
        total = f2[n - 1]
    else:
        i = min(int(_position(x_max) * ((n - 1) / 0.999)), n - 2)
        total = f2[i] + (top - x2[i]) / (x2[i + 1] - x2[i]) * (f2[i + 1] - f2[i])
    while True:
        wanted = uniform(rng) * total
        lo, hi = 0, n - 1
        while hi - lo > 1:
            mid = (lo + hi) // 2
            if f2[mid] <= wanted:
                lo = mid
            else:
                hi = mid
        q2 = x2[lo] + (wanted - f2[lo]) / (f2[hi] - f2[lo]) * (x2[hi] - x2[lo])
        cosine = max(1.0 - 2.0 * q2 / top, -1.0)
        if uniform(rng) * 2.0 < 1.0 + cosine * cosine:
            return cosine


@functools.cache
def compton_quantiles(materials: tuple[str, ...], points: int = 128, angles: int = 800) -> np.ndarray:
    """Quantiles of the energy that Compton scattering transfers, as a share of the most it can: E 2k/(1 + 2k), k = E/(m c2).

    Klein-Nishina cross section times S(x), integrated over the angle. Shape (n, m, points + 1): at every 16th
    energy of the photon tables, for each material, for probabilities from 0 to 1. Linear between all of them,
    it gives the mean transfer of :func:`compton_energy_fraction` within 2e-4 above 5 keV.

    At 1 MeV the photon loses 0.44 of its energy on average (Attix 1986, doi 10.1002/9783527617135):

    >>> shares = compton_quantiles(("water",))[75, 0]  # 1.00 MeV
    >>> round(float((shares[1:] + shares[:-1]).mean() / 2 * 2 / (2 + 0.511)), 2)
    0.44
    """
    t = photon_tables(materials)
    energy = np.exp(t.log_first + np.arange(0, len(t.mu) + EVERY - 1, EVERY) / t.per_log)[:, None]
    half = np.sin(np.linspace(0, np.pi / 2, angles + 1)) ** 2  # of 1 - cosine
    k = energy / REST_MEV
    ratio = 1 / (1 + 2 * k * half)
    share = (1 - ratio) * (1 + 2 * k) / (2 * k)
    per_share = 1 / ratio + ratio - 4 * half * (1 - half)
    x = energy / HC_MEV_ANGSTROM * np.sqrt(half)
    momenta = t.s.shape[1]
    quantiles = np.empty((len(energy), len(materials), points + 1))
    for m, s in enumerate(t.s):
        density = per_share * np.interp(_position(x) * ((momenta - 1) / 0.999), np.arange(momenta), s)
        cdf = np.cumsum((density[:, 1:] + density[:, :-1]) * np.diff(share), axis=1)
        for row, below in enumerate(cdf):
            quantiles[row, m] = np.interp(np.linspace(0, below[-1], points + 1), np.append(0.0, below), share[row])
    return quantiles


@njit(cache=True, inline="always")
def scattered(energy, quantiles, place, q, u01):
    """Energy (MeV) and cosine after incoherent scattering by material q, from one uniform number.

    `quantiles` are those of :func:`compton_quantiles`, `place` the energy on their grid.
    """
    n = quantiles.shape[2] - 1
    row = min(int(place), quantiles.shape[0] - 2)
    up = place - row
    at = u01 * n
    i = min(int(at), n - 1)
    right = at - i
    low = quantiles[row, q, i] + right * (quantiles[row, q, i + 1] - quantiles[row, q, i])
    high = quantiles[row + 1, q, i] + right * (quantiles[row + 1, q, i + 1] - quantiles[row + 1, q, i])
    t = low + up * (high - low)
    k2 = 2.0 * energy / REST_MEV
    share = t / (1.0 + k2)
    ratio = 1.0 - k2 * share
    return energy * ratio, max(1.0 - 2.0 * share / ratio, -1.0)


@njit(cache=True, inline="always")
def isotropic(u01, v01):
    """A direction from two uniform numbers."""
    w = 2.0 * u01 - 1.0
    side = math.sqrt(max(0.0, 1.0 - w * w))
    azimuth = 2.0 * math.pi * v01
    return side * math.cos(azimuth), side * math.sin(azimuth), w


@njit(cache=True, inline="always")
def turned(u, v, w, cosine, azimuth):
    """The direction (u, v, w) turned by a polar cosine and an azimuth."""
    sine = math.sqrt(max(0.0, 1.0 - cosine * cosine))
    sp, cp = sine * math.sin(azimuth), sine * math.cos(azimuth)
    # A right-handed frame around any direction without a special case (Duff 2017, jcgt.org/published/0006/01/01).
    sign = math.copysign(1.0, w)
    a = -1.0 / (sign + w)
    b = u * v * a
    nu = u * cosine + cp * (1.0 + sign * u * u * a) + sp * b
    nv = v * cosine + cp * sign * b + sp * (sign + v * v * a)
    nw = w * cosine - cp * sign * u - sp * v
    norm = 1.5 - 0.5 * (nu * nu + nv * nv + nw * nw)  # rounding alone took the length from 1
    return nu * norm, nv * norm, nw * norm
