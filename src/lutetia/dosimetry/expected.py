"""Survival averaged over all draws of a cluster, for clusters of any size.

Cells take up activity independently, so that the chance that a cell is spared by all others is a product over cells, and its
logarithm a sum: a convolution on the lattice, or, in large clusters, an integral over radius. The same average is reached by
drawing clusters (`clusters.simulate_cluster`); the tests compare the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import roots_hermitenorm

from ..core import BadInput, stream
from .cluster_kernels import ClusterKernels
from .clusters import Survival, Uptake, effect_of, living_cells
from .lattice import Lattice, ball_of_cells, sum_over_cells, volume_per_cell_um3

_HERMITE_X, _HERMITE_W = roots_hermitenorm(48)
_HERMITE_X, _HERMITE_W = _HERMITE_X[_HERMITE_W > 1e-10], _HERMITE_W[_HERMITE_W > 1e-10]
_HERMITE_W = _HERMITE_W / _HERMITE_W.sum()
#: Up to this many cells each is summed on the lattice; above, by radius.
_ON_LATTICE = 3_000
#: Up to this many cells control is averaged over draws; above, survivors are many or independent enough.
_DRAWN, _DRAWS = 1_000, 256
#: Slopes at which the product over cells is computed, and tangents that are tried between them.
_SLOPES, _TANGENTS = 48, 33


@dataclass(frozen=True, slots=True)
class Expected:
    """Averages over all draws of a cluster.

    `cells` are the living ones; `survival_positive` and `survival_negative` the mean survival of each kind (nan where there is
    none), `survivors` the expected number, `tcp` the probability that none is left, averaged over draws as well.
    """

    cells: float
    survival_positive: float
    survival_negative: float
    survivors: float
    tcp: float
    mean_dose_Gy: Mapping[str, float]


def expected_survival(lattice: Lattice, kernels: ClusterKernels, uptake: Uptake, survival: Survival, *, control: bool = True) -> Expected:
    """Expected survival in a cluster held cell by cell: every cell is positive with the stated probability.

    With f the positive part, n the decays of a positive cell, L the Laplace transform of the log-normal uptake (mean 1) and k(d)
    the exponent that one decay at distance d adds,

        E[survival of i] = (own term) * product over j of [1 - f + f L(n k(d_ij))].

    For beta above 0 the quadratic term in the cross-dose is replaced by a tangent, and of all tangents the one is taken that
    gives the least survival: a parabola lies above its tangents, so that the true value is below this. With beta = 0 nothing is
    approximate. The probability of control is averaged over draws in clusters of up to a thousand cells; in larger ones
    survivors are taken as independent.
    """
    _strewn(uptake)
    alive = living_cells(lattice, uptake)
    n, f = uptake.decays_per_positive_cell, uptake.positive_fraction

    def summed(kernel, reach):  # type: ignore[no-untyped-def]
        return sum_over_cells(lattice, alive.astype(float), {"k": kernel}, {"k": reach})["k"][alive]

    cross = n * f * summed(effect_of(kernels, "electron_Gy"), kernels.reach_um("electron_Gy"))
    alpha = n * f * summed(effect_of(kernels, "alpha_Gy"), kernels.alpha_reach_um) if kernels.alpha_reach_um > 0 else np.zeros_like(cross)
    reach = max(kernels.reach_um("electron_Gy"), kernels.alpha_reach_um)
    weights = np.full(len(cross), 1 / len(cross))
    drawn = None
    # One cell has no luck to share: its control is one minus its survival.
    if control and 1 < len(alive) <= _DRAWN and (uptake.positive_fraction < 1 or uptake.log_sd > 0):
        drawn = _control_over_draws(lattice, alive, kernels, uptake, survival)
    return _average(kernels, uptake, survival, cross, alpha, weights, len(cross), lambda slope: summed(_log_spared(kernels, uptake, slope), reach), drawn)


def _control_over_draws(lattice: Lattice, alive: np.ndarray, kernels: ClusterKernels, uptake: Uptake, survival: Survival) -> float:
    """Mean over draws of the product of (1 - survival): cells of one draw share its luck, so that the mean of a product is needed."""
    random = stream(1, "cluster control")
    draws = int(np.clip(_DRAWN * _DRAWS / len(alive), _DRAWS, 8192))  # small clusters scatter more and cost less
    x = lattice.site * lattice.step_um
    d = np.sqrt(np.maximum(np.sum(x**2, axis=1)[:, None] + np.sum(x**2, axis=1)[None] - 2.0 * x @ x.T, 0.0))
    positive = (random.random((len(alive), draws)) < uptake.positive_fraction) & alive[:, None]
    decays = positive * uptake.decays_per_positive_cell * np.exp(uptake.log_sd * random.standard_normal(positive.shape) - uptake.log_sd**2 / 2)

    def reached(effect: str) -> np.ndarray:
        pairs = kernels.cross(effect, d) * (d <= kernels.reach_um(effect))
        np.fill_diagonal(pairs, kernels.self_[effect])
        return pairs[alive] @ decays

    dose = reached("electron_Gy")
    exponent = survival.alpha_electron_per_Gy * dose + survival.G * survival.beta_electron_per_Gy2 * dose**2
    if kernels.alpha_reach_um > 0:
        exponent += reached("lethal")
    return float(np.mean(np.exp(np.sum(np.log1p(-np.minimum(np.exp(-exponent), 1 - 1e-16)), axis=0))))


def expected_survival_ball(
    diameter_um: float, pitch_um: float, packing: str, kernels: ClusterKernels, uptake: Uptake, survival: Survival, *, control: bool = True
) -> Expected:
    """Expected survival in a ball of any size: near cells one shell of neighbours after another, far ones as a continuum.

    Parameters
    ----------
    diameter_um : float
        Of the space that the cells take up.
    pitch_um, packing
        Of the lattice, see `lattice.ball_of_cells`.
    control : bool
        Average the probability of control over draws, in clusters of up to a thousand cells; without it survivors are taken as
        independent.

    Notes
    -----
    At a distance rho from the middle, the part of the neighbours at distance d that lie inside a ball of radius R is
    ``clip((1 + (R^2 - rho^2 - d^2) / (2 rho d)) / 2, 0, 1)``: the surface is averaged over its orientation to the lattice.
    Small clusters (up to 3000 cells) are held cell by cell instead.
    """
    _strewn(uptake)
    if not diameter_um >= 0.99 * pitch_um:
        raise BadInput(f"diameter: {diameter_um:g} um is less than one cell, {pitch_um:g} um; give at least that.")
    volume = volume_per_cell_um3(packing, pitch_um)
    outer, core = diameter_um / 2, uptake.necrotic_core_um / 2
    cells = 4 / 3 * np.pi * outer**3 / volume
    if cells <= _ON_LATTICE:
        return expected_survival(ball_of_cells(pitch_um, diameter_um=diameter_um, packing=packing), kernels, uptake, survival, control=control)
    if core >= outer:
        raise BadInput(f"The necrotic core of {uptake.necrotic_core_um:g} um leaves no living cell; make it smaller than the cluster.")
    x, w = np.polynomial.legendre.leggauss(24)
    # Radii crowd towards the surface, where cells lose neighbours over the range of a particle.
    edges = np.unique(np.maximum(outer - np.concatenate([[0.0, 30, 100, 300, 1000, 3000], np.linspace(0, outer, 3)]), core))
    low, high = edges[:-1, None], edges[1:, None]
    rho = (0.5 * (low + high) + 0.5 * (high - low) * x).ravel()
    weights = (0.5 * (high - low) * w).ravel() * rho**2
    d, count = _neighbours(pitch_um, packing, 2 * outer, max(kernels.reach_um("electron_Gy"), kernels.alpha_reach_um))
    inside = _part_inside(rho[:, None], d[None, :], outer)
    if core > 0:
        inside = inside - _part_inside(rho[:, None], d[None, :], core)
    neighbours = inside * count

    n, f = uptake.decays_per_positive_cell, uptake.positive_fraction
    cross = n * f * (neighbours @ kernels.cross("electron_Gy", d))
    alpha = n * f * (neighbours @ np.where(d <= kernels.alpha_reach_um, kernels.cross("alpha_Gy", d), 0.0))
    living = 4 / 3 * np.pi * (outer**3 - core**3) / volume
    return _average(kernels, uptake, survival, cross, alpha, weights / weights.sum(), living, lambda slope: neighbours @ _log_spared(kernels, uptake, slope)(d))


def _average(kernels, uptake, survival, cross_Gy, alpha_Gy, weights, cells, exponent, control=None) -> Expected:  # type: ignore[no-untyped-def]
    """Own and cross terms together, averaged over places; `exponent(slope)` is -ln of the product over the other cells."""
    a, gb = survival.alpha_electron_per_Gy, survival.G * survival.beta_electron_per_Gy2
    n, f = uptake.decays_per_positive_cell, uptake.positive_fraction
    factors, shares = _draws(uptake)
    own = n * factors * kernels.self_["electron_Gy"]  # Gy of a positive cell to itself
    if gb == 0:
        flat = exponent(a)

        def other(dose_own):  # type: ignore[no-untyped-def]
            return flat
    else:
        # -ln of the product is concave in the slope: between computed slopes a chord lies below it, and survival stays above the truth.
        widest = max(float(cross_Gy.max()), 1e-9)
        grid = np.concatenate([[0.0], np.geomspace(2e-3 * widest, 1.5 * widest + float(own.max()), _SLOPES)])  # Gy
        curves = np.stack([exponent(a + 2 * gb * x) for x in grid])
        touch = 1.5 * widest * np.linspace(0.0, 1.0, _TANGENTS) ** 2  # where a tangent touches the parabola, Gy of cross-dose

        def other(dose_own):  # type: ignore[no-untyped-def]
            x = dose_own + touch
            k = np.clip(np.searchsorted(grid, x) - 1, 0, len(grid) - 2)
            t = ((x - grid[k]) / (grid[k + 1] - grid[k]))[:, None]
            return np.max((1 - t) * curves[k] + t * curves[k + 1] - gb * touch[:, None] ** 2, axis=0)

    spared_negative = np.exp(-other(0.0))
    spared_positive = np.zeros_like(spared_negative)
    for share, factor, dose in zip(shares, factors, own):
        spared_positive += share * np.exp(-(a * dose + gb * dose**2 + n * factor * kernels.self_["lethal"] + other(dose)))
    negative, positive = float(weights @ spared_negative), float(weights @ spared_positive)
    survivors = cells * (f * positive + (1 - f) * negative)
    if control is None:
        mean = np.minimum(f * spared_positive + (1 - f) * spared_negative, 1 - 1e-16)
        control = float(np.exp(cells * (weights @ np.log1p(-mean))))
    tcp = control
    doses = {
        "electron": float(weights @ cross_Gy) + f * n * kernels.self_["electron_Gy"],
        "alpha": float(weights @ alpha_Gy) + f * n * kernels.self_["alpha_Gy"],
    }
    return Expected(float(cells), positive if f > 0 else float("nan"), negative if f < 1 else float("nan"), survivors, tcp, doses)


def _strewn(uptake: Uptake) -> None:
    if uptake.patch_um > 0:
        raise BadInput("An expected survival needs positive cells that are strewn at random; draw a cluster for patches.")


def _draws(uptake: Uptake) -> tuple[np.ndarray, np.ndarray]:
    """Values that stand for the log-normal uptake (mean 1) and their weights (Gauss-Hermite)."""
    if uptake.log_sd == 0:
        return np.ones(1), np.ones(1)
    return np.exp(uptake.log_sd * _HERMITE_X - uptake.log_sd**2 / 2), _HERMITE_W


def _log_spared(kernels: ClusterKernels, uptake: Uptake, slope_per_Gy: float):  # type: ignore[no-untyped-def]
    """-ln of the chance that a neighbour at distance d spares a cell, over its being positive and its uptake."""
    n, f = uptake.decays_per_positive_cell, uptake.positive_fraction

    def of(d: np.ndarray) -> np.ndarray:
        k = slope_per_Gy * kernels.cross("electron_Gy", d)
        if kernels.alpha_reach_um > 0:
            k = k + np.where(d <= kernels.alpha_reach_um, kernels.cross("lethal", d), 0.0)
        if uptake.log_sd == 0 and f == 1:
            return n * k
        factors, shares = _draws(uptake)
        missing = f * (-np.expm1(-n * np.multiply.outer(k, factors)) @ shares)
        spared = 1 - f + f * (np.exp(-n * np.multiply.outer(k, factors)) @ shares)  # the better form where little is spared
        return np.where(missing < 0.5, -np.log1p(-np.minimum(missing, 0.5)), -np.log(np.maximum(spared, 1e-300)))

    return of


def _neighbours(pitch_um: float, packing: str, widest_um: float, reach_um: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances and how many cells stand at each: lattice shells near by, a continuum beyond."""
    step = pitch_um / np.sqrt(2.0) if packing == "fcc" else pitch_um
    near = 24
    axis = np.arange(-near, near + 1)
    square = axis[:, None, None] ** 2 + axis[None, :, None] ** 2 + axis[None, None, :] ** 2
    square = square[(square > 0) & (square <= near**2) & ((square % 2 == 0) | (packing != "fcc"))]
    values, count = np.unique(square, return_counts=True)
    # The continuum starts where the shells so far fill a ball.
    start = (3 * (count.sum() + 1) * volume_per_cell_um3(packing, pitch_um) / (4 * np.pi)) ** (1 / 3)
    d = np.sqrt(values) * step
    last = min(widest_um, reach_um)
    if last <= start:
        keep = d <= last
        return d[keep], count[keep].astype(float)
    edges = np.geomspace(start, last, 600)
    far = 0.5 * (edges[1:] + edges[:-1])
    return np.concatenate([d, far]), np.concatenate([count, np.diff(edges**3) * 4 / 3 * np.pi / volume_per_cell_um3(packing, pitch_um)])


def _part_inside(rho: np.ndarray, d: np.ndarray, radius: float) -> np.ndarray:
    """Part of a sphere of radius d about a point at rho from the middle that lies inside a ball."""
    return np.clip(0.5 * (1 + (radius**2 - rho**2 - d**2) / np.maximum(2 * rho * d, 1e-12)), 0.0, 1.0)
