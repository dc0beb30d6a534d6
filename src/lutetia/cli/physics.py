"""`nuclide`, `sphere`, `voxel-s`: what is emitted and where the energy goes."""

from __future__ import annotations

from typing import Annotated

import typer

from ..core import show
from .show import print_json, print_table

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("nuclide")(nuclide_command)
    app.command("sphere")(sphere_command)
    app.command("voxel-s")(voxel_s_command)


def nuclide_command(name: Annotated[str, typer.Argument(help="Any common spelling: Lu-177, 177Lu, lutetium-177.")], json: Json = False) -> None:
    """Half-life, decay chain and mean energy per decay of a nuclide of ICRP 107."""
    from ..nuclides import RADIATIONS, chain, chain_energy_per_decay_MeV, evaluation_differences, nuclide

    n = nuclide(name)
    members = chain(n)
    energy = chain_energy_per_decay_MeV(n)
    differences = evaluation_differences(n.name)
    if json:
        print_json({
            "name": n.name,
            "half_life_s": n.half_life_s,
            "chain": [m.nuclide.name for m in members],
            "chain_detail": [
                {
                    "name": m.nuclide.name, "half_life_s": m.nuclide.half_life_s, "decays_per_parent": m.decays_per_parent,
                    "in_equilibrium": m.in_equilibrium, "energy_per_decay_MeV": dict(m.nuclide.energy_per_decay_MeV),
                    "daughters": [{"name": d, "branching": f, "mode": mode} for d, f, mode in m.nuclide.daughters],
                }
                for m in members
            ],
            "energy_per_decay_MeV": dict(n.energy_per_decay_MeV),
            "chain_energy_per_decay_MeV": dict(energy),
            "emissions": {
                k: [{"energy_MeV": float(e), "per_decay": float(y)} for e, y in zip(v.energy_MeV, v.per_decay)] for k, v in n.lines.items()
            },
            "evaluations": differences,
            "source": "ICRP Publication 107, doi 10.1016/j.icrp.2008.10.004",
        })  # fmt: skip
        return
    typer.echo(f"{n.name}   half-life {show(n.half_life_s, 's')}   decays to " + ", ".join(f"{d} ({m} {f:.4g})" for d, f, m in n.daughters))
    rows = [
        [m.nuclide.name + ("" if m.in_equilibrium else " *"), show(m.nuclide.half_life_s, "s"), f"{m.decays_per_parent:.4g}"]
        + [f"{m.nuclide.energy_per_decay_MeV[r]:.4g}" for r in RADIATIONS]
        for m in members
    ]
    rows.append(["chain in equilibrium", "", ""] + [f"{energy[r]:.4g}" for r in RADIATIONS])
    print_table(["nuclide", "half-life", "decays/parent", *(f"{r} MeV" for r in RADIATIONS)], rows, "Mean energy per decay of each nuclide; the last line per decay of the parent")
    if any(not m.in_equilibrium for m in members):
        typer.echo("* outlives the parent (or follows one that does): not counted in the chain in equilibrium")
    for d in differences:
        typer.echo(f"{d['quantity']}: ICRP 107 {d['icrp107']:g}, DDEP {d['ddep']:g} ± {d['u_ddep']:g} {d['unit']} ({d['relative_difference']:+.1%})")
    typer.echo("Source: ICRP Publication 107, doi 10.1016/j.icrp.2008.10.004")


def sphere_command(
    nuclide: Annotated[str, typer.Argument(help="Nuclide, in any common spelling.")],
    mass: Annotated[str, typer.Option(help='Mass with its unit, such as "1 g".')],
    density: Annotated[str, typer.Option(help="Density.")] = "1 g/mL",
    progeny: Annotated[bool, typer.Option("--progeny", help="Count the chain in equilibrium, decaying where the parent does.")] = False,
    json: Json = False,
) -> None:
    """Self-dose S of a sphere with a uniform source."""
    from ..core import parse
    from ..nuclides import nuclide as find
    from ..transport.spheres import sphere_s_Gy_per_Bq_s

    n = find(nuclide)
    mass_kg = parse(mass, "kg", "--mass", positive=True, within=("1 ng", "1000 kg"))
    density_g_mL = parse(density, "g/mL", "--density", positive=True, within=("0.001 g/mL", "25 g/mL"))
    s = sphere_s_Gy_per_Bq_s(n.name, mass_kg, progeny=progeny, density_g_mL=density_g_mL)
    total = sum(s.values())
    if json:
        print_json({
            "nuclide": n.name, "mass_kg": mass_kg, "density_g_mL": density_g_mL, "progeny": progeny,
            "S_Gy_per_Bq_s": total, "S_by_radiation_Gy_per_Bq_s": {r: s.get(r, 0.0) for r in ("alpha", "electron", "photon")},
        })  # fmt: skip
        return
    chain = " with its chain in equilibrium" if progeny else ""
    typer.echo(f"{n.name}{chain}, sphere of {mass} at {density_g_mL:g} g/mL: S = {total:.4g} Gy/(Bq s)")
    print_table(["radiation", "S Gy/(Bq s)", "share"], [[r, f"{v:.4g}", f"{v / total:.1%}"] for r, v in s.items()])


def voxel_s_command(
    nuclide: Annotated[str, typer.Argument(help="Nuclide, in any common spelling.")],
    size: Annotated[str, typer.Option(help='Edge of the cubic voxel, such as "3 mm".')],
    extent: Annotated[int, typer.Option(help="Voxels outward from the source.")] = 5,
    density: Annotated[str, typer.Option(help="Density; the default is that of ICRU soft tissue.")] = "1.04 g/mL",
    progeny: Annotated[bool, typer.Option("--progeny", help="Count the chain in equilibrium, decaying where the parent does.")] = False,
    json: Json = False,
) -> None:
    """Voxel S-values of cubic voxels, from the source voxel outward."""
    from ..core import parse
    from ..nuclides import nuclide as find
    from ..transport.voxels import voxel_s_mGy_per_MBq_s

    n = find(nuclide)
    size_mm = parse(size, "mm", "--size", positive=True, within=("0.001 mm", "100 mm"))
    density_g_mL = parse(density, "g/mL", "--density", positive=True, within=("0.001 g/mL", "25 g/mL"))
    s = voxel_s_mGy_per_MBq_s(n.name, size_mm, extent, progeny=progeny, density_g_mL=density_g_mL)
    if json:
        print_json({"nuclide": n.name, "size_mm": size_mm, "extent": extent, "density_g_mL": density_g_mL, "progeny": progeny, "S_mGy_per_MBq_s": s})
        return
    rows = [[f"{i} {j} {k}", f"{s[i, j, k]:.4g}"] for i in range(extent + 1) for j in range(i, extent + 1) for k in range(j, extent + 1)]
    print_table(["offset i j k", "S mGy/(MBq s)"], rows, f"{n.name}, {size_mm:g} mm voxels of {density_g_mL:g} g/mL, all radiations")
