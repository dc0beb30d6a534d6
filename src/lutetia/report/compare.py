"""The report of a comparison of nuclides: one self-contained page for a tumour board."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..chain.sweeps import turn_text
from ..core import show, write_atomic
from .compare_figures import doses_svg, fractions_svg, histograms_svg, sizes_svg
from .crossfire import nuclide_colors
from .formatting import NONE, hours, rounded, significant
from .html import inline, template
from .style import RADIATION_COLORS

_SHOWN_UM = (100.0, 1000.0, 10_000.0)


def write_compare_report(path: Path, result: dict[str, Any]) -> None:
    """Write the page of a ``lutetia-compare/1`` result, atomically."""
    records, micro = result["nuclides"], result["micrometastases"]
    colors = nuclide_colors([r["nuclide"] for r in records])
    diameters = sorted({r["diameter_um"] for r in micro["rows"]})
    three = list(dict.fromkeys(min(diameters, key=lambda d: abs(d - wanted)) for wanted in _SHOWN_UM))
    shown = [n for n in dict.fromkeys([result["target"], result["organ"]]) if n is not None]
    histograms = histograms_svg(records, shown)
    context = {
        "version": result["version"], "title": result["case"]["title"] or result["case"]["id"], "case": result["case"],
        "facts": _facts(result), "warnings": result["warnings"], "colors": colors, "radiations": list(RADIATION_COLORS.items()),
        "activities": [_activity(result, r, colors) for r in records],
        "regions": _regions(records, colors),
        "doses": inline(doses_svg(records), "svg+xml"),
        "histograms": None if histograms is None else {"image": inline(histograms, "svg+xml"), "regions": shown},
        "chains": [c for r in records if (c := _chain(r)) is not None], "progeny": next(a for a in result["assumptions"] if "progeny" in a or "parents alone" in a),
        "bed": _bed(records), "rbe": result["rbe"], "rbe_low": significant(result["rbe"]["range"][0]), "rbe_high": significant(result["rbe"]["range"][1]),
        "control": inline(sizes_svg(micro, "tcp", (1.0,)), "svg+xml"),
        "sizes": inline(sizes_svg(micro, "surviving_fraction", (1.0, 0.5)), "svg+xml"),
        "fractions": inline(fractions_svg(micro, three), "svg+xml"),
        "survivors": _survivors(micro, three, list(colors)),
        "crossovers": [_crossover(c) for c in micro["crossover_ranges"]],
        "micro": micro, "cycles": result["cycles"], "target": result["target"],
        "per_cell": [(n, significant(v)) for n, v in micro["decays_per_cell"].items()],
        "assumptions": result["assumptions"] + micro["assumptions"], "provenance": result["provenance"],
    }  # fmt: skip
    write_atomic(Path(path), template("compare.html.j2").render(context))


def _facts(result: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("Case's nuclide", result["case"]["nuclide"]), ("Ligand", result["case"]["agent"] or "not stated"), ("Activities by", result["match"]),
        ("Limiting organ", result["organ"] or "none"), ("Target", result["target"]), ("Engine", result["engine"]),
    ]  # fmt: skip


def _activity(result: dict[str, Any], record: dict[str, Any], colors: dict[str, str]) -> dict[str, str]:
    by_name = {r["region"]: r for r in record["regions"]}
    target, organ = by_name[result["target"]], by_name.get(result["organ"] or "")
    return {
        "nuclide": record["nuclide"], "color": colors[record["nuclide"]], "activity": show(record["administered_Bq"], "Bq"),
        "target": significant(target["dose_Gy"]), "organ": NONE if organ is None else significant(organ["dose_Gy"]),
        "ratio": NONE if organ is None or not organ["dose_Gy"] else significant(target["dose_Gy"] / organ["dose_Gy"]),
        "half_life": hours(target["effective_half_life_s"]),
    }  # fmt: skip


def _regions(records: list[dict[str, Any]], colors: dict[str, str]) -> list[dict[str, Any]]:
    out = []
    for n, first in enumerate(records[0]["regions"]):
        rows = []
        for record in records:
            r = record["regions"][n]
            d = r["dose_by_radiation_Gy"]
            rows.append({
                "nuclide": record["nuclide"], "color": colors[record["nuclide"]], "dose": rounded(r["dose_Gy"], r["dose_u_Gy"]),
                "cells": [significant(d[x]) if d[x] else NONE for x in ("alpha", "electron", "photon")],
                "weighted": NONE if r["weighted"] is None else significant(r["weighted"]["Sv_RBE"]),
            })  # fmt: skip
        out.append({"number": n + 1, "region": first["region"], "rows": rows})
    return out


def _chain(record: dict[str, Any]) -> dict[str, Any] | None:
    names = list(record["regions"][0]["dose_by_nuclide_Gy"])
    if len(names) < 2:
        return None
    rows = [{"region": r["region"], "cells": [significant(sum(r["dose_by_nuclide_Gy"][n].values())) for n in names]} for r in record["regions"]]
    return {"nuclide": record["nuclide"], "names": names, "rows": rows}


def _bed(records: list[dict[str, Any]]) -> dict[str, Any]:
    """Regions with published parameters in rows; the others by name, so that nobody takes silence for zero."""
    rows, without, parameters = [], {}, {}
    for n, first in enumerate(records[0]["regions"]):
        for record in records:
            b = record["regions"][n]["bed"]
            if b["low_LET_Gy"] is None:
                without[first["region"]] = b["note"]
                continue
            with_alpha = b["with_alpha_Gy"] or {}
            rows.append({
                "region": first["region"], "nuclide": record["nuclide"], "alpha": significant(record["regions"][n]["dose_by_radiation_Gy"]["alpha"]) if with_alpha else NONE,
                "low": significant(b["low_LET_Gy"]), "G": significant(b["lea_catcheside_g"]),
                "range": [significant(with_alpha[k]["bed_Gy"]) if with_alpha else NONE for k in ("low", "convention", "high")],
            })  # fmt: skip
            parameters[b["parameters"]] = None
    missing = [region for region, note in without.items() if note.startswith("no published")]
    other = [f"{region}: {note}" for region, note in without.items() if region not in missing]
    return {"rows": rows, "without": ([f"No published parameters for {', '.join(missing)}"] if missing else []) + other, "parameters": list(parameters)}


def _survivors(micro: dict[str, Any], diameters: list[float], names: list[str]) -> list[dict[str, Any]]:
    at = {(r["nuclide"], r["positive_fraction"], r["diameter_um"]): r for r in micro["rows"]}
    out = []
    for k in micro["rankings"]:
        if k["diameter_um"] in diameters:
            rows = [at[n, k["positive_fraction"], k["diameter_um"]] for n in names]
            out.append({
                "positive": f"{100 * k['positive_fraction']:.0f}", "diameter": significant(k["diameter_um"] / 1000, 2), "cells": significant(rows[0]["cells"]),
                "survivors": [significant(r["expected_survivors"]) for r in rows], "best": k["order"][0],
            })  # fmt: skip
    return out


def _crossover(c: dict[str, Any]) -> dict[str, Any]:
    cells = [turn_text(v).replace(" um", " µm") for v in c["variants"]]
    return {"positive": f"{100 * c['positive_fraction']:.0f}", "pair": " or ".join(c["pair"]), "cells": cells}
