"""Bots with their books in short: what lists of bots show. One statement a page, whatever the number of fills."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from json import loads
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import Connection

from autogrid.core.bot import Status, Wish
from autogrid.core.ledger import Exact
from autogrid.core.market import Market
from autogrid.core.pnl import Pnl, Totals, pnl
from autogrid.errors import NotFound
from autogrid.store.bot_rows import is_decided, unpack_market
from autogrid.store.coverage import when
from autogrid.store.live_tables import account, bot, bot_order
from autogrid.store.paging import newest


@dataclass(frozen=True)
class BotSummary:
    """A bot. Prices and money in quote."""

    id: int
    owner_id: int | None
    account_id: int
    #: The account's name.
    account: str
    passport_id: str | None
    name: str
    #: Whose market it is.
    exchange: str
    symbol: str
    mode: Literal["paper", "live"]
    #: What its owner wants of it.
    wish: Wish
    #: What it is. stopped is final; halted needs a person.
    status: Status
    #: Why it waits, halted, stopped or was refused.
    reason: str | None
    #: What decides its grids as candles close; None: it has one grid.
    strategy: str | None
    #: The end of the last candle on which its strategy has decided; None: there is none yet.
    decided_at: datetime | None
    #: Its grid as it is now. None where its strategy has not decided one yet.
    lower: Decimal | None
    upper: Decimal | None
    cells: int | None
    last_price: Decimal | None
    #: Orders that rest or are on their way, and those that should rest and do not.
    open_orders: int
    missing_orders: int
    fills: int
    round_trips: int
    #: None before the grid has started.
    pnl: Pnl | None
    #: Counts its changes.
    version: int
    created_at: datetime
    started_at: datetime | None
    stopped_at: datetime | None
    last_tick_at: datetime | None


_PLAIN = (
    *("id", "owner_id", "account_id", "passport_id", "name", "exchange", "symbol"),
    *("wish", "status", "reason", "strategy"),
)
#: Of the books, in the order of Totals.
_TOTALS = ("cash", "base_micro", "fees", "realised")
_TIMES = ("version", "created_at", "started_at", "stopped_at", "last_tick_at")
_live = sa.select(sa.func.count()).where(bot_order.c.bot_id == bot.c.id, bot_order.c.status != "done")
#: Columns of the summary as they are in the row, then what the rest is made from.
_SAME = (
    *(bot.c[name] for name in (*_PLAIN, *_TIMES)),
    account.c.name.label("account"),
    _live.correlate(bot).scalar_subquery().label("open_orders"),
    sa.func.jsonb_array_length(bot.c.notes).label("missing_orders"),
)
_MADE = (
    account.c.exchange,
    bot.c.market.cast(sa.Text),
    bot.c.grid,
    bot.c.decided_ms,
    bot.c.last_price,
    # The books without the cells, which grow with the grid.
    bot.c.position["books"].op("-", return_type=JSONB)(sa.literal("cells", sa.Text)),
    bot.c.plan["cash"].astext.cast(sa.BigInteger),
    bot.c.plan["start_fill"].astext.cast(sa.BigInteger),
)
_SELECT = sa.select(*_SAME, *_MADE).join(account, account.c.id == bot.c.account_id)
_ONE = _SELECT.where(bot.c.id == sa.bindparam("bot_id"))
_NAMES = tuple(column.name for column in _SAME)


def get(connection: Connection, bot_id: int, owner_id: int | None) -> BotSummary:
    """One bot; of anybody if `owner_id` is None."""
    row = connection.execute(_ONE, {"bot_id": bot_id}).one_or_none()
    if row is None or owner_id not in (None, row.owner_id):
        raise NotFound(f"bot {bot_id} does not exist; autogrid bots list shows those that do")
    return _summary(row)


def page(
    connection: Connection, owner_id: int | None, before: int | None = None, limit: int = 50,
    *, status: str | None = None, account_id: int | None = None,
) -> list[BotSummary]:  # fmt: skip
    """Bots, newest first; `before` is the id the page before ended with."""
    rows = newest(connection, _SELECT, bot, before, limit, owner_id=owner_id, status=status, account_id=account_id)
    return [_summary(row) for row in rows.all()]


def _summary(row: Sequence[Any]) -> BotSummary:
    exchange, rules, grid, decided_ms, price, books, cash_start, start_fill = row[len(_NAMES) :]
    split = None
    if books is not None and cash_start is not None and price is not None:
        split = _pnl(rules, *(books[name] for name in _TOTALS), cash_start, start_fill, price)
    return BotSummary(
        **dict(zip(_NAMES, row, strict=False)),
        mode="paper" if exchange == "paper" else "live",
        decided_at=when(decided_ms) if decided_ms else None,
        **(_range(grid) if is_decided(grid) else dict.fromkeys(("lower", "upper", "cells"))),
        last_price=None if price is None else _market(rules).price(price),
        fills=books["fills"] if books else 0,
        round_trips=books["round_trips"] if books else 0,
        pnl=split,
    )


def _range(grid: dict[str, Any]) -> dict[str, Any]:
    return {"lower": Decimal(grid["lower"]), "upper": Decimal(grid["upper"]), "cells": grid["cells"]}


@lru_cache(maxsize=10_000)
def _pnl(
    rules: str, cash: int | str, base_micro: int | str, fees: int | str, realised: int,
    cash_start: int, start_fill: int, price: int,
) -> Pnl:  # fmt: skip
    """Most bots are as they were when their list was last read."""
    totals = Totals(_exact(cash), _exact(base_micro), _exact(fees), realised, cash_start, start_fill)
    return pnl(_market(rules), totals, price)


@lru_cache(maxsize=1000)
def _market(packed: str) -> Market:
    """Many bots are on few markets."""
    return unpack_market(loads(packed))


def _exact(value: int | str) -> Exact:
    return value if isinstance(value, int) else Fraction(value)
