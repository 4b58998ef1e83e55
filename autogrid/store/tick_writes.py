"""What a tick writes: one transaction, few round trips whatever the number of orders and fills."""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from autogrid.core.bot import SENT, Bot, Event, FillRow, Order
from autogrid.errors import Halted
from autogrid.store.bot_rows import FINAL, dumps, parameters, text_of
from autogrid.store.coverage import when

Driver = psycopg.Connection[Any]

#: Not waited for until it is on the disk: nobody would miss it.
_LAZY = "set_config('synchronous_commit', 'off', true) = 'off'"
_UPDATE = (
    "UPDATE bot_order SET status = new.status, exchange_id = new.exchange_id, filled = new.filled, "
    "sent_at = new.sent_at, reason = new.reason, updated_at = now() FROM unnest(%s::bigint[], %s::text[], "
    "%s::text[], %s::bigint[], %s::timestamptz[], %s::text[]) AS new(id, status, exchange_id, filled, sent_at, reason) "
    "WHERE bot_order.id = new.id"
)
_UPDATE_LAZY = f"{_UPDATE} AND {_LAZY}"
_INSERT = (
    "INSERT INTO bot_order (bot_id, kind, cell, cycle, attempt, side, price, lots, client_id, status, exchange_id, "
    "filled, sent_at, reason) SELECT %s, * FROM unnest(%s::smallint[], %s::int[], %s::int[], %s::int[], "
    "%s::smallint[], %s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], "
    "%s::timestamptz[], %s::text[]) RETURNING client_id, id"
)
_FILLS = (
    "INSERT INTO bot_fill (bot_id, order_id, exchange_id, trade_id, client_id, ts, kind, cell, cycle, side, price, "
    "lots, fee, fee_asset) SELECT %(bot)s, bot_order.id, new.exchange_id, trade_id, new.client_id, ts, new.kind, "
    "new.cell, new.cycle, new.side, new.price, new.lots, fee, fee_asset FROM unnest(%(exchange_id)s::text[], "
    "%(trade_id)s::text[], %(client_id)s::text[], %(ts)s::timestamptz[], %(kind)s::smallint[], %(cell)s::int[], "
    "%(cycle)s::int[], %(side)s::smallint[], %(price)s::bigint[], %(lots)s::bigint[], %(fee)s::numeric[], "
    "%(fee_asset)s::text[]) WITH ORDINALITY AS new(exchange_id, trade_id, client_id, ts, kind, cell, cycle, side, "
    "price, lots, fee, fee_asset, n) LEFT JOIN bot_order ON bot_order.bot_id = %(bot)s "
    "AND bot_order.client_id = new.client_id ORDER BY n"
)
_EVENTS = (
    "INSERT INTO bot_event (bot_id, level, name, data) "
    "SELECT %s, * FROM unnest(%s::text[], %s::text[], %s::text[]::jsonb[])"
)
_EQUITY = (
    "INSERT INTO bot_equity (bot_id, ts, equity, cash, base, price) "
    "VALUES (%(bot)s, %(ts)s, %(equity)s, %(cash)s, %(base)s, %(price)s) ON CONFLICT DO NOTHING"
)


@dataclass
class Write:
    """What one commit changes."""

    orders: list[Order]
    fills: list[FillRow]
    events: list[Event]
    #: Columns of the bot, and new values.
    columns: dict[str, Any] = field(default_factory=dict)


def write(driver: Driver, bot: Bot, change: Write) -> dict[str, int]:
    """Commit `change`; client id -> id of the orders that are new. Halted if nothing may be written."""
    try:
        with driver.pipeline() as pipeline, driver.transaction():
            updated = _bot(driver, bot, change)
            inserted = _rows(driver, bot.id, change)
            pipeline.sync()
            if updated.rowcount != 1:
                raise _conflict(bot)
            return {} if inserted is None else dict(inserted.fetchall())
    except psycopg.errors.UniqueViolation as error:
        raise _refused(bot, error) from error


def touch(
    driver: Driver,
    bot: Bot,
    columns: dict[str, Any],
    rests: bool,
    equity: tuple[datetime, dict[str, Decimal]] | None,
) -> None:
    """Note a look at the bot that changed nothing but `columns`; `rests`: and that none is needed before a new wish.

    equity: the minute and its equity, cash, base and price.
    """
    columns = parameters(columns)
    sets = _sets(columns)
    sets.append(sql.SQL("last_tick_at = now()"))
    if rests:
        # A wish that came during this look is still to be looked at.
        sets.append(sql.SQL("next_tick_at = CASE WHEN wish = %(seen_wish)s THEN NULL ELSE next_tick_at END"))
    query = sql.SQL("UPDATE bot SET {} WHERE id = %(bot)s AND version = %(old)s AND {}")
    values = {**columns, "bot": bot.id, "old": bot.version, "seen_wish": bot.wish}
    driver.execute(query.format(sql.SQL(", ").join(sets), sql.SQL(_LAZY)), values)
    if equity is not None:
        driver.execute(_EQUITY, {"bot": bot.id, "ts": equity[0], **equity[1]})


def update_order(driver: Driver, order: Order) -> int:
    """Write one order's own columns; the number of rows found.

    Only `sent` has to be on the disk before anything else happens. Should the server lose another status in a crash,
    the order is one that was sent or rests, and looking it up tells the rest.
    """
    query = _UPDATE if order.status == SENT else _UPDATE_LAZY
    return driver.execute(query, _columns([order])).rowcount


def _bot(driver: Driver, bot: Bot, change: Write) -> psycopg.Cursor[Any]:
    columns = parameters(change.columns)
    sets = _sets(columns)
    sets.append(sql.SQL("version = version + 1, last_tick_at = now()"))
    if change.columns.get("status") == "running":
        sets.append(sql.SQL("started_at = coalesce(started_at, now()), stopped_at = NULL"))
    if change.columns.get("status") in FINAL:
        sets.append(sql.SQL("stopped_at = now()"))
    query = sql.SQL("UPDATE bot SET {} WHERE id = %(bot)s AND version = %(old)s").format(sql.SQL(", ").join(sets))
    return driver.execute(query, {**columns, "bot": bot.id, "old": bot.version})


def _sets(columns: dict[str, Any]) -> list[sql.Composable]:
    return [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in columns]


def _rows(driver: Driver, bot_id: int, change: Write) -> psycopg.Cursor[Any] | None:
    """Changed orders before new ones: an order that is done makes room for the next of its cell."""
    old = [order for order in change.orders if order.id is not None]
    new = [order for order in change.orders if order.id is None]
    inserted = None
    if old:
        driver.execute(_UPDATE, _columns(old))
    if new:
        inserted = driver.execute(_INSERT, (bot_id, *_new_columns(new)))
    if change.fills:
        driver.execute(_FILLS, _fill_columns(bot_id, change.fills))
    if change.events:
        data = [dumps({k: text_of(x) if isinstance(x, str) else x for k, x in e.data.items()}) for e in change.events]
        names = [event.name for event in change.events]
        driver.execute(_EVENTS, (bot_id, [event.level for event in change.events], names, data))
    return inserted


def _columns(orders: list[Order]) -> tuple[list[Any], ...]:
    return (
        [order.id for order in orders],
        [order.status for order in orders],
        [order.exchange_id for order in orders],
        [order.filled for order in orders],
        [when(order.sent_at_ms) if order.sent_at_ms else None for order in orders],
        [None if order.reason is None else text_of(order.reason) for order in orders],
    )


def _new_columns(orders: list[Order]) -> tuple[list[Any], ...]:
    keys = [order.key for order in orders]
    names = ("attempt", "side", "price", "lots", "client_id")
    plain = [[getattr(order, name) for order in orders] for name in names]
    _, status, exchange_id, filled, sent_at, reason = _columns(orders)
    kinds, cells, cycles = ([key[i] for key in keys] for i in range(3))
    return (kinds, cells, cycles, *plain, status, exchange_id, filled, sent_at, reason)


def _fill_columns(bot_id: int, fills: list[FillRow]) -> dict[str, Any]:
    plain = ("exchange_id", "trade_id", "client_id", "side", "price", "lots", "fee", "fee_asset")
    columns: dict[str, Any] = {name: [getattr(fill, name) for fill in fills] for name in plain}
    columns |= {name: [getattr(fill.key, name) for fill in fills] for name in ("kind", "cell", "cycle")}
    return columns | {"bot": bot_id, "ts": [when(fill.ts_ms) for fill in fills]}


def _conflict(bot: Bot) -> Halted:
    return Halted(
        f"bot {bot.id}: expected version {bot.version} in the database, found another; "
        "two ticks worked on it at once. Nothing was written; look at its events and resume it."
    )


def _refused(bot: Bot, error: psycopg.errors.UniqueViolation) -> Halted:
    what = {
        "bot_order_one_live": "a second live order for one cell",
        "bot_order_client_id": "a second order with one client id",
        "bot_fill_trade": "a trade that is booked already",
    }.get(error.diag.constraint_name or "", "a row that exists already")
    return Halted(
        f"bot {bot.id}: the database refused {what} ({error.diag.message_detail}). "
        "Nothing was written or sent; look at autogrid bots explain and resume it."
    )
