"""A small made-up market and one grid on it, shared by the tests of what a run hands back."""

import pandas as pd
import pytest

import autogrid as ag
from autogrid.research.synthetic import synthetic_candles

#: The grid spans what a mean-reverting price of 60,000 visits in a few days.
GRID = {"lower": "57000", "upper": "63000", "cells": 30, "spacing": "geometric", "investment": "10000"}


@pytest.fixture(scope="session")
def candles() -> pd.DataFrame:
    return synthetic_candles(days=4, seed=6)


@pytest.fixture(scope="session")
def market() -> ag.Market:
    return ag.Market(tick="0.01", lot="0.00001", min_notional="5", maker_fee="0.001", taker_fee="0.001")


@pytest.fixture(scope="session")
def grid() -> ag.Grid:
    return ag.Grid(**GRID)


@pytest.fixture(scope="session")
def result(grid: ag.Grid, candles: pd.DataFrame, market: ag.Market) -> ag.Result:
    return ag.backtest(grid, candles, market)
