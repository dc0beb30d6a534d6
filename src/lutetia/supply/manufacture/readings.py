"""The release clock of a nuclide that is read through its progeny, as 225Ac through 221Fr (218 keV) or 213Bi (440 keV).

An instrument is calibrated in equilibrium. Before that, what it shows of the parent is off by the ratio of daughter to
parent over the same ratio in equilibrium; on a strip for thin-layer chromatography the same holds of each spot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...core import BadInput
from ...nuclides import Inventory, equilibrium_chain, nuclide

_MANY = 40.0  # half-lives after which nothing of the start is left to the accuracy of a float's last digits that matter


@dataclass(frozen=True, slots=True)
class Reading:
    """A reading of the parent through a daughter.

    Attributes
    ----------
    elapsed_s : float
        Start of the count.
    bias : float
        Reading over true activity, less 1, if the calibration in equilibrium is used.
    u_counting : float
        Relative standard uncertainty from the number of counts; 0 where no counting was stated.
    """

    elapsed_s: float
    bias: float
    u_counting: float


def equilibrium_ratios(parent: str) -> dict[str, float]:
    """Activity of each progeny per activity of the parent in equilibrium (a little above the branching: transient).

    >>> round(equilibrium_ratios("Ac-225")["Bi-213"], 3)
    1.003
    """
    first = nuclide(parent)
    members = [m.nuclide for m in equilibrium_chain(parent)][1:]
    if not members:
        return {}
    settled = Inventory({first.name: 1.0}).at(_MANY * max(m.half_life_s for m in members)).activity_Bq
    return {m.name: settled[m.name] / settled[first.name] for m in members}


def shown_fraction(parent: str, read: str, elapsed_s: np.ndarray | float, present: Mapping[str, float] | None = None) -> np.ndarray:
    """What an instrument calibrated in equilibrium shows of the parent's true activity, by Bateman's equations.

    Parameters
    ----------
    parent, read : str
        The nuclide, and the one whose line is counted.
    elapsed_s : (n,) array
        Since the daughters were as stated in `present`.
    present : mapping of str to float, optional
        Daughters at the start, per their activity in equilibrium; those not named are absent, as after a purification.

    Returns
    -------
    (n,) array
        1 in equilibrium.

    Raises
    ------
    BadInput
        The nuclide read is not in equilibrium with the parent; a negative time.

    After five half-lives of 213Bi (45.6 min) a reading of purified 225Ac is still 3.5 % short:

    >>> round(float(shown_fraction("Ac-225", "Bi-213", 5 * 45.6 * 60)), 3)
    0.965
    """
    settled = equilibrium_ratios(parent)
    name, line = nuclide(parent).name, nuclide(read).name
    if line not in settled:
        raise BadInput(f"reading: {line} does not come into equilibrium with {name}; read one of {', '.join(settled) or 'none: it has no such progeny'}.")
    strange = sorted({nuclide(n).name for n in present or {}} - set(settled))
    if strange:
        raise BadInput(f"reading: {strange[0]} is not a daughter in equilibrium with {name}; name one of {', '.join(settled)}.")
    start = Inventory({name: 1.0} | {nuclide(n).name: f * settled[nuclide(n).name] for n, f in (present or {}).items()})
    times = np.asarray(elapsed_s, dtype=float)
    shown = [(a := start.at(float(t)).activity_Bq)[line] / a[name] / settled[line] for t in times.ravel()]
    return np.array(shown).reshape(times.shape)


def line_per_decay(read: str, energy_keV: float) -> float:
    """Photons per decay of the line nearest to an energy (ICRP 107).

    Raises
    ------
    BadInput
        There is no line within 2 keV.

    >>> round(line_per_decay("Fr-221", 218), 3), round(line_per_decay("Bi-213", 440), 3)
    (0.116, 0.261)
    """
    lines = nuclide(read).lines.get("photon")
    energies = np.array([]) if lines is None else lines.energy_MeV * 1000
    if lines is None or not np.any(np.abs(energies - energy_keV) < 2):
        raise BadInput(f"reading: {nuclide(read).name} has no photon line within 2 keV of {energy_keV:g} keV; give the energy of one of its lines.")
    return float(lines.per_decay[np.argmin(np.abs(energies - energy_keV))])


def reading(parent: str, read: str, elapsed_s: float, *, present: Mapping[str, float] | None = None, counts_per_s: float = 0.0, counting_s: float = 0.0) -> Reading:
    """Bias and counting uncertainty of one reading.

    Parameters
    ----------
    counts_per_s : float
        Expected in equilibrium: activity of the sample times photons per decay times efficiency; 0 leaves counting out.
    counting_s : float
        Live time, short against the half-life of the daughter.

    >>> r = reading("Ac-225", "Fr-221", 30 * 60, counts_per_s=20.0, counting_s=500.0)
    >>> round(r.bias, 3), round(r.u_counting, 3)
    (-0.014, 0.01)
    """
    if not (0 <= counts_per_s < np.inf and 0 <= counting_s < np.inf) or (counts_per_s > 0) != (counting_s > 0):
        raise BadInput(f"reading: {counts_per_s!r} counts per second for {counting_s!r} s; give both above zero, or neither.")
    shown = float(shown_fraction(parent, read, elapsed_s, present))
    expected = counts_per_s * counting_s * shown
    u = 0.0 if counts_per_s == 0 else (float("inf") if expected <= 0 else float(expected**-0.5))
    return Reading(elapsed_s, shown - 1, u)


def earliest_reading_s(
    parent: str, read: str, tolerance: float = 0.05, *, present: Mapping[str, float] | None = None, counts_per_s: float = 0.0, counting_s: float = 0.0, coverage: float = 2.0,
) -> float:  # fmt: skip
    """From when on a reading is within a tolerance of the true activity, and stays so.

    The bias and `coverage` times the counting uncertainty together stay below `tolerance`.

    Raises
    ------
    BadInput
        A tolerance outside 0 to 1; what is read is no daughter in equilibrium; so few counts that no waiting helps.

    For 225Ac without daughters, within 5 %, through 213Bi and through 221Fr (the practice of waiting six half-lives of
    221Fr, PMC8153125, is 29 min):

    >>> round(earliest_reading_s("Ac-225", "Bi-213") / 3600, 1), round(earliest_reading_s("Ac-225", "Fr-221") / 60)
    (3.4, 21)
    >>> round(earliest_reading_s("Ac-225", "Bi-213", 0.03) / 3600, 1)
    4.0
    """
    if not 0 < tolerance < 1:
        raise BadInput(f"reading: the tolerance is {tolerance!r}; give a share above 0 and below 1.")
    if counts_per_s > 0 and coverage * (counts_per_s * counting_s) ** -0.5 >= tolerance:
        raise BadInput(f"reading: {counts_per_s * counting_s:.4g} counts are uncertain by {coverage * (counts_per_s * counting_s) ** -0.5:.1%}, no better than the tolerance of {tolerance:.1%}; count longer.")

    def outside(t: float) -> bool:
        r = reading(parent, read, t, present=present, counts_per_s=counts_per_s, counting_s=counting_s)
        return abs(r.bias) + coverage * r.u_counting > tolerance

    shown_fraction(parent, read, 0.0, present)  # refuses what is no daughter in equilibrium
    slowest = max(m.nuclide.half_life_s for m in equilibrium_chain(parent)[1:] if nuclide(read).name in _reached(m.nuclide.name))
    steps = np.linspace(0.0, _MANY, 401) * slowest  # the bias may cross zero on its way: look for the last time outside
    last = max((i for i, t in enumerate(steps) if outside(float(t))), default=-1)
    if last < 0:
        return 0.0
    if last == len(steps) - 1:
        raise BadInput("reading: the counts are too few for this tolerance at any time; count longer, or more activity.")
    low, high = float(steps[last]), float(steps[last + 1])
    while high - low > 0.5:
        middle = (low + high) / 2
        low, high = (middle, high) if outside(middle) else (low, middle)
    return high


def _reached(name: str) -> set[str]:
    """A nuclide and its progeny: what waits for it."""
    return {m.nuclide.name for m in equilibrium_chain(name)} | {name}


def strip_purity(purity: float, parent: str, read: str, elapsed_s: np.ndarray | float, *, present: float = 1.0, free_run_with: Literal["free", "labelled"] = "free") -> np.ndarray:
    """Radiochemical purity that a strip shows through a daughter, `elapsed_s` after it was developed.

    Recoil sets daughters free, so that those present when the strip is run go with one of the spots, whatever the label
    does; afterwards each spot grows its own.

    Parameters
    ----------
    purity : float
        True share of the parent on the ligand.
    elapsed_s : (n,) array
        Since development.
    present : float
        Daughters in the sample per their activity in equilibrium.
    free_run_with : {"free", "labelled"}
        The spot to which free daughters run.

    Returns
    -------
    (n,) array

    Raises
    ------
    BadInput
        A purity outside 0 to 1, negative daughters, a nuclide that is no daughter in equilibrium.

    A strip of pure product in equilibrium, read through 213Bi after half an hour, shows less than a third:

    >>> round(float(strip_purity(1.0, "Ac-225", "Bi-213", 1800.0)), 2)
    0.29
    """
    if not 0 <= purity <= 1 or not present >= 0:
        raise BadInput(f"strip: the purity is {purity!r} and the daughters {present!r}; give a share from 0 to 1, and zero or more daughters.")
    own = shown_fraction(parent, read, elapsed_s)
    lone = shown_fraction(parent, read, elapsed_s, dict.fromkeys(equilibrium_ratios(parent), present)) - own
    total = own + lone
    labelled = purity * own + (lone if free_run_with == "labelled" else 0.0)
    return np.divide(labelled, total, out=np.full_like(total, np.nan), where=total > 0)
