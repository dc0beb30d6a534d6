"""Cyclotrons by name: which energies and currents they give, and what of it was verified."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core import BadInput, near_matches
from ...data import table
from .stopping import PROJECTILES, checked_projectile


@dataclass(frozen=True, slots=True)
class Machine:
    """A cyclotron for one projectile; `current_max_A` None where it is not known."""

    name: str
    projectile: str
    energy_min_MeV: float
    energy_max_MeV: float
    current_max_A: float | None
    verified: str
    source: str


def machine_names() -> tuple[str, ...]:
    """Cyclotrons of the table.

    >>> machine_names()
    ('Cyclone IKON', 'Cyclone 18/18', 'PETtrace', 'IBA self-extracting')
    """
    return tuple(dict.fromkeys(str(n) for n in table("cyclotrons")["name"]))


def machine(name: str, projectile: str = "p") -> Machine:
    """The cyclotron `name` with a projectile.

    Raises
    ------
    BadInput
        No such machine, or it does not accelerate that.

    >>> m = machine("cyclone ikon")
    >>> m.energy_max_MeV, m.current_max_A
    (30.0, 0.0015)
    """
    t = table("cyclotrons")
    checked_projectile(projectile)
    rows = [i for i, n in enumerate(t["name"]) if str(n).lower() == name.strip().lower()]
    if not rows:
        raise BadInput(f"machine: {name!r} is not held; give one of {', '.join(machine_names())}, or none.{near_matches(name, machine_names())}")
    i = next((i for i in rows if t["projectile"][i] == projectile), None)
    if i is None:
        raise BadInput(f"machine: {t['name'][rows[0]]} is not held with {PROJECTILES[projectile][2]}s; take another machine, or none.")
    most = float(t["current_max_mA"][i])
    return Machine(str(t["name"][i]), projectile, float(t["energy_min_MeV"][i]), float(t["energy_max_MeV"][i]), most * 1e-3 if np.isfinite(most) else None, str(t["verified"][i]), str(t["source"][i]))


def check_machine(m: Machine, energy_MeV: float, current_A: float) -> list[str]:
    """What is to be said of a beam of this machine.

    Raises
    ------
    BadInput
        More energy or current than it has.
    """
    if energy_MeV > m.energy_max_MeV * (1 + 1e-9):
        raise BadInput(f"energy: {energy_MeV:g} MeV is more than the {m.energy_max_MeV:g} MeV of {m.name}; give less, or another machine.")
    if m.current_max_A is not None and current_A > m.current_max_A * (1 + 1e-9):
        raise BadInput(f"current: {current_A * 1e6:g} uA is more than the {m.current_max_A * 1e6:g} uA of {m.name}; give less, or another machine.")
    said = [f"{m.name}: {m.verified}."]
    if energy_MeV < m.energy_min_MeV:
        said.append(f"{m.name} is held from {m.energy_min_MeV:g} MeV: {energy_MeV:g} MeV needs a degrader, whose heat and straggling are not counted.")
    return said
