"""Agents: which ligand carries which nuclide to which target; what a vial holds at a time."""

from .amounts import StudiedActivity, UsualAmounts, largest_studied, usual_amounts
from .library import COMMON_TARGETS, agent, agents, class_prior, kinetics_statement, target_symbols
from .model import Agent
from .vial import Vial, molar_activity_Bq_per_nmol, vial

__all__ = [
    "COMMON_TARGETS", "Agent", "StudiedActivity", "UsualAmounts", "Vial", "agent", "agents", "class_prior", "kinetics_statement", "largest_studied", "molar_activity_Bq_per_nmol",
    "target_symbols", "usual_amounts", "vial",
]
