"""The rules of transport, case by case."""

from __future__ import annotations

import pytest

from lutetia.core import BadInput
from lutetia.data import table
from lutetia.supply.packages import (
    absorbent_mL,
    activity_limit,
    check_load,
    modes,
    package,
    package_limits,
    transport_index,
)

THICK = (("lead", 3.0),)


@pytest.mark.parametrize(
    ("nuclide", "activity_Bq", "form", "kind", "number"),
    [
        ("Lu-177", 69e6, "liquid", "excepted", "UN2910"),  # 1e-4 of 0.7 TBq is 70 MBq
        ("Lu-177", 71e6, "liquid", "A", "UN2915"),
        ("Lu-177", 699e6, "solid", "excepted", "UN2910"),  # 1e-3 for a solid
        ("Lu-177", 701e6, "solid", "A", "UN2915"),
        ("Lu-177", 699e9, "liquid", "A", "UN2915"),
        ("Lu-177", 701e9, "liquid", "B", "UN2916"),
        ("Lu-177", 701e9, "special", "A", "UN3332"),  # A1 is 30 TBq
        ("Ac-225", 5.99e9, "liquid", "A", "UN2915"),
        ("Ac-225", 6.01e9, "liquid", "B", "UN2916"),
    ],
)
def test_the_type_follows_the_share_of_the_limit(nuclide: str, activity_Bq: float, form: str, kind: str, number: str) -> None:
    one = package({nuclide: activity_Bq}, form=form, shield=(("lead", 10.0),))
    assert (one.type, one.un_number) == (kind, number)


def test_a_small_share_with_a_high_dose_rate_is_not_excepted() -> None:
    bare, shielded = (package({"F-18": 30e6}, shield=s) for s in ((), (("lead", 7.0),)))  # 60 MBq would be the limit of activity
    assert bare.type == "A" and bare.surface_mSv_per_h > 0.005
    assert shielded.type == shielded.category == "excepted" and shielded.transport_index == 0
    assert all(c.allowed and c.most_packages is None for c in shielded.limits)


def test_a_mixture_is_a_sum_of_shares() -> None:
    one = package({"Lu-177": 350e9, "Ac-225": 3e9}, shield=(("lead", 5.0),))
    assert one.a2_sum == pytest.approx(1.0) and one.type == "A"
    assert package({"Lu-177": 350e9, "Ac-225": 3.1e9}, shield=(("lead", 5.0),)).type == "B"
    assert one.largest_type_A_Bq == pytest.approx(353e9)


def test_two_spellings_of_a_nuclide_are_one() -> None:
    assert package({"Lu-177": 1e9, "177Lu": 1e9}).a2_sum == package({"Lu-177": 2e9}).a2_sum


@pytest.mark.parametrize(
    ("activity_Bq", "shield", "category"),
    [(1e9, (("lead", 2.0),), "I-WHITE"), (7.4e9, (("lead", 0.2),), "II-YELLOW"), (7.4e9, (("lead", 0.1),), "III-YELLOW"), (20e9, (), "III-YELLOW, exclusive use")],
)
def test_the_category_is_the_worse_of_index_and_surface(activity_Bq: float, shield: tuple, category: str) -> None:
    one = package({"Lu-177": activity_Bq}, shield=shield)
    assert one.category == category
    bounds = {"I-WHITE": (0, 0.005), "II-YELLOW": (1, 0.5), "III-YELLOW": (10, 2), "III-YELLOW, exclusive use": (1e9, 10)}  # 49 CFR 172.403, SSR-6 Table 8
    names = list(bounds)
    fits = [one.transport_index <= ti and one.surface_mSv_per_h <= surface for ti, surface in bounds.values()]
    assert fits.index(True) == names.index(category)
    assert one.exclusive_use == (category == names[-1])


def test_the_surface_alone_can_decide() -> None:
    one = package({"Lu-177": 1.5e9}, shield=(), radius_cm=5.0)
    assert one.transport_index <= 1 and one.surface_mSv_per_h > 2
    assert one.category == "III-YELLOW, exclusive use"
    assert not any(c.allowed for c in one.limits) and "surface" in one.limits[2].reason


def test_limits_by_mode_and_the_number_that_may_travel() -> None:
    one = package({"Lu-177": 7.4e9}, shield=(), radius_cm=20.0)
    by_mode = {c.mode: c for c in one.limits}
    assert 3 < one.transport_index <= 4
    assert not by_mode["passenger-aircraft"].allowed and by_mode["passenger-aircraft"].most_packages == 0
    assert by_mode["road"].most_packages == int(50 / one.transport_index) and by_mode["cargo-aircraft"].most_packages == int(200 / one.transport_index)
    assert any("CARGO AIRCRAFT ONLY" in label for label in one.labels)
    assert check_load(one, "road", 3) == pytest.approx(3 * one.transport_index)
    with pytest.raises(BadInput, match=r"above the 3 of a package"):
        check_load(one, "passenger-aircraft")
    with pytest.raises(BadInput, match=r"above the 50 of road; at most"):
        check_load(one, "road", 20)
    with pytest.raises(BadInput, match="at least 1"):
        check_load(one, "road", 0)


def test_the_number_is_not_lost_to_rounding() -> None:
    """50 packages of an index of 0.1 are 5, and 500 are 50: all may go."""
    one = package({"Lu-177": 7.4e9}, shield=(("lead", 0.4),))
    assert one.transport_index == 0.1
    assert next(c for c in one.limits if c.mode == "road").most_packages == 500
    assert check_load(one, "road", 500) == pytest.approx(50)


def test_index_is_rounded_up() -> None:
    assert [transport_index(x) for x in (0.0, 5e-4, 5.01e-4, 1e-3, 1.001e-3, 0.03, 0.0300001)] == [0.0, 0.0, 0.1, 0.1, 0.2, 3.0, 3.1]


def test_what_the_table_lacks_gets_the_generic_value_and_says_so() -> None:
    beta, alpha, fission = (activity_limit(n) for n in ("Zr-89", "Bi-213", "Cf-252"))
    assert beta.generic and alpha.generic and fission.generic and not beta.verified
    assert (beta.value_Bq, alpha.value_Bq, fission.value_Bq) == (0.02e12, 9e7, 9e7)
    assert activity_limit("Cf-252", special=True).value_Bq == 1e9  # with neutrons 0.001 TBq, other alpha emitters 0.2 TBq
    one = package({"Zr-89": 1e8}, shield=THICK)
    assert any("lacks Zr-89" in w for w in one.warnings) and any("Zr-89" in u for u in one.unverified)


def test_values_not_read_again_are_named() -> None:
    assert any(u.startswith("A2 of Lu-177: 0.7 TBq") for u in package({"Lu-177": 1e9}).unverified)
    assert not any("Ac-225" in u for u in package({"Ac-225": 1e8}).unverified)
    t = table("transport_limits")
    assert set(t["verified"].tolist()) == {"yes", "no"}
    assert all(("recalled" in s) == (v == "no") for v, s in zip(t["verified"], t["source"]))


def test_daughters_belong_to_the_parent_unless_they_last() -> None:
    assert not any("grow in" in w for w in package({"Ac-225": 1e8}).warnings)
    assert not any("grow in" in w for w in package({"Mo-99": 1e9}, shield=(("lead", 5.0),)).warnings)
    assert any("Ra-225" in w and "grow in" in w for w in package({"Th-229": 1e7}).warnings)
    assert not any("grow in" in w for w in package({"Th-229": 1e7, "Ra-225": 1e7}).warnings)
    assert any("counted twice" in w for w in package({"Mo-99": 1e9, "Tc-99m": 1e9}, shield=(("lead", 5.0),)).warnings)


def test_modes_and_their_limits() -> None:
    assert {m: (package_limits(m).per_package, package_limits(m).in_sum) for m in modes()} == {
        "road": (10, 50), "passenger-aircraft": (3, 50), "cargo-aircraft": (10, 200),
    }  # fmt: skip
    with pytest.raises(BadInput, match="Did you mean road"):
        package_limits("roads")


def test_absorbent_is_for_liquids_of_type_a() -> None:
    assert absorbent_mL(12.5, "liquid", "A") == 25.0
    assert absorbent_mL(12.5, "solid", "A") is None and absorbent_mL(12.5, "liquid", "excepted") is None


@pytest.mark.parametrize(
    ("activity", "options", "said"),
    [
        ({"Lu-177": 0.0}, {}, "above zero"),
        ({"Lu-177": float("nan")}, {}, "above zero"),
        ({}, {}, "No nuclide"),
        ({"Lu-999": 1e9}, {}, "Lu-999"),
        ({"Lu-177": 1e9}, {"form": "powder"}, "no form 'powder'"),
        ({"Lu-177": 1e9}, {"shield": (("leed", 1.0),)}, "Did you mean lead"),
        ({"Lu-177": 1e9}, {"shield": (("lead", -1.0),)}, "zero or more"),
        ({"Lu-177": 1e9}, {"shield": (("lead", 15.0),)}, "must fit inside"),
        ({"Lu-177": 1e9}, {"radius_cm": 0.0}, "above zero"),
        ({"Lu-177": 600e9}, {"shield": ()}, "no package may exceed 10 mSv/h"),
    ],
)
def test_bad_input_is_a_sentence(activity: dict, options: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        package(activity, **options)
