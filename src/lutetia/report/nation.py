"""The report of a nation's supply: one self-contained page with maps (coasts only) and tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..core import show, write_atomic
from .figures import drawing, svg
from .formatting import NONE, percent, significant, span
from .html import inline, template
from .maps import coast_map, mark
from .style import BLUE, GREY, INK, MUTED, VERMILLION

_WORDS = {
    "isotope": "isotope", "cells": "batches of hot labs", "flights": "flights", "beds": "beds", "chairs": "chairs", "demand": "patients who need it",
    "reach": "reach: the rest live where no dose arrives in time",
}  # fmt: skip


def write_nation_report(path: Path, result: dict[str, Any]) -> None:
    """Write the page of a ``lutetia-nation-result/1`` result, atomically."""
    net = result["network"]
    context = {
        "version": result["version"], "title": result["title"] or "A nation's supply", "facts": _facts(result), "warnings": result["warnings"],
        "outputs": [_output(o) for o in result["outputs"]], "net": None if net is None else _net(net),
        "locations": [_location(x) for x in result["locations"]], "assumptions": result["assumptions"], "provenance": result["provenance"], "seed": result["seed"],
    }  # fmt: skip
    write_atomic(Path(path), template("nation.html.j2").render(context))


def _facts(result: dict[str, Any]) -> list[tuple[str, str]]:
    net = result["network"]
    if net is None:
        return [("Outputs", str(len(result["outputs"]))), ("Locations", str(len(result["locations"])))]
    return [
        ("Patients treated in a year", significant(net["patients"])), ("Who need treatment", significant(net["needing"])), ("Share", percent(net["share_treated"])),
        ("Doses", significant(net["doses"])), ("Limited by", _WORDS[net["limited_by"]].partition(":")[0]),
    ]  # fmt: skip


def _output(o: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": o["name"], "nuclide": o["nuclide"], "annual": show(o["annual_Bq"], "Bq"), "doses": span(o["doses"], o["doses_5_95"]), "patients": span(o["patients"], o["patients_5_95"]),
        "per_dose": NONE if o["made_per_dose_Bq"] is None else show(o["made_per_dose_Bq"], "Bq"), "steps": [(x["step"], show(x["left_Bq"], "Bq")) for x in o["left"]],
        "from_": ", ".join(f"{x['factor']} {percent(x['share'])}" for x in o["variance_share"]),
        "published": None if o["published_doses"] is None else f"{significant(o['published_doses'])} doses published; this chain gives {significant(o['ratio_to_published'])} times that ({o['source'] or 'no source given'})",
    }  # fmt: skip


def _net(net: dict[str, Any]) -> dict[str, Any]:
    opened = [x for x in net["labs"] if x["opened"]]
    return {
        "limited_by": _WORDS[net["limited_by"]], "patients": significant(net["patients"]), "needing": significant(net["needing"]), "map": inline(network_svg(net), "svg+xml"), "by_air": significant(net["doses_by_air"]),
        "binding": [
            {"name": _WORDS[b["resource"]], "alone": "no limit" if b["alone"] is None else significant(b["alone"]), "lifted": "no limit" if b["lifted"] is None else significant(b["lifted"]),
             "ten": significant(max(0.0, b["ten_percent"])) if b["ten_percent"] > 1e-6 * max(net["patients"], 1.0) else "0", "turns": NONE if b["turns_at"] is None else f"{significant(b['turns_at'])} ×"}
            for b in net["binding"]
        ],
        "units": [{"name": _WORDS[u["resource"]], "where": u["where"] or NONE, "step": u["step"], "gain": significant(u["gain"])} for u in net["units"]],
        "alike": {"patients": significant(net["share_alike"]["patients"]), "least": percent(net["share_alike"]["least_share"]), "most": percent(net["share_alike"]["least_share_of_most"])},
        "products": [{"name": p["name"], "needing": significant(p["needing"]), "patients": significant(p["patients"]), "doses": significant(p["doses"]), "reach": significant(p["within_reach"])} for p in net["products"]],
        "sources": [{"name": s["name"], "nuclide": s["nuclide"], "annual": show(s["annual_Bq"], "Bq"), "used": percent(s["used"]), "worth": significant(s["worth_of_a_tenth"])} for s in net["sources"]],
        "labs": [
            {"number": n, "name": x["name"], "new": x["candidate"], "used": significant(x["batches_used"]), "batches": significant(x["batches"]), "doses": significant(x["doses"]), "worth": significant(x["worth_of_a_batch"])}
            for n, x in enumerate(opened, 1)
        ],
        "cities": [
            {"name": c["name"], "needing": significant(c["needing"]), "treated": significant(c["treated"]), "share": percent(c["treated"] / c["needing"]) if c["needing"] else NONE,
             "road": significant(c["doses_by_road"]), "air": significant(c["doses_by_air"])}
            for c in sorted(net["cities"], key=lambda c: -c["needing"])[:25]
        ],
        "all_cities": len(net["cities"]),
        "variants": [{"name": v["name"], "patients": significant(v["patients"]), "by": _WORDS[v["limited_by"]]} for v in net["variants"]],
    }  # fmt: skip


def _location(x: dict[str, Any]) -> dict[str, Any]:
    def served(value: float) -> str:
        return f"{significant(value, 4)} h" if x["serve"] == "hours" else percent(value, 4)

    def reached(a: dict[str, Any]) -> list[str]:
        return [percent(w["share"]) for w in a["within"]] + [_hours(a["median_h"]), _hours(a["p95_h"]), f"{a['worst']['name']}, {_hours(a['worst']['hours'])}"]

    rows = [("standing", reached(x["access_before"]))] if x["access_before"] is not None else []
    return {
        "name": x["name"], "unit": x["unit"], "within": f"{x['within_h']:g} h", "nuclide": x["nuclide"], "candidates": x["candidates"], "before": served(x["served_before"]), "standing": x["standing"],
        "choices": [{"sites": ", ".join(c["sites"]), "served": served(c["served"])} for c in (x, *x["runners_up"])],
        "proved": x["no_choice_above"] <= x["served"] * (1 + 1e-6), "above": served(x["no_choice_above"]),
        "columns": [f"within {w['hours']:g} h" for w in x["access"]["within"]] + ["median", "95 % of people", "farthest"], "access": [*rows, ("with the choice", reached(x["access"]))],
        "sites": [{"number": n, "name": p["name"], "standing": p["standing"]} for n, p in enumerate(x["places"], 1)], "map": inline(location_svg(x), "svg+xml"),
    }  # fmt: skip


def _hours(value: float | None) -> str:
    return "no way" if value is None else f"{significant(value)} h"


def network_svg(net: dict[str, Any]) -> bytes:
    """Cities by need and share treated, labs by number, sources, and the ways that carry doses."""
    cities, opened = net["cities"], [x for x in net["labs"] if x["opened"]]
    with drawing():
        fig, ax, x_of = coast_map([*cities, *opened, *net["sources"]])
        at = {("lab", x["name"]): (x_of(x["longitude"]), x["latitude"]) for x in opened} | {("city", c["name"]): (x_of(c["longitude"]), c["latitude"]) for c in cities}
        most = max((w["doses"] for w in net["ways"]), default=1.0)
        for w in net["ways"]:
            (x0, y0), (x1, y1) = at["lab", w["lab"]], at["city", w["city"]]
            ax.plot([x0, x1], [y0, y1], color=MUTED, lw=0.3 + 2.2 * w["doses"] / most, ls="-" if w["by"] == "road" else (0, (3, 2)), zorder=2)
        need = np.array([c["needing"] for c in cities])
        share = np.array([c["treated"] / c["needing"] if c["needing"] else 0.0 for c in cities])
        dots = ax.scatter([x_of(c["longitude"]) for c in cities], [c["latitude"] for c in cities], s=6 + 110 * need / max(need.max(), 1e-9), c=100 * share, cmap="cividis", vmin=0, vmax=max(100 * share.max(), 1e-9), edgecolors="white", linewidths=0.4, zorder=3)
        fig.colorbar(dots, ax=ax, shrink=0.55, pad=0.01, label="Share of patients treated / %")
        for n, x in enumerate(opened, 1):
            mark(ax, at["lab", x["name"]], "s", VERMILLION if x["candidate"] else BLUE, str(n))
        for s in net["sources"]:
            mark(ax, (x_of(s["longitude"]), s["latitude"]), "^", INK, "")
        return svg(fig)


def location_svg(x: dict[str, Any]) -> bytes:
    """Cities by population and hours to the nearest site, sites by number."""
    cities = x["cities"]
    with drawing():
        fig, ax, x_of = coast_map([*cities, *x["places"]])
        people = np.array([c["population"] for c in cities])
        known = np.array([c["hours"] is not None for c in cities])
        hours = np.array([c["hours"] if c["hours"] is not None else 0.0 for c in cities])
        lon, lat = np.array([x_of(c["longitude"]) for c in cities]), np.array([c["latitude"] for c in cities])
        size = 6 + 110 * people / max(people.max(), 1e-9)
        ax.scatter(lon[~known], lat[~known], s=size[~known], c=GREY, marker="x", zorder=3)
        dots = ax.scatter(lon[known], lat[known], s=size[known], c=hours[known], cmap="cividis_r", vmin=0, vmax=x["within_h"], edgecolors="white", linewidths=0.4, zorder=3)
        fig.colorbar(dots, ax=ax, shrink=0.55, pad=0.01, extend="max", label="Hours to the nearest site")
        for n, p in enumerate(x["places"], 1):
            mark(ax, (x_of(p["longitude"]), p["latitude"]), "s", BLUE if p["standing"] else VERMILLION, str(n))
        return svg(fig)
