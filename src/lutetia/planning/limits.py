"""Limits of organs: a number, what it is a number of, and who says so."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import MappingProxyType

from ..core import BadInput, near_matches
from ..data import table
from ..radiobiology import bed_parameters

#: What an organ is called by, to the regions of the whole-body model.
_ORGANS = MappingProxyType({
    "kidney": ("kidney",), "kidneys": ("kidney",), "salivary": ("parotid", "submandibular"), "salivary glands": ("parotid", "submandibular"), "parotid": ("parotid",),
    "parotids": ("parotid",), "submandibular": ("submandibular",), "marrow": ("red marrow",), "red marrow": ("red marrow",), "bone marrow": ("red marrow",),
    "liver": ("liver",), "spleen": ("spleen",), "lacrimal": ("lacrimal",),
})  # fmt: skip
_VERIFICATION = {"R": "read in the source", "M": "recalled, not re-read"}
BY_USER = "given by the user"


@dataclass(frozen=True, slots=True)
class Limit:
    """What an organ may get over all cycles.

    Attributes
    ----------
    organ : str
        A region of the whole-body model.
    quantity : {"BED", "absorbed"}
        BED with the published parameters of that very organ, or absorbed dose. For nuclides with alphas either is weighted with a named RBE.
    value_Gy : float
    name, meaning, source, verification, note : str
        Of the convention; a user's own limit says so.

    Raises
    ------
    BadInput
        A value that is not above zero, another quantity, or a BED for an organ whose alpha/beta and repair are not published.

    >>> Limit("parotid", "BED", 40.0)
    Traceback (most recent call last):
    ...
    lutetia.core.errors.BadInput: A limit of 40 Gy BED for parotid: no alpha/beta and repair half-life are published for it; give an absorbed dose, such as '40 Gy'.
    """

    organ: str
    quantity: str
    value_Gy: float
    name: str = BY_USER
    meaning: str = ""
    source: str = BY_USER
    verification: str = BY_USER
    note: str = ""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.value_Gy) and self.value_Gy > 0):
            raise BadInput(f"A limit of {self.value_Gy:g} Gy for {self.organ}; give a dose above zero.")
        if self.quantity not in ("BED", "absorbed"):
            raise BadInput(f"A limit of {self.quantity!r} for {self.organ}; it is of 'BED' or 'absorbed' dose.")
        if self.quantity == "BED" and bed_parameters(self.organ) is None:
            raise BadInput(
                f"A limit of {self.value_Gy:g} Gy BED for {self.organ}: no alpha/beta and repair half-life are published for it; "
                f"give an absorbed dose, such as '{self.value_Gy:g} Gy'."
            )

    def times(self, factor: float) -> Limit:
        """The same limit, `factor` times as high."""
        return replace(self, value_Gy=self.value_Gy * factor)


def limit_conventions(organ: str | None = None) -> dict[str, Limit]:
    """Conventions by name from the table ``organ_limits``; of one region where it is named. None is ever taken unasked.

    >>> limit_conventions("parotid")["parotid-26.5-Mohan-2022"].meaning
    'half of secretory cells lost after 1 month'
    >>> limit_conventions("lacrimal")
    {}
    """
    t = table("organ_limits")
    columns = ("organ", "quantity", "value_Gy", "name", "meaning", "source", "verification", "note")
    found = {}
    for o, q, v, n, m, s, ver, note in zip(*(t[c] for c in columns)):
        if organ in (None, str(o)):
            found[str(n)] = Limit(str(o), str(q), float(v), str(n), str(m), str(s), _VERIFICATION[str(ver)], str(note))
    return found


def convention(name: str) -> Limit:
    """A convention by its name.

    Raises
    ------
    BadInput
        There is none.

    >>> c = convention("kidney-BED-40-Bodei-2008")
    >>> c.value_Gy, c.verification
    (40.0, 'recalled, not re-read')
    """
    known = limit_conventions()
    if name not in known:
        raise BadInput(f"There is no limit called {name!r}; choose from {', '.join(known)}, or give a dose such as '40 Gy BED'.{near_matches(name, known)}")
    return known[name]


def organs_of(name: str) -> tuple[str, ...]:
    """Regions of the whole-body model that a user's word for an organ means.

    Raises
    ------
    BadInput
        No region of the model that a limit can be set for.

    >>> organs_of("salivary")
    ('parotid', 'submandibular')
    """
    key = name.strip().lower()
    if key not in _ORGANS:
        raise BadInput(f"A limit for {name!r}: the whole-body model gives no dose for it; choose from {', '.join(_ORGANS)}.{near_matches(key, _ORGANS)}")
    return _ORGANS[key]
