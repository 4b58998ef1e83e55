"""A bot promoted with other code is refused with a remedy; the kill switch reaches it all the same."""

from autogrid.core.bot import Bot
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.exchange.simulated import Simulated
from autogrid.live.memory import MemoryStore
from autogrid.live.replay import SYMBOL
from autogrid.live.tick import TickRules, tick

MARKET = Market(tick="0.01", lot="0.001", min_notional="1")
GRID = Grid(lower="90", upper="110", cells=4, amount="1")


def running():
    exchange = Simulated(SYMBOL, MARKET, quote=10**9, last=10_000)
    store = MemoryStore()
    store.add(Bot(1, "00", "bot", 1, SYMBOL, MARKET, GRID, None, 0, code_hash="old"))

    def look(code):
        return tick(1, store, exchange, lambda: 0, TickRules(code))

    look("old")
    assert len(exchange.open_orders(SYMBOL)) == 4
    return store, exchange, look


def test_other_code_leaves_the_orders_and_says_how_to_go_on():
    store, exchange, look = running()
    report = look("new")
    assert (report.skipped, store.bots[1].status) == ("refused", "refused")
    assert "autogrid promote" in store.bots[1].reason
    assert len(exchange.open_orders(SYMBOL)) == 4
    assert [event.name for event in store.events].count("bot_refused") == 1
    look("new")
    assert [event.name for event in store.events].count("bot_refused") == 1
    assert look("old").status == "running"


def test_a_refused_bot_can_be_killed():
    store, exchange, look = running()
    look("new")
    store.bots[1].wish = "kill"
    look("new")
    assert exchange.open_orders(SYMBOL) == []
    assert store.bots[1].status == "halted"
    assert look("new").skipped == "halted"
