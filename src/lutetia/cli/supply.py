"""`supply` and `supply-risk`: a network planned, and what may go wrong with the plan."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from ..core import show
from .show import print_json, print_table, visible

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Scenario = Annotated[Path, typer.Argument(metavar="SCENARIO", help="Scenario file (TOML), or its folder.")]
Seed = Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of everything random.")]
Limit = Annotated[str, typer.Option(help="Time for the search.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("supply")(supply_command)
    app.command("supply-risk")(supply_risk_command)


@contextlib.contextmanager
def _bar(text: str, quiet: bool) -> Iterator[Callable[[float], None] | None]:
    """A progress bar on a terminal, on stderr; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(text, total=1.0)
        yield lambda share: progress.update(task, completed=share)


def supply_command(
    scenario: Scenario,
    out: Annotated[Path, typer.Option(help="Folder for the report, result.json, tables, waybills and calendar.")],
    seed: Seed = 1,
    time_limit: Limit = "60 s",
    disturbance: Annotated[Path | None, typer.Option(help="File (TOML) of what went wrong: the plan is made anew at its 'now'.")] = None,
    previous: Annotated[Path | None, typer.Option(help="Folder of the plan that is made anew; without it the plan is made first.")] = None,
    json: Json = False,
) -> None:
    """Irradiations, batches, ways and injections that serve the most patients at least cost, with the gap to what no plan can exceed."""
    from ..chain.supply import run_supply
    from ..core import parse
    from ..report.supply import write_supply_report

    limit_s = parse(time_limit, "s", "--time-limit", positive=True, within=("1 s", "1 d"))
    with _bar("planning", json) as progress:
        result = run_supply(scenario, out, seed=seed, time_limit_s=limit_s, disturbance=disturbance, previous=previous, report=write_supply_report, progress=progress)
    if json:
        print_json(result)
        return
    _print(result)
    typer.echo(f"\nReport: {(out / 'report.html').resolve()}")


def _print(r: dict[str, Any]) -> None:
    typer.echo(visible(f"{r['title']}: {r['served']} of {r['demanded']} patients served ({r['method']})"))
    cost = "" if r["gap_cost"] is None else f"; cost {r['cost']['total']:.6g} {r['currency']}, at most {100 * r['gap_cost']:.1f} % above what serving as many must cost"
    if "makespan_s" in r["cost"]:
        cost = f"; last vehicle back {show(r['cost']['makespan_s'], 's')} after the start, at least {show(r['bounds']['cost'], 's')}"
    typer.echo(visible(f"at most {100 * r['gap_served']:.2f} % more could be served by priority{cost}"))
    if r["replan"] is not None:
        x = r["replan"]
        typer.echo(visible(f"made anew at {x['now']}: before {x['served_before']}, if nothing is done {x['served_if_nothing_is_done']}, now {x['served']}; {len(x['moved'])} appointments moved, {len(x['other_batch'])} from another batch"))
    rows = [[n, *(show(t[k], "Bq") for k in ("made", "injected", "decayed", "residues", "waste"))] for n, t in r["ledger"]["totals_Bq"].items()]
    print_table(["becquerel", "made", "injected", "decayed", "residues", "waste"], rows)
    rows = [[b["batch"], b["start"][:16], b["release"][:16], show(b["start_Bq"], "Bq"), f"{b['doses']}", b["cell"]] for b in r["batches"]]
    print_table(["batch", "start", "release", "at start", "doses", "cell"], rows)
    if r["binding"]:
        print_table(["what binds", "served besides, at most"], [[b["resource"], f"{b['gained']:g}"] for b in r["binding"]])
    for u in r["unserved"]:
        typer.echo(visible(f"not served: {u['patient']} at {u['hospital']}: {u['reason']}"))
    for w in r["warnings"]:
        typer.echo(visible(f"warning: {w}"), err=True)
    for a in r["assumptions"]:
        typer.echo(visible(f"assumed: {a}"))


def supply_risk_command(
    scenario: Scenario,
    out: Annotated[Path, typer.Option(help="Folder for the report and result.json.")],
    runs: Annotated[int, typer.Option(min=10, max=1_000_000, help="Runs of the Monte Carlo.")] = 1000,
    seed: Seed = 1,
    time_limit: Limit = "60 s",
    json: Json = False,
) -> None:
    """Patients not treated when lots and batches fail and shipments are late, and which spare buys most."""
    from ..chain.supply_risk import run_supply_risk
    from ..core import parse
    from ..report.supply_risk import write_supply_risk_report

    limit_s = parse(time_limit, "s", "--time-limit", positive=True, within=("1 s", "1 d"))
    with _bar("runs", json) as progress:
        result = run_supply_risk(scenario, out, runs=runs, seed=seed, time_limit_s=limit_s, progress=progress, report=write_supply_risk_report)
    if json:
        print_json(result)
        return
    from ..report.supply_risk import as_text

    typer.echo(visible(as_text(result)) if "\n" not in as_text(result) else "\n".join(visible(x) for x in as_text(result).splitlines()))
    typer.echo(f"\nReport: {(out / 'report.html').resolve()}")
