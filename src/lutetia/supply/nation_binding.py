"""What holds a nation's supply back: each resource alone, lifted, a tenth more, and one unit more in one place."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ..core import BadInput
from .nation_flow import RESOURCES, Flow, Lab, Nation, most_patients


@dataclass(frozen=True, slots=True)
class Binding:
    """What one resource holds back.

    Attributes
    ----------
    alone : float
        Patients if it were the only limit beside the demand.
    lifted : float
        Patients if it had no limit and all others stayed.
    ten_percent : float
        Patients gained by a tenth more of it everywhere.
    """

    resource: str
    alone: float
    lifted: float
    ten_percent: float


def binding(nation: Nation, base: Flow) -> tuple[Binding, ...]:
    """What holds the patients back, each resource in turn, with labs as they were chosen in `base`.

    The demand is a limit in all of them; its own line says how many need treatment, and how many more of them could be
    treated were there more.
    """
    n = chosen(nation, base)
    out = []
    for r in RESOURCES:
        others = {k: math.inf for k in RESOURCES if k not in (r, "demand")}
        alone = most_patients(n, others)
        lifted = most_patients(n, {r: math.inf}) if r != "demand" else _beyond_demand(n)
        out.append(Binding(r, alone, lifted, most_patients(n, {r: 1.1}) - base.patients))
    return tuple(out)


def chosen(nation: Nation, base: Flow) -> Nation:
    """The nation with the labs that `base` opened as labs, the other candidates without work."""
    labs = tuple(Lab(x.name, x.batches if not x.candidate or x.name in base.opened else 0.0, x.makes if not x.candidate or x.name in base.opened else ()) for x in nation.labs)
    return Nation(nation.therapies, nation.sources, labs, nation.cities, nation.source_h, nation.lab_h, nation.patients, nation.bed_days, nation.chair_hours, nation.flights)


def _beyond_demand(nation: Nation) -> float:
    """Patients if every city had as many as can be treated at all; infinite if nothing else limits them."""
    try:
        return most_patients(nation, {"demand": math.inf})
    except BadInput:
        return math.inf


def unit_gains(nation: Nation, base: Flow, steps: Sequence[tuple[str, int, float]]) -> tuple[float, ...]:
    """Patients gained when one source, lab or city has so much more: ``(resource, row, amount)`` each, solved again.

    Unlike `Flow.worth` it holds for the whole step. Rows of ``isotope`` are sources (amount in Bq a year), of ``cells``
    labs (batches a year), of ``beds`` and ``chairs`` cities (bed-days, chair-hours a year).
    """
    n = chosen(nation, base)
    gains = []
    for resource, row, amount in steps:
        if resource == "isotope":
            more = replace(n, sources=tuple(replace(s, annual_Bq=s.annual_Bq + amount) if k == row else s for k, s in enumerate(n.sources)))
        elif resource == "cells":
            more = replace(n, labs=tuple(replace(x, batches=x.batches + amount) if k == row else x for k, x in enumerate(n.labs)))
        elif resource in ("beds", "chairs"):
            key = "bed_days" if resource == "beds" else "chair_hours"
            added = getattr(n, key).copy()
            added[row] += amount
            more = replace(n, **{key: added})
        else:
            raise BadInput(f"There is no unit of {resource!r} to add in one place; name isotope, cells, beds or chairs.")
        gains.append(most_patients(more) - base.patients)
    return tuple(gains)
