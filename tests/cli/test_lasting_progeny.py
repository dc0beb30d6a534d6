"""Progeny that outlasts its parent's ligand in a region is not counted there in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from lutetia.chain.dose import run_case
from tests.cli.test_progeny_cases import images, table


def said(result: dict) -> list[str]:
    return [w for w in result["warnings"] if "counted where its parent decays" in w]


def test_radium_223_of_thorium_227_is_told_once_with_its_share(tmp_path: Path) -> None:
    """Ra-223 and what follows make 28.2 of 34.0 MeV (ICRP 107: 26.38 + 0.50 + 0.94 + 0.10 + 0.31 of 32.26 + 0.60 + 0.94 + 0.18 + 0.45)."""
    (warning,) = said(table(tmp_path, nuclide="Th-227"))
    assert warning.startswith("Ra-223 (half-life 11.43 d)") and "tumour 1" in warning and "kidney left" in warning and "82%" in warning


@pytest.mark.parametrize("nuclide", ["Ac-225", "Pb-212", "Lu-177"])
def test_short_lived_progeny_is_not(tmp_path: Path, nuclide: str) -> None:
    assert said(table(tmp_path, nuclide=nuclide)) == []


def test_images_say_it_too_and_a_stated_fate_ends_it(tmp_path: Path) -> None:
    (warning,) = said(images(tmp_path / "images", nuclide="Th-227"))
    assert warning.startswith("Ra-223")
    stated = '[progeny.retained]\n"tumour 1" = {Ra-223 = 0.5}\n[progeny.free.Ra-223]\nto = {excreted = 0.5}\n'
    (warning,) = said(table(tmp_path / "one", stated, nuclide="Th-227"))
    assert "tumour 1" not in warning and "kidney left" in warning
    assert said(table(tmp_path / "both", stated, nuclide="Th-227", names=("tumour 1",))) == []


def test_without_progeny_there_is_nothing_to_say(tmp_path: Path) -> None:
    table(tmp_path, nuclide="Th-227")
    text = (tmp_path / "case.toml").read_text()
    (tmp_path / "case.toml").write_text(text.replace("[[region]]", "[dosimetry]\nprogeny = false\n[[region]]", 1))
    assert said(run_case(tmp_path / "case.toml", tmp_path / "alone")) == []
