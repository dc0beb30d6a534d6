r"""A nation's supply in a year as a linear programme: how many patients, and what holds them back.

Activity goes from sources to hot labs, doses from hot labs to cities, by road or by air. All flows are those of a year
and even over it: no calendar, no batch that is half full (see `lutetia.supply.network` for days and patients).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..core import BadInput
from ..nuclides import nuclide
from .nation_program import maximise

#: What can hold patients back, in the order in which it is reported.
RESOURCES = ("isotope", "cells", "flights", "beds", "chairs", "demand")


@dataclass(frozen=True, slots=True)
class Therapy:
    """A radiopharmaceutical, seen from a whole nation.

    Attributes
    ----------
    activity_Bq : float
        At injection.
    cycles : float
        Injections of one patient in the year.
    yield_fraction : float
        Share of the activity at the lab's door, decay apart, that goes into doses which are injected.
    make_s, wait_s, shelf_life_s : float
        From the lab's door to release; from arrival in the city to the injection, on average; from release to the last injection.
    doses_per_batch, doses_per_flight : float
    bed_days, chair_hours : float
        That one injection takes.
    """

    name: str
    nuclide: str
    activity_Bq: float
    cycles: float
    yield_fraction: float
    make_s: float
    wait_s: float
    shelf_life_s: float
    doses_per_batch: float
    doses_per_flight: float = math.inf
    bed_days: float = 0.0
    chair_hours: float = 0.0


@dataclass(frozen=True, slots=True)
class Source:
    """What makes a nuclide: activity in a year, at the end of irradiation or elution, `prepare_s` before it can leave."""

    name: str
    nuclide: str
    annual_Bq: float
    prepare_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Lab:
    """A hot lab: batches in a year, and which therapies it makes. A `candidate` works only if it is chosen."""

    name: str
    batches: float
    makes: tuple[str, ...]
    candidate: bool = False


@dataclass(frozen=True, slots=True)
class Nation:
    """What a year's supply is made from.

    Attributes
    ----------
    source_h : ndarray, shape (sources, labs)
        Hours from the source to the lab, by the quickest way.
    lab_h : ndarray, shape (2, labs, cities)
        Hours from the lab to the city by road and by air; infinite where there is no way.
    patients : ndarray, shape (therapies, cities)
        Who need treatment in a year.
    bed_days, chair_hours : ndarray, shape (cities,)
        That the year has for these therapies.
    flights : float
        In a year between each lab and each city.
    choose : int
        How many candidates are to be opened.

    Raises
    ------
    BadInput
        A shape that does not fit; two of one name; a lab that makes what is not listed; more to choose than candidates.
    """

    therapies: tuple[Therapy, ...]
    sources: tuple[Source, ...]
    labs: tuple[Lab, ...]
    cities: tuple[str, ...]
    source_h: np.ndarray
    lab_h: np.ndarray
    patients: np.ndarray
    bed_days: np.ndarray
    chair_hours: np.ndarray
    flights: float = math.inf
    choose: int = 0

    def __post_init__(self) -> None:
        p, s, l, h = len(self.therapies), len(self.sources), len(self.labs), len(self.cities)
        for what, array, shape in (
            ("source_h", self.source_h, (s, l)), ("lab_h", self.lab_h, (2, l, h)), ("patients", self.patients, (p, h)),
            ("bed_days", self.bed_days, (h,)), ("chair_hours", self.chair_hours, (h,)),
        ):  # fmt: skip
            if array.shape != shape:
                raise BadInput(f"{what} has the shape {array.shape}; {shape} is wanted.")
            if np.isnan(array).any() or (array < 0).any():
                raise BadInput(f"{what} holds a number below zero or none at all; give numbers of at least zero.")
        for kind, names in (("therapy", [x.name for x in self.therapies]), ("source", [x.name for x in self.sources]), ("lab", [x.name for x in self.labs])):
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise BadInput(f"There are two of the name {twice[0]!r}; name each {kind} once.")
        known = {x.name for x in self.therapies}
        for lab in self.labs:
            unknown = sorted(set(lab.makes) - known)
            if unknown:
                raise BadInput(f"The lab {lab.name!r} makes {unknown[0]!r}, which is no product of the file; name one of {', '.join(sorted(known))}.")
        if self.choose > sum(x.candidate for x in self.labs):
            raise BadInput(f"{self.choose} labs are to be chosen among {sum(x.candidate for x in self.labs)} candidates; give fewer, or more candidates.")


@dataclass(frozen=True, slots=True)
class Flow:
    """A year's supply.

    Attributes
    ----------
    patients, bound : float
        Full courses in a year, and what no supply can exceed (equal but for a choice of labs that time cut short).
    doses : ndarray, shape (therapies, labs, cities, 2)
        Injected in a year, by road and by air.
    drawn_Bq : ndarray, shape (sources, labs, therapies)
        Activity taken at the source in a year.
    opened : tuple of str
        Candidates that were chosen.
    worth : mapping of str to ndarray
        Patients for one unit more: of each source a Bq a year, of each lab a batch, of each lab and city a flight, of each
        city a bed-day or chair-hour, of each therapy and city one who needs it. True for a small change; zero where nothing is short.
    """

    patients: float
    bound: float
    doses: np.ndarray
    drawn_Bq: np.ndarray
    opened: tuple[str, ...]
    worth: Mapping[str, np.ndarray] = field(default_factory=dict)

    def treated(self, nation: Nation) -> np.ndarray:
        """Patients by therapy and city, shape (therapies, cities)."""
        return self.doses.sum(axis=(1, 3)) / np.array([t.cycles for t in nation.therapies])[:, None]


def supply(nation: Nation, scale: Mapping[str, float] | None = None, *, share_alike: bool = False, time_limit_s: float = 60.0) -> Flow:
    r"""The supply that treats the most patients in a year, and among those the one that draws the least activity.

    With doses :math:`x` from lab to city and activity :math:`y` from source to lab,

    .. math:: \sum_{h} a\, e^{\lambda (t_{lh} + t_\text{wait})} x_{lh} \le \sum_s f\, e^{-\lambda (t_s + t_{sl} + t_\text{make})} y_{sl}

    holds for each lab and therapy, with the injected activity :math:`a` and the share :math:`f` that is left. A way on
    which a dose is older than its shelf life is none.

    Parameters
    ----------
    nation : Nation
    scale : mapping of str to float, optional
        Factors on the `RESOURCES`; infinity lifts the limit.
    share_alike : bool
        Every city gets the same share of its patients treated, or as near to one as it can be: first the largest share
        that all can have, then the most patients.
    time_limit_s : float
        For a choice of labs.

    Raises
    ------
    BadInput
        `scale` names no resource; nothing limits the patients.
    CouldNot
        HiGHS is not installed, or found nothing in time.
    """
    from scipy.sparse import csr_array, vstack

    m = _programme(nation, dict(scale or {}))
    whole = m.whole if m.whole.any() else None
    matrix, high, extra_low = m.matrix, m.high, np.full(len(m.high), -math.inf)
    if share_alike:
        matrix, high, extra_low = _alike(nation, m, whole, time_limit_s)
    first = maximise(m.worth, matrix, high, m.upper, low=extra_low, lower=m.lower, whole=whole, time_limit_s=time_limit_s)
    if first is None:
        raise BadInput("Nothing limits the number of patients; give the demand, or another limit.")
    upper, lower = m.upper.copy(), m.lower.copy()
    opened = m.candidates[first.values[m.z] > 0.5]
    upper[m.z] = lower[m.z] = np.round(first.values[m.z])
    if whole is not None:  # the worth of a unit is that beside the labs as chosen
        linear = maximise(m.worth, matrix, high, upper, low=extra_low, lower=lower)
        assert linear is not None
        duals, patients = linear.duals, linear.objective
    else:
        duals, patients = first.duals, first.objective
    spare = maximise(
        -m.draws, vstack([matrix, csr_array(m.worth[None, :])]), np.concatenate([high, [math.inf]]), upper,
        low=np.concatenate([extra_low, [patients * (1 - 1e-9)]]), lower=lower,
    )  # fmt: skip
    values = first.values if spare is None else spare.values
    doses = np.zeros((len(nation.therapies), len(nation.labs), len(nation.cities), 2))
    doses[m.x_at] = np.maximum(values[m.x], 0.0)
    drawn = np.zeros((len(nation.sources), len(nation.labs), len(nation.therapies)))
    activity = np.array([t.activity_Bq for t in nation.therapies])
    drawn[m.y_at] = np.maximum(values[m.y], 0.0) * activity[m.y_at[2]]
    worth = {k: np.maximum(duals[rows], 0.0).reshape(shape) / unit for k, (rows, shape, unit) in m.rows.items()}
    return Flow(patients, max(first.bound, patients), doses, drawn, tuple(nation.labs[n].name for n in opened), worth)


def most_patients(nation: Nation, scale: Mapping[str, float] | None = None) -> float:
    """Patients of `supply` alone, in half its time; labs as they stand, candidates closed.

    Raises
    ------
    BadInput, CouldNot
        As `supply`.
    """
    m = _programme(nation, dict(scale or {}))
    upper = m.upper.copy()
    upper[m.z] = 0.0
    answer = maximise(m.worth, m.matrix, m.high, upper)
    if answer is None:
        raise BadInput("Nothing limits the number of patients; give the demand, or another limit.")
    return answer.objective


@dataclass(frozen=True, slots=True)
class _Programme:
    """The matrix, and which columns and rows are what."""

    worth: np.ndarray
    draws: np.ndarray
    matrix: object
    high: np.ndarray
    lower: np.ndarray
    upper: np.ndarray
    whole: np.ndarray
    x: slice
    x_at: tuple[np.ndarray, ...]
    y: slice
    y_at: tuple[np.ndarray, ...]
    z: slice
    candidates: np.ndarray
    rows: dict[str, tuple[slice, tuple[int, ...], float | np.ndarray]]


def _programme(n: Nation, scale: dict[str, float]) -> _Programme:
    from scipy.sparse import csr_array

    unknown = sorted(set(scale) - set(RESOURCES))
    if unknown:
        raise BadInput(f"There is no resource {unknown[0]!r}; name one of {', '.join(RESOURCES)}.")
    factor = {k: scale.get(k, 1.0) for k in RESOURCES}
    T, S, L, H = len(n.therapies), len(n.sources), len(n.labs), len(n.cities)
    rate = np.array([nuclide(t.nuclide).decay_constant_per_s for t in n.therapies])
    wait, shelf, make = (np.array([getattr(t, k) for t in n.therapies], float) for k in ("wait_s", "shelf_life_s", "make_s"))
    makes = np.array([[t.name in lab.makes for lab in n.labs] for t in n.therapies], bool).reshape(T, L)
    age = n.lab_h.transpose(1, 2, 0)[None] * 3600 + wait[:, None, None, None]
    xt, xl, xh, xm = x_at = np.nonzero(makes[:, :, None, None] & (age <= shelf[:, None, None, None]))
    names = [nuclide(t.nuclide).name for t in n.therapies]
    fits = np.array([[nuclide(s.nuclide).name == name for name in names] for s in n.sources], bool).reshape(S, T)
    ys, yl, yt = y_at = np.nonzero(fits[:, None, :] & makes.T[None] & np.isfinite(n.source_h)[:, :, None])
    candidates = np.flatnonzero([x.candidate for x in n.labs])
    X, Y, Z = len(xt), len(ys), len(candidates)
    x, y, z = np.arange(X), X + np.arange(Y), X + Y + np.arange(Z)
    column = {k: np.array([getattr(t, k) for t in n.therapies], float) for k in ("activity_Bq", "cycles", "yield_fraction", "doses_per_batch", "doses_per_flight", "bed_days", "chair_hours")}
    annual, prepare = np.array([s.annual_Bq for s in n.sources], float), np.array([s.prepare_s for s in n.sources], float)
    batches = np.array([lab.batches for lab in n.labs], float)
    # A year's activity of a source is the unit of its row, an injected activity that of a draw: numbers near one for any nuclide.
    left = column["yield_fraction"][yt] * np.exp(-rate[yt] * (prepare[ys] + n.source_h[ys, yl] * 3600 + make[yt]))
    air = xm == 1
    blocks = [
        ("isotope", (S,), [(ys, y, column["activity_Bq"][yt] / annual[ys])], np.full(S, factor["isotope"])),
        ("balance", (T, L), [(xt * L + xl, x, np.exp(rate[xt] * age[x_at])), (yt * L + yl, y, -left)], np.zeros(T * L)),
        ("cells", (L,), [(xl, x, 1 / column["doses_per_batch"][xt])], _times(np.where([c.candidate for c in n.labs], 0.0, batches), factor["cells"])),
        ("flights", (L, H), [((xl * H + xh)[air], x[air], 1 / column["doses_per_flight"][xt[air]])], _times(np.full(L * H, n.flights), factor["flights"])),
        ("beds", (H,), [(xh, x, column["bed_days"][xt])], _times(n.bed_days, factor["beds"])),
        ("chairs", (H,), [(xh, x, column["chair_hours"][xt])], _times(n.chair_hours, factor["chairs"])),
        ("demand", (T, H), [(xt * H + xh, x, np.ones(X))], _times((n.patients * column["cycles"][:, None]).ravel(), factor["demand"])),
        ("choice", (1,), [(np.zeros(Z, int), z, np.ones(Z))], np.array([float(n.choose)])),
    ]  # fmt: skip
    entries, rows, highs, at = [], {}, [], 0
    for name, shape, parts, high in blocks:
        rows[name] = (slice(at, at + len(high)), shape)
        entries += [(r + at, c, v) for r, c, v in parts]
        highs.append(high)
        at += len(high)
    if Z:  # a candidate's batches come with its choice; with cells lifted, as many as all doses could need
        most = np.where(np.isfinite(batches * factor["cells"]), batches * factor["cells"], (n.patients.sum(axis=1) * column["cycles"] / column["doses_per_batch"]).sum() + 1)
        entries.append((rows["cells"][0].start + candidates, z, -most[candidates]))
        highs[2][candidates] = 0.0
    r, c, v = (np.concatenate([e[k] for e in entries]) for k in range(3))
    keep = v != 0
    columns = X + Y + Z
    worth = np.concatenate([1 / column["cycles"][xt], np.zeros(Y + Z)])
    units: dict[str, float | np.ndarray] = {"isotope": annual, "cells": 1.0, "flights": 1.0, "beds": 1.0, "chairs": 1.0, "demand": 1.0}
    found = {k: (rows[k][0], rows[k][1], u) for k, u in units.items()}
    found["demand"] = (rows["demand"][0], (T, H), 1 / column["cycles"][:, None])  # of a patient, not of a dose
    return _Programme(
        worth, np.concatenate([np.zeros(X), column["activity_Bq"][yt] / annual[ys], np.zeros(Z)]), csr_array((v[keep], (r[keep], c[keep])), shape=(at, columns)), np.concatenate(highs),
        np.zeros(columns), np.concatenate([np.full(X + Y, np.inf), np.ones(Z)]), np.arange(columns) >= X + Y, slice(0, X), x_at, slice(X, X + Y), y_at, slice(X + Y, columns), candidates, found,
    )  # fmt: skip


def _times(values: np.ndarray, factor: float) -> np.ndarray:
    """Values times a factor; infinity lifts zeros too."""
    return np.full(len(values), np.inf) if math.isinf(factor) else values * factor


def _alike(n: Nation, m: _Programme, whole: np.ndarray | None, time_limit_s: float) -> tuple[object, np.ndarray, np.ndarray]:
    """The rows of `m` with one more for each therapy and city: at least the largest share that all can have."""
    from scipy.sparse import block_array, csr_array, hstack, vstack

    T, H = len(n.therapies), len(n.cities)
    xt, _, xh, _ = m.x_at
    need = (n.patients * np.array([t.cycles for t in n.therapies])[:, None]).ravel()
    columns = len(m.worth)
    got = csr_array((np.ones(len(xt)), (xt * H + xh, np.arange(m.x.start, m.x.stop))), shape=(T * H, columns))
    asks = hstack([got, csr_array(-need[:, None])])
    wide = vstack([block_array([[m.matrix, csr_array((len(m.high), 1))]]), asks])
    best = maximise(
        np.append(np.zeros(columns), 1.0), wide, np.append(m.high, np.full(T * H, np.inf)), np.append(m.upper, 1.0),
        low=np.append(np.full(len(m.high), -np.inf), np.zeros(T * H)), lower=np.append(m.lower, 0.0), whole=None if whole is None else np.append(whole, False), time_limit_s=time_limit_s,
    )  # fmt: skip
    share = 0.0 if best is None else max(0.0, best.objective) * (1 - 1e-9)
    return vstack([m.matrix, got]), np.append(m.high, np.full(T * H, np.inf)), np.append(np.full(len(m.high), -np.inf), share * need)
