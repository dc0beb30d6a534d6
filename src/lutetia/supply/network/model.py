"""What a scenario is made of: machines, products, sites, lanes, fleets and patients, as plain values.

Times are seconds from the start of the scenario, activities becquerel at the time that is said, costs in the scenario's
own currency.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from ...nuclides import nuclide

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Lot:
    """One possible irradiation, discharge or elution: what a machine can have ready at `end_s`.

    Attributes
    ----------
    id, machine, site, nuclide : str
    start_s, end_s : float
        The machine is taken from `start_s` to `end_s` (and its changeover after it).
    activity_Bq : float
        Activity at `end_s` at most.
    adjustable : bool
        Whether less can be made by a shorter run or a smaller target; an elution gives what it gives.
    fixed_cost, cost_per_Bq : float
    """

    id: str
    machine: str
    site: str
    nuclide: str
    start_s: float
    end_s: float
    activity_Bq: float
    adjustable: bool = True
    fixed_cost: float = 0.0
    cost_per_Bq: float = 0.0


@dataclass(frozen=True, slots=True)
class Machine:
    """A cyclotron target, a reactor position, a generator: its possible lots, of which it can make one at a time.

    Attributes
    ----------
    lots : tuple of Lot
    changeover_s : float
        Between two lots.
    parallel : int
        Lots at the same time.
    success : float
        Probability that a lot is made.
    cool_s, recovery : float
        Wait and chemistry at the machine's site before the activity can travel or be labelled, and the share recovered.
    beam : str or None
        Machines of one beam, targets of one cyclotron, cannot run at one time beyond `parallel` of them.
    """

    id: str
    site: str
    nuclide: str
    kind: str
    lots: tuple[Lot, ...]
    changeover_s: float = 0.0
    parallel: int = 1
    success: float = 1.0
    cool_s: float = 0.0
    recovery: float = 1.0
    beam: str | None = None

    @property
    def shared(self) -> str:
        """What is taken while a lot is made: the beam, or the machine itself."""
        return self.beam or self.id


@dataclass(frozen=True, slots=True)
class Product:
    """A radiopharmaceutical as it is made: time, yield, losses, life.

    Attributes
    ----------
    yield_fraction : float
        Decay-corrected share of the starting activity in the product.
    u_yield : float
        Relative standard deviation from batch to batch.
    margin : float
        Share by which the plan orders more than the mean yield asks for.
    synthesis_s, qc_s, cleaning_s : float
        To the end of synthesis; from there to release; of the cell after the synthesis.
    residue_fraction, qc_fraction : float
        Shares of the product at the end of synthesis that stay in the equipment and go to quality control.
    shelf_life_s : float
        From the end of synthesis to the last injection.
    vial_residue_fraction : float
        Share of a dose that stays in vial, line and syringe.
    max_start_Bq, min_start_Bq : float
        Starting activity that a batch may have.
    max_wait_s : float
        Longest wait of the activity between its arrival at the lab and the start of synthesis.
    success : float
        Probability that a batch is released.
    batch_cost : float
    occupancy_s : float
        How long an injection takes a chair or room.
    handling_s : float
        From arrival at the hospital to the earliest injection.
    transport_index_per_Bq : float
        Of a package, by activity.
    shield, package_radius_cm : tuple of (str, float), float
        Materials and cm around the vial; of the package.
    """

    name: str
    nuclide: str
    yield_fraction: float
    synthesis_s: float
    qc_s: float
    shelf_life_s: float
    u_yield: float = 0.0
    margin: float = 0.0
    cleaning_s: float = 0.0
    residue_fraction: float = 0.0
    qc_fraction: float = 0.0
    vial_residue_fraction: float = 0.0
    max_start_Bq: float = float("inf")
    min_start_Bq: float = 0.0
    max_wait_s: float = 0.0
    success: float = 1.0
    batch_cost: float = 0.0
    occupancy_s: float = 0.0
    handling_s: float = 0.0
    transport_index_per_Bq: float = 0.0
    shield: tuple[tuple[str, float], ...] = (("lead", 1.0),)
    package_radius_cm: float = 15.0

    @property
    def decay_per_s(self) -> float:
        return nuclide(self.nuclide).decay_constant_per_s

    @property
    def product_per_start(self) -> float:
        """Product at the end of synthesis for one becquerel at its start."""
        return self.yield_fraction * math.exp(-self.decay_per_s * self.synthesis_s)

    @property
    def release_per_start(self) -> float:
        """Activity at release for one becquerel at the start of synthesis, with the mean yield."""
        return self.product_per_start * (1 - self.residue_fraction - self.qc_fraction) * math.exp(-self.decay_per_s * self.qc_s)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Like vehicles of one lab that run tours.

    Attributes
    ----------
    vehicles : int
    cost_per_vehicle, cost_per_km : float
        A vehicle is paid once a day on which it runs.
    max_transport_index : float
        Sum over the packages in a vehicle.
    hours : tuple of (float, float)
        When they may run.
    load_s, stop_s : float
        Time to load before a tour, and at each stop.
    """

    vehicles: int
    cost_per_vehicle: float = 0.0
    cost_per_km: float = 0.0
    max_transport_index: float = float("inf")
    hours: tuple[Interval, ...] = ()
    load_s: float = 0.0
    stop_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Site:
    """A place. A lab has cells and operators; a hospital has chairs; a site may be both.

    Attributes
    ----------
    hours : tuple of (float, float)
        When a lab may start and release batches, or a hospital inject; empty: always.
    cells, operators : int
        Batches in synthesis and cleaning, and batches in synthesis and quality control, at one time.
    products : tuple of str
        What the lab can make.
    start_times_s : tuple of float
        When a batch may start; empty: when its lot arrives.
    possession_Bq : mapping
        Most activity of a nuclide in the house at one time.
    chairs : int
        Patients at one time; 0: not a hospital.
    """

    id: str
    name: str
    latitude: float
    longitude: float
    zone: str
    hours: tuple[Interval, ...] = ()
    cells: int = 0
    operators: int = 0
    products: tuple[str, ...] = ()
    start_times_s: tuple[float, ...] = ()
    possession_Bq: Mapping[str, float] = field(default_factory=dict)
    chairs: int = 0
    fleet: Fleet | None = None


@dataclass(frozen=True, slots=True)
class Departure:
    """One departure of a scheduled lane: hand over by `cutoff_s`, in hand at the other end at `arrive_s`."""

    cutoff_s: float
    arrive_s: float


@dataclass(frozen=True, slots=True)
class Lane:
    """A way from one site to another: at any time (`duration_s`), or by `departures`.

    Attributes
    ----------
    mode : str
        ``road``, ``air`` or another word of the user's.
    duration_s : float or None
        Door to door, when it can leave at any time.
    departures : tuple of Departure
    cost : float
        Of one shipment.
    max_transport_index : float
        Of the packages of one shipment together.
    capacity : int or None
        Shipments on one departure at most.
    success, late, delay_s : float
        Probability that a shipment leaves at all; that one which leaves is late; mean delay of one that is late.
    """

    id: str
    origin: str
    destination: str
    mode: str
    duration_s: float | None = None
    departures: tuple[Departure, ...] = ()
    cost: float = 0.0
    max_transport_index: float = float("inf")
    capacity: int | None = None
    success: float = 1.0
    late: float = 0.0
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Patient:
    """Who is to be injected, where, with what, and when.

    Attributes
    ----------
    prescribed_Bq : float
        Activity at injection, at least.
    earliest_s, latest_s : float
        Injection window.
    priority : float
        Weight among patients when not all can be served.
    must : bool
        A plan without this patient is no plan.
    """

    id: str
    hospital: str
    product: str
    prescribed_Bq: float
    earliest_s: float
    latest_s: float
    priority: float = 1.0
    must: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything a plan is made from.

    Attributes
    ----------
    road_speed_km_h, road_detour, road_fixed_s : float
        Model of own vehicles: great circle times detour at this speed, plus a fixed time for each leg.
    road_times_s : mapping of (str, str) to float
        Times that replace the model.
    slot_s : float
        Injections are planned on this grid within their windows.
    objective : str
        ``patients`` (then cost) or ``makespan`` (all patients, and the last vehicle back as early as possible).
    change_cost : float
        What a changed appointment or batch weighs against cost when a plan is made anew.
    """

    title: str
    start: str
    end_s: float
    machines: tuple[Machine, ...]
    products: Mapping[str, Product]
    sites: Mapping[str, Site]
    lanes: tuple[Lane, ...]
    patients: tuple[Patient, ...]
    slot_s: float = 900.0
    road_speed_km_h: float = 40.0
    road_detour: float = 1.3
    road_fixed_s: float = 300.0
    road_times_s: Mapping[tuple[str, str], float] = field(default_factory=dict)
    objective: str = "patients"
    change_cost: float = 0.0
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Draw:
    """Activity that a batch takes from a lot: at the lot's end, before recovery and the way to the lab."""

    lot: str
    activity_Bq: float
    lane: str | None = None
    depart_s: float | None = None
    arrive_s: float | None = None


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of the plan; `activity_Bq` at its start, at the end of synthesis and at release, in this order."""

    id: str
    lab: str
    product: str
    start_s: float
    synthesis_end_s: float
    release_s: float
    expiry_s: float
    draws: tuple[Draw, ...]
    start_Bq: float
    product_Bq: float
    release_Bq: float


@dataclass(frozen=True, slots=True)
class Delivery:
    """Vials of one batch to one hospital, by a lane's departure or on a tour."""

    id: str
    batch: str
    hospital: str
    lane: str | None
    tour: str | None
    depart_s: float
    arrive_s: float
    activity_Bq: float
    transport_index: float


@dataclass(frozen=True, slots=True)
class Tour:
    """A vehicle's way out from a lab and back, with the arrival at each stop."""

    id: str
    depot: str
    vehicle: int
    depart_s: float
    return_s: float
    stops: tuple[tuple[str, float], ...]
    km: float
    transport_index: float


@dataclass(frozen=True, slots=True)
class Dose:
    """One patient served: `release_Bq` is what is dispensed, `injected_Bq` what is injected at `injection_s`."""

    patient: str
    batch: str
    delivery: str
    injection_s: float
    release_Bq: float
    injected_Bq: float


def plan_as_dict(p: SupplyPlan) -> dict[str, Any]:
    """A plan as plain values, for a file; `plan_from_dict` reads it."""
    whole = asdict(p)
    whole["lots"] = [{**asdict(x), "made_Bq": a} for x, a in p.lots.values()]
    return whole


def plan_from_dict(d: Mapping[str, Any]) -> SupplyPlan:
    """The plan that `plan_as_dict` wrote."""
    lots = {}
    for x in d["lots"]:
        made = x["made_Bq"]
        lots[x["id"]] = (Lot(**{k: v for k, v in x.items() if k != "made_Bq"}), made)
    return SupplyPlan(
        lots, tuple(Batch(**{**b, "draws": tuple(Draw(**x) for x in b["draws"])}) for b in d["batches"]), tuple(Delivery(**x) for x in d["deliveries"]),
        tuple(Tour(**{**t, "stops": tuple((k, a) for k, a in t["stops"])}) for t in d["tours"]), tuple(Dose(**x) for x in d["doses"]),
        d["served_weight"], d["served_bound"], d["cost"], d["cost_bound"], d["costs"], d["method"], d["iterations"],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class SupplyPlan:
    """A plan, with what is known of how good it can be.

    Attributes
    ----------
    lots : mapping of str to (Lot, float)
        Lots that are made, and the activity made.
    served_weight, served_bound : float
        Priorities served, and what no plan can exceed.
    cost, cost_bound : float
        Cost, and what no plan that serves as much can go below.
    """

    lots: Mapping[str, tuple[Lot, float]]
    batches: tuple[Batch, ...]
    deliveries: tuple[Delivery, ...]
    tours: tuple[Tour, ...]
    doses: tuple[Dose, ...]
    served_weight: float
    served_bound: float
    cost: float
    cost_bound: float
    costs: Mapping[str, float]
    method: str
    iterations: int = 1

    @property
    def gap_served(self) -> float:
        return max(0.0, (self.served_bound - self.served_weight) / self.served_bound) if self.served_bound > 0 else 0.0

    @property
    def gap_cost(self) -> float:
        return max(0.0, (self.cost - self.cost_bound) / self.cost) if self.cost > 0 else 0.0

    @property
    def gap(self) -> float:
        """The larger of both gaps."""
        return max(self.gap_served, self.gap_cost)
