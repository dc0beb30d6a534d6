"""Places that a nation file names, and the sites of its locations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import BadInput, finite_or_none
from ..nuclides import nuclide
from ..supply.nation_places import Places, largest, named
from ..supply.nation_sites import Access, access, choose_sites, served
from .nation_file import LocationPart, NationFile, PlacePart

_HOUR_S = 3600.0


def nation_cities(f: NationFile) -> Places:
    """The cities of a file, with the people that they stand for."""
    if f.demand.countries:
        p = largest(f.demand.countries, f.demand.cities, apart_km=f.demand.apart)
    else:
        found = where(f.city)
        own = np.array([np.nan if c.population is None else c.population for c in f.city])
        p = Places(found.name, found.lat_deg, found.lon_deg, np.where(np.isnan(own), found.population, own))
    if f.demand.population is not None and p.population.sum() > 0:
        p = Places(p.name, p.lat_deg, p.lon_deg, p.population / p.population.sum() * f.demand.population)
    return p


def where(parts: Sequence[PlacePart]) -> Places:
    """Places of parts under the names that the file gives them."""
    own = {p.name: (p.latitude, p.longitude) for p in parts if p.latitude is not None and p.longitude is not None}
    found = named([p.name if p.name in own else p.city or p.name for p in parts], own)
    return Places(tuple(p.name for p in parts), found.lat_deg, found.lon_deg, found.population)


def joined(a: Places, b: Places) -> Places:
    """Places of both, those of `a` first."""
    return Places(a.name + b.name, np.append(a.lat_deg, b.lat_deg), np.append(a.lon_deg, b.lon_deg), np.append(a.population, b.population))


def _of(p: Places, keep: np.ndarray) -> Places:
    return Places(tuple(p.name[n] for n in keep), p.lat_deg[keep], p.lon_deg[keep], p.population[keep])


def among(who: int | list[str], cities: Places) -> Places:
    """Candidates: the largest cities of the file, or those named (of the file, else of the table)."""
    if isinstance(who, int):
        if who < 1:
            raise BadInput(f"among = {who} was given; give at least one candidate.")
        return _of(cities, np.argsort(-cities.population, kind="stable")[:who])
    return named(who, {n: (float(a), float(b)) for n, a, b in zip(cities.name, cities.lat_deg, cities.lon_deg)})


def location(x: LocationPart, cities: Places, hours: Callable[[Places, Places], np.ndarray], time_limit_s: float) -> dict[str, Any]:
    """The choice of sites of one location, with runners-up and who is within reach, as plain values."""
    candidates = among(x.among, cities)
    standing = among(x.standing, cities) if x.standing else None
    sites, stands = candidates, np.zeros(len(candidates), bool)
    if standing is not None:
        keep = np.array([n for n, name in enumerate(candidates.name) if name not in standing.name], int)
        sites = joined(_of(candidates, keep), standing)
        stands = np.arange(len(sites)) >= len(keep)
    both = hours(sites, cities)
    # Places that share an airport have no flight between them: those alone go by road.
    h = {"both": both.min(axis=0), "road": both[0], "air": np.where(np.isinf(both[1]), both[0], both[1])}[x.by]
    limit, people = x.within / _HOUR_S, cities.population
    if x.serve == "hours":
        weight = np.maximum(limit - h, 0.0)
    else:
        weight = np.where(h <= limit, 1.0 if x.nuclide is None else np.exp(-nuclide(x.nuclide).decay_constant_per_s * np.where(np.isfinite(h), h, 0.0) * _HOUR_S), 0.0)
    gain = weight * people
    found = choose_sites(gain, x.choose, standing=stands, runners_up=x.runners_up, time_limit_s=time_limit_s)
    within = tuple(w / _HOUR_S for w in x.shares_within)
    total = float(people.sum())
    before = _access_of(access(h[stands], people, within), cities) if stands.any() else None
    opened = np.union1d(np.array(found[0].sites, int), np.flatnonzero(stands))
    nearest = h[opened].min(axis=0)

    def choice(c: Any) -> dict[str, Any]:
        return {"sites": [sites.name[n] for n in c.sites], "served": c.value / total, "no_choice_above": c.bound / total}

    return {
        "name": x.name, "serve": x.serve, "nuclide": x.nuclide, "within_h": limit, "choose": x.choose, "candidates": int((~stands).sum()), "standing": [sites.name[n] for n in np.flatnonzero(stands)],
        "unit": {"activity": "mean share of the activity sent out that arrives, over all inhabitants", "reach": "share of inhabitants within reach", "hours": "mean hours below the limit"}[x.serve],
        **choice(found[0]), "served_before": served(gain, stands) / total, "runners_up": [choice(c) for c in found[1:]],
        "access": _access_of(access(h[opened], people, within), cities), "access_before": before,
        "places": [{"name": sites.name[n], "latitude": float(sites.lat_deg[n]), "longitude": float(sites.lon_deg[n]), "standing": bool(stands[n])} for n in opened],
        "cities": [
            {"name": cities.name[n], "latitude": float(cities.lat_deg[n]), "longitude": float(cities.lon_deg[n]), "population": float(people[n]), "hours": finite_or_none(float(nearest[n])), "nearest": sites.name[opened[h[opened, n].argmin()]]}
            for n in range(len(cities))
        ],
    }  # fmt: skip


def _access_of(a: Access, cities: Places) -> dict[str, Any]:
    return {
        "within": [{"hours": h, "share": s} for h, s in a.within], "median_h": finite_or_none(a.median_h), "p95_h": finite_or_none(a.p95_h),
        "worst": {"name": cities.name[a.worst], "hours": finite_or_none(a.worst_h)},
    }  # fmt: skip
