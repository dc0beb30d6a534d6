"""Cycles that were given: what they took of the limits, and which draws they speak for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ..core import BadInput, CouldNot, stream
from ..kinetics.pbpk import ParameterSet, Patient
from .limits import Limit
from .response import Response
from .risk import effective_draws

#: Below this many effective draws a posterior is not one.
_LEAST_DRAWS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A cycle that was given, with measured absorbed doses.

    Attributes
    ----------
    nuclide : str
    activity_Bq, ligand_nmol : float
    dose_Gy, u_Gy : mapping of region to float
        Absorbed dose and its standard uncertainty, of organs and tumours by their names.
    """

    nuclide: str
    activity_Bq: float
    ligand_nmol: float
    dose_Gy: Mapping[str, float]
    u_Gy: Mapping[str, float]

    def __post_init__(self) -> None:
        for k, d in self.dose_Gy.items():
            u = self.u_Gy.get(k, math.nan)
            if not (math.isfinite(d) and d > 0 and math.isfinite(u) and 0 < u < d):
                raise BadInput(f"A given cycle: {k} {d:g} Gy with a standard uncertainty of {u:g} Gy; give a dose above zero and an uncertainty above zero and below it.")


def likelihood_weights(given: Sequence[Given], at: Sequence[Response]) -> np.ndarray:
    """Weights of the draws by how well they foretold the doses of given cycles, shape (draws,), sum 1.

    Doses are taken as log-normal about ``activity * dose per becquerel`` of the draw, ``sigma^2 = ln(1 + (u/D)^2)``, independent between regions and cycles.

    Parameters
    ----------
    given : sequence of Given
    at : sequence of Response
        At the ligand and nuclide of each given cycle; column c of it is cycle c.

    Raises
    ------
    BadInput
        A dose of a region that the draws do not have.
    CouldNot
        Hardly any draw agrees with what was measured.
    """
    log_w = np.zeros(at[0].draws)
    for c, (g, r) in enumerate(zip(given, at)):
        for k, d in g.dose_Gy.items():
            if k not in r.regions:
                raise BadInput(f"Given cycle {c + 1}: a dose of {k!r}, which is neither an organ with a limit nor a tumour of the patient file ({', '.join(r.regions)}).")
            expected = g.activity_Bq * (r.regions[k].low_Gy_per_Bq + r.regions[k].alpha_Gy_per_Bq)[:, c]
            log_w -= np.log(d / expected) ** 2 / (2 * math.log1p((g.u_Gy[k] / d) ** 2))
    w = np.exp(log_w - log_w.max())
    if effective_draws(w) < _LEAST_DRAWS:
        raise CouldNot(
            f"The doses of the given cycles leave only {effective_draws(w):.0f} of {len(w)} draws: they are far from what was expected, or stated too exactly for so few "
            f"draws. Check doses and uncertainties, or take more draws."
        )
    return w / w.sum()


def given_bed_Gy(given: Sequence[Given], at: Sequence[Response], limits: Sequence[Limit], organ_rbe: float, tumour_rbe: float, seed: int) -> dict[str, np.ndarray]:
    """What the given cycles took, shape (draws,) a region: organs in their limit's quantity, tumours in BED.

    Where a dose was measured it is drawn about the measurement, with the split by radiation and the G of the draw; where not, it is the draw's own forecast.
    """
    quantity = {x.organ: x.quantity for x in limits}
    used: dict[str, np.ndarray] = {}
    for c, (g, r) in enumerate(zip(given, at)):
        for k, region in r.regions.items():
            low, alpha = g.activity_Bq * region.low_Gy_per_Bq[:, c], g.activity_Bq * region.alpha_Gy_per_Bq[:, c]
            if k in g.dose_Gy:
                sigma = math.sqrt(math.log1p((g.u_Gy[k] / g.dose_Gy[k]) ** 2))
                measured = g.dose_Gy[k] * np.exp(sigma * stream(seed, "planning", "given", str(c), k).standard_normal(r.draws))
                low, alpha = low * measured / (low + alpha), alpha * measured / (low + alpha)
            squared = region.G[:, c] * low**2 / region.alpha_beta_Gy if quantity.get(k, "BED") == "BED" else 0.0
            used[k] = used.get(k, 0.0) + low + (tumour_rbe if k in r.tumours else organ_rbe) * alpha + squared
    return used


def resampled(patient: Patient, parameters: ParameterSet, weights: np.ndarray, n: int, seed: int) -> tuple[Patient, ParameterSet]:
    """`n` draws of equal weight out of weighted ones, each taken as often as its weight says (systematic resampling: one random start, even steps)."""
    start = stream(seed, "planning", "resample").random()
    index = np.minimum(np.searchsorted(np.cumsum(weights) / weights.sum(), (start + np.arange(n)) / n), len(weights) - 1)
    return taken(patient, parameters, index)


def taken(patient: Patient, parameters: ParameterSet, index: np.ndarray) -> tuple[Patient, ParameterSet]:
    """Some draws by their numbers."""

    def cut(x: object) -> object:
        return x[index] if isinstance(x, np.ndarray) and x.ndim and len(x) > 1 else x

    whole = {f: cut(getattr(patient, f)) for f in ("weight_kg", "bsa_m2", "haematocrit", "gfr_mL_min")}
    fields = ("volume_mL", "receptor_nmol_L", "flow_mL_min_g", "density_g_mL")
    tumours = tuple(replace(t, **{f: cut(getattr(t, f)) for f in fields}) for t in patient.tumours)  # type: ignore[arg-type]
    return replace(patient, tumours=tumours, **whole), replace(parameters, values={k: cut(v) for k, v in parameters.values.items()})  # type: ignore[arg-type, misc]
