"""From a run's maps to its report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..chain.image_mode import ImageRun
from .html import write_report
from .planes import ReportImages


def write_run_report(path: Path, result: dict[str, Any], run: ImageRun | None) -> None:
    """Write the report of `result`, with slices of `run`'s maps where there are any."""
    images = None
    if run is not None:
        g = run.dose.geometry
        spacing = (float(g.spacing_mm[0]), float(g.spacing_mm[1]), float(g.spacing_mm[2]))
        images = ReportImages(run.dose.values, run.anatomy.values, run.anatomy_kind, dict(run.regions.masks), spacing, g.affine)
    write_report(path, result, images)
