"""The command line as a user types it: JSON for machines, sentences and exit codes for mistakes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TABLE = (EXAMPLES / "region-table" / "case.toml").read_text()


def lutetia(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "lutetia", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, timeout=300, check=False)


def as_json(*arguments: object) -> dict:
    done = lutetia(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def refused(*arguments: object) -> str:
    done = lutetia(*arguments)
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stderr and done.stdout == ""
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    return done.stderr


def test_help_names_every_command() -> None:
    done = lutetia("--help")
    assert done.returncode == 0
    for command in ("demo", "dose", "inspect", "explain", "nuclide", "sphere", "voxel-s", "compare", "cell", "range", "cluster", "bed", "agents", "simulate", "predict", "lint-sbml", "plan", "irradiate", "reactor", "generator", "batch", "ship", "supply", "supply-risk", "nation"):
        assert command in done.stdout
    assert "not a medical device" in " ".join(done.stdout.split())


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = "import sys, lutetia.cli.app; print([m for m in ('numpy', 'numba', 'scipy', 'pydicom', 'SimpleITK', 'matplotlib', 'pint', 'rich') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert not {"numba", "scipy", "pydicom", "SimpleITK", "matplotlib"} & set(eval(loaded)), loaded


def test_nuclide() -> None:
    n = as_json("nuclide", "225Ac")
    assert n["name"] == "Ac-225" and n["half_life_s"] == 864000.0 and n["chain"][0] == "Ac-225" and "Po-213" in n["chain"]
    for key in ("energy_per_decay_MeV", "chain_energy_per_decay_MeV"):
        assert set(n[key]) == {"alpha", "recoil", "beta", "electron", "photon"}
    assert n["chain_energy_per_decay_MeV"]["alpha"] == pytest.approx(27.48, rel=0.01)
    assert "Lu-177" in refused("nuclide", "Lu-17").split("Did you mean")[1]


def test_sphere_against_olguin() -> None:
    # Olguin 2020: 177Lu, 0.932 g of soft tissue, 2.49e-11 Gy/(Bq s).
    s = as_json("sphere", "Lu-177", "--mass", "0.932 g", "--density", "1.06 g/mL")
    assert s["S_Gy_per_Bq_s"] == pytest.approx(2.49e-11, rel=0.01)
    assert sum(s["S_by_radiation_Gy_per_Bq_s"].values()) == pytest.approx(s["S_Gy_per_Bq_s"])


def test_progeny_adds_the_alphas_of_the_chain() -> None:
    alone, chain = (as_json("sphere", "Ac-225", "--mass", "10 g", *flag)["S_by_radiation_Gy_per_Bq_s"]["alpha"] for flag in ((), ("--progeny",)))
    assert chain / alone == pytest.approx((27.48 + 0.513) / (5.787 + 0.105), rel=0.01)


def test_voxel_s() -> None:
    # MIRD Pamphlet 17: 90Y, 3 mm, 1.61; DPM Monte Carlo 1.581; Lanconelli 1.59 mGy/(MBq s).
    s = as_json("voxel-s", "Y-90", "--size", "3 mm", "--extent", "2")["S_mGy_per_MBq_s"]
    assert s[0][0][0] == pytest.approx(1.595, rel=0.02)
    assert len(s) == len(s[0]) == len(s[0][0]) == 3 and s[0][1][2] == pytest.approx(s[2][1][0], rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("sphere", "Lu-177", "--mass", "1"), "without a unit"), (("sphere", "Lu-177", "--mass", "1 MBq"), "another kind"), (("sphere", "Lu-177", "--mass", "-1 g"), "above zero"),
     (("sphere", "Lu-177", "--mass", "1e-40 g"), "prefix"), (("voxel-s", "Y-90", "--size", "1e9 m"), "prefix"), (("sphere", "Lu-177", "--mass", "1 g", "--density", "1e-30 g/mL"), "prefix"),
     (("voxel-s", "Y-90", "--size", "3"), "without a unit"), (("voxel-s", "Y-90", "--size", "3 mm", "--extent", "99"), "extent"), (("dose", "nowhere.toml", "--out", "x"), "case.toml"),
     (("explain", "nowhere.json"), "nowhere.json"), (("inspect", "nowhere"), "nowhere")],
)  # fmt: skip
def test_mistakes_get_one_sentence(arguments: tuple[str, ...], says: str, tmp_path: Path) -> None:
    assert says in refused(*arguments)


def test_region_table_end_to_end(tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = as_json("dose", EXAMPLES / "region-table", "--out", out)
    assert result == json.loads((out / "result.json").read_text())
    assert {p.name for p in out.iterdir()} == {"result.json", "regions.csv", "report.html"}
    kidney = next(r for r in result["regions"] if r["region"] == "kidney left")
    for key in ("mass_kg", "volume_mL", "tia_Bq_s", "tia_u_Bq_s", "model", "effective_half_life_s", "dose_Gy", "dose_u_Gy", "dose_by_radiation_Gy",
                "dose_per_activity_Gy_per_GBq", "dvh", "uncertainty_budget"):  # fmt: skip
        assert key in kidney
    # 177Lu keeps 147.9 keV of electrons and a few keV of photons in a kidney (ICRP 107).
    local = kidney["tia_Bq_s"] * 0.1479 * 1.602177e-13 / kidney["mass_kg"]
    assert local < kidney["dose_Gy"] < 1.06 * local
    assert kidney["dose_u_Gy"] == pytest.approx(kidney["dose_Gy"] * kidney["uncertainty_budget"]["relative"])
    assert any("neglected" in a for a in result["assumptions"])
    text = lutetia("explain", out / "result.json", "kidney left").stdout
    assert "electron_kernels" in text and "kidney left" in text
    assert "Did you mean kidney" in refused("explain", out / "result.json", "kidny left")


def test_single_time_points_state_their_uncertainty(tmp_path: Path) -> None:
    result = as_json("dose", EXAMPLES / "single-time-point", "--out", tmp_path / "out")
    assert len({r["model"] for r in result["regions"]}) >= 3
    for r in result["regions"]:
        assert r["tia_u_Bq_s"] > 0.05 * r["tia_Bq_s"]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [('nuclide = "Lu-177"', 'nuclide = "Lu-1777"', "Lu-177"), ('"7.4 GBq"', '"7.4 GHz"', "another kind"), ('"7.4 GBq"', "7.4", "without a unit"),
     ("[uncertainty]", "[uncertanty]", "Did you mean uncertainty"), ("schema", "scheme", "schema"), ('name = "kidney right"', 'name = "kidney left"', "twice"),
     ("[administration]", "[administration", "TOML")],
)  # fmt: skip
def test_mistakes_in_a_case_name_the_key(old: str, new: str, says: str, tmp_path: Path) -> None:
    assert old in TABLE
    (tmp_path / "case.toml").write_text(TABLE.replace(old, new, 1))
    assert says in refused("dose", tmp_path / "case.toml", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists() and [p.name for p in tmp_path.iterdir()] == ["case.toml"]


def test_an_output_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert "did not write" in refused("dose", EXAMPLES / "region-table", "--out", tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "dear"


def test_a_fit_that_cannot_be_done_names_its_region(tmp_path: Path) -> None:
    head = TABLE.split("[[region]]")[0]
    (tmp_path / "case.toml").write_text(head + '[[region]]\nname = "one point"\nmass = "100 g"\ntimes = ["24 h"]\nactivities = ["50 MBq"]\n')
    said = refused("dose", tmp_path / "case.toml", "--out", tmp_path / "out")
    assert "region 'one point'" in said and "hanscheid" in said
