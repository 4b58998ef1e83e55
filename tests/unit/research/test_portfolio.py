"""Two checks by vectorbt: its portfolio of our fills, and our grid as its own order function."""

import numpy as np
import pandas as pd
import pytest

import autogrid as ag
from autogrid.research.backtest import plan_for
from autogrid.research.simulate import fill_log, prepare, simulate
from autogrid.research.synthetic import synthetic_candles
from autogrid.research.ticks import candle_ticks
from autogrid.strategies.registry import strategy_of
from tests.bench.vectorbt_grid import vectorbt_run


@pytest.mark.parametrize("asset", ["quote", "base"])
@pytest.mark.parametrize("stops", [{}, {"stop_loss": "58500"}, {"take_profit": "62000", "stop_action": "keep"}])
def test_the_portfolio_equals_our_books(candles: pd.DataFrame, asset: str, stops: dict[str, str]) -> None:
    market = ag.Market("0.01", "0.00001", "5", "0.001", "0.0015", asset)
    grid = ag.Grid(lower="58500", upper="62000", cells=20, investment="10000", **stops)
    result = ag.backtest(grid, candles, market, slippage_ticks=3)
    folio, m = result.portfolio, result.metrics
    assert folio.orders.count() == m["fills"] == len(result.fills)
    assert folio.orders.fees.sum() == pytest.approx(m["fees"], rel=1e-9)
    assert folio.total_return() == pytest.approx(m["total_return"], rel=1e-9)
    assert folio.final_value() == pytest.approx(float(result.ledger.equity), rel=1e-12)
    pd.testing.assert_series_equal(folio.value(), result.equity, check_names=False, check_freq=False, rtol=1e-9)
    pd.testing.assert_series_equal(folio.assets(), result.inventory, check_names=False, check_freq=False, atol=1e-9)
    assert folio.wrapper.freq == pd.Timedelta("1min")
    assert "Sharpe Ratio" in folio.stats(silence_warnings=True)


@pytest.mark.parametrize("asset", ["quote", "base"])
def test_the_portfolio_of_a_strategy_equals_our_books(candles: pd.DataFrame, asset: str) -> None:
    market = ag.Market("0.01", "0.00001", "5", "0.001", "0.0015", asset)
    strategy = strategy_of("recentre", {"width": "0.02", "cells": 6})
    result = ag.backtest(strategy, candles, market, cash="10000", slippage_ticks=3)
    assert set(result.fills["kind"]) == {"start", "grid", "regrid"}
    folio = result.portfolio
    assert folio.final_value() == pytest.approx(float(result.ledger.equity), rel=1e-12)
    assert folio.orders.fees.sum() == pytest.approx(result.metrics["fees"], rel=1e-9)


def test_one_candle_makes_a_portfolio_too(candles: pd.DataFrame, market: ag.Market, grid: ag.Grid) -> None:
    result = ag.backtest(grid, candles.iloc[:1], market)
    assert result.portfolio.orders.count() == 1
    assert result.portfolio.total_return() == pytest.approx(result.metrics["total_return"])


@pytest.mark.parametrize(("spacing", "cells", "seed"), [("geometric", 40, 3), ("arithmetic", 17, 4)])
def test_vectorbt_s_flexible_order_function_makes_the_same_fills(spacing: str, cells: int, seed: int) -> None:
    candles = synthetic_candles(days=5, seed=seed)
    market = ag.Market(tick="0.01", lot="0.00001", min_notional="5", maker_fee="0.0002", taker_fee="0.0002")
    low, high = (str(round(x)) for x in (candles["low"].min() * 1.01, candles["high"].max() * 0.99))
    grid = ag.Grid(lower=low, upper=high, cells=cells, spacing=spacing, investment="50000")
    ticks = candle_ticks(candles, market)
    job = prepare(plan_for(grid, market, ticks, None, 0), ticks, "nearest", 1, 0)
    ours = fill_log(simulate(job, ticks, 100_000))
    records = vectorbt_run(job.plan, ticks, len(ours) + 10).orders.values
    assert len(records) == len(ours) > 100
    assert np.array_equal(records["idx"], ours.candle)
    assert np.array_equal(records["side"], np.where(ours.side == 1, 0, 1))
    np.testing.assert_allclose(records["price"], ours.price * 0.01, rtol=1e-12)
    np.testing.assert_allclose(records["size"], ours.lots * 1e-5, rtol=1e-9)
