"""Many grids, or variants of a strategy, on one set of candles, on all cores."""

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from decimal import Decimal
from difflib import get_close_matches
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.errors import InvalidInput
from autogrid.research.backtest import LOG_SIZE, check_ticks, plan_for
from autogrid.research.daily import Floats, daily_returns, day_index
from autogrid.research.dynamic import Setting, needed_cash, path_range, simulate_decided
from autogrid.research.metrics import CandleFacts, candle_facts, metrics
from autogrid.research.runlog import why_no_grid
from autogrid.research.simulate import Outcome, bounds, fill_log, ledger, prepare, simulate
from autogrid.research.ticks import CandleTicks, candle_ticks
from autogrid.strategies.decider import FrameDecider
from autogrid.strategies.dynamic import Dynamic

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from autogrid.research.selection import Selection


@dataclass(frozen=True, eq=False)
class Sweep:
    """Results of a sweep."""

    #: One row per combination: the swept fields, the metrics, `error` (text where a grid was refused).
    frame: pd.DataFrame
    #: The swept fields, in order.
    fields: tuple[str, ...]
    #: Daily returns, shape (days, grids that worked), columns named by rows of `frame`; None: not asked for.
    daily: pd.DataFrame | None = None

    def overfit(self, blocks: int | None = None) -> "Selection":
        """Whether the best Sharpe ratio of all these grids is more than luck; see `autogrid.research.selection.judge`.

        InvalidInput where the sweep was run without `daily=True`, or on too few days.
        """
        if self.daily is None:
            raise InvalidInput("a sweep keeps daily returns only where it is asked to: run it with daily=True")
        from autogrid.research.selection import judge

        return judge(self.daily, self.frame.loc[:, list(self.fields)], blocks)

    def best(self, metric: str = "total_return", count: int = 10) -> pd.DataFrame:
        """The `count` rows with the largest `metric`."""
        self._check(metric)
        return self.frame.nlargest(count, metric)

    def heatmap(self, x: str, y: str, metric: str = "total_return") -> "go.Figure":
        """`metric` over two swept fields; where others were swept too, the median over them. Empty = refused."""
        from autogrid.research.plots import heatmap

        for name in (x, y, metric):
            self._check(name)
        return heatmap(self.frame, x, y, metric)

    def _check(self, name: str) -> None:
        if name not in self.frame.columns:
            near = get_close_matches(name, map(str, self.frame.columns), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(map(str, self.frame.columns))}"
            raise InvalidInput(f"a sweep's frame has no column {name!r}; {hint}")

    def _repr_html_(self) -> str:
        from autogrid.research.html import sweep_card

        return sweep_card(self)


#: Worst and best final equity, found only when asked.
_Band = Callable[[], tuple[Decimal, Decimal]]


@dataclass(frozen=True, eq=False)
class _Task:
    grid: Grid | Dynamic
    candles: pd.DataFrame
    market: Market
    ticks: CandleTicks
    facts: CandleFacts
    cash: Decimal | str | None
    path: str
    penetration: int
    slippage: int
    with_bounds: bool
    daily: bool

    def row(self, changes: Mapping[str, Any]) -> tuple[dict[str, Any], Floats | None]:
        """Fields, metrics and `error` of one combination, and its daily returns if they are wanted and it worked."""
        try:
            wanted = varied(self.grid, changes)
            outcome, band = self._decided(wanted) if isinstance(wanted, Dynamic) else self._static(wanted)
        except InvalidInput as error:
            return {**changes, "error": str(error)}, None
        books = ledger(outcome, self.facts.close)
        row = {**changes, **metrics(outcome, books, self.ticks, self.facts), "error": None}
        if self.with_bounds:
            row["worst"], row["best"] = (float(x) for x in band())
        if not self.daily:
            return row, None
        return row, daily_returns(fill_log(outcome), outcome.job.plan.cash, self.ticks, self.market)

    @property
    def _log_size(self) -> int:
        return LOG_SIZE if self.daily else 0

    def _static(self, grid: Grid) -> tuple[Outcome, _Band]:
        planned = plan_for(grid, self.market, self.ticks, self.cash, self.slippage)
        job = prepare(planned, self.ticks, self.path, self.penetration, self.slippage)
        return simulate(job, self.ticks, self._log_size), lambda: bounds(job, self.ticks)

    def _decided(self, strategy: Dynamic) -> tuple[Outcome, _Band]:
        setting = Setting(
            FrameDecider(strategy, self.candles), self.ticks, self.market, needed_cash(self.cash), self.path,
            self.penetration, self.slippage,
        )  # fmt: skip
        outcome = simulate_decided(setting, self._log_size)
        if not outcome.started:
            raise InvalidInput(why_no_grid(outcome.decisions))
        return outcome, lambda: path_range(setting, outcome)


def sweep(
    grid: Grid | Dynamic,
    values: Mapping[str, Iterable[Any]],
    candles: pd.DataFrame,
    market: Market,
    *,
    cash: Decimal | str | None = None,
    path: str = "nearest",
    penetration_ticks: int = 1,
    slippage_ticks: int = 0,
    with_bounds: bool = False,
    daily: bool = False,
    workers: int | None = None,
    progress: bool = True,
) -> Sweep:
    """Work every combination of `values` (field -> values), all other fields as in `grid`.

    The fields are those of Grid or, where a strategy is given, of its parameters. A combination that cannot work
    becomes a row with its reason in `error`, the sweep goes on. `with_bounds` adds `worst` and `best` final equity at
    about three times the cost. `daily` keeps the daily returns of every grid, which `Sweep.overfit` needs. Runs on
    `workers` threads (all cores by default): the kernel releases the GIL, a strategy's own decisions do not. Other
    arguments as in `backtest`.
    """
    check_fields(values, grid)
    if isinstance(grid, Dynamic):
        needed_cash(cash)
    check_ticks(penetration_ticks, slippage_ticks)
    ticks = candle_ticks(candles, market)
    facts = candle_facts(ticks)
    task = _Task(grid, candles, market, ticks, facts, cash, path, penetration_ticks, slippage_ticks, with_bounds, daily)
    fields = tuple(values)
    combinations = [dict(zip(fields, each, strict=True)) for each in product(*(list(v) for v in values.values()))]
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        done = list(tqdm(pool.map(task.row, combinations), total=len(combinations), unit="grid", disable=not progress))
    frame = pd.DataFrame([row for row, _ in done])
    # `error` last, and metrics as columns even where every grid was refused.
    columns = [*fields, *(name for name in frame.columns if name not in {*fields, "error"}), "error"]
    return Sweep(frame.reindex(columns=columns), fields, _table([kept for _, kept in done], ticks) if daily else None)


def varied(grid: Grid | Dynamic, changes: Mapping[str, Any]) -> Grid | Dynamic:
    """`grid` with other fields, or a strategy with other parameters; checked like one written by hand."""
    if isinstance(grid, Dynamic):
        # Ranges and arrays of numpy are welcome.
        plain = {name: x.item() if isinstance(x, np.generic) else x for name, x in changes.items()}
        return type(grid)({**asdict(grid.params), **plain})
    return Grid(**{**asdict(grid), **changes})


def check_fields(values: Mapping[str, Iterable[Any]], grid: Grid | Dynamic) -> None:
    """InvalidInput for a name that is no field of a grid or, where a strategy is given, of its parameters."""
    kind = type(grid.params) if isinstance(grid, Dynamic) else Grid
    known = tuple(each.name for each in dataclass_fields(kind))
    unknown = [name for name in values if name not in known]
    if unknown:
        raise InvalidInput(f"a sweep varies fields of {kind.__name__} ({', '.join(known)}), was {unknown[0]!r}")


def _table(kept: list[Floats | None], ticks: CandleTicks) -> pd.DataFrame:
    columns = {row: values for row, values in enumerate(kept) if values is not None}
    values = np.column_stack(list(columns.values())) if columns else np.zeros((len(ticks.days), 0))
    return pd.DataFrame(values, index=day_index(ticks), columns=pd.Index(columns, dtype=np.int64))
