"""Figures of a comparison of nuclides, as SVG: doses by radiation, histograms, survivors by size and by positive fraction."""

from __future__ import annotations

from typing import Any

import numpy as np

from .crossfire import nuclide_colors
from .figures import drawing, svg
from .style import DASHES, MUTED, RADIATION_COLORS

_LOWEST = 1e-9


def doses_svg(records: list[dict[str, Any]]) -> bytes:
    """Absorbed dose of each region with each nuclide, bars split by radiation; names stand in the table beside it."""
    regions = [r["region"] for r in records[0]["regions"]]
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(7.2, 0.45 + 0.155 * len(regions) * (len(records) + 0.8)), layout="constrained")
        ax = fig.add_subplot()
        y, ticks, labels = 0.0, [], []
        for n in range(len(regions)):
            for record in records:
                left = 0.0
                for radiation in ("alpha", "electron", "photon"):
                    dose = record["regions"][n]["dose_by_radiation_Gy"][radiation]
                    ax.barh(y, dose, left=left, height=0.82, color=RADIATION_COLORS[radiation])
                    left += dose
                ticks.append(y)
                labels.append(f"{n + 1}  {record['nuclide']}")
                y += 1.0
            y += 0.8
        ax.set_yticks(ticks, labels, fontsize=6.5)
        ax.set_ylim(y - 0.8, -0.7)
        ax.set_xlabel("Absorbed dose / Gy, unweighted")
        ax.grid(axis="x")
        return svg(fig)


def histograms_svg(records: list[dict[str, Any]], regions: list[str]) -> bytes | None:
    """Dose-volume histograms of a few regions, one panel each, a line for each nuclide."""
    colors = nuclide_colors([r["nuclide"] for r in records])
    shown = [g for g in regions if any(r["region"] == g and r["dvh"] for r in records[0]["regions"])]
    if not shown:
        return None
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(3.5 * len(shown), 2.3), layout="constrained")
        for ax, g in zip(fig.subplots(1, len(shown), squeeze=False)[0], shown):
            for record in records:
                curve = next(r["dvh"]["curve"] for r in record["regions"] if r["region"] == g)
                ax.plot(curve["dose_Gy"], 100 * np.asarray(curve["volume_fraction"]), color=colors[record["nuclide"]], lw=1.3, label=record["nuclide"])
            ax.set_xlim(left=0)
            ax.set_ylim(0, 102)
            ax.set_xlabel("Absorbed dose / Gy, unweighted")
            ax.set_ylabel("Volume / %")
            ax.grid(axis="y")
        fig.axes[0].legend(frameon=False, fontsize=7)
        return svg(fig)


def sizes_svg(micro: dict[str, Any], quantity: str, fractions: tuple[float, ...]) -> bytes:
    """`surviving_fraction` or `tcp` of micrometastases against their diameter; a line pattern for each positive fraction."""
    colors = nuclide_colors(list(micro["decays_per_cell"]))
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(3.5, 2.5), layout="constrained")
        ax = fig.add_subplot()
        for (line, _), f in zip(DASHES, fractions):
            for n, color in colors.items():
                points = [(r["diameter_um"] / 1000, r[quantity]) for r in micro["rows"] if r["nuclide"] == n and r["positive_fraction"] == f]
                x, y = np.array(sorted(points)).T
                label = f"{n}, {100 * f:.0f} %" if len(fractions) > 1 else n
                ax.plot(x, y if quantity == "tcp" else np.maximum(y, _LOWEST), color=color, lw=1.3, ls=line, label=label)
        ax.set_xscale("log")
        if quantity == "tcp":
            ax.set_ylim(-0.02, 1.02)
        else:
            ax.set_yscale("log")
        ax.set_xlabel("Diameter / mm")
        ax.set_ylabel("Probability of control" if quantity == "tcp" else "Surviving fraction")
        ax.grid(axis="y", color=MUTED, alpha=0.3)
        ax.legend(frameon=False, fontsize=6.5)
        return svg(fig)


def fractions_svg(micro: dict[str, Any], diameters_um: list[float]) -> bytes:
    """Surviving fraction against the positive fraction, one panel for each diameter."""
    colors = nuclide_colors(list(micro["decays_per_cell"]))
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(2.4 * len(diameters_um), 2.3), layout="constrained")
        for ax, d in zip(fig.subplots(1, len(diameters_um), sharey=True, squeeze=False)[0], diameters_um):
            for n, color in colors.items():
                points = [(100 * r["positive_fraction"], max(r["surviving_fraction"], _LOWEST)) for r in micro["rows"] if r["nuclide"] == n and r["diameter_um"] == d]
                ax.plot(*np.array(sorted(points)).T, color=color, lw=1.3, marker="o", ms=2.5, label=n)
            ax.set_yscale("log")
            ax.set_title(f"{d / 1000:.2g} mm", fontsize=8)
            ax.set_xlabel("Positive cells / %")
            ax.grid(axis="y")
        fig.axes[0].set_ylabel("Surviving fraction")
        fig.axes[0].legend(frameon=False, fontsize=6.5)
        return svg(fig)
