"""A linear programme given as a sparse matrix, with the worth of each row, solved by HiGHS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_array

from ..core import CouldNot
from .highs import minimise


@dataclass(frozen=True, slots=True)
class Answer:
    """Values of the columns; the most the objective reaches, and what it cannot exceed; of a linear programme the worth of one unit more in each row."""

    values: np.ndarray
    objective: float
    bound: float
    duals: np.ndarray


def maximise(
    worth: np.ndarray, matrix: Any, high: np.ndarray, upper: np.ndarray, *, low: np.ndarray | None = None, lower: np.ndarray | None = None,
    whole: np.ndarray | None = None, time_limit_s: float = 60.0,
) -> Answer | None:  # fmt: skip
    """Maximise ``worth @ x`` with ``low <= matrix @ x <= high`` and ``lower <= x <= upper``.

    Parameters
    ----------
    worth, upper, lower : ndarray, shape (n,)
        `lower` is zero without it.
    matrix : scipy.sparse array, shape (m, n)
    high, low : ndarray, shape (m,)
        `low` is minus infinity without it.
    whole : ndarray of bool, shape (n,), optional
        Which columns must be whole numbers.
    time_limit_s : float
        After it the best that was found is returned with its bound.

    Returns
    -------
    Answer or None
        None where no values keep all rows, or nothing bounds the objective.

    Raises
    ------
    CouldNot
        HiGHS is not installed, or found nothing in time.

    Two goods worth 3 and 2 take 1 hour each of 4, and 2 and 1 kg of 6; an hour more is worth 1, and so is a kilogram:

    >>> import scipy.sparse as sp
    >>> a = maximise(np.array([3.0, 2.0]), sp.csr_array([[1.0, 1.0], [2.0, 1.0]]), np.array([4.0, 6.0]), np.full(2, np.inf))
    >>> a.objective, a.values.tolist(), a.duals.tolist()
    (10.0, [2.0, 2.0], [1.0, 1.0])
    """
    m = csr_array(matrix)
    rows, columns = m.shape
    found = minimise(
        -np.asarray(worth, float), m, np.full(rows, -math.inf) if low is None else np.asarray(low, float), np.asarray(high, float), np.zeros(columns) if lower is None else np.asarray(lower, float),
        np.asarray(upper, float), np.zeros(columns, bool) if whole is None else np.asarray(whole, bool), time_limit_s=time_limit_s, gap=1e-7,
    )  # fmt: skip
    if found.infeasible:
        return None
    if found.values is None:
        raise CouldNot(f"HiGHS found no solution within {time_limit_s:g} s; give a longer time or fewer cities.")
    return Answer(found.values, -found.objective, -found.bound, np.zeros(rows) if found.duals is None else 0.0 - found.duals)
