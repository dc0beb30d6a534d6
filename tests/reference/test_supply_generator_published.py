"""Generators against published numbers, and against figures computed once with other programs where the test says so."""

from __future__ import annotations

import math

import pytest

from lutetia.nuclides import nuclide
from lutetia.supply.production.generators import (
    elute,
    elution_Bq,
    expiry_s,
    generator,
    ingrown_Bq,
    milking_Bq_per_year,
)

CI = 3.7e10


@pytest.mark.parametrize(("days", "elsewhere"), [(21, 868), (28, 916), (30, 919), (42, 889), (56, 800), (60, 772)])
def test_thorium_milked_at_intervals(days: int, elsewhere: float) -> None:
    """Computed elsewhere for 150 mCi of 229Th with 9.92 d for 225Ac (here 10.0 d): mCi a year, 225Ra and 225Ac taken together."""
    assert milking_Bq_per_year(0.15 * CI, days * 86400.0) / (1e-3 * CI) == pytest.approx(elsewhere, rel=0.006)


def test_thorium_in_13_campaigns() -> None:
    """Oak Ridge 2018: about 800 mCi in 13 campaigns (indico.triumf.ca/event/26/contributions/1574); without losses 916 mCi, as above."""
    g = generator("229Th/225Ac")
    whole, recovered = (sum(e.eluted_Bq for e in elute(g, 0.15 * CI, [28 * 86400.0 * n for n in range(1, 14)], efficiency=x)) / (1e-3 * CI) for x in (1.0, None))
    assert whole == pytest.approx(916, rel=0.01) and recovered == pytest.approx(800, rel=0.02)


def test_radium_left_on_the_column_gives_more() -> None:
    # Computed elsewhere: 1679 mCi a year.
    assert milking_Bq_per_year(0.15 * CI, 28 * 86400.0, keep_radium=True) / (1e-3 * CI) == pytest.approx(1679, rel=0.005)


def test_lead_of_a_radium_generator_is_most_at_the_published_hour() -> None:
    """Roberts et al. 2025 (PMC12311066): 61.0 % of the starting activity of 224Ra after 16.5 h."""
    g, rate = generator("Ra-224/Pb-212"), nuclide("Ra-224").decay_constant_per_s
    assert ingrown_Bq(math.exp(-rate * 16.5 * 3600), g, 16.5 * 3600) == pytest.approx(0.610, abs=0.002)


def test_a_germanium_generator_as_labelled() -> None:
    # GalliaPharm: 0.74 to 1.85 GBq, more than 60 % at equilibrium, at most 0.001 % of 68Ge, 12 months or 250 elutions.
    g = generator("68Ge/68Ga")
    assert elution_Bq(1.85e9, "Ge-68/Ga-68", 12 * 3600.0) >= 0.6 * 1.85e9 * 0.999
    assert (g.breakthrough_limit, g.max_elutions, g.shelf_life_s) == (1e-5, 250, 365 * 86400.0)
    # 68Ga at 99 % after 6.64 half-lives of 67.7 min.
    assert ingrown_Bq(1.0, g, 6.64 * 67.7 * 60) == pytest.approx(0.99, abs=0.001)


def test_technetium_peaks_after_a_day() -> None:
    """99mTc on the column is most 22.9 h after elution (t = ln(L_d / L_p) / (L_d - L_p)); at equilibrium it is 96.5 % of 99Mo's activity."""
    g = generator("Mo-99/Tc-99m")
    lp = nuclide("Mo-99").decay_constant_per_s
    hours = [h / 10 for h in range(150, 320)]
    best = max(hours, key=lambda h: ingrown_Bq(math.exp(-lp * h * 3600), g, h * 3600))
    assert best == pytest.approx(22.9, abs=0.15)
    assert ingrown_Bq(1.0, g, 60 * 3600.0) == pytest.approx(0.965, abs=0.003)


def test_molybdenum_limit_at_administration_sets_the_hour() -> None:
    # 0.15 uCi/mCi (US NRC); the ratio doubles in 6.6 h: 1 / (1 / 6.01 h - 1 / 65.9 h).
    g = generator("Mo-99/Tc-99m")
    assert expiry_s(g, 0.075e-3) / 3600 == pytest.approx(6.61, abs=0.05)
    assert expiry_s(g, 0.2e-3) == 0
    assert expiry_s(generator("Ge-68/Ga-68"), 1e-6) is None  # a limit at elution sets no hour


def test_bismuth_regrows_between_patients() -> None:
    # 45.6 min: half of equilibrium after one half-life, 94 % after three hours.
    g = generator("225Ac/213Bi")
    assert ingrown_Bq(1.0, g, 45.6 * 60) == pytest.approx(0.50, abs=0.005)
    assert ingrown_Bq(1.0, g, 3 * 3600.0) == pytest.approx(0.94, abs=0.005)
