"""Energy per voxel to absorbed dose: where mass comes from, what air does, how the engines differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from ..core import BadInput, stream_seed
from ..imaging.volume import Geometry
from ..nuclides import Lines, equilibrium_chain, nuclide
from ..transport.bremsstrahlung import photon_lines
from ..transport.materials import AIR_DENSITY_G_ML, Medium, medium_from_hu, unit_density_medium
from ..transport.photon_mc import simulate_photons
from .engines import kernel_energy_MeV, local_energy_MeV

ENGINES = ("local", "kernel", "monte-carlo")
J_PER_MEV = 1.602176634e-13
#: Voxels lighter than this (g/mL) are air or a mixture with air: their energy is divided by this density,
#: so that a track ending in a nearly massless voxel does not become a huge dose. Inflated lung is 0.2 to 0.3.
AIR_FLOOR_G_ML = 0.15
#: The photon Monte Carlo runs on voxels of about this size at least; photons of tens of keV and more do not see finer detail.
_MC_VOXEL_MM = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class DoseMap:
    """Absorbed dose of every voxel.

    Attributes
    ----------
    by_radiation_Gy : dict of str to ndarray
        ``alpha``, ``electron``, ``photon`` (those there are), float32, shape of the geometry.
    u_statistical_Gy : ndarray or None
        Standard error of the Monte Carlo part, voxel by voxel.
    density_g_mL : ndarray
        Used for the mass of voxels (before the floor for air).
    engine : str
    notes : list of str
        Assumptions that a reader of the dose must know.
    histories : int
        Photons followed.
    photon_relative_u : dict of str to float
        Relative standard error of each region's photon energy (of the part that no smaller region covers).
    by_nuclide_Gy : dict of str to ndarray
        All radiations of each nuclide, where decays were given by nuclide; else empty.
    region_Gy : dict of str to (dict of str to (dict of str to float))
        Mean over mass of each of `masks`: region, nuclide, radiation. By the one name where decays were given as one map.
    deposited_MeV : float
        Energy deposited in all voxels.
    """

    by_radiation_Gy: dict[str, np.ndarray]
    u_statistical_Gy: np.ndarray | None
    density_g_mL: np.ndarray
    engine: str
    notes: list[str] = field(default_factory=list)
    histories: int = 0
    photon_relative_u: dict[str, float] = field(default_factory=dict)
    by_nuclide_Gy: dict[str, np.ndarray] = field(default_factory=dict)
    region_Gy: dict[str, dict[str, dict[str, float]]] = field(default_factory=dict)
    deposited_MeV: float = 0.0

    @property
    def total_Gy(self) -> np.ndarray:
        """Sum over radiations."""
        return np.sum(list(self.by_radiation_Gy.values()), axis=0)


def dose_map(
    decays: np.ndarray | Mapping[str, np.ndarray],
    geometry: Geometry,
    name: str,
    engine: str,
    *,
    hu: np.ndarray | None = None,
    body: np.ndarray | None = None,
    masks: Mapping[str, np.ndarray] | None = None,
    histories: int = 2_000_000,
    seed: int = 1,
    progeny: bool = True,
) -> DoseMap:
    """Absorbed dose from a map of decays, or from one of each nuclide.

    Parameters
    ----------
    decays : ndarray, shape geometry.shape, or mapping of str to ndarray
        Time-integrated activity per voxel, Bq s: of the nuclide `name`, or by nuclide, each of which then counts for itself
        (`lutetia.dosimetry.decay_maps.DecayMaps` makes its maps as they are needed).
    geometry : Geometry
    name : str
        Nuclide.
    engine : str
        ``local``, ``kernel`` or ``monte-carlo``.
    hu : ndarray or None
        CT in Hounsfield units on the same grid; without it the body has unit density.
    body : ndarray of bool or None
        Without a CT: inside is unit-density tissue, outside is air. Without either, everything is tissue.
    masks : mapping of str to ndarray of bool
        Regions whose means, and standard errors of the Monte Carlo, are wanted.
    histories, seed : int
        Of the photon Monte Carlo. With several nuclides each gets a share of the histories that goes with the photon energy
        it emits, and random numbers of its own.
    progeny : bool
        With one map: count the chain in equilibrium, every member decaying where the parent does.

    Raises
    ------
    BadInput
        Unknown engine, or `monte-carlo` with neither CT nor body.
    """
    if engine not in ENGINES:
        raise BadInput(f"engine: got {engine!r}; choose one of {', '.join(ENGINES)}.")
    if engine == "monte-carlo" and hu is None and body is None:
        raise BadInput("engine: 'monte-carlo' needs a CT or a body outline to transport photons in; give one, or choose 'kernel'.")
    medium = medium_from_hu(hu) if hu is not None else unit_density_medium(geometry.shape)
    density = np.asarray(medium.density_g_mL, np.float32)
    if hu is None and body is not None:
        density = np.where(body, density, np.float32(AIR_DENSITY_G_ML))
        medium = Medium(density, (~body).astype(np.uint8), ("water", "air"))
    notes = [] if hu is not None else [
        "no CT: the body has the density of water (1 g/mL)" + (" inside the outline" if body is not None else " everywhere in the image")
    ]
    notes.append(_ENGINE_NOTES[engine])
    mass_floor = np.maximum(density, np.float32(AIR_FLOOR_G_ML))
    per_MeV = np.float32(J_PER_MEV / (geometry.voxel_mL * 1e-3))  # Gy per MeV at 1 g/mL
    to_Gy = per_MeV / mass_floor
    regions = [_Weights(n, np.flatnonzero(m), mass_floor.ravel()[m.ravel()].astype(float)) for n, m in (masks or {}).items()]
    several = isinstance(decays, Mapping)
    parts: Mapping[str, np.ndarray] = decays if several else {name: decays}  # type: ignore[dict-item, assignment]
    lines = {n: chain_photon_lines(n, progeny=progeny and not several) for n in parts}
    simulated = _shares(parts, lines, histories) if engine == "monte-carlo" else {}
    blocks = _blocks_of(medium, mass_floor, geometry, masks or {}) if simulated else None

    out = DoseMap({}, None, density, engine, notes, region_Gy={w.region: {} for w in regions})
    u2: np.ndarray | None = None
    photon_u2 = dict.fromkeys(masks or {}, 0.0)
    deposited, followed = 0.0, 0
    for n, part in parts.items():
        if engine == "local":
            energy = local_energy_MeV(part, n, progeny=progeny and not several)
        else:
            wanted = ("alpha", "electron") if engine == "monte-carlo" else ("alpha", "electron", "photon")
            energy = kernel_energy_MeV(part, geometry.spacing_mm, n, progeny=progeny and not several, radiations=wanted)
        deposited += sum(float(e.sum(dtype=float)) for e in energy.values())
        # A water kernel's energy in a light voxel belongs to the water that is not there: dose to water is the better estimate.
        dose = {r: e * (per_MeV if r == "photon" else to_Gy) for r, e in energy.items()}
        del energy
        relative: dict[str, float] = {}
        if n in simulated and blocks is not None:
            own_seed = seed if n == next(iter(parts)) else stream_seed(seed, "progeny", n)
            found = _photon_dose(part, blocks, geometry, lines[n], simulated[n], own_seed, masks or {})
            dose["photon"], relative = found.dose_Gy, found.region_u
            deposited += found.deposited_MeV
            followed += found.histories
            u2 = found.u_Gy**2 if u2 is None else u2 + found.u_Gy**2
        for w in regions:
            out.region_Gy[w.region][n] = {r: w.mean(d) for r, d in dose.items()}
            photon_u2[w.region] += (relative.get(w.region, 0.0) * out.region_Gy[w.region][n].get("photon", 0.0)) ** 2
        for r, d in dose.items():
            out.by_radiation_Gy[r] = out.by_radiation_Gy[r] + d if r in out.by_radiation_Gy else d
        if several:
            out.by_nuclide_Gy[n] = np.sum(list(dose.values()), axis=0) if dose else np.zeros(geometry.shape, np.float32)
    region_u: dict[str, float] = {}
    if u2 is not None:
        for region, by in out.region_Gy.items():
            photons = sum(d.get("photon", 0.0) for d in by.values())
            region_u[region] = float(np.sqrt(photon_u2[region])) / photons if photons > 0 else 0.0
    return replace(
        out, u_statistical_Gy=None if u2 is None else np.sqrt(u2), histories=followed, photon_relative_u=region_u, deposited_MeV=deposited
    )


_ENGINE_NOTES = {
    "local": "engine 'local': charged particles stay in their voxel, photons are neglected",
    "kernel": "engine 'kernel': electrons by water kernels of energy over the voxel's mass; photons by water kernels, as dose to water",
    "monte-carlo": "engine 'monte-carlo': electrons by water kernels of energy over the voxel's mass; photons by Monte Carlo in the patient's materials",
}


@dataclass(frozen=True, slots=True, eq=False)
class _Weights:
    """Voxels of a region and their masses."""

    region: str
    index: np.ndarray
    mass: np.ndarray

    def mean(self, dose: np.ndarray) -> float:
        return float(dose.ravel()[self.index].astype(float) @ self.mass / self.mass.sum()) if len(self.index) else 0.0


def chain_photon_lines(name: str, *, progeny: bool = True) -> Lines:
    """Photons of a nuclide (and its chain in equilibrium) per decay of the parent, bremsstrahlung included."""
    members = [(m.nuclide, m.decays_per_parent) for m in equilibrium_chain(name)] if progeny else [(nuclide(name), 1.0)]
    parts = [(photon_lines(member), decays) for member, decays in members]
    return Lines(np.concatenate([p.energy_MeV for p, _ in parts]), np.concatenate([p.per_decay * decays for p, decays in parts]))


def _shares(parts: Mapping[str, np.ndarray], lines: Mapping[str, Lines], histories: int) -> dict[str, int]:
    """Histories of each nuclide that emits photons somewhere: all of them, or as its share of the photon energy and 1 % at least."""
    emitted = {n: float(part.sum(dtype=float)) * float(lines[n].energy_MeV @ lines[n].per_decay) for n, part in parts.items() if len(lines[n].energy_MeV)}
    total = sum(emitted.values())
    if len(emitted) == 1:
        return {n: histories for n, e in emitted.items() if e > 0}
    return {n: max(round(histories * e / total), histories // 100, 1000) for n, e in emitted.items() if e > 0}


@dataclass(frozen=True, slots=True, eq=False)
class _Blocks:
    """The medium on the blocks of voxels that the photon Monte Carlo runs on."""

    factor: tuple[int, ...]
    centre: tuple[np.ndarray, ...]
    medium: Medium
    floor: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class _PhotonDose:
    dose_Gy: np.ndarray
    u_Gy: np.ndarray
    region_u: dict[str, float]
    deposited_MeV: float
    histories: int


def _blocks_of(medium: Medium, mass_floor: np.ndarray, geometry: Geometry, masks: Mapping[str, np.ndarray]) -> _Blocks:
    """Blocks where the grid is finer than photons need; labels are on the fine grid."""
    shape = geometry.shape
    factor = tuple(max(1, int(round(_MC_VOXEL_MM / s))) if s < 0.75 * _MC_VOXEL_MM else 1 for s in geometry.spacing_mm)
    centre = np.ix_(*[np.minimum(np.arange(0, n, f) + f // 2, n - 1) for n, f in zip(shape, factor)])
    count = _blocks(np.ones(shape, np.float32), factor)
    density = (_blocks(medium.density_g_mL, factor) / count).astype(np.float32)
    labels = np.zeros(shape, np.int32)
    for n, mask in sorted(enumerate(masks.values(), 1), key=lambda m: -int(m[1].sum())):  # smaller regions last: they keep their voxels
        labels[mask] = n
    return _Blocks(factor, centre, Medium(density, np.ascontiguousarray(medium.material[centre]), medium.names), _blocks(mass_floor, factor) / count, labels)


def _photon_dose(
    decays: np.ndarray, on: _Blocks, geometry: Geometry, lines: Lines, histories: int, seed: int, masks: Mapping[str, np.ndarray]
) -> _PhotonDose:
    """Photon dose and its standard error on the fine grid."""
    spacing = tuple(s * f for s, f in zip(geometry.spacing_mm, on.factor))
    result = simulate_photons(_blocks(decays, on.factor), on.medium, spacing, lines, histories=histories, seed=seed, labels=on.labels[on.centre])
    to_Gy = J_PER_MEV / (geometry.voxel_mL * 1e-3) / (on.floor * np.prod(on.factor))
    # A partial block at the edge is counted as whole: its energy is spread over the same mass as everywhere.
    dose, u = result.energy_MeV * to_Gy, result.u_energy_MeV * to_Gy
    for axis, (n, f) in enumerate(zip(decays.shape, on.factor)):
        dose = np.repeat(dose, f, axis).take(range(n), axis) if f > 1 else dose
        u = np.repeat(u, f, axis).take(range(n), axis) if f > 1 else u
    region_u = {name: _region_u(mask, on.labels, result.region_energy_MeV, result.u_region_energy_MeV, dose, u) for name, mask in masks.items()}
    return _PhotonDose(dose.astype(np.float32), u.astype(np.float32), region_u, float(result.energy_MeV.sum()), result.histories)


def _region_u(mask: np.ndarray, labels: np.ndarray, energy: np.ndarray, u: np.ndarray, dose_Gy: np.ndarray, u_Gy: np.ndarray) -> float:
    """Relative standard error of a region made of whole or partial labels, which are taken as independent.

    A region too small to hold the centre of a block has no tally of its own: it gets that of its voxels, as if they erred together.
    """
    size = int(labels.max(initial=0)) + 1
    share = (np.bincount(labels[mask], minlength=size) / np.maximum(np.bincount(labels.ravel(), minlength=size), 1))[1 : len(energy) + 1]
    found = float(share @ energy[: len(share)])
    if found > 0:
        return float(np.sqrt(np.sum((share * u[: len(share)]) ** 2)) / found)
    total = float(dose_Gy[mask].sum())
    return float(u_Gy[mask].sum()) / total if total > 0 else 0.0


def _blocks(a: np.ndarray, factor: tuple[int, ...]) -> np.ndarray:
    """Sums over blocks of voxels."""
    for axis, f in enumerate(factor):
        if f > 1:
            a = np.add.reduceat(a, np.arange(0, a.shape[axis], f), axis)
    return a
