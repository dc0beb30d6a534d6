"""Published alpha/beta and repair half-lives, each for its own tissue and from its own source."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..core import BadInput, near_matches
from ..data import table


@dataclass(frozen=True, slots=True)
class BedParameters:
    """What a BED needs to know of a tissue, and who published it."""

    name: str
    organ: str
    alpha_beta_Gy: float
    repair_half_life_s: float
    source: str
    note: str


def bed_parameter_sets() -> dict[str, BedParameters]:
    """Every named parameter set, from the table ``radiobiology_bed``.

    >>> sorted(bed_parameter_sets())
    ['kidney-Barone-2005', 'prostate-metastasis-Bernhardt-2021']
    """
    t = table("radiobiology_bed")
    columns = ("name", "organ", "alpha_beta_Gy", "repair_half_life_h", "source", "note")
    rows = zip(*(t[c] for c in columns))
    return {str(n): BedParameters(str(n), str(o), float(ab), float(h) * 3600, str(s), str(note)) for n, o, ab, h, s, note in rows}


def bed_parameters(organ: str, name: str | None = None) -> BedParameters | None:
    """The parameters published for `organ`, or None where there are none: another organ's are never borrowed.

    Parameters
    ----------
    organ : str
        A region's name; sides, plurals and separators do not matter ("Kidney_Left", "kidneys").
    name : str, optional
        A set from `bed_parameter_sets`; it must be one of that organ. Default: the organ's first set.

    Raises
    ------
    BadInput
        The set does not exist, or belongs to another organ.

    >>> p = bed_parameters("Kidney_Left")
    >>> p.alpha_beta_Gy, p.repair_half_life_s / 3600
    (2.6, 2.8)
    >>> bed_parameters("spleen") is None
    True
    """
    sets = bed_parameter_sets()
    tissue = plain_organ(organ)
    if name is None:
        return next((p for p in sets.values() if p.organ == tissue), None)
    if name not in sets:
        raise BadInput(f"BED parameters: there is no set {name!r}; choose from {', '.join(sets)}.{near_matches(name, sets)}")
    if sets[name].organ != tissue:
        raise BadInput(f"BED parameters: the set {name!r} was published for {sets[name].organ}, not for {organ!r}; choose a set of that organ.")
    return sets[name]


def plain_organ(organ: str) -> str:
    """"Kidney_Left" and "kidneys" as "kidney": words in lower case, without sides, in the singular."""
    words = [w for w in re.split(r"[\s_\-]+", organ.strip().lower()) if w not in ("left", "right", "l", "r", "both")]
    if words[:1] in (["parotid"], ["parotids"]):
        words = [w for w in words if w not in ("gland", "glands")]
    return " ".join({"kidneys": "kidney", "lungs": "lung", "parotids": "parotid", "metastases": "metastasis"}.get(w, w) for w in words)
