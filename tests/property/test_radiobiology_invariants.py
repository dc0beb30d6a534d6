"""What holds for any dose, whatever the parameters."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from lutetia.radiobiology import (
    DsbRepair,
    EffectiveDoses,
    bed_Gy,
    bed_with_repopulation,
    breaks_present,
    compound_poisson_survival,
    geud_Gy,
    lea_catcheside,
    lq_survival,
    mixed_field_effect,
    ntcp_lkb,
    per_track_survival,
    rbe,
    rbe_linear_quadratic,
    residual_fraction,
    tcp_of_dose,
)

doses = st.lists(st.floats(0, 60), min_size=1, max_size=12)
spectrum = st.lists(st.tuples(st.floats(0.001, 3), st.floats(0.01, 1)), min_size=1, max_size=6)
alphas, betas, fractions = st.floats(0.01, 1), st.floats(0, 0.2), st.floats(0, 1)


@given(doses, alphas, betas, fractions, st.floats(1, 1e6))
def test_a_heterogeneous_dose_controls_no_more_than_its_mean_where_survival_is_convex(dose, a, b, G, n):
    assume(a * a >= 2 * b * G)
    d = np.array(dose)
    assert tcp_of_dose(d, n, a, b, G) <= tcp_of_dose(np.full(len(d), d.mean()), n, a, b, G) * (1 + 1e-9) + 1e-15


def test_but_it_can_control_more_where_survival_is_not_convex():
    # alpha 0, beta 0.1, around 1 Gy: survival is concave below sqrt(1/(2 beta)) = 2.24 Gy.
    assert tcp_of_dose([0.5, 1.5], 1.0, 0.0, 0.1) > tcp_of_dose([1.0, 1.0], 1.0, 0.0, 0.1)


@given(st.floats(5, 60), st.floats(0.1, 0.5), st.floats(0.0, 0.05), st.floats(0.005, 0.1))
def test_a_spread_of_radiosensitivity_gives_a_probability_and_none_gives_the_plain_one(dose, a, b, sd):
    spread = tcp_of_dose(dose, 1e7, a, b, sd_alpha_per_Gy=sd)
    assert 0 <= spread <= 1
    assert tcp_of_dose(dose, 1e7, a, b, sd_alpha_per_Gy=a * 1e-7) == pytest.approx(tcp_of_dose(dose, 1e7, a, b), abs=1e-4)


@given(spectrum, st.floats(0, 30), st.floats(0.05, 3))
def test_alphas_leave_at_least_those_not_hit(z, n, z0):
    z1, w = np.array(z).T
    s = compound_poisson_survival(n, z1, w, z0)
    assert math.exp(-n) * (1 - 1e-12) <= s <= 1
    mean = float(np.sum(z1 * w) / w.sum())
    assert s >= math.exp(-n * mean / z0) * (1 - 1e-12)  # random hits kill no more than the same dose in a smooth field
    assert compound_poisson_survival(n, z1, 7 * w, z0) == pytest.approx(s, rel=1e-12)
    assert compound_poisson_survival(n, z1, w, 1e-6 * z1.min()) == pytest.approx(math.exp(-n), rel=1e-9)
    assert compound_poisson_survival(n, z1, w, 1e6) == pytest.approx(math.exp(-n * mean / 1e6), rel=1e-6)


def test_compound_poisson_is_the_mean_over_random_hits():
    rng = np.random.default_rng(11)
    z1, w, n, z0 = np.array([0.1, 0.3, 0.8]), np.array([0.5, 0.3, 0.2]), 2.5, 0.4
    hits = rng.poisson(n, 200_000)
    deposited = np.array([np.sum(x) for x in np.split(rng.choice(z1, hits.sum(), p=w), np.cumsum(hits)[:-1])])
    sampled = np.exp(-deposited / z0)
    assert compound_poisson_survival(n, z1, w, z0) == pytest.approx(sampled.mean(), abs=4 * sampled.std() / math.sqrt(len(hits)))


@given(st.floats(0, 30), fractions, fractions)
def test_deadlier_tracks_leave_fewer(n, p, q):
    low, high = sorted((p, q))
    assert per_track_survival(n, high) <= per_track_survival(n, low)
    assert per_track_survival(n, 0.0) == 1


@given(st.floats(0, 20), st.floats(0, 5), alphas, betas, alphas, betas, fractions)
def test_mixed_fields_tend_to_each_kind_and_meet(low, high, a, b, ah, bh, G):
    def effect(x, y, bh=bh):
        return mixed_field_effect(x, y, alpha_low_per_Gy=a, beta_low_per_Gy2=b, alpha_high_per_Gy=ah, beta_high_per_Gy2=bh, G=G)

    assert math.exp(-effect(low, 0.0)) == pytest.approx(lq_survival(low, a, b, G), rel=1e-9)
    assert math.exp(-effect(0.0, high)) == pytest.approx(lq_survival(high, ah, bh, G), rel=1e-9)
    together, apart = effect(low, high), effect(low, 0.0) + effect(0.0, high)
    assert together == pytest.approx(apart + 2 * G * math.sqrt(b * bh) * low * high, rel=1e-9, abs=1e-12)
    assert effect(low, high, bh=0.0) == pytest.approx(effect(low, 0.0) + ah * high, rel=1e-9, abs=1e-12)


def test_two_doses_of_one_radiation_are_their_sum():
    e = mixed_field_effect(3.0, 2.0, alpha_low_per_Gy=0.2, beta_low_per_Gy2=0.04, alpha_high_per_Gy=0.2, beta_high_per_Gy2=0.04, G=0.3)
    assert math.exp(-e) == pytest.approx(lq_survival(5.0, 0.2, 0.04, 0.3), rel=1e-12)


@given(doses, st.floats(0.2, 20))
def test_geud_lies_between_mean_and_ends(dose, a):
    d = np.array(dose)
    g = geud_Gy(d, a)
    assert d.min() * (1 - 1e-9) <= g <= d.max() * (1 + 1e-9)
    assert g >= d.mean() * (1 - 1e-9) if a >= 1 else g <= d.mean() * (1 + 1e-9)
    assert geud_Gy(d, 1.0) == pytest.approx(d.mean(), abs=1e-9)
    assert geud_Gy(np.repeat(d, 3), a) == pytest.approx(geud_Gy(d, a, np.full(len(d), 2.5)), rel=1e-9, abs=1e-12)
    assert geud_Gy(d, 1e4) == pytest.approx(d.max(), rel=1e-3, abs=1e-9)


@given(doses, st.floats(10, 80), st.floats(0.05, 0.6), st.floats(0.02, 1), st.floats(0, 20))
def test_more_dose_never_lowers_a_complication(dose, td50, m, n, more):
    p, q = ntcp_lkb(dose, td50, m, n), ntcp_lkb(np.array(dose) + more, td50, m, n)
    assert 0 <= p <= q + 1e-12 <= 1 + 1e-9


@given(st.floats(0.01, 30), alphas, betas, alphas, st.floats(1e-4, 0.2), fractions)
def test_rbe_matches_effects_and_its_limits(dose, a, b, ar, br, G):
    r = rbe_linear_quadratic(dose, a, b, ar, br, reference_G=G)
    assert ar * r * dose + G * br * (r * dose) ** 2 == pytest.approx(a * dose + b * dose**2, rel=1e-9)
    assert rbe_linear_quadratic(1e-9, a, b, ar, br) == pytest.approx(a / ar, rel=1e-5)
    assert rbe_linear_quadratic(dose, ar, br, ar, br) == pytest.approx(1, rel=1e-12)


@given(st.floats(0, 113), st.floats(0, 113))
def test_the_rbe_of_residual_breaks_falls_with_dose(x, y):
    low, high = sorted((x, y))
    name = "residual-DSB-Rumiantcev-2023"
    assert 9.38 >= rbe(name, low).value >= rbe(name, high).value >= 1 - 1e-12


@given(st.floats(0, 10), st.floats(0, 10), st.floats(0, 10))
def test_weighting_leaves_the_absorbed_dose_alone(alpha, electron, photon):
    plain, weighted = EffectiveDoses(alpha, electron, photon), EffectiveDoses(alpha, electron, photon, rbe=rbe("deterministic-5"))
    assert plain.absorbed_Gy == weighted.absorbed_Gy and plain.weighted_Sv_RBE is None
    assert weighted.weighted_Sv_RBE == pytest.approx(5 * alpha + electron + photon)


@given(st.floats(0, 1e6), st.lists(st.floats(0, 1e-2), min_size=1, max_size=3), st.one_of(st.just(0.0), st.floats(1e-12, 1e-3)), st.floats(1e-6, 1e-2))
def test_breaks_never_exceed_those_made(t, r, l, mu):
    rates = np.full(len(r), l)
    repair, none = DsbRepair("one", (1.0,), (mu,), "", ""), DsbRepair("none", (1.0,), (0.0,), "", "")
    left, made = breaks_present(t, r, rates, 30.0, repair)[0], breaks_present(t, r, rates, 30.0, none)[0]
    dose = sum(r) * (t if l == 0 else -math.expm1(-l * t) / l)
    assert made == pytest.approx(30 * dose, rel=1e-9, abs=1e-300)
    assert made * float(residual_fraction(t, repair)) * (1 - 1e-9) <= left <= made * (1 + 1e-9)


@given(st.floats(0.1, 60), st.floats(1, 300), st.floats(0.5, 10), st.floats(1, 20), st.floats(0.05, 1), st.floats(5, 1e6), st.floats(0, 500))
def test_growth_only_takes(dose, t_eff, t_rep, ab, a, doubling, kick_off):
    l = math.log(2) / t_eff
    b = bed_with_repopulation(dose, [1.0], [l], t_rep, ab, alpha_per_Gy=a, doubling_time_s=doubling, kick_off_s=kick_off)
    whole = bed_Gy(dose, lea_catcheside([1.0], [l], t_rep), ab)
    assert 0 <= b.bed_Gy <= whole * (1 + 1e-9) and b.bed_without_Gy == pytest.approx(whole)
    later = bed_with_repopulation(dose, [1.0], [l], t_rep, ab, alpha_per_Gy=a, doubling_time_s=doubling, kick_off_s=kick_off + 100)
    slower = bed_with_repopulation(dose, [1.0], [l], t_rep, ab, alpha_per_Gy=a, doubling_time_s=2 * doubling, kick_off_s=kick_off)
    assert later.bed_Gy >= b.bed_Gy * (1 - 1e-6) and slower.bed_Gy >= b.bed_Gy * (1 - 1e-6)
