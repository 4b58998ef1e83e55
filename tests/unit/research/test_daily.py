"""Daily returns out of the fill log, against the kernel's sums and against the equity at every close."""

import numpy as np
import pandas as pd
import pytest

import autogrid as ag


@pytest.mark.parametrize("fee_asset", ["quote", "base"])
@pytest.mark.parametrize("changes", [{}, {"stop_loss": "56500"}])
def test_daily_returns_are_those_of_the_metrics(
    changes: dict[str, object], fee_asset: str, candles: pd.DataFrame
) -> None:
    """The kernel's sums and the fill log tell the same story, whatever ends or moves the grid."""
    market = ag.Market(tick="0.01", lot="0.00001", maker_fee="0.001", taker_fee="0.002", buy_fee_asset=fee_asset)
    grid = ag.Grid(**{"lower": "58500", "upper": "61000", "cells": 12, "quote": "300", **changes})
    result = ag.backtest(grid, candles, market, cash="7000")
    daily = result.daily_returns
    assert len(daily) == 4
    assert str(daily.index[0]) == "2024-01-01 00:00:00+00:00"
    assert len(result.fills) > 10
    assert daily.mean() / daily.std() * 365**0.5 == pytest.approx(result.metrics["sharpe"], rel=1e-8)
    assert np.prod(1 + daily) - 1 == pytest.approx(result.metrics["total_return"], rel=1e-9)
    last = result.equity.groupby(result.equity.index.floor("D")).last()
    expected = last.pct_change().fillna(last.iloc[0] / float(result.ledger.equity_start) - 1)
    assert daily.to_numpy() == pytest.approx(expected.to_numpy(), rel=1e-9, abs=1e-13)
