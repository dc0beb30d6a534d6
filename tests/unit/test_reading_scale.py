"""What turns stored values into Bq/mL, and what is said when nothing does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.reading_samples import ADMINISTERED, HALF_LIFE_LU177_s, code, nm_file, nuclide, ramp, slices

from lutetia.core import BadInput
from lutetia.imaging.activity import ActivityScan, Calibration, read_activity


def read(path: Path, **more: object) -> ActivityScan:
    return read_activity(path, nuclide=nuclide(), administered_at=ADMINISTERED, **{"decay_corrected_to": "acquisition", **more})


def test_the_rescale_slope_is_each_slice_its_own(tmp_path: Path) -> None:
    def change(ds: pydicom.Dataset, k: int) -> None:
        ds.RescaleSlope = str(10 * (k + 1))

    slices(tmp_path, ramp(), change=change)
    scan = read(tmp_path)
    assert scan.volume.values == pytest.approx(ramp() * np.array([10, 20, 30, 40])[:, None, None])
    assert "BQML" in scan.scale.tag and scan.scale.unit == "Bq/mL" and "10 to 40" in scan.scale.explanation


def test_a_real_world_value_mapping_maps_stored_values_and_not_rescaled_ones(tmp_path: Path) -> None:
    """PS3.3 C.7.6.16.2.11: the mapping is from stored values."""

    def change(ds: pydicom.Dataset) -> None:
        ds.RescaleSlope, ds.RescaleIntercept = "7", "3"

    scan = read(nm_file(tmp_path / "nm.dcm", ramp(), spacing_between=4.0, change=change))
    assert scan.volume.values == pytest.approx(2.5 * ramp())
    assert "0040,9096" in scan.scale.tag


@pytest.mark.parametrize("ucum, factor", [("Bq/mL", 1.0), ("kBq/ml", 1e3), ("MBq/ml", 1e6)])
def test_multiples_of_the_unit_in_a_mapping(tmp_path: Path, ucum: str, factor: float) -> None:
    def change(ds: pydicom.Dataset) -> None:
        ds.RealWorldValueMappingSequence[0].MeasurementUnitsCodeSequence = [code(ucum, "UCUM", ucum)]

    scan = read(nm_file(tmp_path / "nm.dcm", ramp(), spacing_between=4.0, change=change))
    assert scan.volume.values == pytest.approx(2.5 * factor * ramp())


def test_two_mappings_that_differ_are_refused(tmp_path: Path) -> None:
    def change(ds: pydicom.Dataset) -> None:
        import copy

        other = copy.deepcopy(ds.RealWorldValueMappingSequence[0])
        other.RealWorldValueSlope = 3.0
        ds.RealWorldValueMappingSequence.append(other)

    with pytest.raises(BadInput, match="several Real World Value Mappings that differ"):
        read(nm_file(tmp_path / "nm.dcm", ramp(), change=change))


def _suv(kind: str = "BW", **tags: object):
    def change(ds: pydicom.Dataset, k: int) -> None:
        ds.Units, ds.SUVType, ds.RescaleSlope = "GML", kind, "0.01"
        for keyword, value in tags.items():
            place = ds if keyword == "PatientWeight" or keyword == "DecayCorrection" else ds.RadiopharmaceuticalInformationSequence[0]
            setattr(place, keyword, value)

    return change


@pytest.mark.parametrize("correction", ["ADMIN", "START"])
def test_suv_is_undone_with_the_headers_weight_and_activity(tmp_path: Path, correction: str) -> None:
    """SUV 1 everywhere is the administered activity, as decayed, in the body's mass: 7.4 GBq / 80 kg after 25.5 h."""
    slices(tmp_path, np.full((3, 2, 2), 100, np.uint16), change=_suv(DecayCorrection=correction))
    scan = read(tmp_path, decay_corrected_to=None)
    assert scan.volume.values == pytest.approx(7.4e9 / 80e3 * 0.5 ** (25.5 * 3600 / HALF_LIFE_LU177_s), rel=1e-5)
    assert scan.scale.unit == "SUV (body weight)" and "80 kg" in scan.scale.explanation


@pytest.mark.parametrize(
    "words, change",
    [
        ("SUV of type LBM", _suv("LBM")),
        ("no patient weight", _suv(PatientWeight=None)),
        ("no administered activity", _suv(RadionuclideTotalDose=None)),
        ("too small to be in Bq", _suv(RadionuclideTotalDose="7400")),
        ("SUV of values that are not decay-corrected", _suv(DecayCorrection="NONE")),
    ],
)
def test_suv_that_cannot_be_undone_is_refused(tmp_path: Path, words: str, change: object) -> None:
    slices(tmp_path, ramp(), change=change)
    with pytest.raises(BadInput, match=words):
        read(tmp_path, decay_corrected_to=None)


@pytest.mark.parametrize("element, expected", [(0x09, 5.0), (0x00, 5.0 * 7.4e9 / 80e3 * 0.5 ** (25.5 * 3600 / HALF_LIFE_LU177_s))])
def test_philips_keeps_the_scale_under_its_own_tag(tmp_path: Path, element: int, expected: float) -> None:
    def change(ds: pydicom.Dataset, k: int) -> None:
        ds.Units, ds.RescaleSlope = "CNTS", "2"
        block = ds.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(element, "DS", "2.5")

    slices(tmp_path, np.ones((3, 2, 2), np.uint16), change=change)
    assert read(tmp_path, decay_corrected_to=None if element == 0 else "acquisition").volume.values == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "calibration, per_count",
    [
        (Calibration(sensitivity_cps_per_Bq=1e-5), 1 / (1e-5 * 1200 * 0.024)),
        (Calibration(Bq_per_count=3.0), 3.0 / 0.024),
        (Calibration(Bq_per_mL_per_count=3.0), 3.0),
    ],
)
def test_counts_need_a_calibration(tmp_path: Path, calibration: Calibration, per_count: float) -> None:
    """60 views of 20 s are 1200 s; a voxel is 2 x 3 x 4 mm."""
    path = nm_file(tmp_path / "nm.dcm", ramp(), spacing_between=4.0, slope_Bq_mL=None)
    with pytest.raises(BadInput, match="the activity scale is unknown.*give a calibration"):
        read(path)
    scan = read(path, calibration=calibration)
    assert scan.volume.values == pytest.approx(ramp() * per_count, rel=1e-6)
    assert scan.scale.tag == "calibration given"
    assert scan.duration_s == 1200.0


def test_a_rescale_slope_of_counts_is_honoured(tmp_path: Path) -> None:
    def change(ds: pydicom.Dataset) -> None:
        ds.RescaleSlope, ds.RescaleIntercept = "0.5", "0"

    path = nm_file(tmp_path / "nm.dcm", ramp(), spacing_between=4.0, slope_Bq_mL=None, change=change)
    assert read(path, calibration=Calibration(Bq_per_mL_per_count=4.0)).volume.values == pytest.approx(2.0 * ramp())


def test_counts_per_second_take_a_sensitivity_only(tmp_path: Path) -> None:
    def change(ds: pydicom.Dataset, k: int) -> None:
        ds.Units = "CPS"

    slices(tmp_path, ramp(), change=change)
    assert read(tmp_path, calibration=Calibration(sensitivity_cps_per_Bq=1e-5)).volume.values == pytest.approx(ramp() / (1e-5 * 0.024))
    with pytest.raises(BadInput, match="counts per second"):
        read(tmp_path, calibration=Calibration(Bq_per_count=2.0))


def test_a_sensitivity_without_a_duration_is_refused_until_it_is_given(tmp_path: Path) -> None:
    def change(ds: pydicom.Dataset) -> None:
        del ds.RotationInformationSequence

    path = nm_file(tmp_path / "nm.dcm", ramp(), slope_Bq_mL=None, change=change)
    with pytest.raises(BadInput, match="needs the duration"):
        read(path, calibration=Calibration(sensitivity_cps_per_Bq=1e-5))
    a = read(path, calibration=Calibration(sensitivity_cps_per_Bq=1e-5), duration_s=600.0)
    b = read(path, calibration=Calibration(sensitivity_cps_per_Bq=1e-5), duration_s=1200.0)
    assert a.volume.values.sum() == pytest.approx(2 * b.volume.values.sum())


def test_a_calibration_for_an_image_in_Bq_per_mL_is_refused_unless_counts_are_declared(tmp_path: Path) -> None:
    slices(tmp_path, ramp())
    with pytest.raises(BadInput, match=r"already in Bq/mL by Units \(0054,1001\)"):
        read(tmp_path, calibration=Calibration(Bq_per_count=1.0))
    assert read(tmp_path, calibration=Calibration(Bq_per_mL_per_count=2.0), unit="counts").volume.values == pytest.approx(2.0 * ramp())


def test_a_declared_unit_must_agree_with_the_header_and_fills_in_for_it(tmp_path: Path) -> None:
    slices(tmp_path, ramp())
    with pytest.raises(BadInput, match="not in kBq/mL as declared"):
        read(tmp_path, unit="kBq/mL")
    with pytest.raises(BadInput, match="Did you mean MBq/mL"):
        read(tmp_path, unit="MBq/ml")
    path = nm_file(tmp_path / "nm.dcm", ramp(), slope_Bq_mL=None, spacing_between=4.0)
    assert read(path, unit="kBq/mL").volume.values == pytest.approx(1000.0 * ramp())
    assert read(path, unit="Bq").volume.values == pytest.approx(ramp() / 0.024)


@pytest.mark.parametrize("units", ["PCNT", "UMOLML", "1CM"])
def test_units_that_are_no_activity_are_refused_even_with_a_calibration(tmp_path: Path, units: str) -> None:
    def change(ds: pydicom.Dataset, k: int) -> None:
        ds.Units = units

    slices(tmp_path, ramp(), change=change)
    with pytest.raises(BadInput, match=f"{units}, which is no activity"):
        read(tmp_path, calibration=Calibration(Bq_per_count=1.0))


@pytest.mark.parametrize(
    "arguments, words",
    [
        ({}, "0 factors"),
        ({"Bq_per_count": 1.0, "sensitivity_cps_per_Bq": 1.0}, "2 factors"),
        ({"Bq_per_count": 0.0}, "above zero"),
        ({"Bq_per_count": float("nan")}, "above zero"),
        ({"Bq_per_count": 1.0, "relative_u": -0.1}, "relative uncertainty"),
    ],
)
def test_a_calibration_is_one_factor(arguments: dict, words: str) -> None:
    with pytest.raises(BadInput, match=words):
        Calibration(**arguments)


def test_an_empty_image_is_refused_and_negative_voxels_are_told(tmp_path: Path) -> None:
    slices(tmp_path / "zero", np.zeros((3, 2, 2), np.uint16))
    with pytest.raises(BadInput, match="no activity"):
        read(tmp_path / "zero")
    some = np.full((3, 2, 2), 100, np.int16)
    some[0] = -50
    slices(tmp_path / "negative", some)
    assert any("negative voxels amount to 33.3 %" in w for w in read(tmp_path / "negative").warnings)
