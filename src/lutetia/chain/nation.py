"""A nation file to its result: patients from outputs, the network with what binds it, and sites with their runners-up."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..core import BadInput, finite_or_none, show, staged_folder, to_json, write_atomic
from ..data import table
from ..supply.nation_binding import binding, chosen, unit_gains
from ..supply.nation_flow import RESOURCES, Flow, Lab, Nation, Source, Therapy, most_patients, supply
from ..supply.nation_output import Output, Range, treatable
from ..supply.nation_places import Places, airport_km, travel_hours
from .nation_file import CandidatesPart, LabPart, NationFile, load_nation
from .nation_sites import among, joined, location, nation_cities, where

RESULT_SCHEMA = "lutetia-nation-result/1"
_DRAWS = 10_000
_WEEKS = 365.25 / 7
_DAY_S, _HOUR_S = 86_400.0, 3600.0
#: Farther from a city than this, an airport is hardly its own.
_FAR_KM = 200.0


def run_nation(
    path: Path | str, out: Path | str, *, seed: int = 1, time_limit_s: float = 60.0, report: Callable[[Path, dict[str, Any]], None] | None = None
) -> dict[str, Any]:
    """Compute what a nation file asks for and write ``result.json``, ``cities.csv``, ``map.geojson`` and the report into `out`.

    Raises
    ------
    BadInput
        As `load_nation`; a city that the table lacks.
    CouldNot
        HiGHS is not installed, or found no solution in time.
    """
    f = load_nation(path)
    with staged_folder(out) as stage:
        result = nation_result(f, seed=seed, time_limit_s=time_limit_s)
        result["files"] = {}
        if result["network"] is not None:
            write_atomic(stage / "cities.csv", _csv(result["network"]["cities"]))
            result["files"]["cities"] = "cities.csv"
        if result["network"] is not None or result["locations"]:
            write_atomic(stage / "map.geojson", to_json(_geojson(result)))
            result["files"]["map"] = "map.geojson"
        if report is not None:
            result["files"]["report"] = "report.html"
            report(stage / "report.html", result)
        write_atomic(stage / "result.json", to_json(result))
    return result


def nation_result(f: NationFile, *, seed: int = 1, time_limit_s: float = 60.0) -> dict[str, Any]:
    """The result of a checked file, as plain values."""
    cities = nation_cities(f) if f.product or f.location else None
    road = {"detour": f.road.detour, "speed_km_per_h": f.road.speed, "handling_h": f.road.handling / _HOUR_S}
    air = None if f.air is None else {
        "cut_off_h": f.air.cut_off / _HOUR_S, "retrieval_h": f.air.retrieval / _HOUR_S, "fixed_h": f.air.fixed / _HOUR_S, "speed_km_per_h": f.air.speed, "wait_h": f.air.wait / _HOUR_S,
    }  # fmt: skip

    def hours(a: Places, b: Places) -> np.ndarray:
        both = travel_hours(a, b, road, air or {})
        if air is None:
            both[1] = np.inf
        return both

    warnings: list[str] = []
    if air is not None and cities is not None and (far := np.flatnonzero(airport_km(cities) > _FAR_KM)).size:
        named = ", ".join(cities.name[n] for n in far[:5]) + (f" and {len(far) - 5} more" if len(far) > 5 else "")
        warnings.append(f"no airport of the table lies within {_FAR_KM:g} km of {named}: times by air are too long there")
    network = _network(f, cities, hours, warnings, time_limit_s) if f.product and cities is not None else None
    locations = [location(x, cities, hours, time_limit_s) for x in f.location] if cities is not None else []
    warnings += [f"{x['name']}: no candidate reaches anybody within {x['within_h']:g} h" for x in locations if not x["served"] > 0]
    used = ["cities", "airports"] if cities is not None else []
    if f.air is not None and f.air.flights_per_week is not None and f.product:
        used.append("transport_conveyances")
    return {
        "schema": RESULT_SCHEMA, "version": __version__, "title": f.title, "seed": seed,
        "outputs": [_output(f, n, seed) for n in range(len(f.output))], "network": network, "locations": locations,
        "warnings": warnings, "assumptions": _assumptions(f, 0 if cities is None else len(cities)),
        "provenance": {"file_sha256": f.sha256, "tables": [{"name": n, "sha256": table(n).sha256, "source": table(n).source["title"]} for n in used]},
    }  # fmt: skip


def _output(f: NationFile, n: int, seed: int) -> dict[str, Any]:
    o = f.output[n]
    chain = Output(o.name, o.nuclide, o.range_of("annual"), o.range_of("time"), {x.name: Range(*x.left) for x in o.factor}, o.range_of("activity"), o.range_of("cycles"))
    t = treatable(chain, draws=_DRAWS, seed=seed)
    return {
        "name": o.name, "nuclide": o.nuclide, "annual_Bq": chain.annual_Bq.middle, "doses": t.doses, "doses_5_95": t.doses_5_95, "patients": t.patients, "patients_5_95": t.patients_5_95,
        "left": [{"step": k, "left_Bq": v} for k, v in t.left_Bq.items()], "made_per_dose_Bq": finite_or_none(t.made_per_dose_Bq),
        "variance_share": [{"factor": k, "share": v} for k, v in sorted(t.variance_share.items(), key=lambda x: -x[1])],
        "published_doses": o.published_doses, "ratio_to_published": None if o.published_doses is None else t.doses / o.published_doses, "source": o.source,
    }  # fmt: skip


def _network(f: NationFile, cities: Places, hours: Callable[[Places, Places], np.ndarray], warnings: list[str], time_limit_s: float) -> dict[str, Any]:
    nation, labs, sources = _nation(f, cities, hours, warnings)
    base = supply(nation, time_limit_s=time_limit_s)
    fixed = chosen(nation, base)
    alike = supply(fixed, share_alike=True)
    bound = binding(nation, base)
    need, treated = nation.patients.sum(axis=0), base.treated(nation).sum(axis=0)
    if base.bound > base.patients * (1 + 1e-6):
        warnings.append(f"the choice of labs was cut short by time: no supply treats more than {base.bound:.6g} patients, this one {base.patients:.6g}")
    by_way = base.doses.sum(axis=(0, 1))
    per_lab = base.doses.sum(axis=(2, 3))  # therapies, labs
    batches = (per_lab / np.array([t.doses_per_batch for t in nation.therapies])[:, None]).sum(axis=0)
    bed_days = (base.doses.sum(axis=(1, 3)) * np.array([t.bed_days for t in nation.therapies])[:, None]).sum(axis=0)
    per_source = base.drawn_Bq.sum(axis=(1, 2))
    least = {k: min((b.alone for b in bound if b.resource not in (k, "demand")), default=math.inf) for k in RESOURCES}
    return {
        "patients": base.patients, "patients_bound": base.bound, "needing": float(need.sum()), "share_treated": base.patients / float(need.sum()) if need.sum() else None,
        "doses": float(base.doses.sum()), "doses_by_air": float(by_way[:, 1].sum()),
        "limited_by": _limit({b.resource: b.ten_percent for b in bound}, {b.resource: b.lifted for b in bound}.__getitem__, base.patients, float(need.sum())),
        "binding": [
            {"resource": b.resource, "alone": finite_or_none(b.alone), "lifted": finite_or_none(b.lifted), "ten_percent": b.ten_percent,
             "turns_at": None if b.resource == "demand" or b.alone <= 0 or b.alone >= need.sum() * (1 - 1e-9) else finite_or_none(least[b.resource] / b.alone)}
            for b in bound if _asked(f, b.resource)
        ],
        "units": _units(f, nation, base, cities),
        "share_alike": {"patients": alike.patients, "least_share": _least(alike.treated(nation), nation.patients), "least_share_of_most": _least(base.treated(nation), nation.patients)},
        "products": [
            {"name": t.name, "needing": float(nation.patients[n].sum()), "patients": float(base.treated(nation)[n].sum()), "doses": float(base.doses[n].sum()),
             "within_reach": float(nation.patients[n][_reach(nation, n)].sum()), "doses_per_flight": finite_or_none(t.doses_per_flight)}
            for n, t in enumerate(nation.therapies)
        ],
        "sources": [
            {"name": s.name, "nuclide": s.nuclide, "latitude": float(sources.lat_deg[n]), "longitude": float(sources.lon_deg[n]), "annual_Bq": s.annual_Bq, "drawn_Bq": float(per_source[n]),
             "used": float(per_source[n] / s.annual_Bq), "worth_of_a_tenth": float(base.worth["isotope"][n] * s.annual_Bq / 10)}
            for n, s in enumerate(nation.sources)
        ],
        "labs": [
            {"name": x.name, "latitude": float(labs.lat_deg[n]), "longitude": float(labs.lon_deg[n]), "candidate": x.candidate, "opened": not x.candidate or x.name in base.opened,
             "batches": x.batches, "batches_used": float(batches[n]), "doses": float(per_lab[:, n].sum()), "worth_of_a_batch": float(base.worth["cells"][n]) if not x.candidate or x.name in base.opened else None}
            for n, x in enumerate(nation.labs)
        ],
        "cities": [
            {"name": cities.name[n], "latitude": float(cities.lat_deg[n]), "longitude": float(cities.lon_deg[n]), "population": float(cities.population[n]), "needing": float(need[n]), "treated": float(treated[n]),
             "doses_by_road": float(by_way[n, 0]), "doses_by_air": float(by_way[n, 1]), "bed_days_used": float(bed_days[n]), "bed_days": finite_or_none(nation.bed_days[n])}
            for n in range(len(cities))
        ],
        "ways": [
            {"lab": nation.labs[l].name, "city": cities.name[h], "by": ("road", "air")[m], "doses": float(base.doses[:, l, h, m].sum()), "hours": float(nation.lab_h[m, l, h])}
            for l, h, m in np.argwhere(base.doses.sum(axis=0) > 1e-6)
        ],
        "variants": [_variant(fixed, v) for v in f.variant],
    }  # fmt: skip


def _nation(f: NationFile, cities: Places, hours: Callable[[Places, Places], np.ndarray], warnings: list[str]) -> tuple[Nation, Places, Places]:
    every = tuple(p.name for p in f.product)

    def lab(x: LabPart | CandidatesPart, name: str, candidate: bool) -> Lab:
        return Lab(name, x.batches_per_week * x.weeks, tuple(x.makes) if x.makes else every, candidate)

    labs, found = where(f.lab), [lab(x, x.name, False) for x in f.lab]
    if f.candidates is not None:
        new = among(f.candidates.among, cities)
        labs = joined(labs, Places(tuple(f"new lab, {n}" for n in new.name), new.lat_deg, new.lon_deg, new.population))
        found += [lab(f.candidates, f"new lab, {n}", True) for n in new.name]
    sources = where(f.source)
    people = cities.population
    patients = np.array([[np.nan] * len(cities) if p.per_100000 is None else people * p.per_100000 / 1e5 for p in f.product])
    for n, c in enumerate(f.city):
        for k, p in enumerate(f.product):
            patients[k, n] = c.patients.get(p.name, patients[k, n])
    patients = np.nan_to_num(patients, nan=0.0)
    beds = _shared(f, cities, "beds", warnings) * 365.0 * (f.beds.share * f.beds.occupancy if f.beds else 1.0)
    chairs = _shared(f, cities, "chairs", warnings) * (f.chairs.share * f.chairs.occupancy * (f.chairs.hours_per_year or 0.0) if f.chairs else 1.0)
    nation = Nation(
        tuple(_therapy(f, n) for n in range(len(f.product))), tuple(Source(s.name, s.nuclide, s.annual_Bq, s.prepare) for s in f.source), tuple(found), cities.name,
        hours(sources, labs).min(axis=0), hours(labs, cities), patients, beds, chairs, _flights(f), 0 if f.candidates is None else f.candidates.choose,
    )  # fmt: skip
    for n, t in enumerate(nation.therapies):
        out = nation.patients[n].sum() - nation.patients[n][_reach(nation, n)].sum()
        if out > 0:
            warnings.append(f"{t.name}: {out:.4g} of {nation.patients[n].sum():.6g} patients live where no lab reaches within {show(t.shelf_life_s, 's')}")
    return nation, labs, sources


def _therapy(f: NationFile, n: int) -> Therapy:
    p, per_flight = f.product[n], math.inf
    if f.air is not None and f.air.flights_per_week is not None and p.transport_index is not None:
        limits = table("transport_conveyances").where("mode", f.air.aircraft)
        if p.transport_index > float(limits["max_transport_index"][0]):
            raise BadInput(f"product {p.name!r}: a package of transport index {p.transport_index:g} may not go by {f.air.aircraft}, at most {limits['max_transport_index'][0]:g}; shield it more, or choose another aircraft.")
        per_flight = float(math.floor(float(limits["max_sum"][0]) / p.transport_index + 1e-9))
    return Therapy(p.name, p.nuclide, p.activity, p.cycles, p.left, p.make, p.wait, p.shelf_life, p.doses_per_batch, per_flight, p.bed_stay / _DAY_S, p.chair_stay / _HOUR_S)


def _flights(f: NationFile) -> float:
    return math.inf if f.air is None or f.air.flights_per_week is None else f.air.flights_per_week * _WEEKS


def _shared(f: NationFile, cities: Places, what: str, warnings: list[str]) -> np.ndarray:
    """Beds or chairs of each city: its own, or its share by population of those that are left; infinite where none are counted."""
    of_nation = getattr(f, what)
    if of_nation is None:
        return np.full(len(cities), np.inf)
    own = np.array([np.nan if getattr(c, what) is None else getattr(c, what) for c in f.city] or [np.nan] * len(cities))
    left = 0.0 if of_nation.total is None else of_nation.total - float(np.nansum(own))
    if left < 0:
        raise BadInput(f"{what}: the cities have {np.nansum(own):g} together, more than the total of {of_nation.total:g}; correct one of them.")
    open_ = np.isnan(own)
    people = np.where(open_, cities.population, 0.0)
    if left > 0 and not people.sum() > 0:
        warnings.append(f"{left:g} of the {what} are in no city: each has its own, or no inhabitants are known to share the rest by")
    return np.where(open_, left * people / people.sum() if people.sum() > 0 else 0.0, own)


def _reach(n: Nation, therapy: int) -> np.ndarray:
    """Cities that a dose can reach in time from a lab that may make it."""
    t = n.therapies[therapy]
    able = np.array([t.name in x.makes for x in n.labs])
    return ((n.lab_h * _HOUR_S + t.wait_s <= t.shelf_life_s) & able[None, :, None]).any(axis=(0, 1))


def _least(treated: np.ndarray, patients: np.ndarray) -> float:
    """Smallest share treated of any therapy in any city that has patients."""
    return float((treated[patients > 0] / patients[patients > 0]).min(initial=1.0))


def _asked(f: NationFile, resource: str) -> bool:
    """Whether the file limits the resource at all."""
    return {"flights": f.air is not None and f.air.flights_per_week is not None, "beds": f.beds is not None, "chairs": f.chairs is not None}.get(resource, True)


def _limit(gains: Mapping[str, float], lifted: Callable[[str], float], patients: float, needing: float) -> str:
    """The resource of which a tenth more gains the most, or where a tenth of nothing is nothing the one that gains the most without a limit.

    ``demand`` if nobody is left, ``reach`` if somebody is and no resource would help.
    """
    if patients >= needing * (1 - 1e-6):
        return "demand"
    names, least = [k for k in gains if k != "demand"], 1e-6 * max(patients, 1.0)
    best = max(names, key=lambda k: gains[k])
    if gains[best] > least:
        return best
    freed = {k: lifted(k) - patients for k in names}
    best = max(freed, key=lambda k: freed[k])
    return best if freed[best] > least else "reach"


def _units(f: NationFile, nation: Nation, base: Flow, cities: Places) -> list[dict[str, Any]]:
    """What one unit more gains where it gains the most: a round share of a source, a batch a week, a bed, a chair, a flight a week."""
    fixed, steps, said = chosen(nation, base), [], []
    open_labs = np.array([x.batches > 0 for x in fixed.labs])
    at = int(np.argmax(base.worth["isotope"]))
    amount = 10.0 ** math.floor(math.log10(nation.sources[at].annual_Bq / 100))
    steps.append(("isotope", at, amount))
    said.append((nation.sources[at].name, f"{show(amount, 'Bq')} a year"))
    at = int(np.argmax(np.where(open_labs, base.worth["cells"], -1.0)))
    steps.append(("cells", at, _WEEKS))
    said.append((nation.labs[at].name, "a batch a week"))
    for what, part in (("beds", f.beds), ("chairs", f.chairs)):
        if part is not None:
            at = int(np.argmax(base.worth[what]))
            steps.append((what, at, 365.0 * part.occupancy if what == "beds" else part.occupancy * (part.hours_per_year or 0.0)))
            said.append((cities.name[at], f"one {what[:-1]}, for these therapies alone"))
    gains = unit_gains(nation, base, steps)
    small = 1e-7 * max(base.patients, 1.0)
    out: list[dict[str, Any]] = [{"resource": s[0], "where": w if g > small else None, "step": unit, "gain": g if g > small else 0.0} for s, (w, unit), g in zip(steps, said, gains)]
    if _asked(f, "flights"):
        l, h = np.unravel_index(int(np.argmax(base.worth["flights"])), base.worth["flights"].shape)
        gain = float(base.worth["flights"][l, h] * _WEEKS)
        out.append({"resource": "flights", "where": f"{nation.labs[l].name} to {cities.name[h]}" if gain > 0 else None, "step": "a flight a week, by its worth at the margin", "gain": gain})
    return out


def _variant(nation: Nation, v: Any) -> dict[str, Any]:
    scale = {k: getattr(v, k) for k in RESOURCES}
    patients = most_patients(nation, scale)
    gains = {k: most_patients(nation, scale | {k: 1.1 * scale[k]}) - patients for k in RESOURCES}
    limited = _limit(gains, lambda k: most_patients(nation, scale | {k: math.inf}), patients, float(nation.patients.sum()) * scale["demand"])
    return {"name": v.name, "factors": {k: x for k, x in scale.items() if x != 1}, "patients": patients, "limited_by": limited, "ten_percent": gains}


def _assumptions(f: NationFile, cities: int) -> list[str]:
    out = []
    if f.output:
        out.append("factors of an output are independent of one another; a range of two values is uniform between them, lognormal ranges name their 5 and 95 % points")
    if f.product or f.location:
        out.append("times of travel are models, not measured: a road is a detour over the great circle at one speed, over water too" + ("" if f.air is None else "; a flight goes between the airports nearest to both places, and there is one when it is wanted"))
    if f.demand.countries and (f.product or f.location):
        out.append(
            f"people live in the {cities} largest cities of the table that are at least {f.demand.apart:g} km apart"
            + ("" if f.demand.population is None else f", which stand for all {f'{f.demand.population:,.0f}'.replace(',', ' ')} inhabitants in proportion to their size")
        )
    if f.product:
        out += [
            "flows are those of a year and even over it: batches are full, and no one waits for a day of the week",
            "a patient has all cycles in one year; what was begun is finished",
            "material from a source to a lab goes the quickest way and takes no room on the flights that are counted",
        ]
        for what in ("beds", "chairs"):
            p = getattr(f, what)
            if p is not None:
                spread = f", {what} that no city has of its own are spread by population" if p.total is not None else ""
                out.append(f"{100 * p.share:g} % of the {what} are for these therapies, in use {100 * p.occupancy:g} % of the time{spread}")
    if f.location:
        out.append("a site that is chosen serves all within its reach: it has no largest number of doses")
    return out


def _csv(rows: list[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _geojson(result: dict[str, Any]) -> dict[str, Any]:
    """Points of cities, sources, labs and sites, and the ways with their doses as lines (RFC 7946, degrees east first)."""

    def point(x: dict[str, Any], kind: str, **more: Any) -> dict[str, Any]:
        said = {k: v for k, v in x.items() if k not in ("latitude", "longitude")}
        return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [x["longitude"], x["latitude"]]}, "properties": {"kind": kind, **said, **more}}

    features, net = [], result["network"]
    if net is not None:
        features += [point(c, "city") for c in net["cities"]] + [point(s, "source") for s in net["sources"]] + [point(x, "lab") for x in net["labs"] if x["opened"]]
        at = {kind: {x["name"]: [x["longitude"], x["latitude"]] for x in net[kind]} for kind in ("labs", "cities")}
        features += [
            {"type": "Feature", "geometry": {"type": "LineString", "coordinates": [at["labs"][w["lab"]], at["cities"][w["city"]]]}, "properties": {"kind": "way", **w}} for w in net["ways"]
        ]
    for x in result["locations"]:
        features += [point(p, "site", location=x["name"]) for p in x["places"]] + [point(c, "place", location=x["name"]) for c in x["cities"]]
    return {"type": "FeatureCollection", "features": features}
