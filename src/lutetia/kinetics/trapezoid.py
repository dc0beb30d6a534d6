"""The integral without a model: trapezoids between the points, and a tail."""

from __future__ import annotations

import math

import numpy as np

from ..core import BadInput
from .curves import TimeActivityCurve, TimeIntegratedActivity


def trapezoid(curve: TimeActivityCurve, decay_constant_per_s: float) -> TimeIntegratedActivity:
    """Trapezoids from zero at the administration, through the points, then an exponential tail.

    The curve is taken to rise straight from zero at t = 0 to the first point; as it may as well have been
    flat, half of a_1 t_1 with a rectangular distribution is part of the uncertainty. The tail falls at the
    rate of the last two points, but never slower than physical decay:

        TIA = a_1 t_1 / 2 + sum (a_i + a_{i+1}) (t_{i+1} - t_i) / 2 + a_n / k.

    Raises
    ------
    BadInput
        Fewer than two points.

    >>> curve = TimeActivityCurve([3600.0, 7200.0], [2.0, 1.0], [0.0, 0.0])
    >>> result = trapezoid(curve, 1e-6)
    >>> round(result.tia_Bq_s), result.model
    (14194, 'trapezoid with a tail at the rate of the last two points')
    """
    t, a, u = curve.time_s, curve.activity_Bq, curve.u_activity_Bq
    if len(t) < 2:
        raise BadInput("A trapezoid needs at least two points; with one, choose a single-time-point method.")
    rate, measured = _tail_rate(t, a, decay_constant_per_s)
    edges = np.concatenate([[0.0], t])
    weight = np.zeros(len(t))  # TIA = weight . a
    step = np.diff(edges)
    weight += step / 2
    weight[:-1] += step[1:] / 2
    weight[-1] += 1 / rate
    total = float(weight @ a)
    gradient = weight.copy()
    if measured:  # k depends on the last two activities as well: d(a/k)/dk = -a/k^2
        span = t[-1] - t[-2]
        gradient[-2] -= a[-1] / (rate**2 * span * a[-2])
        gradient[-1] += 1 / (rate**2 * span)
    start = a[0] * t[0] / 2 / math.sqrt(3)
    warnings: tuple[str, ...] = ()
    if not measured and a[-1] > 0:
        warnings = ("The last two points fall no faster than physical decay; the tail assumes physical decay alone.",)
    named = "at the rate of the last two points" if measured else "of physical decay"
    return TimeIntegratedActivity(
        total, math.sqrt(float((gradient * u) @ (gradient * u)) + start**2), f"trapezoid with a tail {named}",
        math.log(2) / rate, np.zeros(0), np.zeros(0), (), warnings,
    )


def _tail_rate(t: np.ndarray, a: np.ndarray, floor: float) -> tuple[float, bool]:
    """Rate of the tail, and whether the last two points gave it."""
    if a[-1] <= 0 or a[-2] <= 0:
        return floor, False
    rate = math.log(a[-2] / a[-1]) / (t[-1] - t[-2])
    return (rate, True) if rate > floor else (floor, False)
