"""A bot against its twin: the replay of the same candles. Where every atom of the difference came from, exactly.

What a fill brings at a last price P is side x (P - price) x lots - fee, in atoms; the sum over all fills is what the
bot's equity moved. Fills of bot and twin are paired by what they are for: (kind, cell, cycle, side).
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

from autogrid.core.bot import FillRow
from autogrid.core.market import Market
from autogrid.core.orders import BUY, START, Key
from autogrid.core.plan import Plan

#: start price: the bot began at another price, hence with other amounts. path: the market went through other prices
#: than its candles tell: an order that rested was not reached, or one was that the twin's was not. missed: no order
#: rested that should have. partials: filled in part. fees: others than the rules say. price: a fill at another price.
#: outage: nobody looked after the bot. paused: its owner let it rest.
PARTS = ("start price", "path", "missed", "partials", "fees", "price", "outage", "paused")
#: What ends a pause besides another status.
ENDS = ("bot_status", "bot_halted", "bot_refused")

Name = tuple[Key, int]
#: From and to, ms.
Stretch = tuple[int, int]


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
    #: What it planned; None before it began.
    plan: Plan | None
    base_asset: str
    quote_asset: str
    #: Names of all orders it ever sent.
    ordered: Collection[Name] = ()
    #: When nobody looked after it.
    outages: Sequence[Stretch] = ()
    #: When its owner had it paused, its orders cancelled or held.
    pauses: Sequence[Stretch] = ()


def compare(actual: Actual, expected: Iterable[FillRow], market: Market, price: int) -> Twin:
    """Attribute the difference at a last price of `price` ticks. `expected` are the fills of a replay."""
    mine, twins = _named(actual.fills), _named(expected)
    coins = _Coins(market, price, actual.base_asset, actual.quote_asset)
    found = Twin(market, Fraction(0), Fraction(0))
    reasons = _reasons(mine, twins, actual)
    for name in mine.keys() | twins.keys():
        got, wanted = coins.sum(mine.get(name, ())), coins.sum(twins.get(name, ()))
        found.actual += got.value
        found.expected += wanted.value
        if name not in mine:
            found.lacking += 1
            found.parts[reasons[name]] -= wanted.value
        elif name not in twins:
            found.extra += 1
            found.parts["start price" if name[0].kind == START else "path"] += got.value
        else:
            for part, atoms in _apart(name, got, wanted, actual.plan, price).items():
                found.parts[part] += atoms
    return found


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


@dataclass(frozen=True)
class _Sum:
    """All executions of one name."""

    lots: int = 0
    #: Price x lots.
    notional: int = 0
    #: In atoms; in base at the last price.
    fee: Fraction = Fraction(0)
    #: Contribution to the equity, atoms.
    value: Fraction = Fraction(0)


@dataclass(frozen=True)
class _Coins:
    """Fees in atoms at the last price."""

    market: Market
    price: int
    base: str
    quote: str

    def sum(self, rows: Iterable[FillRow]) -> _Sum:
        total = _Sum()
        for row in rows:
            fee = self._fee(row)
            gain = row.side * (self.price - row.price) * row.lots
            total = _Sum(
                total.lots + row.lots,
                total.notional + row.price * row.lots,
                total.fee + fee,
                total.value + gain - fee,
            )
        return total

    def _fee(self, row: FillRow) -> Fraction:
        # A replay trades BASE/QUOTE.
        if row.fee_asset in (self.quote, "QUOTE"):
            return Fraction(row.fee) / Fraction(self.market.atom)
        if row.fee_asset in (self.base, "BASE"):
            return Fraction(row.fee) / Fraction(self.market.lot) * self.price
        return Fraction(0)  # another coin: beside the books, as in core.ledger


def _named(rows: Iterable[FillRow]) -> dict[Name, list[FillRow]]:
    found: dict[Name, list[FillRow]] = defaultdict(list)
    for row in rows:
        found[row.key, row.side].append(row)
    return found


def _reasons(
    mine: Mapping[Name, list[FillRow]], twins: Mapping[Name, list[FillRow]], actual: Actual
) -> dict[Name, str]:
    """Why the bot does not have a fill that its twin has.

    A cell that rested while its twin traded goes on later and never catches up: what it lacks are its twin's last
    fills, when nothing was amiss any more. So from a fill on that came while the bot was away, all that the cell lacks
    is the absence's.
    """
    found: dict[Name, str] = {}
    behind: dict[tuple[int, int], str] = {}
    for name in sorted(twins, key=lambda name: twins[name][0].ts_ms):
        key, _ = name
        ts_ms = twins[name][0].ts_ms
        part, back = _away(ts_ms, actual)
        if part and (name not in mine or mine[name][0].ts_ms >= back):
            behind[key[:2]] = part
        if name not in mine:
            other = "path" if name in actual.ordered else "missed"
            found[name] = "start price" if key.kind == START else behind.get(key[:2], other)
    return found


def _away(ts_ms: int, actual: Actual) -> tuple[str, int]:
    """The part that a moment without the bot belongs to, "" for none, and when the bot was back, ms."""
    for part, stretches in (("paused", actual.pauses), ("outage", actual.outages)):
        for begin, end in stretches:
            if begin <= ts_ms < end:
                return part, end
    return "", ts_ms


def _apart(name: Name, got: _Sum, wanted: _Sum, plan: Plan | None, price: int) -> dict[str, Fraction]:
    """Both have it: fees, the price, and how much."""
    key, side = name
    fees = wanted.fee - got.fee
    if key.kind == START:
        return {"fees": fees, "start price": got.value - wanted.value - fees}
    level = Fraction(wanted.notional, wanted.lots)
    planned = _planned(key, side, plan)
    if planned is None:
        planned = wanted.lots
    return {
        "fees": fees,
        # What another start made of the amounts, and what of them was not filled.
        "start price": side * (price - level) * (planned - wanted.lots),
        "partials": side * (price - level) * (got.lots - planned),
        "price": side * (level * got.lots - got.notional),
    }


def _planned(key: Key, side: int, plan: Plan | None) -> int | None:
    """Lots of the cell's whole order; None where the plan does not say."""
    i = None if plan is None else plan.index(key.cell)
    if plan is None or i is None:
        return None
    return plan.gross[i] if side == BUY else plan.lots[i]
