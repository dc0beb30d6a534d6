"""Named sets of kinetic parameters of a ligand in a whole body, each with the model it is from."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from ...core import BadInput, near_matches
from ...data import table

#: May be zero; all others must be above it.
_MAY_VANISH = ("filtered_fraction", "excreted_fraction", "koff", "internalisation", "release_tumour", "release_kidney", "release_salivary", "release_other", "salivary_ps", "tumour_ps")
_FRACTIONS = ("filtered_fraction", "excreted_fraction", "rest_plasma_share")
#: The whole-body set of a ligand that is taken where none is named.
SET_OF_LIGAND = MappingProxyType({"PSMA-617": "PSMA-617-three-anchors", "PSMA-I&T": "PSMA-IT-Fele-Paranj-2024", "DCFPyL": "DCFPyL-Amsterdam"})
#: Receptor tissues whose density is a parameter; the three salivary and lacrimal glands share one.
RECEPTOR_OF = {
    "kidney": "kidney", "parotid": "salivary", "submandibular": "salivary", "lacrimal": "salivary", "spleen": "spleen",
    "liver": "liver", "prostate": "prostate", "gi": "gi",
}  # fmt: skip
WHAT_IS_KNOWN = MappingProxyType({
    "PSMA-IT-Fele-Paranj-2024": "The values of the model's own files, for PSMA-I&T. Nothing was fitted here. It gives the kidney, the parotid and tumours "
    "a quarter to a half of the clinical dose of 177Lu-PSMA-617.",
    "PSMA-617-Amsterdam": "The values of the model's own files, for 177Lu-PSMA-617, in a body that excretes urine, which theirs does not. Nothing was fitted here.",
    "DCFPyL-Amsterdam": "The values of the model's own files, for 18F-DCFPyL, in a body that excretes urine, which theirs does not. Nothing was fitted here.",
    "PSMA-617-KD1": "Values of both models with a dissociation constant of 1 nM. Nothing was fitted here. Of the sets without a fit it comes nearest to the clinical "
    "dose of the kidney; the parotid lies in the upper part of what was published, and the urine of the first day is too much.",
    "PSMA-617-three-anchors": "PSMA-617-KD1 with three values fitted to three means: filtration to the urine of the first day, receptors of kidney and of salivary and "
    "lacrimal glands to the dose of kidney and parotid. Nothing else was fitted; tumours come out high against means of lesions.",
})  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class ParameterSet:
    """Parameters by name (units: table ``pbpk_psma_sets``; L, nmol/L, 1/min); a value may be an array with one for each patient."""

    name: str
    values: Mapping[str, float | np.ndarray]
    note: str = ""

    def __getitem__(self, name: str) -> float | np.ndarray:
        return self.values[name]

    def with_values(self, **changes: float | np.ndarray) -> ParameterSet:
        """The set with some values replaced.

        Raises
        ------
        BadInput
            An unknown parameter, or a value that is not finite, is negative, or is zero where nothing works at zero.
        """
        for name, value in changes.items():
            if name not in self.values:
                raise BadInput(f"There is no kinetic parameter {name!r}; choose from {', '.join(self.values)}.{near_matches(name, self.values)}")
            v = np.asarray(value, float)
            least = 0.0 if name in _MAY_VANISH else np.nextafter(0, 1)
            if not np.all(np.isfinite(v)) or np.any(v < least) or (name in _FRACTIONS and np.any(v > 1)):
                raise BadInput(f"The kinetic parameter {name!r} is {float(v.min()):.4g}; give {'a fraction from 0 to 1' if name in _FRACTIONS else 'a value above zero'}.")
        return replace(self, values=MappingProxyType({**self.values, **changes}))


@functools.cache
def _sets() -> dict[str, ParameterSet]:
    t = table("pbpk_psma_sets")
    found: dict[str, dict[str, float]] = {}
    for name, parameter, value in zip(t["set"], t["parameter"], t["value"]):
        found.setdefault(str(name), {})[str(parameter)] = float(value)
    return {n: ParameterSet(n, MappingProxyType(v), WHAT_IS_KNOWN[n]) for n, v in found.items()}


def parameter_sets() -> list[str]:
    """Names of the whole-body parameter sets.

    >>> "PSMA-617-KD1" in parameter_sets()
    True
    """
    return list(_sets())


def parameter_set(name: str) -> ParameterSet:
    """A whole-body parameter set by its name.

    Raises
    ------
    BadInput
        There is none of that name.

    PSMA-I&T in the model of Fele-Paranj et al. 2024 (doi:10.1186/s41181-023-00236-w) dissociates with 8 nmol/L:

    >>> p = parameter_set("PSMA-IT-Fele-Paranj-2024")
    >>> round(p["koff"] / p["kon"], 3)
    8.0
    """
    if name not in _sets():
        why = ""
        if "dota" in name.lower() or "sstr" in name.lower():
            why = " For SSTR2 no association and dissociation constants could be read, so that there is no whole-body set; take a population model."
        raise BadInput(f"There is no whole-body parameter set {name!r}; choose from {', '.join(_sets())}.{near_matches(name, _sets())}{why}")
    return _sets()[name]
