"""Alpha particles in water: straight tracks that slow down continuously.

An alpha of start energy E and range R(E) has, after a path r, the residual range R - r, so that it has
deposited ``E - E_res(R - r)`` within r of its origin. Ranges are ASTAR's (NIST SRD 124,
doi 10.18434/T4NC7P). The recoil nucleus (about 100 keV) goes less than 0.1 um and deposits at the point.

Left out: delta rays (they leave the track by less than 0.5 um), lateral straggling, range straggling (about
1 %). Mean doses to targets of 1 um and more are not touched by them.
"""

from __future__ import annotations

import numpy as np

from ..core import BadInput, CouldNot
from ..nuclides.model import Nuclide
from .radial import RadialKernel
from .stopping import alpha_csda_range_g_cm2, alpha_energy_at_range_MeV

_RADII = 600


def alpha_range_um(energy_MeV: np.ndarray | float) -> np.ndarray:
    """Range of alpha particles in water of 1 g/cm3, um (continuous slowing down, ASTAR).

    Parameters
    ----------
    energy_MeV : float or ndarray
        Above 0 and up to 20 MeV.

    Raises
    ------
    BadInput
        An energy outside that range.

    >>> print(f"{alpha_range_um(5.5):.1f} {alpha_range_um(8.0):.1f}")
    43.4 78.4
    """
    return 1e4 * alpha_csda_range_g_cm2(energy_MeV)


def mono_alpha_kernel(energy_MeV: float) -> RadialKernel:
    """Kernel of one alpha particle of energy `energy_MeV`, without a recoil.

    Raises
    ------
    BadInput
        An energy not above 0 or beyond 20 MeV.

    >>> k = mono_alpha_kernel(5.5)
    >>> print(f"{1000 * k.radius_mm[-1]:.1f} um, {k.energy_MeV[-1]:.2f} MeV")
    43.4 um, 5.50 MeV
    """
    if not 0 < energy_MeV <= 20:
        raise BadInput(f"energy_MeV: got {energy_MeV!r}; give an alpha energy above 0 and up to 20 MeV.")
    return _kernel(np.array([energy_MeV]), np.array([1.0]), 0.0, energy_MeV)


def alpha_kernel(nuclide: Nuclide) -> RadialKernel:
    """Kernel of the alpha particles of a nuclide per decay, with the recoil nuclei at the point.

    K(r) = E_recoil + sum_i n_i (E_i - E_res(R(E_i) - r)) over the alpha lines.

    Parameters
    ----------
    nuclide : Nuclide

    Returns
    -------
    RadialKernel
        Per decay. ``energy_MeV[0]`` is the recoil energy; all that is emitted is deposited.

    Raises
    ------
    CouldNot
        The nuclide emits no alpha particles.

    Examples
    --------
    >>> from lutetia.nuclides import nuclide
    >>> k = alpha_kernel(nuclide("Po-213"))
    >>> print(f"{k.emitted_MeV:.3f} MeV within {1000 * k.radius_mm[-1]:.1f} um")
    8.537 MeV within 84.5 um
    """
    lines = nuclide.lines.get("alpha")
    if lines is None or len(lines.energy_MeV) == 0:
        raise CouldNot(f"{nuclide.name} emits no alpha particles; ask for the kernel of another radiation.")
    return _kernel(
        lines.energy_MeV, lines.per_decay, nuclide.energy_per_decay_MeV["recoil"], nuclide.energy_per_decay_MeV["alpha"]
    )


def _kernel(energy_MeV: np.ndarray, per_decay: np.ndarray, recoil_MeV: float, alpha_MeV: float) -> RadialKernel:
    """Sum over lines, on even radii from 0 to the longest range (steps of 0.1 um or so)."""
    R = alpha_csda_range_g_cm2(energy_MeV)
    radius_g_cm2 = np.linspace(0.0, R.max(), _RADII)
    residual = np.clip(R[:, None] - radius_g_cm2[None, :], 0.0, None)
    within = per_decay @ (energy_MeV[:, None] - alpha_energy_at_range_MeV(residual))
    within = np.maximum.accumulate(np.maximum(within, 0.0)) * (alpha_MeV / float(per_decay @ energy_MeV))
    within[0] = 0.0
    return RadialKernel(10.0 * radius_g_cm2, within + recoil_MeV, float(alpha_MeV + recoil_MeV))
