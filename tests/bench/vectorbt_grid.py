"""The same grid as a vectorbt flexible order function: an independent check, and the peer of the benchmark."""

import numpy as np
import vectorbt as vbt
from numba import njit
from vectorbt.portfolio.nb import order_nb, order_nothing_nb


@njit
def grid_order(c, opens, highs, lows, closes, levels, size, state, start, fees):
    """`state`: empty level, point of the path, cursor over the bar. Prices in ticks; `nearest`, penetration 1."""
    i = c.i
    if c.call_idx == 0:
        state[1] = 0
        if i == 0:
            return 0, order_nb(size=start[0] * size[0], price=start[1] * size[1], fees=fees)
    o, h, low, cl = opens[i], highs[i], lows[i], closes[i]
    low_first = (o - low) < (h - o) or ((o - low) == (h - o) and cl >= o)
    n = levels.shape[0] - 1
    while state[1] < 4:
        if state[1] == 0:
            y = o
        elif state[1] == 3:
            y = cl
        else:
            y = low if (state[1] == 1) == low_first else h
        j = state[0]
        if j > 0 and y <= levels[j - 1] - 1:
            state[0] = j - 1
            return 0, order_nb(size=size[0], price=levels[j - 1] * size[1], fees=fees)
        if j < n and y >= levels[j + 1] + 1:
            state[0] = j + 1
            return 0, order_nb(size=-size[0], price=levels[j + 1] * size[1], fees=fees)
        state[1] += 1
    return -1, order_nothing_nb()


def vectorbt_run(plan, ticks, max_orders):
    """The plan's grid (equal lots) through `Portfolio.from_order_func`; returns the portfolio."""
    market = plan.market
    lots = plan.lots[0]
    size = np.array([lots * float(market.lot), float(market.tick)])
    close = ticks.close * float(market.tick)
    start = np.array([len(plan.lots) - plan.empty, plan.start_fill], dtype=np.int64)
    columns = [np.ascontiguousarray(x) for x in (ticks.open, ticks.high, ticks.low, ticks.close)]
    return vbt.Portfolio.from_order_func(
        close,
        grid_order,
        *columns,
        np.array(plan.levels),
        size,
        np.array([plan.empty, 0]),
        start,
        float(market.maker_fee),
        flexible=True,
        init_cash=float(market.money(plan.cash)) * 2,
        max_orders=max_orders,
        freq="1min",
    )
