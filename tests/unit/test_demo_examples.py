"""The worked examples can be read, and give what a hand calculation gives."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from lutetia.chain import phantom
from lutetia.chain.case import load_case
from lutetia.imaging.activity import read_activity
from lutetia.imaging.ct import read_ct
from lutetia.imaging.regions import read_regions
from lutetia.nuclides import nuclide

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
ELECTRON_J = 147.9e3 * 1.602176634e-19  # 177Lu, ICRP Publication 107


@pytest.mark.parametrize("name", ["images", "region-table", "single-time-point"])
def test_case_is_accepted_and_explained(name: str):
    case = load_case(EXAMPLES / name / "case.toml")
    assert "ynthetic" in str(case.title)
    assert f"lutetia dose examples/{name}" in (EXAMPLES / name / "README.md").read_text("utf-8")
    assert sum(p.stat().st_size for p in (EXAMPLES / name).iterdir() if p.is_file()) < 300_000


def test_images_hold_the_patient():
    """Activity of the whole, volumes and sides, read through the NIfTI reader."""
    folder = EXAMPLES / "images"
    case = load_case(folder / "case.toml")
    lu = nuclide(case.nuclide)
    scans = [
        read_activity(folder / s.activity, nuclide=lu, administered_at=case.administration.time, unit=s.unit, time=case.administration.time, decay_corrected_to=s.decay_corrected_to)
        for s in case.scan
    ]
    geometry = scans[0].volume.geometry
    assert all(s.volume.geometry.same_grid(geometry) for s in scans)
    assert read_ct(folder / "ct.nii.gz").volume.geometry.same_grid(geometry)
    regions = read_regions(folder / "labels.nii.gz", geometry, labels={int(k): v for k, v in case.scan[0].labels.items()})
    for organ in phantom.ORGANS:
        if not organ.contoured:
            continue
        place = geometry.to_patient(np.argwhere(regions.masks[organ.name])).mean(axis=0)
        np.testing.assert_allclose(place, organ.shape.centre_mm, atol=4.0)
        tolerance = 0.2 if organ.name.startswith("tumour") else 0.04
        assert regions.volume_mL(organ.name) == pytest.approx(phantom.own_volume_mL(organ), rel=tolerance), organ.name
    for scan, hours in zip(scans, (4, 24, 96, 168)):
        total = sum(phantom.activity_Bq(o.phases, hours) for o in phantom.ORGANS) + phantom.activity_Bq(phantom.REMAINDER_PHASES, hours)
        seen = float(scan.volume.values.sum(dtype=float)) * geometry.voxel_mL
        assert seen == pytest.approx(total, rel=5e-3)


def test_single_time_point_doses_are_those_of_the_formulas():
    """TIA by hand (Haenscheid: A 2t / ln 2; Madsen: A exp(kt) / k), electrons absorbed whole, photons add at most a tenth."""
    from lutetia.chain.table_mode import run_table

    case = load_case(EXAMPLES / "single-time-point" / "case.toml")
    doses = {r["region"]: r for r in run_table(case, seed=1)["regions"]}
    t, ln2 = 96 * 3600.0, math.log(2)
    by_hand = {
        "kidney left": (29.1e6 * 2 * t / ln2, 0.16905),
        "kidney right": (24.9e6 * 2 ** (96 / 51) * 51 * 3600 / ln2, 0.1575),
    }
    for name, (tia, mass_kg) in by_hand.items():
        assert doses[name]["tia_Bq_s"] == pytest.approx(tia, rel=0.02)
        assert 0.98 < doses[name]["dose_Gy"] / (doses[name]["tia_Bq_s"] * ELECTRON_J / mass_kg) < 1.1
    physical_s = nuclide("Lu-177").half_life_s / ln2
    assert doses["spleen"]["tia_Bq_s"] == pytest.approx(60.3e6 * math.exp(t / physical_s) * physical_s, rel=0.02)


def test_region_table_doses_are_near_the_synthetic_truth():
    """The table's activities are the demo patient's with scatter, so its doses are near that patient's."""
    from lutetia.chain.table_mode import run_table

    case = load_case(EXAMPLES / "region-table" / "case.toml")
    doses = {r["region"]: r for r in run_table(case, seed=1)["regions"]}
    for name, organ in (("kidney left", "kidney left"), ("kidney right", "kidney right"), ("spleen", "spleen"), ("tumour 1", "tumour 1")):
        truth = next(o for o in phantom.ORGANS if o.name == organ)
        tia = phantom.time_integrated_activity_Bq_s(truth.phases)
        assert doses[name]["tia_Bq_s"] == pytest.approx(tia, abs=3 * doses[name]["tia_u_Bq_s"]), name
        assert doses[name]["tia_u_Bq_s"] < 0.3 * tia
        mass_kg = phantom.own_volume_mL(truth) * truth.density_g_per_mL / 1000
        assert doses[name]["dose_Gy"] == pytest.approx(tia * ELECTRON_J / mass_kg, rel=0.15), name
