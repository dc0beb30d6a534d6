"""Biologically effective dose of a dose rate that is a sum of exponentials."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..core import BadInput


def lea_catcheside(
    coefficients: ArrayLike, rates_per_s: ArrayLike, repair_half_life_s: float | Sequence[float], repair_weights: Sequence[float] | None = None
) -> float:
    """Lea-Catcheside dose-protraction factor G, from the administration to infinity, in closed form.

    For a dose rate r(t) = sum r_i exp(-l_i t) and exponential repair with mu = ln 2 / T_rep,

        G = (2 / D^2) sum_ij r_i r_j / [(l_i + l_j) (mu + l_i)],   D = sum r_i / l_i,

    which is (2/D^2) times the integral of r(t) y(t) with y' = r - mu y. One exponential gives
    l / (mu + l) = T_rep / (T_rep + T_eff). Dale 1985, doi:10.1259/0007-1285-58-690-515. Repair by several
    processes side by side, each taking a share w_k of the damage, gives G = sum w_k G_k.

    Parameters
    ----------
    coefficients : array, shape (m,)
        Dose rate or activity of each term, any unit (G does not depend on it); negative for an uptake phase.
    rates_per_s : array, shape (m,)
    repair_half_life_s : float, or one for each process
        Zero (immediate repair) gives 0; infinity (no repair) gives 1.
    repair_weights : sequence of float, optional
        Share of each process, which sum to one; not given with a single half-life.

    Raises
    ------
    BadInput
        No terms, a rate that is not positive, a half-life below zero, an integral that is not positive, or shares
        that are not one for each half-life, lie outside 0 to 1, or do not sum to one.

    >>> round(lea_catcheside([1.0], [np.log(2) / 180000], 10080.0), 6)  # 2.8 / (2.8 + 50)
    0.05303
    """
    r, l = np.atleast_1d(np.asarray(coefficients, float)), np.atleast_1d(np.asarray(rates_per_s, float))
    if r.ndim != 1 or r.shape != l.shape or not len(r):
        raise BadInput("The protraction factor needs one rate for each coefficient, and at least one; a trapezoid has none, so give a fitted curve.")
    if not (np.all(np.isfinite(r)) and np.all(np.isfinite(l)) and np.all(l > 0)):
        raise BadInput("The protraction factor needs finite coefficients and rates above zero.")
    half_lives, weights = _repair(repair_half_life_s, repair_weights)
    dose = float(np.sum(r / l))
    if dose <= 0:
        raise BadInput("The integral of the dose rate is not positive; check the coefficients.")
    g = 0.0
    for half_life, weight in zip(half_lives, weights):
        if half_life > 0:  # immediate repair leaves nothing to meet
            mu = math.log(2) / half_life
            pairs = np.multiply.outer(r / (mu + l), r) / np.add.outer(l, l)
            g += weight * float(2 * pairs.sum() / dose**2)
    return g


def _repair(half_life_s: float | Sequence[float], weights: Sequence[float] | None) -> tuple[list[float], list[float]]:
    half_lives = [float(h) for h in half_life_s] if isinstance(half_life_s, (Sequence, np.ndarray)) else [float(half_life_s)]
    for h in half_lives:
        if math.isnan(h) or h < 0:
            raise BadInput(f"repair_half_life_s: got {h}; give zero or above.")
    shares = [1.0] if weights is None and len(half_lives) == 1 else [float(w) for w in weights or ()]
    if len(shares) != len(half_lives) or not all(0 <= w <= 1 for w in shares) or abs(sum(shares) - 1) > 1e-9:
        raise BadInput("repair_weights: give one share between 0 and 1 for each repair half-life, and let them sum to 1.")
    return half_lives, shares


def lea_catcheside_constant(duration_s: float, repair_half_life_s: float) -> float:
    """Protraction factor G of a constant dose rate that lasts `duration_s`.

    G = 2 (x - 1 + e^-x) / x^2 with x = mu T. Below x = 1e-3 the difference loses its digits and the series
    1 - x/3 + x^2/12 - x^3/60 takes its place. Dale 1985, doi:10.1259/0007-1285-58-690-515.

    Raises
    ------
    BadInput
        A duration below zero, or a half-life that is not above zero.

    >>> round(lea_catcheside_constant(96 * 3600, 1.5 * 3600), 6)  # reference vectors of PRRT-spatial-CPM
    0.044068
    """
    if not (math.isfinite(duration_s) and duration_s >= 0 and repair_half_life_s > 0):
        raise BadInput(f"The protraction factor of a constant rate needs a duration from zero up and a repair half-life above zero; got {duration_s} s and {repair_half_life_s} s.")
    x = math.log(2) * duration_s / repair_half_life_s
    return 1 - x / 3 + x * x / 12 - x**3 / 60 if x < 1e-3 else 2 * (x + math.expm1(-x)) / x**2


def bed_Gy(dose_Gy: ArrayLike, G: ArrayLike, alpha_beta_Gy: float) -> np.ndarray | float:
    """Biologically effective dose, BED = D [1 + G D / (alpha/beta)].

    Proliferation is left out. The alpha/beta must come from acute exposure or from a fit that applied G
    itself: one fitted to protracted radiation without G already holds the sparing.
    Bentzen et al. 2012, doi:10.1016/j.radonc.2012.08.006 (ESTRO notation).

    Parameters
    ----------
    dose_Gy : float or ndarray
        Absorbed dose of one administration; doses of several are summed as BED.
    G : float or ndarray
        From `lea_catcheside`, between 0 and 1.
    alpha_beta_Gy : float

    Raises
    ------
    BadInput
        A negative dose, a G outside 0 to 1, or an alpha/beta that is not positive.

    >>> G = lea_catcheside([1.0], [np.log(2) / 50], 2.8)  # kidney, T_eff 50 h, T_rep 2.8 h
    >>> round(bed_Gy(4.37, G, 2.6), 2)
    4.76
    """
    d, g = np.asarray(dose_Gy, float), np.asarray(G, float)
    if not (alpha_beta_Gy > 0 and math.isfinite(alpha_beta_Gy)):
        raise BadInput(f"alpha_beta_Gy: got {alpha_beta_Gy}; give a finite value above zero.")
    if np.any(d < 0) or not np.all(np.isfinite(d)):
        raise BadInput("dose_Gy: a dose is negative or not finite; give absorbed doses from zero up.")
    if not np.all((g >= 0) & (g <= 1 + 1e-9)):
        raise BadInput("G: a protraction factor lies outside 0 to 1; compute it with lea_catcheside.")
    bed = d * (1 + g * d / alpha_beta_Gy)
    return float(bed) if bed.ndim == 0 else bed


def eqd2_Gy(bed_Gy: ArrayLike, alpha_beta_Gy: float) -> np.ndarray | float:
    """Dose in fractions of 2 Gy with the same biologically effective dose, EQD2 = BED / (1 + 2 / (alpha/beta)).

    It is what tolerance doses of external beam are stated for. Bentzen et al. 2012, doi:10.1016/j.radonc.2012.08.006.

    Parameters
    ----------
    bed_Gy : float or ndarray
        With the same alpha/beta.
    alpha_beta_Gy : float

    Raises
    ------
    BadInput
        A BED that is negative or not finite, or an alpha/beta that is not positive.

    >>> eqd2_Gy(72.0, 10.0)  # 30 fractions of 2 Gy have a BED of 72 Gy
    60.0
    """
    b = np.asarray(bed_Gy, float)
    if not (alpha_beta_Gy > 0 and math.isfinite(alpha_beta_Gy)):
        raise BadInput(f"alpha_beta_Gy: got {alpha_beta_Gy}; give a finite value above zero.")
    if np.any(b < 0) or not np.all(np.isfinite(b)):
        raise BadInput("bed_Gy: a value is negative or not finite; give biologically effective doses from zero up.")
    eqd2 = b / (1 + 2 / alpha_beta_Gy)
    return float(eqd2) if eqd2.ndim == 0 else eqd2
