"""Monte Carlo of a plan: how many patients failures, delays and outages leave untreated, and which spare gives most back."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from ...core import BadInput
from .model import Scenario, SupplyPlan
from .risk_arrays import Prepared, extra, prepare
from .risk_draws import Streams
from .risk_kernel import simulate_block
from .risk_model import (
    CAUSES,
    Estimate,
    Group,
    Hazards,
    Risk,
    Share,
    Spare,
    SpareValue,
    check_hazards,
    check_spare,
    default_spares,
)

_BLOCK = 1000
_95 = 1.959963984540054


def simulate_risk(
    scenario: Scenario, plan: SupplyPlan, *, runs: int = 1000, seed: int = 1, hazards: Hazards | None = None, spares: Sequence[Spare] | None = None,
    progress: Callable[[float], None] | None = None,
) -> Risk:  # fmt: skip
    """Carry a plan out many times with what can go wrong, and count who is not treated.

    In each run lots and batches are made or fail, a batch's yield is drawn (normal, truncated at zero and at all of the
    activity), shipments leave or take the next departure of their lane, or come late; a batch waits for late activity as long as
    one of its patients could still be served, a tour for late vials as long as the appointments of the others are kept.
    Patients are injected at their appointment or when the vials are there, within window, opening hours, shelf life and
    chairs, in order of priority and appointment as far as the batch's activity goes; who has none takes what another batch
    with vials for the same hospital has left.

    Parameters
    ----------
    hazards : Hazards, optional
        Outages, late releases and traffic, for which a scenario has no place; none without it.
    spares : sequence of Spare, optional
        To be valued; one of each kind wherever the plan makes or sends something (`default_spares`) without it.
    progress : callable, optional
        Gets the part done, from 0 to 1.

    Returns
    -------
    Risk
        Intervals are of the Monte Carlo at 95 %: normal for means, Wilson's (doi:10.1080/01621459.1927.10502953) for
        probabilities. The same seed gives the same numbers with any number of threads; spares use those of the plan.

    Raises
    ------
    BadInput
        Less than one run; a hazard or spare that does not fit the scenario.

    One lot in ten fails; with it goes the only patient, 0.1 in the mean:

    >>> from lutetia.supply.network.model import *
    >>> lot = Lot("lot", "cyc", "h", "F-18", 0.0, 3600.0, 1e10)
    >>> s = Scenario("one", "2026-01-05T00:00:00+00:00", 86400.0, (Machine("cyc", "h", "F-18", "cyclotron", (lot,), success=0.9),),
    ...     {"x": Product("x", "F-18", 0.5, 1800.0, 1800.0, 36000.0)}, {"h": Site("h", "h", 0.0, 0.0, "UTC", cells=1, products=("x",), chairs=1)}, (),
    ...     (Patient("p", "h", "x", 2e8, 10800.0, 10800.0),))
    >>> batch = Batch("b", "h", "x", 3600.0, 5400.0, 7200.0, 41400.0, (Draw("lot", 2e9),), 2e9, 8.3e8, 6.8e8)
    >>> plan = SupplyPlan({"lot": (lot, 2e9)}, (batch,), (Delivery("d", "b", "h", None, None, 7200.0, 7200.0, 6.8e8, 0.0),), (),
    ...     (Dose("p", "b", "d", 10800.0, 2.92e8, 2e8),), 1.0, 1.0, 0.0, 0.0, {}, "by hand")
    >>> r = simulate_risk(s, plan, runs=20000)
    >>> abs(r.lost.mean - 0.1) < 3 * r.lost.standard_error < 0.01
    True
    """
    h = hazards if hazards is not None else Hazards()
    if not (isinstance(runs, int) and runs >= 1):
        raise BadInput(f"runs: got {runs!r}; give a whole number from 1.")
    check_hazards(h, scenario)
    tried = tuple(default_spares(scenario, plan) if spares is None else spares)
    for x in tried:
        check_spare(x, scenario)
    p = prepare(scenario, plan, h)
    streams = Streams(p, scenario, plan, h, seed)
    nothing, extras = extra(p, scenario, plan), [extra(p, scenario, plan, x) for x in tried]
    lost, alone = np.zeros(runs, np.int64), np.zeros(runs, np.int64)
    by_cause = np.zeros((runs, len(CAUSES)), np.int32)
    gained = np.zeros((len(tried), runs), np.int32)
    tallies = _Tallies(p, runs)
    for first in range(0, runs, _BLOCK):
        here = slice(first, min(first + _BLOCK, runs))
        draws = streams.block(here.stop - here.start)
        code, batch_code = simulate_block(p.net, draws, nothing)
        lost[here], alone[here] = (code > 0).sum(axis=1), (code != 0).sum(axis=1)
        for n in range(1, len(CAUSES)):
            by_cause[here, n] = (code == n).sum(axis=1)
        tallies.add(here, code, batch_code)
        for n, changed in enumerate(extras):
            gained[n, here] = lost[here] - (simulate_block(p.net, draws, changed)[0] > 0).sum(axis=1)
            if progress is not None:
                progress((first + (n + 1) / len(extras) * (here.stop - first)) / runs)
    if progress is not None:
        progress(1.0)
    demanded, planned = len(scenario.patients), len(p.patients)
    untreated = demanded - planned + lost
    values = [SpareValue(x, estimate(g * (1000.0 / max(demanded, 1))), int((g != 0).sum())) for x, g in zip(tried, gained)]
    return Risk(
        runs, seed, demanded, planned, estimate(untreated), {f"{100 * q:.0f}": int(np.quantile(untreated, q, method="inverted_cdf")) for q in (0.05, 0.5, 0.95)},
        wilson(int((lost == 0).sum()), runs), estimate(lost), estimate(alone), np.bincount(untreated, minlength=demanded + 1),
        {CAUSES[n]: estimate(by_cause[:, n]) for n in range(1, len(CAUSES))}, tallies.hospitals(), tallies.batches(),
        {x: wilson(int(runs - k), runs) for x, k in zip(p.patients, tallies.patient_lost)}, tuple(sorted(values, key=lambda v: -v.gained_per_1000.mean)), tuple(_notes(scenario, plan, h)),
    )  # fmt: skip


class _Tallies:
    """Losses by hospital, batch and patient, added up block by block."""

    def __init__(self, p: Prepared, runs: int) -> None:
        self.p, self.runs = p, runs
        self.patient_lost = np.zeros(len(p.patients), np.int64)
        self.batch_failed = np.zeros(len(p.batches), np.int64)
        self.of_hospital = np.zeros((runs, len(p.hospitals)), np.int32)
        self.of_batch = np.zeros((runs, len(p.batches)), np.int32)

    def add(self, here: slice, code: np.ndarray, batch_code: np.ndarray) -> None:
        lost = code > 0
        self.patient_lost += lost.sum(axis=0)
        self.batch_failed += (batch_code > 0).sum(axis=0)
        for out, place in ((self.of_hospital, self.p.net.dose_hospital), (self.of_batch, self.p.net.dose_batch)):
            member = (place[:, None] == np.arange(out.shape[1])).astype(np.float32)
            out[here] = np.rint(lost.astype(np.float32) @ member)

    def hospitals(self) -> tuple[Group, ...]:
        number = np.bincount(self.p.net.dose_hospital, minlength=len(self.p.hospitals))
        return tuple(Group(x, int(number[n]), estimate(self.of_hospital[:, n])) for n, x in enumerate(self.p.hospitals))

    def batches(self) -> tuple[Group, ...]:
        number = np.bincount(self.p.net.dose_batch, minlength=len(self.p.batches))
        return tuple(Group(x, int(number[n]), estimate(self.of_batch[:, n]), wilson(int(self.batch_failed[n]), self.runs)) for n, x in enumerate(self.p.batches))


def estimate(values: np.ndarray) -> Estimate:
    """Mean of independent runs, its standard error, and the normal 95 % interval; of one run the error is not known.

    >>> estimate(np.array([0, 1, 0, 1]))
    Estimate(mean=0.5, standard_error=0.288..., low=-0.065..., high=1.065...)
    """
    mean = float(values.mean())
    error = float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else math.nan
    return Estimate(mean, error, mean - _95 * error, mean + _95 * error)


def wilson(count: int, number: int) -> Share:
    """A share with Wilson's 95 % score interval (doi:10.1080/01621459.1927.10502953), which holds near 0 and 1 too.

    >>> wilson(0, 100)
    Share(value=0.0, low=0.0, high=0.0369...)
    """
    share, z2 = count / number, _95**2 / number
    middle = (share + z2 / 2) / (1 + z2)
    half = math.sqrt(share * (1 - share) * z2 + z2**2 / 4) / (1 + z2)
    return Share(share, 0.0 if count == 0 else middle - half, 1.0 if count == number else middle + half)


def _notes(s: Scenario, plan: SupplyPlan, h: Hazards) -> list[str]:
    """What counts as never failing. A scenario does not tell a probability of one from none."""
    lanes = {x.id: x for x in s.lanes}
    used = sorted({x.lane for x in plan.deliveries if x.lane} | {d.lane for b in plan.batches for d in b.draws if d.lane})
    machines = {x.machine for x, _ in plan.lots.values()}
    made = sorted({b.product for b in plan.batches})
    silent = {
        "lots of machine": [m.id for m in s.machines if m.id in machines and m.success >= 1],
        "batches of product": [x for x in made if s.products[x].success >= 1],
        "shipments by lane": [x for x in used if lanes[x].success >= 1],
    }
    steady = {
        "spread of the yield of": [x for x in made if s.products[x].u_yield == 0],
        "delays on lane": [x for x in used if lanes[x].late == 0 or lanes[x].delay_s == 0],
        "late release of": [x for x in made if x not in h.qc_late],
        "outages of": [x for x in sorted(machines | {b.lab for b in plan.batches}) if x not in h.outages],
    }
    out = [f"no failure probability given for {k} {_few(v)}: they count as never failing" for k, v in silent.items() if v]
    out += [f"no {k} {_few(v)} given: none is drawn" for k, v in steady.items() if v]
    return out + (["no spread of driving times given: tours drive as planned"] if plan.tours and h.traffic == 0 else [])


def _few(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
