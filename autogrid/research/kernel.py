"""The grid, compiled: CONTRACT sections 3 to 5 over candle arrays, at a cost that grows with fills.

Equal bit for bit to `autogrid.core.ladder` (tests/unit/research/test_kernel.py). Integers are ticks, lots, atoms.
"""

from numba.extending import register_jitable

from autogrid.core import path
from autogrid.research.compiling import compiled
from autogrid.research.kernel_tree import count_within, drawdown, next_event

is_low_first = register_jitable(path.is_low_first)

# Indices into `rule`, the constants of a run.
R_PENETRATION, R_SLIPPAGE, R_STOP_LOSS, R_TAKE_PROFIT, R_STOP_SELL = 0, 1, 2, 3, 4
R_MAKER, R_TAKER, R_FEE_IN_BASE, R_PATH, R_EMPTY = 5, 6, 7, 8, 9
R_START, R_START_FILL, R_START_LOTS, R_CASH, R_SIZE = 10, 11, 12, 13, 14

# Indices into `books`, the integer results. DUST is base beyond the cells, in millionths of a lot.
# OFFSET and MOVES are a trailing grid's (kernel_trail): number of its lowest cell, and how often it moved.
B_EMPTY, B_HIGHEST, B_CASH, B_HELD, B_DUST, B_FEES, B_FEES_MICRO = 0, 1, 2, 3, 4, 5, 6
B_REALISED, B_EXCESS_COST, B_EXCESS_REVENUE, B_ROUND_TRIPS, B_FILLS = 7, 8, 9, 10, 11
B_STOPPED, B_FIRST, B_LAST, B_COST, B_OFFSET, B_MOVES, B_SIZE = 12, 13, 14, 15, 16, 17, 18
STOP_LOSS, TAKE_PROFIT = 1, 2

# Indices into `stats`, the float results. Money in atoms.
S_DRAWDOWN, S_DAYS, S_SUM, S_SQUARES, S_DOWNSIDE, S_CAPITAL = 0, 1, 2, 3, 4, 5
S_IN_RANGE, S_FEE_VALUE, S_TURNOVER, S_PEAK, S_LAST_DAY, S_SIZE = 6, 7, 8, 9, 10, 11

# Columns of the fill log.
L_CANDLE, L_KIND, L_CELL, L_SIDE, L_PRICE, L_LOTS, L_SIZE = 0, 1, 2, 3, 4, 5, 6
START, GRID, STOP = 0, 1, 2
FAR = 1 << 62
MICRO = 1_000_000


@compiled
def pay(t, kind, cell, side, price, lots, needed, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """Book one fill of `lots`, of which `needed` belong to cells."""
    notional = price * lots
    ppm = rule[R_MAKER] if kind == GRID else rule[R_TAKER]
    books[B_CASH] -= side * notional
    stats[S_TURNOVER] += notional
    if side > 0 and rule[R_FEE_IN_BASE]:
        books[B_DUST] += (lots - needed) * MICRO - lots * ppm
        books[B_FEES_MICRO] += lots * ppm
        stats[S_FEE_VALUE] += notional * (ppm / MICRO)
    else:
        fee = (notional * ppm + 500_000) // MICRO
        books[B_CASH] -= fee
        books[B_FEES] += fee
        books[B_DUST] += side * (lots - needed) * MICRO
        stats[S_FEE_VALUE] += fee
    books[B_HELD] += side * needed
    if side > 0:
        books[B_EXCESS_COST] += (lots - needed) * price
    else:
        books[B_EXCESS_REVENUE] += (lots - needed) * price
    n = books[B_FILLS]
    if n < log.shape[0]:
        log[n, L_CANDLE] = t
        log[n, L_KIND] = kind
        log[n, L_CELL] = cell
        log[n, L_SIDE] = side
        log[n, L_PRICE] = price
        log[n, L_LOTS] = lots
    books[B_FILLS] = n + 1


@compiled
def begin(t, lots, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """The start order: the base of all cells from the empty level up."""
    books[B_FIRST] = t
    if rule[R_START_LOTS] > 0:
        needed = 0
        for i in range(rule[R_EMPTY], lots.shape[0]):
            needed += lots[i]
        price = rule[R_START_FILL]
        pay(t, START, -1, 1, price, rule[R_START_LOTS], needed, rule, books, stats, log)
        books[B_COST] += needed * price


@compiled
def buy_down_to(t, y, levels, lots, gross, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """Fill every buy that a leg down to `y` trades through."""
    while books[B_EMPTY] > 0 and y <= levels[books[B_EMPTY] - 1] - rule[R_PENETRATION]:
        cell = books[B_EMPTY] - 1
        pay(t, GRID, cell, 1, levels[cell], gross[cell], lots[cell], rule, books, stats, log)
        books[B_EMPTY] = cell
        books[B_COST] += levels[cell] * lots[cell]


@compiled
def basis(cell, levels, rule, books):  # type: ignore[no-untyped-def]
    """A held cell's cost: the start price until it has once been sold, its own buy price after that."""
    return rule[R_START_FILL] if cell >= books[B_HIGHEST] else levels[cell]


@compiled
def sell_up_to(t, y, levels, lots, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """Fill every sell that a leg up to `y` trades through."""
    n = lots.shape[0]
    while books[B_EMPTY] < n and y >= levels[books[B_EMPTY] + 1] + rule[R_PENETRATION]:
        cell = books[B_EMPTY]
        price = levels[cell + 1]
        pay(t, GRID, cell, -1, price, lots[cell], lots[cell], rule, books, stats, log)
        cost = basis(cell, levels, rule, books)
        books[B_REALISED] += (price - cost) * lots[cell]
        books[B_COST] -= cost * lots[cell]
        books[B_ROUND_TRIPS] += 1
        books[B_EMPTY] = cell + 1
        books[B_HIGHEST] = max(books[B_HIGHEST], cell + 1)


@compiled
def halt(t, reason, price, levels, lots, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """A stop: all orders go; with the action "sell" all whole lots are sold at `price`."""
    books[B_STOPPED] = reason
    if rule[R_STOP_SELL]:
        whole = books[B_HELD] + books[B_DUST] // MICRO
        if whole > 0:
            for cell in range(books[B_EMPTY], lots.shape[0]):
                books[B_REALISED] += (price - basis(cell, levels, rule, books)) * lots[cell]
            pay(t, STOP, -1, -1, price, whole, books[B_HELD], rule, books, stats, log)
        books[B_COST] = 0


@compiled
def leg(t, y, gap, levels, lots, gross, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """The price moves on to `y`."""
    if y <= rule[R_STOP_LOSS]:
        buy_down_to(t, rule[R_STOP_LOSS], levels, lots, gross, rule, books, stats, log)
        price = (y if gap else rule[R_STOP_LOSS]) - rule[R_SLIPPAGE]
        halt(t, STOP_LOSS, price, levels, lots, rule, books, stats, log)
    elif y >= rule[R_TAKE_PROFIT]:
        sell_up_to(t, rule[R_TAKE_PROFIT], levels, lots, rule, books, stats, log)
        price = (y if gap else rule[R_TAKE_PROFIT]) - rule[R_SLIPPAGE]
        halt(t, TAKE_PROFIT, price, levels, lots, rule, books, stats, log)
    else:
        buy_down_to(t, y, levels, lots, gross, rule, books, stats, log)
        sell_up_to(t, y, levels, lots, rule, books, stats, log)


@compiled
def candle(t, tree, levels, lots, gross, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """All legs of candle `t`; starts the grid on the way if it has not started yet."""
    open_, low, high, close = tree[t, 2], tree[t, 0], tree[t, 1], tree[t, 3]
    low_first = is_low_first(open_, high, low, close, rule[R_PATH])
    before = open_ if t == 0 else tree[t - 1, 3]
    for k in range(4):
        if k == 0:
            y = open_
        elif k == 3:
            y = close
        else:
            y = low if (k == 1) == low_first else high
        if books[B_FIRST] < 0 and min(before, y) <= rule[R_START] <= max(before, y):
            begin(t, lots, rule, books, stats, log)
        if books[B_FIRST] >= 0 and books[B_STOPPED] == 0:
            leg(t, y, k == 0, levels, lots, gross, rule, books, stats, log)
        before = y


@compiled
def first_reach(tree, total, price):  # type: ignore[no-untyped-def]
    """The first candle whose path, the gap from the last close included, meets `price`; -1 if none."""
    for t in range(total):
        low, high = tree[t, 0], tree[t, 1]
        if t > 0:
            low, high = min(low, tree[t - 1, 3]), max(high, tree[t - 1, 3])
        if low <= price <= high:
            return t
    return -1


@compiled
def mark(first, last, low, high, tree, offset, days, books, stats):  # type: ignore[no-untyped-def]
    """Equity over the closes of [first, last), in which nothing fills; closes lie within (low, high)."""
    cash = float(books[B_CASH])
    base = books[B_HELD] + books[B_DUST] / MICRO
    peak, worst = stats[S_PEAK], stats[S_DRAWDOWN]
    top, bottom = max(peak, cash + base * high), cash + base * low
    if top > peak or top - bottom > worst * top:
        stats[S_PEAK], stats[S_DRAWDOWN] = drawdown(tree, offset, first, last, cash, base, peak, worst)
    stats[S_CAPITAL] += float(books[B_COST]) * (last - first)
    day = int(stats[S_DAYS])
    while day < days.shape[0] and days[day] < last:
        equity = cash + base * tree[days[day], 3]
        change = equity / stats[S_LAST_DAY] - 1.0
        stats[S_SUM] += change
        stats[S_SQUARES] += change * change
        stats[S_DOWNSIDE] += min(change, 0.0) ** 2
        stats[S_LAST_DAY] = equity
        day += 1
    stats[S_DAYS] = day


@compiled
def run(tree, offset, days, levels, lots, gross, rule, books, stats, log):  # type: ignore[no-untyped-def]
    """One grid over all candles. Fills `books`, `stats` and as much of `log` as it holds.

    tree, offset: see kernel_tree; days: index of the last candle of each UTC day; levels (n+1,), lots and gross (n,);
    rule, books, stats: see the index constants above; log: (capacity, L_SIZE), B_FILLS counts past it.
    """
    total = offset[1]
    n = lots.shape[0]
    books[B_EMPTY] = rule[R_EMPTY]
    books[B_HIGHEST] = rule[R_EMPTY]
    books[B_CASH] = rule[R_CASH]
    books[B_FIRST] = -1
    stats[S_PEAK] = stats[S_LAST_DAY] = rule[R_CASH]
    now = first_reach(tree, total, rule[R_START])
    if now < 0:
        mark(0, total, 0.0, 0.0, tree, offset, days, books, stats)
        return
    marked = 0
    low = high = 0.0
    while now < total:
        mark(marked, now, low, high, tree, offset, days, books, stats)
        marked = now
        candle(now, tree, levels, lots, gross, rule, books, stats, log)
        books[B_LAST] = now
        if books[B_STOPPED]:
            break
        empty = books[B_EMPTY]
        buy_at = levels[empty - 1] - rule[R_PENETRATION] if empty > 0 else -1
        sell_at = levels[empty + 1] + rule[R_PENETRATION] if empty < n else FAR
        buy_at, sell_at = max(buy_at, rule[R_STOP_LOSS]), min(sell_at, rule[R_TAKE_PROFIT])
        low, high = float(max(buy_at, 0)), float(sell_at)
        now = next_event(tree, offset, now + 1, buy_at, sell_at)
    low, high = (0.0, float(FAR)) if books[B_STOPPED] else (low, high)
    mark(marked, total, low, high, tree, offset, days, books, stats)
    end = books[B_LAST] + 1 if books[B_STOPPED] else total
    first = books[B_FIRST]
    stats[S_IN_RANGE] = count_within(tree, offset, first, end, levels[0], levels[n]) / (end - first)
