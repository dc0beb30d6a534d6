"""How much of a nuclide a site holds at each time, and when that passes what its licence allows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core import BadInput
from ...nuclides import nuclide


@dataclass(frozen=True, slots=True)
class Lot:
    """An activity at the time it comes to a site, in seconds from any common origin, and when it leaves (None: never)."""

    activity_Bq: float
    arrives_s: float
    leaves_s: float | None = None

    def __post_init__(self) -> None:
        if not (0 <= self.activity_Bq < math.inf and math.isfinite(self.arrives_s)) or (self.leaves_s is not None and self.leaves_s < self.arrives_s):
            raise BadInput(f"lot: {self.activity_Bq!r} Bq from {self.arrives_s!r} to {self.leaves_s!r} s; give zero or a positive activity that leaves after it arrives.")


@dataclass(frozen=True, slots=True)
class Violation:
    """The first time above a limit: from when to when (infinite: beyond all lots' end), and the most that is held."""

    begins_s: float
    ends_s: float
    highest_Bq: float


def possession_Bq(name: str, lots: Sequence[Lot], times_s: np.ndarray | float) -> np.ndarray:
    """Activity of a nuclide held at times, lots decaying from their arrival; what leaves at a time is no longer there.

    The progeny of a nuclide is not counted: its own limit is another.

    Parameters
    ----------
    times_s : (n,) array

    Returns
    -------
    (n,) array

    A weekly 100 GBq of 177Lu (6.647 d), of which 48.2 % are left after a week: five deliveries come to (1 - 0.482^5) / (1 - 0.482) of one.

    >>> week = 7 * 86400.0
    >>> round(float(possession_Bq("Lu-177", [Lot(1e11, i * week) for i in range(5)], 4 * week)) / 1e9)
    188
    """
    times = np.atleast_1d(np.asarray(times_s, dtype=float))
    if not lots:
        return np.zeros(np.shape(times_s))
    activity, arrives, leaves = (np.array([getattr(x, k) if getattr(x, k) is not None else np.inf for x in lots])[:, None] for k in ("activity_Bq", "arrives_s", "leaves_s"))
    age = np.maximum(times - arrives, 0.0)
    here = (times >= arrives) & (times < leaves)
    held = np.where(here, activity * np.exp(-nuclide(name).decay_constant_per_s * age), 0.0).sum(axis=0)
    return held.reshape(np.shape(times_s))


def first_violation(name: str, lots: Sequence[Lot], limit_Bq: float) -> Violation | None:
    """The first stretch above a limit, or None.

    What is held only rises when a lot arrives, so that looking at arrivals finds every violation, to the second.

    Raises
    ------
    BadInput
        A limit that is not positive.

    >>> first_violation("Lu-177", [Lot(3e11, 0.0), Lot(3e11, 86400.0)], 5e11).begins_s
    86400.0
    """
    if not limit_Bq > 0:
        raise BadInput(f"licence: the limit is {limit_Bq!r} Bq; give a positive activity.")
    events = np.unique([x.arrives_s for x in lots] + [x.leaves_s for x in lots if x.leaves_s is not None])
    if events.size == 0:
        return None
    held = possession_Bq(name, lots, events)
    above = np.flatnonzero(held > limit_Bq)
    if above.size == 0:
        return None
    first = i = int(above[0])
    rate = nuclide(name).decay_constant_per_s
    while True:  # on from event to event while the decay does not bring it under the limit first
        under = float(events[i]) + math.log(held[i] / limit_Bq) / rate
        if i + 1 == len(events) or under < events[i + 1]:
            return Violation(float(events[first]), under, float(held[first : i + 1].max()))
        i += 1
        if held[i] <= limit_Bq:
            return Violation(float(events[first]), float(events[i]), float(held[first:i].max()))
