"""The band of final equities over both orders of extremes in every candle (contract, section 6).

A path's future depends on the empty level alone, and money adds up, so for each reachable empty level only
the poorest and the richest path matter. Both are carried, valued at the last close. (With a selling stop and
fees in base the whole lots of dust sold may differ between them by less than a lot.)
"""

import numpy as np

from autogrid.research.compiling import compiled, compiled_allocating
from autogrid.research.kernel import (
    B_CASH,
    B_DUST,
    B_EMPTY,
    B_FIRST,
    B_HELD,
    B_HIGHEST,
    B_SIZE,
    B_STOPPED,
    FAR,
    L_SIZE,
    MICRO,
    R_CASH,
    R_EMPTY,
    R_PATH,
    R_PENETRATION,
    R_START,
    R_STOP_LOSS,
    R_TAKE_PROFIT,
    S_SIZE,
    candle,
    first_reach,
)
from autogrid.research.kernel_tree import next_event


@compiled
def value(books, close):  # type: ignore[no-untyped-def]
    """Equity at `close` as (atoms, millionths of an atom); pairs compare like the exact numbers."""
    rest = (books[B_DUST] % MICRO) * close
    return books[B_CASH] + (books[B_HELD] + books[B_DUST] // MICRO) * close + rest // MICRO, rest % MICRO


@compiled_allocating
def keep(books, close, worst, best, count):  # type: ignore[no-untyped-def]
    """Merge one path into the poorest and richest of its empty level; returns the number of levels."""
    for k in range(count):
        if worst[k, B_EMPTY] == books[B_EMPTY] and worst[k, B_STOPPED] == books[B_STOPPED]:
            if value(books, close) < value(worst[k], close):
                worst[k] = books
            if value(books, close) > value(best[k], close):
                best[k] = books
            return count
    worst[count] = books
    best[count] = books
    return count + 1


@compiled
def thresholds(states, count, levels, rule):  # type: ignore[no-untyped-def]
    """The nearest prices at which any live path has something to do."""
    buy_at, sell_at = rule[R_STOP_LOSS], rule[R_TAKE_PROFIT]
    live = False
    for k in range(count):
        if states[k, B_STOPPED] == 0:
            live = True
            empty = states[k, B_EMPTY]
            if empty > 0:
                buy_at = max(buy_at, levels[empty - 1] - rule[R_PENETRATION])
            if empty < levels.shape[0] - 1:
                sell_at = min(sell_at, levels[empty + 1] + rule[R_PENETRATION])
    return (buy_at, sell_at) if live else (-1, FAR)


@compiled_allocating
def band(tree, offset, levels, lots, gross, rule):  # type: ignore[no-untyped-def]
    """Final equities as ((atoms, millionths), (atoms, millionths)), worst and best. Arguments as in `kernel.run`."""
    total = offset[1]
    close = tree[total - 1, 3]
    size = 3 * (lots.shape[0] + 2)
    worst, best = np.zeros((size, B_SIZE), np.int64), np.zeros((size, B_SIZE), np.int64)
    next_worst, next_best = worst.copy(), best.copy()
    stats, log = np.zeros(S_SIZE), np.zeros((0, L_SIZE), np.int64)
    orders = np.stack((rule, rule))
    orders[0, R_PATH], orders[1, R_PATH] = 1, 2
    worst[0, B_EMPTY] = worst[0, B_HIGHEST] = rule[R_EMPTY]
    worst[0, B_CASH] = rule[R_CASH]
    worst[0, B_FIRST] = -1
    best[0] = worst[0]
    count = 1
    now = first_reach(tree, total, rule[R_START])
    while 0 <= now < total:
        merged = 0
        for k in range(count):
            for end in range(2):
                origin = worst[k] if end == 0 else best[k]
                if origin[B_STOPPED]:
                    merged = keep(origin, close, next_worst, next_best, merged)
                    continue
                for order in range(2):
                    books = origin.copy()
                    candle(now, tree, levels, lots, gross, orders[order], books, stats, log)
                    merged = keep(books, close, next_worst, next_best, merged)
        worst, next_worst = next_worst, worst
        best, next_best = next_best, best
        count = merged
        buy_at, sell_at = thresholds(worst, count, levels, rule)
        now = next_event(tree, offset, now + 1, buy_at, sell_at)
    lowest, highest = value(worst[0], close), value(best[0], close)
    for k in range(1, count):
        low, high = value(worst[k], close), value(best[k], close)
        if low < lowest:
            lowest = low
        if high > highest:
            highest = high
    return lowest, highest
