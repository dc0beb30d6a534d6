"""The next cycle: activity, amount of ligand, nuclide and number of cycles under limits of organs that hold with a stated probability."""

from .baselines import Judged, bed_limited_cycles, fixed, judge, per_weight_Bq
from .course import Course, equal, woven
from .goals import SizeLaw, overall_bed_Gy, surviving_weights
from .limits import Limit, convention, limit_conventions, organs_of
from .optimise import Plan, Problem, Supply, assess, best_plan, caps_Bq, options
from .response import RegionResponse, Response, protraction, responses
from .risk import activity_at_Gy, largest_activity_Bq, weighted_quantile
from .update import Given, given_bed_Gy, likelihood_weights, resampled, taken
from .value import ScanValue, value_of_scan

__all__ = [
    "Course", "Given", "Judged", "Limit", "Plan", "Problem", "RegionResponse", "Response", "ScanValue", "SizeLaw", "Supply", "activity_at_Gy", "assess", "bed_limited_cycles", "best_plan",
    "caps_Bq", "convention", "equal", "fixed", "given_bed_Gy", "judge", "largest_activity_Bq", "likelihood_weights", "limit_conventions", "options", "organs_of", "overall_bed_Gy",
    "per_weight_Bq", "protraction", "resampled", "responses", "surviving_weights", "taken", "value_of_scan", "weighted_quantile", "woven",
]  # fmt: skip
