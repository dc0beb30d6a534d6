"""Photon Monte Carlo: speed, and efficiency against ompMC (EGSnrc physics), on a patient-like phantom.

    python benchmarks/photon_mc.py [--histories 2000000]

Prints one JSON object. The phantom has 128 x 128 x 128 voxels of 4 mm (torso, lungs, spine, liver, kidneys, spleen,
tumours) and the photons of Lu-177 above 10 keV. Soft tissue and lung are water of their density, so that both programs
see the same atoms; bone is ICRU-44 here and ICRP there. The figure of merit is 1 / (relative variance x time), for the
mean of a region and for its typical voxel. Variances are those between independent batches, 60 of ours and 50 of
ompMC's, so that a ratio of two is known to about 30 %. The two programs run alternately, three times each, and the
best time of each counts. ompMC (GPL-3) runs in a process of its own, fed by a phase-space file of internal photons;
its start-up is not counted.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numba
import numpy as np

from lutetia.nuclides import nuclide
from lutetia.nuclides.model import Lines
from lutetia.transport.materials import Medium
from lutetia.transport.photon_mc import simulate_photons

N, SPACING_MM = 128, 4.0
MATERIALS = ("air", "water", "cortical_bone")
PEGS = ("AIR521ICRU", "H2O521ICRU", "ICRPBONE521ICRU")
AIR, LUNG, SOFT, BONE = 1.205e-3, 0.26, 1.04, 1.40  # g/mL
RUNS, BATCHES, THEIR_BATCHES = 3, 20, 50
REGIONS = ("liver", "kidneys", "spleen", "tumour", "spine", "muscle", "lungs")


def phantom() -> tuple[Medium, np.ndarray, np.ndarray]:
    """Medium, decays per voxel and labels (1 ... n in the order of REGIONS)."""
    z, y, x = np.meshgrid(*[(np.arange(N) + 0.5 - N / 2) * SPACING_MM] * 3, indexing="ij")

    def ellipsoid(cz: float, cy: float, cx: float, rz: float, ry: float, rx: float) -> np.ndarray:
        return ((z - cz) / rz) ** 2 + ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 < 1

    body = ((x / 175) ** 2 + (y / 115) ** 2 < 1) & (abs(z) < 220)
    lungs = (ellipsoid(130, -10, 80, 110, 75, 55) | ellipsoid(130, -10, -80, 110, 75, 55)) & body
    spine = ((x / 22) ** 2 + ((y - 75) / 22) ** 2 < 1) & body
    liver = ellipsoid(-10, -20, 75, 80, 75, 80) & body & ~lungs
    kidneys = ellipsoid(-60, 55, 65, 55, 27, 27) | ellipsoid(-50, 55, -65, 55, 27, 27)
    spleen = ellipsoid(10, 30, -115, 50, 30, 25) & body
    tumour = ellipsoid(-20, -30, 90, 15, 15, 15) | ellipsoid(-120, -40, -40, 14, 14, 14)
    muscle = ellipsoid(-190, 80, 100, 20, 20, 30) & body
    material, density = np.where(body, 1, 0), np.where(body, SOFT, AIR)
    material[spine], density[spine], density[lungs] = 2, BONE, LUNG
    labels, source = np.zeros(body.shape, int), np.where(body, 0.02, 0.0)
    for i, (mask, uptake) in enumerate(zip((liver, kidneys, spleen, tumour, spine, muscle, lungs), (1.0, 4.0, 5.0, 20.0, 0.05, 0.02, 0.01)), 1):
        labels[mask] = i
        source[mask] = uptake
    return Medium(density.astype(np.float32), material.astype(np.uint8), MATERIALS), source / source.sum(), labels


_OMPMC = """
import os, sys, time, numpy as np, ompmc
answer = os.fdopen(os.dup(1), "w")
os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # ompMC writes a protocol
d = np.load(sys.argv[1])
edges = np.linspace(0.0, d["density"].shape[0] * float(d["cm"]), d["density"].shape[0] + 1)
geometry = ompmc.Geometry(edges, edges, edges, d["media"].tolist(), np.asfortranarray(d["density"], dtype=float), np.asfortranarray(d["material"], dtype=np.int32))
def run(n, batch):
    physics = ompmc.Physics(pegs_file=ompmc.data_path() / "pegs4" / "521icru.pegs4dat", n_split=1, global_ecut=0.7, global_pcut=0.01, seeds=(97, 33 + batch))
    start = time.perf_counter()
    energy, *_ = ompmc.calc_forward_phsp(geometry, ompmc.PhaseSpaceSource(sys.argv[2], first=batch * n), physics, n_histories=n, n_batches=2, output_dose=False)
    return time.perf_counter() - start, energy
batches, n = int(d["batches"]), int(d["n"])
startup = min(run(2, 0)[0] for _ in range(3))
print("ready", file=answer, flush=True)
for _ in sys.stdin:  # a line asks for a timed run
    print(run(n, 0)[0] - startup, file=answer, flush=True)
total, squares, regions = 0.0, 0.0, []
for b in range(batches):
    _, energy = run(n // batches, b)
    total, squares = total + energy, squares + energy**2
    regions.append(np.bincount(d["labels"].ravel(order="F"), energy.ravel(order="F"))[1:])
u = np.sqrt(np.maximum(squares - total**2 / batches, 0) / batches / (batches - 1))
np.savez(sys.argv[3], energy=total / batches, u=u, regions=regions)
"""
_HEADER = """$IAEA_INDEX:
0
$TITLE:
internal photons
$FILE_TYPE:
0
$CHECKSUM:
{bytes}
$RECORD_CONTENTS:
1
1
1
1
1
1
1
0
0
$RECORD_CONSTANT:

$RECORD_LENGTH:
29
$BYTE_ORDER:
1234
$ORIG_HISTORIES:
{n}
$PARTICLES:
{n}
$PHOTONS:
{n}
"""


def write_phase_space(base: Path, source: np.ndarray, energy_MeV: np.ndarray, per_decay: np.ndarray, n: int, rng: np.random.Generator) -> None:
    """Photons of `source` as an IAEA phase space (29-byte records; x, y, z in cm from the corner)."""
    voxel = np.searchsorted(np.cumsum(source.ravel()), rng.random(n) * source.sum(), side="right")
    k, j, i = np.unravel_index(np.minimum(voxel, source.size - 1), source.shape)
    w = rng.uniform(-1, 1, n)
    azimuth = rng.uniform(0, 2 * np.pi, n)
    record = np.zeros(n, np.dtype([("type", "i1"), *[(f, "<f4") for f in ("e", "x", "y", "z", "u", "v", "wt")]]))
    record["type"] = np.where(w < 0, -1, 1)
    record["e"] = -energy_MeV[np.searchsorted(np.cumsum(per_decay) / per_decay.sum(), rng.random(n))]
    for name, index in (("x", i), ("y", j), ("z", k)):
        record[name] = (index + rng.random(n)) * SPACING_MM / 10
    record["u"], record["v"], record["wt"] = np.sqrt(1 - w * w) * np.cos(azimuth), np.sqrt(1 - w * w) * np.sin(azimuth), 1
    record.tofile(base.with_suffix(".IAEAphsp"))
    base.with_suffix(".IAEAheader").write_text(_HEADER.format(n=n, bytes=29 * n))


def run_ompmc(medium: Medium, source: np.ndarray, labels: np.ndarray, lines: Lines, n: int, ours: Callable[[int], None]) -> dict[str, np.ndarray | float]:
    """Energy per decay and its standard error (MeV; k, j, i), energy of the regions in each batch, best seconds.

    `ours` is called before each of its timed runs.
    """
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder) / "photons"
        write_phase_space(base, source, lines.energy_MeV, lines.per_decay, n, np.random.default_rng(7))
        np.savez(Path(folder) / "in.npz", density=medium.density_g_mL.T, material=medium.material.T + 1, labels=labels.T, media=np.array(PEGS), cm=SPACING_MM / 10, n=n, batches=THEIR_BATCHES)
        command = [sys.executable, "-c", _OMPMC, f"{folder}/in.npz", str(base), f"{folder}/out.npz"]
        child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "OMP_NUM_THREADS": str(os.cpu_count())})
        with child:
            child.stdout.readline()  # it is ready
            for r in range(RUNS):
                ours(r)
                print(r, file=child.stdin, flush=True)
                seconds.append(float(child.stdout.readline()))
            child.stdin.close()
        if child.returncode:
            raise SystemExit("ompMC ended with an error.")
        out, photons = np.load(Path(folder) / "out.npz"), lines.per_decay.sum()
        return {"energy": out["energy"].T * photons, "u": out["u"].T * photons, "regions": out["regions"] * photons, "seconds": min(seconds)}


def run(n: int) -> dict[str, object]:
    """Speed and efficiency with `n` histories a run."""
    medium, source, labels = phantom()
    photons, spacing = nuclide("Lu-177").lines["photon"], (SPACING_MM,) * 3
    known = photons.energy_MeV >= 0.01  # ompMC's tables begin at 10 keV
    lines = Lines(photons.energy_MeV[known], photons.per_decay[known])
    simulate_photons(source, medium, spacing, lines, histories=100, seed=0)  # compile
    results, times = [], []

    def ours(seed: int) -> None:
        start = time.perf_counter()
        results.append(simulate_photons(source, medium, spacing, lines, histories=n, seed=seed, batches=BATCHES, labels=labels))
        times.append(time.perf_counter() - start)

    if importlib.util.find_spec("ompmc") is None:
        theirs = None
        for r in range(RUNS):
            ours(r)
    else:
        theirs = run_ompmc(medium, source, labels, lines, n, ours)

    seconds = min(times)
    regions = np.mean([r.region_energy_MeV for r in results], axis=0)
    rel = np.sqrt(np.mean([r.u_region_energy_MeV**2 for r in results], axis=0)) / regions  # of n histories
    energy = np.mean([r.energy_MeV for r in results], axis=0)
    rel_voxel = np.sqrt(np.mean([r.u_energy_MeV**2 for r in results], axis=0)) / np.maximum(energy, 1e-300)
    found: dict[str, object] = {
        "voxels": N**3, "histories": n, "seconds": seconds, "histories_per_second": n / seconds,
        "emitted_keV_per_decay": results[0].emitted_MeV * 1e3,
        "deposited_and_escaped_keV_per_decay": (energy.sum() + np.mean([r.escaped_MeV for r in results])) * 1e3,
        "threads": numba.get_num_threads(), "cores": os.cpu_count() or 0, "load_average_1_min": os.getloadavg()[0],
        "ompmc": "not installed: pip install 'lutetia[mc]' (GPL-3) to compare with it" if theirs is None else "compared in the same run",
    }  # fmt: skip
    if theirs is not None:
        found |= {"ompmc_seconds": theirs["seconds"], "ompmc_histories_per_second": n / theirs["seconds"], "times_faster_than_ompmc": theirs["seconds"] / seconds}
    for i, name in enumerate(REGIONS):
        here = labels == i + 1
        voxel = np.sqrt(np.mean(rel_voxel[here] ** 2))
        row = {"keV_per_decay": regions[i] * 1e3, "relative_u": rel[i], "relative_u_of_voxels": voxel}
        if theirs is not None:
            batch = theirs["regions"][:, i]
            their_rel = batch.std(ddof=1) / np.sqrt(len(batch)) / batch.mean()
            their_voxel = np.sqrt(np.mean(theirs["u"][here] ** 2)) / theirs["energy"][here].mean()
            ratio, faster = regions[i] / batch.mean(), theirs["seconds"] / seconds
            row |= {
                "ompmc_relative_u": their_rel, "ompmc_relative_u_of_voxels": their_voxel,
                "ratio_to_ompmc": ratio, "u_of_ratio": ratio * np.hypot(rel[i] / np.sqrt(RUNS), their_rel),
                "figure_of_merit_ratio": (their_rel / rel[i]) ** 2 * faster,
                "figure_of_merit_ratio_of_voxels": (their_voxel / voxel) ** 2 * faster,
            }  # fmt: skip
        found[name] = {key: float(value) for key, value in row.items()}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--histories", type=int, default=2_000_000)
    print(json.dumps(run(parser.parse_args().histories), indent=1))


if __name__ == "__main__":
    main()
