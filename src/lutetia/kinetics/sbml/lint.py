"""A lint of a radioligand's kinetic model in SBML: what must hold whatever the parameters, and where it does not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...core import BadInput, CouldNot
from .engine import Engine
from .findings import CHECKS, Finding
from .pairs import find_pools, pool_name
from .reading import read_structure
from .structure_checks import flows, mass, receptors, volumes
from .tracer_checks import (
    choose_injection,
    decay,
    find_decay,
    hot_fraction,
    off_pools,
    symmetry,
    uniform_rates,
)

_LARGEST_MB = 50


@dataclass(frozen=True, slots=True)
class LintReport:
    """What the lint found.

    Attributes
    ----------
    model, sha256 : str
    findings : tuple of Finding
        By check in the order of `CHECKS`.
    not_judged : dict of str to str
        Checks that could not be made, with the reason.
    pools : tuple of str
        Pairs of hot and cold species, in words.
    deviation : tuple of float or None
        Largest relative deviation of the hot fraction of each pool.
    decay_constant : float
        Per the model's unit of time; 0 if nothing decays.
    injected, amount : str, float
        Pool and amount of the injection that was simulated; `end_time` is when it ended.
    notes : tuple of str
    """

    model: str
    sha256: str
    findings: tuple[Finding, ...]
    not_judged: dict[str, str]
    pools: tuple[str, ...]
    deviation: tuple[float | None, ...]
    decay_constant: float
    injected: str
    amount: float
    end_time: float
    notes: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """No fault was found; what was not judged may still hold one."""
        return not self.findings


def lint_sbml(path: Path | str, *, hot: str = "hot", cold: str = "cold", sinks: Sequence[str] = (), inject: str | None = None) -> LintReport:
    """Check a model with hot and cold ligand.

    Hot and cold ligand move alike, so that after one injection ``hot/(hot + cold) = f0 exp(-lambda t)`` in every pool; any
    difference of a rate between them breaks it. Ligand is conserved, receptors are, and so is what flows.

    Parameters
    ----------
    path : path
        A file in SBML.
    hot, cold : str
        Words by which names of species tell the two forms; species of one compartment whose names differ in that word alone make a pool.
    sinks : sequence of str
        Names of reactions, compartments or species by which ligand may leave, beside those that say so (urine, excretion,
        clearance, degradation, elimination, metabolism, faeces, bile, bladder).
    inject : str, optional
        Pool that gets the injection of the simulation. Default: the one that starts with ligand, else the blood's.

    Raises
    ------
    BadInput
        No such file, no SBML, no pairs of hot and cold species, an unknown pool.
    CouldNot
        The extra ``sbml`` is missing, or a rate is not a number.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path} cannot be read ({error.strerror}); give the file of a model in SBML.") from None
    if len(data) > _LARGEST_MB * 2**20:
        raise BadInput(f"{path} has {len(data) / 2**20:.0f} MB; a model of up to {_LARGEST_MB} MB can be judged.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BadInput(f"{path} is not text in UTF-8; give a model in SBML.") from None
    s = read_structure(text, path)
    pools = find_pools(s, hot, cold)
    if not pools.pairs:
        raise BadInput(f"No species of {path} pair by the words {hot!r} and {cold!r}; name the words that tell hot from cold with --hot and --cold.")
    engine = Engine(text, path, s.by_rule)
    names = [pool_name(s, pools, n, hot) for n in range(len(pools.pairs))]
    if inject is not None and inject not in names:
        raise BadInput(f"There is no pool {inject!r} to inject into; choose from {', '.join(names[:60])}.")
    target = choose_injection(s, pools, engine) if inject is None else names.index(inject)
    rates = uniform_rates(s, pools, engine)
    d = find_decay(s, pools, rates)
    told, of_flows = flows(s, pools, engine)
    other, of_cold = flows(s, pools, engine, side=1)
    seen = {f.where for f in of_flows}
    cold_only = [f for f in of_cold if _hot_place(f.where, hot, cold) not in {w.lower() for w in seen}]
    found = [
        *(Finding("pairs", s.place(x), None, None, f"{s.place(x)} has no partner of the other form in its compartment; add it, or rename it if it is no ligand.") for x in pools.alone),
        *mass(s, pools, set(d.reactions), sinks), *receptors(s, pools), *volumes(s, pools, engine), *of_flows, *cold_only,
        *decay(s, pools, d), *symmetry(s, pools, rates, d),
    ]  # fmt: skip
    unknown: dict[str, str] = {}
    if told + other == 0:
        unknown["flows"] = "no parameter of a transfer is named as a flow"
    notes = [f"pools pair species of one compartment by the words {hot!r} and {cold!r} in their names: {len(pools.pairs)} pools"]
    moved = [s.place(x) for x in s.by_rule if x in pools.ligand]
    if moved:
        unknown["mass"] = f"rules or events move ligand: {', '.join(moved)}"
    deviation: tuple[float | None, ...] = (None,) * len(names)
    amount, end = 0.0, 0.0
    try:
        h = hot_fraction(pools, engine, d, target)
        deviation, amount, end = h.deviation, h.amount, h.end_time
        found += off_pools(h, names)
        form = "hot over all is compared" if d.to_cold else "decayed ligand leaves the model, so that hot over cold is compared"
        notes.append(f"{amount:.4g} injected into {names[target]}, a fifth of it hot, followed to {end:.4g}; {form}")
    except CouldNot as error:
        unknown["hot fraction"] = str(error)
    order = list(CHECKS)
    found.sort(key=lambda f: order.index(f.check))
    return LintReport(s.name, hashlib.sha256(data).hexdigest(), tuple(found), unknown, tuple(names), deviation, d.common, names[target], amount, end, tuple(notes))


def _hot_place(where: str, hot: str, cold: str) -> str:
    return where.lower().replace(cold.lower(), hot.lower())
