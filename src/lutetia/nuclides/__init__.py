"""What is emitted: decay schemes, emissions, chains with progeny, inventories over time (ICRP Publication 107)."""

from .chains import Inventory, Member, chain, chain_energy_per_decay_MeV, equilibrium_chain, fission_note
from .evaluations import evaluation_differences
from .library import names, nuclide
from .model import RADIATIONS, Lines, Nuclide, Spectrum

__all__ = [
    "RADIATIONS", "Inventory", "Lines", "Member", "Nuclide", "Spectrum", "chain", "chain_energy_per_decay_MeV",
    "equilibrium_chain", "evaluation_differences", "fission_note", "names", "nuclide",
]
