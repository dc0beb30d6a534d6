"""Invariants of cellular S-values, hits and specific energies, against ways of computing them that share nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from lutetia.core import stream
from lutetia.dosimetry.cells import (
    COMPARTMENTS,
    CellGeometry,
    cell_kernels,
    cell_s_Gy_per_Bq_s,
    cross_s_Gy_per_Bq_s,
    kernel_s_Gy_per_Bq_s,
)
from lutetia.dosimetry.microdosimetry import (
    alpha_lines,
    hit_probability,
    multi_event_spectrum,
    single_event_spectrum,
)
from lutetia.nuclides import nuclide
from lutetia.transport.alpha_tracks import alpha_tracks
from lutetia.transport.alphas import alpha_kernel
from lutetia.transport.radial import RadialKernel
from lutetia.transport.spheres import sphere_absorbed_MeV

GY_G = 1.602176634e-10
cells = some.tuples(some.floats(1.5, 15.0), some.floats(0.2, 0.98)).map(lambda x: CellGeometry(x[0], x[0] * x[1]))
nuclides = some.sampled_from(["Lu-177", "Y-90", "Tb-161", "Ac-225", "At-211", "Po-213"])
models = some.sampled_from(["mird", "kernel"])


def sampled_S(kernel, geometry, target, source, distance, n=400_000):
    """The S-value by throwing points: energy of random shells of the kernel, at random points of the source, in random directions."""
    rng = stream(1, "cells", target, source, str(distance))
    R = geometry.radius_um(target)
    a, b = {"N": (0, geometry.nucleus_radius_um), "Cy": (geometry.nucleus_radius_um, geometry.cell_radius_um), "C": (0, geometry.cell_radius_um), "CS": (geometry.cell_radius_um,) * 2}[source]
    u = rng.normal(size=(2, n, 3))
    u /= np.linalg.norm(u, axis=2, keepdims=True)
    point = u[0] * np.cbrt(a**3 + rng.random(n) * (b**3 - a**3))[:, None] + [0, 0, distance]
    near, far = max(0.0, distance - b - R), min(distance + b + R, 1000 * kernel.radius_mm[-1])
    low, high = kernel.within(near / 1000), kernel.within(far / 1000)
    r = np.linspace(near, far, 20_001)
    drawn = np.interp(low + rng.random(n) * (high - low), kernel.within(r / 1000), r)
    inside = np.linalg.norm(point + u[1] * drawn[:, None], axis=1) < R
    return inside.mean() * (high - low) * GY_G / geometry.mass_g(target), 1 / np.sqrt(max(inside.sum(), 1))


@pytest.mark.parametrize("source", COMPARTMENTS)
@pytest.mark.parametrize(("target", "distance"), [("N", 0.0), ("C", 0.0), ("N", 10.0), ("C", 10.0), ("C", 37.0)])
@pytest.mark.parametrize(("name", "radiation"), [("Tb-161", "electron"), ("At-211", "alpha")])
def test_the_integral_is_what_random_points_give(source, target, distance, name, radiation):
    geometry = CellGeometry(5.0, 3.0)
    kernel = cell_kernels(name, electrons="kernel")[radiation]
    ours = float(kernel_s_Gy_per_Bq_s(kernel, geometry, target, source, np.array([distance]) if distance else None)[0])
    other, u = sampled_S(kernel, geometry, target, source, distance)
    assert ours == pytest.approx(other, rel=4 * u + 2e-3)


@given(cells, nuclides, models, some.floats(2.0, 60.0))
def test_reciprocity(geometry, name, model, far):
    """In one medium, uniform sources: S(C <- N) = S(N <- C), within a cell and between two."""
    d = np.array([far * geometry.cell_radius_um])
    for k in cell_kernels(name, electrons=model).values():
        for distance in (None, d):
            one, other = (kernel_s_Gy_per_Bq_s(k, geometry, t, s, distance)[0] for t, s in (("C", "N"), ("N", "C")))
            assert one == pytest.approx(other, rel=3e-4, abs=1e-22)


@given(cells, nuclides, models)
def test_the_cell_is_the_sum_of_its_parts(geometry, name, model):
    s = cell_s_Gy_per_Bq_s(name, geometry, electrons=model)
    share = (geometry.nucleus_radius_um / geometry.cell_radius_um) ** 3
    for r in s["N<-C"]:
        assert s["N<-C"][r] == pytest.approx(share * s["N<-N"][r] + (1 - share) * s["N<-Cy"][r], rel=3e-4)
        assert 0 <= s["N<-CS"][r] <= s["N<-Cy"][r] * 1.001 <= s["N<-N"][r] * 1.002


@given(some.floats(1.0, 500.0), nuclides)
def test_a_cell_is_a_sphere(radius, name):
    """The closed form of a sphere's self-dose, 1 - 3r/4a + r^3/16a^3, is another way to the same number."""
    geometry = CellGeometry(radius, radius)
    for k in cell_kernels(name, electrons="kernel").values():
        ours = float(kernel_s_Gy_per_Bq_s(k, geometry, "C", "C")[0]) * geometry.mass_g("C") / GY_G
        assert ours == pytest.approx(sphere_absorbed_MeV(k, radius / 1000), rel=5e-4)
        assert ours <= k.emitted_MeV * (1 + 1e-9)


@given(some.floats(5.0, 12.0), some.floats(0.3, 0.9), some.floats(200.0, 1000.0))
def test_far_away_a_cell_is_a_point(radius, part, d):
    """S tends to the dose rate at the distance, dK/dr / (4 pi d^2)."""
    geometry = CellGeometry(radius, part * radius)
    k = cell_kernels("Y-90")["electron"]
    step = 2.0
    point = float(k.within((d + step) / 1000) - k.within((d - step) / 1000)) / (2 * step) / (4 * np.pi * d * d) * 1e12 * GY_G
    for source in COMPARTMENTS:
        assert float(kernel_s_Gy_per_Bq_s(k, geometry, "N", source, np.array([d]))[0]) == pytest.approx(point, rel=5e-3)


@given(cells, some.sampled_from(["Ac-225", "At-211", "Po-213", "Pb-212"]), some.sampled_from(["N<-N", "N<-Cy", "N<-CS", "N<-C", "C<-C"]), some.integers(1, 10**6))
@settings(max_examples=12)
def test_tracks_and_integrals_prove_each_other(geometry, name, pair, seed):
    target, source = pair.split("<-")
    e = single_event_spectrum(name, geometry, target, source, progeny=True, tracks=60_000, seed=seed)
    s = cell_s_Gy_per_Bq_s(name, geometry, progeny=True)[pair]
    p = hit_probability(name, geometry, target, source, progeny=True)
    n = e.hits_per_alpha * e.tracks
    assert e.hits_per_alpha == pytest.approx(p, abs=5 * np.sqrt(p * (1 - p) / e.tracks) + 1e-3 * p + 1e-9)
    assert e.frequency_mean_Gy * e.hits_per_decay == pytest.approx(s["alpha"] + s["recoil"], rel=6 / np.sqrt(n) + 1e-3)
    assert e.dose_mean_Gy >= e.frequency_mean_Gy
    assert e.probability.sum() == pytest.approx(1, rel=1e-12)


@pytest.mark.parametrize("source", COMPARTMENTS)
@pytest.mark.parametrize("distance", [10.0, 40.0])
def test_tracks_from_another_cell(source, distance):
    geometry = CellGeometry(5.0, 4.0)
    e = single_event_spectrum("At-211", geometry, "N", source, distance_um=distance, progeny=True, tracks=1_000_000)
    s = float(cross_s_Gy_per_Bq_s("At-211", geometry, "N", source, distance, progeny=True)["alpha"])
    u = 1 / np.sqrt(e.hits_per_alpha * e.tracks)
    assert e.hits_per_alpha == pytest.approx(hit_probability("At-211", geometry, "N", source, distance_um=distance, progeny=True), rel=4 * u)
    assert e.frequency_mean_Gy * e.hits_per_decay == pytest.approx(s, rel=5 * u)


def test_in_a_large_ball_a_track_leaves_all_it_has():
    E, number, recoil = alpha_lines("Ac-225", progeny=True)
    t = alpha_tracks(E, number, (500.0, 600.0), (0.0, 50.0), recoil_MeV=recoil, tracks=50_000)
    assert t.inner_MeV == pytest.approx(t.outer_MeV)
    assert set(np.round(np.unique(t.inner_MeV), 6)) <= set(np.round(E + recoil, 6))
    chain = nuclide("Ac-225"), 27.48 + 0.5133  # MeV of alphas and recoils, ICRP 107
    assert t.inner_MeV.mean() * number.sum() == pytest.approx(chain[1], rel=2e-3)


@given(some.sampled_from([("N", "N"), ("N", "CS"), ("C", "C")]), some.floats(-3.0, 2.5))
@settings(max_examples=25)
def test_multi_event_spectra_conserve(pair, exponent):
    """Mean and variance of a compound Poisson distribution, and its share that is not hit."""
    e = single_event_spectrum("Ac-225", CellGeometry(5.0, 4.0), *pair, tracks=50_000)
    D = 10.0**exponent
    m = multi_event_spectrum(e, D)
    p = m.probability
    mean = float(p @ m.z_Gy)
    assert mean == pytest.approx(D, rel=1e-6)
    assert float(p @ m.z_Gy**2) - mean**2 == pytest.approx(D * e.dose_mean_Gy, rel=5e-3)
    assert m.fraction_not_hit == pytest.approx(np.exp(-D / e.frequency_mean_Gy), rel=1e-12)
    assert float(p.sum()) + m.fraction_not_hit == pytest.approx(1, abs=1e-9)
    assert np.all(p >= 0)


def test_multi_event_spectrum_of_drawn_nuclei():
    """Nuclei drawn one by one: a Poisson number of tracks each, their energies added."""
    geometry, D = CellGeometry(5.0, 4.0), 0.6
    e = single_event_spectrum("Po-213", geometry, "N", "CS", tracks=1_000_000)
    m = multi_event_spectrum(e, D)
    E, number, _ = alpha_lines("Po-213")
    hits = alpha_tracks(E, number, (4.0, 5.0), (5.0, 5.0), tracks=1_000_000, seed=2).inner_MeV * GY_G / geometry.mass_g("N")
    hits = hits[hits > 0]
    rng = stream(3, "drawn nuclei")
    n = rng.poisson(m.mean_hits, 50_000)
    z = np.bincount(np.repeat(np.arange(50_000), n), rng.choice(hits, n.sum()), minlength=50_000)
    assert np.mean(n == 0) == pytest.approx(m.fraction_not_hit, abs=4 * np.sqrt(m.fraction_not_hit / 50_000))
    below = m.fraction_not_hit + np.cumsum(m.probability)
    for level in (0.1, 0.3, 0.6, 1.0, 1.5):
        assert np.mean(z <= level) == pytest.approx(float(np.interp(level, m.z_Gy, below)), abs=0.01)


def test_hits_of_thin_air_are_those_of_solid_angles():
    """A surface of 10 um sees a nucleus of 8 um under (1 - 0.6) / 2 of all directions; on its own surface, under half."""
    assert hit_probability("Ac-225", CellGeometry(10.0, 8.0), "N", "CS") == pytest.approx(0.2, rel=1e-9)
    assert hit_probability("Ac-225", CellGeometry(10.0, 8.0), "C", "CS") == pytest.approx(0.5, rel=1e-12)
    assert hit_probability("Ac-225", CellGeometry(10.0, 8.0), "C", "Cy") == pytest.approx(1, rel=1e-12)
    assert hit_probability("Ac-225", CellGeometry(10.0, 8.0), "N", "C", distance_um=200.0) == 0


def test_alphas_split_from_their_recoil_are_the_kernel_of_both():
    whole = alpha_kernel(nuclide("Ac-225"))
    parts = cell_kernels("Ac-225")
    assert isinstance(parts["recoil"], RadialKernel)
    assert parts["alpha"].energy_MeV[-1] + parts["recoil"].energy_MeV[-1] == pytest.approx(whole.energy_MeV[-1], rel=1e-12)
