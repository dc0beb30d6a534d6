"""The library of agents: what a record holds, how it is found, what kinetics it has."""

from __future__ import annotations

import re

import pytest

from lutetia.agents import COMMON_TARGETS, agent, agents, class_prior, kinetics_statement, target_symbols
from lutetia.core import BadInput
from lutetia.data import table
from lutetia.kinetics.pbpk import parameter_sets
from lutetia.kinetics.population_models import population_model, population_models
from lutetia.nuclides import nuclide


@pytest.mark.parametrize("a", agents(), ids=lambda a: a.id)
def test_a_record_is_dated_sourced_and_plain(a) -> None:
    assert re.fullmatch(r"\d{4}(-\d\d(-\d\d)?)?", a.as_of)
    assert a.sources and a.role in ("imaging", "therapy") and a.binding in ("reversible", "covalent", "dual", None)
    assert nuclide(a.nuclide).name == a.nuclide
    assert set(a.targets) <= {"FOLH1", "SSTR2", "FAP", "CA9", "GRPR", "ITGAV", "ITGB3", "ANPEP"}
    assert a.molar_mass_g_per_mol is None or any("molar mass" in n for n in a.notes)
    assert bool(a.kinetics) == (a.kinetics_nuclide is not None)
    assert agent(a.id) is a and agent(a.name) is a and all(agent(alias) is a for alias in a.aliases)


def test_the_table_and_the_ids_agree() -> None:
    assert [str(i) for i in table("agents")["id"]] == [a.id for a in agents()]
    assert len({a.id for a in agents()}) == len(agents())


@pytest.mark.parametrize("name", [
    "177Lu-JH02", "177Lu-HRS-4357", "177Lu-INR102", "225Ac-LNC1011", "177Lu-HX02", "177Lu-NRT6020", "177Lu-BL-ARC001", "177Lu-XT117", "225Ac-FL-020",
    "177Lu-BRP-010", "177Lu-NY104", "Pluvicto", "Lutathera", "225Ac-PSMA-617", "XTR022", "68Ga-PSMA-11", "18F-DCFPyL", "177Lu-PSMA-I&T", "225Ac-PSMA-R2",
    "68Ga-DOTATATE", "177Lu-DOTATOC", "68Ga-DOTATOC", "177Lu-HA-DOTATATE", "68Ga-HA-DOTATATE", "177Lu-NeoB", "68Ga-HX01",
])  # fmt: skip
def test_the_agents_of_the_field_are_there(name: str) -> None:
    assert agent(name).sources


@pytest.mark.parametrize("spelling", ["177Lu-PSMA-617", "[177Lu]Lu-PSMA-617", "177lu psma 617", "Lu-177-PSMA-617", "Lu177-PSMA-617", "PLUVICTO", "Lu-177 vipivotide tetraxetan"])
def test_spellings_of_one_agent(spelling: str) -> None:
    assert agent(spelling).id == "177Lu-PSMA-617"


def test_every_named_kinetic_set_can_be_had_and_is_of_the_agents_ligand() -> None:
    own = {population_model(n).agent for n in population_models()}
    assert own <= {a.id for a in agents()}
    for a in agents():
        for n in set(a.kinetics) & set(population_models()):
            m = population_model(n)
            assert agent(m.agent).ligand == a.ligand and m.nuclide == a.kinetics_nuclide
    assert {n for a in agents() for n in a.kinetics} <= {*population_models(), *parameter_sets()}
    models = {str(n) for n in table("popk_models")["model"]}
    assert {n for a in agents() for n in a.dose_models} <= models
    assert models == {n for a in agents() for n in (*a.kinetics, *a.dose_models) if n in models}


def test_molar_masses_follow_from_the_formulas() -> None:
    weights = {"C": 12.011, "H": 1.008, "N": 14.007, "O": 15.999, "S": 32.06, "Lu": 174.97}  # IUPAC, abridged

    def mass(formula: str) -> float:
        return sum(weights[e] * int(n or 1) for e, n in re.findall(r"([A-Z][a-z]?)(\d*)", formula))

    assert agent("Pluvicto").molar_mass_g_per_mol == pytest.approx(mass("C49H71N9O16"), abs=0.1)
    # A chelated trivalent metal stands for three hydrogens.
    assert agent("Lutathera").molar_mass_g_per_mol == pytest.approx(mass("C65H87LuN14O19S2") - weights["Lu"] + 3 * weights["H"], abs=0.1)


def test_another_nuclide_keeps_the_molecule() -> None:
    lu = agent("Lutathera")
    ac = lu.with_nuclide("225Ac")
    assert (ac.id, ac.name, ac.nuclide) == ("225Ac-DOTATATE", "[225Ac]Ac-DOTATATE", "Ac-225")
    assert (ac.ligand, ac.targets, ac.modality, ac.binding, ac.molar_mass_g_per_mol) == (lu.ligand, lu.targets, lu.modality, lu.binding, lu.molar_mass_g_per_mol)
    assert ac.kinetics == lu.kinetics and ac.kinetics_nuclide == "Lu-177"
    assert lu.dose_models and not ac.dose_models  # absorbed dose belongs to the nuclide
    assert (ac.role, ac.stage, ac.aliases) == (None, None, ()) and ac.notes[:-1] == lu.notes and "177Lu-DOTATATE" in ac.notes[-1]
    assert lu.with_nuclide("177Lu") is lu
    with pytest.raises(BadInput, match="nuclide"):
        lu.with_nuclide("Xx-1")
    assert agent("18F-DCFPyL").name == "[18F]DCFPyL"


def test_kinetics_or_a_class_prior_or_neither() -> None:
    assert kinetics_statement(agent("Pluvicto")) == "Public kinetics: PSMA-617-Siebinga-2023, PSMA-617-Amsterdam."
    assert "measured with Lu-177" in kinetics_statement(agent("225Ac-PSMA-617"))
    assert class_prior(agent("Pluvicto")) is None
    assert class_prior(agent("177Lu-DOTATOC")).id == "177Lu-DOTATATE"
    for name, why in (("177Lu-BL-ARC001", "target is not disclosed"), ("177Lu-INR102", "kind of molecule is not known"), ("177Lu-NY104", "no agent of this target"), ("225Ac-LNC1011", "no agent of this target")):
        assert class_prior(agent(name)) is None and why in kinetics_statement(agent(name))
    for a in agents():
        assert (class_prior(a) is None) == ("class prior, if asked for" not in kinetics_statement(a))
        if prior := class_prior(a):
            assert set(prior.targets) == set(a.targets) and prior.modality == a.modality and prior.kinetics and not a.kinetics


def test_targets_in_common_names() -> None:
    assert {s for n in COMMON_TARGETS for s in target_symbols(n)} == {s for a in agents() for s in a.targets}
    assert target_symbols("folh1") == target_symbols("PSMA") == ("FOLH1",)
    with pytest.raises(BadInput, match="Did you mean PSMA"):
        target_symbols("PSNA")


@pytest.mark.parametrize(("name", "says"), [
    ("Pluvicta", "Did you mean Pluvicto"), ("PSMA-617", "say which of 177Lu-PSMA-617, 225Ac-PSMA-617"), ("161Tb-PSMA-617", r"agent\('177Lu-PSMA-617'\)"),
    ("149Tb-HA-DOTATATE", r"agent\('177Lu-HA-DOTATATE'\)"), ("", "write a name"), ("--", "write a name"),
])  # fmt: skip
def test_an_unknown_agent_is_refused_with_what_would_fit(name: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        agent(name)
