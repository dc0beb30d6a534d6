"""Responses made by hand, so that a plan can be reckoned on paper."""

from __future__ import annotations

import math

import numpy as np

from lutetia.planning import RegionResponse, Response


def region(low: np.ndarray, *, alpha: np.ndarray | float = 0.0, G: float = 0.0, alpha_beta_Gy: float = math.inf, mass_g: float = 20.0, number: float = 1.0) -> RegionResponse:
    """Shape (draws, cycles) from an array of that shape, in Gy per Bq."""
    low = np.asarray(low, float)
    return RegionResponse(number, mass_g, low, np.broadcast_to(np.asarray(alpha, float), low.shape), np.full(low.shape, G), alpha_beta_Gy)


def spread(rng: np.random.Generator, draws: int, cycles: int, median: float, sd: float = 0.35) -> np.ndarray:
    """Log-normal over draws, alike in all cycles."""
    return np.repeat(median * np.exp(sd * rng.standard_normal((draws, 1))), cycles, axis=1)


def sample(seed: int = 1, draws: int = 200, cycles: int = 4, *, nuclide: str = "Lu-177", ligand_nmol: float = 57.0, G: float = 0.05, alpha: float = 0.0) -> Response:
    """Kidney, parotid and two tumours with doses as 177Lu-PSMA-617 gives them."""
    rng = np.random.default_rng(seed)
    kidney, parotid = spread(rng, draws, cycles, 0.55e-9), spread(rng, draws, cycles, 0.8e-9, 0.5)
    large, small = spread(rng, draws, cycles, 3e-9), spread(rng, draws, cycles, 2e-9)
    return Response(
        nuclide, ligand_nmol,
        {"kidney": region(kidney, alpha=alpha * kidney, G=G, alpha_beta_Gy=2.6, mass_g=310), "parotid": region(parotid, alpha=alpha * parotid, mass_g=40),
         "large": region(large, alpha=alpha * large, G=G / 2, alpha_beta_Gy=1.5, mass_g=50), "small": region(small, alpha=alpha * small, G=G / 2, alpha_beta_Gy=1.5, mass_g=2)},
        ("large", "small"),
    )  # fmt: skip
