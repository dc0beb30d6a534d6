"""A result as the texts and widths that the page's template lays out."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .formatting import (
    HOUR_S,
    NONE,
    THIN,
    given,
    hours,
    percent,
    rounded,
    significant,
    unit_for,
    usable,
    when,
)
from .reading import ENGINES, flattened, input_groups
from .style import BUDGET_COLORS, GREY, RADIATION_COLORS, Style


def page(result: dict[str, Any], styles: dict[str, Style]) -> dict[str, Any]:
    """Everything on the page but the figures."""
    regions = result["regions"]
    case = result["case"]
    return {
        "case": {"id": case.get("id") or NONE, "title": case.get("title") or case.get("id") or "Case"},
        "facts": _facts(result),
        "warnings": _warnings(result),
        "table": _dose_table(regions, styles),
        "radiation": _radiation(result, styles),
        "nuclides": _nuclides(result, styles),
        "bed": [_bed(r) for r in regions if r.get("bed")],
        "budget": _budget(regions),
        "scans": _scans(result["scans"]),
        "assumptions": list(result["assumptions"]),
        "monte_carlo": _monte_carlo(result),
        "provenance": _provenance(result),
        "files": sorted((result.get("files") or {}).items()),
        "version": result["version"],
    }


def _facts(result: dict[str, Any]) -> list[tuple[str, str]]:
    activity = result.get("administered_Bq")
    unit, size = unit_for([activity])
    return [
        ("Nuclide", result["nuclide"]),
        ("Agent", result["case"].get("agent") or NONE),
        ("Administered activity", f"{significant(activity / size, 4)} {unit}" if usable(activity) else NONE),
        ("Administered", when(result.get("administered_at"))),
        ("Dose engine", ENGINES.get(result["engine"], result["engine"])),
        ("Scans", str(len(result["scans"])) if result["scans"] else "none"),
    ]


def _warnings(result: dict[str, Any]) -> list[dict[str, str]]:
    """Those of the whole result first; a warning that comes again, or that several regions share, is said once."""
    whole = Counter(result["warnings"])
    own: dict[str, list[str]] = {}
    for r in result["regions"]:
        for text in r.get("warnings") or []:
            own.setdefault(text, []).append(r["region"])
    return [{"regions": "", "text": f"{text} ({n} times)" if n > 1 else text} for text, n in whole.items()] + [{"regions": ", ".join(names), "text": text} for text, names in own.items()]


def _dose_table(regions: list[dict[str, Any]], styles: dict[str, Style]) -> dict[str, Any]:
    per_h = 1.0 / HOUR_S
    unit, size = unit_for([r["tia_Bq_s"] * per_h for r in regions if usable(r.get("tia_Bq_s"))], "Bq·h")
    top = max((r["dose_Gy"] + (_number(r.get("dose_u_Gy"))) for r in regions if usable(r.get("dose_Gy"))), default=0.0)
    rows = []
    for r in regions:
        dose, u = r.get("dose_Gy"), r.get("dose_u_Gy")
        rows.append({
            "region": r["region"], "color": styles[r["region"]].color, "volume": significant(r.get("volume_mL")), "mass": significant(_times(r.get("mass_kg"), 1e3)),
            "tia": rounded(_times(r.get("tia_Bq_s"), per_h / size), _times(r.get("tia_u_Bq_s"), per_h / size)),
            "half_life": hours(r.get("effective_half_life_s")), "model": r.get("model") or NONE, "dose": rounded(dose, u),
            "bar": _bar(dose, u, top), "per_activity": significant(r.get("dose_per_activity_Gy_per_GBq")),
            "bed": significant(r["bed"].get("bed_Gy")) if r.get("bed") else NONE,
        })  # fmt: skip
    return {"unit": unit, "rows": rows, "has_bed": any(usable((r.get("bed") or {}).get("bed_Gy")) for r in regions)}


def _bar(dose: float | None, u: float | None, top: float) -> dict[str, str] | None:
    """Widths in percent: the bar, and the whisker from one standard uncertainty below to one above."""
    if not usable(dose) or dose < 0 or top <= 0:
        return None
    low, high = max(dose - _number(u), 0.0), dose + _number(u)
    return {"width": f"{100 * dose / top:.2f}", "low": f"{100 * low / top:.2f}", "span": f"{100 * (high - low) / top:.2f}" if high > low else ""}


def _radiation(result: dict[str, Any], styles: dict[str, Style]) -> dict[str, Any]:
    regions = result["regions"]
    by_region = (result.get("monte_carlo") or {}).get("relative_uncertainty_by_region") or {}
    rows = []
    for r in regions:
        split = r.get("dose_by_radiation_Gy") or {}
        rows.append({
            "region": r["region"], "color": styles[r["region"]].color, "cells": [significant(split.get(k)) for k in RADIATION_COLORS],
            "bar": _shares([(k, split.get(k), color) for k, color in RADIATION_COLORS.items()]),
            "self": significant(r.get("dose_self_Gy")), "cross": significant(r.get("dose_cross_Gy")),
            "map": significant(r.get("dose_map_mean_Gy")), "statistics": percent(by_region.get(r["region"])),
        })  # fmt: skip
    return {
        "rows": rows, "legend": list(RADIATION_COLORS.items()),
        "has_self": any(usable(r.get("dose_self_Gy")) or usable(r.get("dose_cross_Gy")) for r in regions),
        "has_map": any(usable(r.get("dose_map_mean_Gy")) for r in regions), "has_statistics": bool(by_region),
    }  # fmt: skip


def _nuclides(result: dict[str, Any], styles: dict[str, Style]) -> dict[str, Any]:
    """Dose by nuclide of the chain and the fate of progeny; empty where each region has one nuclide alone."""
    split = {r["region"]: r.get("dose_by_nuclide_Gy") or {} for r in result["regions"]}
    fate = result.get("progeny") or {}
    met = list(dict.fromkeys(n for by in split.values() for n in by))
    names = [*(n for n in fate.get("nuclides") or [] if n in met), *(n for n in met if n not in (fate.get("nuclides") or []))]
    if len(names) < 2:
        return {}
    energy = fate.get("energy_J") or {}
    released = energy.get("released")
    rows = [
        {"region": where, "color": styles[where].color, "cells": [significant(sum(d for d in by.get(n, {}).values() if usable(d)) if n in by else None) for n in names]}
        for where, by in split.items()
    ]  # fmt: skip
    words = (("deposited", "deposited"), ("escaped", "escaped from what is shown"), ("excreted", "excreted"), ("without_dose", "released in the body outside the regions, where no dose is given"))
    return {
        "names": names, "rows": rows, "preset": fate.get("preset") or "", "source": fate.get("source") or "", "note": fate.get("note") or "",
        "not_counted": ", ".join(fate.get("not_counted") or []),
        "energy": [(word, percent(energy[k] / released)) for k, word in words if usable(energy.get(k)) and energy[k]] if usable(released) and released > 0 else [],
    }  # fmt: skip


def _bed(r: dict[str, Any]) -> dict[str, str]:
    bed = r["bed"]
    return {
        "region": r["region"], "dose": significant(r.get("dose_Gy")), "bed": significant(bed.get("bed_Gy")), "alpha_beta": given(bed.get("alpha_beta_Gy")),
        "repair": given(_times(bed.get("repair_half_life_s"), 1.0 / HOUR_S)), "g": significant(bed.get("lea_catcheside_g")), "parameters": bed.get("parameters") or NONE, "note": bed.get("note") or "",
    }  # fmt: skip


def _budget(regions: list[dict[str, Any]]) -> dict[str, Any] | None:
    budgets = [(r, r.get("uncertainty_budget") or {}) for r in regions]
    met = {name for _, b in budgets for name in b.get("components") or {}}
    names = [n for n in BUDGET_COLORS if n in met] + sorted(met - set(BUDGET_COLORS))
    if not any(usable(v) for _, b in budgets for v in [b.get("relative"), *((p or {}).get("relative") for p in (b.get("components") or {}).values())]):
        return None
    rows, notes = [], {}
    for r, b in budgets:
        parts = {n: (b.get("components") or {}).get(n) or {} for n in names}
        if b.get("note"):
            notes.setdefault(str(b["note"]), []).append(r["region"])
        rows.append({
            "region": r["region"], "total": percent(b.get("relative")), "cells": [percent(parts[n].get("relative")) for n in names],
            "bar": _shares([(n, parts[n].get("share"), BUDGET_COLORS.get(n, GREY)) for n in names]),
        })  # fmt: skip
    shared_by_all = [n for n, where in notes.items() if len(where) == len(regions)]
    own = [(", ".join(where), n) for n, where in notes.items() if len(where) < len(regions)]
    return {"names": [(n, BUDGET_COLORS.get(n, GREY)) for n in names], "rows": rows, "notes": [("", n) for n in shared_by_all] + own}


def _shares(parts: list[tuple[str, float | None, str]]) -> list[dict[str, str]]:
    """Segments of a bar in percent of its width; parts that are missing or not above zero are left out."""
    kept = [(name, value, color) for name, value, color in parts if usable(value) and value > 0]
    total = sum(value for _, value, _ in kept)
    return [{"name": name, "width": f"{100 * value / total:.2f}", "color": color, "text": percent(value / total)} for name, value, color in kept]


def _scans(scans: list[dict[str, Any]]) -> dict[str, Any]:
    unit, size = unit_for([s.get("total_activity_Bq") for s in scans])
    rows = []
    for s in scans:
        scale, moved = s.get("scale") or {}, s.get("registration")
        rows.append({
            "index": s.get("index", NONE), "time": hours(s.get("time_s")), "acquired": when(s.get("acquired_at")), "modality": s.get("modality") or NONE,
            "total": significant(_times(s.get("total_activity_Bq"), 1 / size)), "tag": scale.get("tag") or NONE, "scale_unit": scale.get("unit") or "",
            "explanation": scale.get("explanation") or "", "decay": s.get("decay_correction") or NONE, "patient": s.get("patient") or NONE,
            "registration": _registration(moved) if moved else None,
        })  # fmt: skip
    return {"unit": unit, "rows": rows}


def _registration(moved: dict[str, Any]) -> dict[str, str]:
    shift, turn = (", ".join(f"{v:.1f}".replace("-", "−") for v in moved.get(k) or []) for k in ("translation_mm", "rotation_deg"))
    return {
        "shift": shift or NONE, "turn": turn or NONE, "before": significant(moved.get("correlation_before")),
        "after": significant(moved.get("correlation_after")), "text": moved.get("text") or "",
    }  # fmt: skip


def _monte_carlo(result: dict[str, Any]) -> dict[str, str] | None:
    run = result.get("monte_carlo")
    if not run:
        return None
    n = run.get("histories")
    worst = max((v for v in (run.get("relative_uncertainty_by_region") or {}).values() if usable(v)), default=None)
    return {"histories": f"{n:,}".replace(",", THIN) if usable(n) else NONE, "worst": percent(worst), "seed": str(result.get("seed", NONE))}


def _provenance(result: dict[str, Any]) -> dict[str, Any]:
    p = result["provenance"]
    groups = [
        {"title": title, "uid": uid or "", "files": [{"name": name, "sha256": digest} for name, digest in files]}
        for title, uid, files in input_groups(result)
    ]
    timing = [(k, f"{significant(v)} s") for k, v in (result.get("timing_s") or {}).items() if usable(v)]
    return {
        "inputs": groups, "tables": [{k: str(t.get(k) or NONE) for k in ("name", "title", "source", "sha256")} for t in p.get("tables") or []],
        "parameters": flattened(p["parameters"]) if p.get("parameters") else [],
        "run": [
            ("lutetia", p.get("version") or result["version"]), ("Python", p.get("python") or NONE), ("seed", str(result.get("seed", NONE))),
            ("case file, sha256", p.get("case_file_sha256") or NONE),
            *([("decay data", p["decay_data"])] if p.get("decay_data") else []),
        ],
        "packages": sorted((p.get("packages") or {}).items()), "timing": timing,
    }  # fmt: skip


def _number(value: float | None) -> float:
    return float(value) if usable(value) else 0.0


def _times(value: float | None, factor: float) -> float | None:
    return value * factor if usable(value) else None
