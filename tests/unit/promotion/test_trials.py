"""How many grids were tried, and what the gates make of it."""

import io
import statistics
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

import autogrid as ag
from autogrid.cli.promote import show_gates
from autogrid.core.study import Study, parse_study
from autogrid.promotion.gates import GATES, PAPER, Evidence, run_gates
from autogrid.promotion.trials import SAID, SWEPT, Trials, trials_of
from autogrid.research.overfit import dsr, moments, psr

STUDY = """
[market]
tick = "0.01"
lot = "0.00001"
maker_fee = "0.0001"
taker_fee = "0.0001"
[strategy.params]
lower = "9000"
upper = "11000"
cells = 12
spacing = "geometric"
investment = "10000"
"""
SWEEP = {
    "text": "a",
    "fields": ["cells"],
    "rows": [
        {"cells": 10, "sharpe": 1.0, "error": None},
        {"cells": 20, "sharpe": -2.0, "error": None},
        {"cells": 30, "sharpe": 4.0, "error": None},
        {"cells": 9000, "error": "too narrow"},
    ],
}


def study(said: str = "") -> Study:
    return parse_study(STUDY + (f"[overfit]\n{said}\n" if said else ""))


def test_what_was_swept_counts_once() -> None:
    again = {**SWEEP, "rows": [SWEEP["rows"][0], {"cells": 40, "sharpe": 1.0, "error": None}]}  # type: ignore[index]
    found = trials_of(study(), [SWEEP, again])
    expected = statistics.variance([1.0, -2.0, 4.0, 1.0]) / 365
    assert found == Trials(4, pytest.approx(expected), SWEPT)  # type: ignore[arg-type]
    # The same values in another study are other grids.
    assert trials_of(study(), [SWEEP, {**again, "text": "b"}]).count == 5  # type: ignore[union-attr]


def test_the_larger_number_counts_and_the_study_s_own_variance() -> None:
    assert trials_of(study()) is None
    assert trials_of(study("enforce = true")) is None
    assert trials_of(study("trials = 7")) == Trials(7, None, SAID)
    assert trials_of(study('trials = 2\nsharpe_variance = "0.01"'), [SWEEP]) == Trials(3, 0.01, SWEPT)
    assert trials_of(study("trials = 60"), [SWEEP]) == Trials(
        60,
        pytest.approx(statistics.variance([1.0, -2.0, 4.0]) / 365),
        SAID,  # type: ignore[arg-type]
    )
    refused = {**SWEEP, "rows": [{"cells": 9000, "error": "too narrow"}]}
    assert trials_of(study(), [refused]) is None
    single = {**SWEEP, "rows": SWEEP["rows"][:1]}  # type: ignore[index]
    assert trials_of(study(), [single]) == Trials(1, None, SWEPT)


def waves(days: int, drift: float = 0.0) -> pd.DataFrame:
    """Hourly candles of a price that swings around 10,000, and falls by `drift` a day."""
    rng, at, logs = np.random.default_rng(4), 0.0, []
    for step in rng.choice([-0.008, 0.008], days * 24):
        at = at * 0.95 + step
        logs.append(at - drift * len(logs) / 24)
    closes = np.round(10_000 * np.exp(np.array(logs)), 2)
    opens = np.concatenate([[10_000.0], closes[:-1]])
    index = pd.date_range("2024-01-01", periods=len(closes), freq="h", tz="UTC", unit="ms")
    columns = {"open": opens, "high": np.maximum(opens, closes), "low": np.minimum(opens, closes), "close": closes}
    return pd.DataFrame(columns, index=index)


def evidence(days: int, drift: float = 0.0, **more: Any) -> Evidence:
    market = ag.Market(tick="0.01", lot="0.00001", maker_fee="0.0001", taker_fee="0.0001")
    grid = ag.Grid(lower="9000", upper="11000", cells=12, spacing="geometric", investment="10000")
    result = ag.backtest(grid, waves(days, drift), market)
    return Evidence(PAPER, result, result, **more)


@pytest.fixture(scope="module")
def long() -> Evidence:
    return evidence(200)


def test_a_long_record_passes_and_few_trials_do_not_hurt(long: Evidence) -> None:
    track = moments(long.backtest.daily_returns)
    verdict = GATES["track record"](long)
    assert verdict.status == "pass"
    assert verdict.actual == f"{psr(track):.1%} sure after 200 days"
    verdict = GATES["trials"](replace(long, trials=Trials(1, None, SAID)))
    assert (verdict.status, verdict.actual) == ("pass", f"{psr(track):.1%} sure after 200 days")


@pytest.mark.parametrize("variance", [None, 0.0001, 0.02])
def test_many_trials_ask_for_more(long: Evidence, variance: float | None) -> None:
    """The variance is the trials' own, or that of luck where it is smaller or not known."""
    verdict = GATES["trials"](replace(long, trials=Trials(5_000, variance, SWEPT)))
    sure = dsr(moments(long.backtest.daily_returns), 5_000, max(variance or 0, 1 / 199))
    assert verdict.status == "warn"
    assert verdict.actual == f"{sure:.1%} sure after 200 days"
    assert verdict.expected == "95% sure to beat the luckiest of 5,000 grids (its stored sweeps)"
    assert "autogrid walkforward" in verdict.remedy


def test_they_fail_only_where_the_study_says_so(long: Evidence) -> None:
    many = replace(long, trials=Trials(5_000, None, SAID))
    for enforce, status in ((False, "warn"), (True, "fail")):
        for found, gate in (
            (many, "trials"),
            (long, "trials"),
            (evidence(3, trials=Trials(2, None, SAID)), "trials"),
            (evidence(3), "track record"),
            (evidence(30, 0.01), "track record"),
        ):
            assert GATES[gate](replace(found, enforce=enforce)).status == status
    assert GATES["track record"](replace(long, enforce=True)).status == "pass"


def test_what_to_do_is_said(long: Evidence) -> None:
    assert GATES["trials"](long).remedy.endswith("[overfit] trials = N")
    assert GATES["track record"](evidence(3)).actual == "3 days, too few or without a trade"
    assert "it did not earn" in GATES["track record"](evidence(30, 0.01)).remedy
    short = GATES["track record"](evidence(20))
    assert short.status == "warn"
    assert short.remedy.startswith("it takes ")


def test_the_table_has_a_row_for_each(long: Evidence) -> None:
    rows = run_gates(long)
    shown = io.StringIO()
    show_gates(Console(width=200, file=shown), rows)
    assert "into the study: [overfit] trials = N" in shown.getvalue()
    assert [row["gate"] for row in rows][-2:] == ["track record", "trials"]
    assert {row["gate"]: row["status"] for row in rows}["track record"] == "pass"
