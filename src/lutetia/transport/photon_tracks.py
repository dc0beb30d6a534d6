"""Compiled photon transport through voxels: one batch of histories into one tally.

Photons are ray-marched from voxel to voxel. The track-length estimator scores the expected energy transfer
along every step (Williamson 1987, doi 10.1118/1.596104), except on flights at energies so low that a voxel
is optically thick; the analog estimator scores what each interaction deposits, so that every history
balances exactly. Electrons deposit where they arise.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .photon_physics import EVERY, REST_MEV, history_key, isotropic, rayleigh, scattered, turned, uniform

#: Numbers that start a history and come from an additive recurrence, whose points fill the space more evenly than
#: random ones; its steps are powers of the root of x^(d + 1) = x + 1, the generalised golden ratio (Roberts 2018).
_LINE, _COSINE, _AZIMUTH, _DEPTH, _X, _Y, _Z = range(7)
_EVEN = 7
_ROOT = 1.0968708190970446
_STEPS = np.array([_ROOT ** -(d + 1) for d in range(_EVEN)])
#: A photon this close to the outside (in voxels) has left: distances are sums, and round.
_MARGIN = 1e-9
_LEAST_COSINE = 1e-12
_STAY = np.uint64(0)


@njit(cache=True, inline="always")
def fraction(x):
    """What x has behind the point: a recurrence modulo 1."""
    return x - math.floor(x)


@njit(cache=True, inline="always")
def axis(place, cosine, cell, cells, size):
    """Of one axis: path to the next face, from face to face and to the outside; and 1 or -1, the way of the cells."""
    if abs(cosine) < _LEAST_COSINE:
        cosine = math.copysign(_LEAST_COSINE, cosine)
    per = 1.0 / cosine
    ahead = cosine > 0.0
    first = max(((cell + ahead) * size - place) * per, 0.0)
    each = size * abs(per)
    left = cells - 1 - cell if ahead else cell
    return first, each, first + (left - _MARGIN) * each, 1 if ahead else -1


@njit(cache=True, inline="always")
def march(tally, density, material, mu, score, by_track, here, stride, first, each, outside, depth):
    """One flight from voxel `here` on; returns its length, the voxel where it ends and whether that is by interaction.

    `stride` leads to the neighbour along (x, y, z), `first` and `each` are the paths to the first face and between
    faces, `depth` is the optical depth of the interaction; `mu` and `score` are of the materials at 1 g/mL.
    """
    sx, sy, sz = np.uint64(stride[0]), np.uint64(stride[1]), np.uint64(stride[2])
    tx, ty, tz = first
    ex, ey, ez = each
    here = np.uint64(here)  # unsigned, or every access would look for indices that count from the end
    gone = 0.0
    while True:
        rho, q = density[here], material[here]
        t = min(tx, min(ty, tz))
        step = t - gone
        used = rho * mu[q] * step
        inside = used > depth
        if inside:
            step *= depth / used
        if by_track:
            tally[here] += rho * score[q] * step
        if inside or t >= outside:
            break
        depth -= used
        gone = t
        # Selections, not branches: which face comes next cannot be foreseen, and a wrong guess costs more than a step.
        x, y, z = tx <= t, ty <= t, tz <= t
        tx += ex if x else 0.0
        ty += ey if y else 0.0
        tz += ez if z else 0.0
        here += (sx if x else _STAY) + (sy if y else _STAY) + (sz if z else _STAY)
    return gone + step, np.int64(here), inside


@njit(cache=True, nogil=True)
def run_batch(tally, source, histories, batch_key, density, material, spacing, lines, weights, cdf, tables, analog, cut):
    """Transport one batch; returns (energy escaped, largest relative imbalance of a history).

    `tally`, `source`, `density`, `material` are flat (k, j, i); `spacing` is their shape and the voxel size in
    cm; a history of line l counts ``weights[l]`` photons.
    """
    (nz, ny, nx), (dz, dy, dx) = spacing
    log_first, per_log, first_track, table, quantiles, x2, f2 = tables
    rng = np.empty(1, np.uint64)
    rng[0] = batch_key
    shift = np.empty(_EVEN)
    for d in range(_EVEN):
        shift[d] = uniform(rng)
    m = table.shape[1]
    mu_now, score_now = np.empty(m), np.empty(m)
    total = source.sum()
    voxel, reached = -1, 0.0
    last = source.size - 1
    while source[last] <= 0.0:
        last -= 1
    escaped, worst = 0.0, 0.0
    for h in range(histories):
        rng[0] = history_key(batch_key, h)
        # Histories take their voxel in order, one in each equal part of the source.
        wanted = (h + uniform(rng)) / histories * total
        while (reached < wanted or voxel < 0) and voxel < last:
            voxel += 1
            reached += source[voxel]
        n = h + 1.0
        line = np.searchsorted(cdf, fraction(shift[_LINE] + n * _STEPS[_LINE]), side="right")
        energy, weight = lines[line], weights[line]
        u, v, w = isotropic(fraction(shift[_COSINE] + n * _STEPS[_COSINE]), fraction(shift[_AZIMUTH] + n * _STEPS[_AZIMUTH]))
        k, rest = divmod(voxel, ny * nx)
        j, i = divmod(rest, nx)
        x = (i + fraction(shift[_X] + n * _STEPS[_X])) * dx
        y = (j + fraction(shift[_Y] + n * _STEPS[_Y])) * dy
        z = (k + fraction(shift[_Z] + n * _STEPS[_Z])) * dz
        depth = -math.log(max(1.0 - fraction(shift[_DEPTH] + n * _STEPS[_DEPTH]), 1e-300))
        start = energy
        kept, left = 0.0, 0.0
        waiting = False  # the second annihilation photon
        ax = ay = az = au = av = aw = 0.0
        ai = aj = ak = 0
        while True:
            # One flight at `energy`: coefficients of every material, then voxel after voxel.
            place = (math.log(energy) - log_first) * per_log
            row = min(max(int(place), 0), table.shape[0] - 2)
            frac = place - row
            for q in range(m):
                mu_now[q] = table[row, q, 0] + frac * (table[row + 1, q, 0] - table[row, q, 0])
                score_now[q] = energy * weight * (table[row, q, 1] + frac * (table[row + 1, q, 1] - table[row, q, 1]))
            by_track = not analog and row >= first_track
            tx, ex, bx, si = axis(x, u, i, nx, dx)
            ty, ey, by, sj = axis(y, v, j, ny, dy)
            tz, ez, bz, sk = axis(z, w, k, nz, dz)
            outside = min(bx, min(by, bz))
            here = (k * ny + j) * nx + i
            stride = (si, sj * nx, sk * nx * ny)
            gone, here, inside = march(
                tally, density, material, mu_now, score_now, by_track, here, stride, (tx, ty, tz), (ex, ey, ez), outside, depth
            )
            ended = not inside
            if inside:
                k, rest = divmod(here, ny * nx)
                j, i = divmod(rest, nx)
                x, y, z = x + gone * u, y + gone * v, z + gone * w
                q = material[here]
                chance = uniform(rng)
                given = 0.0
                incoherent = table[row, q, 2] + frac * (table[row + 1, q, 2] - table[row, q, 2])
                if chance < incoherent:
                    less, cosine = scattered(energy, quantiles, place / EVERY, q, chance / incoherent)
                    given = energy - less
                    energy = less
                    u, v, w = turned(u, v, w, cosine, 2.0 * math.pi * uniform(rng))
                elif chance < table[row, q, 3] + frac * (table[row + 1, q, 3] - table[row, q, 3]):
                    u, v, w = turned(u, v, w, rayleigh(energy, x2, f2[q], rng), 2.0 * math.pi * uniform(rng))
                elif energy <= 2.0 * REST_MEV or chance < table[row, q, 4] + frac * (table[row + 1, q, 4] - table[row, q, 4]):
                    given = energy
                    ended = True
                else:  # pair production: the positron annihilates at rest, here
                    given = energy - 2.0 * REST_MEV
                    energy = REST_MEV
                    u, v, w = isotropic(uniform(rng), uniform(rng))
                    waiting = True
                    ax, ay, az, ai, aj, ak, au, av, aw = x, y, z, i, j, k, -u, -v, -w
                if not ended and energy < cut:
                    tally[here] += weight * energy
                    kept += energy
                    ended = True
                if not by_track:
                    tally[here] += weight * given
                kept += given
            else:
                left += energy
            if ended:
                if not waiting:
                    break
                waiting = False
                x, y, z, i, j, k, u, v, w = ax, ay, az, ai, aj, ak, au, av, aw
                energy = REST_MEV
            depth = -math.log(uniform(rng))
        escaped += weight * left
        if analog:
            worst = max(worst, abs(start - kept - left) / start)
    return escaped, worst
