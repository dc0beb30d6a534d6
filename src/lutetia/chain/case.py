"""The case file: what a person writes to ask for a dose (TOML, checked field by field).

Every quantity is text with its unit. Paths are relative to the case file and stay inside its folder.
"""

from __future__ import annotations

import datetime as dt
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ..core import BadInput, near_matches, parse

SCHEMA = "lutetia-case/1"


def _quantity(unit: str, *, positive: bool = True) -> Any:
    """A field written as text with a unit of this kind, kept as a float in `unit`."""
    return Annotated[float, BeforeValidator(lambda v: _parse(v, unit, positive))]


def _parse(value: object, unit: str, positive: bool) -> float:
    try:
        return parse(value, unit, "value", positive=positive)
    except BadInput as error:
        raise ValueError(str(error).removeprefix("value: ")) from None


def _relative(value: object) -> float:
    """``"5 %"`` as 0.05; a bare number is refused because 5 could mean either."""
    if isinstance(value, str) and value.strip().endswith("%"):
        try:
            number = float(value.strip()[:-1]) / 100
        except ValueError:
            number = -1.0
        if 0 <= number <= 10:
            return number
    raise ValueError(f"got {value!r}; write a percentage such as '5 %'")


def _moment(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, str):
        try:
            return dt.datetime.fromisoformat(value)
        except ValueError:
            pass
    raise ValueError(f"got {value!r}; write a date and time such as '2024-03-04T09:00:00' or with a zone '...+01:00'")


Activity, Seconds, Length = _quantity("Bq"), _quantity("s", positive=False), _quantity("mm")
Mass, MilliLitres, Density, Gray = _quantity("kg"), _quantity("mL"), _quantity("g/mL"), _quantity("Gy", positive=False)
Relative = Annotated[float, BeforeValidator(_relative)]
Moment = Annotated[dt.datetime, BeforeValidator(_moment)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Administration(_Part):
    activity: Activity
    time: Moment | None = None


class Scan(_Part):
    activity: str
    ct: str | None = None
    regions: str | None = None
    labels: dict[str, str] | None = None
    series: str | None = None
    ct_series: str | None = None
    unit: Literal["Bq/mL", "kBq/mL", "MBq/mL", "Bq", "counts"] | None = None
    time: str | dt.datetime | None = None
    duration: _quantity("s") | None = None  # type: ignore[valid-type]
    decay_corrected_to: Literal["acquisition", "administration"] | None = None


class Regions(_Part):
    use: Literal["first", "per-scan"] = "first"
    include: list[str] | None = None
    define: dict[str, str] = Field(default_factory=dict)
    bed: dict[str, str] = Field(default_factory=dict)


class Recovery(_Part):
    volume_mL: list[float]
    rc: list[float]
    u_rc: list[float]
    apply_to: list[str] | None = None


class Uncertainty(_Part):
    calibration: Relative | None = None
    resolution: Length | None = None
    volume: Relative | None = None
    point: Relative = 0.05
    s_value: Relative = 0.02
    recovery: Recovery | None = None


class Calibration(_Part):
    sensitivity: str | None = None
    factor: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Calibration:
        if (self.sensitivity is None) == (self.factor is None):
            raise ValueError("give exactly one of sensitivity (such as '9.5 cps/MBq') and factor (such as '12 Bq/count' or '12 Bq/mL/count')")
        return self


class Dosimetry(_Part):
    engine: Literal["local", "kernel", "monte-carlo"] | None = None
    histories: int = Field(default=2_000_000, ge=10_000, le=10**10)
    progeny: bool = True
    body: str | None = None
    dvh_levels: list[Gray] = Field(default_factory=list)  # type: ignore[valid-type]
    register_scans: bool = True


class Kinetics(_Part):
    method: Literal["auto", "trapezoid", "hanscheid", "madsen", "physical", "population", "tri-exponential-jackson2013"] = "auto"
    models: list[str] | None = None
    effective_half_life: _quantity("s") | None = None  # type: ignore[valid-type]
    effective_half_life_u: Relative | None = None
    relative_u: Relative | None = None


class TableRegion(_Part):
    name: str = Field(min_length=1)
    mass: Mass | None = None
    volume: MilliLitres | None = None
    density: Density | None = None
    shape: Literal["sphere", "ellipsoid"] = "sphere"
    axes: str | None = None
    times: list[Seconds]  # type: ignore[valid-type]
    activities: list[_quantity("Bq", positive=False)]  # type: ignore[misc]
    relative_u: Relative | None = None
    volume_u: Relative | None = None
    cross_dose: Gray | None = None
    recovery_coefficient: float | None = Field(default=None, gt=0, le=2)
    kinetics: Kinetics | None = None
    bed: str | None = None

    @model_validator(mode="after")
    def _mass_or_volume(self) -> TableRegion:
        if self.mass is None and (self.volume is None or self.density is None):
            raise ValueError(f"region {self.name!r}: give a mass, or a volume with its density (such as '1.05 g/mL')")
        if self.mass is not None and self.volume is not None and self.density is not None:
            raise ValueError(f"region {self.name!r}: mass, volume and density are all given; leave one out")
        if len(self.times) != len(self.activities):
            raise ValueError(f"region {self.name!r}: {len(self.times)} times but {len(self.activities)} activities; give one activity for each time")
        if self.shape == "ellipsoid" and self.axes is None:
            raise ValueError(f"region {self.name!r}: an ellipsoid needs axes, such as '11 cm, 6 cm, 5 cm'")
        return self


class Measurement(_Part):
    decay_corrected_to: Literal["acquisition", "administration"] = "acquisition"


class Case(_Part):
    """A checked case. `folder` is where its paths start; `sha256` that of the file."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^[\w .+-]+$")
    nuclide: str
    administration: Administration
    title: str | None = None
    agent: str | None = None
    scan: list[Scan] = Field(default_factory=list)
    region: list[TableRegion] = Field(default_factory=list)
    regions: Regions = Field(default_factory=Regions)
    uncertainty: Uncertainty = Field(default_factory=Uncertainty)
    calibration: Calibration | None = None
    dosimetry: Dosimetry = Field(default_factory=Dosimetry)
    kinetics: Kinetics = Field(default_factory=Kinetics)
    measurement: Measurement = Field(default_factory=Measurement)
    folder: Path
    sha256: str

    @model_validator(mode="after")
    def _mode(self) -> Case:
        if bool(self.scan) == bool(self.region):
            raise ValueError("give either [[scan]] entries (images) or [[region]] entries (a table), not both and not neither")
        names = [r.name for r in self.region]
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"the region {twice[0]!r} is given twice; give each region one entry")
        return self


def load_case(path: Path | str) -> Case:
    """Read and check a case file.

    Raises
    ------
    BadInput
        Not a file, not TOML, another schema, an unknown or missing key, a value that is not possible; the sentence
        names the key and, where there is one, the key that was probably meant.
    """
    import hashlib

    path = Path(path)
    if path.is_dir():
        path = path / "case.toml"
    try:
        raw = path.read_bytes()
    except OSError:
        raise BadInput(f"There is no readable case file {path.name!r}; give the path of a case.toml.") from None
    try:
        content = tomllib.loads(raw.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"{path.name} is not valid TOML ({error}); correct that line.") from None
    schema = content.pop("schema", None)
    if schema != SCHEMA:
        raise BadInput(f"{path.name}: the schema is {schema!r}; this version reads schema = {SCHEMA!r}.")
    for reserved in ("folder", "sha256"):
        if reserved in content:
            raise BadInput(f"{path.name}: the key {reserved!r} is not one of a case file; remove it.")
    try:
        return Case(**content, folder=path.parent.resolve(), sha256=hashlib.sha256(raw).hexdigest())
    except ValidationError as error:
        raise BadInput(f"{path.name}: {_sentence(error)}") from None


def _sentence(error: ValidationError) -> str:
    """The first fault of a validation, as one sentence."""
    first = error.errors()[0]
    where = ".".join(str(p + 1) if isinstance(p, int) else str(p) for p in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{where} is not a known key.{near_matches(str(first['loc'][-1]), _keys_beside(first['loc']))}"
    if first["type"] == "missing":
        return f"{where} is missing; add it."
    message = str(first["msg"]).removeprefix("Value error, ").rstrip(".")
    return f"{where}: {message}." if where else f"{message}."


def _keys_beside(loc: tuple[int | str, ...]) -> list[str]:
    model: Any = Case
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        annotation = str(model.model_fields[part].annotation) if part in model.model_fields else ""
        model = next((m for m in _Part.__subclasses__() if f".{m.__name__}" in annotation), model)
    return [k for k in model.model_fields if k not in ("folder", "sha256")]


def as_parameters(case: Case) -> Mapping[str, Any]:
    """The case's settings as plain values for the record, paths and hashes left out."""
    return case.model_dump(mode="json", exclude={"folder", "sha256", "scan", "region"}, exclude_none=True)
