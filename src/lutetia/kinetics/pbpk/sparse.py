"""Sparse LU without pivoting, planned once: which entries fill, in which order, as lists of integers.

The graph of a body is a tree of organs around the blood. Eliminating the state with the fewest neighbours first (minimum degree,
Markowitz 1957, doi:10.1287/mnsc.3.3.255, on the diagonal) leaves almost no fill. No pivots are needed: the columns of
``1/(h gamma) - J`` of ligand that is moved and not made are dominated by their diagonal.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .system import System


@dataclass(frozen=True, slots=True, eq=False)
class LUPlan:
    """The elimination of a matrix of this pattern, in an order of its own.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        ``order[p]`` is the state at place p of the elimination.
    diagonal : ndarray of int, shape (n,)
        Where the diagonal entry of each place is stored; `size` entries are stored in all.
    lower, lower_start : ndarray of int
        Storage of the entries below the diagonal, column by column; column p is ``lower[lower_start[p]:lower_start[p+1]]``.
    lower_row, lower_col : ndarray of int
        Their rows and columns.
    update_start, update_from, update_to : ndarray of int
        For entry e of `lower`: for u in its range, ``storage[update_to[u]] -= storage[lower[e]] * storage[update_from[u]]``.
    upper, upper_row, upper_col : ndarray of int
        The entries right of the diagonal, from the last row to the first.
    linear, terms : ndarray of int, shape (m,) and (terms, 4)
        Storage of the entries of A, and of (to, a), (to, b), (source, a), (source, b) of each term.
    """

    size: int
    order: np.ndarray
    diagonal: np.ndarray
    lower: np.ndarray
    lower_start: np.ndarray
    lower_row: np.ndarray
    lower_col: np.ndarray
    update_start: np.ndarray
    update_from: np.ndarray
    update_to: np.ndarray
    upper: np.ndarray
    upper_row: np.ndarray
    upper_col: np.ndarray
    linear: np.ndarray
    terms: np.ndarray


def plan_lu(system: System) -> LUPlan:
    """Order, fill and elimination lists of a system's Jacobian."""
    n = len(system.states)
    places = [(system.to, system.a), (system.to, system.b), (system.source, system.a), (system.source, system.b)]
    entries = set(zip(system.row.tolist(), system.col.tolist())) | {(i, i) for i in range(n)}
    for r, c in places:
        entries |= set(zip(r.tolist(), c.tolist()))
    order, filled = _minimum_degree(n, entries)
    place = np.empty(n, np.int64)
    place[order] = np.arange(n)
    stored = {key: at for at, key in enumerate(sorted((int(place[i]), int(place[j])) for i, j in filled))}
    below: list[list[int]] = [[] for _ in range(n)]
    right: list[list[int]] = [[] for _ in range(n)]
    for i, j in stored:
        if i > j:
            below[j].append(i)
        elif i < j:
            right[i].append(j)
    lower, lower_row, lower_col, lower_start, start, taken, given = [], [], [], [0], [0], [], []  # type: ignore[var-annotated]
    for p in range(n):
        for i in sorted(below[p]):
            lower.append(stored[i, p])
            lower_row.append(i)
            lower_col.append(p)
            for j in sorted(right[p]):
                taken.append(stored[p, j])
                given.append(stored[i, j])
            start.append(len(taken))
        lower_start.append(len(lower))
    pairs = [(p, j) for p in reversed(range(n)) for j in sorted(right[p])]
    upper_row, upper_col = [p for p, _ in pairs], [j for _, j in pairs]

    def at(rows: np.ndarray, cols: np.ndarray) -> list[int]:
        return [stored[int(place[i]), int(place[j])] for i, j in zip(rows, cols)]

    whole = (
        order, [stored[p, p] for p in range(n)], lower, lower_start, lower_row, lower_col, start, taken, given,
        [stored[key] for key in pairs], upper_row, upper_col, at(system.row, system.col),
    )  # fmt: skip
    terms = np.array([at(r, c) for r, c in places], np.int64).reshape(4, -1).T.copy()
    return LUPlan(len(stored), *(np.array(x, np.int64) for x in whole), terms)  # type: ignore[call-arg]


def _minimum_degree(n: int, entries: set[tuple[int, int]]) -> tuple[np.ndarray, set[tuple[int, int]]]:
    """Order of elimination, and all entries with those that fill; the product of row and column counts decides, then the index."""
    rows: list[set[int]] = [set() for _ in range(n)]  # columns in row i
    cols: list[set[int]] = [set() for _ in range(n)]
    for i, j in entries:
        if i != j:
            rows[i].add(j)
            cols[j].add(i)
    filled, left, order = set(entries), set(range(n)), []
    while left:
        p = min(left, key=lambda q: (len(rows[q]) * len(cols[q]), q))
        left.remove(p)
        order.append(p)
        for i in cols[p]:
            rows[i].discard(p)
            for j in rows[p]:
                if i != j:
                    rows[i].add(j)
                    cols[j].add(i)
                    filled.add((i, j))
        for j in rows[p]:
            cols[j].discard(p)
    return np.array(order, np.int64), filled
