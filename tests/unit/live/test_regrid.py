"""One bot whose strategy decides: what a tick makes of decisions, kills, fills in between and people."""

from decimal import Decimal

import pytest

from autogrid.core.bot import Bot
from autogrid.core.decision import UNDECIDED, Keep, Stop
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import GRID, REGRID, START
from autogrid.core.position import REGRIDDING, RUNNING
from autogrid.errors import InvalidInput
from autogrid.exchange.simulated import Simulated
from autogrid.live.memory import MemoryStore
from autogrid.live.tick import TickRules, tick


class Scripted:
    """A brain that says what a test wants."""

    def __init__(self):
        self.says = {}

    def due(self, bot, now_ms):
        return now_ms if now_ms > bot.decided_ms else None

    def decide(self, bot, at_ms, view):
        self.view = view
        said = self.says.get(at_ms, Keep())
        if isinstance(said, Exception):
            raise said
        return said


@pytest.fixture
def world():
    market = Market(tick="0.01", lot="0.001", maker_fee="0.001", taker_fee="0.001")
    exchange = Simulated("A/B", market, quote=30_000_000, last=10_000, now_ms=1)
    store, brain = MemoryStore(), Scripted()
    bot = Bot(1, "00", "b", 1, "A/B", market, UNDECIDED, Decimal(300), 0, "", strategy="scripted")
    store.add(bot)

    def look(now_ms, price=None):
        exchange.now_ms = now_ms
        if price is not None:
            exchange.arrive(price)
        return tick(1, store, exchange, lambda: now_ms, TickRules("", trailing=TickRules.trailing, brain=brain))

    return bot, exchange, store, brain, look


ONE = Grid(lower="90", upper="110", cells=2, amount="1")
TWO = Grid(lower="95", upper="105", cells=4, amount="0.5")


def test_a_bot_waits_for_its_first_grid_and_then_works_it(world):
    bot, exchange, store, brain, look = world
    look(1)
    assert (bot.status, bot.position, exchange.open_orders("A/B")) == ("waiting", None, [])
    brain.says[2] = ONE
    look(2)
    assert brain.view.equity == 300
    assert (bot.status, bot.grid, len(exchange.open_orders("A/B"))) == ("running", ONE, 2)
    assert store.events[0].name == "bot_started"


def test_a_killed_bot_goes_on_with_the_change_it_was_about_to_make(world):
    bot, exchange, store, brain, look = world
    brain.says |= {2: ONE, 3: TWO}
    look(2)
    kept = exchange.cancel
    exchange.cancel = lambda *order: (_ for _ in ()).throw(KeyboardInterrupt)  # killed at the first cancel
    with pytest.raises(KeyboardInterrupt):
        look(3)
    assert (bot.position.phase, bot.position.next_grid, bot.decided_ms) == (REGRIDDING, TWO, 3)
    exchange.cancel = kept
    look(3)
    assert (bot.position.phase, bot.grid) == (RUNNING, TWO)
    assert sorted(o.price for o in exchange.open_orders("A/B")) == [95, Decimal("97.5"), Decimal("102.5"), 105]
    assert len(store.live[1]) == 4


def test_a_fill_during_the_change_is_booked_before_the_books_close(world):
    bot, exchange, store, brain, look = world
    brain.says |= {2: ONE, 3: TWO}
    look(2)
    sell = next(order for order in exchange.open_orders("A/B") if order.side == "sell")
    cancel = exchange.cancel

    def late(symbol, client_id, exchange_id):
        if client_id == sell.client_id:
            exchange.fill(client_id, 400)
        cancel(symbol, client_id, exchange_id)

    exchange.cancel = late
    look(3, 10_000)
    assert bot.grid == TWO
    assert [(f.key.kind, f.side, f.lots) for f in store.fills] == [(START, 1, 1000), (GRID, -1, 400), (REGRID, 1, 400)]
    bot.position.books.ledger(10_000)
    # 400 lots brought 10 each; the others moved over at what they had cost.
    assert bot.position.books.realised == 1_000 * 400


@pytest.mark.parametrize("wish", ["pause", "hold"])
def test_a_paused_bot_is_not_asked(world, wish):
    bot, _, _, brain, look = world
    brain.says |= {2: ONE, 3: TWO, 4: TWO}
    look(2)
    bot.wish = wish
    look(3)
    assert (bot.grid, bot.decided_ms) == (ONE, 2)
    bot.wish = "run"
    look(4)
    assert (bot.grid, bot.decided_ms) == (TWO, 4)


def test_a_person_s_stop_ends_a_change(world):
    bot, exchange, _, brain, look = world
    brain.says |= {2: ONE, 3: TWO}
    look(2)
    bot.position.phase, bot.position.next_grid = REGRIDDING, TWO
    bot.wish = "stop_sell"
    look(3)
    assert (bot.status, bot.grid, bot.position.next_grid, exchange.base_micro) == ("stopped", ONE, None, 0)


def test_what_cannot_be_done_is_said_and_the_grid_stays(world):
    bot, exchange, store, brain, look = world
    brain.says |= {2: ONE, 3: Grid(lower="90", upper="110", cells=2, amount="50"), 4: InvalidInput("no idea")}
    look(2)
    before = exchange.open_orders("A/B")
    look(3)
    look(4)
    assert (bot.grid, exchange.open_orders("A/B")) == (ONE, before)
    refused = [event.data["reason"] for event in store.events if event.name == "decision_refused"]
    assert len(refused) == 2
    assert "cash must cover" in refused[0]
    assert refused[1] == "no idea"


def test_candles_that_are_missing_for_good_are_said_once(world):
    bot, _, store, brain, look = world
    brain.says |= {2: ONE, 3: None}
    look(2)
    look(3)
    assert (bot.grid, bot.decided_ms) == (ONE, 3)
    assert [event.name for event in store.events].count("decision_skipped") == 1


@pytest.mark.parametrize("sell", [True, False])
def test_a_strategy_ends_its_bot(world, sell):
    bot, exchange, store, brain, look = world
    brain.says |= {2: ONE, 3: Stop(sell)}
    look(2)
    look(3)
    assert (bot.status, bot.reason, exchange.open_orders("A/B")) == ("stopped", "strategy", [])
    assert (exchange.base_micro == 0) == sell
    assert "strategy_stopped" in [event.name for event in store.events]


def test_a_strategy_may_end_before_it_begins(world):
    bot, _, _, brain, look = world
    brain.says[2] = Stop()
    look(2)
    assert (bot.status, bot.reason) == ("stopped", "strategy")
