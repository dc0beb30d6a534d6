"""`cluster`: dose to every nucleus of a cluster of cells, who survives, and where one nuclide overtakes another."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from .physics import Json
from .show import print_json, print_table, visible, working


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("cluster")(cluster_command)


def cluster_command(
    spec: Annotated[Path, typer.Argument(help="Cluster file (TOML), or the folder that holds cluster.toml.")],
    out: Annotated[Path | None, typer.Option(help="Folder for result.json and, with a sweep, its table and figure.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of everything random.")] = 1,
    json: Json = False,
) -> None:
    """Crossfire in a cluster of cells: dose of each nucleus from itself and from others, hits, survivors, control."""
    from ..chain.cluster import run_cluster, write_cluster

    with working("summing over cells", json):
        result = run_cluster(spec, seed=seed)
        if out is not None:
            from ..report.crossfire import crossfire_image

            write_cluster(result, out, crossfire_image(result["sweep"]) if result["sweep"] is not None else None)
    if json:
        print_json(result)
        return
    if result["cluster"] is not None:
        _print_cluster(result)
    if result["sweep"] is not None:
        _print_sweep(result["sweep"])
    b = result["biology"]
    typer.echo(visible(f"electrons: {b['electrons']}"))
    typer.echo(visible(f"alphas: {b['alphas']}"))
    for a in result["assumptions"]:
        typer.echo(visible(f"assumed: {a}"))
    if out is not None:
        typer.echo(f"\nWritten to {out.resolve()}")


def _print_cluster(result: dict[str, Any]) -> None:
    c = result["cluster"]
    title = (
        f"{result['nuclide']}: {c['cells']} cells ({c['living']} living, {c['positive']} positive), {c['diameter_um']:.4g} um, "
        f"{c['decays_per_positive_cell']:.4g} decays in a positive cell"
    )
    rows = [
        [g, *(_number(c["dose_Gy"][g][k]) for k in ("mean", "self_electron", "cross_electron", "self_alpha", "cross_alpha")), _number(c["hits"][g]),
         _number(c["fraction_not_hit"][g]) if c["fraction_not_hit"] else "", _number(c["survival"][g])]
        for g in ("positive", "negative", "all")
    ]  # fmt: skip
    columns = ["cells", "dose Gy", "self e-", "cross e-", "self alpha", "cross alpha", "alpha hits", "not hit", "survival"]
    print_table(columns, rows, title)
    typer.echo(f"expected survivors {c['expected_survivors']:.4g}, probability that none is left {c['tcp']:.4g}")


def _print_sweep(sweep: dict[str, Any]) -> None:
    rows = sweep["rows"]
    names = list(dict.fromkeys(r["nuclide"] for r in rows))
    first = next(iter(sweep["amounts"].values()))
    weight = f"; {first['weighted_limit_Sv_RBE']:.3g} Sv(RBE {first['alpha_weight']:g}, {first['convention']}) to {first['organ']}" if "convention" in first else ""
    typer.echo(visible(f"What each nuclide brings (rule: {sweep['match']}{weight})"))
    for n, a in sweep["amounts"].items():
        injected = f", {a['injected_Bq'] / 1e6:.4g} MBq injected" if a["injected_Bq"] is not None else ""
        organ = "; ".join(f"{v:.3g} Gy({r})" for r, v in a["organ_dose_Gy"].items()) if "organ_dose_Gy" in a else ""
        typer.echo(visible(f"  {n}: {a['decays_per_positive_cell']:.4g} decays in a positive cell{injected}" + (f"; {a['organ']}: {organ}" if organ else "")))
    at = {(r["nuclide"], r["positive_fraction"], r["diameter_um"]): r for r in rows}
    table = [
        [f"{100 * k['positive_fraction']:.0f} %", f"{k['diameter_um']:.4g}", *(f"{at[n, k['positive_fraction'], k['diameter_um']]['expected_survivors']:.3g}" for n in names), k["order"][0]]
        for k in sweep["rankings"]
    ]
    print_table(["positive", "diameter um", *names, "fewest"], table, "\nExpected survivors")
    from ..chain.sweeps import range_text

    for c in sweep["crossover_ranges"]:
        typer.echo(range_text(c))
    if len(sweep["variants"]) > 1:
        typer.echo(f"variants: {', '.join(sweep['variants'])}")


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"
