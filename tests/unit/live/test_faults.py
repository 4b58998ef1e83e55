"""What exchanges do to an engine, row by row, against the tick in memory: nothing doubled, nothing lost."""

from dataclasses import replace
from decimal import Decimal

import pytest

from autogrid.core.bot import OPEN, PLANNED, SENT, Limits
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.errors import AccountBlocked, RetryLater
from autogrid.exchange.port import NewOrder
from autogrid.live.replay import SYMBOL
from tests.unit.live import faulty as f

World, RESTING, T_SAFE = f.World, f.RESTING, f.T_SAFE


def after_a_sale(world):
    """The price rises through 105: cell 2 sells, and its buy at 100 is what the next tick places."""
    world.market(10_501)


def test_a_quiet_bot_rests():
    world = World()
    assert world.resting == RESTING
    report = world.look()
    assert (report.placed, report.canceled, report.missing, report.unknown) == (0, 0, 0, 0)


def test_lost_answer_of_an_accepted_order_is_looked_up_and_never_sent_again():
    world = World()
    after_a_sale(world)
    world.fault("place", f.lost_answer)
    assert world.look().unknown == 1
    assert world.order_at(2).status == SENT
    world.look()
    assert world.order_at(2).status == OPEN
    assert len(world.exchange.sent) == len(set(world.exchange.sent))


def test_lost_answer_of_an_order_that_filled_at_once():
    world = World()
    after_a_sale(world)
    world.fault("place", f.lost_answer)
    world.look()
    world.market(9_999)
    world.look()
    assert world.resting == RESTING
    assert world.bot.position.books.round_trips == 1
    assert world.bot.position.empty == 2


def test_an_order_that_never_arrived_is_sent_again_under_its_id_but_only_when_it_cannot_arrive_any_more():
    world = World()
    after_a_sale(world)
    world.fault("place", f.never_arrived)
    world.look()
    world.now = T_SAFE
    world.look()
    assert world.order_at(2).status == SENT
    assert len(world.exchange.sent) == 6
    world.now = T_SAFE + 1
    world.look()
    assert world.order_at(2).status == OPEN
    assert world.exchange.sent[-1] == world.exchange.sent[-2]


def test_a_duplicate_is_our_own_order():
    world = World()
    after_a_sale(world)

    def accepted_but_called_duplicate(real, order):
        real(order)
        f.refused("duplicate")(real, order)

    world.fault("place", accepted_but_called_duplicate)
    world.look()
    assert world.order_at(2).status == OPEN


def test_one_id_accepted_twice_is_cancelled_and_both_fills_are_booked():
    world = World()
    inner, name = world.exchange.inner, world.order_at(1).client_id
    world.market(9_499)  # cell 1 buys at 95
    again = NewOrder(SYMBOL, name, "buy", Decimal(1), Decimal("94.00"))
    inner.place(again)
    world.look()
    assert "order_accepted_twice" in world.names
    assert ("buy", "94.00") not in world.resting
    inner.place(replace(again, price=Decimal("94.50")))
    inner.match(9_449)
    world.look()
    assert world.names.count("order_accepted_twice") == 2
    assert "filled_beyond_order" in world.names
    bought = sum(row.lots for row in world.store.fills if row.side == 1)
    assert bought == 4_000
    assert world.bot.position.books.base_micro == inner.base_micro


def test_an_execution_whose_order_cannot_be_looked_up_yet_is_read_again():
    world = World()
    inner, name = world.exchange.inner, world.order_at(1).client_id
    world.market(9_499)  # cell 1 buys at 95
    inner.place(NewOrder(SYMBOL, name, "buy", Decimal(1), Decimal("94.50")))
    inner.match(9_449)  # a second order of the id, filled before anybody has seen it
    before = world.bot.cursor
    world.fault("find", f.answers(None))
    report = world.look()
    assert report.unclear
    assert world.bot.cursor == before
    report = world.look()
    assert not report.unclear
    assert world.bot.cursor != before
    assert sum(row.lots for row in world.store.fills if row.side == 1) == 4_000
    assert world.bot.position.books.base_micro == inner.base_micro


def test_an_execution_of_an_order_nobody_knows_is_waited_for_no_longer_than_reads_can_lag():
    world = World()
    inner = world.exchange.inner
    inner.place(NewOrder(SYMBOL, "somebody-elses", "buy", Decimal(1), Decimal("97.00")))
    inner.match(9_699)
    world.fault("find", *[f.answers(None)] * 2)
    assert world.look().unclear
    world.now = T_SAFE + 1
    before = world.bot.cursor
    assert not world.look().unclear
    assert world.bot.cursor != before
    assert len(world.store.fills) == 1  # the start order


def test_short_lists_and_lagging_look_ups_change_nothing():
    world = World()
    world.fault("open_orders", f.answers([]))
    world.fault("find", *[f.answers(None)] * 4)
    report = world.look()
    assert (report.placed, report.canceled) == (0, 0)
    assert world.resting == RESTING
    assert len(world.store.live_orders(1)) == 4
    world.now = T_SAFE + 1
    world.fault("open_orders", f.answers([]))
    world.fault("find", *[f.answers(None)] * 4)
    world.look()
    assert "order_not_found" in world.names
    assert world.resting == RESTING


def test_a_fill_that_races_a_cancel_is_booked():
    world = World()

    def fills_first(real, *args):
        world.market(9_499)
        f.refused("unknown_order")(real, *args)

    world.bot.wish = "pause"
    world.fault("cancel", fills_first)
    world.look()
    world.look()
    assert world.bot.status == "paused"
    assert [row.side for row in world.store.fills] == [1, 1]
    assert world.bot.position.empty == 1


def test_a_lost_cancel_is_sent_again():
    world = World()
    world.bot.wish = "pause"
    asked = []
    world.exchange.faults["cancel"] = [
        lambda real, *args, fault=fault: (asked.append(args[1]), fault(real, *args))
        for fault in (f.never_arrived, f.lost_answer)
    ]
    never = world.look()
    assert asked  # both were asked for, the one that never arrived again
    assert never.canceled == 3
    assert world.resting == []
    assert world.store.live_orders(1) == []


def test_the_rest_of_a_cancelled_order_is_placed_under_a_new_id():
    world = World()
    inner, first = world.exchange.inner, world.order_at(1).client_id
    inner.match(9_499, lots=400)
    inner.cancel(SYMBOL, first, None)
    world.look()
    order = world.order_at(1)
    assert (order.lots, order.attempt) == (600, 1)
    assert order.client_id != first
    inner.arrive(9_600)
    world.market(9_499)
    world.look()
    assert world.bot.position.empty == 1
    assert sum(row.lots for row in world.store.fills if row.key.cell == 1) == 1_000


def test_dust_below_the_least_notional_is_carried():
    world = World()
    inner = world.exchange.inner
    inner.match(9_499, lots=995)
    inner.cancel(SYMBOL, world.order_at(1).client_id, None)
    world.look()
    assert world.bot.position.holds[1]  # goes on with what it got
    assert ("sell", "100.00") in world.resting
    books = world.bot.position.books
    assert books.lots[1] == 995
    inner.arrive(9_900)
    world.market(10_001)
    world.look()
    assert books.round_trips == 1
    assert books.base_micro == inner.base_micro
    books.ledger(10_000)  # raises where the identity does not hold


def test_a_fee_taken_from_base_sells_what_arrived():
    told = Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001")
    world = World(market=told, start=False)
    world.exchange.inner.market = replace_fee_asset(told)
    world.look()
    assert world.bot.position.shortage() == {3: 2}
    assert world.order_at(3).lots == 998
    assert world.order_at(2).lots == 1_000
    world.market(11_001)
    world.look()
    assert world.bot.position.empty == 4
    assert world.bot.position.books.round_trips == 2
    world.bot.position.books.ledger(11_000)


def replace_fee_asset(market):
    return Market(market.tick, market.lot, market.min_notional, market.maker_fee, market.taker_fee, "base")


@pytest.mark.parametrize("reason", ["insufficient_funds", "would_cross", "filter", "other"])
def test_a_refused_order_waits_with_its_reason(reason):
    world = World()
    after_a_sale(world)
    world.fault("place", f.refused(reason))
    report = world.look()
    assert report.rejected == 1
    assert world.bot.notes[1, 2].reason.startswith(reason)
    assert world.look().missing == 1  # not before its pause is over
    world.now = 1_001
    world.look()
    assert world.order_at(2).status == OPEN
    assert (1, 2) not in world.bot.notes
    assert world.names.count("order_rejected") == 1


def test_changed_rules_halt_the_bot():
    world = World()
    after_a_sale(world)
    world.fault("place", f.refused("filter"))
    world.exchange.inner.market = Market(tick="0.05", lot="0.01", min_notional="1")
    world.bot.market = f.MARKET
    world.look()
    assert world.bot.status == "halted"
    assert "promote the study" in world.bot.reason


def test_a_halted_market_halts_the_bot():
    world = World()
    after_a_sale(world)
    world.fault("place", f.refused("halted"))
    world.look()
    assert world.bot.status == "halted"
    assert len(world.resting) == 3  # nothing is touched
    assert world.look().skipped == "halted"


def test_rate_limits_and_bans_keep_the_id():
    world = World()
    after_a_sale(world)
    world.fault("place", f.raises(RetryLater("429", after_s=3, banned=True)))
    with pytest.raises(RetryLater):
        world.look()
    assert world.order_at(2).status == PLANNED
    world.look()
    assert world.order_at(2).status == OPEN
    assert world.exchange.sent[-1] == world.exchange.sent[-2]
    world.bot.wish = "pause"
    world.fault("cancel", f.raises(RetryLater("429")))
    with pytest.raises(RetryLater):
        world.look()
    world.look()
    assert world.resting == []


def test_a_blocked_account_leaves_its_order_sent():
    world = World()
    after_a_sale(world)
    world.fault("place", f.raises(AccountBlocked("403")))
    with pytest.raises(AccountBlocked):
        world.look()
    assert world.order_at(2).status == SENT
    world.now = T_SAFE + 1
    world.look()
    assert world.order_at(2).status == OPEN


def test_foreign_orders_are_never_touched():
    world = World()
    inner = world.exchange.inner
    inner.place(NewOrder(SYMBOL, "somebody-elses", "buy", Decimal(1), Decimal("97.00")))
    world.look()
    assert ("buy", "97.00") in world.resting
    inner.match(9_699)
    world.look()
    world.look()
    assert len(world.store.fills) == 1  # the start order
    world.bot.wish = "kill"
    inner.place(NewOrder(SYMBOL, "somebody-elses-too", "buy", Decimal(1), Decimal("80.00")))
    world.look()
    assert world.resting == [("buy", "80.00")]


def test_limits_refuse_with_a_reason():
    world = World(limits=Limits(max_open_orders=3))
    assert len(world.resting) == 3
    assert "at most 3" in world.bot.notes[1, 3].reason
    world = World(limits=Limits(max_orders_per_minute=2))
    assert len(world.resting) == 1  # the start order is one
    world.now = 60_001
    world.look()
    assert len(world.resting) == 3
    world = World(limits=Limits(max_notional=Decimal(300)))
    assert ("buy", "95.00") in world.resting
    assert ("buy", "90.00") not in world.resting


def test_a_bad_day_halts_and_cancels():
    world = World(limits=Limits(max_daily_loss=Decimal(5)), start=False)
    world.now = 86_400_000
    world.look()
    world.market(9_600)
    world.look()
    assert world.bot.status == "halted"
    assert "lost 8" in world.bot.reason
    world.look()
    assert world.resting == []


def test_a_start_price_far_from_the_last_close_waits():
    world = World(start=False)
    world.store.close_of = lambda bot: 5_000
    world.look()
    assert world.resting == []
    assert "from the last close" in world.bot.notes[0, -1].reason
    world.store.close_of = lambda bot: 9_900
    world.now = 2_000
    world.look()
    assert world.resting == RESTING


def test_a_market_order_that_was_filled_in_part_is_completed():
    world = World(start=False)

    def in_part(real, order):
        done = real(replace(order, amount=Decimal("1.5")))
        world.exchange.inner.orders[done.exchange_id] = replace(done, status="expired")
        return done

    world.fault("place", in_part)
    world.look()
    assert world.resting == RESTING
    assert [row.lots for row in world.store.fills] == [1_500, 500]


def test_a_stop_with_sale_from_a_hold():
    world = World(grid=Grid(lower="90", upper="110", cells=4, amount="1", stop_loss="88"))
    world.bot.wish = "hold"
    world.market(8_700)
    world.look()
    assert (world.bot.status, world.bot.reason) == ("stopped", "stop_loss")
    assert world.resting == []
    assert world.exchange.inner.base_micro == 0
