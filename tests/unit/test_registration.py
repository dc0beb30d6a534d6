"""Rigid registration recovers a motion that was put in, and leaves aligned images alone."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.imaging.registration import register_rigid
from lutetia.imaging.resample import resample
from lutetia.imaging.volume import Geometry, Volume

SPECT = "activity concentration [Bq/mL]"
_BLOBS = (((40, 10, 20), 18, 3.0), ((-45, 15, 15), 16, 2.0), ((-60, -20, 50), 35, 1.5), ((55, 5, 60), 22, 2.5), ((5, 0, -40), 12, 1.0))


def grid(frame, first=(-150.0, -120.0, -120.0), shape=(50, 50, 62), spacing=4.8):
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = first
    return Geometry(shape, affine, frame)


def body(g, motion=None, quantity=SPECT, noise=0.0, seed=1):
    """Kidneys, liver, spleen and a lesion in a faint body, at the places that `motion` takes them from."""
    motion = np.eye(4) if motion is None else motion
    place = g.to_patient(np.stack(np.indices(g.shape), axis=-1)) @ motion[:3, :3].T + motion[:3, 3]
    inside = (place[..., 0] / 130) ** 2 + (place[..., 1] / 90) ** 2 < 1
    values = 0.05 / (1 + np.exp(((place[..., 0] / 130) ** 2 + (place[..., 1] / 90) ** 2 - 1) * 20))
    for centre, width, height in _BLOBS:
        values += height * np.exp(-np.sum((place - centre) ** 2, axis=-1) / (2 * (width / 2) ** 2))
    values += noise * np.random.default_rng(seed).normal(size=g.shape) * np.sqrt(values)
    if quantity == "HU":
        values = np.where(inside, 100 * values, -1000.0)
    else:
        values = 1e4 * np.clip(values, 0, None)
    return Volume(values, g, quantity)


def rigid(degrees, shift):
    a, b, c = np.radians(degrees)
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    out = np.eye(4)
    out[:3, :3] = z @ y @ x
    out[:3, 3] = shift
    return out


def residual_mm(found, put_in):
    """Largest distance between where the two motions take points of the trunk."""
    points = np.array([[x, y, z, 1.0] for x in (-80, 80) for y in (-50, 50) for z in (-60, 60)])
    return float(np.max(np.linalg.norm((points @ (found - put_in).T)[:, :3], axis=1)))


@pytest.mark.parametrize(("degrees", "shift", "quantity"), [
    ((0, 0, 0), (12.0, -7.0, 9.0), SPECT), ((3.0, -4.0, 6.0), (10.0, 8.0, -14.0), SPECT),
    ((3.0, -4.0, 6.0), (10.0, 8.0, -14.0), "HU"), ((0, 0, 0), (5.0, -20.0, 45.0), SPECT),
])
def test_a_known_motion_is_recovered_to_a_fraction_of_a_voxel(degrees, shift, quantity):
    """The moving image shows at T x what the fixed one shows at x; T comes back to well under one voxel (4.8 mm)."""
    put_in = rigid(degrees, shift)
    fixed = body(grid("1.1"), quantity=quantity, noise=0.05)
    moving = body(grid("1.2", first=(-140.0, -125.0, -115.0)), np.linalg.inv(put_in), quantity, noise=0.05, seed=2)
    r = register_rigid(fixed, moving)
    assert residual_mm(r.transform, put_in) < 2.4
    assert r.correlation_after > r.correlation_before and r.correlation_after > 0.9
    assert r.rotation_deg == pytest.approx(np.degrees(np.arccos((np.trace(put_in[:3, :3]) - 1) / 2)), abs=1.0)
    # And the transform is the one `resample` takes.
    back = resample(moving, fixed.geometry, r.transform, outside=-1000.0 if quantity == "HU" else 0.0)
    inner = (slice(10, -10),) * 3
    assert np.corrcoef(back.values[inner].ravel(), fixed.values[inner].ravel())[0, 1] > 0.95


def test_redistribution_between_scans_is_no_motion():
    """Same places, other uptake: nothing moves by more than a millimetre or two."""
    fixed = body(grid("1.1"))
    moving = Volume(fixed.values**1.3 * 0.02, grid("1.2"), SPECT)
    assert residual_mm(register_rigid(fixed, moving).transform, np.eye(4)) < 2.0


def test_aligned_images_stay():
    fixed = body(grid("1.1"))
    r = register_rigid(fixed, Volume(fixed.values.copy(), grid("1.2"), SPECT))
    assert np.array_equal(r.transform, np.eye(4))
    assert r.translation_mm == 0 and r.rotation_deg == 0
    assert r.correlation_after == r.correlation_before == pytest.approx(1.0)
    assert "taken as aligned" in r.text


def test_the_same_run_gives_the_same_bits():
    small = {"shape": (26, 26, 32), "spacing": 9.0}
    fixed, moving = body(grid("1.1", **small), noise=0.1), body(grid("1.2", **small), rigid((1, 2, 3), (4, 5, 6)), noise=0.1, seed=5)
    assert np.array_equal(register_rigid(fixed, moving, seed=3).transform, register_rigid(fixed, moving, seed=3).transform)


def test_images_far_apart_are_found():
    """Coordinates of two studies may have nothing in common: here 800 mm between them."""
    put_in = rigid((0, 0, 2), (0.0, 0.0, 800.0))
    r = register_rigid(body(grid("1.1")), body(grid("1.2", first=(-150.0, -120.0, 680.0)), np.linalg.inv(put_in)))
    assert residual_mm(r.transform, put_in) < 2.4
    assert np.isnan(r.correlation_before) and "did not overlap" in r.text


def test_different_kinds_and_empty_images_are_refused():
    g = grid("1.1", shape=(12, 12, 12))
    with pytest.raises(BadInput, match="same quantity"):
        register_rigid(Volume(np.ones(g.shape), g, SPECT), Volume(np.ones(g.shape), g, "HU"))
    with pytest.raises(BadInput, match="no contrast"):
        register_rigid(Volume(np.ones(g.shape), g, SPECT), Volume(np.ones(g.shape), g, SPECT))


def test_two_scans_of_a_patient(shared):
    """A day apart, with other uptake: lesions drawn by a physician on each scan come from 39 mm apart to a few mm."""
    import pydicom

    from lutetia.imaging.regions import read_regions

    case = shared / "cases" / "snmmi-patient4"
    if not case.is_dir():
        pytest.skip("the measured case snmmi-patient4 is not there")
    scans, lesions = [], []
    for name in ("scan1", "scan2"):
        slices = sorted((pydicom.dcmread(f) for f in (case / name / "spect").iterdir()), key=lambda d: float(d.ImagePositionPatient[2]))
        affine = np.diag([1.95313, 1.95313, 1.95313, 1.0])
        affine[:3, 3] = [float(v) for v in slices[0].ImagePositionPatient]
        values = np.stack([d.pixel_array * np.float32(d.RescaleSlope) for d in slices])
        scans.append(Volume(values, Geometry(values.shape, affine, slices[0].FrameOfReferenceUID), SPECT))
        lesions.append(read_regions(case / name / "rtstruct", scans[-1].geometry))
    r = register_rigid(*scans)
    moved = lesions[1].on_grid(scans[0].geometry, r.transform)
    for name in lesions[0].names:
        here, there, after = (s.geometry.to_patient(np.argwhere(s.mask(name))).mean(0) for s in (lesions[0], lesions[1], moved))
        assert np.linalg.norm(there - here) > 30
        assert np.linalg.norm(after - here) < 6
    assert r.correlation_after > r.correlation_before + 0.15
