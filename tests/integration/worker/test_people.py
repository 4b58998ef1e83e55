"""From what happens to bots to messages that arrive at a real webhook."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
import sqlalchemy as sa

from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.errors import InvalidInput
from autogrid.store import accounts, bots, secrets, targets, users
from autogrid.store.bots import NewBot
from services.common import messenger, metrics, news
from services.worker import people

MARKET = Market("0.01", "0.001", "1", "0.001", "0.001")
GRID = Grid(lower="90", upper="110", cells=4, amount="1")
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)


class Hook:
    """A webhook that keeps what it is sent; `status` is what it answers."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 200
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                hook.got.append(json.loads(body))
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"json://127.0.0.1:{self.server.server_port}/hook?token=geheim"


@pytest.fixture
def hook() -> Iterator[Hook]:
    made = Hook()
    thread = threading.Thread(target=made.server.serve_forever)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def _owner(store: sa.Engine, hook: Hook, kinds: list[str], **rest: Any) -> int:
    with store.begin() as connection:
        connection.execute(sa.text("TRUNCATE marker"))
        owner = int(users.add(connection, "ada@example.org", "no password", "trader")["id"])
        targets.add(connection, owner, {"name": "hook", "url": secrets.seal_text(hook.url), "kinds": kinds, **rest})
    return owner


def _bot(store: sa.Engine, owner: int) -> int:
    with store.begin() as connection:
        account = accounts.add(connection, name="a", exchange="paper", owner_id=owner)
        return bots.create(
            connection,
            NewBot(
                name="b", account_id=account, symbol="BTC/USDT", market=MARKET, grid=GRID, code_hash="c" * 64,
                exchange="binance", owner_id=owner,
            ),
        )  # fmt: skip


def _event(store: sa.Engine, bot_id: int, level: str, name: str, data: dict[str, Any], at: datetime) -> None:
    with store.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO bot_event (bot_id, ts, level, name, data) VALUES (:b, :t, :l, :n, :d)").bindparams(
                sa.bindparam("d", type_=sa.JSON)
            ),
            {"b": bot_id, "t": at, "l": level, "n": name, "d": data},
        )


def _outcomes(store: sa.Engine, owner: int) -> list[str]:
    with store.begin() as connection:
        return [row["outcome"] for row in targets.told(connection, owner)][::-1]


def test_halts_kills_and_stops_are_told_once_and_the_rest_is_not(store: sa.Engine, hook: Hook) -> None:
    owner = _owner(store, hook, ["bot_halted", "bot_killed", "stop_hit"])
    bot = _bot(store, owner)
    people.read_events(store, NOW)  # begins here
    at = NOW - timedelta(seconds=10)
    _event(store, bot, "info", "bot_status", {"status": "running"}, at)
    _event(store, bot, "critical", "bot_halted", {"reason": "lost too much"}, at)
    _event(store, bot, "critical", "bot_halted", {"reason": "again"}, at)
    _event(store, bot, "warning", "stop_reached", {"stop": "stop_loss"}, at)
    _event(store, bot, "warning", "wish_changed", {"wish": "kill", "reason": "panic"}, at)
    _event(store, bot, "info", "wish_changed", {"wish": "run"}, at)
    _event(store, bot, "critical", "bot_halted", {"reason": "too young to be read"}, NOW)
    assert people.read_events(store, NOW) == 6
    assert people.read_events(store, NOW) == 0
    assert news.tell_all(store, NOW) == 3
    assert news.tell_all(store, NOW) == 0
    assert [got["title"] for got in hook.got] == [
        f"b (bot {bot}): halted", f"b (bot {bot}): stop reached", f"b (bot {bot}): killed",
    ]  # fmt: skip
    assert [got["message"].strip() for got in hook.got] == ["lost too much", "stop loss", "panic"]
    assert _outcomes(store, owner) == ["sent", "repeated", "sent", "sent"]


def test_a_strategy_that_ends_its_bot_is_told_as_a_stop(store: sa.Engine, hook: Hook) -> None:
    owner = _owner(store, hook, ["stop_hit"])
    bot = _bot(store, owner)
    people.read_events(store, NOW)  # begins here
    at = NOW - timedelta(seconds=10)
    _event(store, bot, "info", "grid_changed", {"lower": "90", "upper": "110", "cells": 4, "price": "100"}, at)
    _event(store, bot, "warning", "decision_refused", {"reason": "too small"}, at)
    _event(store, bot, "warning", "strategy_stopped", {"price": "101.5"}, at)
    people.read_events(store, NOW)
    assert news.tell_all(store, NOW) == 1
    assert [(got["title"], got["message"].strip()) for got in hook.got] == [
        (f"b (bot {bot}): strategy stopped", "Its strategy ended it at 101.5.")
    ]


def test_quiet_hours_hold_back_what_is_not_urgent(store: sa.Engine, hook: Hook) -> None:
    quiet = {"quiet_start": time(11), "quiet_end": time(13), "time_zone": "UTC"}
    owner = _owner(store, hook, ["bot_halted", "stop_hit"], **quiet)
    with store.begin() as connection:
        news.publish(connection, owner, news.News("stop_hit", "s:1", "stop", "hit"), NOW)
        news.publish(connection, owner, news.News("bot_halted", "h:1", "halt", "now"), NOW)
    assert news.tell_all(store, NOW) == 1
    assert [got["title"] for got in hook.got] == ["halt"]
    assert _outcomes(store, owner) == ["quiet", "sent"]
    assert news.tell_all(store, NOW + timedelta(hours=1)) == 1
    assert _outcomes(store, owner) == ["sent", "sent"]


@pytest.mark.parametrize(
    ("start", "end", "hour", "expected"),
    [
        (time(22), time(7), 23, True),
        (time(22), time(7), 6, True),
        (time(22), time(7), 7, False),
        (time(22), time(7), 12, False),
        (time(9), time(17), 9, True),
        (time(9), time(17), 17, False),
        (time(9), time(9), 9, False),
        (None, None, 3, False),
    ],
)
def test_quiet_hours_may_pass_midnight(start: time | None, end: time | None, hour: int, expected: bool) -> None:
    now = datetime(2026, 5, 4, hour, tzinfo=UTC)
    assert news.is_quiet(start, end, "UTC", now) is expected
    # The same moment in a zone eight hours ahead: the clock on the wall counts.
    assert news.is_quiet(start, end, "Asia/Shanghai", now - timedelta(hours=8)) is expected


def test_a_service_that_refuses_is_tried_three_times(store: sa.Engine, hook: Hook) -> None:
    owner = _owner(store, hook, ["stop_hit"])
    hook.status = 500
    with store.begin() as connection:
        news.publish(connection, owner, news.News("stop_hit", "s:1", "stop", "hit"), NOW)
    for expected in ("pending", "pending", "failed"):
        assert news.tell_all(store, NOW) == 0
        assert _outcomes(store, owner) == [expected]
    assert news.tell_all(store, NOW) == 0
    assert len(hook.got) == 3
    assert "geheim" not in str(messenger.send(hook.url, "t", "b"))


def test_news_without_a_target_is_kept_for_the_page(store: sa.Engine, hook: Hook) -> None:
    owner = _owner(store, hook, ["digest"])
    with store.begin() as connection:
        news.publish(connection, owner, news.News("stop_hit", "s:1", "stop", "hit"), NOW)
    assert _outcomes(store, owner) == ["no_target"]


def test_the_digest_comes_once_a_day_by_the_users_clock(store: sa.Engine, hook: Hook) -> None:
    owner = _owner(store, hook, ["digest"])
    bot = _bot(store, owner)
    _event(store, bot, "warning", "stop_reached", {}, NOW - timedelta(hours=2))
    with store.begin() as connection:
        users.update(connection, owner, time_zone="America/New_York")
    six = datetime(2026, 5, 4, 10, tzinfo=UTC)  # 6:00 in New York
    assert people.send_digests(store, six) == 0
    assert people.send_digests(store, NOW) == 1  # 8:00
    assert people.send_digests(store, NOW + timedelta(hours=3)) == 0
    assert people.send_digests(store, NOW + timedelta(days=1)) == 1
    counted = metrics.DIGESTS.labels("sent")._value.get()
    assert news.tell_all(store, NOW + timedelta(days=1)) == 2
    assert metrics.DIGESTS.labels("sent")._value.get() == counted + 2
    assert hook.got[0]["message"].startswith("1 bot, 0 fills, 1 incident in 24 hours.\nb (BTC/USDT, waiting): 0 fills")


def test_missing_orders_are_told(store: sa.Engine, hook: Hook) -> None:
    owner = _owner(store, hook, ["missing_orders"])
    bot = _bot(store, owner)
    note = [[1, 2, "insufficient funds", 0, people.TRIES]]
    with store.begin() as connection:
        query = sa.text("UPDATE bot SET status = 'running', notes = :n WHERE id = :id")
        connection.execute(query.bindparams(sa.bindparam("n", type_=sa.JSON)), {"n": note, "id": bot})
    people.look_for_missing(store, NOW)
    people.look_for_missing(store, NOW)  # not within the minute
    people.look_for_missing(store, NOW + timedelta(minutes=2))
    assert news.tell_all(store, NOW) == 1
    assert "insufficient funds" in hook.got[0]["message"]
    assert _outcomes(store, owner) == ["sent", "repeated"]


def test_services_are_targets() -> None:
    messenger.check("mailto://user:pass@example.org")
    messenger.check("tgram://123456789:abcdefg_hijklmnop/12315544/")
    messenger.check("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#grid")
    with pytest.raises(InvalidInput, match="expected all that apprise needs"):
        messenger.check("slack://x")
