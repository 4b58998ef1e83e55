"""Grids that follow the price: kernel, ladder and the live engine are one machine."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

import autogrid as ag
from autogrid.core.levels import Ruler
from autogrid.core.market import Market
from autogrid.errors import InvalidInput
from autogrid.live.replay import replay
from autogrid.research import simulate as sim
from autogrid.research.backtest import plan_for
from autogrid.research.daily import daily_returns
from autogrid.research.metrics import candle_facts, metrics
from autogrid.research.naive import trace, trace_orders
from autogrid.research.ticks import candle_ticks
from autogrid.research.trail import level_spans
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
    assert daily_returns(sim.fill_log(fast), plan.cash, ticks, plan.market) == pytest.approx(
        returns, rel=1e-9, abs=1e-12
    )
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


@pytest.fixture(scope="module")
def result(candles, market):
    grid = ag.Grid(
        lower="59000", upper="61000", cells=8, quote="500", trailing="both", stop_loss="40000", spacing="geometric"
    )
    found = ag.backtest(grid, candles, market, cash="8000")
    assert {1, -1} <= set(np.diff(found.run.moves[:, 1]).tolist())
    return found


def test_the_portfolio_equals_our_books(result):
    folio, m = result.portfolio, result.metrics
    assert folio.orders.count() == m["fills"]
    assert folio.final_value() == pytest.approx(float(result.ledger.equity), rel=1e-12)
    pd.testing.assert_series_equal(folio.value(), result.equity, check_names=False, check_freq=False, rtol=1e-9)
    assert folio.orders.fees.sum() == pytest.approx(m["fees"], rel=1e-9)


def test_levels_are_drawn_for_as_long_as_they_were_there(result):
    run, n = result.run, result.run.plan.n
    ruler = Ruler(run.plan.grid.lower, run.plan.grid.upper, n, "geometric", run.market.tick)
    spans = level_spans(run, 10**9)
    assert len(spans) == n + 1 + len(run.moves)
    offset, last = 0, 0
    for candle, moved in [*run.moves.tolist(), (len(result.candles) - 1, 0)]:
        if candle > last + 1:
            there = {level for level, first, end in spans if first <= last and end > last + 1}
            assert there == {run.market.price(ruler.level(i)) for i in range(offset, offset + n + 1)}
        offset, last = moved, candle
    shapes = result.plot().layout.shapes
    assert len(shapes) == len(spans[:: -(-len(spans) // 600)])
    assert {str(shape.xref) for shape in shapes} == {"None"}


def test_cards_say_that_and_how_it_moved(result):
    card = result._repr_html_()
    assert "geometric grid 59000-61000, 8 cells, trailing both" in card
    assert "Moves up / down, levels at the end" in card


def test_a_sweep_takes_trailing_as_a_field(candles, market):
    grid = ag.Grid(lower="59000", upper="61000", cells=8, quote="500")
    frame = ag.sweep(
        grid, {"trailing": [None, "up", "down", "both", "sideways"]}, candles, market, cash="8000", progress=False,
        with_bounds=True,
    ).frame  # fmt: skip
    assert frame["error"].isna().tolist() == [True] * 4 + [False]
    assert frame["equity" if "equity" in frame else "total_return"].nunique() > 3
    assert (frame["worst"].dropna() <= frame["best"].dropna()).all()


def test_numbers_that_moves_could_bring_beyond_int64_are_refused_before_the_run():
    market = Market(tick="1", lot="0.00000001", maker_fee="0.001", taker_fee="0.001")
    rows = [(1000, 1000, 1000, 1000), (1000, 1000, 2, 2)]
    index = pd.date_range("2024-01-01", periods=2, freq="h", tz="UTC", unit="ms")
    frame = pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=index).astype(float)
    sizes = {"lower": "500", "upper": "1500", "cells": 2, "quote": "10000000"}
    ag.backtest(ag.Grid(**sizes), frame, market)
    # At a price of 2 a new cell would have so many lots that their sum in millionths does not fit.
    with pytest.raises(InvalidInput, match=r"must stay below 2\*\*62"):
        ag.backtest(ag.Grid(**sizes, trailing="both"), frame, market)
