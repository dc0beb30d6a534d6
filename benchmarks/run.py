"""Every benchmark, one after the other, and their table in docs/benchmarks.md. Run by `make bench`."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent


def measure(script: str) -> dict[str, object]:
    """The JSON that a benchmark prints; each runs in a process of its own."""
    done = subprocess.run([sys.executable, HERE / script], capture_output=True, text=True, check=True)
    return json.loads(done.stdout[done.stdout.index("{") :])


def help_seconds() -> dict[str, float]:
    """Best of five of `lutetia --help`, against starting Python."""

    def best(*arguments: str) -> float:
        seconds = []
        for _ in range(5):
            start = time.perf_counter()
            subprocess.run([sys.executable, *arguments], capture_output=True, check=True)
            seconds.append(time.perf_counter() - start)
        return min(seconds)

    return {"seconds": best("-m", "lutetia", "--help"), "python_alone_seconds": best("-c", "pass")}


def main() -> None:
    found: dict[str, dict[str, object]] = {"lutetia --help": {**help_seconds()}}
    for title, script in (("Voxel fits, 4 x 128^3", "voxel_fits.py"), ("Kernel engine, 256 x 256 x 199", "kernel_engine.py"), ("Photon Monte Carlo, 128^3", "photon_mc.py"), ("Alpha tracks through a cell", "alpha_tracks.py"), ("Clusters of cells, 177Lu", "clusters.py"), ("Compare, demo patient, four nuclides", "compare.py"), ("Whole body with receptors, 66 states", "pbpk.py"), ("Charged-particle production, 100Mo", "production.py")):
        found[title] = measure(script)
    for title, script in (("Supply: routes, plans, Monte Carlo", "supply.py"), ("A plan carried out 1000 times, country scenario", "supply_risk.py")):
        there = all(find_spec(x) for x in ("highspy", "ortools", "pyvrp"))
        found[title] = measure(script) if there else {"the extra 'supply'": "not installed"}
    page = [
        "# Benchmarks", "",
        f"Written by `make bench` on {os.cpu_count()} cores of {platform.machine()}, Python {platform.python_version()}. "
        "Seconds depend on the machine and on what else it does; where a load average is given, other programs took a share where it is above the threads used. "
        "Ratios are of both programs in the same run.", "",
    ]  # fmt: skip
    for title, values in found.items():
        page += [f"## {title}", "", "| | |", "|---|---:|", *_rows(values), ""]
    (HERE.parent / "docs" / "benchmarks.md").write_text("\n".join(page).rstrip() + "\n")
    print("\n".join(page))


def _rows(values: dict[str, object], prefix: str = "") -> list[str]:
    out = []
    for key, value in values.items():
        name = f"{prefix}{key.replace('_', ' ')}"
        if isinstance(value, dict):
            out += _rows(value, f"{name}: ")
        else:
            out.append(f"| {name} | {value:.4g} |" if isinstance(value, float) else f"| {name} | {value} |")
    return out


if __name__ == "__main__":
    main()
