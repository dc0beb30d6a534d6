"""Rules of generators and of their schedules."""

from __future__ import annotations

from pathlib import Path

import pytest

from lutetia.chain.schedule_file import load_schedule
from lutetia.core import BadInput
from lutetia.supply.production.generators import elute, elution_Bq, generator, generators

HEAD = 'schema = "lutetia-schedule/1"\ncalibration = 2025-03-03T08:00:00+01:00\n'


def _file(folder: Path, text: str) -> Path:
    (folder / "schedule.toml").write_text(text)
    return folder / "schedule.toml"


def test_generators_are_found_in_any_spelling() -> None:
    assert generator("68Ge/68Ga") is generator("germanium-68/Ga68") is generator("Ge-68/Ga-68")
    assert generator("229Th/225Ra/225Ac").taken == ("Ra-225", "Ac-225")
    assert len(generators()) == 7 and all(generator(n).source for n in generators())
    for wrong in ("Ge-68", "Ge-68/Ga-67", "Ga-68/Ge-68", "", "a/b"):
        with pytest.raises(BadInput, match="Mo-99/Tc-99m"):
            generator(wrong)


def test_an_unknown_efficiency_has_to_be_given() -> None:
    with pytest.raises(BadInput, match="measured"):
        elution_Bq(1e9, "Ra-224/Pb-212", 3600.0)
    assert elute(generator("Ra-224/Pb-212"), 1e9, [86400.0], efficiency=0.9)[0].u_eluted_Bq is None
    assert elute(generator("Mo-99/Tc-99m"), 1e9, [86400.0], efficiency=0.9, u_efficiency=0.09)[0].u_eluted_Bq == pytest.approx(0.1 * elute(generator("Mo-99/Tc-99m"), 1e9, [86400.0], efficiency=0.9)[0].eluted_Bq)


def test_what_is_not_eluted_stays_and_comes_next_time() -> None:
    first, second = elute(generator("Ge-68/Ga-68"), 1e9, [86400.0, 86401.0], efficiency=0.6)
    assert second.on_column_Bq == pytest.approx(0.4 * first.on_column_Bq, rel=2e-3)


def test_use_beyond_shelf_life_elutions_and_breakthrough_is_marked() -> None:
    g = generator("Ge-68/Ga-68")
    many = elute(g, 1e9, [n * 3600.0 for n in range(1, 253)])
    assert [n for n, e in enumerate(many, 1) if e.beyond] == [251, 252] and many[-1].beyond == ("number of elutions",)
    old = elute(g, 1e9, [364 * 86400.0, 366 * 86400.0], breakthrough=2e-5)
    assert old[0].beyond == ("breakthrough",) and old[1].beyond == ("shelf life", "breakthrough")
    assert old[0].parent_in_eluate_Bq == pytest.approx(2e-5 * old[0].eluted_Bq)


def test_a_generator_calibrated_ahead() -> None:
    early, late = elute(generator("Mo-99/Tc-99m"), 1e9, [-24 * 3600.0, 0.0], bare_s=-72 * 3600.0)
    assert early.parent_Bq == pytest.approx(1e9 * 2 ** (24 / 65.94), rel=1e-6) and late.parent_Bq == pytest.approx(1e9, rel=1e-9)


@pytest.mark.parametrize(
    ("times", "how", "says"),
    [
        ([], {}, "missing"), ([2.0, 1.0], {}, "order"), ([-1.0], {}, "last_elution"), ([1.0], {"efficiency": 1.2}, "efficiency"), ([1.0], {"breakthrough": -1.0}, "breakthrough"), ([1.0], {"keep": ["Ra-225"]}, "Ra-225"),
    ],
)  # fmt: skip
def test_elutions_refused(times: list[float], how: dict, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        elute(generator("Ge-68/Ga-68"), 1e9, times, **how)


def test_a_rule_makes_the_elutions_of_working_days(tmp_path: Path) -> None:
    s = load_schedule(_file(tmp_path, HEAD + 'until = 2025-03-14T18:00:00+01:00\n[rule]\nfirst = 2025-03-03T14:00:00+01:00\nevery = "24 h"\ndays = ["Mon", "Wed", "Fri"]\n'))
    assert [t.day for t in s.at] == [3, 5, 7, 10, 12, 14] and s.times_s[0] == 6 * 3600 and s.bare_s is None and "last_elution" in s.said[0]


def test_zones_are_honoured_and_lists_sorted(tmp_path: Path) -> None:
    s = load_schedule(_file(tmp_path, HEAD + "last_elution = 2025-03-02T08:00:00+01:00\nelutions = [2025-03-03T10:00:00+01:00, 2025-03-03T08:30:00Z]\nbreakthrough = \"0.05 uCi/mCi\"\nefficiency = 0.9\n"))
    assert s.times_s == (1.5 * 3600, 2 * 3600.0) and s.bare_s == -86400 and not s.said
    assert s.breakthrough == pytest.approx(5e-5)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "elutions"), ("elutions = [2025-03-03T10:00:00]", "no zone"), ('elutions = ["soon"]', "soon"), ("elutions = [2025-03-03T10:00:00Z]\nbreakthrough = 0.001", "0.001"), ('elutions = [2025-03-03T10:00:00Z]\nbreakthrough = "0.001"', "percentage"),
        ("elutions = [2025-03-03T10:00:00Z]\nu_efficiency = 0.1", "u_efficiency"), ("elutions = [2025-03-03T10:00:00Z]\neluton = 1", "eluton"), ('[rule]\nfirst = 2025-03-03T10:00:00Z\nevery = "1 d"', "until"),
        ('until = 2035-03-03T10:00:00Z\n[rule]\nfirst = 2025-03-03T10:00:00Z\nevery = "1 min"', "at most"), ('until = 2025-03-01T10:00:00Z\n[rule]\nfirst = 2025-03-03T10:00:00Z\nevery = "1 d"', "no elution"), ("elutions = [2025-03-03T10:00:00Z]\nefficiency = 60", "efficiency"),
    ],
)  # fmt: skip
def test_schedules_refused(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        load_schedule(_file(tmp_path, HEAD + text + "\n"))
