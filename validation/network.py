"""Plans: small scenarios against everything that could be done, the ledger, the worked scenarios, and two of them disturbed."""

from __future__ import annotations

import os
import time
from importlib.util import find_spec
from pathlib import Path

from tests.supply_samples import best_by_trying, small_scenario
from tests.supply_validity import faults

from lutetia.chain.scenario_file import LoadedScenario, load_disturbances, load_scenario
from lutetia.supply.network.ledger import ledger
from lutetia.supply.network.model import SupplyPlan
from lutetia.supply.network.reasons import binding, unserved
from lutetia.supply.network.replan import replan
from lutetia.supply.network.solve import solve

from .compare import Row, Section

_EXAMPLES = Path(__file__).parents[1] / "examples"
_SMALL, _LIMIT_S = 200, 60.0


def small() -> Section:
    """Random scenarios of 2 to 6 patients, solved as a whole and decomposed, beside the best of all plans."""
    whole = carried = bounded = weight_found = cost_found = 0
    closure, gaps = 0.0, []
    for seed in range(_SMALL):
        s = small_scenario(seed, 2 + seed % 5, fleet=seed % 5 != 0)
        weight, cost = best_by_trying(s)
        p, d = solve(s, time_limit_s=30), solve(s, time_limit_s=30, method="decomposed")
        same, cheap = abs(d.served_weight - weight) < 1e-6, abs(d.cost - cost) <= 1e-6 * max(cost, 1.0)
        whole += abs(p.served_weight - weight) < 1e-6 and abs(p.cost - cost) <= 1e-6 * max(cost, 1.0)
        carried += not faults(s, p) and not faults(s, d)
        # No plan exceeds the bound on weight; of those that serve as much as this one, none costs less than the bound on cost.
        bounded += d.served_weight <= weight + 1e-6 and weight <= d.served_bound + 1e-6 and (not same or d.cost_bound <= cost * (1 + 1e-6))
        weight_found += same
        cost_found += same and cheap
        gaps.append(d.cost / cost - 1 if same and cost > 0 else 0.0)
        closure = max(closure, ledger(s, p).closure(), ledger(s, d).closure())
    return Section(
        f"Plans, {_SMALL} random small scenarios", "exhaustive search: every choice of lots, batches, ways, orders of stops and injection times, 2 to 6 patients", "of the scenarios",
        [
            Row("as solved by default: weight and cost of the best plan", whole / _SMALL, 1.0, 0.0), Row("decomposed: bounds that hold", bounded / _SMALL, 1.0, 0.0),
            Row("both: plans in which every rule holds, looked at one by one", carried / _SMALL, 1.0, 0.0),
            Row("decomposed: weight of the best plan", weight_found / _SMALL, 1.0, None), Row("decomposed: weight and cost of the best plan", cost_found / _SMALL, 1.0, None),
            Row("ledger: made over injected, decayed, residues and waste, the worst", 1.0 + closure, 1.0, 1e-9),
        ],
        f"Where the decomposition serves as much as the best plan, its cost is at most {100 * max(gaps):.1f} % above it. Small scenarios with tours are solved as a whole; the decomposition is for larger ones.",
    )  # fmt: skip


def scenarios() -> Section:
    """The worked scenarios at one time limit, and what becomes of two plans when something is cancelled."""
    rows, lines, again, load = [], [], [], os.getloadavg()[0]
    for name, disturbance in (("supply-city", "target-failure.toml"), ("supply-country", "flight-cancelled.toml"), ("supply-actinium", None)):
        loaded = load_scenario(_EXAMPLES / name)
        s = loaded.scenario
        begun = time.perf_counter()
        p = solve(s, time_limit_s=_LIMIT_S)
        seconds = time.perf_counter() - begun
        book = ledger(s, p)
        held = binding(s, p, time_limit_s=0.35 * _LIMIT_S)
        rows.append(Row(f"{name}: made over injected, decayed, residues and waste", 1.0 + book.closure(), 1.0, 1e-9))
        rows.append(Row(f"{name}: weight served, of the bound", p.served_weight / p.served_bound, 1.0, 0.1))
        waste = ", ".join(f"{100 * t['waste'] / t['made']:.2g} % of <sup>{n.split('-')[1]}</sup>{n.split('-')[0]}" for n, t in book.totals_Bq.items() if t["made"] > 0)
        late = sum(u.nearest_miss_s is not None for u in unserved(s, p, held))
        bound = "; ".join([*(f"{b.resource} ({b.gained_weight:.3g})" for b in held[:3]), *([f"{late} windows that nothing reaches in time"] if late else [])]) or "nothing"
        lines.append(f"| `{name}` | {len(p.doses)} of {len(s.patients)} | {100 * p.gap_served:.2f} % | {p.cost:.0f} {s.currency} | {100 * p.gap_cost:.1f} % | {waste} | {bound} | {seconds:.0f} |")
        if disturbance is not None:
            again.append(_disturbed(loaded, p, name, disturbance))
    text = [
        "| scenario | served | gap of served | cost | gap of cost | waste, of what was made | what binds (weight that could be served besides, at most) | s |", "|---|---:|---:|---:|---:|---|---|---:|", *lines, "",
        f"On {os.cpu_count()} cores; the load average at the start was {load:.1f}, so other programs took a share where it is above 1. A plan that is stopped by its limit of time depends on the machine; these figures may differ by a little elsewhere. "
        "The gap is to a bound that no plan on the scenario's grid exceeds; the true distance to the best plan is at most that.", "",
        "| disturbance | served before | if nothing is done | plan made anew | appointments moved | s |", "|---|---:|---:|---:|---:|---:|", *again,
    ]  # fmt: skip
    return Section(f"Plans, the worked scenarios, {_LIMIT_S:g} s each", "bounds of the same programme; what goes in must come out", "1", rows, text=text)


def _disturbed(loaded: LoadedScenario, p: SupplyPlan, name: str, file: str) -> str:
    now_s, events = load_disturbances(_EXAMPLES / name / file, loaded)
    begun = time.perf_counter()
    r = replan(loaded.scenario, p, events, now_s, time_limit_s=_LIMIT_S)
    return f"| `{name}/{file}` | {len(p.doses)} | {len(r.nothing)} | {len(r.plan.doses)} | {len(r.moved)} | {time.perf_counter() - begun:.0f} |"


def sections() -> list[Section]:
    """All comparisons of plans; the solvers are an extra."""
    if not all(find_spec(x) for x in ("highspy", "ortools", "pyvrp")):
        return [Section("Plans", "none", "1", [], "Not compared: the extra `supply` was not installed.")]
    return [small(), scenarios()]
