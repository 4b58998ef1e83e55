"""The band of final equities of a trailing grid over both orders of extremes in every candle (contract, section 6).

As `kernel_bounds`, with the window of levels in the state: of all paths that come to the same window, amounts and empty
level the poorest and the richest are carried. The band is exact while the cash pays for every move, or for none; where
only richer paths can move, those between the two are not followed.
"""

import numpy as np

from autogrid.research.compiling import compiled, compiled_allocating
from autogrid.research.kernel import (
    B_CASH,
    B_EMPTY,
    B_FIRST,
    B_OFFSET,
    B_SIZE,
    B_STOPPED,
    FAR,
    L_SIZE,
    R_CASH,
    R_EMPTY,
    R_PATH,
    R_START,
    S_SIZE,
    first_reach,
)
from autogrid.research.kernel_bounds import value
from autogrid.research.kernel_trail import LOTS, T_DOWN, T_QUOTE, T_UP, candle, reach
from autogrid.research.kernel_tree import next_event

#: From so many states on, paths that differ in amounts alone are taken for one.
MANY = 1_000


@compiled
def same(one, one_window, other, other_window, exact):  # type: ignore[no-untyped-def]
    """Whether two paths have the same future but for what they own."""
    for i in (B_OFFSET, B_EMPTY, B_STOPPED):
        if one[i] != other[i]:
            return False
    if exact:
        for i in range(one_window.shape[1] - 1):
            if one_window[LOTS, i] != other_window[LOTS, i]:
                return False
    return True


@compiled_allocating
def keep(books, window, close, ends, windows, count, exact):  # type: ignore[no-untyped-def]
    """Merge one path into the poorest (ends[0]) and richest (ends[1]) of its state; returns the number of states."""
    for k in range(count):
        if same(ends[0, k], windows[0, k], books, window, exact):
            if value(books, close) < value(ends[0, k], close):
                ends[0, k] = books
                windows[0, k] = window
            if value(books, close) > value(ends[1, k], close):
                ends[1, k] = books
                windows[1, k] = window
            return count
    for end in range(2):
        ends[end, count] = books
        windows[end, count] = window
    return count + 1


@compiled_allocating
def roomy(ends, windows, needed):  # type: ignore[no-untyped-def]
    """The same states with room for `needed`."""
    size = ends.shape[1]
    if size >= needed:
        return ends, windows
    more_ends = np.zeros((2, 2 * needed, ends.shape[2]), np.int64)
    more_windows = np.zeros((2, 2 * needed, windows.shape[2], windows.shape[3]), np.int64)
    more_ends[:, :size] = ends
    more_windows[:, :size] = windows
    return more_ends, more_windows


@compiled_allocating
def band_trailing(tree, offset, window, wide, stops, rule, more):  # type: ignore[no-untyped-def]
    """Final equities as ((atoms, millionths), (atoms, millionths)), worst and best; see `kernel_trail`."""
    total = offset[1]
    close = tree[total - 1, 3]
    ends, windows = np.zeros((2, 8, B_SIZE), np.int64), np.zeros((2, 8, *window.shape), np.int64)
    next_ends, next_windows = ends.copy(), windows.copy()
    stats, log, moves = np.zeros(S_SIZE), np.zeros((0, L_SIZE), np.int64), np.zeros((0, 2), np.int64)
    orders = np.stack((rule, rule))
    orders[0, R_PATH], orders[1, R_PATH] = 1, 2
    for end in range(2):
        ends[end, 0, B_EMPTY], ends[end, 0, B_CASH], ends[end, 0, B_FIRST] = rule[R_EMPTY], rule[R_CASH], -1
        windows[end, 0] = window
    count = 1
    now = first_reach(tree, total, rule[R_START])
    while 0 <= now < total:
        merged = 0
        next_ends, next_windows = roomy(next_ends, next_windows, 4 * count)
        # Amounts differ between paths only where they are inherited on the way down and bought anew on the way up.
        exact = more[T_QUOTE] > 0 and more[T_UP] > 0 and more[T_DOWN] > 0 and count < MANY
        for k in range(count):
            for end in range(2):
                if ends[end, k, B_STOPPED]:
                    merged = keep(ends[end, k], windows[end, k], close, next_ends, next_windows, merged, exact)
                    continue
                for order in range(2):
                    books, moved = ends[end, k].copy(), windows[end, k].copy()
                    candle(now, tree, moved, wide, stops, orders[order], more, books, stats, log, moves)
                    merged = keep(books, moved, close, next_ends, next_windows, merged, exact)
        ends, next_ends = next_ends, ends
        windows, next_windows = next_windows, windows
        count = merged
        buy_at, sell_at = np.int64(-1), np.int64(FAR)
        for k in range(count):
            for end in range(2):
                if ends[end, k, B_STOPPED] == 0:
                    down, up = reach(windows[end, k], wide, stops, rule, more, ends[end, k])
                    buy_at, sell_at = max(buy_at, down), min(sell_at, up)
        now = next_event(tree, offset, now + 1, buy_at, sell_at)
    lowest, highest = value(ends[0, 0], close), value(ends[1, 0], close)
    for k in range(1, count):
        low, high = value(ends[0, k], close), value(ends[1, k], close)
        if low < lowest:
            lowest = low
        if high > highest:
            highest = high
    return lowest, highest
