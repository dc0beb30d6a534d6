"""Maps with coasts only, no borders."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..supply.geography import coastlines
from .style import MUTED, RULE


def coast_map(points: list[dict[str, Any]], *, least_degrees: float = 2.0) -> tuple[Any, Any, Any]:
    """A figure with coasts around the points; longitudes are counted from their middle, so that a nation may lie across 180 degrees."""
    from matplotlib.figure import Figure

    lon, lat = np.array([p["longitude"] for p in points]), np.array([p["latitude"] for p in points])
    middle = np.degrees(np.angle(np.exp(1j * np.radians(lon)).mean()))

    def x_of(degrees: Any) -> Any:
        return (np.asarray(degrees, float) - middle + 180.0) % 360.0 - 180.0

    x = x_of(lon)
    wide, high = max(np.ptp(x), least_degrees), max(np.ptp(lat), least_degrees)
    west, east, south, north = x.min() - 0.08 * wide, x.max() + 0.08 * wide, lat.min() - 0.08 * high, lat.max() + 0.08 * high
    narrow = np.cos(np.radians(np.clip((south + north) / 2, -80, 80)))
    coast_lon, coast_lat = coastlines()
    cx, cy = x_of(coast_lon), np.array(coast_lat, float)
    cx[1:][np.abs(np.diff(cx)) > 180] = np.nan
    keep = (cx > west - 5) & (cx < east + 5) & (cy > south - 5) & (cy < north + 5)
    cx[~keep] = np.nan
    gaps = np.isnan(cx)
    several = ~(gaps & np.roll(gaps, 1))  # one gap is enough between lines
    tall = float(np.clip(6.2 * (north - south) / ((east - west) * narrow), 2.0, 7.5))
    fig = Figure(figsize=(7.4, tall), layout="constrained")
    ax = fig.add_subplot()
    ax.plot(cx[several], cy[several], color=MUTED, lw=0.6, zorder=1)
    ax.set_xlim(west, east)
    ax.set_ylim(max(south, -90), min(north, 90))
    ax.set_aspect(1 / narrow)
    ax.set_xticks([])
    ax.set_yticks([])
    for side in ax.spines.values():
        side.set_visible(True)
        side.set_color(RULE)
    return fig, ax, x_of


def mark(ax: Any, at: tuple[float, float], marker: str, color: str, number: str) -> None:
    ax.plot(*at, marker, ms=8, color=color, mec="white", mew=0.7, zorder=4)
    if number:
        ax.annotate(number, at, ha="center", va="center_baseline", fontsize=5.5, color="white", zorder=5)
