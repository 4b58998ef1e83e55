"""Every row of the fault catalogue once on its own, through Celery and real ccxt, against the loopback exchange.

Each row has a bot, an account and a market to itself; most of them go wrong at the same time, to save the minutes.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from autogrid.core.grid import Grid
from autogrid.store import accounts
from tests.e2e.books import compare
from tests.e2e.campaign_rules import OPEN, POST, RULES
from tests.e2e.stack import Stack

#: Rows that hit everybody; they come one after the other at the end.
SHARED = (21, 22, 23, 30)
ROWS = [row for row in range(1, 31) if row not in SHARED]
#: What is done instead of, or besides, the rules of the campaign.
COMMANDS: dict[int, tuple[str, dict[str, Any]]] = {
    16: ("fee", {"fee_asset": "received"}),
    17: ("fee", {"fee_asset": "BNB", "fee_price": "10"}),
    19: ("market", {"lot": "0.1"}),
    26: ("key", {"revoked": True}),
    27: ("market", {"status": "BREAK"}),
    29: ("stream", {"action": "mute", "target": "user", "seconds": 2}),
}
EXTRA: dict[int, list[dict[str, Any]]] = {
    10: [{"method": "GET", "path": "/(order|openOrders|myTrades)$", "action": "lag", "seconds": 0.6}],
    11: [{**OPEN, "action": "short", "drop": 3, "times": 4}],
    15: [{**POST, "action": "kill", "fill": "0", "final": "EXPIRED", "times": 2}],
    24: [{"action": "error", "status": 503, "code": -1008, "stage": "before", "times": 3}],
    25: [{**POST, "action": "status", "status": 403, "stage": "before", "times": 1}],
}
#: Events that a row must leave, and events that it must not.
EVENTS = {
    9: "order_accepted_twice", 15: "order_ended_by_exchange", 18: "order_ended_by_exchange", 19: "bot_halted",
    20: "order_rejected", 25: "account_blocked", 26: "account_blocked", 27: "bot_halted",
}  # fmt: skip
HALTED = (19, 27)


def name(row: int) -> str:
    return f"row{row}"


def symbol(row: int) -> str:
    return f"R{row}/USDT"


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    with Stack(
        [symbol(row) for row in range(1, 31)], workers=2, beats=2, streams=True, TICK_INTERVAL_S="1.5"
    ) as running:
        yield running


@pytest.fixture(scope="module")
def bots_of(stack: Stack) -> dict[int, int]:
    """Row -> bot, its four orders resting."""
    made = {}
    for row in range(1, 31):
        stack.price(symbol(row), "101")
        account = stack.account(name(row), USDT="10000", BNB="10")
        made[row] = stack.bot(account, symbol(row), Grid(lower="90", upper="110", cells=4, amount="1"))
    for row in made:
        stack.until(lambda row=row: len(stack.open_orders(name(row))) == 4, f"orders of row {row}")
    return made


def agree(stack: Stack, bot: int, row: int) -> list[str]:
    state = stack.loopback.control("state", account=name(row))
    found = compare(stack.engine, bot, state["accounts"][name(row)], state["problems"], twice=row == 9)
    return found.problems + found.unsettled


def events(stack: Stack, bot: int) -> list[str]:
    text = "SELECT string_agg(name, ',' ORDER BY id) FROM bot_event WHERE bot_id = :b"
    return (stack.scalar(text, b=bot) or "").split(",")


def disturb(stack: Stack, row: int) -> None:
    for rule in EXTRA.get(row) or RULES.get(row, [])[:1]:
        stack.loopback.control("fault", **{"account": f"^{name(row)}$", "times": 1, "name": name(row), **rule})
    if row in COMMANDS:
        command, body = COMMANDS[row]
        where = {"symbol": symbol(row)} if command == "market" else {"account": name(row)}
        stack.loopback.control(command, **where, **body)


def calm(stack: Stack) -> None:
    control = stack.loopback.control
    control("clear")
    control("limits", lift=True)
    control("key", account=name(26), revoked=False)
    with stack.engine.begin() as connection:
        for account in accounts.listing(connection):
            if account.blocked_reason:
                accounts.unblock(connection, account.id)


def test_each_row_on_its_own(stack: Stack, bots_of: dict[int, int]) -> None:
    # A halted market fills nothing: its bot is let to place orders there.
    stack.wish(bots_of[27], "pause")
    stack.until(lambda: not stack.open_orders(name(27)) and not agree(stack, bots_of[27], 27), "row 27 paused")
    for row in ROWS:
        disturb(stack, row)
    stack.wish(bots_of[27], "run")
    cancelling = [
        row for row in ROWS if any(rule["method"] == "DELETE" for rule in RULES.get(row, []) if "method" in rule)
    ]
    assert cancelling == [12, 14]
    for row in ROWS:
        # A sell fills: its cell wants a buy. Or all orders are to be cancelled.
        if row in cancelling:
            stack.wish(bots_of[row], "pause")
        else:
            stack.price(symbol(row), "106")

    def waiting() -> list[str]:
        return [rule["name"] for rule in stack.loopback.control("faults")["rules"] if not rule["fired"]]

    stack.until(lambda: not waiting(), "every fault to happen")
    for row in HALTED:
        stack.until(lambda row=row: stack.row(bots_of[row]).status == "halted", f"row {row} to halt")
    for row in (25, 26):
        blocked = "SELECT blocked_reason FROM account WHERE name = :n"
        stack.until(lambda row=row, text=blocked: stack.scalar(text, n=name(row)), f"row {row} to be blocked")
    time.sleep(1.5)
    calm(stack)
    for row in cancelling:
        stack.wish(bots_of[row], "run")
    for price in ("106", "94", "111"):
        for row in ROWS:
            stack.price(symbol(row), price)
        for row in ROWS:
            if row in HALTED:
                continue
            bot = bots_of[row]
            try:
                stack.until(lambda bot=bot, row=row: not agree(stack, bot, row), f"row {row} after {price}")
            except AssertionError as error:
                raise AssertionError(f"row {row}: {agree(stack, bot, row)} {stack.row(bot)}") from error
    for row in ROWS:
        seen = events(stack, bots_of[row])
        assert (row not in EVENTS) or EVENTS[row] in seen, (row, seen)
        assert ("order_accepted_twice" in seen) == (row == 9), (row, seen)
        assert (stack.row(bots_of[row]).status == "halted") == (row in HALTED), row


@pytest.mark.parametrize("row", [1, 2, 3, 4, 5, 6, 7, 8, 10])
def test_the_same_id_or_none(stack: Stack, bots_of: dict[int, int], row: int) -> None:
    """An order whose outcome was unknown is never sent under another id."""
    orders = stack.loopback.control("state", account=name(row))["accounts"][name(row)]["orders"]
    assert {order["clientOrderId"][-2:] for order in orders} == {"00"}
    assert len({order["clientOrderId"] for order in orders}) == len(orders)
    assert "order_rejected" not in events(stack, bots_of[row])


def test_clock_drift(stack: Stack, bots_of: dict[int, int]) -> None:
    stack.loopback.control("clock", offset_ms=-60_000)
    stack.price(symbol(21), "106")
    stack.until(lambda: stack.row(bots_of[21]).last_price == 10600 and not agree(stack, bots_of[21], 21), "row 21")
    stack.loopback.control("clock")


@pytest.mark.parametrize(("row", "status"), [(22, 429), (23, 418)])
def test_bans_are_waited_for(stack: Stack, bots_of: dict[int, int], row: int, status: int) -> None:
    before = stack.loopback.control("state")["statuses"].get(str(status), 0)
    began = time.monotonic()
    stack.loopback.control(
        "fault", action="status", status=status, retry_after=2, stage="before", account=f"^{name(row)}$"
    )
    stack.price(symbol(row), "106")

    def asked() -> int:
        return stack.loopback.control("state")["statuses"].get(str(status), 0) - before

    stack.until(asked, "the refusal")
    time.sleep(3)
    stack.loopback.control("clear")
    count, pauses = asked(), 1 + (time.monotonic() - began) / 2
    assert 1 <= count <= 2 * pauses, "each pause is kept to"
    stack.until(
        lambda: stack.row(bots_of[row]).last_price == 10600 and not agree(stack, bots_of[row], row), f"row {row}"
    )
    assert stack.row(bots_of[row]).status == "running"


def test_workers_die_and_money_is_drained(stack: Stack, bots_of: dict[int, int]) -> None:
    stack.loopback.control("drain", account=name(30), asset="USDT")
    stack.price(symbol(30), "94")
    for worker in (0, 1):
        stack.kill_worker(worker)
    notes = "SELECT notes::text FROM bot WHERE id = :b"
    stack.loopback.control("drain", account=name(30), asset="USDT")
    stack.price(symbol(30), "106")
    stack.loopback.control("drain", account=name(30), asset="USDT")
    stack.until(lambda: "insufficient_funds" in stack.scalar(notes, b=bots_of[30]), "the reason why a cell waits")
    stack.loopback.control("deposit", account=name(30), asset="USDT", amount="10000")

    # What fell due while nobody worked may be on the wrong side of the price now: it waits, with that reason.
    stack.until(lambda: "insufficient_funds" not in stack.scalar(notes, b=bots_of[30]), "funds")
    stack.until(lambda: not agree(stack, bots_of[30], 30), "row 30")
