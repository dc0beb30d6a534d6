"""What a solution does to its own ligand: absorbed dose since the synthesis, and the purity that it leaves."""

from __future__ import annotations

import math

from ...core import BadInput
from ...nuclides import equilibrium_chain, nuclide

_J_PER_MEV = 1.602176634e-13
_KG_PER_ML = 1e-3  # water


def dose_factor_Gy_mL_per_Bq_s(name: str) -> float:
    """Absorbed dose to a solution per decay and mL, all but photons absorbed in it, progeny in equilibrium counted.

    It ignores what escapes from a small vial and what photons leave (for 177Lu a few percent of the electrons' energy).

    147.9 keV of electrons per decay of 177Lu, recoils included (ICRP 107):

    >>> round(dose_factor_Gy_mL_per_Bq_s("Lu-177") / 1.602e-10, 3)
    0.148
    """
    energy = sum(m.decays_per_parent * sum(m.nuclide.energy_per_decay_MeV[r] for r in ("alpha", "recoil", "beta", "electron")) for m in equilibrium_chain(name))
    return energy * _J_PER_MEV / _KG_PER_ML


def solution_dose_Gy(name: str, concentration_Bq_mL: float, elapsed_s: float) -> float:
    """Dose to a solution since it had the concentration: ``c k (1 - exp(-lambda t)) / lambda``.

    1000 MBq/mL of 177Lu left for five days take up some 8 kGy:

    >>> round(solution_dose_Gy("Lu-177", 1e9, 120 * 3600), -2)
    8000.0
    """
    rate = nuclide(name).decay_constant_per_s
    return concentration_Bq_mL * dose_factor_Gy_mL_per_Bq_s(name) * -math.expm1(-rate * elapsed_s) / rate


def purity_after(purity: float, loss_per_Gy: float, dose_Gy: float) -> float:
    """Radiochemical purity after a dose: ``p exp(-kappa D)``, the form found for 177Lu-PSMA-617 (doi:10.3390/molecules28041884).

    The constant depends on ligand, its concentration, buffer and quencher; none is shipped.

    >>> round(purity_after(0.99, 5e-6, 8000.0), 3)
    0.951
    """
    if not (0 <= purity <= 1 and loss_per_Gy >= 0 and dose_Gy >= 0):
        raise BadInput(f"radiolysis: purity {purity!r}, {loss_per_Gy!r} per Gy, {dose_Gy!r} Gy; give a share from 0 to 1, and zero or positive numbers.")
    return purity * math.exp(-loss_per_Gy * dose_Gy)


def purity_expiry_s(name: str, concentration_Bq_mL: float, purity: float, purity_min: float, loss_per_Gy: float) -> float:
    """When radiolysis brings the purity down to its least; infinite if it never does, 0 if it is there already.

    >>> round(purity_expiry_s("Lu-177", 1e9, 0.99, 0.95, 5e-6) / 3600)
    125
    """
    if purity <= purity_min:
        return 0.0
    if loss_per_Gy == 0:
        return math.inf
    rate = nuclide(name).decay_constant_per_s
    share = math.log(purity / purity_min) / loss_per_Gy * rate / (concentration_Bq_mL * dose_factor_Gy_mL_per_Bq_s(name))
    return math.inf if share >= 1 else -math.log1p(-share) / rate
