"""A ligand in the whole body, with receptors that it fills: structure, named parameters, and a compiled stiff solver."""

from .binding import Covalent, DualTarget
from .carriers import Albumin, LargeMolecule, antibody
from .cycles import CycleResult, published_uptake_factors, simulate_cycles, uptake_factors
from .parameters import ParameterSet, parameter_set, parameter_sets
from .patient import Patient, Tumour, body_surface_m2
from .population import virtual_patients
from .simulate import PbpkResult, hot_fraction, simulate_pbpk
from .structure import Body, build_body

__all__ = [
    "Albumin", "Body", "Covalent", "CycleResult", "DualTarget", "LargeMolecule", "ParameterSet", "Patient", "PbpkResult", "Tumour", "antibody", "body_surface_m2", "build_body",
    "hot_fraction", "parameter_set", "parameter_sets", "published_uptake_factors", "simulate_cycles", "simulate_pbpk", "uptake_factors", "virtual_patients",
]  # fmt: skip
