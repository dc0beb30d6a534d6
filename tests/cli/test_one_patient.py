"""Two patients in one case: told by identifier and birth date, and by names that cannot be one person's."""

from __future__ import annotations

from pathlib import Path

import pydicom
import pytest

from lutetia.chain.dose import run_case
from lutetia.core import BadInput
from tests.cli.small_patient import write_patient


def rename(folder: Path, name: str) -> None:
    for path in folder.iterdir():
        ds = pydicom.dcmread(path)
        ds.PatientName = name
        ds.save_as(path)


@pytest.mark.parametrize("where", ["scan2/pet", "scan1/ct", "scan1/regions"])
def test_one_identifier_and_another_name_is_refused(tmp_path: Path, where: str) -> None:
    case = write_patient(tmp_path / "case", (4.0, 24.0))
    rename(tmp_path / "case" / where, "OTHER^PERSON")
    with pytest.raises(BadInput, match="one identifier or none, but names that differ") as error:
        run_case(case, tmp_path / "out")
    assert "OTHER" not in str(error.value) and "SMALL" not in str(error.value)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["small^test", "Test Small", "SMALL^TEST^^^", "Small^Test^Ann", "", "SMALL^TEST=小", "Sm\u00e1ll^Test", "SMALLTEST", "Sma\u0301ll^T\u00e8st"])
def test_one_name_in_another_spelling_is_one_patient(tmp_path: Path, name: str) -> None:
    case = write_patient(tmp_path / "case", (4.0, 24.0))
    for path in (tmp_path / "case/scan2/pet").iterdir():
        ds = pydicom.dcmread(path)
        ds.SpecificCharacterSet, ds.PatientName = "ISO_IR 192", name
        ds.save_as(path)
    assert run_case(case, tmp_path / "out", engine="local")["regions"]


def test_hashes_of_names_are_in_no_result(tmp_path: Path) -> None:
    from lutetia.imaging.dicom_files import patient_words, read_header

    case = write_patient(tmp_path / "case", (4.0, 24.0))
    run_case(case, tmp_path / "out", engine="local")
    words = patient_words(read_header(next((tmp_path / "case/scan1/pet").iterdir())))
    assert len(words) == 3  # two, and both joined
    words = {w.removeprefix("+") for w in words}
    for path in (tmp_path / "out").glob("*.*"):
        assert not any(w.encode() in path.read_bytes() for w in words), path.name


@pytest.mark.parametrize(("one", "other"), [
    ("O'BRIEN^MARY", "OBRIEN^MARY"), ("VanDerBerg^Jan", "Van der Berg^Jan"), ("M\u00fcller^Eva", "Mu\u0308ller^Eva"), ("MULLER^EVA", "M\u00fcller^Eva"),
    ("O'Brien^Mary", "Mary OBrien"), ("De^La^Cruz", "DELACRUZ"),
])  # fmt: skip
def test_spellings_of_one_name(one: str, other: str) -> None:
    from lutetia.imaging.dicom_files import name_words, same_name

    assert same_name(name_words(one), name_words(other)) and same_name(name_words(other), name_words(one))
    assert not same_name(name_words(one), name_words("Roe^" + other.split("^")[-1]))


def test_names_that_share_a_word_are_a_warning_where_the_identifiers_agree(tmp_path: Path) -> None:
    case = write_patient(tmp_path / "case", (4.0, 24.0))
    rename(tmp_path / "case/scan2/pet", "MARRIED^TEST")
    result = run_case(case, tmp_path / "out", engine="local")
    said = [w for w in result["warnings"] if "names that differ in a word" in w]
    assert len(said) == 1 and "MARRIED" not in said[0]
    for path in (tmp_path / "case/scan2/pet").iterdir():
        ds = pydicom.dcmread(path)
        ds.PatientID = ""
        ds.save_as(path)
    with pytest.raises(BadInput, match="several patients"):
        run_case(case, tmp_path / "again", engine="local")
