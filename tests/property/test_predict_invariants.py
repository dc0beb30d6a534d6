"""What must hold of any forecast: one unit of activity more or less changes nothing; more uptake seen is more dose; names map alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from lutetia.chain.prediction_regions import model_region
from lutetia.kinetics.pbpk import Patient, Tumour, parameter_set
from lutetia.kinetics.pbpk.observe import Observation, Unknowns, predicted_log_Bq
from lutetia.kinetics.pbpk.posterior import infer

FEW = settings(max_examples=8, deadline=None, phases=(Phase.explicit, Phase.generate))
BODY = Patient(tumours=(Tumour("node", 10.0),))
SEEN = np.array([4.4e6, 1.0e6, 5.0e5])
BASE = Observation(BODY, parameter_set("PSMA-617-three-anchors"), 3.0, 1.5e8, 1.7e-4, ("kidney", "parotid", "node"), np.full(3, 3600.0), SEEN, np.full(3, 0.1))


@FEW
@given(st.floats(1e-3, 1e3))
def test_only_the_share_of_the_injected_activity_counts(k: float) -> None:
    a, b = infer([BASE]), infer([replace(BASE, injected_Bq=k * BASE.injected_Bq, activity_Bq=k * SEEN)])
    assert b.mean == pytest.approx(a.mean, abs=1e-6)


@FEW
@given(st.floats(0.3, 0.9), st.floats(1.1, 1.4))
def test_a_tumour_that_shows_more_has_more_receptors(level: float, times: float) -> None:
    lower, higher = (infer([replace(BASE, activity_Bq=SEEN * np.array([1, 1, x]))]) for x in (level, level * times))
    at = lower.unknown.names.index("receptors node")
    assert higher.mean[at] > lower.mean[at]


@FEW
@given(st.floats(0.02, 0.2), st.floats(1.2, 4.0))
def test_a_worse_scan_tells_less(u: float, times: float) -> None:
    typical = np.exp(predicted_log_Bq(BASE, 0, Unknowns((), np.zeros(0)), np.zeros((1, 0))))[0]
    fine, coarse = (infer([replace(BASE, activity_Bq=typical, relative_u=np.full(3, x))]) for x in (u, u * times))
    assert np.all(np.diag(coarse.covariance) >= np.diag(fine.covariance) * (1 - 1e-3))


@given(st.sampled_from(["kidney", "parotid", "submandibular", "lacrimal"]), st.sampled_from(["", "s"]), st.sampled_from(["left", "R", "lt", "Right"]), st.sampled_from([" ", "_", "-"]))
def test_sides_and_spellings_of_organs(organ: str, plural: str, side: str, between: str) -> None:
    wanted = "left" if side.casefold().startswith("l") else "right"
    assert model_region(f"{organ}{plural}{between}{side}") == model_region(f"{side}{between}{organ.upper()}") == (organ, wanted)
