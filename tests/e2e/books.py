"""What the exchange holds against what we hold of one bot: nothing twice, nothing lost, nothing unexplained."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from autogrid.core.bot import DONE, OPEN, Bot, Order
from autogrid.core.ledger import MICRO
from autogrid.core.orders import Key, parse_client_id
from autogrid.core.position import Position
from autogrid.live.decide import FINAL, wanted
from autogrid.live.units import trade
from autogrid.store.tick_store import PgTickStore


@dataclass
class Compared:
    """Differences, by kind; all empty when the books agree."""

    duplicates: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    orphans: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    unsettled: list[str] = field(default_factory=list)
    orders: int = 0
    fills: int = 0

    @property
    def problems(self) -> list[str]:
        return self.duplicates + self.lost + self.orphans + self.unexplained

    @property
    def quiet(self) -> bool:
        return not self.problems and not self.unsettled


def compare(
    engine: sa.Engine, bot_id: int, account: dict[str, Any], problems: list[str], twice: bool = False
) -> Compared:
    """One bot against its account's state at the loopback exchange. `twice`: one id may have been accepted twice."""
    store = PgTickStore(engine)
    bot = store.load(bot_id)
    live = store.live_orders(bot_id)
    out = Compared(unexplained=list(problems))
    names = {o["orderId"]: o for o in account["orders"] if o["symbol"] == bot.symbol.replace("/", "") and ours(bot, o)}
    out.orders = len(names)
    _duplicates(bot, names, _written(engine, bot), out, twice)
    _fills(engine, bot, account, names, out)
    _orders(bot, live, names, out)
    _cells(bot, live, out)
    _money(engine, bot, account, out)
    return out


def ours(bot: Bot, order: dict[str, Any]) -> bool:
    name = parse_client_id(order["clientOrderId"])
    return name is not None and name.tag == bot.tag and name.bot == bot.id


def _resting(order: dict[str, Any]) -> bool:
    return order["status"] in ("NEW", "PARTIALLY_FILLED")


def _written(engine: sa.Engine, bot: Bot) -> dict[Key, int]:
    """Place and cycle -> lots of the largest order written down for it, whichever grid the cell belonged to."""
    query = "SELECT kind, cell, cycle, max(lots) FROM bot_order WHERE bot_id = :b GROUP BY kind, cell, cycle"
    with engine.connect() as connection:
        return {Key(*row[:3]): row[3] for row in connection.execute(sa.text(query), {"b": bot.id})}


def _duplicates(bot: Bot, names: dict[int, Any], written: dict[Key, int], out: Compared, twice: bool) -> None:
    places: Counter[Any] = Counter()
    ids: Counter[str] = Counter()
    filled: Counter[Any] = Counter()
    for order in names.values():
        key = parse_client_id(order["clientOrderId"]).key
        places[key[:2]] += _resting(order)
        ids[order["clientOrderId"]] += 1
        filled[key] += Decimal(order["executedQty"])
    if twice:
        return
    out.duplicates += [f"{place} rests {count} times" for place, count in places.items() if count > 1]
    out.duplicates += [f"{name} accepted {count} times" for name, count in ids.items() if count > 1]
    for key, amount in filled.items():
        # The first order of a place and cycle is the largest: later ones ask for what is left.
        if amount > (most := written.get(key, 0) * bot.market.lot):
            out.duplicates.append(f"{key} filled {amount}, at most {most} was wanted")


def _fills(engine: sa.Engine, bot: Bot, account: dict[str, Any], names: dict[int, Any], out: Compared) -> None:
    theirs = {(str(t["orderId"]), str(t["id"])) for t in account["trades"] if t["orderId"] in names}
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text("SELECT exchange_id, trade_id FROM bot_fill WHERE bot_id = :b"), {"b": bot.id}
        )
        mine = {(row[0], row[1]) for row in rows}
    out.fills = len(theirs)
    out.lost += [f"trade {trade} is not booked" for trade in sorted(theirs - mine)]
    out.duplicates += [f"trade {trade} is booked but never was" for trade in sorted(mine - theirs)]


def _orders(bot: Bot, live: list[Order], names: dict[int, Any], out: Compared) -> None:
    known = {order.exchange_id for order in live}
    for number, order in names.items():
        if _resting(order) and str(number) not in known:
            out.orphans.append(f"order {order['clientOrderId']} rests, no row says so")
    resting = {str(number) for number, order in names.items() if _resting(order)}
    for row in live:
        if row.status != OPEN:
            out.unsettled.append(f"{row.client_id} is {row.status}")
        elif row.exchange_id not in resting:
            out.unexplained.append(f"{row.client_id} is {row.status} here and does not rest")


def _cells(bot: Bot, live: list[Order], out: Compared) -> None:
    if bot.position is None:
        if bot.status not in ("stopped", "halted", "refused"):
            out.unsettled.append(f"{bot.status} without a position")
        return
    if bot.status in FINAL or bot.wish in ("kill", "hold"):
        return
    there = {order.key[:2]: order for order in live if order.status != DONE}
    for intent in wanted(bot, bot.last_price or 1, live) or []:
        order = there.pop(intent.key[:2], None)
        if order is not None and (order.side, order.price, order.lots - order.filled) == (
            intent.side, intent.price, intent.lots,
        ):  # fmt: skip
            continue
        if order is None and (
            bot.notes.get(intent.key[:2]) or intent.lots * intent.price < bot.market.min_notional_atoms
        ):
            continue
        out.unexplained.append(f"{intent} wants what is not there: {order}")
    out.unexplained += [f"{order} rests and is not wanted" for order in there.values()]


def _money(engine: sa.Engine, bot: Bot, account: dict[str, Any], out: Compared) -> None:
    """Books follow from fills, and the account's money from the books."""
    if bot.position is None:
        return
    books = bot.position.books
    again = Position(bot.position.plan)
    for row in fill_rows(engine, bot):
        again.apply(trade(bot, row))
    if (again.books.cash, again.books.base_micro) != (books.cash, books.base_micro):
        out.unexplained.append(
            f"books {books.cash} {books.base_micro}, fills say {again.books.cash} {again.books.base_micro}"
        )
    if len({t["symbol"] for t in account["trades"]}) > 1 or account.get("shared"):
        return
    gained = _moved(account, bot.base_asset)
    base = Fraction(books.base_micro) / MICRO * Fraction(bot.market.lot)
    if Fraction(gained) != base:
        out.unexplained.append(f"{gained} {bot.base_asset} came, books say {base}")
    spent = Fraction(books.cash - bot.position.plan.cash) * Fraction(bot.market.atom)
    if Fraction(_moved(account, bot.quote_asset)) != spent:
        out.unexplained.append(f"{_moved(account, bot.quote_asset)} {bot.quote_asset} moved, books say {float(spent)}")


def _moved(account: dict[str, Any], coin: str) -> Decimal:
    money = account["balances"].get(coin)
    return Decimal(0) if money is None else Decimal(money["total"]) - Decimal(money["deposited"])


def fill_rows(engine: sa.Engine, bot: Bot) -> list[Any]:
    """The bot's fills in order of booking."""
    from autogrid.core.bot import FillRow
    from autogrid.store.coverage import to_ms

    query = sa.text(
        "SELECT trade_id, exchange_id, client_id, ts, kind, cell, cycle, side, price, lots, fee, fee_asset "
        "FROM bot_fill WHERE bot_id = :b ORDER BY id"
    )
    with engine.connect() as connection:
        return [
            FillRow(r[0], r[1], r[2], to_ms(r[3]), Key(r[4], r[5], r[6]), *r[7:])
            for r in connection.execute(query, {"b": bot.id})
        ]
