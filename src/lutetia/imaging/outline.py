"""The outline of a mask along the faces of its pixels."""

from __future__ import annotations

import numpy as np

from .rasterise import points_inside, polygon_area


def outlines(mask: np.ndarray) -> list[tuple[np.ndarray, bool]]:
    """Closed polygons around the true pixels of a mask.

    Parameters
    ----------
    mask : ndarray of bool, shape (nj, ni)

    Returns
    -------
    list of (ndarray of shape (n, 2), bool)
        Corners as (j, i), at pixel centres plus or minus a half, straight runs merged; and whether the polygon is
        a hole. Pixels that touch at a corner only are kept in separate polygons, so that none touches itself.

    >>> points, hole = outlines(np.array([[False, False], [False, True]]))[0]
    >>> points.tolist(), hole
    ([[0.5, 0.5], [0.5, 1.5], [1.5, 1.5], [1.5, 0.5]], False)
    """
    m = np.pad(np.asarray(mask, bool), 1)
    # Directed edges between corners with the inside on the right; corner (j, i) is the pixel's upper left.
    edges: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for inside, outside, start, step in (
        (m[1:-1, 1:-1], m[:-2, 1:-1], (0, 0), (0, 1)),  # upper face, towards +i
        (m[1:-1, 1:-1], m[1:-1, 2:], (0, 1), (1, 0)),  # right face, towards +j
        (m[1:-1, 1:-1], m[2:, 1:-1], (1, 1), (0, -1)),  # lower face, towards -i
        (m[1:-1, 1:-1], m[1:-1, :-2], (1, 0), (-1, 0)),  # left face, towards -j
    ):
        for j, i in (np.argwhere(inside & ~outside) + start).tolist():
            edges.setdefault((j, i), []).append(step)
    out = []
    for first in sorted(edges):
        if first not in edges:
            continue
        corner, previous, points = first, None, []
        while True:
            choices = edges[corner]
            if len(choices) > 1 and previous is not None:
                # Two pixels touch here: turn right, staying with the same pixel.
                right = (previous[1], -previous[0])
                step = right if right in choices else choices[0]
            else:
                step = choices[0]
            choices.remove(step)
            if not choices:
                del edges[corner]
            if step != previous:
                points.append(corner)
            corner = (corner[0] + step[0], corner[1] + step[1])
            previous = step
            if corner == first:
                break
        polygon = np.array(points, float) - 0.5
        j, i = polygon.T
        hole = float(np.sum(i * np.roll(j, -1) - np.roll(i, -1) * j)) < 0
        out.append((polygon, bool(hole)))
    return out


def keyholed(polygons: list[tuple[np.ndarray, bool]]) -> list[np.ndarray]:
    """Outer polygons only, each with its holes joined to it through a channel of no width.

    The channel is walked once each way between the nearest corners, so it adds no area and, under the even-odd rule,
    changes no point.

    >>> ring = np.ones((3, 3), bool); ring[1, 1] = False
    >>> [len(p) for p in keyholed(outlines(ring))]
    [10]
    """
    outer = [p for p, hole in polygons if not hole]
    size = [polygon_area(p) for p in outer]
    low, high = np.array([p.min(0) for p in outer]), np.array([p.max(0) for p in outer])
    for hole in (p for p, is_hole in polygons if is_hole):
        # A point just inside the hole's first corner (its top left) lies in the polygon that the hole belongs to.
        point = hole[:1] + 0.25
        near = np.flatnonzero(np.all((low <= point) & (point <= high), axis=1))
        around = [n for n in near if size[n] > polygon_area(hole) and points_inside(point, outer[n])[0]]
        n = min(around, key=lambda n: size[n])
        apart = np.sum((outer[n][:, None] - hole[None]) ** 2, axis=2)
        a, b = np.unravel_index(int(np.argmin(apart)), apart.shape)
        outer[n] = np.concatenate([outer[n][: a + 1], hole[b:], hole[: b + 1], outer[n][a:]])
    return outer
