"""The report of a forecast of therapy: one self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core import show, write_atomic
from .figures import drawing, svg
from .formatting import NONE, band, span
from .html import inline, template
from .style import BLUE, GREY, INK


def write_predict_report(path: Path, result: dict[str, Any]) -> None:
    """Write the page of a ``lutetia-forecast/1`` result, atomically."""
    fit = result["fit"]
    context = {
        "version": result["version"], "title": result["case"]["title"] or result["case"]["id"], "case": result["case"], "agent": result["agent"],
        "facts": [
            ("Scan with", result["case"]["agent"]), ("Therapy with", result["agent"]), ("Activity", NONE if result["activity_Bq"] is None else show(result["activity_Bq"], "Bq")),
            ("Ligand", f"{result['ligand_nmol']:.4g} nmol"), ("Parameter set", result["kinetics"]["therapy"]), ("Values fitted", str(fit["values"])),
        ],
        "warnings": result["warnings"], "note": result["kinetics"]["note"], "figure": inline(_bands_svg(result["regions"]), "svg+xml"),
        "regions": [
            {"region": r["region"], "seen": ", ".join(r["seen_as"]) or "not seen", **{k: band(r, k) for k in ("dose_Gy_per_GBq", "dose_Gy", "population_dose_Gy_per_GBq")}}
            for r in result["regions"]
        ],
        "parameters": [
            {"name": p["name"], "factor": span(p["factor"], p["factor_5_95"]), "prior": span(1.0, p["prior_5_95"]), "told": f"{100 * p['variance_explained']:.0f} %"}
            for p in result["parameters"]
        ],
        "cycles": [
            {"cycle": c["cycle"], "case": c["case"], "rows": [
                {"region": d["region"], "foretold": band(d, "forecast_dose_Gy_per_GBq"), "found": band(d, "dose_Gy_per_GBq"), "error": f"{100 * d['error']:+.0f} %"} for d in c["doses"]
            ]}
            for c in result["cycles"]
        ],
        "assumptions": result["assumptions"], "provenance": result["provenance"],
    }  # fmt: skip
    write_atomic(Path(path), template("predict.html.j2").render(context))


def _bands_svg(regions: list[dict[str, Any]]) -> bytes:
    """Median and 90 % band of each region's dose per activity, above that of the population."""
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(7.2, 0.7 + 0.32 * len(regions)), layout="constrained")
        ax = fig.add_subplot()
        for n, r in enumerate(regions):
            for key, y, color in (("dose_Gy_per_GBq", n - 0.14, BLUE), ("population_dose_Gy_per_GBq", n + 0.14, GREY)):
                ax.plot(r[f"{key}_5_95"], [y, y], color=color, lw=2.2)
                ax.plot(r[key], y, "o", ms=4, color=color, mec=INK, mew=0.4)
        ax.set_yticks(range(len(regions)), [r["region"] for r in regions])
        ax.set_ylim(len(regions) - 0.5, -0.5)
        ax.set_xscale("log")
        ax.set_xlabel("Self-dose per activity / (Gy/GBq), unweighted: this patient (blue), population (grey)")
        ax.grid(axis="x")
        return svg(fig)
