"""Hits and specific energy: what single alpha particles do to a cell nucleus, and how nuclei of one mean dose differ.

A hit is an alpha particle (with the recoil nucleus it leaves) that deposits energy in the target. The specific
energy z of one hit has the distribution f1(z); the number of hits of a nucleus is Poisson, so that for a mean dose D
the specific energies of nuclei follow a compound Poisson distribution. Its standard relations, checked against random
sampling in the tests::

    n = D / z_F,  z_F = mean of f1,  z_D = mean of z^2 / mean of z,  share not hit = exp(-n),
    characteristic function of z = exp(n (phi1 - 1)),  mean = D,  variance = D z_D

Left out, as everywhere with alphas: delta rays and straggling. They widen f1 of targets of some micrometres by a
few per cent; means do not change.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np

from ..core import BadInput, CouldNot
from ..nuclides import equilibrium_chain, nuclide
from ..transport.alpha_tracks import alpha_tracks
from ..transport.alphas import alpha_range_um
from ..transport.spheres import GY_G_PER_MEV
from .cells import COMPARTMENTS, TARGETS, CellGeometry, check_distances_um

_BINS, _DECADES = 300, 5
_STEPS_PER_HIT, _MOST_STEPS = 100, 2**20
_MOST_HITS = 1e5
_X, _W = np.polynomial.legendre.leggauss(128)
_U, _DU = 0.5 * (_X + 1), 0.5 * _W


@dataclass(frozen=True, slots=True, eq=False)
class SingleEvents:
    """Specific energy of single hits.

    Attributes
    ----------
    edges_Gy : ndarray, shape (m + 1,)
        Logarithmic bins; what lies below the first edge is in the first bin.
    probability : ndarray, shape (m,)
        Share of the hits in each bin; sums to one. Divided by the widths of the bins it is f1(z).
    frequency_mean_Gy, dose_mean_Gy : float
        z_F and z_D.
    hits_per_decay, hits_per_alpha : float
        Mean number of hits per decay of the nuclide named, and per alpha particle emitted.
    tracks : int
        Alpha particles traced.
    """

    edges_Gy: np.ndarray
    probability: np.ndarray
    frequency_mean_Gy: float
    dose_mean_Gy: float
    hits_per_decay: float
    hits_per_alpha: float
    tracks: int


@dataclass(frozen=True, slots=True, eq=False)
class MultiEvents:
    """Specific energies of nuclei of one mean dose.

    Attributes
    ----------
    z_Gy : ndarray, shape (n,)
        Even steps from 0.
    probability : ndarray, shape (n,)
        Share of the nuclei that are hit at least once and have this specific energy; sums to ``1 - fraction_not_hit``.
    fraction_not_hit, mean_hits : float
    """

    z_Gy: np.ndarray
    probability: np.ndarray
    fraction_not_hit: float
    mean_hits: float


@functools.lru_cache(maxsize=64)
def alpha_lines(name: str, *, progeny: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Energies (MeV), numbers per decay of `name` and recoil energies (MeV, mean of each nuclide) of all alphas, shapes (n,).

    Raises
    ------
    BadInput
        An unknown nuclide, or one without alphas.

    >>> E, number, recoil = alpha_lines("Po-213")
    >>> print(f"{number.sum():.3f} alphas of {E @ number / number.sum():.3f} MeV, recoil {recoil[0]:.3f} MeV")
    1.000 alphas of 8.377 MeV, recoil 0.160 MeV
    """
    members = [(m.nuclide, m.decays_per_parent) for m in equilibrium_chain(name)] if progeny else [(nuclide(name), 1.0)]
    energy, number, recoil = [], [], []
    for member, decays in members:
        lines = member.lines["alpha"]
        if len(lines.energy_MeV):
            energy.append(lines.energy_MeV)
            number.append(decays * lines.per_decay)
            recoil.append(np.full(len(lines.energy_MeV), member.energy_per_decay_MeV["recoil"] / lines.per_decay.sum()))
    if not energy:
        chain = equilibrium_chain(name)
        hint = "" if progeny or not any(len(m.nuclide.lines["alpha"].energy_MeV) for m in chain) else " Its progeny does: count it with progeny (--progeny)."
        whole = " and its chain in equilibrium emit" if progeny else " emits"
        raise BadInput(f"{members[0][0].name}{whole} no alpha particles; alphas were asked for: give an alpha emitter such as Ac-225 or At-211.{hint}")
    out = tuple(np.concatenate(x) for x in (energy, number, recoil))
    for a in out:
        a.flags.writeable = False
    return out  # type: ignore[return-value]


def hit_probability(name: str, geometry: CellGeometry, target: str, source: str, *, distance_um: float | None = None, progeny: bool = False) -> float:
    """Probability that an alpha particle emitted in `source` crosses `target`, per alpha particle (not per decay).

    A point at distance s from the centre of a ball of radius R sees it under ``(1 - sqrt(1 - R^2/s^2)) / 2`` of all
    directions; those reach it whose path to the ball is no longer than the range. Averaged over the source and the lines.

    Parameters
    ----------
    name : str
        Nuclide.
    geometry : CellGeometry
    target, source : str
        One of N, C; one of N, Cy, CS, C.
    distance_um : float, optional
        Between the centres of the emitting and of the target cell; without it the source is in the target's own cell.
    progeny : bool
        Count the alphas of the chain in equilibrium.

    Raises
    ------
    BadInput
        A nuclide without alphas, an unknown compartment, a distance below two cell radii.

    Examples
    --------
    From the surface of a cell of 10 um to its nucleus of 5 um, (1 - cos 30 deg) / 2:

    >>> print(f"{hit_probability('Ac-225', CellGeometry(10, 5), 'N', 'CS'):.3f}")
    0.067
    """
    _check(target, source)
    E, number, _ = alpha_lines(name, progeny=progeny)
    L, R = alpha_range_um(E)[:, None], geometry.radius_um(target)
    surface = source == "CS"
    total = np.zeros(len(E))
    if distance_um is None:
        for a, share in [(geometry.cell_radius_um, 1.0)] if surface else geometry.balls(source):
            if surface:
                total += share * _seen(np.array([[a]]), L, R)[:, 0]
            else:  # the points outside the target, close together where the view changes like a root
                s, ds = R + max(a - R, 0.0) * _U**2, 2 * max(a - R, 0.0) * _U * _DU
                total += share * (min(R / a, 1.0) ** 3 + _seen(s[None, :], L, R) @ (3 * s**2 / a**3 * ds))
    else:
        d = float(check_distances_um(distance_um, geometry)[0])
        for a, share in [(geometry.cell_radius_um, 1.0)] if surface else geometry.balls(source):
            s, ds = d - a + 2 * a * _U, 2 * a * _DU
            p = s / (2 * a * d) if surface else 3 * s * (a * a - (d - s) ** 2) / (4 * d * a**3)
            total += share * (_seen(s[None, :], L, R) @ (p * ds))
    return min(max(float(total @ number / number.sum()), 0.0), 1.0)


def _seen(s: np.ndarray, reach: np.ndarray, radius: float) -> np.ndarray:
    """Share of directions from distance s (the radius or more) in which a track of length `reach` comes to the ball."""
    tangent = np.sqrt(np.maximum(s * s - radius * radius, 0.0))
    cosine = np.where(reach >= tangent, tangent / s, np.minimum((s * s + reach * reach - radius * radius) / (2 * s * reach), 1.0))
    return np.where(reach > s - radius, 0.5 * (1 - cosine), 0.0)


def single_event_spectrum(
    name: str,
    geometry: CellGeometry,
    target: str,
    source: str,
    *,
    distance_um: float | None = None,
    progeny: bool = False,
    recoil: bool = True,
    tracks: int = 1_000_000,
    seed: int = 1,
) -> SingleEvents:
    """Specific energy of single hits of `target` by decays in `source`, by tracing alpha particles.

    Parameters
    ----------
    name, geometry, target, source, distance_um, progeny
        As in `hit_probability`.
    recoil : bool
        Add the recoil nucleus to the hit of the alpha that it belongs to, where it lies in the target. With it
        ``z_F * hits_per_decay`` is the S-value of alphas and recoil nuclei, without it that of alphas alone. Recoils from the target's own surface are not counted.
    tracks, seed : int

    Raises
    ------
    BadInput
        As `hit_probability`; or no track hits the target.

    Examples
    --------
    Mean and dose-mean of single hits of a nucleus of 4 um from the surface of its cell of 5 um; one in five alphas hits:

    >>> e = single_event_spectrum("Po-213", CellGeometry(5, 4), "N", "CS", tracks=200_000)
    >>> print(f"z_F {e.frequency_mean_Gy:.2f} Gy, z_D {e.dose_mean_Gy:.2f} Gy, {e.hits_per_alpha:.2f} hits per alpha")
    z_F 0.19 Gy, z_D 0.22 Gy, 0.20 hits per alpha
    """
    _check(target, source)
    E, number, recoils = alpha_lines(name, progeny=progeny)
    cell, nucleus = geometry.cell_radius_um, geometry.nucleus_radius_um
    geometry.balls(source if source != "CS" else "C")  # refuses a cytoplasm that is not there
    shell = {"N": (0.0, nucleus), "Cy": (nucleus, cell), "CS": (cell, cell), "C": (0.0, cell)}[source]
    d = 0.0 if distance_um is None else float(check_distances_um(distance_um, geometry)[0])
    t = alpha_tracks(E, number, (nucleus, cell), shell, distance_um=d, recoil_MeV=recoils if recoil else 0.0, tracks=tracks, seed=seed)
    z = (t.inner_MeV if target == "N" else t.outer_MeV) * (GY_G_PER_MEV / geometry.mass_g(target))
    z = z[z > 0]
    if len(z) == 0:
        raise CouldNot(f"hits: none of {tracks} alpha particles of {name} reaches {target} from {source}; there is no spectrum of what they leave.")
    last = float(z.max()) * (1 + 1e-9)
    edges = np.geomspace(last * 10.0**-_DECADES, last, _BINS + 1)
    counts = np.histogram(np.maximum(z, edges[0]), edges)[0]
    per_alpha = len(z) / tracks
    mean = float(z.mean())
    return SingleEvents(edges, counts / len(z), mean, float(np.mean(z * z)) / mean, per_alpha * float(number.sum()), per_alpha, tracks)


def multi_event_spectrum(single: SingleEvents, mean_dose_Gy: float) -> MultiEvents:
    """Specific energies of nuclei whose mean dose is `mean_dose_Gy`: the compound Poisson distribution of `single`.

    The characteristic function of f1 on an even grid by FFT, ``exp(n (phi1 - 1)) - exp(-n)`` transformed back: the part
    of the nuclei that are hit. The step of the grid is chosen so that the mean is the dose given.

    Raises
    ------
    BadInput
        A dose that is not above zero, or one of more than 100 000 hits, where nuclei differ by the normal
        distribution of variance D z_D and no spectrum is needed.

    >>> e = single_event_spectrum("Po-213", CellGeometry(5, 4), "N", "CS", tracks=100_000)
    >>> m = multi_event_spectrum(e, 1.0)
    >>> print(f"{m.probability @ m.z_Gy:.6f} Gy, {m.probability.sum() + m.fraction_not_hit:.6f}")
    1.000000 Gy, 1.000000
    """
    if not (math.isfinite(mean_dose_Gy) and mean_dose_Gy > 0):
        raise BadInput(f"mean dose: got {mean_dose_Gy!r} Gy; give a dose above zero.")
    hits = mean_dose_Gy / single.frequency_mean_Gy
    if hits > _MOST_HITS:
        raise BadInput(f"mean dose: {mean_dose_Gy:g} Gy is {hits:.0f} hits a nucleus; give a dose of at most {_MOST_HITS:.0f} hits (beyond, the spread is normal, of variance D z_D).")
    largest = float(single.edges_Gy[-1])
    reach = mean_dose_Gy + 10 * math.sqrt(mean_dose_Gy * single.dose_mean_Gy) + 8 * largest  # beyond lies less than 1e-8
    step = min(single.frequency_mean_Gy, largest) / _STEPS_PER_HIT
    size = 2 ** math.ceil(math.log2(reach / step))
    if size > _MOST_STEPS:
        size = _MOST_STEPS
        step = reach / size
    grid = (np.arange(min(size, math.ceil(largest / step) + 2)) + 0.5) * step
    below = np.interp(grid, single.edges_Gy, np.concatenate([[0.0], np.cumsum(single.probability)]))
    one = np.diff(below, prepend=0.0)
    one /= one.sum()
    step = single.frequency_mean_Gy / float(one @ np.arange(len(one)))
    phi = np.fft.rfft(one, size)
    p = np.fft.irfft(np.exp(hits * (phi - 1)) - math.exp(-hits), size)
    return MultiEvents(step * np.arange(size), np.maximum(p, 0.0), math.exp(-hits), hits)


def _check(target: str, source: str) -> None:
    if target not in TARGETS or source not in COMPARTMENTS:
        raise BadInput(f"cell: got the pair {target}<-{source}; targets are {', '.join(TARGETS)}, sources {', '.join(COMPARTMENTS)}.")
