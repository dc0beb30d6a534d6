"""The compiled loop over voxels. Inside, one voxel is a vector of values `y` and of weights `w`, 1/u^2."""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from .models import LN_RATE_SPREAD

_OPEN = LN_RATE_SPREAD**-2
_STEPS = 25
_BLOCK = 4096  # voxels that share scratch arrays


@nb.njit(cache=True, inline="always", error_model="numpy")
def _amplitude(y, w, b, n):
    """Best amplitude of one basis vector, and chi-squared with it; zero if negative."""
    yy = yb = bb = 0.0
    for i in range(n):
        ww = w[i]
        yy += ww * y[i] * y[i]
        yb += ww * y[i] * b[i]
        bb += ww * b[i] * b[i]
    if yb <= 0.0 or bb <= 0.0:
        return 0.0, yy
    return yb / bb, yy - yb * yb / bb


@nb.njit(cache=True, error_model="numpy")
def _nearest(y, w, basis, n):
    """Row of `basis` with the smallest chi-squared."""
    most, at = -1.0, 0
    for j in range(basis.shape[0]):
        yb = bb = 0.0
        for i in range(n):
            b = w[i] * basis[j, i]
            yb += b * y[i]
            bb += b * basis[j, i]
        if yb > 0.0 and yb * yb > most * bb:  # chi-squared is sum(w y^2) less this
            most, at = yb * yb / bb, j
    return at


@nb.njit(cache=True, error_model="numpy")
def _log_linear_rate(t, y, w, n, floor, fastest):
    """Rate of the weighted straight line through the logarithms of the positive values."""
    s0 = s1 = s2 = m0 = m1 = 0.0
    for i in range(n):
        if y[i] > 0.0:
            ww, z = w[i] * y[i] * y[i], math.log(y[i])
            s0 += ww
            s1 += ww * t[i]
            s2 += ww * t[i] * t[i]
            m0 += ww * z
            m1 += ww * z * t[i]
    det = s0 * s2 - s1 * s1
    if det <= 1e-12 * s0 * s2:
        return fastest
    return min(max((s1 * m0 - s0 * m1) / det, floor), fastest)


@nb.njit(cache=True, error_model="numpy")
def _mono(t, y, w, n, floor, start, e):
    """Refine a mono-exponential from the rate `start`; chi-squared, amplitude, rate. Leaves exp(-k t) in `e`."""
    k = start
    for i in range(n):
        e[i] = math.exp(-k * t[i])
    a, chi2 = _amplitude(y, w, e, n)
    damping = 1e-3
    for _ in range(_STEPS):
        # Gauss-Newton in the rate with the amplitude eliminated (Kaufman's projection), damped.
        ee = ed = dd = er = dr = 0.0
        for i in range(n):
            ww = w[i]
            d = -a * t[i] * e[i]
            r = y[i] - a * e[i]
            ee += ww * e[i] * e[i]
            ed += ww * e[i] * d
            dd += ww * d * d
            er += ww * e[i] * r
            dr += ww * d * r
        curvature = dd - ed * ed / ee if ee > 0.0 else 0.0
        if a <= 0.0 or curvature <= 0.0:
            break
        step = (dr - ed * er / ee) / (curvature * (1.0 + damping))
        trial = min(max(k + step, floor, 0.3 * k), 3.0 * k)
        if trial == k:
            break
        last = abs(trial - k) < 1e-3 * k  # Gauss-Newton leaves a twentieth of a step or less
        for i in range(n):
            e[i] = math.exp(-trial * t[i])
        a_new, c_new = _amplitude(y, w, e, n)
        if c_new <= chi2:
            k, a, chi2 = trial, a_new, c_new
            damping *= 0.1
            if last:
                break
        else:
            damping = 10.0 * damping + 0.1
            for i in range(n):
                e[i] = math.exp(-k * t[i])
            if last:
                break
    return max(chi2, 0.0), a, k


@nb.njit(cache=True, error_model="numpy")
def _u_mono(t, w, n, a, k, decay):
    """Standard uncertainty of a/k by propagation through the covariance of (a, ln k)."""
    p = q = r = 0.0
    for i in range(n):
        e = decay[i]
        d = -a * k * t[i] * e
        p += w[i] * e * e
        q += w[i] * e * d
        r += w[i] * d * d
    det = p * r - q * q
    if det <= 1e-12 * p * r:
        return a / k
    g, h = 1.0 / k, -a / k
    return math.sqrt(max((r * g * g - 2.0 * q * g * h + p * h * h) / det, 0.0))


@nb.njit(cache=True, error_model="numpy")
def _uptake(t, y, w, n, floor, fastest, k, q, ek, eq):
    """Refine a [exp(-k t) - exp(-q t)] in the two log-rates; chi-squared, a, k, q. `ek` and `eq` are scratch."""
    a, chi2 = _set_uptake(t, y, w, n, k, q, ek, eq)
    damping = 1e-2
    for _ in range(_STEPS):
        # Normal matrix of (ln a, ln k, ln q), with ln a eliminated.
        bb = bk = bq = kk = kq = qq = br = kr = qr = 0.0
        for i in range(n):
            fk, fq, fb = -a * k * t[i] * ek[i], a * q * t[i] * eq[i], a * (ek[i] - eq[i])
            r, ww = y[i] - fb, w[i]
            bb += ww * fb * fb
            bk += ww * fb * fk
            bq += ww * fb * fq
            kk += ww * fk * fk
            kq += ww * fk * fq
            qq += ww * fq * fq
            br += ww * fb * r
            kr += ww * fk * r
            qr += ww * fq * r
        if bb <= 0.0:
            break
        kk, kq, qq = kk - bk * bk / bb, kq - bk * bq / bb, qq - bq * bq / bb
        kr, qr = kr - bk * br / bb, qr - bq * br / bb
        kk, qq = kk * (1.0 + damping) + 1e-12, qq * (1.0 + damping) + 1e-12
        det = kk * qq - kq * kq
        if det <= 0.0:
            break
        k_new = max(k * math.exp(min(max((qq * kr - kq * qr) / det, -1.0), 1.0)), floor)
        q_new = min(max(q * math.exp(min(max((kk * qr - kq * kr) / det, -1.0), 1.0)), 1.05 * k_new), fastest)
        if q_new < 1.05 * k_new:
            break
        a_new, c_new = _set_uptake(t, y, w, n, k_new, q_new, ek, eq)
        if c_new <= chi2:
            done = chi2 - c_new < 1e-5 * (1.0 + chi2)
            a, k, q, chi2 = a_new, k_new, q_new, c_new
            damping *= 0.1
            if done:
                break
        else:
            damping = 10.0 * damping + 0.1
            if damping > 1e6:
                break
            _set_uptake(t, y, w, n, k, q, ek, eq)
    return max(chi2, 0.0), a, k, q


@nb.njit(cache=True, error_model="numpy")
def _set_uptake(t, y, w, n, k, q, ek, eq):
    """Fill the two exponentials; the best amplitude of their difference and chi-squared."""
    yy = yb = bb = 0.0
    for i in range(n):
        ek[i], eq[i] = math.exp(-k * t[i]), math.exp(-q * t[i])
        ww, b = w[i], ek[i] - eq[i]
        yy += ww * y[i] * y[i]
        yb += ww * y[i] * b
        bb += ww * b * b
    if yb <= 0.0 or bb <= 0.0:
        return 0.0, yy
    return yb / bb, yy - yb * yb / bb


@nb.njit(cache=True, error_model="numpy")
def _u_uptake(t, w, n, a, k, q):
    """Standard uncertainty of a (1/k - 1/q) from the covariance of (ln a, ln k, ln q), as in the region fits."""
    m00 = m01 = m02 = m11 = m12 = 0.0
    m22 = _OPEN
    for i in range(n):
        ek, eq, ww = math.exp(-k * t[i]), math.exp(-q * t[i]), w[i]
        f0, f1, f2 = a * (ek - eq), -a * k * t[i] * ek, a * q * t[i] * eq
        m00 += ww * f0 * f0
        m01 += ww * f0 * f1
        m02 += ww * f0 * f2
        m11 += ww * f1 * f1
        m12 += ww * f1 * f2
        m22 += ww * f2 * f2
    g0, g1, g2 = a * (1.0 / k - 1.0 / q), -a / k, a / q
    if m00 <= 0.0:
        return g0
    s11, s12, s22 = m11 - m01 * m01 / m00, m12 - m01 * m02 / m00, m22 - m02 * m02 / m00
    h1, h2 = g1 - g0 * m01 / m00, g2 - g0 * m02 / m00
    det = s11 * s22 - s12 * s12
    if det <= 1e-12 * s11 * s22:
        return g0
    return math.sqrt(max(g0 * g0 / m00 + (s22 * h1 * h1 - 2.0 * s12 * h1 * h2 + s11 * h2 * h2) / det, 0.0))


@nb.njit(cache=True, error_model="numpy")
def _trapezoid(t, y, w, n, floor):
    """Trapezoids from zero and a tail; the integral and its uncertainty with the tail's rate held."""
    k = floor
    if y[n - 1] > 0.0 and y[n - 2] > y[n - 1]:
        k = max(floor, math.log(y[n - 2] / y[n - 1]) / (t[n - 1] - t[n - 2]))
    total, variance, before = 0.0, (y[0] * t[0]) ** 2 / 12.0, 0.0
    for i in range(n):
        after = (t[i + 1] - t[i]) / 2.0 if i < n - 1 else 1.0 / k
        weight = (t[i] - before) / 2.0 + after
        before = t[i]
        total += weight * y[i]
        variance += weight * weight / w[i]
    return total, math.sqrt(variance)


@nb.njit(cache=True, error_model="numpy")
def _two_points(t, y, w, floor, e):
    """The mono-exponential through two points, or physical decay where it would fall more slowly."""
    k = floor
    late = max(y[1], 0.25 / math.sqrt(w[1]))  # an empty late point still bounds the rate from above
    if y[0] > late:
        k = max(floor, math.log(y[0] / late) / (t[1] - t[0]))
    for i in range(2):
        e[i] = math.exp(-k * t[i])
    return (y[0] / e[0], k) if k > floor else (_amplitude(y, w, e, 2)[0], k)


@nb.njit(cache=True, error_model="numpy")
def _one(t, y, w, n, floor, fastest_washout, slow, quick, differences, rejected, e, e2):
    """Integral, uncertainty and model of one voxel with two points or more."""
    if n == 2:
        a, k = _two_points(t, y, w, floor, e)
        return a / k, _u_mono(t, w, n, a, k, e), 1 if k > floor else 2
    chi2, a, k = _mono(t, y, w, n, floor, _log_linear_rate(t, y, w, n, floor, fastest_washout), e)
    # One more parameter costs 2 in AIC, so below that the uptake model cannot win; and it bends the curve
    # down at the first point, so it cannot help where that point is above the mono-exponential.
    if chi2 > 2.0 and y[0] < a * e[0]:
        u = _u_mono(t, w, n, a, k, e)
        j = _nearest(y, w, differences, n)
        c_up, a_up, k_up, q_up = _uptake(t, y, w, n, floor, quick[-1], slow[j], quick[j], e, e2)
        if a_up > 0.0 and c_up + 2.0 < chi2:
            if c_up > rejected[1]:
                total, u = _trapezoid(t, y, w, n, floor)
                return total, u, 4
            u = _u_uptake(t, w, n, a_up, k_up, q_up)
            return a_up * (1.0 / k_up - 1.0 / q_up), u * math.sqrt(max(1.0, c_up / max(n - 3, 1))), 3
    else:
        u = _u_mono(t, w, n, a, k, e)
    if a <= 0.0 or chi2 > rejected[0]:
        total, u = _trapezoid(t, y, w, n, floor)
        return total, u, 4
    return a / k, u * math.sqrt(max(1.0, chi2 / (n - 2))), 1 if k > floor else 2


@nb.njit(cache=True, parallel=True, error_model="numpy")
def fit_all(t, activity, floor, relative_u, relative_floor, fastest_washout, slow, quick, differences, rejected):
    """Integral, uncertainty, model and finiteness of every column of `activity`, shape (n, voxels)."""
    n, voxels = activity.shape
    tia = np.zeros(voxels, np.float32)
    u_tia = np.zeros(voxels, np.float32)
    model = np.zeros(voxels, np.uint8)
    finite = np.ones(voxels, np.bool_)
    for block in nb.prange((voxels + _BLOCK - 1) // _BLOCK):
        y, w, e, e2 = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
        for v in range(block * _BLOCK, min((block + 1) * _BLOCK, voxels)):
            peak = 0.0
            for i in range(n):
                x = float(activity[i, v])
                if not math.isfinite(x):
                    finite[v] = False
                y[i] = max(x, 0.0)
                peak = max(peak, y[i])
            if peak <= 0.0 or not finite[v]:
                continue
            for i in range(n):
                w[i] = 1.0 / ((relative_u * y[i]) ** 2 + (relative_floor * peak) ** 2)
            tia[v], u_tia[v], model[v] = _one(
                t, y, w, n, floor, fastest_washout, slow, quick, differences, rejected, e, e2
            )
    return tia, u_tia, model, finite
