"""How a molecule travels: held by albumin on the way, or so large that only lymph takes it through tissues.

albumin
    In plasma free ligand and ligand on albumin turn into one another, ``dA/dt = on L - off A``. Albumin (some 600 umol/L) is in excess of any
    ligand (nmol/L), so that ``on``, its rate constant times that concentration, is a constant to 1e-4. What albumin holds flows with the plasma; it
    neither leaves vessels nor is filtered nor binds receptors. At rates quick beside the flow it is the unbound fraction ``off/(on + off)``.
large molecules
    They leave plasma with the lymph, by convection through pores that hold most of them back, and return with it to the veins:
    ``J_i = Q_i (1 - s) C``, ``Q_i`` a tissue's lymph flow, ``s`` the vascular reflection coefficient of tight (muscle, skin, adipose tissue) or leaky
    tissues (all others), and ``Q_i (1 - s_L) C_i`` back. No filtration; catabolism, salvage by FcRn counted in, is a clearance from plasma
    (Cao, Balthasar and Jusko 2013, doi:10.1007/s10928-013-9332-2, there with two lumped tissues). A group's lymph is shared out by interstitial volume.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core import BadInput, near_matches
from ...data import table
from .patient import Value

#: Tissues whose vessels are tight, besides the brain, which has no interstitium here; recalled, not re-read in the paper.
TIGHT = ("muscle", "skin", "adipose")


@dataclass(frozen=True, slots=True, eq=False)
class Albumin:
    """Rates of holding to albumin and of letting go.

    Raises
    ------
    BadInput
        A rate that is negative or not finite, or an `off_per_min` of zero.
    """

    on_per_min: Value
    off_per_min: Value

    def __post_init__(self) -> None:
        on, off = (np.asarray(x, float) for x in (self.on_per_min, self.off_per_min))
        if not (np.all(np.isfinite(on)) and np.all(np.isfinite(off)) and np.all(on >= 0) and np.all(off > 0)):
            raise BadInput(f"Albumin with {float(on.min()):.4g} per minute on and {float(off.min()):.4g} off; give a rate of zero or more on, above zero off.")


@dataclass(frozen=True, slots=True, eq=False)
class LargeMolecule:
    """A molecule of the size of an antibody.

    Attributes
    ----------
    clearance_L_per_h : float
        From plasma.
    sigma_tight, sigma_leaky : float
        Vascular reflection coefficients.
    tumour_ps_mL_min_g : float
        Permeability times surface of the vessels of tumours, by which the molecule diffuses to and fro beside the lymph. With zero tumours are tissues like the
        leaky ones, which is far too little for most; no value is taken unasked.

    Raises
    ------
    BadInput
        A clearance or permeability that is negative, or coefficients outside 0 to 1.
    """

    clearance_L_per_h: Value
    sigma_tight: Value
    sigma_leaky: Value
    tumour_ps_mL_min_g: Value = 0.0

    def __post_init__(self) -> None:
        cl, tight, leaky = (np.asarray(x, float) for x in (self.clearance_L_per_h, self.sigma_tight, self.sigma_leaky))
        if not (np.all(np.isfinite(cl)) and np.all(cl >= 0)):
            raise BadInput(f"A clearance of {float(cl.min()):.4g} L/h; give zero or more.")
        if not np.all(np.asarray(self.tumour_ps_mL_min_g, float) >= 0):
            raise BadInput(f"A permeability of {self.tumour_ps_mL_min_g} mL/min/g; give zero or more.")
        if not all(np.all((x >= 0) & (x < 1)) for x in (tight, leaky)):
            raise BadInput(f"Reflection coefficients of {float(tight.min()):.4g} (tight) and {float(leaky.min()):.4g} (leaky); give values from 0, below 1.")


def _rows(molecule: str) -> dict[str, float]:
    t = table("pbpk_large_molecules").where("molecule", molecule)
    return {str(n): float(v) for n, v in zip(t["name"], t["value"])}


def body_lymph() -> tuple[float, float, float]:
    """Lymph flow of a body (L/min), the share of tight tissues, and the lymphatic reflection coefficient.

    >>> flow, tight, sigma = body_lymph()
    >>> round(flow * 1440, 6), tight, sigma
    (2.9, 0.33, 0.2)
    """
    b = _rows("body")
    return b["lymph_flow"] / 1440, b["tight_share"], b["sigma_lymph"]


def antibody(name: str) -> LargeMolecule:
    """An antibody whose plasma kinetics were published.

    Raises
    ------
    BadInput
        None of that name.

    >>> antibody("gevokizumab").clearance_L_per_h
    0.00668
    """
    known = [m for m in dict.fromkeys(map(str, table("pbpk_large_molecules")["molecule"])) if m != "body"]
    if name not in known:
        raise BadInput(f"No published values of an antibody {name!r}; choose from {', '.join(known)}, or give clearance, sigma_tight and sigma_leaky.{near_matches(name, known)}")
    r = _rows(name)
    return LargeMolecule(r["clearance"], r["sigma_tight"], r["sigma_leaky"])
