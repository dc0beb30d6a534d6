"""The lint of models in SBML: a sound one passes, each planted fault is found where it stands, and nothing else with it."""

from __future__ import annotations

import math
import re
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.sbml_models import FAULTS, PARAMETERS, body, document, mathml, model

from lutetia.core import BadInput, CouldNot
from lutetia.kinetics.sbml.pairs import words

pytest.importorskip("roadrunner", reason="the extra 'sbml' (libroadrunner) is not installed")

from lutetia.kinetics.sbml import LintReport, lint_sbml


def lint(tmp_path: Path, text: str, **more) -> LintReport:  # type: ignore[no-untyped-def]
    path = tmp_path / "model.xml"
    path.write_text(text)
    return lint_sbml(path, **more)


def broken(r: LintReport) -> set[str]:
    return {f.check for f in r.findings}


def test_a_sound_model_passes_every_check(tmp_path: Path) -> None:
    r = lint(tmp_path, model())
    assert r.sound and not r.not_judged and len(r.pools) == 10
    assert r.decay_constant == pytest.approx(PARAMETERS["lam"], rel=1e-9) and r.injected == "Vein"
    assert all(x is not None and x < 5e-6 for x in r.deviation)


@pytest.mark.parametrize(
    ("fault", "check", "where", "reaction", "size"),
    [
        ("flow", "flows", "Lungs.Hot", None, -0.02 / 1.12),  # 1.10 in, 1.12 out
        ("decay", "decay", "TumourIntern.Hot", None, -1.0),
        ("asymmetry", "symmetry", "TumourBound.Hot to TumourIntern.Hot", "InternalisationHot", 1 - 0.001 / 0.0013),
        ("loss", "mass", "Artery.Hot to Muscle.Hot", "ToMuscleHot", 0.1),
        ("receptor", "receptors", "TumourInt.R; TumourBound.Hot to TumourInt.Hot", "UnbindingHot", -1.0),
        ("volume", "volumes", "TumourInt.Hot", "ExchangeHot", 0.01 / 0.03 - 1),
    ],
)
def test_each_planted_fault_is_named(fault: str, check: str, where: str, reaction: str | None, size: float, tmp_path: Path) -> None:
    r = lint(tmp_path, model(fault))
    found = [f for f in r.findings if f.check == check and f.where == where]
    assert len(found) == 1 and found[0].size == pytest.approx(size, rel=1e-6) and len(found[0].sentence) > 40
    assert reaction is None or found[0].reaction.split(", ")[0] == reaction  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("fault", "checks"),
    [
        ("flow", {"flows"}), ("decay", {"decay", "hot fraction"}), ("asymmetry", {"symmetry", "hot fraction"}), ("loss", {"mass"}),
        ("receptor", {"receptors"}), ("volume", {"volumes", "symmetry", "hot fraction"}),
    ],
)  # fmt: skip
def test_a_fault_breaks_nothing_that_it_does_not_touch(fault: str, checks: set[str], tmp_path: Path) -> None:
    """Lost ligand and lost receptors are lost alike for hot and cold, so that the identity holds all the same."""
    assert broken(lint(tmp_path, model(fault))) == checks and set(FAULTS) >= {fault}


def test_where_a_pool_does_not_decay_its_hot_fraction_alone_is_off(tmp_path: Path) -> None:
    """The end of the tumour's chain feeds nothing. Hot of a fraction that stays is at most e^(lambda t) too much: 4 at two half-lives."""
    r = lint(tmp_path, model("decay"))
    off = {p: d for p, d in zip(r.pools, r.deviation) if d is not None and d > 1e-4}
    assert set(off) == {"TumourIntern"} and 1.0 < off["TumourIntern"] < 3.0
    assert r.end_time == pytest.approx(2 * math.log(2) / PARAMETERS["lam"])


def test_decayed_ligand_that_vanishes_is_judged_by_hot_over_cold(tmp_path: Path) -> None:
    """Its receptor is then lost with it, which is a fault of its own unless decay gives it back."""
    gone = [{**r, "products": {}} if r["name"].startswith("Decay") else r for r in body()]
    r = lint(tmp_path, document(gone))
    assert broken(r) == set() and max(x for x in r.deviation if x is not None) < 5e-6
    assert any("hot over cold" in n for n in r.notes)


def test_receptors_filled_by_each_form_apart_are_found(tmp_path: Path) -> None:
    """Free receptors as a formula that sees one form alone: a receptor is taken twice."""

    def apart(r: dict) -> dict:
        form = r["name"].removeprefix("Binding")
        law = f"kon / TumourInt * {form}_TumourInt * (1.5 - {form}_TumourBound)"
        return {**r, "law": law, "reactants": {f"{form}_TumourInt": 1.0}}

    def without_r(r: dict) -> dict:
        return {**r, "products": {k: v for k, v in r["products"].items() if k != "R"}}

    r = lint(tmp_path, document([apart(without_r(x)) if x["name"].startswith("Binding") else without_r(x) for x in body()]))
    assert {f.where for f in r.findings if f.check == "symmetry"} == {"TumourInt.Hot to TumourBound.Hot"} and "receptors" not in broken(r)
    both = [
        without_r({**x, "law": f"kon / TumourInt * {x['name'].removeprefix('Binding')}_TumourInt * (1.5 - Hot_TumourBound - Cold_TumourBound)", "reactants": {f"{x['name'].removeprefix('Binding')}_TumourInt": 1.0}})
        if x["name"].startswith("Binding") else without_r(x) for x in body()
    ]  # fmt: skip
    assert lint(tmp_path, document(both)).sound


def test_receptors_set_by_a_rule_and_flow_to_and_fro_in_one_reaction(tmp_path: Path) -> None:
    """As models built in SimBiology write them: free receptors as total less bound, one reversible reaction for in and out."""

    def of(r: dict) -> dict:
        x = "Hot" if r["name"].endswith("Hot") else "Cold"
        r = {**r, **{side: {k: v for k, v in r[side].items() if k != "R"} for side in ("reactants", "products")}}
        return {**r, "law": f"F_Muscle / Artery * {x}_Artery - F_Muscle / Muscle * {x}_Muscle"} if r["name"].startswith("ToMuscle") else r

    def built(reactions: list[dict], bound: str) -> str:
        kept = [of(r) for r in reactions if not r["name"].startswith("FromMuscle")]
        rule = f'<listOfRules><assignmentRule variable="R">{mathml(f"1.5 - {bound}")}</assignmentRule></listOfRules><listOfReactions>'
        # The muscle now takes from and gives back to the artery, so that artery and vein carry less.
        return document(kept).replace("<listOfReactions>", rule).replace('"F" value="1.12"', '"F" value="0.62"')

    r = lint(tmp_path, built(body(), "Hot_TumourBound - Cold_TumourBound"))
    assert r.sound and not r.not_judged
    fault = lint(tmp_path, built(FAULTS["decay"](body()), "Hot_TumourBound - Cold_TumourBound"))
    assert [f.where for f in fault.findings if f.check == "decay"] == ["TumourIntern.Hot"]


def test_a_carrier_that_flows_with_its_ligand_is_conserved(tmp_path: Path) -> None:
    """Albumin, free and with ligand, goes round from vein to lungs to artery and back."""
    ring = ("Vein", "Lungs", "Artery")
    extra = {f"{x}_{c}": 600.0 if x == "Alb" else 0.0 for x in ("Alb", "HotAlb", "ColdAlb") for c in ring}
    reactions = body()
    for c, after in zip(ring, ring[1:] + ring[:1]):
        reactions += [{"name": f"Flow{x}{c}", "reactants": {f"{x}_{c}": 1.0}, "products": {f"{x}_{after}": 1.0}, "law": f"F / {c} * {x}_{c}"} for x in ("Alb", "HotAlb", "ColdAlb")]
        reactions.append({"name": f"AlbDecay{c}", "reactants": {f"HotAlb_{c}": 1.0}, "products": {f"ColdAlb_{c}": 1.0}, "law": f"lam * HotAlb_{c}"})
        for x in ("Hot", "Cold"):
            law = f"0.001 * {x}_{c} * Alb_{c} / {c} - 0.1 * {x}Alb_{c}"
            reactions.append({"name": f"AlbBind{x}{c}", "reactants": {f"{x}_{c}": 1.0, f"Alb_{c}": 1.0}, "products": {f"{x}Alb_{c}": 1.0}, "law": law})
    r = lint(tmp_path, document(reactions, more=extra))
    assert r.sound and len(r.pools) == 13
    without = [{**x, "reactants": {"Cold_Lungs": 1.0}} if x["name"] == "AlbBindColdLungs" else x for x in reactions]
    assert [(f.check, f.reaction, f.size) for f in lint(tmp_path, document(without, more=extra)).findings] == [("receptors", "AlbBindColdLungs", 1.0)]


def _concentrations(law: str) -> str:
    law = re.sub(r"\b((?:Hot|Cold)_(\w+))\b", r"(\1 * \2)", law)
    return re.sub(r"\bR\b", "(R * TumourInt)", law)


def test_species_as_concentrations_are_judged_alike(tmp_path: Path) -> None:
    def in_concentrations(reactions: list[dict]) -> str:
        return document([{**r, "law": _concentrations(r["law"])} for r in reactions]).replace('hasOnlySubstanceUnits="true"', 'hasOnlySubstanceUnits="false"')

    assert lint(tmp_path, in_concentrations(body())).sound
    for fault in ("flow", "decay", "asymmetry", "loss", "receptor"):
        (tmp_path / "amounts").mkdir(exist_ok=True)
        as_amounts = {(f.check, f.where) for f in lint(tmp_path / "amounts", model(fault)).findings if f.check != "hot fraction"}
        assert {(f.check, f.where) for f in lint(tmp_path, in_concentrations(FAULTS[fault](body()))).findings if f.check != "hot fraction"} == as_amounts


HOT = [r["name"] for r in body() if r["name"].endswith("Hot")]


@settings(max_examples=12)
@given(name=st.sampled_from(HOT), factor=st.floats(0.2, 5.0).filter(lambda x: abs(x - 1) > 1e-3))
def test_any_rate_of_hot_ligand_that_differs_is_named(name: str, factor: float) -> None:
    """Whichever transfer it is, and no other; where ligand leaves the body it shows in the decay of the pool that it leaves."""
    changed = [{**r, "law": f"{factor} * ({r['law']})"} if r["name"] == name else r for r in body()]
    with tempfile.TemporaryDirectory() as folder:
        r = lint(Path(folder), document(changed))
    found = [f for f in r.findings if f.check not in ("hot fraction", "flows")]
    assert ("flows" in broken(r)) == ("Lungs" in name or name.startswith(("ToK", "ToM", "ToT", "FromK", "FromM", "FromT")))
    if name == "DegradationHot":
        assert [(f.check, f.where) for f in found] == [("decay", "TumourIntern.Hot")]
    else:
        assert [(f.check, f.reaction) for f in found] == [("symmetry", f"{name}, {name.removesuffix('Hot')}Cold")]
        assert abs(found[0].size or 0) == pytest.approx(1 - min(factor, 1 / factor), rel=1e-9)


def test_nothing_else_loads_libroadrunner() -> None:
    root = Path(__file__).resolve().parents[2] / "src" / "lutetia"
    users = {p.relative_to(root).as_posix() for p in root.rglob("*.py") if re.search(r"^\s*(import|from) roadrunner", p.read_text("utf-8"), re.MULTILINE)}
    assert users == {"kinetics/sbml/engine.py"}


def test_binding_that_takes_two_receptors_or_none(tmp_path: Path) -> None:
    for taken, size in ((2.0, -1.0), (0.0, 1.0)):
        reactants = {"Cold_TumourInt": 1.0} | ({"R": taken} if taken else {})
        r = lint(tmp_path, document([{**x, "reactants": reactants} if x["name"] == "BindingCold" else x for x in body()]))
        found = [f for f in r.findings if f.check == "receptors"]
        assert [(f.reaction, f.size) for f in found] == [("BindingCold", size)]


def test_a_way_out_needs_a_name(tmp_path: Path) -> None:
    text = model().replace("Degradation", "Step")
    r = lint(tmp_path, text)
    assert {(f.check, f.reaction) for f in r.findings} == {("mass", "StepHot"), ("mass", "StepCold")}
    assert lint(tmp_path, text, sinks=["StepHot", "StepCold"]).sound and lint(tmp_path, text, sinks=["tumourintern"]).sound


def test_a_transfer_without_its_reactant_makes_ligand_and_an_infusion_does_not(tmp_path: Path) -> None:
    made = [{**x, "reactants": {}} if x["name"].startswith("FromMuscle") else x for x in body()]
    assert {f.reaction for f in lint(tmp_path, document(made)).findings if f.check == "mass"} == {"FromMuscleHot", "FromMuscleCold"}
    infused = [*body(), {"name": "InfusionHot", "reactants": {}, "products": {"Hot_Vein": 1.0}, "law": "0.01"}]
    assert "mass" not in broken(lint(tmp_path, document(infused)))


def test_excretion_of_hot_ligand_at_another_rate_shows_in_the_decay(tmp_path: Path) -> None:
    r = lint(tmp_path, document([{**x, "law": "2 * krel * Hot_TumourIntern"} if x["name"] == "DegradationHot" else x for x in body()]))
    found = [f for f in r.findings if f.check == "decay"]
    assert [f.where for f in found] == ["TumourIntern.Hot"] and found[0].size == pytest.approx(PARAMETERS["krel"] / PARAMETERS["lam"], rel=1e-6)


def test_no_decay_at_all_is_one_finding(tmp_path: Path) -> None:
    r = lint(tmp_path, document([x for x in body() if not x["name"].startswith("Decay")]))
    assert [(f.check, f.where) for f in r.findings] == [("decay", "everywhere")] and r.decay_constant == 0


def test_a_species_without_partner_and_other_words(tmp_path: Path) -> None:
    alone = model().replace('name="Cold" compartment="Muscle"', 'name="Cool" compartment="Muscle"').replace('id="Cold_Muscle"', 'id="Cool_Muscle"')
    alone = alone.replace('"Cold_Muscle"', '"Cool_Muscle"').replace(" Cold_Muscle ", " Cool_Muscle ")
    assert [f.where for f in lint(tmp_path, alone).findings if f.check == "pairs"] == ["Muscle.Hot"]
    other = document(body(), names=("Labelled", "Unlabelled")).replace("Hot_", "A_").replace("Cold_", "B_")
    with pytest.raises(BadInput, match="--hot and --cold"):
        lint(tmp_path, other)
    assert lint(tmp_path, other, hot="labelled", cold="unlabelled").sound


def test_parameters_without_the_name_of_a_flow_leave_flows_unjudged(tmp_path: Path) -> None:
    text = model()
    for old, new in (("F_", "k_"), (' F ', " k "), ('"F"', '"k"')):
        text = text.replace(old, new)
    r = lint(tmp_path, text)
    assert r.sound and "flows" in r.not_judged


@pytest.mark.parametrize(
    ("text", "words_of_it"),
    [
        ("not xml", "is not XML"), ("<svg/>", "not a model in SBML"), ('<!DOCTYPE x [<!ENTITY a "b">]><sbml/>', "document type"),
        (model().replace("<ci> krel </ci>", "<ci> nowhere </ci>"), "cannot be run"), (model().split("<listOfReactions>")[0] + "</model></sbml>", "0 reactions"),
    ],
)  # fmt: skip
def test_what_is_no_model_is_refused(text: str, words_of_it: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match=words_of_it):
        lint(tmp_path, text)


def test_a_missing_file_and_an_unknown_pool_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be read"):
        lint_sbml(tmp_path / "none.xml")
    with pytest.raises(BadInput, match="Vein, Artery"):
        lint(tmp_path, model(), inject="Brain")
    assert lint(tmp_path, model(), inject="Muscle").injected == "Muscle"


def test_without_the_extra_it_says_which(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "roadrunner", None)
    with pytest.raises(CouldNot, match=r"lutetia\[sbml\]"):
        lint(tmp_path, model())


def test_names_fall_into_words() -> None:
    assert words("hot_bound") == ("hot", "bound") and words("HOTBound") == ("hot", "bound") and words("Photon") == ("photon",)
