"""Contours become the voxels whose centres they enclose, whatever the grid's axes are."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.core import BadInput
from lutetia.imaging.outline import keyholed, outlines
from lutetia.imaging.rasterise import rasterise
from lutetia.imaging.volume import Geometry


def grid(shape=(20, 60, 50), spacing=(3.0, 2.0, 2.0), origin=(-50.0, -60.0, 10.0)):
    affine = np.diag([spacing[2], spacing[1], spacing[0], 1.0])
    affine[:3, 3] = origin
    return Geometry(shape, affine, "1.2.3")


def circle(radius, centre, n=400):
    t = np.linspace(0, 2 * np.pi, n, endpoint=False)
    return np.column_stack([centre[0] + radius * np.cos(t), centre[1] + radius * np.sin(t), np.full(n, centre[2])])


def cylinder(radius, centre, z):
    return [circle(radius, (*centre, float(v))) for v in z]


def test_a_cylinder_has_its_volume():
    """pi r^2 h, to the perimeter's discretisation."""
    r = rasterise(cylinder(30.0, (0.7, -0.4), np.arange(16.0, 43.0, 3.0)), grid())
    want = math.pi * 30.0**2 * 9 * 3.0 / 1000
    assert r.filled_mL == pytest.approx(want, rel=0.01)
    assert r.drawn_mL == pytest.approx(want, rel=1e-3)
    assert r.outside == 0 and r.notes == ()
    assert np.flatnonzero(r.mask.any(axis=(1, 2))).tolist() == list(range(2, 11))


def test_an_inner_contour_is_a_hole_and_so_is_a_keyhole():
    """Both ways DICOM knows to leave out the middle give the same ring, of area pi (R^2 - r^2)."""
    outer, inner = circle(30.0, (0, 0, 13.0)), circle(12.0, (1.0, 2.0, 13.0))
    two = rasterise([outer, inner], grid())
    keyhole = np.concatenate([outer, outer[:1], inner[::-1], inner[-1:]])
    assert np.array_equal(two.mask, rasterise([keyhole], grid()).mask)
    want = math.pi * (30.0**2 - 12.0**2) * 3.0 / 1000
    assert two.filled_mL == pytest.approx(want, rel=0.02)
    assert two.drawn_mL == pytest.approx(want, rel=1e-3)


def test_an_island_in_a_hole_counts():
    rings = [circle(r, (0, 0, 13.0)) for r in (30.0, 20.0, 8.0)]
    r = rasterise(rings, grid())
    assert r.drawn_mL == pytest.approx(math.pi * (900 - 400 + 64) * 3 / 1000, rel=1e-3)
    assert r.filled_mL == pytest.approx(r.drawn_mL, rel=0.02)


def test_a_contour_written_twice_does_not_cancel():
    c = circle(20.0, (0, 0, 13.0))
    r = rasterise([c, c.copy()], grid())
    assert np.array_equal(r.mask, rasterise([c], grid()).mask) and r.mask.any()
    assert "repeat" in r.notes[0]


def test_crossing_contours_are_told():
    r = rasterise([circle(20.0, (0, 0, 13.0)), circle(20.0, (20.0, 0, 13.0))], grid())
    assert any("cross" in n for n in r.notes)


@given(st.integers(0, 2**32 - 1))
def test_agrees_with_matplotlib_on_random_stars(seed):
    """Another implementation of the pixel-centre rule, on polygons with many spikes."""
    from matplotlib.path import Path

    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 40))
    t = np.sort(rng.uniform(0, 2 * np.pi, n))
    radius = rng.uniform(3.0, 60.0, n)
    points = np.column_stack([rng.normal(0, 3) + radius * np.cos(t), rng.normal(0, 3) + radius * np.sin(t), np.full(n, 13.0)])
    g = grid()
    got = rasterise([points], g).mask[1]
    j, i = np.indices(got.shape)
    centres = g.to_patient(np.stack([np.ones(got.size), j.ravel(), i.ravel()], axis=1))[:, :2]
    want = Path(np.vstack([points, points[:1]])[:, :2], closed=True).contains_points(centres).reshape(got.shape)
    # Vertices are rounded to 1/1000 voxel here, so only a centre that near an edge may go either way.
    a = points[:, :2]
    along = np.roll(a, -1, axis=0) - a
    for p in centres[(got != want).ravel()]:
        t = np.clip(np.sum((p - a) * along, axis=1) / np.sum(along**2, axis=1), 0, 1)
        assert np.min(np.linalg.norm(a + t[:, None] * along - p, axis=1)) < 2e-3 * 2.0


def test_neighbours_that_share_an_edge_share_no_voxel_and_leave_none_out():
    """An edge through voxel centres gives each of them to exactly one side."""
    def box(x0, x1):
        return np.array([[x0, -20.0, 13.0], [x1, -20.0, 13.0], [x1, 20.0, 13.0], [x0, 20.0, 13.0]])

    left, right, both = (rasterise([box(*x)], grid()).mask for x in ((-20.0, 0.0), (0.0, 20.0), (-20.0, 20.0)))
    assert not np.any(left & right)
    assert np.array_equal(left | right, both)


@pytest.mark.parametrize("shift", [0.0, 0.4, -1.0])
def test_contours_on_every_other_slice_fill_those_between(shift):
    """Planes 6 mm apart on 3 mm slices: each slice takes the nearest plane, so the volume is kept."""
    r = rasterise(cylinder(25.0, (0, 0), np.arange(16.0, 47.0, 6.0) + shift), grid())
    assert r.filled_mL == pytest.approx(math.pi * 625 * 6 * 6 / 1000, rel=0.01)
    assert r.notes == ()


def test_contours_finer_than_the_slices_keep_the_volume():
    r = rasterise(cylinder(25.0, (0, 0), np.arange(16.0, 46.0, 1.0)), grid())
    assert r.filled_mL == pytest.approx(math.pi * 625 * 30 / 1000, rel=0.06)


def test_a_gap_between_two_parts_stays_empty_and_is_told():
    z = [16.0, 19.0, 22.0, 34.0, 37.0]
    r = rasterise(cylinder(25.0, (0, 0), z), grid())
    assert np.flatnonzero(r.mask.any(axis=(1, 2))).tolist() == [2, 3, 4, 8, 9]
    assert "skip planes in 1 place" in r.notes[0]


def test_rounded_plane_positions_lose_no_slice():
    """Planes written to 0.1 mm on slices of 3.27 mm: one slice each, none twice."""
    g = grid(spacing=(3.27, 2.0, 2.0), origin=(-50.0, -60.0, -881.32))
    z = np.round(-881.32 + 3.27 * np.arange(3, 15), 1)
    r = rasterise(cylinder(25.0, (0, 0), z), g)
    assert np.flatnonzero(r.mask.any(axis=(1, 2))).tolist() == list(range(3, 15))


def test_part_outside_the_image_is_measured():
    """A cylinder centred on the image's edge (the outer face of the first voxels) loses half."""
    r = rasterise(cylinder(20.0, (-51.0, 0.0), [16.0, 19.0]), grid())
    assert r.outside == pytest.approx(0.5, abs=0.02)


def _orientations():
    return list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))


@pytest.mark.parametrize(("axes", "signs"), _orientations())
def test_every_orientation_of_the_grid_gives_the_same_places(axes, signs):
    """The same voxels of the patient, on each of the 48 ways to store the grid."""
    base = grid((12, 30, 24), (4.0, 3.0, 3.5), (-40.0, -45.0, 0.0))
    contours = cylinder(20.0, (5.3, -2.1), [8.0, 12.0, 16.0, 20.0, 24.0])
    want = rasterise(contours, base).mask
    steps = base.affine[:3, 2::-1][:, list(axes)] * signs
    affine = np.eye(4)
    affine[:3, :3] = steps[:, ::-1]
    first = np.zeros(3)
    for n, a in enumerate(axes):
        first[a] = base.shape[a] - 1 if signs[n] < 0 else 0
    affine[:3, 3] = base.to_patient(first)
    turned = Geometry(tuple(base.shape[a] for a in axes), affine, "1.2.3")
    got = rasterise(contours, turned).mask
    back = np.round(base.to_index(turned.to_patient(np.argwhere(got)))).astype(int)
    # Edges run between centres here (no ties), so not one voxel may differ.
    assert {tuple(x) for x in back} == {tuple(x) for x in np.argwhere(want)}


def test_an_oblique_grid_gets_the_volume_and_the_place():
    """A grid turned by 20 degrees about two axes: no plane of it is parallel to the contours."""
    a, b = np.radians(20), np.radians(15)
    turn = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]) @ np.array(
        [[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    affine = np.eye(4)
    affine[:3, :3] = turn * 2.0
    affine[:3, 3] = -turn @ np.array([50.0, 50.0, 50.0])
    g = Geometry((51, 51, 51), affine)
    contours = [circle(math.sqrt(30.0**2 - z**2), (3.0, 4.0, z + 1.0)) for z in np.arange(-28.5, 29.0, 3.0)]
    r = rasterise(contours, g)
    assert np.count_nonzero(r.mask) * g.voxel_mL == pytest.approx(4 / 3 * math.pi * 27.0, rel=0.02)
    assert g.to_patient(np.argwhere(r.mask)).mean(0) == pytest.approx([3.0, 4.0, 1.0], abs=0.3)
    assert "not parallel" in r.notes[-1]


def test_contours_in_planes_that_are_not_parallel_are_refused():
    axial, sagittal = circle(20.0, (0, 0, 13.0)), circle(20.0, (0, 0, 13.0))[:, [2, 0, 1]]
    with pytest.raises(BadInput, match="not parallel"):
        rasterise([axial, sagittal], grid())


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 0.9))
def test_an_outline_encloses_just_its_pixels(seed, fill):
    """Outline of any mask, with or without keyholes, filled again: the same mask; and the area is its pixels'."""
    from lutetia.imaging.rasterise import polygon_area

    rng = np.random.default_rng(seed)
    mask = np.zeros((1, 9, 11), bool)
    mask[0, 1:-1, 1:-1] = rng.random((7, 9)) < fill
    if not mask.any():
        return
    g = Geometry(mask.shape, np.eye(4))
    shapes = outlines(mask[0])
    for polygons in ([p for p, _ in shapes], keyholed(shapes)):
        contours = [np.column_stack([p[:, 1], p[:, 0], np.zeros(len(p))]) for p in polygons]
        assert np.array_equal(rasterise(contours, g).mask, mask)
    assert sum(polygon_area(p) * (-1 if hole else 1) for p, hole in shapes) == np.count_nonzero(mask)
    assert sum(polygon_area(p) for p in keyholed(shapes)) == np.count_nonzero(mask)
