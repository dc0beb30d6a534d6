"""Reactions by name, and the cross sections that are held of them or that a user gives."""

from __future__ import annotations

import csv
import functools
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...core import BadInput, near_matches, sha256_file
from ...data import table
from ...nuclides import chain, nuclide
from .stopping import checked_projectile, symbols

_STATE = {"deuteron": "d", "proton": "p", "alpha": "a", "α": "a", "he4": "a", "4he": "a"}


@dataclass(frozen=True, slots=True)
class Reaction:
    """Target nuclide (`mass_number` None: the element as in nature), projectile, what leaves, product."""

    element: str
    mass_number: int | None
    projectile: str
    ejected: str
    product: str

    def __str__(self) -> str:
        return f"{self.element}{'' if self.mass_number is None else f'-{self.mass_number}'}({self.projectile},{self.ejected}){self.product}"


@dataclass(frozen=True, slots=True, eq=False)
class Excitation:
    """Cross section of one reaction over energy; shapes (n,), linear between points.

    Attributes
    ----------
    reaction : Reaction
    energy_MeV, xs_mb : ndarray
    u_xs_mb : ndarray
        One standard uncertainty; NaN where the source gives none.
    source : str
        The evaluation, or the file with its hash.
    """

    reaction: Reaction
    energy_MeV: np.ndarray
    xs_mb: np.ndarray
    u_xs_mb: np.ndarray
    source: str


def reaction(text: str) -> Reaction:
    """The reaction that `text` names.

    Parameters
    ----------
    text : str
        ``"Ra-226(p,2n)Ac-225"``, ``"226Ra(p,2n)225Ac"``, ``"natGa(p,x)68Ge"``, ``"Ga(p,x)Ge-68"``.

    Raises
    ------
    BadInput
        Not readable as a reaction, no such element or product, or another projectile than p, d, a.

    >>> str(reaction("226Ra(p,2n)225Ac")), str(reaction("natGa(p,x)68Ge"))
    ('Ra-226(p,2n)Ac-225', 'Ga(p,x)Ge-68')
    """
    match = re.fullmatch(r"\s*(.+?)\s*\(\s*(\w+)\s*,\s*([\w+]+)\s*\)\s*(.+?)\s*", text) if isinstance(text, str) else None
    if match is None:
        raise BadInput(f"reaction: cannot read {text!r}; write target, projectile, what leaves and product, such as 'Ra-226(p,2n)Ac-225'.")
    projectile = checked_projectile(_STATE.get(match[2].lower(), match[2].lower()))
    element, mass = _target(match[1])
    return Reaction(element, mass, projectile, match[3].lower(), nuclide(match[4]).name)


def reactions() -> tuple[str, ...]:
    """Names of the reactions with cross sections in the tables.

    >>> "Ra-226(p,2n)Ac-225" in reactions()
    True
    """
    return tuple(str(x.reaction) for x in _held())


def excitations(wanted: Reaction, given: Sequence[Excitation] = ()) -> tuple[Excitation, ...]:
    """Cross sections on the target element of `wanted` with its projectile: those of its product first, then by-products, of all isotopes.

    A `given` one replaces the table's of the same target, projectile and product. Where no reaction makes the product,
    those that make a nuclide which decays to it take its place (124Xe(p,x)123I by way of 123Cs and 123Xe).

    Raises
    ------
    BadInput
        None leads to the product; near matches are named.
    """
    pool = list({(x.reaction.element, x.reaction.mass_number, x.reaction.projectile, x.reaction.product): x for x in (*_held(), *given)}.values())
    on = [x for x in pool if x.reaction.element == wanted.element and x.reaction.projectile == wanted.projectile]
    # Data of the element as a whole hold all its isotopes: they stand for a natural target, and alone.
    whole = {x.reaction.product for x in on if x.reaction.mass_number is None}
    on = [x for x in on if (x.reaction.mass_number is None or x.reaction.product not in whole if wanted.mass_number is None else x.reaction.mass_number is not None)]
    own = [x for x in on if wanted.mass_number in (None, x.reaction.mass_number)]
    makes = [x for x in own if x.reaction.product == wanted.product and (wanted.ejected == x.reaction.ejected or "x" in (wanted.ejected, x.reaction.ejected))]
    feeds = [x for x in own if x not in makes and leads_to(x.reaction.product, wanted.product) > 0]
    if not makes and (not feeds or wanted.ejected != "x"):
        names = [str(x.reaction) for x in pool]
        near = near_matches(str(wanted), names, n=4)
        raise BadInput(f"reaction: no cross section of {wanted} is held; give one in a file, or take one of {', '.join(names)}.{near}")
    return (*makes, *feeds, *(x for x in on if x not in makes and x not in feeds))


@functools.lru_cache(maxsize=256)
def leads_to(parent: str, product: str) -> float:
    """Decays of `product` for one decay of `parent` in the end, the parent itself counting 1."""
    return next((m.decays_per_parent for m in chain(parent) if m.nuclide.name == product), 0.0)


def read_excitations(path: Path | str, wanted: str | None = None) -> tuple[Excitation, ...]:
    """Cross sections from a file of one's own.

    Parameters
    ----------
    path : Path or str
        A CSV with a header of ``energy_MeV``, ``xs_mb`` and optionally ``u_xs_mb`` and ``reaction``; or a text of the IAEA's,
        TENDL's or EXFOR's tables in the form YANDF: comments with ``#``, of which the last two name columns (E, xs, dxs) and units ([MeV], [mb]).
    wanted : str, optional
        The reaction, where the file does not name it in a column.

    Raises
    ------
    BadInput
        A file that cannot be read as one of these, without units, of other units, with energies that do not rise or negative values.
    """
    path = Path(path)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise BadInput(f"data file: {str(path)!r} cannot be read as text ({error.__class__.__name__}); give a CSV or a text of cross sections.") from None
    source = f"{path.name} sha256 {sha256_file(path)[:16]}"
    head = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), "")
    columns = _csv(text, path.name) if "energy_mev" in head.lower() else _yandf(text, path.name)
    named = columns.pop("reaction", None)
    if named is None and wanted is None:
        raise BadInput(f"data file: {path.name} names no reaction; give a column 'reaction', or the reaction beside the file.")
    labels = named if named is not None else [wanted] * len(columns["E"])
    out = []
    for label in dict.fromkeys(labels):
        keep = np.array([x == label for x in labels])
        E, xs, u = (np.asarray(columns[k])[keep] for k in ("E", "xs", "u"))
        order = np.argsort(E, kind="stable")
        out.append(_checked(Excitation(reaction(str(label)), E[order], xs[order], u[order], source), path.name))
    return tuple(out)


def _checked(x: Excitation, name: str) -> Excitation:
    if len(x.energy_MeV) < 2 or not np.all(np.isfinite(x.energy_MeV) & np.isfinite(x.xs_mb)):
        raise BadInput(f"data file: {name} holds {len(x.energy_MeV)} readable points of {x.reaction}; give two or more, all finite.")
    if np.any(x.energy_MeV < 0) or np.any(np.diff(x.energy_MeV) <= 0) or np.any(x.xs_mb < 0) or np.any(x.u_xs_mb < 0):
        raise BadInput(f"data file: {name}: energies must be different and not negative, and cross sections and their uncertainties not negative.")
    for a in (x.energy_MeV, x.xs_mb, x.u_xs_mb):
        a.flags.writeable = False
    return x


def _number(text: str, name: str) -> float:
    try:
        return float(text) if text.strip() else float("nan")
    except ValueError:
        raise BadInput(f"data file: {name}: {text!r} is no number; give numbers with a decimal point.") from None


def _csv(text: str, name: str) -> dict[str, list]:
    rows = list(csv.DictReader(io.StringIO("\n".join(line for line in text.splitlines() if line.strip() and not line.startswith("#"))), skipinitialspace=True))
    keys = {k.strip() for k in (rows[0] if rows else {}) if k}
    unknown = keys - {"energy_MeV", "xs_mb", "u_xs_mb", "reaction", "source"}
    if not {"energy_MeV", "xs_mb"} <= keys or unknown:
        raise BadInput(f"data file: {name} has the columns {', '.join(sorted(keys))}; energy_MeV and xs_mb are wanted, u_xs_mb, reaction and source allowed.")
    if any(None in r for r in rows):
        raise BadInput(f"data file: {name} has a row with more cells than its header; put a reaction in double quotes.")
    clean = [{k.strip(): (v or "") for k, v in r.items()} for r in rows]
    out: dict[str, list] = {k: [_number(r.get(c, ""), name) for r in clean] for k, c in (("E", "energy_MeV"), ("xs", "xs_mb"), ("u", "u_xs_mb"))}
    return out | ({"reaction": [r["reaction"] for r in clean]} if "reaction" in keys else {})


def _yandf(text: str, name: str) -> dict[str, list]:
    heads = [line.lstrip("#").split() for line in text.splitlines() if line.startswith("##")]
    if len(heads) < 2 or len(heads[0]) != len(heads[1]):
        raise BadInput(f"data file: {name} states no columns with units; give a CSV with the header energy_MeV,xs_mb,u_xs_mb.")
    places, units = [h.lower() for h in heads[0]], [u.strip("[]").lower() for u in heads[1]]
    scale = {"E": {"ev": 1e-6, "kev": 1e-3, "mev": 1.0}, "xs": {"b": 1e3, "mb": 1.0, "ub": 1e-3}}
    rows = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    out: dict[str, list] = {}
    for key, column, kind in (("E", "e", "E"), ("xs", "xs", "xs"), ("u", "dxs", "xs")):
        if column not in places:
            if key == "u":
                out["u"] = [float("nan")] * len(rows)
                continue
            raise BadInput(f"data file: {name} has no column {column!r} among {', '.join(places)}; give a CSV with the header energy_MeV,xs_mb,u_xs_mb.")
        at = places.index(column)
        if units[at] not in scale[kind]:
            raise BadInput(f"data file: {name}: column {column!r} is in {units[at]!r}; {' or '.join(scale[kind])} is wanted.")
        if any(len(r) <= at for r in rows):
            raise BadInput(f"data file: {name}: a row has fewer columns than its header; check the file.")
        out[key] = [_number(r[at], name) * scale[kind][units[at]] for r in rows]
    return out


def _target(text: str) -> tuple[str, int | None]:
    squeezed = re.sub(r"[\s\-_^\[\]{}]+", "", text)
    bare = re.fullmatch(r"(?i:nat)?([A-Za-z]{1,2}?)(?i:nat)?", squeezed)
    if bare and bare[1].capitalize() in symbols():
        return bare[1].capitalize(), None
    match = re.fullmatch(r"(?:(\d+)([A-Za-z]{1,2})|([A-Za-z]{1,2})(\d+))", squeezed)
    symbol = (match[2] or match[3]).capitalize() if match else ""
    if match is None or symbol not in symbols():
        raise BadInput(f"reaction: {text!r} is no target nuclide or element; write it like 'Ra-226', '68Zn' or 'natGa'.")
    return symbol, int(match[1] or match[4])


@functools.cache
def _held() -> tuple[Excitation, ...]:
    t = table("production_excitation")
    out = []
    for name in dict.fromkeys(t["reaction"].tolist()):
        rows = t.where("reaction", name)
        out.append(Excitation(reaction(name), rows["energy_MeV"], rows["xs_mb"], rows["u_xs_mb"], str(rows["source"][0])))
    return tuple(out)
