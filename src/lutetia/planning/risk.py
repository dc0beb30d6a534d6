"""From draws to a risk: the activity at which one draw reaches a limit, and the largest that enough of them bear."""

from __future__ import annotations

import numpy as np

from ..core import BadInput


def activity_at_Gy(linear_Gy_per_Bq: np.ndarray, quadratic_Gy_per_Bq2: np.ndarray, room_Gy: np.ndarray | float) -> np.ndarray:
    """Activity A at which ``l A + q A^2`` is the room that is left, by the root that loses no digits; 0 where no room is left.

    With equal activity A in every cycle a sum of BED is such a form: ``BED = A sum d_c + A^2 sum G_c d_c^2 / (alpha/beta)`` with d_c the dose
    per becquerel of cycle c. Where nothing is taken up it is infinite.

    Parameters
    ----------
    linear_Gy_per_Bq, quadratic_Gy_per_Bq2 : ndarray, one shape
    room_Gy : float or ndarray

    >>> d, G = 4.37 / 7.4e9, 2.8 / 52.8  # kidney, 4.37 Gy from 7.4 GBq, effective half-life 50 h, repair 2.8 h
    >>> one = 4.37 * (1 + 4.37 * G / 2.6)
    >>> round(float(activity_at_Gy(np.array(4 * d), np.array(4 * G * d**2 / 2.6), 4 * one)) / 1e9, 6)
    7.4
    """
    l, q, room = np.broadcast_arrays(np.asarray(linear_Gy_per_Bq, float), np.asarray(quadratic_Gy_per_Bq2, float), np.maximum(room_Gy, 0.0))
    below = l + np.sqrt(l * l + 4 * q * room)
    return np.divide(2 * room, below, out=np.where(room > 0, np.inf, 0.0), where=below > 0)


def largest_activity_Bq(bearable_Bq: np.ndarray, risk: float, weights: np.ndarray | None = None) -> float:
    """Largest activity at which a further draw of the same distribution exceeds its limit with a probability of at most `risk`.

    With n draws alike, the k-th smallest bearable activity is exceeded by one more draw with probability k/(n + 1), because its rank among n + 1
    is uniform. So the draw with the largest ``k <= risk (n + 1)`` is taken: a little below the plain quantile, and right for any n. With weights,
    the further draw is given the largest weight of all.

    Parameters
    ----------
    bearable_Bq : ndarray, shape (draws,)
    risk : float
    weights : ndarray, shape (draws,), optional
        Positive, of any sum.

    Raises
    ------
    BadInput
        A risk outside 0 to 1, or too few draws for it.

    >>> largest_activity_Bq(np.arange(1.0, 100.0), 0.05)
    5.0
    """
    if not 0 < risk < 1:
        raise BadInput(f"A risk of {risk:g}; give a probability between 0 and 1, such as 0.05.")
    w = np.full(len(bearable_Bq), 1.0) if weights is None else np.asarray(weights, float)
    order = np.argsort(bearable_Bq, kind="stable")
    share = np.cumsum(w[order]) / (w.sum() + w.max())
    k = int(np.searchsorted(share, risk * (1 + 1e-12), side="right"))
    if k == 0:
        if not bearable_Bq[order[0]] > 0:
            return 0.0
        raise BadInput(f"{len(bearable_Bq)} draws (worth {effective_draws(w):.0f}) cannot show a risk of {risk:g}; give at least {int(np.ceil(2 / risk))} of them, or a larger risk.")
    return float(bearable_Bq[order[k - 1]])


def exceedance(bearable_Bq: np.ndarray, activity_Bq: float, weights: np.ndarray | None = None) -> float:
    """Share of the draws whose limit `activity_Bq` exceeds.

    >>> exceedance(np.array([1.0, 2.0, 3.0, 4.0]), 2.5)
    0.5
    """
    return float(np.average(bearable_Bq < activity_Bq * (1 - 1e-12), weights=weights))


def effective_draws(weights: np.ndarray) -> float:
    """``(sum w)^2 / sum w^2``: as many draws alike would say as much.

    >>> effective_draws(np.array([1.0, 1.0, 0.0]))
    2.0
    """
    return float(weights.sum() ** 2 / np.sum(weights**2))


def weighted_quantile(values: np.ndarray, q: float, weights: np.ndarray | None = None) -> float:
    """Quantile of weighted draws, the draws at the middle of their weights and straight lines between them.

    >>> weighted_quantile(np.array([3.0, 1.0, 2.0]), 0.5)
    2.0
    """
    if weights is None:
        return float(np.quantile(values, q, method="hazen"))
    order = np.argsort(values)
    w = weights[order]
    return float(np.interp(q, (np.cumsum(w) - w / 2) / w.sum(), values[order]))
