"""Which region of the whole-body model a region of a case is: by its name, or as the case says; left and right are added."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..core import BadInput, near_matches
from ..kinetics import TimeActivityCurve

#: Organs whose uptake is inferred: those for which a spread between patients is published.
ORGANS = ("kidney", "parotid", "submandibular", "lacrimal")
#: Organs that the model has, but with receptors of which no spread is published; nothing is inferred from them.
_OTHER_ORGANS = ("spleen", "liver", "prostate", "heart", "lungs", "muscle", "bone", "brain", "red marrow")
_SIDES = {"left": "left", "l": "left", "lt": "left", "right": "right", "r": "right", "rt": "right"}
_NEUTRAL = {"gland", "glands", "both", "total", "whole", "salivary"}
_TUMOUR = re.compile(r"(tumou?r|lesion|metastas[ei]s|met|node)s?\d*")


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A region of the model as one case shows it.

    Attributes
    ----------
    region : str
        Of the model; a tumour keeps its own name.
    of : tuple of str
        Regions of the case that make it up.
    time_s, activity_Bq, u_Bq : ndarray, shape (m,)
    volume_mL, density_g_mL : float
    tumour : bool
    """

    region: str
    of: tuple[str, ...]
    time_s: np.ndarray
    activity_Bq: np.ndarray
    u_Bq: np.ndarray
    volume_mL: float
    density_g_mL: float
    tumour: bool


def model_region(name: str) -> tuple[str, str | None]:
    """The region of the model that `name` means (``"tumour"`` for any tumour), and the side that it names.

    Raises
    ------
    BadInput
        A name that the model does not know.

    >>> model_region("Kidney left"), model_region("parotid_R"), model_region("Lymph node 3"), model_region("spleen")
    (('kidney', 'left'), ('parotid', 'right'), ('tumour', None), ('spleen', None))
    """
    words = [w for w in re.split(r"[\W_]+", name.casefold()) if w]
    if any(_TUMOUR.fullmatch(w) for w in words):
        return "tumour", None
    side = next((_SIDES[w] for w in words if w in _SIDES), None)
    rest = " ".join(w for w in words if w not in _SIDES and w not in _NEUTRAL)
    known = [*ORGANS, *_OTHER_ORGANS]
    for k in known:
        if rest.rstrip("s") == k.rstrip("s") or (rest, k) in (("lachrymal", "lacrimal"), ("smg", "submandibular")):
            return k, side
    raise BadInput(
        f"The model knows no region {name!r}; it has {', '.join(known)}, and tumours, lesions, metastases and nodes by name.{near_matches(name, known)} "
        'Say under [prediction.regions] what it is, such as "tumour" or "ignore", or leave it out of regions.include.'
    )


def seen_regions(curves: Mapping[str, tuple[TimeActivityCurve, float, float]], said: Mapping[str, str]) -> tuple[list[Seen], list[str]]:
    """The regions of the model that a case shows, and the names of those from which nothing can be inferred.

    Parameters
    ----------
    curves : mapping of region to curve, volume in mL, density in g/mL
    said : mapping of region to what the case says it is

    Raises
    ------
    BadInput
        An unknown region, one side of a pair alone, an organ that is there twice, sides at different times, one name that is not there.
    """
    for name in said:
        if name not in curves:
            raise BadInput(f"prediction.regions names {name!r}, which is no region of the case: {', '.join(curves)}.{near_matches(name, curves)}")
    groups: dict[str, list[str]] = {}
    sides: dict[str, list[str]] = {}
    tumours, unused = set(), []
    for name in curves:
        what, side = (said[name], "said") if name in said else model_region(name)
        if what == "tumour":
            if name in (*ORGANS, *_OTHER_ORGANS, "gi", "skin", "adipose", "rest", "blood", "urine", "degraded"):
                raise BadInput(f"The tumour {name!r} has the name of an organ of the model; name it otherwise.")
            tumours.add(name)
            groups[name] = [name]
        elif what in ORGANS:
            groups.setdefault(what, []).append(name)
            sides.setdefault(what, []).append(side or "whole")
        elif what != "ignore":
            unused.append(name)
    for what, found in sides.items():
        of = ", ".join(groups[what])
        if found in (["left"], ["right"]):
            raise BadInput(f"Only one side of the {what} is there ({of}); give both, or, if that region holds both, write under [prediction.regions] that it is {what!r}.")
        if sorted(found) not in (["left", "right"], ["whole"], ["said"] * len(found)):
            raise BadInput(f"The regions {of} would all be the {what} and count it more than once; leave some out of regions.include, or write under [prediction.regions] which to ignore.")
    return [_together(region, names, curves, region in tumours) for region, names in groups.items()], unused


def _together(region: str, names: list[str], curves: Mapping[str, tuple[TimeActivityCurve, float, float]], tumour: bool) -> Seen:
    parts = [curves[n] for n in names]
    time = parts[0][0].time_s
    if any(len(c.time_s) != len(time) or not np.allclose(c.time_s, time) for c, _, _ in parts):
        raise BadInput(f"The regions {' and '.join(names)} make up the {region} but have other times; give them at the same times.")
    activity = np.sum([c.activity_Bq for c, _, _ in parts], axis=0)
    if np.any(activity <= 0):
        raise BadInput(f"region {region!r}: an activity of {activity.min():.4g} Bq; a forecast needs activities above zero; leave that region or time out.")
    u = np.sqrt(np.sum([c.u_activity_Bq**2 for c, _, _ in parts], axis=0))
    if np.any(u <= 0):
        raise BadInput(f"region {region!r}: its activities have no uncertainty; give uncertainty.point above zero.")
    volume = sum(v for _, v, _ in parts)
    return Seen(region, tuple(names), time, activity, u, volume, sum(v * d for _, v, d in parts) / volume, tumour)
