"""Fates of progeny that have a name and a source, and those that a user writes.

What is published is little: where nothing is, there is no preset, and a preset is refused for a nuclide, or an organ, that its
source does not speak of.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence

from ..core import BadInput, near_matches
from ..data import table
from ..nuclides import equilibrium_chain, nuclide
from .progeny import BLOOD, BODY, EXCRETED, IMMOBILE_S, Fates, Free, check_fates

#: The default.
WITH_PARENT = "with-parent"


@dataclasses.dataclass(frozen=True, slots=True)
class Preset:
    """A named fate: the parent it is for (None: any), its source, and what a reader must know. `by_organ` says whether each
    region needs an organ of the table ``progeny_fates``."""

    name: str
    parent: str | None
    by_organ: bool
    source: str
    note: str


PRESETS = {
    p.name: p
    for p in (
        Preset(WITH_PARENT, None, False, "assumption", "all progeny decays where its parent does: what is taken where nothing is known of its fate"),
        Preset(
            "internalised-small-molecule", "Ac-225", False, "Liubchenko et al. 2024, doi 10.1007/s00259-024-06681-2 (abstract)",
            "all progeny decays where 225Ac does, as after internalisation. In five patients with 225Ac-PSMA-I&T, 221Fr and 213Bi differed by up to 10 % "
            "in their kinetics (213Bi over 225Ac in urine 0.98 ± 0.15 at 24 h, 1.08 ± 0.09 at 48 h) and the kidney and lesion doses by at most 8 % with the "
            "nuclide that was imaged; other ligands and other tissues were not measured",
        ),
        Preset(
            "antibody-in-circulation", "Ac-225", True, "table 5 of doi 10.1186/s40658-021-00410-6, a pharmacokinetic model; ratios computed from its doses",
            "213Bi leaves red marrow, spleen, bone surface and liver; 221Fr stays within 5 %. Where the 213Bi goes cannot be read from that table (its kidney "
            "values of 213Bi and 213Po contradict one another): it is counted in the body outside the regions, so that the kidney dose of free 213Bi is not in the result",
        ),
        Preset(
            "thorium-conjugate", "Th-227", True, "abstract of doi 10.1177/10849785251408392 (monkeys, four conjugates; whole body of patients consistent)",
            "at least 90 % of 223Ra leaves most soft tissues (the bound, 10 % retained, is taken) and none leaves bone. Bone and intestine take it up, by shares that "
            "are not stated: it is counted in the body outside the regions, so that the bone and gut dose of free 223Ra is not in the result; tumours were not studied",
        ),
    )
}  # fmt: skip


def resolve_fates(
    parent: str,
    regions: Sequence[str],
    preset: str = WITH_PARENT,
    *,
    organ: Mapping[str, str] | None = None,
    retained: Mapping[str, float | Mapping[str, float]] | None = None,
    free: Mapping[str, Free] | None = None,
) -> Fates:
    """Fates of a chain from a preset, a user's own, or both.

    Parameters
    ----------
    parent : str
        Nuclide.
    regions : sequence of str
    preset : str
        One of `PRESETS`.
    organ : mapping of str to str
        For a preset by organ: region to an organ of its table. A region of an organ's very name needs none.
    retained : mapping of str to (float or mapping of str to float)
        A user's own, by region or ``"body"``: a fraction for all progeny, or one by nuclide (``"all"`` for those not named).
        They replace the preset's for that region.
    free : mapping of str to Free
        A user's own, by nuclide.

    Returns
    -------
    Fates

    Raises
    ------
    BadInput
        No such preset; a preset that its source does not support for this nuclide or a region; fates that no atom can have.

    In the red marrow of that antibody, 9 % of 213Bi decays where it arises:

    >>> resolve_fates("Ac-225", ["red marrow"], "antibody-in-circulation").retained["red marrow"]
    {'Bi-213': 0.092}
    """
    organ, retained, free = organ or {}, retained or {}, free or {}
    p = _preset(preset, nuclide(parent).name)
    chain = [m.nuclide.name for m in equilibrium_chain(parent)]
    if p.name != WITH_PARENT or retained or free:
        if len(chain) == 1:
            raise BadInput(f"progeny: {chain[0]} has no radioactive progeny in equilibrium; leave out the section [progeny].")
        taken = next((r for r in regions if r in (BODY, BLOOD, EXCRETED)), None)
        if taken is not None:
            raise BadInput(f"progeny: a region is called {taken!r}, which here means a place outside all regions; give that region another name (regions.define), or leave it out (regions.include).")
    if organ and not p.by_organ:
        raise BadInput(f"progeny.organ has no effect with the preset {p.name!r}; remove it.")
    for r in organ:
        if r not in regions:
            raise BadInput(f"progeny.organ: there is no region {r!r}; name one of {', '.join(regions)}.{near_matches(r, regions)}")
    by_region = {r: _of_organ(p, r, organ.get(r)) for r in regions if r not in retained} if p.by_organ else {}
    own = {r: _of_user(r, f, chain) for r, f in retained.items()}
    canonical = {_member(n, chain, "progeny.free"): f for n, f in free.items()}
    name, source = p.name, p.source
    if own or canonical:
        named = ", ".join([*own, *canonical])
        name = "own" if p.name == WITH_PARENT else f"{p.name}, with own fates for {named}"
        source = "a file of the user" if p.name == WITH_PARENT else f"{p.source}; a file of the user for {named}"
    note = "as written in a file of the user; what is not named stays with its parent" if name == "own" else p.note
    fates = Fates(by_region | own, canonical, name, source, note)
    check_fates(fates, chain, list(regions))
    return fates


def _preset(name: str, parent: str) -> Preset:
    if name not in PRESETS:
        raise BadInput(f"progeny.preset: there is no preset {name!r}; choose one of {', '.join(PRESETS)}.{near_matches(name, PRESETS)}")
    p = PRESETS[name]
    if p.parent not in (None, parent):
        raise BadInput(f"progeny.preset: {name!r} has no published fate for {parent}, only for {p.parent}; choose 'with-parent', or give your own fates in progeny.retained.")
    return p


def _of_organ(p: Preset, region: str, organ: str | None) -> dict[str, float]:
    """What the table says of a region's organ."""
    rows = table("progeny_fates").where("preset", p.name)
    known = list(dict.fromkeys(map(str, rows["organ"])))
    wanted = region.casefold() if organ is None else organ
    if wanted not in known:
        said = f"progeny: {p.name!r} has no published fate for region {region!r}" if organ is None else f"progeny.organ: {p.name!r} has no published fate for {organ!r}"
        raise BadInput(f"{said}; name its organ in progeny.organ ({', '.join(known)}), or give your own fraction in progeny.retained.")
    found = rows.where("organ", wanted)
    return {str(n): float(f) for n, f in zip(found["nuclide"], found["retained"])}


def _of_user(region: str, fraction: float | Mapping[str, float], chain: Sequence[str]) -> dict[str, float]:
    """A user's fractions by nuclide; one for all is for those that live long enough to leave."""
    given = {"all": fraction} if isinstance(fraction, (int, float)) else dict(fraction)
    named = {_member(n, chain, f"progeny.retained.{region!r}"): float(f) for n, f in given.items() if n != "all"}
    if "all" in given:
        named = {n: float(given["all"]) for n in chain[1:] if nuclide(n).half_life_s >= IMMOBILE_S} | named
    return named


def _member(name: str, chain: Sequence[str], what: str) -> str:
    try:
        return nuclide(name).name
    except BadInput:
        raise BadInput(f"{what}: {name!r} is not a nuclide; the progeny of {chain[0]} is {', '.join(chain[1:]) or 'none'}.{near_matches(name, chain)}") from None
