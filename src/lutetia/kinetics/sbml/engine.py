"""The model as libroadrunner runs it: rates at any state, and a simulation."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core import BadInput, CouldNot


class Engine:
    """A loaded model; amounts go in and come out in the model's own units. Species `by_rule` follow from others."""

    def __init__(self, text: str, path: Path, by_rule: Collection[str] = ()) -> None:
        try:
            import roadrunner
        except ImportError:
            raise CouldNot("The lint of SBML needs the extra 'sbml' (libroadrunner); install it with: pip install 'lutetia[sbml]'") from None
        roadrunner.Logger.disableLogging()
        try:
            self._rr: Any = roadrunner.RoadRunner(text)
        except Exception as error:
            said = " ".join(str(error).split())[:300]
            raise BadInput(f"{path} cannot be run: {said}; libroadrunner loads SBML of levels 2 and 3 without packages.") from None
        m = self._rr.model
        everything, amounts = list(m.getFloatingSpeciesIds()), np.array(m.getFloatingSpeciesAmounts(), float)
        # What a rule sets cannot be set here; its place in the list of amounts has to be left out.
        self._index = [i for i, s in enumerate(everything) if s not in by_rule]
        self.species: list[str] = [everything[i] for i in self._index]
        self.reactions: list[str] = list(m.getReactionIds())
        self._at = {s: i for i, s in enumerate(self.species)}
        self.start = amounts[self._index]

    def value(self, name: str) -> float | None:
        """Value of a compartment or parameter; None if there is none of that name."""
        try:
            return float(self._rr.getValue(name))
        except Exception:
            return None

    def rates(self, amounts: Mapping[str, float]) -> dict[str, float]:
        """Rate of every reaction, amount per time, where the species named have these amounts and others those of the start.

        Raises
        ------
        CouldNot
            A rate is not a number there.
        """
        self._set(amounts)
        found = dict(zip(self.reactions, (float(v) for v in self._rr.model.getReactionRates())))
        bad = next((r for r, v in found.items() if not np.isfinite(v)), None)
        if bad is not None:
            raise CouldNot(f"The rate of the reaction {bad!r} is not a number at positive amounts; give its parameters values.")
        return found

    def _set(self, amounts: Mapping[str, float]) -> None:
        self._rr.reset()
        y = self.start.copy()
        for s, a in amounts.items():
            if s in self._at:
                y[self._at[s]] = a
        self._rr.model.setFloatingSpeciesAmounts(self._index, [float(v) for v in y])

    def simulate(self, amounts: Mapping[str, float], time: np.ndarray, wanted: Sequence[str]) -> np.ndarray:
        """Amounts of the species `wanted` at each time, shape (times, species).

        Raises
        ------
        CouldNot
            The solver gave up.
        """
        self._set(amounts)
        solver = self._rr.getIntegrator()
        solver.setValue("stiff", True)
        solver.setValue("relative_tolerance", 1e-9)
        solver.setValue("absolute_tolerance", 1e-13 * max(1e-30, sum(amounts.values())))
        solver.setValue("maximum_num_steps", 200_000)
        try:
            return np.array(self._rr.simulate(times=[float(t) for t in time], selections=list(wanted)), float)
        except Exception as error:
            raise CouldNot(f"The model could not be integrated to {time[-1]:.4g} of its units of time ({' '.join(str(error).split())[:200]}); see the other findings first.") from None
