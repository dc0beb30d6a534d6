"""With how much activity and ligand an agent is usually given, and with how much at most, where that could be read."""

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


class StudiedActivity(NamedTuple):
    """The largest activity of one injection of a ligand with a nuclide that could be read in a study."""

    activity_Bq: float
    source: str
    note: str


def largest_studied(ligand: str, nuclide: str) -> StudiedActivity | None:
    """What is known to have been given at most in one injection, or None where nothing could be read.

    9.3 GBq of 177Lu-PSMA-617 (Rathke et al. 2017), 10 MBq with 225Ac (trial AcTION):

    >>> largest_studied("PSMA-617", "Lu-177").activity_Bq, largest_studied("PSMA-617", "Ac-225").activity_Bq
    (9300000000.0, 10000000.0)
    >>> largest_studied("PSMA-617", "Tb-161") is None
    True
    """
    t = table("studied_activities")
    for i, key in enumerate(zip(t["ligand"], t["nuclide"])):
        if tuple(map(str, key)) == (ligand, nuclide):
            return StudiedActivity(float(t["activity_Bq"][i]), str(t["source"][i]), str(t["note"][i]))
    return None
