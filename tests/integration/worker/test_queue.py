"""The live queue on a real Valkey: wakes before polls, each bot once, and no wake lost to a tick under way."""

from collections.abc import Iterator
from typing import Any

import pytest
import redis
import sqlalchemy as sa

from autogrid.live.run import Turn
from autogrid.live.tick import Report
from autogrid.store import embedded_valkey
from services.worker import process, tasks
from services.worker.app import make
from services.worker.tasks import AGAIN, POLL, WAKE, send_tick

POLLS = f"live\x06\x16{POLL}"


@pytest.fixture
def valkey(store: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(embedded_valkey.redis_url()) as client:
        client.flushall()
        app = make(embedded_valkey.broker_url())
        monkeypatch.setattr(tasks, "app", app)
        monkeypatch.setattr(process._local, "client", client, raising=False)
        yield client
        app.close()


def test_a_bot_waits_in_the_queue_once_and_wakes_have_their_own_lane(valkey: redis.Redis) -> None:
    send_tick([1, 2, 3], POLL)
    send_tick([2, 3, 4], POLL)
    assert valkey.llen(POLLS) == 4
    send_tick([2], WAKE)
    send_tick([2], WAKE)
    assert valkey.llen("live") == 1
    first, _ = valkey.brpop(["live", POLLS], 1)
    assert first == b"live"


def test_a_tick_that_starts_makes_room_for_the_next_wake(valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    def during(bot_id: int) -> Turn:
        send_tick([bot_id], WAKE)  # what happens while it looks is not covered by this look
        return Turn(Report(bot_id))

    send_tick([7], WAKE)
    monkeypatch.setattr(tasks, "turn", during)
    tasks.tick.run(bot_id=7)
    assert valkey.llen("live") == 2


class Turns:
    """A runner whose answers are given; counts its turns."""

    def __init__(self, *skipped: str | None, during: Any = None) -> None:
        self.answers, self.count = list(skipped), 0
        self.during = during

    def __call__(self, bot_id: int) -> Turn:
        if self.during is not None and self.count == 0:
            self.during()
        self.count += 1
        return Turn(Report(bot_id, skipped=self.answers.pop(0)))


def test_a_tick_that_finds_its_bot_locked_has_the_other_one_look_again(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut_out = Turns("locked", "locked")

    def meanwhile() -> None:
        monkeypatch.setattr(tasks, "turn", shut_out)
        tasks.tick.run(bot_id=7)
        monkeypatch.setattr(tasks, "turn", holder)

    holder = Turns(None, None, during=meanwhile)
    monkeypatch.setattr(tasks, "turn", holder)
    tasks.tick.run(bot_id=7)
    assert shut_out.count == 2  # it tried once more after it had left word
    assert holder.count == 2  # and the one with the lock looked once more
    assert not valkey.exists(f"{AGAIN}7")


def test_a_tick_that_finds_the_lock_free_at_its_second_try_does_the_work(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    late = Turns("locked", None)
    monkeypatch.setattr(tasks, "turn", late)
    tasks.tick.run(bot_id=8)
    assert late.count == 2
    assert not valkey.exists(f"{AGAIN}8")
