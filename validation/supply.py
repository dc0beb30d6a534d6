"""Reactors, generators, batches, packages and a nation's supply against published numbers; where a figure was only computed elsewhere, the section says so."""

from __future__ import annotations

import math

from lutetia.nuclides import nuclide
from lutetia.supply.manufacture import (
    Dose,
    Process,
    Product,
    dose_volume_mL,
    earliest_reading_s,
    elapsed_at_volume_s,
    fill,
    process,
    product_label,
    shown_fraction,
    start_for_doses_Bq,
    success_interval,
)
from lutetia.supply.nation_output import Output, Range, known, treatable
from lutetia.supply.packages import package
from lutetia.supply.production.capture import Reaction, westcott_g
from lutetia.supply.production.generators import elute, expiry_s, generator, ingrown_Bq, milking_Bq_per_year
from lutetia.supply.production.reactor import irradiate_neutrons, specific_activity_limit_Bq_per_kg
from lutetia.supply.shielding import dose_rate_constant_uSv_m2_per_MBq_h

from .compare import Row, Section

_DAY, _HOUR, _MCI = 86400.0, 3600.0, 3.7e7
_UGY_PER_R_CM2_MCI = 8.76e3 * 1e-4 / 37.0  # of a constant in R cm2/(mCi h): 8.76 mGy/R


def reactor() -> list[Section]:
    """Capture: Westcott's factor, lutetium with and without carrier, fission molybdenum."""
    g = [Row(f"{T:g} K", westcott_g("capture_lu176_resonance", T), value, 0.02) for T, value in ((293.6, 1.711), (313.0, 1.845), (333.0, 1.985), (353.0, 2.127))]
    rate = [Reaction("Lu-176", "Lu-177", 2090.0, westcott=1.75)]
    carrier, ytterbium = [], []
    for days, value in ((7, 533), (14, 648), (21, 604)):
        held, own = (irradiate_neutrons("Lu-176", 1.2e14, days * _DAY, mass_kg=1e-6, enrichment=0.82, neutron_temperature_K=299.0, own=x).activity_per_gram_Bq * 1e-12 for x in ((), rate))
        carrier += [Row(f"{days} d, g computed", held, value, 0.02), Row(f"{days} d, 2090 b and g of 1.75 given", own, value, 0.005)]
    for days, value in ((7, 1010), (14, 1497), (21, 1732)):
        bare, burnt = (irradiate_neutrons("Yb-176", 2e14, days * _DAY, mass_kg=1e-3, enrichment=1.0, own=x).activity_per_gram_Bq * 1e-9 for x in ([Reaction("Lu-177", "Lu-178", 0.0)], ()))
        ytterbium += [Row(f"{days} d, 177Lu not burnt", bare, value, 0.015), Row(f"{days} d, 177Lu burnt", burnt, value, None)]
    metastable = irradiate_neutrons("Lu-176", 2.5e15, 4 * _DAY, mass_kg=0.8794e-3, enrichment=0.8444, product="Lu-177m").specific_activity_Bq_per_kg
    assert metastable is not None
    molybdenum = irradiate_neutrons("U-235", 1e14, 7 * _DAY, mass_kg=1e-3, enrichment=1.0).eoi.activity_Bq["Mo-99"] * 1e-9
    return [
        Section("Reactor, Westcott's factor of 176Lu", "computed once elsewhere from the resonances of JEFF-4.0; 1.71 to 1.75 is in common use at room temperature", "1", g),
        Section("Reactor, 177Lu without carrier", "EndolucinBeta, summary of product characteristics: theoretical specific activity", "GBq/mg", [Row("limit", specific_activity_limit_Bq_per_kg("177Lu") * 1e-15, 4110, 0.005)]),
        Section("Reactor, 177Lu with carrier, 82 % 176Lu, 1.2e14 /cm2 s", "computed once elsewhere with g of 1.75 and 2090 b; the product (LutaPol) promises more than 500 GBq/mg", "GBq/mg", carrier),
        Section("Reactor, 176Yb, 2e14 /cm2 s", "computed once elsewhere, without what is burnt of the 177Lu", "GBq/g", ytterbium, "What is burnt takes a tenth, so the second row of each pair is the one that a result gives."),
        Section("Reactor, 177mLu, 84.44 % 176Lu, 4 d at 2.5e15 /cm2 s", "Appl. Radiat. Isot. 2020, 108986 (abstract)", "TBq per g of Lu", [Row("end of irradiation", metastable * 1e-15, 0.3, 0.15)], "The convention of the published flux is not said, which alone is worth 13 %."),
        Section("Reactor, 99Mo by fission, 1 g of 235U, 7 d at 1e14 /cm2 s", "computed once elsewhere, without what is burnt of the 235U (3.5 %)", "GBq", [Row("end of irradiation", molybdenum, 7617, 0.035)]),
    ]  # fmt: skip


def generators() -> list[Section]:
    """Milking of thorium, and what grows in generators."""
    intervals = ((21, 868), (28, 916), (30, 919), (42, 889), (56, 800), (60, 772))
    milked = [Row(f"every {d} d", milking_Bq_per_year(150 * _MCI, d * _DAY) / _MCI, value, 0.006) for d, value in intervals]
    kept = milking_Bq_per_year(150 * _MCI, 28 * _DAY, keep_radium=True) / _MCI
    campaigns = sum(e.eluted_Bq for e in elute(generator("229Th/225Ac"), 150 * _MCI, [28 * _DAY * n for n in range(1, 14)])) / _MCI
    lead, bismuth, technetium = generator("Ra-224/Pb-212"), generator("225Ac/213Bi"), generator("Mo-99/Tc-99m")
    at = math.exp(-nuclide("Ra-224").decay_constant_per_s * 16.5 * _HOUR)
    doubled = expiry_s(technetium, 0.075e-3)
    assert doubled is not None
    return [
        Section("Generators, 225Ac from 150 mCi of 229Th", "computed once elsewhere, with 9.92 d for 225Ac (here 10.0 d); 225Ra and 225Ac taken together", "mCi a year", [*milked, Row("every 28 d, radium left on the column", kept, 1679, 0.005)]),
        Section("Generators, 13 campaigns from 150 mCi of 229Th", "Oak Ridge 2018, indico.triumf.ca/event/26/contributions/1574: about 800 mCi", "mCi", [Row("with the efficiency of the table", campaigns, 800, 0.02)],
                "The efficiency of the table was itself taken from these campaigns, so this row shows that it is used and not that it is right."),
        Section("Generators, growth", "Roberts et al. 2025 (PMC12311066); half-lives of the textbook", "1",
                [Row("212Pb of 224Ra after 16.5 h, of the activity at the start", ingrown_Bq(at, lead, 16.5 * _HOUR), 0.610, 0.005), Row("213Bi after one half-life of 45.6 min", ingrown_Bq(1.0, bismuth, 45.6 * 60), 0.5, 0.01),
                 Row("99mTc at equilibrium, of the 99Mo", ingrown_Bq(1.0, technetium, 60 * _HOUR), 0.965, 0.003)]),
        Section("Generators, 99Mo in the eluate", "US NRC, 10 CFR 35.204: 0.15 uCi/mCi at administration; half-lives of 65.94 h and 6.01 h", "h", [Row("from half of the limit to the limit", doubled / _HOUR, 1 / (1 / 6.01 - 1 / 65.94), 0.01)]),
    ]  # fmt: skip


def manufacture() -> list[Section]:
    """Labels, the clock of actinium, and 243 batches."""
    volumes = []
    for name, volume, hours in (("Pluvicto", 12.5, 120.0), ("Pluvicto", 7.5, 3.1), ("Lutathera", 25.0, 51.4), ("Lutathera", 20.5, 5.7)):
        c = product_label(name).concentration_Bq_mL
        assert c is not None
        volumes.append(Row(f"{name}, {volume:g} mL: hours after calibration", elapsed_at_volume_s("Lu-177", c, 7.4e9, volume) / _HOUR, hours, 0.03))
        volumes.append(Row(f"{name}, mL at {hours:g} h", dose_volume_mL("Lu-177", c, 7.4e9, hours * _HOUR), volume, 0.01))
    ideal = Process("ideal", "Lu-177", 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 432000.0, "none")
    needed = start_for_doses_Bq(ideal, [Dose("p", 7.4e9, 120 * _HOUR)]) / 1e9
    clock = [
        Row("within 3 % through 213Bi, h", earliest_reading_s("Ac-225", "Bi-213", 0.03) / _HOUR, 4.0, 0.05),
        Row("read through 221Fr after six half-lives (29 min), %", 100 * float(shown_fraction("Ac-225", "Fr-221", 6 * 4.9 * 60)), 100 * (1 - 2**-6), 0.005),
    ]
    p = process("18F-rhPSMA-7")
    batch = fill(p, 89e9, Product(17.7, ligand_nmol=150.0))
    back = math.exp(nuclide("F-18").decay_constant_per_s * (batch.release_s - p.synthesis_s))
    made = sum(batch.ledger_Bq[k] for k in ("doses", "stock", "residue", "samples")) * back / 1e9
    assert batch.vial is not None
    low, high = success_interval(243, 3)
    return [
        Section("Manufacture, volumes that hold 7.4 GBq of 177Lu", "labels: Pluvicto 1000 MBq/mL, 7.5 to 12.5 mL, 120 h; Lutathera 370 MBq/mL, 20.5 to 25 mL; hours other than 120 follow from these and 6.65 d", "unit of the row", volumes),
        Section("Manufacture, activity at calibration for 7.4 GBq at 120 h", "12.5 mL of 1000 MBq/mL (label of Pluvicto)", "GBq", [Row("one dose, nothing lost", needed, 12.5, 0.01)]),
        Section("Manufacture, the clock of 225Ac", "the usual rule, from about 4 h (5 half-lives of 213Bi); PMC8153125: six half-lives of 221Fr", "unit of the row", clock),
        Section("Manufacture, 243 batches of [18F]rhPSMA-7", "doi:10.1186/s41181-021-00120-5, table 2", "unit of the row",
                [Row("product of 89 GBq, GBq", made, 43.6, 0.01), Row("molar activity, GBq/umol", batch.vial.activity_Bq * back / batch.vial.ligand_nmol * 1e-6, 290.9, 0.01),
                 Row("concentration in 17.7 mL, MBq/mL", batch.concentration_Bq_mL * back / 1e6, 2410, 0.03), Row("batches that succeed, %", 100 * p.success, 98.8, 0.001)],
                f"The yield of 49.2 % is not corrected for decay. Of 243 batches 3 failed: {100 * low:.1f} to {100 * high:.1f} % at 95 %."),
    ]  # fmt: skip


def transport() -> list[Section]:
    """What a package may hold, and dose rates from nuclides."""
    rows = []
    for name, exposure, tolerance in (("F-18", 5.7, 0.01), ("I-131", 2.20, 0.01), ("Lu-177", 0.181, 0.01), ("Tc-99m", 0.795, 0.03)):
        rows.append(Row(name, dose_rate_constant_uSv_m2_per_MBq_h(name, progeny=False, bremsstrahlung=False, quantity="air kerma", cut_MeV=0.015), exposure * _UGY_PER_R_CM2_MCI, tolerance))
    return [
        Section("Transport, most in a Type A package", "A2: 0.7 TBq of 177Lu (IAEA SSR-6 Rev. 1, table 2), 6 GBq of 225Ac (49 CFR 173.435)", "GBq",
                [Row("177Lu", package({"Lu-177": 7.4e9}).largest_type_A_Bq / 1e9, 700, 0.0), Row("225Ac", package({"Ac-225": 0.1e9}).largest_type_A_Bq / 1e9, 6, 0.0)]),
        Section("Transport, dose-rate constants", "Smith and Stabin 2012, Health Phys. 102, 271, doi:10.1097/HP.0b013e318235153a, photons from 15 keV, 8.76 mGy/R", "uGy m2/(MBq h)", rows),
    ]  # fmt: skip


def nation() -> list[Section]:
    """Doses from one reactor, and from the world's actinium."""
    lutetium = [
        Row(f"{days} d on the way, {100 * left:g} % left besides", treatable(Output("reactor", "Lu-177", known(370e12), known(days * _DAY), {"yield": known(left)}, known(7.4e9), known(6))).doses, doses, 0.05)
        for days, left, doses in ((5, 0.75, 22_000), (7, 0.70, 17_000), (10, 0.65, 11_000))
    ]
    world = treatable(Output("world", "Ac-225", Range(44.4e9, 62.9e9), Range(3 * _DAY, 10 * _DAY), {"left": Range(0.5, 0.9)}, Range(6e6, 10e6), known(2)))
    return [
        Section("Nation, doses of 7.4 GBq from 370 TBq of 177Lu a year", "output: one reactor, 10 000 Ci a year (press, 2024); doses worked out once elsewhere, two digits", "doses a year", lutetium),
        Section("Nation, the world's 225Ac", "1.2 to 1.7 Ci a year (Robertson et al. 2018), about 2000 patient doses a year (cmie.ca)", "doses a year", [Row("mean", world.doses, 2000, 1.0)],
                f"From 5 to 95 %: {world.doses_5_95[0]:.0f} to {world.doses_5_95[1]:.0f} doses, with 3 to 10 d, 50 to 90 % left besides and 6 to 10 MBq a dose; none of these ranges is published with the output, so a factor of two is all that can be asked."),
    ]  # fmt: skip


def sections() -> list[Section]:
    """All comparisons of supply but those of plans."""
    return [*reactor(), *generators(), *manufacture(), *transport(), *nation()]
