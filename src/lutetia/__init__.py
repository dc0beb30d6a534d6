"""lutetia: radioligand therapy, from the scanner's files to absorbed dose with its uncertainty.

The public names below are loaded when they are first used; importing lutetia does no work.

>>> import lutetia
>>> lutetia.nuclide("177Lu").name
'Lu-177'
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_ROOMS = {
    "core": ("BadInput", "CouldNot", "LutetiaError"),
    "nuclides": ("Inventory", "Nuclide", "chain", "chain_energy_per_decay_MeV", "nuclide"),
    "transport.kernels": ("nuclide_kernels",),
    "transport.spheres": ("ellipsoid_s_Gy_per_Bq_s", "sphere_s_Gy_per_Bq_s"),
    "transport.voxels": ("voxel_s_mGy_per_MBq_s",),
    "imaging": ("Geometry", "RegionSet", "Volume", "inspect_folder", "read_activity", "read_ct", "read_regions", "register_rigid", "resample"),
    "kinetics.progeny": ("progeny_decays",),
    "kinetics": ("TimeActivityCurve", "TimeIntegratedActivity", "fit_curve", "fit_voxels", "interval_95"),
    "radiobiology": ("bed_Gy", "lea_catcheside"),
    "dosimetry.cells": ("CellGeometry", "cell_s_Gy_per_Bq_s", "cross_s_Gy_per_Bq_s"),
    "dosimetry.clusters": ("simulate_cluster",),
    "dosimetry.expected": ("expected_survival_ball",),
    "dosimetry.dvh": ("dvh",),
    "dosimetry.maps": ("dose_map",),
    "chain.dose": ("run_case",),
    "chain.cluster": ("run_cluster",),
    "chain.compare": ("run_compare",),
    "report": ("explain", "write_run_report"),
}
_HOME = {name: room for room, names in _ROOMS.items() for name in names}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'lutetia' has no attribute {name!r}")
    return getattr(importlib.import_module(f".{_HOME[name]}", __name__), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
