"""Walk-forward: choose the best grid on some days, work it on the days after, go on. What is left is out of sample."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from decimal import Decimal
from itertools import product
from typing import Any

import pandas as pd
from tqdm.auto import tqdm

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.errors import InvalidInput
from autogrid.research.backtest import backtest, check_ticks
from autogrid.research.folds import Fold, WalkForward
from autogrid.research.sweep import check_fields, sweep, varied
from autogrid.research.ticks import candle_ticks
from autogrid.research.windows import Window, length_ms, windows
from autogrid.strategies.dynamic import Dynamic

#: Fields of a grid that are prices of the moment.
PRICES = ("lower", "upper", "stop_loss", "take_profit", "trigger")


@dataclass(frozen=True, eq=False)
class _Walk:
    grid: Grid | Dynamic
    values: dict[str, list[Any]]
    candles: pd.DataFrame
    market: Market
    metric: str
    scaled: bool
    workers: int | None
    #: cash, path, penetration_ticks, slippage_ticks of `backtest`.
    rules: dict[str, Any]

    def fold(self, window: Window) -> Fold:
        """Choose on the training rows, work it on the test rows."""
        train, test = self.candles.iloc[window.train], self.candles.iloc[window.test]
        if not len(train) or not len(test):
            return Fold(window, error="there are no candles in this window")
        swept = sweep(self._grid(train), self._values(train), train, self.market, workers=self.workers,
                      progress=False, **self.rules)  # fmt: skip
        worked = swept.frame[swept.frame["error"].isna()]
        if worked.empty:
            return Fold(window, error=f"no grid works in the training: {swept.frame['error'].iloc[0]}")
        best = swept.best(self.metric, 1).iloc[0]
        position = int(best.name)  # type: ignore[call-overload]
        chosen = dict(zip(self.values, list(product(*self.values.values()))[position], strict=True))
        at_test = list(product(*self._values(test).values()))[position]
        fold = Fold(window, chosen, {str(name): best[name] for name in best.index if name not in {*chosen, "error"}})
        try:
            grid = varied(self._grid(test), dict(zip(self.values, at_test, strict=True)))
            return fold.tested(backtest(grid, test, self.market, **self.rules))
        except InvalidInput as error:
            return fold.refused(str(error))

    def _grid(self, rows: pd.DataFrame) -> Grid | Dynamic:
        if isinstance(self.grid, Dynamic):
            return self.grid
        given = asdict(self.grid)
        prices = {name: self._price(given[name], rows) for name in PRICES if given[name] is not None}
        return Grid(**{**given, **prices})

    def _values(self, rows: pd.DataFrame) -> dict[str, list[Any]]:
        return {
            name: [self._price(value, rows) for value in each] if name in PRICES else each
            for name, each in self.values.items()
        }

    def _price(self, price: Any, rows: pd.DataFrame) -> Any:
        """A price as it stands, or as far from the open of `rows` as it is from the first open of all."""
        if not self.scaled:
            return price
        now, then = (Decimal(repr(float(part["open"].iloc[0]))) for part in (rows, self.candles))
        return self.market.price(self.market.price_ticks(Decimal(str(price)) * now / then))


def walk_forward(
    grid: Grid | Dynamic,
    values: Mapping[str, Iterable[Any]],
    candles: pd.DataFrame,
    market: Market,
    *,
    train: str = "30d",
    test: str = "7d",
    step: str | None = None,
    anchored: bool = False,
    scaled: bool = False,
    metric: str = "sharpe",
    cash: Decimal | str | None = None,
    path: str = "nearest",
    penetration_ticks: int = 1,
    slippage_ticks: int = 0,
    workers: int | None = None,
    progress: bool = True,
) -> WalkForward:
    """Sweep `values` over each training window, work the grid with the largest `metric` over the test window after it.

    grid: one grid, or a strategy, whose parameters are swept; it sees the candles of its own window only.
    train, test, step: lengths such as "30d"; `step` is `test` by default and not shorter. anchored: trainings begin
    with the first candle and grow, else they roll. scaled: prices of the grid, swept or not, are meant for the first
    candle's open and move with the open of each window, as one would draw the grid anew. Other arguments as in `sweep`.

    Every test begins with the full cash and ends marked at its last close: what a grid then holds is not sold, and the
    next start order pays its fee. A window whose grid is refused stands still and says why.

    InvalidInput for mistakes that no window survives.
    """
    check_fields(values, grid)
    if scaled and isinstance(grid, Dynamic):
        raise InvalidInput("scaled is for grids with fixed prices: a strategy decides its prices itself; leave it out")
    check_ticks(penetration_ticks, slippage_ticks)
    candle_ticks(candles, market)  # says what is wrong with them before anything runs
    lengths = length_ms("train", train), length_ms("test", test), length_ms("step", step or test)
    assert isinstance(candles.index, pd.DatetimeIndex)  # checked with the candles
    found = windows(candles.index, *lengths, anchored)
    rules = {"cash": cash, "path": path, "penetration_ticks": penetration_ticks, "slippage_ticks": slippage_ticks}
    listed = {name: list(each) for name, each in values.items()}
    walk = _Walk(grid, listed, candles, market, metric, scaled, workers, rules)
    folds = [walk.fold(window) for window in tqdm(found, unit="window", disable=not progress)]
    return WalkForward(tuple(folds), tuple(listed), metric, candles)
