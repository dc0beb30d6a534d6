"""The figure of a sweep: what survives against the diameter of a cluster, one panel for each positive fraction."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

from .figures import drawing
from .style import BLUE, GREEN, INK, MUTED, ORANGE, PURPLE, SKY, VERMILLION

#: Alphas in red, betas in cooler colours; what is not named takes the next of the cycle.
_COLORS = {"Lu-177": BLUE, "Ac-225": VERMILLION, "Y-90": GREEN, "Tb-161": PURPLE, "Pb-212": ORANGE, "I-131": SKY}
_CYCLE = (INK, MUTED, ORANGE, SKY, GREEN, PURPLE)
_LOWEST = 1e-12


def nuclide_colors(names: list[str]) -> dict[str, str]:
    """A colour for each nuclide, always the same for the common ones."""
    spare = iter(c for c in _CYCLE * 4)
    return {n: _COLORS.get(n) or next(spare) for n in names}


def crossfire_image(sweep: dict[str, Any], kind: str = "png") -> bytes:
    """Surviving fraction of a cluster's cells against its diameter.

    Parameters
    ----------
    sweep : dict
        ``sweep`` of a cluster's result.
    kind : str
        ``"png"`` or ``"svg"``.
    """
    rows = sweep["rows"]
    names = list(dict.fromkeys(r["nuclide"] for r in rows))
    fractions = list(dict.fromkeys(r["positive_fraction"] for r in rows))
    colors = nuclide_colors(names)
    columns = min(3, len(fractions))
    lines = -(-len(fractions) // columns)
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(2.6 * columns + 0.3, 2.15 * lines + 0.3), layout="constrained")
        axes = fig.subplots(lines, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for ax, f in zip(axes, fractions):
            for n in names:
                points = sorted((r["diameter_um"], max(r["surviving_fraction"], _LOWEST)) for r in rows if r["nuclide"] == n and r["positive_fraction"] == f)
                ax.plot(*np.array(points).T, color=colors[n], lw=1.4, marker="o", ms=2.4, label=n)
            for c in sweep["crossovers"]:
                if c["positive_fraction"] == f:
                    ax.axvline(c["diameter_um"], color=MUTED, lw=0.6, ls=(0, (2, 2)))
            ax.set_xscale("log")
            ax.set_yscale("log")
            ax.set_title(f"{100 * f:.0f} % positive", fontsize=8, color=INK)
            ax.grid(axis="y")
        for ax in axes[len(fractions) :]:
            ax.set_visible(False)
        axes[0].legend(frameon=False, fontsize=7)
        fig.supxlabel("Diameter of the cluster / µm", fontsize=8)
        fig.supylabel("Surviving fraction", fontsize=8)
        out = io.BytesIO()
        fig.savefig(out, format=kind, dpi=160, metadata={"Software": None} if kind == "png" else {"Date": None})
        return out.getvalue()
