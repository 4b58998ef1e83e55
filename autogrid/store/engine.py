"""One SQLAlchemy engine per process: DATABASE_URL when set, else the embedded server."""

import atexit
import threading
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine

from autogrid.errors import InvalidInput, Unavailable
from autogrid.settings import settings
from autogrid.store import embedded, migrate

_guard = threading.RLock()
_open: dict[str, Engine] = {}
_homes: set[Path] = set()


def libpq_url() -> str:
    """The store's URL as libpq and ADBC take it. Starts the embedded server if that is the store."""
    configured = settings().database_url
    if configured is None:
        home = settings().autogrid_home
        url = embedded.start(home)
        if home not in _homes:
            _homes.add(home)
            # Behind the embedded server's own handler, so that it runs before that one stops the server.
            atexit.unregister(close)
            atexit.register(close)
        return url
    text = configured.get_secret_value()
    scheme, separator, rest = text.partition("://")
    if not separator or scheme.split("+")[0] not in ("postgres", "postgresql"):
        raise InvalidInput(
            f"DATABASE_URL: expected postgresql://user:password@host:port/database, found scheme {scheme!r}. "
            "AutoGrid works on PostgreSQL only."
        )
    return f"postgresql://{rest}"


def engine() -> Engine:
    """The engine of the current settings, with the schema at its newest version.

    The embedded database is migrated here. A configured one is not touched: an outdated schema raises
    Unavailable with the command to run.
    """
    with _guard:
        url = libpq_url()
        if url not in _open:
            created = connect(url)
            try:
                if settings().database_url is None:
                    migrate.upgrade(created)
                else:
                    migrate.require_head(created)
            except BaseException:
                created.dispose()
                raise
            _open[url] = created
        return _open[url]


def connect(url: str) -> Engine:
    """An engine for a libpq URL; Unavailable when the server does not answer."""
    created = sa.create_engine(sa.make_url(url).set(drivername="postgresql+psycopg"), pool_pre_ping=True)
    try:
        with created.connect():
            pass
    except sa.exc.OperationalError as error:
        created.dispose()
        where = created.url.render_as_string(hide_password=True)
        raise Unavailable(
            f"database {where}: expected a connection, found: {error.orig}. Start it or correct DATABASE_URL."
        ) from error
    return created


def close() -> None:
    """Close every connection and leave the embedded server. The next `engine()` starts afresh."""
    with _guard:
        for opened in _open.values():
            opened.dispose()
        _open.clear()
        for home in _homes:
            embedded.stop(home)
        _homes.clear()
