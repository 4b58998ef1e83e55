"""Desired against live orders: every wanted place is kept, sent, placed or waits for an outcome; nothing twice."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from autogrid.core.bot import CANCELLING, DONE, LIVE, OPEN, PLANNED, SENT, Order
from autogrid.core.diff import diff
from autogrid.core.orders import BUY, GRID, SELL, START, STOP, Intent, Key

KEYS = st.one_of(
    st.builds(Key, st.just(GRID), st.integers(0, 4), st.integers(0, 1)),
    st.builds(Key, st.sampled_from([START, STOP]), st.just(-1), st.just(0)),
)
SIDES, PRICES, LOTS = st.sampled_from([BUY, SELL]), st.integers(1, 2), st.integers(1, 3)


def place(thing):
    return thing.key[:2]


WANTED = st.lists(st.builds(Intent, KEYS, SIDES, PRICES, LOTS), max_size=6, unique_by=place)


@st.composite
def orders(draw):
    lots = draw(LOTS)
    order = Order(draw(KEYS), 0, draw(SIDES), draw(PRICES), lots, "c", draw(st.sampled_from(LIVE)))
    order.filled = draw(st.integers(0, lots - 1))
    return order


HAVE = st.lists(orders(), max_size=6, unique_by=place)


@given(WANTED, HAVE)
def test_each_order_has_one_fate_and_each_wish_one_answer(wanted, live):
    changes = diff(wanted, live)
    fates = [id(o) for group in (changes.keep, changes.send, changes.cancel, changes.drop) for o in group]
    assert len(fates) == len(set(fates))
    waiting = [o for o in live if id(o) not in fates]
    assert all(o.status in (SENT, CANCELLING) for o in waiting)
    assert all(o.status == PLANNED for o in changes.send + changes.drop)
    assert all(o.status == OPEN for o in changes.cancel)
    taken = {place(o): o for o in live if o.status != PLANNED}
    for intent in changes.place:
        assert intent in wanted
        assert place(intent) not in taken  # never a second live order for one place
    answered = {place(x) for x in changes.place + changes.keep + changes.send + changes.cancel + waiting}
    assert {place(intent) for intent in wanted} <= answered
    assert {place(o) for o in changes.keep + changes.send} <= {place(intent) for intent in wanted}


@given(WANTED, HAVE)
def test_done_again_and_again_it_ends_and_then_nothing_is_left_to_do(wanted, live):
    for _ in range(3):
        changes = diff(wanted, live)
        dropped = {id(o) for o in changes.drop}
        rest = [o for o in live if id(o) not in dropped]
        sent = [Order(i.key, 1, i.side, i.price, i.lots, "new", OPEN) for i in changes.place]
        # Every outcome becomes known: what was sent rests, what was cancelled is gone.
        gone = {id(o) for o in changes.cancel} | {id(o) for o in rest if o.status == CANCELLING}
        live = [replace(o, status=OPEN) for o in rest if id(o) not in gone] + sent
    changes = diff(wanted, live)
    assert (changes.send, changes.cancel, changes.drop, changes.place) == ([], [], [], [])
    assert len(changes.keep) == len(wanted)
    for order in changes.keep:
        (intent,) = (i for i in wanted if place(i) == place(order))
        lacks = order.lots - order.filled
        assert order.side == intent.side
        assert lacks == intent.lots or (order.is_market and lacks < intent.lots)  # a slice, the rest follows it
        assert order.is_market or order.price == intent.price


def test_a_partly_filled_order_is_kept_while_its_rest_is_wanted():
    key = Key(GRID, 3, 7)
    order = Order(key, 0, BUY, 100, 10, "c", OPEN, filled=4)
    assert diff([Intent(key, BUY, 100, 6)], [order]).keep == [order]
    assert diff([Intent(key, BUY, 100, 10)], [order]).cancel == [order]
    turned = diff([Intent(key._replace(cycle=8), SELL, 110, 10)], [order])
    assert (turned.cancel, turned.place) == ([order], [])
    assert order.status != DONE
