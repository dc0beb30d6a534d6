"""Energy deposited around a point: the one form in which every radiation reaches the dose engines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from ..core import CouldNot


@dataclass(frozen=True, slots=True)
class RadialKernel:
    """Cumulative energy deposited around an isotropic point source in infinite water of density 1 g/cm3.

    Attributes
    ----------
    radius_mm : ndarray, shape (n,)
        Increasing radii; the first is 0.
    energy_MeV : ndarray, shape (n,)
        Energy deposited within each radius, per decay; never falls. ``energy_MeV[0]`` is what stays at the point.
    emitted_MeV : float
        Energy emitted per decay. ``emitted_MeV - energy_MeV[-1]`` has left the table (bremsstrahlung, photons beyond the last radius).
    """

    radius_mm: np.ndarray
    energy_MeV: np.ndarray
    emitted_MeV: float

    def __post_init__(self) -> None:
        r, e = self.radius_mm, self.energy_MeV
        if r.ndim != 1 or r.shape != e.shape or len(r) < 2 or r[0] != 0 or np.any(np.diff(r) <= 0) or np.any(np.diff(e) < -1e-12 * max(e[-1], 1e-300)):
            raise CouldNot("A radial kernel needs radii that rise from 0 and a cumulative energy that never falls.")
        r.flags.writeable = False
        e.flags.writeable = False

    def within(self, radius_mm: np.ndarray | float) -> np.ndarray:
        """Energy deposited within `radius_mm`, MeV (monotone cubic interpolation; constant beyond the last radius)."""
        return PchipInterpolator(self.radius_mm, self.energy_MeV)(np.clip(radius_mm, 0.0, self.radius_mm[-1]))

    def scaled(self, factor: float) -> RadialKernel:
        """The kernel of `factor` such emissions."""
        return RadialKernel(self.radius_mm.copy(), self.energy_MeV * factor, self.emitted_MeV * factor)


def add(kernels: list[RadialKernel]) -> RadialKernel:
    """The sum of kernels, on the union of their radii."""
    r = np.unique(np.concatenate([k.radius_mm for k in kernels]))
    return RadialKernel(r, np.sum([k.within(r) for k in kernels], axis=0), sum(k.emitted_MeV for k in kernels))
