"""Stopping powers and ranges of electrons and alpha particles (NIST ESTAR and ASTAR).

Values lie on NIST's own energy grids; between them log-log cubic splines. Ranges are in g/cm2, so that
they hold at any density of the material.

Below 1 keV, where both tables end, the range follows a power of the energy and the stopping power is its
inverse slope: electrons R = R(1 keV) (E / 1 keV)**2 (the assumption with which ESTAR starts its own range
integral), alphas R = R(1 keV) E / 1 keV. A 1 keV electron goes 42 nm, an alpha 33 nm: below the scales
lutetia computes on. Above the tables' last energies nothing is extrapolated.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy.interpolate import CubicSpline

from ..core import BadInput, near_matches
from ..data import table

ArrayLike = np.ndarray | float
_LOWEST_MeV = 1e-3


@functools.cache
def electron_materials() -> tuple[str, ...]:
    """Materials with electron stopping powers.

    >>> electron_materials()
    ('adipose', 'air', 'bone_compact', 'bone_cortical', 'lung', 'muscle', 'soft_tissue', 'water')
    """
    return tuple(sorted(set(table("estar_electrons")["material"].tolist())))


def electron_stopping_power(energy_MeV: ArrayLike, material: str = "water") -> tuple[np.ndarray, np.ndarray]:
    """Collision and radiative mass stopping power of electrons, MeV cm2/g.

    Parameters
    ----------
    energy_MeV : float or ndarray
        Kinetic energy, above 0 and up to 10 MeV.
    material : str
        One of `electron_materials`.

    Returns
    -------
    S_col, S_rad : ndarray, shape of `energy_MeV`

    Raises
    ------
    BadInput
        An energy outside the range above, or an unknown material.

    Notes
    -----
    ESTAR, NIST SRD 124, doi 10.18434/T4NC7P (ICRU Report 37; I = 75 eV for water). Below 1 keV
    S_col = S_col(1 keV) * 1 keV / E and S_rad = S_rad(1 keV).

    >>> S_col, S_rad = electron_stopping_power(1.0)
    >>> print(f"{S_col:.3f} {S_rad:.5f}")
    1.849 0.01280
    """
    E = _checked(energy_MeV, 10.0, "electron energy")
    low = np.minimum(E / _LOWEST_MeV, 1.0)
    x = np.log(np.maximum(E, _LOWEST_MeV))
    collision, radiative, _, _ = _electron_splines(material)
    return np.exp(collision(x)) / low, np.exp(radiative(x))


def electron_csda_range_g_cm2(energy_MeV: ArrayLike, material: str = "water") -> np.ndarray:
    """Range of electrons in the continuous-slowing-down approximation, g/cm2.

    R(E) = integral of dE' / (S_col + S_rad) from 0 to E. ESTAR, NIST SRD 124, doi 10.18434/T4NC7P.

    Raises
    ------
    BadInput
        An energy not above 0 or beyond 10 MeV, or an unknown material.

    >>> print(f"{electron_csda_range_g_cm2(1.0):.4f} {electron_csda_range_g_cm2(0.1):.5f}")
    0.4367 0.01431
    """
    E = _checked(energy_MeV, 10.0, "electron energy")
    return np.exp(_electron_splines(material)[2](np.log(np.maximum(E, _LOWEST_MeV)))) * np.minimum(E / _LOWEST_MeV, 1.0) ** 2


def electron_range_energy_MeV(range_g_cm2: ArrayLike, material: str = "water") -> np.ndarray:
    """Energy of the electron whose CSDA range is `range_g_cm2` (inverse of `electron_csda_range_g_cm2`), MeV.

    Raises
    ------
    BadInput
        A range not above 0 or beyond that of a 10 MeV electron, or an unknown material.

    >>> print(f"{electron_range_energy_MeV(0.4367):.3f}")
    1.000
    """
    spline = _electron_splines(material)[2]
    R = _checked(range_g_cm2, float(np.exp(spline(spline.x[-1]))), "electron range", "g/cm2")
    R1 = float(np.exp(spline(spline.x[0])))
    return np.where(R < R1, _LOWEST_MeV * np.sqrt(np.minimum(R / R1, 1.0)), _inverse(spline, np.maximum(R, R1)))


def electron_radiation_yield(energy_MeV: ArrayLike, material: str = "water") -> np.ndarray:
    """Fraction of an electron's energy that leaves as bremsstrahlung while it slows down to rest.

    Y(E) = (1/E) integral of S_rad / (S_col + S_rad) dE'. ESTAR, NIST SRD 124, doi 10.18434/T4NC7P.
    Below 1 keV the yield falls in proportion to the energy.

    Raises
    ------
    BadInput
        An energy not above 0 or beyond 10 MeV, or an unknown material.

    >>> print(f"{electron_radiation_yield(1.0):.5f}")
    0.00358
    """
    E = _checked(energy_MeV, 10.0, "electron energy")
    return np.exp(_electron_splines(material)[3](np.log(np.maximum(E, _LOWEST_MeV)))) * np.minimum(E / _LOWEST_MeV, 1.0)


def alpha_stopping_power(energy_MeV: ArrayLike) -> np.ndarray:
    """Total (electronic and nuclear) stopping power of alpha particles in liquid water, MeV cm2/g.

    ASTAR, NIST SRD 124, doi 10.18434/T4NC7P (ICRU Report 49).

    Raises
    ------
    BadInput
        An energy not above 0 or beyond 20 MeV.

    >>> print(f"{alpha_stopping_power(5.5):.1f}")
    827.5
    """
    E = _checked(energy_MeV, 20.0, "alpha energy")
    return np.exp(_alpha_splines()[0](np.log(np.maximum(E, _LOWEST_MeV))))


def alpha_csda_range_g_cm2(energy_MeV: ArrayLike) -> np.ndarray:
    """Range of alpha particles in liquid water, continuous-slowing-down approximation, g/cm2.

    ASTAR, NIST SRD 124, doi 10.18434/T4NC7P (ICRU Report 49, I = 75 eV). In water of 1 g/cm3, 1e-4 g/cm2 is 1 um.

    Raises
    ------
    BadInput
        An energy not above 0 or beyond 20 MeV.

    >>> print(f"{alpha_csda_range_g_cm2(5.5):.3e}")
    4.344e-03
    """
    E = _checked(energy_MeV, 20.0, "alpha energy")
    return np.exp(_alpha_splines()[1](np.log(np.maximum(E, _LOWEST_MeV)))) * np.minimum(E / _LOWEST_MeV, 1.0)


def alpha_energy_at_range_MeV(range_g_cm2: ArrayLike) -> np.ndarray:
    """Energy of the alpha particle whose CSDA range in water is `range_g_cm2`, MeV; 0 for a range of 0.

    Raises
    ------
    BadInput
        A negative range, or one beyond that of a 20 MeV alpha particle.

    >>> print(f"{alpha_energy_at_range_MeV(4.344e-3):.2f}")
    5.50
    """
    spline = _alpha_splines()[1]
    R = _checked(range_g_cm2, float(np.exp(spline(spline.x[-1]))), "alpha range", "g/cm2", zero=True)
    R1 = float(np.exp(spline(spline.x[0])))
    return np.where(R < R1, _LOWEST_MeV * R / R1, _inverse(spline, np.maximum(R, R1)))


@functools.cache
def _electron_splines(material: str) -> tuple[CubicSpline, CubicSpline, CubicSpline, CubicSpline]:
    """Splines of ln S_col, ln S_rad, ln range and ln yield over ln energy."""
    if material not in electron_materials():
        raise BadInput(
            f"material: got {material!r}; give one of {', '.join(electron_materials())}."
            f"{near_matches(str(material), electron_materials())}"
        )
    rows = table("estar_electrons").where("material", material)
    x = np.log(rows["energy_MeV"])
    columns = ("S_col_MeV_cm2_g", "S_rad_MeV_cm2_g", "csda_range_g_cm2", "radiation_yield")
    return tuple(CubicSpline(x, np.log(rows[c])) for c in columns)  # type: ignore[return-value]


@functools.cache
def _alpha_splines() -> tuple[CubicSpline, CubicSpline]:
    """Splines of ln S and ln range over ln energy."""
    rows = table("astar_alphas")
    x = np.log(rows["energy_MeV"])
    return CubicSpline(x, np.log(rows["S_total_MeV_cm2_g"])), CubicSpline(x, np.log(rows["csda_range_g_cm2"]))


def _inverse(log_range: CubicSpline, R: np.ndarray) -> np.ndarray:
    """Energies of ranges within the table: linear start on the knots, then Newton steps in log-log."""
    y = np.log(R)
    x = np.interp(y, log_range(log_range.x), log_range.x)
    for _ in range(4):
        x = np.clip(x - (log_range(x) - y) / log_range(x, 1), log_range.x[0], log_range.x[-1])
    return np.exp(x)


def _checked(value: ArrayLike, highest: float, what: str, unit: str = "MeV", *, zero: bool = False) -> np.ndarray:
    a = np.asarray(value, dtype=float)
    good = np.isfinite(a) & ((a >= 0) if zero else (a > 0)) & (a <= highest * (1 + 1e-9))
    if not np.all(good):
        raise BadInput(
            f"{what}: got {a[~good].flat[0] if a.ndim else float(a):g} {unit}; "
            f"give values {'from' if zero else 'above'} 0 and up to {highest:g} {unit}."
        )
    return np.minimum(a, highest)
