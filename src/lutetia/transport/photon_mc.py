"""Monte Carlo of photons in a voxel medium: expected energy deposited in every voxel, with its standard error.

Physics: XCOM cross sections on the materials of the CT, Compton scattering with bound electrons, Rayleigh
scattering, photoelectric absorption, pair production with annihilation at rest. Electrons deposit where
they arise (their range is below a voxel at the energies of radionuclides; bremsstrahlung of secondary
electrons, 0.1 % of the energy at 0.5 MeV, is deposited there too), fluorescence photons likewise.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numba
import numpy as np

from ..core import BadInput, stream_seed
from ..nuclides.model import Lines
from .materials import AIR_DENSITY_G_ML, Medium
from .photon_data import HIGHEST_MEV, photon_coefficients, photon_tables
from .photon_physics import compton_quantiles
from .photon_tracks import run_batch

_TALLY_BYTES = 1.0e9  # most memory that the tallies of concurrent batches may take together
#: Optical thickness of a voxel (materials at 1 g/mL) from which interactions score with less noise than tracks.
_THICK = 0.5
_LEAST_SHARE = 0.05  # penetrating lines are drawn as if a voxel absorbed this much of them


@dataclass(frozen=True, slots=True, eq=False)
class PhotonResult:
    """Energy deposited by the photons of a source.

    Attributes
    ----------
    energy_MeV, u_energy_MeV : ndarray, shape (k, j, i)
        Expected energy in each voxel for the whole source, and its standard error from the batches.
    emitted_MeV, escaped_MeV : float
        Energy of all photons of the source, and what left the medium (estimated).
    histories : int
        Photons followed.
    region_energy_MeV, u_region_energy_MeV : ndarray, shape (n,)
        Sums over the voxels of each label, with standard errors that know how voxels vary together;
        empty if no labels were given.
    imbalance : float or None
        Largest |emitted - deposited - escaped| / emitted of a single history; only of the analog estimator.
    """

    energy_MeV: np.ndarray
    u_energy_MeV: np.ndarray
    emitted_MeV: float
    escaped_MeV: float
    histories: int
    region_energy_MeV: np.ndarray
    u_region_energy_MeV: np.ndarray
    imbalance: float | None


def simulate_photons(
    source: np.ndarray,
    medium: Medium,
    spacing_mm: Sequence[float],
    lines: Lines,
    *,
    histories: int,
    seed: int,
    batches: int = 10,
    estimator: str = "track-length",
    labels: np.ndarray | None = None,
    cut_MeV: float = 0.005,
    progress: Callable[[float], None] | None = None,
) -> PhotonResult:
    """Energy that the photons of `source` deposit in `medium`.

    Parameters
    ----------
    source : ndarray, shape (k, j, i)
        Decays in each voxel (any non-negative weights); uniform within a voxel.
    medium : Medium
        Same shape.
    spacing_mm : (float, float, float)
        Size of a voxel along k, j, i.
    lines : Lines
        Photon energies (up to 10 MeV) and yields per decay. Lines below `cut_MeV` stay in their voxel.
    histories : int
        Photons to follow, shared equally among batches (rounded up).
    seed : int
        The result depends on seed, histories and batches, not on the number of threads.
    batches : int
        Independent repetitions from which the standard error comes.
    estimator : str
        ``"track-length"`` scores the expected energy transfer along each step: much less noise in
        remote tissue; emitted = deposited + escaped holds within statistics. ``"analog"`` scores each
        interaction: that balance holds for every history.
    labels : ndarray of int, shape (k, j, i), optional
        Regions (0 = none, 1 ... n) whose sums are wanted with their own standard errors.
    cut_MeV : float
        A photon below it deposits its energy where it is.
    progress : callable, optional
        Called with the finished fraction.

    Raises
    ------
    BadInput
        Shapes that differ; a source that is negative, not finite or empty; energies above 10 MeV;
        fewer than two batches or fewer histories than batches; an unknown estimator.
    """
    source = np.asarray(source, float)
    _check(source, medium, spacing_mm, lines, histories, batches, estimator, labels, cut_MeV)
    decays = float(source.sum())
    emitted = decays * float(lines.energy_MeV @ lines.per_decay)
    flies = lines.energy_MeV >= cut_MeV
    flying = Lines(lines.energy_MeV[flies], lines.per_decay[flies])
    energy = source * float(lines.energy_MeV[~flies] @ lines.per_decay[~flies])
    u_energy = np.zeros(source.shape)
    count = 0 if labels is None else int(labels.max(initial=0))
    kept = np.zeros(count) if labels is None else np.bincount(labels.ravel(), energy.ravel(), minlength=count + 1)[1:]
    n = -(-histories // batches)
    if not flies.any():
        return PhotonResult(energy, u_energy, emitted, 0.0, 0, kept, np.zeros(count), 0.0 if estimator == "analog" else None)

    box = _box(source, medium)
    inner = np.array(source[box], order="C")  # copies: the compiled loop is made for writable arrays only
    analog = estimator == "analog"
    voxel_cm = float(np.prod(spacing_mm)) ** (1 / 3) / 10
    run = functools.partial(
        run_batch, source=inner.ravel(), histories=n,
        density=np.array(medium.density_g_mL[box], np.float32, order="C").ravel(),
        material=np.array(medium.material[box], np.uint8, order="C").ravel(),
        spacing=(inner.shape, tuple(float(d) / 10 for d in spacing_mm)),
        **_spectrum(flying, decays, n, 0.0 if analog else voxel_cm),
        tables=_tables(medium.names, voxel_cm), analog=analog, cut=float(cut_MeV),
    )  # fmt: skip
    tagged = None if labels is None else labels[box].ravel()
    total, squares = np.zeros(inner.size), np.zeros(inner.size)
    regions = np.zeros((batches, count))
    escaped = worst = 0.0
    for b, (tally, left, imbalance) in enumerate(_in_batches(run, inner.size, seed, batches)):
        total += tally
        squares += tally * tally
        escaped += left / batches
        worst = max(worst, imbalance)
        if tagged is not None:
            regions[b] = np.bincount(tagged, tally, minlength=count + 1)[1:]
        if progress is not None:
            progress((b + 1) / batches)
    energy[box] += (total / batches).reshape(inner.shape)
    u_energy[box] = _standard_error(total, squares, batches).reshape(inner.shape)
    return PhotonResult(
        energy, u_energy, emitted, escaped, n * batches, regions.mean(axis=0) + kept,
        regions.std(axis=0, ddof=1) / np.sqrt(batches), worst if estimator == "analog" else None,
    )


def _spectrum(lines: Lines, decays: float, histories: int, voxel_cm: float) -> dict[str, np.ndarray]:
    """Lines drawn by energy, and the more often the more a voxel absorbs of them; weighted back.

    What is absorbed on the spot makes the noise of a voxel, and such photons are followed quickly. With
    `voxel_cm` = 0 every history of a batch carries the same energy.
    """
    share = 1 - np.exp(-photon_coefficients("water", lines.energy_MeV).total * voxel_cm)
    chance = lines.energy_MeV * lines.per_decay * np.maximum(share, _LEAST_SHARE)
    chance /= chance.sum()
    return {"lines": np.array(lines.energy_MeV), "weights": decays * lines.per_decay / chance / histories, "cdf": np.cumsum(chance)[:-1]}


def _tables(materials: tuple[str, ...], voxel_cm: float) -> tuple:
    """What `run_batch` looks up; the coefficients of an energy and material lie side by side."""
    t = photon_tables(materials)
    table = np.concatenate([t.mu[..., None], t.transfer[..., None], t.branch], axis=2)
    thick = np.flatnonzero(t.mu.mean(axis=1) * voxel_cm >= _THICK)
    first_track = int(thick[-1]) + 1 if thick.size else 0
    return t.log_first, t.per_log, first_track, table, compton_quantiles(materials), t.x2, t.f2


def _in_batches(run: Callable[..., tuple[float, float]], size: int, seed: int, batches: int) -> Iterator[tuple[np.ndarray, float, float]]:
    """Tally, escaped energy and imbalance of each batch, in the order of the batches whatever the threads."""
    keys = [np.uint64(stream_seed(seed, "photons", str(b))) for b in range(batches)]
    at_once = max(1, min(batches, numba.get_num_threads(), int(_TALLY_BYTES / (8 * size))))
    tallies = [np.zeros(size) for _ in range(at_once)]
    with ThreadPoolExecutor(at_once) as pool:  # the compiled batch releases the interpreter
        jobs = [pool.submit(run, tally, batch_key=key) for tally, key in zip(tallies, keys)]
        for b in range(batches):
            tally = tallies[b % at_once]
            yield tally, *jobs[b].result()
            if b + at_once < batches:  # the tally has been read; its next batch starts while others run on
                tally[:] = 0
                jobs.append(pool.submit(run, tally, batch_key=keys[b + at_once]))


def _standard_error(total: np.ndarray, squares: np.ndarray, batches: int) -> np.ndarray:
    return np.sqrt(np.maximum(squares - total * total / batches, 0.0) / (batches * (batches - 1)))


def _check(source: np.ndarray, medium: Medium, spacing_mm: Sequence[float], lines: Lines, histories: int, batches: int, estimator: str, labels: np.ndarray | None, cut_MeV: float) -> None:
    if source.ndim != 3 or source.shape != medium.density_g_mL.shape:
        raise BadInput(f"The source has shape {source.shape} and the medium {medium.density_g_mL.shape}; resample one to the other.")
    if labels is not None and labels.shape != source.shape:
        raise BadInput(f"The labels have shape {labels.shape} and the source {source.shape}; resample one to the other.")
    if labels is not None and (labels.dtype.kind not in "iub" or labels.min(initial=0) < 0):
        raise BadInput("Labels must be whole numbers: 0 for no region, 1 and up for the regions.")
    if not np.isfinite(source).all() or source.min() < 0 or source.max() <= 0:
        raise BadInput("The source must be finite, nowhere negative and somewhere above zero.")
    if len(spacing_mm) != 3 or not all(np.isfinite(d) and d > 0 for d in spacing_mm):
        raise BadInput(f"The voxel size must be three lengths above zero in mm (k, j, i); got {tuple(spacing_mm)}.")
    if lines.energy_MeV.size and lines.energy_MeV.max() > HIGHEST_MEV:
        raise BadInput(f"Photon lines go up to {HIGHEST_MEV:g} MeV; got {lines.energy_MeV.max():g} MeV.")
    if batches < 2 or histories < batches:
        raise BadInput(f"At least two batches and one history in each are needed; got {histories} histories in {batches} batches.")
    if estimator not in ("track-length", "analog"):
        raise BadInput(f"There is no estimator {estimator!r}; choose 'track-length' or 'analog'.")
    if not 0.001 <= cut_MeV <= 0.1:
        raise BadInput(f"The photon cut must lie between 0.001 and 0.1 MeV; got {cut_MeV:g} MeV.")


def _box(source: np.ndarray, medium: Medium) -> tuple[slice, ...]:
    """The smallest box that holds the source and all that is denser than air: outside it photons have escaped."""
    wanted = (source > 0) | (medium.density_g_mL > 10 * AIR_DENSITY_G_ML)
    found = []
    for axis in range(3):
        used = np.flatnonzero(wanted.any(axis=tuple(a for a in range(3) if a != axis)))
        found.append(slice(int(used[0]), int(used[-1]) + 1))
    return tuple(found)
