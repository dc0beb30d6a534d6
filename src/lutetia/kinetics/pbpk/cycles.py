"""Several injections: receptors and ligand are carried over, and each cycle's own activity is followed apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from ...core import BadInput
from ...data import table
from ...nuclides import nuclide
from .binding import Binding, Covalent
from .carriers import Albumin, LargeMolecule
from .parameters import ParameterSet
from .patient import Patient, Value
from .solver import DEFAULT_END_MIN, solve
from .structure import DEGRADED, INJECTION, URINE, build_body
from .system import follow


@dataclass(frozen=True, slots=True, eq=False)
class CycleResult:
    """One cycle of several; arrays of shape (patients,).

    Attributes
    ----------
    tiac_h : mapping of nuclide to region to ndarray
        Decays per becquerel injected in this cycle; ``"urine"`` and ``"degraded"`` among the regions.
    peak_occupancy : mapping of region to ndarray
        By all ligand.
    left_nmol : ndarray
        Ligand in the body (without urine and what is degraded) just before the injection.
    """

    tiac_h: dict[str, dict[str, np.ndarray]]
    peak_occupancy: dict[str, np.ndarray]
    left_nmol: np.ndarray


def published_uptake_factors(cycles: int) -> list[float]:
    """Uptake of tumours in each cycle against the first, 177Lu-PSMA-I&T (Siebinga et al. 2024, doi:10.1186/s40658-024-00642-2).

    Raises
    ------
    BadInput
        More cycles than the seven that were seen, or none.

    >>> published_uptake_factors(4)
    [1.0, 0.731, 0.498, 0.436]
    """
    known = table("pbpk_cycle_uptake")["factor"]
    if not 1 <= cycles <= len(known):
        raise BadInput(f"{cycles} injections in all: the change of uptake is published for 1 to {len(known)}; give fewer, or 'none' for the change of uptake.")
    return [float(f) for f in known[:cycles]]


def uptake_factors(cycles: int, change: str) -> list[float]:
    """The published factors, or 1 for every cycle.

    Parameters
    ----------
    cycles : int
    change : {"published", "none"}

    Raises
    ------
    BadInput

    >>> uptake_factors(2, "published"), uptake_factors(2, "none")
    ([1.0, 0.731], [1.0, 1.0])
    """
    if change not in ("published", "none"):
        raise BadInput(f"A change of uptake {change!r}; give 'published' or 'none'.")
    return published_uptake_factors(cycles) if change == "published" else [1.0] * cycles


def simulate_cycles(
    patient: Patient,
    parameters: ParameterSet,
    ligand_nmol: Sequence[float],
    interval_days: Sequence[float],
    nuclides: Sequence[str] = ("Lu-177",),
    *,
    uptake_factors: Sequence[float] | None = None,
    binding: Binding = None,
    unbound_fraction: Value = 1.0,
    release: Literal["degraded", "intact"] = "degraded",
    albumin: Albumin | None = None,
    large: LargeMolecule | None = None,
    rtol: float = 1e-5,
) -> list[CycleResult]:
    """Follow several injections.

    Parameters
    ----------
    ligand_nmol : sequence of float
        Of each cycle.
    interval_days : sequence of float
        Between one injection and the next, one fewer than cycles.
    uptake_factors : sequence of float, optional
        By which the receptor density of all tumours is multiplied in each cycle; 1 where not given. That a lower uptake is a
        lower density of receptors is an assumption: what was published is a rate.
    nuclides, binding, unbound_fraction, release, albumin, large, rtol
        As in `simulate_pbpk`.

    Notes
    -----
    In each interval all ligand is solved together, and beside it the cohort of the last injection, which meets the receptors
    that all ligand leaves free (`follow`). What of a cohort is left at the next injection decays on with the receptors as they
    are then; with a whole interval of six weeks this is some 1e-4 of the ligand.

    Raises
    ------
    BadInput, CouldNot
    """
    n = len(ligand_nmol)
    factors = [1.0] * n if uptake_factors is None else list(uptake_factors)
    if n < 1 or len(interval_days) != n - 1 or len(factors) != n:
        raise BadInput(f"{n} injections need {max(n - 1, 0)} intervals and, if given, {n} uptake factors; got {len(interval_days)} and {len(factors)}.")
    if any(not 0.1 <= d <= 3650 for d in interval_days) or any(not 0 < f <= 100 for f in factors) or any(not 0 < a <= 1e6 for a in ligand_nmol):
        raise BadInput("Intervals must be 0.1 to 3650 days, amounts of ligand up to 1e6 nmol and uptake factors up to 100, all above zero.")
    decay = [60 * nuclide(x).decay_constant_per_s for x in nuclides]
    found: list[CycleResult] = []
    left: np.ndarray | None = None
    for c in range(n):
        tumours = tuple(replace(t, receptor_nmol_L=np.asarray(parameters["receptor_tumour"] if t.receptor_nmol_L is None else t.receptor_nmol_L, float) * factors[c]) for t in patient.tumours)
        body = build_body(replace(patient, tumours=tumours), parameters, binding=binding, unbound_fraction=unbound_fraction, release=release, albumin=albumin, large=large)
        own = len(body.system.states)
        system = follow(body.system)
        start = np.zeros((system.patients, len(system.states)))
        if left is not None:
            start[:, :own] = left
            if c and isinstance(binding, Covalent):  # of fewer receptors the same share is missing
                missing = [body.system.index(f"{t.name}.used") for t in patient.tumours]
                start[:, missing] *= factors[c] / factors[c - 1]
            start[:, [body.system.index(URINE), body.system.index(DEGRADED)]] = 0.0
        left_nmol = start[:, :own][:, body.system.ligand].sum(axis=1)
        start[:, system.index(INJECTION)] += ligand_nmol[c]
        start[:, system.index(f"{INJECTION} cohort")] = ligand_nmol[c]
        end = 1440 * interval_days[c] if c < n - 1 else DEFAULT_END_MIN
        s = solve(system, start, decay_per_min=decay, watch=body.taken, end_min=end, rtol=rtol)
        place = {r: [system.index(f"{x} cohort") for x in states] for r, states in (*body.regions.items(), (URINE, (URINE,)), (DEGRADED, (DEGRADED,)))}
        found.append(CycleResult(
            {x: {r: s.integral_min[:, d, i].sum(axis=-1) / ligand_nmol[c] / 60 for r, i in place.items()} for d, x in enumerate(nuclides)},
            {r: s.peak_nmol[:, w] / body.sites_nmol[r] for w, r in enumerate(s.watched)}, left_nmol,
        ))  # fmt: skip
        left = np.maximum(s.end_nmol[:, :own], 0.0)
    return found
