"""Energy per voxel to absorbed dose: where mass comes from, what air does, how the engines differ."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..core import BadInput
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
    """

    by_radiation_Gy: dict[str, np.ndarray]
    u_statistical_Gy: np.ndarray | None
    density_g_mL: np.ndarray
    engine: str
    notes: list[str] = field(default_factory=list)
    histories: int = 0
    photon_relative_u: dict[str, float] = field(default_factory=dict)

    @property
    def total_Gy(self) -> np.ndarray:
        """Sum over radiations."""
        return np.sum(list(self.by_radiation_Gy.values()), axis=0)


def dose_map(
    decays: np.ndarray,
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
    """Absorbed dose from a map of decays.

    Parameters
    ----------
    decays : ndarray, shape geometry.shape
        Time-integrated activity per voxel, Bq s.
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
        Regions for which the Monte Carlo's standard error is wanted.
    histories, seed : int
        Of the photon Monte Carlo.
    progeny : bool
        Count the chain in equilibrium, every member decaying where the parent does.

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
    mass_floor = np.maximum(density, np.float32(AIR_FLOOR_G_ML))
    to_Gy = np.float32(J_PER_MEV / (geometry.voxel_mL * 1e-3)) / mass_floor  # Gy per MeV

    if engine == "local":
        notes.append("engine 'local': charged particles stay in their voxel, photons are neglected")
        energy = local_energy_MeV(decays, name, progeny=progeny)
    elif engine == "kernel":
        notes.append("engine 'kernel': electrons by water kernels of energy over the voxel's mass; photons by water kernels, as dose to water")
        energy = kernel_energy_MeV(decays, geometry.spacing_mm, name, progeny=progeny)
    else:
        notes.append("engine 'monte-carlo': electrons by water kernels of energy over the voxel's mass; photons by Monte Carlo in the patient's materials")
        energy = kernel_energy_MeV(decays, geometry.spacing_mm, name, progeny=progeny, radiations=("alpha", "electron"))
    dose = {r: e * to_Gy for r, e in energy.items() if r != "photon"}
    if "photon" in energy:
        # A water kernel's energy in a light voxel belongs to the water that is not there: dose to water is the better estimate.
        dose["photon"] = energy["photon"] * np.float32(J_PER_MEV / (geometry.voxel_mL * 1e-3))
    u: np.ndarray | None = None
    region_u: dict[str, float] = {}
    lines = chain_photon_lines(name, progeny=progeny)
    if engine == "monte-carlo" and len(lines.energy_MeV) and decays.sum() > 0:
        dose["photon"], u, region_u = _photon_dose(decays, medium, mass_floor, geometry, lines, histories, seed, masks or {})
    return DoseMap(dose, u, density, engine, notes, histories if u is not None else 0, region_u)


def chain_photon_lines(name: str, *, progeny: bool = True) -> Lines:
    """Photons of a nuclide (and its chain in equilibrium) per decay of the parent, bremsstrahlung included."""
    members = [(m.nuclide, m.decays_per_parent) for m in equilibrium_chain(name)] if progeny else [(nuclide(name), 1.0)]
    parts = [(photon_lines(member), decays) for member, decays in members]
    return Lines(np.concatenate([p.energy_MeV for p, _ in parts]), np.concatenate([p.per_decay * decays for p, decays in parts]))


def _photon_dose(
    decays: np.ndarray, medium: Medium, mass_floor: np.ndarray, geometry: Geometry, lines: Lines, histories: int, seed: int, masks: Mapping[str, np.ndarray]
) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    """Photon dose and its standard error on the fine grid, computed on blocks where the grid is finer than needed."""
    spacing = geometry.spacing_mm
    factor = tuple(max(1, int(round(_MC_VOXEL_MM / s))) if s < 0.75 * _MC_VOXEL_MM else 1 for s in spacing)
    centre = np.ix_(*[np.minimum(np.arange(0, n, f) + f // 2, n - 1) for n, f in zip(decays.shape, factor)])
    count = _blocks(np.ones(decays.shape, np.float32), factor)
    density = (_blocks(medium.density_g_mL, factor) / count).astype(np.float32)
    floor = _blocks(mass_floor, factor) / count
    coarse = Medium(density, np.ascontiguousarray(medium.material[centre]), medium.names)
    labels = np.zeros(decays.shape, np.int32)
    for n, mask in sorted(enumerate(masks.values(), 1), key=lambda m: -int(m[1].sum())):  # smaller regions last: they keep their voxels
        labels[mask] = n
    result = simulate_photons(
        _blocks(decays, factor), coarse, tuple(s * f for s, f in zip(spacing, factor)), lines, histories=histories, seed=seed, labels=labels[centre]
    )
    to_Gy = J_PER_MEV / (geometry.voxel_mL * 1e-3) / (floor * np.prod(factor))
    # A partial block at the edge is counted as whole: its energy is spread over the same mass as everywhere.
    dose, u = result.energy_MeV * to_Gy, result.u_energy_MeV * to_Gy
    for axis, (n, f) in enumerate(zip(decays.shape, factor)):
        dose = np.repeat(dose, f, axis).take(range(n), axis) if f > 1 else dose
        u = np.repeat(u, f, axis).take(range(n), axis) if f > 1 else u
    region_u = {name: _region_u(mask, labels, result.region_energy_MeV, result.u_region_energy_MeV, dose, u) for name, mask in masks.items()}
    return dose.astype(np.float32), u.astype(np.float32), region_u


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
