"""Strategies that decide their grids: the compiled parts against the core's ladder, to the last unit."""

from dataclasses import dataclass
from decimal import Decimal
from zlib import crc32

import numpy as np
import pandas as pd
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

import autogrid as ag
from autogrid.core.decision import Keep, Stop
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.study import parse_study
from autogrid.errors import InvalidInput
from autogrid.research import simulate as sim
from autogrid.research.dynamic import Setting, simulate_decided
from autogrid.research.metrics import candle_facts, metrics
from autogrid.research.naive import trace_decided
from autogrid.research.study import backtest_study
from autogrid.research.ticks import candle_ticks
from autogrid.research.trail import level_spans
from autogrid.strategies.decider import FrameDecider
from autogrid.strategies.dynamic import Dynamic
from autogrid.strategies.registry import strategy_of

SIZES = ({"amount": "0.5"}, {"quote": "600"}, {"investment": "5000"}, {"investment": "19000"}, {"amount": "0.02"})


@dataclass(frozen=True)
class ChanceParams:
    every: str = "1h"
    back: int = 1
    seed: int = 0
    #: Of a hundred decisions so many stop.
    stops: int = 2


class Chance(Dynamic):
    """Decides by chance, but always the same on the same."""

    Params = ChanceParams

    @property
    def cadence(self):
        return self.params.every

    @property
    def lookback(self):
        return self.params.back

    def features(self, candles):
        return candles.assign(mean=candles["close"].mean())

    def decide(self, row, view):
        bounds = view.grid and (view.grid.lower, view.grid.upper, view.grid.cells)
        dice = crc32(repr((row["close"], row["mean"], view, bounds, self.params.seed)).encode())
        dice, what = divmod(dice, 100)
        if what < self.params.stops:
            return Stop(sell=what % 2 == 0)
        if what < 30:
            return Keep()
        if what < 33:
            raise InvalidInput("no idea")
        if what < 36:
            return 1 / (dice - dice)
        pick = np.random.default_rng(dice).integers
        lower = max(1, int(view.price) - int(pick(-30, 200)))
        upper = lower + int(pick(20, 300))
        more = {}
        if pick(8) == 0:
            more["stop_loss"] = max(1, lower - int(pick(60)))
        if pick(8) == 0:
            more["take_profit"] = upper + int(pick(60))
        if pick(40) == 0:
            more["trailing"] = "both"
        return Grid(
            lower=lower, upper=upper, cells=int(pick(1, 12)), spacing=("arithmetic", "geometric")[pick(2)],
            stop_action=("sell", "keep")[pick(2)], **SIZES[pick(len(SIZES))], **more,
        )  # fmt: skip


def frame(rows, freq="15min"):
    index = pd.date_range("2024-01-01 00:30", periods=len(rows), freq=freq, tz="UTC", unit="ms", name="ts")
    return pd.DataFrame(rows, columns=["open", "high", "low", "close"], index=index).astype(float)


@st.composite
def cases(draw):
    fees = st.sampled_from(["0", "0.0011", "0.003"])
    market = Market(
        tick="1", lot="0.01", min_notional=draw(st.sampled_from(["0", "1", "300"])),
        maker_fee=draw(fees), taker_fee=draw(fees), buy_fee_asset=draw(st.sampled_from(["quote", "base"])),
    )  # fmt: skip
    price, rows = draw(st.integers(900, 1500)), []
    for _ in range(draw(st.integers(1, 90))):
        open_ = max(50, price + draw(st.integers(-40, 40)))
        price = max(50, open_ + draw(st.integers(-90, 90)))
        up, down = draw(st.integers(0, 60)), draw(st.integers(0, 60))
        rows.append((open_, max(open_, price) + up, max(50, min(open_, price) - down), price))
    candles = frame(rows)
    holes = [hole for hole in draw(st.sets(st.integers(1, 89), max_size=3)) if hole < len(rows)]
    candles = candles.drop(candles.index[holes])
    strategy = Chance(
        {
            "every": draw(st.sampled_from(["15m", "30m", "1h", "4h"])), "back": draw(st.integers(1, 3)),
            "seed": draw(st.integers(0, 10**6)), "stops": draw(st.sampled_from([0, 2])),
        }
    )  # fmt: skip
    return Setting(
        FrameDecider(strategy, candles), candle_ticks(candles, market), market, Decimal(20000),
        draw(st.sampled_from(["nearest", "low_first", "high_first"])), draw(st.integers(0, 3)), draw(st.integers(0, 2)),
    ), candles  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(cases())
def test_equals_the_ladder_to_the_last_unit(case):
    setting, candles = case
    ticks, close = setting.ticks, int(setting.ticks.close[-1])
    slow, fast = trace_decided(setting), simulate_decided(setting, log_size=2)
    count = sum(each.what == "grid" for each in slow.decided)
    event(f"grids {min(count, 4)}")
    event(f"stopped by {slow.stopped}")
    event(f"regrid orders {min(3, sum(fill.kind == 3 for _, fill in slow.fills))}")
    assert list(fast.decisions) == slow.decided
    assert [tuple(map(int, row)) for row in fast.log] == [(t, *fill) for t, fill in slow.fills]
    assert (fast.stopped, fast.started) == (slow.stopped, slow.ladder is not None)
    books = sim.ledger(fast, close)
    assert books.equity - books.equity_start == books.realised + books.unrealised - books.fees
    if slow.ladder is not None:
        assert books == slow.ladder.books.ledger(close)
        assert fast.job.plan == [each.plan for each in slow.decided if each.what == "grid"][-1]
    else:
        assert (books.equity, books.fills) == (20000, 0)
    got = metrics(fast, books, ticks, candle_facts(ticks))
    check_figures(setting, candles, slow, fast, got)
    counted = simulate_decided(setting)
    assert (counted.books == fast.books).all()
    assert (counted.stats == fast.stats).all()


def check_figures(setting, candles, slow, fast, got):
    ticks = setting.ticks
    equity = np.array(slow.cash, float) + np.array(slow.base_micro, float) / 1e6 * ticks.close
    with_start = np.concatenate([[setting.market.atoms("20000")], equity])
    assert got["max_drawdown"] == pytest.approx((1 - with_start / np.maximum.accumulate(with_start)).max(), abs=1e-12)
    last = pd.Series(equity).groupby(candles.index.floor("D")).last().to_numpy()
    daily = np.concatenate([with_start[:1], last])
    returns = daily[1:] / daily[:-1] - 1
    if len(returns) > 1 and returns.std() > 1e-9:
        assert got["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * 365**0.5, rel=1e-6, abs=1e-9)
    assert got["turnover"] == pytest.approx(sum(fill.price * fill.lots for _, fill in slow.fills) * 0.01)
    if slow.ladder is None:
        assert got["time_in_range"] == got["hold_return"] == 0
        return
    first = next(each for each in slow.decided if each.what == "grid")
    fee, in_base = float(setting.market.taker_fee), setting.market.fee_in_base
    kept = int(ticks.close[-1]) / (first.plan.start + setting.slippage) * (1 - fee if in_base else 1 / (1 + fee))
    assert got["hold_return"] == pytest.approx(kept - 1, abs=1e-12)
    end = int(fast.books[sim.k.B_LAST]) + 1 if fast.stopped else len(ticks)
    inside = [
        slow.plans[t].levels[0] <= ticks.close[t] <= slow.plans[t].levels[-1] for t in range(first.candle, end)
    ]  # fmt: skip
    assert got["time_in_range"] == pytest.approx(np.mean(inside))


class Once(Dynamic):
    """One grid at the first moment, and that is it."""

    grid = None

    @property
    def cadence(self):
        return "1h"

    @property
    def lookback(self):
        return 3

    def decide(self, row, view):
        return self.grid if view.grid is None else Keep()


@pytest.mark.parametrize("asset", ["quote", "base"])
@pytest.mark.parametrize("stop", [None, "59500"])
def test_one_grid_decided_once_is_the_static_grid_on_the_rest(candles, asset, stop):
    market = Market("0.01", "0.00001", "5", "0.001", "0.001", asset)
    strategy = Once({})
    strategy.grid = Grid(lower="59600", upper="63000", cells=20, spacing="geometric", investment="9000", stop_loss=stop)
    found = ag.backtest(strategy, candles, market, cash="10000", slippage_ticks=3)
    static = ag.backtest(strategy.grid, candles.iloc[180:], market, cash="10000", slippage_ticks=3)
    assert found.csv() == static.csv()
    assert found.ledger == static.ledger
    assert found.run.stopped == static.run.stopped == (stop and "stop_loss")
    assert len(found.fills) > 20
    for name, value in static.metrics.items():
        if name not in ("candles", "days", "sharpe", "sortino", "capital_use", "step_to_range"):
            assert found.metrics[name] == pytest.approx(value), name
    json = found.to_json()
    assert json["decisions"] == {"grids": 1, "regrids": 0, "refused": 0}
    assert {name for name in json if name not in static.to_json()} == {"decisions", "strategy", "bounds_over"}
    assert [(each.what, each.candle) for each in found.decisions] == [("grid", 180)]


def test_the_range_is_that_of_the_three_paths(candles, market):
    strategy = strategy_of("recentre", {"width": "0.02", "cells": 10, "every": "1h"})
    hours = candles.resample("1h").agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    finals = {
        path: ag.backtest(strategy, hours, market, cash="10000", path=path)
        for path in ("nearest", "low_first", "high_first")
    }
    equities = [each.ledger.equity for each in finals.values()]
    for each in finals.values():
        assert each.bounds == (min(equities), max(equities))
    assert len(set(equities)) == 3


def test_a_strategy_must_be_told_its_cash(candles, market):
    with pytest.raises(InvalidInput, match=r"add cash to \[simulation\]"):
        ag.backtest(strategy_of("atr", {"cells": 8}), candles, market)
    with pytest.raises(InvalidInput, match="slippage_ticks must be below the lowest price"):
        ag.backtest(strategy_of("atr", {"cells": 8}), candles, market, cash="100", slippage_ticks=10**7)


def test_a_result_without_a_grid_says_why(candles, market):
    never = ag.backtest(strategy_of("atr", {"cells": 8, "length": 99}), candles, market, cash="100")
    assert "no grid was ever decided" in never.warnings[0]
    assert never.to_json()["levels"] == []
    assert (never.ledger.equity, never.metrics["total_return"]) == (Decimal(100), 0)
    poor = ag.backtest(strategy_of("recentre", {"width": "0.1", "cells": 8}), candles, market, cash="10")
    assert "the last decision was refused: cell 0 at" in poor.warnings[-1]
    assert {each.what for each in poor.decisions} == {"refused"}


def test_a_study_may_name_one(candles):
    study = parse_study("""
[market]
tick = "0.01"
lot = "0.00001"
maker_fee = "0.001"
taker_fee = "0.001"
[strategy]
name = "recentre"
[strategy.params]
width = "0.01"
cells = 10
[simulation]
cash = "10000"
""")
    result = backtest_study(study, candles)
    assert set(result.fills["kind"]) == {"start", "grid", "regrid"}
    assert result.run.strategy == "recentre: width 0.01, cells 10, spacing geometric, every 1h, share 0.999"
    assert result.equity.iloc[-1] == pytest.approx(float(result.ledger.equity), rel=1e-12)


def test_numbers_that_a_decided_grid_could_bring_beyond_int64_end_the_run():
    market = Market(tick="0.0001", lot="0.00000001", maker_fee="0.001", taker_fee="0.001")
    strategy = strategy_of("recentre", {"width": "0.1", "cells": 2, "every": "15m"})
    candles = frame([(1000, 1001, 999, 1000)] * 9)
    ag.backtest(strategy, candles, market, cash="1000")
    with pytest.raises(InvalidInput, match=r"must stay below 2\*\*62"):
        ag.backtest(strategy, candles, market, cash="1000000")
    with pytest.raises(InvalidInput, match=r"cash must stay below 2\*\*62"):
        ag.backtest(strategy, candles, market, cash="100000000")


@pytest.fixture(scope="module")
def followed(candles, market):
    strategy = strategy_of("recentre", {"width": "0.012", "cells": 5})
    return ag.backtest(strategy, candles, market, cash="10000")


def test_levels_are_drawn_for_as_long_as_they_were_there(followed):
    run = followed.run
    grids = [each for each in run.decisions if each.plan is not None]
    assert len(grids) > 3
    spans = level_spans(run, 10**9)
    assert len(spans) == 6 * len(grids)
    for t in range(0, len(run.ticks), 50):
        there = {price for price, first, last in spans if first < t < last}
        now = [each.plan.levels for each in grids if each.candle < t]
        if t not in [each.candle for each in grids]:
            assert there == {run.market.price(level) for level in (now[-1] if now else ())}
    assert len(level_spans(run, 10)) <= 10


def test_levels_end_where_the_run_was_stopped(candles, market):
    strategy = Once({})
    strategy.grid = Grid(lower="59600", upper="63000", cells=20, investment="9000", stop_loss="59500")
    run = ag.backtest(strategy, candles, market, cash="10000").run
    assert {span[1:] for span in level_spans(run, 999)} == {(180, int(run.fills.candle[-1]))}
    Once.decide, kept = lambda self, row, view: self.grid if view.grid is None else Stop(), Once.decide
    try:
        found = ag.backtest(strategy, candles, market, cash="10000")
    finally:
        Once.decide = kept
    assert (found.run.stopped, found.fills["kind"].iloc[-1]) == ("strategy", "stop")
    assert {span[1:] for span in level_spans(found.run, 999)} == {(180, 240)}
    assert found.inventory.iloc[240] == pytest.approx(0, abs=1e-9)


def test_pictures_and_cards_say_what_was_decided(followed, candles, market):
    figure = followed.plot()
    names = [trace.name for trace in figure.data]
    assert names == ["price", "buy", "sell", "new grid", "grid", "hold", "inventory"]
    marks, hold = figure.data[3], figure.data[5]
    grids = sum(each.what == "grid" for each in followed.decisions)
    assert len(marks.x) == grids == len(figure.layout.shapes) / 6
    assert hold.y[0] == 10000  # until the first grid there is nothing to compare with
    card = followed._repr_html_()
    for text in ("recentre: width 0.012, cells 5", "Range of three paths (no bound)", f"{grids} / 0", "Last grid"):
        assert text in card
    never = ag.backtest(strategy_of("atr", {"cells": 8, "length": 99}), candles, market, cash="100")
    assert not never.plot().layout.shapes
    assert "no grid was ever decided" in never._repr_html_()


def test_daily_figures_begin_with_the_candles_not_with_the_first_grid(candles, market):
    class Late(Once):
        lookback = 30

    strategy = Late({})
    strategy.grid = Grid(lower="57000", upper="63000", cells=20, investment="9000")
    found = ag.backtest(strategy, candles, market, cash="10000")
    assert found.decisions[0].candle == 30 * 60
    daily = found.equity.groupby(found.equity.index.floor("D")).last().to_numpy()
    returns = np.diff(daily, prepend=10000) / np.append(10000, daily[:-1])
    assert returns[0] == 0
    assert found.metrics["sharpe"] == pytest.approx(returns.mean() / returns.std(ddof=1) * 365**0.5)
    assert found.metrics["capital_use"] < ag.backtest(strategy.grid, candles.iloc[1800:], market).metrics["capital_use"]
