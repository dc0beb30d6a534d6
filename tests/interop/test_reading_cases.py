"""Measured images of several makers, where they lie beside the repository."""

from __future__ import annotations

import datetime as dt
import json
import time
from pathlib import Path

import numpy as np
import pytest
from tests.reading_samples import nuclide

from lutetia.core import BadInput
from lutetia.imaging.activity import Calibration, read_activity
from lutetia.imaging.ct import read_ct

ADMINISTERED = dt.datetime(2018, 11, 15, 9, 22)


@pytest.mark.parametrize("scan", [0, 1])
def test_activity_in_the_field_of_view_of_the_challenge_patient(shared: Path, scan: int) -> None:
    """SNMMI 177Lu challenge, patient 4: Siemens SPECT exported as PT, decay-corrected to the administration.

    The totals at the scan times were taken from the same images by PyTheranostics.
    """
    folder = shared / "cases" / "snmmi-patient4"
    known = json.loads((folder / "regions.json").read_text())
    start = time.perf_counter()
    image = read_activity(folder / f"scan{scan + 1}" / "spect", nuclide=nuclide(), administered_at=ADMINISTERED)
    assert time.perf_counter() - start < 15  # about 1.2 s on a quiet machine
    total_MBq = image.volume.values.sum(dtype=float) * image.volume.geometry.voxel_mL / 1e6
    assert total_MBq == pytest.approx(known["roi_activity_MBq_at_scan_time"]["FieldOfView_total"][scan], rel=1e-5)
    assert (image.acquired_at - ADMINISTERED).total_seconds() / 3600 == pytest.approx(known["scan_times_h"][scan], abs=1 / 3600)
    assert image.volume.geometry.shape == (199, 256, 256) and image.warnings == () and len(image.files) == 199


def test_both_scans_in_one_folder_are_two_series(shared: Path) -> None:
    with pytest.raises(BadInput, match="2 PT or NM series"):
        read_activity(shared / "cases" / "snmmi-patient4", nuclide=nuclide(), administered_at=ADMINISTERED)


def test_suv_of_a_ge_scanner_becomes_activity(shared: Path) -> None:
    """SUV times dose over weight, decayed from 10:35:00 to 11:20:11; the slope differs from slice to slice."""
    import pydicom

    folder = shared / "cases" / "fdg-petct" / "pet"
    image = read_activity(folder, nuclide=nuclide("F-18", 109.77 * 60), administered_at=None)
    ds = pydicom.dcmread(folder / "000020.dcm")
    expected = ds.pixel_array * float(ds.RescaleSlope) * 388.777472e6 / 71e3 * 0.5 ** (2711 / 6588)
    k = round(float(image.volume.geometry.to_index(np.array(ds.ImagePositionPatient, float))[0]))
    assert image.volume.values[k] == pytest.approx(expected, rel=1e-5)
    assert image.scale.unit == "SUV (body weight)"
    with pytest.raises(BadInput, match="names F-18, and the case Lu-177"):
        read_activity(folder, nuclide=nuclide(), administered_at=None)


def test_the_pet_and_the_ct_of_one_session_lie_together(shared: Path) -> None:
    folder = shared / "cases" / "fdg-petct"
    ct = read_ct(folder / "ct").volume
    pet = read_activity(folder / "pet", nuclide=nuclide("F-18", 109.77 * 60), administered_at=None).volume
    assert ct.geometry.frame_of_reference == pet.geometry.frame_of_reference
    corner = np.array(pet.values.shape) - 1
    assert ct.geometry.to_patient(np.array(ct.values.shape) - 1) == pytest.approx(pet.geometry.to_patient(corner), abs=5.0)
    assert ct.values.min() == -1000 and 1000 < ct.values.max() < 2000


def test_spect_whose_scale_was_lost_is_refused_until_it_is_given(shared: Path) -> None:
    path = shared / "cases" / "scale-lost-spect" / "SPECT-024H_reg.nii.gz"
    given = {"nuclide": nuclide(), "administered_at": ADMINISTERED, "time": ADMINISTERED + dt.timedelta(hours=24), "decay_corrected_to": "acquisition"}
    with pytest.raises(BadInput, match="the activity scale is unknown"):
        read_activity(path, **given)
    image = read_activity(path, calibration=Calibration(Bq_per_count=20.0), **given)
    total = image.volume.values.sum(dtype=float) * image.volume.geometry.voxel_mL
    assert total == pytest.approx(219154109.0 * 20.0, rel=1e-5)


def test_a_ct_in_nifti_of_another_program(shared: Path) -> None:
    ct = read_ct(shared / "cases" / "ct-labels" / "example_ct.nii.gz")
    assert ct.volume.geometry.shape == (112, 101, 122)
    assert ct.volume.geometry.to_patient([0, 0, 0]) == pytest.approx([177.956, -11.319, 94.302], abs=1e-3)
