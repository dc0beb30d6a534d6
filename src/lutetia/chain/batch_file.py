"""The batch file: what a person writes to ask what becomes of a batch, or what activity it must start from; checked key by key."""

from __future__ import annotations

import datetime as dt
import math
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from ..core import BadInput
from ..nuclides import nuclide
from ..supply.manufacture import Process, process
from .case import Activity, MilliLitres, Moment, Relative, _Part, _quantity, read_checked

BATCH_SCHEMA = "lutetia-batch/1"


def _zoned(value: dt.datetime) -> dt.datetime:
    if value.tzinfo is None:
        raise ValueError(f"the time {value.isoformat()} has no zone; write it like '2026-03-02T06:00:00+01:00'")
    if not 1950 <= value.year <= 2200:
        raise ValueError(f"the time {value.isoformat()} is far off; give a year from 1950 to 2200")
    return value


def _share(value: float) -> float:
    if value > 1:
        raise ValueError(f"got {100 * value:g} %; give at most 100 %")
    return value


When = Annotated[Moment, AfterValidator(_zoned)]
Share = Annotated[Relative, AfterValidator(_share)]
Span = _quantity("s", positive=False, within=("0 s", "1000 d"))
Nanomoles = _quantity("nmol", within=("1 pmol", "1 mol"))
Concentration = _quantity("Bq/mL", within=("1 Bq/mL", "1000 TBq/mL"))
Label = Annotated[str, Field(min_length=1, max_length=64)]


class StartPart(_Part):
    time: When
    activity: Activity | None = None  # type: ignore[valid-type]


class ProcessPart(_Part):
    name: str | None = None
    chemical_yield: Share | None = None
    chemical_yield_u: Share | None = None
    decay_corrected: bool = True
    synthesis: Span | None = None  # type: ignore[valid-type]
    filling: Span | None = None  # type: ignore[valid-type]
    quality_control: Span | None = None  # type: ignore[valid-type]
    samples: Share | None = None
    residue: Share | None = None
    shelf_life: Span | None = None  # type: ignore[valid-type]
    batches: int | None = Field(default=None, ge=1, le=10**9)
    failures: int | None = Field(default=None, ge=0, le=10**9)

    @model_validator(mode="after")
    def _whole(self) -> ProcessPart:
        if self.name is None and None in (self.chemical_yield, self.synthesis, self.shelf_life):
            raise ValueError("give the name of a published process, or at least chemical_yield, synthesis and shelf_life")
        if (self.batches is None) != (self.failures is None):
            raise ValueError("batches and failures go together; give both or neither")
        if not self.decay_corrected and self.chemical_yield is None:
            raise ValueError("decay_corrected speaks of chemical_yield; give that beside it, or remove it")
        return self


class ProductPart(_Part):
    volume: MilliLitres | None = None
    concentration: Concentration | None = None  # type: ignore[valid-type]
    calibration: When | None = None
    purity: Share = 1.0
    ligand: Nanomoles | None = None  # type: ignore[valid-type]
    ligand_recovered: Share = 1.0
    loss_per_dose: _quantity("Gy^-1", positive=False, within=("0 Gy^-1", "1 Gy^-1")) | None = None  # type: ignore[valid-type]
    impurity: str | None = None
    impurity_share: Share | None = None

    @model_validator(mode="after")
    def _one_volume(self) -> ProductPart:
        if (self.volume is None) == (self.concentration is None):
            raise ValueError("give either the volume at the end of synthesis or the concentration at a calibration time")
        if (self.concentration is None) != (self.calibration is None):
            raise ValueError("concentration and calibration (its time) go together; give both or neither")
        if (self.impurity is None) != (self.impurity_share is None):
            raise ValueError("impurity and impurity_share go together; give both or neither")
        return self


class LimitsPart(_Part):
    purity_min: Share | None = None
    impurity_max: Share | None = None
    concentration_min: Concentration | None = None  # type: ignore[valid-type]
    concentration_max: Concentration | None = None  # type: ignore[valid-type]
    dose_volume_min: MilliLitres | None = None
    dose_volume_max: MilliLitres | None = None


class TestPart(_Part):
    __test__ = False  # no test of pytest
    name: Label
    duration: Span  # type: ignore[valid-type]
    before_release: bool = True
    sample: Share = 0.0
    instrument: Label | None = None
    reads: str | None = None
    since: Literal["synthesis", "strip"] = "synthesis"
    tolerance: Share = 0.05
    count_rate: _quantity("cps", within=("1e-6 cps", "1e9 cps")) | None = None  # type: ignore[valid-type]


class DosePart(_Part):
    name: Label
    activity: Activity  # type: ignore[valid-type]
    time: When
    tolerance: Share = 0.1
    count: int = Field(default=1, ge=1, le=10_000)


class ResourcePart(_Part):
    name: Label
    kind: Literal["hot cell", "operator", "dispenser", "instrument"]
    open: list[Annotated[list[When], Field(min_length=2, max_length=2)]] = Field(default_factory=list)
    week: dict[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], str] = Field(default_factory=dict)  # type: ignore[arg-type]
    zone: str | None = None
    holidays: list[dt.date] = Field(default_factory=list)

    @model_validator(mode="after")
    def _one_way(self) -> ResourcePart:
        if bool(self.open) == bool(self.week):
            raise ValueError(f"resource {self.name!r}: give either open, a list of pairs of times, or week with its hours")
        if bool(self.week) != (self.zone is not None) or (self.holidays and not self.week):
            raise ValueError(f"resource {self.name!r}: week goes with a zone such as 'Europe/Berlin', and holidays with a week")
        return self


class LotPart(_Part):
    activity: Activity  # type: ignore[valid-type]
    arrives: When
    leaves: When | None = None


class LicencePart(_Part):
    limit: Activity  # type: ignore[valid-type]
    lot: list[LotPart] = Field(default_factory=list)


class BatchFile(_Part):
    """A checked batch file; `sha256` is that of the file."""

    title: str | None = None
    nuclide: str = Field(max_length=40)
    start: StartPart
    process: ProcessPart
    product: ProductPart
    limits: LimitsPart = Field(default_factory=LimitsPart)
    test: list[TestPart] = Field(default_factory=list)
    dose: list[DosePart] = Field(default_factory=list)
    resource: list[ResourcePart] = Field(default_factory=list)
    licence: LicencePart | None = None
    sha256: str

    @model_validator(mode="after")
    def _whole(self) -> BatchFile:
        if self.start.activity is None and not self.dose:
            raise ValueError("give start.activity, or [[dose]] entries for which it is to be found")
        if not self.test and self.process.name is None and self.process.quality_control is None:
            raise ValueError("give [[test]] entries, or process.quality_control, the time that quality control takes before release")
        for what, names in (("test", [t.name for t in self.test]), ("dose", [d.name for d in self.dose]), ("resource", [r.name for r in self.resource])):
            twice = sorted({n for n in names if names.count(n) > 1})
            if twice:
                raise ValueError(f"the {what} {twice[0]!r} is given twice; name each once")
        if self.test and (self.process.quality_control is not None or self.process.samples is not None):
            raise ValueError("process.quality_control and process.samples have no effect beside [[test]] entries; remove them")
        return self


def load_batch(path: Path | str) -> BatchFile:
    """Read and check a batch file.

    Raises
    ------
    BadInput
        As `lutetia.chain.case.load_case`.
    """
    return read_checked(path, BatchFile, BATCH_SCHEMA, "batch.toml")


def process_of(f: BatchFile) -> Process:
    """The process of a file: the published one, with what the file gives in its place.

    Without counts of batches a process of one's own has the success 1, which `assumed` says.

    Raises
    ------
    BadInput
        An unknown process, or one of another nuclide.
    """
    p, name = f.process, nuclide(f.nuclide).name
    given: dict[str, Any] = {
        k: v for k, v in (("yield_fraction", p.chemical_yield), ("u_yield", p.chemical_yield_u), ("synthesis_s", p.synthesis), ("filling_s", p.filling),
                          ("qc_s", p.quality_control), ("qc_loss_fraction", p.samples), ("residue_fraction", p.residue), ("shelf_life_s", p.shelf_life))
        if v is not None
    }  # fmt: skip
    if p.batches is not None and p.failures is not None:
        if p.failures > p.batches:
            raise BadInput(f"process: {p.failures} failures of {p.batches} batches; give at most as many failures as batches.")
        given["success"] = 1 - p.failures / p.batches
    if p.name is not None:
        own = process(p.name)
        if own.nuclide != name:
            raise BadInput(f"process: {p.name!r} is of {own.nuclide}, but the batch is of {name}; name a process of {name}, or give chemical_yield, synthesis and shelf_life.")
        source = own.source + (f"; given by the user: {', '.join(given)}" if given else "")
    else:
        own = Process("own", name, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, "", assumed=("u_yield", "filling_s", "qc_s", "qc_loss_fraction", "residue_fraction", "success"))
        source = "given by the user"
    if p.chemical_yield is not None and not p.decay_corrected:
        undone = math.exp(nuclide(name).decay_constant_per_s * given.get("synthesis_s", own.synthesis_s))
        given["yield_fraction"] *= undone
        if "u_yield" in given:
            given["u_yield"] *= undone
    if p.chemical_yield is not None and p.chemical_yield_u is None:
        given["u_yield"] = 0.0
    taken = set(given) - ({"u_yield"} if p.chemical_yield_u is None else set()) | ({"qc_s", "qc_loss_fraction"} if f.test else set())
    left = tuple(a for a in own.assumed if a not in taken) + (("u_yield",) if p.chemical_yield is not None and p.chemical_yield_u is None and "u_yield" not in own.assumed else ())
    counted = (p.batches, p.failures) if p.batches is not None else (own.batches, own.failures)
    return replace(own, **given, source=source, assumed=left, batches=counted[0], failures=counted[1])
