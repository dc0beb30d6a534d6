"""What a check found: where, how large, and what to do."""

from __future__ import annotations

from dataclasses import dataclass

#: Checks in the order in which they are reported, with what holds where they pass.
CHECKS = {
    "pairs": "every hot species has a cold partner in the same compartment, and the reverse",
    "mass": "ligand is neither lost nor made on the way, and leaves by named ways only",
    "receptors": "a receptor holds one ligand, and binding and release conserve it",
    "volumes": "an amount is divided by the volume of its own compartment",
    "flows": "what flows into a pool flows out of it",
    "decay": "every hot species decays, with one constant",
    "symmetry": "each transfer runs alike for hot and cold ligand",
    "hot fraction": "after one injection the hot fraction is f0 exp(-lambda t) in every pool",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault.

    Attributes
    ----------
    check : str
        One of `CHECKS`.
    where : str
        Compartment and species, or both ends of a transfer.
    reaction : str or None
        Its name in the model.
    size : float or None
        Relative, by check: ligand lost per ligand moved; receptors gained per reaction; volume taken over the right one, less one;
        inflow less outflow, over the larger; decay constant over the common one, less one; hot rate less cold rate per amount, over
        the larger; largest deviation of the hot fraction.
    sentence : str
        What is wrong and what to do.
    """

    check: str
    where: str
    reaction: str | None
    size: float | None
    sentence: str
