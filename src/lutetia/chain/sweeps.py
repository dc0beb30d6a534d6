"""Survivors of clusters over nuclide, positive fraction and diameter; and where one nuclide overtakes another, with its range."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..core import finite_or_none
from ..dosimetry.cells import CellGeometry
from ..dosimetry.cluster_kernels import ClusterKernels, cluster_kernels
from ..dosimetry.clusters import Survival, Uptake
from ..dosimetry.expected import Expected, expected_survival_ball
from ..nuclides import nuclide
from ..transport.spheres import sphere_s_Gy_per_Bq_s


@dataclass(frozen=True, slots=True, eq=False)
class Tissue:
    """The cells of a sweep; kernels and results are kept, so that a variant costs only what it changes."""

    cell: CellGeometry
    compartments: Mapping[str, float]
    pitch_um: float
    packing: str
    progeny: bool = True
    log_sd: float = 0.0
    necrotic_core_um: float = 0.0
    kept: dict[Any, Any] = field(default_factory=dict)

    def kernels(self, name: str, alpha_track_per_Gy: float) -> ClusterKernels:
        """Kernels of a nuclide in these cells."""
        key = (name, alpha_track_per_Gy)
        if key not in self.kept:
            self.kept[key] = cluster_kernels(name, self.cell, self.compartments, alpha_track_per_Gy=alpha_track_per_Gy, progeny=self.progeny)
        return self.kept[key]

    def expected(self, name: str, survival: Survival, decays: float, fraction: float, diameter_um: float, *, control: bool = True) -> Expected:
        """Averages over all draws of one cluster; `control` asks for the probability that none is left as well."""
        key = (name, survival, decays, fraction, diameter_um)
        if key not in self.kept:
            uptake = Uptake(decays, fraction, self.log_sd, self.necrotic_core_um)
            kernels = self.kernels(name, survival.alpha_track_per_Gy)
            self.kept[key] = expected_survival_ball(diameter_um, self.pitch_um, self.packing, kernels, uptake, survival, control=control)
        return self.kept[key]


def sweep_rows(
    decays: Mapping[str, float], fractions: Sequence[float], diameters_um: Sequence[float], expected: Callable[[str, float, float, float], Expected]
) -> list[dict[str, Any]]:
    """One row for each nuclide, positive fraction and diameter; `decays` are those of a positive cell."""
    rows = []
    for n, each in decays.items():
        for f in fractions:
            for d in diameters_um:
                e = expected(n, each, f, float(d))
                rows.append({
                    "nuclide": n, "positive_fraction": f, "diameter_um": float(d), "cells": e.cells,
                    "dose_electron_Gy": e.mean_dose_Gy["electron"], "dose_alpha_Gy": e.mean_dose_Gy["alpha"],
                    "survival_positive": finite_or_none(e.survival_positive), "survival_negative": finite_or_none(e.survival_negative),
                    "expected_survivors": e.survivors, "surviving_fraction": e.survivors / e.cells, "tcp": e.tcp,
                })  # fmt: skip
    return rows


def rankings(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each positive fraction and diameter the nuclides, fewest expected survivors first."""
    by_place: dict[tuple[float, float], list[dict[str, Any]]] = {}
    for r in rows:
        by_place.setdefault((r["positive_fraction"], r["diameter_um"]), []).append(r)
    return [
        {"positive_fraction": f, "diameter_um": d, "order": [r["nuclide"] for r in sorted(here, key=lambda r: r["expected_survivors"])]}
        for (f, d), here in by_place.items()
    ]


def crossovers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Diameters at which two nuclides change places, between neighbours of the sweep (log-log interpolation of survivors)."""
    names = list(dict.fromkeys(r["nuclide"] for r in rows))
    curves: dict[tuple[str, float], list[tuple[float, float]]] = {}
    for r in rows:
        curves.setdefault((r["nuclide"], r["positive_fraction"]), []).append((r["diameter_um"], math.log(max(r["expected_survivors"], 1e-300))))
    out = []
    for f in dict.fromkeys(r["positive_fraction"] for r in rows):
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                gaps = [(x, u - v) for (x, u), (_, v) in zip(sorted(curves[a, f]), sorted(curves[b, f]))]
                for (x0, g0), (x1, g1) in zip(gaps, gaps[1:]):
                    if g0 * g1 < 0:
                        at = math.exp(math.log(x0) + g0 / (g0 - g1) * (math.log(x1) - math.log(x0)))
                        small, large = (a, b) if g0 < 0 else (b, a)
                        out.append({"positive_fraction": f, "diameter_um": at, "better_below": small, "better_above": large})
    return out


def crossover_ranges(variants: Mapping[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    """For each pair of nuclides and positive fraction with a crossover in any variant, what each variant says.

    ``turns`` of a variant are its crossovers from small to large, each with ``diameter_um`` and ``better_above``; ``ahead_below``
    is the one that leaves fewer below the first of them, or at all sizes where there is none.
    """
    found: dict[tuple[float, str, str], dict[str, list[dict[str, Any]]]] = {}
    for variant, rows in variants.items():
        for c in crossovers(rows):
            pair = sorted((c["better_below"], c["better_above"]))
            found.setdefault((c["positive_fraction"], pair[0], pair[1]), {}).setdefault(variant, []).append(c)
    out = []
    for (f, a, b), turns in sorted(found.items(), key=lambda item: -item[0][0]):
        said = []
        for variant, rows in variants.items():
            here = sorted(turns.get(variant, []), key=lambda c: c["diameter_um"])
            largest = {r["nuclide"]: r["expected_survivors"] for r in sorted(rows, key=lambda r: r["diameter_um"]) if r["positive_fraction"] == f}
            ahead = here[0]["better_below"] if here else min((a, b), key=lambda n: largest[n])
            said.append({"variant": variant, "ahead_below": ahead, "turns": [{"diameter_um": c["diameter_um"], "better_above": c["better_above"]} for c in here]})
        out.append({"positive_fraction": f, "pair": [a, b], "variants": said})
    return out


def turn_text(variant: Mapping[str, Any]) -> str:
    """One variant: who leaves fewer, and from which diameter on."""
    return ", ".join([variant["ahead_below"], *(f"{t['better_above']} above {_um(t['diameter_um'])}" for t in variant["turns"])])


def range_text(entry: Mapping[str, Any]) -> str:
    """A pair in every variant, as a sentence without its end."""
    said = [(v["variant"], turn_text(v)) for v in entry["variants"]]
    text = f"{100 * entry['positive_fraction']:.0f} % positive, {' or '.join(entry['pair'])}: fewer left by {said[0][1]}"
    return text if len({t for _, t in said}) == 1 else f"{text} ({'; '.join(f'{v}: {t}' for v, t in said[1:])})"


def _um(value: float) -> str:
    return f"{value / 1000:.2g} mm" if value >= 1000 else f"{value:.0f} um"


def emits_alphas(name: str, *, progeny: bool) -> bool:
    """Whether the nuclide, or its chain in equilibrium, does."""
    from ..transport.alpha_encounters import alpha_reach_um

    return alpha_reach_um(nuclide(name).name, progeny=progeny) > 0


def photon_note(names: Sequence[str], diameter_um: float, *, progeny: bool) -> str:
    """What leaving out photons leaves out, in the largest cluster."""
    shares = []
    for n in names:
        s = sphere_s_Gy_per_Bq_s(nuclide(n).name, math.pi / 6 * (diameter_um * 1e-4) ** 3 * 1e-3, progeny=progeny)
        share = s.get("photon", 0.0) / sum(s.values())
        if share > 1e-4:
            shares.append(f"{n} {100 * share:.2g} %")
    return f"photons are left out; in a ball of {_um(diameter_um)} they would add to the dose: {', '.join(shares)}" if shares else "photons are left out; these nuclides emit next to none"
