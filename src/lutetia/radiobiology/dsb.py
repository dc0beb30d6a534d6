"""DNA double-strand breaks: how many a dose makes, and how many are there while they are being rejoined."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..core import BadInput, near_matches
from ..data import table


@dataclass(frozen=True, slots=True)
class DsbYield:
    """Breaks per absorbed dose in one nucleus, from `low_per_Gy` to `high_per_Gy` as published."""

    name: str
    radiation: str
    low_per_Gy: float
    high_per_Gy: float
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class DsbRepair:
    """First-order rejoining: `fractions` of the breaks, each with its rate; the fractions sum to one."""

    name: str
    fractions: tuple[float, ...]
    rates_per_s: tuple[float, ...]
    source: str
    note: str

    def __post_init__(self) -> None:
        f, r = self.fractions, self.rates_per_s
        if not f or len(f) != len(r) or not all(0 <= x <= 1 for x in f) or abs(sum(f) - 1) > 1e-9 or not all(math.isfinite(x) and x >= 0 for x in r):
            raise BadInput("DSB repair: give one rate from zero up for each fraction between 0 and 1, and let the fractions sum to 1.")


def dsb_yields() -> dict[str, DsbYield]:
    """Every named yield, from the table ``radiobiology_dsb_yield``.

    >>> y = dsb_yields()["Lu177-Rumiantcev-2023"]
    >>> round(y.low_per_Gy, 1), round(y.high_per_Gy, 1)  # 12.60 and 12.99 per Gy and 1e9 base pairs, 6.078e9 of them
    (76.6, 79.0)
    """
    t = table("radiobiology_dsb_yield")
    found = {}
    for name, radiation, low, high, per, genome, source, note in zip(*(t[c] for c in ("name", "radiation", "low", "high", "per", "genome_Gbp", "source", "note"))):
        scale = float(genome) if per == "Gbp" else 1.0
        found[str(name)] = DsbYield(str(name), str(radiation), float(low) * scale, float(high) * scale, str(source), str(note))
    return found


def dsb_repair_sets() -> dict[str, DsbRepair]:
    """Every named set of rejoining rates, from the table ``radiobiology_dsb_repair``.

    >>> dsb_repair_sets()["MEDRAS-rejoining"].fractions
    (0.57, 0.43)
    """
    t = table("radiobiology_dsb_repair")
    found = {}
    for name in dict.fromkeys(map(str, t["name"])):
        rows = t.where("name", name)
        rates = tuple(float(r) / 3600 for r in rows["rate_per_h"])
        found[name] = DsbRepair(name, tuple(map(float, rows["fraction"])), rates, str(rows["source"][0]), str(rows["note"][0]))
    return found


def dsb_repair(name: str) -> DsbRepair:
    """The set `name`.

    Raises
    ------
    BadInput
        There is no such set.
    """
    sets = dsb_repair_sets()
    if name not in sets:
        raise BadInput(f"DSB repair: there is no set {name!r}; choose from {', '.join(sets)}.{near_matches(name, sets)}")
    return sets[name]


def breaks_present(time_s: ArrayLike, dose_rates_Gy_per_s: ArrayLike, rates_per_s: ArrayLike, per_Gy: float, repair: DsbRepair) -> np.ndarray:
    """Breaks in a nucleus at each time, for the dose rate sum r_i exp(-l_i t) from time zero on.

    Each component k of repair follows y' = r - mu_k y, so that

        N(t) = Y sum_k f_k sum_i r_i t exp(-min(l_i, mu_k) t) F(|mu_k - l_i| t),   F(x) = (1 - e^-x) / x.

    Written with F, nothing overflows or cancels where a decay and a repair have the same rate. Breaks are independent:
    misrejoining, which needs two that meet, is not in it.

    Parameters
    ----------
    time_s : float or array, shape (n,)
        From zero up.
    dose_rates_Gy_per_s : array, shape (m,)
        r_i at time zero; negative for an uptake phase.
    rates_per_s : array, shape (m,)
        l_i; zero is a constant rate.
    per_Gy : float
        Breaks per Gy, from `dsb_yields`.
    repair : DsbRepair

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    BadInput
        A time, rate or yield that is negative or not finite, or rates that do not fit.

    >>> one = DsbRepair("one", (1.0,), (1.0,), "", "")
    >>> breaks_present([0.0, 1e3], [2.0], [0.0], 10.0, one).tolist()  # constant rate: 2 x 10 / mu in balance
    [0.0, 20.0]
    """
    t = np.atleast_1d(np.asarray(time_s, float))
    r, l = np.atleast_1d(np.asarray(dose_rates_Gy_per_s, float)), np.atleast_1d(np.asarray(rates_per_s, float))
    if not np.all(np.isfinite(t) & (t >= 0)):
        raise BadInput("time_s: a time is negative or not finite; give times after the start.")
    if r.ndim != 1 or r.shape != l.shape or not len(r) or not np.all(np.isfinite(r) & np.isfinite(l) & (l >= 0)):
        raise BadInput("The dose rate needs one rate from zero up for each coefficient, and at least one.")
    if not (math.isfinite(per_Gy) and per_Gy >= 0):
        raise BadInput(f"per_Gy: got {per_Gy}; give breaks per Gy from zero up.")
    mu, f = np.array(repair.rates_per_s), np.array(repair.fractions)
    slower, apart = np.minimum.outer(mu, l), np.abs(np.subtract.outer(mu, l))
    x = np.multiply.outer(t, apart)
    F = np.where(x > 0, -np.expm1(-x) / np.where(x > 0, x, 1.0), 1.0)
    y = np.sum(r * t[:, None, None] * np.exp(-np.multiply.outer(t, slower)) * F, axis=2)
    return per_Gy * y @ f


def residual_fraction(time_s: ArrayLike, repair: DsbRepair) -> np.ndarray | float:
    """Part of the breaks of an acute dose that is left after `time_s`, sum f_k exp(-mu_k t).

    Raises
    ------
    BadInput
        A time that is negative or not finite.

    >>> round(residual_fraction(4 * 3600.0, dsb_repair("MEDRAS-rejoining")), 3)  # 0.57 e^-8.28 + 0.43 e^-1.036
    0.153
    """
    t = np.asarray(time_s, float)
    if not np.all(np.isfinite(t) & (t >= 0)):
        raise BadInput("time_s: a time is negative or not finite; give times after the dose.")
    left = np.exp(-np.multiply.outer(t, np.array(repair.rates_per_s))) @ np.array(repair.fractions)
    return float(left) if left.ndim == 0 else left
