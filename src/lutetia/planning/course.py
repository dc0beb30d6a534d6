"""A course: which nuclide in which cycle, and in what proportion their activities stand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ..core import BadInput
from .response import RegionResponse, Response


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """Cycle c gets ``A shape[c]`` of `nuclides[c]`, so that one activity A, that of the first cycle, sets all of them.

    Attributes
    ----------
    nuclides : tuple of str
    shape : tuple of float
        Of the first cycle 1.
    response : Response
        Of the whole, per becquerel of A; it may hold more cycles than the course has.
    """

    nuclides: tuple[str, ...]
    shape: tuple[float, ...]
    response: Response

    @property
    def cycles(self) -> int:
        """How many."""
        return len(self.shape)

    @property
    def alike(self) -> bool:
        """Whether every cycle gets the same activity of the same nuclide."""
        return len(set(self.nuclides)) == 1 and len(set(self.shape)) == 1


def equal(r: Response, cycles: int) -> Course:
    """The same activity of one nuclide in each of `cycles`.

    Raises
    ------
    BadInput
        More cycles than the response holds.
    """
    if not 1 <= cycles <= r.cycles:
        raise BadInput(f"A course of {cycles} cycles from a response of {r.cycles}; give 1 to {r.cycles}.")
    return Course((r.nuclide,) * cycles, (1.0,) * cycles, r)


def woven(of: Mapping[str, Response], nuclides: Sequence[str], shape: Sequence[float]) -> Course:
    """Any nuclide and share in each cycle.

    BED of a course is the sum over its cycles, whatever they carry, for weeks lie between them: what a becquerel of A does in cycle c is ``shape[c]`` times
    what a becquerel of its nuclide does there, and the square of it in the quadratic term.

    Parameters
    ----------
    of : mapping of nuclide to Response
        At one amount of ligand, of the same draws.
    nuclides, shape : sequence, one of each for a cycle

    Raises
    ------
    BadInput
        Responses of other amounts or draws, shares that are not above zero, or more cycles than the responses hold.
    """
    used = [of[n] for n in nuclides]
    if len({(r.ligand_nmol, r.draws, r.tumours) for r in used}) > 1:
        raise BadInput("The nuclides of a course were solved with other amounts of ligand, draws or tumours; give the same.")
    w = np.asarray(shape, float)
    if len(w) != len(used) or not len(used) or not np.all(np.isfinite(w) & (w > 0)):
        raise BadInput(f"A course of {len(used)} cycles with the shares {w.tolist()}; give one above zero for each.")
    if len(used) > min(r.cycles for r in used):
        raise BadInput(f"A course of {len(used)} cycles from responses of {min(r.cycles for r in used)}; solve for more cycles.")
    w = w / w[0]

    def cut(region: str) -> RegionResponse:
        parts = [r.regions[region] for r in used]
        low, alpha, G = (np.stack([getattr(p, f)[:, c] for c, p in enumerate(parts)], axis=-1) for f in ("low_Gy_per_Bq", "alpha_Gy_per_Bq", "G"))
        return replace(parts[0], low_Gy_per_Bq=low * w, alpha_Gy_per_Bq=alpha * w, G=G)

    first = used[0]
    regions = MappingProxyType({k: cut(k) for k in first.regions})
    return Course(tuple(nuclides), tuple(float(x) for x in w), Response(" and ".join(dict.fromkeys(nuclides)), first.ligand_nmol, regions, first.tumours))
