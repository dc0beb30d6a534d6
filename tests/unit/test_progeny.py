"""Progeny in compartments: against direct integration, closed forms, conservation, and the published doses behind the presets."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lutetia.core import BadInput
from lutetia.kinetics.progeny import Fates, Free, progeny_activity_Bq, progeny_decays
from lutetia.kinetics.progeny_presets import PRESETS, resolve_fates
from lutetia.nuclides import chain_energy_per_decay_MeV, equilibrium_chain, nuclide

HOUR = 3600.0
#: Uptake and washout in the tumour, washout alone in the kidney.
CURVES = {"tumour": ([5.0, -5.0], [2.1e-6, 4.0e-5]), "kidney": ([3.0], [6.0e-6])}
AC_FATES = Fates(
    {"tumour": {"Fr-221": 0.7, "Bi-213": 0.4, "Tl-209": 0.9}, "kidney": {"Bi-213": 0.8}},
    {"Fr-221": Free({"kidney": 0.3}, 240.0), "Bi-213": Free({"kidney": 0.5, "excreted": 0.2}, 1500.0, 4 * HOUR), "Pb-209": Free({"excreted": 0.5}, 600.0)},
)


def _integrated(time_s: np.ndarray) -> dict[tuple[str, str], np.ndarray]:
    """Activities for `AC_FATES` from the balance of atoms written out place by place, by scipy's Radau; the cumulated decays too.

    The 213Po (4 us) is left to the closed relation of a daughter that lives 1e-9 of its parent's half-life.
    """
    lam = {n: nuclide(n).decay_constant_per_s for n in ("Fr-221", "At-217", "Bi-213", "Tl-209", "Pb-209")}
    to = {p: {d: f for d, f, _ in nuclide(p).daughters} for p in ("Ac-225", "Fr-221", "At-217", "Bi-213")}
    names = [(n, place) for n in lam for place in ("tumour stay", "kidney stay", "tumour", "kidney", "body", "blood", "excreted")]
    where = {k: i for i, k in enumerate(names)}

    def stays(n: str, place: str) -> float:
        return {("Fr-221", "tumour"): 0.7, ("Bi-213", "tumour"): 0.4, ("Tl-209", "tumour"): 0.9, ("Bi-213", "kidney"): 0.8}.get((n, place), 1.0)

    out_of_blood = {"Fr-221": (240.0, {"kidney": 0.3, "body": 0.7}), "Bi-213": (1500.0, {"kidney": 0.5, "excreted": 0.2, "body": 0.3}), "Pb-209": (600.0, {"excreted": 0.5, "body": 0.5})}
    m, drive = np.zeros((len(names), len(names))), {}

    def born(column: np.ndarray, n: str, place: str, kind: str, rate: float) -> None:
        stay = stays(n, place) if place in ("tumour", "kidney") else 0.0 if place == "blood" else 1.0
        column[where[n, kind]] += rate * stay
        if stay < 1:
            if n in out_of_blood or n == "At-217":
                column[where[n, "blood"]] += rate * (1 - stay)
            else:  # at once from the blood to the body
                column[where[n, "body"]] += rate * (1 - stay)

    feeds = {("Ac-225", "Fr-221"): to["Ac-225"]["Fr-221"], ("Fr-221", "At-217"): to["Fr-221"]["At-217"], ("At-217", "Bi-213"): to["At-217"]["Bi-213"],
             ("Bi-213", "Tl-209"): to["Bi-213"]["Tl-209"], ("Tl-209", "Pb-209"): 1.0, ("Bi-213", "Pb-209"): to["Bi-213"]["Po-213"]}  # fmt: skip
    for (p, n), fraction in feeds.items():
        if p == "Ac-225":
            for place in ("tumour", "kidney"):
                drive[place] = np.zeros(len(names))
                born(drive[place], n, place, f"{place} stay", fraction)
            continue
        for kind in ("tumour stay", "kidney stay", "tumour", "kidney", "body", "blood", "excreted"):
            born(m[:, where[p, kind]], n, kind.removesuffix(" stay"), kind, fraction * lam[p])
    for k, i in where.items():
        m[i, i] -= lam[k[0]]
    for n, (half, places) in out_of_blood.items():
        i = where[n, "blood"]
        m[i, i] -= math.log(2) / half
        for place, share in places.items():
            m[where[n, place], i] += share * math.log(2) / half
    for place in ("tumour", "kidney"):  # Bi-213 taken up goes back with 4 h
        i = where["Bi-213", place]
        m[i, i] -= math.log(2) / (4 * HOUR)
        m[where["Bi-213", "blood"], i] += math.log(2) / (4 * HOUR)
    size = len(names)
    whole = np.zeros((2 * size, 2 * size))
    whole[:size, :size] = m
    whole[size:, :size] = np.diag([lam[n] for n, _ in names])

    def rate(t: float, y: np.ndarray) -> np.ndarray:
        d = whole @ y
        for place, (c, k) in CURVES.items():
            d[:size] += drive[place] * float(np.dot(c, np.exp(-np.array(k) * t)))
        return d

    run = solve_ivp(rate, (0, time_s[-1]), np.zeros(2 * size), method="Radau", t_eval=time_s, rtol=1e-11, atol=1e-11, jac=whole)
    assert run.success
    found = {k: run.y[i] * lam[k[0]] for k, i in where.items()}
    found |= {(n, place + " decays"): run.y[size + i] for (n, place), i in where.items()}
    return found


def test_activities_and_decays_are_those_of_direct_integration() -> None:
    t = np.array([60.0, 1800.0, 5 * HOUR, 30 * HOUR, 150 * HOUR])
    ode = _integrated(t)
    for integrated, tail in ((False, ""), (True, " decays")):
        ours = progeny_activity_Bq("Ac-225", CURVES, AC_FATES, t, integrated=integrated)
        for n in ("Fr-221", "At-217", "Bi-213", "Tl-209", "Pb-209"):
            top = max(np.max(np.abs(ours[n, p])) for p in ("tumour", "kidney", "body", "blood", "excreted"))
            for place in ("tumour", "kidney", "body", "blood", "excreted"):
                theirs = ode[n, place + tail] + (ode[n, place + " stay" + tail] if place in ("tumour", "kidney") else 0.0)
                assert np.max(np.abs(ours[n, place] - theirs)) < 1e-8 * top, (n, place, integrated)
        po, bi = ours["Po-213", "tumour"], ours["Bi-213", "tumour"]
        assert po == pytest.approx({d: f for d, f, _ in nuclide("Bi-213").daughters}["Po-213"] * bi, rel=1e-6)


def test_decays_over_all_time_are_the_limit_of_the_integral() -> None:
    tia = {c: float(np.sum(np.divide(*CURVES[c]))) for c in CURVES}
    all_time = progeny_decays("Ac-225", tia, AC_FATES)
    late = progeny_activity_Bq("Ac-225", CURVES, AC_FATES, [4e7], integrated=True)
    for (n, place), value in late.items():
        assert value[0] == pytest.approx(all_time.at(place)[n], rel=1e-9, abs=1e-9 * sum(tia.values()))


def test_equal_rates_do_no_harm() -> None:
    """A parent that leaves with the decay constant of its daughter: a t exp(-k t), where eigenvectors fail."""
    k = nuclide("Fr-221").decay_constant_per_s
    t = np.array([100.0, 500.0, 2000.0])
    found = progeny_activity_Bq("Ac-225", {"tumour": ([1.0], [k])}, Fates(), t)["Fr-221", "tumour"]
    assert found == pytest.approx(k * t * np.exp(-k * t), rel=1e-9)


def test_free_atoms_decay_in_the_blood_or_leave_it() -> None:
    """Of atoms that leave with rate k a part lambda / (lambda + k) decays before."""
    d = progeny_decays("Pb-212", {"tumour": 1000.0}, Fates({"tumour": {"Bi-212": 0.0}}, {"Bi-212": Free({"excreted": 1.0}, 1200.0)}))
    lam, k = nuclide("Bi-212").decay_constant_per_s, math.log(2) / 1200.0
    assert d.at("blood")["Bi-212"] == pytest.approx(1000 * lam / (lam + k), rel=1e-12)
    assert d.at("excreted")["Bi-212"] == pytest.approx(1000 * k / (lam + k), rel=1e-12)
    assert d.at("tumour") == {"Pb-212": 1000.0, "Bi-212": 0.0, "Po-212": 0.0, "Tl-208": 0.0}
    # What was born of atoms free in the blood and lives 0.3 us decays there; what lives 3 min goes on to the body at once.
    assert d.at("blood")["Po-212"] > 0 and d.at("blood")["Tl-208"] == 0 and d.at("body")["Tl-208"] > 0


def test_the_chain_of_225ac_releases_27_48_MeV_of_alphas_wherever_its_members_decay() -> None:
    """Alpha energies of ICRP 107 along the one path of a decay, the 213Bi branches weighted."""
    d = progeny_decays("Ac-225", {"tumour": 1.0, "kidney": 0.0}, AC_FATES)
    places = ("tumour", "kidney", "body", "blood", "excreted")
    alpha = sum(d.at(p)[n] * nuclide(n).energy_per_decay_MeV["alpha"] for p in places for n in d.placed)
    assert alpha == pytest.approx(27.48, abs=0.005)


FRACTION = st.floats(0, 1)


@settings(max_examples=20)
@given(
    parent=st.sampled_from(["Ac-225", "Bi-213", "Pb-212", "Ra-223", "At-211", "Th-227"]),
    tia=st.tuples(*[st.floats(0, 1e12)] * 3),
    draws=st.lists(FRACTION, min_size=30, max_size=30),
    half=st.sampled_from([0.0, 1e-2, 60.0, 1e5]),
    back=st.sampled_from([math.inf, 30.0, 1e6]),
)  # fmt: skip
def test_no_atom_and_no_energy_is_lost(parent: str, tia: tuple, draws: list[float], half: float, back: float) -> None:
    """For any fates: each nuclide decays, in all places together, as often as with its parent; so does the energy."""
    mobile = [m.nuclide.name for m in equilibrium_chain(parent)[1:] if m.nuclide.half_life_s >= 1]
    f = iter(draws)
    fates = Fates(
        {c: {n: next(f) for n in mobile} for c in ("a", "b")},
        {n: Free({"a": next(f) / 3, "b": next(f) / 3, "excreted": next(f) / 3}, half, back) for n in mobile[:4]},
    )
    d = progeny_decays(parent, dict(zip(("a", "b", "body"), tia)), fates)
    places = ("a", "b", "body", "blood", "excreted")
    total = sum(tia)
    for m in equilibrium_chain(parent):
        everywhere = [d.at(p)[m.nuclide.name] for p in places]
        assert min(everywhere) >= 0
        assert sum(everywhere) == pytest.approx(total * m.decays_per_parent, rel=1e-9)
    energy = sum(d.at(p)[n] * sum(nuclide(n).energy_per_decay_MeV.values()) for p in places for n in d.placed)
    assert energy == pytest.approx(total * sum(chain_energy_per_decay_MeV(parent).values()), rel=1e-9)


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_keeps_atoms_and_energy(name: str) -> None:
    parent = PRESETS[name].parent or "Ra-223"
    organs = {"antibody-in-circulation": ["red marrow", "liver", "spleen", "bone surface"], "thorium-conjugate": ["bone", "soft tissue"]}.get(name, ["tumour", "kidney"])
    d = progeny_decays(parent, dict.fromkeys([*organs, "body"], 50.0), resolve_fates(parent, organs, name))
    places = [*organs, "body", "blood", "excreted"]
    energy = sum(d.at(p)[n] * sum(nuclide(n).energy_per_decay_MeV.values()) for p in places for n in d.placed)
    assert energy == pytest.approx(50.0 * (len(organs) + 1) * sum(chain_energy_per_decay_MeV(parent).values()), rel=1e-9)
    assert PRESETS[name].source and PRESETS[name].note


#: Dose by nuclide, mGy per MBq of 225Ac, table 5 of doi 10.1186/s40658-021-00410-6: 225Ac, 221Fr, 217At, 213Bi, 213Po.
TABLE_5 = {
    "red marrow": (161, 171, 188, 1.23, 20.9), "spleen": (110, 120, 134, 0.767, 11.3), "bone surface": (74.1, 78.9, 86.1, 0.556, 9.30),
    "liver": (15.3, 16.6, 18.6, 0.388, 5.39), "kidneys": (0.464, 0.514, 0.548, 0.0144, 3.34e-6),
}  # fmt: skip


def _decays_per_parent(organ: str) -> dict[str, float]:
    """Decays for each of 225Ac from doses and the energies that stay in the organ (ICRP 107)."""
    e = {n: nuclide(n).energy_per_decay_MeV for n in ("Ac-225", "Fr-221", "At-217", "Bi-213", "Po-213")}
    charged = {n: v["alpha"] + v["recoil"] + (v["beta"] + v["electron"] if n == "Bi-213" else 0.0) for n, v in e.items()}
    number = {n: dose / charged[n] for n, dose in zip(charged, TABLE_5[organ])}
    return {n: v / number["Ac-225"] for n, v in number.items()}


@pytest.mark.parametrize("organ", [o for o in TABLE_5 if o != "kidneys"])
def test_the_antibody_preset_gives_back_the_published_doses(organ: str) -> None:
    """Doses of the preset, from its decays and alpha energies, against the table they were derived from."""
    d = progeny_decays("Ac-225", {organ: 1.0}, resolve_fates("Ac-225", [organ], "antibody-in-circulation")).at(organ)
    energy = {n: sum(nuclide(n).energy_per_decay_MeV[r] for r in ("alpha", "recoil")) for n in ("Ac-225", "Fr-221", "At-217", "Po-213")}
    ac, fr, at, _, po = TABLE_5[organ]
    for n, dose, tolerance in (("Fr-221", fr, 0.03), ("At-217", at, 0.055), ("Po-213", po, 0.01)):
        assert d[n] * energy[n] / energy["Ac-225"] == pytest.approx(dose / ac, rel=tolerance)


def test_213bi_and_213po_of_the_table_agree_but_in_the_kidney() -> None:
    """213Po lives 4 us: its decays are 0.979 of 213Bi's. The two doses say so within 16 % in four organs, not in the kidney."""
    for organ in TABLE_5:
        n = _decays_per_parent(organ)
        if organ == "kidneys":
            assert n["Po-213"] < 1e-4 * n["Bi-213"]
        else:
            assert n["Bi-213"] == pytest.approx(n["Po-213"] / 0.979, rel=0.16)


def test_presets_are_refused_where_nothing_is_published() -> None:
    for parent, regions, kwargs, says in (
        ("Ra-223", ["bone"], {"preset": "antibody-in-circulation"}, "no published fate for Ra-223, only for Ac-225"),
        ("Pb-212", ["kidney"], {"preset": "internalised-small-molecule"}, "no published fate for Pb-212"),
        ("Ac-225", ["tumour"], {"preset": "antibody-in-circulation"}, "no published fate for region 'tumour'.*progeny.organ"),
        ("Ac-225", ["kidney"], {"preset": "antibody-in-circulation", "organ": {"kidney": "kidneys"}}, "no published fate for 'kidneys'"),
        ("Ac-225", ["kidney"], {"preset": "antibody-in-circulaton"}, "Did you mean antibody-in-circulation"),
        ("Ac-225", ["kidney"], {"organ": {"kidney": "liver"}}, "no effect with the preset"),
        ("Lu-177", ["kidney"], {"retained": {"kidney": 0.5}}, "no radioactive progeny"),
        ("Ac-225", ["body"], {"retained": {"body": 0.5}}, "called 'body'"),
        ("Ac-225", ["kidney"], {"retained": {"kidny": 0.5}}, "Did you mean kidney"),
        ("Ac-225", ["kidney"], {"retained": {"kidney": {"Bi-212": 0.5}}}, "Did you mean Bi-213"),
        ("Ac-225", ["kidney"], {"retained": {"kidney": {"bismuth": 0.5}}}, "is not a nuclide"),
        ("Ac-225", ["kidney"], {"retained": {"kidney": {"At-217": 0.5}}}, "decays before it can go"),
        ("Ac-225", ["kidney"], {"retained": {"kidney": 1.2}}, "from 0 to 1"),
        ("Ac-225", ["kidney"], {"retained": {"kidney": -0.1}}, "from 0 to 1"),
        ("Ac-225", ["kidney"], {"free": {"Bi-213": Free({"kidney": 0.8, "excreted": 0.4})}}, "sum to 1.2"),
        ("Ac-225", ["kidney"], {"free": {"Bi-213": Free({"spleen": 0.8})}}, "no region 'spleen'"),
        ("Ac-225", ["kidney"], {"free": {"Po-213": Free()}}, "decays where it is born"),
        ("Ac-225", ["kidney"], {"free": {"Bi-213": Free(blood_half_life_s=-1.0)}}, "above zero"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=says) as error:
            resolve_fates(parent, regions, kwargs.pop("preset", "with-parent"), **kwargs)
        assert "\n" not in str(error.value)


def test_a_fraction_for_all_spares_those_that_cannot_move() -> None:
    kept = resolve_fates("Ac-225", ["tumour"], retained={"tumour": {"all": 0.9, "213Bi": 0.6}}).retained["tumour"]
    assert kept == {"Fr-221": 0.9, "Bi-213": 0.6, "Tl-209": 0.9, "Pb-209": 0.9}


@pytest.mark.parametrize("bad", [{"time_s": [-1.0]}, {"curves": {"a": ([1.0], [0.0])}}, {"curves": {"a": ([1.0, 2.0], [1e-6])}}])
def test_curves_and_times_that_cannot_be(bad: dict) -> None:
    with pytest.raises(BadInput, match="progeny"):
        progeny_activity_Bq("Ac-225", bad.get("curves", CURVES), Fates(), bad.get("time_s", [1.0]))
    with pytest.raises(BadInput, match="negative or not finite"):
        progeny_decays("Ac-225", {"a": float("nan")}, Fates())
