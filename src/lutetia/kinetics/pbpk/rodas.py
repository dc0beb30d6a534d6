"""The compiled integrator: Rodas4 with a planned sparse LU, one patient after the other or in parallel.

Rodas4 is the Rosenbrock method of order 4(3) with six stages, L-stable and stiffly accurate, of Hairer and Wanner, Solving
Ordinary Differential Equations II (Springer 1996, doi:10.1007/978-3-642-05221-7, section IV.7 and their program RODAS, METH = 1),
with its continuous output of order 3. The constants agree between several public transcriptions; a test checks the orders.
"""

from __future__ import annotations

import math

import numba as nb
import numpy as np

GAMMA = 0.25
#: Stage values: y + sum a k; the sixth is the fifth plus k5, the result the sixth plus k6, and k6 the estimate of the error.
A = np.array([
    [0.0, 0.0, 0.0, 0.0],
    [1.544, 0.0, 0.0, 0.0],
    [0.9466785280815826, 0.2557011698983284, 0.0, 0.0],
    [3.314825187068521, 2.896124015972201, 0.9986419139977817, 0.0],
    [1.221224509226641, 6.019134481288629, 12.53708332932087, -0.6878860361058950],
])  # fmt: skip
C = np.array([
    [0.0, 0.0, 0.0, 0.0, 0.0],
    [-5.6688, 0.0, 0.0, 0.0, 0.0],
    [-2.430093356833875, -0.2063599157091915, 0.0, 0.0, 0.0],
    [-0.1073529058151375, -9.594562251023355, -20.47028614809616, 0.0, 0.0],
    [7.496443313967647, -10.24680431464352, -33.99990352819905, 11.70890893206160, 0.0],
    [8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054],
])  # fmt: skip
#: Continuous output: y0 + x (y1 - y0) + x (1 - x) (c3 + x c4) with c3, c4 = D k.
D = np.array([
    [10.12623508344586, -7.487995877610167, -34.80091861555747, -7.992771707568823, 1.025137723295662],
    [-0.6762803392801253, 6.087714651680015, 16.43084320892478, 24.76722511418386, -6.594389125716872],
])  # fmt: skip
DONE, TOO_MANY_STEPS, STEP_TOO_SMALL = 0, 1, 2
MAX_STEPS = 200_000


@nb.njit(cache=True, error_model="numpy")
def _factorise(lu, plan, inverse, lower, upper):
    """LDU of what is stored: reciprocals of the pivots, and the entries of L and of U in the order in which a solve takes them."""
    for p in range(inverse.shape[0]):
        inverse[p] = 1.0 / lu[plan.diagonal[p]]
        for e in range(plan.lower_start[p], plan.lower_start[p + 1]):
            f = lu[plan.lower[e]] * inverse[p]
            lower[e] = f
            for u in range(plan.update_start[e], plan.update_start[e + 1]):
                lu[plan.update_to[u]] -= f * lu[plan.update_from[u]]
    for e in range(upper.shape[0]):
        upper[e] = lu[plan.upper[e]] * inverse[plan.upper_row[e]]


@nb.njit(cache=True, error_model="numpy")
def _solve(plan, inverse, lower, upper, x):
    for e in range(lower.shape[0]):
        x[plan.lower_row[e]] -= lower[e] * x[plan.lower_col[e]]
    for p in range(x.shape[0]):
        x[p] *= inverse[p]
    for e in range(upper.shape[0]):
        x[plan.upper_row[e]] -= upper[e] * x[plan.upper_col[e]]


@nb.njit(cache=True, error_model="numpy")
def _rate(y, value, k, eq, out):
    out[:] = 0.0
    for e in range(value.shape[0]):
        out[eq.row[e]] += value[e] * y[eq.col[e]]
    for t in range(k.shape[0]):
        q = k[t] * y[eq.a[t]] * y[eq.b[t]]
        out[eq.to[t]] += q
        out[eq.source[t]] -= q


@nb.njit(cache=True, error_model="numpy")
def _stage(move, right, k, eq, plan, inverse, lower, upper, b, stage, image):
    """Solve for a stage from its linear right-hand side and its move away from y; `image` gets J times it."""
    for t in range(k.shape[0]):
        q = k[t] * move[eq.a[t]] * move[eq.b[t]]
        right[eq.to[t]] += q
        right[eq.source[t]] -= q
    for i in range(right.shape[0]):
        stage[i] = right[i]
    _solve(plan, inverse, lower, upper, stage)
    for i in range(right.shape[0]):
        image[i] = b * stage[i] - right[i]


@nb.njit(cache=True, error_model="numpy")
def _shifted(lu, plan, shift, y, value, k, eq, frozen):
    """``shift - J`` into storage; `frozen`: sites stay as taken as they are, so that only ligand is a variable."""
    lu[:] = 0.0
    for p in range(y.shape[0]):
        lu[plan.diagonal[p]] = shift
    for e in range(value.shape[0]):
        lu[plan.linear[e]] -= value[e]
    for t in range(k.shape[0]):
        by_a = k[t] * y[eq.b[t]]
        lu[plan.terms[t, 0]] -= by_a
        lu[plan.terms[t, 2]] += by_a
        if not frozen:
            by_b = k[t] * y[eq.a[t]]
            lu[plan.terms[t, 1]] -= by_b
            lu[plan.terms[t, 3]] += by_b


@nb.njit(cache=True, error_model="numpy")
def _moments(z, out):
    """Integrals of x^j exp(-z x) over 0 to 1 for j = 0 to 3."""
    if z < 3.0:
        for j in range(4):
            term, total, i = 1.0, 1.0 / (j + 1), 0
            while abs(term) > 1e-18:
                i += 1
                term *= -z / i
                total += term / (j + 1 + i)
            out[j] = total
    else:
        e = math.exp(-z)
        out[0] = (1.0 - e) / z
        for j in range(1, 4):
            out[j] = (j * out[j - 1] - e) / z


@nb.njit(cache=True, error_model="numpy")
def _patient(y, value, k, eq, plan, t_end, rtol, atol, decay, tail, times, watch_start, watch, tia, series, peak, peak_time):
    """Integrate one patient in place; returns a code, the number of steps and the time reached."""
    n, n_decay, n_watch = y.shape[0], decay.shape[0], watch_start.shape[0] - 1
    lu, inverse, lower, upper = np.empty(plan.size), np.empty(n), np.empty(plan.lower.shape[0]), np.empty(plan.upper.shape[0])
    ks, js, move, right, base, f = np.empty((6, n)), np.empty((6, n)), np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    poly, m = np.empty((4, n)), np.empty(4)
    t, h, steps, next_time = 0.0, min(1e-3, t_end), 0, 0
    tia[:] = 0.0
    rejected = False
    while next_time < times.shape[0] and times[next_time] <= 0.0:
        for w in range(n_watch):
            s = 0.0
            for e in range(watch_start[w], watch_start[w + 1]):
                s += y[watch[e]]
            series[w, next_time] = s
        next_time += 1
    for w in range(n_watch):
        s = 0.0
        for e in range(watch_start[w], watch_start[w + 1]):
            s += y[watch[e]]
        peak[w], peak_time[w] = s, 0.0
    while t < t_end:
        if steps >= MAX_STEPS:
            return TOO_MANY_STEPS, steps, t
        if h < 1e-12 * max(t, 1e-3):
            return STEP_TOO_SMALL, steps, t
        last = t + h >= t_end
        if last:
            h = t_end - t
        _shifted(lu, plan, 1.0 / (h * GAMMA), y, value, k, eq, False)
        _factorise(lu, plan, inverse, lower, upper)
        # f is quadratic: f(y + d) = f(y) + J d + q(d, d), q being the terms alone, and J k_j is what the solve for k_j leaves,
        # k_j / (h gamma) less its right-hand side. So one evaluation of f serves all stages.
        _rate(y, value, k, eq, f)
        b, c = 1.0 / (h * GAMMA), 1.0 / h
        for i in range(n):
            ks[0, i] = f[i]
        _solve(plan, inverse, lower, upper, ks[0])
        for i in range(n):
            js[0, i] = b * ks[0, i] - f[i]
            move[i] = A[1, 0] * ks[0, i]
            right[i] = f[i] + A[1, 0] * js[0, i] + c * C[1, 0] * ks[0, i]
        _stage(move, right, k, eq, plan, inverse, lower, upper, b, ks[1], js[1])
        for i in range(n):
            move[i] = A[2, 0] * ks[0, i] + A[2, 1] * ks[1, i]
            right[i] = f[i] + A[2, 0] * js[0, i] + A[2, 1] * js[1, i] + c * (C[2, 0] * ks[0, i] + C[2, 1] * ks[1, i])
        _stage(move, right, k, eq, plan, inverse, lower, upper, b, ks[2], js[2])
        for i in range(n):
            move[i] = A[3, 0] * ks[0, i] + A[3, 1] * ks[1, i] + A[3, 2] * ks[2, i]
            right[i] = f[i] + A[3, 0] * js[0, i] + A[3, 1] * js[1, i] + A[3, 2] * js[2, i] + c * (C[3, 0] * ks[0, i] + C[3, 1] * ks[1, i] + C[3, 2] * ks[2, i])
        _stage(move, right, k, eq, plan, inverse, lower, upper, b, ks[3], js[3])
        for i in range(n):
            move[i] = A[4, 0] * ks[0, i] + A[4, 1] * ks[1, i] + A[4, 2] * ks[2, i] + A[4, 3] * ks[3, i]
            base[i] = f[i] + A[4, 0] * js[0, i] + A[4, 1] * js[1, i] + A[4, 2] * js[2, i] + A[4, 3] * js[3, i]
            right[i] = base[i] + c * (C[4, 0] * ks[0, i] + C[4, 1] * ks[1, i] + C[4, 2] * ks[2, i] + C[4, 3] * ks[3, i])
        _stage(move, right, k, eq, plan, inverse, lower, upper, b, ks[4], js[4])
        for i in range(n):
            move[i] += ks[4, i]
            right[i] = base[i] + js[4, i] + c * (C[5, 0] * ks[0, i] + C[5, 1] * ks[1, i] + C[5, 2] * ks[2, i] + C[5, 3] * ks[3, i] + C[5, 4] * ks[4, i])
        _stage(move, right, k, eq, plan, inverse, lower, upper, b, ks[5], js[5])
        error = 0.0
        for i in range(n):
            new = y[i] + move[i] + ks[5, i]
            e = ks[5, i] / (atol + rtol * max(abs(y[i]), abs(new)))
            error += e * e
            f[i] = new
        error = math.sqrt(error / n)
        steps += 1
        if not error <= 1.0:  # also where it is not a number
            h *= max(0.2, 0.9 * error**-0.25) if error > 1.0 and error < 1e30 else 0.1
            rejected = True
            continue
        for i in range(n):
            c3 = D[0, 0] * ks[0, i] + D[0, 1] * ks[1, i] + D[0, 2] * ks[2, i] + D[0, 3] * ks[3, i] + D[0, 4] * ks[4, i]
            c4 = D[1, 0] * ks[0, i] + D[1, 1] * ks[1, i] + D[1, 2] * ks[2, i] + D[1, 3] * ks[3, i] + D[1, 4] * ks[4, i]
            poly[0, i] = y[i]
            poly[1, i] = f[i] - y[i] + c3
            poly[2, i] = c4 - c3
            poly[3, i] = -c4
        for d in range(n_decay):
            _moments(decay[d] * h, m)
            w0 = h * math.exp(-decay[d] * t)
            for i in range(n):
                tia[d, i] += w0 * (m[0] * poly[0, i] + m[1] * poly[1, i] + m[2] * poly[2, i] + m[3] * poly[3, i])
        for w in range(n_watch):
            p0 = p1 = p2 = p3 = 0.0
            for e in range(watch_start[w], watch_start[w + 1]):
                i = watch[e]
                p0 += poly[0, i]
                p1 += poly[1, i]
                p2 += poly[2, i]
                p3 += poly[3, i]
            for q in range(1, 5):
                x = 0.25 * q
                v = p0 + x * (p1 + x * (p2 + x * p3))
                if v > peak[w]:
                    peak[w], peak_time[w] = v, t + x * h
            at = next_time
            while at < times.shape[0] and (times[at] <= t + h or last):
                x = (times[at] - t) / h
                series[w, at] = p0 + x * (p1 + x * (p2 + x * p3))
                at += 1
        while next_time < times.shape[0] and (times[next_time] <= t + h or last):
            next_time += 1
        t = t_end if last else t + h
        y[:] = f
        grow = min(1.0 if rejected else 6.0, 0.9 * max(error, 1e-12) ** -0.25)
        h *= max(0.2, grow)
        rejected = False
    if tail:
        for d in range(n_decay):
            _shifted(lu, plan, decay[d], y, value, k, eq, True)
            _factorise(lu, plan, inverse, lower, upper)
            f[:] = y
            _solve(plan, inverse, lower, upper, f)
            w0 = math.exp(-decay[d] * t_end)
            for i in range(n):
                tia[d, i] += w0 * f[i]
    return DONE, steps, t


@nb.njit(cache=True, parallel=True, error_model="numpy")
def integrate(y, value, k, eq, plan, t_end, rtol, atol, decay, tail, times, watch_start, watch, tia, series, peak, peak_time, code, steps, reached):
    """All patients, each by itself: the result does not depend on the number of threads. Arrays as in `_patient`, patients first."""
    for p in nb.prange(y.shape[0]):
        code[p], steps[p], reached[p] = _patient(
            y[p], value[p], k[p], eq, plan, t_end, rtol, atol[p], decay, tail, times, watch_start, watch, tia[p], series[p], peak[p], peak_time[p]
        )
