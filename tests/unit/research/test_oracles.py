"""Results known without any simulator: closed forms, independent counts, symmetry, a martingale."""

from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import autogrid as ag

STEP = 10


def candles_through(prices):
    """Candles that visit `prices` one after the other, each a single straight leg."""
    prices = np.asarray(prices, dtype=float)
    before = np.concatenate([prices[:1], prices[:-1]])
    index = pd.date_range("2024-01-01", periods=len(prices), freq="min", tz="UTC", unit="ms")
    columns = {
        "open": before,
        "high": np.maximum(before, prices),
        "low": np.minimum(before, prices),
        "close": prices,
    }
    return pd.DataFrame(columns, index=index)


def free_market(**rules):
    return ag.Market(tick="1", lot="0.001", min_notional="0", **rules)


def wide_grid(**changes):
    return ag.Grid(**{"lower": "500", "upper": "1500", "cells": 100, "amount": "2", **changes})


steps = st.lists(st.sampled_from([-1, 1]), min_size=1, max_size=49)
# A grid without fees would be refused as earning nothing only if steps were empty; these never are.


@settings(deadline=None)
@given(steps)
def test_oracle_1_closed_form_of_a_walk_on_levels(walk):
    prices = 1000 + STEP * np.cumsum([0, *walk])
    result = ag.backtest(wide_grid(), candles_through(prices), free_market(), penetration_ticks=0)
    fills, net, quantity, held = len(walk), sum(walk), 2, 50
    expected = held * quantity * net * STEP + quantity * STEP * (fills - net**2) // 2
    assert result.ledger.equity - result.ledger.equity_start == expected
    assert len(result.fills) == fills + 1
    assert result.ledger.round_trips == (fills + net) // 2


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(480, 1520), min_size=1, max_size=80), st.integers(0, 3))
def test_oracle_2_each_cell_alone_counts_its_crossings(prices, penetration):
    result = ag.backtest(wide_grid(), candles_through([1003, *prices]), free_market(), penetration_ticks=penetration)
    levels = result.run.plan.levels
    sold = result.fills.loc[result.fills["side"] == "sell", "cell"].value_counts()
    for cell in range(100):
        holds = cell >= result.run.plan.empty
        sells = 0
        for price in prices:
            if holds and price >= levels[cell + 1] + penetration:
                holds, sells = False, sells + 1
            elif not holds and price <= levels[cell] - penetration:
                holds = True
        assert sold.get(cell, 0) == sells


@settings(deadline=None)
@given(steps, st.sampled_from(["quote", "base"]))
def test_oracle_4_conservation(walk, fee_asset):
    market = free_market(maker_fee="0.0011", taker_fee="0.0013", buy_fee_asset=fee_asset)
    prices = 1000 + STEP * np.cumsum([0, *walk])
    books = ag.backtest(wide_grid(), candles_through(prices), market).ledger
    assert books.equity - books.equity_start == books.realised + books.unrealised - books.fees
    assert books.equity == books.cash + books.base * Decimal(int(prices[-1]))


@settings(deadline=None)
@given(st.lists(st.integers(600, 1400), min_size=1, max_size=60), st.integers(0, 2))
def test_oracle_5_a_mirrored_path_mirrors_the_fills(prices, penetration):
    def fills(path):
        result = ag.backtest(wide_grid(), candles_through([1000, *path]), free_market(), penetration_ticks=penetration)
        log = result.run.fills
        return list(zip(log.candle, log.side, log.price, strict=True))[1:]

    mirrored = [(t, -side, 2000 - price) for t, side, price in fills([2000 - p for p in prices])]
    assert fills(prices) == mirrored


@settings(deadline=None)
@given(st.lists(st.integers(450, 1600), min_size=1, max_size=60), st.sampled_from([10, 100]))
def test_oracle_5_scaled_prices_scale_the_profit(prices, scale):
    def run(factor):
        market = ag.Market(tick=str(factor), lot="0.001", min_notional="0")
        grid = wide_grid(lower=str(500 * factor), upper=str(1500 * factor), cells=40, spacing="geometric")
        return ag.backtest(grid, candles_through(np.array([1000, *prices]) * factor), market)

    one, many = run(1), run(scale)
    assert (one.run.fills.cell == many.run.fills.cell).all()
    assert many.ledger.equity - many.ledger.equity_start == scale * (one.ledger.equity - one.ledger.equity_start)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(450, 1600), min_size=1, max_size=60), st.integers(0, 3))
def test_prices_of_eight_bytes_behave_like_those_of_four(prices, penetration):
    def run(factor):
        grid = wide_grid(lower=str(500 * factor), upper=str(1500 * factor), amount="0.1")
        candles = candles_through(np.array([1000, *prices]) * factor)
        return ag.backtest(grid, candles, free_market(), penetration_ticks=penetration * factor)

    factor = 10_000_000
    small, large = run(1), run(factor)
    assert (small.run.ticks.tree.itemsize, large.run.ticks.tree.itemsize) == (4, 8)
    assert (small.run.fills.cell == large.run.fills.cell).all()
    assert (small.run.fills.price * factor == large.run.fills.price).all()
    assert [x * factor for x in small.bounds] == list(large.bounds)


@pytest.mark.parametrize("fee", ["0", "0.001"])
def test_oracle_6_a_martingale_earns_nothing_but_pays_its_fees(fee):
    rng, market, gains = np.random.default_rng(11), free_market(maker_fee=fee, taker_fee=fee), []
    for _ in range(300):
        prices = 1000 + STEP * np.cumsum(rng.choice([-1, 1], size=45))
        result = ag.backtest(wide_grid(), candles_through([1000, *prices]), market, penetration_ticks=0)
        gains.append(float(result.ledger.equity - result.ledger.equity_start + result.ledger.fees))
    error = np.std(gains) / np.sqrt(len(gains))
    assert abs(np.mean(gains)) < 4 * error
    if fee != "0":
        assert result.metrics["fees"] == pytest.approx(0.001 * result.metrics["turnover"], rel=1e-4)
