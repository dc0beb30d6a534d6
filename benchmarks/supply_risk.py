"""A plan of the country scenario carried out many times: seconds of 1000 runs with all spares, the first time and again.

Run: ``python benchmarks/supply_risk.py``. Prints one JSON object.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numba

from lutetia.chain.scenario_file import load_scenario
from lutetia.supply.network.risk import simulate_risk
from lutetia.supply.network.solve import solve

SCENARIO = Path(__file__).resolve().parents[1] / "examples" / "supply-country"
RUNS, SEARCH_S = 1000, 20.0


def run() -> dict[str, float]:
    """Speeds, and the size of what is simulated."""
    s = load_scenario(SCENARIO).scenario
    plan = solve(s, time_limit_s=SEARCH_S)
    seconds = []
    for _ in range(3):
        begin = time.perf_counter()
        r = simulate_risk(s, plan, runs=RUNS)
        seconds.append(time.perf_counter() - begin)
    begin = time.perf_counter()
    simulate_risk(s, plan, runs=RUNS, spares=())
    alone = time.perf_counter() - begin
    numba.set_num_threads(1)
    begin = time.perf_counter()
    simulate_risk(s, plan, runs=RUNS)
    return {
        "patients_planned": r.planned, "batches": len(plan.batches), "shipments": len(plan.deliveries), "spares": len(r.spares), "runs": RUNS, "threads": numba.config.NUMBA_NUM_THREADS,
        "first_seconds_with_loading_of_compiled_code": seconds[0], "seconds": min(seconds[1:]), "seconds_on_one_thread": time.perf_counter() - begin, "seconds_without_spares": alone,
        "standard_error_of_mean_lost": r.lost.standard_error,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
