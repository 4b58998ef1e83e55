"""The way up and down through the migrations, with rows in the tables."""

from collections.abc import Iterator
from decimal import Decimal

import psycopg
import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from autogrid.core.orders import SELL
from autogrid.store import engine, migrate, passports, user_tables
from autogrid.store.tick_store import PgTickStore
from tests.integration.store.live_rows import new_account, new_bot, order


@pytest.fixture
def empty(store: sa.Engine) -> Iterator[sa.Engine]:
    """A database without any table, beside the store's."""
    plain = engine.libpq_url()
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS steps")
        connection.execute("CREATE DATABASE steps")
    opened = engine.connect(plain.replace("/autogrid?", "/steps?"))
    yield opened
    opened.dispose()


def tables(engine: sa.Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def test_head_is_the_newest_migration(empty: sa.Engine) -> None:
    with empty.connect() as connection:
        assert ScriptDirectory.from_config(migrate.config(connection)).get_heads() == [migrate.HEAD]


def test_rows_of_the_first_schema_live_through_the_upgrade(empty: sa.Engine) -> None:
    with empty.begin() as connection:
        command.upgrade(migrate.config(connection), "0001")
        connection.execute(sa.text("INSERT INTO market (exchange, symbol, tick) VALUES ('x', 'A/B', 0.01)"))
        candle = "INSERT INTO candle SELECT id, 60, now(), 1, 2, 0.5, 1.5, 7 FROM market"
        connection.execute(sa.text(candle))
    assert tables(empty) == {"alembic_version", "market", "candle", "coverage", "gap", "import_log"}
    assert migrate.upgrade(empty) is True
    with empty.connect() as connection:
        assert connection.execute(sa.text("SELECT tick, close FROM market, candle")).one() == (Decimal("0.01"), 1.5)
        assert compare_metadata(MigrationContext.configure(connection), user_tables.metadata) == []
    bot_id = new_bot(empty, new_account(empty))
    assert PgTickStore(empty).load(bot_id).version == 0


def test_down_to_nothing_and_up_again(empty: sa.Engine) -> None:
    migrate.upgrade(empty)
    words = {name: name for name in ("study", "study_name", "code_hash", "candles_sha256", "fills_sha256")}
    bot_id = new_bot(empty, new_account(empty))
    with empty.begin() as connection:
        passports.save(connection, passports.Passport(id="a" * 64, owner_id=None, result={}, gates=[], **words))
    ticks = PgTickStore(empty)
    ticks.commit(ticks.load(bot_id), [order(bot_id, side=SELL)])
    steps = ["0002", "0001", "base"]
    left = [{"bot", "candle"}, {"candle"}, set()]
    for step, expected in zip(steps, left, strict=True):
        with empty.begin() as connection:
            command.downgrade(migrate.config(connection), step)
        assert tables(empty) & {"app_user", "bot", "candle"} == expected
    assert tables(empty) == {"alembic_version"}
    with empty.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM pg_proc WHERE proname LIKE 'passport%'")) == 0
    assert migrate.upgrade(empty) is True
    assert {"app_user", "bot", "candle"} <= tables(empty)
