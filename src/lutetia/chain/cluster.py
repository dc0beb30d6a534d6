"""`lutetia cluster`: one cluster of cells, drawn and summed pair by pair, and sweeps over size, positive fraction and nuclide."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..core import BadInput, staged_folder, to_json, write_atomic
from ..dosimetry.cluster_kernels import ClusterKernels, activity_concentration_decays_per_cell
from ..dosimetry.clusters import Cluster, Survival, Uptake, simulate_cluster
from ..dosimetry.expected import Expected
from ..dosimetry.lattice import ball_of_cells, volume_per_cell_um3
from ..nuclides import nuclide
from ..radiobiology.effectiveness import rbe
from ..transport.spheres import sphere_s_Gy_per_Bq_s
from .cluster_spec import ClusterSpec, load_cluster
from .sweeps import Tissue, crossover_ranges, crossovers, emits_alphas, photon_note, rankings, sweep_rows

RESULT_SCHEMA = "lutetia-cluster-result/1"
#: The convention, and the ends of what was measured in vitro: 213Bi on CA20948, 241Am on DU145 (table 2 of PMC9608466).
RBE_CONVENTION, RBE_RANGE = "deterministic-5", (2.7, 15.2)


def run_cluster(path: Path | str, *, seed: int = 1) -> dict[str, Any]:
    """The result of a cluster file: the cluster, if it names a size, and the sweep, if it asks for one.

    Raises
    ------
    BadInput
        The file cannot be used; the sentence names the key.
    """
    spec = load_cluster(path)
    tissue = Tissue(
        spec.geometry, spec.compartments, spec.pitch_um, spec.cluster.packing, spec.uptake.progeny, spec.uptake.log_sd, spec.cluster.necrotic_core
    )
    name = nuclide(spec.nuclide).name
    cluster = sweep = None
    if spec.cluster.diameter is not None or spec.cluster.cells is not None:
        survival = spec.survival(name)
        kernels = tissue.kernels(name, survival.alpha_track_per_Gy)
        uptake = _uptake(spec, decays_per_cell(spec, name), spec.uptake.positive_fraction)
        lattice = ball_of_cells(spec.pitch_um, diameter_um=spec.cluster.diameter, cells=spec.cluster.cells, packing=spec.cluster.packing)
        cluster = _cluster_record(simulate_cluster(lattice, kernels, uptake, survival, seed=seed), kernels, uptake)
    if spec.sweep is not None:
        sweep = _sweep(spec, tissue, seed)
    widest = max([*(spec.sweep.diameters if spec.sweep else []), cluster["diameter_um"] if cluster is not None else 0.0])
    return {
        "schema": RESULT_SCHEMA,
        "version": __version__,
        "title": spec.title,
        "nuclide": name,
        "spec_sha256": spec.sha256,
        "seed": seed,
        "cell": {"radius_um": spec.cell.radius, "nucleus_radius_um": spec.cell.nucleus_radius, "packing": spec.cluster.packing, "pitch_um": spec.pitch_um},
        "biology": _biology(spec),
        "assumptions": _assumptions(spec, list(dict.fromkeys([name, *(sweep["amounts"] if sweep else [])])), widest),
        "cluster": cluster,
        "sweep": sweep,
    }


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
        "alpha_electron_per_Gy": s.alpha_electron_per_Gy, "beta_electron_per_Gy2": s.beta_electron_per_Gy2, "G": s.G,
        "alpha_alpha_per_Gy": spec.alpha_slope_per_Gy, "u_alpha_alpha_per_Gy": None if alphas is None else alphas.u_alpha_per_Gy, "alpha_track_per_Gy": s.alpha_track_per_Gy,
        "electrons": "values of the file" if electrons is None else f"{electrons.name} ({electrons.source}; {electrons.note})",
        "alphas": "values of the file" if alphas is None else f"{alphas.name} ({alphas.source}; {alphas.note})",
    }  # fmt: skip


def _assumptions(spec: ClusterSpec, names: list[str], widest_um: float) -> list[str]:
    said = [
        "cells and the space between them are water",
        photon_note(names, widest_um, progeny=spec.uptake.progeny),
        "electrons act by their mean dose to the nucleus; alphas track by track, each with the specific energy it leaves in the nucleus",
        "the slope for single tracks is found from the slope against mean dose, for 225Ac and its progeny in a cell of 10 um with a nucleus of 8 um",
        "one set of electron parameters for all nuclides" if spec.sweep is not None else "electron parameters hold for this nuclide's dose rate",
    ]
    if spec.uptake.progeny:
        said.append("every member of a chain decays where its parent did (progeny that leaves the cell would lower self-dose)")
    if spec.uptake.biological_half_life is None:
        said.append("no biological half-life is given: the ligand stays, activity falls by physical decay alone")
    if spec.sweep is not None and spec.sweep.organ is not None:
        organ = spec.sweep.organ
        said.append(
            f"activities give {organ.name} equal weighted doses, in which alphas count {organ.alpha_weight:g} times"
            + (f" (the convention {RBE_CONVENTION}, no measurement)" if organ.alpha_weight == rbe(RBE_CONVENTION).value else " (the file's weight)")
        )
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


def _sweep(spec: ClusterSpec, tissue: Tissue, seed: int) -> dict[str, Any]:
    """Expected survivors over nuclides, positive fractions and diameters; where the ranking turns over, and how sure that is."""
    sweep = spec.sweep
    assert sweep is not None
    names = list(dict.fromkeys(nuclide(n).name for n in sweep.nuclides))
    amounts = {n: _matched(spec, n) for n in names}

    def rows(alpha_change: float = 0.0, weight: float | None = None) -> list[dict[str, Any]]:
        nominal = alpha_change == 0 and weight is None
        decays = {n: (amounts[n] if weight is None else _matched(spec, n, weight))["decays_per_positive_cell"] for n in names}
        answer = {n: spec.survival(n, alpha_change=alpha_change) for n in names}

        def expected(n: str, each: float, f: float, d: float) -> Expected:
            if spec.uptake.patch > 0:
                return _one_draw(spec, d, tissue.kernels(n, answer[n].alpha_track_per_Gy), _uptake(spec, each, f), answer[n], seed)
            return tissue.expected(n, answer[n], each, f, d, control=nominal)

        return sweep_rows(decays, sweep.positive_fractions, sweep.diameters, expected)

    variants = {"nominal": rows()}
    if spec.uptake.patch == 0 and len(names) > 1 and any(emits_alphas(n, progeny=spec.uptake.progeny) for n in names):
        u = _biology(spec)["u_alpha_alpha_per_Gy"]
        if u:
            variants |= {"alpha slope - u": rows(-u), "alpha slope + u": rows(u)}
        if sweep.organ is not None:
            variants |= {f"alpha weight {w:g}": rows(weight=w) for w in RBE_RANGE}
    nominal = variants["nominal"]
    return {
        "match": sweep.match, "amounts": amounts, "rows": nominal, "rankings": rankings(nominal), "crossovers": crossovers(nominal),
        "crossover_ranges": crossover_ranges(variants), "variants": list(variants),
    }  # fmt: skip


def _one_draw(spec: ClusterSpec, diameter_um: float, kernels: ClusterKernels, uptake: Uptake, survival: Survival, seed: int) -> Expected:
    """Where positive cells stand in patches there is no average in closed form: one draw."""
    c = simulate_cluster(ball_of_cells(spec.pitch_um, diameter_um=diameter_um, packing=spec.cluster.packing), kernels, uptake, survival, seed=seed)
    groups = (c.alive & c.positive, c.alive & ~c.positive)
    positive, negative = (float(c.survival[m].mean()) if m.any() else float("nan") for m in groups)
    dose = {r: float((c.self_Gy[r] + c.cross_Gy[r])[c.alive].mean()) for r in ("electron", "alpha")}
    return Expected(float(c.alive.sum()), positive, negative, c.expected_survivors, c.tcp, dose)


def _matched(spec: ClusterSpec, name: str, weight: float | None = None) -> dict[str, Any]:
    """What is injected of `name` under the sweep's rule, and the decays that a positive cell gets; `weight` replaces that of alphas."""
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
        here, reference = (_organ_dose_per_Bq(spec, n, weight) for n in (name, spec.nuclide))
        # Without a limit the organ gets what the reference nuclide's injected activity gives it.
        limit = organ.limit if organ.limit is not None else float(activity or 0.0) * reference["weighted"]
        if limit <= 0:
            raise BadInput("sweep.organ: neither a limit nor an injected_activity is given; give one.")
        activity = limit / here["weighted"]
        said |= {
            "organ": organ.name, "weighted_limit_Sv_RBE": limit, "alpha_weight": organ.alpha_weight if weight is None else weight,
            "convention": RBE_CONVENTION if organ.alpha_weight == rbe(RBE_CONVENTION).value else "the file's weight",
            "organ_dose_Gy": {r: activity * here[r] for r in ("alpha", "electron", "photon")},
        }  # fmt: skip
    decays = decays_per_cell(spec, spec.nuclide if sweep.match == "decays" else name, activity)
    return {**said, "injected_Bq": activity if sweep.match != "decays" else None, "decays_per_positive_cell": decays}


def _organ_dose_per_Bq(spec: ClusterSpec, name: str, weight: float | None = None) -> dict[str, float]:
    """Self-dose of the limiting organ per injected becquerel, by radiation; `weighted` counts alphas with their weight."""
    organ = spec.sweep.organ if spec.sweep is not None else None
    assert organ is not None
    rate = nuclide(name).decay_constant_per_s + (math.log(2) / organ.biological_half_life if organ.biological_half_life is not None else 0.0)
    s = sphere_s_Gy_per_Bq_s(nuclide(name).name, organ.mass, progeny=spec.uptake.progeny)
    dose = {r: organ.injected_fraction / rate * s.get(r, 0.0) for r in ("alpha", "electron", "photon")}
    return {**dose, "weighted": (organ.alpha_weight if weight is None else weight) * dose["alpha"] + dose["electron"] + dose["photon"]}
