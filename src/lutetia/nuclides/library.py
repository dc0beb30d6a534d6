"""The 1252 nuclides of ICRP Publication 107 (doi 10.1016/j.icrp.2008.10.004), as `Nuclide` values.

Decay schemes come from the package ``radioactivedecay``, emissions from ``icrp107-database``; both carry
the ICRP-107 notice, and their data are not copied into lutetia. The first package's table is read
directly because importing the package itself takes seconds.

Known gaps of the source, kept as they are: no internal pair production of Y-90 (about 3e-5 positrons per
decay), Auger electrons as shell-group means, no energy of fission fragments and neutrons, no uncertainties.
"""

from __future__ import annotations

import functools
import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.integrate import trapezoid

from ..core import CouldNot
from .model import Lines, Nuclide, Spectrum
from .names import canonical

_SECONDS = {"μs": 1e-6, "us": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_LINE_GROUPS = {
    "alpha": ("alpha",),
    "recoil": ("alpha recoil",),
    "electron": ("IE", "auger"),
    "photon": ("gamma", "X", "annihilation"),
}


def nuclide(name: str) -> Nuclide:
    """The nuclide `name`, in any common spelling.

    Parameters
    ----------
    name : str
        ``"Lu-177"``, ``"177Lu"``, ``"lutetium-177"``, ``"99mTc"`` ...

    Raises
    ------
    BadInput
        Unknown; near matches are named.

    Examples
    --------
    Mean electron energy per decay of 177Lu, 147.9 keV (doi 10.1186/s40658-020-00301-2, table 1):

    >>> lu = nuclide("177Lu")
    >>> round(lu.half_life_s / 86400, 3), lu.daughters
    (6.647, (('Hf-177', 1.0, 'β-'),))
    >>> round(1000 * (lu.energy_per_decay_MeV["beta"] + lu.energy_per_decay_MeV["electron"]), 1)
    147.9
    """
    return _load(canonical(name, names()))


@functools.cache
def names() -> frozenset[str]:
    """Canonical names of all nuclides of the library."""
    return frozenset(_scheme())


@functools.cache
def _scheme() -> Mapping[str, tuple[float, tuple[tuple[str, float, str], ...]]]:
    """Half-life in seconds and daughters of every radioactive nuclide."""
    spec = importlib.util.find_spec("radioactivedecay")
    if spec is None or spec.origin is None:
        raise CouldNot("The package 'radioactivedecay' is not installed; install lutetia with its dependencies.")
    path = Path(spec.origin).parent / "icrp107_ame2020_nubase2020" / "decay_data.npz"
    raw = np.load(path, allow_pickle=True)  # object arrays of an installed dependency, not of a user
    year = float(raw["year_conv"]) * 86400.0
    out = {}
    for name, (value, unit, _), progeny, fractions, modes in zip(raw["nuclides"], raw["hldata"], raw["progeny"], raw["bfs"], raw["modes"]):
        if np.isfinite(float(value)) and (_folder() / f"{name}.json").is_file():
            seconds = float(value) * (year if unit == "y" else _SECONDS[unit])
            out[str(name)] = (seconds, tuple((str(d), float(f), str(m)) for d, f, m in zip(progeny, fractions, modes)))
    return MappingProxyType(out)


@functools.cache
def _folder() -> Path:
    spec = importlib.util.find_spec("icrp107_database")
    if spec is None or spec.origin is None:
        raise CouldNot("The package 'icrp107-database' is not installed; install lutetia with its dependencies.")
    return Path(spec.origin).parent / "icrp107"


@functools.lru_cache(maxsize=256)
def _load(name: str) -> Nuclide:
    half_life_s, daughters = _scheme()[name]
    raw: Any = json.loads((_folder() / f"{name}.json").read_text())
    if isinstance(raw, str):  # the files hold a JSON document inside a JSON string
        raw = json.loads(raw)
    emissions = raw["emissions"]
    lines = {group: _lines(sum((emissions[k] for k in kinds), [])) for group, kinds in _LINE_GROUPS.items()}
    energy = {group: float(v.energy_MeV @ v.per_decay) for group, v in lines.items()}
    branches = np.array(emissions["beta-"] + emissions["beta+"], float).reshape(-1, 2)
    energy["beta"] = float(branches[:, 0] @ branches[:, 1])
    return Nuclide(name, half_life_s, daughters, MappingProxyType(lines), _spectrum(emissions["b-spectra"], energy["beta"]), MappingProxyType(energy))


def _lines(pairs: list[list[float]]) -> Lines:
    a = np.array(sorted(pairs), float).reshape(-1, 2)
    a = a[a[:, 1] > 0]
    a.flags.writeable = False
    return Lines(a[:, 0], a[:, 1])


def _spectrum(pairs: list[list[float]], energy_MeV: float) -> Spectrum | None:
    """The tabulated spectrum, scaled so that its energy is that of the branches.

    Trapezoids over the table overshoot the branches by up to 0.2 %; the energy is what dose rests on.
    """
    if not pairs or energy_MeV <= 0:
        return None
    a = np.array(pairs, float)
    a[:, 1] *= energy_MeV / trapezoid(a[:, 0] * a[:, 1], a[:, 0])
    a.flags.writeable = False
    return Spectrum(a[:, 0], a[:, 1])
