"""The library of agents, from the table ``agents``: look up, filter by target, and what kinetics an agent has."""

from __future__ import annotations

import functools
import re

import numpy as np

from ..core import BadInput, near_matches
from ..data import table
from .model import Agent

#: Names in common use to the genes they mean.
COMMON_TARGETS: dict[str, tuple[str, ...]] = {
    "PSMA": ("FOLH1",), "SSTR2": ("SSTR2",), "SSTR": ("SSTR2",), "FAP": ("FAP",), "CAIX": ("CA9",), "GRPR": ("GRPR",),
    "integrin avb3": ("ITGAV", "ITGB3"), "integrin αvβ3": ("ITGAV", "ITGB3"), "avb3": ("ITGAV", "ITGB3"), "integrin": ("ITGAV", "ITGB3"), "CD13": ("ANPEP",),
}  # fmt: skip


@functools.cache
def agents() -> tuple[Agent, ...]:
    """Every agent of the library.

    >>> len([a for a in agents() if "FOLH1" in a.targets]) > 10
    True
    """
    t = table("agents")
    text = {c: [str(v) for v in t[c]] for c in t.columns if c != "molar_mass_g_per_mol"}
    return tuple(
        Agent(
            ligand=text["ligand"][i], nuclide=text["nuclide"][i], targets=_list(text["targets"][i]), modality=text["modality"][i] or None,
            role=text["role"][i] or None, binding=text["binding"][i] or None, molar_mass_g_per_mol=None if np.isnan(m) else float(m),
            kinetics=_list(text["kinetics"][i]), kinetics_nuclide=text["kinetics_nuclide"][i] or None, dose_models=_list(text["dose_models"][i]), developer=text["developer"][i] or None,
            stage=text["stage"][i] or None, as_of=text["as_of"][i], aliases=_list(text["aliases"][i]), sources=_list(text["sources"][i]),
            notes=_list(text["notes"][i]),
        )
        for i, m in enumerate(t["molar_mass_g_per_mol"])
    )  # fmt: skip


def _list(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split("|") if part.strip())


def agent(name: str) -> Agent:
    """The agent `name`: its id, its name or an alias, in any spelling that differs by case, brackets and hyphens.

    Raises
    ------
    BadInput
        Unknown, or a ligand without its nuclide; what would fit is named.

    >>> agent("[177Lu]Lu-PSMA-617").id, agent("lutathera").id, agent("Lu-177 PSMA I&T").id
    ('177Lu-PSMA-617', '177Lu-DOTATATE', '177Lu-PSMA-I&T')
    """
    if not isinstance(name, str) or not _key(name):
        raise BadInput(f"agent: got {name!r}; write a name such as '177Lu-PSMA-617'.")
    wanted = _key(name)
    for a in agents():
        if wanted in {_key(a.id), *map(_key, a.aliases)}:
            return a
    ligands = {_key(a.ligand): a.ligand for a in agents()}
    if wanted in ligands:
        raise BadInput(f"agent: {name!r} is a ligand without its nuclide; say which of {', '.join(a.id for a in agents() if _key(a.ligand) == wanted)}.")
    for a in agents():
        if wanted.endswith(_key(a.ligand)) and re.fullmatch(r"\d{1,3}m?[a-z]{1,2}", wanted.removesuffix(_key(a.ligand))):
            raise BadInput(f"agent: {name!r} is not in the library, but its ligand is; in Python, agent({a.id!r}).with_nuclide(...) carries another nuclide.")
    names = [n for a in agents() for n in (a.id, *a.aliases)]
    raise BadInput(f"agent: there is no {name!r} in the library; 'lutetia agents' lists all.{near_matches(name, names)}")


def _key(name: str) -> str:
    """A spelling without case, brackets, hyphens: '[177Lu]Lu-PSMA-617', 'Lu-177 PSMA 617' and '177Lu-PSMA-617' are one."""
    squeezed = "".join(c for c in name.casefold() if c.isalnum())
    if re.match(r"\W*\[", name):
        squeezed = re.sub(r"^(\d+m?)([a-z]{1,2})\2", r"\1\2", squeezed)
    # The element first, set off from the mass number by a hyphen or blank, or followed by it at once.
    first = re.match(r"\s*([A-Za-z]{1,2})[-\s]?(\d{2,3}m?)[-\s]", name)
    return f"{first[2]}{first[1]}".casefold() + squeezed[len(first[1]) + len(first[2]) :] if first else squeezed


def target_symbols(target: str) -> tuple[str, ...]:
    """HGNC symbols of a target in common use: PSMA, SSTR2, FAP, CAIX, GRPR, integrin avb3, CD13, or a symbol itself.

    Raises
    ------
    BadInput
        Unknown; near matches are named.

    >>> target_symbols("psma"), target_symbols("CA9"), target_symbols("integrin αvβ3")
    (('FOLH1',), ('CA9',), ('ITGAV', 'ITGB3'))
    """
    plain = {_key(n): s for n, s in COMMON_TARGETS.items()} | {s.casefold(): (s,) for a in agents() for s in a.targets}
    if not isinstance(target, str) or _key(target) not in plain:
        names = list(dict.fromkeys([*COMMON_TARGETS, *(s for a in agents() for s in a.targets)]))
        raise BadInput(f"target: {target!r} is not one of the library; choose from {', '.join(names)}.{near_matches(str(target), names)}")
    return plain[_key(target)]


def class_prior(a: Agent) -> Agent | None:
    """The agent whose kinetics could stand in for those of `a`, if someone asks for it: same targets, same kind of molecule.

    None if `a` has kinetics of its own, if its target or its kind of molecule is not known, or if no such agent has
    public kinetics. Of several, one with the same nuclide, then one of the same role, comes first. Nothing is taken
    over by itself: ligands of one class differ in affinity, albumin binding and clearance.

    >>> class_prior(agent("177Lu-JH02")).id
    '177Lu-PSMA-617'
    >>> class_prior(agent("177Lu-BRP-010")) is None
    True
    """
    if a.kinetics or not a.targets or a.modality is None:
        return None
    alike = [b for b in agents() if b.kinetics and b.modality == a.modality and set(b.targets) == set(a.targets)]
    return min(alike, key=lambda b: (b.nuclide != a.nuclide, b.role != a.role), default=None)


def kinetics_statement(a: Agent) -> str:
    """One sentence: which public kinetics an agent has, or which class prior there would be, or why there is none.

    >>> kinetics_statement(agent("225Ac-FL-020"))
    'No public kinetics; class prior, if asked for: 225Ac-PSMA-617 (same target and kind of molecule, another ligand).'
    >>> kinetics_statement(agent("225Ac-PSMA-617"))
    'Public kinetics of the ligand, measured with Lu-177: PSMA-617-Siebinga-2023, PSMA-617-Amsterdam.'
    """
    if a.kinetics:
        measured = "" if a.kinetics_nuclide == a.nuclide else f" of the ligand, measured with {a.kinetics_nuclide}"
        return f"Public kinetics{measured}: {', '.join(a.kinetics)}."
    prior = class_prior(a)
    if prior is not None:
        return f"No public kinetics; class prior, if asked for: {prior.id} (same target and kind of molecule, another ligand)."
    if not a.targets:
        return "No public kinetics, and no class prior: its target is not disclosed."
    if a.modality is None:
        return "No public kinetics, and no class prior: its kind of molecule is not known."
    return "No public kinetics, and no class prior: no agent of this target and kind of molecule has any."
