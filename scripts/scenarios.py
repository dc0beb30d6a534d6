"""Write the three worked scenarios of supply into ``examples/``: a city, a country, trial sites of 225Ac.

Places are cities of the table ``cities`` (GeoNames) or points around one; hospitals and patients are drawn from a seed and
stand for nobody. Run from the repository: ``python scripts/scenarios.py``.
"""

from __future__ import annotations

import csv
import datetime as dt
from pathlib import Path

import numpy as np

from lutetia.core import stream
from lutetia.supply.geography import cities, great_circle_km

ROOT = Path(__file__).parents[1] / "examples"


def write_rows(path: Path, rows: list[dict[str, object]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as f:
        out = csv.DictWriter(f, fieldnames=list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def city_day() -> None:
    """30 hospitals around one cyclotron, one day of 18F and 68Ga."""
    r = stream(11, "city")
    folder = ROOT / "supply-city"
    hospitals, patients = [], []
    for n in range(30):
        distance, angle = 24 * np.sqrt(r.random()), 2 * np.pi * r.random()
        latitude, longitude = 31.20 + distance * np.cos(angle) / 111.2, 121.40 + distance * np.sin(angle) / (111.2 * np.cos(np.radians(31.2)))
        hospitals.append({"id": f"hospital-{n + 1:02d}", "name": f"Hospital {n + 1:02d}", "latitude": round(latitude, 4), "longitude": round(longitude, 4), "hours": "Mon-Fri 08:00-17:30", "chairs": 2 + int(r.integers(4))})
    share = r.dirichlet(np.full(30, 4.0))
    for n in range(150):
        product, per_kg = (("18F-FDG", 3.7), ("18F-PSMA", 4.0), ("68Ga-DOTATATE", 2.0))[int(r.choice(3, p=(0.55, 0.3, 0.15)))]
        weight = float(np.clip(r.normal(68, 12), 42, 115))
        hour = 8.5 + 0.5 * int(r.integers(16))
        at = dt.datetime(2026, 11, 2) + dt.timedelta(hours=hour)
        patients.append(
            {
                "id": f"patient-{n + 1:03d}", "hospital": f"hospital-{1 + int(r.choice(30, p=share)):02d}", "product": product, "prescribed": f"{per_kg} MBq/kg", "weight": f"{weight:.0f} kg",
                "earliest": at.isoformat(), "latest": (at + dt.timedelta(minutes=30)).isoformat(), "priority": 2 if r.random() < 0.15 else 1,
            }
        )  # fmt: skip
    write_rows(folder / "hospitals.csv", hospitals)
    write_rows(folder / "patients.csv", patients)


def country_week() -> None:
    """60 hospitals with patients and 220 more with wards, one reactor, four hot labs, five days of 177Lu."""
    r = stream(12, "country")
    names, countries, latitude, longitude, population = cities()
    mainland = [n for n in np.flatnonzero(countries == "CN") if latitude[n] > 18]
    apart: list[int] = []
    for n in mainland:  # districts of one city are listed beside it
        if all(great_circle_km(latitude[n], longitude[n], latitude[k], longitude[k]) > 25 for k in apart):
            apart.append(int(n))
    chosen = apart[:120]
    weights = population[chosen] / population[chosen].sum()
    seats = np.maximum(1, np.floor(280 * weights)).astype(int)
    while seats.sum() != 280:
        seats[int(r.choice(120, p=weights))] += 1 if seats.sum() < 280 else 0
        if seats.sum() > 280:
            seats[int(np.argmax(seats))] -= 1
    hospitals: list[dict[str, object]] = []
    for n, count in zip(chosen, seats):
        hospitals += [
            {
                "id": f"ward-{len(hospitals) + k + 1:03d}", "name": f"Ward {k + 1}, {names[n]}", "latitude": round(float(latitude[n]) + 0.02 * k, 4), "longitude": round(float(longitude[n]) - 0.02 * k, 4),
                "hours": "Mon-Fri 08:00-17:00", "chairs": 1 + int(r.integers(4)),
            }
            for k in range(count)
        ]  # fmt: skip
    size = np.array([float(population[chosen[n]]) / seats[n] for n in range(120) for _ in range(seats[n])])
    first = r.choice(280, 60, replace=False, p=size / size.sum())
    patients = []
    for n in range(300):
        day = int(r.integers(5))
        at = dt.datetime(2026, 11, 9 + day, 9)
        patients.append(
            {
                "id": f"patient-{n + 1:03d}", "hospital": hospitals[int(r.choice(first))]["id"], "product": "177Lu-PSMA-617", "prescribed": "7.4 GBq", "earliest": at.isoformat(),
                "latest": (at + dt.timedelta(hours=6)).isoformat(), "priority": 1,
            }
        )  # fmt: skip
    write_rows(ROOT / "supply-country" / "hospitals.csv", hospitals)
    write_rows(ROOT / "supply-country" / "patients.csv", patients)


def trial_sites() -> None:
    """20 trial sites of 225Ac over two weeks."""
    r = stream(13, "actinium")
    names, countries, latitude, longitude, population = cities()
    big = [int(n) for n in np.flatnonzero((countries == "CN") & (population > 1.5e6))]
    apart: list[int] = []
    for n in big:
        if all(great_circle_km(latitude[n], longitude[n], latitude[k], longitude[k]) > 150 for k in apart):
            apart.append(n)
    sites = [
        {"id": f"site-{k + 1:02d}", "name": f"Trial site, {names[n]}", "latitude": round(float(latitude[n]), 4), "longitude": round(float(longitude[n]), 4), "hours": "Mon-Fri 08:00-18:00", "chairs": 2}
        for k, n in enumerate(apart[:20])
    ]
    patients = []
    for n in range(60):
        day = int(r.choice([14, 15, 16, 17, 18, 21, 22, 23, 24, 25]))
        at = dt.datetime(2026, 11, 2, 9) + dt.timedelta(days=day)
        patients.append(
            {
                "id": f"patient-{n + 1:03d}", "hospital": f"site-{1 + int(r.integers(20)):02d}", "product": "225Ac-PSMA", "prescribed": "50 kBq/kg", "weight": f"{float(np.clip(r.normal(74, 12), 48, 120)):.0f} kg",
                "earliest": at.isoformat(), "latest": (at + dt.timedelta(hours=8)).isoformat(), "priority": 1,
            }
        )  # fmt: skip
    write_rows(ROOT / "supply-actinium" / "hospitals.csv", sites)
    write_rows(ROOT / "supply-actinium" / "patients.csv", patients)


if __name__ == "__main__":
    city_day()
    country_week()
    trial_sites()
