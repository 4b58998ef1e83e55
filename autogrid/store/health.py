"""What the store knows about how things are: bots by state, orders in doubt, candles behind, the server itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection
from sqlalchemy.pool import NullPool

#: Longest time to connect, and longest time of one query, seconds.
PATIENCE_S = 2


@dataclass(frozen=True)
class Health:
    """One look. Keys are labels of metrics."""

    #: (state, mode) -> bots. States beyond those of a bot: error (its account is blocked), killing and killed.
    bots: dict[tuple[str, str], int]
    #: exchange -> orders: those that should rest and do not; sent without an answer; of these beyond T_safe.
    missing: dict[str, int]
    unknown: dict[str, int]
    overdue: dict[str, int]
    #: exchange -> age of the oldest unknown order, seconds.
    oldest_s: dict[str, float]
    #: mode -> largest distance of a running bot from its twin on its last day, bps.
    divergence_bps: dict[str, float]
    #: (exchange, timeframe in seconds) -> how far the newest candle of a running bot's market lies back, seconds.
    candle_lag_s: dict[tuple[str, int], float]
    #: (exchange, base URL) of the accounts of running live bots.
    addresses: list[tuple[str, str]]
    #: exchange -> accounts whose orders a stream should follow: those with bots at work.
    streamed: dict[str, int]
    #: state -> connections of this database, and how many the server allows in all.
    connections: dict[str, int]
    connections_max: int
    size_bytes: int


_MODE = "CASE WHEN a.exchange = 'paper' THEN 'paper' ELSE 'live' END"
_STATE = """CASE
    WHEN b.wish = 'kill' AND b.status IN ('stopped', 'halted') THEN 'killed'
    WHEN b.wish = 'kill' THEN 'killing'
    WHEN a.blocked_reason IS NOT NULL AND b.status IN ('waiting', 'running', 'stopping') THEN 'error'
    ELSE b.status END"""
_JOINED = "FROM bot b JOIN account a ON a.id = b.account_id"
_BOTS = f"SELECT {_STATE}, {_MODE}, count(*) {_JOINED} GROUP BY 1, 2"
#: A note is the reason why a cell that should have an order has none; a planned order is sent by the same tick.
_MISSING = f"""SELECT a.exchange, sum(jsonb_array_length(b.notes)
      + (SELECT count(*) FROM bot_order o WHERE o.bot_id = b.id AND o.status = 'planned'
         AND o.status <> 'done' AND o.updated_at < now() - interval '30 seconds'))
    {_JOINED} WHERE b.status = 'running' AND b.wish NOT IN ('pause', 'kill') GROUP BY 1"""
_UNKNOWN = f"""SELECT a.exchange, count(*),
      count(*) FILTER (WHERE o.sent_at < now() - make_interval(secs => :t_safe_s)),
      extract(epoch FROM now() - min(o.sent_at))
    {_JOINED} JOIN bot_order o ON o.bot_id = b.id WHERE o.status <> 'done' AND o.status = 'sent' GROUP BY 1"""
_TWIN = f"""SELECT {_MODE}, max(abs(t.divergence_bps)) {_JOINED}
    JOIN LATERAL (SELECT divergence_bps FROM twin WHERE bot_id = b.id ORDER BY day DESC LIMIT 1) t ON true
    WHERE b.status = 'running' GROUP BY 1"""
_CANDLES = """SELECT exchange, timeframe_s, max(extract(epoch FROM now() - newest)) FROM (
      SELECT m.exchange, c.timeframe_s, max(c.end_ts) AS newest FROM coverage c JOIN market m ON m.id = c.market_id
      WHERE (m.exchange, m.symbol) IN (SELECT exchange, symbol FROM bot WHERE status = 'running')
      GROUP BY m.id, m.exchange, c.timeframe_s) series GROUP BY 1, 2"""
_ADDRESSES = f"""SELECT DISTINCT a.exchange, coalesce(a.base_url, '') {_JOINED}
    WHERE b.status = 'running' AND a.exchange <> 'paper' ORDER BY 1, 2"""
_STREAMED = f"""SELECT a.exchange, count(DISTINCT a.id) {_JOINED}
    WHERE b.next_tick_at IS NOT NULL AND a.exchange <> 'paper' AND a.blocked_reason IS NULL GROUP BY 1"""
_CONNECTIONS = """SELECT CASE WHEN state LIKE 'idle%' THEN 'idle' WHEN state IS NULL THEN 'other' ELSE 'active' END,
    count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1"""


def look(connection: Connection, t_safe_s: float) -> Health:
    """Ask the store. t_safe_s: after how long an unanswered order should have been settled by a look-up."""

    def rows(query: str, **values: float) -> list[tuple[object, ...]]:
        return [tuple(row) for row in connection.execute(sa.text(query), values)]

    def table(found: list[tuple[object, ...]], column: int = 1) -> dict[str, float]:
        return {str(row[0]): float(str(row[column])) for row in found}

    unknown = rows(_UNKNOWN, t_safe_s=t_safe_s)
    maximum = connection.scalar(sa.text("SELECT current_setting('max_connections')::int"))
    size = connection.scalar(sa.text("SELECT pg_database_size(current_database())"))
    return Health(
        bots={(str(state), str(mode)): int(str(count)) for state, mode, count in rows(_BOTS)},
        missing={name: int(count) for name, count in table(rows(_MISSING)).items()},
        unknown={name: int(count) for name, count in table(unknown).items()},
        overdue={name: int(count) for name, count in table(unknown, 2).items()},
        oldest_s=table(unknown, 3),
        divergence_bps=table(rows(_TWIN)),
        candle_lag_s={(str(name), int(str(step))): float(str(lag)) for name, step, lag in rows(_CANDLES)},
        addresses=[(str(exchange), str(base)) for exchange, base in rows(_ADDRESSES)],
        streamed={name: int(count) for name, count in table(rows(_STREAMED)).items()},
        connections={state: int(count) for state, count in table(rows(_CONNECTIONS)).items()},
        connections_max=int(maximum or 0),
        size_bytes=int(size or 0),
    )


@contextmanager
def visit(url: str) -> Iterator[Connection]:
    """A connection of its own to the libpq `url`, closed again: it shows whether a new one can be had, in time.

    Raises sqlalchemy.exc.OperationalError where it cannot.
    """
    target = sa.make_url(url).set(drivername="postgresql+psycopg")
    options = f"-c statement_timeout={PATIENCE_S * 1000}"
    engine = sa.create_engine(
        target, poolclass=NullPool, connect_args={"connect_timeout": PATIENCE_S, "options": options}
    )
    with engine.connect() as connection:
        yield connection
