"""Dose-volume histograms (ICRU Report 83 names: D_98, D_50, D_2; V_x)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core import BadInput


@dataclass(frozen=True, slots=True, eq=False)
class DVH:
    """Cumulative dose-volume histogram of one region.

    `D98_Gy` is the dose that at least 98 % of the volume receives; `volume_fraction[n]` is the part of the volume that
    receives `dose_Gy[n]` or more. `V` maps a dose in Gy to that fraction.
    """

    mean_Gy: float
    min_Gy: float
    max_Gy: float
    D98_Gy: float
    D50_Gy: float
    D2_Gy: float
    V: dict[float, float]
    dose_Gy: np.ndarray
    volume_fraction: np.ndarray


def dvh(dose_Gy: np.ndarray, *, levels_Gy: tuple[float, ...] = (), points: int = 200) -> DVH:
    """The histogram of voxel doses of equal volume.

    Parameters
    ----------
    dose_Gy : ndarray
        Dose of each voxel of the region, any shape.
    levels_Gy : tuple of float
        Doses x for which V_x is wanted; empty takes 10, 20, 30 and 40 Gy.
    points : int
        Points of the curve, from 0 to the maximum.

    Raises
    ------
    BadInput
        No voxels.

    >>> d = dvh(np.arange(1.0, 101.0))
    >>> round(d.D98_Gy, 1), round(d.D50_Gy, 1), d.V[20.0]
    (3.0, 50.5, 0.81)
    """
    d = np.sort(np.asarray(dose_Gy, float).ravel())
    if not d.size:
        raise BadInput("A dose-volume histogram needs at least one voxel; check the region.")
    curve = np.linspace(0.0, d[-1], points)
    above = 1 - np.searchsorted(d, curve, side="left") / d.size
    d98, d50, d2 = np.percentile(d, [2, 50, 98])
    v = {float(x): float(1 - np.searchsorted(d, x, side="left") / d.size) for x in (levels_Gy or (10.0, 20.0, 30.0, 40.0))}
    return DVH(float(d.mean()), float(d[0]), float(d[-1]), float(d98), float(d50), float(d2), v, curve, above)
