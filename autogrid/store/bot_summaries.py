"""Bots with their books in short: what lists of bots show. Two statements a page, whatever the number of fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from autogrid.core.ledger import Exact
from autogrid.core.pnl import Pnl, Totals, pnl
from autogrid.errors import NotFound
from autogrid.store.bot_rows import unpack_market
from autogrid.store.live_tables import account, bot, bot_order


@dataclass(frozen=True)
class Summary:
    """One bot. Prices and money in quote."""

    id: int
    owner_id: int | None
    account_id: int
    account: str
    passport_id: str | None
    name: str
    exchange: str
    symbol: str
    #: "paper" or "live".
    mode: str
    wish: str
    status: str
    reason: str | None
    lower: Decimal
    upper: Decimal
    cells: int
    last_price: Decimal | None
    #: Orders that rest or are on their way, and those that should rest and do not.
    open_orders: int
    missing_orders: int
    fills: int
    round_trips: int
    #: None before the grid has a position.
    pnl: Pnl | None
    version: int
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    last_tick_at: datetime | None


_PLAIN = ("id", "owner_id", "account_id", "passport_id", "name", "exchange", "symbol", "wish", "status", "reason")
_TIMES = ("version", "created_at", "started_at", "stopped_at", "last_tick_at")
_books = bot.c.position["books"]
#: The books without the cells, which grow with the grid.
_COLUMNS = [
    *(bot.c[name] for name in (*_PLAIN, *_TIMES)),
    account.c.name.label("account"),
    account.c.exchange.label("account_exchange"),
    bot.c.market,
    bot.c.grid,
    bot.c.last_price,
    sa.func.jsonb_array_length(bot.c.notes).label("missing_orders"),
    *(_books[name].label(name) for name in ("cash", "base_micro", "fees", "realised", "fills", "round_trips")),
    bot.c.plan["cash"].label("cash_start"),
    bot.c.plan["start_fill"].label("start_fill"),
]
_SELECT = sa.select(*_COLUMNS).join(account, account.c.id == bot.c.account_id)


def get(connection: Connection, bot_id: int, owner_id: int | None) -> Summary:
    """One bot; of anybody if `owner_id` is None."""
    query = _SELECT.where(bot.c.id == bot_id)
    if owner_id is not None:
        query = query.where(bot.c.owner_id == owner_id)
    found = _summaries(connection, connection.execute(query).all())
    if not found:
        raise NotFound(f"bot {bot_id} does not exist; autogrid bots list shows those that do")
    return found[0]


def page(
    connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50,
    *, status: str | None = None, account_id: int | None = None,
) -> list[Summary]:  # fmt: skip
    """Bots, newest first; `before` is the id the page before ended with."""
    query = _SELECT.order_by(bot.c.id.desc()).limit(limit)
    wanted = {"owner_id": owner_id, "status": status, "account_id": account_id}
    for name, value in wanted.items():
        if value is not None:
            query = query.where(bot.c[name] == value)
    if before is not None:
        query = query.where(bot.c.id < before)
    return _summaries(connection, connection.execute(query).all())


def _summaries(connection: Connection, rows: Sequence[Row[Any]]) -> list[Summary]:
    if not rows:
        return []
    live = (
        sa.select(bot_order.c.bot_id, sa.func.count())
        .where(bot_order.c.bot_id.in_([row.id for row in rows]), bot_order.c.status != "done")
        .group_by(bot_order.c.bot_id)
    )
    resting = {row[0]: int(row[1]) for row in connection.execute(live)}
    return [_summary(row, resting.get(row.id, 0)) for row in rows]


def _summary(row: Row[Any], resting: int) -> Summary:
    market, grid = unpack_market(row.market), row.grid
    split = None
    if row.cash_start is not None and row.last_price is not None:
        exact = (_exact(row.cash), _exact(row.base_micro), _exact(row.fees))
        split = pnl(market, Totals(*exact, row.realised, row.cash_start, row.start_fill), row.last_price)
    return Summary(
        **{name: getattr(row, name) for name in (*_PLAIN, *_TIMES)},
        account=row.account,
        mode="paper" if row.account_exchange == "paper" else "live",
        lower=Decimal(grid["lower"]),
        upper=Decimal(grid["upper"]),
        cells=grid["cells"],
        last_price=None if row.last_price is None else market.price(row.last_price),
        open_orders=resting,
        missing_orders=row.missing_orders,
        fills=row.fills or 0,
        round_trips=row.round_trips or 0,
        pnl=split,
    )


def _exact(value: int | str) -> Exact:
    return value if isinstance(value, int) else Fraction(value)
