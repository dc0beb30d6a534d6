"""Places of a nation, and the hours between them by road and by air."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..core import BadInput
from ..data import table
from .geography import air_hours, cities, city, great_circle_km, road_hours

#: Ways of travel, in the order of the first axis of `travel_hours`.
MODES = ("road", "air")


@dataclass(frozen=True, slots=True)
class Places:
    """Places as arrays of one length; degrees north and east."""

    name: tuple[str, ...]
    lat_deg: np.ndarray
    lon_deg: np.ndarray
    population: np.ndarray

    def __len__(self) -> int:
        return len(self.name)


def largest(countries: Sequence[str], count: int, *, apart_km: float = 0.0) -> Places:
    """The `count` largest cities of the countries (codes of GeoNames).

    A city nearer than `apart_km` to a larger one is left out: GeoNames lists districts of large cities as cities of
    their own, whose people are counted in both. Of cities of one name all but the largest get a number.

    Raises
    ------
    BadInput
        A country without a city in the table.

    >>> largest(["FR"], 2).name
    ('Paris', 'Marseille')
    """
    names, held, lat, lon, population = cities()
    codes = [c.upper() for c in countries]
    for code in codes:
        if not np.any(held == code):
            raise BadInput(f"There is no city of the country {code!r} in the table; give a code of two letters such as 'CN', or the cities themselves.")
    of_these = np.flatnonzero(np.isin(held, codes))
    distance = great_circle_km(lat[of_these][:, None], lon[of_these][:, None], lat[of_these], lon[of_these])
    near = np.tril(distance < apart_km, -1)
    kept = np.zeros(len(of_these), bool)
    for n in range(len(of_these)):  # in order of size: each asks the larger ones that were kept
        kept[n] = not np.any(near[n] & kept)
    keep = of_these[kept][:count]
    again: dict[str, int] = {}
    unique = []
    for name in map(str, names[keep]):
        again[name] = again.get(name, 0) + 1
        unique.append(name if again[name] == 1 else f"{name} ({again[name]})")
    return Places(tuple(unique), lat[keep].astype(float), lon[keep].astype(float), population[keep].astype(float))


def named(names: Sequence[str], own: Mapping[str, tuple[float, float]] | None = None) -> Places:
    """Cities by name; `own` gives latitude and longitude of places that the table lacks or that lie elsewhere.

    Raises
    ------
    BadInput
        No such city.
    """
    own = own or {}
    found = [None if n in own else city(n) for n in names]
    where = [own[n] if c is None else (c.lat_deg, c.lon_deg) for n, c in zip(names, found)]
    return Places(
        tuple(names), np.array([w[0] for w in where], float), np.array([w[1] for w in where], float), np.array([0.0 if c is None else float(c.population) for c in found])
    )


def travel_hours(a: Places, b: Places, road: Mapping[str, float], air: Mapping[str, float]) -> np.ndarray:
    """Hours door to door by road and by air, shape (2, len(a), len(b)).

    By air: a road to the airport nearest to each place (great circle), without handling, and `air_hours` between
    both. Where both have the same airport there is no flight: infinity.

    Parameters
    ----------
    a, b : Places
    road : mapping
        Arguments of `road_hours`.
    air : mapping
        Arguments of `air_hours`, but for its roads.
    """
    direct = road_hours(great_circle_km(a.lat_deg[:, None], a.lon_deg[:, None], b.lat_deg, b.lon_deg), **road)
    ports = table("airports")
    near_a, leg_a = _nearest(a, ports["lat_deg"], ports["lon_deg"], road)
    near_b, leg_b = _nearest(b, ports["lat_deg"], ports["lon_deg"], road)
    between = great_circle_km(ports["lat_deg"][near_a][:, None], ports["lon_deg"][near_a][:, None], ports["lat_deg"][near_b], ports["lon_deg"][near_b])
    flown = air_hours(between, road_before_h=leg_a[:, None], road_after_h=leg_b[None, :], **air)
    return np.stack([direct, np.where(near_a[:, None] == near_b, np.inf, flown)])


def airport_km(p: Places) -> np.ndarray:
    """Great circle to the nearest airport of the table, which is whole for China alone; shape (len(p),)."""
    ports = table("airports")
    return great_circle_km(p.lat_deg[:, None], p.lon_deg[:, None], ports["lat_deg"], ports["lon_deg"]).min(axis=1)


def _nearest(p: Places, lat: np.ndarray, lon: np.ndarray, road: Mapping[str, float]) -> tuple[np.ndarray, np.ndarray]:
    """Row of the nearest airport of each place, and the hours of road to it."""
    distance = great_circle_km(p.lat_deg[:, None], p.lon_deg[:, None], lat, lon)
    near = distance.argmin(axis=1)
    return near, road_hours(distance[np.arange(len(p)), near], **{**road, "handling_h": 0.0})
