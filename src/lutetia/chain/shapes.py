"""Analytic shapes in the patient and how much of each voxel they fill."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..imaging.volume import Geometry

#: Voxels that the surface crosses are divided into this many parts along each axis.
PARTS = 4


@dataclass(frozen=True, slots=True)
class Superellipsoid:
    """The points with ``|x/a|^n + |y/b|^n + |z/c|^n < 1`` about a centre (n = 2: an ellipsoid).

    Attributes
    ----------
    centre_mm, semi_axes_mm : tuple of float
        LPS: x to the patient's left, y to the back, z to the head.
    power : float
        n.
    turn_deg : tuple of float
        Rotations about x, then y, then z.
    """

    centre_mm: tuple[float, float, float]
    semi_axes_mm: tuple[float, float, float]
    power: float = 2.0
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def volume_mL(self) -> float:
        """``8 a b c Gamma(1 + 1/n)^3 / Gamma(1 + 3/n)``.

        >>> round(Superellipsoid((0, 0, 0), (10, 10, 10)).volume_mL, 4)
        4.1888
        """
        a, b, c = self.semi_axes_mm
        n = self.power
        return 8.0 * a * b * c * math.gamma(1 + 1 / n) ** 3 / math.gamma(1 + 3 / n) / 1000.0

    @property
    def reach_mm(self) -> np.ndarray:
        """Half the edges of a box, aligned with the shape's own axes, that holds it."""
        return np.array(self.semi_axes_mm)

    def gauge(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Below 1 inside, above 1 outside; coordinates along the shape's own axes."""
        total = np.zeros((), np.float32)
        for v, half in zip((x, y, z), self.semi_axes_mm):
            u = v / np.float32(half)
            total = total + (u * u if self.power == 2.0 else np.abs(u) ** np.float32(self.power))
        return total


@dataclass(frozen=True, slots=True)
class Hoop:
    """A closed rod about an ellipse in the x-y plane, as a rib pair is.

    Attributes
    ----------
    centre_mm : tuple of float
    semi_axes_mm : tuple of float
        Of the ellipse that the middle of the rod follows: x, y.
    half_mm : tuple of float
        Half the rod's thickness and half its height.
    turn_deg : tuple of float
    """

    centre_mm: tuple[float, float, float]
    semi_axes_mm: tuple[float, float]
    half_mm: tuple[float, float]
    turn_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)

    @property
    def reach_mm(self) -> np.ndarray:
        """As for a superellipsoid."""
        (a, b), (thick, high) = self.semi_axes_mm, self.half_mm
        return np.array([a + 2 * thick, b + 2 * thick, high])

    def gauge(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Below 1 inside the rod; the thickness is nominal where the ellipse is not a circle."""
        (a, b), (thick, high) = self.semi_axes_mm, self.half_mm
        out = (np.sqrt((x / np.float32(a)) ** 2 + (y / np.float32(b)) ** 2) - 1) * np.float32((a + b) / (2 * thick))
        return out * out + (z / np.float32(high)) ** 2


Shape = Superellipsoid | Hoop


def rotation(turn_deg: tuple[float, float, float]) -> np.ndarray:
    """The 3x3 matrix that turns about x, then y, then z (right-handed, degrees)."""
    (sx, sy, sz), (cx, cy, cz) = np.sin(np.radians(turn_deg)), np.cos(np.radians(turn_deg))
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_z @ about_y @ about_x


def filled(shape: Shape, geometry: Geometry, pose: np.ndarray) -> tuple[tuple[slice, slice, slice], np.ndarray]:
    """The fraction of each voxel that a shape fills.

    Parameters
    ----------
    shape : Superellipsoid or Hoop
    geometry : Geometry
    pose : ndarray, shape (4, 4)
        Rigid; takes the patient's reference position to where the patient lies (LPS mm).

    Returns
    -------
    box : tuple of slice
        The part of the grid in which the fraction can differ from zero.
    fraction : ndarray of float32
        0 to 1 on that part.
    """
    own = np.eye(4)
    own[:3, :3], own[:3, 3] = rotation(shape.turn_deg), shape.centre_mm
    to_own = np.linalg.inv(pose @ own) @ geometry.affine
    box = _box(shape.reach_mm, np.linalg.inv(to_own), geometry.shape)
    k, j, i = (np.arange(s.start, s.stop, dtype=np.float32) for s in box)
    if not (k.size and j.size and i.size):
        return box, np.zeros((k.size, j.size, i.size), np.float32)

    m = to_own.astype(np.float32)

    def at(i: np.ndarray, j: np.ndarray, k: np.ndarray) -> np.ndarray:
        return shape.gauge(*(m[a, 0] * i + m[a, 1] * j + m[a, 2] * k + m[a, 3] for a in range(3)))

    inside = at(i[None, None, :], j[None, :, None], k[:, None, None]) < 1
    fraction = inside.astype(np.float32)
    # Only voxels next to one of the other kind are crossed by the surface.
    kk, jj, ii = np.nonzero(_at_edge(inside))
    steps = (np.arange(PARTS, dtype=np.float32) + 0.5) / PARTS - 0.5
    part = np.zeros(len(kk), np.float32)
    for dk in steps:
        for dj in steps:
            for di in steps:
                part += at(i[ii] + di, j[jj] + dj, k[kk] + dk) < 1
    fraction[kk, jj, ii] = part / PARTS**3
    return box, fraction


def _box(reach_mm: np.ndarray, to_index: np.ndarray, shape: tuple[int, int, int]) -> tuple[slice, slice, slice]:
    middle = to_index[:3, 3][::-1]
    half = (np.abs(to_index[:3, :3]) @ reach_mm)[::-1] + 1.5
    low = np.clip(np.floor(middle - half), 0, shape).astype(int)
    high = np.clip(np.ceil(middle + half) + 1, 0, shape).astype(int)
    return slice(low[0], high[0]), slice(low[1], high[1]), slice(low[2], high[2])


def _at_edge(inside: np.ndarray) -> np.ndarray:
    edge = np.zeros_like(inside)
    for axis in range(3):
        a = np.moveaxis(inside, axis, 0)
        differs = a[1:] != a[:-1]
        e = np.moveaxis(edge, axis, 0)
        e[1:] |= differs
        e[:-1] |= differs
    return edge
