"""Every cell of a bot in every state has an order that is as it should be, or a reason."""

from collections.abc import Callable

import pytest

from autogrid.core.bot import CANCELLING, DONE, OPEN, PLANNED, SENT, Bot, Note, Order
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, SELL, START, STOP, Key
from autogrid.core.plan import plan
from autogrid.core.position import Position, Trade
from autogrid.core.regrid import leave
from autogrid.live.explain import explain, summary

MARKET = Market(tick="0.01", lot="0.001", min_notional="1")
GRID_4 = Grid(lower="90", upper="110", cells=4, amount="1")


def made(window: int | None = None, started: bool = True) -> tuple[Bot, list[Order]]:
    """A bot at 101: cells 0 and 1 wait to buy, 2 and 3 to sell; its orders rest."""
    bot = Bot(1, "Aa", "b", 1, "BTC/USDT", MARKET, GRID_4, None, 0, "", window=window)
    bot.position, bot.status, bot.last_price = Position(plan(GRID_4, MARKET, 10100)), "running", 10100
    if not started:
        return bot, []
    bot.position.apply(Trade(Key(START, -1, 0), BUY, 10100, 2000))
    wanted = sorted(bot.position.wanted(10100, window), key=lambda intent: intent.key.cell)
    return bot, [Order(i.key, 0, i.side, i.price, i.lots, f"g{n}", OPEN, n) for n, i in enumerate(wanted, 1)]


def reasons(bot: Bot, orders: list[Order]) -> list[str]:
    return [line.reason for line in explain(bot, orders)]


def test_all_is_well() -> None:
    bot, orders = made()
    lines = explain(bot, orders)
    assert [line.name for line in lines] == ["cell 0", "cell 1", "cell 2", "cell 3"]
    assert [line.reason for line in lines] == [""] * 4
    assert [line.rests for line in lines] == orders
    assert [line.should.side for line in lines if line.should] == [BUY, BUY, SELL, SELL]
    assert not any(line.missing for line in lines)
    assert summary(bot) == "running, wish run"


def status(value: str) -> Callable[[Bot, list[Order]], None]:
    def change(bot: Bot, orders: list[Order]) -> None:
        orders[1].status = value
        orders[1].sent_at_ms = 1_700_000_000_000

    return change


def gone(bot: Bot, orders: list[Order]) -> None:
    orders.pop(1)


def noted(bot: Bot, orders: list[Order]) -> None:
    orders.pop(1)
    bot.notes[GRID, 1] = Note("insufficient_funds: 95 to buy with are not there", 1_700_000_000_000, 2)


def held(bot: Bot, orders: list[Order]) -> None:
    orders.pop(1)
    bot.wish = "hold"


def moved(bot: Bot, orders: list[Order]) -> None:
    orders[1].price -= 1


def partly(bot: Bot, orders: list[Order]) -> None:
    orders[1].filled = 400
    bot.position.apply(Trade(orders[1].key, BUY, 9500, 400))


@pytest.mark.parametrize(
    ("change", "reason", "missing"),
    [
        (status(PLANNED), "written down, sent at the next tick", True),
        (status(SENT), "sent 2023-11-14 22:13:20 UTC, never answered", True),
        (status(CANCELLING), "cancel sent, not confirmed yet; placed anew", False),
        (status(DONE), "placed at the next tick", True),
        (gone, "placed at the next tick", True),
        (noted, "insufficient_funds: 95 to buy with are not there; not tried again before 2023-11-14", True),
        (held, "held: orders stay as they are, none is placed", True),
        (moved, "not what is wanted: cancelled at the next tick, then placed anew", False),
        (partly, "", False),
    ],
)
def test_one_order_is_not_as_it_should_be(change: Callable[..., None], reason: str, missing: bool) -> None:
    bot, orders = made()
    change(bot, orders)
    lines = explain(bot, orders)
    assert lines[1].reason.startswith(reason)
    assert lines[1].missing == missing
    assert [line.reason for line in lines[:1] + lines[2:]] == [""] * 3


def test_a_window() -> None:
    bot, orders = made(window=2)
    assert reasons(bot, orders) == [
        "beyond the 2 orders nearest to the price",
        "",
        "",
        "beyond the 2 orders nearest to the price",
    ]


@pytest.mark.parametrize(
    ("wish", "status", "reason", "resting", "empty"),
    [
        ("pause", "paused", None, "cancelled at the next tick", "paused"),
        ("kill", "halted", "killed", "cancelled at the next tick", "the bot is halted: killed"),
        ("run", "halted", "rules", "left as it was: the bot is halted: rules", "the bot is halted: rules"),
        ("stop", "stopped", "user", "left as it was: the bot is stopped: user", "the bot is stopped: user"),
        ("run", "refused", "code", "left as it was: the bot is refused: code", "the bot is refused: code"),
    ],
)
def test_nothing_should_rest(wish: str, status: str, reason: str | None, resting: str, empty: str) -> None:
    bot, orders = made()
    bot.wish, bot.status, bot.reason = wish, status, reason
    lines = explain(bot, orders[:2])
    assert [line.reason for line in lines] == [resting, resting, empty, empty]
    assert not any(line.missing for line in lines)
    orders[0].status, orders[1].status = CANCELLING, SENT
    assert reasons(bot, orders)[0] == "cancel sent, not confirmed yet"
    assert "never answered" in reasons(bot, orders)[1]


def test_the_start_order_comes_first() -> None:
    bot, _ = made(started=False)
    lines = explain(bot, [])
    assert [line.reason for line in lines] == ["after the start order"] * 4 + ["placed at the next tick"]
    assert lines[-1].name == "start"
    assert lines[-1].missing
    sent = Order(Key(START, -1, 0), 0, BUY, 10100, 2000, "g1", OPEN, 1, filled=2000)
    assert explain(bot, [sent])[-1].reason == "executed, its fills are booked at the next tick"


def test_stopping_sells_what_is_left() -> None:
    bot, orders = made()
    bot.position.stop("stop_loss", sell=True)
    bot.status = "stopping"
    lines = explain(bot, orders[:1])
    assert [line.reason for line in lines] == [
        "cancelled at the next tick",
        *["stopping: stop_loss"] * 3,
        "once every other order is final",
    ]
    assert (lines[-1].kind, lines[-1].name, lines[-1].should.lots) == (STOP, "stop", 2000)
    assert reasons(bot, [])[-1] == "placed at the next tick"
    bot.position.phase = "done"
    assert reasons(bot, []) == ["the bot has ended"] * 4


def test_before_the_first_price_and_what_the_account_says() -> None:
    bot = Bot(1, "Aa", "b", 1, "BTC/USDT", MARKET, GRID_4, None, 0, "", reason="for the price to reach the trigger 95")
    assert explain(bot, []) == []
    assert summary(bot) == "waiting, wish run: for the price to reach the trigger 95"
    bot, orders = made()
    lines = explain(bot, orders[1:], "account blocked: key revoked")
    assert [line.reason for line in lines] == ["account blocked: key revoked; placed at the next tick", "", "", ""]


def test_an_id_accepted_twice_and_base_that_fees_took() -> None:
    bot, orders = made()
    twice = Order(orders[0].key, 0, BUY, 9000, 1000, "g1#77", OPEN, 9)
    lines = explain(bot, [*orders, twice])
    assert lines[-1].reason == "the exchange accepted one id twice: this one is cancelled"
    bot.position.books.base_micro -= 1_000_000_000
    assert reasons(bot, orders[:3])[3] == "fees took the base that it would sell"


def test_a_grid_that_makes_room_for_the_next_one_says_so() -> None:
    bot, orders = made()
    assert bot.position is not None
    leave(bot.position, Grid(lower="95", upper="115", cells=4, amount="1"))
    orders[1].status = CANCELLING
    orders.pop(0)
    assert reasons(bot, orders) == [
        "its strategy has decided another grid, which starts once no order of this one is left",
        "cancel sent, not confirmed yet",
        *["its strategy has decided another grid: cancelled at the next tick"] * 2,
    ]
