"""Prices of market orders are checked against a close of known age; without one that is said, once."""

from decimal import Decimal

import pytest

from autogrid.core.bot import Limits
from autogrid.core.orders import START
from autogrid.errors import RetryLater, Unavailable
from autogrid.exchange.ccxt_parse import last_close
from autogrid.exchange.port import Close
from autogrid.live.act import CLOSE_AGE_MS
from tests.unit.live import faulty as f

World, RESTING = f.World, f.RESTING
#: 2024-01-01 00:01 UTC.
AT = 1_704_067_260_000


def world(*, close=None, at=AT, now=AT, stored=None, limits=Limits()):  # noqa: B008 - frozen
    made = World(start=False, limits=limits)
    made.now = now
    made.store.close_of = lambda bot: stored
    if isinstance(close, Exception):
        made.fault("last_close", *[f.raises(close)] * 9)
    elif close is not None:
        made.fault("last_close", *[f.answers(Close(Decimal(close), at))] * 9)
    made.look()
    return made


def unchecked(made):
    return [event.data["reason"] for event in made.store.events if event.name == "price_not_checked"]


def test_a_price_far_from_the_exchange_s_last_close_is_refused_and_the_reason_says_how_old_that_is():
    made = world(close="80")
    assert made.exchange.sent == []
    assert made.bot.notes[START, -1].reason == (
        "risk: price 100.00 is 25.0% from the last close 80.00 of 2024-01-01 00:01 UTC, at most 10.0% is allowed"
    )
    assert unchecked(made) == []


def test_a_near_one_lets_it_pass_whatever_the_store_has():
    made = world(close="95", stored=5_000)
    assert made.resting == RESTING
    assert unchecked(made) == []


@pytest.mark.parametrize("age", [0, CLOSE_AGE_MS])
def test_a_close_is_used_up_to_its_age(age):
    assert world(close="80", now=AT + age).exchange.sent == []


def test_a_stale_close_is_not_used_and_that_is_said_once():
    made = world(close="80", now=AT + CLOSE_AGE_MS + 1)
    made.look()
    assert made.resting == RESTING
    assert unchecked(made) == ["the last close, of 2024-01-01 00:01 UTC, is older than 600 s"]


def test_a_stale_close_gives_way_to_the_store_s():
    made = world(close="99", now=AT + CLOSE_AGE_MS + 1, stored=5_000)
    assert "the last close 50.00 in the store" in made.bot.notes[START, -1].reason


@pytest.mark.parametrize("close", [None, Unavailable("no answer")])
def test_without_a_close_the_order_goes_and_that_is_said(close):
    made = world(close=close)
    assert made.resting == RESTING
    assert unchecked(made) == ["the exchange tells no last close, and the store has no recent one"]


def test_an_exchange_that_asks_for_a_pause_gets_it():
    with pytest.raises(RetryLater):
        world(close=RetryLater("later", 3))


def test_without_the_limit_nobody_asks():
    made = world(close=Unavailable("asked"), limits=Limits(max_price_deviation=None))
    assert made.resting == RESTING
    assert len(made.exchange.faults["last_close"]) == 9
    assert unchecked(made) == []


@pytest.mark.parametrize(
    ("now", "at", "price"),
    [
        (AT - 1, AT - 60_000, "1"),  # the newest is still open
        (AT, AT, "2"),  # nothing has traded since
        (0, AT - 60_000, "1"),  # an exchange that lives in the future
    ],
)
def test_the_candle_that_is_still_open_has_no_close(now, at, price):
    rows = [[AT - 120_000, "9", "9", "9", "1", "5"], [AT - 60_000, "9", "9", "9", "2", "5"]]
    assert last_close(rows, now) == Close(Decimal(price), at)
    assert last_close([], now) is None
