"""What a user gets wrong, on the command line: one sentence on stderr, exit code 2, nothing written."""

from __future__ import annotations

import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import pydicom
import pytest

from lutetia.cli import main
from tests.cli.small_patient import write_patient

TABLE = """schema = "lutetia-case/1"
id = "x"
nuclide = "Lu-177"
[administration]
activity = "7.4 GBq"
[[region]]
name = "k"
mass = "169 g"
times = ["4 h", "24 h", "96 h"]
activities = ["98 MBq", "72 MBq", "29 MBq"]
"""


@pytest.fixture
def lutetia(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """The command in this process, which spares the imports: exit code, stdout, stderr."""

    def run(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["lutetia", *map(str, arguments)])
        before = signal.getsignal(signal.SIGTERM)
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        signal.signal(signal.SIGTERM, before)
        said = capsys.readouterr()
        return int(end.value.code or 0), said.out, said.err

    return run


@pytest.fixture
def refused(lutetia, tmp_path: Path) -> Callable[..., str]:
    """The sentence with which `lutetia dose` refuses a case, after checking that it is all there is."""

    def run(case: Path, *more: object) -> str:
        code, out, said = lutetia("dose", case, "--out", tmp_path / "never", *more)
        assert (code, out) == (2, ""), said
        assert said.startswith("lutetia: ") and len(said.strip().splitlines()) == 1 and "Traceback" not in said
        assert not (tmp_path / "never").exists() and not list(tmp_path.glob(".never*"))
        return said

    return run


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    return write_patient(tmp_path_factory.mktemp("written")).parent


@pytest.fixture
def patient(written: Path, tmp_path: Path) -> Path:
    """A case folder of its own: three scans, a CT, contours."""
    folder = tmp_path / "patient"
    shutil.copytree(written, folder)
    edit_text(folder, ("histories = 100000", 'engine = "local"'))
    return folder


def edit_text(folder: Path, *changes: tuple[str, str]) -> None:
    text = (folder / "case.toml").read_text()
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    (folder / "case.toml").write_text(text)


def edit(files: list[Path], change: Callable[[pydicom.Dataset, int], object]) -> None:
    for n, file in enumerate(files):
        ds = pydicom.dcmread(file)
        change(ds, n)
        ds.save_as(file)


def scan(folder: Path, n: int = 2) -> list[Path]:
    return sorted(folder.glob(f"scan{n}/pet/*"))


def contours(folder: Path) -> Path:
    return next(folder.glob("scan1/regions/*"))


def table(tmp_path: Path, *changes: tuple[str, str], add: str = "") -> Path:
    folder = tmp_path / "table"
    folder.mkdir(exist_ok=True)
    (folder / "case.toml").write_text(TABLE + add)
    edit_text(folder, *changes)
    return folder


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [("7.4 GBq", "7400 mBq", "prefix"), ("7.4 GBq", "1e-300 Bq", "prefix"), ("7.4 GBq", "10**10**10 Bq", "cannot read"), ("98 MBq", "1e300 Bq", "prefix"),
     ("169 g", "1e-30 g", "prefix"), ("169 g", "1e30 g", "prefix"), ("4 h", "1e9 h", "must rise"), ("96 h", "1e9 h", "nothing is left"),
     ("Lu-177", "Po-212", "nothing is left"), ("Lu-177", "Lu" * 5000, "40 characters"), ('"Lu-177"', "177", "in quotes"), ('["4 h", "24 h", "96 h"]', '"4 h"', "list"),
     ('"k"', '"   "', "region's name"), ('"k"', f'"{"k" * 65}"', "region's name"), ('"k"', '"a\\nb\\u001b[31m"', "region's name"),
     ('[administration]\nactivity = "7.4 GBq"', "administration = 5", "section"), ('id = "x"', 'id = "<b>"', "letters"), ('schema = "lutetia-case/1"\n', "", "no schema")],
)  # fmt: skip
def test_odd_values_in_a_table(refused, tmp_path: Path, old: str, new: str, says: str) -> None:
    assert says in refused(table(tmp_path, (old, new)))


@pytest.mark.parametrize(
    ("add", "says"),
    [("recovery_coefficient = 1e-300\n", "0.01"), ('recovery_coefficient = "0.5"\n', "without quotes"), ("recovery_coefficient = true\n", "without quotes"),
     ("a = " + "[" * 3000 + "]" * 3000, "nesting"), ("a = " + "9" * 5000, "nesting"), ('density = "-1 g/mL"\n', "above zero")],
)  # fmt: skip
def test_odd_lines_in_a_table(refused, tmp_path: Path, add: str, says: str) -> None:
    assert says in refused(table(tmp_path, add=add))


def test_what_windows_writes(lutetia, refused, tmp_path: Path) -> None:
    folder = table(tmp_path)
    (folder / "case.toml").write_bytes(TABLE.encode("utf-16"))
    assert "UTF-8" in refused(folder)
    (folder / "case.toml").write_bytes(b"\xef\xbb\xbf" + TABLE.encode())
    assert lutetia("dose", folder, "--out", tmp_path / "out")[0] == 0


def test_the_impossible_is_warned_of(lutetia, tmp_path: Path) -> None:
    """98 GBq in a kidney after 7.4 GBq at 4 h, where 177Lu (159.5 h) keeps 98.3 %: 13.5 times what was given."""
    code, _, said = lutetia("dose", table(tmp_path, ("98 MBq", "98 GBq"), add='bed = "kidny"\n'), "--out", tmp_path / "out")
    assert code == 0 and "13.5 times the activity that was given" in said and "Did you mean kidney" in said
    code, _, said = lutetia("dose", table(tmp_path, ("169 g", "1 ug")), "--out", tmp_path / "out")
    assert code == 0 and "beyond what therapies reach" in said


def test_an_image_with_more_than_was_given_is_warned_of(lutetia, patient: Path, tmp_path: Path) -> None:
    edit_text(patient, ("7.4 GBq", "7.4 MBq"))
    code, _, said = lutetia("dose", patient, "--out", tmp_path / "out")
    assert code == 0 and "scan 1: the image holds" in said and "times the activity that was given" in said


def test_an_image_with_ten_thousand_times_as_much_is_refused(refused, patient: Path) -> None:
    edit_text(patient, ("7.4 GBq", "1 kBq"))
    assert "times the activity that was given, less decay" in refused(patient)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [('"scan2/pet"', '""', "path is empty"), ('"scan2/pet"', '"a\\u0000b"', "cannot be a path"), ('"scan2/pet"', '"' + "x" * 5000 + '"', "cannot be a path"),
     ('"scan2/pet"', '"scan2/pet"\nct = "nowhere"', "scan 2: ct: there is no"), ('"scan2/pet"', '"scan2/pet"\nregions = "nowhere"', "scan 2: regions: there is no"),
     ('"scan2/pet"', '"scan2/pet"\nlabels = {1 = "a"}', "regions beside them"), ('"scan2/pet"', '"scan2/pet"\ntime = "1e300 h"', "beyond the calendar"),
     ('"scan2/pet"', '"scan2/pet"\nduration = "1e300 s"', "not between"), ("2024-03-04T09", "2023-03-04T09", "nothing is left"),
     ("2024-03-04T09", "1924-03-04T09", "nothing is left"), ("2024-03-04T09:00:00", "2024-03-04T13:00:00", "that of the administration"),
     ("[uncertainty]", '[regions]\ninclude = []\n[uncertainty]', "at least one"), ("[uncertainty]", '[regions]\ninclude = ["body", "body"]\n[uncertainty]', "twice"),
     ("[uncertainty]", '[regions.define]\nbody = "kidney left"\n[uncertainty]', "another name"), ("[uncertainty]", f'[regions.define]\n{"z" * 65} = "body"\n[uncertainty]', "region's name"),
     ("[uncertainty]", f'[regions.define]\nx = "{" + ".join(["body"] * 2000)}"\n[uncertainty]', "more than 50 parts"), ('"8 mm"', '"8 km"', "prefix"),
     ("[dosimetry]", '[dosimetry]\nbody = "scan1/regions"', "beside a CT"), ("[dosimetry]", '[dosimetry]\ndvh_levels = ["-5 Gy"]', "above zero"),
     ("[dosimetry]", '[dosimetry]\nprogeny = "yes"', "true or false"), ("[dosimetry]", '[dosimetry]\nhistories = "100000"', "whole number")],
)  # fmt: skip
def test_odd_values_with_images(refused, patient: Path, old: str, new: str, says: str) -> None:
    edit_text(patient, (old, new))
    assert says in refused(patient)


@pytest.mark.parametrize("tag", ["PixelSpacing", "ImagePositionPatient"])
def test_a_place_that_is_no_patient_s(refused, patient: Path, tag: str) -> None:
    edit(scan(patient), lambda ds, k: setattr(ds, tag, ["1e30"] * len(getattr(ds, tag))))
    assert "not one in mm of a patient" in refused(patient)


def test_a_scale_beyond_any_source(refused, patient: Path) -> None:
    edit(scan(patient), lambda ds, k: setattr(ds, "RescaleSlope", "1e30"))
    assert "more than any patient can" in refused(patient)


def test_a_duplicate_slice(refused, patient: Path) -> None:
    shutil.copy(scan(patient)[3], patient / "scan2" / "pet" / "copy.dcm")
    assert "1 slice lies where another" in refused(patient)


def test_a_sheared_stack(refused, patient: Path) -> None:
    def tilt(ds: pydicom.Dataset, k: int) -> None:
        x, y, z = map(float, ds.ImagePositionPatient)
        ds.ImagePositionPatient = [x, y + 2 * k, z]

    edit(scan(patient), tilt)
    assert "gantry tilt" in refused(patient)


@pytest.mark.parametrize("kind", ["ct", "regions"])
def test_another_patient_s_ct_or_regions(refused, patient: Path, kind: str) -> None:
    edit(sorted(patient.glob(f"scan1/{kind}/*")), lambda ds, k: setattr(ds, "PatientID", "OTHER"))
    assert "files of 2 patients" in refused(patient)


def test_a_nested_bomb_among_the_regions(refused, patient: Path) -> None:
    raw = contours(patient).read_bytes()
    start = raw.index(struct.pack("<HH", 0x0008, 0x0016), 132)
    sequence = struct.pack("<HH2sHI", 0x0008, 0x1140, b"SQ", 0, 0xFFFFFFFF) + struct.pack("<HHI", 0xFFFE, 0xE000, 0xFFFFFFFF)
    ends = struct.pack("<HHI", 0xFFFE, 0xE00D, 0) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    contours(patient).write_bytes(raw[:start] + sequence * 240 + ends * 240 + raw[start:])
    assert "nested too deeply" in refused(patient)


def test_a_name_that_would_draw_on_a_terminal(refused, patient: Path) -> None:
    edit([contours(patient)], lambda ds, k: setattr(ds.StructureSetROISequence[0], "ROIName", "a\x1b[31mb"))
    said = refused(patient)
    assert "\x1b" not in said and "control characters" in said


def test_a_region_outside_is_no_harm_where_it_is_not_wanted(lutetia, refused, patient: Path, tmp_path: Path) -> None:
    def away(ds: pydicom.Dataset, k: int) -> None:
        for contour in ds.ROIContourSequence[0].ContourSequence:
            contour.ContourData = [f"{v:.3f}" for v in (np.array(contour.ContourData, float).reshape(-1, 3) + [500, 0, 0]).ravel()]

    edit([contours(patient)], away)
    assert "regions.include" in refused(patient)
    edit_text(patient, ("[uncertainty]", '[regions]\ninclude = ["kidney right", "rest"]\ndefine = {rest = "body - kidney right"}\n[uncertainty]'))
    assert lutetia("dose", patient, "--out", tmp_path / "out")[0] == 0
    edit_text(patient, ('"kidney right", "rest"', '"kidny right"'))
    assert "Did you mean kidney right" in refused(patient)


def test_regions_that_are_not_used_are_named(lutetia, patient: Path, tmp_path: Path) -> None:
    edit_text(patient, ('"scan2/pet"', '"scan2/pet"\nregions = "scan1/regions"'))
    assert "scan 2: its regions were not used" in lutetia("dose", patient, "--out", tmp_path / "out")[2]


@pytest.mark.parametrize(
    ("change", "says"),
    [(lambda raw: raw[:-4], "cut short"), (lambda raw: raw[: len(raw) // 2], "cut short"), (lambda raw: b"hello", "cut short"),
     (lambda raw: raw[:-6] + bytes(b ^ 1 for b in raw[-6:]), "damaged")],
)  # fmt: skip
def test_a_damaged_nifti(refused, tmp_path: Path, change: Callable[[bytes], bytes], says: str) -> None:
    folder = nifti_case(tmp_path)
    file = folder / "spect.nii.gz"
    file.write_bytes(change(file.read_bytes()))
    assert says in refused(folder)


@pytest.mark.parametrize(
    ("kind", "scale", "says"), [(np.complex64, 1.0, "plain numbers"), (np.float32, 1e10, "not one in mm"), (np.float32, 1e-30, "not one in mm")]
)
def test_a_strange_nifti(refused, tmp_path: Path, kind: type, scale: float, says: str) -> None:
    assert says in refused(nifti_case(tmp_path, kind, scale))


def test_activity_given_as_a_ct(refused, tmp_path: Path) -> None:
    folder = nifti_case(tmp_path)
    edit_text(folder, ('regions = "labels.nii.gz"', 'regions = "labels.nii.gz"\nct = "spect.nii.gz"'))
    assert "no Hounsfield units" in refused(folder)


@pytest.mark.parametrize(
    ("method", "says"),
    [('"madsen"\neffective_half_life = "1 s"', "nothing is left"), ('"population"\neffective_half_life = "50 h"\neffective_half_life_u = "1000 %"', "100 % or less"),
     ('"auto"', "single-time-point method")],
)  # fmt: skip
def test_one_scan_with_a_method_that_does_not_hold(refused, tmp_path: Path, method: str, says: str) -> None:
    folder = nifti_case(tmp_path)
    edit_text(folder, ('"hanscheid"', method))
    assert says in refused(folder)


def nifti_case(tmp_path: Path, kind: type = np.float32, scale: float = 1.0) -> Path:
    folder = tmp_path / "nifti"
    folder.mkdir()
    values = np.zeros((6, 6, 6), kind)
    values[2:4, 2:4, 2:4] = 1e6
    nibabel.save(nibabel.Nifti1Image(values, np.diag([4.0 * scale, 4, 4, 1])), folder / "spect.nii.gz")
    nibabel.save(nibabel.Nifti1Image((np.abs(values) > 0).astype(np.uint8), np.diag([4.0, 4, 4, 1])), folder / "labels.nii.gz")
    (folder / "case.toml").write_text(
        'schema = "lutetia-case/1"\nid = "x"\nnuclide = "Lu-177"\n[administration]\nactivity = "7.4 GBq"\ntime = 2024-03-04T09:00:00\n[[scan]]\n'
        'activity = "spect.nii.gz"\nunit = "Bq/mL"\ntime = "24 h"\ndecay_corrected_to = "none"\nregions = "labels.nii.gz"\n[kinetics]\nmethod = "hanscheid"\n'
    )
    return folder


@pytest.mark.parametrize(
    ("arguments", "says"),
    [(("dose", "case"), "--out"), (("dosse",), "Did you mean"), (("dose", "c", "--out", "o", "--foo"), "--foo"), (("dose", "c", "--out", "o", "--seed", "-1"), "--seed"),
     (("dose", "c", "--out", "o", "--seed", "x"), "--seed"), (("inspect", "x" * 5000), "too long"), (("dose", "x" * 5000, "--out", "o"), "too long")],
)  # fmt: skip
def test_mistakes_on_the_command_line(lutetia, arguments: tuple[str, ...], says: str) -> None:
    code, out, said = lutetia(*arguments)
    assert code == 2 and out == "" and says in said and len(said.strip().splitlines()) == 1 and said.startswith("lutetia: ")


def test_an_unexpected_fault_is_a_sentence_too(lutetia, tmp_path: Path, monkeypatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError("the patient's name")

    monkeypatch.setattr("lutetia.chain.dose.run_table", fail)
    code, _, said = lutetia("dose", table(tmp_path), "--out", tmp_path / "never")
    assert code == 1 and "ZeroDivisionError in chain/dose.py" in said and "patient's name" not in said and len(said.strip().splitlines()) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["table"]


def test_inspect_lists_junk_without_noise(lutetia, tmp_path: Path) -> None:
    for name, raw in {"a.dcm": b"x" * 300, "b": b"\0" * 128 + b"DICM", "c.nii": b"y" * 500, "d.nii.gz": b"z", "e\x1b[31m.dcm": b""}.items():
        (tmp_path / name).write_bytes(raw)
    code, out, said = lutetia("inspect", tmp_path)
    assert code == 0 and said == "" and out.count("unreadable") == 5 and "\x1b" not in out


@pytest.mark.parametrize("text", ["", "null", "[]", "3", '{"schema": NaN}', "[" * 5000, '{"schema": "lutetia-result/1"}'])
def test_explain_refuses_junk(lutetia, tmp_path: Path, text: str) -> None:
    (tmp_path / "result.json").write_text(text)
    code, out, said = lutetia("explain", tmp_path)
    assert code == 2 and out == "" and len(said.strip().splitlines()) == 1


def test_explain_survives_any_part_replaced(lutetia, tmp_path: Path) -> None:
    assert lutetia("dose", table(tmp_path), "--out", tmp_path / "out")[0] == 0
    file = tmp_path / "out" / "result.json"
    whole = json.loads(file.read_text())
    for key in ("administered_at", "assumptions", "scans", "monte_carlo", "provenance"):
        file.write_text(json.dumps({**whole, key: [None]}))
        assert lutetia("explain", file)[0] in (0, 2)
    for key in whole["regions"][0]:
        file.write_text(json.dumps({**whole, "regions": [{**whole["regions"][0], key: {"a": 5}}]}))
        assert lutetia("explain", file, "k")[0] in (0, 2)
    file.write_text(json.dumps(whole))
    assert json.loads(lutetia("explain", file, "K", "--json")[1])["regions"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_killed_leaves_nothing_under_its_name(patient: Path, tmp_path: Path, how: signal.Signals) -> None:
    edit_text(patient, ('engine = "local"', 'engine = "monte-carlo"\nhistories = 10000000000'))
    heed = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731 - what a shell starts in the background has it ignored
    command = [sys.executable, "-m", "lutetia", "dose", patient, "--out", tmp_path / "out"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, preexec_fn=heed) as run:
        try:
            for _ in range(600):
                if list(tmp_path.glob(".out.*")):
                    break
                time.sleep(0.05)
            os.kill(run.pid, how)
            assert run.wait(60) != 0
        finally:
            run.kill()
    assert not (tmp_path / "out").exists()
    if how == signal.SIGTERM:
        assert not list(tmp_path.glob(".out.*"))
