"""Random numbers of runs, each from a stream of its own name: a spare or a longer simulation does not change those of the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.special import ndtr, ndtri

from ...core import stream
from .model import Scenario, SupplyPlan
from .risk_arrays import Prepared
from .risk_kernel import Draws
from .risk_model import Hazards, Outage


class Streams:
    """Draws of successive blocks of runs; the blocks' size changes no number."""

    def __init__(self, p: Prepared, s: Scenario, plan: SupplyPlan, hazards: Hazards, seed: int) -> None:
        self.p, self.s, self.plan, self.hazards, self.seed = p, s, plan, hazards, seed
        self.of: dict[tuple[str, str], np.random.Generator] = {}

    def block(self, runs: int) -> Draws:
        """Numbers of the next runs."""
        p, plan, h = self.p, self.plan, self.hazards
        lots = self._uniform("lot", p.lots, runs, 2)
        batches = self._uniform("batch", p.batches, runs, 6)
        events = self._uniform("departure", p.events, runs, 3)
        tours = self._uniform("tour", p.tours, runs, 1)
        products = [self.s.products[b.product] for b in plan.batches]
        u = np.array([x.u_yield for x in products])
        most = np.array([1 / x.yield_fraction for x in products])
        # A yield corrected for decay is at most one.
        factors = [np.minimum(yield_factor(batches[2 + k], u), most) for k in (0, 1)]
        late = np.array([h.qc_late.get(x.name, (0.0, 0.0)) for x in products]).reshape(-1, 2)
        spread = math.sqrt(math.log1p(h.traffic**2))
        here = [plan.lots[x][0] for x in p.lots]
        return Draws(
            lot=lots[0], lot_again=lots[1], lot_out=self._outages([x.machine for x in here], [(x.start_s, x.end_s) for x in here], runs),
            batch=batches[0], batch_again=batches[1], factor=factors[0], factor_again=factors[1],
            batch_out=self._outages([b.lab for b in plan.batches], [(b.start_s, b.synthesis_end_s) for b in plan.batches], runs),
            qc_wait_s=np.where(batches[4] < late[:, 0], -np.log1p(-batches[5]) * late[:, 1], 0.0),
            leaves=events[0], late=events[1], wait=events[2], traffic=np.exp(spread * ndtri(_inside(tours[0])) - spread**2 / 2),
        )  # fmt: skip

    def _uniform(self, kind: str, names: Sequence[str], runs: int, columns: int) -> np.ndarray:
        """Shape (columns, runs, names)."""
        out = np.empty((columns, runs, len(names)))
        for n, name in enumerate(names):
            out[:, :, n] = self._stream(kind, name).random((runs, columns)).T
        return out

    def _stream(self, kind: str, name: str) -> np.random.Generator:
        if (kind, name) not in self.of:
            self.of[kind, name] = stream(self.seed, "supply-risk", kind, name)
        return self.of[kind, name]

    def _outages(self, owners: Sequence[str], spans: Sequence[tuple[float, float]], runs: int) -> np.ndarray:
        """Whether an outage of its owner meets each span of time, shape (runs, spans)."""
        hit = np.zeros((runs, len(owners)), np.bool_)
        for name in sorted(set(owners) & set(self.hazards.outages)):
            own = [n for n, x in enumerate(owners) if x == name]
            begin, end = _outage_times(self._stream("outage", name), self.hazards.outages[name], min(spans[n][0] for n in own), max(spans[n][1] for n in own), runs)
            for n in own:
                hit[:, n] = ((begin < spans[n][1]) & (end > spans[n][0])).any(axis=1)
        return hit


def yield_factor(uniform: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Yield over its mean: normal with relative standard deviation `u`, truncated at zero; it rises with `uniform`.

    >>> yield_factor(np.array([0.5, 0.841345]), np.array([0.1, 0.1])).round(3).tolist()
    [1.0, 1.1]
    """
    wide = np.maximum(u, 1e-300)
    below = ndtr(-1.0 / wide)
    return np.where(u > 0, np.maximum(0.0, 1.0 + u * ndtri(_inside(below + uniform * (1 - below)))), 1.0)


def _inside(uniform: np.ndarray) -> np.ndarray:
    return np.clip(uniform, 2.0**-60, 1 - 2.0**-53)


def _outage_times(generator: np.random.Generator, o: Outage, first_s: float, last_s: float, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Begins and ends of outages, shape (runs, n), from long enough before `first_s` that one may still last.

    There are enough of them to pass `last_s` but for one chance in 10^12 or less.
    """
    before = first_s - 30 * o.mean_s
    expected = (last_s - before) / o.every_s
    number = math.ceil(expected + 8 * math.sqrt(expected) + 30)
    both = -np.log1p(-generator.random((runs, number, 2)))
    begin = before + np.cumsum(both[:, :, 0] * o.every_s, axis=1)
    return begin, begin + both[:, :, 1] * o.mean_s
