"""Cellular S-values, spheres and hits against published numbers."""

import csv
import math

import numpy as np
import pytest

from lutetia.dosimetry.cells import (
    CellGeometry,
    cell_s_Gy_per_Bq_s,
    cross_s_Gy_per_Bq_s,
    kernel_s_Gy_per_Bq_s,
)
from lutetia.dosimetry.microdosimetry import hit_probability
from lutetia.transport.cole_electrons import mono_cole_kernel
from lutetia.transport.ranges import enclosing_radius_mm, nuclide_ranges
from lutetia.transport.spheres import sphere_s_Gy_per_Bq_s

MIRD_CELL = CellGeometry(5.0, 3.0)

# 177Lu, cell 5 um, nucleus 3 um, Gy/(Bq s): output of MIRDcell's original program, github.com/jw526/MIRDcellV3.
SELF = {"N<-N": 3.3437e-3, "N<-Cy": 6.392e-4, "N<-CS": 3.321e-4, "C<-C": 1.0198e-3, "C<-CS": 6.284e-4}
CROSS_C_C = {10: 8.263e-5, 20: 1.648e-5, 41: 3.608e-6, 100: 4.118e-7}


def test_lu177_within_a_cell():
    s = cell_s_Gy_per_Bq_s("Lu-177", MIRD_CELL)
    for pair, published in SELF.items():
        assert s[pair]["electron"] == pytest.approx(published, rel=0.03), pair


def test_lu177_between_cells():
    s = cross_s_Gy_per_Bq_s("Lu-177", MIRD_CELL, "C", "C", np.array(list(CROSS_C_C), float))["electron"]
    assert s == pytest.approx(list(CROSS_C_C.values()), rel=0.04)


def test_lu177_the_whole_file(shared):
    """Self within 3 %, cross within 4 % to 80 um and 5 % to 121 um, all sources and targets.

    Farther out the file is no measure: its r^2 S rises from 401 to 601 um, which a beta spectrum cannot do, while that
    of one electron (next test) agrees to 0.5 % everywhere; the spectrum behind the file is coarse.
    """
    checked = 0
    for target, source, distance, published in _mirdcell(shared, "Lu-177"):
        if distance is None:
            assert cell_s_Gy_per_Bq_s("Lu-177", MIRD_CELL)[f"{target}<-{source}"]["electron"] == pytest.approx(published, rel=0.03)
        elif distance <= 121:
            mine = float(cross_s_Gy_per_Bq_s("Lu-177", MIRD_CELL, target, source, distance)["electron"])
            assert mine == pytest.approx(published, rel=0.04 if distance <= 80 else 0.05), (target, source, distance)
        checked += distance is None or distance <= 121
    assert checked == 5 * 17


def test_an_electron_of_100_keV_between_cells(shared):
    """Every pair and distance of MIRDcell's sheet (three digits) within 0.5 %: the same relation, the same geometry."""
    k, checked = mono_cole_kernel(0.1), 0
    for target, source, distance, published in _mirdcell(shared, "e- 100 keV"):
        if target != "Cy":
            assert float(kernel_s_Gy_per_Bq_s(k, MIRD_CELL, target, source, np.array([distance]))[0]) == pytest.approx(published, rel=0.005)
            checked += 1
    assert checked == 45


@pytest.mark.parametrize(("pair", "distance", "published"), [(("C", "C"), 10, 6.18e-5), (("N", "Cy"), 12, 4.00e-5), (("C", "CS"), 30, 6.49e-6), (("N", "N"), 100, 8.52e-7)])
def test_an_electron_of_100_keV(pair, distance, published):
    """MIRDcell's sheet of 100 keV electrons, cell 5 um, nucleus 3 um, Gy per electron (three digits)."""
    assert float(kernel_s_Gy_per_Bq_s(mono_cole_kernel(0.1), MIRD_CELL, *pair, np.array([float(distance)]))[0]) == pytest.approx(published, rel=0.005)


def _mirdcell(shared, emitter):
    with open(shared / "reference" / "dosimetry" / "cellular_svalues_mird_rc5_rn3.csv") as f:
        for row in csv.DictReader(f):
            if row["emitter"] == emitter:
                distance = None if row["centre_distance_um"] == "self" else float(row["centre_distance_um"])
                yield *row["S_type"][2:-1].split("<-"), distance, float(row["S_Gy_per_Bq_s"])


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("Po-210", (1.553e-1, 7.10e-2, 5.44e-2, 1.001e-1, 6.77e-2)), ("At-211", (6.03e-2, 2.74e-2, 2.10e-2, 3.88e-2, 2.62e-2)),
        ("Po-211", (1.214e-1, 5.47e-2, 4.16e-2, 7.79e-2, 5.24e-2)), ("Bi-213", (3.03e-3, 1.38e-3, 1.05e-3, 1.95e-3, 1.32e-3)),
        ("Po-213", (1.104e-1, 4.98e-2, 3.79e-2, 7.08e-2, 4.77e-2)), ("Ac-225", (1.454e-1, 6.63e-2, 5.08e-2, 9.37e-2, 6.33e-2)),
        ("Fr-221", (1.366e-1, 6.21e-2, 4.75e-2, 8.79e-2, 5.93e-2)), ("At-217", (1.258e-1, 5.71e-2, 4.36e-2, 8.08e-2, 5.44e-2)),
    ],
)  # fmt: skip
def test_alphas_in_a_cell(name, published):
    """Alphas alone, cell 5 um, nucleus 4 um, N<-N, N<-Cy, N<-CS, C<-C, C<-CS: an independent program that samples tracks with ASTAR ranges."""
    s = cell_s_Gy_per_Bq_s(name, CellGeometry(5.0, 4.0))
    assert [s[p]["alpha"] for p in ("N<-N", "N<-Cy", "N<-CS", "C<-C", "C<-CS")] == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize(("name", "published"), [("Ac-225", 1.20e-2), ("Fr-221", 1.11e-2), ("At-217", 1.00e-2), ("Po-213", 8.70e-3), ("At-211", 4.95e-3)])
def test_alphas_in_a_larger_cell(name, published):
    """N<-CS of a cell of 10 um with a nucleus of 5 um, same program."""
    assert cell_s_Gy_per_Bq_s(name, CellGeometry(10.0, 5.0))["N<-CS"]["alpha"] == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize(("cell", "nucleus", "published"), [(5, 4, 0.202), (10, 5, 0.067), (5, 2, 0.042)])
def test_hit_probability_per_alpha(cell, nucleus, published):
    """Same program; for tracks that reach, (1 - sqrt(1 - (Rn/Rc)^2)) / 2."""
    p = hit_probability("Ac-225", CellGeometry(cell, nucleus), "N", "CS")
    assert p == pytest.approx(published, rel=0.015)
    assert p == pytest.approx((1 - math.sqrt(1 - (nucleus / cell) ** 2)) / 2, rel=1e-9)


@pytest.mark.parametrize(("volume_uL", "published"), [(10, 130), (50, 26.4), (100, 13.3), (200, 6.6), (400, 3.3), (800, 1.7)])
def test_po213_droplets(volume_uL, published):
    """Alphas of 213Po in droplets as cells without a cytoplasm, mGy/(MBq s): doi 10.1186/s41181-016-0014-4, table 2 (two figures)."""
    a = 1000 * (3 * volume_uL / (4 * math.pi)) ** (1 / 3)
    s = cell_s_Gy_per_Bq_s("Po-213", CellGeometry(a, a))["C<-C"]["alpha"]
    assert 1e9 * s == pytest.approx(published, rel=0.02)


@pytest.mark.parametrize(
    ("diameter_um", "published"),
    [(10, 1.11e-3), (20, 2.33e-4), (50, 3.18e-5), (100, 6.93e-6), (200, 1.48e-6), (500, 1.69e-7), (1000, 2.94e-8), (2000, 4.54e-9), (5000, 3.29e-10), (10000, 4.30e-11)],
)  # fmt: skip
def test_lu177_spheres(diameter_um, published):
    """Gy per decay in spheres of water, event by event (CELLDOSE, Hindie 2016, as tabulated by PyCNO), by the kernel model, as a sphere and as a cell."""
    mass_kg = math.pi / 6 * (1e-4 * diameter_um) ** 3 / 1000
    assert sphere_s_Gy_per_Bq_s("Lu-177", mass_kg)["electron"] == pytest.approx(published, rel=0.05)
    cell = CellGeometry(diameter_um / 2, diameter_um / 2)
    assert cell_s_Gy_per_Bq_s("Lu-177", cell, electrons="kernel")["C<-C"]["electron"] == pytest.approx(published, rel=0.05)


@pytest.mark.parametrize(
    ("name", "keV", "published"), [("Lu-177", 147.9, {"CS": 1.9, "Cy": 3.0, "N": 10.7}), ("Tb-161", 202.5, {"CS": 5.0, "Cy": 8.3, "N": 38.6})]
)
def test_nucleus_doses_of_celldose(name, keV, published):
    """Cell 14 um, nucleus 10 um in diameter, 1436 MeV of electrons released: doi 10.1186/s40658-020-00301-2 (event by event).

    The kernel model lies within 5 %, the MIRD convention, which does not scatter electrons, 5 to 14 % below: that is the difference the command states.
    """
    decays = 1436 / (keV / 1000)
    for model, low, high in (("kernel", -0.05, 0.0), ("mird", -0.14, -0.05)):
        s = cell_s_Gy_per_Bq_s(name, CellGeometry(7.0, 5.0), electrons=model)
        for source, dose in published.items():
            assert low - 0.005 < decays * s[f"N<-{source}"]["electron"] / dose - 1 < high, (model, source)


@pytest.mark.parametrize(
    ("name", "keV", "published"), [("Lu-177", 147.9, {"CS": 7.2, "Cy": 8.3, "C": 11.0, "N": 15.7}), ("Tb-161", 202.5, {"CS": 15.1, "Cy": 17.9, "C": 29.1, "N": 47.8})]
)
def test_nineteen_cells_of_celldose(name, keV, published):
    """Nucleus of the central cell of 19: six neighbours that touch it and twelve at root two of that; table 3 of the same paper, within 5 %."""
    cell, d = CellGeometry(7.0, 5.0), 14 * np.array([1.0, math.sqrt(2)])
    for source, dose in published.items():
        own = cell_s_Gy_per_Bq_s(name, cell, electrons="kernel")[f"N<-{source}"]["electron"]
        others = cross_s_Gy_per_Bq_s(name, cell, "N", source, d, electrons="kernel")["electron"] @ [6, 12]
        assert 1436 / (keV / 1000) * (own + others) == pytest.approx(dose, rel=0.055), source


def test_ranges_as_the_field_states_them():
    """Betas of 177Lu: about 2 mm at most, a few tenths of a millimetre at the mean energy; alphas of the 225Ac chain: 47 to 85 um."""
    lu = nuclide_ranges("Lu-177")[0]["beta"]
    assert 1.5 < lu["maximum_range_um"] / 1000 < 2.0 and 0.2 < lu["mean_range_um"] / 1000 < 0.4
    assert lu["maximum_energy_MeV"] == pytest.approx(0.498, abs=0.001) and lu["mean_energy_MeV"] == pytest.approx(0.1333, rel=0.002)
    ac = [m["alpha"]["mean_range_um"] for m in nuclide_ranges("Ac-225") if "alpha" in m]
    assert (round(min(ac)), math.ceil(max(ac))) == (47, 85)


def test_y90_radii_of_graves():
    """R50 2.36 mm and R90 5.42 mm of the betas of 90Y: sums of the shells of doi 10.1002/mp.13789 (EGSnrc)."""
    from lutetia.nuclides import nuclide
    from lutetia.transport.electron_kernels import electron_kernel

    k = electron_kernel(nuclide("Y-90"))
    assert [enclosing_radius_mm(k, share) for share in (0.5, 0.9)] == pytest.approx([2.36, 5.42], rel=0.01)
