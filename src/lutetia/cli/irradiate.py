"""`irradiate`: what a cyclotron's beam makes in a target or a stack of foils."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..core import BadInput, parse, show
from .show import print_json, print_table

if TYPE_CHECKING:
    from ..supply.production import Irradiation, LayerResult


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("irradiate")(irradiate_command)


def irradiate_command(
    energy: Annotated[str, typer.Option(help='Energy in front of the target or stack, such as "16.8 MeV".')],
    current: Annotated[str, typer.Option(help='Electric current on the target, such as "100 uA".')],
    time: Annotated[str, typer.Option(help='Time with beam, such as "24 h".')],
    reaction: Annotated[str | None, typer.Option(help='Such as "Ra-226(p,2n)Ac-225", or "natGa(p,x)Ge-68" for a natural element.')] = None,
    exit_: Annotated[str | None, typer.Option("--exit", help='Energy behind the target; "0 MeV" if the beam stops in it.')] = None,
    cool: Annotated[str, typer.Option(help="Time after the end of bombardment.")] = "0 h",
    enrichment: Annotated[float | None, typer.Option(help="Atom fraction of the isotope that reacts; without it 1, or natural where the reaction names an element.")] = None,
    target: Annotated[str | None, typer.Option(help="Material, by name or formula (water, Ga2O3); without it the usual one.")] = None,
    duty: Annotated[float, typer.Option(help="Share of the time with beam.")] = 1.0,
    machine: Annotated[str | None, typer.Option(help="Cyclotron whose limits hold, such as Cyclone IKON.")] = None,
    area: Annotated[str | None, typer.Option(help='Area of the beam, such as "1.2 cm^2": then burn-up is counted.')] = None,
    data: Annotated[Path | None, typer.Option(help="Cross sections of your own: CSV, or text of the IAEA, TENDL or EXFOR tables.")] = None,
    extrapolate: Annotated[bool, typer.Option("--extrapolate", help="Allow energies above the data, with the last cross section.")] = False,
    stack: Annotated[Path | None, typer.Option(help="TOML file of layers, in place of --reaction, --exit, --target and --enrichment.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Activities, by-products, heat and uncertainty of a target under a beam."""
    from ..supply.production import irradiate, irradiate_stack, read_excitations, read_stack

    energy_MeV = parse(energy, "MeV", "--energy", positive=True)
    beam = {"current_A": parse(current, "A", "--current", positive=True, within=("1 fA", "1 A")), "time_s": parse(time, "s", "--time", positive=True),
            "cool_s": parse(cool, "s", "--cool"), "duty": duty, "cyclotron": machine, "extrapolate": extrapolate,
            "given": () if data is None else read_excitations(data, reaction)}  # fmt: skip
    area_cm2 = None if area is None else parse(area, "cm^2", "--area", positive=True)
    if stack is not None:
        if any(x is not None for x in (reaction if data is None else None, exit_, enrichment, target, area)):
            raise BadInput("irradiate: --stack takes reaction, target and enrichment from its file and finds the exit energies; leave --reaction (but for --data), --exit, --target, --enrichment and --area out.")
        _show_stack(irradiate_stack(read_stack(stack), energy_MeV, **beam), json)
        return
    if reaction is None or exit_ is None:
        raise BadInput("irradiate: --reaction and --exit are wanted, or --stack; give them.")
    r = irradiate(reaction, energy_MeV, parse(exit_, "MeV", "--exit"), enrichment=enrichment, material=target, beam_area_cm2=area_cm2, **beam)
    if json:
        print_json(_record(r))
        return
    _show(r)


def _record(r: Irradiation) -> dict[str, Any]:
    from ..supply.production import purity

    times = _times(r)
    return {
        "reaction": r.reaction, "product": r.product, "target": r.target, "enrichment": r.enrichment, "energy_MeV": r.energy_MeV, "exit_MeV": r.exit_MeV,
        "current_A": r.current_A, "duty": r.duty, "time_s": r.time_s, "cool_s": r.cool_s,
        "eob_activity_Bq": dict(r.eob.activity_Bq), "activity_Bq": dict(r.after.activity_Bq), "saturation_yield_Bq_per_A": r.saturation_yield_Bq_per_A,
        "uncertainty": {"relative": r.u_relative, **r.uncertainty},
        "radionuclidic_purity": [{"after_eob_s": t, "purity": float(p)} for t, p in zip(times, purity(r.eob, r.product, times))],
        "heat_W": r.heat_W, "areal_density_g_cm2": r.areal_density_g_cm2, "thickness_mm": r.thickness_mm, "range_g_cm2": r.range_g_cm2,
        "rate_per_s": dict(r.rate_per_s), "atoms_reacted": r.atoms_reacted, "target_atoms_per_cm2": r.target_atoms_per_cm2, "burn_up": r.burn_up,
        "warnings": list(r.warnings), "provenance": dict(r.provenance),
    }  # fmt: skip


def _times(r: Irradiation) -> list[float]:
    from ..nuclides import nuclide

    half = nuclide(r.product).half_life_s
    return sorted({0.0, 0.5 * half, half, 2 * half, 4 * half, *([r.cool_s] if r.cool_s else [])})


def _show(r: Irradiation) -> None:
    from ..supply.production import purity

    thick = "" if r.thickness_mm is None else f", {r.thickness_mm:.3g} mm"
    typer.echo(f"{r.reaction} in {r.target}, {r.enrichment:.4g} of the isotope: {r.energy_MeV:g} to {r.exit_MeV:g} MeV, {show(r.current_A, 'A')}, {show(r.time_s, 's')}")
    typer.echo(f"target: {r.areal_density_g_cm2:.4g} g/cm2 along the beam{thick} (range {r.range_g_cm2:.4g} g/cm2), heat {show(r.heat_W, 'W')}")
    typer.echo(f"saturation yield of {r.product}: {show(r.saturation_yield_Bq_per_A * 1e-6, 'Bq')}/uA, standard uncertainty {r.u_relative:.1%} (cross section and stopping)")
    share = purity(r.eob, r.product, [0.0, r.cool_s])
    rows = [[n, show(a, "Bq"), show(r.after.activity_Bq.get(n, 0.0), "Bq")] for n, a in sorted(r.eob.activity_Bq.items(), key=lambda k: -k[1])]
    print_table(["nuclide", "end of bombardment", f"{show(r.cool_s, 's')} later"], rows)
    typer.echo(f"purity: {share[0]:.4%} at the end of bombardment, {share[1]:.4%} later")
    burnt = "" if r.burn_up is None else f", {r.burn_up:.2g} of those in the beam"
    typer.echo(f"target nuclei used up: {r.atoms_reacted:.3g}{burnt}")
    for w in r.warnings:
        typer.echo(w, err=True)


def _show_stack(layers: tuple[LayerResult, ...], json: bool) -> None:
    if json:
        print_json({"layers": [{
            "name": x.name, "energy_MeV": x.energy_MeV, "exit_MeV": x.exit_MeV, "areal_density_g_cm2": x.areal_g_cm2, "heat_W": x.heat_W,
            "irradiation": None if x.made is None else _record(x.made),
        } for x in layers]})  # fmt: skip
        return
    rows = [[x.name, f"{x.energy_MeV:.4g}", f"{x.exit_MeV:.4g}", f"{x.areal_g_cm2:.4g}", show(x.heat_W, "W"), "" if x.made is None else x.made.product,
             "" if x.made is None else show(x.made.eob.activity_Bq[x.made.product], "Bq"), "" if x.made is None else show(x.made.after.activity_Bq[x.made.product], "Bq")] for x in layers]  # fmt: skip
    print_table(["layer", "MeV in", "MeV out", "g/cm2", "heat", "product", "end of bombardment", "after cooling"], rows)
    for w in dict.fromkeys(w for x in layers if x.made for w in x.made.warnings):
        typer.echo(w, err=True)
