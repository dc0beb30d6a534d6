"""Clusters: drawn cell by cell, and averaged in closed form; each way checks the other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lutetia.core import BadInput, CouldNot
from lutetia.dosimetry import expected
from lutetia.dosimetry.cells import CellGeometry, cell_s_Gy_per_Bq_s, cross_s_Gy_per_Bq_s
from lutetia.dosimetry.cluster_kernels import cluster_kernels, track_slope_per_Gy
from lutetia.dosimetry.clusters import Survival, Uptake, simulate_cluster
from lutetia.dosimetry.expected import expected_survival, expected_survival_ball
from lutetia.dosimetry.lattice import ball_of_cells
from lutetia.transport.alpha_encounters import alpha_encounters
from lutetia.transport.kernels import nuclide_kernels

CELL = CellGeometry(5.0, 4.0)
WHERE = {"CS": 0.3, "Cy": 0.7}
ALPHA = 0.67


def kernels(name: str, **more):  # type: ignore[no-untyped-def]
    return cluster_kernels(name, CELL, WHERE, alpha_track_per_Gy=ALPHA, **more)


def test_hits_are_solid_angles() -> None:
    """A ball of radius R at distance s covers (1 - sqrt(1 - R^2/s^2)) / 2 of all directions, where the range does not end before it."""
    s = np.array([4.5, 8.0, 20.0, 60.0])
    hits = alpha_encounters("Po-210", s, 4.0, 1.0).hits
    assert hits[:3] == pytest.approx((1 - np.sqrt(1 - 16 / s[:3] ** 2)) / 2, rel=1e-6)
    assert hits[3] == 0.0  # 41 um of range


def test_dose_of_encounters_is_that_of_the_radial_kernel() -> None:
    """Rays through a ball, and the radial kernel integrated over it, give one mean dose."""
    for name in ("Po-210", "Ac-225"):
        s = cell_s_Gy_per_Bq_s(name, CELL)
        mine = alpha_encounters(name, np.array([5.0]), 4.0, 1.0).dose_Gy[0]
        assert mine == pytest.approx(s["N<-CS"]["alpha"], rel=2e-3)


def test_lethality_tends_to_hits_and_to_dose() -> None:
    """Each hit kills where cells are without defence; where they are nearly immune, killing goes with dose."""
    s = np.array([6.0, 15.0])
    sure, faint = alpha_encounters("Po-212", s, 4.0, 1e6), alpha_encounters("Po-212", s, 4.0, 1e-6)
    assert sure.lethal == pytest.approx(sure.hits, rel=1e-3)
    assert faint.lethal == pytest.approx(1e-6 * faint.dose_Gy, rel=1e-4)


def test_a_chain_spares_less_than_its_parent_but_more_than_the_sum() -> None:
    """Four alphas from one point do not add: the same nucleus can only be killed once."""
    s = np.array([0.0])
    parent, chain = (alpha_encounters("Ac-225", s, 4.0, 3.0, progeny=p).lethal[0] for p in (False, True))
    assert parent < chain < 1 < 4 * parent


def test_alphas_of_one_chain_come_together() -> None:
    """From the middle of a nucleus every decay of 225Ac hits it four times, and no more surely than once."""
    at = alpha_encounters("Ac-225", np.array([0.0, 5.0]), 4.0, 1.0, progeny=True)
    assert at.hits == pytest.approx([4.0, 0.8], rel=1e-3)  # 0.2 of all directions at 5 um
    assert at.struck == pytest.approx([1.0, 1 - 0.8**4], rel=0.01)
    c = simulate_cluster(ball_of_cells(10.0, cells=500), kernels("Ac-225"), Uptake(0.1), Survival(0.1, alpha_track_per_Gy=1.0))
    assert np.all(c.not_hit > np.exp(-c.hits)) and np.all(c.not_hit < np.exp(-c.hits / 4))


def test_no_alphas_is_said() -> None:
    with pytest.raises(CouldNot, match="no alpha"):
        alpha_encounters("Lu-177", np.array([1.0]), 4.0, 1.0, progeny=True)


@pytest.mark.parametrize(("name", "decays"), [("Lu-177", 3000.0), ("Ac-225", 3.0)])
@pytest.mark.parametrize(("fraction", "log_sd", "core"), [(0.7, 0.5, 0.0), (0.3, 0.0, 120.0)])
def test_drawn_and_averaged_agree(name: str, decays: float, fraction: float, log_sd: float, core: float) -> None:
    """Mean over 12 draws of 8000 cells against the closed form on the lattice."""
    uptake, survival = Uptake(decays, fraction, log_sd, core), Survival(0.16, 0.0, 1.0, ALPHA)
    lattice = ball_of_cells(10.0, cells=8_000)
    drawn = [simulate_cluster(lattice, kernels(name), uptake, survival, seed=n) for n in range(12)]
    expected = expected_survival(lattice, kernels(name), uptake, survival)
    survivors = np.array([c.expected_survivors for c in drawn])
    assert expected.survivors == pytest.approx(survivors.mean(), abs=4 * survivors.std() / math.sqrt(12) + 0.004 * survivors.mean())
    dose = np.mean([c.dose_Gy[c.alive].mean() for c in drawn])
    assert sum(expected.mean_dose_Gy.values()) == pytest.approx(dose, rel=0.01)


def test_the_quadratic_term_is_bounded_from_above_and_near() -> None:
    uptake, survival = Uptake(2000.0, 0.6, 0.4), Survival(0.16, 0.05, 0.5, 0.0)
    lattice = ball_of_cells(10.0, cells=8_000)
    drawn = np.mean([simulate_cluster(lattice, kernels("Lu-177"), uptake, survival, seed=n).expected_survivors for n in range(12)])
    assert drawn * 0.99 < expected_survival(lattice, kernels("Lu-177"), uptake, survival).survivors < drawn * 1.06


@pytest.mark.parametrize(("log_sd", "beta"), [(2.0, 0.03), (1.5, 0.1), (0.0, 0.1)])
def test_wide_uptake_with_a_quadratic_term(log_sd: float, beta: float) -> None:
    """Log-normal uptake of a wide spread, high kill: within a few per cent of drawn clusters, and never below them."""
    uptake, survival = Uptake(3000.0, 0.5, log_sd), Survival(0.24, beta, 1.0)
    lattice = ball_of_cells(10.0, cells=1000)
    drawn = np.array([simulate_cluster(lattice, kernels("Lu-177"), uptake, survival, seed=n).expected_survivors for n in range(40)])
    found = expected_survival(lattice, kernels("Lu-177"), uptake, survival).survivors
    error = drawn.std() / math.sqrt(40)
    # The drawn clusters hold the number of positive cells fixed; letting it vary adds a little survival.
    assert drawn.mean() - 3 * error < found < 1.12 * drawn.mean() + 4 * error


@pytest.mark.parametrize("beta", [0.0, 0.05, 2.0])
def test_more_decays_and_more_beta_leave_fewer(beta: float) -> None:
    survival, harder = Survival(0.24, beta, 0.01), Survival(0.24, 1.5 * beta + 0.01, 0.01)
    last = math.inf
    for decays in (500.0, 3000.0, 7000.0, 30_000.0):
        e = expected_survival_ball(300.0, 10.0, "fcc", kernels("Lu-177"), Uptake(decays, 0.9, 2.0), survival)
        assert e.survivors < last
        assert expected_survival_ball(300.0, 10.0, "fcc", kernels("Lu-177"), Uptake(decays, 0.9, 2.0), harder).survivors <= e.survivors * (1 + 1e-9)
        last = e.survivors


@pytest.mark.parametrize("beta", [1e-9, 0.06])
def test_nothing_taken_up_kills_nothing(beta: float) -> None:
    """No positive cell, and a quadratic term: everybody lives."""
    e = expected_survival_ball(60.0, 12.0, "fcc", kernels("Lu-177"), Uptake(100.0, 0.0), Survival(1.0, beta, 0.5))
    assert e.survival_negative == pytest.approx(1.0) and e.survivors == pytest.approx(e.cells) and e.tcp == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize(("cells", "fraction", "decays"), [(13, 0.1, 300.0), (93, 0.1, 100.0), (740, 0.5, 30.0), (43, 1.0, 30.0)])
def test_control_is_the_mean_over_draws(cells: int, fraction: float, decays: float) -> None:
    """The probability that none is left, against clusters drawn here: each cell positive with the stated probability."""
    lattice = ball_of_cells(10.0, cells=cells)
    k, survival = kernels("Ac-225"), Survival(0.16, alpha_track_per_Gy=ALPHA)
    x = lattice.site * lattice.step_um
    d = np.linalg.norm(x[:, None] - x[None], axis=2)
    per_decay = np.where(d > 0, 0.16 * k.cross("electron_Gy", np.where(d > 0, d, 10.0)) + np.where(d <= k.alpha_reach_um, k.cross("lethal", np.where(d > 0, d, 10.0)), 0.0), 0.0)
    np.fill_diagonal(per_decay, 0.16 * k.self_["electron_Gy"] + k.self_["lethal"])
    random = np.random.default_rng(11)
    control = [np.prod(1 - np.exp(-per_decay @ (decays * (random.random(cells) < fraction)))) for _ in range(1500)]
    e = expected_survival(lattice, k, Uptake(decays, fraction), survival)
    assert e.tcp == pytest.approx(np.mean(control), abs=4 * np.std(control) / math.sqrt(256) + 0.002)


def test_the_slope_for_single_tracks_gives_back_the_measured_one() -> None:
    """Cells far apart, decays at their surface, small doses: -ln of their survival over the mean dose is the slope that was measured."""
    track = track_slope_per_Gy(0.67, CELL, {"CS": 1.0})
    assert track > 0.67
    k = cluster_kernels("Ac-225", CELL, {"CS": 1.0}, alpha_track_per_Gy=track)
    c = simulate_cluster(ball_of_cells(10.0, cells=1), k, Uptake(1e-3), Survival(0.0, alpha_track_per_Gy=track))
    assert -math.log(c.survival[0]) / c.self_Gy["alpha"][0] == pytest.approx(0.67, rel=1e-4)
    with pytest.raises(BadInput, match="more than single tracks can give"):
        track_slope_per_Gy(50.0, CELL, {"CS": 1.0})


def test_nothing_arrives_beyond_the_reach_of_alphas() -> None:
    """Patches leave nuclei that no alpha can reach: they have no hits, not the noise of a transform."""
    lattice = ball_of_cells(10.0, cells=60_000)
    c = simulate_cluster(lattice, kernels("Po-210"), Uptake(1e7, 0.2, patch_um=250.0), Survival(0.0, alpha_track_per_Gy=1.0))
    source = lattice.site[c.positive] * lattice.step_um
    from scipy.spatial import cKDTree

    far = cKDTree(source).query(lattice.site * lattice.step_um)[0] > kernels("Po-210").alpha_reach_um + 1
    assert far.sum() > 100 and not c.hits[far].any() and np.all(c.survival[far] == 1)


@pytest.mark.parametrize(("name", "decays", "beta"), [("Lu-177", 2000.0, 0.0), ("Ac-225", 2.0, 0.0), ("Y-90", 1000.0, 0.0), ("Lu-177", 2000.0, 0.02)])
def test_by_radius_as_on_the_lattice(name: str, decays: float, beta: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shells and a continuum against the lattice itself, with and without a dead middle."""
    survival = Survival(0.16, beta, 0.3, ALPHA)
    for core in (0.0, 120.0):
        uptake = Uptake(decays, 0.5, 0.3, core)
        monkeypatch.setattr(expected, "_ON_LATTICE", 10**9)
        cell_by_cell = expected_survival_ball(280.0, 10.0, "fcc", kernels(name), uptake, survival)
        monkeypatch.setattr(expected, "_ON_LATTICE", 0)
        by_radius = expected_survival_ball(280.0, 10.0, "fcc", kernels(name), uptake, survival)
        assert by_radius.survivors == pytest.approx(cell_by_cell.survivors, rel=0.02)
        assert by_radius.cells == pytest.approx(cell_by_cell.cells, rel=0.03)


def test_a_large_cluster_absorbs_what_it_emits() -> None:
    """In the middle of a cluster much wider than every range, with decays all over the cells, the dose is the energy emitted per mass.

    Gaps between cells (26 %) hold no decays, so that a cell's middle gets a little more than the mean.
    """
    lattice = ball_of_cells(10.0, cells=40_000)
    volume = (4 / 5) ** 3
    k = cluster_kernels("Po-210", CELL, {"N": volume, "Cy": 1 - volume}, alpha_track_per_Gy=ALPHA)
    c = simulate_cluster(lattice, k, Uptake(100.0), Survival(0.0))
    energy_MeV = sum(float(r.energy_MeV[-1]) for name, r in nuclide_kernels("Po-210", progeny=True).items() if name != "photon")
    middle = c.lattice.distance_um < 60
    emitted = 100.0 * energy_MeV * 1.602176634e-10 / (lattice.volume_per_cell_um3 * 1e-12)
    assert 1.0 < c.dose_Gy[middle].mean() / emitted < 1.05


def test_one_cell_has_its_own_dose_alone() -> None:
    c = simulate_cluster(ball_of_cells(10.0, cells=1), kernels("Lu-177"), Uptake(1000.0), Survival(0.2))
    s = cell_s_Gy_per_Bq_s("Lu-177", CELL, electrons="kernel")
    self_Gy = 1000 * (0.3 * s["N<-CS"]["electron"] + 0.7 * s["N<-Cy"]["electron"])
    assert c.dose_Gy[0] == pytest.approx(self_Gy, rel=1e-6)
    assert c.survival[0] == pytest.approx(math.exp(-0.2 * self_Gy), rel=1e-6)
    assert expected_survival_ball(10.0, 10.0, "fcc", kernels("Lu-177"), Uptake(1000.0), Survival(0.2)).cells == 1


def test_two_cells_give_one_another_the_published_kind_of_cross_dose() -> None:
    c = simulate_cluster(ball_of_cells(10.0, cells=2), kernels("Lu-177"), Uptake(1000.0), Survival(0.2))
    cross = {w: float(cross_s_Gy_per_Bq_s("Lu-177", CELL, "N", w, 10.0, electrons="kernel")["electron"]) for w in WHERE}
    assert c.cross_Gy["electron"] == pytest.approx([1000 * sum(WHERE[w] * cross[w] for w in WHERE)] * 2, rel=1e-4)


def test_central_nucleus_of_nineteen_cells() -> None:
    """161Tb against 177Lu in the central cell of a 19-cell cluster (Alcocer-Avila 2020, doi 10.1186/s40658-020-00301-2, table 3).

    Cells of 14 um with a nucleus of 10 um, 1436 MeV of electrons per cell; Gy to the central nucleus.
    """
    published = {"Lu-177": {"CS": 7.2, "Cy": 8.3, "N": 15.7}, "Tb-161": {"CS": 15.1, "Cy": 17.9, "N": 47.8}}
    cell = CellGeometry(7.0, 5.0)
    lattice = ball_of_cells(14.0, cells=19, packing="cubic")  # 6 neighbours, then 12
    assert np.sort(np.unique(lattice.distance_um.round(3))).tolist() == [0.0, 14.0, 19.799]
    for name, doses in published.items():
        per_decay = float(nuclide_kernels(name)["electron"].emitted_MeV)
        for where, gray in doses.items():
            k = cluster_kernels(name, cell, {where: 1.0}, alpha_track_per_Gy=0.0)
            c = simulate_cluster(lattice, k, Uptake(1436 / per_decay), Survival(0.0))
            assert c.dose_Gy[np.argmin(lattice.distance_um)] == pytest.approx(gray, rel=0.10), (name, where)


def test_patches_shelter_from_alphas_more_than_from_betas() -> None:
    """The same cells, positive in patches of 200 um instead of strewn: negative cells get less; alphas lose more."""
    lattice = ball_of_cells(10.0, cells=60_000)
    ratio = {}
    for name, decays in (("Lu-177", 3000.0), ("Ac-225", 3.0)):
        strewn, patchy = (
            simulate_cluster(lattice, kernels(name), Uptake(decays, 0.5, patch_um=p), Survival(0.16, alpha_track_per_Gy=ALPHA)).expected_survivors for p in (0.0, 200.0)
        )
        ratio[name] = patchy / strewn
    assert ratio["Ac-225"] > 2 * ratio["Lu-177"] > 2


def test_what_is_refused() -> None:
    with pytest.raises(BadInput, match="from 0 to 1"):
        Uptake(1.0, 1.2)
    with pytest.raises(BadInput, match="no living cell"):
        simulate_cluster(ball_of_cells(10.0, cells=10), kernels("Lu-177"), Uptake(1.0, necrotic_core_um=500.0), Survival(0.1))
    with pytest.raises(BadInput, match="1 together"):
        cluster_kernels("Lu-177", CELL, {"N": 0.7}, alpha_track_per_Gy=0.1)
    with pytest.raises(BadInput, match="strewn"):
        expected_survival_ball(200.0, 10.0, "fcc", kernels("Lu-177"), Uptake(1.0, 0.5, patch_um=50.0), Survival(0.1))
