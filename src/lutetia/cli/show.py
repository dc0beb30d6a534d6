"""Printing: one JSON object, or tables for a person."""

from __future__ import annotations

import contextlib
import math
import sys
from collections.abc import Iterator
from typing import Any

import typer

from ..core import show, to_json


def visible(text: str) -> str:
    """Text with control characters written out, so that no name can draw on a terminal.

    >>> visible("kidney\\x1b[31m left")
    'kidney\\\\x1b[31m left'
    """
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def print_json(value: Any) -> None:
    """One JSON object on stdout and nothing else."""
    typer.echo(to_json(value))


def print_table(columns: list[str], rows: list[list[str]], title: str | None = None) -> None:
    """A table; the first column is left-aligned, the others right."""
    from rich.console import Console
    from rich.table import Table

    if title:
        typer.echo(title)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for n, c in enumerate(columns):
        table.add_column(c, justify="left" if n == 0 else "right", no_wrap=True)
    for r in rows:
        table.add_row(*map(visible, r))
    width = None if sys.stdout.isatty() else 200
    Console(width=width, highlight=False, markup=False).print(table)


@contextlib.contextmanager
def working(text: str, quiet: bool) -> Iterator[None]:
    """A spinner on a terminal, on stderr; nothing elsewhere."""
    if quiet or not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def with_u(value: float, u: float, unit: str) -> str:
    """A value and its standard uncertainty to two significant digits of the latter.

    >>> with_u(4.368, 0.3712, "Gy")
    '4.37 ± 0.37 Gy'
    """
    if not u > 0:
        return show(value, unit)
    digits = max(0, 1 - math.floor(math.log10(u)))
    return f"{value:.{digits}f} ± {u:.{digits}f} {unit}"


def band(x: dict[str, Any], key: str, times: float = 1.0) -> str:
    """A value of a result, with the 5 to 95 % points that stand beside it, or nothing."""
    if x[key] is None:
        return ""
    ends = x.get(f"{key}_5_95")
    return f"{times * x[key]:.3g}" + (f" ({times * ends[0]:.3g} to {times * ends[1]:.3g})" if ends else "")
