"""Places, distances and times of travel: cities, airports, coastlines, and two plain models of road and air.

The travel models are not measured: a detour over the great circle and a mean speed, all of them arguments. Where a
time is known it should be given instead.
"""

from __future__ import annotations

import functools
import math
import unicodedata
from dataclasses import dataclass

import numpy as np

from ..core import BadInput, near_matches
from ..data import table

#: Mean radius of the Earth (IUGG), km.
EARTH_RADIUS_KM = 6371.0088


@dataclass(frozen=True, slots=True)
class City:
    """A city of GeoNames (CC BY 4.0); degrees north and east."""

    name: str
    country: str
    lat_deg: float
    lon_deg: float
    population: int


@dataclass(frozen=True, slots=True)
class Airport:
    """An airport, and how far it is on the great circle from the place asked for."""

    iata: str
    name: str
    country: str
    lat_deg: float
    lon_deg: float
    distance_km: float


def great_circle_km(lat1: np.ndarray | float, lon1: np.ndarray | float, lat2: np.ndarray | float, lon2: np.ndarray | float) -> np.ndarray:
    """Great-circle distance in km by the haversine on a sphere; degrees, broadcast together.

    A quarter of the way round, from the equator to the pole:

    >>> float(great_circle_km(0.0, 0.0, 90.0, 0.0).round(1))
    10007.6
    """
    p1, l1, p2, l2 = (np.radians(np.asarray(x, float)) for x in (lat1, lon1, lat2, lon2))
    h = np.sin((p2 - p1) / 2) ** 2 + np.cos(p1) * np.cos(p2) * np.sin((l2 - l1) / 2) ** 2
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0)))


def road_km(great_circle: np.ndarray | float, *, detour: float = 1.3) -> np.ndarray:
    """Length of a road, `detour` times the great circle (a model, not measured)."""
    return np.asarray(great_circle, float) * _positive(detour, "detour", least=1.0)


def road_hours(great_circle: np.ndarray | float, *, detour: float = 1.3, speed_km_per_h: float = 70.0, handling_h: float = 1.0) -> np.ndarray:
    """Hours door to door by road: `handling_h` and the road at a mean speed (a model, not measured).

    >>> float(road_hours(350.0))  # 455 km at 70 km/h, and an hour
    7.5
    """
    return _positive(handling_h, "handling_h", least=0.0) + road_km(great_circle, detour=detour) / _positive(speed_km_per_h, "speed_km_per_h")


def air_hours(
    great_circle: np.ndarray | float, *, road_before_h: np.ndarray | float = 1.0, road_after_h: np.ndarray | float = 1.0,
    cut_off_h: float = 3.0, retrieval_h: float = 1.5, fixed_h: float = 0.5, speed_km_per_h: float = 780.0, wait_h: float = 0.0,
) -> np.ndarray:  # fmt: skip
    """Hours door to door by air (a model, not measured).

    Parameters
    ----------
    great_circle : array_like
        Between the airports, km.
    road_before_h, road_after_h : array_like
        The legs to the first airport and from the second.
    cut_off_h, retrieval_h : float
        Dangerous goods are handed in before, and come out after, the flight.
    fixed_h, speed_km_per_h : float
        Flight time is `fixed_h` and the great circle at this speed.
    wait_h : float
        For the next flight.

    >>> float(air_hours(780.0))  # 1 + 3 + 0 + 0.5 + 1 + 1.5 + 1
    8.0
    """
    flight = _positive(fixed_h, "fixed_h", least=0.0) + np.asarray(great_circle, float) / _positive(speed_km_per_h, "speed_km_per_h")
    ground = _positive(cut_off_h, "cut_off_h", least=0.0) + _positive(retrieval_h, "retrieval_h", least=0.0) + _positive(wait_h, "wait_h", least=0.0)
    return flight + ground + np.asarray(road_before_h, float) + np.asarray(road_after_h, float)


def cities() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Names, countries, degrees north, degrees east and population of every city, the largest first; shapes (n,)."""
    t = table("cities")
    return t["name"], t["country"], t["lat_deg"], t["lon_deg"], t["population"]


def city(name: str) -> City:
    """A city by its name, the largest of that name; ``"Name, CC"`` names the country too.

    Case, accents and hyphens do not matter.

    Raises
    ------
    BadInput
        No such city; the sentence names near matches.

    >>> city("sao paulo").country, city("Valencia, VE").country
    ('BR', 'VE')
    """
    wanted, _, country = (x.strip() for x in name.partition(","))
    t, rows = table("cities"), _by_name().get(_plain(wanted), ())
    for n in rows:
        if not country or str(t["country"][n]).lower() == country.lower():
            return City(str(t["name"][n]), str(t["country"][n]), float(t["lat_deg"][n]), float(t["lon_deg"][n]), int(t["population"][n]))
    if rows:
        raise BadInput(f"There is no {wanted} in the country {country!r}; it is in {', '.join(sorted({str(t['country'][n]) for n in rows}))}.")
    raise BadInput(f"There is no city {name!r} among the {len(t['name'])} listed; give another, or a latitude and longitude.{near_matches(wanted, t['name'].tolist())}")


def nearest_airport(lat_deg: float, lon_deg: float) -> Airport:
    """The nearest airport of the table, which is whole for China and holds large airports elsewhere.

    >>> nearest_airport(48.85, 2.35).iata in ("CDG", "ORY")  # Paris
    True
    """
    place(lat_deg, lon_deg)
    t = table("airports")
    distance = great_circle_km(lat_deg, lon_deg, t["lat_deg"], t["lon_deg"])
    n = int(distance.argmin())
    return Airport(str(t["iata"][n]), str(t["name"][n]), str(t["country"][n]), float(t["lat_deg"][n]), float(t["lon_deg"][n]), float(distance[n]))


def place(lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """Latitude and longitude, checked.

    Raises
    ------
    BadInput
        Not a latitude of -90 to 90 and a longitude of -180 to 180 degrees.
    """
    if not (math.isfinite(lat_deg) and abs(lat_deg) <= 90 and math.isfinite(lon_deg) and abs(lon_deg) <= 180):
        raise BadInput(f"{lat_deg:g}, {lon_deg:g} is no place; give a latitude from -90 to 90 and a longitude from -180 to 180 degrees.")
    return lat_deg, lon_deg


def coastlines() -> tuple[np.ndarray, np.ndarray]:
    """Degrees east and north of coasts (Natural Earth 1:50 million, public domain), lines parted by NaN; float32, shapes (n,)."""
    t = table("coastlines")
    return t["lon_deg"], t["lat_deg"]


def _plain(name: str) -> str:
    """Letters and digits alone, without accents, in lower case."""
    letters = unicodedata.normalize("NFKD", name.casefold())
    return "".join(c for c in letters if c.isalnum())


@functools.cache
def _by_name() -> dict[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    for n, name in enumerate(table("cities")["name"].tolist()):
        found[_plain(name)] = (*found.get(_plain(name), ()), n)
    return found


def _positive(value: float, what: str, *, least: float | None = None) -> float:
    if not math.isfinite(value) or (value <= 0 if least is None else value < least):
        raise BadInput(f"{what} was given as {value:g}; {'a number above zero' if least is None else f'at least {least:g}'} is wanted.")
    return value
