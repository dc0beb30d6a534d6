"""The compiled loop over voxels. Inside, one voxel is a vector of values `y` and of weights `w`, 1/u^2."""

from __future__ import annotations

import math

import numba as nb
import numpy as np

from .models import LN_RATE_SPREAD

_OPEN = LN_RATE_SPREAD**-2
_STEPS = 25
_TIE = 4.0  # models this close in AIC to the best are averaged with it
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
def _mono(t, y, w, n, floor, fastest, start, e):
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
        trial = min(max(k + step, floor, 0.3 * k), 3.0 * k, fastest)
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
def _u_mono(t, w, n, a, k, floor, decay):
    """Standard uncertainty of a/k by propagation through the covariance of (a, ln k)."""
    p = q = 0.0
    r = _OPEN if k <= floor else 0.0
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
def _uptake(t, y, w, n, floor, fastest, lag, quickest, k, q, ek, eq):
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
        k_new = min(max(k * math.exp(min(max((qq * kr - kq * qr) / det, -1.0), 1.0)), floor), fastest)
        q_new = min(max(q * math.exp(min(max((kk * qr - kq * kr) / det, -1.0), 1.0)), 1.05 * k_new, k_new + lag), quickest)
        if q_new < max(1.05 * k_new, k_new + lag):
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
            if damping > 1e3:
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
def _trapezoid(t, y, w, n, floor, fastest):
    """Trapezoids from zero and a tail; the integral and its uncertainty, both those of the region fits.

    See `lutetia.kinetics.fit` for what the uncertainty is made of.
    """
    k, measured = floor, False
    if y[n - 1] > 0.0 and y[n - 2] > y[n - 1]:
        k = math.log(y[n - 2] / y[n - 1]) / (t[n - 1] - t[n - 2])
        measured = k > floor
        k = max(k, floor)
    total, variance, straight, before = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        after = (t[i + 1] - t[i]) / 2.0 if i < n - 1 else 1.0 / k
        weight = (t[i] - before) / 2.0 + after
        before = t[i]
        total += weight * y[i]
        if measured and i > n - 3:  # these two set the rate of the tail too
            weight += (1.0 if i == n - 1 else -y[n - 1] / y[n - 2]) / (k * k * (t[n - 1] - t[n - 2]))
        variance += weight * weight / w[i]
        if i < n - 1 and y[i] > y[i + 1] > 0.0:
            straight += (t[i + 1] - t[i]) * ((y[i] + y[i + 1]) / 2.0 - (y[i] - y[i + 1]) / math.log(y[i] / y[i + 1]))
    back = 0.0
    if y[0] > y[1]:
        back = fastest
        if y[1] > 0.0:
            back = min(back, math.log(y[0] / y[1]) / (t[1] - t[0]))
    start = max(t[0] / 2.0, (math.expm1(back * t[0]) / back if back > 0.0 else t[0]) - t[0] / 2.0)
    variance += (y[0] * start) ** 2 / 3.0 + straight**2
    if not measured:
        variance += ((LN_RATE_SPREAD if y[n - 1] > y[n - 2] else 0.5 / math.sqrt(3.0)) * y[n - 1] / k) ** 2
    elif n > 2 and y[n - 3] > y[n - 2]:  # the curve may still slow down
        near, far = 1.0 / (t[n - 2] - t[n - 3]), 1.0 / (t[n - 1] - t[n - 2])
        r0 = near / (y[n - 3] * math.sqrt(w[n - 3]))
        r1 = (near + far) / (y[n - 2] * math.sqrt(w[n - 2]))
        r2 = far / (y[n - 1] * math.sqrt(w[n - 1]))
        faster = math.log(y[n - 3] / y[n - 2]) * near
        if faster - k > math.sqrt(r0 * r0 + r1 * r1 + r2 * r2):
            variance += ((1.0 / max(floor, k * k / faster) - 1.0 / k) * y[n - 1]) ** 2 / 12.0
    return total, math.sqrt(variance)


@nb.njit(cache=True, error_model="numpy")
def _two_points(t, y, w, floor, fastest, e):
    """The mono-exponential through two points, its rate within its limits; chi-squared, amplitude, rate."""
    k = floor
    late = max(y[1], 0.25 / math.sqrt(w[1]))  # an empty late point still bounds the rate from above
    if y[0] > late:
        k = min(max(floor, math.log(y[0] / late) / (t[1] - t[0])), fastest)
    for i in range(2):
        e[i] = math.exp(-k * t[i])
    a, chi2 = _amplitude(y, w, e, 2)
    return (0.0, y[0] / e[0], k) if floor < k < fastest else (max(chi2, 0.0), a, k)


@nb.njit(cache=True, error_model="numpy")
def _nearest_pair(y, w, n, washout, decays, uptake, rises, first, last, s):
    """The two washout rates of the grid, and the uptake rate, with the smallest chi-squared.

    Only pairs whose amplitudes are both positive count; (0, 0, 0) if there is none.
    """
    m = len(washout)
    most, k1, k2, q = 0.0, 0.0, 0.0, 0.0
    b, yb, bb = s[:m], s[m], s[m + 1]
    for row in range(first, last):
        for j in range(m):
            yb[j] = bb[j] = 0.0
            for i in range(n):
                b[j, i] = decays[j, i] - rises[row, i]
                yb[j] += w[i] * y[i] * b[j, i]
                bb[j] += w[i] * b[j, i] * b[j, i]
        for j in range(1, m):
            if 1.3 * washout[j] > uptake[row]:
                break
            for h in range(j):
                bc = 0.0
                for i in range(n):
                    bc += w[i] * b[h, i] * b[j, i]
                det = bb[h] * bb[j] - bc * bc
                a1, a2 = yb[h] * bb[j] - yb[j] * bc, yb[j] * bb[h] - yb[h] * bc  # times det
                gain = a1 * yb[h] + a2 * yb[j]
                if a1 > 0.0 and a2 > 0.0 and gain > most * det:  # chi-squared is sum(w y^2) less gain / det
                    most, k1, k2, q = gain / det, washout[h], washout[j], uptake[row]
    return k1, k2, q


@nb.njit(cache=True, error_model="numpy")
def _set_phases(t, y, w, n, k, s):
    """Fill the exponentials (rows 0 to 2) and the two phases (rows 3, 4); amplitudes and chi-squared.

    Chi-squared is infinite where an amplitude would not be positive.
    """
    yy = yb = yc = bb = bc = cc = 0.0
    rises = k[2] < math.inf
    for i in range(n):
        s[0, i], s[1, i] = math.exp(-k[0] * t[i]), math.exp(-k[1] * t[i])
        s[2, i] = math.exp(-k[2] * t[i]) if rises else 0.0
        b, c, ww = s[0, i] - s[2, i], s[1, i] - s[2, i], w[i]
        s[3, i], s[4, i] = b, c
        yy += ww * y[i] * y[i]
        yb += ww * y[i] * b
        yc += ww * y[i] * c
        bb += ww * b * b
        bc += ww * b * c
        cc += ww * c * c
    det = bb * cc - bc * bc
    a1, a2 = yb * cc - yc * bc, yc * bb - yb * bc
    if det <= 1e-12 * bb * cc or min(a1, a2) <= 1e-6 * max(a1, a2):
        return 0.0, 0.0, math.inf
    return a1 / det, a2 / det, max(yy - (a1 * yb + a2 * yc) / det, 0.0)


@nb.njit(cache=True, error_model="numpy")
def _normal(t, y, w, n, a1, a2, k, size, s, normal, slope, f):
    """Normal matrix (lower half) in (a1, a2, ln k1, ln k2, ln q) and the slope of -chi-squared / 2 in them."""
    for g in range(size):
        slope[g] = 0.0
        for h in range(g + 1):
            normal[g, h] = 0.0
    for i in range(n):
        f[0], f[1] = s[3, i], s[4, i]
        f[2], f[3] = -a1 * k[0] * t[i] * s[0, i], -a2 * k[1] * t[i] * s[1, i]
        if size == 5:
            f[4] = (a1 + a2) * k[2] * t[i] * s[2, i]
        r = w[i] * (y[i] - a1 * f[0] - a2 * f[1])
        for g in range(size):
            slope[g] += r * f[g]
            wf = w[i] * f[g]
            for h in range(g + 1):
                normal[g, h] += wf * f[h]


@nb.njit(cache=True, error_model="numpy")
def _forward(factor, x, size, damping):
    """Cholesky factor L in place of the lower half of `factor`, and x into L^-1 x; False if not positive.

    What is left of the diagonal of a rate once the two amplitudes are eliminated is raised by `damping`.
    """
    for i in range(size):
        for j in range(i):
            z = factor[i, j]
            for h in range(j):
                z -= factor[i, h] * factor[j, h]
            factor[i, j] = z / factor[j, j]
        pivot = factor[i, i]
        for h in range(i):
            pivot -= factor[i, h] * factor[i, h]
            x[i] -= factor[i, h] * x[h]
            if h == 1:
                pivot *= 1.0 + damping
        if pivot <= 1e-13 * factor[i, i]:
            return False
        factor[i, i] = math.sqrt(pivot)
        x[i] /= factor[i, i]
    return True


@nb.njit(cache=True, error_model="numpy")
def _two_phases(t, y, w, n, floor, resolved, lag, quickest, k, s, m):
    """Refine a1 [exp(-k1 t) - exp(-q t)] + a2 [exp(-k2 t) - exp(-q t)] in its log-rates, k = (k1, k2, q).

    An infinite q is the bi-exponential. Changes `k`; `s` and `m` are scratch. Chi-squared, the integral and
    its standard uncertainty from the covariance of the region fits.
    """
    normal, factor, slope, x, trial = m[:5], m[5:10], m[10], m[11], m[12]
    size = 5 if k[2] < math.inf else 4
    a1, a2, chi2 = _set_phases(t, y, w, n, k, s)
    if chi2 == math.inf:
        return chi2, 0.0, 0.0
    damping, moved = 1e-3, True
    for _ in range(_STEPS):
        if moved:
            _normal(t, y, w, n, a1, a2, k, size, s, normal, slope, m[14])
        for g in range(size):
            for h in range(g + 1):
                factor[g, h] = normal[g, h]
            x[g] = slope[g] if g > 1 else 0.0  # the amplitudes are the best ones
        # A rate that is pushed beyond its limit is held there.
        held1, held2 = k[0] <= floor and slope[2] < 0.0, k[1] >= resolved and slope[3] > 0.0
        held3 = size == 5 and k[2] >= quickest and slope[4] > 0.0
        for g in range(2, size):
            if (g == 2 and held1) or (g == 3 and held2) or (g == 4 and held3):
                for h in range(g):
                    factor[g, h] = 0.0
                factor[g, g] = 1.0
                x[g] = 0.0
                for h in range(g + 1, size):
                    factor[h, g] = 0.0
        if not _forward(factor, x, size, damping):
            break
        for g in range(size - 1, 1, -1):
            for h in range(g + 1, size):
                x[g] -= factor[h, g] * x[h]
            x[g] /= factor[g, g]
        trial[0] = max(k[0] * math.exp(min(max(x[2], -1.0), 1.0)), floor)
        trial[1] = min(max(k[1] * math.exp(min(max(x[3], -1.0), 1.0)), 1.05 * trial[0]), resolved)
        trial[2] = k[2]
        if size == 5:
            trial[2] = min(max(k[2] * math.exp(min(max(x[4], -1.0), 1.0)), 1.05 * trial[1], trial[1] + lag), quickest)
        a1_new, a2_new, c_new = math.inf, math.inf, math.inf
        if 1.04 * trial[0] < trial[1] and max(1.04 * trial[1], trial[1] + 0.99 * lag) < trial[2]:
            a1_new, a2_new, c_new = _set_phases(t, y, w, n, trial, s)
        moved = c_new <= chi2
        if moved:
            done = chi2 - c_new < 1e-4 * (1.0 + chi2)
            k[0], k[1], k[2], a1, a2, chi2 = trial[0], trial[1], trial[2], a1_new, a2_new, c_new
            damping *= 0.1
            if done:
                break
        else:
            damping = 10.0 * damping + 0.1
            if damping > 100.0:
                break
    _set_phases(t, y, w, n, k, s)
    _normal(t, y, w, n, a1, a2, k, size, s, normal, slope, m[14])
    for g in range(2, size):
        normal[g, g] += _OPEN
    x[0], x[1], x[2], x[3] = 1.0 / k[0], 1.0 / k[1], -a1 / k[0], -a2 / k[1]
    tia = a1 / k[0] + a2 / k[1]
    if size == 5:
        x[0], x[1], x[4] = x[0] - 1.0 / k[2], x[1] - 1.0 / k[2], (a1 + a2) / k[2]
        tia -= (a1 + a2) / k[2]
    if not _forward(normal, x, size, 0.0):
        return chi2, tia, tia
    variance = 0.0
    for g in range(size):
        variance += x[g] * x[g]
    return chi2, tia, math.sqrt(variance)


@nb.njit(cache=True, error_model="numpy")
def _convex(y, w, n, a, e, decays):
    """Whether a second phase beside a exp(-k t) = a e could lower chi-squared.

    Chi-squared is convex in the phases, so if a little of none lowers it, nothing does.
    """
    for j in range(decays.shape[0]):
        d = 0.0
        for i in range(n):
            d += w[i] * (y[i] - a * e[i]) * decays[j, i]
        if d > 0.0:
            return True
    return False


@nb.njit(cache=True, error_model="numpy")
def _choose(
    t, y, w, n, floor, fastest, lag, chi2, a, k, u, slow, quick, differences, washout, decays, uptake, rises, rejected, s, m, fits
):
    """Integral, uncertainty and model of a voxel whose mono-exponential, in s[0], leaves room for another model."""
    e, e2 = s[0], s[1]
    # Columns of `fits`, one per number of parameters less 2: chi-squared, integral, uncertainty, rates held at a limit.
    fits[0], fits[3] = math.inf, 0.0
    if a > 0.0:
        fits[0, 0], fits[1, 0], fits[2, 0] = chi2, a / k, u
        fits[3, 0] = 1.0 if k <= floor or k >= fastest else 0.0
    aic = chi2 + 4.0
    convex = n >= 4 and aic > 8.0 and _convex(y, w, n, a, e, decays)
    if y[0] < a * e[0]:  # the uptake bends the curve down at the first point
        j = _nearest(y, w, differences, n)
        c_up, a_up, k_up, q_up = _uptake(t, y, w, n, floor, fastest, lag, quick[-1], slow[j], quick[j], e, e2)
        if a_up > 0.0 and q_up < 0.95 * quick[-1]:
            fits[0, 1], fits[1, 1] = c_up, a_up * (1.0 / k_up - 1.0 / q_up)
            fits[2, 1] = _u_uptake(t, w, n, a_up, k_up, q_up)
            fits[3, 1] = (1.0 if k_up <= floor or k_up >= fastest else 0.0) + (1.0 if q_up - k_up <= 1.001 * lag else 0.0)
            aic = min(aic, c_up + 6.0)
    last = len(uptake) - 1
    for extra in (2, 3):
        if aic <= 4.0 + 2.0 * extra or (extra == 2 and not convex) or (extra == 3 and n < 5):
            continue
        rates = m[13]
        first, end = (last, last + 1) if extra == 2 else (0, last)  # the last uptake rate is infinite
        rates[0], rates[1], rates[2] = _nearest_pair(y, w, n, washout, decays, uptake, rises, first, end, s)
        if rates[0] > 0.0:
            c, total, u = _two_phases(t, y, w, n, floor, fastest, lag, quick[-1], rates, s, m)
            if c < math.inf and rates[1] > 1.06 * rates[0] and (extra == 2 or rates[2] < 0.95 * quick[-1]):
                fits[0, extra], fits[1, extra], fits[2, extra] = c, total, u
                fits[3, extra] = (1.0 if rates[0] <= floor else 0.0) + (1.0 if rates[1] >= fastest else 0.0)
                aic = min(aic, c + 4.0 + 2.0 * extra)
    return _average(t, y, w, n, floor, fastest, aic, k > floor, rejected, fits)


@nb.njit(cache=True, error_model="numpy")
def _average(t, y, w, n, floor, fastest, aic, washes_out, rejected, fits):
    """The best model, or where others tie their mean by Akaike weights; trapezoids where the best is rejected."""
    best = 0
    for j in range(1, 4):
        if fits[0, j] + 2.0 * j < fits[0, best] + 2.0 * best:
            best = j
    free = max(n - 2 - best + int(fits[3, best]), 1)
    if fits[0, best] > rejected[free]:
        total, u = _trapezoid(t, y, w, n, floor, fastest)
        return total, u, 4
    weights = total = square = variance = 0.0
    tied = 0
    inflation = max(1.0, fits[0, best] / free)
    for j in range(4):
        delta = fits[0, j] + 4.0 + 2.0 * j - aic
        if delta < _TIE:
            weight = math.exp(-0.5 * delta)
            weights += weight
            total += weight * fits[1, j]
            square += weight * (fits[1, j] - fits[1, best]) ** 2
            variance += weight * fits[2, j] ** 2
            tied += 1
    total /= weights
    between = max(square / weights - (total - fits[1, best]) ** 2, 0.0)
    u = math.sqrt(variance / weights * inflation + between)
    if tied > 1:
        return total, u, 8
    return total, u, (1 if washes_out else 2, 3, 6, 7)[best]


@nb.njit(cache=True, parallel=True, error_model="numpy")
def fit_all(
    t, activity, floor, relative_u, relative_floor, fastest, lag, slow, quick, differences, washout, decays, uptake, rises, rejected
):
    """Integral, uncertainty, model and finiteness of every column of `activity`, shape (n, voxels).

    `rejected` is the chi-squared above which a fit is given up, by its degrees of freedom; the first is for two points.
    """
    n, voxels = activity.shape
    tia = np.zeros(voxels, np.float32)
    u_tia = np.zeros(voxels, np.float32)
    model = np.zeros(voxels, np.uint8)
    finite = np.ones(voxels, np.bool_)
    for block in nb.prange((voxels + _BLOCK - 1) // _BLOCK):
        y, w, fits = np.empty(n), np.empty(n), np.empty((4, 4))
        s, m = np.empty((len(washout) + 2, max(n, len(washout)))), np.empty((15, 5))
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
            e = s[0]
            if n == 2:
                chi2, a, k = _two_points(t, y, w, floor, fastest, e)
                if chi2 > rejected[0]:
                    tia[v], u_tia[v] = _trapezoid(t, y, w, n, floor, fastest)
                    model[v] = 4
                    continue
            else:
                chi2, a, k = _mono(t, y, w, n, floor, fastest, _log_linear_rate(t, y, w, n, floor, fastest), e)
            u = _u_mono(t, w, n, a, k, floor, e)
            # A parameter more costs 2 in AIC, and the uptake model, the only one with one more, bends down at the first point.
            if n == 2 or chi2 <= 2.0 or (chi2 <= 4.0 and y[0] >= a * e[0]):  # no other model can win
                free = n - 1 if k <= floor or k >= fastest else max(n - 2, 1)
                tia[v], u_tia[v], model[v] = a / k, u * math.sqrt(max(1.0, chi2 / free)), 1 if k > floor else 2
            else:
                tia[v], u_tia[v], model[v] = _choose(
                    t, y, w, n, floor, fastest, lag, chi2, a, k, u, slow, quick, differences, washout, decays, uptake, rises, rejected, s, m, fits
                )
    return tia, u_tia, model, finite
