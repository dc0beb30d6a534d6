"""Where the newer DDEP evaluations differ from ICRP 107: reported beside the values used, never mixed with them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..data import table
from .library import nuclide


def evaluation_differences(name: str) -> list[dict[str, Any]]:
    """Half-life and main photon lines of `name` in both sources.

    Returns
    -------
    list of dict
        ``quantity``, ``icrp107``, ``ddep``, ``u_ddep`` (k = 1), ``unit``, ``relative_difference`` (ICRP 107 over DDEP, minus one),
        ``evaluation``; empty where no evaluation is held.

    >>> [(d["quantity"], round(d["relative_difference"], 3)) for d in evaluation_differences("Lu-177")]
    [('half-life', 0.0), ('photon of 208.37 keV', 0.06), ('photon of 112.95 keV', 0.032)]
    """
    n = nuclide(name)
    rows = table("ddep_evaluations").where("nuclide", n.name)
    out = []
    for energy, value, u, evaluation in zip(rows["energy_MeV"], rows["value"], rows["u"], rows["evaluation"]):
        if np.isnan(energy):
            ours, quantity, unit = n.half_life_s, "half-life", "s"
        else:
            lines = n.lines["photon"]
            near = np.abs(lines.energy_MeV - energy) < 2e-4
            strongest = int(np.argmax(np.where(near, lines.per_decay, -1.0)))
            ours, quantity, unit = float(lines.per_decay[strongest]), f"photon of {energy * 1000:.2f} keV", "per decay"
        out.append({
            "quantity": quantity, "icrp107": float(ours), "ddep": float(value), "u_ddep": float(u), "unit": unit,
            "relative_difference": float(ours / value - 1), "evaluation": str(evaluation),
        })  # fmt: skip
    return out
