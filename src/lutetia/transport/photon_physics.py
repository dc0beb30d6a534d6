"""Compiled sampling of photon interactions: random numbers, Compton and Rayleigh angles, directions.

Random numbers are counter-based: the stream of a history is a function of seed, batch and history index
only (splitmix64; Steele, Lea, Flood 2014, doi 10.1145/2660193.2660195), so that results do not depend on
which thread runs it.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

REST_MEV = 0.51099895
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
    """Energy (MeV) and cosine after incoherent scattering: Klein-Nishina times S(x), by rejection."""
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


@njit(cache=True)
def turned(u, v, w, cosine, azimuth):
    """The direction (u, v, w) turned by a polar cosine and an azimuth."""
    sine = math.sqrt(max(0.0, 1.0 - cosine * cosine))
    cp, sp = math.cos(azimuth), math.sin(azimuth)
    side = 1.0 - w * w
    if side > 1e-12:
        side = math.sqrt(side)
        a = u * cosine + sine * (u * w * cp - v * sp) / side
        b = v * cosine + sine * (v * w * cp + u * sp) / side
        c = w * cosine - sine * side * cp
    else:
        sign = 1.0 if w > 0 else -1.0
        a, b, c = sine * cp, sine * sp, cosine * sign
    norm = 1.0 / math.sqrt(a * a + b * b + c * c)
    return a * norm, b * norm, c * norm
