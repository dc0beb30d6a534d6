"""Ground: quantities, files, streams."""

from __future__ import annotations

import json
import math
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.core import BadInput, inside, parse, show, staged_folder, stream, to_json, write_atomic


@pytest.mark.parametrize(
    ("text", "unit", "value"),
    [("7.4 GBq", "Bq", 7.4e9), ("200 mCi", "Bq", 7.4e9), ("90 min", "s", 5400.0), ("3 mm", "mm", 3.0), ("1 g", "kg", 1e-3), ("2.5 d", "s", 216000.0),
     ("50 µm", "mm", 0.05), ("50 um", "mm", 0.05), ("9.5 cps/MBq", "count/s/Bq", 9.5e-6), ("1.05 g/mL", "g/mL", 1.05)],
)  # fmt: skip
def test_text_with_a_unit_is_read(text: str, unit: str, value: float) -> None:
    assert parse(text, unit) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("given_", "unit"),
    [("7.4", "Bq"), (7.4, "Bq"), ("", "Bq"), ("GBq", "kg"), ("5 Hz", "Bq"), ("5 Bq", "Hz"), ("3 Sv", "Gy"), ("1 Gy", "Sv"), ("nan Bq", "Bq"),
     ("inf Bq", "Bq"), ("7.4 furlong", "Bq"), (True, "Bq"), (None, "Bq"), ("1 Bq + 1 s", "Bq"), ("5 s^-1", "Bq"),
     ("7,4 GBq", "Bq"), ("7 400 MBq", "Bq"), ("1,200 MBq", "Bq"), ("7.4 GBq 2", "Bq"), ("10:30 h", "s"), ("4 h 30", "s"), ("9**9**9**9 Bq", "Bq")],
)  # fmt: skip
def test_a_unit_is_never_guessed(given_: object, unit: str) -> None:
    with pytest.raises(BadInput) as error:
        parse(given_, unit, "activity")
    assert str(error.value).startswith("activity:")


@given(st.text(max_size=20))
def test_any_text_is_a_quantity_or_a_sentence(text: str) -> None:
    try:
        assert math.isfinite(parse(text, "Bq"))
    except BadInput as error:
        assert str(error)


@given(st.floats(1e-18, 1e18))
def test_shown_values_read_back(value: float) -> None:
    assert parse(show(value, "Bq", 9), "Bq") == pytest.approx(value, rel=1e-7)


def test_json_refuses_what_json_has_no_word_for() -> None:
    with pytest.raises(ValueError):
        to_json({"a": math.nan})
    assert json.loads(to_json({"b": 1, "a": [2.5]})) == {"a": [2.5], "b": 1}


def test_a_failed_run_leaves_nothing_and_keeps_what_was_there(tmp_path) -> None:
    out = tmp_path / "out"
    with staged_folder(out) as stage:
        write_atomic(stage / "result.json", '{"schema": "lutetia-result/1", "files": {}}')
    with pytest.raises(RuntimeError), staged_folder(out) as stage:
        write_atomic(stage / "half", "half")
        raise RuntimeError
    assert os.listdir(tmp_path) == ["out"] and os.listdir(out) == ["result.json"]


def test_foreign_files_are_not_replaced(tmp_path) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInput), staged_folder(tmp_path):
        pass
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("marker", "beside"),
    [('{"schema": "lutetia-result/1", "files": {}}', ["letter.txt"]), ('{"schema": "other/3", "files": {}}', []), ("[1]", []), ("no JSON", []), ("[" * 9999, [])],
)
def test_a_folder_is_replaced_only_if_all_in_it_is_ours(tmp_path, marker: str, beside: list[str]) -> None:
    (tmp_path / "result.json").write_text(marker)
    for name in beside:
        (tmp_path / name).write_text("dear")
    with pytest.raises(BadInput, match="did not write"), staged_folder(tmp_path):
        pass
    assert sorted(os.listdir(tmp_path)) == sorted(["result.json", *beside])


def test_our_own_folder_is_replaced_through_a_link(tmp_path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    for n in (1, 2):
        with staged_folder(tmp_path / "link") as stage:
            write_atomic(stage / "report.html", str(n))
            write_atomic(stage / "result.json", '{"schema": "lutetia-result/1", "files": {"report": "report.html"}}')
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real" / "report.html").read_text() == "2"


@pytest.mark.parametrize("name", ["x" * 300, "a\0b"])
def test_an_impossible_folder_is_refused(tmp_path, name: str) -> None:
    with pytest.raises(BadInput, match="cannot be written to"), staged_folder(tmp_path / name):
        pass


@pytest.mark.parametrize("path", ["", " ", "a\0b", "x" * 5000, "../secret", "a/../../secret", "/etc/passwd", "missing"])
def test_paths_stay_in_the_folder(tmp_path, path: str) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "secret").write_text("x")
    with pytest.raises(BadInput):
        inside(tmp_path / "case", path, "scan 1")


def test_a_link_out_of_the_folder_is_refused(tmp_path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "secret").write_text("x")
    (tmp_path / "case" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(BadInput):
        inside(tmp_path / "case", "link", "scan 1")


def test_streams_depend_on_seed_and_name_alone() -> None:
    first = stream(3, "a", "b").random(4)
    stream(3, "other").random(100)
    assert (stream(3, "a", "b").random(4) == first).all()
    assert (stream(4, "a", "b").random(4) != first).all()
    assert (stream(3, "ab").random(4) != first).all()
