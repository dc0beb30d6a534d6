"""A nation's supply: published outputs, hand-made networks, sites against every choice there is."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.sparse import csr_array

from lutetia.core import BadInput, CouldNot
from lutetia.nuclides import nuclide
from lutetia.supply import nation_program
from lutetia.supply.geography import great_circle_km, nearest_airport, road_hours
from lutetia.supply.nation_binding import binding, chosen, unit_gains
from lutetia.supply.nation_flow import RESOURCES, Lab, Nation, Source, Therapy, supply
from lutetia.supply.nation_output import Output, Range, known, treatable
from lutetia.supply.nation_places import Places, largest, named, travel_hours
from lutetia.supply.nation_program import maximise
from lutetia.supply.nation_sites import access, choose_sites, served

DAY_S = 86_400.0


def _lutetium(days: float, left: float) -> Output:
    return Output("reactor", "Lu-177", known(370e12), known(days * DAY_S), {"yield": known(left)}, known(7.4e9), known(6))


@pytest.mark.parametrize(("days", "left", "doses"), [(5, 0.75, 22_000), (7, 0.70, 17_000), (10, 0.65, 11_000)])
def test_one_reactor_of_10_000_Ci_gives_the_doses_that_were_worked_out_for_it(days: float, left: float, doses: float) -> None:
    t = treatable(_lutetium(days, left))
    assert t.doses == pytest.approx(doses, rel=0.05)
    assert t.patients == pytest.approx(t.doses / 6)
    assert t.doses_5_95 == pytest.approx((t.doses, t.doses)) and not t.variance_share


def test_the_worlds_actinium_agrees_within_a_factor_of_two_with_2000_doses_a_year() -> None:
    """1.2 to 1.7 Ci a year (Robertson 2018), about 2000 patient doses (cmie.ca): 31 MBq made for each."""
    world = Output("world", "Ac-225", Range(44.4e9, 62.9e9), Range(3 * DAY_S, 10 * DAY_S), {"left": Range(0.5, 0.9)}, Range(6e6, 10e6), known(2))
    t = treatable(world)
    assert 0.5 < t.doses / 2000 < 2 and t.doses_5_95[0] < 2500 < t.doses_5_95[1]
    assert 31e6 / 2 < t.made_per_dose_Bq < 31e6 * 2


def test_ranges_are_drawn_as_they_are_said() -> None:
    random = np.random.default_rng(1)
    flat, skew = Range(2.0, 8.0).draw(random, 100_000), Range(2.0, 8.0, "lognormal").draw(random, 100_000)
    assert flat.min() >= 2 and flat.max() <= 8 and np.percentile(flat, [5, 95]) == pytest.approx([2.3, 7.7], abs=0.03)
    assert np.percentile(skew, [5, 50, 95]) == pytest.approx([2.0, 4.0, 8.0], rel=0.02)


def test_the_spread_of_a_chain_is_laid_to_its_factors() -> None:
    """Lognormal factors of spreads 1 and 2 share the variance 1 to 4; their product has the spread of both."""
    step = 1.6448536269514722 * 0.1
    o = Output("x", "Lu-177", Range(1e12 * math.exp(-step), 1e12 * math.exp(step), "lognormal"), known(0.0), {}, Range(1e9 * math.exp(-2 * step), 1e9 * math.exp(2 * step), "lognormal"), known(1))
    t = treatable(o, draws=100_000)
    assert t.variance_share["injected activity"] == pytest.approx(0.8, abs=0.01) and sum(t.variance_share.values()) == pytest.approx(1)
    assert t.doses == pytest.approx(1000)
    assert t.doses_5_95 == pytest.approx((1000 * math.exp(-math.sqrt(5) * step), 1000 * math.exp(math.sqrt(5) * step)), rel=0.02)
    assert treatable(o, seed=1) == treatable(o, seed=1) and treatable(o, seed=1).doses_5_95 != treatable(o, seed=2).doses_5_95


@pytest.mark.parametrize(
    ("change", "said"),
    [({"annual_Bq": known(0)}, "annual output"), ({"decay_s": known(-1)}, "time to injection"), ({"cycles": known(0)}, "cycles"), ({"factors": {"a": Range(0.5, 1.2)}}, "'a'"),
     ({"factors": {"decay": known(0.5)}}, "'decay'"), ({"factors": {"a": Range(0.5, 0.9, "lognormal")}}, "uniform")],
)  # fmt: skip
def test_a_chain_that_cannot_be_is_refused(change: dict, said: str) -> None:
    with pytest.raises(BadInput, match=said):
        treatable(replace(_lutetium(5, 0.75), **change))


def test_a_range_has_its_lower_end_first() -> None:
    with pytest.raises(BadInput, match="lower end first"):
        Range(2, 1)
    with pytest.raises(BadInput, match="above zero"):
        Range(0, 1, "lognormal")


def _nation(**change: object) -> Nation:
    """One source at the lab's door, one lab, two cities 10 and 50 hours away, I-131 without losses but decay."""
    therapy = Therapy("iodine", "I-131", 1e9, 2.0, 0.5, 0.0, 0.0, 30 * DAY_S, 10.0, bed_days=4.0)
    n = Nation(
        (therapy,), (Source("reactor", "I-131", 1e15),), (Lab("lab", 1e6, ("iodine",)),), ("near", "far"), np.zeros((1, 1)), np.array([[[10.0, 50.0]], [[np.inf, 20.0]]]),
        np.array([[100.0, 100.0]]), np.full(2, np.inf), np.full(2, np.inf),
    )  # fmt: skip
    return replace(n, **change)


def test_enough_of_everything_treats_everybody_by_the_way_of_least_decay() -> None:
    n = _nation()
    f = supply(n)
    assert f.patients == pytest.approx(200)
    assert f.doses[0, 0] == pytest.approx(np.array([[200.0, 0.0], [0.0, 200.0]]), abs=1e-4)  # the far city by air
    rate = nuclide("I-131").decay_constant_per_s
    drawn = 200 * 1e9 * (math.exp(rate * 36_000) + math.exp(rate * 72_000)) / 0.5
    assert f.drawn_Bq.sum() == pytest.approx(drawn, rel=1e-6)


def test_a_scarce_isotope_goes_where_it_decays_the_least_unless_all_are_to_be_treated_alike() -> None:
    rate = nuclide("I-131").decay_constant_per_s
    annual = 1.1 * 100 * 2 * 1e9 * math.exp(rate * 36_000) / 0.5  # a tenth more than the near city needs
    n = _nation(sources=(Source("reactor", "I-131", annual),))
    f = supply(n)
    far = 10 * math.exp(-rate * 36_000)  # 10 hours further by air
    assert f.treated(n)[0] == pytest.approx([100, far], rel=1e-4) and f.patients == pytest.approx(100 + far)
    assert f.worth["isotope"][0] * annual == pytest.approx(11 * far, rel=1e-6)
    alike = supply(n, share_alike=True)
    share = 1.1 / (1 + math.exp(rate * 36_000))
    assert alike.treated(n)[0] == pytest.approx([100 * share, 100 * share], rel=1e-4)


@pytest.mark.parametrize(
    ("change", "patients", "limit"),
    [
        ({"labs": (Lab("lab", 6.0, ("iodine",)),)}, 30.0, "cells"),  # 6 batches of 10 doses, 2 for each patient
        ({"bed_days": np.array([80.0, 160.0])}, 30.0, "beds"),  # 240 days of 4
        ({"flights": 3.0, "therapies": (Therapy("iodine", "I-131", 1e9, 2.0, 0.5, 0.0, 0.0, 40 * 3600.0, 10.0, doses_per_flight=20.0),)}, 130.0, "flights"),  # by road too old
        ({"therapies": (Therapy("iodine", "I-131", 1e9, 2.0, 0.5, 0.0, 0.0, 30 * DAY_S, 10.0, chair_hours=2.0),), "chair_hours": np.array([20.0, 60.0])}, 20.0, "chairs"),
    ],
)
def test_each_resource_holds_back_as_it_is_counted(change: dict, patients: float, limit: str) -> None:
    n = _nation(**change)
    f = supply(n)
    assert f.patients == pytest.approx(patients)
    found = {b.resource: b for b in binding(n, f)}
    gains = {k: b.ten_percent for k, b in found.items() if k != "demand"}  # more patients in the near city could always be treated
    assert max(gains, key=lambda k: gains[k]) == limit
    assert found[limit].lifted == pytest.approx(200) and found[limit].alone == pytest.approx(patients)
    assert all(found[k].lifted == pytest.approx(patients) for k in RESOURCES if k not in (limit, "demand"))


def test_a_dose_that_comes_too_late_is_not_sent() -> None:
    t = _nation().therapies[0]
    for hours, reached in ((9.0, 0.0), (11.0, 100.0), (19.0, 100.0), (21.0, 200.0)):
        assert supply(_nation(therapies=(replace(t, shelf_life_s=hours * 3600),))).patients == pytest.approx(reached)
    waited = replace(t, shelf_life_s=21 * 3600.0, wait_s=2 * 3600.0)  # 20 hours on the way and 2 in the hospital
    assert supply(_nation(therapies=(waited,))).patients == pytest.approx(100)


def test_two_therapies_share_beds_and_take_only_their_own_nuclide() -> None:
    a = _nation().therapies[0]
    b = replace(a, name="lutetium", nuclide="Lu-177", cycles=4.0, bed_days=1.0)
    n = _nation(therapies=(a, b), labs=(Lab("lab", 1e6, ("iodine", "lutetium")),), patients=np.full((2, 2), 100.0), bed_days=np.array([400.0, 0.0]))
    assert supply(n).patients == pytest.approx(50)  # no source of lutetium; iodine takes 8 bed-days a patient
    both = replace(n, sources=(Source("r", "I-131", 1e15), Source("q", "177Lu", 1e15)), source_h=np.zeros((2, 1)))
    assert supply(both).treated(both) == pytest.approx(np.array([[0.0, 0.0], [100.0, 0.0]]), abs=1e-4)


def test_the_worth_of_a_unit_is_what_one_more_brings() -> None:
    n = _nation(labs=(Lab("lab", 6.0, ("iodine",)),))
    f = supply(n)
    assert f.worth["cells"][0] == pytest.approx(5)  # ten doses, two for each
    assert unit_gains(n, f, [("cells", 0, 1.0), ("isotope", 0, 1e12)]) == pytest.approx((5.0, 0.0), abs=1e-6)
    with_beds = _nation(bed_days=np.array([80.0, 160.0]))
    assert unit_gains(with_beds, supply(with_beds), [("beds", 1, 8.0)]) == pytest.approx((1.0,))
    with pytest.raises(BadInput, match="'flights'"):
        unit_gains(n, f, [("flights", 0, 1.0)])


def test_a_new_lab_stands_where_it_treats_the_most_of_every_choice() -> None:
    """Three candidates, two to be opened, against each pair opened by hand."""
    hours = np.full((2, 4, 2), np.inf)
    hours[0] = [[60, 60], [5, 30], [30, 5], [20, 20]]
    labs = (Lab("old", 3.0, ("iodine",)), *(Lab(n, b, ("iodine",), candidate=True) for n, b in (("a", 5.0), ("b", 9.0), ("c", 10.0))))
    therapy = replace(_nation().therapies[0], shelf_life_s=25 * 3600.0)
    n = _nation(therapies=(therapy,), labs=labs, lab_h=hours, source_h=np.zeros((1, 4)), patients=np.array([[100.0, 20.0]]), choose=2)
    best = supply(n)
    by_hand = {}
    for pair in itertools.combinations("abc", 2):
        opened = tuple(replace(x, candidate=False) if x.name in pair else replace(x, batches=0.0, candidate=False) for x in labs)
        by_hand[pair] = supply(replace(n, labs=opened, choose=0)).patients
    assert best.patients == pytest.approx(max(by_hand.values())) and tuple(best.opened) == max(by_hand, key=lambda k: by_hand[k])
    assert len({round(v, 6) for v in by_hand.values()}) == 3 and best.bound == pytest.approx(best.patients)
    assert supply(chosen(n, best)).patients == pytest.approx(best.patients)


def test_what_does_not_fit_together_is_refused() -> None:
    for change, said in (
        ({"patients": np.ones((1, 3))}, "shape"), ({"bed_days": np.array([1.0, -1.0])}, "below zero"), ({"choose": 1}, "candidates"), ({"labs": (Lab("lab", 1.0, ("gold",)),)}, "'gold'"),
        ({"sources": (Source("a", "I-131", 1.0), Source("a", "I-131", 1.0)), "source_h": np.zeros((2, 1))}, "two of the name"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=said):
            _nation(**change)
    with pytest.raises(BadInput, match="no resource 'gold'"):
        supply(_nation(), {"gold": 2.0})
    with pytest.raises(BadInput, match="Nothing limits"):
        supply(_nation(), dict.fromkeys(RESOURCES, math.inf))


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lutetia.supply.highs.importlib.util.find_spec", lambda name: None)
    with pytest.raises(CouldNot, match=r"lutetia\[supply\]"):
        supply(_nation())


def test_a_programme_without_a_solution_is_none() -> None:
    one = csr_array([[1.0]])
    assert maximise(np.ones(1), one, np.array([1.0]), np.array([np.inf]), low=np.array([2.0])) is None
    assert maximise(np.ones(1), one, np.array([np.inf]), np.array([np.inf])) is None
    whole = maximise(np.ones(1), one, np.array([2.5]), np.array([np.inf]), whole=np.array([True]))
    assert isinstance(whole, nation_program.Answer) and whole.objective == pytest.approx(2)


#: Distances of a p-median instance of eight towns on a road; the best one, two and three towns are found below among all choices.
TOWNS_KM, TOWNS_PEOPLE = np.array([0.0, 2.0, 3.0, 7.0, 8.0, 15.0, 16.0, 18.0]), np.array([4.0, 1.0, 2.0, 4.0, 1.0, 2.0, 5.0, 1.0])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_p_median_of_towns_is_the_best_of_all_choices(count: int) -> None:
    distance = np.abs(np.subtract.outer(TOWNS_KM, TOWNS_KM))
    found = choose_sites((18.0 - distance) * TOWNS_PEOPLE, count, runners_up=2)
    walked = sorted((float((distance[list(c)].min(axis=0) * TOWNS_PEOPLE).sum()), c) for c in itertools.combinations(range(8), count))
    for choice, (best, _) in zip(found, walked):
        assert 18.0 * TOWNS_PEOPLE.sum() - choice.value == pytest.approx(best)
    assert found[0].sites == walked[0][1] and len({c.sites for c in found}) == 3


def test_standing_sites_count_but_are_not_chosen() -> None:
    gain = np.array([[5.0, 0.0, 0.0], [4.0, 3.0, 0.0], [0.0, 0.0, 2.0]])
    assert choose_sites(gain, 1, standing=np.array([True, False, False]))[0].sites == (1,)
    assert choose_sites(gain, 2, standing=np.array([True, False, False]))[0].value == pytest.approx(10)
    assert served(gain, np.array([False, True, False])) == 7 and served(gain, np.zeros(3, bool)) == 0
    with pytest.raises(BadInput, match="from 1 to that"):
        choose_sites(gain, 3, standing=np.array([True, False, False]))
    with pytest.raises(BadInput, match="below zero"):
        choose_sites(-gain, 1)


def test_access_counts_people_not_places() -> None:
    a = access(np.array([[1.0, 8.0, np.inf], [3.0, 2.0, np.inf]]), np.array([60.0, 30.0, 10.0]), (1.0, 2.0))
    assert a.within == ((1.0, 0.6), (2.0, 0.9)) and a.median_h == 1 and math.isinf(a.p95_h) and a.worst == 2 and math.isinf(a.worst_h)
    assert access(np.array([[1.0, 9.0]]), np.array([1.0, 0.0])).worst == 0  # nobody lives in the other


def test_districts_of_a_city_are_not_cities_of_their_own() -> None:
    all_, apart = largest(["CN"], 60), largest(["CN"], 60, apart_km=30)
    distance = great_circle_km(apart.lat_deg[:, None], apart.lon_deg[:, None], apart.lat_deg, apart.lon_deg)
    assert distance[np.triu_indices(60, 1)].min() >= 30 and apart.name[:2] == ("Shanghai", "Beijing") and set(apart.name) != set(all_.name)
    many = largest(["CN"], 400)
    assert len(set(many.name)) == len(many) > 300 and "Suzhou" in many.name and "Suzhou (2)" in many.name
    with pytest.raises(BadInput, match="'XX'"):
        largest(["XX"], 3)


def test_hours_by_air_pass_through_the_nearest_airports() -> None:
    """Paris to Marseille: roads to both airports, 3 h before, half an hour and 780 km/h, 1.5 h after."""
    a, b = named(["Paris"]), named(["Marseille"])
    hours = travel_hours(a, b, {}, {})
    ports = [nearest_airport(float(p.lat_deg[0]), float(p.lon_deg[0])) for p in (a, b)]
    flown = float(great_circle_km(ports[0].lat_deg, ports[0].lon_deg, ports[1].lat_deg, ports[1].lon_deg))
    legs = sum(float(road_hours(p.distance_km, handling_h=0.0)) for p in ports)
    assert hours[1, 0, 0] == pytest.approx(3 + 1.5 + 0.5 + flown / 780 + legs)
    assert hours[0, 0, 0] == pytest.approx(1 + 1.3 * 660 / 70, rel=0.02)  # 660 km apart
    assert np.isinf(travel_hours(a, a, {}, {})[1, 0, 0])
    own = named(["X"], {"X": (10.0, 20.0)})
    assert isinstance(own, Places) and own.lat_deg[0] == 10 and own.population[0] == 0
