"""Radiobiology: from absorbed dose to biologically effective dose."""

from .bed import bed_Gy, lea_catcheside
from .parameters import BedParameters, bed_parameter_sets, bed_parameters

__all__ = ["BedParameters", "bed_Gy", "bed_parameter_sets", "bed_parameters", "lea_catcheside"]
