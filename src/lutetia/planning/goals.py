"""What a plan is to achieve: the biologically effective dose of all lesions together, those below resolution among them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core import BadInput

#: Per gray, of the model that also gives the alpha/beta and repair of prostate metastases (parameter set prostate-metastasis-Bernhardt-2021).
TUMOUR_ALPHA_PER_GY = 0.147


def overall_bed_Gy(bed_Gy: np.ndarray, weights: np.ndarray, alpha_per_Gy: float) -> np.ndarray:
    """BED that, given to all lesions alike, would leave as many cells as the lesions' own BEDs do together.

        oBED = -(1/alpha) ln( sum_i m_i exp(-alpha BED_i) / sum_i m_i )

    Cells are taken to be as many as mass. It lies between the least BED of any lesion and their mean. The form is the objective of the two-phase
    planning of Jimenez-Franco et al. for peptide receptor therapy, taken from a public description of it; the paper itself was not read.

    Parameters
    ----------
    bed_Gy : ndarray, shape (..., lesions)
    weights : ndarray, shape (lesions,)
        Mass, or cells.
    alpha_per_Gy : float

    Raises
    ------
    BadInput
        No lesion, weights that are not positive, or an alpha that is not.

    Two equal lesions, one without any dose: half the cells are left, whatever the other gets (ln 2 / 0.147).

    >>> round(float(overall_bed_Gy(np.array([0.0, 1000.0]), np.ones(2), 0.147)), 3)
    4.715
    """
    b, w = np.asarray(bed_Gy, float), np.asarray(weights, float)
    if not w.size or b.shape[-1] != w.size or not np.all(w > 0):
        raise BadInput(f"{b.shape[-1] if b.ndim else 0} lesions with {w.size} masses; the effect on tumours needs at least one, each with a mass above zero.")
    if not (math.isfinite(alpha_per_Gy) and alpha_per_Gy > 0):
        raise BadInput(f"alpha_per_Gy: got {alpha_per_Gy}; give a value above zero.")
    least = b.min(axis=-1, keepdims=True)  # what would underflow is taken out first
    return least[..., 0] - np.log(np.exp(-alpha_per_Gy * (b - least)) @ w / w.sum()) / alpha_per_Gy


def surviving_weights(bed_Gy: np.ndarray, weights: np.ndarray, alpha_per_Gy: float) -> np.ndarray:
    """Share of each lesion in the cells that are left, shape (..., lesions): which lesion the objective listens to.

    >>> surviving_weights(np.array([50.0, 50.0]), np.array([1.0, 3.0]), 0.147).tolist()
    [0.25, 0.75]
    """
    b = np.asarray(bed_Gy, float)
    left = np.asarray(weights) * np.exp(-alpha_per_Gy * (b - b.min(axis=-1, keepdims=True)))
    return left / left.sum(axis=-1, keepdims=True)


@dataclass(frozen=True, slots=True)
class SizeLaw:
    """Lesions that no image shows: `number` of them, of volumes V between two ends, as many as ``V^-exponent dV``.

    There is no default: how many there are is not known, and whoever plans for them says what he assumes.

    Raises
    ------
    BadInput
        A number, volume or exponent that makes no sense.
    """

    number: float
    smallest_mL: float
    largest_mL: float
    exponent: float

    def __post_init__(self) -> None:
        if not (self.number > 0 and 0 < self.smallest_mL < self.largest_mL <= 10 and math.isfinite(self.number) and -5 <= self.exponent <= 5):
            raise BadInput(
                f"Lesions below resolution: {self.number:g} from {self.smallest_mL:g} to {self.largest_mL:g} mL with an exponent of {self.exponent:g}; give a number above "
                "zero, a smallest volume below the largest, at most 10 mL, and an exponent from -5 to 5."
            )

    def bins(self, n: int = 8) -> tuple[np.ndarray, np.ndarray]:
        """Volumes (mL) and numbers of `n` classes, even in the logarithm; a class stands at the mean volume of its own lesions.

        Both the number and the volume of all lesions are kept exactly.

        >>> v, c = SizeLaw(100, 0.001, 1.0, 1.0).bins()
        >>> round(float(c.sum()), 6), round(float((v * c).sum()), 3)  # 100 (1 - 0.001) / ln 1000
        (100.0, 14.462)
        """
        edge = np.geomspace(self.smallest_mL, self.largest_mL, n + 1)
        count, volume = (_integral(edge, power - self.exponent) for power in (0.0, 1.0))
        return volume / count, self.number * count / count.sum()


def _integral(edge: np.ndarray, power: float) -> np.ndarray:
    """Of ``V^power`` over each class."""
    return np.diff(np.log(edge)) if abs(power + 1) < 1e-12 else np.diff(edge ** (power + 1)) / (power + 1)
