"""The structure of an SBML file, by the names that people gave: compartments, species, reactions, and the terms of their rates."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ...core import BadInput

_MOST_TERMS = 200


@dataclass(frozen=True, slots=True)
class Species:
    """A species; `as_amount` if its symbol in a rate is an amount and not a concentration."""

    id: str
    name: str
    compartment: str
    as_amount: bool
    boundary: bool


@dataclass(frozen=True, slots=True)
class Term:
    """A product in a rate: names above and below the line; `plain` if there is nothing else in it than names and numbers."""

    above: tuple[str, ...]
    below: tuple[str, ...]
    plain: bool = True


@dataclass(frozen=True, slots=True)
class Reaction:
    """A reaction: species with their stoichiometry, and its rate as a sum of products."""

    id: str
    name: str
    reactants: Mapping[str, float]
    products: Mapping[str, float]
    terms: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class Structure:
    """What a file says. `by_rule` are species that a rule, an event or an assignment moves beside the reactions."""

    name: str
    compartments: Mapping[str, str]
    species: Mapping[str, Species]
    reactions: tuple[Reaction, ...]
    names: Mapping[str, str]
    by_rule: tuple[str, ...]

    def place(self, species: str) -> str:
        """Compartment and species in words; the compartment alone is not said where there is only one."""
        s = self.species[species]
        return s.name if len(self.compartments) == 1 else f"{self.compartments[s.compartment]}.{s.name}"


def read_structure(text: str, path: Path) -> Structure:
    """Read the text of an SBML file.

    Raises
    ------
    BadInput
        No XML, no SBML, no species or reactions, or a document type of its own, which could name other files.
    """
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadInput(f"{path} declares a document type or entities, which SBML has no use for; remove them.")
    try:
        root = ET.fromstring(text)
    except ET.ParseError as error:
        raise BadInput(f"{path} is not XML ({error}); give a model in SBML.") from None
    model = next((e for e in root if _tag(e) == "model"), None)
    if _tag(root) != "sbml" or model is None:
        raise BadInput(f"{path} is not a model in SBML: its first element is {_tag(root)!r}.")
    compartments = {c.get("id", ""): _name(c) for c in _items(model, "listOfCompartments")}
    species = {
        s.get("id", ""): Species(s.get("id", ""), _name(s), s.get("compartment", ""), s.get("hasOnlySubstanceUnits") == "true", s.get("boundaryCondition") == "true")
        for s in _items(model, "listOfSpecies")
    }  # fmt: skip
    rules = {r.get("variable", ""): r for r in _items(model, "listOfRules")}
    assigned = {v: m for v, r in rules.items() if _tag(r) == "assignmentRule" and (m := _math(r)) is not None}
    reactions = tuple(_reaction(r, species, assigned) for r in _items(model, "listOfReactions"))
    if not species or not reactions:
        raise BadInput(f"{path} has {len(species)} species and {len(reactions)} reactions; the lint judges models that are made of both.")
    moved = {v for v in rules if v in species}
    for event in _items(model, "listOfEvents"):
        moved |= {a.get("variable", "") for a in _items(event, "listOfEventAssignments")} & set(species)
    names = {p.get("id", ""): _name(p) for p in _items(model, "listOfParameters")} | compartments
    return Structure(model.get("name") or model.get("id") or path.stem, compartments, species, reactions, names, tuple(sorted(moved)))


def _tag(e: ET.Element) -> str:
    return e.tag.rsplit("}", 1)[-1]


def _name(e: ET.Element) -> str:
    return e.get("name") or e.get("id") or ""


def _items(e: ET.Element, name: str) -> list[ET.Element]:
    return [x for child in e if _tag(child) == name for x in child]


def _math(e: ET.Element) -> ET.Element | None:
    return next((x for child in e if _tag(child) == "math" for x in child), None)


def _reaction(r: ET.Element, species: Mapping[str, Species], assigned: Mapping[str, ET.Element]) -> Reaction:
    sides = []
    for side in ("listOfReactants", "listOfProducts"):
        count: Counter[str] = Counter()
        for s in _items(r, side):
            count[s.get("species", "")] += float(s.get("stoichiometry", 1))  # type: ignore[assignment]
        sides.append({k: float(v) for k, v in count.items() if k in species})
    law = next((e for e in r if _tag(e) == "kineticLaw"), None)
    math = None if law is None else _math(law)
    return Reaction(r.get("id", ""), _name(r), sides[0], sides[1], () if math is None else tuple(_terms(math, assigned)))


def _terms(e: ET.Element, assigned: Mapping[str, ET.Element], depth: int = 0) -> list[Term]:
    """An expression as a sum of products; a factor that is neither a name nor a number makes its term not plain."""
    tag = _tag(e)
    if tag == "cn":
        return [Term((), ())]
    if tag == "ci":
        name = (e.text or "").strip()
        return _terms(assigned[name], assigned, depth + 1) if name in assigned and depth < 20 else [Term((name,), ())]
    if tag != "apply":
        return [Term((), (), False)]
    operator, *parts = e
    done = [_terms(p, assigned, depth) for p in parts]
    what = _tag(operator)
    if what in ("plus", "minus"):
        found = [t for p in done for t in p]
    elif what == "times":
        found = [Term((), ())]
        for p in done:
            found = [_product(a, b) for a in found for b in p][:_MOST_TERMS]
    elif what == "divide" and len(done) == 2:
        below = done[1][0] if len(done[1]) == 1 else Term((), (), False)
        found = [_product(a, Term(below.below, below.above, below.plain)) for a in done[0]]
    else:
        found = [Term(tuple(n for p in done for t in p for n in t.above + t.below), (), False)]
    return found[:_MOST_TERMS]


def _product(a: Term, b: Term) -> Term:
    return Term(a.above + b.above, a.below + b.below, a.plain and b.plain)
