"""`nation`: how many patients a nation's supply can treat, what binds, and where the next facility should stand."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..core import show
from .physics import Json
from .show import print_json, print_table, visible, working


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("nation")(nation_command)


def nation_command(
    spec: Annotated[Path, typer.Argument(help="Nation file (TOML), or the folder that holds nation.toml.")],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the draws from ranges.")] = 1,
    json: Json = False,
) -> None:
    """A nation's supply in a year: outputs to patients, what binds (isotope, cells, flights, beds), where the next site should stand."""
    from ..chain.nation import run_nation
    from ..report.nation import write_nation_report

    with working("planning the supply", json):
        result = run_nation(spec, out, seed=seed, report=write_nation_report)
    if json:
        print_json(result)
        return
    _print(result)
    typer.echo(f"\nReport: {(out / 'report.html').resolve()}")


def _print(result: dict[str, Any]) -> None:
    if result["outputs"]:
        rows = [
            [o["name"], o["nuclide"], show(o["annual_Bq"], "Bq"), _span(o, "doses"), _span(o, "patients"), "" if o["ratio_to_published"] is None else f"{o['ratio_to_published']:.3g}"]
            for o in result["outputs"]
        ]
        print_table(["output", "nuclide", "a year", "doses (5 to 95 %)", "patients (5 to 95 %)", "of published"], rows)
    if result["network"] is not None:
        _print_network(result["network"])
    for x in result["locations"]:
        _print_location(x)
    for w in result["warnings"]:
        typer.echo(f"warning: {visible(w)}", err=True)
    for a in result["assumptions"]:
        typer.echo(f"assumed: {visible(a)}")


def _print_network(net: dict[str, Any]) -> None:
    typer.echo(f"\n{net['patients']:.6g} of {net['needing']:.6g} patients treated in a year with {net['doses']:.6g} doses; limited by {net['limited_by']}")
    chosen = [x["name"] for x in net["labs"] if x["candidate"] and x["opened"]]
    if chosen:
        typer.echo(visible(f"chosen: {', '.join(chosen)}"))

    def number(value: float | None) -> str:
        return "no limit" if value is None else f"{value:.6g}"

    rows = [
        [b["resource"], number(b["alone"]), number(b["lifted"]), f"{b['ten_percent']:.3g}" if b["ten_percent"] > 1e-6 * net["patients"] else "0", "" if b["turns_at"] is None else f"{b['turns_at']:.3g} x"]
        for b in net["binding"]
    ]
    print_table(["limit", "alone", "lifted", "by a tenth more", "turns at"], rows)
    print_table(["one more", "how much", "where", "patients gained"], [[u["resource"], u["step"], u["where"] or "", f"{u['gain']:.3g}"] for u in net["units"]])
    if net["variants"]:
        print_table(["variant", "patients", "limited by"], [[v["name"], f"{v['patients']:.6g}", v["limited_by"]] for v in net["variants"]])
    alike = net["share_alike"]
    typer.echo(f"alike for all: every city {100 * alike['least_share']:.3g} % of its patients, {alike['patients']:.6g} in all")


def _print_location(x: dict[str, Any]) -> None:
    def served(value: float) -> str:
        return f"{value:.4g} h" if x["serve"] == "hours" else f"{100 * value:.4g} %"

    proved = "proved" if x["no_choice_above"] <= x["served"] * (1 + 1e-6) else f"no choice is above {served(x['no_choice_above'])}"
    rows = [["best" if not n else f"runner-up {n}", ", ".join(c["sites"]), served(c["served"])] for n, c in enumerate([x, *x["runners_up"]])]
    print_table(["choice", "sites", x["serve"]], rows, "\n" + visible(f"{x['name']}: {x['unit']}, limit {x['within_h']:g} h; {proved}"))
    for name, a in (("standing", x["access_before"]), ("with the choice", x["access"])):
        if a is not None:
            within = "".join(f"{100 * w['share']:.3g} % within {w['hours']:g} h, " for w in a["within"])
            worst = a["worst"]
            typer.echo(visible(f"{name}: {within}farthest {worst['name']}, {'no way' if worst['hours'] is None else format(worst['hours'], '.3g') + ' h'}"))


def _span(o: dict[str, Any], key: str) -> str:
    low, high = o[f"{key}_5_95"]
    return f"{_three(o[key])} ({_three(low)} to {_three(high)})"


def _three(value: float) -> str:
    """Three significant digits, without a power of ten.

    >>> _three(16010.6), _three(994.4), _three(0.01234)
    ('16000', '994', '0.0123')
    """
    return f"{float(f'{value:.3g}'):.10g}"
