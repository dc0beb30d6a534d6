"""A small patient in DICOM for tests: two or three PET-like scans, a CT, contours."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np

from lutetia.imaging import Geometry, RegionSet, Volume, write_rtstruct
from lutetia.imaging.dicom_write import Administered, Study, write_ct_series, write_pt_series

START = dt.datetime(2024, 3, 4, 9, 0)
HALF_LIFE_S = 574301.0
SHAPE = (16, 20, 24)


def geometry(frame: str = "1.2.3") -> Geometry:
    affine = np.diag([4.0, 4.0, 5.0, 1.0])
    affine[:3, 3] = [-40.0, -50.0, -30.0]
    return Geometry(SHAPE, affine, frame)


def organs() -> dict[str, np.ndarray]:
    """The left kidney lies at higher i: +x is the patient's left."""
    left, right, body = (np.zeros(SHAPE, bool) for _ in range(3))
    left[5:10, 8:13, 15:19] = True
    right[5:10, 8:13, 5:9] = True
    body[1:-1, 2:-2, 2:-2] = True
    return {"kidney left": left, "kidney right": right, "body": body}


def concentration(hours: float) -> np.ndarray:
    """Bq/mL at `hours`: the left kidney starts twice as hot as the right and clears with 50 h, the rest with 30 h."""
    masks = organs()
    values = np.where(masks["body"], 2e4, 0.0) * 2 ** (-hours / 30)
    values[masks["kidney left"]] = 8e5 * 2 ** (-hours / 50)
    values[masks["kidney right"]] = 4e5 * 2 ** (-hours / 50)
    return values


def write_patient(folder: Path, hours: tuple[float, ...] = (4.0, 24.0, 96.0), *, patients: tuple[str, ...] = (), decay_correction: str = "ADMIN") -> Path:
    """Write the patient and its case file; `patients` may give each scan an identity of its own."""
    dose = Administered("177Lu-DOTATATE", "Lu-177", 7.4e9, START, HALF_LIFE_S)
    lines = ['schema = "lutetia-case/1"', 'id = "small"', 'nuclide = "Lu-177"', "[administration]", 'activity = "7.4 GBq"', f'time = "{START.isoformat()}"']
    for n, h in enumerate(hours, 1):
        at = START + dt.timedelta(hours=h)
        who = patients[n - 1] if patients else "SMALL"
        study = Study(f"visit-{n}", at, "test", f"{who}^TEST", who, "19600101", "F", 70.0, 1.7)
        files = write_pt_series(
            folder / f"scan{n}" / "pet", Volume(concentration(h), geometry(), "activity concentration [Bq/mL]", at), study, dose,
            duration_s=1200.0, decay_correction=decay_correction,
        )  # fmt: skip
        lines += ["[[scan]]", f'activity = "scan{n}/pet"']
        if n == 1:
            hu = np.where(organs()["body"], 40.0, -1000.0)
            write_ct_series(folder / "scan1" / "ct", Volume(hu, geometry(), "HU", at), study)
            (folder / "scan1" / "regions").mkdir()
            write_rtstruct(folder / "scan1" / "regions" / "rs.dcm", RegionSet(organs(), geometry(), "test", (), ()), series=files[0])
            lines += ['ct = "scan1/ct"', 'regions = "scan1/regions"']
    lines += ["[uncertainty]", 'calibration = "5 %"', 'resolution = "8 mm"', "[dosimetry]", "histories = 100000"]
    (folder / "case.toml").write_text("\n".join(lines) + "\n")
    return folder / "case.toml"
