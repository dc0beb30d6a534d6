"""What holds for any nation: more never treats fewer, every limit is kept, sites are the best of all choices."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lutetia.nuclides import nuclide
from lutetia.supply.nation_binding import binding
from lutetia.supply.nation_flow import RESOURCES, Lab, Nation, Source, Therapy, supply
from lutetia.supply.nation_output import Output, known, treatable
from lutetia.supply.nation_sites import choose_sites, served


def _nation(seed: int) -> Nation:
    r = np.random.default_rng(seed)
    t, s, l, h = (int(x) for x in r.integers([1, 1, 1, 2], [4, 3, 4, 7]))
    kinds = ["Lu-177", "I-131", "Ac-225"]
    therapies = tuple(
        Therapy(f"t{n}", kinds[n], float(10 ** r.uniform(6, 10)), float(r.integers(1, 7)), float(r.uniform(0.3, 1)), float(r.uniform(0, 2e5)), float(r.uniform(0, 1e5)), float(r.uniform(1e5, 5e5)),
                float(r.integers(5, 40)), float(r.integers(20, 200)), float(r.integers(0, 4)), float(r.integers(0, 8)))
        for n in range(t)
    )  # fmt: skip
    patients = r.uniform(0, 300, (t, h))
    doses = [float(patients[n].sum() * x.cycles * x.activity_Bq) for n, x in enumerate(therapies)]
    sources = tuple(Source(f"s{n}", kinds[n % t], doses[n % t] * float(r.uniform(0.3, 5)) + 1.0, float(r.uniform(0, 1e5))) for n in range(max(s, t)))
    labs = tuple(Lab(f"l{n}", float(r.uniform(5, 300)), tuple(x.name for x in therapies if n == 0 or r.random() < 0.6)) for n in range(l))
    lab_h = np.stack([r.uniform(1, 90, (l, h)), np.where(r.random((l, h)) < 0.3, np.inf, r.uniform(6, 20, (l, h)))])
    return Nation(therapies, sources, labs, tuple(f"c{n}" for n in range(h)), r.uniform(1, 40, (len(sources), l)), lab_h, patients, r.uniform(50, 4000, h), r.uniform(50, 9000, h), float(r.uniform(5, 300)))


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6))
def test_every_limit_is_kept_and_the_ledger_closes(seed: int) -> None:
    n = _nation(seed)
    f = supply(n)
    slack = 1 + 1e-6
    column = {k: np.array([getattr(t, k) for t in n.therapies]) for k in ("cycles", "doses_per_batch", "doses_per_flight", "bed_days", "chair_hours", "activity_Bq", "yield_fraction")}
    assert f.treated(n).sum() == pytest.approx(f.patients, rel=1e-6, abs=1e-6)
    assert np.all(f.treated(n) <= n.patients * slack + 1e-6)
    assert np.all(np.einsum("tlhm,t->l", f.doses, 1 / column["doses_per_batch"]) <= np.array([x.batches for x in n.labs]) * slack)
    assert np.all(np.einsum("tlh,t->lh", f.doses[..., 1], 1 / column["doses_per_flight"]) <= n.flights * slack)
    assert np.all(np.einsum("tlhm,t->h", f.doses, column["bed_days"]) <= n.bed_days * slack)
    assert np.all(np.einsum("tlhm,t->h", f.doses, column["chair_hours"]) <= n.chair_hours * slack)
    assert np.all(f.drawn_Bq.sum(axis=(1, 2)) <= np.array([s.annual_Bq for s in n.sources]) * slack)
    for k, t in enumerate(n.therapies):
        assert not f.doses[k][(n.lab_h.transpose(1, 2, 0) * 3600 + t.wait_s) > t.shelf_life_s].any()
        rate = nuclide(t.nuclide).decay_constant_per_s
        hours = np.where(np.isfinite(n.lab_h), n.lab_h, 0.0).transpose(1, 2, 0)
        released = (f.doses[k] * np.exp(rate * (hours * 3600 + t.wait_s))).sum(axis=(1, 2)) * t.activity_Bq
        prepared = np.array([s.prepare_s for s in n.sources])[:, None]
        made = (f.drawn_Bq[:, :, k] * np.exp(-rate * (prepared + n.source_h * 3600 + t.make_s))).sum(axis=0) * t.yield_fraction
        assert np.all(released <= made * slack + 1e-9 * t.activity_Bq)
        assert not f.drawn_Bq[[nuclide(s.nuclide).name != t.nuclide for s in n.sources], :, k].any()


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(RESOURCES), st.floats(1.01, 3.0))
def test_more_of_anything_treats_no_fewer_and_lifting_bounds_it(seed: int, resource: str, factor: float) -> None:
    n = _nation(seed)
    base, more = supply(n), supply(n, {resource: factor})
    assert base.patients <= more.patients + 1e-6 <= base.patients * factor + 2e-6  # a programme of limits is concave
    for b in binding(n, base):
        assert b.lifted >= base.patients - 1e-6 and b.alone >= base.patients - 1e-6 and b.ten_percent >= -1e-6
        assert b.ten_percent <= 0.1 * base.patients + 1e-6
    alike = supply(n, share_alike=True)
    assert alike.patients <= base.patients + 1e-6


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(0, 2))
def test_chosen_sites_are_the_best_of_every_choice(seed: int, count: int, stand: int) -> None:
    r = np.random.default_rng(seed)
    sites, places = count + stand + int(r.integers(1, 4)), int(r.integers(1, 9))
    gain = np.where(r.random((sites, places)) < 0.3, 0.0, r.uniform(0, 100, (sites, places)))
    standing = np.arange(sites) < stand
    free = [n for n in range(sites) if not standing[n]]
    values = sorted((served(gain, np.array([*c, *range(stand)], int)) for c in itertools.combinations(free, count)), reverse=True)
    found = choose_sites(gain, count, standing=standing, runners_up=2)
    assert len({c.sites for c in found}) == len(found) == min(3, len(values))
    for choice, best in zip(found, values):
        assert choice.value == pytest.approx(best, rel=1e-6, abs=1e-6) and choice.bound == pytest.approx(best, rel=1e-5, abs=1e-5)
        assert len(choice.sites) == count and not standing[list(choice.sites)].any()


@settings(max_examples=30, deadline=None)
@given(st.floats(1e9, 1e15), st.floats(0, 1e6), st.floats(0.01, 1), st.floats(1e6, 1e10), st.floats(1, 8))
def test_a_chain_spends_what_it_is_given(annual: float, decay: float, left: float, activity: float, cycles: float) -> None:
    t = treatable(Output("x", "Lu-177", known(annual), known(decay), {"left": known(left)}, known(activity), known(cycles)), draws=10)
    assert t.doses * activity == pytest.approx(t.left_Bq["left"]) and t.doses * t.made_per_dose_Bq == pytest.approx(annual)
    doubled = treatable(Output("x", "Lu-177", known(annual), known(decay + nuclide("Lu-177").half_life_s), {"left": known(left)}, known(activity), known(cycles)), draws=10)
    assert doubled.doses == pytest.approx(t.doses / 2)
