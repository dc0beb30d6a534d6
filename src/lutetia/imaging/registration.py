"""Rigid registration of two images of the same kind and patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core import BadInput
from .resample import resample
from .volume import Geometry, Volume

if TYPE_CHECKING:
    import SimpleITK

_WORKING_MM = 4.0  # SPECT resolves about 10 mm, and interpolation aligns to a fraction of the grid
_SAMPLES = 60_000  # voxels compared at each level
_LARGE_MM, _LARGE_DEG = 60.0, 15.0


@dataclass(frozen=True, slots=True, eq=False)
class Registration:
    """How to reach the moving image from the fixed one.

    Attributes
    ----------
    transform : ndarray, shape (4, 4)
        Maps LPS mm of the fixed image to LPS mm of the moving one: give it to
        ``resample(moving, onto=fixed.geometry, transform=transform)``.
    translation_mm : float
        How far it moves the centre of the fixed image, mm.
    rotation_deg : float
        Angle of its rotation.
    correlation_before, correlation_after : float
        Pearson correlation of the two images' values over the fixed image's voxels that both cover, without and
        with the transform. Before is not defined (nan) if the images do not overlap.
    text : str
        One sentence on the outcome.
    """

    transform: np.ndarray
    translation_mm: float
    rotation_deg: float
    correlation_before: float
    correlation_after: float
    text: str


def register_rigid(fixed: Volume, moving: Volume, *, seed: int = 0) -> Registration:
    """Rotation and translation that bring two images of one kind into agreement.

    Both are brought onto upright isotropic grids (of 4 mm, less for small fields of view, never finer than the
    images) and aligned by maximising the correlation of their
    values (Euler angles and translation; ITK's regular-step gradient descent on 4, 2 and 1 times that grid), starting from no
    motion and, if that agrees better, from agreement of the centres of mass. Activity is compared by its square
    root, so that a few hot voxels do not decide; HU are clipped to -300..500, so
    that organs count beside the skin. One thread and a fixed sample, so the
    result is the same in every run. If the correlation does not rise, no motion is kept and the text says so.

    Parameters
    ----------
    fixed, moving : Volume
        Of the same quantity.
    seed : int
        Seed of the metric's sample of voxels.

    Raises
    ------
    BadInput
        Images of different quantities, or an image without contrast.
    """
    if fixed.quantity != moving.quantity:
        raise BadInput(f"register_rigid: the images hold {fixed.quantity!r} and {moving.quantity!r}; give two images of the same quantity.")
    extent = float(np.max(fixed.geometry.spacing_mm * fixed.geometry.shape))
    step = max(min(_WORKING_MM, extent / 48), float(min(fixed.geometry.spacing_mm.min(), moving.geometry.spacing_mm.min())))
    a, b = _prepared(fixed, step), _prepared(moving, step)
    before = _correlation(a, b, np.eye(4))
    start = _start(a, b, before)
    found = _optimise(a, b, start, seed)
    after = _correlation(a, b, found)
    if not np.isfinite(before) and not np.isfinite(after):
        raise BadInput("register_rigid: the two images do not overlap and no agreement was found; check that they show the same part of the body.")
    if np.isfinite(before) and not after > before + 1e-4:
        return Registration(np.eye(4), 0.0, 0.0, before, before,
                            f"No motion improves the agreement (correlation {before:.3f}), so the images are taken as aligned.")
    shift, angle = _size(found, a.geometry)
    text = f"The moving image was shifted by {shift:.1f} mm and turned by {angle:.1f} degrees; correlation {before:.3f} before, {after:.3f} after."
    if not np.isfinite(before):
        text = f"The images did not overlap; shifted by {shift:.1f} mm and turned by {angle:.1f} degrees they correlate by {after:.3f}."
    if after < 0.5 or angle > _LARGE_DEG or (np.isfinite(before) and shift > _LARGE_MM):
        text += " This is unusual: look at the two images together before using it."
    return Registration(found, shift, angle, before, after, text)


def _prepared(volume: Volume, step: float) -> Volume:
    """The image on an upright isotropic grid, its values compressed for comparison."""
    g = volume.geometry
    faces = np.array([[k, j, i] for k in (-0.5, g.shape[0] - 0.5) for j in (-0.5, g.shape[1] - 0.5) for i in (-0.5, g.shape[2] - 0.5)])
    corners = g.to_patient(faces)
    low, high = corners.min(0), corners.max(0)
    n = np.maximum(np.ceil((high - low) / step - 1e-3), 1).astype(int)
    affine = np.diag([step, step, step, 1.0])
    affine[:3, 3] = (low + high) / 2 - (n - 1) / 2 * step
    onto = Geometry(tuple(n[::-1]), affine, g.frame_of_reference)
    hounsfield = volume.quantity == "HU"
    out = resample(volume.with_values(np.asarray(volume.values, np.float32)), onto, method="conserving", outside=-1000.0 if hounsfield else 0.0)
    values = np.clip(out.values, -300, 500) + 300 if hounsfield else np.sqrt(np.clip(out.values, 0, None))
    if not np.all(np.isfinite(values)) or np.ptp(values) == 0:
        raise BadInput("register_rigid: an image has no contrast, or values that are not finite; give images with activity or anatomy in them.")
    return Volume(np.ascontiguousarray(values / values.max(), np.float32), onto, "compressed")


def _correlation(a: Volume, b: Volume, transform: np.ndarray) -> float:
    """Pearson correlation over the voxels of `a` that `b` covers; nan for fewer than 5 % of them."""
    moved = resample(b, a.geometry, transform, outside=-1.0).values
    both = moved >= 0
    if np.count_nonzero(both) < 0.05 * both.size:
        return float("nan")
    x, y = a.values[both].astype(float), moved[both].astype(float)
    x, y = x - x.mean(), y - y.mean()
    norm = float(np.sqrt(np.sum(x * x) * np.sum(y * y)))
    return float(np.sum(x * y)) / norm if norm > 0 else float("nan")


def _start(a: Volume, b: Volume, before: float) -> np.ndarray:
    """No motion, or the shift between the centres of mass or of the grids where that agrees better."""
    best, best_value = np.eye(4), before if np.isfinite(before) else -2.0
    for place in (_centre_of_mass, _centre):
        shift = np.eye(4)
        shift[:3, 3] = place(b) - place(a)
        value = _correlation(a, b, shift)
        if np.isfinite(value) and value > best_value + 0.02:
            best, best_value = shift, value
    return best


def _centre_of_mass(v: Volume) -> np.ndarray:
    total = float(v.values.sum(dtype=float))
    index = [float(np.arange(n) @ v.values.sum(axis=tuple(x for x in range(3) if x != axis), dtype=float)) / total for axis, n in enumerate(v.values.shape)]
    return v.geometry.to_patient(np.array(index))


def _centre(v: Volume) -> np.ndarray:
    return v.geometry.to_patient((np.array(v.geometry.shape) - 1) / 2)


def _optimise(a: Volume, b: Volume, start: np.ndarray, seed: int) -> np.ndarray:
    import SimpleITK as sitk

    transform = sitk.Euler3DTransform()
    transform.SetCenter(_centre_of_mass(a).tolist())
    transform.SetTranslation(start[:3, 3].tolist())
    method = sitk.ImageRegistrationMethod()
    method.SetGlobalDefaultNumberOfThreads(1)
    method.SetNumberOfThreads(1)
    method.SetMetricAsCorrelation()
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentagePerLevel([min(1.0, _SAMPLES * n**3 / a.values.size) for n in (4, 2, 1)], seed + 1)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetShrinkFactorsPerLevel([4, 2, 1])
    method.SetSmoothingSigmasPerLevel([2.0, 1.0, 0.0])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOff()
    method.SetOptimizerAsRegularStepGradientDescent(
        learningRate=4.0, minStep=2e-3, numberOfIterations=100, relaxationFactor=0.5, gradientMagnitudeTolerance=1e-8)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(_to_itk(a, sitk), _to_itk(b, sitk))
    except RuntimeError:  # ITK raises when the images stop overlapping on the way
        return start
    return _matrix(transform)


def _to_itk(v: Volume, sitk: Any) -> SimpleITK.Image:
    image = sitk.GetImageFromArray(v.values)
    image.SetSpacing(v.geometry.spacing_mm[::-1].tolist())
    image.SetOrigin(v.geometry.affine[:3, 3].tolist())
    return image


def _matrix(transform: Any) -> np.ndarray:
    out = np.eye(4)
    centre = np.array(transform.GetCenter())
    out[:3, :3] = np.array(transform.GetMatrix()).reshape(3, 3)
    out[:3, 3] = np.array(transform.GetTranslation()) + centre - out[:3, :3] @ centre
    return out


def _size(transform: np.ndarray, geometry: Geometry) -> tuple[float, float]:
    """Shift of the grid's centre in mm and angle of the rotation in degrees."""
    centre = geometry.to_patient((np.array(geometry.shape) - 1) / 2)
    shift = transform[:3, :3] @ centre + transform[:3, 3] - centre
    cosine = (np.trace(transform[:3, :3]) - 1) / 2
    return float(np.linalg.norm(shift)), float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
