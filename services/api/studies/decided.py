"""What a strategy would begin with, on the newest stored candles."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy.engine import Connection

from autogrid.core.decision import first_view
from autogrid.core.grid import Grid
from autogrid.core.market import Market, positive
from autogrid.core.plan import Plan
from autogrid.core.regrid import Change, first
from autogrid.core.study import Study
from autogrid.errors import InvalidInput
from autogrid.live import brain
from autogrid.store import candle_pages, coverage
from autogrid.store.coverage import Series
from autogrid.strategies.dynamic import cadence_ms

if TYPE_CHECKING:
    from autogrid.strategies.dynamic import Dynamic

#: Minutes of lookback that are read at most; backtests and bots read any number.
MOST_MINUTES = 200_000


class Decided(NamedTuple):
    """What is known before anything is run."""

    #: Quote to begin with.
    cash: Decimal
    #: The end of the last candle; None where the strategy could not decide on what is stored.
    at: datetime | None = None
    #: None where it would not begin yet.
    plan: Plan | None = None


def decided(
    connection: Connection, study: Study, market: Market, strategy: "Dynamic", price: Decimal | None
) -> Decided:
    """A strategy's decision at `price`, by default the last close. InvalidInput where it fails, or its grid does."""
    if study.cash is None:
        raise InvalidInput("a strategy that decides must be told what it begins with: add cash to [simulation]")
    cash = positive("cash", str(study.cash))
    if not (study.exchange and study.symbol):
        return Decided(cash)
    series = Series(study.exchange, study.symbol, brain.MINUTE_S)
    spans = coverage.spans(connection, series)
    close = candle_pages.last_close(connection, study.exchange, study.symbol)
    length = cadence_ms(strategy)
    few = 0 < strategy.lookback * length <= MOST_MINUTES * 60_000
    if close is None or not spans or not few:
        return Decided(cash)
    at_ms = spans[-1].end - spans[-1].end % length
    if not brain.window_is_there(connection, series, strategy, at_ms):
        return Decided(cash)
    ticks = market.price_ticks(price or repr(close))
    decision = brain.decide(connection, series, strategy, at_ms, first_view(market, cash, ticks))
    at = None if decision is None else coverage.when(at_ms)
    if not isinstance(decision, Grid):
        return Decided(cash, at)
    return Decided(cash, at, first(market, cash, Change(decision, ticks, study.slippage_ticks)))
