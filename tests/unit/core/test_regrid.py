"""Section 10 of the contract: what changes hands when one grid takes another's place."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autogrid.core.codec import pack_plan, pack_position, unpack_plan, unpack_position
from autogrid.core.grid import Grid
from autogrid.core.ladder import Ladder
from autogrid.core.ledger import MICRO
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, REGRID, SELL, Key, OrderName, client_id, parse_client_id
from autogrid.core.plan import plan
from autogrid.core.position import RUNNING, STARTING, Position, Trade
from autogrid.core.regrid import Change, leave, regridded, stay, successor
from autogrid.core.sizing import buy_cost
from autogrid.errors import InvalidInput

MARKET = Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001")


def market_of(draw):
    fees = draw(st.sampled_from(["0", "0.001", "0.0025"]))
    asset = draw(st.sampled_from(["base", "quote"]))
    least = draw(st.sampled_from(["0", "1", "40"]))
    return Market(tick="0.01", lot="0.001", min_notional=least, maker_fee=fees, taker_fee=fees, buy_fee_asset=asset)


def grid_of(draw, price):
    """A grid around a price in ticks, which may lie outside of it."""
    lower = max(20, price + draw(st.integers(-4000, 500)))
    upper = lower + draw(st.integers(200, 5000))
    size = draw(st.sampled_from([{"amount": "1.5"}, {"quote": "120"}, {"investment": "700"}]))
    return Grid(lower=f"{lower / 100:.2f}", upper=f"{upper / 100:.2f}", cells=draw(st.integers(1, 9)), **size)


@st.composite
def histories(draw):
    """A ladder and a path of legs (int) and new grids (Grid)."""
    market, start = market_of(draw), draw(st.integers(8000, 12000))
    slippage = draw(st.integers(0, 3))
    try:
        planned = plan(grid_of(draw, start), market, start, cash="5000", slippage_ticks=slippage)
    except InvalidInput:
        assume(False)
    steps, price = [], start
    for _ in range(draw(st.integers(1, 12))):
        if draw(st.booleans()):
            price = max(100, price + draw(st.integers(-900, 900)))
            steps.append(price)
        else:
            steps.append(grid_of(draw, price))
    return planned, slippage, steps


@settings(max_examples=200, deadline=None)
@given(histories())
def test_books_close_at_the_price_and_nothing_is_overdrawn(history):
    planned, slippage, steps = history
    ladder = Ladder(planned, penetration=0, slippage=slippage)
    price = planned.start
    list(ladder.start())
    for step in steps:
        books = ladder.books
        if isinstance(step, int):
            price = step
            list(ladder.leg(price))
        else:
            paper = sum(price * books.lots[cell] - books.cost[cell] for cell in books.lots)
            before, old = books.realised, ladder.plan
            try:
                fills = list(ladder.regrid(step, price))
            except InvalidInput:
                assert (ladder.plan, books.realised) == (old, before)
                continue
            assert [fill.kind for fill in fills] == [REGRID] * len(fills)
            traded = sum(fill.lots for fill in fills)
            assert books.realised == before + paper - slippage * traded
            now = ladder.plan
            held = {cell: now.lots[cell] for cell in range(ladder.empty, now.n)}
            assert books.lots == held
            assert books.cost == {cell: lots * price for cell, lots in held.items()}
            left = books.base_micro - sum(held.values()) * MICRO
            assert left >= 0
            # What stays beside the cells could not be ordered: a remainder, or too little to sell or to buy.
            excess = left // MICRO
            lifted = fills and fills[0].side == BUY and fills[0].lots * price < 2 * old.market.min_notional_atoms
            assert excess <= 1 or excess * price < old.market.min_notional_atoms or lifted
        assert books.cash >= sum(
            buy_cost(ladder.plan.market, ladder.plan.levels[i], ladder.plan.lots[i], ladder.plan.market.maker_ppm)
            for i in range(ladder.empty)
        )
        assert books.base_micro >= 0
        books.ledger(price)  # checks the identity


@settings(max_examples=100, deadline=None)
@given(histories())
def test_a_position_follows_the_ladder_through_every_regrid(history):
    planned, slippage, steps = history
    ladder, position = Ladder(planned, penetration=0, slippage=slippage), Position(planned)
    price, names = planned.start, set()

    def book(fills):
        nonlocal position
        for fill in fills:
            key = position.plan.opening if fill.kind != GRID else Key(GRID, fill.cell, position.cycle[fill.cell])
            assert (key, fill.side) not in names
            names.add((key, fill.side))
            assert position.apply(Trade(key, fill.side, fill.price, fill.lots))

    book(ladder.start())
    for step in steps:
        if isinstance(step, int):
            price = step
            book(ladder.leg(price))
        else:
            try:
                fills = list(ladder.regrid(step, price))
                made = regridded(position.books, Change(step, price, slippage))
            except InvalidInput:
                continue
            leave(position, step)
            assert position.wanted(price) == []
            saved = unpack_position(pack_position(position), position.plan)
            assert (saved, saved.next_grid) == (position, step)
            position = successor(position, made)
            assert position.phase == (STARTING if fills else RUNNING)
            assert unpack_plan(pack_plan(made), step, made.market) == made
            assert [(i.key, i.side, i.lots) for i in position.wanted(price) if i.key.kind != GRID] == [
                (Key(REGRID, -1, made.regrid), fill.side, fill.lots) for fill in fills
            ]
            book(fills)
        assert position.phase == RUNNING
        assert (position.plan, position.books) == (ladder.plan, ladder.books)
        assert position.empty == ladder.empty


def test_worked_by_hand():
    """Cells 90..110 with one coin each, at 101; then 100..120 at 106: cell 3 is held at 101, two coins are needed."""
    grid = Grid(lower="90", upper="110", cells=4, amount="1")
    ladder = Ladder(plan(grid, MARKET, 10100), slippage=2)
    list(ladder.start())
    list(ladder.leg(10600))
    assert (ladder.books.lots, ladder.books.realised) == ({3: 1000}, (10500 - 10100) * 1000)
    assert ladder.books.cost == {3: 10100 * 1000}  # the plan was made without slippage
    cash = ladder.books.cash
    # Levels 100 105 110 115 120; 106 is nearest to 105: cells 1, 2 and 3 begin in base.
    fills = list(ladder.regrid(Grid(lower="100", upper="120", cells=4, amount="0.9"), 10600))
    assert [(f.kind, f.cell, f.side, f.price, f.lots) for f in fills] == [(REGRID, -1, BUY, 10602, 1700)]
    assert ladder.books.realised == 400 * 1000 + 500 * 1000 - 2 * 1700
    assert ladder.books.cash == cash - 10602 * 1700 - (10602 * 1700 + 500) // 1000
    assert ladder.books.lots == {1: 900, 2: 900, 3: 900}
    # Too much now: one cell of 0.5 is held of 2.7 coins.
    fills = list(ladder.regrid(Grid(lower="90", upper="110", cells=2, amount="0.5"), 10000))
    assert [(f.side, f.price, f.lots) for f in fills] == [(SELL, 9998, 2200)]
    assert ladder.books.realised == 900_000 - 3_400 - 600 * 2700 - 2 * 2200
    books = ladder.books.ledger(10000)
    assert books.equity - books.equity_start == books.realised + books.unrealised - books.fees


def test_what_cannot_be_ordered_is_not_traded_or_is_lifted():
    market = replace(MARKET, min_notional=50)
    ladder = Ladder(plan(Grid(lower="90", upper="110", cells=2, amount="1"), market, 10000, cash="1000"))
    list(ladder.start())
    assert ladder.books.lots == {1: 1000}
    assert list(ladder.regrid(Grid(lower="90", upper="110", cells=2, amount="0.6"), 10000)) == []
    assert (ladder.books.base_micro, ladder.books.lots) == (1000 * MICRO, {1: 600})
    assert list(ladder.regrid(Grid(lower="90", upper="110", cells=2, amount="1"), 10000)) == []
    assert ladder.books.lots == {1: 1000}
    (fill,) = ladder.regrid(Grid(lower="90", upper="110", cells=2, amount="1.1"), 10000)
    assert (fill.side, fill.lots) == (BUY, 500)
    assert (ladder.books.base_micro, ladder.books.lots) == (1500 * MICRO, {1: 1100})


def test_what_cannot_be_paid_for_is_refused_and_changes_nothing():
    ladder = Ladder(plan(Grid(lower="90", upper="110", cells=2, amount="1"), MARKET, 10000))
    list(ladder.start())
    before = (ladder.plan, ladder.books.cash, dict(ladder.books.lots))
    with pytest.raises(InvalidInput, match="cash must cover"):
        list(ladder.regrid(Grid(lower="90", upper="110", cells=2, amount="5"), 10000))
    with pytest.raises(InvalidInput, match="a trigger"):
        list(ladder.regrid(Grid(lower="90", upper="110", cells=2, amount="1", trigger="95"), 10000))
    with pytest.raises(InvalidInput, match="trailing"):
        list(ladder.regrid(Grid(lower="90", upper="110", cells=2, amount="1", trailing="up"), 10000))
    assert (ladder.plan, ladder.books.cash, ladder.books.lots) == before


def test_late_fills_of_an_old_grid_are_told_apart():
    position = Position(plan(Grid(lower="90", upper="110", cells=2, amount="1"), MARKET, 10000, cash="300"))
    assert position.apply(Trade(position.plan.opening, BUY, 10000, 1000))
    leave(position, (grid := Grid(lower="95", upper="105", cells=2, amount="1")))
    stay(position)
    assert (position.phase, position.next_grid) == (RUNNING, None)
    after = successor(position, regridded(position.books, Change(grid, 10000)))
    assert after.cycle == [1, 1]
    assert not after.apply(Trade(Key(GRID, 0, 0), BUY, 9000, 1000))
    assert not after.apply(Trade(Key(REGRID, -1, 7), BUY, 9000, 1))
    after.books.ledger(10000)


@pytest.mark.parametrize("cycle", [1, 62, 62**4 - 1])
def test_names_of_regrid_orders(cycle):
    name = OrderName("ab", 7, 0, Key(REGRID, -1, cycle), 3)
    assert parse_client_id(client_id(name)) == name


def test_a_strategy_stops_a_ladder():
    ladder = Ladder(plan(Grid(lower="90", upper="110", cells=2, amount="1"), MARKET, 10000), slippage=1)
    list(ladder.start())
    assert [(f.price, f.lots) for f in ladder.stop(10050, sell=True)] == [(10049, 1000)]
    assert ladder.stopped == "strategy"
    assert list(ladder.leg(8000)) == []
