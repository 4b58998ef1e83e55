"""A bot against its twin: the replay of the same candles. Where every atom of the difference came from, exactly.

What a fill brings at a last price P is side x (P - price) x lots - fee, in atoms; the sum over all fills is what the
bot's equity moved. Fills of bot and twin are paired by what they are for: (stage, kind, cell, cycle, side).

Where a strategy decides, the twin works the very grids that its bot decided: what differs is how they were executed,
never which they are. As the books of a grid close at the price at which the next one starts (contract, section 10), P
is that price for the fills of a stage, and what base is handed on is counted from stage to stage. So what once went
wrong is worth, in its own part, what it was worth when the grid changed, wherever the price goes afterwards.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from autogrid.core.bot import FillRow
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, Key
from autogrid.core.plan import Plan, plan
from autogrid.live.stages import OPENING, Name, Stage, Stretch, marks, name_of
from autogrid.live.unpaired import Unpaired

#: start price: the bot, or the next of its grids, began at another price, hence with another start or regrid order,
#: with other amounts and cells on the other side. path: the market went through other prices than its candles tell: an
#: order that rested was not reached, or one was that the twin's was not. missed: no order rested that should have.
#: partials: filled in part. fees: others than the rules say. price: a fill at another price. outage: nobody looked
#: after the bot. paused: its owner let it rest. grid: it worked another grid than its twin at the time, as it took a
#: decision later, or the twin could not take it at the candle's open or had ended.
PARTS = ("start price", "path", "missed", "partials", "fees", "price", "outage", "paused", "grid")

ONE = (Stage(),)


@dataclass
class Twin:
    """The comparison. Money in atoms."""

    market: Market
    #: What the equity of bot and twin moved.
    actual: Fraction
    expected: Fraction
    #: PARTS -> actual less expected.
    parts: dict[str, Fraction] = field(default_factory=lambda: dict.fromkeys(PARTS, Fraction(0)))
    #: Fills that the twin has and the bot has not, and the other way round.
    lacking: int = 0
    extra: int = 0
    #: Decisions of the bot's that its twin could not take.
    untaken: int = 0
    #: The most that the twin spent beyond the bot's cash: it works every grid that the bot could pay for.
    borrowed: int = 0

    @property
    def difference(self) -> Fraction:
        return self.actual - self.expected

    @property
    def residual(self) -> Fraction:
        """What no part explains: 0."""
        return self.difference - sum(self.parts.values())

    def divergence_bps(self, budget: int) -> Fraction:
        """The difference in hundredths of a percent of `budget` atoms."""
        return self.difference * 10_000 / budget


@dataclass(frozen=True)
class Actual:
    """What is known of the bot."""

    fills: Sequence[FillRow]
    #: What it planned; None before it began. Of a bot whose strategy decides, its stages tell.
    plan: Plan | None
    base_asset: str
    quote_asset: str
    #: Keys and sides of all orders it ever sent.
    ordered: Collection[tuple[Key, int]] = ()
    #: When nobody looked after it.
    outages: Sequence[Stretch] = ()
    #: When its owner had it paused, its orders cancelled or held.
    pauses: Sequence[Stretch] = ()
    #: The grids that it worked; their times to the candle.
    stages: Sequence[Stage] = ONE
    slippage_ticks: int = 0


def compare(
    actual: Actual, expected: Iterable[FillRow], market: Market, price: int, stages: Sequence[Stage] = ONE
) -> Twin:
    """Attribute the difference at a last price of `price` ticks. `expected` are the fills of a replay, in `stages`."""
    rows = list(expected)
    coins = _Coins(market, actual.base_asset, actual.quote_asset)
    found = Twin(market, coins.sum(actual.fills, price).value, coins.sum(rows, price).value)
    mine, twins = _named(actual.stages, actual.fills), _named(stages, rows)
    ordered = {name_of(actual.stages, *each) for each in actual.ordered}
    unpaired = Unpaired(actual.stages, stages, actual.pauses, actual.outages, ordered)
    lacking = unpaired.lacking(mine, twins)
    plans = _Plans(actual, market)
    priced = marks(actual.stages, stages, price)
    closes = {stage: close for stage, _, close in priced}
    #: What base the bot made more of than its twin, by stage.
    gained: dict[int, Fraction] = defaultdict(Fraction)
    for name in mine.keys() | twins.keys():
        close = closes[name.stage]
        got, wanted = coins.sum(mine.get(name, ()), close), coins.sum(twins.get(name, ()), close)
        gained[name.stage] += got.base - wanted.base
        if name not in mine:
            found.lacking += 1
            found.parts[lacking[name]] -= wanted.value
        elif name not in twins:
            found.extra += 1
            found.parts[unpaired.extra(name, mine[name][0].ts_ms)] += got.value
        else:
            for part, atoms in _apart(name, got, wanted, plans.lots(name), close).items():
                found.parts[part] += atoms
    held = Fraction(0)
    for stage, opened, close in priced:
        found.parts[unpaired.opening(stage)] += held * (close - opened)
        held += gained[stage]
    return found


@dataclass(frozen=True)
class _Sum:
    """All executions of one name."""

    lots: int = 0
    #: Price x lots.
    notional: int = 0
    #: In atoms; in base at the price asked for.
    fee: Fraction = Fraction(0)
    #: Contribution to the equity at that price, atoms.
    value: Fraction = Fraction(0)
    #: Lots that the account has more.
    base: Fraction = Fraction(0)


@dataclass(frozen=True)
class _Coins:
    """Fees in quote and in base."""

    market: Market
    base: str
    quote: str

    def sum(self, rows: Iterable[FillRow], price: int) -> _Sum:
        total = _Sum()
        for row in rows:
            atoms, lots = self._fee(row)
            fee = atoms + lots * price
            total = _Sum(
                total.lots + row.lots,
                total.notional + row.price * row.lots,
                total.fee + fee,
                total.value + row.side * (price - row.price) * row.lots - fee,
                total.base + row.side * row.lots - lots,
            )
        return total

    def _fee(self, row: FillRow) -> tuple[Fraction, Fraction]:
        """Atoms and lots."""
        # A replay trades BASE/QUOTE.
        if row.fee_asset in (self.quote, "QUOTE"):
            return Fraction(row.fee) / Fraction(self.market.atom), Fraction(0)
        if row.fee_asset in (self.base, "BASE"):
            return Fraction(0), Fraction(row.fee) / Fraction(self.market.lot)
        return Fraction(0), Fraction(0)  # another coin: beside the books, as in core.ledger


def _named(stages: Sequence[Stage], rows: Iterable[FillRow]) -> dict[Name, list[FillRow]]:
    found: dict[Name, list[FillRow]] = defaultdict(list)
    for row in rows:
        found[name_of(stages, row.key, row.side)].append(row)
    return found


def _apart(name: Name, got: _Sum, wanted: _Sum, planned: int | None, price: int) -> dict[str, Fraction]:
    """Both have it: fees, the price, and how much of the bot's `planned` lots."""
    fees = wanted.fee - got.fee
    if name.key == OPENING:
        return {"fees": fees, "start price": got.value - wanted.value - fees}
    level = Fraction(wanted.notional, wanted.lots)
    if planned is None:
        planned = wanted.lots
    return {
        "fees": fees,
        # What another start made of the amounts, and what of them was not filled.
        "start price": name.side * (price - level) * (planned - wanted.lots),
        "partials": name.side * (price - level) * (got.lots - planned),
        "price": name.side * (level * got.lots - got.notional),
    }


class _Plans:
    """The plans of the bot's stages, made as they are asked for."""

    def __init__(self, actual: Actual, market: Market) -> None:
        self._actual, self._market = actual, market
        self._stages = {stage.decided_ms: stage for stage in actual.stages}
        self._made: dict[int, Plan | None] = {}

    def lots(self, name: Name) -> int | None:
        """Lots of the cell's whole order; None where no plan says."""
        if name.key.kind != GRID:
            return None
        if name.stage not in self._made:
            self._made[name.stage] = self._plan(self._stages[name.stage])
        made = self._made[name.stage]
        i = None if made is None else made.index(name.key.cell)
        if made is None or i is None:
            return None
        return made.gross[i] if name.side == BUY else made.lots[i]

    def _plan(self, stage: Stage) -> Plan | None:
        if stage.grid is None:
            return self._actual.plan
        return plan(stage.grid, self._market, stage.price, slippage_ticks=self._actual.slippage_ticks)
