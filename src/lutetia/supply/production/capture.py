"""Cross sections of thermal and epithermal neutrons: where they come from, and what they are in a reactor's spectrum.

Rate per target atom = flux x (sigma0 g(T) + ratio x resonance integral), with the conventional flux (neutron density times
2200 m/s) and the ratio of the epithermal flux per unit lethargy to it. g(T) is Westcott's factor (C.H. Westcott 1960, AECL-1101).
"""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.integrate import trapezoid
from scipy.special import gammaincc

from ...core import BadInput
from ...data import table
from ...nuclides import names
from ...nuclides.names import canonical
from .targets import natural_isotopes

_BOLTZMANN_EV_PER_K = 8.617333262e-5
_E0_EV = 0.0253
#: Neutron temperatures for which the point-wise cross sections reach far enough, K.
TEMPERATURES_K = (250.0, 400.0)
_COLUMNS = ("target", "product", "kind", "sigma0_b", "u_sigma0_b", "resonance_integral_b", "westcott", "atoms")


@dataclass(frozen=True, slots=True)
class Reaction:
    """What a neutron does to a target.

    Attributes
    ----------
    target, product : str
    kind : str
        ``"capture"`` or ``"fission"``.
    sigma0_b, u_sigma0_b, resonance_integral_b : float or None
        At 2200 m/s with its standard uncertainty; above 0.5 eV. None is unknown.
    westcott : float or str
        g at every temperature, or the table of the point-wise cross section it is computed from.
    atoms : float
        Atoms of the product for each event; below one for a fission yield.
    makes : str or None
        What the target is irradiated for.
    verified, source : str
        ``"read"``, ``"recalled"`` or ``"given"`` by the user; citation.
    """

    target: str
    product: str
    sigma0_b: float
    u_sigma0_b: float | None = None
    resonance_integral_b: float | None = None
    westcott: float | str = 1.0
    atoms: float = 1.0
    kind: str = "capture"
    makes: str | None = None
    verified: str = "given"
    source: str = "given by the user"


@functools.cache
def reactions() -> tuple[Reaction, ...]:
    """The reactions of the table ``neutron_capture``."""
    t = table("neutron_capture")
    return tuple(
        Reaction(
            str(t["target"][i]), str(t["product"][i]), float(t["sigma0_b"][i]), _known(t["u_sigma0_b"][i]), _known(t["resonance_integral_b"][i]),
            _westcott(str(t["westcott"][i])), float(t["atoms"][i]), str(t["kind"][i]), str(t["makes"][i]) or None, str(t["verified"][i]), str(t["source"][i]),
        )
        for i in range(len(t["target"]))
    )  # fmt: skip


def with_own(own: Iterable[Reaction]) -> tuple[Reaction, ...]:
    """The table's reactions; one of `own` with the same target and product takes the place of the table's, others are added."""
    own = tuple(own)
    made = {(r.target, r.product): r for r in own}
    makes = {(r.target, r.product): r.makes for r in reactions()}
    kept = [r for r in reactions() if (r.target, r.product) not in made]
    return (*kept, *(_with_makes(r, makes.get((r.target, r.product))) for r in made.values()))


def _with_makes(r: Reaction, makes: str | None) -> Reaction:
    return Reaction(r.target, r.product, r.sigma0_b, r.u_sigma0_b, r.resonance_integral_b, r.westcott, r.atoms, r.kind, r.makes or makes, r.verified, r.source)


def read_cross_sections(path: Path | str) -> tuple[Reaction, ...]:
    """Cross sections of a user: CSV with the columns target, product, sigma0_b and, if known, u_sigma0_b, resonance_integral_b, westcott, atoms, kind.

    Raises
    ------
    BadInput
        No such file, a column that is missing or unknown, a value that is no number or negative.
    """
    path = Path(path)
    try:
        rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"There is no readable text file {path.name!r}; give a CSV with the columns {', '.join(_COLUMNS)}.") from None
    columns = set(rows[0]) if rows else set()
    if not {"target", "product", "sigma0_b"} <= columns or not columns <= set(_COLUMNS):
        raise BadInput(f"{path.name}: the columns are {', '.join(map(str, columns)) or 'missing'}; give target, product, sigma0_b and, if known, {', '.join(c for c in _COLUMNS[2:] if c != 'sigma0_b')}.")
    return tuple(_own(path.name, n, row) for n, row in enumerate(rows, 2))


def _own(file: str, line: int, row: dict[str, str]) -> Reaction:
    def number(column: str, default: float | None) -> float | None:
        text = (row.get(column) or "").strip()
        try:
            value = float(text) if text else default
        except ValueError:
            value = math.nan
        if value is not None and not (math.isfinite(value) and value >= 0):
            raise BadInput(f"{file} line {line}: {column} is {text!r}; give zero or a positive number, in barn for a cross section.")
        return value

    sigma0, g, atoms, kind = number("sigma0_b", None), row.get("westcott") or "", number("atoms", 1.0), (row.get("kind") or "capture").strip()
    if sigma0 is None or kind not in ("capture", "fission"):
        raise BadInput(f"{file} line {line}: {'sigma0_b is empty; give it in barn' if sigma0 is None else f'kind is {kind!r}; write capture or fission'}.")
    pointwise = {str(r.westcott) for r in reactions() if isinstance(r.westcott, str)}
    west: float | str = g if g in pointwise else number("westcott", 1.0) or 1.0
    return Reaction(isotope(row["target"]), isotope(row["product"]), sigma0, number("u_sigma0_b", None), number("resonance_integral_b", None), west, 1.0 if atoms is None else atoms, kind, source=f"given by the user in {file}")


def westcott_g(pointwise: str | float, temperature_K: float) -> float:
    """Westcott's factor: capture in a Maxwellian of neutrons over that of a 1/v absorber with the same cross section at 2200 m/s.

    g(T) = 2 / (sqrt(pi) sigma0 sqrt(E0)) (kT)^(-3/2) int sigma(E) E exp(-E/kT) dE with E0 = 0.0253 eV (C.H. Westcott 1960, AECL-1101).

    Parameters
    ----------
    pointwise : str or float
        Table with ``energy_eV`` and ``xs_b``, or a factor that holds at every temperature.
    temperature_K : float

    Raises
    ------
    BadInput
        A temperature for which the table does not reach far enough.

    The resonance of 176Lu at 0.14 eV makes a calculation with 2200 m/s alone 40 to 50 % too low:

    >>> round(westcott_g("capture_lu176_resonance", 293.6), 2), westcott_g(1.0, 313.0)
    (1.71, 1.0)
    """
    if not TEMPERATURES_K[0] <= temperature_K <= TEMPERATURES_K[1]:
        raise BadInput(f"neutron temperature: got {temperature_K:g} K; the cross sections held serve {TEMPERATURES_K[0]:g} to {TEMPERATURES_K[1]:g} K.")
    if isinstance(pointwise, (int, float)):
        return float(pointwise)
    t = table(pointwise)
    energy, xs = t["energy_eV"], t["xs_b"]
    kT = _BOLTZMANN_EV_PER_K * temperature_K
    # Cross sections are straight in log-log between points; in x = E/kT the weight x exp(-x) is smooth.
    fine = np.geomspace(energy[0], energy[-1], 20001)
    sigma = np.exp(np.interp(np.log(fine), np.log(energy), np.log(xs)))
    x = fine / kT
    # Beyond the table the resonance's flank is taken as flat; at 400 K it adds 0.1 % to g, and the flank falls.
    beyond = xs[-1] * gammaincc(2.0, x[-1])
    sigma0 = math.exp(np.interp(math.log(_E0_EV), np.log(energy), np.log(xs)))
    return float(2.0 / math.sqrt(math.pi) * math.sqrt(kT / _E0_EV) * (trapezoid(sigma * x * np.exp(-x), x) + beyond) / sigma0)


def effective_b(reaction: Reaction, temperature_K: float, epithermal_ratio: float) -> float:
    """Cross section for the conventional thermal flux, barn: sigma0 g(T) + ratio x resonance integral (unknown counts as none).

    A resonance integral of 6.7 b doubles the 0.13 b of 98Mo where the epithermal ratio is 2 %:

    >>> round(effective_b(next(r for r in reactions() if r.target == "Mo-98"), 293.6, 0.02), 3)
    0.264
    """
    return reaction.sigma0_b * westcott_g(reaction.westcott, temperature_K) + epithermal_ratio * (reaction.resonance_integral_b or 0.0)


@functools.cache
def natural_composition(element: str) -> dict[str, float]:
    """Atom fraction of each isotope of an element in nature; empty where the table does not hold the element.

    >>> natural_composition("Lu")
    {'Lu-175': 0.97401, 'Lu-176': 0.02599}
    """
    return {f"{element}-{mass}": fraction for mass, fraction in natural_isotopes(element).items()}


def isotope(text: str) -> str:
    """The canonical name of a stable or radioactive isotope.

    Raises
    ------
    BadInput

    >>> isotope("176Yb"), isotope("lutetium-177")
    ('Yb-176', 'Lu-177')
    """
    return canonical(text, _isotopes())


@functools.cache
def _isotopes() -> frozenset[str]:
    """Names of the library, and every mass number of its elements: which of them are stable does not matter here."""
    symbols = {n.split("-")[0] for n in names()}
    return names() | {f"{s}-{a}" for s in symbols for a in range(1, 280)}


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _westcott(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text
