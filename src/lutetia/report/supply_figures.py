"""Figures of a supply: who does what when, and the way of the vials on a map of coasts."""

from __future__ import annotations

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from .figures import drawing, svg
from .maps import coast_map, mark
from .style import BLUE, GREEN, GREY, INK, MUTED, ORANGE, PURPLE, RULE, SKY, VERMILLION

_COLORS = (BLUE, GREEN, ORANGE, PURPLE, SKY, VERMILLION)
_MOST_ROWS = 60


def product_colors(result: dict[str, Any]) -> dict[str, str]:
    """A colour for each product."""
    names = sorted({b["product"] for b in result["batches"]})
    return {n: _COLORS[i % len(_COLORS)] for i, n in enumerate(names)}


def gantt_svg(result: dict[str, Any]) -> bytes:
    """Machines, cells, vehicles and hospitals against time, in the scenario's zone.

    Pale parts of a batch are quality control until release; ticks in hospitals are injections.
    """
    zone = ZoneInfo(result["zone"])
    colors = product_colors(result)
    product = {b["batch"]: b["product"] for b in result["batches"]}
    rows: dict[str, list[tuple[str, Any]]] = {}
    for x in result["lots"]:
        rows.setdefault(f"{x['machine']}", []).append(("bar", (x["start"], x["end"], GREY, 1.0)))
    for b in result["batches"]:
        name = f"{b['lab']}, {b['cell']}"
        rows.setdefault(name, []).append(("bar", (b["start"], b["end_of_synthesis"], colors[b["product"]], 1.0)))
        rows[name].append(("bar", (b["end_of_synthesis"], b["release"], colors[b["product"]], 0.35)))
    for t in result["tours"]:
        name = f"{t['depot']}, vehicle {t['vehicle']}"
        rows.setdefault(name, []).append(("bar", (t["depart"], t["return"], RULE, 1.0)))
        rows[name] += [("tick", (x["arrive"], INK)) for x in t["stops"]]
    ways = sorted({x["lane"] for x in result["deliveries"] if x["lane"]})
    if len(ways) <= 30:
        for x in result["deliveries"]:
            if x["lane"]:
                rows.setdefault(f"lane {x['lane']}", []).append(("bar", (x["depart"], x["arrive"], colors[product[x["batch"]]], 0.6)))
    hospitals = sorted({d["hospital"] for d in result["plan"]})
    for h in hospitals[: max(0, _MOST_ROWS - len(rows))]:
        rows[h] = [("tick", (d["injection"], colors[d["product"]])) for d in result["plan"] if d["hospital"] == h]
    with drawing():
        from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
        from matplotlib.figure import Figure
        from matplotlib.patches import Patch

        def x_of(text: str) -> float:
            return float(date2num(dt.datetime.fromisoformat(text)))

        fig = Figure(figsize=(7.6, 0.9 + 0.155 * max(len(rows), 3)), layout="constrained")
        ax = fig.add_subplot()
        for y, marks in enumerate(rows.values()):
            for kind, m in marks:
                if kind == "bar":
                    a, b = x_of(m[0]), x_of(m[1])
                    ax.barh(y, b - a, left=a, height=0.72, color=m[2], alpha=m[3], lw=0)
                    if b == a:
                        ax.plot([a], [y], marker="D", ms=3.4, color=m[2])
                else:
                    ax.plot([x_of(m[0])] * 2, [y - 0.34, y + 0.34], color=m[1], lw=1.1, solid_capstyle="butt")
        ax.set_yticks(range(len(rows)), [_short(n) for n in rows], fontsize=6)
        ax.set_ylim(len(rows) - 0.4, -0.6)
        locator = AutoDateLocator(tz=zone, minticks=5, maxticks=12)
        ax.xaxis.set_major_locator(locator)
        ax.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
        ax.grid(axis="x")
        handles = [Patch(color=c, label=_short(n)) for n, c in colors.items()] + [Patch(color=GREY, label="irradiation, elution")]
        if result["tours"]:
            handles.append(Patch(color=RULE, label="tour, with its stops"))
        fig.legend(handles=handles, loc="outside upper center", ncols=4, frameon=False, fontsize=7, handlelength=1.0)
        return svg(fig)


def _short(text: str, most: int = 34) -> str:
    """A name as matplotlib may draw it: no dollar signs, which it would read as mathematics."""
    text = text.replace("$", "S")
    return text if len(text) <= most else text[: most - 1] + "…"


def map_svg(result: dict[str, Any]) -> bytes:
    """Sites, shipments, lanes and tours; coasts only."""
    sites = {x["site"]: x for x in result["sites"]}
    served: dict[str, int] = {}
    for d in result["plan"]:
        served[d["hospital"]] = served.get(d["hospital"], 0) + 1
    lab = {b["batch"]: b["lab"] for b in result["batches"]}
    shown = [x for x in sites.values() if x["kind"] != "hospital" or x["asked"]]
    reserve = [x for x in sites.values() if x["kind"] == "hospital" and not x["asked"]]
    with drawing():
        fig, ax, x_of = coast_map(shown, least_degrees=0.05)
        at = {k: (float(x_of(v["longitude"])), v["latitude"]) for k, v in sites.items()}
        lot_site = {v["lot"]: v["site"] for v in result["lots"]}
        for v in result["shipments"]:
            ax.plot(*zip(at[lot_site[v["lot"]]], at[v["to"]]), color=VERMILLION, lw=1.2, zorder=2)
        for v in result["deliveries"]:
            if v["lane"]:
                ax.plot(*zip(at[lab[v["batch"]]], at[v["hospital"]]), color=BLUE, lw=0.5, alpha=0.7, zorder=2)
        hospital = {v["delivery"]: v["hospital"] for v in result["deliveries"]}
        for t in result["tours"]:
            ring = [at[t["depot"]], *(at[hospital[s["delivery"]]] for s in t["stops"]), at[t["depot"]]]
            ax.plot(*zip(*ring), color=_COLORS[t["vehicle"] % len(_COLORS)], lw=0.8, alpha=0.75, zorder=2)
        if reserve:
            ax.scatter(*zip(*(at[v["site"]] for v in reserve)), s=3, color=RULE, edgecolors=MUTED, linewidths=0.2, zorder=3)
        there = [v for v in shown if v["kind"] == "hospital"]
        lost = [v["asked"] - served.get(v["site"], 0) for v in there]
        ax.scatter(*zip(*(at[v["site"]] for v in there)), s=[8 + 5 * v["asked"] for v in there], c=[VERMILLION if n > 0 else "white" for n in lost], edgecolors=INK, linewidths=0.6, zorder=4)
        for kind, marker in (("lab", "s"), ("source", "^")):
            for v in shown:
                if v["kind"] == kind:
                    mark(ax, at[v["site"]], marker, INK, "")
        return svg(fig)
