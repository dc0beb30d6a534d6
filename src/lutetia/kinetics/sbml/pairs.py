"""Which species is the hot, which the cold form of the same ligand at the same place: told by a word in their names."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .reading import Species, Structure


@dataclass(frozen=True, slots=True)
class Pools:
    """Pairs of hot and cold species.

    Attributes
    ----------
    pairs : tuple of (str, str)
        Ids of the hot and the cold species of each pool.
    alone : tuple of str
        Hot or cold species without a partner.
    pool : dict of str to int
        Pool of each paired species, by id.
    """

    pairs: tuple[tuple[str, str], ...]
    alone: tuple[str, ...]
    pool: dict[str, int]

    @property
    def ligand(self) -> set[str]:
        """Ids of all species that are ligand."""
        return {*self.pool, *self.alone}


def words(name: str) -> tuple[str, ...]:
    """The words of a name, in lower case.

    >>> words("TumourHot_bound2")
    ('tumour', 'hot', 'bound', '2')
    """
    return tuple(w.lower() for w in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+|\*", name))


def find_pools(s: Structure, hot: str, cold: str) -> Pools:
    """Pair species of one compartment whose names differ by the word `hot` in place of `cold` alone; ids where names do not tell."""
    found: dict[tuple[str, tuple[str, ...]], dict[str, str]] = {}
    for x in s.species.values():
        for label in (x.name, x.id):
            w = words(label)
            kind = next((k for k in (hot.lower(), cold.lower()) if k in w), None)
            if kind is not None:
                rest = tuple("" if k == kind else k for k in w)
                found.setdefault((x.compartment, rest), {})[kind] = x.id
                break
    pairs = tuple((f[hot.lower()], f[cold.lower()]) for f in found.values() if len(f) == 2)
    alone = tuple(i for f in found.values() if len(f) == 1 for i in f.values())
    return Pools(pairs, alone, {i: n for n, p in enumerate(pairs) for i in p})


def pool_name(s: Structure, pools: Pools, n: int, hot: str) -> str:
    """A pool in words: its place without the word for hot.

    A pool of the species "Hot" of the compartment "Kidney" is "Kidney".
    """
    x: Species = s.species[pools.pairs[n][0]]
    rest = re.sub(rf"[_. ]?{re.escape(hot)}(?=$|[_. ]|[A-Z0-9])|{re.escape(hot)}[_. ]?", "", x.name, count=1, flags=re.IGNORECASE)
    compartment = s.compartments[x.compartment]
    return (rest or compartment) if len(s.compartments) == 1 else f"{compartment}.{rest}" if rest else compartment
