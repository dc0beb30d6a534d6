"""`agents`: which ligand carries which nuclide to which target, and what is published of its kinetics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .show import print_json, print_table, visible

if TYPE_CHECKING:
    from ..agents import Agent


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("agents")(agents_command)


def agents_command(
    id: Annotated[str | None, typer.Argument(metavar="[ID]", help="One agent in full: its id or trade name, such as 177Lu-PSMA-617.")] = None,
    target: Annotated[str | None, typer.Option(help="Only agents of this target: PSMA, SSTR2, FAP, CAIX, GRPR, 'integrin avb3', CD13, or a gene.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """The library of agents: dated records with their sources, and whether public kinetics exist."""
    from ..agents import agent, agents, target_symbols
    from ..core import BadInput

    if id is not None:
        if target is not None:
            raise BadInput("--target chooses from the list; leave it out to see one agent.")
        one = agent(id)
        print_json(_record(one)) if json else _print_one(one)
        return
    symbols = None if target is None else target_symbols(target)
    chosen = [a for a in agents() if symbols is None or set(symbols) <= set(a.targets)]
    if json:
        print_json({"agents": [_record(a) for a in chosen], "target": None if symbols is None else {"asked": target, "symbols": symbols}})
        return
    columns = ["agent", "target", "role", "molecule", "binding", "stage", "public kinetics", "as of"]
    print_table(columns, [_row(a) for a in chosen])


def _row(a: Agent) -> list[str]:
    targets = "+".join(a.targets) or "not disclosed"
    return [a.id, targets, a.role or "-", a.modality or "-", a.binding or "-", a.stage or "-", _kinetics(a), a.as_of]


def _kinetics(a: Agent) -> str:
    if not a.kinetics:
        return "no"
    return "yes" if a.kinetics_nuclide == a.nuclide else f"with {a.kinetics_nuclide}"


def _record(a: Agent) -> dict[str, Any]:
    """The record as JSON; what is not known is null."""
    from ..agents import class_prior, kinetics_statement

    prior = class_prior(a)
    return {
        "id": a.id, "name": a.name, "aliases": a.aliases, "ligand": a.ligand, "nuclide": a.nuclide, "targets": a.targets, "modality": a.modality,
        "role": a.role, "binding": a.binding, "molar_mass_g_per_mol": a.molar_mass_g_per_mol, "kinetics": a.kinetics, "kinetics_nuclide": a.kinetics_nuclide,
        "dose_models": a.dose_models,
        "public_kinetics": bool(a.kinetics), "class_prior": prior.id if prior else None, "kinetics_statement": kinetics_statement(a),
        "developer": a.developer, "stage": a.stage, "as_of": a.as_of, "sources": a.sources, "notes": a.notes,
    }  # fmt: skip


def _print_one(a: Agent) -> None:
    from ..agents import kinetics_statement

    mass = None if a.molar_mass_g_per_mol is None else f"{a.molar_mass_g_per_mol:g} g/mol"
    lines = [
        ("agent", f"{a.id}   {a.name}"), ("also", ", ".join(a.aliases)), ("nuclide", a.nuclide), ("target", "+".join(a.targets) or "not disclosed"),
        ("molecule", a.modality), ("binding", a.binding), ("molar mass", mass), ("role", a.role), ("stage", a.stage), ("developer", a.developer),
        ("kinetics", kinetics_statement(a)), ("dose", ", ".join(a.dose_models)), ("as of", a.as_of),
    ]  # fmt: skip
    # A trade name or a model of dose that is not there needs no line; anything else that is not there is unknown.
    shown = [(k, v or "not known") for k, v in lines if v or k not in ("also", "dose")]
    shown += [("source", s) for s in a.sources] + [("note", n) for n in a.notes]
    for key, text in shown:
        typer.echo(f"{key:<10}  {visible(text)}")
