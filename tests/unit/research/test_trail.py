"""Grids that follow the price: kernel, ladder and the live engine are one machine."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from autogrid.core.market import Market
from autogrid.errors import InvalidInput
from autogrid.live.replay import replay
from autogrid.research import simulate as sim
from autogrid.research.backtest import plan_for
from autogrid.research.metrics import candle_facts, metrics
from autogrid.research.naive import trace, trace_orders
from autogrid.research.ticks import candle_ticks
from tests.unit.research.test_kernel import cases

CASH = st.sampled_from([None, "30000", "100000"])


def prepared(case, cash):
    grid, market, candles, (path, penetration, slippage) = case
    ticks = candle_ticks(candles, market)
    try:
        plan = plan_for(grid, market, ticks, cash, slippage)
        return plan, ticks, sim.prepare(plan, ticks, path, penetration, slippage)
    except InvalidInput:
        assume(False)
        raise


@settings(max_examples=200, deadline=None)
@given(cases(trailing=True), CASH)
def test_equals_the_ladder_candle_by_candle(case, cash):
    plan, ticks, job = prepared(case, cash)
    path, penetration, slippage = case[3]
    slow = trace(plan, ticks, path, penetration, slippage)
    fast = sim.simulate(job, ticks, log_size=4)
    assert [tuple(map(int, row)) for row in fast.log] == [(t, *fill) for t, fill in slow.fills]
    assert sim.ledger(fast, int(ticks.close[-1])) == slow.ladder.books.ledger(int(ticks.close[-1]))
    assert (fast.stopped, fast.started) == (slow.ladder.stopped, slow.ladder.started)
    ups, downs = (int((np.diff([0, *fast.moves[:, 1]]) == way).sum()) for way in (1, -1))
    event(f"up {min(ups, 3)} down {min(downs, 3)}")
    event(f"moved, then stopped: {bool(len(fast.moves)) and fast.stopped}")
    offsets, at = [], 0
    for t in range(len(ticks)):
        at = next((int(offset) for candle, offset in reversed(fast.moves) if candle <= t), 0)
        offsets.append(at)
    assert offsets == [window.offset for window in slow.windows]
    equity = np.array(slow.cash, float) + np.array(slow.base_micro, float) / 1e6 * ticks.close
    got = metrics(fast, sim.ledger(fast, int(ticks.close[-1])), ticks, candle_facts(ticks))
    with_start = np.concatenate([[plan.cash], equity])
    assert got["max_drawdown"] == pytest.approx((1 - with_start / np.maximum.accumulate(with_start)).max(), abs=1e-12)
    daily = np.concatenate([[plan.cash], pd.Series(equity).groupby(case[2].index.floor("D")).last().to_numpy()])
    returns = daily[1:] / daily[:-1] - 1
    if len(returns) > 1 and returns.std() > 1e-9:
        assert got["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * 365**0.5, rel=1e-6, abs=1e-9)
    if slow.ladder.started:
        first, last = int(fast.books[sim.k.B_FIRST]), int(fast.books[sim.k.B_LAST]) if fast.stopped else len(ticks) - 1
        inside = [
            slow.windows[t].levels[0] <= ticks.close[t] <= slow.windows[t].levels[-1] for t in range(first, last + 1)
        ]
        assert got["time_in_range"] == pytest.approx(np.mean(inside))


@settings(max_examples=100, deadline=None)
@given(cases(max_candles=6, trailing=True), st.sampled_from([None, "100000"]))
def test_bounds_hold_all_orders_tried(case, cash):
    plan, ticks, job = prepared(case, cash)
    _, penetration, slippage = case[3]
    close = int(ticks.close[-1])
    traces = [
        trace_orders(plan, ticks, list(orders), penetration, slippage) for orders in product((1, 2), repeat=len(ticks))
    ]
    finals = [each.ladder.books.ledger(close).equity for each in traces]
    worst, best = sim.bounds(job, ticks)
    assert worst <= best
    dust = case[1].fee_in_base and plan.stop_sell and (plan.stop_loss or plan.take_profit)
    if cash is not None and not dust:
        # Ample cash: every move is paid for on every path.
        assert (worst, best) == (min(finals), max(finals))


def rows_of(candles):
    ts = candles.index.as_unit("ms").asi8.tolist()
    columns = [candles[name].astype(int).tolist() for name in ("open", "high", "low", "close")]
    return list(zip(ts, *columns, strict=True))


@settings(max_examples=150, deadline=None)
@given(cases(max_candles=40, trailing=True), CASH, st.sampled_from([None, None, 2, 3, 5]))
def test_the_live_engine_fills_what_the_ladder_fills(case, cash, window):
    plan, ticks, _ = prepared(case, cash)
    grid, market, candles, (path, penetration, slippage) = case
    slow = trace(plan, ticks, path, penetration, slippage)
    no_least = Market(**{**vars(market), "min_notional": 0})
    got = replay(
        grid, no_least, rows_of(candles), cash=cash, path=path, penetration_ticks=penetration,
        slippage_ticks=slippage, window=window, cell_market=market,
    )  # fmt: skip
    ts = ticks.ts
    expected = [(int(ts[t]), *fill) for t, fill in slow.fills]
    assert [(f.ts_ms, f.key.kind, f.key.cell, f.side, f.price, f.lots) for f in got.fills] == expected
    if slow.ladder.started:
        assert got.stopped == slow.ladder.stopped
        assert got.position.plan.levels == slow.ladder.plan.levels
        assert got.position.books.lots == slow.ladder.books.lots
        assert got.position.books.cost == slow.ladder.books.cost
        assert got.position.books.ledger(int(ticks.close[-1])) == slow.ladder.books.ledger(int(ticks.close[-1]))
    else:
        assert got.position is None
