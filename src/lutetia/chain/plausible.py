"""What no patient can show: a result is kept, and says so, that a wrong unit, time or calibration is seen."""

from __future__ import annotations

import math
from typing import Any

from ..core import BadInput, near_matches, show
from ..nuclides import nuclide
from ..radiobiology import bed_parameter_sets, bed_parameters

_CHECK = "check the activity given, the calibration and the times"
#: Above the activity given, less decay, by more than the uncertainty of calibrations.
_MOST_OF_ACTIVITY = 1.15
#: A wrong unit, year or nuclide: such images are not worked on.
_REFUSED = 1e4
#: Higher than therapies reach in a tumour.
_MOST_DOSE_GY = 5000.0


def share_of_given(activity_Bq: float, time_s: float, given_Bq: float, decay_constant_per_s: float) -> float:
    """An activity over what is left, by physical decay alone, of the activity given `time_s` before."""
    return activity_Bq / (given_Bq * math.exp(-decay_constant_per_s * time_s))


def require_possible(number: int, activity_Bq: float, time_s: float, given_Bq: float, decay_constant_per_s: float) -> None:
    """Refuse a scan that holds 10 000 times what can be there."""
    part = share_of_given(activity_Bq, time_s, given_Bq, decay_constant_per_s)
    if part > _REFUSED:
        raise BadInput(f"scan {number}: the image holds {part:.3g} times the activity that was given, less decay; {_CHECK}.")


def warn_of_the_impossible(result: dict[str, Any]) -> None:
    """Add warnings to a result's record, in place.

    A scan or region that holds more than was given, less physical decay; a mean dose that no therapy reaches; a BED that
    was asked for and cannot be given.
    """
    decay_per_s, given = nuclide(result["nuclide"]).decay_constant_per_s, result["administered_Bq"]
    for scan in result["scans"]:
        part = share_of_given(scan["total_activity_Bq"], scan["time_s"], given, decay_per_s)
        if part > _MOST_OF_ACTIVITY:
            result["warnings"].append(f"scan {scan['index']}: the image holds {part:.3g} times the activity that was given, less decay; {_CHECK}")
    for region in result["regions"]:
        tac = region["tac"]
        part, time_s = max((share_of_given(a, t, given, decay_per_s), t) for a, t in zip(tac["activity_Bq"], tac["time_s"]))
        if part > _MOST_OF_ACTIVITY and not result["scans"]:
            region["warnings"].append(f"at {show(time_s, 's')} it holds {part:.3g} times the activity that was given, less decay; {_CHECK}")
        if region["dose_Gy"] > _MOST_DOSE_GY:
            region["warnings"].append(f"a mean dose of {region['dose_Gy']:.3g} Gy is beyond what therapies reach; check its mass and the units of its activities")
        if region["bed"] is not None and region["bed"]["bed_Gy"] is None:
            organs, asked = {p.organ for p in bed_parameter_sets().values()}, region["bed"]["parameters"]
            near = near_matches(asked, organs) if bed_parameters(asked) is None else ""
            region["warnings"].append(f"no BED: {region['bed']['note']}.{near}")
