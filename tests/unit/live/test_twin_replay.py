"""Twins of bots whose strategy decides: the same grids, executed as the candles say; nothing is left unexplained."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from autogrid.core.bot import Bot, FillRow
from autogrid.core.decision import UNDECIDED, Stop
from autogrid.core.grid import Grid
from autogrid.core.market import Market
from autogrid.core.orders import BUY, GRID, REGRID, SELL, START
from autogrid.exchange.simulated import Simulated
from autogrid.live.decided import Decided
from autogrid.live.drive import Drive, Row
from autogrid.live.memory import MemoryStore
from autogrid.live.replay import SYMBOL, replay
from autogrid.live.stages import EVENTS, stages, stop
from autogrid.live.tick import TickRules, tick
from autogrid.live.twin import PARTS, Actual, Twin
from autogrid.live.twin_replay import Rules, against_replay
from tests.unit.live.test_regrid_parity import CASH, Dice, candles_of
from tests.unit.live.test_twin import roughed

MINUTE = 60_000
FREE = Market(tick="0.01", lot="0.001")
PAID = Market(tick="0.01", lot="0.001", maker_fee="0.001", taker_fee="0.001")
FEES = Market(tick="0.01", lot="0.001", min_notional="1", maker_fee="0.001", taker_fee="0.001", buy_fee_asset="base")
#: 100 is in its middle; then one around 95, and one around 104.
THREE = [
    (MINUTE, Grid(lower="90", upper="110", cells=4, amount="1")),
    (5 * MINUTE, Grid(lower="91", upper="99", cells=4, amount="0.7")),
    (9 * MINUTE, Grid(lower="100", upper="108", cells=4, amount="1")),
]
PRICES = [10_000, 10_550, 9_900, 9_600, 9_500, 9_250, 9_700, 9_200, 9_950, 10_400, 10_650, 10_150, 10_300]
WALK = [(MINUTE * n, a, max(a, b), min(a, b), b) for n, (a, b) in enumerate(pairwise(PRICES), 1)]


def bot_of(market: Market, cash: Decimal = CASH, slippage: int = 0) -> Bot:
    return Bot(1, "00", "b", 1, SYMBOL, market, UNDECIDED, cash, slippage, "", strategy="any")


def actual_of(fills: list[FillRow], events: list, market: Market, **known: object) -> Actual:
    worked = stages([(e.name, e.data) for e in events if e.name in EVENTS], market)
    return Actual(fills, None, "BASE", "QUOTE", stages=worked, **known)


def nonzero(found: Twin) -> dict[str, Fraction]:
    assert found.residual == 0
    assert set(found.parts) == set(PARTS)
    return {name: atoms for name, atoms in found.parts.items() if atoms}


def moved(fills: list[FillRow], market: Market, price: int) -> Fraction:
    """What fills have made of an equity, at a last price."""
    cash, lots = Fraction(0), Fraction(0)
    for row in fills:
        cash -= row.side * row.price * row.lots
        lots += row.side * row.lots
        if row.fee_asset == "QUOTE":
            cash -= Fraction(row.fee) / Fraction(market.atom)
        elif row.fee_asset == "BASE":
            lots -= Fraction(row.fee) / Fraction(market.lot)
    return cash + lots * price


@st.composite
def markets(draw):
    fees = draw(st.sampled_from(["0", "0.001"]))
    asset, least = draw(st.sampled_from(["base", "quote"])), draw(st.sampled_from(["0", "5", "60"]))
    return Market("0.01", "0.001", least, fees, fees, asset)


@settings(max_examples=60, deadline=None)
@given(markets(), st.integers(0, 10_000), st.integers(0, 2), st.sampled_from([None, 2, 100]))
def test_a_bot_that_nothing_happened_to_differs_in_nothing(market, seed, slippage, window):
    frame, rows = candles_of(seed, 160)
    strategy = Dice({})
    strategy.seed = seed
    done = replay(strategy, market, rows, cash=CASH, slippage_ticks=slippage, window=window, candles=frame)
    if done.position is None:
        return
    known = actual_of(done.fills, done.events, market, slippage_ticks=slippage)
    began = next(at for at, row in enumerate(rows) if row[0] == known.stages[0].since_ms)
    bot = bot_of(market, slippage=slippage)
    bot.window = window
    ended = stop([(event.name, event.data) for event in done.events])
    found = against_replay(known, bot, rows[began:], Rules(stop=ended))
    assert nonzero(found) == {}
    assert (found.difference, found.lacking, found.extra, found.untaken, found.borrowed) == (0, 0, 0, 0, 0)


@settings(max_examples=150, deadline=None)
@given(st.data(), markets(), st.integers(0, 10_000), st.integers(0, 10_000), st.integers(1, 2))
def test_the_parts_add_up_whatever_became_of_the_bot(data, market, seed, other, penetration):
    """The bot lived on other prices, with other starts, turns and stops, took decisions late, and its fills differ."""
    draw = data.draw
    frame, rows = candles_of(seed, 120)
    lived_frame, lived_rows = (frame, rows) if draw(st.booleans()) else candles_of(other, 120)
    strategy = Dice({})
    strategy.seed = seed
    done = replay(strategy, market, lived_rows, cash=CASH, slippage_ticks=1, candles=lived_frame)
    if done.position is None:
        return
    fills = draw(roughed(done.fills))
    ends = [rows[0][0] + draw(st.integers(0, 120)) * MINUTE for _ in range(4)]
    known = actual_of(
        fills, done.events, market, slippage_ticks=1,
        outages=[tuple(sorted(ends[:2]))], pauses=[tuple(sorted(ends[2:]))],
        ordered={(row.key, row.side) for row in done.fills if draw(st.booleans())},
    )  # fmt: skip
    late = sorted(draw(st.integers(0, 9 * MINUTE)) for _ in known.stages)
    known = replace(known, stages=[each._replace(since_ms=each.since_ms + ms)
                                   for each, ms in zip(known.stages, late, strict=True)])  # fmt: skip
    ended = stop([(event.name, event.data) for event in done.events])
    bot, rules = bot_of(market, slippage=1), Rules(penetration, ended)
    found = against_replay(known, bot, rows, rules)
    nonzero(found)
    assert found.actual == moved(fills, market, rows[-1][4])


def lived(market: Market, cash: Decimal = CASH, said: list = THREE, rows: list[Row] = WALK) -> Actual:
    done = replay(Decided(said), market, rows, cash=cash)
    return actual_of(done.fills, done.events, market)


def test_the_example_is_about_something():
    known = lived(FEES)
    kinds = [(row.key.kind, row.side) for row in known.fills]
    assert len(known.stages) == 3
    assert kinds[0] == (START, BUY)
    assert {(REGRID, BUY), (REGRID, SELL)} <= set(kinds)
    assert all((GRID, side) in kinds[kinds.index((REGRID, first)) :] for side in (BUY, SELL) for first in (BUY, SELL))
    assert min(stage.cycle for stage in known.stages[1:]) > 0


def last_stage(known: Actual, side: int) -> FillRow:
    """The last whole fill of a grid order of the last stage."""
    return next(r for r in known.fills[::-1] if r.key.kind == GRID and r.side == side)


@pytest.mark.parametrize(
    ("part", "change", "worth"),
    [
        ("price", lambda row: row._replace(price=row.price + 7), lambda row, close: -7 * row.side * row.lots),
        ("partials", lambda row: row._replace(lots=row.lots - 100),
         lambda row, close: -100 * row.side * (close - row.price)),
        ("fees", lambda row: row._replace(fee=row.fee + Decimal("0.01")), lambda row, close: -1_000),
        ("missed", lambda row: None, lambda row, close: -row.side * (close - row.price) * row.lots),
    ],
)  # fmt: skip
@pytest.mark.parametrize("side", [BUY, SELL])
def test_each_part_is_found_where_it_is_planted_after_two_changes(part, change, worth, side):
    known = lived(FREE)
    row = last_stage(known, side)
    put = {row: change(row)}
    fills = [each for old in known.fills if (each := put.get(old, old)) is not None]
    found = against_replay(replace(known, fills=fills), bot_of(FREE), WALK, Rules())
    assert nonzero(found) == {part: worth(row, PRICES[-1])}
    # An order of the same cell and turn rested in the second grid too: it is another one.
    ordered = {(each.key, each.side) for each in known.fills}
    said = against_replay(replace(known, fills=fills, ordered=ordered), bot_of(FREE), WALK, Rules())
    assert set(nonzero(said)) == {"path" if part == "missed" else part}


@pytest.mark.parametrize("kind", [START, REGRID])
def test_another_price_at_the_start_of_a_grid_is_the_start_price(kind):
    known = lived(FREE)
    row = next(each for each in known.fills if each.key.kind == kind)
    fills = [each._replace(price=each.price + 5) if each == row else each for each in known.fills]
    found = against_replay(replace(known, fills=fills), bot_of(FREE), WALK, Rules())
    assert nonzero(found) == {"start price": -5 * row.side * row.lots}


def test_a_decision_that_came_late_is_the_grid_s():
    """The second grid came two minutes late: what both grids would have filled meanwhile."""
    late = [THREE[0], (7 * MINUTE, THREE[1][1]), THREE[2]]
    done = replay(Decided(late), FREE, WALK, cash=CASH)
    known = actual_of(done.fills, done.events, FREE)
    worked = [each._replace(decided_ms=at) for each, (at, _) in zip(known.stages, THREE, strict=True)]
    found = against_replay(replace(known, stages=worked), bot_of(FREE), WALK, Rules())
    parts = nonzero(found)
    assert parts["grid"]
    assert set(parts) <= {"grid", "start price"}
    # Nobody looked meanwhile.
    gone = replace(known, stages=worked, outages=[(5 * MINUTE, 7 * MINUTE)])
    parts = nonzero(against_replay(gone, bot_of(FREE), WALK, Rules()))
    assert parts["outage"]
    assert set(parts) <= {"outage", "start price"}


def test_within_the_same_candle_no_decision_is_late():
    known = lived(FREE)
    seconds = [each._replace(since_ms=each.since_ms + 59_000) for each in known.stages]
    assert nonzero(against_replay(replace(known, stages=seconds), bot_of(FREE), WALK, Rules())) == {}
    # What is lacking of the new grid's first candle was not a late decision's.
    first = next(row for row in known.fills if row.key.kind == GRID and row.ts_ms == 5 * MINUTE)
    lacks = replace(known, stages=seconds, fills=[row for row in known.fills if row != first])
    parts = nonzero(against_replay(lacks, bot_of(FREE), WALK, Rules()))
    assert parts["missed"]
    assert "grid" not in parts


def test_grids_decided_after_the_last_candle_are_of_no_concern():
    known = lived(FREE)
    early = replace(known, fills=[row for row in known.fills if row.ts_ms < 8 * MINUTE])
    found = against_replay(early, bot_of(FREE), WALK[:7], Rules())
    assert (found.untaken, nonzero(found)) == (0, {})


def test_another_start_makes_other_amounts_and_they_are_the_start_price():
    """A grid of an investment, begun by the bot where more of it is base: a lot or so less in every cell."""
    said = [THREE[0], (5 * MINUTE, Grid(lower="91", upper="99", cells=4, investment="300"))]
    known = lived(FREE, said=said)
    other = replay(Decided(said), FREE, [*WALK[:4], (5 * MINUTE, 9_420, 9_500, 9_250, 9_250), *WALK[5:]], cash=CASH)
    assert stages([(e.name, e.data) for e in other.events if e.name in EVENTS], FREE)[1].empty == known.stages[1].empty
    began = actual_of(other.fills, other.events, FREE, ordered={(row.key, row.side) for row in known.fills})
    found = against_replay(began, bot_of(FREE), WALK, Rules())
    assert {row.lots for row in other.fills} != {row.lots for row in known.fills}
    assert "partials" not in nonzero(found)
    assert found.parts["start price"]


def test_a_twin_borrows_what_it_lacks_and_says_so():
    """The bot's fills were much better than its candles tell: its next grid is dearer than the twin's money."""
    said = [THREE[0], (5 * MINUTE, Grid(lower="91", upper="99", cells=4, amount="11"))]
    known = lived(PAID, Decimal(5_000), said)
    assert len(known.stages) == 2
    plenty = against_replay(known, bot_of(PAID, Decimal(5_000)), WALK, Rules())
    assert (plenty.borrowed, plenty.untaken, nonzero(plenty)) == (0, 0, {})
    poor = against_replay(known, bot_of(PAID, Decimal(2_000)), WALK, Rules())
    spent, most = 0, 0
    for row in known.fills:
        spent += row.side * row.price * row.lots + int(row.fee / PAID.atom)
        most = max(most, spent)
    assert (poor.borrowed, poor.untaken, nonzero(poor)) == (most - PAID.atoms(2_000), 0, {})
    assert poor.borrowed > 0


def test_a_grid_that_cannot_start_at_the_candle_s_open_is_not_the_twin_s():
    """Its stop is above the open: all that the bot made of it is the part grid, and the next grid is common again."""
    known = lived(FREE)
    stopped = Grid(lower="97", upper="99", cells=2, amount="2", stop_loss="96")
    worked = [known.stages[0], known.stages[1]._replace(grid=stopped), known.stages[2]]
    found = against_replay(replace(known, stages=worked), bot_of(FREE), WALK, Rules())
    assert found.untaken == 1
    parts = nonzero(found)
    assert set(parts) == {"grid"}
    # The first fills of the next grid are paired again, and what it held by then is counted from its price on.
    assert {row.ts_ms // MINUTE for row in known.fills if row.key.kind == GRID} >= {5, 6, 7, 8, 9, 10, 11}
    never = replace(known, stages=worked[1:2], fills=known.fills[3:10])
    none = against_replay(never, bot_of(FREE), WALK[4:8], Rules())
    assert (none.untaken, none.expected, none.lacking, set(nonzero(none))) == (1, 0, 0, {"grid"})


@pytest.mark.parametrize("sell", [True, False])
def test_a_strategy_s_end_is_the_twin_s_too(sell):
    said = [*THREE[:2], (8 * MINUTE, Stop(sell))]
    done = replay(Decided(said), FEES, WALK, cash=CASH)
    assert done.stopped == "strategy"
    told = [(event.name, event.data) for event in done.events]
    assert stop(told) == (8 * MINUTE, Stop(sell))
    known = actual_of(done.fills, done.events, FEES)
    found = against_replay(known, bot_of(FEES), WALK, Rules(stop=stop(told)))
    assert nonzero(found) == {}
    assert nonzero(against_replay(known, bot_of(FEES), WALK, Rules()))  # a twin that had not ended


def disturbed(rows: list[Row], said: list, rest: range, wish: str) -> tuple[MemoryStore, Bot]:
    """A bot that is paused while the rows in `rest` pass."""
    exchange, store = Simulated(SYMBOL, FREE, quote=10**12), MemoryStore()
    bot = bot_of(FREE, Decimal(10**6))
    store.add(bot)
    brain = Decided(said)

    def react() -> Bot:
        rules = TickRules("", brain=brain if walk.deciding else None)
        tick(1, store, exchange, lambda: exchange.now_ms, rules)
        return bot

    walk = Drive(exchange, react, bot, brain=brain)
    for number, row in enumerate(rows):
        before, bot.wish = bot.wish, wish if number in rest else "run"
        if bot.wish != before:
            react()
        walk.candle(row)
    return store, bot


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["pause", "hold"]),
    st.lists(st.integers(8_900, 11_100), min_size=14, max_size=40),
    st.integers(1, 3),
    st.integers(1, 6),
    st.integers(1, 6),
)
def test_what_a_pause_cost_stays_its_own_when_the_grid_changes(wish, prices, begin, length, after):
    """However far the price goes afterwards: the books of the paused grid closed where the next one began."""
    opens = [10_000, *prices]
    rows = [(n * MINUTE, a, max(a, b), min(a, b), b) for n, (a, b) in enumerate(pairwise(opens), 1)]
    changes = 1 + begin + length + after
    said = [(MINUTE, THREE[0][1]), (changes * MINUTE, THREE[1][1])]
    store, bot = disturbed(rows, said, range(begin, begin + length), wish)
    known = actual_of(store.fills, store.events, FREE, pauses=[((begin + 1) * MINUTE, (begin + length + 1) * MINUTE)])
    known = replace(known, ordered={(row.key, row.side) for row in replay(Decided(said), FREE, rows, cash=10**6).fills})
    found = against_replay(known, bot, rows, Rules())
    parts = nonzero(found)
    assert set(parts) <= {"paused"}
    assert found.parts["paused"] == found.difference
    # The price that follows changes nothing of it.
    if len(known.stages) == 2 and len(rows) > changes:
        short = rows[: changes + 1]
        early, _ = disturbed(short, said, range(begin, begin + length), wish)
        then = against_replay(replace(known, fills=early.fills), bot, short, Rules())
        assert then.parts["paused"] == found.parts["paused"]
