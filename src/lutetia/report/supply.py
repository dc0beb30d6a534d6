"""The report of a supply plan: one self-contained page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core import show, write_atomic
from .formatting import NONE, percent, significant
from .html import inline, template
from .supply_figures import gantt_svg, map_svg, product_colors

_MOST_LINES = 400


def write_supply_report(path: Path, result: dict[str, Any]) -> None:
    """Write the page of a ``lutetia-supply/1`` result, atomically."""
    money = f" {result['currency']}" if result["currency"] else ""
    again = result["replan"]
    facts = [
        ("Patients served", f"{result['served']} of {result['demanded']}"), ("Could be served besides", f"at most {percent(result['gap_served'])} by priority"),
        ("Cost", f"{significant(result['cost']['total'], 5)}{money}"), ("Above the least cost", NONE if result["gap_cost"] is None else f"at most {percent(result['gap_cost'])}"),
        ("Wasted", show(result["wasted_Bq"], "Bq")), ("Held back by", result["binding"][0]["resource"] if result["binding"] else "nothing: all are served" if result["served"] == result["demanded"] else "see the patients below"),
    ]  # fmt: skip
    context = {
        "version": result["version"], "title": result["title"], "facts": facts, "warnings": result["warnings"], "assumptions": result["assumptions"], "method": result["method"], "zone": result["zone"],
        "again": None if again is None else {**again, "moved": len(again["moved"]), "other_batch": len(again["other_batch"])},
        "gantt": inline(gantt_svg(result), "svg+xml"), "map": inline(map_svg(result), "svg+xml"), "colors": product_colors(result),
        "unserved": result["unserved"], "binding": [{"resource": b["resource"], "gained": f"{b['gained']:g}"} for b in result["binding"]],
        "costs": [(k, f"{significant(v, 5)}{money}") for k, v in result["cost"].items()],
        "ledger": [(n, *(show(t[k], "Bq") for k in ("made", "injected", "decayed", "residues", "waste"))) for n, t in result["ledger"]["totals_Bq"].items()], "closure": f"{result['ledger']['closure']:.1e}",
        "lots": [{**x, "activity": show(x["activity_Bq"], "Bq"), "share": percent(x["activity_Bq"] / x["largest_Bq"]), "start": _clock(x["start"]), "end": _clock(x["end"])} for x in result["lots"]],
        "batches": [_batch(result, b) for b in result["batches"]],
        "tours": [{**t, "depart": _clock(t["depart"]), "return_": _clock(t["return"]), "km": f"{t['km']:.0f}", "index": f"{t['transport_index']:.1f}", "stops": len(t["stops"])} for t in result["tours"]],
        "waybills": [
            {**w, "activity": show(w["activity_Bq"], "Bq"), "at": _clock(w["at"]), "mark": "*" if w["unverified"] else ""} for w in result["waybills"][:_MOST_LINES]
        ], "all_waybills": len(result["waybills"]), "edition": result["waybills"][0]["edition"] if result["waybills"] else "", "unverified": sorted({u for w in result["waybills"] for u in w["unverified"]}),
        "provenance": result["provenance"],
    }  # fmt: skip
    write_atomic(Path(path), template("supply.html.j2").render(context))


def _clock(text: str) -> str:
    """Date and minute, local."""
    return f"{text[5:10]} {text[11:16]}"


def _batch(result: dict[str, Any], b: dict[str, Any]) -> dict[str, Any]:
    doses = [d for d in result["plan"] if d["batch"] == b["batch"]]
    return {
        **b, "start": _clock(b["start"]), "eos": _clock(b["end_of_synthesis"]), "release": _clock(b["release"]), "expiry": _clock(b["expiry"]), "start_a": show(b["start_Bq"], "Bq"), "release_a": show(b["release_Bq"], "Bq"),
        "lots": ", ".join(f"{show(d['activity_Bq'], 'Bq')} of {d['lot']}" for d in b["draws"]),
        "vials": [{"patient": d["patient"], "hospital": d["hospital"], "dispense": show(d["release_Bq"], "Bq"), "injection": _clock(d["injection"]), "injected": show(d["injected_Bq"], "Bq")} for d in doses],
    }  # fmt: skip
