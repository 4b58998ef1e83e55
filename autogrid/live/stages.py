"""The grids that a bot worked one after another, as its events tell them, and which of them an order belongs to."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from autogrid.core.decision import Stop
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import GRID, REGRID, START, Key

#: Events that tell which grid is worked from now on, and the one that ends them.
STARTED, CHANGED, STOPPED = "bot_started", "grid_changed", "strategy_stopped"
EVENTS = (STARTED, CHANGED, STOPPED)
#: The key of a stage's opening order, whichever grid comes before it.
OPENING = Key(START, -1, 0)
#: Fields of a grid.
_FIELDS = frozenset(each.name for each in fields(Grid))
#: After every moment, ms.
_END = 1 << 62
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: From and to, ms.
Stretch = tuple[int, int]
#: Name and data of an event.
Said = tuple[str, Mapping[str, Any]]


class Stage(NamedTuple):
    """One of a bot's grids, from its start to that of the next; of a bot that has one grid, that."""

    #: The end of the candle that it was decided on, ms: what bot and twin have in common.
    decided_ms: int = 0
    #: When it started, ms, and at what price, ticks.
    since_ms: int = 0
    price: int = 0
    #: How many of its cells began in quote.
    empty: int = 0
    #: The number with which the turns of its cells begin.
    cycle: int = 0
    #: None: the bot's only one.
    grid: Grid | None = None


class Name(NamedTuple):
    """What an order is for, in the words that bot and twin have in common."""

    #: The stage's `decided_ms`.
    stage: int
    #: Cycles are counted from the stage's first on.
    key: Key
    #: 0 of opening orders: one that has too much sells where the other buys.
    side: int


def moment(ms: int) -> str:
    """A time in an event, exact to the millisecond."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat()


def _ms(text: str) -> int:
    return (datetime.fromisoformat(text) - _EPOCH) // timedelta(milliseconds=1)


def stages(events: Iterable[Said], market: Market) -> list[Stage] | None:
    """What `EVENTS` in order tell. None where one lacks what is needed: it is older than twins of such bots."""
    found = []
    for name, data in events:
        if name == STOPPED:
            continue
        if "decided" not in data:
            return None
        grid = Grid(**{field: value for field, value in data.items() if field in _FIELDS})
        decided_ms, since_ms = (_ms(data[field]) for field in ("decided", "since"))
        found.append(Stage(decided_ms, since_ms, market.price_ticks(data["price"]), data["empty"], data["cycle"], grid))
    return found


def stop(events: Iterable[Said]) -> tuple[int, Stop] | None:
    """The boundary of a strategy's decision to end, and the decision; None where it has not decided that."""
    for name, data in events:
        if name == STOPPED and "decided" in data:
            return _ms(data["decided"]), Stop(sell=data["stop_action"] == "sell")
    return None


def name_of(worked: Sequence[Stage], key: Key, side: int) -> Name:
    """The name of a bot's order, given all its stages."""
    if key.kind in (START, REGRID):
        # Every stage but the first is opened by the regrid order of its number.
        return Name(worked[min(key.cycle, len(worked) - 1)].decided_ms, OPENING, 0)
    if key.kind != GRID:
        return Name(worked[-1].decided_ms, key, side)
    stage = worked[max(0, bisect_right(worked, key.cycle, key=lambda each: each.cycle) - 1)]
    return Name(stage.decided_ms, key._replace(cycle=key.cycle - stage.cycle), side)


def marks(bot: Sequence[Stage], twin: Sequence[Stage], price: int) -> list[tuple[int, int, int]]:
    """(stage, the price at which it opens, that at which it closes), in order; the last one closes at `price`.

    The twin's prices, where it worked the stage.
    """
    opened = {stage.decided_ms: stage.price for stage in (*bot, *twin)}
    order = sorted(opened)
    closed = [*(opened[stage] for stage in order[1:]), price]
    return [(stage, opened[stage], close) for stage, close in zip(order, closed, strict=True)]


def apart(bot: Sequence[Stage], twin: Sequence[Stage]) -> list[Stretch]:
    """When bot and twin worked different grids."""
    edges = sorted({stage.since_ms for stage in (*bot, *twin)})
    found: list[Stretch] = []
    for begin, end in pairwise([*edges, _END]):
        if _present(bot, begin) == _present(twin, begin):
            continue
        if found and found[-1][1] == begin:
            begin = found.pop()[0]
        found.append((begin, end))
    return found


def _present(worked: Sequence[Stage], ts_ms: int) -> int | None:
    if not worked:
        return None
    at = bisect_right(worked, ts_ms, key=lambda each: each.since_ms)
    return worked[max(0, at - 1)].decided_ms
