"""Values and masks on another grid."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.core import BadInput
from lutetia.imaging.resample import resample, resample_mask, to_axial
from lutetia.imaging.volume import Geometry, Volume

ACTIVITY = "activity concentration [Bq/mL]"


def grid(shape, spacing, first=(0.0, 0.0, 0.0), frame=""):
    affine = np.diag([spacing[2], spacing[1], spacing[0], 1.0])
    affine[:3, 3] = first
    return Geometry(shape, affine, frame)


def turned(shape, spacing, degrees, centre, frame=""):
    """A grid turned about z and then x, with its middle at `centre`."""
    a = np.radians(degrees)
    z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    affine = np.eye(4)
    affine[:3, :3] = x @ z @ np.diag(spacing[::-1])
    affine[:3, 3] = np.array(centre) - affine[:3, :3] @ ((np.array(shape[::-1]) - 1) / 2)
    return Geometry(shape, affine, frame)


@given(st.integers(0, 2**32 - 1))
def test_a_linear_field_is_met_exactly_on_any_grid(seed):
    """Trilinear interpolation reproduces a + b.x at every point inside, for grids of any orientation."""
    rng = np.random.default_rng(seed)
    source = turned((14, 12, 13), rng.uniform(2, 4, 3), rng.uniform(-60, 60), (0, 0, 0))
    slope = rng.normal(size=3)

    def field(g):
        return 5 + g.to_patient(np.stack(np.indices(g.shape), axis=-1)) @ slope

    onto = turned((5, 6, 7), rng.uniform(1, 2, 3), rng.uniform(-60, 60), (0.3, -0.2, 0.1))
    got = resample(Volume(field(source), source, ACTIVITY), onto).values
    assert got == pytest.approx(field(onto), abs=1e-6)


@given(st.integers(0, 2**32 - 1))
def test_conserving_keeps_the_total_on_any_parallel_grid(seed):
    """Sum of concentration times voxel volume is kept to rounding, if the new grid covers the old."""
    rng = np.random.default_rng(seed)
    source = grid((9, 10, 11), rng.uniform(1, 4, 3), rng.normal(0, 5, 3))
    values = rng.random(source.shape)
    spacing = rng.uniform(0.7, 9, 3)
    size = np.ceil(np.array(source.shape) * source.spacing_mm / spacing).astype(int) + 3
    first = source.affine[:3, 3] - source.spacing_mm[::-1] / 2 - rng.uniform(0, 1, 3) * spacing[::-1] + 0 * size
    onto = grid(tuple(size), spacing, first + spacing[::-1] / 2 - spacing[::-1] * 0.5)
    got = resample(Volume(values, source, ACTIVITY), onto, method="conserving").values
    assert np.sum(got) * onto.voxel_mL == pytest.approx(np.sum(values) * source.voxel_mL, rel=1e-9)


def test_conserving_nearly_keeps_the_total_on_a_turned_grid():
    source = grid((40, 40, 40), (2.0, 2.0, 2.0), (-39, -39, -39))
    r2 = np.sum(source.to_patient(np.stack(np.indices(source.shape), axis=-1)) ** 2, axis=-1)
    v = Volume(np.exp(-r2 / 200), source, ACTIVITY)
    onto = turned((16, 16, 16), (6.0, 5.5, 7.0), 30, (1, 2, 3))
    got = resample(v, onto, method="conserving").values
    assert np.sum(got) * onto.voxel_mL == pytest.approx(np.sum(v.values) * source.voxel_mL, rel=2e-3)


@pytest.mark.parametrize("quantity", ["counts", "time-integrated activity [Bq s]"])
def test_totals_per_voxel_keep_their_sum_and_densities_their_height(quantity):
    source, onto = grid((8, 8, 8), (2.0, 2.0, 2.0)), grid((4, 4, 4), (4.0, 4.0, 4.0), (1.0, 1.0, 1.0))
    ones = np.ones(source.shape)
    assert resample(Volume(ones, source, quantity), onto, method="conserving").values.sum() == pytest.approx(512)
    assert resample(Volume(ones, source, quantity), onto).values.sum() == pytest.approx(512)
    assert resample(Volume(ones, source, "HU"), onto, method="conserving").values == pytest.approx(np.ones((4, 4, 4)))


def test_outside_is_what_was_asked_and_only_outside():
    source, onto = grid((4, 4, 4), (2.0, 2.0, 2.0)), grid((4, 4, 8), (2.0, 2.0, 2.0), (-4.9, 0.0, 0.0))
    for method in ("linear", "nearest", "conserving"):
        got = resample(Volume(np.full(source.shape, 7.0), source, "HU"), onto, method=method, outside=-1000.0).values
        assert got[0, 0, 0] == -1000 and got[0, 0, 1] == -1000 and got[0, 0, 7] == -1000
        assert got[0, 0, 3:6] == pytest.approx([7, 7, 7])
    # A centre less than half a voxel beyond the outermost centre still lies in its voxel.
    assert resample(Volume(np.full(source.shape, 7.0), source, "HU"), onto, outside=-1000.0).values[0, 0, 2] == pytest.approx(7)


def test_a_transform_moves_in_the_direction_it_says():
    """T maps the new grid's space to the source's: a source marker at x = 10 shows at x = 10 - 4."""
    source = grid((3, 3, 21), (1.0, 1.0, 1.0))
    values = np.zeros(source.shape)
    values[1, 1, 10] = 1
    shift = np.eye(4)
    shift[0, 3] = 4.0
    got = resample(Volume(values, source, ACTIVITY), source, shift).values
    assert np.argwhere(got > 0.5).tolist() == [[1, 1, 6]]
    mask = resample_mask(values > 0.5, source, source, shift)
    assert np.argwhere(mask).tolist() == [[1, 1, 6]]


def test_two_frames_of_reference_need_a_transform():
    a, b = grid((2, 2, 2), (1, 1, 1), frame="1.2"), grid((2, 2, 2), (1, 1, 1), frame="1.3")
    with pytest.raises(BadInput, match="different frames of reference"):
        resample(Volume(np.ones((2, 2, 2)), a, ACTIVITY), b)
    assert resample(Volume(np.ones((2, 2, 2)), a, ACTIVITY), b, np.eye(4)).geometry is b


def test_labels_are_not_averaged():
    g = grid((2, 2, 2), (1, 1, 1))
    v = Volume(np.full((2, 2, 2), 5), g, "label")
    with pytest.raises(BadInput, match="nearest"):
        resample(v, g)
    got = resample(v, grid((2, 2, 2), (0.5, 0.5, 0.5)), method="nearest")
    assert got.values.dtype.kind == "i" and got.values[0, 0, 0] == 5
    with pytest.raises(BadInput, match="not known"):
        resample(v, g, method="cubic")


@given(st.integers(0, 2**32 - 1))
def test_a_mask_shifted_by_half_a_voxel_along_an_axis_keeps_its_volume(seed):
    rng = np.random.default_rng(seed)
    source = grid((8, 8, 8), (2.0, 2.0, 2.0))
    onto = grid((10, 10, 10), (2.0, 2.0, 2.0), (-1.0, -2.0, -2.0))
    mask = np.zeros(source.shape, bool)
    a, b = np.sort(rng.choice(np.arange(9), 2, replace=False)), np.sort(rng.choice(np.arange(9), 2, replace=False))
    mask[2:6, a[0] : a[1], b[0] : b[1]] = True
    assert np.count_nonzero(resample_mask(mask, source, onto)) == np.count_nonzero(mask)


def test_a_ball_keeps_its_volume_and_place_on_coarser_finer_and_turned_grids():
    source = grid((50, 50, 50), (2.0, 2.0, 2.0), (-49, -49, -49))
    places = source.to_patient(np.stack(np.indices(source.shape), axis=-1))
    mask = np.linalg.norm(places - [5, -3, 2], axis=-1) < 30
    for onto in (grid((30, 30, 30), (4.0, 4.8, 4.8), (-69.6, -69.6, -58)), grid((80, 80, 80), (1.0, 1.0, 1.0), (-39.7, -39.7, -39.7)),
                 turned((40, 40, 40), (2.5, 2.5, 2.5), 33, (0, 0, 0))):
        got = resample_mask(mask, source, onto)
        assert np.count_nonzero(got) * onto.voxel_mL == pytest.approx(np.count_nonzero(mask) * source.voxel_mL, rel=0.01)
        assert onto.to_patient(np.argwhere(got)).mean(0) == pytest.approx([5, -3, 2], abs=0.3)


@pytest.mark.parametrize(("axes", "signs"), list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3))))
def test_to_axial_moves_no_voxel(axes, signs):
    """Each of the 48 orientations, a little oblique: right-handed, near-identity cosines, every value where it was."""
    tilt = turned((1, 1, 1), (1, 1, 1), 12, (0, 0, 0)).affine[:3, :3]
    affine = np.eye(4)
    affine[:3, :3] = (tilt @ np.diag([2.0, 3.0, 4.0]))[:, list(axes)] * signs
    affine[:3, 3] = [10, 20, 30]
    g = Geometry((3, 4, 5), affine, "1.2")
    v = Volume(np.arange(60.0).reshape(g.shape), g, ACTIVITY)
    out = to_axial(v)
    assert np.linalg.det(out.geometry.affine) > 0
    assert np.all(np.diag(out.geometry.affine[:3, :3]) > 0) and out.geometry.frame_of_reference == "1.2"
    for value in (0, 17, 59):
        a, b = np.argwhere(v.values == value)[0], np.argwhere(out.values == value)[0]
        assert out.geometry.to_patient(b) == pytest.approx(g.to_patient(a), abs=1e-9)
