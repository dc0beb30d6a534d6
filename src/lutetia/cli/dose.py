"""`demo`, `dose`, `inspect`, `explain`: images in, absorbed dose and its reasons out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from ..core import finite_or_none, show
from .physics import Json
from .show import print_json, print_table, visible, with_u, working


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("demo")(demo_command)
    app.command("dose")(dose_command)
    app.command("inspect")(inspect_command)
    app.command("explain")(explain_command)


def demo_command(
    out: Annotated[Path, typer.Option(help="Folder for the synthetic patient and its results.")] = Path("lutetia-demo"),
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of everything random.")] = 1,
    json: Json = False,
) -> None:
    """Make a synthetic patient (CT, four SPECT, contours), run it end to end, say where the report is."""
    from ..chain.demo import make_demo
    from ..chain.dose import run_case
    from ..report import write_run_report

    patient, results = out / "patient", out / "results"
    with working("making the synthetic patient", json):
        case = make_demo(patient, seed)
    with working("computing absorbed dose", json):
        result = run_case(case, results, seed=seed, report=write_run_report)
    if json:
        print_json(result)
        return
    _print_result(result)
    typer.echo(f"\nThe synthetic patient is in {patient}, its true values in {patient / 'truth.json'}")
    typer.echo(f"Report: {(results / 'report.html').resolve()}")


def dose_command(
    case: Annotated[Path, typer.Argument(help="Case file (TOML), or the folder that holds case.toml.")],
    out: Annotated[Path, typer.Option(help="Folder for the results.")],
    engine: Annotated[str | None, typer.Option(help="local, kernel or monte-carlo; default: monte-carlo with a CT or body outline, kernel without.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of everything random.")] = 1,
    json: Json = False,
) -> None:
    """Absorbed dose of a case: images, or a table of regions."""
    from ..chain.dose import run_case
    from ..report import write_run_report

    with working("computing absorbed dose", json):
        result = run_case(case, out, engine=engine, seed=seed, report=write_run_report)
    if json:
        print_json(result)
        return
    _print_result(result)
    typer.echo(f"\nReport: {(out / 'report.html').resolve()}")


def _print_result(result: dict[str, Any]) -> None:
    rows = []
    for r in result["regions"]:
        half = r["effective_half_life_s"]
        rows.append([
            r["region"], f"{r['volume_mL']:.4g}", f"{r['mass_kg'] * 1000:.4g}", f"{r['tia_Bq_s'] / 3.6e12:.4g} ± {r['tia_u_Bq_s'] / 3.6e12:.2g}",
            "" if half is None else f"{half / 3600:.3g}", r["model"], with_u(r["dose_Gy"], r["dose_u_Gy"], "Gy"), f"{r['dose_per_activity_Gy_per_GBq']:.3g}",
        ])  # fmt: skip
    title = f"{result['nuclide']}, {show(result['administered_Bq'], 'Bq')}, engine {result['engine']} (± standard uncertainty)"
    print_table(["region", "mL", "g", "TIA GBq h", "T_eff h", "model", "dose", "Gy/GBq"], rows, title)
    for w in [*result["warnings"], *(f"{r['region']}: {w}" for r in result["regions"] for w in r["warnings"])]:
        typer.echo(f"warning: {visible(w)}", err=True)


def inspect_command(folder: Annotated[Path, typer.Argument(help="A folder or a file.")], json: Json = False) -> None:
    """What is in these files: series, units, scale, times, geometry, regions; what is missing for a dose."""
    import dataclasses
    import datetime as dt

    from ..imaging import inspect_folder

    series = inspect_folder(folder)

    def plain(value: Any) -> Any:
        if isinstance(value, dt.datetime):
            return value.isoformat()
        if isinstance(value, float):
            return finite_or_none(value)
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return value.tolist() if hasattr(value, "tolist") else value

    if json:
        print_json({"folder": folder.name, "series": [{f.name: plain(getattr(s, f.name)) for f in dataclasses.fields(s)} for s in series]})
        return
    for s in series:
        typer.echo(visible(f"{s.kind}  {s.description or ''}".rstrip()))
        for f in dataclasses.fields(s):
            value = plain(getattr(s, f.name))
            if f.name not in ("kind", "description") and value not in (None, "", [], ()):
                text = "; ".join(map(str, value)) if isinstance(value, list) and f.name in ("problems", "missing_for_dose", "regions") else value
                typer.echo(f"    {f.name.replace('_', ' ')}: {visible(str(text))}")


def explain_command(
    result: Annotated[Path, typer.Argument(help="A result.json.")],
    region: Annotated[str | None, typer.Argument(help="A region of it; without one, the whole record.")] = None,
    json: Json = False,
) -> None:
    """Where a number comes from, down to files, tables and settings."""
    from ..report import explain, load_result

    content = load_result(result)
    text = explain(content, region)
    if not json:
        typer.echo(text)
        return
    found = [r for r in content["regions"] if region is None or r["region"].casefold() == region.strip().casefold()]
    print_json({"explanation": text.splitlines(), "regions": found, "scans": content["scans"], "provenance": content["provenance"]})
