"""Figures of a report: time-activity curves and dose-volume histograms as SVG, fused slices as PNG.

Each function returns the bytes of an image; the same input gives the same bytes. No text that a user wrote
goes into a figure: names stand in the page beside it.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..kinetics.curves import TimeIntegratedActivity
from .formatting import HOUR_S, usable
from .planes import Oriented, Place
from .style import DASHES, INK, MUTED, RULE, Style

_RC = {
    "font.family": "sans-serif", "font.sans-serif": ["DejaVu Sans"], "font.size": 8.0, "axes.labelsize": 8.0, "svg.fonttype": "none",
    "svg.hashsalt": "lutetia", "axes.edgecolor": MUTED, "axes.labelcolor": INK, "text.color": INK, "xtick.color": MUTED, "ytick.color": MUTED,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "axes.linewidth": 0.7, "xtick.major.width": 0.7, "ytick.major.width": 0.7,
    "axes.spines.top": False, "axes.spines.right": False, "axes.axisbelow": True, "grid.color": RULE, "grid.linewidth": 0.6,
    "text.parse_math": True, "axes.formatter.use_mathtext": False, "axes.unicode_minus": True, "text.usetex": False,
}  # fmt: skip


def fit_svg(region: dict[str, Any], style: Style, unit: tuple[str, float], log: bool) -> bytes:
    """Activity of a region against time: points with standard uncertainties, the fit, and its tail dashed.

    The fit is solid between the administration and the last scan and dashed beyond it. A trapezoid joins the
    points, from zero at the administration, and continues with the effective half-life of the result.

    Parameters
    ----------
    region : dict
        One region of a result.
    style : Style
    unit : (str, float)
        Unit of the axis and how many Bq it is.
    log : bool
        Logarithmic activity axis.
    """
    name, size = unit
    tac = region["tac"]
    t = np.asarray(tac["time_s"], float)
    a = np.asarray(tac["activity_Bq"], float) / size
    u = np.array([v if usable(v) else 0.0 for v in tac["u_activity_Bq"]], float) / size
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(3.35, 2.15))
        ax = fig.add_axes((0.165, 0.205, 0.815, 0.755))
        ax.yaxis.set_label_coords(-0.145, 0.5)
        for times, values, dashed in curve_parts(region, t, a * size):
            ax.plot(times / HOUR_S, values / size, color=INK, lw=1.2, ls=(0, (3.5, 2.0)) if dashed else "-", solid_capstyle="butt")
        lower = np.minimum(u, 0.98 * a) if log else u
        ax.errorbar(t / HOUR_S, a, yerr=np.vstack([lower, u]), fmt="o", ms=4.2, mfc=style.color, mec="white", mew=0.6, ecolor=style.color, elinewidth=1.1, capsize=2.2, zorder=3)
        ax.set_xlim(left=0.0)
        if log:
            ax.set_yscale("log")
            positive = a[a > 0]
            ax.set_ylim(bottom=_log_floor(ax, positive.min() if len(positive) else 1.0))
        else:
            ax.set_ylim(bottom=0.0)
        ax.grid(axis="y")
        ax.set_xlabel("Time after administration / h")
        ax.set_ylabel(f"Activity / {name}")
        _plain_ticks(ax.yaxis, log)
        return svg(fig)


def curve_parts(region: dict[str, Any], t_s: np.ndarray, a_Bq: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, bool]]:
    """The fitted curve as pieces (time in s, activity in Bq, dashed): up to the last point, and beyond it."""
    half_life = region.get("effective_half_life_s")
    last = float(t_s[-1]) if len(t_s) else 0.0
    tail = min(max(1.5 * half_life, 0.3 * last), 1.2 * last or 3.0 * half_life) if usable(half_life) and half_life > 0 else 0.5 * last
    beyond = np.linspace(last, last + tail, 80)
    fit = region.get("fit") or {}
    coefficients, rates = np.asarray(fit.get("coefficients_Bq") or [], float), np.asarray(fit.get("rates_per_s") or [], float)
    if len(coefficients) and len(coefficients) == len(rates):
        curve = _curve(coefficients, rates)
        early = np.linspace(0.0, last, 160)
        return [(early, curve.activity_Bq(early), False), (beyond, curve.activity_Bq(beyond), True)]
    parts = [(np.concatenate([[0.0], t_s]), np.concatenate([[0.0], a_Bq]), False)]
    if usable(half_life) and half_life > 0 and len(t_s):
        curve = _curve(a_Bq[-1:], np.array([np.log(2.0) / half_life]))
        parts.append((beyond, curve.activity_Bq(beyond - last), True))
    return parts


def wants_log(regions: Sequence[dict[str, Any]]) -> bool:
    """Whether the activities of any region span more than a factor of 30, so that all are drawn on a log axis."""
    for region in regions:
        positive = [v for v in region["tac"]["activity_Bq"] if usable(v) and v > 0]
        if positive and max(positive) > 30.0 * min(positive):
            return True
    return False


def dvh_svg(curves: Sequence[tuple[dict[str, Any], Style]]) -> bytes:
    """Cumulative dose-volume histograms: percent of volume that receives at least a dose.

    `curves` holds pairs of a result's ``dvh`` and the style of its line. Where some regions receive less than
    a third of the highest dose, a second panel shows the low doses enlarged.
    """
    tops = [_reached(dvh) for dvh, _ in curves]
    full = 1.03 * max(tops) or 1.0
    low = 1.05 * max((t for t in tops if t < full / 3.0), default=0.0)
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(7.4, 2.7))
        rects = ((0.068, 0.155, 0.92, 0.815),) if not low else ((0.068, 0.155, 0.43, 0.815), (0.556, 0.155, 0.43, 0.815))
        for rect, right in zip(rects, (low, full) if low else (full,)):
            ax = fig.add_axes(rect)
            for dvh, style in curves:
                ax.plot(dvh["curve"]["dose_Gy"], 100.0 * np.asarray(dvh["curve"]["volume_fraction"], float), color=style.color, ls=DASHES[style.dash][0], lw=1.5)
            ax.set_xlim(0.0, right)
            ax.set_ylim(0.0, 102.0)
            ax.grid()
            ax.set_xlabel("Absorbed dose / Gy" + (", low doses" if low and right == low else ""))
            ax.set_ylabel("Volume / %")
            ax.yaxis.set_label_coords(-0.056 * 0.92 / rect[2], 0.5)
            _plain_ticks(ax.xaxis, False)
        return svg(fig)


def _reached(dvh: dict[str, Any]) -> float:
    """The dose that 0.2 % of the volume still receive."""
    dose, volume = np.asarray(dvh["curve"]["dose_Gy"], float), np.asarray(dvh["curve"]["volume_fraction"], float)
    return float(np.max(dose[volume > 0.002], initial=0.0))


def slices_png(view: Oriented, kind: str, place: Place, styles: dict[str, Style]) -> bytes:
    """Axial and coronal slice through a voxel: anatomy in grey, dose in colour, outlines of the regions.

    Radiological convention: the patient's left is on the viewer's right, the head is up on the coronal slice
    and the front is up on the axial one.
    """
    s, p, l = place.voxel
    ds, dp, dl = view.spacing_mm
    planes = (
        (lambda a: a[s], (dl, dp), "upper", "RLAP", (l, p)),
        (lambda a: a[:, p], (dl, ds), "lower", "RLHF", (l, s)),
    )
    with drawing():
        from matplotlib.cm import ScalarMappable
        from matplotlib.colors import Normalize, PowerNorm
        from matplotlib.figure import Figure
        from matplotlib.patheffects import withStroke

        # The root brings out the body next to organs that hold a hundred times more.
        grey = Normalize(-160.0, 240.0, clip=True) if kind == "CT" else PowerNorm(0.5, 0.0, max(float(np.max(view.anatomy)), 1e-30), clip=True)
        shown = [np.nan_to_num(cut(view.dose_Gy)) for cut, *_ in planes]
        top = max(float(np.max(d)) for d in shown) or 1.0
        sizes = [(d.shape[1] * mm[0], d.shape[0] * mm[1]) for d, (_, mm, *_) in zip(shown, planes)]
        widths = [w / h for w, h in sizes]
        height = min(6.6 / sum(widths), 4.4)
        fig = Figure(figsize=(height * sum(widths) + 0.75, height), facecolor="white")
        full_w = fig.get_figwidth()
        x = 0.0
        for (cut, (dx, dy), origin, letters, (cx, cy)), dose, wide in zip(planes, shown, widths):
            ax = fig.add_axes((x / full_w, 0.0, (wide * height - 0.04) / full_w, 1.0))
            x += wide * height
            rows, columns = dose.shape
            extent = (0.0, columns * dx, rows * dy, 0.0) if origin == "upper" else (0.0, columns * dx, 0.0, rows * dy)
            ax.imshow(cut(view.anatomy), cmap="gray", norm=grey, extent=extent, origin=origin, interpolation="bilinear", aspect="auto")
            veil = 0.72 * np.clip((dose / top - 0.03) / 0.12, 0.0, 1.0)  # anatomy shows through where there is little dose
            ax.imshow(dose, cmap="inferno", vmin=0.0, vmax=top, alpha=veil, extent=extent, origin=origin, interpolation="bilinear", aspect="auto")
            halo = [withStroke(linewidth=2.3, foreground="white", alpha=0.75)]
            for name, mask in view.masks.items():
                cut_mask = cut(mask)
                if cut_mask.any() and name in styles:
                    xs, ys = (np.arange(-1, columns + 1) + 0.5) * dx, (np.arange(-1, rows + 1) + 0.5) * dy
                    lines = ax.contour(xs, ys, np.pad(cut_mask, 1).astype(float), levels=[0.5], colors=[styles[name].color], linewidths=1.4, linestyles=[DASHES[styles[name].dash][0]])
                    lines.set(path_effects=halo)
            ax.set_xlim(extent[0], extent[1])
            ax.set_ylim(extent[2], extent[3])
            shade = [withStroke(linewidth=2.0, foreground="black", alpha=0.7)]
            cross = {"color": "white", "lw": 0.8, "path_effects": shade}
            for at, side in (((cx + 0.5) * dx, ax.axvline), ((cy + 0.5) * dy, ax.axhline)):
                side(at, 0.0, 0.045, **cross)
                side(at, 0.955, 1.0, **cross)
            ax.set_axis_off()
            _letters(ax, letters, shade)
        bar_ax = fig.add_axes(((x + 0.06) / full_w, 0.06, 0.11 / full_w, 0.84))
        bar = fig.colorbar(ScalarMappable(Normalize(0.0, top), "inferno"), cax=bar_ax)
        bar.outline.set_linewidth(0.0)
        bar_ax.tick_params(length=2, labelsize=7.5)
        bar_ax.set_title("Gy", fontsize=8.0, loc="left", pad=5)
        return _png(fig)


def _letters(ax: Any, letters: str, shade: list[Any]) -> None:
    spots = ((0.012, 0.5, "left", "center"), (0.988, 0.5, "right", "center"), (0.5, 0.985, "center", "top"), (0.5, 0.015, "center", "bottom"))
    for letter, (x, y, ha, va) in zip(letters, spots):
        ax.text(x, y, letter, transform=ax.transAxes, ha=ha, va=va, color="white", fontsize=9.0, fontweight="bold", path_effects=shade)


def _curve(coefficients_Bq: np.ndarray, rates_per_s: np.ndarray) -> TimeIntegratedActivity:
    return TimeIntegratedActivity(0.0, 0.0, "", 0.0, coefficients_Bq, rates_per_s)


def _log_floor(ax: Any, lowest: float) -> float:
    """A tail may fall by decades; the axis ends a factor of five under the lowest point."""
    return max(ax.get_ylim()[0], 0.2 * lowest)


def _plain_ticks(axis: Any, log: bool) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    if log:
        low, high = sorted(axis.get_view_interval())
        narrow = high < 100.0 * low
        axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
        axis.set_minor_formatter(NullFormatter())


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Matplotlib with its own defaults and ours, whatever the user's settings, and put back afterwards."""
    import matplotlib

    defaults = {k: v for k, v in matplotlib.rcParamsDefault.items() if k not in ("backend", "backend_fallback", "interactive", "toolbar")}
    with matplotlib.rc_context(defaults | _RC):
        yield


def svg(fig: Any) -> bytes:
    out = io.BytesIO()
    fig.savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    # Laid out with a font that comes with matplotlib, shown in the reader's own.
    return out.getvalue().replace(b"'DejaVu Sans'", b"system-ui, 'Segoe UI', Helvetica, Arial, 'DejaVu Sans'")


def _png(fig: Any) -> bytes:
    out = io.BytesIO()
    fig.savefig(out, format="png", dpi=170, metadata={"Software": None})
    return out.getvalue()
