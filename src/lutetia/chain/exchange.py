"""The same ligand with another nuclide: biology is kept, physical decay is exchanged.

What a region or voxel holds at time t is the ligand that is there times the activity per ligand, which decays with the nuclide
alone. So a measured activity of the first nuclide becomes that of the second by ``exp((lambda_1 - lambda_2) t)``, whatever the
kinetics. Curves of regions are those that were fitted to the first nuclide, with every rate changed
(`kinetics.exchange`); voxels are fitted anew.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from ..core import BadInput, show
from ..nuclides import nuclide
from .case import Case, Kinetics
from .scans import PatientImages

#: A first measurement later than this says nothing of when the second nuclide decays.
_MOST_HALF_LIVES = 10.0
#: What is left after 80 half-lives; below, numbers of single precision end.
_LEAST_FACTOR = 1e-24


def exchanged_case(case: Case, name: str) -> Case:
    """The case as it would read with `name` on the ligand and the same activity at the administration.

    Activities of a region table are carried over; assumed effective half-lives become those of the same biological one. A supplied
    cross-dose and stated fates of progeny are of the first nuclide and are left out.

    Raises
    ------
    BadInput
        A region whose first activity was measured more than ten half-lives of the second nuclide after the administration, or an
        assumed effective half-life that is longer than the first nuclide's physical one: it leaves no biology to keep.
    """
    first, second = nuclide(case.nuclide), nuclide(name)
    if first.name == second.name:
        return case
    corrected = case.measurement.decay_corrected_to == "administration"

    def of(settings: Kinetics) -> Kinetics:
        if settings.effective_half_life is None:
            return settings
        biological = math.log(2) / settings.effective_half_life - first.decay_constant_per_s
        if biological < -1e-3 * first.decay_constant_per_s:
            raise BadInput(f"kinetics.effective_half_life is longer than the half-life of {first.name}: there is no biological half-life to keep; correct it.")
        return settings.model_copy(update={"effective_half_life": math.log(2) / (max(biological, 0.0) + second.decay_constant_per_s)})

    regions = []
    for r in case.region:
        # Activities that were corrected to the administration carry no decay: they stay.
        factors = np.ones(len(r.times)) if corrected else _factors(np.array(r.times), case.nuclide, name, f"region {r.name!r}")
        activities = (np.array(r.activities) * factors).tolist()
        regions.append(r.model_copy(update={"activities": activities, "kinetics": None if r.kinetics is None else of(r.kinetics), "cross_dose": None}))
    return case.model_copy(update={"nuclide": second.name, "region": regions, "kinetics": of(case.kinetics), "progeny": None})


def exchanged_patient(patient: PatientImages, first: str, name: str) -> PatientImages:
    """The images as they would show the second nuclide's activity.

    Raises
    ------
    BadInput
        A first scan more than ten half-lives of the second nuclide after the administration.
    """
    if nuclide(first).name == nuclide(name).name:
        return patient
    factors = _factors(patient.time_s, first, name, "the images")
    aligned = tuple(dataclasses.replace(v, values=v.values * np.float32(f)) for v, f in zip(patient.aligned, factors))
    scans = tuple(
        dataclasses.replace(s, volume=a if s.volume is old else dataclasses.replace(s.volume, values=s.volume.values * np.float32(f)))
        for s, a, old, f in zip(patient.scans, aligned, patient.aligned, factors)
    )
    return dataclasses.replace(patient, aligned=aligned, scans=scans)


def _factors(time_s: np.ndarray, first: str, name: str, what: str) -> np.ndarray:
    """exp((lambda_1 - lambda_2) t) at each time."""
    second = nuclide(name)
    if len(time_s) and time_s[0] > _MOST_HALF_LIVES * second.half_life_s:
        raise BadInput(
            f"{what}: the first measurement, at {show(float(time_s[0]), 's')}, is {time_s[0] / second.half_life_s:.0f} half-lives of {second.name} after the "
            "administration, so that it says nothing of where that decays; leave out this nuclide, or measure earlier."
        )
    return np.maximum(np.exp((nuclide(first).decay_constant_per_s - second.decay_constant_per_s) * time_s), _LEAST_FACTOR)
