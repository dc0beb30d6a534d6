"""What a vial keeps while it decays."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lutetia.agents import Vial, agent, molar_activity_Bq_per_nmol, vial
from lutetia.core import BadInput
from lutetia.nuclides import Inventory, nuclide

NUCLIDES = st.sampled_from(["Lu-177", "Ac-225", "Ga-68", "Tb-161", "Pb-212"])
times = st.floats(0, 3e6)


@given(NUCLIDES, st.floats(1e3, 1e10), st.floats(0, 500), st.floats(0.5, 1), times, times)
def test_ligand_is_conserved_and_two_steps_are_one(name, activity_Bq, extra_nmol, purity, t1, t2) -> None:
    v = vial(name, activity_Bq, activity_Bq / molar_activity_Bq_per_nmol(name) + extra_nmol, radiochemical_purity=purity)
    once, twice = v.at(t1 + t2), v.at(t1).at(t2)
    for later in (once, twice):
        assert later.ligand_nmol == pytest.approx(v.ligand_nmol, rel=1e-12)
        assert later.cold_nmol == v.cold_nmol and later.decayed_nmol >= 0 and later.hot_nmol <= v.hot_nmol
    for part in ("hot_nmol", "decayed_nmol", "activity_Bq"):
        assert getattr(once, part) == pytest.approx(getattr(twice, part), rel=1e-6, abs=1e-9 * getattr(v, "hot_nmol" if "nmol" in part else part))


@given(NUCLIDES, st.floats(1e3, 1e10), st.floats(0.5, 1), st.floats(0, 20))
def test_activity_and_hot_ligand_fall_together(name, activity_Bq, purity, half_lives) -> None:
    v = vial(name, activity_Bq, 2 * activity_Bq / molar_activity_Bq_per_nmol(name), radiochemical_purity=purity)
    later = v.at(half_lives * nuclide(name).half_life_s)
    assert later.activity_Bq == pytest.approx(activity_Bq / 2**half_lives, rel=1e-9)
    assert later.hot_nmol == pytest.approx(v.hot_nmol / 2**half_lives, rel=1e-9)
    assert later.radiochemical_purity == pytest.approx(purity, rel=1e-6)


@given(st.text(max_size=24) | st.from_regex(r"\[?[0-9]{2,3}m?\]?[A-Za-z]{1,2}[- ]?[A-Z0-9&-]{1,8}", fullmatch=True))
def test_any_text_is_an_agent_or_one_sentence(text: str) -> None:
    try:
        assert agent(text).sources
    except BadInput as error:
        assert str(error).startswith("agent: ") and "\n" not in str(error).replace(repr(text), "")


def test_the_progeny_grows_in_and_the_clock_runs() -> None:
    v = vial("225Ac", 1e7, 60.0, volume_mL=10.0, reference_time=datetime(2026, 1, 1, 12))
    later = v.at(86400.0)
    assert later.inventory.activity_Bq["Bi-213"] > 0.9 * later.activity_Bq and later.reference_time == datetime(2026, 1, 2, 12) and later.volume_mL == 10.0


@pytest.mark.parametrize(("make", "says"), [
    (lambda: vial("Lu-177", 7.4e9, 10.0), "need 10.18 nmol of labelled ligand, but only 10 nmol"),
    (lambda: vial("Lu-177", 7.4e9, 12.0, decayed_nmol=5.0), "and 5 nmol have decayed"),
    (lambda: vial("Lu-177", 7.4e9, 0.0), "positive amount"),
    (lambda: vial("Lu-177", 7.4e9, 60.0, radiochemical_purity=1.2), "purity"),
    (lambda: vial("Lu-177", -1.0, 60.0), "activity"),
    (lambda: Vial("Lu-177", Inventory({"Lu-177": 7.4e9}), 11.0, 0.0, 0.0), "only 10.18 nmol"),
    (lambda: Vial("Lu-177", Inventory({"Lu-177": 7.4e9}), 1.0, -1.0, 0.0), "decayed ligand"),
    (lambda: Vial("Lu-177", Inventory({"Lu-177": 7.4e9}), 1.0, 0.0, 0.0, volume_mL=0.0), "volume"),
    (lambda: vial("Lu-177", 7.4e9, 60.0).at(-1.0), "elapsed"),
    (lambda: vial("Lu-177", 7.4e9, 60.0, reference_time=datetime(2026, 1, 1)).at(1e13), "calendar"),
])  # fmt: skip
def test_what_cannot_be_is_refused(make, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        make()
