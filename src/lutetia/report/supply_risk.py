"""The report of a simulated plan: one self-contained page, and its gist as text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..core import write_atomic
from .figures import drawing, svg
from .formatting import NONE, percent, rounded, significant
from .html import inline, template
from .style import BLUE, GREY, INK, MUTED, VERMILLION

_SHOWN = 20
_WORDS = {
    "lot": "a lot is not made", "batch": "a batch fails", "outage": "outage of a machine or lab", "yield": "yield below the mean", "shipment": "a shipment does not leave",
    "delay": "too late", "chairs": "no chair free when it comes", "activity": "too little activity planned",
}  # fmt: skip
_SPARES = {
    "cell": "spare cell in {at}: a failed batch is made again", "batch": "spare batch in {at}, one a day, made in parallel", "courier": "courier on call at {at}",
    "machine": "spare machine for {at}: a failed lot is begun again", "source": "second source beside {at}: each lot made twice", "margin": "{amount:.0%} more activity for {at}",
}  # fmt: skip


def write_supply_risk_report(path: Path, result: dict[str, Any]) -> None:
    """Write the page of a ``lutetia-supply-risk/1`` result, atomically."""
    lost = [x for x in result["hospitals"] if x["lost"]["mean"] > 0]
    context = {
        "version": result["version"], "title": result["title"], "runs": f"{result['runs']:,}".replace(",", "\u202f"), "seed": result["seed"], "facts": _facts(result), "warnings": result["warnings"], "notes": result["notes"],
        "counts": inline(counts_svg(result), "svg+xml"), "values": inline(spares_svg(result), "svg+xml") if result["spares"] else None,
        "causes": [(_WORDS[x["cause"]], *_number(x)) for x in sorted(result["causes"], key=lambda x: -x["mean"]) if x["mean"] > 0],
        "unused": [_WORDS[x["cause"]] for x in result["causes"] if x["mean"] == 0],
        "spares": [(spare_text(x), *rounded(x["gained_per_1000"], x["standard_error"]), _between(x["interval"]), x["changed_runs"]) for x in result["spares"]],
        "batches": [(x["id"], x["planned"], percent(x["releases_nothing"]["value"]), _percents(x["releases_nothing"]["interval"]), *_number(x["lost"])) for x in _worst(result["batches"])],
        "hospitals": [(x["id"], x["planned"], *_number(x["lost"])) for x in _worst(lost)], "more": [max(0, len(result["batches"]) - _SHOWN), max(0, len(lost) - _SHOWN)],
        "probabilities": _probabilities(result["probabilities"]), "assumptions": result["assumptions"], "provenance": result["provenance"],
    }  # fmt: skip
    write_atomic(Path(path), template("supply-risk.html.j2").render(context))


def as_text(result: dict[str, Any]) -> str:
    """What a terminal shows of a result."""
    n, q = result["not_treated"], result["not_treated"]["quantiles"]
    none = result["none_lost"]
    lines = [
        f"{result['title']}: {result['planned']} of {result['demanded']} patients planned, {result['runs']} runs",
        f"not treated: {n['mean']:.2f} in the mean ({_between(n['interval'])}), median {q['50']}, 5 to 95 % of runs {q['5']} to {q['95']}",
        f"nobody of the plan lost: {100 * none['value']:.1f} % of runs ({100 * none['interval'][0]:.1f} to {100 * none['interval'][1]:.1f} %)",
    ]
    causes = [x for x in sorted(result["causes"], key=lambda x: -x["mean"]) if x["mean"] > 0]
    if causes:
        lines += ["", "patients lost in the mean, by cause", *(f"  {x['mean']:8.3f}  {_WORDS[x['cause']]}" for x in causes)]
    if result["spares"]:
        lines += ["", "patients gained by a spare for each 1000 demanded (95 % interval)"]
        lines += [f"  {x['gained_per_1000']:8.2f}  {spare_text(x)} ({_between(x['interval'])})" for x in result["spares"]]
    lines += [f"note: {x}" for x in result["notes"]] + [f"warning: {x}" for x in result["warnings"]]
    return "\n".join(lines)


def spare_text(x: dict[str, Any]) -> str:
    """A spare in words.

    >>> spare_text({"kind": "margin", "at": "18F-FDG", "amount": 0.1})
    '10% more activity for 18F-FDG'
    """
    return _SPARES[x["kind"]].format(**x)


def counts_svg(result: dict[str, Any]) -> bytes:
    """Share of runs against the number of patients not treated."""
    counts = result["counts"]
    top = max((n for n, x in enumerate(counts) if x), default=0)
    left_out = result["demanded"] - result["planned"]
    with drawing():
        from matplotlib.figure import Figure
        from matplotlib.ticker import MaxNLocator

        fig = Figure(figsize=(7.2, 2.3), layout="constrained")
        ax = fig.add_subplot()
        places = list(range(left_out, top + 1))
        ax.bar(places, [100 * counts[n] / result["runs"] for n in places], width=0.85, color=BLUE)
        ax.axvline(result["not_treated"]["mean"], color=VERMILLION, lw=1.0, ls=(0, (4, 2)), label=f"mean {significant(result['not_treated']['mean'])}")
        if left_out:
            ax.axvline(left_out - 0.5, color=MUTED, lw=0.8, label=f"{left_out} without a place in the plan")
        ax.set_xlim(left_out - 1, max(top, left_out + 4) + 0.6)
        ax.set_xlabel("Patients not treated")
        ax.set_ylabel("Runs / %")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        ax.grid(axis="y")
        ax.legend(frameon=False, fontsize=7.5)
        return svg(fig)


def spares_svg(result: dict[str, Any]) -> bytes:
    """Patients gained by each spare, with 95 % intervals; numbers stand for the rows of the table."""
    shown = result["spares"][:_SHOWN]
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(7.2, 0.55 + 0.19 * len(shown)), layout="constrained")
        ax = fig.add_subplot()
        for n, x in enumerate(shown):
            low, high = (v if v is not None else x["gained_per_1000"] for v in x["interval"])
            ax.plot([low, high], [n, n], color=INK, lw=1.1, zorder=3)
            ax.barh(n, x["gained_per_1000"], height=0.7, color=BLUE if low > 0 else GREY)
        ax.axvline(0, color=MUTED, lw=0.7)
        ax.set_yticks(range(len(shown)), [f"{n + 1}" for n in range(len(shown))])
        ax.set_ylim(len(shown) - 0.4, -0.6)
        ax.set_xlabel("Patients gained for each 1000 demanded")
        ax.grid(axis="x")
        return svg(fig)


def _facts(r: dict[str, Any]) -> list[tuple[str, str]]:
    q = r["not_treated"]["quantiles"]
    return [
        ("Patients planned", f"{r['planned']} of {r['demanded']}"), ("Not treated, mean", f"{significant(r['not_treated']['mean'])} ({_between(r['not_treated']['interval'])})"),
        ("Median", f"{q['50']}"), ("5 to 95 % of runs", f"{q['5']} to {q['95']}"), ("Nobody of the plan lost", f"{percent(r['none_lost']['value'])} ({_percents(r['none_lost']['interval'])})"),
        ("Lost without another batch's help", significant(r["lost_without_recourse"]["mean"])),
    ]  # fmt: skip


def _number(x: dict[str, Any]) -> tuple[str, str, str]:
    value, u = rounded(x["mean"], x["standard_error"])
    return value, u, _between(x["interval"])


def _between(ends: list[float | None]) -> str:
    return NONE if None in ends else f"{significant(ends[0])} to {significant(ends[1])}"


def _percents(ends: list[float]) -> str:
    return f"{percent(ends[0])} to {percent(ends[1])}"


def _worst(groups: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(groups, key=lambda x: -x["lost"]["mean"])[:_SHOWN]


def _probabilities(rows: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    """One line for all that have the same numbers from the same source: a country has hundreds of lanes."""
    alike: dict[tuple[str, str, str], list[str]] = {}
    for x in rows:
        what, *rest = _probability(x)
        alike.setdefault((rest[0], rest[1], rest[2]), []).append(what)
    return [("; ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else ""), *key) for key, names in alike.items()]


def _probability(x: dict[str, Any]) -> tuple[str, str, str, str]:
    if "every_s" in x:
        return x["what"], NONE, f"every {significant(x['every_s'] / 3600)} h for {significant(x['mean_s'] / 3600)} h in the mean", x["source"]
    late = f"{percent(x['late'])}, {significant(x['mean_delay_s'] / 60)} min in the mean" if x.get("late") else NONE
    return x["what"], percent(x["failure"]) if "failure" in x else NONE, late, x["source"]
