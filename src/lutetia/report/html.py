"""One self-contained HTML file for a result: no script, no address outside the file, prints on A4."""

from __future__ import annotations

import base64
import functools
from pathlib import Path
from typing import Any

from ..core import write_atomic
from .formatting import axis_unit, significant, volume_percent
from .planes import Oriented, ReportImages, cropped, oriented, places
from .style import DASHES, Style, region_styles
from .view import page


def write_report(path: Path, result: dict[str, Any], images: ReportImages | None) -> None:
    """Write the report of `result` to `path`, atomically.

    Parameters
    ----------
    path : Path
    result : dict
        Of schema ``lutetia-result/1``.
    images : ReportImages or None
        None where there are no images (region-table mode); the report then has no slices.

    Raises
    ------
    BadInput
        The images are not on one grid (from `ReportImages`).
    """
    styles = region_styles(result["regions"])
    context = page(result, styles) | {
        "fits": _fits(result, styles),
        "recovered": any(r["tac"].get("recovery_coefficient") for r in result["regions"]),
        "dvh": _dvh(result, styles),
        "slices": _slices(result, images, styles) if images is not None else None,
    }
    write_atomic(Path(path), template("report.html.j2").render(context))


def _fits(result: dict[str, Any], styles: dict[str, Style]) -> list[dict[str, Any]]:
    from .figures import fit_svg, wants_log

    regions = [r for r in result["regions"] if r["tac"].get("time_s")]
    log = wants_log(regions)
    return [
        {"region": r["region"], "color": styles[r["region"]].color, "model": r.get("model") or "",
         "image": inline(fit_svg(r, styles[r["region"]], axis_unit(r["tac"]["activity_Bq"]), log), "svg+xml")}
        for r in regions
    ]  # fmt: skip


def _dvh(result: dict[str, Any], styles: dict[str, Style]) -> dict[str, Any] | None:
    from .figures import dvh_svg

    regions = [r for r in result["regions"] if r.get("dvh") and len(r["dvh"]["curve"]["dose_Gy"])]
    if not regions:
        return None
    thresholds = list(dict.fromkeys(key for r in regions for key in r["dvh"].get("V") or {}))[:5]
    rows = [
        {"region": r["region"], "style": _legend(styles[r["region"]]),
         "cells": [significant(r["dvh"].get(k)) for k in ("mean_Gy", "D98_Gy", "D50_Gy", "D2_Gy", "min_Gy", "max_Gy")],
         "V": [volume_percent((r["dvh"].get("V") or {}).get(key)) for key in thresholds]}
        for r in regions
    ]  # fmt: skip
    image = inline(dvh_svg([(r["dvh"], styles[r["region"]]) for r in regions]), "svg+xml")
    return {"image": image, "rows": rows, "thresholds": thresholds}


def _slices(result: dict[str, Any], images: ReportImages, styles: dict[str, Style]) -> dict[str, Any] | None:
    import numpy as np

    from .figures import slices_png

    whole = oriented(images)
    view = cropped(whole, images.anatomy_kind)
    shown = places(view, result["regions"])
    if not shown:
        return None
    covered = np.logical_or.reduce(list(view.masks.values()))
    outside = float(np.max(np.nan_to_num(view.dose_Gy), where=~covered, initial=0.0))
    inside = float(np.max(np.nan_to_num(view.dose_Gy), where=covered, initial=0.0))
    return {
        "panels": [
            {"title": p.title, "region": p.region, "dose": significant(float(view.dose_Gy[p.voxel])), "legend": _cut_regions(view, p.voxel, styles),
             "image": inline(slices_png(view, images.anatomy_kind, p, styles), "png")}
            for p in shown
        ],
        "anatomy": "CT" if images.anatomy_kind == "CT" else "activity",
        "tilt": significant(whole.tilt_deg, 2) if whole.tilt_deg > 1.0 else None,
        "outside": significant(outside) if outside > inside else None,
    }  # fmt: skip


def _cut_regions(view: Oriented, voxel: tuple[int, int, int], styles: dict[str, Style]) -> list[dict[str, Any]]:
    s, p, _ = voxel
    return [{"region": n, "style": _legend(styles[n])} for n, m in view.masks.items() if n in styles and (m[s].any() or m[:, p].any())]


def _legend(style: Style) -> dict[str, str]:
    return {"color": style.color, "dash": DASHES[style.dash][1]}


def inline(data: bytes, kind: str) -> str:
    """An image as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode()}"


@functools.cache
def template(name: str) -> Any:
    """A page of the templates' folder."""
    import jinja2

    loader = jinja2.FileSystemLoader(Path(__file__).parent / "templates")
    env = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return env.get_template(name)
