"""Orders larger than MARKET_LOT_SIZE, through ccxt, against an exchange that enforces its filters."""

import time
from collections.abc import Iterator
from decimal import Decimal

import pytest

from autogrid.core.bot import Bot
from autogrid.core.grid import Grid
from autogrid.core.orders import START, STOP
from autogrid.core.plan import plan
from autogrid.errors import InvalidInput
from autogrid.exchange.ccxt_adapter import CcxtExchange
from autogrid.exchange.limiter import MemoryLimiter
from autogrid.exchange.open import open_exchange
from autogrid.live.memory import MemoryStore
from autogrid.live.tick import TickRules, tick
from tests.loopback_client import Loopback

SYMBOL = "BTC/USDT"
CONFIG = {
    "markets": [{"symbol": SYMBOL, "tick": "0.01", "lot": "0.00001", "max_qty": "1.5", "max_market_qty": "0.7"}],
    "accounts": [{"name": "a", "key": "akey", "secret": "asecret", "balances": {"USDT": "10000"}}],
}
GRID = Grid(lower="90", upper="110", cells=4, amount="1", stop_loss="85")


@pytest.fixture
def loopback() -> Iterator[Loopback]:
    with Loopback(CONFIG) as running:
        running.control("print", price="100")
        yield running


@pytest.fixture
def exchange(loopback: Loopback) -> Iterator[CcxtExchange]:
    opened = open_exchange("binance", api_key="akey", secret="asecret", base_url=loopback.url, limiter=MemoryLimiter())
    yield opened
    opened.close()


def test_start_and_stop_are_sliced(loopback: Loopback, exchange: CcxtExchange) -> None:
    rules = exchange.rules(SYMBOL)
    assert (rules.max_amount, rules.max_market_amount) == (Decimal("1.5"), Decimal("0.7"))
    assert rules.max_notional == 9_000_000
    with pytest.raises(InvalidInput, match="must be at most 1.5"):
        plan(Grid(lower="90", upper="110", cells=4, amount="1.6"), rules, 10_000)
    store = MemoryStore()
    bot = Bot(1, "00", "bot", 1, SYMBOL, rules, GRID, None, 0, code_hash="x")
    store.add(bot)

    def look() -> None:
        tick(1, store, exchange, lambda: time.time_ns() // 1_000_000, TickRules("x"))

    def amounts(kind: int) -> list[Decimal]:
        found: dict[str, int] = {}
        for row in store.fills:
            if row.key.kind == kind:
                found[row.client_id] = found.get(row.client_id, 0) + row.lots
        return [rules.amount(lots) for lots in found.values()]

    look()
    look()
    bought = amounts(START)
    assert len(bought) == 3
    assert max(bought) <= Decimal("0.7")
    assert sum(bought) == rules.amount(bot.position.plan.start_lots)  # 2, grossed up for the fee
    assert len(store.live_orders(1)) == 4
    # The exchange lowers its limit while the bot trades: the filter's refusal makes it look again.
    loopback.control("market", symbol=SYMBOL, max_market_qty="0.5")
    loopback.control("print", price="84")
    for _ in range(12):
        look()
        bot.notes.clear()
    assert bot.status == "stopped"
    assert max(amounts(STOP)) <= Decimal("0.5")
    assert sum(amounts(STOP)) == rules.amount(bot.position.stop_done)
    assert exchange.open_orders(SYMBOL) == []
    assert exchange.balances()["BTC"].total < rules.lot
    assert len(store.fills) == len({(row.exchange_id, row.trade_id) for row in store.fills})
