"""Decay data against published numbers, and chains against an independent solver."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.core import BadInput
from lutetia.nuclides import (
    RADIATIONS,
    Inventory,
    chain,
    chain_energy_per_decay_MeV,
    equilibrium_chain,
    names,
    nuclide,
)

SPELLINGS = ["Lu-177", "lu-177", "LU177", "177Lu", "177-Lu", "[177Lu]", "lutetium-177", "Lutetium 177", "¹⁷⁷Lu", "lu_177", "^177Lu"]


@pytest.mark.parametrize("text", SPELLINGS)
def test_common_spellings(text: str) -> None:
    assert nuclide(text).name == "Lu-177"


@pytest.mark.parametrize("text", ["99mTc", "Tc-99m", "Tc99m", "TC-99M", "technetium-99m", "99m-Tc", "99mtc"])
def test_metastable_spellings(text: str) -> None:
    assert nuclide(text).name == "Tc-99m"


@pytest.mark.parametrize(("text", "name"), [("99mo", "Mo-99"), ("22na", "Na-22"), ("147nd", "Nd-147"), ("52mmn", "Mn-52m"), ("113min", "In-113m"), ("13n", "N-13")])
def test_a_letter_of_the_symbol_is_not_taken_for_a_state(text: str, name: str) -> None:
    assert nuclide(text).name == name


def test_every_nuclide_of_icrp_107_loads_and_its_energy_is_that_of_its_lines() -> None:
    assert len(names()) == 1252
    for name in sorted(names())[::13]:
        n = nuclide(name)
        assert n.half_life_s > 0 and all(n.energy_per_decay_MeV[r] >= 0 for r in RADIATIONS)
        assert sum(f for _, f, _ in n.daughters) <= 1 + 1e-4  # as tabulated
        if n.beta is not None:
            trapezoids = np.sum(np.diff(n.beta.energy_MeV) * 0.5 * ((n.beta.per_MeV * n.beta.energy_MeV)[1:] + (n.beta.per_MeV * n.beta.energy_MeV)[:-1]))
            assert trapezoids == pytest.approx(n.energy_per_decay_MeV["beta"], rel=1e-9)


@pytest.mark.parametrize("name", sorted(names())[5::61])
def test_every_name_is_found_in_other_spellings(name: str) -> None:
    element, mass = name.split("-")
    assert nuclide(f"{mass}{element}").name == nuclide(f"{element.lower()}{mass}").name == name


@pytest.mark.parametrize(("text", "near"), [("Lu-178x", "Lu-178"), ("Ac-22", "Ac-22"), ("Tc-99mm", "Tc-99m")])
def test_unknown_names_get_near_matches(text: str, near: str) -> None:
    with pytest.raises(BadInput, match=near):
        nuclide(text)


@given(st.text(max_size=12))
def test_any_text_is_a_nuclide_or_a_sentence(text: str) -> None:
    try:
        assert nuclide(text).name in names()
    except BadInput as error:
        assert "ICRP" in str(error)


@pytest.mark.parametrize(
    # keV per decay. Electrons: Lu-177 and Tb-161, doi 10.1186/s40658-020-00301-2 table 1. The rest: ICRP 107 sums by GPUMCRPTDosimetry.
    ("name", "radiations", "keV", "tolerance"),
    [("Lu-177", ("beta", "electron"), 147.9, 0.1), ("Tb-161", ("beta", "electron"), 202.5, 0.1), ("Ac-225", ("alpha",), 5787.2, 0.5),
     ("Ac-225", ("recoil",), 104.8, 0.1), ("Po-213", ("alpha",), 8376.5, 0.5), ("I-131", ("photon",), 382.8, 0.5), ("Y-90", ("beta", "electron"), 933.1, 0.5)],
)  # fmt: skip
def test_mean_energies(name: str, radiations: tuple[str, ...], keV: float, tolerance: float) -> None:
    e = nuclide(name).energy_per_decay_MeV
    assert 1000 * sum(e[r] for r in radiations) == pytest.approx(keV, abs=tolerance)


@pytest.mark.parametrize(
    # MeV of alphas per decay of the parent. Ac-225 27.5 (one path); At-211 6.78 (Falzone 2015, via PMC6131480 table 1).
    ("name", "alpha_MeV", "rel"),
    [("Ac-225", 27.48, 0.001), ("At-211", 6.783, 0.001)],
)
def test_chain_energy(name: str, alpha_MeV: float, rel: float) -> None:
    assert chain_energy_per_decay_MeV(name)["alpha"] == pytest.approx(alpha_MeV, rel=rel)


def test_actinium_and_its_six_daughters() -> None:
    assert [m.nuclide.name for m in chain("Ac-225")] == ["Ac-225", "Fr-221", "At-217", "Bi-213", "Po-213", "Tl-209", "Pb-209"]


def test_a_daughter_that_outlives_its_parent_is_not_in_equilibrium() -> None:
    assert [m.nuclide.name for m in equilibrium_chain("Mo-99")] == ["Mo-99", "Tc-99m"]
    assert [m.nuclide.name for m in equilibrium_chain("At-211")] == ["At-211", "Po-211"]


@pytest.mark.parametrize(
    # By the branching fractions of ICRP 107: what passes a nuclide that outlives the parent is left out.
    ("parent", "member", "decays"), [("Sb-127", "Te-127", 0.8232), ("Fr-223", "Po-215", 5.82e-5), ("Ac-226", "Rn-218", 0.83), ("Ac-225", "Po-213", 0.9791)],
)  # fmt: skip
def test_decays_that_pass_a_longer_lived_daughter_are_not_in_equilibrium(parent: str, member: str, decays: float) -> None:
    found = {m.nuclide.name: m.decays_per_parent for m in equilibrium_chain(parent)}
    assert found[member] == pytest.approx(decays, rel=1e-3)


@pytest.mark.parametrize(("name", "seconds"), [("Ac-225", 3.0e5), ("Mo-99", 2.0e4), ("Ra-223", 600.0), ("Th-227", 1.0e6), ("Ge-68", 1.0e4), ("Pb-212", 4.0e3)])
def test_inventories_against_radioactivedecay(name: str, seconds: float) -> None:
    rd = pytest.importorskip("radioactivedecay")
    other = rd.InventoryHP({name: 1e9}, "Bq").decay(seconds, "s").activities("Bq")
    for member, activity in Inventory({name: 1e9}).at(seconds).activity_Bq.items():
        assert activity == pytest.approx(other[member], rel=1e-9, abs=1e-3)


@given(st.sampled_from(["Ac-225", "Ra-223", "Mo-99", "Pb-212", "Th-227"]), st.floats(0, 1e6), st.floats(0, 1e6))
def test_two_steps_are_one(name: str, first: float, second: float) -> None:
    once, twice = Inventory({name: 1e9}).at(first + second), Inventory({name: 1e9}).at(first).at(second)
    for member, activity in once.activity_Bq.items():
        assert twice.activity_Bq[member] == pytest.approx(activity, rel=1e-7, abs=1.0)


@given(st.floats(1e3, 1e10), st.floats(0, 1e7))
def test_activity_is_linear(scale: float, seconds: float) -> None:
    one, many = Inventory({"Ac-225": 1.0}).at(seconds), Inventory({"Ac-225": scale}).at(seconds)
    assert many.activity_Bq["Bi-213"] == pytest.approx(scale * one.activity_Bq["Bi-213"], rel=1e-9, abs=1e-14 * scale)


def test_mixed_inventories_merge_their_chains() -> None:
    both = Inventory({"Ac-225": 1e6, "Bi-213": 1e6, "Lu-177": 5.0}).at(3600.0).activity_Bq
    alone = Inventory({"Ac-225": 1e6}).at(3600.0).activity_Bq["Bi-213"] + Inventory({"Bi-213": 1e6}).at(3600.0).activity_Bq["Bi-213"]
    assert both["Bi-213"] == pytest.approx(alone, rel=1e-12)


def test_negative_activity_is_refused() -> None:
    with pytest.raises(BadInput):
        Inventory({"Lu-177": -1.0})
