"""Activity at the end of bombardment: cyclotrons, reactors, generators."""

from .growth import grown
from .irradiation import Irradiation, irradiate, purity
from .machines import Machine, machine, machine_names
from .reactions import Excitation, Reaction, reaction, reactions, read_excitations
from .stack import Layer, LayerResult, irradiate_stack, read_stack
from .targets import Target, mixed_target, target
from .yields import saturation_yields

__all__ = [
    "Excitation", "Irradiation", "Layer", "LayerResult", "Machine", "Reaction", "Target", "grown", "irradiate", "irradiate_stack", "machine",
    "machine_names", "mixed_target", "purity", "reaction", "reactions", "read_excitations", "read_stack", "saturation_yields", "target",
]
