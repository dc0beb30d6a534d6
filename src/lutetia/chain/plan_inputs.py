"""What `lutetia plan` is given: whom (a patient file, a diagnostic case, a forecast), cycles that were given, limits and lesions below resolution as text."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from ..agents import Agent
from ..core import BadInput, parse, sha256_file
from ..kinetics.pbpk import ParameterSet, Patient, Tumour, parameter_set, virtual_patients
from ..nuclides import nuclide
from ..planning import Given, Limit, SizeLaw, convention, limit_conventions, organs_of
from .case import Name, _Part, _quantity, read_checked
from .patient_file import PATIENT_SCHEMA, load_patient

GIVEN_SCHEMA, DRAWS_SCHEMA, CASE_SCHEMA = "lutetia-given/1", "lutetia-draws/1", "lutetia-case/1"
_Dose = _quantity("Gy", within=("1e-6 Gy", "100000 Gy"))


@dataclass(frozen=True, slots=True, eq=False)
class Who:
    """Draws of a patient.

    `kind` is ``"patient file"``, ``"diagnostic case"`` or ``"forecast"``; in the last two the draws already hold what was measured. `given` are the cycles that a
    forecast was made with, and `then` the draws as they were at each of them.
    """

    patient: Patient
    parameters: ParameterSet
    kind: str
    sha256: str
    said: tuple[str, ...]
    given: tuple[Given, ...] = ()
    then: tuple[tuple[Patient, ParameterSet], ...] = ()

    @property
    def draws(self) -> int:
        """How many."""
        return max(np.size(v) for v in (self.patient.gfr_mL_min, *self.parameters.values.values()))


def read_who(path: Path, a: Agent, parameters: str, draws: int, seed: int, use_class_prior: bool) -> Who:
    """Read the file by what it says it is.

    Raises
    ------
    BadInput
        None of the three kinds, a forecast of another ligand, or one that cannot be read.
    CouldNot
        The scans of a case do not lead to a patient.
    """
    at = next((path / n for n in ("draws.json", "patient.toml", "case.toml") if (path / n).is_file()), path)
    if at.suffix == ".json":
        return _forecast(at, a, draws, "forecast", sha256_file(at) if at.is_file() else "")
    if not at.is_dir() and CASE_SCHEMA in _text(at):
        from ..agents import usual_amounts
        from .predict import run_predict

        ligand_nmol = 1000.0 if usual_amounts(a.id) is None else None  # the draws do not depend on the ligand to come
        with tempfile.TemporaryDirectory() as folder:
            run_predict(at, a.id, Path(folder) / "forecast", use_class_prior=use_class_prior, seed=seed, ligand_nmol=ligand_nmol)
            return _forecast(Path(folder) / "forecast" / "draws.json", a, draws, "diagnostic case", sha256_file(at))
    file = load_patient(at)
    one, typical = file.of_model(parameter_set(parameters))
    said = (
        f"nothing was measured of the patient's kinetics: the draws are those of a population around the {PATIENT_SCHEMA} file, and the plan is as wide as they are",
        "the draws vary receptors, release and filtration; weight, volumes, flows and affinity do not vary; all tumours of a draw vary together",
    )
    return Who(*virtual_patients(one, typical, draws, seed), "patient file", file.sha256, said)


def _text(path: Path) -> str:
    try:
        return path.read_bytes()[:4000].decode("utf-8", "replace")
    except OSError:
        return ""


def _forecast(path: Path, a: Agent, draws: int, kind: str, sha256: str) -> Who:
    """The draws that a forecast has left in its folder."""
    from ..kinetics.pbpk.observe import with_factors

    try:
        d = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        raise BadInput(f"There is no readable {path.name}; give a patient file, the case of a diagnostic scan, or the folder that 'lutetia predict' wrote.") from None
    if not isinstance(d, dict) or d.get("schema") != DRAWS_SCHEMA:
        raise BadInput(f"{path.name} is not the draws of a forecast (schema {DRAWS_SCHEMA!r}); give the draws.json that 'lutetia predict' wrote, or its folder.")
    try:
        if d["ligand"] != a.ligand:
            raise BadInput(f"The forecast is of {d['agent']}, the plan of {a.id}, another ligand; forecast for {a.id} first.")
        p = d["patient"]
        patient = Patient(
            p["weight_kg"], p["bsa_m2"], p["haematocrit"], p["gfr_mL_min"], tuple(Tumour(t["name"], t["volume_mL"], density_g_mL=t["density_g_mL"]) for t in p["tumours"])
        )
        values = {k: float("nan") if v is None else float(v) for k, v in d["values"].items()}
        factors = {k: np.asarray(v, float)[:draws] for k, v in d["factors"].items()}
        whole = with_factors(patient, ParameterSet(d["parameters"], values), factors, d["next_scan"])
        given = tuple(Given(nuclide(g["nuclide"]).name, float(g["activity_Bq"]), float(g["ligand_nmol"]), {}, {}) for g in d["given"])
        then = tuple(with_factors(patient, ParameterSet(d["parameters"], values), factors, int(g["scan"])) for g in d["given"])
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(f"{path.name} cannot be read as the draws of a forecast ({type(error).__name__}: {error}); write it anew with 'lutetia predict'.") from None
    said = ("the draws are those of the forecast from the patient's scans; the uptake of tumours that it holds possible for the next injection stands for all cycles, times the change from cycle to cycle",)
    if given:
        said += (f"{len(given)} cycle{'s' if len(given) > 1 else ''} of the forecast count{'' if len(given) > 1 else 's'} as given, with the doses that its draws hold possible",)
    return Who(*whole, kind, sha256, said, given, then)


class GivenDose(_Part):
    region: Name
    dose: _Dose  # type: ignore[valid-type]
    u: _Dose  # type: ignore[valid-type]


class GivenCycle(_Part):
    activity: _quantity("Bq", within=("1 Bq", "1000 TBq"))  # type: ignore[valid-type]
    ligand: _quantity("nmol", within=("1 fmol", "1 mmol"))  # type: ignore[valid-type]
    nuclide: str | None = None
    dose: list[GivenDose] = Field(default_factory=list)


class GivenFile(_Part):
    """Cycles that were given, with what was measured."""

    title: str | None = None
    sha256: str
    cycle: Annotated[list[GivenCycle], Field(min_length=1)]


def load_given(path: Path, default_nuclide: str) -> tuple[list[Given], str]:
    """Read the cycles that were given, and the hash of their file.

    Raises
    ------
    BadInput
        Not such a file, or a value that makes no sense.
    """
    file = read_checked(path, GivenFile, GIVEN_SCHEMA, "given.toml")
    found = []
    for n, c in enumerate(file.cycle, 1):
        names = [d.region for d in c.dose]
        if len(set(names)) < len(names):
            raise BadInput(f"{path.name}: cycle {n} has two doses of {next(x for x in names if names.count(x) > 1)!r}; give one.")
        found.append(Given(nuclide(c.nuclide or default_nuclide).name, c.activity, c.ligand, {d.region: d.dose for d in c.dose}, {d.region: d.u for d in c.dose}))
    return found, file.sha256


def read_limits(text: str | None) -> tuple[Limit, ...]:
    """``kidneys="40 Gy BED",salivary="25 Gy",marrow=marrow-2``: a dose, a BED, or the name of a convention for each organ.

    Raises
    ------
    BadInput
        No limit, an organ twice, one that the model gives no dose for, or no dose.

    >>> [(x.organ, x.quantity, x.value_Gy) for x in read_limits('kidneys="40 Gy BED",salivary="25 Gy"')]
    [('kidney', 'BED', 40.0), ('parotid', 'absorbed', 25.0), ('submandibular', 'absorbed', 25.0)]
    """
    found: dict[str, Limit] = {}
    for part in [] if text is None else _parts(text, "--limits"):
        name, value = part
        for organ in organs_of(name):
            if organ in found:
                raise BadInput(f"--limits: {organ} is limited twice; give one limit for each organ.")
            found[organ] = _limit(organ, name, value)
    return tuple(found.values())


def _limit(organ: str, name: str, value: str) -> Limit:
    if value[:1].isdigit() or value[:1] in "+-.":
        bed = value.upper().endswith("BED")
        return Limit(organ, "BED" if bed else "absorbed", parse(value[:-3].strip() if bed else value, "Gy", f"--limits {name}", positive=True, within=("1 mGy", "10000 Gy")))
    c = convention(value)
    if c.organ != organ:
        own = ", ".join(limit_conventions(organ)) or "none: no published limit could be found, so give a dose of your own"
        raise BadInput(f"--limits {name}: {value!r} is a limit of {c.organ}, not of {organ}; for {organ} there is {own}.")
    return c


def _parts(text: str, option: str) -> list[tuple[str, str]]:
    out = []
    for part in text.split(","):
        name, equals, value = part.partition("=")
        if not equals or not name.strip() or not value.strip(" \"'"):
            raise BadInput(f"{option}: cannot read {part.strip()!r}; write it as NAME=VALUE, separated by commas.")
        out.append((name.strip(), value.strip(" \"'")))
    return out


def read_activity(text: str | None, option: str, default: float) -> float | dict[str, float]:
    """``9 GBq`` for all nuclides, or ``Lu-177=9 GBq,Ac-225=8 MBq``.

    Raises
    ------
    BadInput

    >>> read_activity("Lu-177=9 GBq, 225Ac=8 MBq", "--max-activity", float("inf"))
    {'Lu-177': 9000000000.0, 'Ac-225': 8000000.0}
    """
    if text is None:
        return default
    if "=" not in text:
        return parse(text, "Bq", option, positive=True, within=("1 Bq", "1000 TBq"))
    found: dict[str, float] = {}
    for name, value in _parts(text, option):
        known = nuclide(name).name
        if known in found:
            raise BadInput(f"{option}: {known} stands there twice; give one activity for each nuclide.")
        found[known] = parse(value, "Bq", f"{option} {name}", positive=True, within=("1 Bq", "1000 TBq"))
    return found


def read_invisible(text: str) -> SizeLaw:
    """``number=200,smallest="0.001 mL",largest="0.5 mL",exponent=1.5``.

    Raises
    ------
    BadInput
    """
    given = dict(_parts(text, "--invisible"))
    wanted = ("number", "smallest", "largest", "exponent")
    if sorted(given) != sorted(wanted):
        raise BadInput(f"--invisible: got {', '.join(given)}; give each of {', '.join(wanted)}, none of which has a default because none is known.")
    try:
        number, exponent = float(given["number"]), float(given["exponent"])
    except ValueError:
        raise BadInput(f"--invisible: number {given['number']!r} and exponent {given['exponent']!r} must be plain numbers.") from None
    return SizeLaw(number, *(parse(given[k], "mL", f"--invisible {k}", positive=True) for k in ("smallest", "largest")), exponent)


def shown(limit: Limit) -> dict[str, Any]:
    """A limit as a result holds it."""
    return {k: getattr(limit, k) for k in ("organ", "quantity", "value_Gy", "name", "meaning", "source", "verification", "note")}
