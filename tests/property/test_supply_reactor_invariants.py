"""What holds for every irradiation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from lutetia.nuclides import nuclide
from lutetia.supply.production.capture import Reaction, effective_b, reactions
from lutetia.supply.production.reactor import irradiate_neutrons

TARGETS = sorted({r.target for r in reactions() if r.makes and r.kind == "capture"})
times = st.floats(60.0, 60 * 86400.0)
fluxes = st.floats(1e10, 3e15)


@settings(max_examples=40, deadline=None)
@given(target=st.sampled_from(TARGETS), flux=fluxes, time_s=times, cool_s=st.floats(0.0, 30 * 86400.0), ratio=st.floats(0.0, 0.1), kelvin=st.floats(250.0, 400.0))
def test_atoms_are_conserved(target: str, flux: float, time_s: float, cool_s: float, ratio: float, kelvin: float) -> None:
    enrichment = 1.0 if target in ("Ra-226", "Ho-165") else 0.7
    c = irradiate_neutrons(target, flux, time_s, mass_kg=1e-3, enrichment=enrichment, neutron_temperature_K=kelvin, epithermal_ratio=ratio, cool_s=cool_s)
    mass_number = {n: int("".join(x for x in n.split("-")[1] if x.isdigit())) for n in c.atoms if n != "elsewhere"}
    loaded = 1.0 if enrichment == 1.0 else None
    start = irradiate_neutrons(target, flux, 1e-3, mass_kg=1e-3, enrichment=enrichment).atoms_eoi
    assert sum(c.atoms_eoi.values()) == pytest.approx(sum(start.values()), rel=1e-9)
    assert sum(c.atoms.values()) == pytest.approx(sum(start.values()), rel=1e-9)
    if loaded is not None:
        assert sum(start.values()) == pytest.approx(6.02214076e23 / mass_number[target], rel=1e-9)
    assert min(c.atoms.values()) >= 0 and 0 <= c.burn_up_target <= 1 and 0 <= c.burn_up_product <= 1
    if c.specific_activity_Bq_per_kg is not None:
        assert c.specific_activity_Bq_per_kg <= c.limit_Bq_per_kg * (1 + 1e-9)
    assert c.eoi.activity_Bq[c.product] <= c.optimal_activity_Bq * (1 + 1e-3)
    assert c.time_to_95_percent_s <= c.optimal_time_s


@settings(max_examples=25, deadline=None)
@given(flux=fluxes, time_s=times, mass_kg=st.floats(1e-9, 1.0), cool_s=st.floats(0.0, 30 * 86400.0))
def test_yield_goes_with_mass_and_cooling_is_decay(flux: float, time_s: float, mass_kg: float, cool_s: float) -> None:
    one = irradiate_neutrons("Mo-98", flux, time_s, mass_kg=1e-3, enrichment=0.98)
    c = irradiate_neutrons("Mo-98", flux, time_s, mass_kg=mass_kg, enrichment=0.98, cool_s=cool_s)
    assert c.eoi.activity_Bq["Mo-99"] == pytest.approx(one.eoi.activity_Bq["Mo-99"] * mass_kg / 1e-3, rel=1e-9)
    assert c.after.activity_Bq["Mo-99"] == pytest.approx(c.eoi.activity_Bq["Mo-99"] * 0.5 ** (cool_s / nuclide("Mo-99").half_life_s), rel=1e-9)
    assert c.after.activity_Bq["Tc-99m"] == pytest.approx(c.eoi.at(cool_s).activity_Bq["Tc-99m"], rel=1e-6)


@settings(max_examples=15, deadline=None)
@given(flux=st.floats(1e13, 3e15), days=st.floats(0.5, 40.0), kelvin=st.floats(280.0, 360.0), ratio=st.floats(0.0, 0.05))
def test_lutetium_against_a_step_by_step_integration(flux: float, days: float, kelvin: float, ratio: float) -> None:
    """The direct route by a Runge-Kutta integration of equations written out here."""
    k = {(r.target, r.product): effective_b(r, kelvin, ratio) * 1e-24 * flux for r in reactions()}
    L, Lm, L6m = (nuclide(n).decay_constant_per_s for n in ("Lu-177", "Lu-177m", "Lu-176m"))
    a, b, m = k["Lu-176", "Lu-177"], k["Lu-177", "Lu-178"], k["Lu-176", "Lu-177m"]
    bm, g5, m5 = k["Lu-177m", "Lu-178"], k["Lu-175", "Lu-176"], k["Lu-175", "Lu-176m"]

    def rate(_: float, n: np.ndarray) -> list[float]:
        n5, n6, n7, n7m, n6m = n
        return [-(g5 + m5) * n5, g5 * n5 - (a + m) * n6, a * n6 + 0.217 * Lm * n7m - (L + b) * n7, m * n6 - (Lm + bm) * n7m, m5 * n5 - L6m * n6m]

    c = irradiate_neutrons("Lu-176", flux, days * 86400.0, mass_kg=1e-3, enrichment=0.8, neutron_temperature_K=kelvin, epithermal_ratio=ratio)
    whole = 6.02214076e23 / (0.8 * 176 + 0.2 * 175)
    found = solve_ivp(rate, (0.0, days * 86400.0), np.array([0.2, 0.8, 0, 0, 0]) * whole, rtol=1e-9, atol=1e-9 * whole, method="LSODA").y[:, -1]
    for name, atoms in zip(("Lu-175", "Lu-176", "Lu-177", "Lu-177m"), found):
        assert c.atoms_eoi[name] == pytest.approx(atoms, rel=1e-4, abs=1e-7 * whole), name


@given(up=st.floats(1.01, 3.0))
@settings(max_examples=15, deadline=None)
def test_more_burn_up_of_the_product_gives_less_of_it(up: float) -> None:
    less, more = (irradiate_neutrons("Yb-176", 2e14, 14 * 86400.0, mass_kg=1e-3, enrichment=1.0, own=[Reaction("Lu-177", "Lu-178", 1000.0 * x)]) for x in (1.0, up))
    assert more.eoi.activity_Bq["Lu-177"] < less.eoi.activity_Bq["Lu-177"] and more.burn_up_product > less.burn_up_product
