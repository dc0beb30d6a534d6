"""A small body in SBML, hot and cold ligand in ten pools, sound or with one planted fault."""

from __future__ import annotations

import ast
from collections.abc import Callable

VOLUMES_L = {"Vein": 1.8, "Artery": 0.9, "Lungs": 0.15, "KidneyVas": 0.03, "Muscle": 2.0, "TumourVas": 0.01, "TumourInt": 0.03, "TumourBound": 1.0, "TumourIntern": 1.0, "Urine": 1.0}
PARAMETERS = {
    "F": 1.12, "F_Kidney": 0.6, "F_Muscle": 0.5, "F_Tumour": 0.02, "GFR": 0.09, "PS": 0.004, "kon": 0.046, "koff": 0.046, "kint": 0.001, "krel": 1.5e-4,
    "kint_hot": 0.0013, "lam": 7.245e-5,
}  # fmt: skip
Reaction = dict  # name, reactants, products, law

_OPERATORS = {ast.Add: "plus", ast.Sub: "minus", ast.Mult: "times", ast.Div: "divide"}


def mathml(expression: str) -> str:
    """An expression of names, numbers, + - * / as content MathML."""

    def of(node: ast.AST) -> str:
        if isinstance(node, ast.BinOp):
            return f"<apply><{_OPERATORS[type(node.op)]}/>{of(node.left)}{of(node.right)}</apply>"
        if isinstance(node, ast.Name):
            return f"<ci> {node.id} </ci>"
        assert isinstance(node, ast.Constant)
        return f"<cn> {node.value} </cn>"

    return f'<math xmlns="http://www.w3.org/1998/Math/MathML">{of(ast.parse(expression, mode="eval").body)}</math>'


def body() -> list[Reaction]:
    """Reactions of the sound model; ids of species are form and compartment, such as Hot_Vein."""
    found = []
    for x in ("Hot", "Cold"):

        def move(name: str, a: str, b: str | None, law: str, x: str = x, more: dict | None = None, taken: dict | None = None) -> None:
            law = law.replace("$b", f"{x}_{b}").replace("$", f"{x}_{a}")
            products = {f"{x}_{b}": 1.0} if b else {}
            found.append({"name": f"{name}{x}", "reactants": {f"{x}_{a}": 1.0, **(taken or {})}, "products": products | (more or {}), "law": law})

        move("ToLungs", "Vein", "Lungs", "F / Vein * $")
        move("FromLungs", "Lungs", "Artery", "F / Lungs * $")
        for organ, to in (("Kidney", "KidneyVas"), ("Muscle", "Muscle"), ("Tumour", "TumourVas")):
            move(f"To{organ}", "Artery", to, f"F_{organ} / Artery * $")
            move(f"From{organ}", to, "Vein", f"F_{organ} / {to} * $")
        move("Filtration", "KidneyVas", "Urine", "GFR / KidneyVas * $")
        move("Exchange", "TumourVas", "TumourInt", "PS / TumourVas * $ - PS / TumourInt * $b")
        move("Binding", "TumourInt", "TumourBound", "kon / TumourInt * $ * R", taken={"R": 1.0})
        move("Unbinding", "TumourBound", "TumourInt", "koff * $", more={"R": 1.0})
        move("Internalisation", "TumourBound", "TumourIntern", "kint * $", more={"R": 1.0})
        move("Degradation", "TumourIntern", None, "krel * $")
    found += [{"name": f"Decay{c}", "reactants": {f"Hot_{c}": 1.0}, "products": {f"Cold_{c}": 1.0}, "law": f"lam * Hot_{c}"} for c in VOLUMES_L]
    return found


def _side(kind: str, of: dict[str, float]) -> str:
    return f"<{kind}>" + "".join(f'<speciesReference species="{s}" stoichiometry="{n:g}"/>' for s, n in of.items()) + f"</{kind}>" if of else ""


def _reaction(r: Reaction) -> str:
    sides = _side("listOfReactants", r["reactants"]) + _side("listOfProducts", r["products"])
    return f'<reaction id="{r["name"]}" reversible="false">{sides}<kineticLaw>{mathml(r["law"])}</kineticLaw></reaction>'


def document(reactions: list[Reaction], names: tuple[str, str] = ("Hot", "Cold"), more: dict[str, float] | None = None) -> str:
    """The model as SBML of level 2; species are called Hot and Cold in every compartment. `more` species are called X in Y if their id is X_Y."""
    compartments = "".join(f'<compartment id="{c}" size="{v}"/>' for c, v in VOLUMES_L.items())
    rest = 'initialAmount="{}" hasOnlySubstanceUnits="true"/>'
    species = [f'<species id="{x}_{c}" name="{n}" compartment="{c}" {rest.format(0)}' for x, n in zip(("Hot", "Cold"), names) for c in VOLUMES_L]
    species.append(f'<species id="R" name="R" compartment="TumourInt" {rest.format(1.5)}')
    species += [f'<species id="{i}" name="{i.split("_")[0]}" compartment="{i.split("_")[1]}" {rest.format(v)}' for i, v in (more or {}).items()]
    parameters = "".join(f'<parameter id="{p}" value="{v}"/>' for p, v in PARAMETERS.items())
    return (
        '<?xml version="1.0" encoding="UTF-8"?><sbml xmlns="http://www.sbml.org/sbml/level2/version4" level="2" version="4"><model id="small" name="small body">'
        f"<listOfCompartments>{compartments}</listOfCompartments><listOfSpecies>{''.join(species)}</listOfSpecies>"
        f"<listOfParameters>{parameters}</listOfParameters><listOfReactions>{''.join(map(_reaction, reactions))}</listOfReactions></model></sbml>"
    )


def _set(name: str, **changes: object) -> Callable[[list[Reaction]], list[Reaction]]:
    """Change reactions whose name begins so."""

    def change(reactions: list[Reaction]) -> list[Reaction]:
        assert any(r["name"].startswith(name) for r in reactions)
        return [{**r, **{k: v(r) if callable(v) else v for k, v in changes.items()}} if r["name"].startswith(name) else r for r in reactions]

    return change


#: Name of a fault to what is done to the reactions.
FAULTS: dict[str, Callable[[list[Reaction]], list[Reaction]]] = {
    "flow": lambda rs: _set("ToLungs", law=lambda r: r["law"].replace("F ", "(F - F_Tumour) "))(rs),
    "decay": lambda rs: [r for r in rs if r["name"] != "DecayTumourIntern"],
    "asymmetry": lambda rs: _set("InternalisationHot", law="kint_hot * Hot_TumourBound")(rs),
    "loss": lambda rs: _set("ToMuscle", products=lambda r: dict.fromkeys(r["products"], 0.9))(rs),
    "receptor": lambda rs: _set("UnbindingHot", products={"Hot_TumourInt": 1.0})(rs),
    "volume": lambda rs: _set("ExchangeHot", law="PS / TumourVas * Hot_TumourVas - PS / TumourVas * Hot_TumourInt")(rs),
}


def model(fault: str | None = None) -> str:
    """The sound model, or one of `FAULTS`."""
    return document(body() if fault is None else FAULTS[fault](body()))
