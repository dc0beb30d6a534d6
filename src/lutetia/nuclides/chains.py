"""Chains with progeny: how many decays of each member follow one decay of the parent, and inventories over time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

import numpy as np

from ..core import BadInput
from .library import names, nuclide
from .model import RADIATIONS, Nuclide


@dataclass(frozen=True, slots=True)
class Member:
    """A nuclide of a chain: `decays_per_parent` is how many of it decay for each decay of the parent, in the end."""

    nuclide: Nuclide
    decays_per_parent: float
    in_equilibrium: bool


def chain(parent: Nuclide | str) -> tuple[Member, ...]:
    """Parent and radioactive progeny in the order in which they arise.

    A member is `in_equilibrium` with the parent if neither it nor any member on the way to it outlives the
    parent; only then does its activity follow the parent's (secular or transient equilibrium). So the chain of
    At-211 in equilibrium holds Po-211 but not Bi-207 (31.6 y).

    >>> [m.nuclide.name for m in chain("Ac-225")]
    ['Ac-225', 'Fr-221', 'At-217', 'Bi-213', 'Po-213', 'Tl-209', 'Pb-209']
    >>> round({m.nuclide.name: m.decays_per_parent for m in chain("Ac-225")}["Po-213"], 3)
    0.979
    """
    first = nuclide(parent) if isinstance(parent, str) else parent
    order = _ascending(first)
    decays, attached = _decays(order, order), _attached(first, order)
    return tuple(Member(nuclide(n), decays[n], n in attached) for n in order)


def equilibrium_chain(parent: Nuclide | str) -> tuple[Member, ...]:
    """The members of `chain` that are in equilibrium with the parent, the parent included.

    Here `decays_per_parent` counts the ways through members in equilibrium alone: what a member gets by way of one
    that outlives the parent does not follow the parent's activity.

    >>> [round(m.decays_per_parent, 4) for m in equilibrium_chain("Sb-127")]  # without Te-127m (109 d)
    [1.0, 0.8232]
    """
    first = nuclide(parent) if isinstance(parent, str) else parent
    order = _ascending(first)
    attached = _attached(first, order)
    decays = _decays(order, attached)
    return tuple(Member(nuclide(n), decays[n], True) for n in order if n in attached)


def chain_energy_per_decay_MeV(parent: Nuclide | str) -> Mapping[str, float]:
    """Mean energy released by the chain in equilibrium per decay of the parent, by radiation.

    27.48 MeV of alphas for 225Ac (sum over one path, the 213Bi branches weighted):

    >>> round(chain_energy_per_decay_MeV("Ac-225")["alpha"], 2)
    27.48
    """
    members = equilibrium_chain(parent)
    return MappingProxyType({r: sum(m.decays_per_parent * m.nuclide.energy_per_decay_MeV[r] for m in members) for r in RADIATIONS})


def fission_note(names: Iterable[str]) -> str | None:
    """A sentence on spontaneous fission, whose fragments and neutrons the library has no energy for; None where there is next to none.

    >>> fission_note(["Ac-225", "Cf-252"])
    'spontaneous fission is not counted: Cf-252 3.1 % of its decays'
    """
    shares = {n: sum(f for _, f, mode in nuclide(n).daughters if mode == "SF") for n in names}
    said = [f"{n} {100 * f:.2g} % of its decays" for n, f in shares.items() if f > 1e-4]
    return f"spontaneous fission is not counted: {', '.join(said)}" if said else None


def _attached(first: Nuclide, order: list[str]) -> set[str]:
    """The parent and all that is reached from it without passing a nuclide that outlives it."""
    attached = {first.name}
    for name in order:
        if name in attached:
            attached |= {d for d, _, _ in nuclide(name).daughters if d in order and nuclide(d).half_life_s < first.half_life_s}
    return attached


def _decays(order: list[str], through: Collection[str]) -> dict[str, float]:
    """Decays of each nuclide for one decay of the first, over ways that pass only those of `through`."""
    decays = dict.fromkeys(order, 0.0)
    decays[order[0]] = 1.0
    for name in order:
        if name in through:
            for daughter, fraction, _ in nuclide(name).daughters:
                if daughter in decays:
                    decays[daughter] += decays[name] * fraction
    return decays


def _ascending(first: Nuclide) -> list[str]:
    """Names reachable from `first`, each after all its parents."""
    seen: list[str] = []
    active: set[str] = set()

    def visit(name: str) -> None:
        if name in active or name in seen or name not in names():
            return
        active.add(name)
        for daughter, _, _ in sorted(nuclide(name).daughters, key=lambda d: d[1]):
            visit(daughter)
        active.discard(name)
        seen.append(name)

    visit(first.name)
    return seen[::-1]


@dataclass(frozen=True, slots=True, eq=False)
class Inventory:
    """Activities of a parent and its progeny at one time.

    Attributes
    ----------
    activity_Bq : mapping of str to float
        Nuclide name to activity; progeny that is not named starts at zero.

    >>> later = Inventory({"Mo-99": 1e9}).at(24 * 3600.0)
    >>> round(later.activity_Bq["Mo-99"] / 1e9, 4)
    0.777
    """

    activity_Bq: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        clean: dict[str, float] = {}
        for name, activity in self.activity_Bq.items():
            if not np.isfinite(activity) or activity < 0:
                raise BadInput(f"inventory: the activity of {name} is {activity!r}; give zero or a positive number of becquerel.")
            key = nuclide(name).name
            clean[key] = clean.get(key, 0.0) + float(activity)
        object.__setattr__(self, "activity_Bq", MappingProxyType(clean))

    def at(self, elapsed_s: float) -> Inventory:
        """The inventory `elapsed_s` seconds later (Bateman's solution, by the eigenvectors of the decay matrix)."""
        if not np.isfinite(elapsed_s) or elapsed_s < 0:
            raise BadInput(f"inventory: the elapsed time is {elapsed_s!r} s; give zero or a positive time.")
        order = _merge([_ascending(nuclide(n)) for n in self.activity_Bq])
        rates = np.array([nuclide(n).decay_constant_per_s for n in order])
        start = np.array([self.activity_Bq.get(n, 0.0) for n in order]) / np.where(rates > 0, rates, 1.0)
        atoms = _bateman(order, rates, start, elapsed_s)
        return Inventory(dict(zip(order, np.maximum(atoms * rates, 0.0))))


def _merge(orders: list[list[str]]) -> list[str]:
    """One order in which every parent stands before its daughters."""
    pool = set().union(*orders) if orders else set()
    merged: list[str] = []
    while pool:
        fed = {d for n in pool for d, _, _ in nuclide(n).daughters}
        ready = sorted(pool - fed)
        merged += ready
        pool -= set(ready)
    return merged


def _bateman(order: list[str], rates: np.ndarray, start: np.ndarray, elapsed_s: float) -> np.ndarray:
    """Atoms after `elapsed_s`: the decay matrix is triangular, so N(t) = C exp(-rates t) C^-1 N(0) with C by recursion."""
    n = len(order)
    index = {name: i for i, name in enumerate(order)}
    feed = np.zeros((n, n))
    for j, name in enumerate(order):
        for daughter, fraction, _ in nuclide(name).daughters:
            if daughter in index:
                feed[index[daughter], j] += fraction * rates[j]
    # Two equal rates would divide by zero; a relative 1e-9 apart changes nothing that could be measured.
    distinct = rates.copy()
    for i in range(n):
        while np.any(np.isclose(distinct[i], distinct[:i], rtol=1e-10, atol=0.0)):
            distinct[i] *= 1 + 1e-9
    c = np.eye(n)
    inverse = np.eye(n)
    for i in range(n):
        for j in range(i):
            c[i, j] = feed[i, j:i] @ c[j:i, j] / (distinct[i] - distinct[j])
    for i in range(n):
        for j in range(i):
            inverse[i, j] = -c[i, j:i] @ inverse[j:i, j]
    return c @ (np.exp(-distinct * elapsed_s) * (inverse @ start))
