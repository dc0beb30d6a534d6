"""Survival of cells: linear-quadratic, of single alpha tracks, and of both together."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from ..core import BadInput


def lq_survival(dose_Gy: ArrayLike, alpha_per_Gy: float, beta_per_Gy2: float, G: ArrayLike = 1.0) -> np.ndarray | float:
    """Linear-quadratic survival, exp(-alpha D - G beta D^2).

    G multiplies the quadratic term alone; alpha and beta must not come from protracted radiation unless G is 1
    (`surviving_fraction` checks that for named sets). Bentzen et al. 2012, doi:10.1016/j.radonc.2012.08.006.

    Parameters
    ----------
    dose_Gy : float or ndarray
    alpha_per_Gy, beta_per_Gy2 : float
        From zero up.
    G : float or ndarray
        From `lea_catcheside`; 1 is an acute dose.

    Raises
    ------
    BadInput
        A dose or a parameter that is negative or not finite, or a G outside 0 to 1.

    >>> round(lq_survival(10.0, 0.24, 0.06, 0.04406793), 5)  # reference vectors of PRRT-spatial-CPM
    0.06964
    """
    d, g = _doses(dose_Gy, "dose_Gy"), _fraction(G)
    _coefficients(alpha_per_Gy=alpha_per_Gy, beta_per_Gy2=beta_per_Gy2)
    return _plain(np.exp(-alpha_per_Gy * d - g * beta_per_Gy2 * d * d))


def compound_poisson_survival(mean_hits: ArrayLike, z1_Gy: ArrayLike, weights: ArrayLike, z0_Gy: float) -> np.ndarray | float:
    """Survival of nuclei that alphas hit at random, each hit killing by its own specific energy.

    A hit that deposits the specific energy z is survived with exp(-z / z0). The number of hits is Poisson with mean
    n, and hits are independent, so that

        SF = exp(-n (1 - <exp(-z1 / z0)>)),

    the mean taken over the single-event spectrum. Nuclei that are not hit live: SF never falls below exp(-n),
    whatever the mean dose n <z1>. It is the generating function of a compound Poisson process; for small z1/z0 it
    tends to exp(-n <z1> / z0), which is exp(-alpha D) with alpha = 1/z0.

    Parameters
    ----------
    mean_hits : float or ndarray
        Mean number of hits n of a nucleus.
    z1_Gy : array, shape (m,)
        Specific energies of one hit.
    weights : array, shape (m,)
        Their frequency, in any scale.
    z0_Gy : float
        Specific energy that leaves a fraction 1/e of the nuclei alive.

    Raises
    ------
    BadInput
        A number, specific energy or weight that is negative or not finite, no weight at all, or a z0 that is not positive.

    >>> round(compound_poisson_survival(2.0, [0.1, 0.4], [1, 1], 0.5), 4)
    0.481
    """
    z, w = np.atleast_1d(np.asarray(z1_Gy, float)), np.atleast_1d(np.asarray(weights, float))
    if z.ndim != 1 or z.shape != w.shape or not np.all(np.isfinite(z) & (z >= 0) & np.isfinite(w) & (w >= 0)) or not w.sum() > 0:
        raise BadInput("The single-event spectrum needs one weight from zero up for each specific energy from zero up, and not all of them zero.")
    if not (z0_Gy > 0 and math.isfinite(z0_Gy)):
        raise BadInput(f"z0_Gy: got {z0_Gy}; give a finite specific energy above zero.")
    killed = -np.expm1(-z / z0_Gy)
    return per_track_survival(mean_hits, float(np.clip(np.sum(w * killed) / w.sum(), 0.0, 1.0)))


def per_track_survival(mean_hits: ArrayLike, lethality: ArrayLike) -> np.ndarray | float:
    """Survival of nuclei hit by a Poisson number of tracks, each lethal with the same probability, exp(-n p).

    Parameters
    ----------
    mean_hits : float or ndarray
    lethality : float or ndarray
        Mean probability that one hit kills.

    Raises
    ------
    BadInput
        A number of hits that is negative or not finite, or a probability outside 0 to 1.

    >>> round(per_track_survival(3.0, 1.0), 4)  # every hit kills: those not hit are left
    0.0498
    """
    n, p = np.asarray(mean_hits, float), np.asarray(lethality, float)
    if not np.all(np.isfinite(n) & (n >= 0)):
        raise BadInput("mean_hits: a number of hits is negative or not finite; give means from zero up.")
    if not np.all((p >= 0) & (p <= 1)):
        raise BadInput("lethality: a probability lies outside 0 to 1.")
    return _plain(np.exp(-n * p))


def mixed_field_effect(
    low_Gy: ArrayLike, high_Gy: ArrayLike, *, alpha_low_per_Gy: float, beta_low_per_Gy2: float, alpha_high_per_Gy: float, beta_high_per_Gy2: float = 0.0,
    G: ArrayLike = 1.0,
) -> np.ndarray | float:
    """Effect of electrons or photons and of alphas together; survival is exp(-E).

        E = a_l D_l + a_h D_h + G (sqrt(b_l) D_l + sqrt(b_h) D_h)^2

    Sublethal damage of one kind meets that of the other, hence the square of the sum. One G serves both, so both must
    come with the same time course; a linear response to alphas (b_h = 0, the default) makes the two independent.
    The form is that of Zaider and Rossi 1980, Radiat. Res. 83, 732 (recalled, not re-read).

    Parameters
    ----------
    low_Gy, high_Gy : float or ndarray
        Absorbed doses of low-LET radiation (l) and of alphas (h), in Gy, unweighted.
    alpha_low_per_Gy, beta_low_per_Gy2, alpha_high_per_Gy, beta_high_per_Gy2 : float
        Linear and quadratic coefficients of each.
    G : float or ndarray

    Raises
    ------
    BadInput
        A dose or coefficient that is negative or not finite, or a G outside 0 to 1.

    >>> round(mixed_field_effect(2.0, 0.5, alpha_low_per_Gy=0.16, beta_low_per_Gy2=0.0, alpha_high_per_Gy=0.67), 3)  # PC3-PIP, Ruigrok 2022
    0.655
    """
    low, high, g = _doses(low_Gy, "low_Gy"), _doses(high_Gy, "high_Gy"), _fraction(G)
    _coefficients(alpha_low_per_Gy=alpha_low_per_Gy, beta_low_per_Gy2=beta_low_per_Gy2, alpha_high_per_Gy=alpha_high_per_Gy, beta_high_per_Gy2=beta_high_per_Gy2)
    sublethal = math.sqrt(beta_low_per_Gy2) * low + math.sqrt(beta_high_per_Gy2) * high
    return _plain(alpha_low_per_Gy * low + alpha_high_per_Gy * high + g * sublethal**2)


def _doses(dose: ArrayLike, name: str) -> np.ndarray:
    d = np.asarray(dose, float)
    if not np.all(np.isfinite(d) & (d >= 0)):
        raise BadInput(f"{name}: a dose is negative or not finite; give absorbed doses from zero up.")
    return d


def _fraction(G: ArrayLike) -> np.ndarray:
    g = np.asarray(G, float)
    if not np.all((g >= 0) & (g <= 1 + 1e-9)):
        raise BadInput("G: a protraction factor lies outside 0 to 1; compute it with lea_catcheside.")
    return g


def _coefficients(**values: float) -> None:
    for name, value in values.items():
        if not (math.isfinite(value) and value >= 0):
            raise BadInput(f"{name}: got {value}; give a finite value from zero up.")


def _plain(a: np.ndarray) -> np.ndarray | float:
    return float(a) if np.ndim(a) == 0 else a
