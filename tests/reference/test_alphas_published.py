"""Alpha kernels against published S-values of spheres and droplets."""

import csv
import math

import numpy as np
import pytest

from lutetia.nuclides import nuclide
from lutetia.transport.alphas import alpha_kernel
from lutetia.transport.electron_kernels import electron_kernel

GY_G = 1.602176634e-10


def sphere_MeV(kernel, a):
    """Energy absorbed in a sphere of radius a (mm) with a uniform source."""
    r = np.unique(np.concatenate([np.linspace(0, 2 * a, 4000), kernel.radius_mm[kernel.radius_mm < 2 * a]]))
    e, m = kernel.within(r), 0.5 * (r[1:] + r[:-1])
    return float(e[0] + np.diff(e) @ (1 - 0.75 * m / a + m**3 / (16 * a**3)))


def radius_mm(mass_g):
    return 10 * (3 * mass_g / (4 * math.pi)) ** (1 / 3)


@pytest.mark.parametrize("volume_uL, published", [(10, 130), (50, 26.4), (100, 13.3), (200, 6.6), (400, 3.3), (800, 1.7)])
def test_po213_droplets(volume_uL, published):
    """Monte Carlo of alphas without recoil, mGy/(MBq s): doi 10.1186/s41181-016-0014-4, table 2 (two figures)."""
    k = alpha_kernel(nuclide("Po-213"))
    alpha = sphere_MeV(k, radius_mm(volume_uL / 1000)) - k.energy_MeV[0]
    assert alpha * GY_G / (volume_uL / 1000) * 1e9 == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize("mass_g, S", [(0.0043145, 2.17e-7), (0.014561, 6.46e-8)])
def test_ac225_spheres(mass_g, S):
    """Alpha, recoil and electrons of 225Ac alone, Gy/(Bq s): Olguin 2020 (GATE), as tabulated by PyCNO."""
    n = nuclide("Ac-225")
    a = radius_mm(mass_g)
    mine = (sphere_MeV(alpha_kernel(n), a) + sphere_MeV(electron_kernel(n), a)) * GY_G / mass_g
    assert mine == pytest.approx(S, rel=0.01)


def test_ac225_spheres_of_all_sizes(shared):
    """As above, 4 mg to 932 g; photons of 225Ac (0.3 % of its energy) are not counted."""
    n = nuclide("Ac-225")
    alpha, electron = alpha_kernel(n), electron_kernel(n)
    with open(shared / "reference" / "dosimetry" / "sphere_self_svalues.csv") as f:
        rows = [r for r in csv.DictReader(f) if r["nuclide"] == "Ac-225" and "Olguin" in r["source"]]
    assert len(rows) == 15
    for r in rows:
        m = float(r["mass_g"])
        mine = (sphere_MeV(alpha, radius_mm(m)) + sphere_MeV(electron, radius_mm(m))) * GY_G / m
        assert mine == pytest.approx(float(r["S_Gy_per_Bq_s"]), rel=0.01), r["mass_g"]


def test_po210_cell_to_cell():
    """S of a uniform sphere of radius 5 um, 210Po, by tracing tracks with ASTAR ranges: 0.1003 Gy/(Bq s).

    For scale: the particle deposits about 5 % of 5.3 MeV; the integral over chords and this one are independent.
    """
    k = alpha_kernel(nuclide("Po-210"))
    mass_g = 4 / 3 * math.pi * (5e-4) ** 3
    assert (sphere_MeV(k, 5e-3) - k.energy_MeV[0]) * GY_G / mass_g == pytest.approx(0.1003, rel=0.005)
