"""`lutetia bed` as a user types it."""

from __future__ import annotations

import math

import pytest

from .test_commands import as_json, lutetia, refused

KIDNEY = ("--alpha-beta", "2.6 Gy", "--repair", "2.8 h")
GIVEN = ("bed", "--dose", "4.37 Gy", "--half-life", "50 h")


def test_kidney() -> None:
    b = as_json(*GIVEN, *KIDNEY)
    assert b["bed_Gy"] == pytest.approx(4.76, abs=0.005) and b["G"] == pytest.approx(2.8 / 52.8)
    assert b["eqd2_Gy"] == pytest.approx(b["bed_Gy"] / (1 + 2 / 2.6)) and b["repopulation"] is None
    assert b["inputs"] == {"dose_Gy": 4.37, "half_lives_s": [180000.0], "weights": [1.0], "alpha_beta_Gy": 2.6, "repair_half_life_s": 10080.0}


def test_an_organ_brings_its_published_parameters() -> None:
    b = as_json(*GIVEN, "--organ", "Kidney_Left")
    assert b["bed_Gy"] == as_json(*GIVEN, *KIDNEY)["bed_Gy"]
    assert b["parameters"] == "kidney-Barone-2005" and "10.2967/jnumed.108.053173" in b["source"]
    text = lutetia(*GIVEN, "--organ", "kidney").stdout
    assert "4.76 Gy" in text and "Barone" in text and "0.05303" in text


def test_two_phases_lie_between_each_alone() -> None:
    both = as_json("bed", "--dose", "20 Gy", "--half-life", "50 h", "--half-life", "5 h", "--weight", "1", "--weight", "1", *KIDNEY)["G"]
    slow, fast = (as_json("bed", "--dose", "20 Gy", "--half-life", t, *KIDNEY)["G"] for t in ("50 h", "5 h"))
    assert slow < both < fast
    uptake = as_json("bed", "--dose", "20 Gy", "--half-life", "50 h", "--half-life", "2 h", "--weight", "1", "--weight", "-1", *KIDNEY)
    assert uptake["G"] < slow and uptake["inputs"]["weights"] == [1.0, -1.0]


def test_growth() -> None:
    given = ("bed", "--dose", "10 Gy", "--half-life", "50 h", "--alpha-beta", "10 Gy", "--repair", "1.5 h", "--alpha", "0.3 Gy^-1", "--doubling-time", "3 d")
    b = as_json(*given)
    r = b["repopulation"]
    assert r["loss_Gy"] == pytest.approx(math.log(2) * r["effective_time_s"] / (0.3 * 259200)) and b["bed_Gy"] < r["bed_without_Gy"]
    late = as_json(*given, "--kick-off", "100 d")
    assert late["bed_Gy"] == pytest.approx(r["bed_without_Gy"], rel=1e-6) and late["repopulation"]["loss_Gy"] == pytest.approx(0, abs=1e-9)
    named = as_json("bed", "--dose", "10 Gy", "--half-life", "22.6 h", "--parameters", "NCI-H69-external-Tamborino-2025", "--repair", "1.5 h", "--doubling-time", "58.4 h")
    assert named["repopulation"]["alpha_per_Gy"] == 0.24


def test_parameters_of_protracted_radiation_are_refused_with_the_reason() -> None:
    said = refused("bed", "--dose", "10 Gy", "--half-life", "22.6 h", "--parameters", "NCI-H69-PRRT-Tamborino-2025", "--repair", "1.5 h")
    assert "protracted" in said and "already hold the sparing" in said and "twice" in said
    refused("bed", "--dose", "10 Gy", "--half-life", "22.6 h", "--parameters", "NCI-H69-PRRT-Tamborino-2025")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("--dose", "4 Sv", "--half-life", "50 h", *KIDNEY), "another kind"), (("--dose", "4", "--half-life", "50 h", *KIDNEY), "without a unit"), (("--dose", "4 Gy", *KIDNEY), "--half-life"),
     (("--dose", "4 Gy", "--half-life", "50 h"), "exactly one"), (("--dose", "4 Gy", "--half-life", "50 h", *KIDNEY, "--organ", "kidney"), "exactly one"),
     (("--dose", "4 Gy", "--half-life", "50 h", "--organ", "kidney", "--repair", "2 h"), "its own"), (("--dose", "4 Gy", "--half-life", "50 h", "--alpha-beta", "3 Gy"), "--repair"),
     (("--dose", "4 Gy", "--half-life", "50 h", "--organ", "spleen"), "no published parameters"), (("--dose", "4 Gy", "--half-life", "50 h", "--parameters", "kidney-Barone"), "Did you mean kidney-Barone-2005"),
     (("--dose", "4 Gy", "--half-life", "50 h", "--half-life", "5 h", *KIDNEY), "--weight"), (("--dose", "4 Gy", "--half-life", "50 h", *KIDNEY, "--doubling-time", "3 d"), "--alpha"),
     (("--dose", "4 Gy", "--half-life", "50 h", *KIDNEY, "--kick-off", "3 d"), "--doubling-time"), (("--dose", "4 Gy", "--half-life", "50 h", *KIDNEY, "--doubling-time", "3 d", "--alpha", "0.3"), "without a unit"),
     (("--dose", "4 Gy", "--half-life", "50 h", "--parameters", "NCI-H69-external-Tamborino-2025"), "repair half-life"),
     (("--dose", "4 Gy", "--half-life", "50 h", "--half-life", "5 h", "--weight", "-1", "--weight", "0.01", *KIDNEY), "not positive"),
     (("--dose", "4 Gy", "--half-life", "50 h", "--half-life", "5 h", "--weight", "-1", "--weight", "30", *KIDNEY), "below zero"),
     (("--dose", "4 Gy", "--half-life", "50 h", "--half-life", "5 h", "--weight", "1", "--weight", "-2", *KIDNEY), "below zero"), (("--half-life", "50 h", *KIDNEY), "--dose")],
)  # fmt: skip
def test_mistakes_get_one_sentence(arguments: tuple[str, ...], says: str) -> None:
    assert says in refused("bed", *arguments)
