"""Daily returns of sweeps, and whether the best of many is believed: on martingales never."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import autogrid as ag
from autogrid.errors import InvalidInput
from autogrid.research.cscv import pbo
from autogrid.research.overfit import dsr, moments, n_eff
from autogrid.research.selection import Selection, judge
from autogrid.research.synthetic import martingale_candles

PER_DAY = 24
VALUES = {"cells": [6, 12, 24], "lower": ["6000", "8000", "9000"], "upper": ["11000", "12000", "15000"]}


def through(closes: np.ndarray) -> pd.DataFrame:
    """Hourly candles of one straight leg each, from 10,000 on."""
    closes = np.round(closes, 2)
    opens = np.concatenate([[10_000.0], closes[:-1]])
    index = pd.date_range("2024-01-01", periods=len(closes), freq="h", tz="UTC", unit="ms")
    columns = {"open": opens, "high": np.maximum(opens, closes), "low": np.minimum(opens, closes), "close": closes}
    return pd.DataFrame(columns, index=index)


def martingale(seed: int, days: int = 120) -> pd.DataFrame:
    """The price goes up or down by the same part with the same probability."""
    steps = np.random.default_rng(seed).choice([-1, 1], days * PER_DAY)
    return through(10_000 * np.cumprod(1 + 0.006 * steps))


def reverting(seed: int, days: int) -> pd.DataFrame:
    """The price is drawn back to where it began: what grids are made for."""
    steps = np.random.default_rng(seed).choice([-0.008, 0.008], days * PER_DAY)
    logs = np.zeros(len(steps))
    at = 0.0
    for i, step in enumerate(steps):
        at = at * 0.95 + step
        logs[i] = at
    return through(10_000 * np.exp(logs))


def rules(fee: str = "0") -> ag.Market:
    return ag.Market(tick="0.01", lot="0.00001", maker_fee=fee, taker_fee=fee)


@pytest.fixture(scope="module")
def wide() -> ag.Grid:
    return ag.Grid(lower="7000", upper="13000", cells=10, spacing="geometric", investment="10000")


def test_a_sweep_keeps_them_where_it_is_asked_to(wide: ag.Grid) -> None:
    candles, market = martingale(1, 20), rules("0.001")
    values = {"cells": [5, 10, 9000], "lower": ["6000", "9000"]}
    swept = ag.sweep(wide, values, candles, market, daily=True, progress=False)
    plain = ag.sweep(wide, values, candles, market, progress=False)
    pd.testing.assert_frame_equal(swept.frame, plain.frame)
    assert plain.daily is None
    assert swept.daily is not None
    assert list(swept.daily.columns) == [0, 1, 2, 3]
    alone = ag.backtest(ag.Grid(lower="9000", upper="13000", cells=10, spacing="geometric", investment="10000"),
                        candles, market)  # fmt: skip
    assert swept.daily[3].to_numpy() == pytest.approx(alone.daily_returns.to_numpy())
    refused = ag.sweep(wide, {"cells": [9000]}, candles, market, daily=True, progress=False)
    assert refused.daily is not None
    assert refused.daily.shape == (20, 0)
    with pytest.raises(InvalidInput, match="run it with daily=True"):
        plain.overfit()
    with pytest.raises(InvalidInput, match="expected two grids or more that traded, found 0 of 1"):
        refused.overfit()


def test_control_the_best_of_many_on_a_martingale_fails_the_gate(wide: ag.Grid) -> None:
    """Oracle 6: whatever the best of 27 grids made, with and without fees, it is luck.

    Fewer than one in a hundred such sweeps pass; more than one in four have a PSR above 95 %.
    """
    looks_good = 0
    for seed in range(30):
        found = ag.sweep(wide, VALUES, martingale(seed), rules("0.001" if seed % 2 else "0"), daily=True,
                         progress=False).overfit(10)  # fmt: skip
        assert found.trials > 20
        assert found.dsr <= 0.95
        assert not found.passes
        assert found.verdict.startswith("Do not believe the best of")
        looks_good += found.psr > 0.95
    assert looks_good >= 3  # so that there was something to refuse


def test_skill_is_believed(wide: ag.Grid) -> None:
    values = {"cells": range(16, 25), "lower": ["9000"], "upper": ["11100"]}
    found = ag.sweep(wide, values, reverting(1, 700), rules(), daily=True, progress=False).overfit(8)
    assert found.passes
    assert found.verdict.startswith("More than luck: the best of 9 grids")


@pytest.fixture(scope="module")
def found(wide: ag.Grid) -> Selection:
    return ag.sweep(wide, VALUES, martingale(3), rules(), daily=True, progress=False).overfit()


def test_the_figures_are_those_of_the_formulas(wide: ag.Grid, found: Selection) -> None:
    swept = ag.sweep(wide, VALUES, martingale(3), rules(), daily=True, progress=False)
    assert swept.daily is not None
    best = swept.best("sharpe", 1).index[0]
    values = swept.daily.to_numpy()
    variance = (swept.frame["sharpe"] / 365**0.5).var()
    assert found.best == swept.frame.loc[best, ["cells", "lower", "upper"]].to_dict()
    assert found.sharpe == pytest.approx(swept.frame["sharpe"].max() / 365**0.5)
    assert found.dsr == pytest.approx(dsr(moments(swept.daily[best]), 27, max(variance, 1 / 119)))
    assert found.dsr < found.psr
    assert found.pbo == pbo(values)
    assert found.n_eff == n_eff(values)
    assert (found.trials, found.days, found.splits) == (27, 120, len(found.logits))


def test_grids_that_never_trade_are_no_trials() -> None:
    noise = np.random.default_rng(1).standard_normal((40, 3)) * 0.01
    days = pd.date_range("2024-01-01", periods=40, tz="UTC")
    daily = pd.DataFrame(np.insert(noise, 1, 0.0, axis=1), index=days, columns=[0, 2, 3, 5])
    combinations = pd.DataFrame({"cells": [1, 2, 3, 4, 5, 6]})
    found = judge(daily, combinations)
    assert found.trials == 3
    assert found.best["cells"] == [1, 4, 6][(noise.mean(axis=0) / noise.std(axis=0)).argmax()]
    with pytest.raises(InvalidInput, match="expected returns of 8 periods or more, found 7"):
        judge(daily.iloc[:7], combinations)
    with pytest.raises(InvalidInput, match="found 1 of 6"):
        judge(daily[[0, 2]], combinations)


def test_what_is_said_of_it(found: Selection) -> None:
    card = found._repr_html_()
    for text in ("The best of many, judged", "Do not believe", "DSR, as the best of all", "27 /", "PBO over 12,870"):
        assert text in card, text
    assert ("Days / least track record alone", "120 / never") in replace(found, min_track_record=float("inf")).facts()
    wire = json.loads(json.dumps(replace(found, min_track_record=float("inf")).to_json()))
    assert (wire["trials"], wire["min_track_record"], wire["passes"]) == (found.trials, None, False)
    assert wire["facts"][1] == ["Grids that traded / independent", f"{found.trials} / {found.n_eff:.1f}"]
    good = replace(found, dsr=0.97, pbo=0.1)
    assert good.passes
    assert good.verdict.startswith("More than luck")
    assert "no better than the median" in replace(good, pbo=0.5).verdict
    assert "days do not prove it" in replace(good, dsr=0.95).verdict


def test_the_control_s_price_has_neither_drift_nor_memory() -> None:
    changes = []
    for seed in range(40):
        candles = martingale_candles(days=30, seed=seed, annual_vol=2.0)
        assert candles.attrs["label"] == f"MARTINGALE, seed {seed}"
        assert (candles["high"] >= candles[["open", "close"]].max(axis=1)).all()
        assert (candles["open"].iloc[1:].to_numpy() == candles["close"].iloc[:-1].to_numpy()).all()
        changes.append(candles["close"].to_numpy() / candles["open"].to_numpy() - 1)
    assert len(changes[0]) == 30 * 96
    found = np.concatenate(changes)
    assert found.std() * np.sqrt(365 * 96) == pytest.approx(2.0, rel=0.02)
    assert abs(found.mean()) < 3 * found.std() / np.sqrt(len(found))
    assert abs(np.corrcoef(found[1:], found[:-1])[0, 1]) < 3 / np.sqrt(len(found))
