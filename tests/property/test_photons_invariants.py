"""What must hold for any source, medium and seed."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.core import BadInput
from lutetia.nuclides.model import Lines
from lutetia.transport.materials import CT_MATERIALS, Medium, medium_from_hu, unit_density_medium
from lutetia.transport.photon_mc import simulate_photons

LINES = Lines(np.array([0.002, 0.0556, 0.1129, 0.2084, 0.7, 2.6]), np.array([0.3, 0.05, 0.06, 0.1, 0.02, 0.03]))


def patient(seed: int = 0) -> tuple[np.ndarray, Medium]:
    """Random CT numbers from air to bone, with activity in a few voxels."""
    rng = np.random.default_rng(seed)
    hu = rng.choice([-1000.0, -700.0, -80.0, 30.0, 40.0, 300.0, 1200.0], (12, 14, 16))
    source = np.where(rng.random(hu.shape) < 0.1, rng.random(hu.shape), 0.0)
    source[6, 7, 8] = 1
    return source, medium_from_hu(hu)


@given(st.integers(0, 2**32), st.tuples(*[st.floats(0.5, 40)] * 3))
@settings(max_examples=15)
def test_every_analog_history_balances(seed: int, spacing_mm: tuple[float, float, float]) -> None:
    source, medium = patient(seed % 7)
    r = simulate_photons(source, medium, spacing_mm, LINES, histories=2000, seed=seed, estimator="analog")
    assert r.imbalance is not None and r.imbalance < 1e-9
    assert r.energy_MeV.sum() + r.escaped_MeV == pytest.approx(r.emitted_MeV, rel=1e-9)
    assert (r.energy_MeV >= 0).all() and (r.u_energy_MeV >= 0).all()


def test_track_length_balances_within_statistics_and_agrees_with_analog() -> None:
    source, medium = patient()
    everywhere = np.ones(source.shape, int)
    track = simulate_photons(source, medium, (10, 9, 8), LINES, histories=200_000, seed=1, labels=everywhere)
    analog = simulate_photons(source, medium, (10, 9, 8), LINES, histories=200_000, seed=2, labels=everywhere, estimator="analog")
    assert track.imbalance is None
    assert track.energy_MeV.sum() + track.escaped_MeV == pytest.approx(track.emitted_MeV, rel=0.01)
    u = np.hypot(track.u_region_energy_MeV[0], analog.u_region_energy_MeV[0])
    assert abs(track.region_energy_MeV[0] - analog.region_energy_MeV[0]) < 4 * u
    assert track.region_energy_MeV[0] == pytest.approx(track.energy_MeV.sum(), rel=1e-9)
    counted = (analog.u_energy_MeV < 0.2 * analog.energy_MeV) & (medium.density_g_mL > 0.1)  # air is hit too seldom to know its error
    pull = ((track.energy_MeV - analog.energy_MeV) / np.hypot(track.u_energy_MeV, analog.u_energy_MeV))[counted]
    assert counted.sum() > 500
    assert 0.7 < np.sqrt(np.mean(pull**2)) < 1.6  # the standard errors are neither too small nor too large


def test_result_does_not_depend_on_the_number_of_threads() -> None:
    source, medium = patient()
    before = numba.get_num_threads()
    try:
        results = []
        for threads in (1, 2):
            numba.set_num_threads(min(threads, before))
            results.append(simulate_photons(source, medium, (4, 4, 4), LINES, histories=5000, seed=11))
    finally:
        numba.set_num_threads(before)
    one, two = results
    assert np.array_equal(one.energy_MeV, two.energy_MeV) and np.array_equal(one.u_energy_MeV, two.u_energy_MeV)
    assert one.escaped_MeV == two.escaped_MeV


def test_twice_the_decays_give_twice_the_energy_and_another_seed_another_result() -> None:
    source, medium = patient()
    once = simulate_photons(source, medium, (4, 4, 4), LINES, histories=3000, seed=1)
    twice = simulate_photons(2 * source, medium, (4, 4, 4), LINES, histories=3000, seed=1)
    np.testing.assert_allclose(twice.energy_MeV, 2 * once.energy_MeV, rtol=1e-9)
    assert twice.emitted_MeV == pytest.approx(2 * once.emitted_MeV)
    other = simulate_photons(source, medium, (4, 4, 4), LINES, histories=3000, seed=2)
    assert not np.array_equal(once.energy_MeV, other.energy_MeV)


def test_error_shrinks_with_the_root_of_the_histories() -> None:
    source, medium = patient()
    few = simulate_photons(source, medium, (8, 8, 8), LINES, histories=10_000, seed=1, batches=20)
    many = simulate_photons(source, medium, (8, 8, 8), LINES, histories=160_000, seed=1, batches=20)
    ratio = np.median(few.u_energy_MeV[few.u_energy_MeV > 0]) / np.median(many.u_energy_MeV[many.u_energy_MeV > 0])
    assert 3.0 < ratio < 5.5


def test_mirrored_geometry_gives_the_mirrored_result() -> None:
    """Axes are not mixed up: reversing and permuting axes permutes the result, within statistics."""
    source, medium = patient(3)
    spacing = (9.0, 6.0, 4.0)
    straight = simulate_photons(source, medium, spacing, LINES, histories=100_000, seed=1)
    turned = Medium(medium.density_g_mL.transpose(2, 0, 1)[::-1].copy(), medium.material.transpose(2, 0, 1)[::-1].copy(), medium.names)
    other = simulate_photons(source.transpose(2, 0, 1)[::-1].copy(), turned, (4.0, 9.0, 6.0), LINES, histories=100_000, seed=2)
    back, u_back = other.energy_MeV[::-1].transpose(1, 2, 0), other.u_energy_MeV[::-1].transpose(1, 2, 0)
    pull = (straight.energy_MeV - back) / np.hypot(straight.u_energy_MeV, u_back)
    assert np.sqrt(np.mean(pull**2)) < 1.6


def test_soft_lines_stay_in_their_voxel() -> None:
    source, medium = patient()
    r = simulate_photons(source, medium, (4, 4, 4), Lines(np.array([0.002]), np.array([0.3])), histories=100, seed=1, labels=(source > 0).astype(int))
    np.testing.assert_allclose(r.energy_MeV, source * 0.0006)
    assert r.histories == 0 and r.escaped_MeV == 0 and r.region_energy_MeV[0] == pytest.approx(0.0006 * source.sum())


def test_air_around_the_body_changes_nothing() -> None:
    source, medium = np.zeros((20, 20, 20)), np.full((20, 20, 20), -1000.0)
    medium[6:14, 6:14, 6:14], source[10, 10, 10] = 40.0, 1
    whole = simulate_photons(source, medium_from_hu(medium), (10, 10, 10), LINES, histories=5000, seed=1)
    cut = simulate_photons(source[6:14, 6:14, 6:14], medium_from_hu(medium[6:14, 6:14, 6:14]), (10, 10, 10), LINES, histories=5000, seed=1)
    assert np.array_equal(whole.energy_MeV[6:14, 6:14, 6:14], cut.energy_MeV)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": np.ones((2, 2, 3))}, "resample"), ({"source": -np.ones((2, 2, 2))}, "negative"), ({"source": np.zeros((2, 2, 2))}, "above zero"),
        ({"source": np.full((2, 2, 2), np.nan)}, "finite"), ({"histories": 5}, "batch"), ({"batches": 1}, "batch"), ({"estimator": "collision"}, "estimator"),
        ({"spacing_mm": (1, 1, 0)}, "voxel size"), ({"lines": Lines(np.array([11.0]), np.array([1.0]))}, "10 MeV"), ({"cut_MeV": 0.5}, "cut"), ({"labels": np.ones((1, 1, 1), int)}, "labels"),
        ({"labels": np.full((2, 2, 2), -1)}, "Labels"), ({"labels": np.full((2, 2, 2), 0.5)}, "Labels"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(change: dict, words: str) -> None:
    given_ = {"source": np.ones((2, 2, 2)), "medium": unit_density_medium((2, 2, 2)), "spacing_mm": (1, 1, 1), "lines": LINES, "histories": 100, "seed": 1} | change
    with pytest.raises(BadInput, match=words):
        simulate_photons(**given_)


def test_progress_ends_at_one() -> None:
    seen: list[float] = []
    simulate_photons(np.ones((2, 2, 2)), unit_density_medium((2, 2, 2)), (1, 1, 1), LINES, histories=100, seed=1, progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0
    assert len(CT_MATERIALS) == 14
