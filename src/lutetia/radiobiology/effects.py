"""From dose to control of a tumour and to complications of an organ."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ..core import BadInput, near_matches
from ..data import table
from .parameters import plain_organ
from .survival import lq_survival


def tcp_poisson(clonogens: ArrayLike, survival: ArrayLike) -> float:
    """Probability that no clonogenic cell is left, exp(-sum N_i SF_i).

    Parameters
    ----------
    clonogens : float or array
        Clonogenic cells N_i of each voxel or cell; they are taken as independent, and none is replaced.
    survival : float or array
        Surviving fraction of each, of a shape that fits.

    Raises
    ------
    BadInput
        A number that is negative or not finite, or a surviving fraction outside 0 to 1.

    >>> cells = 13978 * 100  # 40 Gy over 96 h to NCI-H69 (PRRT-spatial-CPM, uniform arm)
    >>> round(tcp_poisson(cells, lq_survival(40.0, 0.24, 0.06, 0.0440679266)), 4)
    0.2523
    """
    n, s = np.asarray(clonogens, float), np.asarray(survival, float)
    if not np.all(np.isfinite(n) & (n >= 0)):
        raise BadInput("clonogens: a number is negative or not finite; give numbers of cells from zero up.")
    if not np.all((s >= 0) & (s <= 1)):
        raise BadInput("survival: a surviving fraction lies outside 0 to 1.")
    return math.exp(-float(np.sum(n * s)))


def tcp_of_dose(
    dose_Gy: ArrayLike, clonogens: ArrayLike, alpha_per_Gy: float, beta_per_Gy2: float, G: ArrayLike = 1.0, *, sd_alpha_per_Gy: float = 0.0, nodes: int = 201
) -> float:
    """Tumour control probability over voxel or cell doses, with a spread of radiosensitivity between patients.

    TCP = integral over alpha of p(alpha) exp(-sum N_i exp(-alpha D_i - G beta D_i^2)), p normal around `alpha_per_Gy`
    with `sd_alpha_per_Gy`, cut at zero and renormalised; alpha/beta is the same for all patients, so beta follows alpha.
    Where alpha^2 >= 2 beta G, survival is convex in dose and heterogeneous dose controls less than its mean would;
    below that, at low doses, it need not.

    Parameters
    ----------
    dose_Gy : float or array
    clonogens : float or array
        In each voxel, a shape that fits `dose_Gy`; a single number is that of *each* voxel, not of all together.
    alpha_per_Gy, beta_per_Gy2 : float
    G : float or array
    sd_alpha_per_Gy : float
        Zero is a population of one sensitivity.
    nodes : int
        Trapezoids over five standard deviations to each side.

    Raises
    ------
    BadInput
        As `lq_survival` and `tcp_poisson`, a spread below zero, or fewer than 11 nodes.

    >>> round(tcp_of_dose(40.0, 13978 * 100, 0.24, 0.06, 0.0440679266), 4)
    0.2523
    """
    if not (math.isfinite(sd_alpha_per_Gy) and sd_alpha_per_Gy >= 0) or nodes < 11:
        raise BadInput(f"sd_alpha_per_Gy: got {sd_alpha_per_Gy} with {nodes} nodes; give a spread from zero up and at least 11 nodes.")
    d = np.asarray(dose_Gy, float)
    if sd_alpha_per_Gy == 0:
        return tcp_poisson(np.broadcast_to(np.asarray(clonogens, float), d.shape), lq_survival(d, alpha_per_Gy, beta_per_Gy2, G))
    if not alpha_per_Gy > 0:
        raise BadInput(f"alpha_per_Gy: got {alpha_per_Gy}; a spread of radiosensitivity needs a mean above zero.")
    alphas = np.linspace(max(0.0, alpha_per_Gy - 5 * sd_alpha_per_Gy), alpha_per_Gy + 5 * sd_alpha_per_Gy, nodes)
    p = np.exp(-0.5 * ((alphas - alpha_per_Gy) / sd_alpha_per_Gy) ** 2)
    p[[0, -1]] /= 2
    n = np.broadcast_to(np.asarray(clonogens, float), d.shape)
    controls = [tcp_poisson(n, lq_survival(d, a, a / alpha_per_Gy * beta_per_Gy2, G)) for a in alphas]  # a loop over patients, not over voxels
    return min(1.0, float(np.dot(p, controls) / p.sum()))


def geud_Gy(dose_Gy: ArrayLike, a: float, volumes: ArrayLike | None = None) -> float:
    """Generalised equivalent uniform dose, (sum v_i D_i^a)^(1/a).

    a = 1 is the mean dose, large a tends to the maximum, negative a (targets) to the minimum; 1/n of the Lyman model.
    Niemierko's definition, as set out by Gay and Niemierko 2007, Phys. Med. 23, 115 (recalled, not re-read).

    Parameters
    ----------
    dose_Gy : array, shape (m,)
    a : float
        Not zero.
    volumes : array, shape (m,), optional
        Volumes in any unit; equal where not given.

    Raises
    ------
    BadInput
        No dose, a dose that is negative or not finite, an `a` of zero, or volumes that do not fit.

    >>> geud_Gy([10.0, 30.0], 1.0), round(geud_Gy([10.0, 30.0], 2.0), 2)
    (20.0, 22.36)
    """
    d = np.atleast_1d(np.asarray(dose_Gy, float)).ravel()
    v = np.ones_like(d) if volumes is None else np.atleast_1d(np.asarray(volumes, float)).ravel()
    if not len(d) or not np.all(np.isfinite(d) & (d >= 0)):
        raise BadInput("dose_Gy: there is no dose, or one is negative or not finite; give doses from zero up.")
    if v.shape != d.shape or not np.all(np.isfinite(v) & (v >= 0)) or not v.sum() > 0:
        raise BadInput("volumes: give one volume from zero up for each dose, and not all of them zero.")
    if math.isnan(a) or a == 0:
        raise BadInput(f"a: got {a}; give an exponent other than zero.")
    d, v = d[v > 0], v[v > 0] / v.sum()
    scale = d.max() if a > 0 else d.min()
    if scale == 0 or math.isinf(a):
        return float(scale)
    return float(scale * np.sum(v * (d / scale) ** a) ** (1 / a))  # divided first: no power overflows


def ntcp_lkb(eqd2_Gy: ArrayLike, TD50_Gy: float, m: float, n: float, volumes: ArrayLike | None = None) -> float:
    """Complication probability of the Lyman-Kutcher-Burman model, Phi((gEUD - TD50) / (m TD50)) with a = 1/n.

    Lyman 1985, Radiat. Res. 104 (suppl. 8), S13; Kutcher and Burman 1989, Int. J. Radiat. Oncol. Biol. Phys. 16, 1623
    (both recalled, not re-read).

    Parameters
    ----------
    eqd2_Gy : float or array
        Doses of the organ's voxels in the quantity the parameters hold for: those of external beam hold for EQD2
        (`eqd2_Gy`), neither for absorbed dose at a falling dose rate nor for a dose weighted by an RBE.
    TD50_Gy, m, n : float
        Uniform dose for one half; slope; volume exponent.
    volumes : array, optional

    Raises
    ------
    BadInput
        A parameter that is not positive and finite, or as `geud_Gy`.

    >>> [round(ntcp_lkb(d, 39.9, 0.40, 1.0), 2) for d in (25.0, 30.0)]  # Dijkema 2010: 17 to 26 %
    [0.18, 0.27]
    """
    for name, value in (("TD50_Gy", TD50_Gy), ("m", m), ("n", n)):
        if not (math.isfinite(value) and value > 0):
            raise BadInput(f"{name}: got {value}; give a finite value above zero.")
    return float(ndtr((geud_Gy(eqd2_Gy, 1 / n, volumes) - TD50_Gy) / (m * TD50_Gy)))


@dataclass(frozen=True, slots=True)
class ComplicationParameters:
    """Lyman-Kutcher-Burman parameters of one complication of one organ; `quantity` names the dose they hold for."""

    name: str
    organ: str
    endpoint: str
    TD50_Gy: float
    m: float
    n: float
    quantity: str
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class Complication:
    """A complication probability, or None and the sentence that says why there is none."""

    probability: float | None
    parameters: ComplicationParameters | None
    note: str


def complication_parameter_sets() -> dict[str, ComplicationParameters]:
    """Every named set, from the table ``radiobiology_ntcp``.

    >>> sorted({s.organ for s in complication_parameter_sets().values()})
    ['kidney', 'liver', 'lung', 'parotid', 'spinal cord']
    """
    t = table("radiobiology_ntcp")
    columns = ("name", "organ", "endpoint", "TD50_Gy", "m", "n", "quantity", "source", "note")
    return {str(r[0]): ComplicationParameters(str(r[0]), str(r[1]), str(r[2]), float(r[3]), float(r[4]), float(r[5]), *map(str, r[6:])) for r in zip(*(t[c] for c in columns))}


def ntcp(organ: str, eqd2_Gy: ArrayLike, volumes: ArrayLike | None = None, name: str | None = None) -> Complication:
    """Complication probability of `organ` with its own published parameters; another organ's are never borrowed.

    Parameters
    ----------
    organ : str
        A region's name; sides, plurals and separators do not matter.
    eqd2_Gy : float or array
        As `ntcp_lkb`.
    volumes : array, optional
    name : str, optional
        A set of that organ from `complication_parameter_sets`; default its first.

    Raises
    ------
    BadInput
        The set does not exist or is another organ's, or as `ntcp_lkb`.

    >>> round(ntcp("Kidney_Left", 23.0).probability, 2)  # TD5/5 of Emami 1991
    0.04
    >>> ntcp("lacrimal gland", 20.0).note
    "no published parameters for 'lacrimal gland'"
    """
    sets, tissue = complication_parameter_sets(), plain_organ(organ)
    if name is not None and name not in sets:
        raise BadInput(f"Complication parameters: there is no set {name!r}; choose from {', '.join(sets)}.{near_matches(name, sets)}")
    if name is not None and sets[name].organ != tissue:
        raise BadInput(f"Complication parameters: the set {name!r} was published for {sets[name].organ}, not for {organ!r}; choose a set of that organ.")
    p = sets[name] if name is not None else next((s for s in sets.values() if s.organ == tissue), None)
    if p is None:
        return Complication(None, None, f"no published parameters for {organ!r}")
    return Complication(ntcp_lkb(eqd2_Gy, p.TD50_Gy, p.m, p.n, volumes), p, f"{p.endpoint}; parameters of external beam, for {p.quantity}; {p.note}")
