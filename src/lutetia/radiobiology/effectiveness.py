"""Relative biological effectiveness: for an endpoint, at a dose, against a reference; and doses that keep apart what it multiplies.

The residual breaks of 225Ac grow linearly with dose, those of 177Lu linear-quadratically. With R0 the ratio of the linear
coefficients and q the quadratic over the linear coefficient of the reference, equal effect of the doses D and R D means
R + q D R^2 = R0. R is 1 at D = (R0 - 1) / q: the published crossing fixes q, and the published value at 50 Gy is met.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..core import BadInput, near_matches
from ..data import table


@dataclass(frozen=True, slots=True)
class Rbe:
    """One value with what it is for. `u` is the uncertainty that the source states beside it, None where it states none; `dose_Gy` the dose it holds at, None for any."""

    value: float
    u: float | None
    name: str
    endpoint: str
    radiation: str
    reference: str
    dose_Gy: float | None
    source: str
    note: str


def rbe_names() -> list[str]:
    """Names that `rbe` knows.

    >>> rbe_names()[0]
    'deterministic-5'
    """
    return list(map(str, table("radiobiology_rbe")["name"]))


def rbe(name: str, dose_Gy: float | None = None) -> Rbe:
    """A published RBE, from the table ``radiobiology_rbe``.

    None of them is known to depend on dose rate as a function: each belongs to the exposures of its source. Where
    linear-quadratic parameters of both radiations are at hand, `rbe_linear_quadratic` takes the dose rate through G.

    Parameters
    ----------
    name : str
        From `rbe_names`.
    dose_Gy : float, optional
        Absorbed dose of the radiation in question; needed where the value depends on it.

    Raises
    ------
    BadInput
        No such name; a dose that is missing, negative or beyond what the source covers.

    >>> rbe("deterministic-5").value, rbe("deterministic-5").u
    (5.0, None)
    >>> [round(rbe("residual-DSB-Rumiantcev-2023", d).value, 2) for d in (0, 50, 113)]  # published: 9.38, 1.46, 1 at 113 +- 12
    [9.38, 1.46, 1.0]
    """
    names = rbe_names()
    if name not in names:
        raise BadInput(f"RBE: there is no value {name!r}; choose from {', '.join(names)}.{near_matches(name, names)}")
    if dose_Gy is not None and not (math.isfinite(dose_Gy) and dose_Gy >= 0):
        raise BadInput(f"dose_Gy: got {dose_Gy}; give an absorbed dose from zero up.")
    row = {k: v[0] for k, v in table("radiobiology_rbe").where("name", name).columns.items()}
    value, u = float(row["value"]), (None if math.isnan(row["u"]) else float(row["u"]))
    at = None
    if row["form"] != "constant":
        crossing = float(row["crossing_Gy"])
        if dose_Gy is None or dose_Gy > crossing:
            given = "none" if dose_Gy is None else f"{dose_Gy:g} Gy"
            raise BadInput(f"RBE {name!r} depends on the dose and is known from 0 to {crossing:g} Gy; got {given}. Give a dose in that range.")
        value, at = _linear_against_quadratic(dose_Gy, value, (value - 1) / crossing), float(dose_Gy)
    return Rbe(value, u, name, str(row["endpoint"]), str(row["radiation"]), str(row["reference"]), at, str(row["source"]), str(row["note"]))


def _linear_against_quadratic(dose_Gy: float, R0: float, q_per_Gy: float) -> float:
    return 2 * R0 / (1 + math.sqrt(1 + 4 * q_per_Gy * R0 * dose_Gy))  # the root of R + q D R^2 = R0, without cancellation at small doses


def rbe_linear_quadratic(
    dose_Gy: float, alpha_per_Gy: float, beta_per_Gy2: float, reference_alpha_per_Gy: float, reference_beta_per_Gy2: float, *, G: float = 1.0, reference_G: float = 1.0
) -> float:
    """RBE of two linear-quadratic responses at the dose `dose_Gy` of the radiation in question.

    The reference dose of equal effect solves a_r D_r + G_r b_r D_r^2 = a D + G b D^2, and RBE = D_r / D. It tends to a/a_r at small
    doses and to sqrt(G b / (G_r b_r)) at large ones. The dose rates enter through the two protraction factors. It follows
    from the definition of RBE; parameters of protracted radiation are used with a G of 1.

    Raises
    ------
    BadInput
        A value that is negative or not finite, a G outside 0 to 1, or a reference without effect.

    >>> round(rbe_linear_quadratic(1.0, 0.67, 0.0, 0.16, 0.0), 2)  # PC3-PIP: 4.2 +- 0.46, Ruigrok 2022
    4.19
    """
    values = (dose_Gy, alpha_per_Gy, beta_per_Gy2, reference_alpha_per_Gy, reference_beta_per_Gy2)
    if not all(math.isfinite(v) and v >= 0 for v in values) or not (0 <= G <= 1 and 0 <= reference_G <= 1):
        raise BadInput("RBE: a dose or coefficient is negative or not finite, or a protraction factor lies outside 0 to 1.")
    a, b = reference_alpha_per_Gy, reference_G * reference_beta_per_Gy2
    slope = alpha_per_Gy + G * beta_per_Gy2 * dose_Gy  # effect per dose
    if a == 0 and (b == 0 or dose_Gy == 0):
        raise BadInput("RBE: the reference radiation has no effect with these coefficients at this dose, so that no dose of it matches.")
    return 2 * slope / (a + math.sqrt(a * a + 4 * b * slope * dose_Gy))


@dataclass(frozen=True, slots=True)
class EffectiveDoses:
    """Absorbed dose by radiation, and beside it, never within it, what was derived from it.

    `weighted_Sv_RBE` is RBE times the alpha dose plus the others; it exists only together with the `rbe` that made it.
    `bed_Gy` is the BED of the low-LET part and exists only together with the name of its parameters.
    """

    alpha_Gy: float
    electron_Gy: float
    photon_Gy: float
    rbe: Rbe | None = None
    bed_Gy: float | None = None
    bed_parameters: str | None = None

    def __post_init__(self) -> None:
        if not all(math.isfinite(v) and v >= 0 for v in (self.alpha_Gy, self.electron_Gy, self.photon_Gy)):
            raise BadInput("Doses by radiation: one is negative or not finite; give absorbed doses from zero up.")
        if (self.bed_Gy is None) != (self.bed_parameters is None):
            raise BadInput("A BED is given together with the name of its parameters, or not at all.")

    @property
    def absorbed_Gy(self) -> float:
        """Unweighted sum."""
        return self.alpha_Gy + self.electron_Gy + self.photon_Gy

    @property
    def weighted_Sv_RBE(self) -> float | None:
        """None without an RBE."""
        return None if self.rbe is None else self.rbe.value * self.alpha_Gy + self.electron_Gy + self.photon_Gy

    def as_record(self) -> Mapping[str, Any]:
        """Plain values for a file, each under a key that says what it is.

        >>> d = EffectiveDoses(0.4, 0.1, 0.0, rbe=rbe("deterministic-5")).as_record()
        >>> d["absorbed_Gy"], d["weighted"]["Sv_RBE"], d["weighted"]["convention"]
        (0.5, 2.1, 'deterministic-5')
        """
        r = self.rbe
        return {
            "alpha_Gy": self.alpha_Gy, "electron_Gy": self.electron_Gy, "photon_Gy": self.photon_Gy, "absorbed_Gy": self.absorbed_Gy,
            "weighted": None if r is None else {
                "Sv_RBE": self.weighted_Sv_RBE, "convention": r.name, "rbe": r.value, "rbe_u": r.u, "endpoint": r.endpoint, "reference": r.reference, "source": r.source,
            },
            "bed": None if self.bed_Gy is None else {"bed_Gy": self.bed_Gy, "parameters": self.bed_parameters, "of": "electrons and photons"},
        }  # fmt: skip
