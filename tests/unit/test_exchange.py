"""Exchanging the nuclide of a case: biology stays, decay changes."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.chain.case import load_case
from lutetia.chain.exchange import exchanged_case
from lutetia.chain.table_mode import run_table, table_fits
from lutetia.core import BadInput
from lutetia.kinetics import TimeActivityCurve, fit_curve
from lutetia.kinetics.exchange import exchange_nuclide
from lutetia.nuclides import nuclide

H = 3600.0


def _case(tmp_path: Path, biological_h: float, *, corrected: bool = False, single: bool = False):  # type: ignore[no-untyped-def]
    """A region whose ligand leaves with one biological half-life, measured with 177Lu; exact numbers."""
    decay = nuclide("Lu-177").decay_constant_per_s
    rate = math.log(2) / (biological_h * H)
    times = [96.0] if single else [4.0, 24.0, 72.0, 168.0]
    activity = [1e8 * math.exp(-(rate + (0.0 if corrected else decay)) * t * H) for t in times]
    effective_h = math.log(2) / (rate + decay) / H
    kinetics = f'[kinetics]\nmethod = "population"\neffective_half_life = "{effective_h:.9g} h"\neffective_half_life_u = "1 %"\n' if single else '[kinetics]\nmodels = ["mono-exponential"]\n'
    path = tmp_path / "case.toml"
    path.write_text(
        'schema = "lutetia-case/1"\nid = "x"\nnuclide = "Lu-177"\n[administration]\nactivity = "7.4 GBq"\n'
        + ('[measurement]\ndecay_corrected_to = "administration"\n' if corrected else "") + kinetics
        + '[[region]]\nname = "kidney"\nmass = "150 g"\n'
        + f"times = {[f'{t} h' for t in times]}\nactivities = {[f'{a:.12g} Bq' for a in activity]}\n"
    )  # fmt: skip
    return load_case(path)


def _exchanged(case, name: str):  # type: ignore[no-untyped-def]
    decay = [nuclide(n).decay_constant_per_s for n in (case.nuclide, name)]
    return {r: exchange_nuclide(f, curve, *decay) for r, (curve, f) in table_fits(case).items()}


@pytest.mark.parametrize("name", ["Y-90", "Tb-161", "Ac-225"])
def test_integral_and_uncertainty_are_those_of_a_fit_to_the_new_points(name: str) -> None:
    """Points of a bi-exponential without noise, 5 % each: exchanged after the fit, or fitted after the exchange."""
    old, new = (nuclide(n).decay_constant_per_s for n in ("Lu-177", name))
    t = np.array([2.0, 24.0, 72.0, 168.0]) * H
    slow, quick = old + math.log(2) / (100 * H), old + math.log(2) / (6 * H)
    activity = 5e7 * np.exp(-slow * t) + 8e7 * np.exp(-quick * t)
    curve = TimeActivityCurve(t, activity, 0.05 * activity)
    exchanged = exchange_nuclide(fit_curve(curve, decay_constant_per_s=old, models=["bi-exponential"]), curve, old, new)
    assert exchanged.tia_Bq_s == pytest.approx(5e7 / (slow + new - old) + 8e7 / (quick + new - old), rel=1e-3)
    points = activity * np.exp((old - new) * t)
    fitted = fit_curve(TimeActivityCurve(t, points, 0.05 * points), decay_constant_per_s=new, models=["bi-exponential"])
    assert exchanged.u_tia_Bq_s == pytest.approx(fitted.u_tia_Bq_s, rel=0.1)
    assert exchanged.effective_half_life_s == pytest.approx(fitted.effective_half_life_s, rel=1e-3)


def test_too_late_for_a_short_half_life(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="half-lives of Bi-213"):
        exchanged_case(_case(tmp_path, 60.0, single=True), "Bi-213")


@pytest.mark.parametrize("name", ["Y-90", "Ac-225", "Tb-161", "F-18", "Lu-177"])
@pytest.mark.parametrize("corrected", [False, True])
def test_integral_is_that_of_the_new_effective_half_life(name: str, corrected: bool, tmp_path: Path) -> None:
    """1e8 Bq at t = 0 with biological half-life 60 h: TIA = 1e8 / (lambda_biological + lambda_physical)."""
    case = _case(tmp_path, 60.0, corrected=corrected)
    region = run_table(exchanged_case(case, name), seed=1, fits=_exchanged(case, name))["regions"][0]
    rate = math.log(2) / (60 * H) + nuclide(name).decay_constant_per_s
    assert region["tia_Bq_s"] == pytest.approx(1e8 / rate, rel=1e-4)
    assert region["effective_half_life_s"] == pytest.approx(math.log(2) / rate, rel=1e-4)


def test_an_assumed_half_life_is_exchanged_too(tmp_path: Path) -> None:
    """One scan and a population's half-life: the biological one is kept (a spread of 1 % moves the mean by less than 1e-3)."""
    case = _case(tmp_path, 60.0, single=True)
    assert run_table(exchanged_case(case, "Ac-225"), seed=1, fits=_exchanged(case, "Ac-225"))["regions"][0]["tia_Bq_s"] == pytest.approx(
        run_table(exchanged_case(case, "Ac-225"), seed=1)["regions"][0]["tia_Bq_s"], rel=1e-3
    )
    region = run_table(exchanged_case(case, "Ac-225"), seed=1)["regions"][0]
    rate = math.log(2) / (60 * H) + nuclide("Ac-225").decay_constant_per_s
    assert region["tia_Bq_s"] == pytest.approx(1e8 / rate, rel=1e-3)


@given(st.floats(5.0, 2000.0))
def test_there_and_back_is_the_same(tmp_path_factory, biological_h: float) -> None:  # type: ignore[no-untyped-def]
    case = _case(tmp_path_factory.mktemp("case"), biological_h)
    back = exchanged_case(exchanged_case(case, "Ac-225"), "Lu-177")
    assert np.allclose(back.region[0].activities, case.region[0].activities, rtol=1e-12)


def test_no_biology_to_keep(tmp_path: Path) -> None:
    case = _case(tmp_path, 60.0, single=True)
    longer = case.model_copy(update={"kinetics": case.kinetics.model_copy(update={"effective_half_life": 500 * H})})
    with pytest.raises(BadInput, match="no biological half-life"):
        exchanged_case(longer, "Ac-225")


def test_images_are_multiplied_by_the_ratio_of_decays() -> None:
    from lutetia.chain.exchange import exchanged_patient
    from lutetia.chain.scans import PatientImages
    from lutetia.imaging import Geometry, Volume

    geometry = Geometry((1, 1, 2), np.eye(4))
    volumes = tuple(Volume(np.full((1, 1, 2), 8.0, np.float32), geometry, "activity concentration [Bq/mL]", None) for _ in range(2))

    @dataclasses.dataclass(frozen=True)
    class Scan:
        volume: Volume

    times = np.array([24.0, 96.0]) * H
    patient = PatientImages(tuple(map(Scan, volumes)), times, volumes, (None, None), None, None, (), None, [], [])  # type: ignore[arg-type]
    moved = exchanged_patient(patient, "Lu-177", "Y-90")
    expected = 8 * 2 ** (times / nuclide("Lu-177").half_life_s - times / nuclide("Y-90").half_life_s)
    assert [float(v.values[0, 0, 0]) for v in moved.aligned] == pytest.approx(expected.tolist(), rel=1e-6)
    assert all(s.volume is v for s, v in zip(moved.scans, moved.aligned))
