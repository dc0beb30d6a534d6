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

from .photon_physics import REST_MEV, compton, history_key, rayleigh, turned, uniform

#: Steps of an additive recurrence in 7 dimensions: powers of the root of x^8 = x + 1, the generalised
#: golden ratio (Roberts 2018). Its points fill the starting space more evenly than random ones.
_ROOT = 1.0968708190970446
_STEPS = np.array([_ROOT ** -(d + 1) for d in range(7)])
#: Optical thickness of a voxel (materials at 1 g/mL) from which interactions score with less noise than tracks.
_THICK = 0.5
_LINE, _COSINE, _AZIMUTH, _DEPTH, _X, _Y, _Z = range(7)


@njit(cache=True, nogil=True)
def run_batch(tally, source, histories, batch_key, density, material, spacing, lines, weights, cdf, tables, analog, cut):
    """Transport one batch; returns (energy escaped, largest relative imbalance of a history).

    `tally`, `source`, `density`, `material` are flat (k, j, i); `spacing` is their shape and the voxel size in
    cm; a history of line l counts ``weights[l]`` photons.
    """
    (nz, ny, nx), (dz, dy, dx) = spacing
    size = (dz * dy * dx) ** (1.0 / 3.0)
    log_first, per_log, mu, transfer, branch, x2, s, f2 = tables
    rng = np.empty(1, np.uint64)
    rng[0] = batch_key
    shift = np.empty(7)
    for d in range(7):
        shift[d] = uniform(rng)
    m = mu.shape[1]
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
        u01 = shift[_LINE] + n * _STEPS[_LINE]
        line = np.searchsorted(cdf, u01 - math.floor(u01), side="right")
        energy, weight = lines[line], weights[line]
        u01 = shift[_COSINE] + n * _STEPS[_COSINE]
        w = 2.0 * (u01 - math.floor(u01)) - 1.0
        azimuth = 2.0 * math.pi * (shift[_AZIMUTH] + n * _STEPS[_AZIMUTH])
        side = math.sqrt(max(0.0, 1.0 - w * w))
        u, v = side * math.cos(azimuth), side * math.sin(azimuth)
        k, rest = divmod(voxel, ny * nx)
        j, i = divmod(rest, nx)
        px, py, pz = shift[_X] + n * _STEPS[_X], shift[_Y] + n * _STEPS[_Y], shift[_Z] + n * _STEPS[_Z]
        x, y, z = (i + px - math.floor(px)) * dx, (j + py - math.floor(py)) * dy, (k + pz - math.floor(pz)) * dz
        u01 = shift[_DEPTH] + n * _STEPS[_DEPTH]
        depth = -math.log(max(1.0 - (u01 - math.floor(u01)), 1e-300))
        start = energy
        kept, left = 0.0, 0.0
        waiting = False  # the second annihilation photon
        ax = ay = az = au = av = aw = 0.0
        ai = aj = ak = 0
        while True:
            # One flight at `energy`: coefficients of every material, then voxel after voxel.
            place = (math.log(energy) - log_first) * per_log
            row = min(max(int(place), 0), mu.shape[0] - 2)
            frac = place - row
            for q in range(m):
                mu_now[q] = mu[row, q] + frac * (mu[row + 1, q] - mu[row, q])
                score_now[q] = energy * weight * (transfer[row, q] + frac * (transfer[row + 1, q] - transfer[row, q]))
            by_track = not analog and mu_now.mean() * size < _THICK
            tx, ex, si = np.inf, np.inf, 0
            if u > 0.0:
                tx, ex, si = ((i + 1) * dx - x) / u, dx / u, 1
            elif u < 0.0:
                tx, ex, si = (i * dx - x) / u, -dx / u, -1
            ty, ey, sj = np.inf, np.inf, 0
            if v > 0.0:
                ty, ey, sj = ((j + 1) * dy - y) / v, dy / v, 1
            elif v < 0.0:
                ty, ey, sj = (j * dy - y) / v, -dy / v, -1
            tz, ez, sk = np.inf, np.inf, 0
            if w > 0.0:
                tz, ez, sk = ((k + 1) * dz - z) / w, dz / w, 1
            elif w < 0.0:
                tz, ez, sk = (k * dz - z) / w, -dz / w, -1
            here = (k * ny + j) * nx + i
            gone = 0.0
            inside = True
            while True:
                rho = density[here]
                per_cm = rho * mu_now[material[here]]
                t = min(tx, ty, tz)
                step = max(t - gone, 0.0)
                if depth <= per_cm * step:
                    step = depth / per_cm
                    if by_track:
                        tally[here] += rho * score_now[material[here]] * step
                    gone += step
                    break
                depth -= per_cm * step
                if by_track:
                    tally[here] += rho * score_now[material[here]] * step
                gone = t
                if tx <= ty and tx <= tz:
                    i += si
                    here += si
                    tx += ex
                    if i < 0 or i >= nx:
                        inside = False
                        break
                elif ty <= tz:
                    j += sj
                    here += sj * nx
                    ty += ey
                    if j < 0 or j >= ny:
                        inside = False
                        break
                else:
                    k += sk
                    here += sk * ny * nx
                    tz += ez
                    if k < 0 or k >= nz:
                        inside = False
                        break
            ended = not inside
            if inside:
                x, y, z = x + gone * u, y + gone * v, z + gone * w
                q = material[here]
                chance = uniform(rng)
                given = 0.0
                if chance < branch[row, q, 0] + frac * (branch[row + 1, q, 0] - branch[row, q, 0]):
                    scattered, cosine = compton(energy, s[q], rng)
                    given = energy - scattered
                    energy = scattered
                    u, v, w = turned(u, v, w, cosine, 2.0 * math.pi * uniform(rng))
                elif chance < branch[row, q, 1] + frac * (branch[row + 1, q, 1] - branch[row, q, 1]):
                    u, v, w = turned(u, v, w, rayleigh(energy, x2, f2[q], rng), 2.0 * math.pi * uniform(rng))
                elif energy <= 2.0 * REST_MEV or chance < branch[row, q, 2] + frac * (branch[row + 1, q, 2] - branch[row, q, 2]):
                    given = energy
                    ended = True
                else:  # pair production: the positron annihilates at rest, here
                    given = energy - 2.0 * REST_MEV
                    energy = REST_MEV
                    w = 2.0 * uniform(rng) - 1.0
                    azimuth = 2.0 * math.pi * uniform(rng)
                    side = math.sqrt(max(0.0, 1.0 - w * w))
                    u, v = side * math.cos(azimuth), side * math.sin(azimuth)
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
