"""The smallest set of patients who must be served and cannot be, together."""

from __future__ import annotations

from dataclasses import replace

from .candidates import Candidates, candidates
from .master import master
from .program import Program, solve_program

_LIMIT_S = 20.0


def smallest_conflict(c: Candidates) -> list[str]:
    """Ids of the fewest patients whose demands cannot stand together (implicit hitting sets).

    A set that can be served together is grown until nothing more fits; at least one patient outside it must then be in
    every conflict. The smallest set that meets all such outsides, and cannot be served, is a smallest conflict
    (Ignatiev et al. 2015, doi 10.1007/978-3-319-23219-5_13).
    """
    musts = [p.id for p in c.scenario.patients if p.must]
    outsides: list[frozenset[str]] = []
    while True:
        tried = _hitting(musts, outsides)
        grown = _most_with(c, tried)
        if grown is None:
            return sorted(tried)
        outside = frozenset(musts) - grown
        if not outside:
            return []
        outsides.append(outside)


def _hitting(names: list[str], sets: list[frozenset[str]]) -> frozenset[str]:
    """A smallest set that has a member in each of `sets`."""
    if not sets:
        return frozenset()
    p = Program()
    place = {n: p.column() for n in names}
    for s in sets:
        p.row([(place[n], 1.0) for n in s], low=1.0)
    values = solve_program(p, dict.fromkeys(place.values(), 1.0), time_limit_s=_LIMIT_S).values
    assert values is not None
    return frozenset(n for n in names if values[place[n]] > 0.5)


def _most_with(c: Candidates, tried: frozenset[str]) -> frozenset[str] | None:
    """A largest set of patients that must be served that holds all of `tried` and can be served; None if `tried` cannot."""
    s = c.scenario
    eased = replace(s, patients=tuple(replace(p, must=p.id in tried, priority=1.0) for p in s.patients if p.must))
    inner = candidates(eased)
    m = master(inner)
    found = solve_program(m.program, m.serve, time_limit_s=_LIMIT_S)
    if found.infeasible or found.values is None:
        return None
    from .settle import chosen

    return frozenset(x.patient for x in chosen(m, found.values))
