"""With how much activity and ligand an agent is usually given, where that could be read."""

from __future__ import annotations

from typing import NamedTuple

from ..data import table


class UsualAmounts(NamedTuple):
    """One injection."""

    activity_Bq: float
    ligand_nmol: float
    source: str


def usual_amounts(agent_id: str) -> UsualAmounts | None:
    """The usual injection of the agent with this id, or None where none could be read.

    10.18 nmol labelled and 46.91 nmol unlabelled in the example files of qurit/PyCNO:

    >>> usual_amounts("177Lu-PSMA-617").ligand_nmol
    57.09
    >>> usual_amounts("68Ga-PSMA-11") is None
    True
    """
    t = table("agent_amounts")
    for i, name in enumerate(t["agent"]):
        if str(name) == agent_id:
            return UsualAmounts(float(t["activity_Bq"][i]), float(t["ligand_nmol"][i]), str(t["source"][i]))
    return None
