"""A scenario planned and carried out many times: who is not treated when things fail, and which spare gives most back."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field

from .. import __version__
from ..core import finite_or_none, staged_folder, to_json, write_atomic
from ..supply.manufacture.process import process
from ..supply.network.model import Scenario, SupplyPlan
from ..supply.network.risk import simulate_risk
from ..supply.network.risk_model import (
    Estimate,
    Group,
    Hazards,
    Outage,
    Risk,
    Share,
    Spare,
    check_hazards,
    check_spare,
)
from ..supply.network.solve import solve
from .case import _Part, _quantity, read_checked
from .scenario_file import LoadedScenario, load_scenario
from .scenario_parts import SCENARIO_SCHEMA, ScenarioFile

RISK_SCHEMA = "lutetia-risk/1"
RESULT_SCHEMA = "lutetia-supply-risk/1"
RISK_FILE = "risk.toml"
_SOLVED = 0.7  # of the progress bar

Time = _quantity("s", within=("1 s", "36500 d"))


class OutagePart(_Part):
    of: str
    every: Time  # type: ignore[valid-type]
    mean: Time  # type: ignore[valid-type]


class LatePart(_Part):
    product: str
    probability: float = Field(ge=0, le=1)
    mean: Time  # type: ignore[valid-type]


class SparePart(_Part):
    kind: str
    at: str
    amount: float = Field(default=0.0, ge=0, le=10)


class RiskFile(_Part):
    """A checked risk file; `sha256` is that of the file."""

    traffic: float = Field(default=0.0, ge=0, le=1)
    tolerance: float = Field(default=0.0, ge=0, lt=1)
    outage: list[OutagePart] = []
    late_release: list[LatePart] = []
    spare: list[SparePart] = []
    sha256: str

    @property
    def hazards(self) -> Hazards:
        return Hazards({x.of: Outage(x.every, x.mean) for x in self.outage}, {x.product: (x.probability, x.mean) for x in self.late_release}, self.traffic, self.tolerance)


def run_supply_risk(
    path: Path | str, out: Path | str, *, runs: int = 1000, seed: int = 1, time_limit_s: float = 60.0, progress: Callable[[float], None] | None = None,
    report: Callable[[Path, dict[str, Any]], None] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Plan a scenario, carry the plan out `runs` times, and write what came of it to the folder `out`.

    Parameters
    ----------
    path : path
        A scenario file, or its folder. A ``risk.toml`` beside it gives what a scenario has no place for.
    out : path
        Folder for ``result.json``, ``patients.csv``, ``spares.csv`` and, with `report`, ``report.html``.
    runs, seed : int
    time_limit_s : float
        Of the search for the plan.
    progress : callable, optional
        Called with the share that is done.
    report : callable, optional
        Writes the page.

    Raises
    ------
    BadInput
        A file that cannot be used, a risk of something that the scenario does not have, patients who must be served and cannot be.
    CouldNot
        A solver is missing, or found nothing in time.
    """
    begun = time.perf_counter()
    loaded = load_scenario(path)
    s = loaded.scenario
    risks = _beside(Path(path))
    hazards = risks.hazards if risks is not None else Hazards()
    spares = [Spare(x.kind, x.at, x.amount) for x in risks.spare] if risks is not None and risks.spare else None
    check_hazards(hazards, s)  # before the search, which takes its time
    for x in spares or ():
        check_spare(x, s)

    def part(first: float, last: float) -> Callable[[float], None] | None:
        return None if progress is None else lambda share: progress(first + share * (last - first))

    plan = solve(s, time_limit_s=time_limit_s, seed=seed, progress=part(0.0, _SOLVED))
    solved = time.perf_counter()
    risk = simulate_risk(s, plan, runs=runs, seed=seed, hazards=hazards, spares=spares, progress=part(_SOLVED, 1.0))
    done = time.perf_counter()
    file = read_checked(path, ScenarioFile, SCENARIO_SCHEMA, "scenario.toml")
    result = risk_result(loaded, plan, risk, hazards, {x.name: x.process for x in file.product if x.process is not None})
    result["provenance"]["risk_sha256"] = None if risks is None else risks.sha256
    result["timing_s"] = {"solve": solved - begun, "runs": done - solved}
    result["files"] = {"patients": "patients.csv", "spares": "spares.csv"} | ({"report": "report.html"} if report is not None else {})
    with staged_folder(out) as stage:
        write_atomic(stage / "patients.csv", _csv(result["patients"]))
        write_atomic(stage / "spares.csv", _csv([{**x, "low": x["interval"][0], "high": x["interval"][1], "interval": None} for x in result["spares"]]))
        if report is not None:
            report(stage / "report.html", result)
        write_atomic(stage / "result.json", to_json(result))
    return result


def _beside(path: Path) -> RiskFile | None:
    folder = path if path.is_dir() else path.parent
    return read_checked(folder / RISK_FILE, RiskFile, RISK_SCHEMA, RISK_FILE) if (folder / RISK_FILE).is_file() else None


def risk_result(loaded: LoadedScenario, plan: SupplyPlan, risk: Risk, hazards: Hazards, processes: Mapping[str, str]) -> dict[str, Any]:
    """The result as plain values; `processes` names the published process of a product that has one."""
    s = loaded.scenario
    hospital = {p.id: p.hospital for p in s.patients}
    batch = {d.patient: d.batch for d in plan.doses}
    return {
        "schema": RESULT_SCHEMA, "version": __version__, "title": s.title, "runs": risk.runs, "seed": risk.seed, "demanded": risk.demanded, "planned": risk.planned,
        "not_treated": {**_estimate(risk.not_treated), "quantiles": dict(risk.quantiles)}, "none_lost": _share(risk.none_lost), "lost": _estimate(risk.lost),
        "lost_without_recourse": _estimate(risk.lost_without_recourse), "counts": [int(x) for x in risk.counts], "causes": [{"cause": k, **_estimate(v)} for k, v in risk.causes.items()],
        "hospitals": [_group(x) for x in risk.hospitals], "batches": [_group(x) for x in risk.batches],
        "patients": [{"patient": k, "hospital": hospital[k], "batch": batch[k], "treated": v.value, "low": v.low, "high": v.high} for k, v in risk.treated.items()],
        "spares": [
            {"kind": x.spare.kind, "at": x.spare.at, "amount": x.spare.amount, "gained_per_1000": x.gained_per_1000.mean, "standard_error": finite_or_none(x.gained_per_1000.standard_error),
             "interval": _interval(x.gained_per_1000), "changed_runs": x.changed_runs}
            for x in risk.spares
        ],
        "notes": list(risk.notes), "probabilities": _probabilities(s, plan, hazards, processes), "plan": {"served": len(plan.doses), "gap": plan.gap, "method": plan.method},
        "assumptions": [*loaded.assumptions, *_ASSUMPTIONS], "warnings": [*loaded.warnings, *_warnings(risk)],
        "provenance": {"scenario_sha256": loaded.sha256, "files": dict(loaded.files)},
    }  # fmt: skip


_ASSUMPTIONS = (
    "failures of lots, batches and departures, yields, delays and outages are independent of one another; all shipments on one scheduled departure fail or are late together",
    "a batch waits for late activity as long as one of its patients could still be served; its release may then fall after the lab's hours",
    "a tour waits for late vials only as long as no other appointment, its own or of the vehicle's next tour, suffers",
    "a shipment that misses its departure, or whose departure fails, takes the next of the lane whatever its capacity; one of a lane without departures that fails is lost",
    "the courier of a spare drives as the scenario's road model, or as the lane if that can leave at any time, knows of a delay when the shipment should leave, and never fails",
    "what a batch has beyond its doses can be injected in any hospital to which it sends vials; without this, lost_without_recourse holds",
)


def _warnings(risk: Risk) -> list[str]:
    out = []
    if risk.lost.mean > 0 and risk.lost.standard_error > 0.2 * risk.lost.mean:
        out.append(f"the mean number lost is known to no better than {100 * risk.lost.standard_error / risk.lost.mean:.0f} % after {risk.runs} runs; take more runs")
    if math.isnan(risk.lost.standard_error):
        out.append("one run has no Monte Carlo error; take more runs")
    return out


def _probabilities(s: Scenario, plan: SupplyPlan, h: Hazards, processes: Mapping[str, str]) -> list[dict[str, Any]]:
    """Every probability that was used, and where it comes from as far as that is known."""
    machines = {m.id: m for m in s.machines}
    out = [{"what": f"lots of {x}", "failure": 1 - machines[x].success, "source": "scenario"} for x in sorted({lot.machine for lot, _ in plan.lots.values()})]
    out += [{"what": f"batches of {x}", "failure": 1 - s.products[x].success, "source": _source(processes.get(x), s.products[x].success)} for x in sorted({b.product for b in plan.batches})]
    used = {x.lane for x in plan.deliveries if x.lane} | {d.lane for b in plan.batches for d in b.draws if d.lane}
    out += [
        {"what": f"shipments by {x.id}", "failure": 1 - x.success, "late": x.late, "mean_delay_s": x.delay_s, "source": "scenario"}
        for x in s.lanes if x.id in used and (x.success < 1 or x.late > 0)
    ]  # fmt: skip
    out += [{"what": f"outages of {k}", "every_s": o.every_s, "mean_s": o.mean_s, "source": RISK_FILE} for k, o in h.outages.items()]
    out += [{"what": f"late release of {k}", "late": p, "mean_delay_s": mean_s, "source": RISK_FILE} for k, (p, mean_s) in h.qc_late.items()]
    return out


def _source(name: str | None, success: float) -> str:
    """The source of a batch's success: that of the product's process, unless the scenario says otherwise."""
    if name is None or abs(process(name).success - success) > 1e-12:
        return "scenario"
    p = process(name)
    counted = f"{p.failures} failures in {p.batches} batches" if p.batches is not None else "a round value without a published source"
    return f"process {name}: {counted} ({p.source})" if p.batches is not None else f"process {name}: {counted}"


def _interval(x: Estimate) -> list[float | None]:
    return [finite_or_none(x.low), finite_or_none(x.high)]


def _estimate(x: Estimate) -> dict[str, Any]:
    return {"mean": x.mean, "standard_error": finite_or_none(x.standard_error), "interval": _interval(x)}


def _share(x: Share) -> dict[str, Any]:
    return {"value": x.value, "interval": [x.low, x.high]}


def _group(x: Group) -> dict[str, Any]:
    return {"id": x.id, "planned": x.planned, "lost": _estimate(x.lost)} | ({} if x.failed is None else {"releases_nothing": _share(x.failed)})


def _csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    if rows:
        writer = csv.DictWriter(text, [k for k in rows[0] if rows[0][k] is not None], extrasaction="ignore", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    return text.getvalue()
