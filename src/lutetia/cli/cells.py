"""`cell`, `range`: where energy goes at the scale of a cell, and how far particles go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from .show import print_json, print_table, working

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]

_PAIRS = ("N<-N", "N<-Cy", "N<-CS", "N<-C", "C<-C", "C<-CS")
_CROSS = ("N<-N", "N<-Cy", "N<-CS", "N<-C", "C<-N", "C<-Cy", "C<-CS", "C<-C")
_TRACKS = 1_000_000
_ASSUMPTIONS = (
    "Cell and nucleus are concentric balls of water, 1 g/mL; sources are uniform in their compartment.",
    "S is per decay of the nuclide named; doses are absorbed doses (Gy), without any weight for alphas.",
    "Recoil nuclei deposit where the alpha is emitted; published cellular S-values of alphas leave them out.",
    "Photons are left out: their electrons leave the cell (they would add under 1 % for 177Lu, 161Tb, 90Y, 131I, 3 % for 125I).",
)
_ELECTRONS = {
    "mird": "straight tracks with Cole's range-energy relation, the convention of the MIRD cellular S-values; no scattering; below 0.1 keV an electron stops where it is",
    "kernel": "lutetia's Monte Carlo kernels with scattering; stopping powers below 10 keV are good to 5 to 10 %, below 1 keV the shape is that of 1 keV",
}


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    app.command("cell")(cell_command)
    app.command("range")(range_command)


def cell_command(
    nuclide: Annotated[str, typer.Argument(help="Nuclide, in any common spelling.")],
    cell_radius: Annotated[str, typer.Option(help='Radius of the cell, such as "5 um".')],
    nucleus_radius: Annotated[str, typer.Option(help='Radius of its nucleus, such as "4 um".')],
    progeny: Annotated[bool, typer.Option("--progeny", help="Count the chain in equilibrium, decaying where the parent does.")] = False,
    electrons: Annotated[str, typer.Option(help="Model of electrons: mird or kernel. The other one's values are shown beside it.")] = "mird",
    distance: Annotated[str | None, typer.Option(help="Also S from another cell at this distance between centres.")] = None,
    alphas_only: Annotated[bool, typer.Option("--alphas-only", help="Count alpha particles alone, without recoil nuclei and electrons.")] = False,
    dose: Annotated[str | None, typer.Option(help='Mean dose of alphas to the target, such as "1 Gy": share not hit and spread of specific energy.')] = None,
    json: Json = False,
) -> None:
    """Cellular S-values, hit probability and specific energy of single hits."""
    from ..core import BadInput, parse
    from ..dosimetry.cells import ELECTRON_MODELS, CellGeometry, cell_s_Gy_per_Bq_s, cross_s_Gy_per_Bq_s
    from ..dosimetry.microdosimetry import alpha_lines
    from ..nuclides import equilibrium_chain, fission_note
    from ..nuclides import nuclide as find

    n = find(nuclide)
    between = ("10 nm", "1 mm")
    geometry = CellGeometry(
        parse(cell_radius, "um", "--cell-radius", positive=True, within=between), parse(nucleus_radius, "um", "--nucleus-radius", positive=True, within=between)
    )
    distance_um = None if distance is None else parse(distance, "um", "--distance", positive=True, within=("10 nm", "1 m"))
    dose_Gy = None if dose is None else parse(dose, "Gy", "--dose", positive=True)
    if electrons not in ELECTRON_MODELS:
        raise BadInput(f"--electrons: got {electrons!r}; give one of {', '.join(ELECTRON_MODELS)}.")
    try:
        alphas = float(alpha_lines(n.name, progeny=progeny)[1].sum())
    except BadInput:
        if alphas_only or dose is not None:
            raise
        alphas = 0.0
    fission = fission_note([m.nuclide.name for m in equilibrium_chain(n)] if progeny else [n.name])
    found: dict[str, Any] = {
        "nuclide": n.name, "progeny": progeny, "cell_radius_um": geometry.cell_radius_um, "nucleus_radius_um": geometry.nucleus_radius_um,
        "radiations": ["alpha"] if alphas_only else ["alpha", "recoil", "electron"], "electrons": electrons, "alphas_per_decay": alphas,
        "assumptions": [*_ASSUMPTIONS, f"Electrons: {_ELECTRONS[electrons]}.", *([] if fission is None else [f"{fission[0].upper()}{fission[1:]}."])],
    }  # fmt: skip
    models = {m: cell_s_Gy_per_Bq_s(n.name, geometry, progeny=progeny, electrons=m) for m in ELECTRON_MODELS}
    found |= _s_values(models, electrons, _PAIRS, alphas_only)
    if distance_um is not None:
        far: dict[str, dict[str, dict[str, float]]] = {m: {} for m in ELECTRON_MODELS}
        for m in ELECTRON_MODELS:
            for pair in _CROSS:
                target, source = pair.split("<-")
                if source != "Cy" or geometry.nucleus_radius_um < geometry.cell_radius_um:
                    s = cross_s_Gy_per_Bq_s(n.name, geometry, target, source, distance_um, progeny=progeny, electrons=m)
                    far[m][pair] = {r: float(v) for r, v in s.items()}
        found["cross"] = {"distance_um": distance_um, **_s_values(far, electrons, _CROSS, alphas_only)}
    with working("tracing alpha particles", quiet=json):
        found |= _hits(n.name, geometry, alphas, progeny, alphas_only, dose_Gy)
    if json:
        print_json(found)
    else:
        _show_cell(found)


def _s_values(models: Mapping[str, Mapping[str, Mapping[str, float]]], chosen: str, pairs: tuple[str, ...], alphas_only: bool) -> dict[str, Any]:
    wanted = ("alpha",) if alphas_only else ("alpha", "recoil", "electron")
    by = {m: {p: {r: s[p].get(r, 0.0) for r in wanted} if p in s else None for p in pairs} for m, s in models.items()}
    total = {m: {p: None if v is None else sum(v.values()) for p, v in s.items()} for m, s in by.items()}
    return {"S_Gy_per_Bq_s": total[chosen], "by_radiation": by[chosen], "S_by_electron_model": total}


def _hits(name: str, geometry: Any, alphas: float, progeny: bool, alphas_only: bool, dose_Gy: float | None) -> dict[str, Any]:
    """Hit probability per alpha and per decay, and the specific energy of single hits; null where there are no alphas."""
    from ..core import CouldNot
    from ..dosimetry.microdosimetry import hit_probability, multi_event_spectrum, single_event_spectrum

    if alphas == 0:
        return {"hit_probability": None, "hits_per_decay": None, "specific_energy": None}
    per_alpha: dict[str, float | None] = dict.fromkeys(_PAIRS)
    energy: dict[str, Any] = dict.fromkeys(_PAIRS)
    for pair in _PAIRS:
        target, source = pair.split("<-")
        if source == "Cy" and geometry.nucleus_radius_um == geometry.cell_radius_um:
            continue
        per_alpha[pair] = hit_probability(name, geometry, target, source, progeny=progeny)
        try:
            single = single_event_spectrum(name, geometry, target, source, progeny=progeny, recoil=not alphas_only, tracks=_TRACKS)
        except CouldNot:  # too small or too far to be hit: there is no spectrum, and the rest stands
            continue
        energy[pair] = {
            "z_F_Gy": single.frequency_mean_Gy, "z_D_Gy": single.dose_mean_Gy, "hits_per_decay": single.hits_per_decay,
            "single_event": {"edges_Gy": single.edges_Gy, "probability": single.probability},
        }  # fmt: skip
        if dose_Gy is not None:
            many = multi_event_spectrum(single, dose_Gy)
            below = many.fraction_not_hit + many.probability.cumsum()
            energy[pair]["at_dose"] = {
                "dose_Gy": dose_Gy, "mean_hits": many.mean_hits, "fraction_not_hit": many.fraction_not_hit,
                "z_Gy_percentiles": {f"{q}": float(many.z_Gy[below.searchsorted(q / 100)]) if q / 100 > many.fraction_not_hit else 0.0 for q in (5, 50, 95)},
            }  # fmt: skip
    return {
        "hit_probability": per_alpha,
        "hit_probability_is": "per alpha particle emitted in the source; hits_per_decay is per decay of the nuclide named",
        "hits_per_decay": {p: None if v is None else v * alphas for p, v in per_alpha.items()},
        "specific_energy": energy,
    }


def _show_cell(found: dict[str, Any]) -> None:
    chain = " with its chain in equilibrium" if found["progeny"] else ""
    typer.echo(f"{found['nuclide']}{chain}, cell of {found['cell_radius_um']:g} um radius, nucleus of {found['nucleus_radius_um']:g} um")
    _show_s(found, found, "S in Gy/(Bq s), target<-source: N nucleus, Cy cytoplasm, CS cell surface, C whole cell")
    if "cross" in found:
        _show_s(found["cross"], found, f"S from another cell, {found['cross']['distance_um']:g} um between centres")
    if found["hit_probability"] is not None:
        dose = next((e["at_dose"] for e in found["specific_energy"].values() if e and "at_dose" in e), None)
        columns = ["hits", "per alpha", "per decay", "z_F Gy", "z_D Gy"] + ([] if dose is None else [f"mean hits at {dose['dose_Gy']:g} Gy", "not hit", "z 5 %", "50 %", "95 %"])
        rows = []
        for pair, e in found["specific_energy"].items():
            if e is not None:
                row = [pair, f"{found['hit_probability'][pair]:.4f}", f"{found['hits_per_decay'][pair]:.4g}", f"{e['z_F_Gy']:.4g}", f"{e['z_D_Gy']:.4g}"]
                if dose is not None:
                    at = e["at_dose"]
                    row += [f"{at['mean_hits']:.4g}", f"{at['fraction_not_hit']:.3g}", *(f"{z:.3g}" for z in at["z_Gy_percentiles"].values())]
                rows.append(row)
        print_table(columns, rows, "Alpha particles that cross the target, and specific energy of single hits")
    for sentence in found["assumptions"]:
        typer.echo(sentence)


def _show_s(s: dict[str, Any], found: dict[str, Any], title: str) -> None:
    radiations, models = found["radiations"], s["S_by_electron_model"]
    other = next(m for m in models if m != found["electrons"])
    columns = ["pair", *radiations, "all"] + ([] if "electron" not in radiations else [f"with electrons '{other}'", "difference"])
    rows = []
    for pair, parts in s["by_radiation"].items():
        if parts is not None:
            total, second = s["S_Gy_per_Bq_s"][pair], models[other][pair]
            row = [pair, *(f"{parts[r]:.4g}" for r in radiations), f"{total:.4g}"]
            rows.append(row + ([] if "electron" not in radiations else [f"{second:.4g}", f"{second / total - 1:+.1%}" if total > 0 else "-"]))
    print_table(columns, rows, title + ("; the difference of the two models of electrons is the uncertainty of the model" if "electron" in radiations else ""))


def range_command(
    nuclide: Annotated[str | None, typer.Argument(help="Nuclide, in any common spelling; or give --alpha or --electron.")] = None,
    alpha: Annotated[str | None, typer.Option(help='Energy of an alpha particle, such as "5.8 MeV".')] = None,
    electron: Annotated[str | None, typer.Option(help='Energy of an electron, such as "0.5 MeV".')] = None,
    density: Annotated[str, typer.Option(help="Density of the tissue; ranges of water are scaled by it.")] = "1 g/mL",
    json: Json = False,
) -> None:
    """Range in water (soft tissue): of an alpha particle, of an electron, or of what a nuclide and its chain emit."""
    from ..core import BadInput, parse

    given = [x for x in (nuclide, alpha, electron) if x is not None]
    if len(given) != 1:
        raise BadInput(f"range: {len(given)} of NUCLIDE, --alpha and --electron were given; give exactly one.")
    density_g_mL = parse(density, "g/mL", "--density", positive=True, within=("0.001 g/mL", "25 g/mL"))
    medium = {"medium": "water (as soft tissue)", "density_g_mL": density_g_mL}
    if nuclide is not None:
        _nuclide_ranges(nuclide, medium, json)
        return
    from ..transport.alphas import alpha_range_um
    from ..transport.ranges import electron_range_um

    particle, text, highest, law = ("alpha", alpha, "20 MeV", alpha_range_um) if alpha is not None else ("electron", electron, "10 MeV", electron_range_um)
    energy_MeV = parse(text, "MeV", f"--{particle}", positive=True, within=("1 eV", highest))
    range_um = float(law(energy_MeV)) / density_g_mL
    if json:
        print_json({"particle": particle, "energy_MeV": energy_MeV, "csda_range_um": range_um, **medium, "source": "NIST SRD 124, doi 10.18434/T4NC7P"})
        return
    typer.echo(f"{particle} of {energy_MeV:g} MeV: range {_length(range_um)} in water of {density_g_mL:g} g/mL (continuous slowing down, NIST SRD 124)")


def _nuclide_ranges(name: str, medium: dict[str, Any], json: bool) -> None:
    from ..transport.ranges import chain_radii_um, nuclide_ranges

    density = medium["density_g_mL"]
    members = _scaled(nuclide_ranges(name), density)
    radii = _scaled(chain_radii_um(name), density)
    if json:
        print_json({"nuclide": members[0]["nuclide"], **medium, "members": members, "chain": radii})
        return
    typer.echo(f"Ranges in water of {density:g} g/mL, as soft tissue (paths in continuous slowing down, NIST SRD 124)")
    rows = []
    for m in members:
        for radiation, label, energy, reach in (
            ("alpha", "alpha, mean", "mean_energy_MeV", "mean_range_um"),
            ("beta", "beta, mean", "mean_energy_MeV", "mean_range_um"),
            ("beta", "beta, maximum", "maximum_energy_MeV", "maximum_range_um"),
        ):  # fmt: skip
            if radiation in m:
                rows.append([m["nuclide"], f"{m['decays_per_parent']:.4g}", label, f"{m[radiation][energy]:.4g}", _length(m[radiation][reach])])
        if "alpha" in m and len(m["alpha"]["lines"]) > 1:
            lines = [line for line in m["alpha"]["lines"] if line["per_decay"] >= 0.01]
            rows += [[m["nuclide"], f"{line['per_decay'] * m['decays_per_parent']:.4g}", "alpha line", f"{line['energy_MeV']:.4g}", _length(line["range_um"])] for line in lines]
    if rows:
        print_table(["nuclide", "per decay", "particle", "MeV", "range"], rows)
    kernels = [[m["nuclide"], r, _length(m["R50_um"][r]), _length(m["R90_um"][r])] for m in members for r in m.get("R50_um", {})]
    kernels += [["whole chain", r, _length(v["R50_um"]), _length(v["R90_um"])] for r, v in radii.items() if len(members) > 1]
    print_table(["nuclide", "radiation", "R50", "R90"], kernels, "Radii about a point that hold 50 % and 90 % of the energy deposited (electrons: betas, conversion, Auger)")
    for m in members:
        for s in m["stated"]:
            typer.echo(f"Stated in reviews: {m['nuclide']} {s['particle']} {s['text']} ({s['source']})")


def _scaled(value: Any, density: float) -> Any:
    """Lengths (keys that end in _um, and what lies under them) over the density."""

    def walk(x: Any, length: bool) -> Any:
        if isinstance(x, dict):
            return {k: walk(v, length or k.endswith("_um")) for k, v in x.items()}
        if isinstance(x, list):
            return [walk(v, length) for v in x]
        return x / density if length and isinstance(x, float) else x

    return walk(value, False)


def _length(um: float) -> str:
    if um >= 1000:
        return f"{um / 1000:.3g} mm"
    return f"{um:.3g} um" if um >= 1 else f"{um * 1000:.3g} nm"
