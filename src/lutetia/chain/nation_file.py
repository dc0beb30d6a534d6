"""The nation file: outputs, a network of sources, hot labs and cities, and the sites to be chosen (TOML, checked key by key)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ..core import BadInput, parse
from ..nuclides import nuclide
from ..supply.nation_output import Range
from .batch_file import Label, Share
from .case import _Part, _quantity, read_checked

NATION_SCHEMA = "lutetia-nation/1"


def _range(unit: str, within: tuple[str, str]) -> Any:
    """Text with a unit, or a list of two: a range."""

    def read(value: object) -> tuple[float, float]:
        try:
            ends = [parse(v, unit, "value", within=within) for v in _two(value)]
        except BadInput as error:
            raise ValueError(str(error).removeprefix("value: ")) from None
        return ends[0], ends[-1]

    return Annotated[tuple[float, float], BeforeValidator(read)]


def _two(value: object) -> list[Any]:
    if isinstance(value, list):
        if len(value) != 2:
            raise ValueError(f"a list of {len(value)} was given; a range is a list of its two ends")
        return value
    return [value]


def _share_range(value: object) -> tuple[float, float]:
    ends = []
    for v in _two(value):
        if not (isinstance(v, str) and v.strip().endswith("%")):
            raise ValueError(f"got {v!r}; write a percentage such as '75 %', or two of them")
        try:
            ends.append(parse(v, "Bq/Bq", "value", within=("0 %", "100 %")))
        except BadInput as error:
            raise ValueError(str(error).removeprefix("value: ")) from None
    return ends[0], ends[-1]


def _number_range(value: object) -> tuple[float, float]:
    ends = _two(value)
    for v in ends:
        if isinstance(v, bool) or not isinstance(v, (int, float)) or not 0 < v <= 1000:
            raise ValueError(f"got {v!r}; write a number above zero and up to 1000, or two of them")
    return float(ends[0]), float(ends[-1])


def _country(value: str) -> str:
    if not (len(value) == 2 and value.isascii() and value.isalpha()):
        raise ValueError(f"got {value!r}; write a code of two letters such as 'CN'")
    return value.upper()


def _nuclide(value: str) -> str:
    try:
        return nuclide(value).name
    except BadInput as error:
        raise ValueError(str(error)) from None


Nuclide = Annotated[str, AfterValidator(_nuclide)]
Country = Annotated[str, AfterValidator(_country)]
ShareRange = Annotated[tuple[float, float], BeforeValidator(_share_range)]
NumberRange = Annotated[tuple[float, float], BeforeValidator(_number_range)]
Yearly = _quantity("Bq", within=("1 MBq", "1e9 TBq"))
Injected = _quantity("Bq", within=("1 kBq", "1 TBq"))
Time = _quantity("s", positive=False, within=("0 s", "400 d"))
Positive = Annotated[float, Field(gt=0, le=1e10)]
Count = Annotated[float, Field(ge=0, le=1e10)]
Law = Literal["uniform", "lognormal"]


class FactorPart(_Part):
    name: Label
    left: ShareRange


class OutputPart(_Part):
    name: Label
    nuclide: Nuclide
    annual: _range("Bq", ("1 MBq", "1e9 TBq"))  # type: ignore[valid-type]
    annual_law: Law = "uniform"
    time: _range("s", ("0 s", "400 d"))  # type: ignore[valid-type]
    activity: _range("Bq", ("1 kBq", "1 TBq"))  # type: ignore[valid-type]
    activity_law: Law = "uniform"
    cycles: NumberRange
    factor: list[FactorPart] = Field(default_factory=list, max_length=20)
    published_doses: Positive | None = None
    source: str | None = None

    @model_validator(mode="after")
    def _once(self) -> OutputPart:
        names = [f.name for f in self.factor]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"the factor {twice[0]!r} is given twice; name each once")
        return self

    def range_of(self, key: str) -> Range:
        low, high = getattr(self, key)
        return Range(low, high, getattr(self, f"{key}_law", "uniform"))


class PlacePart(_Part):
    """Somewhere: a city of the table by its name, or a name with latitude and longitude."""

    name: Label
    city: str | None = None
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)

    @model_validator(mode="after")
    def _somewhere(self) -> PlacePart:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(f"{self.name!r}: latitude and longitude go together; give both or neither")
        if self.city is not None and self.latitude is not None:
            raise ValueError(f"{self.name!r}: give either a city of the table or latitude and longitude")
        return self


class CityPart(PlacePart):
    population: Count | None = None
    beds: Count | None = None
    chairs: Count | None = None
    patients: dict[str, Count] = Field(default_factory=dict)


class DemandPart(_Part):
    """Which cities there are, and how many people they stand for."""

    countries: list[Country] = Field(default_factory=list, max_length=20)
    cities: int = Field(default=100, ge=1, le=400)
    apart: _quantity("km", positive=False, within=("0 km", "500 km")) = 30.0  # type: ignore[valid-type]
    population: Positive | None = None


class PlacesPart(_Part):
    """Beds or chairs of the whole nation; what no city has of its own is shared among the others by population."""

    total: Positive | None = None
    share: Share = 1.0
    occupancy: Share = 1.0
    hours_per_year: float | None = Field(default=None, gt=0, le=8784)


class ProductPart(_Part):
    name: Label
    nuclide: Nuclide
    activity: Injected  # type: ignore[valid-type]
    cycles: float = Field(gt=0, le=100)
    left: Share
    make: Time  # type: ignore[valid-type]
    wait: Time  # type: ignore[valid-type]
    shelf_life: Time  # type: ignore[valid-type]
    doses_per_batch: float = Field(gt=0, le=10_000)
    transport_index: float | None = Field(default=None, gt=0, le=10)
    bed_stay: Time = 0.0  # type: ignore[valid-type]
    chair_stay: Time = 0.0  # type: ignore[valid-type]
    per_100000: Count | None = None


class SourcePart(PlacePart):
    nuclide: Nuclide
    annual: Yearly | None = None  # type: ignore[valid-type]
    batch: Yearly | None = None  # type: ignore[valid-type]
    batches_per_week: Positive | None = None
    weeks: float = Field(default=52, gt=0, le=53)
    prepare: Time = 0.0  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _one_way(self) -> SourcePart:
        if (self.annual is None) == (self.batch is None) or (self.batch is None) != (self.batches_per_week is None):
            raise ValueError(f"{self.name!r}: give either annual, or batch with batches_per_week")
        return self

    @property
    def annual_Bq(self) -> float:
        return self.annual if self.annual is not None else self.batch * self.batches_per_week * self.weeks  # type: ignore[operator,return-value]


class LabPart(PlacePart):
    batches_per_week: Positive
    weeks: float = Field(default=50, gt=0, le=53)
    makes: list[str] | None = Field(default=None, min_length=1)


class CandidatesPart(_Part):
    """Labs of one kind that could be built, each in one of the cities."""

    choose: int = Field(ge=1, le=20)
    among: int | list[str] = 20
    batches_per_week: Positive
    weeks: float = Field(default=50, gt=0, le=53)
    makes: list[str] | None = Field(default=None, min_length=1)


class RoadPart(_Part):
    detour: float = Field(default=1.3, ge=1, le=5)
    speed: _quantity("km/h", within=("1 km/h", "400 km/h")) = 70.0  # type: ignore[valid-type]
    handling: Time = 3600.0  # type: ignore[valid-type]


class AirPart(_Part):
    """Flights with radioactive material from each lab to each city."""

    flights_per_week: Positive | None = None
    aircraft: Literal["passenger-aircraft", "cargo-aircraft"] = "passenger-aircraft"
    wait: Time = 0.0  # type: ignore[valid-type]
    cut_off: Time = 10800.0  # type: ignore[valid-type]
    retrieval: Time = 5400.0  # type: ignore[valid-type]
    fixed: Time = 1800.0  # type: ignore[valid-type]
    speed: _quantity("km/h", within=("100 km/h", "1200 km/h")) = 780.0  # type: ignore[valid-type]


class LocationPart(_Part):
    """Where facilities should stand so that the most people are within reach."""

    name: Label
    nuclide: Nuclide | None = None
    serve: Literal["activity", "reach", "hours"]
    within: Time  # type: ignore[valid-type]
    choose: int = Field(ge=1, le=20)
    among: int | list[str] = 60
    standing: list[str] = Field(default_factory=list)
    by: Literal["road", "air", "both"] = "both"
    shares_within: list[Time] = Field(default_factory=list, max_length=10)  # type: ignore[valid-type]
    runners_up: int = Field(default=3, ge=0, le=20)

    @model_validator(mode="after")
    def _needs(self) -> LocationPart:
        if (self.serve == "activity") != (self.nuclide is not None):
            raise ValueError(f"{self.name!r}: a nuclide goes with serve = 'activity', whose decay on the way counts, and with nothing else")
        for key in ("among", "standing"):
            names = getattr(self, key)
            if isinstance(names, list) and len(set(names)) < len(names):
                raise ValueError(f"{self.name!r}: {key} names a city twice; name each once")
        if self.within <= 0:
            raise ValueError(f"{self.name!r}: within must be above zero")
        return self


class VariantPart(_Part):
    """Factors on the resources of the network."""

    name: Label
    isotope: Positive = 1.0
    cells: Positive = 1.0
    flights: Positive = 1.0
    beds: Positive = 1.0
    chairs: Positive = 1.0
    demand: Positive = 1.0


class NationFile(_Part):
    """A checked nation file; `sha256` is that of the file."""

    title: str | None = None
    output: list[OutputPart] = Field(default_factory=list, max_length=50)
    demand: DemandPart = DemandPart()
    city: list[CityPart] = Field(default_factory=list, max_length=400)
    beds: PlacesPart | None = None
    chairs: PlacesPart | None = None
    product: list[ProductPart] = Field(default_factory=list, max_length=20)
    source: list[SourcePart] = Field(default_factory=list, max_length=50)
    lab: list[LabPart] = Field(default_factory=list, max_length=100)
    candidates: CandidatesPart | None = None
    road: RoadPart = RoadPart()
    air: AirPart | None = None
    location: list[LocationPart] = Field(default_factory=list, max_length=20)
    variant: list[VariantPart] = Field(default_factory=list, max_length=50)
    sha256: str

    @model_validator(mode="after")
    def _whole(self) -> NationFile:
        network = bool(self.product or self.source or self.lab)
        if not (self.output or network or self.location):
            raise ValueError("there is nothing to compute; give [[output]], [[location]], or [[product]] with [[source]] and [[lab]]")
        if network and not (self.product and self.source and (self.lab or self.candidates)):
            raise ValueError("a network needs at least one [[product]], one [[source]] and one [[lab]] or [candidates]")
        for what in ("candidates", "beds", "chairs"):
            if getattr(self, what) is not None and not network:
                raise ValueError(f"[{what}] belongs to a network; give [[product]], [[source]] and [[lab]] too, or remove it")
        if self.variant and not network:
            raise ValueError("[[variant]] belongs to a network; give [[product]], [[source]] and [[lab]] too, or remove it")
        if (network or self.location) and bool(self.demand.countries) == bool(self.city):
            raise ValueError("give either demand.countries, whose largest cities are taken, or [[city]] entries")
        if self.beds is not None and self.beds.hours_per_year is not None:
            raise ValueError("beds.hours_per_year has no effect, a bed is there day and night; remove it")
        if self.chairs is not None and self.chairs.hours_per_year is None:
            raise ValueError("chairs.hours_per_year is missing; give the hours in a year at which a chair can be used")
        if self.air is None and any(x.by == "air" for x in self.location):
            raise ValueError("a [[location]] goes by air, but there is no [air]; give it, empty for the usual times")
        for what in ("output", "product", "source", "lab", "city", "location", "variant"):
            names = [x.name for x in getattr(self, what)]
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"the {what} {twice[0]!r} is given twice; name each once")
        self._reachable()
        return self

    def _reachable(self) -> None:
        """Names that speak of one another, and limits that nothing asks for."""
        known, nuclides = [p.name for p in self.product], {s.nuclide for s in self.source}
        made = [name for lab in self.lab for name in lab.makes or []] + (self.candidates.makes or [] if self.candidates else [])
        for name in made:
            if name not in known:
                raise ValueError(f"a lab makes {name!r}, which is no [[product]]; name one of {', '.join(known)}")
        for p in self.product:
            if p.nuclide not in nuclides:
                raise ValueError(f"product {p.name!r}: no [[source]] makes {p.nuclide}; give one")
            if self.demand.countries and p.per_100000 is None:
                raise ValueError(f"product {p.name!r}: per_100000 is missing; give the patients in a year among 100 000 inhabitants")
            if not self.demand.countries and not any(p.name in c.patients for c in self.city) and p.per_100000 is None:
                raise ValueError(f"product {p.name!r}: nobody needs it; give per_100000, or patients of a [[city]]")
            if self.air is not None and self.air.flights_per_week is not None and p.transport_index is None:
                raise ValueError(f"product {p.name!r}: transport_index is missing; flights are limited, so give that of the package of one dose")
        for c in self.city:
            for name in c.patients:
                if name not in known:
                    raise ValueError(f"city {c.name!r}: patients of {name!r}, which is no [[product]]; name one of {', '.join(known)}")
        for what, stay in (("beds", "bed_stay"), ("chairs", "chair_stay")):
            given = getattr(self, what) is not None or any(getattr(c, what) is not None for c in self.city)
            if given and not any(getattr(p, stay) > 0 for p in self.product):
                raise ValueError(f"{what} are given, but no product has a {stay}; give how long one injection takes")
        for what in ("beds", "chairs"):
            of_nation = getattr(self, what)
            if of_nation is not None and of_nation.total is None and not any(getattr(c, what) is not None for c in self.city):
                raise ValueError(f"{what}.total is missing; give the {what} of the nation, or those of each [[city]]")
        if any(c.chairs is not None for c in self.city) and self.chairs is None:
            raise ValueError("chairs of a [[city]] need [chairs] with hours_per_year; give it")
        if any(c.beds is not None for c in self.city) and self.beds is None:
            raise ValueError("beds of a [[city]] need [beds], with share and occupancy; give it")


def load_nation(path: Path | str) -> NationFile:
    """Read and check a nation file.

    Raises
    ------
    BadInput
        As `lutetia.chain.case.load_case`.
    """
    return read_checked(path, NationFile, NATION_SCHEMA, "nation.toml")
