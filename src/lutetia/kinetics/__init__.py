"""Kinetics: time-activity curves and their integrals, for regions and for voxels."""

from .curves import TimeActivityCurve, TimeIntegratedActivity
from .few_points import single_time_point
from .fit import FIT_METHODS, fit_curve
from .jackson2013 import tri_exponential_jackson2013
from .models import MODELS, Model, ModelFit, fit_model
from .selection import aicc, akaike_weights, interval_95
from .trapezoid import trapezoid
from .voxels import VOXEL_MODELS, VoxelFits, fit_voxels

__all__ = [
    "FIT_METHODS", "MODELS", "VOXEL_MODELS", "Model", "ModelFit", "TimeActivityCurve", "TimeIntegratedActivity",
    "VoxelFits", "aicc", "akaike_weights", "fit_curve", "fit_model", "fit_voxels", "interval_95",
    "single_time_point", "trapezoid", "tri_exponential_jackson2013",
]
