"""What a scrape says of the store: bots, orders in doubt, candles, connections."""

import json
import time
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from autogrid.exchange.ccxt_link import weight_budget
from autogrid.exchange.limiter import Charge, MemoryLimiter
from autogrid.store import embedded_valkey, health
from autogrid.store.engine import libpq_url
from services.common import metrics, watches

BOT = """INSERT INTO bot (account_id, name, tag, exchange, symbol, market, grid, slippage_ticks, code_hash, limits,
    wish, status, next_tick_at, notes)
    VALUES (:account, 'b', 'Aa', :exchange, 'BTC/USDT', '{}', '{}', 0, '', '{}', :wish, :status, now(), :notes)
    RETURNING id"""
ORDER = """INSERT INTO bot_order (bot_id, kind, cell, cycle, attempt, side, price, lots, client_id, status, sent_at,
    updated_at) VALUES (:bot, 1, :cell, 0, 0, 1, 1, 1, :name, :status, now() - make_interval(secs => :age),
    now() - make_interval(secs => :age))"""


class World:
    """Rows as the engine writes them."""

    def __init__(self, connection: sa.Connection) -> None:
        self.connection, self.orders = connection, 0

    def account(self, exchange: str, blocked: str | None = None) -> int:
        text = "INSERT INTO account (name, exchange, blocked_reason) VALUES (:name, :exchange, :blocked) RETURNING id"
        values = {"name": f"{exchange} {blocked}", "exchange": exchange, "blocked": blocked}
        return int(self.connection.scalar(sa.text(text), values))

    def bot(self, account: int, status: str = "running", wish: str = "run", notes: int = 0) -> int:
        values = {"account": account, "status": status, "wish": wish, "exchange": "binance"}
        return int(self.connection.scalar(sa.text(BOT), values | {"notes": json.dumps([[1, i] for i in range(notes)])}))

    def order(self, bot: int, status: str, age_s: float) -> None:
        self.orders += 1
        values = {"bot": bot, "cell": self.orders, "name": f"o{self.orders}", "status": status, "age": age_s}
        self.connection.execute(sa.text(ORDER), values)


@pytest.fixture(autouse=True)
def _no_checks() -> Iterator[None]:
    metrics._scrape._watches.clear()
    yield
    metrics._scrape._watches.clear()


def value(name: str, **labels: str) -> float | None:
    """A metric after a scrape."""
    from prometheus_client import REGISTRY

    return REGISTRY.get_sample_value(name, labels)


def test_a_scrape_tells_the_state_of_the_system(store: sa.Engine) -> None:
    began = time.monotonic()
    with store.begin() as connection:
        world = World(connection)
        binance, blocked, paper = world.account("binance"), world.account("okx", "key revoked"), world.account("paper")
        first = world.bot(binance, notes=2)
        for status, wish in (("halted", "run"), ("halted", "kill"), ("running", "kill"), ("paused", "pause")):
            world.bot(binance, status, wish, notes=5)
        world.bot(blocked)
        world.bot(paper)
        for status, age_s in (
            ("sent", 3),
            ("sent", 100),
            ("open", 500),
            ("done", 500),
            ("planned", 1),
            ("planned", 60),
        ):
            world.order(first, status, age_s)
        for day, bps in (("2026-01-01", 50), ("2026-01-02", -12.5)):
            values = {"bot": first, "day": day, "bps": bps}
            connection.execute(sa.text("INSERT INTO twin VALUES (:bot, :day, '{}', :bps)"), values)
        market = connection.scalar(
            sa.text("INSERT INTO market (exchange, symbol) VALUES ('binance', 'BTC/USDT') RETURNING id")
        )
        for end in ("1 day", "100 seconds"):
            age = "now() - CAST(:e AS interval)"
            span = f"INSERT INTO coverage VALUES (:m, 60, {age} - interval '2 days', {age}, 1, '')"
            connection.execute(sa.text(span), {"m": market, "e": end})

    limiter = MemoryLimiter(lambda: 1_700_000_000.0)
    budget = weight_budget("binance", "", "default")
    limiter.take([Charge(budget, budget.limit / 4)], 1.0)
    watches.database(libpq_url(), facts=True, limiter=limiter)
    metrics.render()
    #: Of what was a hundred seconds old when this began.
    old = pytest.approx(100 + (time.monotonic() - began) / 2, abs=1 + (time.monotonic() - began) / 2)

    assert value("autogrid_dependency_up", dependency="database") == 1
    bots = {
        ("running", "live"): 1, ("halted", "live"): 1, ("killed", "live"): 1, ("killing", "live"): 1,
        ("paused", "live"): 1, ("error", "live"): 1, ("running", "paper"): 1, ("halted", "paper"): 0,
    }  # fmt: skip
    assert {key: value("autogrid_bots", state=key[0], mode=key[1]) for key in bots} == bots
    assert value("autogrid_missing_orders", exchange="binance") == 3  # two reasons noted, one planned and left behind
    assert value("autogrid_unknown_orders", exchange="binance") == 2
    assert value("autogrid_unknown_orders_overdue", exchange="binance") == 1
    assert value("autogrid_unknown_order_age_seconds", exchange="binance") == old
    assert value("autogrid_streams_wanted", exchange="binance") == 1
    assert value("autogrid_streams_wanted", exchange="okx") == 0  # blocked: nobody listens
    assert value("autogrid_twin_divergence_bps", mode="live") == 12.5
    assert value("autogrid_candle_lag_seconds", exchange="binance", timeframe="1m") == old
    assert value("autogrid_rate_budget_left_ratio", exchange="binance", budget="weight") == 0.75
    assert (value("autogrid_database_server_connections", state="active") or 0) >= 1
    assert (value("autogrid_database_server_connections_max") or 0) >= 20
    assert (value("autogrid_database_size_bytes") or 0) > 1e6

    with store.begin() as connection:
        connection.execute(sa.text("UPDATE bot_order SET status = 'done'"))
        connection.execute(sa.text("UPDATE bot SET notes = '[]'"))
    metrics.render()
    assert value("autogrid_missing_orders", exchange="binance") == 0
    assert value("autogrid_unknown_orders", exchange="binance") == 0


def test_a_database_that_is_away_is_down(store: sa.Engine) -> None:
    watches.database("postgresql://nobody@127.0.0.1:1/none")
    metrics.render()
    assert value("autogrid_dependency_up", dependency="database") == 0


def test_a_slow_query_does_not_hold_the_scrape(store: sa.Engine) -> None:
    with pytest.raises(sa.exc.OperationalError, match="statement timeout"), health.visit(libpq_url()) as connection:
        connection.execute(sa.text("SELECT pg_sleep(300)"))


def test_redis_and_its_queues(home: object) -> None:
    import redis

    url = embedded_valkey.redis_url()
    with redis.Redis.from_url(url) as client:
        client.rpush("reports", "a", "b")
        watches.redis(url, ("reports", "live"))
        metrics.render()
        assert value("autogrid_dependency_up", dependency="redis") == 1
        assert value("autogrid_queue_depth", queue="reports") == 2
        assert value("autogrid_queue_depth", queue="live") == 0
    embedded_valkey.close()
    metrics.render()
    assert value("autogrid_dependency_up", dependency="redis") == 0


def test_connections_of_the_pool(store: sa.Engine) -> None:
    watches.pool(store)
    watches.pool(store)
    with store.connect():
        assert value("autogrid_database_pool_connections", state="in_use") == 1
        with store.connect():
            assert value("autogrid_database_pool_connections", state="in_use") == 2
    assert value("autogrid_database_pool_connections", state="in_use") == 0
    assert (value("autogrid_database_pool_connections", state="idle") or 0) >= 2
