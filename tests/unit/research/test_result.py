"""What a backtest hands back: tables, series, formats, pictures."""

import io
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import autogrid as ag
from autogrid.errors import InvalidInput
from autogrid.research.synthetic import synthetic_candles

RULES = {"open": "first", "high": "max", "low": "min", "close": "last"}


def test_fills_are_a_table_by_candle_open(result: ag.Result) -> None:
    fills = result.fills
    assert list(fills.columns) == ["kind", "cell", "side", "price", "amount", "fee", "fee_asset"]
    assert fills.index.name == "ts"
    assert str(fills.index.tz) == "UTC"
    assert fills.iloc[0]["kind"] == "start"
    assert set(fills["kind"].iloc[1:]) == {"grid"}
    assert len(fills) == result.ledger.fills > 50
    assert fills.index.isin(result.candles.index).all()


@pytest.mark.parametrize("asset", ["quote", "base"])
def test_equity_and_inventory_end_where_the_ledger_does(grid: ag.Grid, candles: pd.DataFrame, asset: str) -> None:
    market = ag.Market("0.01", "0.00001", "5", "0.001", "0.001", asset)
    result = ag.backtest(grid, candles, market)
    assert len(result.equity) == len(result.inventory) == len(candles)
    assert result.equity.iloc[-1] == pytest.approx(float(result.ledger.equity), rel=1e-12)
    assert result.inventory.iloc[-1] == pytest.approx(float(result.ledger.base), abs=1e-9)
    start = np.concatenate([[float(result.ledger.equity_start)], result.equity])
    drawdown = (1 - start / np.maximum.accumulate(start)).max()
    assert result.metrics["max_drawdown"] == pytest.approx(drawdown, abs=1e-9)


def test_metrics_against_the_fills(result: ag.Result) -> None:
    m, fills, books = result.metrics, result.fills, result.ledger
    assert m["total_return"] == pytest.approx(float(books.equity / books.equity_start) - 1)
    last, first = result.candles["close"].iloc[-1], result.candles["open"].iloc[0]
    assert m["hold_return"] == pytest.approx(last / first / 1.001 - 1)
    assert m["vs_hold"] == pytest.approx(m["total_return"] - m["hold_return"])
    assert m["fees"] == pytest.approx(fills["fee"].sum()) == pytest.approx(float(books.fees))
    assert m["turnover"] == pytest.approx((fills["price"] * fills["amount"]).sum())
    assert m["round_trips"] == ((fills["side"] == "sell") & (fills["kind"] == "grid")).sum() == books.round_trips
    assert (m["grid_profit"], m["inventory_profit"]) == (float(books.realised), float(books.unrealised))
    assert 0 < m["capital_use"] <= 1
    inside = result.candles["close"].between(57000, 63000)
    assert m["time_in_range"] == pytest.approx(inside.mean())
    daily = result.equity.groupby(result.equity.index.floor("D")).last().to_numpy()
    returns = np.diff(np.concatenate([[float(books.equity_start)], daily])) / np.concatenate(
        [[float(books.equity_start)], daily[:-1]]
    )
    assert m["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * 365**0.5)
    downside = np.sqrt((np.minimum(returns, 0) ** 2).mean())
    assert m["sortino"] == pytest.approx(returns.mean() / downside * 365**0.5)


def test_a_fee_in_base_is_valued_at_the_fill_price(grid: ag.Grid, candles: pd.DataFrame) -> None:
    result = ag.backtest(grid, candles, ag.Market("0.01", "0.00001", "5", "0.001", "0.001", "base"))
    assert result.metrics["fees"] == pytest.approx(0.001 * result.metrics["turnover"], rel=1e-6)
    assert set(result.fills["fee_asset"]) == {"base", "quote"}


def test_csv_to_a_file_and_to_a_stream(result: ag.Result, tmp_path: Path) -> None:
    result.to_csv(tmp_path / "f.csv")
    text = io.StringIO()
    result.to_csv(text)
    assert (tmp_path / "f.csv").read_text() == text.getvalue() == result.csv()
    assert len(result.sha256()) == 64


def test_bounds_hold_the_result_and_other_orders(
    grid: ag.Grid, candles: pd.DataFrame, market: ag.Market, result: ag.Result
) -> None:
    worst, best = result.bounds
    for path in ("nearest", "low_first", "high_first"):
        assert worst <= ag.backtest(grid, candles, market, path=path).ledger.equity <= best
    assert worst <= result.ledger.equity <= best
    coarse = ag.backtest(grid, candles.resample("4h").agg(RULES), market)
    assert coarse.bounds[0] < coarse.bounds[1]


def test_the_coarse_candle_warning(candles: pd.DataFrame, market: ag.Market, result: ag.Result) -> None:
    assert result.metrics["step_to_range"] > 2
    assert result.warnings == []
    warned = ag.backtest(result.run.plan.grid, candles.resample("4h").agg(RULES), market)
    assert warned.metrics["step_to_range"] < 2
    assert "the candles are too coarse for this grid: a step is 0." in warned.warnings[0]


def test_a_trigger_never_reached(candles: pd.DataFrame, market: ag.Market) -> None:
    grid = ag.Grid(lower="57000", upper="63000", cells=30, investment="10000", trigger="99000")
    result = ag.backtest(grid, candles, market)
    assert "the trigger price was never reached: nothing was traded" in result.warnings
    assert (result.metrics["total_return"], result.metrics["hold_return"], result.metrics["fills"]) == (0, 0, 0)
    assert result.fills.empty
    assert result.to_json()["start_price"] == "99000.00"
    assert "nothing was traded" in result._repr_html_()
    assert result.plot().data


def test_a_picture_of_everything(result: ag.Result) -> None:
    figure = result.plot()
    names = [trace.name for trace in figure.data]
    assert names == ["price", "buy", "sell", "grid", "hold", "inventory"]
    buys = result.fills[result.fills["side"] == "buy"]
    assert len(figure.data[1].x) == len(buys)
    assert len(figure.layout.shapes) == 31
    assert len(figure.data[0].x) <= 1500
    assert [a.text for a in figure.layout.annotations] == ["Price, levels, fills", "Equity (quote)", "Inventory (base)"]


def test_a_card_for_notebooks(result: ag.Result) -> None:
    card = result._repr_html_()
    for text in (
        "Total return",
        "Band (worst",
        "Grid profit",
        "geometric grid 57000-63000, 30 cells",
        "<svg",
        "SYNTHETIC",
    ):
        assert text in card
    assert "&#9888;" not in card


def test_a_page_of_its_own(result: ag.Result, tmp_path: Path) -> None:
    result.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text().startswith("<!doctype html>")


def test_labels_are_escaped(result: ag.Result, candles: pd.DataFrame) -> None:
    frame = candles.copy()
    frame.attrs["label"] = "<script>"
    assert "<script>" not in ag.Result(result.run, frame)._repr_html_()


def test_the_same_seed_makes_the_same_market() -> None:
    one, two = synthetic_candles(days=1), synthetic_candles(days=1)
    pd.testing.assert_frame_equal(one, two)
    assert not one.equals(synthetic_candles(days=1, seed=8))
    assert one.attrs["label"] == "SYNTHETIC market, seed 7"
    assert (one["low"] <= one[["open", "close"]].min(axis=1)).all()
    assert (one["high"] >= one[["open", "close"]].max(axis=1)).all()


def test_cash_beyond_the_investment_stays_cash(grid: ag.Grid, candles: pd.DataFrame, market: ag.Market) -> None:
    more = ag.backtest(grid, candles, market, cash="25000")
    assert more.ledger.equity_start == Decimal(25000)
    assert more.ledger.equity - 25000 == ag.backtest(grid, candles, market).ledger.equity - 10000


@pytest.mark.parametrize("value", [-1, 1.5, True, "1", 2**31])
@pytest.mark.parametrize("name", ["penetration_ticks", "slippage_ticks"])
def test_ticks_are_whole_and_not_negative(
    grid: ag.Grid, candles: pd.DataFrame, market: ag.Market, name: str, value: object
) -> None:
    with pytest.raises(InvalidInput, match=f"{name} must be a whole number of ticks from 0 on"):
        ag.backtest(grid, candles, market, **{name: value})  # type: ignore[arg-type]


def test_slippage_that_would_sell_for_nothing(candles: pd.DataFrame, market: ag.Market) -> None:
    grid = ag.Grid(lower="57000", upper="63000", cells=30, amount="0.01", stop_loss="50000")
    with pytest.raises(InvalidInput, match="slippage_ticks must be below the lowest price"):
        ag.backtest(grid, candles, market, slippage_ticks=5_000_000)
