"""The scans of a case, read, checked against one another and brought onto the first scan's grid."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..core import BadInput, inside, is_kind, parse, show
from ..imaging import (
    ActivityScan,
    Calibration,
    CtScan,
    Geometry,
    RegionSet,
    Registration,
    Volume,
    read_activity,
    read_ct,
    read_regions,
    register_rigid,
    resample,
)
from ..imaging.dicom_files import same_name, share_a_word
from ..imaging.resample import index_map
from ..kinetics.fit import MOST_HALF_LIVES
from ..nuclides import Nuclide
from .case import Case, Scan, date_and_time
from .plausible import require_possible


@dataclass(frozen=True, slots=True, eq=False)
class PatientImages:
    """Everything read from a case's folder, on the grid of the first scan.

    Attributes
    ----------
    scans : tuple of ActivityScan
        As read, each on its own grid.
    time_s : ndarray, shape (n,)
        After the administration.
    aligned : tuple of Volume
        Activity concentration of each scan on the first scan's grid.
    registrations : tuple
        How each scan was moved; None where it was not.
    hu : Volume or None
        The CT on the first scan's grid; air where the CT has nothing.
    ct_grid : Geometry or None
        The CT's own grid: what of the first scan it covers.
    regions : tuple of RegionSet
        One for all scans, or one for each, on the grid of the scan that it belongs to.
    body : ndarray of bool or None
    """

    scans: tuple[ActivityScan, ...]
    time_s: np.ndarray
    aligned: tuple[Volume, ...]
    registrations: tuple[Registration | None, ...]
    hu: Volume | None
    ct_grid: Geometry | None
    regions: tuple[RegionSet, ...]
    body: np.ndarray | None
    inputs: list[dict[str, Any]]
    warnings: list[str]


def read_patient(case: Case, nuclide: Nuclide) -> PatientImages:
    """Read the scans, CT and regions of an image case.

    Raises
    ------
    BadInput
        Two patients, scans out of order or before the administration, a path outside the case folder, and all that the
        readers refuse.
    """
    if case.administration.time is None:
        raise BadInput("administration.time is missing; images need the date and time of the administration.")
    warnings: list[str] = []
    inputs: list[dict[str, Any]] = []
    scans = tuple(_scan(case, s, nuclide, n) for n, s in enumerate(case.scan, 1))
    for s, spec in zip(scans, case.scan):
        inputs += [{"name": f"{spec.activity}: {name}" if name != spec.activity else name, "sha256": h, "uid": s.series_uid} for name, h in s.files]
    warnings += _once([(f"scan {n}", w) for n, s in enumerate(scans, 1) for w in s.warnings])
    _require_there(case, warnings)
    time_s = _times(case, scans, nuclide)
    _one_patient(scans, warnings)
    for n, (s, t) in enumerate(zip(scans, time_s), 1):
        total_Bq = float(s.volume.values.sum(dtype=float)) * s.volume.geometry.voxel_mL
        require_possible(n, total_Bq, float(t), case.administration.activity, nuclide.decay_constant_per_s)
    first = scans[0].volume.geometry
    ct = _ct(case, 0, scans[0], inputs, warnings)
    aligned, registrations = [scans[0].volume], [None]
    for n, s in enumerate(scans[1:], 1):
        moved, how = _align(case, scans[0], s, n, warnings)
        aligned.append(moved)
        registrations.append(how)
    unplaced = [f"scan {n}" for n, s in enumerate(scans[1:], 2) if not (first.frame_of_reference and s.volume.geometry.frame_of_reference)]
    if unplaced:
        warnings.append(f"{', '.join(unplaced)}: no frame of reference is named, so the scan was taken as aligned with scan 1")
    regions = _regions(case, scans, inputs, warnings)
    hu = None
    if ct is not None:
        same_frame = not first.frame_of_reference or not ct.volume.geometry.frame_of_reference or ct.volume.geometry.frame_of_reference == first.frame_of_reference
        if not same_frame:
            warnings.append("the CT and the first scan name different frames of reference; the CT was taken as aligned with it")
        hu = resample(ct.volume, first, None if same_frame else np.eye(4), outside=-1000.0, method="conserving")
    body = None
    if case.dosimetry.body is not None:
        path = inside(case.folder, case.dosimetry.body, "dosimetry.body")
        with _said_of("dosimetry.body"):
            mask = read_regions(path, first)
        _one_patient([scans[0], mask], warnings)
        body = np.any(list(mask.masks.values()), axis=0)
        inputs += [{"name": n, "sha256": h, "uid": None} for n, h in mask.files]
    return PatientImages(scans, time_s, tuple(aligned), tuple(registrations), hu, None if ct is None else ct.volume.geometry, regions, body, inputs, warnings)


def beyond(mask: np.ndarray, grid: Geometry, other: Geometry, transform: np.ndarray | None = None) -> np.ndarray:
    """Indices (n, 3) of the voxels of a mask whose centres lie outside another grid.

    `transform` maps LPS mm of `grid`'s space to LPS mm of `other`'s, as a registration returns it.
    """
    voxels = np.argwhere(mask)
    places = grid.to_patient(voxels)
    if transform is not None:
        places = places @ transform[:3, :3].T + transform[:3, 3]
    index = other.to_index(places)
    inside_it = np.all((index >= -0.5 - 1e-6) & (index <= np.array(other.shape) - 0.5 + 1e-6), axis=1)
    return voxels[~inside_it]


def fields_of_view(patient: PatientImages) -> tuple[np.ndarray | None, list[str]]:
    """Which voxels of the first scan's grid each scan saw, shape (n, *grid); None where all saw all. And what that means."""
    grid, first = patient.scans[0].volume.geometry, np.maximum(patient.scans[0].volume.values, 0)
    seen, said = np.ones((len(patient.scans), *grid.shape), bool), []
    for n, (scan, how) in enumerate(zip(patient.scans[1:], patient.registrations[1:]), 1):
        other = scan.volume.geometry
        if how is None and other.same_grid(grid):
            continue
        matrix, offset = index_map(other, grid, np.eye(4) if how is None else how.transform)
        for axis, size in enumerate(other.shape):
            at = sum(m * x for m, x in zip(matrix[axis], np.ogrid[tuple(slice(s) for s in grid.shape)])) + offset[axis]
            seen[n] &= (at >= -0.5 - 1e-6) & (at <= size - 0.5 + 1e-6)
        lost = float(first.sum(where=~seen[n], dtype=float)) / float(first.sum(dtype=float))
        if lost > 0.01:
            said.append(f"{lost:.1%} outside the field of scan {n + 1}")
    if not said:
        return (None if seen.all() else seen), []
    alone = ", and where scan 1 alone did, they were given the mean course of the field that most scans share" if np.any(~seen[1:].any(axis=0)) else ""
    return seen, [f"of scan 1's activity {', '.join(said)}: such voxels were fitted from the scans that saw them{alone}"]


def _once(said: list[tuple[str, str]]) -> list[str]:
    """Each warning once, behind all who said it."""
    by_text: dict[str, list[str]] = {}
    for who, text in said:
        by_text.setdefault(text, []).append(who)
    return [f"{', '.join(who)}: {text}" for text, who in by_text.items()]


@contextmanager
def _said_of(what: str) -> Iterator[None]:
    """A block whose refusals begin with the place in the case."""
    try:
        yield
    except BadInput as error:
        raise BadInput(f"{what}: {error}") from None


def _require_there(case: Case, warnings: list[str]) -> None:
    """Refuse names of files that are not there, also where nothing is read from them; say which regions are not used."""
    for n, spec in enumerate(case.scan, 1):
        for key in ("ct", "regions"):
            if (path := getattr(spec, key)) is not None:
                inside(case.folder, path, f"scan {n}: {key}")
    unused = [f"scan {n}" for n, spec in enumerate(case.scan[1:], 2) if spec.regions is not None]
    if unused and case.regions.use == "first":
        warnings.append(f"{', '.join(unused)}: its regions were not used, as regions.use is 'first'")


def _scan(case: Case, spec: Scan, nuclide: Nuclide, number: int) -> ActivityScan:
    what = f"scan {number}"
    path, at = inside(case.folder, spec.activity, what), _scan_time(case, spec, what)
    with _said_of(what):
        return read_activity(
            path, nuclide=nuclide, administered_at=case.administration.time, calibration=_calibration(case), unit=spec.unit,
            time=at, duration_s=spec.duration, decay_corrected_to=spec.decay_corrected_to, series_uid=spec.series,
        )  # fmt: skip


def _calibration(case: Case) -> Calibration | None:
    c = case.calibration
    if c is None:
        return None
    u = case.uncertainty.calibration or 0.0
    if c.sensitivity is not None:
        return Calibration(sensitivity_cps_per_Bq=parse(c.sensitivity, "count/s/Bq", "calibration.sensitivity", positive=True), relative_u=u)
    factor = str(c.factor)
    if is_kind(factor, "Bq/mL/count"):
        return Calibration(Bq_per_mL_per_count=parse(factor, "Bq/mL/count", "calibration.factor", positive=True), relative_u=u)
    return Calibration(Bq_per_count=parse(factor, "Bq/count", "calibration.factor", positive=True), relative_u=u)


def _scan_time(case: Case, spec: Scan, what: str) -> dt.datetime | None:
    if spec.time is None or isinstance(spec.time, dt.datetime):
        return spec.time
    if is_kind(spec.time, "s"):
        assert case.administration.time is not None
        try:
            return case.administration.time + dt.timedelta(seconds=parse(spec.time, "s", f"{what}: time"))
        except OverflowError:
            raise BadInput(f"{what}: time {spec.time!r} is beyond the calendar; check its unit.") from None
    found = date_and_time(spec.time)
    if found is None:
        raise BadInput(f"{what}: time {spec.time!r} is neither a date and time nor a time after the administration such as '24 h'.")
    return found


def _times(case: Case, scans: tuple[ActivityScan, ...], nuclide: Nuclide) -> np.ndarray:
    start = case.administration.time
    assert start is not None
    times = []
    for n, s in enumerate(scans, 1):
        at = s.acquired_at
        if (at.tzinfo is None) != (start.tzinfo is None):  # one of them is local time: compare both as written
            at, reference = at.replace(tzinfo=None), start.replace(tzinfo=None)
        else:
            reference = start
        seconds = (at - reference).total_seconds()
        if seconds < 0:
            raise BadInput(f"scan {n}: was acquired {-seconds / 3600:.2f} h before the administration at {start.isoformat()}; check both times.")
        if seconds == 0:
            raise BadInput(f"scan {n}: its time is that of the administration; give the time at which it was acquired.")
        if times and seconds <= times[-1]:
            raise BadInput(f"scan {n}: was acquired {seconds / 3600:.2f} h after the administration, not later than scan {n - 1}; list the scans in the order of their times, each once.")
        if seconds > MOST_HALF_LIVES * nuclide.half_life_s:
            raise BadInput(
                f"scan {n}: was acquired {show(seconds, 's')} after the administration, when nothing is left of {nuclide.name} "
                f"(half-life {show(nuclide.half_life_s, 's')}); check the nuclide and both times."
            )
        times.append(seconds)
    return np.array(times)


def _one_patient(files: Sequence[ActivityScan | CtScan | RegionSet], warnings: list[str]) -> None:
    """Refuse two patients. Where the identifiers agree, names that share a word are a warning: one name is often spelled in several ways."""
    keys = {f.patient_key for f in files} - {""}
    if len(keys) > 1:
        raise BadInput(f"The case holds files of {len(keys)} patients (their identifiers differ); keep one patient in one case.")
    for one, other in itertools.combinations(files, 2):
        if same_name(one.patient_words, other.patient_words):
            continue
        if not (one.patient_key and other.patient_key and share_a_word(one.patient_words, other.patient_words)):
            raise BadInput(
                "The case holds files of several patients (one identifier or none, but names that differ in more than case, order or separators); "
                "keep one patient in one case, or name the patient alike in all files."
            )
        said = "the files name the patient by one identifier and by names that differ in a word; check that all are of one patient"
        if said not in warnings:
            warnings.append(said)


def _ct(case: Case, index: int, patient: ActivityScan, inputs: list[dict[str, Any]], warnings: list[str]) -> CtScan | None:
    spec = case.scan[index]
    if spec.ct is None:
        return None
    with _said_of(f"scan {index + 1}: ct"):
        ct = read_ct(inside(case.folder, spec.ct, "path"), series_uid=spec.ct_series)
    _one_patient([patient, ct], warnings)
    inputs += [{"name": f"{spec.ct}: {n}" if n != spec.ct else n, "sha256": h, "uid": ct.series_uid} for n, h in ct.files]
    warnings += [f"CT: {w}" for w in ct.warnings]
    return ct


def _align(case: Case, first: ActivityScan, scan: ActivityScan, index: int, warnings: list[str]) -> tuple[Volume, Registration | None]:
    """A scan on the first scan's grid: by its header where the frames of reference are one, by registration where not."""
    onto = first.volume.geometry
    frames = (onto.frame_of_reference, scan.volume.geometry.frame_of_reference)
    if frames[0] == frames[1] or not all(frames) or not case.dosimetry.register_scans:
        if scan.volume.geometry.same_grid(onto):
            return scan.volume, None
        if not case.dosimetry.register_scans and frames[0] != frames[1] and all(frames):
            warnings.append(f"scan {index + 1}: frames of reference differ and registration was switched off; taken as aligned")
            return resample(scan.volume, onto, transform=np.eye(4)), None
        return resample(scan.volume, onto), None
    pair = (first.volume, scan.volume)
    if case.scan[0].ct is not None and case.scan[index].ct is not None:
        cts = [read_ct(inside(case.folder, str(case.scan[n].ct), f"scan {n + 1}: ct"), series_uid=case.scan[n].ct_series) for n in (0, index)]
        _one_patient([first, *cts], warnings)
        pair = (cts[0].volume, cts[1].volume)
    how = register_rigid(*pair)
    if how.correlation_after < 0.6:
        warnings.append(f"scan {index + 1}: registration to scan 1 is poor (correlation {how.correlation_after:.2f}); look at it before using voxel doses")
    return resample(scan.volume, onto, transform=how.transform), how


def _regions(case: Case, scans: tuple[ActivityScan, ...], inputs: list[dict[str, Any]], warnings: list[str]) -> tuple[RegionSet, ...]:
    given = [n for n, s in enumerate(case.scan) if s.regions is not None]
    wanted = range(len(scans)) if case.regions.use == "per-scan" else [0]
    missing = [n + 1 for n in wanted if n not in given]
    if missing:
        raise BadInput(
            f"scan {missing[0]}: has no regions; give regions for it, or "
            + ("regions.use = 'first' to carry the first scan's to all." if case.regions.use == "per-scan" else "put them on the first scan.")
        )
    sets = []
    for n in wanted:
        spec = case.scan[n]
        path: Path = inside(case.folder, str(spec.regions), f"scan {n + 1}: regions")
        with _said_of(f"scan {n + 1}: regions"):
            found = read_regions(
                path, scans[n].volume.geometry, labels={int(k): v for k, v in spec.labels.items()} if spec.labels else None, only=_needed(case)
            )
        _one_patient([scans[n], found], warnings)
        taken = sorted(set(case.regions.define) & set(found.names))
        if taken:
            raise BadInput(f"regions.define: {taken[0]!r} is the name of a region that scan {n + 1} has; choose another name.")
        inputs += [{"name": f"{spec.regions}: {name}" if name != spec.regions else name, "sha256": h, "uid": None} for name, h in found.files]
        warnings += [f"regions of scan {n + 1}: {w}" for w in found.warnings]
        sets.append(found)
    return tuple(sets)


def _needed(case: Case) -> Callable[[list[str]], set[str]] | None:
    """Which of the regions that a file holds the case needs; all of them where it names none to include."""
    r = case.regions
    if r.include is None:
        return None
    table = case.uncertainty.recovery
    named = {*r.include, *r.bed, *((table.apply_to or []) if table else [])} - set(r.define)
    return lambda present: named | {name for name in present if any(name in expression for expression in r.define.values())}
