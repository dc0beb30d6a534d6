"""Numbers as a reader wants them: digits that the uncertainty supports, units chosen for the eye."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Real
from typing import Any

#: What stands where there is no value.
NONE = "–"
#: Narrow space that does not break: between thousands, and before %.
THIN = "\u202f"
HOUR_S = 3600.0
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def usable(value: float | None) -> bool:
    """Whether there is a finite number to show."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def rounded(value: float | None, u: float | None) -> tuple[str, str]:
    """A value and its standard uncertainty as text: two significant digits of `u`, the value to match.

    The rule is that of the GUM, 7.2.6 (JCGM 100:2008, doi:10.59161/JCGM100-2008E). Without a usable
    uncertainty the value has three significant digits and the second text is empty.

    >>> rounded(18.2764, 1.3811)
    ('18.3', '1.4')
    >>> rounded(5231.0, 412.0), rounded(0.0123, None), rounded(1.2e-6, 3e-7)
    (('5230', '410'), ('0.0123', ''), ('1.20×10⁻⁶', '0.30×10⁻⁶'))
    """
    if not usable(value):
        return NONE, ""
    if not usable(u) or u <= 0:
        return significant(value), ""
    size = max(abs(value), u)
    if size < 1e-3 or size >= 1e7:
        power = math.floor(math.log10(size))
        tail = f"×10{str(power).translate(_SUPERSCRIPT)}"
        decimals = _decimals(u / 10.0**power)
        return _fixed(value / 10.0**power, decimals) + tail, _fixed(u / 10.0**power, decimals) + tail
    decimals = _decimals(u)
    return _fixed(value, decimals), _fixed(u, decimals)


def plus_minus(value: float | None, u: float | None, unit: str) -> str:
    """Value, uncertainty and unit in one text.

    >>> plus_minus(18.2764, 1.3811, "Gy"), plus_minus(0.0, None, "Gy"), plus_minus(None, None, "Gy")
    ('18.3 ± 1.4 Gy', '0 Gy', '–')
    """
    text, text_u = rounded(value, u)
    if text == NONE:
        return NONE
    return f"{text} ± {text_u} {unit}" if text_u else f"{text} {unit}"


def significant(value: float | None, digits: int = 3) -> str:
    r"""A value with so many significant digits.

    >>> significant(0.012345), significant(70123.0), significant(0), significant(4.5e-7), significant(None)
    ('0.0123', '70\u202f100', '0', '4.50×10⁻⁷', '–')
    """
    if not usable(value):
        return NONE
    if value == 0:
        return "0"
    power = math.floor(math.log10(abs(value)))
    if power < -3 or power >= 7:
        mantissa = f"{value / 10.0**power:.{digits - 1}f}"
        if abs(float(mantissa)) >= 10:  # 9.999 was rounded up
            power, mantissa = power + 1, f"{value / 10.0 ** (power + 1):.{digits - 1}f}"
        return mantissa.replace("-", "−") + f"×10{str(power).translate(_SUPERSCRIPT)}"
    decimals = digits - 1 - power
    if abs(round(value, decimals)) >= 10.0 ** (power + 1):
        decimals -= 1
    return _fixed(value, decimals)


def span(middle: float, ends: Sequence[float]) -> str:
    """A median with its band.

    >>> span(0.769, [0.486, 1.3])
    '0.769 (0.486 to 1.30)'
    """
    return f"{significant(middle)} ({significant(ends[0])} to {significant(ends[1])})"


def band(r: Mapping[str, Any], key: str) -> str:
    """The median and band that a result has under `key` and ``key_5_95``, or a dash."""
    return NONE if r[key] is None else span(r[key], r[f"{key}_5_95"])


def percent(fraction: float | None, digits: int = 2) -> str:
    r"""A fraction as a percentage with its sign.

    >>> percent(0.0757), percent(0.0), percent(1.0), percent(0.00012)
    ('7.6\u202f%', '0\u202f%', '100\u202f%', '0.012\u202f%')
    """
    if not usable(fraction):
        return NONE
    value = 100.0 * fraction
    if abs(value) >= 10 ** (digits - 1):
        return f"{_fixed(value, 0 if abs(value) >= 9.95 else 1)}{THIN}%"
    return f"{significant(value, digits)}{THIN}%"


def volume_percent(fraction: float | None) -> str:
    r"""A fraction of a volume as a percentage, to 0.1 %.

    >>> volume_percent(0.9731), volume_percent(0.99999), volume_percent(2e-5), volume_percent(0.0), volume_percent(1.0)
    ('97.3\u202f%', '>99.9\u202f%', '<0.1\u202f%', '0\u202f%', '100\u202f%')
    """
    if not usable(fraction):
        return NONE
    if fraction in (0.0, 1.0):
        return f"{100 * fraction:.0f}{THIN}%"
    value = 100.0 * fraction
    return f"<0.1{THIN}%" if 0 < value < 0.05 else f">99.9{THIN}%" if 99.95 <= value < 100 else f"{value:.1f}{THIN}%"


def given(value: float | None) -> str:
    """A number that was given, with no digits added.

    >>> given(2.5), given(10.0), given(None)
    ('2.5', '10', '–')
    """
    return f"{value:.6g}" if usable(value) else NONE


def unit_for(values_Bq: Iterable[float | None], suffix: str = "Bq") -> tuple[str, float]:
    """One unit for a column of activities (or of Bq·h), and how many Bq it is.

    >>> unit_for([3e8, 2e6]), unit_for([0.0]), unit_for([4e12], "Bq·h")
    (('MBq', 1000000.0), ('MBq', 1000000.0), ('GBq·h', 1000000000.0))
    """
    top = max((abs(v) for v in values_Bq if usable(v)), default=0.0)
    for limit, prefix, size in ((1e4, "", 1.0), (1e6, "k", 1e3), (1e11, "M", 1e6)):
        if 0 < top < limit:
            return prefix + suffix, size
    return ("MBq" if top == 0 else "GBq") + suffix[2:], 1e6 if top == 0 else 1e9


def axis_unit(values_Bq: Iterable[float | None]) -> tuple[str, float]:
    """A unit for an axis, so that its labels have at most three digits before the point.

    >>> axis_unit([2.6e9, 1e6]), axis_unit([4e5]), axis_unit([0.0])
    (('GBq', 1000000000.0), ('kBq', 1000.0), ('Bq', 1.0))
    """
    top = max((abs(v) for v in values_Bq if usable(v)), default=0.0)
    return next((u for u in (("TBq", 1e12), ("GBq", 1e9), ("MBq", 1e6), ("kBq", 1e3)) if top >= u[1]), ("Bq", 1.0))


def when(text: str | None) -> str:
    """An ISO date and time for reading; text that is not one is left as it is.

    >>> when("2024-03-05T10:15:00+01:00"), when("2024-03-05T10:15:09"), when(None)
    ('2024-03-05 10:15 (+01:00)', '2024-03-05 10:15:09', '–')
    """
    if not text:
        return NONE
    try:
        t = dt.datetime.fromisoformat(text)
    except ValueError:
        return text
    zone = t.isoformat()[-6:] if t.tzinfo and t.microsecond == 0 else ""
    return t.strftime("%Y-%m-%d %H:%M:%S" if t.second else "%Y-%m-%d %H:%M") + (f" ({zone})" if zone else "")


def hours(seconds: float | None) -> str:
    """Seconds as hours.

    >>> hours(187200.0), hours(None)
    ('52.0', '–')
    """
    return significant(seconds / HOUR_S) if usable(seconds) else NONE


def _decimals(u: float) -> int:
    """Decimal places that leave two significant digits of `u`."""
    decimals = 1 - math.floor(math.log10(u))
    return decimals - 1 if round(u, decimals) >= 10.0 ** (2 - decimals) else decimals


def _fixed(value: float, decimals: int) -> str:
    text = f"{round(value, decimals):.{max(decimals, 0)}f}"
    if float(text) == 0:
        text = text.removeprefix("-")
    sign, whole, rest = _parts(text)
    if len(whole) > 4:
        whole = f"{int(whole):,}".replace(",", THIN)
    return sign + whole + rest


def _parts(text: str) -> tuple[str, str, str]:
    sign = "−" if text.startswith("-") else ""
    whole, dot, rest = text.lstrip("-").partition(".")
    return sign, whole, dot + rest
