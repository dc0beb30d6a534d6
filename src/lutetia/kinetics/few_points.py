"""One scan: the integral from a single point, with what is known of the half-life elsewhere."""

from __future__ import annotations

import math

import numpy as np

from ..core import BadInput, show
from .curves import TimeActivityCurve, TimeIntegratedActivity

METHODS = ("hanscheid", "madsen", "population", "physical")
_MOST_HALF_LIVES = 20.0  # beyond them a scan sees less than a millionth of what there was

# 95 % (Hanscheid) and 94 % (Madsen) of integrals from one 177Lu-DOTATATE scan lay within 20 % of those from
# several, so that 20 % is about two standard uncertainties: doi:10.1186/s40658-024-00665-9.
_U_METHOD = 0.10
_U_SOURCE = "10 % (about 95 % of integrals within 20 % for 177Lu-DOTATATE, doi:10.1186/s40658-024-00665-9)"


def single_time_point(
    curve: TimeActivityCurve,
    method: str,
    decay_constant_per_s: float,
    *,
    half_life_s: float | None = None,
    half_life_relative_u: float | None = None,
    relative_u: float | None = None,
) -> TimeIntegratedActivity:
    """The time-integrated activity from one point at time t.

    ``"hanscheid"``: TIA = A(t) 2 t / ln 2. With x = t/T_eff its ratio to a mono-exponential's integral is
    2 x 2^-x: within -12 % and +6 % for 0.75 <= x <= 2.5, and falling away fast outside, where the uncertainty
    is at least that error.
    Haenscheid et al. 2018, doi:10.2967/jnumed.117.193706.

    ``"madsen"``: TIA = A(t) exp(k t) / k with the population's effective rate k; least sensitive to k at
    t = 1/k. Madsen et al. 2018, doi:10.1002/mp.12886.

    ``"population"``: the mean of the same expression over a log-normal half-life (log-normal: Hou et al. 2021,
    PMC8882881) within three of its standard deviations, cut at the physical half-life; its spread is the uncertainty.

    ``"physical"``: TIA = A(t) exp(lambda t) / lambda, as if nothing left the region.

    Parameters
    ----------
    curve : TimeActivityCurve
        With one point, after the administration.
    half_life_s : float
        Population's effective half-life (median). Needed for "madsen" and "population"; for "hanscheid" it
        only serves to check the range.
    half_life_relative_u : float
        Its relative standard deviation between patients. Needed for "population".
    relative_u : float
        Relative standard uncertainty of the method itself. The default is the published 10 % for "hanscheid"
        and "madsen" (for "madsen", `half_life_relative_u` is used instead if given). Needed for "physical".

    Raises
    ------
    BadInput
        More than one point, a point at time zero, an unknown method, or a missing or impossible value.

    >>> curve = TimeActivityCurve([345600.0], [1e6], [0.0])
    >>> round(single_time_point(curve, "hanscheid", 1.2e-6).tia_Bq_s / 1e11, 4)
    9.9719
    """
    t, a, u_a, t_phys = _checked(curve, method, decay_constant_per_s, half_life_s, half_life_relative_u, relative_u)
    warnings: list[str] = []
    if method == "hanscheid":
        seconds, rate, coefficient = 2 * t / math.log(2), math.log(2) / t, 2.0
        u_rel = _U_METHOD if relative_u is None else relative_u
        warnings += _outside_hanscheid(t, half_life_s, t_phys)
        if half_life_s is not None and not 0.75 <= t / half_life_s <= 2.5:
            u_rel = max(u_rel, abs(_hanscheid_error(t / half_life_s)))
    else:
        half_life = t_phys if method == "physical" else min(half_life_s or t_phys, t_phys)
        if method != "physical" and (half_life_s or 0) > t_phys:
            warnings.append(f"The effective half-life given, {show(half_life_s or 0, 's')}, is longer than the physical one, {show(t_phys, 's')}, which was taken.")
        if t / half_life > _MOST_HALF_LIVES:
            raise BadInput(
                f"The scan at {show(t, 's')} is more than {_MOST_HALF_LIVES:g} times the half-life of {show(half_life, 's')} after the administration, "
                "when nothing is left; check both and their units."
            )
        rate = math.log(2) / half_life
        seconds, spread = math.exp(rate * t) / rate, None
        if half_life_relative_u is not None:
            mean, spread = _over_half_lives(t, half_life, half_life_relative_u, t_phys, seconds)
            seconds = mean if method == "population" else seconds
        coefficient = seconds * rate
        u_rel = relative_u if relative_u is not None else (spread if spread is not None else _U_METHOD)
        if not 0.25 <= t / half_life <= 3.0:
            warnings.append(
                f"The scan at {show(t, 's')} is far from the half-life used, {show(half_life, 's')}: the integral leans on that half-life; "
                "best is a scan 1 to 2 half-lives after the administration."
            )
    if relative_u is None and half_life_relative_u is None:
        warnings.append(f"The uncertainty of the single-time-point method is taken as {_U_SOURCE}.")
    tia = a * seconds
    # Haenscheid's method needs no half-life and finds none.
    effective_s = (half_life_s or math.nan) if method == "hanscheid" else math.log(2) / rate
    return TimeIntegratedActivity(
        tia, tia * math.hypot(u_a / a, u_rel), f"single time point, {method}", effective_s,
        np.array([a * coefficient]), np.array([rate]), (), tuple(warnings),
    )


def _checked(curve: TimeActivityCurve, method: str, decay: float, half_life_s: float | None, spread: float | None,
             relative_u: float | None) -> tuple[float, float, float, float]:
    if method not in METHODS:
        raise BadInput(f"Single-time-point method: got {method!r}; choose one of {', '.join(METHODS)}.")
    if len(curve.time_s) != 1 or curve.time_s[0] <= 0:
        raise BadInput(f"The method {method!r} takes one point after the administration; got {len(curve.time_s)} from {show(float(curve.time_s[0]), 's')} on.")
    if method in ("madsen", "population") and half_life_s is None:
        raise BadInput(f"The method {method!r} needs the population's effective half-life; give it (effective_half_life in a case file).")
    if method == "population" and spread is None:
        raise BadInput("The method 'population' needs the spread of the half-life between patients; give it (effective_half_life_u in a case file).")
    if method == "physical" and relative_u is None:
        raise BadInput("The method 'physical' has no published uncertainty; give relative_u, or choose another method.")
    for name, value in (("half_life_s", half_life_s), ("half_life_relative_u", spread), ("relative_u", relative_u)):
        if value is not None and not (math.isfinite(value) and (value > 0 if name == "half_life_s" else value >= 0)):
            raise BadInput(f"{name}: got {value}; give a finite value that is not negative.")
    if spread is not None and spread > 1:
        raise BadInput(f"The effective half-life's spread between patients is given as {100 * spread:g} %; give 100 % or less.")
    return float(curve.time_s[0]), float(curve.activity_Bq[0]), float(curve.u_activity_Bq[0]), math.log(2) / decay


def _outside_hanscheid(t: float, half_life_s: float | None, t_phys: float) -> list[str]:
    shortest, longest = t / 2.5, t / 0.75
    if half_life_s is None:
        if shortest > t_phys:
            return [f"The scan at {show(t, 's')} is later than 2.5 physical half-lives: the approximation does not hold."]
        return [f"The approximation holds for effective half-lives from {show(shortest, 's')} to {show(longest, 's')}; none was given to check it."]
    if shortest <= half_life_s <= longest:
        return []
    x = t / half_life_s
    return [
        f"The scan at {show(t, 's')} is {x:.2f} half-lives after the administration, outside 0.75 to 2.5: for the half-life "
        f"given, the approximation is off by {100 * _hanscheid_error(x):+.0f} %."
    ]


def _hanscheid_error(x: float) -> float:
    """Relative error for a mono-exponential scanned x half-lives after the administration."""
    return 2 * x * 2**-x - 1


def _over_half_lives(t: float, half_life: float, relative_u: float, t_phys: float, reference_s: float) -> tuple[float, float]:
    """Mean of exp(k t)/k over log-normal half-lives, and the relative spread around `reference_s` or the mean."""
    # exp(k t) has no mean over a whole log-normal: its shortest half-lives, which no patient has, would rule. Three sigma are kept.
    x = np.linspace(-3.0, 3.0, 601)
    w = np.exp(-(x**2) / 2)
    k = math.log(2) / np.minimum(half_life * np.exp(math.sqrt(math.log1p(relative_u**2)) * x), t_phys)
    seconds, w = np.exp(np.minimum(k * t, 50.0)) / k, w / w.sum()
    mean = float(w @ seconds)
    return mean, math.sqrt(float(w @ (seconds - mean) ** 2)) / mean
