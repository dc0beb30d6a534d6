"""A dose explained as a tree of text: each number with the numbers, files and tables it came from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core import BadInput, near_matches
from .formatting import HOUR_S, THIN, given, hours, percent, plus_minus, significant, unit_for, usable, when
from .reading import ENGINES, flattened, input_groups, load_result

__all__ = ["explain", "load_result"]

_SHOWN = 12  # files of one series that are listed one by one


@dataclass(slots=True)
class _Node:
    text: str
    children: list[_Node] = field(default_factory=list)

    def add(self, text: str) -> _Node:
        self.children.append(_Node(text))
        return self.children[-1]


def explain(result: dict[str, Any], region: str | None = None) -> str:
    """Where a region's dose comes from, as a tree of plain text; without a region, the whole result's provenance.

    Uncertainties are standard uncertainties (k = 1).

    Parameters
    ----------
    result : dict
        As `load_result` returns it.
    region : str or None
        Name of a region (case does not matter where one name fits).

    Raises
    ------
    BadInput
        The result has no such region, or it was changed by hand into what no result is.
    """
    found = None if region is None else _find(result, region)
    try:
        return "\n".join(_lines(_overview(result) if found is None else _region(result, found))) + "\n"
    except (AttributeError, IndexError, KeyError, TypeError, ValueError):
        raise BadInput("The result is damaged: a part of it is not what lutetia writes there; run the case again to write a whole result.") from None


def _find(result: dict[str, Any], name: str) -> dict[str, Any]:
    for same in (lambda n: n == name, lambda n: n.casefold() == name.strip().casefold()):
        found = [r for r in result["regions"] if same(r["region"])]
        if found:
            return found[0]
    names = [r["region"] for r in result["regions"]]
    near = near_matches(name, names)
    shown = ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
    raise BadInput(f"The result has no region {name!r}; give one of its regions.{near or f' It has: {shown}.'}")


def _region(result: dict[str, Any], region: dict[str, Any]) -> _Node:
    u = region.get("dose_u_Gy")
    root = _Node(f"{region['region']}: mean absorbed dose {plus_minus(region.get('dose_Gy'), u, 'Gy')} (k = 1)")
    if usable(region.get("dose_per_activity_Gy_per_GBq")):
        root.add(f"{significant(region['dose_per_activity_Gy_per_GBq'])} Gy/GBq for {_administered(result)}")
    if region.get("warnings"):
        warned = root.add("warnings")
        for text in region["warnings"]:
            warned.add(text)
    _tia(root, result, region)
    mass = root.add(f"mass {significant(_times(region.get('mass_kg'), 1e3))} g, volume {significant(region.get('volume_mL'))} mL")
    mass.add("as given in the case file" if result["case"].get("mode") == "region-table" else "from the region's outline on the images")
    _transport(root, result, region)
    _budget(root, region)
    bed = region.get("bed")
    if bed:
        node = root.add(f"biologically effective dose {significant(bed.get('bed_Gy'))} Gy (derived from the dose, not part of it)")
        node.add(f"alpha/beta {given(bed.get('alpha_beta_Gy'))} Gy, repair half-life {given(_times(bed.get('repair_half_life_s'), 1 / HOUR_S))} h")
        if usable(bed.get("lea_catcheside_g")):
            node.add(f"Lea-Catcheside factor G {significant(bed['lea_catcheside_g'])}")
        for key in ("parameters", "note"):
            if bed.get(key):
                node.add(str(bed[key]))
    if result["warnings"]:
        node = root.add("warnings of the whole result")
        for text in result["warnings"]:
            node.add(text)
    if result["assumptions"]:
        node = root.add("assumptions")
        for text in result["assumptions"]:
            node.add(text)
    root.children.append(_run(result))
    return root


def _transport(root: _Node, result: dict[str, Any], region: dict[str, Any]) -> None:
    node = root.add(f"energy transport: {ENGINES.get(result['engine'], result['engine'])} [{result['engine']}]")
    for kind, dose in (region.get("dose_by_radiation_Gy") or {}).items():
        node.add(f"{kind}: {significant(dose)} Gy")
    _by_nuclide(node, result, region)
    if usable(region.get("dose_self_Gy")) or usable(region.get("dose_cross_Gy")):
        node.add(f"from the region itself {significant(region.get('dose_self_Gy'))} Gy, from all else {significant(region.get('dose_cross_Gy'))} Gy")
    if usable(region.get("dose_map_mean_Gy")):
        node.add(f"mean of the dose map in the outline: {significant(region['dose_map_mean_Gy'])} Gy")
    run = result.get("monte_carlo")
    if run:
        own = (run.get("relative_uncertainty_by_region") or {}).get(region["region"])
        node.add(f"Monte Carlo: {run['histories'] if usable(run.get('histories')) else 'unknown'} histories, relative statistical uncertainty here {percent(own)}, seed {result.get('seed')}")
    _tables(node, result)


def _by_nuclide(node: _Node, result: dict[str, Any], region: dict[str, Any]) -> None:
    """Dose and decays of each nuclide of the chain, and where its fate is from; nothing where there is one nuclide alone."""
    doses, decays = region.get("dose_by_nuclide_Gy") or {}, region.get("tia_by_nuclide_Bq_s") or {}
    if len(doses) < 2:
        return
    listed = node.add("by nuclide of the chain")
    unit, size = unit_for([_times(v, 1 / HOUR_S) for v in decays.values()], "Bq·h")
    order = (result.get("progeny") or {}).get("nuclides") or []
    for name in [*(n for n in order if n in doses), *(n for n in doses if n not in order)]:
        parts = doses[name]
        split = ", ".join(f"{kind} {significant(d)}" for kind, d in parts.items() if d)
        total = significant(sum(d for d in parts.values() if usable(d)))
        listed.add(f"{name}: {total} Gy ({split or 'none'}), {significant(_times(decays.get(name), 1 / (HOUR_S * size)))} {unit}")
    _fate(node, result, region["region"])


def _fate(node: _Node, result: dict[str, Any], region: str | None) -> None:
    """The fate of progeny with its source; for a region, what stays there; for a whole result, the energy."""
    fate = result.get("progeny") or {}
    if not fate.get("preset"):
        return
    own = node.add(f"fate of progeny: {fate['preset']}")
    for key in ("source", "note"):
        if fate.get(key):
            own.add(f"{key}: {fate[key]}")
    for where, kept in (fate.get("retained") or {}).items():
        if region in (None, where):
            own.add(f"stays where it is born in {where}: " + ", ".join(f"{n} {percent(f)}" for n, f in kept.items()))
    for name, free in (fate.get("free") or {}).items():
        goes = ", ".join(f"{place} {percent(share)}" for place, share in (free.get("to") or {}).items())
        own.add(f"free {name}: {goes or 'to the body outside all regions'}")
    energy = fate.get("energy_J") or {}
    if region is None and usable(energy.get("released")) and energy["released"] > 0:
        shares = {k: percent(energy[k] / energy["released"]) for k in ("deposited", "escaped", "excreted", "without_dose") if usable(energy.get(k))}
        own.add(f"energy released {significant(energy['released'])} J: " + ", ".join(f"{k.replace('_', ' ')} {v}" for k, v in shares.items()))
    if fate.get("not_counted"):
        own.add(f"not counted: {', '.join(fate['not_counted'])}")


def _tia(root: _Node, result: dict[str, Any], region: dict[str, Any]) -> None:
    unit, size = unit_for([_times(region.get("tia_Bq_s"), 1 / HOUR_S)], "Bq·h")
    per = 1.0 / (HOUR_S * size)
    node = root.add(f"time-integrated activity {plus_minus(_times(region.get('tia_Bq_s'), per), _times(region.get('tia_u_Bq_s'), per), unit)}")
    fit = region.get("fit") or {}
    model = node.add(f"model: {region.get('model') or 'none'}; effective half-life of the last phase {hours(region.get('effective_half_life_s'))} h")
    coefficients, rates = fit.get("coefficients_Bq") or [], fit.get("rates_per_s") or []
    if coefficients:
        terms = model.add("A(t) = sum of c·exp(-k·t)")
        for c, k in zip(coefficients, rates):
            terms.add(f"c = {significant(c, 5)} Bq, k = {significant(k, 5)} /s")
    else:
        model.add("no closed curve: the points are integrated as they are")
    if fit.get("candidates"):
        tried = node.add("models compared (AICc; Akaike weight)")
        for c in fit["candidates"]:
            tried.add(f"{c.get('model') or c.get('name')}: AICc {significant(c.get('aicc', c.get('AICc')))}; weight {significant(c.get('weight'))}")
    _activities(node, result, region["tac"])


def _activities(node: _Node, result: dict[str, Any], tac: dict[str, Any]) -> None:
    name, size = unit_for(tac["activity_Bq"])
    points = node.add("activities in the region at scan time (not decay-corrected)")
    recovery = tac.get("recovery_coefficient") or [None] * len(tac["time_s"])
    for t, a, u, rc in zip(tac["time_s"], tac["activity_Bq"], tac["u_activity_Bq"], recovery):
        text = f"{hours(t)} h: {plus_minus(_times(a, 1 / size), _times(u, 1 / size), name)}"
        point = points.add(text + (f", divided by its recovery coefficient {significant(rc)}" if usable(rc) else ""))
        scan = min(result["scans"], key=lambda s: abs(s["time_s"] - t), default=None)
        if scan is not None and abs(scan["time_s"] - t) <= 60.0:
            _scan(point, result, scan)


def _scan(node: _Node, result: dict[str, Any], scan: dict[str, Any]) -> None:
    name, size = unit_for([scan.get("total_activity_Bq")])
    own = node.add(f"scan {scan.get('index')} ({scan.get('modality')}, {when(scan.get('acquired_at'))}): {significant(_times(scan.get('total_activity_Bq'), 1 / size))} {name} in the field")
    scale = scan.get("scale") or {}
    if scale:
        own.add(f"scale: {scale.get('tag')} [{scale.get('unit')}]: {scale.get('explanation')}")
    own.add(f"decay correction: {scan.get('decay_correction')}")
    if scan.get("registration"):
        moved = scan["registration"]
        correlation = f"correlation {significant(moved.get('correlation_before'))} before, {significant(moved.get('correlation_after'))} after"
        own.add(f"registration: {moved.get('text') or correlation}")
    uid = scan.get("series_uid")
    for title, group_uid, files in input_groups(result):
        if uid and group_uid == uid:
            _files(own, title, files)


def _budget(root: _Node, region: dict[str, Any]) -> None:
    budget = region.get("uncertainty_budget") or {}
    node = root.add(f"uncertainty of the dose: {percent(budget.get('relative'))} (k = 1)")
    for name, part in (budget.get("components") or {}).items():
        part = part or {}
        node.add(f"{name}: {percent(part.get('relative'))}, share of the variance {percent(part.get('share'))}")
    if budget.get("note"):
        node.add(str(budget["note"]))


def _overview(result: dict[str, Any]) -> _Node:
    case = result["case"]
    root = _Node(f"{case.get('title') or case.get('id')}: {result['nuclide']}{', ' + case['agent'] if case.get('agent') else ''}, {_administered(result)}")
    regions = root.add(f"regions ({len(result['regions'])}); name one to see where its dose comes from")
    for r in result["regions"]:
        regions.add(f"{r['region']}: {plus_minus(r.get('dose_Gy'), r.get('dose_u_Gy'), 'Gy')}" + (f", {len(r['warnings'])} warning(s)" if r.get("warnings") else ""))
    _fate(root, result, None)
    for key in ("warnings", "assumptions"):
        if result[key]:
            node = root.add(key)
            for text in result[key]:
                node.add(text)
    scans = root.add(f"scans ({len(result['scans'])})")
    for scan in result["scans"]:
        _scan(scans.add(f"{hours(scan.get('time_s'))} h after administration"), result, scan)
    _tables(root, result)
    root.children.append(_run(result))
    if result["files"]:
        files = root.add("files written")
        for kind, name in sorted(result["files"].items()):
            files.add(f"{kind}: {name}")
    return root


def _run(result: dict[str, Any]) -> _Node:
    p = result["provenance"]
    node = _Node(f"run: lutetia {result['version']}, engine {result['engine']}, seed {result.get('seed')}, Python {p.get('python')}")
    if p.get("case_file_sha256"):
        node.add(f"case file: sha256 {p['case_file_sha256']}")
    if p.get("decay_data"):
        node.add(f"decay data: {p['decay_data']}")
    groups = input_groups(result)
    if groups:
        inputs = node.add("inputs")
        for title, uid, files in groups:
            _files(inputs, title, files, uid)
    parameters = flattened(p.get("parameters") or {})
    if p.get("parameters"):
        settings = node.add("parameters")
        for name, text in parameters:
            settings.add(f"{name} = {text}")
    if p.get("packages"):
        node.add("packages: " + ", ".join(f"{k} {v}" for k, v in sorted(p["packages"].items())))
    return node


def _files(node: _Node, title: str, files: list[tuple[str, str]], uid: str | None = None) -> None:
    series = f" (series {uid})" if uid else ""
    if len(files) == 1:
        node.add(f"{title}: sha256 {files[0][1]}{series}")
        return
    shown = files if len(files) <= _SHOWN else [files[0], files[-1]]
    group = node.add(f"{title}: {len(files)} files{series}" + ("" if shown is files else "; the first and the last are shown, each is in result.json"))
    for name, digest in shown:
        group.add(f"{name}: sha256 {digest}")


def _tables(node: _Node, result: dict[str, Any]) -> None:
    tables = result["provenance"].get("tables") or []
    if tables:
        listed = node.add("tables read")
        for t in tables:
            one = listed.add(f"{t.get('name')}: {t.get('title')}")
            one.add(f"source: {t.get('source')}")
            one.add(f"sha256 {t.get('sha256')}")


def _administered(result: dict[str, Any]) -> str:
    activity = result.get("administered_Bq")
    name, size = unit_for([activity])
    amount = f"{significant(activity / size, 4)} {name}" if usable(activity) else "activity not given,"
    return f"{amount} administered {when(result.get('administered_at'))}" if result.get("administered_at") else f"{amount} administered"


def _times(value: float | None, factor: float) -> float | None:
    return value * factor if usable(value) else None


def _lines(node: _Node, first: str = "", rest: str = "") -> list[str]:
    """The tree as lines; control characters in names are shown escaped, so that no name can draw on a terminal."""
    lines = [first + "".join(c if c.isprintable() else repr(c)[1:-1] for c in node.text.replace(THIN, " "))]
    for n, child in enumerate(node.children, start=1):
        last = n == len(node.children)
        lines += _lines(child, rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  "))
    return lines
