"""A study through the live engine: fills and ledger by its ticks, figures by research, for the same plan."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd

from autogrid.core.bot import FillRow
from autogrid.core.ledger import MICRO, Books
from autogrid.core.market import Market
from autogrid.core.orders import BUY, KINDS
from autogrid.core.study import Study
from autogrid.live.drive import Row
from autogrid.live.replay import SYMBOL, replay
from autogrid.research.result import Result, millionths
from autogrid.research.runlog import FillLog, Run
from autogrid.research.study import backtest_study
from autogrid.research.ticks import CandleTicks
from autogrid.strategies.registry import worked


class Replayed(Result):
    """A result whose fills, fees and ledger are the live engine's; bounds and metrics are those of the backtest."""

    def __init__(self, run: Run, candles: pd.DataFrame, live: list[FillRow], symbol: str = SYMBOL) -> None:
        super().__init__(run, candles)
        self.live = live
        base, quote = symbol.split("/")
        self._assets = {base: "base", quote: "quote"}

    def fill_rows(self) -> Iterator[tuple[int, str, int, str, Decimal, Decimal, Decimal, str]]:
        """Fills as the engine booked them, fees included."""
        market = self.run.market
        for row in self.live:
            asset = self._assets.get(row.fee_asset, row.fee_asset)
            yield (
                row.ts_ms,
                KINDS[row.key.kind],
                row.key.cell,
                "buy" if row.side == BUY else "sell",
                market.price(row.price),
                market.amount(row.lots),
                fee_as_written(market, row.fee, asset),
                asset,
            )


def fee_as_written(market: Market, fee: Decimal, asset: str) -> Decimal:
    """A fee with the decimals that a backtest writes, whatever notation an exchange or a database gave it."""
    if asset == "quote":
        atoms = Fraction(fee) / Fraction(market.atom)
        return market.money(atoms.numerator) if atoms.denominator == 1 else fee
    if asset == "base":
        micro = Fraction(fee) / Fraction(market.lot) * MICRO
        return millionths(market.lot, micro.numerator) if micro.denominator == 1 else fee
    return fee


def lived(expected: Result, fills: Sequence[FillRow], symbol: str) -> Replayed:
    """A live bot's fills in the place of the backtest's, each at the open of its candle: for `csv` and `sha256`."""
    ts = expected.run.ticks.ts
    opens = ts[np.searchsorted(ts, [row.ts_ms for row in fills], side="right") - 1].tolist()
    rows = [row._replace(ts_ms=at) for row, at in zip(fills, opens, strict=True)]
    return Replayed(expected.run, expected.candles, rows, symbol)


def replay_study(study: Study, candles: pd.DataFrame) -> Replayed:
    """Replay a study on `candles`. Raises InvalidInput as `backtest_study` does."""
    return replay_like(backtest_study(study, candles), study)


def replay_like(expected: Result, study: Study) -> Replayed:
    """The live engine on the candles and with the arguments of a study's backtest."""
    run = expected.run
    # Backtests know the least notional of cells only; an exchange also refuses start and stop orders below it, which
    # the gate "market orders" says. So that the same orders are compared, the simulated exchange knows none.
    done = replay(
        worked(study),
        Market(**{**vars(run.market), "min_notional": 0}),
        rows(run.ticks),
        cash=None if study.cash is None else str(study.cash),
        path=study.path,
        penetration_ticks=study.penetration_ticks,
        slippage_ticks=study.slippage_ticks,
        cell_market=run.market,
        candles=expected.candles,
    )
    books = Books(run.plan) if done.position is None else done.position.books
    live = replace(
        run,
        fills=_log(done.fills, run.ticks),
        ledger=books.ledger(int(run.ticks.close[-1])),
        stopped=done.stopped,
        started=done.position is not None,
    )
    return Replayed(live, expected.candles, done.fills)


def rows(ticks: CandleTicks) -> list[Row]:
    """Candles as the live engine reads them."""
    columns = (ticks.ts, ticks.open, ticks.high, ticks.low, ticks.close)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _log(fills: list[FillRow], ticks: CandleTicks) -> FillLog:
    """The fills as columns."""
    fields = [(f.ts_ms, f.key.kind, f.key.cell, f.side, f.price, f.lots) for f in fills]
    ts, *columns = np.array(fields, np.int64).reshape(-1, 6).T
    return FillLog(np.searchsorted(ticks.ts, ts), *columns)
