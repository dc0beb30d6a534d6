"""Time-integrated activity of every voxel: compiled fits with the models of the region fits."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core import BadInput
from .models import LN_RATE_SPREAD, REJECTED, TWO_POINTS_APART, fastest_washout, slowest_uptake

VOXEL_MODELS = {
    0: "no activity", 1: "mono-exponential", 2: "mono-exponential at physical decay", 3: "uptake",
    4: "trapezoid with a tail", 5: "single time point", 6: "bi-exponential", 7: "tri-exponential",
    8: "average of models that tie", 9: "seen by one scan: mean of the field that the others share",
}
_PAIRS = 8  # nodes per rate of the grid from which the uptake model starts
_WASHOUT, _UPTAKE = 8, 6  # the same for models of two phases


@dataclass(frozen=True, slots=True, eq=False)
class VoxelFits:
    """The integrals of all voxels.

    Attributes
    ----------
    tia_Bq_s, u_tia_Bq_s : ndarray of float32, shape of one volume
        Time-integrated activity (per voxel, or per mL if the input was) and its standard uncertainty.
    model : ndarray of uint8, same shape
        Keys of `VOXEL_MODELS`; an average has its own.
    """

    tia_Bq_s: np.ndarray
    u_tia_Bq_s: np.ndarray
    model: np.ndarray


def fit_voxels(
    time_s: np.ndarray,
    activity: np.ndarray,
    *,
    decay_constant_per_s: float,
    relative_u: float = 0.10,
    relative_floor: float = 0.02,
    single_time_point_s: float | None = None,
    seen: np.ndarray | None = None,
) -> VoxelFits:
    """Integrate each voxel from the administration to infinity.

    Parameters
    ----------
    time_s : ndarray, shape (n,)
        Rising, after the administration.
    activity : ndarray, shape (n, ...)
        Activity at those times, Bq or Bq/mL (not corrected for decay); values below zero count as zero.
    decay_constant_per_s : float
        Floor of every effective rate.
    relative_u, relative_floor : float
        Standard uncertainty of a value: `relative_u` of it and `relative_floor` of the voxel's largest
        value, in quadrature.
    single_time_point_s : float
        With one volume: seconds by which it is multiplied (2 t / ln 2 for Haenscheid's method).
    seen : ndarray of bool, shape of `activity`, optional
        Where each scan saw the voxel. What a scan did not see is missing, not zero.

    Notes
    -----
    Three points or more: weighted least squares of the models of the region fits, within the same limits and
    compared by the same criterion, AIC = chi-squared + 2 k with known uncertainties: the mono-exponential, the
    uptake model (three points), the bi-exponential (four) and the tri-exponential (five). A model of more
    parameters is tried only where it could win, that is where a perfect fit would beat the best one so far.
    Models within 4 of the best in AIC are averaged with Akaike weights, and their disagreement is part of the
    uncertainty (Buckland et al. 1997, doi:10.2307/2533961); the region fits go on to 10 and try every model.
    Where the best is rejected by its chi-squared at the 0.1 % level: trapezoids from zero and a tail at the
    rate of the last two points, never slower than physical decay. Two points: the mono-exponential through
    both within the same limits, or trapezoids where it misses them by more than two standard deviations.
    No washout is faster than `fastest_washout` and no uptake slower than `slowest_uptake`, so that a voxel with
    activity in the first or the last scan alone does not grow without bound before the one or after the other.
    Voxels that not all scans saw are fitted from those that did. Where one scan alone did, the integral is that
    scan's activity times the ratio of integral to activity of the voxels seen by most scans, with a standard
    uncertainty of ln 2 of itself.
    Each voxel is computed by itself: the result does not depend on the number of threads.

    Raises
    ------
    BadInput
        Shapes or times that do not fit, values that are not finite, or one volume without
        `single_time_point_s`.

    >>> t = 3600 * np.array([4.0, 24.0, 96.0, 168.0])
    >>> volume = np.exp(-1e-5 * t)[:, None, None, None] * np.full((1, 2, 2, 2), 5.0)
    >>> float(fit_voxels(t, volume, decay_constant_per_s=1.2e-6).tia_Bq_s[0, 0, 0].round(1))
    500000.0
    """
    t = np.array(time_s, float)
    values = np.asarray(activity)
    _check(t, values, decay_constant_per_s, relative_u, relative_floor, single_time_point_s)
    if values.dtype not in (np.float32, np.float64):
        values = values.astype(np.float64)
    shape = values.shape[1:]
    flat = np.ascontiguousarray(values).reshape(len(t), -1)
    if len(t) == 1 and single_time_point_s is not None:
        return _scaled(flat[0].reshape(shape), single_time_point_s, relative_u)

    if seen is not None:
        here = np.asarray(seen, bool)
        if here.shape != values.shape:
            raise BadInput(f"fit_voxels: got `seen` of shape {here.shape} for an activity array of shape {values.shape}; they must be alike.")
        if not here.all():
            return _by_field(t, flat, here.reshape(flat.shape), shape, decay_constant_per_s, relative_u, relative_floor)
    from scipy.stats import chi2 as chi2_distribution

    from .voxel_kernel import fit_all  # numba loads only when voxels are fitted

    fastest, lag = fastest_washout(t, decay_constant_per_s), slowest_uptake(t, decay_constant_per_s)
    rejected = np.append(TWO_POINTS_APART, chi2_distribution.ppf(1 - REJECTED, np.arange(1, len(t))))
    slow, quick, differences = _uptake_grid(t, decay_constant_per_s, fastest, lag)
    tia, u, model, finite = fit_all(
        t, flat, decay_constant_per_s, relative_u, relative_floor, fastest, lag,
        slow, quick, differences, *_two_phase_grid(t, decay_constant_per_s, fastest, lag, quick[-1]), rejected,
    )
    if not finite.all():
        raise BadInput("The activity volumes hold values that are not finite numbers; check the images and their scale factors.")
    return VoxelFits(tia.reshape(shape), u.reshape(shape), model.reshape(shape))


def _check(t: np.ndarray, values: np.ndarray, decay: float, relative_u: float, floor: float, seconds: float | None) -> None:
    if t.ndim != 1 or not len(t) or values.ndim < 1 or len(values) != len(t):
        raise BadInput(f"fit_voxels: got {t.size} times for an activity array of shape {values.shape}; its first axis must be time.")
    if not np.all(np.isfinite(t)) or t[0] <= 0 or np.any(np.diff(t) <= 0):
        raise BadInput("fit_voxels: the times must be after the administration and rise; sort the volumes and remove repeats.")
    if not (math.isfinite(decay) and decay > 0):
        raise BadInput(f"decay_constant_per_s: got {decay}; give the nuclide's decay constant, above zero.")
    if not (relative_u > 0 and floor > 0 and math.isfinite(relative_u + floor)):
        raise BadInput(f"fit_voxels: got relative_u {relative_u} and relative_floor {floor}; both must be above zero.")
    if len(t) == 1 and (seconds is None or not (math.isfinite(seconds) and seconds > 0)):
        raise BadInput("One volume does not show how fast the activity falls; give single_time_point_s, the seconds it is multiplied by.")


def _scaled(volume: np.ndarray, seconds: float, relative_u: float) -> VoxelFits:
    if not np.all(np.isfinite(volume)):
        raise BadInput("The activity volumes hold values that are not finite numbers; check the images and their scale factors.")
    tia = (np.maximum(volume, 0) * seconds).astype(np.float32)
    return VoxelFits(tia, tia * np.float32(relative_u), np.where(tia > 0, 5, 0).astype(np.uint8))


def _by_field(
    t: np.ndarray, flat: np.ndarray, seen: np.ndarray, shape: tuple[int, ...], decay: float, relative_u: float, floor: float
) -> VoxelFits:
    """Each group of voxels that the same scans saw, from those scans; the group of most scans first."""
    pattern = np.zeros(flat.shape[1], np.int64)
    for n, row in enumerate(seen):
        pattern |= row.astype(np.int64) << n
    groups = sorted((int(p) for p in np.unique(pattern) if p), key=lambda p: (-p.bit_count(), p))
    if not groups or groups[0].bit_count() < 2:
        raise BadInput("No voxel was seen by two scans; their fields of view do not overlap, so check how the scans are placed.")
    tia, u, model = np.zeros(flat.shape[1], np.float32), np.zeros(flat.shape[1], np.float32), np.zeros(flat.shape[1], np.uint8)
    for p in groups:
        scans, voxels = np.flatnonzero(p >> np.arange(len(t)) & 1), np.flatnonzero(pattern == p)
        if len(scans) > 1:
            part = fit_voxels(t[scans], flat[np.ix_(scans, voxels)], decay_constant_per_s=decay, relative_u=relative_u, relative_floor=floor)
            tia[voxels], u[voxels], model[voxels] = part.tia_Bq_s, part.u_tia_Bq_s, part.model
            continue
        shared = pattern == groups[0]
        there = float(np.maximum(flat[scans[0], shared], 0).sum(dtype=float))
        # Without any activity in the shared field nothing is known but that the nuclide decays.
        # Nor is there more than a rise to the scan as a trapezoid has it at the most, and decay alone after it.
        most = float(t[scans[0]]) + 1 / decay
        seconds = min(float(tia[shared].sum(dtype=float)) / there, most) if there > 0 and p & groups[0] else 1 / decay
        part = _scaled(flat[scans[0], voxels], seconds, LN_RATE_SPREAD)
        tia[voxels], u[voxels], model[voxels] = part.tia_Bq_s, part.u_tia_Bq_s, np.where(part.tia_Bq_s > 0, 9, 0)
    return VoxelFits(tia.reshape(shape), u.reshape(shape), model.reshape(shape))


def _uptake_grid(t: np.ndarray, decay: float, fastest: float, lag: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of rates, the largest uptake rate last, and their difference of exponentials, shape (pairs, n)."""
    slow = np.geomspace(decay, fastest, _PAIRS)
    quick = np.geomspace(1.5 * decay, max(10 / t[0], 40 * decay), _PAIRS)
    k, q = (x.ravel() for x in np.meshgrid(slow, quick, indexing="ij"))
    apart = q >= np.maximum(1.3 * k, k + lag)
    k, q = k[apart], q[apart]
    return k, q, np.exp(-np.multiply.outer(k, t)) - np.exp(-np.multiply.outer(q, t))


def _two_phase_grid(
    t: np.ndarray, decay: float, fastest: float, lag: float, quickest: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Washout rates up to the limit of the region fits, uptake rates with infinity last, and their exponentials."""
    washout = np.geomspace(decay, fastest, _WASHOUT)
    uptake = np.append(np.geomspace(1.5 * decay + lag, quickest, _UPTAKE), np.inf)
    return washout, np.exp(-np.multiply.outer(washout, t)), uptake, np.exp(-np.multiply.outer(uptake, t))
