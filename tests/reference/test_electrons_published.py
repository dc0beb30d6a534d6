"""Electron kernels against published point kernels, spheres and voxels."""

import csv
import math

import numpy as np
import pytest

from lutetia.nuclides import nuclide
from lutetia.transport.electron_kernels import electron_kernel, mono_electron_kernel

GY_G = 1.602176634e-10

# 90Y betas in water by EGSnrc, MeV per decay within each radius in mm: sums of the 0.1 mm shells of Graves,
# Flynn, Hyer 2019 (doi 10.1002/mp.13789, data zenodo.org/record/2564036).
GRAVES_WITHIN = {
    0.5: 0.10306, 1: 0.20657, 1.5: 0.30657, 2: 0.40116, 2.5: 0.48901, 3: 0.56943,
    3.5: 0.64159, 4: 0.70531, 4.5: 0.75993, 5: 0.80538, 5.5: 0.84215, 6: 0.87077,
    6.5: 0.89193, 7: 0.90689, 7.5: 0.91688, 8: 0.92314, 10: 0.92972,
}


def sphere_MeV(kernel, a):
    """Energy absorbed in a sphere of radius a (mm) with a uniform source."""
    r = np.unique(np.concatenate([np.linspace(0, 2 * a, 4000), kernel.radius_mm[kernel.radius_mm < 2 * a]]))
    e, m = kernel.within(r), 0.5 * (r[1:] + r[:-1])
    return float(e[0] + np.diff(e) @ (1 - 0.75 * m / a + m**3 / (16 * a**3)))


def radius_mm(mass_g):
    return 10 * (3 * mass_g / (4 * math.pi)) ** (1 / 3)


def test_y90_point_kernel():
    """Energy in shells of 0.5 mm to 8 mm within 2 %, cumulative within 0.5 % of what is deposited."""
    k = electron_kernel(nuclide("Y-90"))
    r = np.array(list(GRAVES_WITHIN))
    graves = np.array(list(GRAVES_WITHIN.values()))
    mine = k.within(r)
    inner = r <= 8.0
    shells = np.diff(mine[inner], prepend=0.0) / np.diff(graves[inner], prepend=0.0) - 1
    assert np.abs(shells).max() < 0.02
    assert np.abs(mine - graves).max() < 0.005 * graves[-1]


def test_y90_point_kernel_in_fine_shells(shared):
    """The 0.1 mm shells themselves, from the second on, within 3 % to 8 mm."""
    g = np.loadtxt(shared / "reference" / "transport" / "dpk_y90_beta_graves2019.csv", delimiter=",", skiprows=1)
    k = electron_kernel(nuclide("Y-90"))
    mine = np.diff(k.within(np.concatenate([[0.0], g[:, 0]])))
    assert np.abs(mine[1:80] / g[1:80, 1] - 1).max() < 0.03
    assert mine.sum() == pytest.approx(g[:, 1].sum(), rel=0.002)


@pytest.mark.parametrize("name, S", [("Lu-177", 2.303e-11), ("Y-90", 1.025e-10), ("I-131", 2.93e-11), ("Tb-161", 3.16e-11)])
def test_sphere_of_one_gram(name, S):
    """Electrons only, Gy/(Bq s), from an earlier, independent condensed-history program with ESTAR data."""
    assert sphere_MeV(electron_kernel(nuclide(name)), radius_mm(1.0)) * GY_G == pytest.approx(S, rel=0.01)


@pytest.mark.parametrize("mass_g, S", [(0.00431, 4.54e-9), (0.116, 1.93e-10), (0.932, 2.49e-11), (14.6, 1.63e-12)])
def test_lu177_spheres(mass_g, S):
    """177Lu in soft tissue, Gy/(Bq s): Olguin 2020 (GATE), as tabulated by PyTheranostics.

    Their values count photons. The share of 35.1 keV per decay that a sphere of radius a absorbs is about
    mu_en * 3a/4 (mean way out), with mu_en = 0.029 /cm at 0.11 to 0.21 MeV (NIST SRD 126).
    """
    a = radius_mm(mass_g)
    photons = 0.0351 * 0.029 * 0.075 * a
    assert (sphere_MeV(electron_kernel(nuclide("Lu-177")), a) + photons) * GY_G / mass_g == pytest.approx(S, rel=0.01)


def test_y90_voxel_of_3_mm():
    """Self-dose of a 3 mm voxel: 1.581 (DPM) and 1.584 mGy/(MBq s) (from the EGSnrc kernel of Graves 2019)."""
    k = electron_kernel(nuclide("Y-90"))
    rng = np.random.default_rng(1)
    start = rng.random((200_000, 3))
    u = rng.normal(size=start.shape)
    u /= np.linalg.norm(u, axis=1)[:, None]
    way_out = 3.0 * np.min(np.where(u > 0, 1 - start, -start) / u, axis=1)
    mine = k.within(way_out).mean() * GY_G / 0.027 * 1e9
    assert 1.58 * 0.997 < mine < 1.61


def test_monoenergetic_kernels_of_another_code(shared):
    """ompMC (EGSnrc physics) in coarse voxels of R/40: cumulative energy within 3.5 % of the electron's, 0.2 to 2 MeV."""
    with open(shared / "reference" / "transport" / "electron_scaled_kernels_water.csv") as f:
        rows = list(csv.reader(line for line in f if not line.startswith("#")))
    x = np.array([float(name[2:]) for name in rows[0][2:]])
    others = [r for r in rows[1:] if r[0] == "ompmc" and 0.2 <= float(r[1]) <= 2.0]
    assert len(others) >= 5
    for row in others:
        k = mono_electron_kernel(float(row[1]))
        mine = k.within(x * k.radius_mm[-1] / 1.6) / k.emitted_MeV
        assert np.abs(mine - np.array(row[2:], float)).max() < 0.035
