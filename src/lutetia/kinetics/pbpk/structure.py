"""A body from a patient and a parameter set: compartments, flows, receptors, and the system of equations they make.

Plasma leaves the lungs by the arteries and comes back by the veins; spleen and gut drain into the liver. A tissue is vascular
plasma, interstitium, and, with receptors, ligand bound and inside its cells. The kidney filters: its receptors face the tubule,
from which ligand goes to the urine or, a small part, through the cells back to the plasma. Released ligand is degraded and out
of the model (``release="degraded"``, as the models of the table take it) or goes back to the interstitium (``release="intact"``).

Every flow that enters a compartment leaves it: lungs, arteries and veins carry the flow of the tumours as well.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ...core import BadInput
from ...data import table
from .binding import Binding, add_binding, bound_states, check_binding, ligand_states
from .carriers import TIGHT, Albumin, LargeMolecule, body_lymph
from .parameters import RECEPTOR_OF, ParameterSet
from .patient import Patient, Tumour, Value, check_patient
from .system import Builder, System

#: The order of states, without tumours, which come first.
_RECEPTOR = ("kidney", "parotid", "submandibular", "lacrimal", "spleen", "liver", "prostate", "gi")
_OTHER = ("lungs", "muscle", "skin", "adipose", "bone", "heart", "red marrow", "rest")
INJECTION, URINE, DEGRADED = "blood.venous", "urine", "degraded"


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """A body of one patient or of many.

    Attributes
    ----------
    system : System
    regions : mapping of str to tuple of str
        States of each region.
    mass_kg : mapping of str to float or ndarray
        Of each region; a litre of an organ is a kilogram, as in the models.
    sites_nmol : mapping of str to ndarray
        Receptors of each region that has them.
    taken : mapping of str to tuple of str
        States that hold them.
    compact : tuple of str
        Regions for which the self-dose of a sphere of their mass stands.
    """

    system: System
    regions: Mapping[str, tuple[str, ...]]
    mass_kg: Mapping[str, Value]
    sites_nmol: Mapping[str, Value]
    taken: Mapping[str, tuple[str, ...]]
    compact: tuple[str, ...]


@functools.cache
def _organs() -> dict[str, dict[str, Any]]:
    t = table("pbpk_organs")
    return {str(t["organ"][i]): {k: v[i] for k, v in t.columns.items()} for i in range(len(t["organ"]))}


@functools.cache
def _constants() -> dict[str, float]:
    t = table("pbpk_body")
    return {str(n): float(v) for n, v in zip(t["name"], t["value"])}


def _given(x: Any) -> bool:
    return bool(np.isfinite(x))


def build_body(
    patient: Patient,
    parameters: ParameterSet,
    *,
    binding: Binding = None,
    unbound_fraction: Value = 1.0,
    release: Literal["degraded", "intact"] = "degraded",
    albumin: Albumin | None = None,
    large: LargeMolecule | None = None,
) -> Body:
    """Assemble the body and its equations.

    Parameters
    ----------
    patient : Patient
        Numbers, or arrays of one length for many patients.
    parameters : ParameterSet
    binding : Covalent or DualTarget, optional
        Default: reversible, internalising.
    unbound_fraction : float
        Share of the ligand in plasma that is not held by albumin and can leave the vessels and be filtered. Albumin (about
        600 umol/L) is in excess of any ligand and exchanges within seconds, so that a share stands for it. It is not part of
        any set here: their `filtered_fraction` was found with what is bound counted in.
    release : {"degraded", "intact"}
    albumin : Albumin, optional
        Rates in place of a share; not with an unbound fraction.
    large : LargeMolecule, optional
        A molecule that only lymph takes through tissues and that no kidney filters. Kidneys, which have no interstitium in this body, then hold what is in their
        plasma; their receptors face the tubule and are not reached.

    Returns
    -------
    Body

    Raises
    ------
    BadInput
        A value that no patient has, organs heavier than the body, more plasma in the organs than there is.

    The plasma flow of a body surface of 1.98 m2 is 1.23 x 2.8 x 0.6 x 1.98 L/min (Fele-Paranj et al. 2024,
    doi:10.1186/s41181-023-00236-w), and three tumours of 320 mL take 0.096 L/min more through the veins (0.7484 L):

    >>> from lutetia.kinetics.pbpk import Patient, parameter_set
    >>> s = build_body(Patient(), parameter_set("PSMA-617-KD1")).system
    >>> len(s.states), round(float(s.matrix()[s.index("lungs.vascular"), s.index("blood.venous")]), 5)
    (66, 5.59493)
    """
    check_patient(patient)
    check_binding(binding, (*(t.name for t in patient.tumours), *_RECEPTOR))
    fu = np.asarray(unbound_fraction, float)
    if not np.all(np.isfinite(fu)) or np.any(fu <= 0) or np.any(fu > 1):
        raise BadInput(f"The unbound fraction in plasma is {float(fu.min()):.4g}; give a share above 0, at most 1.")
    if albumin is not None and (np.any(fu < 1) or large is not None):
        raise BadInput("Albumin by rates, an unbound fraction and a large molecule exclude one another; give one of them.")
    return _Assembly(patient, parameters, binding, fu, release, albumin, large).body()


class _Assembly:
    """Measures every compartment of a patient, then connects them."""

    organ_names = (*_RECEPTOR, *_OTHER, "brain")

    def __init__(
        self, patient: Patient, p: ParameterSet, binding: Binding, fu: np.ndarray, release: str, albumin: Albumin | None, large: LargeMolecule | None
    ) -> None:
        self.patient, self.p, self.binding, self.fu, self.release, self.albumin, self.large = patient, p, binding, fu, release, albumin, large
        self.b = Builder()
        constants = _constants()
        self.plasma_L = constants["blood_per_bsa"] * self.plasma_of_blood * np.asarray(patient.bsa_m2, float)
        self.flow = constants["plasma_turnover"] * self.plasma_L
        self.volume: dict[str, np.ndarray] = {}
        self.vascular: dict[str, np.ndarray] = {}
        self.q: dict[str, np.ndarray] = {}
        for o in self.organ_names:
            if o != "rest":
                self._measure(o)
        for t in patient.tumours:
            self._measure_tumour(t)
        self._measure_rest()

    @property
    def plasma_of_blood(self) -> np.ndarray:
        return 1 - np.asarray(self.patient.haematocrit, float)

    def _row(self, region: str) -> dict[str, Any]:
        return _organs()[region if region in self.organ_names else "tumour"]

    def _measure(self, o: str) -> None:
        r = self._row(o)
        scale = np.asarray(self.patient.weight_kg, float) / _constants()["organ_reference_weight"]
        v = np.asarray(self.p[str(r["volume_parameter"])], float) if r["volume_parameter"] else r["volume_L_at_71kg"] * scale
        self.volume[o] = v
        self.vascular[o] = r["plasma_share"] * self.plasma_L if _given(r["plasma_share"]) else self._of_blood(r["vascular_share"] * v, r["vascular_of_blood"])
        if o in ("parotid", "submandibular", "lacrimal"):
            self.q[o] = np.asarray(self.p["salivary_flow"], float) * v
        elif _given(r["flow_mL_min_g"]):
            self.q[o] = self._of_blood(r["flow_mL_min_g"] * v, r["flow_of_blood"])
        elif _given(r["flow_share"]):
            self.q[o] = r["flow_share"] * self.flow

    def _of_blood(self, x: np.ndarray, is_blood: float) -> np.ndarray:
        return x * self.plasma_of_blood if is_blood == 1 else x

    def _measure_tumour(self, t: Tumour) -> None:
        if t.name in self.volume or t.name in ("blood", URINE, DEGRADED, "rest"):
            raise BadInput(f"A tumour is named {t.name!r}, which is an organ of the model; give it another name.")
        v = np.asarray(t.volume_mL, float) / 1000
        self.volume[t.name] = v
        self.vascular[t.name] = self._of_blood(self._row(t.name)["vascular_share"] * v, 1)
        per_g = self.p["tumour_flow"] if t.flow_mL_min_g is None else t.flow_mL_min_g
        self.q[t.name] = np.asarray(per_g, float) * v * t.density_g_mL

    def _measure_rest(self) -> None:
        weight = np.asarray(self.patient.weight_kg, float)
        self.volume["rest"] = weight - sum(self.volume.values())
        share = np.asarray(self.p["rest_plasma_share"], float)
        c = _constants()
        left = self.plasma_L * (1 - c["arterial_share"] - c["venous_share"]) - sum(self.vascular.values())
        self.vascular["rest"] = np.where(np.isfinite(share), share * self.plasma_L, left)
        tumours = {t.name for t in self.patient.tumours}
        self.q["rest"] = self.flow - sum(q for o, q in self.q.items() if o not in tumours)
        for what, x in (("volume", self.volume), ("plasma", self.vascular), ("plasma flow", self.q)):
            if np.any(x["rest"] <= 0):
                raise BadInput(f"The organs and tumours of the patient take more than the whole {what} of the body; check weight, body surface and volumes.")

    def _ps(self, region: str) -> np.ndarray:
        """Permeability x surface, L/min."""
        if region in ("parotid", "submandibular", "lacrimal"):
            per_g: Any = self.p["salivary_ps"]
        else:
            per_g = self.p["tumour_ps"] if region not in self.organ_names else self._row(region)["ps_mL_min_g"]
        density = next((t.density_g_mL for t in self.patient.tumours if t.name == region), 1.0)
        return np.asarray(per_g, float) * self.volume[region] * density

    def body(self) -> Body:
        b, c = self.b, _constants()
        venous, arterial = b.state("blood.venous"), b.state("blood.arterial")
        artery_L, vein_L = c["arterial_share"] * self.plasma_L, c["venous_share"] * self.plasma_L
        self.degraded = b.state(DEGRADED)
        with_receptors = [*(t.name for t in self.patient.tumours), *_RECEPTOR]
        sites = {o: self._sites(o) for o in with_receptors}
        for o in with_receptors:
            self._tissue(o, sites[o])
        for o in _OTHER:
            self._tissue(o, None)
        b.state("brain.vascular")
        b.state("kidney.cells")
        b.state(URINE)
        whole = self.flow + sum(self.q[t.name] for t in self.patient.tumours)
        if self.albumin is not None:
            for x in self._plasma_states():
                b.state(f"{x}.albumin")
                b.transfer(x, f"{x}.albumin", self.albumin.on_per_min)
                b.transfer(f"{x}.albumin", x, self.albumin.off_per_min)
        self._flow(venous, "lungs.vascular", whole / vein_L)
        self._flow("lungs.vascular", arterial, whole / self.vascular["lungs"])
        for o in [*with_receptors, *(x for x in _OTHER if x != "lungs"), "brain"]:
            self._flow(arterial, f"{o}.vascular", self.q[o] / artery_L)
            drains = str(self._row(o)["drains_to"])
            through = self.q[o] + (self.q["spleen"] + self.q["gi"] if o == "liver" else 0.0)
            self._flow(f"{o}.vascular", f"{drains}.vascular" if drains else venous, through / self.vascular[o])
        if self.large is None:
            self._exchange(with_receptors)
        else:
            self._lymph(self.large, with_receptors, vein_L)
        regions = {o: self._states_of(o) for o in with_receptors}
        regions |= {o: (*self._vascular(o), f"{o}.interstitial") for o in _OTHER}
        regions |= {"brain": self._vascular("brain"), "blood": tuple(x for s in (venous, arterial) for x in self._with_albumin(s))}
        mass = {o: self.volume[o] for o in self.organ_names}
        mass |= {t.name: np.asarray(t.volume_mL, float) / 1000 * t.density_g_mL for t in self.patient.tumours}
        mass["blood"] = artery_L + vein_L
        compact = tuple(o for o in regions if o != "blood" and self._row(o)["compact"] == 1)
        return Body(b.build(), regions, mass, sites, {o: tuple(bound_states(o, self.binding)) for o in with_receptors}, compact)

    def _plasma_states(self) -> list[str]:
        return ["blood.venous", "blood.arterial", *(f"{o}.vascular" for o in (*(t.name for t in self.patient.tumours), *_RECEPTOR, *_OTHER, "brain"))]

    def _with_albumin(self, state: str) -> tuple[str, ...]:
        return (state, f"{state}.albumin") if self.albumin else (state,)

    def _vascular(self, region: str) -> tuple[str, ...]:
        return self._with_albumin(f"{region}.vascular")

    def _flow(self, source: str, to: str, per_min: Any) -> None:
        """Plasma moves, with what albumin holds in it."""
        for a, b in zip(self._with_albumin(source), self._with_albumin(to)):
            self.b.transfer(a, b, per_min)

    def _sites(self, region: str) -> np.ndarray:
        """Receptors of a region, nmol."""
        tumour = next((t for t in self.patient.tumours if t.name == region), None)
        if tumour is not None and tumour.receptor_nmol_L is not None:
            density: Any = tumour.receptor_nmol_L
        else:
            density = self.p["receptor_" + (RECEPTOR_OF[region] if tumour is None else "tumour")]
        return np.asarray(density, float) * self.volume[region]

    def _outside(self, region: str) -> str:
        """Where receptors meet free ligand."""
        return "kidney.tubule" if region == "kidney" else f"{region}.interstitial"

    def _interstitial_L(self, region: str) -> np.ndarray:
        r = self._row(region)
        return r["interstitial_per_vascular"] * self.vascular[region] if _given(r["interstitial_per_vascular"]) else r["interstitial_share"] * self.volume[region]

    def _tissue(self, region: str, sites: np.ndarray | None) -> None:
        b, p = self.b, self.p
        b.state(f"{region}.vascular")
        free = b.state(self._outside(region))
        if sites is None:
            return
        kind = "salivary" if RECEPTOR_OF.get(region) == "salivary" else region if region == "kidney" else "other" if region in _RECEPTOR else "tumour"
        inside = b.state(f"{region}.internalised")
        add_binding(
            b, region, free=free, inside=inside, volume_L=self._interstitial_L(region), sites_nmol=sites,
            kon=p["kon"], koff=p["koff"], internalisation=p["internalisation"], binding=self.binding,
        )  # fmt: skip
        b.transfer(inside, free if self.release == "intact" else self.degraded, p[f"release_{kind}"])

    def _states_of(self, region: str) -> tuple[str, ...]:
        extra = ("kidney.cells",) if region == "kidney" else ()
        return (*self._vascular(region), self._outside(region), *ligand_states(region, self.binding), f"{region}.internalised", *extra)

    def _exchange(self, with_receptors: list[str]) -> None:
        b = self.b
        for o in [*with_receptors, *_OTHER]:
            if o == "kidney":
                continue
            ps = self._ps(o)
            b.transfer(f"{o}.vascular", f"{o}.interstitial", self.fu * ps / self.vascular[o])
            b.transfer(f"{o}.interstitial", f"{o}.vascular", ps / self._interstitial_L(o))
        filtered = np.asarray(self.patient.gfr_mL_min, float) / 1000 * self.p["filtered_fraction"]
        out = np.asarray(self.p["excreted_fraction"], float)
        b.transfer("kidney.vascular", "kidney.tubule", self.fu * filtered / self.vascular["kidney"])
        b.transfer("kidney.tubule", URINE, filtered * out / self._interstitial_L("kidney"))
        b.transfer("kidney.tubule", "kidney.cells", filtered * (1 - out) / self._interstitial_L("kidney"))
        b.transfer("kidney.cells", "kidney.vascular", filtered * (1 - out) / (_constants()["kidney_cell_share"] * self.volume["kidney"]))

    def _lymph(self, large: LargeMolecule, with_receptors: list[str], vein_L: np.ndarray) -> None:
        """Convection through the tissues and back to the veins, and catabolism."""
        flow, tight_share, back = body_lymph()
        tissues = [o for o in (*with_receptors, *_OTHER) if o != "kidney"]
        for group, sigma, share in (
            ([o for o in tissues if o in TIGHT], large.sigma_tight, tight_share), ([o for o in tissues if o not in TIGHT], large.sigma_leaky, 1 - tight_share),
        ):  # fmt: skip
            whole = sum(self._interstitial_L(o) for o in group)
            for o in group:
                volume = self._interstitial_L(o)
                lymph = flow * share * volume / whole
                self.b.transfer(f"{o}.vascular", f"{o}.interstitial", lymph * (1 - np.asarray(sigma, float)) / self.vascular[o])
                self.b.transfer(f"{o}.interstitial", INJECTION, lymph * (1 - back) / volume)
        for t in self.patient.tumours:
            ps = np.asarray(large.tumour_ps_mL_min_g, float) * self.volume[t.name] * t.density_g_mL
            self.b.transfer(f"{t.name}.vascular", f"{t.name}.interstitial", ps / self.vascular[t.name])
            self.b.transfer(f"{t.name}.interstitial", f"{t.name}.vascular", ps / self._interstitial_L(t.name))
        self.b.transfer(INJECTION, self.degraded, np.asarray(large.clearance_L_per_h, float) / 60 / vein_L)
