"""The binding file of a simulation: how a molecule binds and travels, in place of what the parameter set says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from ..kinetics.pbpk import Albumin, Covalent, DualTarget, LargeMolecule, ParameterSet, antibody
from ..kinetics.pbpk.binding import Binding, koff_per_min
from .case import Fraction, Name, _Part, _quantity, read_checked

BINDING_SCHEMA = "lutetia-binding/1"

Rate = _quantity("1/min", positive=False, within=("0 /min", "1e6 /min"))
OnRate = _quantity("L/nmol/min", within=("1e-9 L/nmol/min", "1e3 L/nmol/min"))
Concentration = _quantity("nmol/L", positive=False, within=("0 nmol/L", "1e9 nmol/L"))


class AlbuminPart(_Part):
    on: Rate  # type: ignore[valid-type]
    off: Rate  # type: ignore[valid-type]


class CovalentPart(_Part):
    k_inact: Rate  # type: ignore[valid-type]
    turnover: Rate  # type: ignore[valid-type]


class DualPart(_Part):
    kon: OnRate  # type: ignore[valid-type]
    kd: Concentration  # type: ignore[valid-type]
    effective_molarity: Concentration  # type: ignore[valid-type]
    second_per_first: dict[Name, float] = Field(min_length=1)


class LargePart(_Part):
    like: str | None = None
    clearance: _quantity("L/h", within=("1e-6 L/h", "10 L/h")) | None = None  # type: ignore[valid-type]
    sigma_tight: Fraction | None = None
    sigma_leaky: Fraction | None = None
    tumour_permeability: _quantity("mL/min/g", positive=False, within=("0 mL/min/g", "10 mL/min/g")) = 0.0  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _whole(self) -> LargePart:
        own = (self.clearance, self.sigma_tight, self.sigma_leaky)
        if self.like is None and None in own:
            raise ValueError("large_molecule needs clearance, sigma_tight and sigma_leaky, or the name of an antibody under 'like'")
        return self


class BindingFile(_Part):
    """A checked binding file; `sha256` is that of the file."""

    title: str | None = None
    kon: OnRate | None = None  # type: ignore[valid-type]
    kd: Concentration | None = None  # type: ignore[valid-type]
    internalisation: Rate | None = None  # type: ignore[valid-type]
    unbound_fraction: float = Field(default=1.0, gt=0, le=1)
    released: Literal["degraded", "intact"] = "degraded"
    albumin: AlbuminPart | None = None
    covalent: CovalentPart | None = None
    dual: DualPart | None = None
    large_molecule: LargePart | None = None
    sha256: str

    @model_validator(mode="after")
    def _one(self) -> BindingFile:
        if self.covalent is not None and self.dual is not None:
            raise ValueError("covalent and dual cannot be given together: no model of both is there")
        if sum((self.albumin is not None, self.unbound_fraction < 1, self.large_molecule is not None)) > 1:
            raise ValueError("albumin, unbound_fraction and large_molecule exclude one another; give one of them")
        return self


@dataclass(frozen=True, slots=True)
class Molecule:
    """What a binding file changes: `values` of parameters (``kon`` L/nmol/min, ``kd`` nmol/L, ``internalisation`` 1/min), `how` the molecule binds and travels (what
    `simulate_pbpk` takes by name), and what is `said` of it."""

    sha256: str
    values: dict[str, float]
    how: dict[str, Any]
    said: tuple[str, ...]

    def of(self, p: ParameterSet) -> ParameterSet:
        """The parameter set with the file's values; without a dissociation constant the affinity stays what it was.

        Raises
        ------
        BadInput
        """
        changes = dict(self.values)
        kd = changes.pop("kd", np.asarray(p["koff"]) / np.asarray(p["kon"]))
        return p.with_values(**changes, koff=koff_per_min(changes.get("kon", p["kon"]), kd))


def load_binding(path: Path | str) -> Molecule:
    """Read and check a binding file.

    Raises
    ------
    BadInput
        Not such a file, a rate that makes no sense, modes that exclude one another.
    """
    f = read_checked(path, BindingFile, BINDING_SCHEMA, "binding.toml")
    values = {k: float(v) for k in ("kon", "kd", "internalisation") if (v := getattr(f, k)) is not None}
    binding: Binding = None
    if f.covalent is not None:
        binding = Covalent(f.covalent.k_inact, f.covalent.turnover)
    if f.dual is not None:
        binding = DualTarget(f.dual.kon, koff_per_min(f.dual.kon, f.dual.kd), f.dual.effective_molarity, dict(f.dual.second_per_first))
    how: dict[str, Any] = {
        "binding": binding, "unbound_fraction": f.unbound_fraction, "release": f.released,
        "albumin": None if f.albumin is None else Albumin(f.albumin.on, f.albumin.off), "large": None if f.large_molecule is None else _large(f.large_molecule),
    }  # fmt: skip
    return Molecule(f.sha256, values, how, tuple(_said(f)))


def _large(x: LargePart) -> LargeMolecule:
    own = {k: v for k, v in (("clearance_L_per_h", x.clearance), ("sigma_tight", x.sigma_tight), ("sigma_leaky", x.sigma_leaky)) if v is not None} | {"tumour_ps_mL_min_g": x.tumour_permeability}
    return LargeMolecule(**own) if x.like is None else replace(antibody(x.like), **own)


def _said(f: BindingFile) -> list[str]:
    given = [k for k in ("kon", "kd", "internalisation") if getattr(f, k) is not None]
    given += [k for k, default in (("unbound_fraction", 1.0), ("released", "degraded")) if getattr(f, k) != default]
    given += [k for k in ("albumin", "covalent", "dual", "large_molecule") if getattr(f, k) is not None]
    said = [f"given by the user in the binding file, not by the parameter set: {', '.join(given)}"] if given else []
    if f.large_molecule is not None:
        said.append("a molecule of the size of an antibody: lymph carries it through tissues, no kidney filters it, and receptors that face the tubule are not reached")
        if f.large_molecule.tumour_permeability == 0:
            said.append("no permeability of tumour vessels was given: tumours take up like other leaky tissues, far less than most tumours do")
        if f.large_molecule.like is not None:
            said.append(f"plasma kinetics of {f.large_molecule.like} (Cao, Balthasar and Jusko 2013, doi:10.1007/s10928-013-9332-2)")
    return said
