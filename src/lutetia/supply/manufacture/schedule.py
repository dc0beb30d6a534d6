"""Which batch has which hot cell, operator, dispenser and instrument, and when: a schedule with its proof (CP-SAT)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...core import BadInput, CouldNot
from .calendars import Calendar
from .process import Process

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Step:
    """Part of a batch that holds one resource of each of `kinds` for its duration.

    `cleaning_s` is how long the resource of the first kind takes no other batch after it (cleaning, decay of what is left;
    it may fall into closed hours); `max_wait_s` how long the next step may be put off.
    """

    name: str
    kinds: tuple[str, ...]
    duration_s: float
    cleaning_s: float = 0.0
    max_wait_s: float = math.inf


@dataclass(frozen=True, slots=True)
class Task:
    """A batch: its steps in order, none before `earliest_s`, the last ended by `deadline_s` (its release).

    `weight` is what a second of its later end costs against those of others, for instance the decay constant times the activity.
    """

    name: str
    steps: tuple[Step, ...]
    earliest_s: float = 0.0
    deadline_s: float = math.inf
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Resource:
    """One hot cell, operator, dispenser or instrument of a kind; without a calendar it is always there."""

    name: str
    kind: str
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A step of a task in a schedule."""

    task: str
    step: str
    start_s: float
    end_s: float
    resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """What was found.

    Attributes
    ----------
    status : str
        ``"optimal"`` (proved), ``"feasible"`` (found; better is not excluded), ``"infeasible"`` (proved that there is
        none), ``"unknown"`` (nothing found in the time).
    assignments : tuple of Assignment
        Empty unless something was found.
    cost, bound : float or None
        Weighted ends of the tasks after their earliest start in seconds, and the least that any schedule has.
    """

    status: str
    assignments: tuple[Assignment, ...]
    cost: float | None
    bound: float | None


def batch_steps(process: Process, *, hot_cell: str = "hot cell", operator: str = "operator", dispenser: str = "dispenser", instrument: str = "instrument", cleaning_s: float = 0.0) -> tuple[Step, ...]:
    """The steps of a process: synthesis (hot cell, operator), filling (dispenser, operator), quality control (instrument).

    >>> from .process import process
    >>> [s.duration_s / 60 for s in batch_steps(process("18F-rhPSMA-7"))]
    [16.0, 10.0, 30.0]
    """
    steps = (
        Step("synthesis", (hot_cell, operator), process.synthesis_s, cleaning_s, 0.0),
        Step("filling", (dispenser, operator), process.filling_s, 0.0, 0.0),
        Step("quality control", (instrument,), process.qc_s),
    )
    return tuple(s for s in steps if s.duration_s > 0)


def schedule_batches(tasks: Sequence[Task], resources: Sequence[Resource], time_limit_s: float = 10.0) -> Schedule:
    """Assign batches to resources so that the weighted sum of their ends is least.

    Times are whole minutes: durations and earliest starts rounded up, deadlines down. One worker and a fixed seed: the
    same problem gives the same schedule, if it is solved within the time.

    Parameters
    ----------
    tasks, resources : sequences
    time_limit_s : float
        Of the solver.

    Raises
    ------
    BadInput
        Two tasks or resources of a name, a step without duration or of a kind that no resource has, a time that is not finite.
    CouldNot
        The package ortools is not installed.

    Two batches and one cell, with ten minutes of cleaning between them:

    >>> cell = Resource("cell 1", "hot cell")
    >>> two = [Task(n, (Step("synthesis", ("hot cell",), 1800.0, 600.0),)) for n in ("a", "b")]
    >>> s = schedule_batches(two, [cell])
    >>> s.status, max(a.end_s for a in s.assignments) / 60
    ('optimal', 70.0)
    """
    try:
        from ortools.sat.python import cp_model
    except ImportError:
        raise CouldNot("The schedule needs the package ortools; install it with: pip install 'lutetia[supply]'.") from None
    _check(tasks, resources, time_limit_s)
    if not tasks:
        return Schedule("optimal", (), 0.0, 0.0)
    horizon = _horizon(tasks, resources)
    model: Any = cp_model.CpModel()
    held: dict[str, list[tuple[Any, ...]]] = {r.name: [_blocked(model, a, b) for a, b in _closed(r, horizon)] for r in resources}
    steps: list[tuple[Task, Step, Any, int, list[tuple[Resource, Any]]]] = []
    ends: list[tuple[Task, Any]] = []
    for task in tasks:
        before: tuple[Any, Step, int] | None = None
        first, last = _up(task.earliest_s), horizon if task.deadline_s == math.inf else math.floor(task.deadline_s / _MINUTE)
        for n, step in enumerate(task.steps):
            length = _up(step.duration_s)
            if last - length < first:
                return Schedule("infeasible", (), None, None)
            start = model.new_int_var(first, last - length, f"{task.name}/{n}")
            if before is not None:
                earlier, previous, past = before
                model.add(start >= earlier + past)
                if previous.max_wait_s < math.inf:
                    model.add(start <= earlier + past + math.floor(previous.max_wait_s / _MINUTE))
            chosen: list[tuple[Resource, Any]] = []
            for kind in step.kinds:
                options = [(r, model.new_bool_var(f"{task.name}/{n}/{r.name}")) for r in resources if r.kind == kind]
                model.add_exactly_one(b for _, b in options)
                cleaning = _up(step.cleaning_s) if kind == step.kinds[0] else 0
                for r, b in options:
                    held[r.name].append((start, length, cleaning, b))
                chosen += options
            steps.append((task, step, start, length, chosen))
            before = (start, step, length)
        assert before is not None
        ends.append((task, before[0] + before[2]))
    for name, items in held.items():
        _no_overlap(model, name, items)
    _strengthen(model, tasks, resources, steps)
    scale = 1000.0 / max(max(t.weight for t in tasks), 1e-300)  # whole numbers are what CP-SAT minimises
    weights = [max(round(t.weight * scale), 1 if t.weight > 0 else 0) for t in tasks]
    model.minimize(sum(w * (end - _up(t.earliest_s)) for w, (t, end) in zip(weights, ends)))
    solver: Any = cp_model.CpSolver()
    solver.parameters.max_time_in_seconds = time_limit_s
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 1
    status = {cp_model.OPTIMAL: "optimal", cp_model.FEASIBLE: "feasible", cp_model.INFEASIBLE: "infeasible"}.get(solver.solve(model), "unknown")
    if status not in ("optimal", "feasible"):
        return Schedule(status, (), None, None)
    found = tuple(
        Assignment(t.name, s.name, v * _MINUTE, (v + length) * _MINUTE, tuple(r.name for r, b in chosen if solver.value(b)))
        for t, s, start, length, chosen in steps
        for v in [solver.value(start)]
    )
    per = _MINUTE / scale
    return Schedule(status, found, solver.objective_value * per, solver.best_objective_bound * per)


def _up(seconds: float) -> int:
    return math.ceil(seconds / _MINUTE - 1e-9)


def _blocked(model: Any, a: int, b: int) -> tuple[Any, ...]:
    return (model.new_fixed_size_interval_var(a, b - a, "closed"),)


def _no_overlap(model: Any, name: str, items: list[tuple[Any, ...]]) -> None:
    """Work keeps clear of closed hours; work with its cleaning keeps clear of other work."""
    closed = [x[0] for x in items if len(x) == 1]
    work = [x for x in items if len(x) == 4]
    if closed:
        model.add_no_overlap([*closed, *(model.new_optional_interval_var(start, length, start + length, b, name) for start, length, _, b in work)])
    model.add_no_overlap([model.new_optional_interval_var(start, length + cleaning, start + length + cleaning, b, name) for start, length, cleaning, b in work])


def _strengthen(model: Any, tasks: Sequence[Task], resources: Sequence[Resource], steps: Sequence[tuple[Task, Step, Any, int, Any]]) -> None:
    """What follows from the rest, said again so that the proof is shorter: no more steps at once than resources of a kind, and tasks that are alike in the order given."""
    for kind in sorted({r.kind for r in resources}):
        spans, demands = [], []
        for _, step, start, length, _ in steps:
            if kind in step.kinds:
                held = length + (_up(step.cleaning_s) if kind == step.kinds[0] and step.kinds.count(kind) == 1 else 0)
                spans.append(model.new_fixed_size_interval_var(start, held, kind))
                demands.append(step.kinds.count(kind))
        model.add_cumulative(spans, demands, sum(r.kind == kind for r in resources))
    first: dict[str, Any] = {}
    for task, _, start, _, _ in steps:
        first.setdefault(task.name, start)
    last: dict[tuple[Any, ...], Any] = {}
    for task in tasks:
        start, alike = first[task.name], (task.steps, task.earliest_s, task.deadline_s, task.weight)
        if alike in last:
            model.add(start >= last[alike])
        last[alike] = start


def _closed(r: Resource, horizon: int) -> list[tuple[int, int]]:
    """Closed stretches in minutes from the origin to the horizon, opening rounded up and closing down."""
    if r.calendar is None:
        return []
    edges, at = [], 0
    for a, b in r.calendar.open_s:
        opens, closes = max(_up(a), 0), min(math.floor(b / _MINUTE), horizon)
        if closes <= opens:
            continue
        if opens > at:
            edges.append((at, opens))
        at = closes
    return [*edges, *([(at, horizon)] if at < horizon else [])]


def _horizon(tasks: Sequence[Task], resources: Sequence[Resource]) -> int:
    """By when all can be done, one after another, after the last deadline or the last closing."""
    work = sum(_up(s.duration_s) + _up(s.cleaning_s) for t in tasks for s in t.steps)
    last = max([t.earliest_s for t in tasks] + [t.deadline_s for t in tasks if t.deadline_s < math.inf] + [b for r in resources if r.calendar for _, b in r.calendar.open_s])
    return _up(max(last, 0.0)) + work + 1


def _check(tasks: Sequence[Task], resources: Sequence[Resource], time_limit_s: float) -> None:
    for what, names in (("task", [t.name for t in tasks]), ("resource", [r.name for r in resources])):
        twice = sorted({n for n in names if names.count(n) > 1})
        if twice:
            raise BadInput(f"schedule: the {what} {twice[0]!r} is given twice; name each {what} once.")
    if not 0 < time_limit_s < math.inf:
        raise BadInput(f"schedule: the time limit is {time_limit_s!r} s; give a positive time.")
    kinds = {r.kind for r in resources}
    for t in tasks:
        if not t.steps or not (0 <= t.earliest_s < math.inf) or not 0 <= t.weight < math.inf or math.isnan(t.deadline_s):
            raise BadInput(f"schedule: task {t.name!r} has no step, or an earliest start or weight that is negative or not finite; correct it.")
        for s in t.steps:
            if not 0 < s.duration_s < math.inf or not 0 <= s.cleaning_s < math.inf or not s.max_wait_s >= 0:
                raise BadInput(f"schedule: step {s.name!r} of {t.name!r} takes {s.duration_s!r} s with {s.cleaning_s!r} s of cleaning; give a positive duration and no negative time.")
            for k in s.kinds:
                if k not in kinds:
                    raise BadInput(f"schedule: step {s.name!r} of {t.name!r} needs a resource of the kind {k!r}; there is none among {', '.join(sorted(kinds)) or 'none'}.")
