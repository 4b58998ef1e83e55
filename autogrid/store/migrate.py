"""Bring a database to the newest schema, by Alembic, one process at a time."""

from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from autogrid.errors import Unavailable
from autogrid.store import timescale

if TYPE_CHECKING:
    from alembic.config import Config

#: The newest revision; a test compares it with the migration files. Known here so that a database that is
#: up to date costs one query instead of importing Alembic.
HEAD = "0007"
#: Advisory lock of migrations; an arbitrary constant.
_LOCK = 0x61675F6D69677261


def current(connection: Connection) -> str | None:
    """The revision of this database, None for an empty one."""
    if connection.scalar(sa.text("SELECT to_regclass('alembic_version')")) is None:
        return None
    found: str | None = connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
    return found


def upgrade(engine: Engine) -> bool:
    """Migrate to HEAD in one transaction; returns whether anything was done. Safe from many processes."""
    with engine.connect() as connection:
        if current(connection) == HEAD:
            return False
    with engine.begin() as connection:
        connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        if current(connection) == HEAD:
            return False
        _alembic(connection)
        timescale.set_up(connection)
    return True


def require_head(engine: Engine) -> None:
    """Raise Unavailable unless the schema is the one this version works with."""
    with engine.connect() as connection:
        found = current(connection)
    if found != HEAD:
        raise Unavailable(
            f"database {engine.url.render_as_string(hide_password=True)}: expected schema {HEAD}, "
            f"found {found or 'none'}. Run: autogrid db migrate"
        )


def _alembic(connection: Connection) -> None:
    from alembic import command

    command.upgrade(config(connection), "head")


def config(connection: Connection) -> "Config":
    """Alembic's configuration for one connection."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = connection
    return made
