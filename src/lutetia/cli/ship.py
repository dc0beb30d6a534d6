"""`ship`: what the rules of transport make of a package."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from ..core import BadInput, parse, show
from .show import print_json, print_table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("ship")(ship_command)


def ship_command(
    nuclide: Annotated[str, typer.Option(help="Nuclide, in any common spelling; its chain in equilibrium comes with it.")],
    activity: Annotated[str, typer.Option(help='Activity in one package, such as "7.4 GBq".')],
    also: Annotated[list[str] | None, typer.Option(help='A further nuclide in the package, such as "Lu-177=10 GBq"; may be repeated.')] = None,
    form: Annotated[str, typer.Option(help="liquid, solid, gas or special.")] = "liquid",
    shield: Annotated[list[str] | None, typer.Option(help='Such as "lead 10 mm" (the default) or "none"; repeated from the inside out.')] = None,
    package_radius: Annotated[str, typer.Option(help="From the source to the surface of the package.")] = "15 cm",
    volume: Annotated[str | None, typer.Option(help="Volume of a liquid.")] = None,
    by: Annotated[str | None, typer.Option(help="Demand a mode: road, passenger-aircraft or cargo-aircraft.")] = None,
    count: Annotated[int, typer.Option(help="Packages that travel together.")] = 1,
    json: Json = False,
) -> None:
    """Type, transport index, category, labels and limits of a package of radioactive material."""
    from ..nuclides import nuclide as find
    from ..supply import packages
    from ..supply.shielding import published_constants

    given = {find(nuclide).name: parse(activity, "Bq", "--activity", positive=True, within=("1 Bq", "1000000 TBq"))}
    for text in also or []:
        name, equals, amount = text.partition("=")
        if not equals:
            raise BadInput(f'--also {text!r} was given; "NUCLIDE=ACTIVITY" is wanted, such as "Lu-177=10 GBq".')
        if find(name).name in given:
            raise BadInput(f"{find(name).name} was given twice; give each nuclide once, with its whole activity.")
        given[find(name).name] = parse(amount, "Bq", f"--also {name}", positive=True, within=("1 Bq", "1000000 TBq"))
    layers = _layers(shield if shield is not None else ["lead 10 mm"])
    radius_cm = parse(package_radius, "cm", "--package-radius", positive=True, within=("1 cm", "3 m"))
    volume_mL = None if volume is None else parse(volume, "mL", "--volume", positive=True, within=("0.001 mL", "1000 L"))
    one = packages.package(given, form=form, shield=layers, radius_cm=radius_cm)
    total = None if by is None and count == 1 else packages.check_load(one, by or "road", count)
    constants = published_constants(given)
    absorbent = None if volume_mL is None else packages.absorbent_mL(volume_mL, form, one.type)
    if json:
        out = asdict(one) | {"activity_Bq": given, "form": form, "shield": [{"material": m, "thickness_cm": t} for m, t in layers], "radius_cm": radius_cm}
        print_json(out | {"by": by, "count": count, "sum_of_transport_index": total, "volume_mL": volume_mL, "absorbent_mL": absorbent, "dose_rate_constants": constants})
        return
    contents = ", ".join(f"{n} {show(a, 'Bq')}" for n, a in given.items())
    kind = "Excepted" if one.type == "excepted" else f"Type {one.type}"
    typer.echo(f"{kind} package of {contents} ({form}), {' + '.join(f'{10 * t:g} mm {m}' for m, t in layers) or 'no shield'}, {radius_cm:g} cm to its surface")
    typer.echo(f"{one.un_number} {one.proper_shipping_name}")
    typer.echo(f"share of the Type A limit {one.a2_sum:.3g}; a Type A package holds {show(one.largest_type_A_Bq, 'Bq')} of this")
    typer.echo(f"surface {one.surface_mSv_per_h:.3g} mSv/h ({one.surface_unscattered_mSv_per_h:.3g} unscattered), 1 m from it {one.one_metre_mSv_per_h:.3g} mSv/h")
    typer.echo(f"transport index {one.transport_index:g}, category {one.category}")
    for label in one.labels:
        typer.echo(f"label: {label}")
    if absorbent is not None:
        typer.echo(f"absorbent for {absorbent:g} mL, or two containments")
    print_table(
        ["by", "may go", "TI of a package", "sum of TI", "packages"],
        [[c.mode, "yes" if c.allowed else "no", f"{c.per_package:g}", f"{c.in_sum:g}", "no limit by TI" if c.most_packages is None else str(c.most_packages)] for c in one.limits],
    )
    for c in one.limits:
        if not c.allowed:
            typer.echo(f"not by {c.mode}: {c.reason}")
    if total is not None:
        typer.echo(f"{count} by {by or 'road'}: sum of the transport index {total:g}")
    typer.echo(f"Edition: {one.edition}")
    typer.echo("Sources: " + "; ".join(one.sources))
    for x in one.unverified:
        typer.echo(f"not verified: {x}")
    for warning in one.warnings:
        typer.echo(f"lutetia: {warning}", err=True)


def _layers(texts: list[str]) -> list[tuple[str, float]]:
    from ..supply.shielding import shield_name

    if [t.strip().lower() for t in texts] == ["none"]:
        return []
    layers = []
    for text in texts:
        material, _, thickness = text.strip().partition(" ")
        layers.append((shield_name(material), parse(thickness, "cm", f"--shield {material}", positive=True, within=("0.001 mm", "2 m"))))
    return layers
