"""The embedded server among processes, the schema, and other servers through DATABASE_URL."""

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from autogrid.errors import InvalidInput, Unavailable
from autogrid.settings import settings
from autogrid.store import embedded, engine, migrate, timescale, user_tables

USE = """
import sys, time, sqlalchemy as sa
from autogrid.store.engine import engine
with engine().connect() as c:
    print(c.scalar(sa.text("SELECT system_identifier FROM pg_control_system()")), flush=True)
sys.stdin.read()
"""


def test_two_processes_start_at_once_share_and_the_last_one_stops_it() -> None:
    home = Path(tempfile.mkdtemp(prefix="ag"))
    home.chmod(0o755)
    env = {k: v for k, v in os.environ.items() if k != "DATABASE_URL"} | {"AUTOGRID_HOME": str(home)}
    users = [
        subprocess.Popen([sys.executable, "-c", USE], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    try:
        lines = []
        for user in users:
            assert user.stdout is not None
            lines.append(user.stdout.readline().strip())
        assert lines[0]
        assert lines[0] == lines[1]
        pid_file = home / "postgres" / "postmaster.pid"
        users[0].communicate(timeout=60)
        assert pid_file.exists()  # the other one still works with it
        users[1].communicate(timeout=60)
        deadline = time.monotonic() + 60
        while pid_file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        assert not pid_file.exists()
    finally:
        for user in users:
            user.kill()
            user.communicate()
        shutil.rmtree(home)


def test_a_killed_user_is_forgotten(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    users = tmp_path / ".handle_pids.json"
    users.write_text(f"[{gone.pid}, {os.getpid()}]")
    embedded._forget_dead(tmp_path)
    assert users.read_text() == f"[{os.getpid()}]"


def test_the_tables_are_what_the_migrations_make(store: sa.Engine) -> None:
    with store.connect() as connection:
        assert migrate.current(connection) == migrate.HEAD
        assert compare_metadata(MigrationContext.configure(connection), user_tables.metadata) == []
    assert migrate.upgrade(store) is False


def test_a_configured_database_is_used_as_it_is(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = engine.libpq_url()
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS other")
        connection.execute("CREATE DATABASE other")
    url = plain.replace("/autogrid?", "/other?")
    monkeypatch.setenv("DATABASE_URL", url)
    settings.cache_clear()
    with pytest.raises(Unavailable, match=f"expected schema {migrate.HEAD}, found none. Run: autogrid db migrate"):
        engine.engine()
    opened = engine.connect(url)
    assert migrate.upgrade(opened) is True
    opened.dispose()
    assert engine.engine().url.database == "other"
    engine._open.pop(engine.libpq_url()).dispose()


@pytest.mark.parametrize(
    ("url", "error", "message"),
    [
        ("sqlite:///x.db", InvalidInput, "PostgreSQL only"),
        (
            "postgresql://u:secret@127.0.0.1:1/x",
            Unavailable,
            r"u:\*\*\*@127.0.0.1:1/x: expected a connection",
        ),
    ],
)
def test_wrong_urls(url: str, error: type[Exception], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", url)
    settings.cache_clear()
    try:
        with pytest.raises(error, match=message):
            engine.engine()
    finally:
        monkeypatch.undo()
        settings.cache_clear()


def test_plain_postgresql_is_recognised(store: sa.Engine) -> None:
    with store.begin() as connection:
        assert timescale.edition(connection) == "none"
        assert timescale.set_up(connection) == "none"
