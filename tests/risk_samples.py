"""Plans small enough that what they lose can be written down."""

from __future__ import annotations

import math
from typing import Any

from lutetia.nuclides import nuclide
from lutetia.supply.network.model import (
    Batch,
    Delivery,
    Departure,
    Dose,
    Draw,
    Fleet,
    Lane,
    Lot,
    Machine,
    Patient,
    Product,
    Scenario,
    Site,
    SupplyPlan,
    Tour,
)

HOUR = 3600.0
DOSE_Bq = 7.4e9
INJECTION_H, RELEASE_H = 6.0, 3.0


def small_plan(
    batches: int = 1, per: int = 3, *, lot_success: float = 1.0, batch_success: float = 1.0, u_yield: float = 0.0, extra: float = 1.0, spare: float = 1.0, window_h: float = 0.0,
    lane: dict[str, Any] | None = None, departures: tuple[Departure, ...] = (), tour: bool = False, hospitals: int = 1, chairs: int = 100, occupancy_h: float = 0.0,
    name: str = "Lu-177", yield_fraction: float = 0.5, cells: int = 100,
) -> tuple[Scenario, SupplyPlan]:  # fmt: skip
    """`batches` batches, each of its own lot, for `per` patients each: started 1 h, released 3 h, there 5 h, injected 6 h after the start.

    `extra` is what a batch holds over what its doses need, `spare` what a lot could give over what is drawn.
    """
    rate = nuclide(name).decay_constant_per_s
    product = Product(
        "x", name, yield_fraction, HOUR, HOUR, 500 * HOUR, u_yield=u_yield, success=batch_success, occupancy_s=occupancy_h * HOUR, handling_s=HOUR, transport_index_per_Bq=1e-9
    )
    release = extra * per * DOSE_Bq * math.exp(rate * (INJECTION_H - RELEASE_H) * HOUR)
    start = release * math.exp(2 * rate * HOUR) / yield_fraction
    lots = [Lot(f"lot{n}", f"machine{n}", "lab", name, 0.0, HOUR, start * spare) for n in range(batches)]
    places = [f"h{n}" for n in range(hospitals)]
    sites = {"lab": Site("lab", "lab", 31.0, 121.0, "UTC", cells=cells, products=("x",), fleet=Fleet(9) if tour else None)}
    sites |= {h: Site(h, h, 31.0 + 0.1 * (n + 1), 121.0, "UTC", chairs=chairs) for n, h in enumerate(places)}
    lanes = () if tour else tuple(Lane(f"lane {h}", "lab", h, "road", None if departures else 2 * HOUR, departures, **(lane or {})) for h in places)
    patients = tuple(
        Patient(f"p{b}.{k}", places[b % hospitals], "x", DOSE_Bq, INJECTION_H * HOUR, (INJECTION_H + window_h) * HOUR) for b in range(batches) for k in range(per)
    )
    s = Scenario("small", "2026-01-05T00:00:00+00:00", 1e6, tuple(Machine(x.machine, "lab", name, "line", (x,), success=lot_success) for x in lots), {"x": product}, sites, lanes, patients)
    made = tuple(Batch(f"b{n}", "lab", "x", HOUR, 2 * HOUR, 3 * HOUR, 502 * HOUR, (Draw(f"lot{n}", start),), start, release * math.exp(rate * HOUR), release) for n in range(batches))
    depart = departures[0].cutoff_s if departures else 3 * HOUR
    ways = tuple(
        Delivery(f"way{n}", f"b{n}", h, None if tour else f"lane {h}", f"tour{n}" if tour else None, depart, departures[0].arrive_s if departures else 5 * HOUR, release, 1.0)
        for n in range(batches) for h in [places[n % hospitals]]
    )  # fmt: skip
    tours = tuple(Tour(f"tour{n}", "lab", n, 3 * HOUR, 7 * HOUR, ((f"way{n}", 5 * HOUR),), 50.0, 1.0) for n in range(batches)) if tour else ()
    doses = tuple(Dose(f"p{b}.{k}", f"b{b}", f"way{b}", INJECTION_H * HOUR, release / per / extra, DOSE_Bq) for b in range(batches) for k in range(per))
    n = len(patients)
    return s, SupplyPlan({x.id: (x, start) for x in lots}, made, ways, tours, doses, n, n, 0.0, 0.0, {}, "by hand")
