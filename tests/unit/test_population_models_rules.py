"""What the population models refuse, and what a stated molar activity opens."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.kinetics.population_models import (
    dotatate_dose_Gy,
    draw,
    fractions,
    population_model,
    time_integrated_h,
    typical,
)

P617, IT, HA, BLOOD = "PSMA-617-Siebinga-2023", "PSMA-I&T-Siebinga-2024", "HA-DOTATATE-177Lu-Siebinga-2023", "DOTATATE-blood-Sood-2026"


@pytest.mark.parametrize(("make", "says"), [
    (lambda: population_model("PSMA-617-Siebinga-2022"), "Did you mean PSMA-617-Siebinga-2023"),
    (lambda: draw(P617, 0, 1), "one or more"),
    (lambda: draw(P617, 3, 1, cycles=0), "cycles"),
    (lambda: typical(P617, covariates={"tumor_volume_mL": 2.0}), "Did you mean tumour_volume_mL"),
    (lambda: typical(BLOOD, covariates={"weight_kg": 80.0}), "it has none"),
    (lambda: typical(P617, covariates={"tumour_volume_mL": 0.0}), "positive"),
    (lambda: draw(P617, 3, 1, covariates={"tumour_volume_mL": [1.0, 2.0]}), "for 3 patients"),
    (lambda: time_integrated_h(typical(P617)), "give activity_Bq"),
    (lambda: time_integrated_h(typical(HA)), r"give ligand_nmol \(its patients had 92.7 nmol\)"),
    (lambda: time_integrated_h(typical(P617), activity_Bq=7.4e9, cycle=2), "cycles 1 to 1"),
    (lambda: time_integrated_h(typical(P617), activity_Bq=-1.0), "positive number"),
    (lambda: time_integrated_h(typical(P617), activity_Bq=7.4e9, ligand_nmol=57.0), "57 nmol of ligand cannot be answered"),
    (lambda: time_integrated_h(typical(IT), activity_Bq=1e7, nuclide_name="Ac-225"), "the nuclide Ac-225 cannot be answered"),
    (lambda: time_integrated_h(typical(IT), activity_Bq=1e7, study_molar_activity_Bq_per_nmol=1.3e8), "give ligand_nmol"),
    (lambda: fractions(typical(BLOOD), []), "ascending"),
    (lambda: fractions(typical(BLOOD), [10.0, 5.0]), "ascending"),
    (lambda: dotatate_dose_Gy(7.4e9, 0.0), "positive number"),
])  # fmt: skip
def test_refused_with_a_sentence(make, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        make()


def test_the_same_nuclide_by_another_spelling_is_no_other_nuclide() -> None:
    a, b = (time_integrated_h(typical(P617), activity_Bq=7.4e9, nuclide_name=n)["kidneys"] for n in (None, "177Lu"))
    assert np.array_equal(a, b)


def test_a_stated_molar_activity_turns_the_capacity_into_ligand() -> None:
    """At the study's own molar activity nothing changes; half the ligand is half the activity; another nuclide follows its decay."""
    molar = 7.4e9 / 57.09
    plain = time_integrated_h(typical(P617), activity_Bq=7.4e9)
    same = time_integrated_h(typical(P617), ligand_nmol=57.09, study_molar_activity_Bq_per_nmol=molar)
    half = time_integrated_h(typical(P617), ligand_nmol=57.09 / 2, study_molar_activity_Bq_per_nmol=molar)
    for region, value in time_integrated_h(typical(P617), activity_Bq=3.7e9).items():
        assert same[region] == pytest.approx(plain[region], rel=1e-6) and half[region] == pytest.approx(value, rel=1e-6)
    actinium = time_integrated_h(typical(P617), ligand_nmol=57.09, nuclide_name="Ac-225", study_molar_activity_Bq_per_nmol=molar)
    assert np.all(actinium["kidneys"] > same["kidneys"])  # 10.0 d against 6.65 d


def test_covariates_and_cycles_do_what_the_papers_say() -> None:
    slow, fast = (time_integrated_h(typical(P617, covariates={"creatinine_clearance_mL_per_min": c}), activity_Bq=7.4e9)["kidneys"][0] for c in (40.0, 120.0))
    assert slow > fast
    assert typical(P617, covariates={"creatinine_clearance_mL_per_min": 2 * 87.9}).parameters["k_out"][0] == pytest.approx(2 * 0.288)
    heavy = typical(IT, covariates={"weight_kg": 2 * 79.0}).parameters
    assert heavy["volume_blood"][0] == pytest.approx(2 * 10.3) and heavy["back_kidneys"][0] == pytest.approx(0.0625 * 2**-0.25)
    assert heavy["capacity_salivary_glands"][0] == 134  # the paper scales volumes and rates alone
    big = typical(HA, covariates={"tumour_volume_mL": 160.0}).parameters
    assert big["volume_tumours"][0] == pytest.approx(0.16) and big["k_tumours"][0] == pytest.approx(0.157 * 2**0.67)
    assert population_model(P617).cycle_factors == (1.0,)


def test_one_covariate_for_each_patient() -> None:
    p = draw(P617, 3, 1, covariates={"tumour_volume_mL": [1.73, 3.46, 1.73]})
    same = draw(P617, 3, 1)
    assert p.parameters["k_tumours"] / same.parameters["k_tumours"] == pytest.approx([1, 2**0.705, 1])
    assert not p.parameters["k_tumours"].flags.writeable
