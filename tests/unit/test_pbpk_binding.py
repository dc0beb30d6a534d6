"""Modes of binding: their limits, detailed balance, receptors that are used up, albumin."""

from __future__ import annotations

import numpy as np
import pytest

from lutetia.core import BadInput
from lutetia.kinetics.pbpk import (
    Covalent,
    DualTarget,
    Patient,
    Tumour,
    build_body,
    parameter_set,
    simulate_cycles,
    simulate_pbpk,
)
from lutetia.kinetics.pbpk.binding import add_binding
from lutetia.kinetics.pbpk.solver import solve
from lutetia.kinetics.pbpk.system import Builder

SET = parameter_set("PSMA-617-KD1")
ONE = Patient(tumours=(Tumour("tumour 1", 30.0, 50.0),))


def _tiac(binding=None, ligand: float = 57.0, **more) -> dict[str, float]:  # type: ignore[no-untyped-def]
    r = simulate_pbpk(ONE, SET, ligand, binding=binding, rtol=1e-7, **more)
    return {k: float(v[0]) for k, v in r.tiac_h["Lu-177"].items()}


def test_covalent_binding_without_a_reaction_is_reversible() -> None:
    assert _tiac(Covalent(0.0, 0.01)) == pytest.approx(_tiac(), rel=1e-6)
    near = _tiac(Covalent(1e-7, 0.01))
    assert near == pytest.approx(_tiac(), rel=1e-3) and near["tumour 1"] > _tiac()["tumour 1"]


def test_a_reaction_holds_ligand_longer_and_uses_receptors_up() -> None:
    """At most the sites, and what synthesis brings, can be held: with no turnover the first ligand to come fills them."""
    reversible, fast = _tiac(), _tiac(Covalent(0.2, 1e-3))
    assert fast["tumour 1"] > 1.2 * reversible["tumour 1"]
    body = build_body(ONE, SET, binding=Covalent(0.2, 0.0))
    s = body.system
    end = solve(s, {"blood.venous": 500.0}, end_min=20_000.0, rtol=1e-8, atol_relative=1e-14)
    used = end.end_nmol[0, s.index("tumour 1.used")]
    went_in = sum(end.end_nmol[0, s.index(f"tumour 1.{x}")] for x in ("covalent", "bound", "internalised"))
    assert 0.8 * 1.5 < used <= 1.5 * (1 + 1e-8)  # 30 mL with 50 nmol/L
    assert used >= 0 and went_in < 1.5 * 2


def test_used_receptors_come_back_with_their_turnover_and_are_missing_in_the_next_cycle() -> None:
    slow = simulate_cycles(ONE, SET, [57.0, 57.0], [14.0], binding=Covalent(0.1, 1e-7))
    quick = simulate_cycles(ONE, SET, [57.0, 57.0], [14.0], binding=Covalent(0.1, 1e-2))
    of = lambda cycles: [float(c.tiac_h["Lu-177"]["tumour 1"][0]) for c in cycles]  # noqa: E731
    assert of(slow)[1] < 0.4 * of(slow)[0]
    assert of(quick)[1] == pytest.approx(of(quick)[0], rel=0.02)


def test_fewer_receptors_in_the_next_cycle_miss_the_same_share() -> None:
    c = simulate_cycles(ONE, SET, [57.0, 57.0], [14.0], binding=Covalent(0.1, 1e-7), uptake_factors=[1.0, 0.3])
    second = float(c[1].tiac_h["Lu-177"]["tumour 1"][0])
    assert 0 < second < 0.4 * 0.31 * float(c[0].tiac_h["Lu-177"]["tumour 1"][0])


def _tube(effective_molarity_nM: float, *, internalisation: float = 0.0, second: float = 2.0):  # type: ignore[no-untyped-def]
    """Two targets in a litre without a body."""
    b = Builder()
    b.state("free"), b.state("in")
    add_binding(
        b, "tumour", free="free", inside="in", volume_L=1.0, sites_nmol=3.0, kon=0.046, koff=0.092, internalisation=internalisation,
        binding=DualTarget(0.02, 0.1, effective_molarity_nM, {"tumour": second}),
    )  # fmt: skip
    return b.build()


def test_two_targets_come_to_the_equilibrium_of_each_leg() -> None:
    """Mass action of every leg at rest, each with its own constant: the cycle of four is in detailed balance."""
    s = _tube(80.0)
    y = dict(zip(s.states, solve(s, {"free": 4.0}, end_min=1e6, rtol=1e-9, atol_relative=1e-14).end_nmol[0]))
    both, one, two = y["tumour.both"], y["tumour.bound"], y["tumour.second"]
    first_free, second_free = 3.0 - one - both, 6.0 - two - both
    assert y["free"] * first_free / one == pytest.approx(0.092 / 0.046, rel=1e-6)
    assert y["free"] * second_free / two == pytest.approx(0.1 / 0.02, rel=1e-6)
    near = 80.0 / 6.0
    assert one * second_free * near / both == pytest.approx(0.1 / 0.02, rel=1e-6)
    assert two * first_free * near / both == pytest.approx(0.092 / 0.046, rel=1e-6)
    assert both > one + two


def test_without_effective_molarity_the_targets_are_independent() -> None:
    s = _tube(0.0)
    y = dict(zip(s.states, solve(s, {"free": 4.0}, end_min=1e6, rtol=1e-9, atol_relative=1e-14).end_nmol[0]))
    assert y["tumour.both"] == 0.0
    free = y["free"]
    assert y["tumour.bound"] == pytest.approx(3 * free / (free + 2.0), rel=1e-6)
    assert y["tumour.second"] == pytest.approx(6 * free / (free + 5.0), rel=1e-6)
    assert free + y["tumour.bound"] + y["tumour.second"] == pytest.approx(4.0, rel=1e-9)


def test_a_second_target_raises_the_uptake_and_effective_molarity_more() -> None:
    dual = [_tiac(DualTarget(0.046, 0.46, em, {"tumour": 1.0}))["tumour 1"] for em in (0.0, 10.0, 1000.0)]
    assert _tiac()["tumour 1"] < dual[0] < dual[1] < dual[2]
    weak = _tiac(DualTarget(1e-12, 0.46, 0.0, {"tumour": 1.0}))
    assert weak == pytest.approx(_tiac(), rel=1e-5)


def test_albumin_keeps_ligand_in_the_blood() -> None:
    whole, held = _tiac(), _tiac(unbound_fraction=0.3)
    assert _tiac(unbound_fraction=1.0) == whole
    assert held["blood"] > 2 * whole["blood"]
    for bad in (0.0, 1.2, np.nan):
        with pytest.raises(BadInput, match="unbound"):
            build_body(ONE, SET, unbound_fraction=bad)


def test_ligand_released_intact_binds_again() -> None:
    degraded, intact = _tiac(), _tiac(release="intact")
    assert intact["tumour 1"] > degraded["tumour 1"] and intact["degraded"] == 0.0 < degraded["degraded"]
    assert intact["urine"] > degraded["urine"]


@pytest.mark.parametrize("binding", [Covalent(-1.0, 0.1), Covalent(0.1, float("nan")), DualTarget(0.1, -0.1, 1.0, {"tumour": 1.0}), DualTarget(0.1, 0.1, 1.0, {"tumour": 0.0})])
def test_rates_that_cannot_be_are_refused(binding) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(BadInput, match="binding"):
        build_body(ONE, SET, binding=binding)
