"""Images written as DICOM say what they hold: checked with pydicom alone, not with lutetia's own reader."""

from __future__ import annotations

import datetime as dt
import math
from pathlib import Path

import numpy as np
import pydicom
import pytest

from lutetia.core import BadInput
from lutetia.imaging.dicom_write import Administered, Study, write_ct_series, write_nm_spect, write_pt_series
from lutetia.imaging.volume import Geometry, Volume

AT = dt.datetime(2024, 3, 4, 13, 0)
HALF_LIFE_S = 6.647 * 86400
STUDY = Study("test", AT, "test", "DEMO^LUTETIA", "LUTETIA-DEMO", "19600101", "F", 70.0, 1.7)
DOSE = Administered("177Lu-DOTATATE", "Lu-177", 7.4e9, AT - dt.timedelta(hours=4), HALF_LIFE_S)
ACTIVITY = "activity concentration [Bq/mL]"
#: Mean over half an hour of an activity that is 1 at its start.
MEAN_DURING = (1 - math.exp(-math.log(2) * 1800 / HALF_LIFE_S)) / (math.log(2) * 1800 / HALF_LIFE_S)


def _volume(quantity: str = ACTIVITY) -> Volume:
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = [-30.25, -20.5, -10.125]
    values = np.random.default_rng(3).gamma(1.0, 1e5, (6, 5, 7))
    if quantity == "HU":
        values = np.linspace(-1000, 1500, 210).reshape(6, 5, 7)
    return Volume(values, Geometry((6, 5, 7), affine, "1.2.3.4"), quantity, AT)


@pytest.fixture()
def nm(tmp_path: Path) -> pydicom.Dataset:
    return pydicom.dcmread(write_nm_spect(tmp_path / "a" / "spect.dcm", _volume(), STUDY, DOSE, duration_s=1800.0))


def test_nm_values_are_the_mean_during_the_acquisition_in_the_real_world_mapping(nm):
    mapping = nm.RealWorldValueMappingSequence[0]
    values = nm.pixel_array * mapping.RealWorldValueSlope + mapping.RealWorldValueIntercept
    expected = _volume().values[::-1] * MEAN_DURING
    assert np.max(np.abs(values - expected)) <= 0.5001 * mapping.RealWorldValueSlope
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "Bq/ml"
    assert mapping.MeasurementUnitsCodeSequence[0].CodingSchemeDesignator == "UCUM"
    assert nm.pixel_array.max() == 65535 and "RescaleSlope" not in nm


def test_nm_says_where_it_lies_only_in_the_detector_item_and_stacks_from_head_to_feet(nm):
    assert "ImagePositionPatient" not in nm and "ImageOrientationPatient" not in nm
    detector = nm.DetectorInformationSequence[0]
    assert list(detector.ImageOrientationPatient) == [1, 0, 0, 0, 1, 0]
    assert list(detector.ImagePositionPatient) == [-30.25, -20.5, -10.125 + 5 * 4]
    assert nm.SpacingBetweenSlices == -4 and list(nm.PixelSpacing) == [3, 2]
    assert list(nm.SliceVector) == [1, 2, 3, 4, 5, 6] and nm.FrameIncrementPointer == 0x00540080
    assert nm.FrameOfReferenceUID == "1.2.3.4"


def test_nm_says_when_what_and_for_how_long(nm):
    assert (nm.AcquisitionDate, nm.AcquisitionTime) == ("20240304", "130000.000000")
    rotation = nm.RotationInformationSequence[0]
    assert rotation.ActualFrameDuration * rotation.NumberOfFramesInRotation == 1_800_000
    drug = nm.RadiopharmaceuticalInformationSequence[0]
    assert drug.RadionuclideTotalDose == 7400 and drug.RadiopharmaceuticalStartTime == "090000.000000"  # MBq in NM
    assert "177" in drug.RadionuclideCodeSequence[0].CodeMeaning


@pytest.mark.parametrize(("word", "factor"), [("START", 1.0), ("NONE", MEAN_DURING), ("ADMIN", 2 ** (4 * 3600 / HALF_LIFE_S))])
def test_pt_values_follow_the_decay_correction(tmp_path: Path, word: str, factor: float):
    volume = _volume()
    paths = write_pt_series(tmp_path, volume, STUDY, DOSE, duration_s=1800.0, decay_correction=word)
    assert len(paths) == 6
    for k, path in enumerate(paths):
        ds = pydicom.dcmread(path)
        assert (ds.Units, ds.DecayCorrection) == ("BQML", word)
        values = ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept)
        assert np.max(np.abs(values - factor * volume.values[k])) <= 0.5001 * float(ds.RescaleSlope)
        assert float(ds.DecayFactor) == pytest.approx(factor / MEAN_DURING, rel=1e-9)
        assert list(ds.ImagePositionPatient) == [-30.25, -20.5, -10.125 + 4 * k]
        assert ds.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose == 7.4e9  # Bq in PET


def test_ct_values_and_places(tmp_path: Path):
    volume = _volume("HU")
    for k, path in enumerate(write_ct_series(tmp_path, volume, STUDY)):
        ds = pydicom.dcmread(path)
        assert np.max(np.abs(ds.pixel_array * float(ds.RescaleSlope) + float(ds.RescaleIntercept) - volume.values[k])) <= 0.5
        assert list(ds.ImagePositionPatient) == [-30.25, -20.5, -10.125 + 4 * k]
        assert ds.InstanceNumber == k + 1 and ds.RescaleType == "HU"


def test_the_same_input_gives_the_same_bytes_and_another_study_other_uids(tmp_path: Path):
    def written(name: str, study: Study) -> list[bytes]:
        write_nm_spect(tmp_path / name / "spect.dcm", _volume(), study, DOSE, duration_s=1800.0)
        write_ct_series(tmp_path / name, _volume("HU"), study)
        write_pt_series(tmp_path / name, _volume(), study, DOSE, duration_s=1800.0)
        return [p.read_bytes() for p in sorted((tmp_path / name).iterdir())]

    first = written("a", STUDY)
    assert first == written("b", STUDY)
    written("c", Study("other", *(getattr(STUDY, f) for f in Study.__slots__[1:])))
    uids = [str(pydicom.dcmread(p).SOPInstanceUID) for d in ("a", "c") for p in sorted((tmp_path / d).iterdir())]
    assert len(set(uids)) == len(uids) == 26 and max(map(len, uids)) <= 64


def test_what_cannot_be_written_is_refused(tmp_path: Path):
    with pytest.raises(BadInput, match="must hold 'HU'"):
        write_ct_series(tmp_path, _volume(), STUDY)
    with pytest.raises(BadInput, match="carries no time"):
        v = _volume()
        write_nm_spect(tmp_path / "x.dcm", Volume(v.values, v.geometry, ACTIVITY), STUDY, DOSE, duration_s=1.0)
    with pytest.raises(BadInput, match="decay correction 'SOME'"):
        write_pt_series(tmp_path, _volume(), STUDY, DOSE, duration_s=1.0, decay_correction="SOME")
    sheared = np.eye(4)
    sheared[0, 2] = 0.3
    with pytest.raises(BadInput, match="not perpendicular"):
        write_nm_spect(tmp_path / "x.dcm", Volume(np.ones((2, 2, 2)), Geometry((2, 2, 2), sheared), ACTIVITY, AT), STUDY, DOSE, duration_s=1.0)
    assert not list(tmp_path.iterdir())
