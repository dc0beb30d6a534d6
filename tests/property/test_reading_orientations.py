"""Left stays left, whatever way an image is stored."""

from __future__ import annotations

import itertools
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.reading_samples import ADMINISTERED, nuclide, slices

from lutetia.imaging.activity import read_activity
from lutetia.imaging.nifti import read_nifti, write_nifti

_AXES = [
    np.array([np.eye(3)[p] * s for p, s in zip(perm, signs)])
    for perm in itertools.permutations(range(3))
    for signs in itertools.product((1, -1), repeat=3)
]


@given(
    axes=st.sampled_from(_AXES),
    euler=st.tuples(*[st.sampled_from([0.0, 0.0, 0.3, -0.7])] * 3),
    marker=st.tuples(st.integers(0, 3), st.integers(0, 4), st.integers(0, 5)),
    shuffle=st.permutations(range(4)),
)
def test_a_marker_is_found_at_its_place_in_all_48_orientations_and_oblique(axes, euler, marker, shuffle) -> None:
    """The place of voxel (column i, row j) of slice k is position_k + i dx row + j dy column (PS3.3 C.7.6.2.1.1)."""
    row, column, normal = axes @ _rotation(euler)
    origin, k, j, i = np.array([11.0, -7.0, 3.0]), *marker
    stored = np.ones((4, 5, 6), np.uint16)
    stored[marker] = 1000
    place = origin + k * 4.0 * normal + i * 2.0 * row + j * 3.0 * column
    with tempfile.TemporaryDirectory() as folder:
        slices(Path(folder) / "pt", stored, origin=origin, row=row, column=column, step=4.0 * normal, order=shuffle)
        scan = read_activity(Path(folder) / "pt", nuclide=nuclide(), administered_at=ADMINISTERED)
        write_nifti(Path(folder) / "a.nii.gz", scan.volume)
        again = read_nifti(Path(folder) / "a.nii.gz", "HU")
    for volume in (scan.volume, again):
        found = np.unravel_index(np.argmax(volume.values), volume.values.shape)
        assert volume.geometry.to_patient(found) == pytest.approx(place, abs=1e-3)


def _rotation(euler: tuple[float, float, float]) -> np.ndarray:
    a, b, c = euler
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return x @ y @ z
