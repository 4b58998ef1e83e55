"""Start and stop orders larger than the exchange takes at once: slice after slice, each written down first."""

import contextlib
from dataclasses import replace

import pytest

from autogrid.core.grid import Grid
from autogrid.core.orders import START, STOP
from autogrid.core.position import RUNNING, STARTING
from autogrid.live.explain import explain
from autogrid.live.replay import replay
from tests.unit.live import faulty as f

World, RESTING = f.World, f.RESTING

#: The start order buys 2 and is sent in three slices.
SLICED = replace(f.MARKET, max_market_amount="0.7")


def lots(world, kind):
    return [row.lots for row in world.store.fills if row.key.kind == kind]


def until_quiet(world, most=20):
    for _ in range(most):
        if not (world.look().missing or (world.store.live_orders(1) and world.bot.position.phase != RUNNING)):
            return
        world.now += f.T_SAFE + 1


def test_a_start_order_is_sliced_and_the_grid_rests_afterwards():
    world = World(market=SLICED)
    until_quiet(world)
    assert lots(world, START) == [667, 667, 666]
    assert len(set(world.exchange.sent)) == len(world.exchange.sent)
    assert world.resting == RESTING
    assert (world.bot.position.phase, world.bot.position.start_done) == (RUNNING, 2_000)


def test_a_stop_sells_all_of_it_in_slices():
    world = World(market=SLICED, grid=Grid(lower="90", upper="110", cells=4, amount="1", stop_loss="85"))
    until_quiet(world)
    world.market(8_400)
    until_quiet(world)
    assert sum(lots(world, STOP)) == 4_000  # two cells began with base, two bought on the way down
    assert max(lots(world, STOP)) <= 700
    assert len(set(world.exchange.sent)) == len(world.exchange.sent)
    assert world.bot.status == "stopped"
    assert (world.exchange.inner.base_micro, world.resting) == (0, [])


@pytest.mark.parametrize("fault", [f.dies_after, f.dies_before, f.lost_answer, f.never_arrived])
@pytest.mark.parametrize("at", [0, 1, 2])
def test_a_crash_between_slices_buys_nothing_twice(fault, at):
    world = World(market=SLICED, start=False)
    real = world.exchange.inner.place
    sent = 0

    def place(order):
        nonlocal sent
        sent += 1
        return fault(real, order) if sent == at + 1 else real(order)

    world.exchange.inner.place = place
    for _ in range(8):
        with contextlib.suppress(f.Crash):
            world.look()
        world.now += f.T_SAFE + 1
    assert sum(lots(world, START)) == 2_000
    assert world.exchange.inner.base_micro == 2_000 * 1_000_000
    assert world.resting == RESTING
    assert len(world.store.live_orders(1)) == 4


def test_between_slices_the_bot_is_still_starting_and_says_so():
    world = World(market=SLICED, start=False)
    # The exchange does it, and its reads lag behind.
    world.fault("place", f.lost_answer)
    world.look()
    assert world.bot.position.phase == STARTING
    (order,) = world.store.live_orders(1)
    assert (order.lots, order.attempt) == (667, 0)
    order.status = "open"
    line = next(line for line in explain(world.bot, [order]) if line.kind == START)
    assert line.should.lots == 2_000
    assert line.reason == "a slice: the exchange takes no more in one market order, the rest follows"


def test_a_stop_wished_between_slices_sells_what_was_bought():
    world = World(market=SLICED, start=False)
    world.fault("place", f.lost_answer)
    world.look()
    world.bot.wish = "stop_sell"
    until_quiet(world)
    world.look()
    assert world.bot.status == "stopped"
    assert (sum(lots(world, START)), sum(lots(world, STOP))) == (667, 667)


def test_the_risk_of_a_sliced_order_is_that_of_the_whole():
    limits = replace(f.Limits(), max_notional="150")
    world = World(market=SLICED, limits=limits)
    assert world.exchange.sent == []
    assert world.bot.notes[START, -1].reason.startswith("risk: 200.00000 would rest and be held")


def refusals(world, count):
    """The start order is refused so often; what the bot is then."""
    for _ in range(count):
        world.fault("place", f.refused("filter"))
        world.look()
        world.now = max(note.until_ms for note in world.bot.notes.values())
    return world


def test_a_start_order_refused_by_the_filters_again_and_again_halts_the_bot():
    world = refusals(World(start=False), 4)
    assert world.bot.status == "running"
    (line,) = [line for line in explain(world.bot, []) if line.kind == START]
    assert line.reason.startswith("filter: filter says the exchange; not tried again before 1970-01-01")
    assert line.reason.endswith("refused 4 times in a row")
    assert world.names.count("order_rejected") == 1
    refusals(world, 1)
    assert world.bot.status == "halted"
    assert world.bot.reason == (
        "the start order of 2.000 was refused 5 times: filter says the exchange; "
        "stop this bot and promote the study with amounts that fit"
    )
    assert "bot_halted" in world.names
    sent = len(world.exchange.sent)
    world.look()
    assert len(world.exchange.sent) == sent


def test_other_refusals_of_a_start_order_do_not_halt_it():
    world = World(start=False)
    for reason in ["filter", "filter", "insufficient_funds", "filter", "filter", "insufficient_funds", "filter"]:
        world.fault("place", f.refused(reason))
        world.look()
        world.now = world.bot.notes[START, -1].until_ms
    assert world.bot.status == "running"
    world.look()
    world.look()
    assert world.resting == RESTING


def test_base_that_cannot_be_sold_asks_for_a_person_and_is_tried_on():
    world = World(grid=Grid(lower="90", upper="110", cells=4, amount="1", stop_loss="85"))
    world.market(8_400)
    world.fault("place", *[f.refused("filter")] * 6)
    for _ in range(7):
        world.look()
        world.now = max((note.until_ms for note in world.bot.notes.values()), default=world.now)
    assert world.names.count("order_stuck") == 1
    stuck = next(event for event in world.store.events if event.name == "order_stuck")
    assert stuck.level == "critical"
    assert stuck.data["reason"].startswith("the stop order of 4.000 was refused 5 times: filter says the exchange")
    world.look()
    assert world.bot.status == "stopped"
    assert (world.store.live_orders(1), world.exchange.inner.base_micro) == ([], 0)


def test_a_replay_makes_one_start_order_whatever_the_exchange_takes():
    rows = [(0, 10_100, 10_100, 10_100, 10_100)]
    fills = [replay(Grid(lower="90", upper="110", cells=4, amount="1"), m, rows).fills for m in (f.MARKET, SLICED)]
    assert fills[0] == fills[1]
    assert [row.lots for row in fills[0]] == [2_000]
