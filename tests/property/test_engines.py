"""Dose engines: energy is kept, dose is linear, threads do not matter, and the split of the photon kernel does not show."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.core import BadInput
from lutetia.dosimetry import engines
from lutetia.dosimetry.engines import kernel_energy_MeV, local_energy_MeV
from lutetia.dosimetry.maps import AIR_FLOOR_G_ML, dose_map
from lutetia.imaging.volume import Geometry
from lutetia.nuclides import nuclide
from lutetia.transport.kernels import nuclide_kernels

SPACING = np.array([3.0, 2.5, 2.0])


def point(shape=(21, 25, 31)) -> np.ndarray:
    a = np.zeros(shape, np.float32)
    a[tuple(n // 2 for n in shape)] = 1e6
    return a


@pytest.mark.parametrize("name", ["Lu-177", "Tb-161", "I-131", "Ac-225"])
def test_charged_energy_is_kept(name: str) -> None:
    out = kernel_energy_MeV(point(), SPACING, name, progeny=True, radiations=("alpha", "electron"))
    for radiation, energy in out.items():
        assert energy.sum(dtype=float) == pytest.approx(1e6 * nuclide_kernels(name, progeny=True)[radiation].energy_MeV[-1], rel=1e-5)


def test_local_engine_deposits_the_decay_energy() -> None:
    out = local_energy_MeV(point(), "Lu-177")
    e = nuclide("Lu-177").energy_per_decay_MeV
    assert set(out) == {"electron"}
    assert out["electron"].sum(dtype=float) == pytest.approx(1e6 * (e["beta"] + e["electron"]), rel=2e-3)  # bremsstrahlung leaves


@settings(max_examples=8)
@given(st.floats(1e-3, 1e9), st.integers(0, 2**31))
def test_dose_is_linear_in_activity(scale: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = rng.random((12, 14, 16), np.float32), rng.random((12, 14, 16), np.float32)
    both, one, two = (kernel_energy_MeV(x, SPACING, "Lu-177") for x in (a + b, a, b))
    many = kernel_energy_MeV(a * np.float32(scale), SPACING, "Lu-177")
    for r in both:
        assert np.allclose(both[r], one[r] + two[r], rtol=2e-5, atol=2e-6 * both[r].max())
        assert np.allclose(many[r], one[r] * np.float32(scale), rtol=2e-5, atol=2e-6 * many[r].max())


def test_near_and_far_photons_meet(monkeypatch) -> None:
    rng = np.random.default_rng(3)
    a = np.zeros((70, 72, 74), np.float32)
    a[20:50, 25:50, 20:45] = rng.random((30, 25, 25))
    a[30, 40, 30] = 200.0
    split = kernel_energy_MeV(a, np.array([3.0] * 3), "Lu-177", radiations=("photon",))["photon"]
    monkeypatch.setattr(engines, "_coarse_factor", lambda *_: (1, 1, 1))
    whole = kernel_energy_MeV(a, np.array([3.0] * 3), "Lu-177", radiations=("photon",))["photon"]
    inside = a > 0
    assert split.sum(dtype=float) == pytest.approx(whole.sum(dtype=float), rel=0.005)
    assert np.max(np.abs(split[inside] / whole[inside] - 1)) < 0.03


@pytest.mark.parametrize(("shape", "spacing"), [((60, 128, 128), (5.0, 1.0, 1.0)), ((128, 60, 128), (1.0, 5.0, 1.0)), ((4, 300, 300), (5.0, 1.0, 1.0))])
def test_thick_slices_do_not_misplace_photons(shape: tuple[int, int, int], spacing: tuple[float, float, float]) -> None:
    """Energy between two radii of a point is that of the radial kernel, whatever the shape of the voxels."""
    a = point(shape)
    energy = kernel_energy_MeV(a, np.array(spacing), "Lu-177", radiations=("photon",))["photon"]
    kernel = nuclide_kernels("Lu-177")["photon"]
    r = np.sqrt(sum(((np.arange(n) - n // 2) * s).reshape([-1 if i == x else 1 for x in range(3)]) ** 2 for i, (n, s) in enumerate(zip(shape, spacing))))
    radii = np.geomspace(0.5, 1000, 3000)
    density = np.interp(r, np.sqrt(radii[1:] * radii[:-1]), np.diff(kernel.within(radii)) / (4 / 3 * np.pi * np.diff(radii**3)))
    for low, high in ((8, 15), (15, 25), (25, 40)):
        shell = (r > low) & (r < high)
        assert energy[shell].sum(dtype=float) == pytest.approx(1e6 * np.prod(spacing) * density[shell].sum(), rel=0.06)


def geometry(shape: tuple[int, int, int], mm: float = 4.0) -> Geometry:
    return Geometry(shape, np.diag([mm, mm, mm, 1.0]))


def patient(shape=(24, 28, 32)) -> tuple[np.ndarray, np.ndarray]:
    hu = np.full(shape, -1000.0)
    hu[2:-2, 3:-3, 3:-3] = 40.0
    hu[8:14, 8:14, 6:12] = -800.0
    hu[10:14, 16:20, 18:22] = 700.0
    decays = np.where(hu > -500, 1e6, 0.0).astype(np.float32)
    decays[12:16, 18:22, 20:24] = 5e7
    return hu, decays


@pytest.mark.parametrize("engine", ["local", "kernel", "monte-carlo"])
def test_engines_agree_in_soft_tissue_and_air_gets_no_huge_dose(engine: str) -> None:
    hu, decays = patient()
    total = dose_map(decays, geometry(hu.shape), "Lu-177", engine, hu=hu, histories=200_000).total_Gy
    hot = decays > 1e7
    expected = 5e7 * 0.1479 * 1.602e-13 / 0.064e-3
    assert total[hot & (hu < 100)].mean() == pytest.approx(expected, rel=0.15)
    assert total[hu < -950].max() < total[hot].max()
    assert np.all(np.isfinite(total)) and total.min() >= 0


def test_energy_in_air_is_divided_by_the_floor() -> None:
    hu, decays = patient()
    beside = np.zeros_like(decays)
    beside[12, 14, 3] = 1e9  # at the skin: electrons step out into air
    d = dose_map(beside, geometry(hu.shape), "Y-90", "kernel", hu=hu)
    air = hu < -950
    energy = kernel_energy_MeV(beside, np.array([4.0] * 3), "Y-90", radiations=("electron",))["electron"]
    assert energy[air].max() > 0
    limit = energy[air].max() * 1.602176634e-13 / (0.064e-3 * AIR_FLOOR_G_ML)
    assert d.by_radiation_Gy["electron"][air].max() == pytest.approx(limit, rel=1e-4)


def test_monte_carlo_is_the_same_for_one_and_two_threads() -> None:
    import numba

    hu, decays = patient()
    doses = []
    before = numba.get_num_threads()
    try:
        for n in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
            numba.set_num_threads(n)
            doses.append(dose_map(decays, geometry(hu.shape), "Lu-177", "monte-carlo", hu=hu, histories=50_000, seed=5).total_Gy)
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(doses[0], doses[1])


def test_a_region_smaller_than_a_block_of_the_monte_carlo_has_an_uncertainty() -> None:
    """Voxels of 1 mm are gathered by threes: a lesion of one voxel beside a block's centre holds no centre."""
    shape = (12, 12, 12)
    decays, small, large = np.full(shape, 1e6, np.float32), np.zeros(shape, bool), np.zeros(shape, bool)
    small[3, 3, 3], large[6:9, 6:9, 6:9] = True, True
    for masks in ({"small": small}, {"large": large, "small": small}):
        d = dose_map(decays, geometry(shape, 1.0), "Lu-177", "monte-carlo", hu=np.zeros(shape), masks=masks, histories=20_000)
        assert all(0 < u < 0.5 for u in d.photon_relative_u.values()) and set(d.photon_relative_u) == set(masks)


def test_a_body_outline_replaces_a_ct() -> None:
    hu, decays = patient()
    body = hu > -900
    d = dose_map(decays, geometry(hu.shape), "Lu-177", "monte-carlo", body=body, histories=50_000)
    assert d.density_g_mL[body].min() == 1.0 and d.density_g_mL[~body].max() < 0.01
    assert any("no CT" in n for n in d.notes)


def test_engines_that_cannot_run_say_so() -> None:
    _, decays = patient()
    with pytest.raises(BadInput, match="CT or a body outline"):
        dose_map(decays, geometry(decays.shape), "Lu-177", "monte-carlo")
    with pytest.raises(BadInput, match="choose one of"):
        dose_map(decays, geometry(decays.shape), "Lu-177", "gate")
