"""`lint-sbml`: what a kinetic model of a radioligand in SBML must satisfy, and where it does not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .show import print_json, print_table, visible, working

if TYPE_CHECKING:
    from ..kinetics.sbml import LintReport

#: Lines of one check that are printed; all are in the JSON.
_MOST = 5


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("lint-sbml")(lint_command)


def lint_command(
    model: Annotated[Path, typer.Argument(help="A model in SBML with hot and cold ligand.")],
    hot: Annotated[str, typer.Option(help="Word in the names of hot species.")] = "hot",
    cold: Annotated[str, typer.Option(help="Word in the names of cold species.")] = "cold",
    sink: Annotated[list[str] | None, typer.Option(help="A reaction, compartment or species by which ligand may leave; may be given again.")] = None,
    inject: Annotated[str | None, typer.Option(help="Pool that the simulated injection goes into.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Check a kinetic model in SBML: mass, receptors, volumes, flows, decay, hot against cold. Exit code 1 if a fault is found."""
    from ..kinetics.sbml import lint_sbml

    with working("checking", json):
        report = lint_sbml(model, hot=hot, cold=cold, sinks=sink or (), inject=inject)
    print_json(_record(report)) if json else _print(report)
    if not report.sound:
        raise typer.Exit(1)


def _record(r: LintReport) -> dict[str, Any]:
    from ..kinetics.sbml.findings import CHECKS

    failed = {f.check for f in r.findings}
    return {
        "schema": "lutetia-sbml-lint/1", "model": r.model, "sha256": r.sha256, "sound": r.sound,
        "checks": [{"check": c, "holds": None if c in r.not_judged else c not in failed, "meaning": m, "reason": r.not_judged.get(c)} for c, m in CHECKS.items()],
        "findings": [{"check": f.check, "where": f.where, "reaction": f.reaction, "size": f.size, "sentence": f.sentence} for f in r.findings],
        "pools": [{"pool": p, "hot_fraction_deviation": d} for p, d in zip(r.pools, r.deviation)],
        "decay_constant": r.decay_constant, "injected": r.injected, "amount": r.amount, "end_time": r.end_time, "notes": list(r.notes),
    }  # fmt: skip


def _print(r: LintReport) -> None:
    checks = _record(r)["checks"]
    counts = {c["check"]: sum(f.check == c["check"] for f in r.findings) for c in checks}
    shown = {None: "not judged", True: "holds", False: "broken"}
    # What is broken stays so, though a part could not be judged.
    rows = [[c["check"], "broken" if counts[c["check"]] else shown[c["holds"]], str(counts[c["check"]] or "")] for c in checks]
    said = "no fault found" if r.sound else f"{len(r.findings)} finding{'s' if len(r.findings) > 1 else ''}"
    print_table(["check", "result", "findings"], rows, visible(f"{r.model}: {said}"))
    for check, reason in r.not_judged.items():
        typer.echo(visible(f"{check} not judged: {reason}"))
    for check, n in counts.items():
        of = [f for f in r.findings if f.check == check]
        for f in of[:_MOST]:
            size = "" if f.size is None else f" ({f.size:+.3g})"
            typer.echo(visible(f"{check}: {f.where}{size}: {f.sentence}"))
        if n > _MOST:
            typer.echo(f"{check}: {n - _MOST} more")
    for note in r.notes:
        typer.echo(visible(f"note: {note}"))
