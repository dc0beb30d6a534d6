"""Condensed-history Monte Carlo of electrons from a point in infinite water.

The scheme is a mixed one. Large elastic deflections, Moller collisions and bremsstrahlung above cuts are
sampled one at a time; between them soft deflections, with the first two Lewis moments, act at one point
placed at random on the step (random hinge, Fernandez-Varea 1993, doi 10.1016/0168-583X(93)95827-R), and the
soft energy loss, with its straggling, is deposited there. `electron_interactions` gives the cross sections.

Each history has its own random stream, derived from the seed and the history's number, and batches are
summed in a fixed order: a result is the same for any number of threads.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit, prange, uint64

from ..core import BadInput
from .electron_interactions import FINE_STRUCTURE, SPIN_Z, ELECTRON_MASS_MeV, water_interactions
from .stopping import electron_csda_range_g_cm2, electron_range_energy_MeV

_MASS = ELECTRON_MASS_MeV
_BATCHES = 32
_STACK = 64


@dataclass(frozen=True, slots=True, eq=False)
class ElectronTally:
    """What became of electrons of one energy, per electron.

    Attributes
    ----------
    shell_edges : ndarray, shape (n + 1,)
        Radii of the shells in units of the CSDA range.
    batches_MeV : ndarray, shape (32, n)
        Energy deposited in each shell, in each of 32 equal and independent parts of the run.
    beyond_MeV, escaped_MeV : float
        Energy deposited beyond the last shell; energy carried off by bremsstrahlung.
    energy_MeV, csda_range_g_cm2 : float
    histories : int
    """

    shell_edges: np.ndarray
    batches_MeV: np.ndarray
    beyond_MeV: float
    escaped_MeV: float
    energy_MeV: float
    csda_range_g_cm2: float
    histories: int

    @property
    def deposited_MeV(self) -> np.ndarray:
        """Energy deposited in each shell, shape (n,)."""
        return self.batches_MeV.mean(axis=0)

    @property
    def within_MeV(self) -> tuple[np.ndarray, np.ndarray]:
        """Energy deposited within each of `shell_edges`, and its standard error from the batches; shapes (n + 1,)."""
        within = np.concatenate([np.zeros((_BATCHES, 1)), np.cumsum(self.batches_MeV, axis=1)], axis=1)
        return within.mean(axis=0), within.std(axis=0, ddof=1) / math.sqrt(_BATCHES)


def simulate_electrons(
    energy_MeV: float, histories: int, seed: int, *, shell_edges: np.ndarray | None = None,
    cut_fraction: float = 0.01, end_fraction: float = 0.002, c1: float = 0.05, loss_fraction: float = 0.03,
) -> ElectronTally:
    """Follow electrons of one energy from a point in infinite water until they stop.

    Parameters
    ----------
    energy_MeV : float
        Kinetic energy, 0.5 keV to 10 MeV.
    histories : int
        Rounded up to a multiple of 32 (the batches from which errors are estimated).
    seed : int
        Two runs with the same arguments give the same numbers, whatever the number of threads.
    shell_edges : ndarray, optional
        Shell radii over the CSDA range, rising evenly from 0; 0, 0.01 ... 1.6 if not given.
    cut_fraction : float
        Delta rays and photons above this fraction of the energy (at least 200 eV, at most 20 keV) are sampled.
    end_fraction : float
        An electron ends where its CSDA range is this fraction of the start value.
    c1 : float
        Mean free path of hard elastic collisions over the first transport mean free path.
    loss_fraction : float
        Largest fraction of the energy lost in a step.

    Raises
    ------
    BadInput
        An energy outside the range, no histories, or shells that do not rise evenly from 0.
    """
    if not 5e-4 <= energy_MeV <= 10.0:
        raise BadInput(f"energy_MeV: got {energy_MeV:g}; give an energy from 0.0005 to 10 MeV.")
    if histories < 1:
        raise BadInput(f"histories: got {histories}; give at least 1.")
    edges = np.linspace(0.0, 1.6, 161) if shell_edges is None else np.asarray(shell_edges, float)
    if edges.ndim != 1 or len(edges) < 2 or edges[0] != 0 or edges[1] <= 0 or np.ptp(np.diff(edges)) > 1e-9 * edges[-1]:
        raise BadInput("shell_edges: give radii over the CSDA range that rise evenly from 0.")
    R = float(electron_csda_range_g_cm2(energy_MeV))
    end = max(float(electron_range_energy_MeV(end_fraction * R)), 5e-5)
    cut = min(max(cut_fraction * energy_MeV, 2e-4), 2e-2)
    tables = water_interactions(energy_MeV, cut, end, c1)
    per_batch = -(-histories // _BATCHES)
    shells, beyond, escaped = _run(
        energy_MeV, per_batch, np.uint64(seed), tables.values, tables.ln_energy0, tables.ln_step, cut, end,
        loss_fraction, 1.0 / (float(edges[1]) * R), len(edges) - 1,
    )
    n = per_batch * _BATCHES
    return ElectronTally(edges, shells / per_batch, float(beyond.sum() / n), float(escaped.sum() / n), energy_MeV, R, n)


@njit(cache=True, inline="always")
def _random(state):
    """The next number in (0, 1) of a splitmix64 stream (doi 10.1145/2714064.2660195)."""
    state[0] += uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    z = z ^ (z >> uint64(31))
    return (float(z >> uint64(11)) + 0.5) * 1.1102230246251565e-16


@njit(cache=True)
def _start_stream(state, seed, history):
    """A start far from other histories' for each seed and history."""
    state[0] = uint64(seed) ^ (uint64(history) * uint64(0xD1342543DE82EF95))
    for _ in range(2):
        z = state[0] + uint64(0x632BE59BD9B4E019)
        z = (z ^ (z >> uint64(32))) * uint64(0xDABA0B6EB09322E3)
        z = (z ^ (z >> uint64(32))) * uint64(0xDABA0B6EB09322E3)
        state[0] = z ^ (z >> uint64(32))


@njit(cache=True, inline="always")
def _turn(d, cos_t, phi):
    """Rotate the direction d by a polar angle and an azimuth."""
    sin_t = math.sqrt(max(0.0, 1.0 - cos_t * cos_t))
    u, v, w = d[0], d[1], d[2]
    s = math.sqrt(max(0.0, 1.0 - w * w))
    c, q = math.cos(phi), math.sin(phi)
    if s > 1e-7:
        d[0] = u * cos_t + sin_t * (u * w * c - v * q) / s
        d[1] = v * cos_t + sin_t * (v * w * c + u * q) / s
        d[2] = w * cos_t - s * sin_t * c
    else:
        d[0], d[1], d[2] = sin_t * c, sin_t * q, cos_t * (1.0 if w > 0 else -1.0)
    norm = 1.0 / math.sqrt(d[0] * d[0] + d[1] * d[1] + d[2] * d[2])
    d[0] *= norm
    d[1] *= norm
    d[2] *= norm


@njit(cache=True)
def _soft_cosine(first, second, state):
    """Cosine with mean exp(-first) and <P2> = exp(-second): two uniform parts, joined where the moments say."""
    mean = 0.5 * (1.0 - math.exp(-first))
    square = mean - (1.0 - math.exp(-second)) / 6.0
    b = min(max((2 * mean - 3 * square) / max(1.0 - 2 * mean, 1e-12), 0.0), 1.0)
    a = min(max(1.0 - 2 * mean + b, 0.0), 1.0)
    if _random(state) < a:
        return 1.0 - 2.0 * b * _random(state)
    return 1.0 - 2.0 * (b + (1.0 - b) * _random(state))


@njit(cache=True)
def _soft_loss(mean, variance, state):
    """An energy loss with the given mean and variance: Gaussian, uniform or uniform with a chance of none."""
    if mean * mean > 9.0 * variance:
        g = 4.0
        while abs(g) > 3.0:
            g = math.sqrt(-2.0 * math.log(_random(state))) * math.cos(2.0 * math.pi * _random(state))
        return mean + 1.015387 * math.sqrt(variance) * g
    if mean * mean > 3.0 * variance:
        return mean + math.sqrt(3.0 * variance) * (2.0 * _random(state) - 1.0)
    top = 3.0 * variance + 3.0 * mean * mean
    if _random(state) < (3.0 * variance - mean * mean) / top:
        return 0.0
    return top / (2.0 * mean) * _random(state)


@njit(cache=True)
def _moller_fraction(E, cut, state):
    """Fraction of E that a delta ray takes, between cut/E and 1/2."""
    gamma = 1.0 + E / _MASS
    a = ((gamma - 1.0) / gamma) ** 2
    b = (2.0 * gamma - 1.0) / gamma**2
    low = cut / E
    while True:
        e = 1.0 / (1.0 / low - _random(state) * (1.0 / low - 2.0))
        t = e / (1.0 - e)
        if _random(state) * 2.25 < 1.0 + t * t + a * e * e - b * t:
            return e


@njit(cache=True)
def _photon_fraction(E, cut, state):
    """Fraction of E that a bremsstrahlung photon takes, between cut/E and 1."""
    low = cut / E
    while True:
        k = low ** _random(state)
        if _random(state) < 1.0 - k + 0.75 * k * k:
            return k


@njit(cache=True)
def _hard_cosine(low, eta, beta2, state):
    """Cosine of an elastic deflection with mu above `low`."""
    spin = math.pi * FINE_STRUCTURE * SPIN_Z * math.sqrt(beta2)
    top, bottom = 1.0 / (low + eta), 1.0 / (1.0 + eta)
    while True:
        mu = 1.0 / (top - _random(state) * (top - bottom)) - eta
        mu = min(max(mu, 0.0), 1.0)
        root = math.sqrt(mu)
        if _random(state) * (1.0 + 0.25 * spin) < 1.0 - beta2 * mu + spin * root * (1.0 - root):
            return 1.0 - 2.0 * mu


@njit(cache=True, inline="always")
def _score(shells, pos, energy, inverse_width):
    """Deposit energy at a point; returns what lies beyond the last shell."""
    i = int(math.sqrt(pos[0] * pos[0] + pos[1] * pos[1] + pos[2] * pos[2]) * inverse_width)
    if i < len(shells):
        shells[i] += energy
        return 0.0
    return energy


@njit(cache=True)
def _history(energy, state, table, x0, dx, cut, end, loss_fraction, inverse_width, shells, stack, row, high):
    """One electron and its delta rays; returns the energy beyond the shells and the energy radiated."""
    pos, d = np.zeros(3), np.zeros(3)
    d[2] = 1.0
    beyond = 0.0
    escaped = 0.0
    depth = 0
    E = energy
    columns = table.shape[1]
    while True:
        if end >= E:
            beyond += _score(shells, pos, E, inverse_width)
            if depth == 0:
                return beyond, escaped
            depth -= 1
            E = stack[depth, 0]
            for k in range(3):
                pos[k] = stack[depth, 1 + k]
                d[k] = stack[depth, 4 + k]
            continue
        t = (math.log(E) - x0) / dx
        i = min(int(t), table.shape[0] - 2)
        t -= i
        for k in range(columns):
            high[k] = table[i, k] + t * (table[i + 1, k] - table[i, k])
        step_max = loss_fraction * E / (math.exp(high[0]) + high[1])
        # Hard cross sections rise as the electron slows down; a bound on them over the step allows to sample
        # the distance first and to decide afterwards whether a collision takes place.
        j = max(min(int((math.log(E * (1.0 - 1.7 * loss_fraction)) - x0) / dx), table.shape[0] - 2), 0)
        bound = 0.0
        for k in range(3, 6):
            bound += max(max(high[k], table[j, k]), table[min(j + 1, i + 1), k])
        step = -math.log(_random(state)) / bound
        hard = step < step_max
        if not hard:
            step = step_max
        # Soft losses and deflections take their coefficients from the middle of the step.
        middle = max(E - 0.5 * step * (math.exp(high[0]) + high[1]), 0.3 * end)
        t = (math.log(middle) - x0) / dx
        i = min(int(t), table.shape[0] - 2)
        t -= i
        for k in range(columns):
            row[k] = table[i, k] + t * (table[i + 1, k] - table[i, k])
        loss = min(_soft_loss(step * math.exp(row[0]), step * row[2], state), E)
        radiated = min(step * row[1], E - loss)
        hinge = _random(state) * step
        for k in range(3):
            pos[k] += hinge * d[k]
        beyond += _score(shells, pos, loss, inverse_width)
        escaped += radiated
        _turn(d, _soft_cosine(step * row[6], step * row[7], state), 2.0 * math.pi * _random(state))
        for k in range(3):
            pos[k] += (step - hinge) * d[k]
        E -= loss + radiated
        if not hard or end >= E:
            continue
        t = (math.log(E) - x0) / dx
        i = min(int(t), table.shape[0] - 2)
        t -= i
        for k in range(columns):
            row[k] = table[i, k] + t * (table[i + 1, k] - table[i, k])
        pick = _random(state) * bound
        if pick < row[3]:
            beta2 = E * (E + 2.0 * _MASS) / (E + _MASS) ** 2
            _turn(d, _hard_cosine(row[8], row[9], beta2, state), 2.0 * math.pi * _random(state))
        elif pick < row[3] + row[4]:
            if 2.0 * cut >= E:
                continue
            W = E * _moller_fraction(E, cut, state)
            rest = E - W
            phi = 2.0 * math.pi * _random(state)
            cos_delta = math.sqrt(W * (E + 2.0 * _MASS) / (E * (W + 2.0 * _MASS)))
            cos_rest = math.sqrt(rest * (E + 2.0 * _MASS) / (E * (rest + 2.0 * _MASS)))
            # The faster electron waits and the delta ray goes on: the stack stays as deep as log2(E/cut).
            u, v, w = d[0], d[1], d[2]
            _turn(d, cos_rest, phi + math.pi)
            stack[depth, 0] = rest
            for k in range(3):
                stack[depth, 1 + k] = pos[k]
                stack[depth, 4 + k] = d[k]
            depth += 1
            d[0], d[1], d[2] = u, v, w
            _turn(d, cos_delta, phi)
            E = W
        elif pick < row[3] + row[4] + row[5] and cut < E:
            k_MeV = E * _photon_fraction(E, cut, state)
            escaped += k_MeV
            E -= k_MeV


@njit(cache=True, parallel=True)
def _run(energy, per_batch, seed, table, x0, dx, cut, end, loss_fraction, inverse_width, n_shells):
    shells = np.zeros((_BATCHES, n_shells))
    beyond = np.zeros(_BATCHES)
    escaped = np.zeros(_BATCHES)
    for b in prange(_BATCHES):
        state = np.zeros(1, np.uint64)
        stack = np.zeros((_STACK, 7))
        row, high = np.zeros(table.shape[1]), np.zeros(table.shape[1])
        mine = np.zeros(n_shells)
        for h in range(per_batch):
            _start_stream(state, seed, b * per_batch + h)
            out, gone = _history(energy, state, table, x0, dx, cut, end, loss_fraction, inverse_width, mine, stack, row, high)
            beyond[b] += out
            escaped[b] += gone
        shells[b] = mine
    return shells, beyond, escaped
