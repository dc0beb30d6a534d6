"""Quantities at the edge: text with a unit becomes a float in the unit the inside of lutetia uses.

Becquerel, gray, sievert, hertz and count are base dimensions of their own here, so that Gy + Sv or
MBq for kHz is an error and not a coincidence of SI.
"""

from __future__ import annotations

import functools
import math
import re
from typing import Any

from .errors import BadInput

_DEFINITIONS = """
second = [time] = s = sec
minute = 60 * second = min
hour = 60 * minute = h = hr
day = 24 * hour = d
week = 7 * day
year = 365.25 * day = a
meter = [length] = m = metre
gram = [mass] = g
mole = [substance] = mol
liter = 1e-3 * m ** 3 = L = l = litre
electron_volt = [energy] = eV
becquerel = [activity] = Bq
curie = 3.7e10 * becquerel = Ci
gray = [absorbed_dose] = Gy
sievert = [weighted_dose] = Sv
hertz = [frequency] = Hz
count = [count] = counts
cps = count / second
percent = 0.01 = %
ampere = [current] = A
kelvin = [temperature] = K
"""
_PREFIXES = "yocto- = 1e-24 = y-|femto- = 1e-15 = f-|pico- = 1e-12 = p-|nano- = 1e-9 = n-|micro- = 1e-6 = µ- = u-|milli- = 1e-3 = m-|centi- = 1e-2 = c-|deci- = 1e-1 = d-|kilo- = 1e3 = k-|mega- = 1e6 = M-|giga- = 1e9 = G-|tera- = 1e12 = T-"


# One plain number, then a unit that begins with no digit but for a rate's "1/": pint alone would read "7,4 GBq" as 74 GBq and "7 400 MBq" as 2800 MBq.
_NUMBER_WITH_UNIT = re.compile(r"\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*((?:1\s*/\s*)?[^\d\s.,+-][^,]*)?", re.ASCII)

_POWER = re.compile(r"(?<=[A-Za-z])([23])(?![0-9])")  # cm2 as it is written by hand, for cm**2


@functools.cache
def registry() -> Any:
    """The unit registry (built on first use; pint is not imported before)."""
    import pint

    ureg: Any = pint.UnitRegistry(None)
    for line in _PREFIXES.split("|"):
        ureg.define(line)
    for line in _DEFINITIONS.strip().splitlines():
        ureg.define(line)
    return ureg


def parse(text: object, unit: str, what: str = "value", *, positive: bool = False, within: tuple[str, str] | None = None) -> float:
    """Text such as ``"7.4 GBq"`` as a float in `unit`.

    Parameters
    ----------
    text : str
        A number with its unit.
    unit : str
        Unit wanted, e.g. ``"Bq"``.
    what : str
        Name used in the error sentence.
    positive : bool
        Refuse zero and negative values.
    within : (str, str), optional
        Least and greatest value that makes sense, as text with a unit: what lies beyond is a wrong unit or prefix.

    Raises
    ------
    BadInput
        A value beyond `within`, a bare number, a number with a decimal comma or blanks in it, an unknown unit, a unit of another kind, or a value
        that is not finite.

    >>> parse("7.4 GBq", "Bq"), parse("0.06 /h", "1/min"), parse("0.001 1/min", "1/min")
    (7400000000.0, 0.001, 0.001)
    >>> parse("2 Sv", "Gy", "dose limit")
    Traceback (most recent call last):
    ...
    lutetia.core.errors.BadInput: dose limit: got '2 Sv', whose unit is of another kind; give it in Gy or a multiple of it.
    """
    import pint

    if isinstance(text, bool) or not isinstance(text, str):
        raise BadInput(f"{what}: got {text!r} without a unit; write it as text with a unit, such as '1 {unit}'.")
    ureg = registry()
    try:
        q = _quantity(text)
    except Exception as error:  # pint raises many kinds on malformed text
        why = error if "not defined" in str(error) else "one number with a decimal point, then the unit, is wanted"
        raise BadInput(f"{what}: cannot read {text!r} as a number with a unit ({why}); write it like '1 {unit}'.") from None
    if q.dimensionless and not ureg.Unit(unit).dimensionless:
        raise BadInput(f"{what}: got {text!r} without a unit; write it as text with a unit, such as '1 {unit}'.")
    try:
        value = float(q.to(unit).magnitude)
    except pint.DimensionalityError:
        raise BadInput(f"{what}: got {text!r}, whose unit is of another kind; give it in {unit} or a multiple of it.") from None
    if not math.isfinite(value):
        raise BadInput(f"{what}: got {text!r}, which is not a finite number; give a finite value in {unit}.")
    if positive and value <= 0:
        raise BadInput(f"{what}: got {text!r}; give a value above zero.")
    if within is not None and not parse(within[0], unit) <= value <= parse(within[1], unit):
        raise BadInput(f"{what}: got {text!r}, which is not between {within[0]} and {within[1]}; check the unit and its prefix.")
    return value


def _quantity(text: str) -> Any:
    found = _NUMBER_WITH_UNIT.fullmatch(text.replace("μ", "µ"))
    if found is None:
        raise ValueError(text)
    unit = _POWER.sub(r"**\1", (found[2] or "").strip())
    return registry().Quantity(float(found[1]), f"1{unit}" if unit.startswith("/") else unit)


def is_kind(text: str, unit: str) -> bool:
    """Whether `text` carries a unit of the same kind as `unit`.

    >>> is_kind("9.5 cps/MBq", "count/s/Bq"), is_kind("4 h", "Bq")
    (True, False)
    """
    try:
        return bool(_quantity(text).check(registry().Unit(unit).dimensionality))
    except Exception:
        return False


_YEAR = 365.25 * 86400.0


def show(value: float, unit: str, digits: int = 4) -> str:
    """A value with its unit, prefixed so that the number is easy to read.

    >>> show(7.21e9, "Bq"), show(0.0, "Gy"), show(1.66e5, "s")
    ('7.21 GBq', '0 Gy', '46.11 h')
    """
    if unit == "s":
        # Days only from ten days on, years from two: in between, hours and days are what the field reads.
        for least, per, name in ((2 * _YEAR, _YEAR, "y"), (864000.0, 86400.0, "d"), (3600.0, 3600.0, "h"), (60.0, 60.0, "min"), (1.0, 1.0, "s")):
            if abs(value) >= least:
                return f"{value / per:.{digits}g} {name}"
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}"
    power = max(-5, min(4, math.floor(math.log10(abs(value)) / 3)))
    prefix = {-5: "f", -4: "p", -3: "n", -2: "µ", -1: "m", 0: "", 1: "k", 2: "M", 3: "G", 4: "T"}[power]
    return f"{value / 1000.0**power:.{digits}g} {prefix}{unit}"
