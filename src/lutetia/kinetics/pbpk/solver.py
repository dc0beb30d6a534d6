"""Solve a system for many patients: amounts at the end, time-integrals with decay, what was watched, its peaks."""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ...core import BadInput, CouldNot
from .sparse import LUPlan, plan_lu
from .system import System

#: Ten half-lives of 177Lu (6.6443 d).
DEFAULT_END_MIN = 95677.92
_Equations = namedtuple("_Equations", "row col a b source to")
_Plan = namedtuple(
    "_Plan", "size diagonal lower lower_start lower_row lower_col update_start update_from update_to upper upper_row upper_col linear terms"
)  # what compiled code takes


#: Ranges stay signed; unsigned indices save compiled code the check for a negative one.
_RANGES = ("size", "lower_start", "update_start")


def _compiled(plan: LUPlan) -> _Plan:
    return _Plan(*(getattr(plan, f) if f in _RANGES else getattr(plan, f).astype(np.uint64) for f in _Plan._fields))


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """What came of a solve.

    Attributes
    ----------
    states : tuple of str, length n
    end_nmol : ndarray, shape (patients, n)
        Amounts at the end.
    integral_min : ndarray, shape (patients, decays, n)
        Integral of ``exp(-k t) y(t)`` in nmol min, to infinity or to the end.
    watched : tuple of str, length w
    series_nmol : ndarray, shape (patients, w, times)
    peak_nmol, peak_min : ndarray, shape (patients, w)
        Largest amount watched, and when.
    steps : ndarray of int, shape (patients,)
    """

    states: tuple[str, ...]
    end_nmol: np.ndarray
    integral_min: np.ndarray
    watched: tuple[str, ...]
    series_nmol: np.ndarray
    peak_nmol: np.ndarray
    peak_min: np.ndarray
    steps: np.ndarray


def solve(
    system: System,
    start_nmol: Mapping[str, float | np.ndarray] | np.ndarray,
    *,
    decay_per_min: Sequence[float] = (),
    watch: Mapping[str, Sequence[str]] | None = None,
    time_min: Sequence[float] | np.ndarray = (),
    end_min: float = DEFAULT_END_MIN,
    tail: bool = True,
    rtol: float = 1e-5,
    atol_relative: float = 1e-10,
    plan: LUPlan | None = None,
) -> Solution:
    """Integrate from the amounts at time 0.

    Parameters
    ----------
    system : System
    start_nmol : mapping of state to amount (number, or one for each patient), or ndarray of shape (patients, n)
    decay_per_min : sequence of float
        Decay constants for which ``exp(-k t) y`` is integrated: by the hot-fraction identity, the time-integrated hot ligand of
        each nuclide, had all ligand been hot at time 0.
    watch : mapping of str to states, optional
        Sums of states whose values at `time_min` and whose peaks are kept.
    time_min : sequence of float, rising
    end_min : float
    tail : bool
        Carry the integrals from the end to infinity by one linear solve with the receptors as free as they are then: exact once
        little is bound. Without it they stop at the end.
    rtol : float
        Relative tolerance of each step; the absolute one is `atol_relative` times the amount at time 0.
    plan : LUPlan, optional
        Of this system, to save planning it again.

    Returns
    -------
    Solution

    Raises
    ------
    BadInput
        An amount, time, decay constant or tolerance that makes no sense.
    CouldNot
        The step became too small or too many; the sentence says where.

    One compartment that empties with 0.01 per minute while 0.02 per minute decay: the integral is 5 / 0.03.

    >>> from lutetia.kinetics.pbpk.system import Builder
    >>> b = Builder()
    >>> _ = b.state("blood"), b.state("urine")
    >>> b.transfer("blood", "urine", 0.01)
    >>> round(float(solve(b.build(), {"blood": 5.0}, decay_per_min=[0.02]).integral_min[0, 0, 0]), 3)
    166.667
    """
    from .rodas import DONE, integrate  # compiled when first needed

    n, patients = len(system.states), system.patients
    if isinstance(start_nmol, np.ndarray):
        y = np.array(np.broadcast_to(start_nmol, (patients, n)), float)
    else:
        y = np.zeros((patients, n))
        for state, amount in start_nmol.items():
            y[:, system.index(state)] = amount
    times, decay = np.asarray(time_min, float), np.asarray(decay_per_min, float)
    whole = y[:, system.ligand].sum(axis=1)
    if not np.all(np.isfinite(y)) or np.any(y < -1e-6 * whole[:, None]) or not np.all(whole > 0):
        raise BadInput("The amounts of ligand at time 0 must be finite, not negative and above zero in sum; check the ligand in nmol.")
    if not (0 < rtol < 0.1 and 0 < atol_relative < 1e-3 and 0 < end_min < 1e9):
        raise BadInput(f"rtol {rtol:g}, atol_relative {atol_relative:g}, end {end_min:g} min: tolerances must lie in 0 to 0.1 (1e-3) and the end above zero.")
    if times.size and (np.any(np.diff(times) < 0) or times[0] < 0 or times[-1] > end_min * (1 + 1e-12)):
        raise BadInput(f"Times must rise and lie between 0 and the end of the simulation, {end_min:g} min.")
    if not np.all(np.isfinite(decay)) or np.any(decay <= 0):
        raise BadInput("Decay constants must be above zero; a stable label has no time-integrated activity.")
    plan = plan_lu(system) if plan is None else plan
    place = np.empty(n, np.int64)
    place[plan.order] = np.arange(n)
    groups = [] if watch is None else [[int(place[system.index(s)]) for s in states] for states in watch.values()]
    watch_start = np.cumsum([0, *map(len, groups)]).astype(np.int64)
    eq = _Equations(*(place[x].astype(np.uint64) for x in (system.row, system.col, system.a, system.b, system.source, system.to)))
    y = np.ascontiguousarray(y[:, plan.order])
    tia = np.zeros((patients, len(decay), n))
    series, peak, peak_time = np.zeros((patients, len(groups), len(times))), np.zeros((patients, len(groups))), np.zeros((patients, len(groups)))
    code, steps, reached = np.zeros(patients, np.int64), np.zeros(patients, np.int64), np.zeros(patients)
    integrate(
        y, np.ascontiguousarray(system.value_per_min), np.ascontiguousarray(system.k_per_nmol_min), eq, _compiled(plan),
        float(end_min), float(rtol), atol_relative * whole, decay, bool(tail), times, watch_start, np.array([i for g in groups for i in g], np.uint64),
        tia, series, peak, peak_time, code, steps, reached,
    )  # fmt: skip
    if np.any(code != DONE) or not np.all(np.isfinite(tia)):
        p = int(np.argmax(code != DONE))
        raise CouldNot(
            f"The kinetics of patient {p + 1} of {patients} did not converge: {int(steps[p])} steps reached {reached[p]:.4g} of {end_min:.4g} min at "
            f"a relative tolerance of {rtol:g}. Check its rates, or try a larger tolerance."
        )
    out = np.empty_like(y), np.empty_like(tia)
    out[0][:, plan.order], out[1][:, :, plan.order] = y, tia
    return Solution(system.states, *out, tuple(watch or ()), series, peak, peak_time, steps)


def tracer_integral_min(system: System, start_nmol: np.ndarray, decay_per_min: float) -> np.ndarray:
    """Integral of ``exp(-k t) y(t)`` where every receptor stays free: ``(k - A) x = y0``, shape (patients, n).

    The limit of little ligand, by one linear solve.
    """
    n = len(system.states)
    dense = np.zeros((system.patients, n, n))
    dense[:, system.row, system.col] = -system.value_per_min
    dense[:, np.arange(n), np.arange(n)] += decay_per_min
    return np.linalg.solve(dense, np.broadcast_to(start_nmol, (system.patients, n))[..., None])[..., 0]
