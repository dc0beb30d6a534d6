"""The curve of the same ligand with another nuclide: every effective rate changes by the difference of the decay constants."""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from .curves import TimeActivityCurve, TimeIntegratedActivity
from .models import MODELS
from .trapezoid import trapezoid


def exchange_nuclide(fit: TimeIntegratedActivity, curve: TimeActivityCurve, decay_constant_per_s: float, new_decay_constant_per_s: float) -> TimeIntegratedActivity:
    """The integral with another nuclide of the same activity at the administration.

    With ``A(t) = sum c_i exp(-k_i t)`` and biological rates ``k_i - lambda``, the new curve is
    ``sum c_i exp(-(k_i - lambda + lambda') t)``; uncertainty follows from the covariance of each model that was averaged.

    Parameters
    ----------
    fit : TimeIntegratedActivity
        Of the first nuclide.
    curve : TimeActivityCurve
        Its points; only a trapezoid needs them.
    decay_constant_per_s, new_decay_constant_per_s : float

    Notes
    -----
    Methods without a covariance (one point) keep their relative uncertainty. A trapezoid is made anew through the points that the
    new nuclide would show, with no less relative uncertainty than it had.

    >>> one = TimeIntegratedActivity(5e5, 5e4, "mono-exponential", 0.0, np.array([1.0]), np.array([2e-6]))
    >>> new = exchange_nuclide(one, TimeActivityCurve([1.0], [1.0], [0.0]), 1e-6, 3e-6)  # the biological rate of 1e-6 stays
    >>> round(new.tia_Bq_s)
    250000
    """
    change = new_decay_constant_per_s - decay_constant_per_s
    if change == 0:
        return fit
    if not len(fit.rates_per_s):
        factor = np.exp(-change * curve.time_s)
        new = trapezoid(TimeActivityCurve(curve.time_s, curve.activity_Bq * factor, curve.u_activity_Bq * factor), new_decay_constant_per_s)
        # What made the first integral uncertain (its tail, a rise not seen) is not known better now.
        u = max(new.u_tia_Bq_s, new.tia_Bq_s * fit.u_tia_Bq_s / fit.tia_Bq_s)
        return dataclasses.replace(new, u_tia_Bq_s=u, warnings=fit.warnings)
    # No effective rate is below physical decay; rounding must not take one there.
    rates = np.maximum(fit.rates_per_s + change, new_decay_constant_per_s)
    tia = float(np.sum(fit.coefficients_Bq / rates))
    warnings = fit.warnings
    first = float(curve.time_s[0]) * new_decay_constant_per_s / math.log(2)
    if first > 1:
        warnings = (*warnings, f"The first point lies {first:.1f} half-lives of the new nuclide after the administration: most of its decays come before, where the curve is extrapolated.")
    weighted = [(float(c["weight"]), *_of_model(c, change)) for c in fit.candidates if c["weight"] > 0]
    if weighted:
        u = math.sqrt(sum(w * (u_m**2 + (value - tia) ** 2) for w, value, u_m in weighted))
    else:
        u = tia * fit.u_tia_Bq_s / fit.tia_Bq_s
    half_life = math.log(2) / (math.log(2) / fit.effective_half_life_s + change) if fit.effective_half_life_s > 0 else fit.effective_half_life_s
    return dataclasses.replace(fit, tia_Bq_s=tia, u_tia_Bq_s=u, effective_half_life_s=half_life, rates_per_s=rates, candidates=(), warnings=warnings)


def _of_model(candidate: dict, change: float) -> tuple[float, float]:  # type: ignore[type-arg]
    """Integral and standard uncertainty of one model with every rate changed."""
    model = MODELS[candidate["name"]]
    values = np.array(list(candidate["parameters"].values()))
    a, k = values[: model.phases], values[model.phases :] + change
    c = np.append(a, -a.sum()) if model.rises else a
    per_amplitude = 1 / k[: model.phases] - (1 / k[-1] if model.rises else 0.0)
    gradient = np.concatenate([per_amplitude, -c / k**2])
    return float(np.sum(c / k)), math.sqrt(max(float(gradient @ np.asarray(candidate["covariance"]) @ gradient), 0.0))
