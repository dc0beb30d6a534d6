"""`batch`: from activity to released vials, or the activity that doses need."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..core import show
from .physics import Json
from .show import print_json, print_table, visible, with_u, working


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("batch")(batch_command)


def batch_command(spec: Annotated[Path, typer.Argument(help="Batch file (TOML), or the folder that holds batch.toml.")], json: Json = False) -> None:
    """From activity to released vials: yield, quality control, doses, expiry, licence; or the activity that doses need."""
    from ..chain.batch import run_batch

    with working("making the batch", json):
        result = run_batch(spec)
    if json:
        print_json(result)
        return
    _print(result)


def _print(x: dict[str, Any]) -> None:
    start, release, odds = x["start"], x["release"], x["probability"]
    typer.echo(visible(f"{x['nuclide']}, {x['process']['name']}: {'starts with' if start['given'] else 'needs'} {show(start['activity_Bq'], 'Bq')} at {start['time']}"))
    if start["for_doses_95_Bq"] is not None:
        typer.echo(f"the doses, less their tolerances, with 95 %: {show(start['for_doses_95_Bq'], 'Bq')} at the start")
    if start["earliest_time"] is None:
        typer.echo("the open hours hold the batch at no time")
    elif start["earliest_time"] != start["time"]:
        typer.echo(f"fits the open hours from {start['earliest_time']}")
    print_table(["step", "begin", "end", "before release"], [[t["name"], t["begin"], t["end"], "yes" if t["before_release"] else "no"] for t in x["timeline"]])
    typer.echo(f"released {release['time']}: {with_u(release['activity_Bq'] / 1e6, release['u_activity_Bq'] / 1e6, 'MBq')}, {show(release['concentration_Bq_mL'], 'Bq/mL')}")
    print_table(["where", "at release", "share of start"], [[k, show(v, "Bq"), f"{v / start['activity_Bq']:.2%}"] for k, v in x["ledger_Bq"].items()])
    if x["vial"] is not None:
        v = x["vial"]
        typer.echo(
            f"vial: {v['hot_nmol']:.4g} nmol hot, {v['decayed_nmol']:.4g} decayed, {v['cold_nmol']:.4g} cold, purity {v['purity']:.2%}, "
            f"{v['volume_mL']:.4g} mL, {show(v['molar_activity_Bq_per_nmol'], 'Bq/nmol')}"
        )
    if x["doses"]:
        print_table(["dose", "injection", "activity", "wanted", "volume"], [[d["name"], d["time"], show(d["activity_Bq"], "Bq"), show(d["wanted_Bq"], "Bq"), f"{d['volume_mL']:.4g} mL"] for d in x["doses"]])
    by = x["expiry"]["by"]
    print_table(["expiry by", "time"], [[k, (v["time"] or "never") if v["known"] else "not known or no limit"] for k, v in by.items()])
    typer.echo(f"expires {x['expiry']['time']} by {x['expiry']['binding']}")
    for r in x["readings"]:
        typer.echo(visible(f"{r['test']}: {x['nuclide']} through {r['reads']} is valid within {r['tolerance']:.1%} from {show(r['valid_after_s'], 's')} after the {'end of synthesis' if r['since'] == 'synthesis' else 'strip'}"))
    span = "" if odds["success_95"] is None else f" (95 %: {odds['success_95'][0]:.1%} to {odds['success_95'][1]:.1%}, {odds['failures']} failures in {odds['batches']} batches)"
    typer.echo("probability of success: " + ("not known" if odds["success"] is None else f"{odds['success']:.1%}{span}"))
    if odds["enough_activity"] is not None:
        typer.echo(f"probability of enough activity for all doses, if the batch does not fail: {odds['enough_activity']:.1%}")
    failing = [c for c in x["checks"] if c["passed"] is False]
    for c in failing:
        typer.echo(visible(f"fails: {c['name']}: {c['said']}"))
    if not failing:
        typer.echo(f"{sum(c['passed'] is True for c in x['checks'])} checks hold")
    for c in x["checks"]:
        if c["passed"] is None:
            typer.echo(visible(f"not known: {c['name']}: {c['said']}"))
    for a in x["assumptions"]:
        typer.echo(visible(f"assumed: {a}"))
