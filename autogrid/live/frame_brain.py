"""Decisions of a replay: on the candles that it walks."""

import pandas as pd

from autogrid.core.bot import Bot
from autogrid.core.decision import Decision, View
from autogrid.strategies.decider import FrameDecider
from autogrid.strategies.dynamic import Dynamic


class FrameBrain:
    """A `Brain` on one frame of candles, for the one strategy there is."""

    def __init__(self, strategy: Dynamic, candles: pd.DataFrame, ts_ms: list[int]) -> None:
        """ts_ms: opens of the candles that are walked."""
        self._decider = FrameDecider(strategy, candles)
        self._moments = {ts_ms[t]: at for t, at in self._decider.moments(ts_ms)}

    def due(self, bot: Bot, now_ms: int) -> int | None:
        at = self._moments.get(now_ms)
        return at if at is not None and at > bot.decided_ms else None

    def decide(self, bot: Bot, at_ms: int, view: View) -> Decision | None:
        return self._decider.decide(at_ms, view)
