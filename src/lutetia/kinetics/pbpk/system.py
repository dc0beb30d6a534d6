"""The equations of a ligand in a body, as plain arrays: transfers between states, and sites that it fills."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core import BadInput


@dataclass(frozen=True, slots=True, eq=False)
class System:
    """``dy/dt = A y + sum_t k_t y[a_t] y[b_t] (e[to_t] - e[from_t])`` for `patients` patients of one structure.

    Amounts in nmol, time in minutes. The first factor `a` of a term is always ligand, the second `b` what occupies or removes
    a site: a free receptor is its total less those, so that ``kon/V y_i (R0 - y_b)`` is an entry of A and a term.

    Attributes
    ----------
    states : tuple of str, length n
        Such as ``"kidney.bound"``.
    ligand : ndarray of bool, shape (n,)
        Which states count ligand; the others count receptors.
    row, col : ndarray of int, shape (m,)
        Where A is not zero.
    value_per_min : ndarray, shape (patients, m)
    a, b, source, to : ndarray of int, shape (terms,)
        ``k y[a] y[b]`` goes from `source` to `to`.
    k_per_nmol_min : ndarray, shape (patients, terms)
    """

    states: tuple[str, ...]
    ligand: np.ndarray
    row: np.ndarray
    col: np.ndarray
    value_per_min: np.ndarray
    a: np.ndarray
    b: np.ndarray
    source: np.ndarray
    to: np.ndarray
    k_per_nmol_min: np.ndarray

    @property
    def patients(self) -> int:
        """How many."""
        return self.value_per_min.shape[0]

    def index(self, state: str) -> int:
        """Position of a state by its name."""
        return self.states.index(state)

    def matrix(self, patient: int = 0) -> np.ndarray:
        """A of one patient, dense, shape (n, n), per minute."""
        out = np.zeros((len(self.states),) * 2)
        out[self.row, self.col] = self.value_per_min[patient]
        return out

    def rate(self, y: np.ndarray, patient: int = 0) -> np.ndarray:
        """dy/dt in nmol/min; plain and slow, for comparison with other solvers."""
        flow = self.k_per_nmol_min[patient] * y[self.a] * y[self.b]
        out = self.matrix(patient) @ y
        np.add.at(out, self.to, flow)
        np.add.at(out, self.source, -flow)
        return out

    def jacobian(self, y: np.ndarray, patient: int = 0) -> np.ndarray:
        """d(dy/dt)/dy, dense, shape (n, n)."""
        out, k = self.matrix(patient), self.k_per_nmol_min[patient]
        for place, sign in ((self.to, 1.0), (self.source, -1.0)):
            np.add.at(out, (place, self.a), sign * k * y[self.b])
            np.add.at(out, (place, self.b), sign * k * y[self.a])
        return out


class Builder:
    """Collects states, transfers and sites; rates are numbers or arrays with one value for each patient."""

    def __init__(self) -> None:
        self._states: dict[str, int] = {}
        self._ligand: list[bool] = []
        self._linear: dict[tuple[int, int], np.ndarray] = {}
        self._terms: list[tuple[int, int, int, int, np.ndarray]] = []

    def state(self, name: str, *, ligand: bool = True) -> str:
        """Declare a state; its place in the order is when it was declared."""
        if name in self._states:
            raise BadInput(f"A compartment {name!r} is there twice; give each tumour a name of its own that no organ has.")
        self._states[name] = len(self._states)
        self._ligand.append(ligand)
        return name

    def transfer(self, source: str, to: str, per_min: object) -> None:
        """`per_min` of what is in `source` moves to `to`."""
        self.entry(to, source, per_min)
        self.entry(source, source, -np.asarray(per_min, float))

    def entry(self, row: str, col: str, per_min: object) -> None:
        """A bare entry of A, for what is not a transfer of ligand."""
        at = (self._states[row], self._states[col])
        self._linear[at] = self._linear.get(at, np.zeros(())) + np.asarray(per_min, float)

    def bind(self, ligand: str, to: str, k_per_nmol_min: object, sites_nmol: object, taken_by: Sequence[str]) -> None:
        """``k y[ligand] (sites - sum of taken_by)`` from `ligand` to `to`."""
        self.transfer(ligand, to, np.asarray(k_per_nmol_min, float) * np.asarray(sites_nmol, float))
        for b in taken_by:  # a taken site sends the flow back
            at = [self._states[x] for x in (ligand, b, to, ligand)]
            self._terms.append((at[0], at[1], at[2], at[3], np.asarray(k_per_nmol_min, float)))

    def build(self) -> System:
        """The system; rates broadcast to the number of patients.

        Raises
        ------
        BadInput
            A rate is not finite, or a transfer goes backwards (a volume, flow or density that is not above zero).
        """
        at = sorted(self._linear)
        patients = np.broadcast_shapes(*(v.shape for v in self._linear.values()), *(t[4].shape for t in self._terms), (1,))
        values = np.stack([np.broadcast_to(self._linear[key], patients) for key in at], axis=1)
        k = np.stack([np.broadcast_to(t[4], patients) for t in self._terms], axis=1) if self._terms else np.zeros((*patients, 0))
        names = list(self._states)
        for (i, j), v in zip(at, values.T):
            if not np.all(np.isfinite(v)) or np.any(v < 0 if i != j else v > 0):
                raise BadInput(f"The rate from {names[j]} to {names[i]} is {v.min():.4g} per minute at the least; check volumes, flows and densities.")
        row, col = (np.array([key[i] for key in at], np.int64) for i in (0, 1))
        a, b, source, to = (np.array([t[i] for t in self._terms], np.int64) for i in range(4))
        frozen = [np.array(self._ligand, bool), row, col, values, a, b, source, to, k]
        for array in frozen:
            array.flags.writeable = False
        return System(tuple(self._states), *frozen)


def follow(system: System) -> System:
    """The same system with each ligand state a second time, for one cohort of ligand among all of it.

    The cohort (states ``"... cohort"``) moves with the same rates and meets the sites that all ligand leaves free; it does not
    act on the others, being part of them already. With several injections each is such a cohort; what is hot of it decays alike
    everywhere.
    """
    n = len(system.states)
    twin = np.full(n, -1)
    twin[system.ligand] = n + np.arange(int(system.ligand.sum()))
    pairs = system.ligand[system.row] & system.ligand[system.col]
    return System(
        (*system.states, *(f"{s} cohort" for s, is_ligand in zip(system.states, system.ligand) if is_ligand)),
        np.concatenate([system.ligand, np.ones(int(system.ligand.sum()), bool)]),
        np.concatenate([system.row, twin[system.row[pairs]]]), np.concatenate([system.col, twin[system.col[pairs]]]),
        np.concatenate([system.value_per_min, system.value_per_min[:, pairs]], axis=1),
        np.concatenate([system.a, twin[system.a]]), np.concatenate([system.b, system.b]),
        np.concatenate([system.source, twin[system.source]]), np.concatenate([system.to, twin[system.to]]),
        np.concatenate([system.k_per_nmol_min] * 2, axis=1),
    )  # fmt: skip
