"""The population models against what the papers print, and against values computed apart from their parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lutetia.kinetics.population_models import (
    dotatate_dose_Gy,
    draw,
    fractions,
    population_model,
    time_integrated_h,
    typical,
)

MEV_J = 1.602176634e-13


def _tiac(name: str, region: str, *, cycle: int = 1, covariates=None, **given) -> float:
    return float(time_integrated_h(typical(name, cycles=max(cycle, 1), covariates=covariates), cycle=cycle, **given)[region][0])


@pytest.mark.parametrize(("GBq", "salivary_h"), [(3.0, 0.634), (6.0, 0.382), (7.4, 0.327)])
def test_psma_617(GBq: float, salivary_h: float) -> None:
    """Values computed with another solver from table 2 of doi:10.1002/psp4.12914."""
    name, given = "PSMA-617-Siebinga-2023", {"activity_Bq": GBq * 1e9}
    assert _tiac(name, "salivary_glands", **given) == pytest.approx(salivary_h, rel=0.01)
    assert _tiac(name, "kidneys", **given) == pytest.approx(1.545, rel=0.01)
    assert _tiac(name, "tumours", **given) == pytest.approx(0.0610, rel=0.01)


@pytest.mark.parametrize(("cycle", "tumours_h"), [(1, 1.648), (2, 1.207), (3, 0.824), (4, 0.722), (7, 0.722)])
def test_psma_it(cycle: int, tumours_h: float) -> None:
    """Values computed with another solver from table 2 of doi:10.1186/s40658-024-00642-2."""
    name, given = "PSMA-I&T-Siebinga-2024", {"activity_Bq": 7.4e9, "cycle": cycle}
    assert _tiac(name, "tumours", **given) == pytest.approx(tumours_h, rel=0.01)
    assert _tiac(name, "kidneys", **given) == pytest.approx(1.584, rel=0.01)


@pytest.mark.parametrize(("ug", "tumour_Gy_per_GBq", "kidney_Gy_per_GBq"), [(20, 4.64, 0.485), (75, 4.51, 0.504), (151, 3.14, 0.377), (300, 1.72, 0.217)])
def test_ha_dotatate(ug: float, tumour_Gy_per_GBq: float, kidney_Gy_per_GBq: float) -> None:
    """Values computed with another solver from table 2 of doi:10.1186/s40658-023-00565-4: all electrons of 177Lu absorbed in 80 mL and 0.3 L."""
    per_h = 3600 * 0.1479 * MEV_J * 1e9
    given = {"ligand_nmol": ug / 1628.5 * 1000}
    assert _tiac("HA-DOTATATE-177Lu-Siebinga-2023", "tumours", **given) * per_h / 0.080 == pytest.approx(tumour_Gy_per_GBq, rel=0.01)
    assert _tiac("HA-DOTATATE-177Lu-Siebinga-2023", "kidneys", **given) * per_h / 0.3 == pytest.approx(kidney_Gy_per_GBq, rel=0.01)


@pytest.mark.parametrize(("clearance", "kidneys_Gy", "marrow_Gy"), [(99, 4.37, 0.24), (50, 6.36, 0.537), (150, 3.48, 0.147)])
def test_dotatate_dose(clearance: float, kidneys_Gy: float, marrow_Gy: float) -> None:
    d = dotatate_dose_Gy(7.4e9, clearance)
    assert (d["kidneys"], d["marrow"]) == (pytest.approx(kidneys_Gy, rel=0.01), pytest.approx(marrow_Gy, rel=0.01))


def test_dotatate_dose_of_adolescents_as_the_paper_prints_it() -> None:
    """5.39 Gy at the adolescents' median clearance, 122.1 mL/min; their marrow has the adults' law."""
    assert dotatate_dose_Gy(7.4e9, 122.1, adolescent=True)["kidneys"] == pytest.approx(5.39, rel=0.01)
    assert dotatate_dose_Gy(7.4e9, 122.1, adolescent=True)["marrow"] == dotatate_dose_Gy(7.4e9, 122.1)["marrow"]


def test_what_the_papers_say_of_their_parameters() -> None:
    """Twice the tumour: 1.63 times the uptake of PSMA-617, 2.11 times that of PSMA-I&T. Half-lives 46.2 h and 11.0 h, renal clearance 2.61 L/h."""
    for name, volume_mL, factor in (("PSMA-617-Siebinga-2023", 2 * 1.73, 1.63), ("PSMA-I&T-Siebinga-2024", 2 * 44.3, 2.11)):
        more = typical(name, covariates={"tumour_volume_mL": volume_mL}).parameters["k_tumours"][0]
        assert more / typical(name).parameters["k_tumours"][0] == pytest.approx(factor, abs=0.006)
    v = population_model("PSMA-I&T-Siebinga-2024").typical
    assert math.log(2) / v["back_tumours"] == pytest.approx(46.2, abs=0.05)
    assert math.log(2) / v["back_salivary_glands"] == pytest.approx(11.0, abs=0.05)
    assert v["k_out"] * v["volume_blood"] == pytest.approx(2.61, abs=0.005)
    # The volumes of table 1 of the HA-DOTATATE paper, 22.4 to 644 mL, take 1 to 23 % off the uptake of the spleen.
    spleen = [typical("HA-DOTATATE-177Lu-Siebinga-2023", covariates={"total_tumour_volume_mL": mL}).parameters["k_spleen"][0] / 0.0607 for mL in (22.4, 644)]
    assert spleen == [pytest.approx(0.99, abs=0.005), pytest.approx(0.77, abs=0.005)]


def test_the_blood_of_dotatate_clears_as_its_clearance_says() -> None:
    """The two-compartment model of doi:10.2967/jnumed.125.270202: area under the curve is dose over clearance, 1/4.95 h/L."""
    times = np.linspace(0, 4000, 100_001)
    blood = fractions(typical("DOTATATE-blood-Sood-2026"), times * 3600)["blood"][0]
    assert np.trapezoid(blood, times) / 21.59 == pytest.approx(1 / 4.95, rel=1e-3)


@pytest.mark.parametrize(("name", "parameter", "cv"), [
    ("PSMA-617-Siebinga-2023", "k_tumours", 0.588), ("PSMA-617-Siebinga-2023", "k_out", 0.172), ("PSMA-617-Siebinga-2023", "capacity_salivary_glands", 0.593),
    ("PSMA-I&T-Siebinga-2024", "k_tumours", 0.634), ("PSMA-I&T-Siebinga-2024", "k_rest", 0.291), ("HA-DOTATATE-177Lu-Siebinga-2023", "density_kidneys", 0.5),
])  # fmt: skip
def test_drawn_patients_have_the_published_spread(name: str, parameter: str, cv: float) -> None:
    values = draw(name, 200_000, seed=5).parameters[parameter]
    assert np.std(values) / np.mean(values) == pytest.approx(cv, rel=0.02)
    assert np.median(values) == pytest.approx(population_model(name).typical[parameter], rel=0.01)


def test_cycles_of_one_patient_spread_as_published() -> None:
    """43.5 % and 37.8 % between cycles; and the correlation 0.70 of clearance and volume of DOTATATE."""
    for name, cv in (("PSMA-617-Siebinga-2023", 0.435), ("PSMA-I&T-Siebinga-2024", 0.378)):
        factors = draw(name, 100_000, seed=2, cycles=2).by_cycle["k_tumours"]
        assert np.std(factors[:, 1]) / np.mean(factors[:, 1]) == pytest.approx(cv, rel=0.02)
        assert abs(np.corrcoef(np.log(factors).T)[0, 1]) < 0.02
    p = draw("DOTATATE-blood-Sood-2026", 100_000, seed=2).parameters
    logs = np.log([p["clearance"], p["volume_blood"]])
    assert np.corrcoef(logs)[0, 1] == pytest.approx(0.70, abs=0.01)
    assert logs.std(axis=1) == pytest.approx([0.41, 0.52], rel=0.01)
