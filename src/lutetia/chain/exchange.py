"""The same ligand with another nuclide: biology is kept, physical decay is exchanged.

What a region or voxel holds at time t is the ligand that is there times the activity per ligand, which decays with the nuclide
alone. So a measured activity of the first nuclide becomes that of the second by ``exp((lambda_1 - lambda_2) t)``, whatever the
kinetics; curves are then fitted as ever, with the second nuclide's decay as the floor of every rate.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from ..core import BadInput
from ..nuclides import nuclide
from .case import Case, Kinetics
from .scans import PatientImages


def exchanged_case(case: Case, name: str) -> Case:
    """The case as it would read with `name` on the ligand and the same activity at the administration.

    Activities of a region table are carried over; assumed effective half-lives become those of the same biological one.

    Raises
    ------
    BadInput
        An assumed effective half-life that is longer than the first nuclide's physical one: it leaves no biology to keep.
    """
    first, second = nuclide(case.nuclide), nuclide(name)
    if first.name == second.name:
        return case
    gain = first.decay_constant_per_s - second.decay_constant_per_s

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
        corrected = case.measurement.decay_corrected_to == "administration"
        activities = r.activities if corrected else [a * math.exp(gain * t) for a, t in zip(r.activities, r.times)]
        regions.append(r.model_copy(update={"activities": activities, "kinetics": None if r.kinetics is None else of(r.kinetics)}))
    return case.model_copy(update={"nuclide": second.name, "region": regions, "kinetics": of(case.kinetics), "progeny": None})


def exchanged_patient(patient: PatientImages, first: str, name: str) -> PatientImages:
    """The images as they would show the second nuclide's activity."""
    gain = nuclide(first).decay_constant_per_s - nuclide(name).decay_constant_per_s
    if gain == 0:
        return patient
    factors = np.exp(gain * patient.time_s)
    aligned = tuple(dataclasses.replace(v, values=v.values * np.float32(f)) for v, f in zip(patient.aligned, factors))
    scans = tuple(
        dataclasses.replace(s, volume=a if s.volume is old else dataclasses.replace(s.volume, values=s.volume.values * np.float32(f)))
        for s, a, old, f in zip(patient.scans, aligned, patient.aligned, factors)
    )
    return dataclasses.replace(patient, aligned=aligned, scans=scans)
