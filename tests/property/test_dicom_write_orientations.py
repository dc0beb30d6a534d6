"""A hot voxel stays where it is in the patient, for all 48 ways to run the axes of an image."""

from __future__ import annotations

import datetime as dt
import itertools
import tempfile
from pathlib import Path

import numpy as np
import pydicom
from hypothesis import given
from hypothesis import strategies as st

from lutetia.imaging.activity import read_activity
from lutetia.imaging.ct import read_ct
from lutetia.imaging.dicom_write import Administered, Study, write_ct_series, write_nm_spect, write_pt_series
from lutetia.imaging.volume import Geometry, Volume
from lutetia.nuclides import nuclide

AT = dt.datetime(2024, 3, 4, 13, 0)
STUDY = Study("orientations", AT, "test", "DEMO^LUTETIA", "LUTETIA-DEMO", "19600101", "F", 70.0, 1.7)
ORIENTATIONS = list(itertools.product(itertools.permutations(range(3)), itertools.product((1, -1), repeat=3)))


@st.composite
def marked(draw: st.DrawFn) -> tuple[Geometry, tuple[int, int, int]]:
    order, signs = draw(st.sampled_from(ORIENTATIONS))
    shape = tuple(draw(st.integers(2, 5)) for _ in range(3))
    size = [draw(st.sampled_from([1.5, 2.0, 4.25])) for _ in range(3)]
    affine = np.eye(4)
    affine[:3, :3] = 0
    for column, (axis, sign) in enumerate(zip(order, signs)):
        affine[axis, column] = sign * size[column]
    affine[:3, 3] = [draw(st.integers(-200, 200)) / 4 for _ in range(3)]
    return Geometry(shape, affine, "1.2.3"), tuple(draw(st.integers(0, n - 1)) for n in shape)


def _with_marker(geometry: Geometry, at: tuple[int, int, int], quantity: str) -> Volume:
    values = np.full(geometry.shape, 10.0 if quantity != "HU" else -1000.0)
    values[at] = 900.0
    return Volume(values, geometry, quantity, AT)


def _marker(volume: Volume) -> np.ndarray:
    return volume.geometry.to_patient(np.array(np.unravel_index(np.argmax(volume.values), volume.values.shape)))


@given(marked())
def test_nm_marker_keeps_its_place(case):
    geometry, at = case
    lu = nuclide("Lu-177")
    dose = Administered("177Lu-DOTATATE", "Lu-177", 7.4e9, AT - dt.timedelta(hours=4), lu.half_life_s)
    with tempfile.TemporaryDirectory() as folder:
        path = write_nm_spect(Path(folder) / "spect.dcm", _with_marker(geometry, at, "activity concentration [Bq/mL]"), STUDY, dose, duration_s=1800)
        ds = pydicom.dcmread(path)
        detector = ds.DetectorInformationSequence[0]
        row, column = np.reshape(np.array(detector.ImageOrientationPatient, float), (2, 3))
        frame, r, c = np.unravel_index(np.argmax(ds.pixel_array), ds.pixel_array.shape)
        # PS3.3 C.8.4.15: the sign of the spacing stacks along the cross product of row and column cosines.
        place = (
            np.array(detector.ImagePositionPatient, float) + c * float(ds.PixelSpacing[1]) * row + r * float(ds.PixelSpacing[0]) * column
            + frame * float(ds.SpacingBetweenSlices) * np.cross(row, column)
        )
        assert ds.SpacingBetweenSlices < 0
        np.testing.assert_allclose(place, geometry.to_patient(np.array(at)), atol=1e-6)
        scan = read_activity(path, nuclide=lu, administered_at=dose.at)
        np.testing.assert_allclose(_marker(scan.volume), place, atol=1e-6)
        assert abs(float(scan.volume.values.max()) - 900) < 0.02


@given(marked())
def test_ct_and_pt_markers_keep_their_place(case):
    geometry, at = case
    lu = nuclide("Lu-177")
    dose = Administered("177Lu-DOTATATE", "Lu-177", 7.4e9, AT - dt.timedelta(hours=4), lu.half_life_s)
    with tempfile.TemporaryDirectory() as folder:
        write_ct_series(Path(folder) / "ct", _with_marker(geometry, at, "HU"), STUDY)
        write_pt_series(Path(folder) / "pt", _with_marker(geometry, at, "activity concentration [Bq/mL]"), STUDY, dose, duration_s=1800, decay_correction="ADMIN")
        ct = read_ct(Path(folder) / "ct").volume
        pt = read_activity(Path(folder) / "pt", nuclide=lu, administered_at=dose.at).volume
    for volume in (ct, pt):
        np.testing.assert_allclose(_marker(volume), geometry.to_patient(np.array(at)), atol=1e-6)
        assert abs(float(volume.values.max()) - 900) < 0.02
