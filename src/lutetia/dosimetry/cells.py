"""Cellular S-values: mean dose to the nucleus or the whole of a cell per decay in one of its compartments, or in another cell's.

A cell is two concentric balls of water: a nucleus N and the cell C; Cy is the shell between them, CS the surface
of the cell. Every radiation acts through its radial kernel K (energy within r of a point, `transport.radial`), so
that one integral gives every mean dose::

    S = (1/m) * integral of w(r) dK(r),   w(r) = integral of p(s) f(s, r) ds
    f(s, r) = clip((1 + (R^2 - s^2 - r^2) / (2 s r)) / 2, 0, 1)

f is the part of the sphere of radius r about a source point, at distance s from the centre of a target ball of
radius R, that lies inside the ball; p is the distribution of s: ``3 s^2 / a^3`` in a concentric ball of radius a,
``3 s (a^2 - (d - s)^2) / (4 d a^3)`` in a ball at distance d, ``s / (2 a d)`` on its surface. p f is a polynomial
of s between its limits, of degree 4 at most: three Gauss-Legendre points give w(r) exactly. The MIRD
tables reduce the geometry in the same way (method of Goddu, Rao, Howell 1994, J. Nucl. Med. 35:303).

Photons are left out at this scale: their electrons leave the cell. In a ball of 10 um they would add under 1 % for 177Lu,
161Tb, 90Y or 131I, 3 % for 125I, if all their electrons stayed.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..core import BadInput, CouldNot
from ..nuclides import equilibrium_chain, nuclide
from ..transport.alphas import alpha_kernel
from ..transport.cole_electrons import cole_kernel
from ..transport.electron_kernels import electron_kernel
from ..transport.radial import RadialKernel, add
from ..transport.spheres import GY_G_PER_MEV

#: Nucleus, cytoplasm, cell surface, whole cell.
COMPARTMENTS = ("N", "Cy", "CS", "C")
TARGETS = ("N", "C")
#: Pairs of target and source within one cell.
SELF_PAIRS = ("N<-N", "N<-Cy", "N<-CS", "N<-C", "C<-C", "C<-CS")
#: Electrons as in the MIRD tables (straight, Cole's range-energy relation), or by lutetia's Monte Carlo kernels.
ELECTRON_MODELS = ("mird", "kernel")

_ACCURACY = 1e-4
_CELLS, _MOST_CELLS = 24, 3072
_CHUNK = 256
_X, _W = np.polynomial.legendre.leggauss(3)


@dataclass(frozen=True, slots=True)
class CellGeometry:
    """A spherical cell of water (1 g/mL) with a concentric nucleus.

    Raises
    ------
    BadInput
        A radius that is not above zero, or a nucleus larger than the cell. A nucleus as large as the cell leaves no cytoplasm.

    >>> print(f"{CellGeometry(5.0, 4.0).mass_g('N'):.3e} g")
    2.681e-10 g
    """

    cell_radius_um: float
    nucleus_radius_um: float

    def __post_init__(self) -> None:
        for what, value in (("cell", self.cell_radius_um), ("nucleus", self.nucleus_radius_um)):
            if not (math.isfinite(value) and value > 0):
                raise BadInput(f"{what} radius: got {value!r} um; give a length above zero.")
        if self.nucleus_radius_um > self.cell_radius_um:
            raise BadInput(f"nucleus radius: got {self.nucleus_radius_um:g} um in a cell of {self.cell_radius_um:g} um; a nucleus is no larger than its cell.")

    def radius_um(self, target: str) -> float:
        """Radius of the ball N or C."""
        return self.nucleus_radius_um if target == "N" else self.cell_radius_um

    def mass_g(self, target: str) -> float:
        """Mass of the ball N or C."""
        return 4 / 3 * math.pi * (1e-4 * self.radius_um(target)) ** 3

    def balls(self, source: str) -> list[tuple[float, float]]:
        """Balls (radius, share of the decays) that make up a source in a volume; shares add up to one, a hole is negative."""
        cell, nucleus = self.cell_radius_um, self.nucleus_radius_um
        if source == "N":
            return [(nucleus, 1.0)]
        if source == "C":
            return [(cell, 1.0)]
        volume = cell**3 - nucleus**3
        if volume <= 0:
            raise BadInput(f"cytoplasm: nucleus and cell both have a radius of {cell:g} um, so that there is none; give a smaller nucleus or another source.")
        return [(cell, cell**3 / volume), (nucleus, -(nucleus**3) / volume)]


def cell_s_Gy_per_Bq_s(
    name: str, geometry: CellGeometry, *, progeny: bool = False, electrons: str = "mird"
) -> Mapping[str, Mapping[str, float]]:
    """S-values within a cell, by pair and radiation.

    Parameters
    ----------
    name : str
        Nuclide.
    geometry : CellGeometry
    progeny : bool
        Count the chain in equilibrium, decaying where the parent does.
    electrons : str
        One of `ELECTRON_MODELS`.

    Returns
    -------
    mapping of str to mapping of str to float
        For each of `SELF_PAIRS` (without the cytoplasm, where there is none) Gy per Bq s of ``alpha``, ``recoil`` and
        ``electron``, per decay of `name`; a radiation that is not emitted is missing. ``recoil`` is the dose of the
        nuclei that alphas leave behind: it is deposited at the point, reaches a target only from inside it (half of it from
        its surface), and published tables of alphas leave it out; elsewhere in lutetia ``alpha`` is the sum of both.

    Raises
    ------
    BadInput
        An unknown nuclide or model of electrons.

    Examples
    --------
    177Lu in a cell of 5 um with a nucleus of 3 um; MIRDcell gives 1.0198e-3 Gy/(Bq s):

    >>> s = cell_s_Gy_per_Bq_s("Lu-177", CellGeometry(5.0, 3.0))
    >>> print(f"{s['C<-C']['electron']:.3e}")
    1.037e-03
    """
    kernels = cell_kernels(name, progeny=progeny, electrons=electrons)
    there_is_cytoplasm = geometry.nucleus_radius_um < geometry.cell_radius_um
    out: dict[str, Mapping[str, float]] = {}
    for pair in SELF_PAIRS:
        target, source = pair.split("<-")
        if source != "Cy" or there_is_cytoplasm:
            out[pair] = MappingProxyType({r: float(kernel_s_Gy_per_Bq_s(k, geometry, target, source)[0]) for r, k in kernels.items()})
    return MappingProxyType(out)


def cross_s_Gy_per_Bq_s(
    name: str, geometry: CellGeometry, target: str, source: str, distance_um: np.ndarray | float, *, progeny: bool = False, electrons: str = "mird"
) -> Mapping[str, np.ndarray]:
    """S-values from one cell to another of the same size, by radiation.

    Parameters
    ----------
    name : str
        Nuclide.
    geometry : CellGeometry
    target : str
        ``"N"`` or ``"C"``.
    source : str
        One of `COMPARTMENTS`.
    distance_um : float or ndarray
        Between the centres; from two cell radii on.
    progeny, electrons
        As in `cell_s_Gy_per_Bq_s`.

    Returns
    -------
    mapping of str to ndarray, shape of `distance_um`
        Gy per Bq s of ``alpha`` and ``electron`` (recoil nuclei stay in their cell).

    Raises
    ------
    BadInput
        A distance below two cell radii, an unknown nuclide, compartment or model of electrons.

    Examples
    --------
    177Lu, cells of 5 um 20 um apart; MIRDcell gives 1.648e-5 Gy/(Bq s):

    >>> s = cross_s_Gy_per_Bq_s("Lu-177", CellGeometry(5.0, 3.0), "C", "C", 20.0)
    >>> print(f"{s['electron']:.3e}")
    1.684e-05
    """
    d = np.asarray(distance_um, float)
    kernels = cell_kernels(name, progeny=progeny, electrons=electrons)
    return MappingProxyType({r: kernel_s_Gy_per_Bq_s(k, geometry, target, source, d).reshape(d.shape) for r, k in kernels.items() if r != "recoil"})


def cell_kernels(name: str, *, progeny: bool = False, electrons: str = "mird") -> Mapping[str, RadialKernel]:
    """Radial kernels per decay of what acts at the scale of a cell: ``alpha``, ``recoil``, ``electron``.

    Raises
    ------
    BadInput
        An unknown nuclide or model of electrons.

    >>> sorted(cell_kernels("Ac-225"))
    ['alpha', 'electron', 'recoil']
    """
    if electrons not in ELECTRON_MODELS:
        raise BadInput(f"electrons: got {electrons!r}; give one of {', '.join(ELECTRON_MODELS)}.")
    return _kernels(nuclide(name).name, progeny, electrons)


@functools.lru_cache(maxsize=64)
def _kernels(name: str, progeny: bool, electrons: str) -> Mapping[str, RadialKernel]:
    members = [(m.nuclide, m.decays_per_parent) for m in equilibrium_chain(name)] if progeny else [(nuclide(name), 1.0)]
    parts: dict[str, list[RadialKernel]] = {"alpha": [], "recoil": [], "electron": []}
    for member, decays in members:
        e = member.energy_per_decay_MeV
        if e["alpha"] > 0:
            k = alpha_kernel(member)
            parts["alpha"].append(RadialKernel(k.radius_mm.copy(), k.energy_MeV - k.energy_MeV[0], e["alpha"]).scaled(decays))
            parts["recoil"].append(RadialKernel(np.array([0.0, 1e-9]), np.full(2, e["recoil"]), e["recoil"]).scaled(decays))
        if e["beta"] + e["electron"] > 0:
            parts["electron"].append((cole_kernel if electrons == "mird" else electron_kernel)(member).scaled(decays))
    if not any(parts.values()):
        raise CouldNot(f"{name} emits neither alphas nor electrons (spontaneous fission and photons are left out at this scale); it has no cellular S-values.")
    return MappingProxyType({r: add(k) if len(k) > 1 else k[0] for r, k in parts.items() if k})


def kernel_s_Gy_per_Bq_s(
    kernel: RadialKernel, geometry: CellGeometry, target: str, source: str, distance_um: np.ndarray | None = None
) -> np.ndarray:
    """S of one kernel: within a cell, or (with `distance_um`, shape (n,)) from one cell to others.

    The quadrature halves its steps until a further halving changes no value by more than 1e-4 of it.

    Returns
    -------
    ndarray, shape (1,) or (n,)
        Gy per Bq s.

    Raises
    ------
    BadInput
        An unknown target or source, a distance below two cell radii, or no cytoplasm where it is asked for.
    """
    if target not in TARGETS or source not in COMPARTMENTS:
        raise BadInput(f"cell: got the pair {target}<-{source}; targets are {', '.join(TARGETS)}, sources {', '.join(COMPARTMENTS)}.")
    R, per_g = geometry.radius_um(target), GY_G_PER_MEV / geometry.mass_g(target)
    surface = source == "CS"
    balls = [(geometry.cell_radius_um, 1.0)] if surface else geometry.balls(source)
    if distance_um is None:
        shape = _concentric_surface if surface else _concentric_ball
        d = np.zeros(1)
        at_the_point = kernel.energy_MeV[0] * _inside(geometry, target, source)
    else:
        shape = _distant_surface if surface else _distant_ball
        d = check_distances_um(distance_um, geometry)
        at_the_point = 0.0

    def weight(r: np.ndarray, d: np.ndarray) -> np.ndarray:
        return np.sum([share * shape(np.maximum(r, 1e-12), d, a, R) for a, share in balls], axis=0)

    if len(d) == 0:
        return np.empty(0)
    parts = np.array_split(d, max(1, -(-len(d) // _CHUNK)))
    absorbed = np.concatenate([_converged(kernel, weight, [a for a, _ in balls], R, part) for part in parts])
    return (np.maximum(absorbed, 0.0) + at_the_point) * per_g  # a zero may come out as -1e-19


def check_distances_um(distance_um: np.ndarray | float, geometry: CellGeometry) -> np.ndarray:
    """Distances between the centres of two cells, shape (n,); BadInput where they would overlap."""
    d = np.asarray(distance_um, float).ravel()
    least = 2 * geometry.cell_radius_um
    if not np.all(np.isfinite(d)) or np.any(d < least * (1 - 1e-9)):
        raise BadInput(f"distance: cells of {geometry.cell_radius_um:g} um radius would overlap at the distance asked for; give {least:g} um or more between their centres.")
    return d


def _converged(kernel: RadialKernel, weight: Callable[..., np.ndarray], radii: list[float], R: float, d: np.ndarray) -> np.ndarray:
    """Integral of the weight over the kernel for each distance, MeV."""
    cells = _CELLS
    value = _integral(kernel, weight, radii, R, d, cells)
    open_ = np.arange(len(d))
    while len(open_) and cells < _MOST_CELLS:
        cells *= 2
        finer = _integral(kernel, weight, radii, R, d[open_], cells)
        moved = np.abs(finer - value[open_]) > _ACCURACY * np.abs(finer)
        value[open_] = finer
        open_ = open_[moved]
    return value


def _integral(kernel: RadialKernel, weight: Callable[..., np.ndarray], radii: list[float], R: float, d: np.ndarray, cells: int) -> np.ndarray:
    """Each cell of radii carries the energy that the kernel gives it, times the mean of the weight over it (Simpson)."""
    # The weight is smooth between the radii at which the sphere touches the target from the nearest and the farthest points.
    bends = np.stack([d + sign * b for a in radii for sign in (-1, 1) for b in (a + R, a - R)], axis=1)
    last = 1000.0 * kernel.radius_mm[-1]
    bends = np.sort(np.clip(bends, 0.0, last), axis=1)
    steps = np.linspace(0.0, 1.0, cells + 1)[:-1]
    r = (bends[:, :-1, None] + steps * np.diff(bends, axis=1)[..., None]).reshape(len(d), -1)
    r = np.concatenate([r, bends[:, -1:]], axis=1)
    if not d[0] > 0:  # concentric: the kernel's own radii resolve what is near the point
        own = 1000.0 * kernel.radius_mm
        r = np.unique(np.concatenate([r[0], own[own < r[0, -1]]]))[None, :]
    K = kernel.within(r / 1000.0)
    column = d[:, None]
    at_radii = weight(r, column)
    mean = (at_radii[:, :-1] + 4 * weight(0.5 * (r[:, :-1] + r[:, 1:]), column) + at_radii[:, 1:]) / 6
    return np.sum(np.diff(K, axis=1) * mean, axis=1)


def _gauss(low: np.ndarray, high: np.ndarray, integrand: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Integral of a polynomial of degree 5 at most from `low` to `high` (0 where they have crossed)."""
    half = 0.5 * np.maximum(high - low, 0.0)
    middle = low + half
    return half * sum(w * integrand(middle + half * x) for x, w in zip(_X, _W))


def _concentric_ball(r: np.ndarray, d: np.ndarray, a: float, R: float) -> np.ndarray:
    whole = np.clip(R - r, 0.0, a) ** 3 / a**3  # source points so deep that the whole sphere lies in the target
    return whole + _gauss(np.abs(R - r), np.minimum(a, R + r), lambda s: 3 * s * (R * R - (s - r) ** 2) / (4 * r * a**3))


def _concentric_surface(r: np.ndarray, d: np.ndarray, a: float, R: float) -> np.ndarray:
    return np.clip(0.5 * (1 + (R * R - a * a - r * r) / (2 * a * r)), 0.0, 1.0)


def _distant_ball(r: np.ndarray, d: np.ndarray, a: float, R: float) -> np.ndarray:
    low, high = np.maximum(d - a, np.abs(R - r)), np.minimum(d + a, R + r)
    return _gauss(low, high, lambda s: 3 * (a * a - (d - s) ** 2) * (R * R - (s - r) ** 2) / (16 * d * r * a**3))


def _distant_surface(r: np.ndarray, d: np.ndarray, a: float, R: float) -> np.ndarray:
    low, high = np.maximum(d - a, np.abs(R - r)), np.minimum(d + a, R + r)
    return _gauss(low, high, lambda s: (R * R - (s - r) ** 2) / (8 * a * d * r))


def _inside(geometry: CellGeometry, target: str, source: str) -> float:
    """Share of the source that lies in the target of the same cell; from the target's own surface one half goes in."""
    part = geometry.nucleus_radius_um / geometry.cell_radius_um if target == "N" else 1.0
    return {"N": 1.0, "Cy": 1.0 if target == "C" else 0.0, "CS": 0.5 if part == 1 else 0.0, "C": part**3}[source]
