"""How far the particles of a nuclide go in water: CSDA ranges of its lines and betas, radii that hold a share of the energy.

Ranges in the continuous-slowing-down approximation are lengths of the path. An alpha goes nearly straight; an
electron scatters, and its energy lies well within its range: the radii R50 and R90 of the kernel say where.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import trapezoid

from ..core import BadInput
from ..data import table
from ..nuclides import Nuclide, equilibrium_chain, nuclide
from .alphas import alpha_kernel, alpha_range_um
from .electron_kernels import electron_kernel
from .radial import RadialKernel, add
from .stopping import electron_csda_range_g_cm2


def enclosing_radius_mm(kernel: RadialKernel, share: float) -> float:
    """Radius that holds `share` of the energy that a kernel deposits, mm of water.

    Raises
    ------
    BadInput
        A share that is not between 0 and 1.

    R90 of 90Y is 5.42 mm (EGSnrc kernel of Graves 2019, doi 10.1002/mp.13789):

    >>> print(f"{enclosing_radius_mm(electron_kernel(nuclide('Y-90')), 0.9):.1f}")
    5.4
    """
    if not 0 < share < 1:
        raise BadInput(f"share: got {share!r}; give a number between 0 and 1.")
    r = np.unique(np.concatenate([kernel.radius_mm, np.linspace(0.0, kernel.radius_mm[-1], 20_000)]))
    K = kernel.within(r)
    i = int(np.searchsorted(K, share * K[-1]))
    if i == 0:
        return 0.0
    return float(r[i - 1] + (r[i] - r[i - 1]) * (share * K[-1] - K[i - 1]) / (K[i] - K[i - 1]))


def electron_range_um(energy_MeV: np.ndarray | float) -> np.ndarray:
    """CSDA range of electrons in water of 1 g/cm3, um (ESTAR).

    Raises
    ------
    BadInput
        An energy not above 0 or beyond 10 MeV.

    The betas of 177Lu of highest energy go 1.8 mm:

    >>> print(f"{electron_range_um(0.4978):.0f}")
    1755
    """
    return 1e4 * electron_csda_range_g_cm2(energy_MeV)


def nuclide_ranges(name: str) -> list[dict[str, Any]]:
    """Ranges of every member of the chain in equilibrium, in water of 1 g/cm3.

    Returns
    -------
    list of dict
        ``nuclide``, ``decays_per_parent``; where there are such particles ``alpha`` (``mean_energy_MeV``,
        ``mean_range_um`` at the mean energy, ``lines`` of ``energy_MeV``, ``per_decay``, ``range_um``), ``beta``
        (``mean_energy_MeV``, ``mean_range_um`` at the mean energy, ``maximum_energy_MeV``, ``maximum_range_um``),
        ``R50_um`` and ``R90_um`` by ``alpha`` (without recoil) and ``electron``, and ``stated``, what reviews say
        (table ``range_statements``).

    Raises
    ------
    BadInput
        An unknown nuclide.

    >>> ac = nuclide_ranges("Ac-225")
    >>> [round(m["alpha"]["mean_range_um"]) for m in ac if "alpha" in m]
    [47, 54, 64, 48, 84]
    """
    return [_of_member(m.nuclide, m.decays_per_parent) for m in equilibrium_chain(nuclide(name))]


def chain_radii_um(name: str) -> dict[str, dict[str, float]]:
    """``R50_um`` and ``R90_um`` of the whole chain in equilibrium, decaying at one point, by ``alpha`` and ``electron``."""
    parts: dict[str, list[RadialKernel]] = {"alpha": [], "electron": []}
    for m in equilibrium_chain(nuclide(name)):
        for radiation, kernel in _kernels(m.nuclide).items():
            parts[radiation].append(kernel.scaled(m.decays_per_parent))
    return {r: _radii_um(add(k)) for r, k in parts.items() if k}


def _of_member(n: Nuclide, decays: float) -> dict[str, Any]:
    out: dict[str, Any] = {"nuclide": n.name, "decays_per_parent": decays}
    lines = n.lines["alpha"]
    if len(lines.energy_MeV):
        mean = float(lines.energy_MeV @ lines.per_decay / lines.per_decay.sum())
        out["alpha"] = {
            "mean_energy_MeV": mean, "mean_range_um": float(alpha_range_um(mean)),
            "lines": [
                {"energy_MeV": float(e), "per_decay": float(y), "range_um": float(r)}
                for e, y, r in zip(lines.energy_MeV, lines.per_decay, alpha_range_um(lines.energy_MeV))
            ],
        }  # fmt: skip
    if n.beta is not None:
        mean = n.energy_per_decay_MeV["beta"] / float(trapezoid(n.beta.per_MeV, n.beta.energy_MeV))
        last = float(n.beta.energy_MeV[-1])
        out["beta"] = {
            "mean_energy_MeV": mean, "mean_range_um": float(electron_range_um(mean)),
            "maximum_energy_MeV": last, "maximum_range_um": float(electron_range_um(last)),
        }  # fmt: skip
    for radiation, kernel in _kernels(n).items():
        for key, value in _radii_um(kernel).items():
            out.setdefault(key, {})[radiation] = value
    rows = table("range_statements").where("nuclide", n.name)
    out["stated"] = [{"particle": str(p), "text": str(t), "source": str(rows.source["source"])} for p, t in zip(rows["particle"], rows["stated"])]
    return out


def _kernels(n: Nuclide) -> dict[str, RadialKernel]:
    found: dict[str, RadialKernel] = {}
    if len(n.lines["alpha"].energy_MeV):
        k = alpha_kernel(n)
        found["alpha"] = RadialKernel(k.radius_mm.copy(), k.energy_MeV - k.energy_MeV[0], n.energy_per_decay_MeV["alpha"])
    if n.energy_per_decay_MeV["beta"] + n.energy_per_decay_MeV["electron"] > 0:
        found["electron"] = electron_kernel(n)
    return found


def _radii_um(kernel: RadialKernel) -> dict[str, float]:
    return {f"R{round(100 * share)}_um": 1000 * enclosing_radius_mm(kernel, share) for share in (0.5, 0.9)}
