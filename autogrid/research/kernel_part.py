"""The kernel between two decisions of a strategy: CONTRACT sections 3 to 5 from one candle's open to another's.

State lives in `books` and `stats`, whose changes at a decision are `autogrid.research.dynamic`'s.
"""

from autogrid.research.compiling import compiled
from autogrid.research.kernel import (
    B_EMPTY,
    B_LAST,
    B_STOPPED,
    FAR,
    R_PATH,
    R_PENETRATION,
    R_STOP_LOSS,
    R_TAKE_PROFIT,
    S_IN_RANGE,
    candle,
    is_low_first,
    leg,
    mark,
)
from autogrid.research.kernel_tree import count_within, next_event


@compiled
def finish(t, tree, levels, lots, gross, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """The legs of candle `t` after the one to its open."""
    open_, low, high, close = tree[t, 2], tree[t, 0], tree[t, 1], tree[t, 3]
    low_first = is_low_first(open_, high, low, close, rule[R_PATH])
    for k in range(3):
        y = close if k == 2 else low if (k == 0) == low_first else high
        if books[B_STOPPED] == 0:
            leg(t, y, False, levels, lots, gross, rule, books, stats, log)


@compiled
def run_part(begin, end, tree, offset, days, levels, lots, gross, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """From after the open of candle `begin` to the open of candle `end`, the gap leg to it included.

    Closes of [begin, end) are marked; of a grid that has stopped they are all that is left to do. S_IN_RANGE counts.
    Other arguments as in `kernel.run`.
    """
    n = lots.shape[0]
    now = marked = begin
    low = high = 0.0
    while books[B_STOPPED] == 0 and now < end:
        mark(marked, now, low, high, tree, offset, days, books, stats)
        marked = now
        if now == begin:
            finish(now, tree, levels, lots, gross, rule, books, stats, log)
        else:
            candle(now, tree, levels, lots, gross, rule, books, stats, log)
        books[B_LAST] = now
        empty = books[B_EMPTY]
        buy_at = levels[empty - 1] - rule[R_PENETRATION] if empty > 0 else -1
        sell_at = levels[empty + 1] + rule[R_PENETRATION] if empty < n else FAR
        buy_at, sell_at = max(buy_at, rule[R_STOP_LOSS]), min(sell_at, rule[R_TAKE_PROFIT])
        low, high = float(max(buy_at, 0)), float(sell_at)
        if books[B_STOPPED] == 0:
            now = next_event(tree, offset, now + 1, buy_at, sell_at)
    low, high = (0.0, float(FAR)) if books[B_STOPPED] else (low, high)
    mark(marked, end, low, high, tree, offset, days, books, stats)
    last = min(end, books[B_LAST] + 1) if books[B_STOPPED] else end
    stats[S_IN_RANGE] += count_within(tree, offset, begin, last, levels[0], levels[n])
    if books[B_STOPPED] == 0 and end < offset[1]:
        leg(end, tree[end, 2], True, levels, lots, gross, rule, books, stats, log)
        books[B_LAST] = end
