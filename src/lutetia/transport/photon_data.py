"""Photon interaction coefficients of body materials, and the tables that the Monte Carlo reads.

Elements come from XCOM (NIST SRD 8), mixtures are sums over mass fractions. Bound electrons enter through
the incoherent scattering function S(x, Z) and the form factor F(x, Z) with x = sin(theta/2)/wavelength.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline

from ..core import BadInput
from ..data import table
from .materials import composition

ELECTRON_REST_MEV = 0.51099895
#: Planck constant times speed of light, MeV angstrom.
HC_MEV_ANGSTROM = 0.0123984198
LOWEST_MEV, HIGHEST_MEV = 0.001, 10.0
#: Standard atomic weights of the elements of the tables.
_ATOMIC_WEIGHT = {1: 1.008, 6: 12.011, 7: 14.007, 8: 15.999, 11: 22.990, 12: 24.305, 15: 30.974, 16: 32.06, 17: 35.45, 18: 39.95, 19: 39.098, 20: 40.078, 26: 55.845}


@dataclass(frozen=True, slots=True, eq=False)
class PhotonCoefficients:
    """Mass attenuation coefficients in cm2/g, each of the shape of the energies asked for."""

    coherent: np.ndarray
    incoherent: np.ndarray
    photoelectric: np.ndarray
    pair: np.ndarray

    @property
    def total(self) -> np.ndarray:
        """Their sum: mu/rho with coherent scattering."""
        return self.coherent + self.incoherent + self.photoelectric + self.pair


def photon_coefficients(material: str, energy_MeV: np.ndarray | float) -> PhotonCoefficients:
    """Mass attenuation coefficients of a material, 1 keV to 10 MeV.

    Log-log cubic splines through the native grid of XCOM; photoelectric absorption is split at the K edge,
    pair production is divided by (1 - 2 m c2/E)^3 before it is interpolated, as XCOM does.

    Raises
    ------
    BadInput
        Unknown material, or an energy outside 1 keV to 10 MeV.

    mu/rho of water at 100 keV and 1 MeV (NIST SRD 126, doi 10.18434/T4D01F: 0.1707 and 0.07072 cm2/g):

    >>> photon_coefficients("water", [0.1, 1.0]).total.round(5).tolist()
    [0.17072, 0.07072]
    """
    e = np.asarray(energy_MeV, float)
    if e.size and not (e.min() >= LOWEST_MEV * (1 - 1e-9) and e.max() <= HIGHEST_MEV * (1 + 1e-9)):
        raise BadInput(f"Photon energies run from {LOWEST_MEV} to {HIGHEST_MEV} MeV; got {e.min():g} to {e.max():g} MeV.")
    parts = [np.zeros(e.shape) for _ in range(4)]
    for z, fraction in composition(material).items():
        for part, values in zip(parts, _element(z, e)):
            part += fraction * values
    return PhotonCoefficients(*parts)


def _element(z: int, energy_MeV: np.ndarray) -> tuple[np.ndarray, ...]:
    log_e = np.log(energy_MeV)
    coherent, incoherent, below, above, edge, pair = _splines(z)
    photo = np.exp(np.where(energy_MeV < edge, below(log_e), above(log_e)))
    over = np.maximum(1 - 2 * ELECTRON_REST_MEV / energy_MeV, 0.0)
    produced = over**3 * np.exp(pair(np.maximum(log_e, np.log(1.25))))
    return np.exp(coherent(log_e)), np.exp(incoherent(log_e)), photo, produced


@functools.cache
def _splines(z: int) -> tuple:
    t = table("photon_cross_sections").where("z", z)
    e, photo, pair = t["energy_MeV"], t["photoelectric_cm2_g"], t["pair_cm2_g"]
    log_e = np.log(e)

    def spline(keep: np.ndarray, values: np.ndarray) -> CubicSpline:
        return CubicSpline(log_e[keep], np.log(values[keep]), bc_type="natural")

    everywhere = np.ones(len(e), bool)
    rises = np.flatnonzero(np.diff(photo) > 0)  # the K edge; lighter elements have theirs below 1 keV
    at = int(rises[-1]) + 1 if len(rises) else 0
    above = spline(np.arange(len(e)) >= at, photo)
    below = spline(np.arange(len(e)) < at, photo) if at > 1 else above
    made = pair > 0
    reduced = np.where(made, pair / np.where(made, 1 - 2 * ELECTRON_REST_MEV / e, 1.0) ** 3, 1.0)
    return spline(everywhere, t["coherent_cm2_g"]), spline(everywhere, t["incoherent_cm2_g"]), below, above, float(e[at]) if at else 0.0, spline(made, reduced)


@functools.cache
def _scattering(z: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    t = table("photon_form_factors").where("z", z)
    return np.log(t["x_per_angstrom"][1:]), np.log(t["form_factor"][1:]), np.log(t["incoherent_function"][1:])


def scattering_functions(material: str, x_per_angstrom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F squared and S per gram, summed over the elements (independent atoms), in units of mol/g.

    >>> f2, s = scattering_functions("water", np.array([1e-3, 100.0]))
    >>> s.round(4).tolist()  # from 0 to the electrons per mole of water over its molar mass, 10/18.015
    [0.0, 0.5551]
    """
    x = np.asarray(x_per_angstrom, float)
    log_x = np.log(np.maximum(x, 1e-12))
    f2, s = np.zeros(x.shape), np.zeros(x.shape)
    for z, fraction in composition(material).items():
        grid, log_f, log_s = _scattering(z)
        per_atom = fraction / _ATOMIC_WEIGHT[z]
        f2 += per_atom * np.exp(2 * np.interp(log_x, grid, log_f))
        small = np.minimum(np.exp(log_x - grid[0]), 1.0) ** 2  # S grows as x squared below the grid
        s += per_atom * np.exp(np.interp(log_x, grid, log_s)) * small
    return f2, s


def compton_energy_fraction(material: str, energy_MeV: np.ndarray) -> np.ndarray:
    """Mean fraction of the photon's energy that Compton scattering hands to the electron.

    Klein-Nishina cross section times S(x), integrated over the angle with 96 Gauss-Legendre nodes.

    For free electrons at 1 MeV the Klein-Nishina mean is 0.4400 (Attix 1986, table of T/hv); binding changes it little:

    >>> round(float(compton_energy_fraction("water", np.array([1.0]))[0]), 3)
    0.44
    """
    e = np.asarray(energy_MeV, float)[:, None]
    nodes, weights = np.polynomial.legendre.leggauss(96)
    half = np.pi / 4 * (nodes + 1)  # theta / 2, from 0 to pi/2
    versine = 2 * np.sin(half) ** 2  # 1 - cos theta
    ratio = 1 / (1 + e / ELECTRON_REST_MEV * versine)
    kn = ratio**2 * (ratio + 1 / ratio - versine * (2 - versine)) * np.sin(2 * half)
    _, s = scattering_functions(material, e / HC_MEV_ANGSTROM * np.sin(half))
    return ((1 - ratio) * kn * s) @ weights / ((kn * s) @ weights)


@dataclass(frozen=True, slots=True, eq=False)
class PhotonTables:
    """What the Monte Carlo looks up; m materials, n energies evenly spaced in log, q momentum transfers.

    Attributes
    ----------
    log_first, per_log : float
        ln of the first energy in MeV, and grid steps per unit of ln E.
    mu, transfer : ndarray, shape (n, m)
        Total attenuation and energy transfer to electrons, cm2/g.
    branch : ndarray, shape (n, m, 3)
        Cumulative probability of incoherent, coherent and photoelectric interaction; the rest is pair production.
    x2 : ndarray, shape (q,)
        Squared momentum transfers of `s` and `f2`, evenly spaced in x/(1 + x).
    s, f2 : ndarray, shape (m, q)
        Incoherent scattering function, and the integral of F squared over x squared.
    """

    log_first: float
    per_log: float
    mu: np.ndarray
    transfer: np.ndarray
    branch: np.ndarray
    x2: np.ndarray
    s: np.ndarray
    f2: np.ndarray


@functools.lru_cache(maxsize=16)
def photon_tables(materials: tuple[str, ...], points: int = 1600, momenta: int = 768) -> PhotonTables:
    """The lookup tables of `materials` (about 0.2 s; kept)."""
    e = np.geomspace(LOWEST_MEV, HIGHEST_MEV, points)
    e[-1] = HIGHEST_MEV
    nodes = np.geomspace(e[0], e[-1], 120)
    t = np.linspace(0.0, 0.999, momenta)
    x = t / (1 - t)
    mu, transfer = np.empty((points, len(materials))), np.empty((points, len(materials)))
    branch = np.empty((points, len(materials), 3))
    s, f2 = np.empty((len(materials), momenta)), np.zeros((len(materials), momenta))
    for m, name in enumerate(materials):
        c = photon_coefficients(name, e)
        mu[:, m] = c.total
        compton = np.exp(CubicSpline(np.log(nodes), np.log(compton_energy_fraction(name, nodes)))(np.log(e)))
        transfer[:, m] = c.incoherent * compton + c.photoelectric + c.pair * np.maximum(1 - 2 * ELECTRON_REST_MEV / e, 0.0)
        branch[:, m] = np.cumsum([c.incoherent, c.coherent, c.photoelectric], axis=0).T / c.total[:, None]
        density, s[m] = scattering_functions(name, x)
        f2[m, 1:] = np.cumsum((density[1:] + density[:-1]) / 2 * np.diff(x**2))
    return PhotonTables(float(np.log(e[0])), (points - 1) / float(np.log(e[-1] / e[0])), mu, transfer, branch, x**2, s, f2)
