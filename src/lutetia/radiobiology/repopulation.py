"""What is left of a dose's effect when cells divide while it is given."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import minimize_scalar

from ..core import BadInput
from .bed import lea_catcheside


@dataclass(frozen=True, slots=True)
class RepopulatedBed:
    """BED in a growing population: `bed_Gy` = `bed_reached_Gy` - `loss_Gy`, at the time `effective_time_s` of fewest survivors.

    `bed_without_Gy` is the whole BED without growth; what is given after `effective_time_s` is outgrown.
    """

    bed_Gy: float
    bed_reached_Gy: float
    loss_Gy: float
    effective_time_s: float
    bed_without_Gy: float


def dose_until_Gy(dose_Gy: float, coefficients: ArrayLike, rates_per_s: ArrayLike, time_s: ArrayLike) -> np.ndarray:
    """Absorbed dose until each time, for a dose rate proportional to sum r_i exp(-l_i t) whose integral is `dose_Gy`.

    >>> dose_until_Gy(10.0, [1.0], [math.log(2) / 50], [0, 50, 100]).round(12).tolist()
    [0.0, 5.0, 7.5]
    """
    r, l = _scaled(dose_Gy, coefficients, rates_per_s)
    t = np.atleast_1d(np.asarray(time_s, float))
    return np.sum(r / l * -np.expm1(-np.multiply.outer(t, l)), axis=-1)


def bed_until_Gy(dose_Gy: float, coefficients: ArrayLike, rates_per_s: ArrayLike, repair_half_life_s: float, alpha_beta_Gy: float, time_s: ArrayLike) -> np.ndarray:
    """Biologically effective dose until each time, without growth.

    BED(t) = int_0^t r(s) [1 + 2 y(s) / (alpha/beta)] ds with y' = r - mu y: the derivation of G
    (Dale 1985, doi:10.1259/0007-1285-58-690-515) stopped at t. In closed form, with F(a) = (1 - e^(-a t)) / a,

        int r y = sum_ij r_i r_j [F(l_i + l_j) - F(l_i + mu)] / (mu - l_j).

    Parameters
    ----------
    dose_Gy : float
        Of the whole dose rate, to infinity.
    coefficients, rates_per_s : array, shape (m,)
        Shape of the dose rate; its unit does not matter.
    repair_half_life_s : float
    alpha_beta_Gy : float
    time_s : float or array, shape (n,)

    Returns
    -------
    array, shape (n,)

    Raises
    ------
    BadInput
        As `lea_catcheside`; a repair half-life or an alpha/beta that is not positive.
    """
    if not (repair_half_life_s > 0 and alpha_beta_Gy > 0):
        raise BadInput(f"Repair half-life and alpha/beta must lie above zero; got {repair_half_life_s} s and {alpha_beta_Gy} Gy.")
    r, l = _scaled(dose_Gy, coefficients, rates_per_s)
    t = np.atleast_1d(np.asarray(time_s, float))
    mu = math.log(2) / repair_half_life_s
    pairs = np.multiply.outer(r, r)
    ends, repaired = np.add.outer(l, l), np.broadcast_to((l + mu)[:, None], (len(l), len(l)))
    met = np.array([float(np.sum(pairs * _divided(ends, repaired, x))) for x in t])
    return dose_until_Gy(dose_Gy, coefficients, rates_per_s, t) + 2 * met / alpha_beta_Gy


def bed_with_repopulation(
    dose_Gy: float, coefficients: ArrayLike, rates_per_s: ArrayLike, repair_half_life_s: float, alpha_beta_Gy: float, *,
    alpha_per_Gy: float, doubling_time_s: float, kick_off_s: float = 0.0,
) -> RepopulatedBed:
    """BED of one administration to cells that double every `doubling_time_s` from `kick_off_s` on.

    Growth takes K = ln 2 / (alpha T_d) of BED per time. The survivors are fewest where BED(t) - K max(0, t - T_k)
    is greatest; that maximum is the BED given, since later decays kill more slowly than cells divide. For an acute
    dose it is the textbook BED without loss; for slow growth, BED minus K (T - T_k).
    The repopulation term: Bentzen et al. 2012, doi:10.1016/j.radonc.2012.08.006.

    Raises
    ------
    BadInput
        An alpha or a doubling time that is not positive, a kick-off below zero, or as `bed_until_Gy`.

    >>> b = bed_with_repopulation(10, [1.0], [math.log(2) / 50], 1.5, 10.0, alpha_per_Gy=0.3, doubling_time_s=72.0)
    >>> round(b.bed_Gy, 2), round(b.effective_time_s)
    (4.57, 107)
    """
    if not (alpha_per_Gy > 0 and doubling_time_s > 0 and kick_off_s >= 0 and all(map(math.isfinite, (alpha_per_Gy, doubling_time_s, kick_off_s)))):
        raise BadInput(f"Repopulation needs alpha and a doubling time above zero and a kick-off from zero up; got {alpha_per_Gy} per Gy, {doubling_time_s} s and {kick_off_s} s.")
    growth = math.log(2) / (alpha_per_Gy * doubling_time_s)
    bed_until_Gy(dose_Gy, coefficients, rates_per_s, repair_half_life_s, alpha_beta_Gy, 0.0)  # refuses what has no meaning
    if dose_Gy == 0:
        return RepopulatedBed(0.0, 0.0, 0.0, 0.0, 0.0)
    whole = dose_Gy * (1 + lea_catcheside(coefficients, rates_per_s, repair_half_life_s) * dose_Gy / alpha_beta_Gy)

    def net(t: ArrayLike) -> np.ndarray:
        return bed_until_Gy(dose_Gy, coefficients, rates_per_s, repair_half_life_s, alpha_beta_Gy, t) - growth * np.maximum(0.0, np.asarray(t) - kick_off_s)

    l = np.atleast_1d(np.asarray(rates_per_s, float))
    # After the kick-off the net BED can gain no more than the dose left; beyond this span nothing is left to gain.
    span = min(60 / float(l.min()), whole / growth)
    times = kick_off_s + np.concatenate([[0.0], span * np.geomspace(1e-6, 1, 400)])
    values = net(times)
    n = int(np.argmax(values))
    best, value = float(times[n]), float(values[n])
    low, high = times[max(0, n - 1)], times[min(n + 1, len(times) - 1)]
    found = minimize_scalar(lambda t: -float(net(t)[0]), bounds=(low, high), method="bounded", options={"xatol": 1e-9 * (high - low)})
    if -found.fun > value:
        best, value = float(found.x), float(-found.fun)
    loss = growth * max(0.0, best - kick_off_s)
    return RepopulatedBed(value, value + loss, loss, best, whole)


def _scaled(dose_Gy: float, coefficients: ArrayLike, rates_per_s: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Dose rate terms in Gy/s."""
    if not (math.isfinite(dose_Gy) and dose_Gy >= 0):
        raise BadInput(f"dose_Gy: got {dose_Gy}; give an absorbed dose from zero up.")
    lea_catcheside(coefficients, rates_per_s, 1.0)  # the same checks
    r, l = np.atleast_1d(np.asarray(coefficients, float)), np.atleast_1d(np.asarray(rates_per_s, float))
    return r * (dose_Gy / np.sum(r / l)), l


def _divided(a: np.ndarray, b: np.ndarray, t: float) -> np.ndarray:
    """[F(a) - F(b)] / (b - a) with F(x) = (1 - e^(-x t)) / x; where a and b are near, minus the derivative of F between them."""
    near = np.abs(b - a) < 1e-4 * (a + b)
    apart = np.where(near, 1.0, b - a)
    m = (a + b) / 2
    x = m * t
    with np.errstate(invalid="ignore"):
        slope = np.where(x < 1e-4, t * t * (0.5 - x / 3), (-np.expm1(-x) - x * np.exp(-x)) / m**2)
    return np.where(near, slope, (np.expm1(-b * t) / b - np.expm1(-a * t) / a) / apart)
