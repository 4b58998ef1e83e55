"""The rules of markets, as exchanges gave them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from autogrid.store.tables import market

RULES = (
    *("tick", "lot", "min_notional", "maker_fee", "taker_fee", "buy_fee_asset"),
    *("max_amount", "max_market_amount", "max_notional"),
)


def rules(connection: Connection, exchange: str, symbol: str) -> dict[str, Decimal | str]:
    """The rules known of a market, by their names in a study file; empty where nothing is known."""
    chosen = sa.select(*(market.c[name] for name in RULES)).where(
        market.c.exchange == exchange, market.c.symbol == symbol
    )
    row = connection.execute(chosen).mappings().one_or_none()
    return {} if row is None else {name: value for name, value in row.items() if value is not None}


def put_rules(connection: Connection, exchange: str, symbol: str, found: Mapping[str, Any]) -> None:
    """Store rules, those named in `found` only; the market is made where it is new."""
    values = {name: found[name] for name in RULES if name in found}
    insert = postgresql.insert(market).values(exchange=exchange, symbol=symbol, **values)
    if values:
        insert = insert.on_conflict_do_update(index_elements=["exchange", "symbol"], set_=values)
    else:
        insert = insert.on_conflict_do_nothing()
    connection.execute(insert)
