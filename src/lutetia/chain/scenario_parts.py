"""The keys of a scenario file and of a disturbance file, checked one by one."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from .case import Moment, _Part, _quantity

SCENARIO_SCHEMA = "lutetia-scenario/1"
DISTURBANCE_SCHEMA = "lutetia-disturbance/1"


def _share(value: object) -> float:
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            number = float(value.strip()[:-1]) / 100
        except ValueError:
            number = -1.0
        if 0 <= number <= 1:
            return number
    raise ValueError(f"got {value!r}; write a percentage from 0 to 100 such as '5 %'")


def _date(value: object) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    try:
        return dt.date.fromisoformat(str(value))
    except ValueError:
        raise ValueError(f"got {value!r}; write a date such as '2026-12-25'") from None


def _id(value: str) -> str:
    """Ids go into ids of lots, batches and deliveries, which are parted by > and |."""
    if not value.strip() or value != value.strip() or len(value) > 64 or not value.isprintable() or any(c in value for c in ">|\\"):
        short = value if len(value) <= 64 else value[:64] + "..."
        raise ValueError(f"got {short!r} as an id; give 1 to 64 characters without >, |, a backslash, control characters, or a blank at either end")
    return value


Share = Annotated[float, BeforeValidator(_share)]
Day = Annotated[dt.date, BeforeValidator(_date)]
Time = _quantity("s", positive=False, within=("0 s", "400 d"))
Activity = _quantity("Bq", within=("1 Bq", "1e6 TBq"))
Id = Annotated[str, AfterValidator(_id)]
Money = Annotated[float, Field(ge=0, le=1e12)]


class RoadTime(_Part):
    origin: Id
    destination: Id
    time: Time  # type: ignore[valid-type]


class Road(_Part):
    speed: _quantity("km/h", within=("1 km/h", "200 km/h")) = 40.0  # type: ignore[valid-type]
    detour: float = Field(default=1.3, ge=1, le=5)
    fixed: Time = 300.0  # type: ignore[valid-type]
    time: list[RoadTime] = []


class ProductPart(_Part):
    name: Id
    nuclide: str | None = None
    process: str | None = None
    yield_: Share | None = Field(default=None, alias="yield")
    u_yield: Share | None = None
    margin: Share = 0.0
    synthesis: Time | None = None  # type: ignore[valid-type]
    qc: Time | None = None  # type: ignore[valid-type]
    cleaning: Time = 0.0  # type: ignore[valid-type]
    residue: Share | None = None
    qc_loss: Share | None = None
    vial_residue: Share = 0.0
    shelf_life: Time | None = None  # type: ignore[valid-type]
    max_start: Activity | None = None  # type: ignore[valid-type]
    min_start: Activity | None = None  # type: ignore[valid-type]
    max_wait: Time = 0.0  # type: ignore[valid-type]
    success: Share | None = None
    batch_cost: Money = 0.0
    occupancy: Time = 0.0  # type: ignore[valid-type]
    handling: Time = 0.0  # type: ignore[valid-type]
    shield: str = "lead 10 mm"
    package_radius: _quantity("cm", within=("1 cm", "100 cm")) = 15.0  # type: ignore[valid-type]
    transport_index_per_GBq: float | None = Field(default=None, ge=0, le=1e6)

    @model_validator(mode="after")
    def _something_left(self) -> ProductPart:
        if self.yield_ == 0:
            raise ValueError(f"product {self.name!r}: a yield of 0 % leaves nothing; give the share that is in the product")
        if (self.residue or 0.0) + (self.qc_loss or 0.0) >= 1 or self.vial_residue >= 1:
            raise ValueError(f"product {self.name!r}: residue and qc_loss, or vial_residue, take all of it; give shares below 100 %")
        if self.min_start is not None and self.max_start is not None and self.min_start > self.max_start:
            raise ValueError(f"product {self.name!r}: min_start is above max_start; correct one of them")
        return self


class FleetPart(_Part):
    vehicles: int = Field(ge=1, le=500)
    cost_per_vehicle: Money = 0.0
    cost_per_km: Money = 0.0
    max_transport_index: float = Field(default=50.0, gt=0)
    hours: str | None = None
    load: Time = 0.0  # type: ignore[valid-type]
    stop: Time = 0.0  # type: ignore[valid-type]


class SitePart(_Part):
    id: Id
    name: str | None = None
    city: str | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    zone: str | None = None
    hours: str | None = None
    closed: list[Day] = []
    cells: int = Field(default=0, ge=0, le=200)
    operators: int = Field(default=0, ge=0, le=500)
    products: list[str] = []
    start_times: list[str] = []
    start_days: str | None = None
    possession: dict[str, Activity] = {}  # type: ignore[valid-type]
    chairs: int = Field(default=0, ge=0, le=2000)
    fleet: FleetPart | None = None

    @model_validator(mode="after")
    def _placed(self) -> SitePart:
        if self.city is None and None in (self.latitude, self.longitude):
            raise ValueError(f"site {self.id!r} needs a city, or latitude and longitude")
        if self.start_days is not None and not self.start_times:
            raise ValueError(f"site {self.id!r}: start_days has no effect without start_times; add them, or remove it")
        return self


class LotPart(_Part):
    time: Moment
    activity: Activity | None = None  # type: ignore[valid-type]


class MachinePart(_Part):
    id: Id
    site: Id
    kind: Literal["cyclotron", "reactor", "generator", "line"]
    nuclide: str | None = None
    reaction: str | None = None
    energy: _quantity("MeV", within=("0.1 MeV", "1000 MeV")) | None = None  # type: ignore[valid-type]
    exit: _quantity("MeV", positive=False, within=("0 MeV", "1000 MeV")) | None = None  # type: ignore[valid-type]
    current: _quantity("A", within=("1 nA", "10 mA")) | None = None  # type: ignore[valid-type]
    enrichment: float | None = Field(default=None, gt=0, le=1)
    cyclotron: str | None = None
    target: str | None = None
    mass: _quantity("kg", within=("1 ug", "100 kg")) | None = None  # type: ignore[valid-type]
    flux: _quantity("1/cm**2/s", within=("1e9 /cm2/s", "1e16 /cm2/s")) | None = None  # type: ignore[valid-type]
    irradiation: Time | None = None  # type: ignore[valid-type]
    discharge: list[LotPart] = []
    generator: str | None = None
    activity: Activity | None = None  # type: ignore[valid-type]
    calibration: Moment | None = None
    rate: _quantity("Bq/s", within=("1e-9 Bq/s", "1e18 Bq/s")) | None = None  # type: ignore[valid-type]
    lengths: list[_quantity("s", within=("1 s", "400 d"))] = Field(default=[], max_length=100)  # type: ignore[valid-type]
    every: _quantity("s", within=("1 s", "60 d")) = 3600.0  # type: ignore[valid-type]
    hours: str | None = None
    changeover: Time = 0.0  # type: ignore[valid-type]
    parallel: int = Field(default=1, ge=1, le=100)
    beam: Id | None = None
    success: Share = 1.0
    cool: Time = 0.0  # type: ignore[valid-type]
    recovery: Share = 1.0
    run_cost: Money = 0.0
    hour_cost: Money = 0.0
    cost_per_GBq: Money = 0.0

    @model_validator(mode="after")
    def _whole(self) -> MachinePart:
        wanted = {
            "cyclotron": ("reaction", "energy", "exit", "current", "lengths"), "reactor": ("discharge",), "generator": ("generator", "activity", "calibration", "lengths"), "line": ("nuclide", "rate", "lengths"),
        }[self.kind]  # fmt: skip
        lacking = [k for k in wanted if not getattr(self, k)  and getattr(self, k) != 0.0]
        if lacking:
            raise ValueError(f"machine {self.id!r} of the kind {self.kind} needs {', '.join(lacking)}")
        if self.kind == "reactor" and any(x.activity is None for x in self.discharge) and None in (self.target, self.mass, self.flux, self.irradiation):
            raise ValueError(f"machine {self.id!r}: give each discharge an activity, or target, mass, flux and irradiation, from which it is computed")
        if self.recovery == 0:
            raise ValueError(f"machine {self.id!r}: a recovery of 0 % leaves nothing; give the share that is recovered")
        if self.kind == "reactor" and self.nuclide is None and self.target is None:
            raise ValueError(f"machine {self.id!r}: name the nuclide of its discharges")
        return self


class _Carriage(_Part):
    """What holds for one lane and for many made at once."""

    departures: list[str] = []
    days: str | None = None
    cost: Money = 0.0
    max_transport_index: float | None = Field(default=None, gt=0)
    capacity: int | None = Field(default=None, ge=1)
    success: Share = 1.0
    late: Share = 0.0
    delay: Time = 0.0  # type: ignore[valid-type]


class LanePart(_Carriage):
    id: Id
    origin: Id
    destination: Id
    mode: str = "road"
    duration: Time | None = None  # type: ignore[valid-type]
    zone: str | None = None
    transit: Time | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _one(self) -> LanePart:
        if (self.duration is None) == (not self.departures) or bool(self.departures) != (self.transit is not None):
            raise ValueError(f"lane {self.id!r} needs either a duration, or departures (clock times of the last hand-over) and a transit time")
        if self.origin == self.destination:
            raise ValueError(f"lane {self.id!r} goes from {self.origin!r} to itself; give another destination, or remove it")
        if not self.departures and (self.days is not None or self.zone is not None):
            raise ValueError(f"lane {self.id!r}: days and zone have no effect without departures; remove them")
        return self


class LanesPart(_Carriage):
    """Many lanes at once, by a model of travel."""

    mode: Literal["road", "air"]
    origins: list[Id] = Field(min_length=1)
    destinations: list[Id] | None = Field(default=None, min_length=1)
    beyond: _quantity("km", positive=False, within=("0 km", "20100 km")) = 0.0  # type: ignore[valid-type]
    within: _quantity("km", within=("1 km", "20100 km")) = 20100.0  # type: ignore[valid-type]
    speed: _quantity("km/h", within=("1 km/h", "1000 km/h")) | None = None  # type: ignore[valid-type]
    detour: float = Field(default=1.3, ge=1, le=5)
    fixed: Time | None = None  # type: ignore[valid-type]
    cost_per_km: Money = 0.0

    @model_validator(mode="after")
    def _timed(self) -> LanesPart:
        if self.mode == "air" and not self.departures:
            raise ValueError("lanes by air need departures, clock times of the last hand-over at the origin")
        return self


class PatientPart(_Part):
    id: Id
    hospital: Id
    product: str
    prescribed: str
    earliest: Moment
    latest: Moment
    priority: float = Field(default=1.0, gt=0, le=1000)
    must: bool = False
    weight: _quantity("kg", within=("1 kg", "400 kg")) | None = None  # type: ignore[valid-type]


class ScenarioFile(_Part):
    """A checked scenario file; `sha256` is that of the file."""

    title: str
    zone: str
    start: Moment
    end: Moment
    currency: str = ""
    slot: _quantity("s", within=("1 min", "1 d")) = 900.0  # type: ignore[valid-type]
    objective: Literal["patients", "makespan"] = "patients"
    change_cost: Money = 0.0
    road: Road = Road()
    product: list[ProductPart] = Field(min_length=1)
    site: list[SitePart] = Field(min_length=1)
    machine: list[MachinePart] = Field(min_length=1)
    lane: list[LanePart] = []
    lanes: list[LanesPart] = []
    patient: list[PatientPart] = []
    hospitals: str | None = None
    patients: str | None = None
    folder: Path
    sha256: str


class DisturbancePart(_Part):
    kind: str
    id: str = Field(min_length=1, max_length=400)
    start: Moment | None = None
    end: Moment | None = None
    patient: PatientPart | None = None


class DisturbanceFile(_Part):
    """What went wrong, and when it is known."""

    title: str | None = None
    now: Moment
    disturbance: list[DisturbancePart] = Field(min_length=1)
    sha256: str
