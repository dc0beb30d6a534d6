"""A mixed-integer linear programme, gathered row by row and solved by HiGHS."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...core import CouldNot


def need(package: str) -> None:
    """Refuse with one sentence when a package of the extra `supply` is missing."""
    if importlib.util.find_spec(package) is None:
        raise CouldNot(f"The package '{package}' is not installed; install lutetia with its extra 'supply': pip install 'lutetia[supply]'.")


@dataclass(slots=True)
class Program:
    """Columns with bounds, and rows low <= sum of coefficient x column <= high."""

    lower: list[float] = field(default_factory=list)
    upper: list[float] = field(default_factory=list)
    whole: list[bool] = field(default_factory=list)
    starts: list[int] = field(default_factory=lambda: [0])
    places: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    low: list[float] = field(default_factory=list)
    high: list[float] = field(default_factory=list)

    def column(self, upper: float = 1.0, *, lower: float = 0.0, whole: bool = True) -> int:
        """A new column; its place."""
        self.lower.append(lower)
        self.upper.append(upper)
        self.whole.append(whole)
        return len(self.lower) - 1

    def row(self, terms: Iterable[tuple[int, float]], low: float = -math.inf, high: float = math.inf) -> None:
        """A new row; a column may stand in it more than once."""
        summed: dict[int, float] = {}
        for place, value in terms:
            summed[place] = summed.get(place, 0.0) + value
        self.places += summed.keys()
        self.values += summed.values()
        self.starts.append(len(self.places))
        self.low.append(low)
        self.high.append(high)


@dataclass(frozen=True, slots=True)
class Solved:
    """Values of the columns (None: none found), what they are worth, the best that can still be hoped for, and whether no solution is there."""

    values: np.ndarray | None
    objective: float
    bound: float
    infeasible: bool


def solve_program(
    p: Program, cost: dict[int, float], *, time_limit_s: float, start: np.ndarray | None = None, seed: int = 1, gap: float = 1e-6
) -> Solved:
    """Minimise the cost of the columns.

    Raises
    ------
    CouldNot
        HiGHS is not installed, or fails.
    """
    need("highspy")
    import highspy

    with _silence():
        h = highspy.Highs()
    for key, value in {"output_flag": False, "time_limit": max(time_limit_s, 0.05), "threads": 1, "random_seed": seed % 2**31, "mip_rel_gap": gap, "mip_abs_gap": 1e-7}.items():
        h.setOptionValue(key, value)
    h.passModel(_as_lp(highspy, p, cost))
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start.tolist()
        h.setSolution(known)
    h.run()
    status, info = h.getModelStatus(), h.getInfo()
    if status in (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible):
        return Solved(None, math.inf, math.inf, True)
    values = np.array(h.getSolution().col_value)
    found = info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible and len(values) == len(p.lower)
    bound = info.mip_dual_bound if any(p.whole) else info.objective_function_value
    if not math.isfinite(bound):
        bound = -math.inf
    if status not in (highspy.HighsModelStatus.kOptimal, highspy.HighsModelStatus.kTimeLimit, highspy.HighsModelStatus.kModelEmpty) and not found:
        raise CouldNot(f"HiGHS stopped with {status}; the plan could not be solved.")
    return Solved(values if found else None, float(info.objective_function_value) if found else math.inf, float(bound), False)


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


def _as_lp(highspy: Any, p: Program, cost: dict[int, float]) -> Any:
    n, inf = len(p.lower), highspy.kHighsInf
    lp = highspy.HighsLp()
    lp.num_col_, lp.num_row_ = n, len(p.low)
    c = np.zeros(n)
    for place, value in cost.items():
        c[place] += value
    lp.col_cost_ = c
    lp.col_lower_, lp.col_upper_ = np.array(p.lower), np.minimum(np.array(p.upper), inf)
    lp.row_lower_, lp.row_upper_ = np.maximum(np.array(p.low), -inf), np.minimum(np.array(p.high), inf)
    lp.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = np.array(p.starts), np.array(p.places, dtype=np.int32), np.array(p.values)
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    lp.integrality_ = [kinds[w] for w in p.whole]
    return lp
