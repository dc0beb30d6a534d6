"""CT series in Hounsfield units."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.reading_samples import ramp, slices

from lutetia.core import BadInput
from lutetia.imaging.ct import read_ct


def test_hounsfield_units_are_each_slice_its_own_slope_and_intercept(tmp_path: Path) -> None:
    def change(ds: pydicom.Dataset, k: int) -> None:
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = str(k + 1), "-1000", "HU"

    slices(tmp_path, ramp(), modality="CT", change=change)
    ct = read_ct(tmp_path)
    assert ct.volume.values == pytest.approx(ramp() * np.array([1.0, 2, 3, 4])[:, None, None] - 1000)
    assert ct.volume.time is None and len(ct.files) == 4 and len(ct.patient_key) == 12


@pytest.mark.parametrize(
    "words, keyword, value",
    [("is US, not HU", "RescaleType", "US"), ("no usable Rescale Slope", "RescaleSlope", None), ("no usable Rescale Slope", "RescaleSlope", "-1")],
)
def test_a_ct_that_is_not_in_hounsfield_units_is_refused(tmp_path: Path, words: str, keyword: str, value: str | None) -> None:
    slices(tmp_path, ramp(), modality="CT", change=lambda ds, k: setattr(ds, keyword, value))
    with pytest.raises(BadInput, match=words):
        read_ct(tmp_path)


def test_padding_outside_the_circle_becomes_air(tmp_path: Path) -> None:
    stored = np.full((3, 4, 4), 40, np.int16)
    stored[:, 0, 0] = -3024
    slices(tmp_path, stored, modality="CT")
    assert read_ct(tmp_path).volume.values.min() == -1024.0
    assert read_ct(tmp_path).volume.values.max() == 40.0
