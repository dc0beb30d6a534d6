"""`lutetia cluster`: one cluster of cells, drawn and summed pair by pair, and sweeps over size, positive fraction and nuclide."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..core import BadInput, finite_or_none, staged_folder, to_json, write_atomic
from ..dosimetry.cluster_kernels import (
    ClusterKernels,
    activity_concentration_decays_per_cell,
    cluster_kernels,
)
from ..dosimetry.clusters import Cluster, Expected, Survival, Uptake, expected_survival_ball, simulate_cluster
from ..dosimetry.lattice import ball_of_cells, volume_per_cell_um3
from ..nuclides import nuclide
from ..transport.spheres import sphere_s_Gy_per_Bq_s
from .cluster_spec import ClusterSpec, load_cluster

RESULT_SCHEMA = "lutetia-cluster-result/1"


def run_cluster(path: Path | str, *, seed: int = 1) -> dict[str, Any]:
    """The result of a cluster file: the cluster, if it names a size, and the sweep, if it asks for one.

    Raises
    ------
    BadInput
        The file cannot be used; the sentence names the key.
    """
    spec = load_cluster(path)
    kernels: dict[str, ClusterKernels] = {}

    def of(name: str) -> ClusterKernels:
        if name not in kernels:
            kernels[name] = cluster_kernels(
                name, spec.geometry, spec.compartments, alpha_per_Gy=spec.survival(name).alpha_alpha_per_Gy, progeny=spec.uptake.progeny
            )
        return kernels[name]

    name = nuclide(spec.nuclide).name
    result: dict[str, Any] = {
        "schema": RESULT_SCHEMA,
        "version": __version__,
        "title": spec.title,
        "nuclide": name,
        "spec_sha256": spec.sha256,
        "seed": seed,
        "cell": {"radius_um": spec.cell.radius, "nucleus_radius_um": spec.cell.nucleus_radius, "packing": spec.cluster.packing, "pitch_um": spec.pitch_um},
        "biology": _biology(spec),
        "assumptions": _assumptions(spec),
        "cluster": None,
        "sweep": None,
    }
    if spec.cluster.diameter is not None or spec.cluster.cells is not None:
        uptake = _uptake(spec, decays_per_cell(spec, name), spec.uptake.positive_fraction)
        lattice = ball_of_cells(spec.pitch_um, diameter_um=spec.cluster.diameter, cells=spec.cluster.cells, packing=spec.cluster.packing)
        result["cluster"] = _cluster_record(simulate_cluster(lattice, of(name), uptake, spec.survival(name), seed=seed), of(name), uptake)
    if spec.sweep is not None:
        result["sweep"] = _sweep(spec, of, seed)
    return result


def write_cluster(result: dict[str, Any], out: Path | str, figure: bytes | None) -> None:
    """``result.json``, ``sweep.csv`` and ``crossfire.png`` in a folder, whole or not at all."""
    with staged_folder(out) as stage:
        result["files"] = {}
        if result["sweep"] is not None:
            text = io.StringIO()
            rows = result["sweep"]["rows"]
            writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
            write_atomic(stage / "sweep.csv", text.getvalue())
            result["files"]["csv"] = "sweep.csv"
        if figure is not None:
            write_atomic(stage / "crossfire.png", figure)
            result["files"]["figure"] = "crossfire.png"
        write_atomic(stage / "result.json", to_json(result))


def decays_per_cell(spec: ClusterSpec, name: str, activity_Bq: float | None = None) -> float:
    """Mean decays of `name` in a positive cell; the ligand goes where it went, whatever it carries.

    Stated decays are those of the file's nuclide: another nuclide of equal activity decays in proportion to its residence time.
    """
    u = spec.uptake
    if u.decays_per_cell is not None:
        return u.decays_per_cell * spec.residence_s(name) / spec.residence_s(spec.nuclide)
    if u.activity_per_cell is not None:
        return u.activity_per_cell * spec.residence_s(name)
    activity = activity_Bq if activity_Bq is not None else u.injected_activity
    if activity is None or u.injected_fraction_per_gram is None:
        raise BadInput("uptake: the injected activity is not given; add injected_activity.")
    per_gram = activity * u.injected_fraction_per_gram * spec.residence_s(name)
    return activity_concentration_decays_per_cell(per_gram, volume_per_cell_um3(spec.cluster.packing, spec.pitch_um))


def _uptake(spec: ClusterSpec, decays: float, positive_fraction: float) -> Uptake:
    return Uptake(decays, positive_fraction, spec.uptake.log_sd, spec.cluster.necrotic_core, spec.uptake.patch)


def _biology(spec: ClusterSpec) -> dict[str, Any]:
    electrons, alphas = spec.parameter_sets()
    s = spec.survival(spec.nuclide)
    return {
        "alpha_electron_per_Gy": s.alpha_electron_per_Gy, "beta_electron_per_Gy2": s.beta_electron_per_Gy2, "G": s.G, "alpha_alpha_per_Gy": s.alpha_alpha_per_Gy,
        "electrons": "values of the file" if electrons is None else f"{electrons.name} ({electrons.source}; {electrons.note})",
        "alphas": "values of the file" if alphas is None else f"{alphas.name} ({alphas.source}; {alphas.note})",
    }  # fmt: skip


def _assumptions(spec: ClusterSpec) -> list[str]:
    said = [
        "cells and the space between them are water; photons are left out (under 1 % of the dose within a millimetre)",
        "electrons act by their mean dose to the nucleus; alphas track by track, each with the specific energy it leaves in the nucleus",
        "alpha_alpha is the slope for a single track; measured slopes of survival against mean dose are a few per cent lower",
        "one set of electron parameters for all nuclides" if spec.sweep is not None else "electron parameters hold for this nuclide's dose rate",
    ]
    if spec.uptake.progeny:
        said.append("every member of a chain decays where its parent did (progeny that leaves the cell would lower self-dose)")
    if spec.uptake.biological_half_life is None:
        said.append("no biological half-life is given: the ligand stays, activity falls by physical decay alone")
    return said


def _cluster_record(c: Cluster, kernels: ClusterKernels, uptake: Uptake) -> dict[str, Any]:
    alive = c.alive
    groups = {"positive": alive & c.positive, "negative": alive & ~c.positive, "all": alive}

    def mean(values: np.ndarray, mask: np.ndarray) -> float | None:
        return float(values[mask].mean()) if mask.any() else None

    dose = c.dose_Gy
    diameter = 2 * (3 * len(alive) * c.lattice.volume_per_cell_um3 / (4 * math.pi)) ** (1 / 3)
    edges = np.linspace(0.0, float(c.lattice.distance_um.max()) * (1 + 1e-9) + 1e-9, 13)
    ring = np.clip(np.digitize(c.lattice.distance_um, edges) - 1, 0, 11)
    return {
        "cells": len(alive),
        "living": int(alive.sum()),
        "positive": int(c.positive.sum()),
        "diameter_um": diameter,
        "decays_per_positive_cell": uptake.decays_per_positive_cell,
        "dose_Gy": {
            g: {
                "mean": mean(dose, m),
                **{f"{part}_{r}": mean(values[r], m) for part, values in (("self", c.self_Gy), ("cross", c.cross_Gy)) for r in ("electron", "alpha")},
                "percentiles": dict(zip(("2", "50", "98"), np.percentile(dose[m], [2, 50, 98]).tolist())) if m.any() else None,
            }
            for g, m in groups.items()
        },
        "hits": {g: mean(c.hits, m) for g, m in groups.items()},
        "fraction_not_hit": {g: mean(c.not_hit, m) for g, m in groups.items()} if kernels.alpha_reach_um > 0 else None,
        "survival": {g: mean(c.survival, m) for g, m in groups.items()},
        "expected_survivors": c.expected_survivors,
        "tcp": c.tcp,
        "profile": [
            {
                "from_um": float(edges[k]), "to_um": float(edges[k + 1]), "cells": int((alive & (ring == k)).sum()),
                "dose_Gy": mean(dose, alive & (ring == k)), "survival": mean(c.survival, alive & (ring == k)),
            }
            for k in range(12)
        ],
    }  # fmt: skip


def _sweep(spec: ClusterSpec, kernels_of: Any, seed: int) -> dict[str, Any]:
    """Expected survivors over nuclides, positive fractions and diameters."""
    sweep = spec.sweep
    assert sweep is not None
    names = list(dict.fromkeys(nuclide(n).name for n in sweep.nuclides))
    amounts = {n: _matched(spec, n) for n in names}
    rows: list[dict[str, Any]] = []
    for name in names:
        survival = spec.survival(name)
        for fraction in sweep.positive_fractions:
            uptake = _uptake(spec, amounts[name]["decays_per_positive_cell"], fraction)
            for diameter in sweep.diameters:
                e = _survival(spec, diameter, kernels_of(name), uptake, survival, seed)
                rows.append({
                    "nuclide": name, "positive_fraction": fraction, "diameter_um": diameter, "cells": e.cells,
                    "dose_electron_Gy": e.mean_dose_Gy["electron"], "dose_alpha_Gy": e.mean_dose_Gy["alpha"],
                    "survival_positive": finite_or_none(e.survival_positive), "survival_negative": finite_or_none(e.survival_negative),
                    "expected_survivors": e.survivors, "surviving_fraction": e.survivors / e.cells, "tcp": e.tcp,
                })  # fmt: skip
    return {"match": sweep.match, "amounts": amounts, "rows": rows, "rankings": rankings(rows), "crossovers": crossovers(rows)}


def _survival(spec: ClusterSpec, diameter_um: float, kernels: ClusterKernels, uptake: Uptake, survival: Survival, seed: int) -> Expected:
    """The average over all draws; where positive cells stand in patches, one draw."""
    if uptake.patch_um == 0:
        return expected_survival_ball(diameter_um, spec.pitch_um, spec.cluster.packing, kernels, uptake, survival)
    c = simulate_cluster(ball_of_cells(spec.pitch_um, diameter_um=diameter_um, packing=spec.cluster.packing), kernels, uptake, survival, seed=seed)
    groups = (c.alive & c.positive, c.alive & ~c.positive)
    positive, negative = (float(c.survival[m].mean()) if m.any() else float("nan") for m in groups)
    dose = {r: float((c.self_Gy[r] + c.cross_Gy[r])[c.alive].mean()) for r in ("electron", "alpha")}
    return Expected(float(c.alive.sum()), positive, negative, c.expected_survivors, c.tcp, dose)


def _matched(spec: ClusterSpec, name: str) -> dict[str, Any]:
    """What is injected of `name` under the sweep's rule, and the decays that a positive cell gets."""
    sweep = spec.sweep
    assert sweep is not None
    activity = spec.uptake.injected_activity
    said: dict[str, Any] = {"rule": sweep.match}
    if sweep.match == "stated":
        given = {nuclide(k).name: v for k, v in (sweep.activities or {}).items()}
        if name not in given:
            raise BadInput(f"sweep.activities: there is none for {name}; give the injected activity of every nuclide of the sweep.")
        activity = given[name]
    elif sweep.match == "organ-limit":
        organ = sweep.organ
        assert organ is not None
        here, reference = (_organ_dose_per_Bq(spec, n) for n in (name, spec.nuclide))
        # Without a limit the organ gets what the reference nuclide's injected activity gives it.
        limit = organ.limit if organ.limit is not None else float(activity or 0.0) * reference["weighted"]
        if limit <= 0:
            raise BadInput("sweep.organ: neither a limit nor an injected_activity is given; give one.")
        activity = limit / here["weighted"]
        said |= {
            "organ": organ.name, "weighted_limit_Gy": limit, "alpha_weight": organ.alpha_weight,
            "organ_dose_Gy": {r: activity * here[r] for r in ("alpha", "electron", "photon")},
        }  # fmt: skip
    decays = decays_per_cell(spec, spec.nuclide if sweep.match == "decays" else name, activity)
    return {**said, "injected_Bq": activity if sweep.match != "decays" else None, "decays_per_positive_cell": decays}


def _organ_dose_per_Bq(spec: ClusterSpec, name: str) -> dict[str, float]:
    """Self-dose of the limiting organ per injected becquerel, by radiation; `weighted` counts alphas with their weight."""
    organ = spec.sweep.organ if spec.sweep is not None else None
    assert organ is not None
    rate = nuclide(name).decay_constant_per_s + (math.log(2) / organ.biological_half_life if organ.biological_half_life is not None else 0.0)
    s = sphere_s_Gy_per_Bq_s(nuclide(name).name, organ.mass, progeny=spec.uptake.progeny)
    dose = {r: organ.injected_fraction / rate * s.get(r, 0.0) for r in ("alpha", "electron", "photon")}
    return {**dose, "weighted": organ.alpha_weight * dose["alpha"] + dose["electron"] + dose["photon"]}


def rankings(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For each positive fraction and diameter the nuclides, fewest expected survivors first."""
    out = []
    for f, d in dict.fromkeys((r["positive_fraction"], r["diameter_um"]) for r in rows):
        here = sorted((r for r in rows if r["positive_fraction"] == f and r["diameter_um"] == d), key=lambda r: r["expected_survivors"])
        out.append({"positive_fraction": f, "diameter_um": d, "order": [r["nuclide"] for r in here]})
    return out


def crossovers(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Diameters at which two nuclides change places, between neighbours of the sweep (log-log interpolation of survivors)."""
    names = list(dict.fromkeys(r["nuclide"] for r in rows))
    out = []
    for f in dict.fromkeys(r["positive_fraction"] for r in rows):
        curves = {n: sorted((r["diameter_um"], _log(r["expected_survivors"])) for r in rows if r["nuclide"] == n and r["positive_fraction"] == f) for n in names}
        for i, a in enumerate(names):
            for b in names[i + 1 :]:
                d, gap = zip(*((x, u - v) for (x, u), (_, v) in zip(curves[a], curves[b])))
                for k in range(len(d) - 1):
                    if gap[k] * gap[k + 1] < 0:
                        t = gap[k] / (gap[k] - gap[k + 1])
                        at = math.exp(math.log(d[k]) + t * (math.log(d[k + 1]) - math.log(d[k])))
                        small, large = (a, b) if gap[k] < 0 else (b, a)
                        out.append({"positive_fraction": f, "diameter_um": at, "better_below": small, "better_above": large})
    return out


def _log(x: float) -> float:
    return math.log(max(x, 1e-300))
