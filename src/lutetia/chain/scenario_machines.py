"""The machines of a scenario: what each could make, run by run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from zoneinfo import ZoneInfo

import numpy as np

from ..core import BadInput
from ..nuclides import nuclide
from ..supply.network.model import Lot, Machine, Site
from .scenario_calendar import opening_hours
from .scenario_parts import MachinePart
from .scenario_reading import Reading, known, lives, seconds_from

_MOST_LOTS = 5000


def machine(r: Reading, m: MachinePart, sites: Mapping[str, Site]) -> Machine:
    what = f"machine {m.id}"
    known(m.site, sites, what, "site")
    make = {"cyclotron": _cyclotron, "reactor": _reactor, "generator": _generator, "line": _line}[m.kind]
    name, lots = make(r, m, ZoneInfo(sites[m.site].zone))
    if not lots:
        raise BadInput(f"{what}: no run fits between start and end within its hours; correct lengths, every or hours.")
    if len(lots) > _MOST_LOTS:
        raise BadInput(f"{what}: more than {_MOST_LOTS} runs are possible, too many to choose from; give a longer 'every' or fewer lengths.")
    if not all(0 < x.activity_Bq < math.inf for x in lots):
        raise BadInput(f"{what}: its runs would yield no {name}; correct the nuclide, or what it is made from.")
    if len({x.id for x in lots}) < len(lots):
        raise BadInput(f"{what}: two of its discharges are at one time; give them as one.")
    if m.success == 1.0:
        r.assumptions.append(f"no probability of failure is given for {m.id}: in the risk it never fails")
    return Machine(m.id, m.site, name, m.kind, tuple(lots), m.changeover, m.parallel, m.success, m.cool, m.recovery, m.beam)


def _starts(r: Reading, m: MachinePart, tz: ZoneInfo, length_s: float) -> list[float]:
    """When a run of a length may start: on the grid, within the hours from start to end."""
    end_s = (r.end - r.start).total_seconds()
    hours = ((0.0, end_s),) if m.hours is None else opening_hours(m.hours, r.start, r.end, tz, (), f"machine {m.id}")
    grids = [np.arange(a, min(b - length_s + 1e-6, a + _MOST_LOTS * m.every + 1), m.every) for a, b in hours]
    return np.concatenate(grids)[: _MOST_LOTS + 1].tolist() if grids else []


def _lot(m: MachinePart, name: str, start_s: float, end_s: float, activity_Bq: float, *, adjustable: bool = True) -> Lot:
    cost = m.run_cost + m.hour_cost * (end_s - start_s) / 3600
    mark = f"{round(end_s / 60, 2):.15g}" + (f"-{round((end_s - start_s) / 60, 2):.15g}" if end_s > start_s else "")
    return Lot(f"{m.id}+{mark}", m.id, m.site, name, start_s, end_s, activity_Bq, adjustable, cost, m.cost_per_GBq * 1e-9)


def _cyclotron(r: Reading, m: MachinePart, tz: ZoneInfo) -> tuple[str, list[Lot]]:
    from ..supply.production import irradiate

    lots, name = [], ""
    for length in dict.fromkeys(m.lengths):
        run = irradiate(m.reaction or "", m.energy or 0.0, m.exit or 0.0, m.current or 0.0, length, cool_s=m.cool, enrichment=m.enrichment, cyclotron=m.cyclotron)
        name = nuclide(m.nuclide or run.product).name
        lives(name, m.cool, f"machine {m.id}: cool")
        # What has grown in by the end of the cooling counts at the end of the run, so that plain decay leads to it.
        activity = run.after.activity_Bq.get(name, 0.0) * math.exp(nuclide(name).decay_constant_per_s * m.cool)
        r.warnings += [f"machine {m.id}: {w}" for w in run.warnings if f"machine {m.id}: {w}" not in r.warnings]
        lots += [_lot(m, name, t, t + length, activity) for t in _starts(r, m, tz, length)]
    if m.reaction:
        r.assumptions.append(f"{m.id}: thick-target yield of {m.reaction} from {m.energy:g} to {m.exit:g} MeV at {1e6 * (m.current or 0):g} uA, relative standard uncertainty {100 * run.u_relative:.0f} %")
    return name, lots


def _reactor(r: Reading, m: MachinePart, tz: ZoneInfo) -> tuple[str, list[Lot]]:
    name = nuclide(m.nuclide).name if m.nuclide else ""
    computed = 0.0
    if m.target is not None and None not in (m.flux, m.irradiation, m.mass):
        from ..supply.production.reactor import irradiate_neutrons

        made = irradiate_neutrons(m.target, m.flux, m.irradiation, mass_kg=m.mass, enrichment=m.enrichment, cool_s=m.cool)  # type: ignore[arg-type]
        name = name or made.product
        lives(name, m.cool, f"machine {m.id}: cool")
        computed = made.after.activity_Bq.get(name, 0.0) * math.exp(nuclide(name).decay_constant_per_s * m.cool)
        r.assumptions.append(f"{m.id}: {m.target} at {m.flux:.2g} /cm2/s, relative standard uncertainty {100 * made.u_relative:.0f} %")
    lots = []
    for n, d in enumerate(m.discharge, 1):
        end = seconds_from(d.time, r.start, tz)
        if end > (r.end - r.start).total_seconds():
            raise BadInput(f"machine {m.id}: discharge {n} lies after the end of the scenario; remove it or move the end.")
        # A discharge may lie before the start: what is left of it can be used. The position is held for no time.
        lots.append(_lot(m, name, end, end, d.activity if d.activity is not None else computed))
    return name, lots


def _generator(r: Reading, m: MachinePart, tz: ZoneInfo) -> tuple[str, list[Lot]]:
    from ..supply.production.generators import elution_Bq, generator

    g = generator(m.generator or "")
    calibrated = seconds_from(m.calibration, r.start, tz)  # type: ignore[arg-type]
    if abs(calibrated) > 1000 * 86400:
        raise BadInput(f"machine {m.id}: its calibration lies more than 1000 days from the start of the scenario; correct the date.")
    lives(g.daughter, m.cool, f"machine {m.id}: cool")
    rate = nuclide(g.parent).decay_constant_per_s
    lots = []
    for length in dict.fromkeys(m.lengths):
        for t in _starts(r, m, tz, length):
            parent = (m.activity or 0.0) * math.exp(-rate * (t + length - calibrated))
            lots.append(_lot(m, nuclide(g.daughter).name, t, t + length, elution_Bq(parent, m.generator or "", length), adjustable=False))
    return nuclide(g.daughter).name, lots


def _line(r: Reading, m: MachinePart, tz: ZoneInfo) -> tuple[str, list[Lot]]:
    name = nuclide(m.nuclide or "").name
    lives(name, m.cool, f"machine {m.id}: cool")
    return name, [_lot(m, name, t, t + length, (m.rate or 0.0) * length) for length in dict.fromkeys(m.lengths) for t in _starts(r, m, tz, length)]
