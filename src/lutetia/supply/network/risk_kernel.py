"""One run after another through a plan, in compiled code: lots, shipments, batches, tours, deliveries, doses.

Every run looks only at its own random numbers, so the number of threads (numba's) changes nothing.
"""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import get_num_threads, njit

from .risk_arrays import Extra, Net
from .risk_hospital import inject
from .risk_model import BATCH, DELAY, LOT, OUTAGE, SHIPMENT, YIELD

_SLACK_S = 1e-3  # planned times fit to rounding
_NEAR = 1e-6  # planned activities fit to the solver's tolerance
_INF = math.inf
_LANE, _TOUR = 1, 2


class Draws(NamedTuple):
    """Random numbers of a block of runs: uniform from 0 to 1 where nothing else is said; one row for each run.

    `factor` is the yield over its mean, `qc_wait_s` a delay of release, `traffic` a factor on driving times, `..._out`
    whether an outage meets it; `again` names what a spare makes.
    """

    lot: np.ndarray
    lot_again: np.ndarray
    lot_out: np.ndarray
    batch: np.ndarray
    batch_again: np.ndarray
    factor: np.ndarray
    factor_again: np.ndarray
    batch_out: np.ndarray
    qc_wait_s: np.ndarray
    leaves: np.ndarray
    late: np.ndarray
    wait: np.ndarray
    traffic: np.ndarray


@njit(cache=True, nogil=True)
def _some_runs(net, d, x, first, last, code, batch_code):  # type: ignore[no-untyped-def]
    for r in range(first, last):
        _run(net, d, x, r, code[r], batch_code[r])


def simulate_block(net: Net, draws: Draws, extra: Extra) -> tuple[np.ndarray, np.ndarray]:
    """What befalls each dose and each batch in each run.

    Returns
    -------
    array of int8, shape (runs, doses)
        0: treated as planned or later from the same batch; a cause of `CAUSES`: not treated; minus a cause: treated all
        the same, from another batch.
    array of int8, shape (runs, batches)
        0: something is released; else the cause of why nothing is.
    """
    runs = draws.lot.shape[0]
    code = np.zeros((runs, len(net.dose_batch)), np.int8)
    batch_code = np.zeros((runs, len(net.batch_lab)), np.int8)
    # Threads over a loop without the interpreter's lock: a compiled parallel loop would take far longer to compile.
    threads = get_num_threads()
    ends = np.linspace(0, runs, threads + 1).astype(np.int64)
    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(_some_runs, net, draws, extra, a, b, code, batch_code) for a, b in pairwise(ends)]:
            done.result()
    return code, batch_code


@njit(cache=True)
def _run(net, d, x, r, code, batch_code):  # type: ignore[no-untyped-def]
    free = np.zeros(x.courier.shape[0])
    lot_end, lot_ready, lot_code = _lots(net, d, x, r)
    up_arrive, up_code = _upstream(net, d, x, r, lot_ready, lot_code, free)
    start, release, pool, short = _batches(net, d, x, r, lot_end, lot_ready, lot_code, up_arrive, up_code, batch_code)
    arrive, way_code = _deliveries(net, d, x, r, release, pool, batch_code, free)
    inject(net, start, release, pool, short, arrive, way_code, code)


@njit(cache=True)
def _lots(net, d, x, r):  # type: ignore[no-untyped-def]
    n = net.lot_end_s.shape[0]
    end, ready = net.lot_end_s.copy(), net.lot_ready_s.copy()
    code = np.zeros(n, np.int64)
    for k in range(n):
        if d.lot_out[r, k]:
            code[k] = OUTAGE
        elif d.lot[r, k] >= net.lot_success[k]:
            code[k] = LOT
        if code[k] != 0 and x.second[k] > 0 and d.lot_again[r, k] < net.lot_success[k]:
            code[k] = 0
            if x.second[k] == 1:
                end[k] += net.lot_again_s[k]
                ready[k] += net.lot_again_s[k]
    return end, ready, code


@njit(cache=True)
def _travel(net, d, r, k, ready):  # type: ignore[no-untyped-def]
    """Arrival of shipment `k` that is ready at a time, by its planned departure or the next that leaves, and whether one failed.

    Infinite: not at all, with the cause.
    """
    code = 0
    for o in range(net.ship_first[k], net.ship_first[k + 1]):
        if net.option_cutoff_s[o] < ready - _SLACK_S:
            continue
        e = net.option_event[o]
        if d.leaves[r, e] >= net.event_success[e]:
            code = SHIPMENT
            continue
        wait = -math.log1p(-d.wait[r, e]) * net.event_delay_s[e] if d.late[r, e] < net.event_late[e] else 0.0
        if math.isnan(net.option_arrive_s[o]):
            return max(net.ship_depart_s[k], ready) + net.option_duration_s[o] + wait, code
        return net.option_arrive_s[o] + wait, code
    return _INF, (code if code != 0 else DELAY)


@njit(cache=True)
def _courier(x, free, origin, leave, drive, needed, arrive):  # type: ignore[no-untyped-def]
    """Arrival by a courier of the place, if it has one, the shipment would come too late and the courier is faster."""
    if x.courier[origin] == 0 or arrive <= needed + _SLACK_S:
        return arrive
    begin = max(leave, free[origin])
    if begin + drive >= arrive:
        return arrive
    free[origin] = begin + 2 * drive
    return begin + drive


@njit(cache=True)
def _upstream(net, d, x, r, lot_ready, lot_code, free):  # type: ignore[no-untyped-def]
    n = net.up_lot.shape[0]
    arrive, code = np.full(n, _INF), np.zeros(n, np.int64)
    for k in range(n):
        lot = net.up_lot[k]
        if lot_code[lot] != 0:
            code[k] = lot_code[lot]
            continue
        arrive[k], code[k] = _travel(net, d, r, k, lot_ready[lot])
        arrive[k] = _courier(x, free, net.ship_origin[k], max(lot_ready[lot], net.ship_depart_s[k]), net.ship_drive_s[k], net.ship_needed_s[k], arrive[k])
    return arrive, code


@njit(cache=True)
def _there(net, b, i, lot_ready, lot_code, up_arrive, up_code):  # type: ignore[no-untyped-def]
    """When a draw is at the lab, and why not at all or too late for any patient of its batch."""
    lot, k = net.draw_lot[i], net.draw_ship[i]
    if lot_code[lot] != 0:
        return _INF, lot_code[lot]
    at = lot_ready[lot] if k < 0 else up_arrive[k]
    if at > max(net.batch_start_s[b], net.batch_last_s[b]) + _SLACK_S:
        return _INF, (up_code[k] if k >= 0 and up_code[k] != 0 else DELAY)
    return at, 0


@njit(cache=True)
def _batches(net, d, x, r, lot_end, lot_ready, lot_code, up_arrive, up_code, batch_code):  # type: ignore[no-untyped-def]
    """Start, release and activity at release of each batch; `short`: the cause of a draw that is missing."""
    n = net.batch_lab.shape[0]
    ready, begun = np.zeros(n), np.zeros(n)
    held = np.zeros(n)  # activity at the planned start
    start, release, pool = np.full(n, _INF), np.full(n, _INF), np.zeros(n)
    short = np.zeros(n, np.int64)
    for b in range(n):
        ready[b] = net.batch_start_s[b]
        held[b] = net.batch_given_Bq[b]
        for i in range(net.draw_first[b], net.draw_first[b + 1]):
            at, why = _there(net, b, i, lot_ready, lot_code, up_arrive, up_code)
            if why != 0:
                short[b] = why
            else:
                ready[b] = max(ready[b], at)
                held[b] += net.draw_Bq[i] * net.draw_recovery[i] * math.exp(-net.batch_decay_per_s[b] * (net.batch_start_s[b] - lot_end[net.draw_lot[i]]))
        held[b] *= x.scale[b]
        if short[b] != 0 and (held[b] <= 0.0 or held[b] < net.batch_min_Bq[b] * (1 - _NEAR)):
            batch_code[b] = short[b]
        elif d.batch_out[r, b]:
            batch_code[b] = OUTAGE
        begun[b] = ready[b]
    cell_first = np.zeros(net.lab_cells.shape[0] + 1, np.int64)
    for k in range(net.lab_cells.shape[0]):
        cell_first[k + 1] = cell_first[k] + max(net.lab_cells[k], 1)
    cell_free = np.full(cell_first[-1], -_INF)
    spare_free = np.full(net.lab_cells.shape[0], -_INF)
    spare_Bq = net.lot_spare_Bq.copy()
    stood_by = np.zeros(n, np.int64)  # by lab and day; there are no more of these than batches
    for b in np.argsort(begun, kind="mergesort"):
        if batch_code[b] != 0:
            continue
        lab, rate = net.batch_lab[b], net.batch_decay_per_s[b]
        cell = cell_first[lab]
        for k in range(cell_first[lab], cell_first[lab + 1]):
            if cell_free[k] < cell_free[cell]:
                cell = k
        begin = max(ready[b], cell_free[cell])
        if begin > max(net.batch_start_s[b], net.batch_last_s[b]) + _SLACK_S:
            batch_code[b] = DELAY
            continue
        makes = net.batch_synthesis_s[b] + net.batch_qc_s[b]
        cell_free[cell] = begin + net.batch_synthesis_s[b] + net.batch_cleaning_s[b]
        amount = min(held[b] * math.exp(-rate * (begin - net.batch_start_s[b])), net.batch_max_Bq[b])
        start[b], release[b] = begin, begin + makes + d.qc_wait_s[r, b]
        factor = d.factor[r, b]
        if d.batch[r, b] >= net.batch_success[b]:
            batch_code[b] = BATCH
            if x.standby[lab] != 0 and stood_by[net.batch_slot[b]] == 0:
                stood_by[net.batch_slot[b]] = 1
                if d.batch_again[r, b] < net.batch_success[b]:
                    batch_code[b], factor = 0, d.factor_again[r, b]
            elif x.cell[lab] != 0:
                again = max(release[b], spare_free[lab])
                if again <= net.batch_last_s[b] + _SLACK_S:
                    amount = _left(net, b, again, amount, lot_end, lot_ready, lot_code, up_arrive, up_code, spare_Bq)
                    if amount > 0.0 and amount >= net.batch_min_Bq[b] * (1 - _NEAR):
                        spare_free[lab] = again + net.batch_synthesis_s[b] + net.batch_cleaning_s[b]
                        if d.batch_again[r, b] < net.batch_success[b]:
                            batch_code[b], factor = 0, d.factor_again[r, b]
                            start[b], release[b] = again, again + makes
        if batch_code[b] == 0:
            pool[b] = amount * net.batch_pass[b] * factor * math.exp(-rate * (release[b] - start[b]))
            if short[b] == 0 and factor < 1.0:
                short[b] = YIELD
    return start, release, pool, short


@njit(cache=True)
def _left(net, b, again, wanted, lot_end, lot_ready, lot_code, up_arrive, up_code, spare_Bq):  # type: ignore[no-untyped-def]
    """Starting activity for a batch made again: what its lots can still give, no more than it started from before."""
    rate, found = net.batch_decay_per_s[b], 0.0
    for i in range(net.draw_first[b], net.draw_first[b + 1]):
        at, why = _there(net, b, i, lot_ready, lot_code, up_arrive, up_code)
        if why == 0 and at <= again + _SLACK_S:
            lot = net.draw_lot[i]
            per = net.draw_recovery[i] * math.exp(-rate * (again - lot_end[lot]))
            take = min(spare_Bq[lot], (wanted - found) / per)
            spare_Bq[lot] -= take
            found += take * per
    return found


@njit(cache=True)
def _latest_begins(net, batch_code):  # type: ignore[no-untyped-def]
    """When each tour must begin so that its appointments and those of its vehicle's later tours are kept."""
    n = net.tour_begin_s.shape[0]
    latest = np.full(n, _INF)
    for t in range(n - 1, -1, -1):
        for i in range(net.tour_first[t], net.tour_first[t + 1]):
            w = net.tour_way[i]
            if batch_code[net.way_batch[w]] == 0:
                latest[t] = min(latest[t], net.way_needed_s[w] - net.tour_load_s[t] - net.way_drive_s[w])
        before = net.tour_before[t]
        if before >= 0:
            latest[before] = min(latest[before], latest[t] - net.tour_load_s[before] - net.tour_away_s[before])
    return latest


@njit(cache=True)
def _leaves_at(net, t, factor, free_s, next_s, release, batch_code):  # type: ignore[no-untyped-def]
    """When a tour begins: later than its vehicle is free only for vials that make no other appointment suffer; infinite: not at all.

    The vehicle has to be back at `next_s` for the appointments of its next tour.
    """
    first, last = net.tour_first[t], net.tour_first[t + 1]
    back_s = next_s - net.tour_load_s[t] - net.tour_away_s[t] * factor
    begin, in_hand = free_s, False
    while True:
        soonest, must = _INF, back_s
        for i in range(first, last):
            w = net.tour_way[i]
            b = net.way_batch[w]
            if batch_code[b] != 0:
                continue
            if release[b] <= begin + _SLACK_S:
                in_hand = True
                must = min(must, net.way_needed_s[w] - net.tour_load_s[t] - net.way_drive_s[w] * factor)
            elif release[b] <= net.way_last_s[w] + _SLACK_S:
                soonest = min(soonest, release[b])
        if soonest == _INF or soonest > must + _SLACK_S:
            return begin if in_hand else _INF
        begin = soonest


@njit(cache=True)
def _deliveries(net, d, x, r, release, pool, batch_code, free):  # type: ignore[no-untyped-def]
    n = net.way_batch.shape[0]
    arrive, code = np.full(n, _INF), np.zeros(n, np.int64)
    back = net.tour_begin_s.copy()
    latest = _latest_begins(net, batch_code)
    after = np.full(net.tour_begin_s.shape[0], _INF)
    for t in range(net.tour_begin_s.shape[0]):
        if net.tour_before[t] >= 0:
            after[net.tour_before[t]] = latest[t]
    for t in range(net.tour_begin_s.shape[0]):
        before = net.tour_before[t]
        free_s = max(net.tour_begin_s[t], back[before]) if before >= 0 else net.tour_begin_s[t]
        begin = _leaves_at(net, t, d.traffic[r, t], free_s, after[t], release, batch_code)
        back[t] = free_s
        if begin < _INF:
            back[t] = begin + net.tour_load_s[t] + net.tour_away_s[t] * d.traffic[r, t]
            for i in range(net.tour_first[t], net.tour_first[t + 1]):
                w = net.tour_way[i]
                if batch_code[net.way_batch[w]] == 0 and release[net.way_batch[w]] <= begin + _SLACK_S:
                    arrive[w] = begin + net.tour_load_s[t] + net.way_drive_s[w] * d.traffic[r, t]
    for w in range(n):
        b = net.way_batch[w]
        if batch_code[b] != 0:
            code[w] = batch_code[b]
            continue
        code[w] = DELAY
        if net.way_kind[w] == _LANE:
            arrive[w], code[w] = _travel(net, d, r, net.way_ship[w], release[b])
        elif net.way_kind[w] != _TOUR:
            arrive[w] = release[b]
            continue
        arrive[w] = _courier(x, free, net.way_origin[w], max(release[b], net.way_depart_s[w]), net.way_direct_s[w], net.way_needed_s[w], arrive[w])
    return arrive, code
