"""What covalent binding and a second target would do: the page docs/binding.md and its two figures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from lutetia.dosimetry.regions import self_s
from lutetia.kinetics.pbpk import Covalent, DualTarget, Patient, parameter_set, simulate_pbpk
from lutetia.report.figures import drawing
from lutetia.report.style import BLUE, GREEN, INK, MUTED, VERMILLION

DOCS = Path(__file__).parents[1] / "docs"
SET, LIGAND_NMOL, TUMOUR = "PSMA-617-three-anchors", 57.0, "tumour 1"
NUCLIDES = {"Lu-177": "<sup>177</sup>Lu", "Ac-225": "<sup>225</sup>Ac"}
#: Swept, with zero first: the limits of reversible binding and of two independent targets.
K_INACT_PER_MIN = np.concatenate([[0.0], np.geomspace(1e-5, 1.0, 31)])
EM_NM = np.concatenate([[0.0], np.geomspace(1e-1, 1e5, 37)])
#: Assumed, none published for a radioligand: turnover of the receptor, and affinity at the second target.
TURNOVER_PER_MIN = (1e-4, 1e-3, 1e-2)
KD_NM = (1.0, 10.0, 100.0)

Doses = dict[str, dict[str, np.ndarray]]


def doses(binding: Covalent | DualTarget) -> Doses:
    """Self-dose per activity (Gy/GBq) of a tumour of 20 mL and of the kidneys, by nuclide, for each value of the binding."""
    r = simulate_pbpk(Patient(), parameter_set(SET), LIGAND_NMOL, tuple(NUCLIDES), binding=binding)
    return {
        n: {k: r.tiac_h[n][k] * 3600 * 1e9 * sum(self_s(n, float(np.asarray(r.mass_kg[k])), 1.0).values()) for k in (TUMOUR, "kidney")} for n in NUCLIDES
    }  # fmt: skip


def sweeps() -> tuple[dict[float, Doses], dict[float, Doses]]:
    """Doses against k_inact by turnover, and against effective molarity by affinity."""
    kon = parameter_set(SET)["kon"]  # at the second target as at the first
    covalent = {t: doses(Covalent(K_INACT_PER_MIN, t)) for t in TURNOVER_PER_MIN}
    dual = {kd: doses(DualTarget(kon, kon * kd, EM_NM, {"tumour": 1.0})) for kd in KD_NM}
    return covalent, dual


def ratio(d: Doses, name: str) -> np.ndarray:
    """Tumour over kidney."""
    return d[name][TUMOUR] / d[name]["kidney"]


def figure(found: dict[float, Doses], x: np.ndarray, label: str, said: str) -> bytes:
    """Above the ratio of doses, below both doses over those of the limit at zero; a column for each nuclide."""
    with drawing():
        from matplotlib.figure import Figure

        fig = Figure(figsize=(6.4, 4.4), layout="constrained")
        axes = fig.subplots(2, 2, sharex=True, sharey="row")
        for column, n in enumerate(NUCLIDES):
            for (value, d), color in zip(found.items(), (GREEN, BLUE, VERMILLION)):
                axes[0, column].plot(x[1:], ratio(d, n)[1:], color=color, lw=1.5, label=said.format(value))
                for k, dash in ((TUMOUR, "-"), ("kidney", (0, (4.0, 1.8)))):
                    axes[1, column].plot(x[1:], d[n][k][1:] / d[n][k][0], color=color, lw=1.3, ls=dash)
            axes[0, column].set_title(f"$^{{{n[-3:]}}}${n[:2]}", fontsize=9, color=INK)
            axes[1, column].axhline(1.0, color=MUTED, lw=0.6)
            axes[1, column].set_xscale("log")
        for ax in axes.ravel():
            ax.grid(axis="y")
        axes[0, 0].set_ylim(bottom=0)
        axes[1, 0].set_ylim(bottom=0)
        axes[0, 0].set_ylabel("Dose, tumour over kidney")
        axes[1, 0].set_ylabel("Dose over that at zero\n(tumour solid, kidney dashed)")
        axes[0, 0].legend(frameon=False, fontsize=7)
        fig.supxlabel(label, fontsize=8)
        out = io.BytesIO()
        fig.savefig(out, format="png", dpi=160, metadata={"Software": None})
        return out.getvalue()


def covalent_words(found: dict[float, Doses]) -> list[str]:
    """What the first figure shows; each statement is checked before it is written."""
    slow, middle, quick = (found[t] for t in TURNOVER_PER_MIN)
    gain = {t: [float(d[n][k][-1] / d[n][k][0]) for n in NUCLIDES for k in (TUMOUR, "kidney")] for t, d in found.items()}
    assert all(min(g) > 1.2 and max(g) < 4 for g in gain.values())
    most = max(float(np.abs(ratio(d, n) / ratio(d, n)[0] - 1).max()) for d in (slow, middle) for n in NUCLIDES)
    assert most < 0.05
    falls = [float(ratio(quick, n)[-1] / ratio(quick, n)[0]) for n in NUCLIDES]
    assert max(falls) < 0.7 and all(np.all(np.diff(ratio(quick, n)) < 1e-4 * ratio(quick, n)[:-1]) for n in NUCLIDES)
    p = parameter_set(SET)
    apart = [float(x) for d in found.values() for x in ratio(d, "Ac-225") / ratio(d, "Lu-177")]
    assert min(apart) > 1.05 and max(apart) < 1.09 and float(np.max(p["release_tumour"])) < float(np.max(p["release_kidney"]))
    return [
        f"- A reaction holds ligand in every tissue with the receptor: at 1 per minute the dose of the tumour is {gain[1e-4][0]:.1f} to {gain[1e-2][0]:.1f} times, that of the kidney "
        f"{gain[1e-4][1]:.1f} to {gain[1e-2][1]:.1f} times what it is without (<sup>177</sup>Lu). Dose per activity rises; selectivity does not come with it.",
        f"- Where receptors come back with a half-life of half a day or more (turnover up to 0.001 per minute) the ratio of tumour to kidney stays within {100 * most:.0f} % of the reversible one. Where they come back "
        f"in an hour or so (0.01 per minute) the kidney gains more than the tumour, and the ratio falls to {100 * falls[0]:.0f} % for <sup>177</sup>Lu and {100 * falls[1]:.0f} % for <sup>225</sup>Ac.",
        f"- The two nuclides tell the same story. The ratio with <sup>225</sup>Ac is about {100 * (float(np.median(apart)) - 1):.0f} % above that with <sup>177</sup>Lu: it decays more slowly, and in this set tumours release ligand more slowly than kidneys do.",
    ]  # fmt: skip


def dual_words(found: dict[float, Doses]) -> list[str]:
    """What the second figure shows, checked likewise."""
    for d in found.values():
        for n in NUCLIDES:
            r, tumour, kidney = ratio(d, n), d[n][TUMOUR], d[n]["kidney"]
            assert np.all(np.diff(r) > -1e-4 * r[:-1]) and np.all(np.diff(tumour) > -1e-4 * tumour[:-1]) and np.all(np.diff(kidney) < 1e-4 * kidney[:-1])
    lu, ac = ({kd: float(ratio(d, n)[-1] / ratio(d, n)[0]) for kd, d in found.items()} for n in NUCLIDES)
    assert lu[1.0] < lu[10.0] < lu[100.0]
    alike = max(abs(float(x)) for d in found.values() for x in (ratio(d, "Ac-225") / ratio(d, "Ac-225")[0]) / (ratio(d, "Lu-177") / ratio(d, "Lu-177")[0]) - 1)
    assert alike < 0.05
    half = {kd: float(np.interp(1.5, ratio(d, "Lu-177") / ratio(d, "Lu-177")[0], EM_NM)) for kd, d in found.items()}
    assert half[1.0] < half[10.0] < half[100.0]
    top = [float(ratio(d, "Lu-177")[-1]) for d in found.values()]
    assert max(top) / min(top) < 1.1
    return [
        f"- A second target that tumours alone have raises the ratio steadily with the effective molarity, at its end to {lu[1.0]:.1f}, {lu[10.0]:.1f} and {lu[100.0]:.1f} times its value without, with a dissociation constant of 1, 10 and 100 nmol/L there "
        "(<sup>177</sup>Lu). The dose of the tumour rises, that of the kidney falls.",
        f"- The weaker the second target, the higher the effective molarity that it takes: half as much again is gained at {half[1.0]:.0f}, {half[10.0]:.0f} and {half[100.0]:.0f} nmol/L. Where that is high, affinity no longer matters: "
        f"at its end the ratio is {min(top):.0f} to {max(top):.0f} with any of the three.",
        f"- <sup>177</sup>Lu and <sup>225</sup>Ac gain alike, to {100 * alike:.0f} %: it is a matter of the molecule, not of the nuclide.",
    ]  # fmt: skip


def _table(found: dict[float, Doses], x: np.ndarray, name: str, middle: float, rows: tuple[float, ...]) -> list[str]:
    out = [f"| {name} | " + " | ".join(f"{NUCLIDES[n]} {w}" for n in NUCLIDES for w in ("tumour", "kidney", "ratio")) + " |", "|---:|" + "---:|" * 6]
    for wanted in rows:
        i = int(np.abs(x - wanted).argmin())
        d = found[middle]
        cells = [f"{v:.3g}" for n in NUCLIDES for v in (d[n][TUMOUR][i], d[n]["kidney"][i], ratio(d, n)[i])]
        out.append(f"| {x[i]:.3g} | " + " | ".join(cells) + " |")
    return out


def page() -> tuple[str, bytes, bytes]:
    """The page and its figures."""
    covalent, dual = sweeps()
    out = [
        "# Binding for good, and to two targets", "",
        "Two ideas to keep a ligand in a tumour: a warhead that reacts with its receptor, and a second target beside the first. What each would do to the dose of a tumour of 20 mL and of the kidneys, for "
        "<sup>177</sup>Lu and <sup>225</sup>Ac. Written by `make validate` from the [whole-body model](pbpk.md#binding); the equations stand there.", "",
        "```{admonition} Directions, no product", ":class: warning", "",
        "No rate of a covalent reaction (`k_inact`) of a radioligand in man is published, nor an effective molarity, nor how fast the receptor is made anew in a patient's tumour or kidney. All are swept or assumed here; "
        "the figures show which way each would push, not what any agent does.", "```", "",
        f"Common to both: {LIGAND_NMOL:.0f} nmol of ligand, the set `{SET}`, the assumed patient; self-dose, alphas not weighted.", "",
        "## Covalent binding", "",
        "Assumed: the reaction runs in every tissue with the receptor; a receptor that was used up comes back with the turnover in the legend.", "",
        "```{image} binding-covalent.png", ":alt: Dose of tumour over kidney, and both doses, against the rate of the covalent reaction, for two nuclides", "```", "",
        *covalent_words(covalent), "", "Gy/GBq, turnover 0.001 per minute:", "",
        *_table(covalent, K_INACT_PER_MIN, "`k_inact` /min", 1e-3, (0.0, 1e-4, 1e-3, 1e-2, 1e-1, 1.0)), "",
        "## A second target", "",
        "Assumed: the second target is in tumours alone, one site for each of the first, and the ligand associates with it as fast as with the first.", "",
        "```{image} binding-dual.png", ":alt: Dose of tumour over kidney, and both doses, against the effective molarity, for two nuclides", "```", "",
        *dual_words(dual), "", "Gy/GBq, dissociation constant of 10 nmol/L at the second target:", "",
        *_table(dual, EM_NM, "effective molarity, nmol/L", 10.0, (0.0, 1.0, 10.0, 100.0, 1e3, 1e4, 1e5)), "",
        "## What is not known", "",
        "- `k_inact` and effective molarity of any radioligand in man, and the turnover of the receptor: no published value could be found. Where the ranges of the figures lie for a molecule cannot be said.",
        "- Whether a reactive warhead binds to what is no receptor; the model has no such sink.",
        "- How a second target is spread in tumours, and whether kidneys have it. If they do, the gain of the second figure is not there.",
        "- The tumour doses of this set come out [high against means of lesions](pbpk.md#parameter-sets); the ratio at zero is no clinical one.",
    ]  # fmt: skip
    return (
        "\n".join(out) + "\n",
        figure(covalent, K_INACT_PER_MIN, "$k_{inact}$ / min$^{-1}$", "turnover {:g} /min"), figure(dual, EM_NM, "Effective molarity / nmol/L", "$K_D$ {:g} nmol/L"),
    )  # fmt: skip


def write() -> str:
    """Write docs/binding.md and its figures."""
    text, covalent, dual = page()
    (DOCS / "binding.md").write_text(text)
    (DOCS / "binding-covalent.png").write_bytes(covalent)
    (DOCS / "binding-dual.png").write_bytes(dual)
    return text
