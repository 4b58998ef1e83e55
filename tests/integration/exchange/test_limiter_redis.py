"""The shared limiter on a real Valkey decides exactly as the one in memory, and for all processes at once."""

import threading
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from autogrid.errors import RetryLater
from autogrid.exchange.limiter import CANCEL, DATA, Budget, Charge, Limiter, MemoryLimiter
from autogrid.exchange.limiter_redis import RedisLimiter
from autogrid.exchange.open import open_limiter
from autogrid.settings import settings
from autogrid.store import embedded_valkey


@pytest.fixture(scope="module")
def valkey(home: Path) -> Iterator[redis.Redis]:
    settings.cache_clear()
    client = redis.Redis.from_url(embedded_valkey.redis_url())
    yield client
    client.close()
    embedded_valkey.close()


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.integers(1, 60), st.sampled_from([CANCEL, DATA])),
        st.tuples(st.just("sleep"), st.integers(0, 9000), st.just(0.0)),
        st.tuples(st.just("ban"), st.integers(1, 8), st.just(0.0)),
        st.tuples(st.just("observe"), st.integers(1, 120), st.just(0.0)),
    ),
    max_size=40,
)


def outcome(limiter: Limiter, charges: list[Charge], share: float) -> tuple[float, bool] | None:
    try:
        limiter.take(charges, share)
    except RetryLater as error:
        return round(error.after_s, 2), error.banned
    return None


@examples(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_both_limiters_decide_alike(valkey: redis.Redis, steps: list[tuple[str, int, float]]) -> None:
    clock, run = Clock(), uuid.uuid4().hex
    weight, orders = Budget(f"w{run}", 100, 10), Budget(f"o{run}", 10, 1)
    memory, shared = MemoryLimiter(clock), RedisLimiter(valkey, clock)
    for act, number, share in steps:
        if act == "take":
            charges = [Charge(weight, number), Charge(orders)]
            one, other = outcome(memory, charges, share), outcome(shared, charges, share)
            assert (one is None) == (other is None)
            if one is not None and other is not None:
                assert one[1] == other[1]
                assert one[0] == pytest.approx(other[0], abs=0.02)
        elif act == "sleep":
            clock.now += number / 1000
        elif act == "ban":
            memory.ban(weight.key, number)
            shared.ban(weight.key, number)
        else:
            memory.observe(weight, number)
            shared.observe(weight, number)
        assert memory.left(weight) == pytest.approx(shared.left(weight), abs=0.01)


def test_threads_share_one_budget(valkey: redis.Redis) -> None:
    budget = Budget(uuid.uuid4().hex, 50, 3600)
    taken: list[int] = []

    def work() -> None:
        limiter = open_limiter(embedded_valkey.redis_url())
        for number in range(40):
            if outcome(limiter, [Charge(budget)], CANCEL) is None:
                taken.append(number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 50


def test_keys_go_away_by_themselves(valkey: redis.Redis) -> None:
    budget = Budget(uuid.uuid4().hex, 50, 10)
    limiter = RedisLimiter(valkey, Clock())
    limiter.take([Charge(budget)], CANCEL)
    began = time.monotonic()
    limiter.ban(budget.key, 60)
    left = valkey.pttl(f"autogrid:limit:{budget.key}")
    assert 61_000 - (time.monotonic() - began) * 1000 - 10 < left <= 61_000
    assert outcome(limiter, [Charge(budget)], CANCEL) == (pytest.approx(60, abs=0.01), True)


def test_without_the_server_the_process_counts_alone() -> None:
    limiter = open_limiter("redis://127.0.0.1:1")
    budget = Budget("alone", 3, 3600)
    assert [outcome(limiter, [Charge(budget)], CANCEL) is None for _ in range(5)] == [True] * 3 + [False] * 2
    assert limiter.left(budget) == 0
    limiter.ban(budget.key, 5)
    limiter.observe(budget, 1)
