"""Time-activity curves and what a fit of one says."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core import BadInput


@dataclass(frozen=True, slots=True, eq=False)
class TimeActivityCurve:
    """Activity of a region at times after the administration (as it was then, not decay-corrected).

    Attributes
    ----------
    time_s : ndarray, shape (n,)
        Strictly increasing, seconds after administration.
    activity_Bq : ndarray, shape (n,)
    u_activity_Bq : ndarray, shape (n,)
        Standard uncertainty of each point that is independent between points (k = 1).
    """

    time_s: np.ndarray
    activity_Bq: np.ndarray
    u_activity_Bq: np.ndarray

    def __post_init__(self) -> None:
        for name in ("time_s", "activity_Bq", "u_activity_Bq"):
            a = np.array(getattr(self, name), float)
            a.flags.writeable = False
            object.__setattr__(self, name, a)
        t, a, u = self.time_s, self.activity_Bq, self.u_activity_Bq
        if t.ndim != 1 or not len(t) or t.shape != a.shape or t.shape != u.shape:
            raise BadInput("A time-activity curve needs as many activities and uncertainties as times, and at least one.")
        if not (np.all(np.isfinite(t)) and np.all(np.isfinite(a)) and np.all(np.isfinite(u))):
            raise BadInput("A time-activity curve holds a value that is not a finite number; correct or leave out that point.")
        if np.any(np.diff(t) <= 0):
            raise BadInput("The times of a time-activity curve must rise; sort the scans and remove repeats.")
        if t[0] < 0:
            raise BadInput("A time-activity curve has a point before the administration; check the scan and administration times.")
        if np.any(a < 0):
            raise BadInput("A time-activity curve holds a negative activity; check the background correction and the calibration.")
        if not np.any(a > 0):
            raise BadInput("A time-activity curve is zero at every time; check the region and the calibration.")
        if np.any(u < 0):
            raise BadInput("A standard uncertainty is negative; give it as zero or above.")


@dataclass(frozen=True, slots=True, eq=False)
class TimeIntegratedActivity:
    """Integral of a curve from the administration to infinity.

    Attributes
    ----------
    tia_Bq_s, u_tia_Bq_s : float
        Time-integrated activity and its standard uncertainty (fit and model together, k = 1).
    model : str
        What was fitted, e.g. ``"bi-exponential"`` or ``"average: mono-exponential 0.7, uptake 0.3"``.
    effective_half_life_s : float
        Half-life of the last phase; nan where the method finds none.
    coefficients_Bq, rates_per_s : ndarray, shape (m,)
        The curve as ``sum(c * exp(-k * t))``; empty for a trapezoid.
    candidates : tuple of dict
        Each model tried: name, AICc, weight, parameters, covariance.
    warnings : tuple of str
    """

    tia_Bq_s: float
    u_tia_Bq_s: float
    model: str
    effective_half_life_s: float
    coefficients_Bq: np.ndarray
    rates_per_s: np.ndarray
    candidates: tuple[dict[str, Any], ...] = ()
    warnings: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        for name in ("tia_Bq_s", "u_tia_Bq_s", "effective_half_life_s"):
            object.__setattr__(self, name, float(getattr(self, name)))

    def activity_Bq(self, time_s: np.ndarray) -> np.ndarray:
        """The fitted curve at `time_s`."""
        return np.exp(-np.multiply.outer(np.asarray(time_s, float), self.rates_per_s)) @ self.coefficients_Bq
