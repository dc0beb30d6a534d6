"""Checks of hot against cold: decay, transfers that run alike, and the hot fraction of a simulation.

Where every pool has the hot fraction f, transfers alone must leave it so: the rate of each transfer is f for hot and 1 - f for
cold. That is asked of every transfer at random states, which names the reaction at fault; the simulation then says what comes of it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ...core import stream
from .engine import Engine
from .findings import Finding
from .pairs import Pools
from .reading import Reaction, Structure
from .structure_checks import ends, pool_ends

_F, _STATES, _SMALL, _ROUNDING = 0.3, 4, 1e-6, 1e-12
#: Deviation of the hot fraction that is a fault, and the share of the injection below which a pool is not judged.
_OFF, _EMPTY = 1e-4, 1e-7


@dataclass(frozen=True, slots=True)
class Decay:
    """Decay constant of each pool (NaN where transfers of hot and cold differ), the common one, and the reactions that are decay."""

    of_pool: tuple[float, ...]
    common: float
    reactions: frozenset[str]
    to_cold: bool


@dataclass(frozen=True, slots=True)
class Rates:
    """Rates of all reactions at states of one hot fraction, with the amounts of hot ligand there."""

    at: tuple[dict[str, float], ...]
    hot: tuple[tuple[float, ...], ...]


def uniform_rates(s: Structure, pools: Pools, engine: Engine) -> Rates:
    """Evaluate at random positive amounts; receptors keep a share of their start, so that they are neither none nor all free."""
    rng = stream(1, "sbml", "states")
    at, hot = [], []
    for _ in range(_STATES):
        total = np.exp(rng.uniform(-1, 1, len(pools.pairs)))
        state = {i: float(v * share) for p, v in zip(pools.pairs, total) for i, share in zip(p, (_F, 1 - _F))}
        others = {x: float(a * rng.uniform(0.2, 0.9)) for x, a in zip(engine.species, engine.start) if x not in pools.ligand}
        at.append(engine.rates(others | state))
        hot.append(tuple(float(v) * _F for v in total))
    return Rates(tuple(at), tuple(hot))


def _is_decay_to_cold(pools: Pools, r: Reaction) -> bool:
    if len(r.reactants) != 1:
        return False
    x = next(iter(r.reactants))
    return x in pools.pool and len(r.products) == 1 and pools.pairs[pools.pool[x]] == (x, next(iter(r.products)))


def find_decay(s: Structure, pools: Pools, rates: Rates) -> Decay:
    """Hot to cold in place, or hot leaving a pool to no ligand faster than cold does."""
    to_cold, gone, size = (np.zeros((_STATES, len(pools.pairs))) for _ in range(3))
    exits: dict[int, list[str]] = defaultdict(list)
    own: set[str] = set()
    for r in s.reactions:
        a, b = pool_ends(pools, r)
        if _is_decay_to_cold(pools, r):
            own.add(r.id)
            to_cold[:, a[0]] += [rates.at[k][r.id] / rates.hot[k][a[0]] for k in range(_STATES)]
        elif len(a) == 1 and not b and not any(x in pools.alone for x in r.products):
            hot = next(x for x in r.reactants if x in pools.pool) == pools.pairs[a[0]][0]
            if hot:
                exits[a[0]].append(r.id)
            rate = np.array([rates.at[k][r.id] / rates.hot[k][a[0]] * (1.0 if hot else -_F / (1 - _F)) for k in range(_STATES)])
            gone[:, a[0]] += rate
            size[:, a[0]] += np.abs(rate)
    gone[np.abs(gone) < _ROUNDING * size] = 0.0
    constants = to_cold + gone
    flat = np.ptp(constants, axis=0) <= _SMALL * np.abs(constants).max(axis=0) + _ROUNDING * size.max(axis=0)
    of_pool = np.where(flat, constants.mean(axis=0), np.nan)
    seen = of_pool[np.isfinite(of_pool) & (of_pool > 0)]
    common = float(np.median(seen)) if seen.size else 0.0
    for n, ways in exits.items():
        own |= {w for w in ways if abs(rates.at[0][w] / rates.hot[0][n] - common) <= _SMALL * common}
    return Decay(tuple(float(x) for x in of_pool), common, frozenset(own), bool((to_cold > 0).any(axis=0).sum() >= (gone > 0).any(axis=0).sum()))


def decay(s: Structure, pools: Pools, d: Decay) -> Iterator[Finding]:
    """Pools that do not decay, or with another constant."""
    for (hot, _), x in zip(pools.pairs, d.of_pool):
        where = s.place(hot)
        if d.common == 0 and x == 0:
            continue
        if not np.isfinite(x):
            yield Finding("decay", where, None, None, f"What leaves {where} beside transfers is no decay of the first order; let it decay with the constant of the others.")
        elif abs(x) <= _SMALL * d.common:
            yield Finding("decay", where, None, -1.0, f"{where} does not decay; add the decay that the other pools have, {d.common:.4g} per unit of time.")
        elif abs(x - d.common) > _SMALL * d.common:
            yield Finding("decay", where, None, x / d.common - 1, f"{where} decays or leaves with {x:.4g} more than its cold partner, other pools with {d.common:.4g}; make decay one constant and excretion equal for hot and cold.")
    if d.common == 0:
        yield Finding("decay", "everywhere", None, None, "No hot species decays; add the decay of the nuclide to each, or give its constant a value.")


def symmetry(s: Structure, pools: Pools, rates: Rates, d: Decay) -> Iterator[Finding]:
    """Transfers between the same pools, hot against cold."""
    groups: dict[tuple[object, ...], tuple[list[Reaction], list[Reaction]]] = defaultdict(lambda: ([], []))
    for r in s.reactions:
        a, b = pool_ends(pools, r)
        if not (a or b) or r.id in d.reactions or (len(a) == 1 and not b):
            continue  # ways out are judged with the decay
        sides = {pools.pairs[pools.pool[x]].index(x) for x in (*r.reactants, *r.products) if x in pools.pool}
        if len(sides) == 1:
            groups[a, b][sides.pop()].append(r)
        else:
            yield Finding("symmetry", ends(s, pools, r), r.name, None, f"{r.name} makes cold ligand of hot or the reverse on its way; let each keep its form, and decay apart.")
    for hot, cold in groups.values():
        either = hot + cold
        where, name = ends(s, pools, either[0]), ", ".join(r.name for r in either)
        if not hot or not cold:
            has, lacks = ("hot", "cold") if hot else ("cold", "hot")
            yield Finding("symmetry", where, name, None, f"{name} moves {has} ligand alone; add the same for {lacks} ligand.")
            continue
        h, c = (np.array([sum(at[r.id] for r in side) for at in rates.at]) / share for side, share in ((hot, _F), (cold, 1 - _F)))
        scale = np.maximum(np.abs(h), np.abs(c))
        off = np.where(scale > 0, np.abs(h - c) / np.where(scale > 0, scale, 1.0), 0.0)
        k = int(np.argmax(off))
        if off[k] > _SMALL:
            size = float((h[k] - c[k]) / scale[k])
            yield Finding("symmetry", where, name, size, f"Hot and cold ligand do not move alike from {where}: per amount their rates differ by up to {off[k]:.3g} of the larger; make the rates of {name} the same.")


@dataclass(frozen=True, slots=True)
class HotFraction:
    """Largest relative deviation of each pool from ``f0 exp(-lambda t)``, when; None where too little came."""

    injected: int
    amount: float
    start: float
    end_time: float
    deviation: tuple[float | None, ...]
    time: tuple[float | None, ...]


def choose_injection(s: Structure, pools: Pools, engine: Engine) -> int:
    """The pool that starts with ligand; else the blood's; else the one with the most reactions."""
    start = dict(zip(engine.species, engine.start))
    filled = [sum(start.get(x, 0.0) for x in p) for p in pools.pairs]
    if max(filled) > 0:
        return int(np.argmax(filled))
    for word in ("vein", "venous", "ven", "plasma", "blood", "central", "art"):
        for n, (hot, _) in enumerate(pools.pairs):
            compartment = s.compartments[s.species[hot].compartment].lower()
            if compartment.startswith(word) or s.species[hot].name.lower().startswith(word):
                return n
    return int(np.argmax([sum(n in (*pool_ends(pools, r)[0], *pool_ends(pools, r)[1]) for r in s.reactions) for n in range(len(pools.pairs))]))


def hot_fraction(pools: Pools, engine: Engine, d: Decay, injected: int) -> HotFraction:
    """Simulate one injection over two half-lives, a fifth of it hot, and compare.

    Where decay makes cold ligand, hot over all is compared with ``f0 exp(-lambda t)``; where decayed ligand leaves the model, hot
    over cold with ``r0 exp(-lambda t)``.
    """
    amount, f0 = max(float(engine.start[[engine.species.index(x) for x in pools.pairs[injected] if x in engine.species]].sum()), 0.0) or 50.0, 0.2
    end = 2 * np.log(2) / d.common if d.common > 0 else 1e4
    time = np.concatenate([[0.0], np.geomspace(1e-6 * end, end, 60)])
    state = {x: 0.0 for p in pools.pairs for x in p} | {pools.pairs[injected][0]: f0 * amount, pools.pairs[injected][1]: (1 - f0) * amount}
    y = engine.simulate(state, time, [x for p in pools.pairs for x in p]).reshape(len(time), -1, 2)
    total = y.sum(axis=2)
    with np.errstate(divide="ignore", invalid="ignore"):
        if d.to_cold:
            off = np.abs(y[:, :, 0] / total / (f0 * np.exp(-d.common * time))[:, None] - 1)
        else:
            off = np.abs(y[:, :, 0] / y[:, :, 1] / (f0 / (1 - f0) * np.exp(-d.common * time))[:, None] - 1)
    off = np.where((total > _EMPTY * amount) & np.isfinite(off), off, -1.0)
    worst = off.argmax(axis=0)
    largest = off.max(axis=0)
    return HotFraction(
        injected, amount, f0, float(end), tuple(float(x) if x >= 0 else None for x in largest),
        tuple(float(time[k]) if x >= 0 else None for k, x in zip(worst, largest)),
    )  # fmt: skip


def off_pools(h: HotFraction, names: list[str]) -> Iterator[Finding]:
    """Pools whose hot fraction is off, the worst first."""
    order = sorted((n for n, x in enumerate(h.deviation) if x is not None and x > _OFF), key=lambda n: -(h.deviation[n] or 0))
    for n in order:
        size = h.deviation[n]
        yield Finding("hot fraction", names[n], None, size, f"The hot fraction of {names[n]} is off by up to {size:.2%} (at {h.time[n]:.4g}); find the cause among decay, symmetry and receptors.")
