"""A labelling process: what of an activity reaches the released vials, how surely, and for how long it keeps."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...core import BadInput, near_matches
from ...data import table
from ...nuclides import nuclide

#: What a process takes from the table under another name, and how many of ours make one of the table's.
_TIMES = {"synthesis_s": ("synthesis_min", 60.0), "filling_s": ("filling_min", 60.0), "qc_s": ("qc_min", 60.0), "shelf_life_s": ("shelf_life_h", 3600.0)}


@dataclass(frozen=True, slots=True)
class Process:
    """From the activity that enters a synthesis to released vials.

    Attributes
    ----------
    name, nuclide : str
    yield_fraction, u_yield : float
        Activity at the end of synthesis over that at its start, corrected for decay, and its spread from batch to batch
        (one standard deviation).
    synthesis_s, filling_s, qc_s : float
        Durations; quality control is that before release.
    qc_loss_fraction, residue_fraction : float
        Share of the filled activity that samples take; share of the product that stays in module, lines and dispenser.
    success : float
        Probability that a batch is released.
    shelf_life_s : float
        From the end of synthesis.
    source : str
    batches, failures : int or None
        Behind `success`, where they are published.
    assumed : tuple of str
        Fields above that are round values without a published source.

    Raises
    ------
    BadInput
        A share outside 0 to 1, a time that is negative or not finite, no yield, more failures than batches.
    """

    name: str
    nuclide: str
    yield_fraction: float
    u_yield: float
    synthesis_s: float
    filling_s: float
    qc_s: float
    qc_loss_fraction: float
    residue_fraction: float
    success: float
    shelf_life_s: float
    source: str
    batches: int | None = None
    failures: int | None = None
    assumed: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "nuclide", nuclide(self.nuclide).name)
        for label in ("yield_fraction", "qc_loss_fraction", "residue_fraction", "success"):
            if not 0 <= getattr(self, label) <= 1:
                raise BadInput(f"process {self.name!r}: {label} is {getattr(self, label)!r}; give a share from 0 to 1.")
        if self.yield_fraction == 0 or max(self.qc_loss_fraction, self.residue_fraction) == 1:
            raise BadInput(f"process {self.name!r}: nothing would be left to release; give a yield above 0, and losses below 1.")
        for label in ("u_yield", "synthesis_s", "filling_s", "qc_s", "shelf_life_s"):
            if not 0 <= getattr(self, label) < math.inf:
                raise BadInput(f"process {self.name!r}: {label} is {getattr(self, label)!r}; give zero or a positive number.")
        if self.batches is not None and not 0 <= (self.failures or 0) <= self.batches:
            raise BadInput(f"process {self.name!r}: {self.failures} failures of {self.batches} batches; give at most as many failures as batches.")


def process_names() -> list[str]:
    """The processes of the table ``manufacture_processes``."""
    return [str(n) for n in table("manufacture_processes")["name"]]


def process(name: str) -> Process:
    """A published process.

    A yield that is published without correction for decay (product over start) is divided by ``exp(-lambda t)`` of the
    synthesis, so that `Process.yield_fraction` is always corrected.

    Raises
    ------
    BadInput
        There is no process of this name.

    49.2 % of 89 GBq in 16 min, three failures in 243 batches (doi:10.1186/s41181-021-00120-5); 43.6 GBq are published:

    >>> p = process("18F-rhPSMA-7")
    >>> round(89 * p.yield_fraction * 0.5 ** (16 / 109.77), 1), round(p.success, 3)
    (43.8, 0.988)
    """
    if name not in process_names():
        raise BadInput(f"process: there is no process {name!r}; known are {', '.join(process_names())}.{near_matches(name, process_names())}")
    t = table("manufacture_processes")
    i = process_names().index(name)
    batches = float(t["batches"][i])
    failures = float(t["failures"][i])
    counted = math.isfinite(batches)
    times = {field: float(t[column][i]) * per for field, (column, per) in _TIMES.items()}
    decay = 1.0 if str(t["decay_corrected"][i]) == "yes" else math.exp(-nuclide(str(t["nuclide"][i])).decay_constant_per_s * times["synthesis_s"])
    fields = {column: field for field, (column, _) in _TIMES.items()}
    return Process(
        name=name, nuclide=str(t["nuclide"][i]), yield_fraction=float(t["yield_fraction"][i]) / decay, u_yield=float(t["u_yield"][i]) / decay, **times,
        qc_loss_fraction=float(t["qc_loss_fraction"][i]), residue_fraction=float(t["residue_fraction"][i]),
        success=1 - failures / batches if counted else float(t["success"][i]), source=str(t["source"][i]),
        batches=int(batches) if counted else None, failures=int(failures) if counted else None,
        assumed=tuple(fields.get(a, a) for a in str(t["assumed"][i]).split()),
    )  # fmt: skip


def _passed(p: Process) -> float:
    """Released over starting activity."""
    decay = math.exp(-nuclide(p.nuclide).decay_constant_per_s * (p.synthesis_s + p.filling_s + p.qc_s))
    return p.yield_fraction * (1 - p.residue_fraction) * (1 - p.qc_loss_fraction) * decay


def release_activity_Bq(process: Process, start_Bq: float) -> float:
    """Activity in vials at release of a batch that does not fail.

    ``start * yield * (1 - residue) * (1 - samples) * exp(-lambda (synthesis + filling + quality control))``

    Raises
    ------
    BadInput
        The activity is negative or not finite.

    >>> round(release_activity_Bq(process("18F-rhPSMA-7"), 89e9) / 1e9, 1)
    33.0
    """
    return _amount(start_Bq) * _passed(process)


def start_activity_Bq(process: Process, release_Bq: float) -> float:
    """Starting activity of a batch that releases `release_Bq`: the inverse of `release_activity_Bq`.

    >>> p = process("225Ac-PSMA-I&T")
    >>> round(release_activity_Bq(p, start_activity_Bq(p, 1e7)))
    10000000
    """
    return _amount(release_Bq) / _passed(process)


def _amount(activity_Bq: float) -> float:
    if not 0 <= activity_Bq < math.inf:
        raise BadInput(f"batch: the activity is {activity_Bq!r} Bq; give zero or a positive activity.")
    return activity_Bq


def success_interval(batches: int, failures: int, level: float = 0.95) -> tuple[float, float]:
    """Interval of the probability of success after `failures` in `batches` (Clopper and Pearson, doi:10.1093/biomet/26.4.404).

    Raises
    ------
    BadInput
        No batches, or more failures than batches.

    Their rule of three: no failure in 100 batches leaves 97 % (one-sided, 95 %).

    >>> round(success_interval(100, 0, 0.90)[0], 2)
    0.97
    """
    from scipy.stats import beta

    if not (batches >= 1 and 0 <= failures <= batches):
        raise BadInput(f"success: {failures} failures of {batches} batches; give at least one batch and at most as many failures.")
    good, tail = batches - failures, (1 - level) / 2
    low = 0.0 if good == 0 else float(beta.ppf(tail, good, failures + 1))
    high = 1.0 if failures == 0 else float(beta.ppf(1 - tail, good + 1, failures))
    return low, high
