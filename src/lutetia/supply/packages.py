"""What the rules of transport make of a package: its type, its category and labels, and where it may travel.

Rules: IAEA SSR-6 (Rev. 1), 2018, and the regulations that follow it (49 CFR 173 to 177, ADR, ICAO Technical
Instructions). Each number stands in a table with what was read of it; those that were not re-read are named in the
result. The dose rates are estimates of `shielding`; the transport index of a shipment is measured.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core import BadInput, near_matches, show
from ..data import table
from ..nuclides import chain, equilibrium_chain, fission_note
from ..nuclides import nuclide as find
from .shielding import dose_rate_mSv_per_h

EDITION = "IAEA SSR-6 (Rev. 1), 2018; aircraft and vehicles: 49 CFR 175.700 and 177.842"
FORMS = ("liquid", "solid", "gas", "special")
#: Share of A2 (special form: A1) that an excepted package may hold: 49 CFR 173.425 (SSR-6 Table 4), read in Saha,
#: Physics and Radiobiology of Nuclear Medicine, p. 294; the rows of gas are those of no tritium; special form recalled.
_EXCEPTED_SHARE = {"liquid": 1e-4, "solid": 1e-3, "gas": 1e-3, "special": 1e-3}
_EXCEPTED_SURFACE_MSV_PER_H = 0.005
#: UN number and proper shipping name, for material that is not fissile.
_NAMES = {
    "excepted": ("UN2910", "RADIOACTIVE MATERIAL, EXCEPTED PACKAGE - LIMITED QUANTITY OF MATERIAL"),
    "A": ("UN2915", "RADIOACTIVE MATERIAL, TYPE A PACKAGE, non-special form, non fissile or fissile-excepted"),
    "A special": ("UN3332", "RADIOACTIVE MATERIAL, TYPE A PACKAGE, SPECIAL FORM, non fissile or fissile-excepted"),
    "B": ("UN2916", "RADIOACTIVE MATERIAL, TYPE B(U) PACKAGE, non fissile or fissile-excepted"),
}
_UNREAD_NAMES = {"UN2910": "full proper shipping name of UN2910, recalled, not re-read", "UN2915": "UN2915 and its proper shipping name, recalled, not re-read"}
_TEN_DAYS_S = 864000.0


@dataclass(frozen=True, slots=True)
class ActivityLimit:
    """A1 or A2 of a nuclide: `verified` if the value was read in `source`, `generic` if the table lacks the nuclide."""

    nuclide: str
    quantity: str
    value_Bq: float
    verified: bool
    generic: bool
    source: str


@dataclass(frozen=True, slots=True)
class ModeLimits:
    """Largest transport index of one package and of all packages in a vehicle or aircraft."""

    mode: str
    per_package: float
    in_sum: float
    verified: bool
    source: str
    note: str


@dataclass(frozen=True, slots=True)
class ModeCheck:
    """Whether a package may go by a mode; `most_packages` is None where the transport index sets no number."""

    mode: str
    allowed: bool
    reason: str
    per_package: float
    in_sum: float
    most_packages: int | None


@dataclass(frozen=True, slots=True)
class Package:
    """A package under the rules.

    Attributes
    ----------
    type : str
        ``"excepted"``, ``"A"`` or ``"B"``.
    a2_sum : float
        Sum of activity over A2 (special form: A1); a Type A package holds at most 1.
    largest_type_A_Bq : float
        Total activity of a Type A package with the nuclides in the same proportion.
    surface_mSv_per_h, one_metre_mSv_per_h : float
        Estimated dose rate at the surface and 1 m from it.
    surface_unscattered_mSv_per_h : float
        The part of photons that met nothing: a lower bound of the model.
    transport_index : float
        100 times the dose rate in mSv/h at 1 m from the surface, rounded up to a tenth; 0 for an excepted package.
    category : str
        ``"excepted"``, ``"I-WHITE"``, ``"II-YELLOW"``, ``"III-YELLOW"`` or the last under exclusive use.
    limits : tuple of ModeCheck
    activity_limits : tuple of ActivityLimit
    unverified, sources, warnings : tuple of str
    """

    type: str
    a2_sum: float
    largest_type_A_Bq: float
    surface_mSv_per_h: float
    surface_unscattered_mSv_per_h: float
    one_metre_mSv_per_h: float
    transport_index: float
    category: str
    exclusive_use: bool
    labels: tuple[str, ...]
    un_number: str
    proper_shipping_name: str
    limits: tuple[ModeCheck, ...]
    activity_limits: tuple[ActivityLimit, ...]
    unverified: tuple[str, ...]
    sources: tuple[str, ...]
    warnings: tuple[str, ...]
    edition: str = EDITION


def package(
    activity_Bq: Mapping[str, float], *, form: str = "liquid", shield: Sequence[tuple[str, float]] = (("lead", 1.0),), radius_cm: float = 15.0,
    one_metre_mSv_per_h: float | None = None,
) -> Package:
    """The package that holds these activities.

    Parameters
    ----------
    activity_Bq : mapping
        Nuclide to activity. Daughters in equilibrium belong to their parent and are not listed.
    form : str
        ``"liquid"``, ``"solid"``, ``"gas"`` or ``"special"``.
    shield : sequence of (str, float)
        Materials and thicknesses in cm, from the inside out.
    radius_cm : float
        From the source to the surface of the package.
    one_metre_mSv_per_h : float, optional
        Dose rate 1 m from the surface as it was measured, in place of the estimate.

    Raises
    ------
    BadInput
        No activity, an unknown form or shield, a shield that does not fit, or a surface above 10 mSv/h, which no
        category allows.

    A Type A package holds A2, 700 GBq of 177Lu (SSR-6, Table 2) and 6 GBq of 225Ac (49 CFR 173.435):

    >>> package({"Lu-177": 7.4e9}).largest_type_A_Bq / 1e9, package({"Ac-225": 4e8}).largest_type_A_Bq / 1e9
    (700.0, 6.0)
    """
    given = _checked(activity_Bq, form, shield, radius_cm)
    values = {name: activity_limit(name, special=form == "special") for name in given}
    a_sum = sum(a / values[n].value_Bq for n, a in given.items())
    layers = tuple((m, float(t)) for m, t in shield)

    def rate(distance_cm: float, scattered: bool = True) -> float:
        return sum(dose_rate_mSv_per_h(n, a, layers, distance_cm, with_buildup=scattered) for n, a in given.items())

    surface, at_metre = rate(radius_cm), rate(radius_cm + 100.0) if one_metre_mSv_per_h is None else one_metre_mSv_per_h
    excepted = a_sum <= _EXCEPTED_SHARE[form] * (1 + 1e-12) and surface <= _EXCEPTED_SURFACE_MSV_PER_H
    kind = "excepted" if excepted else "A" if a_sum <= 1 + 1e-12 else "B"
    index = 0.0 if excepted else transport_index(at_metre)
    label, exclusive = _category(index, surface, values)
    number, name = _NAMES["A special" if kind == "A" and form == "special" else kind]
    checks = tuple(_check(package_limits(m), kind, index, exclusive) for m in modes())
    category = "excepted" if excepted else label["category"]
    labels = _labels(kind, number, label["label"], checks)
    unread = [f"{v.quantity} of {n}: {v.value_Bq / 1e12:g} TBq, {v.source}" for n, v in values.items() if not v.verified]
    unread += [f"category {category}: {label['source']}"] * (label["verified"] == "no" and not excepted)
    unread += [_UNREAD_NAMES[number]] if number in _UNREAD_NAMES else []
    sources = dict.fromkeys([v.source for v in values.values()] + ([] if excepted else [label["source"]]) + [package_limits(m).source for m in modes()])
    return Package(
        kind, a_sum, sum(given.values()) / a_sum, surface, rate(radius_cm, False), at_metre, index, category, exclusive and not excepted, labels,
        number, name, checks, tuple(values.values()), tuple(unread), tuple(sources), tuple(_warnings(given, values, a_sum, kind, exclusive)),
    )  # fmt: skip


def transport_index(one_metre_mSv_per_h: float) -> float:
    """100 times the dose rate at 1 m from the surface, rounded up to a tenth; up to 0.05 it is 0 (SSR-6, para. 523).

    >>> [transport_index(x) for x in (0.0113, 0.0005, 0.00051, 0.02)]
    [1.2, 0.0, 0.1, 2.0]
    """
    exact = round(100.0 * one_metre_mSv_per_h, 9)
    return 0.0 if exact <= 0.05 else math.ceil(round(10.0 * exact, 7)) / 10.0


@functools.cache
def activity_limit(name: str, *, special: bool = False) -> ActivityLimit:
    """A2 of a nuclide, or A1 with `special`; the generic value of SSR-6, Table 3, where the table lacks it.

    >>> activity_limit("Ac-225").value_Bq, activity_limit("Ac-225").verified, activity_limit("Zr-89").generic
    (6000000000.0, True, True)
    """
    nuclide = find(name).name
    column, quantity = ("A1_TBq", "A1") if special else ("A2_TBq", "A2")
    t = table("transport_limits")
    rows = t.where("nuclide", nuclide)
    generic = not len(rows["nuclide"])
    if generic:
        members = [m.nuclide for m in equilibrium_chain(nuclide)]
        alpha = any(len(m.lines["alpha"].energy_MeV) for m in members)
        neutron = fission_note(m.name for m in members) is not None
        rows = t.where("nuclide", "generic neutron" if neutron else "generic alpha" if alpha else "generic beta or gamma")
    value = float(rows[column][0]) * 1e12
    return ActivityLimit(nuclide, quantity, value, str(rows["verified"][0]) == "yes", generic, f"{rows['nuclide'][0]}, {rows['source'][0]}" if generic else str(rows["source"][0]))


def modes() -> tuple[str, ...]:
    """The modes that `package_limits` knows.

    >>> modes()
    ('road', 'passenger-aircraft', 'cargo-aircraft')
    """
    return tuple(table("transport_conveyances")["mode"].tolist())


@functools.cache
def package_limits(mode: str) -> ModeLimits:
    """Limits of the transport index by mode.

    49 CFR 175.700(b): 3 per package and 50 in all on a passenger aircraft, 10 and 200 on a cargo aircraft:

    >>> [(package_limits(m).per_package, package_limits(m).in_sum) for m in ("passenger-aircraft", "cargo-aircraft")]
    [(3.0, 50.0), (10.0, 200.0)]

    Raises
    ------
    BadInput
        No such mode.
    """
    if mode not in modes():
        raise BadInput(f"There is no mode {mode!r}; give one of {', '.join(modes())}.{near_matches(mode, modes())}")
    r = table("transport_conveyances").where("mode", mode)
    return ModeLimits(mode, float(r["max_transport_index"][0]), float(r["max_sum"][0]), str(r["verified"][0]) == "yes", str(r["source"][0]), str(r["note"][0]))


def check_load(one: Package, mode: str, count: int = 1) -> float:
    """Sum of the transport index of `count` such packages.

    Raises
    ------
    BadInput
        The mode does not take such a package, or not so many; or the count is below 1.
    """
    if count < 1:
        raise BadInput(f"{count} packages were given; at least 1 is wanted.")
    package_limits(mode)
    check = next(c for c in one.limits if c.mode == mode)
    if not check.allowed:
        raise BadInput(f"This package may not go by {mode}: {check.reason}; use more shielding or less activity in a package, or another mode.")
    total = one.transport_index * count
    if check.most_packages is not None and count > check.most_packages:
        raise BadInput(f"{count} packages with a transport index of {one.transport_index:g} sum to {total:g}, above the {check.in_sum:g} of {mode}; at most {check.most_packages} may go together.")
    return total


def absorbent_mL(volume_mL: float, form: str, kind: str) -> float | None:
    """Liquid that the absorbent of a Type A package must take up, twice the contents; None if there is no such rule.

    SSR-6, para. 650 (recalled, not re-read), unless the package has two containments one within the other.

    >>> absorbent_mL(10.0, "liquid", "A")
    20.0
    """
    return 2.0 * volume_mL if form == "liquid" and kind == "A" else None


def _checked(activity_Bq: Mapping[str, float], form: str, shield: Sequence[tuple[str, float]], radius_cm: float) -> dict[str, float]:
    if form not in FORMS:
        raise BadInput(f"There is no form {form!r}; give one of {', '.join(FORMS)}.{near_matches(form, FORMS)}")
    if not (math.isfinite(radius_cm) and radius_cm > 0):
        raise BadInput(f"A package radius of {radius_cm:g} cm was given; a length above zero is wanted.")
    thickness = sum(t for _, t in shield)
    if thickness >= radius_cm:
        raise BadInput(f"The shield is {thickness:g} cm thick and the package {radius_cm:g} cm from its centre to its surface; the shield must fit inside.")
    given: dict[str, float] = {}
    for name, activity in activity_Bq.items():
        if not (math.isfinite(activity) and activity > 0):
            raise BadInput(f"{name} was given with {activity:g} Bq; a package holds an activity above zero.")
        given[find(name).name] = given.get(find(name).name, 0.0) + activity
    if not given:
        raise BadInput("No nuclide was given; give at least one with its activity.")
    return given


def _category(index: float, surface: float, values: Mapping[str, ActivityLimit]) -> tuple[dict[str, str], bool]:
    t = table("transport_categories")
    for n in range(len(t["category"])):
        if index <= t["max_transport_index"][n] and surface <= t["max_surface_mSv_per_h"][n]:
            return {k: str(t[k][n]) for k in ("category", "label", "verified", "source")}, str(t["exclusive_use"][n]) == "yes"
    raise BadInput(f"The dose rate at the surface is {surface:.3g} mSv/h with {', '.join(values)}; no package may exceed {t['max_surface_mSv_per_h'][-1]:g} mSv/h: use a thicker shield, a larger package or less activity.")


def _check(limit: ModeLimits, kind: str, index: float, exclusive: bool) -> ModeCheck:
    reason, allowed = "within the limits", True
    if kind != "excepted":
        if index > limit.per_package:
            allowed, reason = False, f"its transport index is {index:g}, above the {limit.per_package:g} of a package"
        elif exclusive:
            allowed, reason = False, "its surface is above 2 mSv/h, which needs exclusive use by road or a special arrangement by air"
    if not allowed and exclusive and limit.mode == "road":
        reason += "; under exclusive use it may go"
    most = None if not allowed or index == 0 else math.floor(limit.in_sum / index + 1e-9)
    return ModeCheck(limit.mode, allowed, reason, limit.per_package, limit.in_sum, most if allowed else 0)


def _labels(kind: str, number: str, label: str, checks: Sequence[ModeCheck]) -> tuple[str, ...]:
    if kind == "excepted":
        return (f"marking {number}; no category label",)
    by_air = {c.mode: c.allowed for c in checks}
    cargo_only = by_air["cargo-aircraft"] and not by_air["passenger-aircraft"]
    return (label, *(["CARGO AIRCRAFT ONLY, if it goes by air"] if cargo_only else []))


def _warnings(given: Mapping[str, float], values: Mapping[str, ActivityLimit], a_sum: float, kind: str, exclusive: bool) -> list[str]:
    out = []
    for name, activity in given.items():
        if values[name].generic:
            out.append(f"the table of limits lacks {name}: the generic value {values[name].value_Bq / 1e12:g} TBq of SSR-6, Table 3, was used")
        covered = {m.nuclide.name for m in equilibrium_chain(name)} - {name}
        out += [f"{o} belongs to the chain of {name} and is counted twice" for o in given if o in covered]
        parent = find(name)
        for m in chain(name)[1:]:
            if m.nuclide.half_life_s > min(_TEN_DAYS_S, parent.half_life_s) and m.nuclide.name not in given:
                most = activity * m.decays_per_parent * min(1.0, parent.half_life_s / m.nuclide.half_life_s)
                if most / activity_limit(m.nuclide.name).value_Bq > 0.01 * a_sum:
                    out.append(f"{m.nuclide.name} ({show(m.nuclide.half_life_s, 's')}) outlives 10 d or {name} and counts on its own: up to {show(most, 'Bq')} may grow in; give what is there")
    if kind == "B":
        out.append(f"the activity is {a_sum:.3g} times the limit of a Type A package: a Type B package needs a design approved by an authority")
    if exclusive:
        out.append("exclusive use: one consignor has the whole vehicle, and limits of the vehicle's own surface apply")
    out.append("dose rates are estimates for a point source without its vial and packaging; before a shipment they are measured")
    return out
