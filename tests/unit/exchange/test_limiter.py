"""Budgets: never exceeded, given back in time, shared by priority."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.errors import RetryLater
from autogrid.exchange.limiter import CANCEL, DATA, PLACE, PROTECT, Budget, Charge, MemoryLimiter

WEIGHT = Budget("weight", 100, 10)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def refused(limiter: MemoryLimiter, cost: float, share: float = CANCEL, budget: Budget = WEIGHT) -> RetryLater:
    with pytest.raises(RetryLater) as caught:
        limiter.take([Charge(budget, cost)], share)
    return caught.value


def test_a_used_up_budget_says_when_to_come_back() -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    limiter.take([Charge(WEIGHT, 100)], CANCEL)
    assert limiter.left(WEIGHT) == 0
    error = refused(limiter, 10)
    assert not error.banned
    assert error.after_s == pytest.approx(11, abs=0.01)
    clock.now += error.after_s
    limiter.take([Charge(WEIGHT, 10)], CANCEL)
    assert limiter.left(WEIGHT) == pytest.approx(0, abs=0.1)


def test_priorities_keep_a_reserve() -> None:
    limiter = MemoryLimiter(Clock())
    limiter.take([Charge(WEIGHT, 70)], DATA)
    refused(limiter, 1, DATA)
    limiter.take([Charge(WEIGHT, 15)], PLACE)
    refused(limiter, 1, PLACE)
    limiter.take([Charge(WEIGHT, 10)], PROTECT)
    refused(limiter, 1, PROTECT)
    limiter.take([Charge(WEIGHT, 5)], CANCEL)
    refused(limiter, 1, CANCEL)


def test_all_or_nothing() -> None:
    limiter = MemoryLimiter(Clock())
    orders = Budget("orders", 1, 10)
    limiter.take([Charge(WEIGHT), Charge(orders)], CANCEL)
    with pytest.raises(RetryLater):
        limiter.take([Charge(WEIGHT), Charge(orders)], CANCEL)
    assert limiter.left(WEIGHT) == 99


def test_bans_hold_until_they_end_and_never_shrink() -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    limiter.ban("weight", 30)
    limiter.ban("weight", 5)
    error = refused(limiter, 1)
    assert (error.after_s, error.banned) == (pytest.approx(30, abs=0.01), True)
    assert limiter.left(WEIGHT) == 0
    clock.now += 30.002
    limiter.take([Charge(WEIGHT)], DATA)


def test_what_the_exchange_counts_is_believed() -> None:
    limiter = MemoryLimiter(Clock())
    limiter.observe(WEIGHT, 95)
    limiter.observe(WEIGHT, 10)
    assert limiter.left(WEIGHT) == 5


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 7), st.integers(1, 60)), min_size=1, max_size=60))
def test_no_fixed_window_is_ever_exceeded_and_waiting_helps(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    limiter = MemoryLimiter(clock)
    used: dict[int, float] = {}
    waits = [1.0]
    for pause, cost in steps:
        clock.now += pause
        try:
            limiter.take([Charge(WEIGHT, cost)], CANCEL)
        except RetryLater as error:
            waits.append(error.after_s)
            clock.now += error.after_s
            limiter.take([Charge(WEIGHT, cost)], CANCEL)
        window = int(clock.now // WEIGHT.period_s)
        used[window] = used.get(window, 0) + cost
    assert max(used.values()) <= WEIGHT.limit
    assert 0 < min(waits) <= max(waits) <= 20.01
