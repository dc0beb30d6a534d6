"""The door to the fits: from a time-activity curve to its time-integrated activity."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..core import BadInput, CouldNot, near_matches, show
from .curves import TimeActivityCurve, TimeIntegratedActivity
from .few_points import METHODS as SINGLE
from .few_points import single_time_point
from .jackson2013 import tri_exponential_jackson2013
from .models import (
    LN_RATE_SPREAD,
    MODELS,
    REJECTED,
    TWO_POINTS_APART,
    Model,
    ModelFit,
    fastest_washout,
    fit_model,
)
from .selection import aicc, average, record
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
        the mono-exponential through both; one point needs one of the methods below. Where the best model is rejected,
        see Notes, the integral is that of the trapezoid and `model` says so; models that were named are kept.
        "trapezoid", "tri-exponential-jackson2013" (three points), or for one point "hanscheid", "madsen",
        "population", "physical" (see `single_time_point` for these and the last three parameters).
    variance : str
        "known" or "estimated" uncertainties in the information criterion (see `aicc`).

    Returns
    -------
    TimeIntegratedActivity
        Its uncertainty holds the points' uncertainties through the fit's covariance, widened by the scatter
        around the best model, and the disagreement between models.

    Notes
    -----
    A model is rejected where its chi-squared has a probability below 0.1 %; two points, where the mono-exponential within
    the limits of its rate misses them by more than two standard deviations of their difference (they rise, fall more
    slowly than physical decay, or too fast for the first to tell what came before). A rejected fit is not merely poor: where
    uncertainties are proportional to the points, it is low, as no curve can be more than 1/u deviations below a point but
    any number above it. The trapezoid then has the uncertainty

        u^2 = u_points^2 + h^2 / 3 + c^2 + d^2,

    u_points with the tail's rate; h from what the trapezoid takes before the first point, a_1 t_1 / 2, up to the most that may
    have come there: a_1 t_1, or the rate of the first two points carried back (no faster than `fastest_washout`); c what
    straight lines add to exponential ones where the curve falls; d what the tail may be beside what was taken, see `tail_u`.

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
    too_fast = _too_fast(t, a, decay)
    if variance == "known" and best.chi2 > _most(best, len(t)):
        said = (
            f"the {best.model.name} curve, the best within the limits of its rates, misses the points by more than their uncertainties "
            f"allow (chi-squared {best.chi2:.1f}, {best.degrees_of_freedom or 'no'} degree{'s' * (best.degrees_of_freedom != 1)} of freedom)"
        )
        if models is None:
            warnings += [f"The integral is by trapezoids: {said}.", *too_fast, *_tail_warnings(t, a, u, decay, "the tail assumes physical decay alone")]
            return _without_model(TimeActivityCurve(t, a, u), decay, fits, criteria, warnings)
        warnings.append(f"The models named do not describe the points: {said}; the integral may be far too low. Method 'trapezoid' needs no model.")
    warnings += too_fast + _tail_warnings(t, a, u, decay, "the curve assumes the fitted phases, no slower than physical decay")
    if best.rates_per_s[0] <= decay * (1 + 1e-6):
        warnings.append("The last phase falls no faster than physical decay; physical decay was taken for it.")
    if len(t) == 2:
        warnings.append("Two points: one phase through both, and no sign of an uptake or a second phase could be seen.")
    return average(fits, criteria, warnings)


def _most(fit: ModelFit, points: int) -> float:
    """The chi-squared above which a fit is rejected; one without degrees of freedom is judged as if it had one."""
    if points == 2:
        return TWO_POINTS_APART
    from scipy.stats import chi2

    return float(chi2.ppf(1 - REJECTED, max(fit.degrees_of_freedom, 1)))


def _without_model(
    curve: TimeActivityCurve, decay: float, fits: list[ModelFit], criteria: list[float], warnings: list[str]
) -> TimeIntegratedActivity:
    """The trapezoid of a curve that no model describes, with what is not known of its shape in the uncertainty."""
    t, a = curve.time_s, curve.activity_Bq
    plain = trapezoid(curve, decay)
    back = min(_rate(t[:2], a[:2]), fastest_washout(t, decay)) if t[0] > 0 and a[0] > a[1] else 0.0
    start = a[0] * t[0] / 2  # the trapezoid's own, with start^2 / 3 in its variance
    before = max(start, a[0] * (math.expm1(back * t[0]) / back if back > 0 else t[0]) - start)
    straight = 0.0
    for i in range(len(t) - 1):
        if a[i] > a[i + 1] > 0:
            straight += (t[i + 1] - t[i]) * ((a[i] + a[i + 1]) / 2 - (a[i] - a[i + 1]) / math.log(a[i] / a[i + 1]))
    tail = tail_u(t, a, curve.u_activity_Bq, decay)
    u = math.sqrt(plain.u_tia_Bq_s**2 + (before**2 - start**2) / 3 + straight**2 + tail**2)
    records = tuple(record(f, c, 0.0, 1.0) for f, c in zip(fits, criteria))
    return replace(plain, u_tia_Bq_s=u, candidates=records, warnings=tuple(dict.fromkeys(warnings)))


def tail_u(t: np.ndarray, a: np.ndarray, u: np.ndarray, decay: float) -> float:
    """Standard uncertainty of a tail a_n / k from what the last points do not show of its rate, Bq s.

    Their noise is not in it. With k the rate of the last two points and k' that of the two before, per s:

    - k above physical decay: where k is below k' by more than their noise, the curve still slows down, and the tail may be as
      long as if it did so once more by the same factor, at k^2 / k' (no less than lambda): half of (1 / that - 1 / k) a_n,
      over sqrt(3). (With the whole of it, curves of two phases lay within the stated interval always.)
    - Physical decay was taken and the points fall: nothing is slower, so a factor of two can only shorten the tail, to half
      of a_n / lambda: half of it over sqrt(3).
    - The points rise: what goes on to arrive may lengthen the tail too: ln 2 a_n / lambda.

    The square root of three is that of a rectangular distribution of that half-width.

    >>> t, none = 86400 * np.array([1.0, 2.0, 3.0]), np.zeros(3)
    >>> round(tail_u(t, np.array([16.0, 4.0, 2.0]), none, 1e-7) / (2 * 86400 / math.log(2)) * math.sqrt(3), 9)
    0.5
    """
    k = _rate(t[-2:], a[-2:]) if a[-2] > a[-1] else 0.0
    if a[-1] <= 0 or not math.isfinite(k):
        return 0.0
    if k <= decay:
        return float(a[-1]) / decay * (LN_RATE_SPREAD if a[-1] > a[-2] else 0.5 / math.sqrt(3))
    if len(t) < 3 or a[-3] <= a[-2]:
        return 0.0
    before = _rate(t[-3:-1], a[-3:-1])
    r, near, far = u[-3:] / a[-3:], 1 / float(t[-2] - t[-3]), 1 / float(t[-1] - t[-2])
    if before - k <= math.hypot(r[0] * near, r[1] * (near + far), r[2] * far):
        return 0.0
    return float(a[-1]) * (1 / max(decay, k * k / before) - 1 / k) / 2 / math.sqrt(3)


def _rate(t: np.ndarray, a: np.ndarray) -> float:
    """Rate between two points of which the first is above the second, per s."""
    return math.log(a[0] / a[1]) / float(t[1] - t[0]) if a[1] > 0 else math.inf


def _too_fast(t: np.ndarray, a: np.ndarray, decay: float) -> list[str]:
    """Say where the curve falls so fast that the first point does not show what came before it."""
    if t[0] <= 0 or a[0] <= a[1] or (rate := _rate(t[:2], a[:2])) <= fastest_washout(t, decay):
        return []
    seen = f"with a half-life of {show(math.log(2) / rate, 's')}" if math.isfinite(rate) else "to nothing"
    return [
        f"Between the first two points the activity falls {seen}, too fast for a first point at {show(float(t[0]), 's')} to tell what "
        f"came before it: no half-life below {show(math.log(2) / fastest_washout(t, decay), 's')} was carried back to the administration."
    ]


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


def _tail_warnings(t: np.ndarray, a: np.ndarray, u: np.ndarray, decay: float, assumed: str) -> list[str]:
    slower = a[-1] * math.exp(decay * (t[-1] - t[-2])) - a[-2]
    noise = math.hypot(u[-1] * math.exp(decay * (t[-1] - t[-2])), u[-2])
    if a[-1] > a[-2]:
        return [f"The activity still rises at the last point; after it {assumed}. A later scan would show the washout."]
    if slower > 2 * noise or (slower > 0 and "tail" in assumed):
        return [f"Between the last two points the activity falls more slowly than physical decay; after them {assumed}."]
    return []
