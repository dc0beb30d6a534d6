"""The last part of a run: who is injected when, in which chair, and from which batch."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from .risk_model import ACTIVITY, CHAIRS, DELAY, SHIPMENT

_SLACK_S = 1e-3  # planned times fit to rounding
_NEAR = 1e-6  # planned activities fit to the solver's tolerance
_INF = math.inf


@njit(cache=True)
def _open_at(net, h, t):  # type: ignore[no-untyped-def]
    """The first moment from `t` at which a hospital is open."""
    first, last = net.hour_first[h], net.hour_first[h + 1]
    if first == last:
        return t
    found = _INF
    for k in range(first, last):
        if net.hour_open_s[k] - _SLACK_S <= t <= net.hour_close_s[k] + _SLACK_S:
            return t
        if net.hour_open_s[k] >= t:
            found = min(found, net.hour_open_s[k])
    return found


@njit(cache=True)
def _seated(net, h, placed, t):  # type: ignore[no-untyped-def]
    """Patients in a hospital's chairs at a moment, and when the first of them is free."""
    count, leaves = 0, _INF
    for i in range(net.guest_first[h], net.guest_first[h + 1]):
        q = net.guest_dose[i]
        if placed[q] <= t < placed[q] + net.dose_occupancy_s[q] - _SLACK_S:
            count += 1
            leaves = min(leaves, placed[q] + net.dose_occupancy_s[q])
    return count, leaves


@njit(cache=True)
def _chair_at(net, p, placed, t, latest):  # type: ignore[no-untyped-def]
    """The first moment from `t` at which dose `p` finds a chair for all its time, beside those that are placed."""
    h = net.dose_hospital[p]
    if net.dose_occupancy_s[p] <= 0.0:
        return _open_at(net, h, t)
    for _ in range(net.guest_first[h + 1] - net.guest_first[h] + 1):
        t = _open_at(net, h, t)
        if t > latest + _SLACK_S:
            return _INF
        most, leaves = _seated(net, h, placed, t)
        for i in range(net.guest_first[h], net.guest_first[h + 1]):
            at = placed[net.guest_dose[i]]
            if t < at < t + net.dose_occupancy_s[p] - _SLACK_S:
                there, soonest = _seated(net, h, placed, at)
                if there > most:
                    most, leaves = there, soonest
        if most < net.hospital_chairs[h]:
            return t
        t = leaves
    return _INF


@njit(cache=True)
def inject(net, start, release, pool, short, arrive, way_code, code):  # type: ignore[no-untyped-def]
    """Who is injected: by priority, then by appointment, from the own batch; then from what others have left."""
    n = net.dose_batch.shape[0]
    placed = np.full(n, _INF)  # when each is in a chair
    whole = pool.copy()
    for p in range(n):  # whoever is in time keeps the chair
        if _in_time(net, p, net.dose_way[p], start, release, arrive):
            placed[p] = net.dose_time_s[p]
    for p in net.dose_order:
        b, w = net.dose_batch[p], net.dose_way[p]
        if arrive[w] == _INF:
            code[p] = way_code[w] if way_code[w] != 0 else DELAY
            continue
        in_time = placed[p] < _INF
        late = SHIPMENT if way_code[w] == SHIPMENT else DELAY
        latest = min(net.dose_latest_s[p], start[b] + net.batch_synthesis_s[b] + net.batch_shelf_s[b])
        from_s = max(net.dose_time_s[p], arrive[w] + net.dose_handling_s[p])
        t = placed[p] if in_time else _chair_at(net, p, placed, from_s, latest)
        placed[p] = _INF
        if t > latest + _SLACK_S:
            code[p] = late if _open_at(net, net.dose_hospital[p], from_s) > latest + _SLACK_S else CHAIRS
        elif not _take(net, p, b, t, release, pool, whole):
            code[p] = short[b] if short[b] != 0 else (ACTIVITY if in_time and release[b] <= net.batch_start_s[b] + net.batch_synthesis_s[b] + net.batch_qc_s[b] + _SLACK_S else late)
        else:
            placed[p] = t
    for p in net.dose_order:
        if code[p] == 0:
            continue
        for i in range(net.source_first[p], net.source_first[p + 1]):
            w = net.source_way[i]
            b = net.way_batch[w]
            if w == net.dose_way[p] or arrive[w] == _INF:
                continue
            latest = min(net.dose_latest_s[p], start[b] + net.batch_synthesis_s[b] + net.batch_shelf_s[b])
            t = _chair_at(net, p, placed, max(net.dose_time_s[p], arrive[w] + net.dose_handling_s[p]), latest)
            if t <= latest + _SLACK_S and _take(net, p, b, t, release, pool, whole):
                placed[p] = t
                code[p] = -code[p]
                break


@njit(cache=True)
def _in_time(net, p, w, start, release, arrive):  # type: ignore[no-untyped-def]
    b = net.dose_batch[p]
    return arrive[w] + net.dose_handling_s[p] <= net.dose_time_s[p] + _SLACK_S and net.dose_time_s[p] <= start[b] + net.batch_synthesis_s[b] + net.batch_shelf_s[b] + _SLACK_S


@njit(cache=True)
def _take(net, p, b, t, release, pool, whole):  # type: ignore[no-untyped-def]
    """Take a dose for injection at `t` out of a batch, if it has as much."""
    need = net.dose_need_Bq[p] * math.exp(net.batch_decay_per_s[b] * (t - release[b]))
    if need > pool[b] + _NEAR * whole[b]:
        return False
    pool[b] -= need
    return True
