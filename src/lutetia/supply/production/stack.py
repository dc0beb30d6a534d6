"""A stack of foils and windows: energy in and out of each layer, heat, and what is made in those that react."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...core import BadInput, near_matches, parse
from .irradiation import Irradiation, checked_beam, irradiate
from .machines import check_machine, machine
from .reactions import Excitation, reaction
from .stopping import (
    PROJECTILES,
    HIGHEST_MeV,
    LOWEST_MeV,
    atomic_weight,
    checked_projectile,
    energy_behind_MeV,
)
from .targets import material_of
from .yields import usual_target

_AVOGADRO = 6.02214076e23
_KEYS = ("name", "material", "thickness", "areal", "angle", "reaction", "enrichment")


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer; `areal_g_cm2` or `thickness_mm` across it, the angle between beam and surface (90 degrees: head on).

    `reaction` None: a window, of which the energy loss alone counts.
    """

    material: str
    name: str = ""
    areal_g_cm2: float | None = None
    thickness_mm: float | None = None
    angle_deg: float = 90.0
    reaction: str | None = None
    enrichment: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class LayerResult:
    """Energy in and out (MeV), areal density along the beam, mean heat, and the irradiation of a layer that reacts."""

    name: str
    energy_MeV: float
    exit_MeV: float
    areal_g_cm2: float
    heat_W: float
    made: Irradiation | None


def irradiate_stack(
    layers: Sequence[Layer], energy_MeV: float, current_A: float, time_s: float, *, cool_s: float = 0.0, duty: float = 1.0, projectile: str | None = None,
    cyclotron: str | None = None, given: Sequence[Excitation] = (), extrapolate: bool = False,
) -> tuple[LayerResult, ...]:  # fmt: skip
    """Send a beam through layers, in their order, until it stops.

    Parameters
    ----------
    layers : sequence of Layer
    energy_MeV, current_A, time_s, cool_s, duty, cyclotron, given, extrapolate
        As `irradiate`, in front of the first layer.
    projectile : str, optional
        Of windows alone; None: that of the reactions, or protons.

    Returns
    -------
    tuple of LayerResult
        Energies are means: straggling is left out. A layer behind the end of the beam gets nothing.

    Raises
    ------
    BadInput
        No layer, a layer without thickness or density, reactions of different projectiles; then as `irradiate`.

    Examples
    --------
    A foil of 0.1 mm yttrium at 10 degrees to a beam of 15 MeV: 1.52 mCi/uAh were measured
    (Holland, Sheh and Lewis 2009, Nucl. Med. Biol. 36, 729, PMC2827875).

    >>> (foil,) = irradiate_stack([Layer("yttrium", thickness_mm=0.1, angle_deg=10, reaction="Y-89(p,n)Zr-89")], 15.0, 1e-6, 3600.0)
    >>> print(f"{foil.exit_MeV:.1f} MeV, {foil.made.eob.activity_Bq['Zr-89'] / 3.7e7:.2f} mCi")
    9.5 MeV, 1.81 mCi
    """
    if not layers:
        raise BadInput("stack: there is no layer; give at least one.")
    particles = {reaction(x.reaction).projectile for x in layers if x.reaction} | ({checked_projectile(projectile)} if projectile else set())
    if len(particles) > 1:
        raise BadInput(f"stack: its layers want {' and '.join(sorted(particles))}; a beam has one projectile.")
    particle = next(iter(particles), "p")
    charge, mass, _ = PROJECTILES[particle]
    checked_beam(current_A, time_s, cool_s, duty)
    if not LOWEST_MeV * mass <= energy_MeV <= HIGHEST_MeV * mass:
        raise BadInput(f"energy: got {energy_MeV!r} MeV; stopping powers are held from {LOWEST_MeV * mass:g} to {HIGHEST_MeV * mass:g} MeV.")
    said = [] if cyclotron is None else check_machine(machine(cyclotron, particle), energy_MeV, current_A)
    out, energy = [], float(energy_MeV)
    for i, x in enumerate(layers):
        label = x.name or f"{i + 1} {x.material}"
        atoms, unit_g, areal = _along(x, label)
        left = energy_behind_MeV(energy, areal / unit_g, atoms, particle) if energy > 0 else 0.0
        made = None
        if x.reaction and energy > left:
            made = irradiate(x.reaction, energy, left, current_A, time_s, cool_s=cool_s, duty=duty, material=x.material, enrichment=x.enrichment, given=given, extrapolate=extrapolate)
            made = replace(made, warnings=(*said, *made.warnings))
        out.append(LayerResult(label, energy, left, areal, current_A * duty * (energy - left) * 1e6 / charge, made))
        energy = left
    return tuple(out)


def read_stack(path: Path | str) -> tuple[Layer, ...]:
    """Layers of a stack file: TOML with a list ``layer``.

    Each has a ``material`` and a ``thickness`` ("25 um") or an ``areal`` density ("11 mg/cm2"); ``angle`` between beam and surface in
    degrees, ``name``, ``reaction`` and ``enrichment`` as wanted.

    Raises
    ------
    BadInput
        A file that cannot be read so; the sentence names the layer and the key.
    """
    try:
        raw = tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise BadInput(f"stack: {str(path)!r} cannot be read as TOML ({error}); give a file with [[layer]] tables.") from None
    layers = raw.get("layer")
    unknown = [k for k in raw if k not in ("layer", "schema")]
    if not isinstance(layers, list) or not layers or unknown or raw.get("schema", "lutetia-stack/1") != "lutetia-stack/1":
        raise BadInput(f"stack: {Path(path).name} {'holds the unknown key ' + repr(unknown[0]) if unknown else 'holds no layers'}; give schema = \"lutetia-stack/1\" and [[layer]] tables.")
    return tuple(_layer(x, f"stack, layer {i + 1}") for i, x in enumerate(layers))


def _layer(x: Mapping[str, Any], where: str) -> Layer:
    for k in x:
        if k not in _KEYS:
            raise BadInput(f"{where}: {k!r} is no key; give {', '.join(_KEYS)}.{near_matches(k, _KEYS)}")
    if not isinstance(x.get("material"), str):
        raise BadInput(f"{where}: got no material; give a name or a formula as text.")
    for k in ("name", "reaction"):
        if not isinstance(x.get(k, ""), str):
            raise BadInput(f"{where}, {k}: got {x[k]!r}; write it as text.")
    for k in ("angle", "enrichment"):
        if isinstance(x.get(k, 1.0), bool) or not isinstance(x.get(k, 1.0), int | float):
            raise BadInput(f"{where}, {k}: got {x[k]!r}; give a number ({'degrees' if k == 'angle' else 'an atom fraction'}).")
    areal = parse(x["areal"], "g/cm**2", f"{where}, areal", positive=True) if "areal" in x else None
    thick = parse(x["thickness"], "mm", f"{where}, thickness", positive=True) if "thickness" in x else None
    return Layer(x["material"], x.get("name", ""), areal, thick, float(x.get("angle", 90.0)), x.get("reaction"), x.get("enrichment"))


def _along(x: Layer, label: str) -> tuple[tuple[tuple[str, float], ...], float, float]:
    """Atoms and mass of a formula unit, and g/cm2 along the beam."""
    if not 0 < x.angle_deg <= 90:
        raise BadInput(f"stack, layer {label}: the angle is {x.angle_deg:g} degrees; give the angle between beam and surface, above 0 and up to 90.")
    if (x.areal_g_cm2 is None) == (x.thickness_mm is None):
        raise BadInput(f"stack, layer {label}: give either a thickness or an areal density.")
    if x.reaction:
        t = usual_target(reaction(x.reaction), x.material, x.enrichment)
        atoms, unit_g, density = t.atoms, t.unit_g, t.density_g_cm3
    else:
        atoms, density = material_of(x.material)
        unit_g = sum(n * atomic_weight(s) for s, n in atoms) / _AVOGADRO
    if x.areal_g_cm2 is None:
        if density is None:
            raise BadInput(f"stack, layer {label}: no density of {x.material!r} is held; give its areal density, such as '11 mg/cm2'.")
        across = 0.1 * float(x.thickness_mm or 0.0) * density
    else:
        across = x.areal_g_cm2
    if not (math.isfinite(across) and across > 0):
        raise BadInput(f"stack, layer {label}: its thickness is {across!r}; give a value above zero.")
    return atoms, unit_g, across / math.sin(math.radians(x.angle_deg))
