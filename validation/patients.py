"""Measured inputs, where they lie beside the repository: a patient's region table and scans, a labelled phantom."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lutetia.chain.dose import run_case

from .compare import Row, Section

SHARED = Path(__file__).resolve().parents[2] / "shared" / "cases"
_LABELS = {15000: "liver", 16000: "spleen", 17000: "kidney left", 18000: "kidney right", 19000: "tumour 1", 20000: "tumour 2", 21000: "tumour 3"}
_MBQ_PER_ML = {"liver": 0.3, "spleen": 1.2, "kidney left": 1.0, "kidney right": 1.0, "tumour 1": 5.0, "tumour 2": 5.0, "tumour 3": 5.0, "rest": 0.02}


def sections() -> list[Section]:
    """Tables for the measured cases; a line that says so where they are not at hand."""
    if not SHARED.is_dir():
        return [Section("Measured cases", "not beside this repository, not run", "", [])]
    with tempfile.TemporaryDirectory() as folder:
        return [*patient4(Path(folder)), phantom(Path(folder))]


def region_table_case(folder: Path) -> Path:
    """A region-table case from the published activities and volumes of SNMMI patient 4."""
    given = json.loads((SHARED / "snmmi-patient4" / "regions.json").read_text())
    lines = [
        'schema = "lutetia-case/1"', 'id = "snmmi-patient-4-table"', 'nuclide = "Lu-177"', "[administration]",
        f'activity = "{given["injected_activity_MBq"]} MBq"', f'time = "{given["injection_datetime"]}"',
        "[uncertainty]", 'calibration = "5 %"', 'volume = "5 %"',
    ]  # fmt: skip
    for name in ("Kidney_Left", "Kidney_Right", "Liver", "Spleen"):
        volume = float(np.mean(given["roi_volume_CT_mL"][name]))
        lines += [
            "[[region]]", f'name = "{name}"', f'volume = "{volume:.3f} mL"', 'density = "1.05 g/mL"',
            f"times = {json.dumps([f'{t!r} h' for t in given['scan_times_h']])}",
            f"activities = {json.dumps([f'{a!r} MBq' for a in given['roi_activity_MBq_at_scan_time'][name]])}",
            *(['bed = "kidney"'] if name.startswith("Kidney") else []),
        ]  # fmt: skip
    path = folder / "table.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def image_case(folder: Path) -> Path:
    """The two scans with their lesion contours, copied beside a case file."""
    for name in ("scan1", "scan2"):
        shutil.copytree(SHARED / "snmmi-patient4" / name, folder / name, dirs_exist_ok=True)
    path = folder / "images.toml"
    path.write_text(
        'schema = "lutetia-case/1"\nid = "snmmi-patient-4"\nnuclide = "Lu-177"\nagent = "177Lu-DOTATATE"\n'
        '[administration]\nactivity = "7210.4255996 MBq"\ntime = "2018-11-15T09:22:00"\n'
        + "".join(f'[[scan]]\nactivity = "scan{n}/spect"\nregions = "scan{n}/rtstruct"\n' for n in (1, 2))
        + '[regions]\nuse = "per-scan"\n[uncertainty]\ncalibration = "5 %"\n'
    )
    return path


def patient4(folder: Path) -> list[Section]:
    """Region table and images of SNMMI patient 4."""
    given = json.loads((SHARED / "snmmi-patient4" / "regions.json").read_text())
    table = run_case(region_table_case(folder), folder / "table-out")
    images = run_case(image_case(folder), folder / "images-out")
    total = given["roi_activity_MBq_at_scan_time"]["FieldOfView_total"]
    rows = [Row(f"scan {s['index']}, {s['time_s'] / 3600:.2f} h", s["total_activity_Bq"] / 1e6, total[s["index"] - 1], 0.001) for s in images["scans"]]
    source = "Dewaraja and Van, doi 10.7302/0n8e-rz46"
    return [
        Section("SNMMI patient 4: activity in the field", source, "MBq", rows),
        Section("SNMMI patient 4: doses", source, "", [], "Not compared: shown so that anyone can reproduce them.", _dose_table(table) + [""] + _dose_table(images)),
    ]


def _dose_table(result: dict[str, Any]) -> list[str]:
    out = [f"Engine {result['engine']}:", "", "| region | volume mL | TIA GBq h | model | T_eff h | dose Gy | Gy/GBq |", "|---|---:|---:|---|---:|---:|---:|"]
    return out + [
        f"| {r['region']} | {r['volume_mL']:.1f} | {r['tia_Bq_s'] / 3.6e12:.3f} ± {r['tia_u_Bq_s'] / 3.6e12:.3f} | {r['model']} | "
        f"{r['effective_half_life_s'] / 3600:.1f} | {r['dose_Gy']:.2f} ± {r['dose_u_Gy']:.2f} | {r['dose_per_activity_Gy_per_GBq']:.3f} |"
        for r in result["regions"]
    ]


def phantom_case(folder: Path) -> Path:
    """The labelled woman: CT, labels and a uniform 177Lu concentration in each organ, 24 h after 7.4 GBq, physical decay alone."""
    import nibabel

    shape = (90, 70, 108)
    base = SHARED / "dotatate-phantom"
    source = np.fromfile(base / "patient15_LuDOTATATE_src.i33", "<u2").reshape(shape)
    hu = np.fromfile(base / "patient15_LuDOTATATE_attn.i33", "<u2").reshape(shape).astype(float) - 1000
    hu[hu == 2000] = -1000  # a block of one value along the back: the couch
    # Rows run to the front and slices to the feet, columns to the patient's left: RAS signs are -, +, -.
    affine = np.diag([-3.9063, 3.9063, -4.4196, 1.0])
    labels = np.zeros(shape, np.int16)
    activity = np.where(hu > -500, _MBQ_PER_ML["rest"], 0.0)
    for n, (value, name) in enumerate(_LABELS.items(), 1):
        labels[source == value] = n
        activity[source == value] = _MBQ_PER_ML[name]
    data = folder / "phantom"
    data.mkdir(exist_ok=True)
    for name, values in (("ct", hu.astype(np.float32)), ("labels", labels), ("spect", activity.astype(np.float32))):
        nibabel.save(nibabel.Nifti1Image(values.transpose(2, 1, 0), affine), data / f"{name}.nii.gz")
    named = ", ".join(f'{n} = "{name}"' for n, name in enumerate(_LABELS.values(), 1))
    (data / "case.toml").write_text(
        'schema = "lutetia-case/1"\nid = "dotatate-phantom"\nnuclide = "Lu-177"\n[administration]\nactivity = "7.4 GBq"\ntime = "2024-01-01T09:00:00"\n'
        f'[[scan]]\nactivity = "spect.nii.gz"\nunit = "MBq/mL"\ntime = "24 h"\ndecay_corrected_to = "acquisition"\nct = "ct.nii.gz"\nregions = "labels.nii.gz"\nlabels = {{{named}}}\n'
        '[kinetics]\nmethod = "physical"\nrelative_u = "10 %"\n[dosimetry]\nhistories = 4000000\n'
    )
    return data / "case.toml"


def phantom(folder: Path) -> Section:
    """The three engines side by side on the labelled phantom."""
    case = phantom_case(folder)
    results = {e: run_case(case, folder / f"phantom-{e}", engine=e) for e in ("local", "kernel", "monte-carlo")}
    text = ["| region | volume mL | local Gy | kernel Gy | monte-carlo Gy | of it photons | local / mc | kernel / mc |", "|---|---:|---:|---:|---:|---:|---:|---:|"]
    for local, kernel, mc in zip(*(r["regions"] for r in results.values())):
        d = mc["dose_Gy"]
        text.append(
            f"| {mc['region']} | {mc['volume_mL']:.1f} | {local['dose_Gy']:.2f} | {kernel['dose_Gy']:.2f} | {d:.2f} | {mc['dose_by_radiation_Gy']['photon'] / d:.1%} | "
            f"{local['dose_Gy'] / d - 1:+.1%} | {kernel['dose_Gy'] / d - 1:+.1%} |"
        )
    remark = (
        "`local` leaves out photons (a few per cent of the dose in organs) and keeps in a small tumour the electrons that leave it, so that it "
        "is low in organs and high in tumours of a few mL. `kernel` and `monte-carlo` move the same electrons and differ in photons alone."
    )
    return Section("Labelled phantom, 177Lu, three engines", "CT and labels: the `dotatate-phantom` case; concentrations chosen here", "", [], remark, text)
