"""Cells: what is refused, what is left out, and that tracks do not depend on threads."""

import numba
import numpy as np
import pytest

from lutetia.core import BadInput, CouldNot
from lutetia.dosimetry.cells import (
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
from lutetia.transport.alpha_tracks import alpha_tracks, residual_energies_MeV
from lutetia.transport.alphas import alpha_range_um
from lutetia.transport.cole_electrons import cole_energy_keV, cole_kernel, cole_range_um, mono_cole_kernel
from lutetia.transport.ranges import chain_radii_um, enclosing_radius_mm, nuclide_ranges

CELL = CellGeometry(5.0, 4.0)


@pytest.mark.parametrize(("cell", "nucleus", "says"), [(5, 6, "no larger than its cell"), (0, 0, "above zero"), (5, -1, "above zero"), (float("nan"), 1, "above zero")])
def test_impossible_cells_are_refused(cell, nucleus, says):
    with pytest.raises(BadInput, match=says):
        CellGeometry(cell, nucleus)


def test_a_nucleus_as_large_as_the_cell_leaves_no_cytoplasm():
    whole = CellGeometry(5.0, 5.0)
    s = cell_s_Gy_per_Bq_s("Lu-177", whole)
    assert "N<-Cy" not in s and s["N<-N"] == s["C<-C"]
    with pytest.raises(BadInput, match="cytoplasm"):
        cross_s_Gy_per_Bq_s("Lu-177", whole, "N", "Cy", 10.0)
    with pytest.raises(BadInput, match="cytoplasm"):
        single_event_spectrum("Ac-225", whole, "N", "Cy", tracks=10)


@pytest.mark.parametrize("distance", [9.9, [20.0, 5.0], float("nan"), -20.0])
def test_cells_that_overlap_are_refused(distance):
    with pytest.raises(BadInput, match="10 um or more"):
        cross_s_Gy_per_Bq_s("Lu-177", CELL, "N", "C", distance)


def test_other_names_are_refused():
    for target, source in (("M", "C"), ("Cy", "C"), ("N", "golgi")):
        with pytest.raises(BadInput, match="targets are N, C"):
            cross_s_Gy_per_Bq_s("Lu-177", CELL, target, source, 20.0)
        with pytest.raises(BadInput, match="targets are N, C"):
            hit_probability("Ac-225", CELL, target, source)
    with pytest.raises(BadInput, match="mird, kernel"):
        cell_s_Gy_per_Bq_s("Lu-177", CELL, electrons="geant4")
    with pytest.raises(BadInput, match="1252 nuclides"):
        cell_s_Gy_per_Bq_s("Lu-999", CELL)
    with pytest.raises(BadInput, match="no alpha particles"):
        hit_probability("Lu-177", CELL, "N", "CS")
    with pytest.raises(BadInput, match="--progeny"):
        alpha_lines("Pb-212")


def test_shape_of_distances_is_kept_and_parts_are_equal():
    d = np.geomspace(10.0, 3000.0, 600).reshape(20, 30)
    s = cross_s_Gy_per_Bq_s("Ac-225", CELL, "N", "CS", d, progeny=True)
    assert set(s) == {"alpha", "electron"} and s["alpha"].shape == d.shape
    assert np.all(s["electron"] > 0) and np.all(s["alpha"].ravel()[d.ravel() > 95] == 0)
    for i in (0, 7, 311, 599):
        one = cross_s_Gy_per_Bq_s("Ac-225", CELL, "N", "CS", float(d.ravel()[i]), progeny=True)
        assert float(one["electron"]) == pytest.approx(s["electron"].ravel()[i], rel=1e-4)


def test_no_distance_gives_no_value():
    assert cross_s_Gy_per_Bq_s("Lu-177", CELL, "N", "C", np.empty(0))["electron"].shape == (0,)


def test_recoil_nuclei_stay_where_they_are():
    """All of it in the compartment of the decay, half from the target's own surface."""
    s = cell_s_Gy_per_Bq_s("Ac-225", CELL)
    whole = nuclide("Ac-225").energy_per_decay_MeV["recoil"] * 1.602176634e-10
    assert s["N<-N"]["recoil"] == pytest.approx(whole / CELL.mass_g("N"), rel=1e-9)
    assert s["C<-CS"]["recoil"] == pytest.approx(0.5 * whole / CELL.mass_g("C"), rel=1e-9)
    assert s["N<-Cy"]["recoil"] == s["N<-CS"]["recoil"] == 0


def test_kernels_carry_the_energy_of_the_chain():
    k = cell_kernels("Ac-225", progeny=True)
    assert k["alpha"].energy_MeV[-1] == pytest.approx(27.48, rel=1e-3)  # sum of the alphas along one path, ICRP 107
    assert k["electron"].energy_MeV[-1] == pytest.approx(0.6359 + 0.0537, rel=1e-3)


def test_steps_are_halved_until_values_stand():
    """A kernel with an edge in the middle of the target: half a dozen ways to cut it, one value."""
    k = mono_cole_kernel(0.030)
    d = np.array([1000 * k.radius_mm[-1] - 1.0, 1000 * k.radius_mm[-1] + 4.9])
    together = kernel_s_Gy_per_Bq_s(k, CELL, "C", "C", d)
    apart = [float(kernel_s_Gy_per_Bq_s(k, CELL, "C", "C", np.array([x]))[0]) for x in d]
    assert together == pytest.approx(apart, rel=1e-4) and together[1] > 0


def test_coles_relation_is_inverted():
    E = np.array([0.02, 0.1, 1, 10, 100, 1000, 9000.0])
    assert cole_energy_keV(cole_range_um(E)) == pytest.approx(E, rel=1e-6)
    assert float(cole_energy_keV(0.0)) == 0
    for bad in (0.0, -1.0, 2e4):
        with pytest.raises(BadInput):
            cole_range_um(bad)
    with pytest.raises(BadInput):
        cole_energy_keV(-1.0)
    with pytest.raises(BadInput):
        mono_cole_kernel(20.0)


@pytest.mark.parametrize("name", ["Lu-177", "Y-90", "Tb-161", "At-211", "I-125"])
def test_coles_kernels_deposit_all_that_is_emitted(name):
    e = nuclide(name).energy_per_decay_MeV
    assert cole_kernel(nuclide(name)).energy_MeV[-1] == pytest.approx(e["beta"] + e["electron"], rel=1e-3)


def test_betas_leave_no_ripples_at_the_size_of_a_cell():
    """Energy per micrometre of a straight-track kernel, in steps of 1 %: no jumps away from the ends of lines."""
    k = cole_kernel(nuclide("Y-90"))
    r = np.geomspace(0.02, 8.0, 600)
    loss = np.diff(k.within(r)) / np.diff(r)
    assert np.abs(np.diff(np.log(loss), n=2)).max() < 0.02


def test_tracks_are_the_same_for_any_number_of_threads():
    args = (*alpha_lines("Ac-225", progeny=True)[:2], (4.0, 5.0), (0.0, 5.0))
    before = numba.get_num_threads()
    try:
        results = []
        for threads in (1, before):
            numba.set_num_threads(threads)
            results.append(alpha_tracks(*args, tracks=30_000, seed=7).inner_MeV)
    finally:
        numba.set_num_threads(before)
    assert np.array_equal(*results)
    assert not np.array_equal(results[0], alpha_tracks(*args, tracks=30_000, seed=8).inner_MeV)


def test_the_table_of_residual_energies_is_fine_enough():
    from lutetia.transport.stopping import alpha_energy_at_range_MeV

    table = residual_energies_MeV(90.0)
    middle = alpha_energy_at_range_MeV(1e-4 * 0.02 * (np.arange(4400) + 0.5))
    assert np.abs(0.5 * (table[:4400] + table[1:4401]) - middle).max() < 5e-5  # MeV; a hit deposits 0.1 MeV and more


@pytest.mark.parametrize(
    "change",
    [{"energy_MeV": [25.0]}, {"number": [-1.0]}, {"number": [0.0]}, {"number": [1.0, 1.0]}, {"radii_um": (5.0, 4.0)}, {"radii_um": (0.0, 4.0)},
     {"source_um": (5.0, 4.0)}, {"source_um": (-1.0, 4.0)}, {"distance_um": -1.0}, {"tracks": 0}],
)  # fmt: skip
def test_impossible_tracks_are_refused(change):
    given = {"energy_MeV": [5.8], "number": [1.0], "radii_um": (4.0, 5.0), "source_um": (0.0, 5.0), "tracks": 10} | change
    with pytest.raises(BadInput):
        alpha_tracks(**given)


def test_spectra_that_make_no_sense_are_refused():
    with pytest.raises(CouldNot, match="none of 1000 alpha"):
        single_event_spectrum("Ac-225", CELL, "N", "CS", distance_um=500.0, tracks=1000)
    e = single_event_spectrum("Ac-225", CELL, "N", "CS", tracks=1000)
    for dose in (0.0, -1.0, float("inf")):
        with pytest.raises(BadInput, match="above zero"):
            multi_event_spectrum(e, dose)
    with pytest.raises(BadInput, match="hits a nucleus"):
        multi_event_spectrum(e, 1e6)


def test_ranges_of_a_chain():
    """The alphas of 225Ac go 47 to 85 um; R90 of its members lies within their ranges."""
    ac = nuclide_ranges("Ac-225")
    mean = [m["alpha"]["mean_range_um"] for m in ac if "alpha" in m]
    assert min(mean) == pytest.approx(47, abs=0.5) and max(mean) == pytest.approx(84.5, abs=0.5)
    for m in ac:
        if "alpha" in m:
            longest = max(line["range_um"] for line in m["alpha"]["lines"])
            assert m["R50_um"]["alpha"] < m["R90_um"]["alpha"] < longest == pytest.approx(float(alpha_range_um(m["alpha"]["lines"][-1]["energy_MeV"])))
    chain = chain_radii_um("Ac-225")
    assert 47 < chain["alpha"]["R90_um"] < 84.5 < chain["electron"]["R50_um"]
    with pytest.raises(BadInput, match="between 0 and 1"):
        enclosing_radius_mm(mono_cole_kernel(0.1), 1.0)
