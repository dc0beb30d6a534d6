"""How a ligand holds to its target in a tissue: reversibly, covalently, or to two targets at once.

In each tissue the sites are a total less what takes them, so that nothing is stored twice. ``i`` is ligand free in the
interstitium (nmol, of volume V), ``B`` bound, ``N`` internalised:

reversible, internalising
    ``dB/dt = kon/V i (R0 - B) - (koff + kint) B``, ``dN/dt = kint B - krel N``; an internalised receptor is replaced at once.
covalent
    bound ligand reacts: ``dC/dt = kinact B - kint C``, and its receptor is used up. ``U`` counts those missing,
    ``dU/dt = kinact B - kturn U`` (synthesis brings the total back to R0), free are ``R0 - U - B``. With kinact = 0 this is the
    reversible model.
two targets
    ligand on one target finds the other at the concentration ``EM (R2 - taken)/R2``, EM the effective molarity: with one factor
    EM/R2 for both orders of binding the cycle ligand, one leg, both legs, other leg is in detailed balance. With EM = 0 the two
    targets are independent sites.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...core import BadInput
from .parameters import RECEPTOR_OF
from .patient import Value
from .system import Builder


@dataclass(frozen=True, slots=True, eq=False)
class Covalent:
    """Irreversible binding: rate of the reaction of bound ligand, and of the turnover of the receptor that it uses up."""

    k_inact_per_min: Value
    turnover_per_min: Value


@dataclass(frozen=True, slots=True, eq=False)
class DualTarget:
    """A second target in the tissues named, and the effective molarity.

    Attributes
    ----------
    kon_L_per_nmol_min, koff_per_min : float
        Of the ligand at the second target.
    effective_molarity_nM : float
        Concentration at which ligand held by one target meets the other with all of the second target free.
    second_per_first : mapping of str to float
        Sites of the second target per site of the first, by region; ``"tumour"`` stands for every tumour not named.
        A region that is not named has none.
    """

    kon_L_per_nmol_min: Value
    koff_per_min: Value
    effective_molarity_nM: Value
    second_per_first: dict[str, float]


Binding = Covalent | DualTarget | None


def koff_per_min(kon_L_per_nmol_min: Value, kd_nmol_L: Value) -> Value:
    """Dissociation rate, ``koff = K_D kon``.

    PSMA-I&T in the public model of Fele-Paranj et al. (doi:10.1186/s41181-023-00236-w): 8 nmol/L and 0.046 L/nmol/min.

    >>> round(koff_per_min(0.046, 8.0), 6)
    0.368
    """
    return kon_L_per_nmol_min * kd_nmol_L


def check_binding(binding: Binding, regions: Sequence[str]) -> None:
    """Refuse rates that are negative or not finite, and a second target in a place that is none of the `regions` with receptors.

    Raises
    ------
    BadInput
    """
    if binding is None:
        return
    names = ("k_inact_per_min", "turnover_per_min") if isinstance(binding, Covalent) else ("kon_L_per_nmol_min", "koff_per_min", "effective_molarity_nM")
    for name in names:
        v = np.asarray(getattr(binding, name), float)
        if not np.all(np.isfinite(v)) or np.any(v < 0):
            raise BadInput(f"{name} of the binding is {float(v.min()):.4g}; give a value of zero or more.")
    if isinstance(binding, DualTarget) and any(not (np.isfinite(r) and r > 0) for r in binding.second_per_first.values()):
        raise BadInput("second_per_first of the binding: give ratios above zero, and leave out regions without the second target.")
    if isinstance(binding, DualTarget) and (strange := [r for r in binding.second_per_first if r not in (*regions, "tumour")]):
        raise BadInput(f"second_per_first of the binding: there is no region {strange[0]!r} with receptors; choose from tumour (every tumour not named), {', '.join(regions)}.")


def bound_states(region: str, binding: Binding) -> list[str]:
    """Names of the states that hold a site of the first target, by region; free sites are the total less these."""
    if isinstance(binding, Covalent):
        return [f"{region}.bound", f"{region}.covalent"]
    if isinstance(binding, DualTarget) and _ratio(binding, region):
        return [f"{region}.bound", f"{region}.both"]
    return [f"{region}.bound"]


def ligand_states(region: str, binding: Binding) -> list[str]:
    """Names of the states of ligand that binding adds to a region."""
    return [*bound_states(region, binding), *([f"{region}.second"] if isinstance(binding, DualTarget) and _ratio(binding, region) else [])]


def _ratio(binding: DualTarget, region: str) -> float:
    return binding.second_per_first.get(region, binding.second_per_first.get("tumour", 0.0) if region not in RECEPTOR_OF else 0.0)


def add_binding(
    b: Builder, region: str, *, free: str, inside: str, volume_L: Value, sites_nmol: Value, kon: Value, koff: Value, internalisation: Value, binding: Binding
) -> None:
    """Declare the bound states of a region's ligand and all transfers from `free` ligand to `inside` the cells."""
    bound = b.state(f"{region}.bound")
    k = np.asarray(kon, float) / volume_L
    if isinstance(binding, Covalent):
        fixed, used = b.state(f"{region}.covalent"), b.state(f"{region}.used", ligand=False)
        b.bind(free, bound, k, sites_nmol, [bound, used])
        b.transfer(bound, fixed, binding.k_inact_per_min)
        b.transfer(fixed, inside, internalisation)
        b.entry(used, bound, binding.k_inact_per_min)
        b.entry(used, used, -np.asarray(binding.turnover_per_min, float))
    elif isinstance(binding, DualTarget) and (ratio := _ratio(binding, region)):
        second, both = b.state(f"{region}.second"), b.state(f"{region}.both")
        second_nmol = np.asarray(sites_nmol, float) * ratio
        near = np.asarray(binding.effective_molarity_nM, float) / second_nmol
        kon2, koff2 = np.asarray(binding.kon_L_per_nmol_min, float), binding.koff_per_min
        b.bind(free, bound, k, sites_nmol, [bound, both])
        b.bind(free, second, kon2 / volume_L, second_nmol, [second, both])
        b.bind(bound, both, kon2 * near, second_nmol, [second, both])
        b.bind(second, both, np.asarray(kon, float) * near, sites_nmol, [bound, both])
        b.transfer(second, free, koff2)
        b.transfer(both, bound, koff2)
        b.transfer(both, second, koff)
        b.transfer(second, inside, internalisation)
        b.transfer(both, inside, internalisation)
    else:
        b.bind(free, bound, k, sites_nmol, [bound])
    b.transfer(bound, free, koff)
    b.transfer(bound, inside, internalisation)
