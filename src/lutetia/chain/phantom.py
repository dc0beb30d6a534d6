"""A synthetic patient after [177Lu]Lu-DOTATATE: where each tissue is, and how much activity it holds when.

Nothing here is a measurement. The anatomy is made of superellipsoids with the size of an adult's organs,
and the kinetics give absorbed doses per administered activity like those published for the agent
(kidney about 0.5, liver 0.2, spleen 1, tumours 3 to 5 Gy/GBq; e.g. doi:10.1186/s13550-018-0459-4).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..imaging.volume import Geometry
from .shapes import Hoop, Shape, Superellipsoid, filled

_AIR_HU = -1000.0


@dataclass(frozen=True, slots=True)
class Tissue:
    """What fills a shape: Hounsfield units, density, and how much remainder activity a gram holds."""

    hu: float
    density_g_per_mL: float
    uptake: float


FAT = Tissue(-100, 0.94, 0.4)
SOFT = Tissue(40, 1.04, 1.0)
LUNG = Tissue(-750, 0.25, 1.3)
SPONGIOSA = Tissue(250, 1.17, 1.2)
CORTICAL = Tissue(700, 1.43, 0.6)
CARTILAGE = Tissue(90, 1.07, 0.4)


@dataclass(frozen=True, slots=True)
class Organ:
    """A part of the patient with kinetics of its own.

    Attributes
    ----------
    name : str
    shape : Superellipsoid
    hu, density_g_per_mL : float
    phases : tuple of (float, float)
        Coefficient [MBq] and effective half-life [h] of each exponential term.
    inside : str
        The organ that holds this one whole ("" if none).
    contoured : bool
        Whether the demo draws a contour of it.
    """

    name: str
    shape: Superellipsoid
    hu: float
    density_g_per_mL: float
    phases: tuple[tuple[float, float], ...]
    inside: str = ""
    contoured: bool = True


#: First match wins a voxel: tumours before the organ that holds them.
ORGANS = (
    Organ("tumour 1", Superellipsoid((-84, -20, 84), (16, 15, 15)), 45, 1.05, ((46, 105), (-46, 4)), inside="liver"),
    Organ("tumour 2", Superellipsoid((4, 64, -51), (13, 12, 12)), 470, 1.30, ((26, 95), (-26, 5))),
    Organ("tumour 3", Superellipsoid((27, 30, -74), (12, 11, 16)), 40, 1.04, ((20, 88), (-20, 4))),
    Organ("kidney left", Superellipsoid((61, 50, -14), (28, 25, 55), turn_deg=(-8, 8, 0)), 35, 1.05, ((102, 53), (-30, 1))),
    Organ("kidney right", Superellipsoid((-58, 51, -30), (27, 25, 53), turn_deg=(-8, -9, 0)), 35, 1.05, ((92, 51), (-28, 1))),
    Organ("spleen", Superellipsoid((108, 36, 58), (24, 38, 48), turn_deg=(12, -10, 0)), 50, 1.06, ((165, 66), (-50, 1.5))),
    Organ("liver", Superellipsoid((-60, -14, 75), (86, 70, 62), 2.4), 55, 1.06, ((300, 72), (150, 3))),
    Organ("bladder", Superellipsoid((3, -36, -214), (38, 34, 30)), 5, 1.01, ((160, 9), (8, 60)), contoured=False),
)
#: Phases of everything in the field of view that is not an organ of `ORGANS`.
REMAINDER_PHASES = ((2400.0, 2.5), (330.0, 45.0))

BODY = Superellipsoid((2, 0, 0), (182, 120, 900), 2.5)


def _tissues() -> list[tuple[Shape, Tissue]]:
    """Shapes with their tissue; each is painted over those before it."""
    ribs = [Hoop((1, 2, float(z)), (147, 92), (4.5, 7), (7, 0, 0)) for z in range(125, 251, 30)]
    discs = [Superellipsoid((0, 65, float(z)), (22, 19, 5), 3.0) for z in range(-136, 255, 34)]
    spines = [Superellipsoid((0, 101, float(z)), (5, 11, 9)) for z in range(-153, 255, 34)]
    return [
        (BODY, FAT),
        (Superellipsoid((2, 1, 0), (162, 103, 900), 2.5), SOFT),
        (Superellipsoid((-78, -4, 192), (58, 72, 122), 2.4), LUNG),
        (Superellipsoid((80, -4, 196), (54, 72, 120), 2.4), LUNG),
        (Superellipsoid((20, -28, 152), (50, 40, 50), turn_deg=(0, 0, 20)), SOFT),
        *[(r, CORTICAL) for r in ribs],
        (Superellipsoid((0, -90, 190), (19, 6, 68), 3.0), SPONGIOSA),
        (Superellipsoid((0, 66, 0), (23, 20, 900), 2.5), SPONGIOSA),
        *[(d, CARTILAGE) for d in discs],
        *[(s, CORTICAL) for s in spines],
        (Superellipsoid((0, 80, -190), (46, 13, 50), turn_deg=(-15, 0, 0)), SPONGIOSA),
        (Superellipsoid((-88, 42, -168), (11, 46, 62), turn_deg=(0, 12, 35)), CORTICAL),
        (Superellipsoid((90, 42, -167), (11, 47, 61), turn_deg=(0, -12, -34)), CORTICAL),
        (Superellipsoid((-94, 8, -248), (25, 25, 25)), SPONGIOSA),
        (Superellipsoid((95, 8, -247), (25, 25, 25)), SPONGIOSA),
    ]


@dataclass(frozen=True, slots=True, eq=False)
class Drawing:
    """The patient on a grid.

    Attributes
    ----------
    geometry : Geometry
    hu, density_g_per_mL, body : ndarray of float32, shape geometry.shape
        `body` is the fraction of each voxel inside the skin.
    share : mapping
        For each organ and ``"remainder"``, where its activity is: a box and the part of the activity per voxel (sums to 1).
    fraction : mapping
        For each organ, a box and the filled fraction of each voxel.
    """

    geometry: Geometry
    hu: np.ndarray
    density_g_per_mL: np.ndarray
    body: np.ndarray
    share: dict[str, tuple[tuple[slice, slice, slice], np.ndarray]]
    fraction: dict[str, tuple[tuple[slice, slice, slice], np.ndarray]]

    def concentration_Bq_per_mL(self, time_h: float) -> np.ndarray:
        """Activity concentration at a time after the administration, sharp and without noise, float32."""
        out = np.zeros(self.geometry.shape, np.float32)
        for name, (box, share) in self.share.items():
            out[box] += np.float32(activity_Bq(phases_of(name), time_h) / self.geometry.voxel_mL) * share
        return out

    def mask(self, name: str) -> np.ndarray:
        """Voxels at least half filled by an organ together with what lies inside it, or by ``"body"``; shape (k, j, i)."""
        filled_by = np.zeros(self.geometry.shape, np.float32)
        if name == "body":
            filled_by += self.body
        else:
            for organ in ORGANS:
                if name in (organ.name, organ.inside):
                    box, fraction = self.fraction[organ.name]
                    filled_by[box] += fraction
        return filled_by >= 0.5


def draw(geometry: Geometry, pose: np.ndarray | None = None) -> Drawing:
    """The patient on a grid, lying as `pose` says.

    Parameters
    ----------
    geometry : Geometry
    pose : ndarray, shape (4, 4), optional
        Rigid; takes the reference position to this one (LPS mm). Default: the reference position.
    """
    pose = np.eye(4) if pose is None else pose
    hu = np.full(geometry.shape, _AIR_HU, np.float32)
    density = np.full(geometry.shape, 0.0012, np.float32)
    weight = np.zeros(geometry.shape, np.float32)
    body = np.zeros(geometry.shape, np.float32)

    def paint(box: tuple[slice, slice, slice], f: np.ndarray, hu_here: float, rho: float, uptake: float) -> None:
        for image, value in ((hu, hu_here), (density, rho), (weight, rho * uptake)):
            image[box] += f * (np.float32(value) - image[box])

    for shape, tissue in _tissues():
        box, f = filled(shape, geometry, pose)
        if shape is BODY:
            body[box] = f
        else:
            f = np.minimum(f, body[box])
        paint(box, f, tissue.hu, tissue.density_g_per_mL, tissue.uptake)

    fraction, share = {}, {}
    taken = np.zeros(geometry.shape, np.float32)
    for organ in ORGANS:
        box, f = filled(organ.shape, geometry, pose)
        f = np.minimum(f, 1 - taken[box])
        taken[box] += f
        fraction[organ.name] = (box, f)
        total = float(f.sum(dtype=float))
        share[organ.name] = (box, f / np.float32(total) if total else f)
    for organ in reversed(ORGANS):  # organs first, then the tumours within them
        box, f = filled(organ.shape, geometry, pose)
        paint(box, f, organ.hu, organ.density_g_per_mL, 0.0)
    weight *= 1 - taken
    everywhere = (slice(None), slice(None), slice(None))
    share["remainder"] = (everywhere, weight / np.float32(weight.sum(dtype=float)))
    return Drawing(geometry, hu, density, body, share, fraction)


def phases_of(name: str) -> tuple[tuple[float, float], ...]:
    """Coefficients [MBq] and effective half-lives [h] of an organ's own activity (without what lies inside it)."""
    return REMAINDER_PHASES if name == "remainder" else next(o.phases for o in ORGANS if o.name == name)


def activity_Bq(phases: tuple[tuple[float, float], ...], time_h: float) -> float:
    """``A(t) = sum c exp(-t ln 2 / T)`` in Bq; never below zero.

    >>> activity_Bq(((100.0, 50.0),), 50.0)
    50000000.0
    """
    return max(0.0, 1e6 * sum(c * 2.0 ** (-time_h / half) for c, half in phases))


def time_integrated_activity_Bq_s(phases: tuple[tuple[float, float], ...]) -> float:
    """``sum c T / ln 2`` in Bq s, from the administration to infinity.

    >>> round(time_integrated_activity_Bq_s(((100.0, 50.0),)) / 1e13, 3)
    2.597
    """
    return 1e6 * 3600.0 / float(np.log(2.0)) * sum(c * half for c, half in phases)


def own_volume_mL(organ: Organ) -> float:
    """An organ's volume without what lies inside it, from its shape (not from voxels)."""
    return organ.shape.volume_mL - sum(o.shape.volume_mL for o in ORGANS if o.inside == organ.name)
