"""The door to the fits: from a time-activity curve to its time-integrated activity."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..core import BadInput, CouldNot, near_matches, show
from .curves import TimeActivityCurve, TimeIntegratedActivity
from .few_points import METHODS as SINGLE
from .few_points import single_time_point
from .jackson2013 import tri_exponential_jackson2013
from .models import MODELS, Model, ModelFit, fit_model
from .selection import aicc, average
from .trapezoid import trapezoid

FIT_METHODS = ("auto", "trapezoid", "tri-exponential-jackson2013", *SINGLE)
_ASSUMED_U = 0.05
#: After as many physical half-lives 10^-9 of an activity is left: a few becquerel of what was given.
MOST_HALF_LIVES = 30.0


def fit_curve(
    curve: TimeActivityCurve,
    *,
    decay_constant_per_s: float,
    models: Sequence[str] | None = None,
    method: str = "auto",
    variance: str = "known",
    half_life_s: float | None = None,
    half_life_relative_u: float | None = None,
    relative_u: float | None = None,
) -> TimeIntegratedActivity:
    """Integrate a curve from the administration to infinity.

    Parameters
    ----------
    curve : TimeActivityCurve
        Activities as they were at each time (not corrected for decay).
    decay_constant_per_s : float
        Physical decay constant; no effective rate is allowed below it.
    models : sequence of str, optional
        From "mono-exponential" (2 parameters), "uptake" (3), "bi-exponential" (4), "tri-exponential" (5).
        Default: all that have no more parameters than there are points.
    method : str
        "auto": fit the models by weighted least squares and average them with Akaike weights; two points give
        the mono-exponential through both; one point needs one of the methods below.
        "trapezoid", "tri-exponential-jackson2013" (three points), or for one point "hanscheid", "madsen",
        "population", "physical" (see `single_time_point` for these and the last three parameters).
    variance : str
        "known" or "estimated" uncertainties in the information criterion (see `aicc`).

    Returns
    -------
    TimeIntegratedActivity
        Its uncertainty holds the points' uncertainties through the fit's covariance, widened by the scatter
        around the best model, and the disagreement between models.

    Raises
    ------
    BadInput
        An unknown model or method, too few points for it, a decay constant that is not positive, or a point so late
        that nothing is left.
    CouldNot
        No model could be fitted.

    >>> t = 3600 * np.array([4.0, 24.0, 96.0, 168.0])
    >>> a = 1e8 * np.exp(-np.log(2) / (50 * 3600) * t)
    >>> result = fit_curve(TimeActivityCurve(t, a, 0.05 * a), decay_constant_per_s=1.2074e-6, models=["mono-exponential"])
    >>> round(float(result.tia_Bq_s / (1e8 * 50 * 3600 / np.log(2))), 6)
    1.0
    """
    if not (math.isfinite(decay_constant_per_s) and decay_constant_per_s > 0):
        raise BadInput(f"decay_constant_per_s: got {decay_constant_per_s}; give the nuclide's decay constant, above zero.")
    if decay_constant_per_s * curve.time_s[-1] > MOST_HALF_LIVES * math.log(2):
        raise BadInput(
            f"The last point, at {show(float(curve.time_s[-1]), 's')}, is more than {MOST_HALF_LIVES:g} physical half-lives "
            f"({show(math.log(2) / decay_constant_per_s, 's')}) after the administration, when nothing is left; check the nuclide and the times."
        )
    if method not in FIT_METHODS:
        raise BadInput(f"Fit method: got {method!r}; choose one of {', '.join(FIT_METHODS)}.{near_matches(method, FIT_METHODS)}")
    if method in SINGLE:
        return single_time_point(
            curve, method, decay_constant_per_s,
            half_life_s=half_life_s, half_life_relative_u=half_life_relative_u, relative_u=relative_u,
        )
    if method == "trapezoid":
        return trapezoid(curve, decay_constant_per_s)
    if method == "tri-exponential-jackson2013":
        return tri_exponential_jackson2013(curve, decay_constant_per_s)
    if len(curve.time_s) == 1:
        raise BadInput(f"One point does not show how fast the activity falls; choose a single-time-point method: {', '.join(SINGLE)}.")
    return _fit_and_average(curve, decay_constant_per_s, models, variance)


def _fit_and_average(curve: TimeActivityCurve, decay: float, models: Sequence[str] | None, variance: str) -> TimeIntegratedActivity:
    t, a = curve.time_s, curve.activity_Bq
    u, warnings = _usable_uncertainties(curve)
    warnings += _tail_warnings(t, a, u, decay)
    fits: list[ModelFit] = []
    criteria: list[float] = []
    for model in _allowed(models, t, a):
        criterion = aicc(0.0, len(t), model.n_parameters, variance)
        if models is None and not math.isfinite(criterion):
            continue
        fit = fit_model(model, t, a, u, decay)
        if fit.tia_Bq_s > 0 and not (models is None and fits and fit.reduces):  # else a simpler model counts twice
            fits.append(fit)
            criteria.append(aicc(fit.chi2, len(t), model.n_parameters, variance))
    if not fits or not all(map(math.isfinite, criteria)):
        raise CouldNot(f"No model could be chosen for a curve of {len(t)} points; use variance='known', fewer models, or method 'trapezoid'.")
    best = fits[int(np.argmin(criteria))]
    if best.rates_per_s[0] <= decay * (1 + 1e-6):
        warnings.append("The last phase falls no faster than physical decay; physical decay was taken for it.")
    if len(t) == 2:
        warnings.append("Two points: one phase through both, and no sign of an uptake or a second phase could be seen.")
    return average(fits, criteria, warnings)


def _allowed(names: Sequence[str] | None, t: np.ndarray, a: np.ndarray) -> list[Model]:
    if names is None:
        chosen = [m for m in MODELS.values() if m.n_parameters <= len(t)]
        if t[0] == 0:  # a model that rises is zero there, one that does not is positive
            chosen = [m for m in chosen if m.rises == (a[0] == 0)] or [MODELS["mono-exponential"]]
        return chosen
    if not names:
        raise BadInput("models: got an empty list; name at least one, or leave it out.")
    for name in names:
        if name not in MODELS:
            raise BadInput(f"Model: got {name!r}; choose from {', '.join(MODELS)}.{near_matches(name, MODELS)}")
        if MODELS[name].n_parameters > len(t):
            raise BadInput(f"The model {name!r} has {MODELS[name].n_parameters} parameters and the curve {len(t)} points; give as many points, or a simpler model.")
    return [MODELS[name] for name in dict.fromkeys(names)]


def _usable_uncertainties(curve: TimeActivityCurve) -> tuple[np.ndarray, list[str]]:
    u = np.array(curve.u_activity_Bq)
    if not np.any(u > 0):
        a = curve.activity_Bq
        return np.maximum(_ASSUMED_U * a, 0.2 * _ASSUMED_U * a.max()), ["No uncertainties were given; 5 % of each activity (at least 1 % of the largest) was assumed."]
    if np.any(u == 0):
        u[u == 0] = u[u > 0].min()
        return u, ["A point without uncertainty was given the smallest one of the others."]
    return u, []


def _tail_warnings(t: np.ndarray, a: np.ndarray, u: np.ndarray, decay: float) -> list[str]:
    slower = a[-1] * math.exp(decay * (t[-1] - t[-2])) - a[-2]
    noise = math.hypot(u[-1] * math.exp(decay * (t[-1] - t[-2])), u[-2])
    if a[-1] > a[-2]:
        return ["The activity still rises at the last point; after it the curve assumes the fitted phases, no slower than physical decay. A later scan would show the washout."]
    if slower > 2 * noise:
        return ["Between the last two points the activity falls more slowly than physical decay; the curve assumes at least physical decay after them."]
    return []
