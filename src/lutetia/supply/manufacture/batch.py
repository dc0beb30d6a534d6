"""One batch: from a starting activity to a vial, doses with their volumes, expiry, and a ledger of every becquerel.

Times are seconds after the start of the synthesis. Synthesis, then filling, then quality control; samples are drawn and
doses filled at the end of filling, each dose with the volume that holds its activity at its injection.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ...agents import Vial, vial
from ...core import BadInput
from ...nuclides import nuclide
from .process import Process
from .radiolysis import purity_after, purity_expiry_s, solution_dose_Gy


@dataclass(frozen=True, slots=True)
class Item:
    """A test of quality control.

    `loss_fraction` is the share of the filled activity its sample takes; `wait_s` how long after the end of synthesis a
    reading is valid at the earliest; tests on one `instrument` follow one another, those without have their own.
    """

    name: str
    duration_s: float
    before_release: bool = True
    loss_fraction: float = 0.0
    wait_s: float = 0.0
    instrument: str | None = None


@dataclass(frozen=True, slots=True)
class Dose:
    """An activity wanted at a time, and by which share it may fall short or exceed."""

    name: str
    activity_Bq: float
    at_s: float
    tolerance: float = 0.1


@dataclass(frozen=True, slots=True)
class Product:
    """The solution at the end of synthesis.

    Attributes
    ----------
    volume_mL : float
    purity : float
        Radiochemical purity.
    ligand_nmol : float or None
        All ligand in it; None: not known, and no vial is made.
    loss_per_Gy : float or None
        Constant of radiolysis (`purity_after`); None: not known.
    impurity, impurity_fraction : str and float, or None
        A nuclide beside the product's, and its activity per that of the product's nuclide.
    """

    volume_mL: float
    purity: float = 1.0
    ligand_nmol: float | None = None
    loss_per_Gy: float | None = None
    impurity: str | None = None
    impurity_fraction: float | None = None


@dataclass(frozen=True, slots=True)
class Limits:
    """What must hold up to the injection; None: no limit. Concentrations are at release, volumes of a dose."""

    purity_min: float | None = None
    impurity_max: float | None = None
    concentration_min_Bq_mL: float | None = None
    concentration_max_Bq_mL: float | None = None
    volume_min_mL: float | None = None
    volume_max_mL: float | None = None


@dataclass(frozen=True, slots=True)
class Filled:
    """A dose as it is filled: `share` is its activity over what was wanted; `purity` None: not known."""

    dose: Dose
    volume_mL: float
    activity_Bq: float
    share: float
    purity: float | None


@dataclass(frozen=True, slots=True)
class Batch:
    """What becomes of a batch.

    Attributes
    ----------
    start_Bq, release_Bq, u_release_Bq : float
        Activity at the start; in all vials at release, with its standard uncertainty from the spread of the yield.
    phases : tuple of (str, float, float)
        Name, begin, end: synthesis, filling, each test.
    release_s : float
    doses : tuple of Filled
    ledger_Bq : dict
        Activity at release by where it is (``doses``, ``stock``, ``chemistry``, ``residue``, ``samples``) and what has ``decayed``; together `start_Bq`.
    concentration_Bq_mL : float
        At release.
    stock_mL : float
    vial : Vial or None
        All that is released, as one vial; None without an amount of ligand.
    expiries_s : dict of str to float or None
        By ``shelf life``, ``purity``, ``impurity``, ``dose volume``, ``concentration``; None: not known, or no limit; infinite: never.
    purity_release : float or None
    impurity_release : float or None
    enough : float
        Probability that the released activity meets all doses within their tolerances, from the spread of the yield, if the batch does not fail.
    """

    start_Bq: float
    release_Bq: float
    u_release_Bq: float
    phases: tuple[tuple[str, float, float], ...]
    release_s: float
    doses: tuple[Filled, ...]
    ledger_Bq: dict[str, float]
    concentration_Bq_mL: float
    stock_mL: float
    vial: Vial | None
    expiries_s: dict[str, float | None]
    purity_release: float | None
    impurity_release: float | None
    enough: float

    @property
    def expiry(self) -> tuple[str, float] | None:
        """The expiry that comes first, with its reason; None if none is known."""
        known = [(v, k) for k, v in self.expiries_s.items() if v is not None and math.isfinite(v)]
        return (min(known)[1], min(known)[0]) if known else None


def phases(process: Process, items: Sequence[Item]) -> tuple[tuple[tuple[str, float, float], ...], float]:
    """Begin and end of each step, and the release: the end of the last test that comes before it.

    >>> from .process import process
    >>> steps, release_s = phases(process("18F-rhPSMA-7"), [Item("purity", 1200.0), Item("sterility", 14 * 86400.0, before_release=False)])
    >>> release_s / 60
    46.0
    """
    made, filled = process.synthesis_s, process.synthesis_s + process.filling_s
    out, free, release = [("synthesis", 0.0, made), ("filling", made, filled)], dict[str, float](), filled
    for item in items:
        begin = max(filled, made + item.wait_s, free.get(item.instrument, 0.0) if item.instrument else 0.0)
        end = begin + item.duration_s
        if item.instrument:
            free[item.instrument] = end
        out.append((item.name, begin, end))
        release = max(release, end) if item.before_release else release
    return tuple(out), release


def fill(process: Process, start_Bq: float, product: Product, doses: Sequence[Dose] = (), items: Sequence[Item] | None = None, limits: Limits = Limits()) -> Batch:
    """Run a batch that does not fail.

    Doses that the batch cannot meet together all fall short by the same share.

    Parameters
    ----------
    items : sequence of Item, optional
        Tests; without them one test with the duration and the samples of the process.

    Raises
    ------
    BadInput
        A value out of range; less ligand than the activity needs.

    89 GBq of 18F, 17.7 mL and 150 nmol (doi:10.1186/s41181-021-00120-5): 43.6 GBq and 291 GBq/umol are published at the
    end of synthesis.

    >>> from .process import process
    >>> b = fill(process("18F-rhPSMA-7"), 89e9, Product(17.7, ligand_nmol=150.0))
    >>> round(b.release_Bq / 1e9, 1), round(sum(b.ledger_Bq.values()) / 1e9, 6)
    (33.0, 89.0)
    """
    if not 0 < start_Bq < math.inf:
        raise BadInput(f"batch: the starting activity is {start_Bq!r} Bq; give a positive activity.")
    tests = _tests(process, items)
    _check(product)
    _check_doses(process, doses)
    rate = nuclide(process.nuclide).decay_constant_per_s
    made, filled = process.synthesis_s, process.synthesis_s + process.filling_s
    steps, release = phases(process, tests)
    loss = sum(t.loss_fraction for t in tests)
    # Step by step, each part brought to the time of release.
    late = math.exp(-rate * (release - filled))
    product_Bq = start_Bq * process.yield_fraction * math.exp(-rate * filled)
    concentration_filled = product_Bq / product.volume_mL
    after_residue = product_Bq * (1 - process.residue_fraction)
    available = after_residue * (1 - loss)
    wanted = [d.activity_Bq * math.exp(rate * (d.at_s - filled)) for d in doses]
    share = min(1.0, available / sum(wanted)) if wanted else 1.0
    in_doses = share * sum(wanted)
    ledger = {
        "doses": in_doses * late, "stock": max(available - in_doses, 0.0) * late, "chemistry": start_Bq * (1 - process.yield_fraction) * math.exp(-rate * release),
        "residue": product_Bq * process.residue_fraction * late, "samples": after_residue * loss * late, "decayed": start_Bq * -math.expm1(-rate * release),
    }  # fmt: skip
    made_concentration = start_Bq * process.yield_fraction * math.exp(-rate * made) / product.volume_mL

    def purity(at_s: float) -> float | None:
        if product.loss_per_Gy is None:
            return None
        return purity_after(product.purity, product.loss_per_Gy, solution_dose_Gy(process.nuclide, made_concentration, max(at_s - made, 0.0)))

    filled_doses = tuple(Filled(d, share * w / concentration_filled, share * d.activity_Bq, share, purity(d.at_s)) for d, w in zip(doses, wanted))
    released = available * late
    relative = process.u_yield / process.yield_fraction
    return Batch(
        start_Bq, released, released * relative, steps, release, filled_doses, ledger, concentration_filled * late,
        product.volume_mL * (1 - process.residue_fraction) * (1 - loss) * (1 - in_doses / available),
        _vial(process, product, released, release, loss, purity(release)),
        _expiries(process, product, limits, doses, concentration_filled, made_concentration),
        purity(release), _impurity(process, product, release),
        _enough(sum(w * (1 - d.tolerance) for d, w in zip(doses, wanted)) / available, relative),
    )  # fmt: skip


def start_for_doses_Bq(process: Process, doses: Sequence[Dose], items: Sequence[Item] | None = None, *, confidence: float | None = None) -> float:
    """Starting activity that gives the doses: the inverse of `fill`.

    Parameters
    ----------
    confidence : float, optional
        Ask for the doses less their tolerances with this probability over the spread of the yield, instead of all of them at the mean yield.

    Raises
    ------
    BadInput
        No doses; a yield so uncertain that no activity gives this confidence.

    >>> from .process import process
    >>> doses = [Dose("a", 370e6, 4 * 3600.0), Dose("b", 370e6, 5 * 3600.0)]
    >>> need = start_for_doses_Bq(process("18F-rhPSMA-7"), doses)
    >>> round(fill(process("18F-rhPSMA-7"), need, Product(17.7), doses).ledger_Bq["stock"], 3)
    0.0
    """
    if not doses:
        raise BadInput("batch: there are no doses to make an activity for; name doses, or a starting activity.")
    _check_doses(process, doses)
    tests = _tests(process, items)
    rate = nuclide(process.nuclide).decay_constant_per_s
    through = process.yield_fraction * (1 - process.residue_fraction) * (1 - sum(t.loss_fraction for t in tests))
    if confidence is None:
        return sum(d.activity_Bq * math.exp(rate * d.at_s) for d in doses) / through
    from scipy.stats import norm

    low = 1 - float(norm.ppf(confidence)) * process.u_yield / process.yield_fraction
    if not (0 < confidence < 1 and low > 0):
        raise BadInput(f"batch: the yield {process.yield_fraction:.3g} with a spread of {process.u_yield:.3g} cannot give the doses with a probability of {confidence!r}; ask for less.")
    return sum(d.activity_Bq * (1 - d.tolerance) * math.exp(rate * d.at_s) for d in doses) / (through * low)


def _tests(process: Process, items: Sequence[Item] | None) -> Sequence[Item]:
    tests = [Item("quality control", process.qc_s, loss_fraction=process.qc_loss_fraction)] if items is None else items
    for t in tests:
        if not (0 <= t.duration_s < math.inf and 0 <= t.loss_fraction < 1 and 0 <= t.wait_s < math.inf):
            raise BadInput(f"test {t.name!r}: {t.duration_s!r} s after {t.wait_s!r} s, with a sample of {t.loss_fraction!r}; give no negative time, and a share below 1.")
    if sum(t.loss_fraction for t in tests) >= 1:
        raise BadInput(f"tests: their samples are {sum(t.loss_fraction for t in tests):.3g} of the batch; let them leave something to release.")
    return tests


def _check(product: Product) -> None:
    if not (0 < product.volume_mL < math.inf and 0 < product.purity <= 1):
        raise BadInput(f"product: {product.volume_mL!r} mL with a purity of {product.purity!r}; give a positive volume, and a purity above 0 and up to 1.")
    if (product.impurity is None) != (product.impurity_fraction is None):
        raise BadInput("product: an impurity needs both its nuclide and its share; give both or neither.")


def _check_doses(process: Process, doses: Sequence[Dose]) -> None:
    half_life_s = nuclide(process.nuclide).half_life_s
    for d in doses:
        if math.isfinite(d.at_s) and abs(d.at_s) > 100 * half_life_s:
            raise BadInput(f"dose {d.name!r}: it is injected {d.at_s / half_life_s:.3g} half-lives of {process.nuclide} after the start; give a time of injection near the batch.")
        if not (0 < d.activity_Bq < math.inf and 0 <= d.tolerance < 1 and math.isfinite(d.at_s)):
            raise BadInput(f"dose {d.name!r}: {d.activity_Bq!r} Bq at {d.at_s!r} s within {d.tolerance!r}; give a positive activity, a time, and a tolerance below 1.")


def _vial(process: Process, product: Product, released_Bq: float, release_s: float, loss: float, purity: float | None) -> Vial | None:
    """What is released as one vial, labelled at the end of synthesis: progeny and decayed ligand date from then."""
    if product.ligand_nmol is None:
        return None
    since = release_s - process.synthesis_s
    kept = (1 - process.residue_fraction) * (1 - loss)
    labelled_Bq = released_Bq * math.exp(nuclide(process.nuclide).decay_constant_per_s * since)
    made = vial(
        process.nuclide, labelled_Bq, product.ligand_nmol * kept, radiochemical_purity=product.purity if purity is None else purity, volume_mL=product.volume_mL * kept,
    )  # fmt: skip
    return made.at(since)


def _impurity(process: Process, product: Product, at_s: float) -> float | None:
    """Activity of the impurity over that of the nuclide, which falls away beneath a longer-lived one."""
    if product.impurity is None or product.impurity_fraction is None:
        return None
    rates = nuclide(process.nuclide).decay_constant_per_s - nuclide(product.impurity).decay_constant_per_s
    return product.impurity_fraction * math.exp(rates * (at_s - process.synthesis_s))


def _expiries(process: Process, product: Product, limits: Limits, doses: Sequence[Dose], filled_Bq_mL: float, made_Bq_mL: float) -> dict[str, float | None]:
    rate = nuclide(process.nuclide).decay_constant_per_s
    made, filled = process.synthesis_s, process.synthesis_s + process.filling_s
    out: dict[str, float | None] = dict.fromkeys(("purity", "impurity", "dose volume", "concentration"))
    if limits.purity_min is not None and product.loss_per_Gy is not None:
        out["purity"] = made + purity_expiry_s(process.nuclide, made_Bq_mL, product.purity, limits.purity_min, product.loss_per_Gy)
    if limits.impurity_max is not None and product.impurity is not None and product.impurity_fraction is not None:
        growth = rate - nuclide(product.impurity).decay_constant_per_s
        if product.impurity_fraction > limits.impurity_max:  # too much at the start: only a shorter-lived impurity could fall below, and waiting is no expiry
            out["impurity"] = made
        elif growth > 0 and product.impurity_fraction > 0:
            out["impurity"] = made + math.log(limits.impurity_max / product.impurity_fraction) / growth
        else:
            out["impurity"] = math.inf
    if limits.volume_max_mL is not None and doses:
        out["dose volume"] = filled + math.log(filled_Bq_mL * limits.volume_max_mL / max(d.activity_Bq for d in doses)) / rate
    if limits.concentration_min_Bq_mL is not None:
        out["concentration"] = filled + math.log(filled_Bq_mL / limits.concentration_min_Bq_mL) / rate
    return {"shelf life": made + process.shelf_life_s, **out}


def _enough(needed: float, relative: float) -> float:
    """Probability that a yield, normal with this relative spread, is at least `needed` of its mean."""
    if relative == 0:
        return 1.0 if needed <= 1 else 0.0
    return 0.5 * math.erfc((needed - 1) / relative / math.sqrt(2))
