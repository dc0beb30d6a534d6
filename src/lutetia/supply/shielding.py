"""Dose rate outside a shield: a point source at the centre of a package, its photons and the bremsstrahlung of its betas.

The dose rate at a distance r is

    dH/dt = A sum_i y_i h(E_i) B(E_i, x_i) exp(-x_i) / (4 pi r^2),   x_i = sum over shields of mu(E_i) t,

with y_i photons per decay of the nuclide and its chain in equilibrium, h the ambient dose equivalent H*(10) per
fluence (ICRP Publication 74), mu without coherent scattering (XCOM, doi 10.18434/T48G6X) and B the build-up of an
infinite medium (table ``shield_buildup``), the largest among the materials in the way. Not counted: attenuation in the
source, its vial, the packaging and the air (the true rate is lower); betas, which a vial and a shield stop;
bremsstrahlung is that of water, which for betas that reach lead directly is too little.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence

import numpy as np

from ..core import BadInput, near_matches
from ..data import table
from ..nuclides import equilibrium_chain
from ..nuclides import nuclide as find
from ..transport.bremsstrahlung import bremsstrahlung_lines
from ..transport.photon_data import photon_coefficients

#: Photons below leave no package: a millimetre of plastic and glass takes them.
CUT_MEV = 0.02
#: Photons that published exposure constants count from (Smith and Stabin 2012).
_PUBLISHED_CUT_MEV = 0.015
_WATER_DENSITY_G_ML = 1.0
#: Column of the depth of 4 in the table of build-up, which ends at 8.
_FOUR = -5
#: Air kerma in uGy m2/(MBq h) of 1 R cm2/(mCi h): 8.76 mGy per roentgen, 37 MBq per mCi, 1e-4 m2.
_UGY_PER_EXPOSURE = 8.76e3 / 37.0 * 1e-4
_SAME = {"steel": "iron", "pb": "lead", "w": "tungsten", "fe": "iron"}


def shields() -> tuple[str, ...]:
    """Materials that a shield may be of.

    >>> shields()
    ('iron', 'lead', 'tungsten', 'water')
    """
    return tuple(sorted({*table("shield_attenuation")["material"].tolist(), "water"}))


def shield_name(text: str) -> str:
    """The name of a material as the tables have it; steel counts as iron.

    Raises
    ------
    BadInput
        No such material.

    >>> shield_name("Steel")
    'iron'
    """
    name = _SAME.get(text.strip().lower(), text.strip().lower())
    if name not in shields():
        raise BadInput(f"There is no shield of {text!r}; give one of {', '.join(shields())}.{near_matches(text, [*shields(), 'steel'])}")
    return name


def attenuation_parts(material: str, energy_MeV: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear attenuation in 1/cm by Compton scattering, photoelectric absorption and pair production; shapes of `energy_MeV`.

    Lead at 0.5 MeV: NIST SRD 126 gives 0.1614 cm2/g with coherent scattering (about 0.018), times 11.35 g/mL:

    >>> 1.5 < sum(float(p) for p in attenuation_parts("lead", np.array(0.5))) < 1.84
    True
    """
    e = np.asarray(energy_MeV, float)
    if material == "water":
        c = photon_coefficients("water", e)
        return c.incoherent * _WATER_DENSITY_G_ML, c.photoelectric * _WATER_DENSITY_G_ML, c.pair * _WATER_DENSITY_G_ML
    rows = table("shield_attenuation").where("material", material)
    density, grid = float(rows["density_g_mL"][0]), rows["energy_MeV"]
    # At an edge two rows share an energy: moved apart, so that the jump stays a jump.
    log_grid = np.log(grid) + 1e-9 * np.concatenate([[0.0], np.diff(grid) == 0])
    log_e = np.log(e)
    compton = np.exp(np.interp(log_e, log_grid, np.log(rows["incoherent_cm2_g"])))
    photo = np.exp(np.interp(log_e, log_grid, np.log(rows["photoelectric_cm2_g"])))
    return compton * density, photo * density, np.interp(log_e, log_grid, rows["pair_cm2_g"]) * density


def buildup(material: str, energy_MeV: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Build-up factor of ambient dose equivalent after `depth` mean free paths; both arguments of one shape (n,).

    Linear in the logarithm of the energy and in the depth; beyond 8 mean free paths carried on at the mean slope
    between 4 and 8. Energies below 0.03 and above 3 MeV get the factors of those.

    >>> b = [float(buildup(m, np.array([0.5]), np.array([2.0]))[0]) for m in ("lead", "iron", "water")]
    >>> b == sorted(b)  # heavier materials absorb what they scatter
    True
    """
    energies, depths, values = _buildup_grid(material)
    log_e = np.clip(np.log(np.asarray(energy_MeV, float)), energies[0], energies[-1])
    row = np.clip(np.searchsorted(energies, log_e) - 1, 0, len(energies) - 2)
    f = (log_e - energies[row]) / (energies[row + 1] - energies[row])
    x = np.asarray(depth, float)
    column = np.clip(np.searchsorted(depths, x) - 1, 0, len(depths) - 2)
    g = np.minimum((x - depths[column]) / (depths[column + 1] - depths[column]), 1.0)
    at = [(1 - g) * values[r, column] + g * values[r, column + 1] for r in (row, row + 1)]
    slope = np.maximum((1 - f) * values[row, -1] + f * values[row + 1, -1] - (1 - f) * values[row, _FOUR] - f * values[row + 1, _FOUR], 0.0) / 4.0
    return (1 - f) * at[0] + f * at[1] + np.maximum(x - depths[-1], 0.0) * slope


@functools.cache
def _buildup_grid(material: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rows = table("shield_buildup").where("material", material)
    depths = np.unique(rows["depth_mfp"])
    values = rows["buildup"].reshape(-1, len(depths))
    return np.log(rows["energy_MeV"][:: len(depths)]), np.concatenate([[0.0], depths]), np.hstack([np.ones((len(values), 1)), values])


def ambient_pSv_cm2(energy_MeV: np.ndarray) -> np.ndarray:
    """Ambient dose equivalent H*(10) per fluence in pSv cm2 (ICRP Publication 74, 1996), log-log interpolation.

    >>> float(ambient_pSv_cm2(np.array(1.0)).round(2))
    5.2
    """
    t = table("photon_ambient_dose")
    return np.exp(np.interp(np.log(energy_MeV), np.log(t["energy_MeV"]), np.log(t["ambient_pSv_cm2"])))


def _air_kerma_pGy_cm2(energy_MeV: np.ndarray) -> np.ndarray:
    t = table("photon_ambient_dose")
    muen = np.exp(np.interp(np.log(energy_MeV), np.log(t["energy_MeV"]), np.log(t["air_muen_cm2_g"])))
    return energy_MeV * muen * 160.2176634  # MeV/g to pGy


@functools.lru_cache(maxsize=256)
def source_photons(name: str, *, progeny: bool = True, bremsstrahlung: bool = True, cut_MeV: float = CUT_MEV) -> tuple[np.ndarray, np.ndarray]:
    """Photons above `cut_MeV` per decay of the parent: energies in MeV and numbers, of shape (n,).

    With `progeny` the chain in equilibrium stands at its activity relative to the parent's,
    lambda_d / (lambda_d - lambda_p) times the branching at each step (transient equilibrium).

    One annihilation pair for each of the 0.967 positrons of 18F (ICRP Publication 107):

    >>> e, n = source_photons("F-18", bremsstrahlung=False)
    >>> round(float(n.sum()), 3)
    1.935
    """
    parent = find(name)
    activity = {parent.name: 1.0}
    members = [m.nuclide for m in equilibrium_chain(parent)] if progeny else [parent]
    for n in members:  # parents come before daughters
        if n.name != parent.name:
            activity[n.name] *= n.decay_constant_per_s / (n.decay_constant_per_s - parent.decay_constant_per_s)
        for daughter, fraction, _ in n.daughters:
            activity[daughter] = activity.get(daughter, 0.0) + fraction * activity[n.name]
    energies, numbers = [np.empty(0)], [np.empty(0)]
    for n in members:
        for lines in (n.lines["photon"], *([bremsstrahlung_lines(n)] if bremsstrahlung else [])):
            keep = lines.energy_MeV >= cut_MeV
            energies.append(lines.energy_MeV[keep])
            numbers.append(lines.per_decay[keep] * activity[n.name])
    e, y = np.concatenate(energies), np.concatenate(numbers)
    e.flags.writeable = y.flags.writeable = False
    return e, y


def dose_rate_constant_uSv_m2_per_MBq_h(
    name: str, *, progeny: bool = True, bremsstrahlung: bool = True, quantity: str = "ambient", cut_MeV: float = CUT_MEV
) -> float:
    """Dose rate at 1 m from 1 MBq without shield: H*(10) in uSv, or air kerma in uGy with ``quantity="air kerma"``.

    Smith and Stabin 2012, doi 10.1097/HP.0b013e318235153a, give 5.7 R cm2/(mCi h) for 18F, 0.135 uGy m2/(MBq h):

    >>> round(dose_rate_constant_uSv_m2_per_MBq_h("F-18", bremsstrahlung=False, quantity="air kerma"), 3)
    0.135
    """
    e, y = source_photons(find(name).name, progeny=progeny, bremsstrahlung=bremsstrahlung, cut_MeV=cut_MeV)
    response = ambient_pSv_cm2(e) if quantity == "ambient" else _air_kerma_pGy_cm2(e)
    # 1 MBq in an hour: 3.6e9 decays; 4 pi (100 cm)^2; pSv to uSv.
    return float(y @ response) * 3.6e9 / (4 * math.pi * 1e4) * 1e-6


def published_constants(names: Iterable[str]) -> list[dict[str, float | str | None]]:
    """Dose rate constants of each nuclide, and the published one where there is one.

    ``air_kerma_uGy_m2_per_MBq_h`` is of the nuclide alone without bremsstrahlung and with
    photons from 15 keV, as exposure constants are;
    ``published_air_kerma_uGy_m2_per_MBq_h`` is 0.0237 times the exposure constant in R cm2/(mCi h).

    >>> row = published_constants(["Lu-177"])[0]
    >>> round(row["published_air_kerma_uGy_m2_per_MBq_h"], 5)  # 0.181 R cm2/(mCi h)
    0.00429
    """
    out: list[dict[str, float | str | None]] = []
    for name in names:
        rows = table("dose_rate_constants").where("nuclide", find(name).name)
        known = len(rows["nuclide"]) > 0
        out.append({
            "nuclide": find(name).name,
            "ambient_uSv_m2_per_MBq_h": dose_rate_constant_uSv_m2_per_MBq_h(name),
            "air_kerma_uGy_m2_per_MBq_h": dose_rate_constant_uSv_m2_per_MBq_h(name, progeny=False, bremsstrahlung=False, quantity="air kerma", cut_MeV=_PUBLISHED_CUT_MEV),
            "published_air_kerma_uGy_m2_per_MBq_h": _UGY_PER_EXPOSURE * float(rows["exposure_R_cm2_per_mCi_h"][0]) if known else None,
            "source": str(rows["source"][0]) if known else None,
        })  # fmt: skip
    return out


@functools.lru_cache(maxsize=4096)
def dose_per_decay_Sv_cm2(name: str, shield: tuple[tuple[str, float], ...], with_buildup: bool = True) -> float:
    """H*(10) per decay at a distance, times the square of the distance in cm, behind `shield`.

    Parameters
    ----------
    name : str
        Nuclide; its chain in equilibrium and its bremsstrahlung are counted.
    shield : tuple of (str, float)
        Materials and thicknesses in cm, from the inside out; () for none.
    with_buildup : bool
        Without it, only photons that met nothing: a lower bound.

    Raises
    ------
    BadInput
        Unknown material, or a thickness that is negative or not finite.
    """
    e, y = source_photons(find(name).name)
    if not e.size:
        return 0.0
    layers = [(shield_name(m), _thickness(m, t)) for m, t in shield]
    depth = sum((np.sum(attenuation_parts(m, e), axis=0) * t for m, t in layers), np.zeros(e.shape))
    factor = np.ones(e.shape)
    if with_buildup and layers:
        factor = np.max([buildup(m, e, depth) for m, t in layers if t > 0] or [factor], axis=0)
    return float((y * ambient_pSv_cm2(e) * factor) @ np.exp(-depth)) * 1e-12 / (4 * math.pi)


def dose_rate_mSv_per_h(name: str, activity_Bq: float, shield: Sequence[tuple[str, float]], distance_cm: float, *, with_buildup: bool = True) -> float:
    """Dose rate H*(10) in mSv/h at `distance_cm` from a point source behind `shield`.

    >>> bare, behind = (dose_rate_mSv_per_h("F-18", 1e9, s, 100.0) for s in ((), (("lead", 1.0),)))
    >>> bool(0.2 < behind / bare < 0.35)  # AAPM Task Group 108, doi 10.1118/1.2135911: about a quarter
    True
    """
    per_decay = dose_per_decay_Sv_cm2(find(name).name, tuple((m, float(t)) for m, t in shield), with_buildup)
    return activity_Bq * per_decay * 3600.0 * 1e3 / distance_cm**2


def _thickness(material: str, cm: float) -> float:
    if not (math.isfinite(cm) and cm >= 0):
        raise BadInput(f"A shield of {material} {cm:g} cm thick was given; a thickness is zero or more.")
    return cm
