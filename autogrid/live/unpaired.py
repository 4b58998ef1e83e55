"""Why a bot lacks a fill that its twin has, or has one that its twin lacks."""

from bisect import bisect_right
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import pairwise

from autogrid.core.bot import FillRow
from autogrid.core.orders import GRID
from autogrid.live.stages import OPENING, Name, Stage, Stretch, apart

#: What ends a pause besides another status.
ENDS = ("bot_status", "bot_halted", "bot_refused")

Fills = Mapping[Name, Sequence[FillRow]]


def outages(looked_ms: Sequence[int], end_ms: int, longest_ms: int = 180_000) -> list[Stretch]:
    """Stretches of more than `longest_ms` in which nobody looked; `looked_ms` rising."""
    return [(a, b) for a, b in pairwise([*looked_ms, end_ms]) if b - a > longest_ms]


def pauses(changes: Iterable[tuple[int, str]], end_ms: int) -> list[Stretch]:
    """Stretches in which the bot was paused; `changes` are (ms, status that began) in order."""
    found: list[Stretch] = []
    began = None
    for at, status in changes:
        if began is not None and status != "paused":
            found.append((began, at))
            began = None
        elif began is None and status == "paused":
            began = at
    return found if began is None else [*found, (began, max(began, end_ms))]


class Unpaired:
    """The parts of fills that only one of the two has."""

    def __init__(
        self,
        bot: Sequence[Stage],
        twin: Sequence[Stage],
        paused: Sequence[Stretch],
        unseen: Sequence[Stretch],
        ordered: Collection[Name],
    ) -> None:
        """paused, unseen: pauses and outages, in order. ordered: names of all orders that the bot ever sent."""
        self._bot = {stage.decided_ms: stage for stage in bot}
        self._twin = {stage.decided_ms: stage for stage in twin}
        self._ordered = ordered
        # Of a moment that is in several the first counts: a pause is the owner's wish even if nobody looked.
        self._absences = (("paused", paused), ("outage", unseen), ("grid", apart(bot, twin)))

    def opening(self, stage: int) -> str:
        """The part of what differs as a stage begins."""
        return "start price" if stage in self._bot and stage in self._twin else "grid"

    def extra(self, name: Name, ts_ms: int) -> str:
        """The part of a fill that the twin has not."""
        known = self._by_stage(name)
        if known is not None:
            return known
        # Orders that still rest because nobody looked, or because the next grid came late.
        part, _ = self._away(ts_ms)
        return part if part and self._within(self._absences[2][1], ts_ms) else "path"

    def lacking(self, mine: Fills, twins: Fills) -> dict[Name, str]:
        """The parts of all that the bot has not.

        A cell that rested while its twin traded goes on later and never catches up: what it lacks are its twin's last
        fills, when nothing was amiss any more. So from a fill on that came while the bot was away, all that the cell
        lacks is the absence's.
        """
        found: dict[Name, str] = {}
        behind: dict[tuple[int, int, int], str] = {}
        for name in sorted(twins, key=lambda name: twins[name][0].ts_ms):
            cell = (name.stage, *name.key[:2])
            ts_ms = twins[name][0].ts_ms
            part, back = self._away(ts_ms)
            if part and (name not in mine or mine[name][0].ts_ms >= back):
                behind[cell] = part
            if name not in mine:
                other = "path" if name in self._ordered else "missed"
                found[name] = self._by_stage(name) or behind.get(cell, other)
        return found

    def _by_stage(self, name: Name) -> str | None:
        """The part of all that is in a stage which one has not worked, or of a cell that began on the other side."""
        if name.key == OPENING:
            return self.opening(name.stage)
        if name.key.kind != GRID:
            return None
        bot, twin = self._bot.get(name.stage), self._twin.get(name.stage)
        if bot is None or twin is None:
            return "grid"
        return "start price" if (name.key.cell < bot.empty) != (name.key.cell < twin.empty) else None

    def _away(self, ts_ms: int) -> tuple[str, int]:
        """The part that a moment without the bot belongs to, "" for none, and when the bot was back, ms."""
        for part, stretches in self._absences:
            end = self._within(stretches, ts_ms)
            if end:
                return part, end
        return "", ts_ms

    @staticmethod
    def _within(stretches: Sequence[Stretch], ts_ms: int) -> int:
        """The end of the stretch that a moment is in; 0 for none."""
        at = bisect_right(stretches, ts_ms, key=lambda each: each[0]) - 1
        return stretches[at][1] if at >= 0 and ts_ms < stretches[at][1] else 0
