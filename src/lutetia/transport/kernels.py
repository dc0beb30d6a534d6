"""Radial kernels of a nuclide, by radiation, with its chain or without."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

from ..nuclides import Nuclide, equilibrium_chain, nuclide
from .alphas import alpha_kernel
from .electron_kernels import electron_kernel
from .photon_kernels import photon_kernel
from .radial import RadialKernel, add

#: How dose is split. `alpha` counts the recoil nucleus, `electron` betas, positrons, conversion and Auger
#: electrons, `photon` gamma, X, annihilation photons and bremsstrahlung.
DOSE_RADIATIONS = ("alpha", "electron", "photon")


def nuclide_kernels(name: str | Nuclide, *, progeny: bool = False) -> Mapping[str, RadialKernel]:
    """Kernels per decay in water for each of `DOSE_RADIATIONS` that the nuclide emits.

    Parameters
    ----------
    name : str or Nuclide
    progeny : bool
        Add every member of the chain in equilibrium, decaying where the parent does.

    Returns
    -------
    mapping of str to RadialKernel
        MeV per decay of `name`, radii in mm of water at 1 g/cm3.
    """
    return _kernels(name if isinstance(name, str) else name.name, progeny)


@functools.lru_cache(maxsize=64)
def _kernels(name: str, progeny: bool) -> Mapping[str, RadialKernel]:
    members = [(m.nuclide, m.decays_per_parent) for m in equilibrium_chain(name)] if progeny else [(nuclide(name), 1.0)]
    parts: dict[str, list[RadialKernel]] = {r: [] for r in DOSE_RADIATIONS}
    for member, decays in members:
        e = member.energy_per_decay_MeV
        if e["alpha"] + e["recoil"] > 0:
            parts["alpha"].append(alpha_kernel(member).scaled(decays))
        if e["beta"] + e["electron"] > 0:
            parts["electron"].append(electron_kernel(member).scaled(decays))
        if e["photon"] + e["beta"] + e["electron"] > 0:  # bremsstrahlung of a pure beta emitter is a photon too
            parts["photon"].append(photon_kernel(member).scaled(decays))
    return MappingProxyType({r: add(k) if len(k) > 1 else k[0] for r, k in parts.items() if k})
