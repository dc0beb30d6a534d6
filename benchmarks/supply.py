"""Supply: routes by PyVRP and by OR-Tools in the same time, gaps of the worked scenarios, and Monte Carlo beside the same loop in plain Python.

Run: ``python benchmarks/supply.py``. Prints one JSON object.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lutetia.chain.scenario_file import load_scenario
from lutetia.supply.network.candidates import road_km
from lutetia.supply.network.model import Scenario, SupplyPlan, plan_as_dict, plan_from_dict
from lutetia.supply.network.risk import simulate_risk
from lutetia.supply.network.solve import solve
from lutetia.supply.network.tours import Stop, leg_s, tours

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
ROUTE_S, RANDOM, LIMITS_S = 10.0, 3, (10.0, 60.0)
RUNS, PLAIN_RUNS = 1000, 50


@dataclass(frozen=True)
class Routing:
    """Whole numbers of any unit; place 0 is the depot. A duration holds the service at its origin. A vehicle leaves when all that it carries is released."""

    cost: np.ndarray
    duration: np.ndarray
    load: np.ndarray
    release: np.ndarray
    earliest: np.ndarray
    latest: np.ndarray
    capacity: int
    vehicles: int
    fixed: int
    horizon: int

    def paid(self, routes: list[list[int]]) -> float:
        """Cost of routes that keep every rule; NaN where one does not, or where a stop is left out."""
        if sorted(k for r in routes for k in r) != list(range(1, len(self.load))) or len(routes) > self.vehicles:
            return math.nan
        total = self.fixed * len(routes)
        for r in routes:
            at, place = int(self.release[r].max()), 0
            for k in [*r, 0]:
                at = max(at + int(self.duration[place, k]), int(self.earliest[k]))
                total += int(self.cost[place, k])
                place = k
                if at > (self.latest[k] if k else self.horizon):
                    return math.nan
            if self.load[r].sum() > self.capacity:
                return math.nan
        return float(total)


def by_pyvrp(p: Routing, limit_s: float) -> list[list[int]]:
    import pyvrp
    from pyvrp.stop import MaxRuntime

    m = pyvrp.Model()
    at = [m.add_location(float(i), 0.0) for i in range(len(p.load))]
    depot = m.add_depot(at[0])
    for k in range(1, len(at)):
        m.add_client(at[k], delivery=int(p.load[k]), tw_early=int(p.earliest[k]), tw_late=int(p.latest[k]), release_time=int(p.release[k]))
    m.add_vehicle_type(p.vehicles, capacity=[p.capacity], start_depot=depot, end_depot=depot, fixed_cost=p.fixed, tw_late=p.horizon)
    for i, a in enumerate(at):
        for j, b in enumerate(at):
            if i == j:
                continue
            m.add_edge(a, b, distance=int(p.cost[i, j]), duration=int(p.duration[i, j]))
    best = m.solve(MaxRuntime(limit_s), seed=1, display=False, collect_stats=False).best
    return [[x.idx + 1 for x in r.schedule() if x.is_client()] for r in best.routes()]


def by_ortools(p: Routing, limit_s: float) -> list[list[int]]:
    from ortools.constraint_solver import pywrapcp, routing_enums_pb2

    manager = pywrapcp.RoutingIndexManager(len(p.load), p.vehicles, 0)
    r = pywrapcp.RoutingModel(manager)
    r.SetArcCostEvaluatorOfAllVehicles(r.RegisterTransitMatrix(p.cost.tolist()))
    r.SetFixedCostOfAllVehicles(p.fixed)
    r.AddDimension(r.RegisterTransitMatrix(p.duration.tolist()), p.horizon, p.horizon, False, "time")
    r.AddDimension(r.RegisterUnaryTransitVector(p.load.tolist()), 0, p.capacity, True, "load")
    clock = r.GetDimensionOrDie("time")
    starts = [clock.CumulVar(r.Start(v)) for v in range(p.vehicles)]
    for k in range(1, len(p.load)):
        n = manager.NodeToIndex(k)
        clock.CumulVar(n).SetRange(int(p.earliest[k]), int(p.latest[k]))
        if p.release[k] > 0:
            r.solver().Add(r.solver().Element(starts, r.VehicleVar(n)) >= int(p.release[k]))
    how = pywrapcp.DefaultRoutingSearchParameters()
    how.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PARALLEL_CHEAPEST_INSERTION
    how.local_search_metaheuristic = routing_enums_pb2.LocalSearchMetaheuristic.GUIDED_LOCAL_SEARCH
    how.time_limit.FromMilliseconds(round(1000 * limit_s))
    found = r.SolveWithParameters(how)
    out: list[list[int]] = []
    for v in range(p.vehicles if found else 0):
        n, own = found.Value(r.NextVar(r.Start(v))), []
        while not r.IsEnd(n):
            own.append(manager.IndexToNode(n))
            n = found.Value(r.NextVar(n))
        if own:
            out.append(own)
    return out


def random_routing(seed: int, customers: int = 100) -> Routing:
    """Customers in a square with narrow windows, in the manner of Solomon's class R1; tenths of a unit."""
    g = np.random.default_rng(seed)
    xy = np.vstack([[35.0, 35.0], g.uniform(0, 70, (customers, 2))])
    way = np.ceil(10 * np.linalg.norm(xy[:, None] - xy[None], axis=2)).astype(int)
    service, horizon = 100, 2300
    first, last = way[0], horizon - way[:, 0] - service
    middle = g.uniform(first, last)
    earliest = np.maximum(first, middle - g.uniform(50, 150, customers + 1)).astype(int)
    latest = np.minimum(last, middle + g.uniform(50, 150, customers + 1)).astype(int)
    earliest[0], latest[0] = 0, horizon
    load = np.concatenate([[0], g.integers(1, 42, customers)])
    return Routing(way, way + service * (np.arange(customers + 1) > 0)[:, None], load, np.zeros(customers + 1, int), earliest, np.maximum(latest, earliest), 200, customers // 2, 0, horizon)


def city_stops(s: Scenario, plan: SupplyPlan) -> tuple[str, list[Stop]]:
    """What a plan's vehicles have to bring, with release and deadline."""
    place = {b.id: n for n, b in enumerate(plan.batches)}
    handling = {b.id: s.products[b.product].handling_s for b in plan.batches}
    first: dict[str, float] = {}
    for d in plan.doses:
        first[d.delivery] = min(first.get(d.delivery, math.inf), d.injection_s)
    stops = [
        Stop((place[x.batch], x.hospital), x.hospital, plan.batches[place[x.batch]].release_s, first[x.id] - handling[x.batch], x.transport_index, 1.0)
        for x in plan.deliveries if x.tour is not None
    ]  # fmt: skip
    return plan.batches[0].lab, stops


def city_routing(s: Scenario, lab: str, stops: list[Stop]) -> Routing:
    """The stops as one routing problem in which a vehicle goes out once; cents and seconds."""
    fleet = s.sites[lab].fleet
    assert fleet is not None
    opens, closes = fleet.hours[0] if fleet.hours else (0.0, 86_400.0)
    names = [lab, *(x.hospital for x in stops)]
    cost = np.array([[round(100 * fleet.cost_per_km * road_km(s, a, b)) for b in names] for a in names])
    duration = np.array([[math.ceil(leg_s(s, lab, fleet, a, b)) for b in names] for a in names])
    scale = 1e6 / fleet.max_transport_index
    load = np.array([0, *(math.ceil(scale * x.transport_index) for x in stops)])
    release = np.array([0, *(max(0, math.ceil(x.release_s - opens)) for x in stops)])
    latest = np.array([0, *(math.floor(x.deadline_s - opens) for x in stops)])
    return Routing(cost, duration, load, release, np.zeros(len(names), int), latest, 1_000_000, len(stops), round(100 * fleet.cost_per_vehicle), math.floor(closes - opens))


def routes(city: Scenario, plan: SupplyPlan) -> dict[str, object]:
    """Costs by both routers on the same problems in the same time; each uses one thread."""
    out: dict[str, object] = {"seconds_for_each": ROUTE_S}
    ratios = []
    for seed in range(RANDOM):
        p = random_routing(seed)
        ours, theirs = p.paid(by_pyvrp(p, ROUTE_S)), p.paid(by_ortools(p, ROUTE_S))
        ratios.append(theirs / ours)
        out[f"100_customers_{seed + 1}"] = {"pyvrp_length": ours / 10, "ortools_length": theirs / 10, "ortools_over_pyvrp": ratios[-1]}
    lab, stops = city_stops(city, plan)
    p = city_routing(city, lab, stops)
    once = {"pyvrp": by_pyvrp(p, ROUTE_S), "ortools": by_ortools(p, ROUTE_S)}
    fleet = city.sites[lab].fleet
    assert fleet is not None
    driven, missed = tours(city, lab, stops, time_limit_s=ROUTE_S)
    again = fleet.cost_per_km * sum(t.km for t in driven) + fleet.cost_per_vehicle * len({t.vehicle for t in driven})
    out["city"] = {
        "stops": len(stops), **{f"{k}_vehicles_that_go_out_once": len(v) for k, v in once.items()}, **{f"{k}_cost": p.paid(v) / 100 for k, v in once.items()},
        "ortools_over_pyvrp": p.paid(once["ortools"]) / p.paid(once["pyvrp"]),
        "vehicles_that_go_out_again": len({t.vehicle for t in driven}), "stops_missed_so": len(missed), "cost_so": again,
    }  # fmt: skip
    return out


def decomposition() -> tuple[dict[str, object], dict[str, tuple[Scenario, SupplyPlan]]]:
    """Gaps after a short and a long time, and the plans of the long one."""
    out: dict[str, object] = {}
    plans = {}
    for name in ("supply-city", "supply-country", "supply-actinium"):
        s = load_scenario(EXAMPLES / name).scenario
        for limit in LIMITS_S:
            begin = time.perf_counter()
            p = solve(s, time_limit_s=limit)
            out[f"{name}_{limit:g}_s"] = {"seconds": time.perf_counter() - begin, "served": len(p.doses), "patients": len(s.patients), "gap_of_served": p.gap_served, "cost": p.cost, "gap_of_cost": p.gap_cost}
            plans[name] = (s, p)
    return out, plans


def monte_carlo(s: Scenario, plan: SupplyPlan) -> dict[str, object]:
    """Runs of a plan without spares, compiled on one thread, and the same functions uncompiled (in a process of its own) on fewer runs."""
    import numba

    numba.set_num_threads(1)
    simulate_risk(s, plan, runs=10, spares=())  # loads what is compiled
    tries = []
    for _ in range(3):
        begin = time.perf_counter()
        r = simulate_risk(s, plan, runs=RUNS, spares=())
        tries.append(time.perf_counter() - begin)
    seconds = min(tries)
    few = simulate_risk(s, plan, runs=PLAIN_RUNS, spares=())
    done = subprocess.run([sys.executable, __file__, "plain"], input=json.dumps(plan_as_dict(plan)), capture_output=True, text=True, check=True, env={**os.environ, "NUMBA_DISABLE_JIT": "1"})
    plain = json.loads(done.stdout)
    return {
        "runs": RUNS, "patients": r.planned, "seconds_on_one_thread": seconds, "plain_runs": PLAIN_RUNS, "plain_seconds": plain["seconds"],
        "times_faster_for_each_run": plain["seconds"] / PLAIN_RUNS / (seconds / RUNS), "difference_of_lost_in_the_same_runs": abs(plain["lost"] - few.lost.mean),
    }  # fmt: skip


def plain() -> dict[str, float]:
    """The same simulation with compilation switched off, of the plan on standard input."""
    s, plan = load_scenario(EXAMPLES / "supply-country").scenario, plan_from_dict(json.loads(sys.stdin.read()))
    simulate_risk(s, plan, runs=1, spares=())
    begin = time.perf_counter()
    r = simulate_risk(s, plan, runs=PLAIN_RUNS, spares=())
    return {"seconds": time.perf_counter() - begin, "lost": r.lost.mean}


def run() -> dict[str, object]:
    """All of it; the load says what else the machine did."""
    load = os.getloadavg()[0]
    gaps, plans = decomposition()
    return {
        "cores": os.cpu_count(), "load_average_1_min_before": load, "routes": routes(*plans["supply-city"]), "plan": gaps, "monte_carlo_of_country": monte_carlo(*plans["supply-country"]),
        "load_average_1_min_after": os.getloadavg()[0],
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(plain() if sys.argv[1:] == ["plain"] else run(), indent=1))
