"""`lutetia compare` of the synthetic patient with four nuclides, against the first dose run of the same patient.

Run: ``python benchmarks/compare.py``. Prints one JSON object.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def run() -> dict[str, float]:
    """Seconds of the demo (patient, dose, report) and of the comparison after it, each in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        seconds = []
        for arguments in (["demo", "--out", f"{folder}/demo"], ["compare", f"{folder}/demo/patient", "--nuclides", "Lu-177,Tb-161,Y-90,Ac-225", "--out", f"{folder}/compare"]):
            begin = time.perf_counter()
            subprocess.run([sys.executable, "-m", "lutetia", *arguments], capture_output=True, check=True)
            seconds.append(time.perf_counter() - begin)
        assert (Path(folder) / "compare" / "report.html").is_file()
    return {"demo_seconds": seconds[0], "compare_seconds": seconds[1], "compare_over_demo": seconds[1] / seconds[0]}


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
