"""A mixed-integer linear programme, gathered row by row."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_array

from ..highs import Solved, minimise


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


def solve_program(
    p: Program, cost: dict[int, float], *, time_limit_s: float, start: np.ndarray | None = None, seed: int = 1, gap: float = 1e-6
) -> Solved:
    """Minimise the cost of the columns.

    Raises
    ------
    CouldNot
        HiGHS is not installed, or fails.
    """
    c = np.zeros(len(p.lower))
    for place, value in cost.items():
        c[place] += value
    matrix = csr_array((np.array(p.values, float), np.array(p.places, np.int32), np.array(p.starts, np.int32)), shape=(len(p.low), len(c)))
    return minimise(
        c, matrix, np.array(p.low), np.array(p.high), np.array(p.lower), np.array(p.upper), np.array(p.whole, bool), time_limit_s=time_limit_s, start=start, seed=seed, gap=gap
    )
