"""One hierarchy of errors: each is a sentence that says what was given, what was wanted, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LutetiaError(Exception):
    """Base of every error lutetia raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 2


class BadInput(LutetiaError):
    """What was given cannot be used: wrong unit, missing slice, unknown name."""

    exit_code = 2


class CouldNot(LutetiaError):
    """The input was understood but the work could not be done."""

    exit_code = 1


def near_matches(given: str, options: Iterable[str], n: int = 3) -> str:
    """A clause naming the nearest options, or an empty string if none is near.

    >>> near_matches("kidny", ["kidney", "liver"])
    ' Did you mean kidney?'
    """
    by_lower = {o.lower(): o for o in options}
    found = difflib.get_close_matches(given.lower(), list(by_lower), n=n, cutoff=0.6)
    return f" Did you mean {' or '.join(by_lower[f] for f in found)}?" if found else ""
