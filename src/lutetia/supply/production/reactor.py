"""A target in a reactor: capture, decay and burn-up together, during irradiation and after it.

Atoms follow dN/dt = A N, A from decay constants and from effective cross section times flux (`capture`), solved with the matrix exponential.
Alpha decays and fission lead out of what is followed, but for the fission products asked for.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from scipy.linalg import expm
from scipy.optimize import minimize_scalar

from ...core import BadInput, near_matches, show
from ...nuclides import Inventory, names, nuclide
from .capture import Reaction, effective_b, isotope, natural_composition, with_own

AVOGADRO_PER_MOL = 6.02214076e23
_BARN_CM2 = 1e-24
#: Key of `Capture.atoms` for what left by alpha decay or fission.
ELSEWHERE = "elsewhere"


@dataclass(frozen=True, slots=True, eq=False)
class Capture:
    """What an irradiation leaves.

    Attributes
    ----------
    target, product : str
    eoi, after : Inventory
        At the end of irradiation; after cooling.
    atoms_eoi, atoms : mapping of str to float
        Atoms of every nuclide, stable ones too, at the end of irradiation and after cooling; ``elsewhere`` is what left by alpha decay or fission.
    specific_activity_Bq_per_kg : float or None
        Of the product after cooling, per mass of its element: with all of the target's element where product and target are one element, of the
        product's element alone where chemistry separates it at that time. None for fission, whose other isotopes are not followed.
    limit_Bq_per_kg : float
        Specific activity of the pure product.
    activity_per_gram_Bq : float
        Product after cooling per gram of the element that was loaded.
    impurities : mapping of str to float
        Other radioactive isotopes of the product's element after cooling, Bq.
    burn_up_target, burn_up_product : float
        Fraction of the target's atoms that reacted or decayed; fraction of the product's atoms made that a second neutron took.
    optimal_time_s, optimal_activity_Bq, time_to_95_percent_s : float
        Irradiation that gives most of the product at its end, what it gives, and the shortest that gives 95 % of it.
    u_relative : float
        Of the product's activity, k = 1, from the cross sections whose uncertainty is known (`comprises`).
    comprises, not_comprised : tuple of str
    westcott_g, effective_b : float
        Of the reaction that makes the product.
    reactions : tuple of Reaction
        Those that took part.
    warnings : tuple of str
    """

    target: str
    product: str
    eoi: Inventory
    after: Inventory
    atoms_eoi: Mapping[str, float]
    atoms: Mapping[str, float]
    specific_activity_Bq_per_kg: float | None
    limit_Bq_per_kg: float
    activity_per_gram_Bq: float
    impurities: Mapping[str, float]
    burn_up_target: float
    burn_up_product: float
    optimal_time_s: float
    optimal_activity_Bq: float
    time_to_95_percent_s: float
    u_relative: float
    comprises: tuple[str, ...]
    not_comprised: tuple[str, ...]
    westcott_g: float
    effective_b: float
    reactions: tuple[Reaction, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Network:
    """Names in the order of the matrices; `decay` and `react` (n, n) so that dN/dt = (decay + react) N; the last two rows count what left, and the product's captures."""

    order: tuple[str, ...]
    decay: np.ndarray
    react: np.ndarray

    def after(self, start: np.ndarray, time_s: float, *, beam: bool) -> np.ndarray:
        return np.maximum(expm((self.decay + self.react if beam else self.decay) * time_s) @ start, 0.0)


def specific_activity_limit_Bq_per_kg(name: str) -> float:
    """Specific activity of a nuclide without carrier, ln 2 / T x Avogadro / molar mass; the mass number stands for the molar mass (within 0.1 %).

    177Lu: 4110 GBq/mg (EndolucinBeta, summary of product characteristics).

    >>> round(specific_activity_limit_Bq_per_kg("Lu-177") / 1e15, -1)  # GBq/mg
    4110.0
    """
    return nuclide(name).decay_constant_per_s * AVOGADRO_PER_MOL / _kg_per_mol(nuclide(name).name)


def irradiate_neutrons(
    target: str, flux_per_cm2_s: float, time_s: float, *, mass_kg: float, enrichment: float | None = None, neutron_temperature_K: float = 293.6,
    epithermal_ratio: float = 0.0, cool_s: float = 0.0, product: str | None = None, own: Iterable[Reaction] = (),
) -> Capture:  # fmt: skip
    """Activities that a reactor makes in a target, with burn-up of target and product.

    Parameters
    ----------
    target : str
        The isotope that captures, such as ``"Yb-176"``.
    flux_per_cm2_s : float
        Conventional thermal flux: neutron density times 2200 m/s.
    time_s, cool_s : float
        Irradiation; cooling after it.
    mass_kg : float
        Mass of the element (not of an oxide).
    enrichment : float, optional
        Atom fraction of the target isotope in the element; the other isotopes keep their natural proportions. Without it, as in nature; of an element
        that is not in the table ``natural_isotopes``, the pure isotope.
    neutron_temperature_K, epithermal_ratio : float
        Of the Maxwellian; epithermal flux per unit lethargy over the conventional thermal flux.
    product : str, optional
        Without it, what the target is usually irradiated for.
    own : iterable of Reaction
        Cross sections in place of the table's, or beside them.

    Returns
    -------
    Capture

    Raises
    ------
    BadInput
        A target without a cross section, a product that does not arise, a value that makes no sense.

    Self-shielding and the depression of the flux by the target are not counted. One gram of Lu2O3 (0.88 g of Lu, 84.44 % 176Lu) in
    2.5e15 /cm2/s for 4 d was calculated to hold 0.11 TBq of 177mLu with 0.3 TBq per gram of Lu (doi 10.1016/j.apradiso.2019.108986):

    >>> c = irradiate_neutrons("Lu-176", 2.5e15, 4 * 86400.0, mass_kg=0.88e-3, enrichment=0.8444, product="Lu-177m")
    >>> round(c.eoi.activity_Bq["Lu-177m"] / 1e12, 2), round(c.specific_activity_Bq_per_kg / 1e15, 2)
    (0.13, 0.27)
    """
    known = with_own(own)
    target = _target(target, known)
    _check(flux_per_cm2_s, time_s, mass_kg, epithermal_ratio, cool_s, enrichment)
    start = _loaded(target, mass_kg, enrichment)
    product = _product(target, product, known)
    network = _build(start, product, known, flux_per_cm2_s, neutron_temperature_K, epithermal_ratio)
    if product not in network.order:
        radioactive = [n for n in network.order if n in names() and n not in start]
        raise BadInput(f"product: {product} does not arise from {target}; what does: {', '.join(radioactive)}.")
    if product in start:
        raise BadInput(f"product: {product} is an isotope that is loaded; name one that arises.")
    index = network.order.index(product)
    n0 = np.array([start.get(n, 0.0) for n in network.order] + [0.0, 0.0])
    eoi = network.after(n0, time_s, beam=True)
    after = network.after(eoi, cool_s, beam=False)
    rate = nuclide(product).decay_constant_per_s
    used = tuple(r for r in known if r.target in network.order)
    way = _way(target, product, used)
    specific, limit = _specific(network.order, after, product, rate, way), specific_activity_limit_Bq_per_kg(product)

    def activity(changed: Sequence[Reaction]) -> float:
        net = _build(start, product, changed, flux_per_cm2_s, neutron_temperature_K, epithermal_ratio)
        return float(rate * net.after(net.after(n0, time_s, beam=True), cool_s, beam=False)[index])

    u_relative, comprises, unknown = _uncertainty(used, activity)
    best_s, best, near_s = _optimum(network, n0, index)
    n_target = network.order.index(target)
    element = product.split("-")[0]
    made = {n: float(a * nuclide(n).decay_constant_per_s) for n, a in zip(network.order, after) if n in names()}
    sigma = effective_b(way, neutron_temperature_K, epithermal_ratio)
    return Capture(
        target, product, _inventory(network.order, eoi), _inventory(network.order, after), _atoms(network.order, eoi), _atoms(network.order, after), specific, limit,
        made[product] / (mass_kg * 1e3), MappingProxyType({n: a for n, a in made.items() if n.split("-")[0] == element and n != product and n not in start and a > 0}),
        1.0 - float(expm((network.decay + network.react) * time_s)[n_target, n_target]), _burnt(network, eoi, index, rate, n0, time_s), best_s, rate * best, near_s,
        u_relative, comprises, (*unknown, "flux", "neutron temperature", "self-shielding", "mass and enrichment"), effective_b(way, neutron_temperature_K, 0.0) / way.sigma0_b if way.sigma0_b else 1.0, sigma, used,
        _warnings(target, product, start, used, sigma, epithermal_ratio, way),
    )  # fmt: skip


def _check(flux: float, time_s: float, mass_kg: float, ratio: float, cool_s: float, enrichment: float | None) -> None:
    wrong = [
        f"{what} is {value!r}; give {wanted}"
        for what, value, least, most, wanted in (
            ("flux", flux, 1.0, 1e17, "1 to 1e17 neutrons per cm2 and s"), ("irradiation time", time_s, 1e-3, 3.2e9, "a time above zero, at most 100 years"),
            ("mass", mass_kg, 1e-15, 1e3, "a mass above zero, at most 1000 kg"), ("epithermal ratio", ratio, 0.0, 1.0, "0 to 1"), ("cooling time", cool_s, 0.0, 3.2e9, "zero or a time of at most 100 years"),
            ("enrichment", 1.0 if enrichment is None else enrichment, 1e-6, 1.0, "the atom fraction of the target isotope, above 0 and at most 1"),
        )
        if not least <= value <= most
    ]  # fmt: skip
    if wrong:
        raise BadInput(f"irradiation: {wrong[0]}.")


def _target(text: str, known: Sequence[Reaction]) -> str:
    name = isotope(text)
    held = sorted({r.target for r in known})
    if name not in held:
        raise BadInput(f"target: no cross section of {name} is held, only of {', '.join(held)}.{near_matches(name, held)} Your own can be given in a file.")
    return name


def _product(target: str, product: str | None, known: Sequence[Reaction]) -> str:
    if product is not None:
        return nuclide(product).name
    usual = [r.makes for r in known if r.target == target and r.makes]
    if usual:
        return usual[0]
    direct = [r.product for r in known if r.target == target]
    if direct[0] not in names():
        raise BadInput(f"product: {direct[0]}, which {target} makes, is stable or not in the library; name the nuclide that is wanted.")
    return direct[0]


def _loaded(target: str, mass_kg: float, enrichment: float | None) -> dict[str, float]:
    """Atoms of each isotope of the element that is loaded."""
    nature = natural_composition(target.split("-")[0])
    others = {n: f for n, f in nature.items() if n != target}
    x = nature.get(target, 1.0) if enrichment is None else enrichment
    if not others and x < 1 and target not in nature:
        raise BadInput(f"enrichment: what else {x:g} of {target} would hold is unknown, for the isotopes of its element in nature are not held; give the mass of {target} alone, with enrichment 1.")
    rest = 1.0 - x
    share = {target: x} | ({n: rest * f / sum(others.values()) for n, f in others.items()} if rest > 0 else {})
    atoms = mass_kg * AVOGADRO_PER_MOL / sum(f * _kg_per_mol(n) for n, f in share.items())
    return {n: f * atoms for n, f in share.items() if f > 0}


def _kg_per_mol(name: str) -> float:
    return float("".join(c for c in name.split("-")[1] if c.isdigit())) * 1e-3


def _build(start: Mapping[str, float], product: str, known: Sequence[Reaction], flux: float, temperature_K: float, ratio: float) -> _Network:
    order = list(start)
    for name in order:  # grows while it is read: what is reached is followed in turn
        reached = [r.product for r in known if r.target == name] + [d for d, _, mode in _decays(name) if "α" not in mode and mode != "SF"]
        order += [n for n in dict.fromkeys(reached) if n not in order]
    index = {n: i for i, n in enumerate(order)}
    n, away, taken = len(order) + 2, len(order), len(order) + 1
    decay, react = np.zeros((n, n)), np.zeros((n, n))
    for name in order:
        j, left = index[name], 1.0
        if name in names():
            rate = nuclide(name).decay_constant_per_s
            decay[j, j] -= rate
            for daughter, fraction, mode in _decays(name):
                if "α" not in mode and mode != "SF":
                    decay[index[daughter], j] += fraction * rate
                    left -= fraction
            decay[away, j] += max(left, 0.0) * rate
        own = [(r, effective_b(r, temperature_K, ratio) * _BARN_CM2 * flux) for r in known if r.target == name]
        captures = sum(k * min(r.atoms, 1.0) for r, k in own if r.kind == "capture")
        fissions = max((k for r, k in own if r.kind == "fission"), default=0.0)  # one event, many products
        for r, k in own:
            react[index[r.product], j] += k * r.atoms
        react[j, j] -= captures + fissions
        react[away, j] += fissions
        if name == product:
            react[taken, j] += captures + fissions
    return _Network(tuple(order), decay, react)


def _decays(name: str) -> tuple[tuple[str, float, str], ...]:
    return nuclide(name).daughters if name in names() else ()


def _way(target: str, product: str, used: Sequence[Reaction]) -> Reaction:
    """The reaction of the target by which the product arises: the direct one, or the first whose product decays to it."""
    own = [r for r in used if r.target == target]
    return next((r for r in own if r.product == product), next((r for r in own if r.makes == product), own[0]))


def _specific(order: Sequence[str], atoms: np.ndarray, product: str, rate: float, way: Reaction) -> float | None:
    if way.kind == "fission":
        return None
    element = product.split("-")[0]
    kg = sum(float(a) * _kg_per_mol(n) / AVOGADRO_PER_MOL for n, a in zip(order, atoms) if n.split("-")[0] == element)
    return float(rate * atoms[order.index(product)]) / kg if kg > 0 else None


def _burnt(network: _Network, eoi: np.ndarray, index: int, rate: float, n0: np.ndarray, time_s: float) -> float:
    """Captures in the product over its atoms made: those there, those decayed, those captured."""
    taken, per_atom = float(eoi[-1]), float(network.react[-1, index])
    if per_atom == 0:
        return 0.0
    decayed = taken / per_atom * rate
    made = float(eoi[index]) + decayed + taken - float(n0[index])
    return taken / made if made > 0 else 0.0


def _uncertainty(used: Sequence[Reaction], activity: Callable[[Sequence[Reaction]], float]) -> tuple[float, tuple[str, ...], tuple[str, ...]]:
    """Relative standard uncertainty of the product's activity: d ln A / d ln sigma of each reaction times its relative uncertainty, in quadrature."""
    total, comprises, unknown = 0.0, [], []
    for i, r in enumerate(used):
        if r.sigma0_b <= 0:
            continue
        step = 0.02
        up, down = (activity([*used[:i], _scaled(r, 1 + s), *used[i + 1 :]]) for s in (step, -step))
        slope = math.log(up / down) / math.log((1 + step) / (1 - step)) if up > 0 and down > 0 else 0.0
        if abs(slope) < 1e-4:
            continue
        what = f"cross section of {r.target} to {r.product}"
        if r.u_sigma0_b is None:
            unknown.append(f"{what} (its uncertainty is not known)")
        else:
            part = abs(slope) * r.u_sigma0_b / r.sigma0_b
            total += part**2
            comprises.append(f"{what}: {part:.2%}")
    return math.sqrt(total), tuple(comprises), tuple(unknown)


def _scaled(r: Reaction, by: float) -> Reaction:
    return replace(r, sigma0_b=r.sigma0_b * by, resonance_integral_b=None if r.resonance_integral_b is None else r.resonance_integral_b * by)


def _optimum(network: _Network, n0: np.ndarray, index: int) -> tuple[float, float, float]:
    """Time of the most product, its atoms, and the shortest time that gives 95 % of them: doubling steps, then a bounded search."""
    step, atoms, times, found = 60.0, [0.0], [0.0], n0
    power = expm((network.decay + network.react) * step)
    while times[-1] < 1e11:  # 3000 years; powers of one matrix cost a product each
        found = power @ n0
        times.append(step)
        atoms.append(float(found[index]))
        if len(atoms) > 4 and atoms[-1] < 0.5 * max(atoms):
            break
        power, step = power @ power, 2 * step

    def at(t: float) -> float:
        return float(network.after(n0, t, beam=True)[index])

    peak = int(np.argmax(atoms))
    low, high = times[max(peak - 1, 0)], times[min(peak + 1, len(times) - 1)]
    best = minimize_scalar(lambda t: -at(t), bounds=(low, high), method="bounded", options={"xatol": 1e-4 * high})
    lo, hi = 0.0, float(best.x)
    for _ in range(30):
        mid = (lo + hi) / 2
        lo, hi = (lo, mid) if at(mid) >= -0.95 * best.fun else (mid, hi)
    return float(best.x), float(-best.fun), hi


def _inventory(order: Sequence[str], atoms: np.ndarray) -> Inventory:
    return Inventory({n: float(a * nuclide(n).decay_constant_per_s) for n, a in zip(order, atoms) if n in names()})


def _atoms(order: Sequence[str], atoms: np.ndarray) -> Mapping[str, float]:
    return MappingProxyType({n: float(a) for n, a in zip(order, atoms)} | {ELSEWHERE: float(atoms[len(order)])})


def _warnings(target: str, product: str, start: Mapping[str, float], used: Sequence[Reaction], sigma_b: float, ratio: float, way: Reaction) -> tuple[str, ...]:
    said = [f"self-shielding is not counted: the target's atoms together stand in the way like {start[target] * sigma_b * _BARN_CM2:.2g} cm2 of black surface; where that is not far less than the surface of the target, less is made"]
    recalled = [f"{r.target} to {r.product}" for r in used if r.verified == "recalled"]
    if recalled:
        said.append(f"cross sections recalled and not re-read in their source: {', '.join(recalled)}")
    if ratio > 0 and (without := [f"{r.target} to {r.product}" for r in used if r.resonance_integral_b is None]):
        said.append(f"no resonance integral is known, so epithermal neutrons are not counted: {', '.join(without)}")
    silent = [n for n in start if n not in {r.target for r in used}]
    if silent:
        said.append(f"captures in these isotopes are not counted, for no cross section is held: {', '.join(silent)}; the specific activity may be lower and impurities may be missing")
    if way.kind == "fission":
        said.append("of fission only the products in the table are followed: the specific activity is unknown")
    if any("α" in mode for n in {product, target} for _, _, mode in _decays(n)):
        said.append("the progeny of alpha decays is not followed; it follows from the activities given here")
    if nuclide(product).half_life_s > 10 * 365.25 * 86400:
        said.append(f"{product} lives for {show(nuclide(product).half_life_s, 's')}: no irradiation comes near the optimum")
    return tuple(said)
