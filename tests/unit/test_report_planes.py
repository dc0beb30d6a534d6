"""Slices in the patient: every way an image may lie in memory shows the same patient."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
from test_report_case import fake_images, fake_result

from lutetia.report import ReportImages
from lutetia.report.planes import cropped, oriented, places


def _laid(images: ReportImages, order: tuple[int, ...], flip: tuple[bool, ...]) -> ReportImages:
    """The same patient stored with its index axes (i, j, k) permuted and mirrored."""
    affine = np.array(images.affine)
    n = images.dose_Gy.shape[::-1]
    new = np.eye(4)
    new[:3, 3] = affine[:3, 3]
    for axis, old in enumerate(order):
        step = affine[:3, old]
        new[:3, axis] = -step if flip[axis] else step
        if flip[axis]:
            new[:3, 3] += step * (n[old] - 1)
    at = tuple(2 - order[axis] for axis in (2, 1, 0))
    mirror = tuple(slice(None, None, -1 if flip[axis] else 1) for axis in (2, 1, 0))

    def laid(a: np.ndarray) -> np.ndarray:
        return np.transpose(a, at)[mirror]

    spacing = tuple(images.spacing_mm[a] for a in at)
    return ReportImages(laid(images.dose_Gy), laid(images.anatomy), images.anatomy_kind, {k: laid(v) for k, v in images.masks.items()}, spacing, new)


@pytest.fixture(scope="module")
def images() -> ReportImages:
    coarse = fake_images(10.0)
    return dataclasses.replace(coarse, spacing_mm=(11.0, 10.0, 9.0), affine=coarse.affine @ np.diag([0.9, 1.0, 1.1, 1.0]))


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("flip", list(itertools.product((False, True), repeat=3)))
def test_all_48_layouts_show_the_same_patient(images, order, flip) -> None:
    """Dose, anatomy, masks and spacing come out as they do for axes along L, P, S."""
    plain, turned = oriented(images), oriented(_laid(images, order, flip))
    assert np.array_equal(plain.dose_Gy, images.dose_Gy)
    assert np.array_equal(turned.dose_Gy, plain.dose_Gy) and np.array_equal(turned.anatomy, plain.anatomy)
    assert np.array_equal(turned.masks["kidney left"], plain.masks["kidney left"])
    assert turned.spacing_mm == plain.spacing_mm and turned.tilt_deg == pytest.approx(0.0, abs=1e-6)


def test_left_is_at_higher_columns_and_head_at_higher_rows(images) -> None:
    """By anatomy: the left kidney lies to the left, the spleen above it, the spine behind."""
    view = oriented(images)
    s, p, l = (np.argwhere(view.masks["kidney left"]).mean(axis=0) - np.argwhere(view.masks["kidney right"]).mean(axis=0)).round()
    assert l > 0
    assert np.argwhere(view.masks["spleen"])[:, 0].mean() > np.argwhere(view.masks["kidney left"])[:, 0].mean()
    assert np.argwhere(view.masks["lesion L4 vertebra"])[:, 1].mean() > np.argwhere(view.masks["liver"])[:, 1].mean()


def test_a_tilted_grid_says_so(images) -> None:
    """Five degrees about the head-foot axis."""
    c, s = np.cos(np.radians(5)), np.sin(np.radians(5))
    turn = np.array([[c, -s, 0, 0], [s, c, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    assert oriented(dataclasses.replace(images, affine=turn @ images.affine)).tilt_deg == pytest.approx(5.0)


def test_places_are_the_hottest_voxel_and_the_most_exposed_organ(images) -> None:
    """The lesion in L4 has the highest mean, the left kidney is first among the organs."""
    view = cropped(oriented(images), "CT")
    first, second = places(view, fake_result()["regions"])
    assert (first.region, second.region) == ("lesion L4 vertebra", "kidney left")
    mask = view.masks[first.region]
    assert mask[first.voxel] and view.dose_Gy[first.voxel] == view.dose_Gy[mask].max()
    assert view.masks[second.region][second.voxel]


def test_places_with_one_kind_of_region_and_with_none(images) -> None:
    """Two organs: the two highest. A region without a mask, or an empty one, is passed over."""
    regions = fake_result()["regions"]
    view = oriented(images)
    assert [p.region for p in places(view, regions[:3])] == ["kidney left", "kidney right"]
    empty = dataclasses.replace(view, masks={"liver": np.zeros(view.dose_Gy.shape, bool)})
    assert places(empty, regions) == []


def test_the_crop_keeps_every_region(images) -> None:
    """Nothing outlined is cut, even where the anatomy is empty."""
    view = oriented(dataclasses.replace(images, anatomy=np.full(images.anatomy.shape, -1000.0)))
    small = cropped(view, "CT")
    assert small.dose_Gy.size < view.dose_Gy.size
    assert all(small.masks[n].sum() == view.masks[n].sum() for n in view.masks)
