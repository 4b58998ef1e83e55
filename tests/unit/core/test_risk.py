"""Limits: each refuses with its numbers, none refuses what it allows."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autogrid.core.bot import Bot, Limits
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, SELL, START, STOP, Intent, Key
from autogrid.core.risk import Exposure, daily_loss, refusal

MARKET = Market(tick="0.01", lot="0.001")
FREE = Limits(max_price_deviation=None)
REST = Intent(Key(GRID, 0, 0), BUY, 10_000, 1_000)  # 1 at 100.00
TAKE = Intent(Key(START, -1, 0), BUY, 10_000, 1_000)


def bot(limits):
    grid = Grid(lower="90", upper="110", cells=4, amount="1")
    return Bot(1, "Aa", "b", 1, "BTC/USDT", MARKET, grid, None, 0, "c0de", limits)


def exposure(**changes):
    return replace(Exposure(open_orders=0, notional=0, recent=0, price=10_000, close=10_000), **changes)


@pytest.mark.parametrize(
    ("limits", "intent", "found", "message"),
    [
        (
            Limits(max_price_deviation=Decimal("0.1")),
            TAKE,
            {"price": 11_001},
            "price 110.01 is 10.0% from the last close",
        ),
        (Limits(max_price_deviation=Decimal("0.1")), TAKE, {"price": 8_999}, "at most 10.0% is allowed"),
        (
            replace(FREE, max_orders_per_minute=5),
            REST,
            {"recent": 5},
            "5 orders within a minute, at most 5 are allowed",
        ),
        (replace(FREE, max_open_orders=2), REST, {"open_orders": 2}, "2 orders rest, at most 2 are allowed"),
        (
            replace(FREE, max_notional=Decimal("150")),
            REST,
            {"notional": 5_000_001},
            "150.00001 would rest and be held, at most 150",
        ),
    ],
)
def test_what_is_too_much_is_refused_with_its_numbers_and_not_counted(limits, intent, found, message):
    before = exposure(**found)
    after = exposure(**found)
    assert message in refusal(bot(limits), intent, after)
    assert after == before


@pytest.mark.parametrize(
    ("limits", "intent", "found"),
    [
        (Limits(), TAKE, {"price": 11_000}),  # exactly a tenth
        (Limits(), TAKE, {"price": 99_999, "close": None}),  # no close is known
        (Limits(), REST, {"price": 99_999}),  # resting orders name their price
        (replace(FREE, max_orders_per_minute=5), REST, {"recent": 4}),
        (replace(FREE, max_open_orders=2), REST, {"open_orders": 1}),
        (replace(FREE, max_open_orders=0), TAKE, {}),  # it does not rest
        (replace(FREE, max_notional=Decimal("150")), REST, {"notional": 5_000_000}),
        (replace(FREE, max_notional=Decimal("1")), REST._replace(side=SELL), {}),  # a sell adds nothing
    ],
)
def test_what_is_allowed_passes(limits, intent, found):
    assert refusal(bot(limits), intent, exposure(**found)) is None


INTENTS = st.builds(
    Intent,
    st.builds(Key, st.sampled_from([START, GRID, STOP]), st.integers(0, 5), st.just(0)),
    st.sampled_from([BUY, SELL]),
    st.integers(1, 20_000),
    st.integers(1, 5_000),
)


@given(st.lists(INTENTS, max_size=20), st.integers(0, 5), st.integers(0, 8), st.integers(0, 300))
def test_together_they_never_pass_a_limit(intents, resting, recent, notional):
    limits = replace(FREE, max_open_orders=resting, max_orders_per_minute=recent, max_notional=Decimal(notional))
    one, seen = bot(limits), exposure()
    allowed = [intent for intent in intents if refusal(one, intent, seen) is None]
    assert len(allowed) <= recent
    assert sum(intent.key.kind == GRID for intent in allowed) <= resting
    bought = sum(intent.price * intent.lots for intent in allowed if intent.side == BUY)
    assert bought == seen.notional <= MARKET.atoms(Decimal(notional))
    assert seen.recent == len(allowed)


@given(st.integers(-(10**12), 10**12), st.integers(0, 10**9))
def test_a_bad_day_halts(start, lost):
    one = bot(replace(FREE, max_daily_loss=Decimal("500")))
    one.day_equity = start
    reason = daily_loss(one, start - lost)
    assert (reason is None) == (lost <= 50_000_000)
    assert reason is None or reason == f"lost {MARKET.money(lost)} today, at most 500 is allowed"
    assert daily_loss(bot(FREE), -(10**15)) is None
