"""`compare`: what changes when the same ligand carries another nuclide."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..core import show
from .physics import Json
from .show import print_json, print_table, visible, with_u, working


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("compare")(compare_command)


def compare_command(
    case: Annotated[Path, typer.Argument(help="Case file (TOML), or the folder that holds case.toml.")],
    nuclides: Annotated[str, typer.Option(help="Nuclides, with commas between: Lu-177,Tb-161,Y-90,Ac-225.")],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    match: Annotated[
        str | None, typer.Option(help="activity, decays (in the target) or organ-limit; default: organ-limit where there is a limiting organ, else decays.")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Region whose uptake micrometastases have; default: the tumour of the highest dose.")] = None,
    organ: Annotated[str | None, typer.Option(help="Limiting organ; default: the kidney of the highest dose, or the next of the usual ones.")] = None,
    limit: Annotated[
        str | None, typer.Option(help='Dose that the organ is to get, alphas counted 5 times by convention, such as "23 Gy"; default: what the case gives it.')
    ] = None,
    cycles: Annotated[int, typer.Option(help="Equal cycles, for micrometastases.")] = 1,
    engine: Annotated[str | None, typer.Option(help="local, kernel or monte-carlo, as for dose.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of everything random.")] = 1,
    json: Json = False,
) -> None:
    """The same ligand with other nuclides: doses by radiation, BED, histograms, micrometastases, where the ranking turns over."""
    from ..chain.compare import run_compare
    from ..core import parse
    from ..report.compare import write_compare_report

    limit_Gy = None if limit is None else parse(limit, "Gy", "--limit", positive=True, within=("0.001 Gy", "10000 Gy"))
    with working("comparing nuclides", json):
        result = run_compare(
            case, nuclides.split(","), out, match=match, target=target, organ=organ, limit_Gy=limit_Gy, cycles=cycles, engine=engine, seed=seed, report=write_compare_report
        )
    if json:
        print_json(result)
        return
    _print(result)
    typer.echo(f"\nReport: {(out / 'report.html').resolve()}")


def _print(result: dict[str, Any]) -> None:
    weight = result["rbe"]["convention"]["value"]
    rows = []
    for n, first in enumerate(result["nuclides"][0]["regions"]):
        for record in result["nuclides"]:
            r = record["regions"][n]
            d, bed = r["dose_by_radiation_Gy"], r["bed"]
            span = bed["with_alpha_Gy"]
            rows.append([
                first["region"] if record is result["nuclides"][0] else "", record["nuclide"], show(record["administered_Bq"], "Bq"), with_u(r["dose_Gy"], r["dose_u_Gy"], "Gy"),
                *(f"{d[x]:.3g}" if d[x] else "" for x in ("alpha", "electron", "photon")),
                f"{r['weighted']['Sv_RBE']:.3g}" if r["weighted"] else "",
                "" if bed["low_LET_Gy"] is None else f"{bed['low_LET_Gy']:.3g}",
                "" if not span else f"{span['low']['bed_Gy']:.3g} to {span['high']['bed_Gy']:.3g}",
            ])  # fmt: skip
    columns = ["region", "nuclide", "activity", "dose", "Gy(alpha)", "Gy(electron)", "Gy(photon)", f"Sv(RBE {weight:g}, convention)", "BED low-LET Gy", "BED, RBE {:g} to {:g} Gy".format(*result["rbe"]["range"])]
    print_table(columns, rows, f"Activities by {result['match']}; absorbed dose unweighted (± standard uncertainty)")
    micro = result["micrometastases"]
    at = {(r["nuclide"], r["positive_fraction"], r["diameter_um"]): r for r in micro["rows"]}
    names = list(micro["decays_per_cell"])
    table = [
        [f"{k['diameter_um'] / 1000:.3g}", f"{at[names[0], 1.0, k['diameter_um']]['cells']:.3g}", *(f"{at[n, 1.0, k['diameter_um']]['expected_survivors']:.3g}" for n in names),
         *(f"{at[n, 1.0, k['diameter_um']]['tcp']:.2g}" for n in names)]
        for k in micro["rankings"] if k["positive_fraction"] == 1.0
    ]  # fmt: skip
    print_table(["mm", "cells", *names, *(f"control {n}" for n in names)], table, f"\nMicrometastases with the uptake of {visible(result['target'])}, {result['cycles']} cycle(s), all cells positive: expected survivors, probability of control")
    from ..chain.sweeps import range_text

    shown = [c for c in micro["crossover_ranges"] if c["positive_fraction"] in (1.0, 0.1)]
    for c in shown:
        typer.echo(range_text(c))
    if len(shown) < len(micro["crossover_ranges"]):
        typer.echo("other positive fractions: result.json and the report")
    for w in result["warnings"]:
        typer.echo(f"warning: {visible(w)}", err=True)
    for a in [*result["assumptions"], *micro["assumptions"]]:
        typer.echo(f"assumed: {visible(a)}")
