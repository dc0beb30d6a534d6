"""Alpha particles traced one by one through two concentric balls (a nucleus in its cell).

Tracks are straight and slow down continuously with ASTAR's ranges, as in `alphas`: a track that enters a ball
after a path t0 and leaves it after t1 deposits ``E_res(R - t0) - E_res(R - t1)`` there. By symmetry a track is
known by the distance s of its origin from the centre and the cosine c of its direction to the outward radius,
``t = -s c -+ sqrt(a^2 - s^2 (1 - c^2))``. The recoil nucleus deposits where the alpha is emitted: in a
ball if that point lies inside, not if it lies on the surface.

Every track has its own random stream, a function of the seed and the number of the track: the result does not
depend on the number of threads. Delta rays and straggling are left out (see `alphas`).
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from ..core import BadInput, stream_seed
from .photon_physics import history_key, uniform
from .stopping import alpha_csda_range_g_cm2, alpha_energy_at_range_MeV

_STEP_um = 0.02  # of the table of residual energies: linear interpolation is good to 1e-5 MeV
_BLOCK = 2048


@dataclass(frozen=True, slots=True, eq=False)
class AlphaTracks:
    """What single alpha particles deposit.

    Attributes
    ----------
    inner_MeV, outer_MeV : ndarray, shape (n,)
        Energy deposited in the inner and in the outer ball (which holds the inner one) by each particle and its recoil nucleus.
    """

    inner_MeV: np.ndarray
    outer_MeV: np.ndarray


def alpha_tracks(
    energy_MeV: np.ndarray,
    number: np.ndarray,
    radii_um: tuple[float, float],
    source_um: tuple[float, float],
    *,
    distance_um: float = 0.0,
    recoil_MeV: np.ndarray | float = 0.0,
    tracks: int = 1_000_000,
    seed: int = 1,
) -> AlphaTracks:
    """Trace alpha particles from a uniform source into two concentric balls of water (1 g/cm3).

    Parameters
    ----------
    energy_MeV, number : ndarray, shape (m,)
        Lines, and how many of each per decay (any non-negative weights).
    radii_um : (float, float)
        Inner and outer ball.
    source_um : (float, float)
        The source fills the shell between these radii; equal radii are a surface, (0, a) is a ball.
    distance_um : float
        Of the source's centre from the centre of the balls.
    recoil_MeV : float or ndarray, shape (m,)
        Energy of the recoil nucleus of each line, deposited at the origin.
    tracks, seed : int

    Raises
    ------
    BadInput
        No line, energies outside ASTAR, radii that are not 0 < inner <= outer, a source that is no shell, fewer than one track.

    Examples
    --------
    A nucleus of 5 um fills the part (1 - cos 30 deg) / 2 = 6.7 % of all directions seen from the surface of a cell of 10 um:

    >>> import numpy as np
    >>> t = alpha_tracks(np.array([5.8]), np.array([1.0]), (5.0, 10.0), (10.0, 10.0), tracks=1_000_000)
    >>> print(f"{np.mean(t.inner_MeV > 0):.3f}")
    0.067
    """
    E, n = np.atleast_1d(np.asarray(energy_MeV, float)), np.atleast_1d(np.asarray(number, float))
    if E.shape != n.shape or E.ndim != 1 or len(E) == 0 or not np.all(np.isfinite(n) & (n >= 0)) or not n.sum() > 0:
        raise BadInput("alpha tracks: give energies and as many numbers per decay, zero or more, at least one of them above zero.")
    if not 0 < radii_um[0] <= radii_um[1] < math.inf:
        raise BadInput(f"alpha tracks: balls of {radii_um} um are not possible; give 0 < inner <= outer.")
    if not (0 <= source_um[0] <= source_um[1] < math.inf and 0 <= distance_um < math.inf):
        raise BadInput(f"alpha tracks: a source between {source_um} um at {distance_um} um is not possible; give 0 <= inner <= outer and a distance of 0 or more.")
    if tracks < 1:
        raise BadInput(f"alpha tracks: {tracks} tracks were asked for; give 1 or more.")
    first = np.argsort(-n, kind="stable")  # strong lines first: they are found soonest
    ranges = 1e4 * alpha_csda_range_g_cm2(E[first])
    recoil = np.broadcast_to(np.asarray(recoil_MeV, float), E.shape)[first]
    inner, outer = np.empty(tracks), np.empty(tracks)
    key = np.uint64(stream_seed(seed, "alpha tracks"))
    _trace(
        inner, outer, key, ranges, np.cumsum(n[first] / n.sum()), recoil, residual_energies_MeV(float(ranges.max())), 1.0 / _STEP_um,
        float(radii_um[0]), float(radii_um[1]), float(source_um[0]), float(source_um[1]), float(distance_um),
    )  # fmt: skip
    return AlphaTracks(inner, outer)


@functools.lru_cache(maxsize=32)
def residual_energies_MeV(range_um: float) -> np.ndarray:
    """Energies of alphas whose residual range is 0, 0.02, 0.04 ... um, to beyond `range_um`."""
    r = _STEP_um * np.arange(int(math.ceil(range_um / _STEP_um)) + 2)
    longest = 1e4 * float(alpha_csda_range_g_cm2(20.0))
    return alpha_energy_at_range_MeV(1e-4 * np.minimum(r, longest))


@njit(cache=True, inline="always")
def _left(table, per_um, r):
    """Energy at the residual range r (not below 0)."""
    x = r * per_um
    i = int(x)
    return table[i] + (x - i) * (table[i + 1] - table[i])


@njit(cache=True, inline="always")
def _in_ball(table, per_um, R, radius, s, c):
    """Energy deposited in a ball by a track of range R that starts at distance s with cosine c to the outward radius."""
    square = radius * radius - s * s * (1.0 - c * c)
    if square <= 0.0:
        return 0.0
    half = math.sqrt(square)
    end = -s * c + half
    start = max(-s * c - half, 0.0)
    if end <= 1e-9 * radius or start >= R:  # a track that leaves the surface it starts on
        return 0.0
    return _left(table, per_um, R - start) - _left(table, per_um, max(R - end, 0.0))


@njit(cache=True, parallel=True)
def _trace(inner, outer, key, ranges, cumulative, recoil, table, per_um, r1, r2, near, far, d):
    n = inner.size
    lines = ranges.size
    shell = near < far
    low, volume = near * near * near, far * far * far - near * near * near
    for block in prange((n + _BLOCK - 1) // _BLOCK):
        rng = np.empty(1, np.uint64)
        for i in range(block * _BLOCK, min(n, (block + 1) * _BLOCK)):
            rng[0] = history_key(key, i)
            line = 0
            if lines > 1:
                u = uniform(rng)
                while line < lines - 1 and cumulative[line] <= u:
                    line += 1
            s = far
            if shell:
                s = np.cbrt(low + uniform(rng) * volume)
            if d > 0.0:
                s = math.sqrt(max(d * d + s * s - 2.0 * d * s * (2.0 * uniform(rng) - 1.0), 0.0))
            c = 2.0 * uniform(rng) - 1.0
            R = ranges[line]
            given = recoil[line]
            inner[i] = _in_ball(table, per_um, R, r1, s, c) + (given if s < r1 else 0.0)
            outer[i] = _in_ball(table, per_um, R, r2, s, c) + (given if s < r2 else 0.0)
