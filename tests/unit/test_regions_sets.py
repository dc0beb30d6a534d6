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


def test_regions_move_to_another_scan_with_its_registration():
    """A region at x = 20..30 mm of one scan lies 15 mm further to the left in the next, whose grid is finer."""
    g = Geometry((4, 4, 12), np.diag([5.0, 5.0, 5.0, 1.0]), "1.1")
    mask = np.zeros(g.shape, bool)
    mask[1:3, 1:3, 4:7] = True
    r = RegionSet({"lesion": mask}, g, "RTSTRUCT", warnings=("kept.",))
    onto = Geometry((10, 10, 40), np.diag([2.5, 2.5, 2.5, 1.0]) + np.array([[0, 0, 0, -1.25]] * 3 + [[0, 0, 0, 0]]), "1.2")
    with pytest.raises(BadInput, match="register one image to the other"):
        r.on_grid(onto)
    back = np.eye(4)
    back[0, 3] = -15.0  # from the new scan to the old
    moved = r.on_grid(onto, back)
    assert moved.volume_mL("lesion") == pytest.approx(r.volume_mL("lesion"))
    assert moved.geometry.to_patient(np.argwhere(moved.mask("lesion"))).mean(0) == pytest.approx([25 + 15, 7.5, 7.5])
    assert moved.warnings == ("kept.",)
    back[0, 3] = -500.0
    with pytest.raises(BadInput, match="wholly outside"):
        r.on_grid(onto, back)
