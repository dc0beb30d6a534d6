"""`predict`: from a diagnostic scan to a forecast of therapy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .show import band, print_json, print_table, visible, working


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("predict")(predict_command)


def predict_command(
    case: Annotated[Path, typer.Argument(help="Case file of the diagnostic scan (TOML), or the folder that holds case.toml.")],
    agent: Annotated[str, typer.Option(help="The agent of the therapy, such as 177Lu-PSMA-617.")],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    therapy: Annotated[list[Path] | None, typer.Option(help="Case file of a cycle that was measured; once for each, in order.")] = None,
    activity: Annotated[str | None, typer.Option(help='Activity of the injection to come, such as "7.4 GBq"; default: the usual one, where known.')] = None,
    ligand: Annotated[str | None, typer.Option(help='Its ligand, hot and cold, such as "57 nmol"; default: the usual one, where known.')] = None,
    nuclide: Annotated[str | None, typer.Option(help="Another nuclide on the same ligand, such as Ac-225.")] = None,
    class_prior: Annotated[bool, typer.Option("--class-prior", help="For a ligand without public kinetics: take those of its class.")] = False,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the draws.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """A therapy foretold from a scan: dose per activity of tumours, kidneys and glands with 90 % bands; updated by each measured cycle."""
    from ..chain.predict import run_predict
    from ..core import parse
    from ..report.predict import write_predict_report

    activity_Bq = None if activity is None else parse(activity, "Bq", "--activity", positive=True, within=("1 Bq", "1000 TBq"))
    ligand_nmol = None if ligand is None else parse(ligand, "nmol", "--ligand", positive=True, within=("1 fmol", "1 mmol"))
    with working("forecasting", json):
        result = run_predict(
            case, agent, out, therapy=therapy or [], activity_Bq=activity_Bq, ligand_nmol=ligand_nmol, nuclide_name=nuclide, use_class_prior=class_prior,
            seed=seed, report=write_predict_report,
        )  # fmt: skip
    if json:
        print_json(result)
        return
    _print(result)
    typer.echo(f"\nReport: {(out / 'report.html').resolve()}")


def _print(r: dict[str, Any]) -> None:
    keys = ("dose_Gy_per_GBq", "population_dose_Gy_per_GBq", "dose_Gy")
    rows = [[x["region"], ", ".join(x["seen_as"]) or "not seen", *(band(x, k) for k in keys)] for x in r["regions"]]
    given = "" if r["activity_Bq"] is None else f"{r['activity_Bq'] / 1e6:.4g} MBq, "
    title = f"{r['agent']}, {given}{r['ligand_nmol']:.4g} nmol of ligand; median (5 to 95 %)"
    print_table(["region", "seen as", "Gy/GBq", "population", "Gy"], rows, visible(title))
    for c in r["cycles"]:
        told = "; ".join(f"{d['region']} {d['error']:+.0%}" for d in c["doses"])
        typer.echo(visible(f"cycle {c['cycle']} ({c['case']}): forecast of the dose against what was measured: {told}"))
    for w in r["warnings"]:
        typer.echo(visible(f"warning: {w}"), err=True)
    for a in r["assumptions"]:
        typer.echo(visible(f"assumed: {a}"))
