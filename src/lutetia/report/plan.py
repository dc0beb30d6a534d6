"""The report of a plan of cycles: one self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core import show, write_atomic
from .figures import drawing, svg
from .formatting import NONE, band
from .html import inline, template
from .style import BLUE, GREY, INK


def write_plan_report(path: Path, result: dict[str, Any]) -> None:
    """Write the page of a ``lutetia-plan/1`` result, atomically."""
    p = result["plan"]
    context = {
        "version": result["version"], "agent": result["agent"], "risk": f"{100 * result['risk']:.3g} %",
        "facts": [
            ("Overall tumour BED", f"{band(p, 'overall_bed_Gy')} Gy"), ("Held by", p["active"]), ("Ligand of each cycle", f"{p['ligand_nmol']:.4g} nmol"),
            ("Drawn from", f"{result['who']['kind']}, {result['who']['draws']} draws"), ("Parameter set", result["kinetics"]), ("Risk allowed", f"{100 * result['risk']:.3g} %"),
        ],
        "schedule": [{"cycle": n, "day": f"{c['day']:g}", "nuclide": c["nuclide"], "activity": show(c["activity_Bq"], "Bq")} for n, c in enumerate(p["schedule"], 1)],
        "constraints": [
            {"name": c["constraint"], "active": c["constraint"] == p["active"], "cap": NONE if c["cap_Bq"] is None else show(c["cap_Bq"], "Bq"),
             "above": NONE if c["probability_above"] is None else f"{100 * c['probability_above']:.1f} %", "reached": band(c, "reached_Gy")}
            for c in p["constraints"]
        ],
        "limits": [{**x, "kind": "BED" if x["quantity"] == "BED" else "absorbed dose"} for x in result["limits"]], "no_limit": result["no_limit"],
        "given": None if result["given"] is None else {
            "cycles": [{"nuclide": g["nuclide"], "activity": show(g["activity_Bq"], "Bq"), "ligand": f"{g['ligand_nmol']:.4g} nmol"} for g in result["given"]["cycles"]],
            "used": [{"region": x["region"], "used": band(x, "used_Gy")} for x in result["given"]["used"]],
        },
        "alphas": any(x["weighted_Sv_RBE"] is not None for x in p["regions"]), "rbe": result["rbe"],
        "regions": [{"region": x["region"], **{k: band(x, k) for k in ("absorbed_Gy", "alpha_Gy", "low_LET_Gy", "weighted_Sv_RBE", "bed_Gy")}} for x in p["regions"]],
        "options": [{"course": _course(o), "ligand": f"{o['ligand_nmol']:.4g}", "bed": band(o, "overall_bed_Gy"), "active": o["active"]} for o in result["options"][:10]], "tried": len(result["options"]),
        "baselines": [
            {"name": b["name"], "cycles": f"{b['cycles']:g}", "bed": band(b, "overall_bed_Gy"), "note": b["note"], "above": "; ".join(f"{k} {100 * v:.1f} %" for k, v in b["probability_above"].items())}
            for b in result["baselines"]
        ],
        "scans": [
            {"constraint": v["constraint"], "gain": f"{v['gain_Gy']:+.3g} ± {v['u_gain_Gy']:.2g} Gy", "without": show(v["activity_without_Bq"], "Bq"), "with_": show(v["activity_with_Bq"], "Bq")}
            for v in result["value_of_scan"]
        ],
        "figure": inline(_plans_svg(result), "svg+xml"), "warnings": result["warnings"], "assumptions": result["assumptions"], "who": result["who"], "provenance": result["provenance"],
    }  # fmt: skip
    write_atomic(Path(path), template("plan.html.j2").render(context))


def _course(p: dict[str, Any]) -> str:
    """One entry for cycles that are alike, else each in turn."""
    if p["activity_Bq"] is not None:
        return f"{p['cycles']} × {show(p['activity_Bq'], 'Bq')} {p['nuclide']}"
    return ", ".join(f"{show(c['activity_Bq'], 'Bq')} {c['nuclide']}" for c in p["schedule"])


def _plans_svg(result: dict[str, Any]) -> bytes:
    """Overall tumour BED of the best of each number of cycles and of what is usual, against the largest probability above any limit."""
    best = {}
    for o in result["options"]:
        best.setdefault(o["cycles"], o)
    rows = [(f"best of {n} cycle{'s' if n > 1 else ''}", o, [c["probability_above"] for c in o["constraints"] if c["probability_above"] is not None], BLUE) for n, o in sorted(best.items())]
    rows += [(b["name"], b, list(b["probability_above"].values()), GREY) for b in result["baselines"]]
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(7.2, 0.9 + 0.32 * len(rows)), layout="constrained")
        ax = fig.add_subplot()
        for y, (_, x, above, color) in enumerate(rows):
            ax.plot(x["overall_bed_Gy_5_95"], [y, y], color=color, lw=2.2)
            ax.plot(x["overall_bed_Gy"], y, "o", ms=5 if x["overall_bed_Gy"] == result["plan"]["overall_bed_Gy"] and color == BLUE else 4, color=color, mec=INK, mew=0.4)
            if above:
                ax.annotate(f"{100 * max(above):.1f} %", (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=7, annotation_clip=False)
        ax.set_yticks(range(len(rows)), [name for name, *_ in rows])
        ax.set_ylim(len(rows) - 0.5, -0.5)
        ax.set_xscale("log")
        ax.set_xlabel("Overall tumour BED / Gy, median and 5 to 95 %; at the right the largest probability above a limit")
        ax.grid(axis="x")
        return svg(fig)
