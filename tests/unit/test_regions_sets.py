"""Set algebra on named masks."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.imaging.regions import RegionSet
from lutetia.imaging.volume import Geometry

G = Geometry((1, 1, 6), np.diag([10.0, 10.0, 10.0, 1.0]))


def region_set(**more):
    masks = {"liver": "111100", "lesion 1": "010000", "lesion 2": "001000", "left-kidney": "000011"} | more
    return RegionSet({n: np.array([[[c == "1" for c in bits]]]) for n, bits in masks.items()}, G, "RTSTRUCT")


def bits(mask):
    return "".join("1" if v else "0" for v in mask.ravel())


@pytest.mark.parametrize(("expression", "want"), [
    ("liver", "111100"),
    ("liver - lesion 1 - lesion 2", "100100"),
    ("lesion 1 + lesion 2", "011000"),
    ("liver & lesion 2", "001000"),
    ("left-kidney", "000011"),
    ("left-kidney + liver - lesion 1", "101111"),
    ("liver - lesion 1 & lesion 2", "001000"),  # from left to right
    ('"liver" - "lesion 1"', "101100"),
    ("  liver   -   lesion 1 ", "101100"),
])
def test_expressions(expression, want):
    assert bits(region_set().evaluate(expression)) == want


def test_a_name_that_holds_an_operator_is_found():
    r = region_set(**{"GTV - boost": "110000"})
    assert bits(r.evaluate("GTV - boost")) == "110000"
    assert bits(r.evaluate("liver - GTV - boost")) == "001100"
    assert bits(r.evaluate('"GTV - boost" + left-kidney')) == "110011"


def test_two_readings_are_refused():
    r = region_set(**{"liver - lesion 1": "100000"})
    with pytest.raises(BadInput, match="two readings"):
        r.evaluate("liver - lesion 1")
    assert bits(r.evaluate('"liver - lesion 1"')) == "100000"
    assert bits(r.evaluate('"liver" - "lesion 1"')) == "101100"


@pytest.mark.parametrize(("expression", "words"), [
    ("livr", "Did you mean liver"),
    ("liver - lesion 3", "no region 'lesion 3'"),
    ("lesion 1 & lesion 2", "holds no voxels"),
    ("liver - ", "cannot be read"),
    ("", "cannot be read"),
])
def test_what_cannot_be_read_is_refused(expression, words):
    with pytest.raises(BadInput, match=words):
        region_set().evaluate(expression)


def test_volume_and_immutability():
    r = region_set()
    assert r.volume_mL("liver") == pytest.approx(4.0)
    assert r.volume_mL("liver - lesion 1") == pytest.approx(3.0)
    with pytest.raises(ValueError):
        r.mask("liver")[0, 0, 0] = False
    r.evaluate("liver")[0, 0, 0] = False  # a copy
    assert r.mask("liver")[0, 0, 0]
    with pytest.raises(TypeError):
        r.masks["new"] = r.mask("liver")


def test_a_mask_of_another_shape_is_refused():
    with pytest.raises(BadInput, match="does not fit"):
        RegionSet({"a": np.ones((2, 2, 2), bool)}, G, "x")
