"""The whole-body part of a simulation: one injection or several, for one patient or a population, and the dose of every nuclide of the chain."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..core import BadInput, run_chunks
from ..dosimetry.regions import self_doses_Gy
from ..kinetics.pbpk import ParameterSet, Patient, PbpkResult, simulate_cycles, simulate_pbpk
from ..kinetics.pbpk.population import some_of, virtual_patients
from ..kinetics.pbpk.simulate import CURVE_H
from ..kinetics.pbpk.structure import DEGRADED, URINE
from ..kinetics.progeny import BLOOD, BODY, EXCRETED, Fates, progeny_decays_of_many
from ..kinetics.progeny_presets import WITH_PARENT
from ..nuclides import equilibrium_chain, nuclide
from .case import Progeny
from .fates import fates_of
from .records import band

_CHUNK = 2000
_QUANTILES = {"median": 0.5, "p5": 0.05, "p95": 0.95}
#: Places of the body model by the names that fates have for them: what a cell has degraded is somewhere in the body outside the regions.
_PLACE = {URINE: EXCRETED, DEGRADED: BODY, "blood": BLOOD}


@dataclasses.dataclass(frozen=True, slots=True)
class Injections:
    """Alike injections of an agent, and the molecule that is injected.

    Attributes
    ----------
    nuclide : str
    activity_Bq, ligand_nmol : float
        Of each.
    interval_days : float
        From one to the next.
    uptake_factors : tuple of float
        On the receptors of tumours, one for each injection.
    how : mapping
        Binding, unbound fraction, release, albumin and size, as `simulate_pbpk` takes them.
    """

    nuclide: str
    activity_Bq: float
    ligand_nmol: float
    interval_days: float = 42.0
    uptake_factors: tuple[float, ...] = (1.0,)
    how: Mapping[str, Any] = dataclasses.field(default_factory=dict)


def whole_body(
    asked: Injections, one: Patient, typical: ParameterSet, population: int | None, seed: int, progeny: Progeny | None, *, scheduler: str | None = None,
    progress: Callable[[float], None] | None = None,
) -> tuple[dict[str, Any], list[str]]:  # fmt: skip
    """What the result of a simulation holds of a whole body, and what was assumed.

    Raises
    ------
    BadInput, CouldNot
    """
    n = population or 1
    patients, sets = virtual_patients(one, typical, n, seed) if population else (one, typical)
    firsts = range(0, n, _CHUNK)
    cut = _Chunks(lambda first: (*(some_of(patients, sets, first, min(first + _CHUNK, n)) if population else (patients, sets)), asked), firsts)
    parts = run_chunks(_of_chunk, cut, scheduler=scheduler, progress=progress)
    whole = _joined([{k: v for k, v in p.items() if k not in ("mass_kg", "compact")} for p in parts])
    mass, compact = parts[0]["mass_kg"], parts[0]["compact"]
    where = _Where(asked.nuclide, mass, compact, _fates(asked.nuclide, mass, progeny))
    first, decays = where.doses(whole["tiac_h"])
    result = {
        "kinetics": {"name": typical.name, "kind": "whole body", "note": typical.note},
        "regions": [
            {"region": r, "mass_kg": mass[r], **spread("tiac_h", whole["tiac_h"][r], population), **_shown(first.get(r), population),
             **spread("peak_occupancy", whole["peak"].get(r), population), **spread("peak_time_h", whole["peak_time_h"].get(r), population)}
            for r in mass
        ],
        **spread("urine_fraction_24h", whole["urine"], population), **spread("degraded_fraction_24h", whole["degraded"], population),
        "receptor_occupancy": {
            "time_h": list(CURVE_H),
            "regions": {r: {k: np.quantile(c, q, axis=0).tolist() for k, q in _QUANTILES.items() if population or k == "median"} for r, c in whole["occupancy"].items()},
        },
        "course": _course(asked, whole["cycles"], where, population) if len(asked.uptake_factors) > 1 else None, "progeny": where.record(decays),
    }  # fmt: skip
    return result, where.said(asked.how)


class _Chunks:
    """Parts of a population, each cut when it is wanted, with their number known beforehand."""

    def __init__(self, cut: Callable[[int], tuple[Patient, ParameterSet, Injections]], firsts: range) -> None:
        self.cut, self.firsts = cut, firsts

    def __len__(self) -> int:
        return len(self.firsts)

    def __iter__(self) -> Iterator[tuple[Patient, ParameterSet, Injections]]:
        return map(self.cut, self.firsts)


def _of_chunk(chunk: tuple[Patient, ParameterSet, Injections]) -> dict[str, Any]:
    """What one part of a population gives; it may run in another process."""
    patients, sets, x = chunk
    kept = _kept(simulate_pbpk(patients, sets, x.ligand_nmol, (x.nuclide,), **x.how), x.nuclide)
    n = len(x.uptake_factors)
    cycles = simulate_cycles(patients, sets, [x.ligand_nmol] * n, [x.interval_days] * (n - 1), (x.nuclide,), uptake_factors=x.uptake_factors, **x.how) if n > 1 else []
    return kept | {"cycles": [{"tiac_h": r.tiac_h[x.nuclide], "peak": r.peak_occupancy, "left": r.left_nmol} for r in cycles]}


def _kept(r: PbpkResult, name: str) -> dict[str, Any]:
    """What is wanted of a part of a population."""
    return {
        "tiac_h": dict(r.tiac_h[name]), "peak": r.peak_occupancy, "peak_time_h": r.peak_time_h, "occupancy": r.occupancy,
        "urine": r.urine_fraction_24h, "degraded": r.degraded_fraction_24h, "mass_kg": {k: float(np.asarray(m)) for k, m in r.mass_kg.items()}, "compact": r.compact,
    }  # fmt: skip


def _joined(parts: Sequence[Any]) -> Any:
    """Mappings and lists of arrays, however deep, put together along the patients."""
    if isinstance(parts[0], list):
        return [_joined(x) for x in zip(*parts)]
    if isinstance(parts[0], Mapping):
        return {k: _joined([p[k] for p in parts]) for k in parts[0]}
    return np.concatenate(parts)


def _fates(parent: str, mass_kg: Mapping[str, float], progeny: Progeny | None) -> Fates:
    if taken := [r for r in mass_kg if r in (BODY, EXCRETED)]:
        raise BadInput(f"A tumour is named {taken[0]!r}, which here means a place outside all regions; give it another name.")
    regions = [r for r in mass_kg if r not in _PLACE]
    return fates_of(parent, regions, Progeny() if progeny is None else progeny)


class _Where:
    """Where the nuclides of a chain decay, and the self-dose that follows."""

    def __init__(self, parent: str, mass_kg: Mapping[str, float], compact: Sequence[str], fates: Fates) -> None:
        self.parent, self.fates = parent, fates
        self.names = [m.nuclide.name for m in equilibrium_chain(parent)]
        self.mass_kg = {r: m for r, m in mass_kg.items() if r in compact}

    def doses(self, tiac_h: Mapping[str, np.ndarray]) -> tuple[dict[str, dict[str, dict[str, np.ndarray]]], dict[str, dict[str, np.ndarray]]]:
        """Gy/GBq by region, nuclide and radiation, each of shape (patients,); and the decays (h) by nuclide and place."""
        decays = progeny_decays_of_many(self.parent, {_PLACE.get(r, r): x for r, x in tiac_h.items()}, self.fates)
        return {r: self_doses_Gy({n: 3600 * 1e9 * decays[n][r] for n in self.names}, m, 1.0) for r, m in self.mass_kg.items()}, decays

    def record(self, decays: Mapping[str, Mapping[str, np.ndarray]]) -> dict[str, Any] | None:
        """The fates with their source, and where the chain's energy is released; nothing for a nuclide without progeny."""
        if len(self.names) == 1:
            return None
        energy = {n: sum(nuclide(n).energy_per_decay_MeV.values()) for n in self.names}
        at = {p: sum(energy[n] * float(np.mean(decays[n][p])) for n in self.names if p in decays[n]) for p in dict.fromkeys(p for by in decays.values() for p in by)}
        whole = sum(at.values())
        return {
            "fates": self.fates.name, "source": self.fates.source, "note": self.fates.note, "nuclides": self.names,
            "energy_share": {p: e / whole for p, e in at.items()},
        }  # fmt: skip

    def said(self, how: Mapping[str, Any]) -> list[str]:
        """What a reader must know of the daughters."""
        of = "" if len(self.names) == 1 else ", progeny decaying with the parent" if self.fates.name == WITH_PARENT else f", progeny by the fates {self.fates.name} ({self.fates.source})"
        return [
            "ligand that a cell has released goes back to the tissue" if how.get("release") == "intact" else "ligand that a cell has released is degraded and out of the body; its decays are in no region",
            f"dose is self-dose of a sphere of the region's mass{of}; none is given for regions that are no sphere, and none from one region to another",
        ]  # fmt: skip


def _course(asked: Injections, cycles: Sequence[Mapping[str, Any]], where: _Where, population: int | None) -> dict[str, Any]:
    """Each injection of several by itself, and the dose of all."""
    by_cycle, total = [], {r: {"dose": 0.0, "alpha": 0.0} for r in where.mass_kg}
    for c, x in enumerate(cycles):
        doses, _ = where.doses(x["tiac_h"])
        regions = []
        for r in (r for r in x["tiac_h"] if r not in (URINE, DEGRADED)):
            dose = _total(doses[r]) if r in doses else None
            regions.append({"region": r, **spread("tiac_h", x["tiac_h"][r], population), **spread("dose_Gy_per_GBq", dose, population), **spread("peak_occupancy", x["peak"].get(r), population)})
            if r in doses:
                total[r]["dose"] = total[r]["dose"] + dose * asked.activity_Bq / 1e9
                total[r]["alpha"] = total[r]["alpha"] + _total(doses[r], "alpha") * asked.activity_Bq / 1e9
        by_cycle.append({"cycle": c + 1, "day": c * asked.interval_days, **spread("left_nmol", x["left"], population), "regions": regions})
    return {
        "cycles": len(cycles), "interval_days": asked.interval_days, "uptake_factors": list(asked.uptake_factors), "activity_Bq": asked.activity_Bq * len(cycles), "by_cycle": by_cycle,
        "regions": [{"region": r, **spread("dose_Gy", np.asarray(x["dose"]), population), **spread("alpha_Gy", np.asarray(x["alpha"]), population)} for r, x in total.items()],
    }  # fmt: skip


def _total(by_nuclide: Mapping[str, Mapping[str, np.ndarray]], radiation: str | None = None) -> Any:
    return sum((x for of in by_nuclide.values() for k, x in of.items() if radiation in (None, k)), np.zeros(1))


def _shown(by_nuclide: Mapping[str, Mapping[str, np.ndarray]] | None, population: int | None) -> dict[str, Any]:
    """Dose of a region, by radiation and by nuclide of a chain; unweighted."""
    if by_nuclide is None:
        return {"dose_Gy_per_GBq": None, "dose_by_radiation_Gy_per_GBq": None, "dose_by_nuclide_Gy_per_GBq": None}
    radiations = list(dict.fromkeys(k for of in by_nuclide.values() for k in of))
    return spread("dose_Gy_per_GBq", _total(by_nuclide), population) | {
        "dose_by_radiation_Gy_per_GBq": {k: float(np.median(_total(by_nuclide, k))) for k in radiations},
        "dose_by_nuclide_Gy_per_GBq": None if len(by_nuclide) == 1 else {n: float(np.median(_total({n: of}))) for n, of in by_nuclide.items()},
    }  # fmt: skip


def spread(key: str, values: np.ndarray | None, population: int | None) -> dict[str, Any]:
    """A value, or a population's median and 5 to 95 % range."""
    return band(key, values) if population and values is not None else {key: None if values is None else float(np.median(values))}
