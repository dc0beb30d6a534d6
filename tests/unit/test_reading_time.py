"""When an image was taken and to what time its values are decay-corrected."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.reading_samples import (
    ACQUIRED,
    ADMINISTERED,
    HALF_LIFE_LU177_s,
    nm_file,
    nuclide,
    ramp,
    slices,
    tracer,
)

from lutetia.core import BadInput
from lutetia.imaging.activity import ActivityScan, read_activity
from lutetia.imaging.dicom_nuclide import nuclide_named

F18_s = 109.77 * 60.0
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # pydicom's, on the damaged values written here


def read(path: Path, **more: object) -> ActivityScan:
    return read_activity(path, **{"nuclide": nuclide(), "administered_at": ADMINISTERED, **more})


def edit(**tags: object):
    """A change of every file: attributes of the image, or with a leading `tracer_` of its radiopharmaceutical."""

    def change(ds: pydicom.Dataset, k: int = 0) -> None:
        for keyword, value in tags.items():
            place = ds
            if keyword.startswith("tracer_"):
                place, keyword = ds.RadiopharmaceuticalInformationSequence[0], keyword.removeprefix("tracer_")
            if value is None:
                if keyword in place:
                    delattr(place, keyword)
            else:
                setattr(place, keyword, value)

    return change


def test_correction_to_the_administration_is_undone(tmp_path: Path) -> None:
    slices(tmp_path, 1000 * ramp())
    scan = read(tmp_path)
    assert scan.volume.values == pytest.approx(1000 * ramp() * 0.5 ** (25.5 * 3600 / HALF_LIFE_LU177_s), rel=1e-6)
    assert scan.decay_correction.startswith("ADMIN") and "25.5 h" in scan.decay_correction
    assert scan.acquired_at == ACQUIRED and scan.duration_s == 1200.0 and scan.warnings == ()


def test_it_is_undone_with_the_half_life_it_was_made_with(tmp_path: Path) -> None:
    slices(tmp_path, 1000 * ramp(), change=edit(tracer_RadionuclideHalfLife=str(HALF_LIFE_LU177_s * 1.05)))
    scan = read(tmp_path)
    assert scan.volume.values == pytest.approx(1000 * ramp() * 0.5 ** (25.5 * 3600 / (1.05 * HALF_LIFE_LU177_s)), rel=1e-6)
    assert any("+5.0 % from that of Lu-177" in w for w in scan.warnings)


def test_correction_to_the_start_is_left_alone(tmp_path: Path) -> None:
    slices(tmp_path, ramp(), change=edit(DecayCorrection="START"))
    assert read(tmp_path).volume.values == pytest.approx(ramp())


def test_the_start_is_the_series_time_for_the_later_beds(tmp_path: Path) -> None:
    """Two bed positions of F-18 half an hour apart, corrected to the series time ten minutes before the first."""

    def change(ds: pydicom.Dataset, k: int) -> None:
        at = ACQUIRED + dt.timedelta(minutes=30 * (k // 2))
        ds.DecayCorrection, ds.AcquisitionTime = "START", at.strftime("%H%M%S")
        ds.SeriesTime = (ACQUIRED - dt.timedelta(minutes=10)).strftime("%H%M%S")
        ds.RadiopharmaceuticalInformationSequence = [tracer("18F", F18_s)]

    slices(tmp_path, ramp(), change=change)
    scan = read(tmp_path, nuclide=nuclide("F-18", F18_s))
    assert scan.acquired_at == ACQUIRED
    assert scan.duration_s == pytest.approx(1800 + 1200)
    assert scan.volume.values == pytest.approx(ramp() * 0.5 ** (600 / F18_s), rel=1e-5)


def test_a_series_time_after_the_acquisition_is_not_the_start(tmp_path: Path) -> None:
    slices(tmp_path, ramp(), change=edit(DecayCorrection="START", SeriesTime="150000"))
    scan = read(tmp_path)
    assert scan.volume.values == pytest.approx(ramp())
    assert any("later reconstruction" in w for w in scan.warnings)


def test_frame_means_are_brought_to_the_start_slice_by_slice(tmp_path: Path) -> None:
    """The mean of exp(-lambda t) over the frame, integrated numerically here, is what the camera records."""

    def change(ds: pydicom.Dataset, k: int) -> None:
        at = ACQUIRED + dt.timedelta(minutes=20 * (k // 2))
        ds.DecayCorrection, ds.AcquisitionTime = "NONE", at.strftime("%H%M%S")
        ds.RadiopharmaceuticalInformationSequence = [tracer("^18^Fluorine", F18_s)]

    t = np.linspace(0, 1200, 100001)
    recorded = [np.mean(0.5 ** ((t + 1200 * bed) / F18_s)) for bed in (0, 0, 1, 1)]
    stored = np.rint(np.array(recorded)[:, None, None] * np.full((4, 3, 3), 30000)).astype(np.uint16)
    slices(tmp_path, stored, change=change)
    scan = read(tmp_path, nuclide=nuclide("F-18", F18_s))
    assert scan.volume.values == pytest.approx(30000, rel=1e-4)


@pytest.mark.parametrize("declared, factor", [("acquisition", 1.0), ("administration", 0.5 ** (25.5 * 3600 / HALF_LIFE_LU177_s)), (None, 1.0007)])
def test_nm_says_nothing_and_a_declaration_goes_before(tmp_path: Path, declared: str | None, factor: float) -> None:
    path = nm_file(tmp_path / "nm.dcm", ramp(), spacing_between=4.0)
    scan = read(path, decay_corrected_to=declared)
    assert scan.volume.values == pytest.approx(2.5 * ramp() * factor, rel=1e-4)


def test_nm_that_is_decay_corrected_must_say_to_when(tmp_path: Path) -> None:
    path = nm_file(tmp_path / "nm.dcm", ramp(), change=edit(CorrectedImage=["ATTN", "DECY"]))
    with pytest.raises(BadInput, match="no Decay Correction .* declare decay_corrected_to"):
        read(path)
    assert read(path, decay_corrected_to="acquisition").decay_correction.startswith("START")


@pytest.mark.parametrize(
    "tags, words",
    [
        ({"DecayCorrection": None}, "no Decay Correction"),
        ({"DecayCorrection": "SOMETIME"}, "is SOMETIME, not NONE"),
        ({"AcquisitionTime": None}, "no acquisition date and time"),
        ({"AcquisitionTime": "noon"}, "not a date and time"),
        ({"AcquisitionDate": "20241341"}, "not a date and time"),
        ({"AcquisitionDate": "20240229"}, "before the administration"),
        ({"RadiopharmaceuticalInformationSequence": [tracer("18F", F18_s)]}, "names F-18, and the case Lu-177"),
        ({"RadiopharmaceuticalInformationSequence": [tracer("unknown", F18_s)]}, "half-life of 1.8.* h, which is not that of Lu-177"),
    ],
)
def test_times_and_nuclides_that_cannot_be_are_refused(tmp_path: Path, tags: dict, words: str) -> None:
    slices(tmp_path, ramp(), change=edit(**tags))
    with pytest.raises(BadInput, match=words):
        read(tmp_path)


def test_a_time_given_goes_before_the_headers_and_the_difference_is_told(tmp_path: Path) -> None:
    slices(tmp_path, ramp())
    scan = read(tmp_path, time=ACQUIRED + dt.timedelta(hours=1))
    assert scan.acquired_at == ACQUIRED + dt.timedelta(hours=1)
    assert any("+60.0 min" in w for w in scan.warnings)
    slices(tmp_path / "none", ramp(), change=edit(AcquisitionTime=None))
    assert read(tmp_path / "none", time=ACQUIRED).acquired_at == ACQUIRED


def test_the_headers_administration_undoes_the_headers_correction(tmp_path: Path) -> None:
    slices(tmp_path, ramp())
    mine = read(tmp_path, administered_at=ADMINISTERED - dt.timedelta(minutes=20))
    assert np.array_equal(mine.volume.values, read(tmp_path).volume.values)
    assert any("+20.0 min from the case's" in w for w in mine.warnings)


WEEK = dt.timedelta(days=7)


@pytest.mark.parametrize("tags", [{}, {"tracer_RadiopharmaceuticalStartDateTime": None, "tracer_RadiopharmaceuticalStartTime": "090000"}])
@pytest.mark.parametrize("shift", [WEEK, -WEEK, dt.timedelta(hours=1)])
def test_a_case_on_another_clock_does_not_change_what_the_header_corrected(tmp_path: Path, tags: dict, shift: dt.timedelta) -> None:
    """Dates are often shifted when a patient is made anonymous: 25.5 h by the header are 25.5 h, whatever day the case names."""
    slices(tmp_path, 1000 * ramp(), change=edit(**tags))
    scan = read(tmp_path, administered_at=ADMINISTERED + shift, time=ACQUIRED + shift)
    assert scan.volume.values == pytest.approx(1000 * ramp() * 0.5 ** (25.5 * 3600 / HALF_LIFE_LU177_s), rel=1e-6)
    assert scan.acquired_at == ACQUIRED + shift and not any("administration is" in w for w in scan.warnings)


def test_a_scan_time_of_the_case_is_not_mixed_with_the_headers_administration(tmp_path: Path) -> None:
    """The case says 3 h later than the header: the kinetics follow the case, the correction was made by the header."""
    slices(tmp_path, 1000 * ramp())
    scan = read(tmp_path, time=ACQUIRED + dt.timedelta(hours=3))
    assert scan.volume.values == pytest.approx(1000 * ramp() * 0.5 ** (25.5 * 3600 / HALF_LIFE_LU177_s), rel=1e-6)
    assert any("administration is +180.0 min from the case's" in w for w in scan.warnings)


def test_the_cases_pair_serves_where_the_header_has_none(tmp_path: Path) -> None:
    slices(tmp_path, 1000 * ramp(), change=edit(tracer_RadiopharmaceuticalStartDateTime=None))
    scan = read(tmp_path, administered_at=ADMINISTERED + WEEK, time=ACQUIRED + WEEK + dt.timedelta(hours=2))
    assert scan.volume.values == pytest.approx(1000 * ramp() * 0.5 ** (27.5 * 3600 / HALF_LIFE_LU177_s), rel=1e-6)


def test_the_cases_pair_serves_where_the_header_has_no_acquisition_time(tmp_path: Path) -> None:
    """A header of 2019 and a case of another year: five years of decay are nobody's."""
    old = edit(AcquisitionTime=None, tracer_RadiopharmaceuticalStartDateTime="20190301080000")
    slices(tmp_path, 1000 * ramp(), change=old)
    day = dt.timedelta(days=1)
    scan = read(tmp_path, administered_at=ADMINISTERED, time=ADMINISTERED + day)
    assert scan.volume.values == pytest.approx(1000 * ramp() * 0.5 ** (86400 / HALF_LIFE_LU177_s), rel=1e-6)
    assert any("no acquisition time: the case's times were used" in w for w in scan.warnings)
    with pytest.raises(BadInput, match="give the time of the administration"):
        read(tmp_path, administered_at=None, time=ADMINISTERED + day)


def test_a_reference_of_the_header_is_not_mixed_with_a_time_of_the_case(tmp_path: Path) -> None:
    words = {"DecayCorrection": None, "DecayCorrected": "YES", "DecayCorrectionDateTime": "20190301080000", "AcquisitionTime": None}
    slices(tmp_path, 1000 * ramp(), change=edit(**words))
    with pytest.raises(BadInput, match="no acquisition date and time of the same clock"):
        read(tmp_path, time=ACQUIRED)
    scan = read(tmp_path, time=ACQUIRED, decay_corrected_to="acquisition")
    assert scan.volume.values == pytest.approx(1000 * ramp(), rel=1e-6)


@pytest.mark.parametrize("more", [{}, {"time": ACQUIRED + WEEK, "administered_at": ADMINISTERED + WEEK}])
def test_start_and_a_date_and_time_keep_to_the_header_too(tmp_path: Path, more: dict) -> None:
    earlier = ACQUIRED - dt.timedelta(hours=2)
    words = {"SeriesDate": f"{earlier:%Y%m%d}", "SeriesTime": f"{earlier:%H%M%S}"}
    slices(tmp_path / "start", 1000 * ramp(), change=edit(DecayCorrection="START", **words))
    words = {"DecayCorrection": None, "DecayCorrected": "YES", "DecayCorrectionDateTime": f"{earlier:%Y%m%d%H%M%S}"}
    slices(tmp_path / "moment", 1000 * ramp(), change=edit(**words))
    for name in ("start", "moment"):
        scan = read(tmp_path / name, **more)
        assert scan.volume.values == pytest.approx(1000 * ramp() * 0.5 ** (2 * 3600 / HALF_LIFE_LU177_s), rel=1e-6), name


def test_an_administration_without_a_date_is_placed_by_the_cases(tmp_path: Path) -> None:
    change = edit(tracer_RadiopharmaceuticalStartDateTime=None, tracer_RadiopharmaceuticalStartTime="090000")
    slices(tmp_path, 1000 * ramp(), change=change)
    assert read(tmp_path).volume.values == pytest.approx(1000 * ramp() * 0.5 ** (25.5 * 3600 / HALF_LIFE_LU177_s), rel=1e-6)
    with pytest.raises(BadInput, match="give the time of the administration"):
        read(tmp_path, administered_at=None)


def test_an_administration_before_midnight_of_a_short_lived_nuclide(tmp_path: Path) -> None:
    change = edit(
        RadiopharmaceuticalInformationSequence=[tracer("18F", F18_s)], AcquisitionTime="003000",
        tracer_RadiopharmaceuticalStartDateTime=None, tracer_RadiopharmaceuticalStartTime="233000",
    )  # fmt: skip
    slices(tmp_path, 1000 * ramp(), change=change)
    scan = read(tmp_path, nuclide=nuclide("F-18", F18_s), administered_at=None)
    assert scan.volume.values == pytest.approx(1000 * ramp() * 0.5 ** (3600 / F18_s), rel=1e-6)


def test_without_any_administration_the_cases_is_used(tmp_path: Path) -> None:
    slices(tmp_path, ramp(), change=edit(tracer_RadiopharmaceuticalStartDateTime=None))
    assert any("case's was used" in w for w in read(tmp_path).warnings)


def test_time_zones(tmp_path: Path) -> None:
    """A header in UTC+1 and an administration in UTC: 25.5 h by the clocks on the wall are 24.5 h."""
    zone = dt.timezone(dt.timedelta(hours=1))
    slices(tmp_path / "zone", ramp(), change=edit(TimezoneOffsetFromUTC="+0100"))
    scan = read(tmp_path / "zone", administered_at=ADMINISTERED.replace(tzinfo=dt.UTC))
    assert scan.acquired_at == ACQUIRED.replace(tzinfo=zone)
    assert any("-60.0 min" in w for w in scan.warnings)
    naive = read(tmp_path / "zone")
    assert naive.acquired_at == ACQUIRED and naive.acquired_at.tzinfo is None
    slices(tmp_path / "west", ramp(), change=edit(TimezoneOffsetFromUTC="-0330"))
    west = read(tmp_path / "west", administered_at=ADMINISTERED.replace(tzinfo=dt.UTC)).acquired_at
    assert west.utcoffset() == -dt.timedelta(hours=3, minutes=30)
    slices(tmp_path / "none", ramp())
    aware = read(tmp_path / "none", administered_at=ADMINISTERED.replace(tzinfo=zone))
    assert aware.acquired_at == ACQUIRED.replace(tzinfo=zone)
    assert any("no time zone" in w for w in aware.warnings)


def test_a_decay_factor_that_contradicts_is_told(tmp_path: Path) -> None:
    slices(tmp_path / "one", ramp(), change=edit(DecayFactor="1"))
    assert read(tmp_path / "one").warnings == ()
    slices(tmp_path / "other", ramp(), change=edit(DecayFactor="1.5"))
    assert any("Decay Factor (0054,1321) is 1.5" in w for w in read(tmp_path / "other").warnings)


@pytest.mark.parametrize("meaning, value, scheme", [("^177^Lutetium", "447553000", "SCT"), ("", "447553000", "SCT"), ("Lutetium 177", "1", "99X")])
def test_the_nuclide_is_known_by_name_or_code(tmp_path: Path, meaning: str, value: str, scheme: str) -> None:
    from tests.reading_samples import code

    slices(tmp_path, ramp(), change=edit(tracer_RadionuclideCodeSequence=[code(value, scheme, meaning)]))
    assert read(tmp_path).warnings == ()
    with pytest.raises(BadInput, match="names Lu-177, and the case Tb-161"):
        read(tmp_path, nuclide=nuclide("Tb-161", 6.89 * 86400))


@pytest.mark.parametrize(
    "text, name",
    [
        ("99mTc-MDP", "Tc-99m"), ("I-131 MIBG", "I-131"), ("225-Ac", "Ac-225"), ("^212^Lead", "Pb-212"), ("LU177", "Lu-177"),
        ("PSMA-617", None), ("PSMA 617 177Lu", "Lu-177"), ("DOTATATE", None), ("Solution", None), ("Terbium^161^", "Tb-161"),
        ("C-111A1", None), ("In 10 mL saline", None), ("", None),
    ],
)  # fmt: skip
def test_nuclides_in_words(text: str, name: str | None) -> None:
    assert nuclide_named(text) == name
