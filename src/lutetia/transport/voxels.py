"""Voxel kernels and voxel S-values (MIRD Pamphlet 17, Bolch 1999, JNM 40:11S).

A point at displacement d from a random point of the source voxel lies in the voxel at offset n with
probability ``prod(max(0, 1 - |d_x/h_x - n_x|))``: the overlap of two equal boxes. So a radial kernel becomes
a voxel kernel by spreading its energy over directions and giving each sample to the eight voxels around it
with trilinear weights. Nothing is lost: the sum over voxels is the energy within reach.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
from numba import njit

from ..core import BadInput
from .kernels import nuclide_kernels
from .radial import RadialKernel
from .spheres import GY_G_PER_MEV


def voxel_kernel_MeV(kernel: RadialKernel, spacing_mm: tuple[float, float, float], extent: int | tuple[int, int, int], density_g_mL: float = 1.0) -> np.ndarray:
    """Energy per decay in each voxel around a source voxel, MeV.

    Parameters
    ----------
    kernel : RadialKernel
    spacing_mm : tuple of float
        Voxel size along k, j, i.
    extent : int or tuple of int
        Voxels on each side; energy beyond is not in the result.
    density_g_mL : float
        Radii shrink with the density.

    Returns
    -------
    ndarray, shape (2*ek+1, 2*ej+1, 2*ei+1)
        Source voxel in the middle.
    """
    ext = np.array((extent,) * 3 if isinstance(extent, int) else extent)
    h = np.array(spacing_mm, float) * density_g_mL
    radii, energy = _shells(kernel, float(h.min()), float(np.linalg.norm((ext + 1) * h)))
    octant = np.zeros(tuple(ext + 1))
    _spread(octant, radii, energy, h)
    # The octant holds all directions folded together: off the central plane each half gets one half.
    for axis in range(3):
        half = octant.take(range(1, octant.shape[axis]), axis) / 2
        octant = np.concatenate([np.flip(half, axis), octant.take([0], axis), half], axis)
    octant[tuple(ext)] += kernel.energy_MeV[0]
    return octant


def _shells(kernel: RadialKernel, h_min: float, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Mid-radii and energies of thin shells: a fortieth of a voxel near the source, wider far out."""
    turn = min(8 * h_min, reach)
    edges = np.concatenate([np.arange(0.0, turn, h_min / 40), np.geomspace(turn, reach, 240), kernel.radius_mm])
    edges = np.unique(edges[edges <= min(reach, kernel.radius_mm[-1])])
    energy = np.diff(kernel.within(edges))
    keep = energy > 0
    return (0.5 * (edges[1:] + edges[:-1]))[keep], energy[keep]


@njit(cache=True)
def _spread(octant, radii, energy, h):  # type: ignore[no-untyped-def]
    """Give each shell's energy to the octant, over golden-angle directions, with trilinear weights."""
    nk, nj, ni = octant.shape
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    for m in range(radii.shape[0]):
        # About six samples for every voxel that the shell crosses; a shift per shell breaks up the lattice.
        n = int(max(1500.0, 6.0 * (radii[m] / h.min()) ** 2))
        w = energy[m] / n
        shift = (m * 0.7548776662466927) % 1.0
        for d in range(n):
            cos_k = 1.0 - (d + 0.5) / n
            sin_k = math.sqrt(1.0 - cos_k * cos_k)
            phi = (((d + 0.5) * golden + shift) % 1.0) * math.pi / 2
            x = radii[m] * cos_k / h[0]
            y = radii[m] * sin_k * math.cos(phi) / h[1]
            z = radii[m] * sin_k * math.sin(phi) / h[2]
            a, b, c = int(x), int(y), int(z)
            for p in range(2):
                if a + p < nk:
                    wa = x - a if p else 1.0 - (x - a)
                    for q in range(2):
                        if b + q < nj:
                            wb = y - b if q else 1.0 - (y - b)
                            for s in range(2):
                                if c + s < ni:
                                    octant[a + p, b + q, c + s] += w * wa * wb * (z - c if s else 1.0 - (z - c))


def voxel_s_mGy_per_MBq_s(name: str, size_mm: float, extent: int = 5, *, progeny: bool = False, density_g_mL: float = 1.0) -> np.ndarray:
    """Voxel S-values of cubic voxels, all radiations, from the source voxel outward.

    Parameters
    ----------
    name : str
        Nuclide.
    size_mm : float
        Edge of the voxel.
    extent : int
        Offsets 0 to `extent` along each axis.

    Returns
    -------
    ndarray, shape (extent+1,)*3
        mGy per MBq s; ``[0, 0, 0]`` is the source voxel.

    Raises
    ------
    BadInput
        A size or extent that is not possible.
    """
    if not (size_mm > 0 and math.isfinite(size_mm)):
        raise BadInput(f"voxel-s: a voxel of {size_mm} mm is not possible; give a size above zero.")
    if not 0 <= extent <= 60:
        raise BadInput(f"voxel-s: an extent of {extent} voxels is not possible; give 0 to 60.")
    kernels = nuclide_kernels(name, progeny=progeny).values()
    total = np.sum([voxel_kernel_MeV(k, (size_mm,) * 3, extent, density_g_mL) for k in kernels], axis=0)
    octant = total[extent:, extent:, extent:]
    octant = np.mean([octant.transpose(axes) for axes in itertools.permutations(range(3))], axis=0)  # a cube has no first axis
    mass_g = (size_mm / 10) ** 3 * density_g_mL
    return octant * GY_G_PER_MEV / mass_g * 1e9
