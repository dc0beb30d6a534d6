"""A supply planned: from a scenario file to who is served, by what, and to the papers that go with it."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
import json
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from .. import __version__
from ..core import BadInput, finite_or_none, staged_folder, to_json, write_atomic
from ..supply.network.ledger import Ledger, ledger
from ..supply.network.model import Batch, Scenario, SupplyPlan, plan_as_dict, plan_from_dict
from ..supply.network.reasons import binding, unserved
from ..supply.network.replan import Replanned, replan
from ..supply.network.solve import solve
from .scenario_file import LoadedScenario, load_disturbances, load_scenario

SUPPLY_SCHEMA = "lutetia-supply/1"
STATE_SCHEMA = "lutetia-supply-state/1"
_BINDING_SHARE = 0.35  # of the time limit, beside it


def run_supply(
    path: Path | str, out: Path | str, *, seed: int = 1, time_limit_s: float = 60.0, disturbance: Path | str | None = None, previous: Path | str | None = None,
    report: Callable[[Path, dict[str, Any]], None] | None = None, progress: Callable[[float], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Plan a scenario and write the plan to the folder `out`.

    Parameters
    ----------
    path : path
        A scenario file, or its folder.
    out : path
        Folder for ``result.json``, tables, waybills, calendar and, with `report`, ``report.html``.
    seed : int
    time_limit_s : float
        Of the search; what binds is looked for in a third of it besides.
    disturbance : path, optional
        A disturbance file: the plan is made anew at its ``now``; the result is that of the new plan.
    previous : path, optional
        Folder of the plan that is made anew; without it the plan is made first.
    report : callable, optional
        Writes the page.
    progress : callable, optional
        Called with the share that is done.

    Raises
    ------
    BadInput
        A file that cannot be used; patients who must be served and cannot be; a folder that cannot be written to.
    CouldNot
        A solver is missing, or found nothing in time.
    """
    begun = time.perf_counter()
    loaded = load_scenario(path)
    s = loaded.scenario
    if previous is not None and disturbance is None:
        raise BadInput("--previous names a plan that is made anew; give the file of what happened under --disturbance too.")
    plan = solve(s, time_limit_s=time_limit_s, seed=seed, progress=progress) if previous is None else _earlier(Path(previous), loaded)
    again: Replanned | None = None
    now_s: float | None = None
    if disturbance is not None:
        now_s, events = load_disturbances(disturbance, loaded)
        again = replan(s, plan, events, now_s, time_limit_s=time_limit_s, seed=seed)
    solved_s = time.perf_counter() - begun
    shown = plan if again is None else again.plan
    of = s if again is None else again.scenario
    held = binding(of, shown, time_limit_s=max(2.0, _BINDING_SHARE * time_limit_s), seed=seed) if again is None else []
    result = _record(loaded, of, shown, seed)
    result["binding"] = [{"resource": b.resource, "gained": b.gained_weight, "patients": len(b.patients)} for b in held]
    result["unserved"] = [
        {"patient": u.patient, "hospital": u.hospital, "reason": u.reason, "nearest_miss_s": None if u.nearest_miss_s is None else finite_or_none(u.nearest_miss_s)}
        for u in unserved(of, shown, held)
    ]
    result["replan"] = None if again is None else {
        "now": _iso(loaded, now_s or 0.0), "served_before": len(plan.doses), "served_if_nothing_is_done": len(again.nothing), "served": len(shown.doses), "rescued": list(again.rescued),
        "lost": list(again.lost), "moved": list(again.moved), "other_batch": list(again.rebatched),
    }  # fmt: skip
    if again is not None:
        result["gap_cost"] = result["bounds"]["cost"] = None  # a new plan weighs changes, not cost alone
    book = ledger(of, shown)
    result["ledger"] = {"totals_Bq": book.totals_Bq, "closure": book.closure()}
    result["wasted_Bq"] = book.wasted_Bq
    _rooms(of, shown, result)
    waybills = _waybills(of, loaded, shown)
    result["waybills"] = waybills
    result["files"] = {
        "plan": "plan.csv", "orders": "orders.csv", "waybills": "waybills.csv", "ledger": "ledger.csv", "calendar": "schedule.ics", "state": "state.json",
    } | ({"report": "report.html"} if report is not None else {})  # fmt: skip
    result["timing_s"] = {"solve": solved_s, "whole": time.perf_counter() - begun}
    with staged_folder(out) as stage:
        write_atomic(stage / "plan.csv", _table(result["plan"]))
        write_atomic(stage / "orders.csv", _table(_orders(result)))
        write_atomic(stage / "waybills.csv", _table([{k: v for k, v in w.items() if k not in ("labels", "unverified")} for w in waybills]))
        write_atomic(stage / "ledger.csv", _table(_lines(loaded, book)))
        write_atomic(stage / "schedule.ics", calendar(result))
        write_atomic(stage / "state.json", to_json({"schema": STATE_SCHEMA, "scenario_sha256": loaded.sha256, "plan": plan_as_dict(shown)}))
        if report is not None:
            report(stage / "report.html", result)
        write_atomic(stage / "result.json", to_json(result))
    return result


def _earlier(folder: Path, loaded: LoadedScenario) -> SupplyPlan:
    """The plan that an earlier run has left in its folder."""
    path = folder / "state.json"
    try:
        d = json.loads(path.read_text("utf-8"))
        if d["schema"] != STATE_SCHEMA:
            raise KeyError("schema")
        if d["scenario_sha256"] != loaded.sha256:
            raise BadInput("--previous: that plan is of another scenario file, or of an earlier state of this one; give the folder of a plan of this scenario.")
        return plan_from_dict(d["plan"])
    except (OSError, ValueError, KeyError, TypeError):
        raise BadInput(f"--previous: there is no readable plan in {folder.name}/; give the folder that 'lutetia supply' wrote.") from None


def _iso(loaded: LoadedScenario, seconds: float, name: str | None = None) -> str:
    """A time of the scenario in the zone of a site, or of the scenario."""
    when = loaded.start + dt.timedelta(seconds=round(seconds))
    return when.astimezone(ZoneInfo(name or loaded.zone)).isoformat()


def _record(loaded: LoadedScenario, s: Scenario, p: SupplyPlan, seed: int) -> dict[str, Any]:
    patients = {x.id: x for x in s.patients}
    site = s.sites

    def at(seconds: float, place: str) -> str:
        return _iso(loaded, seconds, site[place].zone)

    batch_of = {b.id: b for b in p.batches}
    shipments: dict[tuple, float] = defaultdict(float)
    for b in p.batches:
        for d in b.draws:
            if d.lane is not None:
                shipments[d.lot, b.lab, d.lane, d.depart_s, d.arrive_s] += d.activity_Bq
    return {
        "schema": SUPPLY_SCHEMA, "version": __version__, "title": s.title, "start": loaded.start.isoformat(), "zone": loaded.zone, "currency": s.currency, "seed": seed,
        "served": len(p.doses), "demanded": len(s.patients), "served_weight": p.served_weight, "demanded_weight": sum(x.priority for x in s.patients),
        "gap": p.gap, "gap_served": p.gap_served, "gap_cost": p.gap_cost, "bounds": {"served_weight": p.served_bound, "cost": p.cost_bound},
        "cost": {**{k: float(v) for k, v in p.costs.items()}, "total": p.cost}, "method": p.method, "iterations": p.iterations,
        "plan": [
            {
                "patient": d.patient, "hospital": patients[d.patient].hospital, "product": patients[d.patient].product, "prescribed_Bq": patients[d.patient].prescribed_Bq,
                "injection": at(d.injection_s, patients[d.patient].hospital), "batch": d.batch, "delivery": d.delivery, "release_Bq": d.release_Bq, "injected_Bq": d.injected_Bq,
            }
            for d in sorted(p.doses, key=lambda d: (d.injection_s, d.patient))
        ],
        "lots": [
            {
                "lot": k, "machine": x.machine, "site": x.site, "nuclide": x.nuclide, "start": at(x.start_s, x.site), "end": at(x.end_s, x.site), "activity_Bq": a, "largest_Bq": x.activity_Bq,
            }
            for k, (x, a) in sorted(p.lots.items(), key=lambda kv: kv[1][0].end_s)
        ],
        "batches": [
            {
                "batch": b.id, "lab": b.lab, "product": b.product, "start": at(b.start_s, b.lab), "end_of_synthesis": at(b.synthesis_end_s, b.lab), "release": at(b.release_s, b.lab), "expiry": at(b.expiry_s, b.lab),
                "start_Bq": b.start_Bq, "product_Bq": b.product_Bq, "release_Bq": b.release_Bq, "draws": [{"lot": d.lot, "activity_Bq": d.activity_Bq} for d in b.draws],
                "doses": sum(d.batch == b.id for d in p.doses), "cell": None,
            }
            for b in sorted(p.batches, key=lambda b: (b.start_s, b.id))
        ],
        "shipments": [
            {"lot": lot, "to": lab, "lane": lane, "depart": at(a, p.lots[lot][0].site), "arrive": at(b, lab), "activity_Bq": activity} for (lot, lab, lane, a, b), activity in sorted(shipments.items())
        ],
        "deliveries": [
            {
                "delivery": x.id, "batch": x.batch, "hospital": x.hospital, "lane": x.lane, "tour": x.tour, "depart": at(x.depart_s, batch_of[x.batch].lab), "arrive": at(x.arrive_s, x.hospital),
                "activity_Bq": x.activity_Bq, "transport_index": x.transport_index,
            }
            for x in sorted(p.deliveries, key=lambda x: (x.depart_s, x.id))
        ],
        "tours": [
            {
                "tour": t.id, "depot": t.depot, "vehicle": t.vehicle + 1, "depart": at(t.depart_s, t.depot), "return": at(t.return_s, t.depot), "km": t.km, "transport_index": t.transport_index,
                "stops": [{"delivery": k, "arrive": at(a, t.depot)} for k, a in t.stops],
            }
            for t in sorted(p.tours, key=lambda t: (t.depart_s, t.id))
        ],
        "sites": [
            {"site": x.id, "name": x.name, "latitude": x.latitude, "longitude": x.longitude, "zone": x.zone, "kind": _kind(s, x.id), "asked": sum(q.hospital == x.id for q in s.patients)}
            for x in site.values()
        ],
        "assumptions": list(loaded.assumptions), "warnings": list(loaded.warnings),
        "provenance": {"scenario_sha256": loaded.sha256, "files": dict(loaded.files), "decay_data": "ICRP Publication 107 (doi 10.1016/j.icrp.2008.10.004)"},
    }  # fmt: skip


def _kind(s: Scenario, name: str) -> str:
    if any(m.site == name for m in s.machines):
        return "source"
    return "lab" if s.sites[name].cells else "hospital"


def _rooms(s: Scenario, p: SupplyPlan, result: dict[str, Any]) -> None:
    """Name the cell of each batch: in order of their starts, the first that is clean. The plan never has more at once than cells, so this never fails."""
    cell: dict[str, str] = {}
    free: dict[tuple[str, int], float] = {}
    for b in sorted(p.batches, key=lambda b: (b.start_s, b.id)):
        n = next(n for n in range(s.sites[b.lab].cells) if free.get((b.lab, n), -math.inf) <= b.start_s + 1e-6)
        free[b.lab, n] = b.synthesis_end_s + s.products[b.product].cleaning_s
        cell[b.id] = f"cell {n + 1}"
    for b in result["batches"]:
        b["cell"] = cell[b["batch"]]


def _orders(result: dict[str, Any]) -> list[dict[str, Any]]:
    """What is ordered of each batch: one line for each vial."""
    by_id = {b["batch"]: b for b in result["batches"]}
    return [
        {
            "batch": d["batch"], "lab": by_id[d["batch"]]["lab"], "product": d["product"], "start": by_id[d["batch"]]["start"], "start_Bq": by_id[d["batch"]]["start_Bq"],
            "lots": " ".join(x["lot"] for x in by_id[d["batch"]]["draws"]), "release": by_id[d["batch"]]["release"], "patient": d["patient"], "hospital": d["hospital"],
            "dispense_Bq_at_release": d["release_Bq"], "calibrated_for": d["injection"], "prescribed_Bq": d["prescribed_Bq"],
        }
        for d in result["plan"]
    ]  # fmt: skip


def _waybills(s: Scenario, loaded: LoadedScenario, p: SupplyPlan) -> list[dict[str, Any]]:
    """One package for each vial of each delivery that leaves the house."""
    from ..supply.packages import package

    batches: dict[str, Batch] = {b.id: b for b in p.batches}
    by_delivery = {x.id: x for x in p.deliveries}
    mode = {x.id: x.mode for x in s.lanes}
    known: dict[tuple, Any] = {}
    out = []
    for d in sorted(p.doses, key=lambda d: (by_delivery[d.delivery].depart_s, d.delivery, d.patient)):
        x, b = by_delivery[d.delivery], batches[d.batch]
        if x.hospital == b.lab:
            continue
        product = s.products[b.product]
        activity = d.release_Bq * math.exp(-product.decay_per_s * (x.depart_s - b.release_s))
        key = (product.name, float(f"{activity:.3g}"))
        if key not in known:
            # The index of the product may be the user's own; category and label then follow it.
            rate = product.transport_index_per_Bq * key[1] / 100
            known[key] = package({product.nuclide: key[1]}, shield=product.shield, radius_cm=product.package_radius_cm, one_metre_mSv_per_h=rate)
        one = known[key]
        out.append(
            {
                "package": f"{d.delivery}/{d.patient}", "consignor": b.lab, "consignee": x.hospital, "by": "vehicle" if x.tour else mode.get(x.lane or "", "road"), "nuclide": product.nuclide,
                "activity_Bq": activity, "at": _iso(loaded, x.depart_s, s.sites[b.lab].zone), "type": one.type, "un_number": one.un_number, "proper_shipping_name": one.proper_shipping_name,
                "transport_index": one.transport_index, "category": one.category, "labels": list(one.labels), "edition": one.edition,
                "unverified": list(one.unverified),
            }
        )  # fmt: skip
    return out


def _lines(loaded: LoadedScenario, book: Ledger) -> list[dict[str, Any]]:
    return [
        {"time": _iso(loaded, e.time_s), "place": e.place, "nuclide": e.nuclide, "item": e.item, "category": e.category, "event": e.event, "activity_Bq": e.activity_Bq} for e in book.entries
    ]


def _table(rows: list[dict[str, Any]]) -> str:
    out = io.StringIO()
    if rows:
        writer = csv.DictWriter(out, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return out.getvalue()


def calendar(result: dict[str, Any]) -> bytes:
    """An iCalendar (RFC 5545) of lots, batches, departures, tours and injections, in UTC."""
    import icalendar

    events = [(f"Lot {x['lot']}", x["start"], x["end"], f"{x['nuclide']} on {x['machine']}", x["site"]) for x in result["lots"]]
    events += [(f"Batch {x['batch']}", x["start"], x["release"], f"{x['product']} in {x['cell']}, {x['doses']} doses", x["lab"]) for x in result["batches"]]
    events += [(f"Shipment {x['lot']}", x["depart"], x["arrive"], f"lane {x['lane']}", x["to"]) for x in result["shipments"]]
    events += [(f"Delivery {x['delivery']}", x["depart"], x["arrive"], f"by {x['lane'] or x['tour'] or 'the house'}", x["hospital"]) for x in result["deliveries"]]
    events += [(f"Tour {x['tour']}", x["depart"], x["return"], f"vehicle {x['vehicle']}, {len(x['stops'])} stops", x["depot"]) for x in result["tours"]]
    events += [(f"Injection {x['patient']}", x["injection"], x["injection"], f"{x['product']}, batch {x['batch']}", x["hospital"]) for x in result["plan"]]
    whole = icalendar.Calendar()
    whole.add("version", "2.0")
    whole.add("prodid", "-//lutetia//supply//EN")
    seen: Counter[str] = Counter()
    for name, begin, end, text, place in events:
        seen[name] += 1
        # By its name an event is the same one in a plan that is made anew: a calendar then moves it. An event without length has no end.
        uid = hashlib.sha256(f"{result['provenance']['scenario_sha256']} {name} {seen[name]}".encode()).hexdigest()[:24]
        event = icalendar.Event()
        for key, value in {"uid": f"{uid}@lutetia", "dtstamp": _utc(result["start"]), "dtstart": _utc(begin), "summary": name, "description": text, "location": place}.items():
            event.add(key, value)
        if _utc(end) > _utc(begin):
            event.add("dtend", _utc(end))
        whole.add_component(event)
    return whole.to_ical()


def _utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).astimezone(dt.UTC)
