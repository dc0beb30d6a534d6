"""The page: whole, self-contained, escaped, and the same each time."""

from __future__ import annotations

import base64
import dataclasses
import io
import re
import time
from html.parser import HTMLParser

import numpy as np
import pytest
from test_report_case import fake_images, fake_result, region_table_result

from lutetia.core import BadInput
from lutetia.report import ReportImages, write_report


class _Page(HTMLParser):
    """Tags, their attributes and the text of a page."""

    VOID = {"meta", "img", "br"}

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.text, self.open = "", []
        self.feed(text)
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))
        self.text += " " if tag == "td" else ""
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.text += data

    def images(self) -> list[str]:
        return [a["src"] for t, a in self.tags if t == "img"]


def _page(tmp_path, result: dict, images: ReportImages | None = None) -> _Page:
    write_report(tmp_path / "report.html", result, images)
    return _Page((tmp_path / "report.html").read_text("utf-8"))


def test_every_part_of_a_result_is_on_the_page(tmp_path) -> None:
    """What a physicist asks for is there, with values rounded by their uncertainty."""
    page = _page(tmp_path, fake_result(), fake_images(8.0))
    flat = " ".join(page.text.replace("\u202f", " ").split())
    for wanted in (
        "Phantom 07, cycle 2", "Lu-177", "PSMA-617", "7240 MBq", "2024-03-05 10:14 (+01:00)", "Not a medical device", "2 warnings", "kidney left",
        "14.6 ± 1.3", "61.3 ± 9.4", "bi-exponential with uptake", "kidney (made up for this test)", "mean dose, not voxel by voxel", "D98", "V 10 Gy",
        "volume and recovery are correlated", "RealWorldValueMappingSequence (0040,9096)", "slope 0.7312 Bq/mL per stored value", "START: values hold",
        "rigid, onto the CT of scan 1; correlation 0.871 to 0.962", "shift 1.2, −3.4, 0.6 mm", "progeny decay where their parent decayed", "20 000 000 histories", "ab" * 32, "ICRU Report 46", "kinetics.criterion",
        "numpy 1.26.4", "20240305", "dose.nii.gz", "60 files", "9f2c51d0a7be",
    ):  # fmt: skip
        assert wanted in flat, wanted
    assert flat.index("2 warnings") < flat.index("Absorbed dose")
    assert len(page.images()) == 6 + 1 + 2  # fits, histogram, two places


def test_nothing_outside_the_file_is_asked_for(tmp_path) -> None:
    """No script, no link, no address to load: every image is inside."""
    page = _page(tmp_path, fake_result(), fake_images(8.0))
    assert all(src.startswith("data:image/") for src in page.images())
    assert not {"script", "link", "iframe", "object", "embed", "a", "form"} & {t for t, _ in page.tags}
    assert not [k for _, a in page.tags for k in a if k.startswith("on") or k in ("href", "srcset", "action", "background")]
    assert "url(" not in page_style(tmp_path) and "@import" not in page_style(tmp_path)
    for src in page.images():
        image = base64.b64decode(src.partition(",")[2])
        assert not re.search(rb"(?:href|src)=\"(?!#)", image)


def page_style(tmp_path) -> str:
    return re.search(r"<style>(.*?)</style>", (tmp_path / "report.html").read_text("utf-8"), re.DOTALL).group(1)


def test_markup_in_any_text_is_shown_and_not_run(tmp_path) -> None:
    """Every string of a result is replaced by markup; none of it becomes a tag or an attribute."""
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"

    def poisoned(value):
        if isinstance(value, dict):
            return {k: poisoned(v) for k, v in value.items()}
        if isinstance(value, list):
            return [poisoned(v) for v in value]
        return evil if isinstance(value, str) else value

    result = poisoned(fake_result())
    for n, r in enumerate(result["regions"]):
        r["region"] = f"{evil}{n}"
        r["uncertainty_budget"]["components"][evil] = {"relative": 0.1, "share": 0.1}
        r["dvh"]["V"][evil] = 0.5
        r["color"] = "red;background:url(http://example.org)"
    images = fake_images(10.0)
    images = dataclasses.replace(images, masks={f"{evil}{n}": m for n, m in enumerate(images.masks.values())})
    page = _page(tmp_path, result, images)
    assert not {"script", "b x"} & {t for t, _ in page.tags}
    assert not [k for _, a in page.tags for k in a if k.startswith("on")]
    assert all(src.startswith("data:image/") for src in page.images())
    assert not [a["style"] for _, a in page.tags if "url" in a.get("style", "")]
    assert evil in page.text


def test_same_input_gives_the_same_bytes(tmp_path) -> None:
    """Also with other matplotlib settings, which are left as they were."""
    import matplotlib

    result, images = fake_result(), fake_images(8.0)
    write_report(tmp_path / "a.html", result, images)
    with matplotlib.rc_context({"font.size": 20, "lines.linewidth": 9, "svg.fonttype": "path"}):
        write_report(tmp_path / "b.html", result, images)
        assert matplotlib.rcParams["font.size"] == 20
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_region_table_has_no_images_and_says_what_is_missing(tmp_path) -> None:
    """Trapezoids, no histogram, no scans, None wherever the schema allows it."""
    page = _page(tmp_path, region_table_result())
    assert "No warnings." in page.text and "Dose-volume" not in page.text and "Scans" in page.text and "Biologically" not in page.text
    assert "None" not in page.text and "nan" not in page.text.split()
    assert len(page.images()) == 6


def test_bare_result(tmp_path) -> None:
    """One region with as little as the schema allows, and a dose of zero."""
    result = region_table_result()
    result["regions"] = [{
        "region": "liver", "mass_kg": 1.7, "volume_mL": None, "tia_Bq_s": 0.0, "tia_u_Bq_s": None, "model": None, "effective_half_life_s": None,
        "dose_Gy": 0.0, "dose_u_Gy": 0.0, "dose_by_radiation_Gy": {"alpha": 0.0, "electron": 0.0, "photon": 0.0}, "uncertainty_budget": {"components": {}},
        "tac": {"time_s": [0.0], "activity_Bq": [0.0], "u_activity_Bq": [0.0], "recovery_coefficient": None},
        "fit": {"coefficients_Bq": [], "rates_per_s": [], "candidates": []}, "warnings": [],
    }]  # fmt: skip
    result["provenance"] = {}
    assert "liver" in _page(tmp_path, result).text


@pytest.mark.parametrize("n", [1, 60])
def test_number_of_regions(tmp_path, n: int) -> None:
    """One and sixty regions; names of 300 characters; the file stays under 3 MB."""
    result = fake_result()
    base = result["regions"]
    result["regions"] = [{**base[k % 6], "region": f"lesion {k} " + "x" * 300} for k in range(n)]
    page = _page(tmp_path, result)
    assert page.text.count("lesion 0 x") >= 4 and len(page.images()) == n + 1
    assert (tmp_path / "report.html").stat().st_size < 3e6


def test_ten_regions_with_images_are_quick_and_small(tmp_path) -> None:
    """Processor time under 6 s and a file under 3 MB."""
    result = fake_result()
    result["regions"] += [{**r, "region": r["region"] + " copy"} for r in result["regions"][:4]]
    images = fake_images(4.0)
    start = time.process_time()
    write_report(tmp_path / "report.html", result, images)
    assert time.process_time() - start < 6.0
    assert (tmp_path / "report.html").stat().st_size < 3e6


def test_shared_warnings_are_said_once(tmp_path) -> None:
    """A warning that several regions have names them all."""
    result = fake_result()
    result["warnings"] = ["no decay correction named"] * 4
    for r in result["regions"][:3]:
        r["warnings"] = ["the fit has no point to spare"]
    text = " ".join(_page(tmp_path, result).text.split())
    assert text.count("the fit has no point to spare") == 1 and "kidney left, kidney right, liver: the fit" in text
    assert text.count("no decay correction named") == 1 and "named (4 times)" in text


def test_the_highest_dose_outside_every_region_is_said(tmp_path) -> None:
    """A hot spot that nobody outlined does not go unseen."""
    images = fake_images(10.0)
    assert "outside every region" not in _page(tmp_path, fake_result(), images).text
    dose = images.dose_Gy.copy()
    hot = tuple(np.argwhere((images.anatomy > -200) & ~np.logical_or.reduce(list(images.masks.values())))[0])
    dose[hot] = 500.0
    text = _page(tmp_path, fake_result(), dataclasses.replace(images, dose_Gy=dose)).text
    assert "500 Gy, lies outside every region" in text


def _warm_columns(tmp_path, images: ReportImages, side: str) -> np.ndarray:
    """Columns of the bright dose colours in the first picture when only one kidney has a dose."""
    from PIL import Image

    result, mask = fake_result(), images.masks[f"kidney {side}"]
    result["regions"] = [r for r in result["regions"] if r["region"] == f"kidney {side}"]
    only = dataclasses.replace(images, dose_Gy=np.where(mask, 15.0, 0.0), masks={f"kidney {side}": mask})
    page = _page(tmp_path, result, only)
    png = base64.b64decode(next(s for s in page.images() if "image/png" in s).partition(",")[2])
    picture = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), float)
    panels = picture[:, : int(0.85 * picture.shape[1])]  # without the colour bar
    return np.flatnonzero(((panels[..., 0] > 150) & (panels[..., 2] < 110)).any(axis=0)) / picture.shape[1]


@pytest.mark.parametrize("kind", ["CT", "activity"])
def test_slices_show_the_patients_left_on_the_viewers_right(tmp_path, kind: str) -> None:
    """In the finished picture, axial and coronal alike, the left kidney lies further right than the right one."""
    images = fake_images(5.0, kind)
    left, right = _warm_columns(tmp_path, images, "left"), _warm_columns(tmp_path, images, "right")
    gap_left, gap_right = np.argmax(np.diff(left)), np.argmax(np.diff(right))  # between the axial and the coronal panel
    assert left[: gap_left + 1].mean() > right[: gap_right + 1].mean() + 0.1
    assert left[gap_left + 1 :].mean() > right[gap_right + 1 :].mean() + 0.04


def test_images_must_share_a_grid() -> None:
    """A mask on another grid is named."""
    images = fake_images(10.0)
    with pytest.raises(BadInput, match=r"region 'liver' has shape \(2, 2, 2\)"):
        dataclasses.replace(images, masks={"liver": np.zeros((2, 2, 2), bool)})
    with pytest.raises(BadInput, match="'CT' or 'activity'"):
        dataclasses.replace(images, anatomy_kind="MR")
