"""What can go wrong besides what a scenario says, what could be held in reserve, and what a simulation of both tells."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np

from ...core import BadInput, near_matches
from .model import Scenario, SupplyPlan

#: Causes by their code in the simulation; 0 is none.
CAUSES = ("", "lot", "batch", "outage", "yield", "shipment", "delay", "chairs", "activity")
LOT, BATCH, OUTAGE, YIELD, SHIPMENT, DELAY, CHAIRS, ACTIVITY = range(1, 9)
SPARES = ("cell", "batch", "courier", "machine", "source", "margin")


@dataclass(frozen=True, slots=True)
class Outage:
    """Outages of a machine or a lab come at random: mean time from one to the next, and mean length (exponential)."""

    every_s: float
    mean_s: float


@dataclass(frozen=True, slots=True)
class Hazards:
    """Probabilities that a scenario has no place for. What is not given counts as never happening.

    Attributes
    ----------
    outages : mapping of str to Outage
        By id of a machine or a lab. Lots and syntheses that an outage meets are lost.
    qc_late : mapping of str to (float, float)
        By product: probability that release is late, and mean delay in seconds of one that is (exponential).
    traffic : float
        Relative standard deviation of the driving time of a whole tour (lognormal, mean as planned).
    tolerance : float
        Share by which an injected activity may fall short of what is prescribed.
    """

    outages: Mapping[str, Outage] = field(default_factory=dict)
    qc_late: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    traffic: float = 0.0
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class Spare:
    """Something held in reserve.

    Attributes
    ----------
    kind : str
        ``cell``: a failed batch of lab `at` is made again at once, from what its lots can give beyond the plan.
        ``batch``: once a day a batch of lab `at` is made twice, with activity of its own.
        ``courier``: one vehicle at site `at` takes what failed to leave or would come late, one drive at a time.
        ``machine``: a failed lot of machine `at` is begun again when its end shows the failure; not for lots that have no length.
        ``source``: each lot of machine `at` is made in parallel by a second machine.
        ``margin``: batches of product `at` start with `amount` more, as far as lots and cells allow.
    """

    kind: str
    at: str
    amount: float = 0.0

    @property
    def name(self) -> str:
        return f"{self.kind} {self.at}" + (f" +{100 * self.amount:g} %" if self.kind == "margin" else "")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean over runs with its Monte Carlo standard error and 95 % interval."""

    mean: float
    standard_error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Share:
    """A probability as a share of runs, with Wilson's 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Group:
    """Patients of a hospital or of a batch: how many are planned, and how many of them are not treated."""

    id: str
    planned: int
    lost: Estimate
    failed: Share | None = None


@dataclass(frozen=True, slots=True)
class SpareValue:
    """Patients gained by a spare for each 1000 demanded, from differences run by run under the same random numbers."""

    spare: Spare
    gained_per_1000: Estimate
    changed_runs: int


@dataclass(frozen=True, slots=True)
class Risk:
    """What a simulated plan leaves untreated.

    Attributes
    ----------
    demanded, planned : int
        Patients of the scenario, and of the plan.
    not_treated : Estimate
        Of those demanded: those without a place in the plan and those whom failures leave out.
    quantiles : mapping of str to int
        5 %, 50 % and 95 % of the runs have at most so many not treated.
    none_lost : Share
        Probability that every patient of the plan is treated.
    lost, lost_without_recourse : Estimate
        Patients of the plan who are not treated; and if none could be helped from another batch.
    counts : array, shape (demanded + 1,)
        Runs by number not treated.
    causes : mapping of str to Estimate
        Patients lost by the first cause in their chain.
    hospitals, batches : tuple of Group
        A batch's `failed`: it releases nothing.
    treated : mapping of str to Share
        By patient of the plan.
    spares : tuple of SpareValue
        The most valuable first.
    notes : tuple of str
        What counts as never failing because no probability was given.
    """

    runs: int
    seed: int
    demanded: int
    planned: int
    not_treated: Estimate
    quantiles: Mapping[str, int]
    none_lost: Share
    lost: Estimate
    lost_without_recourse: Estimate
    counts: np.ndarray
    causes: Mapping[str, Estimate]
    hospitals: tuple[Group, ...]
    batches: tuple[Group, ...]
    treated: Mapping[str, Share]
    spares: tuple[SpareValue, ...]
    notes: tuple[str, ...]


def check_hazards(h: Hazards, s: Scenario) -> None:
    """Raise BadInput for a hazard of something that the scenario does not have, or a number that is none."""
    _known("outage", h.outages, {m.id for m in s.machines} | {x.id for x in s.sites.values() if x.cells > 0}, "machine or lab")
    _known("late release", h.qc_late, s.products, "product")
    for name, o in h.outages.items():
        if not (0 < o.every_s < math.inf and 0 <= o.mean_s < math.inf):
            raise BadInput(f"outage of {name}: every {o.every_s!r} s for {o.mean_s!r} s was given; give a positive time between outages and a length.")
    for name, (p, mean_s) in h.qc_late.items():
        if not (0 <= p <= 1 and 0 <= mean_s < math.inf):
            raise BadInput(f"late release of {name}: probability {p!r} and mean delay {mean_s!r} s were given; give a share from 0 to 1 and a time.")
    if not 0 <= h.traffic <= 1:
        raise BadInput(f"traffic: a spread of {h.traffic!r} was given; give a share from 0 to 1.")
    if not 0 <= h.tolerance < 1:
        raise BadInput(f"tolerance: {h.tolerance!r} was given; give a share from 0 to below 1.")


def check_spare(x: Spare, s: Scenario) -> None:
    """Raise BadInput for a spare of an unknown kind or of something that the scenario does not have."""
    labs = {y.id for y in s.sites.values() if y.cells > 0}
    machines = {m.id for m in s.machines}
    places = {"cell": labs, "batch": labs, "courier": set(s.sites), "machine": machines, "source": machines, "margin": set(s.products)}
    if x.kind not in SPARES:
        raise BadInput(f"spare: {x.kind!r} is not a kind; give one of {', '.join(SPARES)}.{near_matches(x.kind, SPARES)}")
    _known(f"spare {x.kind}", [x.at], places[x.kind], {"cell": "lab", "batch": "lab", "courier": "site", "margin": "product"}.get(x.kind, "machine"))
    if x.kind == "margin" and not 0 < x.amount < math.inf:
        raise BadInput(f"spare margin of {x.at}: {x.amount!r} was given; give the share that is made more, such as 0.1.")


def _known(label: str, ids: Collection[str], known: Collection[str], kind: str) -> None:
    for name in ids:
        if name not in known:
            raise BadInput(f"{label}: there is no {kind} {name!r} in the scenario; give one of {', '.join(sorted(known))}.{near_matches(name, sorted(known))}")


def default_spares(s: Scenario, plan: SupplyPlan, margin: float = 0.1) -> tuple[Spare, ...]:
    """One of each kind wherever the plan makes or sends something."""
    labs = sorted({b.lab for b in plan.batches})
    machines = sorted({x.machine for x, _ in plan.lots.values()})
    again = sorted({x.machine for x, _ in plan.lots.values() if x.end_s > x.start_s})
    senders = sorted({b.lab for b in plan.batches} | {plan.lots[d.lot][0].site for b in plan.batches for d in b.draws if d.lane is not None})
    products = sorted({b.product for b in plan.batches})
    return (
        *(Spare("cell", x) for x in labs), *(Spare("batch", x) for x in labs), *(Spare("courier", x) for x in senders),
        *(Spare("machine", x) for x in again), *(Spare("source", x) for x in machines), *(Spare("margin", x, margin) for x in products),
    )  # fmt: skip
