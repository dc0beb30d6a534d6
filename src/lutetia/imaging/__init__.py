"""Voxel values with geometry and meaning: DICOM and NIfTI in and out, calibration, registration, regions."""

from .activity import ActivityScan, Calibration, Scale, read_activity
from .ct import CtScan, read_ct
from .inspect import inspect_folder
from .nifti import read_nifti, write_nifti
from .regions import RegionSet, read_regions
from .registration import Registration, register_rigid
from .resample import resample
from .rtdose import read_rtdose, write_rtdose
from .rtstruct import write_rtstruct
from .seg import write_seg
from .volume import Geometry, Volume

__all__ = [
    "ActivityScan", "Calibration", "CtScan", "Geometry", "RegionSet", "Registration", "Scale", "Volume", "inspect_folder",
    "read_activity", "read_ct", "read_nifti", "read_regions", "read_rtdose", "register_rigid", "resample", "write_nifti",
    "write_rtdose", "write_rtstruct", "write_seg",
]
