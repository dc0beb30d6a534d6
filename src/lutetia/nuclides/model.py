"""What a nuclide emits, as plain frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

#: Groups of emissions. `beta` holds negatrons and positrons, `electron` conversion and Auger electrons,
#: `photon` gamma, X and annihilation photons, `recoil` the nucleus that an alpha leaves behind.
RADIATIONS = ("alpha", "recoil", "beta", "electron", "photon")


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Discrete emissions: energies in MeV and how many per decay; shapes (n,)."""

    energy_MeV: np.ndarray
    per_decay: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Spectrum:
    """A continuous beta spectrum: number per MeV and decay at energies in MeV; shapes (n,)."""

    energy_MeV: np.ndarray
    per_MeV: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Nuclide:
    """One nuclide of ICRP Publication 107.

    Attributes
    ----------
    name : str
        Canonical spelling, e.g. ``"Lu-177"``, ``"Tc-99m"``.
    half_life_s : float
    daughters : tuple of (str, float, str)
        Name, branching fraction and decay mode of each daughter (stable ones too).
    lines : mapping
        ``"alpha"``, ``"recoil"``, ``"electron"``, ``"photon"`` to `Lines`.
    beta : Spectrum or None
        Negatrons and positrons together, normalised to their yield.
    energy_per_decay_MeV : mapping
        Mean energy per decay for each of `RADIATIONS`.
    """

    name: str
    half_life_s: float
    daughters: tuple[tuple[str, float, str], ...]
    lines: Mapping[str, Lines]
    beta: Spectrum | None
    energy_per_decay_MeV: Mapping[str, float]

    @property
    def decay_constant_per_s(self) -> float:
        """ln 2 / half-life."""
        return float(np.log(2.0) / self.half_life_s)
