"""Values and masks of one grid brought onto another, always through patient coordinates (LPS mm).

Nothing here knows about left, right or axis order: an index becomes a place in the patient by one affine and
an index again by the other, so a marker stays where it is whatever the two grids look like.
"""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage, sparse

from ..core import BadInput
from .volume import Geometry, Volume

_EXTENSIVE = ("[Bq]", "[Bq s]", "[J]", "counts")  # quantities that are a total per voxel
_METHODS = ("linear", "nearest", "conserving")


def resample(
    volume: Volume, onto: Geometry, transform: np.ndarray | None = None, *, method: str = "linear", outside: float = 0.0
) -> Volume:
    """A volume's values on another grid.

    Parameters
    ----------
    volume : Volume
        Source.
    onto : Geometry
        Grid of the result.
    transform : ndarray, shape (4, 4), optional
        Maps LPS mm of `onto`'s patient space to LPS mm of `volume`'s (what `register_rigid(fixed, moving)`
        returns when `onto` is the fixed image's grid). Without it both must share a frame of reference.
    method : {"linear", "nearest", "conserving"}
        ``linear`` and ``nearest`` take the value at each new voxel's centre. ``conserving`` takes the mean of the
        source over each new voxel: the one to use towards a coarser grid, since the sum of value times voxel
        volume is kept (exactly where the axes of the two grids are parallel, by up to 6 subsamples an axis otherwise).
    outside : float
        Value where the source has none (more than half a voxel beyond its outermost centres).

    Returns
    -------
    Volume
        Quantities that are a total per voxel (``[Bq]``, ``[Bq s]``, ``counts``) are multiplied by the ratio of the
        voxel volumes, so that their sum keeps its meaning; densities, concentrations and doses are not.

    Raises
    ------
    BadInput
        Unknown method, labels to be interpolated, or two frames of reference and no transform.

    >>> fine = Volume(np.arange(8.0).reshape(2, 2, 2), Geometry((2, 2, 2), np.eye(4)), "activity concentration [Bq/mL]")
    >>> coarse = Geometry((1, 1, 1), [[2, 0, 0, 0.5], [0, 2, 0, 0.5], [0, 0, 2, 0.5], [0, 0, 0, 1]])
    >>> float(resample(fine, coarse, method="conserving").values[0, 0, 0])
    3.5
    """
    if method not in _METHODS:
        raise BadInput(f"resample: the method {method!r} is not known; use one of {', '.join(_METHODS)}.")
    if volume.quantity == "label" and method != "nearest":
        raise BadInput("resample: labels cannot be averaged; use method='nearest'.")
    _require_one_space(volume.geometry, onto, transform)
    if transform is None and volume.geometry.same_grid(onto, 1e-6):
        return Volume(np.array(volume.values), onto, volume.quantity, volume.time)
    values = np.asarray(volume.values)
    if method != "nearest" or values.dtype == bool:
        values = values.astype(np.float32 if values.dtype == np.float32 else np.float64)
    shift = values.dtype.type(outside)
    if shift != 0:
        values = values - shift
    matrix, offset = index_map(volume.geometry, onto, transform)
    out = _sample(values, onto.shape, matrix, offset, method)
    if shift != 0:
        out += shift
    if any(unit in volume.quantity for unit in _EXTENSIVE):
        out = out * (onto.voxel_mL / volume.geometry.voxel_mL)
    return Volume(out, onto, volume.quantity, volume.time)


def resample_mask(mask: np.ndarray, geometry: Geometry, onto: Geometry, transform: np.ndarray | None = None) -> np.ndarray:
    """A mask on another grid: a voxel belongs to it if at least half of the voxel did.

    A voxel exactly half covered goes with its centre, so that a shift by half a voxel keeps the volume.

    Parameters
    ----------
    mask : ndarray of bool, shape geometry.shape
    geometry, onto : Geometry
    transform : ndarray, shape (4, 4), optional
        As in `resample`.

    Returns
    -------
    ndarray of bool, shape onto.shape
    """
    _require_one_space(geometry, onto, transform)
    mask = np.asarray(mask, bool)
    if transform is None and geometry.same_grid(onto, 1e-6):
        return mask.copy()
    out = np.zeros(onto.shape, bool)
    box = ndimage.find_objects(mask.astype(np.uint8))
    if not box:
        return out
    matrix, offset = index_map(geometry, onto, transform)
    corners = np.array(list(itertools.product(*[(s.start - 0.5, s.stop - 0.5) for s in box[0]])))
    there = (corners - offset) @ np.linalg.inv(matrix).T
    low = np.clip(np.floor(there.min(0)).astype(int), 0, onto.shape)
    high = np.clip(np.ceil(there.max(0)).astype(int) + 1, 0, onto.shape)
    if np.any(high <= low):
        return out
    offset, shape = offset + matrix @ low, tuple(high - low)
    covered = _sample(mask.astype(np.float32), shape, matrix, offset, "conserving", order=0)
    centre = _sample(mask.astype(np.uint8), shape, matrix, offset, "nearest").astype(bool)
    part = np.where(np.abs(covered - 0.5) < 1e-4, centre, covered > 0.5)
    out[tuple(slice(a, b) for a, b in zip(low, high))] = part
    return out


def index_map(source: Geometry, onto: Geometry, transform: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Matrix (3, 3) and offset (3,) taking indices (k, j, i) of `onto` to fractional indices (k, j, i) of `source`."""
    t = np.eye(4) if transform is None else np.asarray(transform, float)
    if t.shape != (4, 4) or not np.all(np.isfinite(t)):
        raise BadInput("resample: the transform is not a 4x4 matrix of finite numbers; give the one a registration returned.")
    full = np.linalg.inv(source.affine) @ t @ onto.affine
    # Rounded so that grids meant to coincide do, whatever the last bits of their affines.
    return np.round(full[2::-1, 2::-1], 10), np.round(full[2::-1, 3], 8)


def to_axial(volume: Volume) -> Volume:
    """The same voxels reordered so that slices, rows and columns run along the patient's axes as nearly as they can.

    Only transposes and flips: i towards the patient's left (+x), j towards the back (+y), k towards the head (+z),
    right-handed. Values and their places in the patient are untouched.
    """
    axes, flips, geometry = axial_order(volume.geometry)
    return Volume(np.ascontiguousarray(np.flip(volume.values.transpose(axes), flips)), geometry, volume.quantity, volume.time)


def axial_order(geometry: Geometry) -> tuple[tuple[int, int, int], tuple[int, ...], Geometry]:
    """The transpose, the axes to flip after it, and the geometry after both, that `to_axial` uses."""
    steps = geometry.affine[:3, 2::-1]  # column a: step along array axis a (k, j, i)
    cosines = steps / np.linalg.norm(steps, axis=0)
    axes = max(itertools.permutations(range(3)), key=lambda p: sum(abs(cosines[2 - n, a]) for n, a in enumerate(p)))
    flips = [n for n, a in enumerate(axes) if cosines[2 - n, a] < 0]
    signs = np.array([-1.0 if n in flips else 1.0 for n in range(3)])
    if np.linalg.det((cosines[:, axes] * signs)[:, ::-1]) < 0:
        signs[0] = -signs[0]
        flips = [n for n in range(3) if signs[n] < 0]
    shape = tuple(geometry.shape[a] for a in axes)
    affine = np.eye(4)
    affine[:3, :3] = (steps[:, axes] * signs)[:, ::-1]
    first = np.zeros(3)
    for n in flips:
        first[axes[n]] = geometry.shape[axes[n]] - 1
    affine[:3, 3] = geometry.to_patient(first)
    return axes, tuple(flips), Geometry(shape, affine, geometry.frame_of_reference)


def _require_one_space(a: Geometry, b: Geometry, transform: np.ndarray | None) -> None:
    if transform is None and a.frame_of_reference and b.frame_of_reference and a.frame_of_reference != b.frame_of_reference:
        raise BadInput(
            "resample: the two grids are in different frames of reference, so their coordinates do not name the same "
            "place in the patient; register one image to the other and give the transform."
        )


def _sample(values: np.ndarray, shape: tuple, matrix: np.ndarray, offset: np.ndarray, method: str, order: int = 1) -> np.ndarray:
    if method == "conserving":
        source_axis = _parallel_axes(matrix, shape)
        if source_axis is not None:
            return _box_average(values, shape, matrix, offset, source_axis)
        # A subsample per source voxel along each new axis, two where nothing is interpolated; at most 6.
        n = np.clip(np.ceil((2 - order) * np.linalg.norm(matrix, axis=0) - 1e-6).astype(int), 1, 6)
        parts = [((np.arange(m) + 0.5) / m) - 0.5 for m in n]
        out = np.zeros(shape, values.dtype)
        for delta in itertools.product(*parts):
            out += _at_points(values, shape, matrix, offset + matrix @ np.array(delta), order)
        return out / values.dtype.type(np.prod(n))
    return _at_points(values, shape, matrix, offset, 0 if method == "nearest" else 1)


def _at_points(values: np.ndarray, shape: tuple, matrix: np.ndarray, offset: np.ndarray, order: int) -> np.ndarray:
    """Interpolated at the mapped centres; zero beyond the outer faces of the source's voxels."""
    # A centre on the face between two voxels goes to the upper one, which rounding alone would not promise.
    offset = offset + 1e-7 if order == 0 else offset
    out = ndimage.affine_transform(values, matrix, offset, output_shape=shape, order=order, mode="nearest", prefilter=False)
    grids = np.ogrid[tuple(slice(0, n) for n in shape)]
    for axis in range(3):
        index = sum(matrix[axis, b] * grids[b] for b in range(3)) + offset[axis]
        np.copyto(out, 0, where=(index < -0.5) | (index > values.shape[axis] - 0.5))
    return out


def _parallel_axes(matrix: np.ndarray, shape: tuple) -> list[int] | None:
    """The source axis each new axis runs along, if every one runs along exactly one (to 1/1000 voxel over the grid)."""
    reach = np.abs(matrix) * (np.array(shape) + 1)
    main = [int(np.argmax(np.abs(matrix[:, b]))) for b in range(3)]
    reach[main, range(3)] = 0
    return main if sorted(main) == [0, 1, 2] and reach.max() < 1e-3 else None


def _box_average(values: np.ndarray, shape: tuple, matrix: np.ndarray, offset: np.ndarray, source_axis: list[int]) -> np.ndarray:
    """Mean over each new voxel of the source taken as constant in each of its voxels; one axis after the other."""
    out = values.transpose(source_axis)
    for b, a in enumerate(source_axis):
        weights = _overlaps(values.shape[a], shape[b], matrix[a, b], offset[a]).astype(out.dtype)
        moved = np.moveaxis(out, b, 0)
        flat = weights @ moved.reshape(moved.shape[0], -1)
        out = np.moveaxis(flat.reshape((shape[b], *moved.shape[1:])), 0, b)
    return np.ascontiguousarray(out)


def _overlaps(n_source: int, n_new: int, step: float, start: float) -> sparse.csr_array:
    """Fraction of each new cell that lies in each source cell, along one axis."""
    centre = start + step * np.arange(n_new)
    low, high = centre - abs(step) / 2 + 0.5, centre + abs(step) / 2 + 0.5  # source cell s spans [s, s + 1]
    cell = np.floor(low)[:, None] + np.arange(int(np.ceil(abs(step))) + 2)
    part = np.minimum(high[:, None], cell + 1) - np.maximum(low[:, None], cell)
    keep = (part > 0) & (cell >= 0) & (cell < n_source)
    row = np.broadcast_to(np.arange(n_new)[:, None], cell.shape)[keep]
    return sparse.csr_array((part[keep] / abs(step), (row, cell[keep].astype(int))), shape=(n_new, n_source))
