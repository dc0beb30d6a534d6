"""The case file: what a person writes to ask for a dose (TOML, checked field by field).

Every quantity is text with its unit. Paths are relative to the case file and stay inside its folder.
"""

from __future__ import annotations

import datetime as dt
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ..core import BadInput, near_matches, parse

SCHEMA = "lutetia-case/1"


def _quantity(unit: str, *, positive: bool = True, within: tuple[str, str] | None = None) -> Any:
    """A field written as text with a unit of this kind, kept as a float in `unit`.

    `within` are the least and the greatest value that a patient or a phantom can show: what lies beyond is a wrong unit
    or prefix.
    """
    return Annotated[float, BeforeValidator(lambda v: _parse(v, unit, positive, within))]


def _parse(value: object, unit: str, positive: bool, within: tuple[str, str] | None) -> float:
    try:
        return parse(value, unit, "value", positive=positive, within=within)
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


def date_and_time(text: str) -> dt.datetime | None:
    """ISO text as a date and time; None for anything else, and for a date alone, which would pass for midnight."""
    try:
        found = dt.datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if len(text.strip()) > len("2024-03-04") else None


def _moment(value: object) -> dt.datetime:
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and (found := date_and_time(value)) is not None:
        return found
    raise ValueError(f"got {value!r}; write a date and time such as '2024-03-04T09:00:00' or with a zone '...+01:00'")


def _when(value: object) -> object:
    """A number is no time: it would be read as seconds since 1970."""
    if value is None or isinstance(value, (str, dt.datetime)):
        return value
    raise ValueError(f"got {value!r}; write a date and time, or a time after the administration such as '24 h'")


def _name(value: object) -> object:
    """A region's name goes into tables, reports and DICOM (at most 64 characters)."""
    if isinstance(value, str) and (not value.strip() or len(value) > 64 or "\\" in value or not value.isprintable()):
        short = value if len(value) <= 64 else value[:64] + "..."
        raise ValueError(f"got {short!r} as a region's name; give 1 to 64 characters without a backslash or control characters")
    return value


def _label(value: object) -> object:
    if isinstance(value, str) and re.fullmatch("0|[1-9][0-9]{0,8}", value):
        return value
    raise ValueError(f"got {value!r} as a label; give the whole number that the label map holds, as in {{1 = 'liver'}}")


Activity, Measured = _quantity("Bq", within=("1 kBq", "1000 TBq")), _quantity("Bq", positive=False, within=("-1000 TBq", "1000 TBq"))
Seconds, Length = _quantity("s", positive=False), _quantity("mm", within=("0.001 mm", "100 mm"))
Mass, MilliLitres = _quantity("kg", within=("1 ng", "1000 kg")), _quantity("mL", within=("1e-9 mL", "1000 L"))
Density, Gray = _quantity("g/mL", within=("0.001 g/mL", "25 g/mL")), _quantity("Gy", positive=False)
Name = Annotated[str, BeforeValidator(_name)]
Relative = Annotated[float, BeforeValidator(_relative)]
Moment = Annotated[dt.datetime, BeforeValidator(_moment)]


Checked = TypeVar("Checked", bound=BaseModel)


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, strict=True)


class Administration(_Part):
    activity: Activity
    time: Moment | None = None


class Scan(_Part):
    activity: str
    ct: str | None = None
    regions: str | None = None
    labels: dict[Annotated[str, BeforeValidator(_label)], Name] | None = Field(default=None, min_length=1)
    series: str | None = None
    ct_series: str | None = None
    unit: Literal["Bq/mL", "kBq/mL", "MBq/mL", "Bq", "counts"] | None = None
    time: Annotated[str | dt.datetime | None, BeforeValidator(_when)] = None
    duration: _quantity("s", within=("0.001 s", "2 d")) | None = None  # type: ignore[valid-type]
    decay_corrected_to: Literal["acquisition", "administration", "none"] | None = None

    @model_validator(mode="after")
    def _labelled(self) -> Scan:
        if self.labels is not None and self.regions is None:
            raise ValueError("labels name the values of a label map; give regions beside them, or remove them")
        return self


class Regions(_Part):
    use: Literal["first", "per-scan"] = "first"
    include: list[str] | None = Field(default=None, min_length=1)
    define: dict[Name, str] = Field(default_factory=dict)
    bed: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _each_once(self) -> Regions:
        twice = sorted({n for n in self.include or [] if (self.include or []).count(n) > 1})
        if twice:
            raise ValueError(f"include names {twice[0]!r} twice; name each region once")
        return self


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
    dvh_levels: list[_quantity("Gy", within=("1e-6 Gy", "1e6 Gy"))] = Field(default_factory=list)  # type: ignore[misc]
    register_scans: bool = True


class Kinetics(_Part):
    method: Literal["auto", "trapezoid", "hanscheid", "madsen", "physical", "population", "tri-exponential-jackson2013"] = "auto"
    models: list[str] | None = None
    effective_half_life: _quantity("s") | None = None  # type: ignore[valid-type]
    effective_half_life_u: Relative | None = None
    relative_u: Relative | None = None


def _fractions(value: object) -> object:
    """A number stands for all progeny."""
    return {"all": value} if isinstance(value, (int, float)) and not isinstance(value, bool) else value


Fraction = Annotated[float, Field(ge=0, le=1)]


class FreeFate(_Part):
    to: dict[Name, Fraction] = Field(default_factory=dict)
    blood_half_life: _quantity("s", within=("1 ms", "100 d")) | None = None  # type: ignore[valid-type]
    return_half_life: _quantity("s", within=("1 ms", "100 d")) | None = None  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _at_most_all(self) -> FreeFate:
        if sum(self.to.values()) > 1 + 1e-9:
            raise ValueError(f"the shares of 'to' sum to {sum(self.to.values()):.6g}; they must not exceed 1 (what is missing from 1 goes to the body)")
        return self


class Progeny(_Part):
    preset: str = Field(default="with-parent", max_length=64)
    organ: dict[Name, str] = Field(default_factory=dict)
    retained: dict[Name, Annotated[dict[str, Fraction], BeforeValidator(_fractions)]] = Field(default_factory=dict)
    free: dict[str, FreeFate] = Field(default_factory=dict)


class Prediction(_Part):
    """What `predict` reads of a case, and nothing else does."""

    ligand: _quantity("nmol", within=("1 fmol", "1 mmol")) | None = None  # type: ignore[valid-type]
    weight: _quantity("kg", within=("20 kg", "300 kg")) | None = None  # type: ignore[valid-type]
    height: _quantity("cm", within=("50 cm", "250 cm")) | None = None  # type: ignore[valid-type]
    body_surface: _quantity("m^2", within=("0.5 m^2", "4 m^2")) | None = None  # type: ignore[valid-type]
    haematocrit: float | None = Field(default=None, ge=0.1, le=0.7)
    gfr: _quantity("mL/min", within=("1 mL/min", "300 mL/min")) | None = None  # type: ignore[valid-type]
    misfit: Relative | None = None
    flow_spread: Relative | None = None
    regions: dict[Name, Literal["kidney", "parotid", "submandibular", "lacrimal", "tumour", "ignore"]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _body(self) -> Prediction:
        if self.height is not None and self.body_surface is not None:
            raise ValueError("give height or body_surface, not both")
        if (self.weight is None) != (self.height is None and self.body_surface is None):
            raise ValueError("weight needs height or body_surface beside it, and they need it; give both or neither")
        return self


class TableRegion(_Part):
    name: Name
    mass: Mass | None = None
    volume: MilliLitres | None = None
    density: Density | None = None
    shape: Literal["sphere", "ellipsoid"] = "sphere"
    axes: str | None = None
    times: list[Seconds]  # type: ignore[valid-type]
    activities: list[Measured]  # type: ignore[valid-type]
    relative_u: Relative | None = None
    volume_u: Relative | None = None
    cross_dose: Gray | None = None
    recovery_coefficient: float | None = Field(default=None, ge=0.01, le=2)
    kinetics: Kinetics | None = None
    bed: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _mass_or_volume(self) -> TableRegion:
        if self.mass is None and (self.volume is None or self.density is None):
            raise ValueError(f"region {self.name!r}: give a mass, or a volume with its density (such as '1.05 g/mL')")
        if self.mass is not None and self.volume is not None and self.density is not None:
            raise ValueError(f"region {self.name!r}: mass, volume and density are all given; leave one out")
        if len(self.times) != len(self.activities):
            raise ValueError(f"region {self.name!r}: {len(self.times)} times but {len(self.activities)} activities; give one activity for each time")
        if (self.shape == "ellipsoid") != (self.axes is not None):
            raise ValueError(f"region {self.name!r}: shape = 'ellipsoid' and its axes, such as '11 cm, 6 cm, 5 cm', go together; give both or neither")
        if self.cross_dose is not None and self.cross_dose < 0:
            raise ValueError(f"region {self.name!r}: the cross_dose is negative; give zero or more")
        return self


class Measurement(_Part):
    decay_corrected_to: Literal["acquisition", "administration"] = "acquisition"


class Case(_Part):
    """A checked case. `folder` is where its paths start; `sha256` that of the file."""

    id: str = Field(min_length=1, max_length=64, pattern=r"^[\w .+-]+$")
    nuclide: str = Field(max_length=40)
    administration: Administration
    title: str | None = None
    agent: str | None = None
    scan: list[Scan] = Field(default_factory=list)
    region: list[TableRegion] = Field(default_factory=list)
    regions: Regions = Field(default_factory=Regions)
    uncertainty: Uncertainty = Field(default_factory=Uncertainty)
    calibration: Calibration | None = None
    dosimetry: Dosimetry = Field(default_factory=Dosimetry)
    progeny: Progeny | None = None
    kinetics: Kinetics = Field(default_factory=Kinetics)
    measurement: Measurement = Field(default_factory=Measurement)
    prediction: Prediction | None = None
    folder: Path
    sha256: str

    @model_validator(mode="after")
    def _mode(self) -> Case:
        if bool(self.scan) == bool(self.region):
            raise ValueError("give either [[scan]] entries (images) or [[region]] entries (a table), not both and not neither")
        if self.scan and self.dosimetry.body is not None and self.scan[0].ct is not None:
            raise ValueError("dosimetry.body has no effect beside a CT, which shows the body; remove one of them")
        if self.progeny is not None and not self.dosimetry.progeny:
            raise ValueError("[progeny] has no effect with dosimetry.progeny = false, which leaves all progeny out; remove one of them")
        unused = [k for k, empty in self._of_the_other_mode().items() if not empty]
        if unused:
            raise ValueError(f"{unused[0]} has no effect {'with [[scan]] entries' if self.scan else 'on a region table'}; remove it")
        names = [r.name for r in self.region] or self.regions.include or []
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise ValueError(f"the region {twice[0]!r} is given twice; name each region once")
        return self

    def _of_the_other_mode(self) -> dict[str, bool]:
        """Settings that this mode does not read, and whether they are left out: one that is set must not pass unheeded."""
        if self.scan:
            return {"measurement": self.measurement == Measurement()}
        r = self.regions
        return {
            "calibration": self.calibration is None,
            "uncertainty.recovery": self.uncertainty.recovery is None,
            "uncertainty.resolution": self.uncertainty.resolution is None,
            "dosimetry.body": self.dosimetry.body is None,
            "regions.use": r.use == "first", "regions.include": r.include is None, "regions.define": not r.define,
            "regions.bed": not set(r.bed) - {region.name for region in self.region},
        }  # fmt: skip


def load_case(path: Path | str) -> Case:
    """Read and check a case file.

    Raises
    ------
    BadInput
        Not a file, not TOML, another schema, an unknown or missing key, a value that is not possible; the sentence
        names the key and, where there is one, the key that was probably meant.
    """
    return read_checked(path, Case, SCHEMA, "case.toml")


def read_checked(path: Path | str, model: type[Checked], schema: str, usual: str) -> Checked:
    """A file of the schema `schema`, checked against `model`, which gets its hash (and, if it has one, its folder) beside the file's keys.

    In a folder, the file `usual` is read.

    Raises
    ------
    BadInput
        As `load_case`.
    """
    path, content, sha256 = read_toml(path, schema, usual)
    own: dict[str, Any] = {"sha256": sha256} | ({"folder": path.parent.resolve()} if "folder" in model.model_fields else {})
    for reserved in own:
        if reserved in content:
            raise BadInput(f"{path.name}: the key {reserved!r} is not one that such a file has; remove it.")
    try:
        return model(**content, **own)
    except ValidationError as error:
        raise BadInput(f"{path.name}: {fault_sentence(error, model)}") from None


def read_toml(path: Path | str, wanted: str, usual: str) -> tuple[Path, dict[str, Any], str]:
    """A TOML file of the schema `wanted`: its path, its content without the schema, its hash; in a folder, the file `usual`."""
    import hashlib

    path = Path(path)
    if path.is_dir():
        path = path / usual
    try:
        raw = path.read_bytes()
    except OSError:
        raise BadInput(f"There is no readable file {path.name!r}; give the path of a {usual}.") from None
    try:
        content = tomllib.loads(raw.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadInput(f"{path.name} is not a text file in UTF-8; give a {usual}, saved as UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        raise BadInput(f"{path.name} is not valid TOML ({error}); correct that line.") from None
    except (ValueError, RecursionError):  # a number of thousands of digits, brackets in thousands
        raise BadInput(f"{path.name} holds a number or a nesting beyond what a {usual} needs; correct it.") from None
    schema = content.pop("schema", None)
    if schema != wanted:
        raise BadInput(f"{path.name}: {'names no schema' if schema is None else f'the schema is {schema!r}'}; this version reads schema = {wanted!r}.")
    return path, content, hashlib.sha256(raw).hexdigest()


def fault_sentence(error: ValidationError, root: type[BaseModel]) -> str:
    """The first fault of a validation of `root`, as one sentence."""
    first = error.errors()[0]
    loc = first["loc"][:-2] if first["loc"][-1:] == ("[key]",) else first["loc"]
    where = ".".join(str(p + 1) if isinstance(p, int) else str(p) for p in loc)
    if first["type"] == "extra_forbidden":
        return f"{where} is not a known key.{near_matches(str(first['loc'][-1]), _keys_beside(first['loc'], root))}"
    if first["type"] == "missing":
        return f"{where} is missing; add it."
    message = _WANTED.get(first["type"]) or str(first["msg"]).removeprefix("Value error, ").replace("Input should", "it should").rstrip(".")
    if first["type"] != "value_error":
        given = repr(first["input"])
        message = f"got {given if len(given) <= 80 else given[:80] + '...'}; {message}"
    return f"{where}: {message}." if where else f"{message}."


#: What pydantic says in its own words, in ours.
_WANTED = {
    "model_type": "write it as a section of its own", "dict_type": "write it as a section of its own", "list_type": "write it as a list, in square brackets",
    "string_type": "write it as text, in quotes", "bool_type": "write true or false", "int_type": "write a whole number without quotes",
    "float_type": "write a number without quotes", "too_short": "name at least one, or leave it out", "string_too_short": "it must not be empty",
    "string_pattern_mismatch": "use letters, digits, blanks and _ . + - only", "finite_number": "give a finite number",
}  # fmt: skip


def _keys_beside(loc: tuple[int | str, ...], root: type[BaseModel]) -> list[str]:
    model: Any = root
    for part in loc[:-1]:
        if isinstance(part, int):
            continue
        annotation = str(model.model_fields[part].annotation) if part in model.model_fields else ""
        model = next((m for m in _Part.__subclasses__() if f".{m.__name__}" in annotation), model)
    return [k for k in model.model_fields if k not in ("folder", "sha256")]


def as_parameters(case: Case) -> Mapping[str, Any]:
    """The case's settings as plain values for the record, paths and hashes left out."""
    return case.model_dump(mode="json", exclude={"folder", "sha256", "scan", "region"}, exclude_none=True)
