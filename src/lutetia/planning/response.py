"""What a becquerel does in each draw of a patient: dose and protraction of each region in each cycle, for an amount of ligand and a nuclide."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ..core import BadInput
from ..dosimetry.regions import self_s
from ..kinetics.pbpk import ParameterSet, Patient, PbpkResult, simulate_pbpk
from ..nuclides import nuclide
from ..radiobiology import BedParameters, bed_parameter_sets, bed_parameters
from .goals import SizeLaw

#: Of the lesions: the only published set, of a model of prostate metastases.
TUMOUR_PARAMETERS = "prostate-metastasis-Bernhardt-2021"
#: Times of the curves from which protraction is computed, h: 0, then 3 min to 66 d.
_TIME_H = (0.0, *np.geomspace(0.05, 1590.0, 60).tolist())


@dataclass(frozen=True, slots=True, eq=False)
class RegionResponse:
    """One region; arrays of shape (draws, cycles).

    Attributes
    ----------
    number, mass_g : float
        How many lesions of this kind, and the mass of one (of both sides for paired organs).
    low_Gy_per_Bq, alpha_Gy_per_Bq : ndarray
        Dose from electrons and photons, and from alphas.
    G : ndarray
        Lea-Catcheside factor; zero where no repair half-life is published.
    alpha_beta_Gy : float
        Infinite where none is published: then BED is dose.
    """

    number: float
    mass_g: float
    low_Gy_per_Bq: np.ndarray
    alpha_Gy_per_Bq: np.ndarray
    G: np.ndarray
    alpha_beta_Gy: float

    def linear(self, rbe: float) -> np.ndarray:
        """Gy per Bq, alphas counted `rbe` times."""
        return self.low_Gy_per_Bq + rbe * self.alpha_Gy_per_Bq

    def quadratic(self) -> np.ndarray:
        """``G d^2 / (alpha/beta)`` in Gy per Bq^2, of the low-LET dose alone: alphas add ``RBE D`` without repair or quadratic term."""
        return self.G * self.low_Gy_per_Bq**2 / self.alpha_beta_Gy


@dataclass(frozen=True, slots=True, eq=False)
class Response:
    """Regions of all draws at one amount of ligand with one nuclide; `tumours` are those among them that the plan is to treat."""

    nuclide: str
    ligand_nmol: float
    regions: Mapping[str, RegionResponse]
    tumours: tuple[str, ...]

    @property
    def has_alphas(self) -> bool:
        """Whether any region gets dose from alphas."""
        return any(bool(np.any(r.alpha_Gy_per_Bq > 0)) for r in self.regions.values())

    @property
    def draws(self) -> int:
        """How many."""
        return len(next(iter(self.regions.values())).low_Gy_per_Bq)

    @property
    def cycles(self) -> int:
        """How many."""
        return next(iter(self.regions.values())).low_Gy_per_Bq.shape[1]


def responses(
    patient: Patient, parameters: ParameterSet, organs: Sequence[str], ligands_nmol: Sequence[float], nuclides: Sequence[str], uptake_factors: Sequence[float],
    *, invisible: SizeLaw | None = None,
) -> list[Response]:  # fmt: skip
    """Solve the whole body once for each amount of ligand and each different uptake; every nuclide follows from the same solve.

    Parameters
    ----------
    patient, parameters
        Draws, as `virtual_patients` gives them.
    organs : sequence of str
        Regions whose dose is wanted beside the tumours: organs for which a sphere stands, and red marrow.
    ligands_nmol, nuclides : sequence
        The grid.
    uptake_factors : sequence of float
        On the receptors of all tumours, one for each cycle.
    invisible : SizeLaw, optional
        Lesions below resolution. They hold as many decays per volume as the visible ones together, and take no ligand from the blood.

    Notes
    -----
    Each cycle is solved by itself: of a peptide some 1e-4 of the ligand is left after six weeks. Dose is self-dose of a sphere, in red marrow (no sphere) the
    charged energy of its own plasma and interstitium on its mass, which leaves out what comes from elsewhere and what blood cells and marrow cells hold.

    Raises
    ------
    BadInput, CouldNot
    """
    if not patient.tumours:
        raise BadInput("The patient has no tumour; a plan needs at least one [[tumour]] in the patient file.")
    if not (ligands_nmol and nuclides and uptake_factors):
        raise BadInput("A plan needs at least one amount of ligand, one nuclide and one cycle.")
    different = sorted(set(uptake_factors))
    column = [different.index(f) for f in uptake_factors]
    found = []
    for ligand in ligands_nmol:
        solved = [simulate_pbpk(_with_uptake(patient, parameters, f), parameters, ligand, nuclides, time_h=_TIME_H) for f in different]
        for name in nuclides:
            parts = [_one(r, name, patient, organs, invisible) for r in solved]
            regions = {k: _cycles([p[k] for p in parts], column) for k in parts[0]}
            found.append(Response(name, float(ligand), MappingProxyType(regions), tuple(k for k in regions if k not in organs)))
    return found


def _with_uptake(patient: Patient, parameters: ParameterSet, factor: float) -> Patient:
    own = [parameters["receptor_tumour"] if t.receptor_nmol_L is None else t.receptor_nmol_L for t in patient.tumours]
    return replace(patient, tumours=tuple(replace(t, receptor_nmol_L=np.asarray(r, float) * factor) for t, r in zip(patient.tumours, own)))


def _one(r: PbpkResult, name: str, patient: Patient, organs: Sequence[str], law: SizeLaw | None) -> dict[str, RegionResponse]:
    """One cycle of all draws."""
    tumours = [t.name for t in patient.tumours]
    if missing := [o for o in organs if o not in r.mass_kg or (o not in r.compact and o != "red marrow")]:
        raise BadInput(f"The whole-body model gives no dose for {missing[0]!r}, for which a limit or a measured dose was given; leave it out.")
    decay = np.exp(-nuclide(name).decay_constant_per_s * 3600 * r.time_h)
    lesion = bed_parameter_sets()[TUMOUR_PARAMETERS]

    def region(tiac_h: np.ndarray, rate: np.ndarray, mass_kg: np.ndarray, number: float, tissue: BedParameters | None, local: bool = False) -> RegionResponse:
        s = _s(name, mass_kg, local)
        G = np.zeros(len(tiac_h)) if tissue is None else protraction(r.time_h, rate, tissue.repair_half_life_s / 3600)
        dose = {k: np.broadcast_to(3600 * tiac_h * v, tiac_h.shape) for k, v in s.items()}
        alpha = dose.pop("alpha", np.zeros(len(tiac_h)))
        return RegionResponse(number, float(np.mean(mass_kg)) * 1000, sum(dose.values(), np.zeros(len(tiac_h))), alpha, G, math.inf if tissue is None else tissue.alpha_beta_Gy)

    of = {}
    for k in (*organs, *tumours):
        rate = r.amount_nmol[k] * decay
        of[k] = region(r.tiac_h[name][k], rate, np.asarray(r.mass_kg[k], float), 1.0, lesion if k in tumours else bed_parameters(k), local=k == "red marrow")
    if law is not None:
        volume = sum(np.asarray(t.volume_mL, float) for t in patient.tumours)
        tiac, rate = sum(r.tiac_h[name][k] for k in tumours) / volume, sum(r.amount_nmol[k] for k in tumours) * decay
        for v, count in zip(*law.bins()):
            of[f"invisible, {v:.3g} mL"] = region(tiac * v, rate, np.asarray(v / 1000), float(count), lesion)
    return of


def _cycles(parts: list[RegionResponse], column: list[int]) -> RegionResponse:
    """One region, its different uptakes put in the order of the cycles."""
    low, alpha, G = (np.stack([getattr(p, f) for p in parts], axis=-1)[:, column] for f in ("low_Gy_per_Bq", "alpha_Gy_per_Bq", "G"))
    return replace(parts[0], low_Gy_per_Bq=low, alpha_Gy_per_Bq=alpha, G=G)


def _s(name: str, mass_kg: np.ndarray, local: bool) -> Mapping[str, np.ndarray | float]:
    """Self-dose S; over many masses by straight lines between 17 of them in the logarithm."""
    low, high = float(mass_kg.min()), float(mass_kg.max())
    if high <= low * (1 + 1e-12):
        return self_s(name, low, 1.0, local=local)
    grid = np.geomspace(low, high, 17)
    at = [self_s(name, float(m), 1.0, local=local) for m in grid]
    return {k: np.exp(np.interp(np.log(mass_kg), np.log(grid), np.log([max(s[k], 1e-300) for s in at]))) for k in at[0]}


def protraction(time_h: np.ndarray, rate: np.ndarray, repair_half_life_h: float) -> np.ndarray:
    """Lea-Catcheside factor of curves given at points, exponential between them and beyond the last.

        G = (2 / D^2) * integral of r(t) y(t),   y' = r - mu y,   D = integral of r

    in closed form for each piece (Dale 1985, doi:10.1259/0007-1285-58-690-515, with any curve in place of one exponential).

    Parameters
    ----------
    time_h : ndarray, shape (times,), rising
    rate : ndarray, shape (draws, times)
        Dose rate or activity, any unit.
    repair_half_life_h : float

    Raises
    ------
    BadInput
        Curves that do not fit the times, vanish, or rise at the end.

    Kidney, effective half-life 50 h and repair 2.8 h: 2.8 / 52.8.

    >>> t = np.linspace(0, 400, 30)
    >>> round(float(protraction(t, np.exp(-np.log(2) / 50 * t)[None], 2.8)[0]), 5)
    0.05303
    """
    t, r = np.asarray(time_h, float), np.atleast_2d(np.asarray(rate, float))
    top = r.max(axis=1, keepdims=True)
    if r.shape[1] != t.size or t.size < 2 or np.any(np.diff(t) <= 0) or not np.all(np.isfinite(r)) or not np.all(top > 0) or not repair_half_life_h > 0:
        raise BadInput("Protraction needs curves above zero at two or more rising times, and a repair half-life above zero.")
    r = np.maximum(r, 1e-9 * top)  # so that a region still empty has a logarithm
    mu, dt = math.log(2) / repair_half_life_h, np.diff(t)
    k = np.log(r[:, :-1] / r[:, 1:]) / dt
    if np.any((k[:, -1] <= 0) & (r[:, -1] > 2e-9 * top[:, 0])):
        raise BadInput("A curve still rises at its last point, so that its integral has no end; give later points.")
    k = np.concatenate([k, np.where(k[:, -1:] > 0, k[:, -1:], mu)], axis=1)
    k = np.where(np.abs(mu - k) < 1e-6 * mu, mu * (1 - 1e-6), k)
    dt = np.append(dt, np.inf)
    dose, meets, y = np.zeros(len(r)), np.zeros(len(r)), np.zeros(len(r))
    for i in range(t.size):  # over pieces; all draws at once
        r0, ki = r[:, i], k[:, i]
        one, two, with_mu = _decaying(ki, dt[i]), _decaying(2 * ki, dt[i]), _decaying(ki + mu, dt[i])
        dose += r0 * one
        meets += r0 * y * with_mu + r0**2 / (mu - ki) * (two - with_mu)
        if i < t.size - 1:
            y = y * np.exp(-mu * dt[i]) + r0 * (np.exp(-ki * dt[i]) - np.exp(-mu * dt[i])) / (mu - ki)
    return np.clip(2 * meets / dose**2, 0.0, 1.0)


def _decaying(k: np.ndarray, dt: float) -> np.ndarray:
    """Integral of exp(-k t) from 0 to dt."""
    if math.isinf(dt):
        return 1 / k
    x = k * dt
    return dt * np.divide(-np.expm1(-x), x, out=np.ones_like(x), where=np.abs(x) > 1e-12)
