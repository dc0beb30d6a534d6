"""`lutetia dose`: a case file in, a folder of results out, written whole or not at all."""

from __future__ import annotations

import csv
import io
import time
from pathlib import Path
from typing import Any

from ..core import BadInput, inside, staged_folder, to_json, write_atomic
from .case import Case, load_case
from .image_mode import ImageRun, run_images
from .table_mode import run_table


def run_case(path: Path | str, out: Path | str, *, engine: str | None = None, seed: int = 1) -> dict[str, Any]:
    """Run a case and write its results to the folder `out`.

    Parameters
    ----------
    path : path
        A case file, or the folder that holds ``case.toml``.
    out : path
        Folder for ``result.json``, ``regions.csv``, ``report.html`` and, with images, NIfTI maps and DICOM objects.
    engine : str or None
        Overrides the case's.
    seed : int
        Of everything random.

    Returns
    -------
    dict
        The content of ``result.json``.

    Raises
    ------
    BadInput
        The case or its files cannot be used; nothing is written.
    """
    case = load_case(path)
    out = Path(out)
    if case.folder == out.resolve() or out.resolve() in case.folder.parents:
        raise BadInput(f"--out {out}: would hold the case itself; give another folder.")
    with staged_folder(out) as stage:
        if case.scan:
            result = _write_images(case, run_images(case, engine=engine, seed=seed), stage)
        else:
            if engine is not None:
                raise BadInput("--engine: a region-table case has no images to run an engine on; leave it out.")
            result = run_table(case, seed=seed)
            _write_common(result, None, stage)
    return result


def _write_images(case: Case, run: ImageRun, stage: Path) -> dict[str, Any]:
    from ..imaging import write_nifti, write_rtdose, write_seg
    from ..report import ReportImages

    start = time.perf_counter()
    write_nifti(stage / "dose.nii.gz", run.dose)
    write_nifti(stage / "tia.nii.gz", run.tia)
    write_nifti(stage / "dose_u.nii.gz", run.dose_u)
    source = _dicom_source(case)
    write_rtdose(stage / "rtdose.dcm", run.dose, like=source, description=f"lutetia {run.result['nuclide']} {run.result['engine']}, research use")
    write_seg(stage / "regions_seg.dcm", run.regions, source_series=source)
    run.result["files"] = {"dose": "dose.nii.gz", "tia": "tia.nii.gz", "uncertainty": "dose_u.nii.gz", "rtdose": "rtdose.dcm", "seg": "regions_seg.dcm"}
    run.result["timing_s"]["write"] = time.perf_counter() - start
    g = run.dose.geometry
    _write_common(run.result, ReportImages(run.dose.values, run.anatomy.values, run.anatomy_kind, dict(run.regions.masks), tuple(g.spacing_mm), g.affine), stage)
    return run.result


def _dicom_source(case: Case) -> Path | None:
    """A file of the first scan where it is DICOM: patient and study are inherited from it."""
    path = inside(case.folder, case.scan[0].activity, "scan 1")
    if path.is_dir():
        path = next(p for p in sorted(path.rglob("*")) if p.is_file() and not p.name.startswith("."))
    return None if path.name.endswith((".nii", ".nii.gz")) else path


def _write_common(result: dict[str, Any], images: Any, stage: Path) -> None:
    from ..report import write_report

    result.setdefault("files", {}).update({"csv": "regions.csv", "report": "report.html"})
    write_atomic(stage / "regions.csv", _csv(result))
    write_report(stage / "report.html", result, images)
    write_atomic(stage / "result.json", to_json(result))


def _csv(result: dict[str, Any]) -> str:
    keys = ("region", "mass_kg", "volume_mL", "tia_Bq_s", "tia_u_Bq_s", "model", "effective_half_life_s", "dose_Gy", "dose_u_Gy", "dose_per_activity_Gy_per_GBq")
    text = io.StringIO()
    w = csv.writer(text, lineterminator="\n")
    w.writerow([*keys, *(f"dose_{r}_Gy" for r in ("alpha", "electron", "photon")), "D98_Gy", "D50_Gy", "D2_Gy", "bed_Gy"])
    for r in result["regions"]:
        d, b = r["dvh"] or {}, r["bed"] or {}
        w.writerow([*(r[k] for k in keys), *r["dose_by_radiation_Gy"].values(), d.get("D98_Gy"), d.get("D50_Gy"), d.get("D2_Gy"), b.get("bed_Gy")])
    return text.getvalue()
