"""Decisions of live and paper bots, on stored candles: those on which a backtest decides."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from sqlalchemy.engine import Connection, Engine

from autogrid.core.bot import Bot
from autogrid.core.decision import Decision, View
from autogrid.core.grid import Grid
from autogrid.errors import InvalidInput
from autogrid.store import bots, coverage
from autogrid.store.coverage import Series
from autogrid.strategies.dynamic import Dynamic, cadence_ms
from autogrid.strategies.registry import strategy_of

#: Seconds of the candles that those of a cadence are made of.
MINUTE_S = 60


class StoreBrain:
    """A `Brain` on the store. May be shared by threads. Imports pandas at the first decision, not before."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        #: bot -> its candles, which never change.
        self._series: dict[int, Series] = {}

    def due(self, bot: Bot, now_ms: int) -> int | None:
        """The end (ms) of the candle on whose close the bot is to decide now; None: nothing, or not yet.

        Not while candles of its lookback, or the last minute of all, have not been fetched: a decision on fewer than
        a backtest sees would be another one. A minute without trades is known to be one once a later one is stored.
        A strategy that is not here is due each minute: the tick then refuses the bot, or `decide` says why.
        """
        if bot.strategy is None:
            return None
        try:
            strategy = dynamic(bot.strategy, bot.params)
        except InvalidInput:
            at_ms = now_ms - now_ms % (MINUTE_S * 1000)
            return at_ms if at_ms > bot.decided_ms else None
        at_ms = now_ms - now_ms % cadence_ms(strategy)
        if at_ms <= bot.decided_ms:
            return None
        with self._engine.connect() as connection:
            there = window_is_there(connection, self._of(bot), strategy, at_ms)
        return at_ms if there else None

    def decide(self, bot: Bot, at_ms: int, view: View) -> Decision | None:
        """What the bot's strategy decides on the candles closed at `at_ms`; None where a whole candle had no trades.

        InvalidInput where the strategy fails.
        """
        assert bot.strategy is not None  # it was due
        with self._engine.connect() as connection:
            return decide(connection, self._of(bot), dynamic(bot.strategy, bot.params), at_ms, view)

    def _of(self, bot: Bot) -> Series:
        found = self._series.get(bot.id)
        if found is None:
            with self._engine.connect() as connection:
                row = bots.get(connection, bot.id)
            found = self._series[bot.id] = Series(row.exchange, row.symbol, MINUTE_S)
        return found


def decide(connection: Connection, series: Series, strategy: Dynamic, at_ms: int, view: View) -> Decision | None:
    """What a strategy decides on stored candles closed at `at_ms`; None where one of its cadence is missing.

    InvalidInput where the strategy fails.
    """
    from autogrid.data.frame import to_frame
    from autogrid.store import candle_window
    from autogrid.strategies.decider import FrameDecider

    # The one before the first tells that the first candle of the cadence is whole.
    stored = candle_window.window(connection, series, max(0, _start(strategy, at_ms)), at_ms)
    return FrameDecider(strategy, to_frame(*stored)).decide(at_ms, view) if len(stored[0]) else None


def window_is_there(connection: Connection, series: Series, strategy: Dynamic, at_ms: int) -> bool:
    """Whether all candles are stored on which a strategy decides at `at_ms`."""
    start = _start(strategy, at_ms)
    return start >= 0 and coverage.covers(connection, series, start, at_ms)


def next_decision_ms(strategy: str | None, params: Mapping[str, Any], decided_ms: int) -> int | None:
    """When (ms) the candle closes on which a bot decides next, `decided_ms` being that of its last decision.

    None: as soon as its candles are there, or never; also where its strategy is not installed here.
    """
    if strategy is None or not decided_ms:
        return None
    try:
        return decided_ms + cadence_ms(dynamic(strategy, params))
    except InvalidInput:
        return None


def dynamic(name: str, params: Mapping[str, Any]) -> Dynamic:
    """The strategy of a bot, made once. InvalidInput where it cannot be made, or has one grid."""
    return _made(name, json.dumps(params, sort_keys=True))


def load() -> None:
    """Import what decisions need, some 80 MB, for all processes that are forked from this one.

    Not the strategies: what those of others do as they are imported is not known here.
    """
    import autogrid.data.frame
    import autogrid.store.candle_window
    import autogrid.strategies.decider  # noqa: F401


def _start(strategy: Dynamic, at_ms: int) -> int:
    return at_ms - strategy.lookback * cadence_ms(strategy)


@lru_cache(maxsize=1_000)
def _made(name: str, params: str) -> Dynamic:
    found = strategy_of(name, json.loads(params))
    if isinstance(found, Grid):
        raise InvalidInput(f"strategy {name!r} has one grid, and a bot's decides them; promote the study again")
    return found
