"""Colours and line styles: those of Okabe and Ito, which readers with any colour vision can tell apart.

Okabe M, Ito K. Color universal design (2008), https://jfly.uni-koeln.de/color/. Yellow is left out: it is too
pale for a line on white.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"
GREY = "#8a929b"
INK, MUTED, RULE = "#1b2733", "#7b8794", "#e3e7eb"

_CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, "#000000")

#: Line patterns for matplotlib and, in pixels, for SVG.
DASHES: tuple[tuple[Any, str], ...] = (("-", "none"), ((0, (4.0, 1.8)), "6 3"), ((0, (1.2, 1.4)), "2 2"), ((0, (6.0, 1.5, 1.2, 1.5)), "8 2 2 2"))

RADIATION_COLORS = {"alpha": VERMILLION, "electron": BLUE, "photon": ORANGE}
BUDGET_COLORS = {"volume": BLUE, "recovery": SKY, "calibration": GREEN, "fit": ORANGE, "S": PURPLE}


@dataclass(frozen=True, slots=True)
class Style:
    """How a region is drawn: its colour and the index of its line pattern in `DASHES`."""

    color: str
    dash: int


def region_styles(regions: Sequence[dict[str, Any]]) -> dict[str, Style]:
    """A style for every region, by name: its own colour where it has one, else the next of the cycle.

    Where a colour comes again, the line pattern changes.

    >>> region_styles([{"region": "liver"}, {"region": "spleen", "color": "#0072b2"}])["spleen"]
    Style(color='#0072b2', dash=1)
    """
    seen: dict[str, int] = {}
    styles: dict[str, Style] = {}
    for n, region in enumerate(regions):
        given = region.get("color")
        color = given.lower() if isinstance(given, str) and re.fullmatch(r"#[0-9a-fA-F]{6}", given) else _CYCLE[n % len(_CYCLE)]
        styles[region["region"]] = Style(color, seen.get(color, 0) % len(DASHES))
        seen[color] = seen.get(color, 0) + 1
    return styles
