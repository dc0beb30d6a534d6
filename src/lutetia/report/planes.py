"""Which slices a report shows, and how they lie in the patient."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from ..core import BadInput
from .formatting import usable

_LESION = re.compile(r"lesion|tumou?r|metasta|\bmet\b|gtv|ptv|node", re.IGNORECASE)


@dataclass(frozen=True, slots=True, eq=False)
class ReportImages:
    """The images a report shows, all on one grid.

    Attributes
    ----------
    dose_Gy : ndarray, shape (k, j, i)
    anatomy : ndarray, shape (k, j, i)
        CT in HU, or activity in any unit where there is no CT.
    anatomy_kind : str
        ``"CT"`` or ``"activity"``.
    masks : mapping of str to ndarray of bool, shape (k, j, i)
        Keyed by the names of the result's regions.
    spacing_mm : tuple of float
        Voxel size along k, j, i.
    affine : ndarray, shape (4, 4)
        ``(i, j, k, 1)`` to DICOM patient coordinates (LPS), mm.
    """

    dose_Gy: np.ndarray
    anatomy: np.ndarray
    anatomy_kind: str
    masks: Mapping[str, np.ndarray]
    spacing_mm: tuple[float, float, float]
    affine: np.ndarray

    def __post_init__(self) -> None:
        shape = np.shape(self.dose_Gy)
        others = {"the anatomy": self.anatomy} | {f"region {name!r}": mask for name, mask in self.masks.items()}
        for what, array in others.items():
            if len(shape) != 3 or np.shape(array) != shape:
                raise BadInput(f"Report: {what} has shape {np.shape(array)} and the dose {shape}; give both on one (k, j, i) grid.")
        if self.anatomy_kind not in ("CT", "activity"):
            raise BadInput(f"Report: anatomy_kind is {self.anatomy_kind!r}; give 'CT' or 'activity'.")
        if np.shape(self.affine) != (4, 4):
            raise BadInput(f"Report: the affine has shape {np.shape(self.affine)}; give the 4x4 matrix from (i, j, k, 1) to LPS mm.")
        object.__setattr__(self, "masks", MappingProxyType(dict(self.masks)))


@dataclass(frozen=True, slots=True, eq=False)
class Oriented:
    """Images turned so that the axes run to the patient's head, back and left, in this order.

    Attributes
    ----------
    dose_Gy, anatomy : ndarray, shape (s, p, l)
    masks : mapping of str to ndarray of bool
    spacing_mm : tuple of float
        Voxel size along s, p, l.
    tilt_deg : float
        Largest angle between an axis of the grid and the patient axis it stands for.
    """

    dose_Gy: np.ndarray
    anatomy: np.ndarray
    masks: Mapping[str, np.ndarray]
    spacing_mm: tuple[float, float, float]
    tilt_deg: float


@dataclass(frozen=True, slots=True)
class Place:
    """A voxel whose axial and coronal slices are shown: index (s, p, l), and why."""

    voxel: tuple[int, int, int]
    region: str
    title: str


def oriented(images: ReportImages) -> Oriented:
    """The images turned and mirrored (views, no interpolation) to the nearest patient axes.

    Of the six ways to pair grid axes with patient axes the one with the largest summed cosine is taken, so
    that an oblique grid is shown along its own axes, `tilt_deg` off.
    """
    steps = np.asarray(images.affine, float)[:3, :3]
    cosine = steps / np.linalg.norm(steps, axis=0)
    # pairing[d] is the index axis (0 = i, 1 = j, 2 = k) that runs along patient axis d (0 = L, 1 = P, 2 = S)
    pairing = max(itertools.permutations(range(3)), key=lambda p: sum(abs(cosine[d, p[d]]) for d in range(3)))
    order = tuple(2 - pairing[d] for d in (2, 1, 0))
    flips = tuple(slice(None, None, 1 if cosine[d, pairing[d]] > 0 else -1) for d in (2, 1, 0))
    tilt = max(float(np.degrees(np.arccos(min(1.0, abs(cosine[d, pairing[d]]))))) for d in range(3))

    def turned(a: np.ndarray) -> np.ndarray:
        return np.transpose(np.asarray(a), order)[flips]

    spacing = tuple(float(images.spacing_mm[axis]) for axis in order)
    return Oriented(turned(images.dose_Gy), turned(images.anatomy), {n: turned(m) for n, m in images.masks.items()}, spacing, tilt)


def cropped(view: Oriented, kind: str, margin_mm: float = 15.0) -> Oriented:
    """The box that holds the patient (CT above -400 HU, or activity above 2 % of its maximum) and every region."""
    a = view.anatomy
    body = a > -400.0 if kind == "CT" else a > 0.02 * max(float(np.max(a)), 0.0)
    box = []
    for axis, step in enumerate(view.spacing_mm):
        others = tuple(d for d in range(3) if d != axis)
        used = np.flatnonzero(np.logical_or.reduce([body.any(others), *(m.any(others) for m in view.masks.values())]))
        pad = int(np.ceil(margin_mm / step))
        box.append(slice(max(used[0] - pad, 0), used[-1] + pad + 1) if len(used) else slice(None))
    at = tuple(box)
    return Oriented(view.dose_Gy[at], a[at], {n: m[at] for n, m in view.masks.items()}, view.spacing_mm, view.tilt_deg)


def places(view: Oriented, regions: list[dict[str, Any]]) -> list[Place]:
    """The hottest voxel of the region with the highest mean dose, and the centre of the next region of the other kind.

    The kinds are lesions, told by their names, and organs; where all regions are of one kind, the second
    place is simply the region with the second highest mean dose.
    """
    known = [r for r in regions if r["region"] in view.masks and view.masks[r["region"]].any() and usable(r.get("dose_Gy"))]
    ranked = [r["region"] for r in sorted(known, key=lambda r: -r["dose_Gy"])]
    if not ranked:
        return []
    first = ranked[0]
    inside = np.argwhere(view.masks[first])
    hottest = inside[np.argmax(np.nan_to_num(view.dose_Gy[tuple(inside.T)], nan=-np.inf))]
    found = [Place(_index(hottest), first, "Hottest voxel of the region with the highest mean dose")]
    rest = sorted(ranked[1:], key=lambda n: is_lesion(n) == is_lesion(first))  # stable: the other kind first
    if rest:
        kind = "lesion" if is_lesion(rest[0]) else "organ"
        points = np.argwhere(view.masks[rest[0]])
        nearest = points[np.argmin(np.sum((points - points.mean(axis=0)) ** 2, axis=1))]
        same = is_lesion(rest[0]) == is_lesion(first)
        found.append(Place(_index(nearest), rest[0], f"Centre of the {'next region by mean dose' if same else f'{kind} with the highest mean dose'}"))
    return found


def is_lesion(name: str) -> bool:
    """Whether a region's name says that it is a lesion.

    >>> is_lesion("Lesion 2"), is_lesion("kidney left")
    (True, False)
    """
    return _LESION.search(name) is not None


def _index(voxel: np.ndarray) -> tuple[int, int, int]:
    return int(voxel[0]), int(voxel[1]), int(voxel[2])
