"""Damaged bytes end in a sentence, never in another exception."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.reading_samples import ADMINISTERED, nm_file, nuclide, ramp, slices

from lutetia.core import BadInput
from lutetia.imaging.activity import read_activity
from lutetia.imaging.inspect import inspect_folder
from lutetia.imaging.nifti import read_nifti, write_nifti
from lutetia.imaging.volume import Geometry, Volume


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("fuzz")
    pt = [p.read_bytes() for p in slices(folder / "pt", ramp(3))]
    write_nifti(folder / "a.nii", Volume(ramp().astype(float), Geometry((4, 3, 5), 2 * _eye()), "HU"))
    return {"0.dcm": pt[0], "1.dcm": pt[1], "2.dcm": pt[2], "nm": nm_file(folder / "nm", ramp()).read_bytes(), "a.nii": (folder / "a.nii").read_bytes()}


def _eye():
    import numpy as np

    affine = np.eye(4)
    affine[3, 3] = 0.5
    return affine


_EDITS = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.sampled_from(["flip", "cut", "drop", "copy"]), st.integers(1, 255), st.integers(1, 40)),
    min_size=1, max_size=6,
)  # fmt: skip


def _damage(raw: bytes, edits: list[tuple[float, str, int, int]], keep: int) -> bytes:
    data = bytearray(raw)
    for where, kind, value, size in edits:
        at = keep + int(where * (len(data) - keep))
        if at >= len(data):
            continue
        if kind == "flip":
            data[at] ^= value
        elif kind == "cut" and value > 200:
            del data[at:]
        elif kind == "drop":
            del data[at : at + size]
        elif kind == "copy":
            data[at:at] = data[at : at + size]
    return bytes(data)


@settings(max_examples=150)
@given(edits=_EDITS, multi_frame=st.booleans())
def test_damaged_dicom(originals: dict[str, bytes], edits: list, multi_frame: bool) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        names = ["nm"] if multi_frame else ["0.dcm", "1.dcm", "2.dcm"]
        for n in names:
            (folder / n).write_bytes(originals[n])
        (folder / names[0]).write_bytes(_damage(originals[names[0]], edits, 132))
        with contextlib.suppress(BadInput):
            read_activity(folder, nuclide=nuclide(), administered_at=ADMINISTERED)
        inspect_folder(folder)


@settings(max_examples=60)
@given(edits=_EDITS)
def test_damaged_nifti(originals: dict[str, bytes], edits: list) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "a.nii"
        path.write_bytes(_damage(originals["a.nii"], edits, 0))
        with contextlib.suppress(BadInput):
            read_nifti(path, "HU")
        with contextlib.suppress(BadInput):
            read_nifti(path, "label")
        inspect_folder(Path(name))
