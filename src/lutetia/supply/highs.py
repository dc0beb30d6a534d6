"""HiGHS: one call for linear programmes, with or without whole numbers."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import CouldNot


def need(package: str) -> None:
    """Refuse with one sentence when a package of the extra `supply` is missing."""
    if importlib.util.find_spec(package) is None:
        raise CouldNot(f"The package '{package}' is not installed; install lutetia with its extra 'supply': pip install 'lutetia[supply]'.")


@dataclass(frozen=True, slots=True)
class Solved:
    """Values of the columns (None: none found), what they cost, what no solution goes below, whether none is there, and (without whole numbers) the duals of the rows."""

    values: np.ndarray | None
    objective: float
    bound: float
    infeasible: bool
    duals: np.ndarray | None = None


def minimise(
    cost: np.ndarray, matrix: Any, low: np.ndarray, high: np.ndarray, lower: np.ndarray, upper: np.ndarray, whole: np.ndarray,
    *, time_limit_s: float, start: np.ndarray | None = None, seed: int = 1, gap: float = 1e-6,
) -> Solved:  # fmt: skip
    """Minimise ``cost @ x`` with ``low <= matrix @ x <= high``, ``lower <= x <= upper``, and whole numbers where `whole` is true.

    Parameters
    ----------
    cost, lower, upper, whole : ndarray, shape (n,)
    matrix : scipy.sparse.csr_array, shape (m, n)
    low, high : ndarray, shape (m,)
    time_limit_s : float
    start : ndarray, shape (n,), optional
        A solution to begin from.
    gap : float
        Relative gap at which the search ends.

    Raises
    ------
    CouldNot
        HiGHS is not installed, or fails.
    """
    need("highspy")
    import highspy

    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = len(cost), len(low)
    lp.col_cost_, lp.col_lower_, lp.col_upper_, lp.row_lower_, lp.row_upper_ = cost, lower, upper, low, high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data.astype(float)
    mixed = bool(np.any(whole))
    if mixed:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[bool(w)] for w in whole]
    with _silence():
        h = highspy.Highs()
    for key, value in {"output_flag": False, "time_limit": max(time_limit_s, 0.05), "threads": 1, "random_seed": seed % 2**31, "mip_rel_gap": gap, "mip_abs_gap": 1e-7}.items():
        h.setOptionValue(key, value)
    h.passModel(lp)
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start.tolist()
        h.setSolution(known)
    of = highspy.HighsModelStatus
    h.run()
    if h.getModelStatus() == of.kSolveError or not _agrees(h, cost):
        # HiGHS 1.16 stops with an error on some models, and on some hands out values that are not those of its objective; without presolve it does not.
        h.setOptionValue("presolve", "off")
        h.clearSolver()
        h.run()
    status, info = h.getModelStatus(), h.getInfo()
    if status in (of.kInfeasible, of.kUnbounded, of.kUnboundedOrInfeasible):
        return Solved(None, math.inf, math.inf, True)
    solution = h.getSolution()
    values = np.array(solution.col_value)
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible and len(values) == len(cost)
    if (status not in (of.kOptimal, of.kTimeLimit, of.kModelEmpty) and not found) or not _agrees(h, cost):
        raise CouldNot(f"HiGHS stopped with {status} and no solution that can be used; give more time, or report the scenario.")
    # A linear programme that was stopped has proved nothing.
    bound = info.mip_dual_bound if mixed else info.objective_function_value if status == of.kOptimal else -math.inf
    return Solved(
        values if found else None, float(info.objective_function_value) if found else math.inf, float(bound) if math.isfinite(bound) else -math.inf, False,
        None if mixed else np.array(solution.row_dual),
    )  # fmt: skip


def _agrees(h: Any, cost: np.ndarray) -> bool:
    """Whether the values that the solver hands out cost what it says; true where it has none."""
    values, said = np.array(h.getSolution().col_value), h.getInfo().objective_function_value
    if len(values) != len(cost) or not math.isfinite(said):
        return True
    return abs(float(cost @ values) - said) <= 1e-6 * max(1.0, abs(said), float(np.abs(cost) @ np.abs(values)))


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """HiGHS writes its name to the process's standard output when it is made, before an option can forbid it."""
    sys.stdout.flush()
    with contextlib.ExitStack() as stack:
        try:
            kept = os.dup(1)
        except OSError:  # no standard output: nothing to protect
            yield
            return
        stack.callback(os.close, kept)
        stack.callback(os.dup2, kept, 1)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        stack.callback(os.close, nowhere)
        os.dup2(nowhere, 1)
        yield
