"""Checks that need no solution: conservation of ligand and receptors by stoichiometry, volumes, flows at equal concentration."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from .engine import Engine
from .findings import Finding
from .pairs import Pools, words
from .reading import Reaction, Structure

#: How a word that speaks of a way out begins; by words, for "TumourIntern" is none though "urin" is in it.
_SINK = ("urin", "excre", "clear", "degrad", "elimin", "metabol", "feces", "faec", "bile", "biliar", "sink", "void", "bladder")
_FLOW = re.compile(r"^(F|Q|CO)($|[_A-Z0-9])|flow|perfus|cardiac", re.ASCII)
_VOLUME = re.compile(r"^[Vv]($|[_A-Z0-9])|vol", re.ASCII)
_SMALL, _ROUNDING = 1e-6, 1e-12


def ends(s: Structure, pools: Pools, r: Reaction) -> str:
    """Where ligand comes from and goes to, in words."""
    sides = ["+".join(s.place(x) for x in side if x in pools.ligand) or "nothing" for side in (r.reactants, r.products)]
    return " to ".join(sides)


def mass(s: Structure, pools: Pools, decays: set[str], sinks: Sequence[str]) -> Iterator[Finding]:
    """Ligand in and out of each reaction that is no decay."""
    ligand, named = pools.ligand, {n.lower() for n in sinks}
    for r in s.reactions:
        goes, comes = (sum(n for x, n in side.items() if x in ligand) for side in (r.reactants, r.products))
        if r.id in decays or abs(goes - comes) < 1e-9:
            continue
        where = ends(s, pools, r)
        if goes == 0:
            if r.reactants or any(x in ligand for t in r.terms for x in t.above):  # else it is an infusion
                yield Finding("mass", where, r.name, None, f"{r.name} makes ligand of {where.split(' to ')[1]} out of nothing; give it the reactant that it comes from.")
        elif comes == 0:
            places = {r.name, *(s.compartments[s.species[x].compartment] for x in (*r.reactants, *r.products)), *(s.place(x) for x in (*r.reactants, *r.products)), *(s.species[x].name for x in r.products)}
            if not any(p.lower() in named or any(w == "exc" or w.startswith(_SINK) for w in words(p)) for p in places):
                yield Finding("mass", where, r.name, 1.0, f"All that {r.name} takes from {where.split(' to ')[0]} is gone; give it a product, or say --sink {_quoted(r.name)} if it leaves the body there.")
        else:
            word = "loses" if goes > comes else "makes"
            yield Finding("mass", where, r.name, (goes - comes) / goes, f"{r.name} {word} {abs(goes - comes) / goes:.3g} of the ligand that it moves from {where}; make the stoichiometries of both sides equal.")


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name


def receptors(s: Structure, pools: Pools) -> Iterator[Finding]:
    """Free receptors and the species that hold them, through every reaction that binds or releases.

    All are counted together, for a carrier such as albumin flows from one compartment to the next with its ligand.
    """
    ligand = pools.ligand
    free_of: dict[str, str] = {}  # what holds a site, to the free site
    for r in s.reactions:
        free = [x for x in r.reactants if x not in ligand]
        if len(free) == 1 and any(x in ligand for x in r.reactants):
            held = [x for x in r.products if x in ligand]
            free_of |= {y: free[0] for x in held for y in (x, *(pools.pairs[pools.pool[x]] if x in pools.pool else ()))}
    for r in s.reactions:
        holding = [x for x in (*r.reactants, *r.products) if x in free_of]
        change = sum(_change(r, x) for x in {*free_of, *free_of.values()})
        binds = any(x in free_of for x in r.products) and any(x in ligand and x not in free_of for x in r.reactants)
        frees = any(x in free_of for x in r.reactants) and any(x in ligand and x not in free_of for x in r.products)
        if abs(change) > 1e-9 and (binds or (frees and _twin_frees(s, pools, r, set(free_of.values())))):
            site, verb = s.place(free_of[holding[0]]), "adds" if change > 0 else "loses"
            yield Finding(
                "receptors", f"{site}; {ends(s, pools, r)}", r.name, change,
                f"{r.name} {verb} {abs(change):.3g} receptor of {site} each time it runs; let binding take one free receptor for each ligand bound, and release give it back.",
            )  # fmt: skip


def _change(r: Reaction, x: str) -> float:
    return r.products.get(x, 0.0) - r.reactants.get(x, 0.0)


def _twin_frees(s: Structure, pools: Pools, r: Reaction, sites: set[str]) -> bool:
    """Whether a reaction with the same pools at its ends, this or that of the other form, gives the receptor back: it then must."""
    key = pool_ends(pools, r)
    return any(sites & set(x.products) for x in s.reactions if pool_ends(pools, x) == key)


def pool_ends(pools: Pools, r: Reaction) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Pools on both sides of a reaction."""
    return tuple(sorted(pools.pool[x] for x in r.reactants if x in pools.pool)), tuple(sorted(pools.pool[x] for x in r.products if x in pools.pool))


def own_volumes(s: Structure, pools: Pools) -> tuple[dict[str, str], list[tuple[Reaction, str, str]]]:
    """The volume that each ligand species is divided by, and the terms that take another one.

    A compartment is right if the species is in it. Among parameters named as volumes (V, vol) the one that most terms take is.
    """
    seen: dict[str, list[tuple[Reaction, str]]] = defaultdict(list)
    for r in s.reactions:
        for t in r.terms:
            amounts = [x for x in t.above if x in pools.ligand and s.species[x].as_amount]
            others = [x for x in t.above if x in s.species and x not in amounts]
            if t.plain and len(amounts) == 1 and not others and len(t.below) == 1 and (t.below[0] in s.compartments or _VOLUME.search(s.names.get(t.below[0], t.below[0]))):
                seen[amounts[0]].append((r, t.below[0]))
    own, wrong = {}, []
    for x, found in seen.items():
        home = s.species[x].compartment
        partner = {y for n in [pools.pool.get(x)] if n is not None for y in pools.pairs[n]}
        count = Counter(v for y in partner | {x} for _, v in seen.get(y, []))
        of_home = home if any(v in s.compartments for v in count) and len(s.compartments) > 1 else None
        own[x] = of_home or count.most_common(1)[0][0]
        wrong += [(r, x, v) for r, v in found if v != own[x] and (v in s.compartments) == (own[x] in s.compartments)]
    return own, wrong


def volumes(s: Structure, pools: Pools, engine: Engine) -> Iterator[Finding]:
    """Amounts over a volume that is not theirs."""
    own, wrong = own_volumes(s, pools)
    for r, x, v in {(r.id, x, v): (r, x, v) for r, x, v in wrong}.values():
        right, taken = engine.value(own[x]), engine.value(v)
        size = None if not right or taken is None else taken / right - 1
        said = s.names.get(own[x], own[x])
        yield Finding("volumes", s.place(x), r.name, size, f"{r.name} divides {s.place(x)} by {s.names.get(v, v)}, which is not its volume; divide by {said}.")


def flows(s: Structure, pools: Pools, engine: Engine, side: int = 0) -> tuple[int, list[Finding]]:
    """Inflow against outflow of each pool where every concentration is one: number of flows told, and findings.

    A flow is a reaction from one pool to another whose rate has a parameter named as one (F, Q, CO at the beginning of a word,
    or flow, perfusion, cardiac in it).
    """
    own, _ = own_volumes(s, pools)
    state = dict.fromkeys(pools.ligand, 1.0)
    for x in pools.ligand:
        volume = engine.value(own.get(x, s.species[x].compartment))
        state[x] = volume if volume is not None and volume > 0 else 1.0
    rate = engine.rates(state)
    into, out_of, told = Counter[int](), Counter[int](), 0
    for r in s.reactions:
        a, b = pool_ends(pools, r)
        mine = all(pools.pairs[pools.pool[x]][side] == x for x in (*r.reactants, *r.products) if x in pools.pool)
        of_flow = {n for t in r.terms for n in t.above if n not in s.species and _FLOW.search(s.names.get(n, n))}
        if not (mine and of_flow and len(a) == len(b) == 1 and a != b):
            continue
        told += 1
        if abs(rate[r.id]) <= _ROUNDING * max(abs(engine.value(n) or 0.0) for n in of_flow):
            continue  # to and fro at once
        source, target = (a[0], b[0]) if rate[r.id] >= 0 else (b[0], a[0])
        out_of[source] += abs(rate[r.id])  # type: ignore[assignment]
        into[target] += abs(rate[r.id])  # type: ignore[assignment]
    found = []
    for n in sorted({*into, *out_of}):
        larger = max(into[n], out_of[n])
        if min(into[n], out_of[n]) > 0 and abs(into[n] - out_of[n]) > _SMALL * larger:
            where = s.place(pools.pairs[n][side])
            more, less = ("in", "out") if into[n] > out_of[n] else ("out", "in")
            found.append(Finding(
                "flows", where, None, (into[n] - out_of[n]) / larger,
                f"{into[n]:.4g} flows into {where} and {out_of[n]:.4g} out of it: more {more} than {less}; let vessels carry the flow of all that they feed.",
            ))  # fmt: skip
    return told, found
