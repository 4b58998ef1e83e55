"""A live grid that moves: what it was is cancelled, also by the tick after a crash, and every look says why."""

from decimal import Decimal
from io import StringIO

import pytest
from rich.console import Console

from autogrid.cli.bots_show import explained
from autogrid.core.bot import DONE
from autogrid.core.grid import Grid
from autogrid.core.orders import GRID
from autogrid.live.explain import explain
from services.api.bots.shapes import cells_of
from tests.unit.live import faulty as f

UP = Grid(lower="90", upper="110", cells=4, amount="1", trailing="up", stop_loss="85")
DOWN = Grid(lower="90", upper="110", cells=4, amount="1", trailing="down")


class Killed(BaseException):
    """What a SIGKILL looks like from inside."""


def killed(real, *args, **kwargs):
    raise Killed


def in_quote(grid=UP, cash=True):
    world = f.World(grid, last=11_000, start=False)
    world.bot.cash = Decimal(1_000) if cash else None
    world.look()
    assert [side for side, _ in world.resting] == ["buy"] * 4
    return world


def test_it_moves_up_at_the_traded_price():
    world = in_quote()
    world.market(11_500)
    assert world.look().placed == 0
    world.market(11_501)
    report = world.look()
    assert (report.placed, report.canceled) == (1, 1)
    assert world.resting == [("buy", "100.00"), ("buy", "105.00"), ("buy", "110.00"), ("buy", "95.00")]
    assert world.names[-1] == "grid_moved"
    assert world.store.events[-1].data == {"levels": 1, "lower": "95.00", "upper": "115.00"}
    assert world.bot.position.plan.stop_loss == 9_000
    assert world.look().placed == 0


def test_it_does_not_move_where_the_cash_does_not_do():
    world = in_quote(cash=False)
    world.market(11_501)
    world.look()
    assert world.bot.position.plan.offset == 0


@pytest.mark.parametrize("wish", ["pause", "hold"])
def test_it_does_not_move_while_its_owner_lets_it_rest(wish):
    world = in_quote()
    world.bot.wish = wish
    world.market(12_101)
    world.look()
    assert world.bot.position.plan.offset == 0
    world.bot.wish = "run"
    world.look()
    assert world.bot.position.plan.offset == 2


def test_it_moves_down_and_cancels_the_highest_sell():
    world = f.World(DOWN, last=9_000)
    world.look()
    world.market(8_499)
    world.look()
    world.look()
    assert world.resting == [("sell", "100.00"), ("sell", "105.00"), ("sell", "90.00"), ("sell", "95.00")]
    assert sorted(order.key.cell for order in world.store.live_orders(1)) == [-1, 0, 1, 2]
    assert len(set(world.exchange.sent)) == len(world.exchange.sent)
    world.market(9_001)
    world.look()
    assert world.bot.position.books.round_trips == 1
    assert world.bot.position.holds == [False, True, True, True]


@pytest.mark.parametrize("method", ["cancel", "place"])
def test_a_crash_after_the_move_leaves_what_the_next_tick_does(method):
    world = in_quote()
    world.market(11_501)
    world.fault(method, killed)
    with pytest.raises(Killed):
        world.look()
    assert world.bot.position.plan.offset == 1
    lines = {line.cell: line.reason for line in explain(world.bot, world.store.live_orders(1)) if line.kind == GRID}
    assert lines[0] == "cancel sent, not confirmed yet"
    assert lines[4].startswith("written down" if method == "cancel" else "sent")
    world.now += f.T_SAFE + 1
    for _ in range(3):
        world.look()
    assert world.resting == [("buy", "100.00"), ("buy", "105.00"), ("buy", "110.00"), ("buy", "95.00")]
    assert sorted(order.key.cell for order in world.store.live_orders(1)) == [1, 2, 3, 4]


def test_a_fill_that_races_with_the_cancel_is_told_and_booked():
    world = in_quote()
    world.market(11_501)

    def filled(real, symbol, client_id, exchange_id):
        world.exchange.inner.fill(client_id, 1_000)
        real(symbol, client_id, exchange_id)

    world.fault("cancel", filled)
    for _ in range(2):
        world.look()
    assert "filled_beyond_order" in world.names
    books = world.bot.position.books
    assert (books.base_micro, books.excess_cost) == (1_000 * 10**6, 9_000 * 1_000)
    books.ledger(11_501)


def test_every_look_knows_the_cells_it_has_now():
    world = f.World(DOWN, last=9_000)
    world.look()
    dropped = world.order_at(3)
    world.market(8_499)
    world.look()
    world.look()
    dropped.status = "open"
    orders = [*world.store.live_orders(1), dropped]
    lines = explain(world.bot, orders)
    assert [line.cell for line in lines] == [-1, 0, 1, 2, 3]
    assert [line.reason for line in lines[:4]] == [""] * 4
    assert lines[4].reason == "the grid has moved away from this cell: cancelled at the next tick"
    console = Console(width=200, record=True, file=StringIO())
    console.print(explained(world.bot, orders, None))
    text = console.export_text()
    assert "85.00-90.00" in text
    assert "cell -1" in text
    shown = cells_of(world.bot, lines)
    assert [cell.cell for cell in shown.cells] == [-1, 0, 1, 2]
    assert [str(level) for level in shown.levels] == ["85.00", "90.00", "95.00", "100.00", "105.00"]
    assert str(shown.cells[0].cost) == "90.00000"
    assert dropped.status != DONE


def test_what_was_remembered_of_cells_left_behind_is_forgotten():
    world = in_quote()
    world.market(13_001)
    world.look()
    assert world.bot.position.plan.offset == 4
    assert sorted(cell for kind, cell in world.bot.attempts if kind == GRID) == [4, 5, 6, 7]
