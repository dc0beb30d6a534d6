"""An irradiation: what a beam makes in a target, the activities at its end and after cooling, heat, and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ...core import BadInput
from ...data import table
from ...nuclides import Inventory, chain, names
from .growth import grown
from .machines import check_machine, machine
from .reactions import Excitation, excitations, leads_to
from .reactions import reaction as read_reaction
from .stopping import PROJECTILES, range_units_per_cm2, stopping_uncertainty
from .targets import Target
from .yields import UNSTATED, checked_energies, product_ways, rates_per_A, usual_target

_TABLES = ("production_excitation", "production_reactions", "pstar_protons", "stopping_elements", "natural_isotopes", "production_targets")


@dataclass(frozen=True, slots=True, eq=False)
class Irradiation:
    """What comes out of a target.

    Attributes
    ----------
    reaction, product : str
        Canonical names.
    eob, after : Inventory
        Activities at the end of bombardment and `cool_s` later, of the nuclides of the tables and their progeny.
    saturation_yield_Bq_per_A : float
        Of the product, the way by decaying parents counted in, before duty.
    u_relative : float
        Relative standard uncertainty of the product's activity: see `uncertainty`.
    heat_W : float
        Mean power that the beam leaves in the target.
    energy_MeV, exit_MeV, current_A, time_s, cool_s, duty, enrichment
        As given; `enrichment` of the isotope that reacts.
    target : str
    areal_density_g_cm2, range_g_cm2 : float
        Needed along the beam for this exit energy; range of the particle from the entry energy.
    thickness_mm : float or None
        None where no density is held.
    rate_per_s : mapping of str to float
        Nuclei made a second, by nuclide, averaged over the duty.
    atoms_reacted : float
        Target nuclei used up by the reactions of the tables.
    target_atoms_per_cm2 : float
        Of the isotopes that react, along the beam.
    burn_up : float or None
        Fraction of the target nuclei in the beam that have reacted; None without the area of the beam.
    uncertainty : mapping
        ``cross_section`` and ``stopping`` (relative, k = 1), ``comprises`` and ``leaves_out`` in words.
    warnings : tuple of str
    provenance : mapping
        Cross sections and tables, with hashes.
    """

    reaction: str
    product: str
    eob: Inventory
    after: Inventory
    saturation_yield_Bq_per_A: float
    u_relative: float
    heat_W: float
    energy_MeV: float
    exit_MeV: float
    current_A: float
    time_s: float
    cool_s: float
    duty: float
    target: str
    enrichment: float
    areal_density_g_cm2: float
    thickness_mm: float | None
    range_g_cm2: float
    rate_per_s: Mapping[str, float]
    atoms_reacted: float
    target_atoms_per_cm2: float
    burn_up: float | None
    uncertainty: Mapping[str, object]
    warnings: tuple[str, ...]
    provenance: Mapping[str, object]


def irradiate(
    reaction: str, energy_MeV: float, exit_MeV: float, current_A: float, time_s: float, *, cool_s: float = 0.0, enrichment: float | None = None,
    duty: float = 1.0, material: str | None = None, irradiated: Target | None = None, cyclotron: str | None = None,
    given: Sequence[Excitation] = (), extrapolate: bool = False, beam_area_cm2: float | None = None,
) -> Irradiation:  # fmt: skip
    """Irradiate a target that slows the beam from `energy_MeV` to `exit_MeV`.

    Parameters
    ----------
    reaction : str
        Such as ``"Ra-226(p,2n)Ac-225"``; all reactions of the tables on its target are counted with it.
    energy_MeV, exit_MeV : float
        Kinetic energy of the particle at the front and behind the target; 0 if it stops there.
    current_A : float
        Electric current on the target.
    time_s, cool_s : float
        Beam on, and then until the second inventory.
    enrichment : float, optional
        Atom fraction of the isotope that reacts; None: 1, or the natural composition where the reaction names an element.
    duty : float
        Share of `time_s` with beam, spread evenly.
    material : str, optional
        Name or formula of the target; None: the usual one.
    irradiated : Target, optional
        In place of `material` and `enrichment`, such as one with an isotopic analysis (`mixed_target`).
    cyclotron : str, optional
        A machine whose limits hold.
    given : sequence of Excitation
        Cross sections of one's own, in place of or beside those of the tables.
    extrapolate : bool
        Allow energies above the data.
    beam_area_cm2 : float, optional
        Of the beam on the target: then the target's burn-up is counted.

    Raises
    ------
    BadInput
        Unknown names, energies outside the data, values that are negative, not finite or beyond the machine.

    Notes
    -----
    R = I d / (z e) n integral of sigma / S dE nuclei a second, with `grown` and `Inventory.at` for the chain.

    Examples
    --------
    226Ra, 16.8 to 4 MeV, 100 uA, 24 h: another program gives 18.8 GBq of 225Ac (ISOTOPIA 2.2).

    >>> r = irradiate("Ra-226(p,2n)Ac-225", 16.8, 4.0, 100e-6, 86400.0)
    >>> r.product, round(r.eob.activity_Bq["Ac-225"] / 1e9, 1), round(r.heat_W)
    ('Ac-225', 19.4, 1280)
    """
    wanted = read_reaction(reaction)
    checked_beam(current_A, time_s, cool_s, duty, beam_area_cm2)
    if irradiated is None:
        irradiated = usual_target(wanted, material, enrichment, given)
    elif material is not None or enrichment is not None:
        raise BadInput("target: got a Target beside a material or an enrichment; give one or the other.")
    held = tuple(x for x in excitations(wanted, given) if irradiated.atoms_of(x.reaction.mass_number) > 0)
    ways = product_ways(wanted, held, irradiated)
    checked_energies(wanted, ways, energy_MeV, exit_MeV, extrapolate)
    charge = PROJECTILES[wanted.projectile][0]
    said = [] if cyclotron is None else check_machine(machine(cyclotron, wanted.projectile), energy_MeV, current_A)

    units_per_cm2 = float(range_units_per_cm2(energy_MeV, irradiated.atoms, wanted.projectile) - range_units_per_cm2(exit_MeV, irradiated.atoms, wanted.projectile))
    areal = units_per_cm2 * irradiated.unit_g
    found = {x: tuple(float(v) for v in rates_per_A(x, irradiated, energy_MeV, exit_MeV, extrapolate=extrapolate)) for x in held}
    mean_A = current_A * duty
    saturation = sum(leads_to(x.reaction.product, wanted.product) * found[x][0] for x in ways)
    if not saturation > 0:
        raise BadInput(f"reaction: nothing of {wanted.product} is made in {irradiated.name} between {energy_MeV:g} and {exit_MeV:g} MeV; check the energies and the isotopes of the target.")

    # Isotopes are used up each at its own rate, if the area of the beam is known.
    activity: dict[str, float] = {}
    rate: dict[str, float] = {}
    reacted = density = 0.0
    for isotope in dict.fromkeys(x.reaction.mass_number for x in held):
        made: dict[str, float] = {}
        for x in held:
            if x.reaction.mass_number == isotope:
                made[x.reaction.product] = made.get(x.reaction.product, 0.0) + found[x][0] * mean_A
        atoms = units_per_cm2 * irradiated.atoms_of(isotope)
        used = sum(made.values()) / (atoms * beam_area_cm2) if beam_area_cm2 is not None and atoms > 0 else 0.0
        reacted += sum(made.values()) * (-np.expm1(-used * time_s) / used if used > 0 else time_s)
        density += atoms
        for n, a in grown(made, time_s, used).activity_Bq.items():
            activity[n] = activity.get(n, 0.0) + a
        for n, v in made.items():
            rate[n] = rate.get(n, 0.0) + v
    eob = Inventory(activity)
    burn_up = None if beam_area_cm2 is None else float(reacted / (density * beam_area_cm2))

    u_data = sum(leads_to(x.reaction.product, wanted.product) * found[x][1] for x in ways) / saturation
    least = [float(u) for x in ways for u in _notes(x, "u_least") if np.isfinite(u)]
    u_xs, u_stop = max([u_data, *least]), stopping_uncertainty(dict(irradiated.atoms), wanted.projectile)
    said += _warnings(wanted.product, held, ways, energy_MeV, extrapolate, irradiated, burn_up)
    return Irradiation(
        str(wanted), wanted.product, eob, eob.at(cool_s), float(saturation), float(np.hypot(u_xs, u_stop)), float(mean_A * (energy_MeV - exit_MeV) * 1e6 / charge),
        float(energy_MeV), float(exit_MeV), float(current_A), float(time_s), float(cool_s), float(duty), irradiated.name,
        float(irradiated.atoms_of(ways[0].reaction.mass_number) / irradiated.atoms_of(None)), areal,
        None if irradiated.density_g_cm3 is None else 10.0 * areal / irradiated.density_g_cm3,
        float(range_units_per_cm2(energy_MeV, irradiated.atoms, wanted.projectile)) * irradiated.unit_g,
        MappingProxyType(rate), float(reacted), density, burn_up,
        MappingProxyType({
            "cross_section": u_xs, "stopping": u_stop,
            "comprises": "cross sections, fully correlated over energy within an evaluation, and stopping power; k = 1",
            "leaves_out": "current, energy and isotopic composition as given, losses of gas or heat, chemistry",
        }),
        tuple(said), MappingProxyType(provenance(held)),
    )  # fmt: skip


def purity(inventory: Inventory, product: str, times_s: Sequence[float]) -> np.ndarray:
    """Share of the product in all activity at times after the inventory; its own progeny is not counted as impurity.

    Returns
    -------
    ndarray, shape of `times_s`

    Raises
    ------
    BadInput
        A negative time.

    >>> made = irradiate("Zn-68(p,n)Ga-68", 20.0, 3.4, 1e-6, 3600.0)
    >>> [round(float(p), 2) for p in purity(made.eob, "Ga-68", [0.0, 3 * 3600.0])]
    [0.99, 0.93]
    """
    own = {m.nuclide.name for m in chain(product)} - {product}
    out = []
    for t in times_s:
        a = inventory.at(t).activity_Bq
        total = sum(v for n, v in a.items() if n not in own)
        out.append(a.get(product, 0.0) / total if total > 0 else 0.0)
    return np.array(out)


def provenance(held: Sequence[Excitation]) -> dict[str, object]:
    """Cross sections by their source, and the tables used by hash."""
    return {"cross_sections": {str(x.reaction): x.source for x in held}, "tables": {n: table(n).sha256 for n in _TABLES}}


def _notes(x: Excitation, column: str) -> list:
    """A column of what stands beside the table's cross sections; nothing for those of a user."""
    if " sha256 " in x.source:
        return []
    rows = table("production_reactions").where("reaction", str(x.reaction))
    return list(rows[column])


def _warnings(product: str, held: Sequence[Excitation], ways: Sequence[Excitation], energy_MeV: float, extrapolate: bool, irradiated: Target, burn_up: float | None) -> list[str]:
    said = []
    for x in ways:
        for above, note in zip(_notes(x, "warn_above_MeV"), _notes(x, "note")):
            if note and (np.isnan(above) or energy_MeV > above):
                said.append(str(note))
        if np.isnan(x.u_xs_mb).any():
            said.append(f"{x.reaction}: its source ({x.source}) gives no uncertainty; {UNSTATED:.0%} is assumed.")
        if extrapolate and energy_MeV > x.energy_MeV[-1]:
            said.append(f"{x.reaction}: extrapolated above {x.energy_MeV[-1]:g} MeV with the last cross section.")
    said += [f"{x.reaction}: counted up to {x.energy_MeV[-1]:g} MeV, where its data end." for x in held if x not in ways and energy_MeV > x.energy_MeV[-1]]
    reacting = {x.reaction.mass_number for x in held}
    others = [f"{irradiated.element}-{a}" for a, f in irradiated.isotopes.items() if f > 0 and a and a not in reacting and None not in reacting]
    elsewhere = f", among them all of {', '.join(others)}," if others else ""
    said.append(f"Purity is an upper limit: by-products that are not in the tables{elsewhere} are not counted.")
    active = [n for n in (f"{irradiated.element}-{a}" for a in irradiated.isotopes) if n in names()]
    said += [f"The activity of the target itself ({n}) and of its progeny is not in the inventories." for n in active]
    if burn_up is not None and burn_up > 0.01:
        said.append(f"{burn_up:.1%} of the target nuclei in the beam are used up.")
    return said


def checked_beam(current_A: float, time_s: float, cool_s: float, duty: float, beam_area_cm2: float | None = None) -> None:
    """Refuse a current, times, a duty or an area that cannot be.

    Raises
    ------
    BadInput
        One of them is negative, zero where that has no meaning, not finite, or a duty above 1.
    """
    for what, value, unit in (("current", current_A, "A"), ("time", time_s, "s")):
        if not (np.isfinite(value) and value > 0):
            raise BadInput(f"{what}: got {value!r} {unit}; give a value above zero.")
    if not (np.isfinite(cool_s) and cool_s >= 0):
        raise BadInput(f"cooling: got {cool_s!r} s; give zero or a positive time.")
    if not (np.isfinite(duty) and 0 < duty <= 1):
        raise BadInput(f"duty: got {duty!r}; give the share of the time with beam, above 0 and up to 1.")
    if beam_area_cm2 is not None and not (np.isfinite(beam_area_cm2) and beam_area_cm2 > 0):
        raise BadInput(f"beam area: got {beam_area_cm2!r} cm2; give a value above zero.")
