"""The synthetic patient is what its truth says it is."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pydicom
import pytest
from scipy.integrate import quad, trapezoid

from lutetia.chain import demo, phantom
from lutetia.chain.case import load_case
from lutetia.chain.shapes import Hoop, Superellipsoid, filled
from lutetia.core import BadInput
from lutetia.imaging.volume import Geometry

LU177_ELECTRON_J = 147.9e3 * 1.602176634e-19  # ICRP Publication 107


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return demo.make_demo(tmp_path_factory.mktemp("demo") / "patient", seed=1).parent


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict:
    return json.loads((folder / "truth.json").read_text())


def _nm(path: Path) -> tuple[np.ndarray, np.ndarray, float, pydicom.Dataset]:
    """Bq/mL, the affine from (column, row, frame) to LPS, mL per voxel and the header, by pydicom alone."""
    ds = pydicom.dcmread(path)
    detector = ds.DetectorInformationSequence[0]
    row, column = np.reshape(np.array(detector.ImageOrientationPatient, float), (2, 3))
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = row * float(ds.PixelSpacing[1]), column * float(ds.PixelSpacing[0])
    affine[:3, 2] = np.cross(row, column) * float(ds.SpacingBetweenSlices)
    affine[:3, 3] = np.array(detector.ImagePositionPatient, float)
    return ds.pixel_array * ds.RealWorldValueMappingSequence[0].RealWorldValueSlope, affine, abs(np.linalg.det(affine)) / 1000, ds


def _centre(values: np.ndarray, affine: np.ndarray) -> np.ndarray:
    kji = np.array(np.nonzero(values > 0), float)
    weights = values[values > 0]
    return affine[:3, :3] @ (kji[::-1] @ weights / weights.sum()) + affine[:3, 3]


def test_total_activity_of_every_scan(folder, truth):
    for number, total in enumerate(truth["total_activity_Bq"], 1):
        values, _, voxel_mL, ds = _nm(folder / f"scan{number}/spect/spect.dcm")
        decayed = math.log(2) * 1800 / (6.647 * 86400)
        mean_during = (1 - math.exp(-decayed)) / decayed
        assert values.sum() * voxel_mL == pytest.approx(total * mean_during, rel=2e-3), f"scan {number}"
        hours = int(ds.AcquisitionDate[-2:]) * 24 + int(ds.AcquisitionTime[:2]) - (4 * 24 + 9)
        assert hours * 3600 == truth["scan_times_s"][number - 1]
        assert (str(ds.PatientName), ds.PatientID) == ("DEMO^LUTETIA", "LUTETIA-DEMO")


def test_left_is_left(folder):
    """The two kidneys' contours and the hot places of the image lie on the sides their names say (+x is left in LPS)."""
    values, affine, voxel_mL, _ = _nm(folder / "scan1/spect/spect.dcm")
    near = {"kidney left": (61, 50, -14), "kidney right": (-58, 51, -30)}
    for name, middle in near.items():
        kji = np.rint(np.linalg.inv(affine) @ (*middle, 1))[2::-1].astype(int)
        mirrored = np.rint(np.linalg.inv(affine) @ (-middle[0] * 2.2, *middle[1:], 1))[2::-1].astype(int)
        assert values[tuple(kji)] > 5 * values[tuple(mirrored)], name
    ds = pydicom.dcmread(folder / "scan1/regions/regions.dcm")
    numbers = {r.ROIName: r.ROINumber for r in ds.StructureSetROISequence}
    assert set(numbers) == {"tumour 1", "tumour 2", "tumour 3", "kidney left", "kidney right", "spleen", "liver", "body"}
    for name, sign in (("kidney left", 1), ("kidney right", -1), ("spleen", 1), ("liver", -1), ("tumour 1", -1)):
        contours = next(c for c in ds.ROIContourSequence if c.ReferencedROINumber == numbers[name]).ContourSequence
        x = np.concatenate([np.array(c.ContourData, float)[::3] for c in contours])
        assert sign * x.mean() > 30, name


def test_contours_enclose_the_true_volumes(folder, truth):
    """Area of each contour (shoelace) times the slice distance of 4 mm."""
    ds = pydicom.dcmread(folder / "scan1/regions/regions.dcm")
    for roi, drawn in zip(ds.StructureSetROISequence, ds.ROIContourSequence):
        assert roi.ROINumber == drawn.ReferencedROINumber
        area = 0.0
        for c in drawn.ContourSequence:
            x, y = np.array(c.ContourData, float).reshape(-1, 3)[:, :2].T
            area += abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2
        tolerance = 0.03 if roi.ROIName.startswith("tumour") else 0.01
        assert area * 4 / 1000 == pytest.approx(truth["regions"][roi.ROIName]["volume_mL"], rel=tolerance), roi.ROIName


def test_the_shifted_scan_lies_where_the_truth_says(folder, truth):
    """A hot tumour's centre in scan 3 is that of scan 1 under the recorded transform; the frames of reference differ."""
    frames, centres = {}, {}
    for number in (1, 2, 3, 4):
        values, affine, _, ds = _nm(folder / f"scan{number}/spect/spect.dcm")
        frames[number] = str(ds.FrameOfReferenceUID)
        for tumour in phantom.ORGANS[:3]:
            k, j, i = np.meshgrid(*(np.arange(n) for n in values.shape), indexing="ij", sparse=True)
            distance2 = sum((affine[a, 0] * i + affine[a, 1] * j + affine[a, 2] * k + affine[a, 3] - tumour.shape.centre_mm[a]) ** 2 for a in range(3))
            there = np.where((distance2 < 22**2) & (values > 0.5 * values[distance2 < 22**2].max()), values, 0)
            centres[number, tumour.name] = _centre(there, affine)
    assert len({frames[1], frames[2], frames[4]}) == 1 and frames[3] != frames[1]
    transform = np.array(truth["scan_1_to_shifted_scan"])
    for tumour in phantom.ORGANS[:3]:
        moved = transform[:3, :3] @ centres[1, tumour.name] + transform[:3, 3]
        assert np.linalg.norm(moved - centres[1, tumour.name]) > 3
        assert np.linalg.norm(moved - centres[3, tumour.name]) < 1.0, tumour.name
        assert np.linalg.norm(centres[4, tumour.name] - centres[1, tumour.name]) < 1.0, tumour.name


def test_ct_shows_the_tissues_in_hounsfield_units(folder):
    slices = sorted((pydicom.dcmread(p) for p in (folder / "scan1/ct").iterdir()), key=lambda d: d.ImagePositionPatient[2])
    hu = np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in slices])
    origin = np.array(slices[0].ImagePositionPatient, float)

    def around(x: float, y: float, z: float) -> float:
        i, j, k = np.rint((np.array([x, y, z]) - origin) / [2.5, 2.5, 4.0]).astype(int)
        return float(hu[k - 1 : k + 2, j - 2 : j + 3, i - 2 : i + 3].mean())

    for place, expected in {(-60, -40, 75): 55, (-80, 0, 220): -750, (0, 62, 17): 250, (4, 64, -51): 470, (61, 50, -14): 35, (2, -113, 0): -100, (0, -220, 0): -1000}.items():
        assert around(*place) == pytest.approx(expected, abs=12), place
    assert sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) < 60e6


def test_truth_of_the_parts_adds_up(truth):
    regions = truth["regions"]
    for key in ("volume_mL", "mass_g", "tia_Bq_s"):
        assert regions["liver"][key] == pytest.approx(regions["healthy liver"][key] + regions["tumour 1"][key])
    parts = [r for n, r in regions.items() if n not in ("body", "liver")]
    for n, total in enumerate(truth["total_activity_Bq"]):
        assert sum(p["activity_Bq"][n] for p in parts) < total < truth["administered_Bq"]
    assert regions["kidney left"]["volume_mL"] == pytest.approx(4 / 3 * math.pi * 28 * 25 * 55 / 1000)


def test_time_integrated_activities_are_the_integrals_of_the_curves(truth):
    for name, region in truth["regions"].items():
        rates = math.log(2) / np.array(region["effective_half_lives_s"])
        t = np.concatenate([[0], np.geomspace(1, 1e8, 40_000)])
        curve = np.exp(-np.multiply.outer(t, rates)) @ np.array(region["coefficients_Bq"])
        assert trapezoid(curve, t) == pytest.approx(region["tia_Bq_s"], rel=1e-4), name
        at_scans = np.exp(-np.multiply.outer(truth["scan_times_s"], rates)) @ np.array(region["coefficients_Bq"])
        np.testing.assert_allclose(at_scans, region["activity_Bq"], rtol=1e-9)
        assert rates.min() > math.log(2) / (6.647 * 86400), "an effective half-life beyond the physical one"


def test_doses_are_those_of_patients(truth):
    """Self-dose by electrons per administered activity, against ranges of doi:10.1186/s13550-018-0459-4 and doi:10.1186/s40658-018-0232-9."""
    ranges = {"kidney left": (0.3, 0.6), "kidney right": (0.3, 0.6), "spleen": (0.5, 1.6), "healthy liver": (0.1, 0.4), "tumour 1": (2, 7), "tumour 2": (2, 7), "tumour 3": (2, 7)}
    for name, (low, high) in ranges.items():
        r = truth["regions"][name]
        assert low < r["tia_Bq_s"] * LU177_ELECTRON_J / (r["mass_g"] / 1000) / 7.4 < high, name


def test_case_file_is_accepted(folder):
    case = load_case(folder / "case.toml")
    assert len(case.scan) == 4 and case.administration.activity == 7.4e9 and case.scan[0].regions == "scan1/regions"
    assert all((folder / s.activity).is_dir() for s in case.scan)


def test_recovery_table_of_the_case_is_that_of_a_blurred_sphere(folder):
    """Mean of a Gaussian-blurred ball over itself: the ball's covariogram averaged over the displacement's length."""
    table = load_case(folder / "case.toml").uncertainty.recovery
    sigma = 10.0 / math.sqrt(8 * math.log(2))
    for volume, rc in zip(table.volume_mL, table.rc):
        radius = (3000 * volume / (4 * math.pi)) ** (1 / 3)

        def weight(r: float, radius: float = radius) -> float:
            return (1 - 3 * r / (4 * radius) + r**3 / (16 * radius**3)) * math.sqrt(2 / math.pi) * r**2 / sigma**3 * math.exp(-(r**2) / (2 * sigma**2))

        assert rc == pytest.approx(quad(weight, 0, min(2 * radius, 60.0))[0], abs=6e-4)


def test_a_folder_with_contents_is_refused(tmp_path: Path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(BadInput, match="did not write"):
        demo.make_demo(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]


def test_noise_depends_on_seed_and_scan_alone():
    grid = Geometry((16, 16, 16), np.array([[8.0, 0, 0, 0], [0, 8, 0, 0], [0, 0, 8, 0], [0, 0, 0, 1]]))
    drawing = phantom.draw(grid)
    first = demo.noisy_spect(drawing, 24.0, 1, 2)
    assert np.array_equal(first, demo.noisy_spect(drawing, 24.0, 1, 2))
    assert not np.array_equal(first, demo.noisy_spect(drawing, 24.0, 2, 2))
    assert not np.array_equal(first, demo.noisy_spect(drawing, 24.0, 1, 3))


def test_organs_do_not_overlap_and_hold_all_their_activity():
    """On the SPECT grid, in both positions: voxels sum to each organ's formula, and the image to the total."""
    for shifted in (False, True):
        drawing = phantom.draw(demo.spect_grid(1, shifted), demo.pose(shifted))
        for organ in phantom.ORGANS:
            _, fraction = drawing.fraction[organ.name]
            voxels_mL = float(fraction.sum(dtype=float)) * drawing.geometry.voxel_mL
            assert voxels_mL == pytest.approx(phantom.own_volume_mL(organ), rel=0.01), organ.name
            assert float(drawing.share[organ.name][1].sum(dtype=float)) == pytest.approx(1.0, abs=1e-5)
        total = sum(phantom.activity_Bq(o.phases, 24.0) for o in phantom.ORGANS) + phantom.activity_Bq(phantom.REMAINDER_PHASES, 24.0)
        assert drawing.concentration_Bq_per_mL(24.0).sum(dtype=float) * drawing.geometry.voxel_mL == pytest.approx(total, rel=1e-4)


def test_shapes_fill_what_geometry_says():
    grid = Geometry((40, 40, 40), np.array([[2.0, 0, 0, -39], [0, 2, 0, -39], [0, 0, 2, -39], [0, 0, 0, 1]]))
    turned = Superellipsoid((3, -4, 5), (20, 10, 14), 3.0, (20, -30, 40))
    _, f = filled(turned, grid, np.eye(4))
    assert float(f.sum()) * 8 / 1000 == pytest.approx(turned.volume_mL, rel=2e-3)
    cube_like = Superellipsoid((0, 0, 0), (10, 10, 10), 200.0)
    assert cube_like.volume_mL == pytest.approx(8.0, rel=1e-3)
    _, f = filled(Hoop((0, 0, 0), (25, 25), (4, 6)), grid, np.eye(4))
    assert float(f.sum()) * 8 == pytest.approx(2 * math.pi * 25 * math.pi * 4 * 6, rel=0.01)  # Pappus
    box, f = filled(Superellipsoid((500, 0, 0), (5, 5, 5)), grid, np.eye(4))
    assert f.sum() == 0
