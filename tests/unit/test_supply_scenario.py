"""Scenario and disturbance files: what they are made into, hours across a change of the clocks, and what is refused."""

from __future__ import annotations

import datetime as dt
import math
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.supply_samples import SMALL_DAY as SMALL

from lutetia.chain.scenario_calendar import clock_times, opening_hours
from lutetia.chain.scenario_file import LoadedScenario, load_disturbances, load_scenario
from lutetia.core import BadInput
from lutetia.supply.network.model import Scenario, SupplyPlan
from lutetia.supply.network.replan import disturbed

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HOUR = 3600.0

MACHINE = SMALL[SMALL.index("[[machine]]") : SMALL.index("[[lane]]")]


def load(folder: Path, *changes: tuple[str, str]) -> LoadedScenario:
    text = SMALL
    for a, b in changes:
        assert a in text
        text = text.replace(a, b)
    (folder / "scenario.toml").write_text(text, "utf-8")
    return load_scenario(folder)


def refused(folder: Path, *changes: tuple[str, str]) -> str:
    with pytest.raises(BadInput) as error:
        load(folder, *changes)
    said = str(error.value)
    assert "\n" not in said and said.strip().endswith((".", "?"))
    return said


def machine(text: str) -> tuple[str, str]:
    return MACHINE, f'[[machine]]\nid = "m"\nsite = "lab"\n{text}\n\n'


# What the examples mean


def test_the_city_example_has_the_runs_that_fit_its_hours() -> None:
    s = load_scenario(EXAMPLES / "supply-city").scenario
    f18, ga68 = s.machines
    # From 02:00 to 14:00, begun each hour: twelve runs of one hour and eleven of two; from 04:30, nine of an hour and a half.
    assert (len(f18.lots), len(ga68.lots)) == (23, 9)
    assert {(x.end_s - x.start_s) / HOUR for x in f18.lots} == {1.0, 2.0}
    assert min(x.start_s for x in f18.lots) == 2 * HOUR and max(x.end_s for x in f18.lots) == 14 * HOUR
    assert ga68.lots[0].start_s == 4.5 * HOUR and ga68.cool_s == 45 * 60
    one, two = ({x.activity_Bq for x in f18.lots if x.end_s - x.start_s == h * HOUR} for h in (1, 2))
    # Saturation: two hours give 1 + 2^(-60 min / 109.77 min) times what one gives (ICRP Publication 107: 109.77 min).
    assert len(one) == len(two) == 1 and two.pop() / one.pop() == pytest.approx(1 + 2 ** (-60 / 109.77), rel=1e-4)
    assert f18.shared == ga68.shared == "cyclotron"
    assert len(s.patients) == 150 and sum(x.chairs > 0 for x in s.sites.values()) == 30 and not s.lanes
    first = s.patients[0]  # 3.7 MBq/kg, 57 kg, 11:30 to 12:00
    assert (first.prescribed_Bq, first.earliest_s, first.latest_s) == (pytest.approx(210.9e6), 11.5 * HOUR, 12 * HOUR)
    fleet = s.sites["radiopharmacy"].fleet
    assert fleet is not None and fleet.hours == ((5.5 * HOUR, 19 * HOUR),)


def test_the_country_example_has_one_discharge_and_its_lanes_by_distance() -> None:
    loaded = load_scenario(EXAMPLES / "supply-country")
    s = loaded.scenario
    (channel,) = s.machines
    (lot,) = channel.lots
    assert (lot.activity_Bq, lot.start_s, lot.end_s, lot.nuclide) == (4.2e12, 6 * HOUR, 6 * HOUR, "Lu-177")
    assert len(s.patients) == 300 and sum(x.chairs > 0 for x in s.sites.values()) == 280
    assert len({p.hospital for p in s.patients}) <= 60
    road = [x for x in s.lanes if x.mode == "road"]
    air = [x for x in s.lanes if x.mode == "air"]
    assert len(road) + len(air) == len(s.lanes) and sum(x.origin == "reactor" for x in road) == 4
    # 600 km with a detour of 1.3 at 70 km/h and an hour: 12.14 h; every flight leaves twice on each of eight days.
    assert max(x.duration_s or 0 for x in road if x.origin != "reactor") <= (1 + 1.3 * 600 / 70) * HOUR
    assert all(len(x.departures) == 16 and {d.cutoff_s % (24 * HOUR) for d in x.departures} == {7 * HOUR, 19 * HOUR} for x in air)
    # Nothing flies less than 350 km: 0.5 h and 350 km at 780 km/h, 3 h and 1.5 h on the ground, an hour by road.
    assert min(d.arrive_s - d.cutoff_s for x in air for d in x.departures) >= (6 + 350 / 780) * HOUR
    assert s.sites["hot-lab-east"].start_times_s[:3] == (5 * HOUR, 10 * HOUR, 29 * HOUR)
    assert s.sites["hot-lab-east"].possession_Bq == {"Lu-177": 1.6e12}
    assert any("times by a model" in x for x in loaded.assumptions)


def test_the_actinium_example_runs_for_days() -> None:
    s = load_scenario(EXAMPLES / "supply-actinium").scenario
    (target,) = s.machines
    # 27 days, begun each midnight: 25 runs of two and a half days and 23 of five.
    lengths = [x.end_s - x.start_s for x in target.lots]
    assert (lengths.count(60 * HOUR), lengths.count(120 * HOUR), len(lengths)) == (25, 23, 48)
    assert target.nuclide == "Ac-225" and target.cool_s == 168 * HOUR
    assert s.patients[0].prescribed_Bq == pytest.approx(4.0e6)  # 50 kBq/kg, 80 kg
    product = s.products["225Ac-PSMA"]
    assert product.shelf_life_s == 48 * HOUR and product.qc_s == 5 * HOUR  # the file's own, not those of the process
    # The lab starts at 06:00 from Monday to Friday: four weeks, the first from Monday, the last to Friday.
    assert len(s.sites["cyclotron"].start_times_s) == 20


def test_disturbances_of_the_examples_load() -> None:
    found = 0
    for path in sorted(EXAMPLES.glob("supply-*/*.toml")):
        if path.name != "scenario.toml" and "lutetia-disturbance/1" in path.read_text("utf-8"):
            loaded = load_scenario(path.parent)
            now, events = load_disturbances(path, loaded)
            assert 0 <= now <= loaded.scenario.end_s and events
            assert disturbed(loaded.scenario, NO_PLAN, events).patients
            found += 1
    assert found >= 1


# Times


def autumn(folder: Path) -> LoadedScenario:
    """Three days around the last Sunday of October, on which Europe puts its clocks back, with a hospital in China."""
    shanghai = '[[site]]\nid = "east"\ncity = "Shanghai"\nzone = "Asia/Shanghai"\nhours = "08:00-17:00"\nchairs = 1\n\n[[machine]]'
    return load(
        folder, ("2026-11-02T00:00:00\nend", "2026-10-24T00:00:00\nend"), ("end = 2026-11-03", "end = 2026-10-27"), ('hours = "Mon-Fri 08:00-17:00"', 'hours = "08:00-17:00"'), ("[[machine]]", shanghai),
        ('duration = "2 h"', 'departures = ["06:00"]\ntransit = "2 h"'), ("2026-11-02T09", "2026-10-26T09"), ("2026-11-02T1", "2026-10-25T1"),
    )  # fmt: skip


def test_hours_follow_the_clock_change(tmp_path: Path) -> None:
    loaded = autumn(tmp_path)
    s = loaded.scenario
    assert s.end_s == 73 * HOUR  # three days and the hour that comes twice
    # 08:00 is 8 h after Saturday's midnight; on Sunday and Monday the hour is behind it.
    assert s.sites["near"].hours == ((8 * HOUR, 17 * HOUR), (33 * HOUR, 42 * HOUR), (57 * HOUR, 66 * HOUR))
    # China, six hours ahead at first, does not change: 08:00 there is 02:00 in Paris on Saturday.
    assert s.sites["east"].hours == ((2 * HOUR, 11 * HOUR), (26 * HOUR, 35 * HOUR), (50 * HOUR, 59 * HOUR))
    (lane,) = s.lanes
    assert [d.cutoff_s / HOUR for d in lane.departures] == [6, 31, 55] and {d.arrive_s - d.cutoff_s for d in lane.departures} == {2 * HOUR}
    assert [p.earliest_s / HOUR for p in s.patients] == [24 + 25 + 9, 24 + 1 + 10]
    assert {x.start_s for x in s.machines[0].lots} >= {4.5 * HOUR, 29.5 * HOUR, 53.5 * HOUR}


def test_times_of_the_plan_read_the_local_clock_after_the_change(tmp_path: Path) -> None:
    loaded = autumn(tmp_path)
    paris = ZoneInfo("Europe/Paris")
    shown = [(loaded.start + dt.timedelta(seconds=a)).astimezone(paris).isoformat() for a, _ in loaded.scenario.sites["near"].hours]
    assert shown == ["2026-10-24T08:00:00+02:00", "2026-10-25T08:00:00+01:00", "2026-10-26T08:00:00+01:00"]
    assert loaded.seconds(dt.datetime(2026, 10, 25, 8), "now") == 33 * HOUR
    assert loaded.seconds(dt.datetime(2026, 10, 25, 8, tzinfo=dt.UTC), "now") == 34 * HOUR


def test_an_hour_that_the_spring_leaves_out_is_no_opening() -> None:
    paris = ZoneInfo("Europe/Paris")
    sunday = dt.datetime(2026, 3, 29, tzinfo=paris)
    day = (sunday, sunday + dt.timedelta(days=1), paris)
    # At 02:00 clocks go to 03:00: 02:15 is what is then called 03:15.
    assert opening_hours("02:15-03:30", *day, (), "x") == ((2.25 * HOUR, 2.5 * HOUR),)
    assert opening_hours("02:15-03:10", *day, (), "x") == ()
    assert opening_hours("00:00-24:00", *day, (), "x") == ((0.0, 23 * HOUR),)
    assert clock_times(["08:00", "08:00"], None, *day, (), "x") == (7 * HOUR,)


def test_days_nights_and_holidays_of_opening_hours() -> None:
    shanghai = ZoneInfo("Asia/Shanghai")
    friday = dt.datetime(2026, 11, 6, tzinfo=shanghai)
    week = (friday, friday + dt.timedelta(days=4), shanghai)
    assert opening_hours("Fri-Mon 22:00-02:00", *week, (), "x") == ((22 * HOUR, 26 * HOUR), (46 * HOUR, 50 * HOUR), (70 * HOUR, 74 * HOUR), (94 * HOUR, 96 * HOUR))
    # The night from Thursday to Friday has begun before the scenario.
    assert opening_hours("Thu 22:00-02:00", *week, (), "x") == ((0.0, 2 * HOUR),)
    assert opening_hours("Fri 08:00-12:00; Fri 12:00-17:00; Mon 09:00-10:00", *week, [dt.date(2026, 11, 9)], "x") == ((8 * HOUR, 17 * HOUR),)
    assert clock_times(["24:00", "07:30"], "Sat,Mon", *week, [dt.date(2026, 11, 9)], "x") == (31.5 * HOUR, 48 * HOUR)


def test_lanes_by_air_take_what_the_model_says(tmp_path: Path) -> None:
    lanes = '[[lanes]]\nmode = "air"\norigins = ["lab"]\ndestinations = ["far"]\ndepartures = ["08:00", "20:00"]\ndays = "Mon"\ncost = 100\ncost_per_km = 0.5\ncapacity = 3\n\n[[patient]]\nid = "one"'
    equator = ('city = "Lyon"', "latitude = 0.0\nlongitude = 0.0"), ("latitude = 45.19\nlongitude = 5.72", "latitude = 0.0\nlongitude = 90.0")
    s = load(tmp_path, ('[[patient]]\nid = "one"', lanes), *equator).scenario
    lane = next(x for x in s.lanes if x.mode == "air")
    km = math.pi / 2 * 6371.0088  # a quarter of the equator of the mean sphere
    # An hour by road after the flight, 3 h before it and 1.5 h after it on the ground, 0.5 h and the distance at 780 km/h.
    assert [d.cutoff_s for d in lane.departures] == [8 * HOUR, 20 * HOUR]
    assert [d.arrive_s - d.cutoff_s for d in lane.departures] == pytest.approx([(6 + km / 780) * HOUR] * 2)
    assert lane.cost == pytest.approx(100 + 0.5 * km) and lane.capacity == 3
    byroad = load(tmp_path, ('[[patient]]\nid = "one"', lanes.replace('"air"', '"road"').replace('departures = ["08:00", "20:00"]\ndays = "Mon"\n', "")), *equator).scenario
    assert next(x for x in byroad.lanes if "road" in x.id).duration_s == pytest.approx((1 + 1.3 * km / 70) * HOUR)


# Machines


def test_a_generator_gives_less_as_its_parent_decays(tmp_path: Path) -> None:
    text = 'kind = "generator"\ngenerator = "Ge-68/Ga-68"\nactivity = "1.85 GBq"\ncalibration = {}\nlengths = ["5 min"]\nevery = "4 h"'
    old, new = (load(tmp_path, machine(text.format(day)), ("F-18", "Ga-68")).scenario.machines[0] for day in ("2026-02-04T01:12:00", "2026-11-02T00:00:00"))
    # 270.95 days (ICRP Publication 107) before the start, less an hour of summer time that is none in February: half.
    assert old.nuclide == "Ga-68" and [a.activity_Bq / b.activity_Bq for a, b in zip(old.lots, new.lots)] == pytest.approx([0.5] * 6, rel=1e-4)
    assert len(old.lots) == 6 and not any(x.adjustable for x in old.lots)


def test_a_line_makes_its_rate_and_a_discharge_may_lie_before_the_start(tmp_path: Path) -> None:
    line = load(tmp_path, machine('kind = "line"\nnuclide = "F-18"\nrate = "2 GBq/h"\nlengths = ["3 h", "180 min"]\nevery = "3 h"')).scenario.machines[0]
    assert [x.activity_Bq for x in line.lots] == pytest.approx([6e9] * 8)
    reactor = load(tmp_path, machine('kind = "reactor"\nnuclide = "F-18"\ndischarge = [{ time = 2026-11-01T22:00:00, activity = "1 TBq" }]')).scenario.machines[0]
    assert [(x.end_s, x.activity_Bq) for x in reactor.lots] == [(-2 * HOUR, 1e12)]


def test_a_short_grid_gives_each_run_its_own_id(tmp_path: Path) -> None:
    lots = load(tmp_path, ('hours = "04:30-12:00"', 'every = "20 s"\nhours = "04:30-07:00"')).scenario.machines[0].lots
    assert len({x.id for x in lots}) == len(lots) == 271 + 91
    assert all(b.start_s - a.start_s == pytest.approx(20) for a, b in pairwise(lots) if a.end_s - a.start_s == b.end_s - b.start_s)


def test_assumptions_and_warnings_are_said(tmp_path: Path) -> None:
    loaded = load(tmp_path, ('residue = "3 %"', 'process = "18F-rhPSMA-7"'), ('products = ["tracer"]', 'products = ["tracer"]\npossession = { Lu-177 = "1 GBq" }'))
    assert any("made as 18F-rhPSMA-7" in x for x in loaded.assumptions) and any("transport index" in x for x in loaded.assumptions)
    assert any("Lu-177" in x for x in loaded.warnings)
    assert "no lab makes tracer" in " ".join(load(tmp_path, ('products = ["tracer"]', "products = []")).warnings)
    never = load(tmp_path, ('duration = "2 h"', 'departures = ["06:00"]\ndays = "Sun"\ntransit = "2 h"'))
    assert any("none of its departures" in x for x in never.warnings)


# What is refused


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('hospital = "near"', 'hospital = "neer"'), "Did you mean near?"),
        (('hospital = "near"', 'hospital = "lab"'), "no chairs"),
        (('product = "tracer"\nprescribed = "250', 'product = "trazer"\nprescribed = "250'), "Did you mean tracer?"),
        (('destination = "far"', 'destination = "fra"'), "Did you mean far?"),
        (('destination = "far"', 'destination = "lab"'), "to itself"),
        (('id = "far"', 'id = "near"'), "site: the id 'near' stands there twice"),
        (('id = "two"', 'id = "one"'), "patient: the id 'one' stands there twice"),
        (("latest = 2026-11-02T09:30:00", "latest = 2026-11-02T08:30:00"), "ends before it begins"),
        (("earliest = 2026-11-02T09:00:00\nlatest = 2026-11-02T09:30:00", "earliest = 2026-11-02T06:00:00\nlatest = 2026-11-02T07:30:00"), "outside the hours of near"),
        (("earliest = 2026-11-02T09:00:00", "earliest = 2026-11-01T09:00:00"), "past"),
        (("latest = 2026-11-02T09:30:00", "latest = 2026-11-04T09:30:00"), "ends after the scenario"),
        (("latest = 2026-11-02T09:30:00", "latest = 9999-12-31T23:59:59"), "ends after the scenario"),
        (('"250 MBq"', '"250"'), "without a unit"),
        (('"250 MBq"', '"3 Gy"'), "another kind"),
        (('weight = "70 kg"\n', ""), "by body weight"),
        (('zone = "Europe/Paris"\n', ""), "zone is missing"),
        (('zone = "Europe/Paris"', 'zone = ""'), "no time zone"),
        (('zone = "Europe/Paris"', 'zone = "Europe/Pari"'), "no time zone"),
        (("end = 2026-11-03", "end = 2026-11-01"), "end after the start"),
        (("start = 2026-11-02", "start = 0001-01-01"), "years from 1901"),
        (("end = 2026-11-03", "end = 2028-11-03"), "within 400 days"),
        (('products = ["tracer"]', 'products = ["trasser"]'), "site lab: there is no product 'trasser'"),
        (("cells = 1\n", ""), "has no cells"),
        (('products = ["tracer"]', 'products = ["tracer"]\nstart_times = ["08:00"]\nstart_days = "Sun"'), "none of its start_times"),
        (('products = ["tracer"]', 'products = ["tracer"]\nstart_days = "Sun"'), "no effect"),
        (("cost_per_km = 1 }", 'cost_per_km = 1, hours = "Sun 08:00-12:00" }'), "never open"),
        (('hours = "Mon-Fri 08:00-17:00"', 'hours = "Sat 08:00-17:00"'), "never open"),
        (('hours = "Mon-Fri 08:00-17:00"', 'hours = "Mo-Fr 8-17"'), "cannot read the hours"),
        (('hours = "Mon-Fri 08:00-17:00"', 'hours = "08:00-25:00"'), "no clock time"),
        (('hours = "Mon-Fri 08:00-17:00"', 'hours = ""'), "never open"),
        (('energy = "16 MeV"', 'energy = "300 MeV"'), "300 MeV"),
        (('exit = "3 MeV"', 'exit = "20 MeV"'), "below the entry energy"),
        (('current = "40 uA"', 'current = "40 uA"\nnuclide = "Lu-177"'), "yield no Lu-177"),
        (('current = "40 uA"', 'current = "40 uA"\ncool = "300 d"'), "100 half-lives of F-18"),
        (('lengths = ["1 h", "2 h"]', 'lengths = ["9 h"]'), "no run fits"),
        (('lengths = ["1 h", "2 h"]', "lengths = []"), "needs lengths"),
        (('lengths = ["1 h", "2 h"]', 'lengths = ["0 h"]'), "above zero"),
        (('hours = "04:30-12:00"', 'every = "1 s"'), "more than 5000 runs"),
        (('kind = "cyclotron"', 'kind = "synchrotron"'), "'cyclotron', 'reactor', 'generator' or 'line'"),
        (('title = "A small day"', 'title = "x"\ncurency = "EUR"'), "Did you mean currency?"),
        (('yield = "50 %"', 'yield = "0 %"'), "leaves nothing"),
        (('yield = "50 %"', "yield = 0.5"), "percentage"),
        (('yield = "50 %"\n', ""), "it needs yield"),
        (('residue = "3 %"', 'residue = "60 %"\nqc_loss = "40 %"'), "take all of it"),
        (('residue = "3 %"', 'min_start = "3 GBq"\nmax_start = "1 GBq"'), "min_start is above max_start"),
        (('shelf_life = "8 h"', 'shelf_life = "20 min"'), "ends before qc"),
        (('shelf_life = "8 h"', 'shelf_life = "300 d"'), "100 half-lives"),
        (('"lead 30 mm"', '"gold 30 mm"'), "no shield of 'gold'"),
        (('"lead 30 mm"', '"lead 30 cm"'), "does not fit"),
        (('city = "Lyon"', 'city = "Lyonn"'), "Did you mean Lyon"),
        (('city = "Lyon"\n', "latitude = 45.0\n"), "needs a city, or latitude and longitude"),
        (("latitude = 45.80", "latitude = nan"), "finite"),
        (("cost = 200", "cost = inf"), "finite"),
        (('duration = "2 h"', 'duration = "2 h"\ndepartures = ["08:00"]'), "either a duration, or departures"),
        (('id = "near"', 'id = "ne>ar"'), "without >"),
        (('id = "near"', 'id = " "'), "1 to 64 characters"),
        (('title = "A small day"', 'title = "x"\nhospitals = "../hospitals.csv"'), "leaves"),
        (('title = "A small day"', 'title = "x"\nhospitals = "h.csv"'), "h.csv"),
        (('title = "A small day"', 'title = "x"\nhospitals = ""'), "empty"),
        (('title = "A small day"', 'title = "x"\nroad = { time = [{ origin = "lab", destination = "x", time = "1 h" }] }'), "no site 'x'"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(change: tuple[str, str], said: str, tmp_path: Path) -> None:
    assert said in refused(tmp_path, change)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('kind = "reactor"\nnuclide = "F-18"\ndischarge = [{ time = 2026-11-05T00:00:00, activity = "1 GBq" }]', "after the end"),
        ('kind = "reactor"\nnuclide = "F-18"\ndischarge = [{ time = 2026-11-02T01:00:00 }]', "give each discharge an activity"),
        ('kind = "reactor"\ndischarge = [{ time = 2026-11-02T01:00:00, activity = "1 GBq" }]', "name the nuclide"),
        ('kind = "reactor"\nnuclide = "F-18"\ndischarge = [' + '{ time = 2026-11-02T01:00:00, activity = "1 GBq" }, ' * 2 + "]", "at one time"),
        ('kind = "generator"\ngenerator = "Ge-68"\nactivity = "1 GBq"\ncalibration = 2026-11-01T00:00:00\nlengths = ["5 min"]', "Ge-68/Ga-68"),
        ('kind = "generator"\ngenerator = "Ge-68/Ga-68"\nactivity = "1 GBq"\ncalibration = 9999-11-01T00:00:00\nlengths = ["5 min"]', "1000 days"),
        ('kind = "line"\nnuclide = "F-19"\nrate = "1 GBq/h"\nlengths = ["1 h"]', "F-19"),
        ('kind = "line"\nnuclide = "F-18"\nlengths = ["1 h"]', "needs rate"),
    ],
)
def test_a_machine_that_cannot_be_is_refused(text: str, said: str, tmp_path: Path) -> None:
    assert said in refused(tmp_path, machine(text))


HEAD = "id,hospital,product,prescribed,weight,earliest,latest,must\n"
ROW = "{},near,tracer,4 MBq/kg,70 kg,2026-11-02T09:00:00,2026-11-02T10:00:00,{}\n"
FROM_CSV = ('[[patient]]\nid = "one"', '[[patient]]\nid = "zero"'), ('title = "A small day"', 'title = "A small day"\npatients = "p.csv"')


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (HEAD + "a,near\n", "line 2: it has more or fewer cells"),
        (HEAD + ROW.format("a", "no") + ROW.format("b", "no,no"), "line 3: it has more or fewer cells"),
        (HEAD, "no rows"),
        ("", "no rows"),
        (HEAD + ROW.format("a", "maybe"), "line 2: must: got 'maybe'; write true or false"),
        (HEAD.replace("weight", "wieght") + ROW.format("a", "no"), "Did you mean weight?"),
        (HEAD.replace("weight", "id") + ROW.format("a", "no"), "stands twice"),
        (HEAD + ROW.format('"a', "no"), "cannot be read as CSV"),
        (HEAD + ROW.format("x" * 200_000, "no"), "cannot be read as CSV"),
        (HEAD + ROW.format("a", "no") * 2, "'a' stands there twice"),
        (HEAD + ROW.format("a", "no").replace("2026-11-02T09:00:00", "2.11.2026"), "line 2: earliest"),
        ((HEAD + ROW.format("é", "no")).encode("latin-1"), "UTF-8"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused(table: str | bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_bytes(table if isinstance(table, bytes) else table.encode())
    assert said in refused(tmp_path, *FROM_CSV)


def test_a_table_says_what_the_file_would(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("\ufeff" + (HEAD + ROW.format("a", "yes")).replace("\n", "\r\n"), "utf-8", newline="")
    loaded = load(tmp_path, *FROM_CSV)
    a = next(p for p in loaded.scenario.patients if p.id == "a")
    assert (a.prescribed_Bq, a.earliest_s, a.latest_s, a.must, a.priority) == (pytest.approx(280e6), 9 * HOUR, 10 * HOUR, True, 1.0)
    assert set(loaded.files) == {"p.csv"} and len(loaded.files["p.csv"]) == 64


# Disturbances

NO_PLAN = SupplyPlan({}, (), (), (), (), 0.0, 0.0, 0.0, 0.0, {}, "")
DOWN = 'now = 2026-11-02T05:00:00\n[[disturbance]]\nkind = "machine-down"\nid = "target"\n'
ADDED = (
    'now = 2026-11-02T05:00:00\n[[disturbance]]\nkind = "patient-added"\nid = "new"\n'
    '[disturbance.patient]\nid = "new"\nhospital = "near"\nproduct = "tracer"\nprescribed = "200 MBq"\nearliest = 2026-11-02T12:00:00\nlatest = 2026-11-02T13:00:00\n'
)


def after(folder: Path, text: str, schema: str = "lutetia-disturbance/1") -> tuple[float, Scenario]:
    loaded = load(folder)
    (folder / "d.toml").write_text(f'schema = "{schema}"\n{text}', "utf-8")
    now, events = load_disturbances(folder / "d.toml", loaded)
    return now, disturbed(loaded.scenario, NO_PLAN, events)


def test_a_disturbance_takes_out_what_is_lost(tmp_path: Path) -> None:
    whole = load(tmp_path).scenario
    now, s = after(tmp_path, DOWN + "end = 2026-11-02T07:00:00\n")
    assert now == 5 * HOUR
    gone = {x.id for x in whole.machines[0].lots} - {x.id for x in s.machines[0].lots}
    assert gone == {x.id for x in whole.machines[0].lots if x.start_s < 7 * HOUR and x.end_s > 5 * HOUR} and gone
    assert [p.id for p in after(tmp_path, ADDED)[1].patients] == ["one", "two", "new"]
    assert [p.id for p in after(tmp_path, DOWN.replace("machine-down", "patient-cancelled").replace('"target"', '"one"'))[1].patients] == ["two"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (DOWN.replace("machine-down", "machine-dwn"), "Did you mean machine-down"),
        (DOWN.replace('"target"', '"tarjet"'), "Did you mean target?"),
        (DOWN.replace("machine-down", "batch-failed"), "no 'target' in the plan"),
        (DOWN.replace("machine-down", "cell-down").replace('"target"', '"far"'), "no 'far'"),
        (DOWN.replace("11-02", "11-01"), "not within the scenario"),
        (DOWN.replace("11-02", "11-09"), "not within the scenario"),
        (DOWN + "start = 2026-11-02T07:00:00\nend = 2026-11-02T06:00:00\n", "ends before it begins"),
        (DOWN + "hours = 3\n", "not a known key"),
        ("now = 2026-11-02T05:00:00\ndisturbance = []\n", "name at least one"),
        (DOWN.split("\n", 1)[1], "now is missing"),
        (ADDED.split("[disturbance.patient]")[0], "needs a patient"),
        (ADDED.replace('kind = "patient-added"', 'kind = "patient-cancelled"'), "no effect"),
        (ADDED.replace('id = "new"\n[', 'id = "neu"\n['), "give both the same"),
        (ADDED.replace('"new"', '"one"'), "whose id is new"),
        (ADDED + ADDED.split("\n", 1)[1], "stands there twice"),
        (ADDED.replace("05:00", "15:00"), "ends before now"),
        (ADDED.replace('"near"', '"neer"'), "Did you mean near?"),
        (ADDED.replace('"tracer"', '"tracker"'), "Did you mean tracer?"),
    ],
)
def test_a_disturbance_that_cannot_be_is_refused(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as error:
        after(tmp_path, text)
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_scenario_is_no_disturbance(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="lutetia-disturbance/1"):
        after(tmp_path, DOWN, "lutetia-scenario/1")
    (tmp_path / "scenario.toml").write_text(SMALL.replace("lutetia-scenario/1", "lutetia-disturbance/1"))
    with pytest.raises(BadInput, match="lutetia-scenario/1"):
        load_scenario(tmp_path)
