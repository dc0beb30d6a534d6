"""From several fitted models to one integral: information criterion, weights, average, interval."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import BadInput
from .curves import TimeIntegratedActivity
from .models import ModelFit

_DROP = 10.0  # a model this far above the best has no support (Burnham & Anderson 2002, section 2.6)


def aicc(chi2: float, n_points: int, n_parameters: int, variance: str = "known") -> float:
    """Akaike's information criterion for a weighted least-squares fit, up to a constant common to all models.

    With ``variance="known"`` the standard uncertainties of the points are taken as they were given:

        AIC = chi2 + 2 k.

    The small-sample term of AICc, 2 K (K + 1) / (n - K - 1), comes from estimating the variance from the
    same residuals; with known variances it is zero, and the criterion holds for any n >= k.
    With ``variance="estimated"`` only the ratios of the uncertainties are used:

        AICc = n ln(chi2 / n) + 2 K + 2 K (K + 1) / (n - K - 1),   K = k + 1,

    which needs n > K + 1, that is two points more than parameters; it is infinite otherwise.
    Hurvich & Tsai 1989, doi:10.1093/biomet/76.2.297.

    Raises
    ------
    BadInput
        `variance` is neither of the two.

    >>> aicc(3.0, 4, 2), aicc(3.0, 4, 2, "estimated")
    (7.0, inf)
    """
    if variance == "known":
        return chi2 + 2.0 * n_parameters
    if variance != "estimated":
        raise BadInput(f"variance: got {variance!r}; give 'known' (trust the uncertainties) or 'estimated' (only their ratios).")
    k = n_parameters + 1
    if n_points <= k + 1:
        return math.inf
    return n_points * math.log(max(chi2, 1e-12) / n_points) + 2 * k + 2 * k * (k + 1) / (n_points - k - 1)


def akaike_weights(criteria: Sequence[float]) -> np.ndarray:
    """Weights proportional to exp(-delta / 2); zero where delta exceeds 10. Burnham & Anderson 2002.

    >>> akaike_weights([10.0, 12.0, 30.0]).round(3)
    array([0.731, 0.269, 0.   ])
    """
    delta = np.asarray(criteria, float) - min(criteria)
    w = np.where(delta <= _DROP, np.exp(-delta / 2), 0.0)
    return w / w.sum()


def average(fits: Sequence[ModelFit], criteria: Sequence[float], warnings: Sequence[str] = ()) -> TimeIntegratedActivity:
    """One integral from several fits, weighted by their criteria.

    TIA = sum w_m TIA_m and u^2 = sum w_m (u_m^2 + (TIA_m - TIA)^2): the second term is the disagreement
    between models. Buckland et al. 1997, doi:10.2307/2533961 (with the variances added, not the standard
    deviations). All u_m are multiplied by sqrt(chi2 / degrees of freedom) of the best model where that is
    above one (Birge's ratio).
    """
    w = akaike_weights(criteria)
    best = fits[int(np.argmax(w))]
    notes = list(warnings)
    inflation = 1.0
    if best.degrees_of_freedom > 0:
        inflation = max(1.0, best.chi2 / best.degrees_of_freedom)
    else:
        notes.append(f"The {best.model.name} curve goes through as many points as it has parameters: nothing is left to check its fit.")
    if inflation > 4:
        notes.append(f"The points scatter {math.sqrt(inflation):.1f} times more than their uncertainties say; the uncertainty was widened by that.")

    values = np.array([f.tia_Bq_s for f in fits])
    variances = np.array([f.u_tia_Bq_s for f in fits]) ** 2 * inflation
    tia = float(w @ values)
    u = math.sqrt(float(w @ (variances + (values - tia) ** 2)))
    kept = sorted((i for i in range(len(fits)) if w[i] >= 0.005), key=lambda i: -w[i])
    name = best.model.name
    if len(kept) > 1:
        name = "average: " + ", ".join(f"{fits[i].model.name} {w[i]:.2f}" for i in kept)
    used = [i for i in range(len(fits)) if w[i] > 0]
    return TimeIntegratedActivity(
        tia,
        u,
        name,
        math.log(2) / float(best.rates_per_s[0]),
        np.concatenate([w[i] * fits[i].coefficients_Bq for i in used]),
        np.concatenate([fits[i].rates_per_s for i in used]),
        tuple(record(f, c, float(x), inflation) for f, c, x in zip(fits, criteria, w)),
        tuple(notes),
    )


def record(fit: ModelFit, criterion: float, weight: float, inflation: float) -> dict[str, Any]:
    """One model tried, as `TimeIntegratedActivity.candidates` holds it; its variances times `inflation`."""
    values = np.concatenate([fit.amplitudes_Bq, fit.rates_per_s])
    return {
        "name": fit.model.name,
        "AICc": criterion,
        "weight": weight,
        "chi2": fit.chi2,
        "degrees_of_freedom": fit.degrees_of_freedom,
        "parameters": dict(zip(fit.model.parameter_names, values.tolist())),
        "covariance": fit.covariance * inflation,
        "tia_Bq_s": fit.tia_Bq_s,
        "u_tia_Bq_s": fit.u_tia_Bq_s * math.sqrt(inflation),
    }


def interval_95(tia: TimeIntegratedActivity) -> tuple[float, float]:
    """The 95 % interval of the integral, log-normal with the same mean ratio u/TIA.

    An integral is positive and its errors are products (activity, rate), so the interval is
    TIA exp(+-1.96 s) with s^2 = ln(1 + (u/TIA)^2). What it covers in simulation is in
    ``validation/tia_coverage.py``.

    >>> curve = TimeIntegratedActivity(100.0, 10.0, "mono-exponential", 1.0, np.ones(1), np.ones(1))
    >>> [round(x, 1) for x in interval_95(curve)]
    [82.2, 121.6]
    """
    s = math.sqrt(math.log1p((tia.u_tia_Bq_s / tia.tia_Bq_s) ** 2))
    return tia.tia_Bq_s * math.exp(-1.959964 * s), tia.tia_Bq_s * math.exp(1.959964 * s)
