"""Uncertainty of a region's absorbed dose, after EANM practical guidance (Gear 2018, doi 10.1007/s00259-018-4136-7).

The dose is ``D = TIA * S`` with ``TIA`` proportional to ``C(v) / R(v)`` (counts in the outlined volume over the
recovery coefficient) and ``S`` to ``1/m``. The outlined volume ``v`` enters all three, so its contributions are added
with their signs before they are squared: that is the covariance term of the guidance. Calibration, the recovery table,
the fit and S are independent of it and of each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from ..core import BadInput

COMPONENTS = ("volume", "recovery", "calibration", "fit", "S")


@dataclass(frozen=True, slots=True)
class Recovery:
    """Recovery coefficients against volume, as measured with a phantom.

    `volume_mL` rises; `rc` is the fraction of the true activity that is found in the outline; `u_rc` its standard uncertainty.
    """

    volume_mL: tuple[float, ...]
    rc: tuple[float, ...]
    u_rc: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.volume_mL) < 2 or not len(self.volume_mL) == len(self.rc) == len(self.u_rc):
            raise BadInput("recovery: give at least two volumes and as many coefficients and uncertainties.")
        if any(b <= a for a, b in zip(self.volume_mL, self.volume_mL[1:])) or self.volume_mL[0] <= 0:
            raise BadInput("recovery: the volumes must rise and be above zero; sort the table.")
        if min(self.rc) <= 0 or max(self.rc) > 2 or min(self.u_rc) < 0:
            raise BadInput("recovery: coefficients must lie above 0 and at most at 2, uncertainties at or above 0.")

    def at(self, volume_mL: float) -> tuple[float, float, float]:
        """Coefficient, its uncertainty and its logarithmic slope d ln R / d ln v at `volume_mL` (linear in ln v, flat beyond the ends)."""
        x = math.log(volume_mL)
        xs = np.log(self.volume_mL)
        r, u = float(np.interp(x, xs, self.rc)), float(np.interp(x, xs, self.u_rc))
        if not xs[0] < x < xs[-1]:
            return r, u, 0.0
        n = int(np.searchsorted(xs, x))
        return r, u, float((self.rc[n] - self.rc[n - 1]) / (xs[n] - xs[n - 1]) / r)


def volume_relative_u(volume_mL: float, voxel_mm: float, fwhm_mm: float | None) -> float:
    """Relative standard uncertainty of an outlined volume.

    ``u(v)/v = 3 u(d)/d`` and ``u(d)^2 = a^2/6 + FWHM^2/(4 ln 2)``: two edges, each uncertain by the voxel (a^2/12) and by
    the resolution (sigma^2), for the diameter d of the sphere of that volume. Without a resolution only the voxel counts.

    >>> round(volume_relative_u(11.5, 4.42, 10.0), 2)  # a 28 mm sphere
    0.67
    """
    diameter = 10 * (6 * volume_mL / math.pi) ** (1 / 3)
    u2 = voxel_mm**2 / 6 + (fwhm_mm**2 / (4 * math.log(2)) if fwhm_mm else 0.0)
    return 3 * math.sqrt(u2) / diameter


def blurred_sphere(radius_mm: float, fwhm_mm: float) -> tuple[float, float]:
    """Edge concentration and recovery of a uniform sphere seen with a Gaussian resolution, both relative to the truth.

    The concentration at distance x from the centre is the closed form of a Gaussian-blurred ball; the recovery is its
    mean over the ball. Gear's phi is twice the first value.
    """
    s = fwhm_mm / (2 * math.sqrt(2 * math.log(2)))
    x = (np.arange(400) + 0.5) / 400 * radius_mm

    def c(x: np.ndarray) -> np.ndarray:
        ball = 0.5 * (erf((radius_mm - x) / (math.sqrt(2) * s)) + erf((radius_mm + x) / (math.sqrt(2) * s)))
        rim = np.exp(-((radius_mm - x) ** 2) / (2 * s * s)) - np.exp(-((radius_mm + x) ** 2) / (2 * s * s))
        return ball - s / (x * math.sqrt(2 * math.pi)) * rim

    return float(c(np.array([radius_mm]))[0]), float(np.sum(c(x) * x**2) / np.sum(x**2))


def dose_budget(
    *,
    volume_mL: float,
    voxel_mm: float | None,
    fwhm_mm: float | None,
    volume_u: float | None,
    recovery: Recovery | None,
    calibration_u: float | None,
    fit_u: float,
    s_u: float,
    s_slope: float = 1.0,
) -> dict[str, object]:
    """Relative standard uncertainty of a dose with the share of each component.

    Parameters
    ----------
    volume_mL : float
    voxel_mm : float or None
        Edge of the voxels in which the region was outlined; None if there was no image.
    fwhm_mm : float or None
        Resolution of the image that was outlined.
    volume_u : float or None
        Relative uncertainty of the volume or mass, where it was stated; it then replaces the estimate.
    recovery : Recovery or None
        The table that was applied.
    calibration_u : float or None
        Relative; None counts as not stated.
    fit_u, s_u : float
        Relative uncertainties of the time-integrated activity's fit and of S at fixed mass.
    s_slope : float
        ``-d ln S / d ln m``: 1 when all energy stays inside.

    Returns
    -------
    dict
        ``components`` (name to ``relative`` and ``share``), ``relative``, ``note``.
    """
    notes = []
    stated = volume_u is not None
    if stated:
        u_v = float(volume_u)  # type: ignore[arg-type]
    elif voxel_mm is not None:
        u_v = volume_relative_u(volume_mL, voxel_mm, fwhm_mm)
        if fwhm_mm is None:
            notes.append("resolution not stated: the volume's uncertainty counts the voxel size alone")
    else:
        u_v = 0.0
        notes.append("uncertainty of the volume not stated: counted as zero")
    slope = -s_slope
    if voxel_mm is not None and fwhm_mm:
        edge, recovered = blurred_sphere((3 * volume_mL * 1000 / (4 * math.pi)) ** (1 / 3), fwhm_mm)
        slope += edge / recovered
    relative = {"volume": 0.0, "recovery": 0.0, "calibration": calibration_u or 0.0, "fit": fit_u, "S": s_u}
    if recovery is not None:
        r, u_r, r_slope = recovery.at(volume_mL)
        relative["recovery"] = u_r / r
        slope -= r_slope
    relative["volume"] = abs(slope) * u_v
    if calibration_u is None:
        notes.append("uncertainty of the calibration not stated: counted as zero")
    total2 = sum(x * x for x in relative.values())
    return {
        "components": {k: {"relative": v, "share": v * v / total2 if total2 else 0.0} for k, v in relative.items()},
        "relative": math.sqrt(total2),
        "volume_relative_u": u_v,
        "note": "; ".join(notes),
    }
