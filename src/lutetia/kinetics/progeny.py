"""Where the nuclides of a chain decay: fates in compartments, solved as one linear system.

An atom that a decay leaves behind in compartment c stays there with the probability ``retained``; else it goes free into
the blood, from which free atoms go to organs, to the rest of the body or out of it. With activities ``a_i`` (nuclide and
place, decays per second), decay constants ``lambda_n`` and the parent's activity ``p_c(t)`` known in each compartment,

    da_i/dt = lambda_i [ sum_j M_ij a_j(t) + sum_c F_ic p_c(t) ],

with M_ii = -1 - (rate of leaving) / lambda_i and M_ij, F_ic the probability that a decay (or a departure) of j feeds i. The
bookkeeping by where a decay happens is that of Sgouros and Hamacher 1999 (doi 10.1118/1.598788); here it is dynamic.

Numbers of decays over all time need no curve: ``M A = -F P`` with the parent's P (Bq s), one linear solve. Activities at a
time are ``exp(matrix t)`` with the parent's exponentials as states of the same system. From 213Po (4 us) to 225Ac (10 d)
the rates span 11 powers of ten, and repeated squaring would lose as many digits; the exponential is taken instead as the
integral of ``exp(z t) (z - matrix)^-1`` over Talbot's contour (Trefethen, Weideman and Schmelzer 2006,
doi 10.1007/s10543-006-0077-9), which no stiffness and no pair of equal rates disturbs.

Left out: progeny that outlives the parent (`lutetia.nuclides.equilibrium_chain`), and progeny that was in the vial.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..core import BadInput, near_matches
from ..nuclides import Member, equilibrium_chain

#: Places that are no region: all of the body outside the regions, free atoms in the blood, what has left the body.
BODY, BLOOD, EXCRETED = "body", "blood", "excreted"
#: A nuclide of a shorter half-life decays where it is born: sqrt(6 D t) with D of the order of 1e-9 m2/s is about 0.1 mm in a second.
IMMOBILE_S = 1.0
#: Nodes of the contour on one side of the real axis; by conjugate symmetry these are all that are solved.
_NODES = 14


@dataclass(frozen=True, slots=True)
class Free:
    """What becomes of free atoms of a nuclide.

    Attributes
    ----------
    to : mapping of str to float
        Share of the atoms leaving the blood that go to a region, to ``"body"`` or ``"excreted"``; what is missing from 1 goes
        to the body outside the regions.
    blood_half_life_s : float
        In which they leave the blood; 0 is at once.
    return_half_life_s : float
        In which atoms that an organ has taken up go back to the blood; infinite: never.
    """

    to: Mapping[str, float] = field(default_factory=dict)
    blood_half_life_s: float = 0.0
    return_half_life_s: float = math.inf


@dataclass(frozen=True, slots=True)
class Fates:
    """Fates of a chain: `retained` maps a compartment to a nuclide to the fraction that stays where it is born (1 where none
    is named); `free` maps a nuclide to what becomes of its free atoms; `name`, `source` and `note` say where that is from."""

    retained: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    free: Mapping[str, Free] = field(default_factory=dict)
    name: str = "with-parent"
    source: str = ""
    note: str = ""

    @property
    def all_stay(self) -> bool:
        """Whether nothing goes anywhere."""
        return all(f == 1.0 for by in self.retained.values() for f in by.values())


@dataclass(frozen=True, slots=True)
class ProgenyDecays:
    """Numbers of decays (Bq s) by nuclide and place.

    `placed` counts atoms that stayed where their forebears were, the parent itself included, by compartment; `arrived` those
    that came by way of the blood, by compartment and ``"blood"``, ``"body"``, ``"excreted"``.
    """

    placed: Mapping[str, Mapping[str, float]]
    arrived: Mapping[str, Mapping[str, float]]

    def at(self, place: str) -> dict[str, float]:
        """All decays in a place, by nuclide."""
        return {n: self.placed[n].get(place, 0.0) + self.arrived[n].get(place, 0.0) for n in self.placed}


def progeny_decays(parent: str, tia_Bq_s: Mapping[str, float], fates: Fates) -> ProgenyDecays:
    """How many atoms of each nuclide of a chain decay where, over all time.

    Parameters
    ----------
    parent : str
        Nuclide.
    tia_Bq_s : mapping of str to float
        The parent's time-integrated activity in each compartment (regions, and ``"body"`` or ``"blood"`` where known).
    fates : Fates

    Returns
    -------
    ProgenyDecays
        Their sum over places is, for each nuclide, `tia_Bq_s` in sum times its decays per decay of the parent.

    Raises
    ------
    BadInput
        A fraction outside 0 to 1, shares that exceed 1 in sum, an unknown nuclide or place, an activity that is negative.

    Half of the 213Bi leaves a tumour; its 213Po (97.9 % of its decays in ICRP 107) goes with it:

    >>> fates = Fates({"tumour": {"Bi-213": 0.5}}, {"Bi-213": Free({"kidneys": 0.6, "excreted": 0.4})})
    >>> d = progeny_decays("Ac-225", {"tumour": 100.0, "kidneys": 0.0}, fates)
    >>> round(d.at("tumour")["Bi-213"], 6), round(d.at("kidneys")["Po-213"], 3), round(d.at("excreted")["Bi-213"], 6)
    (49.994, 29.369, 19.9976)
    """
    system = _System(parent, list(tia_Bq_s), fates)
    p = np.array([tia_Bq_s[c] for c in system.sources], float)
    if not np.all(np.isfinite(p)) or np.any(p < 0):
        raise BadInput("progeny: a time-integrated activity of the parent is negative or not finite; check the fits.")
    a = np.linalg.solve(system.matrix, -system.feed @ p) if len(system.states) else np.zeros(0)
    return _by_place(system, p, a)


def progeny_decays_of_many(parent: str, tia_Bq_s: Mapping[str, np.ndarray], fates: Fates) -> dict[str, dict[str, np.ndarray]]:
    """The same for many patients at once, from one matrix: decays by nuclide and place, each of shape (patients,).

    Parameters
    ----------
    parent, fates
        As for `progeny_decays`.
    tia_Bq_s : mapping of str to ndarray, shape (patients,)
        ``"excreted"`` may be among the places: progeny of what is in the urine decays there.

    Raises
    ------
    BadInput

    >>> fates = Fates({"tumour": {"Bi-213": 0.5}}, {"Bi-213": Free({"kidneys": 0.6, "excreted": 0.4})})
    >>> d = progeny_decays_of_many("Ac-225", {"tumour": np.array([100.0, 200.0]), "kidneys": np.zeros(2)}, fates)
    >>> d["Po-213"]["kidneys"].round(3).tolist()
    [29.369, 58.739]
    """
    system = _System(parent, list(tia_Bq_s), fates)
    p = np.stack([np.asarray(tia_Bq_s[c], float) for c in system.sources])
    if not np.all(np.isfinite(p)) or np.any(p < 0):
        raise BadInput("progeny: a time-integrated activity of the parent is negative or not finite.")
    found: dict[str, dict[str, np.ndarray]] = {m.nuclide.name: {} for m in system.members}
    found[system.members[0].nuclide.name] = dict(zip(system.sources, p))
    if system.states:
        for (n, place, _), value in zip(system.states, np.linalg.solve(system.matrix, -system.feed @ p)):
            found[n][place] = found[n].get(place, 0.0) + np.maximum(value, 0.0)
    return found


def progeny_activity_Bq(
    parent: str, curves: Mapping[str, tuple[Sequence[float], Sequence[float]]], fates: Fates, time_s: Sequence[float] | np.ndarray, *, integrated: bool = False
) -> dict[tuple[str, str], np.ndarray]:
    """Activity of each nuclide in each place at times after the administration.

    Parameters
    ----------
    parent : str
    curves : mapping of str to (coefficients in Bq, rates in 1/s)
        The parent's activity in each compartment, ``sum(c * exp(-k t))``; coefficients may be negative (uptake).
    fates : Fates
    time_s : array, shape (n,)
        At or above 0; there is no progeny at 0.
    integrated : bool
        Give the decays from 0 to each time (Bq s) in place of the activity.

    Returns
    -------
    dict
        (nuclide, place) to an array of shape (n,); the parent is not in it.

    Raises
    ------
    BadInput
        As `progeny_decays`; a negative time, a rate that is not above zero.

    An hour after the parent came to a tumour and stayed there, 221Fr (4.9 min) has caught up with it and 213Bi (45.6 min) has not:

    >>> a = progeny_activity_Bq("Ac-225", {"tumour": ([1.0], [8.0225e-7])}, Fates(), [3600.0])
    >>> round(float(a["Fr-221", "tumour"][0]), 3), round(float(a["Bi-213", "tumour"][0]), 2)
    (0.997, 0.55)
    """
    t = np.asarray(time_s, float)
    if t.ndim != 1 or not np.all(np.isfinite(t)) or np.any(t < 0):
        raise BadInput("progeny: times must be a list of finite seconds at or after the administration.")
    system = _System(parent, list(curves), fates)
    for c in system.sources:
        if len(curves[c][0]) != len(curves[c][1]) or not all(k > 0 and math.isfinite(k) for k in curves[c][1]):
            raise BadInput(f"progeny: the curve of {c!r} needs as many rates as coefficients, and rates above zero.")

    def transform(z: complex) -> np.ndarray:
        """Laplace transform of the activities."""
        source = np.array([sum(c / (z + k) for c, k in zip(*curves[name])) for name in system.sources])
        return np.linalg.solve(np.diag(z / system.rates) - system.matrix, system.feed @ source) / (z if integrated else 1.0)

    out = np.array([_inverse_laplace(transform, x) if x > 0 else np.zeros(len(system.states)) for x in t]).reshape(len(t), -1)
    found: dict[tuple[str, str], np.ndarray] = {}
    for i, (n, place, _) in enumerate(system.states):
        found[n, place] = found.get((n, place), 0.0) + out[:, i]
    return found


def _inverse_laplace(transform, t: float) -> np.ndarray:  # type: ignore[no-untyped-def]
    """Midpoint rule on the cotangent contour z = N (0.5017 s cot(0.6407 s) - 0.6122 + 0.2645 i s) / t, N = 2 x nodes."""
    s = (np.arange(_NODES) + 0.5) * math.pi / _NODES
    cot = 1 / np.tan(0.6407 * s)
    z = 2 * _NODES * (0.5017 * s * cot - 0.6122 + 0.2645j * s) / t
    dz = 2 * _NODES * (0.5017 * (cot - 0.6407 * s * (1 + cot**2)) + 0.2645j) / t
    weight = np.exp(z * t) * dz * (math.pi / _NODES) / (2j * math.pi)
    return 2 * np.real(sum(w * transform(x) for w, x in zip(weight, z)))


def _by_place(system: _System, p: np.ndarray, a: np.ndarray) -> ProgenyDecays:
    placed: dict[str, dict[str, float]] = {m.nuclide.name: {} for m in system.members}
    arrived: dict[str, dict[str, float]] = {n: {} for n in placed}
    placed[system.members[0].nuclide.name] = dict(zip(system.sources, p.tolist()))
    for (n, place, stayed), value in zip(system.states, a):
        (placed if stayed else arrived)[n][place] = float(value) if value > 0 else 0.0  # the solve leaves -0 where nothing comes
    return ProgenyDecays(placed, arrived)


class _System:
    """The matrix of a chain with its fates; states are (nuclide, place, whether it stayed where its forebears were)."""

    def __init__(self, parent: str, sources: list[str], fates: Fates) -> None:
        self.members: tuple[Member, ...] = equilibrium_chain(parent)
        self.sources = sources
        check_fates(fates, [m.nuclide.name for m in self.members], sources)
        progeny = [m.nuclide for m in self.members[1:]]
        regions = list(dict.fromkeys([*(c for c in sources if c != EXCRETED), BODY]))
        self.states = [(n.name, c, True) for n in progeny for c in sources]
        if not fates.all_stay:
            self.states += [(n.name, c, False) for n in progeny for c in [*(r for r in regions if r != BLOOD), BLOOD, EXCRETED]]
        index = {s: i for i, s in enumerate(self.states)}
        self.rates = np.array([next(n.decay_constant_per_s for n in progeny if n.name == s[0]) for s in self.states])
        self.matrix, self.feed = -np.eye(len(index)), np.zeros((len(index), len(sources)))

        def to_blood(n: str, amount: float, column: np.ndarray) -> None:
            """Free atoms of `n`: into the blood, or, where they leave it at once, on to where they go."""
            free = fates.free.get(n, Free())
            if free.blood_half_life_s > 0 or _immobile(half_life[n]):
                column[index[n, BLOOD, False]] += amount
            else:
                for place, share in _shares(free).items():
                    column[index[n, place, False]] += amount * share

        half_life = {n.name: n.half_life_s for n in progeny}
        for m in self.members:
            for daughter, fraction, _ in m.nuclide.daughters:
                if daughter not in half_life:
                    continue
                for j, c in enumerate(sources):
                    column = self.feed[:, j] if m is self.members[0] else self.matrix[:, index[m.nuclide.name, c, True]]
                    stays = fates.retained.get(c, {}).get(daughter, 1.0)
                    column[index[daughter, c, True]] += fraction * stays
                    if stays < 1:
                        to_blood(daughter, fraction * (1 - stays), column)
                if m is self.members[0] or fates.all_stay:
                    continue
                for c in dict.fromkeys([*regions, BLOOD, EXCRETED]):
                    column = self.matrix[:, index[m.nuclide.name, c, False]]
                    stays = 0.0 if c == BLOOD else fates.retained.get(c, {}).get(daughter, 1.0)
                    if c == EXCRETED or stays > 0:
                        column[index[daughter, c, False]] += fraction * stays
                    if stays < 1:
                        to_blood(daughter, fraction * (1 - stays), column)
        if not fates.all_stay:
            for n in progeny:
                free, rate = fates.free.get(n.name, Free()), n.decay_constant_per_s
                if _immobile(n.half_life_s):
                    continue
                if free.blood_half_life_s > 0:
                    column, leaving = self.matrix[:, index[n.name, BLOOD, False]], math.log(2) / free.blood_half_life_s / rate
                    column[index[n.name, BLOOD, False]] -= leaving
                    for place, share in _shares(free).items():
                        column[index[n.name, place, False]] += leaving * share
                if math.isfinite(free.return_half_life_s):
                    for c in (r for r in regions if r not in (BLOOD, BODY)):
                        column, leaving = self.matrix[:, index[n.name, c, False]], math.log(2) / free.return_half_life_s / rate
                        column[index[n.name, c, False]] -= leaving
                        to_blood(n.name, leaving, column)


def _shares(free: Free) -> dict[str, float]:
    """Where the atoms that leave the blood go, what is not named going to the body."""
    shares = dict(free.to)
    shares[BODY] = shares.get(BODY, 0.0) + max(1.0 - sum(free.to.values()), 0.0)
    return shares


def _immobile(half_life_s: float) -> bool:
    return half_life_s < IMMOBILE_S


def check_fates(fates: Fates, chain: Sequence[str], compartments: Sequence[str]) -> None:
    """Refuse fates that no atom can have.

    Parameters
    ----------
    chain : sequence of str
        Parent and progeny.
    compartments : sequence of str
        Regions, and ``"body"`` or ``"blood"`` where the parent is known there.

    Raises
    ------
    BadInput
    """
    half_life = {m.nuclide.name: m.nuclide.half_life_s for m in equilibrium_chain(chain[0])}

    def known(n: str, what: str) -> None:
        if n not in chain[1:]:
            of = f"the progeny of {chain[0]} is {', '.join(chain[1:])}" if len(chain) > 1 else f"{chain[0]} has no progeny in equilibrium"
            raise BadInput(f"{what}: {n!r} is not in the chain; {of}.{near_matches(n, chain[1:])}")

    def place(c: str, allowed: Sequence[str], what: str) -> None:
        if c not in allowed:
            raise BadInput(f"{what}: there is no region {c!r} here; name one of {', '.join(dict.fromkeys(allowed))}.{near_matches(c, allowed)}")

    for c, by in fates.retained.items():
        place(c, [*compartments, BODY], f"progeny.retained.{c!r}")
        for n, f in by.items():
            known(n, f"progeny.retained.{c!r}")
            if not (math.isfinite(f) and 0 <= f <= 1):
                raise BadInput(f"progeny.retained.{c!r}: {n} has {f!r}; give the fraction of its atoms that stay, from 0 to 1.")
            if f != 1 and _immobile(half_life[n]):
                raise BadInput(f"progeny.retained.{c!r}: {n} (half-life {half_life[n]:.3g} s) decays before it can go anywhere; leave it out.")
    for n, free in fates.free.items():
        what = f"progeny.free.{n}"
        known(n, what)
        if _immobile(half_life[n]):
            raise BadInput(f"{what}: {n} (half-life {half_life[n]:.3g} s) decays where it is born; leave it out.")
        for c, share in free.to.items():
            place(c, [*(x for x in compartments if x != BLOOD), BODY, EXCRETED], f"{what}.to")
            if not (math.isfinite(share) and 0 <= share <= 1):
                raise BadInput(f"{what}.to: {c!r} has {share!r}; give shares from 0 to 1 of the atoms that leave the blood.")
        if sum(free.to.values()) > 1 + 1e-9:
            raise BadInput(f"{what}.to: the shares sum to {sum(free.to.values()):.6g}; they must not exceed 1 (what is missing from 1 goes to the body).")
        if not (free.blood_half_life_s >= 0 and math.isfinite(free.blood_half_life_s)) or not free.return_half_life_s > 0:
            raise BadInput(f"{what}: half-lives must be above zero; leave out blood_half_life for 'at once' and return_half_life for 'never'.")
