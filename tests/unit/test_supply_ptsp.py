"""The production-and-transport problem (Geismar et al. 2008) as a scenario, against an optimum found in another way."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("ortools", reason="needs the extra 'supply'")

from tests.supply_validity import faults

from lutetia.chain.scenario_file import load_scenario
from lutetia.supply.network.candidates import candidates
from lutetia.supply.network.model import Fleet, Lot, Machine, Patient, Product, Scenario, Site, SupplyPlan
from lutetia.supply.network.solve import solve

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "supply-ptsp" / "scenario.toml"
SEED = 2008
STEP_S = 300.0  # all times of the instances are whole steps, so that the grid of lots loses nothing
UNIT_BQ = 1e8


@dataclass(frozen=True)
class Instance:
    """Times between places in steps, place 0 the plant; demands in units, of which the machine makes one a step."""

    place: tuple[tuple[int, int], ...]
    time: tuple[tuple[int, ...], ...]
    demand: tuple[int, ...]
    capacity: int
    life: int
    end: int


def draw(seed: int, customers: int, *, side: int = 8, life: int = 9, end: int = 60) -> Instance:
    """Customers in a square about the plant, with demands of 1 to 4; a step is a unit of way, rounded up."""
    r = np.random.default_rng(seed)
    place = ((0, 0), *((int(x), int(y)) for x, y in r.integers(-side // 2, side // 2 + 1, (customers, 2))))
    demand = (0, *(int(q) for q in r.integers(1, 5, customers)))
    time = tuple(tuple(math.ceil(math.dist(a, b)) for b in place) for a in place)
    return Instance(place, time, demand, 8, life, end)


def scenario(i: Instance) -> Scenario:
    """The instance as a scenario, as `docs/ptsp.md` says."""
    n = len(i.demand)
    lots = tuple(
        Lot(f"line+{(t + k) * 5}-{k * 5}", "line", "plant", "In-115", t * STEP_S, (t + k) * STEP_S, k * UNIT_BQ) for k in range(1, i.capacity + 1) for t in range(i.end - k + 1)
    )
    product = Product("p", "In-115", 1.0, 0.0, 0.0, i.life * STEP_S, max_start_Bq=i.capacity * UNIT_BQ, transport_index_per_Bq=1 / UNIT_BQ)
    names = ["plant", *(f"c{k}" for k in range(1, n))]
    sites = {"plant": Site("plant", "plant", 0.0, 0.0, "UTC", cells=1, products=("p",), fleet=Fleet(1, max_transport_index=float(i.capacity)))}
    sites |= {x: Site(x, x, *(0.03 * v for v in i.place[k]), "UTC", chairs=1) for k, x in enumerate(names) if k}
    patients = tuple(Patient(x, x, "p", i.demand[k] * UNIT_BQ, 0.0, i.end * STEP_S, must=True) for k, x in enumerate(names) if k)
    times = {(a, b): i.time[j][k] * STEP_S for j, a in enumerate(names) for k, b in enumerate(names) if j != k}
    return Scenario(
        "PTSP", "2026-11-02T00:00:00+00:00", i.end * STEP_S, (Machine("line", "plant", "In-115", "line", lots),), {"p": product}, sites, (), patients,
        slot_s=STEP_S, road_times_s=times, objective="makespan",
    )  # fmt: skip


def trips(i: Instance) -> dict[int, list[tuple[int, int]]]:
    """For each set of customers that fits into the vehicle: (last delivery, back at the plant) of its orders, the best of both."""
    n = len(i.demand) - 1
    # Least time to have visited a set and be at its last customer.
    at: dict[tuple[int, int], int] = {(1 << k, k): i.time[0][k + 1] for k in range(n)}
    out: dict[int, list[tuple[int, int]]] = {}
    for group in range(1, 1 << n):
        members = [k for k in range(n) if group >> k & 1]
        if sum(i.demand[k + 1] for k in members) > i.capacity:
            continue
        for k in members:
            rest = group & ~(1 << k)
            if rest:
                at[group, k] = min(at[rest, j] + i.time[j + 1][k + 1] for j in members if j != k)
        out[group] = undominated((at[group, k], at[group, k] + i.time[k + 1][0]) for k in members if at[group, k] <= i.life)
    return {g: x for g, x in out.items() if x}


def undominated(pairs) -> list[tuple[int, int]]:
    """Pairs of which no other is as small in both."""
    kept: list[tuple[int, int]] = []
    for a, b in sorted(set(pairs)):
        if not kept or b < kept[-1][1]:
            kept.append((a, b))
    return kept


def optimum(i: Instance) -> int:
    """Least time to make and deliver all and be back, by dynamic programming over the sets that are served.

    A state is (end of production, vehicle back). A trip with the load q, its last delivery d and its return c after it
    leaves: its production ends at e >= end + q, and not more than the life B before that delivery, e >= back + d - B; it
    leaves at max(e, back). The smallest e is best for both parts of the next state.
    """
    n = len(i.demand) - 1
    known = trips(i)
    load = {g: sum(i.demand[k + 1] for k in range(n) if g >> k & 1) for g in known}
    front: dict[int, list[tuple[int, int]]] = {0: [(0, 0)]}
    for done in range(1 << n):
        front[done] = undominated(front.get(done, []))
        left = ((1 << n) - 1) & ~done
        group = left
        while group:
            for d, c in known.get(group, ()):
                for end, back in front[done]:
                    e = max(end + load[group], back + d - i.life)
                    front.setdefault(done | group, []).append((e, max(e, back) + c))
            group = (group - 1) & left
    return min(back for _, back in front[(1 << n) - 1])


def by_permutations(i: Instance) -> int:
    """The same by all orders of the customers and all ways to cut them into trips; a few customers only."""
    n, best = len(i.demand) - 1, math.inf
    for order in itertools.permutations(range(1, n + 1)):
        for cuts in itertools.product((False, True), repeat=n - 1):
            whole: list[list[int]] = [[order[0]]]
            for cut, k in zip(cuts, order[1:], strict=True):
                whole.append([k]) if cut else whole[-1].append(k)
            best = min(best, _time(i, whole))
    return int(best)


def _time(i: Instance, whole: list[list[int]]) -> float:
    end = back = 0
    for trip in whole:
        load = sum(i.demand[k] for k in trip)
        way = [i.time[a][b] for a, b in itertools.pairwise([0, *trip, 0])]
        if load > i.capacity or sum(way[:-1]) > i.life:
            return math.inf
        # The vehicle waits for the batch, or the batch for the vehicle; production is put off until all is delivered in time.
        end += load
        while max(end, back) + sum(way[:-1]) > end + i.life:
            end += 1
        back = max(end, back) + sum(way)
    return back
