"""What a backtest hands back: exact books, research figures, pictures."""

import csv
import hashlib
import io
import math
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal, localcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from autogrid.core.ledger import Ledger
from autogrid.core.market import fee_atoms
from autogrid.core.orders import BUY, GRID, KINDS
from autogrid.research.daily import daily_returns, day_index
from autogrid.research.runlog import Decided, Run, why_no_grid

if TYPE_CHECKING:
    import plotly.graph_objects as go
    import vectorbt as vbt

CSV_COLUMNS = ("ts", "kind", "cell", "side", "price", "amount", "fee", "fee_asset")
MICRO = 1_000_000
#: Below this ratio of step to median candle range the order of fills inside candles is guesswork.
COARSE = 2.0


class Result:
    """One backtest. Exact where the contract is exact (`ledger`, `bounds`, `fill_rows`), floats elsewhere."""

    def __init__(self, run: Run, candles: pd.DataFrame) -> None:
        self.run = run
        self.candles = candles

    @property
    def ledger(self) -> Ledger:
        """Final books, in Decimal."""
        return self.run.ledger

    @property
    def metrics(self) -> dict[str, float]:
        """Figures; see `autogrid.research.metrics.metrics`."""
        return self.run.metrics

    @property
    def bounds(self) -> tuple[Decimal, Decimal]:
        """Worst and best final equity over both orders of extremes in every candle.

        Of a strategy that decides its grids: the range over the three path rules, which is not a bound.
        """
        return self.run.bounds

    @property
    def decisions(self) -> tuple[Decided, ...]:
        """What a strategy decided, but for those to keep everything; () where one grid was given."""
        return self.run.decisions

    @property
    def warnings(self) -> list[str]:
        """What to know before believing the figures."""
        found = []
        ratio = self.metrics["step_to_range"]
        if ratio < COARSE:
            found.append(
                f"the candles are too coarse for this grid: a step is {ratio:.2f} median candle ranges, "
                f"{COARSE:g} or more are needed; use shorter candles or fewer cells"
            )
        refused = [each.reason for each in self.decisions if each.what == "refused"]
        if not self.run.started and self.run.strategy is not None:
            found.append(why_no_grid(self.decisions))
        elif refused:
            found.append(f"{len(refused):,} decisions were refused, the last because {refused[-1]}")
        elif not self.run.started:
            found.append("the trigger price was never reached: nothing was traded")
        return found

    def fill_rows(self) -> Iterator[tuple[int, str, int, str, Decimal, Decimal, Decimal, str]]:
        """Fills in order of happening, exact: ts (candle open), kind, cell, side, price, amount, fee, its asset."""
        log, market = self.run.fills, self.run.market
        ts = self.run.ticks.ts
        columns = (log.candle, log.kind, log.cell, log.side, log.price, log.lots)
        for candle, kind, cell, side, price, lots in zip(*(column.tolist() for column in columns), strict=True):
            ppm = market.maker_ppm if kind == GRID else market.taker_ppm
            in_base = side == BUY and market.fee_in_base
            fee = millionths(market.lot, lots * ppm) if in_base else market.money(fee_atoms(price * lots, ppm))
            yield (
                int(ts[candle]),
                KINDS[kind],
                cell,
                "buy" if side == BUY else "sell",
                market.price(price),
                market.amount(lots),
                fee,
                "base" if in_base else "quote",
            )

    @cached_property
    def fills(self) -> pd.DataFrame:
        """Fills as a table indexed by candle open; price, amount and fee as floats (exact: `fill_rows`)."""
        frame = pd.DataFrame(list(self.fill_rows()), columns=list(CSV_COLUMNS))
        for name in ("price", "amount", "fee"):
            frame[name] = frame[name].astype(float)
        frame["ts"] = pd.to_datetime(frame["ts"].astype("int64"), unit="ms", utc=True)
        return frame.set_index("ts")

    @cached_property
    def equity(self) -> pd.Series:
        """Equity in quote at every candle close, shape (candles,)."""
        cash, base = self._positions()
        close = self.run.ticks.close * float(self.run.market.tick)
        return pd.Series(cash + base * close, index=self.candles.index, name="equity")

    @cached_property
    def daily_returns(self) -> pd.Series:
        """Relative change of equity per UTC day, at its last close; shape (days,)."""
        run = self.run
        values = daily_returns(run.fills, run.plan.cash, run.ticks, run.market)
        return pd.Series(values, index=day_index(run.ticks), name="daily return")

    @cached_property
    def inventory(self) -> pd.Series:
        """Base held at every candle close, shape (candles,)."""
        return pd.Series(self._positions()[1], index=self.candles.index, name="inventory")

    def _positions(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        fills, log, size = self.fills, self.run.fills, len(self.run.ticks)
        signed = fills["amount"].to_numpy() * log.side
        in_base = (fills["fee_asset"] == "base").to_numpy()
        fee = fills["fee"].to_numpy()
        paid = -signed * fills["price"].to_numpy() - np.where(in_base, 0.0, fee)
        got = signed - np.where(in_base, fee, 0.0)
        cash = np.bincount(log.candle, weights=paid, minlength=size).cumsum() + float(self.ledger.equity_start)
        return cash, np.bincount(log.candle, weights=got, minlength=size).cumsum()

    def to_json(self) -> dict[str, Any]:
        """The result as in the command format: decimals as strings, no NaN."""
        plan, market, books = self.run.plan, self.run.market, self.ledger
        return {
            "levels": [f"{market.price(x):f}" for x in plan.levels],
            "amounts": [f"{market.amount(x):f}" for x in plan.lots],
            "empty_level": plan.empty,
            "start_price": f"{market.price(plan.start):f}",
            "fills": books.fills,
            "round_trips": books.round_trips,
            **{
                name: f"{getattr(books, name):f}"
                for name in ("cash", "base", "fees", "equity", "realised", "unrealised")
            },
            "stopped": self.run.stopped,
            "bounds": {"worst": f"{self.bounds[0]:f}", "best": f"{self.bounds[1]:f}"},
            "metrics": {name: value if math.isfinite(value) else None for name, value in self.metrics.items()},
            **self._decisions_json(),
        }

    def _decisions_json(self) -> dict[str, Any]:
        """Of a strategy: how often it decided what, and that `bounds` is the range of three paths, not a bound."""
        if self.run.strategy is None:
            return {}
        count = Counter(each.what for each in self.decisions)
        grids = count["grid"]
        return {
            "strategy": self.run.strategy,
            "decisions": {"grids": grids, "regrids": max(0, grids - 1), "refused": count["refused"]},
            "bounds_over": "paths",
        }

    def to_csv(self, out: str | Path | TextIO) -> None:
        """Write the fills; `out` is a path or an open text file."""
        if isinstance(out, (str, Path)):
            with Path(out).open("w", newline="") as file:
                self.to_csv(file)
            return
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        writer.writerows(tuple(f"{x:f}" if isinstance(x, Decimal) else x for x in row) for row in self.fill_rows())

    def csv(self) -> str:
        """What `to_csv` writes."""
        text = io.StringIO()
        self.to_csv(text)
        return text.getvalue()

    def sha256(self) -> str:
        """Fingerprint of all fills: the hash of the bytes that `to_csv` writes."""
        return hashlib.sha256(self.csv().encode()).hexdigest()

    @cached_property
    def portfolio(self) -> "vbt.Portfolio":
        """The fills as a vectorbt portfolio; see `autogrid.research.portfolio`."""
        from autogrid.research.portfolio import portfolio

        return portfolio(self.run, self.candles.index)

    def plot(self) -> "go.Figure":
        """Candles with levels and fills, equity against holding, inventory."""
        from autogrid.research.plots import figure

        return figure(self)

    def to_html(self, out: str | Path) -> None:
        """Write one self-contained page: the summary and the plot."""
        Path(out).write_text(self.html(), encoding="utf-8")

    def html(self) -> str:
        """What `to_html` writes."""
        from autogrid.research.html import page

        return page(self)

    def _repr_html_(self) -> str:
        from autogrid.research.html import card

        return card(self)


def millionths(unit: Decimal, count: int) -> Decimal:
    """`count` millionths of `unit`, exact."""
    with localcontext() as context:
        context.prec = 60
        return Decimal(count) * unit / MICRO
