"""A walk-forward is sweeps and backtests on parts of the candles, and none of them sees what comes after."""

import json
import math
from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

import autogrid as ag
from autogrid.errors import InvalidInput
from autogrid.research.folds import WalkForward
from autogrid.research.metrics import DAYS_PER_YEAR
from autogrid.research.overfit import moments, psr
from autogrid.research.synthetic import synthetic_candles
from autogrid.research.walkforward import walk_forward
from autogrid.strategies.registry import strategy_of

VALUES = {"cells": [10, 20, 9000], "lower": ["56000", "58000"]}


@pytest.fixture(scope="module")
def minutes() -> pd.DataFrame:
    return synthetic_candles(days=16, seed=6)


@pytest.fixture(scope="module")
def walked(grid: ag.Grid, minutes: pd.DataFrame, market: ag.Market) -> WalkForward:
    return walk(grid, minutes, market)


def walk(grid: Any, candles: pd.DataFrame, market: ag.Market, **more: Any) -> WalkForward:
    asked = {"train": "5d", "test": "2d", "progress": False, **more}
    return walk_forward(grid, asked.pop("values", VALUES), candles, market, **asked)


def test_every_window_is_a_sweep_and_a_backtest(
    walked: WalkForward, grid: ag.Grid, minutes: pd.DataFrame, market: ag.Market
) -> None:
    assert len(walked.folds) == 5
    for k, fold in enumerate(walked.folds):
        train, test = minutes.iloc[2880 * k : 2880 * k + 7200], minutes.iloc[2880 * k + 7200 : 2880 * (k + 1) + 7200]
        best = ag.sweep(grid, VALUES, train, market, progress=False).best("sharpe", 1).iloc[0]
        assert fold.chosen == {"cells": best["cells"], "lower": best["lower"]}
        assert fold.trained["sharpe"] == best["sharpe"]
        assert fold.in_sample == pytest.approx(best["total_return"] / 5)
        alone = ag.backtest(ag.Grid(lower=best["lower"], upper="63000", cells=int(best["cells"]), spacing="geometric",
                                    investment="10000"), test, market)  # fmt: skip
        assert fold.result is not None
        assert fold.result.sha256() == alone.sha256()
        assert fold.out_of_sample == pytest.approx(alone.metrics["total_return"] / 2)


def test_the_future_changes_nothing(
    walked: WalkForward, grid: ag.Grid, minutes: pd.DataFrame, market: ag.Market
) -> None:
    """Other candles from the third test on: what was chosen until then, and what the first two made, stays."""
    other = minutes.copy()
    begin = walked.folds[2].window.test.start
    columns = ["open", "high", "low", "close"]
    other.loc[other.index[begin:], columns] = np.round(other.loc[other.index[begin:], columns] * 1.02, 2)
    again = walk(grid, other, market)
    assert [fold.chosen for fold in again.folds[:3]] == [fold.chosen for fold in walked.folds[:3]]
    before, after = ([f.result.sha256() for f in w.folds if f.result] for w in (walked, again))
    assert before[:2] == after[:2]
    assert before[2] != after[2]
    cut = walk(grid, minutes.iloc[: walked.folds[1].window.test.stop], market)
    assert len(cut.folds) == 2
    pd.testing.assert_series_equal(cut.returns, walked.returns.iloc[:4])


def test_the_tests_are_stitched(walked: WalkForward, minutes: pd.DataFrame) -> None:
    results = [fold.result for fold in walked.folds if fold.result is not None]
    assert len(walked.returns) == 10
    assert walked.total_return == pytest.approx(np.prod([1 + r.metrics["total_return"] for r in results]) - 1)
    assert walked.out_of_sample == pytest.approx(np.mean([r.metrics["total_return"] for r in results]) / 2)
    totals = walked.totals
    assert totals["gained"] == totals["realised"] + totals["unrealised"] - totals["fees"]
    assert totals["gained"] == sum((r.ledger.equity - r.ledger.equity_start for r in results), Decimal(0))
    assert walked.sharpe == pytest.approx(walked.returns.mean() / walked.returns.std() * math.sqrt(DAYS_PER_YEAR))
    assert walked.psr == psr(moments(walked.returns))
    equity = np.cumprod(np.append(1.0, 1 + walked.returns))
    assert walked.max_drawdown == pytest.approx(1 - (equity / np.maximum.accumulate(equity)).min())
    assert walked.hold.iloc[-1] == pytest.approx(minutes["close"].iloc[15 * 1440 - 1] / minutes["open"].iloc[7200])
    for promised in (0.05, -0.05):
        folds = tuple(replace(fold, trained={**fold.trained, "total_return": promised}) for fold in walked.folds)
        kept = replace(walked, folds=folds).kept
        assert kept == pytest.approx(walked.out_of_sample / 0.01) if promised > 0 else math.isnan(kept)


def test_anchored_trainings_grow_and_tests_may_be_apart(
    grid: ag.Grid, minutes: pd.DataFrame, market: ag.Market
) -> None:
    found = walk(grid, minutes, market, anchored=True, step="4d", metric="total_return")
    assert [(f.window.train.start, f.window.train.stop) for f in found.folds] == [(0, 7200), (0, 12960), (0, 18720)]
    assert len(found.returns) == 6
    best = ag.sweep(grid, VALUES, minutes.iloc[:12960], market, progress=False).best(count=1).iloc[0]
    assert found.folds[1].chosen["lower"] == best["lower"]
    assert found.folds[1].in_sample == pytest.approx(best["total_return"] / 9)


def test_days_that_two_tests_share_have_the_returns_of_both(
    grid: ag.Grid, minutes: pd.DataFrame, market: ag.Market
) -> None:
    found = walk(grid, minutes.iloc[600:], market)
    results = [fold.result for fold in found.folds if fold.result is not None]
    assert found.returns.index.is_unique
    assert len(found.returns) == 2 * len(results) + 1
    assert found.total_return == pytest.approx(np.prod([1 + r.metrics["total_return"] for r in results]) - 1)


def test_scaled_prices_move_with_the_price(grid: ag.Grid, minutes: pd.DataFrame, market: ag.Market) -> None:
    values = {"cells": [10, 20], "lower": ["56000", "57000"]}
    found = walk(ag.Grid(lower="57000", upper="63000", cells=20, spacing="geometric", investment="10000",
                         stop_loss="50000"), minutes, market, values=values, scaled=True)  # fmt: skip
    first = Decimal("60000")
    for fold in found.folds:
        assert fold.result is not None
        assert fold.chosen["lower"] in values["lower"]
        now = Decimal(str(minutes["open"].iloc[fold.window.test.start]))
        worked = fold.result.run.plan.grid
        for name, then in (("lower", fold.chosen["lower"]), ("upper", "63000"), ("stop_loss", "50000")):
            assert getattr(worked, name) == pytest.approx(Decimal(then) * now / first, abs=Decimal("0.005"))


def test_what_is_refused_stands_still_and_says_why(grid: ag.Grid, minutes: pd.DataFrame, market: ag.Market) -> None:
    hole = minutes.drop(minutes.index[7200:10080])  # the first test, and part of the second training
    found = walk(grid, hole, market)
    assert found.folds[0].error == "there are no candles in this window"
    assert found.folds[1].result is not None
    nothing = walk(grid, minutes, market, values={"cells": [9000]})
    assert all((fold.error or "").startswith("no grid works in the training: 9000 cells") for fold in nothing.folds)
    assert nothing.verdict.startswith("Not judged: no grid worked in any window")
    assert (nothing.returns == 0).all()
    assert len(nothing.returns) == 10
    assert math.isnan(nothing.kept)
    assert ("Windows: earned / worked / all", "0 / 0 / 5") in nothing.facts()
    json.dumps(nothing.to_json(), allow_nan=False)
    # Chosen below its stop, which the training never saw: the price of the test's first open.
    late = minutes.copy()
    late.iloc[7200:, :4] = late.iloc[7200:, :4] * 0.5
    fallen = walk(ag.Grid(lower="56000", upper="63000", cells=10, investment="10000", stop_loss="55000"), late, market,
                  values={"cells": [10]})  # fmt: skip
    assert fallen.folds[0].chosen == {"cells": 10}
    assert "above stop_loss" in (fallen.folds[0].error or "")
    assert fallen.folds[0].out_of_sample == 0


def test_what_is_shown(walked: WalkForward) -> None:
    assert walked.verdict.startswith(("Not proven: out of sample", "It holds: out of sample"))
    card = walked._repr_html_()
    for text in ("Walk-forward, 5 windows", "Kept of what was promised", "Chosen most often", "<svg"):
        assert text in card
    figure = walked.plot()
    assert [trace.name for trace in figure.data] == ["walk-forward", "hold", "promised in sample", "kept"]
    assert list(figure.data[3].y) == [fold.out_of_sample for fold in walked.folds]
    assert figure.data[0].y[-1] == pytest.approx(1 + walked.total_return)
    found = json.loads(json.dumps(walked.to_json(), allow_nan=False))
    assert found["windows"][0]["test_start"] == "2024-01-06T00:00:00+00:00"
    assert Decimal(found["totals"]["fees"]) == walked.totals["fees"]
    assert sum(found["returns"].values()) == pytest.approx(walked.returns.sum())
    assert "Plotly.newPlot" in walked.html()
    assert {"cells", "lower", "sharpe_in", "sharpe_out", "error"} <= set(walked.frame.columns)


def test_parameters_of_a_strategy_are_chosen_too(minutes: pd.DataFrame, market: ag.Market) -> None:
    strategy = strategy_of("recentre", {"width": "0.03", "cells": 10})
    values = {"width": ["0.03"], "cells": [6, 12]}
    found = walk(strategy, minutes, market, values=values, cash="10000", train="4d", test="4d", step="8d")
    assert len(found.folds) == 2
    for fold in found.folds[:1]:
        train, test = (minutes.iloc[rows] for rows in (fold.window.train, fold.window.test))
        swept = ag.sweep(strategy, values, train, market, cash="10000", progress=False)
        best = swept.best("sharpe", 1).iloc[0]
        assert fold.chosen == {"width": best["width"], "cells": best["cells"]}
        alone = ag.backtest(strategy_of("recentre", fold.chosen), test, market, cash="10000")
        assert fold.result is not None
        assert fold.result.sha256() == alone.sha256()
        assert np.prod(1 + fold.result.daily_returns) - 1 == pytest.approx(fold.result.metrics["total_return"])
    with pytest.raises(InvalidInput, match="a strategy decides its prices itself"):
        walk(strategy, minutes, market, values=values, cash="10000", scaled=True)
    with pytest.raises(InvalidInput, match=r"a sweep varies fields of RecentreParams \(width, cells"):
        walk(strategy, minutes, market, values={"lower": [1]}, cash="10000")


def test_mistakes_are_said_before_anything_runs(grid: ag.Grid, minutes: pd.DataFrame, market: ag.Market) -> None:
    for more, message in (
        ({"values": {"width": [1]}}, "a sweep varies fields of Grid"),
        ({"train": "15d"}, "expected candles over 17 days or more"),
        ({"step": "1d"}, "step must be at least as long as test"),
        ({"test": "soon"}, "test must be a number and one of"),
        ({"penetration_ticks": -1}, "penetration_ticks must be a whole number"),
        ({"metric": "shrape"}, r"no column 'shrape'; did you mean 'sharpe'\?"),
    ):
        with pytest.raises(InvalidInput, match=message):
            walk(grid, minutes, market, **more)
