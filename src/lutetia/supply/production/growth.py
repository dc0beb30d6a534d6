"""A decay chain under constant production: atoms of every member after an irradiation.

dN/dt = R e^(-k t) + D N with the triangular decay matrix D = C (-L) C^-1 (Bateman). Each eigenvector grows as
(e^(-k t) - e^(-l t)) / (l - k); k is the rate at which the target itself is used up, most often negligible.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import numpy as np

from ...nuclides import Inventory, chain, nuclide


def grown(rate_per_s: Mapping[str, float], time_s: float, used_up_per_s: float = 0.0) -> Inventory:
    """Activities at the end of `time_s` seconds of production.

    Parameters
    ----------
    rate_per_s : mapping of str to float
        Nuclei made a second at the start.
    time_s : float
    used_up_per_s : float
        Fraction of the target's atoms that react in a second.

    Returns
    -------
    Inventory
        Every nuclide made and its radioactive progeny.

    A nuclide alone grows as R (1 - e^(-l t)): half of saturation after one half-life.

    >>> print(f"{grown({'F-18': 1e9}, 109.77 * 60).activity_Bq['F-18']:.3g}")
    5e+08
    """
    order, rates, c, inverse = _system(tuple(sorted(rate_per_s)))
    made = np.array([rate_per_s.get(n, 0.0) for n in order])
    faster = rates - used_up_per_s
    safe = np.where(faster == 0, 1.0, faster)
    reached = np.exp(-used_up_per_s * time_s) * np.where(faster == 0, time_s, -np.expm1(-safe * time_s) / safe)
    atoms = c @ (reached * (inverse @ made))
    return Inventory({n: float(a) for n, a in zip(order, np.maximum(atoms * rates, 0.0))})


@functools.lru_cache(maxsize=256)
def _system(parents: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray, np.ndarray, np.ndarray]:
    """Members with parents before daughters, their decay constants, the eigenvectors of the decay matrix and their inverse."""
    pool = {m.nuclide.name for p in parents for m in chain(p)}
    order: list[str] = []
    while pool - set(order):
        left = pool - set(order)
        fed = {d for n in left for d, _, _ in nuclide(n).daughters}
        order += sorted(left - fed)
    rates = np.array([nuclide(n).decay_constant_per_s for n in order])
    for i in range(len(rates)):  # equal rates would divide by zero; 1e-9 apart changes nothing that could be measured
        while np.any(np.isclose(rates[i], rates[:i], rtol=1e-10, atol=0.0)):
            rates[i] *= 1 + 1e-9
    at = {n: i for i, n in enumerate(order)}
    feed = np.zeros((len(order), len(order)))
    for n in order:
        for daughter, fraction, _ in nuclide(n).daughters:
            if daughter in at:
                feed[at[daughter], at[n]] += fraction * rates[at[n]]
    c, inverse = np.eye(len(order)), np.eye(len(order))
    for i in range(len(order)):
        for j in range(i):
            c[i, j] = feed[i, j:i] @ c[j:i, j] / (rates[i] - rates[j])
        for j in range(i):
            inverse[i, j] = -c[i, j:i] @ inverse[j:i, j]
    return tuple(order), rates, c, inverse
