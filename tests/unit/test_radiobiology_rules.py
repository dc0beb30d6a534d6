"""What is refused, and what is said where nothing is known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.radiobiology import (
    DsbRepair,
    EffectiveDoses,
    bed_until_Gy,
    bed_with_repopulation,
    breaks_present,
    complication_parameter_sets,
    compound_poisson_survival,
    dsb_repair,
    dsb_repair_sets,
    dsb_yields,
    eqd2_Gy,
    geud_Gy,
    lea_catcheside,
    lea_catcheside_constant,
    lq_parameter_sets,
    lq_parameters,
    lq_survival,
    mixed_field_effect,
    ntcp,
    ntcp_lkb,
    per_track_survival,
    rbe,
    rbe_linear_quadratic,
    rbe_names,
    residual_fraction,
    surviving_fraction,
    tcp_of_dose,
    tcp_poisson,
)


def test_every_set_has_a_source_and_says_how_it_was_fitted():
    for s in lq_parameter_sets().values():
        assert s.source and s.fitted in ("acute", "protracted") and s.alpha_per_Gy > 0
    for s in (*complication_parameter_sets().values(), *dsb_yields().values(), *dsb_repair_sets().values(), *(rbe(n, 1.0) for n in rbe_names())):
        assert s.source and s.note
    assert all(s.quantity == "EQD2" for s in complication_parameter_sets().values())


@pytest.mark.parametrize("name", [n for n, s in lq_parameter_sets().items() if s.fitted == "protracted"])
def test_parameters_of_protracted_radiation_take_no_protraction_factor(name):
    cells = lq_parameters(name)
    with pytest.raises(BadInput, match="already hold the sparing"):
        surviving_fraction(cells, 5.0, 0.1)
    with pytest.raises(BadInput, match="twice"):
        surviving_fraction(cells, 5.0, 1.0)  # not even one that does nothing: what is meant is not clear
    assert 0 < surviving_fraction(cells, 5.0) < 1


def test_unknown_is_none_not_a_number():
    assert lq_parameters("PC3-PIP-Ac225-Ruigrok-2022").repair_half_life_s is None
    assert lq_parameters("PC3-PIP-Ac225-Ruigrok-2022").alpha_beta_Gy == math.inf
    assert rbe("initial-DSB-Rumiantcev-2023").u is None
    for organ in ("lacrimal gland", "red marrow", "salivary glands", "spleen", "tumour"):
        nothing = ntcp(organ, 20.0)
        assert nothing.probability is None and nothing.parameters is None and "no published parameters" in nothing.note


def test_a_set_of_another_organ_is_not_borrowed():
    with pytest.raises(BadInput, match="published for kidney"):
        ntcp("liver", 20.0, name="kidney-Burman-1991")
    assert ntcp("parotid", 30.0, name="parotid-Burman-1991").probability < ntcp("parotid", 30.0).probability
    assert "external beam" in ntcp("Kidney_R", 20.0).note and "EQD2" in ntcp("kidneys", 20.0).note


def test_names_have_near_matches():
    for call in (lambda: lq_parameters("NCI-H69-extern-Tamborino-2025"), lambda: rbe("deterministic"), lambda: dsb_repair("MEDRAS"), lambda: ntcp("kidney", 1.0, name="kidney-Burman")):
        with pytest.raises(BadInput, match="choose from"):
            call()


def test_an_rbe_is_not_given_beyond_what_is_known():
    for dose in (None, 113.1, -1.0, math.nan):
        with pytest.raises(BadInput):
            rbe("residual-DSB-Rumiantcev-2023", dose)
    assert rbe("deterministic-5", 3.0).value == 5 and rbe("deterministic-5").dose_Gy is None


def test_derived_doses_never_stand_without_their_name():
    d = EffectiveDoses(1.0, 0.5, 0.25, rbe=rbe("deterministic-5"), bed_Gy=0.8, bed_parameters="kidney-Barone-2005").as_record()
    assert d["absorbed_Gy"] == 1.75 and d["weighted"]["Sv_RBE"] == 5.75 and d["weighted"]["convention"] == "deterministic-5" and d["weighted"]["source"]
    assert d["bed"] == {"bed_Gy": 0.8, "parameters": "kidney-Barone-2005", "of": "electrons and photons"}
    bare = EffectiveDoses(1.0, 0.5, 0.25).as_record()
    assert bare["weighted"] is None and bare["bed"] is None
    with pytest.raises(BadInput, match="together"):
        EffectiveDoses(1.0, 0.5, 0.25, bed_Gy=0.8)


def test_repair_in_two_components_reduces_to_one():
    r, l = [1.0], [0.01]
    assert lea_catcheside(r, l, [2.0, 9.0], [1.0, 0.0]) == lea_catcheside(r, l, 2.0) == lea_catcheside(r, l, [2.0, 2.0], [0.3, 0.7])
    assert lea_catcheside(r, l, [0.0, 2.0], [0.5, 0.5]) == pytest.approx(lea_catcheside(r, l, 2.0) / 2)


def test_shapes_pass_through():
    assert lq_survival(np.ones((2, 3)), 0.1, 0.01).shape == (2, 3)
    assert per_track_survival(np.ones(4), 0.5).shape == compound_poisson_survival(np.ones(4), [0.2], [1], 0.5).shape == (4,)
    assert breaks_present([1.0, 2.0], [1.0], [0.1], 30, dsb_repair("MEDRAS-rejoining")).shape == (2,)
    assert isinstance(lq_survival(1.0, 0.1, 0.01), float) and isinstance(eqd2_Gy(3.0, 3.0), float)
    np.testing.assert_allclose(eqd2_Gy(np.array([0.0, 5.0]), 3.0), [0.0, 3.0])


def test_repopulation_of_nothing_and_of_the_fastest_cells():
    assert bed_with_repopulation(0.0, [1.0], [0.01], 1.5, 10.0, alpha_per_Gy=0.3, doubling_time_s=50.0).bed_Gy == 0
    outgrown = bed_with_repopulation(1.0, [1.0], [0.001], 1.5, 10.0, alpha_per_Gy=0.01, doubling_time_s=1.0)
    assert outgrown.bed_Gy == 0 and outgrown.effective_time_s == 0 and outgrown.bed_without_Gy > 1


ONE = DsbRepair("one", (1.0,), (1.0,), "", "")


@pytest.mark.parametrize(
    "call",
    [
        lambda: lea_catcheside([1.0], [1.0], [1.0, 2.0]), lambda: lea_catcheside([1.0], [1.0], [1.0, 2.0], [0.5, 0.6]), lambda: lea_catcheside([1.0], [1.0], 1.0, [0.5]),
        lambda: lea_catcheside([1.0], [1.0], [], []), lambda: lea_catcheside_constant(-1.0, 1.0), lambda: lea_catcheside_constant(1.0, 0.0),
        lambda: eqd2_Gy(-1.0, 3.0), lambda: eqd2_Gy(1.0, 0.0), lambda: lq_survival(-1.0, 0.1, 0.1), lambda: lq_survival(1.0, -0.1, 0.1), lambda: lq_survival(1.0, 0.1, 0.1, 1.5),
        lambda: lq_survival(1.0, math.nan, 0.1), lambda: compound_poisson_survival(-1.0, [1.0], [1.0], 1.0), lambda: compound_poisson_survival(1.0, [1.0], [0.0], 1.0),
        lambda: compound_poisson_survival(1.0, [1.0, 2.0], [1.0], 1.0), lambda: compound_poisson_survival(1.0, [1.0], [1.0], 0.0), lambda: compound_poisson_survival(1.0, [-1.0], [1.0], 1.0),
        lambda: per_track_survival(1.0, 1.5), lambda: per_track_survival(np.inf, 0.5), lambda: tcp_poisson(-1.0, 0.5), lambda: tcp_poisson(1.0, 1.5),
        lambda: mixed_field_effect(1.0, -1.0, alpha_low_per_Gy=0.1, beta_low_per_Gy2=0.1, alpha_high_per_Gy=0.1),
        lambda: tcp_of_dose(1.0, 1.0, 0.1, 0.1, sd_alpha_per_Gy=-1.0), lambda: tcp_of_dose(1.0, 1.0, 0.0, 0.1, sd_alpha_per_Gy=0.1), lambda: geud_Gy([], 1.0),
        lambda: geud_Gy([1.0], 0.0), lambda: geud_Gy([1.0, 2.0], 1.0, [1.0]), lambda: geud_Gy([1.0], 1.0, [0.0]), lambda: ntcp_lkb(1.0, 0.0, 0.1, 0.1), lambda: ntcp_lkb(1.0, 10.0, 0.1, 0.0),
        lambda: rbe_linear_quadratic(1.0, 0.1, 0.1, 0.0, 0.0), lambda: rbe_linear_quadratic(-1.0, 0.1, 0.1, 0.1, 0.1), lambda: EffectiveDoses(-1.0, 0.0, 0.0),
        lambda: breaks_present(-1.0, [1.0], [1.0], 1.0, ONE), lambda: breaks_present(1.0, [1.0, 2.0], [1.0], 1.0, ONE), lambda: breaks_present(1.0, [1.0], [1.0], -1.0, ONE),
        lambda: residual_fraction(-1.0, ONE), lambda: DsbRepair("x", (0.5, 0.4), (1.0, 1.0), "", ""), lambda: DsbRepair("x", (1.0,), (-1.0,), "", ""),
        lambda: bed_until_Gy(1.0, [1.0], [0.1], 0.0, 3.0, 1.0), lambda: bed_until_Gy(-1.0, [1.0], [0.1], 1.0, 3.0, 1.0),
        lambda: bed_with_repopulation(1.0, [1.0], [0.1], 1.0, 3.0, alpha_per_Gy=0.0, doubling_time_s=1.0), lambda: bed_with_repopulation(1.0, [1.0], [0.1], 1.0, 3.0, alpha_per_Gy=0.1, doubling_time_s=1.0, kick_off_s=-1.0),
        lambda: bed_with_repopulation(1.0, [1.0], [0.1], 1.0, 0.0, alpha_per_Gy=0.1, doubling_time_s=1.0),
    ],
)  # fmt: skip
def test_what_has_no_meaning_is_refused(call):
    with pytest.raises(BadInput):
        call()
