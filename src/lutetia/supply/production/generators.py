"""Generators: a long-lived parent on a column, its daughter eluted again and again.

Every elution takes a share of what is on the column; between elutions the chain decays and grows in (Bateman). One exception, named in the
table: what a separation of 225Ra and 225Ac from 229Th does not recover is lost; it does not stay behind.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from ...core import BadInput, near_matches
from ...data import table
from ...nuclides import Inventory, chain, nuclide
from ...nuclides.library import names
from ...nuclides.names import canonical

_YEAR_S = 365.25 * 86400.0


@dataclass(frozen=True, slots=True)
class Generator:
    """A kind of generator.

    Attributes
    ----------
    name, parent, daughter : str
    taken : tuple of str
        What an elution takes off the column; the daughter is the last.
    branching : float
        Decays of the daughter for each decay of the parent in the end (ICRP 107).
    efficiency, u_efficiency : float or None
        Share of what is on the column that an elution gives; None is unknown.
    remainder_stays : bool
        Whether the rest stays on the column; otherwise it is lost.
    breakthrough_limit : float or None
        Largest activity of the parent per activity of the daughter, Bq/Bq, that `limit_at` allows: at ``"elution"`` or ``"administration"``.
    shelf_life_s, max_elutions : float or None
    verified, source : str
    """

    name: str
    parent: str
    daughter: str
    taken: tuple[str, ...]
    branching: float
    efficiency: float | None
    u_efficiency: float | None
    remainder_stays: bool
    breakthrough_limit: float | None
    limit_at: str | None
    shelf_life_s: float | None
    max_elutions: int | None
    verified: str
    source: str


@dataclass(frozen=True, slots=True)
class Elution:
    """One elution.

    Attributes
    ----------
    time_s : float
        After the calibration of the generator.
    since_last_s : float
        Since the elution before, or since the column was bare.
    parent_Bq, on_column_Bq : float
        Parent and daughter on the column just before.
    ingrowth : float
        Daughter on the column over that in equilibrium with the parent.
    eluted_Bq, u_eluted_Bq : float or None
        Daughter in the eluate with its standard uncertainty (of the efficiency; None where that is unknown).
    others_Bq : Mapping of str to float
        What else the elution takes by intent: 225Ra with 225Ac.
    parent_in_eluate_Bq : float or None
        From the breakthrough measured; None where none was given.
    expiry_s : float or None
        Time after elution at which parent per daughter reaches the limit at administration; None where breakthrough or such a limit is unknown.
    beyond : tuple of str
        Which limits of use the elution lies beyond.
    """

    time_s: float
    since_last_s: float
    parent_Bq: float
    on_column_Bq: float
    ingrowth: float
    eluted_Bq: float
    u_eluted_Bq: float | None
    others_Bq: Mapping[str, float]
    parent_in_eluate_Bq: float | None
    expiry_s: float | None
    beyond: tuple[str, ...]


def generators() -> tuple[str, ...]:
    """Names of the generators held.

    >>> generators()[:3]
    ('Ge-68/Ga-68', 'Mo-99/Tc-99m', 'Th-229/Ac-225')
    """
    return tuple(map(str, table("generators")["name"]))


def generator(name: str) -> Generator:
    """A generator by parent and daughter, in any common spelling.

    Raises
    ------
    BadInput

    >>> g = generator("99Mo/99mTc")
    >>> g.branching, g.breakthrough_limit, g.limit_at
    (0.8773, 0.00015, 'administration')
    """
    parts = [p.strip() for p in str(name).split("/")]
    try:
        found = "/".join(canonical(p, names()) for p in (parts[0], parts[-1]))
    except BadInput:
        found = str(name)
    if len(parts) < 2 or found not in generators():
        raise BadInput(f"generator: {name!r} is not held; write one of {', '.join(generators())}.{near_matches(found, generators())}")
    return _read(found)


@functools.cache
def _read(name: str) -> Generator:
    t = table("generators").where("name", name)

    def known(column: str) -> float | None:
        value = float(t[column][0])
        return None if math.isnan(value) else value

    parent, taken, days, count = str(t["parent"][0]), tuple(str(t["taken"][0]).split()), known("shelf_life_d"), known("max_elutions")
    share = next(m.decays_per_parent for m in chain(parent) if m.nuclide.name == taken[-1])
    return Generator(
        name, parent, taken[-1], taken, share, known("efficiency"), known("u_efficiency"), str(t["leaves"][0]) == "stays", known("breakthrough_limit"),
        str(t["limit_at"][0]) or None, None if days is None else days * 86400.0, None if count is None else int(count), str(t["verified"][0]), str(t["source"][0]),
    )  # fmt: skip


def ingrown_Bq(parent_activity_Bq: float, which: Generator | str, since_last_s: float) -> float:
    """Daughter on the column `since_last_s` after the column was bare of what is taken, for `parent_activity_Bq` at that later time, Bq.

    Bateman's equation over the nuclides taken: for one of them A_d = b A_p L_d / (L_d - L_p) (1 - exp(-(L_d - L_p) t)). What lies between parent and
    daughter and stays on the column is in equilibrium with the parent.

    Optimum of a 224Ra generator, 16.5 h: 61.0 % of the starting activity (Roberts et al. 2025, PMC12311066):

    >>> g = generator("Ra-224/Pb-212")
    >>> round(ingrown_Bq(math.exp(-nuclide("Ra-224").decay_constant_per_s * 16.5 * 3600), g, 16.5 * 3600), 2)
    0.61
    """
    g = generator(which) if isinstance(which, str) else which
    lp = nuclide(g.parent).decay_constant_per_s
    rates = [nuclide(n).decay_constant_per_s - lp for n in g.taken]
    # In the frame that decays with the parent the source is constant: each step multiplies by rate / (rate - parent's) and closes up to one.
    factor = g.branching * math.prod(nuclide(n).decay_constant_per_s / r for n, r in zip(g.taken, rates))
    if len(rates) == 1:
        return parent_activity_Bq * factor * -math.expm1(-rates[0] * since_last_s)
    a, b = rates
    return parent_activity_Bq * factor * (1.0 - (b * math.exp(-a * since_last_s) - a * math.exp(-b * since_last_s)) / (b - a))


def elution_Bq(parent_activity_Bq: float, generator: str, since_last_s: float) -> float:
    """Daughter that an elution gives, Bq, if the one before took all of it.

    Parameters
    ----------
    parent_activity_Bq : float
        At the elution.
    generator : str
        Name, such as ``"Ge-68/Ga-68"``.
    since_last_s : float

    Raises
    ------
    BadInput
        A generator that is not held or whose efficiency is unknown, a negative activity or time.

    A generator of 1.85 GBq gives at least 60 % of its activity at equilibrium (GalliaPharm, summary of product characteristics):

    >>> round(elution_Bq(1.85e9, "Ge-68/Ga-68", 86400.0) / 1e9, 2)
    1.11
    """
    g = _generator(generator)
    if not (math.isfinite(parent_activity_Bq) and parent_activity_Bq >= 0 and math.isfinite(since_last_s) and since_last_s >= 0):
        raise BadInput(f"elution: the activity is {parent_activity_Bq!r} Bq and the time since the last elution {since_last_s!r} s; give zero or positive numbers.")
    return ingrown_Bq(parent_activity_Bq, g, since_last_s) * _efficiency(g)


_generator = generator  # the parameter of `elution_Bq` bears the same name


def _efficiency(g: Generator) -> float:
    if g.efficiency is None:
        raise BadInput(f"generator: no efficiency of {g.name} is held; give the one that was measured.")
    return g.efficiency


def expiry_s(which: Generator, breakthrough: float) -> float | None:
    """Time after elution at which the parent per daughter in the eluate reaches the limit at administration, s; zero if it is beyond it at once; None
    where there is no such limit (one that holds at elution lets an eluate through or not, and sets no hour).

    The ratio grows as exp((L_d - L_p) t); what the parent in the eluate adds to the daughter is left out, for it is a share of the breakthrough.

    0.015 uCi/mCi of 99Mo at elution reaches the 0.15 uCi/mCi that US rules allow at administration after ten-fold growth, 22 h:

    >>> round(expiry_s(generator("Mo-99/Tc-99m"), 1.5e-5) / 3600, 1)
    22.0
    """
    if which.breakthrough_limit is None or which.limit_at != "administration":
        return None
    if breakthrough <= 0:
        return math.inf
    rate = nuclide(which.daughter).decay_constant_per_s - nuclide(which.parent).decay_constant_per_s
    return max(0.0, math.log(which.breakthrough_limit / breakthrough) / rate)


def elute(
    which: Generator, activity_Bq: float, times_s: Sequence[float], *, bare_s: float | None = None, efficiency: float | None = None, u_efficiency: float | None = None,
    breakthrough: float | None = None, keep: Sequence[str] = (),
) -> tuple[Elution, ...]:  # fmt: skip
    """A series of elutions.

    Parameters
    ----------
    which : Generator
    activity_Bq : float
        Of the parent at calibration.
    times_s : sequence of float, shape (n,)
        After calibration; may be negative, for generators are calibrated ahead.
    bare_s : float, optional
        When the column last held none of what is taken; without it, at calibration.
    efficiency, u_efficiency : float, optional
        As measured, in place of the table's.
    breakthrough : float, optional
        Activity of the parent per activity of the daughter in the eluate, as measured at elution.
    keep : sequence of str
        Nuclides that stay on the column although the table has them taken, such as ``"Ra-225"``.

    Raises
    ------
    BadInput
        Times out of order, an elution before the column was bare, an efficiency that is unknown or makes no sense.
    """
    g = replace(which, efficiency=which.efficiency if efficiency is None else efficiency, u_efficiency=which.u_efficiency if efficiency is None else u_efficiency)
    g = replace(g, taken=tuple(n for n in g.taken if n not in keep))
    share = _efficiency(g)
    start = 0.0 if bare_s is None else bare_s
    _check(g, activity_Bq, times_s, start, share, breakthrough, keep, which)
    lp = nuclide(g.parent).decay_constant_per_s
    members = [m.nuclide.name for m in chain(g.parent)]
    before_daughter = members[: members.index(g.daughter)]
    # Bare of what is taken; what else stands between parent and daughter is in equilibrium.
    parent_then = activity_Bq * math.exp(-lp * start)
    column = Inventory({g.parent: parent_then} | {n: _followed(g, n, parent_then) for n in before_daughter if n not in (g.parent, *g.taken)})
    kept_to = {g.parent, *before_daughter, g.daughter}
    done: list[Elution] = []
    last = start
    for i, t in enumerate(times_s, 1):
        column = Inventory({n: a for n, a in column.at(t - last).activity_Bq.items() if n in kept_to})
        there = column.activity_Bq
        parent, daughter = there[g.parent], there.get(g.daughter, 0.0)
        out = {n: share * there.get(n, 0.0) for n in g.taken}
        rest = 1.0 - share if g.remainder_stays else 0.0
        column = Inventory({n: (rest * a if n in g.taken else a) for n, a in there.items()})
        given = out.pop(g.daughter)
        through = None if breakthrough is None else breakthrough * given
        full = _followed(g, g.daughter, parent)
        done.append(Elution(
            t, t - last, parent, daughter, daughter / full if full > 0 else 0.0, given, None if g.u_efficiency is None else given * g.u_efficiency / share, out, through,
            None if breakthrough is None else expiry_s(g, breakthrough), _beyond(g, t, i, breakthrough),
        ))  # fmt: skip
        last = t
    return tuple(done)


def total_Bq(elutions: Sequence[Elution]) -> float:
    """Sum of the daughter of all eluates, each at its elution, Bq."""
    return math.fsum(e.eluted_Bq for e in elutions)


def _followed(g: Generator, name: str, parent_Bq: float) -> float:
    """Activity of a nuclide in equilibrium with the parent: the product of rate / (rate - parent's) over those on the way."""
    lp = nuclide(g.parent).decay_constant_per_s
    members = chain(g.parent)
    names_ = [m.nuclide.name for m in members]
    way = members[1 : names_.index(name) + 1]
    on_way = [m for m in way if m.nuclide.half_life_s < nuclide(g.parent).half_life_s]
    factor = math.prod(m.nuclide.decay_constant_per_s / (m.nuclide.decay_constant_per_s - lp) for m in on_way)
    return parent_Bq * factor * members[names_.index(name)].decays_per_parent


def _beyond(g: Generator, time_s: float, number: int, breakthrough: float | None) -> tuple[str, ...]:
    said = []
    if g.shelf_life_s is not None and time_s > g.shelf_life_s:
        said.append("shelf life")
    if g.max_elutions is not None and number > g.max_elutions:
        said.append("number of elutions")
    if breakthrough is not None and g.breakthrough_limit is not None and breakthrough > g.breakthrough_limit:
        said.append("breakthrough")
    return tuple(said)


def _check(g: Generator, activity_Bq: float, times_s: Sequence[float], start: float, share: float, breakthrough: float | None, keep: Sequence[str], which: Generator) -> None:
    if not (math.isfinite(activity_Bq) and activity_Bq > 0):
        raise BadInput(f"generator: the activity is {activity_Bq!r} Bq; give a positive number.")
    if not 0 < share <= 1:
        raise BadInput(f"generator: the efficiency is {share!r}; give the share of the daughter on the column that is eluted, above 0 and at most 1.")
    if breakthrough is not None and not 0 <= breakthrough < 1:
        raise BadInput(f"generator: the breakthrough is {breakthrough!r}; give the activity of {g.parent} per activity of {g.daughter}, from 0 to below 1.")
    if not times_s or any(b <= a for a, b in zip(times_s, times_s[1:])):
        raise BadInput("generator: the elutions are missing or not in the order of time; give at least one, each later than the one before.")
    if times_s[0] < start:
        raise BadInput(f"generator: the first elution lies {(start - times_s[0]) / 3600:.3g} h before the time from which the daughter grows in; give the time of the elution before it (last_elution).")
    unknown = [n for n in keep if n not in which.taken[:-1]]
    if unknown:
        raise BadInput(f"generator: {unknown[0]} is not something that an elution of {which.name} takes beside {which.daughter}, so it cannot be kept.")


def milking_Bq_per_year(parent_activity_Bq: float, interval_s: float, *, keep_radium: bool = False, recovery: float = 1.0) -> float:
    """225Ac a year from 229Th, Bq, if it is taken every `interval_s`, with 225Ra or with 225Ra left on the column.

    The yield of a separation once the series repeats itself, times separations a year; the decay of 229Th (7340 y) within a year is left out.

    Raises
    ------
    BadInput

    5.55 GBq (150 mCi) taken every 28 d made 800 mCi in 2018 (indico.triumf.ca/event/26/contributions/1574), 87 % of what arises:

    >>> round(milking_Bq_per_year(150 * 3.7e7, 28 * 86400.0) / 3.7e7, -1)
    910.0
    """
    if not (interval_s > 0 and 0 < recovery <= 1 and parent_activity_Bq >= 0):
        raise BadInput(f"milking: interval {interval_s!r} s, recovery {recovery!r}, activity {parent_activity_Bq!r} Bq; give a positive interval, a recovery above 0 and at most 1, and an activity that is not negative.")
    g = generator("Th-229/Ac-225")
    if keep_radium:
        g = replace(g, taken=("Ac-225",))
    return ingrown_Bq(parent_activity_Bq, g, interval_s) * recovery * _YEAR_S / interval_s
