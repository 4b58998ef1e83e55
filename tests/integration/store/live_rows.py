"""Rows that tests of the live tables begin with."""

from decimal import Decimal

import sqlalchemy as sa

from autogrid.core.bot import Order
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, Key, OrderName, client_id
from autogrid.store import bots
from autogrid.store.live_tables import account
from autogrid.store.user_tables import app_user

MARKET = Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001", buy_fee_asset="base")
GRID_110 = Grid(lower="90", upper="110", cells=4, amount="1")


def new_user(engine: sa.Engine, email: str) -> int:
    with engine.begin() as connection:
        insert = sa.insert(app_user).values(email=email, password_hash="-", role="trader")
        return connection.scalar(insert.returning(app_user.c.id))


def new_account(engine: sa.Engine, name: str = "main", exchange: str = "binance") -> int:
    with engine.begin() as connection:
        return connection.scalar(sa.insert(account).values(name=name, exchange=exchange).returning(account.c.id))


def new_bot(engine: sa.Engine, account_id: int | None = None, **changes: object) -> int:
    if account_id is None:
        with engine.connect() as connection:
            account_id = connection.scalar(sa.select(sa.func.min(account.c.id)))
        account_id = account_id or new_account(engine)
    values = {
        "name": "bot",
        "account_id": account_id,
        "symbol": "BTC/USDT",
        "market": MARKET,
        "grid": GRID_110,
        "code_hash": "c0de",
        "exchange": "binance",
        "cash": Decimal("1000"),
        "slippage_ticks": 2,
    }
    with engine.begin() as connection:
        return bots.create(connection, bots.NewBot(**values | changes))


def order(bot_id: int, cell: int = 0, *, attempt: int = 0, cycle: int = 0, kind: int = GRID, side: int = BUY) -> Order:
    key = Key(kind, cell, cycle)
    name = OrderName("Aa", bot_id, 0, key, attempt)
    return Order(key, attempt, side, 9000 + 500 * cell, 1000, client_id(name))
