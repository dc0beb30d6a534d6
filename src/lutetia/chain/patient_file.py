"""The patient file of a simulation: body, filtration, tumours, and what is known of organs; TOML, checked key by key."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from ..kinetics.pbpk import ParameterSet, Patient, Tumour, body_surface_m2
from .case import Density, Name, _Part, _quantity, read_checked

PATIENT_SCHEMA = "lutetia-patient/1"

Organ = _quantity("L", within=("0.1 mL", "10 L"))
Receptors = _quantity("nmol/L", within=("1e-6 nmol/L", "1e5 nmol/L"))


class TumourPart(_Part):
    name: Name
    volume: _quantity("mL", within=("0.0001 mL", "10 L"))  # type: ignore[valid-type]
    receptors: Receptors | None = None  # type: ignore[valid-type]
    flow: _quantity("mL/min/g", within=("1e-4 mL/min/g", "10 mL/min/g")) | None = None  # type: ignore[valid-type]
    density: Density = 1.0  # type: ignore[valid-type]


class PatientFile(_Part):
    """A checked patient file; `sha256` is that of the file."""

    title: str | None = None
    weight: _quantity("kg", within=("20 kg", "300 kg"))  # type: ignore[valid-type]
    height: _quantity("cm", within=("50 cm", "250 cm")) | None = None  # type: ignore[valid-type]
    body_surface: _quantity("m^2", within=("0.5 m^2", "4 m^2")) | None = None  # type: ignore[valid-type]
    haematocrit: float = Field(default=0.4, ge=0.1, le=0.7)
    gfr: _quantity("mL/min", within=("1 mL/min", "300 mL/min"))  # type: ignore[valid-type]
    tumour: list[TumourPart] = Field(default_factory=list)
    volumes: dict[Literal["kidney", "parotid", "submandibular", "lacrimal", "liver", "spleen"], Organ] = Field(default_factory=dict)  # type: ignore[valid-type]
    receptors: dict[Literal["tumour", "kidney", "salivary", "spleen", "liver", "prostate", "gi"], Receptors] = Field(default_factory=dict)  # type: ignore[valid-type]
    sha256: str

    @model_validator(mode="after")
    def _whole(self) -> PatientFile:
        if (self.height is None) == (self.body_surface is None):
            raise ValueError("give exactly one of height, such as '176 cm', and body_surface, such as '1.98 m^2'")
        names = [t.name for t in self.tumour]
        if len(set(names)) < len(names):
            raise ValueError(f"two tumours are named {next(n for n in names if names.count(n) > 1)!r}; give each a name of its own")
        return self

    def of_model(self, parameters: ParameterSet) -> tuple[Patient, ParameterSet]:
        """The patient, and the parameters with what the file gives in their place."""
        surface = self.body_surface if self.body_surface is not None else body_surface_m2(self.weight, float(self.height or 0.0))
        tumours = tuple(Tumour(t.name, t.volume, t.receptors, t.flow, t.density) for t in self.tumour)
        changes = {f"{k}_volume": float(v) for k, v in self.volumes.items()} | {f"receptor_{k}": float(v) for k, v in self.receptors.items()}
        return Patient(self.weight, surface, self.haematocrit, self.gfr, tumours), parameters.with_values(**changes)

    def covariates(self) -> dict[str, float]:
        """What population models ask of a patient, by their names."""
        found = {"weight_kg": self.weight, "creatinine_clearance_mL_per_min": self.gfr}
        if self.tumour:
            volumes = [t.volume for t in self.tumour]
            found |= {"tumour_volume_mL": sum(volumes), "total_tumour_volume_mL": sum(volumes)}
        return found


def load_patient(path: Path | str) -> PatientFile:
    """Read and check a patient file.

    Raises
    ------
    BadInput
        Not a file, not TOML, another schema, an unknown or missing key, or a value that no patient has.
    """
    return read_checked(path, PatientFile, PATIENT_SCHEMA, "patient.toml")
