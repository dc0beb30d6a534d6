"""Planar contours to voxels.

A voxel belongs to a region if its centre lies inside an odd number of the contours of its plane (even-odd, so that
an inner contour is a hole, whether drawn as a second contour or through a keyhole). A plane of contours stands for a
slab that reaches half-way to its neighbours and half a plane spacing beyond the first and last: each slice of the
image takes the contours of the slab that its centre lies in. A gap wider than the usual plane spacing stays empty.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import BadInput
from .resample import resample_mask
from .volume import Geometry

_PLANE_TOLERANCE_MM = 0.1
_MOST_VOXELS = 800_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """One region on a grid.

    Attributes
    ----------
    mask : ndarray of bool, shape geometry.shape
    drawn_mL : float
        Volume of the contours: area times slab thickness, mL.
    filled_mL : float
        Volume of all voxels inside the contours, also those beyond the image, mL.
    outside : float
        Fraction of `filled_mL` beyond the image, 0 to 1.
    notes : tuple of str
        What was found odd, as clauses.
    """

    mask: np.ndarray
    drawn_mL: float
    filled_mL: float
    outside: float
    notes: tuple[str, ...]


def rasterise(contours: list[np.ndarray], geometry: Geometry, thickness_mm: float | None = None) -> Raster:
    """Closed planar contours as a mask.

    Parameters
    ----------
    contours : list of ndarray, shape (n, 3)
        Vertices in LPS mm, at least three each; all in parallel planes.
    geometry : Geometry
        Grid of the mask, with its axes in any order and direction. Where no grid plane is parallel to the
        contours they are filled on a grid of their own (half the voxel size) and that mask is resampled.
    thickness_mm : float, optional
        Plane spacing to assume for a region drawn on one or two planes; the grid's own spacing otherwise.

    Raises
    ------
    BadInput
        Contours that are not planar, or lie in planes that are not parallel.
    """
    index = [geometry.to_index(c) for c in contours]
    spread = np.max([np.ptp(c, axis=0) for c in index], axis=0) * geometry.spacing_mm
    axis = int(np.argmin(spread))
    if spread[axis] > min(_PLANE_TOLERANCE_MM, 0.1 * geometry.spacing_mm[axis]):
        return _rasterise_oblique(contours, geometry, thickness_mm)
    order = [axis, *[a for a in range(3) if a != axis]]
    # Rounded to 1/1000 voxel so that vertices meant to lie on voxel centres do, and are treated alike.
    points = [np.round(c[:, order], 3) for c in index]
    spacing = float(geometry.spacing_mm[axis])
    planes, position = _group_planes(np.array([c[:, 0].mean() for c in points]), spacing)
    points, planes, notes = _without_repeats([c[:, 1:] for c in points], planes)
    low, high = _slabs(position, spacing, thickness_mm)
    notes += _gap_notes(position, low, high)
    areas, crossing = _plane_areas(points, planes, len(position))
    if crossing:
        notes.append("contours cross in one plane, where their overlap counts as outside")

    start, block = _fill(points, planes, low, high)
    mask = np.zeros(geometry.shape, bool)
    ordered = mask.transpose(order)
    source, target = [], []
    for first, n, n_grid in zip(start, block.shape, ordered.shape):
        a, b = max(first, 0), min(first + n, n_grid)
        source.append(slice(max(a - first, 0), max(b - first, 0)))
        target.append(slice(a, max(a, b)))
    part = block[tuple(source)]
    ordered[tuple(target)] = part
    n_all = int(np.count_nonzero(block))
    lost = 1.0 - np.count_nonzero(part) / n_all if n_all else 0.0
    drawn = float(np.sum(areas * (high - low))) * geometry.voxel_mL
    return Raster(mask, drawn, n_all * geometry.voxel_mL, float(lost), tuple(notes))


def polygon_area(points: np.ndarray) -> float:
    """Area of a closed polygon (n, 2), by the shoelace formula.

    >>> polygon_area(np.array([[0, 0], [2, 0], [2, 3], [0, 3]]))
    6.0
    """
    y, x = points[:, 0] - points[0, 0], points[:, 1] - points[0, 1]
    return float(abs(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y)) / 2)


def points_inside(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Which of `points` (m, 2) lie inside `polygon` (n, 2), even-odd."""
    y0, x0 = polygon[:, 0], polygon[:, 1]
    y1, x1 = np.roll(y0, -1), np.roll(x0, -1)
    y, x = points[:, :1], points[:, 1:]
    spans = (y0 <= y) != (y1 <= y)
    rise = np.where(y1 == y0, 1.0, y1 - y0)
    return np.count_nonzero(spans & (x < x0 + (y - y0) * (x1 - x0) / rise), axis=1) % 2 == 1


def plane_spacing(position: np.ndarray) -> float:
    """The usual distance between consecutive sorted positions (the lower median); 0 for fewer than two."""
    gaps = np.sort(np.diff(position))
    return float(gaps[(len(gaps) - 1) // 2]) if len(gaps) else 0.0


def _group_planes(position: np.ndarray, spacing: float) -> tuple[np.ndarray, np.ndarray]:
    """Plane number of each contour and the planes' positions, contours within the tolerance sharing a plane."""
    tolerance = min(_PLANE_TOLERANCE_MM / spacing, 0.1)
    order = np.argsort(position, kind="stable")
    new = np.diff(position[order], prepend=-np.inf) > tolerance
    planes = np.empty(len(position), int)
    planes[order] = np.cumsum(new) - 1
    return planes, np.array([position[planes == p].mean() for p in range(int(planes.max()) + 1)])


def _without_repeats(points: list[np.ndarray], planes: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, list[str]]:
    """Contours written twice in a plane would cancel under the even-odd rule: the second is dropped."""
    seen, keep = set(), []
    for n, (p, c) in enumerate(zip(planes, points)):
        key = (int(p), np.unique(c, axis=0).tobytes())
        if key not in seen:
            keep.append(n)
        seen.add(key)
    repeats = len(points) - len(keep)
    notes = [f"{repeats} contour(s) that repeat another are ignored"] if repeats else []
    return [points[n] for n in keep], planes[keep], notes


def _slabs(position: np.ndarray, spacing: float, thickness_mm: float | None) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper face of each plane's slab, in slice units."""
    usual = plane_spacing(position)
    if len(position) < 3:
        limit = (thickness_mm or spacing) / spacing
        usual = min(usual, limit) if usual else limit
    middle = (position[1:] + position[:-1]) / 2
    low = np.maximum(position - usual / 2, np.concatenate([[-np.inf], middle]))
    high = np.minimum(position + usual / 2, np.concatenate([middle, [np.inf]]))
    # Neighbours a rounding error apart share a face, so that no slice falls between them.
    touching = (low[1:] - high[:-1]) < 0.05 * usual
    low[1:][touching] = high[:-1][touching] = middle[touching]
    return low, high


def _gap_notes(position: np.ndarray, low: np.ndarray, high: np.ndarray) -> list[str]:
    n = int(np.count_nonzero(low[1:] - high[:-1] > 0))
    return [f"its contours skip planes in {n} place(s), which are left empty"] if n else []


def _plane_areas(points: list[np.ndarray], planes: np.ndarray, n_planes: int) -> tuple[np.ndarray, bool]:
    """Even-odd area of each plane in pixels, and whether contours of one plane cross."""
    areas, crossing = np.zeros(n_planes), False
    for p in range(n_planes):
        own = [points[n] for n in np.flatnonzero(planes == p)]
        size = np.array([polygon_area(c) for c in own])
        low, high = np.array([c.min(0) for c in own]), np.array([c.max(0) for c in own])
        rank = np.argsort(np.argsort(size, kind="stable"))
        for a, c in enumerate(own):
            near = np.all((low[a] <= high) & (low <= high[a]), axis=1) & (rank > rank[a])
            share = np.array([np.mean(points_inside(c, own[b])) for b in np.flatnonzero(near)])
            crossing |= bool(np.any((share > 0.02) & (share < 0.98)))
            areas[p] += size[a] * (-1) ** int(np.count_nonzero(share > 0.5))
    return areas, crossing


def _fill(points: list[np.ndarray], planes: np.ndarray, low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Voxels inside the contours in a block just large enough, and the block's first index.

    Every crossing of an edge with a row toggles all pixels from there to the row's end, so the parity of the
    toggles up to a pixel is the even-odd rule. Edges are half-open (lower end in, upper end out).
    """
    first_slice, end_slice = np.ceil(low - 1e-3).astype(int), np.ceil(high - 1e-3).astype(int)
    corner = np.min([c.min(0) for c in points], axis=0)
    end = np.max([c.max(0) for c in points], axis=0)
    start = np.array([first_slice.min(), *np.floor(corner).astype(int)])
    shape = np.maximum(np.array([end_slice.max(), *(np.floor(end).astype(int) + 1)]) - start, 1)
    if np.prod(shape, dtype=float) > _MOST_VOXELS:
        raise BadInput("a region's contours span more than 800 million voxels; check that their coordinates are in millimetres.")
    y0, x0 = np.concatenate(points).T
    y1, x1 = np.concatenate([np.roll(c, -1, axis=0) for c in points]).T
    plane = np.repeat(planes, [len(c) for c in points])
    up = y1 > y0
    y0, y1, x0, x1 = np.where(up, y0, y1), np.where(up, y1, y0), np.where(up, x0, x1), np.where(up, x1, x0)
    row0, row1 = np.ceil(y0).astype(int), np.ceil(y1).astype(int)
    edge, row = _expand(row0, row1)
    x = x0[edge] + (row - y0[edge]) * (x1[edge] - x0[edge]) / (y1[edge] - y0[edge])
    column = np.ceil(np.round(x, 6)).astype(int) - start[2]
    copy, layer = _expand(first_slice[plane[edge]], end_slice[plane[edge]])
    flat = ((layer - start[0]) * shape[1] + (row[copy] - start[1])) * (shape[2] + 1) + column[copy]
    where, times = np.unique(flat, return_counts=True)
    toggles = np.zeros(int(shape[0] * shape[1] * (shape[2] + 1)), np.uint8)
    toggles[where] = times & 1
    rows = toggles.reshape(shape[0], shape[1], shape[2] + 1)
    return start, np.bitwise_xor.accumulate(rows, axis=2)[..., :-1].astype(bool)


def _expand(first: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each n the integers first[n] <= m < end[n]: the n of each, and m."""
    count = np.maximum(end - first, 0)
    n = np.repeat(np.arange(len(first)), count)
    m = np.arange(len(n)) - np.repeat(np.cumsum(count) - count, count) + first[n]
    return n, m


def _rasterise_oblique(contours: list[np.ndarray], geometry: Geometry, thickness_mm: float | None) -> Raster:
    """Contours in planes no grid plane is parallel to: filled on a grid of their own, then resampled."""
    largest = max(contours, key=len)
    _, _, basis = np.linalg.svd(largest - largest.mean(0), full_matrices=True)
    if np.linalg.det(basis) < 0:
        basis[0] = -basis[0]
    along = np.array([c @ basis[2] for c in contours], dtype=object)
    if max(float(np.ptp(a)) for a in along) > _PLANE_TOLERANCE_MM:
        raise BadInput("its contours are not planar, or lie in planes that are not parallel to one another; export them on the slices of one image series.")
    fine = float(geometry.spacing_mm.min()) / 2
    _, position = _group_planes(np.array([float(np.mean(a)) for a in along]), 1.0)
    step = plane_spacing(position) if len(position) > 2 else (thickness_mm or 2 * fine)
    uvn = [c @ basis.T for c in contours]
    low, high = np.min([c.min(0) for c in uvn], axis=0), np.max([c.max(0) for c in uvn], axis=0)
    size = np.array([fine, fine, step])
    n = np.ceil((high - low) / size).astype(int) + 3
    if np.prod(n, dtype=float) > _MOST_VOXELS:
        raise BadInput("a region's contours span more than 800 million voxels; check that their coordinates are in millimetres.")
    affine = np.eye(4)
    affine[:3, :3] = basis.T * size
    affine[:3, 3] = basis.T @ (np.array([low[0], low[1], position[0]]) - size)
    own = Geometry((n[2], n[1], n[0]), affine, geometry.frame_of_reference)
    drawn = rasterise(contours, own, step)
    place = geometry.to_index(own.to_patient(np.argwhere(drawn.mask)))
    inside = np.all((place >= -0.5) & (place <= np.array(geometry.shape) - 0.5), axis=1)
    lost = 1.0 - float(np.mean(inside)) if len(inside) else 0.0
    mask = resample_mask(drawn.mask, own, geometry)
    notes = (*drawn.notes, "its contours are not parallel to the image's slices and were resampled")
    filled = np.count_nonzero(mask) * geometry.voxel_mL / (1.0 - lost) if lost < 1 else drawn.filled_mL
    return Raster(mask, drawn.drawn_mL, float(filled), lost, notes)
