"""What was read is what the written objects inherit from, wherever the files lie and whatever lies beside them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from lutetia.chain.dose import run_case
from lutetia.core import BadInput
from lutetia.imaging import write_rtdose, write_seg
from lutetia.imaging.dicom_common import series_headers
from lutetia.imaging.regions import RegionSet
from lutetia.imaging.volume import Volume
from tests.cli.small_patient import START, concentration, geometry, organs, write_patient


def notes(folder: Path) -> None:
    (folder / "scan1/pet/0-notes.txt").write_text("moved in bed\n")
    (folder / "scan1/pet/DICOMDIR").write_bytes(b"an index, not an image")


def sub_folder(folder: Path) -> None:
    files = list((folder / "scan1/pet").iterdir())
    (folder / "scan1/pet/series").mkdir()
    for f in files:
        f.rename(folder / "scan1/pet/series" / f.name)


def two_sub_folders(folder: Path) -> None:
    files = sorted((folder / "scan1/pet").iterdir())
    for n, f in enumerate(files):
        (folder / f"scan1/pet/part{n % 2}").mkdir(exist_ok=True)
        f.rename(folder / f"scan1/pet/part{n % 2}" / f.name)


def ct_beside(folder: Path) -> None:
    """The CT's names come first in the folder of both."""
    for f in (folder / "scan1/ct").iterdir():
        shutil.move(f, folder / "scan1/pet" / f"0{f.name}")
    text = (folder / "case.toml").read_text()
    (folder / "case.toml").write_text(text.replace('ct = "scan1/ct"', 'ct = "scan1/pet"'))


def in_the_case_folder(folder: Path) -> None:
    for f in (folder / "scan1/pet").iterdir():
        shutil.move(f, folder / f.name)
    shutil.rmtree(folder / "scan1")
    shutil.rmtree(folder / "scan2")
    shutil.rmtree(folder / "scan3")
    image = nibabel.Nifti1Image(organs()["kidney left"].transpose(2, 1, 0).astype(np.int16), np.diag([-1.0, -1, 1, 1]) @ geometry().affine)
    nibabel.save(image, folder / "labels.nii.gz")
    text = (folder / "case.toml").read_text()
    head, rest = text.split("[[scan]]", 1)[0], text.split("[uncertainty]", 1)[1]
    scan = '[[scan]]\nactivity = "."\nregions = "labels.nii.gz"\nlabels = {1 = "kidney left"}\n[kinetics]\nmethod = "hanscheid"\n'
    (folder / "case.toml").write_text(head + scan + "[uncertainty]" + rest)


@pytest.mark.parametrize("change", [notes, sub_folder, two_sub_folders, ct_beside, in_the_case_folder], ids=lambda f: f.__name__)
def test_dose_and_regions_refer_to_the_scan_that_was_read(tmp_path: Path, change: Callable[[Path], None]) -> None:
    case = write_patient(tmp_path / "case")
    scan = {str(pydicom.dcmread(f).SOPInstanceUID): pydicom.dcmread(f) for f in (tmp_path / "case/scan1/pet").iterdir()}
    change(tmp_path / "case")
    run_case(case, tmp_path / "out", engine="local")
    first = next(iter(scan.values()))
    dose, seg = pydicom.dcmread(tmp_path / "out/rtdose.dcm"), pydicom.dcmread(tmp_path / "out/regions_seg.dcm")
    for written in (dose, seg):
        assert (written.PatientID, written.StudyInstanceUID, written.FrameOfReferenceUID) == (first.PatientID, first.StudyInstanceUID, first.FrameOfReferenceUID)
    referred = seg.ReferencedSeriesSequence[0]
    assert referred.SeriesInstanceUID == first.SeriesInstanceUID
    used = {str(i.ReferencedSOPInstanceUID) for i in referred.ReferencedInstanceSequence}
    assert used and used <= set(scan)


def test_nifti_in_capitals_is_nifti_to_the_end(tmp_path: Path) -> None:
    affine = np.diag([-1.0, -1, 1, 1]) @ geometry().affine
    nibabel.save(nibabel.Nifti1Image(concentration(24.0).transpose(2, 1, 0).astype(np.float32), affine), tmp_path / "spect1.nii.gz")
    (tmp_path / "spect1.nii.gz").rename(tmp_path / "SPECT1.NII.GZ")
    nibabel.save(nibabel.Nifti1Image(organs()["kidney left"].transpose(2, 1, 0).astype(np.int16), affine), tmp_path / "labels.nii.gz")
    (tmp_path / "case.toml").write_text(
        f'schema = "lutetia-case/1"\nid = "capitals"\nnuclide = "Lu-177"\n[administration]\nactivity = "7.4 GBq"\ntime = "{START.isoformat()}"\n'
        '[[scan]]\nactivity = "SPECT1.NII.GZ"\nunit = "Bq/mL"\ntime = "24 h"\ndecay_corrected_to = "acquisition"\nregions = "labels.nii.gz"\n'
        'labels = {1 = "kidney left"}\n[kinetics]\nmethod = "hanscheid"\n'
    )
    run_case(tmp_path / "case.toml", tmp_path / "out", engine="local")
    assert pydicom.dcmread(tmp_path / "out/rtdose.dcm").PatientID == "UNKNOWN"


def test_a_folder_of_two_series_is_no_series(tmp_path: Path) -> None:
    write_patient(tmp_path / "case")
    ct_beside(tmp_path / "case")
    folder = tmp_path / "case/scan1/pet"
    regions = RegionSet({"kidney left": organs()["kidney left"]}, geometry(), "test")
    with pytest.raises(BadInput, match="2 image series; give the files"):
        write_seg(tmp_path / "s.dcm", regions, source_series=folder)
    pet = [p for p in folder.iterdir() if pydicom.dcmread(p).Modality == "PT"]
    assert {p for p, _ in series_headers(pet[0])} == set(pet) == {p for p, _ in series_headers(pet)}
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty/notes.txt").write_text("nothing")
    with pytest.raises(BadInput, match="no DICOM file"):
        write_rtdose(tmp_path / "d.dcm", Volume(np.ones(geometry().shape), geometry(), "absorbed dose [Gy]"), like=tmp_path / "empty")
