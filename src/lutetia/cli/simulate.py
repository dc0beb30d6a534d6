"""`simulate`: an injection through the whole body, for one patient or for many."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from .show import band, print_json, print_table, visible


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("simulate")(simulate_command)


def simulate_command(
    agent: Annotated[str, typer.Argument(help="An agent of the library, such as 177Lu-PSMA-617.")],
    activity: Annotated[str, typer.Option(help='Activity injected, such as "7.4 GBq".')],
    ligand: Annotated[str | None, typer.Option(help='All ligand injected, hot and cold, such as "57 nmol".')] = None,
    patient: Annotated[Path | None, typer.Option(help="Patient file (TOML).")] = None,
    kinetics: Annotated[str | None, typer.Option(help="A parameter set or population model by its name.")] = None,
    class_prior: Annotated[bool, typer.Option("--class-prior", help="For an agent without public kinetics: take those of its class.")] = False,
    population: Annotated[int | None, typer.Option(min=1, max=1_000_000, help="Number of virtual patients.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of the population.")] = 1,
    cycles: Annotated[int, typer.Option(help="Number of injections alike.")] = 1,
    interval: Annotated[str, typer.Option(help="From one injection to the next.")] = "42 d",
    uptake_change: Annotated[str, typer.Option(help="Receptors of tumours from injection to injection: published or none.")] = "published",
    fates: Annotated[str | None, typer.Option(help="Where progeny goes: a preset, or a file (TOML) of fates.")] = None,
    binding: Annotated[Path | None, typer.Option(help="File (TOML) of how the molecule binds and travels.")] = None,
    scheduler: Annotated[str | None, typer.Option(help="Share a population out: address of a Dask scheduler, or 'local' for two processes.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Where an injection goes, or several: time-integrated activity, dose per GBq, receptor occupancy, urine; one patient or many."""
    from ..chain.simulate import run_simulate
    from ..core import parse

    activity_Bq = parse(activity, "Bq", "--activity", positive=True, within=("1 Bq", "1000 TBq"))
    ligand_nmol = None if ligand is None else parse(ligand, "nmol", "--ligand", positive=True, within=("1 fmol", "1 mmol"))
    with _bar(population, json) as progress:
        result = run_simulate(
            agent, activity_Bq=activity_Bq, ligand_nmol=ligand_nmol, patient=patient, kinetics=kinetics, use_class_prior=class_prior,
            population=population, seed=seed, cycles=cycles, interval_days=parse(interval, "d", "--interval", positive=True), uptake_change=uptake_change,
            fates=fates, binding=binding, scheduler=scheduler, progress=progress,
        )  # fmt: skip
    if json:
        print_json(result)
        return
    _print(result)


@contextlib.contextmanager
def _bar(population: int | None, quiet: bool) -> Iterator[Callable[[float], None] | None]:
    """A progress bar for a population, on a terminal, on stderr."""
    if quiet or population is None or not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("virtual patients", total=1.0)
        yield lambda done: bar.update(task, completed=done)


def _print(r: dict[str, Any]) -> None:
    amount = "" if r["ligand_nmol"] is None else f", {r['ligand_nmol']:.4g} nmol of ligand ({r['hot_nmol']:.4g} nmol hot)"
    of = f"{r['population']['patients']} virtual patients, median (5 to 95 %)" if r["population"] else "one patient"
    rows = [[x["region"], *(band(x, k) for k in ("tiac_h", "dose_Gy_per_GBq", "peak_occupancy", "peak_time_h"))] for x in r["regions"]]
    print_table(["region", "TIAC h", "Gy/GBq", "peak occupancy", "at h"], rows, visible(f"{r['agent']}, {r['activity_Bq'] / 1e6:.4g} MBq{amount}; {of}"))
    if r["course"]:
        _print_course(r["course"])
    if r["progeny"]:
        share = ", ".join(f"{p} {100 * x:.3g} %" for p, x in sorted(r["progeny"]["energy_share"].items(), key=lambda p: -p[1])[:8])
        typer.echo(visible(f"progeny: {r['progeny']['fates']}; energy of the chain released in {share}"))
    typer.echo(f"urine in 24 h {band(r, 'urine_fraction_24h', 100)} %")
    typer.echo(visible(f"{r['kinetics']['name']} ({r['kinetics']['kind']}): {r['kinetics']['note']}"))
    for a in r["assumptions"]:
        typer.echo(visible(f"assumed: {a}"))


def _print_course(c: dict[str, Any]) -> None:
    """Dose of each injection and of all, for regions that have one."""
    of = [{x["region"]: x for x in one["regions"]} for one in c["by_cycle"]]
    rows = [[x["region"], *(band(one[x["region"]], "dose_Gy_per_GBq") for one in of), band(x, "dose_Gy")] for x in c["regions"]]
    print_table(["region, Gy/GBq", *(f"day {one['day']:g}" for one in c["by_cycle"]), "all, Gy"], rows, visible(f"{c['cycles']} injections, {c['interval_days']:g} d apart"))
