"""dciodvfy (dicom3tools) finds no error in the images written."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lutetia.imaging.dicom_write import Administered, Study, write_ct_series, write_nm_spect, write_pt_series
from lutetia.imaging.volume import Geometry, Volume

AT = dt.datetime(2024, 3, 4, 13, 0)
STUDY = Study("dciodvfy", AT, "test", "DEMO^LUTETIA", "LUTETIA-DEMO", "19600101", "F", 70.0, 1.7)
DOSE = Administered("177Lu-DOTATATE", "Lu-177", 7.4e9, AT - dt.timedelta(hours=4), 574300.0)


@pytest.mark.skipif(shutil.which("dciodvfy") is None, reason="dciodvfy (dicom3tools) is not installed")
@pytest.mark.parametrize("kind", ["ct", "nm", "pt"])
def test_no_error(tmp_path: Path, kind: str):
    values = np.random.default_rng(1).gamma(1.0, 300.0, (3, 8, 9))
    geometry = Geometry((3, 8, 9), np.diag([4.0, 4.0, 4.0, 1.0]), "1.2.3.4")
    activity = Volume(values, geometry, "activity concentration [Bq/mL]", AT)
    paths = {
        "ct": lambda: write_ct_series(tmp_path, Volume(values, geometry, "HU", AT), STUDY),
        "nm": lambda: [write_nm_spect(tmp_path / "spect.dcm", activity, STUDY, DOSE, duration_s=1800.0)],
        "pt": lambda: write_pt_series(tmp_path, activity, STUDY, DOSE, duration_s=1800.0, decay_correction="ADMIN"),
    }[kind]()
    done = subprocess.run(["dciodvfy", "-new", str(paths[0])], capture_output=True, text=True, check=False)
    report = done.stdout + done.stderr
    assert {"ct": "CTImage", "nm": "NMImage", "pt": "PETImage"}[kind] in report
    assert "Error" not in report, report
