"""Charged-particle production against published yields and other programs."""

from __future__ import annotations

import numpy as np

from lutetia.supply.production import Layer, irradiate, irradiate_stack
from lutetia.supply.production.stopping import atomic_stopping_MeV_cm2, proton_stopping_MeV_cm2_g, symbols
from lutetia.transport.stopping import alpha_stopping_power

from .compare import Row, Section

_MCI, _HOUR = 3.7e7, 3600.0


def yields() -> list[Section]:
    """Activities at the end of bombardment."""
    ga = irradiate("68Zn(p,n)68Ga", 20.0, 3.4, 1e-6, 2.25 * _HOUR).eob.activity_Bq["Ga-68"] / 1e9
    (foil,) = irradiate_stack([Layer("yttrium", thickness_mm=0.1, angle_deg=10.0, reaction="89Y(p,n)89Zr")], 15.0, 1e-6, _HOUR)
    (thin,) = irradiate_stack([Layer("Ra", areal_g_cm2=1.01e-3 / 1.2, reaction="226Ra(p,2n)225Ac")], 15.6, 20e-6, 5 * _HOUR)
    assert foil.made is not None and thin.made is not None
    zr89 = foil.made.eob.activity_Bq["Zr-89"] / _MCI
    f18 = irradiate("18O(p,n)18F", 13.0, 2.43, 1e-6, _HOUR, enrichment=0.995).eob.activity_Bq["F-18"] / _MCI
    ac = irradiate("226Ra(p,2n)225Ac", 16.8, 4.0, 100e-6, 24 * _HOUR).eob.activity_Bq["Ac-225"] / 1e9
    ge = irradiate("69Ga(p,2n)68Ge", 25.0, 15.0, 1e-3, 168 * _HOUR).eob.activity_Bq["Ge-68"] / 3.7e10
    natural = irradiate("natGa(p,x)68Ge", 30.0, 11.0, 1e-6, _HOUR).eob.activity_Bq["Ge-68"] / 1e6
    return [
        Section("Production, 68Ga in pure 68Zn, 20 to 3.4 MeV, 2.25 h", "Szelecsenyi et al. 2012, Radiochim. Acta 100, 5, from measured cross sections", "GBq/uA", [Row("end of bombardment", ga, 13.04, 0.03)]),
        Section("Production, 89Zr in 0.1 mm Y at 10 degrees, 15 MeV", "Holland, Sheh, Lewis 2009, Nucl. Med. Biol. 36, 729 (measured 1.52 +- 0.11)", "mCi/uAh",
                [Row("the same integral, computed once elsewhere", zr89, 1.81, 0.01), Row("measured", zr89, 1.52, None)],
                "The measured yield is 84 % of what cross sections and stopping powers give; the difference is more than the standard uncertainty of either."),
        Section("Production, 225Ac", "ISOTOPIA 2.2, 16.8 to 4 MeV, 100 uA, 24 h; Nagatsu et al. 2021, EJNMMI 49, 279", "GBq",
                [Row("226Ra, thick, another program", ac, 18.79, 0.04), Row("226Ra, 1.01 mg, a spot of 1.2 cm2 assumed", thin.made.eob.activity_Bq["Ac-225"] / 1e9, 2.4e-3, None)]),
        Section("Production, 18F in water with 99.5 % 18O, 13 MeV", "Kambali 2021, J. Phys.: Conf. Ser. 1825, 012080, calculated (60.07)", "mCi/uAh",
                [Row("cross sections of Hess et al. 2001 with PSTAR, computed once elsewhere", f18, 66.3, 0.01), Row("published", f18, 60.07, None)]),
        Section("Production, 68Ge", "ISOTOPIA, pure 69Ga, 25 to 15 MeV, 7 d, 1 mA", "Ci", [Row("another program", ge, 7.064, 0.04)],
                f"No published integral yield of natural gallium could be found; 30 to 11 MeV is foreseen to give {natural:.2f} MBq/uAh."),
    ]  # fmt: skip


def stopping() -> Section:
    """Alphas in water scaled from protons against ASTAR, and elements found again from their neighbours."""
    water = lambda E: float(sum(n * atomic_stopping_MeV_cm2(E, s, "a") for s, n in (("H", 2), ("O", 1))) * 6.02214076e23 / 18.015)  # noqa: E731
    E = np.linspace(3.0, 30.0, 28)
    rows = [Row(f"alpha of {e:g} MeV in water", water(e), float(alpha_stopping_power(e)), 0.025) for e in (8.0, 12.0, 20.0)]
    for s in ("Al", "Ti", "Cu", "Kr", "Mo", "Ag", "Xe", "Gd", "W", "Pb"):
        ours, held = proton_stopping_MeV_cm2_g(E, s, without=(symbols()[s],)), proton_stopping_MeV_cm2_g(E, s)
        worst = int(np.argmax(np.abs(ours / held - 1)))
        rows.append(Row(f"protons of {E[worst]:g} MeV in {s}, left out and interpolated (the worst of 3 to 30 MeV)", float(ours[worst]), float(held[worst]), 0.005 if symbols()[s] <= 54 else 0.042))
    return Section("Production, stopping", "NIST SRD 124 (ASTAR, PSTAR)", "MeV cm2/g", rows)


def sections() -> list[Section]:
    """All comparisons of production."""
    return [*yields(), stopping()]
