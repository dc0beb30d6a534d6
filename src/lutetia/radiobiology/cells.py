"""Published linear-quadratic parameters of cells, and the rule that keeps sparing from being counted twice."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..core import BadInput, near_matches
from ..data import table
from ..nuclides import nuclide
from .survival import lq_survival


@dataclass(frozen=True, slots=True)
class LQParameters:
    """alpha and beta of a kind of cell for a radiation; what was not published is None.

    `fitted` is "acute" (short exposure, or a fit that applied G itself) or "protracted" (hours or days, no G):
    the latter already hold the sparing by repair and are never combined with a protraction factor.
    """

    name: str
    cell: str
    radiation: str
    alpha_per_Gy: float
    u_alpha_per_Gy: float | None
    beta_per_Gy2: float
    u_beta_per_Gy2: float | None
    repair_half_life_s: float | None
    fitted: str
    source: str
    note: str

    @property
    def of_alphas(self) -> bool:
        """Whether the set was measured with an alpha emitter (the nuclide that `radiation` begins with)."""
        found = re.match(r"(\d+m?)([A-Z][a-z]?)\b", self.radiation)
        return found is not None and nuclide(f"{found[2]}-{found[1]}").energy_per_decay_MeV["alpha"] > 0

    @property
    def alpha_beta_Gy(self) -> float:
        """Infinite for a linear fit."""
        return self.alpha_per_Gy / self.beta_per_Gy2 if self.beta_per_Gy2 > 0 else math.inf


def lq_parameter_sets() -> dict[str, LQParameters]:
    """Every named set, from the table ``radiobiology_lq``.

    >>> {n: s.fitted for n, s in lq_parameter_sets().items() if s.cell == "NCI-H69"}
    {'NCI-H69-external-Tamborino-2025': 'acute', 'NCI-H69-PRRT-Tamborino-2025': 'protracted'}
    """
    t = table("radiobiology_lq")
    sets = {}
    for n in range(len(t["name"])):
        row = {k: t[k][n] for k in t.columns}
        hours = _or_none(row["repair_half_life_h"])
        sets[str(row["name"])] = LQParameters(
            str(row["name"]), str(row["cell"]), str(row["radiation"]), float(row["alpha_per_Gy"]), _or_none(row["u_alpha_per_Gy"]),
            float(row["beta_per_Gy2"]), _or_none(row["u_beta_per_Gy2"]), None if hours is None else hours * 3600,
            str(row["fitted"]), str(row["source"]), str(row["note"]),
        )  # fmt: skip
    return sets


def lq_parameters(name: str) -> LQParameters:
    """The set `name`.

    Raises
    ------
    BadInput
        There is no such set.

    >>> lq_parameters("NCI-H69-external-Tamborino-2025").alpha_beta_Gy
    4.0
    """
    sets = lq_parameter_sets()
    if name not in sets:
        raise BadInput(f"LQ parameters: there is no set {name!r}; choose from {', '.join(sets)}.{near_matches(name, sets)}")
    return sets[name]


def refuse_protraction(parameters: LQParameters) -> None:
    """Stop where a protraction factor or a repair half-life is about to meet parameters of protracted radiation.

    Raises
    ------
    BadInput
        The set was fitted to protracted radiation.

    >>> refuse_protraction(lq_parameters("NCI-H69-PRRT-Tamborino-2025"))
    Traceback (most recent call last):
    ...
    lutetia.core.errors.BadInput: The set 'NCI-H69-PRRT-Tamborino-2025' was fitted to protracted radiation (177Lu-DOTATATE), ...
    """
    if parameters.fitted == "protracted":
        raise BadInput(
            f"The set {parameters.name!r} was fitted to protracted radiation ({parameters.radiation}), so that its alpha and beta already hold the sparing "
            "by repair; a protraction factor would count it twice. Choose a set fitted to acute exposure."
        )


def surviving_fraction(parameters: LQParameters, dose_Gy: ArrayLike, G: ArrayLike | None = None) -> np.ndarray | float:
    """Surviving fraction of a named set, exp(-alpha D - G beta D^2).

    Parameters
    ----------
    parameters : LQParameters
    dose_Gy : float or ndarray
    G : float or ndarray, optional
        From `lea_catcheside`. Left out, an acute set is used for an acute dose, a protracted one as it was fitted.

    Raises
    ------
    BadInput
        A G with a set fitted to protracted radiation, or as `lq_survival`.

    >>> cells = lq_parameters("NCI-H69-external-Tamborino-2025")
    >>> round(surviving_fraction(cells, 10.0, G=0.04406793), 4)  # 96 h at a constant rate, repair 1.5 h (PRRT-spatial-CPM)
    0.0696
    """
    if G is not None:
        refuse_protraction(parameters)
    return lq_survival(dose_Gy, parameters.alpha_per_Gy, parameters.beta_per_Gy2, 1.0 if G is None else G)


def _or_none(x: float) -> float | None:
    return None if math.isnan(x) else float(x)
