"""CT numbers to density and material."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.transport.materials import (
    AIR_DENSITY_G_ML,
    Medium,
    composition,
    density_from_hu,
    medium_from_hu,
    nominal_density_g_mL,
    unit_density_medium,
)


def hu_block(*values: float) -> np.ndarray:
    return np.array(values, float).reshape(1, 1, -1)


@pytest.mark.parametrize(
    ("hu", "density"),
    # Schneider 2000, doi 10.1088/0031-9155/45/2/314: equations 21 (adipose to soft), 23 (connective tissue), 19 (bone)
    [(-50.0, 1.018 - 0.893e-3 * 50), (20.0, 1.03), (60.0, 1.003 + 1.169e-3 * 60), (500.0, 1.017 + 0.592e-3 * 500), (1500.0, 1.017 + 0.592e-3 * 1500), (2500.0, 1.017 + 0.592e-3 * 2500)],
)
def test_density_follows_the_equations_of_schneider(hu: float, density: float) -> None:
    assert density_from_hu(np.array([hu]))[0] == pytest.approx(density, abs=5e-4)


def test_nothing_is_lighter_than_air_and_the_curve_stops_at_3071() -> None:
    low, ct_floor, high, metal = density_from_hu(np.array([-5000.0, -1024.0, 3071.0, 30000.0]))
    assert low == ct_floor
    assert low >= AIR_DENSITY_G_ML
    assert high == metal


def test_materials_by_ct_number() -> None:
    medium = medium_from_hu(hu_block(-1000, -700, -80, 40, 250, 1600, 3000))
    assert [medium.names[m] for m in medium.material.ravel()] == ["air", "lung", "adipose", "soft_tissue", "bone_30", "bone_100", "bone_100"]
    assert medium.density_g_mL.dtype == np.float32 and medium.material.dtype == np.uint8


def test_bone_has_the_calcium_that_schneider_gives_it() -> None:
    # Schneider 2000, table 6: 4.5 % Ca at 100-200 HU, 6.4 % at 200-300, 22 % or so in the densest class
    medium = medium_from_hu(hu_block(150, 250, 1550))
    calcium = [composition(medium.names[m])[20] for m in medium.material.ravel()]
    assert calcium == pytest.approx([0.045, 0.064, 0.225], abs=0.02)


def test_own_calibration_curve() -> None:
    medium = medium_from_hu(hu_block(-1000, 0, 500), curve=[(-1000, 0.001), (0, 1.0), (1000, 1.5)])
    assert medium.density_g_mL.ravel() == pytest.approx([AIR_DENSITY_G_ML, 1.0, 1.25])


@pytest.mark.parametrize("curve", ["schneider1996", [(0, 1.0)], [(100, 1.0), (0, 1.1)], [(-1000, 0.0), (0, 1.0)], [(0, np.nan), (1, 2)]])
def test_bad_curves_are_refused(curve: object) -> None:
    with pytest.raises(BadInput):
        medium_from_hu(hu_block(0), curve=curve)  # type: ignore[arg-type]


def test_ct_that_is_not_finite_is_refused() -> None:
    with pytest.raises(BadInput, match="finite"):
        medium_from_hu(hu_block(0, np.nan))
    with pytest.raises(BadInput, match="3-D"):
        medium_from_hu(np.zeros((2, 2)))


@pytest.mark.parametrize("name", ["air", "water", "lung", "soft_tissue", "red_marrow", "bone_10", "bone_70", "bone_100"])
def test_mass_fractions_sum_to_one(name: str) -> None:
    assert sum(composition(name).values()) == pytest.approx(1, abs=1e-12)


def test_unknown_material_names_its_neighbour() -> None:
    with pytest.raises(BadInput, match="adipose"):
        composition("adipos")
    with pytest.raises(BadInput):
        composition("bone_15")
    with pytest.raises(BadInput):
        nominal_density_g_mL("bone_20")


def test_medium_checks_itself() -> None:
    with pytest.raises(BadInput, match="shape"):
        Medium(np.ones((2, 2, 2), np.float32), np.zeros((2, 2, 3), np.uint8), ("water",))
    with pytest.raises(BadInput, match="index 1"):
        Medium(np.ones((2, 2, 2), np.float32), np.ones((2, 2, 2), np.uint8), ("water",))


def test_mass_of_a_litre_of_water() -> None:
    assert unit_density_medium((10, 10, 10)).mass_kg((10, 10, 10)).sum() == pytest.approx(1.0)
