"""Cells on a lattice: where they stand, and sums over all pairs of them by FFT.

Equal cells in a close packing (fcc, each touching twelve) or on a cubic lattice. What a cell gets from another depends on the
vector between them alone, so that the sum over sources is a discrete convolution, exact at every site, at N log N.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import fft

from ..core import BadInput

PACKINGS = ("fcc", "cubic")
#: Sites of the grid around a cluster of 3 million cells in a close packing: beyond, memory and not physics decides.
_MOST_SITES = 12_500_000
#: What single-precision transforms leave where nothing is, relative to the largest sum.
_NOISE = 2e-6


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """A ball of cells.

    Attributes
    ----------
    site : ndarray of int, shape (n, 3)
        Index of each cell on a cubic grid of `step_um`; of an fcc lattice only sites with an even sum are filled.
    shape : tuple of int
        Of that grid.
    step_um, pitch_um : float
        Spacing of the grid; distance of the centres of nearest neighbours.
    distance_um : ndarray, shape (n,)
        Of each cell's centre from the middle of the cluster.
    packing : str
    """

    site: np.ndarray
    shape: tuple[int, int, int]
    step_um: float
    pitch_um: float
    distance_um: np.ndarray
    packing: str

    @property
    def volume_per_cell_um3(self) -> float:
        """Space that a cell takes up, gaps included."""
        return volume_per_cell_um3(self.packing, self.pitch_um)


def volume_per_cell_um3(packing: str, pitch_um: float) -> float:
    """``pitch^3 / sqrt(2)`` in a close packing, ``pitch^3`` on a cubic lattice.

    >>> round(4 / 3 * math.pi * 5.0**3 / volume_per_cell_um3("fcc", 10.0), 4)  # touching balls fill 74 %
    0.7405
    """
    return pitch_um**3 / (math.sqrt(2.0) if packing == "fcc" else 1.0)


def ball_of_cells(pitch_um: float, *, diameter_um: float | None = None, cells: int | None = None, packing: str = "fcc") -> Lattice:
    """The cells whose centres lie in a ball, or the `cells` nearest to its middle.

    The ball's diameter is that of the space which the cells take up: N cells of volume v fill ``pi d^3 / 6 = N v``.

    Parameters
    ----------
    pitch_um : float
        Distance of nearest neighbours.
    diameter_um, cells
        Exactly one.
    packing : str
        ``"fcc"`` or ``"cubic"``.

    Raises
    ------
    BadInput
        Neither or both, an unknown packing, no cell at all, or more cells than fit in memory.

    >>> lattice = ball_of_cells(10.0, cells=13)  # one and its twelve neighbours
    >>> sorted(set(lattice.distance_um.round(6).tolist()))
    [0.0, 10.0]
    """
    if packing not in PACKINGS:
        raise BadInput(f"packing: got {packing!r}; choose one of {', '.join(PACKINGS)}.")
    if (diameter_um is None) == (cells is None):
        raise BadInput("A cluster needs either a diameter or a number of cells; give exactly one.")
    if diameter_um is not None and not diameter_um >= 0.99 * pitch_um:
        raise BadInput(f"diameter: {diameter_um:g} um is less than one cell, {pitch_um:g} um; give at least that.")
    volume = volume_per_cell_um3(packing, pitch_um)
    wanted = int(cells) if cells is not None else max(1, round(math.pi / 6 * float(diameter_um or 0.0) ** 3 / volume))
    if wanted < 1:
        raise BadInput(f"cells: got {cells!r}; give one or more.")
    step = pitch_um / math.sqrt(2.0) if packing == "fcc" else pitch_um
    reach = math.ceil((wanted * volume * 3 / (4 * math.pi)) ** (1 / 3) / step) + 2
    if (2 * reach + 1) ** 3 > _MOST_SITES:
        raise BadInput(f"A cluster of {wanted:.3g} cells is too large to hold cell by cell; give at most 3 million, or a sweep, which has no such limit.")
    axis = np.arange(-reach, reach + 1, dtype=np.int32)
    i, j, k = np.meshgrid(axis, axis, axis, indexing="ij", sparse=True)
    square = i * i + j * j + k * k
    if packing == "fcc":
        square = np.where((i + j + k) % 2 == 0, square, np.iinfo(np.int32).max)
    # Sites at equal distance are taken in a fixed order, so that the same number gives the same cluster.
    nearest = np.argsort(square.ravel(), kind="stable")[:wanted]
    site = np.stack(np.unravel_index(nearest, square.shape), axis=1)
    distance = np.sqrt(square.ravel()[nearest].astype(float)) * step
    low = site.min(axis=0)
    site -= low
    shape = tuple(int(n) + 1 for n in site.max(axis=0))
    return Lattice(site, shape, step, pitch_um, distance, packing)  # type: ignore[arg-type]


def sum_over_cells(lattice: Lattice, sources: np.ndarray, kernels: Mapping[str, Callable[[np.ndarray], np.ndarray]], reach_um: Mapping[str, float]) -> dict[str, np.ndarray]:
    """For each cell i and kernel K, the sum over the other cells j of ``sources[j] K(d_ij)``.

    Parameters
    ----------
    lattice : Lattice
    sources : ndarray, shape (n,)
    kernels : mapping of str to callable
        Takes distances in um (all above zero), gives the kernel there.
    reach_um : mapping of str to float
        Beyond this distance the kernel is zero (infinity: it has no end).

    Returns
    -------
    dict
        Name to sums, shape (n,), float64; what is below 2e-6 of the largest is noise of the transform and set to zero.
    """
    grid = np.zeros(lattice.shape, np.float32)
    grid[tuple(lattice.site.T)] = sources
    out: dict[str, np.ndarray] = {}
    transforms: dict[tuple[int, ...], np.ndarray] = {}
    for name, kernel in kernels.items():
        extent = [min(n - 1, int(reach_um[name] / lattice.step_um) if math.isfinite(reach_um[name]) else n - 1) for n in lattice.shape]
        size = tuple(fft.next_fast_len(n + e, real=True) for n, e in zip(lattice.shape, extent))
        if size not in transforms:
            transforms.clear()  # one at a time: they are large
            transforms[size] = fft.rfftn(grid, size, workers=2)
        product = fft.rfftn(_placed(kernel, lattice, extent, size), workers=2, overwrite_x=True)
        product *= transforms[size]
        back = fft.irfftn(product, size, workers=2, overwrite_x=True)
        sums = back[tuple(lattice.site.T)].astype(float)
        out[name] = np.where(sums > _NOISE * sums.max(initial=0.0), sums, 0.0)
    return out


def smoothed(lattice: Lattice, values: np.ndarray, sd_um: float) -> np.ndarray:
    """Values on the sites, smoothed by a Gaussian (zero outside the cluster)."""
    from scipy.ndimage import gaussian_filter

    grid = np.zeros(lattice.shape)
    grid[tuple(lattice.site.T)] = values
    return gaussian_filter(grid, sd_um / lattice.step_um, mode="constant", truncate=3.0)[tuple(lattice.site.T)]


def _placed(kernel: Callable[[np.ndarray], np.ndarray], lattice: Lattice, extent: list[int], size: tuple[int, ...]) -> np.ndarray:
    """The kernel on all offsets within `extent`, wrapped around the origin; zero at the origin itself."""
    axes = np.meshgrid(*[np.arange(-e, e + 1, dtype=np.int32) for e in extent], indexing="ij", sparse=True)
    square = axes[0] ** 2 + axes[1] ** 2 + axes[2] ** 2
    # A kernel depends on the distance alone: it is computed once for each that occurs.
    by_square = np.zeros(int(square.max()) + 1, np.float32)
    occurring = np.unique(square)
    occurring = occurring[occurring > 0]
    if lattice.packing == "fcc":
        occurring = occurring[occurring % 2 == 0]  # i + j + k is even where i^2 + j^2 + k^2 is
    by_square[occurring] = kernel(np.sqrt(occurring.astype(float)) * lattice.step_um)
    placed = np.zeros(size, np.float32)
    placed[np.ix_(*[np.arange(-e, e + 1) % s for e, s in zip(extent, size)])] = by_square[square]
    return placed
