"""Clusters of cells with and without the target: dose to every nucleus, from itself and from the others, and who survives.

`simulate_cluster` draws which cells carry the target and how much each takes up, and sums over all pairs of cells by FFT: every
nucleus has its dose, its hits, its survival. `expected_survival` averages over all such draws, for a cluster of any size.

Survival of one nucleus: ``exp(-alpha D - G beta D^2)`` for the electrons' dose D, times the compound Poisson survival under
alphas (`cluster_kernels`). A single alpha track is not repaired and does not add to sublethal damage by electrons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..core import BadInput, stream
from .cluster_kernels import ClusterKernels
from .lattice import Lattice, smoothed, sum_over_cells


@dataclass(frozen=True, slots=True)
class Survival:
    """How a nucleus answers: electrons by the linear-quadratic model with protraction factor `G`, alphas track by track.

    `alpha_track_per_Gy` is the slope for the specific energy of a single track (see `cluster_kernels.track_slope_per_Gy`).
    """

    alpha_electron_per_Gy: float
    beta_electron_per_Gy2: float = 0.0
    G: float = 1.0
    alpha_track_per_Gy: float = 0.0

    def __post_init__(self) -> None:
        values = (self.alpha_electron_per_Gy, self.beta_electron_per_Gy2, self.G, self.alpha_track_per_Gy)
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
    alive = living_cells(lattice, uptake)
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
    sums = sum_over_cells(lattice, decays, {e: effect_of(kernels, e) for e in wanted}, {e: kernels.reach_um(e) for e in wanted})
    zero = np.zeros(len(alive))
    self_Gy = {r: decays * kernels.self_[f"{r}_Gy"] for r in ("electron", "alpha")}
    cross_Gy = {r: sums.get(f"{r}_Gy", zero) for r in ("electron", "alpha")}
    electrons = self_Gy["electron"] + cross_Gy["electron"]
    exponent = survival.alpha_electron_per_Gy * electrons + survival.G * survival.beta_electron_per_Gy2 * electrons**2
    exponent = exponent + decays * kernels.self_["lethal"] + sums.get("lethal", zero)
    hits = decays * kernels.self_["hits"] + sums.get("hits", zero)
    not_hit = np.exp(-decays * kernels.self_["struck"] - sums.get("struck", zero))
    return Cluster(lattice, alive, positive, decays, self_Gy, cross_Gy, hits, not_hit, np.exp(-exponent))


def effect_of(kernels: ClusterKernels, effect: str):  # type: ignore[no-untyped-def]
    """The effect of a decay as a function of distance."""
    return lambda d: kernels.cross(effect, d)


def living_cells(lattice: Lattice, uptake: Uptake) -> np.ndarray:
    """Which cells lie outside the necrotic core.

    Raises
    ------
    BadInput
        None does.
    """
    alive = lattice.distance_um >= uptake.necrotic_core_um / 2 if uptake.necrotic_core_um > 0 else np.ones(len(lattice.distance_um), bool)
    if not alive.any():
        raise BadInput(f"The necrotic core of {uptake.necrotic_core_um:g} um leaves no living cell; make it smaller than the cluster.")
    return alive
