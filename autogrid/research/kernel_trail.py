"""The kernel of grids that follow the price (CONTRACT section 9): the window of levels is a part of the state.

A specialisation of its own: grids that stay pay nothing for it. Equal bit for bit to `autogrid.core.ladder`.
`window` has the rows levels, lots, gross, basis (n + 1 columns), which move in place; `wide` all levels that these
candles can reach, rising; `stops` (stop loss, take profit) for every place in `wide` that a window can begin at.
"""

from autogrid.research.compiling import compiled
from autogrid.research.kernel import (
    B_CASH,
    B_COST,
    B_DUST,
    B_EMPTY,
    B_FIRST,
    B_HELD,
    B_LAST,
    B_MOVES,
    B_OFFSET,
    B_REALISED,
    B_ROUND_TRIPS,
    B_STOPPED,
    FAR,
    GRID,
    MICRO,
    R_CASH,
    R_EMPTY,
    R_FEE_IN_BASE,
    R_MAKER,
    R_PATH,
    R_PENETRATION,
    R_SLIPPAGE,
    R_START,
    R_START_FILL,
    R_STOP_SELL,
    S_IN_RANGE,
    S_LAST_DAY,
    S_PEAK,
    STOP,
    STOP_LOSS,
    TAKE_PROFIT,
    begin,
    first_reach,
    is_low_first,
    mark,
    pay,
)
from autogrid.research.kernel_tree import count_within, next_event

# Rows of `window`.
LEVEL, LOTS, GROSS, BASIS = 0, 1, 2, 3

# Indices into `more`, the constants of a trailing run: which ways it moves, where in `wide` the window starts, the
# least notional, the most lots and the most value of an order, quote atoms of a cell (0: all cells have equal lots).
T_UP, T_DOWN, T_ORIGIN, T_LEAST, T_MAX_LOTS, T_MAX_WORTH, T_QUOTE, T_SIZE = 0, 1, 2, 3, 4, 5, 6, 7


@compiled
def gross_of(lots, rule):  # type: ignore[no-untyped-def]
    """What a buy buys so that `lots` arrive."""
    return -(-lots * MICRO // (MICRO - rule[R_MAKER])) if rule[R_FEE_IN_BASE] else lots


@compiled
def buy_cost(price, lots, rule):  # type: ignore[no-untyped-def]
    """Atoms that leave the cash so that `lots` arrive."""
    if rule[R_FEE_IN_BASE]:
        return price * gross_of(lots, rule)
    return price * lots + (price * lots * rule[R_MAKER] + 500_000) // MICRO


@compiled
def fits(low, high, lots, rule, more):  # type: ignore[no-untyped-def]
    """Whether a cell can be worked; as `core.trailing.fits`."""
    gross = gross_of(lots, rule)
    revenue = high * lots
    return (
        0 < low < high
        and lots >= 1
        and low * lots >= more[T_LEAST]
        and gross <= more[T_MAX_LOTS]
        and gross * high <= more[T_MAX_WORTH]
        and revenue - (revenue * rule[R_MAKER] + 500_000) // MICRO > buy_cost(low, lots, rule)
    )


@compiled
def lots_above(window, wide, rule, more, books):  # type: ignore[no-untyped-def]
    """Lots of the cell that a move up adds; 0 where the grid cannot move up."""
    n = window.shape[1] - 1
    new = more[T_ORIGIN] + books[B_OFFSET] + n + 1
    if not more[T_UP] or books[B_EMPTY] < n or new >= wide.shape[0]:
        return 0
    top = window[LEVEL, n]
    lots = more[T_QUOTE] // top if more[T_QUOTE] else window[LOTS, 0]
    if not fits(top, wide[new], lots, rule, more):
        return 0
    cost = buy_cost(top, lots, rule)
    for i in range(1, n):
        cost += buy_cost(window[LEVEL, i], window[LOTS, i], rule)
    return lots if cost <= books[B_CASH] else 0


@compiled
def may_lower(window, wide, rule, more, books):  # type: ignore[no-untyped-def]
    """Whether the grid can move down."""
    new = more[T_ORIGIN] + books[B_OFFSET] - 1
    if not more[T_DOWN] or books[B_EMPTY] > 0 or new < 0:
        return False
    return fits(wide[new], window[LEVEL, 0], window[LOTS, window.shape[1] - 2], rule, more)


@compiled
def trail(t, y, window, wide, rule, more, books, moves):  # type: ignore[no-untyped-def]
    """Move one level where a leg to `y` calls for it; False where the grid stays."""
    n = window.shape[1] - 1
    at = more[T_ORIGIN] + books[B_OFFSET]
    lots = lots_above(window, wide, rule, more, books)
    if lots > 0 and y >= wide[at + n + 1] + rule[R_PENETRATION]:
        for row in range(4):
            for i in range(n):
                window[row, i] = window[row, i + 1]
        window[LEVEL, n] = wide[at + n + 1]
        window[LOTS, n - 1], window[GROSS, n - 1] = lots, gross_of(lots, rule)
        books[B_OFFSET] += 1
    elif may_lower(window, wide, rule, more, books) and y <= wide[at - 1] - rule[R_PENETRATION]:
        for row in range(4):
            last = window[row, n - 1]
            for i in range(n, 0, -1):
                window[row, i] = window[row, i - 1]
            window[row, 0] = last
        window[LEVEL, 0] = wide[at - 1]
        books[B_OFFSET] -= 1
    else:
        return False
    k = books[B_MOVES]
    if k < moves.shape[0]:
        moves[k, 0], moves[k, 1] = t, books[B_OFFSET]
    books[B_MOVES] = k + 1
    return True


@compiled
def start(t, window, wide, rule, more, books, stats, log, moves):  # type: ignore[no-untyped-def]
    """The start order, and the moves that the start price calls for."""
    n = window.shape[1] - 1
    begin(t, window[LOTS, :n], rule, books, stats, log)
    for i in range(rule[R_EMPTY], n):
        window[BASIS, i] = rule[R_START_FILL]
    while trail(t, rule[R_START], window, wide, rule, more, books, moves):
        pass


@compiled
def fill_to(t, y, window, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """Fill every order that a leg to `y` trades through."""
    n = window.shape[1] - 1
    while books[B_EMPTY] > 0 and y <= window[LEVEL, books[B_EMPTY] - 1] - rule[R_PENETRATION]:
        i = books[B_EMPTY] - 1
        price, lots = window[LEVEL, i], window[LOTS, i]
        pay(t, GRID, books[B_OFFSET] + i, 1, price, window[GROSS, i], lots, rule, books, stats, log)
        books[B_EMPTY] = i
        books[B_COST] += price * lots
        window[BASIS, i] = price
    while books[B_EMPTY] < n and y >= window[LEVEL, books[B_EMPTY] + 1] + rule[R_PENETRATION]:
        i = books[B_EMPTY]
        price, lots = window[LEVEL, i + 1], window[LOTS, i]
        pay(t, GRID, books[B_OFFSET] + i, -1, price, lots, lots, rule, books, stats, log)
        books[B_REALISED] += (price - window[BASIS, i]) * lots
        books[B_COST] -= window[BASIS, i] * lots
        books[B_ROUND_TRIPS] += 1
        books[B_EMPTY] = i + 1


@compiled
def halt(t, reason, price, window, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """A stop: all orders go; with the action "sell" all whole lots are sold at `price`."""
    books[B_STOPPED] = reason
    if rule[R_STOP_SELL]:
        whole = books[B_HELD] + books[B_DUST] // MICRO
        if whole > 0:
            for i in range(books[B_EMPTY], window.shape[1] - 1):
                books[B_REALISED] += (price - window[BASIS, i]) * window[LOTS, i]
            pay(t, STOP, -1, -1, price, whole, books[B_HELD], rule, books, stats, log)
        books[B_COST] = 0


@compiled
def leg(t, y, gap, window, wide, stops, rule, more, books, stats, log, moves):  # type: ignore[no-untyped-def]
    """The price moves on to `y`, level by level: a stop that a move takes along is not reached by it."""
    while books[B_STOPPED] == 0:
        at = more[T_ORIGIN] + books[B_OFFSET]
        reason, end = 0, y
        if y <= stops[at, 0]:
            reason, end = STOP_LOSS, stops[at, 0]
        elif y >= stops[at, 1]:
            reason, end = TAKE_PROFIT, stops[at, 1]
        fill_to(t, end, window, rule, books, stats, log)
        if trail(t, end, window, wide, rule, more, books, moves):
            continue
        if reason == 0:
            return
        halt(t, reason, (y if gap else end) - rule[R_SLIPPAGE], window, rule, books, stats, log)


@compiled
def candle(t, tree, window, wide, stops, rule, more, books, stats, log, moves):  # type: ignore[no-untyped-def]
    """All legs of candle `t`; starts the grid on the way if it has not started yet."""
    open_, low, high, close = int(tree[t, 2]), int(tree[t, 0]), int(tree[t, 1]), int(tree[t, 3])
    low_first = is_low_first(open_, high, low, close, rule[R_PATH])
    before = open_ if t == 0 else int(tree[t - 1, 3])
    for k in range(4):
        if k == 0:
            y = open_
        elif k == 3:
            y = close
        else:
            y = low if (k == 1) == low_first else high
        if books[B_FIRST] < 0 and min(before, y) <= rule[R_START] <= max(before, y):
            start(t, window, wide, rule, more, books, stats, log, moves)
        if books[B_FIRST] >= 0:
            leg(t, y, k == 0, window, wide, stops, rule, more, books, stats, log, moves)
        before = y


@compiled
def reach(window, wide, stops, rule, more, books):  # type: ignore[no-untyped-def]
    """The nearest prices at which the grid has something to do."""
    n, empty = window.shape[1] - 1, books[B_EMPTY]
    at = more[T_ORIGIN] + books[B_OFFSET]
    buy_at, sell_at = stops[at, 0], stops[at, 1]
    if empty > 0:
        buy_at = max(buy_at, window[LEVEL, empty - 1] - rule[R_PENETRATION])
    elif may_lower(window, wide, rule, more, books):
        buy_at = max(buy_at, wide[at - 1] - rule[R_PENETRATION])
    if empty < n:
        sell_at = min(sell_at, window[LEVEL, empty + 1] + rule[R_PENETRATION])
    elif lots_above(window, wide, rule, more, books) > 0:
        sell_at = min(sell_at, wide[at + n + 1] + rule[R_PENETRATION])
    return buy_at, sell_at


@compiled
def run_trailing(tree, offset, days, window, wide, stops, rule, more, books, stats, log, moves):  # type: ignore[no-untyped-def]
    """One trailing grid over all candles; as `kernel.run`. `moves` (capacity, 2): candle, offset after the move."""
    total = offset[1]
    n = window.shape[1] - 1
    books[B_EMPTY] = rule[R_EMPTY]
    books[B_CASH] = rule[R_CASH]
    books[B_FIRST] = -1
    stats[S_PEAK] = stats[S_LAST_DAY] = rule[R_CASH]
    now = first_reach(tree, total, rule[R_START])
    if now < 0:
        mark(0, total, 0.0, 0.0, tree, offset, days, books, stats)
        return
    marked = 0
    low = high = 0.0
    since, within = now, 0
    while now < total:
        mark(marked, now, low, high, tree, offset, days, books, stats)
        marked = now
        lower, upper, moved = window[LEVEL, 0], window[LEVEL, n], books[B_OFFSET]
        candle(now, tree, window, wide, stops, rule, more, books, stats, log, moves)
        books[B_LAST] = now
        if books[B_OFFSET] != moved:
            within += count_within(tree, offset, since, now, lower, upper)
            since = now
        if books[B_STOPPED]:
            break
        buy_at, sell_at = reach(window, wide, stops, rule, more, books)
        low, high = float(max(buy_at, 0)), float(sell_at)
        now = next_event(tree, offset, now + 1, buy_at, sell_at)
    low, high = (0.0, float(FAR)) if books[B_STOPPED] else (low, high)
    mark(marked, total, low, high, tree, offset, days, books, stats)
    end = books[B_LAST] + 1 if books[B_STOPPED] else total
    within += count_within(tree, offset, since, end, window[LEVEL, 0], window[LEVEL, n])
    stats[S_IN_RANGE] = within / (end - books[B_FIRST])
