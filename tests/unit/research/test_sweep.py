"""A sweep: every row is a backtest, refusals are rows, and what is shown of it."""

import numpy as np
import pandas as pd
import pytest

import autogrid as ag
from autogrid.errors import InvalidInput
from autogrid.strategies.registry import strategy_of

VALUES = {"cells": [10, 20, 30, 5000], "lower": ["56000", "57000", "64000"]}


@pytest.fixture(scope="module")
def swept(grid: ag.Grid, candles: pd.DataFrame, market: ag.Market) -> ag.Sweep:
    return ag.sweep(grid, VALUES, candles, market, with_bounds=True, progress=False)


def test_one_row_per_combination_in_order(swept: ag.Sweep) -> None:
    assert [tuple(row) for row in swept.frame[["cells", "lower"]].to_numpy()] == [
        (c, low) for c in VALUES["cells"] for low in VALUES["lower"]
    ]
    assert list(swept.frame.columns[:2]) == ["cells", "lower"]
    assert swept.frame.columns[-1] == "error"


def test_each_row_is_the_backtest_of_that_grid(
    swept: ag.Sweep, grid: ag.Grid, candles: pd.DataFrame, market: ag.Market
) -> None:
    row = swept.frame.iloc[4]
    alone = ag.backtest(
        ag.Grid(lower="57000", upper="63000", cells=20, spacing="geometric", investment="10000"), candles, market
    )
    for name, value in alone.metrics.items():
        assert row[name] == value, name
    assert (row["worst"], row["best"]) == tuple(float(x) for x in alone.bounds)


def test_what_cannot_work_is_a_row_with_its_reason(swept: ag.Sweep) -> None:
    refused = swept.frame[swept.frame["error"].notna()]
    assert len(refused) == 6
    assert refused["total_return"].isna().all()
    assert refused["error"].iloc[0] == "lower must be below upper, was 64000 >= 63000"
    assert "at most" in refused["error"].iloc[-2]


def test_threads_change_nothing(swept: ag.Sweep, grid: ag.Grid, candles: pd.DataFrame, market: ag.Market) -> None:
    for workers in (1, 4):
        again = ag.sweep(grid, VALUES, candles, market, with_bounds=True, workers=workers, progress=False)
        pd.testing.assert_frame_equal(again.frame, swept.frame)


def test_ranges_and_arrays_of_numpy(grid: ag.Grid, candles: pd.DataFrame, market: ag.Market) -> None:
    swept = ag.sweep(grid, {"cells": np.arange(10, 13), "lower": range(56000, 56003)}, candles, market, progress=False)
    assert len(swept.frame) == 9
    assert swept.frame["error"].isna().all()


def test_a_progress_bar(
    grid: ag.Grid, candles: pd.DataFrame, market: ag.Market, capsys: pytest.CaptureFixture[str]
) -> None:
    ag.sweep(grid, {"cells": [10, 11]}, candles, market)
    assert "2/2" in capsys.readouterr().err


def test_best_and_its_card(swept: ag.Sweep) -> None:
    best = swept.best("sharpe", 2)
    assert list(best["sharpe"]) == sorted(swept.frame["sharpe"].dropna(), reverse=True)[:2]
    card = swept._repr_html_()
    for text in ("12 grids, 6 refused", "total return", "max drawdown", "lower must be below upper", "%</td>"):
        assert text in card


def test_all_refused(grid: ag.Grid, candles: pd.DataFrame, market: ag.Market) -> None:
    swept = ag.sweep(grid, {"lower": ["64000"]}, candles, market, progress=False)
    assert "1 grids, 1 refused" in swept._repr_html_()
    with pytest.raises(InvalidInput, match="a sweep's frame has no column 'sharpe'; known are lower, error"):
        swept.best("sharpe")


def test_a_heatmap_of_two_fields(swept: ag.Sweep) -> None:
    figure = swept.heatmap("cells", "lower", "round_trips")
    data = figure.data[0]
    assert list(data.x) == ["10", "20", "30", "5000"]
    assert list(data.y) == ["56000", "57000", "64000"]
    assert data.z[1][1] == swept.frame.iloc[4]["round_trips"]
    assert np.isnan(data.z[2][0])
    assert figure.layout.xaxis.title.text == "cells"
    assert swept.heatmap("cells", "lower").data[0].colorbar.title.text == "total_return"
    with pytest.raises(InvalidInput, match=r"no column 'celsl'; did you mean 'cells'\?"):
        swept.heatmap("celsl", "lower")


def test_unknown_fields_are_refused(grid: ag.Grid, candles: pd.DataFrame, market: ag.Market) -> None:
    with pytest.raises(InvalidInput, match=r"a sweep varies fields of Grid \(lower, upper, cells.*, was 'width'"):
        ag.sweep(grid, {"width": [1]}, candles, market)


def test_variants_of_a_strategy(candles: pd.DataFrame, market: ag.Market) -> None:
    strategy = strategy_of("recentre", {"width": "0.03", "cells": 10, "every": "4h"})
    values = {"width": [0.02, "0.03", 2], "cells": np.arange(4, 9, 2), "every": ["1h", "7m"]}
    swept = ag.sweep(strategy, values, candles, market, cash="10000", with_bounds=True, daily=True, progress=False)
    worked = swept.frame[swept.frame["error"].isna()]
    assert [tuple(x) for x in worked[["width", "cells"]].to_numpy()] == [
        (w, c) for w in (0.02, "0.03") for c in (4, 6, 8)
    ]
    alone = ag.backtest(strategy_of("recentre", {"width": "0.02", "cells": 6}), candles, market, cash="10000")
    row = worked.iloc[1]
    for name, value in alone.metrics.items():
        assert row[name] == value, name
    assert (row["worst"], row["best"]) == tuple(float(x) for x in alone.bounds)
    assert swept.daily is not None
    np.testing.assert_allclose(swept.daily[worked.index[1]], alone.daily_returns)
    errors = swept.frame["error"].dropna()
    assert len(errors) == 12
    wide = swept.frame["width"] == 2
    assert errors[wide].str.contains("width must be below 1").all()
    assert errors[~wide].str.contains("every must divide a day").all()


def test_a_sweep_of_a_strategy_says_what_it_may_vary(candles: pd.DataFrame, market: ag.Market) -> None:
    strategy = strategy_of("recentre", {"width": "0.03", "cells": 10})
    with pytest.raises(InvalidInput, match=r"fields of RecentreParams \(width, cells, spacing, every, share\)"):
        ag.sweep(strategy, {"lower": [1]}, candles, market, cash="10000", progress=False)
    with pytest.raises(InvalidInput, match="add cash"):
        ag.sweep(strategy, {"cells": [4]}, candles, market, progress=False)
