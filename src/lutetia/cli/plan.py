"""`plan`: the next cycles under limits of organs that hold with a stated probability."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, Any

import typer

from .show import band, print_json, print_table, visible, working


def register(app: typer.Typer) -> None:
    """Add the command to `app`."""
    app.command("plan")(plan_command)


def plan_command(
    who: Annotated[Path, typer.Argument(metavar="WHO", help="Patient file or case of a diagnostic scan (TOML), or the folder that 'predict' wrote.")],
    agent: Annotated[str, typer.Option(help="An agent of the library, such as 177Lu-PSMA-617.")],
    out: Annotated[Path, typer.Option(help="Folder for the report, result.json and options.csv.")],
    limits: Annotated[str | None, typer.Option(help='Limits of organs over all cycles: kidneys="40 Gy BED",salivary="25 Gy",marrow=marrow-2 (a dose, a BED, or a named convention).')] = None,
    risk: Annotated[float, typer.Option(help="Probability with which each limit may be exceeded.")] = 0.05,
    nuclides: Annotated[str | None, typer.Option(help="Nuclides to choose from, and sequences of two of them, separated by commas; default: the agent's own.")] = None,
    ligands: Annotated[str | None, typer.Option(help='Amounts of ligand to choose from, such as "20 nmol,57 nmol".')] = None,
    cycles_max: Annotated[int | None, typer.Option(help="Further cycles at most; default: six with those that were given.")] = None,
    interval: Annotated[str, typer.Option(help="Between two cycles.")] = "42 d",
    max_activity: Annotated[str | None, typer.Option(help='Largest activity of a cycle that can be given: "9 GBq", or by nuclide "Lu-177=9 GBq,Ac-225=8 MBq".')] = None,
    min_activity: Annotated[str | None, typer.Option(help="Least activity of a cycle, for all nuclides or by nuclide.")] = None,
    max_ligand: Annotated[str | None, typer.Option(help="Most ligand that can be given in a cycle.")] = None,
    molar_activity: Annotated[str | None, typer.Option(help='Activity per amount of ligand that the product reaches, such as "130 MBq/nmol".')] = None,
    organ_rbe: Annotated[str | None, typer.Option(help="RBE by which alphas count in organs, by its name, such as deterministic-5.")] = None,
    tumour_rbe: Annotated[str | None, typer.Option(help="RBE by which alphas count in tumours, such as PC3-PIP-Ruigrok-2022.")] = None,
    uptake_change: Annotated[str, typer.Option(help="Receptors of tumours from cycle to cycle: published or none.")] = "published",
    doubling_time: Annotated[str | None, typer.Option(help='Of tumour cells between cycles, such as "60 d"; no growth without it.')] = None,
    invisible: Annotated[str | None, typer.Option(help='Lesions below resolution: number=200,smallest="0.001 mL",largest="0.5 mL",exponent=1.5.')] = None,
    unequal: Annotated[bool, typer.Option("--unequal", help="Also try activities that differ from cycle to cycle.")] = False,
    beyond_studied: Annotated[bool, typer.Option("--beyond-studied", help="Allow more activity in an injection than any that was studied.")] = False,
    given: Annotated[Path | None, typer.Option(help="File (TOML) of cycles that were given.")] = None,
    kinetics: Annotated[str | None, typer.Option(help="A whole-body parameter set by its name.")] = None,
    class_prior: Annotated[bool, typer.Option("--class-prior", help="For an agent without public kinetics: take those of its class.")] = False,
    draws: Annotated[int, typer.Option(help="Draws of the patient.")] = 400,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Seed of everything random.")] = 1,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """The next cycles: nuclide, ligand, number of cycles and activity with the most effect on tumours under limits of organs."""
    from ..chain.plan import LIGANDS_NMOL, run_plan
    from ..chain.plan_inputs import read_activity, read_invisible, read_limits
    from ..core import parse
    from ..planning import Supply
    from ..report.plan import write_plan_report

    def amount(text: str, option: str) -> float:
        return parse(text, "nmol", option, positive=True, within=("1 fmol", "1 mmol"))

    infinite = float("inf")
    supply = Supply(
        read_activity(max_activity, "--max-activity", infinite), read_activity(min_activity, "--min-activity", 0.0), infinite if max_ligand is None else amount(max_ligand, "--max-ligand"),
        infinite if molar_activity is None else parse(molar_activity, "Bq/nmol", "--molar-activity", positive=True),
    )  # fmt: skip
    with working("planning", json):
        result = run_plan(
            who, agent, out, limits=read_limits(limits), risk=risk, nuclides=[] if nuclides is None else [n.strip() for n in nuclides.split(",") if n.strip()],
            ligands_nmol=LIGANDS_NMOL if ligands is None else [amount(x, "--ligands") for x in ligands.split(",")], cycles_max=cycles_max, interval_days=parse(interval, "d", "--interval", positive=True),
            supply=supply, organ_rbe=organ_rbe, tumour_rbe=tumour_rbe, uptake_change=uptake_change, doubling_days=None if doubling_time is None else parse(doubling_time, "d", "--doubling-time", positive=True),
            invisible=None if invisible is None else read_invisible(invisible), unequal=unequal, beyond_studied=beyond_studied, given=given, kinetics=kinetics, use_class_prior=class_prior, draws=draws, seed=seed, report=write_plan_report,
        )  # fmt: skip
    if json:
        print_json(result)
        return
    _print(result)
    typer.echo(f"\nReport: {(out / 'report.html').resolve()}")


def _print(r: dict[str, Any]) -> None:
    p = r["plan"]
    apart = "" if p["cycles"] == 1 else f", {p['interval_days']:g} d apart"
    typer.echo(visible(f"{r['agent']}: {_course(p)} on {p['ligand_nmol']:.4g} nmol{apart}; overall tumour BED {band(p, 'overall_bed_Gy')} Gy"))
    typer.echo(visible(f"held by: {p['active']}"))
    rows = [
        [c["constraint"], "" if c["cap_Bq"] is None else f"{c['cap_Bq'] / 1e6:.4g}", "" if c["margin"] is None else f"{c['margin']:+.0%}", "" if c["probability_above"] is None else f"{c['probability_above']:.3f}",
         band(c, "reached_Gy")]
        for c in p["constraints"]
    ]  # fmt: skip
    print_table(["constraint", "MBq at most" if p["activity_Bq"] else "MBq of the first cycle at most", "margin", f"P above, wanted {r['risk']:g}", "reached Gy (5 to 95 %)"], rows)
    rows = [[x["region"], *(band(x, k) for k in ("alpha_Gy", "low_LET_Gy", "weighted_Sv_RBE", "bed_Gy"))] for x in p["regions"]]
    print_table(["region, all cycles", "alpha Gy", "low-LET Gy", "Sv_RBE", "BED Gy"], rows)
    rows = [[f"{_course(o)}, {o['ligand_nmol']:g} nmol", band(o, "overall_bed_Gy"), o["active"]] for o in r["options"][:5]]
    print_table(["best five choices", "overall BED Gy", "held by"], rows)
    rows = [[b["name"], f"{b['cycles']:g}", band(b, "overall_bed_Gy"), ", ".join(f"{k} {v:.3f}" for k, v in b["probability_above"].items())] for b in r["baselines"]]
    if rows:
        print_table(["what is usual", "cycles", "overall BED Gy", "P above"], rows)
    for v in r["value_of_scan"]:
        typer.echo(visible(f"half the uncertainty of {v['constraint']}: overall BED {v['gain_Gy']:+.3g} ± {v['u_gain_Gy']:.2g} Gy, {v['activity_without_Bq'] / 1e6:.4g} to {v['activity_with_Bq'] / 1e6:.4g} MBq a cycle in the mean"))
    if r["no_limit"]:
        typer.echo(visible(f"no limit asked for: {', '.join(r['no_limit'])}"))
    for x in r["limits"]:
        typer.echo(visible(f"limit of {x['organ']}: {x['value_Gy']:g} Gy ({x['quantity']}), {x['name'] if x['name'] == x['source'] else '; '.join((x['name'], x['source'], x['verification']))}"))
    for w in r["warnings"]:
        typer.echo(visible(f"warning: {w}"), err=True)
    for s in r["assumptions"]:
        typer.echo(visible(f"assumed: {s}"))


def _course(p: dict[str, Any]) -> str:
    """``2 x 3000 MBq of Lu-177, then 4 x 6 MBq of Ac-225``."""
    runs = [(key, len(list(cycles))) for key, cycles in itertools.groupby((f"{c['activity_Bq'] / 1e6:.4g} MBq", c["nuclide"]) for c in p["schedule"])]
    return ", then ".join(f"{n} x {activity} of {nuclide}" for (activity, nuclide), n in runs)
