"""Body materials: elemental composition, and what a CT number says about density and material.

Bone is graded by its mass fraction of cortical bone in marrow (half red, half yellow), from the density of
the voxel, in the manner of Schneider, Bortfeld and Schlegel 2000, doi 10.1088/0031-9155/45/2/314.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..core import BadInput, near_matches
from ..data import table

#: Density of dry air at 20 C and 1 atm, g/mL: no voxel of a `Medium` is lighter.
AIR_DENSITY_G_ML = 1.205e-3
_GRADES = tuple(f"bone_{10 * g}" for g in range(1, 11))
#: Materials that `medium_from_hu` assigns, in the order of their index.
CT_MATERIALS = ("air", "lung", "adipose", "soft_tissue", *_GRADES)
#: Upper CT numbers of air, lung, adipose and soft tissue (Schneider 2000, table 6: -950, -120; its five
#: mixtures of adipose and soft tissue are parted at -30; 100 HU is where its skeletal line begins).
_CLASS_EDGES_HU = (-950.0, -120.0, -30.0, 100.0)
_LAST_HU = 3071.0


@dataclass(frozen=True, slots=True, eq=False)
class Medium:
    """What fills each voxel.

    Attributes
    ----------
    density_g_mL : ndarray of float32, shape (k, j, i)
    material : ndarray of uint8, shape (k, j, i)
        Index into `names`.
    names : tuple of str
        Materials known to `composition`.
    """

    density_g_mL: np.ndarray
    material: np.ndarray
    names: tuple[str, ...]

    def __post_init__(self) -> None:
        if self.density_g_mL.ndim != 3 or self.density_g_mL.shape != self.material.shape:
            raise BadInput(f"A medium needs density and material of one 3-D shape; got {self.density_g_mL.shape} and {self.material.shape}.")
        if self.material.size and int(self.material.max()) >= len(self.names):
            raise BadInput(f"A medium has material index {int(self.material.max())} but only {len(self.names)} names; name every material.")
        for name in self.names:
            composition(name)

    def mass_kg(self, spacing_mm: Sequence[float]) -> np.ndarray:
        """Mass of each voxel in kg for voxels of `spacing_mm`."""
        return self.density_g_mL * (float(np.prod(spacing_mm)) * 1e-6)


@functools.cache
def _table() -> Mapping[str, tuple[float, Mapping[int, float]]]:
    t = table("materials")
    out = {}
    for name in dict.fromkeys(t["material"].tolist()):
        rows = t.where("material", name)
        total = float(rows["mass_fraction"].sum())
        out[name] = (float(rows["density_g_mL"][0]), MappingProxyType({int(z): float(f) / total for z, f in zip(rows["z"], rows["mass_fraction"])}))
    return MappingProxyType(out)


def composition(material: str) -> Mapping[int, float]:
    """Mass fraction of each element (by atomic number), summing to 1.

    `material` is a name of the table ``materials`` or ``"bone_10"`` ... ``"bone_100"``, the mass percentage
    of cortical bone in marrow.

    Raises
    ------
    BadInput
        Unknown name.

    Calcium of ICRU-44 cortical bone is 22.5 % by mass:

    >>> round(composition("bone_100")[20], 4), round(composition("bone_20")[20], 4)
    (0.225, 0.045)
    """
    known = _table()
    if material in known:
        return known[material][1]
    if material not in _GRADES:
        raise BadInput(f"There is no material {material!r}.{near_matches(material, [*known, *_GRADES])}")
    part = int(material.removeprefix("bone_")) / 100
    parts = {"cortical_bone": part, "red_marrow": (1 - part) / 2, "yellow_marrow": (1 - part) / 2}
    mixed: dict[int, float] = {}
    for name, fraction in parts.items():
        for z, f in known[name][1].items():
            mixed[z] = mixed.get(z, 0.0) + fraction * f
    return MappingProxyType({z: f for z, f in sorted(mixed.items()) if f > 0})


def nominal_density_g_mL(material: str) -> float:
    """Density of a material of the table ``materials`` at which its source quotes it, g/mL.

    >>> nominal_density_g_mL("cortical_bone")
    1.92
    """
    known = _table()
    if material not in known:
        raise BadInput(f"There is no nominal density of {material!r}.{near_matches(material, known)}")
    return known[material][0]


def density_curve(curve: str | Sequence[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """The points (HU, g/mL) of a named curve, or of a calibration given as pairs.

    Raises
    ------
    BadInput
        Unknown name; fewer than two points; HU that fall; densities that are not positive and finite.
    """
    if isinstance(curve, str):
        t = table("hu_to_density")
        names = sorted(set(t["curve"].tolist()))
        if curve not in names:
            raise BadInput(f"There is no density curve {curve!r}; known: {', '.join(names)}.{near_matches(curve, names)}")
        rows = t.where("curve", curve)
        return rows["hu"], rows["density_g_mL"]
    points = np.asarray(curve, float)
    if points.ndim != 2 or points.shape[0] < 2 or points.shape[1] != 2 or not np.isfinite(points).all():
        raise BadInput("A density calibration needs two or more finite pairs (HU, density in g/mL).")
    hu, density = points[:, 0], points[:, 1]
    if np.any(np.diff(hu) < 0) or np.any(density <= 0):
        raise BadInput("A density calibration needs CT numbers in rising order and densities above zero, in g/mL.")
    return hu, density


def density_from_hu(hu: np.ndarray, curve: str | Sequence[tuple[float, float]] = "schneider2000") -> np.ndarray:
    """Mass density in g/mL, piecewise linear in the CT number; same shape as `hu`.

    Beyond its last point the curve goes on along its last line up to 3071 HU, where it stays; below its
    first point it keeps the first density; nothing is lighter than air (0.001205 g/mL).

    Air, fat, soft tissue and bone at the joints of Schneider 2000 (its equations 19, 21 and 23):

    >>> density_from_hu(np.array([-1000.0, -98.0, 20.0, 1600.0])).round(3).tolist()
    [0.001, 0.93, 1.03, 1.964]
    """
    x, y = density_curve(curve)
    if x[-1] < _LAST_HU and x[-1] > x[-2]:
        slope = (y[-1] - y[-2]) / (x[-1] - x[-2])
        x, y = np.append(x, _LAST_HU), np.append(y, max(y[-1] + slope * (_LAST_HU - x[-1]), AIR_DENSITY_G_ML))
    return np.maximum(np.interp(hu, x, y), AIR_DENSITY_G_ML)


def medium_from_hu(hu: np.ndarray, *, curve: str | Sequence[tuple[float, float]] = "schneider2000") -> Medium:
    """Density and material of each voxel of a CT image.

    Parameters
    ----------
    hu : ndarray, shape (k, j, i)
        CT numbers in HU.
    curve : str or sequence of (HU, g/mL)
        A curve of the table ``hu_to_density``, or one measured on the scanner.

    Returns
    -------
    Medium
        Air below -950 HU, lung to -120, adipose to -30, soft tissue to 100, above that bone by
        tenths of its cortical mass fraction. Contrast agent is taken for bone or dense soft tissue; a
        couch is taken for what its CT number says: mask both before, if they matter.

    Raises
    ------
    BadInput
        `hu` is not 3-D or holds values that are not finite; the curve is unusable.
    """
    hu = np.asarray(hu)
    if hu.ndim != 3 or not np.isfinite(hu).all():
        raise BadInput(f"CT numbers must be a finite 3-D array in HU; got shape {hu.shape}{'' if hu.ndim != 3 else ' with values that are not finite'}.")
    density = density_from_hu(hu, curve)
    material = np.digitize(hu, _CLASS_EDGES_HU).astype(np.uint8)
    bone = material == len(_CLASS_EDGES_HU)
    cortical = _cortical_fraction(density[bone])
    material[bone] = len(_CLASS_EDGES_HU) - 1 + np.clip(np.rint(10 * cortical), 1, 10).astype(np.uint8)
    return Medium(density.astype(np.float32), material, CT_MATERIALS)


def _cortical_fraction(density_g_mL: np.ndarray) -> np.ndarray:
    """Mass fraction of cortical bone in marrow: specific volumes add."""
    known = _table()
    marrow = 0.5 / known["red_marrow"][0] + 0.5 / known["yellow_marrow"][0]
    return (marrow - 1 / density_g_mL) / (marrow - 1 / known["cortical_bone"][0])


def unit_density_medium(shape: tuple[int, int, int]) -> Medium:
    """Water of 1 g/mL everywhere."""
    return Medium(np.ones(shape, np.float32), np.zeros(shape, np.uint8), ("water",))
