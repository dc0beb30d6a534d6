"""NIfTI files in and out: RAS there, LPS here.

NIfTI has no unit of intensity, no time and no patient; who reads one must say what it holds.
"""

from __future__ import annotations

import contextlib
import gzip
import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ..core import BadInput, write_atomic
from .dicom_files import MAX_VOXELS
from .volume import Geometry, Volume

_LPS_FROM_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


def is_nifti(path: Path) -> bool:
    """Whether the file's name ends as NIfTI's do."""
    return path.name.lower().endswith((".nii", ".nii.gz"))


def read_nifti(path: Path, quantity: str) -> Volume:
    """Read a three-dimensional NIfTI file.

    Parameters
    ----------
    path : Path
    quantity : str
        What the values are; with "label" they are read as integers, otherwise as float32 with the file's
        own slope and intercept.

    Returns
    -------
    Volume
        Values indexed [k, j, i], the affine in LPS mm.

    Raises
    ------
    BadInput
        Not NIfTI, damaged, not three-dimensional, without a usable position, sheared, or labels that are
        not whole numbers.
    """
    path = Path(path)
    name = path.name
    if not path.is_file():
        raise BadInput(f"{name}: there is no such file; check the path.")
    try:
        with gzip.open(path) if name.lower().endswith(".gz") else open(path, "rb") as stream:
            volume = _volume(stream, name, quantity)
            # gzip keeps its checksum at the end: read that far.
            while stream.read(1 << 20):
                continue
    except BadInput:
        raise
    except MemoryError:
        raise BadInput(f"{name}: asks for more memory than this machine has; check that the file is an image.") from None
    except Exception as error:  # nibabel, zlib and numpy raise many kinds on damaged bytes
        raise BadInput(f"{name}: cannot be read as NIfTI ({type(error).__name__}); the file is damaged or cut short.") from None
    return volume


def _volume(stream: BinaryIO, name: str, quantity: str) -> Volume:
    import nibabel

    kind = nibabel.Nifti2Image if stream.read(4) in (b"\x1c\x02\x00\x00", b"\x00\x00\x02\x1c") else nibabel.Nifti1Image
    stream.seek(0)
    with _quiet():
        image = kind.from_stream(stream)
    shape = image.shape
    if len(shape) < 3 or any(n != 1 for n in shape[3:]) or min(shape[:3]) < 1:
        raise BadInput(f"{name}: has the shape {shape}; give one three-dimensional image (split a 4D file by time).")
    if math.prod(shape) > MAX_VOXELS:
        raise BadInput(f"{name}: claims {math.prod(shape):.3g} voxels, more than an image has; the file is damaged.")
    if image.get_data_dtype().kind not in "iuf":
        raise BadInput(f"{name}: holds values of type {image.get_data_dtype()}; give an image of plain numbers.")
    affine = _affine(image, name)
    label = quantity == "label"
    data = np.asanyarray(image.dataobj) if label else np.asarray(image.dataobj, np.float32)
    unit = image.header.get_xyzt_units()[0]
    if unit not in ("mm", "unknown"):
        raise BadInput(f"{name}: gives its spacing in {unit}; give a file in mm.")
    data = data.reshape(shape[:3])
    if label:
        data = _whole(data, name)
    return Volume(np.ascontiguousarray(data.transpose(2, 1, 0)), Geometry(shape[2::-1], affine), quantity)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """nibabel says in its log what we say in a sentence."""
    log = logging.getLogger("nibabel.global")
    level = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        log.setLevel(level)


def _affine(image: object, name: str) -> np.ndarray:
    header = image.header  # type: ignore[attr-defined]
    qform, qcode = header.get_qform(coded=True)
    sform, scode = header.get_sform(coded=True)
    if not qcode and not scode:
        raise BadInput(f"{name}: says where it lies neither in its qform nor its sform; save it again with its affine.")
    if qcode and scode and qcode == scode and np.abs(_corners(qform - sform, image.shape)).max() > 1.0:  # type: ignore[attr-defined]
        raise BadInput(f"{name}: its qform and its sform place it differently by more than 1 mm; save it again with one affine.")
    affine = _LPS_FROM_RAS @ (sform if scode else qform)
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    if not (np.all(np.isfinite(affine)) and np.all((spacing >= 0.001) & (spacing <= 1000)) and np.abs(affine[:3, 3]).max() <= 1e5):
        raise BadInput(f"{name}: its affine gives a spacing or position that is not one in mm of a patient; save it again with its affine.")
    axes = affine[:3, :3] / spacing
    if np.abs(axes.T @ axes - np.eye(3)).max() > 2e-3:
        raise BadInput(f"{name}: its axes are not orthogonal (a sheared grid); resample it to an upright grid first.")
    return affine


def _corners(difference: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    corners = np.array([[i, j, k, 1.0] for i in (0, shape[0]) for j in (0, shape[1]) for k in (0, shape[2])])
    return corners @ difference.T


def _whole(data: np.ndarray, name: str) -> np.ndarray:
    if data.dtype.kind == "f":
        if not np.all(np.isfinite(data)) or np.any(data != np.rint(data)):
            raise BadInput(f"{name}: holds values that are not whole numbers, so it is no label map; give integer labels.")
    elif data.dtype.kind not in "iu":
        raise BadInput(f"{name}: holds values of type {data.dtype}, so it is no label map; give integer labels.")
    if data.size and (data.min() < np.iinfo(np.int32).min or data.max() > np.iinfo(np.int32).max):
        raise BadInput(f"{name}: holds labels beyond 32-bit integers; give smaller labels.")
    return data.astype(np.int32)


def write_nifti(path: Path, volume: Volume) -> None:
    """Write a volume as .nii or .nii.gz: RAS mm, float32 (labels int32), whole or not at all.

    The header's description holds the quantity. The same volume gives the same bytes.

    Raises
    ------
    BadInput
        The name ends in neither .nii nor .nii.gz.
    """
    import nibabel

    path = Path(path)
    if not is_nifti(path):
        raise BadInput(f"{path.name}: a NIfTI file's name ends in .nii or .nii.gz; choose such a name.")
    kind = np.int32 if volume.quantity == "label" else np.float32
    data = np.asarray(volume.values, kind).transpose(2, 1, 0)
    image = nibabel.Nifti1Image(data, _LPS_FROM_RAS @ volume.geometry.affine)
    image.header.set_xyzt_units("mm", "sec")
    image.header["descrip"] = volume.quantity.encode("ascii", "replace")[:79]
    image.set_sform(image.affine, code=1)
    image.set_qform(image.affine, code=1)
    raw = image.to_bytes()
    if path.name.lower().endswith(".gz"):
        raw = gzip.compress(raw, compresslevel=1, mtime=0)
    write_atomic(path, raw)
