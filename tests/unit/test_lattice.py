"""Cells on a lattice, and sums over pairs of them."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.dosimetry.lattice import ball_of_cells, smoothed, sum_over_cells, volume_per_cell_um3


@pytest.mark.parametrize(("packing", "first_shells"), [("fcc", [1, 12, 6, 24]), ("cubic", [1, 6, 12, 8])])
def test_neighbours_of_the_middle(packing: str, first_shells: list[int]) -> None:
    """Coordination numbers of the two lattices."""
    lattice = ball_of_cells(10.0, cells=2000, packing=packing)
    _, counts = np.unique(lattice.distance_um.round(6), return_counts=True)
    assert counts[:4].tolist() == first_shells
    assert lattice.distance_um[lattice.distance_um > 0].min() == pytest.approx(10.0)


@pytest.mark.parametrize("packing", ["fcc", "cubic"])
def test_a_ball_of_a_diameter_is_filled(packing: str) -> None:
    """Cells times the space of one is the ball's volume; the outermost centre lies near its surface."""
    lattice = ball_of_cells(12.0, diameter_um=300.0, packing=packing)
    assert len(lattice.site) * volume_per_cell_um3(packing, 12.0) == pytest.approx(math.pi / 6 * 300.0**3, rel=1e-3)
    assert 130 < lattice.distance_um.max() < 155


@pytest.mark.parametrize("packing", ["fcc", "cubic"])
def test_sums_are_those_of_all_pairs(packing: str) -> None:
    """Against the sum written out over pairs, with a kernel that ends and one that does not."""
    lattice = ball_of_cells(10.0, cells=700, packing=packing)
    sources = np.random.default_rng(5).exponential(size=700)
    kernels = {"far": lambda d: 1 / d**2, "near": lambda d: np.exp(-d / 9) * (d <= 35)}
    found = sum_over_cells(lattice, sources, kernels, {"far": math.inf, "near": 35.0})
    x = lattice.site * lattice.step_um
    d = np.linalg.norm(x[:, None] - x[None], axis=2)
    for name, kernel in kernels.items():
        pairs = np.where(d > 0, kernel(np.where(d > 0, d, 1.0)), 0.0) @ sources
        assert found[name] == pytest.approx(pairs, rel=2e-5)


def test_smoothing_makes_neighbours_alike() -> None:
    lattice = ball_of_cells(10.0, cells=20_000)
    noise = np.random.default_rng(2).standard_normal(20_000)
    soft = smoothed(lattice, noise, 30.0)
    near = np.argsort(lattice.distance_um)[:13]
    assert np.std(soft[near]) < 0.65 * np.std(soft) and np.std(noise[near]) > 0.65


def test_what_is_refused() -> None:
    for bad in ({"diameter_um": 100.0, "cells": 5}, {}, {"cells": 10**8}, {"cells": 5, "packing": "hcp"}, {"cells": 0}):
        with pytest.raises(BadInput):
            ball_of_cells(10.0, **bad)  # type: ignore[arg-type]
