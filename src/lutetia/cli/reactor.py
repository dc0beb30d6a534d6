"""`reactor` and `generator`: what neutrons make in a target, and what is eluted from a column."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .show import print_json, print_table, visible

if TYPE_CHECKING:
    from ..chain.schedule_file import Schedule
    from ..supply.production.generators import Elution, Generator
    from ..supply.production.reactor import Capture

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("reactor")(reactor_command)
    app.command("generator")(generator_command)


def reactor_command(
    target: Annotated[str, typer.Option(help="Isotope that captures, such as Yb-176.")],
    flux: Annotated[str, typer.Option(help='Conventional thermal flux (neutron density times 2200 m/s), such as "2e14 /cm2/s".')],
    time: Annotated[str, typer.Option(help='Irradiation, such as "14 d".')],
    mass: Annotated[str, typer.Option(help="Mass of the element, not of an oxide.")] = "1 g",
    enrichment: Annotated[float | None, typer.Option(help="Atom fraction of the target isotope in the element; as in nature without it.")] = None,
    product: Annotated[str | None, typer.Option(help="Nuclide that is wanted, if not the usual one of the target.")] = None,
    neutron_temperature: Annotated[str, typer.Option(help="Of the thermal neutrons.")] = "293.6 K",
    epithermal: Annotated[float, typer.Option(help="Epithermal flux per unit lethargy over the conventional thermal flux.")] = 0.0,
    cool: Annotated[str, typer.Option(help='Time after the irradiation, such as "24 h".')] = "0 h",
    cross_sections: Annotated[Path | None, typer.Option(help="CSV with your own cross sections, in place of those held or beside them.")] = None,
    json: Json = False,
) -> None:
    """Activities that a reactor makes in a target, with burn-up, impurities and specific activity."""
    from ..core import parse
    from ..supply.production.capture import read_cross_sections
    from ..supply.production.reactor import irradiate_neutrons

    given = {
        "flux_per_cm2_s": parse(flux, "1/cm**2/s", "--flux", positive=True),
        "time_s": parse(time, "s", "--time", positive=True, within=("1 s", "36500 d")),
        "mass_kg": parse(mass, "kg", "--mass", positive=True, within=("1 ng", "1000 kg")),
        "neutron_temperature_K": parse(neutron_temperature, "K", "--neutron-temperature", positive=True),
        "cool_s": parse(cool, "s", "--cool", within=("0 s", "36500 d")),
    }
    own = () if cross_sections is None else read_cross_sections(cross_sections)
    c = irradiate_neutrons(target, given["flux_per_cm2_s"], given["time_s"], mass_kg=given["mass_kg"], enrichment=enrichment, neutron_temperature_K=given["neutron_temperature_K"], epithermal_ratio=epithermal, cool_s=given["cool_s"], product=product, own=own)
    given |= {"enrichment": enrichment, "epithermal_ratio": epithermal}  # type: ignore[dict-item]
    if json:
        print_json(_capture(c, given, cross_sections))
    else:
        _print_capture(c, given)


def _capture(c: Capture, given: dict[str, Any], own: Path | None) -> dict[str, Any]:
    from ..core import sha256_file

    used = [{"target": r.target, "product": r.product, "kind": r.kind, "sigma0_b": r.sigma0_b, "u_sigma0_b": r.u_sigma0_b, "resonance_integral_b": r.resonance_integral_b, "verified": r.verified, "source": r.source} for r in c.reactions]
    return {
        "target": c.target, "product": c.product, "given": given,
        "eoi_activity_Bq": dict(c.eoi.activity_Bq), "activity_Bq": dict(c.after.activity_Bq), "activity_per_gram_Bq": c.activity_per_gram_Bq,
        "specific_activity_Bq_per_kg": c.specific_activity_Bq_per_kg, "specific_activity_limit_Bq_per_kg": c.limit_Bq_per_kg,
        "impurities_Bq": dict(c.impurities), "burn_up": {"target": c.burn_up_target, "product": c.burn_up_product},
        "optimum": {"time_s": c.optimal_time_s, "activity_Bq": c.optimal_activity_Bq, "time_to_95_percent_s": c.time_to_95_percent_s},
        "westcott_g": c.westcott_g, "effective_cross_section_b": c.effective_b,
        "uncertainty": {"relative": c.u_relative, "comprises": c.comprises, "not_comprised": c.not_comprised},
        "provenance": _tables("neutron_capture", "capture_lu176_resonance", "natural_isotopes") | {"reactions": used, "cross_sections_sha256": None if own is None else sha256_file(own)},
        "warnings": c.warnings,
    }  # fmt: skip


def _tables(*held: str) -> dict[str, Any]:
    from .. import __version__
    from ..data import table

    return {"version": __version__, "tables": [{"name": n, "sha256": table(n).sha256} for n in held]}


def _print_capture(c: Capture, given: dict[str, Any]) -> None:
    from ..core import show

    typer.echo(f"{c.target} in {given['flux_per_cm2_s']:.3g} /cm2/s for {show(given['time_s'], 's')}, then {show(given['cool_s'], 's')}: {c.product} {show(c.after.activity_Bq[c.product], 'Bq')}, {show(c.activity_per_gram_Bq, 'Bq')} per gram of the element loaded")
    specific = "unknown" if c.specific_activity_Bq_per_kg is None else f"{show(c.specific_activity_Bq_per_kg * 1e-6, 'Bq')}/mg"
    typer.echo(f"specific activity {specific}; of the pure nuclide {show(c.limit_Bq_per_kg * 1e-6, 'Bq')}/mg")
    typer.echo(f"effective cross section {c.effective_b:.4g} b, Westcott g {c.westcott_g:.4g}; burnt: {c.burn_up_target:.2%} of the target, {c.burn_up_product:.2%} of the product made")
    typer.echo(f"most {c.product} after {show(c.optimal_time_s, 's')}: {show(c.optimal_activity_Bq, 'Bq')}; 95 % of it after {show(c.time_to_95_percent_s, 's')}")
    eoi, after = c.eoi.activity_Bq, c.after.activity_Bq
    rows = [[n, show(eoi.get(n, 0.0), "Bq"), show(a, "Bq")] for n, a in sorted(after.items(), key=lambda x: -x[1]) if a > 0 or eoi.get(n, 0.0) > 0]
    print_table(["nuclide", "end of irradiation", "after cooling"], rows)
    typer.echo(f"standard uncertainty {c.u_relative:.1%}: {'; '.join(c.comprises) or 'no cross section with a known uncertainty'}. Not in it: {', '.join(c.not_comprised)}.")
    _warn(c.warnings)


def generator_command(
    name: Annotated[str, typer.Argument(metavar="GENERATOR", help="Parent and daughter, such as Ge-68/Ga-68.")],
    activity: Annotated[str, typer.Option(help="Of the parent at calibration.")],
    schedule: Annotated[Path, typer.Option(help="Schedule file (TOML): calibration and elutions.")],
    json: Json = False,
) -> None:
    """What a generator gives by a schedule of elutions, and when its eluates expire."""
    from ..chain.schedule_file import load_schedule
    from ..core import parse
    from ..nuclides import nuclide
    from ..supply.production.generators import elute, generator

    g, plan = generator(name), load_schedule(schedule)
    activity_Bq = parse(activity, "Bq", "--activity", positive=True, within=("1 kBq", "1000 TBq"))
    done = elute(g, activity_Bq, plan.times_s, bare_s=plan.bare_s, efficiency=plan.efficiency, u_efficiency=plan.u_efficiency, breakthrough=plan.breakthrough, keep=[nuclide(n).name for n in plan.keep])
    warnings = (*plan.said, *_said(g, plan, done))
    if json:
        print_json(_elutions(g, activity_Bq, plan, done, warnings))
    else:
        _print_elutions(g, plan, done, warnings)


def _said(g: Generator, plan: Schedule, done: tuple[Elution, ...]) -> list[str]:
    said = []
    for what in ("shelf life", "number of elutions", "breakthrough"):
        beyond = [n for n, e in enumerate(done, 1) if what in e.beyond]
        if beyond:
            said.append(f"{what} exceeded from elution {beyond[0]} on ({len(beyond)} of {len(done)})")
    if plan.efficiency is None and g.verified != "read":
        said.append(f"the efficiency is {g.verified}, not read in its source: {g.source}")
    if g.breakthrough_limit is None:
        said.append("no limit of breakthrough is held for this generator")
    elif plan.breakthrough is None:
        said.append(f"no breakthrough was measured, so {g.parent} in the eluate{' and its expiry are' if g.limit_at == 'administration' else ' is'} unknown; give breakthrough in the schedule")
    return said


def _elutions(g: Generator, activity_Bq: float, plan: Schedule, done: tuple[Elution, ...], warnings: tuple[str, ...]) -> dict[str, Any]:
    from ..supply.production.generators import total_Bq

    return {
        "generator": g.name, "parent": g.parent, "daughter": g.daughter, "branching": g.branching, "activity_Bq": activity_Bq, "calibration": plan.calibration.isoformat(),
        "efficiency": {"value": g.efficiency if plan.efficiency is None else plan.efficiency, "u": g.u_efficiency if plan.efficiency is None else plan.u_efficiency, "source": g.source if plan.efficiency is None else "given in the schedule"},
        "breakthrough_limit": {"ratio": g.breakthrough_limit, "at": g.limit_at},
        "elutions": [
            {
                "time": t.isoformat(), "since_last_h": e.since_last_s / 3600, "parent_Bq": e.parent_Bq, "on_column_Bq": e.on_column_Bq, "ingrowth": e.ingrowth, "eluted_Bq": e.eluted_Bq, "u_eluted_Bq": e.u_eluted_Bq,
                "others_Bq": dict(e.others_Bq), "parent_in_eluate_Bq": e.parent_in_eluate_Bq, "expiry_h": _hours(e.expiry_s), "beyond": e.beyond,
            }
            for t, e in zip(plan.at, done)
        ],
        "sum_eluted_Bq": total_Bq(done), "provenance": _tables("generators") | {"schedule_sha256": plan.sha256}, "warnings": warnings,
    }  # fmt: skip


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None or seconds == float("inf") else seconds / 3600


def _print_elutions(g: Generator, plan: Schedule, done: tuple[Elution, ...], warnings: tuple[str, ...]) -> None:
    from ..core import show
    from ..supply.production.generators import total_Bq

    rows = [
        [t.isoformat(timespec="minutes"), show(e.since_last_s, "s"), show(e.parent_Bq, "Bq"), f"{e.ingrowth:.1%}", show(e.eluted_Bq, "Bq"), "" if _hours(e.expiry_s) is None else f"{_hours(e.expiry_s):.1f} h", ", ".join(e.beyond)]
        for t, e in zip(plan.at, done)
    ]  # fmt: skip
    print_table(["elution", "since last", g.parent, "ingrowth", f"{g.daughter} eluted", "expiry", "beyond"], rows, f"{g.name}, efficiency {g.efficiency if plan.efficiency is None else plan.efficiency:g}")
    typer.echo(f"sum of {len(done)} elutions: {show(total_Bq(done), 'Bq')}")
    _warn(warnings)


def _warn(warnings: tuple[str, ...]) -> None:
    for w in warnings:
        typer.echo(visible(w), err=True)
