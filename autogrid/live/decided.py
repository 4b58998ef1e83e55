"""Decisions that were taken before, once more: a bot's own grids, worked by its twin."""

from bisect import bisect_right
from collections.abc import Sequence

from autogrid.core.bot import Bot
from autogrid.core.decision import Decision, Stop, View
from autogrid.core.grid import Grid


class Decided:
    """A `Brain` that repeats decisions whatever the bot holds by now.

    Each is due at the first candle from its boundary on, however late it was taken; of several the last. The first is
    due at once: there is no bot before it.
    """

    def __init__(self, decisions: Sequence[tuple[int, Grid | Stop]]) -> None:
        """decisions: (boundary in ms, what was decided), rising; at least one."""
        self._at_ms = [at for at, _ in decisions]
        self._said = dict(decisions)

    def due(self, bot: Bot, now_ms: int) -> int | None:
        at = self._at_ms[max(0, bisect_right(self._at_ms, now_ms) - 1)]
        return at if at > bot.decided_ms else None

    def decide(self, bot: Bot, at_ms: int, view: View) -> Decision | None:
        return self._said[at_ms]
