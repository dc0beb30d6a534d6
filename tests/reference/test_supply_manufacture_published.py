"""Yields, labels, clocks and purities against what is published."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lutetia.nuclides import nuclide
from lutetia.supply.manufacture import (
    Dose,
    Product,
    dose_volume_mL,
    earliest_reading_s,
    elapsed_at_volume_s,
    equilibrium_ratios,
    fill,
    process,
    product_label,
    shown_fraction,
    start_for_doses_Bq,
    success_interval,
)

RHPSMA = process("18F-rhPSMA-7")


def test_243_batches_of_rhpsma() -> None:
    """Start 89 GBq, product 43.6 GBq, yield 49.2 %, 291 GBq/umol of 150 nmol, 2410 MBq/mL in 17.7 mL (doi:10.1186/s41181-021-00120-5, table 2)."""
    # Product over start is the yield itself: it is not corrected for the decay of 16 min, or 89 GBq would give 39.6 GBq.
    published, corrected = 43.6 / 89, 89 * 0.492 * 0.5 ** (16 / 109.77)
    assert published == pytest.approx(0.492, rel=0.01) and corrected == pytest.approx(39.6, abs=0.1)
    assert RHPSMA.yield_fraction == pytest.approx(0.492 * 2 ** (16 / 109.77), rel=1e-3) and RHPSMA.yield_fraction == pytest.approx(0.544, abs=0.001)
    batch = fill(RHPSMA, 89e9, Product(17.7, ligand_nmol=150.0))
    late = math.exp(nuclide("F-18").decay_constant_per_s * (batch.release_s - RHPSMA.synthesis_s))
    made = sum(batch.ledger_Bq[k] for k in ("doses", "stock", "residue", "samples")) * late
    assert made == pytest.approx(43.6e9, rel=0.01)
    assert made / 17.7 == pytest.approx(2410e6, rel=0.03)
    assert batch.concentration_Bq_mL * late == pytest.approx(2410e6, rel=0.03)
    assert batch.vial is not None
    assert batch.vial.activity_Bq * late / batch.vial.ligand_nmol == pytest.approx(290.9e6, rel=0.01)


def test_success_of_243_batches() -> None:
    assert RHPSMA.success == pytest.approx(0.988, abs=5e-4) and (RHPSMA.batches, RHPSMA.failures) == (243, 3)
    low, high = success_interval(243, 3)
    assert low < 0.988 < high


@pytest.mark.parametrize(("batches", "failures", "low", "high"), [(10, 5, 0.1871, 0.8129), (20, 0, 0.8316, 1.0), (10, 1, 0.5550, 0.9975)])
def test_exact_intervals_as_in_tables_of_the_binomial(batches: int, failures: int, low: float, high: float) -> None:
    """5 of 10: 18.71 to 81.29 %; 20 of 20: from 83.16 % (0.025^(1/20)); 9 of 10: 55.50 to 99.75 %."""
    assert success_interval(batches, failures) == (pytest.approx(low, abs=2e-4), pytest.approx(high, abs=2e-4))


def test_the_spread_of_product_is_about_that_of_yield_and_start_together() -> None:
    """9.3 of 43.6 GBq; 8.6 of 49.2 % and 14 of 89 GBq, if one knew nothing of the other, would give 23 %."""
    batch = fill(RHPSMA, 89e9, Product(17.7))
    relative = batch.u_release_Bq / batch.release_Bq
    assert relative == pytest.approx(8.6 / 49.2, rel=1e-9)
    assert math.hypot(relative, 14 / 89) == pytest.approx(9.3 / 43.6, rel=0.12)


@pytest.mark.parametrize(("product", "volume", "hours"), [("Pluvicto", 12.5, 120.0), ("Pluvicto", 7.5, 3.1), ("Lutathera", 25.0, 51.4), ("Lutathera", 20.5, 5.7)])
def test_volumes_of_labels(product: str, volume: float, hours: float) -> None:
    """The volumes that labels allow hold 7.4 GBq at these times after calibration."""
    label = product_label(product)
    assert label.concentration_Bq_mL is not None and label.activity_Bq == 7.4e9
    at = elapsed_at_volume_s("Lu-177", label.concentration_Bq_mL, 7.4e9, volume) / 3600
    assert at == pytest.approx(hours, abs=0.8 if hours == 120 else 0.15)
    in_volume = volume * label.concentration_Bq_mL * 0.5 ** (hours / (6.647 * 24))
    assert in_volume == pytest.approx(7.4e9, rel=0.01)
    assert dose_volume_mL("Lu-177", label.concentration_Bq_mL, 7.4e9, hours * 3600) == pytest.approx(volume, rel=0.01)


def test_pluvicto_at_its_120_hours_needs_12_5_GBq() -> None:
    """12.46 GBq at calibration are 7.4 GBq 120 h later; with a yield of one and nothing lost they are the start."""
    from lutetia.supply.manufacture import Process

    ideal = Process("ideal", "Lu-177", 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 432000.0, "none")
    assert start_for_doses_Bq(ideal, [Dose("p", 7.4e9, 120 * 3600.0)]) == pytest.approx(12.46e9, rel=2e-3)


def test_the_clock_of_actinium() -> None:
    """After five half-lives of 213Bi (45.6 min, 3.8 h) a reading lacks 3.5 %; within 3 % it is from 4.0 h."""
    assert 1 - shown_fraction("Ac-225", "Bi-213", 5 * 45.6 * 60) == pytest.approx(0.035, abs=0.001)
    # Without 221Fr in between it would be 2^-5.
    assert 1 - shown_fraction("Ac-225", "Bi-213", 5 * 45.6 * 60) > 2**-5
    assert earliest_reading_s("Ac-225", "Bi-213", 0.03) / 3600 == pytest.approx(4.0, abs=0.05)
    assert earliest_reading_s("Ac-225", "Bi-213", 0.05) / 3600 == pytest.approx(3.4, abs=0.05)
    # Six half-lives of 221Fr (PMC8153125) are enough through it: 1.6 % are missing.
    assert 1 - shown_fraction("Ac-225", "Fr-221", 6 * 4.9 * 60) == pytest.approx(2**-6, rel=0.05)


def test_growth_of_213bi_by_the_textbook() -> None:
    """Bateman's sums over 225Ac, 221Fr, 213Bi (217At, 33 ms, left out), written out."""
    a, b, c = (math.log(2) / x for x in (10.0 * 86400, 4.9 * 60, 45.59 * 60))
    t = np.array([600.0, 3600.0, 14400.0, 86400.0])
    bi = b * c * (np.exp(-a * t) / ((b - a) * (c - a)) + np.exp(-b * t) / ((a - b) * (c - b)) + np.exp(-c * t) / ((a - c) * (b - c)))
    settled = b * c / ((b - a) * (c - a))
    assert shown_fraction("Ac-225", "Bi-213", t) == pytest.approx(bi * np.exp(a * t) / settled, rel=2e-3)
    assert equilibrium_ratios("Ac-225")["Bi-213"] == pytest.approx(settled, rel=2e-4)  # 217At leaves the line in 0.01 % of its decays
