"""A vial: activity, and the ligand that carries it, carried it, or never did."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta

from ..core import BadInput, show
from ..nuclides import Inventory, nuclide

_PER_NMOL = 6.02214076e14  # Avogadro's constant, exact in the SI, per nanomole
_ROUNDING = 1e-9


def molar_activity_Bq_per_nmol(name: str) -> float:
    """Activity of one nanomole of a nuclide without carrier, ln 2 / half-life times Avogadro's constant.

    No labelled ligand can hold more. With the half-lives of ICRP 107; for 225Ac (10.0 d, newer evaluations say 9.92 d)
    the value is 0.8 % low.

    Raises
    ------
    BadInput
        The nuclide is not known.

    >>> round(molar_activity_Bq_per_nmol("Lu-177") / 1e6), round(molar_activity_Bq_per_nmol("Ac-225") / 1e6)
    (727, 483)
    """
    return nuclide(name).decay_constant_per_s * _PER_NMOL


@dataclass(frozen=True, slots=True)
class Vial:
    """What a vial holds at a time.

    Attributes
    ----------
    nuclide : str
        The nuclide on the ligand.
    inventory : Inventory
        Activities in Bq of the nuclide and its chain, on the ligand or free.
    hot_nmol, decayed_nmol, cold_nmol : float
        Ligand that carries the nuclide, ligand whose nuclide has decayed, ligand that never carried it. All three
        are taken to compete alike for the target; what a decay does to the molecule is not modelled.
    volume_mL : float or None
    reference_time : datetime or None
        The time of which all this is said.

    Raises
    ------
    BadInput
        A negative or infinite amount, or more nuclide on the ligand than the inventory holds.
    """

    nuclide: str
    inventory: Inventory
    hot_nmol: float
    decayed_nmol: float
    cold_nmol: float
    volume_mL: float | None = None
    reference_time: datetime | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "nuclide", nuclide(self.nuclide).name)
        for label in ("hot", "decayed", "cold"):
            value = getattr(self, f"{label}_nmol")
            if not (math.isfinite(value) and value >= 0):
                raise BadInput(f"vial: the {label} ligand is {value!r} nmol; give zero or a positive amount.")
        if self.volume_mL is not None and not (math.isfinite(self.volume_mL) and self.volume_mL > 0):
            raise BadInput(f"vial: the volume is {self.volume_mL!r} mL; give a positive volume.")
        most_nmol = self.activity_Bq / molar_activity_Bq_per_nmol(self.nuclide)
        if self.hot_nmol > most_nmol * (1 + 1e-6) + 1e-300:
            raise BadInput(f"vial: {self.hot_nmol:.4g} nmol of ligand carry {self.nuclide}, but {show(self.activity_Bq, 'Bq')} are only {most_nmol:.4g} nmol; give less hot ligand.")

    @property
    def activity_Bq(self) -> float:
        """Activity of the nuclide on the ligand, and of what of it is free."""
        return self.inventory.activity_Bq.get(self.nuclide, 0.0)

    @property
    def ligand_nmol(self) -> float:
        """All ligand; it stays the same at all times."""
        return self.hot_nmol + self.decayed_nmol + self.cold_nmol

    @property
    def radiochemical_purity(self) -> float | None:
        """Share of the nuclide that is on the ligand; None without activity. It does not change: release is not modelled."""
        most_nmol = self.activity_Bq / molar_activity_Bq_per_nmol(self.nuclide)
        return min(self.hot_nmol / most_nmol, 1.0) if most_nmol > 0 else None

    def at(self, elapsed_s: float) -> Vial:
        """The vial `elapsed_s` seconds later: hot ligand becomes decayed ligand with the decay constant of the nuclide.

        Raises
        ------
        BadInput
            The elapsed time is negative or not finite.
        """
        later = self.inventory.at(elapsed_s)
        hot_nmol = self.hot_nmol * math.exp(-nuclide(self.nuclide).decay_constant_per_s * elapsed_s)
        try:
            when = None if self.reference_time is None else self.reference_time + timedelta(seconds=elapsed_s)
        except OverflowError:
            raise BadInput(f"vial: {elapsed_s:.3g} s after {self.reference_time} is beyond the calendar; give a shorter time.") from None
        return Vial(self.nuclide, later, hot_nmol, self.decayed_nmol + (self.hot_nmol - hot_nmol), self.cold_nmol, self.volume_mL, when)


def vial(
    name: str, activity_Bq: float, ligand_nmol: float, *, radiochemical_purity: float = 1.0, decayed_nmol: float = 0.0,
    volume_mL: float | None = None, reference_time: datetime | None = None,
) -> Vial:  # fmt: skip
    """A vial with an activity of one nuclide and a total amount of ligand.

    Parameters
    ----------
    name : str
        The nuclide.
    activity_Bq, ligand_nmol : float
        Its activity, and all ligand: hot, decayed and cold.
    radiochemical_purity : float
        Share of the activity that is on the ligand.

    Raises
    ------
    BadInput
        The activity needs more labelled ligand than there is; a value that is out of range.

    Pluvicto, 7.4 GBq with 10.18 nmol labelled and 46.91 nmol unlabelled ligand (example files of qurit/PyCNO):

    >>> v = vial("Lu-177", 7.4e9, 57.09)
    >>> round(v.hot_nmol, 2), round(v.cold_nmol, 2)
    (10.18, 46.91)
    """  # fmt: skip
    if not (math.isfinite(ligand_nmol) and ligand_nmol > 0):
        raise BadInput(f"vial: the ligand is {ligand_nmol!r} nmol; give a positive amount.")
    if not 0 < radiochemical_purity <= 1:
        raise BadInput(f"vial: the radiochemical purity is {radiochemical_purity!r}; give a share above 0 and up to 1.")
    inventory = Inventory({name: activity_Bq})
    hot_nmol = radiochemical_purity * activity_Bq / molar_activity_Bq_per_nmol(name)
    cold_nmol = ligand_nmol - hot_nmol - decayed_nmol
    if cold_nmol < -_ROUNDING * ligand_nmol:
        carried = f"{show(activity_Bq, 'Bq')} of {nuclide(name).name} need {hot_nmol:.4g} nmol of labelled ligand"
        spent = f", and {decayed_nmol:.4g} nmol have decayed" if decayed_nmol else ""
        raise BadInput(f"vial: {carried}{spent}, but only {ligand_nmol:.4g} nmol are stated; give more ligand or less activity.")
    return Vial(name, inventory, hot_nmol, decayed_nmol, max(cold_nmol, 0.0), volume_mL, reference_time)
