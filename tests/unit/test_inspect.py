"""The summary of a folder."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.reading_samples import NAME, PATIENT, base, nm_file, ramp, slices

from lutetia.core import BadInput
from lutetia.imaging.inspect import inspect_folder
from lutetia.imaging.nifti import write_nifti
from lutetia.imaging.volume import Geometry, Volume


def _structures(path: Path) -> None:
    ds = base("RTSTRUCT", "1.2.840.10008.5.1.4.1.1.481.3", 1, series="1.2.3.7")
    names = []
    for name in ("kidney left", "lesion 1"):
        item = pydicom.Dataset()
        item.ROIName = name
        names.append(item)
    ds.StructureSetROISequence = names
    ds.save_as(path, enforce_file_format=True)


def test_a_folder_with_everything_in_it(tmp_path: Path) -> None:
    slices(tmp_path / "pt", ramp())
    slices(tmp_path / "ct", ramp().astype(np.int16), modality="CT", series="1.2.3.6")
    nm_file(tmp_path / "counts.dcm", ramp(), slope_Bq_mL=None, change=lambda ds: setattr(ds, "SeriesInstanceUID", "1.2.3.8"))
    _structures(tmp_path / "rs.dcm")
    write_nifti(tmp_path / "a.nii.gz", Volume(ramp().astype(float), Geometry((4, 3, 5), np.eye(4)), "HU"))
    (tmp_path / "note.txt").write_text("hello")
    (tmp_path / "junk.dcm").write_bytes(b"\1" * 500)
    (tmp_path / "cut.dcm").write_bytes((tmp_path / "counts.dcm").read_bytes()[:150])
    (tmp_path / "cut.nii.gz").write_bytes((tmp_path / "a.nii.gz").read_bytes()[:40])
    found = inspect_folder(tmp_path)
    by = {(s.kind, s.modality or s.description): s for s in found}
    assert len(by) == len(found) == 9
    pt, nm = by["activity", "PT"], by["activity", "NM"]
    assert pt.shape == (4, 3, 5) and pt.spacing_mm == (4.0, 3.0, 2.0) and pt.n_files == 4
    assert pt.units == "Bq/mL" and "0054,1001" in pt.scale and pt.nuclide == "Lu-177" and pt.decay_correction == "ADMIN"
    assert pt.problems == [] and pt.missing_for_dose == [] and pt.scale_explanation
    assert nm.missing_for_dose == ["a calibration, or an image in Bq/mL"] and nm.scale.startswith("none: ")
    assert by["CT", "CT"].units == "HU"
    assert by["regions", "RTSTRUCT"].regions == ["kidney left", "lesion 1"]
    assert len({s.patient_key for s in found if s.modality}) == 1
    assert {k[1] for k in by if k[0] == "unreadable"} == {"junk.dcm", "cut.dcm", "cut.nii.gz"}
    assert ("other", "note.txt") in by and ("NIfTI", "a.nii.gz") in by
    assert NAME not in repr(found) and PATIENT not in repr(found)


def test_a_broken_series_is_listed_with_its_problem(tmp_path: Path) -> None:
    paths = slices(tmp_path, ramp(), modality="CT")
    paths[1].unlink()
    (summary,) = inspect_folder(tmp_path)
    assert summary.n_files == 3 and any("1 slice is missing" in p for p in summary.problems)


def test_what_is_missing_for_a_dose_is_listed(tmp_path: Path) -> None:
    def change(ds: pydicom.Dataset, k: int) -> None:
        del ds.AcquisitionTime, ds.DecayCorrection, ds.RadiopharmaceuticalInformationSequence
        ds.Units = "CNTS"

    slices(tmp_path, ramp(), change=change)
    (summary,) = inspect_folder(tmp_path)
    assert len(summary.missing_for_dose) == 5
    assert "the time of the scan" in summary.missing_for_dose


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file or folder"):
        inspect_folder(tmp_path / "nothing")


def test_what_stands_behind_an_suv_is_told_and_printed(tmp_path: Path) -> None:
    """The activity and the weight of the header, with which an SUV becomes Bq/mL."""
    from typer.testing import CliRunner

    from lutetia.cli.app import app

    def suv(ds: pydicom.Dataset, k: int = 0) -> None:
        ds.Units, ds.SUVType, ds.PatientWeight = "GML", "BW", "71"
        ds.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = "388780000"

    slices(tmp_path, ramp(), change=suv)
    (summary,) = inspect_folder(tmp_path)
    assert "388.78 MBq" in summary.scale_explanation and "71 kg" in summary.scale_explanation
    printed = CliRunner().invoke(app, ["inspect", str(tmp_path)]).output
    assert "scale explanation: " + summary.scale_explanation in printed
