"""How electrons interact in water: the tables that the electron Monte Carlo looks up.

Everything is per g/cm2 of path, on a logarithmic grid of energies.

*Elastic scattering* off the nuclei: screened Rutherford cross section with the spin factor of McKinley and
Feshbach (doi 10.1103/PhysRev.74.1759),

    dsigma/dmu = pi r_e^2 sum Z^2 (m/(p beta))^2 R(mu) / (mu + eta)^2,    mu = (1 - cos theta)/2,
    eta = (hbar / (2 p a))^2 (1 + 3.33 (alpha Z / beta)^2).

The bracket is Moliere's correction to the first Born approximation (doi 10.1515/zna-1947-0302). The screening
length a gives the same transport cross section as the atomic form factor F(q), integral (1 - F/Z)^2 dq^2/q^2.

Deflections with mu above a cut are sampled one by one ("hard"). Those below act together ("soft") and enter
through their first two transport coefficients G_l = integral (1 - P_l) dsigma, from which the mean cosine
exp(-G_1 s) and <P_2> = exp(-G_2 s) of a step s follow (Lewis 1950, doi 10.1103/PhysRev.78.526). The cut is
set so that the mean free path of hard collisions is `c1` of the first transport mean free path (the mixed
scheme of Fernandez-Varea 1993, doi 10.1016/0168-583X(93)95827-R).

*Collisions with electrons* that give more than `cut_MeV` to a delta ray follow Moller; the rest of ESTAR's
collision stopping power is continuous, with the variance of the Moller cross section below the cut. Soft
collisions turn the electron too. As in EGSnrc and Geant4, the electrons of an atom scatter like its nucleus
with Z^2 replaced by Z, here up to the energy transfer Q = q^2/2m at the cut (above it Moller takes over):

    G_1 = 2 pi r_e^2 n m / beta^2 * m / p^2 * (ln(cut / Q_a) - 1),    Q_a = hbar^2 / (2 m a^2),    G_2 = 3 G_1.

Incoherent scattering functions would give a larger logarithm (Fano 1954, doi 10.1103/PhysRev.93.117): G_1 of
a 1 MeV electron 2 % higher, shells around 90Y 1 to 2.5 % lower at 6 to 8 mm. The convention of the codes is
kept because published kernels rest on it.

*Bremsstrahlung*: photons above `cut_MeV` with dN/dk ~ (1 - k/E + 3/4 (k/E)^2)/k, scaled to ESTAR's radiative
stopping power; softer ones are continuous. No photon is followed: their energy escapes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .stopping import electron_stopping_power

ELECTRON_MASS_MeV = 0.51099895
_RADIUS_cm = 2.8179403262e-13
FINE_STRUCTURE = 7.2973525693e-3
_BOHR_cm = 5.29177210903e-9
_HBAR_C_MeV_cm = 1.973269804e-11
_MOLECULES_PER_G = 6.02214076e23 / 18.01528
_ELECTRONS_PER_G = 10 * _MOLECULES_PER_G
# Z, number in the molecule, screening length in Bohr radii: the integral above over the atomic form factors
# tabulated in xraylib 4.3. Hydrogen's also follows from its wave function, F = (1 + (q a0/2)^2)^-2: 0.8960.
_ATOMS = ((1.0, 2.0, 0.896), (8.0, 1.0, 0.398))
#: Z that stands for the molecule in the spin factor: sum Z^3 / sum Z^2.
SPIN_Z = sum(n * z**3 for z, n, _ in _ATOMS) / sum(n * z**2 for z, n, _ in _ATOMS)


@dataclass(frozen=True, slots=True)
class Interactions:
    """Tables for electrons up to a start energy; rows of `values` follow the energies.

    Columns: 0 ln S (soft collisions), 1 S (soft bremsstrahlung), 2 variance of the soft loss, 3 hard elastic,
    4 Moller, 5 hard bremsstrahlung (3 to 5 per g/cm2), 6 soft G_1, 7 soft G_2, 8 mu cut, 9 screening eta.
    """

    ln_energy0: float
    ln_step: float
    values: np.ndarray


def water_interactions(energy_MeV: float, cut_MeV: float, end_MeV: float, c1: float, points: int = 400) -> Interactions:
    """Tables from below `end_MeV` up to `energy_MeV`."""
    x = np.linspace(np.log(0.2 * end_MeV), np.log(energy_MeV * 1.001), points)
    E = np.exp(x)
    S_col, S_rad = electron_stopping_power(E)
    moller_number, moller_loss = _moller(E, cut_MeV)
    brems_number, brems_loss = _bremsstrahlung(E, S_rad, cut_MeV)
    cut, hard, g1, g2, eta = _elastic(E, cut_MeV, c1)
    columns = (
        np.log(np.maximum(S_col - moller_loss, 0.05 * S_col)), S_rad - brems_loss, _soft_variance(E, cut_MeV),
        hard, moller_number, brems_number, g1, g2, cut, eta,
    )
    return Interactions(float(x[0]), float(x[1] - x[0]), np.ascontiguousarray(np.stack(columns, axis=1)))


def _beta2(E: np.ndarray) -> np.ndarray:
    return E * (E + 2 * ELECTRON_MASS_MeV) / (E + ELECTRON_MASS_MeV) ** 2


def _moller(E: np.ndarray, cut: float) -> tuple[np.ndarray, np.ndarray]:
    """Number per g/cm2 of Moller collisions above `cut`, and the energy per g/cm2 they take."""
    gamma = 1 + E / ELECTRON_MASS_MeV
    a, b = ((gamma - 1) / gamma) ** 2, (2 * gamma - 1) / gamma**2
    e = np.minimum(cut / E, 0.5)  # no collision above half of the energy: the delta ray is the slower electron
    scale = 2 * np.pi * _RADIUS_cm**2 * _ELECTRONS_PER_G * ELECTRON_MASS_MeV / _beta2(E)
    number = 1 / e - 1 / (1 - e) + a * (0.5 - e) - b * np.log((1 - e) / e)
    loss = 2 - np.log(4 * e * (1 - e)) - 1 / (1 - e) + a * (0.125 - e**2 / 2) - b * np.log(2 * (1 - e))
    return scale / E * number, scale * loss


def _soft_variance(E: np.ndarray, cut: float) -> np.ndarray:
    """Variance of the energy loss per g/cm2 in collisions below `cut` (leading Moller terms)."""
    beta2 = _beta2(E)
    W = np.minimum(cut, 0.5 * E)
    scale = 2 * np.pi * _RADIUS_cm**2 * _ELECTRONS_PER_G * ELECTRON_MASS_MeV / beta2
    return scale * W * (1 - beta2 * W / (2 * E))


def _bremsstrahlung(E: np.ndarray, S_rad: np.ndarray, cut: float) -> tuple[np.ndarray, np.ndarray]:
    """Number per g/cm2 of photons above `cut`, and the energy per g/cm2 they take."""
    k = np.minimum(cut / E, 1.0)
    c = S_rad / (0.75 * E)
    return c * (-np.log(k) - (1 - k) + 0.375 * (1 - k**2)), c * E * (0.75 - (k - k**2 / 2 + k**3 / 4))


def _elastic(E: np.ndarray, cut: float, c1: float) -> tuple[np.ndarray, ...]:
    """mu cut, hard collisions per g/cm2, soft G_1 and G_2, eta."""
    m = ELECTRON_MASS_MeV
    p2, beta2 = E * (E + 2 * m), _beta2(E)
    weights = np.array([n * z**2 for z, n, _ in _ATOMS])
    eta_of = [
        (_HBAR_C_MeV_cm / (2 * a * _BOHR_cm)) ** 2 / p2 * (1 + 3.33 * (FINE_STRUCTURE * z) ** 2 / beta2) for z, _, a in _ATOMS
    ]
    eta = np.exp(np.tensordot(weights / weights.sum(), np.log(eta_of), axes=1))
    scale = np.pi * _RADIUS_cm**2 * _MOLECULES_PER_G * weights.sum() * m**2 / (p2 * beta2)
    screening = sum(n * z * np.log((_HBAR_C_MeV_cm / (a * _BOHR_cm)) ** 2 / (2 * m)) for z, n, a in _ATOMS) / 10
    logarithm = np.maximum(np.log(np.minimum(cut, 0.5 * E)) - screening - 1, 0.0)
    inelastic = 2 * np.pi * _RADIUS_cm**2 * _ELECTRONS_PER_G * m / beta2 * m / p2 * logarithm
    out = np.empty((4, len(E)))
    for i in range(len(E)):
        mu = np.concatenate([[0.0], np.geomspace(1e-4 * eta[i], 1.0, 3000)])
        mu[-1] = 1.0
        root = np.sqrt(mu)
        f = scale[i] * (1 - beta2[i] * mu + np.pi * FINE_STRUCTURE * SPIN_Z * np.sqrt(beta2[i]) * root * (1 - root)) / (mu + eta[i]) ** 2
        number, first, second = (_cumulative(mu, f * w) for w in (1.0, 2 * mu, 6 * mu * (1 - mu)))
        wanted = min(number[-1], (first[-1] + inelastic[i]) / c1)
        j = min(int(np.searchsorted(number[-1] - number[::-1], wanted)), len(mu) - 1)
        j = len(mu) - 1 - j
        out[:, i] = mu[j], number[-1] - number[j], first[j] + inelastic[i], second[j] + 3 * inelastic[i]
    return *out, eta


def _cumulative(x: np.ndarray, f: np.ndarray) -> np.ndarray:
    return np.concatenate([[0.0], np.cumsum(0.5 * (f[1:] + f[:-1]) * np.diff(x))])
