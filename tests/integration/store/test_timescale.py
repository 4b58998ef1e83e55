"""TimescaleDB, on the server of AUTOGRID_TEST_DATABASE_URL; its database is emptied."""

import os
from collections.abc import Iterator

import numpy as np
import pytest
import sqlalchemy as sa

from autogrid.store import candles, migrate, timescale
from autogrid.store.coverage import Series
from autogrid.store.engine import connect

T0 = 1_714_521_600_000
URL = os.environ.get("AUTOGRID_TEST_DATABASE_URL", "")


@pytest.fixture
def server() -> Iterator[sa.Engine]:
    if not URL:
        pytest.skip("AUTOGRID_TEST_DATABASE_URL is not set")
    engine = connect(URL)
    with engine.begin() as connection:
        if timescale.edition(connection) == "none":
            engine.dispose()
            pytest.skip("the server of AUTOGRID_TEST_DATABASE_URL has no TimescaleDB")
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("TRUNCATE market, candle, coverage, gap, import_log"))
    yield engine
    engine.dispose()


def test_hypertable_and_the_edition_s_extras(server: sa.Engine) -> None:
    with server.begin() as connection:
        edition = timescale.set_up(connection)
        tables = connection.scalars(sa.text("SELECT hypertable_name FROM timescaledb_information.hypertables"))
        assert "candle" in set(tables)
        views = set(connection.scalars(sa.text("SELECT viewname FROM pg_views WHERE schemaname = 'public'")))
    assert set(timescale.AGGREGATES.values()) <= views if edition == "tsl" else not views & {"candle_5m"}


def test_write_read_and_resample(server: sa.Engine) -> None:
    ts = T0 + np.arange(12, dtype=np.int64) * 60_000
    close = 100.0 + np.arange(12)
    series = Series("binance", "BTC/USDT", 60)
    values = (close, close + 1, close - 1, close, close)
    batch = candles.Batch(ts, values, T0, T0 + 720_000, "test", "00")
    assert candles.put(server, series, batch).inserted == 12
    assert candles.put(server, series, batch) == candles.Written(0, 0)
    with server.connect() as connection:
        rows = candles.resample(connection, series, 300, T0, T0 + 900_000)
    assert [(r[0] - T0, r[1], r[4]) for r in rows] == [
        (0, 100.0, 104.0),
        (300_000, 105.0, 109.0),
        (600_000, 110.0, 111.0),
    ]
