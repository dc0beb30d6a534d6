"""Radial energy deposition of photons around a point in infinite water.

The first interaction is exact: within r it transfers the fraction (mu_tr/mu)(1 - exp(-mu r)) of the photon's
energy. Scattered and annihilation photons come from the table ``photon_kernels``, computed once by Monte
Carlo (``scripts/make_photon_kernels.py``). Electrons deposit where they arise.
"""

from __future__ import annotations

import functools

import numpy as np
from scipy.interpolate import RectBivariateSpline

from ..data import table
from ..nuclides.model import Lines, Nuclide
from .bremsstrahlung import photon_lines
from .photon_data import LOWEST_MEV, compton_energy_fraction, photon_coefficients
from .radial import RadialKernel

#: Radii of photon kernels: 10 micrometres to 1 m, 40 in a decade.
_RADII_MM = np.concatenate([[0.0], np.geomspace(0.01, 1000.0, 201)])


@functools.cache
def _scattered() -> tuple[RectBivariateSpline, float, float]:
    """Scattered fraction over (1 - exp(-x))^2, which is smooth, as a function of ln E and ln x."""
    t = table("photon_kernels")
    energies, x = np.unique(t["energy_MeV"]), np.unique(t["mean_free_paths"])
    ratio = t["scattered_fraction"].reshape(len(energies), len(x)) / (1 - np.exp(-x)) ** 2
    return RectBivariateSpline(np.log(energies), np.log(x), ratio, kx=2, ky=3, s=0), float(x[0]), float(x[-1])


@functools.cache
def _transfer_nodes() -> tuple[np.ndarray, np.ndarray]:
    log_e = np.linspace(np.log(LOWEST_MEV), np.log(10.0), 200)
    return log_e, compton_energy_fraction("water", np.exp(log_e))


def absorbed_fraction(energy_MeV: np.ndarray, radius_mm: np.ndarray) -> np.ndarray:
    """Fraction of a photon's energy deposited within a radius of its origin in infinite water, 1 g/mL.

    Parameters
    ----------
    energy_MeV : ndarray, shape (n,)
        1 keV to 10 MeV.
    radius_mm : ndarray, shape (m,)

    Returns
    -------
    ndarray, shape (n, m)

    A 140 keV photon: mu_en = 0.0273 /cm (NIST SRD 126, doi 10.18434/T4D01F), so 0.27 % within 1 mm at first interactions, and a
    little more by scattered photons:

    >>> bool(0.0027 < absorbed_fraction(np.array([0.14]), np.array([1.0]))[0, 0] < 0.0029)
    True
    """
    e, r = np.asarray(energy_MeV, float), np.asarray(radius_mm, float) / 10
    c = photon_coefficients("water", e)
    log_e, compton = _transfer_nodes()
    pair = c.pair * np.maximum(1 - 1.0219979 / e, 0.0)
    first = (c.incoherent * np.interp(np.log(e), log_e, compton) + c.photoelectric + pair) / c.total
    x = c.total[:, None] * r
    spline, lowest, highest = _scattered()
    ratio = spline.ev(np.broadcast_to(np.log(e)[:, None], x.shape), np.log(np.clip(x, lowest, highest)))
    growth = 1 - np.exp(-x)
    total = first[:, None] * growth + ratio * growth**2
    return np.clip(total, 0.0, 1.0)


def lines_kernel(lines: Lines) -> RadialKernel:
    """Kernel of photon lines; lines below 1 keV stay at the point.

    Raises
    ------
    BadInput
        A line above 10 MeV.
    """
    flies = lines.energy_MeV >= LOWEST_MEV
    e, n = lines.energy_MeV[flies], lines.per_decay[flies]
    local = float(lines.energy_MeV[~flies] @ lines.per_decay[~flies])
    within = (e * n) @ absorbed_fraction(e, _RADII_MM) if e.size else np.zeros(len(_RADII_MM))
    emitted = float(lines.energy_MeV @ lines.per_decay)
    return RadialKernel(_RADII_MM.copy(), np.maximum.accumulate(local + within), emitted)


def photon_kernel(nuclide: Nuclide, bremsstrahlung: bool = True) -> RadialKernel:
    """Energy that the photons of one decay deposit around it in infinite water.

    Parameters
    ----------
    nuclide : Nuclide
    bremsstrahlung : bool
        Count the photons that its electrons radiate in water, as if emitted at the point of decay.
        ``emitted_MeV`` then contains them, although the electrons' energy contains them too.

    Returns
    -------
    RadialKernel
        10 micrometres to 1 m; what is deposited farther away is ``emitted_MeV - energy_MeV[-1]``.

    >>> from lutetia.nuclides import nuclide
    >>> k = photon_kernel(nuclide("Lu-177"), bremsstrahlung=False)
    >>> round(k.emitted_MeV, 4)  # 35.1 keV: doi 10.1016/j.icrp.2008.10.004
    0.0351
    """
    return lines_kernel(photon_lines(nuclide, bremsstrahlung))
