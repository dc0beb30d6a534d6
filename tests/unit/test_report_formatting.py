"""Numbers as text: the digits that the uncertainty supports, and no others."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.report.formatting import NONE, percent, rounded, significant, unit_for, volume_percent, when

_VALUE = st.floats(min_value=1e-9, max_value=1e12)
_SUPERSCRIPT = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def _back(text: str) -> float:
    number, _, power = text.replace("\u202f", "").replace("−", "-").partition("×10")
    return float(number) * 10.0 ** int(power.translate(_SUPERSCRIPT) or 0)


@pytest.mark.parametrize(("value", "u", "text"), [
    # JCGM 100:2008, 7.2.2 (100.021 47 g with 0.35 mg) and 7.2.6 (10.057 62 ohm with 27 milliohm)
    (100.02147, 0.00035, ("100.02147", "0.00035")), (10.05762, 0.027, ("10.058", "0.027")),
    (18.2764, 1.3811, ("18.3", "1.4")), (0.9996, 0.0996, ("1.00", "0.10")), (99.97, 9.97, ("100", "10")), (5.0, 0.0, ("5.00", "")),
    (-3.4567, 0.12, ("−3.46", "0.12")), (123456.0, 7890.0, ("123\u202f500", "7900")), (0.0, 0.5, ("0.00", "0.50")), (2.0, 40.0, ("2", "40")),
])  # fmt: skip
def test_rounding_by_the_uncertainty(value: float, u: float, text: tuple[str, str]) -> None:
    """Values from the GUM and the awkward cases: carries, zero, negative, larger uncertainty than value."""
    assert rounded(value, u) == text


@given(_VALUE, st.floats(min_value=1e-4, max_value=3.0))
def test_rounding_keeps_the_number(value: float, relative: float) -> None:
    """Text read back is within half a unit of the uncertainty's second digit."""
    u = value * relative
    text, text_u = rounded(value, u)
    step = 10.0 ** (math.floor(math.log10(u)) - 1)
    assert abs(_back(text_u) - u) <= 0.51 * step
    assert abs(_back(text) - value) <= 5.1 * step  # a carry (9.96 to 10) moves the last digit by one place


@given(_VALUE, st.integers(min_value=2, max_value=5))
def test_significant_digits_keep_the_number(value: float, digits: int) -> None:
    """Within half a unit of the last digit, and never more digits than asked for before the decimal point."""
    assert _back(significant(value, digits)) == pytest.approx(value, rel=0.51 * 10.0 ** (1 - digits))


def test_what_is_missing_is_a_dash() -> None:
    """None, NaN, infinities and booleans are no numbers; numpy's are."""
    for nothing in (None, math.nan, math.inf, True):
        assert significant(nothing) == rounded(nothing, 1.0)[0] == percent(nothing) == volume_percent(nothing) == NONE
    assert significant(np.float32(0.5)) == "0.500"
    assert rounded(1.0, math.nan) == ("1.00", "")


@given(st.floats(min_value=1e-3, max_value=1e15, exclude_max=True))
def test_the_unit_of_a_column_suits_its_largest_value(top: float) -> None:
    """At most six digits before the point below 1 PBq."""
    name, size = unit_for([top, None, 0.0])
    assert {"Bq": 1.0, "kBq": 1e3, "MBq": 1e6, "GBq": 1e9}[name] == size
    assert top / size < 1e6 and (size == 1.0 or top / size >= 10.0)


def test_dates() -> None:
    """What is not a date stays as it is."""
    assert when("2024-02-30") == "2024-02-30" and when("2024-03-05T10:15:00.5") == "2024-03-05 10:15"
