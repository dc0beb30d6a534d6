"""The scenario file: products, sites, machines, lanes and patients of a supply, made into the values a plan is made from."""

from __future__ import annotations

import csv
import datetime as dt
import fnmatch
import io
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from pydantic import BaseModel, ValidationError

from ..core import BadInput, inside, parse, sha256_file
from ..nuclides import nuclide
from ..supply.geography import air_hours, city, great_circle_km, road_hours
from ..supply.network.model import Departure, Fleet, Lane, Patient, Product, Scenario, Site
from ..supply.network.replan import KINDS, Disturbance
from ..supply.shielding import shield_name
from .case import fault_sentence, read_checked
from .scenario_calendar import clock_times, fixed, zone
from .scenario_machines import machine
from .scenario_parts import (
    DISTURBANCE_SCHEMA,
    SCENARIO_SCHEMA,
    DisturbanceFile,
    LanePart,
    LanesPart,
    PatientPart,
    ProductPart,
    ScenarioFile,
    SitePart,
)
from .scenario_reading import Reading, known, lives, once, open_hours, seconds_from

Row = TypeVar("Row", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class LoadedScenario:
    """A scenario with when it starts, where it came from, and what has to be said about it."""

    scenario: Scenario
    start: dt.datetime
    zone: str
    sha256: str
    files: Mapping[str, str]
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]

    def seconds(self, moment: dt.datetime, what: str) -> float:
        """A time of the file as seconds from the start."""
        return seconds_from(moment, self.start, zone(self.zone, what))


def load_scenario(path: Path | str) -> LoadedScenario:
    """Read a scenario file, or the ``scenario.toml`` of a folder, with the tables it names.

    Raises
    ------
    BadInput
        Not such a file; a key, quantity or time that cannot be used; a name that stands for nothing.
    """
    file = read_checked(path, ScenarioFile, SCENARIO_SCHEMA, "scenario.toml")
    tz = zone(file.zone, "zone")
    if not all(1900 < t.year < 2200 for t in (file.start, file.end)):
        raise BadInput(f"scenario: it goes from {file.start.isoformat()} to {file.end.isoformat()}; give years from 1901 to 2199.")
    start, end = (fixed(t if t.tzinfo else t.replace(tzinfo=tz)) for t in (file.start, file.end))
    if not dt.timedelta(0) < end - start <= dt.timedelta(days=400):
        raise BadInput(f"scenario: it goes from {start.isoformat()} to {end.isoformat()}; give an end after the start, within 400 days.")
    r = Reading(file, start, end, tz, {}, [], [])
    sites = _sites(r)
    asked = _patients(r, sites)
    products = _products(r, asked)
    _check_labs(r, sites, products)
    machines = tuple(machine(r, m, sites) for m in file.machine)
    once((m.id for m in machines), "machine")
    lanes = _lanes(r, sites)
    road = file.road
    times = {(t.origin, t.destination): t.time for t in road.time}
    if len(times) < len(road.time):
        raise BadInput("road.time: the time between two sites stands there twice; give each way once.")
    for a, b in times:
        known(a, sites, "road.time", "site")
        known(b, sites, "road.time", "site")
    if any(s.fleet for s in sites.values()):
        r.assumptions.append(f"own vehicles drive {road.detour:g} times the great circle at {road.speed:g} km/h with {road.fixed / 60:g} min for each leg, a model, where no time is given")
    scenario = Scenario(
        file.title, start.isoformat(), (end - start).total_seconds(), machines, products, sites, lanes, asked, file.slot, road.speed, road.detour, road.fixed, times, file.objective, file.change_cost, file.currency
    )
    return LoadedScenario(scenario, start, file.zone, file.sha256, r.files, tuple(dict.fromkeys(r.assumptions)), tuple(r.warnings))


def load_disturbances(path: Path | str, loaded: LoadedScenario) -> tuple[float, tuple[Disturbance, ...]]:
    """Read a disturbance file: when it is known, in seconds from the start of the scenario, and what happened.

    Raises
    ------
    BadInput
        Not such a file, or a time that cannot be used.
    """
    file = read_checked(path, DisturbanceFile, DISTURBANCE_SCHEMA, "disturbance.toml")
    s = loaded.scenario
    now = loaded.seconds(file.now, "now")
    if not 0 <= now <= s.end_s:
        raise BadInput(f"now: {file.now.isoformat()} is not within the scenario, which starts at {loaded.start.isoformat()}; give a time in it.")
    found = []
    for n, d in enumerate(file.disturbance, 1):
        what = f"disturbance {n}"
        begin = now if d.start is None else loaded.seconds(d.start, what)
        end = math.inf if d.end is None else loaded.seconds(d.end, what)
        if end < begin:
            raise BadInput(f"{what}: it ends before it begins; give an end after {(d.start or file.now).isoformat()}.")
        patient = None
        if d.kind in KINDS and (d.kind == "patient-added") != (d.patient is not None):
            raise BadInput(f"{what}: {'patient-added needs a patient' if d.patient is None else f'a patient has no effect with {d.kind}'}; give a patient with patient-added alone.")
        if d.patient is not None:
            if d.patient.id != d.id:
                raise BadInput(f"{what}: its id is {d.id!r} and that of its patient {d.patient.id!r}; give both the same.")
            patient = _patient(d.patient, loaded.start, s.sites, s.end_s, what)
            known(patient.product, s.products, what, "product")
            if patient.latest_s < now:
                raise BadInput(f"{what}: the window of {d.id} ends before now; give a later window.")
        names = fnmatch.filter([x.id for x in s.lanes], d.id) if d.kind == "lane-cancelled" and "*" in d.id else [d.id]
        if not names:
            raise BadInput(f"{what}: no lane is called like {d.id!r}; give a lane's id, or a pattern with * that some have.")
        found += [Disturbance(d.kind, name, begin, end, patient) for name in names]
    once((d.id for d in found if d.kind == "patient-added"), "patient")
    return now, tuple(found)


def _rows(r: Reading, name: str, model: type[Row]) -> list[Row]:
    """Rows of a CSV table, checked like the file's own keys."""
    path = inside(r.file.folder, name, "scenario")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{name} is not a readable text file in UTF-8; save it as CSV in UTF-8.") from None
    r.files[name] = sha256_file(path)
    out = []
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        names = [k.strip() for k in reader.fieldnames or ()]
        if len(set(names)) < len(names) or "" in names:
            raise BadInput(f"{name}: in its first line a name stands twice, or a column has none; give each column its own.")
        for cells in reader:
            if None in cells or None in cells.values():
                raise BadInput(f"{name}, line {reader.line_num}: it has more or fewer cells than the first line has names; correct it.")
            out.append(model(**{k.strip(): _cell(model, k.strip(), v.strip()) for k, v in cells.items() if v.strip()}))
    except ValidationError as error:
        raise BadInput(f"{name}, line {reader.line_num}: {fault_sentence(error, model)}") from None
    except csv.Error as error:
        raise BadInput(f"{name}, line {reader.line_num}: it cannot be read as CSV ({error}); correct it.") from None
    if not out:
        raise BadInput(f"{name} has no rows; give at least one, or remove the table from the scenario.")
    return out


def _cell(model: type[BaseModel], key: str, text: str) -> Any:
    """A cell as what its key holds: numbers and yes/no are plain there."""
    wanted = str(model.model_fields[key].annotation) if key in model.model_fields else ""
    if "bool" in wanted:
        return {"true": True, "yes": True, "false": False, "no": False}.get(text.lower(), text)
    if key in ("priority", "latitude", "longitude", "chairs", "cells", "operators"):
        try:
            return int(text) if "int" in wanted else float(text)
        except ValueError:
            return text
    return text


def _sites(r: Reading) -> dict[str, Site]:
    parts = [*r.file.site, *(_rows(r, r.file.hospitals, SitePart) if r.file.hospitals is not None else [])]
    once((p.id for p in parts), "site")
    return {p.id: _site(r, p) for p in parts}


def _site(r: Reading, p: SitePart) -> Site:
    what = f"site {p.id}"
    tz = zone(p.zone, what) if p.zone is not None else r.tz
    if p.latitude is not None and p.longitude is not None:
        latitude, longitude = p.latitude, p.longitude
    else:
        place = city(p.city or "")
        latitude, longitude = place.lat_deg, place.lon_deg
    fleet = None
    if p.fleet is not None:
        f = p.fleet
        hours = open_hours(r, f.hours, tz, (), f"{what}: fleet")
        fleet = Fleet(f.vehicles, f.cost_per_vehicle, f.cost_per_km, f.max_transport_index, hours, f.load, f.stop)
    hours = open_hours(r, p.hours, tz, p.closed, what)
    starts = clock_times(p.start_times, p.start_days, r.start, r.end, tz, p.closed, what)
    if p.start_times and not starts:
        raise BadInput(f"{what}: none of its start_times lies between start and end; correct them or start_days.")
    return Site(
        p.id, p.name or p.id, latitude, longitude, p.zone or r.file.zone, hours, p.cells, p.operators, tuple(p.products), starts,
        {nuclide(n).name: a for n, a in p.possession.items()}, p.chairs, fleet,
    )  # fmt: skip


def _patients(r: Reading, sites: Mapping[str, Site]) -> tuple[Patient, ...]:
    parts = [*r.file.patient, *(_rows(r, r.file.patients, PatientPart) if r.file.patients is not None else [])]
    if not parts:
        raise BadInput("scenario: it has no patients; add [[patient]], or a table under patients.")
    once((p.id for p in parts), "patient")
    products = {p.name for p in r.file.product}
    out = []
    for p in parts:
        known(p.product, products, f"patient {p.id}", "product")
        out.append(_patient(p, r.start, sites, (r.end - r.start).total_seconds(), f"patient {p.id}"))
    return tuple(out)


def _patient(p: PatientPart, start: dt.datetime, sites: Mapping[str, Site], end_s: float, what: str) -> Patient:
    known(p.hospital, sites, what, "hospital")
    site = sites[p.hospital]
    if site.chairs == 0:
        raise BadInput(f"{what}: {p.hospital} has no chairs; give it some, or name a hospital that has.")
    own = ZoneInfo(site.zone)
    earliest, latest = (seconds_from(t, start, own) for t in (p.earliest, p.latest))
    if latest < earliest:
        raise BadInput(f"{what}: the window ends before it begins; give latest after earliest.")
    if earliest < 0:
        raise BadInput(f"{what}: the injection would be in the past, before the scenario starts at {start.isoformat()}; give a later window.")
    if latest > end_s:
        raise BadInput(f"{what}: the window ends after the scenario; give the scenario a later end.")
    if site.hours and not any(a <= latest and earliest <= b for a, b in site.hours):
        raise BadInput(f"{what}: the window lies outside the hours of {p.hospital}; give a window within them.")
    return Patient(p.id, p.hospital, p.product, _prescribed(p, what), earliest, latest, p.priority, p.must)


def _prescribed(p: PatientPart, what: str) -> float:
    if "/" in p.prescribed:
        if p.weight is None:
            raise BadInput(f"{what}: {p.prescribed!r} is by body weight, and none is given; add weight = '70 kg'.")
        return parse(p.prescribed, "Bq/kg", f"{what}: prescribed", positive=True, within=("1 Bq/kg", "10 GBq/kg")) * p.weight
    return parse(p.prescribed, "Bq", f"{what}: prescribed", positive=True, within=("1 Bq", "1 TBq"))


def _products(r: Reading, asked: tuple[Patient, ...]) -> dict[str, Product]:
    once((p.name for p in r.file.product), "product")
    return {p.name: _product(r, p, [x.prescribed_Bq for x in asked if x.product == p.name]) for p in r.file.product}


def _product(r: Reading, p: ProductPart, doses_Bq: list[float]) -> Product:
    what = f"product {p.name}"
    own: dict[str, Any] = {
        "nuclide": p.nuclide, "yield_fraction": p.yield_, "u_yield": p.u_yield, "synthesis_s": p.synthesis, "qc_s": p.qc, "residue_fraction": p.residue, "qc_fraction": p.qc_loss,
        "shelf_life_s": p.shelf_life, "success": p.success,
    }  # fmt: skip
    known: dict[str, Any] = {}
    if p.process is not None:
        from ..supply.manufacture import process

        q = process(p.process)
        known = {
            "nuclide": q.nuclide, "yield_fraction": q.yield_fraction, "u_yield": q.u_yield / q.yield_fraction, "synthesis_s": q.synthesis_s, "qc_s": q.filling_s + q.qc_s, "residue_fraction": q.residue_fraction,
            "qc_fraction": q.qc_loss_fraction, "shelf_life_s": q.shelf_life_s, "success": q.success,
        }  # fmt: skip
        r.assumptions.append(f"{p.name} is made as {q.name} ({q.source})" + (f"; assumed there: {', '.join(q.assumed)}" if q.assumed else ""))
    values: dict[str, Any] = {k: v if v is not None else known.get(k) for k, v in own.items()}
    keys = {"yield_fraction": "yield", "synthesis_s": "synthesis", "qc_s": "qc", "shelf_life_s": "shelf_life", "nuclide": "nuclide"}
    lacking = [word for k, word in keys.items() if values[k] is None]
    if lacking:
        raise BadInput(f"{what}: it needs {', '.join(lacking)}, or the name of a published process under process.")
    if values["success"] is None:
        values["success"] = 1.0
        r.assumptions.append(f"no probability of failure is given for batches of {p.name}: in the risk they never fail")
    for k in ("u_yield", "residue_fraction", "qc_fraction"):
        values[k] = values[k] or 0.0
    values["nuclide"] = nuclide(str(values["nuclide"])).name
    lives(str(values["nuclide"]), values["synthesis_s"] + values["qc_s"] + values["shelf_life_s"], f"{what}: synthesis, qc and shelf_life")
    if values["shelf_life_s"] < values["qc_s"]:
        raise BadInput(f"{what}: its shelf_life, which counts from the end of synthesis, ends before qc does; give a longer one.")
    index = p.transport_index_per_GBq
    material, _, thickness = p.shield.strip().partition(" ")
    shield = ((shield_name(material), parse(thickness or "0 cm", "cm", f"{what}: shield", within=("0 cm", "50 cm"))),)
    if shield[0][1] >= p.package_radius:
        raise BadInput(f"{what}: its shield of {p.shield} does not fit into a package of {p.package_radius:g} cm from the centre to the surface; give a package_radius above it.")
    if index is None:
        index = _index_per_GBq(str(values["nuclide"]), shield, p.package_radius, float(np.median(doses_Bq)) if doses_Bq else 1e9)
        r.assumptions.append(f"transport index of {p.name}: {index:.3g} per GBq behind {p.shield}, estimated from its photons")
    return Product(
        p.name, **values, margin=p.margin, cleaning_s=p.cleaning, vial_residue_fraction=p.vial_residue, max_start_Bq=p.max_start or math.inf, min_start_Bq=p.min_start or 0.0,
        max_wait_s=p.max_wait, batch_cost=p.batch_cost, occupancy_s=p.occupancy, handling_s=p.handling, transport_index_per_Bq=index * 1e-9, shield=shield, package_radius_cm=p.package_radius,
    )  # fmt: skip


def _index_per_GBq(name: str, shield: tuple[tuple[str, float], ...], radius_cm: float, dose_Bq: float) -> float:
    """Transport index per GBq, 100 times mSv/h at 1 m from the package, before it is rounded."""
    from ..supply.packages import package

    return 100 * package({name: dose_Bq}, shield=shield, radius_cm=radius_cm).one_metre_mSv_per_h / dose_Bq * 1e9


def _check_labs(r: Reading, sites: Mapping[str, Site], products: Mapping[str, Product]) -> None:
    for s in sites.values():
        for name in s.products:
            known(name, products, f"site {s.id}", "product")
        if s.products and s.cells == 0:
            raise BadInput(f"site {s.id}: it makes {s.products[0]} and has no cells; give it cells.")
        for name, limit in s.possession_Bq.items():
            if not any(p.nuclide == name for p in products.values()):
                r.warnings.append(f"site {s.id}: the limit of {name} ({limit:.3g} Bq) is of a nuclide that no product has")
    made = {n for s in sites.values() for n in s.products}
    for name in products:
        if name not in made:
            r.warnings.append(f"no lab makes {name}: none of its patients can be served")


def _lanes(r: Reading, sites: Mapping[str, Site]) -> tuple[Lane, ...]:
    found = [_lane(r, x, sites) for x in r.file.lane]
    for x in r.file.lanes:
        found += _many_lanes(r, x, sites)
    once((x.id for x in found), "lane")
    if any(x.success == 1.0 and x.late == 0.0 for x in found):
        r.assumptions.append("lanes without a given probability of failure or delay are always in time in the risk")
    return tuple(found)


def _lane(r: Reading, x: LanePart, sites: Mapping[str, Site]) -> Lane:
    known(x.origin, sites, f"lane {x.id}", "site")
    known(x.destination, sites, f"lane {x.id}", "site")
    tz = zone(x.zone, f"lane {x.id}") if x.zone is not None else ZoneInfo(sites[x.origin].zone)
    times = clock_times(x.departures, x.days, r.start, r.end, tz, (), f"lane {x.id}")
    if x.departures and not times:
        r.warnings.append(f"lane {x.id}: none of its departures lies between start and end")
    departures = tuple(Departure(t, t + (x.transit or 0.0)) for t in times)
    return Lane(x.id, x.origin, x.destination, x.mode, x.duration, departures, x.cost, x.max_transport_index or math.inf, x.capacity, x.success, x.late, x.delay)


def _many_lanes(r: Reading, x: LanesPart, sites: Mapping[str, Site]) -> list[Lane]:
    for n in [*x.origins, *(x.destinations or [])]:
        known(n, sites, "lanes", "site")
    wanted = x.destinations or [s.id for s in sites.values() if s.chairs > 0]
    out = []
    for origin in x.origins:
        a = sites[origin]
        for destination in wanted:
            b = sites[destination]
            km = float(great_circle_km(a.latitude, a.longitude, b.latitude, b.longitude))
            if origin == destination or not x.beyond <= km < x.within:
                continue
            name, cost = f"{origin}-{destination} {x.mode}", x.cost + x.cost_per_km * km
            rest = (x.max_transport_index or math.inf, x.capacity, x.success, x.late, x.delay)
            if x.mode == "road":
                transit = 3600 * float(road_hours(km, detour=x.detour, speed_km_per_h=x.speed or 70.0, handling_h=1.0 if x.fixed is None else x.fixed / 3600))
            else:
                # The cut-off is the hand-over at the airport; what follows it is counted, the way to it before.
                transit = 3600 * float(air_hours(km, road_before_h=0.0, fixed_h=0.5 if x.fixed is None else x.fixed / 3600, speed_km_per_h=x.speed or 780.0))
            times = clock_times(x.departures, x.days, r.start, r.end, ZoneInfo(a.zone), (), "lanes")
            any_time = None if x.departures else transit
            out.append(Lane(name, origin, destination, x.mode, any_time, tuple(Departure(t, t + transit) for t in times), cost, *rest))
    if not out:
        r.warnings.append(f"lanes by {x.mode} from {', '.join(x.origins)}: no destination lies between {x.beyond:g} and {x.within:g} km")
    r.assumptions.append(f"lanes by {x.mode}: times by a model, not measured")
    return out
