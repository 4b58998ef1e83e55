"""What services look up when they are scraped: the database, Redis, and what both know about the rest.

Every service watches that it reaches them. One of them (beat, of which there is one) also states the facts of the
whole system; should several do so, they state the same and the rules take the largest.
"""

from typing import cast
from weakref import WeakSet

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.pool import QueuePool

from autogrid.data.timeframe import format_timeframe
from autogrid.exchange.limiter import Limiter
from autogrid.settings import settings
from autogrid.store import health
from services.common import metrics

#: States that are stated even while no bot is in them, so that a graph shows a zero and not a hole.
STATES = ("waiting", "running", "paused", "stopping", "halted", "refused", "error", "killing")
#: Between a queue and a priority in the names of Celery's lists.
SEPARATOR = "\x06\x16"


def database(url: str, facts: bool = False, limiter: Limiter | None = None) -> None:
    """At each scrape connect to the libpq `url`; with `facts` also set the gauges of bots, orders, candles, server.

    limiter: whose budgets are told, for the exchanges where live bots run.
    """

    def check() -> None:
        with health.visit(url) as connection:
            if not facts:
                connection.execute(sa.text("SELECT 1"))
                return
            chosen = settings()
            found = health.look(connection, (chosen.recv_window_ms + chosen.settle_margin_ms) / 1000 + 10)
        _state(found)
        if limiter is not None:
            _budgets(found, limiter)

    metrics.watch("database", check)


def redis(url: str, queues: tuple[str, ...] = ()) -> None:
    """At each scrape ping Redis; with `queues` also say how many tasks wait in each."""
    import redis as client
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    opened = client.Redis.from_url(url, socket_timeout=2, socket_connect_timeout=2, retry=Retry(NoBackoff(), 0))

    def check() -> None:
        opened.ping()
        for queue in queues:
            # Each priority of a queue is a list of its own; the first bears the queue's name.
            names = [queue, *(f"{queue}{SEPARATOR}{priority}" for priority in (3, 6, 9))]
            metrics.QUEUE_DEPTH.labels(queue).set(sum(float(str(opened.llen(name))) for name in names))

    metrics.watch("redis", check)


def pool(engine: Engine) -> None:
    """Say how many connections of this process's pool are idle and in use, whenever one is taken or given back."""
    if engine in _counted:
        return
    _counted.add(engine)

    def count(returning: int) -> None:
        """`returning`: connections that are on their way back, but not there yet."""
        now = cast(QueuePool, engine.pool)
        metrics.POOL_CONNECTIONS.labels("in_use").set(now.checkedout() - returning)
        metrics.POOL_CONNECTIONS.labels("idle").set(now.checkedin() + returning)

    sa.event.listen(engine, "checkout", lambda *_: count(0))
    sa.event.listen(engine, "checkin", lambda *_: count(1))


def _state(found: health.Health) -> None:
    for mode in ("live", "paper"):
        for state in {*STATES, *(state for state, _ in found.bots)}:
            metrics.BOTS.labels(state, mode).set(found.bots.get((state, mode), 0))
    exchanges = {name for name, _ in found.addresses} | set(found.missing) | set(found.unknown) | set(found.streamed)
    for name in _seen(exchanges):
        metrics.MISSING_ORDERS.labels(name).set(found.missing.get(name, 0))
        metrics.UNKNOWN_ORDERS.labels(name).set(found.unknown.get(name, 0))
        metrics.UNKNOWN_ORDERS_OVERDUE.labels(name).set(found.overdue.get(name, 0))
        metrics.STREAMS_WANTED.labels(name).set(found.streamed.get(name, 0))
        metrics.UNKNOWN_ORDER_AGE.labels(name).set(found.oldest_s.get(name, 0))
    for mode in ("live", "paper"):
        metrics.TWIN_DIVERGENCE.labels(mode).set(found.divergence_bps.get(mode, 0))
    for (name, step_s), lag in found.candle_lag_s.items():
        metrics.CANDLE_LAG.labels(name, format_timeframe(step_s)).set(lag)
    for state in ("active", "idle", "other"):
        metrics.SERVER_CONNECTIONS.labels(state).set(found.connections.get(state, 0))
    metrics.SERVER_CONNECTIONS_MAX.set(found.connections_max)
    metrics.DATABASE_BYTES.set(found.size_bytes)


def _budgets(found: health.Health, limiter: Limiter) -> None:
    from autogrid.exchange.ccxt_link import weight_budget

    left: dict[str, float] = {}
    for name, base_url in found.addresses:
        budget = weight_budget(name, base_url, settings().egress_name, settings().rate_limit_share)
        left[name] = min(left.get(name, 1.0), limiter.left(budget) / budget.limit)
    for name, ratio in left.items():
        metrics.RATE_BUDGET_LEFT.labels(name, "weight").set(ratio)


_counted: WeakSet[Engine] = WeakSet()
_exchanges: set[str] = set()


def _seen(now: set[str]) -> set[str]:
    """Also those that had orders before: theirs go back to zero."""
    _exchanges.update(now)
    return _exchanges
