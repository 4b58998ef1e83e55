"""The restore drill: what was dumped comes back, row for row, and a bad dump leaves nothing behind."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from autogrid.cli.app import app
from autogrid.data.ingest import import_file
from autogrid.errors import InvalidInput, Unavailable
from autogrid.settings import settings
from autogrid.store import backup, migrate
from autogrid.store.engine import connect, libpq_url

AT = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
Empty = Callable[[], str]


@pytest.fixture
def filled(store: sa.Engine, tmp_path: Path) -> sa.Engine:
    rng = np.random.default_rng(7)
    close = 100 + np.cumsum(rng.normal(0, 0.1, 500))
    frame = pd.DataFrame({"ts": 1_700_000_000_000 // 60_000 * 60_000 + np.arange(500) * 60_000})
    for name, shift in (("open", 0.0), ("high", 0.5), ("low", -0.5), ("close", 0.0)):
        frame[name] = close + shift
    frame["volume"] = 1.0
    frame.to_csv(tmp_path / "candles.csv", index=False)
    import_file(tmp_path / "candles.csv", "binance", "BTC/USDT", "1m", "missing")
    return store


@pytest.fixture
def empty(store: sa.Engine) -> Iterator[Empty]:
    """Makes empty databases on the same server; returns their URLs."""
    made = []

    def make() -> str:
        name = f"drill{len(made)}"
        with store.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE IF EXISTS {name}"))
            connection.execute(sa.text(f"CREATE DATABASE {name}"))
        made.append(name)
        return sa.make_url(libpq_url()).set(database=name).render_as_string(hide_password=False)

    yield make
    with store.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        for name in made:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def rows(engine: sa.Engine) -> dict[str, tuple[int, str | None]]:
    """Of every table: how many rows, and a digest over all of them."""
    with engine.connect() as connection:
        names = connection.scalars(sa.text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")).all()
        query = "SELECT count(*), md5(string_agg(t::text, ';' ORDER BY t::text)) FROM \"{}\" t"
        return {name: tuple(connection.execute(sa.text(query.format(name))).one()) for name in names}


def test_drill(filled: sa.Engine, empty: Empty, tmp_path: Path) -> None:
    done = backup.backup(libpq_url(), tmp_path / "backups", AT)
    assert done.path.name == "autogrid-20260102T030405Z.dump"
    assert done.size == done.path.stat().st_size > 1000
    url = empty()
    backup.restore(url, done.path)
    restored = connect(url)
    try:
        before, after = rows(filled), rows(restored)
        assert before == after
        assert after["candle"][0] == 500
        migrate.require_head(restored)
        with restored.begin() as connection:  # sequences and constraints came along
            connection.execute(sa.text("DELETE FROM candle WHERE ts = (SELECT max(ts) FROM candle)"))
            market = connection.scalar(sa.text("SELECT min(id) FROM market"))
        with pytest.raises(sa.exc.IntegrityError), restored.begin() as connection:
            connection.execute(sa.text("INSERT INTO market SELECT * FROM market WHERE id = :id"), {"id": market})
    finally:
        restored.dispose()
    assert list((tmp_path / "backups").iterdir()) == [done.path]


def test_only_an_empty_database_is_filled(filled: sa.Engine, tmp_path: Path) -> None:
    done = backup.backup(libpq_url(), tmp_path, AT)
    before = rows(filled)
    with pytest.raises(InvalidInput, match="expected an empty database to restore into, found"):
        backup.restore(libpq_url(), done.path)
    assert rows(filled) == before


def test_a_damaged_backup_leaves_nothing_behind(filled: sa.Engine, empty: Empty, tmp_path: Path) -> None:
    done = backup.backup(libpq_url(), tmp_path, AT)
    whole = done.path.read_bytes()
    url = empty()
    done.path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises((Unavailable, InvalidInput)):
        backup.restore(url, done.path)
    done.path.write_bytes(b"not a dump")
    with pytest.raises(InvalidInput, match="expected a backup made by autogrid db backup"):
        backup.restore(url, done.path)
    with pytest.raises(InvalidInput, match="no such file"):
        backup.restore(url, tmp_path / "missing.dump")
    target = connect(url)
    assert rows(target) == {}
    target.dispose()


def test_a_failed_backup_leaves_no_file(store: sa.Engine, tmp_path: Path) -> None:
    url = sa.make_url(libpq_url()).set(database="nowhere", password="geheim12").render_as_string(hide_password=False)
    with pytest.raises(Unavailable, match="nowhere.* does not exist") as caught:
        backup.backup(url, tmp_path, AT)
    assert "geheim12" not in str(caught.value)
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match=r"cannot be kept in .*file \(File exists\): choose another folder"):
        backup.backup(libpq_url(), tmp_path / "file", AT)
    (tmp_path / "file").unlink()
    assert list(tmp_path.iterdir()) == []


def test_prune_keeps_the_newest_and_what_is_not_a_backup(tmp_path: Path) -> None:
    names = [f"autogrid-2026010{day}T000000Z.dump" for day in range(1, 6)]
    for name in [*names, "notes.txt", "autogrid-x.dump"]:
        (tmp_path / name).touch()
    assert [file.name for file in backup.prune(tmp_path, 2)] == names[:3]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted([*names[3:], "notes.txt", "autogrid-x.dump"])
    with pytest.raises(InvalidInput, match="keep: expected at least 1"):
        backup.prune(tmp_path, 0)


def test_commands(filled: sa.Engine, empty: Empty, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    prom, began = tmp_path / "backup.prom", datetime.now(UTC).timestamp()
    assert "nothing to do" in run("db", "migrate")
    for _ in range(2):
        out = run("db", "backup", str(tmp_path / "b"), "--keep", "1", "--metrics", str(prom))
    assert "bytes in" in out
    stamp = float(prom.read_text().split()[-1])
    assert began - 1 <= stamp <= datetime.now(UTC).timestamp() + 1
    (made,) = (tmp_path / "b").iterdir()
    before = rows(filled)
    url = empty()
    monkeypatch.setenv("DATABASE_URL", url)
    settings.cache_clear()
    try:
        assert "restored" in run("db", "restore", str(made))
        with pytest.raises(InvalidInput, match="--every: expected a time such as"):
            run("db", "backup", str(tmp_path), "--every", "soon")
        restored = connect(url)
        assert rows(restored) == before
        restored.dispose()
    finally:
        monkeypatch.delenv("DATABASE_URL")
        settings.cache_clear()
