"""`lutetia compare` as a user types it, on a region table and on images."""

from __future__ import annotations

import html
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
TABLE = EXAMPLES / "region-table"


def lutetia(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "lutetia", *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, str, Path]:
    out = tmp_path_factory.mktemp("compare") / "out"
    done = lutetia("compare", TABLE, "--nuclides", "177Lu, tb161,90Y,ac-225", "--out", out, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), (out / "report.html").read_text(), out


def _dose(result: dict, nuclide: str, region: str) -> dict:
    record = next(r for r in result["nuclides"] if r["nuclide"] == nuclide)
    return next(r for r in record["regions"] if r["region"] == region)


def test_the_same_as_dose_for_the_case_s_own_nuclide(table: tuple[dict, str, Path], tmp_path: Path) -> None:
    result, _, out = table
    assert sorted(p.name for p in out.iterdir()) == ["report.html", "result.json"]
    done = lutetia("dose", TABLE, "--out", tmp_path / "dose", "--json")
    for region in json.loads(done.stdout)["regions"]:
        mine = _dose(result, "Lu-177", region["region"])
        assert mine["dose_Gy"] == pytest.approx(region["dose_Gy"]) and mine["dose_u_Gy"] == pytest.approx(region["dose_u_Gy"])
        assert mine["dose_by_radiation_Gy"] == pytest.approx(region["dose_by_radiation_Gy"])


def test_the_rule_holds_and_names_its_organ(table: tuple[dict, str, Path]) -> None:
    """Default: equal dose to the kidney, alphas counted five times; the tumour is the target."""
    result, _, _ = table
    assert not [w for w in result["warnings"] if "limiting organ" in w or "named as a tumour" in w]
    assert (result["match"], result["organ"], result["target"]) == ("organ-limit", "kidney left", "tumour 1")
    weighted = []
    for record in result["nuclides"]:
        d = _dose(result, record["nuclide"], "kidney left")["dose_by_radiation_Gy"]
        weighted.append(5 * d["alpha"] + d["electron"] + d["photon"])
    assert weighted == pytest.approx([weighted[0]] * 4)
    assert result["nuclides"][3]["administered_Bq"] < 2e7 < result["nuclides"][0]["administered_Bq"]


def test_a_grey_of_alphas_is_never_weighted_unsaid(table: tuple[dict, str, Path]) -> None:
    """Absorbed doses are unweighted, the weighted value carries the name of its convention; betas have none."""
    result, page, _ = table
    kidney = _dose(result, "Ac-225", "kidney left")
    parts = kidney["dose_by_radiation_Gy"]
    assert kidney["dose_Gy"] == pytest.approx(sum(parts.values()))
    assert kidney["weighted"]["convention"] == "deterministic-5" and kidney["weighted"]["Sv_RBE"] == pytest.approx(5 * parts["alpha"] + parts["electron"] + parts["photon"])
    assert _dose(result, "Lu-177", "kidney left")["weighted"] is None
    assert kidney["dose_by_nuclide_Gy"]["Po-213"]["alpha"] > kidney["dose_by_nuclide_Gy"]["Bi-213"]["alpha"] > 0
    assert sum(by["alpha"] for by in kidney["dose_by_nuclide_Gy"].values()) == pytest.approx(parts["alpha"])
    # Wherever the page shows the weighted value, the column says convention and RBE.
    spleen = _dose(result, "Ac-225", "spleen")  # not the organ whose weighted dose was set to that of a beta emitter
    shown = f"{spleen['weighted']['Sv_RBE']:.3g}"
    for place in re.finditer(rf">{re.escape(shown)}</td>", page):
        table_head = page[: place.start()].rsplit("<thead>", 1)[1].split("</thead>")[0]
        assert "RBE 5" in table_head and "convention" in table_head
    assert shown in page


def test_bed_comes_with_a_range(table: tuple[dict, str, Path]) -> None:
    result, _, _ = table
    bed = _dose(result, "Ac-225", "kidney left")["bed"]
    alpha = _dose(result, "Ac-225", "kidney left")["dose_by_radiation_Gy"]["alpha"]
    assert bed["with_alpha_Gy"]["low"]["bed_Gy"] == pytest.approx(bed["low_LET_Gy"] + 2.7 * alpha)
    assert bed["with_alpha_Gy"]["high"]["bed_Gy"] == pytest.approx(bed["low_LET_Gy"] + 15.2 * alpha)
    lu = _dose(result, "Lu-177", "kidney left")["bed"]
    assert lu["with_alpha_Gy"] is None and lu["low_LET_Gy"] > _dose(result, "Lu-177", "kidney left")["dose_Gy"]
    spleen = _dose(result, "Lu-177", "spleen")["bed"]
    assert spleen["low_LET_Gy"] is None and "no published parameters" in spleen["note"]


def test_micrometastases_cover_the_sizes_and_turn_over(table: tuple[dict, str, Path]) -> None:
    result, page, _ = table
    micro = result["micrometastases"]
    sizes = sorted({r["diameter_um"] for r in micro["rows"]})
    assert sizes[0] == 10.0 and sizes[-1] == pytest.approx(10_000.0)
    best = {(k["positive_fraction"], k["diameter_um"]): k["order"][0] for k in micro["rankings"]}
    assert best[1.0, sizes[8]] == "Ac-225" and best[0.1, sizes[-1]] == "Lu-177"
    turn = next(c for c in micro["crossover_ranges"] if c["pair"] == ["Ac-225", "Lu-177"] and c["positive_fraction"] == 0.1)
    last = {v["variant"]: v["turns"][-1]["diameter_um"] for v in turn["variants"] if v["turns"]}
    assert last["alpha weight 15.2"] < last["alpha slope - u"] < last["nominal"]
    # What is said of a variant agrees with its crossovers: the nominal one with the list of them.
    nominal = next(v for v in turn["variants"] if v["variant"] == "nominal")
    listed = sorted(c["diameter_um"] for c in micro["crossovers"] if c["positive_fraction"] == 0.1 and {c["better_below"], c["better_above"]} == {"Ac-225", "Lu-177"})
    assert [t["diameter_um"] for t in nominal["turns"]] == listed
    table_of_turns = page.split("Where the ranking turns over")[1]
    assert "alpha weight 15.2" in table_of_turns and "Lu-177 above" in table_of_turns
    assert any(a.startswith("photons are left out; in a ball of 10 mm") for a in micro["assumptions"])


def test_the_page_is_alone(table: tuple[dict, str, Path]) -> None:
    _, page, _ = table
    assert not re.search(r"(?:src|href)=[\"'](?!data:)", page) and "<script" not in page
    assert html.unescape(page).count("Not a medical device") == 1


def test_images(tmp_path: Path) -> None:
    """The examples' images, by equal decays in the tumour: equal decays there, histograms for every nuclide."""
    done = lutetia("compare", EXAMPLES / "images", "--nuclides", "Ac-225", "--match", "decays", "--engine", "kernel", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    decays = [_dose(result, n, result["target"])["tia_Bq_s"] for n in ("Lu-177", "Ac-225")]
    assert decays[0] == pytest.approx(decays[1])
    assert all(r["dvh"]["curve"]["dose_Gy"] for record in result["nuclides"] for r in record["regions"])
    assert _dose(result, "Ac-225", result["target"])["dvh"]["mean_Gy"] == pytest.approx(_dose(result, "Ac-225", result["target"])["dose_Gy"], rel=2e-3)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--nuclides", "Lu-177"], "nothing to compare"),
        (["--nuclides", "Ac-225", "--match", "actvity"], "Did you mean activity"),
        (["--nuclides", "Ac-225", "--organ", "kidny left"], "Did you mean kidney left"),
        (["--nuclides", "Ac-225", "--target", "nowhere"], "no region"),
        (["--nuclides", "Ac-225", "--limit", "23 Sv"], "another kind"),
        (["--nuclides", "Ac-225", "--limit", "23 Gy", "--match", "decays"], "organ-limit"),
        (["--nuclides", "Ac-999"], "not one of the 1252"),
        (["--nuclides", "Ac-225", "--cycles", "0"], "cycles"),
        (["--nuclides", "Ac-225", "--engine", "kernel"], "no images"),
    ],
)
def test_bad_input_is_one_sentence_and_writes_nothing(more: list[str], said: str, tmp_path: Path) -> None:
    done = lutetia("compare", TABLE, "--out", tmp_path / "out", *more)
    assert done.returncode == 2 and not done.stdout
    assert said in done.stderr and len(done.stderr.strip().splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_without_a_limiting_organ_or_a_tumour_it_says_so(tmp_path: Path) -> None:
    text = (TABLE / "case.toml").read_text()
    start = text.index("[[region]]\nname = \"spleen\"")
    path = tmp_path / "case.toml"
    path.write_text(text[: text.index("[[region]]")] + text[start : text.index("[[region]]\nname = \"liver\"")])
    done = lutetia("compare", path, "--nuclides", "Ac-225", "--out", tmp_path / "out", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert (result["match"], result["organ"], result["target"]) == ("decays", None, "spleen")
    assert any("usual limiting organ" in w for w in result["warnings"]) and any("named as a tumour" in w for w in result["warnings"])
    assert lutetia("compare", path, "--nuclides", "Ac-225", "--match", "organ-limit", "--out", tmp_path / "other").returncode == 2
