"""Thick-target yields: what one ampere makes each second while a beam slows down from one energy to another.

With atoms of the reacting isotope n per formula unit, and the stopping S of a formula unit (MeV cm2), a particle
makes n integral of sigma(E) / S(E) dE nuclei. Masses cancel, so an enriched target needs no scaled stopping power.
A beam of current I and charge z brings I / (z e) particles a second (IAEA Technical Reports Series 465, chapter 2).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from ...core import BadInput
from ...data import table
from .reactions import Excitation, Reaction, excitations, leads_to
from .reactions import reaction as read_reaction
from .stopping import PROJECTILES, HIGHEST_MeV, LOWEST_MeV, depth_table
from .targets import Target, target

ELEMENTARY_CHARGE_C = 1.602176634e-19
#: Relative standard uncertainty of cross sections whose source gives none. Two generations of the IAEA's
#: evaluation differ by 9 % in the yield of 68Ge (25 to 15 MeV) and 12 % in that of 124I (12 to 8 MeV).
UNSTATED = 0.15
_MB_cm2 = 1e-27


def usual_target(wanted: Reaction, material: str | None = None, enrichment: float | None = None, given: Sequence[Excitation] = ()) -> Target:
    """The target of a reaction: `material`, or the one that stands beside the cross sections, or the element itself.

    Raises
    ------
    BadInput
        As `target`.
    """
    if material is None:
        rows = table("production_reactions").where("reaction", str(excitations(wanted, given)[0].reaction))
        material = str(rows["target"][0]) if len(rows["target"]) else wanted.element
    return target(material, wanted.element, wanted.mass_number, enrichment)


def rates_per_A(x: Excitation, irradiated: Target, energies_MeV: np.ndarray | float, exit_MeV: float, *, extrapolate: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Nuclei made a second and ampere by one reaction, and their standard uncertainty from the cross section.

    Parameters
    ----------
    x : Excitation
    irradiated : Target
    energies_MeV : float or ndarray
        Entry energies.
    exit_MeV : float
    extrapolate : bool
        Above the last energy of `x` hold its last cross section; otherwise it counts as zero there, as it does below the first.

    Returns
    -------
    rate, u : ndarray, shape of `energies_MeV`
        1/(s A). `u` takes the cross sections of an evaluation as fully correlated over energy.
    """
    E, made, u = _cumulative(x, irradiated.atoms, extrapolate)
    scale = irradiated.atoms_of(x.reaction.mass_number) / (PROJECTILES[x.reaction.projectile][0] * ELEMENTARY_CHARGE_C)
    e = np.asarray(energies_MeV, float)
    return scale * (np.interp(e, E, made) - np.interp(exit_MeV, E, made)), scale * (np.interp(e, E, u) - np.interp(exit_MeV, E, u))


@functools.lru_cache(maxsize=128)
def _cumulative(x: Excitation, atoms: tuple[tuple[str, float], ...], extrapolate: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies, and integrals from the lowest of sigma/S and u(sigma)/S, on the grid of the stopping with the points of the cross section in it."""
    grid, S, _ = depth_table(atoms, x.reaction.projectile)
    points = x.energy_MeV[(x.energy_MeV > grid[0]) & (x.energy_MeV < grid[-1])]
    E = np.union1d(grid, points)
    inverse = _MB_cm2 / np.exp(np.interp(np.log(E), np.log(grid), np.log(S)))
    parts = [np.interp(E, x.energy_MeV, y, left=0.0, right=float(y[-1]) if extrapolate else 0.0) * inverse for y in (x.xs_mb, np.where(np.isnan(x.u_xs_mb), UNSTATED * x.xs_mb, x.u_xs_mb))]
    made, u = (np.concatenate([[0.0], np.cumsum(0.5 * np.diff(E) * (p[1:] + p[:-1]))]) for p in parts)
    return E, made, u


def saturation_yields(
    reaction: str, energies_MeV: np.ndarray | float, exit_MeV: float, *, material: str | None = None, enrichment: float | None = None,
    given: Sequence[Excitation] = (), extrapolate: bool = False,
) -> np.ndarray:  # fmt: skip
    """Activity of the product at saturation per ampere, over entry energies.

    Y = (n / (z e)) integral of sigma / S dE, the way by decaying parents counted in.

    Parameters
    ----------
    reaction : str
        As `lutetia.supply.production.reaction` reads it.
    energies_MeV : float or ndarray
        Entry energies, above `exit_MeV`.
    exit_MeV : float
        Energy behind the target, 0 if the beam stops in it.
    material, enrichment
        As `usual_target`.
    given : sequence of Excitation
        Cross sections of one's own.
    extrapolate : bool
        Allow energies above the data, with the last cross section.

    Returns
    -------
    ndarray, shape of `energies_MeV`
        Bq/A.

    Raises
    ------
    BadInput
        An unknown reaction, target or enrichment; energies outside the data.

    Examples
    --------
    68Zn(p,n)68Ga, 20 MeV to 3.4 MeV, 2.25 h: 13.04 GBq/uA (Szelecsenyi et al. 2012, Radiochim. Acta 100, 5):

    >>> Y = saturation_yields("68Zn(p,n)68Ga", 20.0, 3.4)
    >>> print(f"{Y * 1e-15 * (1 - 2 ** (-2.25 / 1.1285)):.1f} GBq/uA")
    13.2 GBq/uA
    """
    wanted = read_reaction(reaction)
    irradiated = usual_target(wanted, material, enrichment, given)
    ways = product_ways(wanted, excitations(wanted, given), irradiated)
    checked_energies(wanted, ways, energies_MeV, exit_MeV, extrapolate)
    total = np.zeros(np.shape(energies_MeV))
    for x in ways:
        total = total + leads_to(x.reaction.product, wanted.product) * rates_per_A(x, irradiated, energies_MeV, exit_MeV, extrapolate=extrapolate)[0]
    return total


def product_ways(wanted: Reaction, held: Sequence[Excitation], irradiated: Target) -> tuple[Excitation, ...]:
    """Those of `held` that make the product, itself or by a parent that decays to it, on isotopes that the target has."""
    return tuple(x for x in held if leads_to(x.reaction.product, wanted.product) > 0 and irradiated.atoms_of(x.reaction.mass_number) > 0)


def checked_energies(wanted: Reaction, ways: Sequence[Excitation], energies_MeV: np.ndarray | float, exit_MeV: float, extrapolate: bool) -> None:
    """Refuse energies that the data do not cover.

    Raises
    ------
    BadInput
        An energy not above the exit energy, beyond the stopping powers, below all data, or above them without `extrapolate`.
    """
    e = np.atleast_1d(np.asarray(energies_MeV, float))
    mass = PROJECTILES[wanted.projectile][1]
    if not (np.all(np.isfinite(e)) and np.isfinite(exit_MeV) and exit_MeV >= 0):
        raise BadInput(f"energy: got {e.tolist()} and exit {exit_MeV!r} MeV; give finite energies and an exit energy of zero or more.")
    if np.any(e <= exit_MeV):
        raise BadInput(f"energy: the beam enters with {e.min():g} MeV and is to leave with {exit_MeV:g} MeV; give an exit energy below the entry energy.")
    if np.any(e < LOWEST_MeV * mass) or np.any(e > HIGHEST_MeV * mass):
        raise BadInput(f"energy: got {e.max():g} MeV; stopping powers are held from {LOWEST_MeV * mass:g} to {HIGHEST_MeV * mass:g} MeV.")
    own = [x for x in ways if wanted.mass_number in (None, x.reaction.mass_number)]  # not those on isotopes that are left in it
    if not own:
        raise BadInput(f"target: it holds none of the isotope of {wanted}; give a composition with it.")
    first, last = min(x.energy_MeV[0] for x in own), min(x.energy_MeV[-1] for x in own)
    if np.any(e <= first):
        raise BadInput(f"energy: got {e.min():g} MeV, but cross sections of {wanted} begin at {first:g} MeV: nothing is made; give a higher energy.")
    if np.any(e > last * (1 + 1e-9)) and not extrapolate:
        raise BadInput(f"energy: got {e.max():g} MeV, but cross sections of {wanted} end at {last:g} MeV; give a lower energy, data of your own, or --extrapolate, which holds the last value.")
