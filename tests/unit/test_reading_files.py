"""Which files make a series, and what is said of those that do not."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.reading_samples import (
    ADMINISTERED,
    NAME,
    PATIENT,
    base,
    nm_file,
    nuclide,
    put_pixels,
    ramp,
    slices,
)

from lutetia.core import BadInput
from lutetia.imaging.activity import ActivityScan, read_activity
from lutetia.imaging.ct import read_ct


def read(path: Path, **more: object) -> ActivityScan:
    return read_activity(path, nuclide=nuclide(), administered_at=ADMINISTERED, **more)


def refused(path: Path, words: str, **more: object) -> str:
    with pytest.raises(BadInput, match=words) as caught:
        read(path, **more)
    sentence = str(caught.value)
    assert NAME.split("^")[0] not in sentence and PATIENT not in sentence
    assert "\n" not in sentence
    return sentence


def test_a_series_is_read_whatever_the_order_of_its_files(tmp_path: Path) -> None:
    slices(tmp_path / "a", ramp())
    slices(tmp_path / "b", ramp(), order=[2, 0, 3, 1])
    a, b = read(tmp_path / "a"), read(tmp_path / "b")
    assert np.array_equal(a.volume.values, b.volume.values)
    assert a.volume.geometry.same_grid(b.volume.geometry)
    assert a.volume.quantity == "activity concentration [Bq/mL]" and a.volume.time == a.acquired_at
    assert a.volume.geometry.frame_of_reference == "1.2.3.9" and a.series_uid == "1.2.3.4"


def test_files_are_named_with_their_hashes_and_the_patient_is_not(tmp_path: Path) -> None:
    import hashlib

    paths = slices(tmp_path / "a", ramp())
    scan = read(tmp_path / "a")
    assert scan.files == tuple((p.name, hashlib.sha256(p.read_bytes()).hexdigest()) for p in paths)
    assert scan.patient_key == hashlib.sha256(f"{PATIENT}|19500101".encode()).hexdigest()[:12]
    assert NAME not in repr(scan) and PATIENT not in repr(scan)


def test_several_series_are_listed_and_one_can_be_named(tmp_path: Path) -> None:
    slices(tmp_path, ramp())
    slices(tmp_path, 2 * ramp(), series="1.2.3.5")
    sentence = refused(tmp_path, "2 PT or NM series")
    assert "1.2.3.4" in sentence and "1.2.3.5" in sentence and "4 files" in sentence
    one, two = read(tmp_path, series_uid="1.2.3.4"), read(tmp_path, series_uid="1.2.3.5")
    assert two.volume.values.sum() == pytest.approx(2 * one.volume.values.sum(), rel=1e-6)
    refused(tmp_path, "no PT or NM series with UID 9.9", series_uid="9.9")


def test_a_ct_beside_the_activity_is_not_taken_for_it(tmp_path: Path) -> None:
    slices(tmp_path, ramp())
    slices(tmp_path, ramp().astype(np.int16), modality="CT", series="1.2.3.6")
    assert read(tmp_path).modality == "PT"
    assert read_ct(tmp_path).volume.quantity == "HU"


def test_two_patients_in_a_folder_are_refused(tmp_path: Path) -> None:
    slices(tmp_path, ramp())
    slices(tmp_path, ramp().astype(np.int16), modality="CT", series="1.2.3.6", patient="ANOTHER")
    refused(tmp_path, "2 patients")


def test_two_patients_in_one_series_are_refused(tmp_path: Path) -> None:
    def other(ds: pydicom.Dataset, k: int) -> None:
        if k == 2:
            ds.PatientID = "ANOTHER"

    slices(tmp_path, ramp(), change=other)
    refused(tmp_path, "several patients", series_uid="1.2.3.4")


@pytest.mark.parametrize("keep", [0, 100, 200, 700])
def test_a_file_cut_in_its_header_is_refused_by_name(tmp_path: Path, keep: int) -> None:
    path = slices(tmp_path, ramp())[1]
    path.write_bytes(path.read_bytes()[:keep])
    refused(tmp_path, path.name if keep < 700 else ".")


def test_a_file_cut_in_its_pixels_is_refused_by_name(tmp_path: Path) -> None:
    path = slices(tmp_path, ramp())[1]
    path.write_bytes(path.read_bytes()[:-7])
    refused(tmp_path, path.name)


def test_a_file_that_is_not_dicom_is_refused_and_a_note_beside_is_left_out(tmp_path: Path) -> None:
    slices(tmp_path, ramp())
    (tmp_path / "README.txt").write_text("about this patient")
    assert any("README.txt" in w for w in read(tmp_path).warnings)
    (tmp_path / "slice.dcm").write_bytes(b"not an image" * 30)
    refused(tmp_path, "slice.dcm: is not a DICOM file")


def test_no_such_folder_and_an_empty_one(tmp_path: Path) -> None:
    refused(tmp_path / "nothing", "no such file or folder")
    refused(tmp_path, "no DICOM file")


def test_two_hundred_and_forty_nested_sequences_end_in_a_sentence(tmp_path: Path) -> None:
    """pydicom 3.0 recurses once a level and gives up with RecursionError."""
    path = slices(tmp_path, ramp())[0]
    head = path.read_bytes()[:132]
    meta = path.read_bytes()[132:]
    start = meta.index(struct.pack("<HH", 0x0008, 0x0016))
    sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    path.write_bytes(head + meta[:start] + sequence * 240)
    refused(path, "nested too deeply")


def test_a_compression_that_cannot_be_decoded_is_named(tmp_path: Path) -> None:
    """MPEG2 video is no transfer syntax for which pydicom has a decoder."""
    from pydicom.encaps import encapsulate

    path = tmp_path / "video.dcm"
    slices(tmp_path, ramp())

    ds = base("PT", "1.2.840.10008.5.1.4.1.1.128", 9)
    put_pixels(ds, ramp()[0])
    ds.file_meta.TransferSyntaxUID = "1.2.840.10008.1.2.4.100"
    ds.PixelData = encapsulate([b"\0" * 64])
    ds["PixelData"].is_undefined_length = True
    ds.ImagePositionPatient, ds.ImageOrientationPatient = [-10, -20, 46], [1, 0, 0, 0, 1, 0]
    ds.PixelSpacing = [3.0, 2.0]
    ds.Units, ds.DecayCorrection, ds.RescaleSlope = "BQML", "ADMIN", 1
    ds.RadiopharmaceuticalInformationSequence = pydicom.dcmread(tmp_path / "pt1234_000.dcm").RadiopharmaceuticalInformationSequence
    ds.save_as(path, enforce_file_format=True)
    refused(tmp_path, "video.dcm: is compressed as MPEG2")


def test_run_length_compression_is_read(tmp_path: Path) -> None:
    paths = slices(tmp_path / "a", ramp())
    plain = read(tmp_path / "a")
    for p in paths:
        ds = pydicom.dcmread(p)
        ds.compress(pydicom.uid.RLELossless)
        ds.save_as(p, enforce_file_format=True)
    assert np.array_equal(read(tmp_path / "a").volume.values, plain.volume.values)


def test_slices_lost_at_the_end_are_seen_by_the_count_in_the_header(tmp_path: Path) -> None:
    slices(tmp_path, ramp())[-1].unlink()
    refused(tmp_path, "1 of the 4 slices that Number of Slices")


def test_projections_are_refused(tmp_path: Path) -> None:
    def raw(ds: pydicom.Dataset) -> None:
        ds.ImageType = ["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]

    refused(nm_file(tmp_path / "raw.dcm", ramp(), change=raw), "type TOMO, not a reconstructed tomogram")


def test_a_gated_reconstruction_is_refused(tmp_path: Path) -> None:
    refused(nm_file(tmp_path / "gated.dcm", ramp(), vector=[1, 2, 1, 2]), "several frames hold the same slice")


@pytest.mark.parametrize("rows, frames", [(65535, 99999), (0, 4)])
def test_an_impossible_size_is_refused(tmp_path: Path, rows: int, frames: int) -> None:
    def huge(ds: pydicom.Dataset) -> None:
        ds.Rows, ds.Columns, ds.NumberOfFrames = rows, 65535, frames

    refused(nm_file(tmp_path / "huge.dcm", ramp(), change=huge), "huge.dcm")


def test_a_scout_and_a_screen_capture_beside_a_ct_are_passed_over(tmp_path: Path) -> None:
    def scout(ds: pydicom.Dataset, k: int) -> None:
        ds.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]

    def screen(ds: pydicom.Dataset, k: int) -> None:
        ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"

    slices(tmp_path, ramp(5).astype(np.int16), modality="CT")
    slices(tmp_path, ramp(2).astype(np.int16), modality="CT", series="1.2.3.5", change=scout)
    slices(tmp_path, ramp(1).astype(np.int16), modality="CT", series="1.2.3.6", change=screen)
    assert read_ct(tmp_path).volume.geometry.shape == (5, 3, 5)


@pytest.mark.parametrize("inflated_MB, words", [(0, "2 slices|holds one slice"), (200, "would inflate beyond")])
def test_a_deflated_file_is_read_within_bounds(tmp_path: Path, inflated_MB: int, words: str) -> None:
    """200 MB of zeros deflate to 0.2 MB."""

    def deflate(ds: pydicom.Dataset, k: int) -> None:
        del ds.NumberOfSlices
        ds.file_meta.TransferSyntaxUID = pydicom.uid.DeflatedExplicitVRLittleEndian
        if inflated_MB:
            ds.add_new(0x00091001, "OB", bytes(inflated_MB * 10**6))

    slices(tmp_path, ramp(1), change=deflate)
    refused(tmp_path, words)
