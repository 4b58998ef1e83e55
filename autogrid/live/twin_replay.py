"""The replay that a bot is compared with: of its grid, or of the grids that its strategy decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from autogrid.core.bot import Bot, FillRow
from autogrid.core.decision import Stop
from autogrid.core.grid import Grid
from autogrid.live.decided import Decided
from autogrid.live.drive import Row
from autogrid.live.replay import Replay, replay
from autogrid.live.stages import EVENTS, Stage, stages
from autogrid.live.twin import Actual, Twin, compare

#: Times its bot's cash, what the twin of a bot whose strategy decides may spend: it works the grids that its bot could
#: pay for, whatever it has made of those before. What it borrows is told.
CREDIT = 1_000_000


@dataclass(frozen=True)
class Rules:
    """What of a replay does not follow from bot and candles."""

    penetration_ticks: int = 1
    #: The boundary (ms) of a strategy's decision to end its bot.
    stop: tuple[int, Stop] | None = None


def against_replay(actual: Actual, bot: Bot, rows: list[Row], rules: Rules) -> Twin:
    """Compare a bot with the replay of `rows` (from the candle it began in), up to the last one's close."""
    price = rows[-1][4]
    if bot.strategy is None:
        return compare(actual, _replay(bot.grid, bot, rows, rules).fills, bot.market, price)
    # A replay knows when something happened to the candle.
    step, end = step_of(rows), rows[-1][0] + step_of(rows)
    worked = [each._replace(since_ms=each.since_ms // step * step) for each in actual.stages if each.since_ms < end]
    done = _replay(Decided(_decisions(worked, rules.stop)), bot, rows, rules)
    own = stages(((event.name, event.data) for event in done.events if event.name in EVENTS), bot.market) or []
    found = compare(replace(actual, stages=worked), done.fills, bot.market, price, own)
    found.untaken = len({each.decided_ms for each in worked} - {each.decided_ms for each in own})
    found.borrowed = _borrowed(done.fills, bot)
    return found


def step_of(rows: Sequence[Row]) -> int:
    """Milliseconds from candle to candle."""
    return min((b[0] - a[0] for a, b in pairwise(rows)), default=60_000)


def _replay(grid: Grid | Decided, bot: Bot, rows: list[Row], rules: Rules) -> Replay:
    return replay(
        grid,
        bot.market,
        rows,
        cash=bot.cash * CREDIT if isinstance(grid, Decided) and bot.cash is not None else bot.cash,
        penetration_ticks=rules.penetration_ticks,
        slippage_ticks=bot.slippage_ticks,
        window=bot.window,
    )


def _decisions(worked: Sequence[Stage], stop: tuple[int, Stop] | None) -> list[tuple[int, Grid | Stop]]:
    grids = [(each.decided_ms, each.grid) for each in worked if each.grid is not None]
    return [*grids, stop] if stop is not None else [*grids]


def _borrowed(fills: Iterable[FillRow], bot: Bot) -> int:
    """The most that a replay spent beyond the bot's cash, atoms."""
    market = bot.market
    cash = Fraction(0 if bot.cash is None else market.atoms(bot.cash))
    least = cash
    for row in fills:
        cash -= row.side * row.price * row.lots
        if row.fee_asset == "QUOTE":
            cash -= Fraction(row.fee) / Fraction(market.atom)
        least = min(least, cash)
    return max(0, -int(least // 1))
