"""Radiobiology: from absorbed dose to what it does."""

from .bed import bed_Gy, eqd2_Gy, lea_catcheside, lea_catcheside_constant
from .cells import LQParameters, lq_parameter_sets, lq_parameters, refuse_protraction, surviving_fraction
from .dsb import (
    DsbRepair,
    DsbYield,
    breaks_present,
    dsb_repair,
    dsb_repair_sets,
    dsb_yields,
    residual_fraction,
)
from .effectiveness import EffectiveDoses, Rbe, rbe, rbe_linear_quadratic, rbe_names
from .effects import (
    Complication,
    ComplicationParameters,
    complication_parameter_sets,
    geud_Gy,
    ntcp,
    ntcp_lkb,
    tcp_of_dose,
    tcp_poisson,
)
from .parameters import BedParameters, bed_parameter_sets, bed_parameters
from .repopulation import RepopulatedBed, bed_until_Gy, bed_with_repopulation, dose_until_Gy
from .survival import compound_poisson_survival, lq_survival, mixed_field_effect, per_track_survival

__all__ = [
    "BedParameters", "Complication", "ComplicationParameters", "DsbRepair", "DsbYield", "EffectiveDoses", "LQParameters", "Rbe", "RepopulatedBed",
    "bed_Gy", "bed_parameter_sets", "bed_parameters", "bed_until_Gy", "bed_with_repopulation", "breaks_present", "complication_parameter_sets",
    "compound_poisson_survival", "dose_until_Gy", "dsb_repair", "dsb_repair_sets", "dsb_yields", "eqd2_Gy", "geud_Gy", "lea_catcheside",
    "lea_catcheside_constant", "lq_parameter_sets", "lq_parameters", "lq_survival", "mixed_field_effect", "ntcp", "ntcp_lkb", "per_track_survival",
    "rbe", "rbe_linear_quadratic", "rbe_names", "refuse_protraction", "residual_fraction", "surviving_fraction", "tcp_of_dose", "tcp_poisson",
]  # fmt: skip
