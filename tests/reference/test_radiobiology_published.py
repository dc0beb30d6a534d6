"""Dose to effect against published numbers and independent integrations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad, solve_ivp

from lutetia.radiobiology import (
    DsbRepair,
    bed_Gy,
    bed_until_Gy,
    bed_with_repopulation,
    breaks_present,
    complication_parameter_sets,
    dsb_yields,
    eqd2_Gy,
    lea_catcheside,
    lea_catcheside_constant,
    lq_parameters,
    lq_survival,
    ntcp,
    ntcp_lkb,
    rbe,
    rbe_linear_quadratic,
    surviving_fraction,
    tcp_of_dose,
    tcp_poisson,
)

CURVES = {
    1: ([1.0], [0.0139]),
    2: ([0.7, 0.3], [0.01, 0.15]),
    3: ([0.7, 0.3, -1.0], [0.009, 0.08, 1.1]),
    4: ([0.5, 0.3, 0.2, -1.0], [0.004, 0.03, 0.2, 1.7]),
}


def by_ode(r, l, half_lives, weights):
    """G from y_k' = r - mu_k y_k, D' = r, I' = r sum w_k y_k, to a time at which nothing is left."""
    r, l, mu, w = np.array(r), np.array(l), np.log(2) / np.array(half_lives), np.array(weights)

    def slopes(t, y):
        rate = float(np.exp(-l * t) @ r)
        return [*(rate - mu * y[: len(mu)]), rate, rate * float(w @ y[: len(mu)])]

    s = solve_ivp(slopes, (0, 45 / min(l.min(), mu.min())), np.zeros(len(mu) + 2), method="DOP853", rtol=1e-13, atol=1e-16)
    return 2 * s.y[-1, -1] / s.y[-2, -1] ** 2


@pytest.mark.parametrize("terms", CURVES)
@pytest.mark.parametrize(("half_lives", "weights"), [([2.8], [1.0]), ([0.19, 2.16], [0.4, 0.6])])
def test_G_is_the_integral_of_the_repair_equations(terms, half_lives, weights):
    r, l = CURVES[terms]
    given = half_lives[0] if len(half_lives) == 1 else half_lives
    assert lea_catcheside(r, l, given, None if len(half_lives) == 1 else weights) == pytest.approx(by_ode(r, l, half_lives, weights), abs=1e-10)


@pytest.mark.parametrize(("hours", "published"), [(1, 0.8622360396178723), (6, 0.477437092982887), (24, 0.16407643306553163), (96, 0.04406792658002346), (360, 0.011950188917789779), (1e-9, 0.999999999846)])
def test_G_of_a_constant_rate(hours, published):
    # PRRT-spatial-CPM, repair half-life 1.5 h: its G curve and reference vectors.
    assert lea_catcheside_constant(hours * 3600, 1.5 * 3600) == pytest.approx(published, rel=1e-11)


def test_a_constant_rate_is_continuous_where_the_series_takes_over():
    x = 1e-3 * 1.5 / math.log(2)
    below, above = lea_catcheside_constant(x * (1 - 1e-9), 1.5), lea_catcheside_constant(x * (1 + 1e-9), 1.5)
    assert below == pytest.approx(above, abs=3e-10) and below > above - 3e-10


@pytest.mark.parametrize(("dose", "published"), [(2, 6.122734e-01), (5, 2.819285e-01), (10, 6.964060e-02), (20, 2.858008e-03), (40, 9.851017e-07)])
def test_survival_of_the_neuroendocrine_line(dose, published):
    # NCI-H69 (alpha 0.24, beta 0.06), 96 h at a constant rate: reference vectors of PRRT-spatial-CPM, six digits.
    cells = lq_parameters("NCI-H69-external-Tamborino-2025")
    assert surviving_fraction(cells, dose, lea_catcheside_constant(96 * 3600, 1.5 * 3600)) == pytest.approx(published, rel=1e-6)


def test_heterogeneous_activity_spares_cells():
    """PRRT-spatial-CPM after Mellhammar 2023: 13978 cells, mean dose 10 Gy, doses with a coefficient of variation of 0.2430 (activity log-normal with
    sigma 0.6, smoothed by crossfire): mean survival 0.0875 against 0.0696 of the mean dose. The cells' doses are not published one by one; log-normal
    doses of that spread come within 3 %."""
    cells, G = lq_parameters("NCI-H69-external-Tamborino-2025"), lea_catcheside_constant(96 * 3600, 1.5 * 3600)
    sigma = math.sqrt(math.log(1 + 0.2430**2))
    z = np.linspace(-8, 8, 4001)
    p = np.exp(-z * z / 2)
    dose = 10 * np.exp(sigma * z - sigma**2 / 2)
    assert np.sum(p * dose) / p.sum() == pytest.approx(10, rel=1e-9)
    uniform, mixed = surviving_fraction(cells, 10.0, G), float(np.sum(p * surviving_fraction(cells, dose, G)) / p.sum())
    assert uniform == pytest.approx(0.0696, abs=5e-5)
    assert mixed == pytest.approx(0.0875, rel=0.03)
    # The same doses without crossfire, at the spread of the activity itself, would spare more than twice as many.
    bare = 10 * np.exp(0.6 * z - 0.18)
    assert float(np.sum(p * surviving_fraction(cells, bare, G)) / p.sum()) > 2 * uniform


def test_tumour_control_of_the_uniform_arm():
    # 13978 cells of 100 clonogens at 40 Gy: 1.37698 survivors, TCP 0.25234 (PRRT-spatial-CPM, verdict of its study 2).
    cells, G = lq_parameters("NCI-H69-external-Tamborino-2025"), lea_catcheside_constant(96 * 3600, 1.5 * 3600)
    control = tcp_of_dose(np.full(13978, 40.0), 100.0, cells.alpha_per_Gy, cells.beta_per_Gy2, G)
    assert control == pytest.approx(0.25234069, rel=1e-6)
    assert 13978 * 100 * surviving_fraction(cells, 20.0, G) == pytest.approx(3994.924231, rel=1e-6)
    assert tcp_poisson(100, surviving_fraction(cells, np.full(13978, 40.0), G)) == pytest.approx(control, rel=1e-12)


def test_a_spread_of_radiosensitivity_against_quadrature():
    dose, weights, a, ab, sd = np.array([25.0, 30.0, 33.0]), np.array([2e6, 5e6, 3e6]), 0.3, 10.0, 0.05

    def inner(x):
        return math.exp(-0.5 * ((x - a) / sd) ** 2) * math.exp(-sum(n * math.exp(-x * d - 0.5 * x / ab * d * d) for n, d in zip(weights, dose)))

    mean = quad(inner, 0.0, 0.9, points=[0.1, 0.2, 0.3], limit=400)[0] / quad(lambda x: math.exp(-0.5 * ((x - a) / sd) ** 2), 0.0, 0.9, points=[0.3])[0]
    assert tcp_of_dose(dose, weights, a, a / ab, 0.5, sd_alpha_per_Gy=sd) == pytest.approx(mean, abs=1e-5)


def test_parotid_complications():
    # Dijkema 2010: mean doses of 25 to 30 Gy were associated with 17 to 26 % (rounded down), half at 39.9 Gy.
    low, high = ntcp("parotid", 25.0).probability, ntcp("Parotid_Gland_Left", 30.0).probability
    assert low == pytest.approx(0.17, abs=0.01) and high == pytest.approx(0.26, abs=0.01)
    assert ntcp("parotid", 39.9).probability == pytest.approx(0.5)


@pytest.mark.parametrize(("organ", "td5", "td50"), [("kidney", 23, 28), ("liver", 30, 40), ("lung", 17.5, 24.5), ("parotid", 32, 46)])
def test_whole_organ_tolerance_of_emami(organ, td5, td50):
    # Emami 1991: 5 % and 50 % at five years for the whole organ. Burman fitted those; m is given to two digits, hence 1.5 points.
    p = complication_parameter_sets()[f"{organ}-Burman-1991"]
    assert ntcp_lkb(td50, p.TD50_Gy, p.m, p.n) == pytest.approx(0.50, abs=1e-9)
    assert ntcp_lkb(td5, p.TD50_Gy, p.m, p.n) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize("part", [1 / 3, 2 / 3])
def test_part_of_an_organ_bears_more(part):
    # Lyman: half of the complications at TD50(v) = TD50 v^-n where the part v alone is irradiated; kidney, n = 0.70.
    p = complication_parameter_sets()["kidney-Burman-1991"]
    assert ntcp("kidney", [28 * part**-0.70, 0.0], [part, 1 - part]).probability == pytest.approx(0.5, abs=1e-9)
    assert p.n == 0.70


def test_residual_breaks_meet_all_three_published_points():
    # Rumiantcev 2023: 9.38 at zero dose, 1.46 at 50 Gy (not used in the form), 1 at 113 +- 12 Gy.
    name = "residual-DSB-Rumiantcev-2023"
    assert rbe(name, 0.0).value == 9.38 and rbe(name, 113.0).value == pytest.approx(1.0, rel=1e-12)
    assert rbe(name, 50.0).value == pytest.approx(1.46, abs=0.005)
    # The effects are equal at the doses D and RBE x D: linear against linear-quadratic, in units of the reference's linear term.
    q, value = 8.38 / 113, rbe(name, 20.0).value
    assert 20 * value + q * (20 * value) ** 2 == pytest.approx(9.38 * 20, rel=1e-12)
    # Initial ratio 2.14 times the fractions left after 24 h, 0.918 of 225Ac and 0.210 of 177Lu, is the limit at zero dose.
    assert rbe("initial-DSB-Rumiantcev-2023").value * 0.918 / 0.210 == pytest.approx(9.38, rel=0.01)


def test_pc3_pip():
    # Ruigrok 2022: 0.67 +- 0.06 over 0.16 +- 0.01 per Gy is 4.2 +- 0.46.
    r, ac, lu = rbe("PC3-PIP-Ruigrok-2022"), lq_parameters("PC3-PIP-Ac225-Ruigrok-2022"), lq_parameters("PC3-PIP-Lu177-Ruigrok-2022")
    ratio = rbe_linear_quadratic(1.0, ac.alpha_per_Gy, ac.beta_per_Gy2, lu.alpha_per_Gy, lu.beta_per_Gy2)
    assert r.value == pytest.approx(ratio, abs=0.05)
    assert r.u == pytest.approx(ratio * math.hypot(0.06 / 0.67, 0.01 / 0.16), abs=0.01)
    assert r.u == 0.46 and rbe("deterministic-5").u is None


def test_break_yields():
    # Rumiantcev 2023: 12.60 to 12.99 per Gy and 1e9 base pairs, 6.078e9 of them; Tamborino 2022: 0.0223 a cell and mGy.
    lu = dsb_yields()["Lu177-Rumiantcev-2023"]
    assert lu.low_per_Gy == pytest.approx(76.58, abs=0.01) and lu.high_per_Gy == pytest.approx(78.95, abs=0.01)
    assert dsb_yields()["NCI-H69-Tamborino-2022"].low_per_Gy == pytest.approx(22.3)


def test_breaks_present_against_an_integration():
    r, l = np.array([0.7, 0.3, -1.0]), np.array([0.01, 0.259, 1.1])  # one rate equal to one of repair
    repair = DsbRepair("two", (0.57, 0.43), (2.07, 0.259), "", "")
    t = np.array([0.0, 0.01, 0.5, 3.0, 24.0, 200.0])
    s = solve_ivp(lambda x, y: float(np.exp(-l * x) @ r) - np.array([2.07, 0.259]) * y, (0, 200), [0.0, 0.0], method="DOP853", rtol=1e-12, atol=1e-15, t_eval=t)
    np.testing.assert_allclose(breaks_present(t, r, l, 35.0, repair), 35 * (np.array([0.57, 0.43]) @ s.y), rtol=1e-9, atol=1e-11)


def test_bed_until_a_time_and_with_growth():
    r, l, mu, ab, growth = np.array([0.7, 0.3]), np.array([0.012, 0.2]), math.log(2) / 2.5, 5.0, math.log(2) / (0.25 * 60.0)
    dose = float(np.sum(r / l))
    s = solve_ivp(lambda t, y: [np.exp(-l * t) @ r - mu * y[0], np.exp(-l * t) @ r * (1 + 2 * y[0] / ab)], (0, 4000), [0.0, 0.0], method="DOP853", rtol=1e-12, atol=1e-14, dense_output=True)
    times = np.array([0.1, 3.0, 40.0, 300.0])
    np.testing.assert_allclose(bed_until_Gy(dose, r, l, 2.5, ab, times), s.sol(times)[1], rtol=1e-9)
    assert bed_until_Gy(dose, r, l, 2.5, ab, 1e5)[0] == pytest.approx(bed_Gy(dose, lea_catcheside(r, l, 2.5), ab), rel=1e-12)
    for kick_off in (0.0, 90.0):
        b = bed_with_repopulation(dose, r, l, 2.5, ab, alpha_per_Gy=0.25, doubling_time_s=60.0, kick_off_s=kick_off)
        grid = np.linspace(0, 1500, 150001)
        net = s.sol(grid)[1] - growth * np.maximum(0, grid - kick_off)
        assert b.bed_Gy == pytest.approx(net.max(), rel=1e-6)
        assert b.effective_time_s == pytest.approx(grid[net.argmax()], abs=0.2)


def test_a_repair_rate_near_a_decay_rate_is_no_corner():
    at = [float(bed_until_Gy(10.0, [1.0], [0.1], math.log(2) / (0.1 * (1 + e)), 3.0, 12.0)[0]) for e in (0.0, 1e-12, 1e-7, 9e-5, 2.1e-4, 1e-3)]
    mu = 0.1
    met = quad(lambda t: math.exp(-mu * t) * t * math.exp(-mu * t), 0, 12)[0]
    assert at[0] == pytest.approx(10 * (1 - math.exp(-1.2)) + 2 * met / 3.0, rel=1e-10)
    assert max(at) - min(at) < 2e-3 * at[0] and all(a >= b for a, b in zip(at, at[1:]))


def test_fractions_of_two_gray():
    assert eqd2_Gy(30 * bed_Gy(2.0, 1.0, 3.0), 3.0) == pytest.approx(60.0)
    # Five fractions of 8 Gy at alpha/beta 3: 40 (8 + 3) / (2 + 3) = 88 Gy.
    assert eqd2_Gy(5 * bed_Gy(8.0, 1.0, 3.0), 3.0) == pytest.approx(88.0)
    assert lq_survival(2.0, 0.3, 0.03) == pytest.approx(math.exp(-0.72))
