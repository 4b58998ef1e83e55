"""A grid driven by fills, against the ladder that is driven by prices; and what exchanges do to fills."""

from fractions import Fraction

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from autogrid.core.ladder import Ladder
from autogrid.core.ledger import MICRO, Fee
from autogrid.core.orders import BUY, GRID, SELL, START, STOP, Intent, Key
from autogrid.core.position import RUNNING, STARTING, Position, Trade
from tests.unit.core.grids import plans, resting, shown, trade_of, traded

BOOKS = ("cash", "base_micro", "fees", "fees_micro", "realised", "excess_cost", "excess_revenue", "round_trips")


def chunks(draw, lots):
    """`lots` cut into parts, in any order."""
    parts = []
    while lots:
        parts.append(draw(st.integers(1, lots)))
        lots -= parts[-1]
        if len(parts) == 4 and lots:
            parts.append(lots)
            lots = 0
    return draw(st.permutations(parts))


@settings(max_examples=150, deadline=None)
@given(plans(), st.lists(st.integers(-150, 150), max_size=12), st.data())
def test_fills_in_parts_make_the_position_that_whole_fills_make_of_the_ladder(planned, moves, data):
    ladder, position = Ladder(planned), Position(planned)
    whole = Position(planned)
    price = planned.start
    fills = list(ladder.start())
    for move in moves:
        price = max(50, price + move)
        fills += ladder.leg(price)
    for fill in fills:
        for each, parts in ((whole, [fill.lots]), (position, chunks(data.draw, fill.lots))):
            if fill.kind == STOP:
                each.stop(ladder.stopped, sell=True)
            key = Key(fill.kind, fill.cell, each.cycle[fill.cell] if fill.kind == GRID else 0)
            others = {i.key.cell: i for i in each.wanted(price) if i.key != key}
            intent = Intent(key, fill.side, fill.price, fill.lots)
            for part in parts:
                assert {i.key.cell: i for i in each.wanted(price) if i.key != key} == others
                assert each.apply(trade_of(planned, intent, part))
                each.books.ledger(price)
    for name in BOOKS:
        assert getattr(position.books, name) == getattr(whole.books, name)
    assert (position.holds, position.cycle, position.done) == (whole.holds, whole.cycle, whole.done)
    if ladder.stopped is None:
        assert position.empty == ladder.empty
        assert shown(position.wanted(price)) == resting(planned, ladder.empty)
        assert position.books.lots == ladder.books.lots
        assert position.books.realised == ladder.books.realised
        # The ladder rounds each fee to whole atoms; parts are charged exactly here.
        assert abs(position.books.fees - ladder.books.fees) <= len(fills)


@settings(max_examples=150, deadline=None)
@given(traded())
def test_whatever_fills_in_whatever_order_coins_cover_what_rests(case):
    position, trades = case
    position.books.ledger(position.plan.start)  # asserts the identity
    intents = position.wanted(position.plan.start)
    assert len({intent.key[:2] for intent in intents}) == len(intents) == position.plan.n
    market = position.plan.market
    ppm = 0 if market.fee_in_base else market.maker_ppm
    buys = sum(Fraction(i.price * i.lots * (MICRO + ppm), MICRO) for i in intents if i.side == BUY)
    sells = sum(intent.lots for intent in intents if intent.side == SELL)
    # Fees are exact here; the plan's cash knows them rounded to whole atoms.
    assert position.books.cash + len(trades) + position.plan.n >= buys
    assert position.books.base_micro >= sells * MICRO
    assert position.shortage() == {}


@settings(max_examples=100, deadline=None)
@given(traded(), st.data())
def test_more_than_the_order_asked_for_is_said_and_booked(case, data):
    position, _ = case
    intent = data.draw(st.sampled_from(position.wanted(position.plan.start)))
    before = position.books.base_micro
    more = intent.lots + data.draw(st.integers(1, 50))
    trade = Trade(intent.key, intent.side, intent.price, more, Fee("quote", 0))
    assert position.apply(trade) is False
    assert position.books.base_micro == before + intent.side * more * MICRO
    position.books.ledger(intent.price)
    # Once more for an order that has turned already: booked, said, and no cell turns.
    holds, cycle = list(position.holds), list(position.cycle)
    assert position.apply(trade._replace(lots=1)) is False
    assert (position.holds, position.cycle) == (holds, cycle)
    position.books.ledger(intent.price)
    assert position.books.base_micro == before + intent.side * (more + 1) * MICRO


@settings(max_examples=100, deadline=None)
@given(traded(fee_asset="quote"), st.data())
def test_a_fee_from_base_that_the_rules_did_not_announce_shortens_sells(case, data):
    position, _ = case
    for _ in range(data.draw(st.integers(1, 4))):
        buys = [i for i in position.wanted(position.plan.start) if i.side == BUY]
        assume(buys)
        intent = data.draw(st.sampled_from(buys))
        taken = data.draw(st.integers(1, 3 * MICRO))
        assert position.apply(Trade(intent.key, BUY, intent.price, intent.lots, Fee("base", taken)))
        position.books.ledger(intent.price)
        sells = [i for i in position.wanted(position.plan.start) if i.side == SELL]
        assert sum(i.lots for i in sells) * MICRO <= position.books.base_micro
        # No more is held back than what is missing.
        assert position.books.base_micro - sum(i.lots for i in sells) * MICRO < MICRO + sum(
            lots * MICRO for cell, lots in position.books.lots.items() if not position.holds[cell]
        )
    # Everything that can be sold sells out: every cell turns, nothing is sold twice.
    for intent in [i for i in position.wanted(position.plan.start) if i.side == SELL]:
        assert position.apply(trade_of(position.plan, intent, intent.lots))
        assert position.holds[intent.key.cell] is False
        position.books.ledger(intent.price)
    assert position.books.base_micro >= 0


@settings(max_examples=60, deadline=None)
@given(traded(), st.data())
def test_fees_in_another_coin_stay_beside_the_books(case, data):
    position, _ = case
    plain = position.books.cash, position.books.base_micro, position.books.fees
    intent = data.draw(st.sampled_from(position.wanted(position.plan.start)))
    paid = Fraction(data.draw(st.integers(1, 10**9)), 10**8)
    for lots in {1, intent.lots - 1} - {0}:
        position.apply(Trade(intent.key, intent.side, intent.price, lots, Fee("BNB", paid)))
    booked = 1 if intent.lots <= 2 else 2
    assert position.books.other_fees == {"BNB": paid * booked}
    assert position.books.fees == plain[2]
    position.books.ledger(intent.price)


@settings(max_examples=60, deadline=None)
@given(traded(), st.integers(1, 8))
def test_a_window_keeps_the_orders_nearest_to_the_turning_point(case, window):
    position, _ = case
    everything = position.wanted(position.plan.start)
    some = position.wanted(position.plan.start, window)
    assert len(some) == min(window, len(everything))
    assert set(some) <= set(everything)
    for side, nearest in ((BUY, max), (SELL, min)):
        all_cells = [i.key.cell for i in everything if i.side == side]
        cells = [i.key.cell for i in some if i.side == side]
        if cells:
            assert nearest(cells) == nearest(all_cells)
        # Nothing left out is nearer than what is kept.
        left_out = set(all_cells) - set(cells)
        assert all(nearest(cell, other) == other for cell in left_out for other in cells)
    both = {i.side for i in everything}
    assert window == 1 or {i.side for i in some} == both or len(some) < 2


@settings(max_examples=60, deadline=None)
@given(plans(), st.data())
def test_the_start_order_comes_first_and_alone(planned, data):
    position = Position(planned)
    if not planned.start_lots:
        assert position.phase == RUNNING
        return
    left = planned.start_lots
    for part in chunks(data.draw, planned.start_lots):
        assert position.phase == STARTING
        intent = Intent(Key(START, -1, 0), BUY, planned.start_fill, left)
        assert position.wanted(planned.start_fill) == [intent]
        assert position.apply(trade_of(planned, intent, part))
        left -= part
    assert position.phase == RUNNING
    assert shown(position.wanted(planned.start)) == resting(planned, planned.empty)


@settings(max_examples=60, deadline=None)
@given(traded(), st.booleans(), st.data())
def test_a_stop_sells_all_whole_lots_in_parts_or_keeps_them(case, sell, data):
    position, _ = case
    price = position.plan.levels[0]
    position.stop("user", sell)
    if not sell:
        assert position.wanted(price) == []
        return
    for _ in range(3):
        intents = position.wanted(price)
        if not intents:
            break
        (intent,) = intents
        assert intent == Intent(Key(STOP, -1, 0), SELL, price, int(position.books.base_micro // MICRO))
        assert position.apply(trade_of(position.plan, intent, data.draw(st.integers(1, intent.lots))))
        position.books.ledger(price)
    for intent in position.wanted(price):
        assert position.apply(trade_of(position.plan, intent, intent.lots))
    assert position.wanted(price) == []
    position.books.ledger(price)
