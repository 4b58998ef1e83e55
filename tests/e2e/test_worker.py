"""Bots on the loopback exchange through Celery: real processes only."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from autogrid.core.grid import Grid
from autogrid.errors import Conflict, InvalidInput
from autogrid.live.code import code_hash
from autogrid.store import accounts, bots, budget, kill_switch
from tests.e2e.books import compare
from tests.e2e.stack import GRID, MARKET, Stack
from tests.loopback_client import Loopback


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
    stack.until(lambda: settled(stack, bot, "trades", status="running", last_price=11100), "the last price")
    row = stack.row(bot)
    assert row.reserved_quote > Decimal(1000)


def settled(stack: Stack, bot_id: int, account: str, **wanted: object) -> bool:
    """The bot's row has these values, and the books agree."""
    row = stack.row(bot_id)
    return all(getattr(row, name) == value for name, value in wanted.items()) and agree(stack, bot_id, account)


def started(stack: Stack, name: str, symbol: str, **changes: object) -> int:
    """A bot whose four orders rest."""
    stack.price(symbol, "101")
    bot = stack.bot(stack.account(name), symbol, **changes)
    stack.until(lambda: len(stack.open_orders(name)) == 4 and agree(stack, bot, name), "four orders")
    return bot


def test_a_foreign_order_is_never_touched(stack: Stack) -> None:
    stack.price("C1/USDT", "101")
    account = stack.account("foreign")
    # It looks like ours but names another installation.
    names = ["mine", "g00000100000000000", "gZZ000100000000000"]
    for price, name in zip(("80", "81", "82"), names, strict=True):
        stack.loopback.control(
            "order", account="foreign", symbol="C1/USDT", side="BUY", qty="1", price=price, client_id=name
        )
    bot = stack.bot(account, "C1/USDT")
    for price in ("106", "94"):
        stack.until(lambda: stack.row(bot).status == "running" and len(stack.open_orders("foreign", "")) == 7, "orders")
        stack.price("C1/USDT", price)
    stack.wish(bot, "kill")
    stack.until(lambda: len(stack.open_orders("foreign", "")) == 3, "only foreign orders")
    assert sorted(o["clientOrderId"] for o in stack.open_orders("foreign", "")) == sorted(names)
    # One of them fills: no bot books it.
    stack.price("C1/USDT", "81.5")
    assert stack.scalar("SELECT count(*) FROM bot_fill WHERE bot_id = :b AND price = 8200", b=bot) == 0


def test_pause_hold_resume_stop(stack: Stack) -> None:
    bot = started(stack, "wishes", "C2/USDT")
    stack.wish(bot, "pause")
    stack.until(lambda: settled(stack, bot, "wishes", status="paused") and not stack.open_orders("wishes"), "paused")
    stack.wish(bot, "run")
    stack.until(
        lambda: settled(stack, bot, "wishes", status="running") and len(stack.open_orders("wishes")) == 4, "runs"
    )
    stack.wish(bot, "hold")
    stack.until(lambda: stack.row(bot).status == "paused", "held")
    stack.price("C2/USDT", "106")
    fills = "SELECT count(*) FROM bot_fill WHERE bot_id = :b"
    stack.until(lambda: stack.scalar(fills, b=bot) == 2, "a fill while it is held")
    assert len(stack.open_orders("wishes")) == 3
    stack.wish(bot, "stop_sell")
    stack.until(lambda: settled(stack, bot, "wishes", status="stopped", reason="user"), "stopped")
    assert not stack.open_orders("wishes")
    money = stack.loopback.control("state", account="wishes")["accounts"]["wishes"]["balances"]
    assert Decimal(money["C2"]["total"]) < Decimal("0.01")
    assert stack.row(bot).reserved_quote == 0
    stack.until(lambda: stack.row(bot).next_tick_at is None, "no longer due")


def test_a_stop_sells_at_the_traded_price(stack: Stack) -> None:
    grid = Grid(lower="90", upper="110", cells=4, amount="1", stop_loss="88")
    bot = started(stack, "stops", "C3/USDT", grid=grid)
    stack.price("C3/USDT", "87.5")
    stack.until(lambda: settled(stack, bot, "stops", status="stopped", reason="stop_loss"), "stopped")
    assert not stack.open_orders("stops")
    sold = "SELECT price FROM bot_fill WHERE bot_id = :b AND kind = 2"
    assert stack.scalar(sold, b=bot) == 8750


def test_a_trailing_grid_follows_the_price_up(stack: Stack) -> None:
    bot = started(stack, "trails", "C19/USDT", grid=Grid(lower="90", upper="110", cells=4, amount="1", trailing="up"))

    def buys() -> list[Decimal]:
        return sorted(Decimal(o["price"]) for o in stack.open_orders("trails") if o["side"] == "BUY")

    stack.price("C19/USDT", "110.01")
    stack.until(lambda: buys() == [90, 95, 100, 105] and agree(stack, bot, "trails"), "all in quote")
    stack.price("C19/USDT", "120.5")
    # 115 and 120 are traded through: two levels up, the lowest buys go, no trade.
    stack.until(lambda: buys() == [100, 105, 110, 115] and agree(stack, bot, "trails"), "two levels higher")
    assert stack.scalar("SELECT count(*) FROM bot_fill WHERE bot_id = :b", b=bot) == 3
    stack.price("C19/USDT", "114.9")
    stack.until(lambda: len(stack.open_orders("trails")) == 4 and agree(stack, bot, "trails"), "bought at 115")
    assert stack.scalar("SELECT max(price) FROM bot_fill WHERE bot_id = :b AND side = 1", b=bot) == 11500


def test_the_kill_switch_stops_all_bots_of_an_account(stack: Stack) -> None:
    stack.price("C4/USDT", "101")
    stack.price("C5/USDT", "101")
    account = stack.account("killed", USDT="5000")
    both = [stack.bot(account, symbol) for symbol in ("C4/USDT", "C5/USDT")]
    stack.until(lambda: len(stack.open_orders("killed")) == 8, "eight orders")
    with stack.engine.begin() as connection:
        switch, killed = kill_switch.engage(connection, "account", account, "test", None)
    assert killed == both
    stack.until(lambda: not stack.open_orders("killed"), "no orders")
    stack.until(lambda: [stack.row(bot).status for bot in both] == ["halted", "halted"], "halted")
    # Engaged it stays: no start is taken, and a worker does not obey one that came past the check.
    with pytest.raises(Conflict, match="kill switch"):
        stack.wish(both[0], "run")
    with stack.engine.begin() as connection:
        past = "UPDATE bot SET wish = 'run', status = 'running', next_tick_at = now() WHERE id = :b"
        connection.execute(sa.text(past), {"b": both[0]})
    stack.until(lambda: stack.row(both[0]).status == "halted", "halted again")
    assert not stack.open_orders("killed")
    with stack.engine.begin() as connection:
        kill_switch.release(connection, switch.id, None, as_admin=True)
    stack.wish(both[0], "run")
    stack.until(lambda: len(stack.open_orders("killed")) == 4, "one of them trades again")
    assert stack.row(both[1]).status == "halted"


def test_two_bots_cannot_spend_the_same_coins(stack: Stack) -> None:
    account = stack.account("budget", USDT="1500")
    first = stack.bot(account, "C6/USDT")
    new = bots.NewBot(
        name="second", account_id=account, symbol="C7/USDT", market=MARKET, grid=GRID,
        code_hash=code_hash(), exchange="binance", cash=Decimal(1000),
    )  # fmt: skip
    with stack.engine.begin() as connection:
        second = bots.create(connection, new, wish="pause")
        with pytest.raises(InvalidInput, match="no other bot uses"):
            budget.reserve(connection, second, {"USDT": Decimal(1000)}, {"USDT": Decimal(1500)})
    assert stack.row(first).reserved_quote == 1000


def test_a_cell_without_funds_waits_with_a_reason(stack: Stack) -> None:
    stack.price("C8/USDT", "101")
    bot = stack.bot(stack.account("poor", USDT="300"), "C8/USDT")
    stack.until(lambda: len(stack.open_orders("poor")) == 3, "what the money is enough for")
    notes = "SELECT notes::text FROM bot WHERE id = :b"
    stack.until(lambda: "insufficient_funds" in stack.scalar(notes, b=bot), "a reason")
    assert stack.row(bot).status == "running"
    stack.loopback.control("deposit", account="poor", asset="USDT", amount="500")
    stack.until(lambda: len(stack.open_orders("poor")) == 4 and agree(stack, bot, "poor"), "all orders")


def test_a_ban_makes_bots_wait(stack: Stack) -> None:
    def refusals() -> int:
        return int(stack.loopback.control("state", account="banned")["statuses"].get("418", 0))

    bot = started(stack, "banned", "C9/USDT")
    before = refusals()
    stack.loopback.control("ban", seconds=20)
    stack.price("C9/USDT", "106")
    stack.until(lambda: refusals() > before, "a refusal")
    stack.until(lambda: settled(stack, bot, "banned", status="running") and stack.row(bot).last_price == 10600, "after")
    assert refusals() - before <= 4, "each worker process asks at most once while an address is banned"
    # What was learnt of the ban is shared: the pause of the account that met it says until when.
    paused = "SELECT count(*) FROM account WHERE paused_until IS NOT NULL"
    stack.until(lambda: stack.scalar(paused), "a pause")


def test_a_revoked_key_blocks_the_account(stack: Stack) -> None:
    bot = started(stack, "revoked", "C10/USDT")
    stack.loopback.control("key", account="revoked", revoked=True)
    blocked = "SELECT blocked_reason FROM account WHERE name = 'revoked'"
    stack.until(lambda: stack.scalar(blocked), "blocked")
    events = "SELECT count(*) FROM bot_event WHERE bot_id = :b AND name = 'account_blocked'"
    assert stack.scalar(events, b=bot) == 1
    requests = stack.loopback.control("state")["requests"]
    stack.loopback.control("key", account="revoked", revoked=False)
    with stack.engine.begin() as connection:
        accounts.unblock(connection, accounts.get(connection, "revoked").id)
    stack.price("C10/USDT", "106")
    stack.until(lambda: settled(stack, bot, "revoked", status="running", last_price=10600), "trades again")
    assert requests


def test_a_delisted_market_halts_the_bot(stack: Stack) -> None:
    bot = started(stack, "delisted", "C11/USDT")
    stack.loopback.control("delist", symbol="C11/USDT")
    stack.until(lambda: stack.row(bot).status == "halted" and stack.row(bot).next_tick_at is None, "halted for good")
    assert stack.scalar("SELECT count(*) FROM bot_event WHERE bot_id = :b AND name = 'bot_halted'", b=bot) == 1


def test_other_code_is_refused(stack: Stack) -> None:
    stack.price("C12/USDT", "101")
    bot = stack.bot(stack.account("other"), "C12/USDT", code_hash="0" * 64)
    stack.until(lambda: stack.row(bot).status == "refused", "refused")
    assert "promote the study again" in str(stack.row(bot).reason)
    assert stack.open_orders("other") == []


def test_a_paper_bot_follows_the_candles_of_a_server(stack: Stack, tmp_path: Path) -> None:
    rows = ["ts,open,high,low,close,volume"]
    prices = [100, 103, 99, 94, 98, 104, 106, 101, 95, 92, 97, 103, 109, 104] * 8
    for minute, (before, price) in enumerate(pairwise(prices)):
        high, low = max(before, price) + 1, min(before, price) - 1
        rows.append(f"{1_700_000_040_000 + 60_000 * minute},{before},{high},{low},{price},1")
    file = tmp_path / "tape.csv"
    file.write_text("\n".join(rows) + "\n")
    options = ("--candles", str(file), "--symbol", "P/USDT", "--start-row", "20", "--speed", "300", "--no-limits")
    with Loopback(None, *options, "--tick", "0.01", "--lot", "0.001", "--min-notional", "1") as tape:
        with stack.engine.begin() as connection:
            account = accounts.add(connection, name="paper", exchange=accounts.PAPER, base_url=tape.url)
            bot = bots.create(
                connection,
                bots.NewBot(
                    name="paper", account_id=account, symbol="P/USDT", market=MARKET, grid=GRID,
                    code_hash=code_hash(), exchange="binance", cash=Decimal(1000),
                ),
            )  # fmt: skip
        fills = "SELECT count(*) FROM bot_fill WHERE bot_id = :b"
        stack.until(lambda: stack.scalar(fills, b=bot) > 5, "fills")
        assert stack.row(bot).status == "running"
