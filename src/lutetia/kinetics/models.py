"""Sums of exponentials for a time-activity curve, and their weighted least-squares fit.

Every model is one family: `phases` washout phases, with or without an uptake phase that starts from zero,

    A(t) = sum_j a_j [exp(-k_j t) - s exp(-k_u t)],   a_j >= 0,   lambda <= k_1 < k_2 < k_u,

with s = 1 for the models that rise and 0 for the others. No effective rate is below the physical decay
constant lambda, because a ligand leaves a region but radioactivity does not wait for it (MIRD: effective
rate = physical + biological rate). Such fit functions are those of Kletting et al. 2013, Med. Phys. 40:102504.

Three things that a few points cannot tell are bounded, and nothing else is:

- a washout phase with a half-life under `t_first / 2.5` would be almost gone at the first scan, and its
  amplitude at time zero anything: no washout is faster (see `fastest_washout`);
- an uptake that takes longer than the points do cannot be told from one that never ends: no uptake is slower (see
  `slowest_uptake`);
- a rate that the points leave open is given the standard uncertainty `LN_RATE_SPREAD` in its logarithm
  (a factor of two) in the covariance, never in the estimate. One-phase washout rates have such a term only where they
  are held at physical decay.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares, nnls

LN_RATE_SPREAD = float(np.log(2.0))
REJECTED = 0.001  # a fit whose chi-squared has a smaller probability than this is given up
TWO_POINTS_APART = 4.0  # the same for two points that ask for a rate beyond its limits: chi-squared of two deviations
_RESOLVED = 2.5  # half-lives of the fastest washout phase that may pass before the first point
_AT_FLOOR = 1 + 1e-6  # in units of the decay constant
_SAME = 1.05  # rates closer than this are one phase
_GRID = 20  # start values per rate; the best is refined by least squares


@dataclass(frozen=True, slots=True)
class Model:
    """A member of the family: its name, number of washout phases, and whether it rises from zero."""

    name: str
    phases: int
    rises: bool

    @property
    def n_parameters(self) -> int:
        return 2 * self.phases + self.rises

    @property
    def parameter_names(self) -> tuple[str, ...]:
        a = [f"A{i + 1}_Bq" for i in range(self.phases)]
        k = [f"k{i + 1}_per_s" for i in range(self.phases)]
        return (*a, *k, "k_uptake_per_s") if self.rises else (*a, *k)


MODELS = {
    m.name: m
    for m in (
        Model("mono-exponential", 1, False),
        Model("uptake", 1, True),
        Model("bi-exponential", 2, False),
        Model("tri-exponential", 2, True),
    )
}


@dataclass(frozen=True, slots=True, eq=False)
class ModelFit:
    """The weighted least-squares fit of one model.

    Attributes
    ----------
    amplitudes_Bq : ndarray, shape (phases,)
    rates_per_s : ndarray, shape (phases + rises,)
        Effective rates, slowest first; the uptake rate last.
    covariance : ndarray, shape (n_parameters, n_parameters)
        Of the parameters in the order of `Model.parameter_names`, in their units.
    chi2 : float
    degrees_of_freedom : int
        Points less free parameters; a rate that is held at one of its limits is not free.
    tia_Bq_s, u_tia_Bq_s : float
    reduces : bool
        Whether a phase vanished in the fit (no amplitude, the rate of another phase within 5 %, or an uptake as quick as the
        limit of what the first point could show): the curve is then that of a simpler model.
    """

    model: Model
    amplitudes_Bq: np.ndarray
    rates_per_s: np.ndarray
    covariance: np.ndarray
    chi2: float
    degrees_of_freedom: int
    tia_Bq_s: float
    u_tia_Bq_s: float
    reduces: bool

    @property
    def coefficients_Bq(self) -> np.ndarray:
        """The curve as ``sum(coefficients * exp(-rates * t))``."""
        return _coefficients(self.model, self.amplitudes_Bq)


def fastest_washout(time_s: np.ndarray, decay_constant_per_s: float) -> float:
    """The largest washout rate that a curve whose first point is at time_s[0] can show, per s.

    2.5 half-lives may pass before the first point, and three times the physical decay constant is always allowed.

    >>> float(np.log(2) / fastest_washout(np.array([24.0, 48.0]), 1e-3))
    9.6
    """
    return max(_RESOLVED * float(np.log(2)) / float(time_s[0]), 3.0 * decay_constant_per_s)


def slowest_uptake(time_s: np.ndarray, decay_constant_per_s: float) -> float:
    """By how much an uptake rate must be above the washout rates, per s: ln 2 / t_last less the decay constant.

    >>> float(np.log(2) / slowest_uptake(np.array([4.0, 24.0]), 0.0))
    24.0
    """
    return max(float(np.log(2)) / float(time_s[-1]) - decay_constant_per_s, 0.0)


def fit_model(model: Model, time_s: np.ndarray, activity_Bq: np.ndarray, u_Bq: np.ndarray, decay_constant_per_s: float) -> ModelFit:
    """Weighted least squares, from the best node of a grid of rates.

    Parameters
    ----------
    time_s, activity_Bq, u_Bq : ndarray, shape (n,)
        Points with positive standard uncertainties; at least as many points as parameters.
    decay_constant_per_s : float
        Floor of every effective rate.

    Notes
    -----
    The covariance is ``inv(J' W J + P)`` with the Jacobian J in amplitudes and log-rates, the weights W and
    P the bound on unresolved rates (see the module). u(TIA) follows from it by the law of propagation.
    """
    scale = activity_Bq.max()
    t = time_s * decay_constant_per_s  # in units of the decay constant every rate is at least 1
    y, w = activity_Bq / scale, scale / u_Bq
    a, k = _least_squares(model, t, y, w, *_start(model, t, y, w))

    residual = (_basis(model, t, k) @ a - y) * w
    covariance = _covariance(model, t, w, a, k)  # of (a, ln k)
    c = _coefficients(model, a)
    gradient = np.concatenate([_per_amplitude(model, 1 / k), -c / k])
    to_units = np.concatenate([np.full(model.phases, scale), k * decay_constant_per_s])
    to_tia = scale / decay_constant_per_s
    washout, uptake = _rate_limits(t)
    held = int(k[0] <= _AT_FLOOR) + int(np.sum(k[: model.phases] >= 0.999 * washout)) + int(model.rises and not 1.001 * slowest_uptake(t, 1.0) < np.diff(k)[-1] < 0.95 * uptake)
    vanished = a.min() <= 1e-6 * a.max() or np.any(k[1:] < _SAME * k[:-1])
    return ModelFit(
        model,
        a * scale,
        k * decay_constant_per_s,
        covariance * np.multiply.outer(to_units, to_units),
        float(residual @ residual),
        len(t) - model.n_parameters + held,
        float(np.sum(c / k)) * to_tia,
        float(np.sqrt(gradient @ covariance @ gradient)) * to_tia,
        bool(vanished or (model.rises and k[-1] >= 0.95 * uptake)),
    )


def _basis(model: Model, t: np.ndarray, k: np.ndarray) -> np.ndarray:
    return _per_amplitude(model, np.exp(-np.multiply.outer(t, k)))


def _per_amplitude(model: Model, terms: np.ndarray) -> np.ndarray:
    """From one value per rate to one per amplitude: each phase less the uptake phase."""
    return terms[..., : model.phases] - terms[..., model.phases :] if model.rises else terms


def _coefficients(model: Model, a: np.ndarray) -> np.ndarray:
    return np.append(a, -a.sum()) if model.rises else a


def _rate_limits(t: np.ndarray) -> tuple[float, float]:
    """Largest washout rate and largest uptake rate worth trying, in units of the decay constant."""
    first = t[t > 0][0]
    # A point at the administration itself shows what was there: no washout is too fast.
    washout = fastest_washout(t, 1.0) if t[0] > 0 else max(10 / first, 20 / np.diff(t).min() if len(t) > 1 else 0.0, 20.0)
    return washout, max(10 / first, 20.0)


def _start(model: Model, t: np.ndarray, y: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The node of a grid of rates with the smallest chi-squared, its amplitudes by non-negative least squares."""
    washout, uptake = _rate_limits(t)
    nodes = [np.geomspace(1.0001 if i == 0 else 1.2, washout, _GRID) for i in range(model.phases)]
    if model.rises:
        nodes.append(np.geomspace(1.2 + slowest_uptake(t, 1.0), uptake, _GRID))
    best, start = np.inf, (np.zeros(model.phases), np.array([n[-1] for n in nodes]))
    for rates in itertools.product(*nodes):
        if any(b < 1.05 * a for a, b in itertools.pairwise(rates)):
            continue
        k = np.array(rates)
        a, norm = nnls(_basis(model, t, k) * w[:, None], y * w)
        if norm < best:
            best, start = norm, (a, k)
    return start


def _least_squares(model: Model, t: np.ndarray, y: np.ndarray, w: np.ndarray, a: np.ndarray, k: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Refine amplitudes and rates: each washout rate as its place between the next slower one and the limit, the uptake as a step.

    So the order, the floor and the limits hold by bounds on single variables.
    """
    n = model.phases
    washout, uptake = _rate_limits(t)
    upper = np.concatenate([np.full(n, np.inf), np.full(n, 1.0), np.full(int(model.rises), uptake)])
    lower = np.zeros(len(upper))
    if model.rises:
        lower[-1] = slowest_uptake(t, 1.0)
    slower = np.concatenate([[1.0], k[: n - 1]])
    place = (k[:n] - slower) / (washout - slower)
    x0 = np.concatenate([np.maximum(a, 1e-3), np.maximum(place, 1e-7), k[n:] - k[n - 1]])

    def rates(x: np.ndarray) -> np.ndarray:
        out = [1.0]
        for p in x[n : 2 * n]:
            out.append(out[-1] + p * (washout - out[-1]))
        return np.array([*out[1:], *(out[-1] + x[2 * n :])])

    def residual(x: np.ndarray) -> np.ndarray:
        return (_basis(model, t, rates(x)) @ x[:n] - y) * w

    found = least_squares(
        residual, np.clip(x0, 1.001 * lower, 0.999 * upper), bounds=(lower, upper), x_scale=np.maximum(x0, 1e-4),
        xtol=1e-13, ftol=1e-13, gtol=1e-13, max_nfev=300,
    )
    return found.x[:n], rates(found.x)


def _covariance(model: Model, t: np.ndarray, w: np.ndarray, a: np.ndarray, k: np.ndarray) -> np.ndarray:
    c, n = _coefficients(model, a), model.phases
    jacobian = np.hstack([_basis(model, t, k), -(c * k) * t[:, None] * np.exp(-np.multiply.outer(t, k))]) * w[:, None]
    scale = np.concatenate([np.full(n, max(a.max(), 1e-12)), np.ones(len(k))])
    jacobian = jacobian * scale
    open_rates = np.zeros(len(scale))
    free = n == 1 and k[0] > _AT_FLOOR
    open_rates[n + free :] = LN_RATE_SPREAD**-2
    normal = jacobian.T @ jacobian + np.diag(open_rates)
    return np.linalg.pinv(normal, rcond=1e-12, hermitian=True) * np.multiply.outer(scale, scale)
