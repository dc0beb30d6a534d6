"""Stopping of protons, deuterons and alphas in targets: atomic stopping cross sections, ranges, energy behind a layer.

What is kept is the stopping per atom, S A / N_A, because a target of other isotopes stops a particle by its
atoms and not by its mass. Bragg's rule adds atoms.

Elements of PSTAR (NIST SRD 124, doi 10.18434/T4NC7P) are taken from it. For the others Bethe's formula with
the mean excitation energy I of ICRU Report 37 is scaled by S_PSTAR / S_Bethe, interpolated in Z: the scale
holds shell, Barkas and Bloch corrections, which Bethe alone leaves out (+1 to +11 %). Leaving out a tabulated
element and finding it again this way errs by 0.5 % at most for Z = 13 to 54 at 3 to 30 MeV, by 4 % for 64 to 82.

Deuterons and alphas by their velocity: S_d(E) = S_p(E m_p/m_d), S_a(E) = 4 S_p(E m_p/m_a), as point charges.
Below 2 MeV per nucleon an alpha carries electrons and S_a is overestimated.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy.interpolate import CubicSpline

from ...core import BadInput, near_matches
from ...data import table

#: Charge, mass over the proton's, name. Masses u: CODATA 2018 (p 1.007276, d 2.013553, alpha 4.001506).
PROJECTILES = {"p": (1, 1.0, "proton"), "d": (1, 2.013553 / 1.007276, "deuteron"), "a": (2, 4.001506 / 1.007276, "alpha")}
LOWEST_MeV, HIGHEST_MeV = 0.5, 100.0  # of the proton of the same velocity
_AVOGADRO = 6.02214076e23
_GRID_MeV = np.unique(np.concatenate([np.geomspace(LOWEST_MeV, 2.0, 100), np.arange(2.0, HIGHEST_MeV + 0.01, 0.02)]))


@functools.cache
def symbols() -> dict[str, int]:
    """Atomic number of every chemical symbol up to uranium."""
    t = table("stopping_elements")
    return {str(s): int(z) for s, z in zip(t["symbol"], t["z"])}


def atomic_weight(symbol: str) -> float:
    """Standard atomic weight of an element, g/mol."""
    return float(table("stopping_elements")["atomic_weight"][_z(symbol) - 1])


def bethe_MeV_cm2_g(energy_MeV: np.ndarray | float, symbol: str) -> np.ndarray:
    """Mass stopping power for protons by Bethe's formula without corrections, MeV cm2/g.

    S = 0.307075 Z/A beta^-2 (ln(2 m_e c^2 beta^2 gamma^2 / I) - beta^2), ICRU Report 49.

    >>> print(f"{bethe_MeV_cm2_g(20.0, 'Cu'):.2f}")  # PSTAR, with the corrections: 16.19
    16.55
    """
    z = _z(symbol)
    I_MeV = float(table("stopping_elements")["mean_excitation_eV"][z - 1]) * 1e-6
    gamma = 1.0 + np.asarray(energy_MeV, float) / 938.27209
    beta2 = 1.0 - gamma**-2
    return np.asarray(0.307075 * z / atomic_weight(symbol) / beta2 * (np.log(2 * 0.51099895 * beta2 * gamma**2 / I_MeV) - beta2))


def proton_stopping_MeV_cm2_g(energy_MeV: np.ndarray | float, symbol: str, *, without: tuple[int, ...] = ()) -> np.ndarray:
    """Mass stopping power of an element of natural composition for protons, MeV cm2/g.

    Parameters
    ----------
    energy_MeV : float or ndarray
        0.5 to 100 MeV.
    symbol : str
        Chemical symbol, H to U.
    without : tuple of int
        Atomic numbers that are treated as if PSTAR did not have them (to test the interpolation).

    Raises
    ------
    BadInput
        An energy outside that range, or no such element.

    >>> print(f"{proton_stopping_MeV_cm2_g(20.0, 'Cu'):.2f}")  # PSTAR
    16.19
    >>> print(f"{proton_stopping_MeV_cm2_g(20.0, 'Cu', without=(29,)):.2f}")  # from its neighbours
    16.20
    """
    E = np.asarray(energy_MeV, float)
    if not np.all((LOWEST_MeV * (1 - 1e-9) <= E) & (HIGHEST_MeV * (1 + 1e-9) >= E)):
        raise BadInput(f"energy: stopping powers are held for protons of {LOWEST_MeV:g} to {HIGHEST_MeV:g} MeV, and other particles of the same velocity.")
    z, held = _z(symbol), np.array([x for x in _tabulated() if x not in without])
    if z in held:
        return np.asarray(np.exp(_spline(z)(np.log(E))))
    low, high = int(held[held < z].max()), int(held[held > z].min())
    scales = [np.exp(_spline(x)(np.log(E))) / bethe_MeV_cm2_g(E, _symbol(x)) for x in (low, high)]
    return np.asarray(bethe_MeV_cm2_g(E, symbol) * (scales[0] + (scales[1] - scales[0]) * (z - low) / (high - low)))


def atomic_stopping_MeV_cm2(energy_MeV: np.ndarray | float, symbol: str, projectile: str = "p") -> np.ndarray:
    """Stopping cross section of one atom for a particle of `energy_MeV` (of the whole particle), MeV cm2.

    Raises
    ------
    BadInput
        As `proton_stopping_MeV_cm2_g`, or no such projectile.
    """
    charge, mass, _ = PROJECTILES[checked_projectile(projectile)]
    return charge**2 * proton_stopping_MeV_cm2_g(np.asarray(energy_MeV, float) / mass, symbol) * (atomic_weight(symbol) / _AVOGADRO)


def stopping_uncertainty(atoms: dict[str, float], projectile: str = "p") -> float:
    """Relative standard uncertainty that is taken for the stopping in a target of these atoms.

    1 % for an element of PSTAR (ICRU Report 49), 1.2 % for one interpolated up to Z = 54, 3 % above; 1 % more for
    Bragg's rule in a compound, 1 % for deuterons and 3 % for alphas (combined in squares).

    >>> stopping_uncertainty({"Mo": 1.0}), round(stopping_uncertainty({"Ra": 1.0}), 3)
    (0.01, 0.03)
    """
    each = [0.01 if symbols()[s] in _tabulated() else 0.012 if symbols()[s] <= 54 else 0.03 for s in atoms]
    parts = [max(each), 0.01 if len(atoms) > 1 else 0.0, {"p": 0.0, "d": 0.01, "a": 0.03}[projectile]]
    return float(np.sqrt(np.sum(np.square(parts))))


@functools.lru_cache(maxsize=64)
def depth_table(atoms: tuple[tuple[str, float], ...], projectile: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies (MeV), stopping of a formula unit (MeV cm2) and range (formula units per cm2), on one fine grid.

    Below the table's least energy the stopping is taken to go with the inverse root of the energy: R = E / (1.5 S) there.
    """
    E = _GRID_MeV * PROJECTILES[projectile][1]
    S = sum((n * atomic_stopping_MeV_cm2(E, s, projectile) for s, n in atoms), np.zeros(len(E)))
    steps = 0.5 * np.diff(E) * (1 / S[1:] + 1 / S[:-1])
    R = np.concatenate([[0.0], np.cumsum(steps)]) + E[0] / (1.5 * S[0])
    for a in (E, S, R):
        a.flags.writeable = False
    return E, S, R


def range_units_per_cm2(energy_MeV: np.ndarray | float, atoms: tuple[tuple[str, float], ...], projectile: str = "p") -> np.ndarray:
    """Range in formula units per cm2; shape of `energy_MeV`."""
    E, _, R = depth_table(atoms, projectile)
    e = np.asarray(energy_MeV, float)
    return np.where(e < E[0], R[0] * np.maximum(e / E[0], 0.0) ** 1.5, np.interp(e, E, R))


def energy_behind_MeV(energy_MeV: float, units_per_cm2: float, atoms: tuple[tuple[str, float], ...], projectile: str = "p") -> float:
    """Energy left behind a layer of so many formula units per cm2, MeV; 0 if the particle stops in it."""
    E, _, R = depth_table(atoms, projectile)
    left = float(range_units_per_cm2(energy_MeV, atoms, projectile)) - units_per_cm2
    if left <= 0:
        return 0.0
    return float(E[0] * (left / R[0]) ** (2 / 3)) if left < R[0] else float(np.interp(left, R, E))


def checked_projectile(projectile: str) -> str:
    """`projectile` if it is p, d or a.

    Raises
    ------
    BadInput
        It is none of them.
    """
    if projectile not in PROJECTILES:
        raise BadInput(f"projectile: got {projectile!r}; give p (proton), d (deuteron) or a (alpha).")
    return projectile


@functools.cache
def _tabulated() -> tuple[int, ...]:
    return tuple(sorted({int(z) for z in table("pstar_protons")["z"]}))


@functools.cache
def _spline(z: int) -> CubicSpline:
    t = table("pstar_protons")
    keep = t["z"] == z
    return CubicSpline(np.log(t["energy_MeV"][keep]), np.log(t["S_total_MeV_cm2_g"][keep]))


def _symbol(z: int) -> str:
    return str(table("stopping_elements")["symbol"][z - 1])


def _z(symbol: str) -> int:
    if symbol not in symbols():
        raise BadInput(f"element: {symbol!r} is no chemical symbol up to U.{near_matches(symbol, symbols())}")
    return symbols()[symbol]
