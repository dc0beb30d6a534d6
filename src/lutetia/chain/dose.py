"""`lutetia dose`: a case file in, a folder of results out, written whole or not at all."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core import BadInput, CouldNot, staged_folder, to_json, write_atomic
from .case import load_case
from .image_mode import ImageRun, run_images
from .plausible import warn_of_the_impossible
from .table_mode import run_table

#: Writes the report of a result; the maps are None where the case had no images.
ReportWriter = Callable[[Path, dict[str, Any], ImageRun | None], None]
_BY_NUCLIDE = "dose_by_nuclide"


def run_case(path: Path | str, out: Path | str, *, engine: str | None = None, seed: int = 1, report: ReportWriter | None = None) -> dict[str, Any]:
    """Run a case and write its results to the folder `out`.

    Parameters
    ----------
    path : path
        A case file, or the folder that holds ``case.toml``.
    out : path
        Folder for ``result.json``, ``regions.csv``, the report and, with images, NIfTI maps and DICOM objects.
    engine : str or None
        Overrides the case's.
    seed : int
        Of everything random.
    report : callable or None
        What writes ``report.html``: `lutetia.report.write_run_report`. None leaves it out.

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
    if not case.scan and engine is not None:
        raise BadInput("--engine: a region-table case has no images to run an engine on; leave it out.")
    with staged_folder(out) as stage:
        run = run_images(case, engine=engine, seed=seed) if case.scan else None
        result = run.result if run is not None else run_table(case, seed=seed)
        warn_of_the_impossible(result)
        result["files"] = {"csv": "regions.csv"} | ({"report": "report.html"} if report is not None else {})
        start = time.perf_counter()
        if run is not None:
            _write_maps(run, stage)
        write_atomic(stage / "regions.csv", _csv(result))
        result["timing_s"]["write"] = time.perf_counter() - start
        if report is not None:
            report(stage / "report.html", result, run)
        try:
            text = to_json(result)
        except ValueError:
            raise CouldNot("The result holds values that are not finite numbers; check the units and prefixes in the case.") from None
        write_atomic(stage / "result.json", text)
    return result


def _write_maps(run: ImageRun, stage: Path) -> None:
    from ..imaging import write_nifti, write_rtdose, write_seg

    names = {"dose": "dose.nii.gz", "tia": "tia.nii.gz", "uncertainty": "dose_u.nii.gz", "rtdose": "rtdose.dcm", "seg": "regions_seg.dcm"}
    for key, volume in (("dose", run.dose), ("tia", run.tia), ("uncertainty", run.dose_u)):
        write_nifti(stage / names[key], volume)
    for nuclide, volume in run.dose_by_nuclide.items():
        names[f"dose_{nuclide}"] = f"{_BY_NUCLIDE}/{nuclide}.nii.gz"
        (stage / _BY_NUCLIDE).mkdir(exist_ok=True)
        write_nifti(stage / names[f"dose_{nuclide}"], volume)
    like = run.source[0] if run.source else None
    write_rtdose(stage / names["rtdose"], run.dose, like=like, description=f"lutetia {run.result['nuclide']} {run.result['engine']}, research use")
    write_seg(stage / names["seg"], run.regions, source_series=run.source or None)
    run.result["files"].update(names)


def _csv(result: dict[str, Any]) -> str:
    keys = ("region", "mass_kg", "volume_mL", "tia_Bq_s", "tia_u_Bq_s", "model", "effective_half_life_s", "dose_Gy", "dose_u_Gy", "dose_per_activity_Gy_per_GBq")
    text = io.StringIO()
    w = csv.writer(text, lineterminator="\n")
    w.writerow([*keys, *(f"dose_{r}_Gy" for r in ("alpha", "electron", "photon")), "D98_Gy", "D50_Gy", "D2_Gy", "bed_Gy"])
    for r in result["regions"]:
        d, b = r["dvh"] or {}, r["bed"] or {}
        w.writerow([*(r[k] for k in keys), *r["dose_by_radiation_Gy"].values(), d.get("D98_Gy"), d.get("D50_Gy"), d.get("D2_Gy"), b.get("bed_Gy")])
    return text.getvalue()
