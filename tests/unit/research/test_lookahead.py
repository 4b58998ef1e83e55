"""Features that look ahead, or need more than they are shown, are found; those that do not are not."""

import numpy as np
import pandas as pd
import pytest

import autogrid as ag
from autogrid.errors import InvalidInput
from autogrid.strategies.registry import strategy_of

#: Features of hourly closes, and what they are guilty of with a lookback of five.
FEATURES = {
    "last": (lambda x: x, None),
    "mean of five": (lambda x: x.rolling(5).mean(), None),
    "change over four": (lambda x: x.pct_change(4), None),
    "is up": (lambda x: (x > x.shift(2)).map({True: "yes", False: "no"}), None),
    "next": (lambda x: x.shift(-1), "looks ahead"),
    "centred": (lambda x: x.rolling(3, center=True).mean(), "looks ahead"),
    "against the mean of all": (lambda x: x / x.mean(), "looks ahead"),
    "mean of six": (lambda x: x.rolling(6).mean(), "needs more lookback"),
    "mean so far": (lambda x: x.expanding().mean(), "needs more lookback"),
    "change over five": (lambda x: x.pct_change(5), "needs more lookback"),
}


class Seen(ag.Dynamic):
    """Has the features it is given."""

    def __init__(self, *names):
        super().__init__({})
        self.names = names

    cadence, lookback = "1h", 5

    def features(self, candles):
        return pd.DataFrame({name: FEATURES[name][0](candles["close"]) for name in self.names})

    def decide(self, row, view):
        return ag.Keep()


@pytest.mark.parametrize("name", FEATURES)
def test_each_feature_is_told_apart(candles, name):
    found = ag.lookahead_check(Seen(name), candles)
    assert [each.why for each in found.differences] == [why for _, why in [FEATURES[name]] if why]
    assert found.ok == (FEATURES[name][1] is None)
    assert found.moments == 92  # of 96 hours


def test_the_first_moment_is_named(candles):
    found = ag.lookahead_check(Seen("last", "next"), candles)
    (only,) = found.differences
    assert (only.column, only.ts) == ("next", candles.index[4 * 60])
    assert (only.whole, np.isnan(only.shown)) == (candles["close"].iloc[6 * 60 - 1], True)
    assert "next looks ahead: at 2024-01-01 04:00 it is" in str(found)
    assert found._repr_html_().startswith("<div>&#9888; seen: last, next at 92 moments<br>next looks")
    assert "no feature looks ahead" in str(ag.lookahead_check(Seen("last"), candles, moments=3))


def test_rows_that_are_dropped_count_as_different(candles):
    strategy = Seen("last")
    strategy.features = lambda shown: shown[["close"]].iloc[:-1] if len(shown) == 5 else shown[["close"]]
    (only,) = ag.lookahead_check(strategy, candles).differences
    assert (only.column, only.shown) == ("close", None)


@pytest.mark.parametrize(("name", "params"), [("recentre", {"width": "0.1"}), ("atr", {"length": 5, "every": "1h"})])
def test_our_own_do_not_look_ahead(candles, name, params):
    assert ag.lookahead_check(strategy_of(name, {"cells": 8, **params}), candles).ok


def test_too_few_candles(candles):
    with pytest.raises(InvalidInput, match="the candles must hold 5 of 1h without a gap, found 3 in all"):
        ag.lookahead_check(Seen("last"), candles.iloc[:180])
