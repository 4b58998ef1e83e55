"""Bots on the loopback exchange through Celery: real processes only."""

from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.e2e.books import compare
from tests.e2e.stack import Stack


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack([f"C{n}/USDT" for n in range(20)], workers=1, beats=1) as running:
        yield running


def agree(stack: Stack, bot_id: int, account: str) -> bool:
    state = stack.loopback.control("state", account=account)
    return compare(stack.engine, bot_id, state["accounts"][account], state["problems"]).quiet


def test_a_bot_trades(stack: Stack) -> None:
    stack.price("C0/USDT", "101")
    account = stack.account("trades")
    bot = stack.bot(account, "C0/USDT")
    stack.until(lambda: len(stack.open_orders("trades")) == 4, "four orders")
    for price in ("106", "95", "94", "111"):
        stack.price("C0/USDT", price)
        stack.until(lambda: agree(stack, bot, "trades"), f"books after {price}")
        stack.until(lambda: len(stack.open_orders("trades")) == 4, "four orders")
    fills = stack.scalar("SELECT count(*) FROM bot_fill WHERE bot_id = :b", b=bot)
    assert fills == 7
    row = stack.row(bot)
    assert row.status == "running"
    assert row.last_price == 11100
    assert row.reserved_quote > Decimal(1000)
