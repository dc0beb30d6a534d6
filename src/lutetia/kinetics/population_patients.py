"""Records of the published population models, and patients of them: the typical one, and virtual ones.

What they do after an injection is in `population_models`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from ..core import BadInput, near_matches, stream
from ..data import table

# Agent, nuclide, source, tissues, number of patients. The numbers stand in the table ``popk_models``.
_MODELS: dict[str, tuple[str, str, str, tuple[str, ...], int]] = {
    "PSMA-617-Siebinga-2023": ("177Lu-PSMA-617", "Lu-177", "doi:10.1002/psp4.12914", ("salivary_glands", "kidneys", "liver", "tumours", "rest"), 10),
    "PSMA-I&T-Siebinga-2024": ("177Lu-PSMA-I&T", "Lu-177", "doi:10.1186/s40658-024-00642-2", ("salivary_glands", "kidneys", "tumours", "rest"), 76),
    "HA-DOTATATE-68Ga-Siebinga-2023": ("68Ga-HA-DOTATATE", "Ga-68", "doi:10.1186/s40658-023-00565-4", ("spleen", "kidneys", "tumours", "receptor_organs", "rest"), 9),
    "HA-DOTATATE-177Lu-Siebinga-2023": ("177Lu-HA-DOTATATE", "Lu-177", "doi:10.1186/s40658-023-00565-4", ("spleen", "kidneys", "tumours", "receptor_organs", "rest"), 9),
    "DOTATATE-blood-Sood-2026": ("177Lu-DOTATATE", "Lu-177", "doi:10.2967/jnumed.125.270202", ("rest",), 20),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PopulationModel:
    """A published model with its variability.

    Attributes
    ----------
    typical : mapping
        Values of the typical patient, rates in 1/h, volumes in L; ``capacity_`` in MBq of the model's nuclide,
        ``density_`` in nmol/L.
    log_sd, log_sd_cycle : mapping
        Standard deviation of the logarithm of a parameter between patients, and between cycles of one patient.
    correlations : tuple of (parameter, parameter, coefficient)
    covariates : mapping
        Reference value of each covariate.
    effects : tuple of (covariate, parameter, coefficient, exponential)
        A power of the covariate over its reference; where `exponential`, e to the coefficient times the volume in L.
    cycle_factors : tuple of float
        Uptake of tumours in cycles 1, 2, ... against cycle 1; the last one holds for all later cycles.
    residual_cv : mapping
        Proportional error of a measured amount.
    study_ligand_nmol : float or None
        Median ligand of the patients the model was made from, where published.
    """

    name: str
    agent: str
    nuclide: str
    source: str
    patients: int
    tissues: tuple[str, ...]
    typical: Mapping[str, float]
    log_sd: Mapping[str, float]
    log_sd_cycle: Mapping[str, float]
    correlations: tuple[tuple[str, str, float], ...]
    covariates: Mapping[str, float]
    effects: tuple[tuple[str, str, float, bool], ...]
    cycle_factors: tuple[float, ...]
    residual_cv: Mapping[str, float]
    study_ligand_nmol: float | None

    @property
    def saturates(self) -> bool:
        """Whether any uptake has a capacity."""
        return any(p.startswith(("capacity_", "density_")) for p in self.typical)

    @property
    def capacity_in_activity(self) -> bool:
        """Whether capacities are given as an activity, so that they hold at the molar activity of the study alone."""
        return any(p.startswith("capacity_") for p in self.typical)


@dataclass(frozen=True, slots=True)
class Patients:
    """Virtual patients of a model: `parameters` maps a name to values of shape (n,), `by_cycle` to factors of shape (n, cycles)."""

    model: PopulationModel
    parameters: Mapping[str, np.ndarray]
    by_cycle: Mapping[str, np.ndarray]
    cycles: int

    def __len__(self) -> int:
        return len(next(iter(self.parameters.values())))


def population_models() -> tuple[str, ...]:
    """Names of the models of kinetics.

    >>> population_models()[0]
    'PSMA-617-Siebinga-2023'
    """
    return tuple(_MODELS)


@functools.cache
def population_model(name: str) -> PopulationModel:
    """The model `name`.

    Raises
    ------
    BadInput
        There is no such model; near matches are named.

    >>> m = population_model("PSMA-I&T-Siebinga-2024")
    >>> m.typical["k_tumours"], m.cycle_factors
    (0.00967, (1.0, 0.731, 0.498, 0.436))
    """
    if name not in _MODELS:
        raise BadInput(f"population model: there is no {name!r}; choose from {', '.join(_MODELS)}.{near_matches(str(name), _MODELS)}")
    agent, nuc, source, tissues, n = _MODELS[name]
    rows = table("popk_models").where("model", name)
    kinds: dict[str, dict[str, float]] = {}
    exponential = set()
    for kind, what, value, unit in zip(rows["kind"], rows["name"], rows["value"], rows["unit"]):
        kinds.setdefault(str(kind), {})[str(what)] = float(value)
        if kind == "effect" and unit == "1/L":
            exponential.add(str(what))
    log_sd = {p: math.sqrt(math.log1p(cv**2)) for p, cv in kinds.get("iiv_cv", {}).items()} | kinds.get("iiv_log_sd", {})
    return PopulationModel(
        name, agent, nuc, source, n, tissues, MappingProxyType(kinds["typical"]), MappingProxyType(log_sd),
        MappingProxyType({p: math.sqrt(math.log1p(cv**2)) for p, cv in kinds.get("iov_cv", {}).items()}),
        tuple((*pair.split(" and "), r) for pair, r in kinds.get("iiv_correlation", {}).items()),  # type: ignore[misc]
        MappingProxyType(kinds.get("covariate", {})),
        tuple((*what.split(" on "), c, what in exponential) for what, c in kinds.get("effect", {}).items()),  # type: ignore[misc]
        tuple(kinds.get("cycle_factor", {}).values()) or (1.0,),
        MappingProxyType(kinds.get("residual_cv", {})), kinds.get("study", {}).get("ligand_nmol"),
    )  # fmt: skip


def typical(model: PopulationModel | str, *, cycles: int = 1, covariates: Mapping[str, float] | None = None) -> Patients:
    """The typical patient: no random effects.

    Parameters
    ----------
    covariates : mapping, optional
        Values that differ from the model's reference, such as ``{"tumour_volume_mL": 20.0}``.

    Raises
    ------
    BadInput
        No such model or covariate, a covariate that is not positive, a number of cycles below one.
    """
    m = population_model(model) if isinstance(model, str) else model
    return _patients(m, 1, cycles, covariates, {}, {})


def draw(model: PopulationModel | str, n: int, seed: int, *, cycles: int = 1, covariates: Mapping[str, float | Sequence[float] | np.ndarray] | None = None) -> Patients:
    """`n` virtual patients: parameters times e to a normal deviate, each parameter from its own named stream of `seed`.

    The first patients of a larger draw are those of a smaller one.

    Parameters
    ----------
    covariates : mapping, optional
        One value for all, or one for each patient.

    Raises
    ------
    BadInput
        As `typical`; a number of patients below one; not one value of a covariate for each patient.

    Coefficient of variation of the uptake of tumours of PSMA-617, 58.8 % (doi:10.1002/psp4.12914, table 2):

    >>> k = draw("PSMA-617-Siebinga-2023", 100_000, seed=1).parameters["k_tumours"]
    >>> bool(abs(np.std(k) / np.mean(k) - 0.588) < 0.01)
    True
    """
    m = population_model(model) if isinstance(model, str) else model
    if isinstance(n, bool) or not isinstance(n, int) or n < 1:
        raise BadInput(f"virtual patients: got {n!r}; give a whole number of patients, one or more.")
    _check_cycles(cycles)
    z = {p: stream(seed, m.name, "patients", p).standard_normal(n) for p in m.log_sd}
    for first, second, r in m.correlations:
        z[second] = r * z[first] + math.sqrt(1 - r * r) * z[second]
    each = {p: np.column_stack([stream(seed, m.name, "cycles", p, str(c)).standard_normal(n) for c in range(cycles)]) for p in m.log_sd_cycle}
    return _patients(m, n, cycles, covariates, z, each)


def _check_cycles(cycles: int) -> None:
    if isinstance(cycles, bool) or not isinstance(cycles, int) or cycles < 1:
        raise BadInput(f"cycles: got {cycles!r}; give a whole number of cycles, one or more.")


def _patients(m: PopulationModel, n: int, cycles: int, covariates: Mapping | None, z: Mapping, each: Mapping) -> Patients:
    _check_cycles(cycles)
    values = {c: np.full(n, v) for c, v in m.covariates.items()}
    for c, v in (covariates or {}).items():
        if c not in values:
            has = f"it knows {', '.join(values)}" if values else "it has none"
            raise BadInput(f"covariate: the model {m.name} has no {c!r}; {has}.{near_matches(str(c), values)}")
        given = np.asarray(v, float)
        if given.shape not in ((), (n,)):
            raise BadInput(f"covariate {c}: got values of shape {given.shape} for {n} patients; give one value, or one for each patient.")
        if not np.all(np.isfinite(given) & (given > 0)):
            raise BadInput(f"covariate {c}: got {v!r}; give positive values.")
        values[c] = np.broadcast_to(given, (n,))
    parameters = {p: np.full(n, v) for p, v in m.typical.items()}
    if "density_tumours" in parameters:  # a tumour's capacity grows with its volume
        parameters["volume_tumours"] = values["tumour_volume_mL"] / 1000
    for c, target, power, exponential in m.effects:
        factor = np.exp(power * values[c] / 1000) if exponential else (values[c] / m.covariates[c]) ** power
        for p in parameters:
            if p == target or target == "rates" and p.startswith(("k_", "back_")):
                parameters[p] = parameters[p] * factor
    for p, deviate in z.items():
        parameters[p] = parameters[p] * np.exp(m.log_sd[p] * deviate)
    factors = np.array([m.cycle_factors[min(c, len(m.cycle_factors) - 1)] for c in range(cycles)])
    by_cycle = {"k_tumours": np.tile(factors, (n, 1))} if "tumours" in m.tissues else {}
    for p, deviate in each.items():
        by_cycle[p] = by_cycle[p] * np.exp(m.log_sd_cycle[p] * deviate)
    return Patients(m, frozen(parameters), frozen(by_cycle), cycles)


def frozen(values: dict[str, np.ndarray]) -> Mapping[str, np.ndarray]:
    """The same with read-only arrays."""
    out = {p: np.array(v) for p, v in values.items()}
    for v in out.values():
        v.flags.writeable = False
    return MappingProxyType(out)
