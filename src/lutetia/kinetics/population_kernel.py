"""The compiled solver of the population models: one blood, and tissues that take up from it, each patient on its own.

State: amount in blood (0) and tissues (1..s), excreted (s+1). With k_i the uptake, b_i the return, l_i the loss out of
the body and C_i the capacity (infinite where uptake does not saturate):

    dA_i/dt = k_i B (1 - A_i/C_i) - (b_i + l_i) A_i
    dB/dt   = -k_out B - sum k_i B (1 - A_i/C_i) + sum b_i A_i
    dU/dt   = k_out B + sum l_i A_i

Beside it run the integrals of e^(-d t) times the amount, d being a decay constant. The method is the explicit pair of
orders 5 and 4 of Dormand and Prince 1980, doi:10.1016/0771-050X(80)90013-3.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

_A = np.array([
    [0, 0, 0, 0, 0, 0],
    [1 / 5, 0, 0, 0, 0, 0],
    [3 / 40, 9 / 40, 0, 0, 0, 0],
    [44 / 45, -56 / 15, 32 / 9, 0, 0, 0],
    [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729, 0, 0],
    [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656, 0],
    [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
])  # fmt: skip
_C = np.array([0, 1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1])
_E = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])  # order 5 less order 4
_MOST_STEPS = 2_000_000


@nb.njit(cache=True, error_model="numpy")
def _slope(t, y, d, k_out, k, back, loss, capacity, f):
    """Derivatives of amounts (first half of `y`) and of their integrals (second half)."""
    s = k.size
    f[0], f[s + 1] = -k_out * y[0], k_out * y[0]
    for i in range(s):
        a = y[1 + i]
        taken = k[i] * y[0] * (1.0 - a / capacity[i])
        f[0] += back[i] * a - taken
        f[1 + i] = taken - (back[i] + loss[i]) * a
        f[s + 1] += loss[i] * a
    decay = math.exp(-d * t)
    for i in range(s + 2):
        f[s + 2 + i] = decay * y[i]


@nb.njit(cache=True, error_model="numpy")
def _one(start, times, d, rtol, k_out, k, back, loss, capacity, amounts, integrals):
    """One patient. Amounts at `times`; without times, integrals until what is left in the body is negligible."""
    s = k.size
    n = 2 * (s + 2)
    y, new, f, slopes = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros((7, n))
    y[0] = start
    t, step, at = 0.0, 1e-3 / (k_out + k.sum() + back.max() + loss.max()), 0
    atol = 1e-10 * start
    _slope(t, y, d, k_out, k, back, loss, capacity, f)
    slopes[0] = f
    for _ in range(_MOST_STEPS):
        while at < times.size and times[at] <= t:
            amounts[at] = y[: s + 2]
            at += 1
        if times.size:
            if at == times.size:
                break
        elif back.max() == 0.0 and abs(y[0]) < 10.0 * atol:
            # Nothing returns and the blood is empty: what is left of each tissue is one exponential, known to infinity.
            for i in range(s):
                y[s + 3 + i] += y[1 + i] * math.exp(-d * t) / (loss[i] + d)
            break
        else:
            left = held = 0.0
            for i in range(s + 1):
                left += y[i]
                held += y[s + 2 + i]
            # Nothing in the body can give more integral than its amount over the decay constant.
            if left * math.exp(-d * t) / d < 0.01 * rtol * held:
                break
        h = step
        if times.size and t + h > times[at]:
            h = times[at] - t
        for stage in range(1, 7):
            for i in range(n):
                more = 0.0
                for j in range(stage):
                    more += _A[stage, j] * slopes[j, i]
                new[i] = y[i] + h * more
            _slope(t + _C[stage] * h, new, d, k_out, k, back, loss, capacity, f)
            slopes[stage] = f
        worst = 0.0
        for i in range(n):
            e = 0.0
            for j in range(7):
                e += _E[j] * slopes[j, i]
            scale = rtol * max(abs(y[i]), abs(new[i])) + (atol if i < s + 2 else atol / d)
            worst = max(worst, abs(h * e) / scale)
        if not worst < math.inf:
            return False
        if worst <= 1.0:
            t = times[at] if times.size and h == times[at] - t else t + h
            y[:] = new
            slopes[0] = slopes[6]
        if worst > 1.0 or h == step:
            step = h * min(5.0, max(0.2, 0.9 * (worst + 1e-30) ** -0.2))
    else:
        return False
    integrals[:] = y[s + 2 :]
    return True


@nb.njit(cache=True, parallel=True, error_model="numpy")
def solve(start, times, d, rtol, k_out, k, back, loss, capacity):
    """Every patient on its own; the answer does not depend on the number of threads.

    `start` (n,) amounts given, `times` (m,) in h ascending or empty, `d` in 1/h, rates (n,) and (n, s).
    Returns amounts (n, m, s + 2), integrals (n, s + 2), and whether each patient was solved (n,).
    """
    n, s = k.shape
    amounts, integrals, good = np.zeros((n, times.size, s + 2)), np.zeros((n, s + 2)), np.zeros(n, np.bool_)
    for p in nb.prange(n):
        good[p] = _one(start[p], times, d, rtol, k_out[p], k[p], back[p], loss[p], capacity[p], amounts[p], integrals[p])
    return amounts, integrals, good
