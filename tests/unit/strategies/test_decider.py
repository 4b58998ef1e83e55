"""When strategies decide, and that they are shown what has closed by then, and nothing else."""

from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.core.decision import Keep, Stop, View
from autogrid.core.grid import Grid
from autogrid.core.study import parse_study
from autogrid.errors import InvalidInput
from autogrid.research.synthetic import synthetic_candles
from autogrid.strategies.atr import Atr
from autogrid.strategies.decider import FrameDecider, decided
from autogrid.strategies.dynamic import Dynamic
from autogrid.strategies.recentre import Recentre
from autogrid.strategies.registry import grid_of, strategy_of, worked

HOUR = 3_600_000
VIEW = View(Decimal(100), None, Decimal(1000), Decimal(0), Decimal(1000), Decimal(1000))


@dataclass(frozen=True)
class LooksParams:
    back: int = 3
    every: str = "1h"


class Looks(Dynamic):
    """Remembers what it was shown."""

    Params = LooksParams

    def __init__(self, params, says=None):
        super().__init__(params)
        self.seen, self.says = [], says or Keep()

    @property
    def cadence(self):
        return self.params.every

    @property
    def lookback(self):
        return self.params.back

    def features(self, candles):
        self.seen.append(candles)
        return candles

    def decide(self, row, view):
        return self.says


def minutes(count, start="2024-01-01 00:00"):
    index = pd.date_range(start, periods=count, freq="1min", tz="UTC", unit="ms", name="ts")
    price = 100 + np.arange(count) / 10
    return pd.DataFrame(
        {"open": price, "high": price + 1, "low": price - 1, "close": price + 0.5, "volume": 1.0}, index=index
    )


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 130), st.integers(200, 900), st.integers(1, 4), st.sets(st.integers(0, 899), max_size=40))
def test_a_strategy_is_shown_what_a_frame_that_ends_there_would_show(skip, count, back, holes):
    frame = minutes(1000).iloc[skip : skip + count]
    frame = frame.drop(frame.index[[hole for hole in holes if hole < len(frame) - 1]])
    looks = Looks({"back": back})
    decider = FrameDecider(looks, frame)
    ts = frame.index.as_unit("ms").asi8
    for t, at in decider.moments(ts):
        assert ts[t] >= at > ts[t - 1]
        assert decider.decide(at, VIEW) == Keep()
        shown = looks.seen.pop()
        assert len(shown) == back
        assert (shown.index[0].timestamp() * 1000, shown.index[-1].timestamp() * 1000) == (at - back * HOUR, at - HOUR)
        until = frame.iloc[:t]
        again = FrameDecider(looks, until).window(at)
        pd.testing.assert_frame_equal(shown, again, check_exact=True)
        # A live bot reads no more than the lookback.
        part = until[until.index >= shown.index[0]]
        if part.index[0] == shown.index[0]:
            pd.testing.assert_frame_equal(shown, FrameDecider(looks, part).window(at), check_exact=True)


def test_moments_are_the_first_candles_after_a_boundary_with_a_whole_lookback():
    frame = minutes(60 * 5, "2024-01-01 00:30")  # 00:30 to 05:29; the first whole hour is 01:00
    decider = FrameDecider(Looks({"back": 2}), frame)
    ts = frame.index.as_unit("ms").asi8
    assert [frame.index[t].hour for t, _ in decider.moments(ts)] == [3, 4, 5]
    holed = frame.drop(frame.index[30:90])  # the hour from 01:00 is missing
    decider = FrameDecider(Looks({"back": 2}), holed)
    assert [holed.index[t].hour for t, _ in decider.moments(holed.index.as_unit("ms").asi8)] == [4, 5]


@pytest.mark.parametrize(
    ("says", "error"),
    [("up", "must decide a Grid"), (None, "must decide a Grid")],
)
def test_what_is_no_decision_is_said(says, error):
    looks = Looks({"back": 1})
    looks.says = says
    with pytest.raises(InvalidInput, match=error):
        decided(looks, minutes(60), VIEW)


def test_a_strategy_s_mistakes_are_said_with_its_name():
    looks = Looks({"back": 1})
    looks.decide = lambda row, view: 1 / Decimal(0)
    with pytest.raises(InvalidInput, match="strategy Looks failed to decide: DivisionByZero"):
        decided(looks, minutes(60), VIEW)
    assert decided(Looks({}, Stop(sell=False)), minutes(60), VIEW) == Stop(sell=False)


@pytest.mark.parametrize(
    ("params", "error"),
    [
        ({"bakc": 3}, "did you mean 'back'"),
        ({"back": "x"}, r"\[strategy.params\] back must be a whole number, was 'x'"),
    ],
)
def test_parameters_are_checked(params, error):
    with pytest.raises(InvalidInput, match=error):
        Looks(params)


@pytest.mark.parametrize("every", ["7m", "2d", "1w"])
def test_a_cadence_divides_a_day(every):
    with pytest.raises(InvalidInput, match="must divide a day"):
        Looks({"every": every})


STUDY = """
[market]
tick = "0.01"
lot = "0.001"
[strategy]
name = "{name}"
[strategy.params]
cells = 10
"""


def test_a_study_names_them():
    found = worked(parse_study(STUDY.format(name="atr")))
    assert isinstance(found, Atr)
    assert (found.cadence, found.lookback, found.params.ranges) == ("1d", 15, Decimal(3))
    with pytest.raises(InvalidInput, match="no fixed grid"):
        grid_of(parse_study(STUDY.format(name="atr")))
    with pytest.raises(InvalidInput, match=r"\[strategy.params\] needs width"):
        worked(parse_study(STUDY.format(name="recentre")))


def test_recentre_waits_for_the_price_to_leave():
    strategy = strategy_of("recentre", {"width": "0.1", "cells": 4, "every": "1h"})
    assert isinstance(strategy, Recentre)
    grid = decided(strategy, minutes(60), VIEW)
    assert isinstance(grid, Grid)
    assert (grid.lower, grid.upper, grid.investment) == (90, 110, 999)
    inside = VIEW._replace(grid=grid)
    assert decided(strategy, minutes(60), inside) == Keep()
    below = decided(strategy, minutes(60), inside._replace(grid=Grid(lower=200, upper=300, cells=4, amount=1)))
    assert below == grid


def test_atr_is_as_wide_as_the_market_moves():
    strategy = strategy_of("atr", {"cells": 8, "length": 5, "every": "1h", "ranges": 2})
    window = (
        minutes(360).groupby(np.arange(360) // 60).agg({"open": "first", "high": "max", "low": "min", "close": "last"})
    )
    grid = decided(strategy, window, VIEW)
    # Each hour spans 60 x 0.1 + 2 of which 0.1 are the gap between two minutes: its true range is 7.9.
    assert float(grid.upper - grid.lower) / 200 == pytest.approx(2 * 7.9 / window["close"].iloc[-1], abs=1e-3)
    view = VIEW._replace(grid=grid, price=Decimal(130))
    assert isinstance(decided(strategy, window, view), Grid)  # the close of 136.4 has left it
    wide = Grid(lower=120, upper=150, cells=8, amount=1)
    assert decided(strategy, window, view._replace(grid=wide)) == Keep()


def test_features_of_a_whole_frame_are_those_it_decides_by():
    candles = synthetic_candles(days=3)
    strategy = strategy_of("atr", {"cells": 8, "length": 5, "every": "1h"})
    decider = FrameDecider(strategy, candles)
    whole = strategy.features(decider._made)
    for _, at in decider.moments(candles.index.as_unit("ms").asi8)[::7]:
        window = decider.window(at)
        assert strategy.features(window)["atr"].iloc[-1] == pytest.approx(whole.loc[window.index[-1], "atr"], rel=1e-9)
