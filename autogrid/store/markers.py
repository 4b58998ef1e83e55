"""How far readers have come: one row each, locked while one of them reads."""

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from autogrid.store.user_tables import marker


def take(connection: Connection, name: str, default: int = 0) -> int | None:
    """Where to go on, until the transaction ends nobody else's; None: somebody else is reading."""
    connection.execute(postgresql.insert(marker).values(name=name, value=default).on_conflict_do_nothing())
    query = sa.select(marker.c.value).where(marker.c.name == name).with_for_update(skip_locked=True)
    return connection.scalar(query)


def move(connection: Connection, name: str, value: int) -> None:
    """Come this far."""
    connection.execute(sa.update(marker).where(marker.c.name == name).values(value=value))
