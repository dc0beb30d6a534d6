"""Clusters of cells with and without the target: dose to every nucleus, from itself and from the others, and who survives.

Two ways to the same survival. `simulate_cluster` draws which cells carry the target and how much each takes up, and sums over
all pairs of cells by FFT: every nucleus has its dose, its hits, its survival. `expected_survival` averages over all such draws
in closed form, for a cluster of any size: cells take up activity independently, so that the expected survival is a product over
cells, and its logarithm a sum. Where both can be done they agree (tested).

Survival of one nucleus: ``exp(-alpha D - G beta D^2)`` for the electrons' dose D, times the compound Poisson survival under
alphas (`cluster_kernels`). A single alpha track is not repaired and does not add to sublethal damage by electrons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.special import roots_hermitenorm

from ..core import BadInput, stream
from .cluster_kernels import ClusterKernels
from .lattice import Lattice, ball_of_cells, smoothed, sum_over_cells, volume_per_cell_um3

_HERMITE_X, _HERMITE_W = roots_hermitenorm(48)
_HERMITE_X, _HERMITE_W = _HERMITE_X[_HERMITE_W > 1e-10], _HERMITE_W[_HERMITE_W > 1e-10]
_HERMITE_W = _HERMITE_W / _HERMITE_W.sum()
#: Of an expected survival: up to this many cells each is summed on the lattice; above, by radius.
_ON_LATTICE = 3_000
#: Tangents to the quadratic term that are tried.
_SLOPES = 64


@dataclass(frozen=True, slots=True)
class Survival:
    """How a nucleus answers: electrons by the linear-quadratic model with protraction factor `G`, alphas track by track."""

    alpha_electron_per_Gy: float
    beta_electron_per_Gy2: float = 0.0
    G: float = 1.0
    alpha_alpha_per_Gy: float = 0.0

    def __post_init__(self) -> None:
        values = (self.alpha_electron_per_Gy, self.beta_electron_per_Gy2, self.G, self.alpha_alpha_per_Gy)
        if not all(np.isfinite(v) and v >= 0 for v in values) or self.G > 1 + 1e-9:
            raise BadInput(f"survival: got {values}; give coefficients of zero or more, and a protraction factor G from 0 to 1.")


@dataclass(frozen=True, slots=True)
class Uptake:
    """What the cells of a cluster take up.

    Attributes
    ----------
    decays_per_positive_cell : float
        Mean over the cells that carry the target.
    positive_fraction : float
    log_sd : float
        Standard deviation of the logarithm of a positive cell's uptake (log-normal); 0: all alike.
    necrotic_core_um : float
        Diameter of a dead middle: no uptake, and nothing there to survive.
    patch_um : float
        Size of the patches in which positive cells stand together; 0: they are strewn at random. Only drawn clusters have them.
    """

    decays_per_positive_cell: float
    positive_fraction: float = 1.0
    log_sd: float = 0.0
    necrotic_core_um: float = 0.0
    patch_um: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.positive_fraction <= 1:
            raise BadInput(f"positive_fraction: got {self.positive_fraction}; give the part of the cells that carry the target, from 0 to 1.")
        if not (np.isfinite(self.decays_per_positive_cell) and self.decays_per_positive_cell >= 0):
            raise BadInput(f"decays per cell: got {self.decays_per_positive_cell}; give zero or more.")
        if not 0 <= self.log_sd <= 3:
            raise BadInput(f"log_sd: got {self.log_sd}; give a standard deviation of the logarithm of the uptake from 0 to 3.")
        if not (np.isfinite(self.necrotic_core_um) and self.necrotic_core_um >= 0):
            raise BadInput(f"necrotic core: got {self.necrotic_core_um} um; give a diameter of zero or more.")
        if not (np.isfinite(self.patch_um) and self.patch_um >= 0):
            raise BadInput(f"patch: got {self.patch_um} um; give a size of zero or more.")


@dataclass(frozen=True, slots=True, eq=False)
class Cluster:
    """One drawn cluster, cell by cell; arrays of shape (n,).

    Attributes
    ----------
    lattice : Lattice
    alive : ndarray of bool
        Outside the necrotic core; only these count as survivors.
    positive : ndarray of bool
    decays : ndarray
        Mean number of decays in each cell.
    self_Gy, cross_Gy : mapping of str to ndarray
        Dose to each nucleus by ``electron`` and ``alpha``, from its own cell and from all others.
    hits : ndarray
        Mean number of alphas through each nucleus.
    not_hit : ndarray
        Probability that none goes through it; the alphas of one chain come together, so that this is more than ``exp(-hits)``.
    survival : ndarray
        Probability that each survives.
    """

    lattice: Lattice
    alive: np.ndarray
    positive: np.ndarray
    decays: np.ndarray
    self_Gy: Mapping[str, np.ndarray]
    cross_Gy: Mapping[str, np.ndarray]
    hits: np.ndarray
    not_hit: np.ndarray
    survival: np.ndarray

    @property
    def dose_Gy(self) -> np.ndarray:
        """Absorbed dose of each nucleus, all radiations."""
        return np.sum([*self.self_Gy.values(), *self.cross_Gy.values()], axis=0)

    @property
    def expected_survivors(self) -> float:
        """Sum of the survival of the living."""
        return float(self.survival[self.alive].sum())

    @property
    def tcp(self) -> float:
        """Probability that none of the living survives."""
        return float(np.exp(np.sum(np.log1p(-np.minimum(self.survival[self.alive], 1 - 1e-16)))))


def simulate_cluster(lattice: Lattice, kernels: ClusterKernels, uptake: Uptake, survival: Survival, *, seed: int = 1) -> Cluster:
    """Draw who is positive and how much each takes up; sum doses and hits over all pairs of cells.

    Raises
    ------
    BadInput
        A necrotic core that leaves no cell alive.
    """
    random = stream(seed, "cluster uptake")
    alive = _alive(lattice, uptake)
    # The number of positive cells is the stated part of the living, not a draw: it is what was measured.
    living = np.flatnonzero(alive)
    rank = random.standard_normal(len(alive))
    if uptake.patch_um > 0:
        rank = smoothed(lattice, rank, uptake.patch_um / 2)
    chosen = living[np.argsort(rank[living], kind="stable")[: round(uptake.positive_fraction * len(living))]]
    positive = np.zeros(len(alive), bool)
    positive[chosen] = True
    decays = np.zeros(len(alive))
    decays[chosen] = uptake.decays_per_positive_cell * np.exp(uptake.log_sd * random.standard_normal(len(chosen)) - uptake.log_sd**2 / 2)
    wanted = ["electron_Gy"] + (["alpha_Gy", "hits", "struck", "lethal"] if kernels.alpha_reach_um > 0 else [])
    sums = sum_over_cells(lattice, decays, {e: _cross(kernels, e) for e in wanted}, {e: kernels.reach_um(e) for e in wanted})
    zero = np.zeros(len(alive))
    self_Gy = {r: decays * kernels.self_[f"{r}_Gy"] for r in ("electron", "alpha")}
    cross_Gy = {r: sums.get(f"{r}_Gy", zero) for r in ("electron", "alpha")}
    electrons = self_Gy["electron"] + cross_Gy["electron"]
    exponent = survival.alpha_electron_per_Gy * electrons + survival.G * survival.beta_electron_per_Gy2 * electrons**2
    exponent = exponent + decays * kernels.self_["lethal"] + sums.get("lethal", zero)
    hits = decays * kernels.self_["hits"] + sums.get("hits", zero)
    not_hit = np.exp(-decays * kernels.self_["struck"] - sums.get("struck", zero))
    return Cluster(lattice, alive, positive, decays, self_Gy, cross_Gy, hits, not_hit, np.exp(-exponent))


def _cross(kernels: ClusterKernels, effect: str):  # type: ignore[no-untyped-def]
    return lambda d: kernels.cross(effect, d)


def _strewn(uptake: Uptake) -> None:
    if uptake.patch_um > 0:
        raise BadInput("An expected survival needs positive cells that are strewn at random; draw a cluster for patches.")


def _alive(lattice: Lattice, uptake: Uptake) -> np.ndarray:
    alive = lattice.distance_um >= uptake.necrotic_core_um / 2 if uptake.necrotic_core_um > 0 else np.ones(len(lattice.distance_um), bool)
    if not alive.any():
        raise BadInput(f"The necrotic core of {uptake.necrotic_core_um:g} um leaves no living cell; make it smaller than the cluster.")
    return alive


@dataclass(frozen=True, slots=True)
class Expected:
    """Averages over all draws of a cluster.

    `cells` are the living ones; `survival_positive` and `survival_negative` the mean survival of each kind (nan where there is
    none), `survivors` the expected number, `tcp` the probability that none is left, ``exp(-survivors)`` in a large cluster.
    """

    cells: float
    survival_positive: float
    survival_negative: float
    survivors: float
    tcp: float
    mean_dose_Gy: Mapping[str, float]


def expected_survival(lattice: Lattice, kernels: ClusterKernels, uptake: Uptake, survival: Survival) -> Expected:
    """Expected survival in a cluster held cell by cell: every cell is positive with the stated probability.

    With f the positive part, n the decays of a positive cell, L the Laplace transform of the log-normal uptake (mean 1) and k(d)
    the exponent that one decay at distance d adds,

        E[survival of i] = (own term) * product over j of [1 - f + f L(n k(d_ij))].

    For beta above 0 the quadratic term in the cross-dose is replaced by a tangent, and of all tangents the one is taken that
    gives the least survival: since a parabola lies above its tangents, the true value is below this, and close to it (the
    best tangent touches where the cells that survive have their dose). With beta = 0 nothing is approximate.
    """
    _strewn(uptake)
    alive = _alive(lattice, uptake)
    n, f = uptake.decays_per_positive_cell, uptake.positive_fraction

    def summed(kernel, reach):  # type: ignore[no-untyped-def]
        return sum_over_cells(lattice, alive.astype(float), {"k": kernel}, {"k": reach})["k"][alive]

    cross = n * f * summed(_cross(kernels, "electron_Gy"), kernels.reach_um("electron_Gy"))
    alpha = n * f * summed(_cross(kernels, "alpha_Gy"), kernels.alpha_reach_um) if kernels.alpha_reach_um > 0 else np.zeros_like(cross)
    reach = max(kernels.reach_um("electron_Gy"), kernels.alpha_reach_um)
    weights = np.full(len(cross), 1 / len(cross))
    return _average(kernels, uptake, survival, cross, alpha, weights, len(cross), lambda slope: summed(_log_spared(kernels, uptake, slope), reach))


def expected_survival_ball(diameter_um: float, pitch_um: float, packing: str, kernels: ClusterKernels, uptake: Uptake, survival: Survival) -> Expected:
    """Expected survival in a ball of any size: near cells one shell of neighbours after another, far ones as a continuum.

    Parameters
    ----------
    diameter_um : float
        Of the space that the cells take up.
    pitch_um, packing
        Of the lattice, see `lattice.ball_of_cells`.

    Notes
    -----
    At a distance rho from the middle, the part of the neighbours at distance d that lie inside a ball of radius R is
    ``clip((1 + (R^2 - rho^2 - d^2) / (2 rho d)) / 2, 0, 1)``: the surface is averaged over its orientation to the lattice.
    Small clusters (up to 3000 cells) are held cell by cell instead.
    """
    _strewn(uptake)
    volume = volume_per_cell_um3(packing, pitch_um)
    outer, core = diameter_um / 2, uptake.necrotic_core_um / 2
    cells = 4 / 3 * np.pi * outer**3 / volume
    if cells <= _ON_LATTICE:
        return expected_survival(ball_of_cells(pitch_um, diameter_um=diameter_um, packing=packing), kernels, uptake, survival)
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


def _average(kernels, uptake, survival, cross_Gy, alpha_Gy, weights, cells, exponent) -> Expected:  # type: ignore[no-untyped-def]
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
        slopes = a + 2 * gb * float(cross_Gy.max() + own.max()) * np.linspace(0.0, 1.0, _SLOPES) ** 2
        curves = np.stack([exponent(s) for s in slopes])

        def other(dose_own):  # type: ignore[no-untyped-def]
            touch = (slopes - a) / (2 * gb) - dose_own  # where the tangent touches the parabola, Gy of cross-dose
            return np.max(curves - gb * touch[:, None] ** 2, axis=0, where=(touch >= 0)[:, None], initial=0.0)

    negative = float(weights @ np.exp(-other(0.0)))
    positive = 0.0
    for share, factor, dose in zip(shares, factors, own):
        positive += share * float(weights @ np.exp(-(a * dose + gb * dose**2 + n * factor * kernels.self_["lethal"] + other(dose))))
    survivors = cells * (f * positive + (1 - f) * negative)
    # A small cluster is not a Poisson crowd: each of its cells is left with the mean probability.
    mean = min(survivors / cells, 1 - 1e-16)
    tcp = float(np.exp(cells * np.log1p(-mean)))
    doses = {
        "electron": float(weights @ cross_Gy) + f * n * kernels.self_["electron_Gy"],
        "alpha": float(weights @ alpha_Gy) + f * n * kernels.self_["alpha_Gy"],
    }
    return Expected(float(cells), positive if f > 0 else float("nan"), negative if f < 1 else float("nan"), survivors, tcp, doses)


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
