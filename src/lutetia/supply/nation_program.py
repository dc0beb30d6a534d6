"""A linear programme given as a sparse matrix, with the worth of each row, solved by HiGHS."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import CouldNot
from .network.program import _silence, need


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
    need("highspy")
    import highspy
    from scipy.sparse import csr_array

    m = csr_array(matrix)
    rows, columns = m.shape
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = columns, rows
    lp.col_cost_ = -np.asarray(worth, float)
    lp.col_lower_ = np.zeros(columns) if lower is None else np.asarray(lower, float)
    lp.col_upper_ = np.asarray(upper, float)
    lp.row_lower_ = np.full(rows, -math.inf) if low is None else np.asarray(low, float)
    lp.row_upper_ = np.asarray(high, float)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = m.indptr.astype(np.int32), m.indices.astype(np.int32), m.data.astype(float)
    mixed = whole is not None and bool(np.any(whole))
    if mixed:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[bool(w)] for w in np.asarray(whole)]
    with _silence():
        h = highspy.Highs()
    for key, value in {"output_flag": False, "time_limit": max(time_limit_s, 0.05), "threads": 1, "random_seed": 1, "mip_rel_gap": 1e-7}.items():
        h.setOptionValue(key, value)
    h.passModel(lp)
    h.run()
    status, info = h.getModelStatus(), h.getInfo()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnbounded, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return None
    if info.primal_solution_status != highspy.SolutionStatus.kSolutionStatusFeasible:
        raise CouldNot(f"HiGHS found no solution within {time_limit_s:g} s; give a longer time or fewer cities.")
    solution = h.getSolution()
    best = -float(info.objective_function_value)
    if mixed:
        bound = -float(info.mip_dual_bound) if math.isfinite(info.mip_dual_bound) else math.inf
    else:
        bound = best if status == highspy.HighsModelStatus.kOptimal else math.inf
    duals = np.zeros(rows) if mixed else 0.0 - np.array(solution.row_dual)
    return Answer(np.array(solution.col_value), best, bound, duals)
