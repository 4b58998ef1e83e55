"""Candles on their way to integers: exact rounding, consistency, refusals."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.core.market import Market
from autogrid.errors import InvalidInput
from autogrid.research.ticks import candle_ticks, to_ticks

MARKET = Market(tick="0.01", lot="1")


def frame(rows: Any = ((1.0, 2.0, 0.5, 1.5),), **changes: Any) -> pd.DataFrame:
    index = pd.date_range("2024-01-01", periods=len(rows), freq="min", tz="UTC", unit="ms")
    return pd.DataFrame(list(rows), columns=["open", "high", "low", "close"], index=index).assign(**changes)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.floats(1e-4, 1e7), min_size=1), st.sampled_from(["0.01", "0.25", "0.5", "1", "10", "0.0000003"]))
def test_floats_round_as_the_decimals_they_show(prices: list[float], tick: str) -> None:
    market = Market(tick=tick, lot="1")
    found = to_ticks(np.array(prices), market)
    assert found.tolist() == [market.price_ticks(Decimal(repr(x))) for x in prices]


@pytest.mark.parametrize(("price", "ticks"), [(0.005, 0), (0.015, 2), (0.025, 2), (1.005, 100), (2.675, 268)])
def test_ties_that_binary_cannot_hold(price: float, ticks: int) -> None:
    assert to_ticks(np.array([price]), MARKET).tolist() == [ticks]


def test_open_and_close_outside_the_range_widen_it() -> None:
    ticks = candle_ticks(frame([(5.0, 4.0, 3.0, 2.0)]), MARKET)
    assert (ticks.open[0], ticks.high[0], ticks.low[0], ticks.close[0]) == (500, 500, 200, 200)


def test_days_are_utc_and_travel_is_an_upper_bound() -> None:
    index = pd.date_range("2024-01-01 23:58", periods=4, freq="min", tz="UTC").tz_convert("Asia/Tokyo")
    rows = [(1.0, 2.0, 0.5, 1.5)] * 4
    ticks = candle_ticks(pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=index), MARKET)
    assert ticks.days.tolist() == [1, 3]
    assert len(ticks) == 4
    assert ticks.travel == 4 * 3 * 150 + 3 * 50


@pytest.mark.parametrize(
    ("candles", "message"),
    [
        (frame().reset_index(drop=True), "candles need a UTC DatetimeIndex"),
        (frame().tz_localize(None), "candles need a UTC DatetimeIndex"),
        (frame().iloc[:0], "candles are empty: at least one is needed"),
        (frame().drop(columns="high"), "candles need the columns open, high, low, close; missing: high"),
        (frame(close=float("nan")), "prices must be positive numbers, close was nan at 2024-01-01"),
        (frame(low=-1.0), "prices must be positive numbers, low was -1.0"),
        (frame(low=float("inf")), "prices must be positive numbers, low was inf"),
        (frame(low=0.004), r"every price must be at least one tick \(0.01\)"),
        (frame(high=1e15), "is more than 2\\*\\*52 ticks of 0.01; use a larger tick"),
        (pd.concat([frame(), frame()]), "must be in order without duplicates, row 1"),
        (frame([(1.0, 2.0, 0.5, 1.5)] * 2).iloc[::-1], "must be in order without duplicates, row 1"),
    ],
)
def test_refusals(candles: pd.DataFrame, message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        candle_ticks(candles, MARKET)
