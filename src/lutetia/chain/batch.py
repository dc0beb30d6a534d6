"""A batch file to its result: times as dates, checks in the order in which they stop a release, the ledger, the vial."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..core import BadInput, show
from ..data import table
from ..nuclides import nuclide
from ..supply.manufacture import (
    Batch,
    Calendar,
    Dose,
    Item,
    Limits,
    Lot,
    Process,
    Product,
    calendar,
    earliest_reading_s,
    earliest_shift_s,
    fill,
    first_violation,
    possession_Bq,
    reading,
    start_for_doses_Bq,
    strip_purity,
    success_interval,
    weekly_calendar,
)
from .batch_file import BatchFile, TestPart, load_batch, process_of

_STRIP_HOURS = (0.5, 1.0, 2.0, 3.0, 4.0, 6.0)
#: Which resources a step needs; a test needs its instrument, where the file has a calendar of it.
_NEEDS = {"synthesis": ("hot cell", "operator"), "filling": ("dispenser", "operator")}
_CONFIDENCE = 0.95


def run_batch(path: Path | str) -> dict[str, Any]:
    """What becomes of the batch of a file, as plain values.

    Raises
    ------
    BadInput
        As `load_batch`; a value out of range; less ligand than the activity needs.
    """
    f = load_batch(path)
    p, origin = process_of(f), f.start.time
    doses = [Dose(d.name if d.count == 1 else f"{d.name} {n + 1}", d.activity, (d.time - origin).total_seconds(), d.tolerance) for d in f.dose for n in range(d.count)]
    items = [_item(t, p.nuclide) for t in f.test] or None
    start_Bq = f.start.activity if f.start.activity is not None else start_for_doses_Bq(p, doses, items)
    limits = Limits(f.limits.purity_min, f.limits.impurity_max, f.limits.concentration_min, f.limits.concentration_max, f.limits.dose_volume_min, f.limits.dose_volume_max)
    product = _product(f, p, start_Bq, origin)
    batch = fill(p, start_Bq, product, doses, items, limits)
    spans = _spans(f, batch, origin)
    licence = _licence(f, p, batch, origin)
    checks = [*_calendar_checks(spans), *_licence_checks(f, licence), *_release_checks(batch, product, limits), *_dose_checks(batch, limits)]
    failing = next((c["name"] for c in checks if c["passed"] is False), None)

    def at(seconds: float | None) -> str | None:
        return None if seconds is None or not math.isfinite(seconds) else _iso(origin, seconds)

    early = earliest_shift_s(spans) if spans else 0.0
    before = {t.name: t.before_release for t in f.test}
    interval = None if p.batches is None or p.failures is None else list(success_interval(p.batches, p.failures))
    success = None if "success" in p.assumed else p.success  # a round value is no probability to report
    binding = batch.expiry
    return {
        "title": f.title, "nuclide": p.nuclide,
        "start": {
            "time": at(0.0), "activity_Bq": start_Bq, "given": f.start.activity is not None, "earliest_time": at(early),
            "for_doses_Bq": start_for_doses_Bq(p, doses, items) if doses else None,
            "for_doses_95_Bq": _sure(p, doses, items),
        },
        "process": {
            "name": p.name, "yield_fraction": p.yield_fraction, "u_yield": p.u_yield, "synthesis_s": p.synthesis_s, "filling_s": p.filling_s, "residue_fraction": p.residue_fraction,
            "shelf_life_s": p.shelf_life_s, "source": p.source, "assumed": list(p.assumed),
        },
        "timeline": [{"name": n, "begin": at(a), "end": at(b), "begin_s": a, "end_s": b, "before_release": before.get(n, True)} for n, a, b in batch.phases],
        "release": {
            "time": at(batch.release_s), "after_s": batch.release_s, "activity_Bq": batch.release_Bq, "u_activity_Bq": batch.u_release_Bq,
            "concentration_Bq_mL": batch.concentration_Bq_mL, "purity": batch.purity_release, "impurity_share": batch.impurity_release,
        },
        "ledger_Bq": batch.ledger_Bq, "stock_mL": batch.stock_mL, "vial": _vial(batch),
        "doses": [
            {"name": d.dose.name, "time": at(d.dose.at_s), "wanted_Bq": d.dose.activity_Bq, "activity_Bq": d.activity_Bq, "share": d.share, "volume_mL": d.volume_mL, "purity": d.purity}
            for d in batch.doses
        ],
        "expiry": {"by": {k: {"time": at(v), "after_s": None if v is None or math.isinf(v) else v, "known": v is not None} for k, v in batch.expiries_s.items()},
                   "binding": None if binding is None else binding[0], "time": None if binding is None else at(binding[1])},
        "readings": [_reading(t, p, product) for t in f.test if t.reads is not None],
        "licence": licence,
        "probability": {
            "success": success, "success_95": interval, "batches": p.batches, "failures": p.failures, "enough_activity": batch.enough if doses else None,
            "all_doses": None if success is None or not doses else success * batch.enough,
        },
        "checks": checks, "first_failing": failing, "assumptions": _assumptions(f, p, batch),
        "provenance": {
            "version": __version__, "file_sha256": f.sha256,
            "tables": [{"name": n, "sha256": table(n).sha256, "source": table(n).source["title"]} for n in (("manufacture_processes",) if f.process.name else ())],
        },
    }  # fmt: skip


def _iso(origin: dt.datetime, seconds: float) -> str:
    try:
        return (origin + dt.timedelta(seconds=round(seconds))).isoformat()
    except OverflowError:
        return "beyond the calendar"


def _item(t: TestPart, parent: str) -> Item:
    """A test; one that reads a daughter waits until the reading is valid, from the end of synthesis or from its own strip."""
    if t.reads is None:
        return Item(t.name, t.duration, t.before_release, t.sample, 0.0, t.instrument)
    wait = _wait(t, parent)
    return Item(t.name, t.duration + (wait if t.since == "strip" else 0.0), t.before_release, t.sample, wait if t.since == "synthesis" else 0.0, t.instrument)


def _wait(t: TestPart, parent: str) -> float:
    counting = {"counts_per_s": t.count_rate, "counting_s": t.duration} if t.count_rate is not None else {}
    assert t.reads is not None
    return earliest_reading_s(parent, t.reads, t.tolerance, **counting)


def _product(f: BatchFile, p: Process, start_Bq: float, origin: dt.datetime) -> Product:
    x = f.product
    volume = x.volume
    if volume is None:
        assert x.calibration is not None and x.concentration is not None
        rate = nuclide(p.nuclide).decay_constant_per_s
        half_lives = rate * (x.calibration - origin).total_seconds() / math.log(2)
        if abs(half_lives) > 100:
            raise BadInput(f"product: the calibration is {half_lives:.3g} half-lives of {p.nuclide} after the start; give a time near the batch.")
        volume = start_Bq * p.yield_fraction * 2**-half_lives / x.concentration
    ligand = None if x.ligand is None else x.ligand * x.ligand_recovered
    impurity = None if x.impurity is None else nuclide(x.impurity).name
    return Product(volume, x.purity, ligand, x.loss_per_dose, impurity, x.impurity_share)


def _sure(p: Process, doses: Sequence[Dose], items: Sequence[Item] | None) -> float | None:
    """Start that meets the doses with 95 %; None if no spread of the yield is known, or it is too wide."""
    from scipy.stats import norm

    known = "u_yield" not in p.assumed and p.u_yield > 0
    possible = known and doses and p.u_yield * float(norm.ppf(_CONFIDENCE)) < p.yield_fraction
    return start_for_doses_Bq(p, doses, items, confidence=_CONFIDENCE) if possible else None


def _calendars(f: BatchFile, origin: dt.datetime, until_s: float) -> list[tuple[str, str, Calendar]]:
    out: list[tuple[str, str, Calendar]] = []
    for r in f.resource:
        if r.open:
            c = calendar(((a - origin).total_seconds(), (b - origin).total_seconds()) for a, b in r.open)
        else:
            assert r.zone is not None
            last = origin.date() + dt.timedelta(days=min(int(until_s // 86400), 3000) + 60)
            c = weekly_calendar({str(d): h for d, h in r.week.items()}, r.zone, origin.date() - dt.timedelta(days=2), last, holidays=r.holidays, origin=origin)
        out.append((r.name, r.kind, c))
    return out


class _Span(tuple[float, float, list[Calendar]]):
    """What `earliest_shift_s` takes, with the words for it."""

    said: str


def _spans(f: BatchFile, batch: Batch, origin: dt.datetime) -> list[_Span]:
    """Each step before release with the calendars of which one must hold it; kinds of which the file has none are not checked."""
    there = _calendars(f, origin, batch.release_s)
    instruments = {t.name: t.instrument for t in f.test if t.before_release}
    out = []
    for name, begin, end in batch.phases:
        for kind in _NEEDS.get(name, ()) if name not in instruments else ("instrument",):
            chosen = [c for n, k, c in there if k == kind and (kind != "instrument" or n == instruments[name])]
            if chosen and end > begin:
                span = _Span((begin, end, chosen))
                span.said = f"{name}: {instruments[name] if kind == 'instrument' else kind}"
                out.append(span)
    return out


def _check(name: str, passed: bool | None, said: str) -> dict[str, Any]:
    return {"name": name, "passed": passed, "said": said}


def _calendar_checks(spans: Sequence[_Span]) -> list[dict[str, Any]]:
    out = []
    for s in spans:
        begin, end, chosen = s
        fits = any(c.covers(begin, end) for c in chosen)
        out.append(_check(f"calendar, {s.said}", fits, f"{show(begin, 's')} to {show(end, 's')} after the start is {'inside' if fits else 'outside'} the open hours"))
    return out


def _licence(f: BatchFile, p: Process, batch: Batch, origin: dt.datetime) -> dict[str, Any] | None:
    """Doses leave at release; all else of the batch, waste included, stays and decays."""
    if f.licence is None:
        return None
    gone = batch.ledger_Bq["doses"] * math.exp(nuclide(p.nuclide).decay_constant_per_s * batch.release_s)
    lots = [Lot(batch.start_Bq - gone, 0.0), Lot(gone, 0.0, batch.release_s)]
    lots += [Lot(x.activity, (x.arrives - origin).total_seconds(), None if x.leaves is None else (x.leaves - origin).total_seconds()) for x in f.licence.lot]
    found = first_violation(p.nuclide, lots, f.licence.limit)
    held = possession_Bq(p.nuclide, lots, np.array([x.arrives_s for x in lots]))
    return {
        "limit_Bq": f.licence.limit, "at_start_Bq": float(held[0]), "highest_Bq": float(held.max()),
        "violation": None if found is None else {"begins": _iso(origin, found.begins_s), "ends": _iso(origin, found.ends_s), "highest_Bq": found.highest_Bq},
    }  # fmt: skip


def _licence_checks(f: BatchFile, licence: dict[str, Any] | None) -> list[dict[str, Any]]:
    if licence is None:
        return []
    v = licence["violation"]
    said = f"at most {show(licence['highest_Bq'], 'Bq')} of {show(licence['limit_Bq'], 'Bq')}" + ("" if v is None else f", above it from {v['begins']} to {v['ends']}")
    return [_check("licence", v is None, said)]


def _release_checks(b: Batch, product: Product, limits: Limits) -> list[dict[str, Any]]:
    out = []
    if limits.purity_min is not None:
        known = b.purity_release if b.purity_release is not None else product.purity
        said = f"{known:.2%} at {'release' if b.purity_release is not None else 'the end of synthesis; its fall by radiolysis is not known'}, at least {limits.purity_min:.2%} wanted"
        out.append(_check("purity at release", (known >= limits.purity_min) if b.purity_release is not None or known < limits.purity_min else None, said))
    if limits.impurity_max is not None:
        x = b.impurity_release
        said = "no impurity was given" if x is None else f"{x:.3g} of the activity is {product.impurity}, at most {limits.impurity_max:.3g} allowed"
        out.append(_check("impurity at release", None if x is None else x <= limits.impurity_max, said))
    for name, limit, fits in (
        ("concentration, least", limits.concentration_min_Bq_mL, lambda c, limit: c >= limit), ("concentration, most", limits.concentration_max_Bq_mL, lambda c, limit: c <= limit),
    ):  # fmt: skip
        if limit is not None:
            out.append(_check(name, fits(b.concentration_Bq_mL, limit), f"{show(b.concentration_Bq_mL, 'Bq/mL')} at release, limit {show(limit, 'Bq/mL')}"))
    return out


def _dose_checks(b: Batch, limits: Limits) -> list[dict[str, Any]]:
    out = []
    for d in b.doses:
        n, t = d.dose.name, d.dose.at_s
        short = d.share < 1 - d.dose.tolerance - 1e-9
        out.append(_check(f"activity, {n}", not short, f"{show(d.activity_Bq, 'Bq')} of {show(d.dose.activity_Bq, 'Bq')} wanted within {d.dose.tolerance:.1%}"))
        out.append(_check(f"after release, {n}", t >= b.release_s, f"injected {show(t - b.release_s, 's')} after release"))
        for cause, expires in b.expiries_s.items():
            # The volume of the largest dose is an expiry of the stock; each dose has its own check of volume below.
            if expires is not None and cause not in ("dose volume", "concentration"):
                out.append(_check(f"{cause}, {n}", t <= expires, "never expires" if math.isinf(expires) else f"injected {show(expires - t, 's')} before expiry by {cause}"))
        if limits.volume_min_mL is not None or limits.volume_max_mL is not None:
            low, high = limits.volume_min_mL or 0.0, limits.volume_max_mL if limits.volume_max_mL is not None else math.inf
            said = f"{d.volume_mL:.4g} mL, {low:g} to {high:g} mL allowed"
            out.append(_check(f"volume, {n}", low * (1 - 1e-9) <= d.volume_mL <= high * (1 + 1e-9), said))
    return out


def _vial(b: Batch) -> dict[str, Any] | None:
    v = b.vial
    if v is None:
        return None
    return {
        "activity_Bq": dict(v.inventory.activity_Bq), "hot_nmol": v.hot_nmol, "decayed_nmol": v.decayed_nmol, "cold_nmol": v.cold_nmol, "purity": v.radiochemical_purity,
        "volume_mL": v.volume_mL, "concentration_Bq_mL": b.concentration_Bq_mL, "molar_activity_Bq_per_nmol": v.activity_Bq / v.ligand_nmol,
    }  # fmt: skip


def _reading(t: TestPart, p: Process, product: Product) -> dict[str, Any]:
    assert t.reads is not None
    wait = _wait(t, p.nuclide)
    counting = {"counts_per_s": t.count_rate, "counting_s": t.duration} if t.count_rate is not None else {}
    r = reading(p.nuclide, t.reads, wait, **counting)
    hours = [h * 3600 for h in _STRIP_HOURS]
    shown = strip_purity(product.purity, p.nuclide, t.reads, np.array(hours))
    return {
        "test": t.name, "reads": nuclide(t.reads).name, "since": t.since, "tolerance": t.tolerance, "valid_after_s": wait, "bias": r.bias,
        "u_counting": r.u_counting if counting else None, "strip": [{"after_s": h, "shown_purity": float(x), "error": float(x) - product.purity} for h, x in zip(hours, shown)],
    }  # fmt: skip


def _assumptions(f: BatchFile, p: Process, b: Batch) -> list[str]:
    out = ["all doses fall short alike where the batch cannot meet them together", "the batch does not fail; the probability that it does stands beside it"]
    if set(p.assumed) - {"success"}:
        kind = "round values of the table without a published source" if f.process.name is not None else "not given, taken as none"
        out.append(f"{kind}: {', '.join(a for a in p.assumed if a != 'success')}")
    if "success" in p.assumed:
        out.append("how often such batches fail is not known")
    if b.purity_release is None:
        out.append("no constant of radiolysis was given: the purity is that of the end of synthesis, and when it falls below its limit is not known")
    else:
        out.append("purity falls as exp(-kappa D) (form: doi:10.3390/molecules28041884) with the constant of the file; the dose counts all but photons, absorbed in the solution")
    if f.product.ligand is None:
        out.append("no ligand was given: the vial is not made")
    if any(t.reads for t in f.test):
        out.append("the product holds no daughters at the end of synthesis; free daughters run with the free nuclide on a strip, which holds them in equilibrium when it is run")
    if f.licence is not None:
        out.append(f"the licence counts {p.nuclide} alone: doses leave at release, all else of the batch stays, waste included")
    return out
