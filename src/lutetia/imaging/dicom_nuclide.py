"""Which nuclide a header names, and whether it is the case's."""

from __future__ import annotations

import re

from ..core import BadInput
from ..nuclides import Nuclide, names
from ..nuclides.names import canonical
from .dicom_files import Header

_MASS_FIRST = re.compile(r"(?<![A-Za-z0-9])[\^\[]*(\d{1,3}m?)[\s\^\]\-]*([A-Za-z]+)")
_NAME_FIRST = re.compile(r"([A-Za-z]+)[\s\^\[\-]*(\d{1,3}m?)(?![0-9A-Za-z])")


def nuclide_named(text: str) -> str | None:
    """The nuclide that a text names, canonically spelled; None if it names none.

    >>> [nuclide_named(t) for t in ("177 Lutetium", "^18^Fluorine", "Tc99m", "F-18", "[68Ga]Ga-PSMA-11", "FDG -- fluorodeoxyglucose")]
    ['Lu-177', 'F-18', 'Tc-99m', 'F-18', 'Ga-68', None]
    """
    pairs = [(m, e) for m, e in _MASS_FIRST.findall(text)] + [(m, e) for e, m in _NAME_FIRST.findall(text)]
    for mass, element in pairs:
        try:
            return canonical(f"{element}-{mass}", names())
        except BadInput:  # words beside numbers that are no nuclide, such as PSMA-617
            continue
    return None


def header_nuclides(header: Header) -> list[tuple[str | None, float | None]]:
    """For each radiopharmaceutical of the header: the nuclide named (None if none) and the half-life in s (None if none)."""
    out = []
    for item in header.items("RadiopharmaceuticalInformationSequence"):
        coded = item.items("RadionuclideCodeSequence")
        named = None
        if coded:
            named = nuclide_named(coded[0].text("CodeMeaning")) or _from_code(coded[0].text("CodeValue"))
        named = named or nuclide_named(item.text("Radiopharmaceutical"))
        half_life_s = item.number("RadionuclideHalfLife")
        out.append((named, half_life_s if half_life_s and half_life_s > 0 else None))
    return out


def _from_code(code: str) -> str | None:
    """A SNOMED code of DICOM's context groups 18 and 4020."""
    from pydicom.sr._concepts_dict import concepts
    from pydicom.sr._snomed_dict import mapping

    code = mapping["SRT"].get(code, code)
    for keyword, meanings in concepts["SCT"].items():
        if code in meanings and keyword.startswith("_"):
            return nuclide_named(keyword.lstrip("_"))
    return None


def check_nuclide(header: Header, nuclide: Nuclide) -> tuple[float, list[str]]:
    """The half-life in s with which the header's own decay correction was made, and warnings.

    Raises
    ------
    BadInput
        The header clearly names another nuclide, or names none and has a half-life that is not `nuclide`'s.
    """
    given = header_nuclides(header)
    if not given:
        return nuclide.half_life_s, [f"the header names no radionuclide; taken as {nuclide.name}"]
    named = [g for g in given if g[0] == nuclide.name]
    others = sorted({n for n, _ in given if n is not None and n != nuclide.name})
    if others and not named:
        raise BadInput(f"{header.name}: the header names {' and '.join(others)}, and the case {nuclide.name}; correct the case, or give the right images.")
    half_life_s = (named or given)[0][1]
    if half_life_s is None:
        return nuclide.half_life_s, []
    apart = half_life_s / nuclide.half_life_s - 1
    if not named and not -0.2 < apart < 0.25:
        raise BadInput(
            f"{header.name}: the header gives a half-life of {half_life_s / 3600:.5g} h, which is not that of {nuclide.name} "
            f"({nuclide.half_life_s / 3600:.5g} h); correct the case, or give the right images."
        )
    if abs(apart) > 0.02:
        return half_life_s, [
            f"the header's half-life ({half_life_s / 3600:.5g} h) is {100 * apart:+.1f} % from that of {nuclide.name} ({nuclide.half_life_s / 3600:.5g} h)"
        ]
    return half_life_s, []
