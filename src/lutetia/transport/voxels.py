"""Voxel kernels and voxel S-values (MIRD Pamphlet 17, Bolch 1999, JNM 40:11S).

A point at displacement d from a random point of the source voxel lies in the voxel at offset n with
probability ``prod(max(0, 1 - |d_x/h_x - n_x|))``: the overlap of two equal boxes. So a radial kernel becomes
a voxel kernel by spreading its energy over directions and giving each sample to the eight voxels around it
with trilinear weights. Nothing is lost: the sum over voxels is the energy within reach.
"""

from __future__ import annotations

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
    reach = float(np.linalg.norm((ext + 1) * h))
    r, weight = _shells(kernel, float(h.min()), reach)
    out = np.zeros((ext + 2))  # one octant: the kernel is even along each axis
    out[0, 0, 0] += kernel.energy_MeV[0]
    octant = np.zeros(tuple(ext + 2))
    _spread(octant, r, weight, _directions(), h)
    full = octant[: ext[0] + 1, : ext[1] + 1, : ext[2] + 1].copy()
    for axis in range(3):  # an octant sample stands for both signs; the plane at 0 holds both already
        shape = [1, 1, 1]
        shape[axis] = -1
        half = np.ones(full.shape[axis])
        half[1:] = 0.5
        full = full * half.reshape(shape)
        full = np.concatenate([np.flip(full.take(range(1, full.shape[axis]), axis), axis), full], axis)
    full[ext[0], ext[1], ext[2]] += kernel.energy_MeV[0]
    return full


def _shells(kernel: RadialKernel, h_min: float, reach: float) -> tuple[np.ndarray, np.ndarray]:
    """Mid-radii and energies of thin shells: a fortieth of a voxel near the source, wider far out."""
    step = h_min / 40
    near = np.arange(0.0, min(8 * h_min, reach), step)
    far = np.geomspace(8 * h_min, reach, max(8, int(np.log(max(reach / (8 * h_min), 1.0001)) * 80))) if reach > 8 * h_min else np.array([reach])
    # Half the kernel's own radii lie below a fortieth of a voxel for short ranges; keep them all.
    edges = np.unique(np.concatenate([near, far, kernel.radius_mm[kernel.radius_mm < reach]]))
    edges = edges[edges <= min(reach, kernel.radius_mm[-1])]
    energy = np.diff(kernel.within(edges))
    keep = energy > 0
    return (0.5 * (edges[1:] + edges[:-1]))[keep], energy[keep]


def _directions(n: int = 1500) -> np.ndarray:
    """Directions evenly over one octant (golden-angle lattice folded by symmetry), shape (n, 3)."""
    i = np.arange(n) + 0.5
    z = 1 - i / n  # the full sphere folded on z is uniform in |z|
    phi = (i * (math.sqrt(5) - 1) / 2) % 1.0 * (math.pi / 2)
    s = np.sqrt(1 - z * z)
    return np.column_stack([z, s * np.cos(phi), s * np.sin(phi)])


@njit(cache=True)
def _spread(octant, radii, weights, directions, h):  # type: ignore[no-untyped-def]
    nk, nj, ni = octant.shape
    each = 1.0 / directions.shape[0]
    for m in range(radii.shape[0]):
        w = weights[m] * each
        for d in range(directions.shape[0]):
            x = radii[m] * directions[d, 0] / h[0]
            y = radii[m] * directions[d, 1] / h[1]
            z = radii[m] * directions[d, 2] / h[2]
            a, b, c = int(x), int(y), int(z)
            if a + 1 >= nk or b + 1 >= nj or c + 1 >= ni:
                if a >= nk or b >= nj or c >= ni:
                    continue
            fa, fb, fc = x - a, y - b, z - c
            for p in range(2):
                if a + p >= nk:
                    continue
                wa = fa if p else 1 - fa
                for q in range(2):
                    if b + q >= nj:
                        continue
                    wb = fb if q else 1 - fb
                    for s in range(2):
                        if c + s >= ni:
                            continue
                        octant[a + p, b + q, c + s] += w * wa * wb * (fc if s else 1 - fc)


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
    total = sum(voxel_kernel_MeV(k, (size_mm,) * 3, extent, density_g_mL) for k in nuclide_kernels(name, progeny=progeny).values())
    mass_g = (size_mm / 10) ** 3 * density_g_mL
    return total[extent:, extent:, extent:] * GY_G_PER_MEV / mass_g * 1e9
