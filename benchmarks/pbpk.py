"""Whole-body kinetics of 1000 patients with 66 states: seconds, growth, memory, and ratios to scipy and to libroadrunner.

Run: ``python benchmarks/pbpk.py``. Prints one JSON object. libroadrunner is compared where it is installed.
"""

from __future__ import annotations

import json
import resource
import time

import numpy as np
from scipy.integrate import solve_ivp

from lutetia.kinetics.pbpk import Patient, parameter_set
from lutetia.kinetics.pbpk.population import virtual_patients
from lutetia.kinetics.pbpk.solver import solve
from lutetia.kinetics.pbpk.structure import INJECTION, build_body
from lutetia.kinetics.pbpk.system import System
from lutetia.nuclides import nuclide

END_MIN = 66 * 1440.0
LIGAND = 57.0


def population(n: int) -> System:
    """Equations of `n` virtual patients."""
    return build_body(*virtual_patients(Patient(), parameter_set("PSMA-617-KD1"), n, 1)).system


def scipy_tia(system: System, patient: int, rtol: float = 1e-5, method: str = "LSODA", atol: float = 1e-8) -> np.ndarray:
    """Time-integrated hot ligand of 177Lu (nmol min) of one patient, integrals as states beside the amounts."""
    n, k = len(system.states), system.k_per_nmol_min[patient]
    A, decay = system.matrix(patient), 60 * nuclide("Lu-177").decay_constant_per_s
    whole = np.zeros((2 * n, 2 * n))

    def f(t: float, y: np.ndarray) -> np.ndarray:
        q = k * y[system.a] * y[system.b]
        d = A @ y[:n]
        d[system.to] += q
        d[system.source] -= q
        return np.concatenate([d, np.exp(-decay * t) * y[:n]])

    def jacobian(t: float, y: np.ndarray) -> np.ndarray:
        whole[:n, :n] = A
        for place, sign in ((system.to, 1.0), (system.source, -1.0)):
            whole[place, system.a] += sign * k * y[system.b]
            whole[place, system.b] += sign * k * y[system.a]
        whole[n + np.arange(n), np.arange(n)] = np.exp(-decay * t)
        return whole

    return solve_ivp(f, (0, END_MIN), _start(system, with_integrals=True), method=method, rtol=rtol, atol=atol, jac=jacobian).y[n:, -1]


def scipy_end(system: System, patient: int, rtol: float = 1e-5, method: str = "LSODA", atol: float = 1e-8) -> np.ndarray:
    """Amounts only, with the Jacobian: what the ratio of speeds is taken to."""
    n, k, A = len(system.states), system.k_per_nmol_min[patient], system.matrix(patient)

    def f(t: float, y: np.ndarray) -> np.ndarray:
        q = k * y[system.a] * y[system.b]
        d = A @ y
        d[system.to] += q
        d[system.source] -= q
        return d

    def jacobian(t: float, y: np.ndarray) -> np.ndarray:
        J = A.copy()
        for place, sign in ((system.to, 1.0), (system.source, -1.0)):
            J[place, system.a] += sign * k * y[system.b]
            J[place, system.b] += sign * k * y[system.a]
        return J

    return solve_ivp(f, (0, END_MIN), _start(system)[:n], method=method, rtol=rtol, atol=atol, jac=jacobian).y[:, -1]


def _start(system: System, *, with_integrals: bool = False) -> np.ndarray:
    y = np.zeros(len(system.states) * (2 if with_integrals else 1))
    y[system.index(INJECTION)] = LIGAND
    return y


def sbml(system: System, patient: int) -> str:
    """One patient as SBML, each transfer a reaction, with a parameter that integrates 177Lu in the bound ligand of the kidney."""
    n, decay = len(system.states), 60 * nuclide("Lu-177").decay_constant_per_s
    species = "".join(
        f'<species id="s{i}" compartment="c" initialAmount="{y}" hasOnlySubstanceUnits="true" boundaryCondition="false" constant="false"/>'
        for i, y in enumerate(_start(system))
    )
    reactions = []

    def reaction(source: int, to: int, *factors: str) -> None:
        math = "<apply><times/>" + "".join(f"<cn>{x}</cn>" if x[0] in "0123456789" else f"<ci>{x}</ci>" for x in factors) + "</apply>"
        one = "".join(
            f'<listOf{kind}><speciesReference species="s{i}" stoichiometry="1" constant="true"/></listOf{kind}>' for kind, i in (("Reactants", source), ("Products", to))
        )
        more = "".join(f'<modifierSpeciesReference species="{x}"/>' for x in sorted(set(factors)) if x[0] == "s" and x not in (f"s{source}", f"s{to}"))
        more = f"<listOfModifiers>{more}</listOfModifiers>" if more else ""
        reactions.append(f'<reaction id="r{len(reactions)}" reversible="false" fast="false">{one}{more}<kineticLaw><math xmlns="http://www.w3.org/1998/Math/MathML">{math}</math></kineticLaw></reaction>')

    for i, j, v in zip(system.row, system.col, system.value_per_min[patient]):
        if i != j:
            reaction(j, i, f"{v:.17f}", f"s{j}")
    for a, b, source, to, v in zip(system.a, system.b, system.source, system.to, system.k_per_nmol_min[patient]):
        reaction(source, to, f"{v:.17f}", f"s{a}", f"s{b}")
    at = system.index("kidney.bound")
    rule = (
        f'<rateRule variable="tia"><math xmlns="http://www.w3.org/1998/Math/MathML"><apply><times/><ci>s{at}</ci><apply><exp/><apply><times/><cn>-{decay:.17f}</cn>'
        '<csymbol encoding="text" definitionURL="http://www.sbml.org/sbml/symbols/time">t</csymbol></apply></apply></apply></math></rateRule>'
    )
    assert n == len(system.states)
    return (
        '<?xml version="1.0" encoding="UTF-8"?><sbml xmlns="http://www.sbml.org/sbml/level3/version1/core" level="3" version="1"><model id="body">'
        '<listOfCompartments><compartment id="c" size="1" spatialDimensions="3" constant="true"/></listOfCompartments>'
        f'<listOfSpecies>{species}</listOfSpecies><listOfParameters><parameter id="tia" value="0" constant="false"/></listOfParameters>'
        f"<listOfRules>{rule}</listOfRules><listOfReactions>{''.join(reactions)}</listOfReactions></model></sbml>"
    )


def roadrunner_tia(system: System, patient: int, rtol: float = 1e-5, atol: float = 1e-8) -> tuple[float, float]:
    """Time-integrated hot ligand bound in the kidney by CVODE, and the seconds of the integration without loading."""
    import roadrunner

    r = roadrunner.RoadRunner(sbml(system, patient))
    r.integrator.relative_tolerance, r.integrator.absolute_tolerance = rtol, atol
    r.integrator.maximum_num_steps = 100_000
    r.simulate(0, END_MIN, 2)
    r.reset()
    begin = time.perf_counter()
    r.simulate(0, END_MIN, 2)
    return float(r["tia"]), time.perf_counter() - begin


def run() -> dict[str, object]:
    """Seconds and ratios; both programs see the same patients."""
    decay = [60 * nuclide("Lu-177").decay_constant_per_s]
    system = population(1000)
    ours = solve(system, {INJECTION: LIGAND}, decay_per_min=decay, end_min=END_MIN, tail=False)
    found: dict[str, object] = {"states": len(system.states)}

    def best(n: int, repeats: int) -> float:
        times = []
        for _ in range(repeats):
            s = population(n)
            begin = time.perf_counter()
            solve(s, {INJECTION: LIGAND}, decay_per_min=decay, end_min=END_MIN, tail=False)
            times.append(time.perf_counter() - begin)
        return min(times)

    found["1000_patients_seconds"] = best(1000, 5)
    few = range(20)
    scipy_s = _per_patient(lambda p: scipy_end(system, p), few)
    found["scipy_LSODA_with_Jacobian_1000_patients_seconds"] = 1000 * scipy_s
    found["times_faster_than_scipy"] = 1000 * scipy_s / float(found["1000_patients_seconds"])  # type: ignore[arg-type]
    n = len(system.states)
    exact = np.array([scipy_tia(system, p, 1e-9, "Radau", 1e-13) for p in range(3)])
    matters = exact > 1e-3 * exact.max()
    found["largest_difference_from_Radau_1e-9"] = float(np.max(np.abs(ours.integral_min[:3, 0] / exact - 1)[matters]))
    lsoda = np.array([scipy_tia(system, p) for p in range(3)])
    found["the_same_of_LSODA_at_1e-5"] = float(np.max(np.abs(lsoda / exact - 1)[matters]))
    try:
        runs = [roadrunner_tia(system, p) for p in few]
        found["libroadrunner_1000_patients_seconds"] = 1000 * min(s for _, s in runs)
        found["times_faster_than_libroadrunner"] = float(found["libroadrunner_1000_patients_seconds"]) / float(found["1000_patients_seconds"])  # type: ignore[arg-type]
        at = system.index("kidney.bound")
        found["largest_difference_from_libroadrunner"] = max(abs(runs[p][0] / ours.integral_min[p, 0, at] - 1) for p in few)
    except ImportError:
        found["libroadrunner"] = "not installed"
    assert n == 66
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    found["20000_patients_seconds"] = best(20_000, 1)
    found["20000_patients_more_memory_GB"] = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6
    return found


def _per_patient(f: object, patients: range) -> float:
    begin = time.perf_counter()
    for p in patients:
        f(p)  # type: ignore[operator]
    return (time.perf_counter() - begin) / len(patients)


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
