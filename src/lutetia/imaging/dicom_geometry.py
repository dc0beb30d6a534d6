"""Where the planes of a DICOM image lie in the patient, and the regular grid they make.

A plane's position and direction cosines are those of PS3.3 C.7.6.2.1.1; a reconstructed NM object gives
them once, for its first frame, and stacks the others by the sign of its slice spacing (PS3.3 C.8.4.15).
Nothing irregular is resampled here: what is not a regular, orthogonal stack is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core import BadInput
from .dicom_files import Header
from .volume import Geometry

#: Slice steps may differ by this fraction (positions are rounded when they are written).
_STEP_TOLERANCE = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """One slice: position of its first voxel (LPS mm), unit vectors along a row and a column, spacing and shape."""

    position: np.ndarray
    along_row: np.ndarray
    along_column: np.ndarray
    spacing_mm: tuple[float, float]  # between rows, between columns: DICOM's order
    shape: tuple[int, int]  # rows, columns


def plane_of(header: Header) -> Plane:
    """The plane that an image, or a frame of one, describes.

    Raises
    ------
    BadInput
        Position, orientation or spacing is missing or is not one.
    """
    position = header.numbers("ImagePositionPatient", 3)
    cosines = header.numbers("ImageOrientationPatient", 6)
    spacing = header.numbers("PixelSpacing", 2)
    rows, columns = header.number("Rows"), header.number("Columns")
    missing = [
        words
        for words, value in (
            ("Image Position (Patient) (0020,0032)", position),
            ("Image Orientation (Patient) (0020,0037)", cosines),
            ("Pixel Spacing (0028,0030)", spacing),
            ("Rows and Columns", rows and columns),
        )
        if not value
    ]
    if position is None or cosines is None or spacing is None or not rows or not columns:
        raise BadInput(
            f"{header.name}: has no {' and no '.join(missing)}, so where it lies in the patient is unknown; "
            "export the original images, or convert them to NIfTI with a geometry you have checked."
        )
    if not 0.001 <= min(spacing) <= max(spacing) <= 1000 or max(map(abs, position)) > 1e5:
        raise BadInput(f"{header.name}: its Pixel Spacing {spacing} or Image Position {position} is not one in mm of a patient; export the file again.")
    row, column = np.array(cosines[:3]), np.array(cosines[3:])
    if abs(np.linalg.norm(row) - 1) > 1e-2 or abs(np.linalg.norm(column) - 1) > 1e-2 or abs(row @ column) > 1e-3:
        raise BadInput(f"{header.name}: its Image Orientation (0020,0037) is not a pair of orthogonal unit vectors; export the file again.")
    row = row / np.linalg.norm(row)
    column = column - row * (row @ column)
    column = column / np.linalg.norm(column)
    return Plane(np.array(position), row, column, (spacing[0], spacing[1]), (int(rows), int(columns)))


def nm_planes(header: Header, n_frames: int) -> tuple[list[Plane], list[str]]:
    """The plane of each frame of a reconstructed NM object, and what had to be assumed.

    Frame f holds slice number SliceVector[f]; the position given is that of the first frame, and the others
    follow along (row x column) with the sign of Spacing Between Slices (0018,0088), which may be negative.

    Raises
    ------
    BadInput
        The object holds projections or gated or dynamic frames, or a needed attribute is missing.
    """
    kind = ([*header.texts("ImageType"), "", "", ""])[2]
    if kind not in ("RECON TOMO", "RECON GATED TOMO", ""):
        raise BadInput(f"{header.name}: is an NM object of type {kind}, not a reconstructed tomogram; give the reconstruction (RECON TOMO).")
    vector = header.numbers("SliceVector")
    if vector is None:
        raise BadInput(f"{header.name}: has no Slice Vector (0054,0080), so the order of its slices is unknown; give the reconstruction (RECON TOMO).")
    number = np.array(vector, int)
    if len(number) != n_frames:
        raise BadInput(f"{header.name}: its Slice Vector names {len(number)} slices for {n_frames} frames; export the file again.")
    if len(set(number.tolist())) != n_frames:
        raise BadInput(f"{header.name}: several frames hold the same slice (a gated, dynamic or multi-window object); give one frame a slice.")
    notes = []
    step = header.number("SpacingBetweenSlices")
    if not step:
        step = header.number("SliceThickness")
        if not step:
            raise BadInput(f"{header.name}: has neither Spacing Between Slices (0018,0088) nor Slice Thickness; export the original reconstruction.")
        notes.append("Spacing Between Slices (0018,0088) is missing: the slice thickness was taken, stacked along row x column")
    if number[0] != 1:
        notes.append(f"the first frame holds slice {number[0]}: the position given was taken as that of the first frame")
    first = plane_of(header)
    along = np.cross(first.along_row, first.along_column) * step
    return [
        Plane(first.position + along * float(n - number[0]), first.along_row, first.along_column, first.spacing_mm, first.shape) for n in number
    ], notes


def stack(planes: Sequence[Plane], frame_of_reference: str, where: str) -> tuple[Geometry, np.ndarray]:
    """The regular grid that `planes` make, and their order in it.

    Slices run along (row x column), so that the grid is right-handed whatever the order of the files.

    Returns
    -------
    geometry : Geometry
    order : ndarray of int, shape (n,)
        ``planes[order[k]]`` is slice k.

    Raises
    ------
    BadInput
        One slice only; slices of different shape, spacing or orientation; duplicate, missing or unevenly
        spaced slices; slices displaced sideways (gantry tilt).
    """
    first = planes[0]
    if len(planes) < 2:
        raise BadInput(f"{where}: holds one slice; give all slices of the series.")
    if len({p.shape for p in planes}) > 1:
        raise BadInput(f"{where}: its slices have different numbers of rows or columns ({sorted({p.shape for p in planes})[:3]}); give one image.")
    spacings = np.array([p.spacing_mm for p in planes])
    if np.ptp(spacings, axis=0).max() > 1e-3 * spacings.min():
        raise BadInput(f"{where}: its slices have different pixel spacings ({spacings.min():.4g} to {spacings.max():.4g} mm); give one image.")
    cosines = np.array([[*p.along_row, *p.along_column] for p in planes])
    if np.abs(cosines - cosines[0]).max() > 1e-3:
        raise BadInput(f"{where}: its slices point in different directions (a scout or a reformat among them?); give one image.")
    normal = np.cross(first.along_row, first.along_column)
    positions = np.array([p.position for p in planes])
    along = positions @ normal
    order = np.argsort(along, kind="stable")
    _require_even(along[order], where)
    step = (along[order[-1]] - along[order[0]]) / (len(planes) - 1)
    _require_straight(positions[order], normal, where)
    affine = np.eye(4)
    affine[:3, 0] = first.along_row * first.spacing_mm[1]
    affine[:3, 1] = first.along_column * first.spacing_mm[0]
    affine[:3, 2] = normal * step
    affine[:3, 3] = positions[order[0]]
    return Geometry((len(planes), *first.shape), affine, frame_of_reference), order


def _require_even(along: np.ndarray, where: str) -> None:
    steps = np.diff(along)
    typical = float(np.median(steps))
    smallest = max(1e-3, 0.01 * typical)
    same = int(np.sum(steps < smallest))
    if same:
        raise BadInput(
            f"{where}: {same} slice{' lies' if same == 1 else 's lie'} where another slice lies (copies of files, or a dynamic or gated series); give one slice for each position."
        )
    if np.all(np.abs(steps - typical) <= _STEP_TOLERANCE * typical):
        return
    one = float(steps.min())
    whole = np.rint(steps / one)
    if np.all(np.abs(steps - whole * one) <= _STEP_TOLERANCE * one * whole) and whole.max() > 1:
        gap = int(np.argmax(whole))
        n = int(np.sum(whole - 1))
        raise BadInput(
            f"{where}: {n} slice{' is' if n == 1 else 's are'} missing, the first gap between {along[gap]:.2f} and {along[gap + 1]:.2f} mm "
            "along the stack; copy the whole series."
        )
    raise BadInput(f"{where}: its slices are unevenly spaced ({steps.min():.4g} to {steps.max():.4g} mm); give an image with even spacing.")


def _require_straight(positions: np.ndarray, normal: np.ndarray, where: str) -> None:
    path = positions[-1] - positions[0]
    through = float(path @ normal)
    across = positions - positions[0]
    across = across - np.outer(across @ normal, normal)
    sideways = float(np.linalg.norm(across, axis=1).max())
    if sideways > 0.1 + 1e-3 * through:
        angle = np.degrees(np.arctan2(sideways, through))
        raise BadInput(
            f"{where}: its slices are displaced sideways (gantry tilt of about {angle:.1f} degrees), so the grid is sheared; "
            "resample the image to an upright grid first."
        )
