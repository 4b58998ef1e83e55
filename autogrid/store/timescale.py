"""TimescaleDB where the server has it: hypertable on both editions, the rest on the community (TSL) edition.

Everything here is an addition: on plain PostgreSQL and on the Apache edition the same data is served by
plain SQL (`candles.resample`).
"""

from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection

Edition = Literal["none", "apache", "tsl"]

#: Seconds of one bucket -> continuous aggregate over the 1m candles.
AGGREGATES = {300: "candle_5m", 3600: "candle_1h", 86400: "candle_1d"}


def edition(connection: Connection) -> Edition:
    """Which TimescaleDB this database has."""
    if connection.scalar(sa.text("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'")) is None:
        return "none"
    licence = connection.scalar(sa.text("SELECT current_setting('timescaledb.license', true)"))
    return "tsl" if licence == "timescale" else "apache"


def set_up(connection: Connection) -> Edition:
    """Make `candle` a hypertable and, on TSL, add compression and aggregates. Repeating it is harmless."""
    found = edition(connection)
    if found == "none":
        return found
    connection.execute(
        sa.text(
            "SELECT create_hypertable('candle', 'ts', chunk_time_interval => interval '30 days', "
            "if_not_exists => true, migrate_data => true)"
        )
    )
    if found == "tsl":
        _compression(connection)
        for seconds, name in AGGREGATES.items():
            _aggregate(connection, name, seconds)
    return found


def _compression(connection: Connection) -> None:
    connection.execute(
        sa.text(
            "ALTER TABLE candle SET (timescaledb.compress, timescaledb.compress_orderby = 'ts', "
            "timescaledb.compress_segmentby = 'market_id, timeframe_s')"
        )
    )
    connection.execute(sa.text("SELECT add_compression_policy('candle', interval '90 days', if_not_exists => true)"))


def _aggregate(connection: Connection, name: str, seconds: int) -> None:
    # WITH NO DATA: a refresh cannot run inside a transaction, and migrations are one. The policy fills it,
    # and materialized_only = false serves what it has not reached yet.
    connection.execute(
        sa.text(
            f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name} "
            "WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS "
            f"SELECT market_id, time_bucket(interval '{seconds} seconds', ts) AS ts, "
            "first(open, ts) AS open, max(high) AS high, min(low) AS low, "
            "last(close, ts) AS close, sum(volume) AS volume "
            "FROM candle WHERE timeframe_s = 60 GROUP BY 1, 2 WITH NO DATA"
        )
    )
    connection.execute(
        sa.text(
            f"SELECT add_continuous_aggregate_policy('{name}', start_offset => NULL, "
            f"end_offset => interval '{seconds} seconds', schedule_interval => interval '1 hour', "
            "if_not_exists => true)"
        )
    )
