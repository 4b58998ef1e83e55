"""Studies whose strategy decides: the live engine makes the backtest's fills and ends with its books."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from autogrid.core.study import parse_study
from autogrid.data.frame import read_candles
from autogrid.promotion.parity import replay_like
from autogrid.research.study import backtest_study
from autogrid.research.synthetic import synthetic_candles

DATA = Path(__file__).parents[3].parent / "shared" / "data"
STUDY = """
[market]
tick = "0.01"
lot = "0.00001"
min_notional = "{least}"
maker_fee = "{fee}"
taker_fee = "{fee}"
buy_fee_asset = "{asset}"
[strategy]
name = "{name}"
[strategy.params]
{params}
[simulation]
cash = "{cash}"
path = "{path}"
penetration_ticks = {penetration}
slippage_ticks = {slippage}
"""
RECENTRE = 'width = "{width}"\ncells = {cells}\nevery = "{every}"\nspacing = "{spacing}"'
ATR = 'cells = {cells}\nlength = 4\nranges = {ranges}\nevery = "{every}"\ndrift = "0.2"\nspacing = "{spacing}"'


@pytest.fixture(scope="module")
def candles() -> pd.DataFrame:
    return synthetic_candles(days=4, seed=11)


def parity(text: str, candles: pd.DataFrame) -> Any:
    study = parse_study(text)
    expected = backtest_study(study, candles)
    replayed = replay_like(expected, study)
    assert replayed.csv() == expected.csv()
    assert replayed.ledger == expected.ledger
    assert replayed.run.stopped == expected.run.stopped
    return expected


@settings(max_examples=12, deadline=None, phases=(Phase.generate,))  # shrinking these takes minutes
@given(data=st.data())
def test_random_studies(data: st.DataObject, candles: pd.DataFrame) -> None:
    def one(*values: Any) -> Any:
        return data.draw(st.sampled_from(values))

    shape = {"cells": one(1, 5, 12), "every": one("15m", "1h", "4h"), "spacing": one("arithmetic", "geometric")}
    name = one("recentre", "atr")
    params = (RECENTRE if name == "recentre" else ATR).format(**shape, width=one("0.01", "0.03"), ranges=one(1, 2))
    text = STUDY.format(
        name=name, params=params, least=one("0", "10"), fee=one("0", "0.001"), asset=one("base", "quote"),
        cash=one("1000", "40"), path=one("nearest", "low_first", "high_first"), penetration=one(0, 1),
        slippage=one(0, 2),
    )  # fmt: skip
    parity(text, candles.iloc[: data.draw(st.integers(500, 2500))])


def test_a_week_of_real_minutes_with_dozens_of_grids() -> None:
    file = DATA / "binanceum_BTCUSDT_1m_202505.parquet"
    if not file.exists():
        pytest.skip(f"{file.name} is not here: it is no part of the project")
    params = RECENTRE.format(width="0.004", cells=8, every="15m", spacing="geometric")
    text = STUDY.format(
        name="recentre", params=params, least="5", fee="0.0002", asset="quote", cash="10000", path="nearest",
        penetration=1, slippage=1,
    )  # fmt: skip
    result = parity(text, read_candles(file).iloc[: 7 * 1440])
    assert sum(each.what == "grid" for each in result.run.decisions) > 40
    assert result.ledger.fills > 400
