"""Where the next facility should stand: the choice of sites that serves the most, exactly, with runners-up."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core import BadInput
from .nation_program import maximise


@dataclass(frozen=True, slots=True)
class Choice:
    """A set of sites.

    Attributes
    ----------
    sites : tuple of int
        Rows that were chosen, those that stand already left out.
    value, bound : float
        What they and the standing ones serve, and what no choice can exceed (of runners-up: no choice that is not listed before).
    """

    sites: tuple[int, ...]
    value: float
    bound: float


def served(gain: np.ndarray, open_sites: np.ndarray) -> float:
    """Sum over places of the largest gain that an open site gives; zero without a site.

    Parameters
    ----------
    gain : ndarray, shape (sites, places)
    open_sites : ndarray of int or bool
    """
    chosen = gain[open_sites]
    return float(chosen.max(axis=0).sum()) if len(chosen) else 0.0


def choose_sites(gain: np.ndarray, count: int, *, standing: np.ndarray | None = None, runners_up: int = 0, time_limit_s: float = 60.0) -> tuple[Choice, ...]:
    r"""The `count` sites that serve the most, and the next best choices.

    .. math:: \max_{S, |S| = k} \sum_p \max_{s \in S \cup S_0} g_{sp}

    With :math:`g_{sp} = w_p (D - d_{sp})` this is the p-median problem (doi:10.1287/opre.12.3.450), with
    :math:`g_{sp} = w_p` within reach and zero beyond it maximal covering (doi:10.1007/BF01942293). A mixed-integer
    programme in the strong form: a place is served by an open site at most, in parts. A runner-up is the best choice
    that differs from all before it.

    Parameters
    ----------
    gain : ndarray, shape (sites, places)
        Not below zero.
    count : int
    standing : ndarray of bool, shape (sites,), optional
        Sites that are open already and do not count.
    runners_up : int
    time_limit_s : float
        For each choice.

    Raises
    ------
    BadInput
        A gain below zero or not finite; more sites wanted than there are.
    CouldNot
        HiGHS is not installed, or found nothing in time.

    Three places in a row, each a site, one to be opened; the middle one is nearest to all (distances 0, 1, 2):

    >>> distance = np.abs(np.subtract.outer(np.arange(3.0), np.arange(3.0)))
    >>> choose_sites(2.0 - distance, 1)[0]
    Choice(sites=(1,), value=4.0, bound=4.0)
    """
    from scipy.sparse import csr_array

    gain = np.asarray(gain, float)
    sites, places = gain.shape
    if not (np.all(np.isfinite(gain)) and np.all(gain >= 0)):
        raise BadInput("A gain of a site is not finite or below zero; give gains of at least zero.")
    stands = np.zeros(sites, bool) if standing is None else np.asarray(standing, bool)
    if not 1 <= count <= int((~stands).sum()):
        raise BadInput(f"{count} sites are to be chosen among {int((~stands).sum())} candidates; give a number from 1 to that.")
    base = gain[stands].max(axis=0) if stands.any() else np.zeros(places)
    more = np.maximum(gain - base, 0.0)
    more[stands] = 0.0
    free = np.flatnonzero(~stands)
    if count == 1:  # every choice is one row: no programme is needed
        worth_of = float(base.sum()) + more[free].sum(axis=1)
        order = np.argsort(-worth_of, kind="stable")[: runners_up + 1]
        return tuple(Choice((int(free[n]),), float(worth_of[n]), float(worth_of[n])) for n in order)
    scale = float(more.sum(axis=1).max()) or 1.0
    s, p = np.nonzero(more)
    links, row = len(s), np.arange(len(s))
    # Columns: open sites, then links. Rows: how many; one link a place; a link needs its site; sets that are ruled out.
    fixed_rows = (
        np.concatenate([np.zeros(len(free), int), 1 + p, 1 + places + row, 1 + places + row]),
        np.concatenate([free, sites + row, sites + row, s]),
        np.concatenate([np.ones(len(free)), np.ones(links), np.ones(links), -np.ones(links)]),
    )
    high = np.concatenate([[float(count)], np.ones(places), np.zeros(links)])
    low = np.concatenate([[float(count)], np.full(places + links, -math.inf)])
    worth = np.concatenate([np.zeros(sites), more[s, p] / scale])
    upper = np.concatenate([(~stands).astype(float), np.full(links, 1.0)])
    whole = np.concatenate([np.ones(sites, bool), np.zeros(links, bool)])
    found: list[Choice] = []
    for _ in range(runners_up + 1):
        n = len(found)
        cut_rows = np.repeat(1 + places + links + np.arange(n), count)
        cut_places = np.array([x for c in found for x in c.sites], int)
        entries = (np.concatenate([fixed_rows[2], np.ones(n * count)]), (np.concatenate([fixed_rows[0], cut_rows]), np.concatenate([fixed_rows[1], cut_places])))
        matrix = csr_array(entries, shape=(1 + places + links + n, sites + links))
        answer = maximise(worth, matrix, np.concatenate([high, np.full(n, count - 1.0)]), upper, low=np.concatenate([low, np.full(n, -math.inf)]), whole=whole, time_limit_s=time_limit_s)
        if answer is None:
            break
        chosen = tuple(int(x) for x in np.flatnonzero(answer.values[:sites] > 0.5))
        value = served(gain, np.union1d(np.array(chosen, int), np.flatnonzero(stands)))
        found.append(Choice(chosen, value, max(value, float(base.sum()) + scale * answer.bound)))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Access:
    """How far people are from the nearest open site.

    Attributes
    ----------
    within : tuple of (float, float)
        Hours, and the share of the weight within them.
    median_h, p95_h : float
        Weighted; infinite where too many have no way at all.
    worst : int
        The place that is farthest, and `worst_h` how far.
    """

    within: tuple[tuple[float, float], ...]
    median_h: float
    p95_h: float
    worst: int
    worst_h: float


def access(hours: np.ndarray, weight: np.ndarray, within_h: tuple[float, ...] = ()) -> Access:
    """Shares of `weight` within hours of the nearest site.

    Parameters
    ----------
    hours : ndarray, shape (sites, places)
        From open sites.
    weight : ndarray, shape (places,)
        Patients or inhabitants.
    within_h : tuple of float

    >>> access(np.array([[1.0, 5.0, 9.0]]), np.array([6.0, 3.0, 1.0]), (2.0, 6.0)).within
    ((2.0, 0.6), (6.0, 0.9))
    """
    nearest = hours.min(axis=0)
    order = np.argsort(nearest, kind="stable")
    passed = np.cumsum(weight[order]) / weight.sum()

    def point(share: float) -> float:
        return float(nearest[order][np.searchsorted(passed, share - 1e-12)])

    counted = np.where(weight > 0, nearest, -np.inf)
    worst = int(counted.argmax())
    total = float(weight.sum())
    return Access(tuple((h, float(weight[nearest <= h].sum() / total)) for h in within_h), point(0.5), point(0.95), worst, float(nearest[worst]))
