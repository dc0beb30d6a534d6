"""Write the table of coastlines: Natural Earth land 1:50m as polylines, coasts only, no borders.

    npm pack world-atlas@2.0.2 && tar xzf world-atlas-2.0.2.tgz
    python scripts/coastlines.py package/land-50m.json

The file is TopoJSON: its arcs are differences of integers, scaled and shifted to degrees. Each arc of land that meets
only sea is a coast; so every arc is kept, once, and separated from the next by NaN.
"""

from __future__ import annotations

import hashlib
import io
import json
import sys
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parents[1] / "src" / "lutetia" / "data" / "tables" / "coastlines"
#: Islands whose outline spans less than this many degrees are left out, and points nearer than the next are thinned.
SMALLEST_DEG, SPACING_DEG = 0.15, 0.04


def main(path: Path) -> None:
    raw = json.loads(path.read_text("utf-8"))
    scale, shift = np.array(raw["transform"]["scale"]), np.array(raw["transform"]["translate"])
    pieces = []
    for arc in raw["arcs"]:
        line = np.cumsum(np.array(arc, float), axis=0) * scale + shift
        for part in _without_frame(line):
            if np.ptp(part, axis=0).max() >= SMALLEST_DEG:
                pieces += [_thinned(part), np.full((1, 2), np.nan)]
    lon, lat = np.vstack(pieces[:-1]).T
    buffer = io.BytesIO()
    np.savez_compressed(buffer, lon_deg=np.round(lon, 2).astype(np.float32), lat_deg=np.round(lat, 2).astype(np.float32))
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "table.npz").write_bytes(buffer.getvalue())
    record = {
        "title": "Coastlines of the world for maps, 1:50 million",
        "source": "Natural Earth 4.1.0, land polygons 1:50m (https://www.naturalearthdata.com), by way of the npm package world-atlas 2.0.2 (land-50m.json).",
        "licence": "public domain (Natural Earth); ISC (world-atlas)",
        "note": "Coasts only, no borders. NaN parts one line from the next. Islands smaller than 0.15 degrees are left out, points thinned to 0.04 degrees.",
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
    }
    lines = [f'{k} = "{v}"' for k, v in record.items()] + ["", "[units]", 'lon_deg = "degree east"', 'lat_deg = "degree north"']
    (FOLDER / "SOURCE.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{lon.size} points, {len(buffer.getvalue()) / 1024:.0f} kB")


def _without_frame(line: np.ndarray) -> list[np.ndarray]:
    """Parts of a line that do not run along the edge of the map (the antimeridian and the south pole)."""
    at_edge = (np.abs(line[:, 0]) > 179.99) | (line[:, 1] < -89.9)
    cut = at_edge[:-1] & at_edge[1:]
    parts, start = [], 0
    for n in np.flatnonzero(cut):
        parts.append(line[start : n + 1])
        start = n + 1
    parts.append(line[start:])
    return [p for p in parts if len(p) > 1]


def _thinned(line: np.ndarray) -> np.ndarray:
    """Every point at least `SPACING_DEG` along the way from the last one kept; both ends stay."""
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line, axis=0).T))])
    keep = np.concatenate([[True], np.diff(np.floor(along / SPACING_DEG)) > 0])
    keep[-1] = True
    return line[keep]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
