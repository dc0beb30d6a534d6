"""Tri-exponential curve through three points with the fixed constraints of Jackson et al. 2013."""

from __future__ import annotations

import math

import numpy as np

from ..core import BadInput, CouldNot
from .curves import TimeActivityCurve, TimeIntegratedActivity

_UPTAKE_PER_S = 1.3 / 3600.0
_SLOWEST_PER_S = 0.001 / 3600.0
_LEFT = 0.01


def tri_exponential_jackson2013(curve: TimeActivityCurve, decay_constant_per_s: float) -> TimeIntegratedActivity:
    """Three phases from three points, zero at the administration.

    The activities are corrected for decay, so that the phases are biological:
    A(t) = exp(-lambda t) [A1 exp(-k1 t) + A2 exp(-k2 t) + A3 exp(-k3 t)] with

    - phase 3 through the second and third points, k3 at least 0.001/h;
    - phase 2 through what is left at the first point, and down to 1 % of the second point's activity there;
    - phase 1, the uptake, with k1 = 1.3/h and A1 = -(A2 + A3).

    TIA = sum A_i / (k_i + lambda). Jackson et al. 2013, doi:10.1118/1.4824318. The constraints are those of a
    population of 177Lu therapies; the uncertainty is that of the three points alone.

    Raises
    ------
    BadInput
        Not three points after the administration with positive activity.
    CouldNot
        The decay-corrected activity does not fall from the second to the third point by 0.001/h or more, or
        the first point lies on or far below the last phase: the published constraints do not describe it.

    >>> hours, decay = np.array([4.0, 24.0, 72.0]), np.log(2) / (161.04 * 3600)
    >>> curve = TimeActivityCurve(hours * 3600, [1200.0, 600.0, 400.0], [0.0, 0.0, 0.0])
    >>> round(tri_exponential_jackson2013(curve, decay).tia_Bq_s / 3600, 1)  # authors' worksheet: 90889.2
    90889.2
    """
    t, a, u = curve.time_s, curve.activity_Bq, curve.u_activity_Bq
    if len(t) != 3 or t[0] <= 0 or np.any(a <= 0):
        raise BadInput("The tri-exponential of Jackson 2013 takes exactly three points with positive activity; use method 'auto' otherwise.")
    c, k = _phases(t, a, decay_constant_per_s)
    step = 1e-4 * a
    gradient = np.array([(_integral(t, a + d, decay_constant_per_s) - _integral(t, a - d, decay_constant_per_s)) / (2 * s) for d, s in zip(np.diag(step), step)])
    return TimeIntegratedActivity(
        float(np.sum(c / k)), float(np.sqrt(np.sum((gradient * u) ** 2))), "tri-exponential (Jackson 2013)",
        math.log(2) / k[2], c, k, (),
        ("The three points fix the curve with the constraints of Jackson 2013; the uncertainty does not include these constraints.",),
    )


def _integral(t: np.ndarray, a: np.ndarray, decay: float) -> float:
    c, k = _phases(t, a, decay)
    return float(np.sum(c / k))


def _phases(t: np.ndarray, a: np.ndarray, decay: float) -> tuple[np.ndarray, np.ndarray]:
    d = a * np.exp(decay * t)
    k3 = math.log(d[1] / d[2]) / (t[2] - t[1])
    if k3 < _SLOWEST_PER_S:
        raise CouldNot("The decay-corrected activity hardly falls after the second point, where the constraints of Jackson 2013 do not hold; use method 'auto'.")
    a3 = d[2] * math.exp(k3 * t[2])
    left = d[0] - a3 * math.exp(-k3 * t[0])
    if abs(left) <= _LEFT * d[1]:
        raise CouldNot("The first point lies on the last phase, so that a second phase cannot be told apart (Jackson 2013); use method 'auto'.")
    k2 = math.log(abs(left) / (_LEFT * d[1])) / (t[1] - t[0])
    a2 = left * math.exp(k2 * t[0])
    if a2 + a3 < 0:
        raise CouldNot("The first point lies too far below the last phase for the constraints of Jackson 2013; use method 'auto'.")
    return np.array([-(a2 + a3), a2, a3]), np.array([_UPTAKE_PER_S, k2, k3]) + decay
