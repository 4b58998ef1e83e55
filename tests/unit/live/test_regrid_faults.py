"""Changes of the grid while the exchange misbehaves and workers die: nothing twice, nothing lost."""

import contextlib
from decimal import Decimal

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autogrid.core.bot import Bot
from autogrid.core.decision import UNDECIDED
from autogrid.core.grid import Grid
from autogrid.core.ledger import MICRO
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID
from autogrid.core.position import RUNNING
from autogrid.exchange.simulated import Simulated
from autogrid.live.memory import MemoryStore
from autogrid.live.replay import SYMBOL
from autogrid.live.tick import TickRules, tick
from tests.unit.live.faulty import T_SAFE, Crash, Faulty, dies_after, dies_before, lost_answer, never_arrived, refused
from tests.unit.live.test_regrid import Scripted

QUOTE = 10**8


class World:
    """One bot with a strategy that says what it is told, on an exchange that misbehaves."""

    def __init__(self, market):
        self.exchange = Faulty(Simulated(SYMBOL, market, quote=QUOTE, last=10_000, penetration=0))
        self.store, self.brain, self.now = MemoryStore(), Scripted(), 1
        self.bot = Bot(1, "00", "bot", 1, SYMBOL, market, UNDECIDED, Decimal(1000), 0, "x", strategy="scripted")
        self.store.add(self.bot)

    def look(self, later=1):
        self.now += later
        rules = TickRules("x", T_SAFE, brain=self.brain)
        with contextlib.suppress(Crash):
            tick(1, self.store, self.exchange, lambda: self.now, rules)

    def move(self, price):
        """The price trades to `price`, and whatever it meets fills; nobody looks meanwhile."""
        inner = self.exchange.inner
        inner.match(price)
        inner.arrive(price)


def grid_of(draw, price):
    lower = draw(st.integers(price - 1_500, price - 100))
    upper = lower + draw(st.integers(300, 2_500))
    size = draw(st.sampled_from([{"amount": "0.7"}, {"quote": "60"}, {"investment": "500"}]))
    return Grid(lower=f"{lower / 100:.2f}", upper=f"{upper / 100:.2f}", cells=draw(st.integers(1, 5)), **size)


FAULTS = {
    "place": (lost_answer, never_arrived, dies_after, dies_before, refused("would_cross"), refused("filter")),
    "cancel": (lost_answer, never_arrived, dies_after, dies_before),
}


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_books_and_orders_agree_with_the_exchange_after_any_faults(data):
    draw = data.draw
    fees = draw(st.sampled_from(["0", "0.001"]))
    asset = draw(st.sampled_from(["base", "quote"]))
    world = World(Market(tick="0.01", lot="0.001", maker_fee=fees, taker_fee=fees, buy_fee_asset=asset))
    price = 10_000
    for _ in range(draw(st.integers(2, 12))):
        for method in draw(st.lists(st.sampled_from(sorted(FAULTS)), max_size=3)):
            world.exchange.faults.setdefault(method, []).append(draw(st.sampled_from(FAULTS[method])))
        if draw(st.booleans()):
            world.brain.says[world.now + 1] = grid_of(draw, price)
        if draw(st.booleans()):
            price = max(6_000, price + draw(st.integers(-700, 700)))
            world.move(price)
        world.look(draw(st.sampled_from([1, 1, T_SAFE + 1])))
    world.exchange.faults.clear()
    for _ in range(12):
        world.look(T_SAFE + 400_000)
    bot, inner = world.bot, world.exchange.inner
    assume(bot.position is not None)
    assert bot.position.phase == RUNNING
    # Every execution is booked once, and the account has what the books say.
    assert sorted(fill.trade_id for fill in world.store.fills) == sorted(each.trade_id for each in inner.executions)
    books = bot.position.books
    spent = bot.market.atoms(bot.cash) - books.cash if bot.position.plan.regrid else bot.position.plan.cash - books.cash
    assert (QUOTE - inner.quote, inner.base_micro) == (spent, books.base_micro)
    books.ledger(price)
    # What rests is what the grid wants, each place once.
    wanted = sorted((i.key.cell, i.side, bot.market.price(i.price), bot.market.amount(i.lots))
                    for i in bot.position.wanted(price, bot.window))  # fmt: skip
    live = {order.client_id: order for order in world.store.live_orders(1)}
    rest = sorted((live[o.client_id].key.cell, BUY if o.side == "buy" else -1, o.price, o.amount - o.filled)
                  for o in inner.open_orders(SYMBOL))  # fmt: skip
    assert len(set(rest)) == len(rest)
    assert set(rest) <= set(wanted)
    # Post-only orders wait where the price has passed them by, and say so.
    missing = {cell for cell, *_ in set(wanted) - set(rest)}
    assert all(bot.notes[GRID, cell].reason.startswith("would_cross") for cell in missing)
    assert all(order.key.kind == GRID for order in live.values())
    whole = books.base_micro // MICRO
    assert sum(lots for lots in books.lots.values()) <= whole + 1
    assert len(set(world.exchange.sent)) >= len(inner.orders)


def test_it_changes_the_grid_through_all_of_that():
    """The property above is about something."""
    world = World(Market(tick="0.01", lot="0.001", maker_fee="0.001", taker_fee="0.001"))
    world.brain.says |= {
        2: Grid(lower="90", upper="110", cells=4, amount="1"),
        4: Grid(lower="95", upper="105", cells=5, amount="1"),
    }
    world.look()
    world.exchange.faults = {"cancel": [lost_answer, dies_after, never_arrived], "place": [never_arrived, dies_before]}
    world.look(2)
    assert world.bot.position.next_grid is not None
    for _ in range(6):
        world.look(T_SAFE + 1)
    assert world.bot.position.plan.regrid == 1
    assert len(world.exchange.inner.open_orders(SYMBOL)) == 5
