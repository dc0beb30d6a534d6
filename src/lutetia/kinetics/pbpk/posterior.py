"""What scans say of a patient: the most probable parameters and how well they are known (Laplace's method, corrected by importance resampling).

The logarithms x of the factors have a normal prior of mean 0 and standard deviations s; the logarithm of each activity seen
has a normal error. The most probable x is the least of

    J(x) = sum_i (log f_i(x) - log a_i)^2 / (u_i^2 + m_r^2)  +  sum_j x_j^2 / s_j^2 ,

found by Gauss-Newton steps with finite differences, all perturbed patients in one call of the solver. About it the posterior is
taken as normal with the covariance ``(F^T W F + S^-1)^-1``, F the derivatives there. Because receptors saturate it is not quite normal: draws of the
normal distribution, made wider, are weighted by exp(-J/2) over their own density, and the draws given are taken from them by weight.

The first sum is what the model leaves unexplained, D_r in region r. Where it exceeds what n_r values of the right uncertainty would (the 95 % point of
chi-squared, divided among the regions; n_r degrees of freedom are more than are free, so that this happens too seldom rather than too often), the misfit m_r,
a relative error of the model in that region, is raised until D_r equals n_r; else it is what was given. A patient who is merely unlike others is no misfit: that
is in the second sum.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import chi2

from ...core import BadInput, CouldNot, stream
from .observe import Observation, Unknowns, predicted_log_Bq, unknowns

_STEP, _MAX_ITERATIONS, _MAX_MISFITS, _SHORTER = 0.02, 40, 15, (1.0, 0.5, 0.2, 0.05, 0.01)
#: A step that promises less of J than this would change nothing that is reported.
_ENOUGH = 1e-4
#: Relative error of the model to begin with where the values' own errors lead nowhere.
_LOOSE = 0.3
#: No step changes the logarithm of a factor by more.
_LONGEST = 1.5
#: Of draws that are weighted afterwards: a distribution with longer tails than the normal one is then reached too.
_WIDER = 1.2


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """The patient after the scans, as a normal distribution of the logarithms of factors.

    Attributes
    ----------
    unknown : Unknowns
    scans : tuple of Observation
    mean : ndarray, shape (p,)
        The most probable values.
    covariance : ndarray, shape (p, p)
    misfit : mapping of region to float
        Relative error of the model that was counted for each value of a region.
    unexplained, values : float, int
        Sum of all D with the misfit that was given, and how many values it is of.
    iterations : int
    """

    unknown: Unknowns
    scans: tuple[Observation, ...]
    mean: np.ndarray
    covariance: np.ndarray
    misfit: Mapping[str, float]
    unexplained: float
    values: int
    iterations: int

    def draws(self, n: int, seed: int) -> Mapping[str, np.ndarray]:
        """`n` draws of the factors by name, from the posterior itself: `2 n` of the normal distribution, resampled by their weights.

        Raises
        ------
        BadInput, CouldNot
        """
        x = self.log_draws(2 * n, seed, _WIDER)
        at = (np.arange(n) + stream(seed, "pbpk", "resample").random()) / n
        taken = np.searchsorted(np.cumsum(self.importance(x, _WIDER)), at).clip(max=2 * n - 1)
        mixed = stream(seed, "pbpk", "order").permutation(x[taken])
        return dict(zip(self.unknown.names, np.exp(mixed).T))

    def log_draws(self, n: int, seed: int, width: float = 1.0) -> np.ndarray:
        """`n` draws of the logarithms from the normal distribution, `width` times as wide, shape (n, p); of a larger number the first are the same.

        Raises
        ------
        BadInput
        """
        if not 1 <= n <= 200_000:
            raise BadInput(f"{n} draws of a posterior; give 1 to 100000.")
        root = np.linalg.cholesky(self.covariance)
        return self.mean + stream(seed, "pbpk", "posterior").standard_normal((n, len(self.mean))) @ (width * root.T)

    def importance(self, log_draws: np.ndarray, width: float = 1.0) -> np.ndarray:
        """Weights, of sum 1, that turn draws of the normal distribution, `width` times as wide, into draws of the posterior itself; shape (n,).

        How equal they are shows how good the normal distribution is: ``1 / sum(w^2)`` draws of equal weight are worth as much.
        """
        there = _residuals(self.scans, self.unknown, log_draws, self.misfit)
        d = np.linalg.solve(np.linalg.cholesky(self.covariance), (log_draws - self.mean).T) / width
        log = -0.5 * (there**2).sum(axis=1) + 0.5 * (d**2).sum(axis=0)
        w: np.ndarray = np.exp(log - log.max())
        return w / w.sum()


def infer(scans: Sequence[Observation], *, occasion_cv: float = 0.0, flow_cv: float = 0.0, misfit: float = 0.0) -> Posterior:
    """The posterior of a patient after one scan or several.

    Parameters
    ----------
    scans : sequence of Observation
        Of the same tumours by name, in order of time; each is an injection of its own.
    occasion_cv : float
        Spread of a tumour's uptake from scan to scan (`published_occasion_cv`).
    flow_cv : float
        Spread of the perfusion of tumours between patients; none is published that could be read, and with 0 it is not inferred.
    misfit : float
        Least relative error of the model for each value.

    Returns
    -------
    Posterior

    Raises
    ------
    BadInput
        No scan, scans of other tumours, a spread or misfit that is negative.
    CouldNot
        Steps did not come to an end; the sentence says what was tried.
    """
    if not scans:
        raise BadInput("No scan was given to infer from; give at least one.")
    if not all(0 <= x <= 5 for x in (occasion_cv, flow_cv, misfit)):
        raise BadInput(f"occasion_cv {occasion_cv:g}, flow_cv {flow_cv:g}, misfit {misfit:g}: give relative values from 0 to 5.")
    tumours = [t.name for t in scans[0].patient.tumours]
    for k, s in enumerate(scans[1:], 2):
        if [t.name for t in s.patient.tumours] != tumours:
            raise BadInput(f"Scan {k} has the tumours {', '.join(t.name for t in s.patient.tumours)}, the first {', '.join(tumours)}; name the same ones.")
    unknown, n = unknowns(tumours, scans, occasion_cv, flow_cv), sum(len(s.region) for s in scans)
    m = {r: misfit for s in scans for r in s.region}
    nowhere = np.zeros(len(unknown.names))
    try:
        x, f, of_values, used = _most_probable(tuple(scans), unknown, nowhere, m)
        d = float(np.sum(of_values**2))
    except CouldNot:  # values that are stated more exactly than the model can follow: come from afar, and let the misfit fall to what they need
        x, f, of_values, used = _most_probable(tuple(scans), unknown, nowhere, {r: max(_LOOSE, misfit) for r in m})
        d = float(np.sum(_residuals(tuple(scans), unknown, x[None], m)[0, :n] ** 2))
        m = {r: max(_LOOSE, misfit) for r in m}
    for _ in range(_MAX_MISFITS):
        larger = _larger_misfit(scans, of_values, m, misfit)
        if larger == m:
            break
        m = larger
        x, f, of_values, more = _most_probable(tuple(scans), unknown, x, m)
        used += more
    covariance = np.linalg.inv(f.T @ f)
    return Posterior(unknown, tuple(scans), x, 0.5 * (covariance + covariance.T), m, d, n, used)


def _larger_misfit(scans: Sequence[Observation], of_values: np.ndarray, misfit: Mapping[str, float], least: float) -> dict[str, float]:
    """The misfit of each region with the variances of those that are out of bounds scaled by ``D_r / n_r``; unchanged at the end."""
    region = np.array([r for s in scans for r in s.region])
    u2 = np.concatenate([np.log1p(s.relative_u**2) for s in scans])
    found = dict(misfit)
    for r, m in misfit.items():
        here = region == r
        n, d = int(here.sum()), float(np.sum(of_values[here] ** 2))
        out = d > chi2.ppf(1 - 0.05 / len(misfit), n) if m <= least else abs(d / n - 1) > 0.05
        if out:
            u = float(u2[here].mean())
            found[r] = float(np.sqrt(max((u + m**2) * d / n - u, least**2)))
    return found


def _residuals(scans: tuple[Observation, ...], unknown: Unknowns, x: np.ndarray, misfit: Mapping[str, float]) -> np.ndarray:
    """Residuals in standard deviations, of the values and of the prior, shape (n, values + p)."""
    of = [
        (predicted_log_Bq(s, k, unknown, x) - np.log(s.activity_Bq)) / _sd(s, misfit)
        for k, s in enumerate(scans)
    ]  # fmt: skip
    return np.concatenate([*of, x / unknown.log_sd], axis=1)


def _sd(scan: Observation, misfit: Mapping[str, float]) -> np.ndarray:
    """Standard deviation of the logarithm of each value; a region that no scan has shown yet has the least misfit of those that were."""
    m = np.array([misfit.get(r, min(misfit.values())) for r in scan.region])
    return np.asarray(np.sqrt(np.log1p(scan.relative_u**2) + m**2))


def _most_probable(scans: tuple[Observation, ...], unknown: Unknowns, x: np.ndarray, misfit: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """The least of J from x on: x, the derivatives of all residuals there, the residuals of values, iterations."""
    p = len(x)
    h = _STEP * np.eye(p)
    for i in range(1, _MAX_ITERATIONS + 1):
        r = _residuals(scans, unknown, np.concatenate([x[None], x + h, x - h]), misfit)
        f, here = (r[1 : p + 1] - r[p + 1 :]).T / (2 * _STEP), r[0]
        step = -np.linalg.lstsq(f, here, rcond=None)[0]
        promised = float(here @ here - np.sum((here + f @ step) ** 2))
        if promised < _ENOUGH:
            return x, f, here[:-p], i
        step *= min(1.0, _LONGEST / float(np.abs(step).max()))
        tried = x + np.array(_SHORTER)[:, None] * step
        j = (_residuals(scans, unknown, tried, misfit) ** 2).sum(axis=1)
        best = int(np.argmin(j))
        if j[best] >= here @ here:
            if promised < max(100 * _ENOUGH, 0.01 * float(here @ here)):  # differences are no better
                return x, f, here[:-p], i
            break
        x = tried[best]
    raise CouldNot(
        f"The patient's parameters were not found: {i} Gauss-Newton steps, each tried at {', '.join(f'{100 * s:g}' for s in _SHORTER)} % of its length, left the "
        f"sum of squares at {float(here @ here):.4g} with {promised:.3g} to gain. Check activities, times and amounts of ligand, or give larger uncertainties."
    )


def ahead(posterior: Posterior, scan: Observation, occasion_cv: float, flow_cv: float, n: int, seed: int) -> tuple[np.ndarray, Mapping[str, np.ndarray]]:
    """What a scan to come should show: logarithms of activities with the error of the measurement, shape (n, m), and the factors drawn.

    What is new at that occasion (uptake of tumours, scale of the scan) comes from its prior. To be called with the observation that was made
    afterwards, of which the activities are not used.

    Raises
    ------
    BadInput, CouldNot
    """
    number = len(posterior.scans)
    every = unknowns([t.name for t in scan.patient.tumours], [*posterior.scans, scan], occasion_cv, flow_cv)
    known = posterior.draws(n, seed)
    more = stream(seed, "pbpk", "ahead", str(number))
    factor = {x: known[x] if x in known else np.exp(s * more.standard_normal(n)) for x, s in zip(every.names, every.log_sd)}
    log = predicted_log_Bq(scan, number, every, np.log(np.stack(list(factor.values()), axis=1)))
    return log + _sd(scan, posterior.misfit) * more.standard_normal(log.shape), factor


def prior_draws(unknown: Unknowns, n: int, seed: int) -> Mapping[str, np.ndarray]:
    """`n` draws of the factors before any scan, by name."""
    return {x: np.exp(s * stream(seed, "pbpk", "prior", x).standard_normal(n)) for x, s in zip(unknown.names, unknown.log_sd)}
