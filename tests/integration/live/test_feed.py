"""Markets that bots watch are kept up to date, and strategies get the history they decide on, a few pages at a time."""

from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa

from autogrid.core.decision import UNDECIDED
from autogrid.data.fetch import fetch
from autogrid.errors import Unavailable
from autogrid.live import feed as feeds
from autogrid.live.feed import feed
from autogrid.store import accounts, bots, coverage, ticking
from autogrid.store.coverage import Series
from tests.integration.store.fake_exchange import MINUTE, T0, FakeExchange
from tests.integration.store.live_rows import GRID_110, MARKET

SYMBOL = "BTC/USDT"


class Venue:
    """Stands for PublicMarket: every market is the same formula."""

    def __init__(self, minutes: int = 200, first: int = 0, holes: frozenset[int] = frozenset()) -> None:
        self.exchange = FakeExchange(minutes, frozenset(range(first)) | holes)
        self.made: list[tuple[str, str, str]] = []

    def __call__(self, connection: Any, symbol: str) -> "Venue":
        self.made.append((connection.exchange, symbol, connection.base_url))
        return self

    @property
    def client(self) -> FakeExchange:
        return self.exchange

    def newest(self, limit: int) -> list[list[float]]:
        if self.exchange.minutes < 0:
            raise Unavailable("fake: expected candles, found none")
        return self.exchange.fetch_ohlcv(SYMBOL, "1m", T0 + (self.exchange.minutes - limit) * MINUTE, limit)


@pytest.fixture
def venue(monkeypatch: pytest.MonkeyPatch) -> Venue:
    made = Venue()
    monkeypatch.setattr(feeds, "PublicMarket", made)
    for name, value in (("FIRST", 5), ("PAGE", 10), ("PAGES", 2), ("_rests", {})):
        monkeypatch.setattr(feeds, name, value)
    return made


def make(store: sa.Engine, exchange: str = accounts.PAPER, every: str | None = None, **changes: Any) -> int:
    strategy = {} if every is None else {"strategy": "recentre", "params": {"width": "0.1", "cells": 4, "every": every}}
    with store.begin() as connection:
        name = f"{exchange} {every} {changes}"
        account = accounts.add(connection, name=name, exchange=exchange)
        new = {
            "name": "p", "account_id": account, "symbol": SYMBOL, "market": MARKET, "code_hash": "c0de",
            "grid": UNDECIDED if every else GRID_110, "exchange": "fake", "cash": Decimal(1000), **strategy,
        }  # fmt: skip
        return bots.create(connection, bots.NewBot(**new | changes))


def covered(store: sa.Engine, symbol: str = SYMBOL) -> list[tuple[int, int]]:
    with store.connect() as connection:
        found = coverage.spans(connection, Series("fake", symbol, 60))
    return [((span.start - T0) // MINUTE, (span.end - T0) // MINUTE) for span in found]


def test_only_paper_bots_and_strategies_have_their_markets_fetched(store: sa.Engine, venue: Venue) -> None:
    make(store, "binance", symbol="LIVE/USDT")
    make(store, symbol="PAPER/USDT")
    make(store, "binance", "15m", symbol="DECIDES/USDT")
    ended = make(store, "binance", "15m", symbol="ENDED/USDT")
    with store.begin() as connection:
        connection.execute(sa.text("UPDATE bot SET next_tick_at = NULL WHERE id = :b"), {"b": ended})
    assert [(each.symbol, each.strategies, each.walked) for each in ticking.watched_markets(store)] == [
        ("DECIDES/USDT", [("recentre", {"width": "0.1", "cells": 4, "every": "15m"})], False),
        ("PAPER/USDT", [], True),
    ]
    lags, errors = feed(store)
    assert (list(lags), errors) == (["fake"], [])
    assert covered(store, "PAPER/USDT") == [(195, 199)]
    assert covered(store, "LIVE/USDT") == covered(store, "ENDED/USDT") == []
    assert covered(store, "DECIDES/USDT")[-1][1] == 199


def test_history_comes_a_few_pages_a_round_until_the_lookback_is_there(store: sa.Engine, venue: Venue) -> None:
    make(store, every="15m")
    make(store, every="30m")  # (1 + 2) x 30 minutes are wanted for it
    seen = []
    for _ in range(6):
        feed(store)
        seen.append(covered(store)[0][0])
    assert seen == [175, 155, 135, 115, 109, 109]
    assert covered(store) == [(109, 199)]
    asked = len(venue.exchange.calls)
    venue.exchange.minutes += 1
    feed(store)
    assert covered(store) == [(109, 200)]
    # The newest ones, and the page with the one that has closed: nothing of the past is asked for again.
    assert len(venue.exchange.calls) - asked == 2


def test_old_candles_are_followed_for_bots_that_walk_them_and_passed_over_for_others(
    store: sa.Engine, venue: Venue
) -> None:
    for symbol in ("WALKED/USDT", "LIVE/USDT", "DEAD/USDT"):
        fetch(FakeExchange(40), "fake", symbol, "1m", T0, T0 + 30 * MINUTE, limit=10)
    make(store, symbol="WALKED/USDT")
    make(store, "binance", "15m", symbol="LIVE/USDT")
    feed(store)
    assert covered(store, "WALKED/USDT") == [(0, 50)]
    assert covered(store, "LIVE/USDT") == [(0, 30), (175, 199)]
    for _ in range(10):
        feed(store)
    assert covered(store, "WALKED/USDT") == [(0, 199)]
    assert covered(store, "LIVE/USDT") == [(0, 30), (154, 199)]
    # For hours nothing traded: more than a round's pages have no candle.
    venue.exchange.holes = frozenset(range(30, 160))
    make(store, symbol="DEAD/USDT")
    feed(store)
    assert covered(store, "DEAD/USDT") == [(0, 199)]


def test_minutes_without_trades_do_not_keep_history_from_being_complete(store: sa.Engine, venue: Venue) -> None:
    holes = frozenset({139, 140, 153, 154, 155, 156, 174, 175, 194})
    venue.exchange.holes = holes
    make(store, every="15m")
    for _ in range(6):
        feed(store)
    first, last = covered(store)[0]
    assert (len(covered(store)), last) == (1, 199)
    assert first <= 199 - 15 - 15
    with store.connect() as connection:
        gaps = coverage.gaps(connection, Series("fake", SYMBOL, 60))
    told = {i for each in gaps for i in range((each.start - T0) // MINUTE, (each.end - T0) // MINUTE)}
    assert told == {each for each in holes if each >= first}


def test_an_exchange_is_not_asked_all_the_time_for_what_it_does_not_have(
    store: sa.Engine, venue: Venue, monkeypatch: pytest.MonkeyPatch
) -> None:
    venue.exchange.holes = frozenset(range(180))
    make(store, every="15m")
    for _ in range(3):
        feed(store)
    assert covered(store) == [(180, 199)]
    asked = len(venue.exchange.calls)
    feed(store)
    assert len(venue.exchange.calls) == asked + 1
    monkeypatch.setattr(feeds, "_rests", {})
    feed(store)
    assert len(venue.exchange.calls) > asked + 2


def test_what_fails_keeps_no_other_market_waiting(store: sa.Engine, venue: Venue) -> None:
    make(store, every="15m", symbol="A/USDT", strategy="gone")
    make(store, every="7m", symbol="B/USDT", params={"nothing": "fits"})
    make(store, every="15m", symbol="C/USDT")
    _, errors = feed(store)
    assert [str(error)[:24] for error in errors] == ["[strategy] has no strate", "[strategy.params] has no"]
    assert [covered(store, f"{name}/USDT")[-1][1] for name in "ABC"] == [199] * 3
    assert covered(store, "C/USDT") == [(175, 199)]
    venue.exchange.minutes = -1
    lags, errors = feed(store)
    assert len(errors) == 3
    assert list(lags) == ["fake"]
