"""What alphas from a point do to a ball, by quadrature: how often it is hit, how much it gets, how often it is spared.

An alpha that starts at distance s from the centre of a ball of radius R, at an angle theta to the line to the centre, meets
the ball after ``t_in = s cos(theta) - sqrt(R^2 - s^2 sin^2(theta))`` and leaves it at ``t_out`` (the other sign); it gives it
``E(R_0 - t_in) - E(R_0 - t_out)``, E(.) being the energy that belongs to a residual range (ASTAR; see `alphas`). Averages over
directions are Gauss-Legendre sums. The same tracks are sampled in `alpha_tracks`; each checks the other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit, prange

from ..core import CouldNot
from ..nuclides import equilibrium_chain, nuclide
from .spheres import GY_G_PER_MEV
from .stopping import alpha_csda_range_g_cm2, alpha_energy_at_range_MeV

#: Alpha lines closer than this are merged: 20 keV is 0.3 um of range.
_MERGE_MeV = 0.02
_STEP_UM = 0.02
_ANGLES = 32


@dataclass(frozen=True, slots=True, eq=False)
class Encounters:
    """Per decay of the parent at a point, over distances s from the ball's centre; shapes (n,).

    Attributes
    ----------
    hits : ndarray
        Mean number of alphas that enter (or start in) the ball.
    struck : ndarray
        Probability that at least one alpha of the decay, or of its progeny at the same point, does.
    dose_Gy : ndarray
        Mean dose to the ball from alphas and from recoil nuclei that start in it.
    lethal : ndarray
        Probability that the decay, with all its progeny at the same point, kills: see `alpha_encounters`.
    """

    hits: np.ndarray
    struck: np.ndarray
    dose_Gy: np.ndarray
    lethal: np.ndarray


def alpha_encounters(name: str, s_um: np.ndarray, radius_um: float, alpha_per_Gy: float, *, progeny: bool = False) -> Encounters:
    """What one decay at each distance does to a ball of water.

    A single alpha that gives the specific energy z kills with probability ``1 - exp(-alpha z)`` (no repair of what it did); the
    alphas of one chain leave independently from one point, so that the decay as a whole spares the ball with the product of
    their probabilities.

    Parameters
    ----------
    name : str
        Nuclide.
    s_um : ndarray, shape (n,)
        Distances of the decay from the ball's centre, zero and more.
    radius_um : float
    alpha_per_Gy : float
        Initial slope of survival for one track.
    progeny : bool
        Count the chain in equilibrium, decaying at the same point.

    Raises
    ------
    CouldNot
        Neither the nuclide nor, with `progeny`, its chain emits alphas.

    A point in the middle of a nucleus is always hit; at 5 um from the centre of one of 4 um radius, one alpha in five hits it:

    >>> at = alpha_encounters("Po-210", np.array([0.0, 5.0]), 4.0, 0.5)
    >>> np.round(at.hits, 3)
    array([1. , 0.2])
    """
    members = [(m.nuclide, m.decays_per_parent) for m in equilibrium_chain(name)] if progeny else [(nuclide(name), 1.0)]
    s = np.ascontiguousarray(s_um, float)
    hits, dose, missed, spared = np.zeros_like(s), np.zeros_like(s), np.ones_like(s), np.ones_like(s)
    to_Gy = GY_G_PER_MEV / (4 / 3 * math.pi * (radius_um * 1e-4) ** 3)
    found = False
    for member, decays in members:
        lines = member.lines["alpha"]
        if not len(lines.energy_MeV):
            continue
        found = True
        energy, number = _merged(lines.energy_MeV, lines.per_decay)
        reach = 1e4 * alpha_csda_range_g_cm2(energy)
        table = alpha_energy_at_range_MeV(np.arange(0.0, reach.max() + 2 * _STEP_UM, _STEP_UM) * 1e-4)
        recoil = member.energy_per_decay_MeV["recoil"] / float(number.sum())
        h, d, q = _sum_over_rays(s, radius_um, reach, number, table, recoil, to_Gy, alpha_per_Gy, *np.polynomial.legendre.leggauss(_ANGLES))
        hits += decays * h
        missed *= 1.0 - decays * h
        dose += decays * d
        spared *= 1.0 - decays * q
    if not found:
        raise CouldNot(f"{name} emits no alpha particles{' and neither does its progeny' if progeny else ''}; choose an alpha emitter.")
    return Encounters(hits, 1.0 - missed, dose, 1.0 - spared)


def alpha_reach_um(name: str, *, progeny: bool = False) -> float:
    """The longest range of an alpha of the nuclide (or its chain in equilibrium) in water, um; 0 where there are none.

    >>> round(alpha_reach_um("Ac-225", progeny=True), 1)  # that of Po-213
    84.5
    """
    members = [m.nuclide for m in equilibrium_chain(name)] if progeny else [nuclide(name)]
    return float(max((1e4 * alpha_csda_range_g_cm2(m.lines["alpha"].energy_MeV).max() for m in members if len(m.lines["alpha"].energy_MeV)), default=0.0))


def _merged(energy_MeV: np.ndarray, per_decay: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Lines of nearly the same energy as one, number and energy kept."""
    group = np.round(energy_MeV / _MERGE_MeV).astype(int)
    _, index = np.unique(group, return_inverse=True)
    number = np.bincount(index, per_decay)
    return np.bincount(index, per_decay * energy_MeV) / number, number


@njit(cache=True, parallel=True)
def _sum_over_rays(s_um, radius_um, reach_um, number, table, recoil_MeV, to_Gy, alpha_per_Gy, nodes, weights):  # type: ignore[no-untyped-def]
    """Means per decay over directions and lines, at each distance."""
    n = s_um.shape[0]
    hits, dose, lethal = np.zeros(n), np.zeros(n), np.zeros(n)
    for i in prange(n):
        s = s_um[i]
        within = s < radius_um
        for a in range(nodes.shape[0]):
            if within:  # all directions: cos(theta) from -1 to 1
                cosine, weight = nodes[a], 0.5 * weights[a]
                half = math.sqrt(max(radius_um**2 - s**2 * (1.0 - cosine**2), 0.0))
                t_in, t_out = 0.0, s * cosine + half
            else:  # rays that meet the ball, by their impact parameter R sin(phi), so that the chord 2 R cos(phi) is smooth
                phi = 0.25 * math.pi * (nodes[a] + 1.0)
                b = radius_um * math.sin(phi)
                cosine = math.sqrt(max(1.0 - (b / s) ** 2, 1e-30))
                # d(cos theta) / d(phi) = R^2 sin cos / (s^2 cos theta); half of it is the part of all directions
                weight = 0.5 * 0.25 * math.pi * weights[a] * radius_um**2 * math.sin(phi) * math.cos(phi) / (s**2 * cosine)
                half = radius_um * math.cos(phi)
                t_in, t_out = s * cosine - half, s * cosine + half
            for line in range(reach_um.shape[0]):
                if reach_um[line] <= t_in:
                    continue
                given = _energy(table, reach_um[line] - t_in) - _energy(table, reach_um[line] - t_out)
                z = (given + (recoil_MeV if within else 0.0)) * to_Gy
                w = weight * number[line]
                hits[i] += w
                dose[i] += w * z
                lethal[i] -= w * math.expm1(-alpha_per_Gy * z)
    return hits, dose, lethal


@njit(cache=True)
def _energy(table, residual_um):  # type: ignore[no-untyped-def]
    if residual_um <= 0.0:
        return 0.0
    x = residual_um / _STEP_UM
    k = min(int(x), table.shape[0] - 2)
    return table[k] + (x - k) * (table[k + 1] - table[k])
