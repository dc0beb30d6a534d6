"""Biologically effective dose of a dose rate that is a sum of exponentials."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ..core import BadInput


def lea_catcheside(coefficients: ArrayLike, rates_per_s: ArrayLike, repair_half_life_s: float) -> float:
    """Lea-Catcheside dose-protraction factor G, from the administration to infinity, in closed form.

    For a dose rate r(t) = sum r_i exp(-l_i t) and exponential repair with mu = ln 2 / T_rep,

        G = (2 / D^2) sum_ij r_i r_j / [(l_i + l_j) (mu + l_i)],   D = sum r_i / l_i,

    which is (2/D^2) times the integral of r(t) y(t) with y' = r - mu y. One exponential gives
    l / (mu + l) = T_rep / (T_rep + T_eff). Dale 1985, doi:10.1259/0007-1285-58-690-515.

    Parameters
    ----------
    coefficients : array, shape (m,)
        Dose rate or activity of each term, any unit (G does not depend on it); negative for an uptake phase.
    rates_per_s : array, shape (m,)
    repair_half_life_s : float
        Zero (immediate repair) gives 0; infinity (no repair) gives 1.

    Raises
    ------
    BadInput
        No terms, a rate that is not positive, a half-life below zero, or an integral that is not positive.

    >>> round(lea_catcheside([1.0], [np.log(2) / 180000], 10080.0), 6)  # 2.8 / (2.8 + 50)
    0.05303
    """
    r, l = np.atleast_1d(np.asarray(coefficients, float)), np.atleast_1d(np.asarray(rates_per_s, float))
    if r.ndim != 1 or r.shape != l.shape or not len(r):
        raise BadInput("The protraction factor needs one rate for each coefficient, and at least one; a trapezoid has none, so give a fitted curve.")
    if not (np.all(np.isfinite(r)) and np.all(np.isfinite(l)) and np.all(l > 0)):
        raise BadInput("The protraction factor needs finite coefficients and rates above zero.")
    if math.isnan(repair_half_life_s) or repair_half_life_s < 0:
        raise BadInput(f"repair_half_life_s: got {repair_half_life_s}; give zero or above.")
    dose = float(np.sum(r / l))
    if dose <= 0:
        raise BadInput("The integral of the dose rate is not positive; check the coefficients.")
    if repair_half_life_s == 0:
        return 0.0
    mu = math.log(2) / repair_half_life_s
    pairs = np.multiply.outer(r / (mu + l), r) / np.add.outer(l, l)
    return float(2 * pairs.sum() / dose**2)


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
