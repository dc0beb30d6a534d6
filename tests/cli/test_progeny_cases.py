"""Fates of progeny as a user writes them: tables, images, the command line, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from lutetia.chain.case import FreeFate, Progeny
from lutetia.chain.dose import run_case
from lutetia.cli import main
from lutetia.core import BadInput
from lutetia.report import explain, write_run_report
from tests.cli.test_case_corners import write_nifti

ROOT = Path(__file__).resolve().parents[2]
HEAD = 'schema = "lutetia-case/1"\nid = "alpha"\nnuclide = "{nuclide}"\n[administration]\nactivity = "8 MBq"\ntime = "2024-03-04T09:00:00"\n'
OWN = """[progeny.retained]
"tumour 1" = {Fr-221 = 0.9, Bi-213 = 0.6}
[progeny.free.Bi-213]
blood_half_life = "10 min"
to = {"kidney left" = 0.2, excreted = 0.1}
"""


def table(folder: Path, more: str = "", nuclide: str = "Ac-225", names: tuple[str, ...] = ("tumour 1", "kidney left")) -> dict:
    text = HEAD.format(nuclide=nuclide) + more
    for n, name in enumerate(names):
        text += f'[[region]]\nname = "{name}"\nmass = "{100 + n} g"\ndensity = "1 g/mL"\ntimes = ["4 h", "24 h", "96 h"]\nactivities = ["60 kBq", "40 kBq", "12 kBq"]\n'
    folder.mkdir(exist_ok=True)
    (folder / "case.toml").write_text(text)
    return run_case(folder / "case.toml", folder / "out")


def images(folder: Path, more: str = "", nuclide: str = "Ac-225", engine: str = "kernel") -> dict:
    """A tumour and a kidney of NIfTI, without a CT but with an outline of the body."""
    shape = (14, 14, 16)
    labels, outline = np.zeros(shape), np.zeros(shape)
    outline[1:-1, 1:-1, 1:-1] = 1
    labels[4:8, 4:8, 3:7], labels[4:9, 4:9, 10:13] = 1, 2
    folder.mkdir(exist_ok=True)
    text = HEAD.format(nuclide=nuclide)
    for n, h in enumerate((4.0, 24.0, 96.0), 1):
        values = np.where(labels == 1, 4e3, np.where(labels == 2, 1e3, 50.0 * outline)) * 2 ** (-h / 40)
        write_nifti(folder / f"s{n}.nii.gz", values)
        text += f'[[scan]]\nactivity = "s{n}.nii.gz"\nunit = "Bq/mL"\ntime = "{h} h"\ndecay_corrected_to = "acquisition"\n'
        if n == 1:
            write_nifti(folder / "labels.nii.gz", labels)
            write_nifti(folder / "body.nii.gz", outline)
            text += 'regions = "labels.nii.gz"\nlabels = {1 = "tumour 1", 2 = "kidney left"}\n'
    text += f'[dosimetry]\nengine = "{engine}"\nhistories = 20000\nbody = "body.nii.gz"\n'
    (folder / "case.toml").write_text(text + more)
    return run_case(folder / "case.toml", folder / "out", report=write_run_report)


def regions(result: dict) -> dict[str, dict]:
    return {r["region"]: r for r in result["regions"]}


def balanced(result: dict) -> None:
    """Energy by where it was emitted and by what became of it; and each region's dose by nuclide, radiation and in all."""
    e = result["progeny"]["energy_J"]
    assert e["in_place"] + e["other_regions"] + e["body"] + e["excreted"] == pytest.approx(e["released"], rel=1e-6)
    assert e["deposited"] + e["escaped"] + e["excreted"] + e["without_dose"] == pytest.approx(e["released"], rel=1e-6)
    assert 0 <= e["escaped"] < 0.05 * e["released"] and e["deposited"] > 0
    for r in result["regions"]:
        for radiation, dose in r["dose_by_radiation_Gy"].items():
            assert sum(d[radiation] for d in r["dose_by_nuclide_Gy"].values()) == pytest.approx(dose, rel=1e-12)
        assert sum(r["dose_by_radiation_Gy"].values()) == pytest.approx(r["dose_Gy"], rel=1e-12)
        assert set(r["dose_by_nuclide_Gy"]) == set(r["tia_by_nuclide_Bq_s"]) == set(result["progeny"]["nuclides"])


def test_a_table_by_default_has_all_progeny_with_its_parent(tmp_path: Path) -> None:
    result = table(tmp_path / "a")
    balanced(result)
    assert result["progeny"]["preset"] == "with-parent" and "progeny in equilibrium decays where its parent does" in result["assumptions"]
    r = regions(result)["tumour 1"]
    assert r["tia_by_nuclide_Bq_s"]["Po-213"] == pytest.approx(0.979 * r["tia_Bq_s"], rel=1e-3)
    # 27.48 MeV of alphas and 0.51 MeV of recoil for each 225Ac, all of it in 100 g.
    assert r["dose_by_radiation_Gy"]["alpha"] == pytest.approx(r["tia_Bq_s"] * 28.0 * 1.602177e-13 / 0.1, rel=3e-3)


def test_own_fates_in_a_table(tmp_path: Path) -> None:
    stay, own = table(tmp_path / "a"), table(tmp_path / "b", OWN)
    balanced(own)
    a, b = regions(stay), regions(own)
    # 10 % of 221Fr leaves at once for the body and its 213Bi is born there; of the rest 60 % stays.
    t = "tumour 1"
    assert b[t]["tia_by_nuclide_Bq_s"]["Fr-221"] == pytest.approx(0.9 * a[t]["tia_by_nuclide_Bq_s"]["Fr-221"])
    assert b[t]["tia_by_nuclide_Bq_s"]["Bi-213"] == pytest.approx(0.54 * a[t]["tia_by_nuclide_Bq_s"]["Bi-213"])
    assert b[t]["dose_by_nuclide_Gy"]["Po-213"]["alpha"] == pytest.approx(0.54 * a[t]["dose_by_nuclide_Gy"]["Po-213"]["alpha"])
    # Free 213Bi (45.6 min) leaves the blood with 10 min: 45.59/55.59 of it; a fifth of that goes to the kidney.
    coming = 0.9 * 0.4 * a[t]["tia_by_nuclide_Bq_s"]["Bi-213"] * 45.59 / 55.59
    k = "kidney left"
    assert b[k]["tia_by_nuclide_Bq_s"]["Bi-213"] - a[k]["tia_by_nuclide_Bq_s"]["Bi-213"] == pytest.approx(0.2 * coming, rel=1e-4)
    assert own["progeny"]["decays_Bq_s"]["Bi-213"]["excreted"] == pytest.approx(0.1 * coming, rel=1e-4)
    assert own["progeny"]["preset"] == "own" and own["progeny"]["free"]["Bi-213"]["blood_half_life_s"] == 600.0


def test_the_antibody_preset_by_organ_and_a_region_of_ones_own(tmp_path: Path) -> None:
    more = '[progeny]\npreset = "antibody-in-circulation"\norgan = {"kidney left" = "spleen"}\n[progeny.retained]\n"tumour 1" = 0.5\n'
    result = table(tmp_path / "a", more)
    balanced(result)
    decays = regions(result)["kidney left"]["tia_by_nuclide_Bq_s"]
    assert decays["Bi-213"] == pytest.approx(0.072 * decays["Ac-225"], rel=1e-3)
    assert "10.1186/s40658-021-00410-6" in result["progeny"]["source"] and "with own fates for tumour 1" in result["progeny"]["preset"]
    assert "progeny_fates" in [t["name"] for t in result["provenance"]["tables"]]
    text = explain(result, "kidney left")
    assert "fate of progeny: antibody-in-circulation" in text and "Bi-213 7.2" in text and text.index("Ac-225:") < text.index("Po-213:")


def test_progeny_false_leaves_the_parent_alone(tmp_path: Path) -> None:
    result = table(tmp_path / "a", "[dosimetry]\nprogeny = false\n")
    balanced(result)
    assert result["progeny"]["nuclides"] == ["Ac-225"] and result["progeny"]["preset"] is None and "progeny = false" in result["progeny"]["note"]
    assert not any("progeny" in a for a in result["assumptions"])


def test_progeny_that_outlives_its_parent_is_named(tmp_path: Path) -> None:
    result = table(tmp_path / "a", nuclide="At-211")
    assert "Bi-207" in result["progeny"]["not_counted"] and "Po-211" in result["progeny"]["nuclides"]
    assert any("outlives its parent" in a and "Bi-207" in a for a in result["assumptions"])


@pytest.mark.parametrize("more", ["", OWN], ids=["with-parent", "own"])
@pytest.mark.parametrize("engine", ["local", "kernel", "monte-carlo"])
def test_images_by_nuclide(tmp_path: Path, more: str, engine: str) -> None:
    result = images(tmp_path / "a", more, engine=engine)
    e = result["progeny"]["energy_J"]
    assert e["in_place"] + e["other_regions"] + e["body"] + e["excreted"] == pytest.approx(e["released"], rel=1e-6)
    assert e["without_dose"] == 0 and e["deposited"] + e["escaped"] + e["excreted"] == pytest.approx(e["released"], rel=1e-6)
    assert 0 < e["escaped"] < 0.03 * e["released"]
    out = tmp_path / "a" / "out"
    total = nibabel.load(out / "dose.nii.gz").get_fdata()
    maps = {n: nibabel.load(out / result["files"][f"dose_{n}"]).get_fdata() for n in result["progeny"]["nuclides"]}
    assert np.allclose(sum(maps.values()), total, rtol=1e-4, atol=1e-6 * total.max())
    r = regions(result)["tumour 1"]
    part = {n: d["alpha"] for n, d in r["dose_by_nuclide_Gy"].items()}
    # Alpha and recoil energies of ICRP 107: 8.537 MeV of 213Po, 5.892 of 225Ac; 0.54 of 213Bi stays with these fates.
    assert part["Po-213"] / part["Ac-225"] == pytest.approx(0.979 * 8.537 / 5.892 * (0.54 if more else 1), rel=2e-3)
    assert sum(sum(d.values()) for d in r["dose_by_nuclide_Gy"].values()) == pytest.approx(r["dose_Gy"], rel=1e-9)
    page = (out / "report.html").read_text()
    assert "Dose by nuclide of the chain" in page and ("a file of the user" in page) is bool(more)


def test_a_run_by_nuclide_can_be_run_again_but_not_over_other_files(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    images(folder)
    run_case(folder / "case.toml", folder / "out")
    (folder / "out" / "dose_by_nuclide" / "mine.txt").write_text("keep me")
    with pytest.raises(BadInput, match="mine.txt"):
        run_case(folder / "case.toml", folder / "out")
    assert (folder / "out" / "dose_by_nuclide" / "mine.txt").read_text() == "keep me"


def test_one_nuclide_has_no_maps_by_nuclide(tmp_path: Path) -> None:
    result = images(tmp_path / "a", nuclide="Lu-177")
    assert not (tmp_path / "a" / "out" / "dose_by_nuclide").exists() and result["progeny"]["nuclides"] == ["Lu-177"]
    assert list(result["regions"][0]["dose_by_nuclide_Gy"]) == ["Lu-177"]
    assert result["regions"][0]["dose_by_nuclide_Gy"]["Lu-177"] == result["regions"][0]["dose_by_radiation_Gy"]
    assert "Dose by nuclide" not in (tmp_path / "a" / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("more", "nuclide", "says"),
    [
        ('[progeny]\npreset = "antibody-in-circulation"\n', "Ra-223", "no published fate for Ra-223"),
        ('[progeny]\npreset = "with-parents"\n', "Ac-225", "Did you mean with-parent"),
        ('[progeny]\npresett = "with-parent"\n', "Ac-225", "progeny.presett is not a known key. Did you mean preset"),
        ('[progeny.retained]\n"tumour 1" = 1.5\n', "Ac-225", "less than or equal to 1"),
        ('[progeny.retained]\n"tumour 1" = true\n', "Ac-225", "progeny.retained.tumour 1"),
        ('[progeny.retained]\n"tumor 1" = 0.5\n', "Ac-225", "Did you mean tumour 1"),
        ('[progeny.retained]\n"tumour 1" = {Po-213 = 0.5}\n', "Ac-225", "decays before it can go"),
        ('[progeny.free.Bi-213]\nto = {"kidney left" = 0.7, excreted = 0.7}\n', "Ac-225", "sum to 1.4"),
        ('[progeny.free.Bi-213]\nto = {"kidney right" = 0.7}\n', "Ac-225", "no region 'kidney right'"),
        ('[progeny.free.Bi-213]\nblood_half_life = 10\n', "Ac-225", "unit"),
        ('[progeny.free.Bi-213]\nblood_halflife = "10 min"\n', "Ac-225", "Did you mean blood_half_life"),
        ('[progeny.free.Pb-212]\nto = {excreted = 1.0}\n', "Ac-225", "Pb-212.*not in the chain"),
        ("[dosimetry]\nprogeny = false\n[progeny]\n", "Ac-225", "no effect with dosimetry.progeny = false"),
        ('[progeny.retained]\n"tumour 1" = 0.5\n', "Lu-177", "no radioactive progeny"),
    ],
)  # fmt: skip
def test_what_is_refused(tmp_path: Path, more: str, nuclide: str, says: str) -> None:
    with pytest.raises(BadInput, match=says) as error:
        table(tmp_path / "a", more, nuclide)
    assert "\n" not in str(error.value) and not (tmp_path / "a" / "out").exists()


def test_a_result_with_holes_or_without_progeny_is_still_shown(tmp_path: Path) -> None:
    """Numbers that are missing are dashes; results of before, without a word of progeny, have no such part."""
    result = table(tmp_path / "a", OWN)
    for r in result["regions"]:
        r["dose_by_nuclide_Gy"]["Bi-213"]["alpha"] = r["tia_by_nuclide_Bq_s"]["Bi-213"] = None
    result["progeny"]["energy_J"]["released"] = result["progeny"]["energy_J"]["escaped"] = None
    page = tmp_path / "page.html"
    write_run_report(page, result, None)
    assert "None" not in explain(result, "tumour 1") + explain(result) + page.read_text() and "Po-213" in page.read_text()
    for r in result["regions"]:
        del r["dose_by_nuclide_Gy"], r["tia_by_nuclide_Bq_s"]
    del result["progeny"]
    write_run_report(page, result, None)
    assert "Po-213" not in explain(result, "tumour 1") + page.read_text()


def test_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    table(tmp_path / "a", OWN)
    monkeypatch.setattr("sys.argv", ["lutetia", "explain", str(tmp_path / "a" / "out" / "result.json")])
    with pytest.raises(SystemExit) as done:
        main()
    said = capsys.readouterr().out
    assert not done.value.code and "fate of progeny: own" in said and "free Bi-213: " in said and "energy released" in said


def test_the_pages_show_a_case_that_loads_and_every_key(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "case-file.md").read_text("utf-8")
    section = text[text.index("## [progeny]") :]
    block = section[section.index("```toml\n") + 8 :]
    result = table(tmp_path / "a", block[: block.index("```")], names=("tumour 1", "kidney left", "kidney right"))
    assert result["progeny"]["preset"] == "own" and json.loads((tmp_path / "a" / "out" / "result.json").read_text())["progeny"]
    assert not [k for m in (Progeny, FreeFate) for k in m.model_fields if f"`{k}`" not in section]
    page = (ROOT / "docs" / "results.md").read_text("utf-8")
    record = result["progeny"]
    assert not [k for k in [*record, *record["energy_J"], *record["decays_Bq_s"]["Bi-213"], *record["free"]["Bi-213"]] if f"`{k}`" not in page]
