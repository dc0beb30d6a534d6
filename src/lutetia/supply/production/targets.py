"""What is irradiated: atoms of a formula, the isotopes of one of its elements, density."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ...core import BadInput, near_matches
from ...data import table
from .stopping import atomic_weight, symbols

_AVOGADRO = 6.02214076e23


@dataclass(frozen=True, slots=True)
class Target:
    """A material, with the isotopes of the element that reacts.

    Attributes
    ----------
    name : str
        As given: a name of the table ``production_targets`` or a formula.
    atoms : tuple of (str, float)
        Atoms of each element in a formula unit.
    element : str
        The element whose isotopes are stated.
    isotopes : mapping of int to float
        Mass number to atom fraction; sums to 1. 0 stands for a rest of which nothing is said (radium).
    density_g_cm3 : float or None
        Of this isotopic composition; None where none is held.
    """

    name: str
    atoms: tuple[tuple[str, float], ...]
    element: str
    isotopes: Mapping[int, float]
    density_g_cm3: float | None

    @property
    def unit_g(self) -> float:
        """Mass of a formula unit of this isotopic composition, g."""
        others = sum(n * atomic_weight(s) for s, n in self.atoms if s != self.element)
        own = sum(f * isotope_mass_u(self.element, a) for a, f in self.isotopes.items())
        return (others + dict(self.atoms)[self.element] * own) / _AVOGADRO

    def atoms_of(self, mass_number: int | None) -> float:
        """Atoms of an isotope (None: of the element) in a formula unit."""
        return dict(self.atoms)[self.element] * (1.0 if mass_number is None else self.isotopes.get(mass_number, 0.0))


def target(material: str, element: str, mass_number: int | None = None, enrichment: float | None = None) -> Target:
    """A target of `material` in which the isotope `mass_number` of `element` makes up `enrichment` of the element.

    Parameters
    ----------
    material : str
        A name such as ``"yttrium"`` or ``"water"``, or a formula such as ``"Ga2O3"``.
    element : str
        Chemical symbol of the element that reacts.
    mass_number : int, optional
        None: the element as it is in nature.
    enrichment : float, optional
        Atom fraction of that isotope; None: 1. The rest is the other isotopes in their natural proportions.
        For an element without a natural composition (radium) the rest stops the beam and makes nothing.

    Raises
    ------
    BadInput
        No such material or element, an enrichment outside 0 to 1, or one of natural composition; an isotope or abundance that is not held.

    >>> t = target("water", "O", 18, 0.98)
    >>> t.atoms, round(t.density_g_cm3, 3)
    ((('H', 2.0), ('O', 1.0)), 1.109)
    """
    atoms, natural_density = material_of(material)
    if element not in dict(atoms):
        raise BadInput(f"target: {material!r} holds no {element}; give a material that does, such as '{element}'.")
    natural = natural_isotopes(element)
    if mass_number is None:
        if enrichment is not None:
            raise BadInput(f"enrichment: got {enrichment!r} for {element} of natural composition; name the isotope in the reaction, or leave the enrichment out.")
        if not natural:
            raise BadInput(f"target: no natural composition of {element} is held; name an isotope.")
        isotopes = natural
    else:
        share = 1.0 if enrichment is None else enrichment
        if not (np.isfinite(share) and 0 < share <= 1):
            raise BadInput(f"enrichment: got {enrichment!r}; give the atom fraction of {element}-{mass_number}, above 0 and up to 1 (99 % is 0.99).")
        rest = {a: f for a, f in natural.items() if a != mass_number}
        if share < 1 and natural and not rest:
            raise BadInput(f"enrichment: got {share:g}, but {element} has no other natural isotope that the rest could be; leave the enrichment out.")
        rest = rest or {0: 1.0}
        total = sum(rest.values())
        isotopes = {mass_number: share, **({a: (1 - share) * f / total for a, f in rest.items()} if share < 1 else {})}
    found = Target(material, atoms, element, MappingProxyType(dict(isotopes)), None)
    if natural_density is None:
        return found
    # As many formula units in a volume as in the natural material.
    natural_unit = sum(n * atomic_weight(s) for s, n in atoms) / _AVOGADRO
    return Target(material, atoms, element, found.isotopes, natural_density * found.unit_g / natural_unit)


def mixed_target(material: str, element: str, isotopes: Mapping[int, float]) -> Target:
    """A target with an isotopic analysis of its own.

    Raises
    ------
    BadInput
        Fractions that are negative or do not add to 1 (to 0.002); then as `target`.

    >>> round(mixed_target("zinc", "Zn", {68: 0.98, 67: 0.02}).unit_g * 6.02214076e23, 2)
    67.9
    """
    total = sum(isotopes.values())
    if not isotopes or min(isotopes.values()) < 0 or not abs(total - 1) <= 0.002:
        raise BadInput(f"isotopes of {element}: the atom fractions add to {total:g}; give fractions from 0 to 1 that add to 1.")
    plain = target(material, element, next(iter(isotopes)))
    clean = MappingProxyType({int(a): float(f) / total for a, f in isotopes.items()})
    moved = Target(plain.name, plain.atoms, element, clean, plain.density_g_cm3)
    density = None if plain.density_g_cm3 is None else plain.density_g_cm3 * moved.unit_g / plain.unit_g
    return Target(plain.name, plain.atoms, element, clean, density)


def material_of(material: str) -> tuple[tuple[tuple[str, float], ...], float | None]:
    """Atoms of a formula unit and density (g/cm3; None where none is held) of a named material or a formula.

    Raises
    ------
    BadInput
        Neither a name of the table nor a formula.

    >>> material_of("Ga2O3")
    ((('Ga', 2.0), ('O', 3.0)), None)
    """
    t = table("production_targets")
    names = [str(n) for n in t["name"]]
    wanted = material.strip()
    by_name = {n.lower(): i for i, n in enumerate(names)}
    row = by_name.get(wanted.lower(), next((i for i, f in enumerate(t["formula"]) if f == wanted), None))
    if row is not None:
        return _atoms(str(t["formula"][row])), float(t["density_g_cm3"][row])
    if re.fullmatch(r"(?:[A-Z][a-z]?(?:\d+(?:\.\d+)?)?)+", wanted) and all(s in symbols() for s, _ in _parts(wanted)):
        return _atoms(wanted), None
    raise BadInput(f"material: {material!r} is neither one of {', '.join(names)} nor a formula such as 'Ga2O3'.{near_matches(wanted, names)}")


@functools.cache
def natural_isotopes(element: str) -> dict[int, float]:
    """Mass number to natural atom fraction; empty where none is held."""
    t = table("natural_isotopes")
    return {int(str(n).split("-")[1]): float(f) for n, f in zip(t["isotope"], t["atom_fraction"]) if str(n).split("-")[0] == element and np.isfinite(f)}


@functools.cache
def isotope_mass_u(element: str, mass_number: int) -> float:
    """Atomic mass, u; the mass number where none is held (0.1 % off), the atomic weight for 0."""
    if mass_number == 0:
        return atomic_weight(element)
    rows = table("natural_isotopes").where("isotope", f"{element}-{mass_number}")
    return float(rows["mass_u"][0]) if len(rows["mass_u"]) and np.isfinite(rows["mass_u"][0]) else float(mass_number)


def _parts(formula: str) -> list[tuple[str, float]]:
    return [(s, float(n or 1)) for s, n in re.findall(r"([A-Z][a-z]?)(\d+(?:\.\d+)?)?", formula)]


def _atoms(formula: str) -> tuple[tuple[str, float], ...]:
    counted: dict[str, float] = {}
    for s, n in _parts(formula):
        counted[s] = counted.get(s, 0.0) + n
    return tuple(counted.items())
