"""Fetching page by page from a fake exchange: resuming, holes, retries, a real kill."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from autogrid.data.fetch import fetch
from autogrid.data.load import load_candles
from autogrid.data.sources import ccxt_source
from autogrid.errors import InvalidInput, Unavailable
from autogrid.store import coverage
from tests.integration.store import fake_exchange as fake

SCRIPT = Path(fake.__file__)
T0, MINUTE = fake.T0, fake.MINUTE
SERIES = coverage.Series("fake", "BTC/USDT", 60)


def run(exchange: Any, since: int, until: int, **options: Any) -> Any:
    times = (T0 + since * MINUTE, T0 + until * MINUTE)
    return fetch(exchange, "fake", "BTC/USDT", "1m", *times, limit=10, **options)


def gaps(store: sa.Engine) -> list[tuple[int, int, str]]:
    with store.connect() as connection:
        found = coverage.gaps(connection, SERIES)
    return [((g.start - T0) // MINUTE, (g.end - T0) // MINUTE, g.reason) for g in found]


def test_pages_follow_and_a_second_run_fetches_nothing(store: sa.Engine) -> None:
    exchange = fake.FakeExchange()
    seen: list[int] = []
    done = run(exchange, 0, 100, progress=lambda at, stop: seen.append((at - T0) // MINUTE))
    assert (done.pages, done.inserted) == (10, 100)
    assert seen == list(range(10, 101, 10))
    assert run(exchange, 0, 100).pages == 0
    assert len(load_candles("fake", "BTC/USDT", "1m")) == 100


def test_only_what_is_missing_is_asked_for(store: sa.Engine) -> None:
    run(fake.FakeExchange(), 30, 50)
    exchange = fake.FakeExchange()
    assert run(exchange, 20, 60).inserted == 20
    assert exchange.calls == [20, 50]


@pytest.mark.parametrize("windowed", [False, True])
def test_holes_become_gaps_with_the_reason(store: sa.Engine, windowed: bool) -> None:
    exchange = fake.FakeExchange(holes=frozenset(range(25, 60)), windowed=windowed)
    assert run(exchange, 0, 100, gap_reason="exchange_omits_empty").inserted == 65
    assert gaps(store) == [(25, 60, "exchange_omits_empty")]


def test_before_the_first_candle_is_no_gap_and_a_closed_hole_is_one(store: sa.Engine) -> None:
    exchange = fake.FakeExchange(holes=frozenset(range(0, 15)))
    assert run(exchange, -500, 20).inserted == 5
    assert gaps(store) == []
    run(fake.FakeExchange(), 40, 60)
    run(fake.FakeExchange(holes=frozenset(range(20, 40))), 15, 60)
    assert gaps(store) == [(20, 40, "missing")]


def test_network_trouble_is_retried_then_unavailable(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from ccxt.base import errors

    exchange = fake.FakeExchange()
    exchange.failures = [errors.NetworkError("reset"), errors.RateLimitExceeded("slow down")]
    page = ccxt_source.fetch_page(exchange, "BTC/USDT", "1m", T0, 10, wait=0.0)
    assert len(page) == 10
    exchange.failures = [errors.NetworkError("reset")] * 3
    with pytest.raises(Unavailable, match="after 3 attempts: reset"):
        ccxt_source.fetch_page(exchange, "BTC/USDT", "1m", T0, 10, attempts=3, wait=0.0)
    exchange.failures = [errors.BadSymbol("no X/Y")]
    with pytest.raises(InvalidInput, match="expected a symbol"):
        ccxt_source.fetch_page(exchange, "X/Y", "1m", T0, 10)
    exchange.failures = [errors.ExchangeError("closed")]
    with pytest.raises(Unavailable, match="closed"):
        ccxt_source.fetch_page(exchange, "X/Y", "1m", T0, 10)


def test_a_killed_fetch_goes_on_where_it_stopped(store: sa.Engine, home: Path) -> None:
    env = {**os.environ, "AUTOGRID_HOME": str(home)}
    killed = subprocess.run([sys.executable, str(SCRIPT), "4"], env=env, timeout=120, check=False)
    assert killed.returncode == -signal.SIGKILL
    with store.connect() as connection:
        assert [s.candles for s in coverage.spans(connection, SERIES)] == [40]
    exchange = fake.FakeExchange()
    assert run(exchange, 0, 100).inserted == 60
    assert exchange.calls[0] == 40
    assert len(load_candles("fake", "BTC/USDT", "1m")) == 100


def test_unknown_exchanges_and_times_are_refused(store: sa.Engine) -> None:
    for name in ("no_such", "nosuchexchange", "../x"):
        with pytest.raises(InvalidInput, match="expected a ccxt id"):
            ccxt_source.open_exchange(name, "1m")
    with pytest.raises(InvalidInput, match="expected one of the timeframes"):
        ccxt_source.open_exchange("binance", "7m")
    assert ccxt_source.open_exchange("binance", "1m").id == "binance"
    with pytest.raises(InvalidInput, match="expected --since before"):
        run(fake.FakeExchange(), 10, 10)
