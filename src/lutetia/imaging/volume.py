"""Voxel values with geometry and meaning.

Arrays are indexed ``[k, j, i]`` (slice, row, column). The affine maps ``(i, j, k, 1)`` (column, row,
slice) to DICOM patient coordinates LPS in millimetres, at voxel centres.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np

from ..core import BadInput


@dataclass(frozen=True, slots=True, eq=False)
class Geometry:
    """A regular grid in the patient.

    Attributes
    ----------
    shape : tuple of int
        ``(nk, nj, ni)``.
    affine : ndarray, shape (4, 4)
        ``(i, j, k, 1)`` to LPS mm.
    frame_of_reference : str
        DICOM frame of reference UID, or "" if unknown.
    """

    shape: tuple[int, int, int]
    affine: np.ndarray
    frame_of_reference: str = ""

    def __post_init__(self) -> None:
        a = np.array(self.affine, float)
        if a.shape != (4, 4) or not np.all(np.isfinite(a)) or abs(np.linalg.det(a[:3, :3])) < 1e-12:
            raise BadInput("The image's geometry is not a usable 4x4 affine; check its position, orientation and spacing.")
        a.flags.writeable = False
        object.__setattr__(self, "affine", a)
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def spacing_mm(self) -> np.ndarray:
        """Voxel size along k, j, i in mm."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)[::-1]

    @property
    def voxel_mL(self) -> float:
        """Voxel volume, mL."""
        return float(abs(np.linalg.det(self.affine[:3, :3]))) / 1000.0

    def to_patient(self, kji: np.ndarray) -> np.ndarray:
        """Indices (..., 3) in k, j, i order to LPS mm (..., 3)."""
        kji = np.asarray(kji, float)
        return kji[..., ::-1] @ self.affine[:3, :3].T + self.affine[:3, 3]

    def to_index(self, lps_mm: np.ndarray) -> np.ndarray:
        """LPS mm (..., 3) to fractional indices in k, j, i order."""
        inverse = np.linalg.inv(self.affine)
        return (np.asarray(lps_mm, float) @ inverse[:3, :3].T + inverse[:3, 3])[..., ::-1]

    def same_grid(self, other: Geometry, tol_mm: float = 1e-3) -> bool:
        """Whether the two grids' voxels coincide (to `tol_mm` at every corner) in one frame of reference."""
        if self.shape != other.shape:
            return False
        if self.frame_of_reference and other.frame_of_reference and self.frame_of_reference != other.frame_of_reference:
            return False
        corners = np.array([[k, j, i] for k in (0, self.shape[0]) for j in (0, self.shape[1]) for i in (0, self.shape[2])])
        return bool(np.max(np.abs(self.to_patient(corners) - other.to_patient(corners))) <= tol_mm)


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """Values on a grid; `quantity` says what they are and in which unit.

    Attributes
    ----------
    values : ndarray, shape geometry.shape
        Read-only.
    geometry : Geometry
    quantity : str
        One of ``"activity concentration [Bq/mL]"``, ``"HU"``, ``"absorbed dose [Gy]"``, ``"time-integrated activity [Bq s]"``,
        ``"density [g/mL]"``, ``"counts"``, ``"label"`` ...
    time : datetime or None
        The time the values hold for.
    """

    values: np.ndarray
    geometry: Geometry
    quantity: str
    time: dt.datetime | None = None

    def __post_init__(self) -> None:
        if self.values.shape != self.geometry.shape:
            raise BadInput(f"An image of shape {self.values.shape} does not fit its geometry of shape {self.geometry.shape}.")
        v = self.values.view()
        v.flags.writeable = False
        object.__setattr__(self, "values", v)

    def with_values(self, values: np.ndarray, quantity: str | None = None) -> Volume:
        """Other values on the same grid."""
        return replace(self, values=values, quantity=quantity or self.quantity)


def require_same_grid(a: Geometry, b: Geometry, what: str) -> None:
    """Refuse to combine values on different grids."""
    if not a.same_grid(b):
        raise BadInput(f"{what}: the two images are on different grids; resample one onto the other first.")
