"""Compute the library of monoenergetic electron kernels in water and write it as a table.

    python scripts/make_electron_kernels.py [--histories 200000] [--seed 20240177] [--out FOLDER]

The table holds, for each energy, the fraction of the *deposited* energy that lies within a radius given in
units of the CSDA range, with its statistical standard error, and the fraction radiated in the simulation.
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path

import numpy as np

from lutetia.transport.electron_mc import simulate_electrons

ENERGIES_MeV = (
    0.001, 0.0015, 0.002, 0.003, 0.005, 0.007, 0.01, 0.015, 0.02, 0.03, 0.045, 0.065, 0.1, 0.15, 0.2, 0.3, 0.45,
    0.65, 0.9, 1.2, 1.6, 2.1, 2.8, 3.7, 5.0,
)
SETTINGS = {"cut_fraction": 0.01, "end_fraction": 0.002, "c1": 0.05, "loss_fraction": 0.03}
DEFAULT_OUT = Path(__file__).resolve().parents[1] / "src" / "lutetia" / "data" / "tables" / "electron_kernels"

SOURCE = """title = "Monoenergetic electron point kernels in liquid water, 1 keV to 5 MeV, radius scaled by the CSDA range"
source = "Computed for lutetia by scripts/make_electron_kernels.py with lutetia.transport.electron_mc: mixed condensed-history Monte Carlo, ESTAR stopping powers (doi 10.18434/T4NC7P), screened Rutherford scattering (screening from atomic form factors) with McKinley-Feshbach spin factor (doi 10.1103/PhysRev.74.1759), random hinge (doi 10.1016/0168-583X(93)95827-R), Moller delta rays, sampled bremsstrahlung (escapes)."
licence = "Apache-2.0"
note = "Below 10 keV the stopping powers and the scattering theory are good to 5 to 10 % only. Positrons are not distinguished from electrons."
sha256 = "{sha256}"

[settings]
histories_per_energy = {histories}
seed = {seed}

[settings.transport]
{settings}

[units]
energy_MeV = "MeV"
scaled_radius = "1 (radius / CSDA range)"
fraction_within = "1 (of the deposited energy)"
standard_error = "1"
radiated_fraction = "1 (of the start energy)"
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=128_000)
    parser.add_argument("--seed", type=int, default=20240177)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    args = parser.parse_args()
    lines = ["energy_MeV,scaled_radius,fraction_within,standard_error,radiated_fraction"]
    for i, energy in enumerate(ENERGIES_MeV):
        start = time.time()
        tally = simulate_electrons(energy, args.histories, args.seed + i, **SETTINGS)
        within, error = tally.within_MeV
        total = within[-1] + tally.beyond_MeV
        radiated = tally.escaped_MeV / energy
        for x, f, u in zip(tally.shell_edges, np.append(within[:-1], total) / total, error / total):
            lines.append(f"{energy:g},{x:g},{f:.6f},{u:.6f},{radiated:.6f}")
        print(f"{energy:g} MeV: {tally.histories} histories in {time.time() - start:.1f} s", flush=True)
    raw = ("\n".join(lines) + "\n").encode()
    settings = "\n".join(f"{k} = {v}" for k, v in SETTINGS.items())
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "table.csv").write_bytes(raw)
    (args.out / "SOURCE.toml").write_text(
        SOURCE.format(sha256=hashlib.sha256(raw).hexdigest(), histories=args.histories, seed=args.seed, settings=settings), "utf-8"
    )


if __name__ == "__main__":
    main()
