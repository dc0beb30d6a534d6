"""`explain` leads each number to its inputs; `load_result` refuses what is no result in one sentence."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_report_case import fake_result, region_table_result

from lutetia.core import BadInput
from lutetia.report import explain, load_result
from lutetia.report.style import region_styles
from lutetia.report.view import page


def test_a_region_is_led_to_its_files() -> None:
    """Dose, model, weights, points, scale, series, mass, radiation, tables, budget, warnings."""
    text = explain(fake_result(), "lesion iliac node right")
    for wanted in (
        "mean absorbed dose 34.8 ± 7.9 Gy", "4.81 Gy/GBq for 7240 MBq", "the recovery coefficient is below 0.6", "electron: 33.5 Gy", "20000000 histories",
        "electron-kernels: Electron point kernels in water", "5d" * 32, "ICRU Report 46", "effective half-life of the last phase 74.0 h", "weight 0.830",
        "4.10 h:", "recovery coefficient", "(0040,9096) [Bq/mL]: slope 0.7312", "correlation 0.871 to 0.962", "spect2/0000.dcm: sha256 " + "2000" * 16,
        "mass 4.60 g, volume 4.38 mL", "share of the variance", "progeny decay where", "case file: sha256 " + "ab" * 32, "ct: 60 files", "seed 20240305",
        "kinetics.criterion = AICc", "numpy 1.26.4", "scan 3: registration moved",
    ):  # fmt: skip
        assert wanted in text, wanted
    assert "biologically" not in text and "biologically effective dose 17.7 Gy" in explain(fake_result(), "kidney left")


def test_the_tree_is_well_formed() -> None:
    """Each line is one step deeper at most, and the last child of each node ends its branch."""
    for text in (explain(fake_result()), explain(fake_result(), "liver"), explain(region_table_result(), "liver")):
        depths = [next(n for n, c in enumerate(line) if c not in "│├└─ ") // 3 for line in text.splitlines()]
        assert depths[0] == 0 and all(b <= a + 1 for a, b in zip(depths, depths[1:])) and min(depths[1:]) == 1
        assert text.endswith("\n") and "None" not in text.replace("None,", "")


def test_without_a_region_all_are_listed() -> None:
    """The whole provenance, with warnings counted by region."""
    text = explain(fake_result())
    assert "regions (6)" in text and "lesion iliac node right: 34.8 ± 7.9 Gy, 1 warning(s)" in text and "rtdose" not in text and "csv: regions.csv" in text


def test_names_are_found_without_regard_to_case_and_near_ones_are_offered() -> None:
    """An unknown region is a bad input with near matches, or else with the list."""
    assert explain(fake_result(), "Kidney Left ") == explain(fake_result(), "kidney left")
    with pytest.raises(BadInput, match=r"no region 'kidny left'.*Did you mean kidney left"):
        explain(fake_result(), "kidny left")
    with pytest.raises(BadInput, match=r"no region 'zzz'.*It has: kidney left, kidney right, liver"):
        explain(fake_result(), "zzz")


def test_control_characters_do_not_reach_the_terminal() -> None:
    """A name with an escape sequence or a line break is shown escaped."""
    result = fake_result()
    result["regions"][0]["region"] = "kid\x1b[2Jney\nleft"
    text = explain(result)
    assert "\x1b" not in text and r"kid\x1b[2Jney\nleft" in text


def _written(tmp_path, text: str):
    path = tmp_path / "result.json"
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(("text", "sentence"), [
    ("", "is not a JSON file"), ("{", "is not a JSON file"), ("[" * 100_000, "is not a JSON file"), ("[1]", "names no schema"), ("null", "names no schema"),
    ('{"schema": "lutetia-result/9"}', "says schema 'lutetia-result/9'"), ('{"schema": "lutetia-result/1"}', "has no 'version'"),
    ('{"schema": "lutetia-result/1", "dose": NaN}', "is not a JSON file"),
])  # fmt: skip
def test_a_bad_file_is_refused_in_a_sentence(tmp_path, text: str, sentence: str) -> None:
    """Empty, torn, nested without end, of another kind, of another version, with NaN."""
    with pytest.raises(BadInput, match=sentence):
        load_result(_written(tmp_path, text))


def test_a_missing_or_binary_file_is_refused(tmp_path) -> None:
    """Not there; a folder without a result; bytes that are no text."""
    for path in (tmp_path / "no.json", tmp_path):
        with pytest.raises(BadInput, match="cannot be read"):
            load_result(path)
    (tmp_path / "x.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadInput, match="is not a JSON file"):
        load_result(tmp_path / "x.json")


@pytest.mark.parametrize("key", ["regions", "warnings", "provenance", "scans", "nuclide"])
def test_parts_that_are_missing_or_of_another_type_are_named(tmp_path, key: str) -> None:
    """At the top and in a region."""
    result = fake_result()
    result[key] = 7
    with pytest.raises(BadInput, match=f"a int as '{key}'"):
        load_result(_written(tmp_path, json.dumps(result)))
    result = fake_result()
    del result["regions"][2]["tac"]
    with pytest.raises(BadInput, match="region 3 has no 'tac'"):
        load_result(_written(tmp_path, json.dumps(result)))


def _holes(value, rng: random.Random, share: float):
    """The value with a share of its numbers replaced by None; curves and scan times, which must be there, are kept."""
    if isinstance(value, dict):
        return {k: v if k in ("tac", "fit", "curve", "time_s", "index", "seed") else _holes(v, rng, share) for k, v in value.items()}
    if isinstance(value, list) and not any(isinstance(v, (int, float)) for v in value):
        return [_holes(v, rng, share) for v in value]
    return None if isinstance(value, (int, float)) and rng.random() < share else value


@given(st.integers(min_value=0, max_value=2**32), st.sampled_from([0.05, 0.5, 1.0]))
def test_numbers_that_are_missing_are_dashes_everywhere(seed: int, share: float) -> None:
    """Any number may be None: the tree and the page's texts are still made, and do not say None."""
    result = _holes(fake_result(), random.Random(seed), share)
    assert "None" not in explain(result, "kidney left") + explain(result)
    assert "None" not in str(list(page(result, region_styles(result["regions"])).values())).replace("': None", "")
