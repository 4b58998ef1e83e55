"""What a walk-forward hands back: its windows, and the stitched result of all tests."""

import math
from dataclasses import dataclass, field, replace
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from autogrid.errors import InvalidInput
from autogrid.research.metrics import DAYS_PER_YEAR
from autogrid.research.overfit import CONFIDENCE, moments, psr
from autogrid.research.result import Result
from autogrid.research.ticks import DAY_MS
from autogrid.research.windows import Window

if TYPE_CHECKING:
    import plotly.graph_objects as go

#: Exact sums over all tests, in quote.
TOTALS = ("realised", "unrealised", "fees")


@dataclass(frozen=True, eq=False)
class Fold:
    """One training and the test after it."""

    window: Window
    #: Swept field -> chosen value; empty where no grid worked.
    chosen: dict[str, Any] = field(default_factory=dict)
    #: Metrics of the chosen grid in the training.
    trained: dict[str, float] = field(default_factory=dict)
    #: The chosen grid in the test; None where it was refused.
    result: Result | None = None
    error: str | None = None

    def tested(self, result: Result) -> "Fold":
        """The same with its test."""
        return replace(self, result=result)

    def refused(self, error: str) -> "Fold":
        """The same with the reason why there is no test."""
        return replace(self, error=error)

    @property
    def in_sample(self) -> float:
        """Return per day of the chosen grid in the training, a fraction; NaN where none worked."""
        days = (self.window.test_start - self.window.train_start) / DAY_MS
        return float(self.trained["total_return"]) / days if self.trained else math.nan

    @property
    def out_of_sample(self) -> float:
        """Return per day in the test, a fraction; 0 where nothing was worked."""
        days = (self.window.test_end - self.window.test_start) / DAY_MS
        return self.result.metrics["total_return"] / days if self.result else 0.0


@dataclass(frozen=True, eq=False)
class WalkForward:
    """All windows of a walk-forward. Returns are fractions; `totals` are exact, in quote."""

    folds: tuple[Fold, ...] = field(repr=False)
    #: The swept fields, in order.
    fields: tuple[str, ...]
    #: What the grids were chosen by.
    metric: str
    candles: pd.DataFrame = field(repr=False)

    @cached_property
    def returns(self) -> pd.Series:
        """Out-of-sample returns per UTC day, one test after the other; days of a test without a grid are 0."""
        parts = []
        for fold in self.folds:
            opens = self.candles.index[fold.window.test]
            still = pd.Series(0.0, index=pd.DatetimeIndex(opens).floor("D").unique())
            parts.append(1.0 + (still if fold.result is None else fold.result.daily_returns))
        # A day that two tests share has the returns of both.
        grown: pd.Series = pd.concat(parts).groupby(level=0).prod()
        return grown.rename_axis("day").rename("return") - 1.0

    @cached_property
    def hold(self) -> pd.Series:
        """What one unit of quote in base became by each day's close, from the first test's open to the last test."""
        rows = self.candles.iloc[self.folds[0].window.test.start : self.folds[-1].window.test.stop]
        last = rows["close"].groupby(pd.DatetimeIndex(rows.index).floor("D")).last()
        return last.rename_axis("day").rename("hold") / float(rows["open"].iloc[0])

    @cached_property
    def totals(self) -> dict[str, Decimal]:
        """Realised, unrealised, fees and gained over all tests; gained = realised + unrealised - fees."""
        books = [fold.result.ledger for fold in self.folds if fold.result is not None]
        found = {name: sum((getattr(each, name) for each in books), Decimal(0)) for name in TOTALS}
        return found | {"gained": sum((each.equity - each.equity_start for each in books), Decimal(0))}

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per window: its times, the chosen fields, return per day and `metric` in and out of sample, error."""
        rows = []
        for fold in self.folds:
            out = {} if fold.result is None else fold.result.metrics
            times = (fold.window.train_start, fold.window.test_start, fold.window.test_end)
            names = ("train_start", "test_start", "test_end")
            row: dict[str, Any] = {
                name: pd.Timestamp(at, unit="ms", tz="UTC") for name, at in zip(names, times, strict=True)
            }
            row |= {name: fold.chosen.get(name) for name in self.fields}
            row |= {"in_sample": fold.in_sample, "out_of_sample": fold.out_of_sample}
            row |= {f"{self.metric}_in": fold.trained.get(self.metric), f"{self.metric}_out": out.get(self.metric)}
            row |= {name: out.get(name, 0) for name in ("total_return", "hold_return", "fills", "round_trips", "fees")}
            rows.append(row | {"error": fold.error})
        return pd.DataFrame(rows)

    @property
    def in_sample(self) -> float:
        """Mean return per day of the chosen grids where they were chosen; NaN where no grid ever worked."""
        found = [fold.in_sample for fold in self.folds if fold.trained]
        return float(np.mean(found)) if found else math.nan

    @property
    def out_of_sample(self) -> float:
        """Mean return per day of all tests."""
        return float(np.mean([fold.out_of_sample for fold in self.folds]))

    @property
    def kept(self) -> float:
        """Out of sample over in sample: 1 where nothing was lost, NaN where the trainings did not earn."""
        return self.out_of_sample / self.in_sample if self.in_sample > 0 else math.nan

    @property
    def total_return(self) -> float:
        """All tests one after the other."""
        return float(np.prod(1.0 + self.returns.to_numpy()) - 1.0)

    @property
    def sharpe(self) -> float:
        """Of the out-of-sample returns, daily, times sqrt(365); NaN where there are too few or nothing moved."""
        return self._judged()[0] * math.sqrt(DAYS_PER_YEAR)

    @property
    def psr(self) -> float:
        """Probability that the true out-of-sample Sharpe ratio is above 0; NaN as in `sharpe`."""
        return self._judged()[1]

    @property
    def max_drawdown(self) -> float:
        """Largest relative fall of the stitched equity at daily closes."""
        equity = np.concatenate([[1.0], (1.0 + self.returns.to_numpy()).cumprod()])
        return float((1.0 - equity / np.maximum.accumulate(equity)).max())

    @property
    def verdict(self) -> str:
        """One sentence."""
        if not any(fold.chosen for fold in self.folds):
            return f"Not judged: no grid worked in any window, in the first because: {self.folds[0].error}"
        said = f"out of sample the chosen grids made {self.out_of_sample:+.3%} a day, in sample {self.in_sample:+.3%}"
        if not math.isfinite(self.psr):
            return f"Not judged: {said}; these are too few days, or nothing was traded."
        if self.psr > CONFIDENCE:
            return f"It holds: {said}; the Sharpe ratio is above 0 with a probability of {self.psr:.1%}."
        return f"Not proven: {said}; the Sharpe ratio is above 0 with a probability of {self.psr:.1%}, 95% are wanted."

    def _judged(self) -> tuple[float, float]:
        try:
            track = moments(self.returns.to_numpy())
        except InvalidInput:
            return math.nan, math.nan
        return track.sharpe, psr(track)

    def facts(self) -> list[tuple[str, str]]:
        """What a person wants to know first, as (name, text)."""
        from autogrid.research.fold_facts import facts

        return facts(self)

    def to_json(self) -> dict[str, Any]:
        """Everything: decimals and times as strings, no NaN."""
        from autogrid.research.fold_facts import to_json

        return to_json(self)

    def plot(self) -> "go.Figure":
        """Stitched equity against holding, and what each window promised and kept."""
        from autogrid.research.plots import walk_forward

        return walk_forward(self)

    def html(self) -> str:
        """One self-contained page: the summary and the plot."""
        from autogrid.research.html import page_of

        return page_of("AutoGrid walk-forward", self._repr_html_(), self.plot())

    def _repr_html_(self) -> str:
        from autogrid.research.html import facts_card, spark

        picture = spark((1.0 + self.returns).cumprod())
        return facts_card(f"Walk-forward, {len(self.folds)} windows", self.verdict, self.facts(), [], picture)
