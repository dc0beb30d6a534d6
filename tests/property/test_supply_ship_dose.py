"""What must hold of any package and any two places."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.core import BadInput
from lutetia.supply.geography import air_hours, great_circle_km, road_hours
from lutetia.supply.packages import package, transport_index
from lutetia.supply.shielding import attenuation_parts, buildup, dose_rate_mSv_per_h, shields

NUCLIDES = st.sampled_from(["Lu-177", "Ac-225", "I-131", "Y-90", "F-18", "Tc-99m", "Ge-68", "Pb-212"])
LAT, LON = st.floats(-90, 90), st.floats(-180, 180)


@given(NUCLIDES, st.sampled_from(shields()), st.floats(0.0, 5.0), st.floats(0.1, 5.0))
@settings(max_examples=60, deadline=None)
def test_more_of_a_shield_never_lets_more_through(nuclide: str, material: str, thickness_cm: float, more_cm: float) -> None:
    thin, thick = (dose_rate_mSv_per_h(nuclide, 1e9, ((material, t),), 50.0) for t in (thickness_cm, thickness_cm + more_cm))
    assert thick <= thin * 1.35 if material == "water" else thick <= thin * (1 + 1e-9)  # a little water scatters in more than it takes


@given(NUCLIDES, st.sampled_from(shields()), st.floats(0.0, 8.0))
@settings(max_examples=40, deadline=None)
def test_what_met_nothing_is_a_lower_bound(nuclide: str, material: str, thickness_cm: float) -> None:
    both, bare = (dose_rate_mSv_per_h(nuclide, 1e9, ((material, thickness_cm),), 50.0, with_buildup=b) for b in (True, False))
    assert bare <= both * (1 + 1e-12)


@given(st.sampled_from(shields()), st.floats(0.02, 3.0), st.floats(0.0, 25.0))
@settings(max_examples=80, deadline=None)
def test_build_up_is_at_least_one_and_attenuation_positive(material: str, energy_MeV: float, depth: float) -> None:
    e = np.array([energy_MeV])
    assert buildup(material, e, np.array([depth]))[0] >= 1
    assert buildup(material, e, np.array([0.0]))[0] == 1
    assert min(float(p[0]) for p in attenuation_parts(material, e)) >= 0


@given(NUCLIDES, st.floats(1e6, 5e9), st.floats(1.01, 3.0), st.floats(6.0, 60.0))
@settings(max_examples=60, deadline=None)
def test_more_activity_never_makes_a_package_milder(nuclide: str, activity_Bq: float, times: float, radius_cm: float) -> None:
    order = ["excepted", "I-WHITE", "II-YELLOW", "III-YELLOW", "III-YELLOW, exclusive use"]
    kinds = ["excepted", "A", "B"]
    try:
        less, more = (package({nuclide: a}, radius_cm=radius_cm) for a in (activity_Bq, times * activity_Bq))
    except BadInput as error:
        assert "no package may exceed" in str(error)
        return
    assert order.index(less.category) <= order.index(more.category) and kinds.index(less.type) <= kinds.index(more.type)
    assert less.transport_index <= more.transport_index
    assert all(a.allowed or not b.allowed for a, b in zip(less.limits, more.limits))


@given(st.floats(0, 1))
def test_the_index_is_a_tenth_and_not_below_the_rate(rate: float) -> None:
    index = transport_index(rate)
    assert abs(10 * index - round(10 * index)) < 1e-9
    assert index == 0 if 100 * rate <= 0.05 else 100 * rate - 1e-6 <= index <= 100 * rate + 0.1 + 1e-6


@given(LAT, LON, LAT, LON, LAT, LON)
def test_distance_is_a_metric_on_the_sphere(a: float, b: float, c: float, d: float, e: float, f: float) -> None:
    ab, ba, bc, ac = great_circle_km(a, b, c, d), great_circle_km(c, d, a, b), great_circle_km(c, d, e, f), great_circle_km(a, b, e, f)
    assert abs(ab - ba) < 1e-6 and great_circle_km(a, b, a, b) == 0
    assert 0 <= ab <= 20015.2 and ac <= ab + bc + 1e-3


@given(LAT, LON, LAT, LON)
def test_distance_is_the_angle_between_two_directions(a: float, b: float, c: float, d: float) -> None:
    """Against the angle of unit vectors, by their difference and sum (no haversine)."""
    p, q = (np.array([np.cos(np.radians(x)) * np.cos(np.radians(y)), np.cos(np.radians(x)) * np.sin(np.radians(y)), np.sin(np.radians(x))]) for x, y in ((a, b), (c, d)))
    angle = 2 * np.arctan2(np.linalg.norm(p - q), np.linalg.norm(p + q))
    assert abs(float(great_circle_km(a, b, c, d)) - 6371.0088 * angle) < 0.5


@given(st.lists(st.floats(0, 5000), min_size=2, max_size=5))
def test_travel_takes_longer_the_farther(km: list[float]) -> None:
    x = np.sort(np.array(km))
    assert (np.diff(road_hours(x)) >= 0).all() and (np.diff(air_hours(x)) >= 0).all()
    assert road_hours(x)[0] >= 1.0 and air_hours(x)[0] >= 5.0
