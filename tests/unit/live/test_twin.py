"""Every atom between a bot and its twin has a name: the residual is zero whatever happened to the bot."""

from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.core.bot import Bot, FillRow
from autogrid.core.grid import Grid
from autogrid.core.ledger import Books
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, SELL, START, Fill, Key
from autogrid.core.plan import plan
from autogrid.exchange.simulated import Simulated
from autogrid.live.drive import Drive, Row
from autogrid.live.memory import MemoryStore
from autogrid.live.replay import SYMBOL, replay
from autogrid.live.tick import TickRules, tick
from autogrid.live.twin import PARTS, Actual, compare
from autogrid.live.units import fee as fee_of

MINUTE = 60_000
GRID_4 = Grid(lower="90", upper="110", cells=4, amount="1")
ROWS = [
    (0, 10100, 10100, 10100, 10100),
    (MINUTE, 10100, 10600, 10000, 10400),
    (2 * MINUTE, 10400, 10400, 9500, 9500),
    (3 * MINUTE, 9499, 9600, 9490, 9550),
    (4 * MINUTE, 9550, 11100, 9550, 11000),
]


def market(asset: str = "quote") -> Market:
    return Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001", buy_fee_asset=asset)


def actual(fills: list[FillRow], rules: Market, **known: object) -> Actual:
    return Actual(fills, plan(GRID_4, rules, 10100), "BASE", "QUOTE", **known)


@st.composite
def roughed(draw: st.DrawFn, fills: list[FillRow]) -> list[FillRow]:
    """Fills roughed up: lost, split, at other prices, with other fees."""
    lived = []
    for row in fills:
        if draw(st.integers(0, 4)) == 0:
            continue
        parts = draw(st.integers(1, 3))
        for number in range(parts):
            lots = max(1, row.lots // parts - draw(st.integers(0, 2)))
            price = row.price + draw(st.sampled_from([0, 0, -1, 3]))
            fee = draw(st.sampled_from([row.fee / parts, Decimal(0), Decimal("0.0123"), Decimal("-0.002")]))
            asset = draw(st.sampled_from([row.fee_asset, "QUOTE", "BASE", "BNB"]))
            lived.append(
                row._replace(trade_id=f"{row.trade_id}-{number}", lots=lots, price=price, fee=fee, fee_asset=asset)
            )
    return lived


@st.composite
def lives(draw: st.DrawFn, fills: list[FillRow]) -> list[FillRow]:
    """The twin's fills, roughed up, and some nobody expected."""
    lived = draw(roughed(fills))
    for number in range(draw(st.integers(0, 3))):
        key = Key(GRID, draw(st.integers(0, 3)), draw(st.integers(3, 6)))
        side, ts = draw(st.sampled_from([BUY, SELL])), draw(st.integers(0, 5 * MINUTE))
        fee = draw(st.decimals("0", "0.2", places=4))
        lived.append(FillRow(f"x{number}", "9", "g", ts, key, side, 10_000, 500, fee, "QUOTE"))
    return lived


@settings(max_examples=200, deadline=None)
@given(st.data(), st.sampled_from(["quote", "base"]), st.integers(9000, 12000))
def test_the_parts_add_up_to_the_last_atom(data: st.DataObject, asset: str, price: int) -> None:
    rules = market(asset)
    expected = replay(GRID_4, rules, ROWS).fills
    lived = data.draw(lives(expected))
    gaps = [(data.draw(st.integers(0, 3)) * MINUTE, 5 * MINUTE)] if data.draw(st.booleans()) else []
    ordered = {(row.key, row.side) for row in expected if data.draw(st.booleans())}
    begin = data.draw(st.integers(0, 4))
    rests = [(begin * MINUTE, data.draw(st.integers(begin, 5)) * MINUTE)] if data.draw(st.booleans()) else []
    known = actual(lived, rules, ordered=ordered, outages=gaps, pauses=rests)
    found = compare(known, expected, rules, price)
    assert found.residual == 0
    assert set(found.parts) == set(PARTS)
    # The difference is that of the books.
    assert found.actual == moved(lived, rules, price)
    assert found.expected == moved(expected, rules, price)


def moved(fills: list[FillRow], rules: Market, price: int) -> Fraction:
    """What the ledger says that the equity moved."""
    bot = Bot(1, "00", "b", 1, "BASE/QUOTE", rules, GRID_4, None, 0, "")
    books = Books(plan(GRID_4, rules, 10100))
    for row in fills:
        books.apply(Fill(row.key.kind, row.key.cell, row.side, row.price, row.lots), fee_of(bot, row))
    return Fraction(books.cash) + Fraction(books.base_micro * price, 1_000_000) - books.plan.cash


def test_the_same_fills_differ_in_nothing() -> None:
    expected = replay(GRID_4, market(), ROWS).fills
    found = compare(actual(expected, market()), expected, market(), 11000)
    assert (found.difference, found.lacking, found.extra) == (0, 0, 0)
    assert not any(found.parts.values())
    assert found.actual == 2_218_300  # the worked table's 22.183 in atoms of 0.01 x 0.001


@pytest.mark.parametrize(
    ("known", "part"),
    [
        ({}, "missed"),
        ({"ordered": {(Key(GRID, 3, 0), SELL)}}, "path"),
        ({"outages": [(4 * MINUTE, 5 * MINUTE)], "ordered": {(Key(GRID, 3, 0), SELL)}}, "outage"),
        ({"outages": [(0, MINUTE)]}, "missed"),
        ({"pauses": [(4 * MINUTE, 5 * MINUTE)]}, "paused"),
        ({"pauses": [(0, MINUTE)]}, "missed"),
        # Nobody looked while it was paused: it was its owner's wish all the same.
        ({"pauses": [(4 * MINUTE, 5 * MINUTE)], "outages": [(4 * MINUTE, 5 * MINUTE)]}, "paused"),
    ],
)
def test_a_fill_that_is_lacking(known: dict[str, object], part: str) -> None:
    expected = replay(GRID_4, market(), ROWS).fills
    lacking = next(row for row in expected if row.key == Key(GRID, 3, 0))
    found = compare(actual([r for r in expected if r != lacking], market(), **known), expected, market(), 11000)
    # Sold at 110 while the last price is 110: all that differs is the fee that was not paid.
    assert {name: atoms for name, atoms in found.parts.items() if atoms} == {part: 11_000}
    assert found.lacking == 1


def test_each_kind_of_difference_has_its_own_part() -> None:
    rules = market()
    expected = replay(GRID_4, rules, ROWS).fills
    start, sell, buy = expected[0], expected[1], expected[2]
    assert (start.key.kind, sell.side, buy.side) == (START, SELL, BUY)

    def parts(index: int, **changes: object) -> dict[str, Fraction]:
        lived = [row._replace(**changes) if i == index else row for i, row in enumerate(expected)]
        found = compare(actual(lived, rules), expected, rules, 11000)
        assert found.residual == 0
        return {name: atoms for name, atoms in found.parts.items() if atoms}

    assert parts(0, price=10105) == {"start price": -5 * 2000}
    assert parts(1, price=10510) == {"price": 10 * 1000}
    assert parts(2, lots=600) == {"partials": -1000 * 400}
    assert parts(1, fee=sell.fee + Decimal("0.01")) == {"fees": -1000}
    assert parts(1, fee=sell.fee, fee_asset="BNB") == {"fees": sell.fee / rules.atom}
    assert parts(2, key=Key(GRID, 2, 7)) == {"missed": -(1000 * 1000 - 10_000), "path": 1000 * 1000 - 10_000}


def paused_life(wish: str, rules: Market, rows: list[Row], rest: range) -> list[FillRow]:
    """The fills of a bot that is paused while the rows in `rest` pass."""
    exchange, store = Simulated(SYMBOL, rules, quote=10**9), MemoryStore()
    bot = Bot(1, "00", "b", 1, SYMBOL, rules, GRID_4, None, 0, code_hash="")
    store.add(bot)

    def react() -> Bot:
        tick(1, store, exchange, lambda: exchange.now_ms, TickRules(""))
        return bot

    walk = Drive(exchange, react, bot)
    for number, row in enumerate(rows):
        before, bot.wish = bot.wish, wish if number in rest else "run"
        if bot.wish != before:
            react()
        walk.candle(row)
    return store.fills


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["pause", "hold"]),
    st.lists(st.integers(8_900, 11_100), min_size=6, max_size=40),
    st.integers(1, 20),
    st.integers(1, 20),
)
def test_what_a_pause_cost_is_the_part_paused_alone_however_long_ago_it_was(wish, prices, begin, length) -> None:
    rules = market()
    opens = [10_100, *prices]
    rows = [(n * MINUTE, a, max(a, b), min(a, b), b) for n, (a, b) in enumerate(pairwise(opens))]
    expected = replay(GRID_4, rules, rows).fills
    lived = paused_life(wish, rules, rows, range(begin, begin + length))
    rests = [(begin * MINUTE, (begin + length) * MINUTE)]
    ordered = {(row.key, row.side) for row in expected}
    found = compare(actual(lived, rules, ordered=ordered, pauses=rests), expected, rules, rows[-1][4])
    assert found.residual == 0
    assert found.parts["paused"] == found.difference
    assert {name for name, atoms in found.parts.items() if atoms} <= {"paused"}
