"""What one decay in a cell does to its own nucleus and to that of a cell at a distance: the kernels of every cluster.

Electrons act by mean dose; alphas by mean dose, by hits, and by the probability that all alphas of one decay, with the progeny
at the same point, kill the nucleus (`transport.alpha_encounters`). Because decays are independent, the survival of a nucleus
under alphas is ``exp(-sum over decays of that probability)``: the compound Poisson law, with no need to draw single hits.
Photons are left out: next to electrons and alphas they give under 1 % within a millimetre.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from ..core import BadInput
from ..transport.alpha_encounters import alpha_encounters, alpha_reach_um
from ..transport.kernels import nuclide_kernels
from .cells import CellGeometry, cell_s_Gy_per_Bq_s, cross_s_Gy_per_Bq_s

COMPARTMENTS = ("N", "Cy", "CS")
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(32)
_S_STEP_UM = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class ClusterKernels:
    """Effects on a nucleus per decay of the parent.

    Attributes
    ----------
    self_ : mapping of str to float
        Of a decay in the same cell: ``electron_Gy``, ``alpha_Gy``, ``hits`` (alphas through the nucleus), ``struck``
        (at least one of the decay's alphas hits), ``lethal``.
    distance_um : ndarray, shape (n,)
        From the distance of touching cells to the end of the longest electron kernel.
    at : mapping of str to ndarray, shape (n,)
        The same effects of a decay in a cell at each distance.
    alpha_reach_um : float
        Beyond it no alpha arrives; 0 where there are none.
    """

    self_: Mapping[str, float]
    distance_um: np.ndarray
    at: Mapping[str, np.ndarray]
    alpha_reach_um: float

    def cross(self, effect: str, d_um: np.ndarray) -> np.ndarray:
        """The effect at any distance: linear in ``effect * d^2``, zero beyond the end, flat below the first distance."""
        d = np.maximum(d_um, self.distance_um[0])
        return np.interp(d, self.distance_um, self.at[effect] * self.distance_um**2, right=0.0) / d**2

    def reach_um(self, effect: str) -> float:
        """Where the effect ends."""
        return float(self.distance_um[-1]) if effect == "electron_Gy" else self.alpha_reach_um


def cluster_kernels(
    name: str, cell: CellGeometry, compartments: Mapping[str, float], *, alpha_track_per_Gy: float, progeny: bool = True, electrons: str = "kernel"
) -> ClusterKernels:
    """Kernels of decays spread over the compartments of a cell.

    Parameters
    ----------
    name : str
        Nuclide.
    cell : CellGeometry
    compartments : mapping
        Part of the decays in ``N``, ``Cy`` and ``CS`` (nucleus, cytoplasm, surface); together 1.
    alpha_track_per_Gy : float
        Slope of survival for the specific energy of a single alpha track.
    progeny : bool
        Count the chain in equilibrium, decaying where the parent does.
    electrons : str
        Model of the electrons, see `cells`.

    Raises
    ------
    BadInput
        Parts that are negative, unknown or not 1 together.
    """
    parts = _parts(compartments)
    nearest = 2 * cell.cell_radius_um
    alpha_reach = alpha_reach_um(name, progeny=progeny)
    reach = alpha_reach + cell.cell_radius_um + cell.nucleus_radius_um if alpha_reach > 0 else 0.0
    kernels = nuclide_kernels(name, progeny=progeny)
    last = max(reach, 1000 * float(kernels["electron"].radius_mm[-1]) + nearest if "electron" in kernels else 0.0, 1.1 * nearest)
    d = np.unique(np.concatenate([np.arange(nearest, min(last, nearest + 150.0), 0.5), np.geomspace(nearest, last, 400)]))
    effects = ("electron_Gy", "alpha_Gy", "hits", "struck", "lethal")
    own = dict.fromkeys(effects, 0.0)
    far = {e: np.zeros_like(d) for e in effects}
    if "electron" in kernels:
        s_self = cell_s_Gy_per_Bq_s(name, cell, progeny=progeny, electrons=electrons)
        for c, part in parts.items():
            own["electron_Gy"] += part * s_self[f"N<-{c}"].get("electron", 0.0)
            far["electron_Gy"] += part * cross_s_Gy_per_Bq_s(name, cell, "N", c, d, progeny=progeny, electrons=electrons).get("electron", 0.0)
    if alpha_reach > 0:
        s = np.arange(0.0, reach + cell.cell_radius_um + _S_STEP_UM, _S_STEP_UM)
        e = alpha_encounters(name, s, cell.nucleus_radius_um, alpha_track_per_Gy, progeny=progeny)
        near = d <= reach
        for effect, values in (("alpha_Gy", e.dose_Gy), ("hits", e.hits), ("struck", e.struck), ("lethal", e.lethal)):
            for c, part in parts.items():
                own[effect] += part * float(_mean(s, values, *_own_points(cell, c)))
                far[effect][near] += part * _mean(s, values, *_far_points(cell, c, d[near]))
    return ClusterKernels(own, d, far, reach)


def track_slope_per_Gy(slope_per_Gy: float, cell: CellGeometry, compartments: Mapping[str, float], name: str = "Ac-225", *, progeny: bool = True) -> float:
    """Slope for single tracks that makes survival fall with the mean dose to the nucleus as was measured.

    Survival of cells is published against mean dose. A nucleus that gets its dose in few large portions wastes part of it (it can
    be killed once), so that the slope for the specific energy of one track is larger. It is found such that, for decays of `name`
    in the cell's own compartments, -ln S per mean dose is `slope_per_Gy` at small doses.

    Raises
    ------
    BadInput
        A slope that single tracks cannot give, however lethal: more than the hits per gray.

    A slope of 0.67 per Gy takes a sixth more for a single track (cell of 5 um with a nucleus of 4 um, a quarter of decays at the surface):

    >>> round(track_slope_per_Gy(0.67, CellGeometry(5.0, 4.0), {"CS": 0.24, "Cy": 0.76}) / 0.67, 2)
    1.17
    """
    if slope_per_Gy == 0:
        return 0.0
    s = np.arange(0.0, cell.cell_radius_um + 2 * _S_STEP_UM, _S_STEP_UM)

    def measured(track: float) -> float:
        e = alpha_encounters(name, s, cell.nucleus_radius_um, track, progeny=progeny)
        lethal, dose = (sum(part * float(_mean(s, v, *_own_points(cell, c))) for c, part in _parts(compartments).items()) for v in (e.lethal, e.dose_Gy))
        return lethal / dose

    most = measured(1e6)
    if slope_per_Gy > 0.98 * most:
        raise BadInput(f"alpha: a slope of {slope_per_Gy:g} per Gy is more than single tracks can give in a nucleus of {cell.nucleus_radius_um:g} um radius ({most:.3g} per Gy, if every hit kills); give a lower one.")
    low, high = slope_per_Gy, 2.0 * slope_per_Gy
    while measured(high) < slope_per_Gy:
        low, high = high, 2 * high
    return float(brentq(lambda k: measured(k) - slope_per_Gy, low, high, xtol=1e-6 * low, rtol=1e-7))


def _parts(compartments: Mapping[str, float]) -> dict[str, float]:
    unknown = [c for c in compartments if c not in COMPARTMENTS]
    if unknown or min(compartments.values(), default=-1.0) < 0 or abs(sum(compartments.values()) - 1) > 1e-6:
        raise BadInput(f"compartments: got {dict(compartments)}; give the parts of N, Cy and CS (nucleus, cytoplasm, surface), zero or more, 1 together.")
    return {c: float(v) for c, v in compartments.items() if v > 0}


def _mean(s_um: np.ndarray, values: np.ndarray, points_um: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Means over points at distances from the nucleus; weights sum to 1 along the last axis."""
    return np.sum(np.interp(points_um, s_um, values) * weights, axis=-1)


def _own_points(cell: CellGeometry, compartment: str) -> tuple[np.ndarray, np.ndarray]:
    """Distances from the centre of points spread evenly over a compartment."""
    if compartment == "CS":
        return np.array([cell.cell_radius_um]), np.ones(1)
    low, high = (0.0, cell.nucleus_radius_um) if compartment == "N" else (cell.nucleus_radius_um, cell.cell_radius_um)
    s = low + 0.5 * (high - low) * (_NODES + 1)
    w = _WEIGHTS * s**2
    return s, w / w.sum()


def _far_points(cell: CellGeometry, compartment: str, d_um: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distances from a nucleus of points in a compartment of a cell at each `d_um`; shapes (n, m).

    Points on a sphere of radius a about a centre at d lie at s with density ``s / (2 a d)``, points in a ball with
    ``3 s (a^2 - (d - s)^2) / (4 d a^3)``, where ``|s - d| <= a``.
    """
    d = d_um[:, None]
    a = cell.cell_radius_um if compartment != "N" else cell.nucleus_radius_um
    s = d + a * _NODES
    if compartment == "CS":
        w = _WEIGHTS * s
        return s, w / w.sum(axis=1, keepdims=True)
    w = _WEIGHTS * s * (a**2 - (d - s) ** 2)
    w = w / w.sum(axis=1, keepdims=True)
    if compartment == "N":
        return s, w
    # Cytoplasm: the cell without its nucleus.
    inner, inner_w = _far_points(cell, "N", d_um)
    part = (cell.nucleus_radius_um / cell.cell_radius_um) ** 3
    return np.concatenate([s, inner], axis=1), np.concatenate([w, -part * inner_w], axis=1) / (1 - part)


def activity_concentration_decays_per_cell(decays_per_g: float, volume_per_cell_um3: float) -> float:
    """Decays of one cell's space in tissue of 1 g/mL.

    >>> round(activity_concentration_decays_per_cell(1e12, 1000.0))  # 1e12 per g, 1000 um3
    1000
    """
    return decays_per_g * volume_per_cell_um3 * 1e-12
