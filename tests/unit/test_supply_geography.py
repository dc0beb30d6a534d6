"""Cities, airports, coasts and times of travel."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.data import table
from lutetia.supply.geography import (
    air_hours,
    cities,
    city,
    coastlines,
    great_circle_km,
    nearest_airport,
    place,
    road_hours,
    road_km,
)


def test_a_matrix_of_distances_needs_no_loop() -> None:
    _, _, lat, lon, population = cities()
    km = great_circle_km(lat[:, None], lon[:, None], lat, lon)
    assert km.shape == (len(lat), len(lat)) and len(lat) > 1500
    assert (np.diff(population) <= 0).all() and np.allclose(km, km.T) and (np.diag(km) == 0).all()


def test_spelling_and_country_of_a_city() -> None:
    assert city("SHANGHAI").population > 2e7 and city("shang hai").country == "CN"
    assert city("Zürich").name == city("zurich").name
    assert city("Valencia, ES").lat_deg == pytest.approx(39.47, abs=0.1) and city("Valencia").country == "VE"
    with pytest.raises(BadInput, match="Did you mean Guangzhou"):
        city("Guangzou")
    with pytest.raises(BadInput, match="it is in ES, VE"):
        city("Valencia, FR")
    with pytest.raises(BadInput, match="no city ''"):
        city("")


def test_the_four_hundred_of_china_are_there() -> None:
    _, country, *_ = cities()
    assert np.isin(country, ["CN", "HK", "MO", "TW"]).sum() >= 400
    assert "CC BY 4.0" in table("cities").source["licence"]


def test_travel_models_by_hand() -> None:
    assert float(road_km(100.0)) == 130.0 and float(road_km(100.0, detour=1.0)) == 100.0
    assert float(road_hours(500.0)) == pytest.approx(650 / 70 + 1)
    assert float(road_hours(500.0, speed_km_per_h=65, handling_h=0)) == 10.0
    assert float(air_hours(1560.0, road_before_h=0.5, road_after_h=0.5, wait_h=12)) == pytest.approx(0.5 + 3 + 12 + 0.5 + 2 + 1.5 + 0.5)


def test_the_road_wins_near_and_the_aircraft_far() -> None:
    km = np.array([100.0, 300.0, 700.0, 1500.0])
    faster = road_hours(km) < air_hours(km)
    assert faster.tolist() == [True, True, False, False]


@pytest.mark.parametrize("options", [{"detour": 0.9}, {"speed_km_per_h": 0.0}, {"handling_h": -1.0}, {"speed_km_per_h": float("nan")}])
def test_travel_that_cannot_be(options: dict[str, float]) -> None:
    with pytest.raises(BadInput, match="was given as"):
        road_hours(100.0, **options)


def test_nearest_airport_is_the_nearest() -> None:
    found = nearest_airport(22.55, 114.06)  # Shenzhen
    assert found.iata in ("SZX", "HKG") and found.distance_km < 50
    t = table("airports")
    assert found.distance_km == great_circle_km(22.55, 114.06, t["lat_deg"], t["lon_deg"]).min()
    with pytest.raises(BadInput, match="is no place"):
        nearest_airport(91.0, 0.0)
    with pytest.raises(BadInput, match="is no place"):
        place(0.0, float("inf"))


def test_coasts_are_lines_on_the_globe() -> None:
    lon, lat = coastlines()
    assert lon.dtype == np.float32 and lon.shape == lat.shape and len(lon) > 20_000
    gaps = np.isnan(lon)
    assert (gaps == np.isnan(lat)).all() and 300 < gaps.sum() < 3000 and not gaps[0] and not gaps[-1]
    assert not (gaps[1:] & gaps[:-1]).any()
    assert np.nanmax(np.abs(lon)) <= 180 and np.nanmax(np.abs(lat)) <= 90
    step = great_circle_km(lat[:-1], lon[:-1], lat[1:], lon[1:])
    assert np.nanmax(step) < 250  # no line runs across the map
    # Gibraltar, Singapore and Cape Town lie at the sea; Berlin, Xi'an and Kansas City do not.
    at_sea = [(36.1, -5.4), (1.3, 103.8), (-33.9, 18.4)]
    inland = [(52.5, 13.4), (34.3, 108.9), (39.1, -94.6)]
    near = [float(np.nanmin(great_circle_km(a, b, lat, lon))) for a, b in at_sea + inland]
    assert max(near[:3]) < 25 and min(near[3:]) > 120
