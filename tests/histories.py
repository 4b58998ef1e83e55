"""A store as after months of use: bots that trade, their orders, fills, events and equity, written in bulk."""

from itertools import cycle
from typing import Any

import sqlalchemy as sa
from psycopg.types.json import Jsonb
from sqlalchemy.engine import Connection

from autogrid.core.codec import pack_plan, pack_position
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, SELL, START, Key
from autogrid.core.plan import plan
from autogrid.core.position import Position, Trade
from autogrid.store import bots
from autogrid.store.bot_rows import base, money

MARKET = Market("0.01", "0.001", "1", "0.001", "0.001")
START_PRICE = 10_100
#: Of one bot in turn.
CELLS = (10, 20, 50, 100)
_BOT = (
    "owner_id, account_id, passport_id, tag, exchange, symbol, market, grid, slippage_ticks, code_hash, limits, "
    '"window", wish, status, plan, position, first_price, last_price, day, reserved_quote, reserved_base, version, '
    "started_at, last_tick_at"
)
_TRADED = """
UPDATE bot SET status = 'running', plan = :plan, position = :position, version = 7, reserved_quote = :quote,
               reserved_base = :base, first_price = :price, last_price = :price,
               started_at = now() - interval '60 days', last_tick_at = now()
WHERE id = :id
"""
_CLONES = f"""
INSERT INTO bot (name, {_BOT}) SELECT 'bot ' || n, {_BOT} FROM bot, generate_series(1, :more) AS n WHERE id = :id
"""
#: One order in the history for each fill, and one that rests for each cell but one.
_ORDERS = """
INSERT INTO bot_order (bot_id, kind, cell, cycle, attempt, side, price, lots, client_id, status, exchange_id, filled,
                       sent_at, reason, created_at, updated_at)
SELECT bot.id, 1, 0, n, 0, n % 2 * 2 - 1, 10000 + n % 2, 1000, 'Aa' || bot.id || 'x' || n, 'done', n::text, 1000,
       now() - (:each - n) * interval '1 minute', 'filled', now() - (:each - n + 1) * interval '1 minute', now()
FROM generate_series(1, :each) AS n, bot WHERE bot.id > :after
"""
_RESTING = """
INSERT INTO bot_order (bot_id, kind, cell, cycle, attempt, side, price, lots, client_id, status, exchange_id, sent_at)
SELECT bot.id, 1, n, 1, 0, 1, 10000, 1000, 'Aa' || bot.id || 'y' || n, 'open', 'y' || n, now()
FROM bot, generate_series(1, (grid ->> 'cells')::int - :each) AS n WHERE bot.id > :after
"""
_FILLS = """
INSERT INTO bot_fill (bot_id, order_id, exchange_id, trade_id, client_id, ts, kind, cell, cycle, side, price, lots,
                      fee, fee_asset)
SELECT bot_id, id, exchange_id, exchange_id, client_id, sent_at, kind, cell, cycle, side, price, lots, 0.10001, 'USDT'
FROM bot_order WHERE bot_id > :after AND status = 'done'
"""
_EVENTS = """
INSERT INTO bot_event (bot_id, ts, level, name, data)
SELECT bot.id, now() - n * interval '1 hour', CASE WHEN n % 5 = 0 THEN 'warning' ELSE 'info' END, 'order_refused',
       '{"cell": 3, "reason": "insufficient funds"}'
FROM generate_series(1, :each) AS n, bot WHERE bot.id > :after
"""
_EQUITY = """
INSERT INTO bot_equity (bot_id, ts, equity, cash, base, price)
SELECT bot.id, date_trunc('minute', now()) - n * interval '1 minute', 10000.123456 + n, 5000.0001, 49.751, 101.01
FROM bot, generate_series(1, :each) AS n WHERE bot.id > :after
"""
_TWINS = """
INSERT INTO twin (bot_id, day, parts, divergence_bps)
SELECT bot.id, current_date - n, '{"fees": "0.1"}', 1.5 FROM bot, generate_series(1, :each) AS n
WHERE bot.id > :after
"""


def fill(connection: Connection, account_id: int, owner_id: int, count: int, fills: int, minutes: int) -> None:
    """`count` running bots with `fills` fills and `minutes` rows of equity each.

    Foreign keys are not checked on the way, which halves the time; ANALYZE is left to the caller.
    """
    after = connection.scalar(sa.text("SELECT coalesce(max(id), 0) FROM bot"))
    for first, cells in enumerate(CELLS[:count]):
        grid = Grid(lower="50", upper="150", cells=cells, amount="1")
        new = bots.NewBot(
            name=f"bot of {cells}", account_id=account_id, owner_id=owner_id, symbol="BTC/USDT", market=MARKET,
            grid=grid, code_hash="c", exchange="binance", slippage_ticks=2,
        )  # fmt: skip
        template = bots.create(connection, new)
        connection.execute(sa.text(_TRADED), {"id": template, **_state(grid, fills)})
        connection.execute(sa.text(_CLONES), {"more": len(range(first, count, len(CELLS))) - 1, "id": template})
    connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
    connection.execute(sa.text("SET LOCAL synchronous_commit = off"))
    rows = {_ORDERS: fills, _FILLS: fills, _RESTING: 1, _TWINS: 30, _EVENTS: min(fills, 50), _EQUITY: minutes}
    for statement, each in rows.items():
        connection.execute(sa.text(statement), {"after": after, "each": each})
    connection.execute(sa.text("SET LOCAL session_replication_role = origin"))


def _state(grid: Grid, fills: int) -> dict[str, Any]:
    """What a bot's row says after so many fills: the start, then one cell sold and bought again and again."""
    position = Position(plan(grid, MARKET, START_PRICE, slippage_ticks=2))
    done = position.plan
    position.apply(Trade(Key(START, -1, 0), BUY, done.start_fill, done.start_lots))
    for n, (side, edge) in zip(range(fills - 1), cycle(((SELL, 1), (BUY, 0))), strict=False):
        price = done.levels[done.empty + edge]
        position.apply(Trade(Key(GRID, done.empty, n), side, price, done.lots[done.empty]))
    return {
        "plan": Jsonb(pack_plan(done)),
        "position": Jsonb(pack_position(position)),
        "quote": money(MARKET, position.books.cash),
        "base": base(MARKET, position.books.base_micro),
        "price": START_PRICE,
    }
