"""The fate of progeny in a case: what was asked for, and what the result says of it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..core import BadInput, near_matches, show
from ..kinetics.progeny import BLOOD, BODY, EXCRETED, Fates, Free, ProgenyDecays
from ..kinetics.progeny_presets import PRESETS, WITH_PARENT, resolve_fates
from ..nuclides import chain, chain_energy_per_decay_MeV, equilibrium_chain, fission_note, nuclide
from .case import Case, Progeny, read_checked

FATES_SCHEMA = "lutetia-fates/1"
J_PER_MEV = 1.602176634e-13
#: A member whose half-life is above this part of a region's effective half-life is not short beside the ligand's stay,
_NOT_SHORT = 0.2
#: and it matters where it and what follows it hold more than this part of the chain's energy.
_MATTERS = 0.05


def counted_chain(case: Case) -> list[str]:
    """Names of the nuclides whose decays give dose: the chain in equilibrium, or the parent alone if the case asks so."""
    return [m.nuclide.name for m in equilibrium_chain(case.nuclide)] if case.dosimetry.progeny else [nuclide(case.nuclide).name]


def case_fates(case: Case, regions: Sequence[str]) -> Fates:
    """The fates that a case asks for.

    Raises
    ------
    BadInput
        As `resolve_fates`.
    """
    return resolve_fates(case.nuclide, regions) if case.progeny is None else fates_of(case.nuclide, regions, case.progeny)


def fates_of(parent: str, regions: Sequence[str], p: Progeny) -> Fates:
    """What the keys of [progeny] mean for these regions.

    Raises
    ------
    BadInput
        As `resolve_fates`.
    """
    free = {
        n: Free(f.to, f.blood_half_life or 0.0, math.inf if f.return_half_life is None else f.return_half_life) for n, f in p.free.items()
    }  # fmt: skip
    return resolve_fates(parent, regions, p.preset, organ=p.organ, retained=p.retained, free=free)


class FatesFile(Progeny):
    """Fates in a file of their own, with the keys that [progeny] has in a case."""

    title: str | None = None
    sha256: str


def load_fates(preset_or_file: str) -> Progeny:
    """The fates of a preset, or those of a file (schema ``lutetia-fates/1``).

    Raises
    ------
    BadInput
        Neither a preset nor a file that can be read.

    >>> load_fates("internalised-small-molecule").preset
    'internalised-small-molecule'
    """
    if preset_or_file in PRESETS:
        return Progeny(preset=preset_or_file)
    if not preset_or_file.endswith(".toml"):
        raise BadInput(f"--fates: there is no preset {preset_or_file!r}; give one of {', '.join(PRESETS)}, or a file (.toml).{near_matches(preset_or_file, PRESETS)}")
    return read_checked(preset_or_file, FatesFile, FATES_SCHEMA, "fates.toml")


def fate_assumptions(case: Case, fates: Fates) -> list[str]:
    """What a reader must know: nothing for a nuclide without progeny."""
    out = []
    if len(counted_chain(case)) > 1:
        if fates.name == WITH_PARENT:
            out.append("progeny in equilibrium decays where its parent does")
        else:
            out.append(f"progeny: {fates.name} ({fates.source}): {fates.note}")
    if case.dosimetry.progeny and (late := _outliving(case.nuclide)):
        out.append(f"progeny that outlives its parent is not counted: {', '.join(late)}")
    if (note := fission_note(counted_chain(case))) is not None:
        out.append(note)
    return out


def lasting_progeny(case: Case, fates: Fates, regions: Sequence[Mapping[str, Any]]) -> list[str]:
    """A warning where progeny is counted in place that is not short-lived beside the stay of its parent's ligand.

    `regions` are records with ``region`` and ``effective_half_life_s``. A nuclide whose retention in a region is stated is
    left to what was stated.
    """
    if not case.dosimetry.progeny:
        return []
    whole = sum(chain_energy_per_decay_MeV(case.nuclide).values())
    for m in equilibrium_chain(case.nuclide)[1:]:
        name, half_life = m.nuclide.name, m.nuclide.half_life_s
        share = m.decays_per_parent * sum(chain_energy_per_decay_MeV(name).values()) / whole
        there = [
            f"{r['region']} ({show(r['effective_half_life_s'], 's')})" for r in regions
            if r["effective_half_life_s"] and half_life > _NOT_SHORT * r["effective_half_life_s"] and name not in fates.retained.get(r["region"], {})
        ]  # fmt: skip
        if there and share > _MATTERS:
            return [
                f"{name} (half-life {show(half_life, 's')}) is counted where its parent decays, as if it stayed there, though it is not short-lived beside "
                f"the effective half-life in {', '.join(there)}; with what follows it, it makes {share:.0%} of the energy of a decay of "
                f"{nuclide(case.nuclide).name}. Where it goes can be stated in [progeny]."
            ]
    return []


def _outliving(parent: str) -> list[str]:
    return [m.nuclide.name for m in chain(parent) if not m.in_equilibrium]


def progeny_record(case: Case, fates: Fates, decays: ProgenyDecays, *, deposited_MeV: float, images: bool) -> dict[str, Any]:
    """Preset, source, where each nuclide decays, and where the energy went.

    The energies satisfy released = in_place + other_regions + body + excreted, by where it is emitted, and
    released = deposited + escaped + excreted + without_dose, by what became of it.
    """
    names = counted_chain(case)
    energy = {n: sum(nuclide(n).energy_per_decay_MeV.values()) * J_PER_MEV for n in names}
    places = {n: _places(decays, n) for n in names}
    emitted = {k: sum(places[n][k] * energy[n] for n in names) for k in ("in_place", "other_regions", "body", "excreted")}
    first = sum(decays.placed[names[0]].values())
    of_chain = {m.nuclide.name: m.decays_per_parent for m in equilibrium_chain(case.nuclide)}
    released = first * sum(of_chain[n] * energy[n] for n in names)
    deposited = deposited_MeV * J_PER_MEV
    without = 0.0 if images else emitted["body"]
    alone = len(names) == 1
    return {
        "preset": None if alone else fates.name,
        "source": None if alone else fates.source,
        "note": ("the parent alone" + ("" if case.dosimetry.progeny else ", as the case asks (dosimetry.progeny = false)")) if alone else fates.note,
        "nuclides": names,
        "not_counted": _outliving(case.nuclide) if case.dosimetry.progeny else [m.nuclide.name for m in chain(case.nuclide)[1:]],
        "retained": {r: dict(by) for r, by in fates.retained.items() if by},
        "free": {n: _free_record(f) for n, f in fates.free.items()},
        "decays_Bq_s": places,
        "energy_J": {
            "released": released, **emitted, "deposited": deposited,
            "escaped": released - deposited - emitted["excreted"] - without, "without_dose": without,
        },
    }  # fmt: skip


def _places(decays: ProgenyDecays, n: str) -> dict[str, float]:
    arrived: Mapping[str, float] = decays.arrived[n]
    return {
        "in_place": float(sum(decays.placed[n].values())),
        "other_regions": sum((v for k, v in arrived.items() if k not in (BODY, BLOOD, EXCRETED)), 0.0),
        "body": arrived.get(BODY, 0.0) + arrived.get(BLOOD, 0.0),
        "excreted": arrived.get(EXCRETED, 0.0),
    }


def _free_record(f: Free) -> dict[str, Any]:
    return {
        "to": dict(f.to), "blood_half_life_s": f.blood_half_life_s or None,
        "return_half_life_s": f.return_half_life_s if math.isfinite(f.return_half_life_s) else None,
    }  # fmt: skip


def require_preset(case: Case) -> None:
    """Refuse, before images are read, a preset that is not there or not for this nuclide.

    Raises
    ------
    BadInput
    """
    if case.progeny is not None and (case.progeny.preset not in PRESETS or not PRESETS[case.progeny.preset].by_organ):
        resolve_fates(case.nuclide, [], case.progeny.preset)
