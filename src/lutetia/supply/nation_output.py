"""How many patients the annual output of a nuclide can treat: a chain of stated factors, each with its range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..core import BadInput, stream
from ..nuclides import nuclide


@dataclass(frozen=True, slots=True)
class Range:
    """A quantity known to lie in a range.

    Attributes
    ----------
    low, high : float
        Of a ``uniform`` law its ends, of a ``lognormal`` law its 5 and 95 % points; equal where the value is known.
    law : {"uniform", "lognormal"}

    Raises
    ------
    BadInput
        `low` above `high`, or a lognormal law with an end that is not above zero.
    """

    low: float
    high: float
    law: Literal["uniform", "lognormal"] = "uniform"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low <= self.high):
            raise BadInput(f"A range from {self.low:g} to {self.high:g} was given; give the lower end first.")
        if self.law == "lognormal" and self.low <= 0:
            raise BadInput(f"A lognormal range from {self.low:g} was given; its ends must be above zero.")

    @property
    def middle(self) -> float:
        """Middle of the ends, or their geometric mean (the median in both laws).

        >>> Range(4.0, 9.0).middle, Range(4.0, 9.0, "lognormal").middle
        (6.5, 6.0)
        """
        return math.sqrt(self.low * self.high) if self.law == "lognormal" else (self.low + self.high) / 2

    def draw(self, random: np.random.Generator, count: int) -> np.ndarray:
        """`count` independent values, shape (count,)."""
        if self.low == self.high:
            return np.full(count, self.low)
        if self.law == "uniform":
            return random.uniform(self.low, self.high, count)
        spread = math.log(self.high / self.low) / (2 * _Z95)
        return self.middle * np.exp(spread * random.standard_normal(count))


#: 95 % point of the standard normal law.
_Z95 = 1.6448536269514722


def known(value: float) -> Range:
    """A value without a range."""
    return Range(value, value)


@dataclass(frozen=True, slots=True)
class Output:
    """The chain from an annual output to patients.

    Attributes
    ----------
    annual_Bq : Range
        Activity made in a year, at the time that `decay_s` counts from.
    decay_s : Range
        From there to the injection.
    factors : mapping of str to Range
        Shares that are left after each step: chemistry, batches that fail, doses that nobody comes for.
    activity_Bq : Range
        Injected at a time.
    cycles : Range
        Injections of one patient.
    """

    name: str
    nuclide: str
    annual_Bq: Range
    decay_s: Range
    factors: Mapping[str, Range]
    activity_Bq: Range
    cycles: Range


@dataclass(frozen=True, slots=True)
class Treatable:
    """What an output can treat in a year.

    Attributes
    ----------
    doses, patients : float
        With every factor at its middle.
    doses_5_95, patients_5_95 : (float, float)
        5 and 95 % points over the draws.
    left_Bq : mapping of str to float
        Activity left after each step, in order, every factor at its middle; decay comes first.
    made_per_dose_Bq : float
        Activity made for one dose, middle.
    variance_share : mapping of str to float
        Share of each factor in the variance of the logarithm of patients; empty if nothing has a range.
    """

    doses: float
    doses_5_95: tuple[float, float]
    patients: float
    patients_5_95: tuple[float, float]
    left_Bq: Mapping[str, float]
    made_per_dose_Bq: float
    variance_share: Mapping[str, float]


def treatable(output: Output, *, draws: int = 10_000, seed: int = 1) -> Treatable:
    r"""Doses and patients a year from an annual output.

    .. math:: N = \frac{A\, e^{-\lambda t} \prod_i f_i}{a\, c}

    with the annual output :math:`A`, the time to injection :math:`t`, the shares left :math:`f_i`, the injected activity
    :math:`a` and the cycles :math:`c`. Doses are without :math:`c`. Factors are drawn independently of one another.

    Raises
    ------
    BadInput
        A share that is not in 0 to 1, an activity or number of cycles not above zero, a time below zero.

    370 TBq of Lu-177 a year, 5 days to the injection, 75 % left by the rest, 7.4 GBq at a time, six times:

    >>> x = treatable(Output("reactor", "Lu-177", known(370e12), known(5 * 86400), {"yield": known(0.75)}, known(7.4e9), known(6)))
    >>> round(x.doses), round(x.patients)
    (22263, 3711)
    """
    _check(output)
    rate = nuclide(output.nuclide).decay_constant_per_s
    random = stream(seed, "nation", output.name)
    middle = {"output": output.annual_Bq.middle, "decay": math.exp(-rate * output.decay_s.middle)} | {k: f.middle for k, f in output.factors.items()}
    drawn = {"output": output.annual_Bq.draw(random, draws), "decay": np.exp(-rate * output.decay_s.draw(random, draws))}
    drawn |= {k: f.draw(random, draws) for k, f in output.factors.items()}
    made = np.cumprod(list(middle.values()))
    activity, cycles = output.activity_Bq.draw(random, draws), output.cycles.draw(random, draws)
    doses = np.prod(list(drawn.values()), axis=0) / activity
    patients = doses / cycles
    middle_doses = float(made[-1]) / output.activity_Bq.middle
    # The logarithm of patients is a sum over independent factors, so their variances add.
    ranges = {"output": output.annual_Bq, "decay": output.decay_s, **output.factors, "injected activity": output.activity_Bq, "cycles": output.cycles}
    with np.errstate(divide="ignore", invalid="ignore"):
        variances = {k: float(np.var(np.log(v))) for k, v in (drawn | {"injected activity": activity, "cycles": cycles}).items() if ranges[k].low < ranges[k].high}
    total = sum(variances.values())
    return Treatable(
        middle_doses, _band(doses), middle_doses / output.cycles.middle, _band(patients), dict(zip(middle, made.tolist())),
        output.annual_Bq.middle / middle_doses if middle_doses > 0 else math.inf,
        {k: v / total for k, v in variances.items()} if 0 < total < math.inf else {},
    )  # fmt: skip


def _band(values: np.ndarray) -> tuple[float, float]:
    low, high = np.percentile(values, [5, 95])
    return float(low), float(high)


def _check(o: Output) -> None:
    for what, r in (("the annual output", o.annual_Bq), ("the injected activity", o.activity_Bq), ("the number of cycles", o.cycles)):
        if r.low <= 0:
            raise BadInput(f"{o.name}: {what} was given as {r.low:g}; a value above zero is wanted.")
    if o.decay_s.low < 0:
        raise BadInput(f"{o.name}: the time to injection was given as {o.decay_s.low:g} s; at least zero is wanted.")
    reserved = {"output", "decay", "injected activity", "cycles"} & set(o.factors)
    if reserved:
        raise BadInput(f"{o.name}: a factor may not be called {min(reserved)!r}; that step has its own key.")
    for name, f in o.factors.items():
        if f.low < 0 or f.high > 1:
            raise BadInput(f"{o.name}: the factor {name!r} goes from {f.low:g} to {f.high:g}; a share of 0 to 1 that is left is wanted.")
        if f.law == "lognormal" and f.high != f.low:
            raise BadInput(f"{o.name}: the factor {name!r} is lognormal and could pass 1; give a share a uniform range.")
