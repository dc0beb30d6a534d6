"""The production-and-transport problem (Geismar et al. 2008) as a scenario, against an optimum found in another way."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

pytest.importorskip("ortools", reason="needs the extra 'supply'")

from tests.supply_validity import faults

from lutetia.chain.scenario_file import load_scenario
from lutetia.cli.app import app
from lutetia.supply.network.candidates import candidates
from lutetia.supply.network.makespan import least_makespan
from lutetia.supply.network.model import Fleet, Lane, Lot, Machine, Patient, Product, Scenario, Site
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


# Demands, ways, Q = 10 and B = 20 of the worked example that Lacomme, Moukrim, Quilliot and Vinot give with their paper
# (Int. J. Prod. Res. 56:4313, 2018, doi:10.1080/00207543.2018.1431416); here with one vehicle. The ways do not obey the
# triangle inequality: 1 to 4 is 30, by way of the plant 20.
_WAYS = ((0, 10, 15, 5, 10, 5, 10), (10, 0, 10, 10, 30, 20, 20), (15, 10, 0, 25, 30, 20, 10), (5, 10, 25, 0, 10, 15, 20), (10, 30, 30, 10, 0, 10, 15), (5, 20, 20, 15, 10, 0, 10), (10, 20, 10, 20, 15, 10, 0))
LACOMME = Instance(((0, 0),) * 7, _WAYS, (0, 3, 4, 2, 6, 5, 3), 10, 20, 110)


@pytest.mark.parametrize("life", [6, 9, 20])
@pytest.mark.parametrize("seed", range(4))
def test_two_ways_to_the_optimum_agree(seed: int, life: int) -> None:
    i = draw(seed, 5, life=life)
    assert optimum(i) == by_permutations(i)


def test_the_optimum_of_one_customer_is_known() -> None:
    # Three units are made in 3 steps, the way is 4 steps there and 4 back.
    assert optimum(Instance(((0, 0), (4, 0)), ((0, 4), (4, 0)), (0, 3), 8, 9, 60)) == 3 + 4 + 4


@pytest.mark.parametrize(("seed", "customers", "life"), [(0, 4, 9), (1, 4, 6), (2, 5, 6), (3, 5, 9), (4, 5, 20), (5, 6, 6), (6, 6, 9), (7, 6, 20)])
def test_the_plan_is_the_optimum(seed: int, customers: int, life: int) -> None:
    i = draw(seed, customers, life=life)
    s = scenario(i)
    p = solve(s, time_limit_s=60)
    assert not faults(s, p)
    assert len(p.doses) == customers
    assert p.cost == optimum(i) * STEP_S
    assert p.cost_bound == p.cost


def test_an_example_of_the_literature_with_one_vehicle() -> None:
    s = scenario(LACOMME)
    p = solve(s, time_limit_s=60)
    assert not faults(s, p)
    assert p.cost == p.cost_bound == optimum(LACOMME) * STEP_S == by_permutations(LACOMME) * STEP_S


def test_the_file_of_ten_customers_is_solved_to_its_optimum(tmp_path: Path) -> None:
    """The file holds what the seed draws; the command proves the optimum."""
    i = draw(SEED, 10, end=72)
    s = load_scenario(EXAMPLE).scenario
    names = ["plant", *(x.hospital for x in s.patients)]
    assert [x.prescribed_Bq for x in s.patients] == [q * 3e8 for q in i.demand[1:]]
    assert s.road_times_s == {(a, b): i.time[j][k] * STEP_S for j, a in enumerate(names) for k, b in enumerate(names) if j != k}
    assert s.products["product"].shelf_life_s == i.life * STEP_S
    out = CliRunner().invoke(app, ["supply", str(EXAMPLE), "--out", str(tmp_path), "--json"])
    assert out.exit_code == 0, out.output
    r = json.loads(out.stdout)
    assert r["served"] == 10
    assert r["cost"]["makespan_s"] == optimum(i) * STEP_S == 280 * 60
    assert r["gap"] == 0
    # One vehicle: no trip leaves before the last one is back.
    times = [(x["depart"], x["return"]) for x in r["tours"]]
    assert sorted(times) == times
    assert all(a[1] <= b[0] for a, b in itertools.pairwise(times))
    assert times[-1][1] == "2026-11-02T04:40:00+00:00"


@given(seed=st.integers(0, 10**6), customers=st.integers(1, 6), life=st.integers(6, 20))
@settings(max_examples=12, deadline=None)
def test_the_bound_is_never_above_the_optimum(seed: int, customers: int, life: int) -> None:
    i = draw(seed, customers, life=life)
    least = least_makespan(candidates(scenario(i)))
    assert least is not None
    assert least.back_s <= optimum(i) * STEP_S
    assert sorted(x for t in least.trips for x in t) == [f"c{k}" for k in range(1, customers + 1)]


def test_there_is_no_bound_for_other_scenarios() -> None:
    s = scenario(draw(0, 3))
    two = replace(s, sites={**s.sites, "plant": replace(s.sites["plant"], fleet=Fleet(2, max_transport_index=8.0))})
    by_lane = replace(s, lanes=(Lane("l", "plant", "c1", "road", 1200.0),))
    assert least_makespan(candidates(two)) is None
    assert least_makespan(candidates(by_lane)) is None


def test_a_customer_out_of_reach_does_not_bound_the_others() -> None:
    i = draw(1, 4)
    s = scenario(i)
    far = Patient("far", "far", "p", UNIT_BQ, 0.0, i.end * STEP_S)
    way = {(a, b): (i.life + 1) * STEP_S for a in s.sites for b in ("far",)} | {(b, a): (i.life + 1) * STEP_S for a in s.sites for b in ("far",)}
    s = replace(s, sites={**s.sites, "far": Site("far", "far", 1.0, 1.0, "UTC", chairs=1)}, patients=(*s.patients, far), road_times_s={**s.road_times_s, **way})
    p = solve(s, time_limit_s=60)
    assert not faults(s, p)
    assert {d.patient for d in p.doses} == {f"c{k}" for k in range(1, 5)}
    assert p.cost == optimum(i) * STEP_S
